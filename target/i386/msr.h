/* SPDX-License-Identifier: MIT */
/* Model-specific registers: SDM vol. 4. */
#ifndef HEDDLE_TARGET_I386_MSR_H
#define HEDDLE_TARGET_I386_MSR_H

#include "target/i386/cpu.h"

#define MSR_EFER 0xc0000080u

/* Both return false where the instruction is #GP(0).  The vCPU's own thread;
 * the APIC's MSRs take what locks they need. */
bool msr_read(X86CPU *cpu, uint32_t index, uint64_t *value);
bool msr_write(X86CPU *cpu, uint32_t index, uint64_t value);
/* Power-on values of those that no other part resets. */
void msr_reset(X86CPU *cpu);

#endif
