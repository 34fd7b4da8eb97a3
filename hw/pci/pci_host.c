/* SPDX-License-Identifier: MIT */
/*
 * Configuration mechanism #1.
 *
 * Source: PCI Local Bus Specification 3.0, 3.2.2.3.2 "Software Generation of
 * Configuration Transactions"; 82371SB (PIIX3) datasheet, "RC - Reset Control
 * Register (CF9h)".
 * CF8h is an address register for 32-bit accesses only; narrower ones pass to
 * the ISA bus, where only CF9h has an owner.  One region serves all eight
 * ports, so that a 32-bit access at CF8h is never split around CF9h.
 * Locks: BQL.
 */
#include "hw/pci/pci_host.h"

#define PCI_HOST_PORT         0xcf8
#define PCI_HOST_PORTS        8
#define PCI_HOST_RESET        1 /* offsets of the ports */
#define PCI_HOST_DATA         4
#define PCI_ADDRESS_ENABLE    BIT(31)
#define PCI_ADDRESS_WRITABLE  (PCI_ADDRESS_ENABLE | 0x00fffffc)

/* The register that a data port access names, or -1: no cycle on this bus. */
static int pci_host_target(const PCIHost *host, hwaddr offset, unsigned size,
                           uint8_t *devfn)
{
    unsigned bus = extract64(host->address, 16, 8);

    if (!(host->address & PCI_ADDRESS_ENABLE) || bus != 0 ||
        offset + size > PCI_HOST_PORTS) {
        return -1;
    }
    *devfn = extract64(host->address, 8, 8);
    return (host->address & 0xfc) + (offset - PCI_HOST_DATA);
}

static uint64_t pci_host_read(void *opaque, hwaddr offset, unsigned size)
{
    PCIHost *host = opaque;
    uint8_t devfn;
    int reg;

    if (offset >= PCI_HOST_DATA) {
        reg = pci_host_target(host, offset, size, &devfn);
        return reg < 0 ? UINT32_MAX
                       : pci_config_read(host->bus, devfn, reg, size);
    }
    if (offset == 0 && size == 4) {
        return host->address;
    }
    if (offset == PCI_HOST_RESET && size == 1 && host->reset_port.read) {
        return host->reset_port.read(host->reset_port.opaque);
    }
    return UINT32_MAX;
}

static void pci_host_write(void *opaque, hwaddr offset, uint64_t value,
                           unsigned size)
{
    PCIHost *host = opaque;
    uint8_t devfn;
    int reg;

    if (offset >= PCI_HOST_DATA) {
        reg = pci_host_target(host, offset, size, &devfn);
        if (reg >= 0) {
            pci_config_write(host->bus, devfn, reg, value, size);
        }
    } else if (offset == 0 && size == 4) {
        host->address = value & PCI_ADDRESS_WRITABLE;
    } else if (offset == PCI_HOST_RESET && size == 1 &&
               host->reset_port.write) {
        host->reset_port.write(host->reset_port.opaque, value);
    }
}

static const MemoryRegionOps pci_host_ops = {
    .read = pci_host_read,
    .write = pci_host_write,
    .valid = {.min = 1, .max = 4, .unaligned = true},
    .impl = {.min = 1, .max = 4},
};

void pci_host_init(PCIHost *host, PCIBus *bus, MemoryRegion *io)
{
    host->bus = bus;
    memory_region_init_io(&host->ports, &pci_host_ops, host, "pci-conf",
                          PCI_HOST_PORTS);
    memory_region_add(io, PCI_HOST_PORT, &host->ports);
}
