/* SPDX-License-Identifier: MIT */
/*
 * Page walks on tables built in RAM.  Expected values: SDM vol. 3A, chapter 4
 * "Paging": formats of entries in tables 4-3 to 4-20, error codes in 4.7,
 * access rights in 4.6.1, accessed and dirty flags in 4.8.
 */
#include <stdlib.h>
#include <string.h>

#include "exec/bql.h"
#include "exec/memory.h"
#include "target/i386/mmu.h"
#include "target/i386/models.h"
#include "util/rcu.h"

enum { P = 1, W = 2, U = 4, A = 0x20, D = 0x40, PS = 0x80, G = 0x100 };
#define NX (1ull << 63)

/* Where the tests put their tables and pages. */
#define ROOT 0x1000
#define DIR  0x2000
#define TAB  0x3000
#define TOP5 0x5000
#define PDPT 0x6000
#define PAGE 0x7000

static MemoryRegion ram;

typedef struct Fixture {
    X86CPU *cpu;
} Fixture;

static void poke(hwaddr addr, uint64_t value, unsigned bytes)
{
    address_space_store(&address_space_memory, addr, value, bytes);
}

static uint64_t peek(hwaddr addr, unsigned bytes)
{
    return address_space_load(&address_space_memory, addr, bytes, NULL);
}

static void set_model(Fixture *f, const char *text)
{
    GError *err = NULL;

    g_clear_pointer(&f->cpu->features, g_free);
    g_assert_true(x86_model_select(f->cpu, text, false, &err));
    g_assert_no_error(err);
}

static void setup(Fixture *f, gconstpointer unused)
{
    f->cpu = aligned_alloc(64, ROUND_UP(sizeof(X86CPU), 64));
    memset(f->cpu, 0, sizeof(*f->cpu));
    f->cpu->a20_mask = ~0ull;
    set_model(f, "max");
    memset(memory_region_ram_ptr(&ram), 0, 0x10000);
}

static void teardown(Fixture *f, gconstpointer unused)
{
    g_free(f->cpu->features);
    free(f->cpu);
}

/* --- modes; each maps linear page 0 by way of the tables above --- */

static void mode_32(X86CPU *cpu)
{
    cpu->cr0 = CR0_PE | CR0_PG | CR0_WP;
    cpu->cr3 = ROOT;
    poke(ROOT, DIR | P | W | U, 4);
}

static void mode_pae(X86CPU *cpu)
{
    cpu->cr0 = CR0_PE | CR0_PG | CR0_WP;
    cpu->cr4 = CR4_PAE;
    cpu->efer = EFER_NXE;
    cpu->cr3 = ROOT;
    poke(ROOT, DIR | P, 8);
    poke(DIR, TAB | P | W | U, 8);
    g_assert_true(x86_load_pdptes(cpu, cpu->cr3));
}

static void mode_long(X86CPU *cpu)
{
    cpu->cr0 = CR0_PE | CR0_PG | CR0_WP;
    cpu->cr4 = CR4_PAE;
    cpu->efer = EFER_LME | EFER_LMA | EFER_NXE;
    cpu->hflags = HF_PE | HF_LMA;
    cpu->cr3 = ROOT;
    poke(ROOT, PDPT | P | W | U, 8);
    poke(PDPT, DIR | P | W | U, 8);
    poke(DIR, TAB | P | W | U, 8);
}

static PageWalk good(X86CPU *cpu, vaddr la, int access, unsigned mmu)
{
    PageWalk w;

    g_assert_true(x86_page_walk(cpu, la, access, mmu, &w));
    return w;
}

static uint32_t fault(X86CPU *cpu, vaddr la, int access, unsigned mmu)
{
    PageWalk w;

    g_assert_false(x86_page_walk(cpu, la, access, mmu, &w));
    return w.error;
}

/* --- no paging --- */

static void test_none(Fixture *f, gconstpointer unused)
{
    PageWalk w = good(f->cpu, 0x12345678, PAGE_WRITE, MMU_USER);

    g_assert_cmphex(w.phys, ==, 0x12345678);
    g_assert_cmpint(w.prot, ==, PAGE_READ | PAGE_WRITE | PAGE_EXEC);
    f->cpu->a20_mask = ~(1ull << 20);
    w = good(f->cpu, 0x00312345, PAGE_READ, MMU_KERNEL);
    g_assert_cmphex(w.phys, ==, 0x00212345);
}

/* --- 32-bit paging --- */

static void test_32_page(Fixture *f, gconstpointer unused)
{
    PageWalk w;

    mode_32(f->cpu);
    poke(DIR + 4 * 5, PAGE | P | W | U, 4);
    w = good(f->cpu, 0x5123, PAGE_READ, MMU_USER);
    g_assert_cmphex(w.phys, ==, PAGE + 0x123);
    g_assert_cmpuint(w.page_bits, ==, 12);
    g_assert_false(w.global);
    /* Until D is set, stores must come back. */
    g_assert_cmpint(w.prot, ==, PAGE_READ | PAGE_EXEC);
    g_assert_cmphex(peek(ROOT, 4), ==, DIR | P | W | U | A);
    g_assert_cmphex(peek(DIR + 20, 4), ==, PAGE | P | W | U | A);
    w = good(f->cpu, 0x5123, PAGE_WRITE, MMU_USER);
    g_assert_cmpint(w.prot, ==, PAGE_READ | PAGE_WRITE | PAGE_EXEC);
    g_assert_cmphex(peek(DIR + 20, 4), ==, PAGE | P | W | U | A | D);
}

static void test_32_faults(Fixture *f, gconstpointer unused)
{
    mode_32(f->cpu);
    g_assert_cmphex(fault(f->cpu, 0x400000, PAGE_READ, MMU_KERNEL), ==, 0);
    g_assert_cmphex(fault(f->cpu, 0x1000, PAGE_WRITE, MMU_USER), ==,
                    PF_W | PF_U);
    poke(DIR, PAGE | P | W, 4); /* a supervisor's */
    g_assert_cmphex(fault(f->cpu, 0, PAGE_READ, MMU_USER), ==, PF_P | PF_U);
    poke(DIR, PAGE | P | U, 4); /* read-only */
    g_assert_cmphex(fault(f->cpu, 0, PAGE_WRITE, MMU_USER), ==,
                    PF_P | PF_W | PF_U);
    g_assert_cmphex(fault(f->cpu, 0, PAGE_WRITE, MMU_KERNEL), ==,
                    PF_P | PF_W);
    /* I/D is clear without SMEP and NX. */
    g_assert_cmphex(fault(f->cpu, 0x2000, PAGE_EXEC, MMU_USER), ==, PF_U);
    /* No fault has set an accessed bit. */
    g_assert_cmphex(peek(ROOT, 4), ==, DIR | P | W | U);
    g_assert_cmphex(peek(DIR, 4), ==, PAGE | P | U);
    f->cpu->cr0 &= ~CR0_WP;
    good(f->cpu, 0, PAGE_WRITE, MMU_KERNEL);
}

/* 4 MiB pages; PSE-36 puts address bits 32-39 in bits 13-20. */
static void test_32_pse(Fixture *f, gconstpointer unused)
{
    PageWalk w;

    mode_32(f->cpu);
    poke(ROOT + 4, 0x00c00000 | 0x5 << 13 | PS | P | W, 4);
    f->cpu->cr4 = CR4_PSE;
    w = good(f->cpu, 0x00765432, PAGE_READ, MMU_KERNEL);
    g_assert_cmphex(w.phys, ==, 0x500c00000 + 0x365432);
    g_assert_cmpuint(w.page_bits, ==, 22);
    poke(ROOT + 4, 0x00c00000 | 1 << 21 | PS | P | W, 4);
    g_assert_cmphex(fault(f->cpu, 0x00400000, PAGE_READ, MMU_KERNEL), ==,
                    PF_P | PF_RSVD);
    /* Without CR4.PSE bit 7 is ignored: the entry names a table. */
    f->cpu->cr4 = 0;
    poke(ROOT + 4, TAB | PS | P | W, 4);
    poke(TAB, PAGE | P, 4);
    w = good(f->cpu, 0x00400001, PAGE_READ, MMU_KERNEL);
    g_assert_cmphex(w.phys, ==, PAGE + 1);
}

/* --- PAE --- */

static void test_pae(Fixture *f, gconstpointer unused)
{
    PageWalk w;

    mode_pae(f->cpu);
    poke(TAB, 0x9000000000ull | P | W | U | NX, 8); /* above 4 GiB */
    w = good(f->cpu, 0x10, PAGE_READ, MMU_USER);
    g_assert_cmphex(w.phys, ==, 0x9000000010ull);
    g_assert_cmphex(fault(f->cpu, 0x10, PAGE_EXEC, MMU_USER), ==,
                    PF_P | PF_U | PF_I);
    /* Bits 52-62 are reserved here, as is NX without EFER.NXE. */
    poke(TAB, PAGE | P | 1ull << 52, 8);
    g_assert_cmphex(fault(f->cpu, 0, PAGE_READ, MMU_KERNEL), ==,
                    PF_P | PF_RSVD);
    poke(TAB, PAGE | P | NX, 8);
    f->cpu->efer = 0;
    g_assert_cmphex(fault(f->cpu, 0, PAGE_READ, MMU_KERNEL), ==,
                    PF_P | PF_RSVD);
    g_assert_cmphex(fault(f->cpu, 0x40000000, PAGE_READ, MMU_KERNEL), ==, 0);
}

static void test_pae_large(Fixture *f, gconstpointer unused)
{
    PageWalk w;

    mode_pae(f->cpu);
    poke(DIR + 8, 0x800000 | PS | P | W, 8);
    w = good(f->cpu, 0x2abcde, PAGE_WRITE, MMU_KERNEL);
    g_assert_cmphex(w.phys, ==, 0x8abcde);
    g_assert_cmpuint(w.page_bits, ==, 21);
    g_assert_cmphex(peek(DIR + 8, 8), ==, 0x800000 | PS | P | W | A | D);
    poke(DIR + 8, 0x800000 | 1 << 13 | PS | P, 8);
    g_assert_cmphex(fault(f->cpu, 0x200000, PAGE_READ, MMU_KERNEL), ==,
                    PF_P | PF_RSVD);
}

static void test_pdptes(Fixture *f, gconstpointer unused)
{
    mode_pae(f->cpu);
    poke(ROOT + 8, DIR | P | W, 8); /* bit 1 is reserved */
    g_assert_false(x86_load_pdptes(f->cpu, ROOT));
    g_assert_cmphex(f->cpu->pdpte[1], ==, 0);
    poke(ROOT + 8, DIR | W, 8); /* not present: not looked at */
    g_assert_true(x86_load_pdptes(f->cpu, ROOT));
}

/* --- 4-level and 5-level --- */

static void test_long_sizes(Fixture *f, gconstpointer unused)
{
    PageWalk w;

    mode_long(f->cpu);
    f->cpu->cr4 |= CR4_PGE;
    poke(TAB + 8 * 3, PAGE | P | W | U | G, 8);
    w = good(f->cpu, 0x3abc, PAGE_READ, MMU_USER);
    g_assert_cmphex(w.phys, ==, PAGE + 0xabc);
    g_assert_true(w.global);
    poke(DIR + 8, 0xa00000 | PS | P, 8);
    w = good(f->cpu, 0x212345, PAGE_READ, MMU_KERNEL);
    g_assert_cmphex(w.phys, ==, 0xa12345);
    g_assert_cmpuint(w.page_bits, ==, 21);
    poke(PDPT + 8, 0x80000000ull | PS | P, 8);
    w = good(f->cpu, 0x7fedcba9, PAGE_READ, MMU_KERNEL);
    g_assert_cmphex(w.phys, ==, 0xbfedcba9);
    g_assert_cmpuint(w.page_bits, ==, 30);
    poke(ROOT + 8, PDPT | PS | P, 8); /* PS of a PML4E is reserved */
    g_assert_cmphex(fault(f->cpu, 1ull << 39, PAGE_READ, MMU_KERNEL), ==,
                    PF_P | PF_RSVD);
}

/* Bits 52-62 are ignored in long mode, those above MAXPHYADDR reserved. */
static void test_long_reserved(Fixture *f, gconstpointer unused)
{
    mode_long(f->cpu);
    poke(TAB, PAGE | P | 0x7ffull << 52, 8);
    good(f->cpu, 0, PAGE_READ, MMU_KERNEL);
    poke(TAB, PAGE | P | 1ull << 40, 8);
    g_assert_cmphex(fault(f->cpu, 0, PAGE_WRITE, MMU_USER), ==,
                    PF_P | PF_RSVD | PF_W | PF_U);
}

/* MAXPHYADDR is what CPUID says: the bits from there to 51 are reserved, at
 * each level. */
static void test_phys_bits(Fixture *f, gconstpointer unused)
{
    static const hwaddr entry[] = {ROOT, PDPT, DIR, TAB};

    for (unsigned bits = 32; bits <= 52; bits += 5) {
        g_autofree char *text = g_strdup_printf("max,phys-bits=%u", bits);

        set_model(f, text);
        mode_long(f->cpu);
        poke(TAB, PAGE | P, 8);
        for (unsigned i = 0; i < ARRAY_LEN(entry); i++) {
            uint64_t old = peek(entry[i], 8);

            for (unsigned bit = bits; bit < 52; bit++) {
                poke(entry[i], old | 1ull << bit, 8);
                g_assert_cmphex(fault(f->cpu, 0, PAGE_READ, MMU_KERNEL), ==,
                                PF_P | PF_RSVD);
            }
            poke(entry[i], old, 8);
        }
        poke(TAB, PAGE | P | 1ull << (bits - 1), 8);
        g_assert_cmphex(good(f->cpu, 0, PAGE_READ, MMU_KERNEL).phys, ==,
                        PAGE | 1ull << (bits - 1));
    }
}

/* The PDPTEs of PAE paging are checked when they are loaded. */
static void test_pae_phys_bits(Fixture *f, gconstpointer unused)
{
    set_model(f, "pentium3"); /* 36 bits */
    mode_pae(f->cpu);
    f->cpu->efer = 0;
    poke(ROOT + 8, 1ull << 36 | P, 8);
    g_assert_false(x86_load_pdptes(f->cpu, ROOT));
    poke(ROOT + 8, 1ull << 35 | P, 8);
    g_assert_true(x86_load_pdptes(f->cpu, ROOT));
    poke(TAB, PAGE | P | 1ull << 36, 8);
    g_assert_cmphex(fault(f->cpu, 0, PAGE_READ, MMU_KERNEL), ==,
                    PF_P | PF_RSVD);
}

/* SDM vol. 3A, table 4-4: M is 40 at most, 32 without PSE-36. */
static void test_pse36(Fixture *f, gconstpointer unused)
{
    static const struct {
        const char *model;
        uint32_t reserved; /* of bits 21:13 */
    } rows[] = {
        {"max", 0x200000},        {"max,phys-bits=36", 0x3e0000},
        {"max,-pse36", 0x3fe000}, {"pentium3", 0x3e0000},
        {"pentium", 0x3fe000},
    };

    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        set_model(f, rows[i].model);
        mode_32(f->cpu);
        f->cpu->cr4 = CR4_PSE;
        for (unsigned bit = 13; bit <= 21; bit++) {
            PageWalk w;
            bool reserved = rows[i].reserved >> bit & 1;

            poke(ROOT, P | PS | 1u << bit, 4);
            g_assert_true(x86_page_walk(f->cpu, 0, PAGE_READ, MMU_KERNEL, &w) ==
                          !reserved);
            if (!reserved) {
                g_assert_cmphex(w.phys, ==, 1ull << (bit + 19));
            }
        }
    }
}

/* Without the feature the bit that would select is reserved. */
static void test_pat_bit(Fixture *f, gconstpointer unused)
{
    for (unsigned with = 0; with < 2; with++) {
        set_model(f, with ? "max" : "max,-pat");
        mode_long(f->cpu);
        poke(TAB, PAGE | P | 0x80, 8);
        poke(DIR + 8, P | PS | 0x1000, 8);
        if (with) {
            good(f->cpu, 0, PAGE_READ, MMU_KERNEL);
            good(f->cpu, 0x200000, PAGE_READ, MMU_KERNEL);
        } else {
            g_assert_cmphex(fault(f->cpu, 0, PAGE_READ, MMU_KERNEL), ==,
                            PF_P | PF_RSVD);
            g_assert_cmphex(fault(f->cpu, 0x200000, PAGE_READ, MMU_KERNEL), ==,
                            PF_P | PF_RSVD);
        }
    }
}

static void test_gib_pages(Fixture *f, gconstpointer unused)
{
    set_model(f, "max,-pdpe1gb");
    mode_long(f->cpu);
    poke(PDPT, P | PS, 8);
    g_assert_cmphex(fault(f->cpu, 0, PAGE_READ, MMU_KERNEL), ==,
                    PF_P | PF_RSVD);
}

static void test_smep_smap(Fixture *f, gconstpointer unused)
{
    mode_long(f->cpu);
    f->cpu->efer = EFER_LME | EFER_LMA;
    poke(TAB, PAGE | P | W | U, 8);
    good(f->cpu, 0, PAGE_EXEC, MMU_KERNEL);
    f->cpu->cr4 |= CR4_SMEP;
    g_assert_cmphex(fault(f->cpu, 0, PAGE_EXEC, MMU_KERNEL), ==,
                    PF_P | PF_I);
    good(f->cpu, 0, PAGE_EXEC, MMU_USER);
    good(f->cpu, 0, PAGE_READ, MMU_KERNEL);
    g_assert_cmphex(fault(f->cpu, 0, PAGE_READ, MMU_KERNEL_SMAP), ==, PF_P);
    poke(TAB, PAGE | P | W, 8);
    good(f->cpu, 0, PAGE_WRITE, MMU_KERNEL_SMAP);
    good(f->cpu, 0, PAGE_EXEC, MMU_KERNEL_SMAP);
}

/* U/S and R/W count at every level, and so does XD. */
static void test_long_combined(Fixture *f, gconstpointer unused)
{
    mode_long(f->cpu);
    poke(TAB, PAGE | P | W | U, 8);
    poke(PDPT, DIR | P | U, 8);
    g_assert_cmphex(fault(f->cpu, 0, PAGE_WRITE, MMU_USER), ==,
                    PF_P | PF_W | PF_U);
    poke(PDPT, DIR | P | W | U | NX, 8);
    g_assert_cmphex(fault(f->cpu, 0, PAGE_EXEC, MMU_KERNEL), ==,
                    PF_P | PF_I);
    poke(PDPT, DIR | P | W, 8);
    g_assert_cmphex(fault(f->cpu, 0, PAGE_READ, MMU_USER), ==, PF_P | PF_U);
}

static void test_la57(Fixture *f, gconstpointer unused)
{
    PageWalk w;

    mode_long(f->cpu);
    f->cpu->cr4 |= CR4_LA57;
    f->cpu->cr3 = TOP5;
    poke(TOP5 + 8 * 0x101, ROOT | P | W | U, 8);
    poke(TAB + 8, PAGE | P, 8);
    w = good(f->cpu, 0xff01000000001005ull, PAGE_READ, MMU_KERNEL);
    g_assert_cmphex(w.phys, ==, PAGE + 5);
    g_assert_cmphex(fault(f->cpu, 0x1005, PAGE_READ, MMU_KERNEL), ==, 0);
}

/* A debugger sees what is mapped and leaves no trace. */
static void test_debug(Fixture *f, gconstpointer unused)
{
    hwaddr pa;

    mode_long(f->cpu);
    poke(TAB, PAGE | P, 8);
    g_assert_true(x86_get_phys_debug(&f->cpu->cs, 0x77, &pa));
    g_assert_cmphex(pa, ==, PAGE + 0x77);
    g_assert_cmphex(peek(TAB, 8), ==, PAGE | P);
    g_assert_false(x86_get_phys_debug(&f->cpu->cs, 0x1000, &pa));
    g_assert_false(x86_get_phys_debug(&f->cpu->cs, 1ull << 47, &pa));
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*fn)(Fixture *f, gconstpointer unused);
    } tests[] = {
        {"/mmu/none", test_none},
        {"/mmu/32/page", test_32_page},
        {"/mmu/32/faults", test_32_faults},
        {"/mmu/32/pse", test_32_pse},
        {"/mmu/pae/pages", test_pae},
        {"/mmu/pae/large", test_pae_large},
        {"/mmu/pae/pdptes", test_pdptes},
        {"/mmu/long/sizes", test_long_sizes},
        {"/mmu/long/reserved", test_long_reserved},
        {"/mmu/long/smep-smap", test_smep_smap},
        {"/mmu/long/combined", test_long_combined},
        {"/mmu/long/la57", test_la57},
        {"/mmu/phys-bits/long", test_phys_bits},
        {"/mmu/phys-bits/pae", test_pae_phys_bits},
        {"/mmu/phys-bits/pse36", test_pse36},
        {"/mmu/no-pat", test_pat_bit},
        {"/mmu/no-pdpe1gb", test_gib_pages},
        {"/mmu/debug", test_debug},
    };

    g_test_init(&argc, &argv, NULL);
    bql_init();
    bql_lock();
    memory_map_init();
    g_assert_true(memory_region_init_ram(&ram, "ram", MiB, NULL));
    memory_region_add(system_memory(), 0, &ram);
    bql_unlock();
    for (unsigned i = 0; i < ARRAY_LEN(tests); i++) {
        g_test_add(tests[i].name, Fixture, NULL, setup, tests[i].fn, teardown);
    }
    return g_test_run();
}
