/* SPDX-License-Identifier: MIT */
/*
 * Conversions of SSE, SSE2 and the rounding of SSE4.1, by the host's SSE2
 * under the MXCSR that the caller has loaded.  An integer that does not fit
 * gives the "integer indefinite" value and the invalid flag, as the host's
 * instructions do.  SDM vol. 1, 11.5.2.1 "Invalid Operation Exception".
 */
#include <emmintrin.h>

#include "tcg/vops_macros.h"
#include "tcg/vops_mxcsr.h"

static __m128 ps(const VopVec *v)
{
    return _mm_load_ps(v->f32);
}

static __m128d pd(const VopVec *v)
{
    return _mm_load_pd(v->f64);
}

static __m128i dq(const VopVec *v)
{
    return _mm_load_si128((const __m128i *)v);
}

static void put_ps(VopVec *d, __m128 v)
{
    _mm_store_ps(d->f32, v);
}

static void put_pd(VopVec *d, __m128d v)
{
    _mm_store_pd(d->f64, v);
}

static void put_dq(VopVec *d, __m128i v)
{
    _mm_store_si128((__m128i *)d, v);
}

#define CONVERT(NAME, put, expr)                                               \
    VOP_FN(NAME)                                                               \
    {                                                                          \
        put(d, expr);                                                          \
        return 0;                                                              \
    }

CONVERT(CVTDQ2PS, put_ps, _mm_cvtepi32_ps(dq(b)))
CONVERT(CVTPS2DQ, put_dq, _mm_cvtps_epi32(ps(b)))
CONVERT(CVTTPS2DQ, put_dq, _mm_cvttps_epi32(ps(b)))
CONVERT(CVTDQ2PD, put_pd, _mm_cvtepi32_pd(dq(b)))
CONVERT(CVTPD2DQ, put_dq, _mm_cvtpd_epi32(pd(b)))
CONVERT(CVTTPD2DQ, put_dq, _mm_cvttpd_epi32(pd(b)))
CONVERT(CVTPS2PD, put_pd, _mm_cvtps_pd(ps(b)))
CONVERT(CVTPD2PS, put_ps, _mm_cvtpd_ps(pd(b)))
CONVERT(CVTSS2SD, put_pd, _mm_cvtss_sd(pd(a), ps(b)))
CONVERT(CVTSD2SS, put_ps, _mm_cvtsd_ss(ps(a), pd(b)))
CONVERT(CVTSI2SS, put_ps, _mm_cvtsi32_ss(ps(a), (int32_t)r))
CONVERT(CVTSI2SS_Q, put_ps, _mm_cvtsi64_ss(ps(a), (int64_t)r))
CONVERT(CVTSI2SD, put_pd, _mm_cvtsi32_sd(pd(a), (int32_t)r))
CONVERT(CVTSI2SD_Q, put_pd, _mm_cvtsi64_sd(pd(a), (int64_t)r))

#define TO_INT(NAME, type, expr)                                               \
    VOP_FN(NAME)                                                               \
    {                                                                          \
        return (type)(expr);                                                   \
    }
TO_INT(CVTSS2SI, uint32_t, _mm_cvtss_si32(ps(b)))
TO_INT(CVTSS2SI_Q, uint64_t, _mm_cvtss_si64(ps(b)))
TO_INT(CVTTSS2SI, uint32_t, _mm_cvttss_si32(ps(b)))
TO_INT(CVTTSS2SI_Q, uint64_t, _mm_cvttss_si64(ps(b)))
TO_INT(CVTSD2SI, uint32_t, _mm_cvtsd_si32(pd(b)))
TO_INT(CVTSD2SI_Q, uint64_t, _mm_cvtsd_si64(pd(b)))
TO_INT(CVTTSD2SI, uint32_t, _mm_cvttsd_si32(pd(b)))
TO_INT(CVTTSD2SI_Q, uint64_t, _mm_cvttsd_si64(pd(b)))

/*
 * Rounding to an integer in place (SDM vol. 2B, "ROUNDPD"): through an integer
 * conversion, which all values that have a fraction fit; greater ones and NaNs
 * are moved by an addition of zero, which quiets and flags a signaling NaN.
 * Immediate: bits 0-1 the mode unless bit 2 says MXCSR's, bit 3 hides the
 * precision exception.
 */
enum {
    ROUND_MXCSR = BIT(2),
    ROUND_NO_PE = BIT(3),
};

static unsigned round_begin(uint8_t imm)
{
    unsigned old = _mm_getcsr();

    if (!(imm & ROUND_MXCSR)) {
        _mm_setcsr((old & ~(3u << MXCSR_RC_SHIFT)) | (imm & 3u)
                                                         << MXCSR_RC_SHIFT);
    }
    return old;
}

static void round_end(uint8_t imm, unsigned old)
{
    unsigned flags = _mm_getcsr() & MXCSR_FLAGS;

    if (imm & ROUND_NO_PE) {
        flags &= ~MXCSR_PE;
    }
    _mm_setcsr(old | flags);
}

/* Not inlined: nothing of it may move past the changes of MXCSR. */
__attribute__((noinline)) static uint32_t round32(uint32_t v)
{
    const uint32_t sign = v & BIT(31), magnitude = v & ~BIT(31);
    VopVec t = {.u32 = {v}};

    if (magnitude > 0x7f800000) {
        put_ps(&t, _mm_add_ss(ps(&t), ps(&t)));
        return t.u32[0];
    }
    if (magnitude >= 0x4b000000) { /* 2^23: no fraction */
        return v;
    }
    put_ps(&t, _mm_cvtsi32_ss(ps(&t), _mm_cvtss_si32(ps(&t))));
    return t.u32[0] | sign;
}

__attribute__((noinline)) static uint64_t round64(uint64_t v)
{
    const uint64_t sign = v & BIT64(63), magnitude = v & ~BIT64(63);
    VopVec t = {.u64 = {v}};

    if (magnitude > (uint64_t)0x7ff << 52) {
        put_pd(&t, _mm_add_sd(pd(&t), pd(&t)));
        return t.u64[0];
    }
    if (magnitude >= (uint64_t)0x433 << 52) { /* 2^52 */
        return v;
    }
    put_pd(&t, _mm_cvtsi64_sd(pd(&t), _mm_cvtsd_si64(pd(&t))));
    return t.u64[0] | sign;
}

#define ROUND(NAME, field, n, fn)                                              \
    VOP_FN(NAME)                                                               \
    {                                                                          \
        unsigned old = round_begin(imm);                                       \
                                                                               \
        for (unsigned i = 0; i < (n); i++) {                                   \
            d->field[i] = fn(b->field[i]);                                     \
        }                                                                      \
        round_end(imm, old);                                                   \
        return 0;                                                              \
    }
ROUND(ROUNDPS, u32, 4, round32)
ROUND(ROUNDPD, u64, 2, round64)

/* The scalar ones keep src0's other lanes. */
#define ROUND_SCALAR(NAME, field, fn)                                          \
    VOP_FN(NAME)                                                               \
    {                                                                          \
        unsigned old = round_begin(imm);                                       \
        VopVec t = *a;                                                         \
                                                                               \
        t.field[0] = fn(b->field[0]);                                          \
        round_end(imm, old);                                                   \
        *d = t;                                                                \
        return 0;                                                              \
    }
ROUND_SCALAR(ROUNDSS, u32, round32)
ROUND_SCALAR(ROUNDSD, u64, round64)
