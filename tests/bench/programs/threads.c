/* SPDX-License-Identifier: MIT */
/*
 * Independent workers: "threads-1" does one share of work, "threads-2" two at
 * once, "threads-8" the same two shares cut into eight.
 */
#include "bench.h"

#include <pthread.h>

enum { MAX_THREADS = 8, WORDS = 4096 };

typedef struct Worker {
    pthread_t thread;
    uint64_t units, sum;
} Worker;

/* Integer work on memory of the worker's own. */
static void *work(void *opaque)
{
    Worker *w = opaque;
    uint64_t *words = bench_alloc(WORDS * sizeof(*words));
    uint64_t seed = RNG_SEED, unit;
    unsigned i;

    for (i = 0; i < WORDS; i++) {
        words[i] = rng_next(&seed);
    }
    for (unit = 0; unit < w->units; unit++) {
        for (i = 0; i < WORDS; i++) {
            uint64_t x = words[i] + w->sum;

            words[(x >> 7) % WORDS] ^= x;
            w->sum = x & 1 ? w->sum * 3 + x : w->sum ^ x >> 3;
        }
    }
    free(words);
    return NULL;
}

static uint64_t run_workers(unsigned n, uint64_t units)
{
    Worker workers[MAX_THREADS] = {0};
    uint64_t sum = 0;
    unsigned i;

    for (i = 0; i < n; i++) {
        workers[i].units = units;
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i])) {
            bench_fail("no thread");
        }
    }
    for (i = 0; i < n; i++) {
        pthread_join(workers[i].thread, NULL);
        sum += workers[i].sum;
    }
    return sum;
}

static uint64_t run_one(unsigned count)
{
    return run_workers(1, count * 4);
}

static uint64_t run_two(unsigned count)
{
    return run_workers(2, count * 4);
}

static uint64_t run_eight(unsigned count)
{
    return run_workers(8, count);
}

const BenchProgram thread_programs[] = {
    {"threads-1", run_one, 20000},
    {"threads-2", run_two, 20000},
    {"threads-8", run_eight, 20000},
    {NULL},
};
