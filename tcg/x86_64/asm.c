/* SPDX-License-Identifier: MIT */
/*
 * Encoder of host instructions: see asm.h.
 * Source: Intel SDM vol. 2A, 2.1 "Instruction Format for Protected Mode",
 * 2.2 "IA-32e Mode", 2.3 "Intel AVX".
 */
#include "tcg/x86_64/asm.h"

enum {
    REX = 0x40,
    REX_B = 1,
    REX_X = 2,
    REX_R = 4,
    REX_W = 8,
    PREFIX_GS = 0x65,
    PREFIX_LOCK = 0xf0,
};

/* The X and B bits that @rm asks of REX or VEX. */
static unsigned rm_bits(Rm rm)
{
    return rm.what >> RM_REX_SHIFT & (REX_X | REX_B);
}

_Static_assert(REX_B == 1 && REX_X == 2, "as rm_bits has them");

/* ModRM and what belongs to it; all four bytes of the displacement are written
 * though fewer may count. */
static uint8_t *put_modrm(uint8_t *p, unsigned reg, Rm rm)
{
    *p++ = rm.what | (reg & 7) << 3;
    if (rm.what & RM_SIB) {
        *p++ = rm.what >> RM_SIB_SHIFT;
    }
    memcpy(p, &rm.disp, 4);
    return p + (rm.what >> RM_DISP_SHIFT);
}

static uint8_t *put_rare_prefixes(uint8_t *p, uint32_t op)
{
    if (op & A_LOCK) {
        *p++ = PREFIX_LOCK;
    }
    if (op & A_66) {
        *p++ = 0x66;
    }
    if (op & (A_F3 | A_F2)) {
        *p++ = (op & A_F3) ? 0xf3 : 0xf2;
    }
    return p;
}

static uint8_t *put_map(uint8_t *p, uint32_t op)
{
    *p++ = 0x0f;
    if ((op & A_MAP) >= A_38) {
        *p++ = (op & A_MAP) == A_38 ? 0x38 : 0x3a;
    }
    return p;
}

static bool is_byte4to7(unsigned reg)
{
    return reg >= RSP && reg <= RDI;
}

/* Byte registers 4 to 7 would be AH to BH without a REX prefix. */
static bool needs_rex(uint32_t op, unsigned reg, Rm rm)
{
    return ((op & A_REG8) && is_byte4to7(reg)) ||
           ((op & A_RM8) && (rm.what & RM_REG) && !rm_bits(rm) &&
            (rm.what & 7) >= RSP);
}

/* What is between GS and the last byte of the opcode. */
static uint8_t *put_prefixes(uint8_t *p, uint32_t op, unsigned rex,
                             unsigned reg, Rm rm)
{
    if (op & (A_LOCK | A_66 | A_F3 | A_F2)) {
        p = put_rare_prefixes(p, op);
    }
    if (rex || ((op & (A_REG8 | A_RM8)) && needs_rex(op, reg, rm))) {
        *p++ = REX | rex;
    }
    return (op & A_MAP) ? put_map(p, op) : p;
}

void asm_op(Asm *a, uint32_t op, unsigned reg, Rm rm)
{
    uint8_t *p = a->p; /* bytes might alias it */
    unsigned rex =
        rm_bits(rm) | (reg & 8) / (8 / REX_R) | (op & A_W) / (A_W / REX_W);

    if (rm.what & RM_GS) {
        *p++ = PREFIX_GS;
    }
    if (!(op & ~(0xffu | A_W))) {
        *p = REX | rex; /* the usual case; the opcode takes its place if not */
        p += rex != 0;
    } else {
        p = put_prefixes(p, op, rex, reg, rm);
    }
    *p++ = op;
    a->p = put_modrm(p, reg, rm);
}

void asm_vex(Asm *a, uint32_t op, unsigned reg, unsigned vvvv, Rm rm)
{
    uint8_t *p = a->p;
    unsigned bits = rm_bits(rm) | ((reg & 8) ? REX_R : 0);
    unsigned pp = (op & A_66) ? 1 : (op & A_F3) ? 2 : (op & A_F2) ? 3 : 0;
    unsigned low = (~vvvv & 15) << 3 | ((op & A_L) ? 4 : 0) | pp;

    if (rm.what & RM_GS) {
        *p++ = PREFIX_GS;
    }
    /* R, X, B and vvvv are stored inverted. */
    if ((op & (A_MAP | A_W)) == A_0F && !(bits & (REX_X | REX_B))) {
        *p++ = 0xc5;
        *p++ = ((bits & REX_R) ? 0 : 0x80) | low;
    } else {
        *p++ = 0xc4;
        *p++ = (~bits & 7) << 5 | (op & A_MAP) >> 8;
        *p++ = ((op & A_W) ? 0x80 : 0) | low;
    }
    *p++ = op;
    a->p = put_modrm(p, reg, rm);
}

void asm_alu(Asm *a, unsigned alu, IrSize size, Rm dst, Reg src)
{
    asm_op(a, a_size(alu << 3, size), src, dst);
}

static void asm_imm(Asm *a, IrSize size, int32_t imm)
{
    if (size == IR_8) {
        asm_u8(a, imm);
    } else if (size == IR_16) {
        asm_u16(a, imm);
    } else {
        asm_u32(a, imm);
    }
}

void asm_alu_imm(Asm *a, unsigned alu, IrSize size, Rm dst, int32_t imm,
                 bool lock)
{
    uint32_t prefix = lock ? A_LOCK : 0;

    if (size != IR_8 && fits_i8(imm)) {
        asm_op(a, a_wide(0x83, size) | prefix, alu, dst);
        asm_u8(a, imm);
    } else {
        asm_op(a, a_size(0x80, size) | prefix, alu, dst);
        asm_imm(a, size, imm);
    }
}

void asm_test_imm(Asm *a, IrSize size, Rm dst, int32_t imm)
{
    asm_op(a, a_size(0xf6, size), 0, dst);
    asm_imm(a, size, imm);
}

void asm_mov(Asm *a, IrSize size, Reg dst, Reg src)
{
    asm_op(a, a_wide(0x8b, size), dst, rm_reg(src));
}

void asm_mov_imm(Asm *a, Reg dst, uint64_t value)
{
    if (value == (uint32_t)value) {
        if (dst & 8) {
            asm_u8(a, REX | REX_B);
        }
        asm_u8(a, 0xb8 | (dst & 7));
        asm_u32(a, value);
    } else if (fits_i32(value)) {
        asm_op(a, 0xc7 | A_W, 0, rm_reg(dst));
        asm_u32(a, value);
    } else {
        asm_u8(a, REX | REX_W | ((dst & 8) ? REX_B : 0));
        asm_u8(a, 0xb8 | (dst & 7));
        asm_u64(a, value);
    }
}

void asm_load(Asm *a, IrSize size, Reg dst, Rm src)
{
    asm_op(a, a_wide(0x8b, size), dst, src);
}

void asm_store(Asm *a, IrSize size, Rm dst, Reg src)
{
    asm_op(a, a_size(0x88, size), src, dst);
}

void asm_store_imm(Asm *a, IrSize size, Rm dst, int32_t imm)
{
    asm_op(a, a_size(0xc6, size), 0, dst);
    asm_imm(a, size, imm);
}

void asm_extend(Asm *a, IrSize size, MemOp from, Reg dst, Rm src)
{
    uint32_t w = (from & MO_SIGN) && size == IR_64 ? A_W : 0;

    switch (from & (MO_SIZE | MO_SIGN)) {
    case MO_8:
        asm_op(a, 0xb6 | A_0F | A_RM8, dst, src);
        break;
    case MO_16:
        asm_op(a, 0xb7 | A_0F, dst, src);
        break;
    case MO_8 | MO_SIGN:
        asm_op(a, 0xbe | A_0F | A_RM8 | w, dst, src);
        break;
    case MO_16 | MO_SIGN:
        asm_op(a, 0xbf | A_0F | w, dst, src);
        break;
    case MO_32 | MO_SIGN:
        asm_op(a, (w ? 0x63 : 0x8b) | w, dst, src);
        break;
    case MO_32:
        asm_op(a, 0x8b, dst, src);
        break;
    default:
        asm_op(a, 0x8b | (size == IR_64 ? A_W : 0), dst, src);
        break;
    }
}

void asm_lea(Asm *a, IrSize size, Reg dst, Rm src)
{
    asm_op(a, a_wide(0x8d, size), dst, src);
}

void asm_vload(Asm *a, bool wide, Reg dst, Rm src)
{
    asm_vex(a, 0x10 | A_0F | (wide ? A_L : 0), dst, 0, src); /* VMOVUPS */
}

void asm_vstore(Asm *a, bool wide, Rm dst, Reg src)
{
    asm_vex(a, 0x11 | A_0F | (wide ? A_L : 0), src, 0, dst);
}

void asm_vmov(Asm *a, bool wide, Reg dst, Reg src)
{
    asm_vex(a, 0x28 | A_0F | (wide ? A_L : 0), dst, 0, rm_reg(src));
}

void asm_fix_jump(uint8_t *site, const void *target)
{
    int32_t disp = (const uint8_t *)target - (site + 4);

    memcpy(site, &disp, 4);
}

static uint8_t *asm_rel32(Asm *a, const void *target)
{
    uint8_t *site = a->p;

    asm_u32(a, 0);
    if (target) {
        asm_fix_jump(site, target);
    }
    return site;
}

uint8_t *asm_jmp(Asm *a, const void *target)
{
    asm_u8(a, 0xe9);
    return asm_rel32(a, target);
}

uint8_t *asm_jcc(Asm *a, IrCond cond, const void *target)
{
    asm_u8(a, 0x0f);
    asm_u8(a, 0x80 | cond);
    return asm_rel32(a, target);
}

void asm_nop(Asm *a, unsigned bytes)
{
    /* SDM vol. 2B, "NOP": recommended multi-byte forms */
    static const uint8_t form[][3] = {
        {0},
        {0x90},
        {0x66, 0x90},
        {0x0f, 0x1f, 0x00},
    };

    memcpy(a->p, form[bytes], 3);
    a->p += bytes;
}

void asm_call(Asm *a, const void *target)
{
    int64_t distance = (const uint8_t *)target - (a->p + 5);

    if (fits_i32(distance)) {
        asm_u8(a, 0xe8);
        asm_rel32(a, target);
    } else {
        asm_mov_imm(a, RAX, (uintptr_t)target);
        asm_op(a, 0xff, 2, rm_reg(RAX));
    }
}
