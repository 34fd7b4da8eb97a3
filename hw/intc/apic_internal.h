/* SPDX-License-Identifier: MIT */
/* What the files of the local APIC share.  Source: SDM vol. 3A, chapter 11
 * "Advanced Programmable Interrupt Controller (APIC)". */
#ifndef HEDDLE_HW_INTC_APIC_INTERNAL_H
#define HEDDLE_HW_INTC_APIC_INTERNAL_H

#include "hw/intc/apic.h"
#include "util/thread.h"
#include "util/timer.h"

/* Registers: the MMIO offset is 16 times this, the MSR 800h plus this. */
enum {
    APIC_REG_ID = 0x02,
    APIC_REG_VERSION = 0x03,
    APIC_REG_TPR = 0x08,
    APIC_REG_APR = 0x09,
    APIC_REG_PPR = 0x0a,
    APIC_REG_EOI = 0x0b,
    APIC_REG_LDR = 0x0d,
    APIC_REG_DFR = 0x0e,
    APIC_REG_SVR = 0x0f,
    APIC_REG_ISR = 0x10,
    APIC_REG_TMR = 0x18,
    APIC_REG_IRR = 0x20,
    APIC_REG_ESR = 0x28,
    APIC_REG_ICR = 0x30,
    APIC_REG_ICR_HIGH = 0x31,
    APIC_REG_LVT = 0x32,
    APIC_REG_INITIAL = 0x38,
    APIC_REG_CURRENT = 0x39,
    APIC_REG_DIVIDE = 0x3e,
    APIC_REG_SELF_IPI = 0x3f,
    APIC_REGS = 0x40,
};

/* The local vector table, in the order of its registers. */
enum {
    APIC_LVT_TIMER,
    APIC_LVT_THERMAL,
    APIC_LVT_PERF,
    APIC_LVT_LINT0,
    APIC_LVT_LINT1,
    APIC_LVT_ERROR,
    APIC_LVTS,
};

#define APIC_LVT_VECTOR      0xff
#define APIC_LVT_MODE(v)     (((v) >> 8) & 7)
#define APIC_LVT_LEVEL       BIT(15)
#define APIC_LVT_MASKED      BIT(16)
#define APIC_LVT_TIMER_MODE(v) (((v) >> 17) & 3)
#define APIC_SVR_ENABLE      BIT(8)
#define APIC_ESR_SEND_VECTOR BIT(5)
#define APIC_ESR_RECV_VECTOR BIT(6)
#define APIC_ESR_REGISTER    BIT(7)
#define APIC_FIRST_VECTOR    16 /* those below are the processor's own */
#define APIC_BITMAP_WORDS    8  /* of 256 vectors */

/* Modes of the timer's LVT entry. */
enum {
    APIC_TIMER_ONE_SHOT,
    APIC_TIMER_PERIODIC,
    APIC_TIMER_DEADLINE,
};

struct ApicState {
    DeviceState dev;
    Mutex lock; /* guards all that is guest-visible, and the levels */

    /* Guest-visible. */
    uint64_t base; /* IA32_APIC_BASE */
    uint32_t tpr, ldr, dfr, svr;
    uint32_t esr, errors; /* errors: what the next write of ESR will show */
    uint32_t lvt[APIC_LVTS];
    uint64_t icr;
    uint32_t irr[APIC_BITMAP_WORDS], isr[APIC_BITMAP_WORDS];
    uint32_t tmr[APIC_BITMAP_WORDS];
    bool extint; /* a message of mode ExtINT waits */
    /* Timer. */
    uint32_t initial, divide;
    bool stopped;          /* at 0, until @initial is written */
    int64_t start_ns;      /* when the count was @initial */
    int64_t fire_ns;       /* next interrupt of the count; -1: none */
    uint64_t tsc_deadline; /* 0: not armed */

    /* Wiring. */
    X86CPU *cpu;
    const ApicCpuOps *ops;
    MemoryRegion *moved; /* the registers' page away from FEE00000h, or NULL */
    MemoryRegion moved_page; /* that is it: it lives as long as the rest */
    uint32_t id;
    bool bsp;
    bool lint0; /* level of the pin */
    bool has_deadline; /* the processor's CPUID offers that mode */

    /* Derived. */
    uint32_t intr; /* INTR to the processor; atomic */
    Timer timer;
};

static inline bool apic_enabled(const ApicState *s)
{
    return s->base & APIC_BASE_ENABLE;
}

static inline bool apic_is_x2(const ApicState *s)
{
    return s->base & APIC_BASE_X2APIC;
}

static inline int apic_lvt_timer_mode(const ApicState *s)
{
    return APIC_LVT_TIMER_MODE(s->lvt[APIC_LVT_TIMER]);
}

/* In all that follows, _locked stands for the APIC's own lock. */

/* --- apic.c: priorities and the wire to the processor --- */
void apic_update_locked(ApicState *s);
/* Accept @vector as a fixed interrupt. */
void apic_accept_locked(ApicState *s, uint8_t vector, bool level);
uint8_t apic_ppr_locked(const ApicState *s);
/* Note an error (APIC_ESR_*) and raise the error interrupt. */
void apic_error_locked(ApicState *s, uint32_t error);
/* Signal a source of the local vector table. */
void apic_local_locked(ApicState *s, unsigned lvt);
/* Everything that INIT and disabling reset. */
void apic_clear_locked(ApicState *s);
/* Read or write TPR, EOI...: the state behind apic_regs.c. */
void apic_set_tpr_locked(ApicState *s, uint8_t value);
/* Ends the service of the highest vector; true if the I/O APIC must be told
 * of *@vector, after the lock is dropped: apic_tell_eoi(). */
bool apic_eoi_locked(ApicState *s, uint8_t *vector);
void apic_tell_eoi(uint8_t vector);

/* --- apic_regs.c: one register, as a 32-bit access sees it --- */
uint32_t apic_mmio_read_reg(ApicState *s, unsigned reg);
void apic_mmio_write_reg(ApicState *s, unsigned reg, uint32_t value);

/* --- apic_map.c --- */
/* The base has changed: move the registers.  Locks: BQL, not the APIC's. */
void apic_relocate(ApicState *s);
void apic_unmap(ApicState *s); /* the APIC goes; Locks: BQL */

/* --- apic_timer.c --- */
void apic_timer_init(ApicState *s);
/* Set the host's timer for what the registers now say. */
void apic_timer_arm_locked(ApicState *s);
uint32_t apic_timer_current_locked(const ApicState *s);
void apic_timer_set_initial_locked(ApicState *s, uint32_t value);
void apic_timer_set_divide_locked(ApicState *s, uint32_t value);
void apic_timer_set_lvt_locked(ApicState *s, uint32_t value);
void apic_timer_set_deadline_locked(ApicState *s, uint64_t tsc);

/* --- apic_bus.c: messages; no lock held --- */
void apic_bus_add(ApicState *s);
void apic_bus_remove(ApicState *s);
/* Carry out what @icr says, for sender @s. */
void apic_send_ipi(ApicState *s, uint64_t icr, bool x2apic);

/* --- apic_regs.c --- */
bool apic_read_msr(void *apic, unsigned index, uint64_t *value);
bool apic_write_msr(void *apic, unsigned index, uint64_t value);

#endif
