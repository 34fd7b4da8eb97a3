/* SPDX-License-Identifier: MIT */
/*
 * 5-level paging: entered from 32-bit code, as it can only be changed with
 * paging off; canonical addresses of 57 bits; INVLPG and faults up there.
 * Registers take bases of 57 bits in either mode.
 * Source: SDM vol. 3A, 4.5 "4-Level Paging and 5-Level Paging"; 4.1.1 "Four
 * Paging Modes".
 */
#include "guest.h"

#define P 1ull
#define W 2ull

#define CR4_LA57 (1ull << 12)
#define HIGH     0x00aa000000003000ull /* needs bits 48 to 56 */

#define GP 13
#define PF 14

static bool has_la57(void)
{
    return cpuid(7, 0).c >> 16 & 1;
}

static void read_at(void *arg)
{
    (void)*(volatile uint64_t *)arg;
}

static void set_la57(void *arg)
{
    (void)arg;
    WRITE_CR(4, READ_CR(4) ^ CR4_LA57);
}

static void call_at(void *p)
{
    ((void (*)(void))p)();
}

/* Tables for HIGH below @top, an PML5. */
static uint64_t *map_high(uint64_t *top)
{
    uint64_t *table = top;

    for (unsigned shift = 48; shift > 12; shift -= 9) {
        uint64_t *e = &table[HIGH >> shift & 511];

        if (!*e) {
            *e = (uintptr_t)page_alloc() | P | W;
        }
        table = (uint64_t *)(*e & 0xffffffffff000ull);
    }
    return &table[HIGH >> 12 & 511];
}

static void test_high(uint64_t *top)
{
    uint64_t *frame = page_alloc(), *entry = map_high(top);
    Frame f;

    *frame = 0x1234;
    check_eq(catch(read_at, (void *)HIGH, &f), PF, "not mapped yet");
    check_eq(READ_CR(2), HIGH, "all of CR2");
    *entry = (uintptr_t)frame | P | W;
    check_eq(*(volatile uint64_t *)HIGH, 0x1234, "a page above 48 bits");
    *(volatile uint8_t *)HIGH = 0xc3; /* RET */
    check_eq(catch((void (*)(void *))HIGH, NULL, NULL), -1, "a call up there");
    check_eq(catch(call_at, (void *)(HIGH | 1ull << 56), &f), GP,
             "a call to what is not canonical");
    check(f.rip < HIGH, "faults where it is made");
    *entry = 0;
    invlpg(HIGH);
    check_eq(catch(read_at, (void *)HIGH, &f), PF, "INVLPG up there");
    check_eq(catch(read_at, (void *)(HIGH | 1ull << 56), &f), GP,
             "bit 56 alone is not canonical");
    check_eq(catch(read_at, (void *)(HIGH | 0xffull << 56), &f), PF,
             "with bits 63 to 57 it is");
}

/* --- what registers may hold --- */

#define WIDE   0xffaaaaaaaaaaaaaaull /* canonical with 57 bits, not with 48 */
#define BROKEN 0xaaaaaaaaaaaaaaaaull

static uint32_t msr;

static void write_msr(void *arg)
{
    wrmsr(msr, (uintptr_t)arg);
}

struct TablePtr {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

static void load_gdtr(void *arg)
{
    struct TablePtr old, p = {0xff, (uintptr_t)arg};

    __asm__ volatile("sgdt %0; lgdt %1; lgdt %0" : "=m"(old) : "m"(p));
}

static void load_idtr(void *arg)
{
    struct TablePtr old, p = {0xfff, (uintptr_t)arg};

    __asm__ volatile("sidt %0; lidt %1; lidt %0" : "=m"(old) : "m"(p));
}

static void set_base(unsigned sel, uint64_t base, unsigned type)
{
    gdt[sel / 8] = 0x67 | (base & 0xffffff) << 16 | (uint64_t)type << 40 |
                   (base >> 24 & 0xff) << 56;
    gdt[sel / 8 + 1] = base >> 32;
}

static void load_ldtr(void *arg)
{
    set_base(0x58, (uintptr_t)arg, 0x82);
    __asm__ volatile("lldt %w0; lldt %w1" ::"r"(0x58), "r"(0));
}

/* TR is left there: no level changes until it is loaded again. */
static void load_tr(void *arg)
{
    set_base(0x58, (uintptr_t)arg, 0x89);
    __asm__ volatile("ltr %w0" ::"r"(0x58));
}

static void do_invpcid(void *arg)
{
    struct {
        uint64_t pcid, address;
    } d = {0, (uintptr_t)arg};

    __asm__ volatile("invpcid %0, %1" ::"m"(d), "r"(0ull));
}

static void expect_width(const char *what, void (*fn)(void *))
{
    check_eq(catch(fn, (void *)WIDE, NULL), -1, "%s of 57 bits", what);
    check_eq(catch(fn, (void *)BROKEN, NULL), GP, "%s of 64 bits", what);
}

/* Bases are as wide as the processor can have addresses, in both modes. */
static void test_registers(const char *mode)
{
    static const struct {
        const char *name;
        uint32_t msr;
    } msrs[] = {
        {"LSTAR", 0xc0000082},          {"CSTAR", 0xc0000083},
        {"FS base", 0xc0000100},        {"GS base", 0xc0000101},
        {"kernel GS base", 0xc0000102},
    };
    uint64_t old[2] = {gdt[TSS_SELECTOR / 8], gdt[TSS_SELECTOR / 8 + 1]};
    unsigned i;

    print("# %s\n", mode);
    for (i = 0; i < sizeof(msrs) / sizeof(msrs[0]); i++) {
        msr = msrs[i].msr;
        expect_width(msrs[i].name, write_msr);
        wrmsr(msr, 0);
    }
    expect_width("GDTR", load_gdtr);
    expect_width("IDTR", load_idtr);
    expect_width("LDTR", load_ldtr);
    expect_width("TR", load_tr);
    gdt[TSS_SELECTOR / 8] = old[0] & ~(2ull << 40);
    __asm__ volatile("ltr %w0" ::"r"(TSS_SELECTOR));
    if (cpuid(7, 0).b >> 10 & 1) {
        expect_width("INVPCID", do_invpcid);
    }
}

int main(void)
{
    uint64_t cr3 = READ_CR(3), cr4 = READ_CR(4), *top;

    if (!has_la57()) {
        check(true, "LA57 # SKIP not there");
        return 0;
    }
    check_eq(catch(read_at, (void *)HIGH, NULL), GP,
             "not canonical with four levels");
    check_eq(catch(set_la57, NULL, NULL), GP, "CR4.LA57 in long mode");
    test_registers("four levels");
    top = page_alloc();
    top[0] = (cr3 & ~0xfffull) | P | W;
    change_paging(cr4 | CR4_LA57, (uintptr_t)top);
    check(READ_CR(4) & CR4_LA57, "five levels");
    test_high(top);
    test_registers("five levels");
    change_paging(cr4, cr3);
    check(!(READ_CR(4) & CR4_LA57), "back to four");
    check_eq(catch(read_at, (void *)HIGH, NULL), GP, "not canonical again");
    return 0;
}
