/* SPDX-License-Identifier: MIT */
/* Segment and system registers, mode switches, waiting, caches. */
#include "target/i386/emit.h"
#include "target/i386/fpustate.h"

/* An instruction that is all in its helper; the row tells if the TB ends. */
void emit_helper(X86Trans *s, const X86Insn *in)
{
    x86_call0(s, in->row->arg);
}

/* SDM vol. 3A, 8.3 "Serializing Instructions". */
static void exit_serialized(X86Trans *s)
{
    ir_fence(s->ir, FENCE_ALL);
    x86_exit_next(s);
}

static IrTemp ld_field(X86Trans *s, int32_t offset, MemOp op)
{
    IrTemp t = ir_temp(s->ir);

    ir_ld_cpu(s->ir, t, offset, op);
    return t;
}

static int32_t seg_field(unsigned seg, size_t field)
{
    return offsetof(X86CPU, segs[0]) + seg * sizeof(SegmentCache) + field;
}

/* --- segment registers --- */

void emit_mov_from_seg(X86Trans *s, const X86Insn *in)
{
    unsigned seg = in->op[1].reg;

    if (seg >= NB_SEGS) {
        x86_fault(s, EXCP_UD);
        return;
    }
    x86_put(s, in, 0,
            ld_field(s, seg_field(seg, offsetof(SegmentCache, selector)),
                     MO_16));
}

/* In 64-bit code no segment but SS is in hflags. */
static void segment_loaded(X86Trans *s, unsigned seg)
{
    if (seg == R_SS) {
        x86_exit_shadow(s);
    } else if (!x86_is64(s)) {
        x86_jump_next(s);
    }
}

void emit_mov_to_seg(X86Trans *s, const X86Insn *in)
{
    unsigned seg = in->op[0].reg;

    if (seg == R_CS || seg >= NB_SEGS) {
        x86_fault(s, EXCP_UD);
        return;
    }
    x86_call2(s, HELPER_load_seg, ir_const(s->ir, seg),
              x86_zx(s, IR_16, x86_get(s, in, 1)));
    segment_loaded(s, seg);
}

/* LDS, LES, LSS, LFS, LGS */
void emit_load_far(X86Trans *s, const X86Insn *in)
{
    unsigned seg = in->row->arg;
    IrTemp sel, off;

    x86_load_pointer(s, in, &sel, &off);
    x86_call2(s, HELPER_load_seg, ir_const(s->ir, seg), sel);
    x86_put(s, in, 0, off);
    if (seg == R_SS) {
        x86_exit_next(s);
    } else {
        segment_loaded(s, seg);
    }
}

/* RDFSBASE, RDGSBASE */
void emit_rdbase(X86Trans *s, const X86Insn *in)
{
    x86_call0(s, HELPER_fsgsbase);
    x86_put(s, in, 0,
            ld_field(s, seg_field(in->row->arg,
                                  offsetof(SegmentCache, base)), MO_64));
}

void emit_wrbase(X86Trans *s, const X86Insn *in)
{
    x86_call0(s, HELPER_fsgsbase);
    x86_call2(s, HELPER_write_segbase, ir_const(s->ir, in->row->arg),
              x86_zx(s, in->op[0].size, x86_get(s, in, 0)));
}

/* --- descriptor tables and selectors --- */

static void check_umip(X86Trans *s)
{
    if (x86_cpl(s) != 0) {
        x86_call0(s, HELPER_umip);
    }
}

/* SGDT, SIDT: all of the base whatever the operand size, as processors do. */
void emit_store_dt(X86Trans *s, const X86Insn *in)
{
    bool idt = in->row->arg;
    int32_t table = idt ? offsetof(X86CPU, idt) : offsetof(X86CPU, gdt);
    unsigned size = x86_is64(s) ? IR_64 : IR_32;
    X86Addr a, b;
    IrTemp limit;

    check_umip(s);
    a = x86_addr(s, in, 2 + (1u << size), X86_WRITE);
    x86_align_whole(s, &a, 4);
    b = x86_addr_add(a, 2);
    limit = ld_field(s, table + offsetof(X86CPU, gdt.limit) -
                            offsetof(X86CPU, gdt), MO_16);
    x86_store(s, &a, IR_16, limit);
    x86_store(s, &b, size, ld_field(s, table, MO_64));
}

/* LGDT, LIDT: 24 bits of base with a 16-bit operand size */
void emit_load_dt(X86Trans *s, const X86Insn *in)
{
    unsigned size = x86_is64(s) ? IR_64 : IR_32;
    X86Addr a = x86_addr(s, in, 2 + (1u << size), X86_READ);
    X86Addr b = x86_addr_add(a, 2);
    IrTemp limit = x86_load(s, &a, IR_16, 0);
    IrTemp base = x86_load(s, &b, size, 0);

    if (!x86_is64(s) && in->osize == IR_16) {
        ir_op2(s->ir, IR_AND, IR_32, 0, base, base,
               ir_const(s->ir, 0xffffff));
    }
    x86_call2(s, in->row->arg, limit, base);
}

/* SLDT, STR */
void emit_store_sel(X86Trans *s, const X86Insn *in)
{
    bool tr = in->row->arg;

    check_umip(s);
    x86_put(s, in, 0,
            ld_field(s, tr ? offsetof(X86CPU, tr.selector)
                           : offsetof(X86CPU, ldt.selector), MO_16));
}

/* LLDT, LTR */
void emit_load_sel(X86Trans *s, const X86Insn *in)
{
    x86_call1(s, in->row->arg, x86_zx(s, IR_16, x86_get(s, in, 0)));
}

/* VERR, VERW */
void emit_verify(X86Trans *s, const X86Insn *in)
{
    x86_call1(s, in->row->arg, x86_zx(s, IR_16, x86_get(s, in, 0)));
}

/* LAR, LSL: the helper gives back the old register if it finds nothing, so
 * all its 64 bits are written; what it finds has at most 32. */
void emit_lar(X86Trans *s, const X86Insn *in)
{
    IrTemp value = ir_temp(s->ir), dst = x86_gpr(in->op[0].reg);
    IrTemp sel = x86_zx(s, IR_16, x86_get(s, in, 1));

    ir_call(s->ir, in->row->arg, value, 2, sel, dst);
    if (in->osize == IR_16) {
        x86_put(s, in, 0, value);
    } else {
        ir_mov(s->ir, IR_64, dst, value);
    }
}

/* ARPL: if the destination's RPL is below the source's, raise it to that and
 * set ZF.  Else nothing is stored. */
void emit_arpl(X86Trans *s, const X86Insn *in)
{
    IrTemp old = ir_temp_local(s->ir), want = ir_temp_local(s->ir);
    IrTemp have = ir_temp(s->ir), raised = ir_temp(s->ir);
    unsigned keep = ir_label(s->ir), done = ir_label(s->ir);

    ir_mov(s->ir, IR_64, old, x86_get(s, in, 0));
    ir_op2(s->ir, IR_AND, IR_32, 0, want, x86_get(s, in, 1),
           ir_const(s->ir, 3));
    ir_op2(s->ir, IR_AND, IR_32, 0, have, old, ir_const(s->ir, 3));
    ir_brcond(s->ir, IR_32, COND_AE, have, want, keep);
    ir_op2(s->ir, IR_AND, IR_32, 0, raised, old, ir_const(s->ir, ~3));
    ir_op2(s->ir, IR_OR, IR_32, 0, raised, raised, want);
    x86_put(s, in, 0, raised);
    ir_putcc(s->ir, ir_const(s->ir, EFLAGS_ZF), IR_CC_Z);
    ir_br(s->ir, done);
    ir_set_label(s->ir, keep);
    ir_putcc(s->ir, ir_const(s->ir, 0), IR_CC_Z);
    ir_set_label(s->ir, done);
}

/* --- control, debug and machine-status registers --- */

void emit_mov_from_cr(X86Trans *s, const X86Insn *in)
{
    IrTemp value = ir_temp(s->ir);

    ir_call(s->ir, HELPER_read_cr, value, 1,
            ir_const(s->ir, in->op[1].reg));
    x86_put(s, in, 0, value);
}

void emit_mov_to_cr(X86Trans *s, const X86Insn *in)
{
    x86_call2(s, HELPER_write_cr, ir_const(s->ir, in->op[0].reg),
              x86_zx(s, in->op[1].size, x86_get(s, in, 1)));
    exit_serialized(s);
}

void emit_mov_from_dr(X86Trans *s, const X86Insn *in)
{
    IrTemp value = ir_temp(s->ir);

    ir_call(s->ir, HELPER_read_dr, value, 1,
            ir_const(s->ir, in->op[1].reg));
    x86_put(s, in, 0, value);
}

void emit_mov_to_dr(X86Trans *s, const X86Insn *in)
{
    x86_call2(s, HELPER_write_dr, ir_const(s->ir, in->op[0].reg),
              x86_zx(s, in->op[1].size, x86_get(s, in, 1)));
    exit_serialized(s);
}

void emit_smsw(X86Trans *s, const X86Insn *in)
{
    check_umip(s);
    x86_put(s, in, 0, ld_field(s, offsetof(X86CPU, cr0), MO_64));
}

void emit_lmsw(X86Trans *s, const X86Insn *in)
{
    x86_call1(s, HELPER_lmsw, x86_zx(s, IR_16, x86_get(s, in, 0)));
    x86_exit_next(s);
}

/* --- mode switches --- */

/* The helper has raised the single-step trap, if there is one. */
static void change_system(X86Trans *s)
{
    ir_jmp_ind(s->ir, ld_field(s, offsetof(X86CPU, rip), MO_64),
               JMP_FLAGS | JMP_REQUESTS);
    s->ended = true;
}

void emit_syscall(X86Trans *s, const X86Insn *in)
{
    x86_call1(s, HELPER_syscall, x86_next_rip(s));
    change_system(s);
}

void emit_sysenter(X86Trans *s, const X86Insn *in)
{
    x86_call0(s, HELPER_sysenter);
    change_system(s);
}

/* SYSRET, SYSEXIT */
void emit_sysret(X86Trans *s, const X86Insn *in)
{
    x86_call1(s, in->row->arg, ir_const(s->ir, in->osize));
    change_system(s);
}

void emit_rsm(X86Trans *s, const X86Insn *in)
{
    x86_call0(s, HELPER_rsm);
    x86_exit(s);
}

/* --- waiting --- */

/* Under TF the trap comes instead: what is waited for ends at once. */
static void wait_in(X86Trans *s, unsigned helper)
{
    if (s->flags & HF_TF) {
        return;
    }
    x86_call1(s, helper, x86_next_rip(s));
    ir_exit(s->ir);
    s->ended = true;
}

void emit_hlt(X86Trans *s, const X86Insn *in)
{
    wait_in(s, HELPER_hlt);
}

void emit_mwait(X86Trans *s, const X86Insn *in)
{
    wait_in(s, HELPER_mwait);
}

void emit_monitor(X86Trans *s, const X86Insn *in)
{
    IrTemp off = x86_gpr(R_RAX);
    unsigned seg = in->seg == X86_NO_REG ? R_DS : in->seg;
    X86Addr a;

    if (in->asize != IR_64) {
        off = x86_zx(s, in->asize, off);
    }
    a = x86_seg_addr(s, seg, off, 1, X86_READ);
    x86_call1(s, HELPER_monitor, x86_linear(s, &a));
}

/* --- TLB, caches, fences, state areas --- */

void emit_invlpg(X86Trans *s, const X86Insn *in)
{
    X86Addr a = x86_addr(s, in, 1, X86_READ);

    x86_call1(s, HELPER_invlpg, x86_linear(s, &a));
    exit_serialized(s);
}

void emit_invpcid(X86Trans *s, const X86Insn *in)
{
    X86Addr a = x86_addr(s, in, 16, X86_READ);

    x86_call2(s, HELPER_invpcid, x86_get(s, in, 0), x86_linear(s, &a));
    exit_serialized(s);
}

/* Faults as a load of the byte would. */
void emit_clflush(X86Trans *s, const X86Insn *in)
{
    x86_get(s, in, 0);
}

void emit_fence(X86Trans *s, const X86Insn *in)
{
    ir_fence(s->ir, in->row->arg);
}

void emit_rdpid(X86Trans *s, const X86Insn *in)
{
    IrTemp value = ir_temp(s->ir);

    ir_call(s->ir, HELPER_rdpid, value, 0);
    x86_put(s, in, 0, value);
}

/* CF says whether there was a number; there always is. */
void emit_rdrand(X86Trans *s, const X86Insn *in)
{
    IrTemp value = ir_temp(s->ir);

    ir_call(s->ir, HELPER_rdrand, value, 0);
    x86_put(s, in, 0, value);
    ir_putcc(s->ir, ir_const(s->ir, EFLAGS_CF), IR_CC_ALL);
}

/* FXSAVE to XRSTORS.  What is loaded may change HF_SIMD_EXC.  The XSAVE family
 * checks CR0.TS itself, as #UD comes first. */
void emit_xstate(X86Trans *s, const X86Insn *in)
{
    unsigned helper = in->row->arg;
    bool fx = helper == HELPER_fxsave || helper == HELPER_fxrstor;
    bool load = helper == HELPER_fxrstor || helper == HELPER_xrstor ||
                helper == HELPER_xrstors;
    unsigned info;
    X86Addr a;

    if (fx && (s->flags & HF_X87_NM)) {
        x86_fault(s, EXCP_NM);
        return;
    }
    a = x86_addr(s, in, 512, load ? X86_READ : X86_WRITE);
    info = in->rex & 8 ? IR_64 : IR_32;
    info |= fx ? 0 : (unsigned)in->mem.seg << XSTATE_SEG_SHIFT;
    x86_call2(s, helper, x86_linear(s, &a), ir_const(s->ir, info));
    if (load) {
        x86_exit_next(s);
    }
}
