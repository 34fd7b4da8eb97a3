/* SPDX-License-Identifier: MIT */
/*
 * Layout of the soft TLB, shared by the code that fills it (accel/tcg) and the
 * back-ends that probe it from translated code.
 */
#ifndef HEDDLE_EXEC_TLB_H
#define HEDDLE_EXEC_TLB_H

#include "util/common.h"

/* MMU modes: each has its own table, named in the MemOp of an access. */
enum {
    MMU_USER,          /* CPL 3 */
    MMU_KERNEL,        /* CPL 0-2; user pages allowed (no SMAP, or AC set) */
    MMU_KERNEL_SMAP,   /* CPL 0-2; user pages fault */
    NB_MMU_MODES,
};

#define TLB_BITS       12
#define TLB_SIZE       (1u << TLB_BITS)
#define TLB_ENTRY_BITS 5

/*
 * A tag is the page's address, or'ed with the flags below.  The fast path
 * compares it with ((addr + size - 1) & PAGE_MASK) | (addr & alignment mask),
 * so a page-crossing or misaligned access and any set flag go slow.
 */
typedef struct TLBEntry {
    uint64_t read, write, code; /* tags by kind of access */
    uintptr_t addend;           /* host address minus guest address, if RAM */
} TLBEntry;

#define TLB_INVALID_TAG (~(uint64_t)0)
#define TLB_MMIO        BIT(11) /* not RAM */
#define TLB_NOTDIRTY    BIT(10) /* a store must tell the dirty bitmaps */
#define TLB_WATCH       BIT(9)  /* a watchpoint is on the page */
#define TLB_DROP        BIT(8)  /* ROM: a store is dropped */
#define TLB_FLAGS       (TLB_MMIO | TLB_NOTDIRTY | TLB_WATCH | TLB_DROP)

static inline unsigned tlb_index(vaddr addr)
{
    return (addr >> PAGE_BITS) & (TLB_SIZE - 1);
}

/* Byte offset of the entry for @addr in its table, as translated code does. */
#define TLB_INDEX_SHIFT (PAGE_BITS - TLB_ENTRY_BITS)
#define TLB_OFFSET_MASK ((TLB_SIZE - 1) << TLB_ENTRY_BITS)

/* What the slow path needs beside an entry. */
typedef struct TLBFull {
    hwaddr phys;             /* of the page */
    struct MemoryRegion *mr; /* behind it; NULL: nothing there */
    hwaddr mr_offset;        /* of the page in it */
    ram_addr_t ram;          /* of the page, if RAM or ROM */
    uint8_t page_bits;       /* 12, 21, 22 or 30: size of the guest's page */
    uint8_t prot;            /* PAGE_* below */
    bool global;
} TLBFull;

enum {
    PAGE_READ = 1,
    PAGE_WRITE = 2,
    PAGE_EXEC = 4,
};

struct CPUJumpCache;
#define TLB_VICTIMS 8

typedef struct TLBBank {
    TLBEntry entry[TLB_SIZE];
    TLBFull full[TLB_SIZE];
    TLBEntry victim[TLB_VICTIMS];
    TLBFull victim_full[TLB_VICTIMS];
    unsigned next_victim;
    unsigned nused;          /* entries filled since the last flush */
    uint16_t used[TLB_SIZE]; /* their indices: a flush costs what was used */
    vaddr large_addr, large_mask; /* covers every large page seen, or all ones */
} TLBBank;

/*
 * What is remembered of one address space: a guest's process-context identifier
 * (PCID), or everything while it uses none.  A switch between them swaps
 * pointers.  Global pages are entered in each on their own.
 */
#define TLB_SPACES   8
#define TLB_NO_SPACE UINT32_MAX

typedef struct TLBSpace {
    TLBBank *bank[NB_MMU_MODES];
    struct CPUJumpCache *jump_cache;
    uint32_t id;       /* TLB_NO_SPACE: forgotten, to be reset before use */
    uint64_t last_use; /* CPUTLB.switches of then */
} TLBSpace;

typedef struct CPUTLB {
    TLBSpace *current;
    TLBSpace space[TLB_SPACES];
    unsigned nspaces; /* that have banks; only grows; atomic */
    uint64_t switches;
} CPUTLB;

/* Why it is flushed, or a part of it: `info jit` counts by this. */
typedef enum TLBFlushCause {
    TLB_FLUSH_CR3,  /* of what PCIDs and global pages do not keep */
    TLB_FLUSH_MODE, /* CR0, CR4, EFER */
    TLB_FLUSH_INVLPG,
    TLB_FLUSH_INVPCID,
    TLB_FLUSH_PKRU,
    TLB_FLUSH_DEBUG, /* break- and watchpoints */
    TLB_FLUSH_RESET, /* reset, INIT */
    TLB_FLUSH_A20,
    TLB_FLUSH_MAP, /* the memory map has changed */
    TLB_FLUSH_CAUSES,
} TLBFlushCause;

_Static_assert(sizeof(TLBEntry) == 1 << TLB_ENTRY_BITS, "entry size");

#endif
