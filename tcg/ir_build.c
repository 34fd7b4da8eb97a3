/* SPDX-License-Identifier: MIT */
/* The emitters: one op each, with its fields at their places. */
#include "tcg/ir.h"

#include <stdarg.h>

#include "tcg/vops.h"

void ir_mov(IrFunc *f, IrSize size, IrTemp dst, IrTemp src)
{
    if (dst != src || size != IR_64) {
        ir_op1(f, IR_MOV, size, 0, dst, src);
    }
}

/* @n arguments, destinations first; ops without one skip @dst. */
static void emit_args(IrFunc *f, IrOpc opc, IrSize size, uint8_t cc, IrTemp dst,
                      const IrTemp *src, unsigned n)
{
    IrOp *op = ir_emit(f, opc, size);
    unsigned at = 0;

    op->cc_out = cc;
    if (ir_op_defs[opc].ndst) {
        op->arg[at++] = dst;
    }
    for (unsigned i = 0; i < n; i++) {
        op->arg[at++] = src[i];
    }
    ir_finish_op(f, op);
}

void ir_op1(IrFunc *f, IrOpc opc, IrSize size, uint8_t cc, IrTemp dst, IrTemp a)
{
    emit_args(f, opc, size, cc, dst, &a, 1);
}

void ir_op2(IrFunc *f, IrOpc opc, IrSize size, uint8_t cc, IrTemp dst, IrTemp a,
            IrTemp b)
{
    emit_args(f, opc, size, cc, dst, (IrTemp[]){a, b}, 2);
}

void ir_op3(IrFunc *f, IrOpc opc, IrSize size, uint8_t cc, IrTemp dst, IrTemp a,
            IrTemp b, IrTemp c)
{
    emit_args(f, opc, size, cc, dst, (IrTemp[]){a, b, c}, 3);
}

void ir_mul2(IrFunc *f, IrOpc opc, IrSize size, uint8_t cc, IrTemp lo,
             IrTemp hi, IrTemp a, IrTemp b)
{
    emit_args(f, opc, size, cc, lo, (IrTemp[]){hi, a, b}, 3);
}

void ir_ext(IrFunc *f, IrOpc opc, IrSize size, MemOp from, IrTemp dst,
            IrTemp src)
{
    IrOp *op = ir_emit(f, opc, size);

    op->arg[0] = dst;
    op->arg[1] = src;
    op->memop = from;
    ir_finish_op(f, op);
}

void ir_lea(IrFunc *f, IrSize size, IrTemp dst, IrTemp base, IrTemp index,
            unsigned shift, int64_t disp)
{
    IrOp *op = ir_emit(f, IR_LEA, size);

    op->arg[0] = dst;
    op->arg[1] = base;
    op->arg[2] = index;
    op->aux = (uint16_t)shift;
    op->imm = disp;
    ir_finish_op(f, op);
}

static IrSize size_of_access(MemOp op)
{
    return (op & MO_SIZE) < MO_64 ? (IrSize)(op & MO_SIZE) : IR_64;
}

void ir_ld_cpu(IrFunc *f, IrTemp dst, int32_t offset, MemOp memop)
{
    IrOp *op = ir_emit(f, IR_LD_CPU, IR_64);

    op->arg[0] = dst;
    op->imm = offset;
    op->memop = memop;
    ir_finish_op(f, op);
}

void ir_st_cpu(IrFunc *f, IrTemp src, int32_t offset, MemOp memop)
{
    IrOp *op = ir_emit(f, IR_ST_CPU, size_of_access(memop));

    op->arg[0] = src;
    op->imm = offset;
    op->memop = memop;
    ir_finish_op(f, op);
}

void ir_ld(IrFunc *f, IrSize size, IrTemp dst, IrTemp addr, int64_t disp,
           MemOp memop)
{
    IrOp *op = ir_emit(f, IR_LD, size);

    op->arg[0] = dst;
    op->arg[1] = addr;
    op->imm = disp;
    op->memop = memop;
    f->naccesses++;
    ir_finish_op(f, op);
}

void ir_st(IrFunc *f, IrTemp value, IrTemp addr, int64_t disp, MemOp memop)
{
    IrOp *op = ir_emit(f, IR_ST, size_of_access(memop));

    op->arg[0] = addr;
    op->arg[1] = value;
    op->imm = disp;
    op->memop = memop;
    f->naccesses++;
    ir_finish_op(f, op);
}

void ir_rmw(IrFunc *f, IrOpc sub, IrSize size, uint8_t cc, IrTemp old,
            IrTemp addr, int64_t disp, IrTemp value, MemOp memop)
{
    IrOp *op = ir_emit(f, IR_RMW, size);

    op->arg[0] = old;
    op->arg[1] = addr;
    op->arg[2] = value;
    op->aux = (uint16_t)sub;
    op->cc_out = cc;
    op->imm = disp;
    op->memop = memop;
    ir_finish_op(f, op);
}

void ir_cmpxchg(IrFunc *f, IrSize size, uint8_t cc, IrTemp old, IrTemp addr,
                int64_t disp, IrTemp expected, IrTemp value, MemOp memop)
{
    IrOp *op = ir_emit(f, IR_CMPXCHG, size);

    op->arg[0] = old;
    op->arg[1] = addr;
    op->arg[2] = expected;
    op->arg[3] = value;
    op->cc_out = cc;
    op->imm = disp;
    op->memop = memop;
    ir_finish_op(f, op);
}

static void load_vector(IrFunc *f, VecMode mode, IrTemp dst, IrTemp addr,
                        int64_t disp, MemOp memop)
{
    IrOp *op = ir_emit(f, IR_LDV, (IrSize)mode);

    op->arg[0] = dst;
    op->arg[1] = addr;
    op->imm = disp;
    op->memop = memop;
    f->naccesses++;
    ir_finish_op(f, op);
}

void ir_ldv(IrFunc *f, IrTemp dst, IrTemp addr, int64_t disp, MemOp memop)
{
    bool full = (memop & MO_SIZE) == MO_256;

    load_vector(f, full ? VEC_FULL : VEC_LOW, dst, addr, disp, memop);
}

void ir_ldv_zero(IrFunc *f, IrTemp dst, IrTemp addr, int64_t disp,
                 MemOp memop)
{
    load_vector(f, VEC_ZERO, dst, addr, disp, memop);
}

void ir_stv(IrFunc *f, IrTemp value, IrTemp addr, int64_t disp, MemOp memop)
{
    IrOp *op = ir_emit(f, IR_STV, IR_64);

    op->arg[0] = addr;
    op->arg[1] = value;
    op->imm = disp;
    op->memop = memop;
    f->naccesses++;
    ir_finish_op(f, op);
}

void ir_vmov(IrFunc *f, IrTemp dst, IrTemp src, VecMode mode)
{
    IrOp *op = ir_emit(f, IR_VMOV, (IrSize)mode);

    op->arg[0] = dst;
    op->arg[1] = src;
    ir_finish_op(f, op);
}

void ir_vop(IrFunc *f, VopCode code, IrTemp dst, IrTemp a, IrTemp b,
            uint8_t imm)
{
    ir_vop3(f, code, VEC_LOW, dst, a, b, IR_NONE, imm);
}

void ir_vop3(IrFunc *f, VopCode code, VecMode mode, IrTemp dst, IrTemp a,
             IrTemp b, IrTemp c, uint8_t imm)
{
    IrOp *op = ir_emit(f, IR_VOP, (IrSize)mode);

    op->arg[0] = dst;
    op->arg[1] = a;
    op->arg[2] = b;
    op->arg[3] = c;
    op->aux = (uint16_t)code;
    op->imm = imm;
    op->cc_out = vop_defs[code].shape == VOP_FVV ? IR_CC_ALL : 0;
    ir_finish_op(f, op);
}

void ir_vzeroup(IrFunc *f, unsigned count)
{
    IrOp *op = ir_emit(f, IR_VZEROUP, IR_64);

    op->aux = (uint16_t)count;
    ir_finish_op(f, op);
}

void ir_setcc(IrFunc *f, IrCond cond, IrTemp dst)
{
    IrOp *op = ir_emit(f, IR_SETCC, IR_64);

    op->arg[0] = dst;
    op->cond = cond;
    ir_finish_op(f, op);
}

void ir_movcc(IrFunc *f, IrSize size, IrCond cond, IrTemp dst, IrTemp a,
              IrTemp b)
{
    IrOp *op = ir_emit(f, IR_MOVCC, size);

    op->arg[0] = dst;
    op->arg[1] = a;
    op->arg[2] = b;
    op->cond = cond;
    ir_finish_op(f, op);
}

void ir_setcond(IrFunc *f, IrSize size, IrCond cond, IrTemp dst, IrTemp a,
                IrTemp b)
{
    IrOp *op = ir_emit(f, IR_SETCOND, size);

    op->arg[0] = dst;
    op->arg[1] = a;
    op->arg[2] = b;
    op->cond = cond;
    ir_finish_op(f, op);
}

void ir_getcc(IrFunc *f, IrTemp dst)
{
    IrOp *op = ir_emit(f, IR_GETCC, IR_64);

    op->arg[0] = dst;
    ir_finish_op(f, op);
}

void ir_putcc(IrFunc *f, IrTemp src, uint8_t mask)
{
    IrOp *op = ir_emit(f, IR_PUTCC, IR_64);

    op->arg[0] = src;
    op->aux = mask;
    op->cc_out = mask;
    ir_finish_op(f, op);
}

void ir_setc(IrFunc *f, unsigned how)
{
    IrOp *op = ir_emit(f, IR_SETC, IR_64);

    op->aux = (uint16_t)how;
    op->cc_out = IR_CC_C;
    ir_finish_op(f, op);
}

/* An op with a number and no temps. */
static void emit_imm(IrFunc *f, IrOpc opc, int64_t imm)
{
    IrOp *op = ir_emit(f, opc, IR_64);

    op->imm = imm;
    ir_finish_op(f, op);
}

void ir_insn(IrFunc *f, int64_t offset)
{
    ir_emit(f, IR_INSN, IR_64)->imm = offset; /* nothing to finish */
}

void ir_set_label(IrFunc *f, unsigned label)
{
    emit_imm(f, IR_LABEL, label);
}

void ir_br(IrFunc *f, unsigned label)
{
    emit_imm(f, IR_BR, label);
}

void ir_brcc(IrFunc *f, IrCond cond, unsigned label)
{
    IrOp *op = ir_emit(f, IR_BRCC, IR_64);

    op->cond = cond;
    op->imm = label;
    ir_finish_op(f, op);
}

void ir_brcond(IrFunc *f, IrSize size, IrCond cond, IrTemp a, IrTemp b,
               unsigned label)
{
    IrOp *op = ir_emit(f, IR_BRCOND, size);

    op->arg[0] = a;
    op->arg[1] = b;
    op->cond = cond;
    op->imm = label;
    ir_finish_op(f, op);
}

void ir_trapif(IrFunc *f, IrSize size, IrCond cond, IrTemp a, IrTemp b,
               unsigned helper, int64_t arg)
{
    IrOp *op = ir_emit(f, IR_TRAPIF, size);

    op->arg[0] = a;
    op->arg[1] = b;
    op->cond = cond;
    op->aux = (uint16_t)helper;
    op->imm = arg;
    ir_finish_op(f, op);
}

void ir_goto_tb(IrFunc *f, unsigned slot, IrSize rip_size, int64_t target)
{
    IrOp *op = ir_emit(f, IR_GOTO_TB, rip_size);

    op->aux = (uint16_t)slot;
    op->imm = target;
    ir_finish_op(f, op);
}

void ir_goto_page(IrFunc *f, unsigned slot, bool user, IrSize rip_size,
                  int64_t target)
{
    IrOp *op = ir_emit(f, IR_GOTO_PAGE, rip_size);

    op->aux = (uint16_t)(slot | (user ? GOTO_USER : 0));
    op->imm = target;
    ir_finish_op(f, op);
}

void ir_jmp_ind(IrFunc *f, IrTemp rip, unsigned how)
{
    IrOp *op = ir_emit(f, IR_JMP_IND, IR_64);

    op->arg[0] = rip;
    op->aux = how;
    ir_finish_op(f, op);
}

void ir_exit(IrFunc *f)
{
    emit_imm(f, IR_EXIT, 0);
}

void ir_call(IrFunc *f, unsigned helper, IrTemp dst, unsigned nargs, ...)
{
    IrOp *op = ir_emit(f, IR_CALL, IR_64);
    va_list ap;

    g_assert(nargs <= ir_op_defs[IR_CALL].nsrc);
    op->arg[0] = dst;
    op->aux = (uint16_t)helper;
    va_start(ap, nargs);
    for (unsigned i = 0; i < nargs; i++) {
        op->arg[1 + i] = (IrTemp)va_arg(ap, int);
    }
    va_end(ap);
    ir_finish_op(f, op);
}

void ir_fence(IrFunc *f, unsigned kind)
{
    IrOp *op = ir_emit(f, IR_FENCE, IR_64);

    op->aux = (uint16_t)kind;
    ir_finish_op(f, op);
}
