/* SPDX-License-Identifier: MIT */
/*
 * Calls of C helpers.  A helper finds the guest's state in X86CPU: thunks
 * store the pinned registers before and load them after.  RDI is its X86CPU,
 * RSI, RDX, RCX and R8 are its arguments.
 */
#include "tcg/helper.h"
#include "tcg/x86_64/cg.h"

#define MAX_ARGS 4
static const uint8_t arg_reg[MAX_ARGS] = { RSI, RDX, RCX, R8 };

/* Arguments to their registers: those in registers at once, then those whose
 * values are at home or constant. */
static void emit_args(Cg *c, const IrOp *op)
{
    Reg dst[MAX_ARGS], src[MAX_ARGS];
    unsigned n = 0;

    for (unsigned i = 0; i < MAX_ARGS; i++) {
        IrTemp t = op->arg[1 + i];

        if (t != IR_NONE && c->temp[t].reg != REG_NONE) {
            dst[n] = arg_reg[i];
            src[n++] = c->temp[t].reg;
        }
    }
    parallel_move(c, n, dst, src);
    for (unsigned i = 0; i < MAX_ARGS; i++) {
        IrTemp t = op->arg[1 + i];

        if (t != IR_NONE && c->temp[t].reg == REG_NONE) {
            ra_load(c, arg_reg[i], t, IR_64);
        }
    }
}

/* Flags: what the helper, a fault or later code reads, to X86CPU.cc. */
static void emit_call_flags(Cg *c, const IrOp *op, unsigned flags)
{
    bool kept = flags & (HELPER_PURE | HELPER_KEEPS_CC);

    if (!(flags & (HELPER_PURE | HELPER_NO_CC))) {
        cc_save(c);
    } else if (flags & (HELPER_PURE | HELPER_NO_FAULT)) {
        if (kept && op->cc_live) {
            cc_save(c);
        }
    } else {
        cc_before_fault(c, op, kept);
    }
    cc_in_memory(c);
}

static void emit_before_call(Cg *c, const IrOp *op, unsigned flags)
{
    if (flags & HELPER_PURE) {
        asm_call(&c->as, thunks.spill_caller);
    } else if (flags & HELPER_NO_FAULT) {
        asm_call(&c->as, thunks.spill_nopc);
    } else {
        asm_call(&c->as, thunks.spill);
        side_add(c, op, c->insn_off);
    }
    if (!(flags & (HELPER_PURE | HELPER_KEEPS_VEC))) {
        asm_op(&c->as, 0xae | A_0F, 2, rm_mem(RSP, FRAME_HOST_MXCSR));
    }
}

static void emit_after_call(Cg *c, unsigned flags)
{
    if (flags & (HELPER_PURE | HELPER_KEEPS_REGS)) {
        asm_call(&c->as, thunks.reload_caller);
    } else {
        asm_call(&c->as, thunks.reload);
    }
    if (!(flags & (HELPER_PURE | HELPER_KEEPS_VEC))) {
        asm_call(&c->as, thunks.mxcsr_guest);
    }
}

/* For -d stats.  The flags have been put away, and RDI is free. */
static void emit_count(Cg *c, unsigned helper)
{
    uint64_t *counter = helper_counter(helper);

    if (counter) {
        asm_mov_imm(&c->as, RDI, (uintptr_t)counter);
        asm_op(&c->as, 0xff | A_W | A_LOCK, 0, rm_mem(RDI, 0)); /* INC */
    }
}

static void emit_call(Cg *c, const IrOp *op)
{
    const HelperInfo *h = helper_info(op->aux);

    emit_call_flags(c, op, h->flags);
    c->fp_marked = false;
    ra_sync(c);
    emit_before_call(c, op, h->flags);
    emit_args(c, op);
    emit_count(c, op->aux);
    asm_load(&c->as, IR_64, RDI, rm_mem(RSP, FRAME_CPU));
    asm_call(&c->as, (const void *)(uintptr_t)h->fn);
    ra_forget(c);
    if (h->flags & HELPER_NORETURN) {
        return;
    }
    emit_after_call(c, h->flags);
    if (op->arg[0] != IR_NONE) {
        ra_define(c, op->arg[0], RAX);
    }
}

static void stub_trap(Cg *c, const Stub *s)
{
    const HelperInfo *h = helper_info(s->op->aux);

    stub_save(c, s);
    asm_call(&c->as, thunks.spill);
    side_add(c, s->op, s->insn_off);
    asm_op(&c->as, 0xae | A_0F, 2, rm_mem(RSP, FRAME_HOST_MXCSR));
    asm_mov_imm(&c->as, RSI, s->op->imm);
    asm_load(&c->as, IR_64, RDI, rm_mem(RSP, FRAME_CPU));
    asm_call(&c->as, (const void *)(uintptr_t)h->fn);
}

static void emit_trapif(Cg *c, const IrOp *op)
{
    Stub *s;

    cc_before_fault(c, op, true);
    emit_compare(c, op);
    s = stub_new(c, op, stub_trap);
    s->jump = asm_jcc(&c->as, op->cond, NULL);
    cc_in_memory(c);
}

/* The host's order is the guest's but for loads that pass older stores. */
static void emit_fence(Cg *c, const IrOp *op)
{
    if (op->aux == FENCE_ALL) {
        asm_op(&c->as, 0xae | A_0F, 6, rm_reg(RAX)); /* MFENCE: 0F AE F0 */
    }
}

bool emit_call_op(Cg *c, const IrOp *op)
{
    switch (op->opc) {
    case IR_CALL:
        emit_call(c, op);
        return true;
    case IR_TRAPIF:
        emit_trapif(c, op);
        return true;
    case IR_FENCE:
        emit_fence(c, op);
        return true;
    default:
        return false;
    }
}
