/* SPDX-License-Identifier: MIT */
/*
 * Accesses that can share one probe of the soft TLB: of one basic block, at
 * addresses that differ by constants, such as the pushes of a function's head,
 * the fields of a structure, or an array's element read and written.  The first
 * of them, the leader, probes for the bytes of all; if they lie in one page of
 * plain RAM the members after it need only the leader's result.
 *
 * The pass runs last.  It follows each register as a root (a value not known
 * further, or the sum of two such) plus a constant.  What a group relies on is
 * that the page stays where it is until the TB ends: nothing but a helper changes
 * that, and one ends all groups.
 */
#include "tcg/helper.h"
#include "tcg/ir.h"

#include <string.h>

/* The wider, the more often a group straddles two pages. */
#define MAX_SPAN_BYTES 256
#define MAX_OPEN       4 /* groups at a time: registers are few */

typedef struct Open {
    IrGroup *group; /* NULL: free */
    unsigned root;
    uint64_t leader; /* its address, from the root */
    MemOp memop;     /* of the leader */
    unsigned count;
} Open;

/* The value base + (index << shift), both of them roots, as a root. */
typedef struct Sum {
    unsigned base, index, shift; /* base 0: none */
    unsigned root;
} Sum;

#define MAX_SUMS 8 /* remembered; the oldest is replaced */

typedef struct Grouping {
    IrFunc *f;
    unsigned nroots, nsums;
    Sum sum[MAX_SUMS];
    unsigned next_open; /* the one to be replaced */
    Open open[MAX_OPEN];
    uint16_t root[IR_MAX_TEMPS]; /* of each temp; 0: none yet */
    uint64_t off[IR_MAX_TEMPS];  /* from it; modulo 2^64 as all addresses */
} Grouping;
_Static_assert(IR_MAX_TEMPS + 2 * IR_MAX_OPS <= UINT16_MAX, "roots");

/* --- registers as root plus constant --- */

static unsigned root_of(Grouping *g, IrTemp t)
{
    if (!g->root[t]) {
        g->root[t] = ++g->nroots;
        g->off[t] = 0;
    }
    return g->root[t];
}

static void derive(Grouping *g, IrTemp dst, IrTemp src, uint64_t delta)
{
    unsigned root = root_of(g, src);
    uint64_t off = g->off[src] + delta;

    g->root[dst] = root;
    g->off[dst] = off;
}

static unsigned root_of_sum(Grouping *g, const Sum *key)
{
    unsigned n = MIN(g->nsums, MAX_SUMS);
    Sum *s;

    for (s = g->sum; s < g->sum + n; s++) {
        if (s->base == key->base && s->index == key->index &&
            s->shift == key->shift) {
            return s->root;
        }
    }
    s = &g->sum[g->nsums++ % MAX_SUMS];
    *s = *key;
    s->root = ++g->nroots;
    return s->root;
}

/* LEA with an index: equal sums of the same values get one root. */
static void derive_sum(Grouping *g, const IrOp *op)
{
    IrTemp base = op->arg[1], index = op->arg[2];
    Sum key = { .index = root_of(g, index), .shift = op->aux };
    uint64_t off = (g->off[index] << op->aux) + op->imm;

    if (base != IR_NONE) {
        key.base = root_of(g, base);
        off += g->off[base];
    }
    g->root[op->arg[0]] = root_of_sum(g, &key);
    g->off[op->arg[0]] = off;
}

/* Does @op add a constant to a register, 64 bits wide? */
static bool is_sum(const Grouping *g, const IrOp *op, uint64_t *delta)
{
    if (op->size != IR_64) {
        return false;
    }
    switch (op->opc) {
    case IR_MOV:
        *delta = 0;
        return !ir_is_const(g->f, op->arg[1]);
    case IR_LEA:
        *delta = op->imm;
        return op->arg[1] != IR_NONE && op->arg[2] == IR_NONE;
    case IR_ADD:
    case IR_SUB:
        if (!ir_is_const(g->f, op->arg[2]) || ir_is_const(g->f, op->arg[1])) {
            return false;
        }
        *delta = g->f->temp[op->arg[2]].value;
        *delta = op->opc == IR_SUB ? -*delta : *delta;
        return true;
    default:
        return false;
    }
}

static void follow_registers(Grouping *g, const IrOp *op)
{
    uint64_t delta;

    if (is_sum(g, op, &delta)) {
        derive(g, op->arg[0], op->arg[1], delta);
        return;
    }
    if (op->opc == IR_LEA && op->size == IR_64 && op->arg[2] != IR_NONE) {
        derive_sum(g, op);
        return;
    }
    for (unsigned i = 0; i < ir_op_defs[op->opc].ndst; i++) {
        if (op->arg[i] != IR_NONE) {
            g->root[op->arg[i]] = 0;
        }
    }
}

/* --- groups --- */

static bool is_write(const IrOp *op)
{
    return op->opc == IR_ST || op->opc == IR_STV || (op->memop & MO_RMW);
}

static bool is_access(const IrOp *op)
{
    return op->opc == IR_LD || op->opc == IR_ST || op->opc == IR_LDV ||
           op->opc == IR_STV;
}

/* A group of one is none. */
static void close_group(Grouping *g, Open *o)
{
    if (o->group && o->count == 1) {
        g->f->op[o->group->leader].group = 0;
    }
    o->group = NULL;
}

static void close_all(Grouping *g)
{
    for (unsigned i = 0; i < MAX_OPEN; i++) {
        close_group(g, &g->open[i]);
    }
}

/* @delta is from the leader's address. */
static bool fits(const Open *o, const IrOp *op, int64_t delta)
{
    const MemOp aligned = MO_ALIGN | MO_AC;
    int bytes = memop_bytes(op->memop);

    if (delta < -MAX_SPAN_BYTES || delta > MAX_SPAN_BYTES ||
        MAX(o->group->hi, delta + bytes) - MIN(o->group->lo, delta) >
            MAX_SPAN_BYTES ||
        memop_mmu(op->memop) != memop_mmu(o->memop)) {
        return false;
    }
    /* Aligned if the leader is, at a multiple from it. */
    return !(op->memop & aligned) ||
           ((op->memop & aligned) == (o->memop & aligned) &&
            bytes <= (int)memop_bytes(o->memop) && delta % bytes == 0);
}

static bool join(Grouping *g, unsigned index, unsigned root, uint64_t addr)
{
    IrOp *op = &g->f->op[index];

    for (unsigned i = 0; i < MAX_OPEN; i++) {
        Open *o = &g->open[i];
        int64_t delta = addr - o->leader;

        if (o->group && o->root == root && fits(o, op, delta)) {
            op->group = (uint8_t)(o->group - g->f->group);
            o->group->lo = MIN(o->group->lo, delta);
            o->group->hi = MAX(o->group->hi, delta + memop_bytes(op->memop));
            o->group->last = index;
            o->group->write |= is_write(op);
            o->count++;
            return true;
        }
    }
    return false;
}

static void lead(Grouping *g, unsigned index, unsigned root, uint64_t addr)
{
    IrFunc *f = g->f;
    IrOp *op = &f->op[index];
    Open *o = &g->open[g->next_open++ % MAX_OPEN];

    if (f->ngroups == IR_MAX_GROUPS || f->ntemps == IR_MAX_TEMPS) {
        return; /* correct, only slower */
    }
    close_group(g, o);
    op->group = f->ngroups;
    o->group = &f->group[f->ngroups++];
    *o->group = (IrGroup){
        .addend = ir_temp(f),
        .hi = memop_bytes(op->memop),
        .leader = index,
        .last = index,
        .write = is_write(op),
    };
    o->root = root;
    o->leader = addr;
    o->memop = op->memop;
    o->count = 1;
}

static void scan_access(Grouping *g, unsigned index)
{
    const IrOp *op = &g->f->op[index];
    IrTemp base = op->arg[ir_op_defs[op->opc].ndst];
    unsigned root = root_of(g, base);
    uint64_t addr = g->off[base] + op->imm;

    if (!join(g, index, root, addr)) {
        lead(g, index, root, addr);
    }
}

/* A helper may change guest registers and the TLB. */
static void after_helper(Grouping *g)
{
    memset(g->root, 0, g->f->nglobals * sizeof(g->root[0]));
    close_all(g);
}

void ir_group(IrFunc *f)
{
    Grouping g; /* not cleared: it is large, and of little use in a short TB */

    g.f = f;
    g.nroots = g.nsums = g.next_open = 0;
    f->ngroups = 1;
    if (f->naccesses < 2) {
        return;
    }
    memset(g.root, 0, f->ntemps * sizeof(g.root[0]));
    for (unsigned i = 0; i < MAX_OPEN; i++) {
        g.open[i].group = NULL;
    }
    for (unsigned i = 0; i < f->nops; i++) {
        const IrOp *op = &f->op[i];
        unsigned attrs = ir_op_defs[op->opc].attrs;

        if ((attrs & IR_ATTR_M) && is_access(op)) {
            scan_access(&g, i);
        } else if (op->opc == IR_CALL &&
                   !(helper_info(op->aux)->flags & HELPER_PURE)) {
            after_helper(&g);
        } else if (attrs & IR_ATTR_E) {
            close_all(&g);
        }
        if (ir_op_defs[op->opc].ndst) {
            follow_registers(&g, op);
        }
    }
    close_all(&g);
}
