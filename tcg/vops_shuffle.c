/* SPDX-License-Identifier: MIT */
/* Portable moves and shuffles of SSE to SSE4.1: bits are moved, nothing is
 * computed.  SDM vol. 2, the instruction of each name. */
#include "tcg/vops_macros.h"

/* --- moves --- */

LANES(MOVSS, u32, 4, i == 0 ? y : x)
LANES(MOVSD, u64, 2, i == 0 ? y : x)
LANES(MOVHLPS, u64, 2, i == 0 ? b->u64[1] : x)
LANES(MOVQ, u64, 2, i == 0 ? y : 0)
LANES(MOVD_VE, u32, 4, i == 0 ? (uint32_t)r : 0)
LANES(MOVQ_VE, u64, 2, i == 0 ? r : 0)
LANES(MOVDDUP, u64, 2, b->u64[0])
LANES(MOVSLDUP, u32, 4, b->u32[i & ~1u])
LANES(MOVSHDUP, u32, 4, b->u32[i | 1])

VOP_FN(MOVD_EV)
{
    return b->u32[0];
}

VOP_FN(MOVQ_EV)
{
    return b->u64[0];
}

VOP_FN(MOVMSKPS)
{
    uint64_t mask = 0;

    for (unsigned i = 0; i < 4; i++) {
        mask |= (uint64_t)(b->u32[i] >> 31) << i;
    }
    return mask;
}

VOP_FN(MOVMSKPD)
{
    return b->u64[0] >> 63 | (b->u64[1] >> 63) << 1;
}

VOP_FN(PMOVMSKB)
{
    uint64_t mask = 0;

    for (unsigned i = 0; i < 16; i++) {
        mask |= (uint64_t)(b->u8[i] >> 7) << i;
    }
    return mask;
}

/* --- one lane in or out --- */

LANES(PINSRB, u8, 16, i == (imm & 15u) ? (uint8_t)r : x)
LANES(PINSRW, u16, 8, i == (imm & 7u) ? (uint16_t)r : x)
LANES(PINSRD, u32, 4, i == (imm & 3u) ? (uint32_t)r : x)
LANES(PINSRQ, u64, 2, i == (imm & 1u) ? r : x)

VOP_FN(PEXTRB)
{
    return b->u8[imm & 15];
}

VOP_FN(PEXTRW)
{
    return b->u16[imm & 7];
}

VOP_FN(PEXTRD)
{
    return b->u32[imm & 3];
}

VOP_FN(PEXTRQ)
{
    return b->u64[imm & 1];
}

/* Source lane in bits 6-7, destination in 4-5, lanes to clear in 0-3.  From
 * memory, lane 0 is what was loaded, and the emitter clears bits 6-7. */
LANES(INSERTPS, u32, 4,
      imm &BIT(i)            ? 0
      : i == (imm >> 4 & 3u) ? b->u32[imm >> 6]
                             : x)

/* --- shuffles by immediate --- */

/* Two bits of the immediate for lane @i. */
static unsigned pick2(uint8_t imm, unsigned i)
{
    return (imm >> (2 * (i & 3))) & 3;
}

LANES(PSHUFD, u32, 4, b->u32[pick2(imm, i)])
LANES(PSHUFLW, u16, 8, i < 4 ? b->u16[pick2(imm, i)] : y)
LANES(PSHUFHW, u16, 8, i < 4 ? y : b->u16[4 + pick2(imm, i)])
LANES(SHUFPS, u32, 4, (i < 2 ? a : b)->u32[pick2(imm, i)])
LANES(SHUFPD, u64, 2, (i < 1 ? a : b)->u64[(imm >> i) & 1])
LANES(BLENDPS, u32, 4, imm &BIT(i) ? y : x)
LANES(BLENDPD, u64, 2, imm &BIT(i) ? y : x)
LANES(PBLENDW, u16, 8, imm &BIT(i) ? y : x)

/* Byte @n of src0:src1 as one string, src1 first; zero past its end. */
static uint8_t byte_of_pair(const VopVec *a, const VopVec *b, unsigned n)
{
    return n < 16 ? b->u8[n] : n < 32 ? a->u8[n - 16] : 0;
}

LANES(PALIGNR, u8, 16, byte_of_pair(a, b, i + imm))

/* --- shuffles by vector --- */

LANES(PSHUFB, u8, 16, y & 0x80 ? 0 : a->u8[y & 15])

/* --- interleaving: lane i/2 of the low or high half, src0 first --- */

#define UNPACK(name, field, n, from)                                           \
    LANES(name, field, n, (i & 1 ? b : a)->field[(from) + i / 2])
UNPACK(PUNPCKLBW, u8, 16, 0)
UNPACK(PUNPCKLWD, u16, 8, 0)
UNPACK(PUNPCKLDQ, u32, 4, 0)
UNPACK(PUNPCKLQDQ, u64, 2, 0)
UNPACK(PUNPCKHBW, u8, 16, 8)
UNPACK(PUNPCKHWD, u16, 8, 4)
UNPACK(PUNPCKHDQ, u32, 4, 2)
UNPACK(PUNPCKHQDQ, u64, 2, 1)
UNPACK(UNPCKLPS, u32, 4, 0)
UNPACK(UNPCKLPD, u64, 2, 0)
UNPACK(UNPCKHPS, u32, 4, 2)
UNPACK(UNPCKHPD, u64, 2, 1)

/* --- widening --- */

LANES(PMOVSXBW, i16, 8, b->i8[i])
LANES(PMOVSXBD, i32, 4, b->i8[i])
LANES(PMOVSXBQ, i64, 2, b->i8[i])
LANES(PMOVSXWD, i32, 4, b->i16[i])
LANES(PMOVSXWQ, i64, 2, b->i16[i])
LANES(PMOVSXDQ, i64, 2, b->i32[i])
LANES(PMOVZXBW, u16, 8, b->u8[i])
LANES(PMOVZXBD, u32, 4, b->u8[i])
LANES(PMOVZXBQ, u64, 2, b->u8[i])
LANES(PMOVZXWD, u32, 4, b->u16[i])
LANES(PMOVZXWQ, u64, 2, b->u16[i])
LANES(PMOVZXDQ, u64, 2, b->u32[i])
