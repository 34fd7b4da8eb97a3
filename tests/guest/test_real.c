/* SPDX-License-Identifier: MIT */
/*
 * Real-address mode: interrupts, 64 KiB limits, instructions that are not
 * there, big segments, wrap of addresses.
 * Source: SDM vol. 3B, chapter 21 "8086 Emulation"; vol. 3A, 6.14; 10.9.2
 * "Switching Back to Real-Address Mode".
 */
#include "guest.h"

#define BLOB 0x7000 /* where the code is copied, segment 700h */

/* What each case leaves: SDM vol. 3B, 21.1.4 "Interrupt and Exception
 * Handling".  ip is relative to the instruction. */
typedef struct Result {
    uint16_t vector, ip, flags, pushed;
} Result;

/*
 * "case INSN" runs one instruction and stores a Result; vector FFFFh says that
 * it went through.  Variables are in the code itself, found by CS.
 */
__asm__(
    ".text\n"
    ".macro case insn:vararg\n"
    "movw $after\\@ - real_blob, %cs:(v_recover - real_blob)\n"
    "movw %sp, %cs:(v_sp - real_blob)\n"
    "movw %ss, %cs:(v_ss - real_blob)\n"
    "movw $at\\@ - real_blob, %cs:(v_at - real_blob)\n"
    "at\\@: \\insn\n"
    "push $-1\n"
    "jmp stored\n"
    "after\\@:\n"
    ".endm\n"

    ".code16\n"
    ".align 16\n"
    ".globl real_blob, real_end, real_results\n"
    "real_blob:\n"
    "jmp real_start\n"
    ".align 8\n"
    "v_recover: .word 0\n"
    "v_sp: .word 0\n"
    "v_ss: .word 0\n"
    "v_at: .word 0\n"
    "v_next: .word real_results - real_blob\n"
    "v_idt: .word 0x3ff; .long 0x4000\n"
    "v_idt_short: .word 0x7f; .long 0x4000\n"
    "v_bound: .word 5, 10\n"

    /* Vector on the stack, above it IP, CS, FLAGS. */
    "stored: cld\n"
    "mov %sp, %bp\n"
    "mov %cs:(v_next - real_blob), %di\n"
    "mov %ss:(%bp), %ax; mov %ax, %cs:(%di)\n"
    "mov %ss:2(%bp), %ax; sub %cs:(v_at - real_blob), %ax\n"
    "mov %ax, %cs:2(%di)\n"
    "mov %ss:6(%bp), %ax; mov %ax, %cs:4(%di)\n"
    "mov %cs:(v_sp - real_blob), %ax; sub %bp, %ax; sub $2, %ax\n"
    "mov %ax, %cs:6(%di)\n"
    "addw $8, %cs:(v_next - real_blob)\n"
    "mov %cs:(v_ss - real_blob), %ss\n"
    "mov %cs:(v_sp - real_blob), %sp\n"
    "xor %ax, %ax; mov %ax, %ds; mov %ax, %es\n"
    "jmp *%cs:(v_recover - real_blob)\n"
    ".align 8\n"
    "real_vectors: .set n, 0\n"
    ".rept 64\n"
    ".align 8\n"
    "push $n\n"
    "jmp stored\n"
    ".set n, n + 1\n"
    ".endr\n"
    "int_returns: iret\n"

    "real_start:\n"
    "lidtw %cs:(v_idt - real_blob)\n"
    "xor %ax, %ax; mov %ax, %ds; mov %ax, %es\n"
    "case int $0x20\n" /* 0 */
    "stc\n"
    "case int $0x3f\n" /* goes through: IRET */
    "xor %cx, %cx; mov $1, %ax; xor %dx, %dx\n"
    "case div %cx\n"
    "case ud2\n"
    "case int3\n"
    "mov $0x7f, %al; add $1, %al\n"
    "case into\n" /* 5 */
    "mov $4, %ax\n"
    "case bound %ax, %cs:(v_bound - real_blob)\n"
    "mov $10, %ax\n"
    "case bound %ax, %cs:(v_bound - real_blob)\n"
    "mov $0xffff, %bx\n"
    "case mov (%bx), %al\n"
    "case mov (%bx), %ax\n"
    "case mov %eax, -2(%bx)\n"
    "mov $0x10000, %ebx\n"
    "case addr32 mov (%ebx), %al\n"
    "mov $0xffff, %si; mov $0x5000, %di\n"
    "case movsw\n"
    "mov $0xffff, %sp\n"
    "case pop %ax\n"
    "mov $0x5ffc, %sp\n" /* where the way back is */
    "case lldt %ax\n"
    "case ltr %ax\n"
    "case lar %ax, %bx\n"
    "case lsl %ax, %bx\n"
    "case verr %ax\n"
    "case .byte 0x63, 0xc0\n" /* ARPL */
    "case sysenter\n" /* CS MSR is null */
    "case smsw %ax\n"
    "case .byte 0xf0, 0x40\n" /* LOCK INC AX */
    "lidtw %cs:(v_idt_short - real_blob)\n"
    "case int $0x20\n" /* past the limit: #GP */
    "lidtw %cs:(v_idt - real_blob)\n"
    /* FFFF:0010 is 1 MiB, with A20 on. */
    "mov $0xffff, %ax; mov %ax, %es\n"
    "mov %es:0x10, %eax; mov %eax, %cs:(real_values - real_blob)\n"
    /* BX+SI wraps within the segment. */
    "mov $0xffff, %bx; mov $0x4002, %si\n"
    "mov (%bx,%si), %ax; mov %ax, %cs:(real_values - real_blob + 4)\n"
    /* A far call and return, 32-bit operands, ENTER and LEAVE. */
    "mov %sp, %cx\n"
    "lcallw $0x700, $far_routine - real_blob\n"
    "pushl $0x12345678; pop %ax; pop %dx\n"
    "enter $8, $0; leave\n"
    "sub %sp, %cx; mov %cx, %cs:(real_values - real_blob + 6)\n"
    "mov %dx, %cs:(real_values - real_blob + 8)\n"
    "pushf; pop %ax; mov %ax, %cs:(real_values - real_blob + 10)\n"
    /* Segments keep the limit they had in protected mode. */
    "mov %cr0, %eax; or $1, %al; mov %eax, %cr0\n"
    "mov $0x20, %bx; mov %bx, %ds\n"
    "and $~1, %al; mov %eax, %cr0\n"
    "xor %ax, %ax; mov %ax, %ds\n"
    "mov $0x100000, %ebx\n"
    "case addr32 mov (%ebx), %eax\n" /* 24: big segment */
    "case .byte 0x0f, 0x24, 0xd8\n" /* MOV from and to a test register */
    "case .byte 0x0f, 0x26, 0xd8\n"
    /* A stack of 32 bits stays one: its pointer is ESP. */
    "mov %esp, %ecx\n"
    "mov %cr0, %eax; or $1, %al; mov %eax, %cr0\n"
    "mov $0x20, %bx; mov %bx, %ss; mov $0x2000010, %esp\n"
    "and $~1, %al; mov %eax, %cr0\n"
    "pushl $0x1badcafe; push %bx; call 1f\n"
    "1: mov %esp, %edx; pop %bx; pop %bx; popl %esi\n"
    "mov %esp, %edi\n"
    "mov %cr0, %eax; or $1, %al; mov %eax, %cr0\n"
    "mov $0x60, %bx; mov %bx, %ss; mov %ecx, %esp\n"
    "and $~1, %al; mov %eax, %cr0\n"
    "xor %ax, %ax; mov %ax, %ss\n"
    "mov %edx, %cs:(real_values - real_blob + 12)\n"
    "mov %esi, %cs:(real_values - real_blob + 16)\n"
    "mov %edi, %cs:(real_values - real_blob + 20)\n"
    "lretw\n"
    "far_routine: lretw\n"
    ".align 8\n"
    "real_values: .skip 32\n"
    "real_results: .skip 8 * 40\n"
    "real_end:\n"

    /* From 32-bit protected mode through 16-bit segments, and back. */
    ".code32\n"
    "to_real: mov %esp, saved_esp\n"
    "ljmp $0x58, $1f - to_real\n"
    ".code16\n"
    "1: mov $0x60, %ax; mov %ax, %ds; mov %ax, %es; mov %ax, %ss\n"
    "mov %ax, %fs; mov %ax, %gs\n"
    "mov %cr0, %eax; and $~1, %al; mov %eax, %cr0\n"
    "ljmpw $0, $0x6800\n"
    /* This part runs at 0:6800h. */
    "real_low: xor %ax, %ax; mov %ax, %ss; mov $0x6000, %sp\n"
    "lcallw $0x700, $0\n"
    "cli; xor %ax, %ax; mov %ax, %ds\n"
    "mov %cr0, %eax; or $1, %al; mov %eax, %cr0\n"
    "ljmpl $0x18, $real_back\n"
    "real_low_end:\n"
    ".code32\n"
    "real_back: mov $0x20, %eax; mov %eax, %ds; mov %eax, %es\n"
    "mov %eax, %ss; mov saved_esp, %esp; ret\n"
    ".code64\n");
extern char real_blob[], real_end[], real_vectors[], int_returns[], to_real[],
    real_low[], real_low_end[], real_results[], real_values[];
uint32_t saved_esp;

typedef struct Want {
    const char *what;
    uint16_t vector, ip;
} Want;

#define NONE 0xffff

static const Want wants[] = {
    {"INT", 0x20, 2},
    {"INT and IRET", NONE, 0},
    {"DIV by zero", 0, 0},
    {"UD2", 6, 0},
    {"INT3", 3, 1},
    {"INTO", 4, 1},
    {"BOUND below", 5, 0},
    {"BOUND within", NONE, 0},
    {"byte at FFFFh", NONE, 0},
    {"word at FFFFh", 13, 0},
    {"write of a long at FFFDh", 13, 0},
    {"offset 10000h", 13, 0},
    {"MOVSW at FFFFh", 13, 0},
    {"POP with SP FFFFh", 12, 0},
    {"LLDT", 6, 0},
    {"LTR", 6, 0},
    {"LAR", 6, 0},
    {"LSL", 6, 0},
    {"VERR", 6, 0},
    {"ARPL", 6, 0},
    {"SYSENTER", 13, 0},
    {"SMSW", NONE, 0},
    {"LOCK of a register", 6, 0},
    {"INT past the limit of the table", 13, 0},
    {"4 GiB segment", NONE, 0},
    {"MOV from a test register", 6, 0},
    {"MOV to a test register", 6, 0},
};

static void check_results(const uint8_t *blob)
{
    const Result *r = (const Result *)(blob + (real_results - real_blob));
    unsigned i;

    for (i = 0; i < sizeof(wants) / sizeof(wants[0]); i++) {
        check_eq(r[i].vector, wants[i].vector, "%s", wants[i].what);
        if (wants[i].vector != NONE) {
            check_eq(r[i].ip, wants[i].ip, "%s: saved IP", wants[i].what);
        }
    }
    check_eq(r[0].pushed, 6, "an interrupt pushes three words");
    check_eq(r[3].pushed, 6, "an exception too");
    check_eq(r[0].flags & 0xfc2a, 2, "flags on the stack");
}

static void check_values(const uint8_t *blob)
{
    const uint8_t *v = blob + (real_values - real_blob);

    check_eq(*(uint32_t *)v, *(uint32_t *)0x100000, "FFFF:0010 is 1 MiB");
    check_eq(*(uint16_t *)(v + 4), *(uint16_t *)0x4001, "BX+SI wraps");
    check_eq(*(uint16_t *)(v + 6), 0, "the stack is balanced");
    check_eq(*(uint16_t *)(v + 8), 0x1234, "PUSH of 32 bits");
    check_eq(*(uint16_t *)(v + 10) & 0xf000, 0, "flags 15:12");
    check_eq(*(uint32_t *)(v + 12), 0x2000008, "a 32-bit stack: ESP counts");
    check_eq(*(uint32_t *)(v + 16), 0x1badcafe, "a 32-bit stack: POP");
    check_eq(*(uint32_t *)(v + 20), 0x2000010, "a 32-bit stack: balanced");
    check_eq(*(uint32_t *)0x200000c, 0x1badcafe, "it was far up");
}

int main(void)
{
    uint16_t *ivt = (uint16_t *)0x4000;
    unsigned i;

    for (i = 0; i < 64; i++) {
        ivt[2 * i] = real_vectors - real_blob + 8 * i;
        ivt[2 * i + 1] = BLOB / 16;
    }
    ivt[2 * 0x3f] = int_returns - real_blob;
    memcpy((void *)BLOB, real_blob, real_end - real_blob);
    memcpy((void *)0x6800, real_low, real_low_end - real_low);
    /* 58: 16-bit code that starts at to_real; 60: data, 64 KiB. */
    gdt[0x58 / 8] = 0x00009b000000ffff | (uint64_t)(uintptr_t)to_real << 16;
    gdt[0x60 / 8] = 0x000093000000ffff;
    run_protected(to_real);
    check_results((uint8_t *)BLOB);
    check_values((uint8_t *)BLOB);
    return 0;
}
