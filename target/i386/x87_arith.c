/* SPDX-License-Identifier: MIT */
/*
 * x87 arithmetic: the four operations, the transcendental functions, and
 * comparison.  Each helper checks its operands for emptiness, lets the host
 * compute, and writes the result unless an unmasked exception forbids it.
 * Source: SDM vol. 1, 8.3 "x87 FPU Instruction Set".
 */
#include "target/i386/helpers.h"
#include "target/i386/x87_host.h"
#include "tcg/ir.h"

/* --- ADD, MUL, SUB, DIV --- */

static bool binary(X86CPU *cpu, X87Binary *op, unsigned codes, X87Reg *d,
                   const void *b)
{
    X87State *x = &cpu->x87;
    unsigned host;

    x87_host_enter(x);
    host = op(d, x87_st(x, 0), b);
    x87_host_leave(x);
    return x87_report(cpu, host, codes);
}

/* ST(0) op ST(@i) to @d; true if it is to be written. */
static bool binary_st(X86CPU *cpu, X87Binary *op, unsigned codes, X87Reg *d,
                      unsigned i)
{
    X87State *x = &cpu->x87;

    if (unlikely(!x87_has(x, 0) || !x87_has(x, i))) {
        *d = x87_indefinite;
        return x87_stack_fault(cpu, 0);
    }
    return binary(cpu, op, codes, d, x87_st(x, i));
}

static X87Binary *arith_of(X87Format format, uint64_t info)
{
    return x87_host_arith[format][x87_info_reg(info)];
}

/* D8: to ST(0) */
void helper_x87_arith_st0(X86CPU *cpu, uint64_t info)
{
    X87State *x = x87_begin(cpu, info);
    X87Reg d;

    if (binary_st(cpu, arith_of(X87_ST, info), X87_C1, &d,
                  x87_info_rm(info))) {
        x87_set(x, 0, &d);
    }
}

/* DC: to ST(i).  With that, SUB and SUBR (DIV and DIVR) swap their places in
 * the opcode: field 4 is ST(0) - ST(i) in both. */
void helper_x87_arith_sti(X86CPU *cpu, uint64_t info)
{
    X87State *x = x87_begin(cpu, info);
    X87Reg d;

    if (binary_st(cpu, arith_of(X87_ST, info), X87_C1, &d,
                  x87_info_rm(info))) {
        x87_set(x, x87_info_rm(info), &d);
    }
}

/* DE: to ST(i), then pop */
void helper_x87_arith_pop(X86CPU *cpu, uint64_t info)
{
    X87State *x = x87_begin(cpu, info);
    X87Reg d;

    if (binary_st(cpu, arith_of(X87_ST, info), X87_C1, &d,
                  x87_info_rm(info))) {
        x87_set(x, x87_info_rm(info), &d);
        x87_pop(x);
    }
}

static void arith_mem(X86CPU *cpu, X87Format format, uint64_t value,
                      uint64_t ea, uint64_t info)
{
    X87State *x = x87_begin_mem(cpu, ea, info);
    X87Reg d = x87_indefinite;
    bool write;

    if (likely(x87_has(x, 0))) {
        write = binary(cpu, arith_of(format, info), X87_C1, &d, &value);
    } else {
        write = x87_stack_fault(cpu, 0);
    }
    if (write) {
        x87_set(x, 0, &d);
    }
}

void helper_x87_arith_f32(X86CPU *cpu, uint64_t value, uint64_t ea,
                          uint64_t info)
{
    arith_mem(cpu, X87_F32, value, ea, info);
}

void helper_x87_arith_f64(X86CPU *cpu, uint64_t value, uint64_t ea,
                          uint64_t info)
{
    arith_mem(cpu, X87_F64, value, ea, info);
}

void helper_x87_arith_i16(X86CPU *cpu, uint64_t value, uint64_t ea,
                          uint64_t info)
{
    arith_mem(cpu, X87_I16, value, ea, info);
}

void helper_x87_arith_i32(X86CPU *cpu, uint64_t value, uint64_t ea,
                          uint64_t info)
{
    arith_mem(cpu, X87_I32, value, ea, info);
}

/* --- functions of ST(0), and of ST(0) and ST(1) --- */

/* FSQRT, FRNDINT, F2XM1, FSIN, FCOS; C2 says that the argument of the last two
 * is out of range, and what is then written is the argument itself. */
void helper_x87_unary(X86CPU *cpu, uint64_t op, uint64_t info)
{
    X87State *x = x87_begin(cpu, info);
    unsigned codes = op >= X87_SIN ? X87_C1 | X87_C2 : X87_C1;
    X87Reg d = x87_indefinite;
    bool write;

    if (likely(x87_has(x, 0))) {
        unsigned host;

        x87_host_enter(x);
        host = x87_host_unary[op](&d, x87_st(x, 0));
        x87_host_leave(x);
        write = x87_report(cpu, host, codes);
    } else {
        x->sw &= ~codes;
        write = x87_stack_fault(cpu, 0);
    }
    if (write) {
        x87_set(x, 0, &d);
    }
}

static void sign_op(X86CPU *cpu, uint64_t info, uint16_t clear, uint16_t flip)
{
    X87State *x = x87_begin(cpu, info);

    if (likely(x87_has(x, 0))) {
        X87Reg *r = x87_st(x, 0);

        r->sign_exp = (r->sign_exp & ~clear) ^ flip;
        x->sw &= ~X87_C1;
    } else if (x87_stack_fault(cpu, 0)) {
        x87_set(x, 0, &x87_indefinite);
    }
}

void helper_x87_fchs(X86CPU *cpu, uint64_t info)
{
    sign_op(cpu, info, 0, 0x8000);
}

void helper_x87_fabs(X86CPU *cpu, uint64_t info)
{
    sign_op(cpu, info, 0x8000, 0);
}

void helper_x87_fscale(X86CPU *cpu, uint64_t info)
{
    X87State *x = x87_begin(cpu, info);
    X87Reg d;

    if (binary_st(cpu, x87_host_scale, X87_C1, &d, 1)) {
        x87_set(x, 0, &d);
    }
}

static bool is_nan(const X87Reg *r)
{
    return (r->sign_exp & 0x7fff) == 0x7fff && r->mantissa << 1 != 0;
}

/*
 * FPREM, FPREM1: bits of the quotient in the codes, or C2 set if the reduction
 * is not complete.  Where there is no quotient C0 and C3 stay as they were.
 */
void helper_x87_fprem(X86CPU *cpu, uint64_t op, uint64_t info)
{
    X87State *x = x87_begin(cpu, info);
    unsigned before = x->sw & (X87_C0 | X87_C3);
    X87Reg d;
    bool write;

    x->sw &= ~X87_C2;
    write = binary_st(cpu, x87_host_prem[op], X87_CODES, &d, 1);
    if (!write || is_nan(&d)) {
        x->sw = (x->sw & ~(X87_C0 | X87_C3)) | before;
    }
    if (write) {
        x87_set(x, 0, &d);
    }
}

/* FYL2X, FYL2XP1, FPATAN */
void helper_x87_binary_pop(X86CPU *cpu, uint64_t op, uint64_t info)
{
    X87State *x = x87_begin(cpu, info);
    X87Reg d;

    if (binary_st(cpu, x87_host_pop[op], X87_C1, &d, 1)) {
        x87_set(x, 1, &d);
        x87_pop(x);
    }
}

/* FPTAN, FSINCOS, FXTRACT: a second result is pushed. */
void helper_x87_split(X86CPU *cpu, uint64_t op, uint64_t info)
{
    X87State *x = x87_begin(cpu, info);
    unsigned codes = op == X87_XTRACT ? X87_C1 : X87_C1 | X87_C2, host = 0;
    X87Reg d[2] = {x87_indefinite, x87_indefinite};
    bool write;

    if (unlikely(!x87_has(x, 0) || x87_has(x, 7))) {
        x->sw &= ~codes;
        write = x87_stack_fault(cpu, x87_has(x, 0) ? X87_C1 : 0);
    } else {
        x87_host_enter(x);
        host = x87_host_split[op](d, x87_st(x, 0));
        x87_host_leave(x);
        write = x87_report(cpu, host, codes);
    }
    if (write && !(host & codes & X87_C2)) {
        x87_set(x, 0, &d[1]);
        x->top = (x->top - 1) & 7;
        x87_set(x, 0, &d[0]);
    }
}

/* --- comparison --- */

/* An empty operand compares as unordered: 8.5.1.1.  Processors set the codes
 * even if that is unmasked, though the SDM says no; the pop is left out. */
static bool compare_fault(X86CPU *cpu)
{
    cpu->x87.sw |= X87_COMPARE;
    return x87_stack_fault(cpu, 0);
}

/* Sets the codes; true if the instruction may pop. */
static bool compare(X86CPU *cpu, X87Compare *op, const void *b)
{
    X87State *x = &cpu->x87;
    unsigned host;

    x87_host_enter(x);
    host = op(x87_st(x, 0), b);
    x87_host_leave(x);
    return x87_report(cpu, host, X87_CODES);
}

static bool compare_st(X86CPU *cpu, X87Compare *op, unsigned i)
{
    X87State *x = &cpu->x87;

    if (unlikely(!x87_has(x, 0) || !x87_has(x, i))) {
        return compare_fault(cpu);
    }
    return compare(cpu, op, x87_st(x, i));
}

static void compare_pop(X86CPU *cpu, X87Compare *op, unsigned pops,
                        uint64_t info)
{
    X87State *x = x87_begin(cpu, info);

    if (compare_st(cpu, op, x87_info_rm(info))) {
        for (unsigned i = 0; i < pops; i++) {
            x87_pop(x);
        }
    }
}

void helper_x87_fcom(X86CPU *cpu, uint64_t pops, uint64_t info)
{
    compare_pop(cpu, x87_host_compare[X87_ST], pops, info);
}

void helper_x87_fucom(X86CPU *cpu, uint64_t pops, uint64_t info)
{
    compare_pop(cpu, x87_host_ucompare, pops, info);
}

/* FCOM, FCOMP, FICOM, FICOMP: ModRM.reg 2, or 3 with a pop. */
void helper_x87_fcom_mem(X86CPU *cpu, uint64_t value, uint64_t format,
                         uint64_t ea, uint64_t info)
{
    X87State *x = x87_begin_mem(cpu, ea, info);
    bool done;

    if (likely(x87_has(x, 0))) {
        done = compare(cpu, x87_host_compare[format], &value);
    } else {
        done = compare_fault(cpu);
    }
    if (done && (x87_info_reg(info) & 1)) {
        x87_pop(x);
    }
}

/* C3, C2 and C0 are where LAHF's ZF, PF and CF are: 8.1.4. */
static uint16_t cc_of_codes(unsigned sw)
{
    return cc_from_eflags(sw >> 8 &
                          (EFLAGS_ZF | EFLAGS_PF | EFLAGS_CF));
}

/*
 * FCOMI and relatives compare as FCOM does, with the outcome in EFLAGS; the
 * status word keeps its codes, but that a stack fault clears C1.
 */
static void compare_flags(X86CPU *cpu, X87Compare *op, uint64_t info)
{
    X87State *x = x87_begin(cpu, info);
    unsigned i = x87_info_rm(info), codes = x->sw & X87_CODES;
    bool pop;

    if (unlikely(!x87_has(x, 0) || !x87_has(x, i))) {
        codes &= ~X87_C1;
        pop = compare_fault(cpu);
    } else {
        pop = compare(cpu, op, x87_st(x, i));
    }
    cpu->cc = cc_of_codes(x->sw);
    x->sw = (x->sw & ~X87_CODES) | codes;
    if (pop && (info & BIT(10))) { /* DF, not DB */
        x87_pop(x);
    }
}

void helper_x87_fcomi(X86CPU *cpu, uint64_t info)
{
    compare_flags(cpu, x87_host_compare[X87_ST], info);
}

void helper_x87_fucomi(X86CPU *cpu, uint64_t info)
{
    compare_flags(cpu, x87_host_ucompare, info);
}

void helper_x87_ftst(X86CPU *cpu, uint64_t info)
{
    X87State *x = x87_begin(cpu, info);

    if (likely(x87_has(x, 0))) {
        unsigned host;

        x87_host_enter(x);
        host = x87_host_test(NULL, x87_st(x, 0));
        x87_host_leave(x);
        x87_report(cpu, host, X87_CODES);
    } else {
        compare_fault(cpu);
    }
}

/* No exception, not even of an empty register: C3 and C0 say that it is. */
void helper_x87_fxam(X86CPU *cpu, uint64_t info)
{
    X87State *x = x87_begin(cpu, info);
    unsigned codes = x87_host_examine(NULL, x87_st(x, 0)) & X87_CODES;

    if (!x87_has(x, 0)) {
        codes = (codes & X87_C1) | X87_C3 | X87_C0;
    }
    x->sw = (x->sw & ~X87_CODES) | codes;
}

/* @taken: the condition holds. */
void helper_x87_fcmov(X86CPU *cpu, uint64_t taken, uint64_t info)
{
    X87State *x = x87_begin(cpu, info);
    unsigned i = x87_info_rm(info);

    if (unlikely(!x87_has(x, 0) || !x87_has(x, i))) {
        if (x87_stack_fault(cpu, 0)) {
            x87_set(x, 0, &x87_indefinite);
        }
    } else if (taken) {
        x87_set(x, 0, x87_st(x, i));
    }
}
