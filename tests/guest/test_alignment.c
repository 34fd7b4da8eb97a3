/* SPDX-License-Identifier: MIT */
/*
 * Alignment checks: which accesses of which data must be aligned to what, and
 * that CR0.AM, EFLAGS.AC and CPL 3 are all needed.
 * Source: SDM vol. 3A, 6.15 "Interrupt 17 - Alignment Check Exception (#AC)",
 * table 6-7 "Alignment Requirements by Data Type"; the processors' own answers
 * for vectors of 16 bytes and more, which the manual leaves open.
 */
#include "guest.h"

#define CR0_AM    (1ull << 18)
#define EFLAGS_AC 0x40000u
#define AC        17
#define GP        13

/* RDI: address, at an offset of the row's from 64-byte alignment. */
#define ACCESS(name, text)                                                     \
    void name(void);                                                           \
    __asm__(".text; " #name ": " text "; ret")
#define ON_STACK(text) "mov %rsp, %r8; mov %rdi, %rsp; " text "; mov %r8, %rsp"

ACCESS(a_byte, "movb 3(%rdi), %al");
ACCESS(a_load2, "movw (%rdi), %ax");
ACCESS(a_load4, "movl (%rdi), %eax");
ACCESS(a_load8, "movq (%rdi), %rax");
ACCESS(a_store2, "movw %ax, (%rdi)");
ACCESS(a_store4, "movl %eax, (%rdi)");
ACCESS(a_store8, "movq %rax, (%rdi)");
ACCESS(a_add8, "addq $1, (%rdi)");
ACCESS(a_xchg, "xchg %eax, (%rdi)");
ACCESS(a_lock, "lock addl $1, (%rdi)");
ACCESS(a_cx8, "cmpxchg8b (%rdi)");
ACCESS(a_bt, "xor %eax, %eax; btl %eax, (%rdi)");
ACCESS(a_bts16, "xor %eax, %eax; btsw %ax, (%rdi)");
ACCESS(a_sreg, "mov %ds, (%rdi)");
ACCESS(a_lar, "lar (%rdi), %eax");
ACCESS(a_sgdt, "sgdt (%rdi)");
ACCESS(a_movnti, "movnti %eax, (%rdi)");
ACCESS(a_jmp, "lea 1f(%rip), %rax; pushf; pushf; andl $~0x40000, (%rsp)\n"
              "popf; mov %rax, (%rdi); popf; jmp *(%rdi); 1:");
ACCESS(a_push, ON_STACK("lea 8(%rsp), %rsp; push %rax"));
ACCESS(a_push2, ON_STACK("lea 2(%rsp), %rsp; push %ax"));
ACCESS(a_pop, ON_STACK("pop %rax"));
ACCESS(a_pushf, ON_STACK("lea 8(%rsp), %rsp; pushf"));
ACCESS(a_call, ON_STACK("lea 8(%rsp), %rsp; call 1f; 1:"));
ACCESS(a_enter, ON_STACK("mov %rbp, %r9; lea 8(%rsp), %rsp; enter $0, $0\n"
                         "mov %r9, %rbp"));
ACCESS(a_leave, "mov %rsp, %r8; mov %rbp, %r9; mov %rdi, %rbp; leave\n"
                "mov %r8, %rsp; mov %r9, %rbp");
ACCESS(a_movs_from, "lea (%rdi), %rsi; lea 64(%rbx), %rdi; movsl");
ACCESS(a_movs_to, "lea 64(%rbx), %rsi; movsl");
ACCESS(a_rep_movs, "lea 64(%rbx), %rsi; mov $4, %ecx; rep movsq");
ACCESS(a_stos, "stosl");
ACCESS(a_rep_stos, "mov $2, %ecx; rep stosq");
ACCESS(a_lods, "mov %rdi, %rsi; lodsl");
ACCESS(a_scas, "scasl");
ACCESS(a_cmps, "mov %rdi, %rsi; lea 64(%rbx), %rdi; cmpsl");
/* x87 */
ACCESS(a_fld4, "flds (%rdi); fstp %st(0)");
ACCESS(a_fld8, "fldl (%rdi); fstp %st(0)");
ACCESS(a_fld10, "fldt (%rdi); fstp %st(0)");
ACCESS(a_fst10, "fldz; fstpt (%rdi)");
ACCESS(a_fild2, "filds (%rdi); fstp %st(0)");
ACCESS(a_fild8, "fildll (%rdi); fstp %st(0)");
ACCESS(a_fbld, "fbld (%rdi); fstp %st(0)");
ACCESS(a_fldcw, "fnstcw (%rdi)");
ACCESS(a_fstenv, "fnstenv (%rdi)");
ACCESS(a_fstenv16, ".byte 0x66; fnstenv (%rdi)");
ACCESS(a_fsave, "fnsave (%rdi)");
ACCESS(a_frstor, "frstor (%rdi); fninit");
/* MMX and SSE */
ACCESS(a_movq, "movq (%rdi), %mm0; emms");
ACCESS(a_movss, "movss (%rdi), %xmm0");
ACCESS(a_movsd, "movsd (%rdi), %xmm0");
ACCESS(a_movhps, "movhps (%rdi), %xmm0");
ACCESS(a_cvt, "cvtps2pd (%rdi), %xmm0");
ACCESS(a_pinsrw, "pinsrw $0, (%rdi), %xmm0");
ACCESS(a_ldmxcsr, "stmxcsr (%rdi)");
ACCESS(a_movups, "movups (%rdi), %xmm0");
ACCESS(a_movups_to, "movups %xmm0, (%rdi)");
ACCESS(a_movaps, "movaps (%rdi), %xmm0");
ACCESS(a_fxsave, "fxsave (%rdi)");
ACCESS(a_prefetch, "prefetcht0 (%rdi)");
ACCESS(a_clflush, "clflush (%rdi)");

/* Offsets: one that is not aligned, one that is. */
typedef struct Row {
    const char *what;
    void (*fn)(void);
    unsigned bad, good;
    int vector;
} Row;

static const Row rows[] = {
    {"byte", a_byte, 0, 0, -1},
    {"load of 2 bytes", a_load2, 1, 2, AC},
    {"load of 4 bytes", a_load4, 2, 4, AC},
    {"load of 8 bytes", a_load8, 4, 8, AC},
    {"store of 2 bytes", a_store2, 1, 2, AC},
    {"store of 4 bytes", a_store4, 3, 4, AC},
    {"store of 8 bytes", a_store8, 4, 8, AC},
    {"add of 8 bytes", a_add8, 4, 8, AC},
    {"XCHG", a_xchg, 2, 4, AC},
    {"locked add", a_lock, 2, 4, AC},
    {"CMPXCHG8B", a_cx8, 4, 8, AC},
    {"BT of 4 bytes", a_bt, 2, 4, AC},
    {"BTS of 2 bytes", a_bts16, 1, 2, AC},
    {"selector", a_sreg, 1, 2, AC},
    {"LAR", a_lar, 1, 2, AC},
    {"GDTR", a_sgdt, 2, 4, AC},
    {"MOVNTI", a_movnti, 2, 4, AC},
    {"JMP", a_jmp, 4, 8, AC},
    {"PUSH of 8 bytes", a_push, 4, 8, AC},
    {"PUSH of 2 bytes", a_push2, 1, 2, AC},
    {"POP", a_pop, 4, 8, AC},
    {"PUSHF", a_pushf, 4, 8, AC},
    {"CALL", a_call, 4, 8, AC},
    {"ENTER", a_enter, 4, 8, AC},
    {"LEAVE", a_leave, 4, 8, AC},
    {"MOVS, source", a_movs_from, 1, 4, AC},
    {"MOVS, destination", a_movs_to, 2, 4, AC},
    {"REP MOVS", a_rep_movs, 4, 8, AC},
    {"STOS", a_stos, 2, 4, AC},
    {"REP STOS", a_rep_stos, 4, 8, AC},
    {"LODS", a_lods, 2, 4, AC},
    {"SCAS", a_scas, 2, 4, AC},
    {"CMPS", a_cmps, 2, 4, AC},
    {"FLD of 4 bytes", a_fld4, 2, 4, AC},
    {"FLD of 8 bytes", a_fld8, 4, 8, AC},
    {"FLD of 10 bytes", a_fld10, 4, 8, AC},
    {"FSTP of 10 bytes", a_fst10, 4, 8, AC},
    {"FILD of 2 bytes", a_fild2, 1, 2, AC},
    {"FILD of 8 bytes", a_fild8, 4, 8, AC},
    {"FBLD", a_fbld, 4, 8, AC},
    {"FNSTCW", a_fldcw, 1, 2, AC},
    {"FNSTENV", a_fstenv, 2, 4, AC},
    {"FNSTENV of 16 bits", a_fstenv16, 1, 2, AC},
    {"FNSAVE", a_fsave, 2, 4, AC},
    {"FRSTOR", a_frstor, 2, 4, AC},
    {"MOVQ of MMX", a_movq, 4, 8, AC},
    {"MOVSS", a_movss, 2, 4, AC},
    {"MOVSD", a_movsd, 4, 8, AC},
    {"MOVHPS", a_movhps, 4, 8, AC},
    {"CVTPS2PD", a_cvt, 4, 8, AC},
    {"PINSRW", a_pinsrw, 1, 2, AC},
    {"STMXCSR", a_ldmxcsr, 2, 4, AC},
    {"MOVUPS load", a_movups, 8, 16, AC},
    {"MOVUPS store", a_movups_to, 1, 16, AC},
    {"MOVAPS", a_movaps, 8, 16, GP},
    {"FXSAVE", a_fxsave, 8, 16, GP},
    {"PREFETCH", a_prefetch, 1, 2, -1},
    {"CLFLUSH", a_clflush, 1, 2, -1},
};

static uint8_t data[1024] __attribute__((aligned(64)));

/* RBX finds the data, too. */
void with_rbx(void);
uint64_t rbx_value, call_target;
__asm__(".text; with_rbx: push %rbx; mov rbx_value + 0x40000000, %rbx\n"
        "call *call_target + 0x40000000\n"
        "push (%rsp); andl $~0x40000, (%rsp); add $8, %rsp\n"
        "pop %rbx; ret\n");

static int run(const Row *r, unsigned offset, uint64_t flags, Frame *f)
{
    UserMode mode = {USER_CS, flags};

    memset(data, 0, sizeof(data));
    rbx_value = (uintptr_t)user_alias(data + 512);
    call_target = (uintptr_t)user_alias(r->fn);
    return catch_user_as(with_rbx, (uintptr_t)user_alias(data + offset), &mode,
                         f);
}

static void test_row(const Row *r)
{
    int faults = r->vector == GP ? GP : -1; /* of its own, without AC */
    Frame f;

    f.error = 0;
    WRITE_CR(0, READ_CR(0) | CR0_AM);
    check_eq(run(r, r->bad, EFLAGS_AC | 2, &f), r->vector, "%s", r->what);
    if (r->vector == AC) {
        check_eq(f.error, 0, "%s: error code", r->what);
        check_eq(f.rflags >> 18 & 1, 1, "%s: AC in its frame", r->what);
    }
    check_eq(run(r, r->good, EFLAGS_AC | 2, &f), -1, "%s, aligned", r->what);
    check_eq(run(r, r->bad, 2, &f), faults, "%s, no EFLAGS.AC", r->what);
    WRITE_CR(0, READ_CR(0) & ~CR0_AM);
    check_eq(run(r, r->bad, EFLAGS_AC | 2, &f), faults, "%s, no CR0.AM",
             r->what);
}

/* At CPL 0 EFLAGS.AC means something else. */
static void load_misaligned(void *arg)
{
    __asm__ volatile("pushf; orl $0x40000, (%%rsp); popf\n"
                     "mov 1(%0), %%eax\n"
                     "pushf; andl $~0x40000, (%%rsp); popf" ::"D"(arg)
                     : "rax", "cc");
}

static void test_supervisor(void)
{
    WRITE_CR(0, READ_CR(0) | CR0_AM);
    check_eq(catch(load_misaligned, data, NULL), -1, "AC at CPL 0");
    WRITE_CR(0, READ_CR(0) & ~CR0_AM);
}

/* The check comes before the page is looked for, as in the processors. */
void a_absent(void);
__asm__(".text; a_absent: movabs $0x200000001, %rax; mov (%rax), %eax; ret\n");

static void test_order(void)
{
    UserMode mode = {USER_CS, EFLAGS_AC | 2};
    Frame f;

    WRITE_CR(0, READ_CR(0) | CR0_AM);
    check_eq(catch_user_as(a_absent, 0, &mode, &f), AC,
             "misaligned and not present");
    WRITE_CR(0, READ_CR(0) & ~CR0_AM);
}

int main(void)
{
    unsigned i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        test_row(&rows[i]);
    }
    test_supervisor();
    test_order();
    return 0;
}
