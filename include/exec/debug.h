/* SPDX-License-Identifier: MIT */
/*
 * What a debugger outside the guest asks of the vCPUs: stop before an
 * instruction or behind an access, run one instruction.  The guest sees none
 * of it.  A vCPU that stops says why in CPUState.debug and has the machine
 * stopped (system_debug_request).
 *
 * Points are by linear address and hold for all vCPUs.  Locks: BQL, and the
 * machine is stopped: vCPU threads read them without a lock.
 */
#ifndef HEDDLE_EXEC_DEBUG_H
#define HEDDLE_EXEC_DEBUG_H

#include "exec/cpu.h"

/* CPUDebug.step, with the numbers that GDB's packets have for them. */
enum {
    DEBUG_STEP_ON = BIT(0),      /* stop after one instruction */
    DEBUG_STEP_NOIRQ = BIT(1),   /* take no interrupt before it */
    DEBUG_STEP_NOTIMER = BIT(2), /* guest time stands still (gdbstub/) */
};

/* The first two differ in name only. */
typedef enum DebugPointKind {
    DEBUG_BREAK_SOFT,
    DEBUG_BREAK_HARD,
    DEBUG_WATCH_WRITE,
    DEBUG_WATCH_READ,
    DEBUG_WATCH_ACCESS,
    DEBUG_POINT_KINDS,
} DebugPointKind;

/* @len: of a watchpoint, in bytes.  A point may be there several times. */
void debug_point_insert(DebugPointKind kind, vaddr addr, uint64_t len);
bool debug_point_remove(DebugPointKind kind, vaddr addr, uint64_t len);
void debug_points_clear(void);

#endif
