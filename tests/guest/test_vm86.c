/* SPDX-License-Identifier: MIT */
/*
 * Virtual-8086 mode: entry by IRET, exit by interrupts and faults, what IOPL
 * guards, 8086 segments and limits, and the virtual interrupt flag.
 * Source: SDM vol. 3B, 21.2 "Virtual-8086 Mode", 21.3 "Interrupt and Exception
 * Handling in Virtual-8086 Mode", table 21-2.
 */
#include "guest.h"

#define SEL_TSS 0x58
#define BLOB    0x7000 /* segment 700h */
#define STACK   0x6000

#define IOPL3 0x3000u
#define IF    0x200u
#define VM    0x20000u
#define VIF   0x80000u
#define CR4_VME 1

/* The TSS, 32 bytes of redirected interrupts, the I/O bitmap. */
struct {
    uint32_t link, esp0, ss0, other[22];
    uint16_t trap, iomap;
    uint8_t redirect[32], io[32], end;
} __attribute__((packed)) vm_tss;
static uint32_t ring0_stack[256];
uint64_t vm_idt[256];
struct {
    uint16_t limit;
    uint32_t base;
} __attribute__((packed)) vm_idt_ptr = {sizeof(vm_idt) - 1, 0};

/* How the run ended: what the handler found. */
struct {
    uint32_t ds_inside, eax, vector, error, eip, cs, eflags, esp, ss, es, ds,
        fs, gs;
} vm_frame;
uint32_t vm_eip, vm_eflags, vm_cr4, vm_esp;

__asm__(
    ".text\n.code32\n"
    ".align 16\n"
    "vm_vectors: .set n, 0\n"
    ".rept 128\n"
    ".align 16\n"
    ".if !((n == 8) || (n >= 10 && n <= 14) || (n == 17))\n"
    "push $0\n"
    ".endif\n"
    "push $n\n"
    "jmp 1f\n"
    ".set n, n + 1\n"
    ".endr\n"
    "1: push %eax; push %ds\n"
    "mov $0x20, %eax; mov %eax, %ds; mov %eax, %es\n"
    "mov %esp, %esi; mov $vm_frame, %edi; mov $13, %ecx; cld; rep movsl\n"
    "mov %cr4, %eax; and $~1, %eax; mov %eax, %cr4\n"
    "mov vm_esp, %esp; ret\n"

    "vm_run: mov %esp, vm_esp\n"
    "lidt vm_idt_ptr\n"
    "mov $0x58, %eax; ltr %ax\n"
    "mov %cr4, %eax; or vm_cr4, %eax; mov %eax, %cr4\n"
    "push $0x4444; push $0x3333; push $0x2222; push $0x1111\n"
    "push $0; push $0x6000\n"
    "push vm_eflags; push $0x700; push vm_eip\n"
    "mov $0x12345678, %eax\n"
    "iret\n"

    /* Each ends with UD2, if it gets there. */
    ".macro vm name insn:vararg\n"
    "\\name: \\insn\n"
    "ud2\n"
    ".endm\n"
    ".code16\n"
    "vm_blob:\n"
    "vm vm_nop nop\n"
    "vm vm_cli cli\n"
    "vm vm_sti sti\n"
    "vm vm_pushf pushf\n"
    "vm vm_popf popf\n"
    "vm vm_int int $0x40\n"
    "vm vm_int3 int3\n"
    "vm vm_hlt hlt\n"
    "vm vm_in inb $0x80, %al\n"
    "vm vm_cr0 mov %cr0, %eax\n"
    "vm vm_lldt lldt %ax\n"
    "vm vm_lar lar %ax, %ax\n"
    "vm vm_arpl .byte 0x63, 0xc0\n"
    "vm_load_ds: mov $0x1234, %ax; mov %ax, %ds; ud2\n"
    "vm_limit: mov $0xffff, %bx; mov %cs:(%bx), %ax; ud2\n"
    "vm_stack: mov $0xffff, %bp; mov (%bp), %ax; ud2\n"
    "vm_far: lcall $0x701, $vm_there - vm_blob - 16; ud2\n"
    "vm_there: mov %cs, %ax; lret\n"
    "vm_iret: push $0; push $0x700; push $vm_nop - vm_blob; iret\n"
    "vm_pop_flags: pushf; pop %ax; push $0x7202; popf; ud2\n"
    "vm_sti_pushf: sti; pushf; pop %ax; cli; ud2\n"
    "vm_redirected: mov $0x77, %al; iret\n"
    "vm_blob_end:\n"
    ".code64\n");
extern char vm_vectors[], vm_run[], vm_blob[], vm_blob_end[], vm_nop[],
    vm_cli[], vm_sti[], vm_pushf[], vm_popf[], vm_int[], vm_int3[], vm_hlt[],
    vm_in[], vm_cr0[], vm_lldt[], vm_lar[], vm_arpl[], vm_load_ds[],
    vm_limit[], vm_stack[], vm_far[], vm_iret[], vm_pop_flags[],
    vm_sti_pushf[], vm_redirected[];

static void set_up(void)
{
    uint64_t base = (uintptr_t)&vm_tss;
    unsigned i;

    for (i = 0; i < 128; i++) {
        uint64_t to = (uintptr_t)(vm_vectors + 16 * i);

        vm_idt[i] = (to & 0xffff) | 0x18 << 16 | 0x8eull << 40 |
                    (to >> 16) << 48;
    }
    vm_idt[3] |= 3ull << 45;
    vm_idt_ptr.base = (uintptr_t)vm_idt;
    vm_tss.esp0 = (uintptr_t)(ring0_stack + 256);
    vm_tss.ss0 = 0x20;
    vm_tss.iomap = 104 + 32;
    memset(vm_tss.redirect, 0xff, 32);
    vm_tss.end = 0xff;
    gdt[SEL_TSS / 8] = (sizeof(vm_tss) - 1) | (base & 0xffffff) << 16 |
                       0x89ull << 40 | (base >> 24) << 56;
}

static void run(const char *code, uint32_t eflags, uint32_t cr4)
{
    gdt[SEL_TSS / 8] &= ~(2ull << 40);
    vm_eip = code - vm_blob;
    vm_eflags = VM | 2 | eflags;
    vm_cr4 = cr4;
    memset(&vm_frame, 0xff, sizeof(vm_frame));
    run_protected(vm_run);
}

/* @ip: of the instruction that ends it, from its start. */
static void expect(const char *what, const char *code, uint32_t eflags,
                   uint32_t vector, uint32_t error, uint32_t ip)
{
    run(code, eflags, 0);
    check_eq(vm_frame.vector, vector, "%s: vector", what);
    check_eq(vm_frame.error, error, "%s: error code", what);
    check_eq(vm_frame.eip, code - vm_blob + ip, "%s: EIP", what);
}

static void test_frame(void)
{
    run(vm_nop, IF, 0);
    check_eq(vm_frame.vector, 6, "exit by a fault");
    check_eq(vm_frame.eip, vm_nop - vm_blob + 1, "EIP");
    check_eq(vm_frame.cs, 0x700, "CS");
    check_eq(vm_frame.eflags & ~0x10000u, VM | IF | 2, "EFLAGS");
    check_eq(vm_frame.esp, STACK, "ESP");
    check_eq(vm_frame.ss, 0, "SS");
    check_eq(vm_frame.es, 0x1111, "ES");
    check_eq(vm_frame.ds, 0x2222, "DS");
    check_eq(vm_frame.fs, 0x3333, "FS");
    check_eq(vm_frame.gs, 0x4444, "GS");
    check_eq(vm_frame.ds_inside & 0xffff, 0, "DS is null in the handler");
    check_eq(vm_frame.eax, 0x12345678, "EAX is kept");
}

/* SDM vol. 3B, 21.2.7 "Sensitive Instructions". */
static void test_sensitive(void)
{
    expect("CLI, IOPL 0", vm_cli, 0, 13, 0, 0);
    expect("STI, IOPL 0", vm_sti, 0, 13, 0, 0);
    expect("PUSHF, IOPL 0", vm_pushf, 0, 13, 0, 0);
    expect("POPF, IOPL 0", vm_popf, 0, 13, 0, 0);
    expect("INT, IOPL 0", vm_int, 0, 13, 0, 0);
    expect("IRET, IOPL 0", vm_iret + 8, 0, 13, 0, 0);
    expect("INT3, IOPL 0", vm_int3, 0, 3, 0, 1);
    expect("CLI, IOPL 3", vm_cli, IOPL3 | IF, 6, 0, 1);
    check_eq(vm_frame.eflags & IF, 0, "it cleared IF");
    expect("STI, IOPL 3", vm_sti, IOPL3, 6, 0, 1);
    check_eq(vm_frame.eflags & IF, IF, "it set IF");
    expect("PUSHF, IOPL 3", vm_pushf, IOPL3, 6, 0, 1);
    check_eq(vm_frame.esp, STACK - 2, "it pushed a word");
    expect("INT, IOPL 3, gate of DPL 0", vm_int, IOPL3, 13, 0x40 * 8 + 2, 0);
    vm_idt[0x40] |= 3ull << 45;
    expect("INT, IOPL 3, gate of DPL 3", vm_int, IOPL3, 0x40, 0, 2);
    run(vm_iret, IOPL3, 0);
    check_eq(vm_frame.vector, 6, "IRET, IOPL 3: vector");
    check_eq(vm_frame.eip, vm_nop - vm_blob + 1, "IRET, IOPL 3: EIP");
    check_eq(vm_frame.eflags & (VM | IOPL3), VM | IOPL3,
             "IRET leaves VM and IOPL");
    run(vm_pop_flags, IOPL3, 0);
    check_eq(vm_frame.eflags & 0x27200, VM | 0x7200, "POPF sets NT and IF");
}

static void test_others(void)
{
    expect("HLT", vm_hlt, IOPL3, 13, 0, 0);
    expect("MOV CR0", vm_cr0, IOPL3, 13, 0, 0);
    expect("LLDT", vm_lldt, IOPL3, 6, 0, 0);
    expect("LAR", vm_lar, IOPL3, 6, 0, 0);
    expect("ARPL", vm_arpl, IOPL3, 6, 0, 0);
    expect("word at FFFFh", vm_limit, 0, 13, 0, 3);
    expect("word at FFFFh of the stack", vm_stack, 0, 12, 0, 3);
    expect("IN, its bit clear", vm_in, 0, 6, 0, 2);
    vm_tss.io[0x80 / 8] = 1;
    expect("IN, its bit set, IOPL 3", vm_in, IOPL3, 13, 0, 0);
    run(vm_load_ds, 0, 0);
    check_eq(vm_frame.ds, 0x1234, "any value goes into DS");
    run(vm_far, 0, 0);
    check_eq(vm_frame.eax & 0xffff, 0x701, "far CALL");
    check_eq(vm_frame.cs, 0x700, "far RET");
    check_eq(vm_frame.esp, STACK, "far RET: SP");
}

static void test_vme(void)
{
    uint16_t *ivt = (uint16_t *)0;

    __asm__ volatile("" : "+r"(ivt));
    if (!(cpuid(1, 0).d & 2)) {
        return;
    }
    run(vm_sti_pushf, 0, CR4_VME);
    check_eq(vm_frame.vector, 6, "VME: STI, PUSHF and CLI at IOPL 0");
    check_eq(vm_frame.eax & 0x3200, 0x3200, "VME: PUSHF shows VIF as IF");
    check_eq(vm_frame.eflags & (VIF | IF), 0, "VME: CLI cleared VIF");
    run(vm_sti, 0, CR4_VME);
    check_eq(vm_frame.eflags & (VIF | IF), VIF, "VME: STI sets VIF");
    ivt[2 * 0x40] = vm_redirected - vm_blob;
    ivt[2 * 0x40 + 1] = BLOB / 16;
    vm_tss.redirect[0x40 / 8] = 0xfe;
    run(vm_int, 0, CR4_VME);
    check_eq(vm_frame.vector, 6, "VME: INT through the 8086 table");
    check_eq(vm_frame.eax & 0xff, 0x77, "VME: its handler ran");
    check_eq(vm_frame.eip, vm_int - vm_blob + 2, "VME: and came back");
    vm_tss.redirect[0x40 / 8] = 0xff;
    run(vm_int, 0, CR4_VME);
    check_eq(vm_frame.vector, 13, "VME: INT not redirected, IOPL 0");
}

int main(void)
{
    memcpy((void *)BLOB, vm_blob, vm_blob_end - vm_blob);
    set_up();
    test_frame();
    test_sensitive();
    test_others();
    test_vme();
    return 0;
}
