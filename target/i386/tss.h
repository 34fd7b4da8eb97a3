/* SPDX-License-Identifier: MIT */
/* Hardware task switches, and the I/O permission bitmap of the TSS. */
#ifndef HEDDLE_TARGET_I386_TSS_H
#define HEDDLE_TARGET_I386_TSS_H

#include "target/i386/cpu.h"

typedef enum TaskSwitch {
    TASK_JMP,  /* the old task becomes available */
    TASK_CALL, /* the old task stays busy, the new one links back and has NT */
    TASK_IRET, /* back to the task in the link; NT is clear in the old image */
} TaskSwitch;

/*
 * Switch to the task whose TSS @sel names, not in long mode.
 * @next  rip that the old task goes on at
 * @ext   or'ed to error codes
 * The state is that of the new task on return, hflags included.  Faults
 * before the switch (#GP, #TS, #NP, #PF) leave the old task as it was; those
 * after it (#TS, #NP, #SS, #GP, #PF) are the new task's.
 * Source  SDM vol. 3A, 8.3 "Task Switching"
 */
void x86_switch_task(X86CPU *cpu, uint16_t sel, TaskSwitch kind,
                     uint64_t next, uint32_t ext);

/* The same for the selector in a task gate, which must be global and name an
 * available TSS. */
void x86_switch_to_task(X86CPU *cpu, uint16_t sel, TaskSwitch kind,
                        uint64_t next, uint32_t ext);

/* #GP(0) unless @bytes ports from @port are open to the current CPL (or to
 * virtual-8086 mode): SDM vol. 1, 19.5 "Protected-Mode I/O". */
void x86_check_io(X86CPU *cpu, uint16_t port, unsigned bytes);

#endif
