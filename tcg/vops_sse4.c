/* SPDX-License-Identifier: MIT */
/* Portable integer arithmetic of SSSE3, SSE4.1 and SSE4.2.  SDM vol. 2, the
 * instruction of each name. */
#include "tcg/vops_macros.h"

static int16_t sat_s16(int v)
{
    return (int16_t)(v < INT16_MIN ? INT16_MIN : v > INT16_MAX ? INT16_MAX : v);
}

/* Neighbours of src0 give the low half, those of src1 the high half. */
#define HORIZONTAL(name, field, n, expr)                                       \
    VOP_FN(name)                                                               \
    {                                                                          \
        VopVec t;                                                              \
                                                                               \
        for (unsigned i = 0; i < (n); i++) {                                   \
            const VopVec *s = i < (n) / 2 ? a : b;                             \
            unsigned k = 2 * (i % ((n) / 2));                                  \
            int x = s->field[k], y = s->field[k + 1];                          \
                                                                               \
            t.field[i] = (__typeof__(t.field[0]))(expr);                       \
        }                                                                      \
        *d = t;                                                                \
        return 0;                                                              \
    }
HORIZONTAL(PHADDW, i16, 8, x + y)
HORIZONTAL(PHADDD, i32, 4, x + y)
HORIZONTAL(PHADDSW, i16, 8, sat_s16(x + y))
HORIZONTAL(PHSUBW, i16, 8, x - y)
HORIZONTAL(PHSUBD, i32, 4, x - y)
HORIZONTAL(PHSUBSW, i16, 8, sat_s16(x - y))

/* Unsigned bytes of src0 by signed ones of src1. */
LANES(PMADDUBSW, i16, 8,
      sat_s16(a->u8[2 * i] * b->i8[2 * i] +
              a->u8[2 * i + 1] * b->i8[2 * i + 1]))
LANES(PMULHRSW, i16, 8, (int16_t)((((int)x * y >> 14) + 1) >> 1))

LANES(PSIGNB, i8, 16, y < 0 ? -x : y ? x : 0)
LANES(PSIGNW, i16, 8, y < 0 ? -x : y ? x : 0)
LANES(PSIGND, i32, 4, y < 0 ? -x : y ? x : 0)
LANES(PABSB, i8, 16, y < 0 ? -y : y)
LANES(PABSW, i16, 8, y < 0 ? -y : y)
LANES(PABSD, i32, 4, y < 0 ? -y : y)

LANES(PMULDQ, i64, 2, (int64_t)a->i32[2 * i] * b->i32[2 * i])
LANES(PMULLD, u32, 4, x *y)
LANES(PCMPEQQ, i64, 2, -(int64_t)(x == y))
LANES(PCMPGTQ, i64, 2, -(int64_t)(x > y))
LANES(PMINSB, i8, 16, x < y ? x : y)
LANES(PMINSD, i32, 4, x < y ? x : y)
LANES(PMINUW, u16, 8, x < y ? x : y)
LANES(PMINUD, u32, 4, x < y ? x : y)
LANES(PMAXSB, i8, 16, x > y ? x : y)
LANES(PMAXSD, i32, 4, x > y ? x : y)
LANES(PMAXUW, u16, 8, x > y ? x : y)
LANES(PMAXUD, u32, 4, x > y ? x : y)

/* The smallest word and its place; the first of equals. */
VOP_FN(PHMINPOSUW)
{
    unsigned at = 0;
    VopVec t = {0};

    for (unsigned i = 1; i < 8; i++) {
        at = b->u16[i] < b->u16[at] ? i : at;
    }
    t.u16[0] = b->u16[at];
    t.u16[1] = (uint16_t)at;
    *d = t;
    return 0;
}

/* Eight sums of four absolute differences: the four bytes of src1 that imm
 * bits 0-1 name, against each window of src0 from byte 0 or 4 (imm bit 2). */
VOP_FN(MPSADBW)
{
    const uint8_t *x = a->u8 + (imm & 4), *y = b->u8 + 4 * (imm & 3);
    VopVec t = {0};

    for (unsigned i = 0; i < 8; i++) {
        for (unsigned k = 0; k < 4; k++) {
            t.u16[i] += (uint16_t)ABS((int)x[i + k] - y[k]);
        }
    }
    *d = t;
    return 0;
}

VOP_FN(PTEST)
{
    uint64_t both = (a->u64[0] & b->u64[0]) | (a->u64[1] & b->u64[1]);
    uint64_t second = (~a->u64[0] & b->u64[0]) | (~a->u64[1] & b->u64[1]);

    return (both ? 0 : CC_BIT_Z) | (second ? 0 : CC_BIT_C);
}

/* A product of polynomials over GF(2). */
VOP_FN(PCLMULQDQ)
{
    uint64_t x = a->u64[imm & 1], y = b->u64[(imm >> 4) & 1];
    unsigned __int128 p = 0;

    for (unsigned i = 0; i < 64; i++) {
        if (y >> i & 1) {
            p ^= (unsigned __int128)x << i;
        }
    }
    d->u64[0] = (uint64_t)p;
    d->u64[1] = (uint64_t)(p >> 64);
    return 0;
}
