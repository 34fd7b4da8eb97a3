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

/* Registers of the type 0 header and their bits. */
#define PCI_VENDOR_ID           0x00
#define PCI_DEVICE_ID           0x02
#define PCI_COMMAND             0x04
#define PCI_COMMAND_IO          BIT(0)
#define PCI_COMMAND_MEMORY      BIT(1)
#define PCI_COMMAND_MASTER      BIT(2)
#define PCI_COMMAND_INTX_OFF    BIT(10)
#define PCI_STATUS              0x06
#define PCI_STATUS_INTX         BIT(3)
#define PCI_STATUS_CAP_LIST     BIT(4)
#define PCI_STATUS_W1C          0xf900
#define PCI_REVISION_ID         0x08
#define PCI_PROG_IF             0x09
#define PCI_CLASS               0x0a
#define PCI_CACHE_LINE          0x0c
#define PCI_LATENCY             0x0d
#define PCI_HEADER_TYPE         0x0e
#define PCI_HEADER_MULTI        0x80
#define PCI_BAR0                0x10
#define PCI_BAR_IO              BIT(0)
#define PCI_BAR_64              BIT(2)
#define PCI_BAR_PREFETCH        BIT(3)
#define PCI_SUBSYSTEM_VENDOR_ID 0x2c
#define PCI_SUBSYSTEM_ID        0x2e
#define PCI_CAPABILITY_LIST     0x34
#define PCI_INTERRUPT_LINE      0x3c
#define PCI_INTERRUPT_PIN       0x3d
#define PCI_CAP_FIRST           0x40 /* end of the header */
#define PCI_CAP_ID_MSIX         0x11

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
    uint8_t cap_end;   /* first byte that no capability uses */
    uint8_t irq_level; /* of the function itself */
    uint8_t irq_on_bus; /* what the bus sees: gated by Interrupt Disable */
    struct MSIX *msix;
};

#define PCI_DEVICE_PROPS(type) \
    DEV_PROP(type, pci.devfn, "addr", DEV_PROP_PCI_DEVFN, \
             (uint32_t)-1, "slot[.function]")
/* Saved state that every function has; its post_load calls
 * pci_device_post_load().  The bus resets it, not the field table. */
#define PCI_DEVICE_FIELDS(type) \
    { \
        .name = "pci.config", .offset = offsetof(type, pci.config), \
        .size = 1, .count = PCI_CONFIG_BYTES, .kept = true \
    }, \
    DEV_FIELD_KEPT(type, pci.irq_level)

/* First thing in a PCI device's realise: header, BAR-less.  A realise that
 * fails afterwards calls pci_device_exit() itself. */
bool pci_device_init(PCIDevice *d, const PCIInfo *info, GError **errp);
/* Last thing in its unrealise: off the bus; BARs are unmapped. */
void pci_device_exit(PCIDevice *d);
/* Writable bits of configuration space to 0, BARs unmapped, INTx and MSI-X
 * quiet.  The reset of the bus calls it for every function; what a function
 * has other than 0 it sets in its own reset, which runs later. */
void pci_device_reset(PCIDevice *d);
void pci_device_post_load(PCIDevice *d);
void pci_register_bar(PCIDevice *d, unsigned index, bool io, bool is_64,
                      bool prefetchable, MemoryRegion *mr);
/* Append a capability of @len bytes (its first two are filled in, the rest is
 * 0 and read-only); returns its offset in config. */
uint8_t pci_add_capability(PCIDevice *d, uint8_t id, uint8_t len);
void pci_set_irq(PCIDevice *d, int level); /* INTx, shared level */
/* Give @d a table of @vectors (1 to 2048) and a pending array as BAR @bar. */
bool msix_init(PCIDevice *d, unsigned vectors, unsigned bar, GError **errp);
void msix_exit(PCIDevice *d);
void msix_reset(PCIDevice *d);
bool msix_enabled(const PCIDevice *d);
/* Send @vector's message, or set its pending bit while it is masked; a vector
 * that the table has not is ignored. */
void msix_notify(PCIDevice *d, unsigned vector);
/* The PCI core tells of each write of configuration space. */
void msix_config_written(PCIDevice *d);
/* DMA as this function: fails while bus mastering is off. */
MemTxResult pci_dma_read(PCIDevice *d, hwaddr addr, void *buf, uint64_t len);
MemTxResult pci_dma_write(PCIDevice *d, hwaddr addr, const void *buf,
                          uint64_t len);
bool pci_is_master(const PCIDevice *d);

struct PCIBus {
    Bus bus; /* type "PCI" */
    PCIDevice *function[256]; /* by devfn */
    MemoryRegion *memory, *io; /* where BARs appear */
    /* Wire of the host bridge's interrupt pins: @pin 0-3 is (slot + INTx - 1)
     * mod 4, the level is of all functions that share it. */
    void (*set_irq)(void *opaque, int pin, int level);
    void *irq_opaque;
    int irq_count[4];
    /* Where message signalled interrupts go; NULL: plain memory writes. */
    void (*send_msi)(hwaddr addr, uint32_t data);
};

PCIBus *pci_bus_new(const char *name, DeviceState *parent,
                    MemoryRegion *memory, MemoryRegion *io,
                    void (*set_irq)(void *opaque, int pin, int level),
                    void *irq_opaque);
void pci_bus_reset(PCIBus *bus);
/* Configuration cycles; absent functions read all ones. */
uint32_t pci_config_read(PCIBus *bus, uint8_t devfn, unsigned addr,
                         unsigned len);
void pci_config_write(PCIBus *bus, uint8_t devfn, unsigned addr,
                      uint32_t value, unsigned len);

#endif
