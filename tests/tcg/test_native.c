/* SPDX-License-Identifier: MIT */
/*
 * The native back-end against the interpreter, on functions made at random and
 * some by hand: see native_rig.h for what is compared.
 */
#include "native_random.h"

#include "tcg/helper.h"
#include "tcg/x86_64/cg.h"

#include <xmmintrin.h>

/* As on a host that has none of what AVX2 does not imply. */
static void test_lacking(void)
{
    host_be_plain(true);
    random_test_vops();
    random_test_all();
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

    random_mixed_function(60);
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

static void add_kind(const RandomKind *kind)
{
    g_autofree char *path =
        g_strdup_printf("/native/random/%s", kind->name);

    g_test_add_data_func(path, kind, random_test_kind);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    rig_init();
    for (unsigned i = 0; i < NB_RANDOM_KINDS; i++) {
        add_kind(&random_kinds[i]);
    }
    g_test_add_func("/native/vops", random_test_vops);
    g_test_add_func("/native/random/all", random_test_all);
    g_test_add_func("/native/lacking", test_lacking);
    g_test_add_func("/native/required", test_required);
    g_test_add_func("/native/buffer-end", test_buffer_end);
    g_test_add_func("/native/exit-request", test_exit_request);
    g_test_add_func("/native/chain", test_chain);
    g_test_add_func("/native/indirect", test_indirect);
    g_test_add_func("/native/indirect-changed", test_indirect_changed);
    g_test_add_func("/native/mxcsr", test_mxcsr);
    g_test_add_func("/native/count-calls", test_count_calls);
    return g_test_run();
}
