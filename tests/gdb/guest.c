/* SPDX-License-Identifier: MIT */
/*
 * A kernel to be debugged: it counts for ever, on every CPU, the first with a
 * timer's interrupts, and looks whether anything is wrong with it.  The
 * debugger finds its symbols by name; when it sets `done` the kernel says how
 * it went.
 */
#include "guest.h"

#define TIMER_VECTOR 0x40
#define CPUS_MAX     8

static volatile uint32_t *apic(unsigned n)
{
    return (uint32_t *)(0xfee00000ull + 16 * n);
}

/* What tests/gdb/run names. */
volatile uint64_t counter, total, reads, interrupts, nmis, wrong;
volatile uint64_t stored; /* never read */
volatile uint64_t traced; /* stored to by an instruction that then traps */
volatile uint64_t done;   /* never written */
volatile uint64_t locked, cpu_counter[CPUS_MAX];
volatile uint8_t from[64], to[64];

void tick(uint64_t n);
void ap_tick(unsigned index);
void copy(void);
void add_locked(void);
void idle(void);

/* A number on two pages: locked additions to it run exclusively. */
extern volatile uint64_t split;
__asm__(".pushsection .data.split, \"aw\"\n"
        ".balign 4096\n"
        ".skip 4092\n"
        ".globl split\n"
        "split: .quad 0\n"
        ".popsection\n");

/* Two instructions of one byte each, one behind the other, both with a
 * breakpoint; then one that lies on two pages. */
void neighbours(void);
extern char neighbour[], over_pages[];
__asm__(".section .text.neighbours, \"ax\"\n"
        ".balign 4096\n"
        ".skip 4088\n"
        ".globl neighbours, neighbour, over_pages\n"
        "neighbours: push %rbx\n"
        "neighbour:  push %rbp\n"
        "            pop %rbp\n"
        "            pop %rbx\n"
        "over_pages: lea 0x12345678(%rip), %rax\n"
        "            ret\n"
        ".text\n");

__attribute__((noinline)) void tick(uint64_t n)
{
    total += n;
    if (total != n * (n + 1) / 2) {
        wrong++;
    }
}

__attribute__((noinline)) void ap_tick(unsigned index)
{
    cpu_counter[index]++;
}

__attribute__((noinline)) void copy(void)
{
    const volatile uint8_t *src = from;
    volatile uint8_t *dst = to;
    uint64_t n = sizeof(from);

    __asm__ volatile("rep movsb" : "+S"(src), "+D"(dst), "+c"(n)::"memory");
    for (unsigned i = 0; i < sizeof(from); i++) {
        if (to[i] != from[i]) {
            wrong++;
        }
        from[i]++;
    }
}

__attribute__((noinline)) void add_locked(void)
{
    __atomic_add_fetch(&locked, 1, __ATOMIC_SEQ_CST);
    __asm__ volatile("lock incq %0" : "+m"(split));
}

__attribute__((noinline)) void idle(void)
{
    uint64_t before = interrupts;

    __asm__ volatile("hlt");
    if (interrupts == before) {
        wrong++; /* nothing else may end a halt */
    }
}

/* Each with a label behind what is looked at. */
void store(uint64_t value);
void faulting(void);
__asm__(".globl store, behind_store, faulting\n"
        "store:        mov %rdi, stored(%rip)\n"
        "behind_store: nop\n"
        "              ret\n"
        "faulting:     ud2\n"
        "              ret\n");

/* Its second half is single-stepped by the guest itself. */
void store_traced(uint64_t value);
__asm__("store_traced: pushf\n"
        "              orl $0x100, (%rsp)\n"
        "              popf\n"
        "              mov %rdi, traced(%rip)\n"
        "              ret\n");

static void on_db(Frame *f)
{
    f->rflags &= ~0x100ull;
    WRITE_DR(6, 0xffff0ff0);
}

static void on_ud(Frame *f)
{
    f->rip += 2;
}

static void on_nmi(Frame *f)
{
    (void)f;
    nmis++;
}

static void on_timer(Frame *f)
{
    (void)f;
    interrupts++;
    *apic(0x0b) = 0;
}

/* Nobody but the guest touches these. */
static void look_at_debug_registers(void)
{
    if (READ_DR(6) != 0xffff0ff0 || READ_DR(7) != 0x400) {
        wrong++;
    }
}

static void ap_main(unsigned index)
{
    for (;;) {
        ap_tick(index);
        add_locked();
    }
}

int main(void)
{
    on_vector(TIMER_VECTOR, on_timer);
    on_vector(1, on_db);
    on_vector(2, on_nmi);
    on_vector(6, on_ud);
    *(volatile uint64_t *)0xfed00010ull = 1; /* the HPET counts */
    *apic(0x0f) = 0x1ff;
    *apic(0x3e) = 0xb;                    /* divide by 1 */
    *apic(0x32) = TIMER_VECTOR | 1 << 17; /* again and again */
    *apic(0x38) = 1000000;
    smp_start(ap_main);
    print("running\n");
    __asm__ volatile("sti");
    while (!done) {
        counter++;
        tick(counter);
        reads += total != 0;
        store(counter);
        store_traced(counter);
        faulting();
        neighbours();
        copy();
        add_locked();
        idle();
        look_at_debug_registers();
    }
    __asm__ volatile("cli");
    check(wrong == 0, "nothing was disturbed");
    check(total == counter * (counter + 1) / 2, "the sum is right");
    check(interrupts >= counter, "each halt ended with an interrupt");
    return 0;
}
