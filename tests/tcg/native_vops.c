/* SPDX-License-Identifier: MIT */
/* Vector ops at random, and each row of vops.def. */
#include "native_random.h"

#include "tcg/vops.h"

void add_vector_move(IrFunc *f)
{
    IrTemp v = G_VEC(below(16));
    int64_t disp;
    IrTemp a;

    switch (below(5)) {
    case 4:
        ir_vzeroup(f, 16);
        break;
    case 0:
        a = address(f, &disp);
        if (chance(2)) {
            ir_ldv(f, v, a, disp, MO_32 + below(4));
        } else {
            ir_ldv_zero(f, v, a, disp, MO_32 + below(3));
        }
        break;
    case 1:
        a = address(f, &disp);
        ir_stv(f, v, a, disp, MO_32 + below(4));
        break;
    case 2: {
        IrTemp t = ir_temp_vec(f);

        if (chance(2)) {
            ir_vmov(f, t, v, VEC_LOW);
            ir_vmov(f, G_VEC(below(16)), t, below(2)); /* low bits only */
        } else {
            ir_vmov(f, t, v, VEC_ZERO + below(2));
            ir_vmov(f, G_VEC(below(16)), t, below(3));
        }
        break;
    }
    default:
        ir_vmov(f, v, G_VEC(below(16)), below(3));
        break;
    }
}

static IrTemp vec_source(void)
{
    return G_VEC(below(4));
}

/* 128 bits or 256, as the row allows. */
static VecMode vop_mode(const VopDef *d)
{
    if (vop_lanes(d) == VOP_LANES_CROSS) {
        return VEC_FULL;
    }
    if (d->attrs & VOP_ATTR_NO_VEX) {
        return VEC_LOW;
    }
    return below(vop_lanes(d) == VOP_LANES_NONE ? 2 : 3);
}

static bool has_src2(const VopDef *d)
{
    return d->shape == VOP_VVVV || d->shape == VOP_VVVM ||
           d->shape == VOP_VVVX;
}

/* Any sub-op, @code, on few registers, so that operands coincide. */
static void add_vop_code(IrFunc *f, VopCode code)
{
    const VopDef *d = &vop_defs[code];
    bool from_int = d->shape == VOP_VVR || d->shape == VOP_VVRI;
    IrTemp dst = vop_dst_is_int(d)        ? dest(f)
                 : d->shape == VOP_FVV ? IR_NONE
                                          : vec_source();
    IrTemp a = vec_source();
    IrTemp b = from_int ? source(f) : d->shape == VOP_SVI ? IR_NONE
                                                          : vec_source();

    if (code == VOP_MOVD_VE || code == VOP_MOVQ_VE) {
        a = IR_NONE;
    }
    ir_vop3(f, code, vop_mode(d), dst, a, b, has_src2(d) ? vec_source() : IR_NONE,
            rig_random());
}

void add_vop(IrFunc *f)
{
    add_vop_code(f, below(VOP_COUNT));
}

/* Numbers that floating point treats specially, in either width. */
static void special_vectors(void)
{
    static const uint64_t doubles[] = {
        0, 0x8000000000000000, 0x3ff0000000000000, 0x7ff0000000000000,
        0xfff0000000000000, 0x7ff8000000000001, 0x7ff0000000000001, 1,
        0x4008000000000000, 0x41e0000000000000, 0xc1e0000000200000,
    };
    static const uint32_t singles[] = {
        0, 0x80000000, 0x3f800000, 0x7f800000, 0xff800000, 0x7fc00001,
        0x7f800001, 1, 0x40400000, 0x4f000000,
    };

    for (unsigned i = 0; i < 4; i++) {
        for (unsigned j = 0; j < 4; j++) {
            if (chance(3)) {
                rig_cpu.vec[i].u64[j] = doubles[below(ARRAY_LEN(doubles))];
            } else if (chance(3)) {
                rig_cpu.vec[i].u32[2 * j] = singles[below(ARRAY_LEN(singles))];
                rig_cpu.vec[i].u32[2 * j + 1] =
                    singles[below(ARRAY_LEN(singles))];
            }
        }
    }
}

/* Every row of vops.def: once alone, then in the midst of others. */
void random_test_vops(void)
{
    for (unsigned code = 0; code < VOP_COUNT; code++) {
        for (unsigned i = 0; i < 8; i++) {
            IrFunc *f = random_start();

            special_vectors();
            rig_cpu.mxcsr |= below(4) << 13;
            for (unsigned n = below(3); n > 0; n--) {
                add_vop(f);
            }
            add_vop_code(f, code);
            ir_exit(f);
            rig_run(0, CC_BITS);
        }
    }
}
