/* SPDX-License-Identifier: MIT */
/*
 * Port and configuration accesses as a guest makes them, and a chipset with 16
 * MiB of RAM.  One process has one memory map, so each program makes the
 * chipset once and resets it before each test.
 */
#ifndef HEDDLE_TESTS_HW_CHIPSET_FIXTURE_H
#define HEDDLE_TESTS_HW_CHIPSET_FIXTURE_H

#include "exec/bql.h"
#include "exec/memory.h"
#include "hw/acpi/piix4_pm.h"
#include "hw/i386/i440fx.h"
#include "hw/isa/piix3.h"
#include "system/runstate.h"
#include "util/main-loop.h"
#include "util/timer.h"

#define FIXTURE_RAM      (16 * MiB)
#define PCI_ADDRESS_PORT 0xcf8
#define PCI_DATA_PORT    0xcfc

typedef struct Chipset {
    MemoryRegion ram;
    I440fxHostState *host;
    Piix3State *piix3;
    Piix4PmState *pm;
    IrqLine isa[PIIX3_ISA_IRQS];
    int isa_level[PIIX3_ISA_IRQS];
    char last_event[32];
    ShutdownCause last_cause;
} Chipset;

static Chipset chipset;

static inline uint32_t io_read(uint16_t port, unsigned size)
{
    MemTxResult result;

    return address_space_load(&address_space_io, port, size, &result);
}

static inline void io_write(uint16_t port, uint32_t value, unsigned size)
{
    address_space_store(&address_space_io, port, value, size);
}

static inline uint64_t mem_read(hwaddr addr, unsigned size)
{
    MemTxResult result;

    return address_space_load(&address_space_memory, addr, size, &result);
}

static inline void mem_write(hwaddr addr, uint64_t value, unsigned size)
{
    address_space_store(&address_space_memory, addr, value, size);
}

/* A configuration cycle by mechanism #1 on bus 0. */
static inline uint32_t cfg_read(unsigned devfn, unsigned reg, unsigned size)
{
    io_write(PCI_ADDRESS_PORT, 0x80000000 | devfn << 8 | (reg & ~3u), 4);
    return io_read(PCI_DATA_PORT + (reg & 3), size);
}

static inline void cfg_write(unsigned devfn, unsigned reg, uint32_t value,
                             unsigned size)
{
    io_write(PCI_ADDRESS_PORT, 0x80000000 | devfn << 8 | (reg & ~3u), 4);
    io_write(PCI_DATA_PORT + (reg & 3), value, size);
}

static inline void chipset_isa_irq(void *opaque, int n, int level)
{
    chipset.isa_level[n] = level;
}

static inline void chipset_pci_irq(void *opaque, int pin, int level)
{
    piix3_set_pci_irq(chipset.piix3, pin, level);
}

static inline void chipset_event(const char *name, ShutdownCause cause,
                                 void *opaque)
{
    g_strlcpy(chipset.last_event, name, sizeof(chipset.last_event));
    chipset.last_cause = cause;
}

static inline void fixture_create_chipset(void)
{
    static const RunStateListener listener = {.event = chipset_event};
    const IrqLine *isa[PIIX3_ISA_IRQS];
    PCIBus *bus;

    for (int i = 0; i < PIIX3_ISA_IRQS; i++) {
        irq_init(&chipset.isa[i], chipset_isa_irq, NULL, i);
        isa[i] = &chipset.isa[i];
    }
    g_assert_true(memory_region_init_ram(&chipset.ram, "ram", FIXTURE_RAM,
                                         NULL));
    chipset.host = i440fx_create(system_memory(), system_io(), &chipset.ram,
                                 chipset_pci_irq, NULL);
    bus = chipset.host->bus;
    chipset.piix3 = piix3_create(bus, PCI_DEVFN(1, 0), isa);
    chipset.host->bridge->host.reset_port = piix3_reset_port(chipset.piix3);
    chipset.pm = piix4_pm_create(bus, PCI_DEVFN(1, 3), system_io(),
                                 piix3_sci_line(chipset.piix3));
    runstate_add_listener(&listener);
}

/* Let the main loop carry out what was requested. */
static inline void fixture_run_requests(void)
{
    chipset.last_event[0] = '\0';
    while (g_main_context_iteration(NULL, FALSE)) {
    }
}

static inline void fixture_init(int *argc, char ***argv)
{
    g_test_init(argc, argv, NULL);
    bql_init();
    bql_lock();
    memory_map_init();
}

#endif
