/* SPDX-License-Identifier: MIT */
/*
 * A fuzz target is one file that defines fuzz_target, and one line in
 * meson.build; tests/fuzz/run builds and runs it.  An input that a target does
 * not like must make it abort: an assertion, a sanitizer's report, fuzz_fail.
 */
#ifndef HEDDLE_TESTS_FUZZ_FUZZ_H
#define HEDDLE_TESTS_FUZZ_FUZZ_H

#include "util/common.h"

/* What is left of an input. */
typedef struct FuzzInput {
    const uint8_t *bytes;
    size_t len;
} FuzzInput;

typedef struct FuzzTarget {
    void (*init)(void);        /* once; or NULL */
    void (*run)(FuzzInput in); /* leaves no state that the next one sees */
    void (*seeds)(void);       /* calls fuzz_seed; or NULL */
} FuzzTarget;
extern const FuzzTarget fuzz_target;

/* The next byte; 0 when there is none. */
static inline uint8_t fuzz_u8(FuzzInput *in)
{
    if (!in->len) {
        return 0;
    }
    in->len--;
    return *in->bytes++;
}

/* An input to start from. */
void fuzz_seed(const void *bytes, size_t len);
/* Print why, and abort: libFuzzer keeps the input. */
G_NORETURN void fuzz_fail(const char *format, ...) G_GNUC_PRINTF(1, 2);

/*
 * Tell libFuzzer that state @n of the target has been reached, where it is not
 * the code's paths that tell: it keeps an input for each.
 */
#define FUZZ_STATES 65536
extern uint8_t fuzz_states[FUZZ_STATES];
static inline void fuzz_reached(unsigned n)
{
    fuzz_states[n % FUZZ_STATES] = 1;
}

#endif
