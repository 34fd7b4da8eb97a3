/* SPDX-License-Identifier: MIT */
/*
 * Near branches to addresses that are not canonical: #GP(0) at the branch, and
 * nothing has changed.  Source: SDM vol. 2A "CALL", "JMP", "LOOP"; vol. 2B
 * "RET", Operation.
 */
#include "guest.h"

#define HOLE      0x800000000000ull
#define LAST_PAGE (HOLE - 0x1000)
#define COUNT     5
#define UNTOUCHED 0x5555
#define FLAGS     2
#define FLAG_TF   0x100
#define FLAG_ZF   0x40
#define UD        6
#define GP        13
#define PF        14

static struct {
    uint64_t below, top, above[4];
} stack;
static bool stepping;

/* Go to @insn with RAX = @target, RCX = COUNT and RSP = @rsp. */
typedef struct Start {
    const void *insn;
    uint64_t flags, target;
    void *rsp;
} Start;
void start(void *arg);
__asm__(".text\n"
        "start: mov (%rdi), %rdx; pushq 8(%rdi); mov 16(%rdi), %rax\n"
        "mov 24(%rdi), %rsi; mov $5, %ecx\n"
        "popfq; mov %rsi, %rsp; jmp *%rdx\n"
        "jmp_reg: jmp *%rax\n"
        "jmp_mem: jmp *(%rsp)\n"
        "call_reg: call *%rax\n"
        "call_mem: call *(%rsp)\n"
        "ret_near: ret\n"
        "ret_drop: ret $24\n"
        "good: ud2\n");
extern const char jmp_reg[], jmp_mem[], call_reg[], call_mem[], ret_near[],
    ret_drop[], good[];

static void on_step(Frame *f)
{
    f->rflags |= FLAG_TF;
}

static void expect(const char *what, const void *insn, uint64_t flags)
{
    const char *how = stepping ? ", stepping" : "";
    Start s = {insn, flags | (stepping ? FLAG_TF : 0), HOLE, &stack.top};
    Frame f;

    stack.below = UNTOUCHED;
    stack.top = HOLE;
    f.error = 1;
    check_eq(catch(start, &s, &f), GP, "%s%s: vector", what, how);
    check_eq(f.error, 0, "%s%s: error code", what, how);
    check_eq(f.rip, (uintptr_t)insn, "%s%s: RIP", what, how);
    check_eq(f.rsp, (uintptr_t)&stack.top, "%s%s: RSP", what, how);
    check_eq(f.rcx, COUNT, "%s%s: RCX", what, how);
    check_eq(stack.below, UNTOUCHED, "%s%s: stack", what, how);
}

static void test_indirect(void)
{
    static const struct {
        const char *what, *insn;
    } t[] = {
        {"JMP RAX", jmp_reg},   {"JMP [RSP]", jmp_mem},
        {"CALL RAX", call_reg}, {"CALL [RSP]", call_mem},
        {"RET", ret_near},      {"RET 24", ret_drop},
    };

    for (unsigned i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        expect(t[i].what, t[i].insn, FLAGS);
    }
}

/* The same code has gone to a good place before. */
static void test_warm(void)
{
    Start s = {ret_near, FLAGS, 0, &stack.top};
    Frame f;

    for (unsigned i = 0; i < 100; i++) {
        stack.top = (uintptr_t)good;
        catch(start, &s, &f);
    }
    check_eq(f.rip, (uintptr_t)good, "RET to a good place");
    expect("RET after that", ret_near, FLAGS);
}

/* A CALL whose push faults, too: that is what silicon reports. */
static void test_call_order(void)
{
    Start s = {call_reg, FLAGS, HOLE, (void *)0x7000000000};
    Frame f;

    check_eq(catch(start, &s, &f), PF, "CALL without a stack");
    check_eq(READ_CR(2), 0x7000000000 - 8, "its address");
}

/* Relative branches, from the last page of the lower half. */
static void test_relative(void)
{
    static const struct {
        const char *what;
        uint8_t code[6];
    } t[] = {
        {"JMP rel32", {0xe9, 0, 0, 0, 1}},
        {"CALL rel32", {0xe8, 0, 0, 0, 1}},
        {"JZ rel32", {0x0f, 0x84, 0, 0, 0, 1}},
        {"JMP rel8", {0xeb, 0x70}},
        {"LOOP rel8", {0xe2, 0x70}},
    };
    uint8_t *page = page_alloc();

    page_map(LAST_PAGE, (uintptr_t)page, 3);
    for (unsigned i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        uint8_t *insn = (uint8_t *)LAST_PAGE + 0xfc0 + 8 * i;

        memcpy(insn, t[i].code, sizeof(t[i].code));
        expect(t[i].what, insn, FLAGS | FLAG_ZF);
    }
}

/* Running over the edge is no branch. */
static void test_edge(void)
{
    Start s = {(void *)(HOLE - 1), FLAGS, 0, &stack.top};
    Frame f;

    *(volatile uint8_t *)(HOLE - 1) = 0x90;
    check_eq(catch(start, &s, &f), GP, "past the last byte: vector");
    check_eq(f.rip, HOLE, "past the last byte: RIP");
}

int main(void)
{
    /* `stack` has no room for their frames. */
    idt[1].ist = idt[UD].ist = idt[GP].ist = idt[PF].ist = 1;
    on_vector(1, on_step);
    test_indirect();
    test_warm();
    test_call_order();
    test_relative();
    stepping = true;
    test_indirect();
    test_relative();
    stepping = false;
    test_edge();
    return 0;
}
