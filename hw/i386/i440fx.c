/* SPDX-License-Identifier: MIT */
/*
 * 82441FX (i440FX): host bridge and memory controller.
 *
 * Source: Intel 440FX PCIset datasheet (order number 290549), chapter 3
 * "Register Description".
 * Implemented: configuration cycles, PAM0-PAM6 (shadow RAM), the split of RAM
 * around the PCI hole.  Left out: SMRAM (there is no system management mode,
 * so the register is plain storage and A0000h-BFFFFh always go to the bus),
 * DRAM timing, error reporting, the fixed DRAM hole.  A PAM segment that is
 * write-only reads from the bus, and writes are dropped.
 * Locks: BQL.
 */
#include "hw/i386/i440fx.h"

#define I440FX_VENDOR        0x8086
#define I440FX_DEVICE        0x1237
#define I440FX_REVISION      0x02
#define I440FX_SUBSYS_VENDOR 0x1af4 /* firmware tells an emulator by these */
#define I440FX_SUBSYS        0x1100
#define I440FX_CLASS         0x0600 /* host bridge */

#define I440FX_PAM0          0x59 /* high nibble: F0000h-FFFFFh */
#define I440FX_PAM6          0x5f
#define I440FX_SMRAM         0x72
#define I440FX_SMRAM_RESET   0x02 /* C_BASE_SEG is A0000h, fixed */
#define PAM_READ             BIT(0)
#define PAM_WRITE            BIT(1)
#define PAM_WRITABLE         0x33

#define PAM_BASE             0xc0000
#define PAM_SEGMENT          0x4000
#define PAM_LAST             (I440FX_PAM_SEGMENTS - 1)
#define PAM_LAST_BASE        0xf0000
#define PAM_LAST_BYTES       0x10000
#define BASE_END             0xa0000

#define LOWMEM_LIMIT         0xe0000000ull
#define LOWMEM_SPLIT         0xc0000000ull

/* The bus answers where RAM does not. */
#define PCI_MEMORY_PRIORITY  (-1)

uint64_t i440fx_ram_below_4g(uint64_t ram_bytes)
{
    return ram_bytes < LOWMEM_LIMIT ? ram_bytes : LOWMEM_SPLIT;
}

/* --- PAM --- */

/* Attributes of segment @n: PAM1-PAM6 hold two each, low nibble first. */
static uint8_t pam_attributes(const I440fxState *s, unsigned n)
{
    if (n == PAM_LAST) {
        return s->pci.config[I440FX_PAM0] >> 4;
    }
    return s->pci.config[I440FX_PAM0 + 1 + n / 2] >> (n & 1) * 4;
}

static void pam_update(I440fxState *s)
{
    memory_transaction_begin();
    for (unsigned n = 0; n < I440FX_PAM_SEGMENTS; n++) {
        uint8_t attr = pam_attributes(s, n);

        memory_region_set_readonly(&s->pam[n], !(attr & PAM_WRITE));
        memory_region_set_enabled(&s->pam[n], attr & PAM_READ);
    }
    memory_transaction_commit();
}

static void pam_init(I440fxState *s, unsigned n, MemoryRegion *memory)
{
    hwaddr base = n == PAM_LAST ? PAM_LAST_BASE : PAM_BASE + n * PAM_SEGMENT;
    uint64_t size = n == PAM_LAST ? PAM_LAST_BYTES : PAM_SEGMENT;

    memory_region_init_alias(&s->pam[n], "pam", s->ram, base, size);
    memory_region_set_enabled(&s->pam[n], false);
    memory_region_add(memory, base, &s->pam[n]);
}

/* --- the function --- */

static void i440fx_config_written(PCIDevice *d, unsigned addr, unsigned len)
{
    if (addr <= I440FX_PAM6 && addr + len > I440FX_PAM0) {
        pam_update(container_of(d, I440fxState, pci));
    }
}

static bool i440fx_realize(DeviceState *dev, GError **errp)
{
    static const PCIInfo info = {
        .vendor = I440FX_VENDOR, .device = I440FX_DEVICE,
        .subsystem_vendor = I440FX_SUBSYS_VENDOR, .subsystem = I440FX_SUBSYS,
        .class_code = I440FX_CLASS, .revision = I440FX_REVISION,
    };
    I440fxState *s = container_of(dev, I440fxState, pci.dev);

    if (!pci_device_init(&s->pci, &info, errp)) {
        return false;
    }
    s->pci.wmask[I440FX_PAM0] = PAM_WRITABLE & 0xf0;
    for (unsigned reg = I440FX_PAM0 + 1; reg <= I440FX_PAM6; reg++) {
        s->pci.wmask[reg] = PAM_WRITABLE;
    }
    s->pci.wmask[I440FX_SMRAM] = 0x78;
    s->pci.config[I440FX_SMRAM] = I440FX_SMRAM_RESET;
    s->pci.config_written = i440fx_config_written;
    return true;
}

static void i440fx_reset(DeviceState *dev)
{
    I440fxState *s = container_of(dev, I440fxState, pci.dev);

    s->host.address = 0;
    pam_update(s); /* the bus has cleared the registers */
}

static void i440fx_post_load(DeviceState *dev)
{
    I440fxState *s = container_of(dev, I440fxState, pci.dev);

    pci_device_post_load(&s->pci);
    pam_update(s);
}

static const DevProp i440fx_props[] = {
    PCI_DEVICE_PROPS(I440fxState),
};

static const DevField i440fx_fields[] = {
    PCI_DEVICE_FIELDS(I440fxState),
    DEV_FIELD(I440fxState, host.address, 0),
};

const DeviceType i440fx_type = {
    .name = "i440FX",
    .desc = "Host bridge",
    .bus = "PCI",
    .size = sizeof(I440fxState),
    .props = i440fx_props,
    .nprops = ARRAY_LEN(i440fx_props),
    .fields = i440fx_fields,
    .nfields = ARRAY_LEN(i440fx_fields),
    .realize = i440fx_realize,
    .reset = i440fx_reset,
    .post_load = i440fx_post_load,
};

/* --- the root of the chipset --- */

static void i440fx_host_reset(DeviceState *dev)
{
    I440fxHostState *host = container_of(dev, I440fxHostState, dev);

    if (host->bus) {
        pci_bus_reset(host->bus);
    }
}

const DeviceType i440fx_host_type = {
    .name = "i440FX-pcihost",
    .desc = "440FX chipset: PCI host",
    .size = sizeof(I440fxHostState),
    .reset = i440fx_host_reset,
};

static void i440fx_map_memory(I440fxState *s, MemoryRegion *memory)
{
    uint64_t below = i440fx_ram_below_4g(s->ram->size);

    memory_region_add_overlap(memory, 0, s->pci_memory, PCI_MEMORY_PRIORITY);
    memory_region_init_alias(&s->base, "ram-base", s->ram, 0, BASE_END);
    memory_region_add(memory, 0, &s->base);
    if (below > MiB) {
        memory_region_init_alias(&s->low, "ram-below-4g", s->ram, MiB,
                                 below - MiB);
        memory_region_add(memory, MiB, &s->low);
    }
    if (s->ram->size > below) {
        memory_region_init_alias(&s->high, "ram-above-4g", s->ram, below,
                                 s->ram->size - below);
        memory_region_add(memory, 4 * GiB, &s->high);
    }
    for (unsigned n = 0; n < I440FX_PAM_SEGMENTS; n++) {
        pam_init(s, n, memory);
    }
}

I440fxHostState *i440fx_create(MemoryRegion *memory, MemoryRegion *io,
                               MemoryRegion *ram,
                               void (*set_irq)(void *opaque, int pin,
                                               int level),
                               void *irq_opaque)
{
    DeviceState *root = device_create(&i440fx_host_type, NULL);
    I440fxHostState *host = container_of(root, I440fxHostState, dev);
    MemoryRegion *pci_memory = g_new0(MemoryRegion, 1);
    DeviceState *dev;
    I440fxState *s;

    memory_region_init(pci_memory, "pci", UINT64_MAX);
    host->bus = pci_bus_new("pci.0", root, pci_memory, io, set_irq,
                            irq_opaque);
    dev = device_new(&i440fx_type, &host->bus->bus);
    s = container_of(dev, I440fxState, pci.dev);
    s->pci.devfn = PCI_DEVFN(0, 0);
    s->ram = ram;
    s->pci_memory = pci_memory;
    memory_transaction_begin();
    i440fx_map_memory(s, memory);
    memory_transaction_commit();
    pci_host_init(&s->host, host->bus, io);
    if (!device_realize(dev, NULL)) {
        g_assert_not_reached(); /* slot 0 of a new bus is free */
    }
    host->bridge = s;
    return host;
}
