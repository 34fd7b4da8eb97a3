/* SPDX-License-Identifier: MIT */
/*
 * libm in three precisions: each function over corners and random numbers, in
 * the four rounding modes, with the exceptions that it leaves.  glibc picks FMA
 * and AVX2 versions; long double runs on the x87.
 */
#define _GNU_SOURCE
#include <fenv.h>
#include <math.h>

#include "common.h"

static const int rounding[] = {FE_TONEAREST, FE_DOWNWARD, FE_UPWARD,
                               FE_TOWARDZERO};
static const char *const rounding_name[] = {"nearest", "down", "up", "zero"};
static int count = 4000;

static const long double corners[] = {
    0.0L,           -0.0L,        1.0L,
    -1.0L,          0.5L,         -0.5L,
    2.0L,           -2.0L,        3.0L,
    10.0L,          0.1L,         1e-5L,
    INFINITY,       -INFINITY,    NAN,
    -NAN,           0x1p-1022L,   0x1p-1074L,
    -0x1p-149L,     0x1p-126L,    0x1p1023L,
    0x1p127L,       -0x1p1023L,   0x1p-16382L,
    0x1p16383L,     709.8L,       -745.2L,
    88.8L,          M_PI,         -M_PI_2,
    M_PI_4,         1e15L + 0.5L, 0x1.fffffffffffffp0L,
    0x1p52L + 0.5L, 1e300L,       -1e-300L,
    11356.6L,       0x1p63L,      -0x1p63L,
    0x1p64L};

/* Numbers of all sizes, most of them of a size that functions care about. */
static long double random_number(uint64_t *state)
{
    uint64_t bits = next_random(state);
    int exponent = (int)(next_random(state) % 40) - 25;

    if (bits % 16 == 0) {
        exponent = (int)(next_random(state) % 2200) - 1100;
    }
    return ldexpl((int64_t)bits / 0x1p63L, exponent);
}

static long double argument(size_t i, uint64_t *state)
{
    return i < ARRAY_LEN(corners) ? corners[i] : random_number(state);
}

/* The ten bytes of an extended number, not the padding. */
static uint64_t add_ld(uint64_t sum, long double value)
{
    return digest(sum, &value, 10);
}

static uint64_t add_exceptions(uint64_t sum)
{
    unsigned char raised = fetestexcept(FE_ALL_EXCEPT);

    feclearexcept(FE_ALL_EXCEPT);
    return digest(sum, &raised, 1);
}

#define ADD_float(sum, v)  digest(sum, &(v), sizeof(v))
#define ADD_double(sum, v) digest(sum, &(v), sizeof(v))
#define ADD_ld(sum, v)     add_ld(sum, v)

/* One function in one precision: a line for each rounding mode. */
#define DEFINE_RUN(NAME, TYPE, FN1, FN2, ADD)                                  \
    typedef TYPE (*FN1)(TYPE);                                                 \
    typedef TYPE (*FN2)(TYPE, TYPE);                                           \
    static uint64_t NAME(FN1 one, FN2 two)                                     \
    {                                                                          \
        uint64_t state = 1234567, sum = DIGEST_INIT;                           \
                                                                               \
        feclearexcept(FE_ALL_EXCEPT);                                          \
        for (int i = 0; i < count; i++) {                                      \
            TYPE x = argument(i, &state);                                      \
            TYPE y = argument(i % 7 ? i : i / 7, &state);                      \
            TYPE out;                                                          \
                                                                               \
            feclearexcept(FE_ALL_EXCEPT);                                      \
            out = one ? one(x) : two(x, y);                                    \
            sum = add_exceptions(ADD(sum, out));                               \
        }                                                                      \
        return sum;                                                            \
    }
DEFINE_RUN(run_float, float, Float1, Float2, ADD_float)
DEFINE_RUN(run_double, double, Double1, Double2, ADD_double)
DEFINE_RUN(run_ld, long double, Extended1, Extended2, ADD_ld)

struct Function {
    const char *name;
    Float1 f1;
    Float2 f2;
    Double1 d1;
    Double2 d2;
    Extended1 l1;
    Extended2 l2;
};

#define ONE(fn)                                                                \
    {                                                                          \
#fn, fn##f, NULL, fn, NULL, fn##l, NULL                                \
    }
#define TWO(fn)                                                                \
    {                                                                          \
#fn, NULL, fn##f, NULL, fn, NULL, fn##l                                \
    }

static const struct Function functions[] = {
    ONE(sin),       ONE(cos),       ONE(tan),      ONE(asin),      ONE(acos),
    ONE(atan),      ONE(sinh),      ONE(cosh),     ONE(tanh),      ONE(asinh),
    ONE(acosh),     ONE(atanh),     ONE(exp),      ONE(exp2),      ONE(expm1),
    ONE(log),       ONE(log2),      ONE(log10),    ONE(log1p),     ONE(sqrt),
    ONE(cbrt),      ONE(erf),       ONE(erfc),     ONE(lgamma),    ONE(tgamma),
    ONE(floor),     ONE(ceil),      ONE(trunc),    ONE(round),     ONE(rint),
    ONE(nearbyint), ONE(roundeven), ONE(logb),     ONE(exp10),     TWO(pow),
    TWO(atan2),     TWO(hypot),     TWO(fmod),     TWO(remainder), TWO(fdim),
    TWO(fmax),      TWO(fmin),      TWO(copysign), TWO(nextafter),
};

static void print_function(const struct Function *f)
{
    for (size_t r = 0; r < ARRAY_LEN(rounding); r++) {
        unsigned long long sums[3];

        fesetround(rounding[r]);
        sums[0] = run_float(f->f1, f->f2);
        sums[1] = run_double(f->d1, f->d2);
        sums[2] = run_ld(f->l1, f->l2);
        fesetround(FE_TONEAREST);
        printf("%s %s: float %016llx double %016llx long %016llx\n", f->name,
               rounding_name[r], sums[0], sums[1], sums[2]);
    }
}

/* Those whose results are no number of their argument's kind. */
static void print_others(void)
{
    uint64_t state = 99, ints = DIGEST_INIT, fused = DIGEST_INIT;
    uint64_t scaled = DIGEST_INIT;

    for (int i = 0; i < count; i++) {
        double x = argument(i, &state), y = random_number(&state);
        long double e = x;
        int quotient = 0, exponent = 0;
        double fma_out = fma(x, y, -x), rest = remquo(x, y, &quotient);
        float fused_float = fmaf((float)x, (float)y, (float)-y);
        long whole[] = {lrint(x), lround(x), lrintl(e), lroundl(e)};
        double fraction = frexp(x, &exponent), big = ldexp(fraction, i % 99);

        /* After infinities and NaN there is no exponent to speak of. */
        exponent = isfinite(x) ? exponent : 0;
        quotient = isfinite(x) && y != 0 ? quotient & 7 : 0;
        ints = digest(ints, whole, sizeof(whole));
        ints = digest(ints, &quotient, sizeof(quotient));
        ints = digest(ints, &exponent, sizeof(exponent));
        fused = digest(fused, &fma_out, sizeof(fma_out));
        fused = digest(fused, &fused_float, sizeof(fused_float));
        scaled = digest(scaled, &rest, sizeof(rest));
        scaled = add_exceptions(digest(scaled, &big, sizeof(big)));
    }
    printf("integers %016llx fused %016llx scaled %016llx\n",
           (unsigned long long)ints, (unsigned long long)fused,
           (unsigned long long)scaled);
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        count = atoi(argv[1]);
    }
    for (size_t i = 0; i < ARRAY_LEN(functions); i++) {
        print_function(&functions[i]);
    }
    print_others();
    return 0;
}
