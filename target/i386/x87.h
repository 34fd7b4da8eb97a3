/* SPDX-License-Identifier: MIT */
/*
 * What the x87 helpers share: the register stack, the status word, and how an
 * instruction reports its exceptions.  All of it runs on the vCPU's thread.
 *
 * Every helper keeps one order: a pending exception is delivered, operands are
 * looked at, the result is computed, and only then does the state change, so
 * that a store that faults leaves nothing behind.
 *
 * Source: SDM vol. 1, chapter 8 "Programming with the x87 FPU".
 */
#ifndef HEDDLE_TARGET_I386_X87_H
#define HEDDLE_TARGET_I386_X87_H

#include "target/i386/cpu.h"

/* Status word: 8.1.3 "x87 FPU Status Register".  The same bits of the control
 * word mask the six exceptions. */
#define X87_IE  BIT(0)
#define X87_DE  BIT(1)
#define X87_ZE  BIT(2)
#define X87_OE  BIT(3)
#define X87_UE  BIT(4)
#define X87_PE  BIT(5)
#define X87_EXC 0x3fu
#define X87_SF  BIT(6) /* IE comes from the stack */
#define X87_ES  BIT(7) /* an unmasked exception is pending */
#define X87_C0  BIT(8)
#define X87_C1  BIT(9)
#define X87_C2  BIT(10)
#define X87_C3  BIT(14)
#define X87_B   BIT(15) /* as ES */
#define X87_TOP_SHIFT 11
#define X87_TOP       (7u << X87_TOP_SHIFT)
#define X87_CODES     (X87_C0 | X87_C1 | X87_C2 | X87_C3)
#define X87_COMPARE   (X87_C0 | X87_C2 | X87_C3)

/* These, unmasked, keep a register result from being written: 8.5.1 to 8.5.3.
 * With a result that goes to memory OE and UE do so too: 8.5.4, 8.5.5. */
#define X87_BEFORE (X87_IE | X87_DE | X87_ZE)

#define X87_CW_INIT     0x37fu
#define X87_CW_WRITABLE 0x1f3fu
#define X87_CW_FIXED    0x40u /* reads as one */

/*
 * `info`, the last argument of helpers that are no control instructions: a
 * constant that says where in the code the instruction is.
 *   bits 0-10   the opcode word FOP: low bits of D8-DF, then ModRM
 *   bits 16-31  page offset of the instruction
 *   bits 32-34  segment of the memory operand
 *   bit 35      64-bit code: FIP and FDP are not cut to 32 bits
 */
#define X87_INFO_FOP       0x7ffu
#define X87_INFO_OFF_SHIFT 16
#define X87_INFO_SEG_SHIFT 32
#define X87_INFO_64        BIT64(35)

/* `how`, what helpers that store get beside that: a constant, with a MemOp in
 * bits 0-15, X87_TO_*, and the width of addresses as IR_16 to IR_64. */
#define X87_HOW_OP_SHIFT    16
#define X87_HOW_POP         BIT64(24)
#define X87_HOW_ASIZE_SHIFT 25

/* ModRM.rm, the i of ST(i). */
static inline unsigned x87_info_rm(uint64_t info)
{
    return info & 7;
}

/* ModRM.reg */
static inline unsigned x87_info_reg(uint64_t info)
{
    return info >> 3 & 7;
}

/* --- the stack --- */

static inline X87Reg *x87_st(X87State *x, unsigned i)
{
    return &x->r[(x->top + i) & 7];
}

/* Is ST(i) not empty? */
static inline bool x87_has(const X87State *x, unsigned i)
{
    return x->valid >> ((x->top + i) & 7) & 1;
}

/* In two parts, as the host's FSTP writes and FLD reads them. */
static inline void x87_set(X87State *x, unsigned i, const X87Reg *value)
{
    X87Reg *r = x87_st(x, i);

    r->mantissa = value->mantissa;
    r->sign_exp = value->sign_exp;
    x->valid |= 1u << ((x->top + i) & 7);
}

static inline void x87_free(X87State *x, unsigned i)
{
    x->valid &= ~(1u << ((x->top + i) & 7));
}

static inline void x87_pop(X87State *x)
{
    x87_free(x, 0);
    x->top = (x->top + 1) & 7;
}

/* --- exceptions --- */

/* The QNaN real indefinite: 4.8.3.7. */
extern const X87Reg x87_indefinite;

/* ES is set: #MF, or FERR# when CR0.NE is clear; then it returns. */
void x87_pending(X86CPU *cpu);

/* An operand is empty (@c1 0) or there is no room to push (@c1 X87_C1).
 * Returns whether the indefinite goes where the result would: 8.5.1.1. */
bool x87_stack_fault(X86CPU *cpu, unsigned c1);

/* ES and B follow from the flags and masks, after either was written. */
void x87_update_summary(X87State *x);

/* Both words as images hold them: TOP is in @sw, and ES of it is ignored. */
void x87_set_control(X87State *x, uint16_t cw, uint16_t sw);

/*
 * Take over what the host's status word says after an instruction.
 * @codes   condition codes that the instruction defines
 * Returns  whether its result is to be written
 */
static inline bool x87_report(X86CPU *cpu, unsigned host, unsigned codes)
{
    X87State *x = &cpu->x87;

    x->sw = (x->sw & ~codes) | (host & (codes | X87_EXC));
    if (unlikely(host & X87_ES)) {
        x->sw |= X87_ES | X87_B;
        return !(host & ~x->cw & X87_BEFORE);
    }
    return true;
}

/* Push @value, or what a full stack makes of it. */
void x87_push(X86CPU *cpu, const X87Reg *value);

/* --- how helpers begin --- */

static inline void x87_wait(X86CPU *cpu)
{
    if (unlikely(cpu->x87.sw & X87_ES)) {
        x87_pending(cpu);
    }
}

/* Remember the instruction: 8.1.8 "x87 FPU Instruction and Data (Operand)
 * Pointers". */
static inline void x87_note(X86CPU *cpu, uint64_t info)
{
    X87State *x = &cpu->x87;

    x->fop = info & X87_INFO_FOP;
    x->fip = cpu->rip_base + (info >> X87_INFO_OFF_SHIFT & 0xffff);
    if (!(info & X87_INFO_64)) {
        x->fip = (uint32_t)x->fip;
    }
    x->fcs = cpu->segs[R_CS].selector;
}

/* The same, and the memory operand at offset @ea. */
static inline void x87_note_mem(X86CPU *cpu, uint64_t ea, uint64_t info)
{
    x87_note(cpu, info);
    cpu->x87.fdp = ea;
    cpu->x87.fds = cpu->segs[info >> X87_INFO_SEG_SHIFT & 7].selector;
}

static inline X87State *x87_begin(X86CPU *cpu, uint64_t info)
{
    x87_wait(cpu);
    x87_note(cpu, info);
    return &cpu->x87;
}

static inline X87State *x87_begin_mem(X86CPU *cpu, uint64_t ea, uint64_t info)
{
    x87_wait(cpu);
    x87_note_mem(cpu, ea, info);
    return &cpu->x87;
}

#endif
