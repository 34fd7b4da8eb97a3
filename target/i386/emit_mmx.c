/* SPDX-License-Identifier: MIT */
/*
 * MMX, with its extensions by SSE, SSE2 and SSSE3.  A register is the mantissa
 * of an x87 register; arithmetic runs on the low half of vector temps, by the
 * same sub-ops as SSE's.
 *
 * Every MMX instruction makes TOP 0 and all x87 registers valid.  Within a TB
 * only the first of a run of them has to (X86Trans.mmx).
 * Source: SDM vol. 1, chapter 9 "Programming with Intel MMX Technology".
 */
#include "target/i386/emit.h"

/* --- state --- */

/* #UD by CR0.EM, #NM by TS: SDM vol. 3A, 12.1 "Emulation of the MMX
 * Instruction Set". */
static bool mmx_usable(X86Trans *s)
{
    if (s->flags & HF_X87_NM) {
        x86_call0(s, HELPER_mmx_unusable);
        ir_exit(s->ir);
        s->ended = true;
    }
    return !s->ended;
}

/* Those that also have an XMM operand obey SSE's rules. */
static bool sse_mmx_usable(X86Trans *s)
{
    if (s->flags & HF_SSE_UD) {
        x86_fault(s, EXCP_UD);
    } else if (s->flags & HF_SSE_NM) {
        x86_fault(s, EXCP_NM);
    }
    return !s->ended;
}

/* After the operands are loaded, before anything is written. */
static void enter_mmx(X86Trans *s)
{
    if (!s->mmx) {
        x86_call0(s, HELPER_x87_enter_mmx);
        s->mmx = true;
    }
}

/* A pending #MF comes before the faults of an operand in memory. */
static void wait_before_operand(X86Trans *s)
{
    if (!s->mmx) {
        x86_call0(s, HELPER_x87_fwait);
    }
}

/* A store must come between the check for a pending #MF and the change of
 * state, as it may fault. */
static void store_mmx(X86Trans *s, const X86Insn *in, IrTemp value)
{
    wait_before_operand(s);
    x86_put(s, in, 0, value);
    enter_mmx(s);
}

static int32_t reg_field(unsigned reg, size_t field)
{
    return offsetof(X86CPU, x87.r) + reg * sizeof(X87Reg) + field;
}

/* --- operands --- */

/* Operand @n in 64 bits, zero-extended. */
static IrTemp get(X86Trans *s, const X86Insn *in, unsigned n)
{
    const X86Operand *op = &in->op[n];
    IrTemp t;

    if (op->kind == OPND_MEM && in->op[0].kind == OPND_MMX) {
        wait_before_operand(s);
    }
    if (op->kind == OPND_REG && op->size < IR_64) {
        return x86_zx(s, op->size, x86_get(s, in, n));
    }
    if (op->kind != OPND_MMX) {
        return x86_get(s, in, n);
    }
    t = ir_temp(s->ir);
    ir_ld_cpu(s->ir, t, reg_field(op->reg, offsetof(X87Reg, mantissa)), MO_64);
    return t;
}

/* Write MMX register operand 0; as an x87 register it becomes a NaN or
 * infinity of negative sign. */
static void put(X86Trans *s, const X86Insn *in, IrTemp value)
{
    unsigned reg = in->op[0].reg;

    enter_mmx(s);
    ir_st_cpu(s->ir, value, reg_field(reg, offsetof(X87Reg, mantissa)), MO_64);
    ir_st_cpu(s->ir, ir_const(s->ir, 0xffff),
              reg_field(reg, offsetof(X87Reg, sign_exp)), MO_16);
}

static IrTemp to_vec(X86Trans *s, IrTemp value)
{
    IrTemp v = ir_temp_vec(s->ir);

    ir_vop(s->ir, VOP_MOVQ_VE, v, IR_NONE, value, 0);
    return v;
}

static IrTemp low_half(X86Trans *s, IrTemp v)
{
    IrTemp t = ir_temp(s->ir);

    ir_vop(s->ir, VOP_MOVQ_EV, t, IR_NONE, v, 0);
    return t;
}

static IrTemp high_half(X86Trans *s, IrTemp v)
{
    IrTemp high = ir_temp_vec(s->ir);

    ir_vop(s->ir, VOP_PSHUFD, high, IR_NONE, v, 0xee);
    return low_half(s, high);
}

/* @a op @b as vectors with upper halves of zero. */
static IrTemp vop2(X86Trans *s, VopCode code, IrTemp a, IrTemp b)
{
    IrTemp va = to_vec(s, a), vb = to_vec(s, b), d = ir_temp_vec(s->ir);

    ir_vop(s->ir, code, d, va, vb, 0);
    return d;
}

/* --- arithmetic --- */

/* Lane by lane, or by the count in the whole source: shifts. */
void emit_mmx_vop(X86Trans *s, const X86Insn *in)
{
    if (mmx_usable(s)) {
        put(s, in,
            low_half(s, vop2(s, in->row->arg, get(s, in, 0), get(s, in, 1))));
    }
}

/* PUNPCKH: the upper half of what PUNPCKL makes of twice the width. */
void emit_mmx_high(X86Trans *s, const X86Insn *in)
{
    if (mmx_usable(s)) {
        put(s, in,
            high_half(s, vop2(s, in->row->arg, get(s, in, 0), get(s, in, 1))));
    }
}

/* Packs and horizontal sums take neighbours of one operand, then of the other:
 * side by side in one vector they are neighbours, too. */
void emit_mmx_pair(X86Trans *s, const X86Insn *in)
{
    IrTemp both, d;

    if (!mmx_usable(s)) {
        return;
    }
    both = vop2(s, VOP_PUNPCKLQDQ, get(s, in, 0), get(s, in, 1));
    d = ir_temp_vec(s->ir);
    ir_vop(s->ir, in->row->arg, d, both, both, 0);
    put(s, in, low_half(s, d));
}

/* PABS */
void emit_mmx_unary(X86Trans *s, const X86Insn *in)
{
    IrTemp d;

    if (mmx_usable(s)) {
        d = ir_temp_vec(s->ir);
        ir_vop(s->ir, in->row->arg, d, IR_NONE, to_vec(s, get(s, in, 1)), 0);
        put(s, in, low_half(s, d));
    }
}

void emit_mmx_shift_imm(X86Trans *s, const X86Insn *in)
{
    IrTemp d;

    if (mmx_usable(s)) {
        d = ir_temp_vec(s->ir);
        ir_vop(s->ir, in->row->arg, d, to_vec(s, get(s, in, 0)), IR_NONE,
               (uint8_t)in->imm);
        put(s, in, low_half(s, d));
    }
}

/* Bitwise operations, PADDQ, PSUBQ: no vector needed. */
void emit_mmx_int(X86Trans *s, const X86Insn *in)
{
    IrTemp a, b, d;

    if (mmx_usable(s)) {
        a = get(s, in, 0);
        b = get(s, in, 1);
        d = ir_temp(s->ir);
        ir_op2(s->ir, in->row->arg, IR_64, 0, d, a, b);
        put(s, in, d);
    }
}

void emit_mmx_pandn(X86Trans *s, const X86Insn *in)
{
    IrTemp a, b, not_a, d;

    if (mmx_usable(s)) {
        a = get(s, in, 0);
        b = get(s, in, 1);
        not_a = ir_temp(s->ir);
        d = ir_temp(s->ir);
        ir_op1(s->ir, IR_NOT, IR_64, 0, not_a, a);
        ir_op2(s->ir, IR_AND, IR_64, 0, d, not_a, b);
        put(s, in, d);
    }
}

/* --- shuffles --- */

void emit_mmx_pshufw(X86Trans *s, const X86Insn *in)
{
    IrTemp d;

    if (mmx_usable(s)) {
        d = ir_temp_vec(s->ir);
        ir_vop(s->ir, VOP_PSHUFLW, d, IR_NONE, to_vec(s, get(s, in, 1)),
               (uint8_t)in->imm);
        put(s, in, low_half(s, d));
    }
}

/* Of an index three bits count, and bit 7, which clears the byte. */
void emit_mmx_pshufb(X86Trans *s, const X86Insn *in)
{
    IrTemp a, b, index;

    if (mmx_usable(s)) {
        a = get(s, in, 0);
        b = get(s, in, 1);
        index = ir_temp(s->ir);
        ir_op2(s->ir, IR_AND, IR_64, 0, index, b,
               ir_const(s->ir, (int64_t)0x8787878787878787));
        put(s, in, low_half(s, vop2(s, VOP_PSHUFB, a, index)));
    }
}

void emit_mmx_palignr(X86Trans *s, const X86Insn *in)
{
    IrTemp both, d;

    if (mmx_usable(s)) {
        both = vop2(s, VOP_PUNPCKLQDQ, get(s, in, 1), get(s, in, 0));
        d = ir_temp_vec(s->ir);
        ir_vop(s->ir, VOP_PSRLDQ, d, both, IR_NONE, (uint8_t)in->imm);
        put(s, in, low_half(s, d));
    }
}

void emit_mmx_pinsrw(X86Trans *s, const X86Insn *in)
{
    IrTemp a, word, d;

    if (mmx_usable(s)) {
        a = get(s, in, 0);
        word = get(s, in, 1);
        d = ir_temp_vec(s->ir);
        ir_vop(s->ir, VOP_PINSRW, d, to_vec(s, a), word, in->imm & 3);
        put(s, in, low_half(s, d));
    }
}

/* PEXTRW, PMOVMSKB: to a GPR */
void emit_mmx_to_gpr(X86Trans *s, const X86Insn *in)
{
    IrTemp d;

    if (mmx_usable(s)) {
        d = ir_temp(s->ir);
        ir_vop(s->ir, in->row->arg, d, IR_NONE, to_vec(s, get(s, in, 1)),
               in->imm & 3);
        enter_mmx(s);
        x86_put(s, in, 0, d);
    }
}

/* --- moves --- */

/* MOVD, MOVQ, MOVNTQ */
void emit_mmx_mov(X86Trans *s, const X86Insn *in)
{
    IrTemp value;

    if (!mmx_usable(s)) {
        return;
    }
    value = get(s, in, 1);
    if (in->op[0].kind == OPND_MMX) {
        put(s, in, value);
    } else {
        store_mmx(s, in, value);
    }
}

/* The bytes whose mask has bit 7 set, to DS:rDI or the override's segment. */
void emit_mmx_maskmov(X86Trans *s, const X86Insn *in)
{
    unsigned seg = in->seg == X86_NO_REG ? R_DS : in->seg;
    IrTemp off = x86_gpr(R_RDI);
    X86Addr a;

    if (!mmx_usable(s)) {
        return;
    }
    if (in->asize != IR_64) {
        off = x86_zx(s, in->asize, off);
    }
    wait_before_operand(s);
    a = x86_seg_addr(s, seg, off, 8, X86_WRITE);
    ir_call(s->ir, HELPER_mmx_maskmov, IR_NONE, 4, x86_linear(s, &a),
            get(s, in, 0), get(s, in, 1), ir_const(s->ir, a.mo));
    enter_mmx(s);
}

void emit_mmx_emms(X86Trans *s, const X86Insn *in)
{
    if (mmx_usable(s)) {
        x86_call0(s, HELPER_x87_emms);
        s->mmx = false;
    }
}

/* --- between MMX and XMM registers --- */

static IrTemp xmm_of(const X86Insn *in, unsigned n)
{
    return x86_vec(in->op[n].reg);
}

void emit_movq2dq(X86Trans *s, const X86Insn *in)
{
    IrTemp value;

    if (sse_mmx_usable(s)) {
        value = get(s, in, 1);
        enter_mmx(s);
        ir_vop(s->ir, VOP_MOVQ_VE, xmm_of(in, 0), IR_NONE, value, 0);
    }
}

void emit_movdq2q(X86Trans *s, const X86Insn *in)
{
    if (sse_mmx_usable(s)) {
        put(s, in, low_half(s, xmm_of(in, 1)));
    }
}

/* Convert @src by @code into a vector of which the low half counts.  Where
 * MXCSR unmasks exceptions a helper does it, which may raise #XM. */
static IrTemp convert(X86Trans *s, VopCode code, IrTemp src)
{
    IrTemp d, low;

    if (!(s->flags & HF_SIMD_EXC)) {
        d = ir_temp_vec(s->ir);
        ir_vop(s->ir, code, d, IR_NONE, src, 0);
        return d;
    }
    low = ir_temp(s->ir);
    ir_call(s->ir, HELPER_sse_convert, low, 3, ir_const(s->ir, code),
            low_half(s, src), high_half(s, src));
    return to_vec(s, low);
}

/* Two integers as a vector.  From memory they have nothing to do with MMX: so
 * do processors for CVTPI2PS, too, of which the SDM says otherwise. */
static IrTemp packed_integers(X86Trans *s, const X86Insn *in)
{
    IrTemp src = to_vec(s, get(s, in, 1));

    if (in->op[1].kind == OPND_MMX) {
        enter_mmx(s);
    }
    return src;
}

/* CVTPI2PS: the upper half of the destination is kept. */
void emit_cvtpi2ps(X86Trans *s, const X86Insn *in)
{
    IrTemp src;

    if (sse_mmx_usable(s)) {
        src = packed_integers(s, in);
        ir_vop(s->ir, VOP_MOVSD, xmm_of(in, 0), xmm_of(in, 0),
               convert(s, VOP_CVTDQ2PS, src), 0);
    }
}

/* CVTPI2PD: exact. */
void emit_cvtpi2pd(X86Trans *s, const X86Insn *in)
{
    IrTemp src;

    if (sse_mmx_usable(s)) {
        src = packed_integers(s, in);
        ir_vop(s->ir, VOP_CVTDQ2PD, xmm_of(in, 0), IR_NONE, src, 0);
    }
}

/* The source of a conversion to MMX: two floats, with zeros above them, which
 * convert without exceptions; or two doubles, aligned if in memory. */
static IrTemp convert_source(X86Trans *s, const X86Insn *in)
{
    unsigned size = in->op[1].size;
    IrTemp v = ir_temp_vec(s->ir);

    if (in->op[1].kind == OPND_VEC) {
        if (size == MO_128) {
            return xmm_of(in, 1);
        }
        ir_vop(s->ir, VOP_MOVQ, v, IR_NONE, xmm_of(in, 1), 0);
        return v;
    }
    if (!s->mmx) {
        x86_call0(s, HELPER_x87_fwait);
    }
    x86_load_vec(s, in, 1, v, size == MO_128 ? MO_ALIGN : 0);
    return v;
}

/* CVTPS2PI, CVTTPS2PI, CVTPD2PI, CVTTPD2PI; a pending #MF comes before #XM. */
void emit_cvt2pi(X86Trans *s, const X86Insn *in)
{
    IrTemp src;

    if (sse_mmx_usable(s)) {
        src = convert_source(s, in);
        enter_mmx(s);
        put(s, in, low_half(s, convert(s, in->row->arg, src)));
    }
}
