/* SPDX-License-Identifier: MIT */
/*
 * Each feature of CPUID, and what becomes of its instructions, control bits and
 * MSRs when a model lacks it: #UD, #GP(0), or another meaning of the same
 * bytes.  Code runs at CPL 0, in 64-bit mode or in 32-bit protected mode
 * without paging.
 * Expected: SDM vol. 2, under each mnemonic; vol. 3A, 2.5 and 2.6; vol. 4,
 * table 2-2; AMD APM vol. 3.
 */
#include "target/i386/fpustate.h"
#include "target/i386/models.h"
#include "target/i386/msr.h"
#include "tests/target/x86_machine.h"

#define PML4     0x10000
#define PDPT     0x11000
#define PD       0x12000
#define CODE     0x20000
#define HANDLERS 0x21000 /* a HLT for each vector */
#define DATA     0x22000
#define VECTORS  32

enum { RAN = -1, GP = EXCP_GP, UD = EXCP_UD, NM = EXCP_NM, PF = EXCP_PF };

/* --- a machine for a few instructions --- */

static uint64_t apic_base = 0xfee00900;

static uint64_t fake_get_base(void *apic)
{
    return apic_base;
}

static bool fake_set_base(void *apic, uint64_t value)
{
    return true;
}

static const X86ApicOps fake_apic = {
    .get_base = fake_get_base,
    .set_base = fake_set_base,
    .get_tsc_deadline = fake_get_base,
};

static void make_gates(bool wide)
{
    for (unsigned i = 0; i < VECTORS; i++) {
        uint16_t sel = wide ? SEL_CODE64 : SEL_CODE0;
        hwaddr gate = IDT_ADDR + i * (wide ? 16 : 8);

        poke(HANDLERS + i, 0xf4, 1);
        set_gate(gate, SYS_INT32, 0, sel, HANDLERS + i);
        if (wide) {
            poke(gate + 8, 0, 8);
        }
    }
}

static void enter_long(void)
{
    poke(PML4, PDPT | 3, 8);
    poke(PDPT, PD | 3, 8);
    poke(PD, 0x83, 8); /* 2 MiB, one to one */
    cpu->cr3 = PML4;
    cpu->cr4 |= CR4_PAE;
    cpu->efer |= EFER_LME | EFER_LMA;
    cpu->cr0 |= CR0_PG;
    seg_set(cpu, R_CS, SEL_CODE64, 0, 0xffffffff,
            (AR_CODE & ~DESC_B) | DESC_L | DESC_A);
}

/* All that the operating system would switch on, if it may. */
static void enable_features(void)
{
    static const struct {
        uint64_t bit;
        X86FeatureId id;
    } rows[] = {
        {CR4_OSFXSR, FEAT_FXSR},
        {CR4_OSXMMEXCPT, FEAT_SSE},
        {CR4_OSXSAVE, FEAT_XSAVE},
        {CR4_PKE, FEAT_PKU},
    };

    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        cpu->cr4 |= x86_has_feature(cpu, rows[i].id) ? rows[i].bit : 0;
    }
    cpu->cr4 |= x86_has_feature(cpu, FEAT_FSGSBASE) ? CR4_FSGSBASE : 0;
    cpu->xcr0 = x86_has_feature(cpu, FEAT_AVX) ? 7 : 3;
    cpu->lstar = CODE + 2; /* SYSCALL alone: to the HLT behind it */
    cpu->efer |= x86_has_feature(cpu, FEAT_SYSCALL) ? EFER_SCE : 0;
}

static void set_up(const char *model, unsigned mode)
{
    GError *err = NULL;

    g_clear_pointer(&cpu->features, g_free);
    g_assert_true(x86_model_select(cpu, model, false, &err));
    g_assert_no_error(err);
    machine_reset(0);
    msr_reset(cpu);
    cpu->apic_ops = &fake_apic;
    cpu->apic = &apic_base;
    memset((char *)memory_region_ram_ptr(&machine_ram) + DATA, 0, PAGE_SIZE);
    cpu->cr3 = 0;
    cpu->mxcsr = 0x1f80;
    fpu_x87_init(cpu);
    make_gates(mode == 64);
    enable_features();
    if (mode == 64) {
        enter_long();
    }
    x86_update_hflags(cpu);
    tlb_flush(&cpu->cs, TLB_FLUSH_RESET);
    cpu->regs[R_RDI] = DATA;
}

/* To the HLT behind the code or to that of a handler, whose vector it is. */
static int run(void)
{
    current_cpu = &cpu->cs;
    cpu->rip = CODE;
    cpu->cs.halted = 0;
    cpu->cs.cflags_next_tb = UINT32_MAX;
    while (tcg_cpu_exec(&cpu->cs) != CPU_EXIT_HLT) {
        cpu_reset_interrupt(&cpu->cs, CPU_INTERRUPT_EXIT);
        bql_lock();
        cpu_process_work(&cpu->cs);
        bql_unlock();
    }
    return cpu->rip - 1 >= HANDLERS && cpu->rip - 1 < HANDLERS + VECTORS
               ? (int)(cpu->rip - 1 - HANDLERS)
               : RAN;
}

static int run_code(const uint8_t *code, unsigned len)
{
    tb_invalidate_ram_range(machine_ram.ram->offset, MiB);
    for (unsigned i = 0; i < len; i++) {
        poke(CODE + i, code[i], 1);
    }
    poke(CODE + len, 0xf4, 1);
    return run();
}

/* --- the table --- */

#define MAX_CODE 24

typedef struct Row {
    X86FeatureId id;
    uint8_t mode;
    int8_t with, without; /* how the code ends */
    uint8_t code[MAX_CODE], len;
    const char *base; /* the model; NULL: "max" */
} Row;

#define BYTES(...) {__VA_ARGS__}, sizeof((uint8_t[]){__VA_ARGS__})
#define IMM32(n)                                                               \
    (n) & 0xff, (n) >> 8 & 0xff, (n) >> 16 & 0xff, (uint32_t)(n) >> 24
/* Runs with the feature, is #UD without; the second: in 32-bit mode. */
#define INSN(id, ...)                                                          \
    {                                                                          \
        FEAT_##id, 64, RAN, UD, BYTES(__VA_ARGS__)                             \
    }
#define INSN32(id, ...)                                                        \
    {                                                                          \
        FEAT_##id, 32, RAN, UD, BYTES(__VA_ARGS__)                             \
    }
/* MOV EAX, bit; MOV CR4, EAX */
#define CR4(id, bit)                                                           \
    {                                                                          \
        FEAT_##id, 32, RAN, GP,                                                \
            BYTES(0xb8, IMM32(1u << (bit)), 0x0f, 0x22, 0xe0)                  \
    }
/* MOV ECX, index; RDMSR */
#define MSR(id, index)                                                         \
    {                                                                          \
        FEAT_##id, 32, RAN, GP, BYTES(0xb9, IMM32(index), 0x0f, 0x32)          \
    }
/* XOR EDX, EDX; MOV EAX, value; MOV ECX, index; WRMSR */
#define WRMSR(id, index, value)                                                \
    {                                                                          \
        FEAT_##id, 32, RAN, GP,                                                \
            BYTES(0x31, 0xd2, 0xb8, IMM32(value), 0xb9, IMM32(index), 0x0f,    \
                  0x30)                                                        \
    }
/* XOR EDX, EDX; XOR ECX, ECX; MOV EAX, value; XSETBV */
#define XCR0(id, value)                                                        \
    {                                                                          \
        FEAT_##id, 32, RAN, GP,                                                \
            BYTES(0x31, 0xd2, 0x31, 0xc9, 0xb8, IMM32(value), 0x0f, 0x01,      \
                  0xd1)                                                        \
    }

static const Row rows[] = {
    /* --- 1: EDX --- */
    INSN32(FPU, 0xd9, 0xe8), /* FLD1 */
    INSN32(FPU, 0xdb, 0x0f), /* FISTTP */
    INSN32(FPU, 0xda, 0xc0), /* FCMOVB */
    /* Under CR0.EM it is left to an emulator: MOV EAX, CR0; OR AL, 4; MOV CR0,
     * EAX; FLD1 */
    {FEAT_FPU, 32, NM, NM,
     BYTES(0x0f, 0x20, 0xc0, 0x0c, 4, 0x0f, 0x22, 0xc0, 0xd9, 0xe8)},
    CR4(VME, 0),
    CR4(VME, 1),
    CR4(DE, 3),
    CR4(PSE, 4),
    INSN32(TSC, 0x0f, 0x31),
    CR4(TSC, 2),
    MSR(TSC, 0x10),
    {FEAT_MSR, 32, RAN, UD, BYTES(0xb9, IMM32(0x17), 0x0f, 0x32)},
    {FEAT_MSR, 32, GP, UD, BYTES(0xb9, IMM32(0x17), 0x0f, 0x30)},
    CR4(PAE, 5),
    CR4(MCE, 6),
    INSN(CX8, 0x0f, 0xc7, 0x0f), /* CMPXCHG8B */
    MSR(APIC, 0x1b),
    {FEAT_SEP, 32, GP, UD, BYTES(0x0f, 0x34)}, /* SYSENTER_CS is null */
    MSR(SEP, 0x174),
    MSR(MTRR, 0xfe),
    MSR(MTRR, 0x2ff),
    CR4(PGE, 7),
    MSR(MCA, 0x179),
    MSR(MCA, 0x400),
    INSN(CMOV, 0x0f, 0x44, 0xc1),
    INSN(CMOV, 0xda, 0xc0),
    MSR(PAT, 0x277),
    INSN(CLFSH, 0x0f, 0xae, 0x3f),
    INSN(MMX, 0x0f, 0xfc, 0xc1),       /* PADDB */
    INSN(MMX, 0x0f, 0xf4, 0xc1),       /* PMULUDQ of SSE2 */
    INSN(MMX, 0x0f, 0x38, 0x00, 0xc1), /* PSHUFB of SSSE3 */
    INSN(MMX, 0x0f, 0x2a, 0xc1),       /* CVTPI2PS */
    INSN(MMX, 0xf3, 0x0f, 0xd6, 0xc1), /* MOVQ2DQ */
    INSN32(FXSR, 0x0f, 0xae, 0x07),
    CR4(FXSR, 9),
    INSN(SSE, 0x0f, 0x58, 0xc1),
    CR4(SSE, 10),
    INSN(SSE, 0x0f, 0x2a, 0xc1),
    INSN(SSE2, 0x66, 0x0f, 0x58, 0xc1),
    INSN(SSE2, 0x0f, 0xd4, 0xc1), /* PADDQ of MMX registers */
    INSN(SSE2, 0x0f, 0xae, 0xf0), /* MFENCE */

    /* --- 1: ECX --- */
    INSN(SSE3, 0xf2, 0x0f, 0x7c, 0xc1),
    INSN(SSE3, 0xdf, 0x0f),
    INSN(PCLMULQDQ, 0x66, 0x0f, 0x3a, 0x44, 0xc1, 0),
    /* XOR ECX, ECX; MOV EAX, EDI; MONITOR */
    INSN(MONITOR, 0x31, 0xc9, 0x89, 0xf8, 0x0f, 0x01, 0xc8),
    INSN(SSSE3, 0x66, 0x0f, 0x38, 0x00, 0xc1),
    INSN(SSSE3, 0x0f, 0x38, 0x00, 0xc1),
    INSN(FMA, 0xc4, 0xe2, 0x71, 0x98, 0xc2),
    INSN(CX16, 0x48, 0x0f, 0xc7, 0x0f),
    /* MOV RAX, CR4; BTS EAX, 17; MOV CR4, RAX */
    {FEAT_PCID, 64, RAN, GP,
     BYTES(0x0f, 0x20, 0xe0, 0x0f, 0xba, 0xe8, 17, 0x0f, 0x22, 0xe0)},
    INSN(SSE41, 0x66, 0x0f, 0x38, 0x17, 0xc1),
    INSN(SSE42, 0xf2, 0x0f, 0x38, 0xf1, 0xc1),
    INSN(SSE42, 0x66, 0x0f, 0x38, 0x37, 0xc1),
    WRMSR(X2APIC, 0x1b, 0xfee00d00),
    INSN(MOVBE, 0x0f, 0x38, 0xf0, 0x07),
    INSN(POPCNT, 0xf3, 0x0f, 0xb8, 0xc1),
    MSR(TSC_DEADLINE, 0x6e0),
    INSN(AES, 0x66, 0x0f, 0x38, 0xdc, 0xc1),
    INSN(AES, 0xc4, 0xe2, 0x71, 0xdc, 0xc2),
    INSN32(XSAVE, 0x31, 0xc9, 0x0f, 0x01, 0xd0),
    CR4(XSAVE, 18),
    INSN(AVX, 0xc5, 0xf4, 0x58, 0xc2),
    XCR0(AVX, 7),
    INSN(AVX, 0xc4, 0xe2, 0x71, 0xdc, 0xc2), /* VAESENC */
    INSN(F16C, 0xc4, 0xe2, 0x79, 0x13, 0xc1),
    INSN(RDRAND, 0x0f, 0xc7, 0xf0),

    /* --- 7 --- */
    INSN(FSGSBASE, 0xf3, 0x48, 0x0f, 0xae, 0xc0),
    CR4(FSGSBASE, 16),
    MSR(TSC_ADJUST, 0x3b),
    INSN(BMI1, 0xc4, 0xe2, 0x70, 0xf2, 0xc2),
    /* Without, TZCNT is BSF.  XOR ECX, ECX; MOV EAX, 7; TZCNT EAX, ECX; CMP
     * EAX, 32; JE over UD2 */
    INSN(BMI1, 0x31, 0xc9, 0xb8, IMM32(7), 0xf3, 0x0f, 0xbc, 0xc1, 0x83, 0xf8,
         32, 0x74, 2, 0x0f, 0x0b),
    INSN(AVX2, 0xc5, 0xf5, 0xfe, 0xc2),
    INSN(AVX2, 0xc4, 0xe2, 0x7d, 0x78, 0xc1), /* VPBROADCASTB */
    CR4(SMEP, 20),
    INSN(BMI2, 0xc4, 0xe2, 0x71, 0xf7, 0xc2),
    /* XOR EAX, EAX; INVPCID RAX, [RDI] */
    INSN(INVPCID, 0x31, 0xc0, 0x66, 0x0f, 0x38, 0x82, 0x07),
    INSN(RDSEED, 0x0f, 0xc7, 0xf8),
    INSN(ADX, 0x66, 0x0f, 0x38, 0xf6, 0xc1),
    INSN(SMAP, 0x0f, 0x01, 0xca),
    CR4(SMAP, 21),
    INSN(CLFLUSHOPT, 0x66, 0x0f, 0xae, 0x3f),
    INSN(CLWB, 0x66, 0x0f, 0xae, 0x37),
    INSN(SHA, 0x0f, 0x38, 0xc9, 0xc1),
    CR4(UMIP, 11),
    CR4(PKU, 22),
    XCR0(PKU, 0x201),
    INSN(PKU, 0x31, 0xc9, 0x0f, 0x01, 0xee), /* RDPKRU */
    INSN(GFNI, 0x66, 0x0f, 0x38, 0xcf, 0xc1),
    INSN(GFNI, 0xc4, 0xe2, 0x71, 0xcf, 0xc2),
    INSN(VAES, 0xc4, 0xe2, 0x75, 0xdc, 0xc2),
    INSN(VPCLMULQDQ, 0xc4, 0xe3, 0x75, 0x44, 0xc2, 0),
    CR4(LA57, 12),
    INSN(RDPID, 0xf3, 0x0f, 0xc7, 0xf8),
    MSR(ARCH_CAPABILITIES, 0x10a),

    /* --- 0dh.1 --- */
    INSN(XSAVEOPT, 0x0f, 0xae, 0x37),
    INSN(XSAVEC, 0x0f, 0xc7, 0x27),
    {FEAT_XGETBV1, 64, RAN, GP, BYTES(0xb9, IMM32(1), 0x0f, 0x01, 0xd0)},
    INSN(XSAVES, 0x0f, 0xc7, 0x2f),
    MSR(XSAVES, 0xda0),

    /* --- 80000001h --- */
    {FEAT_SYSCALL, 64, RAN, UD, BYTES(0x0f, 0x05)},
    WRMSR(SYSCALL, 0xc0000080, 1),
    MSR(SYSCALL, 0xc0000081),
    WRMSR(NX, 0xc0000080, 0x800),
    /* PAVGB of MMX registers: with either of the two. */
    {FEAT_MMXEXT, 64, RAN, UD, BYTES(0x0f, 0xe0, 0xc1), "max,-sse"},
    {FEAT_SSE, 64, RAN, UD, BYTES(0x0f, 0xe0, 0xc1), "max,-mmxext"},
    INSN(RDTSCP, 0x0f, 0x01, 0xf9),
    WRMSR(LM, 0xc0000080, 0x100),
    MSR(LM, 0xc0000100),
    INSN(LAHF_LM, 0x9f),
    INSN(LAHF_LM, 0x9e),
    {FEAT_LAHF_LM, 32, RAN, RAN, BYTES(0x9f)},
    /* Without, LZCNT is BSR.  MOV ECX, 1; LZCNT EAX, ECX; CMP EAX, 31; JE over
     * UD2 */
    INSN(ABM, 0xb9, IMM32(1), 0xf3, 0x0f, 0xbd, 0xc1, 0x83, 0xf8, 31, 0x74, 2,
         0x0f, 0x0b),
    {FEAT_PREFETCHW, 32, RAN, UD, BYTES(0x0f, 0x0d, 0x0f), "max,-lm"},
    {FEAT_PREFETCHW, 64, RAN, RAN, BYTES(0x0f, 0x0d, 0x0f)},
    {FEAT_WBNOINVD, 64, RAN, RAN, BYTES(0xf3, 0x0f, 0x09)}, /* as WBINVD */
};

/* What promises nothing that code at CPL 0 could see fault. */
static const X86FeatureId quiet[] = {
    FEAT_HT,   FEAT_CMP_LEGACY, FEAT_HYPERVISOR, FEAT_ARAT,
    FEAT_ERMS, FEAT_FSRM,       FEAT_INVTSC,     FEAT_TOPOEXT,
};

static void expect_end(const Row *row, const char *model, int want)
{
    int got;

    if (row->mode == 64) {
        set_up(model, 64);
        if (!x86_has_feature(cpu, FEAT_LM)) {
            return; /* gone with another feature */
        }
    }
    set_up(model, row->mode);
    got = run_code(row->code, row->len);
    if (got != want) {
        g_error("%s: %02x %02x %02x %02x: vector %d, not %d", model,
                row->code[0], row->code[1], row->code[2], row->code[3], got,
                want);
    }
}

static void test_rows(void)
{
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        const char *base = rows[i].base ? rows[i].base : "max";
        g_autofree char *without =
            g_strdup_printf("%s,-%s", base, x86_feature_info[rows[i].id].name);

        expect_end(&rows[i], base, rows[i].with);
        expect_end(&rows[i], without, rows[i].without);
    }
}

/* Each feature that is offered has a row, a test of its own, or is quiet. */
static void test_complete(void)
{
    bool covered[FEAT_COUNT] = {[FEAT_PSE36] = true, [FEAT_PDPE1GB] = true};

    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        covered[rows[i].id] = true;
    }
    for (unsigned i = 0; i < ARRAY_LEN(quiet); i++) {
        covered[quiet[i]] = true;
    }
    for (unsigned i = FEAT_BASE + 1; i < FEAT_COUNT; i++) {
        const X86FeatureInfo *info = &x86_feature_info[i];

        if (info->have && info->name && !covered[i]) {
            g_error("no test of %s", info->name);
        }
    }
}

/* --- those that show in page tables: MOV EAX, [mem] --- */

static int load_through(const char *model, unsigned mode)
{
    static const uint8_t load[] = {0x8b, 0x04, 0x25, 0x00, 0x00, 0x00, 0x40};
    static const uint8_t load32[] = {0xa1, 0x00, 0x00, 0x00, 0x40};

    set_up(model, mode);
    if (mode == 64) {
        poke(PDPT + 8, 0x83, 8); /* 1 GiB at the second */
    } else {
        poke(PD, 0x83, 4);
        poke(PD + 0x400, 0x83 | 1 << 13, 4); /* bit 32 of the address */
        cpu->cr3 = PD;
        cpu->cr4 |= CR4_PSE;
        cpu->cr0 |= CR0_PG;
    }
    return mode == 64 ? run_code(load, sizeof(load))
                      : run_code(load32, sizeof(load32));
}

static void test_pages(void)
{
    g_assert_cmpint(load_through("max", 64), ==, RAN);
    g_assert_cmpint(load_through("max,-pdpe1gb", 64), ==, PF);
    g_assert_cmphex(cpu->error_code, ==, 9); /* present, reserved bit */
    g_assert_cmpint(load_through("max", 32), ==, RAN);
    g_assert_cmpint(load_through("max,-pse36", 32), ==, PF);
    g_assert_cmphex(cpu->error_code, ==, 9);
}

/* --- what comes with a generation --- */

static void test_generations(void)
{
    static const struct {
        const char *model;
        int end;
        uint8_t code[4], len;
    } tests[] = {
        /* The long NOP, with the P6; prefetch hints are in its space. */
        {"pentium3", RAN, BYTES(0x0f, 0x1f, 0x00)},
        {"pentium", UD, BYTES(0x0f, 0x1f, 0x00)},
        {"max,family=5,-lm", UD, BYTES(0x0f, 0x18, 0x07)},
        {"max,family=15,-lm", RAN, BYTES(0x0f, 0x18, 0x07)},
        {"pentium3", UD, BYTES(0x0f, 0x0d, 0x07)},
        {"486", RAN, BYTES(0x0f, 0xa2)},       /* CPUID */
        {"486", RAN, BYTES(0x0f, 0xc8)},       /* BSWAP */
        {"486", RAN, BYTES(0x0f, 0xb1, 0xc8)}, /* CMPXCHG */
        {"486", UD, BYTES(0x0f, 0x31)},
        {"486", UD, BYTES(0x0f, 0x44, 0xc1)},
        {"pentium", UD, BYTES(0x0f, 0x58, 0xc1)},
        {"pentium", RAN, BYTES(0x0f, 0xfc, 0xc1)},
        {"qemu32", RAN, BYTES(0xf2, 0x0f, 0x7c, 0xc1)},
        {"qemu32", UD, BYTES(0x0f, 0x38, 0x00, 0xc1)},
        /* BSR and BSF with a prefix that means nothing yet. */
        {"486", RAN, BYTES(0xf3, 0x0f, 0xbd, 0xc1)},
    };

    for (unsigned i = 0; i < ARRAY_LEN(tests); i++) {
        g_test_message("%u: %s", i, tests[i].model);
        set_up(tests[i].model, 32);
        g_assert_cmpint(run_code(tests[i].code, tests[i].len), ==,
                        tests[i].end);
    }
}

/* IA32_MISC_ENABLE takes MONITOR away from an Intel processor. */
static void test_monitor_switch(void)
{
    static const uint8_t monitor[] = {0x31, 0xc9, 0x89, 0xf8, 0x0f, 0x01, 0xc8};
    static const uint8_t mwait[] = {0x31, 0xc9, 0x0f, 0x01, 0xc9};

    set_up("max", 64);
    g_assert_true(msr_write(cpu, 0x1a0, 1));
    g_assert_cmpint(run_code(monitor, sizeof(monitor)), ==, UD);
    set_up("max", 64);
    g_assert_true(msr_write(cpu, 0x1a0, 1));
    g_assert_cmpint(run_code(mwait, sizeof(mwait)), ==, UD);
}

/*
 * SYSRET to an address that is not canonical: #GP before the change of level on
 * Intel's processors, after it on AMD's.  MOV ECX, 1; SHL RCX, 62; SYSRETQ
 */
static void test_sysret(void)
{
    static const uint8_t code[] = {0xb9, 1,    0,  0,    0,    0x48, 0xc1,
                                   0xe1, 62, 0x48, 0x0f, 0x07};
    static const struct {
        const char *model;
        uint64_t rip;
        uint16_t cs;
    } tests[] = {
        {"max", CODE + 9, SEL_CODE64},
        {"max,vendor=AuthenticAMD", 1ull << 62, 0x13},
    };

    for (unsigned i = 0; i < ARRAY_LEN(tests); i++) {
        set_up(tests[i].model, 64);
        poke(TSS_ADDR + 8, 0, 4); /* RSP0 has 64 bits */
        g_assert_cmpint(run_code(code, sizeof(code)), ==, GP);
        /* Error code, RIP, CS. */
        g_assert_cmphex(peek(cpu->regs[R_RSP], 8), ==, 0);
        g_assert_cmphex(peek(cpu->regs[R_RSP] + 8, 8), ==, tests[i].rip);
        g_assert_cmphex(peek(cpu->regs[R_RSP] + 16, 8), ==, tests[i].cs);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    machine_init();
    tcg_backend->thread_init(&cpu->cs);
    g_test_add_func("/features/rows", test_rows);
    g_test_add_func("/features/complete", test_complete);
    g_test_add_func("/features/pages", test_pages);
    g_test_add_func("/features/generations", test_generations);
    g_test_add_func("/features/sysret", test_sysret);
    g_test_add_func("/features/monitor-switch", test_monitor_switch);
    return g_test_run();
}
