/* SPDX-License-Identifier: MIT */
/*
 * The work spread over processes: job J of N runs every N-th batch, on engines
 * of its own.  What they have in common lies in shared memory.
 */
#include "isa.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

IsaTotals *isa_totals;

static int lock_fd;

void *shared_memory(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED) {
        g_error("No memory for %zu bytes: %s", bytes, g_strerror(errno));
    }
    return p;
}

void jobs_init(void)
{
    isa_totals = shared_memory(sizeof(*isa_totals));
    lock_fd = memfd_create("isa-report", MFD_CLOEXEC);
    if (lock_fd < 0) {
        g_error("memfd: %s", g_strerror(errno));
    }
}

void jobs_lock(void)
{
    while (lockf(lock_fd, F_LOCK, 0) && errno == EINTR) {
    }
}

void jobs_unlock(void)
{
    fflush(stdout);
    (void)!lockf(lock_fd, F_ULOCK, 0);
}

static pid_t start_job(unsigned job, void (*run)(void *, unsigned), void *arg)
{
    pid_t pid = fork();

    if (pid < 0) {
        g_error("fork: %s", g_strerror(errno));
    }
    if (!pid) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        run(arg, job);
        fflush(NULL);
        _exit(0);
    }
    return pid;
}

bool jobs_run(unsigned count, void (*run)(void *, unsigned), void *arg)
{
    g_autofree pid_t *pids = g_new(pid_t, count);
    bool good = true;
    int status;

    fflush(NULL);
    for (unsigned i = 0; i < count; i++) {
        pids[i] = start_job(i, run, arg);
    }
    for (unsigned i = 0; i < count; i++) {
        good &= waitpid(pids[i], &status, 0) == pids[i] && status == 0;
    }
    return good;
}
