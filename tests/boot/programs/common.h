/* SPDX-License-Identifier: MIT */
/*
 * What the programs of this folder share.  They print what they computed, as
 * digests where it is much, and the lines are the same on any right processor.
 */
#ifndef PROGRAMS_COMMON_H
#define PROGRAMS_COMMON_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Marsaglia's xorshift64: the same inputs everywhere. */
static inline uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* FNV-1a, 64 bits. */
#define DIGEST_INIT 0xcbf29ce484222325ull

static inline uint64_t digest(uint64_t sum, const void *data, size_t size)
{
    const unsigned char *p = data;

    for (size_t i = 0; i < size; i++) {
        sum = (sum ^ p[i]) * 0x100000001b3ull;
    }
    return sum;
}

static inline void fill_random(void *data, size_t size, uint64_t *state)
{
    unsigned char *p = data;

    for (size_t i = 0; i < size; i++) {
        p[i] = next_random(state) >> 32;
    }
}

/* A step that cannot fail where the system is sound. */
static inline void must(int ok, const char *what)
{
    if (!ok) {
        perror(what);
        exit(1);
    }
}

#endif
