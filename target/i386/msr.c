/* SPDX-License-Identifier: MIT */
/*
 * RDMSR and WRMSR: one table of registers, each with the feature that brings
 * it.  What is not in the table, or not in the model, is #GP(0), and so is a
 * reserved bit or value.
 *
 * MTRRs and PAT are stored and have no effect: all memory is write-back.  Of
 * IA32_DEBUGCTL only the stepping of branches is there, no branch records.
 * One machine-check bank reports no errors, ever.
 * Source: SDM vol. 4, chapter 2 "Model-Specific Registers"; vol. 3A, 12.11
 * "Memory Type Range Registers"; vol. 3B, 16.3 "Machine-Check MSRs"; AMD APM
 * vol. 2, appendix A.
 */
#include "target/i386/msr.h"

#include <string.h>

#include "exec/bql.h"
#include "exec/ldst.h"
#include "target/i386/cpuid.h"
#include "target/i386/excp.h"
#include "target/i386/helpers.h"
#include "target/i386/mmu.h"
#include "target/i386/seg.h"
#include "util/log.h"

enum {
    MSR_P5_MC_ADDR = 0,
    MSR_P5_MC_TYPE = 1,
    MSR_TSC = 0x10,
    MSR_PLATFORM_ID = 0x17,
    MSR_APIC_BASE = 0x1b,
    MSR_TSC_ADJUST = 0x3b,
    MSR_BIOS_SIGN_ID = 0x8b,
    MSR_MTRRCAP = 0xfe,
    MSR_ARCH_CAPABILITIES = 0x10a,
    MSR_SYSENTER_CS = 0x174,
    MSR_SYSENTER_ESP = 0x175,
    MSR_SYSENTER_EIP = 0x176,
    MSR_MCG_CAP = 0x179,
    MSR_MCG_STATUS = 0x17a,
    MSR_MISC_ENABLE = 0x1a0,
    MSR_DEBUGCTL = 0x1d9,
    MSR_MTRR_BASE0 = 0x200, /* pairs of base and mask */
    MSR_MTRR_MASK7 = 0x20f,
    MSR_MTRR_FIX64K = 0x250,
    MSR_MTRR_FIX16K_0 = 0x258,
    MSR_MTRR_FIX16K_1 = 0x259,
    MSR_MTRR_FIX4K_0 = 0x268,
    MSR_MTRR_FIX4K_7 = 0x26f,
    MSR_PAT = 0x277,
    MSR_MTRR_DEF_TYPE = 0x2ff,
    MSR_MC0_CTL = 0x400,
    MSR_MC0_STATUS = 0x401,
    MSR_MC0_MISC = 0x403,
    MSR_TSC_DEADLINE = 0x6e0,
    MSR_X2APIC_FIRST = 0x800,
    MSR_X2APIC_LAST = 0x8ff,
    MSR_XSS = 0xda0,
    MSR_STAR = 0xc0000081,
    MSR_LSTAR = 0xc0000082,
    MSR_CSTAR = 0xc0000083,
    MSR_FMASK = 0xc0000084,
    MSR_FS_BASE = 0xc0000100,
    MSR_GS_BASE = 0xc0000101,
    MSR_KERNEL_GS_BASE = 0xc0000102,
    MSR_TSC_AUX = 0xc0000103,
    /* AMD's, that operating systems touch without looking at CPUID. */
    MSR_AMD_SYSCFG = 0xc0010010,
    MSR_AMD_HWCR = 0xc0010015,
    MSR_AMD_NB_CFG = 0xc001001f,
    MSR_AMD_INT_PENDING = 0xc0010055,
    MSR_AMD_LS_CFG = 0xc0011020,
    MSR_AMD_DC_CFG = 0xc0011022,
    MSR_AMD_BU_CFG = 0xc0011023,
    MSR_AMD_DE_CFG = 0xc0011029,
    MSR_AMD_BU_CFG2 = 0xc001102a,
};

#define NB_MC_BANKS 1
/* RIPV, EIPV, MCIP. */
#define MCG_STATUS_BITS     7ull
#define MISC_ENABLE_NO_BTS  BIT64(11)
#define MISC_ENABLE_NO_PEBS BIT64(12)
/* Of MTRRcap: the number of pairs, fixed ranges, write-combining. */
#define MTRRCAP           (ARRAY_LEN(((X86CPU *)0)->mtrr_var) / 2 | BIT64(8) | BIT64(10))
#define MTRR_DEF_BITS     0xcffull /* type, FE, E */
#define AMD_DE_CFG_LFENCE BIT64(1) /* LFENCE waits for what is before it */
/* Errata that this processor is free of, as there is no speculation: RDCL_NO,
 * SSB_NO, MDS_NO, IF_PSCHANGE_MC_NO, TAA_NO, SBDR_SSDP_NO, FBSDP_NO, PSDP_NO,
 * BHI_NO, PBRSB_NO, GDS_NO, RFDS_NO.  Not IBRS_ALL: that promises
 * IA32_SPEC_CTRL. */
#define ARCH_CAPABILITIES                                                      \
    (BIT64(0) | BIT64(4) | BIT64(5) | BIT64(6) | BIT64(8) | BIT64(13) |        \
     BIT64(14) | BIT64(15) | BIT64(20) | BIT64(24) | BIT64(26) | BIT64(27))

typedef struct Msr Msr;
typedef bool MsrRead(X86CPU *cpu, const Msr *m, uint32_t n, uint64_t *value);
typedef bool MsrWrite(X86CPU *cpu, const Msr *m, uint32_t n, uint64_t value);

/* Registers in a row; @n of the functions counts from the first. */
struct Msr {
    uint32_t first, last;
    uint8_t feature; /* FEAT_* that brings it */
    uint8_t maker;
    MsrRead *read;     /* both return false for #GP(0) */
    MsrWrite *write;   /* NULL: read only */
    uint64_t arg;      /* where it is kept, or the constant it reads as */
    uint64_t reserved; /* bits that may not be set */
};
enum { ANY, INTEL, AMD };

void msr_reset(X86CPU *cpu)
{
    cpu->star = cpu->lstar = cpu->cstar = cpu->fmask = 0;
    cpu->kernel_gs_base = 0;
    cpu->sysenter_cs = cpu->sysenter_esp = cpu->sysenter_eip = 0;
    cpu->tsc_aux = 0;
    cpu->tsc_offset = cpu->tsc_adjust = 0;
    cpu->mcg_status = cpu->mc0_ctl = 0;
    cpu->misc_enable =
        MISC_ENABLE_FAST_STRINGS | MISC_ENABLE_NO_PEBS | MISC_ENABLE_NO_BTS;
    if (x86_has_feature(cpu, FEAT_MONITOR)) {
        cpu->misc_enable |= MISC_ENABLE_MONITOR;
    }
    cpu->mtrr_def = 0;
    memset(cpu->mtrr_fixed, 0, sizeof(cpu->mtrr_fixed));
    memset(cpu->mtrr_var, 0, sizeof(cpu->mtrr_var));
}

/* --- kept, or constant --- */

static uint64_t *kept(X86CPU *cpu, const Msr *m, uint32_t n)
{
    return (uint64_t *)((char *)cpu + m->arg) + n;
}

static bool read_kept(X86CPU *cpu, const Msr *m, uint32_t n, uint64_t *value)
{
    *value = *kept(cpu, m, n);
    return true;
}

static bool write_kept(X86CPU *cpu, const Msr *m, uint32_t n, uint64_t value)
{
    *kept(cpu, m, n) = value;
    return true;
}

/* An address: canonical for the widest that the processor knows. */
static bool write_address(X86CPU *cpu, const Msr *m, uint32_t n, uint64_t value)
{
    if (!x86_is_canonical_base(cpu, value)) {
        return false;
    }
    *kept(cpu, m, n) = value;
    return true;
}

static bool read_constant(X86CPU *cpu, const Msr *m, uint32_t n,
                          uint64_t *value)
{
    *value = m->arg;
    return true;
}

static bool write_ignored(X86CPU *cpu, const Msr *m, uint32_t n, uint64_t value)
{
    return true;
}

/* --- memory types --- */

/* By their number: UC, WC, WT, WP, WB; UC- is the PAT's alone.
 * SDM vol. 3A, table 12-2 "Memory Types and Their Properties". */
#define MTRR_TYPES (BIT(0) | BIT(1) | BIT(4) | BIT(5) | BIT(6))
#define PAT_TYPES  (MTRR_TYPES | BIT(7))

static bool type_valid(uint8_t type, uint32_t types)
{
    return type < 8 && (types >> type & 1);
}

/* One of @types in each byte? */
static bool types_valid(uint64_t value, uint32_t types)
{
    for (unsigned i = 0; i < 64; i += 8) {
        if (!type_valid(value >> i, types)) {
            return false;
        }
    }
    return true;
}

static bool write_pat(X86CPU *cpu, const Msr *m, uint32_t n, uint64_t value)
{
    return types_valid(value, PAT_TYPES) && write_kept(cpu, m, n, value);
}

static bool write_mtrr_fixed(X86CPU *cpu, const Msr *m, uint32_t n,
                             uint64_t value)
{
    return types_valid(value, MTRR_TYPES) && write_kept(cpu, m, n, value);
}

static bool write_mtrr_def(X86CPU *cpu, const Msr *m, uint32_t n,
                           uint64_t value)
{
    return type_valid(value, MTRR_TYPES) && write_kept(cpu, m, n, value);
}

/* SDM vol. 3A, 12.11.2.3 "Variable Range MTRRs": of a base the type and the
 * address, of a mask the valid bit and the address. */
static bool write_mtrr_var(X86CPU *cpu, const Msr *m, uint32_t n,
                           uint64_t value)
{
    bool mask = n & 1;

    if ((value & ~x86_phys_mask(cpu)) || (value & (mask ? 0x7ff : 0xf00)) ||
        (!mask && !type_valid(value, MTRR_TYPES))) {
        return false;
    }
    return write_kept(cpu, m, n, value);
}

/* --- EFER, MISC_ENABLE, XSS --- */

static bool write_efer(X86CPU *cpu, const Msr *m, uint32_t n, uint64_t value)
{
    uint64_t allowed = EFER_LMA, changed;

    allowed |= x86_has_feature(cpu, FEAT_SYSCALL) ? EFER_SCE : 0;
    allowed |= x86_has_feature(cpu, FEAT_LM) ? EFER_LME : 0;
    if (x86_has_feature(cpu, FEAT_NX) &&
        !(cpu->misc_enable & MISC_ENABLE_NO_XD)) {
        allowed |= EFER_NXE;
    }
    if (value & ~allowed) {
        return false;
    }
    value = (value & ~EFER_LMA) | (cpu->efer & EFER_LMA);
    changed = cpu->efer ^ value;
    if ((changed & EFER_LME) && (cpu->cr0 & CR0_PG)) {
        return false;
    }
    cpu->efer = value;
    if (changed & EFER_NXE) {
        tlb_flush(&cpu->cs, TLB_FLUSH_MODE);
    }
    return true;
}

/* SDM vol. 4, table 2-2: bits that say what the processor lacks stay as they
 * are, those of what it has do something. */
static bool write_misc_enable(X86CPU *cpu, const Msr *m, uint32_t n,
                              uint64_t value)
{
    uint64_t fixed = MISC_ENABLE_NO_PEBS | MISC_ENABLE_NO_BTS;
    uint64_t writable = MISC_ENABLE_FAST_STRINGS | MISC_ENABLE_CPUID_LIMIT;

    writable |= x86_has_feature(cpu, FEAT_MONITOR) ? MISC_ENABLE_MONITOR : 0;
    writable |= x86_has_feature(cpu, FEAT_NX) ? MISC_ENABLE_NO_XD : 0;
    if (value & ~(writable | fixed)) {
        return false;
    }
    cpu->misc_enable = (value & writable) | fixed;
    return true;
}

/* --- the time stamp counter --- */

static bool read_tsc(X86CPU *cpu, const Msr *m, uint32_t n, uint64_t *value)
{
    *value = x86_cpu_tsc(cpu);
    return true;
}

static bool write_tsc(X86CPU *cpu, const Msr *m, uint32_t n, uint64_t value)
{
    int64_t delta = value - x86_cpu_tsc(cpu);

    cpu->tsc_offset += delta;
    cpu->tsc_adjust += delta; /* SDM vol. 3B, 18.17.3 */
    return true;
}

static bool write_tsc_adjust(X86CPU *cpu, const Msr *m, uint32_t n,
                             uint64_t value)
{
    cpu->tsc_offset += value - cpu->tsc_adjust;
    cpu->tsc_adjust = value;
    return true;
}

/* --- the APIC; a vCPU of a test may have none --- */

static bool read_deadline(X86CPU *cpu, const Msr *m, uint32_t n,
                          uint64_t *value)
{
    *value = cpu->apic ? cpu->apic_ops->get_tsc_deadline(cpu->apic) : 0;
    return cpu->apic;
}

static bool write_deadline(X86CPU *cpu, const Msr *m, uint32_t n,
                           uint64_t value)
{
    if (cpu->apic) {
        cpu->apic_ops->set_tsc_deadline(cpu->apic, value);
    }
    return cpu->apic;
}

static bool read_apic_base(X86CPU *cpu, const Msr *m, uint32_t n,
                           uint64_t *value)
{
    *value = cpu->apic ? cpu->apic_ops->get_base(cpu->apic) : 0;
    return cpu->apic;
}

/* It may move the APIC's page, a change of the memory map. */
static bool write_apic_base(X86CPU *cpu, const Msr *m, uint32_t n,
                            uint64_t value)
{
    BQL_GUARD();
    return cpu->apic && !(value & ~x86_phys_mask(cpu)) &&
           (!(value & APIC_BASE_X2APIC) || x86_has_feature(cpu, FEAT_X2APIC)) &&
           cpu->apic_ops->set_base(cpu->apic, value);
}

static bool read_x2apic(X86CPU *cpu, const Msr *m, uint32_t n, uint64_t *value)
{
    return cpu->apic && cpu->apic_ops->read_msr(cpu->apic, n, value);
}

static bool write_x2apic(X86CPU *cpu, const Msr *m, uint32_t n, uint64_t value)
{
    return cpu->apic && cpu->apic_ops->write_msr(cpu->apic, n, value);
}

/* --- all of them --- */

#define AT(field)             read_kept, write_kept, offsetof(X86CPU, field)
#define ADDRESS(field)        read_kept, write_address, offsetof(X86CPU, field)
#define CHECKED(field, write) read_kept, write, offsetof(X86CPU, field)
#define CONSTANT(value)       read_constant, NULL, value
#define CONSTANT_RW(value)    read_constant, write_ignored, value
#define ONE(msr)              msr, msr
#define UPPER_HALF            0xffffffff00000000ull
#define ALL_BITS              UINT64_MAX /* zero may be written, nothing else */

/* By number. */
static const Msr msrs[] = {
    {MSR_P5_MC_ADDR, MSR_P5_MC_TYPE, FEAT_MCE, INTEL, CONSTANT_RW(0)},
    {ONE(MSR_TSC), FEAT_TSC, ANY, read_tsc, write_tsc},
    {ONE(MSR_PLATFORM_ID), FEAT_P6, INTEL, CONSTANT(0)},
    {ONE(MSR_APIC_BASE), FEAT_APIC_BASE, ANY, read_apic_base, write_apic_base},
    {ONE(MSR_TSC_ADJUST), FEAT_TSC_ADJUST, ANY,
     CHECKED(tsc_adjust, write_tsc_adjust)},
    {ONE(MSR_BIOS_SIGN_ID), FEAT_P6, ANY, CONSTANT_RW(0)},
    {ONE(MSR_MTRRCAP), FEAT_MTRR, ANY, CONSTANT(MTRRCAP)},
    {ONE(MSR_ARCH_CAPABILITIES), FEAT_ARCH_CAPABILITIES, ANY,
     CONSTANT(ARCH_CAPABILITIES)},
    {ONE(MSR_SYSENTER_CS), FEAT_SEP, ANY, AT(sysenter_cs), UPPER_HALF},
    {ONE(MSR_SYSENTER_ESP), FEAT_SEP, ANY, ADDRESS(sysenter_esp)},
    {ONE(MSR_SYSENTER_EIP), FEAT_SEP, ANY, ADDRESS(sysenter_eip)},
    {ONE(MSR_MCG_CAP), FEAT_MCA, ANY, CONSTANT(NB_MC_BANKS)},
    {ONE(MSR_MCG_STATUS), FEAT_MCA, ANY, AT(mcg_status), ~MCG_STATUS_BITS},
    {ONE(MSR_MISC_ENABLE), FEAT_P6, INTEL,
     CHECKED(misc_enable, write_misc_enable)},
    {ONE(MSR_DEBUGCTL), FEAT_P6, ANY, AT(debugctl), ~DEBUGCTL_BTF},
    {MSR_MTRR_BASE0, MSR_MTRR_MASK7, FEAT_MTRR, ANY,
     CHECKED(mtrr_var, write_mtrr_var)},
    {ONE(MSR_MTRR_FIX64K), FEAT_MTRR, ANY,
     CHECKED(mtrr_fixed[0], write_mtrr_fixed)},
    {MSR_MTRR_FIX16K_0, MSR_MTRR_FIX16K_1, FEAT_MTRR, ANY,
     CHECKED(mtrr_fixed[1], write_mtrr_fixed)},
    {MSR_MTRR_FIX4K_0, MSR_MTRR_FIX4K_7, FEAT_MTRR, ANY,
     CHECKED(mtrr_fixed[3], write_mtrr_fixed)},
    {ONE(MSR_PAT), FEAT_PAT, ANY, CHECKED(pat, write_pat)},
    {ONE(MSR_MTRR_DEF_TYPE), FEAT_MTRR, ANY, CHECKED(mtrr_def, write_mtrr_def),
     ~MTRR_DEF_BITS},
    {ONE(MSR_MC0_CTL), FEAT_MCA, ANY, AT(mc0_ctl)},
    {MSR_MC0_STATUS, MSR_MC0_MISC, FEAT_MCA, ANY, CONSTANT_RW(0), ALL_BITS},
    {ONE(MSR_TSC_DEADLINE), FEAT_TSC_DEADLINE, ANY, read_deadline,
     write_deadline},
    {MSR_X2APIC_FIRST, MSR_X2APIC_LAST, FEAT_X2APIC, ANY, read_x2apic,
     write_x2apic},
    /* There are no supervisor components. */
    {ONE(MSR_XSS), FEAT_XSAVES, ANY, CONSTANT_RW(0), ALL_BITS},
    {ONE(MSR_EFER), FEAT_EFER, ANY, CHECKED(efer, write_efer)},
    {ONE(MSR_STAR), FEAT_SYSCALL, ANY, AT(star)},
    {ONE(MSR_LSTAR), FEAT_LM, ANY, ADDRESS(lstar)},
    {ONE(MSR_CSTAR), FEAT_LM, ANY, ADDRESS(cstar)},
    {ONE(MSR_FMASK), FEAT_LM, ANY, AT(fmask), UPPER_HALF},
    {ONE(MSR_FS_BASE), FEAT_LM, ANY, ADDRESS(segs[R_FS].base)},
    {ONE(MSR_GS_BASE), FEAT_LM, ANY, ADDRESS(segs[R_GS].base)},
    {ONE(MSR_KERNEL_GS_BASE), FEAT_LM, ANY, ADDRESS(kernel_gs_base)},
    {ONE(MSR_TSC_AUX), FEAT_TSC_AUX, ANY, AT(tsc_aux), UPPER_HALF},
    {ONE(MSR_AMD_SYSCFG), FEAT_P6, AMD, CONSTANT_RW(0)},
    {ONE(MSR_AMD_HWCR), FEAT_P6, AMD, CONSTANT_RW(0)},
    {ONE(MSR_AMD_NB_CFG), FEAT_P6, AMD, CONSTANT_RW(0)},
    {ONE(MSR_AMD_INT_PENDING), FEAT_P6, AMD, CONSTANT_RW(0)},
    {MSR_AMD_LS_CFG, MSR_AMD_BU_CFG, FEAT_P6, AMD, CONSTANT_RW(0)},
    {ONE(MSR_AMD_DE_CFG), FEAT_P6, AMD, CONSTANT_RW(AMD_DE_CFG_LFENCE)},
    {ONE(MSR_AMD_BU_CFG2), FEAT_P6, AMD, CONSTANT_RW(0)},
};

static int msr_compare(const void *key, const void *row)
{
    uint32_t index = *(const uint32_t *)key;
    const Msr *m = row;

    return index < m->first ? -1 : index > m->last;
}

/* NULL: this vCPU has no such register. */
static const Msr *msr_find(const X86CPU *cpu, uint32_t index)
{
    const Msr *m =
        bsearch(&index, msrs, ARRAY_LEN(msrs), sizeof(msrs[0]), msr_compare);

    if (!m || !x86_has_feature(cpu, m->feature) ||
        (m->maker != ANY && (m->maker == AMD) != cpu->features->amd)) {
        return NULL;
    }
    return m;
}

bool msr_read(X86CPU *cpu, uint32_t index, uint64_t *value)
{
    const Msr *m = msr_find(cpu, index);

    return m && m->read(cpu, m, index - m->first, value);
}

bool msr_write(X86CPU *cpu, uint32_t index, uint64_t value)
{
    const Msr *m = msr_find(cpu, index);

    return m && m->write && !(value & m->reserved) &&
           m->write(cpu, m, index - m->first, value);
}

void helper_rdmsr(X86CPU *cpu)
{
    uint32_t index = cpu->regs[R_RCX];
    uint64_t value;

    if (!msr_read(cpu, index, &value)) {
        log_printf(LOG_GUEST_ERRORS, "rdmsr of unknown %08x\n", index);
        x86_raise_gp0(cpu);
    }
    cpu->regs[R_RAX] = (uint32_t)value;
    cpu->regs[R_RDX] = value >> 32;
}

void helper_wrmsr(X86CPU *cpu)
{
    uint32_t index = cpu->regs[R_RCX];
    uint64_t value = (uint32_t)cpu->regs[R_RAX] | cpu->regs[R_RDX] << 32;

    if (!msr_write(cpu, index, value)) {
        log_printf(LOG_GUEST_ERRORS, "wrmsr of %08x = %016" PRIx64 " refused\n",
                   index, value);
        x86_raise_gp0(cpu);
    }
}
