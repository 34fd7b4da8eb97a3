/* SPDX-License-Identifier: MIT */
/*
 * MUL, IMUL, DIV, IDIV, MULX and the decimal adjustments.
 *
 * DIV needs no helper that can fault: the quotient fits exactly when the high
 * half is below the divisor, which also excludes a zero divisor.
 */
#include "target/i386/emit.h"

/* CF = OF = @bit; the other flags, undefined, are kept. */
static void put_overflow(X86Trans *s, IrTemp bit)
{
    IrTemp of = ir_temp(s->ir), flags = ir_temp(s->ir);

    ir_op2(s->ir, IR_SHL, IR_64, 0, of, bit, ir_const(s->ir, 11));
    ir_op2(s->ir, IR_OR, IR_64, 0, flags, of, bit);
    ir_putcc(s->ir, flags, IR_CC_C | IR_CC_O);
}

/* 8- and 16-bit products fit 32 bits: extend, multiply, and see whether the
 * product is the extension of its low half. */
static IrTemp mul_small(X86Trans *s, const X86Insn *in, bool is_signed)
{
    unsigned size = in->op[0].size;
    IrTemp a = x86_get(s, in, 0), b = x86_gpr(R_RAX);
    IrTemp product = ir_temp(s->ir), over = ir_temp(s->ir), low;

    a = is_signed ? x86_sx(s, size, a) : x86_zx(s, size, a);
    b = is_signed ? x86_sx(s, size, b) : x86_zx(s, size, b);
    ir_op2(s->ir, IR_IMUL, IR_64, 0, product, a, b);
    low = is_signed ? x86_sx(s, size, product) : x86_zx(s, size, product);
    ir_setcond(s->ir, IR_64, COND_NE, over, product, low);
    put_overflow(s, over);
    return product;
}

void emit_mul(X86Trans *s, const X86Insn *in)
{
    IrOpc opc = in->row->arg;
    unsigned size = in->op[0].size;
    IrTemp product, high;

    if (size >= IR_32) {
        ir_mul2(s->ir, opc, size, x86_cc(in, opc), x86_gpr(R_RAX),
                x86_gpr(R_RDX), x86_gpr(R_RAX), x86_get(s, in, 0));
        return;
    }
    product = mul_small(s, in, opc == IR_MULS2);
    x86_put_gpr(s, IR_16, R_RAX, product);
    if (size == IR_16) {
        high = ir_temp(s->ir);
        ir_op2(s->ir, IR_SHR, IR_64, 0, high, product,
               ir_const(s->ir, 16));
        x86_put_gpr(s, IR_16, R_RDX, high);
    }
}

/* Two operands: dst *= src; three: dst = src * imm. */
void emit_imul(X86Trans *s, const X86Insn *in)
{
    bool three = in->op[2].kind != OPND_NONE;
    unsigned size = in->op[0].size;
    IrTemp dst = x86_gpr(in->op[0].reg), product;
    IrTemp a = three ? x86_get(s, in, 2) : dst, b = x86_get(s, in, 1);

    if (size == IR_16 && three) { /* the upper bits are dst's, not a's */
        product = ir_temp(s->ir);
        ir_op2(s->ir, IR_IMUL, size, x86_cc(in, IR_IMUL), product, b, a);
        x86_put(s, in, 0, product);
    } else if (three) {
        ir_op2(s->ir, IR_IMUL, size, x86_cc(in, IR_IMUL), dst, b, a);
    } else {
        ir_op2(s->ir, IR_IMUL, size, x86_cc(in, IR_IMUL), dst, a, b);
    }
}

/* The dividend's halves for DIV and IDIV of 16 bits and more: DX:AX and so
 * on.  For 8 bits it is AX: AH and AL. */
static void dividend(X86Trans *s, unsigned size, IrTemp *hi, IrTemp *lo)
{
    if (size == IR_8) {
        *hi = ir_temp(s->ir);
        ir_op1(s->ir, IR_EXTH, IR_64, 0, *hi, x86_gpr(R_RAX));
    } else {
        *hi = size == IR_64 ? x86_gpr(R_RDX)
                            : x86_zx(s, size, x86_gpr(R_RDX));
    }
    *lo = size == IR_64 ? x86_gpr(R_RAX) : x86_zx(s, size, x86_gpr(R_RAX));
}

/* hi:lo as one number, for operands of up to 32 bits */
static IrTemp join(X86Trans *s, unsigned size, IrTemp hi, IrTemp lo)
{
    IrTemp t = ir_temp(s->ir), u = ir_temp(s->ir);

    ir_op2(s->ir, IR_SHL, IR_64, 0, t, hi, ir_const(s->ir, 8 << size));
    ir_op2(s->ir, IR_OR, IR_64, 0, u, t, lo);
    return u;
}

/* Remainder = low half - quotient * divisor; then write both. */
static void put_division(X86Trans *s, unsigned size, IrTemp quotient,
                         IrTemp low, IrTemp divisor)
{
    IrTemp back = ir_temp(s->ir), rest = ir_temp(s->ir);

    ir_op2(s->ir, IR_IMUL, IR_64, 0, back, quotient, divisor);
    ir_op2(s->ir, IR_SUB, IR_64, 0, rest, low, back);
    x86_put_gpr(s, size, R_RAX, quotient);
    if (size == IR_8) {
        ir_op2(s->ir, IR_DEPH, IR_64, 0, x86_gpr(R_RAX), x86_gpr(R_RAX),
               rest);
    } else {
        x86_put_gpr(s, size, R_RDX, rest);
    }
}

void emit_div(X86Trans *s, const X86Insn *in)
{
    unsigned size = in->op[0].size;
    IrTemp hi, lo, quotient = ir_temp(s->ir);
    IrTemp divisor = x86_zx(s, size, x86_get(s, in, 0));

    dividend(s, size, &hi, &lo);
    ir_trapif(s->ir, IR_64, COND_AE, hi, divisor, HELPER_raise, EXCP_DE);
    if (size != IR_64) {
        lo = join(s, size, hi, lo);
        hi = ir_const(s->ir, 0);
    }
    ir_call(s->ir, HELPER_udiv128, quotient, 3, hi, lo, divisor);
    put_division(s, size, quotient, lo, divisor);
}

void emit_idiv(X86Trans *s, const X86Insn *in)
{
    static const uint16_t helper[] = {HELPER_idiv8, HELPER_idiv16,
                                      HELPER_idiv32, HELPER_idiv64};
    unsigned size = in->op[0].size;
    IrTemp hi, lo, quotient = ir_temp(s->ir);
    IrTemp divisor = x86_sx(s, size, x86_get(s, in, 0));

    dividend(s, size, &hi, &lo);
    if (size == IR_64) {
        ir_call(s->ir, helper[size], quotient, 3, hi, lo, divisor);
    } else {
        lo = x86_sx(s, size + 1, join(s, size, hi, lo));
        ir_call(s->ir, helper[size], quotient, 2, lo, divisor);
    }
    put_division(s, size, quotient, lo, divisor);
}

/* No flags; RDX is the implied operand.  The high half wins if both
 * destinations are one register. */
void emit_mulx(X86Trans *s, const X86Insn *in)
{
    unsigned size = in->op[0].size;
    IrTemp lo = ir_temp(s->ir), hi = ir_temp(s->ir);
    IrTemp src = x86_get(s, in, 2);

    ir_mul2(s->ir, IR_MULU2, size, 0, lo, hi, x86_gpr(R_RDX), src);
    x86_put(s, in, 1, lo);
    x86_put(s, in, 0, hi);
}

/* DAA, DAS, AAA, AAS */
void emit_bcd(X86Trans *s, const X86Insn *in)
{
    x86_call0(s, in->row->arg);
}

/* SF, ZF and PF by AL; the others, undefined, as a TEST leaves them. */
static void test_al(X86Trans *s)
{
    ir_op2(s->ir, IR_TEST, IR_8, IR_CC_ALL, IR_NONE, x86_gpr(R_RAX),
           x86_gpr(R_RAX));
}

/* AH = AL / imm8, AL = AL % imm8 */
void emit_aam(X86Trans *s, const X86Insn *in)
{
    IrTemp divisor = ir_const(s->ir, in->imm), al, q, back, rest;

    if (in->imm == 0) {
        x86_fault(s, EXCP_DE);
        return;
    }
    al = x86_zx(s, IR_8, x86_gpr(R_RAX));
    q = ir_temp(s->ir);
    back = ir_temp(s->ir);
    rest = ir_temp(s->ir);
    ir_call(s->ir, HELPER_udiv128, q, 3, ir_const(s->ir, 0), al, divisor);
    ir_op2(s->ir, IR_IMUL, IR_64, 0, back, q, divisor);
    ir_op2(s->ir, IR_SUB, IR_64, 0, rest, al, back);
    x86_put_gpr(s, IR_8, R_RAX, rest);
    ir_op2(s->ir, IR_DEPH, IR_64, 0, x86_gpr(R_RAX), x86_gpr(R_RAX), q);
    test_al(s);
}

/* AL = AL + AH * imm8, AH = 0 */
void emit_aad(X86Trans *s, const X86Insn *in)
{
    IrTemp ah = ir_temp(s->ir), tens = ir_temp(s->ir), sum = ir_temp(s->ir);

    ir_op1(s->ir, IR_EXTH, IR_64, 0, ah, x86_gpr(R_RAX));
    ir_op2(s->ir, IR_IMUL, IR_64, 0, tens, ah, ir_const(s->ir, in->imm));
    ir_op2(s->ir, IR_ADD, IR_64, 0, sum, tens, x86_gpr(R_RAX));
    x86_put_gpr(s, IR_16, R_RAX, x86_zx(s, IR_8, sum));
    test_al(s);
}
