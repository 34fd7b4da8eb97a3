/* SPDX-License-Identifier: MIT */
/* What the target asks of the engine that runs its code (accel/tcg). */
#ifndef HEDDLE_EXEC_TRANSLATOR_H
#define HEDDLE_EXEC_TRANSLATOR_H

#include "exec/cpu.h"

/* The exec loop of one vCPU: CPUOps.exec. */
CPUExit tcg_cpu_exec(CPUState *cpu);

/*
 * If C code runs for a TB (host_pc != 0): set X86CPU.rip and cc to the guest
 * instruction that it runs for, and clear host_pc.
 */
void tcg_restore_state(CPUState *cpu);

/*
 * Host address of the guest code byte at linear address @pc, good to the end of
 * its page.  @ram: RAM address of that byte; RAM_ADDR_INVALID if the code is not
 * in RAM (then a private copy of the page is returned, and the TB is used once).
 * Faults as an instruction fetch does.
 */
const uint8_t *tcg_code_page(CPUState *cpu, vaddr pc, ram_addr_t *ram);

/* Code in this range of RAM was written: drop what was made from it.  Any
 * thread. */
void tb_invalidate_ram_range(ram_addr_t addr, uint64_t len);

/* -icount: two runs are to be the same, so nothing may come from the host. */
bool tcg_repeats(void);

#endif
