/* SPDX-License-Identifier: MIT */
/* -daemonize and -pidfile. */
#include "system/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/error.h"
#include "util/host_name.h"

/* The parent's end of the news; -1 when not daemonizing. */
static int daemon_pipe = -1;
static int daemon_null = -1; /* /dev/null: a changed root has none */
static HostName *pidfile_name;
static pid_t pidfile_owner;

/* The child's word, one byte, or its end without one. */
static G_NORETURN void daemon_parent(int fd)
{
    uint8_t status;
    ssize_t n;

    do {
        n = read(fd, &status, 1);
    } while (n < 0 && errno == EINTR);
    /* _exit: the child shares stdio's buffers and atexit's functions. */
    _exit(n == 1 && status == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}

bool daemon_begin(GError **errp)
{
    int fds[2];
    pid_t pid;

    daemon_null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (daemon_null < 0) {
        error_setg(errp, "-daemonize: could not open /dev/null: %s",
                   g_strerror(errno));
        return false;
    }
    if (pipe2(fds, O_CLOEXEC) < 0 || (pid = fork()) < 0) {
        error_setg(errp, "-daemonize: could not fork: %s", g_strerror(errno));
        return false;
    }
    if (pid > 0) {
        close(fds[1]);
        daemon_parent(fds[0]);
    }
    close(fds[0]);
    daemon_pipe = fds[1];
    setsid();
    return true;
}

bool daemon_ready(GError **errp)
{
    uint8_t status = 0;

    if (daemon_pipe < 0) {
        return true;
    }
    for (int fd = 0; fd <= 2; fd++) {
        dup2(daemon_null, fd);
    }
    close(daemon_null);
    if (write(daemon_pipe, &status, 1) != 1) {
        error_setg(errp, "-daemonize: the parent is gone");
        return false;
    }
    close(daemon_pipe);
    daemon_pipe = -1;
    return true;
}

/* An open-file lock marks the file as that of a living process. */
static bool pidfile_lock(int fd)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    return fcntl(fd, F_SETLK, &lock) == 0;
}

bool pidfile_create(const char *path, GError **errp)
{
    g_autofree char *text = g_strdup_printf("%ld\n", (long)getpid());
    size_t len = strlen(text);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);

    if (fd < 0) {
        error_setg(errp, "cannot create PID file: Could not create '%s': %s",
                   path, g_strerror(errno));
        return false;
    }
    if (!pidfile_lock(fd)) {
        error_setg(errp,
                   "cannot create PID file: '%s' is locked by a running "
                   "process",
                   path);
        close(fd);
        return false;
    }
    if (ftruncate(fd, 0) < 0 || write(fd, text, len) != (ssize_t)len) {
        error_setg(errp, "cannot create PID file: Could not write '%s': %s",
                   path, g_strerror(errno));
        close(fd);
        return false;
    }
    /* The descriptor stays open: closing it would drop the lock. */
    pidfile_name = host_name_new(path);
    pidfile_owner = getpid();
    return true;
}

void pidfile_remove(void)
{
    if (pidfile_owner == getpid()) {
        host_name_unlink(g_steal_pointer(&pidfile_name));
    }
}
