/* SPDX-License-Identifier: MIT */
/*
 * Signals that ask for the end.  They are blocked in every thread (threads
 * inherit the mask) and read from a descriptor on the main loop, so that no
 * code runs in a handler.
 */
#include "system/launch.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <glib-unix.h>

#include "system/runstate.h"
#include "util/error.h"

static gboolean signals_readable(gint fd, GIOCondition cond, gpointer opaque)
{
    struct signalfd_siginfo info;

    if (read(fd, &info, sizeof(info)) == sizeof(info)) {
        if (info.ssi_signo != SIGINT) {
            error_report("terminating on signal %u from pid %u", info.ssi_signo,
                         info.ssi_pid);
        }
        system_shutdown_request(SHUTDOWN_HOST_SIGNAL);
    }
    return G_SOURCE_CONTINUE;
}

bool signals_init(GError **errp)
{
    sigset_t set;
    int fd;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd < 0) {
        error_setg(errp, "could not make a signal descriptor: %s",
                   g_strerror(errno));
        return false;
    }
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    g_unix_fd_add(fd, G_IO_IN, signals_readable, NULL);
    return true;
}
