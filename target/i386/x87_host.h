/* SPDX-License-Identifier: MIT */
/*
 * x87 arithmetic by the host's x87: each function runs one instruction on
 * operands in memory and returns the status word it left.
 *
 * They run between x87_host_enter and x87_host_leave, under the guest's own
 * control word: precision, rounding, masked responses and, for exceptions that
 * the guest unmasks, the results delivered to the handler (SDM vol. 1, 8.5) are
 * the silicon's.  The host never takes such an exception: only waiting
 * instructions do that, and it is cleared before the next one.
 *
 * The compiler's own code leaves the host's register stack empty, and so do
 * these functions.
 */
#ifndef HEDDLE_TARGET_I386_X87_HOST_H
#define HEDDLE_TARGET_I386_X87_HOST_H

#include "target/i386/x87.h"
#include "target/i386/x87_ops.h"

/* d = ST(0) op operand */
typedef unsigned X87Binary(X87Reg *d, const X87Reg *st0, const void *b);
/* d = op ST(0) */
typedef unsigned X87Unary(X87Reg *d, const X87Reg *st0);
/* d[0] and d[1]: the new ST(0) and ST(1) */
typedef unsigned X87Split(X87Reg d[2], const X87Reg *st0);
/* Condition codes only. */
typedef unsigned X87Compare(const X87Reg *st0, const void *b);
/* Conversions between memory formats and the extended one. */
typedef unsigned X87Load(X87Reg *d, const void *src);
typedef unsigned X87Store(void *dst, const X87Reg *st0);

/* By format, and ModRM.reg: 0 ADD, 1 MUL, 4 SUB, 5 SUBR, 6 DIV, 7 DIVR; NULL
 * for 2 and 3. */
extern X87Binary *const x87_host_arith[X87_NFORMATS][8];
extern X87Compare *const x87_host_compare[X87_NFORMATS];
X87Binary x87_host_scale;
X87Compare x87_host_ucompare; /* quiet NaNs are no IE; operand: X87Reg */
X87Unary x87_host_test;       /* FTST and FXAM write nothing to d */
X87Unary x87_host_examine;

/* By the enumerations of x87_ops.h. */
extern X87Unary *const x87_host_unary[];

extern X87Binary *const x87_host_prem[];
extern X87Binary *const x87_host_pop[];
extern X87Split *const x87_host_split[];

/* By the opcode D9 E8 to EE: 1, log2(10), log2(e), pi, log10(2), ln(2), 0. */
extern X87Unary *const x87_host_const[7];

X87Load x87_host_load_f32, x87_host_load_f64, x87_host_load_i64;
X87Load x87_host_load_bcd;

/* By X87StoreOp. */
extern X87Store *const x87_host_store[];

/*
 * Flags that the host still has set from an earlier instruction do no harm if
 * the guest has them set too and masked; otherwise they must go.  They do go
 * seldom: most code has PE set for good.
 */
static inline void x87_host_enter(const X87State *x)
{
    unsigned stale;
    uint16_t cw = x->cw;

    __asm__ volatile("fnstsw %%ax" : "=a"(stale));
    if (unlikely(stale & X87_EXC & ~(x->sw & cw))) {
        __asm__ volatile("fnclex");
    }
    if (unlikely(cw != X87_CW_INIT)) {
        __asm__ volatile("fldcw %0" : : "m"(cw));
    }
}

static inline void x87_host_leave(const X87State *x)
{
    static const uint16_t host_cw = X87_CW_INIT; /* the ABI's */

    if (unlikely(x->cw != X87_CW_INIT)) {
        __asm__ volatile("fldcw %0" : : "m"(host_cw));
    }
}

#endif
