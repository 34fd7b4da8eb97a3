/* SPDX-License-Identifier: MIT */
/*
 * Guest loads and stores: a probe of the soft TLB inline, everything else out
 * of line.  See exec/tlb.h for the layout.
 */
#include "tcg/x86_64/cg.h"

Address emit_address(Cg *c, const IrOp *op)
{
    Reg base = ra_use(c, op->arg[ir_op_defs[op->opc].ndst]);
    Reg sum;

    if (fits_i32(op->imm) && fits_i32(op->imm + 32)) {
        return (Address){ base, op->imm };
    }
    sum = ra_scratch(c, RS_SCRATCH);
    asm_mov_imm(&c->as, sum, op->imm);
    asm_lea(&c->as, IR_64, sum, rm_sib(sum, base, 0, 0));
    ra_unlock(c, base);
    return (Address){ sum, 0 };
}

/* idx = byte offset in the table of the entry for the address. */
static void emit_tlb_offset(Cg *c, Address a, Reg idx)
{
    if (a.disp == 0) {
        asm_vex(&c->as, 0xf0 | A_3A | A_F2, idx, 0, rm_reg(a.reg)); /* RORX */
        asm_u8(&c->as, TLB_INDEX_SHIFT);
    } else {
        asm_lea(&c->as, IR_32, idx, rm_mem(a.reg, a.disp));
        asm_op(&c->as, 0xc1, 5, rm_reg(idx)); /* SHR */
        asm_u8(&c->as, TLB_INDEX_SHIFT);
    }
    asm_alu_imm(&c->as, ALU_AND, IR_32, rm_reg(idx), TLB_OFFSET_MASK, false);
}

/* tag = what a fitting entry holds. */
static void emit_tlb_tag(Cg *c, const IrOp *op, Address a, Reg tag)
{
    int32_t last = memop_bytes(op->memop) - 1;
    int32_t mask = (int32_t)PAGE_MASK;

    if (op->memop & (MO_ALIGN | MO_AC)) {
        /* Aligned accesses cannot cross a page. */
        mask |= last;
        last = 0;
    }
    if (a.disp + last) {
        asm_lea(&c->as, IR_64, tag, rm_mem(a.reg, a.disp + last));
    } else {
        asm_mov(&c->as, IR_64, tag, a.reg);
    }
    asm_alu_imm(&c->as, ALU_AND, IR_64, rm_reg(tag), mask, false);
}

uint8_t *emit_probe(Cg *c, const IrOp *op, Address a, bool write, Reg idx,
                    Reg tag)
{
    int32_t table = offsetof(CPUState, tlb_table) +
                    memop_mmu(op->memop) * sizeof(TLBEntry *);
    int32_t field = write ? offsetof(TLBEntry, write)
                          : offsetof(TLBEntry, read);
    uint8_t *miss;

    emit_tlb_offset(c, a, idx);
    emit_tlb_tag(c, op, a, tag);
    asm_op(&c->as, 0x03 | A_W, idx, rm_cpu(table)); /* ADD */
    asm_op(&c->as, 0x3b | A_W, tag, rm_mem(idx, field)); /* CMP */
    miss = asm_jcc(&c->as, COND_NE, NULL);
    asm_load(&c->as, IR_64, idx, rm_mem(idx, offsetof(TLBEntry, addend)));
    return miss;
}

void stub_address(Cg *c, const Stub *s)
{
    if (s->disp) {
        asm_lea(&c->as, IR_64, RAX, rm_mem(s->addr, s->disp));
    } else if (s->addr != RAX) {
        asm_mov(&c->as, IR_64, RAX, s->addr);
    }
}

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

static void stub_ld(Cg *c, const Stub *s)
{
    stub_save(c, s);
    stub_address(c, s);
    asm_mov_imm(&c->as, RDX, s->op->memop);
    asm_call(&c->as, thunks.load);
    side_add(c, s->op, s->insn_off);
    emit_load_result(c, s->op, s->dst);
    stub_restore(c, s);
    stub_jump_back(c, s);
}

static void emit_ld(Cg *c, const IrOp *op)
{
    MemOp from = op->memop & (MO_SIZE | MO_SIGN);
    Address a;
    Reg idx, tag, dst;
    Stub *s;

    cc_before_fault(c, op, true);
    c->cc_host = false;
    c->cc_mem = true;
    a = emit_address(c, op);
    idx = ra_scratch(c, RS_SCRATCH);
    tag = ra_scratch(c, RS_SCRATCH);
    dst = op->arg[0] != IR_NONE && ra_is_pinned(c, op->arg[0])
              ? (Reg)c->temp[op->arg[0]].reg
              : idx;
    s = stub_new(c, op, stub_ld);
    s->addr = a.reg;
    s->disp = a.disp;
    s->dst = dst;
    s->jump = emit_probe(c, op, a, op->memop & MO_RMW, idx, tag);
    asm_extend(&c->as, op->size, from, dst, rm_sib(idx, a.reg, 0, a.disp));
    if ((from & MO_SIGN) && op->size == IR_16) {
        asm_extend(&c->as, IR_32, MO_16, dst, rm_reg(dst));
    }
    if (op->arg[0] != IR_NONE) {
        ra_define(c, op->arg[0], dst);
    }
    stub_join(c, s);
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

static void stub_st(Cg *c, const Stub *s)
{
    stub_save(c, s);
    stub_store_operands(c, s);
    asm_mov_imm(&c->as, RCX, s->op->memop);
    asm_call(&c->as, thunks.store);
    side_add(c, s->op, s->insn_off);
    stub_restore(c, s);
    stub_jump_back(c, s);
}

static void emit_st(Cg *c, const IrOp *op)
{
    IrSize size = (IrSize)(op->memop & MO_SIZE);
    Reg value = REG_NONE, idx, tag;
    int64_t imm = 0;
    Address a;
    Stub *s;

    cc_before_fault(c, op, true);
    c->cc_host = false;
    c->cc_mem = true;
    a = emit_address(c, op);
    if (!ra_is_const(c, op->arg[1], &imm) ||
        (size == IR_64 && !fits_i32(imm))) {
        value = ra_use(c, op->arg[1]);
    }
    idx = ra_scratch(c, RS_SCRATCH);
    tag = ra_scratch(c, RS_SCRATCH);
    s = stub_new(c, op, stub_st);
    s->addr = a.reg;
    s->disp = a.disp;
    s->value = value;
    s->jump = emit_probe(c, op, a, true, idx, tag);
    if (value == REG_NONE) {
        asm_store_imm(&c->as, size, rm_sib(idx, a.reg, 0, a.disp), imm);
    } else {
        asm_store(&c->as, size, rm_sib(idx, a.reg, 0, a.disp), value);
    }
    stub_join(c, s);
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
