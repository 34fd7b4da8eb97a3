/* SPDX-License-Identifier: MIT */
/*
 * What each thread is doing: whether it goes on, and what it waits for.  Its
 * own thread writes that down, -d lock and the watchdog read it.
 */
#ifndef HEDDLE_UTIL_THREAD_STATE_H
#define HEDDLE_UTIL_THREAD_STATE_H

#include <pthread.h>

#include "util/common.h"

struct Mutex;

typedef struct ThreadState {
    char name[16]; /* the host keeps 15 characters and the NUL */
    /* Written by the thread itself, atomic. */
    uint64_t beats; /* grows while it goes on */
    bool idle;      /* has nothing to do: is not expected to go on */
    bool watched;
    unsigned wait_depth; /* of the thread only */

    /* The wait under way.  While the lock is held it cannot end, so that the
     * mutex is there. */
    pthread_mutex_t wait_lock;
    struct Mutex *wants;    /* NULL: no mutex */
    const char *wait_where; /* NULL: no wait */
    int64_t wait_since_ns;

    /* The watchdog's; under the list's lock. */
    uint64_t seen_beats;
    int64_t seen_ns;
    bool told;

    struct ThreadState *next;
} ThreadState;

extern __thread ThreadState thread_self;

/* The calling thread enters the list of threads, and leaves it before its
 * end. */
void thread_state_enter(const char *name);
void thread_state_leave(void);
/* Call @fn for each thread in the list.  None of them ends meanwhile. */
void thread_state_foreach(void (*fn)(ThreadState *t, void *opaque),
                          void *opaque);
/* Inside that: the name of @t, which may have ended. */
const char *thread_state_name(const ThreadState *t);

/* --- the calling thread's --- */
/* To be called after the request for it has been taken back. */
static inline void thread_beat(void)
{
    __atomic_store_n(&thread_self.beats, thread_self.beats + 1,
                     __ATOMIC_RELEASE);
}
static inline void thread_set_idle(bool idle)
{
    thread_beat();
    __atomic_store_n(&thread_self.idle, idle, __ATOMIC_RELAXED);
}
static inline void thread_set_watched(bool watched)
{
    thread_beat();
    __atomic_store_n(&thread_self.watched, watched, __ATOMIC_RELAXED);
}
/* Around a wait at @where (G_STRLOC) for @wants, or something else if NULL.  Of
 * nested ones the outermost counts.  thread_wait_end() returns how long it was,
 * and tells the log if it was for a mutex: which the caller holds by then. */
void thread_wait_begin(struct Mutex *wants, const char *where);
int64_t thread_wait_end(void);

#endif
