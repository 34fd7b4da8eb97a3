/* SPDX-License-Identifier: MIT */
#ifndef BENCH_H
#define BENCH_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * One measured program.
 * @run    does @count units of its work and returns a checksum that does not
 *         depend on where it runs; the harness times it
 * @count  units that take the bare machine about a third of a second
 */
typedef struct BenchProgram {
    const char *name;
    uint64_t (*run)(unsigned count);
    unsigned count;
} BenchProgram;

/* Each file's programs, ended by a row without a name. */
extern const BenchProgram integer_programs[], float_programs[],
    vector_sse2_programs[], vector_avx2_programs[], memory_programs[],
    kernel_programs[], process_programs[], thread_programs[],
    command_programs[];

/* Take what follows out of the measured time, up to timer_resume(). */
void timer_pause(void);
void timer_resume(void);

/* End the running program: it has no result, for the reason given. */
void bench_fail(const char *reason) __attribute__((noreturn));

/* An xorshift generator: the same numbers everywhere.  *state is not 0. */
static inline uint64_t rng_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

#define RNG_SEED 88172645463325252ull

/* A hash in the manner of FNV-1a, eight bytes at a time, going on from @hash. */
static inline uint64_t hash_bytes(uint64_t hash, const void *data, size_t size)
{
    const uint8_t *p = data;
    uint64_t word;
    size_t i, n;

    for (i = 0; i < size; i += n) {
        n = size - i < sizeof(word) ? size - i : sizeof(word);
        word = 0;
        memcpy(&word, p + i, n);
        hash = (hash ^ word) * 0x100000001b3ull;
        hash ^= hash >> 32;
    }
    return hash;
}

#define HASH_SEED 0xcbf29ce484222325ull

/* malloc that does not return without memory. */
static inline void *bench_alloc(size_t size)
{
    void *p = malloc(size);

    if (!p) {
        bench_fail("out of memory");
    }
    return p;
}

#endif
