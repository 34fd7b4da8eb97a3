/* SPDX-License-Identifier: MIT */
/*
 * From guest bytes to X86Insn: prefixes, opcode row, operands, length.  Knows
 * nothing of the IR, and looks at no state but hflags and CPUID's features.
 */
#ifndef HEDDLE_TARGET_I386_DECODE_H
#define HEDDLE_TARGET_I386_DECODE_H

#include "target/i386/cpu.h"
#include "target/i386/cpuid.h"

#define X86_MAX_INSN 15

/* X86Row.attrs */
enum {
    XA_SPAN8 = BIT(0),
    XA_SPAN16 = BIT(1),
    XA_LOCK = BIT(2),
    XA_I64 = BIT(3),
    XA_O64 = BIT(4),
    XA_D64 = BIT(5),
    XA_F64 = BIT(6),
    XA_VEX = BIT(7),
    XA_CPL0 = BIT(8),
    XA_CPL0UD = BIT(9),
    XA_PM = BIT(10),
    XA_PMGP = BIT(11),
    XA_LAST = BIT(12),
    XA_IB = BIT(13),
    XA_L0 = BIT(14),
    XA_L1 = BIT(15),
    XA_W0 = BIT(16),
    XA_W1 = BIT(17),
    XA_X2 = BIT(18),
    XA_VSIB = BIT(19),
    XA_REP = BIT(20),
};

struct X86Trans;
struct X86Insn;
typedef void X86EmitFunc(struct X86Trans *s, const struct X86Insn *in);

/* One line of opcodes.def. */
typedef struct X86Row {
    const char *name;
    X86EmitFunc *emit;
    uint16_t arg;
    uint16_t form;   /* kind << 8 | value */
    uint32_t attrs;  /* XA_* */
    uint8_t map, opcode, pfx;
    uint8_t op[3];   /* operand codes of opcodes.c */
    uint8_t reads, writes, undef; /* IR_CC_* */
    uint8_t feature; /* X86Feature */
} X86Row;

typedef enum X86OperandKind {
    OPND_NONE,
    OPND_REG,   /* low bits of regs[reg] */
    OPND_REGH,  /* bits 8-15 of regs[reg]: AH, CH, DH, BH */
    OPND_MEM,   /* X86Insn.mem */
    OPND_IMM,   /* X86Insn.imm */
    OPND_IMM2,  /* X86Insn.imm2 */
    OPND_SEG,   /* segs[reg] */
    OPND_CR,
    OPND_DR,
    OPND_VEC,   /* vec[reg] */
    OPND_MMX,   /* x87.r[reg].mantissa */
} X86OperandKind;

typedef struct X86Operand {
    uint8_t kind; /* X86OperandKind */
    uint8_t size; /* log2 of bytes: IR_8.. = MO_8.. MO_256 */
    uint8_t reg;
} X86Operand;

#define X86_NO_REG 0xff
#define X86_BASE_RIP  0xfe

/* Memory operand: segs[seg].base + base + (index << scale) + disp. */
typedef struct X86Mem {
    uint8_t seg;
    uint8_t base, index; /* GPR, X86_NO_REG; base: X86_BASE_RIP too; index of an
                            XA_VSIB row: vector register */
    uint8_t scale;
    int64_t disp; /* sign-extended; X86_BASE_RIP: from the next instruction */
} X86Mem;

typedef struct X86Insn {
    const X86Row *row;
    uint8_t len;
    uint8_t map, opcode, modrm;
    uint8_t rex;      /* the byte's low nibble; VEX: what it would be */
    bool has_rex;
    bool osize16, asize_flip, lock; /* prefixes 66, 67, F0 */
    uint8_t rep;      /* 0, 0xf2 or 0xf3: the last of them */
    bool has_modrm;
    uint8_t seg;      /* override, or X86_NO_REG */
    bool vex;
    uint8_t vex_l, vex_v, vex_w;
    uint8_t osize;    /* IR_16 to IR_64 */
    uint8_t asize;    /* IR_16 to IR_64 */
    X86Operand op[3];
    X86Mem mem;
    int64_t imm, imm2; /* far pointer: offset, selector */
} X86Insn;

typedef enum X86Decode {
    DECODE_OK,
    DECODE_MORE,    /* the bytes given do not suffice */
    DECODE_UD,      /* no such instruction */
    DECODE_TOO_LONG, /* more than 15 bytes: #GP(0) */
} X86Decode;

/*
 * Decode one instruction.
 * @in      filled in if the result is DECODE_OK; len is how many bytes were
 *          looked at, whatever the result
 * @cpu     whose features count; NULL: every feature is there
 * @bytes   @avail of them are there, and may all be read
 * @hflags  HF_CS32, HF_CS64, HF_PE and HF_VM count
 * Source   SDM vol. 2A, chapter 2 "Instruction Format"
 */
X86Decode x86_decode(X86Insn *in, const X86CPU *cpu, const uint8_t *bytes,
                     unsigned avail, uint32_t hflags);

/* --- opcodes.c: the table --- */
enum { X86_M1, X86_M0F, X86_M38, X86_M3A, X86_NMAPS };
/* pfx column */
enum { PFX_ANY, PFX_NP, PFX_P66, PFX_F3, PFX_F2, PFX_NR };
/* form column, kind */
enum { FORM_ANY, FORM_R, FORM_M, FORM_G, FORM_MEM, FORM_REG, FORM_X };

/* The operand codes of opcodes.def, see its legend. */
typedef enum X86OperandCode {
    OC___,
    OC_Eb, OC_Ew, OC_Ed, OC_Eq, OC_Ev, OC_Ey, OC_Em, OC_Ez, OC_En,
    OC_Gb, OC_Gw, OC_Gd, OC_Gv, OC_Gy, OC_Gn,
    OC_By,
    OC_Rn, OC_Rv, OC_Rd, OC_Ry,
    OC_Zb, OC_Zv,
    OC_M, OC_Mb, OC_Mw, OC_Md, OC_Mq, OC_Mo, OC_Mx,
    OC_Ob, OC_Ov,
    OC_Ib, OC_Ib2, OC_Is, OC_Iw, OC_Iz, OC_Iv, OC_One,
    OC_Jb, OC_Jz, OC_Ap,
    OC_AL, OC_rAX, OC_eAX, OC_CL, OC_DX,
    OC_Sw, OC_Cn, OC_Dn,
    OC_Xb, OC_Xv, OC_Xz, OC_Yb, OC_Yv, OC_Yz,
    /* V: ModRM.reg, H: VEX.vvvv, W: ModRM.rm; the letter after W is the size
     * in memory; b to q of V as of W. */
    OC_Vd, OC_Vq, OC_Vo, OC_Vx, OC_Ho, OC_Hx,
    OC_Wb, OC_Ww, OC_Wd, OC_Wq, OC_Wo, OC_Wx, OC_Whx, OC_Wfx, OC_Wex,
    OC_Pq, OC_Qd, OC_Qq, /* MMX: ModRM.reg, ModRM.rm */
    OC_Edb, OC_Edw,      /* 32-bit register, or 8, 16 bits in memory */
    OC_COUNT,
} X86OperandCode;

/* The index of rows, made by x86_opcodes_init. */
typedef struct X86Opcode {
    const X86Row *first; /* NULL: none */
    bool has_modrm;
} X86Opcode;
extern X86Opcode x86_opcodes[X86_NMAPS][256];

/* First row of an opcode, and the next one of the same opcode; or NULL. */
static inline const X86Row *x86_row_first(unsigned map, unsigned opcode)
{
    return x86_opcodes[map][opcode].first;
}
const X86Row *x86_row_next(const X86Row *row);
/* Does some row of the opcode take a ModRM byte?  Then all do. */
static inline bool x86_opcode_has_modrm(unsigned map, unsigned opcode)
{
    return x86_opcodes[map][opcode].has_modrm;
}
/* All rows, in the order of opcodes.def. */
const X86Row *x86_rows(unsigned *count);
void x86_opcodes_init(void); /* once, before any decoding */

#endif
