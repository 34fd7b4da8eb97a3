/* SPDX-License-Identifier: MIT */
/*
 * The trees of memory regions and the transactions that change them.
 * Locks: BQL for everything but the reading of a published view.
 */
#include <string.h>

#include "system/memory_internal.h"

#include "exec/bql.h"

AddressSpace address_space_memory;
AddressSpace address_space_io;
GPtrArray *address_spaces;

/* Everything from here on: BQL. */
static MemoryRegion memory_root;
static MemoryRegion io_root;
static MemoryListener listener;
static unsigned transaction_depth;
static bool transaction_changed; /* some tree, since the outermost begin */

MemoryRegion *system_memory(void)
{
    return &memory_root;
}

MemoryRegion *system_io(void)
{
    return &io_root;
}

void memory_set_listener(const MemoryListener *new_listener)
{
    listener = *new_listener;
    ram_set_code_listener(listener.code_written);
}

/*
 * --- making regions ---
 * A region is its owner's struct; it owns only its name and its RAM.  It
 * becomes visible when it is added to a tree that an address space has as root.
 */

void memory_region_init(MemoryRegion *mr, const char *name, uint64_t size)
{
    *mr = (MemoryRegion){
        .kind = MR_CONTAINER,
        .enabled = true,
        .size = size,
        .name = g_strdup(name),
        .children = G_QUEUE_INIT,
    };
}

/* RAM and ROM differ in who may write only, which `kind` tells the view. */
static bool region_init_backed(MemoryRegion *mr, MemoryRegionKind kind,
                               const char *name, uint64_t size, void *host,
                               GError **errp)
{
    RAMBlock *block = ram_block_new(name, size, host, errp);

    if (!block) {
        return false;
    }
    memory_region_init(mr, name, size);
    mr->kind = kind;
    mr->ram = block;
    return true;
}

bool memory_region_init_ram(MemoryRegion *mr, const char *name, uint64_t size,
                            GError **errp)
{
    return region_init_backed(mr, MR_RAM, name, size, NULL, errp);
}

bool memory_region_init_ram_at(MemoryRegion *mr, const char *name,
                               uint64_t size, void *host, GError **errp)
{
    return region_init_backed(mr, MR_RAM, name, size, host, errp);
}

bool memory_region_init_rom(MemoryRegion *mr, const char *name, uint64_t size,
                            GError **errp)
{
    return region_init_backed(mr, MR_ROM, name, size, NULL, errp);
}

void memory_region_init_io(MemoryRegion *mr, const MemoryRegionOps *ops,
                           void *opaque, const char *name, uint64_t size)
{
    /* A widened access that crosses a boundary has no meaning. */
    g_assert(!ops->valid.unaligned || ops->impl.min <= 1);
    memory_region_init(mr, name, size);
    mr->kind = MR_IO;
    mr->ops = ops;
    mr->opaque = opaque;
}

void memory_region_init_alias(MemoryRegion *mr, const char *name,
                              MemoryRegion *target, hwaddr offset,
                              uint64_t size)
{
    memory_region_init(mr, name, size);
    mr->kind = MR_ALIAS;
    mr->alias = target;
    mr->alias_offset = offset;
}

/* A vCPU may be about to log the name: it goes after a grace period. */
typedef struct NameReclaim {
    struct rcu_head rcu;
    char *name;
} NameReclaim;

static void name_reclaim(struct rcu_head *head)
{
    NameReclaim *reclaim = container_of(head, NameReclaim, rcu);

    g_free(reclaim->name);
    g_free(reclaim);
}

void memory_region_destroy(MemoryRegion *mr)
{
    NameReclaim *reclaim = g_new0(NameReclaim, 1);

    /* Else a later commit would read what is freed. */
    g_assert(!mr->parent);
    g_assert(g_queue_is_empty(&mr->children));
    if (mr->ram) {
        ram_block_free_rcu(mr->ram);
        mr->ram = NULL;
    }
    reclaim->name = g_steal_pointer(&mr->name);
    rcu_call(&reclaim->rcu, name_reclaim);
}

uint8_t *memory_region_ram_ptr(const MemoryRegion *mr)
{
    g_assert(mr->ram);
    return mr->ram->host;
}

unsigned __int128 memory_region_end(const MemoryRegion *mr)
{
    return mr->size == UINT64_MAX ? (unsigned __int128)1 << 64 : mr->size;
}

/*
 * --- transactions ---
 * Views are rebuilt by the outermost commit only: re-programming a bridge
 * changes a dozen regions, and each commit costs the vCPUs their TLBs.
 */

/* Publish @as's new view; a commit that changes nothing tells nobody. */
static void address_space_update(AddressSpace *as)
{
    FlatView *old = as->view;
    FlatView *view = flatview_build(as->root);

    if (old && flatview_equal(old, view)) {
        g_free(view);
        return;
    }
    rcu_assign_pointer(as->view, view);
    if (old) {
        flatview_free_rcu(old); /* readers may still be walking it */
    }
    if (listener.commit) {
        listener.commit(as);
    }
}

void memory_transaction_begin(void)
{
    bql_assert_held();
    transaction_depth++;
}

void memory_transaction_commit(void)
{
    bql_assert_held();
    g_assert(transaction_depth > 0);
    if (--transaction_depth > 0 || !transaction_changed) {
        return;
    }
    transaction_changed = false;
    for (guint i = 0; address_spaces && i < address_spaces->len; i++) {
        address_space_update(g_ptr_array_index(address_spaces, i));
    }
}

/* A change inside a transaction waits for its end; one outside is its own. */
static void memory_changed(void)
{
    memory_transaction_begin();
    transaction_changed = true;
    memory_transaction_commit();
}

/* --- changing trees --- */

/* Keep the order that the header states: before the first sibling whose
 * priority is not higher. */
static void insert_child(MemoryRegion *parent, MemoryRegion *child)
{
    GList *before = parent->children.head;

    while (before &&
           ((MemoryRegion *)before->data)->priority > child->priority) {
        before = before->next;
    }
    g_queue_insert_before(&parent->children, before, child);
}

void memory_region_add_overlap(MemoryRegion *parent, hwaddr addr,
                               MemoryRegion *child, int priority)
{
    bql_assert_held();
    g_assert(!child->parent);
    child->parent = parent;
    child->addr = addr;
    child->priority = priority;
    insert_child(parent, child);
    memory_changed();
}

void memory_region_add(MemoryRegion *parent, hwaddr addr, MemoryRegion *child)
{
    memory_region_add_overlap(parent, addr, child, 0);
}

void memory_region_del(MemoryRegion *parent, MemoryRegion *child)
{
    bql_assert_held();
    g_assert(child->parent == parent);
    g_queue_remove(&parent->children, child);
    child->parent = NULL;
    memory_changed();
}

void memory_region_set_enabled(MemoryRegion *mr, bool enabled)
{
    if (mr->enabled != enabled) {
        mr->enabled = enabled;
        memory_changed();
    }
}

void memory_region_set_readonly(MemoryRegion *mr, bool readonly)
{
    if (mr->readonly != readonly) {
        mr->readonly = readonly;
        memory_changed();
    }
}

void memory_region_set_address(MemoryRegion *mr, hwaddr addr)
{
    if (mr->addr != addr) {
        mr->addr = addr;
        memory_changed();
    }
}

void memory_region_set_alias_offset(MemoryRegion *mr, hwaddr offset)
{
    g_assert(mr->kind == MR_ALIAS);
    if (mr->alias_offset != offset) {
        mr->alias_offset = offset;
        memory_changed();
    }
}

/*
 * --- address spaces ---
 * Each has a view of its own, even when two share a root: they are few, and a
 * PCI function's is replaced whenever bus mastering is switched.
 */

void address_space_init(AddressSpace *as, MemoryRegion *root, const char *name)
{
    bql_assert_held();
    if (!address_spaces) {
        address_spaces = g_ptr_array_new();
    }
    as->name = name;
    as->root = root;
    as->view = NULL;
    g_ptr_array_add(address_spaces, as);
    address_space_update(as);
}

void address_space_destroy(AddressSpace *as)
{
    bql_assert_held();
    g_ptr_array_remove(address_spaces, as);
    flatview_free_rcu(as->view);
}

void memory_map_init(void)
{
    memory_region_init(&memory_root, "system", UINT64_MAX);
    memory_region_init(&io_root, "io", 64 * KiB);
    address_space_init(&address_space_memory, &memory_root, "memory");
    address_space_init(&address_space_io, &io_root, "I/O");
}
