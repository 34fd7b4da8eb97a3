/* SPDX-License-Identifier: MIT */
/* Threads with a context of their own, by name. */
#include "util/io-context.h"

#include <poll.h>
#include <string.h>
#include <sys/prctl.h>

#include "util/rcu.h"
#include "util/thread.h"

struct IoContext {
    char *id;
    GMainContext *context;
    TimerQueue *timers;
    Thread *thread;
    int thread_id;
    bool quit; /* atomic */
    Event started;
    unsigned users; /* BQL */
};

static GQueue contexts = G_QUEUE_INIT; /* IoContext, oldest first; BQL */
static __thread const IoContext *current;

/* --- the thread --- */

/* GLib calls this for every poll: the one place where it is no reader. */
static gint poll_outside(GPollFD *fds, guint nfds, gint timeout)
{
    int result;

    thread_set_idle(true);
    rcu_read_unlock();
    result = poll((struct pollfd *)fds, nfds, timeout);
    rcu_read_lock();
    thread_set_idle(false);
    return result;
}

static void *context_thread(void *opaque)
{
    IoContext *ctx = opaque;

    current = ctx;
    ctx->thread_id = thread_id();
    prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0); /* as the main loop */
    thread_set_watched(true);
    event_set(&ctx->started);
    rcu_read_lock();
    while (!__atomic_load_n(&ctx->quit, __ATOMIC_ACQUIRE)) {
        g_main_context_iteration(ctx->context, TRUE);
    }
    rcu_read_unlock();
    thread_set_watched(false);
    return NULL;
}

IoContext *io_context_new(const char *id)
{
    g_autofree char *name = g_strdup_printf("IO %s", id);
    IoContext *ctx = g_new0(IoContext, 1);

    g_assert(!io_context_find(id));
    ctx->id = g_strdup(id);
    ctx->context = g_main_context_new();
    g_main_context_set_poll_func(ctx->context, poll_outside);
    ctx->timers = timer_queue_new(ctx->context);
    event_init(&ctx->started, false);
    ctx->thread = thread_create(name, context_thread, ctx);
    event_wait(&ctx->started);
    g_queue_push_tail(&contexts, ctx);
    return ctx;
}

void io_context_remove(IoContext *ctx)
{
    g_queue_remove(&contexts, ctx);
}

void io_context_free(IoContext *ctx)
{
    g_assert(current != ctx);
    __atomic_store_n(&ctx->quit, true, __ATOMIC_RELEASE);
    g_main_context_wakeup(ctx->context);
    thread_join(ctx->thread);
    timer_queue_free(ctx->timers);
    g_main_context_unref(ctx->context);
    g_free(ctx->id);
    g_free(ctx);
}

/* --- by name --- */

IoContext *io_context_find(const char *id)
{
    for (GList *l = contexts.head; l; l = l->next) {
        IoContext *ctx = l->data;

        if (strcmp(ctx->id, id) == 0) {
            return ctx;
        }
    }
    return NULL;
}

IoContext *io_context_at(unsigned index)
{
    return g_queue_peek_nth(&contexts, index);
}

const char *io_context_id(const IoContext *ctx)
{
    return ctx->id;
}

int io_context_thread_id(const IoContext *ctx)
{
    return ctx->thread_id;
}

void io_context_get(IoContext *ctx)
{
    ctx->users++;
}

void io_context_put(IoContext *ctx)
{
    g_assert(ctx->users);
    ctx->users--;
}

unsigned io_context_users(const IoContext *ctx)
{
    return ctx->users;
}

/* --- running there --- */

bool io_context_is_current(const IoContext *ctx)
{
    return current == ctx;
}

void io_context_attach(IoContext *ctx, GSource *source)
{
    g_source_attach(source, ctx ? ctx->context : NULL);
}

BottomHalf *io_context_bh_new(IoContext *ctx, void (*fn)(void *opaque),
                              void *opaque)
{
    return bh_new_on(ctx->context, fn, opaque);
}

void io_context_timer_init(IoContext *ctx, Timer *t, TimerFunc *fn,
                           void *opaque)
{
    timer_init_on(t, ctx->timers, fn, opaque);
}

typedef struct Call {
    void (*fn)(void *opaque);
    void *opaque;
    Event done;
} Call;

static void call_run(void *opaque)
{
    Call *call = opaque;

    call->fn(call->opaque);
    event_set(&call->done);
}

void io_context_run(IoContext *ctx, void (*fn)(void *opaque), void *opaque)
{
    Call call = { .fn = fn, .opaque = opaque };
    BottomHalf *bh;

    if (current == ctx) {
        fn(opaque);
        return;
    }
    event_init(&call.done, false);
    bh = bh_new_on(ctx->context, call_run, &call);
    bh_schedule(bh);
    event_wait(&call.done);
    bh_delete(bh);
}
