/* SPDX-License-Identifier: MIT */
/*
 * Half precision: VCVTPH2PS and VCVTPS2PH by integer arithmetic.  Source: SDM
 * vol. 2C, the instruction of each name; vol. 1, 14.4 "Half-Precision
 * Floating-Point Conversion".  Flags are noted in the host's MXCSR, which is
 * the guest's.
 */
#include <xmmintrin.h>

#include "tcg/vops_macros.h"
#include "tcg/vops_mxcsr.h"

/* --- to single: exact --- */

static uint32_t single_of(uint16_t h, unsigned *flags)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, m = h & 0x3ff;
    unsigned exp = h >> 10 & 31, up;

    if (exp == 31) {
        if (m && !(m & 0x200)) {
            *flags |= MXCSR_IE;
        }
        return sign | 0x7f800000 | m << 13 | (m ? BIT(22) : 0);
    }
    if (exp) {
        return sign | (exp + 112) << 23 | m << 13;
    }
    if (!m) {
        return sign;
    }
    /* A denormal half is a normal single: its leading one to bit 10. */
    up = (unsigned)__builtin_clz(m) - 21;
    return sign | (113 - up) << 23 | (m << up & 0x3ff) << 13;
}

VOP_FN(VCVTPH2PS)
{
    unsigned flags = 0;
    VopVec t;

    for (unsigned i = 0; i < 4; i++) {
        t.u32[i] = single_of(b->u16[i], &flags);
    }
    _mm_setcsr(_mm_getcsr() | flags);
    *d = t;
    return 0;
}

/* --- from single --- */

/* @m >> @shift (1 to 31), rounded. */
static uint32_t shift_rounded(uint32_t m, unsigned shift, bool negative,
                              MxcsrRounding rc)
{
    uint32_t half = 1u << (shift - 1), rest = m & (2 * half - 1);
    uint32_t q = m >> shift;

    return q + mxcsr_rounds_up(rc, negative, q & 1, rest > half, rest == half,
                               rest != 0);
}

/* A number that is not zero: significand @m of 24 bits times 2^(exp - 23). */
static uint32_t round_to_half(uint32_t m, int exp, bool negative,
                              MxcsrRounding rc, unsigned *flags)
{
    unsigned shift = exp >= -14 ? 13 : (unsigned)MIN(13 + -14 - exp, 31);
    bool inexact = m & ((1u << shift) - 1);
    uint32_t q = shift_rounded(m, shift, negative, rc);
    uint32_t h = exp >= -14 ? ((uint32_t)(exp + 14) << 10) + q : q;

    *flags |= inexact ? MXCSR_PE : 0;
    if (exp > 15 || h >= 0x7c00) {
        *flags |= MXCSR_OE | MXCSR_PE;
        return 0x7c00 - !mxcsr_overflows_to_inf(rc, negative);
    }
    /* Tiny: below 2^-14 even when rounded to 11 bits. */
    if (inexact && exp < -14 &&
        !(exp == -15 && shift_rounded(m, 13, negative, rc) == 0x800)) {
        *flags |= MXCSR_UE;
    }
    return h;
}

static uint16_t half_of(uint32_t f, MxcsrRounding rc, bool daz, unsigned *flags)
{
    uint32_t sign = f >> 16 & 0x8000, mag = f & ~BIT(31), m = f & 0x7fffff;
    int exp = (int)(mag >> 23) - 127;

    if (mag > 0x7f800000) {
        *flags |= f & BIT(22) ? 0 : MXCSR_IE;
        return (uint16_t)(sign | 0x7e00 | (m >> 13 & 0x3ff));
    }
    if (mag == 0x7f800000) {
        return (uint16_t)(sign | 0x7c00);
    }
    if (mag == 0 || (mag < 0x800000 && daz)) {
        return (uint16_t)sign;
    }
    if (mag < 0x800000) {
        *flags |= MXCSR_DE;
        exp = -126;
    } else {
        m |= 0x800000;
    }
    return (uint16_t)(sign | round_to_half(m, exp, sign != 0, rc, flags));
}

/* Immediate: bit 2 says MXCSR's rounding, else bits 0-1. */
VOP_FN(VCVTPS2PH)
{
    unsigned mxcsr = _mm_getcsr(), flags = 0;
    MxcsrRounding rc = imm & BIT(2) ? mxcsr_rounding(mxcsr) : imm & 3u;
    VopVec t = {.u64 = {0, 0}};

    for (unsigned i = 0; i < 4; i++) {
        t.u16[i] = half_of(b->u32[i], rc, mxcsr & MXCSR_DAZ, &flags);
    }
    _mm_setcsr(mxcsr | flags);
    *d = t;
    return 0;
}
