/* SPDX-License-Identifier: MIT */
/*
 * RF between the repetitions of a string instruction on AMD's processors, where
 * it stays as it was, as single steps on an EPYC show.  Intel's set it:
 * test_debug.c.
 *
 * guest: -cpu EPYC
 */
#include "dblog.h"

extern char stepped_rep[];
static volatile unsigned breaks, between, with_rf;

/* Sets RF for the breakpoint alone, as a debugger does. */
static void on_debug(Frame *f)
{
    if (READ_DR(6) & 1) {
        breaks++;
        f->rflags |= RF;
    } else if (f->rip == (uintptr_t)stepped_rep && f->rcx < 4) {
        between++;
        with_rf += (f->rflags & RF) != 0;
    }
    WRITE_DR(6, DR6_ONES);
}

static void step_rep(void)
{
    static uint8_t buf[4];

    breaks = between = with_rf = 0;
    __asm__ volatile("mov $4, %%ecx; mov %0, %%rdi\n"
                     "pushf; orl $0x100, (%%rsp); popf\n"
                     "nop\n"
                     "stepped_rep: rep stosb\n"
                     "pushf; andl $~0x100, (%%rsp); popf\n" ::"r"(buf)
                     : "rcx", "rdi", "rax", "cc", "memory");
    check_eq(between, 3, "steps of a REP");
}

int main(void)
{
    on_vector(1, on_debug);
    step_rep();
    check_eq(with_rf, 0, "RF stays clear");
    db_break(0, stepped_rep, ON_EXECUTE, LEN1);
    step_rep();
    db_stop();
    check_eq(breaks, 1, "a breakpoint there is met once");
    check_eq(with_rf, 3, "RF stays set");
    return 0;
}
