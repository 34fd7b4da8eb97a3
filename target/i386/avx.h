/* SPDX-License-Identifier: MIT */
/* What the translator tells the helpers of masked accesses (helper_avx.c). */
#ifndef HEDDLE_TARGET_I386_AVX_H
#define HEDDLE_TARGET_I386_AVX_H

#include "util/common.h"

/* One integer argument, by copy. */
typedef struct AvxAccess {
    uint8_t seg;
    uint8_t vec, index, mask; /* vector registers */
    uint8_t elem, index_size; /* log2 of bytes */
    uint8_t scale;
    uint8_t wide; /* 256 bits, else 128 */
} AvxAccess;
_Static_assert(sizeof(AvxAccess) == 8, "one argument of a helper");

#endif
