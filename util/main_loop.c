/* SPDX-License-Identifier: MIT */
/*
 * The iothread's loop over GLib's default context, and bottom halves as GLib
 * sources that have a ready time while they are scheduled.
 */
#include "util/main-loop.h"

#include <poll.h>
#include <pthread.h>
#include <sys/prctl.h>

#include "util/thread-state.h"

static struct {
    pthread_t thread; /* the first one */
    void (*lock)(void);
    void (*unlock)(void);
    int quit;   /* atomic */
    int status; /* of the first main_loop_quit(); atomic */
} loop;

/* GLib calls this for every poll: the one place where the lock is dropped. */
static gint poll_unlocked(GPollFD *fds, guint nfds, gint timeout)
{
    int result;

    _Static_assert(sizeof(GPollFD) == sizeof(struct pollfd), "same layout");
    thread_set_idle(true);
    loop.unlock();
    result = poll((struct pollfd *)fds, nfds, timeout);
    thread_set_idle(false);
    loop.lock();
    return result;
}

void main_loop_init(void (*lock)(void), void (*unlock)(void))
{
    loop.thread = pthread_self();
    loop.lock = lock;
    loop.unlock = unlock;
    thread_state_enter("iothread");
    /* Nanoseconds by which the host may delay this thread's wake-ups. */
    prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
    g_main_context_set_poll_func(NULL, poll_unlocked);
}

void main_loop_run(void)
{
    thread_set_watched(true);
    while (!__atomic_load_n(&loop.quit, __ATOMIC_ACQUIRE)) {
        g_main_context_iteration(NULL, TRUE);
    }
    thread_set_watched(false);
}

void main_loop_quit(int status)
{
    int first = 0;

    /* 1: taken, the status is being stored; 2: it may be read. */
    if (__atomic_compare_exchange_n(&loop.quit, &first, 1, false,
                                    __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
        __atomic_store_n(&loop.status, status, __ATOMIC_RELAXED);
        __atomic_store_n(&loop.quit, 2, __ATOMIC_RELEASE);
    }
    g_main_context_wakeup(NULL);
}

int main_loop_status(void)
{
    return __atomic_load_n(&loop.status, __ATOMIC_RELAXED);
}

bool main_loop_is_current_thread(void)
{
    return pthread_equal(loop.thread, pthread_self());
}

struct BottomHalf {
    GSource source; /* first: GLib allocates the whole */
    void (*fn)(void *opaque);
    void *opaque;
    bool scheduled; /* atomic */
    unsigned runs;  /* atomic */
};

/*
 * The order matters: first "not ready", then `scheduled` is taken.  Whoever
 * schedules after that finds the flag clear and makes the source ready again;
 * whoever came before wrote its data before the flag, which fn() then sees.
 */
static gboolean bh_dispatch(GSource *source, GSourceFunc unused, gpointer data)
{
    BottomHalf *bh = (BottomHalf *)source;

    g_source_set_ready_time(source, -1);
    if (__atomic_exchange_n(&bh->scheduled, false, __ATOMIC_SEQ_CST)) {
        void (*fn)(void *opaque) = bh->fn;
        void *opaque = bh->opaque;

        __atomic_fetch_add(&bh->runs, 1, __ATOMIC_RELEASE);
        fn(opaque);
    }
    return G_SOURCE_CONTINUE;
}

/* Another thread may drop the last reference.  GLib orders that; this says so
 * to a sanitizer that does not see into it. */
static void bh_finalize(GSource *source)
{
    (void)__atomic_load_n(&((BottomHalf *)source)->runs, __ATOMIC_ACQUIRE);
}

BottomHalf *bh_new_on(GMainContext *context, void (*fn)(void *opaque),
                      void *opaque)
{
    static GSourceFuncs funcs = { .dispatch = bh_dispatch,
                                  .finalize = bh_finalize };
    GSource *source = g_source_new(&funcs, sizeof(BottomHalf));
    BottomHalf *bh = (BottomHalf *)source;

    bh->fn = fn;
    bh->opaque = opaque;
    bh->scheduled = false;
    bh->runs = 0;
    g_source_attach(source, context);
    return bh;
}

BottomHalf *bh_new(void (*fn)(void *opaque), void *opaque)
{
    return bh_new_on(NULL, fn, opaque);
}

void bh_schedule(BottomHalf *bh)
{
    if (!__atomic_exchange_n(&bh->scheduled, true, __ATOMIC_SEQ_CST)) {
        g_source_set_ready_time(&bh->source, 0);
    }
}

/* The source stays ready and finds nothing to do: taking its ready time back
 * could cross with another thread's schedule and lose that. */
void bh_cancel(BottomHalf *bh)
{
    __atomic_store_n(&bh->scheduled, false, __ATOMIC_SEQ_CST);
}

void bh_delete(BottomHalf *bh)
{
    g_source_destroy(&bh->source);
    g_source_unref(&bh->source);
}

typedef struct Oneshot {
    BottomHalf *bh;
    void (*fn)(void *opaque);
    void *opaque;
} Oneshot;

static void oneshot_run(void *opaque)
{
    Oneshot *once = opaque;

    once->fn(once->opaque);
    bh_delete(once->bh);
    g_free(once);
}

void bh_schedule_oneshot(void (*fn)(void *opaque), void *opaque)
{
    Oneshot *once = g_new(Oneshot, 1);

    once->fn = fn;
    once->opaque = opaque;
    once->bh = bh_new(oneshot_run, once);
    bh_schedule(once->bh);
}
