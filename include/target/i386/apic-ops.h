/* SPDX-License-Identifier: MIT */
/* What a vCPU asks of its local APIC, which lives in hw/intc. */
#ifndef HEDDLE_TARGET_I386_APIC_OPS_H
#define HEDDLE_TARGET_I386_APIC_OPS_H

#include "util/common.h"

typedef struct X86ApicOps {
    /* The INTA cycle: the vector to deliver, or -1 if there is none any more.
     * Moves it from IRR to ISR (or asks the i8259).  Locks: BQL. */
    int (*get_interrupt)(void *apic);
    /* Is an interrupt of sufficient priority waiting?  Any thread. */
    bool (*has_interrupt)(void *apic);
    /* Catch up after CPU_INTERRUPT_POLL.  Locks: BQL. */
    void (*poll)(void *apic);
    /* CR8: bits 7:4 of the TPR. */
    uint8_t (*get_cr8)(void *apic);
    void (*set_cr8)(void *apic, uint8_t value);
    /* IA32_APIC_BASE; false means #GP(0). */
    uint64_t (*get_base)(void *apic);
    bool (*set_base)(void *apic, uint64_t value);
    /* MSRs 800h-8FFh; @index is relative to 800h; false means #GP(0). */
    bool (*read_msr)(void *apic, unsigned index, uint64_t *value);
    bool (*write_msr)(void *apic, unsigned index, uint64_t value);
    /* IA32_TSC_DEADLINE */
    uint64_t (*get_tsc_deadline)(void *apic);
    void (*set_tsc_deadline)(void *apic, uint64_t value);
    /* INIT reset, power-on reset. */
    void (*init_reset)(void *apic);
} X86ApicOps;

#endif
