/* SPDX-License-Identifier: MIT */
/*
 * Threads and locks: pthreads, with ownership that can be asserted, and waits
 * that can be seen (util/thread-state.h).  Every thread made here is registered
 * with RCU.
 */
#ifndef HEDDLE_UTIL_THREAD_H
#define HEDDLE_UTIL_THREAD_H

#include <pthread.h>

#include "util/common.h"
#include "util/thread-state.h"

typedef struct Mutex {
    pthread_mutex_t lock;
    const ThreadState *owner; /* who holds it, or NULL; atomic */
    const char *where;        /* and since which place (G_STRLOC); atomic */
    const char *name;         /* for reports */
} Mutex;

typedef struct Cond {
    pthread_cond_t cond; /* waits on CLOCK_MONOTONIC */
} Cond;

void mutex_init(Mutex *m, const char *name);
void mutex_destroy(Mutex *m);
/* Not recursive: asserts against it. */
#define mutex_lock(m) mutex_lock_at(m, G_STRLOC)
void mutex_lock_at(Mutex *m, const char *where);
#define mutex_trylock(m) mutex_trylock_at(m, G_STRLOC)
bool mutex_trylock_at(Mutex *m, const char *where);
void mutex_unlock(Mutex *m);
bool mutex_held(const Mutex *m); /* by the calling thread */
#define mutex_assert_held(m) g_assert(mutex_held(m))
/* What one thread has at a time without a lock of the host's can be shown as a
 * mutex of which only the name, owner and place count. */
void mutex_note_owner(Mutex *m, const char *where);
void mutex_note_free(Mutex *m);

void cond_init(Cond *c);
void cond_destroy(Cond *c);
#define cond_wait(c, m) cond_wait_at(c, m, G_STRLOC)
void cond_wait_at(Cond *c, Mutex *m, const char *where);
/* False when @timeout_ns passed first.  For who has nothing to do meanwhile: it
 * is not seen as a wait. */
bool cond_timedwait(Cond *c, Mutex *m, int64_t timeout_ns);
void cond_signal(Cond *c);
void cond_broadcast(Cond *c);

/* One bit that a thread can wait for; set from any thread, any context. */
typedef struct Event {
    int value; /* futex word */
} Event;

void event_init(Event *ev, bool set);
void event_set(Event *ev);
void event_reset(Event *ev);
void event_wait(Event *ev);

typedef struct Thread Thread;
/* Start @fn(@arg) on a new joinable thread, all signals blocked but SIGSEGV
 * and its kin, named @name (15 characters at most are seen by the host). */
Thread *thread_create(const char *name, void *(*fn)(void *), void *arg);
void *thread_join(Thread *t); /* frees @t */
int thread_id(void);          /* host's id of the calling thread */

#endif
