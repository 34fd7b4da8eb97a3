/* SPDX-License-Identifier: MIT */
/*
 * String instructions.  A repeated one is a loop inside the TB.  Each pass
 * ends with registers that are exact and a look at exit_request, so that an
 * interrupt or fault finds the instruction half done, as it may (SDM vol. 2B,
 * "REP/REPE/REPZ/REPNE/REPNZ").  REP MOVS and STOS do up to a page per pass, in
 * helper_string.c.
 */
#include "target/i386/emit.h"
#include "target/i386/strings.h"
#include "tcg/tb.h"

typedef void StringBody(X86Trans *s, const X86Insn *in);

static unsigned element_size(const X86Insn *in)
{
    return in->op[0].size;
}

static IrTemp low_part(X86Trans *s, const X86Insn *in, unsigned reg)
{
    return in->asize == IR_64 ? x86_gpr(reg)
                              : x86_zx(s, in->asize, x86_gpr(reg));
}

static unsigned source_seg(const X86Insn *in)
{
    return in->seg == X86_NO_REG ? R_DS : in->seg;
}

static X86Addr source(X86Trans *s, const X86Insn *in)
{
    return x86_seg_addr(s, source_seg(in), low_part(s, in, R_RSI),
                        1u << element_size(in), X86_READ);
}

static X86Addr destination(X86Trans *s, const X86Insn *in, int access)
{
    return x86_seg_addr(s, R_ES, low_part(s, in, R_RDI),
                        1u << element_size(in), access);
}

static void add_to(X86Trans *s, const X86Insn *in, unsigned reg, int delta)
{
    IrTemp r = x86_gpr(reg), t;

    if (in->asize != IR_16) {
        ir_lea(s->ir, in->asize, r, r, IR_NONE, 0, delta);
        return;
    }
    t = ir_temp(s->ir);
    ir_lea(s->ir, IR_32, t, r, IR_NONE, 0, delta);
    x86_put_gpr(s, IR_16, reg, t);
}

static void advance(X86Trans *s, const X86Insn *in, unsigned reg)
{
    int bytes = 1 << element_size(in);

    add_to(s, in, reg, s->flags & HF_DF ? -bytes : bytes);
}

/* --- repetition --- */

static void if_count_zero(X86Trans *s, const X86Insn *in, unsigned label)
{
    ir_brcond(s->ir, IR_64, COND_E, low_part(s, in, R_RCX),
              ir_const(s->ir, 0), label);
}

/* After a pass: on at @top unless someone waits for this vCPU.  Under TF each
 * pass is an instruction of its own, but for the last one's rip. */
static void again(X86Trans *s, const X86Insn *in, unsigned top, unsigned done)
{
    IrTemp request;

    if (s->flags & HF_TF) {
        if_count_zero(s, in, done);
    } else {
        request = ir_temp(s->ir);
        ir_ld_cpu(s->ir, request, offsetof(X86CPU, cs.exit_request), MO_32);
        ir_brcond(s->ir, IR_64, COND_E, request, ir_const(s->ir, 0), top);
    }
    x86_set_resume(s);
    if (!(s->flags & HF_TF) && (s->tb->cflags & CF_ICOUNT)) {
        x86_call1(s, HELPER_count_again, x86_rip_at(s, s->insn_off));
    }
    x86_exit_again(s);
    ir_set_label(s->ir, done);
    s->ended = false;
}

/* @body does one element.  With @compares REPE goes on while ZF is set, REPNE
 * while it is clear. */
static void repeat(X86Trans *s, const X86Insn *in, StringBody *body,
                   bool compares)
{
    unsigned top, done;

    if (!in->rep) {
        body(s, in);
        return;
    }
    top = ir_label(s->ir);
    done = ir_label(s->ir);
    ir_set_label(s->ir, top);
    if_count_zero(s, in, done);
    body(s, in);
    add_to(s, in, R_RCX, -1);
    if (compares) {
        ir_brcc(s->ir, in->rep == 0xf3 ? COND_NE : COND_E, done);
    }
    again(s, in, top, done);
}

/* REP MOVS, REP STOS: the helper does at least one element. */
static void repeat_bulk(X86Trans *s, const X86Insn *in, unsigned helper)
{
    unsigned top = ir_label(s->ir), done = ir_label(s->ir);
    int64_t how = element_size(in) |
                  MO_MAKE_MMU(x86_mmu_mode(s->flags)) |
                  in->asize << REP_ASIZE_SHIFT;

    if (s->flags & HF_AC) {
        how |= MO_AC;
    }
    if (s->flags & HF_DF) {
        how |= REP_DOWN;
    }
    if (s->flags & HF_TF) {
        how |= REP_ONE;
    }
    ir_set_label(s->ir, top);
    if_count_zero(s, in, done);
    if (helper == HELPER_rep_movs) {
        x86_call2(s, helper, ir_const(s->ir, how),
                  ir_const(s->ir, source_seg(in)));
    } else {
        x86_call1(s, helper, ir_const(s->ir, how));
    }
    again(s, in, top, done);
}

/* --- the instructions --- */

static void movs_one(X86Trans *s, const X86Insn *in)
{
    X86Addr from = source(s, in), to;
    IrTemp value = x86_load(s, &from, element_size(in), 0);

    to = destination(s, in, X86_WRITE);
    x86_store(s, &to, element_size(in), value);
    advance(s, in, R_RSI);
    advance(s, in, R_RDI);
}

void emit_movs(X86Trans *s, const X86Insn *in)
{
    if (in->rep) {
        repeat_bulk(s, in, HELPER_rep_movs);
    } else {
        movs_one(s, in);
    }
}

static void stos_one(X86Trans *s, const X86Insn *in)
{
    X86Addr to = destination(s, in, X86_WRITE);

    x86_store(s, &to, element_size(in), x86_gpr(R_RAX));
    advance(s, in, R_RDI);
}

void emit_stos(X86Trans *s, const X86Insn *in)
{
    if (in->rep) {
        repeat_bulk(s, in, HELPER_rep_stos);
    } else {
        stos_one(s, in);
    }
}

static void lods_one(X86Trans *s, const X86Insn *in)
{
    X86Addr from = source(s, in);

    x86_put_gpr(s, element_size(in), R_RAX,
                x86_load(s, &from, element_size(in), 0));
    advance(s, in, R_RSI);
}

void emit_lods(X86Trans *s, const X86Insn *in)
{
    repeat(s, in, lods_one, false);
}

static void compare(X86Trans *s, const X86Insn *in, IrTemp a, IrTemp b)
{
    ir_op2(s->ir, IR_CMP, element_size(in), IR_CC_ALL, IR_NONE, a, b);
}

static void cmps_one(X86Trans *s, const X86Insn *in)
{
    X86Addr from = source(s, in), with;
    IrTemp a = x86_load(s, &from, element_size(in), 0), b;

    with = destination(s, in, X86_READ);
    b = x86_load(s, &with, element_size(in), 0);
    compare(s, in, a, b);
    advance(s, in, R_RSI);
    advance(s, in, R_RDI);
}

void emit_cmps(X86Trans *s, const X86Insn *in)
{
    repeat(s, in, cmps_one, true);
}

static void scas_one(X86Trans *s, const X86Insn *in)
{
    X86Addr with = destination(s, in, X86_READ);

    compare(s, in, x86_gpr(R_RAX),
            x86_load(s, &with, element_size(in), 0));
    advance(s, in, R_RDI);
}

void emit_scas(X86Trans *s, const X86Insn *in)
{
    repeat(s, in, scas_one, true);
}

static void ins_one(X86Trans *s, const X86Insn *in)
{
    X86Addr to = destination(s, in, X86_WRITE);
    IrTemp port = x86_zx(s, IR_16, x86_gpr(R_RDX));

    ir_call(s->ir, HELPER_ins, IR_NONE, 3, port, x86_linear(s, &to),
            ir_const(s->ir, to.mo | element_size(in)));
    advance(s, in, R_RDI);
}

void emit_ins(X86Trans *s, const X86Insn *in)
{
    repeat(s, in, ins_one, false);
}

static void outs_one(X86Trans *s, const X86Insn *in)
{
    IrTemp size = ir_const(s->ir, element_size(in));
    IrTemp port = x86_zx(s, IR_16, x86_gpr(R_RDX));
    X86Addr from;
    IrTemp value;

    ir_call(s->ir, HELPER_check_io, IR_NONE, 2, port, size);
    from = source(s, in);
    value = x86_load(s, &from, element_size(in), 0);
    ir_call(s->ir, HELPER_out, IR_NONE, 3, port, size, value);
    advance(s, in, R_RSI);
}

void emit_outs(X86Trans *s, const X86Insn *in)
{
    repeat(s, in, outs_one, false);
}
