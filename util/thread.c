/* SPDX-License-Identifier: MIT */
/*
 * Mutex, condition, event and thread over pthreads and futexes.  A pthread call
 * that fails here means corrupt memory or a locking bug, hence the assertions;
 * only the making of a thread can fail for the host's reasons.
 */
#include "util/thread.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "util/error.h"
#include "util/rcu.h"

struct Thread {
    pthread_t thread;
    void *(*fn)(void *);
    void *arg;
    char name[16]; /* the host keeps 15 characters and the NUL */
};

/* --- ownership --- */

void mutex_note_owner(Mutex *m, const char *where)
{
    __atomic_store_n(&m->where, where, __ATOMIC_RELAXED);
    __atomic_store_n(&m->owner, &thread_self, __ATOMIC_RELAXED);
}

void mutex_note_free(Mutex *m)
{
    __atomic_store_n(&m->owner, NULL, __ATOMIC_RELAXED);
}

/* Only this thread stores its own address there. */
bool mutex_held(const Mutex *m)
{
    return __atomic_load_n(&m->owner, __ATOMIC_RELAXED) == &thread_self;
}

void mutex_init(Mutex *m, const char *name)
{
    int err = pthread_mutex_init(&m->lock, NULL);

    g_assert(err == 0);
    m->owner = NULL;
    m->name = name;
}

void mutex_destroy(Mutex *m)
{
    int err = pthread_mutex_destroy(&m->lock);

    g_assert(err == 0); /* EBUSY: still locked */
}

static void mutex_wait(Mutex *m, const char *where)
{
    int err;

    thread_wait_begin(m, where);
    err = pthread_mutex_lock(&m->lock);
    g_assert(err == 0);
    mutex_note_owner(m, where);
    thread_wait_end();
}

void mutex_lock_at(Mutex *m, const char *where)
{
    if (!mutex_trylock_at(m, where)) {
        mutex_wait(m, where);
    }
}

bool mutex_trylock_at(Mutex *m, const char *where)
{
    g_assert(!mutex_held(m));
    if (pthread_mutex_trylock(&m->lock) != 0) {
        return false;
    }
    mutex_note_owner(m, where);
    return true;
}

void mutex_unlock(Mutex *m)
{
    int err;

    g_assert(mutex_held(m));
    mutex_note_free(m);
    err = pthread_mutex_unlock(&m->lock);
    g_assert(err == 0);
}

/*
 * Waiting gives the mutex up and takes it back: so does the ownership.
 * Timeouts count on the monotonic clock, which nobody sets.
 */
void cond_init(Cond *c)
{
    pthread_condattr_t attr;
    int err;

    pthread_condattr_init(&attr);
    err = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    g_assert(err == 0);
    err = pthread_cond_init(&c->cond, &attr);
    g_assert(err == 0);
    pthread_condattr_destroy(&attr);
}

void cond_destroy(Cond *c)
{
    int err = pthread_cond_destroy(&c->cond);

    g_assert(err == 0);
}

void cond_wait_at(Cond *c, Mutex *m, const char *where)
{
    int err;

    g_assert(mutex_held(m));
    thread_wait_begin(NULL, where);
    mutex_note_free(m);
    err = pthread_cond_wait(&c->cond, &m->lock);
    g_assert(err == 0);
    mutex_note_owner(m, where);
    thread_wait_end();
}

bool cond_timedwait(Cond *c, Mutex *m, int64_t timeout_ns)
{
    const char *where = m->where;
    struct timespec until;
    int err;

    clock_gettime(CLOCK_MONOTONIC, &until);
    timeout_ns += until.tv_nsec;
    until.tv_sec += timeout_ns / 1000000000;
    until.tv_nsec = timeout_ns % 1000000000;

    g_assert(mutex_held(m));
    mutex_note_free(m);
    err = pthread_cond_timedwait(&c->cond, &m->lock, &until);
    g_assert(err == 0 || err == ETIMEDOUT);
    mutex_note_owner(m, where);
    return err == 0;
}

void cond_signal(Cond *c)
{
    pthread_cond_signal(&c->cond);
}

void cond_broadcast(Cond *c)
{
    pthread_cond_broadcast(&c->cond);
}

/* Values of the futex word.  EVENT_WAITED: clear, and somebody sleeps. */
enum {
    EVENT_WAITED = -1,
    EVENT_CLEAR = 0,
    EVENT_SET = 1,
};

static void futex(int *word, int op, int value)
{
    syscall(SYS_futex, word, op | FUTEX_PRIVATE_FLAG, value, NULL, NULL, 0);
}

void event_init(Event *ev, bool set)
{
    ev->value = set ? EVENT_SET : EVENT_CLEAR;
}

void event_set(Event *ev)
{
    if (__atomic_exchange_n(&ev->value, EVENT_SET, __ATOMIC_SEQ_CST) ==
        EVENT_WAITED) {
        futex(&ev->value, FUTEX_WAKE, INT_MAX);
    }
}

/* A sleeper's EVENT_WAITED stays, or nobody would wake it. */
void event_reset(Event *ev)
{
    int expected = EVENT_SET;

    __atomic_compare_exchange_n(&ev->value, &expected, EVENT_CLEAR, false,
                                __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

/* Announces the sleep first, so that event_set() makes its system call only
 * when somebody sleeps. */
void event_wait(Event *ev)
{
    for (;;) {
        int value = EVENT_CLEAR;

        __atomic_compare_exchange_n(&ev->value, &value, EVENT_WAITED, false,
                                    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
        if (value == EVENT_SET) {
            return;
        }
        futex(&ev->value, FUTEX_WAIT, EVENT_WAITED);
    }
}

/* Every thread may read under RCU, and is waited for by grace periods. */
static void *thread_body(void *opaque)
{
    Thread *t = opaque;
    void *result;

    pthread_setname_np(pthread_self(), t->name);
    thread_state_enter(t->name);
    rcu_register_thread();
    result = t->fn(t->arg);
    rcu_unregister_thread();
    thread_state_leave();
    return result;
}

/* All but what the thread's own instructions raise: the first thread takes
 * the process's signals. */
static void thread_signal_mask(sigset_t *mask)
{
    static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT,
                              SIGSYS};

    sigfillset(mask);
    for (unsigned i = 0; i < ARRAY_LEN(own); i++) {
        sigdelset(mask, own[i]);
    }
}

Thread *thread_create(const char *name, void *(*fn)(void *), void *arg)
{
    Thread *t = g_new0(Thread, 1);
    sigset_t mask, old;
    int err;

    t->fn = fn;
    t->arg = arg;
    g_strlcpy(t->name, name, sizeof(t->name));

    /* The new thread inherits the mask: it never runs with signals open. */
    thread_signal_mask(&mask);
    pthread_sigmask(SIG_SETMASK, &mask, &old);
    err = pthread_create(&t->thread, NULL, thread_body, t);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (err) {
        error_report("cannot start thread '%s': %s", name, g_strerror(err));
        exit(EXIT_FAILURE);
    }
    return t;
}

void *thread_join(Thread *t)
{
    void *result;
    int err = pthread_join(t->thread, &result);

    g_assert(err == 0);
    g_free(t);
    return result;
}

int thread_id(void)
{
    return (int)syscall(SYS_gettid);
}
