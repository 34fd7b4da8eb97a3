/* SPDX-License-Identifier: MIT */
/* The wires from a local APIC to a vCPU. */
#include "hw/intc/apic.h"

static void apic_cpu_request(CPUState *cpu, uint32_t mask)
{
    if (mask & CPU_INTERRUPT_NMI) {
        x86_cpu_nmi(x86_cpu(cpu));
    } else {
        cpu_interrupt(cpu, mask);
    }
}

static void apic_cpu_sipi(CPUState *cpu, uint8_t vector)
{
    x86_cpu_sipi(x86_cpu(cpu), vector);
}

static uint64_t apic_cpu_tsc(CPUState *cpu)
{
    return x86_cpu_tsc(x86_cpu(cpu));
}

static bool apic_cpu_has_feature(CPUState *cpu, const char *name)
{
    return x86_cpu_has_feature(x86_cpu(cpu), name);
}

const ApicCpuOps apic_cpu_ops = {
    .request = apic_cpu_request,
    .cancel = cpu_reset_interrupt,
    .sipi = apic_cpu_sipi,
    .tsc = apic_cpu_tsc,
    .has_feature = apic_cpu_has_feature,
};
