/* SPDX-License-Identifier: MIT */
/*
 * Port 92h, system control port A of the PS/2.
 *
 * Source: IBM PS/2 Hardware Interface Technical Reference, "System Control
 * Port A".  Left out: security lock and activity lights (the other bits are
 * plain storage).  The keyboard controller gates A20 as well: the one that was
 * written last has its way, and both come up with the gate open.
 * Locks: BQL.
 */
#include "hw/isa/port92.h"

#include "system/runstate.h"

#define PORT92         0x92
#define PORT92_INIT    BIT(0) /* 0 to 1 resets the processor; write 1, read 1 */
#define PORT92_A20     BIT(1)

static uint64_t port92_read(void *opaque, hwaddr addr, unsigned size)
{
    Port92State *s = opaque;

    return s->control;
}

static void port92_write(void *opaque, hwaddr addr, uint64_t value,
                         unsigned size)
{
    Port92State *s = opaque;
    bool reset = (value & PORT92_INIT) && !(s->control & PORT92_INIT);

    s->control = value;
    irq_set(s->a20, (value & PORT92_A20) != 0);
    if (reset) {
        system_reset_request(SHUTDOWN_GUEST_RESET);
    }
}

static const MemoryRegionOps port92_ops = {
    .read = port92_read,
    .write = port92_write,
    .valid = {.min = 1, .max = 1},
    .impl = {.min = 1, .max = 1},
};

static bool port92_realize(DeviceState *dev, GError **errp)
{
    Port92State *s = container_of(dev, Port92State, dev);

    memory_region_init_io(&s->port, &port92_ops, s, "port92", 1);
    return true;
}

static void port92_update_a20(DeviceState *dev)
{
    Port92State *s = container_of(dev, Port92State, dev);

    irq_set(s->a20, (s->control & PORT92_A20) != 0);
}

static const DevField port92_fields[] = {
    DEV_FIELD(Port92State, control, PORT92_A20),
};

const DeviceType port92_type = {
    .name = "port92",
    .desc = "System control port A",
    .size = sizeof(Port92State),
    .fields = port92_fields,
    .nfields = ARRAY_LEN(port92_fields),
    .realize = port92_realize,
    .reset = port92_update_a20,
    .post_load = port92_update_a20,
};

Port92State *port92_create(MemoryRegion *io, const IrqLine *a20)
{
    DeviceState *dev = device_create(&port92_type, NULL);
    Port92State *s = container_of(dev, Port92State, dev);

    s->a20 = a20;
    memory_region_add(io, PORT92, &s->port);
    return s;
}
