/* SPDX-License-Identifier: MIT */
/*
 * Vector sub-ops of IR_VOP: the table made from tcg/vops.def, and the portable
 * functions behind it.
 *
 * One function type serves every shape, so that the interpreter needs no
 * switch.  A function works on 128 bits, and vop_run makes 256 of it as the
 * row's lane kind says (VOP_LANES_*); each uses the arguments that its shape names (tcg/vops.def) and
 * ignores the rest.  Floating-point ones (VOP_ATTR_FP) run under the guest's
 * MXCSR: the caller has loaded it, and sticky flags gather there.
 */
#ifndef HEDDLE_TCG_VOPS_H
#define HEDDLE_TCG_VOPS_H

#include "tcg/ir.h"

/* 128 bits of a vector register; of a 256-bit one, the low ones come first. */
typedef union __attribute__((aligned(16))) VopVec {
    uint8_t u8[16];
    uint16_t u16[8];
    uint32_t u32[4];
    uint64_t u64[2];
    int8_t i8[16];
    int16_t i16[8];
    int32_t i32[4];
    int64_t i64[2];
    float f32[4];
    double f64[2];
} VopVec;

/*
 * @d     vector result; may be the same as @a or @b
 * @a     src0 when it is a vector
 * @b     src1 when it is a vector
 * @c     src2, of VVVV, VVVM and VVVX
 * @r     src1 when it is an integer
 * @imm   the immediate byte
 * Returns  the integer result of RV, RVI, EV and EVI, the flags (in
 *          X86CPU.cc's form) of FVV; otherwise 0
 */
typedef uint64_t VopFn(VopVec *d, const VopVec *a, const VopVec *b,
                       const VopVec *c, uint64_t r, uint8_t imm);

enum { P_NONE, P_66, P_F3, P_F2 }; /* mandatory prefix of the encoding */

enum {
    VOP_ATTR_FP = 1,
    VOP_ATTR_W = 2,
    VOP_ATTR_NO_VEX = 4, /* has no VEX encoding, nor 256 bits */
    VOP_ATTR_SWAP = 8,   /* VVI: the source is in ModRM.reg */
    VOP_ATTR_GROUP_SHIFT = 4, /* SVI: the /n of the encoding, 3 bits */
    VOP_ATTR_LANES_SHIFT = 8, /* VopLanes, 3 bits */
    VOP_ATTR_LANES_ARG_SHIFT = 11, /* and its argument, 5 bits */
    VOP_ATTR_EXT_SHIFT = 16, /* VopExt */
};

/* What the upper 128 bits of a 256-bit operation are. */
typedef enum VopLanes {
    VOP_LANES_EACH,   /* the function of the sources' upper halves */
    VOP_LANES_SHARED, /* the same, but src1 is its low half */
    VOP_LANES_PART,   /* the same, but src1 is what is arg bytes up */
    VOP_LANES_IMM,    /* the same, with the immediate >> arg */
    VOP_LANES_JOIN,   /* result |= that of the upper half << arg */
    VOP_LANES_NARROW, /* zero: 64 bits of each half's result make the low one */
    VOP_LANES_CROSS,  /* the function does all of it: 256 bits only */
    VOP_LANES_NONE,   /* there is no 256-bit form */
} VopLanes;

/* What the host needs beside AVX2 to run the encoding. */
typedef enum VopExt {
    VOP_EXT_NONE, VOP_EXT_AES, VOP_EXT_CLMUL, VOP_EXT_SHA, VOP_EXT_GFNI,
} VopExt;

typedef struct VopDef {
    const char *name;
    uint8_t shape;  /* VopShape */
    uint8_t prefix; /* P_* */
    uint8_t map;    /* 0x0f, 0x38, 0x3a */
    uint8_t opcode;
    uint32_t attrs; /* VOP_ATTR_* */
    VopFn *fn;
} VopDef;
extern const VopDef vop_defs[VOP_COUNT + 1];

#define VOP(name, shape, prefix, map, opcode, attrs) VopFn vop_##name;
#include "tcg/vops.def"
#undef VOP

static inline VopLanes vop_lanes(const VopDef *d)
{
    return d->attrs >> VOP_ATTR_LANES_SHIFT & 7;
}

/*
 * Do one sub-op; arguments as of VopFn, but that in the modes VEC_ZERO and
 * VEC_FULL vectors are two VopVecs each.  Under the guest's MXCSR if FP.
 */
uint64_t vop_run(const VopDef *def, VecMode mode, VopVec *d, const VopVec *a,
                 const VopVec *b, const VopVec *c, uint64_t r, uint8_t imm);

/* dst is an integer. */
static inline bool vop_dst_is_int(const VopDef *d)
{
    return d->shape >= VOP_RV && d->shape <= VOP_EVI &&
           d->shape != VOP_VVR && d->shape != VOP_VVRI;
}

/* src1 is an integer. */
static inline bool vop_src_is_int(const VopDef *d)
{
    return d->shape == VOP_VVR || d->shape == VOP_VVRI;
}

#endif
