/* SPDX-License-Identifier: MIT */
/* A guest memory access in one word: what IR memory ops and the slow path's
 * functions take. */
#ifndef HEDDLE_EXEC_MEMOP_H
#define HEDDLE_EXEC_MEMOP_H

#include "util/common.h"

typedef uint16_t MemOp;

enum {
    MO_8 = 0, /* log2 of the size in bytes */
    MO_16 = 1,
    MO_32 = 2,
    MO_64 = 3,
    MO_128 = 4,
    MO_256 = 5,
    MO_SIZE = 7,
    MO_SIGN = 1 << 3,  /* loads: extend the sign to the op's size */
    MO_MMU_SHIFT = 4,  /* two bits: MMU_* of exec/tlb.h */
    MO_MMU = 3 << 4,
    MO_ALIGN = 1 << 6, /* #GP(0) unless naturally aligned (SSE) */
    MO_AC = 1 << 7,    /* #AC(0) unless naturally aligned (EFLAGS.AC) */
    MO_SS = 1 << 8,    /* through SS: a non-canonical address is #SS(0) */
    MO_RMW = 1 << 9,   /* load that a store to the same place follows: it
                          faults as the store would */
    MO_LOCK = 1 << 10, /* RMW ops: one atomic access */
    MO_FLAT = 1 << 11, /* by a segment of 4 GiB from 0 on, whose limit is only
                          exceeded by what goes across it */
};

#define MO_MAKE_MMU(mode) ((mode) << MO_MMU_SHIFT)

static inline unsigned memop_bytes(MemOp op)
{
    return 1u << (op & MO_SIZE);
}

static inline unsigned memop_mmu(MemOp op)
{
    return (op & MO_MMU) >> MO_MMU_SHIFT;
}

#endif
