/* SPDX-License-Identifier: MIT */
/*
 * The local APIC's timer: one-shot, periodic and TSC-deadline.
 *
 * Source: SDM vol. 3A, 11.5.4 "APIC Timer".
 * The bus clock is 1 GHz: a tick is 1 ns of virtual time.  The count is not
 * stepped: it follows from the time since it was written.
 * Locks: the APIC's; the host's timer calls back with the BQL held.
 */
#include "hw/intc/apic_internal.h"

/* However short the period, the host is interrupted no more often. */
#define APIC_TIMER_MIN_NS  20000
#define APIC_TIMER_FAR_NS  (INT64_C(1) << 60)

/* Divide configuration: bits 3, 1 and 0 give the power of two less one, and
 * all ones stand for 1. */
static unsigned apic_divisor(const ApicState *s)
{
    unsigned code = (s->divide & 3) | (s->divide & 8) >> 1;

    return code == 7 ? 1 : 2u << code;
}

/* Ticks since the count was written. */
static uint64_t apic_timer_elapsed(const ApicState *s, int64_t now)
{
    return now <= s->start_ns ? 0 : (now - s->start_ns) / apic_divisor(s);
}

static uint32_t apic_timer_count_at(const ApicState *s, int64_t now)
{
    uint64_t elapsed = apic_timer_elapsed(s, now);

    if (s->stopped) {
        return 0;
    }
    switch (apic_lvt_timer_mode(s)) {
    case APIC_TIMER_ONE_SHOT:
        return elapsed < s->initial ? s->initial - elapsed : 0;
    case APIC_TIMER_PERIODIC:
        return s->initial ? s->initial - elapsed % s->initial : 0;
    default:
        return 0;
    }
}

uint32_t apic_timer_current_locked(const ApicState *s)
{
    return apic_timer_count_at(s, clock_get_ns(CLOCK_TYPE_VIRTUAL));
}

/* When the count next reaches zero after @now, or -1.  The zero of one shot may
 * be in the past, if the thread that wrote the count lost its core just then. */
static int64_t apic_timer_next_zero(const ApicState *s, int64_t now)
{
    uint64_t elapsed = apic_timer_elapsed(s, now);
    uint64_t at = s->initial;

    if (s->stopped || s->initial == 0) {
        return -1;
    }
    switch (apic_lvt_timer_mode(s)) {
    case APIC_TIMER_ONE_SHOT:
        break;
    case APIC_TIMER_PERIODIC:
        at = (elapsed / s->initial + 1) * s->initial;
        break;
    default:
        return -1;
    }
    return s->start_ns + at * apic_divisor(s);
}

/* A deadline that has come interrupts and disarms itself; one in the past does
 * so as it is written. */
static bool apic_timer_meet_deadline(ApicState *s)
{
    if (!s->tsc_deadline || s->ops->tsc(&s->cpu->cs) < s->tsc_deadline) {
        return false;
    }
    s->tsc_deadline = 0;
    apic_local_locked(s, APIC_LVT_TIMER);
    return true;
}

static void apic_timer_arm_deadline(ApicState *s, int64_t now)
{
    uint64_t tsc = s->ops->tsc(&s->cpu->cs);
    uint64_t hz = MAX(s->cpu->tsc_hz, 1);
    unsigned __int128 wait;

    if (tsc >= s->tsc_deadline) {
        timer_mod_ns(&s->timer, now);
        return;
    }
    /* Rounds up, so that the counter has surely reached it. */
    wait = ((unsigned __int128)(s->tsc_deadline - tsc) * NS_PER_SEC + hz - 1) /
           hz;
    timer_mod_ns(&s->timer, now + (int64_t)MIN(wait, APIC_TIMER_FAR_NS));
}

/* A masked timer counts, but nobody need be woken for it. */
void apic_timer_arm_locked(ApicState *s)
{
    int64_t now = clock_get_ns(CLOCK_TYPE_VIRTUAL);
    bool masked = s->lvt[APIC_LVT_TIMER] & APIC_LVT_MASKED;

    s->fire_ns = masked ? -1 : apic_timer_next_zero(s, now);
    if (s->fire_ns >= 0) {
        timer_mod_ns(&s->timer, s->fire_ns);
    } else if (s->tsc_deadline) {
        apic_timer_arm_deadline(s, now);
    } else {
        timer_del(&s->timer);
    }
}

/* The count has reached zero: interrupt, and go on in periodic mode. */
static void apic_timer_fire_count(ApicState *s, int64_t now)
{
    apic_local_locked(s, APIC_LVT_TIMER);
    s->stopped |= apic_lvt_timer_mode(s) == APIC_TIMER_ONE_SHOT;
    s->fire_ns = apic_timer_next_zero(s, now);
    if (s->fire_ns >= 0) {
        s->fire_ns = MAX(s->fire_ns, now + APIC_TIMER_MIN_NS);
        timer_mod_ns(&s->timer, s->fire_ns);
    }
}

/* Before a register changes: the zero that the host's timer has not told of, or
 * that nobody heard of as the timer was masked, comes first. */
static void apic_timer_catch_up(ApicState *s, int64_t now)
{
    if (s->fire_ns >= 0 && now >= s->fire_ns) {
        apic_timer_fire_count(s, now);
    } else if (s->fire_ns < 0 && apic_timer_count_at(s, now) == 0) {
        s->stopped = true;
    }
}

/* The registers may have changed since the host's timer expired: what is due
 * is decided anew. */
static void apic_timer_expired(void *opaque)
{
    ApicState *s = opaque;
    int64_t now = clock_get_ns(CLOCK_TYPE_VIRTUAL);

    mutex_lock(&s->lock);
    if (s->fire_ns >= 0 && now >= s->fire_ns) {
        apic_timer_fire_count(s, now);
    } else if (!apic_timer_meet_deadline(s)) {
        apic_timer_arm_locked(s);
    }
    mutex_unlock(&s->lock);
}

void apic_timer_init(ApicState *s)
{
    timer_init(&s->timer, CLOCK_TYPE_VIRTUAL, apic_timer_expired, s);
}

void apic_timer_set_initial_locked(ApicState *s, uint32_t value)
{
    if (apic_lvt_timer_mode(s) == APIC_TIMER_DEADLINE) {
        return; /* 11.5.4.1: ignored in this mode */
    }
    apic_timer_catch_up(s, clock_get_ns(CLOCK_TYPE_VIRTUAL));
    s->initial = value;
    s->stopped = false;
    s->start_ns = clock_get_ns(CLOCK_TYPE_VIRTUAL);
    apic_timer_arm_locked(s);
}

/* Ticks of the current count, before mode or rate change. */
static uint64_t apic_timer_passed(const ApicState *s, int64_t now)
{
    return s->initial - apic_timer_count_at(s, now);
}

/* The count goes on from where it is, at the new rate. */
void apic_timer_set_divide_locked(ApicState *s, uint32_t value)
{
    int64_t now = clock_get_ns(CLOCK_TYPE_VIRTUAL);
    uint64_t passed;

    apic_timer_catch_up(s, now);
    passed = apic_timer_passed(s, now);
    s->divide = value & 0xb;
    s->start_ns = now - (int64_t)(passed * apic_divisor(s));
    apic_timer_arm_locked(s);
}

/* Entering or leaving TSC-deadline mode disarms the timer.  Otherwise the count
 * goes on from where it is: one that has stopped stays so. */
void apic_timer_set_lvt_locked(ApicState *s, uint32_t value)
{
    int64_t now = clock_get_ns(CLOCK_TYPE_VIRTUAL);
    uint64_t passed;
    int was = apic_lvt_timer_mode(s), is;

    apic_timer_catch_up(s, now);
    passed = apic_timer_passed(s, now);
    s->lvt[APIC_LVT_TIMER] = value;
    is = apic_lvt_timer_mode(s);
    if ((was == APIC_TIMER_DEADLINE) != (is == APIC_TIMER_DEADLINE)) {
        s->initial = 0;
        s->tsc_deadline = 0;
    } else if (was != is) {
        s->stopped |= passed == s->initial;
        s->start_ns = now - (int64_t)(passed * apic_divisor(s));
    }
    apic_timer_arm_locked(s);
}

void apic_timer_set_deadline_locked(ApicState *s, uint64_t tsc)
{
    if (apic_lvt_timer_mode(s) == APIC_TIMER_DEADLINE) {
        s->tsc_deadline = tsc;
        apic_timer_meet_deadline(s);
        apic_timer_arm_locked(s);
    }
}
