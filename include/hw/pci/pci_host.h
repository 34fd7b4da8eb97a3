/* SPDX-License-Identifier: MIT */
/*
 * Configuration mechanism #1: the ports CF8h to CFFh.
 * Locks: BQL.
 */
#ifndef HEDDLE_HW_PCI_PCI_HOST_H
#define HEDDLE_HW_PCI_PCI_HOST_H

#include "hw/pci.h"

/* The reset control register at CF9h lies among the ports of the mechanism;
 * who has it (the south bridge) lends these. */
typedef struct PCIHostResetPort {
    uint8_t (*read)(void *opaque);
    void (*write)(void *opaque, uint8_t value);
    void *opaque;
} PCIHostResetPort;

typedef struct PCIHost {
    PCIBus *bus;
    uint32_t address; /* CF8h */
    PCIHostResetPort reset_port;
    MemoryRegion ports;
} PCIHost;

/* Put the ports of @bus into the space of I/O ports @io. */
void pci_host_init(PCIHost *host, PCIBus *bus, MemoryRegion *io);

#endif
