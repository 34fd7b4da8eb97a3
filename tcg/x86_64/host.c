/* SPDX-License-Identifier: MIT */
/*
 * What the host's processor has: the x86-64-v3 that the back-end requires, and
 * the extensions that it can do without.
 * Source: SDM vol. 2A, "CPUID"; psABI x86-64, table 3.1.
 */
#include <cpuid.h>
#include <sys/auxv.h>

#include "tcg/vops.h"
#include "tcg/x86_64/cg.h"

#define HWCAP2_FSGSBASE 2 /* Linux: arch/x86/include/uapi/asm/hwcap2.h */
#define WIDE            16 /* above: the same for 256 bits */

static bool plain; /* act as if there were no more than x86-64-v3 */

static HostCpuid host_cpuid(void)
{
    HostCpuid h = {0};
    unsigned a, b, c, d;

    if (__get_cpuid(1, &a, &b, &c, &d)) {
        h.leaf1_ecx = c;
    }
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
        h.leaf7_ebx = b;
        h.leaf7_ecx = c;
    }
    if (__get_cpuid(0x80000001, &a, &b, &c, &d)) {
        h.leaf81_ecx = c;
    }
    return h;
}

bool host_cpuid_fits(const HostCpuid *h)
{
    const uint32_t leaf1 = bit_FMA | bit_SSE4_2 | bit_MOVBE | bit_POPCNT |
                           bit_OSXSAVE | bit_AVX | bit_F16C;
    const uint32_t leaf7 = bit_BMI | bit_AVX2 | bit_BMI2;
    const uint32_t leaf81 = bit_LAHF_LM | bit_LZCNT;

    return !(leaf1 & ~h->leaf1_ecx) && !(leaf7 & ~h->leaf7_ebx) &&
           !(leaf81 & ~h->leaf81_ecx);
}

bool host_is_fit(void)
{
    HostCpuid h = host_cpuid();

    __builtin_cpu_init();
    /* The compiler's own test asks XCR0, too. */
    return host_cpuid_fits(&h) && __builtin_cpu_supports("avx2");
}

void host_be_plain(bool on)
{
    plain = on;
}

bool host_has_fsgsbase(void)
{
    return !plain && (getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE);
}

static uint32_t extensions_of(const HostCpuid *h)
{
    uint32_t b = h->leaf7_ebx, c = h->leaf7_ecx, set = 0;

    set |= h->leaf1_ecx & bit_AES ? BIT(VOP_EXT_AES) : 0;
    set |= h->leaf1_ecx & bit_PCLMUL ? BIT(VOP_EXT_CLMUL) : 0;
    set |= b & bit_SHA ? BIT(VOP_EXT_SHA) : 0;
    set |= c & bit_GFNI ? BIT(VOP_EXT_GFNI) | BIT(WIDE + VOP_EXT_GFNI) : 0;
    set |= c & bit_VAES ? BIT(WIDE + VOP_EXT_AES) : 0;
    set |= c & bit_VPCLMULQDQ ? BIT(WIDE + VOP_EXT_CLMUL) : 0;
    return set;
}

bool host_has_vop_ext(unsigned ext, bool wide)
{
    static uint32_t known; /* bit 31: asked; racing threads agree */
    uint32_t set = __atomic_load_n(&known, __ATOMIC_RELAXED);

    if (!set) {
        HostCpuid h = host_cpuid();

        set = BIT(31) | extensions_of(&h);
        __atomic_store_n(&known, set, __ATOMIC_RELAXED);
    }
    return ext == VOP_EXT_NONE ||
           (!plain && (set >> (ext + (wide ? WIDE : 0)) & 1));
}
