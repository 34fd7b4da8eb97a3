/* SPDX-License-Identifier: MIT */
/* How emit_string.c tells helper_string.c what a REP does. */
#ifndef HEDDLE_TARGET_I386_STRINGS_H
#define HEDDLE_TARGET_I386_STRINGS_H

enum {
    REP_MEMOP = 0xffff,     /* size and MMU mode of an element's access */
    REP_ASIZE_SHIFT = 16,   /* address size, IR_16 to IR_64 */
    REP_ASIZE = 3 << REP_ASIZE_SHIFT,
    REP_DOWN = 1 << 18,     /* EFLAGS.DF */
    REP_ONE = 1 << 19,      /* one element at a time: single step */
};

#endif
