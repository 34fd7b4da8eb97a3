/* SPDX-License-Identifier: MIT */
/* Pointer chasing, a hash table, and moving blocks. */
#include "bench.h"

/* --- a chain through memory in random order --- */

static uint32_t *random_cycle(uint32_t n)
{
    uint32_t *next = bench_alloc(n * sizeof(*next)), i, j, t;
    uint64_t seed = RNG_SEED;

    for (i = 0; i < n; i++) {
        next[i] = i;
    }
    for (i = n - 1; i > 0; i--) {
        j = rng_next(&seed) % i;
        t = next[i];
        next[i] = next[j];
        next[j] = t;
    }
    return next;
}

static uint64_t run_chase(unsigned count)
{
    enum { N = 1 << 20 };
    uint32_t *next, i, j = 0;
    uint64_t sum = 0;

    timer_pause();
    next = random_cycle(N);
    timer_resume();
    while (count--) {
        for (i = 0; i < 100000; i++) {
            j = next[j];
            sum += j;
        }
    }
    free(next);
    return sum;
}

/* --- a hash table with chains --- */

typedef struct Entry {
    struct Entry *next;
    uint64_t key, value;
} Entry;

enum { BUCKETS = 1 << 16 };

static Entry *table_find(Entry **table, uint64_t key)
{
    Entry **head = &table[key * 0x9e3779b97f4a7c15ull >> 48], *e;

    for (e = *head; e; e = e->next) {
        if (e->key == key) {
            return e;
        }
    }
    e = bench_alloc(sizeof(*e));
    *e = (Entry){*head, key, 0};
    *head = e;
    return e;
}

static uint64_t table_clear(Entry **table)
{
    uint64_t sum = 0;
    unsigned i;
    Entry *e;

    for (i = 0; i < BUCKETS; i++) {
        while ((e = table[i])) {
            table[i] = e->next;
            sum += e->key * e->value;
            free(e);
        }
    }
    return sum;
}

static uint64_t run_hash(unsigned count)
{
    Entry **table = calloc(BUCKETS, sizeof(*table));
    uint64_t seed = RNG_SEED, sum = 0;
    unsigned i;

    while (count--) {
        for (i = 0; i < 200000; i++) {
            table_find(table, rng_next(&seed) % 100000)->value += i;
        }
        sum += table_clear(table);
    }
    free(table);
    return sum;
}

const BenchProgram memory_programs[] = {
    {"chase", run_chase, 120},
    {"hash", run_hash, 30},
    {NULL},
};
