/* SPDX-License-Identifier: MIT */
/* The I/O APIC (82093AA, with the EOI register of version 20h).  Locks: BQL. */
#ifndef HEDDLE_HW_INTC_IOAPIC_H
#define HEDDLE_HW_INTC_IOAPIC_H

#include "exec/memory.h"
#include "hw/device.h"
#include "hw/irq.h"

#define IOAPIC_PINS 24
#define IOAPIC_ADDR 0xfec00000u

typedef struct IoapicState IoapicState;
extern const DeviceType ioapic_type;

/* At @base of @memory; hears the local APICs' EOIs. */
IoapicState *ioapic_create(MemoryRegion *memory, hwaddr base);
IrqLine *ioapic_pin(IoapicState *s, unsigned n);
/* For `info pic` and `info irq`, as text. */
void ioapic_print(const IoapicState *s, GString *out);
void ioapic_print_counts(const IoapicState *s, GString *out);

#endif
