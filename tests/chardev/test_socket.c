/* SPDX-License-Identifier: MIT */
/* Sockets that call: at once, in the background, and again. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/un.h>

#include <glib/gstdio.h>

#include "tests/support/loop.h"
#include "util/error.h"

#define FILLERS 64 /* more than any queue of connections that is asked for */

typedef struct Fixture {
    char *folder, *path;
    int listener; /* with the shortest queue; -1: nobody listens */
    int filler[FILLERS];
    unsigned nfillers;
} Fixture;

static void setup(Fixture *f, gconstpointer unused)
{
    f->folder = g_dir_make_tmp("heddle-XXXXXX", NULL);
    f->path = g_strdup_printf("%s/s", f->folder);
    f->listener = -1;
    f->nfillers = 0;
}

/* There is no way back: the tests at the start come first. */
static void setup_running(Fixture *f, gconstpointer data)
{
    setup(f, data);
    chardev_set_running();
}

static void hang_up(Fixture *f)
{
    while (f->nfillers) {
        close(f->filler[--f->nfillers]);
    }
    if (f->listener >= 0) {
        close(f->listener);
    }
    f->listener = -1;
}

static void teardown(Fixture *f, gconstpointer unused)
{
    hang_up(f);
    g_remove(f->path);
    g_rmdir(f->folder);
    g_free(f->path);
    g_free(f->folder);
}

static void listen_unix(Fixture *f)
{
    struct sockaddr_un sa = { .sun_family = AF_UNIX };

    g_strlcpy(sa.sun_path, f->path, sizeof(sa.sun_path));
    f->listener = socket(AF_UNIX, SOCK_STREAM, 0);
    g_assert_cmpint(bind(f->listener, (struct sockaddr *)&sa, sizeof(sa)), ==,
                    0);
    g_assert_cmpint(listen(f->listener, 0), ==, 0);
}

/* Returns the port. */
static unsigned listen_tcp(Fixture *f)
{
    struct sockaddr_in sa = { .sin_family = AF_INET,
                              .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t len = sizeof(sa);

    f->listener = socket(AF_INET, SOCK_STREAM, 0);
    g_assert_cmpint(bind(f->listener, (struct sockaddr *)&sa, sizeof(sa)), ==,
                    0);
    g_assert_cmpint(listen(f->listener, 0), ==, 0);
    g_assert_cmpint(getsockname(f->listener, (struct sockaddr *)&sa, &len), ==,
                    0);
    return ntohs(sa.sin_port);
}

/* Connections that nobody accepts, until the next one has to wait. */
static void fill_queue(Fixture *f)
{
    struct sockaddr_storage sa;
    socklen_t len = sizeof(sa);

    getsockname(f->listener, (struct sockaddr *)&sa, &len);
    for (;;) {
        int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
        struct timeval wait = { .tv_usec = 200000 };
        fd_set set;

        g_assert_cmpuint(f->nfillers, <, FILLERS);
        f->filler[f->nfillers++] = fd;
        if (connect(fd, (struct sockaddr *)&sa, len) == 0) {
            continue;
        }
        FD_ZERO(&set);
        FD_SET(fd, &set);
        if (errno == EAGAIN || select(fd + 1, NULL, &set, NULL, &wait) == 0) {
            return;
        }
    }
}

static Chardev *add(const char *fmt, const char *where, const char *more,
                    GError **errp)
{
    g_autofree char *address = g_strdup_printf(fmt, where);
    g_autofree char *text = g_strdup_printf("socket,id=s,%s%s", address, more);
    g_autoptr(KeyVal) kv = keyval_parse(text, "backend", NULL);

    return chardev_add(kv, errp);
}

static Chardev *add_unix(Fixture *f, const char *more)
{
    GError *err = NULL;
    Chardev *chr = add("path=%s", f->path, more, &err);

    g_assert_no_error(err);
    return chr;
}

static bool is_connected(void *chr)
{
    return !g_str_has_prefix(chardev_filename(chr), "disconnected:");
}

static bool is_disconnected(void *chr)
{
    return !is_connected(chr);
}

/* Accept until the back-end has its connection: those of the fillers come
 * first. */
static void accept_all(Fixture *f, Chardev *chr)
{
    fcntl(f->listener, F_SETFL, O_NONBLOCK);
    for (gint64 end = g_get_monotonic_time() + 20 * G_USEC_PER_SEC;
         !is_connected(chr) && g_get_monotonic_time() < end;) {
        int fd = accept(f->listener, NULL, NULL);

        if (fd >= 0) {
            g_assert_cmpuint(f->nfillers, <, FILLERS);
            f->filler[f->nfillers++] = fd;
        } else {
            g_usleep(1000);
        }
        test_loop_settle();
    }
    g_assert_true(is_connected(chr));
}

/* --- a front-end that takes everything: a hang-up is seen by reading --- */

static size_t take_all(void *opaque)
{
    return 4096;
}

static void drop(void *opaque, const uint8_t *buf, size_t len)
{
}

static CharFrontend *attach(Chardev *chr)
{
    static const CharHandlers handlers = { .can_receive = take_all,
                                           .receive = drop };
    GError *err = NULL;
    CharFrontend *fe = char_attach(chr, "a test", &handlers, NULL, &err);

    g_assert_no_error(err);
    return fe;
}

static void remove_it(void)
{
    GError *err = NULL;

    g_assert_true(chardev_remove("s", &err));
    g_assert_no_error(err);
    test_loop_settle();
}

/* Before there is a machine a failure is the end. */
static void test_at_start(Fixture *f, gconstpointer unused)
{
    GError *err = NULL;
    Chardev *chr;

    g_assert_null(add("path=%s", f->path, "", &err));
    g_assert_nonnull(strstr(err->message, "Failed to connect to"));
    g_clear_error(&err);
    listen_unix(f);
    chr = add_unix(f, "");
    g_assert_true(is_connected(chr));
    remove_it();
}

static void test_reconnect(Fixture *f, gconstpointer unused)
{
    Chardev *chr = add_unix(f, ",reconnect=1");
    CharFrontend *fe = attach(chr);

    g_assert_true(is_disconnected(chr));
    test_loop_settle();
    listen_unix(f);
    accept_all(f, chr);
    /* And once more after a hang-up. */
    hang_up(f);
    g_remove(f->path);
    g_assert_true(test_loop_until(is_disconnected, chr));
    listen_unix(f);
    accept_all(f, chr);
    char_detach(fe);
    remove_it();
}

static void test_bad_options(Fixture *f, gconstpointer unused)
{
    static const char *const bad[][2] = {
        { ",server=on,wait=off,reconnect=1", "server listen mode" },
        { ",reconnect=x", "'reconnect' expects" },
        { ",reconnect=-1", "'reconnect' expects" },
    };

    for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
        GError *err = NULL;

        g_assert_null(add("path=%s", f->path, bad[i][0], &err));
        g_assert_nonnull(strstr(err->message, bad[i][1]));
        g_clear_error(&err);
    }
}

/* --- while the machine runs --- */

static void test_known_at_once(Fixture *f, gconstpointer unused)
{
    GError *err = NULL;

    g_assert_null(add("path=%s", f->path, "", &err));
    g_assert_nonnull(strstr(err->message, "Failed to connect to"));
    g_clear_error(&err);
    listen_unix(f);
    g_assert_true(is_connected(add_unix(f, "")));
    remove_it();
}

static void test_full_queue(Fixture *f, gconstpointer unused)
{
    Chardev *chr;

    listen_unix(f);
    fill_queue(f);
    chr = add_unix(f, "");
    g_assert_true(is_disconnected(chr));
    test_loop_settle();
    accept_all(f, chr);
    remove_it();
}

/* The attempt outlives its back-end, and touches nothing of it. */
static void test_removed(Fixture *f, gconstpointer unused)
{
    listen_unix(f);
    fill_queue(f);
    add_unix(f, "");
    test_loop_settle();
    remove_it();
    hang_up(f);
    g_usleep(100000);
    test_loop_settle();
}

static void test_silent_host(Fixture *f, gconstpointer unused)
{
    unsigned port = listen_tcp(f);
    g_autofree char *more = g_strdup_printf(",port=%u", port);
    GError *err = NULL;
    Chardev *chr;

    fill_queue(f);
    chr = add("host=%s", "127.0.0.1", more, &err);
    g_assert_no_error(err);
    test_loop_settle();
    g_assert_true(is_disconnected(chr));
    accept_all(f, chr);
    remove_it();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_loop_init();
#define ADD(name, start, fn)                                                   \
    g_test_add(name, Fixture, NULL, start, fn, teardown)
    ADD("/socket/start/fails", setup, test_at_start);
    ADD("/socket/start/reconnect", setup, test_reconnect);
    ADD("/socket/start/bad-options", setup, test_bad_options);
    ADD("/socket/running/known-at-once", setup_running, test_known_at_once);
    ADD("/socket/running/full-queue", setup_running, test_full_queue);
    ADD("/socket/running/removed", setup_running, test_removed);
    ADD("/socket/running/silent-host", setup_running, test_silent_host);
    return g_test_run();
}
