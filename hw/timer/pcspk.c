/* SPDX-License-Identifier: MIT */
/*
 * Port 61h: the NMI status and control register of the PIIX3, which gates
 * counter 2 of the interval timer and shows its output.
 *
 * Source: PIIX3 data sheet (290550-002), "NMI status and control register".
 * Omitted: the speaker makes no sound; SERR# and IOCHK# never happen, so their
 * status bits read 0.
 * Locks: BQL.
 */
#include "hw/timer/i8254.h"

#include "util/timer.h"

#define PORT61_GATE    BIT(0) /* of counter 2 */
#define PORT61_SPEAKER BIT(1)
#define PORT61_SERR    BIT(2) /* disable */
#define PORT61_IOCHK   BIT(3) /* disable */
#define PORT61_REFRESH BIT(4) /* toggles with each memory refresh request */
#define PORT61_OUT2    BIT(5)
#define PORT61_WRITE   \
    (PORT61_GATE | PORT61_SPEAKER | PORT61_SERR | PORT61_IOCHK)

#define REFRESH_NS 15085 /* 18 clocks of the timer */

struct PcspkState {
    DeviceState dev;
    uint8_t control;

    PitState *pit;
    MemoryRegion *io, port;
};

static uint64_t pcspk_read(void *opaque, hwaddr addr, unsigned size)
{
    PcspkState *s = opaque;
    uint8_t value = s->control;

    if (clock_get_ns(CLOCK_TYPE_VIRTUAL) / REFRESH_NS & 1) {
        value |= PORT61_REFRESH;
    }
    if (pit_get_out(s->pit, 2)) {
        value |= PORT61_OUT2;
    }
    return value;
}

static void pcspk_write(void *opaque, hwaddr addr, uint64_t value,
                        unsigned size)
{
    PcspkState *s = opaque;

    s->control = value & PORT61_WRITE;
    pit_set_gate(s->pit, 2, value & PORT61_GATE);
}

static const MemoryRegionOps pcspk_ops = {
    .read = pcspk_read,
    .write = pcspk_write,
    .impl = {1, 1},
};

PcspkState *pcspk_create(MemoryRegion *io, PitState *pit)
{
    PcspkState *s = (PcspkState *)device_create(&pcspk_type, NULL);

    s->pit = pit;
    s->io = io;
    memory_region_init_io(&s->port, &pcspk_ops, s, "port61", 1);
    memory_region_add(io, 0x61, &s->port);
    return s;
}

static void pcspk_unrealize(DeviceState *dev)
{
    PcspkState *s = (PcspkState *)dev;

    if (s->io) {
        memory_region_del(s->io, &s->port);
        memory_region_destroy(&s->port);
    }
}

static const DevField pcspk_fields[] = {
    DEV_FIELD(PcspkState, control, 0),
};

const DeviceType pcspk_type = {
    .name = "isa-pcspk",
    .desc = "port 61h and the PC speaker's gate",
    .size = sizeof(PcspkState),
    .fields = pcspk_fields,
    .nfields = ARRAY_LEN(pcspk_fields),
    .unrealize = pcspk_unrealize,
};
