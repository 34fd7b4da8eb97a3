/* SPDX-License-Identifier: MIT */
/* What an accelerator gives to the vCPU threads. */
#ifndef HEDDLE_EXEC_ACCEL_H
#define HEDDLE_EXEC_ACCEL_H

#include "exec/cpu.h"

/*
 * The bodies run with the BQL held and drop it around each run of the guest:
 *
 *     while (!cpu->unplug) {
 *         if (cpu_can_run(cpu)) {
 *             bql_unlock();
 *             why = cpu->ops->exec(cpu);
 *             ... act on why ...
 *             bql_lock();
 *         }
 *         cpu_wait_io_event(cpu);
 *     }
 *
 * exec() calls cpu_exec_start() and cpu_exec_end() around the guest's code.
 */
typedef struct AccelOps {
    const char *name; /* upper case, for thread names: "TCG" */
    /* thread=multi: run @cpu until its unplug is set; current_cpu is set. */
    void (*run)(CPUState *cpu);
    /* thread=single: run all vCPUs in turn, setting current_cpu, until
     * cpus_unplugged(). */
    void (*run_all)(void);
    /* A vCPU thread goes to sleep until an event; may be NULL.  Locks: BQL. */
    void (*sleeps)(void);
    /* In cpu_common_init(): allocate what the accelerator needs; may be NULL.
     * Locks: BQL. */
    void (*init_vcpu)(CPUState *cpu);
} AccelOps;

/* Choose before the first vCPU is made. */
void cpus_set_accel(const AccelOps *ops, bool single_thread);
bool cpus_single_thread(void);
/* thread=single: every vCPU was asked to end.  Locks: BQL. */
bool cpus_unplugged(void);

#endif
