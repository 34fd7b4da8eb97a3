/* SPDX-License-Identifier: MIT */
/*
 * Control registers.
 * Source: SDM vol. 3A, 2.5 "Control Registers"; vol. 2B, "MOV - Move to/from
 * Control Registers".
 */
#include "exec/ldst.h"
#include "target/i386/cpuid.h"
#include "target/i386/excp.h"
#include "target/i386/helpers.h"
#include "target/i386/mmu.h"
#include "target/i386/seg.h"

/* Bits of CR0 that exist; ET reads as 1 always. */
#define CR0_BITS \
    (CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_ET | CR0_NE | CR0_WP | CR0_AM | \
     CR0_NW | CR0_CD | CR0_PG)
/* Changing one of these changes what a TLB entry may say. */
#define CR0_TLB (CR0_PG | CR0_WP | CR0_PE)
#define CR4_TLB \
    (CR4_PSE | CR4_PAE | CR4_PGE | CR4_LA57 | CR4_PCIDE | CR4_SMEP | \
     CR4_SMAP | CR4_PKE)
/* Changing one of these loads the PDPTEs: SDM vol. 3A, 4.4.1. */
#define CR0_PDPTE (CR0_PG | CR0_CD | CR0_NW)
#define CR4_PDPTE (CR4_PSE | CR4_PAE | CR4_PGE | CR4_SMEP)

/* --- CR0 --- */

static bool cr0_valid(const X86CPU *cpu, uint64_t value)
{
    if (value >> 32) {
        return false;
    }
    if ((value & CR0_PG) && !(value & CR0_PE)) {
        return false;
    }
    return !(value & CR0_NW) || (value & CR0_CD);
}

/* Is @value's paging state one that can be reached from here? */
static bool cr0_paging_valid(const X86CPU *cpu, uint64_t value)
{
    bool was = cpu->cr0 & CR0_PG, is = value & CR0_PG;

    if (is && !was && (cpu->efer & EFER_LME)) {
        return (cpu->cr4 & CR4_PAE) && !(cpu->segs[R_CS].attr & DESC_L) &&
               (desc_type(cpu->tr.attr) & SYS_32BIT); /* no 16-bit TSS */
    }
    if (was && !is) {
        return !(cpu->hflags & HF_CS64) && !(cpu->cr4 & CR4_PCIDE);
    }
    return true;
}

static bool uses_pdptes(const X86CPU *cpu, uint64_t cr0, uint64_t cr4)
{
    return (cr0 & CR0_PG) && (cr4 & CR4_PAE) && !(cpu->efer & EFER_LME);
}

static bool write_cr0(X86CPU *cpu, uint64_t value)
{
    uint64_t changed;

    if (!cr0_valid(cpu, value) || !cr0_paging_valid(cpu, value)) {
        return false;
    }
    value = (value & CR0_BITS) | CR0_ET;
    changed = cpu->cr0 ^ value;
    if ((changed & CR0_PDPTE) && uses_pdptes(cpu, value, cpu->cr4) &&
        !x86_load_pdptes(cpu, cpu->cr3)) {
        return false;
    }
    if (changed & CR0_PG) {
        cpu->efer &= ~EFER_LMA;
        if ((value & CR0_PG) && (cpu->efer & EFER_LME)) {
            cpu->efer |= EFER_LMA;
        }
    }
    cpu->cr0 = value;
    x86_update_hflags(cpu);
    if (changed & CR0_TLB) {
        tlb_flush(&cpu->cs, TLB_FLUSH_MODE);
    }
    return true;
}

/* --- CR3 --- */

static bool write_cr3(X86CPU *cpu, uint64_t value)
{
    bool flush = true;

    if (cpu->cr4 & CR4_PCIDE) {
        flush = !(value & CR3_NOFLUSH);
        value &= ~CR3_NOFLUSH;
    }
    if (x86_is_long(cpu)) {
        if (value & ~x86_phys_mask(cpu)) {
            return false;
        }
    } else {
        value = (uint32_t)value;
    }
    if (uses_pdptes(cpu, cpu->cr0, cpu->cr4) &&
        !x86_load_pdptes(cpu, value)) {
        return false;
    }
    cpu->cr3 = value;
    if (cpu->cr0 & CR0_PG) {
        x86_enter_space(cpu, flush);
    }
    return true;
}

/* --- CR4 --- */

/* Bits that the vCPU's model has. */
static uint64_t cr4_bits(const X86CPU *cpu)
{
    static const struct {
        uint64_t bits;
        X86FeatureId feature;
    } rows[] = {
        {CR4_VME | CR4_PVI, FEAT_VME}, {CR4_TSD, FEAT_TSC},
        {CR4_DE, FEAT_DE},             {CR4_PSE, FEAT_PSE},
        {CR4_PAE, FEAT_PAE},           {CR4_MCE, FEAT_MCE},
        {CR4_PGE, FEAT_PGE},           {CR4_OSFXSR, FEAT_FXSR},
        {CR4_OSXMMEXCPT, FEAT_SSE},    {CR4_UMIP, FEAT_UMIP},
        {CR4_LA57, FEAT_LA57},         {CR4_FSGSBASE, FEAT_FSGSBASE},
        {CR4_PCIDE, FEAT_PCID},        {CR4_OSXSAVE, FEAT_XSAVE},
        {CR4_SMEP, FEAT_SMEP},         {CR4_SMAP, FEAT_SMAP},
        {CR4_PKE, FEAT_PKU},
    };
    uint64_t bits = cpu->features->family > 4 ? CR4_PCE : 0;

    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        if (x86_has_feature(cpu, rows[i].feature)) {
            bits |= rows[i].bits;
        }
    }
    return bits;
}

static bool cr4_valid(const X86CPU *cpu, uint64_t value)
{
    uint64_t changed = cpu->cr4 ^ value;

    if (value & ~cr4_bits(cpu)) {
        return false;
    }
    if (x86_is_long(cpu) && (!(value & CR4_PAE) || (changed & CR4_LA57))) {
        return false;
    }
    /* PCIDs start from PCID 0 of long mode. */
    return !(changed & value & CR4_PCIDE) ||
           (x86_is_long(cpu) && !(cpu->cr3 & 0xfff));
}

static bool write_cr4(X86CPU *cpu, uint64_t value)
{
    uint64_t changed = cpu->cr4 ^ value;

    if (!cr4_valid(cpu, value)) {
        return false;
    }
    if ((changed & CR4_PDPTE) && uses_pdptes(cpu, cpu->cr0, value) &&
        !x86_load_pdptes(cpu, cpu->cr3)) {
        return false;
    }
    cpu->cr4 = value;
    x86_update_hflags(cpu);
    if (changed & CR4_TLB) {
        tlb_flush(&cpu->cs, TLB_FLUSH_MODE);
        x86_enter_space(cpu, false);
    }
    return true;
}

/* --- CR8 --- */

static uint64_t read_cr8(X86CPU *cpu)
{
    return cpu->apic ? cpu->apic_ops->get_cr8(cpu->apic) : 0;
}

static bool write_cr8(X86CPU *cpu, uint64_t value)
{
    if (value > 15) {
        return false;
    }
    if (cpu->apic) {
        cpu->apic_ops->set_cr8(cpu->apic, value);
    }
    return true;
}

uint64_t helper_read_cr(X86CPU *cpu, uint64_t number)
{
    switch (number) {
    case 0:
        return cpu->cr0;
    case 2:
        return cpu->cr2;
    case 3:
        return cpu->cr3;
    case 4:
        return cpu->cr4;
    case 8:
        return read_cr8(cpu);
    default:
        x86_raise(cpu, EXCP_UD);
    }
}

bool x86_write_cr(X86CPU *cpu, unsigned number, uint64_t value)
{
    switch (number) {
    case 0:
        return write_cr0(cpu, value);
    case 2:
        cpu->cr2 = value;
        return true;
    case 3:
        return write_cr3(cpu, value);
    case 4:
        return write_cr4(cpu, value);
    default:
        return write_cr8(cpu, value);
    }
}

static bool cr_exists(uint64_t number)
{
    return number == 0 || (number >= 2 && number <= 4) || number == 8;
}

void helper_write_cr(X86CPU *cpu, uint64_t number, uint64_t value)
{
    if (!cr_exists(number)) {
        x86_raise(cpu, EXCP_UD);
    }
    if (!x86_write_cr(cpu, number, value)) {
        x86_raise_gp0(cpu);
    }
}

void helper_clts(X86CPU *cpu)
{
    cpu->cr0 &= ~CR0_TS;
    x86_update_hflags(cpu);
}

/* Loads PE, MP, EM and TS; cannot clear PE. */
void helper_lmsw(X86CPU *cpu, uint64_t value)
{
    uint64_t mask = CR0_MP | CR0_EM | CR0_TS | (value & CR0_PE);

    if (!write_cr0(cpu, (cpu->cr0 & ~mask) | (value & mask))) {
        x86_raise_gp0(cpu);
    }
}
