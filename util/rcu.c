/* SPDX-License-Identifier: MIT */
/*
 * Grace periods.  A vCPU stays a reader for as long as it runs translated code,
 * so a wait has to push it out.  One push is not enough: a vCPU may leave and
 * enter again before the library's wait has begun, and would then be waited
 * for a second time.  The main loop therefore pushes at once and then every
 * RCU_KICK_NS for as long as anybody waits.
 *
 * Callbacks have a thread of their own (not the library's), so that all waits
 * pass through rcu_synchronize().
 */
#include "util/rcu.h"

#include "util/main-loop.h"
#include "util/thread.h"
#include "util/timer.h"

#define RCU_KICK_NS (1 * NS_PER_MS)

static struct {
    void (*kick)(void);  /* set once, at start */
    unsigned waiters;    /* threads in synchronize_rcu(); atomic */
    BottomHalf *kick_bh; /* main loop; made with `kick` */
    Timer rekick;
    struct cds_wfcq_node *stack; /* callbacks, newest first; atomic */
    Event work;                  /* the callback thread has something to do */
    RcuStats stats;              /* atomic, each for itself */
    Mutex fell_lock;             /* for `fell` */
    Cond fell;                   /* stats.pending has */
} rcu;

/* This thread's callbacks were too many. */
static __thread bool rcu_owes_wait;

#ifdef RCU_TSAN
char rcu_tsan_grace;
#endif

/* The process's first thread is a reader from the start. */
__attribute__((constructor)) static void rcu_register_first_thread(void)
{
    rcu_register_thread();
}

static void rcu_kick_readers(void *unused)
{
    if (__atomic_load_n(&rcu.waiters, __ATOMIC_SEQ_CST)) {
        rcu.kick();
        timer_mod_ns(&rcu.rekick,
                     clock_get_ns(CLOCK_TYPE_REALTIME) + RCU_KICK_NS);
    }
}

void rcu_set_kick(void (*kick)(void))
{
    rcu.kick = kick;
    if (!rcu.kick_bh) {
        timer_init(&rcu.rekick, CLOCK_TYPE_REALTIME, rcu_kick_readers, NULL);
        rcu.kick_bh = bh_new(rcu_kick_readers, NULL);
    }
}

void rcu_synchronize(void)
{
    g_assert(!rcu_read_ongoing());
    __atomic_fetch_add(&rcu.waiters, 1, __ATOMIC_SEQ_CST);
    if (rcu.kick) {
        bh_schedule(rcu.kick_bh);
    }
    synchronize_rcu();
#ifdef RCU_TSAN
    __tsan_acquire(&rcu_tsan_grace);
#endif
    __atomic_fetch_sub(&rcu.waiters, 1, __ATOMIC_SEQ_CST);
}

/* Take all callbacks that are queued, oldest first. */
static struct cds_wfcq_node *rcu_take_callbacks(void)
{
    struct cds_wfcq_node *node, *next, *oldest = NULL;

    node = __atomic_exchange_n(&rcu.stack, NULL, __ATOMIC_ACQUIRE);
    for (; node; node = next) {
        next = node->next;
        node->next = oldest;
        oldest = node;
    }
    return oldest;
}

static void *rcu_thread(void *unused)
{
    for (;;) {
        struct cds_wfcq_node *node, *next;

        event_wait(&rcu.work);
        event_reset(&rcu.work); /* before the look: nothing gets lost */
        node = rcu_take_callbacks();
        if (!node) {
            continue;
        }
        rcu_synchronize();
        for (; node; node = next) {
            struct rcu_head *head = container_of(node, struct rcu_head, next);

            next = node->next; /* the callback frees it */
            __atomic_fetch_sub(&rcu.stats.pending, 1, __ATOMIC_SEQ_CST);
            head->func(head);
        }
        mutex_lock(&rcu.fell_lock);
        cond_broadcast(&rcu.fell);
        mutex_unlock(&rcu.fell_lock);
    }
    return NULL;
}

static void rcu_start_thread(void)
{
    event_init(&rcu.work, false);
    mutex_init(&rcu.fell_lock, "RCU callbacks");
    cond_init(&rcu.fell);
    thread_create("rcu", rcu_thread, NULL);
}

static unsigned pending(void)
{
    return __atomic_load_n(&rcu.stats.pending, __ATOMIC_SEQ_CST);
}

/* One more callback waits. */
static void count_callback(void)
{
    unsigned n = __atomic_add_fetch(&rcu.stats.pending, 1, __ATOMIC_SEQ_CST);
    unsigned most = __atomic_load_n(&rcu.stats.most, __ATOMIC_RELAXED);

    while (n > most &&
           !__atomic_compare_exchange_n(&rcu.stats.most, &most, n, true,
                                        __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
    }
    if (n > RCU_PENDING_MAX && rcu.kick) {
        rcu_owes_wait = true;
        rcu.kick(); /* this vCPU, too: out to rcu_throttle() */
    }
}

/* The main loop may be waiting for this very thread: so it kicks by itself. */
void rcu_throttle(void)
{
    if (likely(!rcu_owes_wait)) {
        return;
    }
    rcu_owes_wait = false;
    g_assert(!rcu_read_ongoing());
    __atomic_fetch_add(&rcu.stats.throttled, 1, __ATOMIC_RELAXED);
    thread_wait_begin(NULL, G_STRLOC);
    mutex_lock(&rcu.fell_lock);
    while (pending() > RCU_PENDING_MAX) {
        rcu.kick();
        cond_timedwait(&rcu.fell, &rcu.fell_lock, RCU_KICK_NS);
    }
    mutex_unlock(&rcu.fell_lock);
    thread_wait_end();
}

RcuStats rcu_stats(void)
{
    return (RcuStats){
        .pending = pending(),
        .most = __atomic_load_n(&rcu.stats.most, __ATOMIC_RELAXED),
        .throttled = __atomic_load_n(&rcu.stats.throttled, __ATOMIC_RELAXED),
    };
}

void rcu_call(struct rcu_head *head, void (*fn)(struct rcu_head *head))
{
    static pthread_once_t started = PTHREAD_ONCE_INIT;

    pthread_once(&started, rcu_start_thread);
    count_callback();
    head->func = fn;
    head->next.next = __atomic_load_n(&rcu.stack, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(&rcu.stack, &head->next.next,
                                        &head->next, true, __ATOMIC_RELEASE,
                                        __ATOMIC_RELAXED)) {
    }
    event_set(&rcu.work);
}

typedef struct RcuBarrier {
    struct rcu_head rcu;
    Event done;
} RcuBarrier;

static void rcu_barrier_reached(struct rcu_head *head)
{
    event_set(&container_of(head, RcuBarrier, rcu)->done);
}

void rcu_drain(void)
{
    RcuBarrier *barrier = g_new0(RcuBarrier, 1);

    event_init(&barrier->done, false);
    rcu_call(&barrier->rcu, rcu_barrier_reached);
    event_wait(&barrier->done);
    /* event_set() may still look at the futex word's address, never at what it
     * holds: freeing is safe. */
    g_free(barrier);
}
