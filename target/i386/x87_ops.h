/* SPDX-License-Identifier: MIT */
/* Names of x87 operations and formats: what rows of opcodes_x87.def pass to
 * emitters, and those to helpers. */
#ifndef HEDDLE_TARGET_I386_X87_OPS_H
#define HEDDLE_TARGET_I386_X87_OPS_H

/* Formats of a second operand. */
typedef enum X87Format {
    X87_ST, /* a register */
    X87_F32, X87_F64, X87_I16, X87_I32,
    X87_NFORMATS,
} X87Format;

typedef enum X87UnaryOp {
    X87_SQRT, X87_RNDINT, X87_2XM1, X87_SIN, X87_COS,
} X87UnaryOp;
typedef enum X87PremOp { X87_PREM, X87_PREM1 } X87PremOp;
/* To ST(1), popping ST(0) */
typedef enum X87PopOp { X87_YL2X, X87_YL2XP1, X87_PATAN } X87PopOp;
/* To ST(0), pushing another result */
typedef enum X87SplitOp { X87_TAN, X87_SINCOS, X87_XTRACT } X87SplitOp;

/* Conversions of stores; TRUNC (FISTTP) whatever the rounding control. */
typedef enum X87StoreOp {
    X87_TO_F32, X87_TO_F64, X87_TO_I16, X87_TO_I32, X87_TO_I64,
    X87_TRUNC_I16, X87_TRUNC_I32, X87_TRUNC_I64, X87_TO_BCD,
} X87StoreOp;
#define X87_POP 0x100 /* beside a X87StoreOp */

/* Layouts of FSTENV's and FSAVE's images. */
#define X87_IMAGE_32   1 /* 32-bit operand size: seven dwords, else words */
#define X87_IMAGE_REAL 2 /* real and virtual-8086 mode: linear pointers */

#endif
