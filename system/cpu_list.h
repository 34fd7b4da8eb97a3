/* SPDX-License-Identifier: MIT */
/* Into the list of vCPUs and out of it; for cpus.c.  Locks: BQL. */
#ifndef HEDDLE_SYSTEM_CPU_LIST_H
#define HEDDLE_SYSTEM_CPU_LIST_H

#include "exec/cpu.h"

/* @cpu is filled in, but for its place; its index is not taken. */
void cpu_list_insert(CPUState *cpu);
/* Readers may have it until a grace period is over.  Exclusive sections count
 * vCPUs that are in the code, so it must have left. */
void cpu_list_remove(CPUState *cpu);

#endif
