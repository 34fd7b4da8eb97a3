/* SPDX-License-Identifier: MIT */
/*
 * Floating-point arithmetic and compares of SSE to SSE4.1, one SSE2 operation
 * of the host each: rounding, DAZ, FTZ and the sticky flags are those of the
 * MXCSR that the caller has loaded.
 *
 * What the compiler may change about such an operation is the order of a
 * commutative one's operands, which shows only in which NaN comes out; so the
 * NaN is picked here.  SDM vol. 1, table 4-7 "Rules for Handling NaNs": the
 * first source's if it is one, else the second's, made quiet.
 */
#include <emmintrin.h>

#include "tcg/vops_macros.h"

#define F32_QUIET BIT(22)
#define F64_QUIET BIT64(51)

static bool is_nan32(uint32_t v)
{
    return (v & 0x7fffffff) > 0x7f800000;
}

static bool is_nan64(uint64_t v)
{
    return (v & INT64_MAX) > (uint64_t)0x7ff << 52;
}

static uint32_t pick32(uint32_t a, uint32_t b, uint32_t result)
{
    return is_nan32(a) ? a | F32_QUIET : is_nan32(b) ? b | F32_QUIET : result;
}

static uint64_t pick64(uint64_t a, uint64_t b, uint64_t result)
{
    return is_nan64(a) ? a | F64_QUIET : is_nan64(b) ? b | F64_QUIET : result;
}

static __m128 ps(const VopVec *v)
{
    return _mm_load_ps(v->f32);
}

static __m128d pd(const VopVec *v)
{
    return _mm_load_pd(v->f64);
}

/* The barriers keep an operation whose result is not used after all (a NaN was
 * picked instead), as its flags count. */
static VopVec of_ps(__m128 v)
{
    VopVec t;

    __asm__ volatile("" : "+x"(v));
    _mm_store_ps(t.f32, v);
    return t;
}

static VopVec of_pd(__m128d v)
{
    VopVec t;

    __asm__ volatile("" : "+x"(v));
    _mm_store_pd(t.f64, v);
    return t;
}

/* --- add, subtract, multiply, divide --- */

/* The four forms of one operation.  A scalar one works on the low lane alone,
 * as the others must not raise flags. */
#define ARITH(NAME, intrinsic)                                                 \
    VOP_FN(NAME##PS)                                                           \
    {                                                                          \
        VopVec t = of_ps(_mm_##intrinsic##_ps(ps(a), ps(b)));                  \
                                                                               \
        for (unsigned i = 0; i < 4; i++) {                                     \
            t.u32[i] = pick32(a->u32[i], b->u32[i], t.u32[i]);                 \
        }                                                                      \
        *d = t;                                                                \
        return 0;                                                              \
    }                                                                          \
    VOP_FN(NAME##PD)                                                           \
    {                                                                          \
        VopVec t = of_pd(_mm_##intrinsic##_pd(pd(a), pd(b)));                  \
                                                                               \
        for (unsigned i = 0; i < 2; i++) {                                     \
            t.u64[i] = pick64(a->u64[i], b->u64[i], t.u64[i]);                 \
        }                                                                      \
        *d = t;                                                                \
        return 0;                                                              \
    }                                                                          \
    VOP_FN(NAME##SS)                                                           \
    {                                                                          \
        VopVec t = of_ps(_mm_##intrinsic##_ss(ps(a), ps(b)));                  \
                                                                               \
        t.u32[0] = pick32(a->u32[0], b->u32[0], t.u32[0]);                     \
        *d = t;                                                                \
        return 0;                                                              \
    }                                                                          \
    VOP_FN(NAME##SD)                                                           \
    {                                                                          \
        VopVec t = of_pd(_mm_##intrinsic##_sd(pd(a), pd(b)));                  \
                                                                               \
        t.u64[0] = pick64(a->u64[0], b->u64[0], t.u64[0]);                     \
        *d = t;                                                                \
        return 0;                                                              \
    }
ARITH(ADD, add)
ARITH(SUB, sub)
ARITH(MUL, mul)
ARITH(DIV, div)

/* --- operations whose operands have no order to lose --- */

#define DIRECT(NAME, intrinsic)                                                \
    VOP_FN(NAME##PS)                                                           \
    {                                                                          \
        *d = of_ps(_mm_##intrinsic##_ps(ps(a), ps(b)));                        \
        return 0;                                                              \
    }                                                                          \
    VOP_FN(NAME##PD)                                                           \
    {                                                                          \
        *d = of_pd(_mm_##intrinsic##_pd(pd(a), pd(b)));                        \
        return 0;                                                              \
    }                                                                          \
    VOP_FN(NAME##SS)                                                           \
    {                                                                          \
        *d = of_ps(_mm_##intrinsic##_ss(ps(a), ps(b)));                        \
        return 0;                                                              \
    }                                                                          \
    VOP_FN(NAME##SD)                                                           \
    {                                                                          \
        *d = of_pd(_mm_##intrinsic##_sd(pd(a), pd(b)));                        \
        return 0;                                                              \
    }
DIRECT(MIN, min) /* the second source if either is a NaN, or both are zero */
DIRECT(MAX, max)

VOP_FN(SQRTPS)
{
    *d = of_ps(_mm_sqrt_ps(ps(b)));
    return 0;
}

VOP_FN(SQRTPD)
{
    *d = of_pd(_mm_sqrt_pd(pd(b)));
    return 0;
}

VOP_FN(SQRTSS)
{
    *d = of_ps(_mm_move_ss(ps(a), _mm_sqrt_ss(ps(b))));
    return 0;
}

VOP_FN(SQRTSD)
{
    *d = of_pd(_mm_sqrt_sd(pd(a), pd(b)));
    return 0;
}

/* Approximations: the host's own, which no two makers share. */
VOP_FN(RSQRTPS)
{
    *d = of_ps(_mm_rsqrt_ps(ps(b)));
    return 0;
}

VOP_FN(RSQRTSS)
{
    *d = of_ps(_mm_move_ss(ps(a), _mm_rsqrt_ss(ps(b))));
    return 0;
}

VOP_FN(RCPPS)
{
    *d = of_ps(_mm_rcp_ps(ps(b)));
    return 0;
}

VOP_FN(RCPSS)
{
    *d = of_ps(_mm_move_ss(ps(a), _mm_rcp_ss(ps(b))));
    return 0;
}

/* --- compares --- */

/* How two numbers stand to each other. */
enum { LESS = 1, EQUAL = 2, GREATER = 4, UNORDERED = 8 };

/* SDM vol. 2A, "CMPPD", table 3-1: what makes each of the first 16 predicates
 * true.  The others differ in whether a quiet NaN is signaled. */
static const uint8_t predicate[16] = {
    EQUAL,
    LESS,
    LESS | EQUAL,
    UNORDERED,
    LESS | GREATER | UNORDERED,
    EQUAL | GREATER | UNORDERED,
    GREATER | UNORDERED,
    LESS | EQUAL | GREATER,
    EQUAL | UNORDERED,
    LESS | UNORDERED,
    LESS | EQUAL | UNORDERED,
    0,
    LESS | GREATER,
    EQUAL | GREATER,
    GREATER,
    LESS | EQUAL | GREATER | UNORDERED,
};

static bool is_signaling(uint8_t imm)
{
    bool first = (imm & 3) == 1 || (imm & 3) == 2;

    return first != (imm >> 4 & 1);
}

/* Volatile: of some predicates only the flag counts that the compare raises. */
#define RELATION(NAME, type, scalar, is_nan, field, load)                      \
    static unsigned NAME(type x, type y, bool signaling)                       \
    {                                                                          \
        VopVec a = {.field = {x}}, b = {.field = {y}};                         \
        volatile bool less = signaling                                         \
                                 ? _mm_comilt_##scalar(load(&a), load(&b))     \
                                 : _mm_ucomilt_##scalar(load(&a), load(&b));   \
                                                                               \
        if (is_nan(x) || is_nan(y)) {                                          \
            return UNORDERED;                                                  \
        }                                                                      \
        return less                                            ? LESS          \
               : _mm_ucomieq_##scalar(load(&a), load(&b)) ? EQUAL              \
                                                               : GREATER;      \
    }
RELATION(relation32, uint32_t, ss, is_nan32, u32, ps)
RELATION(relation64, uint64_t, sd, is_nan64, u64, pd)

#define COMPARE(NAME, type, field, n, relation)                                \
    VOP_FN(NAME)                                                               \
    {                                                                          \
        VopVec t = *a;                                                         \
                                                                               \
        for (unsigned i = 0; i < (n); i++) {                                   \
            unsigned is =                                                      \
                relation(a->field[i], b->field[i], is_signaling(imm));         \
                                                                               \
            t.field[i] = predicate[imm & 15] & is ? (type)-1 : 0;              \
        }                                                                      \
        *d = t;                                                                \
        return 0;                                                              \
    }
COMPARE(CMPPS, uint32_t, u32, 4, relation32)
COMPARE(CMPPD, uint64_t, u64, 2, relation64)
COMPARE(CMPSS, uint32_t, u32, 1, relation32)
COMPARE(CMPSD, uint64_t, u64, 1, relation64)

/* SDM vol. 2A, "COMISD": unordered sets Z, P and C. */
static uint64_t order_flags(bool unordered, bool less, bool equal)
{
    return unordered ? CC_BIT_Z | CC_BIT_P | CC_BIT_C
           : less    ? CC_BIT_C
           : equal   ? CC_BIT_Z
                     : 0;
}

/* Volatile: with a NaN only the flag that the compare raises counts, which the
 * compiler would not know. */
#define ORDER(NAME, intrinsic, suffix, load, is_nan, field)                    \
    VOP_FN(NAME)                                                               \
    {                                                                          \
        volatile bool less = _mm_##intrinsic##lt_##suffix(load(a), load(b));   \
        bool equal = _mm_##intrinsic##eq_##suffix(load(a), load(b));           \
        bool nan = is_nan(a->field[0]) || is_nan(b->field[0]);                 \
                                                                               \
        return order_flags(nan, less, equal);                                  \
    }
ORDER(UCOMISS, ucomi, ss, ps, is_nan32, u32)
ORDER(UCOMISD, ucomi, sd, pd, is_nan64, u64)
ORDER(COMISS, comi, ss, ps, is_nan32, u32)
ORDER(COMISD, comi, sd, pd, is_nan64, u64)

/* --- SSE3: lanes that meet neighbours --- */

static uint32_t add32(uint32_t x, uint32_t y)
{
    VopVec a = {.u32 = {x}}, b = {.u32 = {y}}, t;

    vop_ADDSS(&t, &a, &b, NULL, 0, 0);
    return t.u32[0];
}

static uint32_t sub32(uint32_t x, uint32_t y)
{
    VopVec a = {.u32 = {x}}, b = {.u32 = {y}}, t;

    vop_SUBSS(&t, &a, &b, NULL, 0, 0);
    return t.u32[0];
}

static uint64_t add64(uint64_t x, uint64_t y)
{
    VopVec a = {.u64 = {x}}, b = {.u64 = {y}}, t;

    vop_ADDSD(&t, &a, &b, NULL, 0, 0);
    return t.u64[0];
}

static uint64_t sub64(uint64_t x, uint64_t y)
{
    VopVec a = {.u64 = {x}}, b = {.u64 = {y}}, t;

    vop_SUBSD(&t, &a, &b, NULL, 0, 0);
    return t.u64[0];
}

LANES(ADDSUBPS, u32, 4, i & 1 ? add32(x, y) : sub32(x, y))
LANES(ADDSUBPD, u64, 2, i & 1 ? add64(x, y) : sub64(x, y))

static const VopVec *low_half_of(const VopVec *a, const VopVec *b, bool low)
{
    return low ? a : b;
}

#define PAIR_OP(NAME, field, n, fn)                                            \
    LANES(NAME, field, n,                                                      \
          fn(low_half_of(a, b, i < (n) / 2)->field[2 * i % (n)],               \
             low_half_of(a, b, i < (n) / 2)->field[2 * i % (n) + 1]))
PAIR_OP(HADDPS, u32, 4, add32)
PAIR_OP(HADDPD, u64, 2, add64)
PAIR_OP(HSUBPS, u32, 4, sub32)
PAIR_OP(HSUBPD, u64, 2, sub64)

/* --- SSE4.1: dot products --- */

static uint32_t mul32(uint32_t x, uint32_t y)
{
    VopVec a = {.u32 = {x}}, b = {.u32 = {y}}, t;

    vop_MULSS(&t, &a, &b, NULL, 0, 0);
    return t.u32[0];
}

static uint64_t mul64(uint64_t x, uint64_t y)
{
    VopVec a = {.u64 = {x}}, b = {.u64 = {y}}, t;

    vop_MULSD(&t, &a, &b, NULL, 0, 0);
    return t.u64[0];
}

/* Products of the lanes in imm bits 4-7, their sum to the lanes in bits 0-3;
 * the sums are made in pairs.  SDM vol. 2A, "DPPS". */
VOP_FN(DPPS)
{
    uint32_t p[4], sum;

    for (unsigned i = 0; i < 4; i++) {
        p[i] = imm & BIT(4 + i) ? mul32(a->u32[i], b->u32[i]) : 0;
    }
    sum = add32(add32(p[0], p[1]), add32(p[2], p[3]));
    for (unsigned i = 0; i < 4; i++) {
        d->u32[i] = imm & BIT(i) ? sum : 0;
    }
    return 0;
}

VOP_FN(DPPD)
{
    uint64_t p[2], sum;

    for (unsigned i = 0; i < 2; i++) {
        p[i] = imm & BIT(4 + i) ? mul64(a->u64[i], b->u64[i]) : 0;
    }
    sum = add64(p[0], p[1]);
    for (unsigned i = 0; i < 2; i++) {
        d->u64[i] = imm & BIT(i) ? sum : 0;
    }
    return 0;
}
