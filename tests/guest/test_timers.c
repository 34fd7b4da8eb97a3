/* SPDX-License-Identifier: MIT */
/*
 * The clocks of a PC run at the rates they declare: PIT, RTC, ACPI PM timer,
 * HPET and TSC agree within 1%; each of the first four interrupts.
 * Source: Intel 8254 datasheet; MC146818 datasheet; ACPI 4.8.3.3 "Power
 * Management Timer"; IA-PC HPET specification 1.0a, 2.3.
 */
#include "guest.h"

#define HPET   0xfed00000ull
#define IOAPIC 0xfec00000ull
#define APIC   0xfee00000ull

#define PIT_HZ 1193182ull
#define PM_HZ  3579545ull
#define RTC_HZ 16ull

static uint16_t pm_base;
static uint64_t hpet_period_fs;

static volatile uint32_t *mmio(uint64_t addr)
{
    return (uint32_t *)addr;
}

static uint64_t rdtsc(void)
{
    uint32_t lo, hi;

    __asm__ volatile("lfence; rdtsc; lfence" : "=a"(lo), "=d"(hi));
    return (uint64_t)hi << 32 | lo;
}

/* --- the counters --- */

static uint64_t read_hpet(void)
{
    return *(volatile uint64_t *)(HPET + 0xf0);
}

static uint64_t read_pm(void)
{
    return inl(pm_base + 8);
}

/* Channel 2 counts down from 65536 in mode 2. */
static uint64_t read_pit(void)
{
    unsigned lo, hi;

    outb(0x43, 0x80);
    lo = inb(0x42);
    hi = inb(0x42);
    return 0x10000 - (hi << 8 | lo);
}

static void start_pit(void)
{
    outb(0x61, (inb(0x61) & ~3) | 1);
    outb(0x43, 0xb4);
    outb(0x42, 0);
    outb(0x42, 0);
}

static uint32_t pci_read(unsigned slot, unsigned fn, unsigned where)
{
    outl(0xcf8, 0x80000000 | slot << 11 | fn << 8 | where);
    return inl(0xcfc);
}

typedef struct Sample {
    uint64_t tsc, value;
} Sample;

/* A counter and the TSC at the same time: the try of many that was least
 * disturbed by the host. */
static Sample sample(uint64_t (*read)(void))
{
    uint64_t best = ~0ull;
    Sample s = {0, 0};
    unsigned i;

    for (i = 0; i < 50; i++) {
        uint64_t a = rdtsc(), value = read(), b = rdtsc();

        if (b - a < best) {
            best = b - a;
            s = (Sample){a + (b - a) / 2, value};
        }
    }
    return s;
}

static void wait_tsc(uint64_t ticks)
{
    uint64_t end = rdtsc() + ticks;

    while (rdtsc() < end) {
    }
}

/* TSC ticks per second by one counter, over some 20 ms. */
static uint64_t tsc_rate(uint64_t (*read)(void), uint64_t mask, uint64_t hz,
                         uint64_t window)
{
    Sample a = sample(read), b;

    wait_tsc(window);
    b = sample(read);
    return (b.tsc - a.tsc) * hz / ((b.value - a.value) & mask);
}

/* By the RTC: between two of its periodic flags, 32 periods apart. */
static uint64_t wait_rtc_edge(unsigned edges)
{
    uint64_t t = 0;

    outb(0x70, 0x0c);
    while (edges) {
        if (inb(0x71) & 0x40) {
            t = rdtsc();
            edges--;
        }
    }
    return t;
}

#define RTC_EDGES 8 /* half a second: late polls hardly count */

static uint64_t tsc_rate_by_rtc(void)
{
    uint64_t start;

    outb(0x70, 0x0a);
    outb(0x71, 0x2c); /* 16 Hz */
    outb(0x70, 0x0b);
    outb(0x71, inb(0x71) | 0x40); /* QEMU sets no flag else */
    wait_rtc_edge(2);
    start = wait_rtc_edge(1);
    return (wait_rtc_edge(RTC_EDGES) - start) * RTC_HZ / RTC_EDGES;
}

static bool close(uint64_t a, uint64_t b)
{
    uint64_t d = a > b ? a - b : b - a;

    return d < b / 100;
}

/* A busy host may hold a vCPU up for longer than a counter takes to wrap. */
static void check_rate(const char *name, uint64_t (*read)(void), uint64_t mask,
                       uint64_t hz, uint64_t window, uint64_t want)
{
    unsigned tries;

    for (tries = 0; tries < 5; tries++) {
        if (close(tsc_rate(read, mask, hz, window), want)) {
            break;
        }
    }
    check(tries < 5, "%s and HPET agree", name);
}

static void test_rates(void)
{
    uint64_t hz = 1000000000000000ull / hpet_period_fs;
    uint64_t guess = tsc_rate(read_hpet, 0xffffffff, hz, 5000000);
    uint64_t window = guess / 50, by_hpet, by_rtc;
    unsigned tries;

    by_hpet = tsc_rate(read_hpet, 0xffffffff, hz, window);
    check_rate("PM timer", read_pm, 0xffffff, PM_HZ, window, by_hpet);
    start_pit();
    check_rate("PIT", read_pit, 0xffff, PIT_HZ, window, by_hpet);
    for (tries = 0; tries < 5; tries++) { /* its edges cannot be sampled */
        by_rtc = tsc_rate_by_rtc();
        if (close(by_rtc, by_hpet)) {
            break;
        }
    }
    check(close(by_rtc, by_hpet), "RTC and HPET agree");
}

static void test_monotonic(void)
{
    uint64_t tsc = rdtsc(), hpet = read_hpet(), pm = read_pm();
    unsigned i, wrong = 0;

    for (i = 0; i < 5000; i++) {
        uint64_t t = rdtsc(), h = read_hpet(), p = read_pm();

        wrong += t < tsc || h < hpet || ((p - pm) & 0xffffff) > 0x7fffff;
        tsc = t;
        hpet = h;
        pm = p;
    }
    check_eq(wrong, 0, "TSC, HPET and PM timer never go back");
}

static void test_tsc_msr(void)
{
    uint64_t before, after;

    wrmsr(0x10, 1000000000000ull);
    before = rdtsc();
    check(before >= 1000000000000ull && before < 1100000000000ull,
          "TSC goes on from what its MSR is set to");
    wrmsr(0x10, 0);
    after = rdtsc();
    check(after < before, "it can be set back");
}

/* --- interrupts --- */

static volatile unsigned ticks;

static void on_tick(Frame *f)
{
    (void)f;
    ticks++;
    outb(0x70, 0x0c);
    inb(0x71);
    *mmio(APIC + 0xb0) = 0;
}

static void route(unsigned pin, uint32_t low)
{
    *mmio(IOAPIC) = 0x11 + 2 * pin;
    *mmio(IOAPIC + 16) = 0;
    *mmio(IOAPIC) = 0x10 + 2 * pin;
    *mmio(IOAPIC + 16) = low;
}

static void expect_ticks(const char *what, unsigned want)
{
    uint64_t end = rdtsc() + 30000000000ull; /* a busy host */

    ticks = 0;
    while (ticks < want && rdtsc() < end) {
        __asm__ volatile("sti; nop; nop; cli" ::: "memory");
    }
    check(ticks >= want, "%s interrupts", what);
}

static void test_interrupts(void)
{
    on_vector(0x50, on_tick);
    *mmio(APIC + 0xf0) = 0x1ff;
    outb(0x43, 0x34); /* channel 0, mode 2, 1 kHz */
    outb(0x40, 1193 & 0xff);
    outb(0x40, 1193 >> 8);
    route(2, 0x50);
    expect_ticks("PIT", 10);
    route(2, 0x10000);
    outb(0x70, 0x0a);
    outb(0x71, 0x26); /* 1024 Hz */
    outb(0x70, 0x0b);
    outb(0x71, inb(0x71) | 0x40); /* PIE */
    route(8, 0x50);
    outb(0x70, 0x0c);
    inb(0x71);
    expect_ticks("RTC", 10);
    outb(0x70, 0x0b);
    outb(0x71, inb(0x71) & ~0x40);
    route(8, 0x10000);
}

/* Timer 0 on I/O APIC pin 2, edge. */
static void test_hpet_interrupts(void)
{
    uint64_t ms = 1000000000000ull / hpet_period_fs;

    route(2, 0x50);
    *mmio(HPET + 0x100) = 2 << 9 | 1 << 6 | 1 << 3 | 1 << 2; /* periodic */
    *(volatile uint64_t *)(HPET + 0x108) = read_hpet() + ms;
    *(volatile uint64_t *)(HPET + 0x108) = ms;
    expect_ticks("HPET periodic", 10);
    *mmio(HPET + 0x100) = 2 << 9 | 1 << 2; /* one shot */
    *(volatile uint64_t *)(HPET + 0x108) = read_hpet() + ms;
    expect_ticks("HPET one-shot", 1);
    *mmio(HPET + 0x100) = 0;
    route(2, 0x10000);
}

int main(void)
{
    hpet_period_fs = *mmio(HPET + 4);
    check(hpet_period_fs && hpet_period_fs <= 100000000, "HPET's period");
    *mmio(HPET + 0x10) = 1;
    pm_base = pci_read(1, 3, 0x40) & 0xffc0;
    check(pm_base, "PM timer's base");
    if (!hpet_period_fs || !pm_base) {
        return 1;
    }
    test_rates();
    test_monotonic();
    test_tsc_msr();
    test_interrupts();
    test_hpet_interrupts();
    return 0;
}
