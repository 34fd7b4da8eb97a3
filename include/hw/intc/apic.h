/* SPDX-License-Identifier: MIT */
/*
 * Local APICs and the bus between them.  Each APIC has a lock of its own, so
 * that guests reach its registers without the BQL.
 * Lock order: BQL, then one APIC's lock, then the timers'; never two APICs'.
 */
#ifndef HEDDLE_HW_INTC_APIC_H
#define HEDDLE_HW_INTC_APIC_H

#include "exec/memory.h"
#include "hw/device.h"
#include "hw/intc/i8259.h"
#include "target/i386/cpu.h"

#define APIC_BASE_ADDR  0xfee00000u
#define APIC_SPACE_SIZE 0x100000 /* where messages may be written */
#define APIC_MAX        512

typedef struct ApicState ApicState;
extern const DeviceType apic_type;

/* Delivery modes of messages, LVT entries and I/O APIC entries. */
typedef enum ApicMode {
    APIC_MODE_FIXED,
    APIC_MODE_LOWEST,
    APIC_MODE_SMI,
    APIC_MODE_NMI = 4,
    APIC_MODE_INIT,
    APIC_MODE_SIPI,
    APIC_MODE_EXTINT,
} ApicMode;

typedef struct ApicMessage {
    uint32_t dest;
    bool dest_32;  /* of an x2APIC: else 8 bits, FFh to all */
    bool logical;
    bool level;    /* level triggered: its EOI is told to the I/O APIC */
    uint8_t mode;  /* ApicMode */
    uint8_t vector;
} ApicMessage;

/* How an APIC reaches its processor; none takes a lock. */
typedef struct ApicCpuOps {
    void (*request)(CPUState *cpu, uint32_t mask); /* CPU_INTERRUPT_* */
    void (*cancel)(CPUState *cpu, uint32_t mask);
    void (*sipi)(CPUState *cpu, uint8_t vector);
    uint64_t (*tsc)(CPUState *cpu);
    /* "apic", "tsc-deadline": does CPUID offer it?  NULL: yes. */
    bool (*has_feature)(CPUState *cpu, const char *name);
} ApicCpuOps;
extern const ApicCpuOps apic_cpu_ops; /* of a real vCPU */

/* What a vCPU asks of its APIC.  get_interrupt() brings CPU_INTERRUPT_HARD up
 * to date itself: a vCPU that clears it must do so before the call. */
extern const X86ApicOps apic_x86_ops;

/* Make the APIC of @cpu, with its apic_id, and wire the two.  Index 0 is the
 * boot processor.  Locks: BQL. */
ApicState *apic_create(X86CPU *cpu, const ApicCpuOps *ops);
/* Map the registers and the message space at FEE00000h of @memory: one region
 * for all vCPUs.  Locks: BQL. */
void apic_map(MemoryRegion *memory);
/* The INTR wire of the i8259 pair, to LINT0 of every APIC; then the pair, for
 * the INTA cycle. */
const IrqLine *apic_lint0_line(void);
void apic_connect_pic(PicState *pic);
/* Pulse LINT1 of every APIC: the `nmi` command.  Any thread. */
void apic_pulse_lint1(void);

/* Send @msg over the bus; false if nobody took it.  Any thread, with or
 * without the BQL. */
bool apic_deliver(const ApicMessage *msg);
/* A message signalled interrupt.  Source: SDM vol. 3A, 11.11 "Message
 * Signalled Interrupts". */
bool apic_deliver_msi(uint64_t addr, uint32_t data);
/* Call @fn whenever a level-triggered vector was served.  Locks: BQL, there
 * and here. */
void apic_set_eoi_listener(void (*fn)(void *opaque, uint8_t vector),
                           void *opaque);

/* `info lapic` as text. */
void apic_print(ApicState *s, GString *out);

#endif
