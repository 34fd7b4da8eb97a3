/* SPDX-License-Identifier: MIT */
/*
 * 4-level paging: reserved bits and what they win over, accessed and dirty
 * bits of one access after another, implicit accesses.  test_rights.c has the
 * access rights.
 * guest: -m 5G
 * Source: SDM vol. 3A, 4.5 "4-Level Paging and 5-Level Paging", 4.7 "Page-Fault
 * Exceptions", 4.8 "Accessed and Dirty Flags".
 */
#include "guest.h"

#define P  1ull
#define W  2ull
#define U  4ull
#define A  0x20ull
#define D  0x40ull
#define PS 0x80ull
#define NX (1ull << 63)

#define CR0_WP    (1ull << 16)
#define CR4_SMEP  (1ull << 20)
#define CR4_SMAP  (1ull << 21)
#define EFLAGS_AC (1ull << 18)
#define EFER      0xc0000080
#define EFER_NXE  (1ull << 11)

#define PAGE 0x200000000ull /* linear address that the test maps */

/* Accesses of the address in RDI. */
void do_read(void *p), do_write(void *p), do_fetch(void *p);
__asm__(".text\n"
        "do_read: mov (%rdi), %eax; ret\n"
        "do_write: movl $0xc3c3c3c3, (%rdi); ret\n"
        "do_fetch: call *%rdi; ret\n");

typedef struct Mode {
    bool wp, smep, smap;
} Mode;

static uint64_t *pde, *pte;

static void set_mode(const Mode *m)
{
    uint64_t cr4 = READ_CR(4) & ~(CR4_SMEP | CR4_SMAP);

    WRITE_CR(0, (READ_CR(0) & ~CR0_WP) | (m->wp ? CR0_WP : 0));
    WRITE_CR(4, cr4 | (m->smep ? CR4_SMEP : 0) | (m->smap ? CR4_SMAP : 0));
}

static void expect_fault(void (*fn)(void *), uint64_t va, uint64_t error,
                         const char *what)
{
    Frame f;

    invlpg(va);
    check_eq(catch(fn, (void *)va, &f), 14, "%s: #PF", what);
    check_eq(f.error, error, "%s: error code", what);
    check_eq(READ_CR(2), va, "%s: CR2", what);
}

static void expect_none(void (*fn)(void *), uint64_t va, const char *what)
{
    invlpg(va);
    check_eq(catch(fn, (void *)va, NULL), -1, "%s: no fault", what);
}

static void with_entry(uint64_t *entry, uint64_t value, uint64_t error,
                       const char *what)
{
    uint64_t old = *entry;

    *entry = value;
    expect_fault(do_read, PAGE, error, what);
    *entry = old;
    invlpg(PAGE);
}

static unsigned physical_bits(void)
{
    return cpuid(0x80000008, 0).a & 0xff;
}

/* Reserved bits win over rights, not over absence. */
static void test_reserved(void)
{
    unsigned bits = physical_bits();
    uint64_t *pdpte = page_entry_at(PAGE, 3);

    *pde = (*pde & 0xffffffffff000ull) | P | W | U;
    *pte = (*pte & 0xffffffffff000ull) | P | W | U;
    with_entry(pte, 0, 0, "absent PTE");
    with_entry(pde, 0, 0, "absent PDE");
    with_entry(pdpte, 0, 0, "absent PDPTE");
    if (bits < 52) {
        with_entry(pte, *pte | 1ull << 51, 9, "address bit 51 in a PTE");
        with_entry(pde, *pde | 1ull << bits, 9, "one address bit too many");
        with_entry(pte, (*pte | 1ull << 51) & ~P, 0, "the same, not present");
    }
    with_entry(pde, (*pde & 0xfffffffe00000ull) | 1 << 13 | P | W | PS, 9,
               "bit 13 of a 2 MiB page");
    with_entry(pdpte, 1 << 29 | P | W | PS, 9, "bit 29 of a 1 GiB page");
    wrmsr(EFER, rdmsr(EFER) & ~EFER_NXE);
    with_entry(pte, *pte | NX, 9, "NX without EFER.NXE");
    with_entry(pte, 0, 0, "absent PTE without EFER.NXE");
    wrmsr(EFER, rdmsr(EFER) | EFER_NXE);
}

/* PS in a PML4E is reserved: seen through a slot of its own. */
static void test_pml4_ps(void)
{
    uint64_t va = PAGE + (1ull << 39);
    uint64_t *entry;

    page_map(va, 0, P | W);
    expect_none(do_read, va, "a second PML4E");
    entry = page_entry_at(va, 4);
    *entry |= PS;
    WRITE_CR(3, READ_CR(3));
    expect_fault(do_read, va, 9, "PS in a PML4E");
    *entry = 0;
    WRITE_CR(3, READ_CR(3));
}

/* A read makes a clean entry; the store after it must come back for D. */
static void test_dirty_after_read(void)
{
    *pte &= ~(A | D);
    expect_none(do_read, PAGE, "read");
    check_eq(*pte & (A | D), A, "a read sets A");
    check_eq(catch(do_write, (void *)PAGE, NULL), -1, "write after it");
    check_eq(*pte & (A | D), A | D, "the write sets D");
    *pte &= ~(A | D);
    expect_none(do_fetch, PAGE, "fetch");
    check_eq(*pte & (A | D), A, "a fetch sets A only");
    *pte &= ~(A | W);
    set_mode(&(Mode){.wp = false});
    expect_none(do_write, PAGE, "write to a read-only page without WP");
    check_eq(*pte & (A | D), A | D, "it sets D");
    set_mode(&(Mode){.wp = true});
    check_eq(catch(do_write, (void *)PAGE, NULL), 14, "with WP it faults");
    *pte |= W;
    invlpg(PAGE);
}

/* System structures are supervisor accesses that AC does not excuse. */
static void load_ldt_segment(void *arg)
{
    (void)arg;
    __asm__ volatile(
        "pushf; orl $0x40000, (%%rsp); popf; mov %w0, %%ds" ::"r"(4));
}

static void test_implicit(void)
{
    uint64_t *ldt = page_alloc(), la = USER_BASE + (uintptr_t)ldt;
    Frame f;

    ldt[0] = 0x00cf93000000ffff;
    gdt[0x58 / 8] =
        7 | (la & 0xffffff) << 16 | 0x82ull << 40 | (la >> 24 & 0xff) << 56;
    gdt[0x60 / 8] = 0;
    __asm__ volatile("lldt %w0" ::"r"(0x58));
    check_eq(catch(load_ldt_segment, NULL, &f), -1, "LDT in a user page");
    set_mode(&(Mode){.wp = true, .smap = true});
    check_eq(catch(load_ldt_segment, NULL, &f), 14, "the same under SMAP");
    check_eq(f.error, 1, "error code");
    check_eq(READ_CR(2), la, "CR2");
    set_mode(&(Mode){.wp = true});
    __asm__ volatile("mov %w0, %%ds; lldt %w1" ::"r"(0x10), "r"(0));
}

/* All of CR3, and tables, above 4 GiB. */
static void test_high_tables(void)
{
    uint64_t high = 0x120000000ull, cr3 = READ_CR(3);

    page_map(PAGE + 0x1000, high, P | W);
    memcpy((void *)(PAGE + 0x1000), (void *)cr3, 4096);
    WRITE_CR(3, high);
    check_eq(READ_CR(3), high, "CR3 above 4 GiB");
    expect_none(do_read, PAGE, "a walk from there");
    check_eq(*(uint64_t *)(PAGE + 0x1000) & A, A, "sets accessed bits there");
    WRITE_CR(3, cr3);
}

int main(void)
{
    uint8_t *frame = page_alloc();
    unsigned i;

    for (i = 0; i < 4096; i++) {
        frame[i] = 0xc3; /* RET */
    }
    page_map(PAGE, (uintptr_t)frame, P | W);
    pde = page_entry_at(PAGE, 2);
    pte = page_entry(PAGE);
    test_reserved();
    test_pml4_ps();
    test_dirty_after_read();
    test_implicit();
    test_high_tables();
    return 0;
}
