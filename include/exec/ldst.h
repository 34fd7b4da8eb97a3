/* SPDX-License-Identifier: MIT */
/*
 * Guest virtual memory from C: helpers and exception delivery.  Provided by
 * accel/tcg on the soft TLB.  All of them may raise a guest fault, and then do
 * not return.  Run on the vCPU's own thread, without page locks.
 */
#ifndef HEDDLE_EXEC_LDST_H
#define HEDDLE_EXEC_LDST_H

#include "exec/cpu.h"
#include "exec/memop.h"

/* MO_8 to MO_64; the value is zero- or, with MO_SIGN, sign-extended. */
uint64_t cpu_load(CPUState *cpu, vaddr addr, MemOp op);
void cpu_store(CPUState *cpu, vaddr addr, uint64_t value, MemOp op);
/* Any length, in no particular order of bytes; faults before anything is
 * stored if any byte would fault (the whole range is probed first). */
void cpu_load_bytes(CPUState *cpu, vaddr addr, void *buf, unsigned len,
                    MemOp op);
void cpu_store_bytes(CPUState *cpu, vaddr addr, const void *buf, unsigned len,
                     MemOp op);
/* Fault as an access of @len bytes would (PAGE_READ or PAGE_WRITE).  Returns
 * the host address if the range is plain RAM within one page, else NULL. */
void *cpu_probe(CPUState *cpu, vaddr addr, unsigned len, int access, MemOp op);
/* As cpu_probe, but returns false instead of a fault. */
bool cpu_probe_nofault(CPUState *cpu, vaddr addr, int access, MemOp op,
                       void **host);

/* A breakpoint (DR6 bits @hits) is on an access that is about to be made: run
 * its instruction alone, so that the trap can come after it; then, or when it
 * is alone already, note the hits in X86CPU.watch_hits and return. */
void cpu_watch_hit(CPUState *cpu, uint32_t hits);

/* --- soft TLB; the vCPU's own thread --- */
/* Called from x86_tlb_fill with the result of a walk.  @prot is PAGE_*; the
 * guest's page has 1 << @page_bits bytes. */
void tlb_set_page(CPUState *cpu, vaddr addr, hwaddr phys, int prot,
                  unsigned mmu, unsigned page_bits, bool global);
/*
 * Use address space @id (any number below TLB_NO_SPACE) from now on; with
 * @flush, without what it knows of pages that are not global.
 */
void tlb_switch(CPUState *cpu, uint32_t id, bool flush);
/* Everything, of all spaces. */
void tlb_flush(CPUState *cpu, TLBFlushCause cause);
/* What is not global, of all spaces. */
void tlb_flush_nonglobal(CPUState *cpu, TLBFlushCause cause);
/* The page at @addr: in the current space, and in others if it is global. */
void tlb_flush_page(CPUState *cpu, vaddr addr, TLBFlushCause cause);
/* One space's pages that are not global: all, or the one at @addr. */
void tlb_flush_space(CPUState *cpu, uint32_t id, TLBFlushCause cause);
void tlb_flush_space_page(CPUState *cpu, uint32_t id, vaddr addr,
                          TLBFlushCause cause);
/* From any thread, to every vCPU; returns before the others have done it. */
void tlb_flush_all_cpus(TLBFlushCause cause);
/* Write guest memory through a debugger's eyes: no faults, ROM too.  False
 * when a page is not mapped. */
bool cpu_memory_rw_debug(CPUState *cpu, vaddr addr, void *buf, uint64_t len,
                         bool write);

#endif
