/* SPDX-License-Identifier: MIT */
/* IN and OUT.  The helpers check IOPL and the I/O bitmap. */
#include "target/i386/emit.h"

static IrTemp port_of(X86Trans *s, const X86Insn *in, unsigned n)
{
    IrTemp port = x86_get(s, in, n);

    return in->op[n].kind == OPND_REG ? x86_zx(s, IR_16, port) : port;
}

void emit_in(X86Trans *s, const X86Insn *in)
{
    IrTemp value = ir_temp(s->ir);

    ir_call(s->ir, HELPER_in, value, 2, port_of(s, in, 1),
            ir_const(s->ir, in->op[0].size));
    x86_put(s, in, 0, value);
}

/* A port may change the memory map (A20, shadow RAM) under the code that
 * follows, so it ends the TB. */
void emit_out(X86Trans *s, const X86Insn *in)
{
    unsigned size = in->op[1].size;

    ir_call(s->ir, HELPER_out, IR_NONE, 3, port_of(s, in, 0),
            ir_const(s->ir, size), x86_zx(s, size, x86_gpr(R_RAX)));
    x86_exit_next(s);
}
