/* SPDX-License-Identifier: MIT */
/*
 * Guest physical memory.  A tree of regions (RAM, ROM, I/O, alias, container)
 * is flattened into an immutable FlatView, published by RCU when a transaction
 * commits.  Changing a tree needs the BQL; looking up and accessing need an RCU
 * read section (the address_space_* functions open their own).
 */
#ifndef HEDDLE_EXEC_MEMORY_H
#define HEDDLE_EXEC_MEMORY_H

#include "util/common.h"

typedef struct MemoryRegion MemoryRegion;
typedef struct AddressSpace AddressSpace;
typedef struct FlatView FlatView;

/* Device access.  @addr is the offset in the region; @size is 1, 2, 4 or 8.
 * The callbacks return: they must not leave by cpu_loop_exit().  A region that
 * its own device reaches by DMA is not entered again: that access fails. */
typedef struct MemoryRegionOps {
    uint64_t (*read)(void *opaque, hwaddr addr, unsigned size);
    void (*write)(void *opaque, hwaddr addr, uint64_t value, unsigned size);
    /* What the guest may use; 0 means 1 and 8.  Others read as all ones and
     * write nothing, logged under guest_errors. */
    struct {
        unsigned min, max;
        bool unaligned;
    } valid;
    /* What the callbacks take; 0 means 1 and 4.  A longer access is split
     * (little endian).  A shorter one becomes an aligned one of @min bytes: a
     * read drops what was not asked for, a write has zeros there; it excludes
     * valid.unaligned. */
    struct {
        unsigned min, max;
    } impl;
    bool unlocked; /* callbacks do their own synchronisation: no BQL */
} MemoryRegionOps;

/* One mmap of host memory with a place in the space of all RAM. */
typedef struct RAMBlock {
    uint8_t *host;
    ram_addr_t offset; /* page aligned */
    uint64_t size;     /* bytes, page aligned */
    char *name;
    bool borrowed; /* `host` is somebody else's */
} RAMBlock;

typedef enum MemoryRegionKind {
    MR_CONTAINER,
    MR_RAM,
    MR_ROM, /* reads are RAM; writes go to ops when set, else are dropped */
    MR_IO,
    MR_ALIAS,
} MemoryRegionKind;

struct MemoryRegion {
    MemoryRegionKind kind;
    bool enabled;
    bool readonly; /* RAM or alias: writes are dropped */
    int priority;
    hwaddr addr;   /* in the parent */
    uint64_t size; /* bytes; UINT64_MAX stands for 2^64 */
    char *name;
    MemoryRegion *parent;
    GQueue children; /* highest priority first, newest first among equals */
    RAMBlock *ram;
    const MemoryRegionOps *ops;
    void *opaque;
    MemoryRegion *alias;
    hwaddr alias_offset;
};

void memory_region_init(MemoryRegion *mr, const char *name, uint64_t size);
bool memory_region_init_ram(MemoryRegion *mr, const char *name, uint64_t size,
                            GError **errp);
/* The same in @size bytes at @host, whole pages that outlive the region. */
bool memory_region_init_ram_at(MemoryRegion *mr, const char *name,
                               uint64_t size, void *host, GError **errp);
bool memory_region_init_rom(MemoryRegion *mr, const char *name, uint64_t size,
                            GError **errp);
void memory_region_init_io(MemoryRegion *mr, const MemoryRegionOps *ops,
                           void *opaque, const char *name, uint64_t size);
void memory_region_init_alias(MemoryRegion *mr, const char *name,
                              MemoryRegion *target, hwaddr offset,
                              uint64_t size);
/* Frees what @mr owns (RAM after a grace period); it must have no parent. */
void memory_region_destroy(MemoryRegion *mr);
uint8_t *memory_region_ram_ptr(const MemoryRegion *mr); /* RAM and ROM only */

/* Changes of the tree; each is a transaction of its own unless inside one.
 * Locks: BQL. */
void memory_region_add(MemoryRegion *parent, hwaddr addr, MemoryRegion *child);
void memory_region_add_overlap(MemoryRegion *parent, hwaddr addr,
                               MemoryRegion *child, int priority);
void memory_region_del(MemoryRegion *parent, MemoryRegion *child);
void memory_region_set_enabled(MemoryRegion *mr, bool enabled);
void memory_region_set_readonly(MemoryRegion *mr, bool readonly);
void memory_region_set_address(MemoryRegion *mr, hwaddr addr);
void memory_region_set_alias_offset(MemoryRegion *mr, hwaddr offset);
void memory_transaction_begin(void);
void memory_transaction_commit(void);

/* Result of an access; bits may be or'ed over a range. */
typedef enum MemTxResult {
    MEMTX_OK = 0,
    MEMTX_ERROR = 1,
    MEMTX_DECODE_ERROR = 2, /* nothing there: reads all ones */
} MemTxResult;

struct AddressSpace {
    const char *name;
    MemoryRegion *root;
    FlatView *view; /* RCU */
};

extern AddressSpace address_space_memory;
extern AddressSpace address_space_io; /* 64 KiB of ports */
MemoryRegion *system_memory(void);    /* roots of the two */
MemoryRegion *system_io(void);
void memory_map_init(void);
void address_space_init(AddressSpace *as, MemoryRegion *root, const char *name);
/* @as is not looked at any more after a grace period.  Locks: BQL. */
void address_space_destroy(AddressSpace *as);

/* A stretch of the flat map: one leaf region, one permission. */
typedef struct MemorySection {
    MemoryRegion *mr;      /* RAM, ROM or IO; NULL: nothing is mapped there */
    hwaddr addr;           /* first address of the stretch in the space */
    uint64_t size;         /* bytes */
    hwaddr offset_in_mr;   /* of @addr */
    bool readonly;
} MemorySection;

/* The section that holds @addr.  Locks: RCU read section, for as long as the
 * result is used. */
MemorySection memory_find_rcu(AddressSpace *as, hwaddr addr);
/* Host address of @addr if it is RAM (or ROM and !@write), else NULL; @len
 * comes back no longer than what is contiguous.  Locks: RCU read section. */
void *memory_host_ptr_rcu(AddressSpace *as, hwaddr addr, bool write,
                          uint64_t *len);

/* Any length, across regions.  RAM writes mark dirty and invalidate TBs.
 * Takes the BQL for I/O regions that need it. */
MemTxResult address_space_read(AddressSpace *as, hwaddr addr, void *buf,
                               uint64_t len);
MemTxResult address_space_write(AddressSpace *as, hwaddr addr,
                                const void *buf, uint64_t len);
/* As the write, but into ROM too: loaders only. */
MemTxResult address_space_write_rom(AddressSpace *as, hwaddr addr,
                                    const void *buf, uint64_t len);
/* One access of 1, 2, 4 or 8 bytes, naturally aligned or not; little endian.
 * RAM is accessed by one host access when aligned.  An unaligned access of a
 * region that does not take those is split into aligned ones, as a bus does.
 * @result may be NULL. */
uint64_t address_space_load(AddressSpace *as, hwaddr addr, unsigned size,
                            MemTxResult *result);
MemTxResult address_space_store(AddressSpace *as, hwaddr addr, uint64_t value,
                                unsigned size);
/* One access of an I/O region, by its rules (valid, impl, BQL). */
uint64_t memory_region_dispatch_read(MemoryRegion *mr, hwaddr offset,
                                     unsigned size, MemTxResult *result);
MemTxResult memory_region_dispatch_write(MemoryRegion *mr, hwaddr offset,
                                         uint64_t value, unsigned size);

/* Dirty pages, one bitmap a client over all RAM; any thread, atomic. */
typedef enum DirtyClient {
    DIRTY_CODE, /* clear: the page holds translated code, stores go slow */
    DIRTY_VGA,
    DIRTY_MIGRATION,
    DIRTY_CLIENTS,
} DirtyClient;
bool ram_is_dirty(ram_addr_t addr, DirtyClient client);
bool ram_is_dirty_all(ram_addr_t addr); /* for every client */
void ram_set_dirty(ram_addr_t addr, uint64_t len); /* for all but CODE */
void ram_set_code_dirty(ram_addr_t page);
void ram_clear_code_dirty(ram_addr_t page);
/* Tell the dirty bitmaps and the translator about a write that is done. */
void ram_written(ram_addr_t addr, uint64_t len);
/* Space of a host pointer into guest RAM; RAM_ADDR_INVALID if it is not. */
#define RAM_ADDR_INVALID (~(ram_addr_t)0)
ram_addr_t ram_addr_of_host(const void *host);

/* What the translator must do; set once, before the first commit.  Called on
 * the committing or writing thread: after a commit, and after a write of RAM
 * that may hold code. */
typedef struct MemoryListener {
    void (*commit)(AddressSpace *as);
    void (*code_written)(ram_addr_t addr, uint64_t len);
} MemoryListener;
void memory_set_listener(const MemoryListener *listener);

/* `info mtree` and `info mtree -f` as text. */
void memory_print_tree(GString *out, bool flat);

#endif
