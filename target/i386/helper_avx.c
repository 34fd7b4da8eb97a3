/* SPDX-License-Identifier: MIT */
/*
 * VEX instructions that are not one vector sub-op: arithmetic while MXCSR
 * unmasks exceptions, moves under a mask, and gathers.
 *
 * Elements are accessed one by one, lowest first, and only where the mask's
 * element has its top bit set: the others cannot fault.  SDM vol. 2C,
 * "VMASKMOV", "VPGATHERDD".
 */
#include "target/i386/avx.h"

#include <string.h>

#include "exec/ldst.h"
#include "exec/translator.h"
#include "target/i386/excp.h"
#include "target/i386/helper_sse.h"
#include "target/i386/helpers.h"
#include "target/i386/seg.h"
#include "tcg/vops.h"

static VecReg *vec_reg(X86CPU *cpu, unsigned n)
{
    return n < ARRAY_LEN(cpu->vec) ? &cpu->vec[n] : &cpu->vec_operand;
}

/* --- arithmetic --- */

uint64_t helper_avx_checked(X86CPU *cpu, uint64_t what, uint64_t regs,
                            uint64_t integer)
{
    VecReg d, *dst = vec_reg(cpu, regs & 0xff);
    SseOp s = {.def = &vop_defs[what & 0xffff],
               .mode = what >> 24 & 0xff,
               .imm = (uint8_t)(what >> 16),
               .a = (const VopVec *)vec_reg(cpu, regs >> 8 & 0xff),
               .b = (const VopVec *)vec_reg(cpu, regs >> 16 & 0xff),
               .c = (const VopVec *)vec_reg(cpu, regs >> 24 & 0xff)};
    uint64_t result = x86_sse_run_checked(cpu, &s, (VopVec *)&d, integer);

    if (s.def->shape == VOP_FVV) {
        cpu->cc = (uint16_t)result;
    } else if (!vop_dst_is_int(s.def)) {
        *dst = d;
    }
    return result;
}

/* --- elements --- */

static AvxAccess access_of(uint64_t word)
{
    AvxAccess a;

    memcpy(&a, &word, sizeof(a));
    return a;
}

static unsigned elements(const AvxAccess *a, unsigned size)
{
    return (a->wide ? 32u : 16u) >> size;
}

static uint64_t get_element(const VecReg *v, unsigned i, unsigned size)
{
    return size == MO_64 ? v->u64[i] : v->u32[i];
}

static void put_element(VecReg *v, unsigned i, unsigned size, uint64_t value)
{
    if (size == MO_64) {
        v->u64[i] = value;
    } else {
        v->u32[i] = (uint32_t)value;
    }
}

static bool is_chosen(const VecReg *mask, unsigned i, unsigned size)
{
    return size == MO_64 ? mask->i64[i] < 0 : mask->i32[i] < 0;
}

static vaddr linear_addr(const X86CPU *cpu, const AvxAccess *a, uint64_t off)
{
    if (cpu->hflags & HF_CS64) {
        return off + (a->seg >= R_FS ? cpu->segs[a->seg].base : 0);
    }
    return (uint32_t)(off + cpu->segs[a->seg].base);
}

/* Linear address of an element at offset @off of its segment. */
static vaddr element_addr(X86CPU *cpu, const AvxAccess *a, uint64_t off,
                          uint64_t asize, bool write)
{
    if (asize != MO_64) {
        off = (uint32_t)off;
    }
    if (!(cpu->hflags & HF_CS64)) {
        helper_check_seg(cpu, off,
                         a->seg | (uint64_t)write << 8 |
                             (uint64_t)(1u << a->elem) << 16);
    }
    return linear_addr(cpu, a, off);
}

static MemOp element_op(const X86CPU *cpu, const AvxAccess *a)
{
    return a->elem | MO_MAKE_MMU(x86_mmu_mode(cpu->hflags)) |
           (a->seg == R_SS ? MO_SS : 0);
}

void helper_maskload(X86CPU *cpu, uint64_t off, uint64_t word, uint64_t asize)
{
    AvxAccess a = access_of(word);
    const VecReg *mask = &cpu->vec[a.mask & 15];
    VecReg v = {.u64 = {0}};

    for (unsigned i = 0; i < elements(&a, a.elem); i++) {
        if (is_chosen(mask, i, a.elem)) {
            vaddr addr = element_addr(cpu, &a, off + ((uint64_t)i << a.elem),
                                      asize, false);

            put_element(&v, i, a.elem,
                        cpu_load(&cpu->cs, addr, element_op(cpu, &a)));
        }
    }
    cpu->vec[a.vec & 15] = v;
}

/* Faults come before the first store.  In 64-bit code what lies in one page
 * faults there or not at all, and only the rest is probed; elsewhere an element
 * may be beyond the segment's limit, after one that has no page. */
void helper_maskstore(X86CPU *cpu, uint64_t off, uint64_t word, uint64_t asize)
{
    AvxAccess a = access_of(word);
    const VecReg *mask = &cpu->vec[a.mask & 15], *v = &cpu->vec[a.vec & 15];
    MemOp op = element_op(cpu, &a);

    for (unsigned pass = 0; pass < 2; pass++) {
        for (unsigned i = 0; i < elements(&a, a.elem); i++) {
            vaddr addr;

            if (!is_chosen(mask, i, a.elem)) {
                continue;
            }
            addr = element_addr(cpu, &a, off + ((uint64_t)i << a.elem), asize,
                                true);
            if (pass == 1) {
                cpu_store(&cpu->cs, addr, get_element(v, i, a.elem), op);
            } else if (!(cpu->hflags & HF_CS64) ||
                       addr >> PAGE_BITS != (addr + 31) >> PAGE_BITS ||
                       addr >> PAGE_BITS != (addr - 31) >> PAGE_BITS) {
                cpu_probe(&cpu->cs, addr, 1u << a.elem, PAGE_WRITE, op);
            }
        }
    }
}

/* --- gathers --- */

static int64_t index_of(const VecReg *index, unsigned i, unsigned size)
{
    return size == MO_64 ? index->i64[i] : index->i32[i];
}

/* As many elements as both the destination and the indices have. */
static unsigned gather_count(const AvxAccess *a)
{
    return elements(a, MAX(a->elem, a->index_size));
}

static bool element_faults(X86CPU *cpu, const AvxAccess *a, uint64_t off,
                           uint64_t asize)
{
    MemOp op = element_op(cpu, a);
    unsigned bytes = 1u << a->elem;
    vaddr addr;
    void *host;

    if (asize != MO_64) {
        off = (uint32_t)off;
    }
    addr = linear_addr(cpu, a, off);
    return (!(cpu->hflags & HF_CS64) &&
            !seg_allows(&cpu->segs[a->seg], off, bytes, false)) ||
           !cpu_probe_nofault(&cpu->cs, addr, PAGE_READ, op, &host) ||
           !cpu_probe_nofault(&cpu->cs, addr + bytes - 1, PAGE_READ, op, &host);
}

/* The traps of the elements that have been gathered take the place of the next
 * one's fault: SDM vol. 2C, "VPGATHERDD/VPGATHERDQ". */
static G_NORETURN void trap_amid(X86CPU *cpu)
{
    tcg_restore_state(&cpu->cs);
    cpu->eflags |= EFLAGS_RF;
    x86_raise_debug_trap(cpu, cpu->hflags & HF_TF ? DR6_BS : 0);
}

/*
 * Each element is complete, and its mask element zero, before the next is
 * looked at: after a fault the instruction goes on where it was.
 */
void helper_gather(X86CPU *cpu, uint64_t off, uint64_t word, uint64_t asize)
{
    AvxAccess a = access_of(word);
    VecReg *v = &cpu->vec[a.vec & 15], *mask = &cpu->vec[a.mask & 15];
    const VecReg *index = &cpu->vec[a.index & 15];
    unsigned n = gather_count(&a), bytes = n << a.elem;
    bool pending = false;

    for (unsigned i = 0; i < n; i++) {
        if (is_chosen(mask, i, a.elem)) {
            uint64_t at = (uint64_t)index_of(index, i, a.index_size) << a.scale;
            vaddr addr;

            if (pending && element_faults(cpu, &a, off + at, asize)) {
                trap_amid(cpu);
            }
            addr = element_addr(cpu, &a, off + at, asize, false);
            put_element(v, i, a.elem,
                        cpu_load(&cpu->cs, addr, element_op(cpu, &a)));
            pending = (cpu->hflags & HF_TF) || cpu->watch_hits;
        }
        put_element(mask, i, a.elem, 0);
    }
    memset(v->u8 + bytes, 0, sizeof(*v) - bytes);
    memset(mask->u8, 0, sizeof(*mask));
}
