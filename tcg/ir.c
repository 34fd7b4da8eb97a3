/* SPDX-License-Identifier: MIT */
/*
 * The container: the registry of globals, temps, constants, labels, and the
 * array of ops.  The emitters are in ir_build.c, the tracking of flags for
 * recipes in ir_recipe.c.
 *
 * A limit that is hit sets f->overflow and hands out the last element again:
 * the emitter need not check at each step, the function is thrown away.
 */
#include "tcg/ir.h"

#include <string.h>

static IrTempInfo globals[IR_MAX_GLOBALS];
static const char *global_names[IR_MAX_GLOBALS];
static unsigned nglobals;
static int64_t globals_from = INT64_MAX, globals_end; /* of all, in X86CPU */

static int64_t global_end(IrTemp t)
{
    return globals[t].offset + (globals[t].vector ? 32 : 8);
}

IrTemp ir_add_global(const char *name, int32_t offset, bool vector, int pin)
{
    g_assert(nglobals < IR_MAX_GLOBALS);
    globals[nglobals] = (IrTempInfo){
        .kind = TEMP_GLOBAL,
        .vector = vector,
        .pin = (int8_t)pin,
        .offset = offset,
    };
    global_names[nglobals] = name;
    globals_from = MIN(globals_from, offset);
    globals_end = MAX(globals_end, global_end(nglobals));
    return (IrTemp)nglobals++;
}

unsigned ir_global_count(void)
{
    return nglobals;
}

const char *ir_global_name(IrTemp t)
{
    return global_names[t];
}

const IrTempInfo *ir_global_info(IrTemp t)
{
    return &globals[t];
}

IrTemp ir_global_in(int64_t from, int64_t end, IrTemp t)
{
    if (end <= globals_from || from >= globals_end) {
        return IR_NONE; /* most fields are none */
    }
    for (; t < nglobals; t++) {
        if (from < global_end(t) && globals[t].offset < end) {
            return t;
        }
    }
    return IR_NONE;
}

void ir_reset(IrFunc *f)
{
    f->nops = 0;
    f->nlabels = 0;
    f->nrecipes = 1; /* 0 means: none */
    f->ngroups = 1;  /* likewise */
    f->nglobals = nglobals;
    f->ntemps = nglobals;
    f->overflow = false;
    f->cc_now = (IrRecipe){.x = IR_NONE, .y = IR_NONE};
    f->cc_written = false;
    memcpy(f->temp, globals, nglobals * sizeof(globals[0]));
    f->temp[IR_SPARE_TEMP] = (IrTempInfo){.kind = TEMP_PLAIN, .pin = -1};
    memset(f->const_cache, 0xff, sizeof(f->const_cache));
    memset(f->locals, 0, sizeof(f->locals));
}

static IrTemp new_temp(IrFunc *f, IrTempKind kind, bool vector)
{
    if (f->ntemps == IR_MAX_TEMPS) {
        f->overflow = true;
        f->ntemps--;
    }
    f->temp[f->ntemps] = (IrTempInfo){
        .kind = kind,
        .vector = vector,
        .pin = -1,
    };
    return (IrTemp)f->ntemps++;
}

IrTemp ir_temp(IrFunc *f)
{
    return new_temp(f, TEMP_PLAIN, false);
}

IrTemp ir_temp_local(IrFunc *f)
{
    IrTemp t = new_temp(f, TEMP_LOCAL, false);

    f->locals[t / 64] |= BIT64(t % 64);
    return t;
}

IrTemp ir_temp_vec(IrFunc *f)
{
    return new_temp(f, TEMP_PLAIN, true);
}

IrTemp ir_const(IrFunc *f, int64_t value)
{
    uint64_t hash = (uint64_t)value * 0x9e3779b97f4a7c15;
    IrTemp *slot = &f->const_cache[hash >> 58];

    _Static_assert(IR_CONST_CACHE == 1 << (64 - 58), "hash covers the cache");
    if (ir_is_const(f, *slot) && f->temp[*slot].value == value) {
        return *slot;
    }
    *slot = new_temp(f, TEMP_CONST, false);
    f->temp[*slot].value = value;
    return *slot;
}

unsigned ir_label(IrFunc *f)
{
    if (f->nlabels == IR_MAX_LABELS) {
        f->overflow = true;
        f->nlabels--;
    }
    return f->nlabels++;
}

IrOp *ir_emit(IrFunc *f, IrOpc opc, IrSize size)
{
    IrOp *op;

    if (f->nops == IR_MAX_OPS) {
        f->overflow = true;
        f->nops--;
    }
    op = &f->op[f->nops++];
    *op = (IrOp){
        .opc = opc,
        .size = size,
        .arg = {IR_NONE, IR_NONE, IR_NONE, IR_NONE, IR_NONE},
    };
    return op;
}
