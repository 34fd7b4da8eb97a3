/* SPDX-License-Identifier: MIT */
/*
 * Transfers of control.
 *
 * A branch to an address that is not canonical faults itself, before it has
 * changed anything: SDM vol. 2A, "JMP", "CALL", "RET".  To compare the target
 * of every return would cost too much, so what cannot be undone is checked
 * beforehand (the push of an indirect CALL), the rest by x86_check_branch()
 * when no block is found for the target.  The target of a relative branch is
 * known, but for where its page is mapped: the compare is emitted if it is not
 * canonical where the block was translated.
 */
#include "target/i386/emit.h"
#include "tcg/tb.h"

/* Page offset that a relative jump leads to. */
static int64_t target_of(X86Trans *s, const X86Insn *in)
{
    return (int64_t)s->next_off + in->imm;
}

/* #GP(0) now if @rip is not canonical: its upper bits, and the one below them,
 * are neither all 0 nor all 1. */
static void check_canonical(X86Trans *s, IrTemp rip, int push)
{
    unsigned width = s->flags & HF_LA57 ? 57 : 48;
    IrTemp top = ir_temp(s->ir);

    ir_op2(s->ir, IR_SAR, IR_64, 0, top, rip, ir_const(s->ir, width - 1));
    ir_lea(s->ir, IR_64, top, top, IR_NONE, 0, 1);
    x86_refuse_target(s, COND_A, top, ir_const(s->ir, 1), push);
}

/* #GP at the jump for a target beyond a segmented CS, or not canonical. */
static void check_target(X86Trans *s, int64_t target, unsigned size, int push)
{
    vaddr linear = (s->linear & PAGE_MASK) + target;

    if (!(s->flags & (HF_FLAT_CS | HF_CS64))) {
        x86_jump_target(s, x86_rip_at(s, target), size, push);
    } else if (x86_is64(s) && !x86_is_canonical(s->cpu, linear)) {
        check_canonical(s, x86_rip_at(s, target), push);
    }
}

void emit_jmp(X86Trans *s, const X86Insn *in)
{
    check_target(s, target_of(s, in), in->osize, NO_PUSH);
    x86_goto(s, 0, target_of(s, in), in->osize);
}

/* Both ways out of a conditional jump; the caller jumps to @taken. */
static void two_ways(X86Trans *s, const X86Insn *in, unsigned taken)
{
    x86_goto(s, 1, s->next_off, x86_is64(s) ? IR_64 : IR_32);
    ir_set_label(s->ir, taken);
    check_target(s, target_of(s, in), in->osize, NO_PUSH);
    x86_goto(s, 0, target_of(s, in), in->osize);
}

void emit_jcc(X86Trans *s, const X86Insn *in)
{
    unsigned taken = ir_label(s->ir);

    ir_brcc(s->ir, in->opcode & 15, taken);
    two_ways(s, in, taken);
}

/* rCX, or its low part by the address size, as a temp to compare. */
static IrTemp counter(X86Trans *s, const X86Insn *in)
{
    return in->asize == IR_64 ? x86_gpr(R_RCX)
                              : x86_zx(s, in->asize, x86_gpr(R_RCX));
}

void emit_jcxz(X86Trans *s, const X86Insn *in)
{
    unsigned taken = ir_label(s->ir);

    ir_brcond(s->ir, IR_64, COND_E, counter(s, in), ir_const(s->ir, 0),
              taken);
    two_ways(s, in, taken);
}

/* rCX is written on each way out, on the taken one after the check of its
 * target; the test looks at the new value. */
void emit_loop(X86Trans *s, const X86Insn *in)
{
    unsigned taken = ir_label(s->ir), over = ir_label(s->ir);
    IrTemp less = ir_temp_local(s->ir), low;
    unsigned cond = in->row->arg;

    ir_lea(s->ir, IR_64, less, x86_gpr(R_RCX), IR_NONE, 0, -1);
    low = in->asize == IR_64 ? less : x86_zx(s, in->asize, less);
    ir_brcond(s->ir, IR_64, COND_E, low, ir_const(s->ir, 0), over);
    if (cond == LOOP_ALWAYS) {
        ir_br(s->ir, taken);
    } else {
        ir_brcc(s->ir, cond, taken);
    }
    ir_set_label(s->ir, over);
    x86_put_gpr(s, in->asize, R_RCX, less);
    x86_goto(s, 1, s->next_off, x86_is64(s) ? IR_64 : IR_32);
    ir_set_label(s->ir, taken);
    check_target(s, target_of(s, in), in->osize, NO_PUSH);
    x86_put_gpr(s, in->asize, R_RCX, less);
    x86_goto(s, 0, target_of(s, in), in->osize);
}

void emit_call(X86Trans *s, const X86Insn *in)
{
    check_target(s, target_of(s, in), in->osize, in->osize);
    x86_push(s, in->osize, x86_next_rip(s));
    x86_goto(s, 0, target_of(s, in), in->osize);
}

static IrTemp indirect_target(X86Trans *s, const X86Insn *in, int push)
{
    IrTemp rip = ir_temp(s->ir), value = x86_get(s, in, 0);

    /* A copy: CALL rSP goes where it pointed before the push. */
    ir_mov(s->ir, IR_64, rip, value);
    return x86_jump_target(s, rip, in->osize, push);
}

/* Before an indirect branch that adds @pops to RSP does so.  Where each
 * instruction leaves to the exec loop, which may then stop, check now. */
static void note_branch(X86Trans *s, IrTemp rip, unsigned pops)
{
    if (!x86_is64(s)) {
        return;
    }
    s->tb->has_branch = true;
    s->tb->branch_off = s->insn_off;
    s->tb->branch_pops = pops;
    if (s->leave) {
        check_canonical(s, rip, NO_PUSH);
    }
}

void emit_jmp_ind(X86Trans *s, const X86Insn *in)
{
    IrTemp rip = indirect_target(s, in, NO_PUSH);

    note_branch(s, rip, 0);
    x86_jump(s, rip);
}

void emit_call_ind(X86Trans *s, const X86Insn *in)
{
    IrTemp rip = indirect_target(s, in, in->osize);

    if (x86_is64(s)) {
        check_canonical(s, rip, in->osize);
    }
    x86_push(s, in->osize, x86_next_rip(s));
    x86_jump(s, rip);
}

void emit_ret(X86Trans *s, const X86Insn *in)
{
    int bytes = 1 << in->osize;
    X86Addr a = x86_stack_addr(s, 0, bytes, X86_READ);
    IrTemp rip = x86_load(s, &a, in->osize, 0);

    rip = x86_jump_target(s, rip, in->osize, NO_PUSH);
    note_branch(s, rip, bytes + in->imm);
    x86_add_sp(s, bytes + in->imm);
    x86_jump(s, rip);
}

/* --- far transfers and interrupts: helpers --- */

static void far_transfer(X86Trans *s, unsigned helper, IrTemp sel,
                         IrTemp off, unsigned size)
{
    ir_call(s->ir, helper, IR_NONE, 4, sel, off, x86_next_rip(s),
            ir_const(s->ir, size));
    x86_exit(s);
}

void emit_jmp_far(X86Trans *s, const X86Insn *in)
{
    far_transfer(s, HELPER_far_jmp, ir_const(s->ir, in->imm2),
                 ir_const(s->ir, in->imm), in->osize);
}

void emit_call_far(X86Trans *s, const X86Insn *in)
{
    far_transfer(s, HELPER_far_call, ir_const(s->ir, in->imm2),
                 ir_const(s->ir, in->imm), in->osize);
}

static void far_mem(X86Trans *s, const X86Insn *in, unsigned helper)
{
    IrTemp sel, off;

    x86_load_pointer(s, in, &sel, &off);
    far_transfer(s, helper, sel, off, in->osize);
}

void emit_jmp_far_mem(X86Trans *s, const X86Insn *in)
{
    far_mem(s, in, HELPER_far_jmp);
}

void emit_call_far_mem(X86Trans *s, const X86Insn *in)
{
    far_mem(s, in, HELPER_far_call);
}

void emit_ret_far(X86Trans *s, const X86Insn *in)
{
    x86_call2(s, HELPER_far_ret, ir_const(s->ir, in->osize),
              ir_const(s->ir, in->imm));
    x86_exit(s);
}

void emit_iret(X86Trans *s, const X86Insn *in)
{
    x86_call2(s, HELPER_iret, ir_const(s->ir, in->osize), x86_next_rip(s));
    ir_fence(s->ir, FENCE_ALL); /* SDM vol. 3A, 8.3: it serialises */
    x86_exit(s);
}

void emit_int(X86Trans *s, const X86Insn *in)
{
    x86_call2(s, HELPER_int, ir_const(s->ir, in->imm), x86_next_rip(s));
    ir_exit(s->ir);
    s->ended = true;
}

/* INT3, INT1 */
void emit_int3(X86Trans *s, const X86Insn *in)
{
    x86_call1(s, in->row->arg, x86_next_rip(s));
    ir_exit(s->ir);
    s->ended = true;
}

void emit_into(X86Trans *s, const X86Insn *in)
{
    unsigned skip = ir_label(s->ir);

    ir_brcc(s->ir, COND_NO, skip);
    x86_call1(s, HELPER_into, x86_next_rip(s));
    ir_exit(s->ir);
    ir_set_label(s->ir, skip);
    x86_goto(s, 0, s->next_off, IR_32);
}

/* #BR if the index lies outside the two signed bounds in memory. */
void emit_bound(X86Trans *s, const X86Insn *in)
{
    unsigned size = in->osize, bytes = 1u << size;
    IrTemp index = x86_get(s, in, 0), lower, upper;
    X86Addr a = x86_addr(s, in, bytes, X86_READ);

    lower = x86_load(s, &a, size, 0);
    a = x86_next_part(s, in, &a, bytes, bytes);
    upper = x86_load(s, &a, size, 0);
    ir_trapif(s->ir, size, COND_L, index, lower, HELPER_raise, EXCP_BR);
    ir_trapif(s->ir, size, COND_G, index, upper, HELPER_raise, EXCP_BR);
}

void emit_ud(X86Trans *s, const X86Insn *in)
{
    x86_fault(s, EXCP_UD);
}
