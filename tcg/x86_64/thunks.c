/* SPDX-License-Identifier: MIT */
/*
 * Code generated once: the way in and out of translated code, and the paths
 * from it to C.  Pinned registers move between host and X86CPU here and
 * nowhere else.
 *
 * MXCSR.  The guest's is loaded with all exceptions masked (a TB for a guest
 * that unmasks some does not rely on it), so of X86CPU.mxcsr only the sticky
 * flags can get old; every way to C or out merges them in.  Slow memory paths
 * keep the guest's control bits loaded: they compute nothing in SSE.
 */
#include "tcg/x86_64/cg.h"

#define MXCSR_STICKY 0x3f
#define MXCSR_MASKS  0x1f80

Thunks thunks;

/* The register of a global, REG_NONE if it has none for good. */
static Reg register_of(const IrTempInfo *g)
{
    return !g->vector && g->pin >= 0 && g->pin < NB_PINNED
               ? (Reg)pinned_reg[g->pin]
               : REG_NONE;
}

static void emit_spill(Asm *a, RegSet set)
{
    for (unsigned t = 0; t < ir_global_count(); t++) {
        const IrTempInfo *g = ir_global_info(t);
        Reg r = register_of(g);

        if (r != REG_NONE && (set & RS(r))) {
            asm_store(a, IR_64, rm_cpu(g->offset), r);
        }
    }
}

static void emit_fill(Asm *a, RegSet set)
{
    for (unsigned t = 0; t < ir_global_count(); t++) {
        const IrTempInfo *g = ir_global_info(t);
        Reg r = register_of(g);

        if (r != REG_NONE && (set & RS(r))) {
            asm_load(a, IR_64, r, rm_cpu(g->offset));
        }
    }
}

static void emit_ret(Asm *a)
{
    asm_u8(a, 0xc3);
}

static void emit_push_pop(Asm *a, bool push, Reg r)
{
    if (r & 8) {
        asm_u8(a, 0x41);
    }
    asm_u8(a, (push ? 0x50 : 0x58) | (r & 7));
}

/* Sticky flags to X86CPU.mxcsr, if there was arithmetic; changes @tmp and
 * EFLAGS.  @up: how far RSP is below the frame. */
static void emit_merge_mxcsr(Asm *a, Reg tmp, int32_t up)
{
    uint8_t *none;

    asm_alu_imm(a, ALU_CMP, IR_32, rm_mem(RSP, FRAME_FP + up), 0, false);
    none = asm_jcc(a, COND_E, NULL);
    asm_store_imm(a, IR_32, rm_mem(RSP, FRAME_FP + up), 0);
    asm_op(a, 0xae | A_0F, 3, rm_mem(RSP, FRAME_MXCSR + up)); /* STMXCSR */
    asm_load(a, IR_32, tmp, rm_mem(RSP, FRAME_MXCSR + up));
    asm_alu_imm(a, ALU_AND, IR_32, rm_reg(tmp), MXCSR_STICKY, false);
    asm_alu(a, ALU_OR, IR_32, rm_cpu(tcg_target.mxcsr), tmp);
    asm_fix_jump(none, a->p);
}

static void emit_guest_mxcsr(Asm *a, Reg tmp, int32_t up)
{
    asm_load(a, IR_32, tmp, rm_cpu(tcg_target.mxcsr));
    asm_alu_imm(a, ALU_OR, IR_32, rm_reg(tmp), MXCSR_MASKS, false);
    asm_store(a, IR_32, rm_mem(RSP, FRAME_MXCSR + up), tmp);
    asm_op(a, 0xae | A_0F, 2, rm_mem(RSP, FRAME_MXCSR + up)); /* LDMXCSR */
}

static void emit_host_mxcsr(Asm *a, int32_t up)
{
    asm_op(a, 0xae | A_0F, 2, rm_mem(RSP, FRAME_HOST_MXCSR + up));
}

/* C code uses legacy SSE, which dirty upper halves would slow down; all
 * vectors have been stored. */
static void emit_vzeroupper(Asm *a)
{
    asm_u8(a, 0xc5);
    asm_u8(a, 0xf8);
    asm_u8(a, 0x77);
}

static const uint8_t callee_saved[] = { RBX, RBP, R12, R13, R14, R15 };

/* TbExit enter(CPUState *cpu, const void *entry, uintptr_t *place) */
static const void *gen_enter(Asm *a)
{
    const void *start = a->p;

    for (unsigned i = 0; i < ARRAY_LEN(callee_saved); i++) {
        emit_push_pop(a, true, callee_saved[i]);
    }
    /* Six registers and a return address: 8 more make 16-byte alignment. */
    asm_lea(a, IR_64, RSP, rm_mem(RSP, -(FRAME_SIZE + 8)));
    asm_store(a, IR_64, rm_mem(RSP, FRAME_CPU), RDI);
    asm_store(a, IR_64, rm_mem(RSP, FRAME_PLACE), RDX);
    asm_store_imm(a, IR_32, rm_mem(RSP, FRAME_FP), 0);
    asm_op(a, 0xae | A_0F, 3, rm_mem(RSP, FRAME_HOST_MXCSR)); /* STMXCSR */
    emit_guest_mxcsr(a, RAX, 0);
    asm_mov(a, IR_64, RAX, RSI);
    emit_fill(a, ~0u);
    asm_op(a, 0xff, 4, rm_reg(RAX)); /* JMP */
    return start;
}

_Static_assert(FRAME_SIZE % 16 == 0, "RSP stays aligned");

/* eax: TbExit, rdx: the place.  *@spilled: entry with nothing to store. */
static const void *gen_leave_with(Asm *a, const void **spilled)
{
    const void *start = a->p;

    emit_spill(a, ~0u);
    emit_merge_mxcsr(a, RCX, 0);
    emit_vzeroupper(a);
    *spilled = a->p;
    emit_host_mxcsr(a, 0);
    asm_load(a, IR_64, RCX, rm_mem(RSP, FRAME_PLACE));
    asm_store(a, IR_64, rm_mem(RCX, 0), RDX);
    asm_lea(a, IR_64, RSP, rm_mem(RSP, FRAME_SIZE + 8));
    for (unsigned i = ARRAY_LEN(callee_saved); i-- > 0;) {
        emit_push_pop(a, false, callee_saved[i]);
    }
    emit_ret(a);
    return start;
}

/* These are called: the return address is the place. */
static const void *gen_leave(Asm *a, const void *leave_with)
{
    const void *start = a->p;

    emit_push_pop(a, false, RDX);
    asm_mov_imm(a, RAX, TB_EXIT_LOOKUP);
    asm_jmp(a, leave_with);
    return start;
}

static const void *gen_leave_at(Asm *a, TbExit why, IrSize size,
                                const void *leave_with)
{
    const void *start = a->p;

    emit_push_pop(a, false, RDX);
    asm_extend(a, IR_64, MO_32 | MO_SIGN, RAX, rm_reg(RAX));
    asm_op(a, 0x03 | A_W, RAX, rm_cpu(tcg_target.rip_base)); /* ADD */
    if (size != IR_64) {
        asm_extend(a, IR_32, (MemOp)size, RAX, rm_reg(RAX));
    }
    asm_store(a, IR_64, rm_cpu(tcg_target.rip), RAX);
    asm_mov_imm(a, RAX, why);
    asm_jmp(a, leave_with);
    return start;
}

static void gen_leaves(Asm *a, const void **spilled)
{
    const void *leave_with = gen_leave_with(a, spilled);

    thunks.leave = gen_leave(a, leave_with);
    for (unsigned why = 0; why < TB_EXIT_COUNT; why++) {
        for (IrSize size = IR_16; size <= IR_64; size++) {
            thunks.leave_at[why][size] = gen_leave_at(a, why, size, leave_with);
        }
    }
}

void asm_jump_cache_entry(Asm *a, Reg e, Reg pc)
{
    const unsigned entry_bits = __builtin_ctz(sizeof(JumpCacheEntry));

    asm_op(a, 0x69, e, rm_reg(pc)); /* IMUL */
    asm_u32(a, JUMP_CACHE_FACTOR);
    asm_op(a, 0xc1, 5, rm_reg(e)); /* SHR */
    asm_u8(a, 32 - JUMP_CACHE_BITS - entry_bits);
    asm_alu_imm(a, ALU_AND, IR_32, rm_reg(e), -(1 << entry_bits), false);
    asm_op(a, 0x03 | A_W, e, rm_cpu(offsetof(CPUState, jump_cache))); /* ADD */
}

void asm_jump_cache_go(Asm *a, Reg e)
{
    asm_load(a, IR_32, e, rm_mem(e, offsetof(JumpCacheEntry, entry)));
    asm_op(a, 0xff, 4, rm_reg(e)); /* JMP */
}

_Static_assert((sizeof(JumpCacheEntry) & (sizeof(JumpCacheEntry) - 1)) == 0 &&
                   offsetof(CPUJumpCache, e) == 0,
               "entries are found by shifts, and their others by a bit");

/* On at @pc if the other place of the jump cache knows it.  Flags that a TB is
 * known by are the vCPU's: those of a CS that is not flat never match. */
static void emit_second_probe(Asm *a, Reg pc, Reg e, Reg tmp)
{
    uint8_t *miss[2];

    asm_jump_cache_entry(a, e, pc);
    asm_alu_imm(a, ALU_XOR, IR_64, rm_reg(e), sizeof(JumpCacheEntry), false);
    asm_op(a, 0x3b | A_W, pc, rm_mem(e, offsetof(JumpCacheEntry, pc)));
    miss[0] = asm_jcc(a, COND_NE, NULL);
    asm_load(a, IR_32, tmp, rm_cpu(tcg_target.flags));
    asm_op(a, 0x3b, tmp, rm_mem(e, offsetof(JumpCacheEntry, flags)));
    miss[1] = asm_jcc(a, COND_NE, NULL);
    asm_mov(a, IR_64, tmp, pc);
    asm_alu_imm(a, ALU_AND, IR_64, rm_reg(tmp), (int32_t)PAGE_MASK, false);
    asm_store(a, IR_64, rm_cpu(tcg_target.rip_base), tmp);
    asm_jump_cache_go(a, e);
    asm_fix_jump(miss[0], a->p);
    asm_fix_jump(miss[1], a->p);
}

/* On where C code finds the TB for rax, or out: the other arguments of @look_up
 * are the place in rdx, and @slot. */
static void emit_look_up(Asm *a, const void *look_up, unsigned slot,
                         const void *leave_spilled)
{
    uint8_t *hit;

    asm_store(a, IR_64, rm_cpu(tcg_target.rip), RAX);
    asm_store(a, IR_64, rm_mem(RSP, FRAME_LEFT), RDX);
    emit_spill(a, ~0u);
    emit_merge_mxcsr(a, RCX, 0);
    emit_vzeroupper(a);
    asm_load(a, IR_64, RDI, rm_mem(RSP, FRAME_CPU));
    asm_load(a, IR_64, RSI, rm_mem(RSP, FRAME_LEFT));
    asm_mov_imm(a, RDX, slot);
    asm_call(a, look_up);
    asm_op(a, 0x85 | A_W, RAX, rm_reg(RAX)); /* TEST */
    hit = asm_jcc(a, COND_NE, NULL);
    asm_mov_imm(a, RAX, TB_EXIT_LOOKUP);
    asm_load(a, IR_64, RDX, rm_mem(RSP, FRAME_LEFT));
    asm_jmp(a, leave_spilled);
    asm_fix_jump(hit, a->p);
    emit_fill(a, RS_CALLER_PINNED);
    asm_op(a, 0xff, 4, rm_reg(RAX)); /* JMP */
}

/* A JMP_IND that the jump cache could not serve at once.  rax: pc; called. */
static const void *gen_lookup(Asm *a, const void *leave_spilled)
{
    const void *start = a->p;

    emit_push_pop(a, false, RDX);
    emit_second_probe(a, RAX, RCX, RDI);
    emit_look_up(a, tcg_lookup_ind, 0, leave_spilled);
    return start;
}

/* A GOTO_PAGE to a page that the vCPU does not know, or that is not linked. */
static const void *gen_goto_page(Asm *a, unsigned slot,
                                 const void *leave_spilled)
{
    const void *start = a->p;

    emit_push_pop(a, false, RDX);
    emit_look_up(a, tcg_goto_page, slot, leave_spilled);
    return start;
}

/* host_pc = our return address, which names the place in the TB. */
static void emit_set_host_pc(Asm *a, Reg tmp)
{
    asm_load(a, IR_64, tmp, rm_mem(RSP, 0));
    asm_store(a, IR_64, rm_cpu(offsetof(CPUState, host_pc)), tmp);
}

static void emit_clear_host_pc(Asm *a)
{
    asm_store_imm(a, IR_64, rm_cpu(offsetof(CPUState, host_pc)), 0);
}

/*
 * One slow memory path.  In: rax address, rdx value of a store or memop of a
 * load, ecx memop of the others; out: rax.  @vec: rdx becomes the operand's
 * place in the frame.
 */
static const void *gen_slow(Asm *a, const void *fn, bool vec)
{
    const void *start = a->p;

    emit_spill(a, ~0u);
    emit_set_host_pc(a, RDI);
    emit_merge_mxcsr(a, RDI, 8);
    emit_vzeroupper(a);
    asm_mov(a, IR_64, RSI, RAX);
    if (vec) {
        asm_lea(a, IR_64, RDX, rm_mem(RSP, FRAME_VEC + 8));
    }
    asm_load(a, IR_64, RDI, rm_mem(RSP, FRAME_CPU + 8));
    asm_lea(a, IR_64, RSP, rm_mem(RSP, -8)); /* align */
    asm_call(a, fn);
    asm_lea(a, IR_64, RSP, rm_mem(RSP, 8));
    emit_clear_host_pc(a);
    emit_fill(a, RS_CALLER_PINNED);
    emit_ret(a);
    return start;
}

/* rcx = the entry of the soft TLB for rax, its table by what @memop holds;
 * rdi = the tag that it should have. */
static void emit_find_entry(Asm *a, Reg memop, MemOp kind)
{
    int32_t low = memop_bytes(kind) - 1, mask = (int32_t)PAGE_MASK;
    Rm table = rm_mem(RCX, offsetof(CPUState, tlb_table));

    table.what |= RM_GS;
    if (memop != RCX) {
        asm_mov(a, IR_32, RCX, memop);
    }
    asm_alu_imm(a, ALU_AND, IR_32, rm_reg(RCX), MO_MMU, false);
    asm_op(a, 0xd1, 5, rm_reg(RCX)); /* SHR: now 8 a table */
    asm_load(a, IR_64, RCX, table);
    asm_mov(a, IR_32, RDI, RAX);
    asm_op(a, 0xc1, 5, rm_reg(RDI)); /* SHR */
    asm_u8(a, TLB_INDEX_SHIFT);
    asm_alu_imm(a, ALU_AND, IR_32, rm_reg(RDI), TLB_OFFSET_MASK, false);
    asm_op(a, 0x03 | A_W, RCX, rm_reg(RDI)); /* ADD */
    if (kind & MO_ALIGN) {
        asm_mov(a, IR_64, RDI, RAX);
        mask |= low;
    } else {
        asm_lea(a, IR_64, RDI, rm_mem(RAX, low));
    }
    asm_alu_imm(a, ALU_AND, IR_64, rm_reg(RDI), mask, false);
}

_Static_assert(MO_MMU_SHIFT == 4 && sizeof(void *) == 8, "the shift by one");

/* For the stub of a group's member: the group's probe failed, but its own may
 * not.  Registers as in gen_slow. */
static const void *gen_probe_load(Asm *a, MemOp memop)
{
    const void *start = a->p;
    uint8_t *miss;

    emit_find_entry(a, RDX, memop);
    asm_op(a, 0x3b | A_W, RDI,
           rm_mem(RCX, memop & MO_RMW ? offsetof(TLBEntry, write)
                                      : offsetof(TLBEntry, read)));
    miss = asm_jcc(a, COND_NE, NULL);
    asm_load(a, IR_64, RCX, rm_mem(RCX, offsetof(TLBEntry, addend)));
    asm_extend(a, IR_64, memop, RAX, rm_sib(RCX, RAX, 0, 0));
    emit_ret(a);
    asm_fix_jump(miss, a->p);
    asm_jmp(a, thunks.load);
    return start;
}

static const void *gen_probe_store(Asm *a, MemOp memop)
{
    const void *start = a->p;
    Rm saved = rm_mem(RSP, FRAME_OLD + 8);
    uint8_t *miss;

    asm_store(a, IR_64, saved, RCX);
    emit_find_entry(a, RCX, memop);
    asm_op(a, 0x3b | A_W, RDI, rm_mem(RCX, offsetof(TLBEntry, write)));
    miss = asm_jcc(a, COND_NE, NULL);
    asm_load(a, IR_64, RCX, rm_mem(RCX, offsetof(TLBEntry, addend)));
    asm_store(a, (IrSize)(memop & MO_SIZE), rm_sib(RCX, RAX, 0, 0), RDX);
    emit_ret(a);
    asm_fix_jump(miss, a->p);
    asm_load(a, IR_64, RCX, saved);
    asm_jmp(a, thunks.store);
    return start;
}

static void gen_probes(Asm *a)
{
    static const MemOp flags[] = { 0, MO_SIGN, MO_ALIGN, MO_ALIGN | MO_SIGN };

    for (unsigned i = 0; i < 4 * ARRAY_LEN(flags); i++) {
        MemOp m = i % 4 | flags[i / 4];

        thunks.probe_load[probing_thunk(m)] = gen_probe_load(a, m);
        thunks.probe_load[probing_thunk(m | MO_RMW)] =
            gen_probe_load(a, m | MO_RMW);
        thunks.probe_store[probing_thunk(m)] = gen_probe_store(a, m);
    }
}

/* Before a helper: all registers stay, arguments may be in any. */
static const void *gen_spill(Asm *a, bool host_pc)
{
    const void *start = a->p;
    Reg tmp = pinned_reg[NB_PINNED - 2]; /* one that can be loaded again */

    emit_spill(a, ~0u);
    asm_store(a, IR_64, rm_mem(RSP, FRAME_OLD + 8), tmp);
    if (host_pc) {
        emit_set_host_pc(a, tmp);
    }
    emit_merge_mxcsr(a, tmp, 8);
    emit_vzeroupper(a);
    asm_load(a, IR_64, tmp, rm_mem(RSP, FRAME_OLD + 8));
    emit_ret(a);
    return start;
}

/* After a helper: RAX stays. */
static const void *gen_reload(Asm *a, RegSet set)
{
    const void *start = a->p;

    emit_clear_host_pc(a);
    emit_fill(a, set);
    emit_ret(a);
    return start;
}

static const void *gen_spill_caller(Asm *a)
{
    const void *start = a->p;

    emit_spill(a, RS_CALLER_PINNED);
    emit_vzeroupper(a);
    emit_ret(a);
    return start;
}

static const void *gen_mxcsr_guest(Asm *a)
{
    const void *start = a->p;

    emit_guest_mxcsr(a, RCX, 8);
    emit_ret(a);
    return start;
}

void thunks_generate(uint8_t *buf)
{
    Asm a = { buf };
    const void *leave_spilled;

    thunks.enter = gen_enter(&a);
    gen_leaves(&a, &leave_spilled);
    thunks.lookup = gen_lookup(&a, leave_spilled);
    thunks.goto_page[0] = gen_goto_page(&a, 0, leave_spilled);
    thunks.goto_page[1] = gen_goto_page(&a, 1, leave_spilled);
    thunks.load = gen_slow(&a, tcg_slow_load, false);
    thunks.store = gen_slow(&a, tcg_slow_store, false);
    thunks.rmw = gen_slow(&a, tcg_slow_rmw, false);
    thunks.rmw_commit = gen_slow(&a, tcg_slow_rmw_commit, false);
    gen_probes(&a);
    thunks.load_vec = gen_slow(&a, tcg_slow_load_vec, true);
    thunks.store_vec = gen_slow(&a, tcg_slow_store_vec, true);
    thunks.spill = gen_spill(&a, true);
    thunks.spill_nopc = gen_spill(&a, false);
    thunks.spill_caller = gen_spill_caller(&a);
    thunks.reload = gen_reload(&a, ~0u);
    thunks.reload_caller = gen_reload(&a, RS_CALLER_PINNED);
    thunks.mxcsr_guest = gen_mxcsr_guest(&a);
    g_assert(a.p <= buf + THUNKS_MAX_BYTES); /* a fixed amount of code */
}
