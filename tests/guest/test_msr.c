/* SPDX-License-Identifier: MIT */
/*
 * MSRs and CPUID: what is read back, what is refused, and that what CPUID
 * announces is there and what it does not is not.
 * Source: SDM vol. 4 "Model-Specific Registers"; vol. 2A "CPUID"; vol. 3A,
 * 2.2.1 "Extended Feature Enable Register", 12.11 "MTRRs", 12.12 "PAT".
 */
#include "guest.h"

#define NONCANONICAL (1ull << 63) /* with 57 bits, too */

#define EFER    0xc0000080
#define PAT     0x277
#define MTRRCAP 0xfe

/* --- MSRs --- */

static struct {
    uint32_t msr;
    uint64_t value;
} volatile access;

static void do_read(void *arg)
{
    (void)arg;
    access.value = rdmsr(access.msr);
}

static void do_write(void *arg)
{
    (void)arg;
    wrmsr(access.msr, access.value);
}

static int try_read(uint32_t msr)
{
    access.msr = msr;
    return catch(do_read, NULL, NULL);
}

static int try_write(uint32_t msr, uint64_t value)
{
    access.msr = msr;
    access.value = value;
    return catch(do_write, NULL, NULL);
}

/* Written, read back, and put back as it was. */
static void expect_kept(const char *what, uint32_t msr, uint64_t value)
{
    uint64_t old;

    check_eq(try_read(msr), -1, "%s: read", what);
    old = access.value;
    check_eq(try_write(msr, value), -1, "%s: write", what);
    try_read(msr);
    check_eq(access.value, value, "%s: read back", what);
    try_write(msr, old);
}

static void expect_refused(const char *what, uint32_t msr, uint64_t value)
{
    check_eq(try_write(msr, value), 13, "%s", what);
}

static void test_kept(void)
{
    expect_kept("SYSENTER_CS", 0x174, 0x1234);
    expect_kept("SYSENTER_ESP", 0x175, 0xffff800012345678);
    expect_kept("SYSENTER_EIP", 0x176, 0x7fff12345678);
    expect_kept("STAR", 0xc0000081, 0x1122334455667788);
    expect_kept("LSTAR", 0xc0000082, 0xffffffff81000000);
    expect_kept("CSTAR", 0xc0000083, 0xffffffff81000010);
    expect_kept("FMASK", 0xc0000084, 0x47700);
    expect_kept("FS base", 0xc0000100, 0xffff888000000000);
    expect_kept("GS base", 0xc0000101, 0x00007fffffffffff);
    expect_kept("kernel GS base", 0xc0000102, 0xffff888000000000);
    expect_kept("TSC_AUX", 0xc0000103, 0x12345678);
    expect_kept("PAT", PAT, 0x0007040600070406);
    expect_kept("MTRR physical base 0", 0x200, 0xe0000006);
    expect_kept("MTRR physical mask 0", 0x201, 0xff80000800);
    expect_kept("fixed MTRR 64K", 0x250, 0x0606060606060606);
    expect_kept("fixed MTRR 4K", 0x26f, 0x0505050505050505);
    expect_kept("MTRR default type", 0x2ff, 0xc06);
}

static void test_refused(void)
{
    expect_refused("non-canonical LSTAR", 0xc0000082, NONCANONICAL);
    expect_refused("non-canonical FS base", 0xc0000100, NONCANONICAL);
    expect_refused("non-canonical GS base", 0xc0000101, NONCANONICAL);
    expect_refused("non-canonical kernel GS base", 0xc0000102, NONCANONICAL);
    expect_refused("non-canonical SYSENTER_ESP", 0x175, NONCANONICAL);
    expect_refused("reserved bit of EFER", EFER, rdmsr(EFER) | 2);
    expect_refused("EFER.LME cleared with paging on", EFER,
                   rdmsr(EFER) & ~0x100ull);
    expect_refused("reserved type in PAT", PAT, 2);
    expect_refused("reserved type in the last byte of PAT", PAT, 2ull << 56);
    expect_refused("MTRR capabilities", MTRRCAP, 0);
    expect_refused("TSC_AUX past 32 bits", 0xc0000103, 1ull << 32);
    expect_refused("unknown MSR", 0x12345678, 0);
    check_eq(try_read(0x12345678), 13, "unknown MSR, read");
    wrmsr(EFER, rdmsr(EFER) & ~0x400ull);
    check_eq(rdmsr(EFER) & 0x500, 0x500, "EFER.LMA is not writable");
}

/* As many banks of machine-check registers as MCG_CAP counts. */
static void test_machine_check(void)
{
    unsigned banks, i, wrong = 0;

    check_eq(try_read(0x179), -1, "MCG_CAP");
    banks = access.value & 0xff;
    for (i = 0x400; i < 0x480; i++) {
        bool there = i < 0x400 + 4 * banks;

        wrong += (try_read(i) == -1) != there;
        wrong += (try_write(i, 0) == -1) != there;
        if (there && i % 4 == 1) {
            wrong += try_write(i, 1) != 13;
        }
    }
    check_eq(wrong, 0, "%u banks of it, and no others", banks);
}

/* The base of FS and GS is 64 bits; the limit counts for nothing. */
static void test_bases(void)
{
    static uint64_t there = 0x5a5a;
    uint64_t v;

    wrmsr(0xc0000100, (uintptr_t)&there - 0x1000);
    __asm__ volatile("mov %%fs:0x1000, %0" : "=r"(v));
    check_eq(v, 0x5a5a, "FS base counts");
    __asm__ volatile("mov %w0, %%fs" ::"r"(0x10));
    check_eq(rdmsr(0xc0000100), 0, "loading FS sets its base");
    WRITE_CR(4, READ_CR(4) | 1 << 16);
    if (READ_CR(4) >> 16 & 1) {
        __asm__ volatile("wrfsbase %0" ::"r"(&there));
        check_eq(rdmsr(0xc0000100), (uintptr_t)&there, "WRFSBASE");
        __asm__ volatile("rdfsbase %0" : "=r"(v));
        check_eq(v, (uintptr_t)&there, "RDFSBASE");
    }
}

/* --- control registers --- */

static void write_cr0(void *arg)
{
    WRITE_CR(0, (uintptr_t)arg);
}

static void write_cr3(void *arg)
{
    WRITE_CR(3, (uintptr_t)arg);
}

static void write_cr4(void *arg)
{
    WRITE_CR(4, (uintptr_t)arg);
}

static void write_cr8(void *arg)
{
    WRITE_CR(8, (uintptr_t)arg);
}

static void expect_gp(void (*fn)(void *), uint64_t value, const char *what)
{
    check_eq(catch(fn, (void *)value, NULL), 13, "%s", what);
}

static void test_control_registers(void)
{
    uint64_t cr0 = READ_CR(0), cr3 = READ_CR(3), cr4 = READ_CR(4);

    expect_gp(write_cr0, cr0 & ~1ull, "CR0: PG without PE");
    expect_gp(write_cr0, cr0 | 1 << 29, "CR0: NW without CD");
    expect_gp(write_cr0, cr0 | 1ull << 32, "CR0: past 32 bits");
    expect_gp(write_cr0, cr0 & ~(1ull << 31), "CR0: no paging in 64-bit code");
    expect_gp(write_cr3, cr3 | 1ull << 62, "CR3: reserved bit");
    expect_gp(write_cr4, cr4 | 1ull << 31, "CR4: reserved bit");
    expect_gp(write_cr4, cr4 ^ 1 << 12, "CR4: LA57 changed in long mode");
    expect_gp(write_cr8, 16, "CR8: past 15");
    WRITE_CR(0, cr0 & ~0x10ull);
    check_eq(READ_CR(0) & 0x10, 0x10, "CR0: ET is always set");
    check_eq(READ_CR(0), cr0, "CR0 is as it was");
    check_eq(READ_CR(4), cr4, "CR4 is as it was");
}

/* --- CPUID --- */

#define TRY(name, text)                                                        \
    static void name(void *arg)                                                \
    {                                                                          \
        __asm__ volatile(text ::"D"(arg)                                       \
                         : "rax", "rbx", "rcx", "rdx", "memory", "cc");        \
    }

TRY(i_cmpxchg16b, "lock cmpxchg16b (%0)")
TRY(i_popcnt, "popcnt %%eax, %%eax")
TRY(i_movbe, "movbe (%0), %%eax")
TRY(i_crc32, "crc32l %%eax, %%eax")
TRY(i_aes, "aesenc %%xmm0, %%xmm0")
TRY(i_pclmul, "pclmulqdq $0, %%xmm0, %%xmm0")
TRY(i_rdrand, "rdrand %%eax")
TRY(i_pshufb, "pshufb %%xmm0, %%xmm0")
TRY(i_ptest, "ptest %%xmm0, %%xmm0")
TRY(i_monitor, "xor %%ecx, %%ecx; xor %%edx, %%edx; mov %0, %%rax; monitor")
TRY(i_rdtscp, "rdtscp")
TRY(i_andn, "andn %%eax, %%ecx, %%edx")
TRY(i_shlx, "shlx %%eax, %%ecx, %%edx")
TRY(i_adcx, "adcx %%eax, %%ecx")
TRY(i_rdseed, "rdseed %%eax")
TRY(i_lzcnt, "lzcnt %%eax, %%ecx")
TRY(i_clflushopt, "clflushopt (%0)")
TRY(i_clwb, ".byte 0x66, 0x0f, 0xae, 0x37")
TRY(i_clwb_reg, ".byte 0x66, 0x0f, 0xae, 0xf0")
TRY(i_pcommit, ".byte 0x66, 0x0f, 0xae, 0xf8")
TRY(i_rdpru, "xor %%ecx, %%ecx; .byte 0x0f, 0x01, 0xfd")
TRY(i_vmcall, ".byte 0x0f, 0x01, 0xc1")
TRY(i_vmmcall, ".byte 0x0f, 0x01, 0xd9")
TRY(i_encls, ".byte 0x0f, 0x01, 0xcf")
TRY(i_rsm, "rsm")
TRY(i_invpcid, "xor %%eax, %%eax; mov $2, %%eax; invpcid (%0), %%rax")
TRY(i_stac, "stac; clac")
TRY(i_rdpid, "rdpid %%rax")
TRY(i_xgetbv, "xor %%ecx, %%ecx; xgetbv")

static void test_features(void)
{
    const CpuidRegs one = cpuid(1, 0), seven = cpuid(7, 0),
                    ext = cpuid(0x80000001, 0);
    const struct {
        const char *what;
        uint32_t word;
        unsigned bit;
        void (*fn)(void *);
    } rows[] = {
        {"CMPXCHG16B", one.c, 13, i_cmpxchg16b},
        {"POPCNT", one.c, 23, i_popcnt},
        {"MOVBE", one.c, 22, i_movbe},
        {"CRC32", one.c, 20, i_crc32},
        {"AESENC", one.c, 25, i_aes},
        {"PCLMULQDQ", one.c, 1, i_pclmul},
        {"RDRAND", one.c, 30, i_rdrand},
        {"PSHUFB", one.c, 9, i_pshufb},
        {"PTEST", one.c, 19, i_ptest},
        {"MONITOR", one.c, 3, i_monitor},
        {"RDTSCP", ext.d, 27, i_rdtscp},
        {"ANDN", seven.b, 3, i_andn},
        {"SHLX", seven.b, 8, i_shlx},
        {"ADCX", seven.b, 19, i_adcx},
        {"RDSEED", seven.b, 18, i_rdseed},
        {"CLFLUSHOPT", seven.b, 23, i_clflushopt},
        {"CLWB", seven.b, 24, i_clwb},
        {"INVPCID", seven.b, 10, i_invpcid},
        {"STAC", seven.b, 20, i_stac},
        {"RDPID", seven.c, 22, i_rdpid},
        {"XGETBV", one.c, 27, i_xgetbv},
    };
    static const struct {
        const char *what;
        void (*fn)(void *);
    } absent[] = {
        {"CLWB of a register", i_clwb_reg},
        {"PCOMMIT", i_pcommit},
        {"RDPRU", i_rdpru},
        {"VMCALL", i_vmcall},
        {"VMMCALL", i_vmmcall},
        {"ENCLS", i_encls},
        {"RSM", i_rsm},
    };
    static uint8_t operand[64] __attribute__((aligned(64)));
    unsigned i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        check_eq(catch(rows[i].fn, operand, NULL),
                 rows[i].word >> rows[i].bit & 1 ? -1 : 6,
                 "%s is there as CPUID says", rows[i].what);
    }
    for (i = 0; i < sizeof(absent) / sizeof(absent[0]); i++) {
        check_eq(catch(absent[i].fn, operand, NULL), 6, "%s is not there",
                 absent[i].what);
    }
    /* Without its bit, LZCNT is BSR. */
    check_eq(catch(i_lzcnt, operand, NULL), -1, "LZCNT or BSR");
}

static void test_leaves(void)
{
    CpuidRegs zero = cpuid(0, 0), ext = cpuid(0x80000000, 0);
    CpuidRegs past = cpuid(0x0fffffff, 0), last = cpuid(zero.a, 0);
    CpuidRegs sizes = cpuid(0x80000008, 0);

    check(zero.a >= 7, "basic leaves up to 7");
    check(ext.a >= 0x80000008, "extended leaves up to 80000008h");
    check(past.a == last.a && past.b == last.b && past.d == last.d,
          "a leaf past the last one reads as the last");
    check_eq(sizes.a >> 8 & 0xff, cpuid(7, 0).c >> 16 & 1 ? 57 : 48,
             "linear address bits");
    check_eq(cpuid(1, 0).b >> 24, 0, "initial APIC ID");
    check_eq(cpuid(1, 0).d >> 6 & 1, 1, "PAE");
    check_eq(cpuid(0x80000001, 0).d >> 29 & 1, 1, "long mode");
    check_eq(cpuid(7, 1).b & 0xffff0000, 0, "leaf 7, sub-leaf 1");
}

int main(void)
{
    test_kept();
    test_refused();
    test_machine_check();
    test_bases();
    test_control_registers();
    test_features();
    test_leaves();
    return 0;
}
