/* SPDX-License-Identifier: MIT */
/*
 * APIC IDs.
 * Source: SDM vol. 3A, 9.9.1 "Hierarchical Mapping of Shared Resources".
 */
#include "target/i386/cpuid_topology.h"

X86Topology x86_topology = {1, 1, 1, 1};

void x86_cpu_set_topology(const X86Topology *t)
{
    x86_topology = *t;
}

/* Bits that number @count things. */
static unsigned id_bits(unsigned count)
{
    return count > 1 ? 32 - __builtin_clz(count - 1) : 0;
}

TopologyShifts x86_topology_shifts(const X86Topology *t)
{
    TopologyShifts s;

    s.core = id_bits(t->threads);
    s.die = s.core + id_bits(t->cores);
    s.package = s.die + id_bits(t->dies);
    return s;
}

X86Place x86_topology_place(const X86Topology *t, unsigned index)
{
    return (X86Place){
        .thread = index % t->threads,
        .core = index / t->threads % t->cores,
        .die = index / t->threads / t->cores % t->dies,
        .socket = index / x86_package_threads(t),
    };
}

uint32_t x86_topology_apic_id(const X86Topology *t, unsigned index)
{
    X86Place p = x86_topology_place(t, index);
    TopologyShifts s = x86_topology_shifts(t);

    return p.socket << s.package | p.die << s.die | p.core << s.core | p.thread;
}
