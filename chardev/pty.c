/* SPDX-License-Identifier: MIT */
/*
 * The back-end "pty": a pseudo-terminal in raw mode, its name in the file name
 * "pty:/dev/pts/N".
 *
 * The master reports a hang-up for as long as nobody has the slave open, and
 * there is no event for somebody opening it; so a slow timer looks again.
 * While nobody is there, output is dropped.
 */
#include "chardev/backend.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "util/error.h"
#include "util/timer.h"

#define PTY_POLL_NS (500 * NS_PER_MS)

typedef struct PtyChardev {
    Chardev chr;
    CharFd fd;
    Timer poll;
} PtyChardev;

static PtyChardev *pty_of(Chardev *chr)
{
    return container_of(chr, PtyChardev, chr);
}

/* Does anybody have the slave open? */
static bool pty_has_peer(const PtyChardev *p)
{
    struct pollfd pfd = {.fd = p->fd.out, .events = POLLIN};

    return poll(&pfd, 1, 0) >= 0 && !(pfd.revents & POLLHUP);
}

static void pty_schedule_poll(PtyChardev *p)
{
    timer_mod_ns(&p->poll, clock_get_ns(CLOCK_TYPE_REALTIME) + PTY_POLL_NS);
}

static void pty_look(void *opaque)
{
    PtyChardev *p = opaque;

    if (!pty_has_peer(p)) {
        pty_schedule_poll(p);
        return;
    }
    p->fd.in_ended = false;
    if (!p->chr.peer) {
        chr_event(&p->chr, CHAR_EVENT_OPENED);
    }
    char_fd_update_input(&p->fd);
}

static void pty_hangup(Chardev *chr)
{
    pty_schedule_poll(pty_of(chr));
    chr_event(chr, CHAR_EVENT_CLOSED);
}

/* The slave opened and closed once by us makes the master report hang-ups from
 * the start; before its first open, Linux reports none. */
static bool pty_prepare_slave(const char *name)
{
    struct termios tio;
    int fd = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    bool ok;

    if (fd < 0) {
        return false;
    }
    ok = tcgetattr(fd, &tio) == 0;
    if (ok) {
        cfmakeraw(&tio);
        ok = tcsetattr(fd, TCSANOW, &tio) == 0;
    }
    close(fd);
    return ok;
}

static bool pty_open(Chardev *chr, KeyVal *opts, GError **errp)
{
    PtyChardev *p = pty_of(chr);
    int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    char name[64];

    char_fd_init(&p->fd, chr, fd, fd, pty_hangup);
    timer_init(&p->poll, CLOCK_TYPE_REALTIME, pty_look, p);
    if (fd < 0 || grantpt(fd) < 0 || unlockpt(fd) < 0 ||
        ptsname_r(fd, name, sizeof(name)) != 0 || !pty_prepare_slave(name)) {
        error_setg(errp, "Failed to create a pseudo-terminal: %s",
                   g_strerror(errno));
        return false;
    }
    g_free(chr->filename);
    chr->filename = g_strdup_printf("pty:%s", name);
    chr->peer = false;
    p->fd.in_ended = true;
    pty_schedule_poll(p);
    g_printerr("char device redirected to %s (label %s)\n", name, chr->id);
    return true;
}

static void pty_close(Chardev *chr)
{
    timer_del(&pty_of(chr)->poll);
    char_fd_close(&pty_of(chr)->fd);
}

static size_t pty_write(Chardev *chr, const uint8_t *buf, size_t len)
{
    return char_fd_write(&pty_of(chr)->fd, buf, len);
}

static void pty_accept_input(Chardev *chr)
{
    char_fd_update_input(&pty_of(chr)->fd);
}

const ChardevOps char_pty_ops = {
    .name = "pty",
    .size = sizeof(PtyChardev),
    .open = pty_open,
    .close = pty_close,
    .write = pty_write,
    .accept_input = pty_accept_input,
};
