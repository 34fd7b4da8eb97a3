/* SPDX-License-Identifier: MIT */
/* The pair of 8259A interrupt controllers of a PC.  Locks: BQL. */
#ifndef HEDDLE_HW_INTC_I8259_H
#define HEDDLE_HW_INTC_I8259_H

#include "exec/memory.h"
#include "hw/device.h"
#include "hw/irq.h"

#define PIC_INPUTS 16 /* of the pair; input 2 is the cascade */

typedef struct PicState PicState;
extern const DeviceType pic_type;

/* Make both chips at ports 20h, A0h and 4D0h of @io and return the master.
 * @intr is the INTR wire to the processor (or LINT0). */
PicState *pic_create(MemoryRegion *io, const IrqLine *intr);
/* Input @n (0-15) of the pair, to be driven by a device. */
IrqLine *pic_input(PicState *master, unsigned n);
/* The INTA cycle: acknowledges the request of highest priority and returns
 * its vector; with none left, that of the spurious interrupt IR7. */
int pic_read_irq(PicState *master);
/* Is INTR driven? */
bool pic_intr_level(const PicState *master);
bool pic_is_master(const PicState *s); /* else the slave of a pair */
/* `info pic` and `info irq` as text. */
void pic_print(const PicState *master, GString *out);
void pic_print_counts(const PicState *master, GString *out);

#endif
