/* SPDX-License-Identifier: MIT */
/*
 * Where a guest access finds its host operand: a probe of the soft TLB inline,
 * or the probe that the leader of its group has made (ir_group.c).  See
 * exec/tlb.h for the layout.
 *
 * A leader keeps the addend of the page that holds the bytes of the whole
 * group, or 0 if its probe failed.  A member tests that.  Either then makes a
 * probe for itself, out of line, before it goes slow.
 */
#include "tcg/x86_64/cg.h"

Address emit_address(Cg *c, const IrOp *op)
{
    Reg base = ra_use(c, op->arg[ir_op_defs[op->opc].ndst]);
    Reg sum;

    /* With room for the bytes of a group. */
    if (fits_i32(op->imm - INT16_MAX) && fits_i32(op->imm + INT16_MAX)) {
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

/* tag = what a fitting entry holds, if the access goes on to @end bytes from
 * its address. */
static void emit_tlb_tag(Cg *c, const IrOp *op, Address a, int32_t end, Reg tag)
{
    int32_t bytes = memop_bytes(op->memop);
    int32_t last = end - 1;
    int32_t mask = (int32_t)PAGE_MASK;

    if (op->memop & (MO_ALIGN | MO_AC)) {
        /* Of so many aligned bytes none crosses a page. */
        mask |= bytes - 1;
        last = ROUND_UP(end, bytes) - bytes;
    }
    if (a.disp + last) {
        asm_lea(&c->as, IR_64, tag, rm_mem(a.reg, a.disp + last));
    } else {
        asm_mov(&c->as, IR_64, tag, a.reg);
    }
    asm_alu_imm(&c->as, ALU_AND, IR_64, rm_reg(tag), mask, false);
}

/* The same for bytes @lo to @hi (exclusive) from the address. */
static uint8_t *probe_range(Cg *c, const IrOp *op, Address a, int32_t lo,
                            int32_t hi, bool write, Reg idx, Reg tag)
{
    int32_t table = offsetof(CPUState, tlb_table) +
                    memop_mmu(op->memop) * sizeof(TLBEntry *);
    int32_t field = write ? offsetof(TLBEntry, write)
                          : offsetof(TLBEntry, read);
    uint8_t *miss;

    emit_tlb_offset(c, (Address){ a.reg, a.disp + lo }, idx);
    emit_tlb_tag(c, op, a, hi, tag);
    asm_op(&c->as, 0x03 | A_W, idx, rm_cpu(table)); /* ADD */
    asm_op(&c->as, 0x3b | A_W, tag, rm_mem(idx, field)); /* CMP */
    miss = asm_jcc(&c->as, COND_NE, NULL);
    asm_load(&c->as, IR_64, idx, rm_mem(idx, offsetof(TLBEntry, addend)));
    return miss;
}

uint8_t *emit_probe(Cg *c, const IrOp *op, Address a, bool write, Reg idx,
                    Reg tag)
{
    return probe_range(c, op, a, 0, memop_bytes(op->memop), write, idx, tag);
}

void stub_address(Cg *c, const Stub *s)
{
    if (s->disp) {
        asm_lea(&c->as, IR_64, RAX, rm_mem(s->addr, s->disp));
    } else if (s->addr != RAX) {
        asm_mov(&c->as, IR_64, RAX, s->addr);
    }
}

/* --- accesses --- */

static bool op_writes(const IrOp *op)
{
    return op->opc == IR_ST || op->opc == IR_STV || (op->memop & MO_RMW);
}

static const IrGroup *group_of(const Cg *c, const IrOp *op)
{
    return op->group ? &c->f->group[op->group] : NULL;
}

static bool is_leader(const Cg *c, const IrOp *op, const IrGroup *g)
{
    return op == &c->f->op[g->leader];
}

Access access_begin(Cg *c, const IrOp *op)
{
    cc_before_access(c, op);
    cc_finish(c, op, IR_CC_ALL);
    return (Access){ .addr = emit_address(c, op), .free = REG_NONE };
}

static void probe_inline(Cg *c, const IrOp *op, Access *x, Stub *s,
                         const IrGroup *g, Reg idx, Reg tag)
{
    int32_t lo = g ? g->lo : 0, hi = g ? g->hi : (int)memop_bytes(op->memop);
    bool write = g ? g->write : op_writes(op);

    s->jump = probe_range(c, op, x->addr, lo, hi, write, idx, tag);
    if (g) {
        s->addend = idx;
        ra_define(c, g->addend, idx);
    }
}

static void test_leader(Cg *c, Stub *s, Reg addend)
{
    s->addend = addend;
    asm_op(&c->as, 0x85 | A_W, addend, rm_reg(addend)); /* TEST */
    s->jump = asm_jcc(&c->as, COND_E, NULL);
}

Stub *access_probe(Cg *c, const IrOp *op, Access *x, StubFn *slow, bool result)
{
    const IrGroup *g = group_of(c, op);
    bool member = g && !is_leader(c, op, g);
    Reg addend, tag = REG_NONE;
    Stub *s;

    if (member) {
        addend = ra_use(c, g->addend);
        tag = result ? ra_scratch(c, RS_SCRATCH) : REG_NONE;
    } else {
        addend = ra_scratch(c, RS_SCRATCH);
        tag = ra_scratch(c, RS_SCRATCH);
    }
    s = stub_new(c, op, slow);
    s->addr = x->addr.reg;
    s->disp = x->addr.disp;
    if (member) {
        test_leader(c, s, addend);
    } else {
        probe_inline(c, op, x, s, g, addend, tag);
    }
    x->operand = rm_sib(addend, x->addr.reg, 0, x->addr.disp);
    x->free = tag;
    return s;
}

void access_end(Cg *c, const Access *x)
{
    const IrGroup *g = group_of(c, x->stub->op);

    if (g && x->stub->op == &c->f->op[g->last]) {
        ra_forget_temp(c, g->addend);
    }
}

/* A register for the second probe, and whether its value has to come back. */
static Reg spare_for_retry(const Stub *s, bool *save)
{
    RegSet taken = RS(s->addr) | RS(s->addend);

    if (s->value >= 0) {
        taken |= RS(s->value);
    }
    for (Reg r = RAX;; r++) {
        if ((RS(r) & RS_SCRATCH) && !(RS(r) & taken)) {
            *save = s->busy & RS(r);
            return r;
        }
    }
}

void access_retry(Cg *c, const Stub *s, AccessBody *body)
{
    Rm saved = rm_mem(RSP, FRAME_SPARE);
    uint8_t *miss;
    bool save;
    Reg tag;

    if (s->addend == REG_NONE) {
        return;
    }
    tag = spare_for_retry(s, &save);
    if (save) {
        asm_store(&c->as, IR_64, saved, tag);
    }
    miss = emit_probe(c, s->op, (Address){ s->addr, s->disp },
                      op_writes(s->op), s->addend, tag);
    if (save) {
        asm_load(&c->as, IR_64, tag, saved);
    }
    body(c, s, rm_sib(s->addend, s->addr, 0, s->disp));
    access_return(c, s);
    asm_fix_jump(miss, c->as.p);
    if (save) {
        asm_load(&c->as, IR_64, tag, saved);
    }
    asm_mov_imm(&c->as, s->addend, 0);
}

void access_return(Cg *c, const Stub *s)
{
    if (s->addend != REG_NONE) {
        asm_mov_imm(&c->as, s->addend, 0);
    }
    stub_jump_back(c, s);
}
