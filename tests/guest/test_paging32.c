/* SPDX-License-Identifier: MIT */
/*
 * 32-bit and PAE paging without long mode, and linear addresses that wrap at
 * 4 GiB; pages and tables above 4 GiB of physical memory.
 * guest: -m 5G
 * Source: SDM vol. 3A, 4.3 "32-Bit Paging", 4.4 "PAE Paging", 4.7 "Page-Fault
 * Exceptions".
 */
#include "guest.h"

#define P  1u
#define W  2u
#define U  4u
#define A  0x20u
#define D  0x40u
#define PS 0x80u
#define NX (1ull << 63)

#define CR0_PG  0x80000000u
#define CR0_WP  0x10000u
#define CR4_PSE 0x10u
#define CR4_PAE 0x20u

#define VA  0x40000000u /* what the cases map */
#define TOP 0xffc00000u

enum { READ, WRITE, FETCH };

/* One access under given control registers, and how it ended. */
struct {
    uint32_t cr0, cr3, cr4, address, op, poke, poked;
} in32;
struct {
    uint32_t value, vector, error, cr2;
} out32;
uint32_t esp32;
uint64_t idt32[32];
struct {
    uint16_t limit;
    uint32_t base;
} __attribute__((packed)) idt32_ptr = {sizeof(idt32) - 1, 0};

__asm__(".text\n.code32\n"
        ".align 16\n"
        "pg_vectors: .set n, 0\n"
        ".rept 32\n"
        ".align 16\n"
        "push $n\n"
        "jmp pg_fault\n"
        ".set n, n + 1\n"
        ".endr\n"
        "pg_fault: pop out32+4; pop out32+8\n"
        "mov %cr2, %eax; mov %eax, out32+12\n"
        "jmp pg_out\n"
        "pg_run: mov %esp, esp32\n"
        "lidt idt32_ptr\n"
        "movl $-1, out32+4\n"
        "mov %cr4, %eax; and $~0x30, %eax; or in32+8, %eax; mov %eax, %cr4\n"
        "mov in32+4, %eax; mov %eax, %cr3\n"
        "mov %cr0, %eax; and $~0x10000, %eax; or in32, %eax; mov %eax, %cr0\n"
        "jmp 1f\n"
        "1: mov in32+20, %ecx; jecxz 2f\n"
        "mov in32+24, %eax; mov %eax, (%ecx)\n"
        "2: mov in32+12, %ebx\n"
        "cmpl $1, in32+16; je 3f; ja 4f\n"
        "mov (%ebx), %eax; mov %eax, out32; jmp pg_out\n"
        "3: movl $0xc3c3c3c3, (%ebx); jmp pg_out\n"
        "4: call *%ebx\n"
        "pg_out: mov esp32, %esp\n"
        "mov %cr0, %eax; and $0x7fffffff, %eax; mov %eax, %cr0\n"
        "xor %eax, %eax; mov %eax, %cr3\n"
        "ret\n"
        ".code64\n");
extern char pg_vectors[], pg_run[];

static uint32_t *pd32, *pt32;             /* 32-bit paging */
static uint64_t *pdpt64, *pd64[2], *pt64; /* PAE */
static uint32_t *frame;

static void access32(uint32_t op, uint32_t address, uint32_t cr4)
{
    in32.cr0 = CR0_PG | CR0_WP;
    in32.cr3 = cr4 & CR4_PAE ? (uintptr_t)pdpt64 : (uintptr_t)pd32;
    in32.cr4 = cr4;
    in32.op = op;
    in32.address = address;
    run_protected(pg_run);
    in32.poke = 0;
}

static void expect_ok(const char *what, uint32_t op, uint32_t address,
                      uint32_t cr4)
{
    access32(op, address, cr4);
    check_eq(out32.vector, 0xffffffff, "%s", what);
}

static void expect_pf(const char *what, uint32_t op, uint32_t cr4,
                      uint32_t error)
{
    access32(op, VA, cr4);
    check_eq(out32.vector, 14, "%s: #PF", what);
    check_eq(out32.error, error, "%s: error code", what);
    check_eq(out32.cr2, VA, "%s: CR2", what);
}

static void set_up(void)
{
    unsigned i;

    for (i = 0; i < 32; i++) {
        uint64_t to = (uintptr_t)(pg_vectors + 16 * i);

        idt32[i] =
            (to & 0xffff) | 0x18 << 16 | 0x8eull << 40 | (to >> 16) << 48;
    }
    idt32_ptr.base = (uintptr_t)idt32;
    pd32 = page_alloc();
    pt32 = page_alloc();
    pdpt64 = page_alloc();
    pd64[0] = page_alloc();
    pd64[1] = page_alloc();
    pt64 = page_alloc();
    frame = page_alloc();
    for (i = 0; i < 1024; i++) {
        frame[i] = 0xc3c3c3c3; /* RET */
    }
}

/* The first 4 MiB one to one, by small pages: PSE may be off. */
static void tables32(uint32_t pde, uint32_t pte)
{
    static uint32_t *low;
    unsigned i;

    if (!low) {
        low = page_alloc();
    }
    for (i = 0; i < 1024; i++) {
        low[i] = i << 12 | P | W;
    }
    pd32[0] = (uintptr_t)low | P | W;
    pd32[VA >> 22] = pde;
    pt32[0] = pte;
}

static void test_32bit(void)
{
    uint32_t table = (uintptr_t)pt32, page = (uintptr_t)frame;

    tables32(table | P | W, page | P | W);
    expect_ok("32-bit: read", READ, VA, 0);
    check_eq(out32.value, frame[0], "32-bit: value");
    check_eq(pt32[0] & (A | D), A, "32-bit: accessed");
    expect_ok("32-bit: write", WRITE, VA, 0);
    check_eq(pt32[0] & (A | D), A | D, "32-bit: dirty");
    expect_ok("32-bit: fetch", FETCH, VA, 0);
    tables32(table | P, page | P | W);
    expect_pf("32-bit: read-only PDE", WRITE, 0, 3);
    tables32(table | P | W, page | P);
    expect_pf("32-bit: read-only PTE", WRITE, 0, 3);
    tables32(table | P | W, 0);
    expect_pf("32-bit: absent PTE", READ, 0, 0);
    expect_pf("32-bit: absent PTE, fetch", FETCH, 0, 0);
    tables32(0, 0);
    expect_pf("32-bit: absent PDE", WRITE, 0, 2);
    tables32(table | P | W | PS, page | P | W);
    expect_ok("32-bit: PS without PSE", READ, VA, 0);
    check_eq(out32.value, frame[0], "32-bit: PS without PSE is a table");
}

static void test_pse(void)
{
    *(uint32_t *)0x4000000 = 0x11223344;
    tables32(0x4000000 | P | W | PS, 0);
    expect_ok("PSE: read", READ, VA, CR4_PSE);
    check_eq(out32.value, 0x11223344, "PSE: value");
    check_eq(pd32[VA >> 22] & (A | D), A, "PSE: accessed");
    expect_ok("PSE: write, far in the page", WRITE, VA + 0x3ff000, CR4_PSE);
    check_eq(*(uint32_t *)0x43ff000, 0xc3c3c3c3, "PSE: written");
    check_eq(pd32[VA >> 22] & (A | D), A | D, "PSE: dirty");
    tables32(0x4000000 | P | W | PS | 1 << 21, 0);
    expect_pf("PSE: bit 21", READ, CR4_PSE, 9);
    tables32(0x4000000 | P | PS, 0);
    expect_pf("PSE: read-only", WRITE, CR4_PSE, 3);
}

static void tables_pae(uint64_t pdpte, uint64_t pde, uint64_t pte)
{
    unsigned i;

    for (i = 0; i < 4; i++) {
        pd64[0][i] = (uint64_t)i << 21 | P | W | PS;
    }
    pdpt64[0] = (uintptr_t)pd64[0] | P;
    pdpt64[VA >> 30] = pdpte;
    pd64[1][0] = pde;
    pt64[0] = pte;
}

static void test_pae(void)
{
    uint64_t dir = (uintptr_t)pd64[1], table = (uintptr_t)pt64,
             page = (uintptr_t)frame;

    tables_pae(dir | P, table | P | W, page | P | W);
    expect_ok("PAE: read", READ, VA, CR4_PAE);
    check_eq(out32.value, frame[0], "PAE: value");
    check_eq(pdpt64[VA >> 30], dir | P, "PAE: a PDPTE has no accessed bit");
    expect_ok("PAE: write", WRITE, VA, CR4_PAE);
    check_eq(pt64[0] & (A | D), A | D, "PAE: dirty");
    expect_ok("PAE: fetch", FETCH, VA, CR4_PAE);
    tables_pae(dir | P, table | P | W, page | P | W | NX);
    expect_pf("PAE: NX", FETCH, CR4_PAE, 0x11);
    tables_pae(dir | P, table | P | W, page | P | W | 1ull << 52);
    expect_pf("PAE: bit 52", READ, CR4_PAE, 9);
    tables_pae(dir | P, table | P, page | P | W);
    expect_pf("PAE: read-only PDE", WRITE, CR4_PAE, 3);
    tables_pae(0, 0, 0);
    expect_pf("PAE: absent PDPTE", READ, CR4_PAE, 0);
    expect_pf("PAE: absent PDPTE, fetch", FETCH, CR4_PAE, 0x10);
    *(uint32_t *)0x4200004 = 0x55667788;
    tables_pae(dir | P, 0x4200000 | P | W | PS, 0);
    expect_ok("PAE: 2 MiB page", READ, VA + 4, CR4_PAE);
    check_eq(out32.value, 0x55667788, "PAE: its value");
    tables_pae(dir | P, 0x4200000 | P | W | PS | 1 << 13, 0);
    expect_pf("PAE: bit 13 of a 2 MiB page", READ, CR4_PAE, 9);
}

/* --- physical addresses above 32 bits --- */

#define HIGH_FRAME 0x120000000ull
#define HIGH_TABLE 0x120001000ull
#define HIGH_LARGE 0x120400000ull
#define WINDOW     0x200000000ull /* of 64-bit code, to fill them */

static uint64_t *window(uint64_t pa)
{
    page_map(WINDOW, pa, P | W);
    return (uint64_t *)WINDOW;
}

static void test_high(void)
{
    uint64_t dir = (uintptr_t)pd64[1];

    *window(HIGH_FRAME) = 0x1122334455667788;
    *window(HIGH_LARGE) = 0x99aabbccddeeff00;
    tables_pae(dir | P, (uintptr_t)pt64 | P | W, HIGH_FRAME | P | W);
    expect_ok("PAE: a page above 4 GiB", READ, VA, CR4_PAE);
    check_eq(out32.value, 0x55667788, "PAE: its value");
    window(HIGH_TABLE)[0] = HIGH_FRAME | P | W;
    tables_pae(dir | P, HIGH_TABLE | P | W, 0);
    expect_ok("PAE: its table, too", WRITE, VA, CR4_PAE);
    check_eq(*window(HIGH_TABLE) & (A | D), A | D, "PAE: dirty up there");
    check_eq((uint32_t)*window(HIGH_FRAME), 0xc3c3c3c3, "PAE: written");
    tables_pae(dir | P, HIGH_LARGE | P | W | PS, 0);
    expect_ok("PAE: 2 MiB above 4 GiB", READ, VA, CR4_PAE);
    check_eq(out32.value, 0xddeeff00, "PAE: its value");
    if (cpuid(1, 0).d >> 17 & 1) {
        tables32((HIGH_LARGE & 0xffc00000) | (HIGH_LARGE >> 32) << 13 | P | W |
                     PS,
                 0);
        expect_ok("PSE-36: 4 MiB above 4 GiB", READ, VA, CR4_PSE);
        check_eq(out32.value, 0xddeeff00, "PSE-36: its value");
    }
}

/* SDM vol. 3A, 4.4.1 "PDPTE Registers": loaded with CR3, and checked then. */
static void test_pdptes(void)
{
    uint64_t dir = (uintptr_t)pd64[1], page = (uintptr_t)frame;

    tables_pae(dir | P, (uintptr_t)pt64 | P | W, page | P | W);
    pd64[0][0] |= U; /* so that the poke is a plain store */
    in32.poke = (uintptr_t)&pdpt64[VA >> 30];
    in32.poked = 0;
    expect_ok("PDPTE changed in memory only", READ, VA, CR4_PAE);
    tables_pae(dir | P | W, (uintptr_t)pt64 | P | W, page | P | W);
    access32(READ, VA, CR4_PAE);
    check_eq(out32.vector, 13, "reserved bit of a PDPTE: #GP");
    check_eq(out32.error, 0, "reserved bit of a PDPTE: error code");
}

/*
 * Four bytes at FFFFFFFEh through a segment of 4 GiB: either #GP, as the AMD
 * processors do that were tried, or two bytes at the top and two at 0.  SDM
 * vol. 3A, 5.3 "Limit Checking" leaves that to the implementation.
 */
static void test_wrap(void)
{
    volatile uint16_t *bottom = (uint16_t *)0;
    bool wraps;

    __asm__ volatile("" : "+r"(bottom));
    tables32(0, 0);
    pd32[TOP >> 22] = 0x4000000 | P | W | PS;
    *(uint16_t *)0x43ffffe = 0xbeef;
    access32(READ, 0xfffffffe, CR4_PSE);
    wraps = out32.vector == 0xffffffff;
    check(wraps ? out32.value == (0xbeef | (uint32_t)*bottom << 16)
                : out32.vector == 13 && out32.error == 0,
          "read over 4 GiB: #GP(0), or wraps");
    pd32[TOP >> 22] = 0;
    access32(READ, 0xfffffffe, CR4_PSE);
    check(wraps ? out32.vector == 14 && out32.cr2 == 0xfffffffe
                : out32.vector == 13,
          "the same with the top not mapped");
}

int main(void)
{
    set_up();
    test_32bit();
    test_pse();
    test_pae();
    test_high();
    test_pdptes();
    test_wrap();
    return 0;
}
