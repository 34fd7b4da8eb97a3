/* SPDX-License-Identifier: MIT */
/*
 * IA-PC HPET with three comparators.
 *
 * Source: IA-PC HPET Specification 1.0a, chapter 2 "Hardware Overview".
 * Implemented: 64-bit counter at 100 MHz, one-shot and periodic comparators,
 * 32-bit mode, edge and level triggering, legacy replacement.
 * Omitted: FSB (MSI) delivery, which the capability bits deny; the status bit
 * of an edge-triggered comparator, which the specification calls ignored.
 * Locks: the region is unlocked, for the main counter, which is read through a
 * sequence count.  Everything else takes the BQL here.
 */
#include "hw/timer/hpet.h"

#include <string.h>

#include "exec/bql.h"
#include "util/timer.h"

#define HPET_SIZE        0x400
#define HPET_TIMERS      3
#define HPET_REG_CAP     0x000
#define HPET_REG_CONFIG  0x010
#define HPET_REG_STATUS  0x020
#define HPET_REG_COUNTER 0x0f0
#define HPET_REG_TIMER   0x100 /* 20h bytes each */
#define HPET_TIMER_STEP  0x20
#define HPET_T_CONFIG    0x00 /* offsets in a timer's block */
#define HPET_T_COMPARE   0x08

/* Revision 1, three timers, 64 bits, legacy route, Intel; the period in fs. */
#define HPET_CAP \
    (0x01 | (HPET_TIMERS - 1) << 8 | BIT(13) | BIT(15) | 0x80860000ull | \
     (uint64_t)HPET_PERIOD_NS * 1000000 << 32)
#define HPET_CONFIG_ENABLE BIT64(0)
#define HPET_CONFIG_LEGACY BIT64(1)
#define HPET_T_LEVEL       BIT64(1)
#define HPET_T_INT_ENABLE  BIT64(2)
#define HPET_T_PERIODIC    BIT64(3)
#define HPET_T_CAN_PERIOD  BIT64(4)
#define HPET_T_64BIT       BIT64(5)
#define HPET_T_SET_VALUE   BIT64(6)
#define HPET_T_32BIT_MODE  BIT64(8)
#define HPET_T_ROUTE(c)    (((c) >> 9) & 31)
#define HPET_T_WRITE       0x3f4eull
#define HPET_ROUTES        0xf00000ull /* I/O APIC pins 20 to 23 */
#define HPET_T_CAPS \
    (HPET_ROUTES << 32 | HPET_T_64BIT | HPET_T_CAN_PERIOD)

/* However short the period, the host is interrupted no more often. */
#define HPET_MIN_WAIT_NS 10000
#define HPET_FAR_NS      (INT64_C(1) << 60)

typedef struct HpetTimer {
    HpetState *hpet;
    unsigned n;
    Timer timer;
} HpetTimer;

struct HpetState {
    DeviceState dev;

    /* Guest-visible. */
    uint64_t config, status;
    uint64_t tconfig[HPET_TIMERS], compare[HPET_TIMERS], period[HPET_TIMERS];
    /* The main counter was @base at @start_ns and runs if @running; written
     * under the BQL with an odd @seq, read by anyone. */
    uint64_t base;
    int64_t start_ns;
    bool running;
    unsigned seq;
    uint8_t legacy_level; /* bits by HPET_LEGACY_*: what drives us */

    /* Wiring. */
    const IrqLine *gsi[HPET_GSIS], *legacy[HPET_LEGACY_LINES];
    IrqLine legacy_in[HPET_LEGACY_LINES];
    MemoryRegion *memory, mmio;

    /* Derived. */
    HpetTimer t[HPET_TIMERS];
};

/* --- main counter --- */

static void hpet_set_counter(HpetState *s, uint64_t base, bool running)
{
    unsigned seq = s->seq;

    bql_assert_held();
    __atomic_store_n(&s->seq, seq + 1, __ATOMIC_RELAXED);
    /* Release: who sees one of these sees the odd count too. */
    __atomic_store_n(&s->base, base, __ATOMIC_RELEASE);
    __atomic_store_n(&s->start_ns, clock_get_ns(CLOCK_TYPE_VIRTUAL),
                     __ATOMIC_RELEASE);
    __atomic_store_n(&s->running, running, __ATOMIC_RELEASE);
    __atomic_store_n(&s->seq, seq + 2, __ATOMIC_RELEASE);
}

/* Any thread. */
static uint64_t hpet_counter(const HpetState *s)
{
    unsigned seq;
    uint64_t base;
    int64_t start;
    bool running;

    do {
        seq = __atomic_load_n(&s->seq, __ATOMIC_ACQUIRE);
        base = __atomic_load_n(&s->base, __ATOMIC_ACQUIRE);
        start = __atomic_load_n(&s->start_ns, __ATOMIC_ACQUIRE);
        running = __atomic_load_n(&s->running, __ATOMIC_ACQUIRE);
    } while ((seq & 1) || seq != __atomic_load_n(&s->seq, __ATOMIC_RELAXED));
    if (running) {
        base += (clock_get_ns(CLOCK_TYPE_VIRTUAL) - start) / HPET_PERIOD_NS;
    }
    return base;
}

/* --- interrupts --- */

static bool hpet_is_legacy(const HpetState *s, unsigned n)
{
    return (s->config & HPET_CONFIG_LEGACY) && n < HPET_LEGACY_LINES;
}

static const IrqLine *hpet_line(const HpetState *s, unsigned n)
{
    if (hpet_is_legacy(s, n)) {
        return s->legacy[n];
    }
    return s->gsi[HPET_T_ROUTE(s->tconfig[n]) % HPET_GSIS];
}

/* Is comparator @n connected to a line at all? */
static bool hpet_has_line(const HpetState *s, unsigned n)
{
    return hpet_is_legacy(s, n) ||
           (HPET_ROUTES >> HPET_T_ROUTE(s->tconfig[n]) & 1);
}

/* Comparator @n has matched.  An edge leaves the line high until the next, as
 * the i8259 wants a request to stand. */
static void hpet_match(HpetState *s, unsigned n)
{
    bool level = s->tconfig[n] & HPET_T_LEVEL;

    if (level) {
        s->status |= BIT64(n);
    }
    if (!(s->tconfig[n] & HPET_T_INT_ENABLE) || !hpet_has_line(s, n)) {
        return;
    }
    if (!level) {
        irq_lower(hpet_line(s, n));
    }
    irq_raise(hpet_line(s, n));
}

static void hpet_lower(HpetState *s, unsigned n)
{
    if (hpet_has_line(s, n)) {
        irq_lower(hpet_line(s, n));
    }
}

/* The lines of IRQ0 and IRQ8 have changed hands. */
static void hpet_update_legacy(HpetState *s)
{
    for (unsigned n = 0; n < HPET_LEGACY_LINES; n++) {
        irq_set(s->legacy[n], !(s->config & HPET_CONFIG_LEGACY) &&
                                  (s->legacy_level & BIT(n)));
    }
}

static void hpet_set_legacy_in(void *opaque, int n, int level)
{
    HpetState *s = opaque;

    s->legacy_level =
        level ? s->legacy_level | BIT(n) : s->legacy_level & ~BIT(n);
    if (!(s->config & HPET_CONFIG_LEGACY)) {
        irq_set(s->legacy[n], level);
    }
}

const IrqLine *hpet_legacy_in(HpetState *s, unsigned which)
{
    return &s->legacy_in[which];
}

/* --- comparators --- */

static uint64_t hpet_width_mask(const HpetState *s, unsigned n)
{
    return s->tconfig[n] & HPET_T_32BIT_MODE ? UINT32_MAX : UINT64_MAX;
}

/* Is there anything to be seen of a match? */
static bool hpet_timer_wanted(const HpetState *s, unsigned n)
{
    return s->running &&
           (s->tconfig[n] & (HPET_T_INT_ENABLE | HPET_T_LEVEL));
}

static void hpet_arm(HpetState *s, unsigned n, int64_t min_wait)
{
    uint64_t ticks = (s->compare[n] - hpet_counter(s)) & hpet_width_mask(s, n);
    int64_t wait = ticks < HPET_FAR_NS / HPET_PERIOD_NS
                       ? (int64_t)ticks * HPET_PERIOD_NS
                       : HPET_FAR_NS;

    if (hpet_timer_wanted(s, n)) {
        timer_mod_ns(&s->t[n].timer, clock_get_ns(CLOCK_TYPE_VIRTUAL) +
                                         MAX(wait, min_wait));
    } else {
        timer_del(&s->t[n].timer);
    }
}

static void hpet_arm_all(HpetState *s)
{
    for (unsigned n = 0; n < HPET_TIMERS; n++) {
        hpet_arm(s, n, 0);
    }
}

/* Move a periodic comparator past the counter; the phase is kept. */
static void hpet_advance(HpetState *s, unsigned n)
{
    uint64_t mask = hpet_width_mask(s, n);
    uint64_t behind = (hpet_counter(s) - s->compare[n]) & mask;

    s->compare[n] =
        (s->compare[n] + (behind / s->period[n] + 1) * s->period[n]) & mask;
}

static void hpet_expired(void *opaque)
{
    HpetTimer *t = opaque;
    HpetState *s = t->hpet;
    bool periodic = (s->tconfig[t->n] & HPET_T_PERIODIC) && s->period[t->n];
    /* Half the range tells "not yet" from "just passed". */
    uint64_t half = hpet_width_mask(s, t->n) / 2 + 1;
    uint64_t behind =
        (hpet_counter(s) - s->compare[t->n]) & hpet_width_mask(s, t->n);

    if (!hpet_timer_wanted(s, t->n)) {
        return;
    }
    if (behind >= half) {
        hpet_arm(s, t->n, 0); /* the registers changed, or it is far away */
        return;
    }
    hpet_match(s, t->n);
    if (periodic) {
        hpet_advance(s, t->n);
        hpet_arm(s, t->n, HPET_MIN_WAIT_NS);
    } else if (s->tconfig[t->n] & HPET_T_32BIT_MODE) {
        /* It matches again when the low half has gone round. */
        hpet_arm(s, t->n, HPET_MIN_WAIT_NS);
    }
}

/* --- registers; locks: BQL --- */

static uint64_t hpet_read_timer(const HpetState *s, unsigned n, hwaddr reg)
{
    switch (reg) {
    case HPET_T_CONFIG:
        return s->tconfig[n] | HPET_T_CAPS;
    case HPET_T_COMPARE:
        return s->compare[n];
    default:
        return 0;
    }
}

static uint64_t hpet_read_reg(const HpetState *s, hwaddr reg)
{
    unsigned n = (reg - HPET_REG_TIMER) / HPET_TIMER_STEP;

    switch (reg) {
    case HPET_REG_CAP:
        return HPET_CAP;
    case HPET_REG_CONFIG:
        return s->config;
    case HPET_REG_STATUS:
        return s->status;
    case HPET_REG_COUNTER:
        return hpet_counter(s);
    default:
        if (reg >= HPET_REG_TIMER && n < HPET_TIMERS) {
            return hpet_read_timer(s, n, reg % HPET_TIMER_STEP);
        }
        return 0;
    }
}

static void hpet_write_config(HpetState *s, uint64_t value)
{
    uint64_t changed = s->config ^ value;

    s->config = value & (HPET_CONFIG_ENABLE | HPET_CONFIG_LEGACY);
    if (changed & HPET_CONFIG_ENABLE) {
        hpet_set_counter(s, hpet_counter(s), value & HPET_CONFIG_ENABLE);
        hpet_arm_all(s);
    }
    if (changed & HPET_CONFIG_LEGACY) {
        hpet_update_legacy(s);
    }
}

/* Ones clear a level; its line falls. */
static void hpet_write_status(HpetState *s, uint64_t value)
{
    uint64_t cleared = s->status & value;

    s->status &= ~value;
    for (unsigned n = 0; n < HPET_TIMERS; n++) {
        if (cleared & BIT64(n)) {
            hpet_lower(s, n);
        }
    }
}

static void hpet_write_tconfig(HpetState *s, unsigned n, uint64_t value)
{
    uint64_t config = value & HPET_T_WRITE;

    hpet_lower(s, n); /* of the route and the trigger that held so far */
    if (!(HPET_ROUTES >> HPET_T_ROUTE(config) & 1)) {
        config = deposit64(config, 9, 5, HPET_T_ROUTE(s->tconfig[n]));
    }
    s->tconfig[n] = config;
    s->compare[n] &= hpet_width_mask(s, n);
    s->period[n] &= hpet_width_mask(s, n);
    if ((s->status & BIT64(n)) && (config & HPET_T_LEVEL) &&
        (config & HPET_T_INT_ENABLE) && hpet_has_line(s, n)) {
        irq_raise(hpet_line(s, n));
    }
    hpet_arm(s, n, 0);
}

/* In periodic mode a write sets the period, and the comparator only if the
 * guest has just set SET_VALUE (2.3.9.2.2 "Periodic Mode"). */
static void hpet_write_compare(HpetState *s, unsigned n, uint64_t value)
{
    uint64_t config = s->tconfig[n];

    value &= hpet_width_mask(s, n);
    if (config & HPET_T_PERIODIC) {
        s->period[n] = value;
    }
    if (!(config & HPET_T_PERIODIC) || (config & HPET_T_SET_VALUE)) {
        s->compare[n] = value;
    }
    s->tconfig[n] &= ~HPET_T_SET_VALUE;
    hpet_arm(s, n, 0);
}

static void hpet_write_timer(HpetState *s, unsigned n, hwaddr reg,
                             uint64_t value)
{
    if (reg == HPET_T_CONFIG) {
        hpet_write_tconfig(s, n, value);
    } else if (reg == HPET_T_COMPARE) {
        hpet_write_compare(s, n, value);
    }
}

static void hpet_write_reg(HpetState *s, hwaddr reg, uint64_t value)
{
    unsigned n = (reg - HPET_REG_TIMER) / HPET_TIMER_STEP;

    switch (reg) {
    case HPET_REG_CONFIG:
        hpet_write_config(s, value);
        break;
    case HPET_REG_STATUS:
        hpet_write_status(s, value);
        break;
    case HPET_REG_COUNTER:
        hpet_set_counter(s, value, s->running);
        hpet_arm_all(s);
        break;
    default:
        if (reg >= HPET_REG_TIMER && n < HPET_TIMERS) {
            hpet_write_timer(s, n, reg % HPET_TIMER_STEP, value);
        }
        break;
    }
}

/* --- MMIO: registers are 64 bits wide, halves may be accessed --- */

static uint64_t hpet_read(void *opaque, hwaddr addr, unsigned size)
{
    HpetState *s = opaque;
    hwaddr reg = addr & ~(hwaddr)7;
    uint64_t value;

    if (reg == HPET_REG_COUNTER) {
        value = hpet_counter(s);
    } else {
        BQL_GUARD();
        value = hpet_read_reg(s, reg);
    }
    return size == 8 ? value : extract64(value, addr & 4 ? 32 : 0, 32);
}

/* What the other half of a register keeps in a write of one half.  Status
 * bits are cleared by ones; a period that is written in halves is built up. */
static uint64_t hpet_old_value(const HpetState *s, hwaddr reg)
{
    unsigned n = (reg - HPET_REG_TIMER) / HPET_TIMER_STEP;

    if (reg == HPET_REG_STATUS) {
        return 0;
    }
    if (reg >= HPET_REG_TIMER && n < HPET_TIMERS &&
        reg % HPET_TIMER_STEP == HPET_T_COMPARE &&
        (s->tconfig[n] & HPET_T_PERIODIC) &&
        !(s->tconfig[n] & HPET_T_SET_VALUE)) {
        return s->period[n];
    }
    return hpet_read_reg(s, reg);
}

static void hpet_write(void *opaque, hwaddr addr, uint64_t value,
                       unsigned size)
{
    HpetState *s = opaque;
    hwaddr reg = addr & ~(hwaddr)7;
    BQL_GUARD();

    if (size != 8) {
        value = deposit64(hpet_old_value(s, reg), addr & 4 ? 32 : 0, 32,
                          value);
    }
    hpet_write_reg(s, reg, value);
}

static const MemoryRegionOps hpet_ops = {
    .read = hpet_read,
    .write = hpet_write,
    .valid = {4, 8},
    .impl = {4, 8},
    .unlocked = true,
};

/* --- life --- */

HpetState *hpet_create(MemoryRegion *memory, hwaddr base,
                       const IrqLine *const gsi[HPET_GSIS],
                       const IrqLine *const legacy[HPET_LEGACY_LINES])
{
    HpetState *s = (HpetState *)device_create(&hpet_type, NULL);

    memcpy(s->gsi, gsi, sizeof(s->gsi));
    memcpy(s->legacy, legacy, sizeof(s->legacy));
    for (unsigned n = 0; n < HPET_LEGACY_LINES; n++) {
        irq_init(&s->legacy_in[n], hpet_set_legacy_in, s, n);
    }
    s->memory = memory;
    memory_region_init_io(&s->mmio, &hpet_ops, s, "hpet", HPET_SIZE);
    memory_region_add(memory, base, &s->mmio);
    return s;
}

static bool hpet_realize(DeviceState *dev, GError **errp)
{
    HpetState *s = (HpetState *)dev;

    for (unsigned n = 0; n < HPET_TIMERS; n++) {
        s->t[n].hpet = s;
        s->t[n].n = n;
        timer_init(&s->t[n].timer, CLOCK_TYPE_VIRTUAL, hpet_expired, &s->t[n]);
    }
    return true;
}

static void hpet_unrealize(DeviceState *dev)
{
    HpetState *s = (HpetState *)dev;

    for (unsigned n = 0; n < HPET_TIMERS; n++) {
        timer_del(&s->t[n].timer);
    }
    memory_region_del(s->memory, &s->mmio);
    memory_region_destroy(&s->mmio);
}

static void hpet_reset(DeviceState *dev)
{
    HpetState *s = (HpetState *)dev;

    for (unsigned n = 0; n < HPET_TIMERS; n++) {
        irq_lower(s->gsi[HPET_T_ROUTE(s->tconfig[n]) % HPET_GSIS]);
        s->tconfig[n] = deposit64(0, 9, 5, __builtin_ctzll(HPET_ROUTES));
    }
    hpet_set_counter(s, 0, false);
    hpet_arm_all(s);
    hpet_update_legacy(s);
}

/* The counter and its moment were saved together: no new start. */
static void hpet_post_load(DeviceState *dev)
{
    hpet_arm_all((HpetState *)dev);
}

static const DevField hpet_fields[] = {
    DEV_FIELD(HpetState, config, 0),
    DEV_FIELD(HpetState, status, 0),
    DEV_FIELD_ARRAY(HpetState, compare, UINT64_MAX),
    DEV_FIELD_ARRAY(HpetState, period, 0),
    DEV_FIELD_KEPT(HpetState, base), /* these by hpet_reset() */
    DEV_FIELD_KEPT(HpetState, start_ns),
    DEV_FIELD_KEPT(HpetState, running),
    DEV_FIELD_KEPT(HpetState, legacy_level),
    {
        .name = "tconfig", .offset = offsetof(HpetState, tconfig), .size = 8,
        .count = HPET_TIMERS, .kept = true,
    },
};

const DeviceType hpet_type = {
    .name = "hpet",
    .desc = "high precision event timer",
    .size = sizeof(HpetState),
    .fields = hpet_fields,
    .nfields = ARRAY_LEN(hpet_fields),
    .realize = hpet_realize,
    .unrealize = hpet_unrealize,
    .reset = hpet_reset,
    .post_load = hpet_post_load,
};
