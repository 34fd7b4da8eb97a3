/* SPDX-License-Identifier: MIT */
/*
 * x87 loads, stores and moves between registers.
 *
 * A store converts first, then writes memory (which may fault), and only then
 * pops and reports, so that the instruction can be run again after a fault.
 * Source: SDM vol. 1, 8.3.2 "Data Transfer Instructions", and 8.5.
 */
#include "exec/ldst.h"
#include "target/i386/helpers.h"
#include "target/i386/mmu.h"
#include "target/i386/x87_host.h"

#define X87_BIAS 16383
#define INTEGER_BIT BIT64(63)

/* --- loads --- */

/* A load whose conversion may signal.  A full stack comes first; of the
 * conversion's exceptions only IE keeps the value from being pushed. */
static void load_by_host(X86CPU *cpu, X87Load *op, const void *src)
{
    X87State *x = &cpu->x87;
    X87Reg value = x87_indefinite;
    unsigned host;

    if (likely(!x87_has(x, 7))) {
        x87_host_enter(x);
        host = op(&value, src);
        x87_host_leave(x);
        x87_report(cpu, host, X87_C1);
        if (host & ~x->cw & X87_IE) {
            return;
        }
    }
    x87_push(cpu, &value);
}

static void push_quiet(X86CPU *cpu, const X87Reg *value)
{
    cpu->x87.sw &= ~X87_C1;
    x87_push(cpu, value);
}

/* Normal numbers and zeros are exact and signal nothing: no need of the
 * host's FPU, which is slower. */
void helper_x87_fld_f32(X86CPU *cpu, uint64_t value, uint64_t ea,
                        uint64_t info)
{
    unsigned exp = value >> 23 & 0xff;
    X87Reg r;

    x87_begin_mem(cpu, ea, info);
    if (likely(exp != 0 && exp != 0xff)) {
        r.mantissa = INTEGER_BIT | value << 40;
        r.sign_exp = (value >> 16 & 0x8000) | (exp - 127 + X87_BIAS);
        push_quiet(cpu, &r);
    } else {
        load_by_host(cpu, x87_host_load_f32, &value);
    }
}

void helper_x87_fld_f64(X86CPU *cpu, uint64_t value, uint64_t ea,
                        uint64_t info)
{
    unsigned exp = value >> 52 & 0x7ff;
    X87Reg r;

    x87_begin_mem(cpu, ea, info);
    if (likely(exp != 0 && exp != 0x7ff)) {
        r.mantissa = INTEGER_BIT | value << 11;
        r.sign_exp = (value >> 48 & 0x8000) | (exp - 1023 + X87_BIAS);
        push_quiet(cpu, &r);
    } else {
        load_by_host(cpu, x87_host_load_f64, &value);
    }
}

/* @value is sign-extended; every 64-bit integer is exact in 64 bits. */
void helper_x87_fild(X86CPU *cpu, uint64_t value, uint64_t ea, uint64_t info)
{
    X87Reg r;

    x87_begin_mem(cpu, ea, info);
    x87_host_load_i64(&r, &value);
    push_quiet(cpu, &r);
}

/* Any bit pattern may be loaded in this format, and none signals. */
void helper_x87_fld_f80(X86CPU *cpu, uint64_t lo, uint64_t hi, uint64_t ea,
                        uint64_t info)
{
    X87Reg r = {.mantissa = lo, .sign_exp = (uint16_t)hi};

    x87_begin_mem(cpu, ea, info);
    push_quiet(cpu, &r);
}

void helper_x87_fbld(X86CPU *cpu, uint64_t lo, uint64_t hi, uint64_t ea,
                     uint64_t info)
{
    X87Reg bcd = {.mantissa = lo, .sign_exp = (uint16_t)hi}, r;

    x87_begin_mem(cpu, ea, info);
    x87_host_load_bcd(&r, &bcd);
    push_quiet(cpu, &r);
}

/* FLD1 and relatives; their last bit follows the rounding control. */
void helper_x87_fld_const(X86CPU *cpu, uint64_t info)
{
    X87State *x = x87_begin(cpu, info);
    X87Reg r;

    x87_host_enter(x);
    x87_host_const[x87_info_rm(info)](&r, NULL);
    x87_host_leave(x);
    push_quiet(cpu, &r);
}

/* An empty source is the one fault reported if there is no room either. */
void helper_x87_fld_st(X86CPU *cpu, uint64_t info)
{
    X87State *x = x87_begin(cpu, info);
    X87Reg r;

    if (likely(x87_has(x, x87_info_rm(info)))) {
        r = *x87_st(x, x87_info_rm(info));
        push_quiet(cpu, &r);
    } else if (x87_stack_fault(cpu, 0)) {
        x->top = (x->top - 1) & 7;
        x87_set(x, 0, &x87_indefinite);
    }
}

/* --- stores --- */

/* The indefinites of the memory formats: 4.8.3.7, 4.2.1.2, 4.7. */
static const X87Reg store_indefinite[] = {
    [X87_TO_F32] = {.mantissa = 0xffc00000},
    [X87_TO_F64] = {.mantissa = 0xfff8000000000000},
    [X87_TO_I16] = {.mantissa = 0x8000},
    [X87_TO_I32] = {.mantissa = 0x80000000},
    [X87_TO_I64] = {.mantissa = BIT64(63)},
    [X87_TRUNC_I16] = {.mantissa = 0x8000},
    [X87_TRUNC_I32] = {.mantissa = 0x80000000},
    [X87_TRUNC_I64] = {.mantissa = BIT64(63)},
    [X87_TO_BCD] = {.mantissa = 0xc000000000000000, .sign_exp = 0xffff},
};

/* ST(0) in a memory format; the host's status.  Nothing is changed yet. */
static unsigned convert(X86CPU *cpu, unsigned op, X87Reg *out)
{
    X87State *x = &cpu->x87;
    unsigned host;

    x87_host_enter(x);
    host = x87_host_store[op](out, x87_st(x, 0));
    x87_host_leave(x);
    return host;
}

/* Where a value goes, and as what. */
typedef struct Target {
    vaddr addr, last; /* the last two bytes of ten are a part of their own */
    unsigned op;      /* X87_TO_* */
    MemOp memop;
} Target;

/* @last: offsets wrap at the width of addresses, and outside 64-bit code the
 * linear ones at 4 GiB. */
static Target target_of(uint64_t addr, uint64_t how, uint64_t ea, uint64_t info)
{
    unsigned asize = how >> X87_HOW_ASIZE_SHIFT & 3;
    uint64_t mask = ~0ull >> (64 - (8u << asize));
    uint64_t last = addr + ((ea + 8) & mask) - ea;

    return (Target){
        .addr = addr,
        .last = info & X87_INFO_64 ? last : (uint32_t)last,
        .op = how >> X87_HOW_OP_SHIFT & 0xff,
        .memop = (MemOp)how,
    };
}

/* All of the first part comes before the second: see x86_store_in_two(). */
static void probe80(X86CPU *cpu, const Target *t)
{
    x86_probe_store(cpu, t->addr, MO_64, t->memop);
    x86_probe_store(cpu, t->last, MO_16, t->memop);
}

/* Ten bytes; all of them or none. */
static void store80(X86CPU *cpu, const Target *t, const X87Reg *value)
{
    bool one_page = (t->addr & ~PAGE_MASK) <= PAGE_SIZE - 10;

    if (!one_page || t->last != t->addr + 8) {
        probe80(cpu, t);
    }
    cpu_store(&cpu->cs, t->addr, value->mantissa, t->memop | MO_64);
    cpu_store(&cpu->cs, t->last, value->sign_exp, t->memop | MO_16);
}

static void store_value(X86CPU *cpu, const Target *t, const X87Reg *value)
{
    if (t->op == X87_TO_BCD) {
        store80(cpu, t, value);
    } else {
        cpu_store(&cpu->cs, t->addr, value->mantissa, t->memop);
    }
}

/* A store that an exception forbids still faults as it would have. */
static void probe_store(X86CPU *cpu, const Target *t)
{
    if (t->op == X87_TO_BCD) {
        probe80(cpu, t);
    } else {
        cpu_probe(&cpu->cs, t->addr, memop_bytes(t->memop), PAGE_WRITE,
                  t->memop);
    }
}

static void finish_store(X86CPU *cpu, bool pop)
{
    if (pop) {
        x87_pop(&cpu->x87);
    }
}

static void store_empty(X86CPU *cpu, const Target *t, bool pop)
{
    if (cpu->x87.cw & X87_IE) {
        store_value(cpu, t, &store_indefinite[t->op]);
    } else {
        probe_store(cpu, t);
    }
    if (x87_stack_fault(cpu, 0)) {
        finish_store(cpu, pop);
    }
}

/* FST, FSTP, FIST, FISTP, FISTTP, FBSTP.
 * @how     MemOp | X87_HOW_* */
void helper_x87_store(X86CPU *cpu, uint64_t addr, uint64_t how, uint64_t ea,
                      uint64_t info)
{
    const unsigned forbids = X87_BEFORE | X87_OE | X87_UE;
    const Target t = target_of(addr, how, ea, info);
    X87State *x = &cpu->x87;
    bool pop = how & X87_HOW_POP;
    X87Reg value = {0};
    unsigned host;

    x87_wait(cpu);
    if (unlikely(!x87_has(x, 0))) {
        store_empty(cpu, &t, pop);
        x87_note_mem(cpu, ea, info);
        return;
    }
    host = convert(cpu, t.op, &value);
    if (likely(!(host & ~x->cw & forbids))) {
        store_value(cpu, &t, &value);
        finish_store(cpu, pop);
    } else {
        probe_store(cpu, &t);
    }
    x87_report(cpu, host, X87_C1);
    x87_note_mem(cpu, ea, info);
}

/* FSTP m80: no conversion, no exception but of the stack. */
void helper_x87_store80(X86CPU *cpu, uint64_t addr, uint64_t how, uint64_t ea,
                        uint64_t info)
{
    const Target t = target_of(addr, how, ea, info);
    X87State *x = &cpu->x87;
    bool empty = !x87_has(x, 0);
    bool masked = x->cw & X87_IE;

    x87_wait(cpu);
    if (likely(!empty || masked)) {
        store80(cpu, &t, empty ? &x87_indefinite : x87_st(x, 0));
    } else {
        probe80(cpu, &t);
    }
    x->sw &= ~X87_C1;
    if (!empty || x87_stack_fault(cpu, 0)) {
        x87_pop(x);
    }
    x87_note_mem(cpu, ea, info);
}

/* FST, FSTP to a register */
void helper_x87_fst_st(X86CPU *cpu, uint64_t pop, uint64_t info)
{
    X87State *x = x87_begin(cpu, info);
    X87Reg value;

    if (likely(x87_has(x, 0))) {
        value = *x87_st(x, 0);
        x->sw &= ~X87_C1;
    } else {
        value = x87_indefinite;
        if (!x87_stack_fault(cpu, 0)) {
            return;
        }
    }
    x87_set(x, x87_info_rm(info), &value);
    if (pop) {
        x87_pop(x);
    }
}

/* D9 D8+i, which no manual lists: FSTP that overlooks an empty ST(0). */
void helper_x87_fstp_quiet(X86CPU *cpu, uint64_t info)
{
    X87State *x = x87_begin(cpu, info);

    x->sw &= ~X87_C1;
    if (likely(x87_has(x, 0))) {
        x87_set(x, x87_info_rm(info), x87_st(x, 0));
    }
    x87_pop(x);
}

/* --- within the stack --- */

void helper_x87_fxch(X86CPU *cpu, uint64_t info)
{
    X87State *x = x87_begin(cpu, info);
    unsigned i = x87_info_rm(info);
    bool full = x87_has(x, 0) && x87_has(x, i);
    X87Reg a = x87_has(x, 0) ? *x87_st(x, 0) : x87_indefinite;
    X87Reg b = x87_has(x, i) ? *x87_st(x, i) : x87_indefinite;

    x->sw &= ~X87_C1;
    if (likely(full) || x87_stack_fault(cpu, 0)) {
        x87_set(x, 0, &b);
        x87_set(x, i, &a);
    }
}

/* FFREE, FFREEP */
void helper_x87_ffree(X86CPU *cpu, uint64_t pop, uint64_t info)
{
    X87State *x = x87_begin(cpu, info);

    x->sw &= ~X87_C1;
    x87_free(x, x87_info_rm(info));
    if (pop) {
        x87_pop(x);
    }
}

/* FINCSTP, FDECSTP: no register becomes empty by it. */
void helper_x87_rotate(X86CPU *cpu, uint64_t by, uint64_t info)
{
    X87State *x = x87_begin(cpu, info);

    x->top = (x->top + by) & 7;
    x->sw &= ~X87_C1;
}

void helper_x87_fnop(X86CPU *cpu, uint64_t info)
{
    x87_begin(cpu, info);
}
