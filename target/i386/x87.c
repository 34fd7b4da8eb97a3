/* SPDX-License-Identifier: MIT */
/*
 * x87 exceptions and the register stack.
 *
 * With CR0.NE clear an error is reported by FERR# (IRQ 13 of a PC) when the
 * next waiting instruction begins; that instruction then runs, as with IGNNE#
 * asserted, instead of holding the processor until the interrupt.
 */
#include "target/i386/x87.h"

#include "exec/bql.h"
#include "target/i386/helpers.h"

const X87Reg x87_indefinite = {
    .mantissa = BIT64(63) | BIT64(62),
    .sign_exp = 0xffff,
};

/* SDM vol. 1, 8.7 "Handling x87 FPU Exceptions in Software" */
void x87_pending(X86CPU *cpu)
{
    if (cpu->cr0 & CR0_NE) {
        x86_raise(cpu, EXCP_MF);
    }
    if (cpu->ferr) {
        BQL_GUARD();
        cpu->ferr(cpu->irq_opaque);
    }
}

void helper_x87_fwait(X86CPU *cpu)
{
    x87_wait(cpu);
}

void x87_update_summary(X87State *x)
{
    x->sw &= ~(X87_ES | X87_B);
    if (x->sw & ~x->cw & X87_EXC) {
        x->sw |= X87_ES | X87_B;
    }
}

bool x87_stack_fault(X86CPU *cpu, unsigned c1)
{
    X87State *x = &cpu->x87;

    x->sw = (x->sw & ~X87_C1) | c1 | X87_IE | X87_SF;
    if (x->cw & X87_IE) {
        return true;
    }
    x->sw |= X87_ES | X87_B;
    return false;
}

void x87_push(X86CPU *cpu, const X87Reg *value)
{
    X87State *x = &cpu->x87;

    if (unlikely(x87_has(x, 7))) {
        if (!x87_stack_fault(cpu, X87_C1)) {
            return;
        }
        value = &x87_indefinite;
    }
    x->top = (x->top - 1) & 7;
    x87_set(x, 0, value);
}
