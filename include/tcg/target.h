/* SPDX-License-Identifier: MIT */
/* What a back-end must know of the guest: where the few fields of its vCPU are
 * that translated code itself reads and writes, and two facts about a TB's
 * flags.  Offsets are from the CPUState that the vCPU starts with. */
#ifndef HEDDLE_TCG_TARGET_H
#define HEDDLE_TCG_TARGET_H

#include "util/common.h"

typedef struct TcgTarget {
    int32_t rip;      /* uint64_t: exact outside TBs */
    int32_t rip_base; /* uint64_t: see tcg/tb.h */
    int32_t cc;       /* uint16_t: flags in the form of tcg/ir.h */
    int32_t cc_in;    /* uint8_t: C for a recipe, see tcg/ir.h */
    int32_t mxcsr;    /* uint32_t: SSE control and status */
    int32_t flags;    /* uint32_t: the flags that a TB is known by */
    uint32_t wide_flags; /* a TB with any of these has a 64-bit rip, else 32 */
    uint32_t flat_flags; /* ... and with any of these, rip is a linear address */
} TcgTarget;

extern const TcgTarget tcg_target; /* the target's */

#endif
