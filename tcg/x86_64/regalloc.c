/* SPDX-License-Identifier: MIT */
/*
 * Registers.  Pinned globals own one each for good.  Everything else lives in
 * a home (a field of X86CPU or a slot of the frame) and is cached in scratch
 * and vector registers, least recently used out first.
 *
 * All code emitted here is moves: the host's flags are never touched.
 */
#include "tcg/x86_64/cg.h"

/*
 * Ranks 0 to 3 are the guest's RAX to RBX; RBX has a high byte register, and
 * the C ABI preserves those of the first half.
 */
const uint8_t pinned_reg[NB_PINNED] = {
    RBX, RBP, RSI, R15, R14, R13, R9, R8, R10, R12, R11,
};

static const IrTempInfo *info(const Cg *c, IrTemp t)
{
    return &c->f->temp[t];
}

bool ra_is_const(const Cg *c, IrTemp t, int64_t *value)
{
    if (t == IR_NONE || info(c, t)->kind != TEMP_CONST) {
        return false;
    }
    *value = info(c, t)->value;
    return true;
}

/* The register that global @t has for good, or REG_NONE. */
static Reg pinned_for(const IrTempInfo *i)
{
    return !i->vector && i->pin >= 0 && i->pin < NB_PINNED
               ? (Reg)pinned_reg[i->pin]
               : REG_NONE;
}

void ra_begin(Cg *c)
{
    unsigned t;

    for (t = 0; t < c->f->nglobals; t++) {
        c->temp[t].reg = pinned_for(info(c, t));
        c->temp[t].slot = -1;
    }
    for (; t < c->f->ntemps; t++) {
        c->temp[t] = (TempState){REG_NONE, -1};
    }
    c->temp[CC_TEMP] = (TempState){REG_NONE, -1};
    memset(c->used_at, 0, sizeof(c->used_at));
    c->busy = c->dirty = c->wide = c->locked = 0;
    c->tick = 0;
    c->nslots = 0;
}

void ra_begin_op(Cg *c)
{
    c->locked = 0;
    c->tick++;
}

Rm ra_home(Cg *c, IrTemp t)
{
    if (info(c, t)->kind == TEMP_GLOBAL) {
        return rm_cpu(info(c, t)->offset);
    }
    if (c->temp[t].slot < 0) {
        c->temp[t].slot = c->nslots++;
    }
    return rm_mem(RSP, FRAME_SLOTS + 32 * c->temp[t].slot);
}

Rm ra_upper_home(Cg *c, IrTemp t)
{
    Rm m = ra_home(c, t);

    m.disp += 16;
    return m;
}

static void unbind(Cg *c, IrTemp t)
{
    TempState *s = &c->temp[t];

    if (s->reg != REG_NONE && !ra_is_pinned(c, t)) {
        c->busy &= ~RS(s->reg);
        c->dirty &= ~RS(s->reg);
        c->wide &= ~RS(s->reg);
        s->reg = REG_NONE;
    }
}

/* @r, which is free, has what the home of @t has. */
static void bind(Cg *c, IrTemp t, Reg r)
{
    c->owner[r] = t;
    c->busy |= RS(r);
    c->temp[t].reg = r;
    c->used_at[r] = c->tick;
}

static void write_back(Cg *c, Reg r)
{
    Rm home = ra_home(c, c->owner[r]);

    if (r >= XMM0) {
        asm_vstore(&c->as, c->wide & RS(r), home, r);
    } else {
        asm_store(&c->as, IR_64, home, r);
    }
    c->dirty &= ~RS(r);
}

void ra_sync_temp(Cg *c, IrTemp t)
{
    Reg r = (Reg)c->temp[t].reg;

    if (r != REG_NONE && (c->dirty & RS(r))) {
        write_back(c, r);
    }
}

void ra_forget_temp(Cg *c, IrTemp t)
{
    unbind(c, t);
}

/* The best register of @set to give away, none locked: empty, else clean and
 * long unused, else dirty. */
static Reg pick(const Cg *c, RegSet set)
{
    Reg best = REG_NONE;
    uint32_t best_cost = UINT32_MAX;

    set &= ~c->locked;
    if (set & ~c->busy) {
        return __builtin_ctz(set & ~c->busy);
    }
    for (; set; set &= set - 1) {
        Reg r = __builtin_ctz(set);
        uint32_t cost = (c->used_at[r] << 1) + (c->dirty & RS(r) ? 8 : 0);

        if (cost < best_cost) {
            best = r;
            best_cost = cost;
        }
    }
    g_assert(best != REG_NONE); /* no op locks all registers of a kind */
    return best;
}

static void evict(Cg *c, Reg r)
{
    if (c->dirty & RS(r)) {
        write_back(c, r);
    }
    if (c->busy & RS(r)) {
        unbind(c, c->owner[r]);
    }
}

Reg ra_scratch(Cg *c, RegSet set)
{
    Reg r = pick(c, set);

    evict(c, r);
    c->locked |= RS(r);
    return r;
}

void ra_load(Cg *c, Reg r, IrTemp t, IrSize size)
{
    TempState *s = &c->temp[t];
    int64_t value;

    if (ra_is_const(c, t, &value)) {
        asm_mov_imm(&c->as, r, size == IR_32 ? (uint32_t)value : value);
    } else if (s->reg == REG_NONE) {
        if (r >= XMM0) {
            asm_vload(&c->as, false, r, ra_home(c, t));
        } else {
            asm_load(&c->as, size == IR_32 ? IR_32 : IR_64, r, ra_home(c, t));
        }
    } else if (s->reg >= XMM0) {
        asm_vmov(&c->as, false, r, s->reg);
    } else if (s->reg != r || size == IR_32) {
        asm_mov(&c->as, size == IR_32 ? IR_32 : IR_64, r, s->reg);
    }
}

Reg ra_use(Cg *c, IrTemp t)
{
    TempState *s = &c->temp[t];

    if (s->reg == REG_NONE) {
        Reg r = ra_scratch(c, info(c, t)->vector ? RS_VEC : RS_SCRATCH);

        ra_load(c, r, t, IR_64);
        bind(c, t, r);
    }
    c->locked |= RS(s->reg);
    c->used_at[s->reg] = c->tick;
    return s->reg;
}

Reg ra_use_wide(Cg *c, IrTemp t)
{
    Reg r = (Reg)c->temp[t].reg;

    if (r == REG_NONE) {
        r = ra_scratch(c, RS_VEC);
        asm_vload(&c->as, true, r, ra_home(c, t));
        bind(c, t, r);
    } else if (!((c->wide | c->dirty) & RS(r))) {
        asm_vload(&c->as, true, r, ra_home(c, t));
    } else if (!(c->wide & RS(r))) {
        asm_vex(&c->as, 0x18 | A_3A | A_66 | A_L, r, r,
                ra_upper_home(c, t)); /* VINSERTF128 */
        asm_u8(&c->as, 1);
    }
    c->wide |= RS(r);
    c->locked |= RS(r);
    c->used_at[r] = c->tick;
    return r;
}

void ra_keep_upper(Cg *c, IrTemp dst)
{
    Reg r = (Reg)c->temp[dst].reg;

    if (r != REG_NONE && (c->wide & c->dirty & RS(r))) {
        asm_vex(&c->as, 0x19 | A_3A | A_66 | A_L, r, 0,
                ra_upper_home(c, dst)); /* VEXTRACTF128 */
        asm_u8(&c->as, 1);
        c->wide &= ~RS(r);
    }
}

void ra_widened(Cg *c, IrTemp t)
{
    c->wide |= RS(c->temp[t].reg);
    c->dirty |= RS(c->temp[t].reg);
}

Reg ra_use_in(Cg *c, IrTemp t, RegSet set)
{
    Reg r;

    if (c->temp[t].reg != REG_NONE && (RS(c->temp[t].reg) & set)) {
        return ra_use(c, t);
    }
    r = ra_scratch(c, set & RS_SCRATCH);
    ra_load(c, r, t, IR_64);
    return r;
}

void ra_take(Cg *c, Reg r)
{
    RegSet others = RS_SCRATCH & ~(RS(r) | c->locked | c->busy);

    if ((c->busy & RS(r)) && others) {
        Reg to = __builtin_ctz(others);
        bool dirty = c->dirty & RS(r);

        asm_mov(&c->as, IR_64, to, r);
        unbind(c, c->owner[r]);
        bind(c, c->owner[r], to);
        c->dirty |= dirty ? RS(to) : 0;
    } else {
        evict(c, r);
    }
    c->locked |= RS(r);
}

void ra_use_fixed(Cg *c, IrTemp t, Reg r)
{
    if (c->temp[t].reg == (int)r) {
        ra_use(c, t);
        return;
    }
    ra_take(c, r);
    ra_load(c, r, t, IR_64);
}

/* May the register of arg @n of @op become that of its destination? */
static bool can_rename(const Cg *c, const IrOp *op, unsigned n, RegSet avoid)
{
    IrTemp t = op->arg[n];
    Reg r = (Reg)c->temp[t].reg;

    if (r == REG_NONE || ra_is_pinned(c, t) || (avoid & RS(r)) ||
        info(c, t)->kind == TEMP_CONST) {
        return false;
    }
    return t == op->arg[0] ||
           ((op->dead & (1 << n)) &&
            (info(c, t)->kind != TEMP_GLOBAL || !(c->dirty & RS(r))));
}

Reg ra_modify(Cg *c, const IrOp *op, unsigned n, RegSet avoid)
{
    IrTemp dst = op->arg[0], src = op->arg[n];
    Reg r;

    if (!ra_is_pinned(c, dst) && can_rename(c, op, n, avoid)) {
        r = c->temp[src].reg;
        unbind(c, src);
        c->locked |= RS(r);
        /* The old value is gone from the register, and not needed at home. */
        return r;
    }
    r = ra_result(c, dst, avoid);
    if (c->temp[src].reg != r) {
        ra_load(c, r, src, info(c, src)->vector ? IR_64 : op->size);
    }
    return r;
}

Reg ra_result_over(Cg *c, const IrOp *op, unsigned n)
{
    IrTemp src = op->arg[n];
    Reg r = c->temp[src].reg;

    if (!ra_is_pinned(c, op->arg[0]) && can_rename(c, op, n, 0)) {
        unbind(c, src);
        return r;
    }
    return ra_result(c, op->arg[0], 0);
}

Reg ra_result_vec(Cg *c, const IrOp *op)
{
    for (unsigned n = 1; n < ir_op_args(op); n++) {
        IrTemp t = op->arg[n];

        if (t != IR_NONE && info(c, t)->vector && can_rename(c, op, n, 0)) {
            Reg r = c->temp[t].reg;

            unbind(c, t);
            c->locked |= RS(r);
            return r;
        }
    }
    return ra_result(c, op->arg[0], 0);
}

Reg ra_modify_vec(Cg *c, const IrOp *op, bool wide)
{
    Reg r, src = c->temp[op->arg[1]].reg;

    if (can_rename(c, op, 1, 0)) {
        unbind(c, op->arg[1]);
        return src;
    }
    r = ra_result(c, op->arg[0], 0);
    asm_vmov(&c->as, wide, r, src);
    return r;
}

Reg ra_result(Cg *c, IrTemp dst, RegSet avoid)
{
    if (ra_is_pinned(c, dst) && !(avoid & RS(c->temp[dst].reg))) {
        return c->temp[dst].reg;
    }
    /* A pinned register never comes out of this: it is in neither set. */
    c->locked |= avoid & (RS_SCRATCH | RS_VEC);
    return ra_scratch(c, info(c, dst)->vector ? RS_VEC : RS_SCRATCH);
}

void ra_define(Cg *c, IrTemp dst, Reg r)
{
    TempState *s = &c->temp[dst];

    if (ra_is_pinned(c, dst)) {
        if (s->reg != r) {
            asm_mov(&c->as, IR_64, s->reg, r);
        }
        return;
    }
    unbind(c, dst);
    bind(c, dst, r);
    c->locked |= RS(r);
    c->dirty |= RS(r);
}

void ra_define_wide(Cg *c, IrTemp dst, Reg r)
{
    ra_define(c, dst, r);
    c->wide |= RS(r);
}

void ra_unlock(Cg *c, Reg r)
{
    c->locked &= ~RS(r);
}

/* Is source @t of @op also a destination that lives on? */
static bool is_redefined(const IrOp *op, IrTemp t)
{
    for (unsigned d = 0; d < ir_op_defs[op->opc].ndst; d++) {
        if (op->arg[d] == t && !(op->dead & (1 << d))) {
            return true;
        }
    }
    return false;
}

void ra_end_op(Cg *c, const IrOp *op)
{
    unsigned dead = op->dead & ((1u << ir_op_args(op)) - 1);

    for (; dead; dead &= dead - 1) {
        IrTemp t = op->arg[__builtin_ctz(dead)];

        if (t != IR_NONE && info(c, t)->kind != TEMP_GLOBAL &&
            info(c, t)->kind != TEMP_CONST && !is_redefined(op, t)) {
            unbind(c, t);
        }
    }
}

void ra_sync(Cg *c)
{
    for (RegSet set = c->dirty; set; set &= set - 1) {
        write_back(c, __builtin_ctz(set));
    }
}

void ra_end_block(Cg *c)
{
    for (RegSet set = c->busy; set; set &= set - 1) {
        IrTemp t = c->owner[__builtin_ctz(set)];

        if (info(c, t)->kind == TEMP_PLAIN) {
            unbind(c, t);
        }
    }
    ra_sync(c);
}

void ra_forget(Cg *c)
{
    for (RegSet set = c->busy; set; set &= set - 1) {
        c->temp[c->owner[__builtin_ctz(set)]].reg = REG_NONE;
    }
    c->busy = c->dirty = c->wide = 0;
}
