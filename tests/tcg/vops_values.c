/* SPDX-License-Identifier: MIT */
/*
 * Inputs of tests/tcg/vops: cheap to make, and often where results change.
 *
 * An input is made of lanes of one width.  A lane is random bits, a corner of
 * the floating-point format of its width, or something near a place where
 * rounding, overflow, underflow or a conversion decides.  The lanes of three
 * operands at one place belong together: the second is often made from the
 * first, and the third from both (a product, and so an exact quotient or what
 * cancels).  Which operand is first is random too.
 */
#include <string.h>

#include "tests/tcg/vops.h"

/* Half, single and double precision, as in IEEE 754. */
typedef struct Format {
    unsigned width, mant; /* bits; what is left is exponent and sign */
    unsigned bias;        /* also the exponent's field of 1.0 */
} Format;

static const Format half = {16, 10, 15};
static const Format single = {32, 23, 127};
static const Format twice = {64, 52, 1023};

static uint64_t ones(unsigned bits)
{
    return bits ? ~(uint64_t)0 >> (64 - bits) : 0;
}

static uint64_t sign_of(Rng *g, const Format *f)
{
    return (rng_next(g) >> 63) << (f->width - 1);
}

static uint64_t quiet_bit(const Format *f)
{
    return BIT64(f->mant - 1);
}

static uint64_t mantissa(Rng *g, const Format *f)
{
    return rng_next(g) >> (64 - f->mant);
}

/* A number of that sign, exponent field (cut to what there is) and mantissa. */
static uint64_t number(const Format *f, uint64_t sign, int exp, uint64_t m)
{
    int top = 2 * (int)f->bias + 1;

    exp = exp < 0 ? 0 : exp > top ? top : exp;
    return sign | (uint64_t)exp << f->mant | (m & ones(f->mant));
}

/* -@n to @n */
static int around(Rng *g, unsigned n)
{
    return (int)rng_below(g, 2 * n + 1) - (int)n;
}

/* --- one lane --- */

typedef uint64_t LaneFn(Rng *g, const Format *f);

static uint64_t lane_bits(Rng *g, const Format *f)
{
    return rng_next(g) >> (64 - f->width);
}

/* Zeros, infinities, NaNs of both kinds, the ends of the ranges. */
static uint64_t lane_corner(Rng *g, const Format *f)
{
    int top = 2 * (int)f->bias + 1, one = (int)f->bias;
    const int exps[] = {0,       0,       1,       2,
                        one - 1, one,     one + 1, one + (int)f->mant,
                        top - 1, top - 2, top,     top};
    const uint64_t ms[] = {0,
                           0,
                           1,
                           ones(f->mant),
                           ones(f->mant) - 1,
                           quiet_bit(f),
                           quiet_bit(f) - 1,
                           quiet_bit(f) + 1,
                           mantissa(g, f)};
    int exp = exps[rng_below(g, ARRAY_LEN(exps))];

    return number(f, sign_of(g, f), exp, ms[rng_below(g, ARRAY_LEN(ms))]);
}

static uint64_t lane_moderate(Rng *g, const Format *f)
{
    return number(f, sign_of(g, f), (int)f->bias + around(g, 6),
                  mantissa(g, f));
}

/* Few bits set: sums and products that are exact, or half way. */
static uint64_t lane_sparse(Rng *g, const Format *f)
{
    uint64_t m = BIT64(rng_below(g, f->mant)) | BIT64(rng_below(g, f->mant));

    return number(f, sign_of(g, f), (int)f->bias + around(g, f->mant + 3),
                  rng_next(g) & m);
}

/* Tails that a narrower format has to round: half way, and just beside. */
static uint64_t with_tail(Rng *g, uint64_t m, unsigned bits)
{
    static const int8_t beside[] = {0, 0, -1, 1};

    m &= ~ones(bits);
    return m + BIT64(bits - 1) + (uint64_t)(int64_t)beside[rng_below(g, 4)];
}

static uint64_t lane_tail(Rng *g, const Format *f)
{
    static const uint8_t narrowing[] = {13, 29, 42};
    unsigned bits = rng_next(g) & 1 ? narrowing[rng_below(g, 3)]
                                    : 1 + rng_below(g, f->mant);
    unsigned spread = rng_next(g) & 1 ? 6 : f->bias;

    bits = MIN(bits, f->mant);
    return number(f, sign_of(g, f), (int)f->bias + around(g, spread),
                  with_tail(g, mantissa(g, f), bits));
}

/* Numbers that round to an integer: n + 1/2, and just beside. */
static uint64_t lane_near_integer(Rng *g, const Format *f)
{
    unsigned log2 = rng_below(g, f->mant); /* of the integer part */

    return number(f, sign_of(g, f), (int)(f->bias + log2),
                  with_tail(g, mantissa(g, f), f->mant - log2));
}

/* What does or does not fit 8, 16, 32 or 64 bits, signed or not. */
static uint64_t lane_limit(Rng *g, const Format *f)
{
    static const uint8_t log2[] = {7, 8, 15, 16, 31, 32, 63, 64};
    uint64_t one = (uint64_t)f->bias << f->mant;
    uint64_t power = one + ((uint64_t)log2[rng_below(g, 8)] << f->mant);
    int64_t off = around(g, 3);

    if (rng_next(g) & 1) { /* some bits below: halves near the limit */
        off = -(int64_t)(rng_next(g) >> (63 - rng_below(g, f->mant)));
    }
    return sign_of(g, f) | ((power + (uint64_t)off) & ones(f->width - 1));
}

static uint64_t lane_denormal(Rng *g, const Format *f)
{
    return sign_of(g, f) | mantissa(g, f) >> rng_below(g, f->mant);
}

static uint64_t lane_small(Rng *g, const Format *f)
{
    return number(f, sign_of(g, f), (int)rng_below(g, f->mant + 3),
                  mantissa(g, f));
}

static uint64_t lane_great(Rng *g, const Format *f)
{
    return number(f, sign_of(g, f), 2 * (int)f->bias - (int)rng_below(g, 4),
                  mantissa(g, f));
}

/* Leading ones, which may round up to the next power of two. */
static uint64_t leading_ones(Rng *g, const Format *f)
{
    static const uint8_t narrowing[] = {13, 29, 42};
    unsigned bits = rng_next(g) & 1 ? narrowing[rng_below(g, 3)]
                                    : 1 + rng_below(g, f->mant);

    return with_tail(g, ~(uint64_t)0, MIN(bits, f->mant));
}

/* Around the least normal and denormal and the greatest number of a narrower
 * format. */
static uint64_t lane_border(Rng *g, const Format *f)
{
    const Format *n = f->width == 64 && rng_next(g) & 1 ? &single : &half;
    int least = (int)f->bias - (int)n->bias + 1, great = f->bias + n->bias;
    const int exps[] = {least,
                        least - 1,
                        least - 1,
                        least - (int)n->mant,
                        least - (int)n->mant - 1,
                        least - (int)n->mant - 2,
                        great,
                        great,
                        great + 1};
    uint64_t m = rng_next(g) & 1 ? leading_ones(g, f)
                                 : with_tail(g, 0, 1 + rng_below(g, f->mant));

    return number(f, sign_of(g, f), exps[rng_below(g, ARRAY_LEN(exps))], m);
}

/* As integers: counts of shifts, and the ends of bytes, words and so on. */
static uint64_t lane_count(Rng *g, const Format *f)
{
    return rng_below(g, 72);
}

static uint64_t lane_bytes(Rng *g, const Format *f)
{
    static const uint8_t ends[] = {0, 1, 0x7f, 0x80, 0x81, 0xfe, 0xff, 0xff};
    uint64_t v = 0, r = rng_next(g);

    for (unsigned i = 0; i < f->width; i += 8, r >>= 3) {
        v = v << 8 | ends[r & 7];
    }
    return v;
}

static uint64_t lane_extreme(Rng *g, const Format *f)
{
    uint64_t min = BIT64(f->width - 1);
    const uint64_t v[] = {0, 1, min, min - 1, min + 1, ones(f->width)};

    return v[rng_below(g, ARRAY_LEN(v))];
}

static LaneFn *const lane_kinds[16] = {
    lane_bits,         lane_bits,   lane_border,   lane_corner,
    lane_corner,       lane_corner, lane_moderate, lane_sparse,
    lane_tail,         lane_limit,  lane_denormal, lane_small,
    lane_near_integer, lane_great,  lane_count,    lane_bytes,
};

static uint64_t lane(Rng *g, const Format *f)
{
    if (f->width > 16 && rng_below(g, 32) == 0) {
        return lane_extreme(g, f);
    }
    return lane_kinds[rng_next(g) >> 60](g, f);
}

/* --- a lane that goes with another one --- */

static int exponent(const Format *f, uint64_t x)
{
    return (int)(x >> f->mant & (2 * f->bias + 1));
}

/* The same but for the sign, the quiet bit, or a little. */
static uint64_t partner_alike(Rng *g, const Format *f, uint64_t x)
{
    uint64_t sign = BIT64(f->width - 1);
    const uint64_t v[] = {x,     x ^ sign, x ^ quiet_bit(f),         x + 1,
                          x - 1, ~x,       x ^ (sign | quiet_bit(f))};

    return v[rng_below(g, ARRAY_LEN(v))] & ones(f->width);
}

/* So much greater or less that the sum is rounded. */
static uint64_t partner_sum(Rng *g, const Format *f, uint64_t x)
{
    uint64_t m = rng_next(g) & 1 ? 0 : mantissa(g, f);

    if (rng_below(g, 4) == 0) {
        m = BIT64(rng_below(g, f->mant)) & m;
    }
    return number(f, sign_of(g, f), exponent(f, x) + around(g, f->mant + 3), m);
}

/* Such that the product or quotient is near 1 or an end of the range. */
static uint64_t partner_product(Rng *g, const Format *f, uint64_t x)
{
    int m = (int)f->mant, top = 2 * (int)f->bias + 1;
    const int targets[] = {(int)f->bias, top, 0, -m, -m / 2};
    int target = targets[rng_below(g, ARRAY_LEN(targets))] + around(g, 2);
    int exp = rng_next(g) & 1 ? target - exponent(f, x) + (int)f->bias
                              : exponent(f, x) - target + (int)f->bias;

    return number(f, sign_of(g, f), exp, lane(g, f));
}

/* The ends of the format's ranges, and what is next to them. */
static uint64_t end_of_range(Rng *g, const Format *f)
{
    int top = 2 * (int)f->bias + 1;
    const uint64_t ends[] = {number(f, 0, 1, 0), number(f, 0, 1, 0),
                             number(f, 0, 0, 1), number(f, 0, 0, 2),
                             number(f, 0, top, 0) - 1};

    return sign_of(g, f) |
           (ends[rng_below(g, ARRAY_LEN(ends))] + (uint64_t)around(g, 1));
}

/* x op y, rounded, on bits of the format: single or double. */
#define ARITHMETIC(name, op)                                                   \
    static uint64_t name(const Format *f, uint64_t x, uint64_t y)              \
    {                                                                          \
        VopVec v = {.u64 = {x, y}};                                            \
                                                                               \
        if (f->width == 32) {                                                  \
            v.f32[0] = v.f32[0] op v.f32[2];                                   \
            return v.u32[0];                                                   \
        }                                                                      \
        v.f64[0] = v.f64[0] op v.f64[1];                                       \
        return v.u64[0];                                                       \
    }
ARITHMETIC(product, *)
ARITHMETIC(quotient, /)
ARITHMETIC(difference, -)

/* Such that product, quotient or sum is just at an end of the range. */
static uint64_t partner_end(Rng *g, const Format *f, uint64_t x)
{
    uint64_t end = end_of_range(g, f);

    switch (rng_below(g, 4)) {
    case 0:
        return product(f, end, x);
    case 1:
        return difference(f, end, x);
    default:
        return quotient(f, end, x);
    }
}

static uint64_t partner(Rng *g, const Format *f, uint64_t x)
{
    switch (rng_next(g) >> 61) {
    case 0:
        return partner_alike(g, f, x);
    case 1:
        return partner_sum(g, f, x);
    case 2:
        return partner_product(g, f, x);
    case 3:
        return f->width == 16 ? partner_alike(g, f, x) : partner_end(g, f, x);
    default:
        return lane(g, f);
    }
}

/*
 * About the product of both: what cancels, what is half way when added; or
 * what brings the sum to an end of the range.
 */
static uint64_t third(Rng *g, const Format *f, uint64_t x, uint64_t y)
{
    unsigned pick = rng_below(g, 8);
    uint64_t p;

    if (pick > 3 || f->width == 16) {
        return lane(g, f);
    }
    p = product(f, x, y);
    switch (pick) {
    case 0:
        return p ^ sign_of(g, f);
    case 1:
        return partner_alike(g, f, p);
    case 2:
        return difference(f, end_of_range(g, f), p);
    default:
        return number(f, sign_of(g, f),
                      exponent(f, p) + around(g, 2 * f->mant + 4),
                      rng_next(g) & 1 ? 0 : mantissa(g, f));
    }
}

/* --- vectors --- */

static void put_lane(VopVec v[2], unsigned width, unsigned i, uint64_t value)
{
    memcpy((uint8_t *)v + i * width / 8, &value, width / 8);
}

/* Lane by lane; @order are the three operands, the first one first. */
static void fill(Rng *g, const Format *f, VopVec *const order[3])
{
    for (unsigned i = 0; i < 256 / f->width; i++) {
        uint64_t x = lane(g, f), y = partner(g, f, x);

        put_lane(order[0], f->width, i, x);
        put_lane(order[1], f->width, i, y);
        put_lane(order[2], f->width, i, third(g, f, x, y));
    }
}

/* One whole vector as another, but for some bits at most; or without bits. */
static void relate(Rng *g, VopVec *const order[3])
{
    uint64_t *to = order[0]->u64, *from = order[1]->u64;
    uint64_t flip = rng_next(g) & 1 ? ~(uint64_t)0 : 0;
    uint64_t keep = rng_below(g, 4) ? ~(uint64_t)0 : 0;

    for (unsigned i = 0; i < 4; i++) {
        to[i] = (from[i] & keep) ^ flip;
    }
    if (rng_next(g) & 1) {
        to[rng_below(g, 4)] ^= BIT64(rng_below(g, 64));
    }
}

/* An integer of any length, which a conversion may have to round. */
static uint64_t integer(Rng *g)
{
    static const uint8_t precision[] = {24, 53};
    unsigned bits = 1 + rng_below(g, 64), keep = precision[rng_below(g, 2)];
    uint64_t v = rng_next(g) >> (64 - bits) | BIT64(bits - 1);

    if (bits > keep && rng_next(g) & 1) {
        v = with_tail(g, v, bits - keep);
    }
    return rng_next(g) & 1 ? -v : v;
}

void make_input(Rng *g, Input *in)
{
    static const Format *const formats[] = {&half,  &single, &single, &single,
                                            &twice, &twice,  &twice,  &twice};
    static const uint8_t orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                         {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    VopVec *operand[3] = {in->a, in->b, in->c}, *order[3];
    const uint8_t *o = orders[rng_below(g, 6)];

    for (unsigned i = 0; i < 3; i++) {
        order[i] = operand[o[i]];
    }
    fill(g, formats[rng_below(g, ARRAY_LEN(formats))], order);
    if (rng_below(g, 16) == 0) {
        relate(g, order);
    }
    in->r = integer(g);
    in->pad = 0;
}
