/* SPDX-License-Identifier: MIT */
/*
 * The back-end "socket": stream sockets, Unix or TCP, server or client, or one
 * inherited as a descriptor.  A server has one client at a time; others wait
 * in the listen queue.  telnet=on strips the protocol's commands from input
 * (RFC 854, "Telnet Protocol Specification").
 *
 * A client is connected before the machine is made, or there is no machine.
 * Once the main loop runs, and with reconnect=, nothing waits for the other
 * side: the attempt has a thread of its own (socket_attempt.c), and the
 * back-end has no peer until then.
 *
 * Not offered: TLS, websockets.
 */
#include "chardev/backend.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib-unix.h>

#include "chardev/socket_attempt.h"
#include "util/error.h"
#include "util/timer.h"

/* RFC 854, "Telnet Command Structure"; RFC 857 ECHO, RFC 858 SGA. */
enum {
    TELNET_SE = 240,
    TELNET_BREAK = 243,
    TELNET_SB = 250,
    TELNET_WILL = 251,
    TELNET_DO = 253,
    TELNET_DONT = 254,
    TELNET_IAC = 255,
    TELNET_OPT_BINARY = 0,
    TELNET_OPT_ECHO = 1,
    TELNET_OPT_SGA = 3,
};

static const uint8_t telnet_iac_pair[] = {TELNET_IAC, TELNET_IAC};

typedef enum TelnetState {
    TELNET_DATA,
    TELNET_COMMAND,        /* after IAC */
    TELNET_OPTION,         /* after WILL, WON'T, DO or DON'T */
    TELNET_SUBNEGOTIATION, /* after SB, up to IAC SE */
    TELNET_SUB_IAC,
} TelnetState;

typedef struct SocketChardev {
    Chardev chr;
    CharFd fd;
    int listen_fd; /* -1: a client */
    guint listen_source;
    HostName *name;    /* Unix server: removed at the end */
    char *address;     /* "unix:PATH", "tcp:HOST:PORT", "fd:N" */
    SocketTarget to;   /* of a client */
    SocketAttempt *attempt; /* under way, or NULL */
    Timer redial;           /* begins the next one */
    unsigned reconnect_s;   /* after a failure; 0: there is no next one */
    bool failure_told;      /* since there was a peer */
    bool telnet;
    TelnetState telnet_state;
} SocketChardev;

static SocketChardev *socket_of(Chardev *chr)
{
    return container_of(chr, SocketChardev, chr);
}

static void socket_set_filename(SocketChardev *s)
{
    g_free(s->chr.filename);
    s->chr.filename = g_strdup_printf(
        "%s%s%s", s->chr.peer ? "" : "disconnected:", s->address,
        s->listen_fd >= 0 ? ",server=on" : "");
}

/* --- telnet --- */

/* Ask for a peer that sends each key as it is typed. */
static void socket_send_telnet_init(SocketChardev *s)
{
    static const uint8_t init[] = {
        TELNET_IAC,        TELNET_WILL,    TELNET_OPT_ECHO, TELNET_IAC,
        TELNET_WILL,       TELNET_OPT_SGA, TELNET_IAC,      TELNET_WILL,
        TELNET_OPT_BINARY, TELNET_IAC,     TELNET_DO,       TELNET_OPT_BINARY,
    };

    char_fd_write(&s->fd, init, sizeof(init));
}

/* Feed one byte.  Returns true when it is data. */
static bool socket_telnet_byte(SocketChardev *s, uint8_t byte)
{
    switch (s->telnet_state) {
    case TELNET_DATA:
        if (byte == TELNET_IAC) {
            s->telnet_state = TELNET_COMMAND;
            return false;
        }
        return true;
    case TELNET_COMMAND:
        s->telnet_state = byte == TELNET_SB ? TELNET_SUBNEGOTIATION
                          : byte >= TELNET_WILL && byte <= TELNET_DONT
                              ? TELNET_OPTION
                              : TELNET_DATA;
        if (byte == TELNET_BREAK) {
            chr_event(&s->chr, CHAR_EVENT_BREAK);
        }
        return byte == TELNET_IAC; /* doubled: one byte 255 */
    case TELNET_OPTION:
        s->telnet_state = TELNET_DATA;
        return false;
    case TELNET_SUBNEGOTIATION:
        if (byte == TELNET_IAC) {
            s->telnet_state = TELNET_SUB_IAC;
        }
        return false;
    case TELNET_SUB_IAC:
        s->telnet_state =
            byte == TELNET_SE ? TELNET_DATA : TELNET_SUBNEGOTIATION;
        return false;
    }
    return false;
}

static size_t socket_filter(Chardev *chr, uint8_t *buf, size_t len)
{
    SocketChardev *s = socket_of(chr);
    size_t kept = 0;

    for (size_t i = 0; i < len; i++) {
        if (socket_telnet_byte(s, buf[i])) {
            buf[kept++] = buf[i];
        }
    }
    return kept;
}

/* --- connections --- */

static void socket_listen(SocketChardev *s);

static void socket_redial_in(SocketChardev *s, unsigned seconds)
{
    timer_mod_ns(&s->redial,
                 clock_get_ns(CLOCK_TYPE_REALTIME) + seconds * NS_PER_SEC);
}

static void socket_hangup(Chardev *chr)
{
    SocketChardev *s = socket_of(chr);

    char_fd_close(&s->fd);
    chr->peer = false;
    socket_set_filename(s);
    if (s->listen_fd >= 0) {
        socket_listen(s);
    } else if (s->reconnect_s) {
        socket_redial_in(s, s->reconnect_s);
    }
    chr_event(chr, CHAR_EVENT_CLOSED);
}

static bool socket_is_unix(int fd)
{
    struct sockaddr_storage name;
    socklen_t len = sizeof(name);

    return getsockname(fd, (struct sockaddr *)&name, &len) == 0 &&
           name.ss_family == AF_UNIX;
}

/* @fd is connected: it is the peer from now on. */
static void socket_connected(SocketChardev *s, int fd)
{
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    char_fd_init(&s->fd, &s->chr, fd, fd, socket_hangup);
    s->fd.take_passed = socket_is_unix(fd);
    if (s->telnet) {
        s->telnet_state = TELNET_DATA;
        s->fd.filter = socket_filter;
        socket_send_telnet_init(s);
    }
    s->chr.peer = true;
    s->failure_told = false;
    socket_set_filename(s);
    chr_event(&s->chr, CHAR_EVENT_OPENED);
    char_fd_update_input(&s->fd);
}

/* --- clients --- */

static void socket_dialled(void *opaque, int fd, const GError *err)
{
    SocketChardev *s = opaque;

    s->attempt = NULL;
    if (fd >= 0) {
        socket_connected(s, fd);
        return;
    }
    if (!s->failure_told) {
        warn_report("chardev '%s': %s", s->chr.id, err->message);
        s->failure_told = true;
    }
    if (s->reconnect_s) {
        socket_redial_in(s, s->reconnect_s);
    }
}

static void socket_redial(void *opaque)
{
    SocketChardev *s = opaque;

    s->attempt = socket_attempt_new(&s->to, socket_dialled, s);
}

/* What can be known at once of a Unix socket is; the rest is the main loop's,
 * as a process that is yet to fork can have no threads. */
static bool socket_dial(SocketChardev *s, GError **errp)
{
    GError *err = NULL;
    int fd = s->to.path ? socket_try_connect(&s->to, &err) : -1;

    if (fd >= 0) {
        socket_connected(s, fd);
        return true;
    }
    if (err && !s->reconnect_s) {
        g_propagate_error(errp, err);
        return false;
    }
    g_clear_error(&err);
    socket_set_filename(s);
    socket_redial_in(s, 0);
    return true;
}

static bool socket_open_client(SocketChardev *s, GError **errp)
{
    int fd;

    if (s->reconnect_s || chardev_is_running()) {
        return socket_dial(s, errp);
    }
    fd = socket_connect(&s->to, NULL, errp);
    if (fd < 0) {
        return false;
    }
    socket_connected(s, fd);
    return true;
}

static gboolean socket_accept(gint fd, GIOCondition cond, gpointer opaque)
{
    SocketChardev *s = opaque;
    int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

    if (client < 0) {
        return G_SOURCE_CONTINUE; /* it went away before we came */
    }
    s->listen_source = 0;
    socket_connected(s, client);
    return G_SOURCE_REMOVE;
}

static void socket_listen(SocketChardev *s)
{
    if (!s->listen_source) {
        s->listen_source =
            g_unix_fd_add(s->listen_fd, G_IO_IN, socket_accept, s);
    }
}

/* wait=on: the machine is not made before the client is there. */
static bool socket_wait_for_client(SocketChardev *s, GError **errp)
{
    struct pollfd pfd = {.fd = s->listen_fd, .events = POLLIN};
    int client;

    socket_set_filename(s);
    g_printerr("heddle: waiting for connection on: %s\n", s->chr.filename);
    do {
        while (poll(&pfd, 1, -1) < 0 && errno == EINTR) {
        }
        client = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC);
    } while (client < 0 &&
             (errno == EINTR || errno == ECONNABORTED || errno == EAGAIN));
    if (client < 0) {
        error_setg(errp, "Failed to accept on '%s': %s", s->address,
                   g_strerror(errno));
        return false;
    }
    socket_connected(s, client);
    return true;
}

/* --- options --- */

typedef struct SocketOptions {
    bool server, wait;
    const char *path, *host, *port, *fd;
} SocketOptions;

static bool socket_parse_reconnect(SocketChardev *s, KeyVal *opts,
                                   const SocketOptions *o, GError **errp)
{
    uint64_t seconds;

    if (!keyval_get_uint(opts, "reconnect", 0, INT32_MAX, &seconds, errp)) {
        return false;
    }
    if (keyval_has(opts, "reconnect") && (o->server || o->fd)) {
        error_setg(errp, "'reconnect' option is incompatible with %s",
                   o->fd ? "'fd' address type"
                         : "socket in server listen mode");
        return false;
    }
    s->reconnect_s = seconds;
    return true;
}

static bool socket_parse(SocketChardev *s, KeyVal *opts, SocketOptions *o,
                         GError **errp)
{
    bool ignored;

    o->path = keyval_get(opts, "path", NULL);
    o->host = keyval_get(opts, "host", "");
    o->port = keyval_get(opts, "port", NULL);
    o->fd = keyval_get(opts, "fd", NULL);
    if (!keyval_get_bool(opts, "server", false, &o->server, errp) ||
        !keyval_get_bool(opts, "wait", o->server, &o->wait, errp) ||
        !keyval_get_bool(opts, "telnet", false, &s->telnet, errp) ||
        !keyval_get_bool(opts, "nodelay", false, &ignored, errp)) {
        return false;
    }
    if (!o->path + !o->port + !o->fd != 2) {
        error_setg(errp, "chardev: socket: give one of path=, fd= and "
                         "host= with port=");
        return false;
    }
    if (o->wait && !o->server) {
        error_setg(errp, "'wait' option is incompatible with socket in "
                         "client connect mode");
        return false;
    }
    return socket_parse_reconnect(s, opts, o, errp);
}

static void socket_name(SocketChardev *s, const SocketOptions *o)
{
    s->to = (SocketTarget){ g_strdup(o->path), g_strdup(o->host),
                            g_strdup(o->port) };
    s->address = o->path ? g_strdup_printf("unix:%s", o->path)
                 : o->fd
                     ? g_strdup_printf("fd:%s", o->fd)
                     : g_strdup_printf("%s:%s:%s", s->telnet ? "telnet" : "tcp",
                                       o->host, o->port);
}

/* One that was inherited: listening (@server) or connected. */
static int socket_inherited(const SocketOptions *o, GError **errp)
{
    uint64_t number;

    return parse_uint(o->fd, INT_MAX, &number, errp)
               ? socket_check_fd((int)number, errp)
               : -1;
}

static int socket_make_server(SocketChardev *s, const SocketOptions *o,
                              GError **errp)
{
    return o->path ? socket_listen_unix(o->path, &s->name, errp)
           : o->fd ? socket_inherited(o, errp)
                   : socket_listen_tcp(o->host, o->port, errp);
}

static bool socket_open_server(SocketChardev *s, const SocketOptions *o,
                               GError **errp)
{
    int fd = socket_make_server(s, o, errp);

    if (fd < 0) {
        return false;
    }
    s->listen_fd = fd;
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    if (o->wait) {
        return socket_wait_for_client(s, errp);
    }
    socket_set_filename(s);
    socket_listen(s);
    return true;
}

static bool socket_open(Chardev *chr, KeyVal *opts, GError **errp)
{
    SocketChardev *s = socket_of(chr);
    SocketOptions o;
    int fd;

    s->listen_fd = -1;
    char_fd_init(&s->fd, chr, -1, -1, socket_hangup);
    timer_init(&s->redial, CLOCK_TYPE_REALTIME, socket_redial, s);
    chr->peer = false;
    if (!socket_parse(s, opts, &o, errp)) {
        return false;
    }
    socket_name(s, &o);
    if (o.server) {
        return socket_open_server(s, &o, errp);
    }
    if (!o.fd) {
        return socket_open_client(s, errp);
    }
    fd = socket_inherited(&o, errp);
    if (fd >= 0) {
        socket_connected(s, fd);
    }
    return fd >= 0;
}

static void socket_close(Chardev *chr)
{
    SocketChardev *s = socket_of(chr);

    char_fd_close(&s->fd);
    timer_del(&s->redial);
    if (s->attempt) {
        socket_attempt_cancel(s->attempt);
    }
    if (s->listen_source) {
        g_source_remove(s->listen_source);
    }
    if (s->listen_fd >= 0) {
        close(s->listen_fd);
    }
    host_name_unlink(s->name);
    socket_target_clear(&s->to);
    g_free(s->address);
}

static size_t socket_write(Chardev *chr, const uint8_t *buf, size_t len)
{
    SocketChardev *s = socket_of(chr);
    size_t done = 0;

    if (!s->telnet) {
        return char_fd_write(&s->fd, buf, len);
    }
    while (done < len) {
        const uint8_t *iac = memchr(buf + done, TELNET_IAC, len - done);
        size_t plain = iac ? (size_t)(iac - buf) - done : len - done;
        size_t n = char_fd_write(&s->fd, buf + done, plain);

        done += n;
        if (n < plain) {
            return done;
        }
        /* A byte 255 is sent doubled.  Should the host take but half of the
         * pair, the other half follows as the next "pair" does: the peer may
         * then read one stray IAC command, never a lost byte. */
        if (iac) {
            if (char_fd_write(&s->fd, telnet_iac_pair, 2) == 0) {
                return done;
            }
            done++;
        }
    }
    return done;
}

static void socket_accept_input(Chardev *chr)
{
    char_fd_update_input(&socket_of(chr)->fd);
}

const ChardevOps char_socket_ops = {
    .name = "socket",
    .size = sizeof(SocketChardev),
    .open = socket_open,
    .close = socket_close,
    .write = socket_write,
    .accept_input = socket_accept_input,
};
