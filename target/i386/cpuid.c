/* SPDX-License-Identifier: MIT */
/*
 * The CPUID instruction.
 * Source: SDM vol. 2A, "CPUID"; AMD APM vol. 3, appendix E.
 */
#include "target/i386/cpuid_topology.h"

#include <string.h>

#include "exec/hold.h"
#include "target/i386/excp.h"
#include "target/i386/helpers.h"
#include "target/i386/seg.h"

#define CPUID_1_EBX_CLFLUSH     (8 << 8) /* line of 64 bytes, in eights */
#define CPUID_1_ECX_MONITOR     BIT(3)
#define CPUID_1_ECX_OSXSAVE     BIT(27)
#define CPUID_1_EDX_APIC        BIT(9)
#define CPUID_1_EDX_HTT         BIT(28)
#define CPUID_7_ECX_OSPKE       BIT(4)
#define CPUID_81_ECX_CMP_LEGACY BIT(1)
#define CPUID_81_EDX_SYSCALL    BIT(11)
#define CPUID_81_EDX_NX         BIT(20)
#define CPUID_LIMIT             3 /* of IA32_MISC_ENABLE */
#define CACHE_LINE              64
#define APIC_TIMER_HZ           1000000000u /* hw/intc/apic_timer.c */

uint32_t x86_cpu_signature(const X86Features *f)
{
    unsigned family = MIN(f->family, 15);
    unsigned extended = f->family - family;

    return extended << 20 | (f->model >> 4 & 15) << 16 | family << 8 |
           (f->model & 15) << 4 | (f->stepping & 15);
}

static uint32_t text_word(const char *text, unsigned offset)
{
    uint32_t word;

    memcpy(&word, text + offset, sizeof(word));
    return word;
}

static CpuidRegs leaf_vendor(const X86CPU *cpu, uint32_t highest)
{
    const char *vendor = cpu->features->vendor;

    return (CpuidRegs){highest, text_word(vendor, 0), text_word(vendor, 8),
                       text_word(vendor, 4)};
}

/* The highest basic leaf: software of the past could not stand many. */
static uint32_t basic_level(const X86CPU *cpu)
{
    uint32_t level = cpu->features->level;

    return !cpu->features->amd && (cpu->misc_enable & MISC_ENABLE_CPUID_LIMIT)
               ? MIN(level, CPUID_LIMIT)
               : level;
}

static bool apic_is_on(X86CPU *cpu)
{
    return cpu->apic && (cpu->apic_ops->get_base(cpu->apic) & APIC_BASE_ENABLE);
}

/* EDX of leaf 1, of which AMD repeats a part. */
static uint32_t features_edx(X86CPU *cpu)
{
    uint32_t edx = cpu->features->word[FW_1_EDX] & ~CPUID_1_EDX_HTT;

    if (x86_package_threads(&x86_topology) > 1) {
        edx |= CPUID_1_EDX_HTT;
    }
    return apic_is_on(cpu) ? edx : edx & ~CPUID_1_EDX_APIC;
}

static CpuidRegs leaf_features(X86CPU *cpu)
{
    const X86Features *f = cpu->features;
    CpuidRegs r = {
        .eax = x86_cpu_signature(f),
        .ebx = cpu->apic_id << 24 | cpuid_logical_count(f) << 16,
        .ecx = f->word[FW_1_ECX],
        .edx = features_edx(cpu),
    };

    if (x86_has_feature(cpu, FEAT_CLFSH)) {
        r.ebx |= CPUID_1_EBX_CLFLUSH;
    }
    if (cpu->cr4 & CR4_OSXSAVE) {
        r.ecx |= CPUID_1_ECX_OSXSAVE;
    }
    if (!x86_monitor_enabled(cpu)) {
        r.ecx &= ~CPUID_1_ECX_MONITOR;
    }
    return r;
}

/* Descriptors of one byte: FFh sends on to leaf 4.  Without that leaf: TLBs of
 * a Pentium III, the L1s of 32 KiB and the L2 of 512 KiB. */
static CpuidRegs leaf_descriptors(const X86Features *f)
{
    return f->level >= 4 ? (CpuidRegs){.eax = 0x00ff0001}
                         : (CpuidRegs){.eax = 0x03020101, .edx = 0x2c308604};
}

#define XCR0_AVX   BIT64(2)
#define XCR0_PKRU  BIT64(9)
#define XSAVE_BASE 576 /* the legacy area and the header */

/* Bytes of an area with these components. */
static uint32_t xsave_bytes(uint64_t components, bool compacted)
{
    uint32_t end = components & XCR0_AVX ? XSAVE_BASE + 256 : XSAVE_BASE;

    if (components & XCR0_PKRU) {
        end = (compacted ? end : XSAVE_PKRU_OFFSET) + 8;
    }
    return end;
}

/* XSAVE's components: x87 and SSE in the legacy area, AVX and PKRU behind. */
static CpuidRegs leaf_xsave(const X86CPU *cpu, uint32_t subleaf)
{
    bool avx = x86_has_feature(cpu, FEAT_AVX);
    bool pku = x86_has_feature(cpu, FEAT_PKU);
    uint64_t all = 3 | (avx ? XCR0_AVX : 0) | (pku ? XCR0_PKRU : 0);

    if (!x86_has_feature(cpu, FEAT_XSAVE)) {
        return (CpuidRegs){0};
    }
    switch (subleaf) {
    case 0:
        return (CpuidRegs){
            .eax = all,
            .ebx = xsave_bytes(cpu->xcr0, false),
            .ecx = xsave_bytes(all, false),
        };
    case 1:
        /* EBX: the compacted area of what XCR0 and IA32_XSS enable. */
        return (CpuidRegs){.eax = cpu->features->word[FW_D1_EAX],
                           .ebx = x86_has_feature(cpu, FEAT_XSAVEC)
                                      ? xsave_bytes(cpu->xcr0, true)
                                      : 0};
    case 2:
        return avx ? (CpuidRegs){.eax = 256, .ebx = XSAVE_BASE}
                   : (CpuidRegs){0};
    case 9:
        return pku ? (CpuidRegs){.eax = 8, .ebx = XSAVE_PKRU_OFFSET}
                   : (CpuidRegs){0};
    default:
        return (CpuidRegs){0};
    }
}

static CpuidRegs leaf_extended_features(const X86CPU *cpu, uint32_t subleaf)
{
    const uint32_t *word = cpu->features->word;

    switch (subleaf) {
    case 0: /* EAX: the highest sub-leaf */
        return (CpuidRegs){
            .eax = word[FW_71_EAX] != 0,
            .ebx = word[FW_7_EBX],
            .ecx =
                word[FW_7_ECX] | (cpu->cr4 & CR4_PKE ? CPUID_7_ECX_OSPKE : 0),
            .edx = word[FW_7_EDX],
        };
    case 1:
        return (CpuidRegs){.eax = word[FW_71_EAX]};
    default:
        return (CpuidRegs){0};
    }
}

static uint32_t gcd(uint32_t a, uint32_t b)
{
    return b ? gcd(b, a % b) : a;
}

/*
 * TSC = crystal clock (which is the APIC timer's) x EBX / EAX.  Not told unless
 * it is exact, and small enough for Linux to multiply by kHz in 32 bits: then
 * the guest has to measure it.
 */
static CpuidRegs leaf_tsc(const X86CPU *cpu)
{
    uint32_t divisor = gcd(APIC_TIMER_HZ, cpu->tsc_hz % APIC_TIMER_HZ);
    uint64_t numerator = cpu->tsc_hz / divisor;

    if (numerator > UINT32_MAX / (APIC_TIMER_HZ / 1000)) {
        return (CpuidRegs){0};
    }
    return (CpuidRegs){
        .eax = APIC_TIMER_HZ / divisor, .ebx = numerator, .ecx = APIC_TIMER_HZ};
}

static CpuidRegs leaf_monitor(const X86CPU *cpu)
{
    /* MWAIT: interrupts can end it while they are masked */
    return x86_has_feature(cpu, FEAT_MONITOR)
               ? (CpuidRegs){.eax = CACHE_LINE, .ebx = CACHE_LINE, .ecx = 3}
               : (CpuidRegs){0};
}

/* Basic leaves that only Intel has. */
static CpuidRegs leaf_intel(const X86CPU *cpu, uint32_t leaf, uint32_t subleaf)
{
    uint32_t mhz = MIN(cpu->tsc_hz / 1000000, UINT16_MAX);

    switch (leaf) {
    case 2:
        return leaf_descriptors(cpu->features);
    case 4:
        return cpuid_caches(cpu->features, subleaf);
    case 0x15:
        return leaf_tsc(cpu);
    case 0x16: /* base, maximum and bus frequency in MHz */
        return (CpuidRegs){.eax = mhz, .ebx = mhz, .ecx = mhz};
    case 0x1f:
        return cpuid_topology(cpu, leaf, subleaf);
    default:
        return (CpuidRegs){0};
    }
}

static CpuidRegs leaf_basic(X86CPU *cpu, uint32_t leaf, uint32_t subleaf)
{
    const X86Features *f = cpu->features;

    switch (leaf) {
    case 0:
        return leaf_vendor(cpu, basic_level(cpu));
    case 1:
        return leaf_features(cpu);
    case 5:
        return leaf_monitor(cpu);
    case 6:
        return (CpuidRegs){.eax = f->word[FW_6_EAX]};
    case 7:
        return leaf_extended_features(cpu, subleaf);
    case 0xb:
        return f->leaf_0b ? cpuid_topology(cpu, leaf, subleaf) : (CpuidRegs){0};
    case 0xd:
        return leaf_xsave(cpu, subleaf);
    default:
        return f->amd ? (CpuidRegs){0} : leaf_intel(cpu, leaf, subleaf);
    }
}

/* Part @part (0 to 2) of the 48-byte brand string. */
static CpuidRegs leaf_brand(const X86CPU *cpu, unsigned part)
{
    const char *id = cpu->features->model_id;

    return (CpuidRegs){text_word(id, part * 16), text_word(id, part * 16 + 4),
                       text_word(id, part * 16 + 8),
                       text_word(id, part * 16 + 12)};
}

/* AMD repeats these bits of leaf 1 in 80000001h:EDX. */
#define AMD_ALIASES 0x0183f3ffu

static unsigned linear_bits(const X86Features *f)
{
    if (!(f->word[FW_81_EDX] & BIT(29))) {
        return 32; /* no long mode */
    }
    return f->word[FW_7_ECX] & BIT(16) ? 57 : 48; /* LA57 */
}

static CpuidRegs leaf_more_features(X86CPU *cpu)
{
    const X86Features *f = cpu->features;
    CpuidRegs r = {
        .eax = x86_cpu_signature(f),
        .ecx = f->word[FW_81_ECX] & ~CPUID_81_ECX_CMP_LEGACY,
        .edx = f->word[FW_81_EDX],
    };

    if (f->amd) {
        r.edx |= features_edx(cpu) & AMD_ALIASES;
        r.ecx |= x86_package_threads(&x86_topology) > 1
                     ? CPUID_81_ECX_CMP_LEGACY
                     : 0;
    } else if (!(cpu->hflags & HF_CS64)) {
        r.edx &= ~CPUID_81_EDX_SYSCALL; /* it is #UD there */
    }
    if (cpu->misc_enable & MISC_ENABLE_NO_XD) {
        r.edx &= ~CPUID_81_EDX_NX;
    }
    return r;
}

/* Extended leaves that only AMD has. */
static CpuidRegs leaf_amd(const X86CPU *cpu, uint32_t leaf, uint32_t subleaf)
{
    bool topoext = x86_has_feature(cpu, FEAT_TOPOEXT);

    switch (leaf) {
    case 0x80000005: /* L1: 32 KiB, 8 ways, 1 line per tag, of 64 bytes */
        return (CpuidRegs){.ecx = 0x20080140, .edx = 0x20080140};
    case 0x8000001d:
        return topoext ? cpuid_caches(cpu->features, subleaf) : (CpuidRegs){0};
    case 0x8000001e:
        return topoext ? cpuid_amd_topology(cpu) : (CpuidRegs){0};
    default:
        return (CpuidRegs){0};
    }
}

static CpuidRegs leaf_extended(X86CPU *cpu, uint32_t leaf, uint32_t subleaf)
{
    const X86Features *f = cpu->features;
    bool amd = f->amd;

    switch (leaf) {
    case 0x80000000:
        return amd ? leaf_vendor(cpu, f->xlevel)
                   : (CpuidRegs){.eax = f->xlevel};
    case 0x80000001:
        return leaf_more_features(cpu);
    case 0x80000002 ... 0x80000004:
        return leaf_brand(cpu, leaf - 0x80000002);
    case 0x80000006: /* L2: 512 KiB, 8 ways; AMD's L3: 8 MiB, 16 ways */
        return (CpuidRegs){.ecx = 0x02006140,
                           .edx = amd && f->l3_cache ? 0x00408140 : 0};
    case 0x80000007:
        return (CpuidRegs){.edx = f->word[FW_87_EDX]};
    case 0x80000008:
        return (CpuidRegs){
            .eax = f->phys_bits | linear_bits(f) << 8,
            .ebx = f->word[FW_88_EBX],
            .ecx = amd ? cpuid_amd_core_count() : 0,
        };
    default:
        return amd ? leaf_amd(cpu, leaf, subleaf) : (CpuidRegs){0};
    }
}

CpuidRegs x86_cpuid(X86CPU *cpu, uint32_t leaf, uint32_t subleaf)
{
    const X86Features *f = cpu->features;
    uint32_t level = basic_level(cpu);

    if (leaf >= 0x80000000 && leaf <= MAX(f->xlevel, 0x80000000)) {
        return leaf_extended(cpu, leaf, subleaf);
    }
    /* No hypervisor interface: that range is empty, not out of range.  Beyond
     * the last leaf AMD has nothing, and Intel the last one again. */
    if ((leaf >= 0x40000000 && leaf < 0x40000100) || (f->amd && leaf > level)) {
        return (CpuidRegs){0};
    }
    return leaf_basic(cpu, MIN(leaf, level), subleaf);
}

void helper_cpuid(X86CPU *cpu)
{
    CpuidRegs r =
        x86_cpuid(cpu, cpu->regs[R_RAX], (uint32_t)cpu->regs[R_RCX]);

    hold_at(HOLD_HELPER);
    cpu->regs[R_RAX] = r.eax;
    cpu->regs[R_RBX] = r.ebx;
    cpu->regs[R_RCX] = r.ecx;
    cpu->regs[R_RDX] = r.edx;
}
