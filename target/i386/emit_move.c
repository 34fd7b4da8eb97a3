/* SPDX-License-Identifier: MIT */
/* Data movement and conversion of integers. */
#include "target/i386/emit.h"

void emit_mov(X86Trans *s, const X86Insn *in)
{
    x86_put(s, in, 0, x86_get(s, in, 1));
}

void emit_nop(X86Trans *s, const X86Insn *in)
{
}

void emit_movzx(X86Trans *s, const X86Insn *in)
{
    IrTemp src = x86_get(s, in, 1);

    /* Loads are zero-extended already. */
    if (in->op[1].kind != OPND_MEM) {
        src = x86_zx(s, in->op[1].size, src);
    }
    x86_put(s, in, 0, src);
}

static IrTemp load_signed(X86Trans *s, const X86Insn *in)
{
    unsigned from = in->op[1].size;
    X86Addr a = x86_addr(s, in, 1u << from, X86_READ);

    return x86_load(s, &a, from, MO_SIGN);
}

/* MOVSX, MOVSXD; of 32 bits to 32 bits too */
void emit_movsx(X86Trans *s, const X86Insn *in)
{
    IrTemp src;

    if (in->op[1].kind == OPND_MEM) {
        src = load_signed(s, in);
    } else {
        src = x86_sx(s, in->op[1].size, x86_get(s, in, 1));
    }
    x86_put(s, in, 0, src);
}

void emit_lea(X86Trans *s, const X86Insn *in)
{
    x86_put(s, in, 0, x86_ea(s, in, IR_NONE));
}

static IrTemp copy(X86Trans *s, IrTemp value)
{
    IrTemp t = ir_temp(s->ir);

    ir_mov(s->ir, IR_64, t, value);
    return t;
}

static void xchg_reg(X86Trans *s, const X86Insn *in)
{
    IrTemp a = copy(s, x86_get(s, in, 0)), b = copy(s, x86_get(s, in, 1));

    x86_put(s, in, 0, b);
    x86_put(s, in, 1, a);
}

/* With memory it is locked, prefix or not. */
void emit_xchg(X86Trans *s, const X86Insn *in)
{
    unsigned size = in->op[0].size;
    IrTemp old, value;
    X86Addr a;

    if (in->op[0].kind != OPND_MEM) {
        xchg_reg(s, in);
        return;
    }
    a = x86_addr(s, in, 1u << size, X86_WRITE);
    value = x86_get(s, in, 1);
    old = ir_temp(s->ir);
    ir_rmw(s->ir, IR_MOV, size, 0, old, a.base, a.disp, value,
           a.mo | size | x86_lock(s, true));
    x86_put(s, in, 1, old);
}

static void emit_pause(X86Trans *s)
{
    if (s->flags & HF_TF) {
        return; /* the trap leaves the loop anyway */
    }
    x86_call1(s, HELPER_pause, x86_next_rip(s));
    ir_exit(s->ir);
    s->ended = true;
}

/* 90+r; 90 itself is NOP, or PAUSE with F3, and does not clear bits 63:32. */
void emit_xchg_acc(X86Trans *s, const X86Insn *in)
{
    if (in->op[0].reg != R_RAX) {
        xchg_reg(s, in);
    } else if (in->rep == 0xf3) {
        emit_pause(s);
    }
}

void emit_bswap(X86Trans *s, const X86Insn *in)
{
    IrTemp r = x86_gpr(in->op[0].reg);

    if (in->osize == IR_16) { /* undefined; processors clear the word */
        x86_put(s, in, 0, ir_const(s->ir, 0));
        return;
    }
    ir_op1(s->ir, IR_BSWAP, in->osize, 0, r, r);
}

/* The swapped bytes of a 16-bit value are the upper half of its 32-bit
 * reversal. */
static IrTemp swapped(X86Trans *s, unsigned size, IrTemp value)
{
    IrTemp t = ir_temp(s->ir), high;

    ir_op1(s->ir, IR_BSWAP, MAX(size, IR_32), 0, t, value);
    if (size != IR_16) {
        return t;
    }
    high = ir_temp(s->ir);
    ir_op2(s->ir, IR_SHR, IR_64, 0, high, t, ir_const(s->ir, 16));
    return high;
}

void emit_movbe(X86Trans *s, const X86Insn *in)
{
    x86_put(s, in, 0, swapped(s, in->op[0].size, x86_get(s, in, 1)));
}

/* CBW, CWDE, CDQE: the accumulator's lower half, sign-extended */
void emit_cbw(X86Trans *s, const X86Insn *in)
{
    IrTemp t = x86_sx(s, in->osize - 1, x86_gpr(R_RAX));

    x86_put_gpr(s, in->osize, R_RAX, t);
}

/* CWD, CDQ, CQO: its sign in every bit of rDX */
void emit_cwd(X86Trans *s, const X86Insn *in)
{
    IrTemp sign = ir_temp(s->ir), wide = x86_gpr(R_RAX);

    if (in->osize != IR_64) {
        wide = x86_sx(s, in->osize, wide);
    }
    ir_op2(s->ir, IR_SAR, IR_64, 0, sign, wide, ir_const(s->ir, 63));
    x86_put_gpr(s, in->osize, R_RDX, sign);
}

/* AL = [rBX + AL] */
void emit_xlat(X86Trans *s, const X86Insn *in)
{
    IrTemp al = x86_zx(s, IR_8, x86_gpr(R_RAX)), off = ir_temp(s->ir);
    unsigned seg = in->seg == X86_NO_REG ? R_DS : in->seg;
    X86Addr a;

    ir_lea(s->ir, in->asize == IR_64 ? IR_64 : IR_32, off, x86_gpr(R_RBX),
           al, 0, 0);
    if (in->asize == IR_16) {
        off = x86_zx(s, IR_16, off);
    }
    a = x86_seg_addr(s, seg, off, 1, X86_READ);
    x86_put_gpr(s, IR_8, R_RAX, x86_load(s, &a, IR_8, 0));
}

/* The load is made, and may fault, whatever the condition; the 32-bit form
 * clears the upper half even if nothing is moved. */
void emit_cmov(X86Trans *s, const X86Insn *in)
{
    IrTemp src = x86_get(s, in, 1), dst = x86_gpr(in->op[0].reg), t;
    IrCond cond = in->opcode & 15;

    if (in->osize == IR_16) {
        t = ir_temp(s->ir);
        ir_movcc(s->ir, IR_64, cond, t, src, dst);
        x86_put(s, in, 0, t);
    } else {
        ir_movcc(s->ir, in->osize, cond, dst, src, dst);
    }
}

void emit_set(X86Trans *s, const X86Insn *in)
{
    IrTemp t = ir_temp(s->ir);

    ir_setcc(s->ir, in->opcode & 15, t);
    x86_put(s, in, 0, t);
}
