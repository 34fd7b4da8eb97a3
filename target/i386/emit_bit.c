/* SPDX-License-Identifier: MIT */
/* Bit tests, scans and counts, BMI1, BMI2 and CRC32. */
#include "target/i386/emit.h"

static void bit_reg(X86Trans *s, const X86Insn *in, IrTemp bit)
{
    IrOpc opc = in->row->arg;
    IrTemp r = x86_gpr(in->op[0].reg);

    ir_op2(s->ir, opc, in->op[0].size, x86_cc(in, opc),
           opc == IR_BT ? IR_NONE : r, r, bit);
}

/* A bit number in a register reaches any word of memory: bytes to add. */
static IrTemp bit_displacement(X86Trans *s, unsigned size, IrTemp bit)
{
    IrTemp word = ir_temp(s->ir), bytes = ir_temp(s->ir);

    ir_op2(s->ir, IR_SAR, IR_64, 0, word, x86_sx(s, size, bit),
           ir_const(s->ir, 3 + size));
    ir_op2(s->ir, IR_SHL, IR_64, 0, bytes, word, ir_const(s->ir, size));
    return bytes;
}

void emit_bit(X86Trans *s, const X86Insn *in)
{
    IrOpc opc = in->row->arg;
    unsigned size = in->op[0].size;
    IrTemp bit = x86_get(s, in, 1);
    X86Addr a;

    if (in->op[0].kind == OPND_REG) {
        bit_reg(s, in, bit);
        return;
    }
    if (in->op[1].kind == OPND_REG) {
        IrTemp off = x86_ea(s, in, bit_displacement(s, size, bit));

        a = x86_seg_addr(s, in->mem.seg, off, 1u << size, opc != IR_BT);
    } else {
        a = x86_addr(s, in, 1u << size, opc != IR_BT);
    }
    if (opc == IR_BT) {
        ir_op2(s->ir, IR_BT, size, x86_cc(in, opc), IR_NONE,
               x86_load(s, &a, size, 0), bit);
    } else {
        ir_rmw(s->ir, opc, size, x86_cc(in, opc), IR_NONE, a.base, a.disp,
               bit, a.mo | size | x86_lock(s, in->lock));
    }
}

/*
 * BSF, BSR: a zero source leaves the destination, as AMD defines and Intel's
 * processors do.  The IR's op gives src0 then, whose upper half it clears for
 * 32 bits; the register keeps all 64, so the flags choose.
 */
void emit_scan(X86Trans *s, const X86Insn *in)
{
    IrOpc opc = in->row->arg;
    unsigned size = in->op[0].size;
    IrTemp dst = x86_gpr(in->op[0].reg), src = x86_get(s, in, 1), found;

    if (size != IR_32) {
        ir_op2(s->ir, opc, size, x86_cc(in, opc), dst, dst, src);
        return;
    }
    found = ir_temp(s->ir);
    ir_op2(s->ir, opc, size, x86_cc(in, opc), found, dst, src);
    ir_movcc(s->ir, IR_64, COND_E, dst, dst, found);
}

/* One source; the IR keeps the upper bits of the source for 16 bits, so the
 * result is merged into the destination. */
void emit_count(X86Trans *s, const X86Insn *in)
{
    IrOpc opc = in->row->arg;
    IrTemp t = ir_temp(s->ir), src = x86_get(s, in, 1);

    ir_op1(s->ir, opc, in->op[0].size, x86_cc(in, opc), t, src);
    x86_put(s, in, 0, t);
}

void emit_andn(X86Trans *s, const X86Insn *in)
{
    IrTemp a = x86_get(s, in, 1), b = x86_get(s, in, 2);

    ir_op2(s->ir, IR_ANDN, in->op[0].size, x86_cc(in, IR_ANDN),
           x86_gpr(in->op[0].reg), a, b);
}

/* BLSI, BLSR, BLSMSK */
void emit_bls(X86Trans *s, const X86Insn *in)
{
    IrOpc opc = in->row->arg;

    ir_op1(s->ir, opc, in->op[0].size, x86_cc(in, opc),
           x86_gpr(in->op[0].reg), x86_get(s, in, 1));
}

/* BEXTR, BZHI, PDEP, PEXT */
void emit_bmi(X86Trans *s, const X86Insn *in)
{
    IrOpc opc = in->row->arg;
    IrTemp a = x86_get(s, in, 1), b = x86_get(s, in, 2);

    ir_op2(s->ir, opc, in->op[0].size, x86_cc(in, opc),
           x86_gpr(in->op[0].reg), a, b);
}

/* The size is that of the data; the sum is of 32 bits, also with REX.W. */
void emit_crc32(X86Trans *s, const X86Insn *in)
{
    IrTemp r = x86_gpr(in->op[0].reg), src = x86_get(s, in, 1);
    IrOp *op = ir_emit(s->ir, IR_CRC32, IR_64);

    op->arg[0] = r;
    op->arg[1] = r;
    op->arg[2] = src;
    op->memop = in->op[1].size;
    ir_finish_op(s->ir, op);
}
