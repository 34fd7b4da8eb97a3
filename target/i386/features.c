/* SPDX-License-Identifier: MIT */
/*
 * CPUID's features by name, where they stand, and what depends on what.
 * Source: SDM vol. 2A, "CPUID"; AMD APM vol. 3, appendix E.
 */
#include "target/i386/models.h"
#include "target/i386/cpuid_topology.h"

#include <string.h>

const X86FeatureInfo x86_feature_info[FEAT_COUNT] = {
#define X86_FEATURE(id, name, word, bit, have)                                 \
    [FEAT_##id] = {name, word, bit, have},
#include "target/i386/features.def"
#undef X86_FEATURE
};

enum { EAX, EBX, ECX, EDX };

const X86FeatureLeaf x86_feature_leaf[FW_COUNT] = {
    [FW_1_EDX] = {1, 0, EDX},           [FW_1_ECX] = {1, 0, ECX},
    [FW_6_EAX] = {6, 0, EAX},           [FW_7_EBX] = {7, 0, EBX},
    [FW_7_ECX] = {7, 0, ECX},           [FW_7_EDX] = {7, 0, EDX},
    [FW_71_EAX] = {7, 1, EAX},          [FW_D1_EAX] = {0xd, 1, EAX},
    [FW_81_EDX] = {0x80000001, 0, EDX}, [FW_81_ECX] = {0x80000001, 0, ECX},
    [FW_87_EDX] = {0x80000007, 0, EDX}, [FW_88_EBX] = {0x80000008, 0, EBX},
};

/* --- names --- */

bool x86_cpu_same_name(const char *a, const char *b)
{
    while (*a && (*a == *b || (strchr("-_.", *a) && *b && strchr("-_.", *b)))) {
        a++;
        b++;
    }
    return *a == *b;
}

const X86FeatureInfo *x86_feature_find(const char *name)
{
    static const char *const alias[][2] = {
        {"sse3", "pni"},
        {"xd", "nx"},
        {"i64", "lm"},
        {"lzcnt", "abm"},
        {"ffxsr", "fxsr-opt"},
        {"clfsh", "clflush"},
        {"sha", "sha-ni"},
        {"tsc-deadline-timer", "tsc-deadline"},
        {"pclmuldq", "pclmulqdq"},
    };

    for (unsigned i = 0; i < ARRAY_LEN(alias); i++) {
        if (x86_cpu_same_name(name, alias[i][0])) {
            name = alias[i][1];
        }
    }
    for (unsigned i = FEAT_BASE + 1; i < FEAT_COUNT; i++) {
        const X86FeatureInfo *info = &x86_feature_info[i];

        if (info->name && x86_cpu_same_name(name, info->name)) {
            return info;
        }
    }
    return NULL;
}

char *x86_feature_place(const X86FeatureInfo *info)
{
    static const char *const reg[] = {"EAX", "EBX", "ECX", "EDX"};
    const X86FeatureLeaf *at = &x86_feature_leaf[info->word];

    return g_strdup_printf("CPUID.%02XH:%s.%s [bit %u]", at->leaf, reg[at->reg],
                           info->name, info->bit);
}

/* --- sets of them --- */

bool x86_feature_is_set(const X86Features *f, X86FeatureId id)
{
    const X86FeatureInfo *info = &x86_feature_info[id];

    return f->word[info->word] >> info->bit & 1;
}

void x86_feature_put(X86Features *f, X86FeatureId id, bool on)
{
    const X86FeatureInfo *info = &x86_feature_info[id];
    uint32_t bit = BIT(info->bit);

    f->word[info->word] =
        on ? f->word[info->word] | bit : f->word[info->word] & ~bit;
}

bool x86_cpu_has_feature(const X86CPU *cpu, const char *name)
{
    const X86FeatureInfo *info = x86_feature_find(name);

    g_assert(info); /* the caller's spelling */
    return x86_feature_is_set(cpu->features, info - x86_feature_info);
}

/* One needs the registers, the mode or the MSRs that the other brings.  In an
 * order that lets one row's result serve the next. */
static const struct {
    X86FeatureId what, needs;
} dependencies[] = {
    {FEAT_PSE36, FEAT_PSE},
    {FEAT_LM, FEAT_PAE},
    {FEAT_LM, FEAT_MSR},
    {FEAT_NX, FEAT_PAE},
    {FEAT_NX, FEAT_MSR},
    {FEAT_SYSCALL, FEAT_MSR},
    {FEAT_SEP, FEAT_MSR},
    {FEAT_MTRR, FEAT_MSR},
    {FEAT_PAT, FEAT_MSR},
    {FEAT_MCA, FEAT_MSR},
    {FEAT_ARCH_CAPABILITIES, FEAT_MSR},
    {FEAT_MMX, FEAT_FPU},
    {FEAT_FXSR, FEAT_FPU},
    {FEAT_SSE, FEAT_FXSR},
    {FEAT_SSE2, FEAT_SSE},
    {FEAT_SSE3, FEAT_SSE2},
    {FEAT_SSSE3, FEAT_SSE2},
    {FEAT_SSE41, FEAT_SSE2},
    {FEAT_SSE42, FEAT_SSE2},
    {FEAT_AES, FEAT_SSE2},
    {FEAT_PCLMULQDQ, FEAT_SSE2},
    {FEAT_SHA, FEAT_SSE2},
    {FEAT_GFNI, FEAT_SSE2},
    {FEAT_XSAVE, FEAT_FXSR},
    {FEAT_AVX, FEAT_XSAVE},
    {FEAT_AVX, FEAT_SSE2},
    {FEAT_AVX2, FEAT_AVX},
    {FEAT_FMA, FEAT_AVX},
    {FEAT_F16C, FEAT_AVX},
    {FEAT_VAES, FEAT_AVX},
    {FEAT_VPCLMULQDQ, FEAT_AVX},
    {FEAT_XSAVEOPT, FEAT_XSAVE},
    {FEAT_XSAVEC, FEAT_XSAVE},
    {FEAT_XGETBV1, FEAT_XSAVE},
    {FEAT_XSAVES, FEAT_XSAVEC},
    {FEAT_XSAVES, FEAT_MSR},
    {FEAT_PKU, FEAT_XSAVE},
    {FEAT_PKU, FEAT_LM},
    {FEAT_PCID, FEAT_LM},
    {FEAT_LA57, FEAT_LM},
    {FEAT_PDPE1GB, FEAT_LM},
    {FEAT_FSGSBASE, FEAT_LM},
    {FEAT_LAHF_LM, FEAT_LM},
    {FEAT_CX16, FEAT_LM},
    {FEAT_CX16, FEAT_CX8},
    {FEAT_X2APIC, FEAT_APIC},
    {FEAT_X2APIC, FEAT_MSR},
    {FEAT_ARAT, FEAT_APIC},
    {FEAT_TSC_DEADLINE, FEAT_APIC},
    {FEAT_TSC_DEADLINE, FEAT_TSC},
    {FEAT_TSC_DEADLINE, FEAT_MSR},
    {FEAT_RDTSCP, FEAT_TSC},
    {FEAT_RDTSCP, FEAT_MSR},
    {FEAT_RDPID, FEAT_MSR},
    {FEAT_INVTSC, FEAT_TSC},
    {FEAT_TSC_ADJUST, FEAT_TSC},
    {FEAT_TSC_ADJUST, FEAT_MSR},
};

/* Where the makers differ: leaves 8000001Dh and 8000001Eh are AMD's, and Intel
 * has SYSCALL in 64-bit mode alone. */
static void settle_vendor(X86Features *f)
{
    f->amd = !strcmp(f->vendor, "AuthenticAMD") ||
             !strcmp(f->vendor, "HygonGenuine");
    if (!f->amd) {
        x86_feature_put(f, FEAT_TOPOEXT, false);
        if (!x86_feature_is_set(f, FEAT_LM)) {
            x86_feature_put(f, FEAT_SYSCALL, false);
        }
    }
}

static bool either(const X86Features *f, X86FeatureId a, X86FeatureId b)
{
    return x86_feature_is_set(f, a) || x86_feature_is_set(f, b);
}

/*
 * What has no bit of its own: the P6 and its successors have the long NOP, and
 * MSRs that are enumerated by family.
 * Source: SDM vol. 2B, "NOP", "PREFETCHW"; vol. 4, table 2-2; APM vol. 3,
 * "PREFETCH"; APM vol. 5 (AMD had the integer half of SSE before SSE).
 */
static void settle_implied(X86Features *f)
{
    bool p6 = f->family == 6 || f->family >= 15;

    x86_feature_put(f, FEAT_P6, p6);
    x86_feature_put(f, FEAT_PREFETCH, either(f, FEAT_PREFETCHW, FEAT_LM));
    x86_feature_put(f, FEAT_MMX_SSE, either(f, FEAT_SSE, FEAT_MMXEXT));
    x86_feature_put(f, FEAT_APIC_BASE,
                    p6 && x86_feature_is_set(f, FEAT_APIC) &&
                        x86_feature_is_set(f, FEAT_MSR));
    x86_feature_put(f, FEAT_EFER,
                    either(f, FEAT_NX, FEAT_SYSCALL) ||
                        x86_feature_is_set(f, FEAT_LM));
    x86_feature_put(f, FEAT_TSC_AUX, either(f, FEAT_RDTSCP, FEAT_RDPID));
}

void x86_features_settle(X86Features *f)
{
    for (unsigned i = 0; i < ARRAY_LEN(dependencies); i++) {
        if (!x86_feature_is_set(f, dependencies[i].needs)) {
            x86_feature_put(f, dependencies[i].what, false);
        }
    }
    settle_vendor(f);
    settle_implied(f);
}

void x86_features_raise_levels(X86Features *f)
{
    for (unsigned w = 0; w < FW_IMPLIED; w++) {
        uint32_t leaf = x86_feature_leaf[w].leaf;
        uint32_t *level = leaf < 0x80000000 ? &f->level : &f->xlevel;

        if (f->word[w]) {
            *level = MAX(*level, leaf);
        }
    }
    if (x86_feature_is_set(f, FEAT_MONITOR)) {
        f->level = MAX(f->level, 5);
    }
    if (x86_feature_is_set(f, FEAT_XSAVE)) {
        f->level = MAX(f->level, 0xd);
    }
    if (x86_topology.dies > 1 && f->level >= 0xb) {
        f->level = MAX(f->level, 0x1f); /* the leaf that knows of dies */
    }
    if (x86_feature_is_set(f, FEAT_TOPOEXT)) {
        f->xlevel = MAX(f->xlevel, 0x8000001e);
    }
}
