/* SPDX-License-Identifier: MIT */
/* Bells: an eventfd each. */
#include "util/event-notifier.h"

#include <errno.h>
#include <glib-unix.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "util/error.h"
#include "util/rcu.h"

struct EventNotifier {
    int fd;
    GSource *source; /* NULL: nobody watches */
    void (*fn)(void *opaque);
    void *opaque;
    struct rcu_head rcu;
};

EventNotifier *event_notifier_new(GError **errp)
{
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    EventNotifier *n;

    if (fd < 0) {
        error_setg(errp, "cannot make an event notifier: %s",
                   g_strerror(errno));
        return NULL;
    }
    n = g_new0(EventNotifier, 1);
    n->fd = fd;
    return n;
}

static void notifier_reclaim(struct rcu_head *head)
{
    EventNotifier *n = container_of(head, EventNotifier, rcu);

    close(n->fd);
    g_free(n);
}

void event_notifier_free(EventNotifier *n)
{
    g_assert(!n->source);
    rcu_call(&n->rcu, notifier_reclaim);
}

/* It cannot fail but by EAGAIN, when it has rung 2^64 - 2 times already. */
void event_notifier_set(EventNotifier *n)
{
    static const uint64_t one = 1;
    int saved = errno;
    ssize_t written = write(n->fd, &one, sizeof(one));

    (void)written;
    errno = saved;
}

bool event_notifier_test_and_clear(EventNotifier *n)
{
    uint64_t rings;

    return read(n->fd, &rings, sizeof(rings)) == sizeof(rings);
}

/* Cleared first: a ring during @fn is heard again. */
static gboolean notifier_heard(gint fd, GIOCondition cond, gpointer opaque)
{
    EventNotifier *n = opaque;

    if (event_notifier_test_and_clear(n)) {
        n->fn(n->opaque);
    }
    return G_SOURCE_CONTINUE;
}

void event_notifier_watch(EventNotifier *n, IoContext *ctx,
                          void (*fn)(void *opaque), void *opaque)
{
    g_assert(!n->source);
    n->fn = fn;
    n->opaque = opaque;
    n->source = g_unix_fd_source_new(n->fd, G_IO_IN);
    g_source_set_callback(n->source, G_SOURCE_FUNC(notifier_heard), n, NULL);
    io_context_attach(ctx, n->source);
}

void event_notifier_unwatch(EventNotifier *n)
{
    g_source_destroy(n->source);
    g_clear_pointer(&n->source, g_source_unref);
}
