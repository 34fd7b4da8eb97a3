/* SPDX-License-Identifier: MIT */
#include "legacy.h"

struct LegacyTss legacy_tss;
uint64_t legacy_idt[256];
Legacy lg_in, lg_out;
uint32_t lg_esp, lg_cr4;
struct {
    uint16_t limit;
    uint32_t base;
} __attribute__((packed)) lg_idt_ptr = {sizeof(legacy_idt) - 1, 0};
static uint8_t lg_stack0[4096] __attribute__((aligned(16)));
static uint8_t lg_stack[4096] __attribute__((aligned(16)));

__asm__(
    ".text\n.code32\n"
    ".align 16\n"
    "lg_vectors: .set n, 0\n"
    ".rept 256\n"
    ".align 16\n"
    ".if !((n == 8) || (n >= 10 && n <= 14) || (n == 17))\n"
    "push $0\n"
    ".endif\n"
    "push $n\n"
    "jmp lg_trap\n"
    ".set n, n + 1\n"
    ".endr\n"

    "lg_run: mov %esp, lg_esp\n"
    "lidt lg_idt_ptr\n"
    "mov lg_in+0x48, %eax; ltr %ax\n"
    "mov lg_in+0x4c, %eax; lldt %ax\n"
    "mov %cr4, %eax; mov %eax, lg_cr4\n"
    "or lg_in+0x44, %eax; mov %eax, %cr4\n"
    "mov %cr0, %eax; or lg_in+0x40, %eax; mov %eax, %cr0\n"
    "testl $0x20000, lg_in+0x28; jnz 1f\n"
    "testl $3, lg_in+0x24; jz 2f\n"
    /* to an outer level */
    "push lg_in+0x2c; push lg_in+0x10\n"
    "jmp 3f\n"
    "1: push lg_in+0x3c; push lg_in+0x38; push lg_in+0x30\n"
    "push lg_in+0x34; push lg_in+0x2c; push lg_in+0x10\n"
    "jmp 3f\n"
    /* to the same level: on its stack */
    "2: mov lg_in+0x2c, %ss; mov lg_in+0x10, %esp\n"
    "3: push lg_in+0x28; push lg_in+0x24; push lg_in+0x20\n"
    "mov lg_in+0x04, %ecx; mov lg_in+0x08, %edx; mov lg_in+0x0c, %ebx\n"
    "mov lg_in+0x14, %ebp; mov lg_in+0x18, %esi; mov lg_in+0x1c, %edi\n"
    "testl $0x20000, lg_in+0x28; jnz 4f\n"
    "mov lg_in+0x34, %es; mov lg_in+0x38, %fs; mov lg_in+0x3c, %gs\n"
    "mov lg_in+0x00, %eax; mov lg_in+0x30, %ds\n"
    "iret\n"
    "4: mov lg_in+0x00, %eax; iret\n"

    /* Vector, error code, EIP, CS, EFLAGS[, ESP, SS[, ES, DS, FS, GS]] */
    "lg_trap: push %ds; push %es; push %eax\n"
    "mov $0x20, %eax; mov %eax, %ds; mov %eax, %es\n"
    "pop lg_out+0x00; pop lg_out+0x34; pop lg_out+0x30\n"
    "mov %ecx, lg_out+0x04; mov %edx, lg_out+0x08; mov %ebx, lg_out+0x0c\n"
    "mov %ebp, lg_out+0x14; mov %esi, lg_out+0x18; mov %edi, lg_out+0x1c\n"
    "movl $0, lg_out+0x38; mov %fs, lg_out+0x38\n"
    "movl $0, lg_out+0x3c; mov %gs, lg_out+0x3c\n"
    "pop lg_out+0x50; pop lg_out+0x54\n"
    "mov %esp, lg_out+0x58\n"
    "pop lg_out+0x20; pop lg_out+0x24; pop lg_out+0x28\n"
    "testl $0x20000, lg_out+0x28; jnz 5f\n"
    "testl $3, lg_out+0x24; jnz 6f\n"
    "mov %esp, lg_out+0x10; movl $0, lg_out+0x2c; mov %ss, lg_out+0x2c\n"
    "jmp 7f\n"
    "5: mov 8(%esp), %eax; mov %eax, lg_out+0x34\n"
    "mov 12(%esp), %eax; mov %eax, lg_out+0x30\n"
    "mov 16(%esp), %eax; mov %eax, lg_out+0x38\n"
    "mov 20(%esp), %eax; mov %eax, lg_out+0x3c\n"
    "6: pop lg_out+0x10; pop lg_out+0x2c\n"
    "jmp 7f\n"
    /* by task gate: EAX is the vector, the stack holds the error code */
    "lg_task_trap: clts; mov %eax, lg_out+0x50; pop lg_out+0x54\n"
    "7: mov %cr0, %eax; mov %eax, lg_out+0x40\n"
    "mov %cr4, %eax; mov %eax, lg_out+0x44\n"
    "movl $0, lg_out+0x48; str lg_out+0x48\n"
    "movl $0, lg_out+0x4c; sldt lg_out+0x4c\n"
    "movl $0, lg_out+0x5c; mov %cs, lg_out+0x5c\n"
    "mov %dr6, %eax; mov %eax, lg_out+0x60\n"
    "push $2; popf\n"
    "mov $0x20, %eax; mov %eax, %ss; mov lg_esp, %esp\n"
    "mov %cr0, %eax; and $~0x8005000c, %eax; or $0x10022, %eax; mov %eax, %cr0\n"
    "mov lg_cr4, %eax; mov %eax, %cr4\n"
    /* long mode is not entered with a 16-bit TSS */
    "mov $0xd0, %eax; ltr %ax\n"
    "xor %eax, %eax; lldt %ax; mov %eax, %fs; mov %eax, %gs\n"
    "ret\n"
    ".code64\n");
extern char lg_vectors[], lg_run[], lg_task_trap[];

/* Tasks that catch what no handler could. */
#define CATCHERS  5
#define CATCH_TSS 0xd8u /* their selectors, to the end of the GDT */
#define EXIT_TSS  0xd0u /* of 32 bits, for the way back */
static const uint8_t catch_vector[CATCHERS] = {8, 10, 11, 12, 13};
static Tss32 catch_tss[CATCHERS];
static uint8_t catch_stack[64];

uint64_t segment(uint32_t base, uint32_t limit, uint32_t attr)
{
    return (limit & 0xffff) | (uint64_t)(base & 0xffffff) << 16 |
           (uint64_t)(attr & 0xf0ff) << 40 |
           (uint64_t)(limit >> 16 & 15) << 48 | (uint64_t)(base >> 24) << 56;
}

uint64_t gate(uint32_t offset, uint16_t sel, uint32_t access)
{
    return (offset & 0xffff) | (uint64_t)sel << 16 | (uint64_t)access << 40 |
           (uint64_t)(offset >> 16) << 48;
}

void legacy_gate(unsigned vector, unsigned type, unsigned dpl)
{
    legacy_idt[vector] = gate((uintptr_t)(lg_vectors + 16 * vector), LEGACY_CS,
                              0x80 | dpl << 5 | type);
}

void legacy_task(Tss32 *t, const void *code, void *stack_end)
{
    *t = (Tss32){
        .eip = (uintptr_t)code,
        .eflags = 2,
        .esp = (uintptr_t)stack_end,
        .cs = LEGACY_CS,
        .ss = LEGACY_DS,
        .ds = LEGACY_DS,
        .es = LEGACY_DS,
        .fs = LEGACY_DS,
        .gs = LEGACY_DS,
        .iomap = sizeof(*t),
    };
}

static bool by_task;

/* None is busy. */
static void arm_catchers(void)
{
    unsigned i;

    for (i = 0; i < CATCHERS; i++) {
        Tss32 *t = &catch_tss[i];

        legacy_task(t, lg_task_trap, catch_stack + sizeof(catch_stack));
        t->eax = catch_vector[i];
        gdt[CATCH_TSS / 8 + i] = segment((uintptr_t)t, sizeof(*t) - 1, 0x89);
    }
}

void legacy_catch_by_task(void)
{
    unsigned i;

    for (i = 0; i < CATCHERS; i++) {
        legacy_idt[catch_vector[i]] = gate(0, CATCH_TSS + 8 * i, 0x85);
    }
    by_task = true;
}

void legacy_reset(void)
{
    struct LegacyTss *t = &legacy_tss;
    unsigned i;

    by_task = false;
    for (i = 0; i < 256; i++) {
        legacy_gate(i, 14, 0);
    }
    legacy_gate(USER_EXIT, 14, 3);
    lg_idt_ptr.base = (uintptr_t)legacy_idt;
    memset(t, 0, sizeof(*t));
    t->tss.esp0 = (uintptr_t)(lg_stack0 + sizeof(lg_stack0));
    t->tss.ss0 = LEGACY_DS;
    t->tss.iomap = sizeof(*t);
    for (i = 0; i < LEGACY_SLOTS; i++) {
        gdt[LEGACY_FREE / 8 + i] = 0;
    }
    gdt[LEGACY_TSS / 8] = segment((uintptr_t)t, sizeof(*t) - 1, 0x89);
}

Legacy legacy_state(unsigned cpl, const void *code)
{
    uint32_t data = cpl ? LEGACY_DS3 : LEGACY_DS;

    return (Legacy){
        .esp = (uintptr_t)(lg_stack + sizeof(lg_stack)),
        .eip = (uintptr_t)code,
        .cs = cpl ? LEGACY_CS3 : LEGACY_CS,
        .eflags = 2,
        .ss = data,
        .ds = data,
        .es = data,
        .tr = LEGACY_TSS,
    };
}

void legacy_run(const Legacy *in, Legacy *out)
{
    /* A push of a selector leaves the upper half of its slot as it was. */
    static const uint8_t selectors[] = {
        offsetof(Legacy, cs), offsetof(Legacy, ss),  offsetof(Legacy, ds),
        offsetof(Legacy, es), offsetof(Legacy, fs),  offsetof(Legacy, gs),
        offsetof(Legacy, tr), offsetof(Legacy, ldt),
    };
    unsigned i;

    gdt[in->tr / 8] &= ~(2ull << 40); /* not busy */
    gdt[EXIT_TSS / 8] = segment((uintptr_t)catch_tss, sizeof(Tss32) - 1, 0x89);
    if (by_task) {
        arm_catchers();
    }
    lg_in = *in;
    memset(&lg_out, 0xff, sizeof(lg_out));
    WRITE_DR(6, 0xffff0ff0);
    run_protected(lg_run);
    *out = lg_out;
    if (out->tr != 0xffffffff && out->tr >= CATCH_TSS) {
        out->tr = catch_tss[(out->tr - CATCH_TSS) / 8].link;
    }
    for (i = 0; i < sizeof(selectors) / sizeof(selectors[0]); i++) {
        *(uint32_t *)((char *)out + selectors[i]) &= 0xffff;
    }
}

void legacy_expect(const char *what, const Legacy *out, uint32_t vector,
                   uint32_t error)
{
    check_eq(out->vector, vector, "%s: vector", what);
    if (vector == 8 || (vector >= 10 && vector <= 14) || vector == 17) {
        check_eq(out->error, error, "%s: error code", what);
    }
}
