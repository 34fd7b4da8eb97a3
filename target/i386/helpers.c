/* SPDX-License-Identifier: MIT */
/* The table of helpers.def in the form that back-ends read. */
#include "target/i386/helpers.h"

/* The legend's short names of tcg/helper.h's flags. */
enum {
    PURE = HELPER_PURE,
    NF = HELPER_NO_FAULT,
    KR = HELPER_KEEPS_REGS,
    KC = HELPER_KEEPS_CC,
    NC = HELPER_NO_CC,
    KV = HELPER_KEEPS_VEC,
    NR = HELPER_NORETURN,
};

static const HelperInfo x86_helpers[] = {
#define HELPER(name, ret, nargs, flags) \
    {#name, (void (*)(void))helper_##name, HELPER_##ret, nargs, flags},
#include "target/i386/helpers.def"
#undef HELPER
};

void x86_helpers_register(void)
{
    helper_register_table(x86_helpers, ARRAY_LEN(x86_helpers));
}
