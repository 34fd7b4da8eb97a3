/* SPDX-License-Identifier: MIT */
/*
 * Delivery of exceptions and interrupts, task switches, virtual-8086 mode and
 * port permissions.  Expected frames, error codes and flags: SDM vol. 2A, "INT
 * n"; vol. 3A, chapters 6 "Interrupt and Exception Handling" and 8 "Task
 * Management"; vol. 3B, chapter 21 "8086 Emulation".
 */
#include "tests/target/x86_machine.h"

#include "target/i386/excp.h"
#include "target/i386/tss.h"

#define HANDLER 0x5678

static uint32_t deliver(int vector, uint32_t error)
{
    cpu->cs.exception_index = vector;
    cpu->error_code = error;
    cpu->excp_is_int = false;
    cpu->excp_next_rip = cpu->rip;
    return CATCH(x86_deliver_exception(cpu));
}

static uint32_t soft_int(int vector)
{
    cpu->cs.exception_index = vector;
    cpu->excp_is_int = true;
    cpu->excp_next_rip = cpu->rip + 2;
    return CATCH(x86_deliver_exception(cpu));
}

static void idt_gate(unsigned vector, unsigned type, unsigned dpl,
                     uint16_t sel)
{
    set_gate(IDT_ADDR + 8 * vector, type, dpl, sel, HANDLER);
}

static uint32_t stack_word(unsigned n)
{
    return peek(cpu->regs[R_RSP] + 4 * n, 4);
}

/* --- protected mode --- */

static void test_same_level(void)
{
    machine_reset(0);
    cpu->eflags |= EFLAGS_IF | EFLAGS_TF | EFLAGS_NT;
    idt_gate(EXCP_GP, SYS_INT32, 0, SEL_CODE0);
    g_assert_cmphex(deliver(EXCP_GP, 0x1234), ==, NO_FAULT);
    g_assert_cmphex(cpu->rip, ==, HANDLER);
    g_assert_cmphex(cpu->regs[R_RSP], ==, STACK0 - 16);
    g_assert_cmphex(stack_word(0), ==, 0x1234);
    g_assert_cmphex(stack_word(1), ==, 0x1111);
    g_assert_cmphex(stack_word(2), ==, SEL_CODE0);
    /* A fault pushes RF set: vol. 3B, 18.3.1.1. */
    g_assert_cmphex(stack_word(3), ==,
                    EFLAGS_IF | EFLAGS_TF | EFLAGS_NT | EFLAGS_RF | 2);
    g_assert_cmphex(x86_get_eflags(cpu), ==, 2);
}

static void test_trap_gate(void)
{
    machine_reset(0);
    cpu->eflags |= EFLAGS_IF;
    idt_gate(0x80, SYS_TRAP32, 0, SEL_CODE0);
    g_assert_cmphex(soft_int(0x80), ==, NO_FAULT);
    g_assert_cmphex(stack_word(0), ==, 0x1113);
    g_assert_cmphex(stack_word(2), ==, EFLAGS_IF | 2); /* no RF */
    g_assert_cmphex(x86_get_eflags(cpu), ==, EFLAGS_IF | 2);
    g_assert_cmphex(cpu->regs[R_RSP], ==, STACK0 - 12);
}

static void test_inner_level(void)
{
    machine_reset(3);
    idt_gate(EXCP_UD, SYS_INT32, 0, SEL_CODE0);
    g_assert_cmphex(deliver(EXCP_UD, 0), ==, NO_FAULT);
    g_assert_cmpuint(x86_cpl(cpu), ==, 0);
    g_assert_cmphex(cpu->regs[R_RSP], ==, STACK0 - 20);
    g_assert_cmphex(stack_word(0), ==, 0x1111);
    g_assert_cmphex(stack_word(1), ==, SEL_CODE3);
    g_assert_cmphex(stack_word(3), ==, STACK3);
    g_assert_cmphex(stack_word(4), ==, SEL_DATA3);
    g_assert_cmphex(cpu->segs[R_SS].selector, ==, SEL_DATA0);
}

static void test_16_bit_gate(void)
{
    machine_reset(0);
    set_gate(IDT_ADDR + 8 * EXCP_UD, SYS_INT16, 0, SEL_CODE0, 0xabcd5678);
    g_assert_cmphex(deliver(EXCP_UD, 0), ==, NO_FAULT);
    g_assert_cmphex(cpu->rip, ==, 0x5678);
    g_assert_cmphex(cpu->regs[R_RSP], ==, STACK0 - 6);
    g_assert_cmphex(peek(STACK0 - 6, 2), ==, 0x1111);
    g_assert_cmphex(peek(STACK0 - 4, 2), ==, SEL_CODE0);
}

/* Error codes of delivery: IDT bit and EXT, but none for INT n. */
static void test_gate_faults(void)
{
    machine_reset(3);
    g_assert_cmphex(deliver(EXCP_UD, 0), ==,
                    FAULT(EXCP_GP, EXCP_UD * 8 + 2 + 1)); /* type 0 */
    cpu->old_exception = -1;
    g_assert_cmphex(soft_int(0x40), ==, FAULT(EXCP_GP, 0x40 * 8 + 2));
    idt_gate(0x40, SYS_INT32, 0, SEL_CODE0); /* DPL 0 */
    g_assert_cmphex(soft_int(0x40), ==, FAULT(EXCP_GP, 0x40 * 8 + 2));
    idt_gate(0x40, SYS_INT32, 3, SEL_CODE0);
    poke(IDT_ADDR + 0x40 * 8 + 5, SYS_INT32 | 0x60, 1); /* not present */
    g_assert_cmphex(soft_int(0x40), ==, FAULT(EXCP_NP, 0x40 * 8 + 2));
    idt_gate(0x40, SYS_INT32, 3, SEL_DATA0);
    g_assert_cmphex(soft_int(0x40), ==, FAULT(EXCP_GP, SEL_DATA0));
    idt_gate(0x40, SYS_INT32, 3, 0);
    g_assert_cmphex(soft_int(0x40), ==, FAULT(EXCP_GP, 0));
    idt_gate(EXCP_UD, SYS_INT32, 0, SEL_DATA0);
    g_assert_cmphex(deliver(EXCP_UD, 0), ==, FAULT(EXCP_GP, SEL_DATA0 | 1));
    cpu->old_exception = -1;
    cpu->idt.limit = 0x40 * 8 + 6;
    g_assert_cmphex(soft_int(0x40), ==, FAULT(EXCP_GP, 0x40 * 8 + 2));
    g_assert_cmphex(cpu->regs[R_RSP], ==, STACK3);
    g_assert_cmphex(cpu->rip, ==, 0x1111);
}

/* SDM vol. 3A, table 6-5. */
static void test_double_fault(void)
{
    machine_reset(0);
    g_assert_cmphex(deliver(EXCP_GP, 0), ==, FAULT(EXCP_DF, 0));
    cpu->old_exception = -1;
    g_assert_cmphex(deliver(EXCP_PF, 0), ==, FAULT(EXCP_DF, 0));
    cpu->old_exception = -1;
    /* A benign one before: handled one after the other. */
    g_assert_cmphex(deliver(EXCP_NM, 0), ==,
                    FAULT(EXCP_GP, EXCP_NM * 8 + 2 + 1));
    /* INT 14 is not a page fault. */
    cpu->old_exception = -1;
    g_assert_cmphex(soft_int(EXCP_PF), ==, FAULT(EXCP_GP, EXCP_PF * 8 + 2));
    cpu->old_exception = -1;
    idt_gate(EXCP_DF, SYS_INT32, 0, SEL_CODE0);
    g_assert_cmphex(deliver(EXCP_DF, 0), ==, NO_FAULT);
    g_assert_cmphex(stack_word(0), ==, 0);
    g_assert_cmpint(cpu->old_exception, ==, -1);
}

/* --- real mode --- */

static void real_mode(void)
{
    machine_reset(0);
    cpu->cr0 &= ~CR0_PE;
    for (unsigned i = 0; i < NB_SEGS; i++) {
        seg_set(cpu, i, 0, 0, 0xffff, DESC_P | DESC_S | DESC_W | DESC_A);
    }
    cpu->idt.base = 0;
    cpu->idt.limit = 0x3ff;
    x86_update_hflags(cpu);
}

static void test_real(void)
{
    real_mode();
    cpu->eflags |= EFLAGS_IF | EFLAGS_TF;
    cpu->regs[R_RSP] = 0xdead0002; /* SP wraps, the upper half stays */
    poke(4 * EXCP_GP, 0x12345678, 4);
    g_assert_cmphex(deliver(EXCP_GP, 0x99), ==, NO_FAULT);
    g_assert_cmphex(cpu->regs[R_RSP], ==, 0xdeadfffc);
    g_assert_cmphex(peek(0xfffc, 2), ==, 0x1111);
    g_assert_cmphex(peek(0x0000, 2), ==, EFLAGS_IF | EFLAGS_TF | 2);
    g_assert_cmphex(cpu->segs[R_CS].selector, ==, 0x1234);
    g_assert_cmphex(cpu->segs[R_CS].base, ==, 0x12340);
    g_assert_cmphex(cpu->rip, ==, 0x5678);
    g_assert_cmphex(x86_get_eflags(cpu), ==, 2);
}

/* --- virtual-8086 mode --- */

static void vm86_mode(unsigned iopl)
{
    machine_reset(3);
    cpu->eflags |= EFLAGS_VM | iopl << 12;
    for (unsigned i = 0; i < NB_SEGS; i++) {
        seg_set_vm86(cpu, i, 0x100 * i);
    }
    cpu->regs[R_RSP] = 0x4000;
    x86_update_hflags(cpu);
}

static void test_vm86_frame(void)
{
    vm86_mode(0);
    idt_gate(EXCP_GP, SYS_INT32, 0, SEL_CODE0);
    g_assert_cmphex(deliver(EXCP_GP, 0), ==, NO_FAULT);
    g_assert_cmphex(cpu->regs[R_RSP], ==, STACK0 - 40);
    g_assert_cmphex(stack_word(2), ==, R_CS * 0x100);
    g_assert_cmphex(stack_word(3), ==, EFLAGS_VM | EFLAGS_RF | 2);
    g_assert_cmphex(stack_word(4), ==, 0x4000);
    g_assert_cmphex(stack_word(5), ==, R_SS * 0x100);
    g_assert_cmphex(stack_word(6), ==, R_ES * 0x100);
    g_assert_cmphex(stack_word(7), ==, R_DS * 0x100);
    g_assert_cmphex(stack_word(8), ==, R_FS * 0x100);
    g_assert_cmphex(stack_word(9), ==, R_GS * 0x100);
    g_assert_cmphex(cpu->segs[R_GS].selector, ==, 0);
    g_assert_false(cpu->hflags & HF_VM);
    g_assert_cmpuint(x86_cpl(cpu), ==, 0);
}

static void test_vm86_iopl(void)
{
    vm86_mode(0);
    g_assert_cmphex(CATCH(helper_int(cpu, 0x21, 0)), ==, FAULT(EXCP_GP, 0));
    g_assert_cmphex(CATCH(helper_cli(cpu)), ==, FAULT(EXCP_GP, 0));
    g_assert_cmphex(CATCH(helper_pushf(cpu, IR_16)), ==, FAULT(EXCP_GP, 0));
    g_assert_cmphex(CATCH(helper_popf(cpu, 0, IR_16)), ==,
                    FAULT(EXCP_GP, 0));
    g_assert_cmphex(CATCH(helper_iret(cpu, IR_16, 0)), ==,
                    FAULT(EXCP_GP, 0));
    vm86_mode(3);
    g_assert_cmphex(CATCH(helper_popf(cpu, EFLAGS_IF, IR_16)), ==, NO_FAULT);
    g_assert_cmphex(x86_get_eflags(cpu), ==,
                    EFLAGS_VM | EFLAGS_IOPL | EFLAGS_IF | 2);
}

/* VME: CLI and STI work on VIF; INT n goes through the guest's own table when
 * the redirection bitmap says so. */
static void test_vme(void)
{
    vm86_mode(0);
    cpu->cr4 = CR4_VME;
    g_assert_cmphex(CATCH(helper_sti(cpu)), ==, NO_FAULT);
    g_assert_true(cpu->eflags & EFLAGS_VIF);
    g_assert_cmphex(helper_pushf(cpu, IR_16), ==,
                    EFLAGS_IF | EFLAGS_IOPL | 2);
    poke(TSS_ADDR + 0x66, 0x100, 2);
    poke(4 * 0x21, 0x20003000, 4);
    g_assert_cmphex(CATCH(helper_int(cpu, 0x21, 0x1113)), ==, NO_FAULT);
    g_assert_cmphex(cpu->segs[R_CS].base, ==, 0x20000);
    g_assert_cmphex(cpu->rip, ==, 0x3000);
    g_assert_cmphex(cpu->regs[R_RSP], ==, 0x3ffa);
    g_assert_cmphex(peek(R_SS * 0x1000 + 0x3ffa, 2), ==, 0x1113);
    g_assert_cmphex(peek(R_SS * 0x1000 + 0x3ffe, 2), ==,
                    EFLAGS_IF | EFLAGS_IOPL | 2);
    g_assert_false(cpu->eflags & EFLAGS_VIF);
    /* An intercepted vector is the monitor's. */
    poke(TSS_ADDR + 0x100 - 32 + 0x21 / 8, 1 << (0x21 & 7), 1);
    g_assert_cmphex(CATCH(helper_int(cpu, 0x21, 0)), ==, FAULT(EXCP_GP, 0));
    cpu->eflags |= EFLAGS_VIP;
    g_assert_cmphex(CATCH(helper_sti(cpu)), ==, FAULT(EXCP_GP, 0));
}

/* --- long mode --- */

static void long_mode(unsigned cpl)
{
    machine_reset(cpl);
    cpu->efer = EFER_LME | EFER_LMA;
    cpu->segs[R_CS].attr = (cpu->segs[R_CS].attr & ~DESC_B) | DESC_L;
    cpu->idt.limit = 0xfff;
    x86_update_hflags(cpu);
    poke(TSS_ADDR + 4, STACK0, 8);
    poke(TSS_ADDR + 36, 0xa000, 8); /* IST1 */
}

static void long_gate(unsigned vector, unsigned ist, uint16_t sel)
{
    set_gate(IDT_ADDR + 16 * vector, SYS_INT32, 0, sel, 0xdef05678);
    poke(IDT_ADDR + 16 * vector + 4, ist, 1);
    poke(IDT_ADDR + 16 * vector + 8, 0xffff8000, 4);
}

static void test_long(void)
{
    long_mode(0);
    cpu->regs[R_RSP] = 0x7fff; /* aligned down before the pushes */
    long_gate(EXCP_PF, 0, SEL_CODE64);
    g_assert_cmphex(deliver(EXCP_PF, 5), ==, NO_FAULT);
    g_assert_cmphex(cpu->rip, ==, 0xffff8000def05678);
    g_assert_cmphex(cpu->regs[R_RSP], ==, 0x7ff0 - 48);
    g_assert_cmphex(peek(0x7ff0 - 48, 8), ==, 5);
    g_assert_cmphex(peek(0x7ff0 - 40, 8), ==, 0x1111);
    g_assert_cmphex(peek(0x7ff0 - 32, 8), ==, SEL_CODE0);
    g_assert_cmphex(peek(0x7ff0 - 16, 8), ==, 0x7fff);
    g_assert_cmphex(peek(0x7ff0 - 8, 8), ==, SEL_DATA0);
    g_assert_cmphex(cpu->segs[R_SS].selector, ==, SEL_DATA0);
}

static void test_long_inner(void)
{
    long_mode(3);
    long_gate(EXCP_UD, 0, SEL_CODE64);
    g_assert_cmphex(deliver(EXCP_UD, 0), ==, NO_FAULT);
    g_assert_cmphex(cpu->regs[R_RSP], ==, STACK0 - 40);
    g_assert_cmphex(cpu->segs[R_SS].selector, ==, 0);
    g_assert_cmpuint(x86_cpl(cpu), ==, 0);
    set_desc(SEL_CODE3, 0, 0xfffff, (AR_CODE & ~DESC_B) | DESC_L | AR_DPL3);
    g_assert_cmphex(CATCH(helper_iret(cpu, IR_64, 0)), ==, NO_FAULT);
    g_assert_cmpuint(x86_cpl(cpu), ==, 3);
    g_assert_cmphex(cpu->regs[R_RSP], ==, STACK3);
}

static void test_long_ist(void)
{
    long_mode(0);
    long_gate(EXCP_UD, 1, SEL_CODE64);
    g_assert_cmphex(deliver(EXCP_UD, 0), ==, NO_FAULT);
    g_assert_cmphex(cpu->regs[R_RSP], ==, 0xa000 - 40);
    /* A 32-bit handler is refused; so is a stack that is not canonical. */
    long_mode(0);
    long_gate(EXCP_UD, 0, SEL_CODE0);
    g_assert_cmphex(deliver(EXCP_UD, 0), ==, FAULT(EXCP_GP, SEL_CODE0 | 1));
    cpu->old_exception = -1;
    long_gate(EXCP_UD, 1, SEL_CODE64);
    poke(TSS_ADDR + 36, 1ull << 47, 8);
    g_assert_cmphex(deliver(EXCP_UD, 0), ==, FAULT(EXCP_SS, 1));
}

/* A return to a non-canonical address faults before anything changes. */
static void test_long_noncanonical(void)
{
    long_mode(0);
    cpu->regs[R_RSP] = 0x7000;
    poke(0x7000, 1ull << 47, 8);
    poke(0x7008, SEL_CODE64, 8);
    poke(0x7018, 0x6000, 8);
    poke(0x7020, SEL_DATA0, 8);
    g_assert_cmphex(CATCH(helper_iret(cpu, IR_64, 0)), ==, FAULT(EXCP_GP, 0));
    g_assert_cmphex(cpu->regs[R_RSP], ==, 0x7000);
    g_assert_cmphex(cpu->rip, ==, 0x1111);
}

/* --- tasks --- */

static void fill_tss2(void)
{
    poke(TSS2_ADDR + 0x20, 0x3333, 4);
    poke(TSS2_ADDR + 0x24, EFLAGS_IF | EFLAGS_SF | 2, 4);
    for (unsigned i = 0; i < 8; i++) {
        poke(TSS2_ADDR + 0x28 + 4 * i, 0x1000 * (i + 1), 4);
    }
    for (unsigned i = 0; i < NB_SEGS; i++) {
        poke(TSS2_ADDR + 0x48 + 4 * i, i == R_CS ? SEL_CODE0 : SEL_DATA0, 4);
    }
}

static void test_task_call(void)
{
    machine_reset(0);
    fill_tss2();
    cpu->regs[R_RBX] = 0xb0b;
    g_assert_cmphex(CATCH(helper_far_call(cpu, SEL_TSS2, 0, 0x2222, IR_32)),
                    ==, NO_FAULT);
    g_assert_cmphex(cpu->rip, ==, 0x3333);
    g_assert_cmphex(cpu->regs[R_RBX], ==, 0x4000);
    g_assert_cmphex(x86_get_eflags(cpu), ==,
                    EFLAGS_IF | EFLAGS_SF | EFLAGS_NT | 2);
    g_assert_true(cpu->cr0 & CR0_TS);
    g_assert_cmphex(cpu->tr.selector, ==, SEL_TSS2);
    g_assert_cmphex(peek(TSS2_ADDR, 2), ==, SEL_TSS);
    g_assert_cmphex(peek(TSS_ADDR + 0x20, 4), ==, 0x2222);
    g_assert_cmphex(peek(TSS_ADDR + 0x34, 4), ==, 0xb0b);
    g_assert_cmphex(peek(TSS_ADDR + 0x4c, 4), ==, SEL_CODE0);
    /* Both are busy, and IRET goes back. */
    g_assert_cmphex(peek(GDT_ADDR + SEL_TSS + 5, 1), ==, 0x8b);
    g_assert_cmphex(peek(GDT_ADDR + SEL_TSS2 + 5, 1), ==, 0x8b);
    g_assert_cmphex(CATCH(helper_iret(cpu, IR_32, 0x3334)), ==, NO_FAULT);
    g_assert_cmphex(cpu->rip, ==, 0x2222);
    g_assert_cmphex(cpu->regs[R_RBX], ==, 0xb0b);
    g_assert_cmphex(peek(GDT_ADDR + SEL_TSS2 + 5, 1), ==, 0x89);
    g_assert_cmphex(peek(TSS2_ADDR + 0x24, 4), ==, EFLAGS_IF | EFLAGS_SF | 2);
}

static void test_task_faults(void)
{
    machine_reset(0);
    fill_tss2();
    g_assert_cmphex(CATCH(helper_far_jmp(cpu, SEL_TSS, 0, 0, IR_32)), ==,
                    FAULT(EXCP_GP, SEL_TSS)); /* busy */
    set_desc(SEL_TSS2, TSS2_ADDR, 0x66, AR_TSS32);
    g_assert_cmphex(CATCH(helper_far_jmp(cpu, SEL_TSS2, 0, 0, IR_32)), ==,
                    FAULT(EXCP_TS, SEL_TSS2));
    g_assert_cmphex(cpu->tr.selector, ==, SEL_TSS);
    /* Found after the switch: the new task faults. */
    set_desc(SEL_TSS2, TSS2_ADDR, 0x67, AR_TSS32);
    poke(TSS2_ADDR + 0x50, SEL_DATA3, 4); /* SS */
    g_assert_cmphex(CATCH(helper_far_jmp(cpu, SEL_TSS2, 0, 0x2222, IR_32)),
                    ==, FAULT(EXCP_TS, SEL_DATA3 & ~3));
    g_assert_cmphex(cpu->tr.selector, ==, SEL_TSS2);
    g_assert_cmphex(cpu->rip, ==, 0x3333);
    g_assert_cmphex(peek(GDT_ADDR + SEL_TSS + 5, 1), ==, 0x89);
}

/* The error code goes on the new task's stack. */
static void test_task_gate(void)
{
    machine_reset(3);
    fill_tss2();
    set_gate(IDT_ADDR + 8 * EXCP_DF, SYS_TASK_GATE, 0, SEL_TSS2, 0);
    g_assert_cmphex(deliver(EXCP_DF, 0), ==, NO_FAULT);
    g_assert_cmphex(cpu->regs[R_RSP], ==, 0x5000 - 4);
    g_assert_cmphex(cpu->rip, ==, 0x3333);
    g_assert_cmphex(peek(TSS_ADDR + 0x20, 4), ==, 0x1111);
    g_assert_cmphex(peek(TSS_ADDR + 0x50, 4), ==, SEL_DATA3);
}

/* --- ports --- */

static void test_io_bitmap(void)
{
    machine_reset(3);
    poke(TSS_ADDR + 0x66, 0x68, 2);
    poke(TSS_ADDR + 0x68 + 0x3f8 / 8, 0x80, 1); /* 3FFh is closed */
    g_assert_cmphex(CATCH(x86_check_io(cpu, 0x3f8, 4)), ==, NO_FAULT);
    g_assert_cmphex(CATCH(x86_check_io(cpu, 0x3fe, 2)), ==,
                    FAULT(EXCP_GP, 0));
    g_assert_cmphex(CATCH(x86_check_io(cpu, 0x3fc, 4)), ==,
                    FAULT(EXCP_GP, 0));
    cpu->tr.limit = 0x68 + 0x3f8 / 8; /* the second byte is cut off */
    g_assert_cmphex(CATCH(x86_check_io(cpu, 0x3f8, 1)), ==,
                    FAULT(EXCP_GP, 0));
    cpu->eflags |= EFLAGS_IOPL;
    x86_update_hflags(cpu);
    g_assert_cmphex(CATCH(x86_check_io(cpu, 0x3f8, 1)), ==, NO_FAULT);
    cpu->eflags |= EFLAGS_VM; /* where IOPL does not help */
    x86_update_hflags(cpu);
    g_assert_cmphex(CATCH(x86_check_io(cpu, 0x3f8, 1)), ==,
                    FAULT(EXCP_GP, 0));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    machine_init();
    g_test_add_func("/excp/protected/same", test_same_level);
    g_test_add_func("/excp/protected/trap-gate", test_trap_gate);
    g_test_add_func("/excp/protected/inner", test_inner_level);
    g_test_add_func("/excp/protected/16-bit", test_16_bit_gate);
    g_test_add_func("/excp/protected/gate-faults", test_gate_faults);
    g_test_add_func("/excp/protected/double-fault", test_double_fault);
    g_test_add_func("/excp/real", test_real);
    g_test_add_func("/excp/vm86/frame", test_vm86_frame);
    g_test_add_func("/excp/vm86/iopl", test_vm86_iopl);
    g_test_add_func("/excp/vm86/vme", test_vme);
    g_test_add_func("/excp/long/same", test_long);
    g_test_add_func("/excp/long/inner", test_long_inner);
    g_test_add_func("/excp/long/ist", test_long_ist);
    g_test_add_func("/excp/long/non-canonical", test_long_noncanonical);
    g_test_add_func("/excp/task/call", test_task_call);
    g_test_add_func("/excp/task/faults", test_task_faults);
    g_test_add_func("/excp/task/gate", test_task_gate);
    g_test_add_func("/excp/io-bitmap", test_io_bitmap);
    return g_test_run();
}
