/* SPDX-License-Identifier: MIT */
/* Stream sockets from names: Unix paths, hosts and ports. */
#include "chardev/socket_address.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "util/error.h"

void socket_target_clear(SocketTarget *to)
{
    g_clear_pointer(&to->path, g_free);
    g_clear_pointer(&to->host, g_free);
    g_clear_pointer(&to->port, g_free);
}

static bool stop_asked(const bool *stop)
{
    return stop && __atomic_load_n(stop, __ATOMIC_ACQUIRE);
}

/* connect() goes on where its time-out or a signal has interrupted it.  Nobody
 * sends with a time-out later: writes do not block. */
static bool connect_fd(int fd, const struct sockaddr *sa, socklen_t len,
                       const bool *stop)
{
    const struct timeval second = { .tv_sec = 1 };
    int ret;

    if (stop) {
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &second, sizeof(second));
    }
    do {
        ret = connect(fd, sa, len);
    } while (ret < 0 &&
             (errno == EAGAIN || errno == EINPROGRESS || errno == EALREADY ||
              errno == EINTR) &&
             !stop_asked(stop));
    return ret == 0 || errno == EISCONN;
}

/* A socket, and the address of @path; sun_path is short and has no escape. */
static int unix_socket(const char *path, struct sockaddr_un *sa, GError **errp)
{
    int fd;

    *sa = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(sa->sun_path)) {
        error_setg(errp,
                   "UNIX socket path '%s' is too long: use one of at "
                   "most %zu bytes",
                   path, sizeof(sa->sun_path) - 1);
        return -1;
    }
    strcpy(sa->sun_path, path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        error_setg(errp, "Failed to create Unix socket: %s", g_strerror(errno));
    }
    return fd;
}

int socket_listen_unix(const char *path, HostName **name, GError **errp)
{
    struct sockaddr_un sa;
    struct stat st;
    int fd = unix_socket(path, &sa, errp);

    if (fd < 0) {
        return -1;
    }
    /* bind() refuses a name that exists, even one that nobody listens at; what
     * is no socket is not ours to remove. */
    if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode)) {
        unlink(path);
    }
    /* A monitor is the machine's owner's: the name that bind() makes has the
     * mode that the socket has. */
    fchmod(fd, 0600);
    if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 || listen(fd, 1) < 0) {
        error_setg(errp, "Failed to bind socket to '%s': %s", path,
                   g_strerror(errno));
        close(fd);
        return -1;
    }
    *name = host_name_new(path);
    return fd;
}

static int connect_unix(const char *path, const bool *stop, GError **errp)
{
    struct sockaddr_un sa;
    int fd = unix_socket(path, &sa, errp);

    if (fd < 0) {
        return -1;
    }
    if (!connect_fd(fd, (struct sockaddr *)&sa, sizeof(sa), stop)) {
        error_setg(errp, "Failed to connect to '%s': %s", path,
                   g_strerror(errno));
        close(fd);
        return -1;
    }
    return fd;
}

/* A Unix socket's answer is there at once, or its queue is full. */
int socket_try_connect(const SocketTarget *to, GError **errp)
{
    struct sockaddr_un sa;
    int fd = unix_socket(to->path, &sa, errp);

    if (fd < 0) {
        return -1;
    }
    fcntl(fd, F_SETFL, O_NONBLOCK);
    if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0) {
        if (errno != EAGAIN) {
            error_setg(errp, "Failed to connect to '%s': %s", to->path,
                       g_strerror(errno));
        }
        close(fd);
        return -1;
    }
    return fd;
}

/* Bind or connect to one of the addresses of @host and @port. */
static int tcp_socket(const struct addrinfo *ai, bool server, const bool *stop)
{
    int one = 1, saved;
    int fd =
        socket(ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC, ai->ai_protocol);

    if (fd < 0) {
        return -1;
    }
    if (server) {
        /* A server started again must not wait for old connections to age. */
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
        if (bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 && listen(fd, 1) == 0) {
            return fd;
        }
    } else if (connect_fd(fd, ai->ai_addr, ai->ai_addrlen, stop)) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        return fd;
    }
    saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

/* The first address that works; errno is that of the last that did not. */
static int tcp_open(const char *host, const char *port, bool server,
                    const bool *stop, GError **errp)
{
    struct addrinfo hints = {
        .ai_socktype = SOCK_STREAM,
        .ai_flags = server ? AI_PASSIVE : 0,
    };
    struct addrinfo *list;
    int fd = -1, err;

    err = getaddrinfo(*host ? host : NULL, port, &hints, &list);
    if (err != 0) {
        error_setg(errp, "address resolution failed for %s:%s: %s", host, port,
                   gai_strerror(err));
        return -1;
    }
    for (const struct addrinfo *ai = list; ai && fd < 0 && !stop_asked(stop);
         ai = ai->ai_next) {
        fd = tcp_socket(ai, server, stop);
    }
    if (fd < 0) {
        error_setg(errp, "Failed to %s '%s:%s': %s",
                   server ? "listen on" : "connect to", host, port,
                   g_strerror(errno));
    }
    freeaddrinfo(list);
    return fd;
}

int socket_listen_tcp(const char *host, const char *port, GError **errp)
{
    return tcp_open(host, port, true, NULL, errp);
}

int socket_connect(const SocketTarget *to, const bool *stop, GError **errp)
{
    return to->path ? connect_unix(to->path, stop, errp)
                    : tcp_open(to->host, to->port, false, stop, errp);
}

/* The number comes from the command line: it may be any open file, or none. */
int socket_check_fd(int fd, GError **errp)
{
    int type;
    socklen_t len = sizeof(type);

    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0 ||
        type != SOCK_STREAM) {
        error_setg(errp, "File descriptor '%d' is not a stream socket", fd);
        return -1;
    }
    return fd;
}
