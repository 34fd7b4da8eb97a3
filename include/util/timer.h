/* SPDX-License-Identifier: MIT */
/*
 * Clocks and one-shot timers.  Callbacks run on the main loop's thread with
 * the Big Lock held, or on another context (util/io-context.h).  All functions
 * here may be called from any thread.
 */
#ifndef HEDDLE_UTIL_TIMER_H
#define HEDDLE_UTIL_TIMER_H

#include "util/common.h"

typedef enum ClockType {
    CLOCK_TYPE_REALTIME, /* host's monotonic time; never stops */
    CLOCK_TYPE_VIRTUAL,  /* guest time: stands still while the VM is stopped */
    CLOCK_TYPE_HOST,     /* host's wall clock; may jump */
    CLOCK_TYPE_MAX,
} ClockType;

#define NS_PER_SEC 1000000000LL
#define NS_PER_MS  1000000LL
#define NS_PER_US  1000LL

/* Now, in ns; VIRTUAL is stopped at 0 until clock_virtual_start(). */
int64_t clock_get_ns(ClockType type);
/* Stop and restart the VIRTUAL clock; idempotent.  Locks: BQL. */
void clock_virtual_stop(void);
void clock_virtual_start(void);
/* Move the stopped VIRTUAL clock on by @ns, and run the timers that are due on
 * the way on the calling thread, in order, each at its own time.  For -icount
 * and for tests of devices, which thus see exact times.  Locks: BQL if any
 * callback needs it. */
void clock_virtual_advance(int64_t ns);

/* For who moves the VIRTUAL clock on by clock_virtual_advance() alone, by what
 * the guest does: it stands for the host from then on. */
typedef struct VirtualCount {
    int64_t (*since_ns)(void);    /* ns since the last advance; any thread */
    void (*timers_changed)(void); /* another VIRTUAL timer is the first */
} VirtualCount;
void clock_virtual_count(const VirtualCount *count);

typedef void TimerFunc(void *opaque);

typedef struct TimerQueue TimerQueue;

typedef struct Timer {
    ClockType type;
    TimerQueue *queue; /* of another context; NULL: the main loop's */
    TimerFunc *fn;
    void *opaque;
    int64_t expire_ns; /* -1: not pending */
    guint heap_pos;    /* private to the timer queue */
} Timer;

void timer_init(Timer *t, ClockType type, TimerFunc *fn, void *opaque);
/* Fire once when the clock reaches @expire_ns; in the past means at once.
 * Replaces an earlier deadline. */
void timer_mod_ns(Timer *t, int64_t expire_ns);
/* Not pending any more.  With the BQL held its callback is not running either;
 * a caller without it may find the callback under way. */
void timer_del(Timer *t);
bool timer_pending(const Timer *t);

/* --- of other contexts; for util/io-context.h --- */
/* REALTIME timers that run on @context. */
TimerQueue *timer_queue_new(GMainContext *context);
void timer_queue_free(TimerQueue *q); /* no timer is pending */
void timer_init_on(Timer *t, TimerQueue *q, TimerFunc *fn, void *opaque);

/* Deadline of the earliest VIRTUAL timer, or -1. */
int64_t timer_next_virtual_ns(void);

/* @a * @b / @c with a 96-bit intermediate; rounds down. */
static inline uint64_t muldiv64(uint64_t a, uint32_t b, uint32_t c)
{
    return (uint64_t)((unsigned __int128)a * b / c);
}

#endif
