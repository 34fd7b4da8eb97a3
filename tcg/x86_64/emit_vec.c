/* SPDX-License-Identifier: MIT */
/*
 * Vector ops.  The low 128 bits of a vector temp are cached in a host XMM
 * register; the upper half, if it has one, is always at home (X86CPU or frame,
 * 16 bytes up), so that legacy SSE instructions leave it alone by themselves.
 */
#include "tcg/vops.h"
#include "tcg/x86_64/cg.h"

static Rm upper_half(Cg *c, IrTemp t)
{
    Rm m = ra_home(c, t);

    m.disp += 16;
    return m;
}

/* The low 128 bits or less of an access of @size; the rest is cleared. */
static void emit_vec_load(Cg *c, unsigned size, Reg dst, Rm m)
{
    switch (size) {
    case MO_32:
        asm_op(&c->as, 0x10 | A_0F | A_F3, dst, m); /* MOVSS */
        break;
    case MO_64:
        asm_op(&c->as, 0x10 | A_0F | A_F2, dst, m); /* MOVSD */
        break;
    default:
        asm_vload(&c->as, dst, m);
        break;
    }
}

static void emit_vec_store(Cg *c, unsigned size, Rm m, Reg src)
{
    switch (size) {
    case MO_32:
        asm_op(&c->as, 0x11 | A_0F | A_F3, src, m);
        break;
    case MO_64:
        asm_op(&c->as, 0x11 | A_0F | A_F2, src, m);
        break;
    default:
        asm_vstore(&c->as, m, src);
        break;
    }
}

/* All of an access; @tmp is for the upper half. */
static void emit_vec_load_all(Cg *c, const IrOp *op, Reg dst, Reg tmp, Rm m)
{
    unsigned size = op->memop & MO_SIZE;

    emit_vec_load(c, size, dst, m);
    if (size == MO_256) {
        m.disp += 16;
        asm_vload(&c->as, tmp, m);
        asm_vstore(&c->as, upper_half(c, op->arg[0]), tmp);
    }
}

static void emit_vec_store_all(Cg *c, const IrOp *op, Reg src, Reg tmp, Rm m)
{
    unsigned size = op->memop & MO_SIZE;

    emit_vec_store(c, size, m, src);
    if (size == MO_256) {
        m.disp += 16;
        asm_vload(&c->as, tmp, upper_half(c, op->arg[1]));
        asm_vstore(&c->as, m, tmp);
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
    emit_vec_load_all(c, s->op, s->dst, s->value, rm_mem(RSP, FRAME_VEC));
    stub_jump_back(c, s);
}

static void emit_ldv(Cg *c, const IrOp *op)
{
    Reg idx, tag, dst, tmp = XMM0;
    Address a;
    Stub *s;

    cc_before_fault(c, op, true);
    c->cc_host = false;
    c->cc_mem = true;
    a = emit_address(c, op);
    idx = ra_scratch(c, RS_SCRATCH);
    tag = ra_scratch(c, RS_SCRATCH);
    dst = ra_scratch(c, RS_VEC);
    if ((op->memop & MO_SIZE) == MO_256) {
        tmp = ra_scratch(c, RS_VEC);
    }
    s = stub_new(c, op, stub_ldv);
    s->addr = a.reg;
    s->disp = a.disp;
    s->dst = dst;
    s->value = tmp;
    s->jump = emit_probe(c, op, a, op->memop & MO_RMW, idx, tag);
    emit_vec_load_all(c, op, dst, tmp, rm_sib(idx, a.reg, 0, a.disp));
    ra_define(c, op->arg[0], dst);
    stub_join(c, s);
}

static void stub_stv(Cg *c, const Stub *s)
{
    stub_save(c, s);
    emit_vec_store_all(c, s->op, s->value, s->dst, rm_mem(RSP, FRAME_VEC));
    stub_address(c, s);
    asm_mov_imm(&c->as, RCX, s->op->memop);
    asm_call(&c->as, thunks.store_vec);
    side_add(c, s->op, s->insn_off);
    stub_restore(c, s);
    stub_jump_back(c, s);
}

static void emit_stv(Cg *c, const IrOp *op)
{
    Reg idx, tag, src, tmp = XMM0;
    Address a;
    Stub *s;

    cc_before_fault(c, op, true);
    c->cc_host = false;
    c->cc_mem = true;
    a = emit_address(c, op);
    src = ra_use(c, op->arg[1]);
    idx = ra_scratch(c, RS_SCRATCH);
    tag = ra_scratch(c, RS_SCRATCH);
    if ((op->memop & MO_SIZE) == MO_256) {
        tmp = ra_scratch(c, RS_VEC);
    }
    s = stub_new(c, op, stub_stv);
    s->addr = a.reg;
    s->disp = a.disp;
    s->value = src;
    s->dst = tmp;
    s->jump = emit_probe(c, op, a, true, idx, tag);
    emit_vec_store_all(c, op, src, tmp, rm_sib(idx, a.reg, 0, a.disp));
    stub_join(c, s);
}

static void emit_vmov(Cg *c, const IrOp *op)
{
    Reg r, tmp;

    if ((op->memop & MO_SIZE) == MO_256 && op->arg[0] != op->arg[1]) {
        tmp = ra_scratch(c, RS_VEC);
        asm_vload(&c->as, tmp, upper_half(c, op->arg[1]));
        asm_vstore(&c->as, upper_half(c, op->arg[0]), tmp);
    }
    r = ra_modify(c, op, 1, 0);
    ra_define(c, op->arg[0], r);
}

static uint32_t vop_opcode(const VopDef *d)
{
    static const uint32_t prefix[] = { 0, A_66, A_F3, A_F2 };
    uint32_t map = d->map == 0x38 ? A_38 : d->map == 0x3a ? A_3A : A_0F;

    return d->opcode | map | prefix[d->prefix] |
           ((d->attrs & VOP_ATTR_W) ? A_W : 0);
}

/* dst = f(src0, src1), dst in src0's register; src1 a vector or integer. */
static void emit_vop_binary(Cg *c, const IrOp *op, const VopDef *d, bool imm)
{
    Reg b = ra_use(c, op->arg[2]);
    /* With one temp as both sources, the same register is both operands. */
    RegSet avoid = op->arg[1] == op->arg[2] ? 0 : RS(b);
    Reg r = op->arg[1] == IR_NONE ? ra_result(c, op->arg[0], avoid)
                                  : ra_modify(c, op, 1, avoid);

    asm_op(&c->as, vop_opcode(d), r, rm_reg(b));
    if (imm) {
        asm_u8(&c->as, op->imm);
    }
    ra_define(c, op->arg[0], r);
}

/* dst = f(src1): all of the low 128 bits are new. */
static void emit_vop_unary(Cg *c, const IrOp *op, const VopDef *d, bool imm)
{
    Reg b = ra_use(c, op->arg[2]);
    Reg r = op->arg[0] == op->arg[2] ? b : ra_result(c, op->arg[0], 0);

    asm_op(&c->as, vop_opcode(d), r, rm_reg(b));
    if (imm) {
        asm_u8(&c->as, op->imm);
    }
    ra_define(c, op->arg[0], r);
}

static void emit_vop_shift(Cg *c, const IrOp *op, const VopDef *d)
{
    Reg r = ra_modify(c, op, 1, 0);

    asm_op(&c->as, vop_opcode(d), d->attrs >> VOP_ATTR_GROUP_SHIFT, rm_reg(r));
    asm_u8(&c->as, op->imm);
    ra_define(c, op->arg[0], r);
}

/* @reversed: the vector is in ModRM.reg. */
static void emit_vop_to_int(Cg *c, const IrOp *op, const VopDef *d,
                            bool reversed, bool imm)
{
    Reg b = ra_use(c, op->arg[2]);
    Reg r = ra_result(c, op->arg[0], 0);

    asm_op(&c->as, vop_opcode(d), reversed ? b : r, rm_reg(reversed ? r : b));
    if (imm) {
        asm_u8(&c->as, op->imm);
    }
    ra_define(c, op->arg[0], r);
}

static void emit_vop_flags(Cg *c, const IrOp *op, const VopDef *d)
{
    Reg a, b;

    cc_prepare(c, op, 0, IR_CC_ALL);
    a = ra_use(c, op->arg[1]);
    b = ra_use(c, op->arg[2]);
    asm_op(&c->as, vop_opcode(d), a, rm_reg(b));
    cc_finish(c, op, IR_CC_ALL);
}

/* Reading MXCSR is slow: the thunks do it only after arithmetic. */
static void mark_fp(Cg *c)
{
    if (!c->fp_marked) {
        asm_store_imm(&c->as, IR_32, rm_mem(RSP, FRAME_FP), 1);
        c->fp_marked = true;
    }
}

static void emit_vop(Cg *c, const IrOp *op)
{
    const VopDef *d = &vop_defs[op->aux];

    if (d->attrs & VOP_ATTR_FP) {
        mark_fp(c);
    }
    switch (d->shape) {
    case VOP_VVV:
    case VOP_VVR:
        emit_vop_binary(c, op, d, false);
        break;
    case VOP_VVVI:
    case VOP_VVRI:
        emit_vop_binary(c, op, d, true);
        break;
    case VOP_VV:
        emit_vop_unary(c, op, d, false);
        break;
    case VOP_VVI:
        emit_vop_unary(c, op, d, true);
        break;
    case VOP_SVI:
        emit_vop_shift(c, op, d);
        break;
    case VOP_RV:
    case VOP_RVI:
        emit_vop_to_int(c, op, d, false, d->shape == VOP_RVI);
        break;
    case VOP_EV:
    case VOP_EVI:
        emit_vop_to_int(c, op, d, true, d->shape == VOP_EVI);
        break;
    case VOP_FVV:
        emit_vop_flags(c, op, d);
        break;
    default:
        g_assert_not_reached(); /* all shapes of vops.def are above */
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
    case IR_VOP:
        emit_vop(c, op);
        return true;
    default:
        return false;
    }
}
