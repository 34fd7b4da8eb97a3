/* SPDX-License-Identifier: MIT */
/*
 * Clocks and timers.  Each clock has a queue: a binary heap by deadline and one
 * timerfd, watched by the main loop, which is armed for the heap's top.  So has
 * every other context, for the REALTIME clock.  Hence
 * deadlines are as precise as the host's timers; the main loop's own poll
 * timeout, in milliseconds, plays no part.
 *
 * Locks: a queue's lock is a leaf and guards its heap, its timers' expire_ns
 * and heap_pos, and its timerfd.  The VIRTUAL clock is read without a lock,
 * through a sequence count that is written under the VIRTUAL queue's lock.
 */
#include "util/timer.h"

#include <glib-unix.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "util/error.h"
#include "util/thread.h"

#define NOT_PENDING (-1)

struct TimerQueue {
    ClockType type;
    Mutex lock;
    GPtrArray *heap; /* Timer, a child's deadline is not before its parent's */
    int fd;
    GSource *source; /* watches it */
};

static TimerQueue queues[CLOCK_TYPE_MAX];

/* The VIRTUAL clock: @base is the host's time at which it was 0 while it runs,
 * and its value while it stands. */
static struct {
    unsigned seq; /* odd: being written */
    bool running;
    int64_t base;
} virtual_clock;

static const VirtualCount *virtual_count; /* NULL: the host's time counts */

static void timers_init_once(void);

static void timers_init(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, timers_init_once);
}

/*
 * --- clocks ---
 * CLOCK_MONOTONIC is read in user space on the hosts that matter, so that a
 * read of the guest's time costs tens of ns.
 */

static int64_t host_clock_ns(clockid_t id)
{
    struct timespec ts;

    clock_gettime(id, &ts);
    return ts.tv_sec * NS_PER_SEC + ts.tv_nsec;
}

static int64_t virtual_clock_ns(void)
{
    unsigned seq;
    int64_t base;
    bool running;

    /* Both fields of one write: again if a writer was there in between. */
    do {
        seq = __atomic_load_n(&virtual_clock.seq, __ATOMIC_ACQUIRE);
        running = __atomic_load_n(&virtual_clock.running, __ATOMIC_RELAXED);
        base = __atomic_load_n(&virtual_clock.base, __ATOMIC_ACQUIRE);
    } while ((seq & 1) ||
             seq != __atomic_load_n(&virtual_clock.seq, __ATOMIC_RELAXED));
    if (virtual_count) {
        return base + virtual_count->since_ns();
    }
    return running ? host_clock_ns(CLOCK_MONOTONIC) - base : base;
}

/* Locks: the VIRTUAL queue's. */
static void virtual_clock_set(bool running, int64_t base)
{
    unsigned seq = virtual_clock.seq;

    __atomic_store_n(&virtual_clock.seq, seq + 1, __ATOMIC_RELAXED);
    /* Release: a reader that sees either field sees the odd count too. */
    __atomic_store_n(&virtual_clock.running, running, __ATOMIC_RELEASE);
    __atomic_store_n(&virtual_clock.base, base, __ATOMIC_RELEASE);
    __atomic_store_n(&virtual_clock.seq, seq + 2, __ATOMIC_RELEASE);
}

int64_t clock_get_ns(ClockType type)
{
    switch (type) {
    case CLOCK_TYPE_REALTIME:
        return host_clock_ns(CLOCK_MONOTONIC);
    case CLOCK_TYPE_VIRTUAL:
        return virtual_clock_ns();
    case CLOCK_TYPE_HOST:
        return host_clock_ns(CLOCK_REALTIME);
    case CLOCK_TYPE_MAX:
        break;
    }
    g_assert_not_reached();
}

/* --- the heap; locks: the queue's --- */

static Timer *heap_at(const TimerQueue *q, guint pos)
{
    return g_ptr_array_index(q->heap, pos);
}

static void heap_put(TimerQueue *q, guint pos, Timer *t)
{
    g_ptr_array_index(q->heap, pos) = t;
    t->heap_pos = pos;
}

static void heap_sift_up(TimerQueue *q, Timer *t)
{
    guint pos = t->heap_pos;

    while (pos > 0) {
        Timer *parent = heap_at(q, (pos - 1) / 2);

        if (parent->expire_ns <= t->expire_ns) {
            break;
        }
        heap_put(q, pos, parent);
        pos = (pos - 1) / 2;
    }
    heap_put(q, pos, t);
}

static void heap_sift_down(TimerQueue *q, Timer *t)
{
    guint pos = t->heap_pos;

    for (;;) {
        guint child = 2 * pos + 1;

        if (child + 1 < q->heap->len &&
            heap_at(q, child + 1)->expire_ns < heap_at(q, child)->expire_ns) {
            child++;
        }
        if (child >= q->heap->len ||
            t->expire_ns <= heap_at(q, child)->expire_ns) {
            break;
        }
        heap_put(q, pos, heap_at(q, child));
        pos = child;
    }
    heap_put(q, pos, t);
}

static void timer_set_expire(Timer *t, int64_t expire_ns)
{
    __atomic_store_n(&t->expire_ns, expire_ns, __ATOMIC_RELAXED);
}

static void heap_insert(TimerQueue *q, Timer *t, int64_t expire_ns)
{
    timer_set_expire(t, expire_ns);
    t->heap_pos = q->heap->len;
    g_ptr_array_add(q->heap, t);
    heap_sift_up(q, t);
}

static void heap_remove(TimerQueue *q, Timer *t)
{
    Timer *last = heap_at(q, q->heap->len - 1);
    guint hole = t->heap_pos;

    g_ptr_array_set_size(q->heap, q->heap->len - 1);
    timer_set_expire(t, NOT_PENDING);
    if (last != t) {
        heap_put(q, hole, last);
        heap_sift_up(q, last);
        heap_sift_down(q, last);
    }
}

/* The earliest timer, or NULL. */
static Timer *heap_top(const TimerQueue *q)
{
    return q->heap->len ? heap_at(q, 0) : NULL;
}

/*
 * --- queues ---
 * The timerfd is armed whenever the top changes, and after each run; that it
 * fires once too often does no harm, as only what is due is run.
 */

/* Arm the timerfd for the heap's top.  Locks: the queue's. */
static void queue_arm(TimerQueue *q)
{
    struct itimerspec when = {0}; /* all zero: disarm */
    const Timer *top = heap_top(q);
    bool stands = q->type == CLOCK_TYPE_VIRTUAL && !virtual_clock.running;

    if (top && !stands) {
        int64_t at = top->expire_ns;

        if (q->type == CLOCK_TYPE_VIRTUAL &&
            __builtin_add_overflow(at, virtual_clock.base, &at)) {
            at = INT64_MAX;
        }
        at = MAX(at, 1); /* in the past: at once */
        when.it_value.tv_sec = at / NS_PER_SEC;
        when.it_value.tv_nsec = at % NS_PER_SEC;
    }
    timerfd_settime(q->fd, TFD_TIMER_ABSTIME, &when, NULL);
}

/* Take the top off if it is due at @now; NULL when it is not. */
static Timer *queue_take_due(TimerQueue *q, int64_t now)
{
    Timer *top;

    mutex_lock(&q->lock);
    top = heap_top(q);
    if (top && top->expire_ns <= now) {
        heap_remove(q, top);
    } else {
        top = NULL;
    }
    mutex_unlock(&q->lock);
    return top;
}

/* The main loop's callback of the timerfd. */
static gboolean queue_run(gint fd, GIOCondition cond, gpointer opaque)
{
    TimerQueue *q = opaque;
    uint64_t expirations;
    guint budget;
    Timer *t;

    if (read(fd, &expirations, sizeof(expirations)) < 0) {
        expirations = 0; /* re-armed or disarmed since the poll */
    }
    mutex_lock(&q->lock);
    budget = q->heap->len;
    mutex_unlock(&q->lock);

    /* A callback that always re-arms its timer in the past must not keep the
     * other sources from running, hence the budget.  The clock is read anew
     * each time, as a callback may stop it. */
    while (budget-- > 0 && (t = queue_take_due(q, clock_get_ns(q->type)))) {
        t->fn(t->opaque);
    }
    mutex_lock(&q->lock);
    queue_arm(q);
    mutex_unlock(&q->lock);
    return G_SOURCE_CONTINUE;
}

static void queue_init(TimerQueue *q, ClockType type, GMainContext *context)
{
    clockid_t id = type == CLOCK_TYPE_HOST ? CLOCK_REALTIME : CLOCK_MONOTONIC;

    q->type = type;
    q->heap = g_ptr_array_new();
    mutex_init(&q->lock, "timers");
    q->fd = timerfd_create(id, TFD_NONBLOCK | TFD_CLOEXEC);
    if (q->fd < 0) {
        error_report("cannot make a host timer: %s", g_strerror(errno));
        exit(EXIT_FAILURE);
    }
    q->source = g_unix_fd_source_new(q->fd, G_IO_IN);
    g_source_set_callback(q->source, G_SOURCE_FUNC(queue_run), q, NULL);
    g_source_attach(q->source, context);
}

static void timers_init_once(void)
{
    for (int type = 0; type < CLOCK_TYPE_MAX; type++) {
        queue_init(&queues[type], type, NULL);
    }
}

TimerQueue *timer_queue_new(GMainContext *context)
{
    TimerQueue *q = g_new0(TimerQueue, 1);

    queue_init(q, CLOCK_TYPE_REALTIME, context);
    return q;
}

void timer_queue_free(TimerQueue *q)
{
    g_assert(q->heap->len == 0);
    g_source_destroy(q->source);
    g_source_unref(q->source);
    close(q->fd);
    mutex_destroy(&q->lock);
    g_ptr_array_free(q->heap, TRUE);
    g_free(q);
}

/* Where @t belongs. */
static TimerQueue *queue_of(const Timer *t)
{
    timers_init();
    return t->queue ? t->queue : &queues[t->type];
}

/*
 * --- stopping and stepping the VIRTUAL clock ---
 * The clock's value is the same before and after a switch; only its base has
 * another meaning.
 */

static void virtual_clock_switch(bool run)
{
    TimerQueue *q = &queues[CLOCK_TYPE_VIRTUAL];
    int64_t now;

    timers_init();
    mutex_lock(&q->lock);
    if (virtual_clock.running != run && !virtual_count) {
        now = virtual_clock_ns();
        virtual_clock_set(run,
                          run ? host_clock_ns(CLOCK_MONOTONIC) - now : now);
        queue_arm(q);
    }
    mutex_unlock(&q->lock);
}

void clock_virtual_count(const VirtualCount *count)
{
    clock_virtual_stop();
    virtual_count = count;
}

void clock_virtual_stop(void)
{
    virtual_clock_switch(false);
}

void clock_virtual_start(void)
{
    virtual_clock_switch(true);
}

static void virtual_clock_step_to(int64_t ns)
{
    TimerQueue *q = &queues[CLOCK_TYPE_VIRTUAL];

    mutex_lock(&q->lock);
    g_assert(!virtual_clock.running);
    virtual_clock_set(false, MAX(ns, virtual_clock.base));
    mutex_unlock(&q->lock);
}

void clock_virtual_advance(int64_t ns)
{
    TimerQueue *q = &queues[CLOCK_TYPE_VIRTUAL];
    int64_t target = virtual_clock_ns() + ns;
    int64_t next;

    timers_init();
    while ((next = timer_next_virtual_ns()) >= 0 && next <= target) {
        Timer *t;

        virtual_clock_step_to(next);
        t = queue_take_due(q, virtual_clock_ns());
        if (t) {
            t->fn(t->opaque);
        }
    }
    virtual_clock_step_to(target);
}

/* --- timers; made in the owner's struct, so nothing is allocated here --- */

void timer_init(Timer *t, ClockType type, TimerFunc *fn, void *opaque)
{
    *t = (Timer){
        .type = type, .fn = fn, .opaque = opaque, .expire_ns = NOT_PENDING};
}

void timer_init_on(Timer *t, TimerQueue *q, TimerFunc *fn, void *opaque)
{
    timer_init(t, q->type, fn, opaque);
    t->queue = q;
}

/* Tell who counts the VIRTUAL clock; without locks. */
static void top_changed(const TimerQueue *q)
{
    if (q->type == CLOCK_TYPE_VIRTUAL && virtual_count) {
        virtual_count->timers_changed();
    }
}

void timer_mod_ns(Timer *t, int64_t expire_ns)
{
    TimerQueue *q = queue_of(t);
    bool first;

    mutex_lock(&q->lock);
    first = heap_top(q) == t;
    if (t->expire_ns != NOT_PENDING) {
        heap_remove(q, t);
    }
    heap_insert(q, t, MAX(expire_ns, 0));
    first |= heap_top(q) == t;
    if (first) {
        queue_arm(q);
    }
    mutex_unlock(&q->lock);
    if (first) {
        top_changed(q);
    }
}

void timer_del(Timer *t)
{
    TimerQueue *q = queue_of(t);
    bool was_top;

    mutex_lock(&q->lock);
    was_top = heap_top(q) == t;
    if (t->expire_ns != NOT_PENDING) {
        heap_remove(q, t);
    }
    if (was_top) {
        queue_arm(q);
    }
    mutex_unlock(&q->lock);
    if (was_top) {
        top_changed(q);
    }
}

bool timer_pending(const Timer *t)
{
    return __atomic_load_n(&t->expire_ns, __ATOMIC_RELAXED) != NOT_PENDING;
}

int64_t timer_next_virtual_ns(void)
{
    TimerQueue *q = &queues[CLOCK_TYPE_VIRTUAL];
    const Timer *top;
    int64_t next;

    timers_init();
    mutex_lock(&q->lock);
    top = heap_top(q);
    next = top ? top->expire_ns : -1;
    mutex_unlock(&q->lock);
    return next;
}
