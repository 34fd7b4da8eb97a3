/* SPDX-License-Identifier: MIT */
/*
 * Vector sub-ops as host instructions: which operand is in which field, by the
 * shape.  Source: Intel SDM vol. 2A, 3.1.1.4 "Operand Encoding Column in the
 * Instruction Summary Table", and the instruction of each name.
 */
#include "tcg/x86_64/vop_code.h"

typedef struct Fields {
    unsigned reg; /* ModRM.reg */
    Reg v;        /* VEX.vvvv; REG_NONE: unused */
    Reg rm;       /* ModRM.rm */
} Fields;

/* One flat switch over the shapes of vops.def. */
static Fields fields_of(const VopDef *def, VopRegs r)
{
    unsigned group = def->attrs >> VOP_ATTR_GROUP_SHIFT & 7;

    switch (def->shape) {
    case VOP_VV:
    case VOP_VVI:
        if (def->attrs & VOP_ATTR_SWAP) {
            return (Fields){r.b, REG_NONE, r.d};
        }
        return (Fields){r.d, REG_NONE, r.b};
    case VOP_SVI:
        return (Fields){group, r.d, r.a};
    case VOP_RV:
    case VOP_RVI:
        return (Fields){r.d, REG_NONE, r.b};
    case VOP_EV:
    case VOP_EVI:
        return (Fields){r.b, REG_NONE, r.d};
    case VOP_FVV:
        return (Fields){r.a, REG_NONE, r.b};
    case VOP_VVVV:
        return (Fields){r.d, r.b, r.c};
    default: /* VVV, VVR and those with an immediate, a mask, or XMM0 */
        return (Fields){r.d, r.a, r.b};
    }
}

static bool has_imm(const VopDef *def)
{
    switch (def->shape) {
    case VOP_VVI:
    case VOP_VVVI:
    case VOP_SVI:
    case VOP_VVRI:
    case VOP_RVI:
    case VOP_EVI:
        return true;
    default:
        return false;
    }
}

static uint32_t opcode_of(const VopDef *def)
{
    static const uint32_t prefix[] = {0, A_66, A_F3, A_F2};
    uint32_t map = def->map == 0x38 ? A_38 : def->map == 0x3a ? A_3A : A_0F;

    return def->opcode | map | prefix[def->prefix] |
           (def->attrs & VOP_ATTR_W ? A_W : 0);
}

void asm_vop_vex(Asm *as, const VopDef *def, VecMode mode, VopRegs r,
                 uint8_t imm)
{
    Fields f = fields_of(def, r);

    asm_vex(as, opcode_of(def) | (mode == VEC_FULL ? A_L : 0), f.reg,
            f.v == REG_NONE ? 0 : f.v & 15, rm_reg(f.rm));
    if (def->shape == VOP_VVVM) {
        asm_u8(as, (r.c & 15) << 4);
    } else if (has_imm(def)) {
        asm_u8(as, imm);
    }
}

void asm_vop_legacy(Asm *as, const VopDef *def, VopRegs r, uint8_t imm)
{
    Fields f = fields_of(def, r);

    if (def->shape == VOP_SVI) {
        f.rm = r.d;
    }
    asm_op(as, opcode_of(def), f.reg, rm_reg(f.rm));
    if (has_imm(def)) {
        asm_u8(as, imm);
    }
}
