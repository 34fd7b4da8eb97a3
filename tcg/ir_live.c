/* SPDX-License-Identifier: MIT */
/*
 * Backward liveness of temps and flags in one pass; dead ops are dropped.
 *
 * Who may see what:
 *  - a fault (or a helper) sees every global, hence before any op that may
 *    fault all of them are live; flags only when the op has no recipe, or
 *    where the recipe takes C from X86CPU.cc (from X86CPU.cc_in: its ADC is
 *    told to note it there);
 *  - the successor of an exit sees all globals, and flags as @cc_out says;
 *  - control flow: all globals and locals are live at labels and branches.
 *    Flags at a label further down are known when the branch to it is met, as
 *    the pass runs upwards; for loops back everything is assumed live.
 */
#include "tcg/helper.h"
#include "tcg/ir.h"
#include "tcg/vops.h"

#include <string.h>

typedef struct Liveness {
    IrFunc *f;
    uint8_t cc;                       /* flags live at this point */
    uint8_t cc_exit;                  /* at exits */
    bool cc_in;                       /* a recipe takes what ADC or SBB read */
    uint64_t globals;                 /* which bits of live[0] are those */
    uint64_t live[IR_MAX_TEMPS / 64]; /* a bit for each temp */
    uint8_t label_cc[IR_MAX_LABELS];
} Liveness;

_Static_assert(IR_MAX_GLOBALS <= 64, "globals are the first temps");

static bool is_live(const Liveness *l, IrTemp t)
{
    return l->live[t / 64] >> (t % 64) & 1;
}

static void set_live(Liveness *l, IrTemp t)
{
    l->live[t / 64] |= BIT64(t % 64);
}

static void set_dead(Liveness *l, IrTemp t)
{
    l->live[t / 64] &= ~BIT64(t % 64);
}

static void revive_globals(Liveness *l)
{
    l->live[0] |= l->globals;
}

/* What is live after the op @op that ends a basic block. */
static void at_block_end(Liveness *l, const IrOp *op)
{
    const IrFunc *f = l->f;
    bool leaves = ir_op_defs[op->opc].attrs & IR_ATTR_X;

    for (unsigned t = 0; t < f->ntemps; t += 64) {
        l->live[t / 64] = leaves ? 0 : f->locals[t / 64];
    }
    revive_globals(l);
    if (leaves) {
        l->cc = l->cc_exit;
    } else if (op->opc == IR_BR) {
        l->cc = l->label_cc[op->imm];
    } else if (op->opc != IR_LABEL) {
        l->cc |= l->label_cc[op->imm];
    }
}

static bool is_removable(const Liveness *l, const IrOp *op)
{
    const IrOpDef *def = &ir_op_defs[op->opc];
    bool pure_vop =
        op->opc == IR_VOP && !(vop_defs[op->aux].attrs & VOP_ATTR_FP);

    if ((def->attrs & IR_ATTR_S) && !pure_vop && op->opc != IR_PUTCC) {
        return false;
    }
    if (op->cc_out & l->cc) {
        return false;
    }
    for (unsigned i = 0; i < def->ndst; i++) {
        if (op->arg[i] != IR_NONE && is_live(l, op->arg[i])) {
            return false;
        }
    }
    return true;
}

/* Record and kill the destinations, then revive the sources. */
static void scan_args(Liveness *l, IrOp *op)
{
    unsigned ndst = ir_op_defs[op->opc].ndst;
    unsigned nargs = ir_op_args(op);

    op->dead = 0;
    for (unsigned i = 0; i < nargs; i++) {
        IrTemp t = op->arg[i];

        if (t != IR_NONE && !is_live(l, t) &&
            l->f->temp[t].kind != TEMP_CONST) {
            op->dead |= BIT(i);
        }
    }
    for (unsigned i = 0; i < ndst; i++) {
        if (op->arg[i] != IR_NONE) {
            set_dead(l, op->arg[i]);
        }
    }
    for (unsigned i = ndst; i < nargs; i++) {
        if (op->arg[i] != IR_NONE) {
            set_live(l, op->arg[i]);
        }
    }
}

/* What writes a part of a register keeps the rest of it: not a kill. */
static void keep_partial_vector(Liveness *l, const IrOp *op)
{
    if (ir_keeps_upper(op) && op->arg[0] != IR_NONE &&
        l->f->temp[op->arg[0]].kind == TEMP_GLOBAL &&
        l->f->temp[op->arg[0]].vector) {
        set_live(l, op->arg[0]);
    }
}

/* X86CPU.cc_in costs ADC a store: not worth it if X86CPU.cc has to be right for
 * the op @op anyway. */
static uint8_t flags_seen_by_fault(Liveness *l, IrOp *op)
{
    const IrRecipe *r = &l->f->recipe[op->recipe];

    if (op->recipe && ir_takes_cc_in(r->opc)) {
        if (op->cc_live & ~IR_CC_C) {
            op->recipe = 0;
        } else {
            l->cc_in = true;
        }
    }
    if (!op->recipe) {
        return IR_CC_ALL;
    }
    return r->opc == IR_INC || r->opc == IR_DEC ? IR_CC_C : 0;
}

static void scan_flags(Liveness *l, IrOp *op)
{
    uint8_t in, killed = op->cc_out;

    if (l->cc_in && op->cc_out == IR_CC_ALL && ir_takes_cc_in(op->opc)) {
        op->aux = IR_NOTE_CC_IN;
        l->cc_in = false;
    }
    op->cc_live = l->cc;
    op->cc_out &= l->cc;
    in = ir_op_cc_in(l->f, op);
    if (op->opc == IR_CALL &&
        !(helper_info(op->aux)->flags & (HELPER_PURE | HELPER_KEEPS_CC))) {
        killed = IR_CC_ALL;
    }
    l->cc = (l->cc & ~killed) | in;
}

/* Of an op with attribute S: who looks at registers and flags there. */
static void scan_effects(Liveness *l, IrOp *op)
{
    bool may_fault = ir_op_may_fault(op);

    if (may_fault) {
        l->cc |= flags_seen_by_fault(l, op);
    }
    if (may_fault ||
        (op->opc == IR_CALL && !(helper_info(op->aux)->flags & HELPER_PURE))) {
        revive_globals(l);
    }
    if (op->opc == IR_LABEL) {
        l->label_cc[op->imm] = l->cc;
    }
}

/* Returns false when the op is of no use. */
static bool scan_op(Liveness *l, IrOp *op)
{
    uint8_t attrs = ir_op_defs[op->opc].attrs;

    if (attrs & IR_ATTR_E) {
        at_block_end(l, op);
    }
    if (is_removable(l, op)) {
        return false;
    }
    scan_args(l, op);
    keep_partial_vector(l, op);
    scan_flags(l, op);
    if (attrs & IR_ATTR_S) {
        scan_effects(l, op);
    }
    return true;
}

/*
 * @op makes a plain temp for nothing but @next, which moves it to a register:
 * make @op write that itself.  As no op is between the two, a fault of @op sees
 * the same.  Returns true if @next is of no more use.
 */
static bool absorb_move(Liveness *l, IrOp *op, const IrOp *next)
{
    IrTemp t = next->arg[1], to = next->arg[0];
    unsigned ndst = ir_op_defs[op->opc].ndst;

    if (next->opc != IR_MOV || next->size != IR_64 || !(next->dead & BIT(1)) ||
        l->f->temp[t].kind != TEMP_PLAIN) {
        return false;
    }
    for (unsigned i = 0; i < ndst; i++) {
        if (op->arg[i] == t && (ndst == 1 || op->arg[!i] != to)) {
            op->arg[i] = to;
            set_dead(l, t);
            set_live(l, to);
            return true;
        }
    }
    return false;
}

void ir_live(IrFunc *f, uint8_t cc_out)
{
    Liveness l; /* not cleared: what is used of it depends on the function */
    unsigned keep = f->nops;

    l.f = f;
    l.cc = l.cc_exit = cc_out;
    l.cc_in = false;
    l.globals = f->nglobals < 64 ? BIT64(f->nglobals) - 1 : UINT64_MAX;
    memset(l.live, 0, sizeof(l.live));
    memset(l.label_cc, IR_CC_ALL, f->nlabels);
    for (unsigned i = f->nops; i-- > 0;) {
        while (keep < f->nops && absorb_move(&l, &f->op[i], &f->op[keep])) {
            keep++;
        }
        if (scan_op(&l, &f->op[i])) {
            f->op[--keep] = f->op[i];
        }
    }
    memmove(f->op, f->op + keep, (f->nops - keep) * sizeof(f->op[0]));
    f->nops -= keep;
}
