/* SPDX-License-Identifier: MIT */
/*
 * Every vector sub-op: the portable function against the host's instruction,
 * which is encoded from the row itself.  So this checks the encodings of
 * vops.def as well as the functions.  Results, integer results, flags and
 * MXCSR's sticky bits must agree, on corners and random bits, under random
 * rounding modes, DAZ and FTZ.
 */
#include <string.h>
#include <sys/mman.h>
#include <xmmintrin.h>

#include "tcg/vops.h"

/* What the code under test works on; rdi points to it. */
typedef struct Run {
    VopVec a, b; /* xmm1 (source 0 and dst), xmm2 */
    uint64_t r;  /* rcx in, rax out */
    uint32_t mxcsr;
    uint32_t pad;
    uint64_t cc; /* ax after LAHF and SETO */
} Run;
_Static_assert(offsetof(Run, b) == 16 && offsetof(Run, r) == 32 &&
                   offsetof(Run, mxcsr) == 40 && offsetof(Run, cc) == 48,
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
        reg = def->attrs >> VOP_ATTR_GROUP_SHIFT;
        rm = 1;
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
           def->shape == VOP_RVI || def->shape == VOP_EVI;
}

/* SDM vol. 2A, chapter 2 "Instruction Format": prefix, REX, map, opcode. */
static uint8_t *put_vop(uint8_t *p, const VopDef *def, uint8_t imm)
{
    static const uint8_t prefix[] = {
        [P_66] = 0x66,
        [P_F3] = 0xf3,
        [P_F2] = 0xf2,
    };

    if (def->prefix != P_NONE) {
        *p++ = prefix[def->prefix];
    }
    if (def->attrs & VOP_ATTR_W) {
        *p++ = 0x48;
    }
    *p++ = 0x0f;
    if (def->map != 0x0f) {
        *p++ = def->map;
    }
    *p++ = def->opcode;
    *p++ = modrm_of(def);
    if (has_imm(def)) {
        *p++ = imm;
    }
    return p;
}

static void make_code(const VopDef *def, uint8_t imm)
{
    uint8_t *p = code;

    p = PUT(p, "\x0f\x10\x0f"         /* movups (%rdi), %xmm1 */
               "\x0f\x10\x57\x10"     /* movups 16(%rdi), %xmm2 */
               "\x48\x8b\x4f\x20"     /* mov 32(%rdi), %rcx */
               "\x31\xc0"             /* xor %eax, %eax */
               "\x0f\xae\x57\x28");   /* ldmxcsr 40(%rdi) */
    p = put_vop(p, def, imm);
    p = PUT(p, "\x48\x89\x47\x20"     /* mov %rax, 32(%rdi) */
               "\x0f\xae\x5f\x28"     /* stmxcsr 40(%rdi) */
               "\x9f"                 /* lahf */
               "\x0f\x90\xc0"         /* seto %al */
               "\x48\x89\x47\x30"     /* mov %rax, 48(%rdi) */
               "\x0f\x11\x0f"         /* movups %xmm1, (%rdi) */
               "\xc3");               /* ret */
}

static void run_host(Run *run)
{
    unsigned old = _mm_getcsr();

    ((void (*)(Run *))code)(run);
    _mm_setcsr(old);
    run->cc &= CC_BITS;
}

static void run_portable(const VopDef *def, uint8_t imm, Run *run)
{
    unsigned old = _mm_getcsr();
    bool none = def->shape == VOP_VV || def->shape == VOP_VVI;
    VopVec d = run->a;
    uint64_t result;

    _mm_setcsr(run->mxcsr);
    result = def->fn(&d, none ? NULL : &run->a, &run->b, run->r, imm);
    run->mxcsr = _mm_getcsr();
    _mm_setcsr(old);
    run->a = d;
    run->r = vop_dst_is_int(def) ? result : 0;
    run->cc = def->shape == VOP_FVV ? result : 0;
}

static uint32_t corner32(GRand *rand)
{
    static const uint32_t corners[] = {
        0,          0x80000000, 0x3f800000, 0xbf800000, 0x7f800000,
        0xff800000, 0x7fc00001, 0xffc00002, 0x7f800003, 0xff800004,
        0x00000001, 0x807fffff, 0x00800000, 0x7f7fffff, 0x4effffff,
        0x4f000000, 0xcf000000, 0x3f000000, 0x3fc00000, 0xc0200000,
        0x4b000001, 0x4afffffd, 1,          0xffffffff, 0x7fffffff,
        0x00ff00ff, 0x80008000, 0x7fff7fff, 0x80807f7f, 5,
    };

    return corners[g_rand_int_range(rand, 0, ARRAY_LEN(corners))];
}

static uint64_t corner64(GRand *rand)
{
    static const uint64_t corners[] = {
        0,                  0x8000000000000000, 0x3ff0000000000000,
        0x7ff0000000000000, 0xfff0000000000000, 0x7ff8000000000001,
        0xfff8000000000002, 0x7ff0000000000003, 0xfff0000000000004,
        1,                  0x800fffffffffffff, 0x0010000000000000,
        0x7fefffffffffffff, 0x41dfffffffe00000, 0x41e0000000000000,
        0xc1e0000000000000, 0x43e0000000000000, 0xc3e0000000000000,
        0x3fe0000000000000, 0xbff8000000000000, 0x4004000000000000,
        0x4330000000000001, 0x432fffffffffffff, UINT64_MAX,
        17,                 64,                 0x380fffffffffffff,
        0x36a0000000000000, 0x47efffffe0000001, 0x47effffff0000000,
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
        v.u64[i] = kind == 3 ? corner64(rand)
                             : 0x3fb0000000000000 +
                                   ((uint64_t)g_rand_int(rand) << 24);
    }
    return v;
}

static void fail(const VopDef *def, uint8_t imm, const Run *in,
                 const Run *host, const Run *got)
{
    g_error("%s imm=%02x mxcsr=%x\n a %016" PRIx64 "%016" PRIx64
            "\n b %016" PRIx64 "%016" PRIx64 "\n r %" PRIx64
            "\nhost %016" PRIx64 "%016" PRIx64 " r=%" PRIx64
            " mxcsr=%x cc=%" PRIx64 "\n got %016" PRIx64 "%016" PRIx64
            " r=%" PRIx64 " mxcsr=%x cc=%" PRIx64,
            def->name, imm, in->mxcsr, in->a.u64[1], in->a.u64[0],
            in->b.u64[1], in->b.u64[0], in->r, host->a.u64[1],
            host->a.u64[0], host->r, host->mxcsr, host->cc, got->a.u64[1],
            got->a.u64[0], got->r, got->mxcsr, got->cc);
}

static void check(const VopDef *def, GRand *rand)
{
    uint8_t imm = (uint8_t)g_rand_int(rand);
    Run in = {
        .a = operand(rand),
        .b = operand(rand),
        .r = corner64(rand) ^ corner32(rand),
        .mxcsr = 0x1f80,
    };
    Run host, got;

    if (def->attrs & VOP_ATTR_FP) {
        in.mxcsr |= g_rand_int(rand) & 0xe040; /* RC, FTZ, DAZ */
        imm &= def->opcode == 0xc2 ? 7 : 0xff;
    }
    host = got = in;
    make_code(def, imm);
    run_host(&host);
    run_portable(def, imm, &got);
    if (memcmp(&host.a, &got.a, sizeof(VopVec)) ||
        (vop_dst_is_int(def) && host.r != got.r) ||
        (def->shape == VOP_FVV && host.cc != got.cc) ||
        host.mxcsr != got.mxcsr) {
        fail(def, imm, &in, &host, &got);
    }
}

static void test_vop(gconstpointer opaque)
{
    const VopDef *def = opaque;
    GRand *rand = g_rand_new_with_seed((guint32)(def - vop_defs));

    for (unsigned i = 0; i < 3000; i++) {
        check(def, rand);
    }
    g_rand_free(rand);
}

static bool host_has(const VopDef *def)
{
    return def->map == 0x0f ? __builtin_cpu_supports("sse3")
                            : __builtin_cpu_supports("sse4.2") &&
                                  __builtin_cpu_supports("aes") &&
                                  __builtin_cpu_supports("pclmul");
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
