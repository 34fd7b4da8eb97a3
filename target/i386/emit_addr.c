/* SPDX-License-Identifier: MIT */
/*
 * Memory and register operands.  Segments: flat ones (HF_FLAT_*, and all but
 * FS and GS in 64-bit code) cost nothing; others have base added and limit
 * checked, in real mode by one trapping compare, in protected mode by a helper
 * that also knows descriptor types.  What goes across 4 GiB in a flat segment,
 * beyond its limit, the slow path finds (MO_FLAT).
 */
#include "tcg/tb.h"
#include "target/i386/emit.h"

IrTemp x86_zx(X86Trans *s, unsigned size, IrTemp value)
{
    IrTemp t = ir_temp(s->ir);

    ir_ext(s->ir, IR_ZX, IR_64, size, t, value);
    return t;
}

IrTemp x86_sx(X86Trans *s, unsigned size, IrTemp value)
{
    IrTemp t = ir_temp(s->ir);

    ir_ext(s->ir, IR_SX, IR_64, size, t, value);
    return t;
}

MemOp x86_lock(const X86Trans *s, bool locked)
{
    return locked && (s->tb->cflags & CF_PARALLEL) ? MO_LOCK : 0;
}

/* --- the offset --- */

/* base + (index << scale), either of which may be absent. */
static IrTemp lea(X86Trans *s, unsigned size, IrTemp base, IrTemp index,
                  unsigned scale, int64_t disp)
{
    IrTemp t;

    if (base == IR_NONE && index == IR_NONE) {
        return ir_const(s->ir, size == IR_32 ? (int64_t)(uint32_t)disp : disp);
    }
    if (size == IR_64 && index == IR_NONE && disp == 0) {
        return base;
    }
    t = ir_temp(s->ir);
    ir_lea(s->ir, size, t, base, index, scale, disp);
    return t;
}

static IrTemp mem_base(X86Trans *s, const X86Mem *m, int64_t *disp)
{
    IrTemp t;

    *disp = m->disp;
    if (m->base == X86_NO_REG) {
        return IR_NONE;
    }
    if (m->base == X86_BASE_RIP) {
        t = ir_temp(s->ir);
        ir_ld_cpu(s->ir, t, offsetof(X86CPU, rip_base), MO_64);
        *disp += s->next_off;
        return t;
    }
    if (m->base == R_RSP) {
        *disp += s->pop_bytes;
    }
    return x86_gpr(m->base);
}

static IrTemp mem_index(const X86Mem *m)
{
    return m->index == X86_NO_REG ? IR_NONE : x86_gpr(m->index);
}

IrTemp x86_ea(X86Trans *s, const X86Insn *in, IrTemp extra)
{
    int64_t disp;
    IrTemp base = mem_base(s, &in->mem, &disp);
    IrTemp index = mem_index(&in->mem);
    unsigned size = in->asize == IR_64 ? IR_64 : IR_32;
    IrTemp off;

    if (extra != IR_NONE) {
        base = lea(s, IR_64, extra, base, 0, 0);
    }
    off = lea(s, size, base, index, in->mem.scale, disp);
    return in->asize == IR_16 ? x86_zx(s, IR_16, off) : off;
}

/* --- segments --- */

static bool seg_is_flat(const X86Trans *s, unsigned seg)
{
    static const uint32_t flag[NB_SEGS] = {
        [R_ES] = HF_FLAT_ES,
        [R_CS] = HF_FLAT_CS,
        [R_SS] = HF_FLAT_SS,
        [R_DS] = HF_FLAT_DS,
    };

    if (x86_is64(s)) {
        return seg < R_FS;
    }
    return s->flags & flag[seg];
}

/* Reads through a flat CS pass unless the segment is execute-only, which only
 * the helper can tell; writes through CS never pass in protected mode. */
static bool seg_is_checked(const X86Trans *s, unsigned seg)
{
    return !x86_is64(s) &&
           (!seg_is_flat(s, seg) || (seg == R_CS && !x86_is_real(s)));
}

static void check_segment(X86Trans *s, unsigned seg, IrTemp off,
                          unsigned bytes, int access)
{
    IrTemp last, limit;

    if (!seg_is_checked(s, seg)) {
        return;
    }
    if (!x86_is_real(s)) {
        x86_call2(s, HELPER_check_seg, off,
                  ir_const(s->ir, seg | access << 8 | bytes << 16));
        return;
    }
    last = lea(s, IR_64, off, IR_NONE, 0, bytes - 1);
    limit = ir_temp(s->ir);
    ir_ld_cpu(s->ir, limit, offsetof(X86CPU, segs[0].limit) +
                                seg * sizeof(SegmentCache), MO_32);
    ir_trapif(s->ir, IR_64, COND_A, last, limit, HELPER_raise_error0,
              seg == R_SS ? EXCP_SS : EXCP_GP);
}

static MemOp access_flags(const X86Trans *s, unsigned seg)
{
    MemOp mo = MO_MAKE_MMU(x86_mmu_mode(s->flags));

    if (seg == R_SS) {
        mo |= MO_SS;
    }
    if (s->flags & HF_AC) {
        mo |= MO_AC;
    }
    if (!x86_is64(s) && seg_is_flat(s, seg)) {
        mo |= MO_FLAT;
    }
    return mo;
}

static X86Addr add_base(X86Trans *s, unsigned seg, IrTemp off, int64_t disp)
{
    X86Addr a = {.base = off, .disp = disp, .mo = access_flags(s, seg)};
    IrTemp base, sum;

    if (seg_is_flat(s, seg)) {
        return a;
    }
    base = ir_temp(s->ir);
    sum = ir_temp(s->ir);
    ir_ld_cpu(s->ir, base, offsetof(X86CPU, segs[0].base) +
                               seg * sizeof(SegmentCache), MO_64);
    ir_lea(s->ir, x86_is64(s) ? IR_64 : IR_32, sum, base, off, 0, disp);
    a.base = sum;
    a.disp = 0;
    return a;
}

X86Addr x86_seg_addr(X86Trans *s, unsigned seg, IrTemp off, unsigned bytes,
                     int access)
{
    check_segment(s, seg, off, bytes, access);
    return add_base(s, seg, off, 0);
}

/* In 64-bit code the displacement stays apart, for the access to add. */
X86Addr x86_addr(X86Trans *s, const X86Insn *in, unsigned bytes, int access)
{
    int64_t disp;
    IrTemp base, index;

    if (in->asize != IR_64) {
        return x86_seg_addr(s, in->mem.seg, x86_ea(s, in, IR_NONE), bytes,
                            access);
    }
    base = mem_base(s, &in->mem, &disp);
    index = mem_index(&in->mem);
    if (base == IR_NONE && index == IR_NONE) {
        base = ir_const(s->ir, disp);
        disp = 0;
    } else {
        base = lea(s, IR_64, base, index, in->mem.scale, 0);
    }
    return add_base(s, in->mem.seg, base, disp);
}

IrTemp x86_linear(X86Trans *s, const X86Addr *a)
{
    return lea(s, IR_64, a->base, IR_NONE, 0, a->disp);
}

X86Addr x86_addr_add(X86Addr a, int64_t bytes)
{
    a.disp += bytes;
    return a;
}

void x86_align_whole(X86Trans *s, X86Addr *a, unsigned align)
{
    IrTemp low;

    if (!(a->mo & MO_AC)) {
        return;
    }
    low = ir_temp(s->ir);
    ir_op2(s->ir, IR_AND, IR_64, 0, low, x86_linear(s, a),
           ir_const(s->ir, align - 1));
    ir_trapif(s->ir, IR_64, COND_NE, low, ir_const(s->ir, 0),
              HELPER_raise_error0, EXCP_AC);
    a->mo &= ~MO_AC;
}

IrTemp x86_load(X86Trans *s, const X86Addr *a, unsigned size, MemOp extra)
{
    IrTemp t = ir_temp(s->ir);

    ir_ld(s->ir, IR_64, t, a->base, a->disp, a->mo | size | extra);
    return t;
}

void x86_store(X86Trans *s, const X86Addr *a, unsigned size, IrTemp value)
{
    ir_st(s->ir, value, a->base, a->disp, a->mo | size);
}

X86Addr x86_next_part(X86Trans *s, const X86Insn *in, const X86Addr *first,
                      unsigned at, unsigned bytes)
{
    if (in->asize == IR_64) {
        return x86_addr_add(*first, at);
    }
    return x86_seg_addr(s, in->mem.seg, x86_ea(s, in, ir_const(s->ir, at)),
                        bytes, X86_READ);
}

X86Addr x86_store_in_two(X86Trans *s, unsigned seg, IrTemp off, IrTemp next,
                         unsigned bytes)
{
    X86Addr a = x86_seg_addr(s, seg, off, 8, X86_WRITE);

    if (seg_is_checked(s, seg)) {
        x86_call2(s, HELPER_probe_first, x86_linear(s, &a),
                  ir_const(s->ir, a.mo));
        check_segment(s, seg, next, bytes, X86_WRITE);
    }
    return a;
}

void x86_load_pointer(X86Trans *s, const X86Insn *in, IrTemp *sel, IrTemp *off)
{
    unsigned bytes = 1u << in->osize;
    X86Addr a = x86_addr(s, in, bytes, X86_READ);

    *off = x86_load(s, &a, in->osize, 0);
    a = x86_next_part(s, in, &a, bytes, 2);
    *sel = x86_load(s, &a, IR_16, 0);
}

/* --- operands --- */

static int64_t imm_of_size(int64_t imm, unsigned size)
{
    return size == IR_32 ? (int64_t)(uint32_t)imm : imm;
}

static IrTemp high_byte(X86Trans *s, unsigned reg)
{
    IrTemp t = ir_temp(s->ir);

    ir_op1(s->ir, IR_EXTH, IR_64, 0, t, x86_gpr(reg));
    return t;
}

IrTemp x86_get(X86Trans *s, const X86Insn *in, unsigned n)
{
    const X86Operand *op = &in->op[n];
    X86Addr a;

    switch (op->kind) {
    case OPND_REG:
        return x86_gpr(op->reg);
    case OPND_REGH:
        return high_byte(s, op->reg);
    case OPND_IMM:
        return ir_const(s->ir, imm_of_size(in->imm, op->size));
    case OPND_IMM2:
        return ir_const(s->ir, in->imm2);
    default:
        a = x86_addr(s, in, 1u << op->size, X86_READ);
        return x86_load(s, &a, op->size, 0);
    }
}

void x86_put_gpr(X86Trans *s, unsigned size, unsigned reg, IrTemp value)
{
    IrTemp r = x86_gpr(reg);

    if (size < IR_32) {
        ir_op2(s->ir, IR_DEP, size, 0, r, r, value);
    } else {
        ir_mov(s->ir, size, r, value);
    }
}

static void put_high_byte(X86Trans *s, unsigned reg, IrTemp value)
{
    IrTemp r = x86_gpr(reg);

    ir_op2(s->ir, IR_DEPH, IR_64, 0, r, r, value);
}

void x86_put(X86Trans *s, const X86Insn *in, unsigned n, IrTemp value)
{
    const X86Operand *op = &in->op[n];
    X86Addr a;

    if (op->kind == OPND_REG) {
        x86_put_gpr(s, op->size, op->reg, value);
    } else if (op->kind == OPND_REGH) {
        put_high_byte(s, op->reg, value);
    } else {
        a = x86_addr(s, in, 1u << op->size, X86_WRITE);
        x86_store(s, &a, op->size, value);
    }
}

IrTemp x86_get_rmw(X86Trans *s, const X86Insn *in, unsigned n, X86Addr *a)
{
    const X86Operand *op = &in->op[n];

    if (op->kind != OPND_MEM) {
        return x86_get(s, in, n);
    }
    *a = x86_addr(s, in, 1u << op->size, X86_WRITE);
    return x86_load(s, a, op->size, MO_RMW);
}

void x86_put_rmw(X86Trans *s, const X86Insn *in, unsigned n,
                 const X86Addr *a, IrTemp value)
{
    if (in->op[n].kind == OPND_MEM) {
        x86_store(s, a, in->op[n].size, value);
    } else {
        x86_put(s, in, n, value);
    }
}
