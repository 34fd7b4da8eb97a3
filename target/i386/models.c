/* SPDX-License-Identifier: MIT */
/*
 * CPU models, features by name, and what depends on what.
 *
 * "max" has all that is implemented.  It calls itself an in-order Intel part
 * (an Atom of the Saltwell kind): operating systems then leave out the costly
 * work-arounds for speculative execution, which has no counterpart here.
 *
 * A named model lists what the processor has; what is not implemented of it is
 * left out with a warning (cpu_option.c).  EPYC-Genoa is listed without
 * AVX-512.  Source: CPUID dumps of the processors; psABI x86-64, table 3.1
 * "Micro-Architecture Levels".
 */
#include "target/i386/models.h"

#include <string.h>

/* The feature set of each generation, on top of the one before. */
#define F_486      "fpu vme pse"
#define F_PENTIUM  F_486 " de tsc msr mce cx8 apic mmx"
#define F_PENTIUM3 F_PENTIUM " pae sep mtrr pge mca cmov pat pse36 fxsr sse"
#define F_X86_64   F_PENTIUM3 " clflush sse2 syscall nx lm"
#define F_V2       F_X86_64 " pni ssse3 sse4.1 sse4.2 popcnt cx16 lahf_lm"
#define F_V3       F_V2 " xsave avx avx2 fma f16c bmi1 bmi2 movbe abm"
#define F_HASWELL                                                           \
    F_V3 " pclmulqdq aes x2apic tsc-deadline rdrand pcid invpcid rdtscp "   \
         "fsgsbase smep erms hle rtm arat xsaveopt"
#define F_SKYLAKE                                                           \
    F_HASWELL " adx rdseed smap clflushopt mpx 3dnowprefetch xsavec xgetbv1"
#define F_EPYC                                                              \
    F_V3 " ht pclmulqdq aes x2apic rdrand rdtscp pdpe1gb fsgsbase smep "    \
         "smap adx rdseed clflushopt sha-ni arat xsaveopt xsavec xgetbv1 "  \
         "mmxext fxsr_opt svm cr8legacy sse4a misalignsse 3dnowprefetch "   \
         "osvw topoext"
#define F_GENOA                                                             \
    F_EPYC " pcid invpcid erms fsrm umip rdpid pku la57 gfni vaes "         \
           "vpclmulqdq clwb wbnoinvd xsaves tsc_adjust"

#define INTEL "GenuineIntel"
#define AMD   "AuthenticAMD"

const X86Model x86_models[] = {
    {"486", "Intel 80486", INTEL, NULL, 4, 8, 0, 1, 0, F_486},
    {"EPYC", "AMD EPYC (Naples)", AMD, "AMD EPYC Processor", 23, 1, 2, 0xd,
     0x8000001e, F_EPYC},
    {"EPYC-Genoa", "AMD EPYC (Genoa), without AVX-512", AMD,
     "AMD EPYC-Genoa Processor", 25, 17, 0, 0xd, 0x80000022, F_GENOA},
    {"Haswell", "Intel Core (Haswell)", INTEL, "Intel Core Processor (Haswell)",
     6, 60, 4, 0xd, 0x80000008, F_HASWELL},
    {"Nehalem", "Intel Core i7 9xx (Nehalem)", INTEL,
     "Intel Core i7 9xx (Nehalem Class Core i7)", 6, 26, 3, 0xb, 0x80000008,
     F_V2},
    {"Skylake-Client", "Intel Core (Skylake)", INTEL,
     "Intel Core Processor (Skylake)", 6, 94, 3, 0xd, 0x80000008, F_SKYLAKE},
    {"Opteron_G1", "AMD Opteron 240", AMD,
     "AMD Opteron 240 (Gen 1 Class Opteron)", 15, 6, 1, 5, 0x80000008,
     F_X86_64 " pni"},
    {"kvm64", "the processor that hypervisors have in common", INTEL, NULL, 15,
     6, 1, 0xd, 0x80000008, F_X86_64 " pni cx16"},
    {"max", "all that this emulator implements", INTEL, NULL, 6, 0x36, 1, 0x1f,
     0x80000008, NULL},
    {"pentium", "Intel Pentium MMX", INTEL, NULL, 5, 4, 3, 1, 0, F_PENTIUM},
    {"pentium3", "Intel Pentium III", INTEL, NULL, 6, 8, 3, 3, 0, F_PENTIUM3},
    {"qemu32", "a plain 32-bit processor", INTEL, NULL, 6, 6, 3, 4, 0x80000004,
     F_PENTIUM3 " sse2 pni x2apic"},
    {"qemu64", "a plain 64-bit processor", AMD, NULL, 15, 107, 1, 0xd,
     0x8000000a, F_X86_64 " pni cx16 lahf_lm x2apic"},
    {"x86-64-v1", "the baseline of x86-64", INTEL, NULL, 15, 4, 1, 0xd,
     0x80000008, F_X86_64},
    {"x86-64-v2", "x86-64 with SSE4.2", INTEL, NULL, 6, 26, 3, 0xd, 0x80000008,
     F_V2},
    {"x86-64-v3", "x86-64 with AVX2", INTEL, NULL, 6, 60, 4, 0xd, 0x80000008,
     F_V3},
};
const unsigned x86_nmodels = ARRAY_LEN(x86_models);

const X86FeatureInfo x86_feature_info[FEAT_COUNT] = {
#define X86_FEATURE(id, name, word, bit, have) \
    [FEAT_##id] = {name, word, bit, have},
#include "target/i386/features.def"
#undef X86_FEATURE
};

const X86Model *x86_model_find(const char *name, size_t len)
{
    for (unsigned i = 0; i < x86_nmodels; i++) {
        if (strlen(x86_models[i].name) == len &&
            !strncmp(x86_models[i].name, name, len)) {
            return &x86_models[i];
        }
    }
    return NULL;
}

const X86FeatureInfo *x86_feature_find(const char *name)
{
    static const char *const alias[][2] = {
        {"sse3", "pni"},      {"sse4_1", "sse4.1"}, {"sse4-1", "sse4.1"},
        {"sse4_2", "sse4.2"}, {"sse4-2", "sse4.2"}, {"xd", "nx"},
        {"lzcnt", "abm"},     {"lahf-lm", "lahf_lm"}, {"i64", "lm"},
        {"tsc-adjust", "tsc_adjust"}, {"sha_ni", "sha-ni"},
        {"fxsr-opt", "fxsr_opt"}, {"tsc_deadline_timer", "tsc-deadline"},
        {"ffxsr", "fxsr_opt"}, {"pclmuldq", "pclmulqdq"},
    };

    for (unsigned i = 0; i < ARRAY_LEN(alias); i++) {
        if (!strcmp(name, alias[i][0])) {
            name = alias[i][1];
        }
    }
    for (unsigned i = FEAT_BASE + 1; i < FEAT_COUNT; i++) {
        if (!strcmp(name, x86_feature_info[i].name)) {
            return &x86_feature_info[i];
        }
    }
    return NULL;
}

char *x86_feature_place(const X86FeatureInfo *info)
{
    static const struct {
        uint32_t leaf;
        const char *reg;
    } place[FW_COUNT] = {
        [FW_1_EDX] = {1, "EDX"},           [FW_1_ECX] = {1, "ECX"},
        [FW_6_EAX] = {6, "EAX"},           [FW_7_EBX] = {7, "EBX"},
        [FW_7_ECX] = {7, "ECX"},           [FW_7_EDX] = {7, "EDX"},
        [FW_D1_EAX] = {0xd, "EAX"},        [FW_81_EDX] = {0x80000001, "EDX"},
        [FW_81_ECX] = {0x80000001, "ECX"}, [FW_87_EDX] = {0x80000007, "EDX"},
        [FW_88_EBX] = {0x80000008, "EBX"},
    };

    return g_strdup_printf("CPUID.%02XH:%s.%s [bit %u]",
                           place[info->word].leaf, place[info->word].reg,
                           info->name, info->bit);
}

bool x86_feature_is_set(const X86Features *f, X86FeatureId id)
{
    const X86FeatureInfo *info = &x86_feature_info[id];

    return f->word[info->word] >> info->bit & 1;
}

void x86_feature_put(X86Features *f, X86FeatureId id, bool on)
{
    const X86FeatureInfo *info = &x86_feature_info[id];
    uint32_t bit = BIT(info->bit);

    f->word[info->word] = on ? f->word[info->word] | bit
                             : f->word[info->word] & ~bit;
}

void x86_features_settle(X86Features *f)
{
    /* In an order that lets one row's result serve the next. */
    static const struct {
        X86FeatureId what, needs;
    } rows[] = {
        {FEAT_SSE, FEAT_FXSR},      {FEAT_SSE2, FEAT_SSE},
        {FEAT_AVX, FEAT_XSAVE},     {FEAT_AVX2, FEAT_AVX},
        {FEAT_FMA, FEAT_AVX},       {FEAT_F16C, FEAT_AVX},
        {FEAT_VAES, FEAT_AVX},      {FEAT_VPCLMULQDQ, FEAT_AVX},
        {FEAT_XSAVEOPT, FEAT_XSAVE}, {FEAT_XSAVEC, FEAT_XSAVE},
        {FEAT_XGETBV1, FEAT_XSAVE}, {FEAT_XSAVES, FEAT_XSAVEC},
        {FEAT_PKU, FEAT_XSAVE},     {FEAT_PKU, FEAT_LM},
        {FEAT_PCID, FEAT_LM},       {FEAT_LA57, FEAT_LM},
        {FEAT_PDPE1GB, FEAT_LM},    {FEAT_FSGSBASE, FEAT_LM},
        {FEAT_X2APIC, FEAT_APIC},   {FEAT_TSC_DEADLINE, FEAT_APIC},
        {FEAT_RDTSCP, FEAT_TSC},    {FEAT_INVTSC, FEAT_TSC},
        {FEAT_TSC_ADJUST, FEAT_TSC},
    };

    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        if (!x86_feature_is_set(f, rows[i].needs)) {
            x86_feature_put(f, rows[i].what, false);
        }
    }
    if (!f->amd) { /* leaves 8000001Dh and 8000001Eh are AMD's */
        x86_feature_put(f, FEAT_TOPOEXT, false);
    }
}
