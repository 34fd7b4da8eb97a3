/* SPDX-License-Identifier: MIT */
/*
 * Stacks in memory, for transfers that push and pop before they commit to a
 * new SS:RSP, and the stacks of inner privilege levels in the TSS.
 * Source: SDM vol. 3A, 5.8.5 "Stack Switching", 8.7 "Task Management in
 * 64-bit Mode".
 */
#include "target/i386/excp.h"
#include "target/i386/seg.h"

/* What of RSP addresses a stack whose SS has @attr. */
static uint64_t stack_mask(uint32_t attr)
{
    return attr & DESC_B ? 0xffffffffu : 0xffffu;
}

void stack_open_as(X86Stack *s, X86CPU *cpu, bool is_64)
{
    *s = (X86Stack){
        .cpu = cpu,
        .sp = cpu->regs[R_RSP],
        .mask = is_64 ? ~0ull : stack_mask(cpu->segs[R_SS].attr),
        .seg = cpu->segs[R_SS],
        .mmu = MO_SS | x86_mmu_at_cpl(cpu, x86_cpl(cpu)) |
               (cpu->hflags & HF_AC ? MO_AC : 0),
        .checked = !is_64,
    };
}

void stack_open(X86Stack *s, X86CPU *cpu)
{
    stack_open_as(s, cpu, cpu->hflags & HF_CS64);
}

/* Linear address of @bytes at s->sp, checked against the segment, or to be
 * canonical. */
static vaddr stack_addr(X86Stack *s, unsigned bytes)
{
    uint64_t off = s->sp & s->mask;
    bool ok = s->checked ? seg_in_limit(&s->seg, off, bytes)
                         : x86_is_canonical(s->cpu, off) &&
                               x86_is_canonical(s->cpu, off + bytes - 1);

    if (!ok) {
        x86_raise_error(s->cpu, EXCP_SS, s->error);
    }
    return s->checked ? (uint32_t)(s->seg.base + off) : off;
}

static void reserve(X86Stack *s, unsigned bytes)
{
    s->sp = (s->sp & ~s->mask) | ((s->sp - bytes) & s->mask);
}

void stack_probe(X86Stack *s, MemOp size)
{
    unsigned bytes = memop_bytes(size);

    reserve(s, bytes);
    cpu_probe(&s->cpu->cs, stack_addr(s, bytes), bytes, PAGE_WRITE,
              size | s->mmu);
}

void stack_push(X86Stack *s, MemOp size, uint64_t value)
{
    unsigned bytes = memop_bytes(size);

    reserve(s, bytes);
    cpu_store(&s->cpu->cs, stack_addr(s, bytes), value, size | s->mmu);
}

uint64_t stack_pop(X86Stack *s, MemOp size)
{
    unsigned bytes = memop_bytes(size);
    uint64_t value =
        cpu_load(&s->cpu->cs, stack_addr(s, bytes), size | s->mmu);

    stack_skip(s, bytes);
    return value;
}

void stack_pop_many(X86Stack *s, MemOp size, uint64_t *values, unsigned count)
{
    X86Stack slot = *s;
    unsigned bytes = memop_bytes(size);

    for (unsigned i = count; i-- > 0;) {
        slot.sp = s->sp;
        stack_skip(&slot, i * bytes);
        values[i] = stack_pop(&slot, size);
    }
    stack_skip(s, count * bytes);
}

void stack_skip(X86Stack *s, uint64_t bytes)
{
    s->sp = (s->sp & ~s->mask) | ((s->sp + bytes) & s->mask);
}

void stack_commit(const X86Stack *s)
{
    uint64_t *rsp = &s->cpu->regs[R_RSP];

    if (s->mask == 0xffff) {
        *rsp = deposit64(*rsp, 0, 16, s->sp);
    } else {
        *rsp = s->sp & s->mask;
    }
}

/* Read @size at @off of the current TSS, or #TS of its selector. */
static uint64_t tss_load(X86CPU *cpu, uint32_t off, MemOp size, uint32_t ext)
{
    if (off + memop_bytes(size) - 1 > cpu->tr.limit) {
        seg_fault(cpu, EXCP_TS, cpu->tr.selector, ext);
    }
    return cpu_load(&cpu->cs, x86_table_addr(cpu, cpu->tr.base, off),
                    size | x86_mmu_implicit(cpu));
}

static void inner_open_long(InnerStack *in, X86CPU *cpu, unsigned cpl,
                            unsigned ist, uint32_t ext)
{
    /* RSP0-2 start at 4, IST1-7 at 36: SDM vol. 3A, figure 8-11. */
    uint32_t off = ist ? 28 + 8 * ist : 4 + 8 * cpl;
    uint64_t rsp = tss_load(cpu, off, MO_64, ext);

    if (!x86_is_canonical(cpu, rsp)) {
        x86_raise_error(cpu, EXCP_SS, ext);
    }
    in->ss = cpl;
    in->s.sp = rsp;
    in->s.mask = ~0ull;
    in->s.error = ext;
}

/* The checks of an SS from the TSS, which name #TS where MOV SS has #GP. */
static void inner_check_ss(InnerStack *in, X86CPU *cpu, unsigned cpl,
                           uint32_t ext)
{
    if (sel_is_null(in->ss)) {
        x86_raise_error(cpu, EXCP_TS, ext);
    }
    if (!desc_read(cpu, in->ss, &in->desc) || (in->ss & SEL_RPL) != cpl ||
        desc_dpl(in->desc.hi) != cpl || !desc_is_writable(in->desc.hi)) {
        seg_fault(cpu, EXCP_TS, in->ss, ext);
    }
    if (!(in->desc.hi & DESC_P)) {
        seg_fault(cpu, EXCP_SS, in->ss, ext);
    }
    desc_set_accessed(cpu, in->ss, &in->desc);
}

static void inner_open_legacy(InnerStack *in, X86CPU *cpu, unsigned cpl,
                              uint32_t ext)
{
    if (desc_type(cpu->tr.attr) & SYS_32BIT) {
        in->s.sp = tss_load(cpu, 4 + 8 * cpl, MO_32, ext);
        in->ss = tss_load(cpu, 8 + 8 * cpl, MO_16, ext);
    } else {
        in->s.sp = tss_load(cpu, 2 + 4 * cpl, MO_16, ext);
        in->ss = tss_load(cpu, 4 + 4 * cpl, MO_16, ext);
    }
    inner_check_ss(in, cpu, cpl, ext);
    in->s.mask = stack_mask(in->desc.hi);
    in->s.checked = true;
    in->s.error = (in->ss & SEL_ERROR) | ext;
    in->s.seg = (SegmentCache){
        .base = desc_base(in->desc),
        .limit = desc_limit(in->desc),
        .attr = in->desc.hi & DESC_ATTR,
        .selector = in->ss,
    };
}

void inner_stack_open(InnerStack *in, X86CPU *cpu, unsigned cpl, unsigned ist,
                      uint32_t ext)
{
    *in = (InnerStack){
        .s = {.cpu = cpu, .mmu = MO_SS | x86_mmu_at_cpl(cpu, cpl)},
    };
    if (x86_is_long(cpu)) {
        inner_open_long(in, cpu, cpl, ist, ext);
    } else {
        inner_open_legacy(in, cpu, cpl, ext);
    }
}

void inner_stack_commit(const InnerStack *in, unsigned cpl)
{
    X86CPU *cpu = in->s.cpu;

    if (in->s.checked) {
        seg_set_desc(cpu, R_SS, in->ss, in->desc);
    } else {
        seg_set_null(cpu, R_SS, in->ss, cpl);
    }
    stack_commit(&in->s);
}
