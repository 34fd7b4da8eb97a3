/* SPDX-License-Identifier: MIT */
/*
 * Shifts and rotates.  There is no locked form, so memory is loaded for a
 * store, shifted, and stored: the store cannot fault any more.
 */
#include "target/i386/emit.h"


void emit_shift(X86Trans *s, const X86Insn *in)
{
    const X86Operand *dst = &in->op[0];
    IrOpc opc = in->row->arg;
    X86Addr a = {0};
    IrTemp old = x86_get_rmw(s, in, 0, &a);
    IrTemp r = dst->kind == OPND_REG ? old : ir_temp(s->ir);

    ir_op2(s->ir, opc, dst->size, x86_cc(in, opc), r, old,
           x86_get(s, in, 1));
    if (r != old) {
        x86_put_rmw(s, in, 0, &a, r);
    }
}

/* SHLD, SHRD */
void emit_shiftd(X86Trans *s, const X86Insn *in)
{
    const X86Operand *dst = &in->op[0];
    IrOpc opc = in->row->arg;
    X86Addr a = {0};
    IrTemp old = x86_get_rmw(s, in, 0, &a), bits = x86_get(s, in, 1);
    IrTemp r = dst->kind == OPND_REG ? old : ir_temp(s->ir);

    ir_op3(s->ir, opc, dst->size, x86_cc(in, opc), r, old, bits,
           x86_get(s, in, 2));
    if (r != old) {
        x86_put_rmw(s, in, 0, &a, r);
    }
}

/* SHLX, SHRX, SARX, RORX: no flags */
void emit_shiftx(X86Trans *s, const X86Insn *in)
{
    IrTemp value = x86_get(s, in, 1), count = x86_get(s, in, 2);

    ir_op2(s->ir, in->row->arg, in->op[0].size, 0, x86_gpr(in->op[0].reg),
           value, count);
}
