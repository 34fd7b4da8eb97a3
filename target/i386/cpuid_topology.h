/* SPDX-License-Identifier: MIT */
/* CPUID's leaves of topology and caches: between cpuid*.c and topology.c. */
#ifndef HEDDLE_TARGET_I386_CPUID_TOPOLOGY_H
#define HEDDLE_TARGET_I386_CPUID_TOPOLOGY_H

#include "target/i386/cpuid.h"
#include "target/i386/topology.h"

/* What CPUID speaks of: the same for every vCPU. */
extern X86Topology x86_topology;

/* Where the field above a level starts in an APIC ID. */
typedef struct TopologyShifts {
    unsigned core, die, package;
} TopologyShifts;
TopologyShifts x86_topology_shifts(const X86Topology *t);

/* Threads of a package. */
static inline unsigned x86_package_threads(const X86Topology *t)
{
    return t->dies * t->cores * t->threads;
}

/* --- cpuid_topology.c: leaves that tell it --- */
/* EBX[23:16] of leaf 1. */
uint32_t cpuid_logical_count(const X86Features *f);
CpuidRegs cpuid_caches(const X86Features *f, uint32_t subleaf);
/* Leaf 0Bh knows no dies, 1Fh does. */
CpuidRegs cpuid_topology(const X86CPU *cpu, uint32_t leaf, uint32_t subleaf);
CpuidRegs cpuid_amd_topology(const X86CPU *cpu);
/* ECX of leaf 80000008h. */
uint32_t cpuid_amd_core_count(void);

#endif
