/* SPDX-License-Identifier: MIT */
/*
 * SSE to SSE4.2 without VEX: each instruction is one vector sub-op (tcg/
 * vops.def) on the XMM registers themselves, with a load before it if its
 * source is memory.  Moves are loads and stores straight to a register.
 *
 * When MXCSR unmasks an exception (HF_SIMD_EXC), arithmetic goes through a
 * helper that raises #XM before anything is written.
 */
#include "target/i386/emit.h"
#include "target/i386/pcmpstr.h"
#include "tcg/vops.h"

/* The checks that come before any other fault of the instruction: SDM vol. 3A,
 * 13.1 "Providing Operating System Support for SSE Extensions"; vol. 2A, 2.4
 * "AVX and SSE Instruction Exception Classification". */
bool x86_vec_usable(X86Trans *s, const X86Insn *in)
{
    if (in->vex ? !(s->flags & HF_AVX) : (s->flags & HF_SSE_UD) != 0) {
        x86_fault(s, EXCP_UD);
    } else if (s->flags & HF_SSE_NM) {
        x86_fault(s, EXCP_NM);
    }
    return !s->ended;
}

static IrTemp vec_of(const X86Insn *in, unsigned n)
{
    return x86_vec(in->op[n].reg);
}

void x86_load_vec(X86Trans *s, const X86Insn *in, unsigned n, IrTemp dst,
                  MemOp align)
{
    unsigned size = in->op[n].size;
    X86Addr a =
        x86_addr(s, in, 1u << size, align ? X86_READ | X86_ALIGNED : X86_READ);

    if (in->vex && size != MO_256) {
        ir_ldv_zero(s->ir, dst, a.base, a.disp, a.mo | size | align);
    } else {
        ir_ldv(s->ir, dst, a.base, a.disp, a.mo | size | align);
    }
}

void x86_store_vec(X86Trans *s, const X86Insn *in, unsigned n, IrTemp src,
                   MemOp align)
{
    unsigned size = in->op[n].size;
    X86Addr a = x86_addr(s, in, 1u << size,
                         align ? X86_WRITE | X86_ALIGNED : X86_WRITE);

    ir_stv(s->ir, src, a.base, a.disp, a.mo | size | align);
}

/* Operand @n as a vector.  Whole vectors in memory must be aligned; two bytes
 * go through an integer, as no vector load is so narrow. */
static IrTemp vec_source(X86Trans *s, const X86Insn *in, unsigned n)
{
    IrTemp t;

    if (in->op[n].kind == OPND_VEC) {
        return vec_of(in, n);
    }
    t = ir_temp_vec(s->ir);
    if (in->op[n].size == MO_16) {
        ir_vop(s->ir, VOP_MOVD_VE, t, IR_NONE, x86_get(s, in, n), 0);
    } else {
        x86_load_vec(s, in, n, t, in->op[n].size == MO_128 ? MO_ALIGN : 0);
    }
    return t;
}

/* A vector as two integers, for a helper. */
static void split_vector(X86Trans *s, IrTemp v, IrTemp *lo, IrTemp *hi)
{
    IrTemp high = ir_temp_vec(s->ir);

    *lo = ir_temp(s->ir);
    *hi = ir_temp(s->ir);
    ir_vop(s->ir, VOP_MOVQ_EV, *lo, IR_NONE, v, 0);
    ir_vop(s->ir, VOP_PSHUFD, high, IR_NONE, v, 0xee);
    ir_vop(s->ir, VOP_MOVQ_EV, *hi, IR_NONE, high, 0);
}

/* --- arithmetic with unmasked exceptions --- */

/*
 * Through the helper: src1 as two integers.  What is computed is stored by the
 * helper (vectors, flags) or returned (integers).
 */
static void slow_vop(X86Trans *s, VopCode code, IrTemp result, unsigned reg,
                     IrTemp src, uint8_t imm)
{
    IrTemp lo = src, hi = ir_const(s->ir, 0);

    if (!vop_src_is_int(&vop_defs[code])) {
        split_vector(s, src, &lo, &hi);
    }
    ir_call(s->ir, HELPER_sse_checked, result, 4,
            ir_const(s->ir, code | (int64_t)imm << 16), ir_const(s->ir, reg),
            lo, hi);
}

static bool is_slow(const X86Trans *s, VopCode code)
{
    return (s->flags & HF_SIMD_EXC) && (vop_defs[code].attrs & VOP_ATTR_FP);
}

/* --- one sub-op --- */

static void vop_to_vector(X86Trans *s, VopCode code, unsigned reg, bool has_a,
                          IrTemp src, uint8_t imm)
{
    IrTemp dst = x86_vec(reg);

    if (is_slow(s, code)) {
        slow_vop(s, code, IR_NONE, reg, src, imm);
    } else {
        ir_vop(s->ir, code, dst, has_a ? dst : IR_NONE, src, imm);
    }
}

static void vop_to_flags(X86Trans *s, VopCode code, unsigned reg, IrTemp src)
{
    if (is_slow(s, code)) {
        slow_vop(s, code, IR_NONE, reg, src, 0);
    } else {
        ir_vop(s->ir, code, IR_NONE, x86_vec(reg), src, 0);
    }
}

/* The result goes to operand 0, a register or memory. */
static void vop_to_integer(X86Trans *s, const X86Insn *in, VopCode code,
                           IrTemp src, uint8_t imm)
{
    IrTemp t = ir_temp(s->ir);

    if (is_slow(s, code)) {
        slow_vop(s, code, t, 0, src, imm);
    } else {
        ir_vop(s->ir, code, t, IR_NONE, src, imm);
    }
    x86_put(s, in, 0, t);
}

static void emit_code(X86Trans *s, const X86Insn *in, VopCode code)
{
    uint8_t imm = (uint8_t)in->imm;

    switch (vop_defs[code].shape) {
    case VOP_VV:
    case VOP_VVI:
        vop_to_vector(s, code, in->op[0].reg, false, vec_source(s, in, 1), imm);
        break;
    case VOP_VVV:
    case VOP_VVVI:
        vop_to_vector(s, code, in->op[0].reg, true, vec_source(s, in, 1), imm);
        break;
    case VOP_SVI:
        ir_vop(s->ir, code, vec_of(in, 0), vec_of(in, 0), IR_NONE, imm);
        break;
    case VOP_VVR:
    case VOP_VVRI:
        vop_to_vector(s, code, in->op[0].reg,
                      code != VOP_MOVD_VE && code != VOP_MOVQ_VE,
                      x86_get(s, in, 1), imm);
        break;
    case VOP_FVV:
        vop_to_flags(s, code, in->op[0].reg, vec_source(s, in, 1));
        break;
    default: /* RV, RVI, EV, EVI */
        vop_to_integer(s, in, code, vec_source(s, in, 1), imm);
        break;
    }
}

/* Compares know eight predicates; the other bits of the byte do not count. */
static bool is_compare(VopCode code)
{
    return code >= VOP_CMPPS && code <= VOP_CMPSD;
}

void emit_vop(X86Trans *s, const X86Insn *in)
{
    X86Insn masked;

    if (!x86_vec_usable(s, in)) {
        return;
    }
    if (is_compare(in->row->arg)) {
        masked = *in;
        masked.imm &= 7;
        in = &masked;
    }
    emit_code(s, in, in->row->arg);
}

_Static_assert(VOP_MOVQ_VE == VOP_MOVD_VE + 1 &&
                   VOP_MOVQ_EV == VOP_MOVD_EV + 1 &&
                   VOP_CVTSI2SS_Q == VOP_CVTSI2SS + 1 &&
                   VOP_CVTSI2SD_Q == VOP_CVTSI2SD + 1 &&
                   VOP_CVTSS2SI_Q == VOP_CVTSS2SI + 1 &&
                   VOP_CVTTSS2SI_Q == VOP_CVTTSS2SI + 1 &&
                   VOP_CVTSD2SI_Q == VOP_CVTSD2SI + 1 &&
                   VOP_CVTTSD2SI_Q == VOP_CVTTSD2SI + 1 &&
                   VOP_PEXTRQ == VOP_PEXTRD + 1 && VOP_PINSRQ == VOP_PINSRD + 1,
               "the 64-bit form follows the 32-bit one");

void emit_vopw(X86Trans *s, const X86Insn *in)
{
    if (x86_vec_usable(s, in)) {
        emit_code(s, in, in->row->arg + (in->rex & 8 ? 1 : 0));
    }
}

/* From memory it is one lane, whatever the immediate says of the source. */
void emit_insertps(X86Trans *s, const X86Insn *in)
{
    uint8_t imm = (uint8_t)in->imm;

    if (!x86_vec_usable(s, in)) {
        return;
    }
    if (in->op[1].kind == OPND_MEM) {
        imm &= 0x3f;
    }
    vop_to_vector(s, VOP_INSERTPS, in->op[0].reg, true, vec_source(s, in, 1),
                  imm);
}

/* --- moves --- */

void emit_vmov(X86Trans *s, const X86Insn *in)
{
    MemOp align = in->row->arg;

    if (!x86_vec_usable(s, in)) {
        return;
    }
    if (in->op[1].kind == OPND_MEM) {
        x86_load_vec(s, in, 1, vec_of(in, 0), align);
    } else if (in->op[0].kind == OPND_MEM) {
        x86_store_vec(s, in, 0, vec_of(in, 1), align);
    } else {
        ir_vmov(s->ir, vec_of(in, 0), vec_of(in, 1), VEC_LOW);
    }
}

/* Scalars: a load clears the rest of the register, a move between registers
 * keeps it (MOVSS, MOVSD) or clears it too (MOVQ). */
void emit_vmovs(X86Trans *s, const X86Insn *in)
{
    if (!x86_vec_usable(s, in)) {
        return;
    }
    if (in->op[1].kind == OPND_MEM) {
        x86_load_vec(s, in, 1, vec_of(in, 0), 0);
    } else if (in->op[0].kind == OPND_MEM) {
        x86_store_vec(s, in, 0, vec_of(in, 1), 0);
    } else {
        vop_to_vector(s, in->row->arg, in->op[0].reg,
                      vop_defs[in->row->arg].shape == VOP_VVV, vec_of(in, 1),
                      0);
    }
}

/* MOVHPS, MOVHPD to memory */
void emit_vstoreh(X86Trans *s, const X86Insn *in)
{
    IrTemp high;

    if (!x86_vec_usable(s, in)) {
        return;
    }
    high = ir_temp_vec(s->ir);
    ir_vop(s->ir, VOP_PSHUFD, high, IR_NONE, vec_of(in, 1), 0xee);
    x86_store_vec(s, in, 0, high, 0);
}

/* The bytes whose mask has bit 7 set, to DS:rDI or the override's segment. */
void emit_vmaskmov(X86Trans *s, const X86Insn *in)
{
    unsigned seg = in->seg == X86_NO_REG ? R_DS : in->seg;
    IrTemp off = x86_gpr(R_RDI), next = ir_temp(s->ir);
    X86Addr a;

    if (!x86_vec_usable(s, in)) {
        return;
    }
    if (in->asize != IR_64) {
        off = x86_zx(s, in->asize, off);
    }
    ir_lea(s->ir, IR_64, next, off, IR_NONE, 0, 8);
    a = x86_store_in_two(s, seg, off, next, 8);
    ir_call(s->ir, HELPER_maskmovdqu, IR_NONE, 4, x86_linear(s, &a),
            ir_const(s->ir, in->op[0].reg), ir_const(s->ir, in->op[1].reg),
            ir_const(s->ir, a.mo));
}

/* --- blends by a mask in XMM0: PBLENDVB, BLENDVPS, BLENDVPD --- */

void emit_vblendv(X86Trans *s, const X86Insn *in)
{
    IrTemp dst = vec_of(in, 0);

    if (x86_vec_usable(s, in)) {
        ir_vop3(s->ir, in->row->arg, VEC_LOW, dst, dst, vec_source(s, in, 1),
                x86_vec(0), 0);
    }
}

/* --- string compares --- */

/* The operand in memory need not be aligned.  Opcodes 60 to 63: bit 0 an index
 * to ECX instead of a mask to XMM0, bit 1 strings that end at a zero. */
void emit_pcmpstr(X86Trans *s, const X86Insn *in)
{
    IrTemp src, lo, hi, index;
    int64_t code;

    if (!x86_vec_usable(s, in)) {
        return;
    }
    src = vec_of(in, 1);
    if (in->op[1].kind == OPND_MEM) {
        src = ir_temp_vec(s->ir);
        x86_load_vec(s, in, 1, src, 0);
    }
    split_vector(s, src, &lo, &hi);
    code = in->imm | (in->opcode & 1 ? PCMPSTR_INDEX : PCMPSTR_MASK) |
           (in->opcode & 2 ? PCMPSTR_IMPLICIT : 0) |
           (in->rex & 8 ? PCMPSTR_WIDE : 0);
    index = ir_temp(s->ir);
    ir_call(s->ir, HELPER_pcmpstr, index, 4, ir_const(s->ir, code),
            ir_const(s->ir, in->op[0].reg), lo, hi);
    if (code & PCMPSTR_INDEX) {
        x86_put_gpr(s, IR_32, R_RCX, index);
    } else if (in->vex) {
        ir_vmov(s->ir, x86_vec(0), x86_vec(0), VEC_ZERO);
    }
}

/* --- MXCSR --- */

/* HF_SIMD_EXC may change, so the next instruction is another TB's. */
void emit_ldmxcsr(X86Trans *s, const X86Insn *in)
{
    if (x86_vec_usable(s, in)) {
        x86_call1(s, HELPER_ldmxcsr, x86_get(s, in, 0));
        x86_jump_next(s);
    }
}

void emit_stmxcsr(X86Trans *s, const X86Insn *in)
{
    IrTemp t;

    if (!x86_vec_usable(s, in)) {
        return;
    }
    t = ir_temp(s->ir);
    ir_call(s->ir, HELPER_stmxcsr, t, 0);
    x86_put(s, in, 0, t);
}
