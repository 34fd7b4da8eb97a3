/* SPDX-License-Identifier: MIT */
/* The IR as text, for -d op. */
#include "tcg/helper.h"
#include "tcg/ir.h"
#include "tcg/vops.h"

static void dump_temp(const IrFunc *f, IrTemp t, GString *out)
{
    if (t == IR_NONE) {
        g_string_append(out, " -");
        return;
    }
    switch (f->temp[t].kind) {
    case TEMP_GLOBAL:
        g_string_append_printf(out, " %s", ir_global_name(t));
        break;
    case TEMP_CONST:
        g_string_append_printf(out, " $%#" PRIx64, (uint64_t)f->temp[t].value);
        break;
    default:
        g_string_append_printf(out, " %c%u",
                               f->temp[t].vector               ? 'v'
                               : f->temp[t].kind == TEMP_LOCAL ? 'l'
                                                               : 't',
                               t);
    }
}

/* Letters of the flags in @cc, in EFLAGS' order from the top. */
static void dump_flags(const char *label, uint8_t cc, GString *out)
{
    static const char letters[] = "CPAZSO";

    g_string_append_printf(out, " %s:", label);
    for (int i = 5; i >= 0; i--) {
        if (cc & BIT(i)) {
            g_string_append_c(out, letters[i]);
        }
    }
}

static void dump_cond(const IrOp *op, GString *out)
{
    static const char *const names[16] = {
        "o", "no", "b", "ae", "e", "ne", "be", "a",
        "s", "ns", "p", "np", "l", "ge", "le", "g",
    };

    g_string_append_printf(out, ".%s", names[op->cond & 15]);
}

static void dump_name(const IrOp *op, GString *out)
{
    static const char suffix[] = "bwlq";

    g_string_append_printf(out, "%s.%c", ir_op_defs[op->opc].name,
                           suffix[op->size & 3]);
    switch (op->opc) {
    case IR_RMW:
        g_string_append_printf(out, ".%s", ir_op_defs[op->aux].name);
        break;
    case IR_VOP:
        g_string_append_printf(out, ".%s", vop_defs[op->aux].name);
        break;
    case IR_CALL:
    case IR_TRAPIF:
        g_string_append_printf(out, ".%s", helper_info(op->aux)->name);
        break;
    }
    if (ir_op_defs[op->opc].cc_in_cond || op->opc == IR_BRCOND ||
        op->opc == IR_TRAPIF || op->opc == IR_SETCOND) {
        dump_cond(op, out);
    }
}

static void dump_op(const IrFunc *f, const IrOp *op, GString *out)
{
    if (op->opc == IR_INSN) {
        g_string_append_printf(out, " ---- +%#" PRIx64 "\n", (uint64_t)op->imm);
        return;
    }
    g_string_append(out, "  ");
    dump_name(op, out);
    for (unsigned i = 0; i < ir_op_args(op); i++) {
        dump_temp(f, op->arg[i], out);
        if (op->dead & BIT(i)) {
            g_string_append_c(out, '!');
        }
    }
    g_string_append_printf(out, " imm=%#" PRIx64 " aux=%u mem=%#x",
                           (uint64_t)op->imm, op->aux, op->memop);
    dump_flags("def", op->cc_out, out);
    dump_flags("live", op->cc_live, out);
    if (op->recipe) {
        const IrRecipe *r = &f->recipe[op->recipe];

        g_string_append_printf(out, " recipe:%s", ir_op_defs[r->opc].name);
    }
    if (op->group) {
        const IrGroup *g = &f->group[op->group];

        g_string_append_printf(out, " group:%u", op->group);
        if (op == &f->op[g->leader]) {
            g_string_append_printf(out, "(%+d,%+d)", g->lo, g->hi);
        }
    }
    g_string_append_c(out, '\n');
}

void ir_dump(const IrFunc *f, GString *out)
{
    for (unsigned i = 0; i < f->nops; i++) {
        dump_op(f, &f->op[i], out);
    }
}
