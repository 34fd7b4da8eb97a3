/* SPDX-License-Identifier: MIT */
/*
 * Process-context identifiers: each has its own translations, of data and of
 * code; what MOV to CR3 and INVPCID drop.
 * Source: SDM vol. 3A, 4.10.1 "Process-Context Identifiers (PCIDs)", 4.10.4.1;
 * vol. 2A "INVPCID".
 */
#include "guest.h"

#define P 1ull
#define W 2ull
#define G 0x100ull

#define CR4_PGE   (1ull << 7)
#define CR4_PCIDE (1ull << 17)
#define NOFLUSH   (1ull << 63)

#define VA     0x200000000ull
#define PCIDS  40
#define FN     0x800 /* offset of the function in each frame */

extern uint64_t pml4[];

/* Context n: its own tables for VA, its own frame that holds n. */
static struct {
    uint64_t *root, *pte, *frame;
} context[PCIDS];

/* At VA + 4096 in each: a jump to the context's function. */
static uint8_t *shared;

static void make_context(unsigned n)
{
    uint64_t *root = page_alloc(), *pdpt = page_alloc(), *pd = page_alloc(),
             *pt = page_alloc(), *frame = page_alloc();
    uint8_t *fn = (uint8_t *)frame + FN;
    const uint64_t *low = (uint64_t *)(pml4[0] & -4096ull);

    memcpy(pdpt, low, 4096);
    root[0] = (uintptr_t)pdpt | 7;
    pdpt[VA >> 30] = (uintptr_t)pd | 7;
    pd[0] = (uintptr_t)pt | 7;
    pt[0] = (uintptr_t)frame | P | W;
    pt[1] = (uintptr_t)shared | P | W;
    *frame = n;
    fn[0] = 0xb8; /* MOV EAX, n; RET */
    memcpy(fn + 1, &n, 4);
    fn[5] = 0xc3;
    context[n].root = root;
    context[n].pte = pt;
    context[n].frame = frame;
}

static void enter(unsigned n, uint64_t flags)
{
    WRITE_CR(3, (uintptr_t)context[n].root | n | flags);
}

static uint64_t peek(void)
{
    return *(volatile uint64_t *)VA;
}

static uint32_t call(void)
{
    uint32_t called, jumped;

    __asm__ volatile("call *%1" : "=a"(called) : "r"(VA + FN) : "memory");
    __asm__ volatile("call *%1" : "=a"(jumped) : "r"(VA + 4096) : "memory");
    return called == jumped ? called : -1u;
}

/* Round and round without flushes. */
static void test_separate(void)
{
    unsigned round, n, data = 0, code = 0;

    for (round = 0; round < 10; round++) {
        for (n = 1; n < PCIDS; n++) {
            enter(n, NOFLUSH);
            data += peek() != n;
            code += call() != n;
        }
    }
    check_eq(data, 0, "each context sees its own data");
    check_eq(code, 0, "each context runs its own code");
    for (round = 0; round < 1000; round++) {
        n = 1 + (round & 1);
        enter(n, NOFLUSH);
        data += peek() != n;
        code += call() != n;
    }
    check(!data && !code, "two contexts in turn");
    check_eq(READ_CR(3), (uintptr_t)context[n].root | n,
             "bit 63 of CR3 is not kept");
}

static void invpcid(uint64_t type, uint64_t pcid, uint64_t address)
{
    struct {
        uint64_t pcid, address;
    } d = {pcid, address};

    __asm__ volatile("invpcid %0, %1" ::"m"(d), "r"(type) : "memory");
}

/* Have context 1 use its page, then lead it elsewhere from context 2. */
static void change_from_outside(uint64_t bits)
{
    *context[1].pte = (uintptr_t)context[1].frame | P | W | bits;
    enter(1, 0);
    (void)peek();
    (void)call();
    enter(2, NOFLUSH);
    *context[1].pte = (uintptr_t)context[3].frame | P | W | bits;
}

static void expect_new(const char *what)
{
    enter(1, NOFLUSH);
    check_eq(peek(), 3, "%s: data", what);
    check_eq(call(), 3, "%s: code", what);
}

static void test_drops(void)
{
    change_from_outside(0);
    enter(1, 0);
    check_eq(peek(), 3, "MOV to CR3 without bit 63: data");
    check_eq(call(), 3, "MOV to CR3 without bit 63: code");
    change_from_outside(0);
    invpcid(0, 1, VA);
    expect_new("INVPCID of an address");
    change_from_outside(0);
    invpcid(1, 1, 0);
    expect_new("INVPCID of a context");
    change_from_outside(0);
    invpcid(3, 0, 0);
    expect_new("INVPCID of all but globals");
    change_from_outside(0);
    invpcid(2, 0, 0);
    expect_new("INVPCID of all");
    change_from_outside(0);
    enter(1, NOFLUSH);
    invlpg(VA);
    expect_new("INVLPG");
    WRITE_CR(4, READ_CR(4) | CR4_PGE);
    change_from_outside(G);
    invpcid(2, 0, 0);
    expect_new("INVPCID of all: global page");
    change_from_outside(G);
    WRITE_CR(4, READ_CR(4) & ~CR4_PGE);
    expect_new("clearing CR4.PGE: global page");
    change_from_outside(0);
    WRITE_CR(3, (uintptr_t)pml4);
    WRITE_CR(4, READ_CR(4) & ~CR4_PCIDE);
    WRITE_CR(4, READ_CR(4) | CR4_PCIDE);
    expect_new("clearing CR4.PCIDE");
}

/* --- faults --- */

static uint64_t type, pcid, address;

static void do_invpcid(void *arg)
{
    (void)arg;
    invpcid(type, pcid, address);
}

static void set_pcide(void *arg)
{
    (void)arg;
    WRITE_CR(4, READ_CR(4) | CR4_PCIDE);
}

static void paging_off(void *arg)
{
    (void)arg;
    WRITE_CR(0, READ_CR(0) & ~(1ull << 31));
}

static void expect_gp(uint64_t t, uint64_t p, uint64_t a, const char *what)
{
    type = t;
    pcid = p;
    address = a;
    check_eq(catch(do_invpcid, NULL, NULL), 13, "INVPCID: %s", what);
}

static void test_faults(void)
{
    expect_gp(4, 0, 0, "type 4");
    expect_gp(0, 0x1000, VA, "reserved bits");
    expect_gp(1, 0x1000, 0, "reserved bits of a context");
    expect_gp(0, 1, 1ull << 56, "non-canonical address");
    check_eq(catch(paging_off, NULL, NULL), 13, "no paging with PCIDE");
    WRITE_CR(3, (uintptr_t)pml4);
    WRITE_CR(4, READ_CR(4) & ~CR4_PCIDE);
    WRITE_CR(3, (uintptr_t)pml4 | 0x18);
    check_eq(catch(set_pcide, NULL, NULL), 13, "PCIDE with a PCID in CR3");
    WRITE_CR(3, (uintptr_t)pml4);
}

static bool has_pcid(void)
{
    return (cpuid(1, 0).c >> 17 & 1) && (cpuid(7, 0).b >> 10 & 1);
}

int main(void)
{
    unsigned n;

    if (!has_pcid()) {
        check(true, "no PCIDs here");
        return 0;
    }
    shared = page_alloc();
    memcpy(shared, "\xe9\xfb\xf7\xff\xff", 5); /* JMP to VA + FN */
    for (n = 0; n < PCIDS; n++) {
        make_context(n);
    }
    WRITE_CR(4, READ_CR(4) | CR4_PCIDE);
    test_separate();
    test_drops();
    test_faults();
    return 0;
}
