/* SPDX-License-Identifier: MIT */
/*
 * Moves, extensions, address arithmetic and fields of X86CPU.  None of these
 * touches the host's flags.
 */
#include "tcg/x86_64/cg.h"

static void emit_mov(Cg *c, const IrOp *op)
{
    int64_t value;
    Reg src, r;

    if (op->size == IR_64 || ra_is_const(c, op->arg[1], &value)) {
        r = ra_modify(c, op, 1, 0);
    } else {
        src = ra_use(c, op->arg[1]);
        r = ra_result_over(c, op, 1);
        asm_mov(&c->as, IR_32, r, src);
    }
    ra_define(c, op->arg[0], r);
}

/* Low byte or word of src1 into src0. */
static void emit_dep(Cg *c, const IrOp *op)
{
    int64_t value;
    Reg r, src;

    if (ra_is_const(c, op->arg[2], &value)) {
        r = ra_modify(c, op, 1, 0);
        asm_store_imm(&c->as, op->size, rm_reg(r), value);
    } else {
        src = ra_use(c, op->arg[2]);
        r = ra_modify(c, op, 1, RS(src));
        asm_store(&c->as, op->size, rm_reg(r), src);
    }
    ra_define(c, op->arg[0], r);
}

/* The number of AH to BH, given RAX to RBX: usable without REX only. */
static Reg high8(Reg r)
{
    return r + 4;
}

static void emit_deph(Cg *c, const IrOp *op)
{
    Reg src = ra_use_in(c, op->arg[2], RS_HIGH8);
    Reg r = ra_modify(c, op, 1, RS(src));

    if (RS(r) & RS_HIGH8) {
        asm_op(&c->as, 0x8a, high8(r), rm_reg(src));
    } else {
        Reg tmp = ra_scratch(c, RS_SCRATCH & RS_HIGH8);

        asm_mov(&c->as, IR_64, tmp, r);
        asm_op(&c->as, 0x8a, high8(tmp), rm_reg(src));
        asm_mov(&c->as, IR_64, r, tmp);
    }
    ra_define(c, op->arg[0], r);
}

static void emit_exth(Cg *c, const IrOp *op)
{
    Reg src = ra_use_in(c, op->arg[1], RS_HIGH8);
    Reg r = ra_result_over(c, op, 1);

    if (r < R8) {
        asm_op(&c->as, 0xb6 | A_0F, r, rm_reg(high8(src))); /* MOVZX */
    } else {
        Reg tmp = ra_scratch(c, RS_SCRATCH);

        asm_op(&c->as, 0xb6 | A_0F, tmp, rm_reg(high8(src)));
        asm_mov(&c->as, IR_32, r, tmp);
    }
    ra_define(c, op->arg[0], r);
}

static void emit_extend(Cg *c, const IrOp *op)
{
    MemOp from = (op->memop & MO_SIZE) | (op->opc == IR_SX ? MO_SIGN : 0);
    Reg src = ra_use(c, op->arg[1]);
    Reg r = ra_result_over(c, op, 1);

    asm_extend(&c->as, op->size, from, r, rm_reg(src));
    if (op->opc == IR_SX && op->size == IR_16) {
        asm_extend(&c->as, IR_32, MO_16, r, rm_reg(r));
    }
    ra_define(c, op->arg[0], r);
}

static void emit_lea(Cg *c, const IrOp *op)
{
    Reg base = REG_NONE, index = REG_NONE, r;
    unsigned shift = op->aux;
    int64_t disp = op->imm;

    if (op->arg[1] != IR_NONE) {
        base = ra_use(c, op->arg[1]);
    }
    if (op->arg[2] != IR_NONE) {
        index = ra_use(c, op->arg[2]);
    }
    if (op->size == IR_32) {
        disp = (int32_t)disp;
    }
    if (!fits_i32(disp)) {
        /* src0 + big constant first, in a register of its own */
        Reg big = ra_scratch(c, RS_SCRATCH);

        asm_mov_imm(&c->as, big, disp);
        if (base != REG_NONE) {
            asm_lea(&c->as, IR_64, big, rm_sib(big, base, 0, 0));
        }
        base = big;
        disp = 0;
    }
    r = op->arg[1] != IR_NONE && fits_i32(op->imm)
            ? ra_result_over(c, op, 1)
            : ra_result(c, op->arg[0], 0);
    if (base == REG_NONE && index == REG_NONE) {
        asm_mov_imm(&c->as, r, op->size == IR_32 ? (uint32_t)disp : disp);
    } else if (index == REG_NONE && !disp) {
        asm_mov(&c->as, op->size, r, base);
    } else {
        asm_lea(&c->as, op->size, r, rm_sib(base, index, shift, disp));
    }
    ra_define(c, op->arg[0], r);
}

/*
 * A field that is (part of) a global: bring it to memory; for a store let the
 * register be loaded again.
 */
static void settle_globals(Cg *c, const IrOp *op, bool reload)
{
    int64_t end = op->imm + memop_bytes(op->memop);
    IrTemp t = ir_global_in(op->imm, end, 0);

    for (; t != IR_NONE; t = ir_global_in(op->imm, end, t + 1)) {
        Rm home = rm_cpu(ir_global_info(t)->offset);

        if (!ra_is_pinned(c, t)) {
            ra_sync_temp(c, t);
            if (reload) {
                ra_forget_temp(c, t);
            }
        } else if (reload) {
            asm_load(&c->as, IR_64, (Reg)c->temp[t].reg, home);
        } else {
            asm_store(&c->as, IR_64, home, (Reg)c->temp[t].reg);
        }
    }
}

static void emit_ld_cpu(Cg *c, const IrOp *op)
{
    MemOp from = op->memop & (MO_SIZE | MO_SIGN);
    Reg r;

    settle_globals(c, op, false);
    r = ra_result(c, op->arg[0], 0);
    asm_extend(&c->as, IR_64, from, r, rm_cpu(op->imm));
    ra_define(c, op->arg[0], r);
}

static void emit_st_cpu(Cg *c, const IrOp *op)
{
    IrSize size = (IrSize)(op->memop & MO_SIZE);
    int64_t value;

    settle_globals(c, op, false);
    if (ra_is_const(c, op->arg[0], &value) &&
        (size != IR_64 || fits_i32(value))) {
        asm_store_imm(&c->as, size, rm_cpu(op->imm), value);
    } else {
        Reg src = ra_use(c, op->arg[0]);

        asm_store(&c->as, size, rm_cpu(op->imm), src);
    }
    settle_globals(c, op, true);
}

bool emit_move_op(Cg *c, const IrOp *op)
{
    switch (op->opc) {
    case IR_MOV:
        emit_mov(c, op);
        return true;
    case IR_DEP:
        emit_dep(c, op);
        return true;
    case IR_DEPH:
        emit_deph(c, op);
        return true;
    case IR_EXTH:
        emit_exth(c, op);
        return true;
    case IR_ZX:
    case IR_SX:
        emit_extend(c, op);
        return true;
    case IR_LEA:
        emit_lea(c, op);
        return true;
    case IR_LD_CPU:
        emit_ld_cpu(c, op);
        return true;
    case IR_ST_CPU:
        emit_st_cpu(c, op);
        return true;
    default:
        return false;
    }
}
