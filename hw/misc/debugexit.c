/* SPDX-License-Identifier: MIT */
/*
 * "isa-debug-exit": a write of V ends the process with status (V << 1) | 1, so
 * that a guest can report success or failure.  Locks: BQL.
 */
#include "hw/misc/debug.h"

#include "system/runstate.h"
#include "util/error.h"

#define DEBUG_EXIT_PORT  0x501
#define DEBUG_EXIT_BYTES 2
#define IO_PORTS         0x10000

typedef struct DebugExitState {
    DeviceState dev;
    uint32_t iobase, iosize;
    MemoryRegion port;
    MemoryRegion *io;
} DebugExitState;

static uint64_t debug_exit_read(void *opaque, hwaddr addr, unsigned size)
{
    return 0;
}

static void debug_exit_write(void *opaque, hwaddr addr, uint64_t value,
                             unsigned size)
{
    system_exit_request(SHUTDOWN_GUEST_SHUTDOWN, (value << 1) | 1);
}

static const MemoryRegionOps debug_exit_ops = {
    .read = debug_exit_read,
    .write = debug_exit_write,
    .valid = {.min = 1, .max = 4},
    .impl = {.min = 1, .max = 4},
};

static bool debug_exit_realize(DeviceState *dev, GError **errp)
{
    DebugExitState *s = container_of(dev, DebugExitState, dev);

    if (s->iosize < 1 || s->iosize > 4 || s->iobase > IO_PORTS - s->iosize) {
        error_setg(errp, "isa-debug-exit: no room for %u ports at 0x%x",
                   s->iosize, s->iobase);
        return false;
    }
    memory_region_init_io(&s->port, &debug_exit_ops, s, "isa-debug-exit",
                          s->iosize);
    s->io = container_of(dev->parent_bus, IsaBus, bus)->io;
    memory_region_add(s->io, s->iobase, &s->port);
    return true;
}

static void debug_exit_unrealize(DeviceState *dev)
{
    DebugExitState *s = container_of(dev, DebugExitState, dev);

    memory_region_del(s->io, &s->port);
}

static const DevProp debug_exit_props[] = {
    DEV_PROP(DebugExitState, iobase, "iobase", DEV_PROP_UINT32,
             DEBUG_EXIT_PORT, "first port"),
    DEV_PROP(DebugExitState, iosize, "iosize", DEV_PROP_UINT32,
             DEBUG_EXIT_BYTES, "number of ports, 1 to 4"),
};

const DeviceType debug_exit_type = {
    .name = "isa-debug-exit",
    .desc = "Ends the emulator with a status that the guest writes",
    .bus = "ISA",
    .size = sizeof(DebugExitState),
    .props = debug_exit_props,
    .nprops = ARRAY_LEN(debug_exit_props),
    .user_creatable = true,
    .realize = debug_exit_realize,
    .unrealize = debug_exit_unrealize,
};
