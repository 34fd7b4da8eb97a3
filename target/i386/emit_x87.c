/* SPDX-License-Identifier: MIT */
/*
 * D8 to DF: one helper call each, which gets the instruction packed in a
 * word:  opcode's low bits 0-2, ModRM 8-15, 16-bit operand size 16, segment
 * 20-22, MemOp 32-47.
 */
#include "target/i386/emit.h"
#include "target/i386/x87.h"

static void emit_memory(X86Trans *s, const X86Insn *in, const X87Row *row,
                        uint64_t word)
{
    unsigned bytes = x87_operand_bytes(row, in->osize == IR_16);
    int access = row->flags & X87_WRITES ? X86_WRITE : X86_READ;
    X86Addr a = x86_addr(s, in, bytes, access);

    word |= (uint64_t)in->mem.seg << 20 | (uint64_t)a.mo << 32;
    ir_call(s->ir, HELPER_x87_mem, IR_NONE, 4, ir_const(s->ir, word),
            x86_linear(s, &a), x86_ea(s, in, IR_NONE),
            x86_rip_at(s, s->insn_off));
}

void emit_x87(X86Trans *s, const X86Insn *in)
{
    unsigned op = in->opcode & 7;
    const X87Row *row = x87_row(op, in->modrm);
    uint64_t word = op | in->modrm << 8 | (in->osize == IR_16) << 16;

    if (!row->fn) {
        x86_fault(s, EXCP_UD);
    } else if (s->flags & HF_X87_NM) {
        x86_fault(s, EXCP_NM);
    } else if (in->modrm < 0xc0) {
        emit_memory(s, in, row, word);
    } else {
        x86_call2(s, HELPER_x87_reg, ir_const(s->ir, word),
                  x86_rip_at(s, s->insn_off));
    }
}
