/* SPDX-License-Identifier: MIT */
/*
 * C functions that translated code calls.  The target registers one table;
 * each row is made from target/i386/helpers.def.  The first argument of every
 * helper is the X86CPU; up to four integers follow.
 */
#ifndef HEDDLE_TCG_HELPER_H
#define HEDDLE_TCG_HELPER_H

#include "util/common.h"

enum {
    /* By default a helper may fault, reads and writes every guest register and
     * the flags (in X86CPU, where they are when it runs).  These take away: */
    HELPER_PURE = 1,      /* looks at its arguments only: no state, no fault */
    HELPER_NO_FAULT = 2,  /* never raises; rip need not be recoverable */
    HELPER_KEEPS_REGS = 4, /* may read, but does not write guest integer
                              registers */
    HELPER_KEEPS_CC = 8,  /* does not write the flags */
    HELPER_NO_CC = 16,    /* does not read the flags either, but for a fault */
    HELPER_KEEPS_VEC = 32, /* does not write vector registers or MXCSR, and
                              computes nothing in SSE: runs with the guest's
                              MXCSR loaded, as a PURE one does */
    HELPER_NORETURN = 64,
};

typedef enum HelperType {
    HELPER_VOID,
    HELPER_U64, /* also every narrower integer: passed zero-extended */
} HelperType;

typedef struct HelperInfo {
    const char *name;
    void (*fn)(void); /* cast from its own type */
    HelperType ret;
    uint8_t nargs;    /* beside the X86CPU; all are uint64_t */
    uint8_t flags;
} HelperInfo;

void helper_register_table(const HelperInfo *table, unsigned count);
const HelperInfo *helper_info(unsigned index);
unsigned helper_count(void);

/* From now on, have translated code count the calls of each helper.  Before the
 * first translation; costs an atomic instruction a call. */
void helper_count_calls(void);
/* Where the calls of one are counted; NULL: they are not. */
uint64_t *helper_counter(unsigned index);

#endif
