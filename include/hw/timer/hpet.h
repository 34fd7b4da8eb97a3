/* SPDX-License-Identifier: MIT */
/* The high precision event timer.  Locks: BQL, but for the main counter. */
#ifndef HEDDLE_HW_TIMER_HPET_H
#define HEDDLE_HW_TIMER_HPET_H

#include "exec/memory.h"
#include "hw/device.h"
#include "hw/irq.h"

#define HPET_ADDR      0xfed00000u
#define HPET_GSIS      24
#define HPET_PERIOD_NS 10

/* What the legacy replacement route switches. */
enum {
    HPET_LEGACY_PIT, /* IRQ0 */
    HPET_LEGACY_RTC, /* IRQ8 */
    HPET_LEGACY_LINES,
};

typedef struct HpetState HpetState;
extern const DeviceType hpet_type;

/* At @base of @memory.  @gsi[] are the I/O APIC's pins; @legacy[] the wires of
 * IRQ0 and IRQ8, which the HPET drives from hpet_legacy_in() or, when the guest
 * asks for it, from its comparators 0 and 1. */
HpetState *hpet_create(MemoryRegion *memory, hwaddr base,
                       const IrqLine *const gsi[HPET_GSIS],
                       const IrqLine *const legacy[HPET_LEGACY_LINES]);
/* To be driven by the PIT's counter 0, by the RTC. */
const IrqLine *hpet_legacy_in(HpetState *s, unsigned which);

#endif
