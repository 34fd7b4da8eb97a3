/* SPDX-License-Identifier: MIT */
/*
 * The torture guest: all processors at once take locks, count with locked
 * instructions, send interrupts, shoot down pages, change code that others run,
 * start and stop APIC timers, sleep, hammer devices and move what the memory
 * map shows, each picking what to do at random, until the host sends a 'q'.
 * Whatever breaks an invariant, or has not come after a long time, is an error.
 *
 * It says "torture: running" when all have started, so that the host can tell a
 * reset, and "torture: N turns" now and then.
 * Source: SDM vol. 3A, 8 "Multiple-Processor Management", 11 "Advanced
 * Programmable Interrupt Controller"; Intel 440FX PCIset datasheet (290549),
 * chapter 3, PAM; VIRTIO 1.1, 4.1.4.3 "Common configuration structure
 * layout".
 */
#include "apic.h"

#define MAX_CPUS  8
#define COM1      0x3f8
#define V_MAIL    0xa0
#define V_DROP    0xa1
#define V_TIMER   0xa2
#define VA        0x200000000ull
#define LONG_TIME 20000000000ull /* TSC: some ten seconds */

static volatile unsigned cpus;
static volatile uint32_t ready, stopping, stopped, errors;

typedef struct Cpu {
    uint64_t random, turns;
    uint64_t counted[8];     /* what it added to each counter */
    volatile uint32_t ticks; /* of its timer */
    volatile uint32_t mail[MAX_CPUS], nmi_mail[MAX_CPUS]; /* by sender */
    uint8_t pad[64];
} Cpu;

static Cpu cpu[MAX_CPUS];

/* --- what goes wrong --- */

static uint32_t print_lock;

static void say(const char *what, unsigned index)
{
    while (__atomic_exchange_n(&print_lock, 1, __ATOMIC_SEQ_CST)) {
        __asm__ volatile("pause");
    }
    print("torture: cpu %u: %s\n", index, what);
    __atomic_store_n(&print_lock, 0, __ATOMIC_SEQ_CST);
}

static void wrong(const char *what, unsigned index)
{
    if (__atomic_add_fetch(&errors, 1, __ATOMIC_SEQ_CST) < 20) {
        say(what, index);
    }
}

/* Wait for @cond, with interrupts let in. */
#define WAIT_FOR(cond, what, index)                                            \
    do {                                                                       \
        uint64_t end_ = rdtsc() + LONG_TIME;                                   \
        while (!(cond)) {                                                      \
            __asm__ volatile("pause");                                         \
            if (rdtsc() > end_) {                                              \
                wrong(what, index);                                            \
                break;                                                         \
            }                                                                  \
        }                                                                      \
    } while (0)

static uint64_t pick(Cpu *c, uint64_t below)
{
    c->random ^= c->random >> 12;
    c->random ^= c->random << 25;
    c->random ^= c->random >> 27;
    return (c->random * 0x2545f4914f6cdd1d >> 16) % below;
}

static Cpu *this_cpu(void)
{
    return &cpu[apic_id()];
}

/* --- locks --- */

static volatile uint32_t spin, ticket_next, ticket_now;
static volatile uint64_t guarded[2][2]; /* by spin lock, by ticket lock */

static void bump_pair(unsigned which, unsigned index)
{
    if (guarded[which][0] != guarded[which][1]) {
        wrong("a lock did not exclude", index);
    }
    guarded[which][0]++;
    guarded[which][1]++;
}

static void do_spin(Cpu *c, unsigned index)
{
    (void)c;
    WAIT_FOR(!__atomic_exchange_n(&spin, 1, __ATOMIC_SEQ_CST), "spin lock",
             index);
    bump_pair(0, index);
    __atomic_store_n(&spin, 0, __ATOMIC_RELEASE);
}

static void do_ticket(Cpu *c, unsigned index)
{
    uint32_t mine = __atomic_fetch_add(&ticket_next, 1, __ATOMIC_SEQ_CST);

    (void)c;
    WAIT_FOR(ticket_now == mine, "ticket lock", index);
    bump_pair(1, index);
    __atomic_store_n(&ticket_now, mine + 1, __ATOMIC_RELEASE);
}

/* --- counters: the last four over lines and pages --- */

static uint8_t *counters; /* three pages */
static const struct {
    unsigned offset, bytes;
} places[8] = { { 0, 1 },   { 64, 2 },  { 128, 4 },  { 192, 8 },
                { 255, 2 }, { 381, 8 }, { 8191, 2 }, { 4093, 8 } };

static void do_count(Cpu *c, unsigned index)
{
    unsigned n = pick(c, 16) ? pick(c, 6) : 6 + pick(c, 2);
    void *at = counters + places[n].offset;

    (void)index;
    switch (places[n].bytes) {
    case 1:
        __asm__ volatile("lock incb (%0)" ::"r"(at) : "memory", "cc");
        break;
    case 2:
        __asm__ volatile("lock addw $1, (%0)" ::"r"(at) : "memory", "cc");
        break;
    case 4:
        __asm__ volatile("lock xaddl %1, (%0)" ::"r"(at), "r"(1)
                         : "memory", "cc");
        break;
    case 8:
        __asm__ volatile("1: mov (%0), %%rax; lea 1(%%rax), %%rcx;"
                         "lock cmpxchg %%rcx, (%0); jnz 1b" ::"r"(at)
                         : "rax", "rcx", "memory", "cc");
        break;
    }
    c->counted[n]++;
}

/* --- interrupts --- */

static void take_mail(volatile uint32_t *mail)
{
    for (unsigned i = 0; i < MAX_CPUS; i++) {
        __atomic_store_n(&mail[i], 0, __ATOMIC_SEQ_CST);
    }
}

static void on_mail(Frame *f)
{
    (void)f;
    take_mail(this_cpu()->mail);
    apic_eoi();
}

static void on_nmi(Frame *f)
{
    (void)f;
    take_mail(this_cpu()->nmi_mail);
}

static void do_ipi(Cpu *c, unsigned index)
{
    unsigned to = pick(c, cpus);
    bool nmi = pick(c, 4) == 0;
    volatile uint32_t *mail = nmi ? cpu[to].nmi_mail : cpu[to].mail;

    __atomic_store_n(&mail[index], 1, __ATOMIC_SEQ_CST);
    __asm__ volatile("cli");
    apic_send(to, ICR_ASSERT | (nmi ? ICR_NMI : V_MAIL));
    __asm__ volatile("sti");
    WAIT_FOR(!mail[index], nmi ? "a lost NMI" : "a lost IPI", index);
}

static void do_broadcast(Cpu *c, unsigned index)
{
    unsigned i;

    (void)c;
    for (i = 0; i < cpus; i++) {
        __atomic_store_n(&cpu[i].mail[index], i != index, __ATOMIC_SEQ_CST);
    }
    __asm__ volatile("cli");
    apic_send(0, ICR_OTHERS | ICR_ASSERT | V_MAIL);
    __asm__ volatile("sti");
    for (i = 0; i < cpus; i++) {
        WAIT_FOR(!cpu[i].mail[index], "a lost broadcast", index);
    }
}

static void on_timer(Frame *f)
{
    (void)f;
    this_cpu()->ticks++;
    apic_eoi();
}

/* One shot; stopped again, waited for, or slept for. */
static void do_timer(Cpu *c, unsigned index)
{
    uint32_t before = c->ticks, how = pick(c, 3);

    *apic(APIC_DIVIDE) = 0xb;
    *apic(APIC_LVT_TIMER) = V_TIMER;
    *apic(APIC_INITIAL) = 1000 + pick(c, 100000);
    if (how == 0) {
        *apic(APIC_INITIAL) = 0;
    } else if (how == 1) {
        WAIT_FOR(c->ticks != before, "a lost tick", index);
    } else {
        __asm__ volatile("cli");
        while (c->ticks == before) {
            __asm__ volatile("sti; hlt; cli" ::: "memory");
        }
        __asm__ volatile("sti");
    }
}

/* --- pages and code --- */

static uint8_t *frames[2]; /* each holds its number, and a function of it */
static volatile uint32_t remap_lock, remaps, acks; /* odd: changing */

static void on_drop(Frame *f)
{
    (void)f;
    invlpg(VA);
    __atomic_add_fetch(&acks, 1, __ATOMIC_SEQ_CST);
    apic_eoi();
}

static uint32_t call(uint64_t at)
{
    uint32_t v;

    __asm__ volatile("call *%1" : "=a"(v) : "r"(at) : "memory");
    return v;
}

static void do_remap(Cpu *c, unsigned index)
{
    (void)c;
    if (__atomic_exchange_n(&remap_lock, 1, __ATOMIC_SEQ_CST)) {
        return;
    }
    __atomic_add_fetch(&remaps, 1, __ATOMIC_SEQ_CST);
    *page_entry(VA) = (uintptr_t)frames[(remaps + 1) / 2 & 1] | 3;
    invlpg(VA);
    __atomic_store_n(&acks, 0, __ATOMIC_SEQ_CST);
    __asm__ volatile("cli");
    apic_send(0, ICR_OTHERS | ICR_ASSERT | V_DROP);
    __asm__ volatile("sti");
    WAIT_FOR(acks == cpus - 1, "a lost shootdown", index);
    __atomic_add_fetch(&remaps, 1, __ATOMIC_SEQ_CST);
    __atomic_store_n(&remap_lock, 0, __ATOMIC_SEQ_CST);
}

static void do_look(Cpu *c, unsigned index)
{
    uint32_t before = remaps, data = *(volatile uint32_t *)VA;
    uint32_t code = call(VA + 0x800);

    (void)c;
    if (before == remaps && !(before & 1) &&
        (data != (before / 2 & 1) || code != data)) {
        wrong("a page that was replaced", index);
    }
}

static uint8_t *function; /* MOV EAX, imm32, aligned; RET */
static volatile uint32_t code_lock, code_now;

static void do_patch(Cpu *c, unsigned index)
{
    (void)c;
    (void)index;
    if (__atomic_exchange_n(&code_lock, 1, __ATOMIC_SEQ_CST)) {
        return;
    }
    *(volatile uint32_t *)(function + 1) = code_now + 1;
    __atomic_add_fetch(&code_now, 1, __ATOMIC_SEQ_CST);
    __atomic_store_n(&code_lock, 0, __ATOMIC_SEQ_CST);
}

static void do_call(Cpu *c, unsigned index)
{
    uint32_t least = code_now;

    (void)c;
    cpuid(0, 0);
    if ((int32_t)(call((uintptr_t)function) - least) < 0) {
        wrong("code that was replaced", index);
    }
}

/* --- the memory map ---
 * Whoever looks sees what is there or was there a moment ago, nothing else; and
 * RAM that is out of sight keeps what it holds. */

#define NOBODY      0xffffffffu /* what reads where nobody answers */
#define SHADOW      0xd0000     /* PAM3, low nibble: RAM or the bus */
#define SHADOW_CODE 0xd4000     /* PAM3, high nibble: RAM, writable or not */
#define FUNCTIONS   64          /* there; each gives its number */
#define PAM3        0x5c
#define PAM_READ    1u
#define PAM_WRITE   2u
#define WINDOWS     4 /* places of the disk's BAR */
#define WINDOW(n)   (0xe0000000ull + 0x100000ull * (n))
#define BAR4        0x20
#define COMMAND     0x04
#define NUM_QUEUES  0x12
#define TESTDEV     0xff000000ull

static uint32_t bridge_lock; /* of configuration cycles */
static uint32_t disk;        /* its address for those; 0: there is none */
static uint16_t disk_queues;

static void bridge_take(unsigned index)
{
    WAIT_FOR(!__atomic_exchange_n(&bridge_lock, 1, __ATOMIC_SEQ_CST),
             "the bridge's lock", index);
}

static void bridge_release(void)
{
    __atomic_store_n(&bridge_lock, 0, __ATOMIC_RELEASE);
}

static void config_write(uint32_t address, uint32_t value)
{
    outl(0xcf8, 0x80000000u | address);
    outl(0xcfc, value);
}

static uint32_t config_read(uint32_t address)
{
    outl(0xcf8, 0x80000000u | address);
    return inl(0xcfc);
}

static volatile uint32_t *shadow_word(unsigned n)
{
    return (uint32_t *)(uintptr_t)(SHADOW + 4 * n);
}

static uint32_t shadow_value(unsigned n)
{
    return n * 0x10203 + 1;
}

static void shadow_set(unsigned data, unsigned code)
{
    outl(0xcf8, 0x80000000u | PAM3);
    outb(0xcfc, code << 4 | data);
}

/* The first functions belong to the processors: what one changes in its own
 * runs at once, or, while they are read-only, never. */
static void change_shadow_code(unsigned index, bool writable)
{
    static uint32_t more[MAX_CPUS];
    uint8_t *code = (uint8_t *)(uintptr_t)(SHADOW_CODE + 16 * index);
    uint32_t number = index + MAX_CPUS * (more[index] + 1);

    *(volatile uint32_t *)(code + 1) = number;
    more[index] += writable;
    if (call((uintptr_t)code) != number - (writable ? 0 : MAX_CPUS)) {
        wrong("code in shadow RAM after its switch", index);
    }
}

/* Words 0 to 7 belong to the processors: what one writes while they are
 * read-only must not come in. */
static void do_shadow(Cpu *c, unsigned index)
{
    unsigned data = pick(c, 4), code = PAM_READ | (pick(c, 2) ? PAM_WRITE : 0);
    uint32_t got;

    bridge_take(index);
    shadow_set(data, code);
    if (!(data & PAM_WRITE)) {
        *shadow_word(index) = 0x11111111;
    }
    got = *shadow_word(index);
    if (got != (data & PAM_READ ? shadow_value(index) : NOBODY)) {
        wrong("shadow RAM after its switch", index);
    }
    change_shadow_code(index, code & PAM_WRITE);
    bridge_release();
}

static void do_shadow_look(Cpu *c, unsigned index)
{
    unsigned n = MAX_CPUS + pick(c, 4096 - MAX_CPUS);
    unsigned function = MAX_CPUS + n % (FUNCTIONS - MAX_CPUS);
    uint32_t got = *shadow_word(n);

    if (got != shadow_value(n) && got != NOBODY) {
        wrong("shadow RAM", index);
    }
    *shadow_word(n) = shadow_value(n);
    if (call(SHADOW_CODE + 16 * function) != function) {
        wrong("code in shadow RAM", index);
    }
}

static void do_move_bar(Cpu *c, unsigned index)
{
    unsigned n = pick(c, WINDOWS);
    volatile uint16_t *queues = (uint16_t *)(WINDOW(n) + NUM_QUEUES);

    if (!disk) {
        return;
    }
    bridge_take(index);
    config_write(disk | BAR4, WINDOW(n));
    if (*queues != disk_queues) {
        wrong("a BAR that was moved", index);
    }
    bridge_release();
}

static void do_bar_look(Cpu *c, unsigned index)
{
    unsigned n = pick(c, WINDOWS);
    uint16_t got = *(volatile uint16_t *)(WINDOW(n) + NUM_QUEUES);

    if (disk && got != disk_queues && got != (uint16_t)NOBODY) {
        wrong("registers of a BAR that moves", index);
    }
}

/* A processor or the host takes this device's memory out and puts it back. */
static void do_testdev(Cpu *c, unsigned index)
{
    unsigned n = pick(c, 1024);
    volatile uint32_t *word = (uint32_t *)(TESTDEV + 4 * n);
    uint32_t got = *word;

    if (got != 0 && got != n + 1 && got != NOBODY) {
        wrong("registers of a device that comes and goes", index);
    }
    *word = n + 1;
    if (pick(c, 8) == 0) {
        outl(0xe4, 0); /* it maps its memory anew */
    }
}

static void check_shadow(void)
{
    unsigned n, bad = 0;

    shadow_set(PAM_READ | PAM_WRITE, PAM_READ | PAM_WRITE);
    for (n = 0; n < 4096; n++) {
        bad += *shadow_word(n) != shadow_value(n);
    }
    check_eq(bad, 0, "words of shadow RAM that changed");
}

/* With the host at rest it is there, for good. */
static void check_testdev(void)
{
    unsigned n, bad = 0;

    for (n = 0; n < 1024; n++) {
        uint32_t got = *(volatile uint32_t *)(TESTDEV + 4 * n);

        bad += got != 0 && got != n + 1;
    }
    check_eq(bad, 0, "registers of a device that did not come back");
}

static void prepare_map(void)
{
    unsigned n, slot;

    shadow_set(PAM_READ | PAM_WRITE, PAM_READ | PAM_WRITE);
    for (n = 0; n < 4096; n++) {
        *shadow_word(n) = shadow_value(n);
    }
    for (n = 0; n < FUNCTIONS; n++) { /* MOV EAX, n; RET */
        uint8_t *code = (uint8_t *)(uintptr_t)(SHADOW_CODE + 16 * n);

        code[0] = 0xb8;
        memcpy(code + 1, &n, 4);
        code[5] = 0xc3;
    }
    for (slot = 1; slot < 32 && !disk; slot++) {
        if (config_read(slot << 11) == 0x10421af4) {
            disk = slot << 11;
        }
    }
    if (disk) {
        config_write(disk | BAR4, WINDOW(0));
        config_write(disk | COMMAND, 2); /* memory */
        disk_queues = *(volatile uint16_t *)(WINDOW(0) + NUM_QUEUES);
    }
    check(disk && disk_queues != (uint16_t)NOBODY, "a disk with a BAR to move");
}

/* --- devices --- */

static void do_devices(Cpu *c, unsigned index)
{
    (void)index;
    switch (pick(c, 4)) {
    case 0:
        (void)inb(COM1 + 5);
        break;
    case 1:
        outb(0x43, 0);
        (void)inb(0x40);
        (void)inb(0x40);
        break;
    case 2:
        (void)*(volatile uint32_t *)0xfed000f0ull;
        break;
    default:
        (void)inb(0x61);
    }
}

/* --- the loop --- */

static void (*const jobs[])(Cpu *c, unsigned index) = {
    do_spin,        do_ticket,      do_count,    do_count,    do_ipi,
    do_broadcast,   do_timer,       do_remap,    do_look,     do_look,
    do_patch,       do_call,        do_call,     do_devices,  do_shadow,
    do_shadow_look, do_shadow_look, do_move_bar, do_bar_look, do_testdev,
};

static void look_at_host(void)
{
    static uint64_t next;

    if ((inb(COM1 + 5) & 1) && inb(COM1) == 'q') {
        stopping = 1;
    }
    if (rdtsc() > next) {
        next = rdtsc() + 1000000000;
        while (__atomic_exchange_n(&print_lock, 1, __ATOMIC_SEQ_CST)) {
        }
        print("torture: %u turns\n", (unsigned)cpu[0].turns);
        __atomic_store_n(&print_lock, 0, __ATOMIC_SEQ_CST);
    }
}

static void work(unsigned index)
{
    Cpu *c = &cpu[index];

    apic_enable();
    c->random = 0x9e3779b97f4a7c15 * (index + 1) ^ rdtsc();
    __atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST);
    while (ready < cpus) {
    }
    __asm__ volatile("sti");
    while (!stopping) {
        jobs[pick(c, sizeof(jobs) / sizeof(jobs[0]))](c, index);
        c->turns++;
        if (index == 0 && c->turns % 64 == 0) {
            look_at_host();
        }
    }
    /* The others may still wait for an answer. */
    __atomic_add_fetch(&stopped, 1, __ATOMIC_SEQ_CST);
    WAIT_FOR(stopped == cpus, "the others' end", index);
}

static void ap_main(unsigned index)
{
    (void)index;
    while (!cpus) {
    }
    work(apic_id());
}

static void check_counters(void)
{
    unsigned n, i;

    for (n = 0; n < 8; n++) {
        uint64_t sum = 0, value = 0;

        for (i = 0; i < cpus; i++) {
            sum += cpu[i].counted[n];
        }
        memcpy(&value, counters + places[n].offset, places[n].bytes);
        if (places[n].bytes < 8) {
            sum &= (1ull << 8 * places[n].bytes) - 1;
        }
        check_eq(value, sum, "counter of %u bytes at %u", places[n].bytes,
                 places[n].offset);
    }
}

static void prepare(void)
{
    uint32_t i;

    counters = page_alloc();
    (void)page_alloc();
    (void)page_alloc();
    function = page_alloc();
    function += 3; /* the immediate is aligned */
    function[0] = 0xb8;
    function[5] = 0xc3;
    for (i = 0; i < 2; i++) {
        frames[i] = page_alloc();
        *(uint32_t *)frames[i] = i;
        frames[i][0x800] = 0xb8;
        memcpy(frames[i] + 0x801, &i, 4);
        frames[i][0x805] = 0xc3;
    }
    page_map(VA, (uintptr_t)frames[0], 3);
    prepare_map();
    on_vector(V_MAIL, on_mail);
    on_vector(V_DROP, on_drop);
    on_vector(V_TIMER, on_timer);
    on_vector(2, on_nmi);
}

int main(void)
{
    prepare();
    smp_start(ap_main);
    print("torture: running\n");
    __atomic_store_n(&cpus, smp_count(), __ATOMIC_SEQ_CST);
    work(0);
    __asm__ volatile("cli");
    check_eq(errors, 0, "errors of %u processors", cpus);
    check_counters();
    check_shadow();
    check_testdev();
    check(guarded[0][0] == guarded[0][1] && guarded[0][0], "a spin lock");
    check(guarded[1][0] == guarded[1][1] && guarded[1][0], "a ticket lock");
    return 0;
}
