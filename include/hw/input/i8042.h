/* SPDX-License-Identifier: MIT */
/* The PC's keyboard controller.  Locks: BQL. */
#ifndef HEDDLE_HW_INPUT_I8042_H
#define HEDDLE_HW_INPUT_I8042_H

#include "exec/memory.h"
#include "hw/device.h"
#include "hw/input/ps2.h"
#include "hw/irq.h"

typedef struct I8042State I8042State;
extern const DeviceType i8042_type;

/* What the controller drives; NULL: not connected. */
typedef struct I8042Lines {
    const IrqLine *irq1, *irq12;
    const IrqLine *a20;   /* high: address bit 20 passes */
    const IrqLine *reset; /* pulsed */
} I8042Lines;

/* Ports 60h and 64h of @io, with a keyboard and a mouse. */
I8042State *i8042_create(MemoryRegion *io, const I8042Lines *lines);
Ps2Kbd *i8042_kbd(I8042State *s);
Ps2Mouse *i8042_mouse(I8042State *s);
/* Bit 1 of the output port follows what else switches A20 (port 92h). */
void i8042_set_a20(I8042State *s, bool on);

#endif
