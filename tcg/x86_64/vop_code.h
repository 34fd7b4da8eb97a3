/* SPDX-License-Identifier: MIT */
/* Host code of vector sub-ops, by the rows of vops.def: bytes only. */
#ifndef HEDDLE_TCG_X86_64_VOP_CODE_H
#define HEDDLE_TCG_X86_64_VOP_CODE_H

#include "tcg/vops.h"
#include "tcg/x86_64/asm.h"

/* The host registers of one sub-op's operands: those that its shape names. */
typedef struct VopRegs {
    Reg d;
    Reg a, b, c; /* src0 to src2; a: REG_NONE if there is none */
} VopRegs;

/* The VEX form; of VVVV d has to be a. */
void asm_vop_vex(Asm *as, const VopDef *def, VecMode mode, VopRegs r,
                 uint8_t imm);
/* The legacy form, of rows that have one: d has to be a where the shape has
 * an a, and c is XMM0. */
void asm_vop_legacy(Asm *as, const VopDef *def, VopRegs r, uint8_t imm);

#endif
