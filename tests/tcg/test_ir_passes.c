/* SPDX-License-Identifier: MIT */
/*
 * The container, recipes, folding and liveness, on functions of a few ops
 * whose outcome can be told by hand.
 */
#include "tcg/helper.h"
#include "tcg/ir.h"

#include <string.h>

enum { RAX, RCX, RDX, XMM0 };

enum { H_PLAIN, H_PURE, H_KEEPS_ALL };
static const HelperInfo helpers[] = {
    {"plain", NULL, HELPER_VOID, 0, 0},
    {"pure", NULL, HELPER_U64, 2, HELPER_PURE},
    {"keeps_all", NULL, HELPER_VOID, 0,
     HELPER_KEEPS_REGS | HELPER_KEEPS_CC | HELPER_NO_CC | HELPER_KEEPS_VEC},
};

static IrFunc func;

static IrFunc *start(void)
{
    ir_reset(&func);
    ir_insn(&func, 0);
    return &func;
}

/* The @n-th op of kind @opc after the passes, or NULL. */
static const IrOp *nth(const IrFunc *f, IrOpc opc, unsigned n)
{
    for (unsigned i = 0; i < f->nops; i++) {
        if (f->op[i].opc == opc && n-- == 0) {
            return &f->op[i];
        }
    }
    return NULL;
}

static void passes(IrFunc *f, uint8_t cc_out)
{
    ir_fold(f);
    ir_live(f, cc_out);
}

static void test_const_cache(void)
{
    IrFunc *f = start();
    IrTemp a = ir_const(f, 5), b = ir_const(f, -5);

    g_assert_cmpuint(ir_const(f, 5), ==, a);
    g_assert_cmpuint(a, !=, b);
    g_assert_true(ir_is_const(f, b));
    g_assert_cmpint(f->temp[b].value, ==, -5);
}

static void test_limits(void)
{
    IrFunc *f = start();

    for (unsigned i = 0; i < IR_MAX_OPS; i++) {
        ir_mov(f, IR_64, RAX, ir_temp(f));
    }
    g_assert_true(f->overflow);
    g_assert_cmpuint(f->nops, <=, IR_MAX_OPS);
    g_assert_cmpuint(f->ntemps, <=, IR_MAX_TEMPS);
    ir_reset(f);
    g_assert_false(f->overflow);
}

/* add rax, rcx; load: flags can be told from rax and rcx. */
static void test_recipe_of_sum(void)
{
    IrFunc *f = start();
    IrTemp t = ir_temp(f);

    ir_op2(f, IR_ADD, IR_64, IR_CC_ALL, RAX, RAX, RCX);
    ir_ld(f, IR_64, t, RDX, 0, MO_64);
    ir_mov(f, IR_64, RDX, t);
    ir_exit(f);
    g_assert_cmpuint(nth(f, IR_LD, 0)->recipe, ==, 1);
    g_assert_cmpuint(f->recipe[1].opc, ==, IR_ADD);
    g_assert_cmpuint(f->recipe[1].x, ==, RAX);
    g_assert_cmpuint(f->recipe[1].y, ==, RCX);
    passes(f, 0);
    g_assert_cmpuint(nth(f, IR_ADD, 0)->cc_out, ==, 0);
}

/* The operand is gone: add rax, rax, and add rax, rcx; mov rcx, rdx. */
static void test_recipe_lost(void)
{
    IrFunc *f = start();

    ir_op2(f, IR_ADD, IR_64, IR_CC_ALL, RAX, RAX, RAX);
    ir_ld(f, IR_64, RCX, RDX, 0, MO_64);
    ir_op2(f, IR_ADD, IR_64, IR_CC_ALL, RAX, RAX, RCX);
    ir_mov(f, IR_64, RCX, RDX);
    ir_ld(f, IR_64, RCX, RDX, 0, MO_64);
    ir_exit(f);
    g_assert_cmpuint(nth(f, IR_LD, 0)->recipe, ==, 0);
    g_assert_cmpuint(nth(f, IR_LD, 1)->recipe, ==, 0);
    passes(f, 0);
    g_assert_cmpuint(nth(f, IR_ADD, 0)->cc_out, ==, IR_CC_ALL);
    g_assert_cmpuint(nth(f, IR_ADD, 1)->cc_out, ==, IR_CC_ALL);
}

/* INC takes C from X86CPU.cc, which only holds it before any flag writer. */
static void test_recipe_of_inc(void)
{
    const uint8_t cc = IR_CC_ALL & ~IR_CC_C;
    IrFunc *f = start();

    ir_op1(f, IR_INC, IR_64, cc, RAX, RAX);
    ir_ld(f, IR_64, RCX, RDX, 0, MO_64);
    ir_op2(f, IR_CMP, IR_64, IR_CC_ALL, IR_NONE, RAX, RCX);
    ir_op1(f, IR_INC, IR_64, cc, RAX, RAX);
    ir_ld(f, IR_64, RCX, RDX, 0, MO_64);
    ir_exit(f);
    g_assert_cmpuint(nth(f, IR_LD, 0)->recipe, !=, 0);
    g_assert_cmpuint(nth(f, IR_LD, 1)->recipe, ==, 0);
    ir_live(f, IR_CC_ALL);
    /* C must survive in X86CPU.cc to the fault. */
    g_assert_cmpuint(nth(f, IR_INC, 0)->cc_live & IR_CC_C, ==, IR_CC_C);
    /* The second LD needs C of CMP, and the rest of INC. */
    g_assert_cmpuint(nth(f, IR_CMP, 0)->cc_out, ==, IR_CC_C);
}

/* ADC notes what it has read if a fault may ask for it: not where the flags
 * have to be in X86CPU.cc in any case. */
static void test_recipe_of_adc(void)
{
    IrFunc *f = start();

    ir_op2(f, IR_ADC, IR_64, IR_CC_ALL, RAX, RAX, RCX);
    ir_ld(f, IR_64, RCX, RDX, 0, MO_64);
    ir_op2(f, IR_ADC, IR_64, IR_CC_ALL, RDX, RCX, RDX);
    ir_st(f, RDX, RAX, 0, MO_64);
    ir_op2(f, IR_SBB, IR_64, IR_CC_ALL, RAX, RAX, ir_const(f, 5));
    ir_ld(f, IR_64, RCX, RDX, 0, MO_64);
    ir_exit(f);
    ir_live(f, IR_CC_ALL);
    g_assert_cmpuint(nth(f, IR_ADC, 0)->aux, ==, IR_NOTE_CC_IN);
    g_assert_cmpuint(nth(f, IR_ADC, 0)->cc_out, ==, IR_CC_C);
    g_assert_cmpuint(nth(f, IR_ADC, 1)->aux, ==, IR_NOTE_CC_IN);
    g_assert_cmpuint(nth(f, IR_SBB, 0)->aux, ==, 0);
    g_assert_cmpuint(nth(f, IR_LD, 0)->recipe, !=, 0);
    g_assert_cmpuint(nth(f, IR_LD, 1)->recipe, ==, 0);
}

static void test_helper_drops_recipe(void)
{
    IrFunc *f = start();

    ir_op2(f, IR_CMP, IR_64, IR_CC_ALL, IR_NONE, RAX, RCX);
    ir_call(f, H_KEEPS_ALL, IR_NONE, 0);
    ir_call(f, H_PLAIN, IR_NONE, 0);
    ir_ld(f, IR_64, RAX, RDX, 0, MO_64);
    ir_exit(f);
    g_assert_cmpuint(nth(f, IR_CALL, 0)->recipe, !=, 0);
    g_assert_cmpuint(nth(f, IR_LD, 0)->recipe, ==, 0);
    ir_live(f, 0);
    /* H_PLAIN reads flags. */
    g_assert_cmpuint(nth(f, IR_CMP, 0)->cc_out, ==, IR_CC_ALL);
    g_assert_cmpuint(nth(f, IR_CALL, 1)->cc_live, ==, IR_CC_ALL);
}

/* cmp; je: only Z is asked for when the successors define all flags. */
static void test_flags_cut(void)
{
    IrFunc *f = start();
    unsigned l = ir_label(f);

    ir_op2(f, IR_SUB, IR_64, IR_CC_ALL, RAX, RAX, RCX);
    ir_op2(f, IR_CMP, IR_64, IR_CC_ALL, IR_NONE, RAX, RCX);
    ir_brcc(f, COND_E, l);
    ir_goto_tb(f, 0, IR_64, 4);
    ir_set_label(f, l);
    ir_goto_tb(f, 1, IR_64, 8);
    passes(f, 0);
    g_assert_cmpuint(nth(f, IR_SUB, 0)->cc_out, ==, 0);
    g_assert_cmpuint(nth(f, IR_CMP, 0)->cc_out, ==, IR_CC_Z);
    g_assert_cmpuint(nth(f, IR_CMP, 0)->cc_live, ==, IR_CC_Z);
}

/* A shift by an unknown count may keep the flags of the op before. */
static void test_flags_of_shift(void)
{
    IrFunc *f = start();

    ir_op2(f, IR_SUB, IR_64, IR_CC_ALL, RAX, RAX, RCX);
    ir_op2(f, IR_SHL, IR_64, IR_CC_ALL, RAX, RAX, RCX);
    ir_exit(f);
    ir_live(f, IR_CC_ALL);
    g_assert_cmpuint(nth(f, IR_SUB, 0)->cc_out, ==, IR_CC_ALL);

    f = start();
    ir_op2(f, IR_SUB, IR_64, IR_CC_ALL, RAX, RAX, RCX);
    ir_op2(f, IR_SHL, IR_64, IR_CC_ALL, RAX, RAX, ir_const(f, 1));
    ir_exit(f);
    ir_live(f, IR_CC_ALL);
    g_assert_cmpuint(nth(f, IR_SUB, 0)->cc_out, ==, 0);
}

static void test_loop_keeps_flags(void)
{
    IrFunc *f = start();
    unsigned l = ir_label(f);

    ir_op2(f, IR_CMP, IR_64, IR_CC_ALL, IR_NONE, RAX, RCX);
    ir_set_label(f, l);
    ir_op1(f, IR_NOT, IR_64, 0, RAX, RAX);
    ir_brcond(f, IR_64, COND_NE, RAX, RCX, l);
    ir_exit(f);
    ir_live(f, 0);
    g_assert_cmpuint(nth(f, IR_CMP, 0)->cc_out, ==, IR_CC_ALL);
}

static void test_dead_ops(void)
{
    IrFunc *f = start();
    IrTemp t = ir_temp(f);

    ir_op2(f, IR_ADD, IR_64, 0, t, RAX, RCX);
    ir_mov(f, IR_64, RAX, RCX); /* overwritten below, nothing looks */
    ir_mov(f, IR_64, RAX, RDX);
    ir_exit(f);
    ir_live(f, 0);
    g_assert_null(nth(f, IR_ADD, 0));
    g_assert_nonnull(nth(f, IR_MOV, 0));
    g_assert_null(nth(f, IR_MOV, 1));
    g_assert_cmpuint(nth(f, IR_MOV, 0)->arg[1], ==, RDX);
}

/* A fault in between sees the first value. */
static void test_fault_sees_globals(void)
{
    IrFunc *f = start();

    ir_mov(f, IR_64, RAX, RCX);
    ir_st(f, RCX, RDX, 0, MO_64);
    ir_mov(f, IR_64, RAX, RDX);
    ir_exit(f);
    ir_live(f, 0);
    g_assert_nonnull(nth(f, IR_MOV, 1));
}

static void test_dead_bits(void)
{
    IrFunc *f = start();
    IrTemp t = ir_temp(f);

    ir_op2(f, IR_ADD, IR_64, 0, t, RAX, RCX);
    ir_op2(f, IR_ADD, IR_64, 0, RCX, t, RDX);
    ir_exit(f);
    ir_live(f, 0);
    g_assert_cmpuint(nth(f, IR_ADD, 0)->dead, ==, 4); /* RCX: written next */
    g_assert_cmpuint(nth(f, IR_ADD, 1)->dead, ==, 2); /* t */
}

/* What is made only to be moved is made where it goes: not if it is wanted
 * once more, or both halves would go to one register. */
static void test_absorb_move(void)
{
    IrFunc *f = start();
    IrTemp t[4];

    for (unsigned i = 0; i < ARRAY_LEN(t); i++) {
        t[i] = ir_temp(f);
    }
    ir_ld(f, IR_64, t[0], RAX, 0, MO_64);
    ir_mov(f, IR_64, RAX, t[0]);
    ir_ld(f, IR_64, t[1], RAX, 0, MO_64);
    ir_mov(f, IR_64, RCX, t[1]);
    ir_op2(f, IR_ADD, IR_64, 0, RDX, RDX, t[1]);
    ir_mul2(f, IR_MULU2, IR_64, 0, t[2], t[3], RDX, RCX);
    ir_mov(f, IR_64, RDX, t[2]);
    ir_mov(f, IR_64, RAX, t[3]);
    ir_exit(f);
    ir_live(f, 0);
    g_assert_cmpuint(nth(f, IR_LD, 0)->arg[0], ==, RAX);
    g_assert_cmpuint(nth(f, IR_LD, 0)->dead, ==, 0);
    g_assert_cmpuint(nth(f, IR_LD, 1)->arg[0], ==, t[1]);
    g_assert_cmpuint(nth(f, IR_MOV, 0)->arg[0], ==, RCX);
    g_assert_null(nth(f, IR_MOV, 1));
    g_assert_cmpuint(nth(f, IR_MULU2, 0)->arg[0], ==, RDX);
    g_assert_cmpuint(nth(f, IR_MULU2, 0)->arg[1], ==, RAX);

    f = start();
    t[0] = ir_temp(f);
    ir_mul2(f, IR_MULU2, IR_64, 0, RCX, t[0], RDX, RCX);
    ir_mov(f, IR_64, RCX, t[0]);
    ir_exit(f);
    ir_live(f, 0);
    g_assert_nonnull(nth(f, IR_MOV, 0));
}

static void test_locals(void)
{
    IrFunc *f = start();
    IrTemp plain = ir_temp(f), local = ir_temp_local(f);
    unsigned l = ir_label(f);

    ir_mov(f, IR_64, plain, RAX);
    ir_mov(f, IR_64, local, RAX);
    ir_set_label(f, l);
    ir_mov(f, IR_64, RCX, local);
    ir_exit(f);
    ir_live(f, 0);
    g_assert_cmpuint(nth(f, IR_MOV, 0)->arg[0], ==, local);
    g_assert_cmpuint(nth(f, IR_MOV, 1)->arg[0], ==, RCX);
}

static void test_fold_constants(void)
{
    IrFunc *f = start();
    IrTemp t = ir_temp(f);
    const IrOp *mov;

    ir_mov(f, IR_64, t, ir_const(f, 0xfff0));
    ir_op2(f, IR_ADD, IR_16, 0, t, t, ir_const(f, 0x20));
    ir_op2(f, IR_SHL, IR_32, 0, RAX, t, ir_const(f, 28));
    ir_exit(f);
    passes(f, 0);
    mov = nth(f, IR_MOV, 0);
    g_assert_nonnull(mov);
    g_assert_cmpuint(mov->arg[0], ==, RAX);
    g_assert_true(ir_is_const(f, mov->arg[1]));
    g_assert_cmpint(f->temp[mov->arg[1]].value, ==, 0);
    g_assert_null(nth(f, IR_ADD, 0));
    g_assert_null(nth(f, IR_SHL, 0));
}

static void test_fold_copies(void)
{
    IrFunc *f = start();
    IrTemp t = ir_temp(f), u = ir_temp(f);

    ir_mov(f, IR_64, t, RAX);
    ir_op2(f, IR_ADD, IR_64, 0, RCX, RCX, t); /* may read RAX itself */
    ir_mov(f, IR_64, u, RAX);
    ir_op1(f, IR_NOT, IR_64, 0, RAX, RAX);
    ir_op2(f, IR_SUB, IR_64, 0, RCX, RCX, u); /* RAX has changed */
    ir_exit(f);
    passes(f, 0);
    g_assert_cmpuint(nth(f, IR_ADD, 0)->arg[2], ==, RAX);
    g_assert_cmpuint(nth(f, IR_SUB, 0)->arg[2], ==, u);
}

/* xor eax, eax with flags asked for stays, but the result is known. */
static void test_fold_clear(void)
{
    IrFunc *f = start();

    ir_op2(f, IR_XOR, IR_32, IR_CC_ALL, RAX, RAX, RAX);
    ir_mov(f, IR_64, RCX, RAX);
    ir_exit(f);
    passes(f, IR_CC_ALL);
    g_assert_nonnull(nth(f, IR_XOR, 0));
    g_assert_true(ir_is_const(f, nth(f, IR_MOV, 0)->arg[1]));
}

static void test_fold_address(void)
{
    IrFunc *f = start();
    IrTemp t = ir_temp(f), u = ir_temp(f);

    ir_lea(f, IR_64, t, RAX, IR_NONE, 0, 16);
    ir_ld(f, IR_64, u, t, 8, MO_64);
    ir_lea(f, IR_64, RAX, RAX, IR_NONE, 0, 8);
    ir_ld(f, IR_64, RCX, t, 0, MO_64); /* t is not RAX + 16 any more */
    ir_exit(f);
    passes(f, 0);
    g_assert_cmpuint(nth(f, IR_LD, 0)->arg[1], ==, RAX);
    g_assert_cmpint(nth(f, IR_LD, 0)->imm, ==, 24);
    g_assert_cmpuint(nth(f, IR_LD, 1)->arg[1], ==, t);
}

/* A plain temp must not be read past a label in place of a local. */
static void test_fold_keeps_locals(void)
{
    IrFunc *f = start();
    IrTemp plain = ir_temp(f), local = ir_temp_local(f);
    unsigned l = ir_label(f);

    ir_ld_cpu(f, plain, 8, MO_64);
    ir_mov(f, IR_64, local, plain);
    ir_brcc(f, COND_E, l);
    ir_mov(f, IR_64, RCX, local);
    ir_set_label(f, l);
    ir_exit(f);
    passes(f, 0);
    g_assert_cmpuint(nth(f, IR_MOV, 0)->arg[1], ==, local);
}

static void test_fold_branch(void)
{
    IrFunc *f = start();
    unsigned l = ir_label(f);

    ir_brcond(f, IR_8, COND_E, ir_const(f, 0x101), ir_const(f, 1), l);
    ir_set_label(f, l);
    ir_brcond(f, IR_64, COND_E, ir_const(f, 0x101), ir_const(f, 1), l);
    ir_exit(f);
    passes(f, 0);
    g_assert_nonnull(nth(f, IR_BR, 0));
    g_assert_null(nth(f, IR_BRCOND, 0));
}

static void test_helper_forgets_values(void)
{
    IrFunc *f = start();

    ir_mov(f, IR_64, RAX, ir_const(f, 1));
    ir_call(f, H_PLAIN, IR_NONE, 0);
    ir_mov(f, IR_64, RCX, RAX);
    ir_exit(f);
    passes(f, 0);
    g_assert_cmpuint(nth(f, IR_MOV, 1)->arg[1], ==, RAX);
}

static const IrGroup *group_of(const IrFunc *f, const IrOp *op)
{
    return op->group ? &f->group[op->group] : NULL;
}

/* PUSH, PUSH, a load between the two: one probe for all. */
static void test_group_of_pushes(void)
{
    IrFunc *f = start();
    const IrGroup *g;

    ir_st(f, RCX, RAX, -8, MO_64);
    ir_lea(f, IR_64, RAX, RAX, IR_NONE, 0, -8);
    ir_st(f, RDX, RAX, -8, MO_64);
    ir_ld(f, IR_32, RDX, RAX, 4, MO_32);
    ir_exit(f);
    ir_group(f);
    g = group_of(f, nth(f, IR_ST, 0));
    g_assert_nonnull(g);
    g_assert_true(group_of(f, nth(f, IR_ST, 1)) == g);
    g_assert_true(group_of(f, nth(f, IR_LD, 0)) == g);
    g_assert_true(g->write);
    g_assert_true(&f->op[g->leader] == nth(f, IR_ST, 0));
    g_assert_true(&f->op[g->last] == nth(f, IR_LD, 0));
    g_assert_cmpint(g->lo, ==, -8);
    g_assert_cmpint(g->hi, ==, 8);
}

/* a[i] read and written, then a[i + 1] by an index that has moved: one probe,
 * for writing.  The same sum of a register that has changed is another. */
static void test_group_indexed(void)
{
    IrFunc *f = start();
    const IrGroup *g;

    for (unsigned i = 0; i < 3; i++) {
        IrTemp a = ir_temp(f), b = ir_temp(f);

        ir_lea(f, IR_64, a, RAX, RCX, 3, 0);
        ir_ld(f, IR_64, RDX, a, 16, MO_64);
        ir_lea(f, IR_64, b, RAX, RCX, 3, 0);
        ir_st(f, RDX, b, 16, MO_64);
        if (i == 0) {
            ir_lea(f, IR_64, RCX, RCX, IR_NONE, 0, 1);
        } else {
            ir_op1(f, IR_NOT, IR_64, 0, RCX, RCX);
        }
    }
    ir_exit(f);
    ir_group(f);
    g = group_of(f, nth(f, IR_LD, 0));
    g_assert_nonnull(g);
    g_assert_true(g->write);
    g_assert_true(group_of(f, nth(f, IR_ST, 1)) == g);
    g_assert_true(&f->op[g->last] == nth(f, IR_ST, 1));
    g_assert_cmpint(g->lo, ==, 0);
    g_assert_cmpint(g->hi, ==, 16);
    g_assert_true(group_of(f, nth(f, IR_LD, 2)) != g);
}

/* Distance, another register, a helper and a label end a group; one alone is
 * none. */
static void test_group_limits(void)
{
    IrFunc *f = start();

    ir_ld(f, IR_64, RCX, RAX, 0, MO_64);
    ir_ld(f, IR_64, RCX, RAX, 4096, MO_64);
    ir_mov(f, IR_64, RAX, RCX);
    ir_ld(f, IR_64, RDX, RAX, 0, MO_64);
    ir_call(f, H_PLAIN, IR_NONE, 0);
    ir_ld(f, IR_64, RDX, RAX, 0, MO_64);
    ir_set_label(f, ir_label(f));
    ir_ld(f, IR_64, RDX, RAX, 0, MO_64);
    ir_exit(f);
    ir_group(f);
    for (unsigned i = 0; i < f->nops; i++) {
        g_assert_cmpuint(f->op[i].group, ==, 0);
    }
}

/* An aligned access follows only from one that is aligned at least as well, at
 * a multiple of its size. */
static void test_group_aligned(void)
{
    IrFunc *f = start();

    ir_ldv(f, XMM0, RAX, 0, MO_128 | MO_ALIGN);
    ir_stv(f, XMM0, RCX, 0, MO_128);
    ir_ldv(f, XMM0, RAX, 32, MO_128 | MO_ALIGN);
    ir_stv(f, XMM0, RCX, 16, MO_128 | MO_ALIGN);
    ir_ldv(f, XMM0, RAX, 8, MO_128 | MO_ALIGN);
    ir_exit(f);
    ir_group(f);
    g_assert_true(nth(f, IR_LDV, 0)->group != 0);
    g_assert_true(nth(f, IR_LDV, 1)->group == nth(f, IR_LDV, 0)->group);
    g_assert_true(nth(f, IR_LDV, 2)->group == 0);
    g_assert_true(nth(f, IR_STV, 0)->group == 0);
    g_assert_true(nth(f, IR_STV, 1)->group == 0);
}

static void test_dump(void)
{
    IrFunc *f = start();
    GString *out = g_string_new(NULL);

    ir_op2(f, IR_ADD, IR_32, IR_CC_Z, RAX, RAX, RCX);
    ir_call(f, H_PURE, ir_temp(f), 1, RAX);
    ir_exit(f);
    ir_dump(f, out);
    g_assert_nonnull(strstr(out->str, "ADD.l rax rax rcx"));
    g_assert_nonnull(strstr(out->str, "def:Z"));
    g_assert_nonnull(strstr(out->str, "CALL.q.pure"));
    g_string_free(out, TRUE);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ir_add_global("rax", 0, false, 0);
    ir_add_global("rcx", 8, false, 1);
    ir_add_global("rdx", 16, false, 2);
    ir_add_global("xmm0", 32, true, -1);
    helper_register_table(helpers, ARRAY_LEN(helpers));
    g_test_add_func("/ir/const-cache", test_const_cache);
    g_test_add_func("/ir/limits", test_limits);
    g_test_add_func("/ir/recipe/sum", test_recipe_of_sum);
    g_test_add_func("/ir/recipe/lost", test_recipe_lost);
    g_test_add_func("/ir/recipe/inc", test_recipe_of_inc);
    g_test_add_func("/ir/recipe/adc", test_recipe_of_adc);
    g_test_add_func("/ir/recipe/helper", test_helper_drops_recipe);
    g_test_add_func("/ir/live/flags-cut", test_flags_cut);
    g_test_add_func("/ir/live/flags-of-shift", test_flags_of_shift);
    g_test_add_func("/ir/live/loop", test_loop_keeps_flags);
    g_test_add_func("/ir/live/dead-ops", test_dead_ops);
    g_test_add_func("/ir/live/fault", test_fault_sees_globals);
    g_test_add_func("/ir/live/dead-bits", test_dead_bits);
    g_test_add_func("/ir/live/absorb-move", test_absorb_move);
    g_test_add_func("/ir/live/locals", test_locals);
    g_test_add_func("/ir/fold/constants", test_fold_constants);
    g_test_add_func("/ir/fold/copies", test_fold_copies);
    g_test_add_func("/ir/fold/clear", test_fold_clear);
    g_test_add_func("/ir/fold/address", test_fold_address);
    g_test_add_func("/ir/fold/locals", test_fold_keeps_locals);
    g_test_add_func("/ir/fold/branch", test_fold_branch);
    g_test_add_func("/ir/fold/helper", test_helper_forgets_values);
    g_test_add_func("/ir/group/pushes", test_group_of_pushes);
    g_test_add_func("/ir/group/indexed", test_group_indexed);
    g_test_add_func("/ir/group/limits", test_group_limits);
    g_test_add_func("/ir/group/aligned", test_group_aligned);
    g_test_add_func("/ir/dump", test_dump);
    return g_test_run();
}
