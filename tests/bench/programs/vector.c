/* SPDX-License-Identifier: MIT */
/*
 * Vector floating point.  Compiled twice, with VARIANT sse2 and avx2: the same
 * source on vectors of the size that the instruction set has.
 */
#include "bench.h"

#define PASTE_(a, b, c) a##b##c
#define PASTE(a, b, c) PASTE_(a, b, c)
#define TEXT_(a) #a
#define TEXT(a) TEXT_(a)

#ifdef __AVX2__
enum { BYTES = 32 };
#else
enum { BYTES = 16 };
#endif

typedef float VecF __attribute__((vector_size(BYTES)));
typedef double VecD __attribute__((vector_size(BYTES)));

enum {
    N = 128,
    LANES_F = BYTES / sizeof(float),
    LANES_D = BYTES / sizeof(double),
};

/* A product of matrices of single precision. */
static uint64_t run_matrix(unsigned count)
{
    static float a[N][N] __attribute__((aligned(32)));
    static VecF b[N][N / LANES_F], c[N][N / LANES_F];
    unsigned i, j, k;

    for (i = 0; i < N; i++) {
        for (j = 0; j < N; j++) {
            a[i][j] = (i % 7 + j % 5) / 9.0f;
            ((float *)b[i])[j] = (i % 3 - (float)(j % 4)) / 3;
        }
    }
    while (count--) {
        for (i = 0; i < N; i++) {
            for (k = 0; k < N; k++) {
                for (j = 0; j < N / LANES_F; j++) {
                    c[i][j] = c[i][j] * 0.7f + a[i][k] * b[k][j];
                }
            }
        }
    }
    return hash_bytes(HASH_SEED, c, sizeof(c));
}

/* Heat that spreads on a plate: double precision, unaligned neighbours. */
static uint64_t run_heat(unsigned count)
{
    static double plate[2][N][N + 2 * LANES_D];
    double(*from)[N + 2 * LANES_D], (*to)[N + 2 * LANES_D];
    unsigned step = 0, i, j;
    VecD up, down, left, right;

    for (i = 0; i < N; i++) {
        plate[0][i][LANES_D] = plate[1][i][LANES_D] = i % 17;
    }
    for (step = 0; step < count * 20; step++) {
        from = plate[step & 1];
        to = plate[~step & 1];
        for (i = 1; i < N - 1; i++) {
            for (j = LANES_D; j < N; j += LANES_D) {
                memcpy(&up, &from[i - 1][j], sizeof(up));
                memcpy(&down, &from[i + 1][j], sizeof(down));
                memcpy(&left, &from[i][j - 1], sizeof(left));
                memcpy(&right, &from[i][j + 1], sizeof(right));
                up = (up + down + left + right) * 0.25;
                memcpy(&to[i][j], &up, sizeof(up));
            }
        }
    }
    return hash_bytes(HASH_SEED, plate, sizeof(plate));
}

const BenchProgram PASTE(vector_, VARIANT, _programs)[] = {
    {"matrix-" TEXT(VARIANT), run_matrix, 400},
    {"heat-" TEXT(VARIANT), run_heat, 900},
    {NULL},
};
