/* SPDX-License-Identifier: MIT */
/*
 * x87: nearly every instruction is one call of a helper, with its place in the
 * code as a constant, from which the helper sets FIP, FCS and FOP.  Memory
 * operands are loaded here; stores are the helper's, as an unmasked exception
 * may suppress them.
 */
#include "target/i386/emit.h"
#include "target/i386/x87.h"

/* #NM by CR0.EM or TS: SDM vol. 3A, 6.15 "Interrupt 7".  A processor without
 * x87 has EM set, so that its instructions can be emulated (2.5); #UD is what
 * is left for one whose software does not.  Whatever follows, MMX has to be
 * entered again. */
static bool x87_usable(X86Trans *s)
{
    s->mmx = false;
    if (s->flags & HF_X87_NM) {
        x86_fault(s, EXCP_NM);
    } else if (!x86_has_feature(s->cpu, FEAT_FPU)) {
        x86_fault(s, EXCP_UD);
    }
    return !s->ended;
}

static IrTemp info_of(X86Trans *s, const X86Insn *in)
{
    uint64_t info = (in->opcode & 7) << 8 | in->modrm;

    info |= (uint64_t)s->insn_off << X87_INFO_OFF_SHIFT;
    if (in->modrm < 0xc0) {
        info |= (uint64_t)in->mem.seg << X87_INFO_SEG_SHIFT;
    }
    if (x86_is64(s)) {
        info |= X87_INFO_64;
    }
    return ir_const(s->ir, info);
}

/* A pending exception comes before the faults of the operand: SDM vol. 1,
 * 8.7. */
static void wait_before_operand(X86Trans *s)
{
    unsigned none = ir_label(s->ir);
    IrTemp sw = ir_temp(s->ir), es = ir_temp(s->ir);

    ir_ld_cpu(s->ir, sw, offsetof(X86CPU, x87.sw), MO_16);
    ir_op2(s->ir, IR_AND, IR_32, 0, es, sw, ir_const(s->ir, X87_ES));
    ir_brcond(s->ir, IR_32, COND_E, es, ir_const(s->ir, 0), none);
    x86_call0(s, HELPER_x87_fwait);
    ir_set_label(s->ir, none);
}

/* The memory operand; @ea is its offset, for FDP. */
static X86Addr mem_of(X86Trans *s, const X86Insn *in, unsigned bytes,
                      int access, IrTemp *ea)
{
    wait_before_operand(s);
    *ea = x86_ea(s, in, IR_NONE);
    return x86_seg_addr(s, in->mem.seg, *ea, bytes, access);
}

/* --- one helper --- */

void emit_x87_op(X86Trans *s, const X86Insn *in)
{
    if (x87_usable(s)) {
        x86_call1(s, in->row->arg, info_of(s, in));
    }
}

static void op_with(X86Trans *s, const X86Insn *in, unsigned helper,
                    int64_t constant)
{
    if (x87_usable(s)) {
        x86_call2(s, helper, ir_const(s->ir, constant), info_of(s, in));
    }
}

void emit_x87_unary(X86Trans *s, const X86Insn *in)
{
    op_with(s, in, HELPER_x87_unary, in->row->arg);
}

void emit_x87_fprem(X86Trans *s, const X86Insn *in)
{
    op_with(s, in, HELPER_x87_fprem, in->row->arg);
}

void emit_x87_binary_pop(X86Trans *s, const X86Insn *in)
{
    op_with(s, in, HELPER_x87_binary_pop, in->row->arg);
}

void emit_x87_split(X86Trans *s, const X86Insn *in)
{
    op_with(s, in, HELPER_x87_split, in->row->arg);
}

void emit_x87_fcom(X86Trans *s, const X86Insn *in)
{
    op_with(s, in, HELPER_x87_fcom, in->row->arg);
}

void emit_x87_fucom(X86Trans *s, const X86Insn *in)
{
    op_with(s, in, HELPER_x87_fucom, in->row->arg);
}

void emit_x87_fst(X86Trans *s, const X86Insn *in)
{
    op_with(s, in, HELPER_x87_fst_st, in->row->arg == X87_POP);
}

void emit_x87_ffree(X86Trans *s, const X86Insn *in)
{
    op_with(s, in, HELPER_x87_ffree, in->row->arg);
}

void emit_x87_rotate(X86Trans *s, const X86Insn *in)
{
    op_with(s, in, HELPER_x87_rotate, in->row->arg);
}

void emit_x87_fcmov(X86Trans *s, const X86Insn *in)
{
    IrTemp taken;

    if (x87_usable(s)) {
        taken = ir_temp(s->ir);
        ir_setcc(s->ir, in->row->arg, taken);
        x86_call2(s, HELPER_x87_fcmov, taken, info_of(s, in));
    }
}

/* --- memory operands --- */

static void load_with(X86Trans *s, const X86Insn *in, unsigned helper,
                      MemOp extra)
{
    unsigned size = in->op[0].size;
    IrTemp ea, value;
    X86Addr a;

    if (!x87_usable(s)) {
        return;
    }
    a = mem_of(s, in, 1u << size, X86_READ, &ea);
    value = x86_load(s, &a, size, extra);
    ir_call(s->ir, helper, IR_NONE, 3, value, ea, info_of(s, in));
}

void emit_x87_load(X86Trans *s, const X86Insn *in)
{
    load_with(s, in, in->row->arg, 0);
}

void emit_x87_arith_mem(X86Trans *s, const X86Insn *in)
{
    load_with(s, in, in->row->arg, 0);
}

void emit_x87_fild(X86Trans *s, const X86Insn *in)
{
    load_with(s, in, HELPER_x87_fild, MO_SIGN);
}

void emit_x87_com_mem(X86Trans *s, const X86Insn *in)
{
    unsigned size = in->op[0].size;
    IrTemp ea, value;
    X86Addr a;

    if (!x87_usable(s)) {
        return;
    }
    a = mem_of(s, in, 1u << size, X86_READ, &ea);
    value = x86_load(s, &a, size, 0);
    ir_call(s->ir, HELPER_x87_fcom_mem, IR_NONE, 4, value,
            ir_const(s->ir, in->row->arg), ea, info_of(s, in));
}

/* FLD m80, FBLD: the last two bytes are an operand of their own. */
void emit_x87_load80(X86Trans *s, const X86Insn *in)
{
    IrTemp ea, lo, hi;
    X86Addr a;

    if (!x87_usable(s)) {
        return;
    }
    a = mem_of(s, in, 8, X86_READ, &ea);
    lo = x86_load(s, &a, IR_64, 0);
    a = x86_next_part(s, in, &a, 8, 2);
    hi = x86_load(s, &a, IR_16, 0);
    ir_call(s->ir, in->row->arg, IR_NONE, 4, lo, hi, ea, info_of(s, in));
}

static void store_to(X86Trans *s, const X86Insn *in, unsigned helper,
                     X86Addr a, MemOp size, IrTemp ea)
{
    unsigned arg = in->row->arg;
    int64_t how = (int64_t)(arg & 0xff) << X87_HOW_OP_SHIFT |
                  (arg & X87_POP ? X87_HOW_POP : 0) |
                  (int64_t)in->asize << X87_HOW_ASIZE_SHIFT;

    ir_call(s->ir, helper, IR_NONE, 4, x86_linear(s, &a),
            ir_const(s->ir, how | a.mo | size), ea, info_of(s, in));
}

void emit_x87_store(X86Trans *s, const X86Insn *in)
{
    unsigned size = in->op[0].size;
    IrTemp ea;
    X86Addr a;

    if (x87_usable(s)) {
        a = mem_of(s, in, 1u << size, X86_WRITE, &ea);
        store_to(s, in, HELPER_x87_store, a, size, ea);
    }
}

/* FBSTP converts, FSTP m80 does not.  The last two bytes as above. */
void emit_x87_store80(X86Trans *s, const X86Insn *in)
{
    unsigned helper = in->row->arg ? HELPER_x87_store : HELPER_x87_store80;
    IrTemp ea, last;
    X86Addr a;

    if (!x87_usable(s)) {
        return;
    }
    wait_before_operand(s);
    ea = x86_ea(s, in, IR_NONE);
    last = x86_ea(s, in, ir_const(s->ir, 8));
    a = x86_store_in_two(s, in->mem.seg, ea, last, 2);
    store_to(s, in, helper, a, 0, ea);
}

/* --- control --- */

void emit_x87_control(X86Trans *s, const X86Insn *in)
{
    if (x87_usable(s)) {
        x86_call0(s, in->row->arg);
    }
}

void emit_x87_nop(X86Trans *s, const X86Insn *in)
{
    x87_usable(s);
}

/* WAIT heeds CR0.MP and TS, not EM. */
void emit_x87_fwait(X86Trans *s, const X86Insn *in)
{
    if (s->flags & HF_WAIT_NM) {
        x86_fault(s, EXCP_NM);
    } else {
        x86_call0(s, HELPER_x87_fwait);
    }
}

void emit_x87_fldcw(X86Trans *s, const X86Insn *in)
{
    if (x87_usable(s)) {
        wait_before_operand(s);
        x86_call1(s, HELPER_x87_fldcw, x86_get(s, in, 0));
    }
}

void emit_x87_fnstcw(X86Trans *s, const X86Insn *in)
{
    IrTemp cw;

    if (x87_usable(s)) {
        cw = ir_temp(s->ir);
        ir_ld_cpu(s->ir, cw, offsetof(X86CPU, x87.cw), MO_16);
        x86_put(s, in, 0, cw);
    }
}

static IrTemp status_word(X86Trans *s)
{
    IrTemp sw = ir_temp(s->ir), top = ir_temp(s->ir);

    ir_ld_cpu(s->ir, sw, offsetof(X86CPU, x87.sw), MO_16);
    ir_ld_cpu(s->ir, top, offsetof(X86CPU, x87.top), MO_8);
    ir_op2(s->ir, IR_SHL, IR_32, 0, top, top,
           ir_const(s->ir, X87_TOP_SHIFT));
    ir_op2(s->ir, IR_OR, IR_32, 0, sw, sw, top);
    return sw;
}

void emit_x87_fnstsw(X86Trans *s, const X86Insn *in)
{
    if (x87_usable(s)) {
        x86_put(s, in, 0, status_word(s));
    }
}

void emit_x87_fnstsw_ax(X86Trans *s, const X86Insn *in)
{
    if (x87_usable(s)) {
        x86_put_gpr(s, IR_16, R_RAX, status_word(s));
    }
}

/* FNSTENV, FLDENV, FNSAVE, FRSTOR: SDM vol. 1, figures 8-9 to 8-12. */
void emit_x87_image(X86Trans *s, const X86Insn *in)
{
    unsigned helper = in->row->arg, bytes, layout = 0;
    bool load = helper == HELPER_x87_fldenv || helper == HELPER_x87_frstor;
    bool all = helper == HELPER_x87_fnsave || helper == HELPER_x87_frstor;
    X86Addr a;

    if (!x87_usable(s)) {
        return;
    }
    layout |= in->osize == IR_16 ? 0 : X87_IMAGE_32;
    layout |= x86_is_real(s) ? X87_IMAGE_REAL : 0;
    bytes = (layout & X87_IMAGE_32 ? 28 : 14) + (all ? 80 : 0);
    if (load) {
        wait_before_operand(s);
    }
    a = x86_addr(s, in, bytes, load ? X86_READ : X86_WRITE);
    x86_align_whole(s, &a, layout & X87_IMAGE_32 ? 4 : 2);
    ir_call(s->ir, helper, IR_NONE, 3, x86_linear(s, &a),
            ir_const(s->ir, a.mo), ir_const(s->ir, layout));
}
