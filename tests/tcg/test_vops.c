/* SPDX-License-Identifier: MIT */
/*
 * Every vector sub-op: the portable function against the host's instruction,
 * which is encoded from the row itself.  So this checks the encodings of
 * vops.def as well as the functions.  Results, integer results, flags and
 * MXCSR's sticky bits must agree, on corners and random bits, under random
 * rounding modes, DAZ and FTZ.
 */
#include <cpuid.h>
#include <string.h>
#include <sys/mman.h>
#include <xmmintrin.h>

#include "tcg/vops.h"

/* What the code under test works on; rdi points to it. */
typedef struct Run {
    VopVec a[2], b[2], c[2]; /* ymm1 (source 0 and dst), ymm2, ymm0 */
    uint64_t r;              /* rcx in, rax out */
    uint32_t mxcsr;
    uint32_t pad;
    uint64_t cc; /* ax after LAHF and SETO */
} Run;
_Static_assert(offsetof(Run, b) == 32 && offsetof(Run, c) == 64 &&
                   offsetof(Run, r) == 96 && offsetof(Run, mxcsr) == 104 &&
                   offsetof(Run, cc) == 112,
               "displacements in the code below");

static uint8_t *code; /* one page, writable and executable */

static uint8_t *put(uint8_t *p, const char *bytes, size_t n)
{
    memcpy(p, bytes, n);
    return p + n;
}
#define PUT(p, s) put(p, s, sizeof(s) - 1)

static uint8_t modrm_of(const VopDef *def)
{
    unsigned reg = 1, rm = 2;

    switch (def->shape) {
    case VOP_SVI:
        reg = def->attrs >> VOP_ATTR_GROUP_SHIFT & 7;
        rm = 1;
        break;
    case VOP_VVVV:
        rm = 0;
        break;
    case VOP_VVI:
        if (def->attrs & VOP_ATTR_SWAP) {
            reg = 2;
            rm = 1;
        }
        break;
    case VOP_RV:
    case VOP_RVI:
        reg = 0;
        break;
    case VOP_EV:
    case VOP_EVI:
        reg = 2;
        rm = 0;
        break;
    case VOP_VVR:
    case VOP_VVRI:
        rm = 1;
        break;
    }
    return (uint8_t)(0xc0 | reg << 3 | rm);
}

static bool has_imm(const VopDef *def)
{
    return def->shape == VOP_VVI || def->shape == VOP_VVVI ||
           def->shape == VOP_SVI || def->shape == VOP_VVRI ||
           def->shape == VOP_RVI || def->shape == VOP_EVI ||
           def->shape == VOP_VVVM;
}

static const uint8_t prefix_byte[] = {
    [P_66] = 0x66,
    [P_F3] = 0xf3,
    [P_F2] = 0xf2,
};

/* SDM vol. 2A, chapter 2 "Instruction Format": prefix, REX, map, opcode. */
static uint8_t *put_legacy(uint8_t *p, const VopDef *def)
{
    if (def->prefix != P_NONE) {
        *p++ = prefix_byte[def->prefix];
    }
    if (def->attrs & VOP_ATTR_W) {
        *p++ = 0x48;
    }
    *p++ = 0x0f;
    if (def->map != 0x0f) {
        *p++ = def->map;
    }
    *p++ = def->opcode;
    return p;
}

/* SDM vol. 2A, 2.3.5 "The VEX Prefix".  VEX.vvvv is register 1, or none; of
 * three sources the middle one, register 2. */
static uint8_t *put_vex(uint8_t *p, const VopDef *def, VecMode mode)
{
    bool names_v = def->shape == VOP_VVV || def->shape == VOP_VVVI ||
                   def->shape == VOP_SVI || def->shape == VOP_VVR ||
                   def->shape == VOP_VVRI || def->shape == VOP_VVVM;
    unsigned v = def->shape == VOP_VVVV ? 2 : names_v ? 1 : 0;

    if (def - vop_defs == VOP_MOVD_VE || def - vop_defs == VOP_MOVQ_VE) {
        v = 0;
    }
    *p++ = 0xc4;
    *p++ = 0xe0 | (def->map == 0x0f ? 1 : def->map == 0x38 ? 2 : 3);
    *p++ = (uint8_t)((def->attrs & VOP_ATTR_W ? 0x80 : 0) | (~v & 15) << 3 |
                     (mode == VEC_FULL ? 4 : 0) |
                     (def->prefix == P_66   ? 1
                      : def->prefix == P_F3 ? 2
                      : def->prefix == P_F2 ? 3
                                            : 0));
    *p++ = def->opcode;
    return p;
}

static uint8_t *put_vop(uint8_t *p, const VopDef *def, VecMode mode,
                        uint8_t imm)
{
    p = mode == VEC_LOW ? put_legacy(p, def) : put_vex(p, def, mode);
    *p++ = modrm_of(def);
    if (has_imm(def)) {
        *p++ = def->shape == VOP_VVVM ? 0 : imm; /* ymm0 */
    }
    return p;
}

static void make_code(const VopDef *def, VecMode mode, uint8_t imm)
{
    uint8_t *p = code;

    p = PUT(p, "\xc5\xfc\x10\x0f"     /* vmovups (%rdi), %ymm1 */
               "\xc5\xfc\x10\x57\x20" /* vmovups 32(%rdi), %ymm2 */
               "\xc5\xfc\x10\x47\x40" /* vmovups 64(%rdi), %ymm0 */
               "\x48\x8b\x4f\x60"     /* mov 96(%rdi), %rcx */
               "\x31\xc0"             /* xor %eax, %eax */
               "\x0f\xae\x57\x68");   /* ldmxcsr 104(%rdi) */
    p = put_vop(p, def, mode, imm);
    p = PUT(p, "\x48\x89\x47\x60" /* mov %rax, 96(%rdi) */
               "\x0f\xae\x5f\x68" /* stmxcsr 104(%rdi) */
               "\x9f"             /* lahf */
               "\x0f\x90\xc0"     /* seto %al */
               "\x48\x89\x47\x70" /* mov %rax, 112(%rdi) */
               "\xc5\xfc\x11\x0f" /* vmovups %ymm1, (%rdi) */
               "\xc5\xf8\x77"     /* vzeroupper */
               "\xc3");           /* ret */
}

static void run_host(Run *run)
{
    unsigned old = _mm_getcsr();

    ((void (*)(Run *))code)(run);
    _mm_setcsr(old);
    run->cc &= CC_BITS;
}

static void run_portable(const VopDef *def, VecMode mode, uint8_t imm, Run *run)
{
    unsigned old = _mm_getcsr();
    bool none = def->shape == VOP_VV || def->shape == VOP_VVI;
    VopVec d[2] = {run->a[0], run->a[1]};
    uint64_t result;

    _mm_setcsr(run->mxcsr);
    result = vop_run(def, mode, d, none ? NULL : run->a, run->b, run->c, run->r,
                     imm);
    run->mxcsr = _mm_getcsr();
    _mm_setcsr(old);
    memcpy(run->a, d, sizeof(d));
    run->r = vop_dst_is_int(def) ? result : 0;
    run->cc = def->shape == VOP_FVV ? result : 0;
}

static uint32_t corner32(GRand *rand)
{
    static const uint32_t corners[] = {
        0,          0x80000000, 0x3f800000, 0xbf800000, 0x7f800000, 0xff800000,
        0x7fc00001, 0xffc00002, 0x7f800003, 0xff800004, 0x00000001, 0x807fffff,
        0x00800000, 0x7f7fffff, 0x4effffff, 0x4f000000, 0xcf000000, 0x3f000000,
        0x3fc00000, 0xc0200000, 0x4b000001, 0x4afffffd, 1,          0xffffffff,
        0x7fffffff, 0x00ff00ff, 0x80008000, 0x7fff7fff, 0x80807f7f, 5,
    };

    return corners[g_rand_int_range(rand, 0, ARRAY_LEN(corners))];
}

static uint64_t corner64(GRand *rand)
{
    static const uint64_t corners[] = {
        0,
        0x8000000000000000,
        0x3ff0000000000000,
        0x7ff0000000000000,
        0xfff0000000000000,
        0x7ff8000000000001,
        0xfff8000000000002,
        0x7ff0000000000003,
        0xfff0000000000004,
        1,
        0x800fffffffffffff,
        0x0010000000000000,
        0x7fefffffffffffff,
        0x41dfffffffe00000,
        0x41e0000000000000,
        0xc1e0000000000000,
        0x43e0000000000000,
        0xc3e0000000000000,
        0x3fe0000000000000,
        0xbff8000000000000,
        0x4004000000000000,
        0x4330000000000001,
        0x432fffffffffffff,
        UINT64_MAX,
        17,
        64,
        0x380fffffffffffff,
        0x36a0000000000000,
        0x47efffffe0000001,
        0x47effffff0000000,
    };

    return corners[g_rand_int_range(rand, 0, ARRAY_LEN(corners))];
}

/* Lanes of corners, of moderate numbers or of random bits. */
static VopVec operand(GRand *rand)
{
    unsigned kind = g_rand_int_range(rand, 0, 5);
    VopVec v;

    for (unsigned i = 0; i < 4; i++) {
        v.u32[i] = kind == 0   ? g_rand_int(rand)
                   : kind == 1 ? 0x3d800000 + (g_rand_int(rand) >> 6)
                               : corner32(rand);
    }
    for (unsigned i = 0; i < 2 && kind > 2; i++) {
        v.u64[i] =
            kind == 3 ? corner64(rand)
                      : 0x3fb0000000000000 + ((uint64_t)g_rand_int(rand) << 24);
    }
    return v;
}

static void print_vector(const char *name, const VopVec v[2])
{
    g_printerr("%6s %016" PRIx64 "%016" PRIx64 " %016" PRIx64 "%016" PRIx64
               "\n",
               name, v[1].u64[1], v[1].u64[0], v[0].u64[1], v[0].u64[0]);
}

static void fail(const VopDef *def, VecMode mode, uint8_t imm, const Run *in,
                 const Run *host, const Run *got)
{
    print_vector("a", in->a);
    print_vector("b", in->b);
    print_vector("c", in->c);
    print_vector("host", host->a);
    print_vector("got", got->a);
    g_error("%s mode=%u imm=%02x mxcsr=%x r=%" PRIx64 "\nhost r=%" PRIx64
            " mxcsr=%x cc=%" PRIx64 "\n got r=%" PRIx64 " mxcsr=%x cc=%" PRIx64,
            def->name, mode, imm, in->mxcsr, in->r, host->r, host->mxcsr,
            host->cc, got->r, got->mxcsr, got->cc);
}

static void check(const VopDef *def, VecMode mode, GRand *rand)
{
    uint8_t imm = (uint8_t)g_rand_int(rand);
    Run in = {
        .a = {operand(rand), operand(rand)},
        .b = {operand(rand), operand(rand)},
        .c = {operand(rand), operand(rand)},
        .r = corner64(rand) ^ corner32(rand),
        .mxcsr = 0x1f80,
    };
    Run host, got;

    if (def->attrs & VOP_ATTR_FP) {
        in.mxcsr |= g_rand_int(rand) & 0xe040; /* RC, FTZ, DAZ */
        imm &= def->opcode == 0xc2 ? (mode == VEC_LOW ? 7 : 31) : 0xff;
    }
    host = got = in;
    make_code(def, mode, imm);
    run_host(&host);
    run_portable(def, mode, imm, &got);
    if (memcmp(host.a, got.a, sizeof(host.a)) ||
        (vop_dst_is_int(def) && host.r != got.r) ||
        (def->shape == VOP_FVV && host.cc != got.cc) ||
        host.mxcsr != got.mxcsr) {
        fail(def, mode, imm, &in, &host, &got);
    }
}

/* Rows with a legacy encoding are those of SSE to SSE4.2, which come first. */
static bool has_legacy(const VopDef *def)
{
    return def < &vop_defs[VOP_VPERMILPS] || (def->attrs & VOP_ATTR_NO_VEX);
}

static void test_vop(gconstpointer opaque)
{
    const VopDef *def = opaque;
    GRand *rand = g_rand_new_with_seed((guint32)(def - vop_defs));

    for (unsigned i = 0; i < 2000; i++) {
        if (has_legacy(def)) {
            check(def, VEC_LOW, rand);
        }
        if (!(def->attrs & VOP_ATTR_NO_VEX) &&
            vop_lanes(def) != VOP_LANES_CROSS) {
            check(def, VEC_ZERO, rand);
        }
        if (vop_lanes(def) != VOP_LANES_NONE) {
            check(def, VEC_FULL, rand);
        }
    }
    g_rand_free(rand);
}

/* SDM vol. 2A, "CPUID", leaves 1 and 7. */
static bool host_has(const VopDef *def)
{
    unsigned a, b, c, d, ext = def->attrs >> VOP_ATTR_EXT_SHIFT & 7;

    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) {
        return false;
    }
    if (ext == VOP_EXT_NONE) {
        return true;
    }
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
        return false;
    }
    return ext == VOP_EXT_AES     ? c & bit_VAES
           : ext == VOP_EXT_CLMUL ? c & bit_VPCLMULQDQ
           : ext == VOP_EXT_SHA   ? b & bit_SHA
                                  : c & bit_GFNI;
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    g_assert_true(code != MAP_FAILED);
    for (unsigned i = 0; i < VOP_COUNT; i++) {
        char *path = g_strdup_printf("/vops/%s", vop_defs[i].name);

        if (host_has(&vop_defs[i])) {
            g_test_add_data_func(path, &vop_defs[i], test_vop);
        }
        g_free(path);
    }
    return g_test_run();
}
