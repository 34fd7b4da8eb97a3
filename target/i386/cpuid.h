/* SPDX-License-Identifier: MIT */
/* CPU models and what CPUID says of them. */
#ifndef HEDDLE_TARGET_I386_CPUID_H
#define HEDDLE_TARGET_I386_CPUID_H

#include "target/i386/cpu.h"

/* Registers of CPUID that hold feature bits; FW_IMPLIED is none. */
typedef enum FeatureWord {
    FW_1_EDX, FW_1_ECX, FW_6_EAX, FW_7_EBX, FW_7_ECX, FW_7_EDX, FW_71_EAX,
    FW_D1_EAX, FW_81_EDX, FW_81_ECX, FW_87_EDX, FW_88_EBX, FW_IMPLIED,
    FW_COUNT,
} FeatureWord;

typedef enum X86FeatureId {
    FEAT_BASE, /* what every model has: no row of the table */
#define X86_FEATURE(id, name, word, bit, have) FEAT_##id,
#include "target/i386/features.def"
#undef X86_FEATURE
    FEAT_COUNT,
} X86FeatureId;

/* One vCPU's identity: a model with the command line's changes. */
typedef struct X86Features {
    uint32_t word[FW_COUNT];
    char vendor[13];
    bool amd;      /* by vendor: where the two makers' processors differ */
    bool l3_cache; /* leaves 4 and 8000001Dh show one */
    bool leaf_0b;
    char model_id[49];
    unsigned family, model, stepping;
    uint32_t level, xlevel; /* highest basic and extended leaf */
    unsigned phys_bits;     /* MAXPHYADDR: CPUID 80000008h */
    uint64_t tsc_hz;
} X86Features;

typedef struct X86FeatureInfo {
    const char *name; /* NULL: of FW_IMPLIED */
    uint8_t word, bit;
    bool have;
} X86FeatureInfo;
extern const X86FeatureInfo x86_feature_info[FEAT_COUNT];

/* Where CPUID has each word but FW_IMPLIED; reg: 0 to 3 are EAX to EDX. */
typedef struct X86FeatureLeaf {
    uint32_t leaf, subleaf;
    uint8_t reg;
} X86FeatureLeaf;
extern const X86FeatureLeaf x86_feature_leaf[FW_COUNT];

/* May the guest use it?  Constant for a vCPU's life; @id is not FEAT_BASE. */
static inline bool x86_has_feature(const X86CPU *cpu, X86FeatureId id)
{
    const X86FeatureInfo *info = &x86_feature_info[id];

    return cpu->features->word[info->word] >> info->bit & 1;
}

/* The bits of a physical address. */
static inline uint64_t x86_phys_mask(const X86CPU *cpu)
{
    return BIT64(cpu->features->phys_bits) - 1;
}

/*
 * Is @la canonical for what is put into a register now and used later: the
 * base of a segment or a table, or an address in an MSR?  There, as processors
 * with five-level paging have it, their widest address counts, not CR4.LA57.
 * Source: ISE, "Linear Address Masking (LAM)".
 */
static inline bool x86_is_canonical_base(const X86CPU *cpu, vaddr la)
{
    int shift = x86_has_feature(cpu, FEAT_LA57) ? 7 : 16;

    return (int64_t)(la << shift) >> shift == (int64_t)la;
}

/* May MONITOR and MWAIT be used?  Intel's can be switched off. */
static inline bool x86_monitor_enabled(const X86CPU *cpu)
{
    return x86_has_feature(cpu, FEAT_MONITOR) &&
           (cpu->features->amd || (cpu->misc_enable & MISC_ENABLE_MONITOR));
}

/* Power-on state but for what INIT keeps (FPU, MSRs, caches, TSC). */
void x86_cpu_init_reset(X86CPU *cpu);

/* Parse "MODEL[,+feature][,-feature][,key=value]..."; sets cpu->model and
 * cpu->features.  With @warn, tell what of the model is left out. */
bool x86_model_select(X86CPU *cpu, const char *text, bool warn,
                      GError **errp);

/* Of PKRU in the standard format of XSAVE; AMD's processors agree. */
#define XSAVE_PKRU_OFFSET 832

typedef struct CpuidRegs {
    uint32_t eax, ebx, ecx, edx;
} CpuidRegs;
/* SDM vol. 2A, "CPUID"; leaves past the highest answer as the highest basic
 * one does. */
CpuidRegs x86_cpuid(X86CPU *cpu, uint32_t leaf, uint32_t subleaf);
/* What EDX holds after reset, and CPUID.1:EAX. */
uint32_t x86_cpu_signature(const X86Features *f);

#endif
