/* SPDX-License-Identifier: MIT */
/*
 * Numbers and prototypes of the helpers in helpers.def.  Every helper runs on
 * the vCPU's own thread, for a TB, without the Big Lock.
 */
#ifndef HEDDLE_TARGET_I386_HELPERS_H
#define HEDDLE_TARGET_I386_HELPERS_H

#include "target/i386/cpu.h"
#include "tcg/helper.h"

typedef enum X86Helper {
#define HELPER(name, ret, nargs, flags) HELPER_##name,
#include "target/i386/helpers.def"
#undef HELPER
    X86_HELPER_COUNT,
} X86Helper;

/* Prototypes: nargs integers follow the vCPU. */
#define HELPER_ARGS_0
#define HELPER_ARGS_1  , uint64_t
#define HELPER_ARGS_2  HELPER_ARGS_1, uint64_t
#define HELPER_ARGS_3  HELPER_ARGS_2, uint64_t
#define HELPER_ARGS_4  HELPER_ARGS_3, uint64_t
#define HELPER_RET_VOID void
#define HELPER_RET_U64  uint64_t
#define HELPER(name, ret, nargs, flags) \
    HELPER_RET_##ret helper_##name(X86CPU *cpu HELPER_ARGS_##nargs);
#include "target/i386/helpers.def"
#undef HELPER

/* Give the table to the translator; once per process, before any TB is made. */
void x86_helpers_register(void);

#endif
