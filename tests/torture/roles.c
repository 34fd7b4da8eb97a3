/* SPDX-License-Identifier: MIT */
/*
 * The guest that tests/torture/hold watches: four processors, each of which
 * does one thing again and again, and notes the longest time that one turn
 * took. Processor 0 reads the serial port all the time, and obeys:
 *
 *   XYZ   roles of processors 1 to 3 from now on: "phase" when they have them
 *   ?     "gaps", the longest turn of each in ms; "ticks", of the timer of
 * each, which goes off once in a phase; what is lost q     the end
 *
 * Source: SDM vol. 3A, 11 "Advanced Programmable Interrupt Controller"; Intel
 * 440FX PCIset datasheet (290549), chapter 3, PAM.
 * guest: -smp 4
 */
#include "apic.h"

#define CPUS      4
#define COM1      0x3f8
#define V_PING    0xa0
#define V_TIMER   0xa1
#define LONG_TIME 30000000000ull /* TSC counts ns: long after any hold */
#define NS_PER_MS 1000000u
#define TICK_MS   700
#define PAM3      (0x80000000u | 0x5c) /* with PAM4 to PAM6: D0000h-EFFFFh */

typedef struct Cpu {
    volatile uint32_t phase; /* it has begun */
    uint64_t last, gap;      /* TSC */
    volatile uint32_t ticks;
    volatile bool answered; /* its ping */
    uint32_t number;        /* that its function gives */
    uint8_t pad[64];
} Cpu;

static Cpu cpu[CPUS];
static volatile uint32_t phase, lost, ready;
static volatile char role[CPUS];
static uint8_t *functions, *counters; /* one page; two pages */
static volatile uint32_t pinger;      /* who waits for an answer */

static Cpu *this_cpu(void)
{
    return &cpu[apic_id()];
}

/* --- interrupts --- */

static void on_ping(Frame *f)
{
    (void)f;
    cpu[pinger].answered = true;
    apic_eoi();
}

static void on_timer(Frame *f)
{
    (void)f;
    this_cpu()->ticks++;
    apic_eoi();
}

/* One tick, in the middle of a hold that begins soon. */
static void start_timer(void)
{
    *apic(APIC_DIVIDE) = 0xb;
    *apic(APIC_LVT_TIMER) = V_TIMER;
    *apic(APIC_INITIAL) = TICK_MS * NS_PER_MS;
}

static void do_ping(Cpu *c, unsigned index)
{
    uint64_t end = rdtsc() + LONG_TIME;

    c->answered = false;
    pinger = index;
    __asm__ volatile("cli");
    apic_send(1, ICR_ASSERT | V_PING);
    __asm__ volatile("sti");
    while (!c->answered) {
        if (rdtsc() > end) {
            __atomic_add_fetch(&lost, 1, __ATOMIC_SEQ_CST);
            return;
        }
        __asm__ volatile("pause");
    }
}

/* --- the other roles --- */

static void do_compute(void)
{
    for (volatile unsigned i = 0; i < 1000; i++) {
    }
}

/* A function of its own in a page that they share. */
static void do_patch(Cpu *c, unsigned index)
{
    uint8_t *function = functions + 256 * index + 3;

    *(volatile uint32_t *)(function + 1) = ++c->number;
    if (call_code(function) != c->number) {
        __atomic_add_fetch(&lost, 1, __ATOMIC_SEQ_CST);
    }
}

/* Nobody else touches the bridge. */
static void do_map(Cpu *c)
{
    outl(0xcf8, PAM3);
    outl(0xcfc, ++c->number % 2 ? 0x33333333 : 0);
}

static void do_turn(Cpu *c, unsigned index)
{
    switch (role[index]) {
    case 'c':
        do_compute();
        break;
    case 'u':
        cpuid(0, 0);
        break;
    case 'd':
        (void)inb(0x61);
        break;
    case 'x':
        __asm__ volatile("lock incq (%0)" ::"r"(counters + 4093)
                         : "memory", "cc");
        break;
    case 'i':
        do_ping(c, index);
        break;
    case 'k':
        do_patch(c, index);
        break;
    case 'm':
        do_map(c);
        break;
    }
}

static void turn(unsigned index)
{
    Cpu *c = &cpu[index];
    uint64_t now;

    if (c->phase != phase) {
        c->ticks = 0;
        start_timer();
        c->gap = 0;
        c->last = rdtsc();
        __atomic_store_n(&c->phase, phase, __ATOMIC_SEQ_CST);
    }
    do_turn(c, index);
    now = rdtsc();
    if (now - c->last > c->gap) {
        c->gap = now - c->last;
    }
    c->last = now;
}

/* --- the host's words; processor 0 --- */

static void begin_phase(char first)
{
    role[1] = first;
    for (unsigned i = 2; i < CPUS; i++) {
        while (!(inb(COM1 + 5) & 1)) {
        }
        role[i] = inb(COM1);
    }
    phase++;
    for (unsigned i = 1; i < CPUS; i++) {
        while (cpu[i].phase != phase) {
            __asm__ volatile("pause");
        }
    }
    turn(0);
    print("phase\n");
}

/* The turn that it is in counts, too. */
static unsigned gap_ms(const Cpu *c)
{
    int64_t so_far = rdtsc() - *(volatile const uint64_t *)&c->last;
    int64_t gap = *(volatile const uint64_t *)&c->gap;

    return (so_far > gap ? so_far : gap) / NS_PER_MS;
}

static void report(void)
{
    unsigned gap[CPUS], ticks[CPUS], i;

    for (i = 0; i < CPUS; i++) {
        gap[i] = gap_ms(&cpu[i]);
        ticks[i] = cpu[i].ticks;
    }
    print("gaps %u %u %u %u ticks %u %u %u %u lost %u end\n", gap[0], gap[1],
          gap[2], gap[3], ticks[0], ticks[1], ticks[2], ticks[3], lost);
}

/* False: the end. */
static bool obey(void)
{
    char word;

    turn(0);
    if (!(inb(COM1 + 5) & 1)) {
        return true;
    }
    word = inb(COM1);
    if (word == '?') {
        report();
    } else if (word != 'q') {
        begin_phase(word);
    }
    return word != 'q';
}

/* --- */

static void ap_main(unsigned unused)
{
    unsigned index = apic_id();

    (void)unused;
    apic_enable();
    __atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST);
    __asm__ volatile("sti");
    for (;;) {
        turn(index);
    }
}

int main(void)
{
    unsigned i;

    functions = page_alloc();
    counters = page_alloc();
    (void)page_alloc();
    for (i = 0; i < CPUS; i++) {
        role[i] = 'c';
        functions[256 * i + 3] = 0xb8; /* MOV EAX, imm32, aligned; RET */
        functions[256 * i + 8] = 0xc3;
    }
    role[0] = 'd';
    on_vector(V_PING, on_ping);
    on_vector(V_TIMER, on_timer);
    apic_enable();
    smp_start(ap_main);
    while (ready != CPUS - 1) {
    }
    __asm__ volatile("sti");
    print("roles: running\n");
    while (obey()) {
    }
    __asm__ volatile("cli");
    check_eq(lost, 0, "what was lost");
    return 0;
}
