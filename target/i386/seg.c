/* SPDX-License-Identifier: MIT */
/*
 * Descriptors and segment registers.
 * Source: SDM vol. 3A, chapters 3 "Protected-Mode Memory Management" and 5
 * "Protection".
 */
#include "target/i386/seg.h"

#include "target/i386/cpuid.h"
#include "target/i386/excp.h"
#include "target/i386/helpers.h"
#include "tcg/tb.h"

void seg_fault(X86CPU *cpu, int vector, uint16_t sel, uint32_t ext)
{
    x86_raise_error(cpu, vector, (sel & SEL_ERROR) | ext);
}

/* Address of the @bytes-long descriptor of @sel, if it is inside its table. */
static bool desc_addr(X86CPU *cpu, uint16_t sel, unsigned bytes, vaddr *addr)
{
    uint64_t base = cpu->gdt.base;
    uint32_t limit = cpu->gdt.limit;

    if (sel & SEL_LDT) {
        if (!(cpu->ldt.attr & DESC_P)) {
            return false;
        }
        base = cpu->ldt.base;
        limit = cpu->ldt.limit;
    }
    if ((sel & SEL_INDEX) + bytes - 1 > limit) {
        return false;
    }
    *addr = x86_table_addr(cpu, base, sel & SEL_INDEX);
    return true;
}

bool desc_read(X86CPU *cpu, uint16_t sel, Desc *d)
{
    vaddr addr;
    uint64_t raw;

    if (!desc_addr(cpu, sel, 8, &addr)) {
        return false;
    }
    raw = cpu_load(&cpu->cs, addr, MO_64 | x86_mmu_implicit(cpu));
    d->lo = (uint32_t)raw;
    d->hi = raw >> 32;
    return true;
}

bool desc_peek(X86CPU *cpu, uint16_t sel, Desc *d)
{
    vaddr addr;

    return desc_addr(cpu, sel, sizeof(*d), &addr) &&
           cpu_memory_rw_debug(&cpu->cs, addr, d, sizeof(*d), false);
}

bool desc_read_upper(X86CPU *cpu, uint16_t sel, uint32_t *upper)
{
    vaddr addr;
    uint64_t raw;

    if (!desc_addr(cpu, sel, 16, &addr)) {
        return false;
    }
    raw = cpu_load(&cpu->cs, addr + 8, MO_64 | x86_mmu_implicit(cpu));
    *upper = (uint32_t)raw;
    return !(raw >> 32 & 0x1f00);
}

void desc_set_accessed(X86CPU *cpu, uint16_t sel, Desc *d)
{
    vaddr addr;

    if (!(d->hi & DESC_A) && desc_addr(cpu, sel, 8, &addr)) {
        d->hi |= DESC_A;
        cpu_store(&cpu->cs, addr + 5, d->hi >> 8, MO_8 | x86_mmu_implicit(cpu));
    }
}

void desc_change_busy(X86CPU *cpu, uint16_t sel, bool busy)
{
    MemOp op = MO_8 | x86_mmu_implicit(cpu);
    vaddr addr;
    uint8_t type;

    if (desc_addr(cpu, sel, 8, &addr)) {
        type = cpu_load(&cpu->cs, addr + 5, op | MO_RMW);
        type = busy ? type | SYS_TSS_BUSY_BIT : type & ~SYS_TSS_BUSY_BIT;
        cpu_store(&cpu->cs, addr + 5, type, op);
    }
}

void seg_set(X86CPU *cpu, unsigned reg, uint16_t sel, uint64_t base,
             uint32_t limit, uint32_t attr)
{
    cpu->segs[reg] = (SegmentCache){
        .base = base,
        .limit = limit,
        .attr = attr,
        .selector = sel,
    };
}

void seg_set_desc(X86CPU *cpu, unsigned reg, uint16_t sel, Desc d)
{
    seg_set(cpu, reg, sel, desc_base(d), desc_limit(d), d.hi & DESC_ATTR);
}

void seg_set_real(X86CPU *cpu, unsigned reg, uint16_t sel)
{
    SegmentCache *seg = &cpu->segs[reg];

    if (!(seg->attr & DESC_P)) { /* null in protected mode: works again */
        seg->limit = 0xffff;
        seg->attr = DESC_P | DESC_S | DESC_W | DESC_A;
    }
    seg->selector = sel;
    seg->base = (uint32_t)sel << 4;
}

void seg_set_vm86(X86CPU *cpu, unsigned reg, uint16_t sel)
{
    seg_set(cpu, reg, sel, (uint32_t)sel << 4, 0xffff, DESC_VM86);
}

void seg_set_null(X86CPU *cpu, unsigned reg, uint16_t sel, unsigned cpl)
{
    uint32_t attr = 0;

    if (reg == R_SS) {
        attr = cpl << DESC_DPL_SHIFT;
    }
    seg_set(cpu, reg, sel, 0, 0, attr);
}

bool seg_in_limit(const SegmentCache *seg, uint32_t off, unsigned len)
{
    uint64_t last = (uint64_t)off + len - 1;

    if ((seg->attr & (DESC_CODE | DESC_E)) == DESC_E) {
        return off > seg->limit &&
               last <= (seg->attr & DESC_B ? 0xffffffffu : 0xffffu);
    }
    return last <= seg->limit;
}

bool seg_allows(const SegmentCache *seg, uint32_t off, unsigned len, bool write)
{
    bool code = seg->attr & DESC_CODE;

    if (!(seg->attr & DESC_P) || (code && write) ||
        ((code || write) && !(seg->attr & DESC_W))) {
        return false;
    }
    return seg_in_limit(seg, off, len);
}

static void seg_load_ss(X86CPU *cpu, uint16_t sel)
{
    unsigned cpl = x86_cpl(cpu);
    Desc d;

    if (sel_is_null(sel)) {
        if (!(cpu->hflags & HF_CS64) || cpl == 3 || sel != cpl) {
            x86_raise_gp0(cpu);
        }
        seg_set_null(cpu, R_SS, sel, cpl);
        return;
    }
    if (!desc_read(cpu, sel, &d) || (sel & SEL_RPL) != cpl ||
        !desc_is_writable(d.hi) || desc_dpl(d.hi) != cpl) {
        seg_fault(cpu, EXCP_GP, sel, 0);
    }
    if (!(d.hi & DESC_P)) {
        seg_fault(cpu, EXCP_SS, sel, 0);
    }
    desc_set_accessed(cpu, sel, &d);
    seg_set_desc(cpu, R_SS, sel, d);
}

static void seg_load_data(X86CPU *cpu, unsigned reg, uint16_t sel)
{
    Desc d;

    if (sel_is_null(sel)) {
        seg_set_null(cpu, reg, sel, 0);
        return;
    }
    if (!desc_read(cpu, sel, &d) || !desc_is_readable(d.hi)) {
        seg_fault(cpu, EXCP_GP, sel, 0);
    }
    if (!(desc_is_code(d.hi) && desc_is_conforming(d.hi)) &&
        ((sel & SEL_RPL) > desc_dpl(d.hi) || x86_cpl(cpu) > desc_dpl(d.hi))) {
        seg_fault(cpu, EXCP_GP, sel, 0);
    }
    if (!(d.hi & DESC_P)) {
        seg_fault(cpu, EXCP_NP, sel, 0);
    }
    desc_set_accessed(cpu, sel, &d);
    seg_set_desc(cpu, reg, sel, d);
}

void seg_load(X86CPU *cpu, unsigned reg, uint16_t sel)
{
    if (reg == R_SS) {
        seg_load_ss(cpu, sel);
    } else {
        seg_load_data(cpu, reg, sel);
    }
}

void helper_load_seg(X86CPU *cpu, uint64_t reg, uint64_t selector)
{
    uint16_t sel = selector;

    if (cpu->hflags & HF_VM) {
        seg_set_vm86(cpu, reg, sel);
    } else if (!(cpu->hflags & HF_PE)) {
        seg_set_real(cpu, reg, sel);
    } else {
        seg_load(cpu, reg, sel);
    }
    x86_update_hflags(cpu);
    if (reg == R_SS) {
        cpu->hflags |= HF_SHADOW | HF_SS_SHADOW;
    }
}

void seg_check_rip(X86CPU *cpu, Desc d, uint64_t rip, uint32_t ext)
{
    bool ok = x86_is_long(cpu) && (d.hi & DESC_L) ? x86_is_canonical(cpu, rip)
                                                  : rip <= desc_limit(d);

    if (!ok) {
        x86_raise_error(cpu, EXCP_GP, ext);
    }
}

void x86_check_branch(X86CPU *cpu, const TranslationBlock *last)
{
    if (last->has_branch) {
        cpu->rip = cpu->rip_base + last->branch_off;
        cpu->regs[R_RSP] -= last->branch_pops;
        x86_raise_gp0(cpu);
    }
}

/* Which fault comes first is the silicon's; the SDM checks the target first. */
void helper_bad_call(X86CPU *cpu, uint64_t size)
{
    X86Stack s;

    stack_open(&s, cpu);
    stack_probe(&s, size);
    x86_raise_gp0(cpu);
}

void seg_enter_code(X86CPU *cpu, uint16_t sel, unsigned cpl, Desc d,
                    uint64_t rip)
{
    seg_set_desc(cpu, R_CS, (sel & ~SEL_RPL) | cpl, d);
    cpu->rip = rip;
}

/* Base of an LDT or TSS, which must be canonical like that of a table. */
static uint64_t system_base(X86CPU *cpu, uint16_t sel, Desc d, uint32_t upper)
{
    uint64_t base = (uint64_t)upper << 32 | desc_base(d);

    if (!x86_is_canonical_base(cpu, base)) {
        seg_fault(cpu, EXCP_GP, sel, 0);
    }
    return base;
}

void helper_lldt(X86CPU *cpu, uint64_t selector)
{
    uint16_t sel = selector;
    uint32_t upper = 0;
    Desc d;

    if (sel_is_null(sel)) {
        cpu->ldt = (SegmentCache){ .selector = sel };
        return;
    }
    if ((sel & SEL_LDT) || !desc_read(cpu, sel, &d) || (d.hi & DESC_S) ||
        desc_type(d.hi) != SYS_LDT) {
        seg_fault(cpu, EXCP_GP, sel, 0);
    }
    if (x86_is_long(cpu) && !desc_read_upper(cpu, sel, &upper)) {
        seg_fault(cpu, EXCP_GP, sel, 0);
    }
    if (!(d.hi & DESC_P)) {
        seg_fault(cpu, EXCP_NP, sel, 0);
    }
    cpu->ldt = (SegmentCache){
        .base = system_base(cpu, sel, d, upper),
        .limit = desc_limit(d),
        .attr = d.hi & DESC_ATTR,
        .selector = sel,
    };
}

void helper_ltr(X86CPU *cpu, uint64_t selector)
{
    uint16_t sel = selector;
    uint32_t upper = 0;
    bool is_long = x86_is_long(cpu);
    uint64_t base;
    Desc d;
    unsigned type;

    if (sel_is_null(sel)) {
        x86_raise_gp0(cpu);
    }
    if ((sel & SEL_LDT) || !desc_read(cpu, sel, &d) || (d.hi & DESC_S)) {
        seg_fault(cpu, EXCP_GP, sel, 0);
    }
    type = desc_type(d.hi);
    if (type != SYS_TSS32 && (is_long || type != SYS_TSS16)) {
        seg_fault(cpu, EXCP_GP, sel, 0);
    }
    if (!(d.hi & DESC_P)) {
        seg_fault(cpu, EXCP_NP, sel, 0);
    }
    if (is_long && !desc_read_upper(cpu, sel, &upper)) {
        seg_fault(cpu, EXCP_GP, sel, 0);
    }
    base = system_base(cpu, sel, d, upper);
    desc_change_busy(cpu, sel, true);
    cpu->tr = (SegmentCache){
        .base = base,
        .limit = desc_limit(d),
        .attr = (d.hi & DESC_ATTR) | SYS_TSS_BUSY_BIT << DESC_TYPE_SHIFT,
        .selector = sel,
    };
}
