/* SPDX-License-Identifier: MIT */
/*
 * Hardware task switches, with 16- and 32-bit TSSs.
 * Source: SDM vol. 3A, 8.2.1 "Task-State Segment (TSS)", 8.3 "Task Switching",
 * 8.6 "16-Bit Task-State Segment (TSS)".
 *
 * The new TSS is read, and the old one written, before anything changes in
 * the vCPU.  From then on the state is the new task's, and a fault is raised
 * as if before its first instruction.
 */
#include "target/i386/tss.h"

#include "target/i386/excp.h"
#include "target/i386/mmu.h"
#include "target/i386/seg.h"

#define TSS32_MIN_LIMIT 0x67
#define TSS16_MIN_LIMIT 0x2b
#define TSS32_IO_BASE   0x66

/* In the order of a TSS: both GPRs and segments are numbered that way. */
#define TSS_GPRS 8

/* The dynamic part of a TSS and the fields that a switch loads. */
typedef struct TaskState {
    uint32_t cr3, eip, eflags;
    uint32_t gpr[TSS_GPRS];
    uint16_t seg[NB_SEGS];
    uint16_t ldt;
    bool trap;
    uint32_t ext; /* of what its faults report: SDM vol. 3A, 6.13 */
} TaskState;

/* Layout of each kind, by byte offset. */
typedef struct TssLayout {
    MemOp word;
    uint8_t eip, gpr, seg, nsegs, ldt;
    uint8_t end; /* of what is written: EIP to the last segment */
    uint8_t size;
} TssLayout;

static const TssLayout tss16_layout = {MO_16, 0x0e, 0x12, 0x22, 4, 0x2a,
                                       0x2a, TSS16_MIN_LIMIT + 1};
static const TssLayout tss32_layout = {MO_32, 0x20, 0x28, 0x48, 6, 0x60,
                                       0x60, TSS32_MIN_LIMIT + 1};

#define TSS32_CR3  0x1c
#define TSS32_TRAP 0x64

static const TssLayout *tss_layout(uint32_t attr)
{
    return desc_type(attr) & SYS_32BIT ? &tss32_layout : &tss16_layout;
}

static uint32_t field(const uint8_t *image, unsigned off, MemOp op)
{
    uint32_t value = image[off] | image[off + 1] << 8;

    if (op == MO_32) {
        value |= image[off + 2] << 16 | (uint32_t)image[off + 3] << 24;
    }
    return value;
}

static void put_field(uint8_t *image, unsigned off, MemOp op, uint32_t value)
{
    for (unsigned i = 0; i < memop_bytes(op); i++) {
        image[off + i] = value >> (8 * i);
    }
}

/* --- reading the new task --- */

static void task_read(X86CPU *cpu, const SegmentCache *tr, TaskState *t)
{
    const TssLayout *l = tss_layout(tr->attr);
    unsigned step = memop_bytes(l->word);
    uint8_t image[TSS32_MIN_LIMIT + 1];

    cpu_load_bytes(&cpu->cs, tr->base, image, l->size, x86_mmu_implicit(cpu));
    *t = (TaskState){
        .cr3 = cpu->cr3,
        .eip = field(image, l->eip, l->word),
        .eflags = field(image, l->eip + step, l->word),
        .ldt = field(image, l->ldt, MO_16),
    };
    for (unsigned i = 0; i < TSS_GPRS; i++) {
        t->gpr[i] = field(image, l->gpr + i * step, l->word);
    }
    for (unsigned i = 0; i < l->nsegs; i++) {
        t->seg[i] = field(image, l->seg + i * step, MO_16);
    }
    if (l->word == MO_32) {
        t->cr3 = field(image, TSS32_CR3, MO_32);
        t->trap = image[TSS32_TRAP] & 1;
    }
}

/* Is the descriptor a TSS that @kind may switch to?  Returns what TR will
 * hold. */
static SegmentCache task_find(X86CPU *cpu, uint16_t sel, TaskSwitch kind,
                              uint32_t ext)
{
    int vector = kind == TASK_IRET ? EXCP_TS : EXCP_GP;
    unsigned busy = kind == TASK_IRET ? SYS_TSS_BUSY_BIT : 0;
    Desc d;

    if (sel_is_null(sel) || (sel & SEL_LDT) || !desc_read(cpu, sel, &d) ||
        (d.hi & DESC_S) ||
        (desc_type(d.hi) & ~SYS_32BIT) != (SYS_TSS16 | busy)) {
        seg_fault(cpu, vector, sel, ext);
    }
    if (!(d.hi & DESC_P)) {
        seg_fault(cpu, EXCP_NP, sel, ext);
    }
    if (desc_limit(d) < tss_layout(d.hi)->size - 1u) {
        seg_fault(cpu, EXCP_TS, sel, ext);
    }
    return (SegmentCache){
        .base = desc_base(d),
        .limit = desc_limit(d),
        .attr = (d.hi & DESC_ATTR) | SYS_TSS_BUSY_BIT << DESC_TYPE_SHIFT,
        .selector = sel,
    };
}

/* --- leaving the old task --- */

static void task_save(X86CPU *cpu, TaskSwitch kind, uint32_t next)
{
    const TssLayout *l = tss_layout(cpu->tr.attr);
    unsigned step = memop_bytes(l->word);
    uint32_t eflags = x86_get_eflags(cpu);
    uint8_t image[TSS32_MIN_LIMIT + 1] = {0};

    if (kind == TASK_IRET) {
        eflags &= ~EFLAGS_NT;
    }
    put_field(image, l->eip, l->word, next);
    put_field(image, l->eip + step, l->word, eflags);
    for (unsigned i = 0; i < TSS_GPRS; i++) {
        put_field(image, l->gpr + i * step, l->word, cpu->regs[i]);
    }
    for (unsigned i = 0; i < l->nsegs; i++) {
        put_field(image, l->seg + i * step, l->word, cpu->segs[i].selector);
    }
    cpu_store_bytes(&cpu->cs, (uint32_t)(cpu->tr.base + l->eip),
                    image + l->eip, l->end - l->eip, x86_mmu_implicit(cpu));
}

/* --- becoming the new task --- */

static void task_load_ldt(X86CPU *cpu, const TaskState *t)
{
    uint16_t sel = t->ldt;
    Desc d;

    cpu->ldt = (SegmentCache){.selector = sel};
    if (sel_is_null(sel)) {
        return;
    }
    if ((sel & SEL_LDT) || !desc_read(cpu, sel, &d) || (d.hi & DESC_S) ||
        desc_type(d.hi) != SYS_LDT || !(d.hi & DESC_P)) {
        seg_fault(cpu, EXCP_TS, sel, t->ext);
    }
    cpu->ldt.base = desc_base(d);
    cpu->ldt.limit = desc_limit(d);
    cpu->ldt.attr = d.hi & DESC_ATTR;
}

static void task_load_cs(X86CPU *cpu, const TaskState *t)
{
    uint16_t sel = t->seg[R_CS];
    unsigned rpl = sel & SEL_RPL;
    Desc d;

    if (sel_is_null(sel) || !desc_read(cpu, sel, &d) || !desc_is_code(d.hi) ||
        (desc_is_conforming(d.hi) ? desc_dpl(d.hi) > rpl
                                  : desc_dpl(d.hi) != rpl)) {
        seg_fault(cpu, EXCP_TS, sel, t->ext);
    }
    if (!(d.hi & DESC_P)) {
        seg_fault(cpu, EXCP_NP, sel, t->ext);
    }
    desc_set_accessed(cpu, sel, &d);
    seg_set_desc(cpu, R_CS, sel, d);
}

static void task_load_ss(X86CPU *cpu, const TaskState *t, unsigned cpl)
{
    uint16_t sel = t->seg[R_SS];
    Desc d;

    if (sel_is_null(sel) || !desc_read(cpu, sel, &d) ||
        (sel & SEL_RPL) != cpl || desc_dpl(d.hi) != cpl ||
        !desc_is_writable(d.hi)) {
        seg_fault(cpu, EXCP_TS, sel, t->ext);
    }
    if (!(d.hi & DESC_P)) {
        seg_fault(cpu, EXCP_SS, sel, t->ext);
    }
    desc_set_accessed(cpu, sel, &d);
    seg_set_desc(cpu, R_SS, sel, d);
}

static void task_load_data(X86CPU *cpu, unsigned reg, const TaskState *t,
                           unsigned cpl)
{
    uint16_t sel = t->seg[reg];
    Desc d;

    if (sel_is_null(sel)) {
        return;
    }
    if (!desc_read(cpu, sel, &d) || !desc_is_readable(d.hi) ||
        (!(desc_is_code(d.hi) && desc_is_conforming(d.hi)) &&
         desc_dpl(d.hi) < MAX(cpl, sel & SEL_RPL))) {
        seg_fault(cpu, EXCP_TS, sel, t->ext);
    }
    if (!(d.hi & DESC_P)) {
        seg_fault(cpu, EXCP_NP, sel, t->ext);
    }
    desc_set_accessed(cpu, sel, &d);
    seg_set_desc(cpu, reg, sel, d);
}

/* The registers, with selectors that are not checked yet: every segment is
 * unusable until it is. */
static void task_load_registers(X86CPU *cpu, const TaskState *t)
{
    for (unsigned i = 0; i < TSS_GPRS; i++) {
        cpu->regs[i] = t->gpr[i];
    }
    cpu->rip = t->eip;
    for (unsigned i = 0; i < NB_SEGS; i++) {
        if (t->eflags & EFLAGS_VM) {
            seg_set_vm86(cpu, i, t->seg[i]);
        } else {
            seg_set_null(cpu, i, t->seg[i], t->seg[R_CS] & SEL_RPL);
        }
    }
    x86_set_eflags(cpu, t->eflags);
    x86_update_hflags(cpu);
}

static void task_load_segments(X86CPU *cpu, const TaskState *t)
{
    static const uint8_t data[] = {R_ES, R_DS, R_FS, R_GS};
    unsigned cpl = t->seg[R_CS] & SEL_RPL;

    task_load_ldt(cpu, t);
    if (!(t->eflags & EFLAGS_VM)) {
        task_load_cs(cpu, t);
        task_load_ss(cpu, t, cpl);
        for (unsigned i = 0; i < ARRAY_LEN(data); i++) {
            task_load_data(cpu, data[i], t, cpl);
        }
    }
    x86_update_hflags(cpu);
}

/* With PAE paging the PDPTEs come with it; reserved bits are #TS of the new
 * task. */
static void task_load_cr3(X86CPU *cpu, const TaskState *t)
{
    if (!(cpu->cr0 & CR0_PG) || t->cr3 == cpu->cr3) {
        return;
    }
    cpu->cr3 = t->cr3;
    x86_enter_space(cpu, true);
    if ((cpu->cr4 & CR4_PAE) && !x86_load_pdptes(cpu, cpu->cr3)) {
        seg_fault(cpu, EXCP_TS, cpu->tr.selector, t->ext);
    }
}

void x86_switch_task(X86CPU *cpu, uint16_t sel, TaskSwitch kind, uint64_t next,
                     uint32_t ext)
{
    SegmentCache tr = task_find(cpu, sel, kind, ext);
    uint16_t old_sel = cpu->tr.selector;
    MemOp mmu = x86_mmu_implicit(cpu);
    TaskState t;

    task_read(cpu, &tr, &t);
    t.ext = ext;
    if (kind == TASK_CALL) { /* the link will be written */
        cpu_probe(&cpu->cs, tr.base, 2, PAGE_WRITE, MO_16 | mmu);
    }
    task_save(cpu, kind, next);
    if (kind != TASK_CALL) {
        desc_change_busy(cpu, old_sel, false);
    }
    if (kind != TASK_IRET) {
        desc_change_busy(cpu, sel, true);
    }
    if (kind == TASK_CALL) {
        cpu_store(&cpu->cs, tr.base, old_sel, MO_16 | mmu);
        t.eflags |= EFLAGS_NT;
    }
    /* The switch is made: what faults from here on is the new task. */
    cpu->cs.host_pc = 0;
    cpu->tr = tr;
    cpu->cr0 |= CR0_TS;
    x86_clear_local_breakpoints(cpu);
    task_load_registers(cpu, &t);
    task_load_cr3(cpu, &t);
    task_load_segments(cpu, &t);
    if (t.eip > cpu->segs[R_CS].limit) {
        x86_raise_error(cpu, EXCP_GP, ext);
    }
    if (t.trap) {
        x86_raise_debug_trap(cpu, DR6_BT);
    }
}

void x86_switch_to_task(X86CPU *cpu, uint16_t sel, TaskSwitch kind,
                        uint64_t next, uint32_t ext)
{
    if (sel_is_null(sel)) {
        x86_raise_error(cpu, EXCP_GP, ext);
    }
    x86_switch_task(cpu, sel, kind, next, ext);
}

void x86_check_io(X86CPU *cpu, uint16_t port, unsigned bytes)
{
    MemOp op = MO_16 | x86_mmu_implicit(cpu);
    uint32_t off, bits;

    if (!(cpu->hflags & HF_PE) || (cpu->hflags & HF_IOPL_OK)) {
        return;
    }
    if (!(cpu->tr.attr & DESC_P) || !(desc_type(cpu->tr.attr) & SYS_32BIT) ||
        cpu->tr.limit < TSS32_MIN_LIMIT) {
        x86_raise_gp0(cpu);
    }
    off = cpu_load(&cpu->cs,
                   x86_table_addr(cpu, cpu->tr.base, TSS32_IO_BASE), op);
    off += port >> 3;
    /* Two bytes are always read, as a port's bits may cross into a second. */
    if (off + 1 > cpu->tr.limit) {
        x86_raise_gp0(cpu);
    }
    bits = cpu_load(&cpu->cs, x86_table_addr(cpu, cpu->tr.base, off), op);
    if (bits >> (port & 7) & ((1u << bytes) - 1)) {
        x86_raise_gp0(cpu);
    }
}
