/* SPDX-License-Identifier: MIT */
/*
 * What is known about the guest's flags while ops are emitted, so that an op
 * that may fault can name a recipe for them instead of having them stored.
 *
 * f->cc_now is the recipe that holds at the end of the ops so far; it is lost
 * when a register that it names changes, or when flags are written in a way
 * that no recipe describes.  f->cc_written tells whether X86CPU.cc may be
 * behind: INC and DEC keep C, so their recipe takes it from there.  What ADC and
 * SBB read is noted in X86CPU.cc_in if such a recipe is of use: ir_live tells.
 */
#include "tcg/helper.h"
#include "tcg/ir.h"

static void forget(IrFunc *f)
{
    f->cc_now = (IrRecipe){.x = IR_NONE, .y = IR_NONE};
}

/* Index of the recipe that holds now; 0 when there is none. */
static uint8_t recipe_index(IrFunc *f)
{
    const IrRecipe *now = &f->cc_now;
    IrRecipe *last = &f->recipe[f->nrecipes - 1];

    if (now->opc == IR_INSN) {
        return 0;
    }
    if (f->nrecipes > 1 && last->opc == now->opc && last->size == now->size &&
        last->x == now->x && last->y == now->y) {
        return (uint8_t)(f->nrecipes - 1);
    }
    if (f->nrecipes == IR_MAX_RECIPES) {
        return 0; /* correct, only slower */
    }
    f->recipe[f->nrecipes] = *now;
    return (uint8_t)f->nrecipes++;
}

static bool is_global(const IrFunc *f, IrTemp t)
{
    return t != IR_NONE && f->temp[t].kind == TEMP_GLOBAL;
}

static bool is_stable(const IrFunc *f, IrTemp t)
{
    return is_global(f, t) || ir_is_const(f, t);
}

static void set_recipe(IrFunc *f, const IrOp *op, IrTemp x, IrTemp y)
{
    f->cc_now = (IrRecipe){
        .opc = op->opc,
        .size = op->size,
        .x = x,
        .y = y,
    };
}

/* Result in x, second operand in y: it must outlive the operation. */
static void recipe_of_sum(IrFunc *f, const IrOp *op)
{
    IrTemp dst = op->arg[0], a = op->arg[1], b = op->arg[2];

    if ((op->opc == IR_ADD || op->opc == IR_ADC) && b == dst) {
        b = a; /* either operand of a sum gives the other */
    }
    if (is_global(f, dst) && is_stable(f, b) && b != dst) {
        set_recipe(f, op, dst, b);
    }
}

static void recipe_of_compare(IrFunc *f, const IrOp *op)
{
    IrTemp x = op->arg[0], y = op->arg[1];

    if (is_global(f, x) && is_stable(f, y)) {
        set_recipe(f, op, x, y);
    }
}

/* @op has defined flags: all of them, or all but C. */
static void learn(IrFunc *f, const IrOp *op, bool cc_was_written)
{
    bool all = op->cc_out == IR_CC_ALL;

    switch (op->opc) {
    case IR_ADD:
    case IR_SUB:
    case IR_ADC:
    case IR_SBB:
        if (all) {
            recipe_of_sum(f, op);
        }
        break;
    case IR_CMP:
    case IR_TEST:
        if (all) {
            recipe_of_compare(f, op);
        }
        break;
    case IR_AND:
    case IR_OR:
    case IR_XOR:
    case IR_NEG:
        if (all && is_global(f, op->arg[0])) {
            set_recipe(f, op, op->arg[0], IR_NONE);
        }
        break;
    case IR_INC:
    case IR_DEC:
        if (op->cc_out == (IR_CC_ALL & ~IR_CC_C) && !cc_was_written &&
            is_global(f, op->arg[0])) {
            set_recipe(f, op, op->arg[0], IR_NONE);
        }
        break;
    }
}

static void after_call(IrFunc *f, const IrOp *op)
{
    uint8_t flags = helper_info(op->aux)->flags;

    if (flags & HELPER_PURE) {
        return;
    }
    if (!(flags & HELPER_KEEPS_REGS)) {
        forget(f);
    }
    if (!(flags & HELPER_KEEPS_CC)) {
        forget(f);
        f->cc_written = false; /* the helper has left them in X86CPU.cc */
    }
}

void ir_finish_op(IrFunc *f, IrOp *op)
{
    const IrOpDef *def = &ir_op_defs[op->opc];
    bool was_written = f->cc_written;

    if (ir_op_may_fault(op)) {
        op->recipe = recipe_index(f);
    }
    for (unsigned i = 0; i < def->ndst; i++) {
        if (op->arg[i] != IR_NONE &&
            (op->arg[i] == f->cc_now.x || op->arg[i] == f->cc_now.y)) {
            forget(f);
        }
    }
    if (op->opc == IR_CALL) {
        after_call(f, op);
    } else if (op->opc == IR_LABEL) {
        /* Other paths come in here, with flags of their own. */
        forget(f);
        f->cc_written = true;
    } else if (op->cc_out) {
        forget(f);
        f->cc_written = true;
        learn(f, op, was_written);
    }
}
