/* SPDX-License-Identifier: MIT */
/* System control port A: A20 gate and fast reset.  Locks: BQL. */
#ifndef HEDDLE_HW_ISA_PORT92_H
#define HEDDLE_HW_ISA_PORT92_H

#include "exec/memory.h"
#include "hw/device.h"
#include "hw/irq.h"

typedef struct Port92State {
    DeviceState dev;
    const IrqLine *a20;
    MemoryRegion port;
    uint8_t control;
} Port92State;

extern const DeviceType port92_type; /* "port92" */

/* Make the port in @io; it drives @a20. */
Port92State *port92_create(MemoryRegion *io, const IrqLine *a20);

#endif
