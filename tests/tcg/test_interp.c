/* SPDX-License-Identifier: MIT */
/*
 * The interpreter on functions built by hand, with a vCPU that has registers
 * and one page of memory in its soft TLB, and nothing else.
 */
#include "accel/tcg.h"
#include "target/i386/cpu.h"
#include "tcg/helper.h"
#include "tcg/ir.h"

#include <string.h>

enum { RAX, RCX, RDX, XMM0, XMM1 };
#define PAGE_VA ((vaddr)0x7000)

enum { H_SUM, H_TRAP };

static uint64_t helper_sum(X86CPU *cpu, uint64_t a, uint64_t b, uint64_t c,
                           uint64_t d)
{
    g_assert_cmpuint(cpu->regs[R_RDX], ==, 77);
    return a + 10 * b + 100 * c + 1000 * d;
}

/* What a guest fault is to a back-end: it does not come back. */
static void helper_trap(X86CPU *cpu, uint64_t arg)
{
    cpu->error_code = (uint32_t)arg;
    longjmp(cpu->cs.jmp_env, 1);
}

static const HelperInfo helpers[] = {
    {"sum", (void (*)(void))helper_sum, HELPER_U64, 4, 0},
    {"trap", (void (*)(void))helper_trap, HELPER_VOID, 1, HELPER_NORETURN},
};

static X86CPU cpu;
static TLBEntry tlb[TLB_SIZE];
static __attribute__((aligned(4096))) uint8_t page[4096];
static __attribute__((aligned(16))) uint8_t code[2][65536];
static TranslationBlock tbs[2];
static IrFunc func;

static IrFunc *start(void)
{
    memset(&cpu, 0, sizeof(cpu));
    memset(page, 0, sizeof(page));
    memset(tlb, 0xff, sizeof(tlb));
    tlb[tlb_index(PAGE_VA)] = (TLBEntry){
        .read = PAGE_VA,
        .write = PAGE_VA,
        .addend = (uintptr_t)page - PAGE_VA,
    };
    for (unsigned i = 0; i < NB_MMU_MODES; i++) {
        cpu.cs.tlb_table[i] = tlb;
    }
    cpu.mxcsr = 0x1f80;
    ir_reset(&func);
    ir_insn(&func, 0);
    return &func;
}

static void compile(unsigned n)
{
    size_t used;

    memset(&tbs[n], 0, sizeof(tbs[n]));
    g_assert_true(tcg_backend_interp.compile(
        &func, &tbs[n], code[n], sizeof(code[n]), &tbs[n].code, &used));
    g_assert_cmpuint(used, <=, sizeof(code[n]));
}

static TbExit enter(unsigned n)
{
    uintptr_t place = 0;
    TbExit why = tcg_backend_interp.enter(&cpu.cs, tbs[n].code.entry, &place);

    g_assert_cmphex(place, !=, 0);
    return why;
}

/* Runs with and without the passes: both must do the same. */
static void run(void)
{
    X86CPU before = cpu, after;

    compile(0);
    g_assert_cmpint(enter(0), ==, TB_EXIT_LOOKUP);
    after = cpu;
    cpu = before;
    ir_fold(&func);
    ir_live(&func, IR_CC_ALL);
    ir_group(&func);
    compile(0);
    g_assert_cmpint(enter(0), ==, TB_EXIT_LOOKUP);
    g_assert_cmpmem(cpu.regs, sizeof(cpu.regs), after.regs, sizeof(after.regs));
    g_assert_cmphex(cpu.cc, ==, after.cc);
}

static void test_too_small(void)
{
    size_t used;

    ir_exit(start());
    g_assert_false(tcg_backend_interp.compile(&func, &tbs[0], code[0], 64,
                                              &tbs[0].code, &used));
}

/* 1 + 2 + ... + 10 by a loop with a local. */
static void test_loop(void)
{
    IrFunc *f = start();
    IrTemp n = ir_temp_local(f);
    unsigned again = ir_label(f);

    ir_mov(f, IR_64, n, ir_const(f, 10));
    ir_set_label(f, again);
    ir_op2(f, IR_ADD, IR_64, 0, RAX, RAX, n);
    ir_op2(f, IR_SUB, IR_64, 0, n, n, ir_const(f, 1));
    ir_brcond(f, IR_64, COND_NE, n, ir_const(f, 0), again);
    ir_exit(f);
    run();
    g_assert_cmpuint(cpu.regs[R_RAX], ==, 55);
}

static void test_moves(void)
{
    IrFunc *f = start();
    IrTemp v = ir_const(f, 0x1122334455667788);

    ir_op2(f, IR_DEP, IR_16, 0, RAX, v, ir_const(f, 0xabcd));
    ir_op2(f, IR_DEPH, IR_8, 0, RCX, v, ir_const(f, 0x99));
    ir_op1(f, IR_EXTH, IR_64, 0, RDX, RCX);
    ir_exit(f);
    run();
    g_assert_cmphex(cpu.regs[R_RAX], ==, 0x112233445566abcd);
    g_assert_cmphex(cpu.regs[R_RCX], ==, 0x1122334455669988);
    g_assert_cmphex(cpu.regs[R_RDX], ==, 0x99);

    f = start();
    ir_ext(f, IR_SX, IR_32, MO_8, RAX, ir_const(f, 0x80));
    ir_ext(f, IR_ZX, IR_64, MO_16, RCX, ir_const(f, -1));
    ir_lea(f, IR_32, RDX, ir_const(f, 0xffffffff), ir_const(f, 2), 3, 1);
    ir_exit(f);
    run();
    g_assert_cmphex(cpu.regs[R_RAX], ==, 0xffffff80);
    g_assert_cmphex(cpu.regs[R_RCX], ==, 0xffff);
    g_assert_cmphex(cpu.regs[R_RDX], ==, 0x10);
}

static void test_memory(void)
{
    IrFunc *f = start();

    ir_st(f, ir_const(f, 0x8090), ir_const(f, PAGE_VA), 16, MO_16);
    ir_ld(f, IR_64, RAX, ir_const(f, PAGE_VA + 0x10), 0, MO_16 | MO_SIGN);
    ir_ld(f, IR_32, RCX, ir_const(f, PAGE_VA), 17, MO_8 | MO_SIGN);
    ir_ld(f, IR_64, RDX, ir_const(f, PAGE_VA), 16, MO_64);
    ir_exit(f);
    run();
    g_assert_cmphex(cpu.regs[R_RAX], ==, 0xffffffffffff8090);
    g_assert_cmphex(cpu.regs[R_RCX], ==, 0xffffff80);
    g_assert_cmphex(cpu.regs[R_RDX], ==, 0x8090);
    g_assert_cmpuint(cpu.cs.host_pc, ==, 0);
}

static void test_vector_memory(void)
{
    IrFunc *f = start();

    memset(&cpu.vec[0], 0x55, sizeof(cpu.vec[0]));
    memset(page, 0xaa, 64);
    ir_ldv(f, XMM0, ir_const(f, PAGE_VA), 0, MO_32);
    ir_stv(f, XMM0, ir_const(f, PAGE_VA), 17, MO_64);
    ir_vmov(f, XMM1, XMM0, VEC_LOW);
    ir_exit(f);
    run();
    g_assert_cmphex(cpu.vec[0].u64[0], ==, 0xaaaaaaaa);
    g_assert_cmphex(cpu.vec[0].u64[1], ==, 0);
    g_assert_cmphex(cpu.vec[0].u64[2], ==, 0x5555555555555555);
    g_assert_cmphex(cpu.vec[1].u64[0], ==, 0xaaaaaaaa);
    g_assert_cmphex(cpu.vec[1].u64[2], ==, 0);
    g_assert_cmphex(page[16], ==, 0xaa);
    g_assert_cmphex(page[20], ==, 0xaa);
    g_assert_cmphex(page[21], ==, 0);
    g_assert_cmphex(page[25], ==, 0xaa);
}

static void check_rmw(MemOp lock)
{
    IrFunc *f = start();
    IrTemp p = ir_const(f, PAGE_VA);

    page[0] = 0xff;
    page[1] = 0x12;
    ir_rmw(f, IR_ADD, IR_8, IR_CC_ALL, RAX, p, 0, ir_const(f, 2), MO_8 | lock);
    ir_setcc(f, COND_B, RCX);
    ir_rmw(f, IR_MOV, IR_32, 0, RDX, p, 4, ir_const(f, 0x12345678),
           MO_32 | lock);
    ir_exit(f);
    compile(0);
    enter(0);
    g_assert_cmphex(cpu.regs[R_RAX], ==, 0xff);
    g_assert_cmphex(cpu.regs[R_RCX], ==, 1);
    g_assert_cmphex(cpu.regs[R_RDX], ==, 0);
    g_assert_cmphex(page[0], ==, 1);
    g_assert_cmphex(page[1], ==, 0x12);
    g_assert_cmphex(page[7], ==, 0x12);
}

static void test_rmw(void)
{
    check_rmw(0);
    check_rmw(MO_LOCK);
}

static void check_cmpxchg(MemOp lock, uint64_t expected, uint8_t left,
                          bool equal)
{
    IrFunc *f = start();

    page[3] = 5;
    ir_cmpxchg(f, IR_8, IR_CC_ALL, RAX, ir_const(f, PAGE_VA), 3,
               ir_const(f, expected), ir_const(f, 9), MO_8 | lock);
    ir_setcc(f, COND_E, RCX);
    ir_exit(f);
    compile(0);
    enter(0);
    g_assert_cmphex(page[3], ==, left);
    g_assert_cmphex(cpu.regs[R_RAX], ==, 5);
    g_assert_cmpuint(cpu.regs[R_RCX], ==, equal);
}

static void test_cmpxchg(void)
{
    check_cmpxchg(0, 0xf05, 9, true);
    check_cmpxchg(0, 6, 5, false);
    check_cmpxchg(MO_LOCK, 0xf05, 9, true);
    check_cmpxchg(MO_LOCK, 6, 5, false);
}

static void test_flags(void)
{
    IrFunc *f = start();
    IrTemp t = ir_temp(f);

    ir_op2(f, IR_CMP, IR_32, IR_CC_ALL, IR_NONE, ir_const(f, 1),
           ir_const(f, 2));
    ir_movcc(f, IR_64, COND_L, RAX, ir_const(f, 7), ir_const(f, 8));
    ir_setc(f, 2);
    ir_getcc(f, RCX); /* 1 - 2: SF AF PF CF, then CF complemented */
    ir_mov(f, IR_64, t, ir_const(f, EFLAGS_OF | EFLAGS_ZF));
    ir_putcc(f, t, IR_CC_O | IR_CC_S);
    ir_getcc(f, RDX);
    ir_exit(f);
    run();
    g_assert_cmpuint(cpu.regs[R_RAX], ==, 7);
    g_assert_cmphex(cpu.regs[R_RCX], ==, EFLAGS_SF | EFLAGS_AF | EFLAGS_PF);
    g_assert_cmphex(cpu.regs[R_RDX], ==, EFLAGS_OF | EFLAGS_AF | EFLAGS_PF);
}

static void test_call(void)
{
    IrFunc *f = start();

    cpu.regs[R_RDX] = 77;
    ir_call(f, H_SUM, RAX, 4, ir_const(f, 1), ir_const(f, 2), ir_const(f, 3),
            ir_const(f, 4));
    ir_exit(f);
    run();
    g_assert_cmpuint(cpu.regs[R_RAX], ==, 4321);
}

/* host_pc at the fault is in the side table, with the instruction's offset. */
static void test_fault(void)
{
    IrFunc *f = start();
    const TbCode *tb;
    uint32_t off;

    ir_insn(f, 5);
    ir_trapif(f, IR_64, COND_A, ir_const(f, 1), RAX, H_TRAP, 42);
    ir_insn(f, 9);
    ir_trapif(f, IR_64, COND_E, RAX, RAX, H_TRAP, 43);
    ir_exit(f);
    cpu.regs[R_RAX] = 1;
    compile(0);
    if (!setjmp(cpu.cs.jmp_env)) {
        enter(0);
        g_assert_not_reached();
    }
    g_assert_cmpuint(cpu.error_code, ==, 43);
    tb = &tbs[0].code;
    off = (uint32_t)(cpu.cs.host_pc - (uintptr_t)tb->entry);
    g_assert_cmpuint(tb->nside, ==, 2);
    g_assert_cmpuint(tb_side(tb)[1].host_off, ==, off);
    g_assert_cmpuint(tb_side(tb)[1].insn_off, ==, 9);
}

/* Two blocks: unlinked, linked, asked to leave in between, unlinked again. */
static void test_links(void)
{
    IrFunc *f = start();

    ir_goto_tb(f, 1, IR_16, 0x20);
    compile(0);
    g_assert_cmphex(tbs[0].code.jump_off[0], ==, UINT32_MAX);
    g_assert_cmphex(tbs[0].code.jump_off[1], !=, UINT32_MAX);
    ir_reset(f);
    ir_mov(f, IR_64, RAX, ir_const(f, 3));
    ir_exit(f);
    compile(1);

    cpu.rip_base = 0xfff0;
    g_assert_cmpint(enter(0), ==, TB_EXIT_SLOT1);
    g_assert_cmphex(cpu.rip, ==, 0x10);
    g_assert_cmpuint(cpu.regs[R_RAX], ==, 0);

    tcg_backend_interp.patch_jump(&tbs[0], 1, tbs[1].code.entry);
    g_assert_cmpint(enter(0), ==, TB_EXIT_LOOKUP);
    g_assert_cmpuint(cpu.regs[R_RAX], ==, 3);

    cpu.regs[R_RAX] = 0;
    cpu.cs.exit_request = 1;
    g_assert_cmpint(enter(0), ==, TB_EXIT_REQUEST);
    g_assert_cmpuint(cpu.regs[R_RAX], ==, 0);
    cpu.cs.exit_request = 0;

    tcg_backend_interp.patch_jump(&tbs[0], 1, NULL);
    g_assert_cmpint(enter(0), ==, TB_EXIT_SLOT1);
}

static void add_globals(void)
{
    ir_add_global("rax", offsetof(X86CPU, regs[R_RAX]), false, 0);
    ir_add_global("rcx", offsetof(X86CPU, regs[R_RCX]), false, 1);
    ir_add_global("rdx", offsetof(X86CPU, regs[R_RDX]), false, 2);
    ir_add_global("xmm0", offsetof(X86CPU, vec[0]), true, -1);
    ir_add_global("xmm1", offsetof(X86CPU, vec[1]), true, -1);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add_globals();
    helper_register_table(helpers, ARRAY_LEN(helpers));
    tcg_backend_interp.init(NULL, 0);
    g_test_add_func("/interp/too-small", test_too_small);
    g_test_add_func("/interp/loop", test_loop);
    g_test_add_func("/interp/moves", test_moves);
    g_test_add_func("/interp/memory", test_memory);
    g_test_add_func("/interp/vector-memory", test_vector_memory);
    g_test_add_func("/interp/rmw", test_rmw);
    g_test_add_func("/interp/cmpxchg", test_cmpxchg);
    g_test_add_func("/interp/flags", test_flags);
    g_test_add_func("/interp/call", test_call);
    g_test_add_func("/interp/fault", test_fault);
    g_test_add_func("/interp/links", test_links);
    return g_test_run();
}
