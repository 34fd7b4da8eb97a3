/* SPDX-License-Identifier: MIT */
/*
 * A back-end turns one IrFunc into something that can be entered.  Chosen at
 * run time: -accel tcg,backend=native|interp.
 *
 * What stands behind `enter`, for both back-ends:
 *  - It runs TBs, one after the other, until one leaves.  Every TB head tests
 *    CPUState.exit_request (32 bits) and leaves when it is not zero; only a
 *    linked jump to a higher address of the page may skip that.
 *  - Guest registers are in X86CPU before and after, and whenever a helper or
 *    slow path runs (but those a HELPER_PURE call cannot see).
 *  - cpu->rip is exact on return, and CPUState.host_pc is 0.
 *  - Around every C call for a TB, host_pc names the place in the TB's code, so
 *    that tb_find_insn can tell which guest instruction it was.  A fault
 *    longjmps out of enter; no back-end keeps state that this would leak.
 *  - The guest's MXCSR is the host's while it runs, the host's default while
 *    other C code runs; X86CPU.mxcsr is up to date outside and in helpers.
 */
#ifndef HEDDLE_TCG_BACKEND_H
#define HEDDLE_TCG_BACKEND_H

#include "exec/cpu.h"
#include "tcg/ir.h"

/* Why enter came back. */
typedef enum TbExit {
    TB_EXIT_SLOT0 = 0, /* at a GOTO_TB that is not linked: it may be, now */
    TB_EXIT_SLOT1 = 1,
    TB_EXIT_LOOKUP,  /* after an EXIT, or a JMP_IND that missed */
    TB_EXIT_REQUEST, /* exit_request was set; the TB at rip was not begun */
    TB_EXIT_COUNT,
} TbExit;

/* Where a C call can fault: host code offset to guest instruction. */
typedef struct TbSideEntry {
    uint32_t host_off; /* of the return address, from the TB's code start */
    uint16_t insn_off; /* as in IR_INSN */
    uint8_t recipe;    /* of the flags; 0: X86CPU.cc is right */
    uint8_t pad;
} TbSideEntry;

/* What compile leaves behind, all within the buffer it was given.  Offsets are
 * from the entry, in bytes; slots are those of GOTO_TB and GOTO_PAGE. */
typedef struct TbCode {
    const void *entry;
    uint32_t code_bytes;  /* aligned to 8, behind it: constants, side table,
                             recipes, without gaps: tb_consts etc. */
    uint32_t jump_off[2]; /* what patch_jump patches for a slot; UINT32_MAX: it
                             has none */
    uint32_t exit_off[2]; /* where they go when not linked */
    uint16_t nconsts, nside;
    uint16_t guarded; /* another way in, of a TB in two pages, that asks the
                         jump cache if it is still what follows; 0: not to be
                         linked to */
    uint8_t page_slots; /* bit n: slot n is a GOTO_PAGE's */
    uint8_t body; /* the way in behind the test of exit_request: for jumps
                     ahead, which cannot close a loop on their own */
} TbCode;

static inline const void *tb_body(const TbCode *c)
{
    return (const uint8_t *)c->entry + c->body;
}

/* Values of constant temps that recipes name: see RECIPE_CONST. */
static inline const int64_t *tb_consts(const TbCode *c)
{
    return (const int64_t *)((const uint8_t *)c->entry +
                             ROUND_UP(c->code_bytes, 8));
}

/* nside entries, ascending host_off. */
static inline const TbSideEntry *tb_side(const TbCode *c)
{
    return (const TbSideEntry *)(tb_consts(c) + c->nconsts);
}

/* The function's recipes but for number 0, which is none. */
static inline const IrRecipe *tb_recipe(const TbCode *c, unsigned number)
{
    return (const IrRecipe *)(tb_side(c) + c->nside) + number - 1;
}

/* In a stored recipe, y >= this is consts[y - this]. */
#define RECIPE_CONST 0x8000

struct TranslationBlock;

#define BACKEND_UNFIT SIZE_MAX

typedef struct TcgBackend {
    const char *name;
    /* Before init: make no use of what the host has beyond the required, as on
     * a host without it.  NULL: it makes no difference. */
    void (*be_plain)(bool on);
    /* Once per process: reserve the head of the code region for entry and exit
     * thunks and slow paths.  Returns the bytes it wants, or BACKEND_UNFIT if
     * the host's CPU lacks what it needs. */
    size_t (*init)(uint8_t *buf, size_t len);
    /* Generate @f for @tb into @buf; false when @len does not suffice. */
    bool (*compile)(const IrFunc *f, struct TranslationBlock *tb, uint8_t *buf,
                    size_t len, TbCode *out, size_t *used);
    /* @place: where it left, in the last TB's code. */
    TbExit (*enter)(CPUState *cpu, const void *entry, uintptr_t *place);
    /* Link slot @slot of @tb to @entry, or back to its exit if NULL.  Other
     * vCPUs may be running it: one aligned store. */
    void (*patch_jump)(struct TranslationBlock *tb, unsigned slot,
                       const void *entry);
    /* Slot @slot of @tb, a GOTO_PAGE's, is to be linked into the page that
     * JumpPage calls @ram.  False if it was linked into another one before.
     * NULL: GOTO_PAGE has no slots here. */
    bool (*set_page)(struct TranslationBlock *tb, unsigned slot, uint32_t ram);
    /* Once per vCPU thread, and in thread=single on each change of vCPU. */
    void (*thread_init)(CPUState *cpu);
} TcgBackend;

extern const TcgBackend tcg_backend_native, tcg_backend_interp;

/* --- given by accel/tcg to the back-ends --- */
/* Slow paths of memory ops; may fault.  The caller has set host_pc. */
uint64_t tcg_slow_load(CPUState *cpu, vaddr addr, uint32_t memop);
void tcg_slow_store(CPUState *cpu, vaddr addr, uint64_t value, uint32_t memop);
void tcg_slow_load_vec(CPUState *cpu, vaddr addr, void *dst, uint32_t memop);
void tcg_slow_store_vec(CPUState *cpu, vaddr addr, const void *src,
                        uint32_t memop);
/*
 * Host address for a read-modify-write: RAM itself, or (MMIO, page-crossing,
 * pages with code) a bounce buffer of the vCPU that holds the old value; then
 * tcg_slow_rmw_commit must follow the operation, with the same arguments.  An
 * MO_LOCK access that one host atomic cannot serve leaves by longjmp to be
 * run again in an exclusive section.
 */
void *tcg_slow_rmw(CPUState *cpu, vaddr addr, uint32_t memop);
void tcg_slow_rmw_commit(CPUState *cpu, vaddr addr, uint32_t memop);
/* Where to go on at cpu->rip: the entry of its TB, rip_base set; or NULL to
 * leave to the exec loop. */
const void *tcg_lookup_ind(CPUState *cpu);
/* As that, at the GOTO_PAGE of slot @slot in the TB that @place is in, whose
 * page the vCPU did not know; links them. */
const void *tcg_goto_page(CPUState *cpu, uintptr_t place, unsigned slot);

/*
 * One entry of the jump cache, probed by translated code: hit when pc and flags
 * agree.  pc is a linear address; only used when CS is flat.  An address has
 * two places: the one at its index, which translated code looks at, and the
 * other half of that pair, for the one that was there before: it takes a few
 * instructions more.
 */
#define JUMP_CACHE_BITS 16
typedef struct JumpCacheEntry {
    uint64_t pc;
    uint32_t flags; /* of the TB; JUMP_CACHE_EMPTY never matches */
    uint32_t entry; /* host address: the code buffer is below 4 GiB */
} JumpCacheEntry;
#define JUMP_CACHE_EMPTY 0 /* nor does any TB with a flat CS have it */

/*
 * A page from which code was run, and where in RAM it is.  A link to another
 * page holds as long as the page is where it was when the link was made, which
 * translated code compares; so the address space may change under it.
 */
#define JUMP_PAGE_BITS 13
typedef struct JumpPage {
    uint64_t addr; /* linear */
    uint32_t ram;  /* page number in the space of all RAM, plus 1; 0: unknown */
    uint32_t pad;
} JumpPage;
static inline unsigned jump_page_index(vaddr addr)
{
    return (addr >> PAGE_BITS) % (1u << JUMP_PAGE_BITS);
}

/* Only the entries and pages concern the back-ends; the rest is accel/tcg's
 * (jump_cache.c), and the vCPU thread's own but for `stale`. */
struct CPUJumpCache {
    JumpCacheEntry e[1 << JUMP_CACHE_BITS];
    JumpPage user[1 << JUMP_PAGE_BITS];   /* at CPL 3 */
    JumpPage kernel[1 << JUMP_PAGE_BITS]; /* elsewhere */
    bool stale;     /* names TBs that are gone: clear it before use; atomic */
    unsigned nused; /* entries in use: clearing costs what was used */
    uint16_t used[1 << JUMP_CACHE_BITS];
    unsigned njumped; /* indices of pages in use, of both */
    uint16_t jumped[1 << JUMP_PAGE_BITS];
    uint64_t pages[16]; /* a set bit for each page number entered, folded */
};
/* Index: the top of a product with 2^32 over the golden ratio, which spreads
 * neighbours. */
#define JUMP_CACHE_FACTOR 0x9e3779b1u
static inline unsigned jump_cache_index(vaddr pc)
{
    return (uint32_t)pc * JUMP_CACHE_FACTOR >> (32 - JUMP_CACHE_BITS);
}
#define jump_cache_other(index) ((index) ^ 1)

#endif
