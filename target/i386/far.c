/* SPDX-License-Identifier: MIT */
/*
 * Far JMP and CALL: segments, call gates, task gates and TSSs.
 * Source: SDM vol. 2A, "JMP" and "CALL", Operation; vol. 3A, 5.8 "Privilege
 * Level Checking When Transferring Program Control Between Code Segments".
 */
#include "target/i386/cpuid.h"
#include "target/i386/excp.h"
#include "target/i386/helpers.h"
#include "target/i386/seg.h"
#include "target/i386/tss.h"
#include "tcg/ir.h"

/* One far transfer, as it was asked for. */
typedef struct FarTarget {
    uint16_t sel;
    uint64_t rip;
    uint64_t next;
    MemOp size; /* of the operand: MO_16 to MO_64 */
    bool is_call;
} FarTarget;

static uint64_t size_mask(MemOp size)
{
    return size == MO_16 ? 0xffff : size == MO_32 ? 0xffffffff : ~0ull;
}

/* Real-address and virtual-8086 mode. */
static void far_8086(X86CPU *cpu, const FarTarget *t)
{
    X86Stack s;

    if (t->is_call) {
        stack_open(&s, cpu);
        stack_push(&s, t->size, cpu->segs[R_CS].selector);
        stack_push(&s, t->size, t->next);
    }
    if (t->rip > cpu->segs[R_CS].limit) {
        x86_raise_gp0(cpu);
    }
    if (t->is_call) {
        stack_commit(&s);
    }
    if (cpu->hflags & HF_VM) {
        seg_set_vm86(cpu, R_CS, t->sel);
    } else {
        seg_set_real(cpu, R_CS, t->sel);
    }
    cpu->rip = t->rip;
}

/* L and D together are reserved in long mode. */
static bool code_bits_valid(X86CPU *cpu, uint32_t attr)
{
    return !x86_is_long(cpu) ||
           (attr & (DESC_L | DESC_B)) != (DESC_L | DESC_B);
}

static void check_code_direct(X86CPU *cpu, uint16_t sel, Desc d)
{
    unsigned cpl = x86_cpl(cpu), dpl = desc_dpl(d.hi);
    bool ok = desc_is_conforming(d.hi)
                  ? dpl <= cpl
                  : (sel & SEL_RPL) <= cpl && dpl == cpl;

    if (!ok || !code_bits_valid(cpu, d.hi)) {
        seg_fault(cpu, EXCP_GP, sel, 0);
    }
    if (!(d.hi & DESC_P)) {
        seg_fault(cpu, EXCP_NP, sel, 0);
    }
}

/* To @code at the same privilege; a call pushes words of @size.  AMD's push in
 * the new mode, Intel's before they leave the old one: APM vol. 3, "CALL (Far)";
 * SDM vol. 2A, "CALL". */
static void far_same_level(X86CPU *cpu, const FarTarget *t, uint16_t sel,
                           Desc code, uint64_t rip, MemOp size)
{
    bool is_64 = cpu->features->amd ? x86_is_long(cpu) && (code.hi & DESC_L)
                                    : cpu->hflags & HF_CS64;
    X86Stack s;

    desc_set_accessed(cpu, sel, &code);
    if (t->is_call) {
        stack_open_as(&s, cpu, is_64);
        stack_push(&s, size, cpu->segs[R_CS].selector);
        stack_push(&s, size, t->next);
    }
    seg_check_rip(cpu, code, rip, 0);
    if (t->is_call) {
        stack_commit(&s);
    }
    seg_enter_code(cpu, sel, x86_cpl(cpu), code, rip);
}

/* --- call gates --- */

typedef struct CallGate {
    uint16_t sel; /* of the code segment */
    uint64_t rip;
    MemOp size;
    unsigned params;
} CallGate;

/* Take the gate at @t->sel apart, once its own checks are made. */
static CallGate call_gate_open(X86CPU *cpu, const FarTarget *t, Desc d)
{
    uint32_t upper;
    CallGate g = {
        .sel = d.lo >> 16,
        .rip = d.lo & 0xffff,
        .size = desc_type(d.hi) & SYS_32BIT ? MO_32 : MO_16,
        .params = d.hi & 31,
    };

    if (desc_dpl(d.hi) < x86_cpl(cpu) ||
        desc_dpl(d.hi) < (t->sel & SEL_RPL)) {
        seg_fault(cpu, EXCP_GP, t->sel, 0);
    }
    if (x86_is_long(cpu)) {
        if (!desc_read_upper(cpu, t->sel, &upper)) {
            seg_fault(cpu, EXCP_GP, t->sel, 0);
        }
        g.rip |= (uint64_t)upper << 32;
        g.size = MO_64;
        g.params = 0;
    }
    if (!(d.hi & DESC_P)) {
        seg_fault(cpu, EXCP_NP, t->sel, 0);
    }
    if (g.size != MO_16) {
        g.rip |= d.hi & 0xffff0000;
    }
    return g;
}

/* The code segment behind a gate; whether the jump or call may go there. */
static Desc call_gate_code(X86CPU *cpu, const FarTarget *t, uint16_t sel)
{
    unsigned cpl = x86_cpl(cpu);
    Desc d;

    if (sel_is_null(sel)) {
        x86_raise_gp0(cpu);
    }
    if (!desc_read(cpu, sel, &d) || !desc_is_code(d.hi) ||
        desc_dpl(d.hi) > cpl) {
        seg_fault(cpu, EXCP_GP, sel, 0);
    }
    if (!t->is_call && !desc_is_conforming(d.hi) && desc_dpl(d.hi) != cpl) {
        seg_fault(cpu, EXCP_GP, sel, 0);
    }
    if (x86_is_long(cpu) && (d.hi & (DESC_L | DESC_B)) != DESC_L) {
        seg_fault(cpu, EXCP_GP, sel, 0);
    }
    if (!(d.hi & DESC_P)) {
        seg_fault(cpu, EXCP_NP, sel, 0);
    }
    return d;
}

/* Copy the gate's parameters from the caller's stack, last one first. */
static void copy_params(X86CPU *cpu, X86Stack *to, const CallGate *g)
{
    uint64_t value[31];
    X86Stack from;

    stack_open(&from, cpu);
    for (unsigned i = 0; i < g->params; i++) {
        value[i] = stack_pop(&from, g->size);
    }
    for (unsigned i = g->params; i-- > 0;) {
        stack_push(to, g->size, value[i]);
    }
}

static void call_inner_level(X86CPU *cpu, const FarTarget *t,
                             const CallGate *g, Desc code)
{
    unsigned cpl = desc_dpl(code.hi);
    InnerStack in;

    inner_stack_open(&in, cpu, cpl, 0, 0);
    stack_push(&in.s, g->size, cpu->segs[R_SS].selector);
    stack_push(&in.s, g->size, cpu->regs[R_RSP]);
    copy_params(cpu, &in.s, g);
    stack_push(&in.s, g->size, cpu->segs[R_CS].selector);
    stack_push(&in.s, g->size, t->next);
    desc_set_accessed(cpu, g->sel, &code);
    seg_check_rip(cpu, code, g->rip, 0);
    inner_stack_commit(&in, cpl);
    seg_enter_code(cpu, g->sel, cpl, code, g->rip);
}

static void far_call_gate(X86CPU *cpu, const FarTarget *t, Desc gate)
{
    CallGate g = call_gate_open(cpu, t, gate);
    Desc code = call_gate_code(cpu, t, g.sel);

    if (t->is_call && !desc_is_conforming(code.hi) &&
        desc_dpl(code.hi) < x86_cpl(cpu)) {
        call_inner_level(cpu, t, &g, code);
    } else {
        far_same_level(cpu, t, g.sel, code, g.rip, g.size);
    }
}

/* --- tasks --- */

static void far_task(X86CPU *cpu, const FarTarget *t, Desc d)
{
    TaskSwitch kind = t->is_call ? TASK_CALL : TASK_JMP;
    unsigned dpl = desc_dpl(d.hi);

    if (dpl < x86_cpl(cpu) || dpl < (t->sel & SEL_RPL)) {
        seg_fault(cpu, EXCP_GP, t->sel, 0);
    }
    if (desc_type(d.hi) != SYS_TASK_GATE) {
        x86_switch_task(cpu, t->sel, kind, t->next, 0);
        return;
    }
    if (!(d.hi & DESC_P)) {
        seg_fault(cpu, EXCP_NP, t->sel, 0);
    }
    x86_switch_to_task(cpu, d.lo >> 16, kind, t->next, 0);
}

static void far_system(X86CPU *cpu, const FarTarget *t, Desc d)
{
    unsigned type = desc_type(d.hi);

    if (type == SYS_CALL32 || (type == SYS_CALL16 && !x86_is_long(cpu))) {
        far_call_gate(cpu, t, d);
    } else if (!x86_is_long(cpu) &&
               (type == SYS_TSS16 || type == SYS_TSS32 ||
                type == SYS_TASK_GATE)) {
        far_task(cpu, t, d);
    } else {
        seg_fault(cpu, EXCP_GP, t->sel, 0);
    }
}

static void far_protected(X86CPU *cpu, const FarTarget *t)
{
    Desc d;

    if (sel_is_null(t->sel)) {
        x86_raise_gp0(cpu);
    }
    if (!desc_read(cpu, t->sel, &d)) {
        seg_fault(cpu, EXCP_GP, t->sel, 0);
    }
    if (!(d.hi & DESC_S)) {
        far_system(cpu, t, d);
    } else if (desc_is_code(d.hi)) {
        check_code_direct(cpu, t->sel, d);
        far_same_level(cpu, t, t->sel, d, t->rip, t->size);
    } else {
        seg_fault(cpu, EXCP_GP, t->sel, 0);
    }
}

static void far_transfer(X86CPU *cpu, FarTarget *t)
{
    t->rip &= size_mask(t->size);
    if (x86_is_protected(cpu)) {
        far_protected(cpu, t);
    } else {
        far_8086(cpu, t);
    }
    x86_update_hflags(cpu);
}

void helper_far_jmp(X86CPU *cpu, uint64_t sel, uint64_t offset, uint64_t next,
                    uint64_t size)
{
    FarTarget t = {sel, offset, next, size, false};

    far_transfer(cpu, &t);
}

void helper_far_call(X86CPU *cpu, uint64_t sel, uint64_t offset, uint64_t next,
                     uint64_t size)
{
    FarTarget t = {sel, offset, next, size, true};

    far_transfer(cpu, &t);
}

_Static_assert((int)IR_16 == MO_16 && (int)IR_64 == MO_64,
               "operand sizes of helpers are MemOp sizes");
