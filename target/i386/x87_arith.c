/* SPDX-License-Identifier: MIT */
/*
 * x87 arithmetic, comparisons and transcendental functions.
 * Source: SDM vol. 2A under each mnemonic; vol. 1, 8.5 "x87 FPU Floating-Point
 * Exception Conditions" for the masked and unmasked responses.
 */
#include "exec/ldst.h"
#include "target/i386/x87_host.h"
#include "tcg/ir.h"

/* ModRM.reg of the two comparisons among the eight operations. */
#define OP_COM  2
#define OP_COMP 3

static void set_codes(X86CPU *cpu, unsigned codes, unsigned mask)
{
    cpu->x87.sw = (cpu->x87.sw & ~mask) | (codes & mask);
}

/* --- comparisons --- */

#define CODES_UNORDERED (X87_SW_C0 | X87_SW_C2 | X87_SW_C3)

/* Signal what a comparison found, or the "unordered" of an empty register.
 * True if a pop may follow.  The codes are set in any case, as processors do
 * although the SDM leaves it open for unmasked exceptions. */
static bool compare(X86CPU *cpu, unsigned sw, bool empty)
{
    if (empty) {
        sw = X87_SW_IE | X87_SW_SF | CODES_UNORDERED;
    }
    set_codes(cpu, sw, CODES_UNORDERED);
    return x87_signal(cpu, sw & ~X87_SW_C1);
}

/* Into EFLAGS: ZF, PF and CF from C3, C2 and C0, the others clear.  C1 stays,
 * as on AMD's processors, unless there is an exception. */
static bool compare_eflags(X86CPU *cpu, unsigned sw, bool empty)
{
    unsigned c1 = cpu->x87.sw & X87_SW_C1;

    if (empty) {
        sw = X87_SW_IE | X87_SW_SF | CODES_UNORDERED;
        c1 = 0;
    }
    cpu->cc = (sw & X87_SW_C3 ? CC_BIT_Z : 0) |
              (sw & X87_SW_C2 ? CC_BIT_P : 0) |
              (sw & X87_SW_C0 ? CC_BIT_C : 0);
    return x87_signal(cpu, (sw & ~X87_SW_C1) | c1);
}

/* ST(0) against ST(i); the host's status word. */
static unsigned host_compare(X86CPU *cpu, unsigned i, bool unordered)
{
    X87Host h = {
        .st0 = x87_get(cpu, 0),
        .st1 = x87_get(cpu, i),
        .cw = cpu->x87.cw,
    };

    if (unordered) {
        x87_host_run(&h, X87_HOST_FUCOM);
    } else {
        x87_host_arith(&h, X87_SRC_ST1, OP_COM);
    }
    return h.sw;
}

static bool any_empty(X86CPU *cpu, unsigned i)
{
    return x87_is_empty(cpu, 0) || x87_is_empty(cpu, i);
}

static void compare_sti(X86CPU *cpu, unsigned i, bool unordered,
                        unsigned pops)
{
    bool empty = any_empty(cpu, i);
    unsigned sw = empty ? 0 : host_compare(cpu, i, unordered);

    if (compare(cpu, sw, empty)) {
        while (pops-- > 0) {
            x87_pop(cpu);
        }
    }
}

static void compare_sti_eflags(X86CPU *cpu, unsigned i, bool unordered,
                               bool pop)
{
    bool empty = any_empty(cpu, i);
    unsigned sw = empty ? 0 : host_compare(cpu, i, unordered);

    if (compare_eflags(cpu, sw, empty) && pop) {
        x87_pop(cpu);
    }
}

void x87_fcom_sti(X86CPU *cpu, const X87Insn *in)
{
    compare_sti(cpu, x87_rm(in), false, 0);
}

void x87_fcomp_sti(X86CPU *cpu, const X87Insn *in)
{
    compare_sti(cpu, x87_rm(in), false, 1);
}

void x87_fcompp(X86CPU *cpu, const X87Insn *in)
{
    compare_sti(cpu, 1, false, 2);
}

void x87_fucom(X86CPU *cpu, const X87Insn *in)
{
    compare_sti(cpu, x87_rm(in), true, 0);
}

void x87_fucomp(X86CPU *cpu, const X87Insn *in)
{
    compare_sti(cpu, x87_rm(in), true, 1);
}

void x87_fucompp(X86CPU *cpu, const X87Insn *in)
{
    compare_sti(cpu, 1, true, 2);
}

void x87_fcomi(X86CPU *cpu, const X87Insn *in)
{
    compare_sti_eflags(cpu, x87_rm(in), false, false);
}

void x87_fucomi(X86CPU *cpu, const X87Insn *in)
{
    compare_sti_eflags(cpu, x87_rm(in), true, false);
}

void x87_fcomip(X86CPU *cpu, const X87Insn *in)
{
    compare_sti_eflags(cpu, x87_rm(in), false, true);
}

void x87_fucomip(X86CPU *cpu, const X87Insn *in)
{
    compare_sti_eflags(cpu, x87_rm(in), true, true);
}

void x87_ftst(X86CPU *cpu, const X87Insn *in)
{
    X87Host h = {.st0 = x87_get(cpu, 0), .cw = cpu->x87.cw};
    bool empty = x87_is_empty(cpu, 0);

    if (!empty) {
        x87_host_run(&h, X87_HOST_FTST);
    }
    compare(cpu, h.sw, empty);
}

/* Class in C3, C2 and C0; sign in C1; no exceptions. */
void x87_fxam(X86CPU *cpu, const X87Insn *in)
{
    X87Host h = {.st0 = x87_get(cpu, 0), .cw = cpu->x87.cw};

    x87_host_run(&h, X87_HOST_FXAM);
    if (x87_is_empty(cpu, 0)) {
        h.sw = (h.sw & X87_SW_C1) | X87_SW_C3 | X87_SW_C0;
    }
    set_codes(cpu, h.sw, X87_CODES);
}

/* --- the six operations --- */

/* Run operation ModRM.reg on ST(0) and h->st1 or h->mem; the result goes to
 * ST(@dst). */
static void arith(X86CPU *cpu, const X87Insn *in, X87Host *h, X87Source src,
                  bool empty, unsigned dst, bool pop)
{
    bool done;

    if (empty) {
        h->st0 = x87_indefinite;
        done = x87_underflow(cpu);
    } else {
        h->st0 = x87_get(cpu, 0);
        h->cw = cpu->x87.cw;
        x87_host_arith(h, src, x87_reg_field(in));
        done = x87_signal(cpu, h->sw);
    }
    if (done) {
        x87_set(cpu, dst, h->st0);
        if (pop) {
            x87_pop(cpu);
        }
    }
}

static void arith_reg(X86CPU *cpu, const X87Insn *in, unsigned dst, bool pop)
{
    unsigned i = x87_rm(in);
    X87Host h = {.st1 = x87_get(cpu, i)};

    arith(cpu, in, &h, X87_SRC_ST1, any_empty(cpu, i), dst, pop);
}

void x87_arith_st0(X86CPU *cpu, const X87Insn *in)
{
    unsigned op = x87_reg_field(in);

    if (op == OP_COM || op == OP_COMP) {
        compare_sti(cpu, x87_rm(in), false, op == OP_COMP);
    } else {
        arith_reg(cpu, in, 0, false);
    }
}

void x87_arith_sti(X86CPU *cpu, const X87Insn *in)
{
    arith_reg(cpu, in, x87_rm(in), false);
}

void x87_arith_sti_pop(X86CPU *cpu, const X87Insn *in)
{
    arith_reg(cpu, in, x87_rm(in), true);
}

static void arith_memory(X86CPU *cpu, const X87Insn *in, X87Source src,
                         MemOp size)
{
    X87Host h = {.mem = {cpu_load(&cpu->cs, in->addr, in->mo | size)}};
    unsigned op = x87_reg_field(in);
    bool empty = x87_is_empty(cpu, 0);

    if (op != OP_COM && op != OP_COMP) {
        arith(cpu, in, &h, src, empty, 0, false);
        return;
    }
    if (!empty) {
        h.st0 = x87_get(cpu, 0);
        h.cw = cpu->x87.cw;
        x87_host_arith(&h, src, op);
    }
    if (compare(cpu, h.sw, empty) && op == OP_COMP) {
        x87_pop(cpu);
    }
}

void x87_arith_f32(X86CPU *cpu, const X87Insn *in)
{
    arith_memory(cpu, in, X87_SRC_F32, MO_32);
}

void x87_arith_f64(X86CPU *cpu, const X87Insn *in)
{
    arith_memory(cpu, in, X87_SRC_F64, MO_64);
}

void x87_arith_i16(X86CPU *cpu, const X87Insn *in)
{
    arith_memory(cpu, in, X87_SRC_I16, MO_16);
}

void x87_arith_i32(X86CPU *cpu, const X87Insn *in)
{
    arith_memory(cpu, in, X87_SRC_I32, MO_32);
}

/* --- D9 E0 to FF --- */

static void change_sign(X86CPU *cpu, uint16_t keep, uint16_t flip)
{
    X87Value v = x87_get(cpu, 0);

    if (x87_is_empty(cpu, 0)) {
        if (x87_underflow(cpu)) {
            x87_set(cpu, 0, x87_indefinite);
        }
        return;
    }
    v.sign_exp = (v.sign_exp & keep) ^ flip;
    x87_signal(cpu, 0);
    x87_set(cpu, 0, v);
}

void x87_fchs(X86CPU *cpu, const X87Insn *in)
{
    change_sign(cpu, 0xffff, 0x8000);
}

void x87_fabs(X86CPU *cpu, const X87Insn *in)
{
    change_sign(cpu, 0x7fff, 0);
}

void x87_d9_const(X86CPU *cpu, const X87Insn *in)
{
    X87Host h = {.cw = cpu->x87.cw | X87_EXCEPTIONS};

    x87_host_const(&h, x87_rm(in));
    x87_push(cpu, h.st0, 0);
}

/* Indexed by ModRM - F0h. */
static const uint8_t d9_host_op[16] = {
    X87_HOST_F2XM1,  X87_HOST_FYL2X,   X87_HOST_FPTAN,   X87_HOST_FPATAN,
    X87_HOST_FXTRACT, X87_HOST_FPREM1, 0,                0,
    X87_HOST_FPREM,  X87_HOST_FYL2XP1, X87_HOST_FSQRT,   X87_HOST_FSINCOS,
    X87_HOST_FRNDINT, X87_HOST_FSCALE, X87_HOST_FSIN,    X87_HOST_FCOS,
};

static X87HostOp d9_op(const X87Insn *in)
{
    return d9_host_op[in->modrm & 15];
}

static bool is_nan(X87Value v)
{
    return (v.sign_exp & 0x7fff) == 0x7fff && v.mantissa << 1;
}

/* Codes beside C1 that an operation has defined with its result. */
static unsigned defined_codes(X87HostOp op, X87Value result)
{
    switch (op) {
    case X87_HOST_FPREM:
    case X87_HOST_FPREM1: /* no quotient bits without a quotient */
        return is_nan(result) ? X87_SW_C2 : X87_CODES;
    case X87_HOST_FSIN:
    case X87_HOST_FCOS:
    case X87_HOST_FPTAN:
    case X87_HOST_FSINCOS:
        return X87_SW_C2; /* out of range */
    default:
        return 0;
    }
}

/* C2 is clear after a stack fault or an unmasked exception too. */
static void clear_c2(X86CPU *cpu, X87HostOp op)
{
    set_codes(cpu, 0, defined_codes(op, x87_indefinite));
}

/* ST(0) = f(ST(0)) */
void x87_d9_unary(X86CPU *cpu, const X87Insn *in)
{
    X87Host h = {.st0 = x87_get(cpu, 0), .cw = cpu->x87.cw};
    X87HostOp op = d9_op(in);

    clear_c2(cpu, op);
    if (x87_is_empty(cpu, 0)) {
        if (x87_underflow(cpu)) {
            x87_set(cpu, 0, x87_indefinite);
        }
        return;
    }
    x87_host_run(&h, op);
    if (x87_signal(cpu, h.sw)) {
        set_codes(cpu, h.sw, defined_codes(op, h.st0));
        x87_set(cpu, 0, h.st0);
    }
}

static bool pops(X87HostOp op)
{
    return op == X87_HOST_FYL2X || op == X87_HOST_FYL2XP1 ||
           op == X87_HOST_FPATAN;
}

/* f(ST(0), ST(1)), to ST(0), or to ST(1) with a pop */
void x87_d9_binary(X86CPU *cpu, const X87Insn *in)
{
    X87HostOp op = d9_op(in);
    X87Host h = {
        .st0 = x87_get(cpu, 0),
        .st1 = x87_get(cpu, 1),
        .cw = cpu->x87.cw,
    };
    bool done;

    clear_c2(cpu, op);
    if (any_empty(cpu, 1)) {
        h.st0 = x87_indefinite;
        done = x87_underflow(cpu);
    } else {
        x87_host_run(&h, op);
        done = x87_signal(cpu, h.sw);
        if (done) {
            set_codes(cpu, h.sw, defined_codes(op, h.st0));
        }
    }
    if (done && pops(op)) {
        x87_pop(cpu);
    }
    if (done) {
        x87_set(cpu, 0, h.st0);
    }
}

/* What a stack fault leaves in both places of a two-result instruction. */
static void two_indefinites(X86CPU *cpu, unsigned flags)
{
    if (x87_signal(cpu, flags)) {
        x87_set(cpu, 0, x87_indefinite);
        cpu->x87.top = (cpu->x87.top - 1) & 7;
        x87_set(cpu, 0, x87_indefinite);
    }
}

/* FPTAN, FXTRACT, FSINCOS: one result replaces ST(0), one is pushed. */
void x87_d9_two_results(X86CPU *cpu, const X87Insn *in)
{
    X87HostOp op = d9_op(in);
    X87Host h = {.st0 = x87_get(cpu, 0), .cw = cpu->x87.cw};

    clear_c2(cpu, op);
    if (x87_is_empty(cpu, 0)) {
        two_indefinites(cpu, X87_SW_IE | X87_SW_SF);
        return;
    }
    if (!x87_is_empty(cpu, 7)) {
        two_indefinites(cpu, X87_SW_IE | X87_SW_SF | X87_SW_C1);
        return;
    }
    x87_host_run(&h, op);
    if (!x87_signal(cpu, h.sw)) {
        return;
    }
    set_codes(cpu, h.sw, defined_codes(op, h.st0));
    if (h.sw & defined_codes(op, h.st0) & X87_SW_C2) {
        return; /* out of range: the operand stays */
    }
    x87_set(cpu, 0, h.st1);
    cpu->x87.top = (cpu->x87.top - 1) & 7;
    x87_set(cpu, 0, h.st0);
}
