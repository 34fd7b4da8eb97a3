/* SPDX-License-Identifier: MIT */
/* What the files of the memory map share: the flat view and the RAM blocks. */
#ifndef HEDDLE_SYSTEM_MEMORY_INTERNAL_H
#define HEDDLE_SYSTEM_MEMORY_INTERNAL_H

#include "exec/memory.h"
#include "util/rcu.h"

/* One stretch of a flat view. */
typedef struct FlatRange {
    MemoryRegion *mr;
    hwaddr first, last; /* both inside */
    hwaddr offset_in_mr;
    bool readonly;
} FlatRange;

/* Immutable but for @hint; freed after a grace period. */
struct FlatView {
    struct rcu_head rcu;
    unsigned n;
    unsigned hint; /* index of the last range found; atomic, any value will do */
    FlatRange range[]; /* ascending, disjoint */
};

/* --- memory.c --- */
extern GPtrArray *address_spaces; /* AddressSpace; BQL */
/* First address past @mr in its own space; 2^64 does not fit in 64 bits. */
unsigned __int128 memory_region_end(const MemoryRegion *mr);

/* --- memory_flat.c --- */
FlatView *flatview_build(MemoryRegion *root);
bool flatview_equal(const FlatView *a, const FlatView *b);
void flatview_free_rcu(FlatView *view);
/* The range that holds @addr or NULL.  Locks: RCU read section. */
const FlatRange *flatview_find(FlatView *view, hwaddr addr);

/* --- memory_ram.c --- */
/* Reserve a place in the space of RAM, and zeroed host memory unless @host is
 * that: whole pages, which stay the caller's and outlive the block. */
RAMBlock *ram_block_new(const char *name, uint64_t size, void *host,
                        GError **errp);
void ram_block_free_rcu(RAMBlock *block);
void ram_set_code_listener(void (*code_written)(ram_addr_t, uint64_t));

#endif
