/* SPDX-License-Identifier: MIT */
/* The PC's 8254 interval timer and port 61h, which gates its third counter.
 * Locks: BQL. */
#ifndef HEDDLE_HW_TIMER_I8254_H
#define HEDDLE_HW_TIMER_I8254_H

#include "exec/memory.h"
#include "hw/device.h"
#include "hw/irq.h"

#define PIT_HZ       1193182
#define PIT_CHANNELS 3

typedef struct PitState PitState;
typedef struct PcspkState PcspkState;
extern const DeviceType pit_type;
extern const DeviceType pcspk_type;

/* Ports 40h-43h of @io; @irq0 is driven by OUT of counter 0. */
PitState *pit_create(MemoryRegion *io, const IrqLine *irq0);
void pit_set_gate(PitState *s, unsigned channel, bool level);
bool pit_get_gate(const PitState *s, unsigned channel);
bool pit_get_out(PitState *s, unsigned channel);

/* Port 61h of @io. */
PcspkState *pcspk_create(MemoryRegion *io, PitState *pit);

#endif
