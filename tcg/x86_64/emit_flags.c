/* SPDX-License-Identifier: MIT */
/* Ops that read or write the flags as such. */
#include "tcg/x86_64/cg.h"

#define CC_OFFSET (tcg_target.cc)
#define CC_HIGH   (CC_OFFSET + 1) /* the byte with C, P, A, Z and S */

static void emit_set(Cg *c, Reg r, IrCond cond)
{
    asm_mov_imm(&c->as, r, 0); /* not XOR: that would change the flags */
    asm_op(&c->as, 0x90 | cond | A_0F | A_RM8, 0, rm_reg(r));
}

static void emit_setcc(Cg *c, const IrOp *op)
{
    IrCond cond = cc_test(c, op->cond);
    Reg r = ra_result(c, op->arg[0], 0);

    emit_set(c, r, cond);
    ra_define(c, op->arg[0], r);
}

static void emit_setcond(Cg *c, const IrOp *op)
{
    Reg r;

    cc_prepare(c, op, 0, IR_CC_ALL);
    emit_compare(c, op);
    r = ra_result(c, op->arg[0], 0);
    emit_set(c, r, op->cond);
    ra_define(c, op->arg[0], r);
    cc_finish(c, op, IR_CC_ALL);
}

static void emit_movcc(Cg *c, const IrOp *op)
{
    IrCond cond = cc_test(c, op->cond);
    bool swap = op->arg[0] == op->arg[1];
    Reg other = ra_use(c, op->arg[swap ? 2 : 1]);
    Reg r = ra_modify(c, op, swap ? 1 : 2, RS(other));

    asm_op(&c->as,
           a_wide(0x40 | (swap ? cond_invert(cond) : cond) | A_0F, op->size),
           r, rm_reg(other));
    ra_define(c, op->arg[0], r);
}

/* EFLAGS has C to S in its first byte as LAHF has, and O in bit 11. */
static void emit_getcc(Cg *c, const IrOp *op)
{
    Reg r, o;

    cc_save(c);
    cc_in_memory(c);
    o = ra_scratch(c, RS_SCRATCH);
    r = ra_result(c, op->arg[0], 0);
    asm_extend(&c->as, IR_32, MO_8, r, rm_cpu(CC_HIGH));
    asm_extend(&c->as, IR_32, MO_8, o, rm_cpu(CC_OFFSET));
    asm_alu_imm(&c->as, ALU_AND, IR_32, rm_reg(r), CC_EFLAGS & 0xff, false);
    asm_op(&c->as, 0xc1, 4, rm_reg(o)); /* SHL */
    asm_u8(&c->as, 11);
    asm_alu(&c->as, ALU_OR, IR_32, rm_reg(r), o);
    ra_define(c, op->arg[0], r);
}

static void emit_putcc(Cg *c, const IrOp *op)
{
    uint32_t take = 0;
    Reg src, r, o;

    if (op->aux != IR_CC_ALL) {
        cc_save(c);
    }
    take |= (op->aux & IR_CC_C) ? CC_BIT_C : 0;
    take |= (op->aux & IR_CC_P) ? CC_BIT_P : 0;
    take |= (op->aux & IR_CC_A) ? CC_BIT_A : 0;
    take |= (op->aux & IR_CC_Z) ? CC_BIT_Z : 0;
    take |= (op->aux & IR_CC_S) ? CC_BIT_S : 0;
    take |= (op->aux & IR_CC_O) ? CC_BIT_O : 0;
    src = ra_use(c, op->arg[0]);
    r = ra_scratch(c, RS_SCRATCH);
    o = ra_scratch(c, RS_SCRATCH);
    asm_extend(&c->as, IR_32, MO_8, r, rm_reg(src));
    asm_op(&c->as, 0xc1, 4, rm_reg(r)); /* SHL */
    asm_u8(&c->as, 8);
    asm_mov(&c->as, IR_32, o, src);
    asm_op(&c->as, 0xc1, 5, rm_reg(o)); /* SHR */
    asm_u8(&c->as, 11);
    asm_alu_imm(&c->as, ALU_AND, IR_32, rm_reg(o), CC_BIT_O, false);
    asm_alu(&c->as, ALU_OR, IR_32, rm_reg(r), o);
    asm_alu_imm(&c->as, ALU_AND, IR_32, rm_reg(r), take, false);
    if (op->aux == IR_CC_ALL) {
        asm_store(&c->as, IR_16, rm_cpu(CC_OFFSET), r);
    } else {
        asm_alu_imm(&c->as, ALU_AND, IR_16, rm_cpu(CC_OFFSET),
                    (uint16_t)~take, false);
        asm_alu(&c->as, ALU_OR, IR_16, rm_cpu(CC_OFFSET), r);
    }
    cc_in_memory(c);
}

static void emit_setc(Cg *c, const IrOp *op)
{
    static const uint8_t host[] = { 0xf8, 0xf9, 0xf5 }; /* CLC, STC, CMC */
    static const uint8_t alu[] = { ALU_AND, ALU_OR, ALU_XOR };

    if (!cc_wanted(op)) {
        return;
    }
    if (c->cc_host) {
        asm_u8(&c->as, host[op->aux]);
        cc_drop_temp(c);
        c->cc_mem = false;
    } else {
        uint8_t bit = CC_BIT_C >> 8;

        cc_save(c);
        cc_in_memory(c);
        asm_alu_imm(&c->as, alu[op->aux], IR_8, rm_cpu(CC_HIGH),
                    op->aux ? bit : (uint8_t)~bit, false);
    }
}

bool emit_flags_op(Cg *c, const IrOp *op)
{
    switch (op->opc) {
    case IR_SETCC:
        emit_setcc(c, op);
        return true;
    case IR_SETCOND:
        emit_setcond(c, op);
        return true;
    case IR_MOVCC:
        emit_movcc(c, op);
        return true;
    case IR_GETCC:
        emit_getcc(c, op);
        return true;
    case IR_PUTCC:
        emit_putcc(c, op);
        return true;
    case IR_SETC:
        emit_setc(c, op);
        return true;
    default:
        return false;
    }
}
