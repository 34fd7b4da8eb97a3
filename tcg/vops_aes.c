/* SPDX-License-Identifier: MIT */
/*
 * Portable AES rounds.  FIPS 197, 5.1 "Cipher" and 5.3 "Inverse Cipher"; SDM
 * vol. 2A, "AESENC" and the others.
 *
 * The S-box is computed where it is needed, as an inverse in GF(2^8) and an
 * affine map: no table to look up, hence no table to get wrong.
 */
#include "tcg/vops_macros.h"

/* Product modulo x^8 + x^4 + x^3 + x + 1: FIPS 197, 4.2 "Multiplication". */
static uint8_t gf_mul(uint8_t a, uint8_t b)
{
    uint8_t p = 0;

    for (; b; b >>= 1) {
        p ^= b & 1 ? a : 0;
        a = (uint8_t)(a << 1 ^ (a & 0x80 ? 0x1b : 0));
    }
    return p;
}

/* a^254, which is 1/a, and 0 for 0. */
static uint8_t gf_inverse(uint8_t a)
{
    uint8_t square = a, r = 1;

    for (unsigned i = 1; i < 8; i++) {
        square = gf_mul(square, square);
        r = gf_mul(r, square);
    }
    return r;
}

static uint8_t rotl8(uint8_t v, unsigned n)
{
    return (uint8_t)(v << n | v >> (8 - n));
}

static uint8_t sub_byte(uint8_t v)
{
    v = gf_inverse(v);
    return v ^ rotl8(v, 1) ^ rotl8(v, 2) ^ rotl8(v, 3) ^ rotl8(v, 4) ^ 0x63;
}

static uint8_t inv_sub_byte(uint8_t v)
{
    return gf_inverse(rotl8(v, 1) ^ rotl8(v, 3) ^ rotl8(v, 6) ^ 0x05);
}

/* ShiftRows: row n of the state (bytes n, n + 4...) moves by n columns. */
static VopVec shift_rows(const VopVec *s, unsigned direction)
{
    VopVec t;

    for (unsigned i = 0; i < 16; i++) {
        t.u8[i] = s->u8[(i + 4 * direction * (i & 3)) & 15];
    }
    return t;
}

/* Each column times the circulant matrix with first row @m. */
static VopVec mix_columns(const VopVec *s, const uint8_t m[4])
{
    VopVec t = {0};

    for (unsigned i = 0; i < 16; i++) {
        for (unsigned k = 0; k < 4; k++) {
            t.u8[i] ^= gf_mul(m[(k - i) & 3], s->u8[(i & ~3u) + k]);
        }
    }
    return t;
}

static const uint8_t mix[4] = {2, 3, 1, 1};
static const uint8_t inv_mix[4] = {14, 11, 13, 9};

static VopVec add_key(VopVec s, const VopVec *key)
{
    s.u64[0] ^= key->u64[0];
    s.u64[1] ^= key->u64[1];
    return s;
}

static VopVec encrypt_half(const VopVec *state)
{
    VopVec t = shift_rows(state, 1);

    for (unsigned i = 0; i < 16; i++) {
        t.u8[i] = sub_byte(t.u8[i]);
    }
    return t;
}

static VopVec decrypt_half(const VopVec *state)
{
    VopVec t = shift_rows(state, 3); /* three columns on is one back */

    for (unsigned i = 0; i < 16; i++) {
        t.u8[i] = inv_sub_byte(t.u8[i]);
    }
    return t;
}

VOP_FN(AESENC)
{
    VopVec t = encrypt_half(a);

    *d = add_key(mix_columns(&t, mix), b);
    return 0;
}

VOP_FN(AESENCLAST)
{
    *d = add_key(encrypt_half(a), b);
    return 0;
}

VOP_FN(AESDEC)
{
    VopVec t = decrypt_half(a);

    *d = add_key(mix_columns(&t, inv_mix), b);
    return 0;
}

VOP_FN(AESDECLAST)
{
    *d = add_key(decrypt_half(a), b);
    return 0;
}

VOP_FN(AESIMC)
{
    *d = mix_columns(b, inv_mix);
    return 0;
}

static uint32_t sub_word(uint32_t v)
{
    return (uint32_t)sub_byte((uint8_t)v) |
           (uint32_t)sub_byte((uint8_t)(v >> 8)) << 8 |
           (uint32_t)sub_byte((uint8_t)(v >> 16)) << 16 |
           (uint32_t)sub_byte((uint8_t)(v >> 24)) << 24;
}

VOP_FN(AESKEYGENASSIST)
{
    uint32_t x1 = sub_word(b->u32[1]), x3 = sub_word(b->u32[3]);
    VopVec t;

    t.u32[0] = x1;
    t.u32[1] = (x1 >> 8 | x1 << 24) ^ imm;
    t.u32[2] = x3;
    t.u32[3] = (x3 >> 8 | x3 << 24) ^ imm;
    *d = t;
    return 0;
}
