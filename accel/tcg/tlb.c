/* SPDX-License-Identifier: MIT */
/*
 * The soft TLB: filling and write protection.
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

/* Does @e let translated code store at once? */
static bool entry_is_direct(const TLBEntry *e)
{
    uint64_t tag = tlb_tag_load(&e->write);

    return tag != TLB_INVALID_TAG && !(tag & TLB_FLAGS);
}

static void bank_evict(TcgCpu *tc, TLBBank *bank, unsigned index)
{
    TLBEntry *e = &bank->entry[index];

    if (tlb_entry_page(e) == TLB_INVALID_TAG) {
        if (bank->nused < TLB_SIZE) {
            bank->used[bank->nused++] = index;
        }
        return;
    }
    if (entry_is_direct(&bank->victim[bank->next_victim])) {
        __atomic_store_n(&tc->lost_direct, true, __ATOMIC_RELAXED);
    }
    tlb_entry_store(&bank->victim[bank->next_victim], e);
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

    *full = (TLBFull){ .phys = phys,
                       .mr = whole ? s->mr : NULL,
                       .mr_offset = offset,
                       .ram = RAM_ADDR_INVALID,
                       .prot = prot };
    *e = (TLBEntry){ .read = prot & PAGE_READ ? tag : TLB_INVALID_TAG,
                     .write = prot & PAGE_WRITE ? tag : TLB_INVALID_TAG,
                     .code = prot & PAGE_EXEC ? tag : TLB_INVALID_TAG };
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

/* Send loads and stores through @e the slow way. */
static void entry_watch(TLBEntry *e)
{
    if (e->read != TLB_INVALID_TAG) {
        e->read |= TLB_WATCH;
    }
    if (e->write != TLB_INVALID_TAG) {
        e->write |= TLB_WATCH;
    }
}

void tlb_set_page(CPUState *cpu, vaddr addr, hwaddr phys, int prot,
                  unsigned mmu, unsigned page_bits, bool global)
{
    TLBBank *bank = cpu->tlb.current->bank[mmu];
    unsigned index = tlb_index(addr);
    vaddr page = addr & PAGE_MASK;
    MemorySection section;
    TLBEntry entry;

    RCU_READ_GUARD();
    phys &= PAGE_MASK;
    section = memory_find_rcu(&address_space_memory, phys);
    pthread_mutex_lock(&cpu->tcg->tlb_lock);
    if (tlb_entry_page(&bank->entry[index]) != page) {
        bank_evict(cpu->tcg, bank, index);
    }
    entry_fill(&entry, &bank->full[index], page, phys, prot, &section);
    if (unlikely(x86_page_watched(x86_cpu(cpu), page) ||
                 debug_watch_in_page(page))) {
        entry_watch(&entry);
    }
    bank->full[index].page_bits = page_bits;
    bank->full[index].global = global;
    tlb_entry_store(&bank->entry[index], &entry);
    if (page_bits > PAGE_BITS) {
        note_large_page(bank, addr, page_bits);
    }
    pthread_mutex_unlock(&cpu->tcg->tlb_lock);
    cpu->tcg->stats.fills++;
    log_printf(LOG_MMU,
               "tlb: cpu %u mmu %u " VADDR_FMT " -> " HWADDR_FMT " prot %d%s\n",
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

        if (tag != TLB_INVALID_TAG && (tag & PAGE_MASK) == (addr & PAGE_MASK)) {
            TLBEntry e = bank->victim[i];
            TLBFull full = bank->victim_full[i];

            if (tlb_entry_page(&bank->entry[index]) == TLB_INVALID_TAG &&
                bank->nused < TLB_SIZE) {
                bank->used[bank->nused++] = index;
            }
            tlb_entry_store(&bank->victim[i], &bank->entry[index]);
            bank->victim_full[i] = bank->full[index];
            tlb_entry_store(&bank->entry[index], &e);
            bank->full[index] = full;
            hit = true;
        }
    }
    pthread_mutex_unlock(&cpu->tcg->tlb_lock);
    cpu->tcg->stats.victim_hits += hit;
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
    TLBBank *bank = cpu->tlb.current->bank[mmu];
    TLBEntry *e = &bank->entry[index];

    if (!entry_serves(e, addr, access) &&
        !victim_hit(cpu, bank, addr, access) &&
        !x86_tlb_fill(x86_cpu(cpu), addr, access, mmu, op, probe)) {
        return NULL;
    }
    *full = &bank->full[index];
    return e;
}

/* --- pages with code --- */

/* These return whether stores were direct. */
static bool entry_protect(TLBEntry *e, const TLBFull *full, ram_addr_t page)
{
    if (full->ram != page || tlb_tag_load(&e->write) == TLB_INVALID_TAG) {
        return false;
    }
    return !(__atomic_fetch_or(&e->write, TLB_NOTDIRTY, __ATOMIC_SEQ_CST) &
             TLB_NOTDIRTY);
}

static bool bank_protect(TLBBank *bank, ram_addr_t page)
{
    bool all = bank->nused == TLB_SIZE, direct = false;
    unsigned i, n = all ? TLB_SIZE : bank->nused;

    for (i = 0; i < n; i++) {
        unsigned index = all ? i : bank->used[i];

        direct |= entry_protect(&bank->entry[index], &bank->full[index], page);
    }
    for (i = 0; i < TLB_VICTIMS; i++) {
        direct |= entry_protect(&bank->victim[i], &bank->victim_full[i], page);
    }
    return direct;
}

static bool cpu_protect(CPUState *cpu, ram_addr_t page)
{
    unsigned i, mmu;
    bool direct;

    pthread_mutex_lock(&cpu->tcg->tlb_lock);
    direct = __atomic_load_n(&cpu->tcg->lost_direct, __ATOMIC_RELAXED);
    for (i = 0; i < cpu->tlb.nspaces; i++) {
        for (mmu = 0; mmu < NB_MMU_MODES; mmu++) {
            direct |= bank_protect(cpu->tlb.space[i].bank[mmu], page);
        }
    }
    pthread_mutex_unlock(&cpu->tcg->tlb_lock);
    return direct;
}

/*
 * A store's probe and the store itself are in one TB, or in C code run for it.
 * So who is in the middle of one is `running`, and still has the entry unless
 * accesses of a group's other members drove it out, which lost_direct tells of.
 * `running` is read after the tag was changed, with sequential consistency, and
 * a vCPU sets it before it reads tags: one of the two sees the other.
 */
bool tlb_protect_ram_page(ram_addr_t page)
{
    bool under_way = false;
    CPUState *cpu;

    RCU_READ_GUARD();
    CPU_FOREACH (cpu) {
        under_way |= cpu_protect(cpu, page) && cpu != current_cpu &&
                     __atomic_load_n(&cpu->running, __ATOMIC_SEQ_CST);
    }
    return under_way;
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
        tlb_tag_store(&entry->write,
                      tlb_tag_load(&entry->write) & ~(uint64_t)TLB_NOTDIRTY);
    }
    pthread_mutex_unlock(&cpu->tcg->tlb_lock);
}

/* --- what the memory map tells us --- */

static void map_committed(AddressSpace *as)
{
    if (as == &address_space_memory) {
        tlb_flush_all_cpus(TLB_FLUSH_MAP);
    }
}

const MemoryListener tcg_memory_listener = {
    .commit = map_committed,
    .code_written = tb_invalidate_ram_range,
};
