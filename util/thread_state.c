/* SPDX-License-Identifier: MIT */
/*
 * The list of threads and their waits.  A ThreadState is in its thread's own
 * memory; list_lock keeps a thread from ending while others look at it.
 * Locks: list_lock, then wait_lock; both leaves, and of no use to report.
 */
#include "util/thread-state.h"

#include <time.h>

#include "util/log.h"
#include "util/thread.h"

__thread ThreadState thread_self = { .wait_lock = PTHREAD_MUTEX_INITIALIZER };

static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER;
static ThreadState *list;

void thread_state_enter(const char *name)
{
    g_strlcpy(thread_self.name, name, sizeof(thread_self.name));
    pthread_mutex_lock(&list_lock);
    thread_self.next = list;
    list = &thread_self;
    pthread_mutex_unlock(&list_lock);
}

void thread_state_leave(void)
{
    ThreadState **link = &list;

    pthread_mutex_lock(&list_lock);
    while (*link && *link != &thread_self) {
        link = &(*link)->next;
    }
    if (*link) {
        *link = thread_self.next;
    }
    pthread_mutex_unlock(&list_lock);
}

void thread_state_foreach(void (*fn)(ThreadState *t, void *opaque),
                          void *opaque)
{
    pthread_mutex_lock(&list_lock);
    for (ThreadState *t = list; t; t = t->next) {
        fn(t, opaque);
    }
    pthread_mutex_unlock(&list_lock);
}

const char *thread_state_name(const ThreadState *t)
{
    for (const ThreadState *known = list; known; known = known->next) {
        if (known == t) {
            return t->name;
        }
    }
    return t ? "another thread" : "nobody now";
}

/* Not util/timer.h's clock, whose queues have locks. */
static int64_t now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

void thread_wait_begin(Mutex *wants, const char *where)
{
    ThreadState *self = &thread_self;

    if (self->wait_depth++) {
        return;
    }
    pthread_mutex_lock(&self->wait_lock);
    self->wants = wants;
    self->wait_where = where;
    self->wait_since_ns = now_ns();
    pthread_mutex_unlock(&self->wait_lock);
}

int64_t thread_wait_end(void)
{
    ThreadState *self = &thread_self;
    int64_t waited_ns = now_ns() - self->wait_since_ns;
    const char *where = self->wait_where;
    Mutex *wants = self->wants;

    if (--self->wait_depth) {
        return waited_ns;
    }
    pthread_mutex_lock(&self->wait_lock);
    self->wants = NULL;
    self->wait_where = NULL;
    pthread_mutex_unlock(&self->wait_lock);
    if (wants) {
        log_printf(LOG_LOCK, "lock: %s at %s: %s waited %" PRId64 " ns\n",
                   wants->name, where, self->name, waited_ns);
    }
    return waited_ns;
}
