/* SPDX-License-Identifier: MIT */
/*
 * Cached translations and what drops them: INVLPG, writes of CR3 and CR4,
 * global pages, large pages; accesses that cross into another page.
 * Source: SDM vol. 3A, 4.10 "Caching Translation Information"; 4.7
 * "Page-Fault Exceptions".
 */
#include "guest.h"

#define P  1ull
#define W  2ull
#define A  0x20ull
#define D  0x40ull
#define PS 0x80ull
#define G  0x100ull

#define CR4_PGE (1ull << 7)

#define PAGE  0x200000000ull
#define LARGE 0x240000000ull /* 1 GiB aligned */

static uint64_t *one, *two; /* frames that hold 1 and 2 in their first word */

static uint64_t peek(uint64_t va)
{
    return *(volatile uint64_t *)va;
}

static void test_invlpg(void)
{
    page_map(PAGE, (uintptr_t)one, P | W);
    check_eq(peek(PAGE), 1, "first frame");
    page_map(PAGE, (uintptr_t)two, P | W);
    check_eq(peek(PAGE), 2, "second frame after INVLPG");
    page_map(PAGE, (uintptr_t)one, P | W);
    invlpg(PAGE + 0xff8);
    check_eq(peek(PAGE), 1, "INVLPG by another address of the page");
    *page_entry(PAGE) = (uintptr_t)two | P | W;
    WRITE_CR(3, READ_CR(3));
    check_eq(peek(PAGE), 2, "second frame after a write of CR3");
}

static void test_global(void)
{
    WRITE_CR(4, READ_CR(4) | CR4_PGE);
    page_map(PAGE, (uintptr_t)one, P | W | G);
    check_eq(peek(PAGE), 1, "global page");
    *page_entry(PAGE) = (uintptr_t)two | P | W | G;
    invlpg(PAGE);
    check_eq(peek(PAGE), 2, "INVLPG drops a global page");
    *page_entry(PAGE) = (uintptr_t)one | P | W | G;
    WRITE_CR(4, READ_CR(4) & ~CR4_PGE);
    check_eq(peek(PAGE), 1, "clearing CR4.PGE drops a global page");
    *page_entry(PAGE) = (uintptr_t)two | P | W | G;
    WRITE_CR(3, READ_CR(3));
    check_eq(peek(PAGE), 2, "without PGE the bit means nothing");
    WRITE_CR(4, READ_CR(4) | CR4_PGE);
    *page_entry(PAGE) = (uintptr_t)one | P | W;
    invlpg(PAGE);
    (void)peek(PAGE);
    *page_entry(PAGE) = (uintptr_t)two | P | W;
    WRITE_CR(3, READ_CR(3));
    check_eq(peek(PAGE), 2, "a write of CR3 drops a page that is not global");
}

/* More pages than any TLB holds, all remapped, then dropped by @flush. */
static void test_many(void (*flush)(void), uint64_t bits, const char *how)
{
    enum { PAGES = 3000 };
    uint64_t va = PAGE + 0x1000000;
    unsigned i, wrong = 0;

    for (i = 0; i < PAGES; i++) {
        *page_entry(va + 4096 * i) = (uintptr_t)one | bits;
    }
    flush();
    for (i = 0; i < PAGES; i++) {
        wrong += peek(va + 4096 * i) != 1;
    }
    for (i = 0; i < PAGES; i++) {
        *page_entry(va + 4096 * i) = (uintptr_t)two | bits;
    }
    flush();
    for (i = 0; i < PAGES; i++) {
        wrong += peek(va + 4096 * i) != 2;
    }
    check_eq(wrong, 0, "3000 pages, %s", how);
}

static void flush_cr3(void)
{
    WRITE_CR(3, READ_CR(3));
}

static void flush_pge(void)
{
    WRITE_CR(4, READ_CR(4) ^ CR4_PGE);
    WRITE_CR(4, READ_CR(4) ^ CR4_PGE);
}

static bool has_1g_pages(void)
{
    return cpuid(0x80000001, 0).d >> 26 & 1;
}

/* One INVLPG drops all of a large page, wherever it points. */
static void test_2m(void)
{
    uint64_t *pde = page_entry_at(LARGE, 2), f1 = 0x4000000, f2 = 0x4200000;
    unsigned i, wrong = 0;

    for (i = 0; i < 512; i++) {
        *(uint64_t *)(f1 + 4096 * i) = 100 + i;
        *(uint64_t *)(f2 + 4096 * i) = 1000 + i;
    }
    *pde = f1 | P | W | PS;
    for (i = 0; i < 512; i++) {
        wrong += peek(LARGE + 4096 * i) != 100 + i;
    }
    check_eq(wrong, 0, "2 MiB page");
    check_eq(*pde & (A | D), A, "it was accessed");
    *(volatile uint64_t *)(LARGE + 0x5008) = 77;
    check_eq(*(uint64_t *)(f1 + 0x5008), 77, "store through it");
    check_eq(*pde & (A | D), A | D, "it is dirty");
    *pde = f2 | P | W | PS;
    invlpg(LARGE + 0x123456);
    for (i = 0; i < 512; i++) {
        wrong += peek(LARGE + 4096 * i) != 1000 + i;
    }
    check_eq(wrong, 0, "remapped 2 MiB page after one INVLPG");
    *pde = 0;
    invlpg(LARGE);
}

static void test_1g(void)
{
    uint64_t *pdpte = page_entry_at(LARGE, 3), old = *pdpte;

    if (!has_1g_pages()) {
        return;
    }
    *(uint64_t *)0x4001000 = 11;
    *(uint64_t *)0x6ff0000 = 12;
    *pdpte = 0 | P | W | PS;
    invlpg(LARGE);
    check_eq(peek(LARGE + 0x4001000), 11, "1 GiB page");
    check_eq(peek(LARGE + 0x6ff0000), 12, "1 GiB page, far in it");
    check_eq(*pdpte & (A | D), A, "it was accessed");
    *pdpte = old;
    invlpg(LARGE + 0x4001000);
    invlpg(LARGE + 0x6ff0000);
}

/* --- over the end of a page --- */

/* Eight bytes at RDI each; the bytes there are 0xff before. */
void x_load(void *p), x_store(void *p), x_add(void *p), x_xchg(void *p),
    x_movups(void *p), x_push(void *p), x_fetch(void *p), x_lock_inc(void *p);
__asm__(".text\n"
        "x_load: mov (%rdi), %rax; ret\n"
        "x_store: movq $0, (%rdi); ret\n"
        "x_add: addq $1, (%rdi); ret\n"
        "x_xchg: mov $5, %eax; xchg %rax, (%rdi); ret\n"
        "x_lock_inc: lock incq (%rdi); ret\n"
        "x_movups: pxor %xmm0, %xmm0; movups %xmm0, -4(%rdi); ret\n"
        "x_push: mov %rsp, %rcx; lea 8(%rdi), %rsp; push $0;\n"
        "        mov %rcx, %rsp; ret\n"
        "x_fetch: jmp *%rdi\n");

static void expect_cross(const char *what, void (*fn)(void *),
                         uint64_t second_bits, uint64_t error)
{
    uint8_t *end = (uint8_t *)one + 4088;
    unsigned i, changed = 0;
    Frame f;

    page_map(PAGE, (uintptr_t)one, P | W);
    page_map(PAGE + 4096, (uintptr_t)two, second_bits);
    for (i = 0; i < 8; i++) {
        end[i] = 0xff;
    }
    check_eq(catch(fn, (void *)(PAGE + 4092), &f), 14, "%s: #PF", what);
    check_eq(f.error, error, "%s: error code", what);
    check_eq(READ_CR(2), PAGE + 4096, "%s: CR2 is in the second page", what);
    for (i = 0; i < 8; i++) {
        changed += end[i] != 0xff;
    }
    check_eq(changed, 0, "%s: the first page is as it was", what);
}

static void test_crossing(void)
{
    expect_cross("load", x_load, 0, 0);
    expect_cross("store", x_store, 0, 2);
    expect_cross("store to a read-only page", x_store, P, 3);
    expect_cross("add to a read-only page", x_add, P, 3);
    expect_cross("xchg with a read-only page", x_xchg, P, 3);
    expect_cross("locked increment", x_lock_inc, P, 3);
    expect_cross("movups", x_movups, P, 3);
}

/* An instruction of which only the first bytes are there. */
static void test_fetch_crossing(void)
{
    uint8_t *end = (uint8_t *)one + 4092;
    Frame f;

    page_map(PAGE, (uintptr_t)one, P | W);
    page_map(PAGE + 4096, 0, 0);
    end[0] = 0x90;
    end[1] = 0x48; /* MOV RAX, imm64 */
    end[2] = 0xb8;
    end[3] = 0x00;
    check_eq(catch(x_fetch, (void *)(PAGE + 4092), &f), 14,
             "instruction over the end: #PF");
    check_eq(f.error, 0x10, "error code says fetch");
    check_eq(READ_CR(2), PAGE + 4096, "CR2 is in the second page");
    check_eq(f.rip, PAGE + 4093, "rip is in the first");
    page_map(PAGE + 4096, (uintptr_t)two, P | W);
    *(uint64_t *)two = 0xc300000000000000; /* the end of imm64, RET */
    check_eq(catch(x_fetch, (void *)(PAGE + 4092), &f), -1, "now it is whole");
    end[1] = 0xeb; /* JMP .+0: the page is left by a jump */
    end[2] = 0x00;
    end[3] = 0x90;
    *(uint64_t *)two = 0xc3;
    page_map(PAGE + 4096, 0, 0);
    check_eq(catch(x_fetch, (void *)(PAGE + 4092), &f), 14,
             "running into the next page: #PF");
    check_eq(f.rip, PAGE + 4096, "rip is in the second page");
}

int main(void)
{
    one = page_alloc();
    two = page_alloc();
    *one = 1;
    *two = 2;
    test_invlpg();
    test_global();
    test_many(flush_cr3, P | W, "CR3");
    test_many(flush_pge, P | W | G, "global, CR4.PGE");
    test_2m();
    test_1g();
    test_crossing();
    test_fetch_crossing();
    return 0;
}
