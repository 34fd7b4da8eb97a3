/* SPDX-License-Identifier: MIT */
/* Integer loops: sorting, a sieve, and calls. */
#include "bench.h"

/* --- qsort of numbers and of pointers to text --- */

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static uint64_t sort_numbers(uint64_t *seed)
{
    enum { N = 60000 };
    uint32_t *v = bench_alloc(N * sizeof(*v));
    uint64_t hash;
    unsigned i;

    for (i = 0; i < N; i++) {
        v[i] = rng_next(seed);
    }
    qsort(v, N, sizeof(*v), by_value);
    hash = hash_bytes(HASH_SEED, v, 1024);
    free(v);
    return hash;
}

static uint64_t sort_texts(uint64_t *seed)
{
    enum { N = 8000, SIZE = 24 };
    char *texts = bench_alloc(N * SIZE);
    char **v = bench_alloc(N * sizeof(*v));
    uint64_t hash;
    unsigned i;

    for (i = 0; i < N; i++) {
        v[i] = texts + i * SIZE;
        snprintf(v[i], SIZE, "key-%llx",
                 (unsigned long long)rng_next(seed) >> 20);
    }
    qsort(v, N, sizeof(*v), by_text);
    hash = hash_bytes(HASH_SEED, v[N / 2], SIZE);
    free(v);
    free(texts);
    return hash;
}

static uint64_t run_sort(unsigned count)
{
    uint64_t seed = RNG_SEED, sum = 0;

    while (count--) {
        sum = sum * 31 + sort_numbers(&seed);
        sum = sum * 31 + sort_texts(&seed);
    }
    return sum;
}

/* --- a sieve: short loops over bytes --- */

static uint64_t run_sieve(unsigned count)
{
    enum { N = 400000 };
    uint8_t *composite = bench_alloc(N);
    uint64_t sum = 0, i, j;

    while (count--) {
        memset(composite, 0, N);
        for (i = 2; i < N; i++) {
            if (composite[i]) {
                continue;
            }
            sum += i;
            for (j = i * i; j < N; j += i) {
                composite[j] = 1;
            }
        }
    }
    free(composite);
    return sum;
}

/* --- calls and returns --- */

static __attribute__((noinline)) uint64_t fib(unsigned n)
{
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

static uint64_t run_calls(unsigned count)
{
    uint64_t sum = 0;

    while (count--) {
        sum += fib(27);
    }
    return sum;
}

const BenchProgram integer_programs[] = {
    {"sort", run_sort, 40},
    {"sieve", run_sieve, 300},
    {"calls", run_calls, 600},
    {NULL},
};
