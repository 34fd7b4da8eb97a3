/* SPDX-License-Identifier: MIT */
/*
 * Jump caches: linear address to TB, probed by translated code.  Each address
 * space that the soft TLB remembers has one of its own, so that a switch back
 * to it finds its jumps; CPUState.jump_cache is the current one's.
 *
 * A cache is written by its vCPU's thread.  Whoever invalidates a TB empties
 * the entries that name it.  Most TBs are known by one address and so in one
 * pair of places, which are looked at in all caches.  Of the others the cache
 * that is in use is searched, and the rest are marked stale, which their owner
 * looks at when it takes one up.  A switch stores jump_cache and then reads
 * `stale`; the invalidator stores `stale` and then reads jump_cache, all
 * sequentially consistent: one of the two acts.
 *
 * Beside the addresses it knows the pages that links between pages have led to.
 * Those name no TB and are the vCPU's own.
 */
#include <string.h>

#include "accel/tcg/internal.h"
#include "util/rcu.h"
#include "util/sparse.h"

_Static_assert(JUMP_CACHE_EMPTY == 0, "memory comes zeroed");

CPUJumpCache *jump_cache_new(void)
{
    return sparse_alloc(sizeof(CPUJumpCache)); /* kept as long as the vCPU */
}

void jump_cache_free(CPUJumpCache *jc)
{
    sparse_free(jc, sizeof(*jc));
}

static void entry_empty(JumpCacheEntry *e)
{
    __atomic_store_n(&e->flags, JUMP_CACHE_EMPTY, __ATOMIC_RELAXED);
}

static bool entry_is_empty(const JumpCacheEntry *e)
{
    return __atomic_load_n(&e->flags, __ATOMIC_RELAXED) == JUMP_CACHE_EMPTY;
}

static void pages_clear(CPUJumpCache *jc)
{
    for (unsigned i = 0; i < jc->njumped; i++) {
        jc->user[jc->jumped[i]].ram = 0;
        jc->kernel[jc->jumped[i]].ram = 0;
    }
    jc->njumped = 0;
}

void jump_cache_clear(CPUJumpCache *jc)
{
    /* First: what becomes stale while this goes on stays marked. */
    __atomic_store_n(&jc->stale, false, __ATOMIC_SEQ_CST);
    for (unsigned i = 0; i < jc->nused; i++) {
        entry_empty(&jc->e[jc->used[i]]);
        jc->e[jc->used[i]].pc = 0;
    }
    jc->nused = 0;
    pages_clear(jc);
    memset(jc->pages, 0, sizeof(jc->pages));
}

/* --- pages --- */

/* A page's bit in CPUJumpCache.pages. */
static unsigned page_bit(vaddr addr)
{
    vaddr page = addr >> PAGE_BITS;

    return (page ^ page >> 10) % 1024;
}

static void page_bit_set(CPUJumpCache *jc, vaddr addr)
{
    unsigned bit = page_bit(addr);

    jc->pages[bit / 64] |= BIT64(bit % 64);
}

static bool page_bit_is_set(const CPUJumpCache *jc, vaddr addr)
{
    unsigned bit = page_bit(addr);

    return jc->pages[bit / 64] >> (bit % 64) & 1;
}

bool jump_cache_knows_page(const CPUJumpCache *jc, vaddr addr)
{
    return page_bit_is_set(jc, addr) || page_bit_is_set(jc, addr - PAGE_SIZE);
}

static void page_forget(JumpPage *p, vaddr page)
{
    if (p->addr == page) {
        p->ram = 0;
    }
}

void jump_cache_put_page(CPUJumpCache *jc, vaddr addr, bool user, uint32_t ram)
{
    unsigned index = jump_page_index(addr);
    JumpPage *p = user ? &jc->user[index] : &jc->kernel[index];

    if (!p->ram) {
        if (jc->njumped == ARRAY_LEN(jc->jumped)) {
            pages_clear(jc);
        }
        jc->jumped[jc->njumped++] = index;
    }
    p->addr = addr & PAGE_MASK;
    p->ram = ram;
    page_bit_set(jc, addr);
}

void jump_cache_flush_page(CPUJumpCache *jc, vaddr addr)
{
    vaddr page = addr & PAGE_MASK;

    for (unsigned i = 0; i < jc->nused; i++) {
        JumpCacheEntry *e = &jc->e[jc->used[i]];
        vaddr entry = e->pc & PAGE_MASK;

        if (entry == page || entry + PAGE_SIZE == page) {
            entry_empty(e);
        }
    }
    page_forget(&jc->user[jump_page_index(page)], page);
    page_forget(&jc->kernel[jump_page_index(page)], page);
}

/* --- entries --- */

/* Count @e, which @pc is to go into, as in use. */
static void entry_use(CPUJumpCache *jc, const JumpCacheEntry *e, vaddr pc)
{
    if (entry_is_empty(e) && e->pc == 0) {
        if (jc->nused == ARRAY_LEN(jc->used)) {
            jump_cache_clear(jc);
        }
        jc->used[jc->nused++] = e - jc->e;
    }
    page_bit_set(jc, pc);
}

static uint32_t entry_of(const TranslationBlock *tb)
{
    return (uintptr_t)tb->code.entry;
}

static TranslationBlock *entry_tb(const JumpCacheEntry *e)
{
    uintptr_t entry = __atomic_load_n(&e->entry, __ATOMIC_RELAXED);

    return region_find_tb(entry + 1);
}

/* The invalidator marks the TB first and then looks which vCPUs may hold it, so
 * the mark is checked again after the entry is in. */
static void entry_set(JumpCacheEntry *e, vaddr pc, TranslationBlock *tb)
{
    entry_empty(e);
    e->pc = pc;
    __atomic_store_n(&e->entry, entry_of(tb), __ATOMIC_RELAXED);
    __atomic_store_n(&e->flags, tb->flags, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&tb->cflags, __ATOMIC_SEQ_CST) & CF_INVALID) {
        entry_empty(e);
    }
}

/* Note in @tb which pair it stands in, so that it need not be searched for. */
static void note_pair(TranslationBlock *tb, uint16_t pair)
{
    uint16_t old = TB_JC_NOWHERE;

    if (!__atomic_compare_exchange_n(&tb->jc_pair, &old, pair, false,
                                     __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST) &&
        old != pair) {
        __atomic_store_n(&tb->jc_pair, TB_JC_MANY, __ATOMIC_SEQ_CST);
    }
}

/*
 * Remember @tb for @pc; what is in its place goes to the other of the pair.  An
 * entry never used since the last clearing has pc 0 and is empty; one that an
 * invalidator emptied keeps its pc and its place in the list of those in use.
 */
void jump_cache_put(CPUState *cpu, vaddr pc, TranslationBlock *tb)
{
    unsigned index = jump_cache_index(pc);
    JumpCacheEntry *e = &cpu->jump_cache->e[index];
    JumpCacheEntry *other = &cpu->jump_cache->e[jump_cache_other(index)];

    note_pair(tb, index / 2); /* before jc_cpus says to look */
    __atomic_fetch_or(&tb->jc_cpus, BIT64(cpu->index % 64), __ATOMIC_SEQ_CST);
    if (!entry_is_empty(e) && e->pc != pc) {
        vaddr moved = e->pc; /* entry_use may clear it with all the others */

        entry_use(cpu->jump_cache, other, moved);
        entry_set(other, moved, entry_tb(e));
    }
    entry_use(cpu->jump_cache, e, pc);
    entry_set(e, pc, tb);
}

static TranslationBlock *entry_get(JumpCacheEntry *e, vaddr pc, uint32_t flags,
                                   uint32_t cflags)
{
    TranslationBlock *tb;

    if (e->pc != pc ||
        __atomic_load_n(&e->flags, __ATOMIC_RELAXED) != flags) {
        return NULL;
    }
    tb = entry_tb(e);
    return tb_cflags(tb) == cflags ? tb : NULL;
}

TranslationBlock *jump_cache_get(CPUState *cpu, vaddr pc, uint32_t flags,
                                 uint32_t cflags)
{
    unsigned index = jump_cache_index(pc);
    JumpCacheEntry *e = cpu->jump_cache->e;
    TranslationBlock *tb = entry_get(&e[index], pc, flags, cflags);

    return tb ? tb : entry_get(&e[jump_cache_other(index)], pc, flags, cflags);
}

/* --- TBs that go --- */

static void entry_forget_tb(JumpCacheEntry *e, TranslationBlock *tb)
{
    if (__atomic_load_n(&e->entry, __ATOMIC_RELAXED) == entry_of(tb)) {
        entry_empty(e);
    }
}

static void cache_forget_tb(CPUJumpCache *jc, TranslationBlock *tb)
{
    for (unsigned i = 0; i < ARRAY_LEN(jc->e); i++) {
        entry_forget_tb(&jc->e[i], tb);
    }
}

/* Should @cpu switch meanwhile, the cache that it left is marked and the one
 * that it took up searched. */
static void cpu_forget_tb(CPUState *cpu, TranslationBlock *tb)
{
    CPUJumpCache *jc, *now = __atomic_load_n(&cpu->jump_cache,
                                             __ATOMIC_SEQ_CST);

    do {
        jc = now;
        tlb_stale_jump_caches(cpu, jc);
        cache_forget_tb(jc, tb);
        now = __atomic_load_n(&cpu->jump_cache, __ATOMIC_SEQ_CST);
    } while (now != jc);
}

/* Where it is, if it is, in any address space's cache. */
static void cpu_forget_tb_at(CPUState *cpu, TranslationBlock *tb, unsigned pair)
{
    unsigned n = __atomic_load_n(&cpu->tlb.nspaces, __ATOMIC_SEQ_CST);

    for (unsigned i = 0; i < n; i++) {
        CPUJumpCache *jc = cpu->tlb.space[i].jump_cache;

        entry_forget_tb(&jc->e[2 * pair], tb);
        entry_forget_tb(&jc->e[2 * pair + 1], tb);
    }
}

void jump_cache_forget_tb(TranslationBlock *tb)
{
    uint64_t cpus = __atomic_load_n(&tb->jc_cpus, __ATOMIC_SEQ_CST);
    uint16_t pair = __atomic_load_n(&tb->jc_pair, __ATOMIC_SEQ_CST);
    CPUState *cpu;

    RCU_READ_GUARD();
    CPU_FOREACH(cpu) {
        if (!(cpus & BIT64(cpu->index % 64))) {
            continue;
        }
        if (pair < 1u << (JUMP_CACHE_BITS - 1)) {
            cpu_forget_tb_at(cpu, tb, pair);
        } else {
            cpu_forget_tb(cpu, tb);
        }
    }
}
