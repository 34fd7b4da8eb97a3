/* SPDX-License-Identifier: MIT */
/*
 * Segment loads and far transfers in protected mode.  Expected faults, error
 * codes and stack contents: the Operation sections of the SDM's vol. 2 (MOV,
 * JMP, CALL, RET, IRET, LAR, LSL, VERR, VERW).
 */
#include "tests/target/x86_machine.h"

#include "target/i386/excp.h"

static void test_load_data(void)
{
    machine_reset(0);
    g_assert_cmphex(CATCH(seg_load(cpu, R_DS, 0)), ==, NO_FAULT);
    g_assert_false(cpu->segs[R_DS].attr & DESC_P);
    g_assert_cmphex(CATCH(seg_load(cpu, R_ES, SEL_DATA3)), ==, NO_FAULT);
    g_assert_cmphex(peek(GDT_ADDR + 0x20 + 5, 1) & 1, ==, 1); /* accessed */
    g_assert_cmphex(cpu->segs[R_ES].limit, ==, 0xffffffff);
    g_assert_cmphex(CATCH(seg_load(cpu, R_DS, SEL_EXEC_ONLY)), ==,
                    FAULT(EXCP_GP, SEL_EXEC_ONLY));
    g_assert_cmphex(CATCH(seg_load(cpu, R_DS, SEL_ABSENT)), ==,
                    FAULT(EXCP_NP, SEL_ABSENT));
    g_assert_cmphex(CATCH(seg_load(cpu, R_DS, SEL_TSS)), ==,
                    FAULT(EXCP_GP, SEL_TSS));
    g_assert_cmphex(CATCH(seg_load(cpu, R_DS, GDT_BYTES | 3)), ==,
                    FAULT(EXCP_GP, GDT_BYTES));
    /* No LDT is loaded. */
    g_assert_cmphex(CATCH(seg_load(cpu, R_DS, 0x0c)), ==,
                    FAULT(EXCP_GP, 0x0c));
    g_assert_cmphex(CATCH(seg_load(cpu, R_FS, SEL_DATA0 | 3)), ==,
                    FAULT(EXCP_GP, SEL_DATA0));
}

static void test_load_data_cpl3(void)
{
    machine_reset(3);
    g_assert_cmphex(CATCH(seg_load(cpu, R_DS, SEL_DATA0)), ==,
                    FAULT(EXCP_GP, SEL_DATA0));
    g_assert_cmphex(CATCH(seg_load(cpu, R_DS, SEL_CONFORMING)), ==, NO_FAULT);
    g_assert_cmphex(CATCH(seg_load(cpu, R_DS, SEL_CODE0)), ==,
                    FAULT(EXCP_GP, SEL_CODE0));
}

static void test_load_stack(void)
{
    machine_reset(0);
    g_assert_cmphex(CATCH(seg_load(cpu, R_SS, 0)), ==, FAULT(EXCP_GP, 0));
    g_assert_cmphex(CATCH(seg_load(cpu, R_SS, SEL_DATA3)), ==,
                    FAULT(EXCP_GP, SEL_DATA3 & ~3));
    g_assert_cmphex(CATCH(seg_load(cpu, R_SS, SEL_DATA0 | 1)), ==,
                    FAULT(EXCP_GP, SEL_DATA0));
    g_assert_cmphex(CATCH(seg_load(cpu, R_SS, SEL_READ_ONLY)), ==,
                    FAULT(EXCP_GP, SEL_READ_ONLY));
    g_assert_cmphex(CATCH(seg_load(cpu, R_SS, SEL_ABSENT)), ==,
                    FAULT(EXCP_SS, SEL_ABSENT));
    g_assert_cmphex(CATCH(helper_load_seg(cpu, R_SS, SEL_DATA0)), ==,
                    NO_FAULT);
    g_assert_true(cpu->hflags & HF_SHADOW);
}

static void test_far_jmp(void)
{
    machine_reset(0);
    g_assert_cmphex(CATCH(helper_far_jmp(cpu, 0, 0, 0, IR_32)), ==,
                    FAULT(EXCP_GP, 0));
    g_assert_cmphex(CATCH(helper_far_jmp(cpu, SEL_DATA0, 0, 0, IR_32)), ==,
                    FAULT(EXCP_GP, SEL_DATA0));
    g_assert_cmphex(CATCH(helper_far_jmp(cpu, SEL_CODE3, 0, 0, IR_32)), ==,
                    FAULT(EXCP_GP, SEL_CODE3 & ~3));
    g_assert_cmphex(CATCH(helper_far_jmp(cpu, SEL_SHORT, 0x1000, 0, IR_32)),
                    ==, FAULT(EXCP_GP, 0));
    g_assert_cmphex(cpu->segs[R_CS].selector, ==, SEL_CODE0);
    g_assert_cmphex(
        CATCH(helper_far_jmp(cpu, SEL_SHORT, 0xabc0fff, 0, IR_16)), ==,
        NO_FAULT);
    g_assert_cmphex(cpu->rip, ==, 0xfff);
    g_assert_cmphex(cpu->segs[R_CS].limit, ==, 0xfff);
    /* A jump through a gate drops the parameters and the offset given. */
    g_assert_cmphex(CATCH(helper_far_jmp(cpu, SEL_GATE, 1, 0, IR_32)), ==,
                    NO_FAULT);
    g_assert_cmphex(cpu->rip, ==, 0x12345678);
}

static void test_far_jmp_conforming(void)
{
    machine_reset(3);
    g_assert_cmphex(CATCH(helper_far_jmp(cpu, SEL_CONFORMING, 4, 0, IR_32)),
                    ==, NO_FAULT);
    g_assert_cmphex(cpu->segs[R_CS].selector, ==, SEL_CONFORMING | 3);
    g_assert_cmpuint(x86_cpl(cpu), ==, 3);
    /* Less privileged code cannot jump inwards, by a gate either. */
    g_assert_cmphex(CATCH(helper_far_jmp(cpu, SEL_GATE, 0, 0, IR_32)), ==,
                    FAULT(EXCP_GP, SEL_CODE0));
}

static void test_far_call_same(void)
{
    machine_reset(0);
    g_assert_cmphex(
        CATCH(helper_far_call(cpu, SEL_CONFORMING, 0x77, 0x1234, IR_16)), ==,
        NO_FAULT);
    g_assert_cmphex(cpu->regs[R_RSP], ==, STACK0 - 4);
    g_assert_cmphex(peek(STACK0 - 4, 2), ==, 0x1234);
    g_assert_cmphex(peek(STACK0 - 2, 2), ==, SEL_CODE0);
    g_assert_cmphex(CATCH(helper_far_ret(cpu, IR_16, 6)), ==, NO_FAULT);
    g_assert_cmphex(cpu->regs[R_RSP], ==, STACK0 + 6);
    g_assert_cmphex(cpu->rip, ==, 0x1234);
    g_assert_cmphex(cpu->segs[R_CS].selector, ==, SEL_CODE0);
}

/* SDM vol. 1, figure 6-5 "Stack Switch on a Call to a Different Privilege
 * Level". */
static void test_far_call_inner(void)
{
    machine_reset(3);
    poke(STACK3, 0xaaaa0001, 4);
    poke(STACK3 + 4, 0xaaaa0002, 4);
    g_assert_cmphex(CATCH(helper_far_call(cpu, SEL_GATE, 0, 0x2222, IR_32)),
                    ==, NO_FAULT);
    g_assert_cmpuint(x86_cpl(cpu), ==, 0);
    g_assert_cmphex(cpu->rip, ==, 0x12345678);
    g_assert_cmphex(cpu->segs[R_SS].selector, ==, SEL_DATA0);
    g_assert_cmphex(cpu->regs[R_RSP], ==, STACK0 - 24);
    g_assert_cmphex(peek(STACK0 - 4, 4), ==, SEL_DATA3);
    g_assert_cmphex(peek(STACK0 - 8, 4), ==, STACK3);
    g_assert_cmphex(peek(STACK0 - 12, 4), ==, 0xaaaa0002);
    g_assert_cmphex(peek(STACK0 - 16, 4), ==, 0xaaaa0001);
    g_assert_cmphex(peek(STACK0 - 20, 4), ==, SEL_CODE3);
    g_assert_cmphex(peek(STACK0 - 24, 4), ==, 0x2222);
    /* And back: parameters go from both stacks, inner segments with them. */
    g_assert_cmphex(CATCH(seg_load(cpu, R_ES, SEL_DATA0)), ==, NO_FAULT);
    g_assert_cmphex(CATCH(helper_far_ret(cpu, IR_32, 8)), ==, NO_FAULT);
    g_assert_cmpuint(x86_cpl(cpu), ==, 3);
    g_assert_cmphex(cpu->rip, ==, 0x2222);
    g_assert_cmphex(cpu->regs[R_RSP], ==, STACK3 + 8);
    g_assert_cmphex(cpu->segs[R_ES].selector, ==, 0);
    g_assert_cmphex(cpu->segs[R_DS].selector, ==, SEL_DATA3);
}

static void test_inner_stack_faults(void)
{
    machine_reset(3);
    poke(TSS_ADDR + 8, 0, 4);
    g_assert_cmphex(CATCH(helper_far_call(cpu, SEL_GATE, 0, 0, IR_32)), ==,
                    FAULT(EXCP_TS, 0));
    poke(TSS_ADDR + 8, SEL_DATA3, 4); /* of the wrong level */
    g_assert_cmphex(CATCH(helper_far_call(cpu, SEL_GATE, 0, 0, IR_32)), ==,
                    FAULT(EXCP_TS, SEL_DATA3 & ~3));
    poke(TSS_ADDR + 8, SEL_ABSENT, 4);
    g_assert_cmphex(CATCH(helper_far_call(cpu, SEL_GATE, 0, 0, IR_32)), ==,
                    FAULT(EXCP_SS, SEL_ABSENT));
    cpu->tr.limit = 9; /* SS0 just fits */
    g_assert_cmphex(CATCH(helper_far_call(cpu, SEL_GATE, 0, 0, IR_32)), ==,
                    FAULT(EXCP_SS, SEL_ABSENT));
    cpu->tr.limit = 8;
    g_assert_cmphex(CATCH(helper_far_call(cpu, SEL_GATE, 0, 0, IR_32)), ==,
                    FAULT(EXCP_TS, SEL_TSS));
    g_assert_cmpuint(x86_cpl(cpu), ==, 3);
    g_assert_cmphex(cpu->regs[R_RSP], ==, STACK3);
}

static void push_frame(const uint32_t *words, unsigned count)
{
    cpu->regs[R_RSP] = STACK0 - 4 * count;
    for (unsigned i = 0; i < count; i++) {
        poke(STACK0 - 4 * (count - i), words[i], 4);
    }
}

static void test_iret_outer(void)
{
    const uint32_t frame[] = {0x4444, SEL_CODE3, EFLAGS_IF | EFLAGS_CF | 2,
                              STACK3 - 16, SEL_DATA3};
    const uint32_t bad_ss[] = {0x4444, SEL_CODE3, 2, STACK3, SEL_DATA0};

    machine_reset(0);
    push_frame(bad_ss, 5);
    g_assert_cmphex(CATCH(helper_iret(cpu, IR_32, 0)), ==,
                    FAULT(EXCP_GP, SEL_DATA0));
    g_assert_cmphex(cpu->regs[R_RSP], ==, STACK0 - 20);
    push_frame(frame, 5);
    g_assert_cmphex(CATCH(helper_iret(cpu, IR_32, 0)), ==, NO_FAULT);
    g_assert_cmpuint(x86_cpl(cpu), ==, 3);
    g_assert_cmphex(cpu->regs[R_RSP], ==, STACK3 - 16);
    g_assert_cmphex(x86_get_eflags(cpu), ==, EFLAGS_IF | EFLAGS_CF | 2);
    g_assert_cmphex(cpu->segs[R_DS].selector, ==, 0); /* was of ring 0 */
}

/* At CPL 3 with IOPL 0, IRET leaves IF and IOPL as they are. */
static void test_iret_flags(void)
{
    machine_reset(3);
    cpu->regs[R_RSP] = STACK3 - 12;
    poke(STACK3 - 12, 0x55, 4);
    poke(STACK3 - 8, SEL_CODE3, 4);
    poke(STACK3 - 4, EFLAGS_IF | EFLAGS_IOPL | EFLAGS_ZF | EFLAGS_VM, 4);
    g_assert_cmphex(CATCH(helper_iret(cpu, IR_32, 0)), ==, NO_FAULT);
    g_assert_cmphex(x86_get_eflags(cpu), ==, EFLAGS_ZF | 2);
}

static void test_iret_vm86(void)
{
    const uint32_t frame[] = {0x100,  0x2000, EFLAGS_VM | EFLAGS_IOPL | 2,
                              0xfffe, 0x3000, 0x4000, 0x5000, 0x6000, 0x7000};

    machine_reset(0);
    push_frame(frame, 9);
    g_assert_cmphex(CATCH(helper_iret(cpu, IR_32, 0)), ==, NO_FAULT);
    g_assert_true(cpu->hflags & HF_VM);
    g_assert_cmpuint(x86_cpl(cpu), ==, 3);
    g_assert_cmphex(cpu->segs[R_CS].base, ==, 0x20000);
    g_assert_cmphex(cpu->segs[R_SS].base, ==, 0x30000);
    g_assert_cmphex(cpu->segs[R_ES].base, ==, 0x40000);
    g_assert_cmphex(cpu->segs[R_DS].base, ==, 0x50000);
    g_assert_cmphex(cpu->segs[R_FS].base, ==, 0x60000);
    g_assert_cmphex(cpu->segs[R_GS].base, ==, 0x70000);
    g_assert_cmphex(cpu->segs[R_GS].limit, ==, 0xffff);
    g_assert_cmphex(cpu->regs[R_RSP], ==, 0xfffe);
}

static bool zf(void)
{
    return cpu->cc & CC_BIT_Z;
}

static void test_queries(void)
{
    machine_reset(3);
    g_assert_cmphex(helper_lar(cpu, SEL_DATA3, 0x99), ==, 0xcff200);
    g_assert_true(zf());
    g_assert_cmphex(helper_lar(cpu, SEL_DATA0, 0x99), ==, 0x99);
    g_assert_false(zf());
    g_assert_cmphex(helper_lar(cpu, 0, 0x99), ==, 0x99);
    g_assert_cmphex(helper_lar(cpu, SEL_GATE, 0), !=, 0); /* a gate has */
    g_assert_cmphex(helper_lsl(cpu, SEL_GATE, 0x99), ==, 0x99); /* no limit */
    g_assert_false(zf());
    g_assert_cmphex(helper_lsl(cpu, SEL_DATA3, 0), ==, 0xffffffff);
    g_assert_true(zf());
    helper_verr(cpu, SEL_CONFORMING);
    g_assert_true(zf());
    helper_verw(cpu, SEL_CONFORMING);
    g_assert_false(zf());
    helper_verr(cpu, SEL_DATA0);
    g_assert_false(zf());
    helper_verw(cpu, SEL_DATA3);
    g_assert_true(zf());
}

static void test_lldt_ltr(void)
{
    machine_reset(0);
    g_assert_cmphex(CATCH(helper_lldt(cpu, SEL_DATA0)), ==,
                    FAULT(EXCP_GP, SEL_DATA0));
    g_assert_cmphex(CATCH(helper_lldt(cpu, 0)), ==, NO_FAULT);
    /* Loaded by machine_reset: busy now. */
    g_assert_cmphex(peek(GDT_ADDR + SEL_TSS + 5, 1), ==, 0x8b);
    g_assert_cmphex(CATCH(helper_ltr(cpu, SEL_TSS)), ==,
                    FAULT(EXCP_GP, SEL_TSS));
    g_assert_cmphex(CATCH(helper_ltr(cpu, 0)), ==, FAULT(EXCP_GP, 0));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    machine_init();
    g_test_add_func("/seg/load/data", test_load_data);
    g_test_add_func("/seg/load/data-cpl3", test_load_data_cpl3);
    g_test_add_func("/seg/load/stack", test_load_stack);
    g_test_add_func("/seg/jmp/direct", test_far_jmp);
    g_test_add_func("/seg/jmp/conforming", test_far_jmp_conforming);
    g_test_add_func("/seg/call/same", test_far_call_same);
    g_test_add_func("/seg/call/inner", test_far_call_inner);
    g_test_add_func("/seg/call/stack-faults", test_inner_stack_faults);
    g_test_add_func("/seg/iret/outer", test_iret_outer);
    g_test_add_func("/seg/iret/flags", test_iret_flags);
    g_test_add_func("/seg/iret/vm86", test_iret_vm86);
    g_test_add_func("/seg/queries", test_queries);
    g_test_add_func("/seg/lldt-ltr", test_lldt_ltr);
    return g_test_run();
}
