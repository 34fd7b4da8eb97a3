/* SPDX-License-Identifier: MIT */
/*
 * Reserved bits and combinations of control, debug and model-specific
 * registers: each is #GP(0) and changes nothing.
 * Source: SDM vol. 3A, 2.5 "Control Registers"; vol. 2B, "MOV - Move to/from
 * Control Registers", "MOV - Move to/from Debug Registers"; vol. 3A, 12.11
 * "Memory Type Range Registers (MTRRs)", 12.12.2 "IA32_PAT MSR".
 */
#include "guest.h"

#define GP 13
#define UD 6

#define EFER      0xc0000080
#define EFER_SCE  (1ull << 0)
#define EFER_LME  (1ull << 8)
#define EFER_LMA  (1ull << 10)

static uint64_t value; /* what the next of these writes */
static uint32_t msr;

static void to_cr0(void *arg)
{
    (void)arg;
    WRITE_CR(0, value);
}

static void to_cr3(void *arg)
{
    (void)arg;
    WRITE_CR(3, value);
}

static void to_cr4(void *arg)
{
    (void)arg;
    WRITE_CR(4, value);
}

static void to_cr8(void *arg)
{
    (void)arg;
    WRITE_CR(8, value);
}

static void to_dr6(void *arg)
{
    (void)arg;
    __asm__ volatile("mov %0, %%dr6" ::"r"(value));
}

static void to_dr7(void *arg)
{
    (void)arg;
    __asm__ volatile("mov %0, %%dr7" ::"r"(value));
}

static void to_dr4(void *arg)
{
    (void)arg;
    __asm__ volatile("mov %0, %%db4" ::"r"(value));
}

static void to_msr(void *arg)
{
    (void)arg;
    wrmsr(msr, value);
}

static void from_msr(void *arg)
{
    (void)arg;
    value = rdmsr(msr);
}

static void refused(void (*write)(void *), uint64_t v, const char *what)
{
    Frame f;

    value = v;
    check(catch(write, NULL, &f) == GP && f.error == 0, "%s is #GP(0)", what);
}

static void test_cr(void)
{
    uint64_t cr0 = READ_CR(0), cr3 = READ_CR(3), cr4 = READ_CR(4);

    refused(to_cr0, cr0 | 1ull << 32, "CR0 bit 32");
    refused(to_cr0, cr0 & ~1ull, "PG without PE");
    refused(to_cr0, cr0 | 1 << 29, "NW without CD");
    refused(to_cr0, cr0 & ~(1ull << 31), "PG := 0 in 64-bit code");
    check_eq(READ_CR(0), cr0, "CR0 is as before");
    refused(to_cr3, cr3 | 1ull << 52, "CR3 bit 52");
    refused(to_cr3, cr3 | 1ull << 63, "CR3 bit 63 without PCIDE");
    check_eq(READ_CR(3), cr3, "CR3 is as before");
    refused(to_cr4, cr4 & ~(1ull << 5), "PAE := 0 in long mode");
    refused(to_cr4, cr4 | 1ull << 31, "CR4 bit 31");
    refused(to_cr4, cr4 | 1ull << 32, "CR4 bit 32");
    check_eq(READ_CR(4), cr4, "CR4 is as before");
    refused(to_cr8, 16, "CR8 above 15");
    WRITE_CR(8, 5);
    check_eq(READ_CR(8), 5, "CR8");
    WRITE_CR(8, 0);
    WRITE_CR(0, cr0 & ~(1ull << 4));
    check_eq(READ_CR(0), cr0 | 1 << 4, "CR0.ET cannot be cleared");
}

static void test_dr(void)
{
    uint64_t v;

    refused(to_dr6, 1ull << 32, "DR6 bit 32");
    refused(to_dr7, 1ull << 32, "DR7 bit 32");
    __asm__ volatile("mov %0, %%dr7" ::"r"(0xd000ull));
    __asm__ volatile("mov %%dr7, %0" : "=r"(v));
    check_eq(v, 0x400, "fixed bits of DR7");
    __asm__ volatile("mov %0, %%dr6" ::"r"(0ull));
    __asm__ volatile("mov %%dr6, %0" : "=r"(v));
    check_eq(v & ~0x10800ull, 0xfffe07f0, "fixed bits of DR6");
    WRITE_CR(4, READ_CR(4) | 8);
    check_eq(catch(to_dr4, NULL, NULL), UD, "DR4 with CR4.DE");
    WRITE_CR(4, READ_CR(4) & ~8ull);
    value = 0xffff0ff0;
    check_eq(catch(to_dr4, NULL, NULL), -1, "DR4 is DR6 without it");
}

static void refused_msr(uint32_t index, uint64_t v, const char *what)
{
    msr = index;
    refused(to_msr, v, what);
}

static void test_efer(void)
{
    uint64_t efer = rdmsr(EFER);

    refused_msr(EFER, efer | 1ull << 1, "EFER bit 1");
    refused_msr(EFER, efer | 1ull << 63, "EFER bit 63");
    refused_msr(EFER, efer & ~EFER_LME, "LME := 0 with paging");
    wrmsr(EFER, efer & ~EFER_LMA);
    check_eq(rdmsr(EFER), efer, "LMA cannot be written");
    wrmsr(EFER, efer | EFER_SCE);
    check_eq(rdmsr(EFER), efer | EFER_SCE, "SCE");
    wrmsr(EFER, efer);
}

static void test_addresses(void)
{
    static const struct {
        uint32_t index;
        const char *name;
    } rows[] = {
        {0xc0000082, "LSTAR"},         {0xc0000083, "CSTAR"},
        {0xc0000100, "FS_BASE"},       {0xc0000101, "GS_BASE"},
        {0xc0000102, "KERNEL_GS_BASE"}, {0x175, "SYSENTER_ESP"},
        {0x176, "SYSENTER_EIP"},
    };

    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        refused_msr(rows[i].index, 1ull << 63, rows[i].name);
        wrmsr(rows[i].index, 0xffff800000001000);
        check_eq(rdmsr(rows[i].index), 0xffff800000001000, rows[i].name);
        wrmsr(rows[i].index, 0);
    }
}

static void test_memory_types(void)
{
    uint64_t pat = rdmsr(0x277);

    check_eq(pat, 0x0007040600070406, "PAT after reset");
    refused_msr(0x277, 2, "PAT type 2");
    refused_msr(0x277, 3ull << 56, "PAT type 3");
    refused_msr(0x277, 8, "PAT type 8");
    wrmsr(0x277, 0x0105040600070406);
    check_eq(rdmsr(0x277), 0x0105040600070406, "PAT");
    wrmsr(0x277, pat);
    check((rdmsr(0xfe) & 255) >= 8, "eight variable MTRRs");
    refused_msr(0xfe, 0, "a write of MTRRCAP");
    refused_msr(0x2ff, 2, "MTRR default type 2");
    refused_msr(0x2ff, 1 << 8, "MTRR_DEF_TYPE bit 8");
    refused_msr(0x250, 7, "type 7 of a fixed MTRR");
    refused_msr(0x200, 1ull << 63, "an MTRR's base beyond memory");
    wrmsr(0x200, 0xc0000000 | 1);
    wrmsr(0x201, 0xffc0000800);
    check_eq(rdmsr(0x200), 0xc0000001, "an MTRR's base");
    check_eq(rdmsr(0x201), 0xffc0000800, "an MTRR's mask");
    wrmsr(0x201, 0);
    wrmsr(0x200, 0);
}

static bool has_tsc_adjust(void)
{
    return cpuid(7, 0).b >> 1 & 1;
}

static void test_tsc(void)
{
    uint64_t adjust, tsc = rdmsr(0x10);

    check(rdmsr(0x10) >= tsc, "the TSC does not go back");
    refused_msr(0xc0000103, 1ull << 32, "TSC_AUX bit 32");
    if (!has_tsc_adjust()) {
        check(true, "TSC_ADJUST # SKIP not there");
        return;
    }
    adjust = rdmsr(0x3b);
    wrmsr(0x3b, adjust + (1ull << 50));
    check(rdmsr(0x10) >= tsc + (1ull << 50), "TSC_ADJUST moves the TSC");
    wrmsr(0x3b, adjust);
    check(rdmsr(0x10) < tsc + (1ull << 50), "and back");
    tsc = rdmsr(0x10);
    wrmsr(0x10, tsc + (1ull << 50));
    check(rdmsr(0x3b) - adjust > 1ull << 49, "a write of the TSC adds up");
    wrmsr(0x3b, adjust);
}

int main(void)
{
    test_cr();
    test_dr();
    test_efer();
    test_addresses();
    test_memory_types();
    test_tsc();
    msr = 0x12345678;
    check_eq(catch(from_msr, NULL, NULL), GP, "an MSR that is not there");
    return 0;
}
