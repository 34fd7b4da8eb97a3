/* SPDX-License-Identifier: MIT */
/*
 * Faults while a fault or an interrupt is delivered, double faults, the EXT
 * bit of error codes.
 * Source: SDM vol. 3A, 6.13 "Error Code", 6.15 "Interrupt 8 - Double Fault
 * Exception (#DF)", table 6-5.
 */
#include "guest.h"

#define PAGE 0x200000000ull

static volatile uint32_t *apic(unsigned n)
{
    return (uint32_t *)(0xfee00000ull + 16 * n);
}

#define CASE(name, text)                                                       \
    static void name(void *arg)                                                \
    {                                                                          \
        __asm__ volatile(text ::"D"(arg)                                       \
                         : "rax", "rcx", "rdx", "memory", "cc");               \
    }

CASE(do_gp, "mov $0x1000, %%eax; mov %%eax, %%ds")
CASE(do_ud, "ud2")
CASE(do_de, "xor %%ecx, %%ecx; div %%ecx")
CASE(do_pf, "movabs $0x200000000, %%rax; mov (%%rax), %%eax")
CASE(do_int, "int $0x90")
CASE(do_int14, "int $14")
CASE(do_int13, "int $13")
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

/* --- what comes of a fault in the delivery of each exception --- */

CASE(do_ss, "mov %%rsp, %%rcx; movabs $0x800000000000, %%rsp; pop %%rax")
CASE(do_np, "mov $0x60, %%eax; mov %%eax, %%ds")
CASE(do_bp, "int3")
CASE(do_icebp, ".byte 0xf1")
CASE(do_nm, "mov %%cr0, %%rax; bts $3, %%rax; mov %%rax, %%cr0; fnop")

enum { BENIGN, CONTRIBUTORY, PAGE_FAULT };

/* SDM vol. 3A, table 6-4 "Interrupt and Exception Classes" */
static const struct First {
    const char *name;
    void (*fn)(void *);
    unsigned vector, class, ext;
} firsts[] = {
    {"#DE", do_de, 0, CONTRIBUTORY, 1},  {"INT1", do_icebp, 1, BENIGN, 1},
    {"INT3", do_bp, 3, BENIGN, 0},       {"#UD", do_ud, 6, BENIGN, 1},
    {"#NM", do_nm, 7, BENIGN, 1},        {"#NP", do_np, 11, CONTRIBUTORY, 1},
    {"#SS", do_ss, 12, CONTRIBUTORY, 1}, {"#GP", do_gp, 13, CONTRIBUTORY, 1},
    {"#PF", do_pf, 14, PAGE_FAULT, 1},   {"INT 90h", do_int, 0x90, BENIGN, 0},
    {"INT 14", do_int14, 14, BENIGN, 0}, {"INT 13", do_int13, 13, BENIGN, 0},
};

static void gate_absent(struct IdtEntry *e)
{
    e->type &= 0x7f;
}

static void gate_type(struct IdtEntry *e)
{
    e->type = 0x8c; /* a call gate */
}

static void gate_selector(struct IdtEntry *e)
{
    e->selector = 0x1000;
}

static void gate_code_absent(struct IdtEntry *e)
{
    e->selector = 0x60;
}

static void gate_stack(struct IdtEntry *e)
{
    e->ist = 2;
    tss.ist[1] = 0x800000000000;
}

static void gate_stack_absent(struct IdtEntry *e)
{
    e->ist = 2;
    tss.ist[1] = PAGE + 0x1000;
}

/* @error but for EXT; -1: it names the vector, as an IDT entry. */
static const struct Second {
    const char *name;
    void (*breakage)(struct IdtEntry *e);
    unsigned vector, class;
    int error;
} seconds[] = {
    {"absent gate", gate_absent, 11, CONTRIBUTORY, -1},
    {"wrong type of gate", gate_type, 13, CONTRIBUTORY, -1},
    {"gate with a bad selector", gate_selector, 13, CONTRIBUTORY, 0x1000},
    {"gate to absent code", gate_code_absent, 11, CONTRIBUTORY, 0x60},
    {"non-canonical stack", gate_stack, 12, CONTRIBUTORY, 0},
    {"absent stack", gate_stack_absent, 14, PAGE_FAULT, 2},
};

static void one_pair(const struct First *f, const struct Second *s)
{
    struct IdtEntry *e = &idt[f->vector], old = *e;
    bool twice = f->class == PAGE_FAULT ||
                 (f->class == CONTRIBUTORY && s->class == CONTRIBUTORY);
    uint64_t error = s->error;
    Frame frame;
    int got;

    /* What INT 13 or 14 raises finds the same broken gate. */
    twice |= f->vector == s->vector;
    if (s->error < 0) {
        error = f->vector * 8 + 2;
    }
    s->breakage(e);
    got = catch(f->fn, NULL, &frame);
    *e = old;
    WRITE_CR(0, READ_CR(0) & ~8ull); /* TS, of #NM */
    check_eq(got, twice ? 8 : s->vector, "%s, %s: vector", f->name, s->name);
    error |= s->class == CONTRIBUTORY ? f->ext : 0;
    check_eq(frame.error, twice ? 0 : error, "%s, %s: error code", f->name,
             s->name);
}

/* SDM vol. 3A, table 6-5 "Conditions for Generating a Double Fault" */
static void test_pairs(void)
{
    unsigned i, j;

    gdt[0x60 / 8] = gdt[1] & ~(1ull << 47); /* code, absent */
    idt[14].ist = 1; /* the stack of #SS's case is none */
    for (i = 0; i < sizeof(firsts) / sizeof(firsts[0]); i++) {
        for (j = 0; j < sizeof(seconds) / sizeof(seconds[0]); j++) {
            one_pair(&firsts[i], &seconds[j]);
        }
    }
    idt[14].ist = 0;
}

CASE(do_ud_nowhere, "movabs $0x900000000000, %%rsp; ud2")
CASE(do_int_nowhere, "movabs $0x900000000000, %%rsp; int $0x90")

/* SDM vol. 2A, "INT n/INTO/INT3/INT1", Operation: #SS(EXT). */
static void test_no_stack(void)
{
    expect("#UD with no stack", do_ud_nowhere, 12, 1);
    expect("INT with no stack", do_int_nowhere, 12, 0);
    idt[6].ist = 2;
    tss.ist[1] = 0xffff800000000000; /* below it there is nothing */
    expect("#UD with an IST at the edge", do_ud, 12, 1);
    idt[6].ist = 0;
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

int main(void)
{
    on_vector(0x90, on_int90);
    test_pairs();
    test_no_stack();
    test_external();
    test_idt_limit();
    return 0;
}
