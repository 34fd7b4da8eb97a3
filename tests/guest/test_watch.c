/* SPDX-License-Identifier: MIT */
/*
 * Data breakpoints: which accesses hit them, and that the trap comes after the
 * instruction.
 * Source: SDM vol. 3B, 18.2.4 "Debug Control Register (DR7)", 18.3.1.2 "Data
 * Memory and I/O Breakpoint Exception Conditions".
 */
#include "guest.h"

#define DR6_ONES 0xffff0ff0ull
#define DR7_ONES 0x400ull
#define DR7_G(i) (2ull << 2 * (i))
#define DR7_WRITE(i, len) ((1ull | (len) << 2) << (16 + 4 * (i)))
#define DR7_ANY(i, len)   ((3ull | (len) << 2) << (16 + 4 * (i)))
enum { LEN1 = 0, LEN2 = 1, LEN8 = 2, LEN4 = 3 };

static volatile struct {
    unsigned n;
    uint64_t rip, dr6, rcx, rflags;
} db;

static void on_debug(Frame *f)
{
    db.n++;
    db.rip = f->rip;
    db.dr6 = READ_DR(6);
    db.rcx = f->rcx;
    db.rflags = f->rflags;
    WRITE_DR(6, DR6_ONES);
}

static volatile uint8_t data[64] __attribute__((aligned(64)));

/* Each touches the address in RDI; the label is the next instruction. */
#define ACCESS(name, text) \
    void name(void *p); \
    extern char name##_end[]; \
    __asm__(".text; " #name ": " text "; " #name "_end: nop; ret")

ACCESS(load1, "movb (%rdi), %al");
ACCESS(load8, "mov (%rdi), %rax");
ACCESS(store1, "movb $1, (%rdi)");
ACCESS(store4, "movl $1, (%rdi)");
ACCESS(add4, "addl $1, (%rdi)");
ACCESS(shl4, "shll $1, (%rdi)");
ACCESS(xchg4, "xchg %eax, (%rdi)");
ACCESS(lock_add, "lock addl $1, (%rdi)");
ACCESS(load16, "movups (%rdi), %xmm0");
ACCESS(store16, "movups %xmm0, (%rdi)");
ACCESS(movs4, "mov %rdi, %rsi; add $32, %rdi; movsl");
ACCESS(fld8, "fldl (%rdi); fstp %st(0)");
ACCESS(among, "mov $1, %eax; mov %eax, %ecx; movl $2, (%rdi)");

typedef struct Case {
    const char *what;
    void (*fn)(void *);
    const char *end;
    unsigned offset;
    bool write, any; /* hits: a write watchpoint, one of any access */
} Case;

static const Case cases[] = {
    {"load", load1, load1_end, 16, false, true},
    {"load that covers it", load8, load8_end, 12, false, true},
    {"load before it", load8, load8_end, 8, false, false},
    {"load after it", load8, load8_end, 20, false, false},
    {"store", store4, store4_end, 16, true, true},
    {"store of its last byte", store1, store1_end, 19, true, true},
    {"store past it", store1, store1_end, 20, false, false},
    {"store that ends in it", store4, store4_end, 13, true, true},
    {"add", add4, add4_end, 16, true, true},
    {"shift", shl4, shl4_end, 16, true, true},
    {"xchg", xchg4, xchg4_end, 16, true, true},
    {"lock add", lock_add, lock_add_end, 16, true, true},
    {"vector load", load16, load16_end, 4, false, true},
    {"vector store", store16, store16_end, 4, true, true},
    {"movs from it", movs4, movs4_end, 16, false, true},
    {"fld", fld8, NULL, 16, false, true},
    {"store after other instructions", among, among_end, 16, true, true},
};

static void run_case(const Case *c, uint64_t dr7, bool hits, const char *kind)
{
    db.n = 0;
    WRITE_DR(7, DR7_ONES | dr7);
    c->fn((void *)(data + c->offset));
    WRITE_DR(7, DR7_ONES);
    check_eq(db.n, hits, "%s, %s", c->what, kind);
    if (hits && c->end) {
        check_eq(db.rip, (uintptr_t)c->end, "%s: the trap is after it",
                 c->what);
    }
    if (hits) {
        check_eq(db.dr6, DR6_ONES | 4, "%s: DR6", c->what);
    }
}

static void test_cases(void)
{
    unsigned i;

    WRITE_DR(2, data + 16);
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        run_case(&cases[i], DR7_G(2) | DR7_WRITE(2, LEN4), cases[i].write,
                 "watched for writes");
        run_case(&cases[i], DR7_G(2) | DR7_ANY(2, LEN4), cases[i].any,
                 "watched for all");
    }
    run_case(&cases[4], DR7_WRITE(2, LEN4), false, "not enabled");
    WRITE_DR(2, data + 19); /* low bits below the length do not count */
    run_case(&cases[4], DR7_G(2) | DR7_WRITE(2, LEN4), true, "low bits");
}

static void test_effects(void)
{
    data[16] = 0;
    WRITE_DR(2, data + 16);
    WRITE_DR(7, DR7_ONES | DR7_G(2) | DR7_WRITE(2, LEN1));
    db.n = 0;
    add4((void *)(data + 16));
    add4((void *)(data + 16));
    lock_add((void *)(data + 16));
    WRITE_DR(7, DR7_ONES);
    check_eq(db.n, 3, "three writes");
    check_eq(data[16], 3, "each was done once");
}

/* A call that is a block of its own, on to a place in its page that it has
 * been to before. */
static void test_call(void)
{
    uint64_t *slot, want, i;

    for (i = 0; i < 4; i++) {
        db.n = 0;
        __asm__ volatile(
            "lea -8(%%rsp), %0\n"
            "mov %0, %%dr2\n"
            "mov %3, %%dr7\n"
            "jmp 1f\n"
            "1: call 2f\n"
            "nop\n"
            "2: add $8, %%rsp\n"
            "mov %4, %%dr7\n"
            "lea 2b(%%rip), %1"
            : "=&r"(slot), "=&r"(want), "+m"(db)
            : "r"(DR7_ONES | (i > 1 ? DR7_G(2) | DR7_WRITE(2, LEN8) : 0)),
              "r"(DR7_ONES)
            : "memory", "cc");
        check_eq(db.n, i > 1, "call, watched %d", (int)i);
        check(i < 2 || db.rip == want, "call: the trap is at its target");
    }
}

/* Two at once, and one together with a single step. */
static void test_several(void)
{
    WRITE_DR(0, data + 16);
    WRITE_DR(1, data + 17);
    WRITE_DR(7, DR7_ONES | DR7_G(0) | DR7_G(1) | DR7_WRITE(0, LEN1) |
                    DR7_WRITE(1, LEN1));
    db.n = 0;
    store4((void *)(data + 16));
    check_eq(db.n, 1, "two hits, one trap");
    check_eq(db.dr6, DR6_ONES | 3, "two hits: DR6");
    __asm__ volatile("push %%rax; pushf; pushf; orl $0x100, (%%rsp); popf\n"
                     "movb $1, %0\n"
                     "popf; pop %%rax"
                     : "=m"(data[17])
                     :
                     : "cc");
    check_eq(db.n, 3, "single steps of the store and of POPF");
    WRITE_DR(7, DR7_ONES);
}

/* An access that faults is not done: no trap. */
static void store_readonly(void *p)
{
    *(volatile uint32_t *)p = 1;
}

static void test_fault(void)
{
    uint64_t va = 0x200000000;

    page_map(va, (uintptr_t)page_alloc(), 1);
    WRITE_DR(0, va);
    WRITE_DR(7, DR7_ONES | DR7_G(0) | DR7_WRITE(0, LEN4));
    db.n = 0;
    check_eq(catch(store_readonly, (void *)va, NULL), 14, "store that faults");
    check_eq(db.n, 0, "no trap for it");
    WRITE_DR(7, DR7_ONES);
}

static void test_rep(void)
{
    WRITE_DR(0, data + 40);
    WRITE_DR(7, DR7_ONES | DR7_G(0) | DR7_WRITE(0, LEN1));
    db.n = 0;
    memset((void *)data, 0, sizeof(data));
    __asm__ volatile("rep stosb" ::"D"(data), "c"(64L), "a"(7) : "memory");
    check_eq(db.n, 2, "memset and rep stosb");
    check(db.rcx <= 64 - 41, "the trap is after the byte was stored");
    check(data[0] == 7 && data[40] == 7 && data[63] == 7, "all was stored");
    WRITE_DR(7, DR7_ONES);
}

int main(void)
{
    on_vector(1, on_debug);
    test_cases();
    test_effects();
    test_call();
    test_several();
    test_fault();
    test_rep();
    return 0;
}
