/* SPDX-License-Identifier: MIT */
/*
 * The tables made from ops.def and vops.def, and questions about single ops
 * that their rows answer.
 */
#include "tcg/helper.h"
#include "tcg/ir.h"
#include "tcg/vops.h"

/* The vocabulary of ops.def; names are short there to keep rows readable. */
enum {
    C = IR_CC_C,
    P = IR_CC_P,
    A = IR_CC_A,
    Z = IR_CC_Z,
    S_ = IR_CC_S,
    O = IR_CC_O,
    CC_ALL = IR_CC_ALL,
    COND = 0x40, /* flags of the op's condition: becomes cc_in_cond */
    SUB = 0,     /* by sub-op: ir_op_cc_in */
    M = IR_ATTR_M | IR_ATTR_F,
    F = IR_ATTR_F,
    E = IR_ATTR_E,
    X = IR_ATTR_X,
    S = IR_ATTR_S,
    Q = IR_ATTR_Q,
};

const IrOpDef ir_op_defs[IR_OPC_COUNT] = {
#define IR_OP(opname, dsts, srcs, in, out, a)                                  \
    [IR_##opname] = {                                                          \
        .name = #opname,                                                       \
        .ndst = (dsts),                                                        \
        .nsrc = (srcs),                                                        \
        .cc_in = (in)&IR_CC_ALL,                                               \
        .cc_out = (out),                                                       \
        .cc_in_cond = (in) == COND,                                            \
        .cc_in_varies = (in) == COND || ((a)&IR_ATTR_Q) ||                     \
                        IR_##opname == IR_RMW || IR_##opname == IR_SETC ||     \
                        IR_##opname == IR_CALL,                                \
        .attrs = (a),                                                          \
    },
#include "tcg/ops.def"
#undef IR_OP
};

/* The vocabulary of vops.def. */
enum {
    FP = VOP_ATTR_FP,
    W = VOP_ATTR_W,
    NO_VEX = VOP_ATTR_NO_VEX,
    SWAP = VOP_ATTR_SWAP,
};
#define LANES(kind, arg)                                                       \
    (VOP_LANES_##kind << VOP_ATTR_LANES_SHIFT |                                \
     (arg) << VOP_ATTR_LANES_ARG_SHIFT)
#define SHARED    LANES(SHARED, 0)
#define PART(n)   LANES(PART, n)
#define IMM(n)    LANES(IMM, n)
#define JOIN(n)   LANES(JOIN, n)
#define NARROW    LANES(NARROW, 0)
#define CROSS     LANES(CROSS, 0)
#define NO_256    LANES(NONE, 0)
#define EXT(name) (VOP_EXT_##name << VOP_ATTR_EXT_SHIFT)
#define G(n) ((n) << VOP_ATTR_GROUP_SHIFT)

/* One unused row at the end: an empty vops.def is a valid one. */
const VopDef vop_defs[VOP_COUNT + 1] = {
#define VOP(vname, vshape, vprefix, vmap, vopcode, vattrs)                     \
    [VOP_##vname] = {                                                          \
        .name = #vname,                                                        \
        .shape = VOP_##vshape,                                                 \
        .prefix = (vprefix),                                                   \
        .map = (vmap),                                                         \
        .opcode = (vopcode),                                                   \
        .attrs = (vattrs),                                                     \
        .fn = vop_##vname,                                                     \
    },
#include "tcg/vops.def"
#undef VOP
};

uint8_t cond_reads(IrCond cond)
{
    static const uint8_t reads[8] = {
        IR_CC_O, IR_CC_C, IR_CC_Z,           IR_CC_C | IR_CC_Z,
        IR_CC_S, IR_CC_P, IR_CC_S | IR_CC_O, IR_CC_Z | IR_CC_S | IR_CC_O,
    };

    return reads[cond >> 1];
}

bool cond_holds(IrCond cond, uint16_t cc)
{
    bool less = !(cc & CC_BIT_S) != !(cc & CC_BIT_O);
    bool yes = false;

    switch (cond & ~1) {
    case COND_O:
        yes = cc & CC_BIT_O;
        break;
    case COND_B:
        yes = cc & CC_BIT_C;
        break;
    case COND_E:
        yes = cc & CC_BIT_Z;
        break;
    case COND_BE:
        yes = cc & (CC_BIT_C | CC_BIT_Z);
        break;
    case COND_S:
        yes = cc & CC_BIT_S;
        break;
    case COND_P:
        yes = cc & CC_BIT_P;
        break;
    case COND_L:
        yes = less;
        break;
    case COND_LE:
        yes = less || (cc & CC_BIT_Z);
        break;
    }
    return yes != (cond & 1);
}

/* The flags of an op with attribute Q survive when its count is 0. */
static uint8_t cc_in_of_shift(const IrFunc *f, const IrOp *op)
{
    IrTemp count = op->arg[ir_op_args(op) - 1];
    unsigned mask = op->size == IR_64 ? 63 : 31;
    bool kept = !ir_is_const(f, count) || !(f->temp[count].value & mask);

    return ir_op_defs[op->opc].cc_in | (kept ? op->cc_out : 0);
}

static uint8_t cc_in_of_call(const IrOp *op)
{
    const HelperInfo *h = helper_info(op->aux);

    return h->flags & (HELPER_PURE | HELPER_NO_CC) ? 0 : IR_CC_ALL;
}

uint8_t ir_op_cc_in_varying(const IrFunc *f, const IrOp *op)
{
    const IrOpDef *def = &ir_op_defs[op->opc];

    if (def->cc_in_cond) {
        return cond_reads(op->cond);
    }
    if (def->attrs & IR_ATTR_Q) {
        return cc_in_of_shift(f, op);
    }
    switch (op->opc) {
    case IR_RMW:
        return ir_op_defs[op->aux].cc_in;
    case IR_SETC:
        return op->aux == 2 ? IR_CC_C : 0;
    case IR_CALL:
        return cc_in_of_call(op);
    default:
        return def->cc_in;
    }
}

bool ir_call_may_fault(const IrOp *op)
{
    return !(helper_info(op->aux)->flags & (HELPER_PURE | HELPER_NO_FAULT));
}
