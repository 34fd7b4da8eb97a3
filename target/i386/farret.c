/* SPDX-License-Identifier: MIT */
/*
 * Far RET and IRET: to the same and to outer privilege levels, to
 * virtual-8086 mode, and back to the task that was interrupted.
 * Source: SDM vol. 2B, "RET"; vol. 2A, "IRET/IRETD/IRETQ", Operation.
 */
#include "target/i386/cpuid.h"
#include "target/i386/excp.h"
#include "target/i386/helpers.h"
#include "target/i386/seg.h"
#include "target/i386/tss.h"

/* What a far return has popped so far. */
typedef struct FarReturn {
    X86Stack s;
    MemOp size;
    unsigned drop; /* bytes of parameters: RET imm16 */
    bool is_iret;
    uint64_t rip;
    uint16_t cs;
    uint32_t flags;
    uint64_t rsp; /* of the outer level */
    uint16_t ss;
    Desc code;
} FarReturn;

static void pop_frame(FarReturn *r)
{
    uint64_t slot[3] = {0};

    stack_pop_many(&r->s, r->size, slot, r->is_iret ? 3 : 2);
    r->rip = slot[0];
    r->cs = slot[1];
    r->flags = slot[2];
}

static void pop_outer_stack(FarReturn *r)
{
    uint64_t slot[2];

    stack_skip(&r->s, r->drop);
    stack_pop_many(&r->s, r->size, slot, 2);
    r->rsp = slot[0];
    r->ss = slot[1];
}

/* --- EFLAGS --- */

/* What IRET may change at the current CPL (before the return). */
static uint32_t iret_flags_mask(X86CPU *cpu, MemOp size)
{
    unsigned cpl = x86_cpl(cpu);
    uint32_t mask = EFLAGS_CC | EFLAGS_TF | EFLAGS_DF | EFLAGS_NT |
                    EFLAGS_RF | EFLAGS_AC | EFLAGS_ID;

    if (cpl <= x86_iopl(cpu)) {
        mask |= EFLAGS_IF;
    }
    if (cpl == 0) {
        mask |= EFLAGS_IOPL | EFLAGS_VIF | EFLAGS_VIP;
    }
    return size == MO_16 ? mask & 0xffff : mask;
}

static void iret_set_flags(X86CPU *cpu, uint32_t image, uint32_t mask)
{
    x86_set_eflags(cpu, (x86_get_eflags(cpu) & ~mask) | (image & mask));
}

/* --- real-address and virtual-8086 mode --- */

static void return_8086(X86CPU *cpu, FarReturn *r)
{
    pop_frame(r);
    if (r->rip > cpu->segs[R_CS].limit) {
        x86_raise_gp0(cpu);
    }
    stack_skip(&r->s, r->drop);
    stack_commit(&r->s);
    if (cpu->hflags & HF_VM) {
        seg_set_vm86(cpu, R_CS, r->cs);
    } else {
        seg_set_real(cpu, R_CS, r->cs);
    }
    cpu->rip = r->rip;
}

static void iret_real(X86CPU *cpu, FarReturn *r)
{
    uint32_t mask;

    return_8086(cpu, r);
    mask = EFLAGS_CC | EFLAGS_TF | EFLAGS_IF | EFLAGS_DF | EFLAGS_IOPL |
           EFLAGS_NT | EFLAGS_RF | EFLAGS_AC | EFLAGS_ID;
    iret_set_flags(cpu, r->flags, r->size == MO_16 ? mask & 0xffff : mask);
}

/* With IOPL 3 as in real mode, IOPL itself excepted; else #GP(0), or with VME
 * and a 16-bit operand on VIF: SDM vol. 3B, 21.3.3.4. */
static void iret_vm86(X86CPU *cpu, FarReturn *r)
{
    uint32_t mask = EFLAGS_CC | EFLAGS_TF | EFLAGS_DF | EFLAGS_NT |
                    EFLAGS_RF | EFLAGS_AC | EFLAGS_ID;
    uint16_t image;

    if (x86_iopl(cpu) == 3) {
        return_8086(cpu, r);
        mask |= EFLAGS_IF;
        iret_set_flags(cpu, r->flags, r->size == MO_16 ? mask & 0xffff : mask);
        return;
    }
    if (!(cpu->cr4 & CR4_VME) || r->size != MO_16) {
        x86_raise_gp0(cpu);
    }
    image = cpu_load(&cpu->cs,
                     (uint32_t)(r->s.seg.base + ((r->s.sp + 4) & r->s.mask)),
                     MO_16 | r->s.mmu);
    if ((image & EFLAGS_TF) ||
        ((image & EFLAGS_IF) && (cpu->eflags & EFLAGS_VIP))) {
        x86_raise_gp0(cpu);
    }
    return_8086(cpu, r);
    r->flags &= 0xffff;
    iret_set_flags(cpu, r->flags | (r->flags & EFLAGS_IF) << 10,
                   (mask & 0xffff) | EFLAGS_VIF);
}

/* --- protected mode --- */

/* From CPL 0 to virtual-8086 mode: the frame goes on with all segments. */
static void iret_to_vm86(X86CPU *cpu, FarReturn *r)
{
    static const uint8_t order[] = {R_ES, R_DS, R_FS, R_GS};
    uint32_t esp = stack_pop(&r->s, MO_32);
    uint16_t ss = stack_pop(&r->s, MO_32);
    uint16_t sel[ARRAY_LEN(order)];

    for (unsigned i = 0; i < ARRAY_LEN(order); i++) {
        sel[i] = stack_pop(&r->s, MO_32);
    }
    if (r->rip > 0xffff) {
        x86_raise_gp0(cpu);
    }
    for (unsigned i = 0; i < ARRAY_LEN(order); i++) {
        seg_set_vm86(cpu, order[i], sel[i]);
    }
    seg_set_vm86(cpu, R_CS, r->cs);
    seg_set_vm86(cpu, R_SS, ss);
    cpu->regs[R_RSP] = esp;
    cpu->rip = r->rip;
    iret_set_flags(cpu, r->flags,
                   iret_flags_mask(cpu, MO_32) | EFLAGS_IF | EFLAGS_IOPL |
                       EFLAGS_VM);
}

static void return_check_code(X86CPU *cpu, FarReturn *r)
{
    unsigned rpl = r->cs & SEL_RPL;
    Desc d;

    if (sel_is_null(r->cs)) {
        x86_raise_gp0(cpu);
    }
    if (!desc_read(cpu, r->cs, &d) || !desc_is_code(d.hi) ||
        rpl < x86_cpl(cpu) ||
        (desc_is_conforming(d.hi) ? desc_dpl(d.hi) > rpl
                                  : desc_dpl(d.hi) != rpl) ||
        (x86_is_long(cpu) &&
         (d.hi & (DESC_L | DESC_B)) == (DESC_L | DESC_B))) {
        seg_fault(cpu, EXCP_GP, r->cs, 0);
    }
    if (!(d.hi & DESC_P)) {
        seg_fault(cpu, EXCP_NP, r->cs, 0);
    }
    r->code = d;
}

/* Add to rSP as the code and stack segments now ask. */
static void drop_parameters(X86CPU *cpu, unsigned bytes)
{
    X86Stack s;

    if (bytes) {
        x86_update_hflags(cpu);
        stack_open(&s, cpu);
        stack_skip(&s, bytes);
        stack_commit(&s);
    }
}

static void return_same_level(X86CPU *cpu, FarReturn *r)
{
    desc_set_accessed(cpu, r->cs, &r->code);
    seg_check_rip(cpu, r->code, r->rip, 0);
    stack_commit(&r->s);
    seg_enter_code(cpu, r->cs, r->cs & SEL_RPL, r->code, r->rip);
    drop_parameters(cpu, r->drop);
}

/* SS of the outer level; true if it is null, which 64-bit code may have. */
static bool return_check_ss(X86CPU *cpu, FarReturn *r, Desc *d)
{
    unsigned rpl = r->cs & SEL_RPL;
    uint16_t ss = r->ss;
    bool to_64 = x86_is_long(cpu) && (r->code.hi & DESC_L);

    if (sel_is_null(ss)) {
        if (!to_64 || rpl == 3 || ss != rpl) {
            x86_raise_gp0(cpu);
        }
        return true;
    }
    if (!desc_read(cpu, ss, d) || (ss & SEL_RPL) != rpl ||
        !desc_is_writable(d->hi) || desc_dpl(d->hi) != rpl) {
        seg_fault(cpu, EXCP_GP, ss, 0);
    }
    if (!(d->hi & DESC_P)) {
        seg_fault(cpu, EXCP_SS, ss, 0);
    }
    desc_set_accessed(cpu, ss, d);
    return false;
}

/* Data segments that the outer level may not use become null, and null ones
 * lose their RPL. */
static void drop_inner_segments(X86CPU *cpu, unsigned cpl)
{
    static const uint8_t data[] = {R_ES, R_DS, R_FS, R_GS};

    for (unsigned i = 0; i < ARRAY_LEN(data); i++) {
        SegmentCache *seg = &cpu->segs[data[i]];
        bool conforming =
            desc_is_code(seg->attr) && desc_is_conforming(seg->attr);

        if (!(seg->attr & DESC_P)) {
            seg->selector = 0;
        } else if (!conforming && desc_dpl(seg->attr) < cpl) {
            seg_set_null(cpu, data[i], 0, 0);
        }
    }
}

/* RSP := @rsp as far as the new stack segment makes it matter. */
static void set_outer_rsp(X86CPU *cpu, FarReturn *r)
{
    bool to_64 = x86_is_long(cpu) && (r->code.hi & DESC_L);
    uint64_t *reg = &cpu->regs[R_RSP], rsp = r->rsp + r->drop;

    if (to_64 || (cpu->segs[R_SS].attr & DESC_B)) {
        *reg = to_64 ? rsp : (uint32_t)rsp;
    } else {
        *reg = deposit64(*reg, 0, 16, rsp);
    }
}

/* Also IRET to the same level in 64-bit mode, which pops SS:RSP always. */
static void return_outer_level(X86CPU *cpu, FarReturn *r)
{
    unsigned cpl = r->cs & SEL_RPL;
    Desc d = {0, 0};
    bool null_ss;

    if (cpu->features->amd) {
        seg_check_rip(cpu, r->code, r->rip, 0);
    }
    null_ss = return_check_ss(cpu, r, &d);
    desc_set_accessed(cpu, r->cs, &r->code);
    seg_check_rip(cpu, r->code, r->rip, 0);
    if (null_ss) {
        seg_set_null(cpu, R_SS, r->ss, cpl);
    } else {
        seg_set_desc(cpu, R_SS, r->ss, d);
    }
    seg_enter_code(cpu, r->cs, cpl, r->code, r->rip);
    set_outer_rsp(cpu, r);
    drop_inner_segments(cpu, cpl);
}

/* AMD's pop the outer stack pointer as soon as CS has another RPL, Intel's only
 * once they know CS to be good: APM vol. 3, "RET (Far)"; SDM vol. 2B, "RET". */
static void return_protected(X86CPU *cpu, FarReturn *r)
{
    uint32_t mask = iret_flags_mask(cpu, r->size);
    bool from_64 = cpu->hflags & HF_CS64, amd = cpu->features->amd, outer;

    pop_frame(r);
    if ((r->flags & EFLAGS_VM) && r->size == MO_32 && x86_cpl(cpu) == 0 &&
        !x86_is_long(cpu)) {
        iret_to_vm86(cpu, r);
        return;
    }
    outer = (r->cs & SEL_RPL) != x86_cpl(cpu) || (r->is_iret && from_64);
    if (outer && amd) {
        pop_outer_stack(r);
    }
    return_check_code(cpu, r);
    if (outer && !amd) {
        pop_outer_stack(r);
    }
    if (outer) {
        return_outer_level(cpu, r);
    } else {
        return_same_level(cpu, r);
    }
    if (r->is_iret) {
        iret_set_flags(cpu, r->flags, mask);
    }
}

/* NT: back to the task that the link of the TSS names. */
static void iret_task(X86CPU *cpu, uint64_t next)
{
    uint16_t link;

    if (x86_is_long(cpu)) {
        x86_raise_gp0(cpu);
    }
    link = cpu_load(&cpu->cs, x86_table_addr(cpu, cpu->tr.base, 0),
                    MO_16 | x86_mmu_implicit(cpu));
    x86_switch_task(cpu, link, TASK_IRET, next, 0);
}

void helper_far_ret(X86CPU *cpu, uint64_t size, uint64_t drop)
{
    FarReturn r = {.size = size, .drop = drop};

    stack_open(&r.s, cpu);
    if (x86_is_protected(cpu)) {
        return_protected(cpu, &r);
    } else {
        return_8086(cpu, &r);
    }
    x86_update_hflags(cpu);
}

void helper_iret(X86CPU *cpu, uint64_t size, uint64_t next)
{
    FarReturn r = {.size = size, .is_iret = true};

    /* Even if it faults: SDM vol. 3A, 6.7.1 "Handling Multiple NMIs". */
    cpu->nmi_masked = false;
    stack_open(&r.s, cpu);
    if (cpu->hflags & HF_VM) {
        iret_vm86(cpu, &r);
    } else if (!(cpu->hflags & HF_PE)) {
        iret_real(cpu, &r);
    } else if (cpu->eflags & EFLAGS_NT) {
        iret_task(cpu, next);
    } else {
        return_protected(cpu, &r);
    }
    x86_update_hflags(cpu);
}
