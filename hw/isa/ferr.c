/* SPDX-License-Identifier: MIT */
/*
 * How a PC reports x87 errors while CR0.NE is clear: the processor's FERR#
 * sets a latch that drives IRQ 13; a write to port F0h clears it.
 *
 * Source: Intel 82371SB (PIIX3) datasheet, "Coprocessor Error Register".  Left
 * out: IGNNE#, which would let the processor go on until the handler clears
 * the error; it goes on without it.
 * Locks: BQL.
 */
#include "hw/isa/ferr.h"

#define FERR_PORT 0xf0

static void ferr_update(FerrState *s)
{
    irq_set(s->irq, s->error);
}

static uint64_t ferr_read(void *opaque, hwaddr addr, unsigned size)
{
    return 0xff; /* the register is write-only */
}

/* Any value does. */
static void ferr_write(void *opaque, hwaddr addr, uint64_t value,
                       unsigned size)
{
    FerrState *s = opaque;

    s->error = false;
    ferr_update(s);
}

static const MemoryRegionOps ferr_ops = {
    .read = ferr_read,
    .write = ferr_write,
    .valid = {.min = 1, .max = 1},
    .impl = {.min = 1, .max = 1},
};

static bool ferr_realize(DeviceState *dev, GError **errp)
{
    FerrState *s = container_of(dev, FerrState, dev);

    memory_region_init_io(&s->port, &ferr_ops, s, "coprocessor-error", 1);
    return true;
}

static void ferr_settle(DeviceState *dev)
{
    ferr_update(container_of(dev, FerrState, dev));
}

static const DevField ferr_fields[] = {
    DEV_FIELD(FerrState, error, false),
};

const DeviceType ferr_type = {
    .name = "coprocessor-error",
    .desc = "FERR# to IRQ 13",
    .size = sizeof(FerrState),
    .fields = ferr_fields,
    .nfields = ARRAY_LEN(ferr_fields),
    .realize = ferr_realize,
    .reset = ferr_settle,
    .post_load = ferr_settle,
};

FerrState *ferr_create(MemoryRegion *io, const IrqLine *irq)
{
    DeviceState *dev = device_create(&ferr_type, NULL);
    FerrState *s = container_of(dev, FerrState, dev);

    s->irq = irq;
    memory_region_add(io, FERR_PORT, &s->port);
    return s;
}

void ferr_assert(void *opaque)
{
    FerrState *s = opaque;

    s->error = true;
    ferr_update(s);
}
