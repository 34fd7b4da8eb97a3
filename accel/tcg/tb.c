/* SPDX-License-Identifier: MIT */
/*
 * Finding TBs: the vCPU's own jump cache by linear address, then by (RAM
 * address, flags, cflags) those that it found recently, which TLB flushes do
 * not concern, then the hash of all TBs, then translation.
 *
 * The hash is liburcu's lock-free table; look-ups run inside the read section
 * that a vCPU holds while it executes.  A TB's memory is used again only after
 * a flush, in an exclusive section: a pointer to one that has been dropped is
 * harmless, since the mark in cflags keeps it from being found.
 */
#include <string.h>

#include "accel/tcg/internal.h"
#include "util/log.h"
#include "util/rcu.h"

#define TB_HASH_BUCKETS (1u << 15)

static struct cds_lfht *tb_hash;

void tb_hash_init(void)
{
    tb_hash = cds_lfht_new_flavor(TB_HASH_BUCKETS, TB_HASH_BUCKETS,
                                  TB_HASH_BUCKETS, 0, &rcu_flavor, NULL);
}

typedef struct TbKey {
    ram_addr_t phys_pc;
    uint32_t flags, cflags;
} TbKey;

static uint32_t tb_hash_of(const TbKey *key)
{
    uint64_t h = key->phys_pc * 0x9e3779b97f4a7c15u;

    h ^= ((uint64_t)key->flags << 32 | key->cflags) * 0xff51afd7ed558ccdu;
    return (uint32_t)(h >> 32) ^ (uint32_t)h;
}

static bool tb_has_key(const TranslationBlock *tb, const TbKey *key)
{
    return tb->phys_pc == key->phys_pc && tb->flags == key->flags &&
           __atomic_load_n(&tb->cflags, __ATOMIC_RELAXED) == key->cflags;
}

static int tb_hash_match(struct cds_lfht_node *node, const void *opaque)
{
    return tb_has_key(container_of(node, TranslationBlock, node), opaque);
}

/*
 * A TB that spans two pages is right only while the second one is still what
 * follows the first: the caller compares tb->page[1].
 */
static TranslationBlock *tb_hash_find(const TbKey *key, uint32_t hash)
{
    struct cds_lfht_iter iter;
    struct cds_lfht_node *node;

    cds_lfht_lookup(tb_hash, hash, tb_hash_match, key, &iter);
    node = cds_lfht_iter_get_node(&iter);
    return node ? container_of(node, TranslationBlock, node) : NULL;
}

void tb_recent_clear(TcgCpu *tc)
{
    memset(tc->recent, 0, sizeof(tc->recent));
}

TranslationBlock *tb_hash_insert(TranslationBlock *tb)
{
    TbKey key = {tb->phys_pc, tb->flags, tb->cflags};
    struct cds_lfht_node *node;

    tb->hash = tb_hash_of(&key);
    cds_lfht_node_init(&tb->node);
    node =
        cds_lfht_add_replace(tb_hash, tb->hash, tb_hash_match, &key, &tb->node);
    /* What was replaced spans another second page: it stays valid for those
     * who hold it, and goes with its pages. */
    (void)node;
    return tb;
}

void tb_hash_remove(TranslationBlock *tb)
{
    RCU_READ_GUARD();

    cds_lfht_del(tb_hash, &tb->node); /* fails harmlessly if replaced */
}

uint32_t tcg_cflags(CPUState *cpu)
{
    uint32_t cflags = 0;

    if (tcg_options.cpus > 1 && !tcg_options.single) {
        cflags |= CF_PARALLEL;
    }
    if (tcg_options.one_insn) {
        cflags |= 1;
    }
    if (log_enabled(LOG_NOCHAIN)) {
        cflags |= CF_NO_CHAIN;
    }
    return cflags;
}

vaddr tb_linear_pc(const X86CPU *cpu)
{
    if (cpu->hflags & HF_CS64) {
        return cpu->rip;
    }
    return (uint32_t)(cpu->segs[R_CS].base + cpu->rip);
}

void tb_set_rip_base(X86CPU *cpu)
{
    cpu->rip_base = cpu->rip - (tb_linear_pc(cpu) & ~PAGE_MASK);
}

/* Does the second page of @tb still follow its first one at @pc?  May fault as
 * a fetch does, unless @probe. */
static bool tb_second_page_ok(CPUState *cpu, const TranslationBlock *tb,
                              vaddr pc, bool probe)
{
    vaddr next = (pc & PAGE_MASK) + PAGE_SIZE;
    const TLBFull *full;
    TLBFull *found;

    if (tb->page[1] == RAM_ADDR_INVALID) {
        return true;
    }
    if (!tlb_get(cpu, next, PAGE_EXEC,
                 MO_MAKE_MMU(x86_mmu_mode(x86_cpu(cpu)->hflags)), &found,
                 probe)) {
        return false;
    }
    full = found;
    return full->mr && full->ram == tb->page[1];
}

/* TBs with other than the vCPU's usual cflags, or under a CS that is not flat,
 * must not be reached by the probe in translated code. */
static bool jump_cache_usable(CPUState *cpu, uint32_t flags, uint32_t cflags)
{
    return cflags == tcg_cflags(cpu) && !log_enabled(LOG_EXEC | LOG_CPU) &&
           (flags & (HF_FLAT_CS | HF_CS64));
}

/* Not by linear address: @ram is the RAM address of the code at @pc. */
static TranslationBlock *key_find(CPUState *cpu, vaddr pc, ram_addr_t ram,
                                  uint32_t cflags, bool probe)
{
    TbKey key = {ram, x86_cpu(cpu)->hflags, cflags};
    uint32_t hash = tb_hash_of(&key);
    TranslationBlock **recent = &cpu->tcg->recent[hash % TB_RECENT_SIZE];
    TranslationBlock *tb = *recent;

    if (tb && tb_has_key(tb, &key) && tb_second_page_ok(cpu, tb, pc, probe)) {
        return tb;
    }
    tb = tb_hash_find(&key, hash);
    if (!tb || !tb_second_page_ok(cpu, tb, pc, probe)) {
        return NULL;
    }
    *recent = tb;
    return tb;
}

TranslationBlock *tb_find(CPUState *cpu, uint32_t cflags)
{
    X86CPU *x86 = x86_cpu(cpu);
    vaddr pc = tb_linear_pc(x86);
    bool cache = jump_cache_usable(cpu, x86->hflags, cflags);
    TranslationBlock *tb;
    ram_addr_t ram;

    cpu->tcg->stats.lookups++;
    tb = cache ? jump_cache_get(cpu, pc, x86->hflags, cflags) : NULL;
    if (tb) {
        cpu->tcg->stats.jc_hits++;
        return tb;
    }
    x86_check_fetch(x86, 0);
    tcg_code_page(cpu, pc, &ram);
    tb = ram == RAM_ADDR_INVALID ? NULL : key_find(cpu, pc, ram, cflags, false);
    if (!tb) {
        tb = tb_translate(cpu, pc, ram, x86->hflags, cflags);
    }
    if (cache && ram != RAM_ADDR_INVALID) {
        jump_cache_put(cpu, pc, tb);
    }
    return tb;
}

TranslationBlock *tb_find_quick(CPUState *cpu, uint32_t cflags)
{
    X86CPU *x86 = x86_cpu(cpu);
    vaddr pc = tb_linear_pc(x86);
    TranslationBlock *tb;
    TLBFull *full;
    bool cache = jump_cache_usable(cpu, x86->hflags, cflags);

    tb = cache ? jump_cache_get(cpu, pc, x86->hflags, cflags) : NULL;
    if (tb) {
        return tb;
    }
    if (!tlb_get(cpu, pc, PAGE_EXEC, MO_MAKE_MMU(x86_mmu_mode(x86->hflags)),
                 &full, true) ||
        !full->mr || full->ram == RAM_ADDR_INVALID) {
        return NULL;
    }
    tb = key_find(cpu, pc, full->ram + (pc & ~PAGE_MASK), cflags, true);
    if (tb && cache) {
        jump_cache_put(cpu, pc, tb);
    }
    return tb;
}

/* The indirect jump that missed in translated code. */
const void *tcg_lookup_ind(CPUState *cpu)
{
    TranslationBlock *tb;

    cpu->tcg->stats.ind_lookups++;
    if (log_enabled(LOG_EXEC | LOG_CPU) || cpu->cflags_next_tb != UINT32_MAX) {
        return NULL;
    }
    tb = tb_find_quick(cpu, tcg_cflags(cpu));
    if (!tb) {
        cpu->tcg->stats.ind_misses++;
        return NULL;
    }
    tb_set_rip_base(x86_cpu(cpu));
    return tb->code.entry;
}
