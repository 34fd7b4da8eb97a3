/* SPDX-License-Identifier: MIT */
/*
 * Vector loads, stores and moves.  A vector temp is cached in a host register
 * with all its 256 bits (wide), or with 128 of them while the rest is at home
 * (X86CPU or frame, 16 bytes up): legacy SSE instructions leave that alone.
 *
 * Every vector instruction emitted is a VEX one.  So the host never pays for a
 * mix of the two kinds, and what writes 128 bits clears the others, which is
 * what a guest's VEX.128 instruction wants.
 */
#include "tcg/x86_64/cg.h"

/* An access of @size; the rest of the register is cleared. */
static void emit_vec_load(Cg *c, unsigned size, Reg dst, Rm m)
{
    switch (size) {
    case MO_32:
        asm_vex(&c->as, 0x10 | A_0F | A_F3, dst, 0, m); /* VMOVSS */
        break;
    case MO_64:
        asm_vex(&c->as, 0x10 | A_0F | A_F2, dst, 0, m); /* VMOVSD */
        break;
    default:
        asm_vload(&c->as, size == MO_256, dst, m);
        break;
    }
}

static void emit_vec_store(Cg *c, unsigned size, Rm m, Reg src)
{
    switch (size) {
    case MO_32:
        asm_vex(&c->as, 0x11 | A_0F | A_F3, src, 0, m);
        break;
    case MO_64:
        asm_vex(&c->as, 0x11 | A_0F | A_F2, src, 0, m);
        break;
    default:
        asm_vstore(&c->as, size == MO_256, m, src);
        break;
    }
}

static void keep_upper(Cg *c, const IrOp *op)
{
    if (ir_keeps_upper(op)) {
        ra_keep_upper(c, op->arg[0]);
    }
}

static void define(Cg *c, const IrOp *op, Reg r)
{
    if (ir_keeps_upper(op)) {
        ra_define(c, op->arg[0], r);
    } else {
        ra_define_wide(c, op->arg[0], r);
    }
}

static void stub_ldv(Cg *c, const Stub *s)
{
    stub_save(c, s);
    stub_address(c, s);
    asm_mov_imm(&c->as, RCX, s->op->memop);
    asm_call(&c->as, thunks.load_vec);
    side_add(c, s->op, s->insn_off);
    stub_restore(c, s);
    emit_vec_load(c, s->op->memop & MO_SIZE, s->dst, rm_mem(RSP, FRAME_VEC));
    stub_jump_back(c, s);
}

static void emit_ldv(Cg *c, const IrOp *op)
{
    unsigned size = op->memop & MO_SIZE;
    Reg idx, tag, dst;
    Address a;
    Stub *s;

    cc_before_fault(c, op, true);
    c->cc_host = false;
    c->cc_mem = true;
    keep_upper(c, op);
    a = emit_address(c, op);
    idx = ra_scratch(c, RS_SCRATCH);
    tag = ra_scratch(c, RS_SCRATCH);
    dst = ra_scratch(c, RS_VEC);
    s = stub_new(c, op, stub_ldv);
    s->addr = a.reg;
    s->disp = a.disp;
    s->dst = dst;
    s->jump = emit_probe(c, op, a, op->memop & MO_RMW, idx, tag);
    emit_vec_load(c, size, dst, rm_sib(idx, a.reg, 0, a.disp));
    define(c, op, dst);
    stub_join(c, s);
}

static void stub_stv(Cg *c, const Stub *s)
{
    stub_save(c, s);
    emit_vec_store(c, s->op->memop & MO_SIZE, rm_mem(RSP, FRAME_VEC),
                   s->value);
    stub_address(c, s);
    asm_mov_imm(&c->as, RCX, s->op->memop);
    asm_call(&c->as, thunks.store_vec);
    side_add(c, s->op, s->insn_off);
    stub_restore(c, s);
    stub_jump_back(c, s);
}

static void emit_stv(Cg *c, const IrOp *op)
{
    unsigned size = op->memop & MO_SIZE;
    Reg idx, tag, src;
    Address a;
    Stub *s;

    cc_before_fault(c, op, true);
    c->cc_host = false;
    c->cc_mem = true;
    a = emit_address(c, op);
    src = size == MO_256 ? ra_use_wide(c, op->arg[1])
                         : ra_use(c, op->arg[1]);
    idx = ra_scratch(c, RS_SCRATCH);
    tag = ra_scratch(c, RS_SCRATCH);
    s = stub_new(c, op, stub_stv);
    s->addr = a.reg;
    s->disp = a.disp;
    s->value = src;
    s->jump = emit_probe(c, op, a, true, idx, tag);
    emit_vec_store(c, size, rm_sib(idx, a.reg, 0, a.disp), src);
    stub_join(c, s);
}

static void emit_vmov(Cg *c, const IrOp *op)
{
    bool full = op->size == VEC_FULL;
    Reg src, dst;

    if (op->arg[0] == op->arg[1] && op->size != VEC_ZERO) {
        return;
    }
    keep_upper(c, op);
    src = full ? ra_use_wide(c, op->arg[1]) : ra_use(c, op->arg[1]);
    dst = ra_result_vec(c, op);
    if (dst != src || op->size == VEC_ZERO) {
        asm_vmov(&c->as, full, dst, src);
    }
    define(c, op, dst);
}

/* Registers that are cached lose their upper half there, others at home. */
static void emit_vzeroup(Cg *c, const IrOp *op)
{
    Reg zero = ra_scratch(c, RS_VEC);
    unsigned n = 0;

    asm_vex(&c->as, 0x57 | A_0F, zero, zero, rm_reg(zero)); /* VXORPS */
    for (unsigned t = 0; t < c->f->nglobals && n < op->aux; t++) {
        TempState *s = &c->temp[t];

        if (!c->f->temp[t].vector) {
            continue;
        }
        n++;
        if (s->reg == REG_NONE) {
            asm_vstore(&c->as, false, ra_upper_home(c, t), zero);
        } else {
            asm_vmov(&c->as, false, s->reg, s->reg);
            s->wide = true;
            s->in_home = false;
        }
    }
}

bool emit_vec_op(Cg *c, const IrOp *op)
{
    switch (op->opc) {
    case IR_LDV:
        emit_ldv(c, op);
        return true;
    case IR_STV:
        emit_stv(c, op);
        return true;
    case IR_VMOV:
        emit_vmov(c, op);
        return true;
    case IR_VZEROUP:
        emit_vzeroup(c, op);
        return true;
    default:
        return false;
    }
}
