/* SPDX-License-Identifier: MIT */
/*
 * Translated blocks and the engine that finds, makes, links, runs and drops
 * them.
 *
 * A TB is known by (RAM address of its first byte, flags, cflags); its
 * code does not depend on the virtual address, so a page mapped at many places
 * is translated once.  X86CPU.rip_base holds what must be added to the page
 * offset of an instruction to get its rip; whoever enters a TB other than by a
 * chained jump within the page sets it:
 *     rip_base = rip - (linear address of rip & ~PAGE_MASK)
 */
#ifndef HEDDLE_ACCEL_TCG_H
#define HEDDLE_ACCEL_TCG_H

#include <urcu/rculfhash.h>

#include "exec/cpu.h"
#include "tcg/backend.h"
#include "util/keyval.h"

/* cflags: how a TB was made. */
enum {
    CF_COUNT_MASK = 0x1ff,   /* at most so many instructions; 0: no limit */
    CF_PARALLEL = BIT(9),    /* other vCPUs run: lock prefixes need atomics */
    CF_NO_CHAIN = BIT(10),
    CF_SINGLE_STEP = BIT(11), /* of a debugger: one instruction, then stop */
    CF_NOIRQ = BIT(12),      /* does not test exit_request at its head */
    CF_INVALID = BIT(31),    /* unlinked: will not be entered again */
};

#define TB_MAX_INSNS 64

typedef struct TranslationBlock {
    ram_addr_t phys_pc;  /* of the first byte, in the space of all RAM */
    uint32_t flags;      /* X86CPU.hflags */
    uint32_t cflags;     /* CF_*; INVALID is set atomically */
    uint16_t pc_offset;  /* phys_pc's offset in its page */
    uint16_t guest_bytes;
    uint16_t icount;     /* guest instructions */
    /* RAM addresses of the one or two pages its bytes are in (the second may
     * be RAM_ADDR_INVALID); it is in the list of each.  Page locks.  The low
     * bit of a list pointer is the index to follow it by. */
    ram_addr_t page[2];
    uintptr_t page_next[2];
    TbCode code;
    struct cds_lfht_node node; /* in the hash of all TBs */
    uint32_t hash;
    uint64_t jc_cpus; /* bit n: a vCPU of index n mod 64 may have it in its
                         jump cache; atomic */
    /* Links: where our jumps go, and who jumps to us.  jump_dest: its own
     * link_lock's taker is the destination's; low bit: do not link again.
     * List pointers: low bit is the slot. */
    uint8_t link_lock;
    uintptr_t jump_dest[2];
    uintptr_t jump_list;
    uintptr_t jump_next[2];
} TranslationBlock;

/* -accel tcg[,thread=multi|single][,backend=native|interp][,tb-size=MiB]
 * [,one-insn-per-tb=on|off]; before any vCPU is made. */
bool tcg_accel_init(KeyVal *opts, unsigned cpus, GError **errp);
void tcg_accel_help(GString *out);
extern const TcgBackend *tcg_backend;

/* The exec loop of one vCPU: CPUOps.exec. */
CPUExit tcg_cpu_exec(CPUState *cpu);
/* One instruction in an exclusive section, after CPU_EXIT_ATOMIC. */
void tcg_cpu_exec_step_atomic(CPUState *cpu);

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

/* Drop TBs: of a range of RAM, or all (queued as exclusive work). */
void tb_invalidate_ram_range(ram_addr_t addr, uint64_t len);
void tb_flush_all(CPUState *cpu);

/* `info jit` as text. */
void tcg_print_info(GString *out);

#endif
