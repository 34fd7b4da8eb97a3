/* SPDX-License-Identifier: MIT */
/* The ISA bus, where -device puts serial ports and the like.  Locks: BQL. */
#include "hw/isa/isa_bus.h"

#include <string.h>

IsaBus *isa_bus_create(DeviceState *parent, MemoryRegion *io,
                       const IrqLine *const irq[ISA_IRQS])
{
    IsaBus *isa = g_new0(IsaBus, 1);

    bus_init(&isa->bus, "ISA", "isa.0", parent);
    isa->io = io;
    memcpy(isa->irq, irq, sizeof(isa->irq));
    return isa;
}
