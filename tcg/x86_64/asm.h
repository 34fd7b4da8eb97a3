/* SPDX-License-Identifier: MIT */
/*
 * Encoder of host instructions: bytes only, no knowledge of the IR.  One call
 * appends one instruction (prefixes, REX or VEX, opcode, ModRM, SIB,
 * displacement); an immediate is appended by a call of its own.
 * Source: Intel SDM vol. 2A, chapter 2 "Instruction Format".
 *
 * No function checks for room: the caller does, once for many instructions.
 * A few bytes behind an instruction may be written along with it.
 */
#ifndef HEDDLE_TCG_X86_64_ASM_H
#define HEDDLE_TCG_X86_64_ASM_H

#include <string.h>

#include "tcg/ir.h"

typedef enum Reg {
    RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI,
    R8, R9, R10, R11, R12, R13, R14, R15,
    XMM0, /* the other fifteen follow */
    REG_COUNT = 32,
    REG_NONE = -1,
} Reg;

typedef struct Asm {
    uint8_t *p;
} Asm;

/*
 * Register or memory operand, as ModRM, SIB and displacement will have it: it
 * is often made of constants, and then costs nothing.  One word, as it is
 * passed around a lot: a struct of bytes would be put together in memory, where
 * reading it at once has to wait.
 */
typedef struct Rm {
    uint32_t what; /* ModRM in the low byte, SIB in the next; RM_* */
    int32_t disp;
} Rm;
enum {
    RM_SIB_SHIFT = 8,
    RM_SIB = 1 << 16,
    RM_REG = 1 << 17,   /* a register is the operand */
    RM_GS = 1 << 18,    /* memory, relative to the gs base */
    RM_REX_SHIFT = 20,  /* bits B and X of REX */
    RM_DISP_SHIFT = 24, /* how many bytes of displacement: 0, 1, 4 */
    RM_DISP8 = 0x40 | 1 << RM_DISP_SHIFT, /* with the mod field */
    RM_DISP32 = 0x80 | 4 << RM_DISP_SHIFT,
    RM_BY_SIB = 4 | RM_SIB, /* an rm field of 4 has a SIB byte follow */
    RM_NO_INDEX = 4,        /* in SIB */
    RM_NO_BASE = 5,         /* in SIB, with mod 0; 32 bits of displacement */
};

static inline bool fits_i8(int64_t v)
{
    return v == (int8_t)v;
}

static inline bool fits_i32(int64_t v)
{
    return v == (int32_t)v;
}

static inline Rm rm_reg(Reg r)
{
    uint32_t field = r & 7u, rex_b = (r & 15u) >> 3;

    return (Rm){ 0xc0 | RM_REG | field | rex_b << RM_REX_SHIFT, 0 };
}

/* @index may not be RSP. */
static inline uint32_t rm_index(Reg index, unsigned shift)
{
    if (index == REG_NONE) {
        return RM_NO_INDEX << 3 << RM_SIB_SHIFT;
    }
    return (index & 7u) << 3 << RM_SIB_SHIFT | shift << 6 << RM_SIB_SHIFT |
           (index & 8u) >> 2 << RM_REX_SHIFT;
}

/* @base and @index may be REG_NONE. */
static inline Rm rm_sib(Reg base, Reg index, unsigned shift, int32_t disp)
{
    uint32_t field = base & 7u, what = (base & 8u) >> 3 << RM_REX_SHIFT;

    if (base == REG_NONE) {
        return (Rm){ rm_index(index, shift) | RM_BY_SIB |
                         RM_NO_BASE << RM_SIB_SHIFT | 4 << RM_DISP_SHIFT,
                     disp };
    }
    if (index != REG_NONE || field == RSP) {
        what |= rm_index(index, shift) | RM_BY_SIB | field << RM_SIB_SHIFT;
    } else {
        what |= field;
    }
    if (!fits_i8(disp)) {
        what |= RM_DISP32;
    } else if (disp || field == RBP) {
        what |= RM_DISP8; /* RBP and R13 have no form without displacement */
    }
    return (Rm){ what, disp };
}

static inline Rm rm_mem(Reg base, int32_t disp)
{
    return rm_sib(base, REG_NONE, 0, disp);
}

/* A field of the X86CPU that the gs base points to. */
static inline Rm rm_cpu(int32_t offset)
{
    Rm m = rm_mem(REG_NONE, offset);

    m.what |= RM_GS;
    return m;
}

/* An opcode is its last byte, or'ed with these. */
enum {
    A_0F = 1 << 8, /* opcode map */
    A_38 = 2 << 8,
    A_3A = 3 << 8,
    A_MAP = 3 << 8,
    A_66 = 1 << 10, /* mandatory or size prefix */
    A_F3 = 1 << 11,
    A_F2 = 1 << 12,
    A_W = 1 << 13,    /* REX.W */
    A_REG8 = 1 << 14, /* the reg operand is a byte register */
    A_RM8 = 1 << 15,  /* the rm operand is one, if a register */
    A_LOCK = 1 << 16,
    A_L = 1 << 17, /* VEX.L: 256 bits */
};

/* Opcodes whose byte form is even and whose other forms are the next one. */
static inline uint32_t a_size(uint32_t op, IrSize size)
{
    static const uint32_t bits[] = { A_REG8 | A_RM8, 1 | A_66, 1, 1 | A_W };

    return op | bits[size];
}

/* Opcodes without a byte form. */
static inline uint32_t a_wide(uint32_t op, IrSize size)
{
    return op | (size == IR_64 ? A_W : size == IR_16 ? A_66 : 0);
}

static inline void asm_u8(Asm *a, uint8_t v)
{
    *a->p++ = v;
}

static inline void asm_u16(Asm *a, uint16_t v)
{
    memcpy(a->p, &v, 2);
    a->p += 2;
}

static inline void asm_u32(Asm *a, uint32_t v)
{
    memcpy(a->p, &v, 4);
    a->p += 4;
}

static inline void asm_u64(Asm *a, uint64_t v)
{
    memcpy(a->p, &v, 8);
    a->p += 8;
}

/* @reg is a register or the /n of the opcode. */
void asm_op(Asm *a, uint32_t op, unsigned reg, Rm rm);
/* The VEX form, 128 bits or scalar; @vvvv is the second operand. */
void asm_vex(Asm *a, uint32_t op, unsigned reg, unsigned vvvv, Rm rm);

/* The eight two-operand instructions of opcodes 00 to 3F, by their /n. */
enum { ALU_ADD, ALU_OR, ALU_ADC, ALU_SBB, ALU_AND, ALU_SUB, ALU_XOR, ALU_CMP };
void asm_alu(Asm *a, unsigned alu, IrSize size, Rm dst, Reg src);
void asm_alu_imm(Asm *a, unsigned alu, IrSize size, Rm dst, int32_t imm,
                 bool lock);
void asm_test_imm(Asm *a, IrSize size, Rm dst, int32_t imm);

/* Moves never touch the flags. */
void asm_mov(Asm *a, IrSize size, Reg dst, Reg src); /* IR_32 or IR_64 */
void asm_mov_imm(Asm *a, Reg dst, uint64_t value);   /* shortest form */
void asm_load(Asm *a, IrSize size, Reg dst, Rm src); /* 64 or 32, zero ext. */
void asm_store(Asm *a, IrSize size, Rm dst, Reg src);
void asm_store_imm(Asm *a, IrSize size, Rm dst, int32_t imm);
/* Extend the low bits (MO_8 to MO_32) of @src to @size; MO_SIGN or zero. */
void asm_extend(Asm *a, IrSize size, MemOp from, Reg dst, Rm src);
void asm_lea(Asm *a, IrSize size, Reg dst, Rm src);
/* Vectors: 32 bytes, or 16 (a load clears bits 128-255); any alignment. */
void asm_vload(Asm *a, bool wide, Reg dst, Rm src);
void asm_vstore(Asm *a, bool wide, Rm dst, Reg src);
void asm_vmov(Asm *a, bool wide, Reg dst, Reg src);

/* Jumps with a 32-bit displacement.  With @target NULL it is left open and
 * asm_fix_jump sets it: the result is the place to give that. */
uint8_t *asm_jmp(Asm *a, const void *target);
uint8_t *asm_jcc(Asm *a, IrCond cond, const void *target);
void asm_fix_jump(uint8_t *site, const void *target);
void asm_nop(Asm *a, unsigned bytes); /* at most 3: one instruction */
/* Any distance; beyond 2 GiB through RAX. */
void asm_call(Asm *a, const void *target);

#endif
