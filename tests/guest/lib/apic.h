/* SPDX-License-Identifier: MIT */
/*
 * The local APIC's registers.
 * Source: SDM vol. 3A, table 11-1 "Local APIC Register Address Map", 11.6.1
 * "Interrupt Command Register (ICR)".
 */
#ifndef APIC_H
#define APIC_H

#include "guest.h"

enum { /* registers, by 16 bytes */
       APIC_ID = 0x02,
       APIC_VERSION = 0x03,
       APIC_TPR = 0x08,
       APIC_PPR = 0x0a,
       APIC_EOI = 0x0b,
       APIC_LDR = 0x0d,
       APIC_DFR = 0x0e,
       APIC_SVR = 0x0f,
       APIC_ISR = 0x10,
       APIC_TMR = 0x18,
       APIC_IRR = 0x20,
       APIC_ESR = 0x28,
       APIC_ICR = 0x30,
       APIC_ICR_HIGH = 0x31,
       APIC_LVT_TIMER = 0x32,
       APIC_LVT_THERMAL = 0x33,
       APIC_LVT_PERF = 0x34,
       APIC_LVT_LINT0 = 0x35,
       APIC_LVT_LINT1 = 0x36,
       APIC_LVT_ERROR = 0x37,
       APIC_INITIAL = 0x38,
       APIC_CURRENT = 0x39,
       APIC_DIVIDE = 0x3e,
};

#define LVT_MASKED   0x10000u
#define LVT_PERIODIC 0x20000u
#define LVT_DEADLINE 0x40000u

#define ICR_LOWEST  0x100u
#define ICR_NMI     0x400u
#define ICR_INIT    0x500u
#define ICR_STARTUP 0x600u
#define ICR_LOGICAL 0x800u
#define ICR_ASSERT  0x4000u
#define ICR_LEVEL   0x8000u
#define ICR_SELF    0x40000u
#define ICR_ALL     0x80000u
#define ICR_OTHERS  0xc0000u

#define MSR_APIC_BASE    0x1b
#define MSR_TSC_DEADLINE 0x6e0
#define MSR_X2APIC       0x800 /* first of the registers as MSRs */

static inline volatile uint32_t *apic(unsigned n)
{
    return (uint32_t *)(0xfee00000ull + 16 * n);
}

static inline void apic_send(uint32_t destination, uint32_t command)
{
    *apic(APIC_ICR_HIGH) = destination << 24;
    *apic(APIC_ICR) = command;
}

static inline void apic_enable(void)
{
    *apic(APIC_SVR) = 0x1ff;
}

static inline void apic_eoi(void)
{
    *apic(APIC_EOI) = 0;
}

static inline unsigned apic_id(void)
{
    return *apic(APIC_ID) >> 24;
}

static inline bool apic_bit(unsigned first, unsigned vector)
{
    return *apic(first + vector / 32) >> vector % 32 & 1;
}

static inline uint64_t rdtsc(void)
{
    uint32_t lo, hi;

    __asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
    return (uint64_t)hi << 32 | lo;
}

/* TSC ticks, ten seconds or so: as long as any test may need on a busy host. */
#define PATIENCE 30000000000ull

/* Wait for @cond. */
#define SPIN_UNTIL(cond) \
    for (uint64_t end_ = rdtsc() + PATIENCE; \
         !(cond) && rdtsc() < end_;)

/* Let in what is pending; a pending interrupt comes after one instruction. */
static inline void let_in(void)
{
    __asm__ volatile("sti; nop; nop; cli" ::: "memory");
}

/* Wait with interrupts on. */
static inline bool wait_for(volatile unsigned *what, unsigned count)
{
    uint64_t end = rdtsc() + PATIENCE;

    while (*what < count && rdtsc() < end) {
        let_in();
    }
    return *what >= count;
}

#endif
