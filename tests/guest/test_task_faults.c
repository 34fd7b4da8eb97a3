/* SPDX-License-Identifier: MIT */
/*
 * Faults of hardware task switches, by each way to switch: the vector, the
 * error code with its EXT bit, and in which of the two tasks it is raised; what
 * a switch leaves behind.  test_task.c has the switches that work. Source: SDM
 * vol. 3A, 8.3 "Task Switching", table 8-1 "Exception Conditions Checked During
 * a Task Switch"; 6.13 "Error Code".
 */
#include "apic.h"
#include "legacy.h"

#define GP 13
#define TS 10
#define NP 11
#define SS 12

#define NEW       0x60u /* what the code below names: the new task's TSS */
#define LDT       0x68u
#define CODE      0x70u
#define STACK     0x78u
#define DATA      0x80u
#define TASK_GATE 0x88u
#define OLD16     0x90u

/* Attributes of descriptors. */
#define A_TSS  0x0089u
#define A_BUSY 0x008bu
#define A_LDT  0x0082u
#define A_CODE 0xc09bu
#define A_DATA 0xc093u
#define A_RO   0xc091u

void tf_jmp(void), tf_call(void), tf_int(void), tf_ud(void), tf_irq(void),
    tf_gp(void), tf_new(void), tf_gate(void), tf_iret(void);
__asm__(".text\n.code32\n"
        "tf_jmp: ljmp $0x60, $0; int $0x81\n"
        "tf_call: lcall $0x60, $0; int $0x81\n"
        "tf_gate: lcall $0x88, $0; int $0x81\n"
        "tf_int: int $0x90; int $0x81\n"
        "tf_ud: ud2; int $0x81\n"
        "tf_gp: mov $0xfff8, %ecx; mov %ecx, %ds; int $0x81\n"
        "tf_irq: movl $0x44050, 0xfee00300; sti; nop; nop; int $0x81\n"
        "tf_iret: iret; int $0x81\n"
        "tf_new: int $0x81\n"
        ".code64\n");

static Tss32 new_task;
static uint8_t new_stack[256] __attribute__((aligned(16)));
static Legacy out;

/* Ways to get to the new task, and EXT of what happens on the way. */
typedef struct Way {
    const char *name;
    void (*code)(void);
    uint32_t ext;
    bool nests;
} Way;

static const Way ways[] = {
    {"JMP", tf_jmp, 0, false},
    {"CALL", tf_call, 0, true},
    {"CALL of a gate", tf_gate, 0, true},
    {"INT", tf_int, 0, true},
    {"exception", tf_ud, 1, true},
    {"interrupt", tf_irq, 1, true},
};
#define WAYS (sizeof(ways) / sizeof(ways[0]))

static void set_up(void)
{
    legacy_reset();
    legacy_catch_by_task();
    legacy_task(&new_task, tf_new, new_stack + sizeof(new_stack));
    gdt[NEW / 8] = segment((uintptr_t)&new_task, sizeof(new_task) - 1, A_TSS);
    gdt[TASK_GATE / 8] = gate(0, NEW, 0x85);
    gdt[CODE / 8] = segment(0, 0xfffff, A_CODE);
    gdt[STACK / 8] = segment(0, 0xfffff, A_DATA);
    gdt[DATA / 8] = segment(0, 0xfffff, A_DATA);
    gdt[LDT / 8] = segment(0, 0xff, A_LDT);
    legacy_idt[0x90] = legacy_idt[0x50] = legacy_idt[6] = gate(0, NEW, 0x85);
    new_task.cs = CODE;
    new_task.ss = STACK;
    new_task.ds = DATA;
}

static void run(void (*code)(void))
{
    Legacy in = legacy_state(0, code);

    legacy_run(&in, &out);
    apic_eoi(); /* of the interrupt, if it was one */
}

/* By each way: @vector, its error, and the task that is left by it. */
static void expect(const char *what, void (*breakage)(void), uint32_t vector,
                   uint32_t sel, bool in_new)
{
    unsigned i;

    for (i = 0; i < WAYS; i++) {
        const Way *w = &ways[i];
        uint32_t vec = vector, error = sel | w->ext;

        set_up();
        breakage();
        /* By an exception (#UD is a benign one) nothing becomes #DF. */
        run(w->code);
        check_eq(out.vector, vec, "%s, %s: vector", w->name, what);
        check_eq(out.error, error, "%s, %s: error code", w->name, what);
        check_eq(out.tr, in_new ? NEW : LEGACY_TSS, "%s, %s: task", w->name,
                 what);
        if (in_new) {
            check_eq(new_task.eip, (uintptr_t)tf_new, "%s, %s: its EIP",
                     w->name, what);
        }
    }
}

/* --- what may be wrong --- */

#define BREAK(name, statement)                                                 \
    static void name(void)                                                     \
    {                                                                          \
        statement;                                                             \
    }

BREAK(tss_absent, gdt[NEW / 8] &= ~(1ull << 47))
BREAK(tss_short, gdt[NEW / 8] = segment((uintptr_t)&new_task, 0x66, A_TSS))
BREAK(tss_busy, gdt[NEW / 8] |= 2ull << 40)
BREAK(ldt_type, new_task.ldt = DATA)
BREAK(ldt_absent, new_task.ldt = LDT; gdt[LDT / 8] &= ~(1ull << 47))
BREAK(ldt_local, new_task.ldt = LDT | 4)
BREAK(ldt_past, new_task.ldt = 0x1000)
BREAK(cs_null, new_task.cs = 0)
BREAK(cs_data, new_task.cs = DATA)
BREAK(cs_past, new_task.cs = 0x1000)
BREAK(cs_dpl, gdt[CODE / 8] |= 3ull << 45)
BREAK(cs_absent, gdt[CODE / 8] &= ~(1ull << 47))
BREAK(ss_null, new_task.ss = 0)
BREAK(ss_code, new_task.ss = CODE)
BREAK(ss_readonly, gdt[STACK / 8] = segment(0, 0xfffff, A_RO))
BREAK(ss_dpl, gdt[STACK / 8] |= 3ull << 45)
BREAK(ss_rpl, new_task.ss = STACK | 3)
BREAK(ss_absent, gdt[STACK / 8] &= ~(1ull << 47))
BREAK(ds_system, new_task.ds = LDT)
BREAK(ds_past, new_task.ds = 0x1000)
BREAK(ds_local, new_task.ds = 4)
BREAK(ds_absent, gdt[DATA / 8] &= ~(1ull << 47))
BREAK(gs_absent, gdt[DATA / 8] &= ~(1ull << 47); new_task.ds = 0;
      new_task.gs = DATA)
BREAK(eip_limit, gdt[CODE / 8] = segment(0, 0xfff, A_CODE & ~0x8000u))

static void test_table(void)
{
    expect("absent TSS", tss_absent, NP, NEW, false);
    expect("short TSS", tss_short, TS, NEW, false);
    expect("busy TSS", tss_busy, GP, NEW, false);
    expect("LDT: data", ldt_type, TS, DATA, true);
    expect("LDT: absent", ldt_absent, TS, LDT, true);
    expect("LDT: in an LDT", ldt_local, TS, LDT | 4, true);
    expect("LDT: past the table", ldt_past, TS, 0x1000, true);
    expect("CS: null", cs_null, TS, 0, true);
    expect("CS: data", cs_data, TS, DATA, true);
    expect("CS: past the table", cs_past, TS, 0x1000, true);
    expect("CS: DPL 3", cs_dpl, TS, CODE, true);
    expect("CS: absent", cs_absent, NP, CODE, true);
    expect("SS: null", ss_null, TS, 0, true);
    expect("SS: code", ss_code, TS, CODE, true);
    expect("SS: read-only", ss_readonly, TS, STACK, true);
    expect("SS: DPL 3", ss_dpl, TS, STACK, true);
    expect("SS: RPL 3", ss_rpl, TS, STACK, true);
    expect("SS: absent", ss_absent, SS, STACK, true);
    expect("DS: system", ds_system, TS, LDT, true);
    expect("DS: past the table", ds_past, TS, 0x1000, true);
    expect("DS: in an LDT that is not there", ds_local, TS, 4, true);
    expect("DS: absent", ds_absent, NP, DATA, true);
    expect("GS: absent", gs_absent, NP, DATA, true);
    expect("EIP past the limit", eip_limit, GP, 0, true);
}

/* A contributory exception, through a task gate to what faults: #DF. */
static void test_double(void)
{
    set_up();
    legacy_idt[13] = gate(0, NEW, 0x85);
    new_task.ds = 0x1000;
    run(tf_gp);
    check_eq(out.vector, 8, "#TS while #GP is delivered by a task");
    check_eq(out.error, 0, "error code of #DF");
    check_eq(out.tr, NEW, "in the new task");
}

/* The error code is pushed by the new task: on its stack, as it can. */
static void test_error_code(void)
{
    set_up();
    legacy_idt[13] = gate(0, NEW, 0x85);
    run(tf_gp);
    check_eq(out.vector, 0x81, "#GP by a task");
    check_eq(*(uint32_t *)(new_stack + sizeof(new_stack) - 4), 0xfff8,
             "its error code");
    set_up();
    legacy_idt[13] = gate(0, NEW, 0x85);
    gdt[STACK / 8] = segment((uintptr_t)new_stack, 0xff, 0x4093);
    new_task.esp = 2;
    run(tf_gp);
    check_eq(out.vector, 8, "no room for it: #SS on top of #GP");
}

/* --- the gate itself --- */

static void expect_gate(const char *what, uint16_t sel, uint32_t vector,
                        uint32_t error)
{
    set_up();
    gdt[TASK_GATE / 8] = gate(0, sel, 0x85);
    legacy_idt[0x90] = legacy_idt[0x50] = gate(0, sel, 0x85);
    run(tf_gate);
    legacy_expect(what, &out, vector, error);
    run(tf_int);
    legacy_expect(what, &out, vector, error);
    run(tf_irq);
    legacy_expect(what, &out, vector, error | 1);
}

static void test_gates(void)
{
    expect_gate("gate to a null TSS", 0, GP, 0);
    expect_gate("gate to a TSS in an LDT", NEW | 4, GP, NEW | 4);
    expect_gate("gate past the table", 0x1000, GP, 0x1000);
    expect_gate("gate to data", DATA, GP, DATA);
    set_up();
    gdt[TASK_GATE / 8] &= ~(1ull << 47);
    run(tf_gate);
    legacy_expect("absent gate", &out, NP, TASK_GATE);
}

/* --- IRET --- */

static void expect_iret(const char *what, uint32_t link, uint32_t vector,
                        uint32_t error)
{
    Legacy in = legacy_state(0, tf_iret);

    in.eflags |= EFLAGS_NT;
    legacy_tss.tss.link = link;
    legacy_run(&in, &out);
    legacy_expect(what, &out, vector, error);
}

static void test_iret(void)
{
    set_up();
    expect_iret("IRET to a task that is not busy", NEW, TS, NEW);
    expect_iret("IRET to data", DATA, TS, DATA);
    expect_iret("IRET to an LDT's", NEW | 4, TS, NEW | 4);
    expect_iret("IRET past the table", 0x1000, TS, 0x1000);
    expect_iret("IRET to null", 0, TS, 0);
    gdt[NEW / 8] |= 2ull << 40;
    gdt[NEW / 8] &= ~(1ull << 47);
    expect_iret("IRET to an absent task", NEW, NP, NEW);
    gdt[NEW / 8] |= 1ull << 47;
    expect_iret("IRET to a busy one", NEW, 0x81, 0);
    check_eq(out.tr, NEW, "TR");
    check_eq(legacy_tss.tss.eflags & EFLAGS_NT, 0,
             "NT is clear in the task that was left");
    check_eq(gdt[LEGACY_TSS / 8] >> 41 & 1, 0, "which is not busy any more");
}

/* --- what a switch does besides --- */

void tf_vm86(void);
__asm__(".text; .code16; tf_vm86: mov %ds, %ax; mov %es, %bx; ud2; .code64\n");

static void test_vm86_task(void)
{
    static uint8_t stack0[256] __attribute__((aligned(16)));

    set_up();
    memcpy((void *)0x7000, tf_vm86, 16);
    legacy_gate(6, 14, 0);
    new_task.eflags = EFLAGS_VM | 2;
    new_task.cs = 0x700;
    new_task.eip = 0;
    new_task.ss = 0;
    new_task.esp = 0x6000;
    new_task.ds = 0x1234;
    new_task.es = 0xffff;
    new_task.esp0 = (uintptr_t)(stack0 + sizeof(stack0));
    new_task.ss0 = LEGACY_DS;
    run(tf_jmp);
    check_eq(out.vector, 6, "a task in virtual-8086 mode");
    check_eq(out.eflags & EFLAGS_VM, EFLAGS_VM, "VM");
    check_eq(out.cs, 0x700, "CS is any number");
    check_eq(out.ds, 0x1234, "DS, too");
    check_eq(out.eax & 0xffff, 0x1234, "as the task sees it");
    check_eq(out.ebx & 0xffff, 0xffff, "ES");
}

static void test_conforming(void)
{
    set_up();
    gdt[CODE / 8] = segment(0, 0xfffff, 0xc09f); /* of DPL 0 */
    new_task.cs = CODE | 3;
    new_task.ss = new_task.ds = new_task.es = new_task.fs = new_task.gs =
        LEGACY_DS3;
    new_task.esp0 = (uintptr_t)(new_stack + sizeof(new_stack));
    new_task.ss0 = LEGACY_DS;
    run(tf_call);
    check_eq(out.vector, 0x81, "conforming code with another RPL");
    check_eq(out.cs, CODE | 3, "its RPL is the level");
}

/* A 16-bit task's state where its TSS has it: SDM vol. 3A, 8.6 "16-Bit
 * Task-State Segment (TSS)". */
static void test_tss16(void)
{
    static uint16_t tss16[22];
    Legacy in = legacy_state(0, tf_jmp);
    const struct {
        unsigned offset;
        uint32_t value;
    } want[] = {
        {0x0e, (uintptr_t)tf_jmp + 7},
        {0x10, EFLAGS_CF | 2},
        {0x12, 0x1111},
        {0x14, 0x2222},
        {0x16, 0x3333},
        {0x18, 0x4444},
        {0x1a, in.esp},
        {0x1c, 0x5555},
        {0x1e, 0x6666},
        {0x20, 0x7777},
        {0x22, LEGACY_DS},
        {0x24, LEGACY_CS},
        {0x26, LEGACY_DS},
        {0x28, LEGACY_DS},
        {0x2a, 0xdddd},
    };
    unsigned i, wrong = 0;

    set_up();
    memset(tss16, 0xdd, sizeof(tss16));
    gdt[OLD16 / 8] = segment((uintptr_t)tss16, sizeof(tss16) - 1, 0x81);
    in.tr = OLD16;
    in.eflags |= EFLAGS_CF;
    in.eax = 0xaaaa1111;
    in.ecx = 0xaaaa2222;
    in.edx = 0xaaaa3333;
    in.ebx = 0xaaaa4444;
    in.ebp = 0xaaaa5555;
    in.esi = 0xaaaa6666;
    in.edi = 0xaaaa7777;
    legacy_run(&in, &out);
    check_eq(out.tr, NEW, "out of a 16-bit task");
    for (i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
        wrong += tss16[want[i].offset / 2] != (want[i].value & 0xffff);
    }
    check_eq(wrong, 0, "its state, and nothing behind it");
    check_eq(tss16[0x0c / 2], 0xdddd, "nothing before it");
}

/* --- with paging --- */

#define SEEN 0x40000000u

void tf_paged(void), tf_paged_new(void);
uint32_t tf_seen;
__asm__(".text\n.code32\n"
        "tf_paged: mov %edi, %cr3\n"
        "mov %cr4, %eax; and $~0x20, %eax; or $0x10, %eax; mov %eax, %cr4\n"
        "mov %cr0, %eax; or $0x80000000, %eax; mov %eax, %cr0; jmp 1f\n"
        "1: mov 0x40000000, %ebx\n"
        "lcall $0x60, $0\n"
        "mov 0x40000000, %ecx; mov %cr3, %edx; int $0x81\n"
        "tf_paged_new: mov 0x40000000, %eax; mov %eax, tf_seen; iret\n"
        ".code64\n");

/* 64 MiB one to one by 4 MiB pages, and @frame at SEEN. */
static uint32_t make_directory(uint32_t frame)
{
    uint32_t *pd = page_alloc(), n;

    for (n = 0; n < 16; n++) {
        pd[n] = n << 22 | 0x83;
    }
    pd[SEEN >> 22] = frame | 0x83;
    return (uintptr_t)pd;
}

/* CR3 comes from the TSS, and is not saved there. */
static void test_address_spaces(void)
{
    Legacy in = legacy_state(0, tf_paged);

    set_up();
    *(volatile uint32_t *)0x2000000 = 0xaaaa;
    *(volatile uint32_t *)0x2400000 = 0xbbbb;
    in.edi = make_directory(0x2000000);
    legacy_tss.tss.cr3 = in.edi;
    new_task.cr3 = make_directory(0x2400000);
    new_task.eip = (uintptr_t)tf_paged_new;
    legacy_run(&in, &out);
    check_eq(out.vector, 0x81, "tasks with page tables of their own");
    check_eq(out.ebx, 0xaaaa, "before");
    check_eq(tf_seen, 0xbbbb, "in the other task");
    check_eq(out.ecx, 0xaaaa, "back");
    check_eq(out.edx, in.edi, "CR3");
}

/* DR7's local enables, and RF of the saved flags. */
static void test_debug(void)
{
    set_up();
    WRITE_DR(0, 0x1000);
    WRITE_DR(7, 0x400 | 1 | 2ull << 2);
    run(tf_jmp);
    check_eq(READ_DR(7) & 0xff, 2ull << 2, "L0 is cleared, G1 is not");
    WRITE_DR(7, 0x400);
    check_eq(legacy_tss.tss.eip, (uintptr_t)tf_jmp + 7,
             "JMP saves the next EIP");
    set_up();
    run(tf_ud);
    check_eq(legacy_tss.tss.eip, (uintptr_t)tf_ud, "a fault saves its own");
    check_eq(legacy_tss.tss.eflags & EFLAGS_RF, EFLAGS_RF, "and RF");
    check_eq(new_task.link, LEGACY_TSS, "the link");
}

int main(void)
{
    apic_enable();
    test_table();
    test_double();
    test_error_code();
    test_gates();
    test_iret();
    test_vm86_task();
    test_conforming();
    test_debug();
    test_tss16();
    test_address_spaces();
    return 0;
}
