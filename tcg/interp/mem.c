/* SPDX-License-Identifier: MIT */
/*
 * Guest memory: a probe of the soft TLB, then the host address or a slow path.
 * Aligned accesses are single host accesses, so the guest sees the host's own
 * ordering (x86-TSO; a weaker host would need fences here).
 *
 * RAM accesses are outside ThreadSanitizer's eyes: guest programs race as they
 * please, and their races are not ours.
 */
#include "tcg/interp/interp.h"

#include <string.h>

#define NO_TSAN __attribute__((no_sanitize("thread")))

/* Any alignment: one host access each, which packed tells the compiler. */
#define HOST_WORD(n)                                                           \
    typedef struct __attribute__((packed, may_alias)) Host##n {                \
        volatile uint##n##_t v;                                                \
    } Host##n;
HOST_WORD(8)
HOST_WORD(16)
HOST_WORD(32)
HOST_WORD(64)

NO_TSAN static uint64_t host_load(const void *p, MemOp op)
{
    switch (op & MO_SIZE) {
    case MO_8:
        return ((const Host8 *)p)->v;
    case MO_16:
        return ((const Host16 *)p)->v;
    case MO_32:
        return ((const Host32 *)p)->v;
    default:
        return ((const Host64 *)p)->v;
    }
}

NO_TSAN static void host_store(void *p, uint64_t value, MemOp op)
{
    switch (op & MO_SIZE) {
    case MO_8:
        ((Host8 *)p)->v = (uint8_t)value;
        break;
    case MO_16:
        ((Host16 *)p)->v = (uint16_t)value;
        break;
    case MO_32:
        ((Host32 *)p)->v = (uint32_t)value;
        break;
    default:
        ((Host64 *)p)->v = value;
        break;
    }
}

/*
 * One atomic compare-and-exchange; *@old is updated when it fails.  The
 * address may be unaligned within a page: the host's locked instructions are
 * atomic there too.
 */
NO_TSAN static bool host_cmpxchg(void *p, uint64_t *old, uint64_t value,
                                 MemOp op)
{
#define TRY(n)                                                                 \
    {                                                                          \
        uint##n##_t expected = (uint##n##_t) * old;                            \
        bool done = __atomic_compare_exchange_n(                               \
            (uint##n##_t *)p, &expected, (uint##n##_t)value, false,            \
            __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);                               \
        *old = expected;                                                       \
        return done;                                                           \
    }
    switch (op & MO_SIZE) {
    case MO_8:
        TRY(8)
    case MO_16:
        TRY(16)
    case MO_32:
        TRY(32)
    default:
        TRY(64)
    }
#undef TRY
}

/* The host address of an access that a TLB entry serves as it is, or NULL.
 * Other threads may take a tag away at any time: it is read once. */
static void *probe(const Interp *s, vaddr addr, MemOp op, bool write)
{
    const TLBEntry *e = &s->cpu->tlb_table[memop_mmu(op)][tlb_index(addr)];
    unsigned size = memop_bytes(op);
    uint64_t want = (addr + size - 1) & PAGE_MASK;
    uint64_t tag =
        __atomic_load_n(write ? &e->write : &e->read, __ATOMIC_RELAXED);

    if (op & (MO_ALIGN | MO_AC)) {
        want |= addr & (size - 1);
    }
    return tag == want ? (void *)(uintptr_t)(addr + e->addend) : NULL;
}

static vaddr address(const Interp *s, const IrOp *op)
{
    return interp_get(s, op, ir_op_defs[op->opc].ndst) + (uint64_t)op->imm;
}

/* A loaded value as the op's result: extended to its size. */
static uint64_t extended(const IrOp *op, uint64_t value)
{
    unsigned shift = 64 - 8 * memop_bytes(op->memop);

    if (!(op->memop & MO_SIGN)) {
        return value;
    }
    value = (uint64_t)((int64_t)(value << shift) >> shift);
    return value & (~(uint64_t)0 >> (64 - (8u << op->size)));
}

const IrOp *interp_ld(Interp *s, const IrOp *op)
{
    vaddr addr = address(s, op);
    void *host = probe(s, addr, op->memop, op->memop & MO_RMW);
    uint64_t value;

    if (likely(host)) {
        value = host_load(host, op->memop);
    } else {
        interp_enter_c(s, op);
        value = tcg_slow_load(s->cpu, addr, op->memop);
        interp_left_c(s);
    }
    interp_set(s, op, 0, extended(op, value));
    return op + 1;
}

const IrOp *interp_st(Interp *s, const IrOp *op)
{
    vaddr addr = address(s, op);
    uint64_t value = interp_get(s, op, 1);
    void *host = probe(s, addr, op->memop, true);

    if (likely(host)) {
        host_store(host, value, op->memop);
    } else {
        interp_enter_c(s, op);
        tcg_slow_store(s->cpu, addr, value, op->memop);
        interp_left_c(s);
    }
    return op + 1;
}

/* Vectors: 64 bits at a time, as SSE accesses are not atomic anyway. */
static void host_load_vec(uint64_t *to, const uint8_t *p, MemOp op)
{
    unsigned size = memop_bytes(op);

    for (unsigned i = 0; i * 8 < size; i++) {
        to[i] = host_load(p + i * 8, size < 8 ? op : MO_64);
    }
}

static void host_store_vec(uint8_t *p, const uint64_t *from, MemOp op)
{
    unsigned size = memop_bytes(op);

    for (unsigned i = 0; i * 8 < size; i++) {
        host_store(p + i * 8, from[i], size < 8 ? op : MO_64);
    }
}

/* A scalar clears the rest of the low 128 bits; what is above stays, or is
 * cleared too (VEC_ZERO). */
const IrOp *interp_ldv(Interp *s, const IrOp *op)
{
    vaddr addr = address(s, op);
    void *host = probe(s, addr, op->memop, op->memop & MO_RMW);
    uint64_t value[4] = {0};

    if (likely(host)) {
        host_load_vec(value, host, op->memop);
    } else {
        interp_enter_c(s, op);
        tcg_slow_load_vec(s->cpu, addr, value, op->memop);
        interp_left_c(s);
    }
    memcpy(interp_place(s, op->arg[0]), value, op->size == VEC_LOW ? 16 : 32);
    return op + 1;
}

const IrOp *interp_stv(Interp *s, const IrOp *op)
{
    vaddr addr = address(s, op);
    const uint64_t *value = interp_place(s, op->arg[1]);
    void *host = probe(s, addr, op->memop, true);

    if (likely(host)) {
        host_store_vec(host, value, op->memop);
    } else {
        interp_enter_c(s, op);
        tcg_slow_store_vec(s->cpu, addr, value, op->memop);
        interp_left_c(s);
    }
    return op + 1;
}

/* Where a read-modify-write happens.  Must be followed by commit(). */
static void *rmw_host(Interp *s, const IrOp *op, vaddr addr, bool *slow)
{
    void *host = probe(s, addr, op->memop, true);

    *slow = !host;
    if (unlikely(!host)) {
        interp_enter_c(s, op);
        host = tcg_slow_rmw(s->cpu, addr, op->memop);
        interp_left_c(s);
    }
    return host;
}

static void rmw_commit(Interp *s, const IrOp *op, vaddr addr, bool slow)
{
    if (slow) {
        interp_enter_c(s, op);
        tcg_slow_rmw_commit(s->cpu, addr, op->memop);
        interp_left_c(s);
    }
}

/* New value and flags of @old under the sub-op. */
static IrVal rmw_eval(const Interp *s, const IrOp *op, uint64_t old)
{
    uint64_t value = interp_get(s, op, 2);

    if (op->aux == IR_MOV) {
        return (IrVal){.lo = value, .cc = *s->cc};
    }
    return ir_eval(op->aux, op->size, old, value, 0, *s->cc, 0);
}

const IrOp *interp_rmw(Interp *s, const IrOp *op)
{
    vaddr addr = address(s, op);
    bool slow;
    void *host = rmw_host(s, op, addr, &slow);
    uint64_t old = host_load(host, op->memop);
    IrVal v = rmw_eval(s, op, old);

    if (op->memop & MO_LOCK) {
        while (!host_cmpxchg(host, &old, v.lo, op->memop)) {
            v = rmw_eval(s, op, old);
        }
    } else {
        host_store(host, v.lo, op->memop);
    }
    rmw_commit(s, op, addr, slow);
    interp_set(s, op, 0, old);
    if (op->cc_out) {
        *s->cc = v.cc;
    }
    return op + 1;
}

/* Without a match the old value is written back: the access is a write. */
const IrOp *interp_cmpxchg(Interp *s, const IrOp *op)
{
    vaddr addr = address(s, op);
    uint64_t mask = ~(uint64_t)0 >> (64 - 8 * memop_bytes(op->memop));
    uint64_t expected = interp_get(s, op, 2) & mask, old = expected;
    uint64_t value = interp_get(s, op, 3);
    bool slow;
    void *host = rmw_host(s, op, addr, &slow);

    if (op->memop & MO_LOCK) {
        host_cmpxchg(host, &old, value, op->memop);
    } else {
        old = host_load(host, op->memop);
        host_store(host, old == expected ? value : old, op->memop);
    }
    rmw_commit(s, op, addr, slow);
    interp_set(s, op, 0, old);
    if (op->cc_out) {
        *s->cc =
            ir_eval(IR_CMP, op->size, expected, old, 0, *s->cc, 0).cc;
    }
    return op + 1;
}
