/* SPDX-License-Identifier: MIT */
/*
 * A storm of TLB flushes for other processors.  "count=N" of them, either
 * interrupts in which each of the others drops a page that has changed, or,
 * with the word "map", changes of the memory map, of which the emulator has to
 * tell all the others.  It says "storm: over" when they are done, and ends when
 * it gets a character. guest: -smp 8 Source: SDM vol. 3A, 4.10.5 "Propagation
 * of Paging-Structure Changes to Multiple Processors"; Intel 440FX PCIset
 * datasheet (290549), chapter 3, PAM.
 */
#include "apic.h"

#define CPUS      8
#define COM1      0x3f8
#define VECTOR    0xa0
#define VA        0x200000000ull
#define SHADOW    0xd0000
#define PAM3      (0x80000000u | 0x5c)
#define MAGIC     0x57041157u
#define NOBODY    0xffffffffu
#define LONG_TIME 5000000000ull /* TSC: some five seconds */

static uint8_t *frame[2]; /* each begins with its number */
static volatile uint32_t rounds, acks, wrong, ready, looks;
static volatile uint32_t seen[CPUS]; /* by each in the shadow RAM, last */
static bool by_map;

static void drop(Frame *f)
{
    (void)f;
    invlpg(VA);
    if (*(volatile uint32_t *)VA != (rounds & 1)) {
        __atomic_add_fetch(&wrong, 1, __ATOMIC_SEQ_CST);
    }
    __atomic_add_fetch(&acks, 1, __ATOMIC_SEQ_CST);
    apic_eoi();
}

static void look(unsigned index)
{
    uint32_t got = *(volatile uint32_t *)SHADOW;

    if (by_map && got != MAGIC && got != NOBODY) {
        __atomic_add_fetch(&wrong, 1, __ATOMIC_SEQ_CST);
    }
    seen[index] = got;
    (void)*(volatile uint32_t *)VA;
    __atomic_add_fetch(&looks, 1, __ATOMIC_RELAXED);
}

static void ap_main(unsigned index)
{
    apic_enable();
    __atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST);
    __asm__ volatile("sti");
    for (;;) {
        look(index);
        __asm__ volatile("pause"); /* the host may have few processors */
    }
}

static void set_shadow(bool ram)
{
    outl(0xcf8, PAM3);
    outb(0xcfc, ram ? 3 : 0);
}

static void shoot_down(unsigned others)
{
    acks = 0;
    *page_entry(VA) = (uintptr_t)frame[++rounds & 1] | 3;
    invlpg(VA);
    apic_send(0, ICR_OTHERS | ICR_ASSERT | VECTOR);
    while (acks != others) {
        __asm__ volatile("pause");
    }
}

static void storm(uint64_t count, unsigned others)
{
    for (uint64_t done = 0; done < count; done += others) {
        if (by_map) {
            set_shadow(++rounds & 1);
        } else {
            shoot_down(others);
        }
    }
}

/* What the others see lags behind the map, and must come to it. */
static void settle(bool ram, unsigned others)
{
    uint64_t end = rdtsc() + LONG_TIME;

    set_shadow(ram);
    for (unsigned i = 1; i <= others; i++) {
        while (seen[i] != (ram ? MAGIC : NOBODY) && rdtsc() < end) {
            __asm__ volatile("pause");
        }
        if (seen[i] != (ram ? MAGIC : NOBODY)) {
            __atomic_add_fetch(&wrong, 1, __ATOMIC_SEQ_CST);
        }
    }
}

int main(void)
{
    uint64_t count = 100000;

    by_map = boot_word("map");
    boot_option("count", &count);
    set_shadow(true);
    *(volatile uint32_t *)SHADOW = MAGIC;
    for (uint32_t i = 0; i < 2; i++) {
        frame[i] = page_alloc();
        *(uint32_t *)frame[i] = i;
    }
    page_map(VA, (uintptr_t)frame[0], 3);
    on_vector(VECTOR, drop);
    apic_enable();
    smp_start(ap_main);
    while (ready != CPUS - 1) {
    }
    print("storm: begins\n");
    storm(count, ready);
    print("storm: over\n");
    while (!(inb(COM1 + 5) & 1)) {
    }
    if (by_map) {
        settle(false, ready);
        settle(true, ready);
    }
    check_eq(smp_count(), CPUS, "processors");
    check_eq(wrong, 0, "pages that were not what they had to be");
    check(looks > 0, "the others went on");
    return 0;
}
