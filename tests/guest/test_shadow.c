/* SPDX-License-Identifier: MIT */
/*
 * What MOV SS, POP SS and STI hold back for one instruction: single steps,
 * instruction breakpoints, traps of data breakpoints, interrupts; what they do
 * not: general detect, INT1; and that a trap held back is not lost when the
 * next instruction is an interrupt.  SYSCALL, SYSRET and HLT under TF.
 * Source: SDM vol. 3A, 6.8.3 "Masking Exceptions and Interrupts When Switching
 * Stacks"; vol. 3B, 18.3.1 "Debug Exception (#DB) - Interrupt Vector 1"; vol.
 * 2B, "STI", "SYSCALL", "SYSRET".
 */
#include "dblog.h"

#define TF_ON  "pushf; orl $0x100, (%%rsp); popf\n"
#define TF_OFF "pushf; andl $~0x100, (%%rsp); popf\n"
#define LABELS(...)                                                            \
    (const char *const[])                                                      \
    {                                                                          \
        __VA_ARGS__                                                            \
    }
#define BITS(...)                                                              \
    (const uint64_t[])                                                         \
    {                                                                          \
        __VA_ARGS__                                                            \
    }
#define B0 1ull
#define BS DR6_BS

extern char vectors[]; /* entry of each vector, 16 bytes */

/* A selector in memory for MOV SS, to be watched. */
static volatile uint16_t ss_image = 0x10;

static void start(void)
{
    db_stop();
    db_start();
}

/* --- single steps --- */

extern char icebp_1[], icebp_2[], icebp_3[], icebp_4[], icebp_5[];

static void test_icebp(void)
{
    start();
    __asm__ volatile("mov %%ss, %%ecx\n" TF_ON "mov %%ecx, %%ss\n"
                     ".byte 0xf1\n"
                     "icebp_1: .byte 0xf1\n"
                     "icebp_2: pushf\n"
                     "icebp_3: andl $~0x100, (%%rsp)\n"
                     "icebp_4: popf\n"
                     "icebp_5: nop\n" ::
                         : "rcx", "cc", "memory");
    db_expect("INT1 after MOV SS under TF", 5,
              LABELS(icebp_1, icebp_2, icebp_3, icebp_4, icebp_5),
              BITS(0, 0, BS, BS, BS));
}

extern char gd_1[], gd_2[], gd_3[], gd_4[], gd_5[];

static void test_general_detect(void)
{
    start();
    __asm__ volatile("mov %%ss, %%ecx\n" TF_ON "mov %%ecx, %%ss\n"
                     "gd_1: mov %%dr6, %%rax\n"
                     "gd_2: pushf\n"
                     "gd_3: andl $~0x100, (%%rsp)\n"
                     "gd_4: popf\n"
                     "gd_5: nop\n" ::"a"(0)
                     : "rcx", "cc", "memory");
    db_expect("MOV SS, MOV from DR6, TF", 4, LABELS(gd_2, gd_3, gd_4, gd_5),
              BITS(BS, BS, BS, BS));
    start();
    WRITE_DR(7, DR7_ONES | DR7_GD);
    __asm__ volatile("mov %%ss, %%ecx\n" TF_ON "mov %%ecx, %%ss\n"
                     "gdx_1: mov %%dr6, %%rax\n"
                     "gdx_2: " TF_OFF ::
                         : "rax", "rcx", "cc", "memory");
    extern char gdx_1[], gdx_2[];
    check(db.n == 5 && db.at[0].rip == (uintptr_t)gdx_1 &&
              db.at[0].dr6 == (DR6_ONES | DR6_BD),
          "MOV SS does not hold general detect back");
    check_eq(db.at[1].rip, (uintptr_t)gdx_2, "the access is a step");
}

extern char sti_1[], sti_2[], sti_3[], sti_4[], sti_5[], sti_6[];

/* HLT under TF ends at once: the step is what it waits for. */
static void test_sti_hlt(void)
{
    start();
    __asm__ volatile("cli\n" TF_ON "sti\n"
                     "sti_1: hlt\n"
                     "sti_2: cli\n"
                     "sti_3: pushf\n"
                     "sti_4: andl $~0x100, (%%rsp)\n"
                     "sti_5: popf\n"
                     "sti_6: nop\n" ::
                         : "cc", "memory");
    db_expect("STI holds no step back, HLT ends with one", 6,
              LABELS(sti_1, sti_2, sti_3, sti_4, sti_5, sti_6),
              BITS(BS, BS, BS, BS, BS, BS));
}

/* --- breakpoints --- */

extern char bp_after_ss[], bp_after_sti[];

static void test_code_breakpoints(void)
{
    start();
    db_set_rf = true;
    db_break(0, bp_after_ss, ON_EXECUTE, LEN1);
    __asm__ volatile("mov %%ss, %%ecx; mov %%ecx, %%ss\n"
                     "bp_after_ss: nop" ::
                         : "rcx");
    db_expect("a breakpoint behind MOV SS is not hit", 0, NULL, NULL);
    __asm__ volatile("jmp bp_after_ss2\n"
                     "bp_after_ss2: nop");
    db_break(0, bp_after_sti, ON_EXECUTE, LEN1);
    __asm__ volatile("sti\n"
                     "bp_after_sti: cli");
    db_expect("a breakpoint behind STI is", 1, LABELS(bp_after_sti), BITS(B0));
    db_set_rf = false;
    db_stop();
}

static volatile unsigned int90_seen, int90_n;

static void on_int90(Frame *f)
{
    (void)f;
    int90_n = db.n;
    int90_seen++;
}

static void watch_ss(void)
{
    start();
    db_break(0, &ss_image, ON_ACCESS, LEN2);
}

extern char ss_nop[], ss_icebp[], ss_int[];

static void test_data_breakpoints(void)
{
    on_vector(0x90, on_int90);
    on_vector(3, on_int90);
    watch_ss();
    __asm__ volatile("mov %0, %%ss\n"
                     "nop\n"
                     "ss_nop: nop" ::"m"(ss_image));
    db_expect("a data breakpoint of MOV SS waits for the next instruction", 1,
              LABELS(ss_nop), BITS(B0));
    watch_ss();
    __asm__ volatile("mov %0, %%ss\n"
                     ".byte 0xf1\n"
                     "ss_icebp: nop" ::"m"(ss_image));
    db_expect("and becomes one with INT1", 1, LABELS(ss_icebp), BITS(B0));
    watch_ss();
    int90_seen = 0;
    __asm__ volatile("mov %0, %%ss\n"
                     "int $0x90\n"
                     "ss_int: nop" ::"m"(ss_image));
    db_expect("INT n gets to its handler before it", 1,
              LABELS(vectors + 16 * 0x90), BITS(B0));
    check_eq(int90_seen, 1, "which runs once");
    check_eq(int90_n, 1, "after it");
    watch_ss();
    __asm__ volatile("mov %0, %%ss\n"
                     "int3" ::"m"(ss_image));
    db_expect("and so does INT3", 1, LABELS(vectors + 16 * 3), BITS(B0));
    db_stop();
}

/* --- compatibility mode --- */

/* POP SS, then LSS, with steps. */
void pop_ss_32(void);
extern char pop_1[], pop_2[], pop_3[], pop_4[], pop_5[], pop_6[];
static struct {
    uint32_t esp;
    uint16_t ss;
} __attribute__((packed)) lss_image = {0, 0x20};
uint32_t lss_at;
__asm__(".text\n"
        "pop_ss_32: push %rbx; mov %rsp, %rbx\n"
        "pushq $0x18; pushq $1f; lretq\n"
        ".code32\n"
        "1: mov lss_at, %edx; mov %esp, (%edx)\n"
        "push $0x20\n"
        "pushf; orl $0x100, (%esp); popf\n"
        "pop %ss\n"
        "nop\n"
        "pop_1: lss (%edx), %esp\n"
        "pop_2: nop\n"
        "pop_3: pushf\n"
        "pop_4: andl $~0x100, (%esp)\n"
        "pop_5: popf\n"
        "pop_6: ljmp $8, $2f\n"
        ".code64\n"
        "2: mov $0x10, %eax; mov %eax, %ss; mov %rbx, %rsp; pop %rbx; ret\n");

static void test_pop_ss(void)
{
    lss_at = (uintptr_t)&lss_image;
    start();
    __asm__ volatile("mov %0, %%ds" ::"r"(0x10));
    pop_ss_32();
    db_expect("POP SS holds a step back, LSS does not", 6,
              LABELS(pop_1, pop_2, pop_3, pop_4, pop_5, pop_6),
              BITS(BS, BS, BS, BS, BS, BS));
}

/* --- interrupts --- */

static volatile uint64_t irq_rip;

static void on_irq(Frame *f)
{
    irq_rip = f->rip;
    *(volatile uint32_t *)0xfee000b0 = 0;
}

extern char irq_sti[], irq_ss[];

/* An interrupt is pending in both cases. */
static void test_interrupts(void)
{
    volatile uint32_t *icr = (uint32_t *)0xfee00300;

    *(volatile uint32_t *)0xfee000f0 = 0x1ff;
    on_vector(0x51, on_irq);
    *icr = 0x44051;
    __asm__ volatile("sti; nop\n"
                     "irq_sti: nop; cli");
    check_eq(irq_rip, (uintptr_t)irq_sti, "STI lets one instruction pass");
    *icr = 0x44051;
    __asm__ volatile("mov %%ss, %%ecx; sti; mov %%ecx, %%ss; nop\n"
                     "irq_ss: nop; cli" ::
                         : "rcx");
    check_eq(irq_rip, (uintptr_t)irq_ss, "MOV SS after it one more");
}

/* --- SYSCALL and SYSRET --- */

#define MSR_EFER  0xc0000080
#define MSR_STAR  0xc0000081
#define MSR_LSTAR 0xc0000082
#define MSR_FMASK 0xc0000084

/* TF is set by POPF, so that SYSCALL is the first to be stepped; the kernel's
 * side sets or clears it in R11. */
void sc_user(void), sc_entry(void);
extern char sc_back[], sc_last[], sc_in[];
uint64_t sc_or, sc_and;
__asm__(".text\n"
        "sc_user: push $0x102; popf\n"
        "syscall\n"
        "sc_back: nop\n"
        "sc_last: push $2; popf; ret\n"
        "sc_entry: nop\n"
        "sc_in: or sc_or(%rip), %r11; and sc_and(%rip), %r11; sysretq\n");

static void test_syscall(void)
{
    const char *back = user_alias(sc_back), *last = user_alias(sc_last);

    wrmsr(MSR_EFER, rdmsr(MSR_EFER) | 1);
    wrmsr(MSR_STAR, 0x0008ull << 32 | 0x0028ull << 48);
    wrmsr(MSR_LSTAR, (uintptr_t)sc_entry);
    wrmsr(MSR_FMASK, TF);
    sc_or = 0;
    sc_and = ~TF;
    start();
    catch_user(sc_user, 0, NULL);
    db_expect("SYSCALL that masks TF, SYSRET without it: no step", 0, NULL,
              NULL);
    sc_or = TF;
    sc_and = -1;
    start();
    catch_user(sc_user, 0, NULL);
    check(db.n >= 2 && db.at[0].rip == (uintptr_t)back &&
              db.at[1].rip == (uintptr_t)last && db.at[0].cs == USER_CS,
          "SYSRET that sets TF is stepped itself");
    wrmsr(MSR_FMASK, 0);
    sc_or = 0;
    sc_and = ~TF;
    start();
    catch_user(sc_user, 0, NULL);
    check(db.n >= 2 && db.at[0].rip == (uintptr_t)sc_entry &&
              db.at[1].rip == (uintptr_t)sc_in && db.at[0].cs == 8,
          "SYSCALL that leaves TF set is a step");
}

int main(void)
{
    test_icebp();
    test_general_detect();
    test_sti_hlt();
    test_code_breakpoints();
    test_data_breakpoints();
    test_pop_ss();
    test_interrupts();
    test_syscall();
    return 0;
}
