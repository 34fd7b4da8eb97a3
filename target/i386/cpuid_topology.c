/* SPDX-License-Identifier: MIT */
/*
 * CPUID's leaves of caches and topology.
 * Source: SDM vol. 2A, "CPUID"; AMD APM vol. 3, appendix E.
 */
#include "target/i386/cpuid_topology.h"

#define CACHE_LINE 64
/* Types of levels: SDM vol. 2A, "CPUID", leaf 1FH, ECX[15:8]. */
enum { LEVEL_THREAD = 1, LEVEL_CORE = 2, LEVEL_DIE = 5 };

uint32_t cpuid_logical_count(const X86Features *f)
{
    /* Intel: IDs to allow for in a package, a power of two. */
    unsigned count = f->amd ? x86_package_threads(&x86_topology)
                            : 1u << x86_topology_shifts(&x86_topology).package;

    return MIN(count, 255u);
}

/* Deterministic cache parameters: 32 KiB L1s and 512 KiB L2 of a core, and
 * an 8 MiB L3 of a die, as many programs expect to find some. */
CpuidRegs cpuid_caches(const X86Features *f, uint32_t subleaf)
{
    static const struct {
        uint8_t type, level, ways; /* type: 1 data, 2 code, 3 both */
        uint32_t sets;
    } cache[] = {
        {1, 1, 8, 64},
        {2, 1, 8, 64},
        {3, 2, 8, 1024},
        {3, 3, 16, 8192},
    };
    TopologyShifts shift = x86_topology_shifts(&x86_topology);
    unsigned cores = 1u << (shift.package - shift.core), sharing;

    if (subleaf >= ARRAY_LEN(cache) - !f->l3_cache) {
        return (CpuidRegs){0};
    }
    sharing = 1u << (cache[subleaf].level == 3 ? shift.die : shift.core);
    return (CpuidRegs){
        /* bit 8: self-initialising */
        .eax = cache[subleaf].type | cache[subleaf].level << 5 | BIT(8) |
               (sharing - 1) << 14 | (f->amd ? 0 : MIN(cores - 1, 63u) << 26),
        .ebx = (CACHE_LINE - 1) | (cache[subleaf].ways - 1u) << 22,
        .ecx = cache[subleaf].sets - 1,
    };
}

CpuidRegs cpuid_topology(const X86CPU *cpu, uint32_t leaf, uint32_t subleaf)
{
    const X86Topology *t = &x86_topology;
    TopologyShifts shift = x86_topology_shifts(t);
    bool dies = leaf == 0x1f && t->dies > 1;
    const struct {
        unsigned shift, threads, type;
    } level[] = {
        {shift.core, t->threads, LEVEL_THREAD},
        {dies ? shift.die : shift.package,
         dies ? t->cores * t->threads : x86_package_threads(t), LEVEL_CORE},
        {shift.package, x86_package_threads(t), LEVEL_DIE},
    };
    CpuidRegs r = {.ecx = subleaf & 0xff, .edx = cpu->apic_id};

    if (subleaf < (dies ? 3 : 2)) {
        r.eax = level[subleaf].shift;
        r.ebx = level[subleaf].threads;
        r.ecx |= level[subleaf].type << 8;
    }
    return r;
}

/* Who shares a core with whom: AMD APM vol. 3, E.4.20.  A die is a node. */
CpuidRegs cpuid_amd_topology(const X86CPU *cpu)
{
    const X86Topology *t = &x86_topology;
    TopologyShifts shift = x86_topology_shifts(t);
    uint32_t cores = (1u << (shift.package - shift.core)) - 1;

    return (CpuidRegs){
        .eax = cpu->apic_id,
        .ebx = (cpu->apic_id >> shift.core & cores) | (t->threads - 1) << 8,
        .ecx = (cpu->apic_id >> shift.die & 0xff) | (t->dies - 1) << 8,
    };
}

uint32_t cpuid_amd_core_count(void)
{
    unsigned threads = x86_package_threads(&x86_topology);
    unsigned bits = x86_topology_shifts(&x86_topology).package;

    return threads > 1 ? (threads - 1) | bits << 12 : 0;
}
