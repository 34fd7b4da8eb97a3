/* SPDX-License-Identifier: MIT */
/*
 * From a row's 128-bit function to an operation on 128 or 256 bits.  Results
 * are built apart and stored last: a destination may be any of the sources,
 * and the upper half of some operations reads the lower half of a source.
 */
#include "tcg/vops.h"

#include <string.h>

static const VopVec *upper(const VopVec *v)
{
    return v ? v + 1 : NULL;
}

/* The upper half of src1, as the row's lane kind says. */
static VopVec upper_src1(const VopDef *def, const VopVec *b)
{
    unsigned arg = def->attrs >> VOP_ATTR_LANES_ARG_SHIFT & 31;
    VopVec v = {.u64 = {0, 0}};

    if (!b) {
        return v;
    }
    switch (vop_lanes(def)) {
    case VOP_LANES_SHARED:
        return b[0];
    case VOP_LANES_PART:
        memcpy(&v, (const uint8_t *)b + arg, sizeof(v));
        return v;
    default:
        return b[1];
    }
}

/* Two results as one: a mask, flags of which all must hold, or nothing. */
static uint64_t join(const VopDef *def, uint64_t lo, uint64_t hi)
{
    unsigned arg = def->attrs >> VOP_ATTR_LANES_ARG_SHIFT & 31;

    if (vop_lanes(def) == VOP_LANES_JOIN) {
        return lo | hi << arg;
    }
    return lo & hi;
}

static uint64_t run_256(const VopDef *def, VopVec *d, const VopVec *a,
                        const VopVec *b, const VopVec *c, uint8_t imm)
{
    unsigned arg = def->attrs >> VOP_ATTR_LANES_ARG_SHIFT & 31;
    uint8_t imm_hi = vop_lanes(def) == VOP_LANES_IMM ? imm >> arg : imm;
    VopVec t[2], b_hi = upper_src1(def, b);
    uint64_t lo, hi;

    lo = def->fn(&t[0], a, b, c, 0, imm);
    hi = def->fn(&t[1], upper(a), b ? &b_hi : NULL, upper(c), 0, imm_hi);
    if (vop_lanes(def) == VOP_LANES_NARROW) {
        t[0].u64[1] = t[1].u64[0];
        t[1] = (VopVec){.u64 = {0, 0}};
    }
    if (d && !vop_dst_is_int(def) && def->shape != VOP_FVV) {
        memcpy(d, t, sizeof(t));
    }
    return join(def, lo, hi);
}

uint64_t vop_run(const VopDef *def, VecMode mode, VopVec *d, const VopVec *a,
                 const VopVec *b, const VopVec *c, uint64_t r, uint8_t imm)
{
    bool to_vector = !vop_dst_is_int(def) && def->shape != VOP_FVV;
    uint64_t result;

    if (mode == VEC_FULL && vop_lanes(def) != VOP_LANES_CROSS) {
        return run_256(def, d, a, b, c, imm);
    }
    result = def->fn(d, a, b, c, r, imm);
    if (mode == VEC_ZERO && to_vector) {
        d[1] = (VopVec){.u64 = {0, 0}};
    }
    return result;
}
