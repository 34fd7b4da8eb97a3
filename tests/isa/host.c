/* SPDX-License-Identifier: MIT */
/* What the processor and the kernel under this program offer. */
#include "isa.h"

#include <asm/hwcap2.h>
#include <cpuid.h>
#include <sys/auxv.h>

#include "target/i386/cpuid.h"

/* APM vol. 3, appendix E, "Extended Feature Identification EAX". */
#define NULL_SELECTOR_CLEARS_BASE BIT(6)

static uint32_t words[FW_COUNT];
static bool is_amd, null_clears_base;

/* By Heddle's own table of features. */
static uint32_t host_word(unsigned word)
{
    const X86FeatureLeaf *at = &x86_feature_leaf[word];
    unsigned r[4] = {0};

    if (word == FW_IMPLIED) {
        return UINT32_MAX;
    }
    __get_cpuid_count(at->leaf, at->subleaf, &r[0], &r[1], &r[2], &r[3]);
    return r[at->reg];
}

/* Once, as CPUID takes microseconds in a virtual machine. */
void host_init(void)
{
    unsigned a, b, c, d;

    for (unsigned i = 0; i < FW_COUNT; i++) {
        words[i] = host_word(i);
    }
    __cpuid(0, a, b, c, d);
    is_amd = b == signature_AMD_ebx;
    null_clears_base = !is_amd || (__get_cpuid(0x80000021, &a, &b, &c, &d) &&
                                   (a & NULL_SELECTOR_CLEARS_BASE));
}

bool silicon_is_amd(void)
{
    return is_amd;
}

bool silicon_has_feature(unsigned feature)
{
    const X86FeatureInfo *f = &x86_feature_info[feature];

    return feature == FEAT_BASE || f->word == FW_IMPLIED ||
           (f->have && (words[f->word] >> f->bit & 1));
}

bool silicon_null_clears_base(void)
{
    return null_clears_base;
}

bool silicon_has_bases(void)
{
    return getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE;
}
