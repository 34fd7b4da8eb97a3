/* SPDX-License-Identifier: MIT */
/*
 * The slots of bus 0 that are filled and emptied while the guest runs: the
 * registers by which ACPI's methods (hw/i386/dsdt.asl) hear of it.  Locks: BQL.
 */
#ifndef HEDDLE_HW_ACPI_PCI_HOTPLUG_H
#define HEDDLE_HW_ACPI_PCI_HOTPLUG_H

#include "hw/pci.h"

#define PCI_HOTPLUG_PORT  0xae00
#define PCI_HOTPLUG_BYTES 0x14

typedef struct PciHotplug {
    PCIBus *bus;
    MemoryRegion ports;
    void (*event)(void *opaque); /* something is to be looked at */
    void *opaque;
    /* guest-visible, a bit each slot */
    uint32_t up;     /* filled since the guest looked */
    uint32_t down;   /* the guest is asked to let it go */
    uint32_t select; /* which bus the other registers are about */
} PciHotplug;

/* Make @bus one of that kind; @event raises the general purpose event. */
void pci_hotplug_init(PciHotplug *h, PCIBus *bus, MemoryRegion *io,
                      void (*event)(void *opaque), void *opaque);

#endif
