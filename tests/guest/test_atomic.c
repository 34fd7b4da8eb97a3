/* SPDX-License-Identifier: MIT */
/*
 * Locked operations by several processors at once: counters must add up,
 * whatever the size, split over cache lines or pages; locks exclude; page
 * tables' accessed and dirty bits are not lost.
 * guest: -smp 4
 * Source: SDM vol. 3A, 8.1 "Locked Atomic Operations", 8.2 "Memory Ordering".
 */
#include "apic.h"

#define CPUS        4
#define TURNS       50000
#define CHUNK       20        /* turns between two looks at the others */
#define TOGETHER    1000      /* chunks that had company */
#define LONELY      100000000 /* TSC: for that, on a busy host */

static uint8_t *area; /* three pages in a row */
static volatile uint32_t start, arrived, finished;
static void (*volatile work)(unsigned index);

/* Begin together.  PAUSE lets another one have the core, and so is no way to
 * wait here, but for long. */
static void do_work(unsigned index)
{
    __atomic_add_fetch(&arrived, 1, __ATOMIC_SEQ_CST);
    for (unsigned spins = 0; arrived != CPUS; spins++) {
        if (spins > 2000) {
            __asm__ volatile("pause");
        }
    }
    work(index);
}

/* Run @fn on every processor at the same time. */
static void everywhere(void (*fn)(unsigned index))
{
    work = fn;
    arrived = 0;
    __atomic_store_n(&finished, 0, __ATOMIC_SEQ_CST);
    __atomic_add_fetch(&start, 1, __ATOMIC_SEQ_CST);
    do_work(0);
    while (finished != CPUS - 1) {
        __asm__ volatile("pause");
    }
}

static void ap_main(unsigned index)
{
    uint32_t last = 0;

    for (;;) {
        while (start == last) {
            __asm__ volatile("pause");
        }
        last++;
        do_work(index);
        __atomic_add_fetch(&finished, 1, __ATOMIC_SEQ_CST);
    }
}

/* --- counters --- */

static void *volatile target; /* of the operation under test */

/* How far a processor is with its share; a line each. */
static struct Share {
    volatile uint64_t turns;
    uint64_t others; /* turns of theirs, at the last look */
    unsigned together;
    uint64_t end; /* TSC */
} __attribute__((aligned(64))) share[CPUS];
static volatile bool enough;

static uint64_t all_turns(void)
{
    uint64_t n = 0;

    for (unsigned i = 0; i < CPUS; i++) {
        n += share[i].turns;
    }
    return n;
}

static void share_begin(struct Share *s)
{
    s->end = rdtsc() + LONELY;
}

/* After a chunk: true until some processor has seen others beside it. */
static bool share_goes_on(struct Share *s)
{
    uint64_t others;

    s->turns += CHUNK;
    others = all_turns() - s->turns;
    s->together += others != s->others;
    s->others = others;
    if (s->together == TOGETHER || rdtsc() > s->end) {
        enough = true;
    }
    return !enough;
}

#define COUNTER(name, text, ...) \
    static void name(unsigned index) \
    { \
        void *p = target; \
        unsigned i; \
        share_begin(&share[index]); \
        do { \
            for (i = 0; i < CHUNK; i++) { \
                __asm__ volatile( \
                    text : : "r"(p) : "memory", "cc", ##__VA_ARGS__); \
            } \
        } while (share_goes_on(&share[index])); \
    }

COUNTER(inc8, "lock incb (%0)")
COUNTER(inc16, "lock incw (%0)")
COUNTER(inc32, "lock incl (%0)")
COUNTER(inc64, "lock incq (%0)")
COUNTER(add64, "lock addq $1, (%0)")
COUNTER(sub64, "lock subq $-1, (%0)")
COUNTER(dec64, "lock decq (%0)")
COUNTER(neg64, "lock notq (%0); lock negq (%0)") /* -~x: adds one */
COUNTER(xadd16, "mov $1, %%eax; lock xadd %%ax, (%0)", "rax")
COUNTER(xadd32, "mov $1, %%eax; lock xadd %%eax, (%0)", "rax")
COUNTER(xadd64, "mov $1, %%eax; lock xadd %%rax, (%0)", "rax")
COUNTER(adc64, "stc; lock adcq $0, (%0)")
COUNTER(sbb64, "stc; lock sbbq $-2, (%0)") /* - (-2) - 1 */
COUNTER(cas32,
        "1: mov (%0), %%eax; lea 1(%%rax), %%ecx;"
        "lock cmpxchg %%ecx, (%0); jnz 1b",
        "rax", "rcx")
COUNTER(cas64,
        "1: mov (%0), %%rax; lea 1(%%rax), %%rcx;"
        "lock cmpxchg %%rcx, (%0); jnz 1b",
        "rax", "rcx")
COUNTER(cas8b,
        "1: mov (%0), %%eax; mov 4(%0), %%edx; mov %%eax, %%ebx;"
        "mov %%edx, %%ecx; add $1, %%ebx; adc $0, %%ecx;"
        "lock cmpxchg8b (%0); jnz 1b",
        "rax", "rbx", "rcx", "rdx")
COUNTER(cas16b,
        "1: mov (%0), %%rax; mov 8(%0), %%rdx; lea 1(%%rax), %%rbx;"
        "lea -1(%%rdx), %%rcx; lock cmpxchg16b (%0); jnz 1b",
        "rax", "rbx", "rcx", "rdx")

static uint64_t sum(unsigned bytes)
{
    uint64_t v = 0;

    memcpy(&v, target, bytes);
    return v;
}

static void begin_count(void *where, unsigned bytes)
{
    target = where;
    memset(where, 0, bytes);
    memset(share, 0, sizeof(share));
    enough = false;
}

/* Each turn adds @step. */
static void test_counter(const char *what, void (*fn)(unsigned),
                         uint8_t *where, unsigned bytes, int step)
{
    uint64_t mask = bytes == 8 ? ~0ull : (1ull << 8 * bytes) - 1;

    begin_count(where, bytes);
    everywhere(fn);
    check_eq(sum(bytes), step * all_turns() & mask, "%s", what);
}

static void test_counters(void)
{
    uint8_t *line = area + 64, *page = area + 4096;

    test_counter("lock inc, 8 bits", inc8, area, 1, 1);
    test_counter("lock inc, 16 bits", inc16, area, 2, 1);
    test_counter("lock inc, 32 bits", inc32, area, 4, 1);
    test_counter("lock inc, 64 bits", inc64, area, 8, 1);
    test_counter("lock add", add64, area, 8, 1);
    test_counter("lock sub", sub64, area, 8, 1);
    test_counter("lock dec", dec64, area, 8, -1);
    test_counter("lock adc", adc64, area, 8, 1);
    test_counter("lock sbb", sbb64, area, 8, 1);
    test_counter("lock xadd, 16 bits", xadd16, area, 2, 1);
    test_counter("lock xadd, 32 bits", xadd32, area, 4, 1);
    test_counter("lock xadd, 64 bits", xadd64, area, 8, 1);
    test_counter("lock cmpxchg, 32 bits", cas32, area, 4, 1);
    test_counter("lock cmpxchg, 64 bits", cas64, area, 8, 1);
    test_counter("lock cmpxchg8b", cas8b, area, 8, 1);
    test_counter("lock inc over two lines", inc64, line - 3, 8, 1);
    test_counter("lock xadd over two lines", xadd32, line - 1, 4, 1);
    test_counter("lock cmpxchg over two lines", cas64, line - 5, 8, 1);
    test_counter("lock inc over two pages", inc64, page - 3, 8, 1);
    test_counter("lock add over two pages", add64, page - 7, 8, 1);
    test_counter("lock xadd over two pages", xadd32, page - 2, 4, 1);
    test_counter("lock xadd, 16 bits over two pages", xadd16, page - 1, 2, 1);
    test_counter("lock cmpxchg over two pages", cas64, page - 4, 8, 1);
    test_counter("lock cmpxchg8b over two pages", cas8b, page - 4, 8, 1);
}

static void test_cmpxchg16b(void)
{
    begin_count(area + 128, 16);
    everywhere(cas16b);
    check_eq(((uint64_t *)target)[0], all_turns(), "lock cmpxchg16b, low");
    check_eq(((uint64_t *)target)[1], -all_turns(),
             "lock cmpxchg16b, high");
}

/* NOT and NEG are atomic each, not both together: the parity must hold. */
static void test_not_neg(void)
{
    begin_count(area, 8);
    neg64(0);
    check_eq(sum(8), all_turns(), "lock not, lock neg");
}

/* --- bits and locks --- */

/* Each processor owns bits of the same words, and sets and clears them. */
static void flip_bits(unsigned index)
{
    uint64_t wrong = 0;
    unsigned i;

    for (i = 0; i < TURNS; i++) {
        uint64_t bit = index + 4 * (i % 32);
        uint8_t set, cleared;

        __asm__ volatile("lock btsq %3, %2; setc %0; lock btrq %3, %2; setc %1"
                         : "=&q"(set), "=q"(cleared),
                           "+m"(*(uint64_t(*)[2])area)
                         : "r"(bit)
                         : "cc");
        wrong += set || !cleared;
        __asm__ volatile("lock btcq %1, %0"
                         : "+m"(*(uint64_t(*)[2])area)
                         : "r"(bit)
                         : "cc");
        __asm__ volatile("lock btcq %1, %0"
                         : "+m"(*(uint64_t(*)[2])area)
                         : "r"(bit)
                         : "cc");
    }
    *(uint64_t *)(area + 256 + 8 * index) = wrong;
}

static void flip_masks(unsigned index)
{
    uint32_t bit = 0x01010101u << index;
    unsigned i;

    for (i = 0; i < TURNS; i++) {
        __asm__ volatile("lock orl %1, %0" : "+m"(*(uint32_t *)area)
                         : "r"(bit) : "cc");
        __asm__ volatile("lock xorl %1, %0" : "+m"(*(uint32_t *)area)
                         : "r"(bit) : "cc");
        __asm__ volatile("lock orl %1, %0" : "+m"(*(uint32_t *)area)
                         : "r"(bit) : "cc");
        __asm__ volatile("lock andl %1, %0" : "+m"(*(uint32_t *)area)
                         : "r"(~bit) : "cc");
    }
}

static void test_bits(void)
{
    uint64_t wrong = 0;
    unsigned i;

    memset(area, 0, 16);
    everywhere(flip_bits);
    for (i = 0; i < CPUS; i++) {
        wrong += *(uint64_t *)(area + 256 + 8 * i);
    }
    check_eq(wrong, 0, "lock bts, btr: own bits are as they were left");
    check(!*(uint64_t *)area && !*(uint64_t *)(area + 8),
          "lock btc: all back to zero");
    everywhere(flip_masks);
    check_eq(*(uint32_t *)area, 0, "lock or, xor, and");
}

/* A lock by XCHG, which needs no prefix, around plain increments. */
static void with_lock(unsigned index)
{
    volatile uint64_t *counter = (uint64_t *)(area + 512);
    uint32_t *lock = target;
    unsigned i;

    (void)index;
    for (i = 0; i < TURNS; i++) {
        uint32_t busy = 1;

        do {
            __asm__ volatile("xchg %0, %1" : "+r"(busy), "+m"(*lock)::"memory");
        } while (busy && ({ __asm__ volatile("pause"); true; }));
        *counter += 1;
        __asm__ volatile("movl $0, %0" : "=m"(*lock)::"memory");
    }
}

static void test_locks(void)
{
    volatile uint64_t *counter = (uint64_t *)(area + 512);

    memset(area, 0, 4096);
    target = area;
    everywhere(with_lock);
    check_eq(*counter, CPUS * TURNS, "a lock by xchg");
}

/* --- page tables --- */

#define VA 0x200000000ull

static uint64_t *pte;

/* One sets and clears a software bit of an entry, the others use the page
 * through their own TLBs: no bit of either may get lost. */
static void race_entry(unsigned index)
{
    uint64_t lost = 0;
    unsigned i;

    for (i = 0; i < TURNS / 4; i++) {
        if (index == 0) {
            __asm__ volatile("lock btsq $9, %0" : "+m"(*pte)::"cc");
            lost += !(*(volatile uint64_t *)pte >> 9 & 1);
            __asm__ volatile("lock btrq $9, %0" : "+m"(*pte)::"cc");
            lost += *(volatile uint64_t *)pte >> 9 & 1;
            __asm__ volatile("lock andq %1, %0"
                             : "+m"(*pte) : "r"(~0x60ull) : "cc");
        } else {
            invlpg(VA);
            *(volatile uint8_t *)(VA + index) = i;
        }
    }
    *(uint64_t *)(area + 256 + 8 * index) = lost;
}

static void test_entry(void)
{
    void *frame = page_alloc();

    page_map(VA, (uintptr_t)frame, 3);
    pte = page_entry(VA);
    everywhere(race_entry);
    check_eq(*(uint64_t *)(area + 256), 0, "bits of an entry in use");
    check_eq(*pte & ~0x60ull, (uintptr_t)frame | 3, "the entry afterwards");
    invlpg(VA);
    *(volatile uint8_t *)VA = 1;
    check_eq(*pte, (uintptr_t)frame | 0x63, "accessed and dirty");
}

int main(void)
{
    area = page_alloc();
    (void)page_alloc();
    (void)page_alloc();
    smp_start(ap_main);
    check_eq(smp_count(), CPUS, "processors");
    if (smp_count() != CPUS) {
        return 1;
    }
    test_counters();
    test_cmpxchg16b();
    test_not_neg();
    test_bits();
    test_locks();
    test_entry();
    return 0;
}
