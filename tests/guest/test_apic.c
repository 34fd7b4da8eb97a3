/* SPDX-License-Identifier: MIT */
/*
 * Local APIC: timer modes, priorities, IPIs of every kind, INIT and startup,
 * NMI, x2APIC, errors.
 * guest: -smp 3
 * Source: SDM vol. 3A, chapter 11 "Advanced Programmable Interrupt Controller
 * (APIC)"; 6.7.1 "Handling Multiple NMIs"; 9.4 "Multiple-Processor
 * Initialization".
 */
#include "apic.h"

#define CPUS 3

/* Interrupts of this processor, in the order they came. */
static volatile struct {
    unsigned n;
    uint8_t vector[64];
} log;

static void on_vector_log(Frame *f)
{
    if (log.n < 64) {
        log.vector[log.n] = f->vector;
    }
    log.n++;
    *apic(APIC_EOI) = 0;
}

/* --- timer --- */

static void test_one_shot(void)
{
    uint32_t a, b;

    log.n = 0;
    *apic(APIC_DIVIDE) = 0xb;
    *apic(APIC_LVT_TIMER) = 0x40;
    *apic(APIC_INITIAL) = 0xffffffff;
    a = *apic(APIC_CURRENT);
    b = *apic(APIC_CURRENT);
    check(b <= a && a, "the current count goes down");
    *apic(APIC_INITIAL) = 0;
    check_eq(*apic(APIC_CURRENT), 0, "an initial count of 0 stops it");
    *apic(APIC_INITIAL) = 1000;
    check(wait_for(&log.n, 1), "one shot comes");
    check_eq(*apic(APIC_CURRENT), 0, "and the count stays 0");
    let_in();
    check_eq(log.n, 1, "once");
    *apic(APIC_LVT_TIMER) = 0x40 | LVT_MASKED;
    *apic(APIC_INITIAL) = 1;
    while (*apic(APIC_CURRENT)) {
    }
    let_in();
    check_eq(log.n, 1, "not when masked");
}

static void test_periodic(void)
{
    log.n = 0;
    *apic(APIC_LVT_TIMER) = 0x41 | LVT_PERIODIC;
    *apic(APIC_INITIAL) = 100000;
    check(wait_for(&log.n, 5), "periodic interrupts come");
    check(*apic(APIC_CURRENT) <= 100000, "the count is within its period");
    *apic(APIC_INITIAL) = 0;
    let_in();
    log.n = 0;
    let_in();
    check_eq(log.n, 0, "stopped");
}

static void test_deadline(void)
{
    if (!(cpuid(1, 0).c >> 24 & 1)) {
        return;
    }
    log.n = 0;
    *apic(APIC_LVT_TIMER) = 0x42 | LVT_DEADLINE;
    wrmsr(MSR_TSC_DEADLINE, rdtsc() + 100000);
    check(wait_for(&log.n, 1), "TSC deadline comes");
    check_eq(rdmsr(MSR_TSC_DEADLINE), 0, "the MSR is 0 after it");
    wrmsr(MSR_TSC_DEADLINE, 1);
    check(wait_for(&log.n, 2), "a deadline in the past comes at once");
    wrmsr(MSR_TSC_DEADLINE, rdtsc() + 1000000000);
    wrmsr(MSR_TSC_DEADLINE, 0);
    *apic(APIC_LVT_TIMER) = LVT_MASKED;
    check_eq(rdmsr(MSR_TSC_DEADLINE), 0, "leaving the mode disarms it");
}

/* --- priorities --- */

static void test_priorities(void)
{
    log.n = 0;
    apic_send(0, ICR_SELF | ICR_ASSERT | 0x51);
    apic_send(0, ICR_SELF | ICR_ASSERT | 0x71);
    apic_send(0, ICR_SELF | ICR_ASSERT | 0x61);
    apic_send(0, ICR_SELF | ICR_ASSERT | 0x71);
    check(apic_bit(APIC_IRR, 0x71) && apic_bit(APIC_IRR, 0x51),
          "IRR while IF is clear");
    check(wait_for(&log.n, 3), "all three come");
    let_in();
    check_eq(log.n, 3, "the one sent twice comes once");
    check_eq(log.vector[0] << 16 | log.vector[1] << 8 | log.vector[2], 0x716151,
             "highest first");
}

static void test_tpr(void)
{
    log.n = 0;
    WRITE_CR(8, 5);
    check_eq(*apic(APIC_TPR), 0x50, "CR8 is TPR bits 7:4");
    check_eq(*apic(APIC_PPR), 0x50, "PPR is TPR when nothing is in service");
    apic_send(0, ICR_SELF | ICR_ASSERT | 0x5f);
    let_in();
    check_eq(log.n, 0, "TPR holds its own class");
    apic_send(0, ICR_SELF | ICR_ASSERT | 0x60);
    let_in();
    check_eq(log.n, 1, "it lets the next class in");
    *apic(APIC_TPR) = 0x4f;
    check_eq(READ_CR(8), 4, "CR8 reads TPR");
    let_in();
    check_eq(log.n, 2, "the held one comes when TPR falls");
    WRITE_CR(8, 0);
}

static volatile uint32_t ppr_inside, isr_inside, nested_before_eoi;

static void on_nesting(Frame *f)
{
    (void)f;
    ppr_inside = *apic(APIC_PPR);
    isr_inside = apic_bit(APIC_ISR, 0x80);
    apic_send(0, ICR_SELF | ICR_ASSERT | 0x85);
    let_in();
    nested_before_eoi = log.n;
    apic_send(0, ICR_SELF | ICR_ASSERT | 0x90);
    let_in();
    nested_before_eoi = nested_before_eoi << 8 | log.n;
    *apic(APIC_EOI) = 0;
}

static void test_nesting(void)
{
    log.n = 0;
    on_vector(0x80, on_nesting);
    apic_send(0, ICR_SELF | ICR_ASSERT | 0x80);
    let_in();
    check_eq(ppr_inside, 0x80, "PPR in a handler");
    check_eq(isr_inside, 1, "ISR in a handler");
    check_eq(nested_before_eoi, 0x0001, "only a higher class nests");
    let_in();
    check_eq(log.n, 2, "the same class comes after EOI");
    check_eq(*apic(APIC_PPR), 0, "PPR afterwards");
}

/* --- STI, HLT, NMI --- */

static void test_sti(void)
{
    log.n = 0;
    apic_send(0, ICR_SELF | ICR_ASSERT | 0x51);
    __asm__ volatile("sti; cli; nop");
    check_eq(log.n, 0, "STI; CLI lets nothing in");
    __asm__ volatile("sti; hlt; cli");
    check_eq(log.n, 1, "STI; HLT wakes up");
    log.n = 0;
    *apic(APIC_LVT_TIMER) = 0x43;
    *apic(APIC_INITIAL) = 200000;
    __asm__ volatile("sti; hlt; cli");
    check_eq(log.n, 1, "HLT until the timer");
}

static volatile unsigned nmis, nmi_depth, nmi_max_depth;

static void on_nmi(Frame *f)
{
    (void)f;
    nmi_depth++;
    nmi_max_depth = nmi_depth > nmi_max_depth ? nmi_depth : nmi_max_depth;
    if (++nmis == 1) {
        apic_send(*apic(APIC_ID) >> 24, ICR_ASSERT | 0x400);
        __asm__ volatile("nop; nop; nop");
    }
    nmi_depth--;
}

static void test_nmi(void)
{
    on_vector(2, on_nmi);
    apic_send(*apic(APIC_ID) >> 24, ICR_ASSERT | 0x400);
    wait_for(&nmis, 2);
    check_eq(nmis, 2, "NMI, and another one from its handler");
    check_eq(nmi_max_depth, 1, "the second waits for IRET");
}

/* --- other processors --- */

static volatile unsigned received[8], running, last_started;
static volatile uint8_t received_vector[8];

static void on_ipi(Frame *f)
{
    unsigned id = *apic(APIC_ID) >> 24;

    received_vector[id] = f->vector;
    received[id]++;
    *apic(APIC_EOI) = 0;
}

static void ap_main(unsigned index)
{
    unsigned id;

    *apic(APIC_SVR) = 0x1ff;
    id = *apic(APIC_ID) >> 24;
    *apic(APIC_DFR) = 0xffffffff;
    *apic(APIC_LDR) = 1u << id << 24;
    last_started = index;
    __atomic_add_fetch(&running, 1, __ATOMIC_SEQ_CST);
    for (;;) {
        __asm__ volatile("sti; hlt");
    }
}

static uint32_t counts(void)
{
    return received[0] | received[1] << 8 | received[2] << 16;
}

static void expect_ipi(const char *what, uint32_t destination, uint32_t command,
                       uint32_t want)
{
    unsigned i, total = (want & 0xff) + (want >> 8 & 0xff) + (want >> 16);
    uint64_t end = rdtsc() + 3000000000ull;

    for (i = 0; i < 3; i++) {
        received[i] = 0;
    }
    apic_send(destination, command | ICR_ASSERT | 0xa0);
    do {
        let_in();
    } while (received[0] + received[1] + received[2] < total && rdtsc() < end);
    for (i = 0; i < 1000; i++) {
        let_in();
    }
    check_eq(counts(), want, "%s", what);
}

static void test_ipis(void)
{
    on_vector(0xa0, on_ipi);
    *apic(APIC_DFR) = 0xffffffff;
    *apic(APIC_LDR) = 1 << 24;
    expect_ipi("fixed, to 1", 1, 0, 0x000100);
    expect_ipi("fixed, to itself", 0, 0, 0x000001);
    expect_ipi("self", 0, ICR_SELF, 0x000001);
    expect_ipi("all", 0, ICR_ALL, 0x010101);
    expect_ipi("all but self", 0, ICR_OTHERS, 0x010100);
    expect_ipi("physical broadcast", 0xff, 0, 0x010101);
    expect_ipi("logical, 1 and 2", 6, ICR_LOGICAL, 0x010100);
    expect_ipi("logical, none", 0x80, ICR_LOGICAL, 0);
    expect_ipi("nobody", 7, 0, 0);
    *apic(APIC_TPR) = 0xb0;
    expect_ipi("lowest priority, 0 busy", 3, ICR_LOGICAL | 0x100, 0x000100);
    *apic(APIC_TPR) = 0;
}

/* INIT stops a processor; only a startup IPI brings it back. */
static void test_init(void)
{
    uint64_t end;

    received[1] = 0;
    apic_send(1, ICR_ASSERT | 0x8000 | 0x500);
    end = rdtsc() + 20000000;
    while (rdtsc() < end) {
    }
    apic_send(1, ICR_ASSERT | 0xa0);
    end = rdtsc() + 20000000;
    while (rdtsc() < end) {
    }
    check_eq(received[1], 0, "after INIT no interrupt is taken");
    running = 0;
    apic_send(1, ICR_ASSERT | 0x608);
    check(wait_for(&running, 1), "a startup IPI starts it again");
    check_eq(last_started, CPUS, "through its start code");
    apic_send(1, ICR_ASSERT | 0x608);
    end = rdtsc() + 20000000;
    while (rdtsc() < end) {
    }
    check_eq(running, 1, "a second startup IPI does nothing");
    expect_ipi("it takes interrupts again", 1, 0, 0x000100);
}

/* --- errors, x2APIC --- */

static void test_errors(void)
{
    *apic(APIC_ESR) = 0;
    *apic(APIC_ESR) = 0;
    check_eq(*apic(APIC_ESR), 0, "ESR is clear");
    apic_send(0, ICR_SELF | ICR_ASSERT | 5);
    *apic(APIC_ESR) = 0;
    check_eq(*apic(APIC_ESR) & 0x20, 0x20, "send illegal vector");
    *apic(APIC_ESR) = 0;
    check_eq(*apic(APIC_ESR), 0, "it is gone with the next write");
}

static void write_base(void *arg)
{
    wrmsr(MSR_APIC_BASE, (uintptr_t)arg);
}

static void read_reserved(void *arg)
{
    (void)arg;
    rdmsr(0x831); /* no ICR high in x2APIC mode */
}

static void write_self_bad(void *arg)
{
    (void)arg;
    wrmsr(0x808, 0x100);
}

static void on_x2apic(Frame *f)
{
    (void)f;
    log.n++;
    wrmsr(0x80b, 0);
}

static void test_x2apic(void)
{
    uint64_t base = rdmsr(MSR_APIC_BASE);
    uint32_t id = *apic(APIC_ID) >> 24;

    if (!(cpuid(1, 0).c >> 21 & 1)) {
        return;
    }
    check_eq(base & 0xfff, 0x900, "APIC base: bootstrap, enabled");
    check_eq(catch(read_reserved, NULL, NULL), 13, "MSRs in xAPIC mode");
    wrmsr(MSR_APIC_BASE, base | 0x400);
    check_eq(rdmsr(0x802), id, "x2APIC ID");
    check_eq(rdmsr(0x80d), (id >> 4) << 16 | 1 << (id & 15), "its LDR");
    log.n = 0;
    on_vector(0x52, on_x2apic);
    wrmsr(0x83f, 0x52);
    check_eq(rdmsr(0x822) >> 0x12 & 1, 1, "self IPI sets IRR");
    let_in();
    check_eq(log.n, 1, "self IPI comes");
    wrmsr(0x830, (uint64_t)id << 32 | ICR_ASSERT | 0x52);
    let_in();
    check_eq(log.n, 2, "ICR as one MSR");
    check_eq(rdmsr(0x80a), 0, "PPR after EOI");
    check_eq(catch(read_reserved, NULL, NULL), 13, "no MSR 831h");
    check_eq(catch(write_self_bad, NULL, NULL), 13, "reserved bits of TPR");
    check_eq(catch(write_base, (void *)base, NULL), 13,
             "x2APIC to xAPIC is not allowed");
    wrmsr(MSR_APIC_BASE, base & ~0xc00ull);
    wrmsr(MSR_APIC_BASE, base);
    check_eq(*apic(APIC_ID) >> 24, id, "xAPIC again");
}

int main(void)
{
    unsigned v;

    for (v = 0x40; v < 0x100; v++) {
        if (v != USER_EXIT) {
            on_vector(v, on_vector_log);
        }
    }
    *apic(APIC_SVR) = 0x1ff;
    test_one_shot();
    test_periodic();
    test_deadline();
    test_priorities();
    test_tpr();
    test_nesting();
    test_sti();
    test_nmi();
    smp_start(ap_main);
    check(wait_for(&running, CPUS - 1), "processors");
    test_ipis();
    test_init();
    test_errors();
    test_x2apic();
    return 0;
}
