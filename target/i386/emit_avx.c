/* SPDX-License-Identifier: MIT */
/*
 * Vector instructions with a VEX prefix: one vector sub-op each, whose operands
 * are the row's in order.  What works on 128 bits clears the rest of the
 * register.  Memory operands need no alignment but for the aligned moves.
 *
 * When MXCSR unmasks an exception (HF_SIMD_EXC), arithmetic goes through a
 * helper that raises #XM before anything is written.
 */
#include <string.h>

#include "target/i386/avx.h"
#include "target/i386/emit.h"
#include "tcg/vops.h"

static IrTemp vec_of(const X86Insn *in, unsigned n)
{
    return x86_vec(in->op[n].reg);
}

/* Any operand has 256 bits: a conversion's result may have fewer. */
static VecMode mode_of(const X86Insn *in)
{
    for (unsigned i = 0; i < ARRAY_LEN(in->op); i++) {
        if (in->op[i].size == MO_256) {
            return VEC_FULL;
        }
    }
    return VEC_ZERO;
}

/* --- one sub-op --- */

/* Where an operand of it is: temps, and their numbers for the helper. */
typedef struct Operands {
    VopCode code;
    VecMode mode;
    uint8_t imm;
    bool slow;
    IrTemp dst, src[3];
    uint8_t reg[4]; /* of dst and the sources */
    IrTemp integer; /* a source, or IR_NONE */
} Operands;

static void set_dst(Operands *o, const X86Insn *in, unsigned n)
{
    o->reg[0] = in->op[n].reg;
    o->dst = vec_of(in, n);
}

/* Source @k is operand @n.  One or two bytes go through an integer, as no
 * vector load is so narrow. */
static void set_src(X86Trans *s, Operands *o, unsigned k, const X86Insn *in,
                    unsigned n)
{
    IrTemp t;

    if (in->op[n].kind == OPND_VEC) {
        o->reg[k + 1] = in->op[n].reg;
        o->src[k] = vec_of(in, n);
        return;
    }
    o->reg[k + 1] = X86_VEC_OPERAND;
    t = o->slow ? x86_vec(X86_VEC_OPERAND) : ir_temp_vec(s->ir);
    if (in->op[n].size <= MO_16) {
        ir_vop3(s->ir, VOP_MOVD_VE, VEC_ZERO, t, IR_NONE, x86_get(s, in, n),
                IR_NONE, 0);
    } else {
        x86_load_vec(s, in, n, t, 0);
    }
    o->src[k] = t;
}

/* One flat switch over the shapes of vops.def. */
static void take_operands(X86Trans *s, const X86Insn *in, Operands *o)
{
    switch (vop_defs[o->code].shape) {
    case VOP_VVV:
    case VOP_VVVI:
        set_dst(o, in, 0);
        set_src(s, o, 0, in, 1);
        set_src(s, o, 1, in, 2);
        break;
    case VOP_VVVV:
        set_dst(o, in, 0);
        set_src(s, o, 0, in, 0);
        set_src(s, o, 1, in, 1);
        set_src(s, o, 2, in, 2);
        break;
    case VOP_SVI:
        set_dst(o, in, 0);
        set_src(s, o, 0, in, 1);
        break;
    case VOP_VVR:
    case VOP_VVRI:
        set_dst(o, in, 0);
        if (in->op[2].kind == OPND_NONE) { /* MOVD, MOVQ */
            o->integer = x86_get(s, in, 1);
        } else {
            set_src(s, o, 0, in, 1);
            o->integer = x86_get(s, in, 2);
        }
        o->src[1] = o->integer;
        break;
    case VOP_FVV:
        set_src(s, o, 0, in, 0);
        set_src(s, o, 1, in, 1);
        break;
    case VOP_VV:
    case VOP_VVI:
        set_dst(o, in, 0);
        set_src(s, o, 1, in, 1);
        break;
    default: /* RV, RVI, EV, EVI */
        o->dst = ir_temp(s->ir);
        set_src(s, o, 1, in, 1);
        break;
    }
}

static void run_slow(X86Trans *s, const Operands *o)
{
    bool to_int = vop_dst_is_int(&vop_defs[o->code]);
    int64_t regs = 0;

    for (unsigned i = 0; i < ARRAY_LEN(o->reg); i++) {
        regs |= (int64_t)o->reg[i] << (8 * i);
    }
    ir_call(s->ir, HELPER_avx_checked, to_int ? o->dst : IR_NONE, 3,
            ir_const(s->ir,
                     o->code | (int64_t)o->imm << 16 | (int64_t)o->mode << 24),
            ir_const(s->ir, regs),
            o->integer == IR_NONE ? ir_const(s->ir, 0) : o->integer);
}

/* VCVTPS2PH to memory: the result is stored before its flags are noted, in
 * MXCSR, which a fault of the store must not have changed. */
static void store_result(X86Trans *s, const X86Insn *in, Operands *o)
{
    X86Addr a = x86_addr(s, in, 1u << in->op[0].size, X86_WRITE);

    o->reg[0] = X86_VEC_OPERAND;
    o->dst = x86_vec(X86_VEC_OPERAND);
    ir_ldv(s->ir, o->dst, a.base, a.disp, a.mo | in->op[0].size | MO_RMW);
    if (o->slow) {
        run_slow(s, o);
    } else {
        ir_vop3(s->ir, o->code, o->mode, o->dst, o->src[0], o->src[1],
                o->src[2], o->imm);
    }
    ir_stv(s->ir, o->dst, a.base, a.disp, a.mo | in->op[0].size);
}

static void emit_code(X86Trans *s, const X86Insn *in, VopCode code)
{
    const VopDef *def = &vop_defs[code];
    Operands o = {
        .code = code,
        .mode = mode_of(in),
        .imm = (uint8_t)in->imm,
        .slow = (s->flags & HF_SIMD_EXC) && (def->attrs & VOP_ATTR_FP),
        .dst = IR_NONE,
        .src = {IR_NONE, IR_NONE, IR_NONE},
        .integer = IR_NONE,
    };

    if (code == VOP_INSERTPS && in->op[2].kind == OPND_MEM) {
        o.imm &= 0x3f; /* there is one lane */
    }
    take_operands(s, in, &o);
    if (in->op[0].kind == OPND_MEM && !vop_dst_is_int(def)) {
        store_result(s, in, &o);
        return;
    }
    if (o.slow) {
        run_slow(s, &o);
    } else {
        ir_vop3(s->ir, code, o.mode, o.dst, o.src[0], o.src[1], o.src[2],
                o.imm);
    }
    if (vop_dst_is_int(def)) {
        x86_put(s, in, 0, o.dst);
    }
}

void emit_avop(X86Trans *s, const X86Insn *in)
{
    if (x86_vec_usable(s, in)) {
        emit_code(s, in, in->row->arg);
    }
}

/* The next row of vops.def has the 64-bit form: see emit_sse.c. */
void emit_avopw(X86Trans *s, const X86Insn *in)
{
    if (x86_vec_usable(s, in)) {
        emit_code(s, in, in->row->arg + (in->rex & 8 ? 1 : 0));
    }
}

/* The mask's register is in the immediate. */
void emit_avblendv(X86Trans *s, const X86Insn *in)
{
    unsigned mask = (in->imm >> 4) & (x86_is64(s) ? 15 : 7);
    Operands o = {.code = in->row->arg};

    if (!x86_vec_usable(s, in)) {
        return;
    }
    set_src(s, &o, 1, in, 2);
    ir_vop3(s->ir, o.code, mode_of(in), vec_of(in, 0), vec_of(in, 1), o.src[1],
            x86_vec(mask), 0);
}

/* --- moves --- */

void emit_avmov(X86Trans *s, const X86Insn *in)
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
        ir_vmov(s->ir, vec_of(in, 0), vec_of(in, 1), mode_of(in));
    }
}

/* Scalars from or to memory; VMOVQ between registers. */
void emit_avmovs(X86Trans *s, const X86Insn *in)
{
    if (!x86_vec_usable(s, in)) {
        return;
    }
    if (in->op[1].kind == OPND_MEM) {
        x86_load_vec(s, in, 1, vec_of(in, 0), 0);
    } else if (in->op[0].kind == OPND_MEM) {
        x86_store_vec(s, in, 0, vec_of(in, 1), 0);
    } else {
        ir_vop3(s->ir, VOP_MOVQ, VEC_ZERO, vec_of(in, 0), IR_NONE,
                vec_of(in, 1), IR_NONE, 0);
    }
}

void emit_vbcast128(X86Trans *s, const X86Insn *in)
{
    IrTemp t;

    if (!x86_vec_usable(s, in)) {
        return;
    }
    t = ir_temp_vec(s->ir);
    x86_load_vec(s, in, 1, t, 0);
    ir_vop3(s->ir, VOP_VINSERTI128, VEC_FULL, vec_of(in, 0), t, t, IR_NONE, 1);
}

/* One half, to a register or memory. */
void emit_vextract(X86Trans *s, const X86Insn *in)
{
    const uint8_t upper_half = 0x81; /* and zero above it */
    IrTemp src = vec_of(in, 1), half = src;

    if (!x86_vec_usable(s, in)) {
        return;
    }
    if (in->imm & 1) {
        half = in->op[0].kind == OPND_VEC ? vec_of(in, 0) : ir_temp_vec(s->ir);
        ir_vop3(s->ir, VOP_VPERM2I128, VEC_FULL, half, src, src, IR_NONE,
                upper_half);
    }
    if (in->op[0].kind == OPND_MEM) {
        x86_store_vec(s, in, 0, half, 0);
    } else if (half == src) {
        ir_vmov(s->ir, vec_of(in, 0), src, VEC_ZERO);
    }
}

/* VZEROUPPER; VZEROALL where the row's argument is 1.  Outside 64-bit mode the
 * upper eight registers stay. */
void emit_vzero(X86Trans *s, const X86Insn *in)
{
    unsigned n = x86_is64(s) ? 16 : 8;

    if (!x86_vec_usable(s, in)) {
        return;
    }
    if (!in->row->arg) {
        ir_vzeroup(s->ir, n);
        return;
    }
    for (unsigned i = 0; i < n; i++) {
        ir_vop3(s->ir, VOP_MOVD_VE, VEC_ZERO, x86_vec(i), IR_NONE,
                ir_const(s->ir, 0), IR_NONE, 0);
    }
}

/* --- accesses under a mask --- */

/* @helper on @vec and @mask, with what else it needs to know. */
static void masked(X86Trans *s, const X86Insn *in, unsigned helper, IrTemp off,
                   unsigned vec, unsigned index, unsigned mask, unsigned elem,
                   unsigned index_size)
{
    AvxAccess a = {
        .seg = in->mem.seg,
        .vec = (uint8_t)vec,
        .index = (uint8_t)index,
        .mask = (uint8_t)mask,
        .elem = (uint8_t)elem,
        .index_size = (uint8_t)index_size,
        .scale = in->mem.scale,
        .wide = in->vex_l,
    };
    int64_t word;

    memcpy(&word, &a, sizeof(word));
    ir_call(s->ir, helper, IR_NONE, 3, off, ir_const(s->ir, word),
            ir_const(s->ir, in->asize));
}

void emit_vmaskload(X86Trans *s, const X86Insn *in)
{
    if (x86_vec_usable(s, in)) {
        masked(s, in, HELPER_maskload, x86_ea(s, in, IR_NONE), in->op[0].reg, 0,
               in->op[1].reg, in->row->arg, 0);
    }
}

void emit_vmaskstore(X86Trans *s, const X86Insn *in)
{
    if (x86_vec_usable(s, in)) {
        masked(s, in, HELPER_maskstore, x86_ea(s, in, IR_NONE), in->op[2].reg,
               0, in->op[1].reg, in->row->arg, 0);
    }
}

/* No two of destination, index and mask may be the same register. */
void emit_vgather(X86Trans *s, const X86Insn *in)
{
    unsigned vec = in->op[0].reg, mask = in->op[2].reg;
    unsigned index = in->mem.index;
    X86Insn plain = *in;

    if (!x86_vec_usable(s, in)) {
        return;
    }
    if (vec == mask || vec == index || mask == index) {
        x86_fault(s, EXCP_UD);
        return;
    }
    plain.mem.index = X86_NO_REG;
    masked(s, in, HELPER_gather, x86_ea(s, &plain, IR_NONE), vec, index, mask,
           in->vex_w ? MO_64 : MO_32, in->row->arg);
}
