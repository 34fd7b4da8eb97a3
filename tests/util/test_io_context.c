/* SPDX-License-Identifier: MIT */
/* Contexts beside the main loop, and what runs there: from several threads. */
#include "util/io-context.h"

#include <sched.h>
#include <string.h>

#include "util/event-notifier.h"
#include "util/rcu.h"
#include "util/thread.h"

enum { THREADS = 4, ROUNDS = 2000 };

static IoContext *ctx;

static void nothing(void *unused)
{
}

/* What was scheduled there before has run. */
static void settle(void)
{
    io_context_run(ctx, nothing, NULL);
}

static void note_thread(void *opaque)
{
    g_assert_true(io_context_is_current(ctx));
    g_assert_true(rcu_read_ongoing());
    *(int *)opaque = thread_id();
    io_context_run(ctx, nothing, NULL); /* of itself: at once */
}

static void test_thread(void)
{
    int id = 0;

    g_assert_false(io_context_is_current(ctx));
    io_context_run(ctx, note_thread, &id);
    g_assert_cmpint(id, ==, io_context_thread_id(ctx));
    g_assert_cmpint(id, !=, thread_id());
}

static void test_names(void)
{
    IoContext *other = io_context_new("other");

    g_assert_true(io_context_find("other") == other);
    g_assert_true(io_context_find("test") == ctx);
    g_assert_null(io_context_find("none"));
    g_assert_true(io_context_at(0) == ctx && io_context_at(1) == other);
    g_assert_null(io_context_at(2));
    g_assert_cmpstr(io_context_id(other), ==, "other");
    io_context_get(other);
    g_assert_cmpuint(io_context_users(other), ==, 1);
    io_context_put(other);
    io_context_remove(other);
    g_assert_null(io_context_find("other"));
    io_context_free(other);
}

static void look(ThreadState *t, void *opaque)
{
    if (strcmp(t->name, "IO test") == 0) {
        *(bool *)opaque = __atomic_load_n(&t->watched, __ATOMIC_RELAXED);
    }
}

static void test_watched(void)
{
    bool watched = false;

    settle();
    thread_state_foreach(look, &watched);
    g_assert_true(watched);
}

/* --- many who ask, one who does --- */

static unsigned asked; /* atomic */
static unsigned seen;  /* of `asked`, by the callback; its thread's */
static BottomHalf *bh;
static EventNotifier *notifier;

static void see(void *unused)
{
    g_assert_true(io_context_is_current(ctx));
    seen = __atomic_load_n(&asked, __ATOMIC_RELAXED);
}

static void *ask(void *unused)
{
    for (int i = 0; i < ROUNDS; i++) {
        /* Relaxed: the bell itself is what orders it. */
        __atomic_fetch_add(&asked, 1, __ATOMIC_RELAXED);
        if (bh) {
            bh_schedule(bh);
        } else {
            event_notifier_set(notifier);
        }
        if (i % 16 == 0) {
            sched_yield();
        }
    }
    return NULL;
}

static void ask_from_threads(void)
{
    Thread *t[THREADS];

    asked = 0;
    for (int i = 0; i < THREADS; i++) {
        t[i] = thread_create("ask", ask, NULL);
    }
    for (int i = 0; i < THREADS; i++) {
        thread_join(t[i]);
    }
}

static void read_seen(void *opaque)
{
    *(unsigned *)opaque = seen;
}

/* The last ring is heard, with what was written before it. */
static void wait_all_seen(void)
{
    gint64 end = g_get_monotonic_time() + 30 * G_USEC_PER_SEC;
    unsigned n;

    do {
        g_assert_cmpint(g_get_monotonic_time(), <, end);
        io_context_run(ctx, read_seen, &n);
    } while (n != THREADS * ROUNDS);
}

static void test_bh(void)
{
    bh = io_context_bh_new(ctx, see, NULL);
    for (int i = 0; i < 5; i++) {
        ask_from_threads();
        wait_all_seen();
    }
    bh_schedule(bh);
    bh_delete(bh);
    bh = NULL;
    settle();
}

static void test_notifier(void)
{
    notifier = event_notifier_new(NULL);
    event_notifier_watch(notifier, ctx, see, NULL);
    for (int i = 0; i < 5; i++) {
        ask_from_threads();
        wait_all_seen();
    }
    event_notifier_unwatch(notifier);
    event_notifier_free(notifier);
}

/* A ring is kept for who comes to watch, on whatever context; two are one. */
static void test_notifier_kept(void)
{
    EventNotifier *n = event_notifier_new(NULL);
    unsigned value = 0;

    g_assert_false(event_notifier_test_and_clear(n));
    event_notifier_set(n);
    event_notifier_set(n);
    g_assert_true(event_notifier_test_and_clear(n));
    g_assert_false(event_notifier_test_and_clear(n));
    event_notifier_set(n);
    event_notifier_watch(n, NULL, read_seen, &value);
    seen = 77;
    while (!value) {
        g_main_context_iteration(NULL, TRUE);
    }
    g_assert_cmpuint(value, ==, 77);
    event_notifier_unwatch(n);
    event_notifier_free(n);
}

/* --- taking away under it --- */

typedef struct Victim {
    EventNotifier *n;
    bool gone; /* atomic: its grace period is over */
    struct rcu_head rcu;
} Victim;

static void use_victim(void *opaque)
{
    Victim *v = opaque;

    for (int i = 0; i < 20; i++) {
        g_assert_false(__atomic_load_n(&v->gone, __ATOMIC_SEQ_CST));
        sched_yield();
    }
}

static void victim_end(struct rcu_head *head)
{
    Victim *v = container_of(head, Victim, rcu);

    __atomic_store_n(&v->gone, true, __ATOMIC_SEQ_CST);
    g_free(v);
}

/* What rcu_call() frees is there as long as a callback uses it. */
static void test_take_away(void)
{
    for (int i = 0; i < 300; i++) {
        Victim *v = g_new0(Victim, 1);

        v->n = event_notifier_new(NULL);
        event_notifier_watch(v->n, ctx, use_victim, v);
        event_notifier_set(v->n);
        if (i % 2) {
            sched_yield();
        }
        event_notifier_unwatch(v->n);
        event_notifier_free(v->n);
        rcu_call(&v->rcu, victim_end);
    }
    rcu_drain();
}

/* --- timers --- */

static struct {
    Timer timer[3];
    unsigned order[3], n; /* its thread's until the test has settled */
    int64_t fired_ns;
} timers;

static void fire(void *opaque)
{
    g_assert_true(io_context_is_current(ctx));
    g_assert_false(timer_pending(&timers.timer[GPOINTER_TO_UINT(opaque)]));
    timers.order[timers.n] = GPOINTER_TO_UINT(opaque);
    timers.fired_ns = clock_get_ns(CLOCK_TYPE_REALTIME);
    __atomic_store_n(&timers.n, timers.n + 1, __ATOMIC_RELEASE);
}

static void wait_fired(unsigned n)
{
    gint64 end = g_get_monotonic_time() + 30 * G_USEC_PER_SEC;

    while (__atomic_load_n(&timers.n, __ATOMIC_ACQUIRE) < n) {
        g_assert_cmpint(g_get_monotonic_time(), <, end);
        sched_yield();
    }
}

static void test_timers(void)
{
    int64_t start = clock_get_ns(CLOCK_TYPE_REALTIME);

    for (unsigned i = 0; i < 3; i++) {
        io_context_timer_init(ctx, &timers.timer[i], fire, GUINT_TO_POINTER(i));
    }
    timer_mod_ns(&timers.timer[0], start + 20 * NS_PER_MS);
    timer_mod_ns(&timers.timer[1], start + 10 * NS_PER_MS);
    timer_mod_ns(&timers.timer[2], start + 3600 * NS_PER_SEC);
    timer_del(&timers.timer[2]);
    wait_fired(2);
    g_assert_cmpint(timers.fired_ns, >=, start + 20 * NS_PER_MS);
    g_assert_cmpuint(timers.order[0], ==, 1);
    g_assert_cmpuint(timers.order[1], ==, 0);
    timer_mod_ns(&timers.timer[2], 0); /* in the past: at once */
    wait_fired(3);
    g_assert_cmpuint(timers.order[2], ==, 2);
    settle();
}

/* One armed by many, always anew. */
static void *arm(void *opaque)
{
    for (int i = 0; i < ROUNDS; i++) {
        timer_mod_ns(opaque, clock_get_ns(CLOCK_TYPE_REALTIME) + i % 3 * 1000);
        __atomic_fetch_add(&asked, 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

static void test_timer_race(void)
{
    Thread *t[THREADS];
    Timer timer;

    io_context_timer_init(ctx, &timer, see, NULL);
    asked = 0;
    for (int i = 0; i < THREADS; i++) {
        t[i] = thread_create("arm", arm, &timer);
    }
    for (int i = 0; i < THREADS; i++) {
        thread_join(t[i]);
    }
    timer_mod_ns(&timer, 0);
    wait_all_seen();
    timer_del(&timer);
    settle();
}

static void lock(void)
{
}

int main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    main_loop_init(lock, lock);
    ctx = io_context_new("test");
    g_test_add_func("/io-context/thread", test_thread);
    g_test_add_func("/io-context/names", test_names);
    g_test_add_func("/io-context/watched", test_watched);
    g_test_add_func("/io-context/bh", test_bh);
    g_test_add_func("/io-context/notifier", test_notifier);
    g_test_add_func("/io-context/notifier-kept", test_notifier_kept);
    g_test_add_func("/io-context/take-away", test_take_away);
    g_test_add_func("/io-context/timers", test_timers);
    g_test_add_func("/io-context/timer-race", test_timer_race);
    status = g_test_run();
    io_context_remove(ctx);
    io_context_free(ctx);
    return status;
}
