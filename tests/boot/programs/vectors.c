/* SPDX-License-Identifier: MIT */
/*
 * Loops that compilers turn into vector code, over all element types.  Compiled
 * with many options; for each, assembly, object and results are the host's.
 */
#include <math.h>

#include "common.h"

#ifdef __SIZEOF_INT128__
typedef unsigned __int128 Wide;
#else
typedef uint64_t Wide;
#endif

#define N 1003 /* no multiple of a vector */

#define INTEGER_LOOPS(NAME, TYPE, WIDER)                                       \
    static uint64_t NAME(uint64_t sum, uint64_t *state)                        \
    {                                                                          \
        static TYPE a[N], b[N], c[N];                                          \
        static WIDER w[N];                                                     \
        WIDER dot = 0;                                                         \
        TYPE most = 0, least = 0;                                              \
                                                                               \
        fill_random(a, sizeof(a), state);                                      \
        fill_random(b, sizeof(b), state);                                      \
        for (int i = 0; i < N; i++) {                                          \
            c[i] = (TYPE)(a[i] * b[i] + (a[i] >> 3)) ^ (b[i] << 2);            \
        }                                                                      \
        sum = digest(sum, c, sizeof(c));                                       \
        for (int i = 0; i < N; i++) {                                          \
            w[i] = (WIDER)a[i] * (WIDER)b[i] - (WIDER)c[i];                    \
            dot += w[i];                                                       \
            most = a[i] > most ? a[i] : most;                                  \
            least = b[i] < least ? b[i] : least;                               \
        }                                                                      \
        sum = digest(digest(sum, w, sizeof(w)), &dot, sizeof(dot));            \
        for (int i = 0; i < N; i++) {                                          \
            c[i] = a[i] > b[i] ? a[N - 1 - i] : (TYPE)(a[i] & b[i] & ~c[i]);   \
            w[i] = a[i] / (WIDER)((b[i] & 63) + 1);                            \
        }                                                                      \
        sum = digest(digest(sum, c, sizeof(c)), w, sizeof(w));                 \
        return digest(digest(sum, &most, sizeof(most)), &least,                \
                      sizeof(least));                                          \
    }
INTEGER_LOOPS(loops_i8, int8_t, int16_t)
INTEGER_LOOPS(loops_u8, uint8_t, uint16_t)
INTEGER_LOOPS(loops_i16, int16_t, int32_t)
INTEGER_LOOPS(loops_u16, uint16_t, uint32_t)
INTEGER_LOOPS(loops_i32, int32_t, int64_t)
INTEGER_LOOPS(loops_u32, uint32_t, uint64_t)
INTEGER_LOOPS(loops_u64, uint64_t, uint64_t)

#define FLOAT_LOOPS(NAME, TYPE, INT, SQRT)                                     \
    static uint64_t NAME(uint64_t sum, uint64_t *state)                        \
    {                                                                          \
        static TYPE a[N], b[N], c[N];                                          \
        static INT n[N];                                                       \
        TYPE total = 0;                                                        \
        double rounded; /* without the padding that long double has */         \
                                                                               \
        for (int i = 0; i < N; i++) {                                          \
            a[i] = (INT)next_random(state) / (TYPE)777;                        \
            b[i] = (INT)next_random(state) / (TYPE)1e9;                        \
            n[i] = (INT)next_random(state) >> i % 30;                          \
        }                                                                      \
        for (int i = 0; i < N; i++) {                                          \
            c[i] = a[i] * b[i] + n[i];                                         \
            total += c[i] / (SQRT(b[i] * b[i]) + 1);                           \
        }                                                                      \
        rounded = total;                                                       \
        sum = digest(digest(sum, c, sizeof(c)), &rounded, sizeof(rounded));    \
        for (int i = 0; i < N; i++) {                                          \
            c[i] = a[i] < b[i] ? -a[i] : a[i] - b[N - 1 - i];                  \
            n[i] = (INT)(b[i] * 3) + (a[i] != b[i]);                           \
        }                                                                      \
        return digest(digest(sum, c, sizeof(c)), n, sizeof(n));                \
    }
FLOAT_LOOPS(loops_float, float, int32_t, sqrtf)
FLOAT_LOOPS(loops_double, double, int64_t, sqrt)
FLOAT_LOOPS(loops_long, long double, int64_t, sqrtl)

/* Matrices, with the loops in the order that vectorises. */
static uint64_t matrices(uint64_t sum, uint64_t *state)
{
    static float a[40][40], b[40][40], c[40][40];

    for (int i = 0; i < 40 * 40; i++) {
        a[i / 40][i % 40] = (int16_t)next_random(state) / 99.0f;
        b[i / 40][i % 40] = (int16_t)next_random(state) / 7.0f;
    }
    for (int i = 0; i < 40; i++) {
        for (int k = 0; k < 40; k++) {
            for (int j = 0; j < 40; j++) {
                c[i][j] += a[i][k] * b[k][j];
            }
        }
    }
    return digest(sum, c, sizeof(c));
}

/* Gathers, shifts by variables, bit counts, and wide products. */
static uint64_t scattered(uint64_t sum, uint64_t *state)
{
    static uint32_t table[256], out[N];
    static uint64_t wide[N];

    fill_random(table, sizeof(table), state);
    for (int i = 0; i < N; i++) {
        out[i] = table[(i * 37) & 255] >> (i & 31) | table[i & 255] << (i & 7);
    }
    for (int i = 0; i < N; i++) {
        Wide product = (Wide)out[i] * 0x123456789abcdefull * table[i & 255];

        wide[i] = (uint64_t)(product >> 50) + __builtin_popcountll(product) +
                  (out[i] ? __builtin_clz(out[i]) + __builtin_ctz(out[i]) : 9);
        wide[i] ^= __builtin_bswap64(wide[i]) & (out[i] & -out[i]);
    }
    return digest(digest(sum, out, sizeof(out)), wide, sizeof(wide));
}

int main(void)
{
    static const struct {
        const char *name;
        uint64_t (*run)(uint64_t, uint64_t *);
    } jobs[] = {
        {"i8", loops_i8},         {"u8", loops_u8},
        {"i16", loops_i16},       {"u16", loops_u16},
        {"i32", loops_i32},       {"u32", loops_u32},
        {"u64", loops_u64},       {"float", loops_float},
        {"double", loops_double}, {"long double", loops_long},
        {"matrices", matrices},   {"scattered", scattered},
    };
    uint64_t state = 616161;

    for (size_t i = 0; i < ARRAY_LEN(jobs); i++) {
        uint64_t sum = DIGEST_INIT;

        for (int round = 0; round < 20; round++) {
            sum = jobs[i].run(sum, &state);
        }
        printf("%s %016llx\n", jobs[i].name, (unsigned long long)sum);
    }
    return 0;
}
