/* SPDX-License-Identifier: MIT */
/*
 * Small workloads, one a class.  Each prints "CLASS NANOSECONDS CHECKSUM"; the
 * checksum must not depend on where it runs.
 *
 *   work [CLASS]...     all of them by default
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static uint64_t rng_state;

static uint64_t rng(void)
{
    rng_state ^= rng_state << 13;
    rng_state ^= rng_state >> 7;
    rng_state ^= rng_state << 17;
    return rng_state;
}

/* --- integer: sieve, sort, a byte-wise compressor's inner loop --- */

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

static uint64_t work_integer(void)
{
    enum { N = 2000000, M = 300000 };
    uint8_t *composite = calloc(N, 1);
    uint32_t *v = malloc(M * sizeof(*v));
    uint64_t sum = 0, i, j;

    for (i = 2; i < N; i++) {
        if (!composite[i]) {
            sum += i;
            for (j = i * i; j < N; j += i) {
                composite[j] = 1;
            }
        }
    }
    for (i = 0; i < M; i++) {
        v[i] = rng();
    }
    qsort(v, M, sizeof(*v), by_value);
    for (i = 0; i < M; i += 1000) {
        sum = sum * 31 + v[i];
    }
    free(composite);
    free(v);
    return sum;
}

/* --- calls: recursion --- */

static __attribute__((noinline)) uint64_t fib(unsigned n)
{
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

static uint64_t work_calls(void)
{
    return fib(33);
}

/* --- indirect: a byte-code interpreter --- */

static uint64_t work_indirect(void)
{
    static void *const ops[] = {&&add, &&xor, &&mul, &&shift, &&jump, &&load};
    uint8_t code[256];
    uint64_t acc = 1, n = 20000000;
    unsigned pc = 0, i;

    for (i = 0; i < sizeof(code); i++) {
        code[i] = rng() % 6;
    }
#define NEXT \
    do { \
        if (!--n) { \
            return acc; \
        } \
        goto *ops[code[pc++ & 255]]; \
    } while (0)
    NEXT;
add:
    acc += pc;
    NEXT;
xor:
    acc ^= acc >> 7;
    NEXT;
mul:
    acc *= 0x9e3779b1;
    NEXT;
shift:
    acc = acc << 5 | acc >> 59;
    NEXT;
jump:
    pc += acc & 3;
    NEXT;
load:
    acc += code[acc & 255];
    NEXT;
}

/* --- memory: pointer chase and copies --- */

static uint64_t work_memory(void)
{
    enum { N = 1 << 19 };
    uint32_t *next = malloc(N * sizeof(*next));
    uint8_t *a = malloc(4 << 20), *b = malloc(4 << 20);
    uint64_t sum = 0;
    uint32_t i, j, t;

    for (i = 0; i < N; i++) {
        next[i] = i;
    }
    for (i = N - 1; i > 0; i--) {
        j = rng() % i;
        t = next[i];
        next[i] = next[j];
        next[j] = t;
    }
    for (i = 0, j = 0; i < 4 * N; i++) {
        j = next[j];
        sum += j;
    }
    memset(a, 7, 4 << 20);
    for (i = 0; i < 40; i++) {
        memcpy(b, a, 4 << 20);
        a[i] = b[i + 1] + i;
    }
    sum += b[17];
    free(next);
    free(a);
    free(b);
    return sum;
}

/* --- scalar and vector floating point --- */

static uint64_t bits(double d)
{
    uint64_t u;

    memcpy(&u, &d, sizeof(u));
    return u;
}

static uint64_t work_float(void)
{
    double x[5] = {0, 1, 2, 3, 4}, v[5] = {0.1, -0.2, 0.3, 0.05, -0.1};
    unsigned step, i, j;

    for (step = 0; step < 400000; step++) {
        for (i = 0; i < 5; i++) {
            for (j = i + 1; j < 5; j++) {
                double d = x[i] - x[j];
                double f = d / (sqrt(d * d + 0.01) * (d * d + 0.01));

                v[i] -= f * 0.0001;
                v[j] += f * 0.0001;
            }
        }
        for (i = 0; i < 5; i++) {
            x[i] += v[i] * 0.0001;
        }
    }
    return bits(x[0] + x[3]);
}

static uint64_t work_vector(void)
{
    enum { N = 256 };
    static float a[N][N], b[N][N], c[N][N];
    unsigned i, j, k;
    double sum = 0;

    for (i = 0; i < N; i++) {
        for (j = 0; j < N; j++) {
            a[i][j] = i % 7 + j % 5;
            b[i][j] = i % 3 - (float)(j % 4);
            c[i][j] = 0;
        }
    }
    for (i = 0; i < N; i++) {
        for (k = 0; k < N; k++) {
            float t = a[i][k];

            for (j = 0; j < N; j++) {
                c[i][j] += t * b[k][j];
            }
        }
    }
    for (i = 0; i < N; i++) {
        sum += c[i][(i * 7) % N];
    }
    return bits(sum);
}

/* --- the kernel --- */

static uint64_t work_syscall(void)
{
    uint64_t i, sum = 0;

    for (i = 0; i < 300000; i++) {
        sum += syscall(SYS_getppid) == 0;
    }
    return sum & 0;
}

static uint64_t work_fork(void)
{
    unsigned i;
    int status;

    for (i = 0; i < 200; i++) {
        pid_t pid = fork();

        if (pid == 0) {
            _exit(i & 63);
        }
        waitpid(pid, &status, 0);
        if (WEXITSTATUS(status) != (i & 63)) {
            return i + 1;
        }
    }
    return 0;
}

static uint64_t work_fault(void)
{
    uint64_t sum = 0;
    unsigned i, j;

    for (i = 0; i < 60; i++) {
        uint8_t *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        for (j = 0; j < 1 << 20; j += 4096) {
            p[j] = j >> 12;
            sum += p[j];
        }
        munmap(p, 1 << 20);
    }
    return sum;
}

static uint64_t work_pipe(void)
{
    int there[2], back[2], i;
    char c = 0;

    if (pipe(there) || pipe(back)) {
        return 1;
    }
    if (fork() == 0) {
        close(there[1]);
        close(back[0]);
        while (read(there[0], &c, 1) == 1 && write(back[1], &c, 1) == 1) {
        }
        _exit(0);
    }
    close(there[0]);
    for (i = 0; i < 20000; i++) {
        if (write(there[1], &c, 1) != 1 || read(back[0], &c, 1) != 1) {
            return 2;
        }
    }
    close(there[1]);
    close(back[0]);
    wait(NULL);
    return 0;
}

static const struct {
    const char *name;
    uint64_t (*run)(void);
} classes[] = {
    {"integer", work_integer},   {"calls", work_calls},
    {"indirect", work_indirect}, {"memory", work_memory},
    {"float", work_float},       {"vector", work_vector},
    {"syscall", work_syscall},   {"fork", work_fork},
    {"fault", work_fault},       {"pipe", work_pipe},
};

static uint64_t now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

static int wanted(const char *name, int argc, char **argv)
{
    int i;

    for (i = 1; i < argc; i++) {
        if (!strcmp(argv[i], name)) {
            return 1;
        }
    }
    return argc < 2;
}

int main(int argc, char **argv)
{
    unsigned i;

    for (i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
        uint64_t start, sum;

        if (!wanted(classes[i].name, argc, argv)) {
            continue;
        }
        rng_state = 88172645463325252ull;
        start = now_ns();
        sum = classes[i].run();
        printf("WORK %s %llu %llx\n", classes[i].name,
               (unsigned long long)(now_ns() - start),
               (unsigned long long)sum);
        fflush(stdout);
    }
    return 0;
}
