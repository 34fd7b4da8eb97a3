/* SPDX-License-Identifier: MIT */
/*
 * The string compares of SSE4.2, which no back-end leaves to the host: the
 * helper against the host's instruction, over all immediates, on strings of few
 * letters so that much matches.  "-m thorough" takes a million strings for each
 * of the four instructions.
 */
#include <sys/mman.h>

#include "target/i386/helpers.h"
#include "target/i386/pcmpstr.h"
#include "tcg/ir.h"
#include "tcg/x86_64/asm.h"

/* What the code under test works on; RDI points to it. */
typedef struct Run {
    VecReg a, b;       /* XMM1, XMM2 */
    VecReg mask;       /* XMM0 */
    uint64_t rax, rdx; /* lengths */
    uint64_t rcx, cc;
} Run;

enum { BATCH = 64 }; /* strings with one immediate */

static uint8_t *code; /* one page, writable and executable */

/* SDM vol. 2B, "PCMPESTRI" and those after it: 66 [REX.W] 0F 3A 60 to 63. */
static void make_code(unsigned opcode, bool wide, uint8_t imm)
{
    Asm as = {code};

    asm_vload(&as, false, XMM0 + 1, rm_mem(RDI, offsetof(Run, a)));
    asm_vload(&as, false, XMM0 + 2, rm_mem(RDI, offsetof(Run, b)));
    asm_vload(&as, false, XMM0, rm_mem(RDI, offsetof(Run, mask)));
    asm_load(&as, IR_64, RAX, rm_mem(RDI, offsetof(Run, rax)));
    asm_load(&as, IR_64, RDX, rm_mem(RDI, offsetof(Run, rdx)));
    asm_load(&as, IR_64, RCX, rm_mem(RDI, offsetof(Run, rcx)));
    asm_op(&as, opcode | A_66 | A_3A | (wide ? A_W : 0), 1, rm_reg(XMM0 + 2));
    asm_u8(&as, imm);
    asm_mov_imm(&as, RAX, 0);
    asm_u8(&as, 0x9f);                                /* lahf */
    asm_op(&as, 0x90 | A_0F | A_RM8, 0, rm_reg(RAX)); /* seto %al */
    asm_store(&as, IR_64, rm_mem(RDI, offsetof(Run, cc)), RAX);
    asm_store(&as, IR_64, rm_mem(RDI, offsetof(Run, rcx)), RCX);
    asm_vstore(&as, false, rm_mem(RDI, offsetof(Run, mask)), XMM0);
    asm_u8(&as, 0xc3); /* ret */
}

static void run_host(Run *r)
{
    ((void (*)(Run *))(uintptr_t)code)(r);
    r->cc &= CC_BITS;
}

static void run_helper(unsigned opcode, bool wide, uint8_t imm, Run *r)
{
    static X86CPU cpu;
    uint64_t index;

    cpu.vec[0] = r->mask;
    cpu.vec[1] = r->a;
    cpu.regs[R_RAX] = r->rax;
    cpu.regs[R_RDX] = r->rdx;
    index = helper_pcmpstr(&cpu,
                           imm | (opcode & 1 ? PCMPSTR_INDEX : PCMPSTR_MASK) |
                               (opcode & 2 ? PCMPSTR_IMPLICIT : 0) |
                               (wide ? PCMPSTR_WIDE : 0),
                           1, r->b.u64[0], r->b.u64[1]);
    r->rcx = opcode & 1 ? index : r->rcx;
    r->mask = cpu.vec[0];
    r->cc = cpu.cc;
}

/* Four letters about the ends of bytes or words, or a zero now and then. */
static VecReg make_text(GRand *rand)
{
    static const uint16_t about[] = {0,      0x7f,   0x80,   0xff,
                                     0x7fff, 0x8000, 0xffff, 0x4141};
    uint16_t letters[4];
    VecReg v = {.u64 = {0}};

    for (unsigned i = 0; i < ARRAY_LEN(letters); i++) {
        letters[i] = (uint16_t)(about[g_rand_int_range(rand, 0, 8)] +
                                g_rand_int_range(rand, -1, 2));
    }
    for (unsigned i = 0; i < 8; i++) {
        v.u16[i] = letters[g_rand_int_range(rand, 0, 4)];
    }
    for (unsigned i = 0; i < 16 && g_rand_boolean(rand); i++) {
        v.u8[i] = (uint8_t)letters[g_rand_int_range(rand, 0, 4)];
    }
    return v;
}

/* Signed; more than there is, now and then, or only in the upper half. */
static uint64_t make_length(GRand *rand)
{
    static const uint64_t odd[] = {INT64_MIN,  INT32_MIN, UINT32_MAX,
                                   1ull << 32, INT64_MAX, 0x7fffffff};

    return g_rand_int_range(rand, 0, 8)
               ? (uint64_t)(int64_t)g_rand_int_range(rand, -18, 19)
               : odd[g_rand_int_range(rand, 0, ARRAY_LEN(odd))];
}

static void check_one(unsigned opcode, bool wide, uint8_t imm, GRand *rand)
{
    Run in = {.a = make_text(rand),
              .b = make_text(rand),
              .mask = make_text(rand),
              .rax = make_length(rand),
              .rdx = make_length(rand),
              .rcx = g_rand_int(rand)};
    Run host, got;

    if (!g_rand_int_range(rand, 0, 4)) {
        in.b = in.a;
    }
    host = got = in;
    run_host(&host);
    run_helper(opcode, wide, imm, &got);
    if (memcmp(&host, &got, sizeof(host))) {
        g_error("opcode %02x imm %02x W %u: a %016" PRIx64 "%016" PRIx64
                " b %016" PRIx64 "%016" PRIx64 " rax %" PRIx64 " rdx %" PRIx64
                ": rcx %" PRIx64 " not %" PRIx64 ", flags %04" PRIx64
                " not %04" PRIx64,
                opcode, imm, wide, in.a.u64[1], in.a.u64[0], in.b.u64[1],
                in.b.u64[0], in.rax, in.rdx, got.rcx, host.rcx, got.cc,
                host.cc);
    }
}

static void test_pcmpstr(gconstpointer data)
{
    unsigned opcode = GPOINTER_TO_UINT(data);
    unsigned batches = g_test_thorough() ? 1000000 / BATCH : 1024;
    GRand *rand = g_rand_new_with_seed(g_test_rand_int());

    for (unsigned i = 0; i < batches; i++) {
        bool wide = i >> 8 & 1;

        make_code(opcode, wide, (uint8_t)i);
        for (unsigned n = 0; n < BATCH; n++) {
            check_one(opcode, wide, (uint8_t)i, rand);
        }
    }
    g_rand_free(rand);
}

int main(int argc, char **argv)
{
    static const char *const names[] = {"/pcmpstr/estrm", "/pcmpstr/estri",
                                        "/pcmpstr/istrm", "/pcmpstr/istri"};

    g_test_init(&argc, &argv, NULL);
    if (!__builtin_cpu_supports("sse4.2") || !__builtin_cpu_supports("avx")) {
        g_print("1..0 # SKIP the host lacks sse4_2 or avx\n");
        return 0;
    }
    code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    g_assert_true(code != MAP_FAILED);
    for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
        g_test_add_data_func(names[i], GUINT_TO_POINTER(0x60 + i),
                             test_pcmpstr);
    }
    return g_test_run();
}
