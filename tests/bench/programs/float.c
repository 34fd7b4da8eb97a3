/* SPDX-License-Identifier: MIT */
/* Scalar floating point: bodies that attract each other. */
#include "bench.h"

#include <math.h>

enum { BODIES = 5 };

typedef struct Body {
    double at[3], speed[3], mass;
} Body;

static void attract(Body *a, Body *b, double step)
{
    double d[3], square = 0.01, pull;
    unsigned k;

    for (k = 0; k < 3; k++) {
        d[k] = a->at[k] - b->at[k];
        square += d[k] * d[k];
    }
    pull = step / (square * sqrt(square));
    for (k = 0; k < 3; k++) {
        a->speed[k] -= d[k] * b->mass * pull;
        b->speed[k] += d[k] * a->mass * pull;
    }
}

static void advance(Body *bodies, double step)
{
    unsigned i, j, k;

    for (i = 0; i < BODIES; i++) {
        for (j = i + 1; j < BODIES; j++) {
            attract(&bodies[i], &bodies[j], step);
        }
    }
    for (i = 0; i < BODIES; i++) {
        for (k = 0; k < 3; k++) {
            bodies[i].at[k] += step * bodies[i].speed[k];
        }
    }
}

static uint64_t run_nbody(unsigned count)
{
    Body bodies[BODIES];
    unsigned i, k, step;

    for (i = 0; i < BODIES; i++) {
        bodies[i].mass = 1.0 / (i + 1);
        for (k = 0; k < 3; k++) {
            bodies[i].at[k] = (double)((i * 7 + k * 3) % 11);
            bodies[i].speed[k] = ((double)((i + k * 5) % 7) - 3) / 10;
        }
    }
    while (count--) {
        for (step = 0; step < 1000; step++) {
            advance(bodies, 0.001);
        }
    }
    return hash_bytes(HASH_SEED, bodies, sizeof(bodies));
}

/* Points of a plane that escape: conversions, compares, branches. */
static uint64_t run_escape(unsigned count)
{
    uint64_t sum = 0;
    unsigned x, y, n;

    while (count--) {
        for (y = 0; y < 64; y++) {
            for (x = 0; x < 64; x++) {
                double cr = x / 24.0 - 2, ci = y / 32.0 - 1, r = 0, i = 0, t;

                for (n = 0; n < 200 && r * r + i * i < 4; n++) {
                    t = r * r - i * i + cr;
                    i = 2 * r * i + ci;
                    r = t;
                }
                sum += n;
            }
        }
    }
    return sum;
}

const BenchProgram float_programs[] = {
    {"nbody", run_nbody, 3000},
    {"escape", run_escape, 400},
    {NULL},
};
