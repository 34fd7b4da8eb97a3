/* SPDX-License-Identifier: MIT */
/*
 * Out-of-line code.  A stub is noted where the fast path branches off, with
 * what each register held; the code is written behind the TB.  It may use all
 * scratch registers between stub_save and stub_restore, and has to leave the
 * fast path's registers as the fast path expects them where it joins.
 */
#include "tcg/x86_64/cg.h"

Stub *stub_new(Cg *c, const IrOp *op, StubFn *emit)
{
    Stub *s = &c->stub[c->nstubs++];

    g_assert(c->nstubs <= CG_MAX_STUBS); /* IR_MAX_OPS bounds them */
    c->fp_marked = false;                /* what it calls may clear it */
    s->emit = emit;
    s->op = op;
    s->insn_off = c->insn_off;
    s->addr = s->value = s->dst = s->addend = REG_NONE;
    s->keep = 0;
    s->busy = c->busy;
    s->dirty = c->dirty;
    s->wide = c->wide;
    memcpy(s->owner, c->owner, sizeof(s->owner));
    return s;
}

void stub_join(Cg *c, Stub *s)
{
    s->back = c->as.p;
    for (RegSet set = s->busy & c->busy; set; set &= set - 1) {
        Reg r = __builtin_ctz(set);

        if (c->owner[r] == s->owner[r]) {
            s->keep |= RS(r);
        }
    }
}

void stub_save(Cg *c, const Stub *s)
{
    for (RegSet set = s->dirty; set; set &= set - 1) {
        Reg r = __builtin_ctz(set);

        if (r >= XMM0) {
            asm_vstore(&c->as, s->wide & RS(r), ra_home(c, s->owner[r]), r);
        } else {
            asm_store(&c->as, IR_64, ra_home(c, s->owner[r]), r);
        }
    }
}

void stub_load(Cg *c, Reg r, IrTemp t)
{
    int64_t value;

    if (ra_is_const(c, t, &value)) {
        asm_mov_imm(&c->as, r, value);
    } else if (ra_is_pinned(c, t)) {
        asm_mov(&c->as, IR_64, r, c->temp[t].reg);
    } else if (r >= XMM0) {
        asm_vload(&c->as, false, r, ra_home(c, t));
    } else {
        asm_load(&c->as, IR_64, r, ra_home(c, t));
    }
}

void stub_restore(Cg *c, const Stub *s)
{
    for (RegSet set = s->keep; set; set &= set - 1) {
        Reg r = __builtin_ctz(set);

        if (s->wide & RS(r)) {
            asm_vload(&c->as, true, r, ra_home(c, s->owner[r]));
        } else {
            stub_load(c, r, s->owner[r]);
        }
    }
}

void stub_jump_back(Cg *c, const Stub *s)
{
    asm_jmp(&c->as, s->back);
}

void stub_emit_all(Cg *c)
{
    for (unsigned i = 0; i < c->nstubs && !c->failed; i++) {
        const Stub *s = &c->stub[i];

        if (c->as.p > c->limit) {
            c->failed = true;
            return;
        }
        asm_fix_jump(s->jump, c->as.p);
        s->emit(c, s);
    }
}

void side_add(Cg *c, const IrOp *op, uint16_t insn_off)
{
    g_assert(c->nside < ARRAY_LEN(c->side)); /* as for stubs */
    c->side[c->nside++] = (TbSideEntry){
        .host_off = c->as.p - c->start,
        .insn_off = insn_off,
        .recipe = op->recipe,
    };
}

/* The first of the moves @todo whose target no other one has yet to read; or
 * REG_COUNT when only cycles are left. */
static unsigned free_move(unsigned todo, const Reg *dst, const Reg *from)
{
    for (unsigned left = todo; left; left &= left - 1) {
        unsigned i = __builtin_ctz(left), others = todo & ~BIT(i);

        while (others && from[__builtin_ctz(others)] != dst[i]) {
            others &= others - 1;
        }
        if (!others) {
            return i;
        }
    }
    return REG_COUNT;
}

void parallel_move(Cg *c, unsigned n, const Reg *dst, const Reg *src)
{
    Reg from[4];
    unsigned todo = 0;

    g_assert(n <= ARRAY_LEN(from));
    for (unsigned i = 0; i < n; i++) {
        from[i] = src[i];
        todo |= dst[i] != src[i] ? BIT(i) : 0;
    }
    while (todo) {
        unsigned i = free_move(todo, dst, from), j;

        if (i != REG_COUNT) {
            asm_mov(&c->as, IR_64, dst[i], from[i]);
            todo &= ~BIT(i);
            continue;
        }
        /* Swap one pair of the cycle. */
        i = __builtin_ctz(todo);
        asm_op(&c->as, 0x87 | A_W, dst[i], rm_reg(from[i]));
        for (j = 0; j < n; j++) {
            if (j != i && from[j] == dst[i]) {
                from[j] = from[i];
            } else if (j != i && from[j] == from[i]) {
                from[j] = dst[i];
            }
        }
        todo &= ~BIT(i);
        for (j = 0; j < n; j++) {
            todo &= from[j] == dst[j] ? ~BIT(j) : ~0u;
        }
    }
}
