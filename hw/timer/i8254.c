/* SPDX-License-Identifier: MIT */
/*
 * Intel 8254 programmable interval timer.
 *
 * Source: Intel 8254 data sheet (231164-005).
 * Implemented: the six modes, binary and BCD, counter latch, read-back, gates.
 * Counters are not stepped: what they show follows from the virtual time since
 * they were loaded, so that no error adds up.  The one clock between a write
 * and the load is left out, and so is the falling edge of OUT 0 in the
 * periodic modes: IRQ0 sees both edges when OUT rises, which keeps a tick
 * latched that a slow host would otherwise withdraw.
 * Locks: BQL.
 */
#include "hw/timer/i8254.h"

#include "util/timer.h"

#define PIT_CW_CHANNEL(v)   ((v) >> 6)
#define PIT_CW_READ_BACK    3 /* in place of a channel */
#define PIT_CW_ACCESS(v)    (((v) >> 4) & 3)
#define PIT_CW_MODE(v)      (((v) >> 1) & 7)
#define PIT_CW_BCD          BIT(0)
#define PIT_RB_NOT_COUNT    BIT(5)
#define PIT_RB_NOT_STATUS   BIT(4)
#define PIT_STATUS_OUT      BIT(7)
#define PIT_STATUS_NULL     BIT(6)

/* Access modes; 0 in a control word is the counter latch command. */
enum {
    PIT_ACCESS_LATCH,
    PIT_ACCESS_LOW,
    PIT_ACCESS_HIGH,
    PIT_ACCESS_BOTH,
};

/* However short the period, IRQ0 interrupts the host no more often. */
#define PIT_MIN_WAIT_NS 10000

typedef struct PitChannel {
    /* Control word. */
    uint8_t mode, access;
    bool bcd;
    bool gate;
    /* Access state. */
    bool write_high, read_high; /* the next byte is the high one */
    uint8_t write_low;
    uint8_t latched_bytes; /* of the latched count that are still to be read */
    uint16_t latched;
    bool status_latched;
    uint8_t status;
    /* Counting. */
    uint32_t count; /* period: 1 to 10000h; 0: none was written */
    bool loaded;    /* the counter has been started by a write or a trigger */
    bool running;   /* and is not held by its gate */
    uint64_t base_ticks; /* elapsed at start_ns */
    int64_t start_ns;
    /* A count written in modes 2 and 3 waits for the end of its period. */
    uint32_t next_count; /* 0: none */
    uint64_t switch_ticks;
    /* IRQ0 only. */
    uint64_t edges_seen;
    bool edge_due;
} PitChannel;

struct PitState {
    DeviceState dev;
    PitChannel ch[PIT_CHANNELS];

    /* Wiring. */
    const IrqLine *irq0;
    MemoryRegion *io, ports;

    /* Derived. */
    Timer timer; /* next rising edge of OUT 0 */
};

/* --- time --- */

static uint64_t pit_ticks(const PitChannel *c, int64_t now)
{
    if (!c->running || now < c->start_ns) {
        return c->base_ticks;
    }
    return c->base_ticks + muldiv64(now - c->start_ns, PIT_HZ, NS_PER_SEC);
}

/* When pit_ticks() will be @ticks; rounds up so that it surely is then. */
static int64_t pit_time_of(const PitChannel *c, uint64_t ticks)
{
    uint64_t rest = ticks - c->base_ticks;

    return c->start_ns +
           (int64_t)(((unsigned __int128)rest * NS_PER_SEC + PIT_HZ - 1) /
                     PIT_HZ);
}

static void pit_start(PitChannel *c, uint64_t base_ticks, int64_t when)
{
    c->base_ticks = base_ticks;
    c->start_ns = when;
    c->running = true;
}

/* --- what a counter shows --- */

static bool pit_periodic(const PitChannel *c)
{
    return c->mode == 2 || c->mode == 3;
}

static bool pit_triggered_by_gate(const PitChannel *c)
{
    return c->mode == 1 || c->mode == 5;
}

static uint32_t pit_high_ticks(uint32_t count)
{
    return (count + 1) / 2; /* of mode 3's period: the longer half */
}

static bool pit_out(const PitChannel *c, uint64_t ticks)
{
    if (!c->loaded) {
        return c->mode != 0;
    }
    switch (c->mode) {
    case 0:
    case 1:
        return ticks >= c->count;
    case 2:
        return !c->gate || ticks % c->count != c->count - 1;
    case 3:
        return !c->gate || ticks % c->count < pit_high_ticks(c->count);
    default:
        return ticks != c->count;
    }
}

/* Rising edges of OUT since the counter was loaded. */
static uint64_t pit_edges(const PitChannel *c, uint64_t ticks)
{
    if (!c->loaded) {
        return 0;
    }
    switch (c->mode) {
    case 0:
    case 1:
        return ticks >= c->count;
    case 2:
    case 3:
        return ticks / c->count;
    default:
        return ticks > c->count;
    }
}

/* In square wave mode the element counts down by two, twice a period. */
static uint32_t pit_square_value(const PitChannel *c, uint64_t ticks)
{
    uint32_t phase = ticks % c->count;

    if (phase >= pit_high_ticks(c->count)) {
        phase -= pit_high_ticks(c->count);
    }
    return (c->count & ~1u) - 2 * phase;
}

static uint16_t pit_to_bcd(uint32_t v)
{
    return v / 1000 % 10 << 12 | v / 100 % 10 << 8 | v / 10 % 10 << 4 | v % 10;
}

/* Invalid digits, which the data sheet leaves open, keep their weight. */
static uint32_t pit_from_bcd(uint16_t v)
{
    return (v >> 12) * 1000 + (v >> 8 & 15) * 100 + (v >> 4 & 15) * 10 +
           (v & 15);
}

/* The counting element as the processor reads it. */
static uint16_t pit_value(const PitChannel *c, uint64_t ticks)
{
    uint32_t modulus = c->bcd ? 10000 : 0x10000;
    uint32_t value;

    if (c->count == 0) {
        return 0;
    }
    if (c->mode == 3) {
        value = pit_square_value(c, ticks);
    } else if (c->mode == 2) {
        value = c->count - ticks % c->count;
    } else {
        /* Past zero it goes on from the highest count. */
        value = (c->count + modulus - ticks % modulus) % modulus;
    }
    return c->bcd ? pit_to_bcd(value % modulus) : value;
}

/* --- counting --- */

/* A count waits in modes 2 and 3: load it if its moment has passed. */
static void pit_sync(PitChannel *c, int64_t now)
{
    bool half;

    if (!pit_periodic(c) || c->next_count == 0 ||
        pit_ticks(c, now) < c->switch_ticks) {
        return;
    }
    /* Mode 3 may switch between its halves: the low half is the new one's. */
    half = c->switch_ticks % c->count != 0;
    c->edge_due |= pit_edges(c, c->switch_ticks) != c->edges_seen;
    pit_start(c, half ? pit_high_ticks(c->next_count) : 0,
              pit_time_of(c, c->switch_ticks));
    c->count = c->next_count;
    c->next_count = 0;
    c->edges_seen = 0;
}

static uint64_t pit_next_edge(const PitChannel *c, uint64_t ticks)
{
    uint64_t next;

    switch (c->mode) {
    case 0:
    case 1:
        return ticks < c->count ? c->count : UINT64_MAX;
    case 2:
    case 3:
        next = (ticks / c->count + 1) * c->count;
        return c->next_count ? MIN(next, c->switch_ticks) : next;
    default:
        return ticks <= c->count ? (uint64_t)c->count + 1 : UINT64_MAX;
    }
}

static void pit_arm_timer(PitState *s, uint64_t ticks, int64_t now)
{
    PitChannel *c = &s->ch[0];
    uint64_t edge = c->loaded && c->running ? pit_next_edge(c, ticks)
                                            : UINT64_MAX;

    int64_t earliest = pit_periodic(c) ? now + PIT_MIN_WAIT_NS : now;

    if (edge == UINT64_MAX) {
        timer_del(&s->timer);
    } else {
        timer_mod_ns(&s->timer, MAX(pit_time_of(c, edge), earliest));
    }
}

/* Bring IRQ0 and its timer up to now. */
static void pit_update_output(PitState *s)
{
    int64_t now = clock_get_ns(CLOCK_TYPE_VIRTUAL);
    PitChannel *c = &s->ch[0];
    uint64_t ticks, edges;

    pit_sync(c, now);
    ticks = pit_ticks(c, now);
    edges = pit_edges(c, ticks);
    if (edges != c->edges_seen || c->edge_due) {
        c->edges_seen = edges;
        c->edge_due = false;
        irq_lower(s->irq0);
        irq_raise(s->irq0);
    } else if (!pit_periodic(c) || !c->loaded) {
        irq_set(s->irq0, pit_out(c, ticks));
    }
    pit_arm_timer(s, ticks, now);
}

static void pit_tick(void *opaque)
{
    pit_update_output(opaque);
}

/* Load the counting element and start it, as a write or a trigger does. */
static void pit_load(PitChannel *c, int64_t now)
{
    c->loaded = true;
    c->next_count = 0;
    c->edges_seen = 0;
    pit_start(c, 0, now);
    c->running = c->gate || pit_triggered_by_gate(c);
}

/* Source: 8254 data sheet, "Mode definitions", on writing a new count. */
static void pit_write_count(PitChannel *c, uint16_t value, int64_t now)
{
    uint32_t count = c->bcd ? pit_from_bcd(value) : value;
    uint32_t step = c->count;
    uint64_t ticks = pit_ticks(c, now);

    if (count == 0) {
        count = c->bcd ? 10000 : 0x10000;
    }
    if (pit_triggered_by_gate(c)) {
        c->next_count = count; /* for the next trigger */
        return;
    }
    if (!pit_periodic(c) || !c->loaded || !c->running) {
        c->count = count;
        pit_load(c, now);
        return;
    }
    c->next_count = count;
    if (c->mode == 3 && ticks % step < pit_high_ticks(step)) {
        c->switch_ticks = ticks - ticks % step + pit_high_ticks(step);
    } else {
        c->switch_ticks = ticks - ticks % step + step;
    }
}

/* A rise of GATE triggers modes 1 and 5 and restarts modes 2 and 3. */
static void pit_gate_rise(PitChannel *c, int64_t now)
{
    if (pit_triggered_by_gate(c) || pit_periodic(c)) {
        if (c->next_count) {
            c->count = c->next_count;
        }
        if (c->count) {
            pit_load(c, now);
        }
    } else if (c->loaded) {
        pit_start(c, c->base_ticks, now);
    }
}

static void pit_gate_fall(PitChannel *c, int64_t now)
{
    if (!pit_triggered_by_gate(c)) {
        c->base_ticks = pit_ticks(c, now);
        c->running = false;
    }
}

void pit_set_gate(PitState *s, unsigned channel, bool level)
{
    PitChannel *c = &s->ch[channel];
    int64_t now = clock_get_ns(CLOCK_TYPE_VIRTUAL);

    if (c->gate == level) {
        return;
    }
    pit_sync(c, now);
    c->gate = level;
    if (level) {
        pit_gate_rise(c, now);
    } else {
        pit_gate_fall(c, now);
    }
}

bool pit_get_gate(const PitState *s, unsigned channel)
{
    return s->ch[channel].gate;
}

bool pit_get_out(PitState *s, unsigned channel)
{
    PitChannel *c = &s->ch[channel];
    int64_t now = clock_get_ns(CLOCK_TYPE_VIRTUAL);

    pit_sync(c, now);
    return pit_out(c, pit_ticks(c, now));
}

/* --- registers --- */

static void pit_latch_count(PitChannel *c, int64_t now)
{
    if (c->latched_bytes == 0) {
        c->latched = pit_value(c, pit_ticks(c, now));
        c->latched_bytes = c->access == PIT_ACCESS_BOTH ? 2 : 1;
    }
}

static void pit_latch_status(PitChannel *c, int64_t now)
{
    bool null = !c->loaded || c->next_count;

    if (!c->status_latched) {
        c->status_latched = true;
        c->status = (pit_out(c, pit_ticks(c, now)) ? PIT_STATUS_OUT : 0) |
                    (null ? PIT_STATUS_NULL : 0) | c->access << 4 |
                    c->mode << 1 | c->bcd;
    }
}

static void pit_read_back(PitState *s, uint8_t value, int64_t now)
{
    for (unsigned i = 0; i < PIT_CHANNELS; i++) {
        if (!(value & BIT(i + 1))) {
            continue;
        }
        pit_sync(&s->ch[i], now);
        if (!(value & PIT_RB_NOT_COUNT)) {
            pit_latch_count(&s->ch[i], now);
        }
        if (!(value & PIT_RB_NOT_STATUS)) {
            pit_latch_status(&s->ch[i], now);
        }
    }
}

static void pit_write_control(PitState *s, uint8_t value, int64_t now)
{
    PitChannel *c;

    if (PIT_CW_CHANNEL(value) == PIT_CW_READ_BACK) {
        pit_read_back(s, value, now);
        return;
    }
    c = &s->ch[PIT_CW_CHANNEL(value)];
    if (PIT_CW_ACCESS(value) == PIT_ACCESS_LATCH) {
        pit_sync(c, now);
        pit_latch_count(c, now);
        return;
    }
    *c = (PitChannel){
        .access = PIT_CW_ACCESS(value),
        /* Modes 6 and 7 are 2 and 3: bit 2 is "don't care" for those. */
        .mode = PIT_CW_MODE(value) > 5 ? PIT_CW_MODE(value) - 4
                                       : PIT_CW_MODE(value),
        .bcd = value & PIT_CW_BCD,
        .gate = c->gate,
    };
}

static void pit_write_counter(PitChannel *c, uint8_t value, int64_t now)
{
    pit_sync(c, now);
    switch (c->access) {
    case PIT_ACCESS_LOW:
        pit_write_count(c, value, now);
        break;
    case PIT_ACCESS_HIGH:
        pit_write_count(c, value << 8, now);
        break;
    default:
        if (c->write_high) {
            pit_write_count(c, value << 8 | c->write_low, now);
        } else {
            c->write_low = value;
            if (c->mode == 0) {
                /* The first byte stops the counter and sets OUT low. */
                c->base_ticks = 0;
                c->loaded = c->running = false;
            }
        }
        c->write_high = !c->write_high;
        break;
    }
}

static void pit_write(void *opaque, hwaddr addr, uint64_t value, unsigned size)
{
    PitState *s = opaque;
    int64_t now = clock_get_ns(CLOCK_TYPE_VIRTUAL);

    if (addr == PIT_CHANNELS) {
        pit_write_control(s, value, now);
    } else {
        pit_write_counter(&s->ch[addr], value, now);
    }
    pit_update_output(s);
}

/* The byte of @value that the access mode makes current. */
static uint8_t pit_read_byte(PitChannel *c, uint16_t value)
{
    bool high = c->access == PIT_ACCESS_HIGH;

    if (c->access == PIT_ACCESS_BOTH) {
        high = c->read_high;
        c->read_high = !c->read_high;
    }
    return high ? value >> 8 : value;
}

static uint64_t pit_read(void *opaque, hwaddr addr, unsigned size)
{
    PitState *s = opaque;
    int64_t now = clock_get_ns(CLOCK_TYPE_VIRTUAL);
    PitChannel *c;

    if (addr == PIT_CHANNELS) {
        return 0xff; /* the control word cannot be read */
    }
    c = &s->ch[addr];
    if (c->status_latched) {
        c->status_latched = false;
        return c->status;
    }
    if (c->latched_bytes) {
        c->latched_bytes--;
        return pit_read_byte(c, c->latched);
    }
    pit_sync(c, now);
    return pit_read_byte(c, pit_value(c, pit_ticks(c, now)));
}

static const MemoryRegionOps pit_ops = {
    .read = pit_read,
    .write = pit_write,
    .impl = {1, 1},
};

/* --- life --- */

PitState *pit_create(MemoryRegion *io, const IrqLine *irq0)
{
    PitState *s = (PitState *)device_create(&pit_type, NULL);

    s->irq0 = irq0;
    s->io = io;
    memory_region_init_io(&s->ports, &pit_ops, s, "pit", 4);
    memory_region_add(io, 0x40, &s->ports);
    return s;
}

static bool pit_realize(DeviceState *dev, GError **errp)
{
    PitState *s = (PitState *)dev;

    timer_init(&s->timer, CLOCK_TYPE_VIRTUAL, pit_tick, s);
    return true;
}

static void pit_unrealize(DeviceState *dev)
{
    PitState *s = (PitState *)dev;

    timer_del(&s->timer);
    if (s->io) {
        memory_region_del(s->io, &s->ports);
        memory_region_destroy(&s->ports);
    }
}

static void pit_reset(DeviceState *dev)
{
    PitState *s = (PitState *)dev;

    /* The gates of counters 0 and 1 are tied high. */
    s->ch[0].gate = s->ch[1].gate = true;
    pit_update_output(s);
}

static void pit_post_load(DeviceState *dev)
{
    pit_update_output((PitState *)dev);
}

/* The data sheet leaves mode and count undefined after power-on. */
#define PIT_CHANNEL_FIELDS(n) \
    DEV_FIELD(PitState, ch[n].mode, 3), \
    DEV_FIELD(PitState, ch[n].access, PIT_ACCESS_BOTH), \
    DEV_FIELD(PitState, ch[n].bcd, 0), \
    DEV_FIELD(PitState, ch[n].gate, 0), \
    DEV_FIELD(PitState, ch[n].write_high, 0), \
    DEV_FIELD(PitState, ch[n].read_high, 0), \
    DEV_FIELD(PitState, ch[n].write_low, 0), \
    DEV_FIELD(PitState, ch[n].latched_bytes, 0), \
    DEV_FIELD(PitState, ch[n].latched, 0), \
    DEV_FIELD(PitState, ch[n].status_latched, 0), \
    DEV_FIELD(PitState, ch[n].status, 0), \
    DEV_FIELD(PitState, ch[n].count, 0), \
    DEV_FIELD(PitState, ch[n].loaded, 0), \
    DEV_FIELD(PitState, ch[n].running, 0), \
    DEV_FIELD(PitState, ch[n].base_ticks, 0), \
    DEV_FIELD(PitState, ch[n].start_ns, 0), \
    DEV_FIELD(PitState, ch[n].next_count, 0), \
    DEV_FIELD(PitState, ch[n].switch_ticks, 0), \
    DEV_FIELD(PitState, ch[n].edges_seen, 0), \
    DEV_FIELD(PitState, ch[n].edge_due, 0)

static const DevField pit_fields[] = {
    PIT_CHANNEL_FIELDS(0),
    PIT_CHANNEL_FIELDS(1),
    PIT_CHANNEL_FIELDS(2),
};

const DeviceType pit_type = {
    .name = "isa-pit",
    .desc = "Intel 8254 interval timer",
    .size = sizeof(PitState),
    .fields = pit_fields,
    .nfields = ARRAY_LEN(pit_fields),
    .realize = pit_realize,
    .unrealize = pit_unrealize,
    .reset = pit_reset,
    .post_load = pit_post_load,
};
