/* SPDX-License-Identifier: MIT */
/*
 * RDMSR and WRMSR.
 * Source: SDM vol. 4, chapter 2 "Model-Specific Registers"; vol. 3A, 12.11
 * "Memory Type Range Registers"; AMD APM vol. 2, appendix A.
 *
 * MTRRs and PAT are stored and have no effect: all memory is write-back.
 * There are no machine-check banks, as there are no errors.
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
    MSR_TSC = 0x10,
    MSR_PLATFORM_ID = 0x17,
    MSR_APIC_BASE = 0x1b,
    MSR_FEATURE_CONTROL = 0x3a,
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
    MSR_MTRR_BASE0 = 0x200, /* pairs of base and mask */
    MSR_MTRR_MASK7 = 0x20f,
    MSR_MTRR_FIX64K = 0x250,
    MSR_MTRR_FIX16K_0 = 0x258,
    MSR_MTRR_FIX16K_1 = 0x259,
    MSR_MTRR_FIX4K_0 = 0x268,
    MSR_MTRR_FIX4K_7 = 0x26f,
    MSR_PAT = 0x277,
    MSR_MTRR_DEF_TYPE = 0x2ff,
    MSR_TSC_DEADLINE = 0x6e0,
    MSR_XSS = 0xda0,
    MSR_X2APIC_FIRST = 0x800,
    MSR_X2APIC_LAST = 0x8ff,
    MSR_EFER = 0xc0000080,
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
    MSR_AMD_IC_CFG = 0xc0011021,
    MSR_AMD_DC_CFG = 0xc0011022,
    MSR_AMD_BU_CFG = 0xc0011023,
    MSR_AMD_DE_CFG = 0xc0011029,
    MSR_AMD_BU_CFG2 = 0xc001102a,
};

#define MTRR_PAIRS   8
#define MISC_ENABLE_FAST_STRINGS BIT64(0)
#define MISC_ENABLE_NO_PEBS      BIT64(12)
#define MISC_ENABLE_NO_BTS       BIT64(11)
/* Of MTRRcap: the number of pairs, fixed ranges, write-combining. */
#define MTRRCAP (MTRR_PAIRS | BIT64(8) | BIT64(10))
/* Errata that this processor is free of, as there is no speculation:
 * RDCL_NO, IBRS_ALL, SSB_NO, MDS_NO, IF_PSCHANGE_MC_NO, TAA_NO, SBDR_SSDP_NO,
 * FBSDP_NO, PSDP_NO, BHI_NO, PBRSB_NO, GDS_NO, RFDS_NO. */
#define ARCH_CAPABILITIES                                                     \
    (BIT64(0) | BIT64(1) | BIT64(4) | BIT64(5) | BIT64(6) | BIT64(8) |        \
     BIT64(13) | BIT64(14) | BIT64(15) | BIT64(20) | BIT64(24) | BIT64(26) |  \
     BIT64(27))

void msr_reset(X86CPU *cpu)
{
    cpu->star = cpu->lstar = cpu->cstar = cpu->fmask = 0;
    cpu->kernel_gs_base = 0;
    cpu->sysenter_cs = cpu->sysenter_esp = cpu->sysenter_eip = 0;
    cpu->tsc_aux = 0;
    cpu->tsc_offset = cpu->tsc_adjust = 0;
    cpu->mcg_status = 0;
    cpu->misc_enable =
        MISC_ENABLE_FAST_STRINGS | MISC_ENABLE_NO_PEBS | MISC_ENABLE_NO_BTS;
    cpu->mtrr_def = 0;
    memset(cpu->mtrr_fixed, 0, sizeof(cpu->mtrr_fixed));
    memset(cpu->mtrr_base, 0, sizeof(cpu->mtrr_base));
    memset(cpu->mtrr_mask, 0, sizeof(cpu->mtrr_mask));
}

/* --- those that are only stored --- */

/* Where a register without side effects is kept, or NULL. */
static uint64_t *msr_storage(X86CPU *cpu, uint32_t index)
{
    switch (index) {
    case MSR_SYSENTER_CS:
        return &cpu->sysenter_cs;
    case MSR_MCG_STATUS:
        return &cpu->mcg_status;
    case MSR_MISC_ENABLE:
        return &cpu->misc_enable;
    case MSR_MTRR_DEF_TYPE:
        return &cpu->mtrr_def;
    case MSR_MTRR_FIX64K:
        return &cpu->mtrr_fixed[0];
    case MSR_MTRR_FIX16K_0 ... MSR_MTRR_FIX16K_1:
        return &cpu->mtrr_fixed[1 + index - MSR_MTRR_FIX16K_0];
    case MSR_MTRR_FIX4K_0 ... MSR_MTRR_FIX4K_7:
        return &cpu->mtrr_fixed[3 + index - MSR_MTRR_FIX4K_0];
    case MSR_MTRR_BASE0 ... MSR_MTRR_MASK7:
        return index & 1 ? &cpu->mtrr_mask[(index - MSR_MTRR_BASE0) / 2]
                         : &cpu->mtrr_base[(index - MSR_MTRR_BASE0) / 2];
    case MSR_PAT:
        return &cpu->pat;
    case MSR_STAR:
        return &cpu->star;
    case MSR_FMASK:
        return &cpu->fmask;
    case MSR_TSC_AUX:
        return &cpu->tsc_aux;
    default:
        return NULL;
    }
}

/* Registers that hold an address, and must be canonical. */
static uint64_t *msr_address(X86CPU *cpu, uint32_t index)
{
    switch (index) {
    case MSR_SYSENTER_ESP:
        return &cpu->sysenter_esp;
    case MSR_SYSENTER_EIP:
        return &cpu->sysenter_eip;
    case MSR_LSTAR:
        return &cpu->lstar;
    case MSR_CSTAR:
        return &cpu->cstar;
    case MSR_FS_BASE:
        return &cpu->segs[R_FS].base;
    case MSR_GS_BASE:
        return &cpu->segs[R_GS].base;
    case MSR_KERNEL_GS_BASE:
        return &cpu->kernel_gs_base;
    default:
        return NULL;
    }
}

/* Memory types by their number: UC, WC, WT, WP, WB; UC- is the PAT's alone.
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

/* SDM vol. 3A, 12.11.2.3 "Variable Range MTRRs": of a base the type and the
 * address, of a mask the valid bit and the address. */
static bool mtrr_variable_valid(uint32_t index, uint64_t value)
{
    if (value >> X86_PHYS_BITS) {
        return false;
    }
    if (index & 1) {
        return !(value & 0x7ff);
    }
    return !(value & 0xf00) && type_valid(value, MTRR_TYPES);
}

static bool stored_value_valid(uint32_t index, uint64_t value)
{
    switch (index) {
    case MSR_PAT:
        return types_valid(value, PAT_TYPES);
    case MSR_TSC_AUX:
    case MSR_FMASK:
        return !(value >> 32);
    case MSR_MTRR_DEF_TYPE:
        return !(value & ~0xcffull) && type_valid(value, MTRR_TYPES);
    case MSR_MTRR_FIX64K:
    case MSR_MTRR_FIX16K_0 ... MSR_MTRR_FIX16K_1:
    case MSR_MTRR_FIX4K_0 ... MSR_MTRR_FIX4K_7:
        return types_valid(value, MTRR_TYPES);
    case MSR_MTRR_BASE0 ... MSR_MTRR_MASK7:
        return mtrr_variable_valid(index, value);
    case MSR_SYSENTER_CS:
        return !(value >> 32);
    default:
        return true;
    }
}

/* --- those that read as a constant and ignore writes --- */

static bool msr_constant(X86CPU *cpu, uint32_t index, uint64_t *value)
{
    bool amd = cpu->features->amd;

    switch (index) {
    case MSR_MTRRCAP:
        *value = MTRRCAP;
        return true;
    case MSR_MCG_CAP:
        *value = 0;
        return true;
    case MSR_ARCH_CAPABILITIES:
        *value = ARCH_CAPABILITIES;
        return x86_has_feature(cpu, FEAT_ARCH_CAPABILITIES);
    case MSR_PLATFORM_ID:
    case MSR_BIOS_SIGN_ID:
        *value = 0;
        return true;
    case MSR_FEATURE_CONTROL:
        *value = 1; /* locked, nothing enabled */
        return true;
    case MSR_AMD_SYSCFG:
    case MSR_AMD_HWCR:
    case MSR_AMD_NB_CFG:
    case MSR_AMD_INT_PENDING:
    case MSR_AMD_LS_CFG:
    case MSR_AMD_IC_CFG:
    case MSR_AMD_DC_CFG:
    case MSR_AMD_BU_CFG:
    case MSR_AMD_DE_CFG:
    case MSR_AMD_BU_CFG2:
        *value = 0;
        return amd;
    default:
        return false;
    }
}

/* Of the constants, those whose writes are ignored rather than #GP. */
static bool msr_write_ignored(X86CPU *cpu, uint32_t index)
{
    uint64_t value;

    switch (index) {
    case MSR_MTRRCAP:
    case MSR_MCG_CAP:
    case MSR_ARCH_CAPABILITIES:
    case MSR_PLATFORM_ID:
    case MSR_FEATURE_CONTROL:
        return false;
    default:
        return msr_constant(cpu, index, &value);
    }
}

/* --- those that do something --- */

static bool write_efer(X86CPU *cpu, uint64_t value)
{
    uint64_t allowed = EFER_LMA, changed;

    allowed |= x86_has_feature(cpu, FEAT_SYSCALL) ? EFER_SCE : 0;
    allowed |= x86_has_feature(cpu, FEAT_LM) ? EFER_LME : 0;
    allowed |= x86_has_feature(cpu, FEAT_NX) ? EFER_NXE : 0;
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
        tlb_flush(&cpu->cs);
    }
    return true;
}

static bool x2apic_allowed(X86CPU *cpu)
{
    return cpu->apic && x86_has_feature(cpu, FEAT_X2APIC);
}

static bool deadline_allowed(X86CPU *cpu)
{
    return cpu->apic && x86_has_feature(cpu, FEAT_TSC_DEADLINE);
}

static bool read_active(X86CPU *cpu, uint32_t index, uint64_t *value)
{
    switch (index) {
    case MSR_TSC:
        *value = x86_cpu_tsc(cpu);
        return true;
    case MSR_TSC_ADJUST:
        *value = cpu->tsc_adjust;
        return x86_has_feature(cpu, FEAT_TSC_ADJUST);
    case MSR_EFER:
        *value = cpu->efer;
        return true;
    case MSR_XSS: /* there are no supervisor components */
        *value = 0;
        return x86_has_feature(cpu, FEAT_XSAVES);
    case MSR_APIC_BASE:
        *value = cpu->apic ? cpu->apic_ops->get_base(cpu->apic) : 0;
        return cpu->apic;
    case MSR_TSC_DEADLINE:
        if (!deadline_allowed(cpu)) {
            return false;
        }
        *value = cpu->apic_ops->get_tsc_deadline(cpu->apic);
        return true;
    case MSR_X2APIC_FIRST ... MSR_X2APIC_LAST:
        return x2apic_allowed(cpu) &&
               cpu->apic_ops->read_msr(cpu->apic, index - MSR_X2APIC_FIRST,
                                       value);
    default:
        return false;
    }
}

static void write_tsc(X86CPU *cpu, uint64_t value)
{
    int64_t delta = value - x86_cpu_tsc(cpu);

    cpu->tsc_offset += delta;
    cpu->tsc_adjust += delta; /* SDM vol. 3B, 18.17.3 */
}

/* It may move the APIC's page, a change of the memory map. */
static bool write_apic_base(X86CPU *cpu, uint64_t value)
{
    BQL_GUARD();
    return cpu->apic_ops->set_base(cpu->apic, value);
}

static bool write_active(X86CPU *cpu, uint32_t index, uint64_t value)
{
    switch (index) {
    case MSR_TSC:
        write_tsc(cpu, value);
        return true;
    case MSR_TSC_ADJUST:
        if (!x86_has_feature(cpu, FEAT_TSC_ADJUST)) {
            return false;
        }
        cpu->tsc_offset += value - cpu->tsc_adjust;
        cpu->tsc_adjust = value;
        return true;
    case MSR_EFER:
        return write_efer(cpu, value);
    case MSR_XSS:
        return x86_has_feature(cpu, FEAT_XSAVES) && value == 0;
    case MSR_APIC_BASE:
        return cpu->apic && write_apic_base(cpu, value);
    case MSR_TSC_DEADLINE:
        if (!deadline_allowed(cpu)) {
            return false;
        }
        cpu->apic_ops->set_tsc_deadline(cpu->apic, value);
        return true;
    case MSR_X2APIC_FIRST ... MSR_X2APIC_LAST:
        return x2apic_allowed(cpu) &&
               cpu->apic_ops->write_msr(cpu->apic, index - MSR_X2APIC_FIRST,
                                        value);
    default:
        return false;
    }
}

/* --- all of them --- */

bool msr_read(X86CPU *cpu, uint32_t index, uint64_t *value)
{
    uint64_t *stored = msr_storage(cpu, index);

    if (!stored) {
        stored = msr_address(cpu, index);
    }
    if (stored) {
        *value = *stored;
        return true;
    }
    return read_active(cpu, index, value) || msr_constant(cpu, index, value);
}

bool msr_write(X86CPU *cpu, uint32_t index, uint64_t value)
{
    uint64_t *stored = msr_storage(cpu, index);

    if (stored) {
        if (!stored_value_valid(index, value)) {
            return false;
        }
        *stored = value;
        return true;
    }
    stored = msr_address(cpu, index);
    if (stored) {
        if (!x86_base_canonical(cpu, value)) {
            return false;
        }
        *stored = value;
        x86_update_hflags(cpu); /* FS and GS bases */
        return true;
    }
    return write_active(cpu, index, value) || msr_write_ignored(cpu, index);
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
