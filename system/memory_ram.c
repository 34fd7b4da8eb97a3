/* SPDX-License-Identifier: MIT */
/*
 * RAM blocks and their dirty bitmaps.
 *
 * Every block gets the next page-aligned piece of one space of ram_addr_t,
 * which is never given out again.  The bitmaps cover that whole space: they are
 * reserved address space of which the host backs only what is touched, so they
 * never move and need no lock; bits change by atomic operations.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "system/memory_internal.h"

#include "exec/bql.h"
#include "util/error.h"

#define RAM_SPACE_BYTES  (BIT64(42)) /* 4 TiB */
#define RAM_SPACE_PAGES  (RAM_SPACE_BYTES >> PAGE_BITS)
#define DIRTY_MAP_BYTES  (RAM_SPACE_PAGES / 8)
#define DIRTY_WORD_BITS  64
#define RAM_HUGE_PAGE    (2 * MiB)

/* The blocks, replaced as a whole. */
typedef struct RAMList {
    struct rcu_head rcu;
    unsigned n;
    RAMBlock *block[];
} RAMList;

static RAMList *ram_list;        /* RCU; written under the BQL */
static ram_addr_t ram_space_end; /* first free; BQL */
static uint64_t *dirty_map[DIRTY_CLIENTS];
static void (*ram_code_written)(ram_addr_t addr, uint64_t len);

void ram_set_code_listener(void (*code_written)(ram_addr_t, uint64_t))
{
    ram_code_written = code_written;
}

/* --- bitmaps --- */

static void *reserve(uint64_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    return p == MAP_FAILED ? NULL : p;
}

static bool dirty_maps_init(GError **errp)
{
    for (int client = 0; client < DIRTY_CLIENTS; client++) {
        if (!dirty_map[client]) {
            dirty_map[client] = reserve(DIRTY_MAP_BYTES);
        }
        if (!dirty_map[client]) {
            error_setg(errp, "cannot reserve the dirty bitmaps: %s",
                       g_strerror(errno));
            return false;
        }
    }
    return true;
}

static bool dirty_test(DirtyClient client, uint64_t page)
{
    uint64_t word = __atomic_load_n(
        &dirty_map[client][page / DIRTY_WORD_BITS], __ATOMIC_RELAXED);

    return word >> (page % DIRTY_WORD_BITS) & 1;
}

/* Set the bits of pages @first to @last. */
static void dirty_set(DirtyClient client, uint64_t first, uint64_t last)
{
    while (first <= last) {
        uint64_t *word = &dirty_map[client][first / DIRTY_WORD_BITS];
        uint64_t bit = first % DIRTY_WORD_BITS;
        uint64_t n = MIN(DIRTY_WORD_BITS - bit, last - first + 1);
        uint64_t mask = deposit64(0, (int)bit, (int)n, ~(uint64_t)0);

        /* Mostly they are set already: a read leaves the line shared. */
        if ((__atomic_load_n(word, __ATOMIC_RELAXED) & mask) != mask) {
            __atomic_fetch_or(word, mask, __ATOMIC_SEQ_CST);
        }
        first += n;
    }
}

bool ram_is_dirty(ram_addr_t addr, DirtyClient client)
{
    return dirty_test(client, addr >> PAGE_BITS);
}

bool ram_is_dirty_all(ram_addr_t addr)
{
    for (int client = 0; client < DIRTY_CLIENTS; client++) {
        if (!dirty_test((DirtyClient)client, addr >> PAGE_BITS)) {
            return false;
        }
    }
    return true;
}

void ram_set_dirty(ram_addr_t addr, uint64_t len)
{
    for (int client = 0; client < DIRTY_CLIENTS && len; client++) {
        if (client != DIRTY_CODE) {
            dirty_set((DirtyClient)client, addr >> PAGE_BITS,
                      (addr + len - 1) >> PAGE_BITS);
        }
    }
}

void ram_set_code_dirty(ram_addr_t page)
{
    dirty_set(DIRTY_CODE, page >> PAGE_BITS, page >> PAGE_BITS);
}

/* A full barrier, so that the translator, which clears the bit and then reads
 * the guest's bytes, pairs with ram_written(). */
void ram_clear_code_dirty(ram_addr_t page)
{
    uint64_t n = page >> PAGE_BITS;

    __atomic_fetch_and(&dirty_map[DIRTY_CODE][n / DIRTY_WORD_BITS],
                       ~BIT64(n % DIRTY_WORD_BITS), __ATOMIC_SEQ_CST);
}

static bool ram_holds_code(ram_addr_t addr, uint64_t len)
{
    uint64_t last = (addr + len - 1) >> PAGE_BITS;

    for (uint64_t page = addr >> PAGE_BITS; page <= last; page++) {
        if (!dirty_test(DIRTY_CODE, page)) {
            return true;
        }
    }
    return false;
}

void ram_written(ram_addr_t addr, uint64_t len)
{
    ram_set_dirty(addr, len);
    /* The bytes must be out before the code bit is read: either the translator
     * sees them, or this sees its bit. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (ram_code_written && ram_holds_code(addr, len)) {
        ram_code_written(addr, len);
    }
}

/* --- blocks --- */

static void ram_list_free(struct rcu_head *head)
{
    g_free(container_of(head, RAMList, rcu));
}

/* Publish the list without @gone and with @added; either may be NULL. */
static void ram_list_update(RAMBlock *gone, RAMBlock *added)
{
    RAMList *old = ram_list;
    unsigned n = old ? old->n : 0;
    RAMList *list = g_malloc0(sizeof(*list) + (n + 1) * sizeof(RAMBlock *));

    for (unsigned i = 0; i < n; i++) {
        if (old->block[i] != gone) {
            list->block[list->n++] = old->block[i];
        }
    }
    if (added) {
        list->block[list->n++] = added;
    }
    rcu_assign_pointer(ram_list, list);
    if (old) {
        rcu_call(&old->rcu, ram_list_free);
    }
}

/* Large blocks begin at a huge page's boundary, so that the host can back the
 * guest's huge pages with its own. */
static uint8_t *reserve_for_ram(uint64_t bytes)
{
    uint64_t slack = bytes >= RAM_HUGE_PAGE ? RAM_HUGE_PAGE : 0;
    uint8_t *p = reserve(bytes + slack);
    uint64_t head;

    if (!p || !slack) {
        return p;
    }
    head = -(uintptr_t)p % RAM_HUGE_PAGE;
    if (head) {
        munmap(p, head);
    }
    munmap(p + head + bytes, slack - head);
    return p + head;
}

static bool ram_block_map(RAMBlock *block, void *host, GError **errp)
{
    if (block->size > RAM_SPACE_BYTES - ram_space_end) {
        error_setg(errp, "cannot set up guest memory '%s': more than 4 TiB",
                   block->name);
        return false;
    }
    block->borrowed = host != NULL;
    block->host = host ? host : reserve_for_ram(block->size);
    if (!block->host) {
        error_setg(errp, "cannot set up guest memory '%s': %s", block->name,
                   g_strerror(errno));
        return false;
    }
    if (block->size >= RAM_HUGE_PAGE) {
        madvise(block->host, block->size, MADV_HUGEPAGE); /* a hint only */
    }
    return true;
}

static void ram_block_free(RAMBlock *block)
{
    g_free(block->name);
    g_free(block);
}

RAMBlock *ram_block_new(const char *name, uint64_t size, void *host,
                        GError **errp)
{
    RAMBlock *block = g_new0(RAMBlock, 1);

    block->name = g_strdup(name);
    /* Not rounded up when that would overflow: the limit refuses it. */
    block->size = size > RAM_SPACE_BYTES ? size : ROUND_UP(size, PAGE_SIZE);
    if (!dirty_maps_init(errp) || !ram_block_map(block, host, errp)) {
        ram_block_free(block);
        return NULL;
    }
    block->offset = ram_space_end;
    ram_space_end += block->size;
    for (int client = 0; client < DIRTY_CLIENTS && block->size; client++) {
        dirty_set((DirtyClient)client, block->offset >> PAGE_BITS,
                  (block->offset + block->size - 1) >> PAGE_BITS);
    }
    ram_list_update(NULL, block);
    return block;
}

typedef struct RAMReclaim {
    struct rcu_head rcu;
    RAMBlock *block;
} RAMReclaim;

static void ram_block_reclaim(struct rcu_head *head)
{
    RAMReclaim *reclaim = container_of(head, RAMReclaim, rcu);

    if (!reclaim->block->borrowed) {
        munmap(reclaim->block->host, reclaim->block->size);
    }
    ram_block_free(reclaim->block);
    g_free(reclaim);
}

void ram_block_free_rcu(RAMBlock *block)
{
    RAMReclaim *reclaim = g_new0(RAMReclaim, 1);

    ram_list_update(block, NULL);
    reclaim->block = block;
    rcu_call(&reclaim->rcu, ram_block_reclaim);
}

ram_addr_t ram_addr_of_host(const void *host)
{
    const uint8_t *p = host;
    RCU_READ_GUARD();
    const RAMList *list = rcu_dereference(ram_list);

    for (unsigned i = 0; list && i < list->n; i++) {
        const RAMBlock *block = list->block[i];

        if (p >= block->host && (uint64_t)(p - block->host) < block->size) {
            return block->offset + (uint64_t)(p - block->host);
        }
    }
    return RAM_ADDR_INVALID;
}
