/* SPDX-License-Identifier: MIT */
/*
 * "pc-testdev": what low-level test suites of PCs drive.  Ports:
 *   E0h-E3h    a latch of 32 bits, accessed at any width
 *   E4h        a 32-bit write maps the guest page at that address anew
 *   E8h-EBh    the same latch, byte by byte
 *   2000h + n  0 or 1 drives ISA interrupt line n; of the 24 that have a port
 *              the bus has 16, and the others are not connected
 * and 64 KiB of plain registers at FF000000h in memory.
 * Locks: BQL.
 */
#include <string.h>

#include "hw/misc/debug.h"

#define LATCH_PORT      0xe0
#define LATCH_BYTE_PORT 0xe8
#define REMAP_PORT      0xe4
#define IRQ_PORT        0x2000
#define IRQ_PORTS       24
#define MMIO_ADDR       0xff000000
#define MMIO_BYTES      0x10000

typedef struct TestdevState {
    DeviceState dev;
    IsaBus *isa;
    MemoryRegion latch_port, latch_bytes, remap, irq, mmio;
    uint32_t latch;
    uint8_t memory[MMIO_BYTES];
} TestdevState;

/* --- the latch --- */

static uint64_t latch_read(void *opaque, hwaddr addr, unsigned size)
{
    TestdevState *s = opaque;

    return s->latch >> (8 * addr);
}

static void latch_write(void *opaque, hwaddr addr, uint64_t value,
                        unsigned size)
{
    TestdevState *s = opaque;

    s->latch = deposit64(s->latch, 8 * addr, 8 * size, value);
}

static const MemoryRegionOps latch_ops = {
    .read = latch_read,
    .write = latch_write,
    .valid = {.min = 1, .max = 4},
    .impl = {.min = 1, .max = 4},
};

static const MemoryRegionOps latch_byte_ops = {
    .read = latch_read,
    .write = latch_write,
    .valid = {.min = 1, .max = 4},
    .impl = {.min = 1, .max = 1},
};

/* --- mapping a page anew --- */

static uint64_t remap_read(void *opaque, hwaddr addr, unsigned size)
{
    return 0;
}

/*
 * Two changes of the memory map, each published by itself, so that no vCPU
 * keeps a translation of any page, the named one included.
 */
static void remap_write(void *opaque, hwaddr addr, uint64_t value,
                        unsigned size)
{
    TestdevState *s = opaque;

    memory_region_set_enabled(&s->mmio, false);
    memory_region_set_enabled(&s->mmio, true);
}

static const MemoryRegionOps remap_ops = {
    .read = remap_read,
    .write = remap_write,
    .valid = {.min = 4, .max = 4},
    .impl = {.min = 4, .max = 4},
};

/* --- interrupt lines --- */

static uint64_t irq_read(void *opaque, hwaddr addr, unsigned size)
{
    return 0;
}

static void irq_write(void *opaque, hwaddr addr, uint64_t value, unsigned size)
{
    TestdevState *s = opaque;

    if (addr < ISA_IRQS) {
        irq_set(s->isa->irq[addr], value != 0);
    }
}

static const MemoryRegionOps irq_ops = {
    .read = irq_read,
    .write = irq_write,
    .valid = {.min = 1, .max = 1},
    .impl = {.min = 1, .max = 1},
};

/* --- plain registers --- */

static uint64_t mmio_read(void *opaque, hwaddr addr, unsigned size)
{
    TestdevState *s = opaque;
    uint64_t value = 0;

    memcpy(&value, s->memory + addr, size);
    return GUINT64_FROM_LE(value);
}

static void mmio_write(void *opaque, hwaddr addr, uint64_t value,
                       unsigned size)
{
    TestdevState *s = opaque;

    value = GUINT64_TO_LE(value);
    memcpy(s->memory + addr, &value, size);
}

static const MemoryRegionOps mmio_ops = {
    .read = mmio_read,
    .write = mmio_write,
    .valid = {.min = 1, .max = 8},
    .impl = {.min = 1, .max = 8},
};

/* --- the device --- */

static bool testdev_realize(DeviceState *dev, GError **errp)
{
    TestdevState *s = container_of(dev, TestdevState, dev);
    MemoryRegion *io;

    s->isa = container_of(dev->parent_bus, IsaBus, bus);
    io = s->isa->io;
    memory_region_init_io(&s->latch_port, &latch_ops, s, "testdev-latch", 4);
    memory_region_init_io(&s->latch_bytes, &latch_byte_ops, s,
                          "testdev-latch-bytes", 4);
    memory_region_init_io(&s->remap, &remap_ops, s, "testdev-remap", 4);
    memory_region_init_io(&s->irq, &irq_ops, s, "testdev-irq", IRQ_PORTS);
    memory_region_init_io(&s->mmio, &mmio_ops, s, "testdev-mmio", MMIO_BYTES);
    memory_region_add(io, LATCH_PORT, &s->latch_port);
    memory_region_add(io, LATCH_BYTE_PORT, &s->latch_bytes);
    memory_region_add(io, REMAP_PORT, &s->remap);
    memory_region_add(io, IRQ_PORT, &s->irq);
    memory_region_add_overlap(system_memory(), MMIO_ADDR, &s->mmio, 1);
    return true;
}

static void testdev_unrealize(DeviceState *dev)
{
    TestdevState *s = container_of(dev, TestdevState, dev);
    MemoryRegion *io = s->isa->io;

    memory_region_del(io, &s->latch_port);
    memory_region_del(io, &s->latch_bytes);
    memory_region_del(io, &s->remap);
    memory_region_del(io, &s->irq);
    memory_region_del(system_memory(), &s->mmio);
}

static const DevField testdev_fields[] = {
    DEV_FIELD(TestdevState, latch, 0),
    DEV_FIELD_ARRAY(TestdevState, memory, 0),
};

const DeviceType pc_testdev_type = {
    .name = "pc-testdev",
    .desc = "Test device: latches, interrupt lines, page remapping",
    .bus = "ISA",
    .size = sizeof(TestdevState),
    .fields = testdev_fields,
    .nfields = ARRAY_LEN(testdev_fields),
    .user_creatable = true,
    .realize = testdev_realize,
    .unrealize = testdev_unrealize,
};
