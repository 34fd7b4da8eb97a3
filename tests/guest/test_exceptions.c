/* SPDX-License-Identifier: MIT */
/*
 * Every exception that long mode can raise in software: vector, error code and
 * the saved rip.  Source: SDM vol. 3A, 6.15 "Exception and Interrupt
 * Reference".
 */
#include "legacy.h"

#define CASE(name, ...)                                                        \
    static void name(void *arg)                                                \
    {                                                                          \
        (void)arg;                                                             \
        __asm__ volatile(__VA_ARGS__);                                         \
    }

CASE(divide_by_zero, "xor %%ecx, %%ecx; xor %%edx, %%edx; div %%ecx" ::
         : "rax", "rcx", "rdx")
CASE(divide_overflow, "mov $1, %%edx; mov $1, %%ecx; div %%ecx" ::
         : "rax", "rcx", "rdx")
CASE(undefined, "ud2" ::)
CASE(breakpoint, "int3" ::)
CASE(noncanonical, "movabs $0x800000000000, %%rax; mov (%%rax), %%eax" ::
         : "rax")
CASE(noncanonical_stack,
     "mov %%rsp, %%rcx; movabs $0x800000000000, %%rsp; pop %%rax" ::
         : "rax", "rcx")
CASE(null_segment, "mov $0x1000, %%eax; mov %%eax, %%ds" ::: "rax")
CASE(bad_selector_ss, "xor %%eax, %%eax; mov $0x18, %%eax; mov %%eax, %%ss" ::
         : "rax")
CASE(page_read, "movabs $0x7000000000, %%rax; mov (%%rax), %%eax" ::: "rax")
CASE(page_write, "movabs $0x7000000000, %%rax; mov %%eax, (%%rax)" ::
         : "rax", "memory")
CASE(page_fetch, "movabs $0x7000000000, %%rax; jmp *%%rax" ::: "rax")
CASE(misaligned_sse, "lea -8(%%rsp), %%rax; and $-16, %%rax; "
                     "movaps 1(%%rax), %%xmm0" ::
         : "rax")
CASE(lock_on_register, ".byte 0xf0, 0x01, 0xc0" ::)
CASE(wrmsr_bad, "mov $0xdead, %%ecx; wrmsr" ::: "rcx")
CASE(cr4_pae, "mov %%cr4, %%rax; btr $5, %%rax; mov %%rax, %%cr4" ::: "rax")
CASE(int_not_present, "int $0xf0" ::)

/* --- stacks --- */

CASE(by_rbp, "movabs $0x800000000000, %%rcx; xchg %%rcx, %%rbp\n"
             "mov (%%rbp), %%eax" ::
         : "rax", "rcx")
CASE(push_nowhere, "mov %%rsp, %%rcx; movabs $0x800000000008, %%rsp\n"
                   "push %%rax" ::
         : "rcx")
CASE(call_nowhere_stack, "mov %%rsp, %%rcx; movabs $0x800000000008, %%rsp\n"
                         "call 1f; 1:" ::
         : "rcx")
CASE(push_from_nowhere, "movabs $0x800000000000, %%rax; push (%%rax)" ::: "rax")
CASE(push_absent_from_nowhere, "mov %%rsp, %%rcx; movabs $0x7000000000, %%rsp\n"
                               "movabs $0x800000000000, %%rax; push (%%rax)" ::
         : "rax", "rcx")
CASE(pop_absent_to_nowhere, "mov %%rsp, %%rcx; movabs $0x7000000000, %%rsp\n"
                            "movabs $0x800000000000, %%rax; pop (%%rax)" ::
         : "rax", "rcx")
CASE(split_stack, "mov %%rsp, %%rcx; movabs $0x7ffffffffffc, %%rsp\n"
                  "pop %%rax" ::
         : "rax", "rcx")

static void expect(const char *name, void (*fn)(void *), int vector,
                   uint64_t error)
{
    Frame f;
    int got = catch(fn, NULL, &f);

    check_eq(got, vector, "%s: vector", name);
    check_eq(f.error, error, "%s: error code", name);
}

static void test_stacks(void)
{
    idt[13].ist = idt[14].ist = 1; /* some of these have no stack */
    expect("by RBP", by_rbp, 12, 0);
    expect("PUSH", push_nowhere, 12, 0);
    expect("CALL", call_nowhere_stack, 12, 0);
    expect("over the end of the lower half", split_stack, 12, 0);
    expect("PUSH from a non-canonical address", push_from_nowhere, 13, 0);
    expect("the same onto an absent page", push_absent_from_nowhere, 13, 0);
    expect("POP from an absent page to one", pop_absent_to_nowhere, 14, 0);
    idt[13].ist = idt[14].ist = 0;
}

/* The last page of the lower half, and an instruction that runs out of it. */
#define LAST 0x7ffffffff000ull

static void call_last(void *arg)
{
    ((void (*)(void))(LAST + (uintptr_t)arg))();
}

static void test_edge(void)
{
    uint8_t *code = page_alloc();
    Frame f;

    page_map(LAST, (uintptr_t)code, 3);
    memcpy(code + 0xffe, "\x48\xb8", 2); /* MOV RAX, imm64: half of it */
    check_eq(catch(call_last, (void *)0xffe, &f), 13,
             "an instruction over the edge");
    check_eq(f.rip, LAST + 0xffe, "is at its start");
}

/* --- what only 32-bit code has, and the flags of each frame --- */

void x_into(void), x_bound(void), x_aam(void), x_idiv(void), x_int4(void),
    x_int3(void), x_ud(void), x_long(void), x_hlt(void), x_nm(void),
    x_lock(void), x_single(void);
__asm__(".text\n.code32\n"
        "x_into: mov $0x7f, %al; add $1, %al; into; ud2\n"
        "x_bound: mov $11, %eax; bound %eax, x_limits; ud2\n"
        "x_limits: .long 5, 10\n"
        "x_aam: aam $0; ud2\n"
        "x_idiv: mov $0x80000000, %eax; cltd; mov $-1, %ecx; idiv %ecx\n"
        "x_int4: int $4; ud2\n"
        "x_int3: int3; ud2\n"
        "x_ud: ud2\n"
        "x_long: .fill 15, 1, 0x66; nop; ud2\n"
        "x_hlt: hlt; ud2\n"
        "x_nm: fnop; ud2\n"
        "x_lock: .byte 0xf0, 0x90\n"
        "x_single: nop; ud2\n"
        ".code64\n");

static const struct Legacy32 {
    const char *what;
    void (*code)(void);
    unsigned cpl;
    uint32_t cr0, eflags;
    uint32_t vector, eip; /* of the frame, from the start */
    bool rf;
} legacy_rows[] = {
    {"INTO", x_into, 0, 0, 0, 4, 5, false},
    {"INTO at CPL 3", x_into, 3, 0, 0, 13, 4, true},
    {"BOUND", x_bound, 0, 0, 0, 5, 5, true},
    {"AAM 0", x_aam, 0, 0, 0, 0, 0, true},
    {"IDIV of the least number by -1", x_idiv, 0, 0, 0, 0, 11, true},
    {"INT 4", x_int4, 0, 0, 0, 4, 2, false},
    {"INT3", x_int3, 0, 0, 0, 3, 1, false},
    {"UD2", x_ud, 0, 0, 0, 6, 0, true},
    {"15 prefixes", x_long, 0, 0, 0, 13, 0, true},
    {"HLT at CPL 3", x_hlt, 3, 0, 0, 13, 0, true},
    {"x87 with CR0.EM", x_nm, 0, 4, 0, 7, 0, true},
    {"x87 with CR0.TS", x_nm, 0, 8, 0, 7, 0, true},
    {"LOCK of NOP", x_lock, 0, 0, 0, 6, 0, true},
    {"a step", x_single, 0, 0, EFLAGS_TF, 1, 1, false},
};

static void test_legacy(void)
{
    unsigned i;

    legacy_reset();
    legacy_gate(3, 14, 3);
    for (i = 0; i < sizeof(legacy_rows) / sizeof(legacy_rows[0]); i++) {
        const struct Legacy32 *r = &legacy_rows[i];
        Legacy in = legacy_state(r->cpl, r->code), out;

        in.cr0 = r->cr0;
        in.eflags |= r->eflags;
        legacy_run(&in, &out);
        check_eq(out.vector, r->vector, "%s", r->what);
        if (r->vector == 13) {
            check_eq(out.error, r->cpl && r->code == x_into ? 4 * 8 + 2 : 0,
                     "%s: error code", r->what);
        }
        check_eq(out.eip - in.eip, r->eip, "%s: EIP", r->what);
        check_eq(out.eflags >> 16 & 1, r->rf, "%s: RF", r->what);
    }
}

int main(void)
{
    Frame f;

    expect("division by zero", divide_by_zero, 0, 0);
    expect("division overflow", divide_overflow, 0, 0);
    expect("ud2", undefined, 6, 0);
    expect("int3", breakpoint, 3, 0);
    expect("non-canonical load", noncanonical, 13, 0);
    expect("non-canonical stack", noncanonical_stack, 12, 0);
    expect("selector past the GDT", null_segment, 13, 0x1000);
    expect("code segment in SS", bad_selector_ss, 13, 0x18);
    expect("page not present, read", page_read, 14, 0);
    check_eq(READ_CR(2), 0x7000000000, "CR2 of the read");
    expect("page not present, write", page_write, 14, 2);
    expect("page not present, fetch", page_fetch, 14, 0x10);
    expect("misaligned movaps", misaligned_sse, 13, 0);
    expect("lock on a register", lock_on_register, 6, 0);
    expect("unknown MSR", wrmsr_bad, 13, 0);
    expect("CR4.PAE cleared in long mode", cr4_pae, 13, 0);
    idt[0xf0].type &= 0x7f;
    expect("gate not present", int_not_present, 11, 0xf0 * 8 + 2);

    catch(undefined, NULL, &f);
    check_eq(*(uint16_t *)f.rip, 0x0b0f, "#UD saves the instruction's rip");
    catch(breakpoint, NULL, &f);
    check_eq(*(uint8_t *)(f.rip - 1), 0xcc, "#BP saves the next rip");
    test_stacks();
    test_edge();
    test_legacy();
    return 0;
}
