/* SPDX-License-Identifier: MIT */
/*
 * Delivery through the IDT in protected and virtual-8086 mode.
 * Source: SDM vol. 2A, "INT n/INTO/INT3/INT1", Operation; vol. 3A, 6.12
 * "Exception and Interrupt Handling".
 */
#include "target/i386/excp.h"
#include "target/i386/seg.h"
#include "target/i386/tss.h"

/* Error code that names an IDT entry. */
static uint32_t idt_error(const X86Event *ev)
{
    return ev->vector * 8 + 2 + event_ext(ev);
}

static Desc gate_read(X86CPU *cpu, const X86Event *ev)
{
    uint64_t raw;

    if (ev->vector * 8 + 7 > cpu->idt.limit) {
        x86_raise_error(cpu, EXCP_GP, idt_error(ev));
    }
    raw = cpu_load(&cpu->cs, (uint32_t)(cpu->idt.base + ev->vector * 8),
                   MO_64 | x86_mmu_implicit(cpu));
    return (Desc){(uint32_t)raw, raw >> 32};
}

static bool gate_type_valid(uint32_t attr)
{
    if (attr & DESC_S) {
        return false;
    }
    switch (desc_type(attr)) {
    case SYS_TASK_GATE:
    case SYS_INT16:
    case SYS_TRAP16:
    case SYS_INT32:
    case SYS_TRAP32:
        return true;
    default:
        return false;
    }
}

static void gate_check(X86CPU *cpu, const X86Event *ev, Desc gate)
{
    if (!gate_type_valid(gate.hi) ||
        (ev->kind == EVENT_SOFTWARE && desc_dpl(gate.hi) < x86_cpl(cpu))) {
        x86_raise_error(cpu, EXCP_GP, idt_error(ev));
    }
    if (!(gate.hi & DESC_P)) {
        x86_raise_error(cpu, EXCP_NP, idt_error(ev));
    }
}

/* The handler's code segment, and the CPL that it will run at. */
static Desc gate_code(X86CPU *cpu, const X86Event *ev, uint16_t sel,
                      unsigned *cpl)
{
    uint32_t ext = event_ext(ev);
    Desc code;

    if (sel_is_null(sel)) {
        x86_raise_error(cpu, EXCP_GP, ext);
    }
    if (!desc_read(cpu, sel, &code) || !desc_is_code(code.hi) ||
        desc_dpl(code.hi) > x86_cpl(cpu)) {
        seg_fault(cpu, EXCP_GP, sel, ext);
    }
    if (!(code.hi & DESC_P)) {
        seg_fault(cpu, EXCP_NP, sel, ext);
    }
    *cpl = desc_is_conforming(code.hi) ? x86_cpl(cpu) : desc_dpl(code.hi);
    /* Out of virtual-8086 mode there is only the way to ring 0. */
    if ((cpu->hflags & HF_VM) && *cpl != 0) {
        seg_fault(cpu, EXCP_GP, sel, ext);
    }
    return code;
}

/* EFLAGS, CS, EIP and the error code, as every frame ends. */
static void push_frame(X86Stack *s, MemOp size, const X86Event *ev)
{
    X86CPU *cpu = s->cpu;

    stack_push(s, size, event_eflags(cpu, ev));
    stack_push(s, size, cpu->segs[R_CS].selector);
    stack_push(s, size, ev->return_rip);
    if (ev->has_error) {
        stack_push(s, size, ev->error);
    }
}

static void push_vm86_segments(X86Stack *s, MemOp size)
{
    static const uint8_t order[] = {R_GS, R_FS, R_DS, R_ES};

    for (unsigned i = 0; i < ARRAY_LEN(order); i++) {
        stack_push(s, size, s->cpu->segs[order[i]].selector);
    }
}

static void clear_vm86_segments(X86CPU *cpu)
{
    static const uint8_t order[] = {R_GS, R_FS, R_DS, R_ES};

    for (unsigned i = 0; i < ARRAY_LEN(order); i++) {
        seg_set_null(cpu, order[i], 0, 0);
    }
}

static void deliver_inner(X86CPU *cpu, const X86Event *ev, MemOp size,
                          unsigned cpl, Desc code, uint64_t rip)
{
    bool from_vm86 = cpu->hflags & HF_VM;
    InnerStack in;

    inner_stack_open(&in, cpu, cpl, 0, event_ext(ev));
    if (from_vm86) {
        push_vm86_segments(&in.s, size);
    }
    stack_push(&in.s, size, cpu->segs[R_SS].selector);
    stack_push(&in.s, size, cpu->regs[R_RSP]);
    push_frame(&in.s, size, ev);
    seg_check_rip(cpu, code, rip, event_ext(ev));
    if (from_vm86) {
        clear_vm86_segments(cpu);
    }
    inner_stack_commit(&in, cpl);
}

static void deliver_same(X86CPU *cpu, const X86Event *ev, MemOp size,
                         Desc code, uint64_t rip)
{
    X86Stack s;

    stack_open(&s, cpu);
    s.error = event_ext(ev);
    push_frame(&s, size, ev);
    seg_check_rip(cpu, code, rip, event_ext(ev));
    stack_commit(&s);
}

/* The old task's TSS gets the flags that a frame would.  After the new task is
 * in place, its stack gets the error code. */
static void deliver_by_task(X86CPU *cpu, const X86Event *ev, uint16_t sel)
{
    MemOp size;
    X86Stack s;

    cpu->eflags |= event_eflags(cpu, ev) & EFLAGS_RF;
    x86_switch_to_task(cpu, sel, TASK_CALL, ev->return_rip, event_ext(ev));
    if (ev->has_error) {
        size = desc_type(cpu->tr.attr) & SYS_32BIT ? MO_32 : MO_16;
        stack_open(&s, cpu);
        s.error = event_ext(ev);
        stack_push(&s, size, ev->error);
        stack_commit(&s);
    }
}

void deliver_protected(X86CPU *cpu, const X86Event *ev)
{
    Desc gate = gate_read(cpu, ev);
    uint16_t sel = gate.lo >> 16;
    unsigned type = desc_type(gate.hi);
    uint32_t rip = gate.lo & 0xffff;
    MemOp size = MO_16;
    unsigned cpl;
    Desc code;

    gate_check(cpu, ev, gate);
    if (type == SYS_TASK_GATE) {
        deliver_by_task(cpu, ev, sel);
        return;
    }
    if (type & SYS_32BIT) {
        rip |= gate.hi & 0xffff0000;
        size = MO_32;
    }
    code = gate_code(cpu, ev, sel, &cpl);
    desc_set_accessed(cpu, sel, &code);
    if (cpl != x86_cpl(cpu)) {
        deliver_inner(cpu, ev, size, cpl, code, rip);
    } else {
        deliver_same(cpu, ev, size, code, rip);
    }
    seg_enter_code(cpu, sel, cpl, code, rip);
    event_clear_flags(cpu, !(type & 1)); /* interrupt gates are even */
    x86_update_hflags(cpu);
}
