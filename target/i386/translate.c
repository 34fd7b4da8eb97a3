/* SPDX-License-Identifier: MIT */
/*
 * x86_translate: one TB from guest code to IR.  A TB holds instructions that
 * start in one page, up to the first that leaves; only its first instruction
 * may reach into the next page, so that a fault of that page's fetch is taken
 * with the right rip.
 *
 * rip is never stored on the way: rip_base plus the page offset of an
 * instruction gives it, whatever address the page is mapped at.
 */
#include "target/i386/emit.h"

#include "exec/translator.h"
#include "target/i386/excp.h"
#include "tcg/tb.h"
#include "exec/memory.h"

/* Room for the longest emission (ENTER with 31 levels) before a limit. */
enum { SPARE_OPS = 320, SPARE_TEMPS = 256, SPARE_LABELS = 16,
       SPARE_RECIPES = 80 };

#define LIMIT_NONE UINT_MAX

void x86_call0(X86Trans *s, unsigned helper)
{
    ir_call(s->ir, helper, IR_NONE, 0);
}

void x86_call1(X86Trans *s, unsigned helper, IrTemp a)
{
    ir_call(s->ir, helper, IR_NONE, 1, a);
}

void x86_call2(X86Trans *s, unsigned helper, IrTemp a, IrTemp b)
{
    ir_call(s->ir, helper, IR_NONE, 2, a, b);
}

uint8_t x86_cc(const X86Insn *in, IrOpc opc)
{
    return (in->row->writes | in->row->undef) & ir_op_defs[opc].cc_out;
}

/* --- rip and the ways out --- */

static unsigned rip_size(const X86Trans *s)
{
    return x86_is64(s) ? IR_64 : IR_32;
}

IrTemp x86_rip_at(X86Trans *s, int64_t off)
{
    IrTemp base = ir_temp(s->ir), rip = ir_temp(s->ir);

    ir_ld_cpu(s->ir, base, offsetof(X86CPU, rip_base), MO_64);
    ir_lea(s->ir, rip_size(s), rip, base, IR_NONE, 0, off);
    return rip;
}

IrTemp x86_next_rip(X86Trans *s)
{
    return x86_rip_at(s, s->next_off);
}

void x86_store_rip(X86Trans *s, IrTemp rip)
{
    ir_st_cpu(s->ir, rip, offsetof(X86CPU, rip), MO_64);
}

/* The end of an instruction that may have changed anything: under EFLAGS.TF
 * the trap comes now (SDM vol. 3B, 18.3.1.4 "Single-Step Exception
 * Condition").  It was no branch if @rip is that of page offset @sequel. */
static void exit_to(X86Trans *s, IrTemp rip, unsigned sequel)
{
    if (s->flags & HF_TF) {
        x86_store_rip(s, rip);
        x86_call1(s, HELPER_single_step, x86_rip_at(s, sequel));
        ir_exit(s->ir);
    } else {
        ir_jmp_ind(s->ir, rip, JMP_FLAGS | JMP_REQUESTS);
    }
    s->ended = true;
}

void x86_exit(X86Trans *s)
{
    IrTemp rip = ir_temp(s->ir);

    ir_ld_cpu(s->ir, rip, offsetof(X86CPU, rip), MO_64);
    exit_to(s, rip, s->next_off);
}

/* @bits of a vCPU field set. */
static void set_bits(X86Trans *s, int32_t field, uint32_t bits)
{
    IrTemp t = ir_temp(s->ir);

    ir_ld_cpu(s->ir, t, field, MO_32);
    ir_op2(s->ir, IR_OR, IR_32, 0, t, t, ir_const(s->ir, (int32_t)bits));
    ir_st_cpu(s->ir, t, field, MO_32);
}

void x86_set_resume(X86Trans *s)
{
    if (s->flags & (s->cpu->features->amd ? HF_RF : HF_DEBUG | HF_TF)) {
        set_bits(s, offsetof(X86CPU, hflags), HF_RF);
        set_bits(s, offsetof(X86CPU, eflags), EFLAGS_RF);
    }
}

void x86_exit_again(X86Trans *s)
{
    exit_to(s, x86_rip_at(s, s->insn_off), s->insn_off);
}

void x86_exit_shadow(X86Trans *s)
{
    ir_jmp_ind(s->ir, x86_next_rip(s), JMP_FLAGS | JMP_REQUESTS);
    s->ended = true;
}

void x86_exit_next(X86Trans *s)
{
    exit_to(s, x86_next_rip(s), s->next_off);
}

void x86_jump(X86Trans *s, IrTemp rip)
{
    if (s->leave) {
        exit_to(s, rip, s->next_off);
    } else {
        ir_jmp_ind(s->ir, rip, s->changed ? JMP_FLAGS : 0);
        s->ended = true;
    }
}

void x86_jump_next(X86Trans *s)
{
    s->changed = true;
    x86_jump(s, x86_next_rip(s));
}

/* Cut @rip to the width of the jump's operand size. */
static IrTemp masked_rip(X86Trans *s, IrTemp rip, unsigned size)
{
    return size < rip_size(s) ? x86_zx(s, size, rip) : rip;
}

void x86_refuse_target(X86Trans *s, IrCond cond, IrTemp a, IrTemp b, int push)
{
    if (push == NO_PUSH) {
        ir_trapif(s->ir, IR_64, cond, a, b, HELPER_raise_error0, EXCP_GP);
    } else {
        ir_trapif(s->ir, IR_64, cond, a, b, HELPER_bad_call, push);
    }
}

/* #GP(0) at the jump itself if its target is beyond the code segment. */
static void check_cs_limit(X86Trans *s, IrTemp rip, int push)
{
    IrTemp limit;

    if (s->flags & (HF_FLAT_CS | HF_CS64)) {
        return;
    }
    limit = ir_temp(s->ir);
    ir_ld_cpu(s->ir, limit, offsetof(X86CPU, segs[R_CS].limit), MO_32);
    x86_refuse_target(s, COND_A, rip, limit, push);
}

IrTemp x86_jump_target(X86Trans *s, IrTemp rip, unsigned size, int push)
{
    rip = masked_rip(s, rip, size);
    check_cs_limit(s, rip, push);
    return rip;
}

/*
 * A chained jump goes to a place in the same page.  With a flat CS that is so
 * when the offset is; otherwise rip may wrap at 64 KiB on the way, and then
 * leads to another page.  Where the rip does not wrap it is below the limit
 * check's mask and may be chained.
 */
static void goto_segmented(X86Trans *s, unsigned slot, int64_t target,
                           unsigned size)
{
    IrTemp base = ir_temp(s->ir), raw = ir_temp(s->ir);
    unsigned wraps = ir_label(s->ir);
    int64_t top = size == IR_16 ? 0xffff : 0xffffffff;

    ir_ld_cpu(s->ir, base, offsetof(X86CPU, rip_base), MO_64);
    ir_lea(s->ir, IR_64, raw, base, IR_NONE, 0, target);
    ir_brcond(s->ir, IR_64, COND_A, raw, ir_const(s->ir, top), wraps);
    ir_goto_tb(s->ir, slot, size, target);
    ir_set_label(s->ir, wraps);
    x86_jump(s, masked_rip(s, x86_rip_at(s, target), size));
}

static void goto_page(X86Trans *s, unsigned slot, int64_t target,
                      unsigned size)
{
    bool flat = s->flags & (HF_FLAT_CS | HF_CS64);

    if (flat && !s->changed && size == rip_size(s) &&
        target == (int32_t)target) {
        ir_goto_page(s->ir, slot, x86_mmu_mode(s->flags) == MMU_USER, size,
                     target);
    } else {
        x86_jump(s, masked_rip(s, x86_rip_at(s, target), size));
    }
}

void x86_goto(X86Trans *s, unsigned slot, int64_t target, unsigned size)
{
    bool flat = s->flags & (HF_FLAT_CS | HF_CS64);

    if (s->leave) {
        x86_jump(s, masked_rip(s, x86_rip_at(s, target), size));
    } else if (target < 0 || target >= (int64_t)PAGE_SIZE) {
        goto_page(s, slot, target, size);
    } else if (!flat) {
        goto_segmented(s, slot, target, size);
    } else {
        ir_goto_tb(s->ir, slot, size, target);
    }
    s->ended = true;
}

void x86_goto_changed(X86Trans *s, unsigned slot)
{
    s->changed = true;
    x86_goto(s, slot, s->next_off, rip_size(s));
}

static void fault(X86Trans *s, unsigned helper, int vector)
{
    x86_call1(s, helper, ir_const(s->ir, vector));
    ir_exit(s->ir);
    s->ended = true;
}

void x86_fault(X86Trans *s, int vector)
{
    fault(s, HELPER_raise, vector);
}

void x86_fault_error0(X86Trans *s, int vector)
{
    fault(s, HELPER_raise_error0, vector);
}

/* --- one instruction --- */

/* Within a page emit_limit_check finds it. */
void x86_check_fetch(X86CPU *cpu, unsigned ahead)
{
    if (!(cpu->hflags & HF_CS64) &&
        (uint32_t)cpu->rip + (uint64_t)ahead > cpu->segs[R_CS].limit) {
        x86_breakpoint_before_fetch(cpu);
        x86_raise_error(cpu, EXCP_GP, 0);
    }
}

/* Bytes for the instruction at next_off from two pages.  May fault: only for
 * the TB's first instruction. */
static unsigned fetch_split(X86Trans *s, unsigned in_page)
{
    ram_addr_t ram;
    const uint8_t *rest;
    vaddr next = (s->linear | ~PAGE_MASK) + 1;

    memcpy(s->split, s->code, in_page);
    x86_check_fetch(s->cpu, in_page);
    if (!x86_is64(s)) {
        next = (uint32_t)next;
    }
    rest = tcg_code_page(&s->cpu->cs, next, &ram);
    s->tb->page[1] = ram == RAM_ADDR_INVALID ? ram : ram & PAGE_MASK;
    memcpy(s->split + in_page, rest, X86_MAX_INSN - in_page);
    return X86_MAX_INSN;
}

/* DECODE_MORE: stop before this instruction, it starts the next TB. */
static X86Decode fetch_insn(X86Trans *s, X86Insn *in)
{
    const uint8_t *bytes = s->code + (s->next_off - s->tb->pc_offset);
    unsigned in_page = PAGE_SIZE - s->next_off;
    X86Decode result = x86_decode(in, s->cpu, bytes, in_page, s->flags);

    if (result == DECODE_MORE && s->ninsns == 0) {
        unsigned avail = fetch_split(s, in_page);

        result = x86_decode(in, s->cpu, s->split, avail, s->flags);
    }
    return result;
}

/* Checks that hflags decide; true if the instruction may go on. */
static bool privilege_fits(X86Trans *s, const X86Insn *in)
{
    unsigned attrs = in->row->attrs;

    if ((attrs & XA_CPL0UD) && x86_cpl(s) != 0) {
        x86_fault(s, EXCP_UD);
    } else if (((attrs & XA_PMGP) && !(s->flags & HF_PE)) ||
               ((attrs & XA_CPL0) && x86_cpl(s) != 0)) {
        x86_fault_error0(s, EXCP_GP);
    }
    return !s->ended;
}

static void emit_insn(X86Trans *s, const X86Insn *in, X86Decode result)
{
    if (result == DECODE_UD) {
        x86_fault(s, EXCP_UD);
    } else if (result == DECODE_TOO_LONG) {
        x86_fault_error0(s, EXCP_GP);
    } else if (privilege_fits(s, in)) {
        in->row->emit(s, in);
        if (!s->ended && (in->row->attrs & XA_LAST)) {
            ir_fence(s->ir, FENCE_ALL); /* most of them serialise */
            x86_exit_next(s);
        }
    }
}

/* --- before and between instructions --- */

/* One vCPU field, with bits taken away. */
static void clear_bits(X86Trans *s, int32_t field, uint32_t bits)
{
    IrTemp t = ir_temp(s->ir);

    ir_ld_cpu(s->ir, t, field, MO_32);
    ir_op2(s->ir, IR_AND, IR_32, 0, t, t, ir_const(s->ir, (int32_t)~bits));
    ir_st_cpu(s->ir, t, field, MO_32);
}

/* What lasts for one instruction only ends with it; a fault of it pushes RF
 * set in any case (SDM vol. 3B, 17.3.1.1 "Instruction-Breakpoint..."). */
static void clear_one_shot_flags(X86Trans *s)
{
    uint32_t one_shot = s->flags & HF_ONE_SHOT;

    if (one_shot) {
        clear_bits(s, offsetof(X86CPU, hflags), one_shot);
    }
    if (one_shot & HF_RF) {
        clear_bits(s, offsetof(X86CPU, eflags), EFLAGS_RF);
    }
}

/* Emit the offset of the last byte and the limit; the op that adds the length
 * is remembered, as the length comes later.  Not cut to 32 bits: what goes
 * across 4 GiB is beyond any limit. */
static IrTemp last_byte(X86Trans *s, IrTemp *limit)
{
    IrTemp base = ir_temp(s->ir), last = ir_temp(s->ir);

    ir_ld_cpu(s->ir, base, offsetof(X86CPU, rip_base), MO_64);
    ir_lea(s->ir, IR_64, last, base, IR_NONE, 0, 0);
    s->limit_op = s->ir->nops - 1;
    *limit = ir_temp(s->ir);
    ir_ld_cpu(s->ir, *limit, offsetof(X86CPU, segs[R_CS].limit), MO_32);
    return last;
}

/*
 * Code segments with a limit: a TB of one instruction checks it exactly; a
 * longer one checks its last byte at its head, before it counts as run, and if
 * that is beyond has the exec loop make a TB of one instruction instead.
 */
static bool has_limit(const X86Trans *s)
{
    return !(s->flags & (HF_FLAT_CS | HF_CS64));
}

static void check_limit_of_insn(X86Trans *s)
{
    IrTemp last, limit;

    last = last_byte(s, &limit);
    ir_trapif(s->ir, IR_64, COND_A, last, limit, HELPER_raise_error0, EXCP_GP);
}

static void check_limit_of_block(X86Trans *s)
{
    IrTemp last, limit;

    last = last_byte(s, &limit);
    s->limit_label = ir_label(s->ir);
    ir_brcond(s->ir, IR_64, COND_A, last, limit, s->limit_label);
}

static void finish_limit_check(X86Trans *s)
{
    uint32_t cflags = (s->tb->cflags & ~CF_COUNT_MASK) | 1 | CF_NOIRQ;

    if (s->limit_op == LIMIT_NONE) {
        return;
    }
    s->ir->op[s->limit_op].imm = s->next_off - 1;
    if (s->max_insns == 1) {
        return;
    }
    ir_set_label(s->ir, s->limit_label);
    ir_st_cpu(s->ir, ir_const(s->ir, cflags),
              offsetof(X86CPU, cs.cflags_next_tb), MO_32);
    x86_store_rip(s, x86_rip_at(s, s->tb->pc_offset));
    ir_exit(s->ir);
}

/* -icount: take the TB's instructions off what is left, or leave before the
 * first one. */
static void count_insns(X86Trans *s)
{
    IrTemp left;

    s->count_op = LIMIT_NONE;
    if (!(s->tb->cflags & CF_ICOUNT)) {
        return;
    }
    left = ir_temp_local(s->ir);
    s->count_label = ir_label(s->ir);
    ir_ld_cpu(s->ir, left, offsetof(X86CPU, cs.icount_left), MO_64);
    ir_lea(s->ir, IR_64, left, left, IR_NONE, 0, 0);
    s->count_op = s->ir->nops - 1;
    ir_brcond(s->ir, IR_64, COND_L, left, ir_const(s->ir, 0), s->count_label);
    ir_st_cpu(s->ir, left, offsetof(X86CPU, cs.icount_left), MO_64);
}

static void finish_counting(X86Trans *s)
{
    if (s->count_op == LIMIT_NONE) {
        return;
    }
    s->ir->op[s->count_op].imm = -(int64_t)s->ninsns;
    ir_set_label(s->ir, s->count_label);
    x86_call1(s, HELPER_count_end, x86_rip_at(s, s->tb->pc_offset));
    ir_exit(s->ir);
}

/* -d stats: what the TB will have run when it has come to its end. */
static void count_run(X86Trans *s)
{
    for (unsigned i = 0; s->tb->cflags & CF_COUNT_RUN && i < RAN_KINDS; i++) {
        int32_t offset = offsetof(X86CPU, cs.ran) + i * sizeof(uint64_t);
        IrTemp ran = ir_temp(s->ir);

        ir_ld_cpu(s->ir, ran, offset, MO_64);
        s->ran_op[i] = s->ir->nops;
        ir_lea(s->ir, IR_64, ran, ran, IR_NONE, 0, 0);
        ir_st_cpu(s->ir, ran, offset, MO_64);
    }
}

static void finish_count_run(X86Trans *s)
{
    int64_t accesses = 0, jumps = 0;

    if (!(s->tb->cflags & CF_COUNT_RUN)) {
        return;
    }
    for (unsigned i = 0; i < s->ir->nops; i++) {
        IrOpc opc = s->ir->op[i].opc;

        accesses += (ir_op_defs[opc].attrs & IR_ATTR_M) != 0;
        jumps += opc == IR_JMP_IND;
    }
    s->ir->op[s->ran_op[RAN_TBS]].imm = 1;
    s->ir->op[s->ran_op[RAN_ACCESSES]].imm = accesses;
    s->ir->op[s->ran_op[RAN_JUMPS]].imm = jumps;
}

static bool nearly_full(const IrFunc *f)
{
    return f->overflow || f->nops + SPARE_OPS > IR_MAX_OPS ||
           f->ntemps + SPARE_TEMPS > IR_MAX_TEMPS ||
           f->nlabels + SPARE_LABELS > IR_MAX_LABELS ||
           f->nrecipes + SPARE_RECIPES > IR_MAX_RECIPES;
}

static void translate_insn(X86Trans *s, X86Insn *in, X86Decode result)
{
    s->insn_off = s->next_off;
    s->next_off += in->len;
    s->ninsns++;
    ir_insn(s->ir, s->insn_off);
    if ((s->flags & (HF_DEBUG | HF_RF | HF_SS_SHADOW)) == HF_DEBUG) {
        x86_call1(s, HELPER_code_breakpoint, x86_rip_at(s, s->insn_off));
    }
    if (s->max_insns == 1 && has_limit(s)) {
        check_limit_of_insn(s);
    }
    emit_insn(s, in, result);
}

/* -icount: a repeated string instruction may be left half done and is then
 * begun again, as a TB that counts it and nothing else. */
static bool stands_alone(const X86Trans *s, const X86Insn *in)
{
    return s->tb->cflags & CF_ICOUNT && in->row->attrs & XA_REP && in->rep;
}

static void translate_block(X86Trans *s)
{
    X86Insn in;
    bool alone;

    if (s->max_insns > 1 && has_limit(s)) {
        check_limit_of_block(s);
    }
    count_insns(s);
    count_run(s);
    clear_one_shot_flags(s);
    while (!s->ended) {
        X86Decode result = fetch_insn(s, &in);

        alone = result == DECODE_OK && stands_alone(s, &in);
        if (result == DECODE_MORE || (alone && s->ninsns)) {
            break;
        }
        translate_insn(s, &in, result);
        if (alone || s->ninsns >= s->max_insns || s->next_off >= PAGE_SIZE ||
            nearly_full(s->ir)) {
            break;
        }
    }
    if (!s->ended && s->shadow_at == s->next_off) {
        x86_enter_shadow(s);
    } else if (!s->ended) {
        x86_goto(s, 0, s->next_off, rip_size(s));
    }
    finish_limit_check(s);
    finish_counting(s);
    finish_count_run(s);
}

void x86_translate(X86CPU *cpu, TranslationBlock *tb, IrFunc *ir,
                   unsigned max_insns)
{
    X86Trans s = {
        .cpu = cpu,
        .tb = tb,
        .ir = ir,
        .flags = tb->flags,
        .linear = cpu->rip + cpu->segs[R_CS].base,
        .next_off = tb->pc_offset,
        .max_insns = max_insns,
        .limit_op = LIMIT_NONE,
    };
    ram_addr_t ram;

    if (!x86_is64(&s)) {
        s.linear = (uint32_t)s.linear;
    }
    if (s.flags & (HF_TF | HF_SHADOW | HF_RF)) {
        s.leave = true;
        s.max_insns = 1;
    }
    s.code = tcg_code_page(&cpu->cs, s.linear, &ram);
    tb->page[1] = RAM_ADDR_INVALID;
    ir_reset(ir);
    translate_block(&s);
    tb->guest_bytes = s.next_off - tb->pc_offset;
    tb->icount = s.ninsns;
}

void x86_tcg_init(void)
{
    x86_opcodes_init();
    x86_regs_init();
    x86_helpers_register();
}
