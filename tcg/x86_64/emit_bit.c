/* SPDX-License-Identifier: MIT */
/*
 * Bit tests, scans and counts, BMI1, BMI2, CRC32.
 *
 * BT and its kin are taken to leave all flags but CF alone, which is what
 * processors do where the SDM (vol. 2A, "BT") calls OF, SF, AF, PF undefined.
 */
#include "tcg/x86_64/cg.h"

static void emit_bt(Cg *c, const IrOp *op)
{
    unsigned n = ir_op_defs[op->opc].ndst;
    unsigned kind = op->opc - IR_BT; /* BT, BTS, BTR, BTC */
    int64_t bit;
    bool fixed = ra_is_const(c, op->arg[n + 1], &bit);
    Reg a, b = REG_NONE;

    cc_prepare(c, op, 0, IR_CC_C);
    if (!fixed) {
        b = ra_use(c, op->arg[n + 1]);
    }
    a = n ? ra_modify(c, op, 1, fixed ? 0 : RS(b)) : ra_use(c, op->arg[0]);
    if (fixed) {
        asm_op(&c->as, a_wide(0xba | A_0F, op->size), 4 + kind, rm_reg(a));
        asm_u8(&c->as, bit & ((8 << op->size) - 1));
    } else {
        asm_op(&c->as, a_wide((0xa3 + 8 * kind) | A_0F, op->size), b,
               rm_reg(a));
    }
    if (n) {
        if (op->size == IR_32) {
            asm_mov(&c->as, IR_32, a, a);
        }
        ra_define(c, op->arg[0], a);
    }
    cc_finish(c, op, IR_CC_C);
}

/* The host, too, leaves all of the destination when the source is zero. */
static void emit_bit_scan(Cg *c, const IrOp *op)
{
    IrOp whole = *op;
    Reg b, r;

    whole.size = IR_64; /* for the copy of src0 */
    cc_prepare(c, op, 0, IR_CC_ALL);
    b = ra_use(c, op->arg[2]);
    r = ra_modify(c, &whole, 1, RS(b));
    asm_op(&c->as,
           a_wide((op->opc == IR_BSF ? 0xbc : 0xbd) | A_0F, op->size), r,
           rm_reg(b));
    ra_define(c, op->arg[0], r);
    cc_finish(c, op, IR_CC_ALL);
}

static void emit_bit_count(Cg *c, const IrOp *op)
{
    uint32_t opcode = op->opc == IR_TZCNT   ? 0xbc
                      : op->opc == IR_LZCNT ? 0xbd
                                            : 0xb8;
    Reg a, r;

    cc_prepare(c, op, 0, IR_CC_ALL);
    if (op->size == IR_16) {
        r = a = ra_modify(c, op, 1, 0);
    } else {
        a = ra_use(c, op->arg[1]);
        r = ra_result_over(c, op, 1);
    }
    asm_op(&c->as, a_wide(opcode | A_0F | A_F3, op->size), r, rm_reg(a));
    ra_define(c, op->arg[0], r);
    cc_finish(c, op, IR_CC_ALL);
}

static void emit_bswap(Cg *c, const IrOp *op)
{
    Reg r = ra_modify(c, op, 1, 0);

    /* 0F C8+r: like an opcode with /n in ModRM's place. */
    asm_u8(&c->as, 0x40 | (op->size == IR_64 ? 8 : 0) | (r >> 3));
    asm_u8(&c->as, 0x0f);
    asm_u8(&c->as, 0xc8 | (r & 7));
    ra_define(c, op->arg[0], r);
}

/* Three operands: @a is the VEX.vvvv one, @b the r/m one. */
static void emit_vex3(Cg *c, const IrOp *op, uint32_t opcode, unsigned a,
                      unsigned b, uint8_t clobbers)
{
    Reg ra, rb, r;

    cc_prepare(c, op, 0, clobbers);
    ra = ra_use(c, op->arg[a]);
    rb = ra_use(c, op->arg[b]);
    r = ra_result_over(c, op, 1);
    asm_vex(&c->as, a_wide(opcode, op->size), r, ra, rm_reg(rb));
    ra_define(c, op->arg[0], r);
    cc_finish(c, op, clobbers);
}

/* BLSR, BLSMSK, BLSI: /1 to /3, the destination in VEX.vvvv. */
static void emit_bls(Cg *c, const IrOp *op, unsigned n)
{
    Reg a, r;

    cc_prepare(c, op, 0, IR_CC_ALL);
    a = ra_use(c, op->arg[1]);
    r = ra_result_over(c, op, 1);
    asm_vex(&c->as, a_wide(0xf3 | A_38, op->size), n, r, rm_reg(a));
    ra_define(c, op->arg[0], r);
    cc_finish(c, op, IR_CC_ALL);
}

static void emit_crc32(Cg *c, const IrOp *op)
{
    IrSize from = (IrSize)(op->memop & MO_SIZE);
    Reg b = ra_use(c, op->arg[2]);
    Reg r = ra_modify(c, op, 1, RS(b));
    uint32_t opcode = 0xf0 | A_38 | A_F2;

    opcode = from == IR_8 ? opcode | A_RM8 : a_wide(opcode | 1, from);
    asm_op(&c->as, opcode, r, rm_reg(b));
    ra_define(c, op->arg[0], r);
}

bool emit_bit_op(Cg *c, const IrOp *op)
{
    switch (op->opc) {
    case IR_BT ... IR_BTC:
        emit_bt(c, op);
        return true;
    case IR_BSF:
    case IR_BSR:
        emit_bit_scan(c, op);
        return true;
    case IR_TZCNT:
    case IR_LZCNT:
    case IR_POPCNT:
        emit_bit_count(c, op);
        return true;
    case IR_BSWAP:
        emit_bswap(c, op);
        return true;
    case IR_ANDN:
        emit_vex3(c, op, 0xf2 | A_38, 1, 2, IR_CC_ALL);
        return true;
    case IR_BLSI:
        emit_bls(c, op, 3);
        return true;
    case IR_BLSR:
        emit_bls(c, op, 1);
        return true;
    case IR_BLSMSK:
        emit_bls(c, op, 2);
        return true;
    case IR_BEXTR:
        emit_vex3(c, op, 0xf7 | A_38, 2, 1, IR_CC_ALL);
        return true;
    case IR_BZHI:
        emit_vex3(c, op, 0xf5 | A_38, 2, 1, IR_CC_ALL);
        return true;
    case IR_PDEP:
        emit_vex3(c, op, 0xf5 | A_38 | A_F2, 1, 2, 0);
        return true;
    case IR_PEXT:
        emit_vex3(c, op, 0xf5 | A_38 | A_F3, 1, 2, 0);
        return true;
    case IR_CRC32:
        emit_crc32(c, op);
        return true;
    default:
        return false;
    }
}
