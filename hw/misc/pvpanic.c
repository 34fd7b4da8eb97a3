/* SPDX-License-Identifier: MIT */
/*
 * "pvpanic": one port, at which a guest learns which events it may tell of, and
 * tells that it has panicked or that its crash kernel sees to that.
 * Source: docs/sources.md, "pvpanic".  Locks: BQL.
 */
#include "hw/misc/debug.h"

#include "system/runstate.h"
#include "util/error.h"
#include "util/log.h"

#define PVPANIC_PORT 0x505

#define PVPANIC_PANICKED     BIT(0)
#define PVPANIC_CRASH_LOADED BIT(1)
#define PVPANIC_EVENTS       (PVPANIC_PANICKED | PVPANIC_CRASH_LOADED)

typedef struct PvpanicState {
    DeviceState dev;
    uint16_t ioport;
    uint8_t events; /* that the guest may tell of */
    MemoryRegion port;
    MemoryRegion *io;
} PvpanicState;

static uint64_t pvpanic_read(void *opaque, hwaddr addr, unsigned size)
{
    PvpanicState *s = opaque;

    return s->events;
}

static void pvpanic_write(void *opaque, hwaddr addr, uint64_t value,
                          unsigned size)
{
    if (value & ~(uint64_t)PVPANIC_EVENTS) {
        log_printf(LOG_GUEST_ERRORS, "pvpanic: unknown event 0x%" PRIx64 "\n",
                   value);
    }
    if (value & PVPANIC_PANICKED) {
        system_guest_panicked(false);
    } else if (value & PVPANIC_CRASH_LOADED) {
        system_guest_panicked(true);
    }
}

static const MemoryRegionOps pvpanic_ops = {
    .read = pvpanic_read,
    .write = pvpanic_write,
    .valid = {.min = 1, .max = 1},
    .impl = {.min = 1, .max = 1},
};

static bool pvpanic_realize(DeviceState *dev, GError **errp)
{
    PvpanicState *s = container_of(dev, PvpanicState, dev);

    memory_region_init_io(&s->port, &pvpanic_ops, s, "pvpanic", 1);
    s->io = container_of(dev->parent_bus, IsaBus, bus)->io;
    memory_region_add(s->io, s->ioport, &s->port);
    return true;
}

static void pvpanic_unrealize(DeviceState *dev)
{
    PvpanicState *s = container_of(dev, PvpanicState, dev);

    memory_region_del(s->io, &s->port);
}

static void first_port(DeviceState *dev, void *opaque)
{
    uint16_t *port = opaque;

    if (dev->type == &pvpanic_type && !*port) {
        *port = container_of(dev, PvpanicState, dev)->ioport;
    }
}

uint16_t pvpanic_find_port(void)
{
    uint16_t port = 0;

    device_foreach(first_port, &port);
    return port;
}

static const DevProp pvpanic_props[] = {
    DEV_PROP(PvpanicState, ioport, "ioport", DEV_PROP_UINT16, PVPANIC_PORT,
             "its port"),
    DEV_PROP(PvpanicState, events, "events", DEV_PROP_UINT8, PVPANIC_EVENTS,
             "1: panicked, 2: a crash kernel is loaded"),
};

const DeviceType pvpanic_type = {
    .name = "pvpanic",
    .desc = "Tells that the guest has panicked",
    .bus = "ISA",
    .size = sizeof(PvpanicState),
    .props = pvpanic_props,
    .nprops = ARRAY_LEN(pvpanic_props),
    .user_creatable = true,
    .realize = pvpanic_realize,
    .unrealize = pvpanic_unrealize,
};
