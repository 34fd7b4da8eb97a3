/* SPDX-License-Identifier: MIT */
/*
 * Which TBs came from which page of RAM, and what a store to such a page does.
 *
 * A page that holds code has its DIRTY_CODE bit clear; stores to it leave the
 * fast path and come here.  A translation may be reading the page just then:
 * each store that comes here counts in `writes`, and a TB is entered into the
 * lists only if the count is still what it was before its bytes were read.
 *
 * A store of another vCPU may have found the page writable just before, and not
 * be done: nothing will tell of it.  So the page is `unsettled` until an
 * exclusive section, which all stores under way come before; it has no TBs till
 * then.  Whoever wants to run code there does one instruction in such a
 * section.
 *
 * Data beside code is common, and may be stored to often: a bitmap of the bytes
 * that are code tells such stores at once.
 *
 * Locks: invalidate_lock serialises everything that drops TBs, including the
 * flush; under it a page's own lock guards its list and count.  No BQL may be
 * taken under either.
 */
#include <string.h>

#include "accel/tcg/internal.h"
#include "exec/hold.h"
#include "util/rcu.h"
#include "util/sparse.h"

#define L2_BITS 12
#define L1_SIZE (1u << 14) /* 2^14 * 2^12 pages: 256 GiB of RAM */

typedef struct PageDesc {
    pthread_mutex_t lock;
    TbRef first;     /* its bit is the index of page_next to follow */
    uint64_t *code;  /* a bit a byte: bytes of TBs, perhaps of gone ones */
    unsigned writes;
    bool unsettled; /* a direct store may be under way */
} PageDesc;

#define CODE_WORDS (PAGE_SIZE / 64)

static PageDesc *page_table[L1_SIZE]; /* set once by compare-and-swap */
static Mutex invalidate_lock = {.lock = PTHREAD_MUTEX_INITIALIZER,
                                .name = "TB invalidation"};

/* A mutex of zeros is an unlocked one of the default kind to the C libraries of
 * Linux. */
static PageDesc *page_desc_new_table(unsigned l1)
{
    const size_t bytes = sizeof(PageDesc) << L2_BITS;
    PageDesc *table = sparse_alloc(bytes), *old = NULL;

    if (!__atomic_compare_exchange_n(&page_table[l1], &old, table, false,
                                     __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
        sparse_free(table, bytes);
        return old;
    }
    return table;
}

/* The descriptor of the page that holds @addr; made if @make, else NULL if no
 * page near it ever had one. */
static PageDesc *page_desc(ram_addr_t addr, bool make)
{
    uint64_t index = addr >> PAGE_BITS;
    unsigned l1 = index >> L2_BITS;
    PageDesc *table;

    g_assert(l1 < L1_SIZE);
    table = __atomic_load_n(&page_table[l1], __ATOMIC_ACQUIRE);
    if (!table) {
        if (!make) {
            return NULL;
        }
        table = page_desc_new_table(l1);
    }
    return &table[index & ((1u << L2_BITS) - 1)];
}

/* Have stores to the page come here, to be counted on from @writes; true if all
 * that did not come here are done. */
static bool page_protect(PageDesc *pd, ram_addr_t page, unsigned *writes)
{
    bool settled;

    pthread_mutex_lock(&pd->lock);
    *writes = pd->writes;
    if (ram_is_dirty(page, DIRTY_CODE)) {
        ram_clear_code_dirty(page);
        pd->unsettled |= tlb_protect_ram_page(page);
    }
    if (cpu_in_exclusive()) {
        pd->unsettled = false;
    }
    settled = !pd->unsettled;
    pthread_mutex_unlock(&pd->lock);
    return settled;
}

void tb_page_watch(CPUState *cpu, ram_addr_t page)
{
    PageDesc *pd = page_desc(page, true);
    TcgCpu *tc = cpu->tcg;
    unsigned i;

    for (i = 0; i < tc->nseen; i++) {
        if (tc->seen[i].page == page) {
            return;
        }
    }
    if (tc->nseen == ARRAY_LEN(tc->seen)) {
        return;
    }
    tc->seen[tc->nseen].page = page;
    if (!page_protect(pd, page, &tc->seen[tc->nseen].writes)) {
        tc->stats.unsettled++;
        cpu->exception_index = CPU_EXCP_EXIT + CPU_EXIT_ATOMIC;
        cpu_loop_exit(cpu);
    }
    tc->nseen++;
}

static bool page_unwritten(const TcgCpu *tc, ram_addr_t page,
                           const PageDesc *pd)
{
    unsigned i;

    for (i = 0; i < tc->nseen; i++) {
        if (tc->seen[i].page == page) {
            return tc->seen[i].writes == pd->writes;
        }
    }
    return false;
}

/* The descriptors of @tb's pages, locked in ascending order. */
static unsigned lock_pages(const TranslationBlock *tb, PageDesc *pd[2])
{
    unsigned n =
        tb->page[1] != RAM_ADDR_INVALID && tb->page[1] != tb->page[0] ? 2 : 1;
    unsigned first = n == 2 && tb->page[1] < tb->page[0];
    unsigned i;

    for (i = 0; i < n; i++) {
        pd[i] = page_desc(tb->page[i], true);
    }
    pthread_mutex_lock(&pd[first]->lock);
    if (n == 2) {
        pthread_mutex_lock(&pd[!first]->lock);
    }
    return n;
}

static void unlock_pages(PageDesc *pd[2], unsigned n)
{
    while (n-- > 0) {
        pthread_mutex_unlock(&pd[n]->lock);
    }
}

/* --- the bitmap of code --- */

/* The bits of [@from, @end) that are in word @n. */
static uint64_t word_mask(unsigned n, unsigned from, unsigned end)
{
    unsigned first = MAX(from, 64 * n), last = MIN(end, 64 * (n + 1)) - 1;

    return ~0ull >> (63 - (last - first)) << (first & 63);
}

static void code_mark(uint64_t *code, unsigned from, unsigned end)
{
    for (unsigned n = from / 64; 64 * n < end; n++) {
        code[n] |= word_mask(n, from, end);
    }
}

static bool code_marked(const uint64_t *code, unsigned from, unsigned end)
{
    for (unsigned n = from / 64; 64 * n < end; n++) {
        if (code[n] & word_mask(n, from, end)) {
            return true;
        }
    }
    return false;
}

/* Mark what of @tb is in its page @slot; if both are one page, all of it. */
static void code_mark_tb(PageDesc *pd, const TranslationBlock *tb,
                         unsigned slot)
{
    unsigned offset = tb->phys_pc & ~PAGE_MASK;
    unsigned in_first = MIN(tb->guest_bytes, PAGE_SIZE - offset);
    unsigned in_second = tb->guest_bytes - in_first;

    if (slot == 0) {
        code_mark(pd->code, offset, offset + in_first);
    }
    if (in_second && tb->page[slot] == tb->page[1]) {
        code_mark(pd->code, 0, in_second);
    }
}

/* --- lists --- */

bool tb_page_add(TcgCpu *tc, TranslationBlock *tb)
{
    PageDesc *pd[2];
    unsigned n = lock_pages(tb, pd), i;
    bool ok = true;

    hold_at(HOLD_PAGE);
    for (i = 0; i < n; i++) {
        ok = ok && page_unwritten(tc, tb->page[i], pd[i]);
    }
    for (i = 0; ok && i < n; i++) {
        tb->page_next[i] = pd[i]->first;
        pd[i]->first = tb_ref(tb, i);
        if (!pd[i]->code) {
            pd[i]->code = g_new0(uint64_t, CODE_WORDS);
        }
        code_mark_tb(pd[i], tb, i);
    }
    unlock_pages(pd, n);
    return ok;
}

/* The link from a member of a page's list to the next. */
static TbRef *list_next(TbRef ref)
{
    return &tb_of(ref)->page_next[tb_ref_bit(ref)];
}

static void page_list_remove(PageDesc *pd, TranslationBlock *tb)
{
    TbRef *link = &pd->first;

    while (*link && tb_of(*link) != tb) {
        link = list_next(*link);
    }
    if (*link) {
        *link = *list_next(*link);
    }
}

static uint64_t dropped_elsewhere; /* atomic; written under invalidate_lock */

uint64_t tb_dropped_elsewhere(void)
{
    return __atomic_load_n(&dropped_elsewhere, __ATOMIC_RELAXED);
}

static void count_dropped(void)
{
    if (current_cpu) {
        current_cpu->tcg->stats.tbs_dropped++;
    } else {
        __atomic_store_n(&dropped_elsewhere, dropped_elsewhere + 1,
                         __ATOMIC_RELAXED);
    }
}

/* Make sure that nobody enters @tb again.  It leaves the lists of its pages
 * last: till then another store to it finds it there, and waits in
 * range_invalidate until this is complete.  Locks: invalidate_lock. */
static void tb_invalidate(TranslationBlock *tb)
{
    PageDesc *pd[2];
    unsigned n, i;

    if (__atomic_fetch_or(&tb->cflags, CF_INVALID, __ATOMIC_SEQ_CST) &
        CF_INVALID) {
        return;
    }
    tb_hash_remove(tb);
    tb_unlink_all(tb);
    jump_cache_forget_tb(tb);
    n = lock_pages(tb, pd);
    for (i = 0; i < n; i++) {
        page_list_remove(pd[i], tb);
    }
    unlock_pages(pd, n);
    count_dropped();
}

/* Does @tb hold bytes of [@addr, @addr + @len)? */
static bool tb_overlaps(const TranslationBlock *tb, ram_addr_t addr,
                        uint64_t len)
{
    ram_addr_t page0_end = tb->page[0] + PAGE_SIZE;
    uint64_t in_first = MIN(tb->guest_bytes, page0_end - tb->phys_pc);
    uint64_t in_second = tb->guest_bytes - in_first;

    return (addr < tb->phys_pc + in_first && tb->phys_pc < addr + len) ||
           (in_second && addr < tb->page[1] + in_second &&
            tb->page[1] < addr + len);
}

/* When no code remains in the page at @addr, stores may be fast again: decided
 * under the lock; a translation under way will not see them, so they count
 * beforehand.  Locks: of @pd. */
static void page_settle(PageDesc *pd, ram_addr_t addr)
{
    if (!pd->first) {
        pd->writes++;
        ram_set_code_dirty(addr & PAGE_MASK);
    }
}

/* Count a store; true if it may have hit a TB. */
static bool page_written(PageDesc *pd, ram_addr_t addr, uint64_t len)
{
    unsigned offset = addr & ~PAGE_MASK;
    bool hit;

    pthread_mutex_lock(&pd->lock);
    pd->writes++;
    page_settle(pd, addr);
    hit = pd->first && code_marked(pd->code, offset, offset + len);
    pthread_mutex_unlock(&pd->lock);
    return hit;
}

/* The bitmap from the TBs that are left.  Locks: of @pd. */
static void page_mark_again(PageDesc *pd)
{
    TbRef ref;

    if (!pd->code) { /* a flush came between */
        return;
    }
    memset(pd->code, 0, CODE_WORDS * sizeof(*pd->code));
    for (ref = pd->first; ref; ref = *list_next(ref)) {
        code_mark_tb(pd, tb_of(ref), tb_ref_bit(ref));
    }
}

/* One TB of the page that overlaps; if none does, NULL, with all up to date. */
static TranslationBlock *page_find_hit(PageDesc *pd, ram_addr_t addr,
                                       uint64_t len)
{
    TranslationBlock *hit = NULL;
    TbRef ref;

    pthread_mutex_lock(&pd->lock);
    for (ref = pd->first; ref && !hit; ref = *list_next(ref)) {
        if (tb_overlaps(tb_of(ref), addr, len)) {
            hit = tb_of(ref);
        }
    }
    if (!hit) {
        page_mark_again(pd);
        page_settle(pd, addr);
    }
    pthread_mutex_unlock(&pd->lock);
    return hit;
}

/* Drop what overlaps a range within one page; @running is told if hit.
 * Locks: invalidate_lock. */
static bool page_invalidate(PageDesc *pd, ram_addr_t addr, uint64_t len,
                            const TranslationBlock *running)
{
    TranslationBlock *tb;
    bool hit_running = false;

    while ((tb = page_find_hit(pd, addr, len)) != NULL) {
        hit_running |= tb == running;
        tb_invalidate(tb);
    }
    return hit_running;
}

static bool range_invalidate(ram_addr_t addr, uint64_t len,
                             const TranslationBlock *running)
{
    bool hit = false;

    while (len) {
        uint64_t n = MIN(len, PAGE_SIZE - (addr & ~PAGE_MASK));
        PageDesc *pd = page_desc(addr, false);

        if (pd && page_written(pd, addr, n)) {
            mutex_lock(&invalidate_lock);
            hold_at(HOLD_INVALIDATE);
            hit |= page_invalidate(pd, addr, n, running);
            mutex_unlock(&invalidate_lock);
        }
        addr += n;
        len -= n;
    }
    return hit;
}

void tb_invalidate_ram_range(ram_addr_t addr, uint64_t len)
{
    range_invalidate(addr, len, NULL);
}

/*
 * The TB that runs was changed by its own store: do not perform the store, go
 * back to the start of its instruction and run that alone; then whatever
 * follows is translated from the new bytes.  A TB of one instruction may
 * finish, as it has been fetched.
 */
void tb_store_hits(CPUState *cpu, ram_addr_t addr, uint64_t len)
{
    TranslationBlock *running =
        cpu && cpu->host_pc ? region_find_tb(cpu->host_pc) : NULL;

    if (range_invalidate(addr, len, running) && running->icount > 1) {
        tcg_run_alone(cpu);
    }
}

/* --- flush --- */

static void page_forget(PageDesc *pd)
{
    pthread_mutex_lock(&pd->lock);
    pd->first = 0;
    g_clear_pointer(&pd->code, g_free);
    pd->writes++;
    pthread_mutex_unlock(&pd->lock);
}

void tb_pages_reset(void)
{
    CPUState *cpu;
    unsigned l1, i;

    mutex_lock(&invalidate_lock);
    tb_hash_clear();
    for (l1 = 0; l1 < L1_SIZE; l1++) {
        for (i = 0; page_table[l1] && i < 1u << L2_BITS; i++) {
            page_forget(&page_table[l1][i]);
        }
    }
    rcu_read_lock(); /* not the BQL's holder */
    CPU_FOREACH (cpu) {
        tlb_clear_jump_caches(cpu);
    }
    rcu_read_unlock();
    region_reset();
    mutex_unlock(&invalidate_lock);
}
