/* SPDX-License-Identifier: MIT */
/*
 * Motorola MC146818A real-time clock, with the 128 bytes and the century byte
 * of the PIIX3.
 *
 * Source: MC146818A data sheet (1984): "Registers", "Interrupts", "Update
 * cycle"; PIIX3 data sheet (290550-002), "Real time clock".
 * Implemented: calendar in BCD and binary, 12 and 24 hours, SET, divider
 * reset, UIP, alarm, periodic and update-ended interrupts.
 * Omitted: daylight saving (DSE) and the square wave, which no PC wires; the
 * NMI mask in bit 7 of port 70h has no effect.
 * The time is not ticked: it is the clock plus an offset, looked at on access,
 * and timers run only for interrupts that are enabled.
 * Locks: BQL.
 */
#include "hw/timer/mc146818rtc.h"

#include <time.h>

#include "system/runstate.h"
#include "util/timer.h"

enum {
    RTC_SECONDS,
    RTC_SECONDS_ALARM,
    RTC_MINUTES,
    RTC_MINUTES_ALARM,
    RTC_HOURS,
    RTC_HOURS_ALARM,
    RTC_WEEKDAY,
    RTC_DAY,
    RTC_MONTH,
    RTC_YEAR,
    RTC_REG_A,
    RTC_REG_B,
    RTC_REG_C,
    RTC_REG_D,
    RTC_CENTURY = 0x32,
};

#define RTC_A_UIP         BIT(7)
#define RTC_A_DV_RESET    0x60 /* 11x in bits 6:4: divider held in reset */
#define RTC_A_RATE(a)     ((a) & 15)
#define RTC_A_DEFAULT     0x26 /* 32768 Hz, 1024 Hz periodic rate */
#define RTC_B_SET         BIT(7)
#define RTC_B_INTERRUPTS  0x70 /* PIE, AIE and UIE lie as PF, AF, UF do in C */
#define RTC_B_SQWE        BIT(3)
#define RTC_B_BINARY      BIT(2)
#define RTC_B_24H         BIT(1)
#define RTC_C_IRQF        BIT(7)
#define RTC_C_PF          BIT(6)
#define RTC_C_AF          BIT(5)
#define RTC_C_UF          BIT(4)
#define RTC_D_VRT         BIT(7)
#define RTC_HOUR_PM       BIT(7)
#define RTC_ALARM_ANY     0xc0 /* both bits set: every value matches */

#define RTC_DIVIDER_HZ    32768
#define RTC_RESTART_NS    (NS_PER_SEC / 2) /* to the first update */
#define RTC_UIP_NS        (2228 * NS_PER_US) /* 244 us ahead, 1984 us update */
#define SECONDS_PER_DAY   86400

struct RtcState {
    DeviceState dev;

    /* Guest-visible.  The calendar's bytes are current only while the clock
     * is stopped; the time is clock + offset while it runs. */
    uint8_t cmos[RTC_CMOS_BYTES];
    uint8_t index;
    int64_t offset_s;
    int64_t moved_s;   /* of offset_s: what the guest has set it by */
    int64_t offset_ns; /* 0 to a second */
    uint8_t weekday_offset; /* of the guest's day of the week from the real */
    int64_t seen_s;         /* flags are up to date to this second */
    uint64_t seen_period;   /* and to this period */

    /* Wiring. */
    ClockType clock;
    const IrqLine *irq;
    MemoryRegion *io, ports;

    /* Derived. */
    Timer second_timer, periodic_timer;
};

/* --- time --- */

static bool rtc_divider_reset(const RtcState *s)
{
    return (s->cmos[RTC_REG_A] & RTC_A_DV_RESET) == RTC_A_DV_RESET;
}

static bool rtc_stopped(const RtcState *s)
{
    return (s->cmos[RTC_REG_B] & RTC_B_SET) || rtc_divider_reset(s);
}

/* Where the divider chain stands; its whole seconds count from anywhere. */
static int64_t rtc_chain_ns(const RtcState *s)
{
    return clock_get_ns(s->clock) + s->offset_ns;
}

/* Rounds towards the past, before 1970 too. */
static int64_t rtc_whole_seconds(int64_t ns)
{
    return ns / NS_PER_SEC - (ns % NS_PER_SEC < 0);
}

static int64_t rtc_fraction(int64_t ns)
{
    return ns - rtc_whole_seconds(ns) * NS_PER_SEC;
}

/* The guest's time, in seconds from 1970 as if it were UTC. */
static int64_t rtc_now_s(const RtcState *s)
{
    return rtc_whole_seconds(rtc_chain_ns(s)) + s->offset_s;
}

/* Ticks of the 32768 Hz chain in one period; 0 when the rate is off. */
static uint64_t rtc_period_ticks(const RtcState *s)
{
    unsigned rate = RTC_A_RATE(s->cmos[RTC_REG_A]);

    if (rate == 0) {
        return 0;
    }
    return (uint64_t)1 << (rate < 3 ? rate + 6 : rate - 1);
}

static uint64_t rtc_period_count(const RtcState *s, int64_t virtual_ns)
{
    return muldiv64(virtual_ns, RTC_DIVIDER_HZ, NS_PER_SEC) /
           rtc_period_ticks(s);
}

/* --- the calendar's bytes --- */

static uint8_t rtc_encode(const RtcState *s, unsigned v)
{
    return s->cmos[RTC_REG_B] & RTC_B_BINARY ? v : (v / 10) << 4 | v % 10;
}

static unsigned rtc_decode(const RtcState *s, uint8_t v)
{
    return s->cmos[RTC_REG_B] & RTC_B_BINARY ? v : (v >> 4) * 10 + (v & 15);
}

static uint8_t rtc_encode_hour(const RtcState *s, unsigned hour)
{
    if (s->cmos[RTC_REG_B] & RTC_B_24H) {
        return rtc_encode(s, hour);
    }
    return rtc_encode(s, hour % 12 ? hour % 12 : 12) |
           (hour >= 12 ? RTC_HOUR_PM : 0);
}

static unsigned rtc_decode_hour(const RtcState *s, uint8_t v)
{
    if (s->cmos[RTC_REG_B] & RTC_B_24H) {
        return rtc_decode(s, v);
    }
    return rtc_decode(s, v & ~RTC_HOUR_PM) % 12 + (v & RTC_HOUR_PM ? 12 : 0);
}

static void rtc_store_calendar(RtcState *s)
{
    time_t t = rtc_now_s(s);
    struct tm tm = {0};

    gmtime_r(&t, &tm);
    s->cmos[RTC_SECONDS] = rtc_encode(s, tm.tm_sec);
    s->cmos[RTC_MINUTES] = rtc_encode(s, tm.tm_min);
    s->cmos[RTC_HOURS] = rtc_encode_hour(s, tm.tm_hour);
    s->cmos[RTC_WEEKDAY] =
        rtc_encode(s, (tm.tm_wday + s->weekday_offset) % 7 + 1);
    s->cmos[RTC_DAY] = rtc_encode(s, tm.tm_mday);
    s->cmos[RTC_MONTH] = rtc_encode(s, tm.tm_mon + 1);
    s->cmos[RTC_YEAR] = rtc_encode(s, (tm.tm_year + 1900) % 100);
    s->cmos[RTC_CENTURY] = rtc_encode(s, (tm.tm_year + 1900) / 100 % 100);
}

/* Let the time be what the bytes say; the fraction of a second goes on.  Dates
 * that do not exist are those that many days later, as timegm() counts. */
static void rtc_load_calendar(RtcState *s)
{
    struct tm tm = {
        .tm_sec = rtc_decode(s, s->cmos[RTC_SECONDS]),
        .tm_min = rtc_decode(s, s->cmos[RTC_MINUTES]),
        .tm_hour = rtc_decode_hour(s, s->cmos[RTC_HOURS]),
        .tm_mday = rtc_decode(s, s->cmos[RTC_DAY]),
        .tm_mon = (int)rtc_decode(s, s->cmos[RTC_MONTH]) - 1,
        .tm_year = rtc_decode(s, s->cmos[RTC_YEAR]) +
                   (int)rtc_decode(s, s->cmos[RTC_CENTURY]) * 100 - 1900,
    };
    int weekday = rtc_decode(s, s->cmos[RTC_WEEKDAY]);
    time_t t = timegm(&tm); /* sets tm_wday */
    int64_t moved = t - rtc_now_s(s);

    s->weekday_offset = ((weekday - 1 - tm.tm_wday) % 7 + 7) % 7;
    s->offset_s += moved;
    s->seen_s = t;
    if (moved) {
        s->moved_s += moved;
        runstate_rtc_changed(s->moved_s);
    }
}

/* --- interrupts --- */

static bool rtc_alarm_byte_matches(const RtcState *s, int reg, unsigned value)
{
    uint8_t alarm = s->cmos[reg];

    if ((alarm & RTC_ALARM_ANY) == RTC_ALARM_ANY) {
        return true;
    }
    return value == (reg == RTC_HOURS_ALARM ? rtc_decode_hour(s, alarm)
                                            : rtc_decode(s, alarm));
}

/* Has the alarm's time come after second @from, up to @to? */
static bool rtc_alarm_in(const RtcState *s, int64_t from, int64_t to)
{
    from = MAX(from, to - SECONDS_PER_DAY); /* all the times there are */
    for (int64_t t = from + 1; t <= to; t++) {
        unsigned second = (t % SECONDS_PER_DAY + SECONDS_PER_DAY) %
                          SECONDS_PER_DAY;

        if (rtc_alarm_byte_matches(s, RTC_SECONDS_ALARM, second % 60) &&
            rtc_alarm_byte_matches(s, RTC_MINUTES_ALARM, second / 60 % 60) &&
            rtc_alarm_byte_matches(s, RTC_HOURS_ALARM, second / 3600)) {
            return true;
        }
    }
    return false;
}

/* Raise the flags of what has happened since the last call. */
static void rtc_catch_up(RtcState *s)
{
    int64_t now_s = rtc_now_s(s);

    if (!rtc_stopped(s) && now_s != s->seen_s) {
        s->cmos[RTC_REG_C] |= RTC_C_UF;
        if (rtc_alarm_in(s, s->seen_s, now_s)) {
            s->cmos[RTC_REG_C] |= RTC_C_AF;
        }
        s->seen_s = now_s; /* a host's clock may step back, too */
    }
    if (rtc_period_ticks(s) && !rtc_divider_reset(s)) {
        uint64_t n = rtc_period_count(s, clock_get_ns(CLOCK_TYPE_VIRTUAL));

        if (n != s->seen_period) {
            s->cmos[RTC_REG_C] |= RTC_C_PF;
            s->seen_period = n;
        }
    }
}

static void rtc_arm_second_timer(RtcState *s)
{
    int64_t chain = rtc_chain_ns(s);
    bool wanted = s->cmos[RTC_REG_B] & (RTC_C_AF | RTC_C_UF);

    if (wanted && !rtc_stopped(s)) {
        timer_mod_ns(&s->second_timer,
                     chain - s->offset_ns + NS_PER_SEC - rtc_fraction(chain));
    } else {
        timer_del(&s->second_timer);
    }
}

static void rtc_arm_periodic_timer(RtcState *s)
{
    uint64_t ticks = rtc_period_ticks(s);
    unsigned __int128 next;

    if (!ticks || rtc_divider_reset(s) ||
        !(s->cmos[RTC_REG_B] & RTC_C_PF)) {
        timer_del(&s->periodic_timer);
        return;
    }
    next = (unsigned __int128)(s->seen_period + 1) * ticks * NS_PER_SEC;
    timer_mod_ns(&s->periodic_timer,
                 (next + RTC_DIVIDER_HZ - 1) / RTC_DIVIDER_HZ);
}

static void rtc_update_output(RtcState *s)
{
    uint8_t *c = &s->cmos[RTC_REG_C];
    bool irq;

    rtc_catch_up(s);
    irq = *c & s->cmos[RTC_REG_B] & RTC_B_INTERRUPTS;
    *c = irq ? *c | RTC_C_IRQF : *c & ~RTC_C_IRQF;
    irq_set(s->irq, irq);
    rtc_arm_second_timer(s);
    rtc_arm_periodic_timer(s);
}

static void rtc_timer(void *opaque)
{
    rtc_update_output(opaque);
}

/* --- registers --- */

static bool rtc_is_calendar(unsigned reg)
{
    return reg == RTC_SECONDS || reg == RTC_MINUTES || reg == RTC_HOURS ||
           (reg >= RTC_WEEKDAY && reg <= RTC_YEAR) || reg == RTC_CENTURY;
}

static void rtc_write_calendar(RtcState *s, unsigned reg, uint8_t value)
{
    if (rtc_stopped(s)) {
        s->cmos[reg] = value;
        return;
    }
    rtc_store_calendar(s);
    s->cmos[reg] = value;
    rtc_load_calendar(s);
}

/* Registers A and B decide whether the clock runs. */
static void rtc_write_control(RtcState *s, unsigned reg, uint8_t value)
{
    bool was_stopped = rtc_stopped(s), was_reset = rtc_divider_reset(s);

    if (!was_stopped) {
        rtc_store_calendar(s); /* in the format that held so far */
    }
    s->cmos[reg] = value;
    if (was_reset && !rtc_divider_reset(s)) {
        s->offset_ns += NS_PER_SEC - RTC_RESTART_NS -
                        rtc_fraction(rtc_chain_ns(s));
        s->offset_ns %= NS_PER_SEC; /* the seconds are set below */
    }
    if (rtc_period_ticks(s)) {
        s->seen_period =
            rtc_period_count(s, clock_get_ns(CLOCK_TYPE_VIRTUAL));
    }
    if (was_stopped && !rtc_stopped(s)) {
        rtc_load_calendar(s);
    }
}

static void rtc_write_data(RtcState *s, unsigned reg, uint8_t value)
{
    if (rtc_is_calendar(reg)) {
        rtc_write_calendar(s, reg, value);
        return;
    }
    switch (reg) {
    case RTC_REG_A:
        rtc_write_control(s, reg, value & ~RTC_A_UIP);
        break;
    case RTC_REG_B:
        rtc_write_control(s, reg, value);
        break;
    case RTC_REG_C:
    case RTC_REG_D:
        break; /* read only */
    default:
        s->cmos[reg] = value;
        break;
    }
}

static void rtc_write(void *opaque, hwaddr addr, uint64_t value, unsigned size)
{
    RtcState *s = opaque;

    if (addr == 0) {
        s->index = value % RTC_CMOS_BYTES;
        return;
    }
    rtc_catch_up(s); /* with the settings that held until now */
    rtc_write_data(s, s->index, value);
    rtc_update_output(s);
}

static uint8_t rtc_read_a(const RtcState *s)
{
    bool uip = !rtc_stopped(s) &&
               rtc_fraction(rtc_chain_ns(s)) >= NS_PER_SEC - RTC_UIP_NS;

    return s->cmos[RTC_REG_A] | (uip ? RTC_A_UIP : 0);
}

static uint8_t rtc_read_c(RtcState *s)
{
    uint8_t value;

    rtc_update_output(s);
    value = s->cmos[RTC_REG_C];
    s->cmos[RTC_REG_C] = 0;
    irq_set(s->irq, false); /* the next period may have begun meanwhile */
    rtc_update_output(s);
    return value;
}

static uint64_t rtc_read(void *opaque, hwaddr addr, unsigned size)
{
    RtcState *s = opaque;

    if (addr == 0) {
        return 0xff; /* the index is write only */
    }
    if (rtc_is_calendar(s->index) && !rtc_stopped(s)) {
        rtc_store_calendar(s);
    }
    switch (s->index) {
    case RTC_REG_A:
        return rtc_read_a(s);
    case RTC_REG_C:
        return rtc_read_c(s);
    default:
        return s->cmos[s->index];
    }
}

static const MemoryRegionOps rtc_ops = {
    .read = rtc_read,
    .write = rtc_write,
    .impl = {1, 1},
};

/* --- life --- */

void rtc_set_cmos(RtcState *s, int reg, uint8_t value)
{
    g_assert(reg > RTC_REG_D && reg < RTC_CMOS_BYTES && reg != RTC_CENTURY);
    s->cmos[reg] = value;
}

uint8_t rtc_get_cmos(const RtcState *s, int reg)
{
    g_assert(reg > RTC_REG_D && reg < RTC_CMOS_BYTES && reg != RTC_CENTURY);
    return s->cmos[reg];
}

/* Offset of the guest's first time from its clock; but for base_s.  With a date
 * given, no part of the host's time gets in: two runs may have to be the same. */
static int64_t rtc_first_offset(const RtcState *s, const RtcConfig *config)
{
    int64_t host = clock_get_ns(CLOCK_TYPE_HOST);
    int64_t offset = host - clock_get_ns(s->clock);
    time_t t = host / NS_PER_SEC;
    struct tm tm;

    if (config->has_base) {
        return -clock_get_ns(s->clock);
    }
    if (s->clock == CLOCK_TYPE_HOST) {
        offset = 0; /* not the time between the two readings above */
    }
    if (config->localtime && localtime_r(&t, &tm)) {
        offset += tm.tm_gmtoff * NS_PER_SEC;
    }
    return offset;
}

RtcState *rtc_create(MemoryRegion *io, const RtcConfig *config,
                     const IrqLine *irq8)
{
    RtcState *s = (RtcState *)device_create(&rtc_type, NULL);
    int64_t offset;

    s->clock = config->clock_vm ? CLOCK_TYPE_VIRTUAL : CLOCK_TYPE_HOST;
    timer_init(&s->second_timer, s->clock, rtc_timer, s);
    timer_init(&s->periodic_timer, CLOCK_TYPE_VIRTUAL, rtc_timer, s);
    s->irq = irq8;
    s->io = io;
    s->cmos[RTC_REG_A] = RTC_A_DEFAULT;
    s->cmos[RTC_REG_B] = RTC_B_24H;
    s->cmos[RTC_REG_D] = RTC_D_VRT;
    offset = rtc_first_offset(s, config);
    s->offset_ns = rtc_fraction(offset);
    s->offset_s = rtc_whole_seconds(offset) + config->base_s;
    s->seen_s = rtc_now_s(s);
    rtc_store_calendar(s);
    memory_region_init_io(&s->ports, &rtc_ops, s, "rtc", 2);
    memory_region_add(io, 0x70, &s->ports);
    return s;
}

static void rtc_unrealize(DeviceState *dev)
{
    RtcState *s = (RtcState *)dev;

    timer_del(&s->second_timer);
    timer_del(&s->periodic_timer);
    memory_region_del(s->io, &s->ports);
    memory_region_destroy(&s->ports);
}

/* Source: data sheet, "RESET": the time and the memory go on. */
static void rtc_reset(DeviceState *dev)
{
    RtcState *s = (RtcState *)dev;

    s->cmos[RTC_REG_B] &= ~(RTC_B_INTERRUPTS | RTC_B_SQWE);
    s->cmos[RTC_REG_C] = 0;
    rtc_update_output(s);
}

static void rtc_post_load(DeviceState *dev)
{
    RtcState *s = (RtcState *)dev;

    s->index %= RTC_CMOS_BYTES;
    rtc_update_output(s);
}

static const DevField rtc_fields[] = {
    {
        .name = "cmos", .offset = offsetof(RtcState, cmos), .size = 1,
        .count = RTC_CMOS_BYTES, .kept = true,
    },
    DEV_FIELD(RtcState, index, 0),
    DEV_FIELD_KEPT(RtcState, offset_s),
    DEV_FIELD_KEPT(RtcState, moved_s),
    DEV_FIELD_KEPT(RtcState, offset_ns),
    DEV_FIELD_KEPT(RtcState, weekday_offset),
    DEV_FIELD_KEPT(RtcState, seen_s),
    DEV_FIELD_KEPT(RtcState, seen_period),
};

const DeviceType rtc_type = {
    .name = "mc146818rtc",
    .desc = "MC146818A real-time clock",
    .size = sizeof(RtcState),
    .fields = rtc_fields,
    .nfields = ARRAY_LEN(rtc_fields),
    .unrealize = rtc_unrealize,
    .reset = rtc_reset,
    .post_load = rtc_post_load,
};
