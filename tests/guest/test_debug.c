/* SPDX-License-Identifier: MIT */
/*
 * Debug exceptions: single step, instruction breakpoints, ICEBP, DR6 and DR7,
 * general detect, and what holds exceptions and interrupts off for one
 * instruction.
 * Source: SDM vol. 3B, 18.2 "Debug Registers", 18.3 "Debug Exceptions"; vol.
 * 3A, 6.8.3 "Masking Exceptions and Interrupts When Switching Stacks".
 */
#include "guest.h"

#define DR6_ONES 0xffff0ff0ull
#define DR6_BD   (1ull << 13)
#define DR6_BS   (1ull << 14)
#define DR7_ONES 0x400ull
#define DR7_GD   (1ull << 13)
#define RF       (1ull << 16)
#define TF       (1ull << 8)

/* All #DB since the last reset: rip, DR6 and flags of each. */
static volatile struct {
    unsigned n;
    struct {
        uint64_t rip, dr6, rflags;
    } at[32];
} db;

/* What a debugger does to go on past a breakpoint. */
static volatile bool set_rf;

static void on_debug(Frame *f)
{
    if (db.n < 32) {
        db.at[db.n].rip = f->rip;
        db.at[db.n].dr6 = READ_DR(6);
        db.at[db.n].rflags = f->rflags;
    }
    db.n++;
    WRITE_DR(6, DR6_ONES);
    if (set_rf) {
        f->rflags |= RF;
    }
    if (db.n > 100) {
        f->rflags &= ~TF;
        WRITE_DR(7, DR7_ONES);
    }
}

static void db_reset(void)
{
    db.n = 0;
    WRITE_DR(6, DR6_ONES);
}

/* --- single step --- */

extern char step_0[], step_1[], step_2[], step_3[], step_4[], step_5[];

static void test_single_step(void)
{
    db_reset();
    __asm__ volatile("pushf; orl $0x100, (%%rsp); popf\n"
                     "step_0: nop\n"
                     "step_1: mov $3, %%ecx\n"
                     "step_2: dec %%ecx\n"
                     "jnz step_2\n"
                     "step_3: pushf; andl $~0x100, (%%rsp)\n"
                     "step_4: popf\n"
                     "step_5: nop\n" ::
                         : "rcx", "cc", "memory");
    check_eq(db.n, 11, "single steps");
    check_eq(db.at[0].rip, (uintptr_t)step_1, "first: after the next one");
    check_eq(db.at[0].dr6, DR6_ONES | DR6_BS, "DR6.BS");
    check_eq(db.at[0].rflags & TF, TF, "TF is in the frame");
    check_eq(db.at[0].rflags & RF, 0, "RF is not");
    check_eq(db.at[3].rip, (uintptr_t)step_2, "a jump is a step");
    check_eq(db.at[10].rip, (uintptr_t)step_5, "POPF that clears TF is one");
}

/* The instruction after a load of SS belongs to it. */
extern char shadow_1[], shadow_2[], shadow_3[], shadow_4[];

static void test_ss_shadow(void)
{
    db_reset();
    __asm__ volatile("mov %%ss, %%ecx\n"
                     "pushf; orl $0x100, (%%rsp); popf\n"
                     "nop\n"
                     "shadow_1: mov %%ecx, %%ss\n"
                     "shadow_2: nop\n"
                     "shadow_3: pushf; andl $~0x100, (%%rsp)\n"
                     "popf\n"
                     "shadow_4: nop\n" ::
                         : "rcx", "cc", "memory");
    check_eq(db.at[0].rip, (uintptr_t)shadow_1, "step to MOV SS");
    check_eq(db.at[1].rip, (uintptr_t)shadow_3, "no step after MOV SS");
    check_eq(db.n, 5, "steps around MOV SS");
}

/* An interrupt's handler does not step; neither does a REP make one step. */
static volatile unsigned int90_count;
static volatile uint64_t int90_handler_flags;

static void on_int90(Frame *f)
{
    (void)f;
    __asm__ volatile("pushf; pop %0" : "=r"(int90_handler_flags));
    int90_count++;
}

extern char step_int[], step_rep[], step_rep_end[];

static void test_step_of_int(void)
{
    static uint8_t buf[4];

    on_vector(0x90, on_int90);
    db_reset();
    __asm__ volatile("mov $3, %%ecx; mov %0, %%rdi\n"
                     "pushf; orl $0x100, (%%rsp); popf\n"
                     "int $0x90\n"
                     "step_int: nop\n"
                     "step_rep: rep stosb\n"
                     "step_rep_end: pushf; andl $~0x100, (%%rsp)\n"
                     "popf\n" ::"r"(buf)
                     : "rcx", "rdi", "rax", "cc", "memory");
    check_eq(int90_count, 1, "INT with TF");
    check_eq(int90_handler_flags & TF, 0, "TF is clear in the handler");
    check_eq(db.at[0].rip, (uintptr_t)step_rep, "no step of INT itself");
    check_eq(db.at[1].rip, (uintptr_t)step_rep, "a step of each repetition");
    check_eq(db.at[3].rip, (uintptr_t)step_rep_end, "and one of its end");
    check_eq(db.n, 7, "steps around INT and REP");
}

/* SYSCALL-free user code: TF at CPL 3. */
void user_steps(void);
__asm__(".text; user_steps: nop; nop; ret\n");

static void test_user_step(void)
{
    UserMode mode = {USER_CS, 0x102};
    Frame f;

    db_reset();
    check_eq(catch_user_as(user_steps, 0, &mode, &f), -1, "steps at CPL 3");
    check_eq(db.n, 3, "three instructions before INT");
    check_eq(db.at[0].rip, (uintptr_t)user_alias(user_steps) + 1, "the first");
}

/* --- breakpoints --- */

extern char bp_0[], bp_1[], bp_2[], bp_3[];

/* RDI counts how often the loop is gone round. */
static __attribute__((noinline, noclone)) void breakpoint_loop(uint64_t times)
{
    __asm__ volatile("bp_0: nop\n"
                     "bp_1: nop\n"
                     "bp_2: dec %0\n"
                     "jnz bp_0\n"
                     "bp_3: nop\n"
                     : "+r"(times)
                     :
                     : "cc");
}

static void test_breakpoints(void)
{
    set_rf = true;
    breakpoint_loop(100); /* translated and linked already */
    db_reset();
    WRITE_DR(0, bp_1);
    WRITE_DR(7, DR7_ONES | 2); /* G0, execute */
    breakpoint_loop(3);
    check_eq(db.n, 3, "a breakpoint in a loop");
    check_eq(db.at[0].rip, (uintptr_t)bp_1, "it is before the instruction");
    check_eq(db.at[0].dr6, DR6_ONES | 1, "DR6.B0");
    check_eq(db.at[0].rflags & RF, 0, "RF is not set in its frame");
    db_reset();
    WRITE_DR(3, bp_3);
    WRITE_DR(7, DR7_ONES | 2 | 0x40); /* G0, L3 */
    breakpoint_loop(1);
    check_eq(db.n, 2, "two breakpoints");
    check_eq(db.at[1].dr6, DR6_ONES | 8, "DR6.B3");
    db_reset();
    WRITE_DR(0, bp_3);
    breakpoint_loop(1);
    check_eq(db.at[0].dr6, DR6_ONES | 9, "two at one address");
    WRITE_DR(7, DR7_ONES);
    db_reset();
    breakpoint_loop(5);
    check_eq(db.n, 0, "disabled again");
    set_rf = false;
}

/* --- the registers --- */

extern char icebp_next[];

static void do_icebp(void *arg)
{
    (void)arg;
    __asm__ volatile(".byte 0xf1\n icebp_next: nop");
}

static void test_icebp(void)
{
    db_reset();
    check_eq(catch(do_icebp, NULL, NULL), -1, "ICEBP is no #UD");
    check_eq(db.n, 1, "ICEBP");
    check_eq(db.at[0].rip, (uintptr_t)icebp_next, "it saves the next rip");
    check_eq(db.at[0].dr6, DR6_ONES, "and sets nothing in DR6");
}

static void read_dr6(void *arg)
{
    (void)arg;
    (void)READ_DR(6);
}

static void read_dr4(void *arg)
{
    (void)arg;
    __asm__ volatile(".byte 0x0f, 0x21, 0xe0" ::: "rax"); /* MOV RAX, DR4 */
}

static void write_dr7_high(void *arg)
{
    (void)arg;
    WRITE_DR(7, 1ull << 32);
}

static void test_registers(void)
{
    Frame f;

    on_vector(1, NULL);
    WRITE_DR(6, 0);
    check_eq(READ_DR(6), DR6_ONES, "fixed ones of DR6");
    WRITE_DR(7, 0);
    check_eq(READ_DR(7), DR7_ONES, "fixed ones of DR7");
    check_eq(catch(write_dr7_high, NULL, &f), 13, "DR7 past 32 bits");
    check_eq(catch(read_dr4, NULL, &f), -1, "DR4 is DR6");
    WRITE_CR(4, READ_CR(4) | 8);
    check_eq(catch(read_dr4, NULL, &f), 6, "DR4 with CR4.DE");
    WRITE_CR(4, READ_CR(4) & ~8ull);
    WRITE_DR(7, DR7_ONES | DR7_GD);
    check_eq(catch(read_dr6, NULL, &f), 1, "general detect");
    check_eq(READ_DR(6) & DR6_BD, DR6_BD, "DR6.BD; GD is off in the handler");
    check_eq(f.rflags & RF, RF, "RF is set in its frame");
    check_eq(READ_DR(7) & DR7_GD, 0, "GD stays off");
}

int main(void)
{
    on_vector(1, on_debug);
    test_single_step();
    test_ss_shadow();
    test_step_of_int();
    test_user_step();
    test_breakpoints();
    test_icebp();
    test_registers();
    return 0;
}
