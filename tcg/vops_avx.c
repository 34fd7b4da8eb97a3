/* SPDX-License-Identifier: MIT */
/* Portable functions of what AVX and AVX2 added: permutes, broadcasts, blends
 * and shifts by vector.  SDM vol. 2, the instruction of each name. */
#include <string.h>

#include "tcg/vops_macros.h"

/* --- within 128 bits --- */

LANES(VPERMILPS, u32, 4, a->u32[y & 3])
LANES(VPERMILPD, u64, 2, a->u64[y >> 1 & 1])
LANES(VPERMILPSI, u32, 4, b->u32[imm >> (2 * i) & 3])
LANES(VPERMILPDI, u64, 2, b->u64[imm >> i & 1])
LANES(VPBROADCASTB, u8, 16, b->u8[0])
LANES(VPBROADCASTW, u16, 8, b->u16[0])
LANES(VPBROADCASTD, u32, 4, b->u32[0])
LANES(VPBROADCASTQ, u64, 2, b->u64[0])
LANES(VPBLENDD, u32, 4, imm &BIT(i) ? y : x)
LANES(BLENDVB, u8, 16, c->i8[i] < 0 ? y : x)
LANES(BLENDVPS, u32, 4, c->i32[i] < 0 ? y : x)
LANES(BLENDVPD, u64, 2, c->i64[i] < 0 ? y : x)

/* Counts past the lane give zeros, or copies of the sign. */
LANES(VPSRLVD, u32, 4, y < 32 ? x >> y : 0)
LANES(VPSRLVQ, u64, 2, y < 64 ? x >> y : 0)
LANES(VPSLLVD, u32, 4, y < 32 ? x << y : 0)
LANES(VPSLLVQ, u64, 2, y < 64 ? x << y : 0)
LANES(VPSRAVD, i32, 4, x >> ((uint32_t)y < 32 ? y : 31))

/* Z: no sign bit in src0 & src1; C: none in ~src0 & src1. */
VOP_FN(VTESTPS)
{
    uint32_t both = 0, second = 0;

    for (unsigned i = 0; i < 4; i++) {
        both |= a->u32[i] & b->u32[i];
        second |= ~a->u32[i] & b->u32[i];
    }
    return (both >> 31 ? 0 : CC_BIT_Z) | (second >> 31 ? 0 : CC_BIT_C);
}

VOP_FN(VTESTPD)
{
    uint64_t both = (a->u64[0] & b->u64[0]) | (a->u64[1] & b->u64[1]);
    uint64_t second = (~a->u64[0] & b->u64[0]) | (~a->u64[1] & b->u64[1]);

    return (both >> 63 ? 0 : CC_BIT_Z) | (second >> 63 ? 0 : CC_BIT_C);
}

/* --- across 256 bits: operands are two VopVecs each --- */

/* src0 holds the lane numbers. */
VOP_FN(VPERMD)
{
    VopVec t[2];

    for (unsigned i = 0; i < 8; i++) {
        unsigned from = a[i / 4].u32[i % 4] & 7;

        t[i / 4].u32[i % 4] = b[from / 4].u32[from % 4];
    }
    memcpy(d, t, sizeof(t));
    return 0;
}

VOP_FN(VPERMQ)
{
    VopVec t[2];

    for (unsigned i = 0; i < 4; i++) {
        unsigned from = imm >> (2 * i) & 3;

        t[i / 2].u64[i % 2] = b[from / 2].u64[from % 2];
    }
    memcpy(d, t, sizeof(t));
    return 0;
}

/* One half: bits 0-1 of @how choose among src0's and src1's, bit 3 clears. */
static VopVec pick_half(const VopVec *a, const VopVec *b, unsigned how)
{
    if (how & 8) {
        return (VopVec){.u64 = {0, 0}};
    }
    return (how & 2 ? b : a)[how & 1];
}

VOP_FN(VPERM2I128)
{
    VopVec t[2] = {pick_half(a, b, imm & 15), pick_half(a, b, imm >> 4)};

    memcpy(d, t, sizeof(t));
    return 0;
}

VOP_FN(VINSERTI128)
{
    VopVec t[2] = {imm & 1 ? a[0] : b[0], imm & 1 ? b[0] : a[1]};

    memcpy(d, t, sizeof(t));
    return 0;
}
