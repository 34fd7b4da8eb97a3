/* SPDX-License-Identifier: MIT */
/*
 * REP MOVS and REP STOS in bulk.  A call does as many elements as lie in one
 * page of each operand, at least one; rSI, rDI and rCX are exact when it
 * returns, and when it faults.  The TB's loop calls again until rCX is 0.
 *
 * Runs of elements go through host pointers when both pages are plain RAM;
 * everything else (MMIO, pages with code, crossing elements, DF set, segments
 * whose limit is near) is done one element a call.
 */
#include "exec/ldst.h"
#include "target/i386/helpers.h"
#include "target/i386/strings.h"

static uint64_t asize_mask(uint64_t how)
{
    unsigned asize = (how & REP_ASIZE) >> REP_ASIZE_SHIFT;

    return ~(uint64_t)0 >> (64 - (8u << asize));
}

static uint64_t low_part(const X86CPU *cpu, unsigned reg, uint64_t how)
{
    return cpu->regs[reg] & asize_mask(how);
}

/* 16 bits are merged, 32 bits clear the rest, as in any instruction. */
static void add_to(X86CPU *cpu, unsigned reg, uint64_t delta, uint64_t how)
{
    uint64_t mask = asize_mask(how), value = (cpu->regs[reg] + delta) & mask;

    if (mask == 0xffff) {
        value |= cpu->regs[reg] & ~mask;
    }
    cpu->regs[reg] = value;
}

static bool segments_are_checked(const X86CPU *cpu)
{
    return !(cpu->hflags & HF_CS64);
}

static bool real_mode(const X86CPU *cpu)
{
    return !(cpu->hflags & HF_PE) || (cpu->hflags & HF_VM);
}

/* Faults as an access of @bytes at @off would. */
static void check(X86CPU *cpu, unsigned seg, uint64_t off, unsigned bytes,
                  bool write)
{
    if (!segments_are_checked(cpu)) {
        return;
    }
    if (!real_mode(cpu)) {
        helper_check_seg(cpu, off,
                         seg | (unsigned)write << 8 | (uint64_t)bytes << 16);
    } else if (off + bytes - 1 > cpu->segs[seg].limit) {
        x86_raise_error(cpu, seg == R_SS ? EXCP_SS : EXCP_GP, 0);
    }
}

static vaddr linear(const X86CPU *cpu, unsigned seg, uint64_t off)
{
    if (!segments_are_checked(cpu)) {
        return seg >= R_FS ? cpu->segs[seg].base + off : off;
    }
    return (uint32_t)(cpu->segs[seg].base + off);
}

/* Elements of 1 << @size bytes at @off that surely need no check of their own:
 * in one page, before the offset wraps, below the limit of an expand-up
 * segment.  0: go the slow way. */
static uint64_t run_length(const X86CPU *cpu, unsigned seg, uint64_t off,
                           unsigned size, uint64_t how)
{
    const SegmentCache *sc = &cpu->segs[seg];
    uint64_t room = PAGE_SIZE - (linear(cpu, seg, off) & ~PAGE_MASK);
    uint64_t wrap = asize_mask(how) - off;

    if (wrap < room) {
        room = wrap;
    }
    if (segments_are_checked(cpu)) {
        if ((sc->attr & (DESC_CODE | DESC_E)) || sc->limit < off) {
            return 0;
        }
        room = MIN(room, (uint64_t)sc->limit - off);
    }
    return room >> size;
}

/* --- one element --- */

static void step(X86CPU *cpu, unsigned reg, unsigned n, uint64_t how)
{
    uint64_t bytes = (uint64_t)n << (how & MO_SIZE);

    add_to(cpu, reg, how & REP_DOWN ? -bytes : bytes, how);
}

static void store_element(X86CPU *cpu, uint64_t value, uint64_t how)
{
    uint64_t off = low_part(cpu, R_RDI, how);

    check(cpu, R_ES, off, memop_bytes(how & REP_MEMOP), true);
    cpu_store(&cpu->cs, linear(cpu, R_ES, off), value, how & REP_MEMOP);
}

static void move_element(X86CPU *cpu, unsigned seg, uint64_t how)
{
    uint64_t off = low_part(cpu, R_RSI, how), value;

    check(cpu, seg, off, memop_bytes(how & REP_MEMOP), false);
    value = cpu_load(&cpu->cs, linear(cpu, seg, off),
                     (how & REP_MEMOP) | (seg == R_SS ? MO_SS : 0));
    store_element(cpu, value, how);
}

/* --- runs --- */

/* Elements one after the other, as the overlap of the operands demands; only
 * a destination inside the source's run differs from a block move. */
static void copy_run(uint8_t *dst, const uint8_t *src, uint64_t bytes,
                     unsigned size)
{
    if (dst <= src || dst >= src + bytes) {
        memmove(dst, src, bytes);
        return;
    }
    for (uint64_t i = 0; i < bytes; i += 1u << size) {
        uint64_t element = 0;

        memcpy(&element, src + i, 1u << size);
        memcpy(dst + i, &element, 1u << size);
    }
}

static void fill_run(uint8_t *dst, uint64_t value, uint64_t n, unsigned size)
{
    unsigned bytes = 1u << size;
    uint64_t repeated = (value & 0xff) * UINT64_C(0x0101010101010101);

    /* Nearly always: pages are cleared so, eight bytes an element. */
    if (((value ^ repeated) & (~(uint64_t)0 >> (64 - 8 * bytes))) == 0) {
        memset(dst, value, n * bytes);
        return;
    }
    for (uint64_t i = 0; i < n; i++) {
        memcpy(dst + i * bytes, &value, bytes);
    }
}

static bool may_run(const X86CPU *cpu, uint64_t how)
{
    return !(how & (REP_DOWN | REP_ONE | MO_AC));
}

/* Returns the elements moved; 0 if the slow way must be taken. */
static uint64_t move_run(X86CPU *cpu, unsigned seg, uint64_t how)
{
    unsigned size = how & MO_SIZE;
    uint64_t src = low_part(cpu, R_RSI, how);
    uint64_t dst = low_part(cpu, R_RDI, how);
    uint64_t n = low_part(cpu, R_RCX, how);
    void *from, *to;

    n = MIN(n, run_length(cpu, seg, src, size, how));
    n = MIN(n, run_length(cpu, R_ES, dst, size, how));
    if (n < 2 || !may_run(cpu, how)) {
        return 0;
    }
    check(cpu, seg, src, n << size, false);
    from = cpu_probe(&cpu->cs, linear(cpu, seg, src), n << size, PAGE_READ,
                     (how & REP_MEMOP) | (seg == R_SS ? MO_SS : 0));
    check(cpu, R_ES, dst, n << size, true);
    to = cpu_probe(&cpu->cs, linear(cpu, R_ES, dst), n << size, PAGE_WRITE,
                   how & REP_MEMOP);
    if (!from || !to) {
        return 0;
    }
    copy_run(to, from, n << size, size);
    return n;
}

void helper_rep_movs(X86CPU *cpu, uint64_t how, uint64_t seg)
{
    uint64_t n = move_run(cpu, seg, how);

    if (n == 0) {
        move_element(cpu, seg, how);
        n = 1;
    }
    step(cpu, R_RSI, n, how);
    step(cpu, R_RDI, n, how);
    add_to(cpu, R_RCX, -n, how);
}

static uint64_t store_run(X86CPU *cpu, uint64_t how)
{
    unsigned size = how & MO_SIZE;
    uint64_t dst = low_part(cpu, R_RDI, how);
    uint64_t n = low_part(cpu, R_RCX, how);
    void *to;

    n = MIN(n, run_length(cpu, R_ES, dst, size, how));
    if (n < 2 || !may_run(cpu, how)) {
        return 0;
    }
    check(cpu, R_ES, dst, n << size, true);
    to = cpu_probe(&cpu->cs, linear(cpu, R_ES, dst), n << size, PAGE_WRITE,
                   how & REP_MEMOP);
    if (to) {
        fill_run(to, cpu->regs[R_RAX], n, size);
    }
    return to ? n : 0;
}

void helper_rep_stos(X86CPU *cpu, uint64_t how)
{
    uint64_t n = store_run(cpu, how);

    if (n == 0) {
        store_element(cpu, cpu->regs[R_RAX], how);
        n = 1;
    }
    step(cpu, R_RDI, n, how);
    add_to(cpu, R_RCX, -n, how);
}
