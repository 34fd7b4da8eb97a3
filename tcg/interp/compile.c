/* SPDX-License-Identifier: MIT */
/*
 * Lays a function out in the code buffer: header, ops, constants, side table,
 * recipes.  Temps get a place each; nothing is shared, as the frame is large
 * enough for all that a function can have.
 */
#include "tcg/interp/interp.h"

#include <string.h>

typedef struct Layout {
    const IrFunc *f;
    InterpTb *code;
    int64_t *consts; /* behind the ops, one per constant temp */
    TbSideEntry *side; /* nside of them */
    unsigned nside;
    IrRecipe *recipe;
    uint8_t *end;
} Layout;

static unsigned count_side_entries(const IrFunc *f)
{
    unsigned n = 0;

    for (unsigned i = 0; i < f->nops; i++) {
        n += ir_op_may_fault(&f->op[i]);
    }
    return n;
}

/* The parts are carved from [buf, buf + len); false when they do not fit. */
static bool carve(Layout *l, uint8_t *buf, size_t len)
{
    const IrFunc *f = l->f;
    uint8_t *p = (uint8_t *)ROUND_UP((uintptr_t)buf, 16);

    l->code = (InterpTb *)p;
    p += sizeof(InterpTb) + f->nops * sizeof(IrOp);
    l->consts = (int64_t *)p;
    p += (f->ntemps - f->nglobals) * sizeof(int64_t);
    l->side = (TbSideEntry *)p;
    l->nside = count_side_entries(f);
    p += l->nside * sizeof(TbSideEntry);
    l->recipe = (IrRecipe *)p;
    p += (f->nrecipes - 1) * sizeof(IrRecipe);
    l->end = p;
    return p <= buf + len;
}

static IrTemp make_place(unsigned base, size_t offset)
{
    size_t units = offset / PLACE_UNIT;

    g_assert(units <= PLACE_OFFSET && offset % PLACE_UNIT == 0);
    return (IrTemp)(base << PLACE_SHIFT | units);
}

/* Frame: four units per temp, so that a vector has room and alignment. */
static IrTemp place_of(const Layout *l, IrTemp t)
{
    const IrTempInfo *info;

    if (t == IR_NONE) {
        return IR_NONE;
    }
    info = &l->f->temp[t];
    switch (info->kind) {
    case TEMP_GLOBAL:
        return make_place(PLACE_CPU, info->offset);
    case TEMP_CONST:
        return make_place(PLACE_CODE,
                          (uint8_t *)&l->consts[t - l->f->nglobals] -
                              (uint8_t *)l->code);
    default:
        return make_place(PLACE_FRAME, t * INTERP_TEMP_BYTES);
    }
}

static void copy_ops(const Layout *l, unsigned label_at[])
{
    for (unsigned i = 0; i < l->f->nops; i++) {
        IrOp *op = &l->code->op[i];

        *op = l->f->op[i];
        for (unsigned n = 0; n < ARRAY_LEN(op->arg); n++) {
            op->arg[n] = place_of(l, op->arg[n]);
        }
        if (op->opc == IR_LABEL) {
            label_at[op->imm] = i;
        }
    }
}

/* Labels become indices of ops. */
static void resolve_branches(const Layout *l, const unsigned label_at[])
{
    for (unsigned i = 0; i < l->f->nops; i++) {
        IrOp *op = &l->code->op[i];

        if (op->opc == IR_BR || op->opc == IR_BRCC || op->opc == IR_BRCOND) {
            op->imm = label_at[op->imm];
        }
    }
}

static void copy_consts(const Layout *l)
{
    for (unsigned t = l->f->nglobals; t < l->f->ntemps; t++) {
        l->consts[t - l->f->nglobals] = l->f->temp[t].value;
    }
}

static void make_side_table(const Layout *l)
{
    unsigned n = 0;
    uint16_t insn_off = 0;

    for (unsigned i = 0; i < l->f->nops; i++) {
        const IrOp *op = &l->code->op[i];

        if (op->opc == IR_INSN) {
            insn_off = (uint16_t)op->imm;
        } else if (ir_op_may_fault(op)) {
            l->side[n++] = (TbSideEntry){
                .host_off = (uint32_t)((uint8_t *)op - (uint8_t *)l->code),
                .insn_off = insn_off,
                .recipe = op->recipe,
            };
        }
    }
}

static void copy_recipes(const Layout *l)
{
    const IrFunc *f = l->f;

    for (unsigned i = 1; i < f->nrecipes; i++) {
        IrRecipe *r = &l->recipe[i - 1];

        *r = f->recipe[i];
        if (ir_is_const(f, r->y)) {
            r->y = RECIPE_CONST + (r->y - f->nglobals);
        }
    }
}

static uint32_t link_offset(const IrFunc *f, unsigned slot)
{
    for (unsigned i = 0; i < f->nops; i++) {
        if (f->op[i].opc == IR_GOTO_TB && f->op[i].aux == slot) {
            return offsetof(InterpTb, link) + slot * sizeof(void *);
        }
    }
    return UINT32_MAX;
}

bool interp_compile(const IrFunc *f, TranslationBlock *tb, uint8_t *buf,
                    size_t len, TbCode *out, size_t *used)
{
    Layout l = {.f = f};
    unsigned label_at[IR_MAX_LABELS] = {0};

    if (!carve(&l, buf, len)) {
        return false;
    }
    memset(l.code, 0, sizeof(*l.code));
    l.code->tests_request = !(tb->cflags & CF_NOIRQ);
    l.code->chains = !(tb->cflags & CF_NO_CHAIN);
    copy_ops(&l, label_at);
    resolve_branches(&l, label_at);
    copy_consts(&l);
    copy_recipes(&l);
    make_side_table(&l);
    *out = (TbCode){
        .entry = l.code,
        .code_bytes = sizeof(InterpTb) + f->nops * sizeof(IrOp),
        .nconsts = f->ntemps - f->nglobals,
        .nside = l.nside,
        .jump_off = {link_offset(f, 0), link_offset(f, 1)},
    };
    *used = (size_t)(l.end - buf);
    return true;
}
