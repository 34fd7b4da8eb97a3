/* SPDX-License-Identifier: MIT */
/* What the files of accel/tcg share and nobody else sees. */
#ifndef HEDDLE_ACCEL_TCG_INTERNAL_H
#define HEDDLE_ACCEL_TCG_INTERNAL_H

#include "accel/tcg.h"
#include "exec/bql.h"
#include "exec/memory.h"
#include "target/i386/cpu.h"
#include "tcg/ir.h"
#include "util/thread.h"

/* --- options (accel.c) --- */
typedef struct TcgOptions {
    bool single;       /* thread=single */
    bool one_insn;     /* one-insn-per-tb=on */
    uint64_t tb_bytes; /* tb-size= */
    unsigned cpus;     /* never more than so many */
    bool icount; /* -icount: thread=single, and instructions are counted */
    bool count_run; /* -d stats at the start: code counts what it runs */
} TcgOptions;
extern TcgOptions tcg_options;

/* --- code regions (region.c) --- */

/* One piece of the code buffer; a vCPU fills it with code from the bottom and
 * with TBs from the top.  Only the owner writes; anyone may look up TBs in it
 * (ntbs is published last). */
#define CHUNK_BYTES (1 * MiB)
#define CHUNK_STEP  (1 * KiB)
typedef struct CodeChunk {
    uint8_t *start, *ptr, *end;
    unsigned ntbs;
    unsigned nfirst;
    uint16_t first[CHUNK_BYTES / CHUNK_STEP]; /* of so many code bytes each: the
                                       first TB that begins there or further up */
} CodeChunk;
/* TB number @i of @chunk, by the address of its code. */
static inline TranslationBlock *chunk_tb(const CodeChunk *chunk, unsigned i)
{
    return (TranslationBlock *)chunk->end - 1 - i;
}

/* What TbRefs are relative to: 2^31 bytes can be named, 8 by 8. */
extern uint8_t *region_base;
static inline TranslationBlock *tb_of(TbRef ref)
{
    return (TranslationBlock *)(region_base + (ref & ~1u) * (uint64_t)4);
}
static inline unsigned tb_ref_bit(TbRef ref)
{
    return ref & 1;
}
static inline TbRef tb_ref(const TranslationBlock *tb, unsigned bit)
{
    return (TbRef)(((const uint8_t *)tb - region_base) / 4) | bit;
}

bool region_init(uint64_t bytes, GError **errp);
/* Give @cpu a fresh chunk; false when there is none: flush. */
bool region_next_chunk(struct TcgCpu *tc);
/* Take all chunks back.  Locks: exclusive section. */
void region_reset(void);
/* The TB whose code has the call that returns to @host_pc; NULL if none. */
TranslationBlock *region_find_tb(uintptr_t host_pc);
/* The next TB of @chunk is done, its code and tables end at @end. */
void region_add_tb(CodeChunk *chunk, uint8_t *end);
uint64_t region_used_bytes(void);

/* --- per vCPU --- */

/* What sends an access the slow way, the first of these that is so. */
typedef enum SlowCause {
    SLOW_CROSSES, /* into the next page */
    SLOW_MISS,    /* the soft TLB does not have it */
    SLOW_DEVICE,
    SLOW_ROM,
    SLOW_NOTDIRTY, /* a store to a page of code, or the first to a clean one */
    SLOW_WATCH,    /* beside or on what is watched */
    SLOW_OTHER,    /* misaligned where that matters, or checked together with a
                      neighbour that has one of the above */
    SLOW_CAUSES,
} SlowCause;

/* Counters of uint64_t only: they are summed as an array.  Each has a row in
 * info.c. */
typedef struct TcgStats {
    uint64_t tbs, guest_insns, guest_bytes, host_bytes, translate_ns;
    uint64_t tb_flushes, tbs_dropped;
    uint64_t exits[TB_EXIT_COUNT];
    uint64_t lookups, jc_hits, ind_lookups, ind_misses;
    uint64_t fills, victim_hits;
    uint64_t flushes[TLB_FLUSH_CAUSES], flushes_posted, spaces_taken;
    uint64_t slow_loads, slow_stores, slow_rmws, slow[SLOW_CAUSES];
    uint64_t mmio, atomics_exclusive, unsettled;
    uint64_t exceptions, interrupts;
} TcgStats;

typedef struct TcgCpu {
    /* Guards the tags of the soft TLB's entries against tlb_protect_ram_page
     * of other threads; translated code reads them without it. */
    pthread_mutex_t tlb_lock;
    /* An entry for direct stores was forgotten since the exec loop last entered
     * a TB; atomic, set under tlb_lock. */
    bool lost_direct;
    /* By other threads: how often since the last, atomic; and what
     * async_run_on_cpu_once() wants. */
    uint64_t flush_asked[TLB_FLUSH_CAUSES];
    bool flush_posted[TLB_FLUSH_CAUSES];
    IrFunc ir;
    CodeChunk *chunk;
    /* Logged, and not known to have been begun. */
    const TranslationBlock *logged;
    /* A read-modify-write that could not be done in place. */
    __attribute__((aligned(32))) uint8_t bounce[32];
    bool bounced;
    ram_addr_t rmw_ram; /* beside code, to be looked at after; or INVALID */
    uint8_t *code_copy; /* of code that is not in RAM; allocated when needed */
    /* Pages that the translation under way reads, and how often each had been
     * written when it began. */
    struct {
        ram_addr_t page;
        unsigned writes;
    } seen[2];
    unsigned nseen;
    TcgStats stats;
} TcgCpu;

/* --- TBs (tb.c, tb_link.c, tb_page.c, translate.c) --- */
typedef struct TbKey {
    ram_addr_t phys_pc;
    uint32_t flags, cflags;
} TbKey;

/* @tb's CF_*; of one that others may find, and so mark CF_INVALID meanwhile. */
static inline uint32_t tb_cflags(const TranslationBlock *tb)
{
    return __atomic_load_n(&tb->cflags, __ATOMIC_RELAXED);
}

void tb_hash_init(void);
/* A TB with that key: the newest, or the next one that is older than @after.
 * There may be several of two pages, with others as their second ones. */
TranslationBlock *tb_hash_find(const TbKey *key, const TranslationBlock *after);
void tb_hash_insert(TranslationBlock *tb);
void tb_hash_remove(TranslationBlock *tb); /* Locks: invalidate_lock */
void tb_hash_clear(void);                  /* Locks: exclusive section */

/* The TB for the vCPU's state, made if need be.  May raise a guest fault. */
TranslationBlock *tb_find(CPUState *cpu, uint32_t cflags);
/* As that, but NULL instead of translating or faulting. */
TranslationBlock *tb_find_quick(CPUState *cpu, uint32_t cflags);
/* Linear address of rip. */
vaddr tb_linear_pc(const X86CPU *cpu);
/* @rip as wide as instruction pointers are in @tb's code segment. */
uint64_t tb_rip_mask(const TranslationBlock *tb, uint64_t rip);
/* X86CPU.cc by a recipe of @tb; the registers are those of the fault. */
void tb_restore_cc(X86CPU *cpu, const TranslationBlock *tb,
                   const IrRecipe *r);
void tb_set_rip_base(X86CPU *cpu);
uint32_t tcg_cflags(CPUState *cpu);
/* Leave for the exec loop before the instruction that C code runs for, of which
 * nothing may have been done. */
G_NORETURN void tcg_begin_again(CPUState *cpu);
/* As that, to run the instruction in a TB of its own. */
G_NORETURN void tcg_run_alone(CPUState *cpu);

TranslationBlock *tb_translate(CPUState *cpu, vaddr pc, ram_addr_t phys_pc,
                               uint32_t flags, uint32_t cflags);

/* @to comes behind slot @slot of @from: link them if that may be. */
void tb_link(TranslationBlock *from, unsigned slot, TranslationBlock *to);
/* What JumpPage calls the page of RAM that @tb begins in. */
static inline uint32_t tb_jump_page(const TranslationBlock *tb)
{
    return (tb->phys_pc >> PAGE_BITS) + 1;
}
void tb_unlink_all(TranslationBlock *tb); /* both directions */

/* Make stores to the page at @page visible to tb_store_hits, and note that a
 * translation reads it.  Leaves to the exec loop, for a step in an exclusive
 * section, while other vCPUs may be in stores that are not visible. */
void tb_page_watch(CPUState *cpu, ram_addr_t page);
/* Put @tb into its pages' lists; false when one was written since it was
 * watched: the TB must be made again. */
bool tb_page_add(TcgCpu *tc, TranslationBlock *tb);
/* A guest store of @len bytes at @addr is about to happen on @cpu's thread
 * (NULL: not a vCPU).  Drops the TBs it hits; does not return if the TB that
 * runs is one of them and must be made again from this instruction. */
void tb_store_hits(CPUState *cpu, ram_addr_t addr, uint64_t len);
void tb_pages_reset(void); /* exclusive section */
uint64_t tb_dropped_elsewhere(void); /* by stores of threads that are no vCPU */

/* --- jump caches (jump_cache.c) --- */
CPUJumpCache *jump_cache_new(void);
void jump_cache_free(CPUJumpCache *jc);
void jump_cache_put(CPUState *cpu, vaddr pc, TranslationBlock *tb);
TranslationBlock *jump_cache_get(CPUState *cpu, vaddr pc, uint32_t flags,
                                 uint32_t cflags);
/* Code of the page at @addr, at CPL 3 if @user, is in the page of RAM that
 * JumpPage calls @ram. */
void jump_cache_put_page(CPUJumpCache *jc, vaddr addr, bool user, uint32_t ram);
void jump_cache_clear(CPUJumpCache *jc);
/* May it know a TB of @addr's page, or of the one before?  (A TB there may
 * reach into the page.) */
bool jump_cache_knows_page(const CPUJumpCache *jc, vaddr addr);
void jump_cache_flush_page(CPUJumpCache *jc, vaddr addr);
/* Make sure that no vCPU finds @tb, which is marked invalid already.  Any
 * thread. */
void jump_cache_forget_tb(TranslationBlock *tb);

/* --- soft TLB (tlb.c, tlb_flush.c) --- */
void tlb_init(CPUState *cpu);
void tlb_free(CPUState *cpu);              /* nobody has @cpu any more */
void tlb_clear_jump_caches(CPUState *cpu); /* of all address spaces */
/* All jump caches of @cpu but @except are not to be trusted.  Any thread. */
void tlb_stale_jump_caches(CPUState *cpu, const CPUJumpCache *except);
extern const TLBEntry tlb_invalid_entry;
/* Tags are changed under tlb_lock.  Other threads change write tags, which are
 * read without it. */
static inline uint64_t tlb_tag_load(const uint64_t *tag)
{
    return __atomic_load_n(tag, __ATOMIC_RELAXED);
}
static inline void tlb_tag_store(uint64_t *tag, uint64_t value)
{
    __atomic_store_n(tag, value, __ATOMIC_RELAXED);
}
static inline void tlb_entry_store(TLBEntry *to, const TLBEntry *from)
{
    to->addend = from->addend;
    tlb_tag_store(&to->read, from->read);
    tlb_tag_store(&to->write, from->write);
    tlb_tag_store(&to->code, from->code);
}
/* The page that any of the entry's tags names; TLB_INVALID_TAG if none. */
static inline uint64_t tlb_entry_page(const TLBEntry *e)
{
    uint64_t write = tlb_tag_load(&e->write);
    uint64_t tag = e->read != TLB_INVALID_TAG ? e->read
                   : write != TLB_INVALID_TAG ? write
                                              : e->code;

    return tag == TLB_INVALID_TAG ? tag : tag & PAGE_MASK;
}
/* The entry that serves @access (PAGE_*) at @addr, filled if need be.  Raises
 * the guest's fault, or returns NULL if @probe. */
TLBEntry *tlb_get(CPUState *cpu, vaddr addr, int access, MemOp op,
                  TLBFull **full, bool probe);
static inline uint64_t tlb_tag(const TLBEntry *e, int access)
{
    return access == PAGE_READ    ? e->read
           : access == PAGE_WRITE ? tlb_tag_load(&e->write)
                                  : e->code;
}
/* Before a store to RAM through an entry with TLB_NOTDIRTY. */
void tlb_notdirty_store(CPUState *cpu, vaddr addr, unsigned len,
                        TLBEntry *entry, const TLBFull *full);
/* Send every vCPU's direct stores to the RAM page @page the slow way; true if
 * another vCPU may be in the middle of one that is direct still. */
bool tlb_protect_ram_page(ram_addr_t page);
extern const MemoryListener tcg_memory_listener;

/* --- a debugger's points (debug.c); vCPU threads only read them --- */
extern unsigned debug_breaks, debug_watches; /* how many there are */
bool debug_break_in_page(vaddr page);
bool debug_watch_in_page(vaddr page);
/* Is the vCPU to stop before the instruction at rip?  Says so in debug.stop. */
bool debug_stops_here(CPUState *cpu);
/* Has it stopped here already, and not moved since? */
static inline bool debug_goes_on_here(CPUState *cpu)
{
    return unlikely(cpu->debug.skip_break) &&
           cpu->debug.skip_addr == tb_linear_pc(x86_cpu(cpu));
}
/* Does somebody watch this access (PAGE_READ, PAGE_WRITE or both)? */
bool debug_watches_access(vaddr addr, unsigned len, int access);
/* It is being made: note the first that it meets in debug.stop. */
void debug_note_watch(CPUState *cpu, vaddr addr, unsigned len, int access);

/* --- counters (info.c) --- */
/* @cpu is about to be freed: its counts stay in the sums. */
void tcg_stats_keep(const CPUState *cpu);

/* --- threads (threads.c) --- */
void tcg_threads_init(void);
/* Run @cpu once and act on why it came back.  Locks: BQL, dropped meanwhile. */
CPUExit tcg_run_cpu(CPUState *cpu);

/* --- counting instructions (icount.c) --- */
void icount_run_all(void); /* AccelOps.run_all */
void icount_sleeps(void);  /* AccelOps.sleeps */

/* --- logs (log.c, perfmap.c) --- */
void tcg_log_guest_code(CPUState *cpu, const TranslationBlock *tb, vaddr pc);
void tcg_log_ir(const IrFunc *f, const char *title, vaddr pc);
void tcg_log_host_code(const TranslationBlock *tb);
void tcg_log_exec(CPUState *cpu, const TranslationBlock *tb);
bool perf_map_init(GError **errp);
void perf_map_tb(const TranslationBlock *tb, vaddr pc);
void perf_map_thunks(const void *start, size_t bytes);

#endif
