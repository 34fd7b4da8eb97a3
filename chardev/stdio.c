/* SPDX-License-Identifier: MIT */
/*
 * The back-end "stdio": standard input and output, the terminal in raw mode.
 *
 * The terminal is put back on every way out: close, exit(), a stop by Ctrl-Z
 * (and raw again on SIGCONT), and signals that end the process.  What the
 * handlers touch is written once, before they are installed, and they call
 * async-signal-safe functions alone.
 *
 * O_NONBLOCK belongs to the open file, which the shell and stderr may share;
 * so a terminal or FIFO is opened anew, and the flag is set (and later put
 * back) on the descriptor itself only where that fails.
 */
#include "chardev/backend.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "util/error.h"

typedef struct StdioChardev {
    Chardev chr;
    CharFd fd;
} StdioChardev;

/* One per process, as descriptors 0 and 1 are. */
static struct {
    bool in_use;
    bool handlers_installed;
    int saved_flags[2]; /* of descriptors 0 and 1; -1: not changed */
    struct termios saved, raw;
    volatile sig_atomic_t is_raw; /* saved and raw are valid, raw is set */
} stdio_state = {.saved_flags = {-1, -1}};

void chardev_restore_terminals(void)
{
    int saved_errno = errno;

    if (stdio_state.is_raw) {
        tcsetattr(STDIN_FILENO, TCSANOW, &stdio_state.saved);
    }
    for (int fd = 0; fd < 2; fd++) {
        if (stdio_state.saved_flags[fd] >= 0) {
            fcntl(fd, F_SETFL, stdio_state.saved_flags[fd]);
        }
    }
    errno = saved_errno;
}

/* A signal that ends the process.  Its action is the default again
 * (SA_RESETHAND): the one raised here is delivered when this returns. */
static void stdio_fatal_signal(int sig)
{
    chardev_restore_terminals();
    raise(sig);
}

static void stdio_stop_signal(int sig)
{
    chardev_restore_terminals();
    raise(SIGSTOP);
}

/* A background process must not touch the terminal: that would stop it.  One
 * that does not control the process (no foreground group: ENOTTY) stops
 * nobody. */
static void stdio_cont_signal(int sig)
{
    int saved_errno = errno;
    pid_t foreground = tcgetpgrp(STDIN_FILENO);

    if (stdio_state.is_raw && (foreground < 0 || foreground == getpgrp())) {
        tcsetattr(STDIN_FILENO, TCSANOW, &stdio_state.raw);
    }
    errno = saved_errno;
}

static void stdio_install_handler(int sig, void (*fn)(int), int flags)
{
    struct sigaction act = {.sa_handler = fn, .sa_flags = flags};

    sigfillset(&act.sa_mask);
    sigaction(sig, &act, NULL);
}

static void stdio_install_handlers(void)
{
    static const int fatal[] = {SIGABRT, SIGBUS,  SIGFPE,  SIGHUP, SIGILL,
                                SIGINT,  SIGQUIT, SIGSEGV, SIGSYS, SIGTERM};

    if (stdio_state.handlers_installed) {
        return;
    }
    stdio_state.handlers_installed = true;
    for (unsigned i = 0; i < ARRAY_LEN(fatal); i++) {
        stdio_install_handler(fatal[i], stdio_fatal_signal, SA_RESETHAND);
    }
    stdio_install_handler(SIGTSTP, stdio_stop_signal, SA_RESTART);
    stdio_install_handler(SIGCONT, stdio_cont_signal, SA_RESTART);
    atexit(chardev_restore_terminals);
}

/*
 * Raw input; output keeps its mapping of newlines, for the messages that
 * others write to the terminal.
 * @signals  Ctrl-C, Ctrl-Z and Ctrl-\ act on the process, not on the guest
 */
static void stdio_make_raw(bool signals)
{
    if (tcgetattr(STDIN_FILENO, &stdio_state.saved) < 0) {
        return; /* no terminal: nothing to change or to put back */
    }
    stdio_state.raw = stdio_state.saved;
    stdio_state.raw.c_iflag &=
        ~(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
    stdio_state.raw.c_lflag &= ~(ECHO | ECHONL | ICANON | IEXTEN);
    if (!signals) {
        stdio_state.raw.c_lflag &= ~ISIG;
    }
    stdio_state.raw.c_cflag =
        (stdio_state.raw.c_cflag & ~(CSIZE | PARENB)) | CS8;
    stdio_state.raw.c_cc[VMIN] = 1;
    stdio_state.raw.c_cc[VTIME] = 0;
    stdio_install_handlers();
    stdio_state.is_raw = 1;
    stdio_cont_signal(SIGCONT);
}

/* A non-blocking descriptor for standard input (0) or output (1). */
static int stdio_nonblocking(int fd, int mode)
{
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", fd);
    struct stat st;
    int flags, own;

    if (fstat(fd, &st) < 0) {
        return -1;
    }
    if (S_ISREG(st.st_mode) || S_ISSOCK(st.st_mode)) {
        return fd; /* files never block; sockets are sent to without waiting */
    }
    if (isatty(fd) || S_ISFIFO(st.st_mode)) {
        own = open(path, mode | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (own >= 0) {
            return own;
        }
    }
    flags = fcntl(fd, F_GETFL);
    if (flags >= 0 && !(flags & O_NONBLOCK) &&
        fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0) {
        stdio_state.saved_flags[fd] = flags;
        stdio_install_handlers();
    }
    return fd;
}

static StdioChardev *stdio_of(Chardev *chr)
{
    return container_of(chr, StdioChardev, chr);
}

/* -chardev stdio[,signal=off] */
static bool stdio_open(Chardev *chr, KeyVal *opts, GError **errp)
{
    StdioChardev *s = stdio_of(chr);
    bool signals;

    char_fd_init(&s->fd, chr, -1, -1, NULL);
    if (!keyval_get_bool(opts, "signal", true, &signals, errp)) {
        return false;
    }
    if (stdio_state.in_use) {
        error_setg(errp, "cannot use stdio by multiple character devices");
        return false;
    }
    stdio_state.in_use = true;
    char_fd_init(&s->fd, chr, stdio_nonblocking(STDIN_FILENO, O_RDONLY),
                 stdio_nonblocking(STDOUT_FILENO, O_WRONLY), NULL);
    stdio_make_raw(signals);
    return true;
}

static void stdio_close(Chardev *chr)
{
    StdioChardev *s = stdio_of(chr);

    if (s->fd.in < 0 && s->fd.out < 0) {
        return; /* it never was this one's */
    }
    char_fd_close(&s->fd);
    chardev_restore_terminals();
    stdio_state.is_raw = 0;
    stdio_state.saved_flags[0] = stdio_state.saved_flags[1] = -1;
    stdio_state.in_use = false;
}

static size_t stdio_write(Chardev *chr, const uint8_t *buf, size_t len)
{
    return char_fd_write(&stdio_of(chr)->fd, buf, len);
}

static void stdio_accept_input(Chardev *chr)
{
    char_fd_update_input(&stdio_of(chr)->fd);
}

const ChardevOps char_stdio_ops = {
    .name = "stdio",
    .size = sizeof(StdioChardev),
    .open = stdio_open,
    .close = stdio_close,
    .write = stdio_write,
    .accept_input = stdio_accept_input,
};
