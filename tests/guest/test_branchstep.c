/* SPDX-License-Identifier: MIT */
/*
 * IA32_DEBUGCTL.BTF: EFLAGS.TF steps from branch to branch, until a debug
 * exception clears the bit.
 * Source: SDM vol. 3B, 18.4.3 "Single-Stepping on Branches"; vol. 4, table 2-2.
 */
#include "guest.h"

#define DEBUGCTL 0x1d9
#define BTF      2ull
#define TF       0x100ull
#define DR6_ONES 0xffff0ff0ull
#define DR6_BS   (1ull << 14)

static volatile struct {
    unsigned n;
    uint64_t rip[16], dr6[16], debugctl[16];
} db;

static bool go_on; /* from branch to branch again */

static void on_debug(Frame *f)
{
    uint64_t dr6;

    __asm__ volatile("mov %%dr6, %0" : "=r"(dr6));
    __asm__ volatile("mov %0, %%dr6" ::"r"(DR6_ONES));
    if (db.n < 16) {
        db.rip[db.n] = f->rip;
        db.dr6[db.n] = dr6;
        db.debugctl[db.n] = rdmsr(DEBUGCTL);
        db.n++;
    }
    if (go_on) {
        wrmsr(DEBUGCTL, BTF);
    }
    if (db.n == 16) {
        f->rflags &= ~TF;
    }
}

static void start(bool on)
{
    db.n = 0;
    go_on = on;
    wrmsr(DEBUGCTL, BTF);
}

extern char loop_1[], behind_1[], call_1[], back_1[], end_1[];

/* Two times round, not taken, a call and its return, a jump. */
static void test_branches(void)
{
    start(true);
    __asm__ volatile("pushf; orl $0x100, (%%rsp); popf\n"
                     "mov $3, %%ecx\n"
                     "loop_1: dec %%ecx\n"
                     "jnz loop_1\n"
                     "nop\n"
                     "call call_1\n"
                     "back_1: nop\n"
                     "jmp behind_1\n"
                     "call_1: ret\n"
                     "nop\n"
                     "behind_1: pushf; andl $~0x100, (%%rsp); popf\n" ::
                         : "rcx", "cc", "memory");
    check_eq(db.n, 5, "branches that were taken");
    check_eq(db.rip[0], (uintptr_t)loop_1, "a taken jump");
    check_eq(db.rip[1], (uintptr_t)loop_1, "and again");
    check_eq(db.rip[2], (uintptr_t)call_1, "a call");
    check_eq(db.rip[3], (uintptr_t)back_1, "a return");
    check_eq(db.rip[4], (uintptr_t)behind_1, "a jump ahead");
    check_eq(db.dr6[0], DR6_ONES | DR6_BS, "DR6.BS");
    check_eq(db.debugctl[0], 0, "the exception cleared BTF");
}

/* Repetitions are no branches. */
static void test_strings(void)
{
    static uint8_t buf[8];

    start(true);
    __asm__ volatile("pushf; orl $0x100, (%%rsp); popf\n"
                     "mov $8, %%ecx\n"
                     "mov %0, %%rdi\n"
                     "rep stosb\n"
                     "pushf; andl $~0x100, (%%rsp); popf\n" ::"r"(buf)
                     : "rcx", "rdi", "cc", "memory");
    check_eq(db.n, 0, "REP STOSB");
}

/* Left alone, the next step is one instruction. */
extern char target_2[], after_2[], next_2[];

static void test_once(void)
{
    start(false);
    __asm__ volatile("pushf; orl $0x100, (%%rsp); popf\n"
                     "nop\n"
                     "jmp target_2\n"
                     "nop\n"
                     "target_2: nop\n"
                     "after_2: nop\n"
                     "next_2: pushf; andl $~0x100, (%%rsp); popf\n" ::
                         : "cc", "memory");
    check_eq(db.rip[0], (uintptr_t)target_2, "a branch first");
    check_eq(db.rip[1], (uintptr_t)after_2, "then an instruction");
    check_eq(db.rip[2], (uintptr_t)next_2, "and the next");
}

static void write_debugctl(void *arg)
{
    wrmsr(DEBUGCTL, (uintptr_t)arg);
}

int main(void)
{
    on_vector(1, on_debug);
    check_eq(rdmsr(DEBUGCTL), 0, "IA32_DEBUGCTL after reset");
    check_eq(catch(write_debugctl, (void *)(1ull << 63), NULL), 13,
             "a reserved bit");
    test_branches();
    test_strings();
    test_once();
    wrmsr(DEBUGCTL, 0);
    return 0;
}
