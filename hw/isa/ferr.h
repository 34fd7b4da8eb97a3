/* SPDX-License-Identifier: MIT */
/* Coprocessor error: FERR# to IRQ 13, and port F0h.  Locks: BQL. */
#ifndef HEDDLE_HW_ISA_FERR_H
#define HEDDLE_HW_ISA_FERR_H

#include "exec/memory.h"
#include "hw/device.h"
#include "hw/irq.h"

typedef struct FerrState {
    DeviceState dev;
    const IrqLine *irq;
    MemoryRegion port;
    bool error; /* IRQ 13 is high */
} FerrState;

extern const DeviceType ferr_type; /* "coprocessor-error" */

/* Make the latch; it drives @irq, and has its port in @io. */
FerrState *ferr_create(MemoryRegion *io, const IrqLine *irq);
/* The processor asserts FERR#: an X86CPU.ferr, @opaque is the FerrState. */
void ferr_assert(void *opaque);

#endif
