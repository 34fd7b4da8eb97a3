/* SPDX-License-Identifier: MIT */
/* How the vCPUs of a machine are arranged, and the APIC IDs that follow. */
#ifndef HEDDLE_TARGET_I386_TOPOLOGY_H
#define HEDDLE_TARGET_I386_TOPOLOGY_H

#include "util/common.h"

/* How many the next bigger has: sockets of the machine, dies of a socket...
 * None is 0. */
typedef struct X86Topology {
    unsigned sockets, dies, cores, threads;
} X86Topology;

typedef struct X86Place {
    unsigned socket, die, core, thread;
} X86Place;

/* What CPUID tells; before the first x86_cpu_create. */
void x86_cpu_set_topology(const X86Topology *t);
/* Where vCPU @index sits, and its APIC ID: thread, core, die and socket numbers
 * side by side, each as wide as it needs to be. */
X86Place x86_topology_place(const X86Topology *t, unsigned index);
uint32_t x86_topology_apic_id(const X86Topology *t, unsigned index);

#endif
