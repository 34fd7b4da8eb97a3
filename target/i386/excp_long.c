/* SPDX-License-Identifier: MIT */
/*
 * Delivery through the IDT in long mode: 16-byte gates, an aligned stack,
 * always SS:RSP in the frame.
 * Source: SDM vol. 3A, 6.14 "Exception and Interrupt Handling in 64-bit Mode".
 */
#include "target/i386/excp.h"
#include "target/i386/seg.h"

/* A gate, taken apart. */
typedef struct LongGate {
    uint32_t attr;
    uint16_t sel;
    uint8_t ist;
    uint64_t rip;
} LongGate;

static LongGate gate_read(X86CPU *cpu, const X86Event *ev)
{
    uint32_t error = ev->vector * 8 + 2 + event_ext(ev);
    MemOp op = MO_64 | x86_mmu_implicit(cpu);
    vaddr addr = cpu->idt.base + ev->vector * 16;
    uint64_t lo, hi;
    LongGate g;

    if (ev->vector * 16 + 15 > cpu->idt.limit) {
        x86_raise_error(cpu, EXCP_GP, error);
    }
    lo = cpu_load(&cpu->cs, addr, op);
    hi = cpu_load(&cpu->cs, addr + 8, op);
    g = (LongGate){
        .attr = lo >> 32,
        .sel = lo >> 16,
        .ist = (lo >> 32) & 7,
        .rip = (lo & 0xffff) | (lo >> 32 & 0xffff0000) | hi << 32,
    };
    if ((g.attr & DESC_S) || (desc_type(g.attr) != SYS_INT32 &&
                              desc_type(g.attr) != SYS_TRAP32)) {
        x86_raise_error(cpu, EXCP_GP, error);
    }
    if (ev->kind == EVENT_SOFTWARE && desc_dpl(g.attr) < x86_cpl(cpu)) {
        x86_raise_error(cpu, EXCP_GP, error);
    }
    if (!(g.attr & DESC_P)) {
        x86_raise_error(cpu, EXCP_NP, error);
    }
    return g;
}

/* The handler's code segment must be a 64-bit one, no less privileged. */
static Desc gate_code(X86CPU *cpu, const X86Event *ev, uint16_t sel,
                      unsigned *cpl)
{
    uint32_t ext = event_ext(ev);
    Desc code;

    if (sel_is_null(sel)) {
        x86_raise_error(cpu, EXCP_GP, ext);
    }
    if (!desc_read(cpu, sel, &code) || !desc_is_code(code.hi) ||
        desc_dpl(code.hi) > x86_cpl(cpu) ||
        (code.hi & (DESC_L | DESC_B)) != DESC_L) {
        seg_fault(cpu, EXCP_GP, sel, ext);
    }
    if (!(code.hi & DESC_P)) {
        seg_fault(cpu, EXCP_NP, sel, ext);
    }
    *cpl = desc_is_conforming(code.hi) ? x86_cpl(cpu) : desc_dpl(code.hi);
    return code;
}

/* The stack of the handler: a new one, or below the current one. */
static void handler_stack(InnerStack *in, X86CPU *cpu, const X86Event *ev,
                          unsigned ist, unsigned cpl)
{
    if (ist || cpl != x86_cpl(cpu)) {
        inner_stack_open(in, cpu, cpl, ist, event_ext(ev));
    } else {
        *in = (InnerStack){
            .s = {.cpu = cpu,
                  .sp = cpu->regs[R_RSP],
                  .mask = ~0ull,
                  .error = event_ext(ev),
                  .mmu = MO_SS | x86_mmu_at_cpl(cpu, cpl)},
        };
    }
    in->s.sp &= ~15ull;
}

void deliver_long(X86CPU *cpu, const X86Event *ev)
{
    LongGate gate = gate_read(cpu, ev);
    unsigned cpl;
    Desc code = gate_code(cpu, ev, gate.sel, &cpl);
    InnerStack in;

    desc_set_accessed(cpu, gate.sel, &code);
    handler_stack(&in, cpu, ev, gate.ist, cpl);
    stack_push(&in.s, MO_64, cpu->segs[R_SS].selector);
    stack_push(&in.s, MO_64, cpu->regs[R_RSP]);
    stack_push(&in.s, MO_64, event_eflags(cpu, ev));
    stack_push(&in.s, MO_64, cpu->segs[R_CS].selector);
    stack_push(&in.s, MO_64, ev->return_rip);
    if (ev->has_error) {
        stack_push(&in.s, MO_64, ev->error);
    }
    seg_check_rip(cpu, code, gate.rip, event_ext(ev));
    /* An inner level starts with a null SS; the same level keeps its own,
     * even on an IST stack. */
    if (cpl != x86_cpl(cpu)) {
        seg_set_null(cpu, R_SS, cpl, cpl);
    }
    cpu->regs[R_RSP] = in.s.sp;
    seg_enter_code(cpu, gate.sel, cpl, code, gate.rip);
    event_clear_flags(cpu, !(desc_type(gate.attr) & 1));
    x86_update_hflags(cpu);
}
