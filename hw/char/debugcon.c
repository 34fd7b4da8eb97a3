/* SPDX-License-Identifier: MIT */
/*
 * "isa-debugcon": bytes written to one port go to a chardev; the port reads as
 * E9h, by which a guest knows that somebody listens.  Locks: BQL.
 */
#include "hw/misc/debug.h"

#include "util/error.h"

#define DEBUGCON_PORT     0xe9
#define DEBUGCON_READBACK 0xe9
#define IO_PORTS          0x10000

typedef struct DebugconState {
    DeviceState dev;
    uint32_t iobase, readback;
    Chardev *chr;
    CharFrontend *fe;
    MemoryRegion port;
    MemoryRegion *io;
} DebugconState;

static uint64_t debugcon_read(void *opaque, hwaddr addr, unsigned size)
{
    DebugconState *s = opaque;

    return s->readback;
}

static void debugcon_write(void *opaque, hwaddr addr, uint64_t value,
                           unsigned size)
{
    DebugconState *s = opaque;
    uint8_t byte = value;

    char_write_all(s->fe, &byte, 1);
}

static const MemoryRegionOps debugcon_ops = {
    .read = debugcon_read,
    .write = debugcon_write,
    .valid = {.min = 1, .max = 1},
    .impl = {.min = 1, .max = 1},
};

/* It only writes. */
static size_t debugcon_can_receive(void *opaque)
{
    return 1;
}

static void debugcon_receive(void *opaque, const uint8_t *buf, size_t len)
{
}

static const CharHandlers debugcon_handlers = {
    .can_receive = debugcon_can_receive,
    .receive = debugcon_receive,
};

static bool debugcon_realize(DeviceState *dev, GError **errp)
{
    DebugconState *s = container_of(dev, DebugconState, dev);

    if (!s->chr) {
        error_setg(errp, "Can't create isa-debugcon device, empty char device");
        return false;
    }
    if (s->iobase >= IO_PORTS) {
        error_setg(errp, "isa-debugcon: there is no port 0x%x", s->iobase);
        return false;
    }
    s->fe = char_attach(s->chr, "isa-debugcon", &debugcon_handlers, s, errp);
    if (!s->fe) {
        return false;
    }
    memory_region_init_io(&s->port, &debugcon_ops, s, "isa-debugcon", 1);
    s->io = container_of(dev->parent_bus, IsaBus, bus)->io;
    memory_region_add(s->io, s->iobase, &s->port);
    return true;
}

static void debugcon_unrealize(DeviceState *dev)
{
    DebugconState *s = container_of(dev, DebugconState, dev);

    char_detach(s->fe);
    memory_region_del(s->io, &s->port);
}

static const DevProp debugcon_props[] = {
    DEV_PROP(DebugconState, iobase, "iobase", DEV_PROP_UINT32, DEBUGCON_PORT,
             "the port"),
    DEV_PROP(DebugconState, readback, "readback", DEV_PROP_UINT32,
             DEBUGCON_READBACK, "what it reads as"),
    DEV_PROP(DebugconState, chr, "chardev", DEV_PROP_CHR, 0,
             "ID of the chardev"),
};

const DeviceType debugcon_type = {
    .name = "isa-debugcon",
    .desc = "Debug console: one port to write to",
    .bus = "ISA",
    .size = sizeof(DebugconState),
    .props = debugcon_props,
    .nprops = ARRAY_LEN(debugcon_props),
    .user_creatable = true,
    .realize = debugcon_realize,
    .unrealize = debugcon_unrealize,
};

bool debugcon_create(IsaBus *isa, uint32_t iobase, Chardev *chr,
                     GError **errp)
{
    DeviceState *dev = device_new(&debugcon_type, &isa->bus);
    DebugconState *s = container_of(dev, DebugconState, dev);

    s->iobase = iobase;
    s->chr = chr;
    if (!device_realize(dev, errp)) {
        device_unrealize_free(dev);
        return false;
    }
    return true;
}
