/* SPDX-License-Identifier: MIT */
/*
 * Fused multiply-add, by the C library's fma(), which is the host's own
 * instruction where it has one.  On a host without it DAZ and FTZ do not count.
 *
 * Which NaN comes out is picked here: the first one, in the order of the two
 * factors and the addend.  SDM vol. 1, 14.5.2 "Fused-Multiply-ADD (FMA) Numeric
 * Behavior".
 */
#include <math.h>

#include "tcg/vops_macros.h"

#define F32_SIGN  BIT(31)
#define F32_INF   0x7f800000u
#define F32_QUIET BIT(22)
#define F64_SIGN  BIT64(63)
#define F64_INF   0x7ff0000000000000u
#define F64_QUIET BIT64(51)

/* What is negated. */
enum { NEG_PRODUCT = 1, NEG_ADDEND = 2 };

static bool is_nan32(uint32_t v)
{
    return (v & ~F32_SIGN) > F32_INF;
}

static bool is_nan64(uint64_t v)
{
    return (v & ~F64_SIGN) > F64_INF;
}

/* x * y + z.  The volatile result keeps an operation that a NaN replaces, as
 * its flags count. */
static uint32_t fused32(uint32_t x, uint32_t y, uint32_t z, unsigned neg)
{
    VopVec v = {.u32 = {neg & NEG_PRODUCT ? x ^ F32_SIGN : x, y,
                        neg & NEG_ADDEND ? z ^ F32_SIGN : z}};
    volatile float result = fmaf(v.f32[0], v.f32[1], v.f32[2]);

    v.f32[3] = result;
    return is_nan32(x)   ? x | F32_QUIET
           : is_nan32(y) ? y | F32_QUIET
           : is_nan32(z) ? z | F32_QUIET
                         : v.u32[3];
}

static uint64_t fused64(uint64_t x, uint64_t y, uint64_t z, unsigned neg)
{
    VopVec v = {.u64 = {neg & NEG_PRODUCT ? x ^ F64_SIGN : x, y}};
    VopVec w = {.u64 = {neg & NEG_ADDEND ? z ^ F64_SIGN : z}};
    volatile double result = fma(v.f64[0], v.f64[1], w.f64[0]);

    w.f64[1] = result;
    return is_nan64(x)   ? x | F64_QUIET
           : is_nan64(y) ? y | F64_QUIET
           : is_nan64(z) ? z | F64_QUIET
                         : w.u64[1];
}

/* One row: @n lanes, factors @x and @y, addend @z; @even and @odd are what is
 * negated in lanes of even and odd number.  The rest is src0's. */
#define FMA_ROW(NAME, field, n, fused, x, y, z, even, odd)                     \
    VOP_FN(NAME)                                                               \
    {                                                                          \
        VopVec t = *a;                                                         \
                                                                               \
        for (unsigned i = 0; i < (n); i++) {                                   \
            t.field[i] = fused((x)->field[i], (y)->field[i], (z)->field[i],    \
                               i & 1 ? (odd) : (even));                        \
        }                                                                      \
        *d = t;                                                                \
        return 0;                                                              \
    }

#define FMA_PACKED(op, form, x, y, z, even, odd)                               \
    FMA_ROW(V##op##form##PS, u32, 4, fused32, x, y, z, even, odd)              \
    FMA_ROW(V##op##form##PD, u64, 2, fused64, x, y, z, even, odd)
#define FMA_ALL(op, form, x, y, z, neg)                                        \
    FMA_PACKED(op, form, x, y, z, neg, neg)                                    \
    FMA_ROW(V##op##form##SS, u32, 1, fused32, x, y, z, neg, neg)               \
    FMA_ROW(V##op##form##SD, u64, 1, fused64, x, y, z, neg, neg)

/* The digits of a form number the operands: factor, factor, addend. */
#define FMA_FORM(form, x, y, z)                                                \
    FMA_ALL(FMADD, form, x, y, z, 0)                                           \
    FMA_ALL(FMSUB, form, x, y, z, NEG_ADDEND)                                  \
    FMA_ALL(FNMADD, form, x, y, z, NEG_PRODUCT)                                \
    FMA_ALL(FNMSUB, form, x, y, z, NEG_PRODUCT | NEG_ADDEND)                   \
    FMA_PACKED(FMADDSUB, form, x, y, z, NEG_ADDEND, 0)                         \
    FMA_PACKED(FMSUBADD, form, x, y, z, 0, NEG_ADDEND)
FMA_FORM(132, a, c, b)
FMA_FORM(213, b, a, c)
FMA_FORM(231, b, c, a)
