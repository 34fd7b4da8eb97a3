/* SPDX-License-Identifier: MIT */
/*
 * Hardware task switches in 32-bit protected mode: by JMP, CALL, task gates,
 * interrupts and IRET, with 32- and 16-bit TSSs, and their faults.
 * Source: SDM vol. 3A, 8.3 "Task Switching", 8.4 "Task Linking", table 8-1
 * "Exception Conditions Checked During a Task Switch".
 */
#include "guest.h"

/* Selectors; the assembly names them by number. */
#define SEL_A  0x58
#define SEL_B  0x60
#define SEL_G  0x68 /* task gate to B */
#define SEL_16 0x70
#define SEL_C  0x78 /* of the faulty ones */

typedef struct Tss32 {
    uint32_t link, esp0, ss0, esp1, ss1, esp2, ss2, cr3, eip, eflags;
    uint32_t eax, ecx, edx, ebx, esp, ebp, esi, edi;
    uint32_t es, cs, ss, ds, fs, gs, ldt;
    uint16_t trap, iomap;
} Tss32;

typedef struct Tss16 {
    uint16_t link, sp0, ss0, sp1, ss1, sp2, ss2, ip, flags;
    uint16_t ax, cx, dx, bx, sp, bp, si, di, es, cs, ss, ds, ldt;
} __attribute__((packed)) Tss16;

Tss32 tss_a, tss_b, tss_c;
Tss16 tss_16;
static uint32_t stack_b[256];
uint64_t idt32[256];
struct {
    uint16_t limit;
    uint32_t base;
} __attribute__((packed)) idt32_ptr = {sizeof(idt32) - 1, 0};

/* What the code below leaves for the checks; the enum and it agree. */
enum {
    B_EAX,
    B_TR,
    B_FLAGS,
    B_CR0,
    B_DESC_A,
    B_DESC_B,
    B_LINK,
    A_TR = 8,
    A_FLAGS,
    A_DESC_A,
    A_DESC_B,
    A_EBX,
    RESULTS = 16,
};
uint32_t out[8][RESULTS];
uint32_t fault_vector, fault_error, fault_tr, fault_dr6, recover, recover_esp;

__asm__(
    ".text\n.code32\n"
    /* Each vector pushes its number over the error code, if it has one. */
    ".align 16\n"
    "vectors32: .set n, 0\n"
    ".rept 32\n"
    ".align 16\n"
    "push $n\n"
    "jmp 1f\n"
    ".set n, n + 1\n"
    ".endr\n"
    "1: pop fault_vector\n"
    "mov (%esp), %eax; mov %eax, fault_error\n"
    "str %eax; mov %eax, fault_tr\n"
    "mov %dr6, %eax; mov %eax, fault_dr6\n"
    "mov recover_esp, %esp; jmp *recover\n"

    ".macro seen_b i\n"
    "mov %eax, out+\\i*64+0*4\n"
    "str %eax; mov %eax, out+\\i*64+1*4\n"
    "pushf; pop out+\\i*64+2*4\n"
    "mov %cr0, %eax; mov %eax, out+\\i*64+3*4\n"
    "mov gdt+0x58+4, %eax; mov %eax, out+\\i*64+4*4\n"
    "mov gdt+0x60+4, %eax; mov %eax, out+\\i*64+5*4\n"
    "mov tss_b, %eax; mov %eax, out+\\i*64+6*4\n"
    "clts\n"
    ".endm\n"
    ".macro seen_a i\n"
    "str %eax; mov %eax, out+\\i*64+8*4\n"
    "pushf; pop out+\\i*64+9*4\n"
    "mov gdt+0x58+4, %eax; mov %eax, out+\\i*64+10*4\n"
    "mov gdt+0x60+4, %eax; mov %eax, out+\\i*64+11*4\n"
    "mov %ebx, out+\\i*64+12*4\n"
    "clts\n"
    ".endm\n"

    "task_code:\n"
    "lidt idt32_ptr\n"
    "mov $0x58, %eax; ltr %ax\n"
    /* by JMP, and by JMP back */
    "mov $0x1111, %ebx\n"
    "stc\n"
    "ljmp $0x60, $0\n"
    "seen_a 0\n"
    /* by CALL, back by IRET */
    "lcall $0x60, $0\n"
    "seen_a 1\n"
    /* by CALL of a task gate, an interrupt, an exception */
    "lcall $0x68, $0\n"
    "seen_a 2\n"
    "int $0x40\n"
    "seen_a 3\n"
    "mov $0xfff8, %ecx\n" /* #GP(FFF8h) through a task gate */
    "mov %ecx, %ds\n"
    "seen_a 4\n"
    /* a 16-bit TSS */
    "lcall $0x70, $0\n"
    "seen_a 5\n"
    "ret\n"

    /* Task B: one lap after the other. */
    "task_b:\n"
    "seen_b 0\n"
    "ljmp $0x58, $0\n"
    "seen_b 1\n"
    "mov $0xb2, %eax\n"
    "iret\n"
    "seen_b 2\n"
    "iret\n"
    "seen_b 3\n"
    "iret\n"
    "pop out+4*64+7*4\n" /* the error code */
    "seen_b 4\n"
    "addl $2, tss_a+0x20\n" /* go on past the MOV */
    "iret\n"
    "ud2\n"
    "task_16: .code16\n"
    "mov $out+5*64, %ebx\n"
    "str %eax; mov %eax, 4(%ebx)\n"
    "movzwl %sp, %eax; mov %eax, (%ebx)\n"
    "clts\n"
    "iret\n"
    ".code32\n"

    /* One jump to a faulty task, at 78h. */
    "fault_code:\n"
    "lidt idt32_ptr\n"
    "mov $0x58, %eax; ltr %ax\n"
    "movl $1f, recover; mov %esp, recover_esp\n"
    "movl $-1, fault_vector\n"
    "ljmp $0x78, $0\n"
    "1: mov recover_esp, %esp\n"
    "mov $0x20, %eax; mov %eax, %ds; mov %eax, %es; mov %eax, %ss\n"
    "ret\n"
    "self_code:\n"
    "lidt idt32_ptr\n"
    "mov $0x58, %eax; ltr %ax\n"
    "movl $1f, recover; mov %esp, recover_esp\n"
    "movl $-1, fault_vector\n"
    "ljmp $0x58, $0\n"
    "1: ret\n"
    "iret_code:\n"
    "lidt idt32_ptr\n"
    "mov $0x58, %eax; ltr %ax\n"
    "movl $1f, recover; mov %esp, recover_esp\n"
    "movl $-1, fault_vector\n"
    "pushf; orl $0x4000, (%esp); popf; iret\n"
    "1: pushf; andl $~0x4000, (%esp); popf; ret\n"
    "task_c: jmp *recover\n"
    /* Handler of a #TS of the new task, which has no stack to run one on. */
    "task_fault: pop fault_error; movl $10, fault_vector\n"
    "movzwl tss_b, %eax; mov %eax, fault_tr\n"
    "mov recover_esp, %esp; jmp *recover\n"
    ".code64\n");
extern char vectors32[], task_code[], fault_code[], self_code[], iret_code[],
    task_b[], task_16[], task_c[], task_fault[];

static uint64_t tss_descriptor(const void *base, uint32_t limit,
                               uint32_t access)
{
    uint64_t b = (uintptr_t)base;

    return limit | (b & 0xffffff) << 16 | (uint64_t)access << 40 |
           (b >> 24) << 56;
}

static uint64_t gate(const void *to, uint16_t sel, uint32_t access)
{
    uint64_t offset = (uintptr_t)to;

    return (offset & 0xffff) | (uint64_t)sel << 16 | (uint64_t)access << 40 |
           (offset >> 16) << 48;
}

static void task_init(Tss32 *t, const void *eip, uint32_t *stack_top)
{
    memset(t, 0, sizeof(*t));
    t->eip = (uintptr_t)eip;
    t->eflags = 2;
    t->esp = (uintptr_t)stack_top;
    t->cs = 0x18;
    t->ss = t->ds = t->es = t->fs = t->gs = 0x20;
    t->iomap = sizeof(*t);
}

static void set_up(void)
{
    unsigned i;

    for (i = 0; i < 32; i++) {
        idt32[i] = gate(vectors32 + 16 * i, 0x18, 0x8e);
    }
    idt32[0x40] = gate(NULL, SEL_B, 0x85);
    idt32_ptr.base = (uintptr_t)idt32;
    task_init(&tss_a, NULL, NULL);
    task_init(&tss_b, task_b, stack_b + 256);
    task_init(&tss_c, task_c, stack_b + 128);
    tss_b.eax = 0xb0b0b0b0;
    tss_16 = (Tss16){.ip = 0, .flags = 2, .sp = 0x1234, .cs = 0x50,
                     .ss = 0x20, .ds = 0x20, .es = 0x20};
    gdt[SEL_A / 8] = tss_descriptor(&tss_a, sizeof(tss_a) - 1, 0x89);
    gdt[SEL_B / 8] = tss_descriptor(&tss_b, sizeof(tss_b) - 1, 0x89);
    gdt[SEL_G / 8] = gate(NULL, SEL_B, 0x85);
    gdt[SEL_16 / 8] = tss_descriptor(&tss_16, sizeof(tss_16) - 1, 0x81);
    /* A 16-bit code segment that starts at task_16. */
    gdt[0x50 / 8] = tss_descriptor(task_16, 0xffff, 0x9b);
}

/* The busy bit of a descriptor's second word. */
static bool busy(uint32_t word)
{
    return word >> 9 & 1;
}

static void check_lap(unsigned i, const char *how, bool nested)
{
    const uint32_t *o = out[i];

    check_eq(o[B_TR], SEL_B, "%s: TR of the task", how);
    check_eq(o[B_FLAGS] >> 14 & 1, nested, "%s: NT in the task", how);
    check_eq(o[B_CR0] & 8, 8, "%s: CR0.TS is set", how);
    check_eq(busy(o[B_DESC_A]), nested, "%s: the old TSS is busy", how);
    check_eq(busy(o[B_DESC_B]), 1, "%s: the new TSS is busy", how);
    if (nested) {
        check_eq(o[B_LINK] & 0xffff, SEL_A, "%s: link", how);
    }
    check_eq(o[A_TR], SEL_A, "%s: TR after it", how);
    check_eq(o[A_FLAGS] >> 14 & 1, 0, "%s: NT after it", how);
    check_eq(busy(o[A_DESC_A]), 1, "%s: the old TSS after it", how);
    check_eq(busy(o[A_DESC_B]), 0, "%s: the new TSS after it", how);
    check_eq(o[A_EBX], 0x1111, "%s: registers are back", how);
}

static void test_switches(void)
{
    set_up();
    idt32[13] = gate(NULL, SEL_B, 0x85);
    run_protected(task_code);
    check_eq(out[0][B_EAX], 0xb0b0b0b0, "registers come from the TSS");
    check_eq(out[0][A_FLAGS] & 1, 1, "flags are back");
    check_lap(0, "JMP", false);
    check_lap(1, "CALL", true);
    check_lap(2, "task gate", true);
    check_eq(out[2][B_EAX], 0xb2, "a task goes on where it left");
    check_lap(3, "INT", true);
    check_lap(4, "exception", true);
    check_eq(out[4][7], 0xfff8, "exception: error code on the task's stack");
    check_eq(out[5][B_TR], SEL_16, "16-bit TSS: TR");
    check_eq(out[5][B_EAX], 0x1234, "16-bit TSS: SP");
    check_eq(out[5][A_TR], SEL_A, "16-bit TSS: back");
}

/* --- faults --- */

static void expect(const char *what, const char *code, uint32_t vector,
                   uint32_t error, uint32_t tr)
{
    run_protected(code);
    check_eq(fault_vector, vector, "%s: vector", what);
    if (vector >= 10 && vector <= 14) {
        check_eq(fault_error, error, "%s: error code", what);
    }
    check_eq(fault_tr, tr, "%s: TR", what);
}

static void with_segment(const char *what, uint32_t *field, uint32_t sel,
                         uint32_t vector)
{
    set_up();
    *field = sel;
    tss_b.eip = (uintptr_t)task_fault;
    idt32[10] = gate(NULL, SEL_B, 0x85);
    gdt[SEL_C / 8] = tss_descriptor(&tss_c, sizeof(tss_c) - 1, 0x89);
    expect(what, fault_code, vector, sel & ~3u, SEL_C);
}

static void test_faults(void)
{
    set_up();
    expect("JMP to itself", self_code, 13, SEL_A, SEL_A);
    set_up();
    gdt[SEL_C / 8] = tss_descriptor(&tss_c, sizeof(tss_c) - 1, 0x09);
    expect("absent TSS", fault_code, 11, SEL_C, SEL_A);
    set_up();
    gdt[SEL_C / 8] = tss_descriptor(&tss_c, 0x66, 0x89);
    expect("short TSS", fault_code, 10, SEL_C, SEL_A);
    set_up();
    gdt[SEL_C / 8] = gate(NULL, 0x20, 0x85);
    expect("task gate to data", fault_code, 13, 0x20, SEL_A);
    set_up();
    tss_a.link = 0x20;
    expect("IRET with a bad link", iret_code, 10, 0x20, SEL_A);
    set_up();
    tss_a.link = SEL_B;
    expect("IRET to a task that is not busy", iret_code, 10, SEL_B, SEL_A);
    with_segment("data in CS", &tss_c.cs, 0x20, 10);
    with_segment("null CS", &tss_c.cs, 0, 10);
    with_segment("code in SS", &tss_c.ss, 0x18, 10);
    with_segment("SS of DPL 3", &tss_c.ss, USER_SS, 10);
    with_segment("TSS in DS", &tss_c.ds, SEL_A, 10);
    with_segment("GDT's end in FS", &tss_c.fs, 0x1000, 10);
    with_segment("bad LDT", &tss_c.ldt, 0x20, 10);
    set_up();
    tss_c.trap = 1;
    gdt[SEL_C / 8] = tss_descriptor(&tss_c, sizeof(tss_c) - 1, 0x89);
    expect("T flag", fault_code, 1, 0, SEL_C);
    check_eq(fault_dr6 >> 15 & 1, 1, "DR6.BT");
}

int main(void)
{
    test_switches();
    test_faults();
    return 0;
}
