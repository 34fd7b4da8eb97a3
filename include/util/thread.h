/* SPDX-License-Identifier: MIT */
/*
 * Threads and locks: pthreads, with ownership that can be asserted.
 * Every thread made here is registered with RCU.
 */
#ifndef HEDDLE_UTIL_THREAD_H
#define HEDDLE_UTIL_THREAD_H

#include <pthread.h>

#include "util/common.h"

typedef struct Mutex {
    pthread_mutex_t lock;
    pthread_t owner;  /* valid while held */
    bool held;
    const char *name; /* for contention reports */
} Mutex;

typedef struct Cond {
    pthread_cond_t cond; /* waits on CLOCK_MONOTONIC */
} Cond;

void mutex_init(Mutex *m, const char *name);
void mutex_destroy(Mutex *m);
void mutex_lock(Mutex *m);   /* not recursive: asserts against it */
bool mutex_trylock(Mutex *m);
void mutex_unlock(Mutex *m);
bool mutex_held(const Mutex *m); /* by the calling thread */
#define mutex_assert_held(m) g_assert(mutex_held(m))

void cond_init(Cond *c);
void cond_destroy(Cond *c);
void cond_wait(Cond *c, Mutex *m);
/* False when @timeout_ns passed first. */
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
