/* SPDX-License-Identifier: MIT */
/*
 * Shifts and rotates.  A count of 0 leaves the flags as they were; the host's
 * instructions do the same, so with a count in CL the old flags have to be in
 * EFLAGS whenever the new ones are wanted.
 */
#include "tcg/x86_64/cg.h"

typedef struct ShiftForm {
    uint8_t n;        /* /n of opcodes C0, C1, D2, D3 */
    uint8_t clobbers; /* flags, if the count is not 0 */
    uint8_t reads;
} ShiftForm;

static const ShiftForm shift_forms[] = {
    [IR_SHL - IR_SHL] = { 4, IR_CC_ALL, 0 },
    [IR_SHR - IR_SHL] = { 5, IR_CC_ALL, 0 },
    [IR_SAR - IR_SHL] = { 7, IR_CC_ALL, 0 },
    [IR_ROL - IR_SHL] = { 0, IR_CC_C | IR_CC_O, 0 },
    [IR_ROR - IR_SHL] = { 1, IR_CC_C | IR_CC_O, 0 },
    [IR_RCL - IR_SHL] = { 2, IR_CC_C | IR_CC_O, IR_CC_C },
    [IR_RCR - IR_SHL] = { 3, IR_CC_C | IR_CC_O, IR_CC_C },
    [IR_SHLD - IR_SHL] = { 0xa4, IR_CC_ALL, 0 }, /* opcode with immediate */
    [IR_SHRD - IR_SHL] = { 0xac, IR_CC_ALL, 0 },
};

static unsigned masked_count(const IrOp *op, int64_t count)
{
    return count & (op->size == IR_64 ? 63 : 31);
}

/* By nothing: the result is the first source. */
static void emit_unshifted(Cg *c, const IrOp *op)
{
    Reg r = ra_modify(c, op, 1, 0);

    if (op->size == IR_32) {
        asm_mov(&c->as, IR_32, r, r);
    }
    ra_define(c, op->arg[0], r);
}

static void emit_shift_imm(Cg *c, const IrOp *op, unsigned count)
{
    const ShiftForm *form = &shift_forms[op->opc - IR_SHL];
    Reg r;

    cc_prepare(c, op, form->reads, form->clobbers);
    r = ra_modify(c, op, 1, 0);
    asm_op(&c->as, a_size(0xc0, op->size), form->n, rm_reg(r));
    asm_u8(&c->as, count);
    ra_define(c, op->arg[0], r);
    cc_finish(c, op, form->clobbers);
}

/* SHLX, SHRX, SARX: no flags in or out. */
static void emit_shift_bmi2(Cg *c, const IrOp *op)
{
    uint32_t prefix = op->opc == IR_SHL   ? A_66
                      : op->opc == IR_SHR ? A_F2
                                          : A_F3;
    Reg a = ra_use(c, op->arg[1]);
    Reg n = ra_use(c, op->arg[2]);
    Reg r = ra_result_over(c, op, 1);

    asm_vex(&c->as, a_wide(0xf7 | A_38 | prefix, op->size), r, n, rm_reg(a));
    ra_define(c, op->arg[0], r);
}

static uint8_t shift_reads(const IrOp *op)
{
    return shift_forms[op->opc - IR_SHL].reads |
           (cc_wanted(op) ? op->cc_live : 0);
}

static void emit_shift_cl(Cg *c, const IrOp *op)
{
    const ShiftForm *form = &shift_forms[op->opc - IR_SHL];
    Reg r;

    cc_prepare(c, op, shift_reads(op), form->clobbers);
    ra_use_fixed(c, op->arg[2], RCX);
    r = ra_modify(c, op, 1, RS(RCX));
    asm_op(&c->as, a_size(0xd2, op->size), form->n, rm_reg(r));
    ra_define(c, op->arg[0], r);
    cc_finish(c, op, form->clobbers);
}

static void emit_shift(Cg *c, const IrOp *op)
{
    int64_t count;

    if (ra_is_const(c, op->arg[2], &count)) {
        if (masked_count(op, count)) {
            emit_shift_imm(c, op, masked_count(op, count));
        } else {
            emit_unshifted(c, op);
        }
    } else if (op->opc <= IR_SAR && op->size >= IR_32 && !cc_wanted(op)) {
        emit_shift_bmi2(c, op);
    } else {
        emit_shift_cl(c, op);
    }
}

/* SHLD, SHRD: the bits to shift in come from a second register. */
static void emit_double_shift(Cg *c, const IrOp *op)
{
    const ShiftForm *form = &shift_forms[op->opc - IR_SHL];
    uint32_t opcode = a_wide(form->n | A_0F, op->size);
    int64_t count;
    bool fixed = ra_is_const(c, op->arg[3], &count);
    Reg b, r;

    if (fixed && !masked_count(op, count)) {
        emit_unshifted(c, op);
        return;
    }
    cc_prepare(c, op, fixed ? 0 : shift_reads(op), form->clobbers);
    if (!fixed) {
        ra_use_fixed(c, op->arg[3], RCX);
    }
    b = ra_use(c, op->arg[2]);
    r = ra_modify(c, op, 1, RS(b) | (fixed ? 0 : RS(RCX)));
    if (fixed) {
        asm_op(&c->as, opcode, b, rm_reg(r));
        asm_u8(&c->as, masked_count(op, count));
    } else {
        asm_op(&c->as, opcode | 1, b, rm_reg(r));
        if (op->size == IR_32) {
            /* A count of 0 need not clear the upper half. */
            asm_mov(&c->as, IR_32, r, r);
        }
    }
    ra_define(c, op->arg[0], r);
    cc_finish(c, op, form->clobbers);
}

bool emit_shift_op(Cg *c, const IrOp *op)
{
    switch (op->opc) {
    case IR_SHL ... IR_RCR:
        emit_shift(c, op);
        return true;
    case IR_SHLD:
    case IR_SHRD:
        emit_double_shift(c, op);
        return true;
    default:
        return false;
    }
}
