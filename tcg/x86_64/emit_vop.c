/* SPDX-License-Identifier: MIT */
/*
 * Vector sub-ops: one VEX instruction of the host each, by the row of vops.def.
 * What the host lacks, of the extensions that not every host with AVX2 has, is
 * a call of the row's portable function.
 */
#include "tcg/vops.h"
#include "tcg/x86_64/cg.h"
#include "tcg/x86_64/vop_code.h"

static Reg use(Cg *c, const IrOp *op, unsigned n)
{
    return op->size == VEC_FULL ? ra_use_wide(c, op->arg[n])
                                : ra_use(c, op->arg[n]);
}

static void define(Cg *c, const IrOp *op, Reg r)
{
    if (op->size == VEC_LOW) {
        ra_define(c, op->arg[0], r);
    } else {
        ra_define_wide(c, op->arg[0], r);
    }
}

static void encode(Cg *c, const IrOp *op, const VopDef *d, VopRegs r)
{
    asm_vop_vex(&c->as, d, op->size, r, op->imm);
}

/* dst = f(src0, src1); src1 a vector or integer. */
static void emit_binary(Cg *c, const IrOp *op, const VopDef *d)
{
    Reg a = op->arg[1] == IR_NONE ? REG_NONE : use(c, op, 1);
    Reg b = vop_src_is_int(d) ? ra_use(c, op->arg[2]) : use(c, op, 2);
    Reg r = ra_result_vec(c, op);

    encode(c, op, d, (VopRegs){.d = r, .a = a, .b = b});
    define(c, op, r);
}

/* dst = f(src1) */
static void emit_unary(Cg *c, const IrOp *op, const VopDef *d)
{
    Reg b = use(c, op, 2), r = ra_result_vec(c, op);

    encode(c, op, d, (VopRegs){.d = r, .b = b});
    define(c, op, r);
}

static void emit_shift(Cg *c, const IrOp *op, const VopDef *d)
{
    Reg a = use(c, op, 1), r = ra_result_vec(c, op);

    encode(c, op, d, (VopRegs){.d = r, .a = a});
    define(c, op, r);
}

static void emit_to_int(Cg *c, const IrOp *op, const VopDef *d)
{
    Reg b = use(c, op, 2), r = ra_result(c, op->arg[0], 0);

    encode(c, op, d, (VopRegs){.d = r, .b = b});
    ra_define(c, op->arg[0], r);
}

static void emit_flags(Cg *c, const IrOp *op, const VopDef *d)
{
    Reg a, b;

    cc_prepare(c, op, 0, IR_CC_ALL);
    a = use(c, op, 1);
    b = use(c, op, 2);
    encode(c, op, d, (VopRegs){.a = a, .b = b});
    cc_finish(c, op, IR_CC_ALL);
}

/* dst = f(src0, src1, src2) in src0's register: FMA. */
static void emit_fused(Cg *c, const IrOp *op, const VopDef *d)
{
    Reg b, e, r;

    use(c, op, 1);
    b = use(c, op, 2);
    e = use(c, op, 3);
    r = ra_modify_vec(c, op, op->size == VEC_FULL);
    encode(c, op, d, (VopRegs){.d = r, .a = r, .b = b, .c = e});
    define(c, op, r);
}

static void emit_by_mask(Cg *c, const IrOp *op, const VopDef *d)
{
    Reg a = use(c, op, 1), b = use(c, op, 2), m = use(c, op, 3);
    Reg r = ra_result_vec(c, op);

    encode(c, op, d, (VopRegs){.d = r, .a = a, .b = b, .c = m});
    define(c, op, r);
}

/* SHA: two operands, the first is the destination; src2 if any in XMM0. */
static void emit_legacy(Cg *c, const IrOp *op, const VopDef *d)
{
    Reg b, m, r;

    if (op->arg[3] != IR_NONE && c->temp[op->arg[3]].reg != XMM0) {
        ra_scratch(c, RS(XMM0));
        m = ra_use(c, op->arg[3]);
        asm_vmov(&c->as, false, XMM0, m);
    } else if (op->arg[3] != IR_NONE) {
        ra_use(c, op->arg[3]);
    }
    ra_use(c, op->arg[1]);
    b = ra_use(c, op->arg[2]);
    r = ra_modify_vec(c, op, false);
    asm_vop_legacy(&c->as, d, (VopRegs){.d = r, .a = r, .b = b}, op->imm);
    ra_define(c, op->arg[0], r);
}

/* --- what the host lacks --- */

/* Bits 0 to 7 of *@how: the immediate, 8 to 15 the mode, then the row. */
static void run_portable(VopVec *d, const VopVec *a, const VopVec *b,
                         const VopVec *c, uint64_t how)
{
    vop_run(&vop_defs[how >> 16], how >> 8 & 0xff, d, a, b, c, 0,
            (uint8_t)how);
}

static void load_home_address(Cg *c, Reg r, IrTemp t)
{
    Rm home;

    if (t == IR_NONE) {
        asm_mov_imm(&c->as, r, 0);
        return;
    }
    home = ra_home(c, t);
    if (home.what & RM_GS) {
        asm_load(&c->as, IR_64, r, rm_mem(RSP, FRAME_CPU));
        home = rm_mem(r, home.disp);
    }
    asm_lea(&c->as, IR_64, r, home);
}

static void emit_portable(Cg *c, const IrOp *op)
{
    static const uint8_t reg[] = { RDI, RSI, RDX, RCX };

    if (op->cc_live) {
        cc_save(c);
    }
    cc_in_memory(c);
    ra_sync(c);
    asm_call(&c->as, thunks.spill_caller);
    for (unsigned i = 0; i < ARRAY_LEN(reg); i++) {
        load_home_address(c, reg[i], op->arg[i]);
    }
    asm_mov_imm(&c->as, R8,
                (uint64_t)op->aux << 16 | op->size << 8 | (uint8_t)op->imm);
    asm_call(&c->as, (const void *)(uintptr_t)run_portable);
    ra_forget(c);
    asm_call(&c->as, thunks.reload_caller);
}

static bool host_has(const IrOp *op, const VopDef *d)
{
    return host_has_vop_ext(d->attrs >> VOP_ATTR_EXT_SHIFT & 7,
                            op->size == VEC_FULL);
}

/* Reading MXCSR is slow: the thunks do it only after arithmetic. */
static void mark_fp(Cg *c)
{
    if (!c->fp_marked) {
        asm_store_imm(&c->as, IR_32, rm_mem(RSP, FRAME_FP), 1);
        c->fp_marked = true;
    }
}

/* One flat switch over the shapes of vops.def. */
static void emit_shape(Cg *c, const IrOp *op, const VopDef *d)
{
    switch (d->shape) {
    case VOP_VVV:
    case VOP_VVR:
    case VOP_VVVI:
    case VOP_VVRI:
        emit_binary(c, op, d);
        break;
    case VOP_VV:
    case VOP_VVI:
        emit_unary(c, op, d);
        break;
    case VOP_SVI:
        emit_shift(c, op, d);
        break;
    case VOP_RV:
    case VOP_RVI:
    case VOP_EV:
    case VOP_EVI:
        emit_to_int(c, op, d);
        break;
    case VOP_FVV:
        emit_flags(c, op, d);
        break;
    case VOP_VVVV:
        emit_fused(c, op, d);
        break;
    case VOP_VVVM:
        emit_by_mask(c, op, d);
        break;
    default:
        g_assert_not_reached(); /* VVVX has no VEX encoding */
    }
}

bool emit_vop_op(Cg *c, const IrOp *op)
{
    const VopDef *d = &vop_defs[op->aux];

    if (op->opc != IR_VOP) {
        return false;
    }
    if (d->attrs & VOP_ATTR_FP) {
        mark_fp(c);
    }
    if (op->size == VEC_LOW && !vop_dst_is_int(d) && d->shape != VOP_FVV) {
        ra_keep_upper(c, op->arg[0]);
    }
    if (!host_has(op, d)) {
        emit_portable(c, op);
    } else if (d->attrs & VOP_ATTR_NO_VEX) {
        emit_legacy(c, op, d);
    } else {
        emit_shape(c, op, d);
    }
    return true;
}
