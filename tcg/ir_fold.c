/* SPDX-License-Identifier: MIT */
/*
 * Forward pass: constants and copies are carried to their uses, addresses are
 * folded into memory ops, ops with a known result become moves.  What they
 * leave without use is removed by ir_live.
 *
 * A known value (a constant, or "same as temp s") holds while neither temp is
 * written; each write gives its temp a new version, so that facts about old
 * values need not be searched for.  At a label all is forgotten.  A register
 * is never replaced by a plain temp: it is in a host register anyway, and the
 * plain temp would have to live longer.
 *
 * An op whose flags are asked for is never removed here, but its result may
 * be known all the same.
 */
#include "tcg/helper.h"
#include "tcg/ir.h"

#include <string.h>

/* One op makes at most so many; when they do not fit any more, what is left is
 * right as it stands. */
#define CONSTS_PER_OP 2

typedef struct Fact {
    uint32_t same_version, base_version;
    int64_t disp;
} Fact;

/* All by temp. */
typedef struct Folder {
    IrFunc *f;
    unsigned nfacts;           /* set up so far: most functions are small */
    IrTemp same[IR_MAX_TEMPS]; /* constant or temp with the same 64 bits */
    IrTemp base[IR_MAX_TEMPS]; /* base + disp, by an LEA */
    uint32_t version[IR_MAX_TEMPS]; /* counts its writes */
    Fact fact[IR_MAX_TEMPS];        /* of those that have a same or a base */
} Folder;

/* Nothing is known about temps that have come since. */
static void set_up_facts(Folder *s)
{
    unsigned from = s->nfacts, n = s->f->ntemps - from;

    memset(&s->same[from], 0xff, n * sizeof(s->same[0]));
    memset(&s->base[from], 0xff, n * sizeof(s->base[0]));
    memset(&s->version[from], 0, n * sizeof(s->version[0]));
    s->nfacts += n;
}

_Static_assert(IR_NONE == 0xffff, "as set_up_facts sets it");

static IrTemp make_const(Folder *s, int64_t value)
{
    IrTemp t = ir_const(s->f, value);

    if (s->nfacts < s->f->ntemps) {
        set_up_facts(s);
    }
    return t;
}

static void written(Folder *s, IrTemp t)
{
    s->version[t]++;
    s->same[t] = IR_NONE;
    s->base[t] = IR_NONE;
}

static void forget_all(Folder *s)
{
    s->nfacts = 0;
    set_up_facts(s);
}

static void forget_globals(Folder *s, bool vector)
{
    for (unsigned t = 0; t < s->f->nglobals; t++) {
        if (s->f->temp[t].vector == vector) {
            written(s, (IrTemp)t);
        }
    }
}

static bool const_value(const Folder *s, IrTemp t, uint64_t *value)
{
    if (!ir_is_const(s->f, t)) {
        return false;
    }
    *value = (uint64_t)s->f->temp[t].value;
    return true;
}

/* @by may stand for @t wherever @t may be read: a plain temp may not cross the
 * end of a basic block. */
static bool outlives(const IrFunc *f, IrTemp by, IrTemp t)
{
    return f->temp[by].kind != TEMP_PLAIN || f->temp[t].kind == TEMP_PLAIN;
}

/* What to read instead of @t. */
static IrTemp best_of(const Folder *s, IrTemp t)
{
    IrTemp same;

    if (t == IR_NONE || (same = s->same[t]) == IR_NONE ||
        s->version[same] != s->fact[t].same_version) {
        return t;
    }
    return outlives(s->f, same, t) ? same : t;
}

static void set_same(Folder *s, IrTemp t, IrTemp same)
{
    if (t != same) {
        s->same[t] = same;
        s->fact[t].same_version = s->version[same];
    }
}

static bool fits_disp(int64_t v)
{
    return v == (int32_t)v;
}

/* Memory ops: an address that an LEA made from a register. */
static void fold_address(Folder *s, IrOp *op)
{
    IrTemp *addr = &op->arg[ir_op_defs[op->opc].ndst];
    const Fact *fact;
    IrTemp base;

    if (*addr == IR_NONE || (base = s->base[*addr]) == IR_NONE) {
        return;
    }
    fact = &s->fact[*addr];
    if (s->version[base] == fact->base_version && outlives(s->f, base, *addr) &&
        fits_disp(op->imm + fact->disp)) {
        op->imm += fact->disp;
        *addr = base;
    }
}

static void become_mov(IrOp *op, IrTemp src)
{
    IrTemp dst = op->arg[0];

    *op = (IrOp){
        .opc = IR_MOV,
        .size = IR_64,
        .arg = {dst, src, IR_NONE, IR_NONE, IR_NONE},
    };
}

/* Constants leave LEA's operands for its displacement. */
static void fold_lea(Folder *s, IrOp *op)
{
    uint64_t value;

    if (const_value(s, op->arg[2], &value) &&
        fits_disp(op->imm + (int64_t)(value << op->aux))) {
        op->imm += (int64_t)(value << op->aux);
        op->arg[2] = IR_NONE;
        op->aux = 0;
    }
    if (const_value(s, op->arg[1], &value) &&
        fits_disp(op->imm + (int64_t)value)) {
        op->imm += (int64_t)value;
        op->arg[1] = IR_NONE;
    }
    if (op->arg[1] == IR_NONE && op->arg[2] != IR_NONE && !op->aux) {
        op->arg[1] = op->arg[2];
        op->arg[2] = IR_NONE;
    }
    if (op->arg[2] != IR_NONE) {
        return;
    }
    if (op->arg[1] == IR_NONE) {
        int64_t v = op->size == IR_32 ? (uint32_t)op->imm : op->imm;

        become_mov(op, make_const(s, v));
    } else if (op->size == IR_64 && !op->imm) {
        become_mov(op, op->arg[1]);
    }
}

static uint64_t extend(uint64_t v, unsigned log2_bytes, bool is_signed)
{
    unsigned shift = 64 - (8u << log2_bytes);

    return is_signed ? (uint64_t)((int64_t)(v << shift) >> shift)
                     : v << shift >> shift;
}

/* Moves and extensions of a constant. */
static bool eval_move(const IrOp *op, uint64_t a, uint64_t b, uint64_t *out)
{
    switch (op->opc) {
    case IR_MOV:
        *out = extend(a, op->size, false);
        return true;
    case IR_ZX:
        *out = extend(a, op->memop & MO_SIZE, false);
        return true;
    case IR_SX:
        *out = extend(extend(a, op->memop & MO_SIZE, true), op->size, false);
        return true;
    case IR_EXTH:
        *out = (a >> 8) & 0xff;
        return true;
    case IR_DEP:
        *out = deposit64(a, 0, 8 << op->size, b);
        return true;
    case IR_DEPH:
        *out = deposit64(a, 8, 8, b);
        return true;
    default:
        return false;
    }
}

static bool compare_holds(const IrOp *op, uint64_t a, uint64_t b)
{
    return cond_holds(op->cond, ir_eval(IR_CMP, op->size, a, b, 0, 0, 0).cc);
}

/* The value of dst, when every source is a constant, and only then. */
static bool eval_op(const Folder *s, const IrOp *op, uint64_t *out)
{
    const IrOpDef *def = &ir_op_defs[op->opc];
    uint64_t v[4] = {0};

    if (def->ndst != 1 || !def->nsrc ||
        !const_value(s, op->arg[def->nsrc], &v[def->nsrc - 1]) ||
        (def->attrs & IR_ATTR_S)) {
        return false;
    }
    for (unsigned i = 0; i + 1 < def->nsrc; i++) {
        if (!const_value(s, op->arg[1 + i], &v[i])) {
            return false;
        }
    }
    if (eval_move(op, v[0], v[1], out)) {
        return true;
    }
    if (op->opc == IR_SETCOND) {
        *out = compare_holds(op, v[0], v[1]);
        return true;
    }
    /* The arithmetic ops, but for those that take C from the flags. */
    if (op->opc < IR_ADD || op->opc > IR_CRC32 || (def->cc_in & IR_CC_C)) {
        return false;
    }
    *out = ir_eval(op->opc, op->size, v[0], v[1], v[2], 0, op->memop).lo;
    return true;
}

/* x op constant that is x, for an op without flags. */
static bool is_identity(const Folder *s, const IrOp *op)
{
    uint64_t value;

    if (op->size != IR_64 || !const_value(s, op->arg[2], &value)) {
        return false;
    }
    switch (op->opc) {
    case IR_ADD:
    case IR_SUB:
    case IR_OR:
    case IR_XOR:
    case IR_SHL:
    case IR_SHR:
    case IR_SAR:
    case IR_ROL:
    case IR_ROR:
        return value == 0;
    case IR_AND:
        return value == ~(uint64_t)0;
    default:
        return false;
    }
}

/* A register cleared by XOR or SUB with itself: known whatever it held. */
static bool clears(const IrOp *op)
{
    return (op->opc == IR_XOR || op->opc == IR_SUB) &&
           op->arg[1] == op->arg[2] && op->size >= IR_32;
}

/* BRCOND and TRAPIF on constants.  Returns true if the op is gone. */
static bool fold_compare_and_branch(Folder *s, IrOp *op)
{
    uint64_t a, b;

    if (!const_value(s, op->arg[0], &a) || !const_value(s, op->arg[1], &b)) {
        return false;
    }
    if (!compare_holds(op, a, b)) {
        return true;
    }
    if (op->opc == IR_BRCOND) {
        *op = (IrOp){
            .opc = IR_BR,
            .size = IR_64,
            .arg = {IR_NONE, IR_NONE, IR_NONE, IR_NONE, IR_NONE},
            .imm = op->imm,
        };
    }
    return false;
}

static void simplify(Folder *s, IrOp *op)
{
    uint64_t value;

    if (ir_op_defs[op->opc].attrs & IR_ATTR_M) {
        fold_address(s, op);
    } else if (op->opc == IR_LEA) {
        fold_lea(s, op);
    } else if (!op->cc_out) {
        if (eval_op(s, op, &value)) {
            become_mov(op, make_const(s, (int64_t)value));
        } else if (clears(op)) {
            become_mov(op, make_const(s, 0));
        } else if (is_identity(s, op)) {
            become_mov(op, op->arg[1]);
        }
    }
}

/* New versions of what @op writes. */
static void forget_written(Folder *s, const IrOp *op)
{
    const IrOpDef *def = &ir_op_defs[op->opc];

    for (unsigned i = 0; i < def->ndst; i++) {
        if (op->arg[i] != IR_NONE) {
            written(s, op->arg[i]);
        }
    }
    if (op->opc == IR_CALL) {
        uint8_t flags = helper_info(op->aux)->flags;

        if (!(flags & (HELPER_PURE | HELPER_KEEPS_REGS))) {
            forget_globals(s, false);
        }
        if (!(flags & (HELPER_PURE | HELPER_KEEPS_VEC))) {
            forget_globals(s, true);
        }
    }
}

/* Facts about the destination; sources have the versions before the op.  What
 * simplify could make a move of is one. */
static void learn(Folder *s, const IrOp *op)
{
    uint64_t value;
    IrTemp same = IR_NONE, base = IR_NONE, dst = op->arg[0];

    if (op->cc_out) {
        if (eval_op(s, op, &value)) {
            same = make_const(s, (int64_t)value);
        } else if (clears(op)) {
            same = make_const(s, 0);
        }
    } else if (op->opc == IR_MOV && op->size == IR_64) {
        same = op->arg[1];
    } else if (op->opc == IR_LEA && op->size == IR_64 &&
               op->arg[2] == IR_NONE) {
        base = op->arg[1];
    }
    forget_written(s, op);
    if (same != IR_NONE) {
        set_same(s, dst, same);
    } else if (base != IR_NONE && base != dst) {
        s->base[dst] = base;
        s->fact[dst].base_version = s->version[base];
        s->fact[dst].disp = op->imm;
    }
}

/* Returns false when the op is gone. */
static bool fold_op(Folder *s, IrOp *op)
{
    unsigned ndst = ir_op_defs[op->opc].ndst, nargs = ir_op_args(op);

    if (!nargs) {
        if (op->opc == IR_LABEL) {
            forget_all(s);
        }
        return true;
    }
    for (unsigned i = ndst; i < nargs; i++) {
        op->arg[i] = best_of(s, op->arg[i]);
    }
    if ((op->opc == IR_BRCOND || op->opc == IR_TRAPIF) &&
        fold_compare_and_branch(s, op)) {
        return false;
    }
    simplify(s, op);
    if (op->opc == IR_MOV && op->size == IR_64 && op->arg[0] == op->arg[1]) {
        return false;
    }
    learn(s, op);
    return true;
}

void ir_fold(IrFunc *f)
{
    Folder s;
    unsigned out = 0;

    s.f = f;
    s.nfacts = 0;
    set_up_facts(&s);
    for (unsigned i = 0; i < f->nops; i++) {
        bool room = f->ntemps + CONSTS_PER_OP <= IR_MAX_TEMPS;

        if (room && !fold_op(&s, &f->op[i])) {
            continue;
        }
        if (out != i) {
            f->op[out] = f->op[i];
        }
        out++;
    }
    f->nops = out;
}
