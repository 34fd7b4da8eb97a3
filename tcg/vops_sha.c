/* SPDX-License-Identifier: MIT */
/* Portable SHA extensions and GFNI.  Source: SDM vol. 2, the instruction of
 * each name; FIPS 180-4, 4.1 "Functions". */
#include "tcg/vops_macros.h"

static uint32_t rol32(uint32_t v, unsigned n)
{
    return v << n | v >> (32 - n);
}

static uint32_t ror32(uint32_t v, unsigned n)
{
    return v >> n | v << (32 - n);
}

/* --- SHA-1 --- */

/* FIPS 180-4, 4.1.1, with the round's constant; @kind counts 20 rounds. */
static uint32_t sha1_f(unsigned kind, uint32_t x, uint32_t y, uint32_t z)
{
    switch (kind) {
    case 0:
        return ((x & y) ^ (~x & z)) + 0x5a827999;
    case 1:
        return (x ^ y ^ z) + 0x6ed9eba1;
    case 2:
        return ((x & y) ^ (x & z) ^ (y & z)) + 0x8f1bbcdc;
    default:
        return (x ^ y ^ z) + 0xca62c1d6;
    }
}

/* A to D are src0's lanes from the top; src1's are words, the first with E
 * added. */
VOP_FN(SHA1RNDS4)
{
    uint32_t v[5] = {a->u32[3], a->u32[2], a->u32[1], a->u32[0], 0};

    for (unsigned i = 0; i < 4; i++) {
        uint32_t next = sha1_f(imm & 3, v[1], v[2], v[3]) + rol32(v[0], 5) +
                        b->u32[3 - i] + v[4];

        v[4] = v[3];
        v[3] = v[2];
        v[2] = rol32(v[1], 30);
        v[1] = v[0];
        v[0] = next;
    }
    *d = (VopVec){.u32 = {v[3], v[2], v[1], v[0]}};
    return 0;
}

LANES(SHA1NEXTE, u32, 4, i == 3 ? y + rol32(x, 30) : y)
LANES(SHA1MSG1, u32, 4, x ^ (i >= 2 ? a->u32[i - 2] : b->u32[i + 2]))

VOP_FN(SHA1MSG2)
{
    uint32_t w16 = rol32(a->u32[3] ^ b->u32[2], 1);
    uint32_t w17 = rol32(a->u32[2] ^ b->u32[1], 1);
    uint32_t w18 = rol32(a->u32[1] ^ b->u32[0], 1);
    uint32_t w19 = rol32(a->u32[0] ^ w16, 1);

    *d = (VopVec){.u32 = {w19, w18, w17, w16}};
    return 0;
}

/* --- SHA-256 --- */

static uint32_t sha256_small0(uint32_t v)
{
    return ror32(v, 7) ^ ror32(v, 18) ^ v >> 3;
}

static uint32_t sha256_small1(uint32_t v)
{
    return ror32(v, 17) ^ ror32(v, 19) ^ v >> 10;
}

static void sha256_round(uint32_t v[8], uint32_t wk)
{
    uint32_t a = v[0], e = v[4];
    uint32_t t1 = v[7] + (ror32(e, 6) ^ ror32(e, 11) ^ ror32(e, 25)) +
                  ((e & v[5]) ^ (~e & v[6])) + wk;
    uint32_t t2 = (ror32(a, 2) ^ ror32(a, 13) ^ ror32(a, 22)) +
                  ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));

    for (unsigned i = 7; i > 0; i--) {
        v[i] = v[i - 1];
    }
    v[4] += t1;
    v[0] = t1 + t2;
}

/* src0 is C D G H, src1 is A B E F (from the top); src2 the words. */
VOP_FN(SHA256RNDS2)
{
    uint32_t v[8] = {b->u32[3], b->u32[2], a->u32[3], a->u32[2],
                     b->u32[1], b->u32[0], a->u32[1], a->u32[0]};

    sha256_round(v, c->u32[0]);
    sha256_round(v, c->u32[1]);
    *d = (VopVec){.u32 = {v[5], v[4], v[1], v[0]}};
    return 0;
}

LANES(SHA256MSG1, u32, 4, x + sha256_small0(i < 3 ? a->u32[i + 1] : b->u32[0]))

VOP_FN(SHA256MSG2)
{
    uint32_t w16 = a->u32[0] + sha256_small1(b->u32[2]);
    uint32_t w17 = a->u32[1] + sha256_small1(b->u32[3]);
    uint32_t w18 = a->u32[2] + sha256_small1(w16);
    uint32_t w19 = a->u32[3] + sha256_small1(w17);

    *d = (VopVec){.u32 = {w16, w17, w18, w19}};
    return 0;
}

/* --- GFNI: bytes as polynomials modulo x^8 + x^4 + x^3 + x + 1 --- */

static uint8_t gf_mul(uint8_t x, uint8_t y)
{
    unsigned p = 0;

    for (unsigned i = 0; i < 8; i++) {
        p ^= y >> i & 1 ? (unsigned)x << i : 0;
    }
    for (unsigned i = 14; i >= 8; i--) {
        p ^= p >> i & 1 ? 0x11bu << (i - 8) : 0;
    }
    return (uint8_t)p;
}

/* x^254, which is 1 / x, and 0 of 0. */
static uint8_t gf_inverse(uint8_t x)
{
    uint8_t power = x, result = 1;

    for (unsigned i = 1; i < 8; i++) {
        power = gf_mul(power, power);
        result = gf_mul(result, power);
    }
    return result;
}

/* Matrix times @x plus @plus: bit i is the parity of row 7 - i and x. */
static uint8_t affine(uint64_t matrix, uint8_t x, uint8_t plus)
{
    unsigned r = 0;

    for (unsigned i = 0; i < 8; i++) {
        uint8_t row = (uint8_t)(matrix >> (8 * (7 - i)));

        r |= (unsigned)__builtin_parity(row & x) << i;
    }
    return (uint8_t)r ^ plus;
}

LANES(GF2P8MULB, u8, 16, gf_mul(x, y))
LANES(GF2P8AFFINEQB, u8, 16, affine(b->u64[i / 8], x, imm))
LANES(GF2P8AFFINEINVQB, u8, 16, affine(b->u64[i / 8], gf_inverse(x), imm))
