/* SPDX-License-Identifier: MIT */
/*
 * 82441FX host bridge and memory controller.  Locks: BQL.
 */
#ifndef HEDDLE_HW_I386_I440FX_H
#define HEDDLE_HW_I386_I440FX_H

#include "hw/pci.h"
#include "hw/pci/pci_host.h"

/* Twelve segments of 16 KiB from C0000h and the one of 64 KiB at F0000h. */
#define I440FX_PAM_SEGMENTS 13

/* The function 00:00.0 of the bridge. */
typedef struct I440fxState {
    PCIDevice pci;
    MemoryRegion *ram, *pci_memory;
    /* Aliases of the RAM; where none is, accesses go to the bus. */
    MemoryRegion base;  /* below A0000h */
    MemoryRegion pam[I440FX_PAM_SEGMENTS]; /* on while readable */
    MemoryRegion low;   /* from 1 MiB to the PCI hole */
    MemoryRegion high;  /* from 4 GiB on */
    PCIHost host;
} I440fxState;

/* The root of the chipset: owns the bus and stands for "i440FX-pcihost". */
typedef struct I440fxHostState {
    DeviceState dev;
    PCIBus *bus;
    I440fxState *bridge;
} I440fxHostState;

extern const DeviceType i440fx_type;      /* "i440FX" */
extern const DeviceType i440fx_host_type; /* "i440FX-pcihost" */

/*
 * How much of @ram_bytes lies below 4 GiB: all of it when it is less than
 * 3.5 GiB, else 3 GiB; what is left begins at 4 GiB.  SeaBIOS relies on this
 * when it places the PCI hole.
 */
uint64_t i440fx_ram_below_4g(uint64_t ram_bytes);

/*
 * Make the bridge and its bus "pci.0" in @memory and @io, and map @ram, which
 * has at least 1 MiB.
 * @set_irq  wired to the PIRQ inputs of the south bridge, as in PCIBus
 */
I440fxHostState *i440fx_create(MemoryRegion *memory, MemoryRegion *io,
                               MemoryRegion *ram,
                               void (*set_irq)(void *opaque, int pin,
                                               int level),
                               void *irq_opaque);

#endif
