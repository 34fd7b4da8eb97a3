/* SPDX-License-Identifier: MIT */
/*
 * x2APIC: its MSRs one by one, what each refuses, transitions between the modes
 * of the APIC, IPIs with 32-bit destinations.
 * guest: -smp 3
 * Source: SDM vol. 3A, 11.12 "Extended XAPIC (x2APIC)", table 11-6 "Local APIC
 * Register Address Map Supported by x2APIC", 11.12.5 "x2APIC State
 * Transitions", 11.12.10 "Determining IPI Destination in x2APIC Mode".
 */
#include "apic.h"

#define GP   13
#define CPUS 3

#define BASE_ENABLE 0x800u
#define BASE_X2     0x400u
#define BASE_BSP    0x100u

static struct {
    uint32_t msr;
    uint64_t value;
} volatile access;

static void do_read(void *arg)
{
    (void)arg;
    access.value = rdmsr(access.msr);
}

static void do_write(void *arg)
{
    (void)arg;
    wrmsr(access.msr, access.value);
}

static bool readable(uint32_t msr)
{
    access.msr = msr;
    return catch(do_read, NULL, NULL) != GP;
}

static bool writable(uint32_t msr, uint64_t value)
{
    access.msr = msr;
    access.value = value;
    return catch(do_write, NULL, NULL) != GP;
}

/* --- what there is --- */

typedef enum Kind { ABSENT, READ_ONLY, WRITE_ONLY, BOTH } Kind;

/* Version 14h with six LVT entries: no CMCI. */
static Kind kind_of(unsigned n)
{
    switch (n) {
    case APIC_ID:
    case APIC_VERSION:
    case APIC_PPR:
    case APIC_LDR:
    case APIC_ISR ... APIC_ISR + 7:
    case APIC_TMR ... APIC_TMR + 7:
    case APIC_IRR ... APIC_IRR + 7:
    case APIC_CURRENT:
        return READ_ONLY;
    case APIC_EOI:
    case 0x3f: /* SELF IPI */
        return WRITE_ONLY;
    case APIC_TPR:
    case APIC_SVR:
    case APIC_ESR:
    case APIC_ICR:
    case APIC_LVT_TIMER ... APIC_LVT_ERROR:
    case APIC_INITIAL:
    case APIC_DIVIDE:
        return BOTH;
    default:
        return ABSENT;
    }
}

/* A value that the register takes. */
static uint64_t harmless(unsigned n)
{
    switch (n) {
    case APIC_SVR:
        return 0x1ff;
    case APIC_ICR:
        return 0xffff0000000000ff; /* nobody is there */
    case APIC_LVT_TIMER ... APIC_LVT_ERROR:
        return LVT_MASKED;
    case 0x3f:
        return 0x5f;
    default:
        return 0;
    }
}

static void test_map(void)
{
    unsigned n, reads = 0, writes = 0, first = 0;

    for (n = 0; n < 0x100; n++) {
        Kind k = kind_of(n);
        bool r = readable(MSR_X2APIC + n) == (k == READ_ONLY || k == BOTH);
        bool w = writable(MSR_X2APIC + n, harmless(n)) ==
                 (k == WRITE_ONLY || k == BOTH);

        reads += !r;
        writes += !w;
        if ((!r || !w) && !first) {
            first = MSR_X2APIC + n;
        }
    }
    let_in();
    check(!reads && !writes, "MSRs 800h to 8ffh: %u reads, %u writes (%x)",
          reads, writes, (uint64_t)first);
}

/* Every bit of each register by itself. */
static void expect_reserved(const char *what, unsigned n, uint64_t mask)
{
    uint64_t wrong = 0;
    unsigned bit;

    for (bit = 0; bit < 64; bit++) {
        uint64_t v = harmless(n) | 1ull << bit;

        if (!(mask >> bit & 1) || n == APIC_ICR) {
            continue;
        }
        if (writable(MSR_X2APIC + n, v)) {
            wrong |= 1ull << bit;
        }
    }
    check_eq(wrong, 0, "reserved bits of %s", what);
    wrmsr(MSR_X2APIC + n, harmless(n));
}

static void test_reserved(void)
{
    expect_reserved("TPR", APIC_TPR, ~0xffull);
    expect_reserved("EOI", APIC_EOI, -1);
    expect_reserved("SVR", APIC_SVR, ~0x13ffull);
    expect_reserved("ESR", APIC_ESR, -1);
    expect_reserved("the timer's entry", APIC_LVT_TIMER, ~0x710ffull);
    expect_reserved("LINT0's", APIC_LVT_LINT0, ~0x1f7ffull);
    expect_reserved("the error's", APIC_LVT_ERROR, ~0x110ffull);
    expect_reserved("the initial count", APIC_INITIAL, 0xffffffff00000000);
    expect_reserved("the divide configuration", APIC_DIVIDE, ~0xbull);
    expect_reserved("SELF IPI", 0x3f, ~0xffull);
    check(!writable(MSR_X2APIC + APIC_ICR, 1ull << 13), "bit 13 of ICR");
    check(!writable(MSR_X2APIC + APIC_ICR, 1ull << 20), "bit 20 of ICR");
    check(!writable(MSR_X2APIC + APIC_ICR, 1ull << 31), "bit 31 of ICR");
}

/* --- modes --- */

static bool set_base(uint64_t value)
{
    return writable(MSR_APIC_BASE, value);
}

/* 11.12.5: which of the four modes may follow which. */
static void test_transitions(void)
{
    uint64_t base = rdmsr(MSR_APIC_BASE) & ~(uint64_t)(BASE_ENABLE | BASE_X2);
    uint64_t xapic = base | BASE_ENABLE, x2 = xapic | BASE_X2;
    unsigned bits = cpuid(0x80000008, 0).a & 0xff;

    check_eq(rdmsr(MSR_APIC_BASE) & 0xfff, BASE_ENABLE | BASE_BSP,
             "xAPIC, on the boot processor");
    check(!set_base(base | BASE_X2), "xAPIC to invalid");
    check(set_base(x2), "xAPIC to x2APIC");
    check(set_base(x2), "x2APIC to itself");
    check(!set_base(xapic), "x2APIC to xAPIC");
    check(!set_base(base | BASE_X2), "x2APIC to invalid");
    check(set_base(base), "x2APIC to disabled");
    check(!set_base(base | BASE_X2), "disabled to invalid");
    check(!set_base(x2), "disabled to x2APIC");
    check_eq(cpuid(1, 0).d >> 9 & 1, 0, "CPUID has no APIC then");
    check(set_base(xapic), "disabled to xAPIC");
    check_eq(cpuid(1, 0).d >> 9 & 1, 1, "CPUID has one again");
    check(!set_base(xapic | 1), "a reserved low bit");
    check(!set_base(xapic | 1ull << bits), "an address bit too many");
    check_eq(rdmsr(MSR_APIC_BASE), xapic, "and it is as it was");
    apic_enable();
}

/* What is at FEE00000h when the registers are not. */
static void expect_no_mmio(const char *what)
{
    uint64_t tpr = READ_CR(8);
    unsigned n;

    for (n = 0; n < 0x40; n++) {
        *apic(n) = 0xffffffff;
    }
    check_eq(*apic(APIC_VERSION), 0xffffffff, "%s: reads", what);
    check_eq(READ_CR(8), tpr, "%s: writes", what);
    WRITE_CR(8, tpr ^ 15);
    check_eq(READ_CR(8), tpr ^ 15, "%s: CR8 works", what);
    check_eq(*apic(APIC_TPR), 0xffffffff, "%s: TPR stays away", what);
    WRITE_CR(8, tpr);
}

static void test_disabled(void)
{
    uint64_t base = rdmsr(MSR_APIC_BASE);
    uint32_t version = *apic(APIC_VERSION);

    *apic(APIC_LVT_TIMER) = 0x45;
    wrmsr(MSR_APIC_BASE, base & ~(uint64_t)BASE_ENABLE);
    expect_no_mmio("disabled");
    check(!readable(MSR_X2APIC + APIC_ID), "disabled: MSRs");
    wrmsr(MSR_APIC_BASE, base);
    check_eq(*apic(APIC_VERSION), version, "enabled again");
    check_eq(*apic(APIC_SVR), 0xff, "as after reset: SVR");
    check_eq(*apic(APIC_LVT_TIMER), LVT_MASKED, "as after reset: timer");
    check(!readable(MSR_X2APIC + APIC_ID), "xAPIC: MSRs");
    apic_enable();
}

/* --- in x2APIC mode --- */

static volatile unsigned received[CPUS], running, in_x2;

static void on_ipi(Frame *f)
{
    (void)f;
    __atomic_add_fetch(&received[rdmsr(MSR_X2APIC + APIC_ID)], 1,
                       __ATOMIC_SEQ_CST);
    wrmsr(MSR_X2APIC + APIC_EOI, 0);
}

static void ap_main(unsigned index)
{
    (void)index;
    apic_enable();
    wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | BASE_X2);
    __atomic_add_fetch(&running, 1, __ATOMIC_SEQ_CST);
    for (;;) {
        __asm__ volatile("sti; hlt");
    }
}

static void expect_ipi(const char *what, uint64_t icr, uint32_t want)
{
    uint64_t end = rdtsc() + 1000000000ull;
    uint32_t got, i;

    for (i = 0; i < CPUS; i++) {
        received[i] = 0;
    }
    wrmsr(MSR_X2APIC + APIC_ICR, icr | ICR_ASSERT | 0xa0);
    do {
        let_in();
        got = received[0] | received[1] << 8 | received[2] << 16;
    } while (got != want && rdtsc() < end);
    for (i = 0; i < 1000; i++) {
        let_in();
    }
    got = received[0] | received[1] << 8 | received[2] << 16;
    check_eq(got, want, "%s", what);
}

static uint64_t to(uint32_t destination)
{
    return (uint64_t)destination << 32;
}

static void test_registers(void)
{
    uint64_t base = rdmsr(MSR_APIC_BASE);
    uint32_t id = apic_id();

    *apic(APIC_TPR) = 0x20;
    wrmsr(MSR_APIC_BASE, base | BASE_X2);
    check_eq(rdmsr(MSR_X2APIC + APIC_ID), id, "the identifier");
    check_eq(rdmsr(MSR_X2APIC + APIC_ID), cpuid(0xb, 0).d, "and CPUID's");
    check_eq(rdmsr(MSR_X2APIC + APIC_LDR), (id >> 4) << 16 | 1 << (id & 15),
             "the logical identifier follows from it");
    check_eq(rdmsr(MSR_X2APIC + APIC_TPR), 0x20, "TPR is kept");
    WRITE_CR(8, 0);
    expect_no_mmio("x2APIC");
    wrmsr(MSR_X2APIC + APIC_ESR, 0);
    wrmsr(MSR_X2APIC + 0x3f, 5);
    wrmsr(MSR_X2APIC + APIC_ESR, 0);
    check_eq(rdmsr(MSR_X2APIC + APIC_ESR) & 0x20, 0x20,
             "SELF IPI of an illegal vector");
}

static void test_self(void)
{
    on_vector(0xa0, on_ipi);
    let_in();
    received[0] = 0;
    wrmsr(MSR_X2APIC + 0x3f, 0xa0);
    check_eq(rdmsr(MSR_X2APIC + APIC_IRR + 5) & 1, 1, "SELF IPI sets IRR");
    let_in();
    check_eq(received[0], 1, "SELF IPI comes");
    check_eq(rdmsr(MSR_X2APIC + APIC_PPR), 0, "PPR after EOI");
}

/* 11.12.10: a cluster in bits 31:16, its members in 15:0. */
static void test_ipis(void)
{
    expect_ipi("physical", to(1), 0x000100);
    expect_ipi("physical, itself", to(0), 0x000001);
    expect_ipi("physical, nobody", to(0x100), 0);
    expect_ipi("physical broadcast", to(0xffffffff), 0x010101);
    expect_ipi("255 is no broadcast", to(0xff), 0);
    expect_ipi("logical, members 0 and 2", to(5) | ICR_LOGICAL, 0x010001);
    expect_ipi("logical, no such member", to(0x10) | ICR_LOGICAL, 0);
    expect_ipi("logical, another cluster", to(0x10007) | ICR_LOGICAL, 0);
    expect_ipi("logical broadcast", to(0xffffffff) | ICR_LOGICAL, 0x010101);
    expect_ipi("all", ICR_ALL, 0x010101);
    expect_ipi("all but self", ICR_OTHERS, 0x010100);
    expect_ipi("self", ICR_SELF, 0x000001);
    wrmsr(MSR_X2APIC + APIC_TPR, 0xb0);
    expect_ipi("lowest priority, 0 busy", to(3) | ICR_LOGICAL | ICR_LOWEST,
               0x000100);
    wrmsr(MSR_X2APIC + APIC_TPR, 0);
}

int main(void)
{
    if (!(cpuid(1, 0).c >> 21 & 1)) {
        check(!set_base(rdmsr(MSR_APIC_BASE) | BASE_X2), "no x2APIC here");
        return 0;
    }
    on_vector(0x5f, on_ipi);
    apic_enable();
    test_transitions();
    test_disabled();
    test_registers();
    test_map();
    test_reserved();
    test_self();
    wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) & ~0xc00ull);
    wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | BASE_ENABLE);
    smp_start(ap_main);
    check(wait_for(&running, CPUS - 1), "processors");
    apic_enable();
    wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | BASE_X2);
    test_ipis();
    return 0;
}
