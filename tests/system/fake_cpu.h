/* SPDX-License-Identifier: MIT */
/* vCPUs without a guest: their code is a loop that counts and looks at
 * exit_request, as translated code does at the head of each block. */
#ifndef HEDDLE_TESTS_FAKE_CPU_H
#define HEDDLE_TESTS_FAKE_CPU_H

#include "exec/cpu.h"

#define FAKE_CPUS 3

typedef struct FakeCPU {
    CPUState cpu;
    uint64_t rounds;  /* of the loop; atomic */
    unsigned resets;
    uint32_t seen;    /* interrupt bits that the loop took; atomic */
    bool halt;        /* halt when there is nothing to do; atomic */
    void (*in_code)(struct FakeCPU *fake); /* called in each round, or NULL */
} FakeCPU;

extern FakeCPU fake_cpu[FAKE_CPUS];

/* Main loop, BQL (held on return), accelerator and FAKE_CPUS threads. */
void fake_cpus_start(bool single_thread);
/* Wait until every one has come round again since the call.  Locks: BQL,
 * dropped meanwhile. */
void fake_cpus_wait_rounds(void);
uint64_t fake_cpu_rounds(unsigned index);

/* One more, with a thread that runs unless not to @start; cpu_release() frees
 * it and is counted.  Locks: BQL. */
CPUState *fake_cpu_add(unsigned index, bool start);
extern unsigned fake_cpus_freed; /* BQL */

#endif
