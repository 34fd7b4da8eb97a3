/* SPDX-License-Identifier: MIT */
/*
 * PCI functions and buses: configuration space, BARs, INTx routing, MSI-X.
 * Source: PCI Local Bus Specification 3.0, chapter 6 "Configuration Space".
 * Locks: BQL.
 */
#ifndef HEDDLE_HW_PCI_H
#define HEDDLE_HW_PCI_H

#include "exec/memory.h"
#include "hw/device.h"
#include "hw/irq.h"

#define PCI_DEVFN(slot, fn) (((slot) << 3) | (fn))
#define PCI_CONFIG_BYTES    256
#define PCI_BARS            6

typedef struct PCIBus PCIBus;
typedef struct PCIDevice PCIDevice;

/* The constants of a function's header. */
typedef struct PCIInfo {
    uint16_t vendor, device, subsystem_vendor, subsystem;
    uint16_t class_code; /* base class and sub-class */
    uint8_t prog_if, revision;
    bool multifunction;
    uint8_t interrupt_pin; /* 0 none, 1 INTA# to 4 INTD# */
} PCIInfo;

struct PCIDevice {
    DeviceState dev;
    int32_t devfn; /* property "addr"; -1: the first free slot */
    uint8_t config[PCI_CONFIG_BYTES];
    uint8_t wmask[PCI_CONFIG_BYTES];  /* bits that the guest may write */
    uint8_t w1cmask[PCI_CONFIG_BYTES]; /* bits that writing 1 clears */
    PCIBus *bus;
    struct {
        MemoryRegion *mr;
        bool io, mapped;
        hwaddr addr;
    } bar[PCI_BARS];
    /* After a write of configuration space; may be NULL. */
    void (*config_written)(PCIDevice *d, unsigned addr, unsigned len);
    MemoryRegion bus_master; /* what the function sees: memory when enabled */
    AddressSpace dma;
    uint8_t next_cap;
    int irq_level;
    struct MSIX *msix;
};

#define PCI_DEVICE_PROPS(type) \
    DEV_PROP(type, pci.devfn, "addr", DEV_PROP_PCI_DEVFN, \
             (uint32_t)-1, "slot[.function]")

/* First thing in a PCI device's realise: header, BAR-less. */
bool pci_device_init(PCIDevice *d, const PCIInfo *info, GError **errp);
void pci_register_bar(PCIDevice *d, unsigned index, bool io, bool is_64,
                      bool prefetchable, MemoryRegion *mr);
/* Append a capability of @len bytes; returns its offset in config. */
uint8_t pci_add_capability(PCIDevice *d, uint8_t id, uint8_t len);
void pci_set_irq(PCIDevice *d, int level); /* INTx, shared level */
bool msix_init(PCIDevice *d, unsigned vectors, unsigned bar, GError **errp);
bool msix_enabled(const PCIDevice *d);
void msix_notify(PCIDevice *d, unsigned vector);
/* DMA as this function: fails while bus mastering is off. */
MemTxResult pci_dma_read(PCIDevice *d, hwaddr addr, void *buf, uint64_t len);
MemTxResult pci_dma_write(PCIDevice *d, hwaddr addr, const void *buf,
                          uint64_t len);

struct PCIBus {
    Bus bus; /* type "PCI" */
    PCIDevice *function[256]; /* by devfn */
    MemoryRegion *memory, *io; /* where BARs appear */
    /* Wire of the host bridge's interrupt pins: @pin 0-3 after swizzling by
     * slot, the level is of all functions that share it. */
    void (*set_irq)(void *opaque, int pin, int level);
    void *irq_opaque;
    int irq_count[4];
};

PCIBus *pci_bus_new(const char *name, DeviceState *parent,
                    MemoryRegion *memory, MemoryRegion *io,
                    void (*set_irq)(void *opaque, int pin, int level),
                    void *irq_opaque);
/* Configuration cycles; absent functions read all ones. */
uint32_t pci_config_read(PCIBus *bus, uint8_t devfn, unsigned addr,
                         unsigned len);
void pci_config_write(PCIBus *bus, uint8_t devfn, unsigned addr,
                      uint32_t value, unsigned len);

#endif
