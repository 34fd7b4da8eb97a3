/* SPDX-License-Identifier: MIT */
/*
 * The soft TLB's address spaces, and flushing.
 *
 * Banks belong to their vCPU's thread but for TLB_NOTDIRTY, which others set
 * under tlb_lock: see tlb.c.  The list of spaces grows under it too.
 */
#include <string.h>

#include "accel/tcg/internal.h"
#include "exec/ldst.h"
#include "util/rcu.h"
#include "util/sparse.h"

const TLBEntry tlb_invalid_entry = {TLB_INVALID_TAG, TLB_INVALID_TAG,
                                    TLB_INVALID_TAG, 0};

/* --- one bank --- */

/* How many indices to look at, and the i-th: a full `used` may name some twice
 * and others never, so then it is all of them. */
static unsigned bank_nslots(const TLBBank *bank)
{
    return bank->nused; /* TLB_SIZE when full */
}

static unsigned bank_slot(const TLBBank *bank, unsigned i)
{
    return bank->nused == TLB_SIZE ? i : bank->used[i];
}

static void bank_reset(TLBBank *bank)
{
    unsigned i;

    for (i = 0; i < bank_nslots(bank); i++) {
        tlb_entry_store(&bank->entry[bank_slot(bank, i)], &tlb_invalid_entry);
    }
    for (i = 0; i < TLB_VICTIMS; i++) {
        tlb_entry_store(&bank->victim[i], &tlb_invalid_entry);
    }
    bank->nused = 0;
    bank->large_addr = ~(vaddr)0;
    bank->large_mask = ~(vaddr)0;
}

static TLBBank *bank_new(void)
{
    TLBBank *bank = sparse_alloc(sizeof(*bank));

    for (unsigned i = 0; i < TLB_SIZE; i++) {
        bank->entry[i] = tlb_invalid_entry;
    }
    bank_reset(bank);
    return bank;
}

static void bank_flush_nonglobal(TLBBank *bank)
{
    unsigned i, kept = 0, n = bank_nslots(bank);

    for (i = 0; i < n; i++) {
        unsigned index = bank_slot(bank, i);

        if (bank->full[index].global &&
            tlb_entry_page(&bank->entry[index]) != TLB_INVALID_TAG) {
            bank->used[kept++] = index; /* kept <= i: read already */
        } else {
            tlb_entry_store(&bank->entry[index], &tlb_invalid_entry);
        }
    }
    bank->nused = kept;
    for (i = 0; i < TLB_VICTIMS; i++) {
        if (!bank->victim_full[i].global) {
            tlb_entry_store(&bank->victim[i], &tlb_invalid_entry);
        }
    }
}

static bool bank_has_large(const TLBBank *bank, vaddr addr)
{
    return (addr & bank->large_mask) == bank->large_addr;
}

/* Drop @e if the guest page it was filled from covers @addr. */
static void entry_flush_covering(TLBEntry *e, const TLBFull *full, vaddr addr)
{
    uint64_t page = tlb_entry_page(e);
    vaddr mask = ~(((vaddr)1 << full->page_bits) - 1);

    if (page != TLB_INVALID_TAG && !((page ^ addr) & mask)) {
        tlb_entry_store(e, &tlb_invalid_entry);
    }
}

static void bank_flush_page(TLBBank *bank, vaddr addr)
{
    unsigned i, index = tlb_index(addr);

    entry_flush_covering(&bank->entry[index], &bank->full[index], addr);
    for (i = 0; i < TLB_VICTIMS; i++) {
        entry_flush_covering(&bank->victim[i], &bank->victim_full[i], addr);
    }
    if (!bank_has_large(bank, addr)) {
        return;
    }
    for (i = 0; i < bank_nslots(bank); i++) {
        index = bank_slot(bank, i);
        entry_flush_covering(&bank->entry[index], &bank->full[index], addr);
    }
}

/* --- one address space --- */

static void space_reset(TLBSpace *s)
{
    for (unsigned mmu = 0; mmu < NB_MMU_MODES; mmu++) {
        bank_reset(s->bank[mmu]);
    }
    jump_cache_clear(s->jump_cache);
}

static void space_flush_nonglobal(TLBSpace *s)
{
    for (unsigned mmu = 0; mmu < NB_MMU_MODES; mmu++) {
        bank_flush_nonglobal(s->bank[mmu]);
    }
    jump_cache_clear(s->jump_cache);
}

static void space_flush_page(TLBSpace *s, vaddr addr)
{
    bool large = false;

    for (unsigned mmu = 0; mmu < NB_MMU_MODES; mmu++) {
        large |= bank_has_large(s->bank[mmu], addr);
        bank_flush_page(s->bank[mmu], addr);
    }
    if (large) {
        jump_cache_clear(s->jump_cache);
    } else if (jump_cache_knows_page(s->jump_cache, addr)) {
        jump_cache_flush_page(s->jump_cache, addr);
    }
}

/* --- those of a vCPU --- */

static TLBSpace *space_find(CPUState *cpu, uint32_t id)
{
    for (unsigned i = 0; i < cpu->tlb.nspaces; i++) {
        if (cpu->tlb.space[i].id == id) {
            return &cpu->tlb.space[i];
        }
    }
    return NULL;
}

static TLBSpace *space_add(CPUTLB *tlb)
{
    TLBSpace *s = &tlb->space[tlb->nspaces];

    for (unsigned mmu = 0; mmu < NB_MMU_MODES; mmu++) {
        s->bank[mmu] = bank_new();
    }
    s->jump_cache = jump_cache_new();
    /* With the jump cache in place: tlb_stale_jump_caches takes no lock. */
    __atomic_store_n(&tlb->nspaces, tlb->nspaces + 1, __ATOMIC_SEQ_CST);
    return s;
}

/* A forgotten space, a new one, or the one not used for longest; empty. */
static TLBSpace *space_take(CPUTLB *tlb)
{
    TLBSpace *oldest = NULL;

    for (unsigned i = 0; i < tlb->nspaces; i++) {
        TLBSpace *s = &tlb->space[i];

        if (s == tlb->current) {
            continue;
        }
        if (s->id == TLB_NO_SPACE) {
            oldest = s;
            break;
        }
        if (!oldest || s->last_use < oldest->last_use) {
            oldest = s;
        }
    }
    if (tlb->nspaces < TLB_SPACES &&
        (!oldest || oldest->id != TLB_NO_SPACE)) {
        return space_add(tlb);
    }
    space_reset(oldest);
    return oldest;
}

static void space_enter(CPUState *cpu, TLBSpace *s)
{
    cpu->tlb.current = s;
    s->last_use = ++cpu->tlb.switches;
    for (unsigned mmu = 0; mmu < NB_MMU_MODES; mmu++) {
        cpu->tlb_table[mmu] = s->bank[mmu]->entry;
    }
    /* In this order: jump_cache.c. */
    __atomic_store_n(&cpu->jump_cache, s->jump_cache, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&s->jump_cache->stale, __ATOMIC_SEQ_CST)) {
        jump_cache_clear(s->jump_cache);
    }
}

void tlb_init(CPUState *cpu)
{
    pthread_mutex_init(&cpu->tcg->tlb_lock, NULL);
    space_enter(cpu, space_add(&cpu->tlb));
}

void tlb_free(CPUState *cpu)
{
    for (unsigned i = 0; i < cpu->tlb.nspaces; i++) {
        TLBSpace *s = &cpu->tlb.space[i];

        for (unsigned mmu = 0; mmu < NB_MMU_MODES; mmu++) {
            sparse_free(s->bank[mmu], sizeof(*s->bank[mmu]));
        }
        jump_cache_free(s->jump_cache);
    }
    pthread_mutex_destroy(&cpu->tcg->tlb_lock);
}

void tlb_switch(CPUState *cpu, uint32_t id, bool flush)
{
    TLBSpace *s = space_find(cpu, id);

    if (s && s == cpu->tlb.current && !flush) {
        return;
    }
    pthread_mutex_lock(&cpu->tcg->tlb_lock);
    if (!s) {
        s = space_take(&cpu->tlb);
        cpu->tcg->stats.spaces_taken++;
        s->id = id;
    } else if (flush) {
        space_flush_nonglobal(s);
        cpu->tcg->stats.flushes[TLB_FLUSH_CR3]++;
    }
    if (s != cpu->tlb.current) {
        space_enter(cpu, s);
    }
    pthread_mutex_unlock(&cpu->tcg->tlb_lock);
}

/* --- flushing --- */

/* The spaces that are not in use are forgotten; reset when taken again. */
void tlb_flush(CPUState *cpu, TLBFlushCause cause)
{
    TLBSpace *s;

    pthread_mutex_lock(&cpu->tcg->tlb_lock);
    for (s = cpu->tlb.space; s < cpu->tlb.space + cpu->tlb.nspaces; s++) {
        if (s == cpu->tlb.current) {
            space_reset(s);
        } else {
            s->id = TLB_NO_SPACE;
        }
    }
    pthread_mutex_unlock(&cpu->tcg->tlb_lock);
    cpu->tcg->stats.flushes[cause]++;
}

void tlb_flush_nonglobal(CPUState *cpu, TLBFlushCause cause)
{
    TLBSpace *s;

    pthread_mutex_lock(&cpu->tcg->tlb_lock);
    for (s = cpu->tlb.space; s < cpu->tlb.space + cpu->tlb.nspaces; s++) {
        space_flush_nonglobal(s);
    }
    pthread_mutex_unlock(&cpu->tcg->tlb_lock);
    cpu->tcg->stats.flushes[cause]++;
}

/* The page goes from the other spaces whether it is global or not: they may
 * forget at any time. */
void tlb_flush_page(CPUState *cpu, vaddr addr, TLBFlushCause cause)
{
    TLBSpace *s;

    pthread_mutex_lock(&cpu->tcg->tlb_lock);
    for (s = cpu->tlb.space; s < cpu->tlb.space + cpu->tlb.nspaces; s++) {
        if (s->id != TLB_NO_SPACE) {
            space_flush_page(s, addr);
        }
    }
    pthread_mutex_unlock(&cpu->tcg->tlb_lock);
    cpu->tcg->stats.flushes[cause]++;
}

void tlb_flush_space(CPUState *cpu, uint32_t id, TLBFlushCause cause)
{
    TLBSpace *s = space_find(cpu, id);

    if (!s) {
        return;
    }
    pthread_mutex_lock(&cpu->tcg->tlb_lock);
    space_flush_nonglobal(s);
    pthread_mutex_unlock(&cpu->tcg->tlb_lock);
    cpu->tcg->stats.flushes[cause]++;
}

void tlb_flush_space_page(CPUState *cpu, uint32_t id, vaddr addr,
                          TLBFlushCause cause)
{
    TLBSpace *s = space_find(cpu, id);

    if (!s) {
        return;
    }
    pthread_mutex_lock(&cpu->tcg->tlb_lock);
    space_flush_page(s, addr);
    pthread_mutex_unlock(&cpu->tcg->tlb_lock);
    cpu->tcg->stats.flushes[cause]++;
}

/* One flush for all that were asked for since the last; each is counted. */
static void flush_work(CPUState *cpu, void *opaque)
{
    TLBFlushCause cause = (TLBFlushCause)(uintptr_t)opaque;
    TcgStats *s = &cpu->tcg->stats;
    uint64_t asked = __atomic_exchange_n(&cpu->tcg->flush_asked[cause], 0,
                                         __ATOMIC_RELAXED);

    tlb_flush(cpu, cause);
    s->flushes[cause] += asked - 1; /* none: counted by the one before */
    s->flushes_posted += asked;
}

static void ask_for_flush(CPUState *cpu, TLBFlushCause cause)
{
    __atomic_fetch_add(&cpu->tcg->flush_asked[cause], 1, __ATOMIC_RELAXED);
    async_run_on_cpu_once(cpu, &cpu->tcg->flush_posted[cause], flush_work,
                          (void *)(uintptr_t)cause);
}

void tlb_flush_all_cpus(TLBFlushCause cause)
{
    CPUState *cpu;

    RCU_READ_GUARD();
    CPU_FOREACH(cpu) {
        if (cpu == current_cpu) {
            tlb_flush(cpu, cause);
        } else {
            ask_for_flush(cpu, cause);
        }
    }
}

/* --- jump caches --- */

/* An exclusive section keeps the vCPU out of its code, and not from flushing
 * its TLB between two runs. */
void tlb_clear_jump_caches(CPUState *cpu)
{
    pthread_mutex_lock(&cpu->tcg->tlb_lock);
    for (unsigned i = 0; i < cpu->tlb.nspaces; i++) {
        jump_cache_clear(cpu->tlb.space[i].jump_cache);
    }
    pthread_mutex_unlock(&cpu->tcg->tlb_lock);
}

void tlb_stale_jump_caches(CPUState *cpu, const CPUJumpCache *except)
{
    unsigned n = __atomic_load_n(&cpu->tlb.nspaces, __ATOMIC_SEQ_CST);

    for (unsigned i = 0; i < n; i++) {
        CPUJumpCache *jc = cpu->tlb.space[i].jump_cache;

        if (jc != except) {
            __atomic_store_n(&jc->stale, true, __ATOMIC_SEQ_CST);
        }
    }
}
