/* SPDX-License-Identifier: MIT */
/* What GDB is told of a vCPU's registers: CPUOps.gdb. */
#ifndef HEDDLE_EXEC_GDB_H
#define HEDDLE_EXEC_GDB_H

#include "exec/cpu.h"

#define GDB_REG_MAX_BYTES 32

/*
 * Registers are numbered as target_xml() lists them; their bytes are in the
 * guest's order.  Locks: BQL, and the vCPU is stopped.
 */
typedef struct CPUGdbOps {
    /* GDB's target description; free with g_free. */
    char *(*target_xml)(CPUState *cpu);
    /* How many bytes were written to @buf (GDB_REG_MAX_BYTES of room); 0: there
     * is no such register. */
    unsigned (*read)(CPUState *cpu, unsigned number, uint8_t *buf);
    /* @buf holds what read() would write.  False: the vCPU cannot have that
     * value, and keeps the one it has. */
    bool (*write)(CPUState *cpu, unsigned number, const uint8_t *buf);
    void (*set_pc)(CPUState *cpu, vaddr pc);
    vaddr (*get_pc)(CPUState *cpu); /* as its register has it */
} CPUGdbOps;

#endif
