/* SPDX-License-Identifier: MIT */
/*
 * The CPUID instruction.
 * Source: SDM vol. 2A, "CPUID"; AMD APM vol. 3, appendix E.
 */
#include "target/i386/cpuid_topology.h"

#include <string.h>

#include "target/i386/excp.h"
#include "target/i386/helpers.h"

#define CPUID_1_ECX_OSXSAVE BIT(27)
#define CPUID_1_EDX_APIC    BIT(9)
#define CPUID_7_ECX_OSPKE   BIT(4)
#define APIC_BASE_ENABLE    BIT64(11)
#define CACHE_LINE          64
#define APIC_TIMER_HZ       1000000000u /* hw/intc/apic_timer.c */

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

static CpuidRegs leaf_features(X86CPU *cpu)
{
    const X86Features *f = cpu->features;
    unsigned logical = x86_package_threads(&x86_topology);
    CpuidRegs r = {
        .eax = x86_cpu_signature(f),
        .ebx = cpu->apic_id << 24 | cpuid_logical_count(f) << 16 |
               (CACHE_LINE / 8) << 8,
        .ecx = f->word[FW_1_ECX],
        .edx = f->word[FW_1_EDX],
    };

    /* HTT: more than one logical processor. */
    r.edx = (r.edx & ~BIT(28)) | (logical > 1 ? BIT(28) : 0);
    if (cpu->cr4 & CR4_OSXSAVE) {
        r.ecx |= CPUID_1_ECX_OSXSAVE;
    }
    if (!cpu->apic ||
        !(cpu->apic_ops->get_base(cpu->apic) & APIC_BASE_ENABLE)) {
        r.edx &= ~CPUID_1_EDX_APIC;
    }
    return r;
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
                           .ebx = xsave_bytes(cpu->xcr0, true)};
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

static CpuidRegs leaf_basic(X86CPU *cpu, uint32_t leaf, uint32_t subleaf)
{
    const X86Features *f = cpu->features;
    const uint32_t *word = f->word;
    uint32_t mhz;

    switch (leaf) {
    case 0:
        return leaf_vendor(cpu, cpu->features->level);
    case 1:
        return leaf_features(cpu);
    case 2: /* ask leaf 4 for caches, no TLB descriptors */
        return (CpuidRegs){.eax = 0x00ffff01};
    case 4:
        return cpuid_caches(f, subleaf);
    case 5: /* MWAIT: interrupts can end it while they are masked */
        return x86_has_feature(cpu, FEAT_MONITOR)
                   ? (CpuidRegs){.eax = CACHE_LINE, .ebx = CACHE_LINE, .ecx = 3}
                   : (CpuidRegs){0};
    case 6:
        return (CpuidRegs){.eax = word[FW_6_EAX]};
    case 7:
        return subleaf ? (CpuidRegs){0}
                       : (CpuidRegs){.ebx = word[FW_7_EBX],
                                     .ecx = word[FW_7_ECX] |
                                            (cpu->cr4 & CR4_PKE
                                                 ? CPUID_7_ECX_OSPKE
                                                 : 0),
                                     .edx = word[FW_7_EDX]};
    case 0xb:
        return f->leaf_0b ? cpuid_topology(cpu, leaf, subleaf)
                          : (CpuidRegs){0};
    case 0x1f:
        return cpuid_topology(cpu, leaf, subleaf);
    case 0xd:
        return leaf_xsave(cpu, subleaf);
    case 0x15: /* TSC = crystal clock (and APIC timer) x EBX / EAX */
        return (CpuidRegs){.eax = APIC_TIMER_HZ / 1000000,
                           .ebx = cpu->tsc_hz / 1000000,
                           .ecx = APIC_TIMER_HZ};
    case 0x16: /* base, maximum and bus frequency in MHz */
        mhz = MIN(cpu->tsc_hz / 1000000, UINT16_MAX);
        return (CpuidRegs){.eax = mhz, .ebx = mhz, .ecx = mhz};
    default:
        return (CpuidRegs){0};
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

static CpuidRegs leaf_extended(X86CPU *cpu, uint32_t leaf)
{
    const X86Features *f = cpu->features;
    bool amd = f->amd;
    unsigned logical = x86_package_threads(&x86_topology);

    switch (leaf) {
    case 0x80000000:
        return leaf_vendor(cpu, f->xlevel);
    case 0x80000001:
        return (CpuidRegs){
            .eax = x86_cpu_signature(f),
            .ecx = f->word[FW_81_ECX] | (amd && logical > 1 ? BIT(1) : 0),
            .edx = f->word[FW_81_EDX] |
                   (amd ? f->word[FW_1_EDX] & AMD_ALIASES : 0),
        };
    case 0x80000002 ... 0x80000004:
        return leaf_brand(cpu, leaf - 0x80000002);
    case 0x80000005: /* L1: 32 KiB, 8 ways, 1 line per tag, of 64 bytes */
        return amd ? (CpuidRegs){.ecx = 0x20080140, .edx = 0x20080140}
                   : (CpuidRegs){0};
    case 0x80000006: /* L2: 512 KiB, 8 ways */
        return (CpuidRegs){.ecx = 0x02006140};
    case 0x80000007:
        return (CpuidRegs){.edx = f->word[FW_87_EDX]};
    case 0x80000008:
        return (CpuidRegs){
            .eax = f->phys_bits | linear_bits(f) << 8,
            .ebx = f->word[FW_88_EBX],
            .ecx = amd ? cpuid_amd_core_count() : 0,
        };
    case 0x8000001e:
        return amd ? cpuid_amd_topology(cpu) : (CpuidRegs){0};
    default:
        return (CpuidRegs){0};
    }
}

CpuidRegs x86_cpuid(X86CPU *cpu, uint32_t leaf, uint32_t subleaf)
{
    const X86Features *f = cpu->features;

    if (leaf >= 0x80000000 && leaf <= MAX(f->xlevel, 0x80000000)) {
        return leaf == 0x8000001d && f->amd ? cpuid_caches(f, subleaf)
                                            : leaf_extended(cpu, leaf);
    }
    /* No hypervisor interface: that range is empty, not out of range. */
    if (leaf >= 0x40000000 && leaf < 0x40000100) {
        return (CpuidRegs){0};
    }
    return leaf_basic(cpu, MIN(leaf, f->level), subleaf);
}

void helper_cpuid(X86CPU *cpu)
{
    CpuidRegs r =
        x86_cpuid(cpu, cpu->regs[R_RAX], (uint32_t)cpu->regs[R_RCX]);

    cpu->regs[R_RAX] = r.eax;
    cpu->regs[R_RBX] = r.ebx;
    cpu->regs[R_RCX] = r.ecx;
    cpu->regs[R_RDX] = r.edx;
}
