/* SPDX-License-Identifier: MIT */
/* Locks, events, threads, bottom halves and RCU. */
#include <signal.h>
#include <unistd.h>

#include "util/log.h"
#include "util/main-loop.h"
#include "util/rcu.h"
#include "util/thread.h"
#include "util/timer.h"

enum { THREADS = 4, ROUNDS = 2000 };

static Mutex lock;
static Cond cond;
static unsigned counter;

static void *count(void *unused)
{
    for (int i = 0; i < ROUNDS; i++) {
        mutex_lock(&lock);
        counter++;
        mutex_unlock(&lock);
    }
    return NULL;
}

static void test_mutex(void)
{
    Thread *t[THREADS];

    counter = 0;
    for (int i = 0; i < THREADS; i++) {
        t[i] = thread_create("count", count, NULL);
    }
    for (int i = 0; i < THREADS; i++) {
        thread_join(t[i]);
    }
    g_assert_cmpuint(counter, ==, THREADS * ROUNDS);
}

static void *sees_held(void *unused)
{
    return GINT_TO_POINTER(mutex_held(&lock) || mutex_trylock(&lock));
}

static void test_owner(void)
{
    g_assert_false(mutex_held(&lock));
    mutex_lock(&lock);
    g_assert_true(mutex_held(&lock));
    /* Held, but not by that thread. */
    g_assert_null(thread_join(thread_create("owner", sees_held, NULL)));
    mutex_unlock(&lock);
    g_assert_true(mutex_trylock(&lock));
    mutex_unlock(&lock);
}

static void *wait_for_it(void *unused)
{
    mutex_lock(&lock);
    mutex_unlock(&lock);
    return NULL;
}
enum { WAIT_LINE = __LINE__ - 4 };

static void find_waiter(ThreadState *t, void *opaque)
{
    pthread_mutex_lock(&t->wait_lock);
    if (t->wants == &lock) {
        *(bool *)opaque = true;
        g_assert_cmpstr(t->name, ==, "waiter");
    }
    pthread_mutex_unlock(&t->wait_lock);
}

/* Hold the lock until another thread waits for it. */
static void contend(void)
{
    Thread *t = thread_create("waiter", wait_for_it, NULL);
    bool waits = false;

    while (!waits) {
        g_thread_yield();
        thread_state_foreach(find_waiter, &waits);
    }
    mutex_unlock(&lock);
    thread_join(t);
    waits = false;
    thread_state_foreach(find_waiter, &waits);
    g_assert_false(waits);
}

/* One line a wait, none for a lock that was free. */
static void test_log(void)
{
    g_autofree char *path = NULL, *text = NULL, *want = NULL;
    int fd = g_file_open_tmp(NULL, &path, NULL);

    g_assert_true(log_set_file(path, NULL));
    mutex_lock(&lock);
    contend(); /* not logged */
    log_set_mask(LOG_LOCK);
    mutex_lock(&lock);
    contend();
    log_set_mask(0);
    log_set_file(NULL, NULL);
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    want = g_strdup_printf("^lock: test at \\S*test_thread.c:%d: waiter waited "
                           "\\d+ ns\\n$", WAIT_LINE);
    g_test_message("%s", text);
    g_assert_true(g_regex_match_simple(want, text, 0, 0));
    close(fd);
    unlink(path);
}

static void *signal_once(void *unused)
{
    mutex_lock(&lock);
    counter = 1;
    cond_signal(&cond);
    mutex_unlock(&lock);
    return NULL;
}

static void test_cond(void)
{
    int64_t start = clock_get_ns(CLOCK_TYPE_REALTIME);
    Thread *t;

    counter = 0;
    mutex_lock(&lock);
    g_assert_false(cond_timedwait(&cond, &lock, NS_PER_MS));
    g_assert_true(mutex_held(&lock));
    g_assert_cmpint(clock_get_ns(CLOCK_TYPE_REALTIME) - start, >=, NS_PER_MS);
    t = thread_create("signal", signal_once, NULL);
    while (!counter) {
        cond_wait(&cond, &lock);
    }
    mutex_unlock(&lock);
    thread_join(t);
}

typedef struct PingPong {
    Event ping, pong;
    unsigned n;
} PingPong;

static void *pong(void *opaque)
{
    PingPong *p = opaque;

    for (int i = 0; i < ROUNDS; i++) {
        event_wait(&p->ping);
        event_reset(&p->ping);
        p->n++;
        event_set(&p->pong);
    }
    return NULL;
}

static void test_event(void)
{
    PingPong p = {.n = 0};
    Thread *t;

    event_init(&p.ping, false);
    event_init(&p.pong, true);
    event_wait(&p.pong); /* set from the start */
    event_reset(&p.pong);
    t = thread_create("pong", pong, &p);
    for (unsigned i = 0; i < ROUNDS; i++) {
        event_set(&p.ping);
        event_wait(&p.pong);
        event_reset(&p.pong);
        g_assert_cmpuint(__atomic_load_n(&p.n, __ATOMIC_RELAXED), ==, i + 1);
    }
    thread_join(t);
}

/* The process's signals are the first thread's. */
static void *blocked_signals(void *unused)
{
    sigset_t mask;

    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    return GINT_TO_POINTER(sigismember(&mask, SIGTERM) &&
                           sigismember(&mask, SIGALRM) &&
                           !sigismember(&mask, SIGSEGV));
}

static void test_signals(void)
{
    sigset_t mask;

    g_assert_nonnull(
        thread_join(thread_create("signals", blocked_signals, NULL)));
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    g_assert_false(sigismember(&mask, SIGTERM));
}

/* --- bottom halves --- */

static void bh_count(void *opaque)
{
    ++*(unsigned *)opaque;
}

static void run_pending(void)
{
    while (g_main_context_iteration(NULL, FALSE)) {
    }
}

static void test_bh(void)
{
    unsigned n = 0;
    BottomHalf *bh = bh_new(bh_count, &n);

    run_pending();
    g_assert_cmpuint(n, ==, 0);
    bh_schedule(bh);
    bh_schedule(bh);
    g_assert_cmpuint(n, ==, 0); /* not from inside the call */
    run_pending();
    g_assert_cmpuint(n, ==, 1);
    bh_schedule(bh);
    bh_cancel(bh);
    run_pending();
    g_assert_cmpuint(n, ==, 1);
    bh_schedule(bh);
    bh_cancel(bh);
    bh_schedule(bh);
    run_pending();
    g_assert_cmpuint(n, ==, 2);
    bh_schedule(bh);
    bh_delete(bh);
    run_pending();
    g_assert_cmpuint(n, ==, 2);
    bh_schedule_oneshot(bh_count, &n);
    run_pending();
    g_assert_cmpuint(n, ==, 3);
}

typedef struct Shared {
    BottomHalf *bh;
    unsigned sent; /* atomic */
    unsigned seen;
} Shared;

static void shared_seen(void *opaque)
{
    Shared *s = opaque;

    s->seen = __atomic_load_n(&s->sent, __ATOMIC_RELAXED);
    if (s->seen == ROUNDS) {
        main_loop_quit(3);
    }
}

static void *schedule_many(void *opaque)
{
    Shared *s = opaque;

    for (int i = 0; i < ROUNDS; i++) {
        __atomic_fetch_add(&s->sent, 1, __ATOMIC_RELAXED);
        bh_schedule(s->bh);
    }
    return NULL;
}

/* The last schedule must be seen, or the loop does not end. */
static void test_bh_from_thread(void)
{
    Shared s = {.sent = 0};
    Thread *t;

    s.bh = bh_new(shared_seen, &s);
    t = thread_create("schedule", schedule_many, &s);
    main_loop_run();
    thread_join(t);
    g_assert_cmpint(main_loop_status(), ==, 3);
    bh_delete(s.bh);
}

/* --- RCU --- */

typedef struct Node {
    struct rcu_head rcu;
    unsigned value; /* 0 after it was freed */
} Node;

static Node *published;
static bool readers_stop;
static unsigned freed;

static void node_reclaim(struct rcu_head *head)
{
    Node *node = container_of(head, Node, rcu);

    node->value = 0;
    g_free(node);
    freed++;
}

static void *rcu_reader(void *unused)
{
    while (!__atomic_load_n(&readers_stop, __ATOMIC_RELAXED)) {
        RCU_READ_GUARD();
        const Node *node = rcu_dereference(published);

        g_assert_cmpuint(node->value, ==, 42);
    }
    return NULL;
}

static Node *node_new(void)
{
    Node *node = g_new0(Node, 1);

    node->value = 42;
    return node;
}

static void test_rcu(void)
{
    Thread *t[THREADS];

    freed = 0;
    published = node_new();
    for (int i = 0; i < THREADS; i++) {
        t[i] = thread_create("reader", rcu_reader, NULL);
    }
    for (int i = 0; i < 200; i++) {
        Node *old = rcu_xchg_pointer(&published, node_new());

        rcu_call(&old->rcu, node_reclaim);
    }
    rcu_drain();
    g_assert_cmpuint(freed, ==, 200);
    __atomic_store_n(&readers_stop, true, __ATOMIC_RELAXED);
    for (int i = 0; i < THREADS; i++) {
        thread_join(t[i]);
    }
    g_free(published);
}

static void no_lock(void)
{
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    main_loop_init(no_lock, no_lock);
    mutex_init(&lock, "test");
    cond_init(&cond);
    g_test_add_func("/thread/mutex", test_mutex);
    g_test_add_func("/thread/owner", test_owner);
    g_test_add_func("/thread/log", test_log);
    g_test_add_func("/thread/cond", test_cond);
    g_test_add_func("/thread/event", test_event);
    g_test_add_func("/thread/signals", test_signals);
    g_test_add_func("/bh/basics", test_bh);
    g_test_add_func("/bh/from-thread", test_bh_from_thread);
    g_test_add_func("/rcu/reclaim", test_rcu);
    return g_test_run();
}
