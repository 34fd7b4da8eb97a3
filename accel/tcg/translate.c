/* SPDX-License-Identifier: MIT */
/*
 * Making one TB: guest code to IR by the target, the passes, then the
 * back-end, into the vCPU's chunk of the code buffer.  A TB that is abandoned
 * costs nothing but the space, if that.  What abandons one: a
 * limit of the IR or the end of the chunk (again, shorter, or in a new chunk),
 * a store into the page meanwhile (again, one instruction, to run once: others
 * may store there without end), a fault of the first instruction's fetch (the
 * exception is delivered).
 */
#include <string.h>

#include "accel/tcg/internal.h"
#include "exec/hold.h"
#include "exec/ldst.h"
#include "util/log.h"
#include "util/timer.h"

#define CODE_ALIGN 16 /* what processors fetch at a time, or its half */

/* Copy of a page whose code is in a device: read once, run once. */
static const uint8_t *copy_code(CPUState *cpu, vaddr pc, const TLBFull *full)
{
    TcgCpu *tc = cpu->tcg;

    if (!tc->code_copy) {
        tc->code_copy = g_malloc(PAGE_SIZE);
    }
    address_space_read(&address_space_memory, full->phys, tc->code_copy,
                       PAGE_SIZE);
    return tc->code_copy + (pc & ~PAGE_MASK);
}

const uint8_t *tcg_code_page(CPUState *cpu, vaddr pc, ram_addr_t *ram)
{
    MemOp op = MO_MAKE_MMU(x86_mmu_mode(x86_cpu(cpu)->hflags));
    TLBFull *full;
    TLBEntry *e;

    x86_check_access(x86_cpu(cpu), pc, op | MO_8);
    e = tlb_get(cpu, pc, PAGE_EXEC, op, &full, false);
    if (e->code & TLB_MMIO) {
        *ram = RAM_ADDR_INVALID;
        return copy_code(cpu, pc, full);
    }
    *ram = full->ram + (pc & ~PAGE_MASK);
    tb_page_watch(cpu, full->ram);
    return (const uint8_t *)(pc + e->addend);
}

static void flush_work(CPUState *cpu, void *opaque)
{
    tb_pages_reset();
    cpu->tcg->stats.tb_flushes++;
}

void tb_flush_all(CPUState *cpu)
{
    async_safe_run_on_cpu(cpu, flush_work, NULL);
}

static uint8_t *code_start(const CodeChunk *chunk)
{
    return (uint8_t *)ROUND_UP((uintptr_t)chunk->ptr, CODE_ALIGN);
}

/* The next TB of the chunk, with some room for code; leaves to the exec loop
 * for a flush when the whole buffer is full. */
static TranslationBlock *tb_alloc(CPUState *cpu, bool fresh)
{
    TcgCpu *tc = cpu->tcg;

    if (tc->chunk && !fresh) {
        TranslationBlock *tb = chunk_tb(tc->chunk, tc->chunk->ntbs);

        if (code_start(tc->chunk) < (uint8_t *)tb) {
            return tb;
        }
    }
    if (!region_next_chunk(tc)) {
        tb_flush_all(cpu);
        cpu->exception_index = CPU_EXCP_EXIT + CPU_EXIT_INTERRUPT;
        cpu_loop_exit(cpu);
    }
    return chunk_tb(tc->chunk, 0);
}

static void tb_reset(TranslationBlock *tb, vaddr pc, ram_addr_t phys_pc,
                     uint32_t flags, uint32_t cflags)
{
    /* All but tb->code, which the back-end fills in. */
    memset(tb, 0, offsetof(TranslationBlock, code));
    memset(tb->page_next, 0,
           sizeof(*tb) - offsetof(TranslationBlock, page_next));
    tb->phys_pc = phys_pc;
    tb->pc_offset = pc & ~PAGE_MASK;
    tb->flags = flags;
    tb->cflags = cflags;
    tb->page[0] =
        phys_pc == RAM_ADDR_INVALID ? RAM_ADDR_INVALID : phys_pc & PAGE_MASK;
    tb->page[1] = RAM_ADDR_INVALID;
    tb->jc_pair = TB_JC_NOWHERE;
}

/* IR of @tb, at most @max instructions, shorter until the limits hold. */
static void tb_make_ir(CPUState *cpu, TranslationBlock *tb, unsigned max,
                       vaddr pc)
{
    IrFunc *f = &cpu->tcg->ir;

    for (;; max = MAX(tb->icount / 2, 1)) {
        x86_translate(x86_cpu(cpu), tb, f, max);
        if (!f->overflow) {
            break;
        }
        g_assert(max > 1);
    }
    if (log_enabled(LOG_OP)) {
        tcg_log_ir(f, "OP", pc);
    }
    ir_fold(f);
    ir_live(f, IR_CC_ALL);
    ir_group(f);
    if (log_enabled(LOG_OP_OPT)) {
        tcg_log_ir(f, "OP after the passes", pc);
    }
}

/* Host code of the IR; false: the chunk is full. */
static bool tb_make_code(CPUState *cpu, TranslationBlock *tb)
{
    CodeChunk *chunk = cpu->tcg->chunk;
    uint8_t *buf = code_start(chunk);
    size_t used;

    if (!tcg_backend->compile(&cpu->tcg->ir, tb, buf, (uint8_t *)tb - buf,
                              &tb->code, &used)) {
        return false;
    }
    region_add_tb(chunk, buf + used);
    return true;
}

/* Reading the clock twice takes a good part of what a small TB does: for how
 * many there is one that is timed. */
#define TIME_ONE_OF 16

/* @start: when it began, if it is timed; else 0. */
static void tb_count(CPUState *cpu, const TranslationBlock *tb, int64_t start)
{
    TcgStats *s = &cpu->tcg->stats;

    s->tbs++;
    s->guest_insns += tb->icount;
    s->guest_bytes += tb->guest_bytes;
    s->host_bytes += tb->code.code_bytes;
    if (start) {
        s->translate_ns +=
            TIME_ONE_OF * (clock_get_ns(CLOCK_TYPE_REALTIME) - start);
    }
}

static void tb_log(CPUState *cpu, const TranslationBlock *tb, vaddr pc)
{
    if (log_enabled(LOG_IN_ASM) && log_in_filter(pc)) {
        tcg_log_guest_code(cpu, tb, pc);
    }
    if (log_enabled(LOG_OUT_ASM) && log_in_filter(pc)) {
        tcg_log_host_code(tb);
    }
    perf_map_tb(tb, pc);
}

/* Else nobody would tell when its bytes change. */
static bool all_in_ram(const TranslationBlock *tb)
{
    return tb->page[0] != RAM_ADDR_INVALID &&
           (!tb_spans_pages(tb) || tb->page[1] != RAM_ADDR_INVALID);
}

TranslationBlock *tb_translate(CPUState *cpu, vaddr pc, ram_addr_t phys_pc,
                               uint32_t flags, uint32_t cflags)
{
    unsigned max =
        cflags & CF_COUNT_MASK ? cflags & CF_COUNT_MASK : TB_MAX_INSNS;
    int64_t start = cpu->tcg->stats.tbs % TIME_ONE_OF
                        ? 0
                        : clock_get_ns(CLOCK_TYPE_REALTIME);
    bool fresh = false;
    TranslationBlock *tb;

    if (phys_pc == RAM_ADDR_INVALID) {
        max = 1;
    }
    for (;;) {
        tb = tb_alloc(cpu, fresh);
        tb_reset(tb, pc, phys_pc, flags, cflags);
        cpu->tcg->nseen = 0;
        tb_make_ir(cpu, tb, max, pc);
        hold_at(HOLD_TRANSLATE);
        if (!tb_make_code(cpu, tb)) {
            fresh = true;
            continue;
        }
        if (all_in_ram(tb) && tb_page_add(cpu->tcg, tb)) {
            tb_hash_insert(tb);
            break;
        }
        tb->cflags |= CF_INVALID;
        if (tb->icount == 1) {
            break; /* runs this once, is never found */
        }
        max = 1;
    }
    tb_count(cpu, tb, start);
    tb_log(cpu, tb, pc);
    return tb;
}
