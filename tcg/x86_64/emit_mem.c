/* SPDX-License-Identifier: MIT */
/*
 * Guest loads and stores: the operand comes from access.c, everything but the
 * plain case is out of line.
 */
#include "tcg/x86_64/cg.h"

/* A sign-extended load to 32 or 16 bits: cut what the slow path extended. */
static void emit_load_result(Cg *c, const IrOp *op, Reg dst)
{
    if ((op->memop & MO_SIGN) && op->size == IR_32) {
        asm_mov(&c->as, IR_32, dst, RAX);
    } else if ((op->memop & MO_SIGN) && op->size == IR_16) {
        asm_extend(&c->as, IR_32, MO_16, dst, rm_reg(RAX));
    } else if (dst != RAX) {
        asm_mov(&c->as, IR_64, dst, RAX);
    }
}

static void body_ld(Cg *c, const Stub *s, Rm m)
{
    MemOp from = s->op->memop & (MO_SIZE | MO_SIGN);

    asm_extend(&c->as, s->op->size, from, s->dst, m);
    if ((from & MO_SIGN) && s->op->size == IR_16) {
        asm_extend(&c->as, IR_32, MO_16, s->dst, rm_reg(s->dst));
    }
}

/* A member of a group has not been probed for yet. */
static void call_thunk(Cg *c, const Stub *s, const void *slow,
                       const void *const *probe)
{
    bool member = s->addend != REG_NONE;

    asm_call(&c->as, member ? probe[probing_thunk(s->op->memop)] : slow);
    side_add(c, s->op, s->insn_off);
}

static void stub_ld(Cg *c, const Stub *s)
{
    stub_save(c, s);
    stub_address(c, s);
    asm_mov_imm(&c->as, RDX, s->op->memop);
    call_thunk(c, s, thunks.load, thunks.probe_load);
    emit_load_result(c, s->op, s->dst);
    stub_restore(c, s);
    access_return(c, s);
}

static void emit_ld(Cg *c, const IrOp *op)
{
    bool pinned = op->arg[0] != IR_NONE && ra_is_pinned(c, op->arg[0]);
    Access x = access_begin(c, op);

    x.stub = access_probe(c, op, &x, stub_ld, !pinned);
    x.stub->dst = pinned ? (Reg)c->temp[op->arg[0]].reg : x.free;
    body_ld(c, x.stub, x.operand);
    access_end(c, &x);
    if (op->arg[0] != IR_NONE) {
        ra_define(c, op->arg[0], x.stub->dst);
    }
    stub_join(c, x.stub);
}

/* RDX = the value, RAX = the address, whatever registers they are in. */
static void stub_store_operands(Cg *c, const Stub *s)
{
    int64_t value;

    if (s->value == REG_NONE) {
        stub_address(c, s);
        ra_is_const(c, s->op->arg[1], &value);
        asm_mov_imm(&c->as, RDX, value);
    } else {
        const Reg dst[] = { RAX, RDX };
        const Reg src[] = { s->addr, s->value };

        parallel_move(c, 2, dst, src);
        if (s->disp) {
            asm_lea(&c->as, IR_64, RAX, rm_mem(RAX, s->disp));
        }
    }
}

static void body_st(Cg *c, const Stub *s, Rm m)
{
    IrSize size = (IrSize)(s->op->memop & MO_SIZE);
    int64_t imm = 0;

    if (s->value == REG_NONE) {
        ra_is_const(c, s->op->arg[1], &imm);
        asm_store_imm(&c->as, size, m, imm);
    } else {
        asm_store(&c->as, size, m, s->value);
    }
}

static void stub_st(Cg *c, const Stub *s)
{
    stub_save(c, s);
    stub_store_operands(c, s);
    asm_mov_imm(&c->as, RCX, s->op->memop);
    call_thunk(c, s, thunks.store, thunks.probe_store);
    stub_restore(c, s);
    access_return(c, s);
}

static void emit_st(Cg *c, const IrOp *op)
{
    IrSize size = (IrSize)(op->memop & MO_SIZE);
    Access x = access_begin(c, op);
    Reg value = REG_NONE;
    int64_t imm = 0;

    if (!ra_is_const(c, op->arg[1], &imm) ||
        (size == IR_64 && !fits_i32(imm))) {
        value = ra_use(c, op->arg[1]);
    }
    x.stub = access_probe(c, op, &x, stub_st, false);
    x.stub->value = value;
    body_st(c, x.stub, x.operand);
    access_end(c, &x);
    stub_join(c, x.stub);
}

bool emit_mem_op(Cg *c, const IrOp *op)
{
    switch (op->opc) {
    case IR_LD:
        emit_ld(c, op);
        return true;
    case IR_ST:
        emit_st(c, op);
        return true;
    default:
        return false;
    }
}
