/* SPDX-License-Identifier: MIT */
/*
 * Faults while a fault or an interrupt is delivered, double faults, the EXT
 * bit of error codes, alignment checks.
 * Source: SDM vol. 3A, 6.13 "Error Code", 6.15 "Interrupt 8 - Double Fault
 * Exception (#DF)", table 6-5; "Interrupt 17 - Alignment Check Exception
 * (#AC)".
 */
#include "guest.h"

#define PAGE 0x200000000ull

static volatile uint32_t *apic(unsigned n)
{
    return (uint32_t *)(0xfee00000ull + 16 * n);
}

#define CASE(name, text) \
    static void name(void *arg) \
    { \
        __asm__ volatile(text ::"D"(arg) : "rax", "rcx", "rdx", "memory", \
                         "cc"); \
    }

CASE(do_gp, "mov $0x1000, %%eax; mov %%eax, %%ds")
CASE(do_ud, "ud2")
CASE(do_de, "xor %%ecx, %%ecx; div %%ecx")
CASE(do_pf, "movabs $0x200000000, %%rax; mov (%%rax), %%eax")
CASE(do_int, "int $0x90")
CASE(do_irq, "sti; nop; nop; nop; cli")

static void expect(const char *what, void (*fn)(void *), int vector,
                   uint64_t error)
{
    Frame f;

    f.error = 0;
    check_eq(catch(fn, NULL, &f), vector, "%s: vector", what);
    if (vector >= 0) {
        check_eq(f.error, error, "%s: error code", what);
    }
}

/* With the gate of one vector broken, what comes of another exception. */
static void with_gate(unsigned vector, void (*fn)(void *), const char *what,
                      int want, uint64_t error)
{
    struct IdtEntry old = idt[vector];

    idt[vector].type &= 0x7f; /* not present */
    expect(what, fn, want, error);
    idt[vector] = old;
}

static void test_double_faults(void)
{
    with_gate(13, do_gp, "#NP while delivering #GP", 8, 0);
    with_gate(0, do_de, "#NP while delivering #DE", 8, 0);
    with_gate(14, do_pf, "#NP while delivering #PF", 8, 0);
    with_gate(6, do_ud, "#NP while delivering #UD", 11, 6 * 8 + 3);
    with_gate(0x90, do_int, "#NP of INT", 11, 0x90 * 8 + 2);
    idt[6].selector = 0x1000;
    expect("#GP while delivering #UD", do_ud, 13, 0x1001);
    idt[6].selector = 0x08;
    idt[0x90].selector = 0x1000;
    expect("#GP of INT", do_int, 13, 0x1000);
    idt[0x90].selector = 0x08;
}

/* A handler's stack that is not there. */
static void test_stacks(void)
{
    tss.ist[1] = PAGE + 0x1000;
    idt[6].ist = 2;
    expect("#PF while delivering #UD", do_ud, 14, 2);
    idt[6].ist = 0;
    idt[13].ist = 2;
    expect("#PF while delivering #GP", do_gp, 14, 2);
    idt[13].ist = 0;
    idt[14].ist = 2;
    expect("#PF while delivering #PF", do_pf, 8, 0);
    idt[14].ist = 0;
    tss.ist[1] = 0x800000000000;
    idt[6].ist = 2;
    expect("#SS while delivering #UD", do_ud, 12, 1);
    idt[6].ist = 0;
    idt[14].ist = 2;
    expect("#SS while delivering #PF", do_pf, 8, 0);
    idt[14].ist = 0;
}

/* An interrupt from outside sets EXT in what its delivery raises. */
static void test_external(void)
{
    struct IdtEntry old = idt[0x50];

    *apic(0x0f) = 0x1ff;
    idt[0x50].type &= 0x7f;
    *apic(0x30) = 0x44050; /* self */
    expect("#NP of an interrupt", do_irq, 11, 0x50 * 8 + 3);
    *apic(0x0b) = 0;
    idt[0x50] = old;
    idt[0x50].selector = 0x20;
    *apic(0x30) = 0x44050;
    expect("#GP of an interrupt", do_irq, 13, 0x21);
    *apic(0x0b) = 0;
    idt[0x50] = old;
}

/* Past the limit of the table: what cannot be delivered at all. */
static void test_idt_limit(void)
{
    struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) ptr;

    __asm__ volatile("sidt %0" : "=m"(ptr));
    ptr.limit = 0x90 * 16 + 14;
    __asm__ volatile("lidt %0" ::"m"(ptr));
    expect("INT past the limit", do_int, 13, 0x90 * 8 + 2);
    ptr.limit = 0x90 * 16 + 15;
    __asm__ volatile("lidt %0" ::"m"(ptr));
    expect("INT at the limit", do_int, -1, 0);
    ptr.limit = sizeof(idt) - 1;
    __asm__ volatile("lidt %0" ::"m"(ptr));
}

static void on_int90(Frame *f)
{
    (void)f;
}

/* --- alignment --- */

#define USER(name, text) \
    void name(void); \
    __asm__(".text; " #name ": " text "; ret")

USER(a_load2, "movw 1(%rdi), %ax");
USER(a_load4, "movl 2(%rdi), %eax");
USER(a_load8, "movq 4(%rdi), %rax");
USER(a_store4, "movl %eax, 3(%rdi)");
USER(a_add8, "addq $1, 4(%rdi)");
USER(a_good, "movl 4(%rdi), %eax; movq 8(%rdi), %rax; movb 3(%rdi), %al");
USER(a_push, "mov %rsp, %rcx; lea 12(%rdi), %rsp; push %rax; mov %rcx, %rsp");
USER(a_fld8, "fldl 4(%rdi); fstp %st(0)");
USER(a_movs, "lea 1(%rdi), %rsi; lea 16(%rdi), %rdi; movsl");

static void expect_ac(const char *what, void (*fn)(void), int vector)
{
    static uint8_t data[64] __attribute__((aligned(64)));
    static const UserMode ac = {USER_CS, 0x40002}, none = {USER_CS, 2};
    uint64_t arg = (uintptr_t)user_alias(data);
    Frame f;

    WRITE_CR(0, READ_CR(0) | 1 << 18);
    check_eq(catch_user_as(fn, arg, &ac, &f), vector, "AC: %s", what);
    if (vector >= 0) {
        check_eq(f.error, 0, "AC: %s: error code", what);
    }
    check_eq(catch_user_as(fn, arg, &none, &f), -1, "no AC: %s", what);
    WRITE_CR(0, READ_CR(0) & ~(1ull << 18));
    check_eq(catch_user_as(fn, arg, &ac, &f), -1, "no CR0.AM: %s", what);
}

static void test_alignment(void)
{
    expect_ac("load of 2 bytes", a_load2, 17);
    expect_ac("load of 4 bytes", a_load4, 17);
    expect_ac("load of 8 bytes", a_load8, 17);
    expect_ac("store of 4 bytes", a_store4, 17);
    expect_ac("add of 8 bytes", a_add8, 17);
    expect_ac("aligned loads", a_good, -1);
    expect_ac("push", a_push, 17);
    expect_ac("fld of 8 bytes", a_fld8, 17);
    expect_ac("movs", a_movs, 17);
}

/* At CPL 0 EFLAGS.AC means something else. */
static void load_misaligned(void *arg)
{
    __asm__ volatile("pushf; orl $0x40000, (%%rsp); popf\n"
                     "mov 1(%0), %%eax" ::"D"(arg)
                     : "rax", "cc");
}

static void test_supervisor(void)
{
    static uint8_t data[16];

    WRITE_CR(0, READ_CR(0) | 1 << 18);
    check_eq(catch(load_misaligned, data, NULL), -1, "AC at CPL 0");
    WRITE_CR(0, READ_CR(0) & ~(1ull << 18));
}

int main(void)
{
    on_vector(0x90, on_int90);
    test_double_faults();
    test_stacks();
    test_external();
    test_idt_limit();
    test_alignment();
    test_supervisor();
    return 0;
}
