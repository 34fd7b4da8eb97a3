/* SPDX-License-Identifier: MIT */
#include "chardev/socket_attempt.h"

#include <unistd.h>

#include "util/main-loop.h"
#include "util/thread.h"

struct SocketAttempt {
    SocketTarget to;
    Thread *thread;
    bool stop; /* atomic */
    SocketAttemptDone *done;
    void *opaque;
    /* The thread's, then the bottom half's. */
    int fd;
    GError *err;
};

static void attempt_ended(void *opaque)
{
    SocketAttempt *a = opaque;

    thread_join(a->thread);
    if (!a->stop) {
        a->done(a->opaque, a->fd, a->err);
    } else if (a->fd >= 0) {
        close(a->fd);
    }
    g_clear_error(&a->err);
    socket_target_clear(&a->to);
    g_free(a);
}

static void *attempt_run(void *opaque)
{
    SocketAttempt *a = opaque;

    a->fd = socket_connect(&a->to, &a->stop, &a->err);
    bh_schedule_oneshot(attempt_ended, a);
    return NULL;
}

SocketAttempt *socket_attempt_new(const SocketTarget *to,
                                  SocketAttemptDone *done, void *opaque)
{
    SocketAttempt *a = g_new0(SocketAttempt, 1);

    a->to = (SocketTarget){ g_strdup(to->path), g_strdup(to->host),
                            g_strdup(to->port) };
    a->done = done;
    a->opaque = opaque;
    a->thread = thread_create("connect", attempt_run, a);
    return a;
}

void socket_attempt_cancel(SocketAttempt *a)
{
    __atomic_store_n(&a->stop, true, __ATOMIC_RELEASE);
}
