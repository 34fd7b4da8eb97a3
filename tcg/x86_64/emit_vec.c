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

static void body_ldv(Cg *c, const Stub *s, Rm m)
{
    emit_vec_load(c, s->op->memop & MO_SIZE, s->dst, m);
}

static void stub_ldv(Cg *c, const Stub *s)
{
    access_retry(c, s, body_ldv);
    stub_save(c, s);
    stub_address(c, s);
    asm_mov_imm(&c->as, RCX, s->op->memop);
    asm_call(&c->as, thunks.load_vec);
    side_add(c, s->op, s->insn_off);
    stub_restore(c, s);
    body_ldv(c, s, rm_mem(RSP, FRAME_VEC));
    access_return(c, s);
}

static void emit_ldv(Cg *c, const IrOp *op)
{
    Access x = access_begin(c, op);
    Reg dst;

    keep_upper(c, op);
    dst = ra_scratch(c, RS_VEC);
    x.stub = access_probe(c, op, &x, stub_ldv, false);
    x.stub->dst = dst;
    body_ldv(c, x.stub, x.operand);
    access_end(c, &x);
    define(c, op, dst);
    stub_join(c, x.stub);
}

static void body_stv(Cg *c, const Stub *s, Rm m)
{
    emit_vec_store(c, s->op->memop & MO_SIZE, m, s->value);
}

static void stub_stv(Cg *c, const Stub *s)
{
    access_retry(c, s, body_stv);
    stub_save(c, s);
    body_stv(c, s, rm_mem(RSP, FRAME_VEC));
    stub_address(c, s);
    asm_mov_imm(&c->as, RCX, s->op->memop);
    asm_call(&c->as, thunks.store_vec);
    side_add(c, s->op, s->insn_off);
    stub_restore(c, s);
    access_return(c, s);
}

static void emit_stv(Cg *c, const IrOp *op)
{
    Access x = access_begin(c, op);
    bool wide = (op->memop & MO_SIZE) == MO_256;
    Reg src = wide ? ra_use_wide(c, op->arg[1]) : ra_use(c, op->arg[1]);

    x.stub = access_probe(c, op, &x, stub_stv, false);
    x.stub->value = src;
    body_stv(c, x.stub, x.operand);
    access_end(c, &x);
    stub_join(c, x.stub);
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
        Reg r = (Reg)c->temp[t].reg;

        if (!c->f->temp[t].vector) {
            continue;
        }
        n++;
        if (r == REG_NONE) {
            asm_vstore(&c->as, false, ra_upper_home(c, t), zero);
        } else {
            asm_vmov(&c->as, false, r, r);
            ra_widened(c, t);
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
