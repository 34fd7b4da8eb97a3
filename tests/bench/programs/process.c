/* SPDX-License-Identifier: MIT */
/* Processes: fork and exec of small programs, and two that take turns. */
#include "bench.h"

#include <sys/wait.h>
#include <unistd.h>

static void run_and_wait(const char *path, const char *name)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        execl(path, name, (char *)NULL);
        _exit(127);
    }
    if (waitpid(pid, &status, 0) != pid || status) {
        bench_fail("a child failed");
    }
}

static uint64_t run_exec_static(unsigned count)
{
    while (count--) {
        run_and_wait("/bin/busybox", "true");
    }
    return 0;
}

static uint64_t run_exec_dynamic(unsigned count)
{
    while (count--) {
        run_and_wait("/bin/true", "true");
    }
    return 0;
}

/* Fork alone: a copy of 2 MiB of touched memory, some of it written again. */
static uint64_t run_fork(unsigned count)
{
    enum { SIZE = 2 << 20 };
    char *memory = bench_alloc(SIZE);
    uint64_t sum = 0;
    int status;

    memset(memory, 1, SIZE);
    while (count--) {
        pid_t pid = fork();

        if (pid == 0) {
            memset(memory, 2, SIZE / 8);
            _exit(memory[0] + memory[SIZE - 1]);
        }
        waitpid(pid, &status, 0);
        sum += WEXITSTATUS(status);
    }
    free(memory);
    return sum;
}

/* The other end of run_pipe(): every byte comes back, plus one. */
static void echo(int from, int to)
{
    uint8_t c;

    while (read(from, &c, 1) == 1) {
        c++;
        if (write(to, &c, 1) != 1) {
            break;
        }
    }
    _exit(0);
}

static uint64_t run_pipe(unsigned count)
{
    int there[2], back[2];
    uint64_t sum = 0, i;
    uint8_t c = 0;

    if (pipe(there) || pipe(back)) {
        bench_fail("no pipe");
    }
    if (fork() == 0) {
        close(there[1]);
        close(back[0]);
        echo(there[0], back[1]);
    }
    close(there[0]);
    close(back[1]);
    for (i = 0; i < count * 1000ull; i++) {
        if (write(there[1], &c, 1) != 1 || read(back[0], &c, 1) != 1) {
            bench_fail("the pipe broke");
        }
        sum += c;
    }
    close(there[1]);
    close(back[0]);
    wait(NULL);
    return sum;
}

const BenchProgram process_programs[] = {
    {"exec-static", run_exec_static, 500},
    {"exec-dynamic", run_exec_dynamic, 400},
    {"fork", run_fork, 700},
    {"pipe", run_pipe, 20},
    {NULL},
};
