/* SPDX-License-Identifier: MIT */
/*
 * Read-modify-write and compare-exchange on guest memory: one probe, then the
 * host's own instruction on the host's address, so that the flags are its own
 * and a lock prefix is a lock prefix.
 *
 * Fast path: RAX is the probe's second register and free after it; it ends up
 * with the old value.  Slow path: pointer in RDX, source in RCX, old value in
 * RAX, RDI to spare.
 */
#include "tcg/x86_64/cg.h"

/* Registers and operand of the host instruction. */
typedef struct Rmw {
    Rm mem;
    Reg value; /* or REG_NONE: none, or the immediate */
    int32_t imm;
    Reg spare; /* for a loop, or REG_NONE */
    bool old;  /* the old value is to be left in RAX */
    bool lock;
} Rmw;

static bool is_locked(const Cg *c, const IrOp *op)
{
    return (op->memop & MO_LOCK) && (c->tb->cflags & CF_PARALLEL);
}

static bool is_bit_op(const IrOp *op)
{
    return op->aux >= IR_BTS && op->aux <= IR_BTC;
}

/* Atomic, with the old value, and no single instruction for it. */
static bool needs_loop(const Cg *c, const IrOp *op)
{
    return op->arg[0] != IR_NONE && is_locked(c, op) &&
           op->aux != IR_ADD && op->aux != IR_MOV;
}

static uint8_t rmw_reads(const IrOp *op)
{
    return op->aux == IR_ADC || op->aux == IR_SBB ? IR_CC_C : 0;
}

/* Flags that the host's instruction changes. */
static uint8_t rmw_clobbers(const Cg *c, const IrOp *op)
{
    if (op->opc == IR_CMPXCHG || needs_loop(c, op)) {
        return IR_CC_ALL;
    }
    switch (op->aux) {
    case IR_MOV:
    case IR_NOT:
        return 0;
    case IR_INC:
    case IR_DEC:
        return IR_CC_ALL & ~IR_CC_C;
    case IR_BTS ... IR_BTC:
        return IR_CC_C;
    default:
        return IR_CC_ALL;
    }
}

/* The sub-operation on @dst, memory or register. */
static void emit_sub_op(Cg *c, const IrOp *op, const Rmw *m, Rm dst, bool lock)
{
    static const uint8_t alu[] = {
        [IR_ADD - IR_ADD] = ALU_ADD, [IR_SUB - IR_ADD] = ALU_SUB,
        [IR_ADC - IR_ADD] = ALU_ADC, [IR_SBB - IR_ADD] = ALU_SBB,
        [IR_AND - IR_ADD] = ALU_AND, [IR_OR - IR_ADD] = ALU_OR,
        [IR_XOR - IR_ADD] = ALU_XOR,
    };
    uint32_t prefix = lock ? A_LOCK : 0;

    switch (op->aux) {
    case IR_NOT:
        asm_op(&c->as, a_size(0xf6, op->size) | prefix, 2, dst);
        break;
    case IR_NEG:
        asm_op(&c->as, a_size(0xf6, op->size) | prefix, 3, dst);
        break;
    case IR_INC:
        asm_op(&c->as, a_size(0xfe, op->size) | prefix, 0, dst);
        break;
    case IR_DEC:
        asm_op(&c->as, a_size(0xfe, op->size) | prefix, 1, dst);
        break;
    case IR_BTS ... IR_BTC:
        if (m->value == REG_NONE) {
            asm_op(&c->as, a_wide(0xba | A_0F, op->size) | prefix,
                   4 + op->aux - IR_BT, dst);
            asm_u8(&c->as, m->imm & ((8 << op->size) - 1));
        } else {
            asm_op(&c->as,
                   a_wide((0xa3 + 8 * (op->aux - IR_BT)) | A_0F, op->size) |
                       prefix,
                   m->value, dst);
        }
        break;
    default:
        if (m->value == REG_NONE) {
            asm_alu_imm(&c->as, alu[op->aux - IR_ADD], op->size, dst, m->imm,
                        lock);
        } else {
            asm_op(&c->as,
                   a_size(alu[op->aux - IR_ADD] << 3, op->size) | prefix,
                   m->value, dst);
        }
        break;
    }
}

/* RAX holds an 8- or 16-bit old value and other bits: zero-extend. */
static void emit_extend_old(Cg *c, const IrOp *op)
{
    if (op->size < IR_32) {
        asm_extend(&c->as, IR_32, (MemOp)op->size, RAX, rm_reg(RAX));
    }
}

static void emit_load_old(Cg *c, const IrOp *op, const Rmw *m)
{
    asm_extend(&c->as, IR_64, (MemOp)op->size, RAX, m->mem);
}

/* Compare-exchange until nobody came between, then the flags once more. */
static void emit_rmw_loop(Cg *c, const IrOp *op, const Rmw *m)
{
    const uint8_t *again;

    emit_load_old(c, op, m);
    again = c->as.p;
    asm_mov(&c->as, IR_64, m->spare, RAX);
    if (rmw_reads(op)) {
        cc_load_carry(c);
    }
    emit_sub_op(c, op, m, rm_reg(m->spare), false);
    asm_op(&c->as, a_size(0xb0 | A_0F, op->size) | A_LOCK, m->spare, m->mem);
    asm_jcc(&c->as, COND_NE, again);
    if (cc_wanted(op)) {
        asm_mov(&c->as, IR_64, m->spare, RAX);
        if (rmw_reads(op)) {
            cc_load_carry(c);
        }
        emit_sub_op(c, op, m, rm_reg(m->spare), false);
    }
}

/* The host's instruction; flags that it reads are in EFLAGS. */
static void emit_rmw_body(Cg *c, const IrOp *op, const Rmw *m)
{
    if (op->opc == IR_CMPXCHG) {
        asm_op(&c->as, a_size(0xb0 | A_0F, op->size) |
                           (m->lock ? A_LOCK : 0),
               m->value, m->mem);
        emit_extend_old(c, op);
    } else if (op->aux == IR_MOV || (op->aux == IR_ADD && m->old)) {
        if (m->value == REG_NONE) {
            asm_mov_imm(&c->as, RAX, m->imm);
        } else {
            asm_mov(&c->as, IR_64, RAX, m->value);
        }
        asm_op(&c->as,
               op->aux == IR_MOV ? a_size(0x86, op->size)
                                 : a_size(0xc0 | A_0F, op->size) |
                                       (m->lock ? A_LOCK : 0),
               RAX, m->mem);
        emit_extend_old(c, op);
    } else if (needs_loop(c, op)) {
        emit_rmw_loop(c, op, m);
    } else {
        if (m->old) {
            emit_load_old(c, op, m);
        }
        emit_sub_op(c, op, m, m->mem, m->lock);
    }
}

/* Before the instruction: flags from X86CPU.cc that have to go through it.
 * RAX is free. */
static void emit_flags_in(Cg *c, const IrOp *op)
{
    uint8_t clobbers = rmw_clobbers(c, op);
    uint8_t kept = cc_kept(op);
    uint8_t need = rmw_reads(op);

    if (needs_loop(c, op)) {
        return; /* it loads what it needs, when it needs it */
    }
    if (cc_wanted(op) && !(kept & clobbers)) {
        need |= kept;
    }
    if (need == IR_CC_C) {
        cc_load_carry(c);
    } else if (need) {
        c->cc_host = false;
        ra_unlock(c, RAX);
        cc_reload(c);
        c->locked |= RS(RAX);
    }
}

/* Bit numbers beyond the operand would name other memory. */
static void emit_mask_bit(Cg *c, const IrOp *op, Reg r)
{
    asm_alu_imm(&c->as, ALU_AND, IR_32, rm_reg(r), (8 << op->size) - 1,
                false);
}

/* The immediate form is for constants that fit. */
static bool rmw_imm(const Cg *c, const IrOp *op, int32_t *imm)
{
    int64_t value;

    *imm = 0;
    if (op->opc == IR_CMPXCHG) {
        return false;
    }
    if (op->arg[2] == IR_NONE) {
        return true;
    }
    if (!ra_is_const(c, op->arg[2], &value) ||
        (op->size == IR_64 && !fits_i32(value))) {
        return false;
    }
    *imm = value;
    return true;
}

static IrTemp rmw_source(const IrOp *op)
{
    return op->arg[op->opc == IR_CMPXCHG ? 3 : 2];
}

/* Ask for the pointer, operate on it, hand it back. */
static void stub_rmw(Cg *c, const Stub *s)
{
    const IrOp *op = s->op;
    Rmw m = {
        .mem = rm_mem(RDX, 0),
        .value = REG_NONE,
        .spare = RDI,
        .old = op->arg[0] != IR_NONE,
        .lock = is_locked(c, op),
    };

    stub_save(c, s);
    stub_address(c, s);
    asm_store(&c->as, IR_64, rm_mem(RSP, FRAME_ADDR), RAX);
    asm_mov_imm(&c->as, RDX, op->memop);
    asm_call(&c->as, thunks.rmw);
    side_add(c, op, s->insn_off);
    asm_mov(&c->as, IR_64, RDX, RAX);
    if (!rmw_imm(c, op, &m.imm)) {
        m.value = RCX;
        stub_load(c, RCX, rmw_source(op));
        if (op->opc == IR_RMW && is_bit_op(op)) {
            emit_mask_bit(c, op, RCX);
        }
    }
    emit_flags_in(c, op);
    if (op->opc == IR_CMPXCHG) {
        stub_load(c, RAX, op->arg[2]);
        if (op->size == IR_32) {
            asm_mov(&c->as, IR_32, RAX, RAX);
        }
    }
    emit_rmw_body(c, op, &m);
    asm_u8(&c->as, 0x9c); /* PUSHFQ */
    asm_op(&c->as, 0x8f, 0, rm_mem(RSP, FRAME_EFLAGS)); /* POP */
    asm_store(&c->as, IR_64, rm_mem(RSP, FRAME_OLD), RAX);
    asm_load(&c->as, IR_64, RAX, rm_mem(RSP, FRAME_ADDR));
    asm_mov_imm(&c->as, RDX, op->memop);
    asm_call(&c->as, thunks.rmw_commit);
    side_add(c, op, s->insn_off);
    stub_restore(c, s);
    asm_load(&c->as, IR_64, RAX, rm_mem(RSP, FRAME_OLD));
    asm_op(&c->as, 0xff, 6, rm_mem(RSP, FRAME_EFLAGS)); /* PUSH */
    asm_u8(&c->as, 0x9d);                               /* POPFQ */
    stub_jump_back(c, s);
}

/* The source operand in a register that the instruction may use as it is. */
static Reg emit_source(Cg *c, const IrOp *op)
{
    Reg v = ra_use(c, rmw_source(op));

    if (op->opc == IR_RMW && is_bit_op(op)) {
        Reg masked = ra_scratch(c, RS_SCRATCH);

        asm_mov(&c->as, IR_32, masked, v);
        emit_mask_bit(c, op, masked);
        ra_unlock(c, v);
        return masked;
    }
    return v;
}

/* The expected value goes to RAX after the probe, from its home if it has no
 * register for itself. */
static void emit_park_expected(Cg *c, const IrOp *op)
{
    IrTemp t = op->arg[2];
    int64_t value;

    if (!ra_is_pinned(c, t) && !ra_is_const(c, t, &value) &&
        t != op->arg[1] && t != op->arg[3]) {
        ra_sync_temp(c, t);
        ra_forget_temp(c, t);
    }
}

static void emit_rmw(Cg *c, const IrOp *op)
{
    uint8_t clobbers = rmw_clobbers(c, op);
    Rmw m = { .value = REG_NONE, .spare = REG_NONE,
              .old = op->arg[0] != IR_NONE, .lock = is_locked(c, op) };
    Address a;
    Reg idx;
    Stub *s;

    if (rmw_reads(op)) {
        cc_save(c);
    }
    cc_before_fault(c, op, true);
    cc_in_memory(c);
    if (op->opc == IR_CMPXCHG) {
        emit_park_expected(c, op);
    }
    ra_take(c, RAX);
    a = emit_address(c, op);
    if (!rmw_imm(c, op, &m.imm)) {
        m.value = emit_source(c, op);
    }
    idx = ra_scratch(c, RS_SCRATCH);
    s = stub_new(c, op, stub_rmw);
    s->addr = a.reg;
    s->disp = a.disp;
    s->jump = emit_probe(c, op, a, true, idx, RAX);
    m.mem = rm_sib(idx, a.reg, 0, a.disp);
    if (needs_loop(c, op)) {
        asm_lea(&c->as, IR_64, idx, m.mem);
        m.mem = rm_mem(idx, 0);
        ra_unlock(c, a.reg);
        m.spare = ra_scratch(c, RS_SCRATCH);
    }
    emit_flags_in(c, op);
    if (op->opc == IR_CMPXCHG) {
        ra_load(c, RAX, op->arg[2], op->size);
    }
    emit_rmw_body(c, op, &m);
    stub_join(c, s);
    if (m.old) {
        ra_define(c, op->arg[0], RAX);
    }
    cc_finish(c, op, clobbers);
}

bool emit_rmw_op(Cg *c, const IrOp *op)
{
    switch (op->opc) {
    case IR_RMW:
    case IR_CMPXCHG:
        emit_rmw(c, op);
        return true;
    default:
        return false;
    }
}
