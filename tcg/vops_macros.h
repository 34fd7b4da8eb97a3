/* SPDX-License-Identifier: MIT */
/*
 * How the portable functions of vops.def are written.  A result is built in a
 * local and stored last, as dst may be one of the sources.
 */
#ifndef HEDDLE_TCG_VOPS_MACROS_H
#define HEDDLE_TCG_VOPS_MACROS_H

#include "tcg/vops.h"

#define VOP_FN(name)                                                           \
    uint64_t vop_##name(VopVec *d, const VopVec *a, const VopVec *b,           \
                        const VopVec *c, uint64_t r, uint8_t imm)

/*
 * @n lanes of @field, each set to @expr of x (from a), y (from b) and the lane
 * number i.  The rest of dst is a's, or zero in LANES_ZERO.
 */
#define LANES_FROM(name, field, n, start, expr)                                \
    VOP_FN(name)                                                               \
    {                                                                          \
        VopVec t = start;                                                      \
                                                                               \
        for (unsigned i = 0; i < (n); i++) {                                   \
            __typeof__(t.field[0]) x = a ? a->field[i] : 0;                    \
            __typeof__(t.field[0]) y = b ? b->field[i] : 0;                    \
                                                                               \
            (void)x;                                                           \
            (void)y;                                                           \
            t.field[i] = (expr);                                               \
        }                                                                      \
        *d = t;                                                                \
        return 0;                                                              \
    }
#define LANES(name, field, n, expr)                                            \
    LANES_FROM(name, field, n, ((VopVec){.u64 = {0, 0}}), expr)

#endif
