/* SPDX-License-Identifier: MIT */
/* MXCSR for portable functions that round by themselves: SDM vol. 1, 10.2.3
 * "MXCSR Control and Status Register". */
#ifndef HEDDLE_TCG_VOPS_MXCSR_H
#define HEDDLE_TCG_VOPS_MXCSR_H

#include "util/common.h"

enum {
    MXCSR_IE = BIT(0),
    MXCSR_DE = BIT(1),
    MXCSR_ZE = BIT(2),
    MXCSR_OE = BIT(3),
    MXCSR_UE = BIT(4),
    MXCSR_PE = BIT(5),
    MXCSR_FLAGS = 0x3f,
    MXCSR_DAZ = BIT(6),
    MXCSR_RC_SHIFT = 13,
    MXCSR_FTZ = BIT(15),
};
typedef enum MxcsrRounding {
    RC_NEAREST,
    RC_DOWN,
    RC_UP,
    RC_ZERO
} MxcsrRounding;

static inline MxcsrRounding mxcsr_rounding(unsigned mxcsr)
{
    return (MxcsrRounding)(mxcsr >> MXCSR_RC_SHIFT & 3);
}

/* A significand whose last bit is @odd is rounded away from zero, if its rest
 * is @above a half, or @half, or neither but @inexact. */
static inline bool mxcsr_rounds_up(MxcsrRounding rc, bool negative, bool odd,
                                   bool above, bool half, bool inexact)
{
    switch (rc) {
    case RC_NEAREST:
        return above || (half && odd);
    case RC_DOWN:
        return inexact && negative;
    case RC_UP:
        return inexact && !negative;
    default:
        return false;
    }
}

/* Too great a number becomes infinity; else the greatest one there is. */
static inline bool mxcsr_overflows_to_inf(MxcsrRounding rc, bool negative)
{
    return rc == RC_NEAREST || rc == (negative ? RC_DOWN : RC_UP);
}

#endif
