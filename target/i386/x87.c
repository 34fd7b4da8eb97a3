/* SPDX-License-Identifier: MIT */
/*
 * x87: the register stack, exceptions, and the way from an opcode to the
 * function that does it.  Translated code calls helper_x87_mem and
 * helper_x87_reg for everything from D8 to DF.
 *
 * Not implemented: freezing until IGNNE# when CR0.NE is clear; #FERR is driven
 * and the instruction goes on.
 */
#include "target/i386/x87.h"

#include <string.h>

#include "exec/bql.h"
#include "target/i386/excp.h"
#include "target/i386/helpers.h"

/* --- the register stack --- */

const X87Value x87_indefinite = {0xc000000000000000ull, 0xffff};

X87Value x87_get(const X86CPU *cpu, unsigned i)
{
    unsigned reg = x87_phys(cpu, i);

    return (X87Value){cpu->x87.r[reg].mantissa, cpu->x87.r[reg].sign_exp};
}

void x87_set(X86CPU *cpu, unsigned i, X87Value v)
{
    unsigned reg = x87_phys(cpu, i);

    cpu->x87.r[reg].mantissa = v.mantissa;
    cpu->x87.r[reg].sign_exp = v.sign_exp;
    cpu->x87.valid |= BIT(reg);
}

void x87_pop(X86CPU *cpu)
{
    cpu->x87.valid &= ~BIT(cpu->x87.top);
    cpu->x87.top = (cpu->x87.top + 1) & 7;
}

void x87_push(X86CPU *cpu, X87Value v, unsigned flags)
{
    if (!x87_is_empty(cpu, 7)) {
        flags = X87_SW_IE | X87_SW_SF | X87_SW_C1; /* C1: overflow */
        v = x87_indefinite;
    }
    if (x87_signal(cpu, flags)) {
        cpu->x87.top = (cpu->x87.top - 1) & 7;
        x87_set(cpu, 0, v);
    }
}

/* --- exceptions --- */

void x87_update_summary(X86CPU *cpu)
{
    X87State *x = &cpu->x87;

    x->sw &= ~(X87_SW_ES | X87_SW_B);
    if (x->sw & ~x->cw & X87_EXCEPTIONS) {
        x->sw |= X87_SW_ES | X87_SW_B;
    }
}

bool x87_signal(X86CPU *cpu, unsigned flags)
{
    X87State *x = &cpu->x87;

    x->sw &= ~X87_SW_C1;
    x->sw |= flags & (X87_EXCEPTIONS | X87_SW_SF | X87_SW_C1);
    x87_update_summary(cpu);
    return !(flags & ~x->cw & X87_PRE);
}

bool x87_underflow(X86CPU *cpu)
{
    return x87_signal(cpu, X87_SW_IE | X87_SW_SF);
}

void x87_init_state(X86CPU *cpu)
{
    X87State *x = &cpu->x87;

    x->cw = X87_CW_INIT;
    x->sw = 0;
    x->top = 0;
    x->valid = 0;
    x->fop = x->fcs = x->fds = 0;
    x->fip = x->fdp = 0;
}

/* An exception of an earlier instruction comes out at the next one that
 * waits: SDM vol. 1, 8.7 "Handling x87 FPU Exceptions in Software". */
static void check_pending(X86CPU *cpu)
{
    if (likely(!(cpu->x87.sw & X87_SW_ES))) {
        return;
    }
    if (cpu->cr0 & CR0_NE) {
        x86_raise(cpu, EXCP_MF);
    }
    if (cpu->ferr) {
        BQL_GUARD();
        cpu->ferr(cpu->irq_opaque);
    }
}

/* --- dispatch --- */

static const X87Row memory_rows[8][8] = {
    [0] = {[0 ... 7] = {x87_arith_f32, 0, 4}},
    [1] = {{x87_fld_f32, 0, 4},
           {NULL},
           {x87_fst, X87_WRITES, 4},
           {x87_fst, X87_WRITES, 4},
           {x87_fldenv, X87_CONTROL, X87_ENV},
           {x87_fldcw, X87_CONTROL, 2},
           {x87_fnstenv, X87_CONTROL | X87_NOWAIT | X87_WRITES, X87_ENV},
           {x87_fnstcw, X87_CONTROL | X87_NOWAIT | X87_WRITES, 2}},
    [2] = {[0 ... 7] = {x87_arith_i32, 0, 4}},
    [3] = {{x87_fild_32, 0, 4},
           {x87_fst, X87_WRITES, 4},
           {x87_fst, X87_WRITES, 4},
           {x87_fst, X87_WRITES, 4},
           {NULL},
           {x87_fld_f80, 0, 10},
           {NULL},
           {x87_fst_f80, X87_WRITES, 10}},
    [4] = {[0 ... 7] = {x87_arith_f64, 0, 8}},
    [5] = {{x87_fld_f64, 0, 8},
           {x87_fst, X87_WRITES, 8},
           {x87_fst, X87_WRITES, 8},
           {x87_fst, X87_WRITES, 8},
           {x87_frstor, X87_CONTROL, X87_STATE},
           {NULL},
           {x87_fnsave, X87_CONTROL | X87_NOWAIT | X87_WRITES, X87_STATE},
           {x87_fnstsw_mem, X87_CONTROL | X87_NOWAIT | X87_WRITES, 2}},
    [6] = {[0 ... 7] = {x87_arith_i16, 0, 2}},
    [7] = {{x87_fild_16, 0, 2},
           {x87_fst, X87_WRITES, 2},
           {x87_fst, X87_WRITES, 2},
           {x87_fst, X87_WRITES, 2},
           {x87_fbld, 0, 10},
           {x87_fild_64, 0, 8},
           {x87_fst, X87_WRITES, 10},
           {x87_fst, X87_WRITES, 8}},
};

/* By opcode, then ModRM - C0h.  The aliases that no manual lists (DC D0, DD
 * C8, DE D0, DF C8 to DF) do what every processor does. */
static const X87Row register_rows[8][64] = {
    [0] = {[0 ... 63] = {x87_arith_st0}},
    [1] = {[0x00 ... 0x07] = {x87_fld_sti},
           [0x08 ... 0x0f] = {x87_fxch},
           [0x10] = {x87_fnop, X87_CONTROL},
           [0x18 ... 0x1f] = {x87_fstpnce},
           [0x20] = {x87_fchs},
           [0x21] = {x87_fabs},
           [0x24] = {x87_ftst},
           [0x25] = {x87_fxam},
           [0x28 ... 0x2e] = {x87_d9_const},
           [0x30] = {x87_d9_unary},
           [0x31] = {x87_d9_binary},
           [0x32] = {x87_d9_two_results},
           [0x33] = {x87_d9_binary},
           [0x34] = {x87_d9_two_results},
           [0x35] = {x87_d9_binary},
           [0x36] = {x87_fdecstp},
           [0x37] = {x87_fincstp},
           [0x38 ... 0x39] = {x87_d9_binary},
           [0x3a] = {x87_d9_unary},
           [0x3b] = {x87_d9_two_results},
           [0x3c] = {x87_d9_unary},
           [0x3d] = {x87_d9_binary},
           [0x3e ... 0x3f] = {x87_d9_unary}},
    [2] = {[0x00 ... 0x1f] = {x87_fcmov}, [0x29] = {x87_fucompp}},
    [3] = {[0x00 ... 0x1f] = {x87_fcmov},
           [0x20 ... 0x21] = {x87_fnop, X87_CONTROL | X87_NOWAIT},
           [0x22] = {x87_fnclex, X87_CONTROL | X87_NOWAIT},
           [0x23] = {x87_fninit, X87_CONTROL | X87_NOWAIT},
           [0x24] = {x87_fnop, X87_CONTROL | X87_NOWAIT},
           [0x28 ... 0x2f] = {x87_fucomi},
           [0x30 ... 0x37] = {x87_fcomi}},
    [4] = {[0x00 ... 0x0f] = {x87_arith_sti},
           [0x10 ... 0x17] = {x87_fcom_sti},
           [0x18 ... 0x1f] = {x87_fcomp_sti},
           [0x20 ... 0x3f] = {x87_arith_sti}},
    [5] = {[0x00 ... 0x07] = {x87_ffree, X87_CONTROL},
           [0x08 ... 0x0f] = {x87_fxch},
           [0x10 ... 0x17] = {x87_fst_sti},
           [0x18 ... 0x1f] = {x87_fstp_sti},
           [0x20 ... 0x27] = {x87_fucom},
           [0x28 ... 0x2f] = {x87_fucomp}},
    [6] = {[0x00 ... 0x0f] = {x87_arith_sti_pop},
           [0x10 ... 0x17] = {x87_fcomp_sti},
           [0x19] = {x87_fcompp},
           [0x20 ... 0x3f] = {x87_arith_sti_pop}},
    [7] = {[0x00 ... 0x07] = {x87_ffreep, X87_CONTROL},
           [0x08 ... 0x0f] = {x87_fxch},
           [0x10 ... 0x1f] = {x87_fstp_sti},
           [0x20] = {x87_fnstsw_ax, X87_CONTROL | X87_NOWAIT},
           [0x28 ... 0x2f] = {x87_fucomip},
           [0x30 ... 0x37] = {x87_fcomip}},
};

const X87Row *x87_row(unsigned op, unsigned modrm)
{
    return modrm < 0xc0 ? &memory_rows[op][modrm >> 3 & 7]
                        : &register_rows[op][modrm & 63];
}

unsigned x87_operand_bytes(const X87Row *row, bool osize16)
{
    switch (row->bytes) {
    case X87_ENV:
        return osize16 ? 14 : 28;
    case X87_STATE:
        return osize16 ? 94 : 108;
    default:
        return row->bytes;
    }
}

/* Last instruction pointers: SDM vol. 1, 8.1.8. */
static void note_instruction(X86CPU *cpu, const X87Insn *in, uint64_t rip)
{
    X87State *x = &cpu->x87;

    x->fop = in->op << 8 | in->modrm;
    x->fip = rip;
    x->fcs = cpu->segs[R_CS].selector;
}

/* @insn packs what the translator knows: see emit_x87.c. */
static X87Insn unpack(uint64_t insn, vaddr addr)
{
    return (X87Insn){
        .op = insn & 7,
        .modrm = insn >> 8,
        .osize16 = insn >> 16 & 1,
        .mo = insn >> 32,
        .addr = addr,
    };
}

void helper_x87_mem(X86CPU *cpu, uint64_t insn, uint64_t addr, uint64_t off,
                    uint64_t rip)
{
    X87Insn in = unpack(insn, addr);
    const X87Row *row = x87_row(in.op, in.modrm);

    if (!(row->flags & X87_NOWAIT)) {
        check_pending(cpu);
    }
    row->fn(cpu, &in);
    if (!(row->flags & X87_CONTROL)) {
        note_instruction(cpu, &in, rip);
        cpu->x87.fdp = off;
        cpu->x87.fds = cpu->segs[insn >> 20 & 7].selector;
    }
}

void helper_x87_reg(X86CPU *cpu, uint64_t insn, uint64_t rip)
{
    X87Insn in = unpack(insn, 0);
    const X87Row *row = x87_row(in.op, in.modrm);

    if (!(row->flags & X87_NOWAIT)) {
        check_pending(cpu);
    }
    row->fn(cpu, &in);
    if (!(row->flags & X87_CONTROL)) {
        note_instruction(cpu, &in, rip);
    }
}

/* WAIT, and MMX instructions, which see pending exceptions too. */
void helper_fwait(X86CPU *cpu)
{
    check_pending(cpu);
}
