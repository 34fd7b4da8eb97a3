/* SPDX-License-Identifier: MIT */
/*
 * Threads, processes and signals: counters under locks and atomics, x87, MXCSR
 * and vector registers that other threads and handlers must not touch, pipes,
 * fork, vfork and exec.
 */
#define _GNU_SOURCE
#include <fenv.h>
#include <immintrin.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common.h"

#define THREADS 6
static int rounds = 2000;

/* --- counters --- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_spinlock_t spin;
static unsigned long locked, spun, plain_sum;
static atomic_ulong added, exchanged;
static unsigned __int128 wide __attribute__((aligned(16)));

static void add_wide(void)
{
    unsigned __int128 old = wide;

    while (!__sync_bool_compare_and_swap(&wide, old,
                                         old + ((unsigned __int128)1 << 60))) {
        old = wide;
    }
}

static void *count_up(void *arg)
{
    for (int i = 0; i < rounds; i++) {
        unsigned long old = atomic_load(&exchanged);

        pthread_mutex_lock(&mutex);
        locked++;
        pthread_mutex_unlock(&mutex);
        pthread_spin_lock(&spin);
        spun++;
        pthread_spin_unlock(&spin);
        atomic_fetch_add(&added, 3);
        while (!atomic_compare_exchange_weak(&exchanged, &old, old + 5)) {
        }
        add_wide();
    }
    return arg;
}

static void in_threads(void *(*job)(void *))
{
    pthread_t threads[THREADS];

    for (size_t i = 0; i < THREADS; i++) {
        must(pthread_create(&threads[i], NULL, job, (void *)i) == 0,
             "pthread_create");
    }
    for (size_t i = 0; i < THREADS; i++) {
        void *back;

        must(pthread_join(threads[i], &back) == 0, "pthread_join");
        plain_sum += (uintptr_t)back;
    }
}

static void counters(void)
{
    pthread_spin_init(&spin, 0);
    in_threads(count_up);
    printf("counters %lu %lu %lu %lu %llx\n", locked, spun, added, exchanged,
           (unsigned long long)(wide >> 60));
}

/* --- registers --- */

static atomic_ulong ticks, lost;

/* A handler that uses all that the threads keep. */
static void on_tick(int number)
{
    volatile double d = number;

    __asm__ volatile("vpcmpeqd %%ymm0, %%ymm0, %%ymm0\n"
                     "vmovdqa %%ymm0, %%ymm7; vmovdqa %%ymm0, %%ymm15\n"
                     "fninit; fldz; fldz"
                     :
                     :
                     : "xmm0", "xmm7", "xmm15", "st");
    d = d / 3;
    atomic_fetch_add(&ticks, 1);
}

/* Each thread has its own rounding, x87 stack and YMM registers. */
static void *keep_registers(void *arg)
{
    static const int modes[] = {FE_TONEAREST, FE_DOWNWARD, FE_UPWARD,
                                FE_TOWARDZERO};
    long n = (long)arg + 1;
    int mode = modes[n % 4];
    volatile double one = 1, three = 3 * n;
    double want;

    fesetround(mode);
    want = one / three;
    for (int i = 0; i < rounds * 5; i++) {
        unsigned mask;
        long double top = 0;
        long in = n;

        __asm__ volatile("vmovq %2, %%xmm0; vpbroadcastq %%xmm0, %%ymm0\n"
                         "vmovdqa %%ymm0, %%ymm7; vmovdqa %%ymm0, %%ymm15\n"
                         "fildll %3; movl $400, %0\n"
                         "1: pause; dec %0; jnz 1b\n"
                         "vpcmpeqq %%ymm0, %%ymm7, %%ymm1\n"
                         "vpcmpeqq %%ymm0, %%ymm15, %%ymm2\n"
                         "vpand %%ymm1, %%ymm2, %%ymm1\n"
                         "vpmovmskb %%ymm1, %0; vmovq %%xmm0, %2\n"
                         "fstpt %1"
                         : "=&r"(mask), "=m"(top), "+r"(n)
                         : "m"(in)
                         : "xmm0", "xmm1", "xmm2", "xmm7", "xmm15", "cc",
                           "memory");
        if (mask != 0xffffffff || top != n || fegetround() != mode ||
            one / three != want) {
            atomic_fetch_add(&lost, 1);
        }
        if (i % 64 == 0) {
            sched_yield();
        }
    }
    return arg;
}

static void registers(void)
{
    struct sigaction action = {.sa_handler = on_tick, .sa_flags = SA_RESTART};
    struct itimerval often = {{0, 1000}, {0, 1000}}, never = {{0, 0}, {0, 0}};

    must(sigaction(SIGALRM, &action, NULL) == 0, "sigaction");
    must(setitimer(ITIMER_REAL, &often, NULL) == 0, "setitimer");
    in_threads(keep_registers);
    while (atomic_load(&ticks) == 0) {
        sched_yield();
    }
    must(setitimer(ITIMER_REAL, &never, NULL) == 0, "setitimer");
    printf("registers lost %lu\n", atomic_load(&lost));
}

/* --- processes --- */

static int status_of(pid_t pid)
{
    int status;

    must(waitpid(pid, &status, 0) == pid, "waitpid");
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void processes(const char *self)
{
    volatile int sum = 0;

    for (volatile int i = 0; i < rounds / 50; i++) {
        pid_t pid = i % 2 ? vfork() : fork();

        must(pid >= 0, "fork");
        if (pid == 0) {
            execl(self, self, "exit", i % 3 ? "11" : "6", NULL);
            _exit(99);
        }
        sum += status_of(pid);
    }
    printf("processes %d\n", sum);
}

/* A child that writes what it changed; the parent's memory stays. */
static void pipes(void)
{
    static unsigned char bytes[100000];
    uint64_t state = 31, sum = DIGEST_INIT, before;
    int ends[2];
    ssize_t n;
    pid_t pid;

    fill_random(bytes, sizeof(bytes), &state);
    before = digest(DIGEST_INIT, bytes, sizeof(bytes));
    must(pipe(ends) == 0, "pipe");
    fflush(stdout);
    pid = fork();
    must(pid >= 0, "fork");
    if (pid == 0) {
        for (size_t i = 0; i < sizeof(bytes); i++) {
            bytes[i] ^= 0x5a;
        }
        for (size_t at = 0; at < sizeof(bytes); at += n) {
            n = write(ends[1], bytes + at, sizeof(bytes) - at);
            must(n > 0, "write");
        }
        _exit(0);
    }
    close(ends[1]);
    for (;;) {
        unsigned char part[7777];

        n = read(ends[0], part, sizeof(part));
        if (n <= 0) {
            break;
        }
        sum = digest(sum, part, n);
    }
    close(ends[0]);
    printf("pipes %016llx kept %d status %d\n", (unsigned long long)sum,
           before == digest(DIGEST_INIT, bytes, sizeof(bytes)), status_of(pid));
}

int main(int argc, char **argv)
{
    if (argc > 2) { /* a child of processes() */
        return atoi(argv[2]);
    }
    if (argc > 1) {
        rounds = atoi(argv[1]);
    }
    counters();
    registers();
    processes("/proc/self/exe");
    pipes();
    printf("threads came back %lu\n", plain_sum);
    return 0;
}
