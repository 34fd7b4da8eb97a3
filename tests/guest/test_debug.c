/* SPDX-License-Identifier: MIT */
/*
 * Debug exceptions: single step, instruction breakpoints, ICEBP, DR6 and DR7,
 * general detect, and what holds exceptions and interrupts off for one
 * instruction.
 * Source: SDM vol. 3B, 18.2 "Debug Registers", 18.3 "Debug Exceptions"; vol.
 * 3A, 6.8.3 "Masking Exceptions and Interrupts When Switching Stacks".
 *
 * guest: -smp 2
 */
#include "apic.h"
#include "dblog.h"

/* --- single step --- */

extern char step_0[], step_1[], step_2[], step_3[], step_4[], step_5[];

static void test_single_step(void)
{
    db_start();
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
    db_start();
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
    db_start();
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

/* SDM vol. 3B, 18.3.1.1 "Instruction-Breakpoint Exception Condition": a trap
 * between two repetitions pushes RF set. */
static void test_break_at_rep(void)
{
    RepSteps steps = db_step_rep(true);

    check_eq(steps.breaks, 1, "a breakpoint at a stepped REP is met once");
    check_eq(steps.with_rf, 3, "the steps but the last push RF");
}

extern char rep_irq[];
static volatile unsigned rep_irqs, rep_irqs_rf;
#define REP_COUNT 0x100000ull

static void on_rep_irq(Frame *f)
{
    if (f->rip == (uintptr_t)rep_irq && f->rcx < REP_COUNT) {
        rep_irqs++;
        rep_irqs_rf += (f->rflags & RF) != 0;
    }
    apic_eoi();
}

/* The same for interrupts that come in the middle. */
static void test_interrupted_rep(void)
{
    unsigned tries;

    db_start();
    db_set_rf = true;
    on_vector(0x50, on_rep_irq);
    apic_enable();
    *apic(APIC_DIVIDE) = 0xb;
    *apic(APIC_LVT_TIMER) = 0x50 | LVT_PERIODIC;
    *apic(APIC_INITIAL) = 20000;
    db_break(0, rep_irq, ON_EXECUTE, LEN1);
    for (tries = 0; tries < 100 && !rep_irqs; tries++) {
        uint64_t at = REP_COUNT, left = REP_COUNT;

        __asm__ volatile("sti; nop\n"
                         "rep_irq: rep lodsb\n"
                         "cli"
                         : "+S"(at), "+c"(left)::"rax", "memory");
    }
    *apic(APIC_INITIAL) = 0;
    check(rep_irqs > 0, "an interrupt in the middle of REP");
    check_eq(rep_irqs_rf, rep_irqs, "it pushes RF");
    check_eq(db.n, tries, "a breakpoint there is met once a time");
    db_stop();
    db_set_rf = false;
}

static void test_user_step(void)
{
    UserMode mode = {USER_CS, 0x102};
    Frame f;

    db_start();
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
    db_set_rf = true;
    breakpoint_loop(100); /* translated and linked already */
    db_start();
    WRITE_DR(0, bp_1);
    WRITE_DR(7, DR7_ONES | 2); /* G0, execute */
    breakpoint_loop(3);
    check_eq(db.n, 3, "a breakpoint in a loop");
    check_eq(db.at[0].rip, (uintptr_t)bp_1, "it is before the instruction");
    check_eq(db.at[0].dr6, DR6_ONES | 1, "DR6.B0");
    check_eq(db.at[0].rflags & RF, 0, "RF is not set in its frame");
    db_start();
    WRITE_DR(3, bp_3);
    WRITE_DR(7, DR7_ONES | 2 | 0x40); /* G0, L3 */
    breakpoint_loop(1);
    check_eq(db.n, 2, "two breakpoints");
    check_eq(db.at[1].dr6, DR6_ONES | 8, "DR6.B3");
    db_start();
    WRITE_DR(0, bp_3);
    breakpoint_loop(1);
    check_eq(db.at[0].dr6, DR6_ONES | 9, "two at one address");
    WRITE_DR(7, DR7_ONES);
    db_start();
    breakpoint_loop(5);
    check_eq(db.n, 0, "disabled again");
    db_set_rf = false;
}

/* --- DR6 --- */

extern char dr6_here[];

/* Bits 3:0 are the last exception's, others stay until software clears them:
 * SDM vol. 3B, 18.2.3 "Debug Status Register (DR6)". */
static void test_dr6(void)
{
    static volatile uint32_t watched;

    db_start();
    db_set_rf = true;
    db_break(2, dr6_here, ON_EXECUTE, LEN1);
    WRITE_DR(6, DR6_ONES | DR6_BS | 2);
    __asm__ volatile("dr6_here: nop");
    check_eq(db.at[0].dr6, DR6_ONES | DR6_BS | 4,
             "an old B1 goes, an old BS stays");
    db_set_rf = false;
    db_stop();
    db_start();
    db_break(1, &watched, ON_WRITE, LEN4);
    __asm__ volatile("pushf; orl $0x100, (%%rsp); popf\n"
                     "movl $1, %0\n"
                     "pushf; andl $~0x100, (%%rsp); popf"
                     : "=m"(watched)
                     :
                     : "cc", "memory");
    check_eq(db.at[0].dr6, DR6_ONES | DR6_BS | 2, "a step and a hit in one");
    check_eq(db.n, 4, "and no other");
    db_stop();
}

/* --- RF, and what comes first --- */

extern char rf_ud[], rf_load[];

static volatile unsigned faults;
static volatile uint64_t fault_flags;

static void on_fault(Frame *f)
{
    faults++;
    fault_flags = f->rflags;
    if (f->vector == 6) {
        f->rip += 2;
    } else {
        page_map(READ_CR(2), (uintptr_t)page_alloc(), 3);
    }
}

/* SDM vol. 3B, 18.3.1.1 "Instruction-Breakpoint Exception Condition" */
static void test_rf(void)
{
    static const char *const at[] = {rf_ud, rf_load};
    uint64_t v;

    db_start();
    db_set_rf = true;
    on_vector(6, on_fault);
    on_vector(14, on_fault);
    db_break(0, at[0], ON_EXECUTE, LEN1);
    db_break(1, at[1], ON_EXECUTE, LEN1);
    __asm__ volatile("rf_ud: ud2");
    db_expect("a breakpoint comes before the #UD of its instruction", 1, at,
              (const uint64_t[]){1});
    check_eq(fault_flags & RF, RF, "#UD pushes RF");
    db_start();
    faults = 0;
    __asm__ volatile("rf_load: mov (%1), %0" : "=r"(v) : "r"(0x200000000ull));
    db_expect("not again after the #PF of its instruction", 1, at + 1,
              (const uint64_t[]){2});
    check_eq(faults, 1, "which came once");
    check_eq(fault_flags & RF, RF, "and pushed RF");
    db_set_rf = false;
    db_stop();
    __asm__ volatile("pushf; orl $0x10000, (%%rsp); popf; pushf; pop %0"
                     : "=r"(v)
                     :
                     : "cc", "memory");
    check_eq(v & RF, 0, "POPF leaves RF alone, PUSHF shows none");
    on_vector(6, NULL);
    on_vector(14, NULL);
}

extern char again_read[], again_read_end[], again_lock[];

/* What makes the emulator begin an instruction anew does not bring back its
 * breakpoint: a watched access, and a locked one over two pages. */
static void test_rf_again(void)
{
    static uint64_t cell;
    static uint8_t area[8192] __attribute__((aligned(4096)));
    uint64_t v;

    db_start();
    db_set_rf = true;
    db_break(0, again_read, ON_EXECUTE, LEN1);
    db_break(1, &cell, ON_ACCESS, LEN8);
    __asm__ volatile("again_read: mov %1, %0\n"
                     "again_read_end: nop\n"
                     : "=r"(v)
                     : "m"(cell));
    db_expect("a breakpoint and a watchpoint of one instruction", 2,
              (const char *const[]){again_read, again_read_end},
              (const uint64_t[]){1, 2});
    db_start();
    db_break(0, again_lock, ON_EXECUTE, LEN1);
    __asm__ volatile("again_lock: lock incl %0\n"
                     : "+m"(*(uint32_t *)(area + 4094)));
    db_expect("a breakpoint at a locked access over two pages", 1,
              (const char *const[]){again_lock}, (const uint64_t[]){1});
    db_set_rf = false;
    db_stop();
}

#define SPAN 0x200010000ull

static void call_span(void *arg)
{
    ((void (*)(void))arg)();
}

/* An instruction over the end of a page, and one whose page is absent. */
static void test_pages(void)
{
    uint8_t *first = page_alloc(), *second = page_alloc();
    const char *at = (char *)(SPAN + 4094);
    Frame f;

    page_map(SPAN, (uintptr_t)first, 3);
    page_map(SPAN + 4096, (uintptr_t)second, 3);
    memcpy(first + 4094, "\x48\xb8", 2); /* MOV RAX, imm64 */
    second[8] = 0xc3;
    db_start();
    db_set_rf = true;
    db_break(0, at, ON_EXECUTE, LEN1);
    call_span((void *)at);
    call_span((void *)at);
    db_expect("a breakpoint at an instruction over two pages", 2,
              (const char *const[]){at, at}, (const uint64_t[]){1, 1});
    db_break(0, at + 2, ON_EXECUTE, LEN1);
    db_start();
    call_span((void *)at);
    db_expect("in the middle of it, none", 0, NULL, NULL);
    db_break(0, at, ON_EXECUTE, LEN1);
    page_map(SPAN + 4096, 0, 0);
    db_start();
    check_eq(catch(call_span, (void *)at, &f), 14, "its second page is gone");
    db_expect("the breakpoint comes before the page fault", 1, &at,
              (const uint64_t[]){1});
    page_map(SPAN, 0, 0);
    db_start();
    check_eq(catch(call_span, (void *)at, &f), 14, "so is the first");
    db_expect("and the breakpoint still comes", 1, &at, (const uint64_t[]){1});
    db_set_rf = false;
    db_stop();
}

/* --- CPL 3 --- */

void user_icebp(void), user_int1(void), user_dr(void);
__asm__(".text; user_icebp: .byte 0xf1; ret\n"
        "user_int1: int $1; ret\n"
        "user_dr: mov %dr7, %rax; ret\n");

static void test_user(void)
{
    Frame f;

    db_start();
    check_eq(catch_user(user_icebp, 0, &f), -1,
             "INT1 at CPL 3 asks no gate's DPL");
    check_eq(db.n, 1, "it is #DB");
    check_eq(catch_user(user_int1, 0, &f), 13, "INT 1 does");
    check_eq(f.error, 1 * 8 + 2, "its error code");
    db_start();
    WRITE_DR(7, DR7_ONES | DR7_GD);
    check_eq(catch_user(user_dr, 0, &f), 13, "MOV from DR7 at CPL 3");
    check_eq(db.n, 0, "general detect comes after it");
    (void)READ_DR(7); /* by the handler of #DB */
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
    db_start();
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
    WRITE_DR(0, 1ull << 63);
    check_eq(READ_DR(0), 1ull << 63, "DR0 takes any address");
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
    test_single_step();
    test_ss_shadow();
    test_step_of_int();
    test_break_at_rep();
    test_interrupted_rep();
    test_user_step();
    test_breakpoints();
    test_icebp();
    test_dr6();
    test_rf();
    test_rf_again();
    test_pages();
    test_user();
    test_registers();
    return 0;
}
