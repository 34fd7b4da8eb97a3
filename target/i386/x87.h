/* SPDX-License-Identifier: MIT */
/*
 * The x87 FPU: what its files share.  Arithmetic is done by the host's x87 on
 * 80-bit operands, with the guest's control word, so that results, flags and
 * NaNs are the silicon's own (x87_host.c).  The register stack, exceptions and
 * memory images are kept here, in X87State.
 * Source: SDM vol. 1, chapter 8 "Programming with the x87 FPU".
 */
#ifndef HEDDLE_TARGET_I386_X87_H
#define HEDDLE_TARGET_I386_X87_H

#include "exec/memop.h"
#include "target/i386/cpu.h"

/* Status word: SDM vol. 1, 8.1.3.  The low six are masked by the same bits of
 * the control word. */
#define X87_SW_IE BIT(0)
#define X87_SW_DE BIT(1)
#define X87_SW_ZE BIT(2)
#define X87_SW_OE BIT(3)
#define X87_SW_UE BIT(4)
#define X87_SW_PE BIT(5)
#define X87_SW_SF BIT(6)
#define X87_SW_ES BIT(7)
#define X87_SW_C0 BIT(8)
#define X87_SW_C1 BIT(9)
#define X87_SW_C2 BIT(10)
#define X87_SW_C3 BIT(14)
#define X87_SW_B  BIT(15)
#define X87_EXCEPTIONS 0x3fu
#define X87_CODES (X87_SW_C0 | X87_SW_C1 | X87_SW_C2 | X87_SW_C3)
/* Found before there is a result: unmasked, they keep the destination. */
#define X87_PRE (X87_SW_IE | X87_SW_DE | X87_SW_ZE)

/* Control word: what exists, and after FNINIT. */
#define X87_CW_BITS 0x1f3fu
#define X87_CW_ONES 0x0040u
#define X87_CW_INIT 0x037fu

/* An 80-bit value as it lies in memory. */
typedef struct __attribute__((packed)) X87Value {
    uint64_t mantissa;
    uint16_t sign_exp;
} X87Value;

/* --- one instruction, as the dispatcher hands it on --- */
typedef struct X87Insn {
    uint8_t op;     /* low three bits of the opcode: D8 is 0 */
    uint8_t modrm;
    bool osize16;
    MemOp mo;       /* of memory operands: MMU mode and flags, no size */
    vaddr addr;
} X87Insn;

static inline unsigned x87_reg_field(const X87Insn *in)
{
    return in->modrm >> 3 & 7;
}

static inline unsigned x87_rm(const X87Insn *in)
{
    return in->modrm & 7;
}

typedef void X87Fn(X86CPU *cpu, const X87Insn *in);

enum {
    X87_NOWAIT = 1,  /* pending exceptions are not looked at */
    X87_CONTROL = 2, /* FIP, FDP and FOP stay as they are */
    X87_WRITES = 4,  /* the memory operand is stored to */
};

typedef struct X87Row {
    X87Fn *fn;     /* NULL: #UD */
    uint8_t flags; /* X87_* */
    uint8_t bytes; /* of the memory operand; X87_ENV, X87_STATE */
} X87Row;

/* Sizes that depend on the operand size: 14 or 28, 94 or 108 bytes. */
#define X87_ENV   0xfe
#define X87_STATE 0xff

/* The row of an instruction; never NULL, but row->fn may be. */
const X87Row *x87_row(unsigned op, unsigned modrm);
unsigned x87_operand_bytes(const X87Row *row, bool osize16);

/* --- the register stack --- */
static inline unsigned x87_phys(const X86CPU *cpu, unsigned i)
{
    return (cpu->x87.top + i) & 7;
}

static inline bool x87_is_empty(const X86CPU *cpu, unsigned i)
{
    return !(cpu->x87.valid >> x87_phys(cpu, i) & 1);
}

X87Value x87_get(const X86CPU *cpu, unsigned i); /* ST(i) */
void x87_set(X86CPU *cpu, unsigned i, X87Value v); /* and mark it valid */
void x87_pop(X86CPU *cpu);
/* Push @v, after signalling @flags; or what a stack overflow makes of it. */
void x87_push(X86CPU *cpu, X87Value v, unsigned flags);
extern const X87Value x87_indefinite; /* the default NaN */

/* --- exceptions --- */
/* Set @flags (and C1 as in @flags); true if the instruction may go on to its
 * result: nothing unmasked among X87_PRE. */
bool x87_signal(X86CPU *cpu, unsigned flags);
/* Stack underflow: true if masked, and the result is x87_indefinite. */
bool x87_underflow(X86CPU *cpu);
/* ES and B from the flags and masks as they are now. */
void x87_update_summary(X86CPU *cpu);
void x87_init_state(X86CPU *cpu); /* FNINIT */

/* --- x87_arith.c --- */
X87Fn x87_arith_st0, x87_arith_sti, x87_arith_sti_pop;
X87Fn x87_arith_f32, x87_arith_f64, x87_arith_i16, x87_arith_i32;
X87Fn x87_fcomp_sti, x87_fcompp, x87_fucom, x87_fucomp, x87_fucompp;
X87Fn x87_fcom_sti, x87_fcomi, x87_fucomi, x87_fcomip, x87_fucomip;
X87Fn x87_ftst, x87_fxam, x87_fchs, x87_fabs;
X87Fn x87_d9_const, x87_d9_unary, x87_d9_binary, x87_d9_two_results;

/* --- x87_move.c --- */
X87Fn x87_fld_f32, x87_fld_f64, x87_fld_f80, x87_fld_sti;
X87Fn x87_fild_16, x87_fild_32, x87_fild_64, x87_fbld;
X87Fn x87_fst, x87_fstp, x87_fst_f80, x87_fst_sti, x87_fstp_sti;
X87Fn x87_fstpnce;
X87Fn x87_fxch, x87_fcmov, x87_ffree, x87_ffreep;
X87Fn x87_fincstp, x87_fdecstp, x87_fnop;

/* --- x87_env.c --- */
X87Fn x87_fldcw, x87_fnstcw, x87_fnstsw_mem, x87_fnstsw_ax;
X87Fn x87_fldenv, x87_fnstenv, x87_frstor, x87_fnsave;
X87Fn x87_fnclex, x87_fninit;

#endif
