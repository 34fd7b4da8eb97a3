/* SPDX-License-Identifier: MIT */
/*
 * The guest's flags.  They stay in the host's EFLAGS from the op that makes
 * them to the op that uses them, and move to X86CPU.cc only when something
 * between the two changes EFLAGS.  An op asks for that by cc_prepare; flags
 * that ir_live has found dead are just lost.
 *
 * Where only C lives on, as from one word of a long addition to the next, it
 * waits in a register, as CC_TEMP, each bit of which is C: through memory, the
 * chain would wait for a store and a load at each word.
 */
#include "tcg/x86_64/cg.h"

#define CC_OFFSET (tcg_target.cc)

uint8_t cc_wanted(const IrOp *op)
{
    return op->cc_out & op->cc_live;
}

void cc_drop_temp(Cg *c)
{
    ra_forget_temp(c, CC_TEMP);
    c->cc_temp = false;
}

void cc_in_memory(Cg *c)
{
    cc_drop_temp(c);
    c->cc_host = false;
    c->cc_mem = true;
}

/* C is the one flag of EFLAGS that will be read. */
static void save_carry(Cg *c)
{
    Reg r = ra_scratch(c, RS_SCRATCH);

    asm_alu(&c->as, ALU_SBB, IR_32, rm_reg(r), r); /* keeps CF */
    ra_define(c, CC_TEMP, r);
    ra_unlock(c, r);
    c->cc_temp = true;
}

static void store_carry(Cg *c)
{
    Reg r = ra_use(c, CC_TEMP);

    asm_store(&c->as, IR_8, rm_cpu(CC_OFFSET + 1), r);
    ra_unlock(c, r);
    c->cc_mem = true;
}

void cc_save(Cg *c)
{
    if (c->cc_mem) {
        return;
    }
    if (c->cc_temp) {
        store_carry(c);
        return;
    }
    ra_take(c, RAX);
    asm_u8(&c->as, 0x9f); /* LAHF */
    asm_op(&c->as, 0x90 | COND_O | A_0F | A_RM8, 0, rm_reg(RAX)); /* SETO */
    asm_store(&c->as, IR_16, rm_cpu(CC_OFFSET), RAX);
    ra_unlock(c, RAX);
    c->cc_mem = true;
}

void cc_reload(Cg *c)
{
    if (c->cc_host) {
        return;
    }
    if (c->cc_temp) {
        cc_load_carry(c);
        c->cc_host = true;
        return;
    }
    ra_take(c, RAX);
    asm_extend(&c->as, IR_32, MO_16, RAX, rm_cpu(CC_OFFSET));
    /* 1 + 0x7f overflows, 0 + 0x7f does not. */
    asm_alu_imm(&c->as, ALU_ADD, IR_8, rm_reg(RAX), 0x7f, false);
    asm_u8(&c->as, 0x9e); /* SAHF */
    ra_unlock(c, RAX);
    c->cc_host = true;
}

void cc_load_carry(Cg *c)
{
    Reg r = c->cc_temp ? (Reg)c->temp[CC_TEMP].reg : REG_NONE;
    Rm from = !c->cc_temp     ? rm_cpu(CC_OFFSET)
              : r == REG_NONE ? ra_home(c, CC_TEMP)
                              : rm_reg(r);

    asm_op(&c->as, 0xba | A_0F | A_66, 4, from); /* BT */
    asm_u8(&c->as, __builtin_ctz(CC_BIT_C));
}

void cc_note_in(Cg *c)
{
    Rm in = rm_cpu(tcg_target.cc_in);
    Reg r = c->cc_temp ? (Reg)c->temp[CC_TEMP].reg : REG_NONE;

    if (r != REG_NONE) {
        asm_store(&c->as, IR_8, in, r);
    } else {
        asm_op(&c->as, 0x90 | COND_B | A_0F | A_RM8, 0, in); /* SETB */
    }
}

/* EFLAGS is about to change, and @live flags are read afterwards. */
static void put_away(Cg *c, uint8_t live)
{
    if (live != IR_CC_C) {
        cc_save(c);
    } else if (c->cc_host && !c->cc_temp) {
        save_carry(c);
    }
}

/* Flags that the SDM leaves undefined after the instruction of an op. */
static uint8_t undefined_flags(const IrOp *op)
{
    switch (op->opc == IR_RMW ? op->aux : op->opc) {
    case IR_AND:
    case IR_OR:
    case IR_XOR:
    case IR_TEST:
        return IR_CC_A;
    case IR_SHL ... IR_SAR:
    case IR_SHLD:
    case IR_SHRD:
        return IR_CC_A | IR_CC_O;
    case IR_ROL ... IR_RCR:
        return IR_CC_O;
    case IR_IMUL:
    case IR_MULU2:
    case IR_MULS2:
        return IR_CC_S | IR_CC_Z | IR_CC_A | IR_CC_P;
    case IR_BSF:
    case IR_BSR:
        return IR_CC_ALL & ~IR_CC_Z;
    case IR_TZCNT:
    case IR_LZCNT:
        return IR_CC_O | IR_CC_S | IR_CC_A | IR_CC_P;
    case IR_ANDN ... IR_BZHI:
        return IR_CC_A | IR_CC_P | IR_CC_S;
    default:
        return 0;
    }
}

uint8_t cc_kept(const IrOp *op)
{
    uint8_t gone = op->cc_out;

    if (op->cc_out) {
        gone |= undefined_flags(op);
    }
    return op->cc_live & ~gone;
}

/* Some of those are changed by the host's instruction, beside its result. */
static bool must_merge(const IrOp *op, uint8_t clobbers)
{
    return cc_wanted(op) && (cc_kept(op) & clobbers);
}

void cc_prepare(Cg *c, const IrOp *op, uint8_t reads, uint8_t clobbers)
{
    uint8_t wanted = cc_wanted(op);

    if (clobbers && must_merge(op, clobbers)) {
        cc_save(c);
    } else if (clobbers && !wanted && op->cc_live) {
        put_away(c, op->cc_live);
    } else if (wanted) {
        /* What is kept goes through the instruction, beside its result. */
        reads |= cc_kept(op);
    }
    if (!reads || c->cc_host) {
        return;
    }
    if (reads == IR_CC_C) {
        cc_load_carry(c);
        /* Only CF: good enough if nothing else has to come through. */
    } else {
        cc_reload(c);
    }
}

/* X86CPU.cc: the flags in @mask from EFLAGS, the others stay. */
static void cc_merge(Cg *c, uint8_t mask)
{
    static const uint16_t bit[] = { CC_BIT_C, CC_BIT_P, CC_BIT_A,
                                    CC_BIT_Z, CC_BIT_S, CC_BIT_O };
    uint16_t take = 0;

    for (unsigned i = 0; i < ARRAY_LEN(bit); i++) {
        take |= (mask >> i & 1) ? bit[i] : 0;
    }
    ra_take(c, RAX);
    asm_u8(&c->as, 0x9f); /* LAHF */
    asm_op(&c->as, 0x90 | COND_O | A_0F | A_RM8, 0, rm_reg(RAX)); /* SETO */
    asm_alu_imm(&c->as, ALU_AND, IR_32, rm_reg(RAX), take, false);
    asm_alu_imm(&c->as, ALU_AND, IR_16, rm_cpu(CC_OFFSET),
                (uint16_t)~take, false);
    asm_alu(&c->as, ALU_OR, IR_16, rm_cpu(CC_OFFSET), RAX);
    ra_unlock(c, RAX);
}

void cc_finish(Cg *c, const IrOp *op, uint8_t clobbers)
{
    if (must_merge(op, clobbers)) {
        cc_merge(c, cc_wanted(op));
        cc_in_memory(c);
    } else if (cc_wanted(op)) {
        cc_drop_temp(c);
        c->cc_host = true;
        c->cc_mem = false;
    } else if (clobbers && c->cc_temp && op->cc_live) {
        c->cc_host = false;
    } else if (clobbers) {
        cc_in_memory(c);
    }
}

static bool fault_looks(const Cg *c, const IrOp *op)
{
    const IrRecipe *r = &c->f->recipe[op->recipe];

    /* INC and DEC leave C to X86CPU.cc. */
    return !op->recipe || r->opc == IR_INC || r->opc == IR_DEC;
}

void cc_before_fault(Cg *c, const IrOp *op, bool clobbered)
{
    if (fault_looks(c, op) || (clobbered && op->cc_live)) {
        cc_save(c);
    }
}

void cc_before_access(Cg *c, const IrOp *op)
{
    if (fault_looks(c, op)) {
        cc_save(c);
    }
    if (op->cc_live) {
        put_away(c, op->cc_live);
    }
}

/* A condition that one TEST of a byte of X86CPU.cc can tell. */
static bool cc_test_memory(Cg *c, IrCond cond)
{
    static const uint16_t bits[] = {
        [COND_O / 2] = CC_BIT_O,  [COND_B / 2] = CC_BIT_C,
        [COND_E / 2] = CC_BIT_Z,  [COND_BE / 2] = CC_BIT_C | CC_BIT_Z,
        [COND_S / 2] = CC_BIT_S,  [COND_P / 2] = CC_BIT_P,
        [COND_G / 2] = 0,
    };
    uint16_t mask = bits[cond / 2];

    if (!mask) {
        return false;
    }
    asm_test_imm(&c->as, IR_8, rm_cpu(CC_OFFSET + (mask > 0xff)),
                 mask > 0xff ? mask >> 8 : mask);
    return true;
}

IrCond cc_test(Cg *c, IrCond cond)
{
    if (c->cc_host) {
        return cond;
    }
    if (!c->cc_temp && cc_test_memory(c, cond)) {
        return (cond & 1) ? COND_E : COND_NE;
    }
    cc_reload(c);
    return cond;
}
