/* SPDX-License-Identifier: MIT */
/*
 * Changes of privilege in long mode: call gates, far returns, interrupt gates,
 * IST stacks, IRETQ, compatibility mode at CPL 3, and the faults of each.
 * Source: SDM vol. 3A, 5.8 "Privilege Checking When Transferring Program
 * Control", 6.14 "Exception and Interrupt Handling in 64-bit Mode"; vol. 2A
 * "IRET", "CALL", "RET".
 */
#include "guest.h"

#define GATE         0x58 /* two slots */
#define NONCANONICAL 0x800000000000ull

static char own_ist[4096] __attribute__((aligned(16)));

static void set_gate(uint16_t sel, const void *to, unsigned type)
{
    uint64_t rip = (uintptr_t)to;

    gdt[GATE / 8] = (rip & 0xffff) | (uint64_t)sel << 16 |
                    (uint64_t)type << 40 | (rip >> 16 & 0xffff) << 48;
    gdt[GATE / 8 + 1] = rip >> 32;
}

/* --- call gates --- */

/* What a call gate's target finds; it goes back by a far return. */
static volatile uint64_t seen[8];
void gate_target(void), gate_target_pops(void);
void user_call_gate(void), user_jmp_gate(void), kernel_call_gate(void *arg);
__asm__(".text\n"
        "gate_target:\n"
        "mov %cs, %eax; mov %rax, seen\n"
        "mov %ss, %eax; mov %rax, seen+8\n"
        "mov %rsp, seen+16\n"
        "mov (%rsp), %rax; mov %rax, seen+24\n"
        "mov 8(%rsp), %rax; mov %rax, seen+32\n"
        "mov 16(%rsp), %rax; mov %rax, seen+40\n"
        "mov 24(%rsp), %rax; mov %rax, seen+48\n"
        "lretq\n"
        "user_call_gate: mov %rsp, %rbx\n"
        "lcall *1f(%rip)\n"
        "gate_return: mov %ss, %eax; sub %rsp, %rbx; ret\n"
        "kernel_call_gate: lcall *1f(%rip); ret\n"
        "user_jmp_gate: ljmp *1f(%rip)\n"
        "1: .long 0; .word 0x58\n");
extern char gate_return[];

static void test_call_gate(void)
{
    Frame f;

    set_gate(0x08, gate_target, 0xec); /* DPL 3, call gate */
    check_eq(catch_user(user_call_gate, 0, &f), -1, "call gate from CPL 3");
    check_eq(seen[0], 0x08, "its CS has RPL 0");
    check_eq(seen[1], 0, "its SS is null");
    check_eq(seen[2], tss.rsp[0] - 32, "its stack is RSP0");
    check_eq(seen[3], (uintptr_t)user_alias(gate_return), "return RIP");
    check_eq(seen[4], USER_CS, "return CS");
    check_eq(seen[6], USER_SS, "return SS");
    check_eq(f.rbx, 0, "the user's stack pointer is back");
    check_eq(f.rax, USER_SS, "the user's SS is back");
    seen[0] = 0;
    check_eq(catch(kernel_call_gate, NULL, &f), -1, "call gate from CPL 0");
    check_eq(seen[0], 0x08, "it was called");
    check_eq(seen[4], 0x08, "same level: CS of the caller");
}

typedef struct GateFault {
    const char *what;
    uint16_t sel;
    uint8_t type;
    int vector;
    uint64_t error;
} GateFault;

static void test_call_gate_faults(void)
{
    static const GateFault rows[] = {
        {"DPL below CPL", 0x08, 0x8c, 13, GATE},
        {"not present", 0x08, 0x6c, 11, GATE},
        {"null code segment", 0x00, 0xec, 13, 0},
        {"data segment", 0x10, 0xec, 13, 0x10},
        {"32-bit code segment", 0x18, 0xec, 13, 0x18},
        {"selector past the table", 0x1000, 0xec, 13, 0x1000},
        {"16-bit call gate", 0x08, 0xe4, 13, GATE},
        {"task gate", 0x08, 0xe5, 13, GATE},
        {"interrupt gate", 0x08, 0xee, 13, GATE},
    };
    unsigned i;
    Frame f;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        set_gate(rows[i].sel, gate_target, rows[i].type);
        check_eq(catch_user(user_call_gate, 0, &f), rows[i].vector,
                 "call gate, %s", rows[i].what);
        check_eq(f.error, rows[i].error, "error code");
    }
    set_gate(0x08, gate_target, 0xec);
    check_eq(catch_user(user_jmp_gate, 0, &f), 13,
             "JMP through a gate to an inner level");
    check_eq(f.error, 0x08, "error code");
    gdt[GATE / 8 + 1] |= 0x8000; /* offset 0x8000'xxxxxxxx */
    check_eq(catch_user(user_call_gate, 0, &f), 13, "non-canonical offset");
    check_eq(f.error, 0, "error code");
    set_gate(0x08, gate_target, 0xec);
    gdt[GATE / 8 + 1] |= 0x100ull << 32;
    check_eq(catch_user(user_call_gate, 0, &f), 13,
             "a type in the upper half of the gate");
    check_eq(f.error, GATE, "error code");
}

/* --- returns to an outer level --- */

/* RDI points to RIP, CS, RFLAGS, RSP, SS. */
void do_iret(void *frame), do_lret(void *frame);
void user_segments(void);
__asm__(".text\n"
        "do_iret: pushq 32(%rdi); pushq 24(%rdi); pushq 16(%rdi)\n"
        "pushq 8(%rdi); pushq (%rdi); iretq\n"
        "do_lret: pushq 32(%rdi); pushq 24(%rdi)\n"
        "pushq 8(%rdi); pushq (%rdi); lretq\n"
        "user_segments: mov %ds, %eax; mov %es, %ebx; mov %fs, %ecx\n"
        "mov %gs, %edx\n"
        "int $0x81\n");

static uint64_t user_frame(uint64_t *frame, const void *to)
{
    static uint64_t stack[64];

    frame[0] = (uintptr_t)user_alias(to);
    frame[1] = USER_CS;
    frame[2] = 2;
    frame[3] = (uintptr_t)user_alias(stack + 60);
    frame[4] = USER_SS;
    return frame[3];
}

/* Both leave no segment in DS to GS that the outer level may not use. */
static void test_outer_segments(void)
{
    static void (*const how[])(void *) = {do_iret, do_lret};
    static const char *const name[] = {"IRETQ", "far RET"};
    uint64_t frame[5];
    unsigned i;
    Frame f;

    for (i = 0; i < 2; i++) {
        user_frame(frame, user_segments);
        __asm__ volatile("mov %w0, %%ds; mov %w1, %%es; mov %w0, %%fs; "
                         "mov %w2, %%gs" ::"r"(0x10),
                         "r"(USER_SS), "r"(3));
        check_eq(catch(how[i], frame, &f), -1, "%s to CPL 3", name[i]);
        check_eq(f.rax, 0, "%s: DS of DPL 0 becomes null", name[i]);
        check_eq(f.rbx, USER_SS, "%s: ES of DPL 3 stays", name[i]);
        check_eq(f.rcx, 0, "%s: FS of DPL 0 becomes null", name[i]);
        check_eq(f.rdx, 0, "%s: null GS loses its RPL", name[i]);
        check_eq(f.rsp, frame[3], "%s: RSP", name[i]);
        check_eq(f.ss, USER_SS, "%s: SS", name[i]);
        __asm__ volatile("mov %w0, %%ds; mov %w0, %%es" ::"r"(0x10));
    }
}

typedef struct ReturnFault {
    const char *what;
    unsigned slot;
    uint64_t value;
    int vector;
    uint64_t error;
} ReturnFault;

static void test_return_faults(void)
{
    static const ReturnFault rows[] = {
        {"non-canonical RIP", 0, NONCANONICAL, 13, 0},
        {"null CS", 1, 0, 13, 0},
        {"null CS with RPL 3", 1, 3, 13, 0},
        {"data segment in CS", 1, USER_SS, 13, USER_SS & ~3},
        {"code of DPL 0 by RPL 3", 1, 0x0b, 13, 0x08},
        {"code of DPL 3 by RPL 0", 1, USER_CS & ~3, 13, USER_CS & ~3},
        {"CS past the table", 1, 0x1003, 13, 0x1000},
        {"null SS", 4, 0, 13, 0},
        {"SS with another RPL", 4, USER_SS & ~3, 13, USER_SS & ~3},
        {"SS of DPL 0", 4, 0x13, 13, 0x10},
        {"code segment in SS", 4, USER_CS, 13, USER_CS & ~3},
    };
    static void (*const how[])(void *) = {do_iret, do_lret};
    static const char *const name[] = {"IRETQ", "far RET"};
    uint64_t frame[5];
    unsigned i, k;
    Frame f;

    for (k = 0; k < 2; k++) {
        for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
            user_frame(frame, user_segments);
            frame[rows[i].slot] = rows[i].value;
            f.error = 0x5555;
            check_eq(catch(how[k], frame, &f), rows[i].vector, "%s, %s",
                     name[k], rows[i].what);
            check_eq(f.error, rows[i].error, "error code");
            check_eq(f.cs, 0x08, "raised at CPL 0");
        }
    }
}

/* --- interrupt gates --- */

void user_int90(void);
__asm__(".text\n"
        "user_int90: int $0x90; ret\n");

static Frame int90;

static void on_int90(Frame *f)
{
    int90 = *f;
}

static void do_int90(void *arg)
{
    (void)arg;
    __asm__ volatile("int $0x90");
}

static void test_interrupt_gates(void)
{
    struct IdtEntry old = idt[0x90];
    Frame f;

    on_vector(0x90, on_int90);
    check_eq(catch_user(user_int90, 0, &f), 13, "INT through a DPL 0 gate");
    check_eq(f.error, 0x90 * 8 + 2, "error code names the gate");
    idt[0x90].type |= 0x60;
    check_eq(catch_user(user_int90, 0, &f), -1, "INT through a DPL 3 gate");
    check_eq(int90.cs, USER_CS, "CS of the user");
    check_eq(int90.ss, USER_SS, "SS of the user");
    idt[0x90].selector = 0x10;
    check_eq(catch(do_int90, NULL, &f), 13, "gate to a data segment");
    check_eq(f.error, 0x10, "error code names the segment");
    idt[0x90].selector = 0x18;
    check_eq(catch(do_int90, NULL, &f), 13, "gate to 32-bit code");
    check_eq(f.error, 0x18, "error code");
    idt[0x90].selector = 0;
    check_eq(catch(do_int90, NULL, &f), 13, "gate to a null segment");
    check_eq(f.error, 0, "error code");
    gdt[GATE / 8] = gdt[1] & ~(1ull << 47);
    idt[0x90].selector = GATE;
    check_eq(catch(do_int90, NULL, &f), 11, "gate to an absent segment");
    check_eq(f.error, GATE, "error code");
    idt[0x90] = old;
    idt[0x90].type = 0x85; /* task gate */
    check_eq(catch(do_int90, NULL, &f), 13, "task gate in long mode");
    check_eq(f.error, 0x90 * 8 + 2, "error code");
    idt[0x90] = old;
}

/* The stack that the handler gets, aligned to 16 always. */
static void test_stacks(void)
{
    uint64_t top = (uintptr_t)own_ist + sizeof(own_ist);

    tss.ist[2] = top - 5;
    idt[0x90].ist = 3;
    idt[0x90].type = 0x8e;
    /* Where it was, by what the handler's stack holds. */
    memset(own_ist, 0, sizeof(own_ist));
    catch(do_int90, NULL, NULL);
    check_eq(*(uint64_t *)(top - 16 - 8), 0x10, "SS at the aligned IST top");
    check_eq(*(uint64_t *)(top - 16 - 32), 0x08, "CS below it");
    check_eq(int90.ss, 0x10, "same level: SS is not null");
    tss.ist[2] = NONCANONICAL;
    check_eq(catch(do_int90, NULL, NULL), 12, "non-canonical IST");
    idt[0x90].ist = 0;
}

/* --- compatibility mode at CPL 3 --- */

void user32(void), user32_high(void);
__asm__(".text\n.code32\n"
        "user32: mov $0x12345678, %eax; push %eax; pop %ebx\n"
        "mov $-1, %ecx; inc %ecx; int $0x81\n"
        "user32_high: mov $0xffffffff, %eax; int $0x90; ret\n"
        ".code64\n");

static void test_compatibility(void)
{
    UserMode mode = {USER_CS32, 0x202};
    Frame f;

    check_eq(catch_user_as(user32, 0, &mode, &f), -1, "32-bit code at CPL 3");
    check_eq(f.cs, USER_CS32, "CS in its frame");
    check_eq(f.rbx, 0x12345678, "PUSH and POP of 32 bits");
    check_eq(f.rcx, 0, "INC wraps at 32 bits");
    check_eq(f.rflags & 0x200, 0x200, "IF was set");
    idt[0x90].type |= 0x60;
    check_eq(catch_user_as(user32_high, 0, &mode, &f), -1,
             "interrupt and return in 32-bit code");
    check_eq(int90.rip >> 32, 0, "RIP of 32 bits");
}

/* --- page faults of returns and calls --- */

#define ABSENT 0x200000000ull

void pf_iret(void), pf_lret(void), pf_ret(void), pf_ret_outer(void *arg);
__asm__(".text\n"
        "pf_iret: movabs $0x200000000, %rsp; iretq\n"
        "pf_lret: movabs $0x200000000, %rsp; lretq\n"
        "pf_ret: movabs $0x200000000, %rsp; ret $8\n"
        /* to CPL 3, onto a stack that is not there, 16 bytes released */
        "pf_ret_outer: movabs $0x200000000, %rcx; push $0x33; push %rcx\n"
        "push $0; push $0; push $0x3b; push %rdi; lretq $16\n"
        "pf_user: mov %rsp, %rax; int $0x81\n"
        "pf_ud: ud2\n");
void pf_ud(void);
extern char pf_user[];

static void expect_pf(const char *what, void (*fn)(void), uint64_t error)
{
    Frame f;

    check_eq(catch((void (*)(void *))fn, NULL, &f), 14, "%s: #PF", what);
    check_eq(f.error, error, "%s: error code", what);
    check_eq(catch_user(fn, 0, &f), 14, "%s at CPL 3: #PF", what);
    check_eq(f.error, error | 4, "%s at CPL 3: error code", what);
    /* In which order a frame is read is the processor's own affair. */
    check(READ_CR(2) - ABSENT < 40, "%s: CR2", what);
}

/* The stack is read with the rights of the level that returns; that of the
 * outer level is not touched. */
static void test_page_faults(void)
{
    uint64_t rsp0 = tss.rsp[0];
    Frame f;

    idt[14].ist = 1;
    expect_pf("IRETQ", pf_iret, 0);
    expect_pf("far RET", pf_lret, 0);
    expect_pf("RET 8", pf_ret, 0);
    idt[14].ist = 0;
    check_eq(catch(pf_ret_outer, user_alias(pf_user), &f), -1,
             "far RET 16 to an absent stack");
    check_eq(f.cs, USER_CS, "is at CPL 3");
    check_eq(f.rax, ABSENT + 16, "and adds to its RSP");
    idt[14].ist = 1;
    tss.rsp[0] = ABSENT + 4096;
    check_eq(catch_user(pf_ud, 0, &f), 14, "an absent inner stack");
    check_eq(f.error, 2, "is written to by the supervisor");
    check_eq(f.cs, USER_CS, "from CPL 3");
    tss.rsp[0] = rsp0;
    idt[14].ist = 0;
}

int main(void)
{
    test_call_gate();
    test_call_gate_faults();
    test_outer_segments();
    test_return_faults();
    test_interrupt_gates();
    test_stacks();
    test_compatibility();
    test_page_faults();
    return 0;
}
