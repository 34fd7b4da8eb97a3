/* SPDX-License-Identifier: MIT */
/*
 * ADD to CMP, TEST, INC, DEC, NEG, NOT, XADD, CMPXCHG, ADCX and ADOX.
 * A memory destination is one IR_RMW, so that LOCK is a host atomic and flags
 * change after the last fault.
 */
#include "target/i386/emit.h"

/* dst = dst op src for a register: 8- and 16-bit ops keep the upper bits by
 * the IR's own rule, AH and its like are taken out and put back. */
static void alu_reg(X86Trans *s, const X86Insn *in, IrOpc opc, IrTemp src)
{
    const X86Operand *dst = &in->op[0];
    IrTemp old = x86_get(s, in, 0);
    IrTemp r = dst->kind == OPND_REG ? old : ir_temp(s->ir);

    if (src == IR_NONE) {
        ir_op1(s->ir, opc, dst->size, x86_cc(in, opc), r, old);
    } else {
        ir_op2(s->ir, opc, dst->size, x86_cc(in, opc), r, old, src);
    }
    if (r != old) {
        x86_put(s, in, 0, r);
    }
}

/* @old receives the former value, or IR_NONE. */
static void alu_mem(X86Trans *s, const X86Insn *in, IrOpc opc, IrTemp old,
                    IrTemp src)
{
    unsigned size = in->op[0].size;
    X86Addr a = x86_addr(s, in, 1u << size, X86_WRITE);

    ir_rmw(s->ir, opc, size, x86_cc(in, opc), old, a.base, a.disp, src,
           a.mo | size | x86_lock(s, in->lock));
}

void emit_alu(X86Trans *s, const X86Insn *in)
{
    IrTemp src = x86_get(s, in, 1);

    if (in->op[0].kind == OPND_MEM) {
        alu_mem(s, in, in->row->arg, IR_NONE, src);
    } else {
        alu_reg(s, in, in->row->arg, src);
    }
}

void emit_unary(X86Trans *s, const X86Insn *in)
{
    if (in->op[0].kind == OPND_MEM) {
        alu_mem(s, in, in->row->arg, IR_NONE, IR_NONE);
    } else {
        alu_reg(s, in, in->row->arg, IR_NONE);
    }
}

/* CMP and TEST */
void emit_cmp(X86Trans *s, const X86Insn *in)
{
    IrTemp a = x86_get(s, in, 0), b = x86_get(s, in, 1);

    ir_op2(s->ir, in->row->arg, in->op[0].size, x86_cc(in, in->row->arg),
           IR_NONE, a, b);
}

static void xadd_reg(X86Trans *s, const X86Insn *in)
{
    IrTemp sum = ir_temp(s->ir), old = ir_temp(s->ir);
    IrTemp a = x86_get(s, in, 0), b = x86_get(s, in, 1);

    ir_mov(s->ir, IR_64, old, a);
    ir_op2(s->ir, IR_ADD, in->op[0].size, x86_cc(in, IR_ADD), sum, a, b);
    x86_put(s, in, 1, old);
    x86_put(s, in, 0, sum); /* last: it wins if both are one register */
}

void emit_xadd(X86Trans *s, const X86Insn *in)
{
    IrTemp old;

    if (in->op[0].kind != OPND_MEM) {
        xadd_reg(s, in);
        return;
    }
    old = ir_temp(s->ir);
    alu_mem(s, in, IR_ADD, old, x86_get(s, in, 1));
    x86_put(s, in, 1, old);
}

/*
 * The accumulator takes the old value if the comparison failed.  For 8, 16 and
 * 64 bits writing it always is the same; 32 bits must not clear the upper half
 * of RAX when it succeeded.
 */
static void cmpxchg_put_acc(X86Trans *s, unsigned size, IrTemp old)
{
    IrTemp rax = x86_gpr(R_RAX), wide;

    if (size != IR_32) {
        x86_put_gpr(s, size, R_RAX, old);
        return;
    }
    wide = x86_zx(s, IR_32, old);
    ir_movcc(s->ir, IR_64, COND_E, rax, rax, wide);
}

/* The destination, too, is written whatever the outcome, but as 64 bits: the
 * 32-bit form clears the upper half only if it stores the source. */
static void cmpxchg_reg(X86Trans *s, const X86Insn *in)
{
    unsigned size = in->op[0].size;
    IrTemp old = ir_temp(s->ir), picked = ir_temp(s->ir);
    IrTemp src = x86_get(s, in, 1), dst = x86_get(s, in, 0);

    ir_mov(s->ir, IR_64, old, dst);
    ir_op2(s->ir, IR_CMP, size, x86_cc(in, IR_CMP), IR_NONE, x86_gpr(R_RAX),
           old);
    if (size == IR_32) {
        src = x86_zx(s, IR_32, src);
    }
    ir_movcc(s->ir, IR_64, COND_E, picked, src, old);
    cmpxchg_put_acc(s, size, old);
    if (size == IR_32) {
        ir_mov(s->ir, IR_64, x86_gpr(in->op[0].reg), picked);
    } else {
        x86_put(s, in, 0, picked);
    }
}

void emit_cmpxchg(X86Trans *s, const X86Insn *in)
{
    unsigned size = in->op[0].size;
    IrTemp old, src;
    X86Addr a;

    if (in->op[0].kind != OPND_MEM) {
        cmpxchg_reg(s, in);
        return;
    }
    a = x86_addr(s, in, 1u << size, X86_WRITE);
    src = x86_get(s, in, 1);
    old = ir_temp(s->ir);
    ir_cmpxchg(s->ir, size, x86_cc(in, IR_CMPXCHG), old, a.base, a.disp,
               x86_gpr(R_RAX), src, a.mo | size | x86_lock(s, in->lock));
    cmpxchg_put_acc(s, size, old);
}

/* High half << 32 | low half of a register pair. */
static IrTemp pair32(X86Trans *s, unsigned hi, unsigned lo)
{
    IrTemp t = ir_temp(s->ir), u = ir_temp(s->ir);

    ir_op2(s->ir, IR_SHL, IR_64, 0, t, x86_gpr(hi), ir_const(s->ir, 32));
    ir_op2(s->ir, IR_OR, IR_64, 0, u, t, x86_zx(s, IR_32, x86_gpr(lo)));
    return u;
}

/* EDX:EAX = @old where @equal is 0; else both keep all 64 bits. */
static void cmpxchg8b_put(X86Trans *s, IrTemp old, IrTemp equal)
{
    unsigned keep = ir_label(s->ir);

    ir_brcond(s->ir, IR_64, COND_NE, equal, ir_const(s->ir, 0), keep);
    ir_mov(s->ir, IR_32, x86_gpr(R_RAX), old);
    ir_op2(s->ir, IR_SHR, IR_64, 0, x86_gpr(R_RDX), old,
           ir_const(s->ir, 32));
    ir_set_label(s->ir, keep);
}

static void cmpxchg16b(X86Trans *s, const X86Insn *in)
{
    X86Addr a = x86_addr(s, in, 16, X86_WRITE);
    MemOp mo = a.mo | MO_128 | MO_ALIGN | MO_RMW | x86_lock(s, in->lock);

    x86_call2(s, HELPER_cmpxchg16b, x86_linear(s, &a), ir_const(s->ir, mo));
}

/* Only ZF changes, so the flags of the IR's op are not asked for. */
void emit_cmpxchg8b(X86Trans *s, const X86Insn *in)
{
    IrTemp expected, value, old, equal, zf;
    X86Addr a;

    if (!x86_has_feature(s->cpu, in->rex & 8 ? FEAT_CX16 : FEAT_CX8)) {
        x86_fault(s, EXCP_UD);
        return;
    }
    if (in->rex & 8) {
        cmpxchg16b(s, in);
        return;
    }
    a = x86_addr(s, in, 8, X86_WRITE);
    expected = pair32(s, R_RDX, R_RAX);
    value = pair32(s, R_RCX, R_RBX);
    old = ir_temp_local(s->ir);
    equal = ir_temp(s->ir);
    zf = ir_temp(s->ir);
    ir_cmpxchg(s->ir, IR_64, 0, old, a.base, a.disp, expected, value,
               a.mo | MO_64 | x86_lock(s, in->lock));
    ir_setcond(s->ir, IR_64, COND_E, equal, old, expected);
    ir_op2(s->ir, IR_SHL, IR_64, 0, zf, equal, ir_const(s->ir, 6));
    ir_putcc(s->ir, zf, IR_CC_Z);
    cmpxchg8b_put(s, old, equal);
}

/*
 * ADCX and ADOX: an add with carry whose carry in and out is CF, or OF, and
 * that leaves the other flags.  The carry out of a + b + c is that of a + b,
 * or that of the sum with c.
 */
void emit_adx(X86Trans *s, const X86Insn *in)
{
    unsigned size = in->op[0].size, flag = in->row->arg;
    IrTemp a = x86_get(s, in, 0), b = x86_get(s, in, 1);
    IrTemp carry = ir_temp(s->ir), sum = ir_temp(s->ir);
    IrTemp out1 = ir_temp(s->ir), out2 = ir_temp(s->ir);
    unsigned bit = flag == IR_CC_C ? 0 : 11;

    ir_setcc(s->ir, flag == IR_CC_C ? COND_B : COND_O, carry);
    ir_op2(s->ir, IR_ADD, size, 0, sum, a, b);
    ir_setcond(s->ir, size, COND_B, out1, sum, b);
    ir_op2(s->ir, IR_ADD, size, 0, a, sum, carry);
    ir_setcond(s->ir, size, COND_B, out2, a, carry);
    ir_op2(s->ir, IR_OR, IR_64, 0, out1, out1, out2);
    ir_op2(s->ir, IR_SHL, IR_64, 0, out1, out1, ir_const(s->ir, bit));
    ir_putcc(s->ir, out1, flag);
}
