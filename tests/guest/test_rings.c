/* SPDX-License-Identifier: MIT */
/*
 * Changes of privilege in 32-bit protected mode: call gates of both sizes with
 * parameters, far returns, interrupt and trap gates, IRET, stacks of 16 bits;
 * the faults of each; LAR and LSL.  test_gates.c has long mode.
 * Source: SDM vol. 3A, 5.8 "Privilege Checking When Transferring Program
 * Control Between Code Segments", 6.12 "Exception and Interrupt Handling"; vol.
 * 2A "CALL", "INT n", "IRET", "LAR", "LSL"; vol. 2B "RET".
 */
#include "legacy.h"

#define GATE  0x60u /* what the code below names */
#define CODE  0x68u /* of the inner level */
#define STACK 0x70u
#define OTHER 0x78u

#define GP 13
#define TS 10
#define NP 11
#define SS 12

/* Attributes: DPL to be added, shifted by 5. */
#define A_DATA   0xc093u
#define A_DATA16 0x0093u
#define A_CODE   0xc09bu
#define A_CONF   0xc09fu
#define A_TSS    0x0089u
#define DPL(n)   ((n) << 5)

void r_call(void), r_jmp(void), r_call3(void), r_inner(void), r_int90(void),
    r_inner_ret(void), r_inner_ret8(void), r_retf(void), r_iret(void),
    r_iretw(void), r_nop(void), r_lar(void), r_lsl(void), r_verr(void),
    r_push16(void), r_ret8(void), r_enter16(void), r_call_conf(void);
extern char r_after[], r_ret_target[];
__asm__(".text\n.code32\n"
        "r_call: pushl $0x33333333; pushl $0x22222222; pushl $0x11111111\n"
        "lcall $0x60, $0xf4f4f4f4\n"
        "r_after: int $0x81\n"
        "r_call3: lcall $0x63, $0\n"
        "int $0x81\n"
        "r_jmp: ljmp $0x60, $0\n"
        "r_inner: int $0x81\n"
        "r_inner_ret: lret\n"
        "r_inner_ret8: lret $8\n"
        "r_int90: int $0x90\n"
        "int $0x81\n"
        "r_retf: lret\n"
        "r_iret: iret\n"
        "r_iretw: iretw\n"
        "r_nop: int $0x81\n"
        "r_lar: xor %eax, %eax; lar %cx, %eax; setz %dl; int $0x81\n"
        "r_lsl: xor %eax, %eax; lsl %cx, %eax; setz %dl; int $0x81\n"
        "r_verr: xor %eax, %eax; verr %cx; setz %al; verw %cx; setz %dl\n"
        "int $0x81\n"
        "r_push16: pushl $0x12345678; popl %eax; int $0x81\n"
        "r_ret8: ret $8\n"
        "r_ret_target: int $0x81\n"
        "r_enter16: enter $16, $0; leave; int $0x81\n"
        "r_call_conf: lcall $0x68, $0; int $0x81\n"
        ".code64\n");

static uint8_t stack1[256] __attribute__((aligned(16))); /* of ring 1 */
static Legacy out;

static uint32_t word(uint32_t at, unsigned n)
{
    return ((uint32_t *)(uintptr_t)at)[n];
}

/* A gate at GATE to r_inner in a segment of ring 1, with a stack there. */
static void set_up(uint32_t type, unsigned params)
{
    legacy_reset();
    gdt[GATE / 8] = gate((uintptr_t)r_inner, CODE | 1, 0x80 | DPL(3) | type) |
                    (uint64_t)params << 32;
    gdt[CODE / 8] = segment(0, 0xfffff, A_CODE | DPL(1));
    gdt[STACK / 8] = segment(0, 0xfffff, A_DATA | DPL(1));
    legacy_tss.tss.esp1 = (uintptr_t)(stack1 + sizeof(stack1));
    legacy_tss.tss.ss1 = STACK | 1;
}

static void run(unsigned cpl, void (*code)(void))
{
    Legacy in = legacy_state(cpl, code);

    legacy_run(&in, &out);
}

/* --- call gates --- */

static void test_call_gates(void)
{
    uint32_t top = (uintptr_t)(stack1 + sizeof(stack1)), esp;
    Legacy in = legacy_state(3, r_call);

    set_up(12, 3);
    legacy_run(&in, &out);
    esp = in.esp - 12;
    check_eq(out.vector, 0x81, "32-bit gate");
    check_eq(out.cs, CODE | 1, "CS has the RPL of the new level");
    check_eq(out.ss, STACK | 1, "SS is from the TSS");
    check_eq(out.esp, top - 28, "seven words on the new stack");
    check_eq(word(out.esp, 0), (uintptr_t)r_after, "EIP");
    check_eq(word(out.esp, 1) & 0xffff, LEGACY_CS3, "CS");
    check(word(out.esp, 2) == 0x11111111 && word(out.esp, 3) == 0x22222222 &&
              word(out.esp, 4) == 0x33333333,
          "three parameters in their order");
    check_eq(word(out.esp, 5), esp, "ESP");
    check_eq(word(out.esp, 6) & 0xffff, LEGACY_DS3, "SS");
    set_up(4, 2); /* words of the caller's stack: of two doublewords */
    gdt[CODE / 8] =
        segment((uintptr_t)r_inner & ~0xffffu, 0xfffff, A_CODE | DPL(1));
    legacy_run(&in, &out);
    check_eq(out.vector, 0x81, "16-bit gate");
    check_eq(out.esp, top - 12, "six halves on the new stack");
    check_eq(word(out.esp, 0), ((uintptr_t)r_after & 0xffff) | LEGACY_CS3 << 16,
             "IP and CS");
    check_eq(word(out.esp, 1), 0x11111111, "two parameters");
    check_eq(word(out.esp, 2), (esp & 0xffff) | LEGACY_DS3 << 16, "SP and SS");
    set_up(12, 3);
    gdt[CODE / 8] = segment(0, 0xfffff, A_CONF | DPL(0));
    legacy_run(&in, &out);
    check_eq(out.vector, 0x81, "to conforming code");
    check_eq(out.cs & 3, 3, "the level stays");
    check_eq(out.esp, esp - 8, "and the stack, with CS and EIP");
    run(3, r_jmp);
    check_eq(out.vector, 0x81, "JMP to conforming code");
}

static void expect_gate(const char *what, uint32_t vector, uint32_t error)
{
    run(3, r_call);
    legacy_expect(what, &out, vector, error);
    check_eq(out.cs, LEGACY_CS3, "%s: still at CPL 3", what);
}

static void test_gate_faults(void)
{
    set_up(12, 0);
    gdt[GATE / 8] &= ~(3ull << 45);
    expect_gate("gate of DPL 0", GP, GATE);
    set_up(12, 0);
    gdt[GATE / 8] &= ~(1ull << 45);
    run(0, r_call3);
    legacy_expect("RPL 3 for a gate of DPL 2", &out, GP, GATE);
    set_up(12, 0);
    gdt[GATE / 8] &= ~(1ull << 47);
    expect_gate("gate not present", NP, GATE);
    set_up(12, 0);
    gdt[GATE / 8] &= ~0xffff0000ull;
    expect_gate("null code", GP, 0);
    set_up(12, 0);
    gdt[CODE / 8] = segment(0, 0xfffff, A_DATA | DPL(1));
    expect_gate("data", GP, CODE);
    set_up(12, 0);
    gdt[CODE / 8] &= ~(1ull << 47);
    expect_gate("code not present", NP, CODE);
    set_up(12, 0);
    gdt[CODE / 8] = segment(0, 0, 0x409b | DPL(1));
    expect_gate("beyond the limit of the code", GP, 0);
    set_up(12, 0);
    run(3, r_jmp);
    legacy_expect("JMP to an inner level", &out, GP, CODE);
}

/* The stack that the TSS names for ring 1. */
static void test_stack_faults(void)
{
    set_up(12, 0);
    legacy_tss.tss.ss1 = 0;
    expect_gate("null stack", TS, 0);
    set_up(12, 0);
    legacy_tss.tss.ss1 = 0x1000;
    expect_gate("stack past the table", TS, 0x1000);
    set_up(12, 0);
    legacy_tss.tss.ss1 = STACK;
    expect_gate("stack of RPL 0", TS, STACK);
    set_up(12, 0);
    gdt[STACK / 8] |= 3ull << 45;
    expect_gate("stack of DPL 3", TS, STACK);
    set_up(12, 0);
    gdt[STACK / 8] &= ~(1ull << 41);
    expect_gate("stack read-only", TS, STACK);
    set_up(12, 0);
    gdt[STACK / 8] &= ~(1ull << 47);
    expect_gate("stack not present", SS, STACK);
    set_up(12, 3);
    gdt[STACK / 8] = segment((uintptr_t)stack1, 0xff, 0x4093 | DPL(1));
    legacy_tss.tss.esp1 = 24;
    expect_gate("no room for seven words", SS, STACK);
    legacy_tss.tss.esp1 = 28;
    run(3, r_call);
    check_eq(out.vector, 0x81, "room for seven words");
    set_up(12, 0);
    gdt[LEGACY_TSS / 8] = segment((uintptr_t)&legacy_tss, 0x10, A_TSS);
    expect_gate("TSS ends before SS1", TS, LEGACY_TSS);
    set_up(12, 0);
    gdt[LEGACY_TSS / 8] = segment((uintptr_t)&legacy_tss, 0x11, A_TSS);
    run(3, r_call);
    check_eq(out.vector, 0x81, "TSS ends behind SS1");
}

/* --- far returns --- */

static void test_returns(void)
{
    Legacy in = legacy_state(3, r_call);

    in.ds = in.es = LEGACY_DS3;
    set_up(12, 3);
    gdt[GATE / 8] = gate((uintptr_t)r_inner_ret, CODE | 1, 0xec) | 3ull << 32;
    legacy_run(&in, &out);
    check_eq(out.vector, GP, "RET finds a parameter where ESP should be");
    set_up(12, 2);
    gdt[GATE / 8] = gate((uintptr_t)r_inner_ret8, CODE | 1, 0xec) | 2ull << 32;
    legacy_run(&in, &out);
    check_eq(out.vector, 0x81, "RET 8 to the outer level");
    check_eq(out.cs, LEGACY_CS3, "CS");
    check_eq(out.eip, (uintptr_t)r_after + 2, "EIP");
    check_eq(out.esp, in.esp - 12 + 8, "both stacks lose the parameters");
}

/* A frame for RET or IRET on the stack of CPL 0. */
static void return_to(void (*how)(void), const uint32_t *words, unsigned n,
                      const Legacy *state)
{
    Legacy in = state ? *state : legacy_state(0, how);

    in.eip = (uintptr_t)how;
    in.esp -= 4 * n;
    memcpy((void *)(uintptr_t)in.esp, words, 4 * n);
    legacy_run(&in, &out);
}

typedef struct Return {
    const char *what;
    uint32_t cs, ss;
    uint32_t vector, error;
} Return;

static void test_return_faults(void)
{
    static const Return rows[] = {
        {"null CS", 0, LEGACY_DS3, GP, 0},
        {"CS past the table", 0x1003, LEGACY_DS3, GP, 0x1000},
        {"data in CS", LEGACY_DS3, LEGACY_DS3, GP, LEGACY_DS3 & ~3u},
        {"CS of DPL 3 with RPL 2", LEGACY_CS3 & ~1u, LEGACY_DS3, GP,
         LEGACY_CS3 & ~3u},
        {"CS not present", OTHER | 3, LEGACY_DS3, NP, OTHER},
        {"null SS", LEGACY_CS3, 0, GP, 0},
        {"SS of RPL 0", LEGACY_CS3, LEGACY_DS3 & ~3u, GP, LEGACY_DS3 & ~3u},
        {"SS of DPL 0", LEGACY_CS3, LEGACY_DS | 3, GP, LEGACY_DS},
        {"code in SS", LEGACY_CS3, LEGACY_CS3, GP, LEGACY_CS3 & ~3u},
        {"SS not present", LEGACY_CS3, STACK | 3, SS, STACK},
        {"conforming CS of DPL 1 with RPL 0", CODE, 0, GP, CODE},
    };
    uint32_t esp = legacy_state(3, NULL).esp - 64;
    unsigned i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const Return *r = &rows[i];
        const uint32_t frame[] = {(uintptr_t)r_nop, r->cs, esp, r->ss};
        const uint32_t iret[] = {(uintptr_t)r_nop, r->cs, 2, esp, r->ss};

        set_up(12, 0);
        gdt[OTHER / 8] = segment(0, 0xfffff, A_CODE | DPL(3)) & ~(1ull << 47);
        gdt[STACK / 8] = segment(0, 0xfffff, A_DATA | DPL(3)) & ~(1ull << 47);
        gdt[CODE / 8] = segment(0, 0xfffff, A_CONF | DPL(1));
        return_to(r_retf, frame, 4, NULL);
        legacy_expect(r->what, &out, r->vector, r->error);
        check_eq(out.eip, (uintptr_t)r_retf, "%s: at the RET", r->what);
        return_to(r_iret, iret, 5, NULL);
        legacy_expect(r->what, &out, r->vector, r->error);
        check_eq(out.eip, (uintptr_t)r_iret, "%s: at the IRET", r->what);
    }
}

/* What the outer level may not have is null; IRET and EFLAGS. */
static void test_iret(void)
{
    uint32_t esp = legacy_state(3, NULL).esp - 64;
    uint32_t frame[] = {(uintptr_t)r_nop, LEGACY_CS3,
                        EFLAGS_IF | EFLAGS_IOPL | EFLAGS_AC | 2, esp,
                        LEGACY_DS3};
    Legacy in = legacy_state(0, r_iret);

    set_up(12, 0);
    gdt[CODE / 8] = segment(0, 0xfffff, A_CONF);
    in.ds = LEGACY_DS;
    in.es = LEGACY_DS3;
    in.fs = CODE;
    in.gs = LEGACY_DS;
    return_to(r_iret, frame, 5, &in);
    check_eq(out.vector, 0x81, "IRET to the outer level");
    check_eq(out.esp, esp, "ESP");
    check_eq(out.eflags & (EFLAGS_IF | EFLAGS_IOPL | EFLAGS_AC),
             EFLAGS_IF | EFLAGS_IOPL | EFLAGS_AC, "CPL 0 loads IOPL and IF");
    check_eq(out.ds, 0, "DS of DPL 0 is null");
    check_eq(out.es, LEGACY_DS3, "ES of DPL 3 stays");
    check_eq(out.fs, CODE, "FS of conforming code stays");
    check_eq(out.gs, 0, "GS of DPL 0 is null");
    in = legacy_state(3, r_iret);
    return_to(r_iret, frame, 5, &in);
    check_eq(out.vector, 0x81, "IRET at CPL 3");
    check_eq(out.esp, in.esp - 8, "to the same level pops three words");
    check_eq(out.eflags & (EFLAGS_IF | EFLAGS_IOPL), 0,
             "CPL 3 loads neither IOPL nor IF");
    in.eflags |= EFLAGS_IOPL;
    frame[2] = EFLAGS_IF | 2;
    return_to(r_iret, frame, 5, &in);
    check_eq(out.eflags & (EFLAGS_IF | EFLAGS_IOPL), EFLAGS_IF | EFLAGS_IOPL,
             "with IOPL 3 it loads IF");
}

/* --- interrupt gates --- */

static void test_interrupts(void)
{
    static const struct {
        const char *what;
        unsigned type, words, bytes;
        bool clears;
    } rows[] = {
        {"32-bit interrupt gate", 14, 5, 4, true},
        {"32-bit trap gate", 15, 5, 4, false},
        {"16-bit interrupt gate", 6, 5, 2, true},
        {"16-bit trap gate", 7, 5, 2, false},
    };
    uint32_t top;
    unsigned i;

    for (i = 0; i < 4; i++) {
        Legacy in = legacy_state(3, r_int90);
        uint32_t base = (uintptr_t)r_inner & ~0xffffu;

        set_up(12, 0);
        top = legacy_tss.tss.esp0;
        gdt[CODE / 8] = segment(base, 0xfffff, A_CODE);
        legacy_idt[0x90] =
            gate((uintptr_t)r_inner - base, CODE, 0xe0 | rows[i].type);
        in.eflags |= EFLAGS_IF | EFLAGS_NT;
        legacy_run(&in, &out);
        check_eq(out.vector, 0x81, "%s", rows[i].what);
        check_eq(out.cs, CODE, "%s: CS", rows[i].what);
        check_eq(top - out.esp, rows[i].words * rows[i].bytes,
                 "%s: bytes pushed", rows[i].what);
        check_eq(out.eflags & (EFLAGS_IF | EFLAGS_NT),
                 rows[i].clears ? 0 : EFLAGS_IF, "%s: IF and NT", rows[i].what);
    }
}

/* What an INT finds at the other end. */
static void test_interrupt_faults(void)
{
    set_up(12, 0);
    legacy_gate(0x90, 14, 0);
    run(3, r_int90);
    legacy_expect("INT by CPL 3 of a gate of DPL 0", &out, GP, 0x90 * 8 + 2);
    set_up(12, 0);
    legacy_idt[0x90] = gate((uintptr_t)r_inner, CODE | 1, 0x6e);
    run(3, r_int90);
    legacy_expect("INT of an absent gate", &out, NP, 0x90 * 8 + 2);
    legacy_idt[0x90] = gate((uintptr_t)r_inner, CODE | 1, 0xec);
    run(3, r_int90);
    legacy_expect("INT of a call gate", &out, GP, 0x90 * 8 + 2);
    legacy_idt[0x90] = gate((uintptr_t)r_inner, 0, 0xee);
    run(3, r_int90);
    legacy_expect("INT of a null selector", &out, GP, 0);
    legacy_idt[0x90] = gate((uintptr_t)r_inner, LEGACY_DS, 0xee);
    run(3, r_int90);
    legacy_expect("INT of data", &out, GP, LEGACY_DS);
    gdt[OTHER / 8] = segment(0, 0xfffff, A_CODE & ~0x80u);
    legacy_idt[0x90] = gate((uintptr_t)r_inner, OTHER, 0xee);
    run(3, r_int90);
    legacy_expect("INT of absent code", &out, NP, OTHER);
    legacy_idt[0x90] = gate((uintptr_t)r_inner, LEGACY_CS3, 0xee);
    run(0, r_int90);
    legacy_expect("INT to an outer level", &out, GP, LEGACY_CS3 & ~3u);
    legacy_idt[0x90] = gate((uintptr_t)r_inner, CODE | 1, 0xee);
    legacy_tss.tss.ss1 = LEGACY_DS;
    run(3, r_int90);
    legacy_expect("INT with a bad inner stack", &out, TS, LEGACY_DS);
    legacy_tss.tss.ss1 = STACK | 1;
    gdt[STACK / 8] &= ~(1ull << 47);
    run(3, r_int90);
    legacy_expect("INT with an absent inner stack", &out, SS, STACK);
}

/* --- 16-bit stacks --- */

static void test_stack16(void)
{
    static uint8_t low[0x10000] __attribute__((aligned(16)));
    Legacy in = legacy_state(0, r_push16);
    uint32_t *word0;

    set_up(12, 0);
    gdt[STACK / 8] = segment((uintptr_t)low, 0xffff, A_DATA16);
    /* The frame that starts the run goes there, too: 12 bytes. */
    in.ss = STACK;
    in.esp = 0xabcd0100;
    legacy_run(&in, &out);
    check_eq(out.vector, 0x81, "PUSH and POP by SP");
    check_eq(out.eax, 0x12345678, "the value");
    check_eq(out.esp, 0xabcd0100, "the upper half of ESP stays");
    check_eq(((uint32_t *)(low + 0xfc))[0] != 0, 1, "it went below SP");
    in.eip = (uintptr_t)r_ret8;
    word0 = (uint32_t *)(low + 0x100);
    *word0 = (uintptr_t)r_ret_target;
    legacy_run(&in, &out);
    check_eq(out.vector, 0x81, "RET 8");
    check_eq(out.esp, 0xabcd010c, "adds to SP");
    in.esp = 0xabcdfff8;
    *(uint32_t *)(low + 0xfff8) = (uintptr_t)r_ret_target;
    legacy_run(&in, &out);
    check_eq(out.esp, 0xabcd0004, "which wraps");
    in.eip = (uintptr_t)r_enter16;
    in.esp = 0xabcd0100;
    in.ebp = 0x77770000;
    legacy_run(&in, &out);
    check_eq(out.esp, 0xabcd0100, "ENTER and LEAVE by SP and BP");
    check_eq(out.ebp, 0x77770000, "EBP is back");
}

/* --- questions about descriptors --- */

static void test_questions(void)
{
    const uint16_t lar =
        1 << 1 | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 5 | 1 << 9 | 1 << 11 | 1 << 12;
    const uint16_t lsl = 1 << 1 | 1 << 2 | 1 << 3 | 1 << 9 | 1 << 11;
    Legacy in = legacy_state(0, r_lar);
    unsigned type;

    set_up(12, 0);
    in.ecx = OTHER;
    for (type = 0; type < 16; type++) {
        gdt[OTHER / 8] = segment(0x1000, 0x67, 0x80 | type);
        in.eip = (uintptr_t)r_lar;
        legacy_run(&in, &out);
        check_eq(out.edx & 0xff, lar >> type & 1, "LAR, type %d", type);
        check_eq(out.eax, lar >> type & 1 ? 0x8000 | type << 8 : 0,
                 "LAR, type %d: value", type);
        in.eip = (uintptr_t)r_lsl;
        legacy_run(&in, &out);
        check_eq(out.edx & 0xff, lsl >> type & 1, "LSL, type %d", type);
        check_eq(out.eax, lsl >> type & 1 ? 0x67 : 0, "LSL, type %d: value",
                 type);
        in.eip = (uintptr_t)r_verr;
        legacy_run(&in, &out);
        check_eq((out.eax | out.edx) & 0xff, 0, "VERR, VERW, type %d", type);
    }
}

/* --- table registers and operand sizes --- */

void r_tables(void);
uint8_t r_out[2][6];
__asm__(".text\n.code32\n"
        "r_table: .word 0x9abc; .long 0x12345678\n"
        "r_tables: lidt r_table\n"
        "data16 sidt r_out\n"
        "data16 lidt r_table\n"
        "sidt r_out + 6\n"
        "lidt lg_idt_ptr; int $0x81\n"
        ".code64\n");

/* LIDT of 16 bits takes 24 bits of the base.  SIDT of 16 bits stores 32, which
 * programs rely on, as all processors since the 386 do. */
static void test_table_sizes(void)
{
    set_up(12, 0);
    run(0, r_tables);
    check_eq(out.vector, 0x81, "LIDT and SIDT");
    check_eq(*(uint16_t *)r_out[0], 0x9abc, "16-bit SIDT: limit");
    check_eq(*(uint32_t *)(r_out[0] + 2), 0x12345678, "16-bit SIDT: base");
    check_eq(*(uint32_t *)(r_out[1] + 2), 0x345678, "16-bit LIDT: base");
}

int main(void)
{
    test_call_gates();
    test_gate_faults();
    test_stack_faults();
    test_returns();
    test_return_faults();
    test_iret();
    test_interrupts();
    test_interrupt_faults();
    test_stack16();
    test_questions();
    test_table_sizes();
    return 0;
}
