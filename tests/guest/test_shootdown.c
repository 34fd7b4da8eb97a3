/* SPDX-License-Identifier: MIT */
/*
 * TLB shootdown between processors: after every one has acknowledged the
 * interrupt in which it dropped a page, none may see or run what was there.
 * The page holds data and code, so that stale blocks are seen, too.
 * guest: -smp 4
 * Source: SDM vol. 3A, 4.10.5 "Propagation of Paging-Structure Changes to
 * Multiple Processors"; 8.1.3 "Handling Self- and Cross-Modifying Code".
 */
#include "guest.h"

#define CPUS   4
#define ROUNDS 100
#define VA     0x200000000ull
#define FN     0x800
#define VECTOR 0xa0

static volatile uint32_t *apic(unsigned n)
{
    return (uint32_t *)(0xfee00000ull + 16 * n);
}

static uint8_t *frame[2]; /* each holds its index, and a function of it */
/* Odd while the page changes; SEQ / 2 & 1 is the frame that is mapped. */
static volatile uint32_t seq, acks, ready, stop, stopped;
static volatile uint32_t wrong_data, wrong_code, looks;
static bool by_cr3;

static void drop(Frame *f)
{
    (void)f;
    if (by_cr3) {
        WRITE_CR(3, READ_CR(3));
    } else {
        invlpg(VA);
    }
    __atomic_add_fetch(&acks, 1, __ATOMIC_SEQ_CST);
    *apic(0x0b) = 0;
}

static uint32_t call(void)
{
    uint32_t v;

    __asm__ volatile("call *%1" : "=a"(v) : "r"(VA + FN) : "memory");
    return v;
}

static void look(void)
{
    uint32_t before = seq, data = *(volatile uint32_t *)VA, code = call();

    if (before != seq || before & 1) {
        return; /* it changed under way */
    }
    if (data != (before / 2 & 1)) {
        __atomic_add_fetch(&wrong_data, 1, __ATOMIC_SEQ_CST);
    }
    if (code != (before / 2 & 1)) {
        __atomic_add_fetch(&wrong_code, 1, __ATOMIC_SEQ_CST);
    }
    __atomic_add_fetch(&looks, 1, __ATOMIC_RELAXED);
}

static void ap_main(unsigned index)
{
    (void)index;
    *apic(0x0f) = 0x1ff;
    __atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST);
    __asm__ volatile("sti");
    while (!stop) {
        look();
    }
    __asm__ volatile("cli");
    __atomic_add_fetch(&stopped, 1, __ATOMIC_SEQ_CST);
}

static void shoot_down(void)
{
    acks = 0;
    *apic(0x31) = 0;
    *apic(0x30) = 0xc4000 | VECTOR; /* all but self */
    while (acks != CPUS - 1) {
        __asm__ volatile("pause");
    }
}

static void test_rounds(bool cr3, const char *how)
{
    unsigned i;

    by_cr3 = cr3;
    looks = 0;
    for (i = 0; i < ROUNDS; i++) {
        __atomic_add_fetch(&seq, 1, __ATOMIC_SEQ_CST);
        *page_entry(VA) = (uintptr_t)frame[(seq + 1) / 2 & 1] | 3;
        invlpg(VA);
        shoot_down();
        __atomic_add_fetch(&seq, 1, __ATOMIC_SEQ_CST);
        look();
    }
    check_eq(wrong_data, 0, "data after a shootdown, %s", how);
    check_eq(wrong_code, 0, "code after a shootdown, %s", how);
    check(looks > 0, "processors looked, %s", how);
}

/* One processor patches a function while the others run its neighbours in the
 * same page. */
static void test_patching(void)
{
    uint8_t *fn = frame[seq / 2 & 1] + 0xc00;
    unsigned i, wrong = 0;

    for (i = 0; i < 300; i++) {
        uint32_t v;

        fn[0] = 0xb8;
        memcpy(fn + 1, &i, 4);
        fn[5] = 0xc3;
        __asm__ volatile("call *%1" : "=a"(v) : "r"(fn) : "memory");
        wrong += v != i;
    }
    check_eq(wrong, 0, "code changed beside code that runs");
    check_eq(wrong_code, 0, "and the others ran theirs");
}

int main(void)
{
    uint32_t i;

    for (i = 0; i < 2; i++) {
        frame[i] = page_alloc();
        *(uint32_t *)frame[i] = i;
        frame[i][FN] = 0xb8; /* MOV EAX, i; RET */
        memcpy(frame[i] + FN + 1, &i, 4);
        frame[i][FN + 5] = 0xc3;
    }
    page_map(VA, (uintptr_t)frame[0], 3);
    *apic(0x0f) = 0x1ff;
    on_vector(VECTOR, drop);
    smp_start(ap_main);
    check_eq(smp_count(), CPUS, "processors");
    if (smp_count() != CPUS) {
        return 1;
    }
    while (ready != CPUS - 1) {
    }
    test_rounds(false, "INVLPG");
    test_rounds(true, "CR3");
    test_patching();
    stop = 1;
    while (stopped != CPUS - 1) {
    }
    return 0;
}
