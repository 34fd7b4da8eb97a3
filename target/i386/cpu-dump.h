/* SPDX-License-Identifier: MIT */
/* The vCPU's registers as text. */
#ifndef HEDDLE_TARGET_I386_CPU_DUMP_H
#define HEDDLE_TARGET_I386_CPU_DUMP_H

#include "target/i386/cpu.h"

/* CPUOps.dump: in the layout that tools which read `info registers` expect. */
void x86_cpu_dump(CPUState *cs, GString *out, bool fpu);

#endif
