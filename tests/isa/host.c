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

static uint32_t host_word(unsigned word)
{
    static const struct {
        uint32_t leaf, subleaf;
        uint8_t reg; /* 0 to 3: EAX to EDX */
    } where[FW_COUNT] = {
        [FW_1_EDX] = {1, 0, 3},           [FW_1_ECX] = {1, 0, 2},
        [FW_6_EAX] = {6, 0, 0},           [FW_7_EBX] = {7, 0, 1},
        [FW_7_ECX] = {7, 0, 2},           [FW_7_EDX] = {7, 0, 3},
        [FW_D1_EAX] = {13, 1, 0},         [FW_81_EDX] = {0x80000001, 0, 3},
        [FW_81_ECX] = {0x80000001, 0, 2}, [FW_87_EDX] = {0x80000007, 0, 3},
    };
    unsigned r[4] = {0};

    __get_cpuid_count(where[word].leaf, where[word].subleaf, &r[0], &r[1],
                      &r[2], &r[3]);
    return r[where[word].reg];
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

    return feature == FEAT_BASE || (f->have && (words[f->word] >> f->bit & 1));
}

bool silicon_null_clears_base(void)
{
    return null_clears_base;
}

bool silicon_has_bases(void)
{
    return getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE;
}
