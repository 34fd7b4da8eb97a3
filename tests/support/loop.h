/* SPDX-License-Identifier: MIT */
/* Running the main loop by hand, and a peer at the end of a socket pair. */
#ifndef HEDDLE_TESTS_SUPPORT_LOOP_H
#define HEDDLE_TESTS_SUPPORT_LOOP_H

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "chardev/char.h"
#include "exec/bql.h"
#include "util/main-loop.h"

static inline void test_bql_lock(void)
{
    bql_lock();
}

static inline void test_loop_init(void)
{
    bql_init();
    main_loop_init(test_bql_lock, bql_unlock);
    bql_lock();
}

/* Run whatever is ready, until there is nothing. */
static inline void test_loop_settle(void)
{
    while (g_main_context_iteration(NULL, FALSE)) {
    }
}

/* Run until @done(@opaque) or ten seconds have passed. */
static inline bool test_loop_until(bool (*done)(void *opaque), void *opaque)
{
    gint64 end = g_get_monotonic_time() + 10 * G_USEC_PER_SEC;

    while (!done(opaque) && g_get_monotonic_time() < end) {
        if (!g_main_context_iteration(NULL, FALSE)) {
            g_usleep(1000);
        }
    }
    return done(opaque);
}

/* A "socket" back-end called @id; its other end is @peer. */
static inline Chardev *test_chardev(const char *id, const char *more, int *peer)
{
    g_autoptr(KeyVal) kv = NULL;
    g_autofree char *text = NULL;
    GError *err = NULL;
    Chardev *chr;
    int fds[2];

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds),
                    ==, 0);
    *peer = fds[0];
    text = g_strdup_printf("socket,id=%s,fd=%d%s", id, fds[1], more);
    kv = keyval_parse(text, "backend", &err);
    g_assert_no_error(err);
    chr = chardev_add(kv, &err);
    g_assert_no_error(err);
    return chr;
}

static inline void test_send(int peer, const char *text)
{
    g_assert_cmpint(write(peer, text, strlen(text)), ==, strlen(text));
    test_loop_settle();
}

/* All that the peer has got so far; free with g_free. */
static inline char *test_received(int peer)
{
    GString *text = g_string_new(NULL);
    char buf[4096];
    ssize_t n;

    test_loop_settle();
    while ((n = read(peer, buf, sizeof(buf))) > 0) {
        g_string_append_len(text, buf, n);
        test_loop_settle();
    }
    return g_string_free(text, FALSE);
}

#define test_assert_received(peer, expected)                                   \
    do {                                                                       \
        g_autofree char *received_ = test_received(peer);                      \
        g_assert_cmpstr(received_, ==, expected);                              \
    } while (0)

#endif
