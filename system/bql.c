/* SPDX-License-Identifier: MIT */
/*
 * The Big Lock.  A plain mutex lets the thread that has just released it take
 * it again before a sleeper wakes, so that a vCPU that spins on MMIO would
 * starve the iothread.  Here a thread that finds the lock taken joins a queue;
 * only the queue's head asks for the mutex, and while there is a queue,
 * newcomers join it too.
 */
#include "exec/bql.h"

#include <string.h>

#define BQL_SITES 256 /* power of two, several times the calls in the source */

static Mutex bql = {.lock = PTHREAD_MUTEX_INITIALIZER, .name = "BQL"};

/* One thread that waits, on its own stack. */
typedef struct Waiter {
    struct Waiter *next;
    Event turn; /* it has become the head */
} Waiter;

static struct {
    pthread_mutex_t lock; /* a leaf, for moments */
    Waiter *head;         /* written under `lock`, tested without: atomic */
    Waiter *tail;
} queue = {.lock = PTHREAD_MUTEX_INITIALIZER};

static BqlSite sites[BQL_SITES]; /* hash by `where`; under the BQL */

void bql_init(void)
{
    memset(sites, 0, sizeof(sites));
}

bool bql_locked(void)
{
    return mutex_held(&bql);
}

/* The counters of one caller; NULL when the table is full.  A line's G_STRLOC
 * is one pointer, so that comparing pointers is enough. */
static BqlSite *bql_site(const char *where)
{
    uintptr_t hash = (uintptr_t)where / 8;

    bql_assert_held();
    for (unsigned probe = 0; probe < BQL_SITES; probe++) {
        BqlSite *site = &sites[(hash + probe) % BQL_SITES];

        if (!site->where) {
            site->where = where;
        }
        if (site->where == where) {
            return site;
        }
    }
    return NULL;
}

static bool queue_is_empty(void)
{
    return !__atomic_load_n(&queue.head, __ATOMIC_RELAXED);
}

/* Returns when @self is the head. */
static void queue_join(Waiter *self)
{
    bool alone;

    self->next = NULL;
    event_init(&self->turn, false);
    pthread_mutex_lock(&queue.lock);
    alone = !queue.head;
    if (alone) {
        __atomic_store_n(&queue.head, self, __ATOMIC_RELAXED);
    } else {
        queue.tail->next = self;
    }
    queue.tail = self;
    pthread_mutex_unlock(&queue.lock);
    if (!alone) {
        event_wait(&self->turn);
    }
}

/* The head goes, and the next becomes it. */
static void queue_leave(Waiter *self)
{
    Waiter *next;

    pthread_mutex_lock(&queue.lock);
    next = self->next;
    __atomic_store_n(&queue.head, next, __ATOMIC_RELAXED);
    pthread_mutex_unlock(&queue.lock);
    if (next) {
        event_set(&next->turn);
    }
}

/* Queue for the lock; returns the time that took. */
static int64_t bql_lock_contended(const char *where)
{
    Waiter self;

    thread_wait_begin(&bql, where);
    queue_join(&self);
    mutex_lock_at(&bql, where);
    queue_leave(&self);
    return thread_wait_end();
}

void bql_lock_at(const char *where)
{
    int64_t wait_ns = 0;
    bool waited = !queue_is_empty() || !mutex_trylock_at(&bql, where);
    BqlSite *site;

    if (waited) {
        wait_ns = bql_lock_contended(where);
    }
    site = bql_site(where);
    if (site) {
        site->taken++;
        site->waited += waited;
        site->wait_ns += wait_ns;
    }
}

void bql_unlock(void)
{
    mutex_unlock(&bql);
}

void bql_cond_wait_at(Cond *c, const char *where)
{
    cond_wait_at(c, &bql, where);
}

const BqlSite *bql_site_at(unsigned index)
{
    bql_assert_held();
    for (unsigned i = 0; i < BQL_SITES; i++) {
        if (sites[i].where && index-- == 0) {
            return &sites[i];
        }
    }
    return NULL;
}
