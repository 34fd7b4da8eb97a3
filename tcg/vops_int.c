/* SPDX-License-Identifier: MIT */
/* Portable integer arithmetic, logic, compares and shifts of SSE2.
 * SDM vol. 2, the instruction of each name. */
#include "tcg/vops_macros.h"

static int64_t clamp(int64_t v, int64_t min, int64_t max)
{
    return v < min ? min : v > max ? max : v;
}

static int16_t sat_s16(int64_t v)
{
    return (int16_t)clamp(v, INT16_MIN, INT16_MAX);
}

static int8_t sat_s8(int64_t v)
{
    return (int8_t)clamp(v, INT8_MIN, INT8_MAX);
}

static uint8_t sat_u8(int64_t v)
{
    return (uint8_t)clamp(v, 0, UINT8_MAX);
}

static uint16_t sat_u16(int64_t v)
{
    return (uint16_t)clamp(v, 0, UINT16_MAX);
}

LANES(PADDB, u8, 16, x + y)
LANES(PADDW, u16, 8, x + y)
LANES(PADDD, u32, 4, x + y)
LANES(PADDQ, u64, 2, x + y)
LANES(PSUBB, u8, 16, x - y)
LANES(PSUBW, u16, 8, x - y)
LANES(PSUBD, u32, 4, x - y)
LANES(PSUBQ, u64, 2, x - y)
LANES(PADDSB, i8, 16, sat_s8((int)x + y))
LANES(PADDSW, i16, 8, sat_s16((int)x + y))
LANES(PADDUSB, u8, 16, sat_u8((int)x + y))
LANES(PADDUSW, u16, 8, sat_u16((int)x + y))
LANES(PSUBSB, i8, 16, sat_s8((int)x - y))
LANES(PSUBSW, i16, 8, sat_s16((int)x - y))
LANES(PSUBUSB, u8, 16, sat_u8((int)x - y))
LANES(PSUBUSW, u16, 8, sat_u16((int)x - y))

LANES(PMULLW, i16, 8, (int16_t)((int)x *y))
LANES(PMULHW, i16, 8, (int16_t)(((int)x * y) >> 16))
LANES(PMULHUW, u16, 8, (uint16_t)(((uint32_t)x * y) >> 16))
LANES(PMULUDQ, u64, 2, (uint64_t)(uint32_t)x *(uint32_t)y)
/* Only four products of -32768 overflow, and wrap. */
LANES(PMADDWD, i32, 4,
      (int32_t)((uint32_t)(a->i16[2 * i] * b->i16[2 * i]) +
                (uint32_t)(a->i16[2 * i + 1] * b->i16[2 * i + 1])))

LANES(PAVGB, u8, 16, ((unsigned)x + y + 1) >> 1)
LANES(PAVGW, u16, 8, ((unsigned)x + y + 1) >> 1)
LANES(PMINUB, u8, 16, x < y ? x : y)
LANES(PMAXUB, u8, 16, x > y ? x : y)
LANES(PMINSW, i16, 8, x < y ? x : y)
LANES(PMAXSW, i16, 8, x > y ? x : y)

LANES(PAND, u64, 2, x &y)
LANES(PANDN, u64, 2, ~x &y)
LANES(POR, u64, 2, x | y)
LANES(PXOR, u64, 2, x ^ y)

LANES(PCMPEQB, i8, 16, -(x == y))
LANES(PCMPEQW, i16, 8, -(x == y))
LANES(PCMPEQD, i32, 4, -(x == y))
LANES(PCMPGTB, i8, 16, -(x > y))
LANES(PCMPGTW, i16, 8, -(x > y))
LANES(PCMPGTD, i32, 4, -(x > y))

VOP_FN(PSADBW)
{
    VopVec t = {0};

    for (unsigned i = 0; i < 16; i++) {
        t.u64[i / 8] += (uint64_t)ABS((int)a->u8[i] - b->u8[i]);
    }
    *d = t;
    return 0;
}

VOP_FN(PACKSSWB)
{
    VopVec t;

    for (unsigned i = 0; i < 16; i++) {
        t.i8[i] = sat_s8(i < 8 ? a->i16[i] : b->i16[i - 8]);
    }
    *d = t;
    return 0;
}

VOP_FN(PACKUSWB)
{
    VopVec t;

    for (unsigned i = 0; i < 16; i++) {
        t.u8[i] = sat_u8(i < 8 ? a->i16[i] : b->i16[i - 8]);
    }
    *d = t;
    return 0;
}

VOP_FN(PACKSSDW)
{
    VopVec t;

    for (unsigned i = 0; i < 8; i++) {
        t.i16[i] = sat_s16(i < 4 ? a->i32[i] : b->i32[i - 4]);
    }
    *d = t;
    return 0;
}

VOP_FN(PACKUSDW)
{
    VopVec t;

    for (unsigned i = 0; i < 8; i++) {
        t.u16[i] = sat_u16(i < 4 ? a->i32[i] : b->i32[i - 4]);
    }
    *d = t;
    return 0;
}

/*
 * Shifts: the count is the low 64 bits of src1, or the immediate; a count past
 * the lane gives zeros (or copies of the sign).
 */
static uint64_t shift_left(uint64_t v, uint64_t count, unsigned bits)
{
    return count < bits ? v << count : 0;
}

static uint64_t shift_right(uint64_t v, uint64_t count, unsigned bits)
{
    return count < bits ? v >> count : 0;
}

static int32_t shift_sign(int32_t v, uint64_t count, unsigned bits)
{
    return v >> (count < bits ? count : bits - 1);
}

#define SHIFT_PAIR(name, field, n, fn, bits)                                   \
    LANES(name, field, n, fn(x, b->u64[0], bits))                              \
    LANES(name##I, field, n, fn(x, imm, bits))
SHIFT_PAIR(PSLLW, u16, 8, shift_left, 16)
SHIFT_PAIR(PSLLD, u32, 4, shift_left, 32)
SHIFT_PAIR(PSLLQ, u64, 2, shift_left, 64)
SHIFT_PAIR(PSRLW, u16, 8, shift_right, 16)
SHIFT_PAIR(PSRLD, u32, 4, shift_right, 32)
SHIFT_PAIR(PSRLQ, u64, 2, shift_right, 64)
SHIFT_PAIR(PSRAW, i16, 8, shift_sign, 16)
SHIFT_PAIR(PSRAD, i32, 4, shift_sign, 32)

/* By bytes, over all 128 bits. */
LANES(PSLLDQ, u8, 16, i >= imm ? a->u8[i - imm] : 0)
LANES(PSRLDQ, u8, 16, i + imm < 16 ? a->u8[i + imm] : 0)
