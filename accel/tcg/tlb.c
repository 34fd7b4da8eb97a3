/* SPDX-License-Identifier: MIT */
/*
 * The soft TLB: filling, flushing, write protection.
 *
 * A bank belongs to its vCPU's thread.  One thing is done by others: setting
 * TLB_NOTDIRTY in write tags when a page gets its first TB.  Tags are therefore
 * changed under tlb_lock, in an order that makes the two meet: the protector
 * clears the DIRTY_CODE bit and then looks at the tags; the owner reads that
 * bit under the lock before it stores a tag without TLB_NOTDIRTY.
 */
#include <string.h>

#include "accel/tcg/internal.h"
#include "exec/ldst.h"
#include "util/log.h"
#include "util/rcu.h"

static const TLBEntry invalid_entry = {
    TLB_INVALID_TAG, TLB_INVALID_TAG, TLB_INVALID_TAG, 0};

static uint64_t tag_load(const uint64_t *tag)
{
    return __atomic_load_n(tag, __ATOMIC_RELAXED);
}

static void tag_store(uint64_t *tag, uint64_t value)
{
    __atomic_store_n(tag, value, __ATOMIC_RELAXED);
}

static void entry_store(TLBEntry *to, const TLBEntry *from)
{
    to->addend = from->addend;
    tag_store(&to->read, from->read);
    tag_store(&to->write, from->write);
    tag_store(&to->code, from->code);
}

/* The page that any of the entry's tags names; TLB_INVALID_TAG if none. */
static uint64_t entry_page(const TLBEntry *e)
{
    uint64_t tag = e->read != TLB_INVALID_TAG    ? e->read
                   : e->write != TLB_INVALID_TAG ? e->write
                                                 : e->code;

    return tag == TLB_INVALID_TAG ? tag : tag & PAGE_MASK;
}

static void bank_reset(TLBBank *bank)
{
    unsigned i;

    if (bank->nused == TLB_SIZE) {
        for (i = 0; i < TLB_SIZE; i++) {
            entry_store(&bank->entry[i], &invalid_entry);
        }
    }
    for (i = 0; i < bank->nused; i++) {
        entry_store(&bank->entry[bank->used[i]], &invalid_entry);
    }
    for (i = 0; i < TLB_VICTIMS; i++) {
        entry_store(&bank->victim[i], &invalid_entry);
    }
    bank->nused = 0;
    bank->large_addr = ~(vaddr)0;
    bank->large_mask = ~(vaddr)0;
}

void tlb_init(CPUState *cpu)
{
    unsigned mmu, i;

    pthread_mutex_init(&cpu->tcg->tlb_lock, NULL);
    for (mmu = 0; mmu < NB_MMU_MODES; mmu++) {
        TLBBank *bank = g_aligned_alloc0(1, sizeof(*bank), 64);

        for (i = 0; i < TLB_SIZE; i++) {
            bank->entry[i] = invalid_entry;
        }
        bank_reset(bank);
        cpu->tlb.bank[mmu] = bank;
        cpu->tlb_table[mmu] = bank->entry;
    }
}

/* --- filling --- */

/* Widen the bank's span of large pages so that it covers this one. */
static void note_large_page(TLBBank *bank, vaddr addr, unsigned page_bits)
{
    vaddr mask = ~(((vaddr)1 << page_bits) - 1);

    if (bank->large_addr == ~(vaddr)0) {
        bank->large_addr = addr & mask;
        bank->large_mask = mask;
        return;
    }
    mask &= bank->large_mask;
    while ((bank->large_addr ^ addr) & mask) {
        mask <<= 1;
    }
    bank->large_addr &= mask;
    bank->large_mask = mask;
}

static void bank_evict(TLBBank *bank, unsigned index)
{
    TLBEntry *e = &bank->entry[index];

    if (entry_page(e) == TLB_INVALID_TAG) {
        if (bank->nused < TLB_SIZE) {
            bank->used[bank->nused++] = index;
        }
        return;
    }
    entry_store(&bank->victim[bank->next_victim], e);
    bank->victim_full[bank->next_victim] = bank->full[index];
    bank->next_victim = (bank->next_victim + 1) % TLB_VICTIMS;
}

/* Tags and the rest for one guest page that @s, found at @phys, backs. */
static void entry_fill(TLBEntry *e, TLBFull *full, vaddr page, hwaddr phys,
                       int prot, const MemorySection *s)
{
    bool whole = s->mr && phys - s->addr + PAGE_SIZE <= s->size;
    bool ram = whole && (s->mr->kind == MR_RAM || s->mr->kind == MR_ROM);
    hwaddr offset = s->offset_in_mr + (phys - s->addr);
    uint64_t tag = page | (ram ? 0 : TLB_MMIO);

    *full = (TLBFull){.phys = phys,
                      .mr = whole ? s->mr : NULL,
                      .mr_offset = offset,
                      .ram = RAM_ADDR_INVALID,
                      .prot = prot};
    *e = (TLBEntry){.read = prot & PAGE_READ ? tag : TLB_INVALID_TAG,
                    .write = prot & PAGE_WRITE ? tag : TLB_INVALID_TAG,
                    .code = prot & PAGE_EXEC ? tag : TLB_INVALID_TAG};
    if (!ram) {
        return;
    }
    full->ram = s->mr->ram->offset + offset;
    e->addend = (uintptr_t)s->mr->ram->host + offset - page;
    if (!(prot & PAGE_WRITE)) {
        return;
    }
    if (s->mr->kind == MR_ROM && s->mr->ops) {
        e->write |= TLB_MMIO;
    } else if (s->mr->kind == MR_ROM || s->readonly) {
        e->write |= TLB_DROP;
    } else if (!ram_is_dirty_all(full->ram)) {
        e->write |= TLB_NOTDIRTY;
    }
}

void tlb_set_page(CPUState *cpu, vaddr addr, hwaddr phys, int prot,
                  unsigned mmu, unsigned page_bits, bool global)
{
    TLBBank *bank = cpu->tlb.bank[mmu];
    unsigned index = tlb_index(addr);
    vaddr page = addr & PAGE_MASK;
    MemorySection section;
    TLBEntry entry;

    RCU_READ_GUARD();
    phys &= PAGE_MASK;
    section = memory_find_rcu(&address_space_memory, phys);
    pthread_mutex_lock(&cpu->tcg->tlb_lock);
    if (entry_page(&bank->entry[index]) != page) {
        bank_evict(bank, index);
    }
    entry_fill(&entry, &bank->full[index], page, phys, prot, &section);
    bank->full[index].page_bits = page_bits;
    bank->full[index].global = global;
    entry_store(&bank->entry[index], &entry);
    if (page_bits > PAGE_BITS) {
        note_large_page(bank, addr, page_bits);
    }
    pthread_mutex_unlock(&cpu->tcg->tlb_lock);
    cpu->tlb.fills++;
    log_printf(LOG_MMU,
               "tlb: cpu %u mmu %u " VADDR_FMT " -> " HWADDR_FMT
               " prot %d%s\n",
               cpu->index, mmu, page, phys, prot, global ? " global" : "");
}

/* Bring a victim that serves @addr back to its place. */
static bool victim_hit(CPUState *cpu, TLBBank *bank, vaddr addr, int access)
{
    unsigned index = tlb_index(addr), i;
    bool hit = false;

    pthread_mutex_lock(&cpu->tcg->tlb_lock);
    for (i = 0; i < TLB_VICTIMS && !hit; i++) {
        uint64_t tag = tlb_tag(&bank->victim[i], access);

        if (tag != TLB_INVALID_TAG &&
            (tag & PAGE_MASK) == (addr & PAGE_MASK)) {
            TLBEntry e = bank->victim[i];
            TLBFull full = bank->victim_full[i];

            if (entry_page(&bank->entry[index]) == TLB_INVALID_TAG &&
                bank->nused < TLB_SIZE) {
                bank->used[bank->nused++] = index;
            }
            entry_store(&bank->victim[i], &bank->entry[index]);
            bank->victim_full[i] = bank->full[index];
            entry_store(&bank->entry[index], &e);
            bank->full[index] = full;
            hit = true;
        }
    }
    pthread_mutex_unlock(&cpu->tcg->tlb_lock);
    cpu->tlb.victim_hits += hit;
    return hit;
}

static bool entry_serves(const TLBEntry *e, vaddr addr, int access)
{
    uint64_t tag = tlb_tag(e, access);

    return tag != TLB_INVALID_TAG && (tag & PAGE_MASK) == (addr & PAGE_MASK);
}

TLBEntry *tlb_get(CPUState *cpu, vaddr addr, int access, MemOp op,
                  TLBFull **full, bool probe)
{
    unsigned mmu = memop_mmu(op), index = tlb_index(addr);
    TLBBank *bank = cpu->tlb.bank[mmu];
    TLBEntry *e = &bank->entry[index];

    if (!entry_serves(e, addr, access) &&
        !victim_hit(cpu, bank, addr, access) &&
        !x86_tlb_fill(x86_cpu(cpu), addr, access, mmu, op, probe)) {
        return NULL;
    }
    *full = &bank->full[index];
    return e;
}

/* --- flushing --- */

void tlb_flush(CPUState *cpu)
{
    unsigned mmu;

    pthread_mutex_lock(&cpu->tcg->tlb_lock);
    for (mmu = 0; mmu < NB_MMU_MODES; mmu++) {
        bank_reset(cpu->tlb.bank[mmu]);
    }
    pthread_mutex_unlock(&cpu->tcg->tlb_lock);
    tcg_jump_cache_clear(cpu);
    cpu->tlb.flushes++;
}

static void bank_flush_nonglobal(TLBBank *bank)
{
    unsigned i, kept = 0;

    if (bank->nused == TLB_SIZE) {
        bank_reset(bank);
        return;
    }
    for (i = 0; i < bank->nused; i++) {
        unsigned index = bank->used[i];

        if (bank->full[index].global &&
            entry_page(&bank->entry[index]) != TLB_INVALID_TAG) {
            bank->used[kept++] = index;
        } else {
            entry_store(&bank->entry[index], &invalid_entry);
        }
    }
    bank->nused = kept;
    for (i = 0; i < TLB_VICTIMS; i++) {
        if (!bank->victim_full[i].global) {
            entry_store(&bank->victim[i], &invalid_entry);
        }
    }
}

void tlb_flush_nonglobal(CPUState *cpu)
{
    unsigned mmu;

    pthread_mutex_lock(&cpu->tcg->tlb_lock);
    for (mmu = 0; mmu < NB_MMU_MODES; mmu++) {
        bank_flush_nonglobal(cpu->tlb.bank[mmu]);
    }
    pthread_mutex_unlock(&cpu->tcg->tlb_lock);
    tcg_jump_cache_clear(cpu);
    cpu->tlb.flushes++;
}

/* Drop @e if the guest page it was filled from covers @addr. */
static void entry_flush_covering(TLBEntry *e, const TLBFull *full, vaddr addr)
{
    uint64_t page = entry_page(e);
    vaddr mask = ~(((vaddr)1 << full->page_bits) - 1);

    if (page != TLB_INVALID_TAG && !((page ^ addr) & mask)) {
        entry_store(e, &invalid_entry);
    }
}

static void bank_flush_page(TLBBank *bank, vaddr addr)
{
    unsigned i, index = tlb_index(addr);

    entry_flush_covering(&bank->entry[index], &bank->full[index], addr);
    for (i = 0; i < TLB_VICTIMS; i++) {
        entry_flush_covering(&bank->victim[i], &bank->victim_full[i], addr);
    }
    if ((addr & bank->large_mask) != bank->large_addr) {
        return;
    }
    for (i = 0; i < TLB_SIZE; i++) {
        entry_flush_covering(&bank->entry[i], &bank->full[i], addr);
    }
}

/* Forget the jumps to @addr's page, and to the one before: a TB there may
 * reach into it. */
static void jump_cache_flush_page(CPUState *cpu, vaddr addr)
{
    vaddr page = addr & PAGE_MASK;
    unsigned i;

    for (i = 0; i < cpu->tcg->njc_used; i++) {
        JumpCacheEntry *e = &cpu->jump_cache->e[cpu->tcg->jc_used[i]];
        vaddr entry = e->pc & PAGE_MASK;

        if (entry == page || entry + PAGE_SIZE == page) {
            __atomic_store_n(&e->flags, JUMP_CACHE_EMPTY, __ATOMIC_RELAXED);
        }
    }
}

void tlb_flush_page(CPUState *cpu, vaddr addr)
{
    bool large = false;
    unsigned mmu;

    pthread_mutex_lock(&cpu->tcg->tlb_lock);
    for (mmu = 0; mmu < NB_MMU_MODES; mmu++) {
        TLBBank *bank = cpu->tlb.bank[mmu];

        large |= (addr & bank->large_mask) == bank->large_addr;
        bank_flush_page(bank, addr);
    }
    pthread_mutex_unlock(&cpu->tcg->tlb_lock);
    if (large) {
        tcg_jump_cache_clear(cpu);
    } else {
        jump_cache_flush_page(cpu, addr);
    }
}

static void flush_work(CPUState *cpu, void *opaque)
{
    tlb_flush(cpu);
}

void tlb_flush_all_cpus(void)
{
    CPUState *cpu;

    RCU_READ_GUARD();
    CPU_FOREACH(cpu) {
        if (cpu == current_cpu) {
            tlb_flush(cpu);
        } else {
            async_run_on_cpu(cpu, flush_work, NULL);
        }
    }
}

/* --- pages with code --- */

static void entry_protect(TLBEntry *e, const TLBFull *full, ram_addr_t page)
{
    if (full->ram == page && e->write != TLB_INVALID_TAG) {
        tag_store(&e->write, tag_load(&e->write) | TLB_NOTDIRTY);
    }
}

static void bank_protect(TLBBank *bank, ram_addr_t page)
{
    bool all = bank->nused == TLB_SIZE;
    unsigned i, n = all ? TLB_SIZE : bank->nused;

    for (i = 0; i < n; i++) {
        unsigned index = all ? i : bank->used[i];

        entry_protect(&bank->entry[index], &bank->full[index], page);
    }
    for (i = 0; i < TLB_VICTIMS; i++) {
        entry_protect(&bank->victim[i], &bank->victim_full[i], page);
    }
}

void tlb_protect_ram_page(ram_addr_t page)
{
    CPUState *cpu;
    unsigned mmu;

    RCU_READ_GUARD();
    CPU_FOREACH(cpu) {
        pthread_mutex_lock(&cpu->tcg->tlb_lock);
        for (mmu = 0; mmu < NB_MMU_MODES; mmu++) {
            bank_protect(cpu->tlb.bank[mmu], page);
        }
        pthread_mutex_unlock(&cpu->tcg->tlb_lock);
    }
}

void tlb_notdirty_store(CPUState *cpu, vaddr addr, unsigned len,
                        TLBEntry *entry, const TLBFull *full)
{
    ram_addr_t ram = full->ram + (addr & ~PAGE_MASK);

    if (!ram_is_dirty(ram, DIRTY_CODE)) {
        tb_store_hits(cpu, ram, len);
    }
    ram_set_dirty(ram, len);
    pthread_mutex_lock(&cpu->tcg->tlb_lock);
    if (ram_is_dirty_all(full->ram)) {
        tag_store(&entry->write, tag_load(&entry->write) &
                                     ~(uint64_t)TLB_NOTDIRTY);
    }
    pthread_mutex_unlock(&cpu->tcg->tlb_lock);
}

/* --- what the memory map tells us --- */

static void map_committed(AddressSpace *as)
{
    if (as == &address_space_memory) {
        tlb_flush_all_cpus();
    }
}

const MemoryListener tcg_memory_listener = {
    .commit = map_committed,
    .code_written = tb_invalidate_ram_range,
};
