/* SPDX-License-Identifier: MIT */
/*
 * Features that CPUID announces and that decide whether an instruction exists.
 * Names are the SDM's (vol. 2A, "CPUID"); FEAT_BASE is always there.
 */
#ifndef HEDDLE_TARGET_I386_CPUID_H
#define HEDDLE_TARGET_I386_CPUID_H

#include "target/i386/cpu.h"

typedef enum X86Feature {
    FEAT_BASE,
    FEAT_FPU,
    FEAT_TSC,
    FEAT_MSR,
    FEAT_CX8,
    FEAT_SEP,
    FEAT_CMOV,
    FEAT_CLFSH,
    FEAT_MMX,
    FEAT_FXSR,
    FEAT_SSE,
    FEAT_SSE2,
    FEAT_SSE3,
    FEAT_PCLMULQDQ,
    FEAT_MONITOR,
    FEAT_SSSE3,
    FEAT_FMA,
    FEAT_CX16,
    FEAT_SSE41,
    FEAT_SSE42,
    FEAT_MOVBE,
    FEAT_POPCNT,
    FEAT_AES,
    FEAT_XSAVE,
    FEAT_AVX,
    FEAT_F16C,
    FEAT_RDRAND,
    FEAT_FSGSBASE,
    FEAT_BMI1,
    FEAT_AVX2,
    FEAT_BMI2,
    FEAT_INVPCID,
    FEAT_RDSEED,
    FEAT_ADX,
    FEAT_SMAP,
    FEAT_CLFLUSHOPT,
    FEAT_CLWB,
    FEAT_SHA,
    FEAT_RDPID,
    FEAT_XSAVEOPT,
    FEAT_SYSCALL,
    FEAT_RDTSCP,
    FEAT_LM,
    FEAT_LAHF_LM,
    FEAT_ABM,         /* LZCNT */
    FEAT_SSE4A,
    FEAT_PREFETCHW,
    X86_FEATURE_COUNT,
} X86Feature;

/* Does this vCPU's CPUID announce @f?  Any thread; never changes. */
bool x86_has_feature(const X86CPU *cpu, X86Feature f);

#endif
