/* SPDX-License-Identifier: MIT */
/*
 * Finding TBs: the vCPU's own jump cache by linear address, then the hash of
 * all TBs by (RAM address, flags, cflags), then translation.
 *
 * A TB's memory is used again only after a flush, in an exclusive section: a
 * pointer to one that has been dropped is harmless, since the mark in cflags
 * keeps it from being found.
 */
#include <string.h>

#include "accel/tcg/internal.h"
#include "util/log.h"

uint32_t tcg_cflags(CPUState *cpu)
{
    uint32_t cflags = 0;

    if (tcg_options.cpus > 1 && !tcg_options.single) {
        cflags |= CF_PARALLEL;
    }
    if (tcg_options.icount) {
        cflags |= CF_ICOUNT;
    }
    if (tcg_options.count_run) {
        cflags |= CF_COUNT_RUN;
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
    TranslationBlock *tb = tb_hash_find(&key, NULL);

    while (tb && !tb_second_page_ok(cpu, tb, pc, probe)) {
        tb = tb_hash_find(&key, tb);
    }
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

/* Where a jump leads that translated code could not follow; NULL: to the exec
 * loop. */
static TranslationBlock *tb_at_jump(CPUState *cpu)
{
    TranslationBlock *tb;

    cpu->tcg->stats.ind_lookups++;
    if (log_enabled(LOG_EXEC | LOG_CPU) || cpu->cflags_next_tb != UINT32_MAX) {
        return NULL;
    }
    if (unlikely(debug_breaks) &&
        debug_break_in_page(tb_linear_pc(x86_cpu(cpu)))) {
        return NULL;
    }
    tb = tb_find_quick(cpu, tcg_cflags(cpu));
    if (!tb) {
        cpu->tcg->stats.ind_misses++;
        return NULL;
    }
    tb_set_rip_base(x86_cpu(cpu));
    return tb;
}

const void *tcg_lookup_ind(CPUState *cpu)
{
    const TranslationBlock *tb = tb_at_jump(cpu);

    return tb ? tb->code.entry : NULL;
}

const void *tcg_goto_page(CPUState *cpu, uintptr_t place, unsigned slot)
{
    X86CPU *x86 = x86_cpu(cpu);
    TranslationBlock *tb = tb_at_jump(cpu);

    if (!tb) {
        return NULL;
    }
    jump_cache_put_page(cpu->jump_cache, x86->rip,
                        x86_mmu_mode(x86->hflags) == MMU_USER,
                        tb_jump_page(tb));
    tb_link(region_find_tb(place), slot, tb);
    return tb->code.entry;
}
