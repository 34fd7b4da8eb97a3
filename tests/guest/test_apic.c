/* SPDX-License-Identifier: MIT */
/*
 * Local APIC: timer modes, priorities, IPIs of every kind, INIT and startup,
 * NMI, errors.
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

static void set_mode(uint32_t mode)
{
    *apic(APIC_LVT_TIMER) = LVT_MASKED | mode;
}

static void count_down(uint32_t count)
{
    SPIN_UNTIL(*apic(APIC_CURRENT) <= count)
    {
    }
}

#define LONG_COUNT 40000000u

/* Half a round as one shot, on as periodic and, in the second round, as one
 * shot again. False if some value was not what a prompt host would show. */
static bool change_modes(void)
{
    uint32_t first, second;

    set_mode(0);
    *apic(APIC_INITIAL) = LONG_COUNT;
    count_down(LONG_COUNT / 2);
    set_mode(LVT_PERIODIC);
    first = *apic(APIC_CURRENT);
    second = first;
    SPIN_UNTIL(!second || second > LONG_COUNT / 2)
    {
        second = *apic(APIC_CURRENT);
    }
    count_down(LONG_COUNT / 2);
    set_mode(0);
    return first && first <= LONG_COUNT / 2 && second <= LONG_COUNT &&
           *apic(APIC_CURRENT) && *apic(APIC_CURRENT) <= LONG_COUNT / 2;
}

/* SDM vol. 3A, 11.5.4 "APIC Timer": the count goes on over a change of mode,
 * and one that has reached 0 stays there until the initial count is written. */
static void test_mode_changes(void)
{
    unsigned tries = 1;

    *apic(APIC_DIVIDE) = 0xb;
    while (!change_modes() && tries < 50) {
        tries++;
    }
    check(tries < 50, "the count goes on, one-shot to periodic and back");
    check_eq(*apic(APIC_INITIAL), LONG_COUNT, "the initial count stays");
    count_down(0);
    set_mode(LVT_PERIODIC);
    check_eq(*apic(APIC_CURRENT), 0, "what has stopped stays so");
    *apic(APIC_INITIAL) = LONG_COUNT;
    check(*apic(APIC_CURRENT) > 0, "until the initial count is written");
    *apic(APIC_INITIAL) = 0;
}

/* Ticks in a time of the TSC's, at divide configuration @code. */
static uint32_t ticks(uint32_t code)
{
    uint64_t end;

    *apic(APIC_DIVIDE) = code;
    *apic(APIC_INITIAL) = 0xffffffff;
    end = rdtsc() + 20000000;
    while (rdtsc() < end) {
    }
    return 0xffffffff - *apic(APIC_CURRENT);
}

/* Each against the fastest; a host that is busy makes some of them late. */
static void test_divide(void)
{
    static const uint8_t code[] = {0, 1, 2, 3, 8, 9, 10};
    unsigned i, n, wrong = 0;

    set_mode(0);
    for (i = 0; i < sizeof(code); i++) {
        bool right = false;

        for (n = 0; n < 20 && !right; n++) {
            uint32_t full = ticks(0xb), slow = ticks(code[i]) << (i + 1);

            right = slow > full - full / 8 && slow < full + full / 8;
        }
        wrong += !right;
    }
    check_eq(wrong, 0, "divide by 2 to 128");
    *apic(APIC_DIVIDE) = 0xff;
    check_eq(*apic(APIC_DIVIDE), 0xb, "bit 2 of the configuration reads 0");
    *apic(APIC_INITIAL) = 0;
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
    let_in();
    check_eq(log.n, 2, "a deadline in the past comes at once");
    check_eq(rdmsr(MSR_TSC_DEADLINE), 0, "and is disarmed");
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

static volatile unsigned reply; /* of what the others were told to do */

/* In the cluster model each has a cluster and a bit of four in it. */
static void on_cluster(Frame *f)
{
    static const uint8_t ldr[CPUS] = {0x11, 0x12, 0x21};

    (void)f;
    *apic(APIC_DFR) = 0x0fffffff;
    *apic(APIC_LDR) = (uint32_t)ldr[apic_id()] << 24;
    apic_eoi();
    __atomic_add_fetch(&reply, 1, __ATOMIC_SEQ_CST);
}

static void on_flat(Frame *f)
{
    (void)f;
    *apic(APIC_DFR) = 0xffffffff;
    *apic(APIC_LDR) = 1u << apic_id() << 24;
    apic_eoi();
    __atomic_add_fetch(&reply, 1, __ATOMIC_SEQ_CST);
}

static void everywhere(void (*handler)(Frame *))
{
    on_vector(0xa1, handler);
    reply = 0;
    apic_send(0, ICR_ALL | ICR_ASSERT | 0xa1);
    wait_for(&reply, CPUS);
}

/* SDM vol. 3A, 11.6.2.2 "Logical Destination Mode" */
static void test_clusters(void)
{
    everywhere(on_cluster);
    expect_ipi("cluster 1, its first", 0x11, ICR_LOGICAL, 0x000001);
    expect_ipi("cluster 1, both", 0x13, ICR_LOGICAL, 0x000101);
    expect_ipi("cluster 2, all four", 0x2f, ICR_LOGICAL, 0x010000);
    expect_ipi("cluster 2, none of them", 0x2e, ICR_LOGICAL, 0);
    expect_ipi("the first of all clusters", 0xf1, ICR_LOGICAL, 0x010001);
    expect_ipi("all of all clusters", 0xff, ICR_LOGICAL, 0x010101);
    everywhere(on_flat);
    expect_ipi("flat again", 6, ICR_LOGICAL, 0x010100);
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
    expect_ipi("logical, all", 0xff, ICR_LOGICAL, 0x010101);
    expect_ipi("self, whatever the destination", 1, ICR_SELF, 0x000001);
    *apic(APIC_TPR) = 0xb0;
    expect_ipi("lowest priority, 0 busy", 3, ICR_LOGICAL | ICR_LOWEST,
               0x000100);
    *apic(APIC_TPR) = 0;
    test_clusters();
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

/* --- where the registers are, and whether they work --- */

#define MOVED 0xfed40000ull

/* SDM vol. 3A, 11.4.5 "Relocating the Local APIC Registers" */
static void test_relocation(void)
{
    uint64_t base = rdmsr(MSR_APIC_BASE);
    volatile uint32_t *moved = (uint32_t *)MOVED;
    uint32_t version = *apic(APIC_VERSION);

    wrmsr(MSR_APIC_BASE, (base & 0xfff) | MOVED);
    check_eq(moved[4 * APIC_VERSION], version, "registers elsewhere");
    check(*apic(APIC_VERSION) != version, "and no more where they were");
    log.n = 0;
    moved[4 * APIC_ICR] = ICR_SELF | ICR_ASSERT | 0x61;
    check_eq(moved[4 * (APIC_IRR + 3)] >> 1 & 1, 1, "they work there");
    wrmsr(MSR_APIC_BASE, base);
    let_in();
    check_eq(log.n, 1, "back");
    check_eq(*apic(APIC_VERSION), version, "as before");
    check(moved[4 * APIC_VERSION] != version, "nothing is left there");
}

/* 11.4.7.2 "Local APIC State After It Has Been Software Disabled" */
static void test_software_disable(void)
{
    log.n = 0;
    *apic(APIC_LVT_TIMER) = 0x46;
    apic_send(0, ICR_SELF | ICR_ASSERT | 0x62);
    *apic(APIC_SVR) = 0xff;
    check_eq(*apic(APIC_LVT_TIMER), LVT_MASKED | 0x46, "entries are masked");
    *apic(APIC_LVT_TIMER) = 0x46;
    check_eq(*apic(APIC_LVT_TIMER), LVT_MASKED | 0x46, "and stay so");
    check(apic_bit(APIC_IRR, 0x62), "what is pending is held");
    apic_send(0, ICR_SELF | ICR_ASSERT | 0x63);
    apic_enable();
    let_in();
    check_eq(log.n, 1, "and comes; what was sent meanwhile does not");
    *apic(APIC_LVT_TIMER) = LVT_MASKED;
}

/* --- errors --- */

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
    log.n = 0;
    *apic(APIC_LVT_ERROR) = 0xe0;
    *apic(0x3f) = 0; /* no register there */
    let_in();
    check_eq(log.n, 1, "an error interrupts");
    check_eq(log.vector[0], 0xe0, "with its vector");
    *apic(APIC_ESR) = 0;
    check_eq(*apic(APIC_ESR), 0x80, "illegal register address");
    *apic(APIC_LVT_ERROR) = LVT_MASKED;
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
    test_mode_changes();
    test_divide();
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
    test_relocation();
    test_software_disable();
    test_errors();
    return 0;
}
