/* SPDX-License-Identifier: MIT */
/* Timers and clocks.  The VIRTUAL clock stands, and the tests move it, so the
 * order and times of callbacks are exact; those that need the host's time only
 * state what must not come too early. */
#include "util/main-loop.h"
#include "util/thread.h"
#include "util/timer.h"

#define MAX_FIRED 64

static struct {
    int id[MAX_FIRED];
    int64_t at[MAX_FIRED];
    unsigned n;
} fired;

typedef struct TestTimer {
    Timer timer;
    int id;
    int64_t rearm_ns;      /* after each firing, if not 0 */
    unsigned rearms;
    struct TestTimer *victim; /* deleted by the callback */
} TestTimer;

static void fire(void *opaque)
{
    TestTimer *t = opaque;

    g_assert_false(timer_pending(&t->timer));
    g_assert_cmpuint(fired.n, <, MAX_FIRED);
    fired.id[fired.n] = t->id;
    fired.at[fired.n++] = clock_get_ns(t->timer.type);
    if (t->rearms) {
        t->rearms--;
        timer_mod_ns(&t->timer, clock_get_ns(t->timer.type) + t->rearm_ns);
    }
    if (t->victim) {
        timer_del(&t->victim->timer);
    }
}

static void init(TestTimer *t, ClockType type, int id)
{
    *t = (TestTimer){.id = id};
    timer_init(&t->timer, type, fire, t);
    fired.n = 0;
}

static void test_order(void)
{
    enum { N = 40 };
    TestTimer t[N];
    int64_t start = clock_get_ns(CLOCK_TYPE_VIRTUAL);

    for (int i = 0; i < N; i++) {
        init(&t[i], CLOCK_TYPE_VIRTUAL, i);
        /* 7 and N have no common factor: every multiple of 10 once. */
        timer_mod_ns(&t[i].timer, start + 10 * (1 + i * 7 % N));
    }
    g_assert_cmpint(timer_next_virtual_ns(), ==, start + 10);
    clock_virtual_advance(10 * N - 1);
    g_assert_cmpuint(fired.n, ==, N - 1);
    clock_virtual_advance(1);
    g_assert_cmpuint(fired.n, ==, N);
    for (int i = 0; i < N; i++) {
        g_assert_cmpint(fired.at[i], ==, start + 10 * (i + 1));
        g_assert_cmpint(fired.id[i] * 7 % N, ==, i);
    }
    g_assert_cmpint(timer_next_virtual_ns(), ==, -1);
}

static void test_late(void)
{
    int64_t start;
    TestTimer a, b;

    clock_virtual_advance(1000);
    start = clock_get_ns(CLOCK_TYPE_VIRTUAL);
    init(&a, CLOCK_TYPE_VIRTUAL, 1);
    init(&b, CLOCK_TYPE_VIRTUAL, 2);
    timer_mod_ns(&a.timer, start - 100); /* in the past: at once */
    timer_mod_ns(&b.timer, INT64_MIN);
    clock_virtual_advance(0);
    g_assert_cmpuint(fired.n, ==, 2);
    g_assert_cmpint(fired.at[0], ==, start); /* time does not run backwards */
    g_assert_cmpint(fired.id[0], ==, 2);
}

static void test_rearm(void)
{
    int64_t start = clock_get_ns(CLOCK_TYPE_VIRTUAL);
    TestTimer a;

    init(&a, CLOCK_TYPE_VIRTUAL, 1);
    a.rearm_ns = 100;
    a.rearms = 4;
    timer_mod_ns(&a.timer, start + 100);
    clock_virtual_advance(1000);
    g_assert_cmpuint(fired.n, ==, 5);
    g_assert_cmpint(fired.at[4], ==, start + 500);
    g_assert_cmpint(clock_get_ns(CLOCK_TYPE_VIRTUAL), ==, start + 1000);
}

static void test_mod_replaces(void)
{
    int64_t start = clock_get_ns(CLOCK_TYPE_VIRTUAL);
    TestTimer a, b;

    init(&a, CLOCK_TYPE_VIRTUAL, 1);
    init(&b, CLOCK_TYPE_VIRTUAL, 2);
    timer_mod_ns(&a.timer, start + 10);
    timer_mod_ns(&b.timer, start + 20);
    timer_mod_ns(&a.timer, start + 30);
    clock_virtual_advance(100);
    g_assert_cmpuint(fired.n, ==, 2);
    g_assert_cmpint(fired.id[0], ==, 2);
    g_assert_cmpint(fired.at[1], ==, start + 30);
}

static void test_del_in_callback(void)
{
    int64_t start = clock_get_ns(CLOCK_TYPE_VIRTUAL);
    TestTimer a, b;

    init(&a, CLOCK_TYPE_VIRTUAL, 1);
    init(&b, CLOCK_TYPE_VIRTUAL, 2);
    a.victim = &b;
    timer_mod_ns(&a.timer, start + 10);
    timer_mod_ns(&b.timer, start + 10);
    timer_mod_ns(&a.timer, start + 9);
    clock_virtual_advance(100);
    g_assert_cmpuint(fired.n, ==, 1);
    g_assert_false(timer_pending(&b.timer));
    timer_del(&b.timer); /* twice does no harm */
}

/* Many timers in and out of the heap in a scrambled order. */
static void test_heap(void)
{
    enum { N = 60 };
    int64_t start = clock_get_ns(CLOCK_TYPE_VIRTUAL);
    TestTimer t[N];

    for (int i = 0; i < N; i++) {
        init(&t[i], CLOCK_TYPE_VIRTUAL, i);
        timer_mod_ns(&t[i].timer, start + 1 + g_test_rand_int_range(0, 1000));
    }
    for (int i = 0; i < N; i += 3) {
        timer_del(&t[i].timer);
        timer_mod_ns(&t[(i + 1) % N].timer,
                     start + 1 + g_test_rand_int_range(0, 1000));
    }
    clock_virtual_advance(2000);
    g_assert_cmpuint(fired.n, ==, N - N / 3);
    for (unsigned i = 1; i < fired.n; i++) {
        g_assert_cmpint(fired.at[i - 1], <=, fired.at[i]);
    }
}

static void set_flag(void *flag)
{
    *(bool *)flag = true;
}

/* Run the main loop until the host's time has moved by @ns. */
static void run_for(int64_t ns)
{
    int64_t end = clock_get_ns(CLOCK_TYPE_REALTIME) + ns;
    bool over = false;
    Timer wake;

    timer_init(&wake, CLOCK_TYPE_REALTIME, set_flag, &over);
    timer_mod_ns(&wake, end);
    while (!over) {
        g_main_context_iteration(NULL, TRUE);
    }
}

static void test_host_time(void)
{
    TestTimer a;
    int64_t deadline;

    init(&a, CLOCK_TYPE_REALTIME, 1);
    deadline = clock_get_ns(CLOCK_TYPE_REALTIME) + NS_PER_MS / 3;
    timer_mod_ns(&a.timer, deadline);
    run_for(2 * NS_PER_MS);
    g_assert_cmpuint(fired.n, ==, 1);
    g_assert_cmpint(fired.at[0], >=, deadline);
}

static void test_wall_clock(void)
{
    TestTimer a;
    int64_t deadline;

    init(&a, CLOCK_TYPE_HOST, 1);
    deadline = clock_get_ns(CLOCK_TYPE_HOST) + NS_PER_MS / 3;
    timer_mod_ns(&a.timer, deadline);
    run_for(2 * NS_PER_MS);
    g_assert_cmpuint(fired.n, ==, 1);
    g_assert_cmpint(fired.at[0], >=, deadline);
}

static void test_virtual_stop(void)
{
    int64_t start = clock_get_ns(CLOCK_TYPE_VIRTUAL);
    int64_t stopped;
    TestTimer a;

    init(&a, CLOCK_TYPE_VIRTUAL, 1);
    timer_mod_ns(&a.timer, start + NS_PER_MS);
    run_for(2 * NS_PER_MS);
    g_assert_cmpuint(fired.n, ==, 0);
    g_assert_cmpint(clock_get_ns(CLOCK_TYPE_VIRTUAL), ==, start);

    clock_virtual_start();
    clock_virtual_start();
    run_for(3 * NS_PER_MS);
    g_assert_cmpuint(fired.n, ==, 1);
    g_assert_cmpint(fired.at[0], >=, start + NS_PER_MS);
    clock_virtual_stop();
    clock_virtual_stop();
    stopped = clock_get_ns(CLOCK_TYPE_VIRTUAL);
    g_assert_cmpint(stopped, >=, start + 3 * NS_PER_MS);
    g_assert_cmpint(clock_get_ns(CLOCK_TYPE_VIRTUAL), ==, stopped);
}

/* A timer that is always late must not keep other sources from running. */
static void test_no_livelock(void)
{
    TestTimer a;

    init(&a, CLOCK_TYPE_REALTIME, 1);
    a.rearm_ns = -NS_PER_SEC;
    a.rearms = MAX_FIRED - 1;
    timer_mod_ns(&a.timer, 0);
    g_main_context_iteration(NULL, TRUE);
    g_assert_cmpuint(fired.n, ==, 1);
    timer_del(&a.timer);
}

static void *mod_from_thread(void *opaque)
{
    Timer *t = opaque;

    for (int i = 0; i < 1000; i++) {
        timer_mod_ns(t, clock_get_ns(CLOCK_TYPE_REALTIME) + 100 * NS_PER_SEC);
        timer_del(t);
    }
    return NULL;
}

static void test_threads(void)
{
    enum { N = 4 };
    Thread *thread[N];
    TestTimer t[N];

    for (int i = 0; i < N; i++) {
        init(&t[i], CLOCK_TYPE_REALTIME, i);
        thread[i] = thread_create("timer", mod_from_thread, &t[i].timer);
    }
    for (int i = 0; i < N; i++) {
        thread_join(thread[i]);
        g_assert_false(timer_pending(&t[i].timer));
    }
    g_assert_cmpuint(fired.n, ==, 0);
}

static void test_muldiv(void)
{
    g_assert_cmpuint(muldiv64(10, 3, 4), ==, 7);
    /* A PIT at 1193182 Hz for 100 years' worth of ns: above 64 bits between. */
    g_assert_cmpuint(muldiv64(3155760000000000000, 1193182, 1000000000), ==,
                     3765396028320000);
}

static unsigned changes;

static int64_t no_time(void)
{
    return 0;
}

static void count_change(void)
{
    changes++;
}

/* The last test: there is no way back. */
static void test_first_changes(void)
{
    static const VirtualCount count = { no_time, count_change };
    int64_t now = clock_get_ns(CLOCK_TYPE_VIRTUAL);
    Timer a, b;

    clock_virtual_count(&count);
    timer_init(&a, CLOCK_TYPE_VIRTUAL, fire, NULL);
    timer_init(&b, CLOCK_TYPE_VIRTUAL, fire, NULL);
    timer_mod_ns(&a, now + 100);
    g_assert_cmpuint(changes, ==, 1);
    timer_mod_ns(&b, now + 200); /* not the first */
    timer_mod_ns(&b, now + 300);
    g_assert_cmpuint(changes, ==, 1);
    timer_mod_ns(&a, now + 400); /* it was */
    g_assert_cmpuint(changes, ==, 2);
    timer_del(&a);
    g_assert_cmpuint(changes, ==, 2);
    timer_del(&b);
    g_assert_cmpuint(changes, ==, 3);
    timer_del(&b);
    g_assert_cmpuint(changes, ==, 3);
}

static void no_lock(void)
{
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    main_loop_init(no_lock, no_lock);
    g_test_add_func("/timer/order", test_order);
    g_test_add_func("/timer/late", test_late);
    g_test_add_func("/timer/rearm", test_rearm);
    g_test_add_func("/timer/mod-replaces", test_mod_replaces);
    g_test_add_func("/timer/del-in-callback", test_del_in_callback);
    g_test_add_func("/timer/heap", test_heap);
    g_test_add_func("/timer/host-time", test_host_time);
    g_test_add_func("/timer/wall-clock", test_wall_clock);
    g_test_add_func("/timer/virtual-stop", test_virtual_stop);
    g_test_add_func("/timer/no-livelock", test_no_livelock);
    g_test_add_func("/timer/threads", test_threads);
    g_test_add_func("/timer/muldiv", test_muldiv);
    g_test_add_func("/timer/first-changes", test_first_changes);
    return g_test_run();
}
