/* SPDX-License-Identifier: MIT */
/* What each group of -sandbox forbids, and what none does; in children. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>

#include "system/sandbox.h"

#define FORBIDDEN (-SIGSYS) /* the call ended the process */

typedef int SandboxTry(void);

/* What @try returns under @groups, or -SIGNAL. */
static int under(SandboxGroup groups, SandboxTry *try)
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        _exit(sandbox_enter(groups, NULL) ? try() : 99);
    }
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static int try_sysfs(void)
{
    syscall(SYS_sysfs, 3);
    return 0;
}

static int try_syslog(void)
{
    syscall(SYS_syslog, 10, NULL, 0);
    return 0;
}

static int try_setuid(void)
{
    return setuid(getuid()) < 0 ? errno : 0;
}

static int try_fork(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        _exit(0);
    }
    return pid < 0 ? errno : waitpid(pid, NULL, 0) != pid;
}

static int try_exec(void)
{
    execl("/bin/true", "true", NULL);
    return errno;
}

static void *thread_body(void *opaque)
{
    *(bool *)opaque = true;
    return NULL;
}

static int try_thread(void)
{
    pthread_t thread;
    bool ran = false;

    if (pthread_create(&thread, NULL, thread_body, &ran) ||
        pthread_join(thread, NULL)) {
        return 1;
    }
    return ran ? 0 : 2;
}

static int try_priority(void)
{
    return setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0)) < 0
               ? errno
               : 0;
}

static int try_set_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_CORE, &limit) < 0) {
        return 1;
    }
    return setrlimit(RLIMIT_CORE, &limit) < 0 ? errno : 0;
}

static int try_attributes(void)
{
    return syscall(SYS_sched_setattr, 0, NULL, 0) < 0 ? errno : 0;
}

static void test_groups(void)
{
    static const struct {
        SandboxGroup group;
        SandboxTry *try;
        int without, with;
    } rows[] = {
        { SANDBOX_ALWAYS, try_syslog, 0, FORBIDDEN },
        { SANDBOX_OBSOLETE, try_sysfs, 0, FORBIDDEN },
        { SANDBOX_PRIVILEGES, try_setuid, 0, FORBIDDEN },
        { SANDBOX_SPAWN, try_fork, 0, FORBIDDEN },
        { SANDBOX_SPAWN, try_exec, 0, FORBIDDEN },
        { SANDBOX_RESOURCES, try_priority, 0, EPERM },
        { SANDBOX_RESOURCES, try_set_limit, 0, EPERM },
        { SANDBOX_RESOURCES, try_attributes, EINVAL, 0 },
    };
    SandboxGroup all = SANDBOX_ALWAYS | SANDBOX_OBSOLETE | SANDBOX_PRIVILEGES |
                       SANDBOX_SPAWN | SANDBOX_RESOURCES;

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_test_message("row %u", i);
        g_assert_cmpint(under(all & ~rows[i].group, rows[i].try), ==,
                        rows[i].without);
        g_assert_cmpint(under(rows[i].group, rows[i].try), ==, rows[i].with);
    }
    g_assert_cmpint(under(all, try_thread), ==, 0);
}

/* Those that were there before are filtered too. */
static void *fork_later(void *opaque)
{
    pthread_barrier_wait(opaque);
    pthread_barrier_wait(opaque);
    try_fork();
    return NULL;
}

static int try_other_thread(void)
{
    pthread_barrier_t meet;
    pthread_t thread;

    pthread_barrier_init(&meet, NULL, 2);
    pthread_create(&thread, NULL, fork_later, &meet);
    pthread_barrier_wait(&meet);
    if (!sandbox_enter(SANDBOX_SPAWN, NULL)) {
        return 1;
    }
    pthread_barrier_wait(&meet);
    pthread_join(thread, NULL);
    return 0;
}

static void test_threads(void)
{
    g_assert_cmpint(under(0, try_other_thread), ==, FORBIDDEN);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sandbox/groups", test_groups);
    g_test_add_func("/sandbox/threads", test_threads);
    return g_test_run();
}
