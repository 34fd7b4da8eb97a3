/* SPDX-License-Identifier: MIT */
/*
 * OE, UE and PE of SIMD arithmetic where overflow or underflow is unmasked.
 * The host computes the masked response, whose flags differ: a tiny result is
 * no underflow if it is exact, and one that leaves the range is inexact.
 * Unmasked, tiny is enough, and PE tells whether the result would be inexact
 * had its exponent no limit.  So the results are made again here, in integers.
 *
 * Source: SDM vol. 1, 4.9.1.4 "Numeric Overflow Exception (#O)", 4.9.1.5
 * "Numeric Underflow Exception (#U)", 4.9.1.6 "Inexact-Result (Precision)
 * Exception (#P)".
 */
#include "target/i386/helper_sse.h"

#include "tcg/vops.h"

typedef unsigned __int128 u128;

/* mant * 2^exp.  Unless it is zero bit TOP of mant is its highest. */
typedef struct Num {
    bool neg;
    bool sticky; /* there is more below mant */
    int exp;
    u128 mant;
} Num;
#define TOP 125

typedef struct Format {
    uint8_t mant, exp; /* bits */
} Format;
static const Format f16 = {10, 5}, f32 = {23, 8}, f64 = {52, 11};

static Num normalized(Num n)
{
    uint64_t high = n.mant >> 64, low = (uint64_t)n.mant;
    int up;

    if (!n.mant) {
        return n;
    }
    up = (high ? __builtin_clzll(high) : 64 + __builtin_clzll(low)) -
         (127 - TOP);
    if (up >= 0) {
        n.mant <<= up;
    } else {
        n.sticky |= n.mant & 1;
        n.mant >>= 1; /* a sum carries one bit at most */
    }
    n.exp -= up;
    return n;
}

/* False: a NaN or an infinity. */
static bool num_of(Num *n, uint64_t bits, Format f, bool daz)
{
    unsigned max = (1u << f.exp) - 1, exp = bits >> f.mant & max;
    uint64_t mant = bits & (BIT64(f.mant) - 1);

    *n = (Num){.neg = bits >> (f.mant + f.exp) & 1,
               .exp = (int)MAX(exp, 1u) - (int)(max / 2) - f.mant,
               .mant = exp   ? mant | BIT64(f.mant)
                       : daz ? 0
                             : mant};
    *n = normalized(*n);
    return exp != max;
}

static Num product(Num a, Num b)
{
    /* Numbers of 53 bits or less, at the top. */
    Num n = {.neg = a.neg ^ b.neg,
             .exp = a.exp + b.exp + 2 * (TOP - 62),
             .mant = (a.mant >> (TOP - 62)) * (b.mant >> (TOP - 62))};

    return normalized(n);
}

static Num quotient(Num a, Num b)
{
    uint64_t divisor = b.mant >> (TOP - 60);
    Num n = {.neg = a.neg ^ b.neg,
             .exp = a.exp - b.exp - (TOP - 60),
             .mant = a.mant / divisor,
             .sticky = a.mant % divisor != 0};

    return normalized(n);
}

static Num sum(Num a, Num b)
{
    unsigned down;
    Num n;

    if (!b.mant || (a.mant && a.exp > b.exp)) { /* b: the larger one */
        n = a;
        a = b;
        b = n;
    }
    if (!a.mant) {
        return b;
    }
    down = (unsigned)(b.exp - a.exp);
    n = b;
    n.sticky = down > TOP || (a.mant & (((u128)1 << down) - 1));
    a.mant = down > TOP ? 0 : a.mant >> down;
    if (a.neg == b.neg) {
        n.mant += a.mant;
    } else {
        n.mant -= a.mant + n.sticky;
        if (n.mant >> 127) { /* equal exponents, and a was the larger one */
            n.mant = -n.mant;
            n.neg = a.neg;
        }
    }
    return normalized(n);
}

/* --- flags --- */

static bool rounds_up(const Num *n, u128 kept_ulp, unsigned rc)
{
    u128 rest = n->mant & (kept_ulp - 1), half = kept_ulp >> 1;

    switch (rc) {
    case 0:
        return rest > half ||
               (rest == half && (n->sticky || (n->mant & kept_ulp)));
    case 1:
        return n->neg && (rest || n->sticky);
    case 2:
        return !n->neg && (rest || n->sticky);
    default:
        return false;
    }
}

/* Below the least normal number, after rounding as if there were none. */
static uint32_t underflow_flags(const Num *n, unsigned lost, bool inexact,
                                uint32_t mxcsr)
{
    u128 below = lost > TOP ? 0 : ((u128)1 << lost) - 1;
    bool denormal_inexact = n->sticky || !below || (n->mant & below);

    if (!(mxcsr & MXCSR_UM)) {
        return MXCSR_UE | (inexact ? MXCSR_PE : 0);
    }
    return denormal_inexact || (mxcsr & MXCSR_FTZ) ? MXCSR_UE | MXCSR_PE : 0;
}

static uint32_t flags_of(Num n, Format f, uint32_t mxcsr)
{
    int bias = (1 << (f.exp - 1)) - 1, exp = n.exp + TOP, rounded;
    unsigned lost = TOP - f.mant;
    u128 ulp = (u128)1 << lost;
    bool inexact = n.sticky || (n.mant & (ulp - 1));
    bool up = rounds_up(&n, ulp, mxcsr >> MXCSR_RC_SHIFT & 3);

    if (!n.mant) {
        return 0;
    }
    rounded = exp + (((n.mant >> lost) + up) >> (f.mant + 1) ? 1 : 0);
    if (rounded > bias) {
        inexact |= mxcsr & MXCSR_OM;
        return MXCSR_OE | (inexact ? MXCSR_PE : 0);
    }
    if (rounded < 1 - bias) {
        return underflow_flags(&n, lost + (unsigned)(1 - bias - exp), inexact,
                               mxcsr);
    }
    return inexact ? MXCSR_PE : 0;
}

/* --- operations, by their encoding --- */

typedef enum Kind {
    OTHER, /* neither overflows nor underflows */
    ADD,
    SUB,
    MUL,
    DIV,
    ADDSUB, /* subtracts in even lanes */
    HADD,
    HSUB,
    FMA,
    CVT,
} Kind;

typedef struct Op {
    Kind kind;
    Format from, to;
    bool scalar;
    uint8_t form;  /* FMA: of its name, 132, 213 or 231 */
    bool minus[2]; /* the addend, in even and odd lanes */
    bool neg_product;
} Op;

static void find_fma(Op *op, const VopDef *def)
{
    unsigned low = def->opcode & 15;

    op->kind = FMA;
    op->form = def->opcode >> 4;
    op->from = op->to = def->attrs & VOP_ATTR_W ? f64 : f32;
    if (low < 8) { /* FMADDSUB, FMSUBADD */
        op->minus[0] = low == 6;
        op->minus[1] = low == 7;
        return;
    }
    op->scalar = low & 1;
    op->minus[0] = op->minus[1] = low & 2;
    op->neg_product = low & 4;
}

static Kind kind_of_0f(uint8_t opcode)
{
    switch (opcode) {
    case 0x58:
        return ADD;
    case 0x59:
        return MUL;
    case 0x5c:
        return SUB;
    case 0x5e:
        return DIV;
    case 0xd0:
        return ADDSUB;
    case 0x7c:
        return HADD;
    case 0x7d:
        return HSUB;
    default:
        return OTHER;
    }
}

/* Prefixes of arithmetic: none PS, 66 PD, F3 SS, F2 SD; of ADDSUB and the
 * horizontal ones 66 PD, F2 PS. */
static void find_0f(Op *op, const VopDef *def)
{
    bool wide = def->prefix == P_66 || def->prefix == P_F2;
    bool paired;

    op->kind = kind_of_0f(def->opcode);
    paired = op->kind >= ADDSUB;
    op->scalar = !paired && def->prefix >= P_F3;
    op->from = op->to = (paired ? def->prefix == P_66 : wide) ? f64 : f32;
    if (def->opcode == 0x5a && wide) { /* CVTPD2PS, CVTSD2SS */
        op->kind = CVT;
        op->to = f32;
        op->scalar = def->prefix == P_F2;
    }
}

static Op op_of(const VopDef *def)
{
    Op op = {.kind = OTHER};

    if (def->map == 0x0f) {
        find_0f(&op, def);
    } else if (def->map == 0x38 && def->opcode >= 0x96 && def->opcode <= 0xbf) {
        find_fma(&op, def);
    } else if (def->map == 0x3a && def->opcode == 0x1d) { /* VCVTPS2PH */
        op = (Op){.kind = CVT, .from = f32, .to = f16};
    }
    return op;
}

/* --- lanes --- */

static bool take(const Op *op, const VopVec *v, unsigned i, bool daz, Num *n)
{
    bool wide = op->from.mant == f64.mant;

    return num_of(n, wide ? v->u64[i] : v->u32[i], op->from, daz);
}

static bool fused(const Op *op, const SseOp *s, unsigned i, bool daz, Num *n)
{
    bool f132 = op->form == 9, f213 = op->form == 10;
    Num x = {0}, y = {0}, z = {0};
    bool ok = take(op, f132 ? s->a : s->b, i, daz, &x) &&
              take(op, f213 ? s->a : s->c, i, daz, &y) &&
              take(op,
                   f132   ? s->b
                   : f213 ? s->c
                          : s->a,
                   i, daz, &z);

    x.neg ^= op->neg_product;
    z.neg ^= op->minus[i & 1];
    *n = sum(product(x, y), z);
    return ok;
}

/* Lane @i's result is of two neighbours: those of src0, then those of src1. */
static bool horizontal(const Op *op, const SseOp *s, unsigned i, bool daz,
                       Num *n)
{
    unsigned half = op->from.mant == f64.mant ? 1 : 2, at = 2 * (i % half);
    const VopVec *v = i < half ? s->a : s->b;
    Num x = {0}, y = {0};
    bool ok = take(op, v, at, daz, &x) && take(op, v, at + 1, daz, &y);

    y.neg ^= op->kind == HSUB;
    *n = sum(x, y);
    return ok;
}

static bool vertical(const Op *op, const SseOp *s, unsigned i, bool daz, Num *n)
{
    Num x = {0}, y = {0};
    bool ok = take(op, s->a, i, daz, &x) && take(op, s->b, i, daz, &y);

    if (op->kind == MUL) {
        *n = product(x, y);
    } else if (op->kind == DIV) {
        ok = ok && y.mant;
        *n = ok ? quotient(x, y) : x;
    } else {
        y.neg ^= op->kind == SUB || (op->kind == ADDSUB && !(i & 1));
        *n = sum(x, y);
    }
    return ok;
}

/* One lane's result; false: it has none of a size, as of a NaN or infinity. */
static bool lane_result(const Op *op, const SseOp *s, unsigned i, bool daz,
                        Num *n)
{
    switch (op->kind) {
    case CVT:
        return take(op, s->b, i, daz, n);
    case FMA:
        return fused(op, s, i, daz, n);
    case HADD:
    case HSUB:
        return horizontal(op, s, i, daz, n);
    default:
        return vertical(op, s, i, daz, n);
    }
}

/* VCVTPS2PH may have a rounding mode of its own, and knows no flush to zero. */
static uint32_t mxcsr_of(const Op *op, const SseOp *s, uint32_t mxcsr)
{
    if (op->to.mant != f16.mant) {
        return mxcsr;
    }
    if (!(s->imm & 4)) {
        mxcsr &= ~(3u << MXCSR_RC_SHIFT);
        mxcsr |= (s->imm & 3u) << MXCSR_RC_SHIFT;
    }
    return mxcsr & ~MXCSR_FTZ;
}

uint32_t x86_sse_exact_flags(uint32_t mxcsr, const SseOp *s, uint32_t raised)
{
    uint32_t flags = raised & MXCSR_PRE;
    Op op = op_of(s->def);
    unsigned lanes = op.scalar ? 1 : op.from.mant == f64.mant ? 2 : 4;
    bool two = !op.scalar && s->mode == VEC_FULL;
    bool under = !(mxcsr & MXCSR_UM);
    bool over = !(mxcsr & MXCSR_OM) && (raised & MXCSR_OE);
    SseOp half = *s;

    if (op.kind == OTHER || !(under || over)) {
        return raised;
    }
    mxcsr = mxcsr_of(&op, s, mxcsr);
    for (unsigned h = 0; h <= two; h++, half.a++, half.b++, half.c++) {
        for (unsigned i = 0; i < lanes; i++) {
            Num n;

            if (lane_result(&op, &half, i, mxcsr & MXCSR_DAZ, &n)) {
                flags |= flags_of(n, op.to, mxcsr);
            }
        }
    }
    return flags;
}
