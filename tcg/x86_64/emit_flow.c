/* SPDX-License-Identifier: MIT */
/*
 * Control flow: within the TB by labels, out of it by patchable jumps, the
 * jump cache or the exit thunk.  Flags and all globals without a pinned
 * register are in X86CPU at labels and at exits.
 */
#include "tcg/helper.h"
#include "tcg/x86_64/cg.h"

#define RIP_BASE rm_cpu(tcg_target.rip_base)
#define RIP      rm_cpu(tcg_target.rip)

/* Leave with X86CPU.rip = rip_base + @offset, cut to @size.  The call tells the
 * thunk where. */
static void leave_at(Cg *c, TbExit why, int64_t offset, IrSize size)
{
    g_assert(fits_i32(offset)); /* it is in the page */
    asm_mov_imm(&c->as, RAX, (uint32_t)offset);
    asm_call(&c->as, thunks.leave_at[why][size]);
}

static void stub_request(Cg *c, const Stub *s)
{
    leave_at(c, TB_EXIT_REQUEST, c->tb->pc_offset,
             (c->tb->flags & tcg_target.wide_flags) ? IR_64 : IR_32);
}

void emit_head(Cg *c)
{
    Stub *s;

    if (c->tb->cflags & CF_NOIRQ) {
        return;
    }
    asm_alu_imm(&c->as, ALU_CMP, IR_32,
                rm_cpu(offsetof(CPUState, exit_request)), 0, false);
    s = stub_new(c, NULL, stub_request);
    s->jump = asm_jcc(&c->as, COND_NE, NULL);
}

/* Flags that somebody reads further on are in X86CPU.cc. */
static void settle_flags(Cg *c, const IrOp *op)
{
    if (op->cc_live) {
        cc_save(c);
    }
}

static void after_exit(Cg *c)
{
    ra_forget(c);
    cc_in_memory(c);
}

static void use_label(Cg *c, uint8_t *site, unsigned label)
{
    c->use[c->nuses++] = (LabelUse){ site, label };
}

void emit_fix_labels(Cg *c)
{
    for (unsigned i = 0; i < c->nuses; i++) {
        asm_fix_jump(c->use[i].site, c->label[c->use[i].label].at);
    }
}

static void emit_label(Cg *c, const IrOp *op)
{
    settle_flags(c, op);
    ra_end_block(c);
    after_exit(c);
    c->fp_marked = false;
    c->label[op->imm].at = c->as.p;
}

static void emit_br(Cg *c, const IrOp *op)
{
    settle_flags(c, op);
    ra_end_block(c);
    use_label(c, asm_jmp(&c->as, NULL), op->imm);
    after_exit(c);
}

/* What an unlinked GOTO_TB jumps to. */
static void stub_goto(Cg *c, const Stub *s)
{
    c->exit_off[s->op->aux & 1] = c->as.p - c->start;
    leave_at(c, s->op->aux ? TB_EXIT_SLOT1 : TB_EXIT_SLOT0, s->op->imm,
             (IrSize)s->op->size);
}

#define COND_ALWAYS (-1)

/* The patchable jump of GOTO_TB @op. */
static void emit_exit_jump(Cg *c, const IrOp *op, int cond)
{
    Stub *s = stub_new(c, op, stub_goto);
    unsigned opcode_bytes = cond == COND_ALWAYS ? 1 : 2;

    asm_nop(&c->as, -((uintptr_t)c->as.p + opcode_bytes) % 4);
    s->jump = cond == COND_ALWAYS ? asm_jmp(&c->as, NULL)
                                : asm_jcc(&c->as, (IrCond)cond, NULL);
    c->jump_off[op->aux & 1] = s->jump - c->start;
}

static void emit_goto_tb(Cg *c, const IrOp *op)
{
    settle_flags(c, op);
    ra_end_block(c);
    if (c->tb->cflags & CF_NO_CHAIN) {
        leave_at(c, TB_EXIT_LOOKUP, op->imm, (IrSize)op->size);
    } else {
        emit_exit_jump(c, op, COND_ALWAYS);
    }
    after_exit(c);
}

/* The GOTO_TB at the label of branch @op if, as most blocks end, that one
 *     branch to 1, GOTO_TB, 1: GOTO_TB
 * is all there is to the end of the function; else NULL. */
static const IrOp *branch_to_exit(const Cg *c, const IrOp *op)
{
    if (op + 4 != c->f->op + c->f->nops || op[1].opc != IR_GOTO_TB ||
        op[2].opc != IR_LABEL || op[2].imm != op->imm ||
        op[3].opc != IR_GOTO_TB || (c->tb->cflags & CF_NO_CHAIN)) {
        return NULL;
    }
    for (unsigned i = 0; i < c->nuses; i++) {
        if (c->use[i].label == op->imm) {
            return NULL;
        }
    }
    return &op[3];
}

/* All is put away: jump if @cond. */
static void emit_branch(Cg *c, const IrOp *op, IrCond cond)
{
    const IrOp *exit = branch_to_exit(c, op);

    if (exit) {
        emit_exit_jump(c, exit, cond);
        c->nops -= 2; /* the label and what follows */
    } else {
        use_label(c, asm_jcc(&c->as, cond, NULL), op->imm);
    }
}

static void emit_brcc(Cg *c, const IrOp *op)
{
    IrCond cond;

    settle_flags(c, op);
    cond = cc_test(c, op->cond);
    cc_drop_temp(c);
    ra_end_block(c);
    emit_branch(c, op, cond);
}

static void emit_brcond(Cg *c, const IrOp *op)
{
    settle_flags(c, op);
    emit_compare(c, op);
    ra_end_block(c);
    emit_branch(c, op, op->cond);
    cc_in_memory(c);
}

/* X86CPU.rip is @value: leave. */
static void stub_serve(Cg *c, const Stub *s)
{
    asm_store(&c->as, IR_64, RIP, s->value);
    asm_call(&c->as, thunks.leave);
}

static void look_up(Cg *c, Reg pc)
{
    if (pc != RAX) {
        asm_mov(&c->as, IR_64, RAX, pc);
    }
    asm_call(&c->as, thunks.lookup);
}

static void stub_look_up(Cg *c, const Stub *s)
{
    if (s->jump2) {
        asm_fix_jump(s->jump2, c->as.p);
    }
    look_up(c, s->value);
}

/* EFLAGS: is the entry at @e the one for @pc...  */
static void emit_compare_pc(Asm *a, Reg e, Reg pc)
{
    asm_op(a, 0x3b | A_W, pc, rm_mem(e, offsetof(JumpCacheEntry, pc)));
}

/* ...and for a TB with these flags?  Not if it is empty. */
static void emit_compare_flags(Asm *a, Reg e, uint32_t flags)
{
    asm_op(a, 0x81, ALU_CMP, rm_mem(e, offsetof(JumpCacheEntry, flags)));
    asm_u32(a, flags);
}

/* With the vCPU's flags, if they may be other ones by now; @tmp is lost. */
static void emit_compare_flags_of(Cg *c, const IrOp *op, Reg e, Reg tmp)
{
    if (op->aux & JMP_FLAGS) {
        asm_load(&c->as, IR_32, tmp, rm_cpu(tcg_target.flags));
        asm_op(&c->as, 0x39, tmp, rm_mem(e, offsetof(JumpCacheEntry, flags)));
    } else {
        emit_compare_flags(&c->as, e, c->tb->flags);
    }
}

static bool is_flat(const Cg *c)
{
    return c->tb->flags & tcg_target.flat_flags;
}

/* The jump cache knows no TB under a CS that is not flat. */
static void emit_probe_jump_cache(Cg *c, const IrOp *op, Reg pc)
{
    Asm *a = &c->as;
    Reg tmp = ra_scratch(c, RS_SCRATCH), e = ra_scratch(c, RS_SCRATCH);
    uint8_t *miss[2];
    Stub *s;

    asm_jump_cache_entry(a, e, pc);
    emit_compare_pc(a, e, pc);
    miss[0] = asm_jcc(a, COND_NE, NULL);
    emit_compare_flags_of(c, op, e, tmp);
    miss[1] = asm_jcc(a, COND_NE, NULL);
    s = stub_new(c, op, stub_look_up);
    s->value = pc;
    s->jump = miss[0];
    s->jump2 = miss[1];
    asm_mov(a, IR_64, tmp, pc);
    asm_alu_imm(a, ALU_AND, IR_64, rm_reg(tmp), (int32_t)PAGE_MASK, false);
    asm_store(a, IR_64, RIP_BASE, tmp);
    asm_op(a, 0xff, 4, rm_mem(e, offsetof(JumpCacheEntry, entry)));
}

static void emit_jmp_ind(Cg *c, const IrOp *op)
{
    Stub *s;
    Reg pc;

    settle_flags(c, op);
    pc = ra_use(c, op->arg[0]);
    ra_end_block(c);
    if (op->aux & JMP_REQUESTS) {
        /* And interrupt_request, behind it. */
        asm_alu_imm(&c->as, ALU_CMP, IR_64,
                    rm_cpu(offsetof(CPUState, exit_request)), 0, false);
        s = stub_new(c, op, stub_serve);
        s->value = pc;
        s->jump = asm_jcc(&c->as, COND_NE, NULL);
    }
    if (c->tb->cflags & CF_NO_CHAIN) {
        asm_store(&c->as, IR_64, RIP, pc);
        asm_call(&c->as, thunks.leave);
    } else if (!is_flat(c) && !(op->aux & JMP_FLAGS)) {
        look_up(c, pc);
    } else {
        emit_probe_jump_cache(c, op, pc);
    }
    after_exit(c);
}

/*
 * A jump within the first page does not tell whether the second one is still
 * mapped behind it.  The jump cache is kept to what is mapped: enter if it
 * names this TB, else look up what is there now.
 */
const uint8_t *emit_guard(Cg *c)
{
    Asm *a = &c->as;
    const uint8_t *start = a->p;
    uint8_t *miss[3];

    if (!tb_spans_pages(c->tb) || !is_flat(c)) {
        return NULL;
    }
    asm_load(a, IR_64, RAX, RIP_BASE);
    asm_alu_imm(a, ALU_ADD, IR_64, rm_reg(RAX), c->tb->pc_offset, false);
    asm_jump_cache_entry(a, RDX, RAX);
    emit_compare_pc(a, RDX, RAX);
    miss[0] = asm_jcc(a, COND_NE, NULL);
    emit_compare_flags(a, RDX, c->tb->flags);
    miss[1] = asm_jcc(a, COND_NE, NULL);
    asm_mov_imm(a, RCX, (uintptr_t)c->start);
    asm_op(a, 0x3b | A_W, RCX, rm_mem(RDX, offsetof(JumpCacheEntry, entry)));
    miss[2] = asm_jcc(a, COND_NE, NULL);
    asm_jmp(a, c->start);
    for (unsigned i = 0; i < ARRAY_LEN(miss); i++) {
        asm_fix_jump(miss[i], a->p);
    }
    look_up(c, RAX);
    return start;
}

static void emit_exit(Cg *c, const IrOp *op)
{
    settle_flags(c, op);
    ra_end_block(c);
    asm_call(&c->as, thunks.leave);
    after_exit(c);
}

bool emit_flow_op(Cg *c, const IrOp *op)
{
    switch (op->opc) {
    case IR_INSN:
        c->insn_off = op->imm;
        return true;
    case IR_LABEL:
        emit_label(c, op);
        return true;
    case IR_BR:
        emit_br(c, op);
        return true;
    case IR_BRCC:
        emit_brcc(c, op);
        return true;
    case IR_BRCOND:
        emit_brcond(c, op);
        return true;
    case IR_GOTO_TB:
        emit_goto_tb(c, op);
        return true;
    case IR_JMP_IND:
        emit_jmp_ind(c, op);
        return true;
    case IR_EXIT:
        emit_exit(c, op);
        return true;
    default:
        return false;
    }
}
