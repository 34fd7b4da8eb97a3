/* SPDX-License-Identifier: MIT */
/* The decoder against capstone, and against what prefixes must not change. */
#ifndef HEDDLE_TESTS_FUZZ_JUDGE_H
#define HEDDLE_TESTS_FUZZ_JUDGE_H

#include "tests/fuzz/insn.h"

#define JUDGE_BYTES 40 /* as many must be readable */

void judge_init(void);
/*
 * @in, @result  of decoding @bytes with all features, not DECODE_MORE
 * Returns       what is wrong, to be freed; NULL: nothing, or a known error of
 *               capstone's
 */
char *judge(unsigned mode, const X86Insn *in, X86Decode result,
            const uint8_t *bytes);

#endif
