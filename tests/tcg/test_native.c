/* SPDX-License-Identifier: MIT */
/*
 * The native back-end against the interpreter, on functions made at random and
 * some by hand: see native_rig.h for what is compared.
 */
#include "native_rig.h"

#include "tcg/helper.h"
#include "tcg/vops.h"
#include "tcg/x86_64/cg.h"

#include <xmmintrin.h>

#define ROUNDS 300

static unsigned below(unsigned n)
{
    return (unsigned)(rig_random() >> 8) % n;
}

static bool chance(unsigned one_in)
{
    return below(one_in) == 0;
}

/* --- random operands --- */
#define MAX_TEMPS 6
static IrTemp temps[MAX_TEMPS];
static unsigned ntemps;

static int64_t some_value(void)
{
    switch (below(5)) {
    case 0:
        return (int64_t)below(256) - 128;
    case 1:
        return (int64_t)rig_random();
    case 2:
        return (int32_t)rig_random();
    case 3:
        return (int64_t)1 << below(64);
    default:
        return below(3) - 1;
    }
}

static IrTemp source(IrFunc *f)
{
    if (chance(4)) {
        return ir_const(f, some_value());
    }
    if (ntemps && chance(3)) {
        return temps[below(ntemps)];
    }
    return G_REG(below(16));
}

static IrTemp dest(IrFunc *f)
{
    if (chance(3)) {
        if (ntemps < MAX_TEMPS) {
            temps[ntemps++] = ir_temp_local(f);
            ir_mov(f, IR_64, temps[ntemps - 1], ir_const(f, some_value()));
        }
        return temps[below(ntemps)];
    }
    return G_REG(below(16));
}

static IrSize wide_size(void)
{
    return chance(2) ? IR_32 : IR_64;
}

/* --- random ops --- */
static void add_alu(IrFunc *f)
{
    static const IrOpc ops[] = { IR_ADD, IR_SUB, IR_ADC, IR_SBB,
                                 IR_AND, IR_OR,  IR_XOR };
    uint8_t cc = chance(2) ? IR_CC_ALL : 0;

    ir_op2(f, ops[below(ARRAY_LEN(ops))], below(4), cc, dest(f), source(f),
           source(f));
}

static void add_compare(IrFunc *f)
{
    ir_op2(f, chance(2) ? IR_CMP : IR_TEST, below(4), IR_CC_ALL, IR_NONE,
           source(f), source(f));
}

static void add_unary(IrFunc *f)
{
    static const IrOpc ops[] = { IR_NOT, IR_NEG, IR_INC, IR_DEC };
    IrOpc opc = ops[below(ARRAY_LEN(ops))];
    uint8_t cc = chance(2) ? ir_op_defs[opc].cc_out : 0;

    ir_op1(f, opc, below(4), cc, dest(f), source(f));
}

/* Flags that the SDM leaves undefined must not be looked at: use those that
 * are defined, then define them all. */
static void settle(IrFunc *f, const IrCond *conds, unsigned n)
{
    ir_setcc(f, conds[below(n)], dest(f));
    ir_op2(f, IR_CMP, IR_64, IR_CC_ALL, IR_NONE, source(f), source(f));
}

static void add_shift(IrFunc *f)
{
    static const IrCond conds[] = { COND_B, COND_E, COND_S, COND_P, COND_BE };
    IrOpc opc = IR_SHL + below(IR_RCR - IR_SHL + 1);
    bool flags = chance(2);
    uint8_t cc = flags ? ir_op_defs[opc].cc_out : 0;

    ir_op2(f, opc, below(4), cc, dest(f), source(f), source(f));
    if (flags) {
        settle(f, conds, ARRAY_LEN(conds));
    }
}

static void add_double_shift(IrFunc *f)
{
    static const IrCond conds[] = { COND_B, COND_E, COND_S, COND_P, COND_BE };
    bool flags = chance(2);

    ir_op3(f, chance(2) ? IR_SHLD : IR_SHRD, wide_size(),
           flags ? IR_CC_ALL : 0, dest(f), source(f), source(f), source(f));
    if (flags) {
        settle(f, conds, ARRAY_LEN(conds));
    }
}

static void add_multiply(IrFunc *f)
{
    static const IrCond conds[] = { COND_B, COND_O };
    bool flags = chance(2);

    if (chance(2)) {
        ir_op2(f, IR_IMUL, 1 + below(3), flags ? IR_CC_ALL : 0, dest(f),
               source(f), source(f));
    } else {
        IrTemp hi = dest(f), lo = dest(f);

        ir_mul2(f, chance(2) ? IR_MULU2 : IR_MULS2, wide_size(),
                flags ? IR_CC_ALL : 0, lo, hi, source(f), source(f));
    }
    if (flags) {
        settle(f, conds, ARRAY_LEN(conds));
    }
}

static void add_bit_test(IrFunc *f)
{
    IrOpc opc = IR_BT + below(4);

    ir_op2(f, opc, 1 + below(3), chance(3) ? 0 : IR_CC_C,
           opc == IR_BT ? IR_NONE : dest(f), source(f), source(f));
}

static void add_scan(IrFunc *f)
{
    static const IrCond conds[] = { COND_E };
    bool flags = chance(2);
    uint8_t cc = flags ? IR_CC_ALL : 0;

    if (chance(2)) {
        ir_op2(f, chance(2) ? IR_BSF : IR_BSR, 1 + below(3), cc, dest(f),
               source(f), source(f));
    } else {
        ir_op1(f, IR_TZCNT + below(3), 1 + below(3), cc, dest(f), source(f));
    }
    if (flags) {
        settle(f, conds, ARRAY_LEN(conds));
    }
}

static void add_bmi(IrFunc *f)
{
    static const IrCond conds[] = { COND_E, COND_O };
    static const IrOpc ops[] = { IR_ANDN, IR_BEXTR, IR_BZHI, IR_PDEP,
                                 IR_PEXT };
    IrOpc opc = ops[below(ARRAY_LEN(ops))];
    uint8_t cc = chance(2) ? ir_op_defs[opc].cc_out : 0;

    if (chance(3)) {
        opc = IR_BLSI + below(3);
        ir_op1(f, opc, wide_size(), cc ? IR_CC_ALL : 0, dest(f), source(f));
    } else {
        ir_op2(f, opc, wide_size(), cc, dest(f), source(f), source(f));
    }
    if (cc) {
        settle(f, conds, ARRAY_LEN(conds));
    }
}

static void add_move(IrFunc *f)
{
    switch (below(8)) {
    case 0:
        ir_mov(f, wide_size(), dest(f), source(f));
        break;
    case 1:
        ir_op2(f, IR_DEP, below(2), 0, dest(f), source(f), source(f));
        break;
    case 2:
        ir_op2(f, IR_DEPH, IR_8, 0, dest(f), source(f), source(f));
        break;
    case 3:
        ir_op1(f, IR_EXTH, IR_64, 0, dest(f), source(f));
        break;
    case 4:
        ir_ext(f, IR_ZX, IR_64, below(3), dest(f), source(f));
        break;
    case 5:
        ir_ext(f, IR_SX, 2 + below(2), below(3), dest(f), source(f));
        break;
    case 6:
        ir_op1(f, IR_BSWAP, wide_size(), 0, dest(f), source(f));
        break;
    default:
        ir_lea(f, wide_size(), dest(f), chance(5) ? IR_NONE : source(f),
               chance(2) ? IR_NONE : source(f), below(4), some_value());
        break;
    }
}

static void add_flags_op(IrFunc *f)
{
    switch (below(7)) {
    case 0:
        ir_setcc(f, below(16), dest(f));
        break;
    case 1:
        ir_movcc(f, wide_size(), below(16), dest(f), source(f), source(f));
        break;
    case 2:
        ir_setcond(f, below(4), below(16), dest(f), source(f), source(f));
        break;
    case 3:
        ir_getcc(f, dest(f));
        break;
    case 4:
        ir_putcc(f, source(f), chance(2) ? IR_CC_ALL : below(64));
        break;
    case 5:
        ir_trapif(f, IR_64, COND_E, source(f), ir_const(f, 0x1234567),
                  RIG_H_TRAP, below(1000));
        break;
    default:
        ir_setc(f, below(3));
        break;
    }
}

/* An address in the three pages, near a boundary more often than not. */
static IrTemp address(IrFunc *f, int64_t *disp)
{
    vaddr va = chance(2) ? RIG_VA + 64 + below(RIG_BYTES - 128)
                         : RIG_VA + PAGE_SIZE * (1 + below(2)) - 40 +
                               below(80);

    *disp = chance(3) ? 0 : (int64_t)below(64) - 32;
    if (chance(3)) {
        IrTemp t = ir_temp(f);

        ir_op2(f, IR_AND, IR_64, 0, t, source(f), ir_const(f, 7));
        ir_lea(f, IR_64, t, t, ir_const(f, va & ~7), 0, 0);
        return t;
    }
    return ir_const(f, va);
}

static void add_load_store(IrFunc *f)
{
    int64_t disp;
    IrTemp a = address(f, &disp);
    MemOp op = below(4);

    if (chance(2)) {
        IrSize size = op == MO_64 ? IR_64 : 2 + below(2);

        ir_ld(f, size, dest(f), a, disp,
              op | (chance(3) ? MO_SIGN : 0) | (chance(4) ? MO_RMW : 0) |
                  (chance(4) ? MO_ALIGN : 0));
    } else {
        ir_st(f, source(f), a, disp, op | (chance(4) ? MO_AC : 0));
    }
}

static IrTemp dest_but(IrFunc *f, IrTemp base)
{
    IrTemp t = dest(f);

    return t == base ? G_REG((base + 1) % 16) : t;
}

static void add_near_access(IrFunc *f, IrTemp base, unsigned align)
{
    MemOp op = below(6);
    int64_t disp = (int64_t)(below(120) & ~align) - 40;
    MemOp how = chance(3) ? 0 : MO_ALIGN;

    if (op >= MO_128) {
        if (chance(2)) {
            ir_ldv(f, G_VEC(below(16)), base, disp, op | how);
        } else {
            ir_stv(f, G_VEC(below(16)), base, disp, op | how);
        }
    } else if (chance(2)) {
        ir_ld(f, op == MO_64 ? IR_64 : IR_32, dest_but(f, base), base, disp,
              op | (chance(4) ? MO_RMW : 0) | how);
    } else {
        ir_st(f, source(f), base, disp, op | how);
    }
}

/* Accesses off one register, which moves along, as by pushes and pops: near the
 * end of a page more often than not. */
static void add_neighbours(IrFunc *f)
{
    IrTemp base = G_REG(below(16));
    unsigned align = chance(2) ? 15 : 0;

    ir_mov(f, IR_64, base,
           ir_const(f, RIG_VA + PAGE_SIZE + below(2) * (PAGE_SIZE - 128) +
                           (below(128) & ~align)));
    for (unsigned n = 2 + below(5); n; n--) {
        add_near_access(f, base, align);
        if (chance(3)) {
            ir_lea(f, IR_64, base, base, IR_NONE, 0, 16 - 16 * (int)below(3));
        }
        if (chance(4)) {
            ir_op2(f, IR_ADD, IR_64, IR_CC_ALL, dest_but(f, base), source(f),
                   source(f));
        }
    }
}

static void add_rmw(IrFunc *f)
{
    static const IrOpc ops[] = { IR_ADD, IR_SUB, IR_ADC, IR_SBB, IR_AND,
                                 IR_OR,  IR_XOR, IR_NOT, IR_NEG, IR_INC,
                                 IR_DEC, IR_MOV, IR_BTS, IR_BTR, IR_BTC };
    IrOpc sub = ops[below(ARRAY_LEN(ops))];
    bool bit = sub >= IR_BTS && sub <= IR_BTC;
    bool unary = sub >= IR_NOT && sub <= IR_DEC;
    IrSize size = bit ? 1 + below(3) : below(4);
    uint8_t cc = sub == IR_MOV || chance(3) ? 0 : ir_op_defs[sub].cc_out;
    int64_t disp;
    IrTemp a = address(f, &disp);

    ir_rmw(f, sub, size, cc, chance(2) ? IR_NONE : dest(f), a, disp,
           unary ? IR_NONE : source(f), size | (chance(2) ? MO_LOCK : 0));
}

static void add_cmpxchg(IrFunc *f)
{
    IrSize size = below(4);
    int64_t disp;
    IrTemp a = address(f, &disp), expected = source(f);

    if (chance(2)) {
        /* ...one that is there */
        expected = dest(f);
        ir_ld(f, IR_64, expected, a, disp, size);
    }
    ir_cmpxchg(f, size, chance(3) ? 0 : IR_CC_ALL, dest(f), a, disp, expected,
               source(f), size | (chance(2) ? MO_LOCK : 0));
}

static void add_call(IrFunc *f)
{
    switch (below(5)) {
    case 0:
        ir_call(f, RIG_H_PURE, dest(f), 4, source(f), source(f), source(f),
                source(f));
        break;
    case 1:
        ir_call(f, RIG_H_SUM, dest(f), 2, source(f), source(f));
        break;
    case 2:
        ir_call(f, RIG_H_KEEPS, IR_NONE, 3, source(f), source(f), source(f));
        break;
    case 3:
        ir_call(f, RIG_H_SSE, dest(f), 1, source(f));
        break;
    default:
        ir_call(f, RIG_H_FLAGS, dest(f), 0);
        break;
    }
}

static void add_vector_move(IrFunc *f)
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

static void add_vop(IrFunc *f)
{
    add_vop_code(f, below(VOP_COUNT));
}

static void add_cpu_field(IrFunc *f)
{
    int32_t reg = offsetof(X86CPU, regs) + 8 * below(16);
    int32_t vec = offsetof(X86CPU, vec) + sizeof(VecReg) * below(16) +
                  4 * below(8);
    int32_t off = chance(2) ? reg : chance(2) ? vec
                                              : (int32_t)offsetof(X86CPU, dr);

    if (chance(2)) {
        ir_ld_cpu(f, dest(f), off, below(3) | (chance(2) ? MO_SIGN : 0));
    } else {
        ir_st_cpu(f, source(f), off, below(3));
    }
}

typedef void AddOp(IrFunc *f);
static AddOp *const all_ops[] = {
    add_alu,      add_alu,          add_alu,       add_compare, add_unary,
    add_shift,    add_double_shift, add_multiply,  add_scan,    add_bmi,
    add_move,     add_move,         add_bit_test,  add_flags_op,
    add_flags_op, add_load_store,   add_load_store, add_rmw,    add_cmpxchg,
    add_call,     add_vector_move,  add_cpu_field, add_vop,     add_vop,
    add_neighbours,
};

/* A forward branch over what follows, now and then. */
static void add_branch(IrFunc *f, unsigned label)
{
    if (chance(2)) {
        ir_brcc(f, below(16), label);
    } else {
        ir_brcond(f, below(4), below(16), source(f), source(f), label);
    }
}

static void random_function(AddOp *const *ops, unsigned nops, unsigned length)
{
    IrFunc *f = rig_start();
    int label = -1;

    ntemps = 0;
    for (unsigned i = 0; i < length; i++) {
        ops[below(nops)](f);
        if (chance(3)) {
            ir_insn(f, i + 1);
        }
        if (chance(10) && label < 0) {
            label = ir_label(f);
            /* A local must have been set on every path to its use. */
            while (ntemps < MAX_TEMPS) {
                dest(f);
            }
            add_branch(f, label);
        } else if (label >= 0 && chance(3)) {
            ir_set_label(f, label);
            label = -1;
        }
    }
    if (label >= 0) {
        ir_set_label(f, label);
    }
    ir_exit(f);
}

static void run_random(AddOp *const *ops, unsigned nops)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        random_function(ops, nops, 1 + below(i < ROUNDS / 2 ? 4 : 40));
        rig_run(chance(2) ? CF_PARALLEL : 0, CC_BITS);
    }
}

/* One kind of op alone, so that a failure names it, then all together. */
static void test_one(const void *data)
{
    AddOp *add = *(AddOp *const *)data;
    AddOp *const ops[] = { add, add, add, add_compare, add_move,
                           add_flags_op };

    run_random(ops, ARRAY_LEN(ops));
}

static void test_all(void)
{
    for (unsigned i = 0; i < 5; i++) {
        run_random(all_ops, ARRAY_LEN(all_ops));
    }
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
static void test_vops(void)
{
    for (unsigned code = 0; code < VOP_COUNT; code++) {
        for (unsigned i = 0; i < 8; i++) {
            IrFunc *f = rig_start();

            ntemps = 0;
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

/* As on a host that has none of what AVX2 does not imply. */
static void test_lacking(void)
{
    host_be_plain(true);
    test_vops();
    test_all();
    host_be_plain(false);
}

/* Without any one of what compilers call x86-64-v3, the back-end is unfit:
 * psABI x86-64, table 3.1. */
static void test_required(void)
{
    const HostCpuid v3 = {.leaf1_ecx = 0x38d01000,
                          .leaf7_ebx = 0x128,
                          .leaf81_ecx = 0x21};
    const HostCpuid all = {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX};

    g_assert_true(host_cpuid_fits(&all));
    for (unsigned bit = 0; bit < 32; bit++) {
        HostCpuid h[3] = {all, all, all};

        h[0].leaf1_ecx &= ~BIT(bit);
        h[1].leaf7_ebx &= ~BIT(bit);
        h[2].leaf81_ecx &= ~BIT(bit);
        g_assert_true(host_cpuid_fits(&h[0]) != (v3.leaf1_ecx >> bit & 1));
        g_assert_true(host_cpuid_fits(&h[1]) != (v3.leaf7_ebx >> bit & 1));
        g_assert_true(host_cpuid_fits(&h[2]) != (v3.leaf81_ecx >> bit & 1));
    }
}

/* --- by hand --- */
static void test_buffer_end(void)
{
    TranslationBlock tb = { 0 };
    bool fits = false;

    random_function(all_ops, ARRAY_LEN(all_ops), 60);
    ir_live(&rig_func, IR_CC_ALL);
    for (size_t len = 64; len < 65536 && !fits; len += 64) {
        fits = rig_compile(&tb, len);
    }
    g_assert_true(fits);
}

static void test_exit_request(void)
{
    TranslationBlock tb = { .pc_offset = 0x123, .flags = HF_CS64 };
    IrFunc *f = rig_start();

    ir_mov(f, IR_64, G_REG(0), ir_const(f, 5));
    ir_exit(f);
    ir_live(f, IR_CC_ALL);
    g_assert_true(rig_compile(&tb, 4096));
    rig_cpu.rip_base = 0xffffffff81000000;
    rig_cpu.regs[0] = 1;
    rig_cpu.cs.exit_request = 1;
    g_assert_cmpint(rig_enter(&tb), ==, TB_EXIT_REQUEST);
    g_assert_cmphex(rig_cpu.rip, ==, 0xffffffff81000123);
    g_assert_cmpuint(rig_cpu.regs[0], ==, 1);
    rig_cpu.cs.exit_request = 0;
    g_assert_cmpint(rig_enter(&tb), ==, TB_EXIT_LOOKUP);
    g_assert_cmpuint(rig_cpu.regs[0], ==, 5);
}

/* Unlinked, linked to itself until a counter runs out, unlinked again. */
static void test_chain(void)
{
    TranslationBlock tb = { .flags = HF_CS64 };
    IrFunc *f = rig_start();
    unsigned done = ir_label(f);

    ir_op2(f, IR_SUB, IR_64, IR_CC_ALL, G_REG(9), G_REG(9), ir_const(f, 1));
    ir_brcc(f, COND_E, done);
    ir_goto_tb(f, 1, IR_32, 0x777);
    ir_set_label(f, done);
    ir_exit(f);
    ir_live(f, IR_CC_ALL);
    g_assert_true(rig_compile(&tb, 4096));
    g_assert_cmphex(tb.code.jump_off[0], ==, UINT32_MAX);
    rig_cpu.regs[9] = 10;
    rig_cpu.rip_base = 0xffffff000;
    g_assert_cmpint(rig_enter(&tb), ==, TB_EXIT_SLOT1);
    g_assert_cmphex(rig_cpu.rip, ==, 0xfffff777);
    g_assert_cmpuint(rig_cpu.regs[9], ==, 9);
    tcg_backend_native.patch_jump(&tb, 1, tb.code.entry);
    g_assert_cmpint(rig_enter(&tb), ==, TB_EXIT_LOOKUP);
    g_assert_cmpuint(rig_cpu.regs[9], ==, 0);
    g_assert_cmphex(rig_cpu.cc & CC_BITS, ==, CC_BIT_Z | CC_BIT_P);
    tcg_backend_native.patch_jump(&tb, 1, NULL);
    g_assert_cmpint(rig_enter(&tb), ==, TB_EXIT_SLOT1);
    g_assert_cmpuint(rig_cpu.regs[9], ==, ~(uint64_t)0);
}

/* A loop through the jump cache: R9 counts down, R10 is where to. */
static void make_indirect(TranslationBlock *tb, unsigned how)
{
    static CPUJumpCache cache;
    IrFunc *f = rig_start();
    unsigned done = ir_label(f);

    ir_op2(f, IR_SUB, IR_64, 0, G_REG(9), G_REG(9), ir_const(f, 1));
    ir_brcond(f, IR_64, COND_E, G_REG(9), ir_const(f, 0), done);
    ir_jmp_ind(f, G_REG(10), how);
    ir_set_label(f, done);
    ir_exit(f);
    ir_live(f, IR_CC_ALL);
    g_assert_true(rig_compile(tb, 4096));
    memset(&cache, 0xff, sizeof(cache));
    rig_cpu.cs.jump_cache = &cache;
    rig_cpu.regs[9] = 10;
}

/* Leaves with so many rounds to go. */
static void check_indirect(TranslationBlock *tb, uint64_t left)
{
    rig_cpu.rip_base = 0;
    g_assert_cmpint(rig_enter(tb), ==, TB_EXIT_LOOKUP);
    g_assert_cmpuint(rig_cpu.regs[9], ==, left);
}

/* Through the jump cache when pc and flags agree, else to tcg_lookup_ind. */
static void test_indirect(void)
{
    TranslationBlock tb = {.flags = HF_CS64};
    const vaddr pc = 0xffffffff81234abc;
    JumpCacheEntry *e;

    make_indirect(&tb, 0);
    rig_cpu.regs[10] = pc;
    e = &rig_cpu.cs.jump_cache->e[jump_cache_index(pc)];
    check_indirect(&tb, 9);
    g_assert_cmphex(rig_cpu.rip, ==, pc);
    *e = (JumpCacheEntry){ .pc = pc, .flags = HF_CS64 ^ 1,
                           .entry = tb.code.entry };
    check_indirect(&tb, 8);
    e->flags = HF_CS64;
    rig_cpu.cs.interrupt_request = 1;
    check_indirect(&tb, 0);
    rig_cpu.cs.interrupt_request = 0;
    g_assert_cmphex(rig_cpu.rip_base, ==, 0xffffffff81234000);
}

/* With the vCPU's flags, and none while a request waits. */
static void test_indirect_changed(void)
{
    TranslationBlock tb = {.flags = HF_CS64};
    const vaddr pc = 0x7654321;
    JumpCacheEntry *e;

    make_indirect(&tb, JMP_FLAGS | JMP_REQUESTS);
    rig_cpu.regs[10] = pc;
    rig_cpu.hflags = HF_CS64 | HF_DF;
    e = &rig_cpu.cs.jump_cache->e[jump_cache_index(pc)];
    *e = (JumpCacheEntry){.pc = pc, .flags = HF_CS64, .entry = tb.code.entry};
    check_indirect(&tb, 9);
    e->flags = HF_CS64 | HF_DF;
    rig_cpu.cs.interrupt_request = 1;
    check_indirect(&tb, 8);
    g_assert_cmphex(rig_cpu.rip, ==, pc);
    rig_cpu.cs.interrupt_request = 0;
    check_indirect(&tb, 0);
}

/* --- jumps between pages --- */
static CPUJumpCache pages;

/* R9 counts down round by round; back to the start, which is 5 pages away. */
static void make_page_loop(TranslationBlock *tb, bool user)
{
    IrFunc *f = rig_start();
    unsigned done = ir_label(f);

    ir_op2(f, IR_SUB, IR_64, 0, G_REG(9), G_REG(9), ir_const(f, 1));
    ir_brcond(f, IR_64, COND_E, G_REG(9), ir_const(f, 0), done);
    ir_goto_page(f, 1, user, IR_64, 0x5123);
    ir_set_label(f, done);
    ir_exit(f);
    ir_live(f, IR_CC_ALL);
    g_assert_true(rig_compile(tb, 4096));
    memset(&pages, 0, sizeof(pages));
    rig_cpu.cs.jump_cache = &pages;
}

/* Leaves with @left rounds to go; was accel/tcg asked for the next TB? */
static void check_page(TranslationBlock *tb, uint64_t left, bool asked)
{
    rig_cpu.regs[9] = 2;
    rig_cpu.rip_base = 0xffffffff81230000;
    rig_asked_at = 0;
    g_assert_cmpint(rig_enter(tb), ==, TB_EXIT_LOOKUP);
    g_assert_cmpuint(rig_cpu.regs[9], ==, left);
    if (asked) {
        g_assert_cmphex(rig_cpu.rip, ==, 0xffffffff81235123);
        g_assert_cmpuint(rig_asked_at - (uintptr_t)tb->code.entry, <=,
                         tb->code.code_bytes);
        g_assert_cmpuint(rig_asked_slot, ==, 1);
    } else {
        g_assert_cmphex(rig_asked_at, ==, 0);
    }
}

/* Only where the vCPU knows the page, as the one that was linked into. */
static void check_links_to_pages(bool user)
{
    TranslationBlock tb = {.flags = HF_CS64, .pc_offset = 0x123};
    const unsigned index = jump_page_index(0xffffffff81235000);
    JumpPage *page;

    make_page_loop(&tb, user);
    page = user ? &pages.user[index] : &pages.kernel[index];
    g_assert_cmphex(tb.code.page_slots, ==, BIT(1));
    check_page(&tb, 1, true);
    *page = (JumpPage){.addr = 0xffffffff81235000, .ram = 77};
    check_page(&tb, 1, true); /* not linked */
    g_assert_true(tcg_backend_native.set_page(&tb, 1, 77));
    check_page(&tb, 1, true); /* the page is right, but nothing patched */
    tcg_backend_native.patch_jump(&tb, 1, tb.code.entry);
    check_page(&tb, 0, false);
    g_assert_cmphex(rig_cpu.rip_base, ==, 0xffffffff81235000);
    page->ram = 78;
    check_page(&tb, 1, true);
    g_assert_false(tcg_backend_native.set_page(&tb, 1, 78));
    g_assert_true(tcg_backend_native.set_page(&tb, 1, 77));
    *page = (JumpPage){.addr = 0xffffffff81235000 - (PAGE_SIZE << JUMP_PAGE_BITS),
                       .ram = 77};
    check_page(&tb, 1, true);
}

static void test_links_to_pages(void)
{
    check_links_to_pages(true);
    check_links_to_pages(false);
}

/* What the SSE helper does to the host's flags stays out of the guest's, and
 * the host gets its own MXCSR back. */
static void test_mxcsr(void)
{
    unsigned host = _mm_getcsr();
    IrFunc *f = rig_start();

    ir_call(f, RIG_H_SSE, G_REG(0), 1, ir_const(f, 0));
    ir_exit(f);
    rig_cpu.mxcsr = 0x7f80;
    rig_run(0, CC_BITS);
    g_assert_cmphex(rig_cpu.mxcsr, ==, 0x7f80);
    g_assert_cmphex(_mm_getcsr() & ~0x3fu, ==, host & ~0x3fu);
}

/* Both sides count, and nothing else changes. */
static void test_count_calls(void)
{
    IrFunc *f;

    helper_count_calls();
    f = rig_start();
    ir_call(f, RIG_H_SUM, G_REG(0), 2, G_REG(1), G_REG(2));
    ir_call(f, RIG_H_KEEPS, IR_NONE, 3, G_REG(0), G_REG(1), G_REG(2));
    ir_exit(f);
    rig_run(0, CC_BITS);
    g_assert_cmpuint(*helper_counter(RIG_H_SUM), ==, 2);
    g_assert_cmpuint(*helper_counter(RIG_H_KEEPS), ==, 2);
    g_assert_cmpuint(*helper_counter(RIG_H_SSE), ==, 0);
}

static void add_kind(const char *name, AddOp *const *add)
{
    g_autofree char *path = g_strdup_printf("/native/random/%s", name);

    g_test_add_data_func(path, add, test_one);
}

int main(int argc, char **argv)
{
    static AddOp *const kinds[] = {
        add_alu,  add_compare,  add_unary,    add_shift,      add_double_shift,
        add_multiply, add_scan, add_bmi,      add_move,       add_bit_test,
        add_flags_op, add_load_store, add_rmw, add_cmpxchg,   add_call,
        add_vector_move, add_cpu_field, add_vop,    add_neighbours,
    };
    static const char *const names[] = {
        "alu",  "compare", "unary", "shift", "double-shift",
        "multiply", "scan", "bmi", "move", "bit-test",
        "flags", "load-store", "rmw", "cmpxchg", "call",
        "vector-move", "cpu-field", "vop", "neighbours",
    };

    g_test_init(&argc, &argv, NULL);
    rig_init();
    for (unsigned i = 0; i < ARRAY_LEN(kinds); i++) {
        add_kind(names[i], &kinds[i]);
    }
    g_test_add_func("/native/vops", test_vops);
    g_test_add_func("/native/random/all", test_all);
    g_test_add_func("/native/lacking", test_lacking);
    g_test_add_func("/native/required", test_required);
    g_test_add_func("/native/buffer-end", test_buffer_end);
    g_test_add_func("/native/exit-request", test_exit_request);
    g_test_add_func("/native/chain", test_chain);
    g_test_add_func("/native/indirect", test_indirect);
    g_test_add_func("/native/indirect-changed", test_indirect_changed);
    g_test_add_func("/native/links-to-pages", test_links_to_pages);
    g_test_add_func("/native/mxcsr", test_mxcsr);
    g_test_add_func("/native/count-calls", test_count_calls);
    return g_test_run();
}
