/* SPDX-License-Identifier: MIT */
/*
 * Two-operand arithmetic and logic, multiplication.  Where nobody wants the
 * flags, instructions without them are used, so that older flags survive.
 */
#include "tcg/x86_64/cg.h"

/* The value of @t if it can be an immediate of an instruction of @size. */
static bool as_imm(Cg *c, IrTemp t, IrSize size, int32_t *imm)
{
    int64_t value;

    if (!ra_is_const(c, t, &value)) {
        return false;
    }
    *imm = (int32_t)value;
    return size != IR_64 || fits_i32(value);
}

void emit_compare(Cg *c, const IrOp *op)
{
    unsigned n = ir_op_defs[op->opc].ndst;
    Reg a = ra_use(c, op->arg[n]);
    int32_t imm;

    if (as_imm(c, op->arg[n + 1], op->size, &imm)) {
        asm_alu_imm(&c->as, ALU_CMP, op->size, rm_reg(a), imm, false);
    } else {
        Reg b = ra_use(c, op->arg[n + 1]);

        asm_alu(&c->as, ALU_CMP, op->size, rm_reg(a), b);
    }
}

static void emit_cmp(Cg *c, const IrOp *op)
{
    cc_prepare(c, op, 0, IR_CC_ALL);
    emit_compare(c, op);
    cc_finish(c, op, IR_CC_ALL);
}

static void emit_test(Cg *c, const IrOp *op)
{
    int32_t imm;
    Reg a;

    cc_prepare(c, op, 0, IR_CC_ALL);
    a = ra_use(c, op->arg[0]);
    if (as_imm(c, op->arg[1], op->size, &imm)) {
        asm_test_imm(&c->as, op->size, rm_reg(a), imm);
    } else {
        asm_op(&c->as, a_size(0x84, op->size), ra_use(c, op->arg[1]),
               rm_reg(a));
    }
    cc_finish(c, op, IR_CC_ALL);
}

/* ADD or SUB whose flags nobody wants, as LEA; false if it cannot be. */
static bool emit_as_lea(Cg *c, const IrOp *op)
{
    int64_t value;
    Reg a, r;

    if (op->size < IR_32 || cc_wanted(op) ||
        (op->opc != IR_ADD && op->opc != IR_SUB)) {
        return false;
    }
    if (ra_is_const(c, op->arg[2], &value)) {
        value = op->opc == IR_SUB ? -(uint64_t)value : (uint64_t)value;
        if (op->size == IR_32) {
            value = (int32_t)value;
        }
        if (!fits_i32(value)) {
            return false;
        }
        a = ra_use(c, op->arg[1]);
        r = ra_result_over(c, op, 1);
        asm_lea(&c->as, op->size, r, rm_mem(a, value));
    } else if (op->opc == IR_ADD) {
        Reg b;

        a = ra_use(c, op->arg[1]);
        b = ra_use(c, op->arg[2]);
        r = ra_result_over(c, op, 1);
        asm_lea(&c->as, op->size, r, rm_sib(a, b, 0, 0));
    } else {
        return false;
    }
    ra_define(c, op->arg[0], r);
    return true;
}

/* Would the plain instruction do in place? */
static bool in_place(const IrOp *op)
{
    return op->arg[0] == op->arg[1] && !op->cc_live;
}

static void emit_alu(Cg *c, const IrOp *op, unsigned alu)
{
    uint8_t reads = alu == ALU_ADC || alu == ALU_SBB ? IR_CC_C : 0;
    bool commutes = alu != ALU_SUB && alu != ALU_SBB && op->size >= IR_32;
    int32_t imm;
    Reg a, b;

    if (!in_place(op) && emit_as_lea(c, op)) {
        return;
    }
    cc_prepare(c, op, reads, IR_CC_ALL);
    if (reads && op->aux == IR_NOTE_CC_IN) {
        cc_note_in(c);
    }
    if (as_imm(c, op->arg[2], op->size, &imm)) {
        a = ra_modify(c, op, 1, 0);
        asm_alu_imm(&c->as, alu, op->size, rm_reg(a), imm, false);
    } else if (commutes && op->arg[0] == op->arg[2] &&
               op->arg[1] != op->arg[2]) {
        b = ra_use(c, op->arg[1]);
        a = ra_modify(c, op, 2, RS(b));
        asm_alu(&c->as, alu, op->size, rm_reg(a), b);
    } else {
        b = ra_use(c, op->arg[2]);
        a = ra_modify(c, op, 1, op->arg[0] == op->arg[1] &&
                                        op->arg[1] == op->arg[2]
                                    ? 0
                                    : RS(b));
        asm_alu(&c->as, alu, op->size, rm_reg(a), b);
    }
    ra_define(c, op->arg[0], a);
    cc_finish(c, op, IR_CC_ALL);
}

/* NOT, NEG, INC, DEC: opcode and /n. */
static void emit_unary(Cg *c, const IrOp *op, uint8_t opcode, unsigned n,
                       uint8_t clobbers)
{
    Reg r;

    if ((op->opc == IR_INC || op->opc == IR_DEC) && op->size >= IR_32 &&
        !cc_wanted(op) && op->cc_live) {
        Reg a = ra_use(c, op->arg[1]);

        r = ra_result_over(c, op, 1);
        asm_lea(&c->as, op->size, r, rm_mem(a, op->opc == IR_INC ? 1 : -1));
        ra_define(c, op->arg[0], r);
        return;
    }
    cc_prepare(c, op, 0, clobbers);
    r = ra_modify(c, op, 1, 0);
    asm_op(&c->as, a_size(opcode, op->size), n, rm_reg(r));
    ra_define(c, op->arg[0], r);
    cc_finish(c, op, clobbers);
}

static void emit_imul(Cg *c, const IrOp *op)
{
    int32_t imm;
    Reg a, r;

    cc_prepare(c, op, 0, IR_CC_ALL);
    if (as_imm(c, op->arg[2], op->size, &imm) && op->size >= IR_32) {
        a = ra_use(c, op->arg[1]);
        r = ra_result_over(c, op, 1);
        asm_op(&c->as, a_wide(fits_i8(imm) ? 0x6b : 0x69, op->size), r,
               rm_reg(a));
        if (fits_i8(imm)) {
            asm_u8(&c->as, imm);
        } else {
            asm_u32(&c->as, imm);
        }
    } else {
        a = ra_use(c, op->arg[2]);
        r = ra_modify(c, op, 1, RS(a));
        asm_op(&c->as, a_wide(0xaf | A_0F, op->size), r, rm_reg(a));
    }
    ra_define(c, op->arg[0], r);
    cc_finish(c, op, IR_CC_ALL);
}

/* For half a product: the pinned register of @t, else @r. */
static Reg half_result(const Cg *c, IrTemp t, Reg r)
{
    return t != IR_NONE && ra_is_pinned(c, t) ? (Reg)c->temp[t].reg : r;
}

/* MULX: no flags, and the product where it is wanted. */
static void emit_mulx(Cg *c, const IrOp *op)
{
    Reg b, lo, hi;

    ra_take(c, RDX);
    ra_load(c, RDX, op->arg[2], op->size);
    b = ra_use(c, op->arg[3]);
    lo = half_result(c, op->arg[0], RDX);
    hi = half_result(c, op->arg[1], REG_NONE);
    if (hi == REG_NONE) {
        hi = lo == RDX ? ra_scratch(c, RS_SCRATCH) : RDX;
    }
    asm_vex(&c->as, a_wide(0xf6 | A_38 | A_F2, op->size), hi, lo, rm_reg(b));
    if (op->arg[0] != IR_NONE) {
        ra_define(c, op->arg[0], lo);
    }
    if (op->arg[1] != IR_NONE) {
        ra_define(c, op->arg[1], hi);
    }
}

static void emit_mul2(Cg *c, const IrOp *op)
{
    unsigned n = op->opc == IR_MULS2 ? 5 : 4;
    Reg b;

    if (op->opc == IR_MULU2 && !cc_wanted(op)) {
        emit_mulx(c, op);
        return;
    }
    cc_prepare(c, op, 0, IR_CC_ALL);
    ra_take(c, RAX);
    ra_take(c, RDX);
    b = ra_use(c, op->arg[3]);
    ra_load(c, RAX, op->arg[2], op->size);
    asm_op(&c->as, a_size(0xf6, op->size), n, rm_reg(b));
    if (op->arg[0] != IR_NONE) {
        ra_define(c, op->arg[0], RAX);
    }
    if (op->arg[1] != IR_NONE) {
        ra_define(c, op->arg[1], RDX);
    }
    cc_finish(c, op, IR_CC_ALL);
}

bool emit_alu_op(Cg *c, const IrOp *op)
{
    static const uint8_t alu[] = {
        [IR_ADD - IR_ADD] = ALU_ADD, [IR_SUB - IR_ADD] = ALU_SUB,
        [IR_ADC - IR_ADD] = ALU_ADC, [IR_SBB - IR_ADD] = ALU_SBB,
        [IR_AND - IR_ADD] = ALU_AND, [IR_OR - IR_ADD] = ALU_OR,
        [IR_XOR - IR_ADD] = ALU_XOR,
    };

    switch (op->opc) {
    case IR_ADD ... IR_XOR:
        emit_alu(c, op, alu[op->opc - IR_ADD]);
        return true;
    case IR_CMP:
        emit_cmp(c, op);
        return true;
    case IR_TEST:
        emit_test(c, op);
        return true;
    case IR_NOT:
        emit_unary(c, op, 0xf6, 2, 0);
        return true;
    case IR_NEG:
        emit_unary(c, op, 0xf6, 3, IR_CC_ALL);
        return true;
    case IR_INC:
        emit_unary(c, op, 0xfe, 0, IR_CC_ALL & ~IR_CC_C);
        return true;
    case IR_DEC:
        emit_unary(c, op, 0xfe, 1, IR_CC_ALL & ~IR_CC_C);
        return true;
    case IR_IMUL:
        emit_imul(c, op);
        return true;
    case IR_MULU2:
    case IR_MULS2:
        emit_mul2(c, op);
        return true;
    default:
        return false;
    }
}
