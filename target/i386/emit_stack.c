/* SPDX-License-Identifier: MIT */
/*
 * The stack.  Its pointer is RSP in 64-bit code, else ESP or SP by the B bit of
 * SS; the stack pointer is written after the access that may fault.
 */
#include "target/i386/emit.h"

unsigned x86_stack_size(const X86Trans *s)
{
    if (x86_is64(s)) {
        return IR_64;
    }
    return s->flags & HF_SS32 ? IR_32 : IR_16;
}

/* @base + @disp cut to the stack pointer's width. */
static IrTemp stack_offset(X86Trans *s, IrTemp base, int64_t disp)
{
    IrTemp t = ir_temp(s->ir);

    ir_lea(s->ir, IR_32, t, base, IR_NONE, 0, disp);
    return s->flags & HF_SS32 ? t : x86_zx(s, IR_16, t);
}

static X86Addr frame_addr(X86Trans *s, IrTemp base, int64_t disp,
                          unsigned bytes, int access)
{
    X86Addr a;

    if (!x86_is64(s)) {
        return x86_seg_addr(s, R_SS, stack_offset(s, base, disp), bytes,
                            access);
    }
    a = x86_seg_addr(s, R_SS, base, bytes, access);
    a.disp = disp;
    return a;
}

X86Addr x86_stack_addr(X86Trans *s, int64_t disp, unsigned bytes, int access)
{
    return frame_addr(s, x86_gpr(R_RSP), disp, bytes, access);
}

void x86_add_sp(X86Trans *s, int64_t bytes)
{
    IrTemp rsp = x86_gpr(R_RSP), t;

    if (x86_stack_size(s) == IR_16) {
        t = ir_temp(s->ir);
        ir_lea(s->ir, IR_32, t, rsp, IR_NONE, 0, bytes);
        x86_put_gpr(s, IR_16, R_RSP, t);
    } else {
        ir_lea(s->ir, x86_stack_size(s), rsp, rsp, IR_NONE, 0, bytes);
    }
}

void x86_push(X86Trans *s, unsigned size, IrTemp value)
{
    int bytes = 1 << size;
    X86Addr a = x86_stack_addr(s, -bytes, bytes, X86_WRITE);

    x86_store(s, &a, size, value);
    x86_add_sp(s, -bytes);
}

static IrTemp peek(X86Trans *s, unsigned size)
{
    X86Addr a = x86_stack_addr(s, 0, 1u << size, X86_READ);

    return x86_load(s, &a, size, 0);
}

void emit_push(X86Trans *s, const X86Insn *in)
{
    x86_push(s, in->osize, x86_get(s, in, 0));
}

/* POP rSP leaves what was popped.  A memory destination's address is computed
 * with the stack pointer already raised, and may fault with it unchanged. */
void emit_pop(X86Trans *s, const X86Insn *in)
{
    int bytes = 1 << in->osize;
    IrTemp value = peek(s, in->osize);

    if (in->op[0].kind == OPND_MEM) {
        s->pop_bytes = bytes;
        x86_put(s, in, 0, value);
        s->pop_bytes = 0;
        x86_add_sp(s, bytes);
    } else {
        x86_add_sp(s, bytes);
        x86_put(s, in, 0, value);
    }
}

void emit_push_seg(X86Trans *s, const X86Insn *in)
{
    IrTemp sel = ir_temp(s->ir);
    int bytes = 1 << in->osize;
    bool skips;
    X86Addr a;

    ir_ld_cpu(s->ir, sel,
              offsetof(X86CPU, segs[0].selector) +
                  in->row->arg * sizeof(SegmentCache), MO_16);
    a = x86_stack_addr(s, -bytes, bytes, X86_WRITE);
    /* Intel's write 16 bits only and skip the rest of a 32-bit slot: SDM vol.
     * 2B, "PUSH"; AMD's fill it. */
    skips = in->osize == IR_32 && !s->cpu->features->amd;
    x86_store(s, &a, skips ? IR_16 : in->osize, sel);
    x86_add_sp(s, -bytes);
}

/* After a load of SS the next instruction is not interrupted.  In 64-bit code
 * the other segments change no hflags. */
void emit_pop_seg(X86Trans *s, const X86Insn *in)
{
    unsigned seg = in->row->arg;
    IrTemp sel = x86_zx(s, IR_16, peek(s, in->osize));

    x86_call2(s, HELPER_load_seg, ir_const(s->ir, seg), sel);
    x86_add_sp(s, 1 << in->osize);
    if (seg == R_SS) {
        x86_exit_shadow(s);
    } else if (!x86_is64(s)) {
        x86_jump_next(s);
    }
}

/* AX, CX, DX, BX, the old SP, BP, SI, DI */
void emit_pusha(X86Trans *s, const X86Insn *in)
{
    int bytes = 1 << in->osize;

    for (int i = 0; i < 8; i++) {
        X86Addr a = x86_stack_addr(s, -bytes * (i + 1), bytes, X86_WRITE);

        x86_store(s, &a, in->osize, x86_gpr(i));
    }
    x86_add_sp(s, -8 * bytes);
}

/* All loads first; SP's slot is skipped. */
void emit_popa(X86Trans *s, const X86Insn *in)
{
    int bytes = 1 << in->osize;
    IrTemp value[8];

    for (int i = 0; i < 8; i++) {
        X86Addr a = x86_stack_addr(s, bytes * i, bytes, X86_READ);

        value[i] = x86_load(s, &a, in->osize, 0);
    }
    for (int i = 0; i < 8; i++) {
        if (7 - i != R_RSP) {
            x86_put_gpr(s, in->osize, 7 - i, value[i]);
        }
    }
    x86_add_sp(s, 8 * bytes);
}

/* EFLAGS as PUSHF shows it: RF and VM read as 0. */
static IrTemp flags_image(X86Trans *s)
{
    IrTemp cc = ir_temp(s->ir), rest = ir_temp(s->ir);
    uint32_t shown = ~(EFLAGS_RF | EFLAGS_VM);

    ir_ld_cpu(s->ir, rest, offsetof(X86CPU, eflags), MO_32);
    ir_op2(s->ir, IR_AND, IR_32, 0, rest, rest, ir_const(s->ir, shown));
    ir_getcc(s->ir, cc);
    ir_op2(s->ir, IR_OR, IR_32, 0, rest, rest, cc);
    return rest;
}

void emit_pushf(X86Trans *s, const X86Insn *in)
{
    IrTemp image;

    if (s->flags & HF_VM) {
        image = ir_temp(s->ir);
        ir_call(s->ir, HELPER_pushf, image, 1, ir_const(s->ir, in->osize));
    } else {
        image = flags_image(s);
    }
    x86_push(s, in->osize, image);
}

/* The stack pointer moves after the helper, which may fault in VM86 mode. */
void emit_popf(X86Trans *s, const X86Insn *in)
{
    IrTemp image = peek(s, in->osize);

    x86_call2(s, HELPER_popf, image, ir_const(s->ir, in->osize));
    x86_add_sp(s, 1 << in->osize);
    x86_exit_next(s);
}

/* --- frames --- */

void emit_leave(X86Trans *s, const X86Insn *in)
{
    IrTemp rbp = x86_gpr(R_RBP);
    X86Addr a = frame_addr(s, rbp, 0, 1u << in->osize, X86_READ);
    IrTemp value = x86_load(s, &a, in->osize, 0);

    x86_put_gpr(s, x86_stack_size(s), R_RSP, rbp);
    x86_add_sp(s, 1 << in->osize);
    x86_put_gpr(s, in->osize, R_RBP, value);
}

/* Copy the @level - 1 frame pointers that the old frame lists, then the new
 * one: SDM vol. 2A, "ENTER". */
static void copy_display(X86Trans *s, unsigned size, unsigned level,
                         IrTemp frame)
{
    int bytes = 1 << size;
    X86Addr a;

    for (unsigned i = 1; i < level; i++) {
        IrTemp pointer;

        a = frame_addr(s, x86_gpr(R_RBP), -bytes * (int)i, bytes, X86_READ);
        pointer = x86_load(s, &a, size, 0);
        a = x86_stack_addr(s, -bytes * (int)(i + 1), bytes, X86_WRITE);
        x86_store(s, &a, size, pointer);
    }
    a = x86_stack_addr(s, -bytes * (int)(level + 1), bytes, X86_WRITE);
    x86_store(s, &a, size, frame);
}

/* What RSP is after a push of @bytes. */
static IrTemp pushed_sp(X86Trans *s, int bytes)
{
    IrTemp rsp = x86_gpr(R_RSP), sp = ir_temp(s->ir);

    ir_lea(s->ir, x86_is64(s) ? IR_64 : IR_32, sp, rsp, IR_NONE, 0, -bytes);
    if (x86_stack_size(s) == IR_16) {
        IrTemp low = sp;

        sp = ir_temp(s->ir);
        ir_op2(s->ir, IR_DEP, IR_16, 0, sp, rsp, low);
    }
    return sp;
}

/* The last word of the new frame is probed for writing, as processors do, so
 * that a stack that must grow faults here. */
void emit_enter(X86Trans *s, const X86Insn *in)
{
    int bytes = 1 << in->osize;
    unsigned level = in->imm2 & 31;
    int64_t total = -bytes * (int64_t)(level ? level + 1 : 1) - in->imm;
    IrTemp frame = pushed_sp(s, bytes);
    X86Addr a = x86_stack_addr(s, -bytes, bytes, X86_WRITE);

    x86_store(s, &a, in->osize, x86_gpr(R_RBP));
    if (level > 0) {
        copy_display(s, in->osize, level, frame);
    }
    a = x86_stack_addr(s, total, bytes, X86_WRITE);
    x86_load(s, &a, in->osize, MO_RMW);
    x86_put_gpr(s, in->osize, R_RBP, frame);
    x86_add_sp(s, total);
}
