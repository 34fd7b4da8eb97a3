/* SPDX-License-Identifier: MIT */
/*
 * Descriptors behind a back-end: non-blocking reads into the front-end's room
 * and non-blocking writes, with a main-loop source each.
 */
#include "chardev/backend.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib-unix.h>

#define CHAR_FD_CHUNK 4096

void char_fd_init(CharFd *cf, Chardev *chr, int in, int out,
                  void (*hangup)(Chardev *chr))
{
    *cf = (CharFd){.chr = chr,
                   .in = in,
                   .out = out,
                   .out_checked = -1,
                   .hangup = hangup};
    chr->fd = cf;
}

static void char_fd_remove_source(guint *id)
{
    if (*id) {
        g_source_remove(*id);
        *id = 0;
    }
}

/* The peer is gone.  The callback may close @cf. */
static void char_fd_ended(CharFd *cf)
{
    cf->in_ended = true;
    char_fd_remove_source(&cf->in_source);
    if (cf->hangup) {
        cf->hangup(cf->chr);
    }
}

/* --- descriptors that came with bytes --- */

static void char_fd_drop_passed(CharFd *cf)
{
    while (cf->npassed) {
        close(cf->passed[--cf->npassed]);
    }
}

int char_fd_take_passed(CharFd *cf)
{
    int fd;

    if (!cf->npassed) {
        return -1;
    }
    fd = cf->passed[0];
    cf->npassed--;
    memmove(cf->passed, cf->passed + 1, cf->npassed * sizeof(cf->passed[0]));
    return fd;
}

/* New ones take the place of those that nobody took. */
static void char_fd_keep_passed(CharFd *cf, struct msghdr *msg)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
            char_fd_drop_passed(cf);
            cf->npassed = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
            memcpy(cf->passed, CMSG_DATA(c), cf->npassed * sizeof(int));
        }
    }
}

static ssize_t char_fd_receive(CharFd *cf, uint8_t *buf, size_t len)
{
    union {
        struct cmsghdr align;
        uint8_t bytes[CMSG_SPACE(sizeof(int) * CHAR_FD_MAX_PASSED)];
    } control;
    struct iovec iov = {buf, len};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
    ssize_t n;

    if (!cf->take_passed) {
        return read(cf->in, buf, len);
    }
    msg.msg_control = control.bytes;
    msg.msg_controllen = sizeof(control.bytes);
    n = recvmsg(cf->in, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (n >= 0) {
        char_fd_keep_passed(cf, &msg);
    }
    return n;
}

/* One read of up to @room bytes, and what follows from it. */
static void char_fd_read(CharFd *cf, size_t room)
{
    uint8_t buf[CHAR_FD_CHUNK];
    ssize_t n;

    if (cf->broken && cf->in == cf->out) {
        /* What a peer that left had still sent is not worth an answer. */
        char_fd_ended(cf);
        return;
    }
    do {
        n = char_fd_receive(cf, buf, MIN(room, sizeof(buf)));
    } while (n < 0 && errno == EINTR);
    if (n > 0) {
        cf->receiving = true;
        chr_receive(cf->chr, buf,
                    cf->filter ? cf->filter(cf->chr, buf, n) : (size_t)n);
        cf->receiving = false;
    } else if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK)) {
        char_fd_ended(cf);
    }
}

static gboolean char_fd_readable(gint fd, GIOCondition cond, gpointer opaque)
{
    CharFd *cf = opaque;
    guint self = cf->in_source;
    size_t room = chr_room(cf->chr);

    if (room == 0) {
        cf->in_source = 0; /* char_fd_update_input() starts it again */
        return G_SOURCE_REMOVE;
    }
    char_fd_read(cf, room);
    if (cf->in_source != self) {
        return G_SOURCE_REMOVE; /* receive() or hangup() has removed it */
    }
    if (chr_room(cf->chr) == 0) {
        cf->in_source = 0;
        return G_SOURCE_REMOVE;
    }
    return G_SOURCE_CONTINUE;
}

void char_fd_update_input(CharFd *cf)
{
    bool want = cf->in >= 0 && !cf->in_ended && chr_room(cf->chr) > 0;

    if (want && !cf->in_source) {
        cf->in_source = g_unix_fd_add(cf->in, G_IO_IN | G_IO_HUP | G_IO_ERR,
                                      char_fd_readable, cf);
    }
}

/* Adding and removing a GLib source costs several system calls: while bytes
 * keep coming, who asks in time needs none. */
void char_fd_poll_input(CharFd *cf)
{
    size_t room = chr_room(cf->chr);

    if (cf->in >= 0 && !cf->in_ended && !cf->in_source && !cf->receiving &&
        room > 0) {
        char_fd_read(cf, room);
    }
    char_fd_update_input(cf);
}

static gboolean char_fd_writable(gint fd, GIOCondition cond, gpointer opaque)
{
    CharFd *cf = opaque;

    cf->out_source = 0;
    chr_can_write(cf->chr);
    return G_SOURCE_REMOVE;
}

static bool fd_is_socket(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
}

/* One write that takes what there is room for; 0 when there is none. */
static ssize_t char_fd_write_once(CharFd *cf, const uint8_t *buf, size_t len)
{
    ssize_t n;

    if (cf->out_checked != cf->out) {
        cf->out_checked = cf->out;
        cf->out_is_socket = fd_is_socket(cf->out);
    }
    do {
        /* A peer that has gone must not kill the process by SIGPIPE. */
        n = cf->out_is_socket
                ? send(cf->out, buf, len, MSG_DONTWAIT | MSG_NOSIGNAL)
                : write(cf->out, buf, len);
    } while (n < 0 && errno == EINTR);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        return 0;
    }
    return n;
}

size_t char_fd_write(CharFd *cf, const uint8_t *buf, size_t len)
{
    size_t done = 0;

    while (cf->out >= 0 && done < len) {
        ssize_t n = char_fd_write_once(cf, buf + done, len - done);

        if (n < 0) {
            cf->broken = true;
            return len; /* no reader any more: take and drop */
        }
        if (n == 0) {
            if (!cf->out_source) {
                cf->out_source =
                    g_unix_fd_add(cf->out, G_IO_OUT | G_IO_HUP | G_IO_ERR,
                                  char_fd_writable, cf);
            }
            return done;
        }
        done += n;
    }
    return len;
}

void char_fd_close(CharFd *cf)
{
    char_fd_remove_source(&cf->in_source);
    char_fd_remove_source(&cf->out_source);
    char_fd_drop_passed(cf);
    if (cf->out > STDERR_FILENO && cf->out != cf->in) {
        close(cf->out);
    }
    if (cf->in > STDERR_FILENO) {
        close(cf->in);
    }
    cf->in = cf->out = cf->out_checked = -1;
}
