/* SPDX-License-Identifier: MIT */
/*
 * The harness around the measured programs, the same binary on the bare machine
 * and in a guest.  It serves requests on standard input, one a line:
 *
 *   NAME PERCENT       run NAME with that share of its normal count
 *
 * and answers each with one line:
 *
 *   RESULT NAME SPENT ELAPSED CPU CHECKSUM
 *   FAILED NAME REASON
 *
 * The times are nanoseconds: of the measured work, of everything that the request
 * took, and of processor time in the measured work.
 *
 * Each program runs in a child, so that one that dies takes nothing with it.
 */
#include "bench.h"

#include <inttypes.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

/* What the child leaves for the harness. */
typedef struct Outcome {
    int done;
    uint64_t spent_ns, elapsed_ns, cpu_ns, checksum;
    char reason[100];
} Outcome;

static Outcome *outcome;
static uint64_t started_ns, started_cpu_ns;

static const BenchProgram *const files[] = {
    integer_programs,     float_programs,  vector_sse2_programs,
    vector_avx2_programs, memory_programs, kernel_programs,
    process_programs,     thread_programs, command_programs,
};

static uint64_t now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

static uint64_t usage_ns(int who)
{
    struct rusage u;

    getrusage(who, &u);
    return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000000ull +
           (u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1000ull;
}

/* Of this process and the children that it has waited for. */
static uint64_t cpu_ns(void)
{
    return usage_ns(RUSAGE_SELF) + usage_ns(RUSAGE_CHILDREN);
}

void timer_pause(void)
{
    outcome->spent_ns += now_ns() - started_ns;
    outcome->cpu_ns += cpu_ns() - started_cpu_ns;
}

void timer_resume(void)
{
    started_cpu_ns = cpu_ns();
    started_ns = now_ns();
}

void bench_fail(const char *reason)
{
    snprintf(outcome->reason, sizeof(outcome->reason), "%s", reason);
    _exit(1);
}

static const BenchProgram *find_program(const char *name)
{
    const BenchProgram *p;
    size_t i;

    for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        for (p = files[i]; p->name; p++) {
            if (!strcmp(p->name, name)) {
                return p;
            }
        }
    }
    return NULL;
}

static void run_here(const BenchProgram *program, unsigned percent)
{
    unsigned count = program->count * percent / 100;
    uint64_t checksum, start = now_ns();

    timer_resume();
    checksum = program->run(count ? count : 1);
    timer_pause();
    outcome->elapsed_ns = now_ns() - start;
    outcome->checksum = checksum;
    outcome->done = 1;
}

static void run_in_child(const BenchProgram *program, unsigned percent)
{
    int status = 0;
    pid_t pid;

    memset(outcome, 0, sizeof(*outcome));
    pid = fork();
    if (pid == 0) {
        run_here(program, percent);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    if (outcome->done) {
        printf("RESULT %s %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIx64 "\n",
               program->name, outcome->spent_ns, outcome->elapsed_ns,
               outcome->cpu_ns, outcome->checksum);
    } else if (outcome->reason[0]) {
        printf("FAILED %s %s\n", program->name, outcome->reason);
    } else {
        printf("FAILED %s wait status 0x%x\n", program->name, status);
    }
}

/* The console is a plain stream: no echo, no line discipline. */
static void make_raw(void)
{
    struct termios t;

    if (tcgetattr(0, &t) == 0) {
        cfmakeraw(&t);
        t.c_lflag |= ICANON;
        t.c_oflag = 0;
        tcsetattr(0, TCSANOW, &t);
    }
}

int main(void)
{
    const BenchProgram *program;
    char line[100], name[50];
    unsigned percent;

    make_raw();
    outcome = mmap(NULL, sizeof(*outcome), PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    printf("READY\n");
    fflush(stdout);
    while (fgets(line, sizeof(line), stdin)) {
        if (sscanf(line, "%49s %u", name, &percent) != 2) {
            continue;
        }
        program = find_program(name);
        if (program) {
            run_in_child(program, percent);
        } else {
            printf("FAILED %s unknown\n", name);
        }
        fflush(stdout);
    }
    return 0;
}
