/* SPDX-License-Identifier: MIT */
/* The ISA bus: ports and sixteen interrupt lines.  Locks: BQL. */
#ifndef HEDDLE_HW_ISA_ISA_BUS_H
#define HEDDLE_HW_ISA_ISA_BUS_H

#include "exec/memory.h"
#include "hw/device.h"
#include "hw/irq.h"

#define ISA_IRQS 16

typedef struct IsaBus {
    Bus bus; /* type "ISA"; first */
    MemoryRegion *io;
    const IrqLine *irq[ISA_IRQS];
} IsaBus;

/* Make bus "isa.0" under @parent (may be NULL); the lines are copied. */
IsaBus *isa_bus_create(DeviceState *parent, MemoryRegion *io,
                       const IrqLine *const irq[ISA_IRQS]);

#endif
