/* SPDX-License-Identifier: MIT */
/*
 * Fused multiply-add by integer arithmetic: the product is exact, the sum keeps
 * all that rounding looks at.  Flags are noted in the host's MXCSR, which is
 * the guest's.
 *
 * Sources: SDM vol. 1, 14.5.2 "Fused-Multiply-ADD (FMA) Numeric Behavior";
 * 4.8.3.5 "Operating on SNaNs and QNaNs"; 4.9.1 "Floating-Point Exception
 * Conditions", of which underflow is detected after rounding.
 */
#include <xmmintrin.h>

#include "tcg/vops_macros.h"
#include "tcg/vops_mxcsr.h"

typedef unsigned __int128 uint128_t;

/* Single or double precision. */
typedef struct Format {
    unsigned mant; /* bits of the mantissa's field */
    int bias;
    uint64_t sign, inf, quiet;
} Format;

static const Format format32 = {23, 127, BIT(31), 0x7f800000, BIT(22)};
static const Format format64 = {52, 1023, BIT64(63), (uint64_t)0x7ff << 52,
                                BIT64(51)};

/* MXCSR as it was, and what the operation raises. */
typedef struct Context {
    unsigned mxcsr, flags;
} Context;

/* What is negated. */
enum { NEG_PRODUCT = 1, NEG_ADDEND = 2 };

static bool is_nan(const Format *f, uint64_t v)
{
    return (v & ~f->sign) > f->inf;
}

static bool is_signaling(const Format *f, uint64_t v)
{
    return is_nan(f, v) && !(v & f->quiet);
}

static bool is_inf(const Format *f, uint64_t v)
{
    return (v & ~f->sign) == f->inf;
}

static bool is_zero(const Format *f, uint64_t v)
{
    return (v & ~f->sign) == 0;
}

/* --- operands --- */

static bool is_denormal(const Format *f, uint64_t v)
{
    return !(v & f->inf) && !is_zero(f, v);
}

/* DAZ makes a zero of a denormal operand. */
static uint64_t operand(const Format *f, const Context *c, uint64_t v)
{
    return c->mxcsr & MXCSR_DAZ && is_denormal(f, v) ? v & f->sign : v;
}

/* Not zero: (-1)^negative * m * 2^(exp - 127), the top bit of m set. */
typedef struct Number {
    bool negative;
    int exp;
    uint128_t m;
} Number;

static Number normalized(bool negative, int exp, uint128_t m)
{
    uint64_t high = (uint64_t)(m >> 64);
    int zeros =
        high ? __builtin_clzll(high) : 64 + __builtin_clzll((uint64_t)m);

    return (Number){negative, exp - zeros, m << zeros};
}

static Number unpack(const Format *f, uint64_t v)
{
    int exp = (int)((v & f->inf) >> f->mant);
    uint64_t m = v & (BIT64(f->mant) - 1);

    m |= exp ? BIT64(f->mant) : 0;
    exp = MAX(exp, 1) - f->bias;
    return normalized(v & f->sign, exp + 127 - (int)f->mant, m);
}

static Number multiply(Number a, Number b)
{
    /* Each has at most 53 bits, at the top. */
    uint128_t m = (a.m >> 64) * (b.m >> 64);

    return normalized(a.negative != b.negative, a.exp + b.exp + 1, m);
}

/* @m >> @n; what is lost leaves a one in the last place. */
static uint128_t shift_sticky(uint128_t m, int n)
{
    if (n > 127) {
        return m != 0;
    }
    return n ? m >> n | ((m << (128 - n)) != 0) : m;
}

/*
 * False if the sum is zero.  Two bits are given up for the carry; the product
 * has at most 106, so that nothing is lost where bits can cancel: there the
 * shift is by one place at most.
 */
static bool add(Number a, Number b, Number *sum)
{
    uint128_t x, y;

    if (a.exp < b.exp || (a.exp == b.exp && a.m < b.m)) {
        Number t = a;

        a = b;
        b = t;
    }
    x = a.m >> 2;
    y = shift_sticky(b.m >> 2, MIN(a.exp - b.exp, 128));
    x = a.negative == b.negative ? x + y : x - y;
    if (x == 0) {
        return false;
    }
    *sum = normalized(a.negative, a.exp + 2, x);
    return true;
}

/* --- the result --- */

/* @m >> @shift (1 to 127), rounded. */
static uint64_t shift_rounded(const Number *n, int shift, MxcsrRounding rc,
                              bool *inexact)
{
    uint128_t half = (uint128_t)1 << (shift - 1), rest = n->m & (2 * half - 1);
    uint64_t q = (uint64_t)(n->m >> shift);

    *inexact = rest != 0;
    return q + mxcsr_rounds_up(rc, n->negative, q & 1, rest > half,
                               rest == half, *inexact);
}

/* Below the least normal number, even when rounded without a lower bound. */
static bool is_tiny(const Format *f, const Number *n, MxcsrRounding rc)
{
    bool inexact;
    int least = 1 - f->bias;

    if (n->exp != least - 1) {
        return n->exp < least;
    }
    return !(shift_rounded(n, 127 - (int)f->mant, rc, &inexact) >>
             (f->mant + 1));
}

/* All of the number may be lost: it goes into the sticky bit. */
static uint64_t round_tiny(const Format *f, Context *c, Number n)
{
    int shift = 127 - (int)f->mant + (1 - f->bias - n.exp);
    bool inexact;
    uint64_t q;

    if (c->mxcsr & MXCSR_FTZ) {
        c->flags |= MXCSR_UE | MXCSR_PE;
        return 0;
    }
    n.m = shift_sticky(n.m, MAX(shift - 127, 0));
    q = shift_rounded(&n, MIN(shift, 127), mxcsr_rounding(c->mxcsr), &inexact);
    c->flags |= inexact ? MXCSR_UE | MXCSR_PE : 0;
    return q;
}

static uint64_t round_number(const Format *f, Context *c, const Number *n)
{
    uint64_t sign = n->negative ? f->sign : 0, v;
    MxcsrRounding rc = mxcsr_rounding(c->mxcsr);
    bool inexact;

    if (is_tiny(f, n, rc)) {
        return sign | round_tiny(f, c, *n);
    }
    /* The mantissa's leading one adds one to the exponent; so may a carry. */
    v = (uint64_t)(MAX(n->exp, 1 - f->bias) + f->bias - 1) << f->mant;
    v += shift_rounded(n, 127 - (int)f->mant + (n->exp < 1 - f->bias), rc,
                       &inexact);
    if (n->exp > f->bias || v >= f->inf) {
        c->flags |= MXCSR_OE | MXCSR_PE;
        return sign | (f->inf - !mxcsr_overflows_to_inf(rc, n->negative));
    }
    c->flags |= inexact ? MXCSR_PE : 0;
    return sign | v;
}

/* --- the operation --- */

/* The first of the three that is a NaN, made quiet; SDM vol. 1, table 14-17. */
static uint64_t pick_nan(const Format *f, Context *c, uint64_t x, uint64_t y,
                         uint64_t z)
{
    if (is_signaling(f, x) || is_signaling(f, y) || is_signaling(f, z)) {
        c->flags |= MXCSR_IE;
    }
    return (is_nan(f, x) ? x : is_nan(f, y) ? y : z) | f->quiet;
}

/* Infinity times zero, or a difference of infinities. */
static bool is_invalid(const Format *f, uint64_t x, uint64_t y, uint64_t z)
{
    bool inf = is_inf(f, x) || is_inf(f, y);

    return inf && (is_zero(f, x) || is_zero(f, y) ||
                   (is_inf(f, z) && ((x ^ y ^ z) & f->sign)));
}

/* A sum of zeros, or of what cancels. */
static uint64_t zero(const Format *f, const Context *c, bool x_negative,
                     bool y_negative)
{
    bool down = mxcsr_rounding(c->mxcsr) == RC_DOWN;

    return (down ? x_negative || y_negative : x_negative && y_negative)
               ? f->sign
               : 0;
}

/* x * y + z of finite numbers. */
static uint64_t fused_finite(const Format *f, Context *c, uint64_t x,
                             uint64_t y, uint64_t z)
{
    bool negative = (x ^ y) & f->sign;
    Number p, sum;

    if (is_zero(f, x) || is_zero(f, y)) {
        if (is_zero(f, z)) {
            return zero(f, c, negative, z & f->sign);
        }
        sum = unpack(f, z);
        return round_number(f, c, &sum);
    }
    p = multiply(unpack(f, x), unpack(f, y));
    if (is_zero(f, z)) {
        return round_number(f, c, &p);
    }
    if (!add(p, unpack(f, z), &sum)) {
        return zero(f, c, false, true);
    }
    return round_number(f, c, &sum);
}

/* An invalid operation hides that an operand is denormal: SDM vol. 1, 4.9.2
 * "Floating-Point Exception Priority". */
static uint64_t fused(const Format *f, Context *c, const uint64_t v[3],
                      unsigned neg)
{
    uint64_t x = operand(f, c, v[0]), y = operand(f, c, v[1]);
    uint64_t z = operand(f, c, v[2]);

    if (is_nan(f, x) || is_nan(f, y) || is_nan(f, z)) {
        return pick_nan(f, c, x, y, z);
    }
    x ^= neg & NEG_PRODUCT ? f->sign : 0;
    z ^= neg & NEG_ADDEND ? f->sign : 0;
    if (is_invalid(f, x, y, z)) {
        c->flags |= MXCSR_IE;
        return f->sign | f->inf | f->quiet;
    }
    if (is_denormal(f, x) || is_denormal(f, y) || is_denormal(f, z)) {
        c->flags |= MXCSR_DE;
    }
    if (is_inf(f, x) || is_inf(f, y)) {
        return f->inf | ((x ^ y) & f->sign);
    }
    return is_inf(f, z) ? z : fused_finite(f, c, x, y, z);
}

/* --- the rows --- */

/* One row: @n lanes, factors @x and @y, addend @z; @even and @odd are what is
 * negated in lanes of even and odd number.  The rest is src0's. */
#define FMA_ROW(NAME, field, n, format, x, y, z, even, odd)                    \
    VOP_FN(NAME)                                                               \
    {                                                                          \
        Context context = {_mm_getcsr(), 0};                                   \
        VopVec t = *a;                                                         \
                                                                               \
        for (unsigned i = 0; i < (n); i++) {                                   \
            const uint64_t v[] = {(x)->field[i], (y)->field[i],                \
                                  (z)->field[i]};                              \
                                                                               \
            t.field[i] = fused(&format, &context, v, i & 1 ? (odd) : (even));  \
        }                                                                      \
        _mm_setcsr(context.mxcsr | context.flags);                             \
        *d = t;                                                                \
        return 0;                                                              \
    }

#define FMA_PACKED(op, form, x, y, z, even, odd)                               \
    FMA_ROW(V##op##form##PS, u32, 4, format32, x, y, z, even, odd)             \
    FMA_ROW(V##op##form##PD, u64, 2, format64, x, y, z, even, odd)
#define FMA_ALL(op, form, x, y, z, neg)                                        \
    FMA_PACKED(op, form, x, y, z, neg, neg)                                    \
    FMA_ROW(V##op##form##SS, u32, 1, format32, x, y, z, neg, neg)              \
    FMA_ROW(V##op##form##SD, u64, 1, format64, x, y, z, neg, neg)

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
