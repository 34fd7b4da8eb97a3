/* SPDX-License-Identifier: MIT */
/*
 * Random numbers, and values that meet the corners: of integers, of the three
 * floating-point formats, of control words.
 */
#include "isa.h"

#include <string.h>

static uint64_t rnd_state;

/* SplitMix64: any seed is good, and a case's stream has no history. */
uint64_t rnd(void)
{
    uint64_t z = rnd_state += 0x9e3779b97f4a7c15ull;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

void rnd_seed(uint64_t seed, uint64_t number)
{
    rnd_state = seed;
    rnd_state = rnd() ^ number * 0xd1342543de82ef95ull;
    rnd();
}

static uint64_t corner(void)
{
    static const uint64_t t[] = {
        0,         1,          2,          9,
        10,        15,         16,         31,
        32,        63,         64,         0x7f,
        0x80,      0xff,       0x7fff,     0x8000,
        0xffff,    0x7fffffff, 0x80000000, 0xffffffff,
        INT64_MAX, BIT64(63),  UINT64_MAX, UINT64_MAX - 1,
    };

    return t[rnd_below(ARRAY_LEN(t))];
}

uint64_t value_integer(void)
{
    switch (rnd_below(4)) {
    case 0:
        return corner();
    case 1:
        return rnd() >> rnd_below(64);
    case 2:
        return (rnd() & ~0xffull) | (corner() & 0xff);
    default:
        return rnd();
    }
}

/* --- floating point: signs, exponents at both ends, NaNs of both kinds --- */

static uint32_t value_f32(void)
{
    static const uint32_t t[] = {
        0x00000000, 0x3f800000, 0x40000000, 0x7f800000, 0x7fc00000, 0x7f800001,
        0x7fffffff, 0x00000001, 0x007fffff, 0x00800000, 0x7f7fffff, 0x4effffff,
        0x4f000000, 0x5f000000, 0x3f000000, 0x3fc00000, 0x4b000001, 0x33800000,
    };
    uint32_t v = rnd_below(3) ? t[rnd_below(ARRAY_LEN(t))] : (uint32_t)rnd();

    return v ^ (rnd_one_in(2) ? BIT(31) : 0) ^ (rnd_one_in(8) ? rnd() & 7 : 0);
}

static uint64_t value_f64(void)
{
    static const uint64_t t[] = {
        0x0000000000000000, 0x3ff0000000000000, 0x4000000000000000,
        0x7ff0000000000000, 0x7ff8000000000000, 0x7ff0000000000001,
        0x7fffffffffffffff, 0x0000000000000001, 0x000fffffffffffff,
        0x0010000000000000, 0x7fefffffffffffff, 0x41dfffffffc00000,
        0x41e0000000000000, 0x43e0000000000000, 0x3fe0000000000000,
        0x3ff8000000000000, 0x47efffffe0000000, 0x3690000000000000,
        0x380fffffffffffff, 0x3ca0000000000000,
    };
    uint64_t v = rnd_below(3) ? t[rnd_below(ARRAY_LEN(t))] : rnd();

    return v ^ (rnd_one_in(2) ? BIT64(63) : 0) ^
           (rnd_one_in(8) ? rnd() & 7 : 0);
}

/* The ten bytes of the extended format, unsupported encodings too. */
static void value_f80(uint8_t *out)
{
    static const uint16_t exps[] = {0,      1,      0x3ffe, 0x3fff, 0x4000,
                                    0x400e, 0x401e, 0x403e, 0x7ffe, 0x7fff,
                                    0x3c00, 0x43ff, 0x3f80, 0x407f};
    static const uint64_t mants[] = {
        0,
        BIT64(63),
        BIT64(63) | BIT64(62),
        BIT64(63) | 1,
        UINT64_MAX,
        0xc90fdaa22168c235ull, /* pi */
        0xfffffffffffffc00ull,
        0xffffff0000000000ull,
        1,
        BIT64(62),
    };
    uint16_t exp = rnd_below(3) ? exps[rnd_below(ARRAY_LEN(exps))]
                                : 0x3fff + rnd_below(80) - 40;
    uint64_t mant =
        rnd_below(2) ? mants[rnd_below(ARRAY_LEN(mants))] : rnd() | BIT64(63);

    if (exp && !rnd_one_in(8)) {
        mant |= BIT64(63);
    }
    exp |= rnd_one_in(2) ? 0x8000 : 0;
    memcpy(out, &mant, 8);
    memcpy(out + 8, &exp, 2);
}

/* Sixteen bytes of one kind, as a vector instruction would see them. */
static void value_vector(uint8_t *out)
{
    unsigned kind = rnd_below(5);

    for (unsigned i = 0; i < 16; i += 4) {
        uint32_t w = kind == 0 ? value_f32() : (uint32_t)value_integer();

        memcpy(out + i, &w, 4);
    }
    for (unsigned i = 0; kind == 1 && i < 16; i += 8) {
        uint64_t q = value_f64();

        memcpy(out + i, &q, 8);
    }
    if (kind == 2) {
        value_f80(out);
    }
    for (unsigned i = 0; kind == 3 && i < 16; i++) {
        out[i] = corner();
    }
}

void value_bytes(uint8_t *buf, size_t len)
{
    for (size_t i = 0; i + 16 <= len; i += 16) {
        value_vector(buf + i);
    }
}

#define STOCK_BYTES (256u * 1024)
#define STOCK_CASES BIT(17) /* that share one */

void value_stock(uint8_t *buf, size_t len, uint64_t seed, uint64_t number)
{
    static uint8_t stock[STOCK_BYTES];
    static uint64_t made_for = UINT64_MAX;
    uint64_t which = number / STOCK_CASES, stream = rnd_state;

    if (which != made_for) {
        rnd_seed(~seed, which);
        value_bytes(stock, sizeof(stock));
        rnd_state = stream;
        made_for = which;
    }
    memcpy(buf, stock + 16 * rnd_below((STOCK_BYTES - len) / 16), len);
}

/* --- control words --- */

/* Exceptions masked for the most part; ES and B as the flags ask. */
static void value_x87_control(IsaFx *fx)
{
    unsigned pending;

    fx->cw = 0x37f;
    if (rnd_one_in(2)) {
        fx->cw = (rnd() & 0xf00) | 0x7f;
    }
    if (rnd_one_in(6)) {
        fx->cw = (fx->cw & ~0x3f) | (rnd() & 0x3f);
    }
    fx->sw = (rnd() & 0x7f00) & (rnd_one_in(4) ? 0x7f00 : 0x3800);
    if (rnd_one_in(4)) {
        fx->sw |= rnd() & 0x7f;
    }
    pending = fx->sw & ~fx->cw & 0x3f;
    if (pending && !rnd_one_in(4)) {
        fx->sw &= ~pending;
        pending = 0;
    }
    fx->sw |= pending ? 0x8080 : 0;
    fx->valid = rnd_one_in(3) ? rnd() : 0xff;
}

static uint32_t value_mxcsr(void)
{
    uint32_t v = 0x1f80;

    if (rnd_one_in(2)) {
        v |= rnd() & 0xe040; /* FTZ, rounding, DAZ */
    }
    if (rnd_one_in(3)) {
        v |= rnd() & 0x3f;
    }
    if (rnd_one_in(8)) {
        v &= ~(rnd() & 0x1f80);
    }
    return v;
}

void value_fx(IsaFx *fx)
{
    memset(fx, 0, sizeof(*fx));
    value_x87_control(fx);
    fx->mxcsr = value_mxcsr();
    for (unsigned i = 0; i < 8; i++) {
        value_f80(fx->st[i]);
    }
    value_bytes(fx->xmm[0], sizeof(fx->xmm));
}
