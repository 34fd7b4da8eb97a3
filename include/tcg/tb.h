/* SPDX-License-Identifier: MIT */
/*
 * A translated block: made by accel/tcg, filled in by the target and the
 * back-end.
 *
 * A TB is known by (RAM address of its first byte, flags, cflags); its
 * code does not depend on the virtual address, so a page mapped at many places
 * is translated once.  X86CPU.rip_base holds what must be added to the page
 * offset of an instruction to get its rip; whoever enters a TB other than by a
 * chained jump within the page sets it:
 *     rip_base = rip - (linear address of rip & ~PAGE_MASK)
 */
#ifndef HEDDLE_TCG_TB_H
#define HEDDLE_TCG_TB_H

#include "exec/cpu.h"
#include "tcg/backend.h"

/* cflags: how a TB was made. */
enum {
    CF_COUNT_MASK = 0x1ff,   /* at most so many instructions; 0: no limit */
    CF_PARALLEL = BIT(9),    /* other vCPUs run: lock prefixes need atomics */
    CF_NO_CHAIN = BIT(10),
    CF_NOIRQ = BIT(12),      /* does not test exit_request at its head */
    CF_ICOUNT = BIT(13),     /* counts its instructions: CPUState.icount_left */
    CF_COUNT_RUN = BIT(14),  /* counts in CPUState.ran */
    CF_INVALID = BIT(31),    /* unlinked: will not be entered again */
};

#define TB_MAX_INSNS 64

/* TranslationBlock.jc_pair when it is not one pair. */
enum { TB_JC_NOWHERE = 0xffff, TB_JC_MANY = 0xfffe };

/* A TB, by its place in the code buffer; the lowest bit is the user's.  0 is
 * none. */
typedef uint32_t TbRef;

typedef struct TranslationBlock {
    /* One line of the host's cache: what a look-up reads. */
    ram_addr_t phys_pc; /* of the first byte, in the space of all RAM */
    uint32_t flags;     /* X86CPU.hflags */
    uint32_t cflags;    /* CF_*; INVALID is set atomically */
    TbRef hash_next;    /* atomic: tb_hash.c */
    uint16_t pc_offset; /* phys_pc's offset in its page */
    uint16_t guest_bytes;
    uint16_t icount; /* guest instructions */
    uint8_t link_lock;
    /* The JMP or RET through a register or memory that ends it: x86_check_branch
     * wants to know. */
    bool has_branch;
    uint16_t branch_off;  /* as in IR_INSN */
    uint16_t jc_pair;     /* its places in jump caches, or TB_JC_*; atomic */
    uint32_t branch_pops; /* what it has added to RSP */
    TbRef jump_list;      /* who jumps to us */
    uint64_t jc_cpus;     /* bit n: a vCPU of index n mod 64 may have it in its
                             jump caches; atomic */
    /* RAM addresses of the one or two pages its bytes are in (the second may
     * be RAM_ADDR_INVALID); it is in the list of each, whose bit is the index
     * of page_next to follow.  Page locks. */
    ram_addr_t page[2];

    /* Another line. */
    TbCode code;
    TbRef page_next[2];
    /* Where our jumps go; their own link_lock is the destination's.  The bit:
     * do not link again.  In the lists of jumps the bit is the slot. */
    TbRef jump_dest[2];
    TbRef jump_next[2];
} TranslationBlock;
_Static_assert(sizeof(TranslationBlock) == 128, "two lines");

/* Its first instruction, the only one then, reaches into the next page. */
static inline bool tb_spans_pages(const TranslationBlock *tb)
{
    return tb->pc_offset + tb->guest_bytes > PAGE_SIZE;
}

#endif
