/* SPDX-License-Identifier: MIT */
/* Instructions on EFLAGS alone. */
#include "target/i386/emit.h"

/* CLC, STC, CMC */
void emit_setc(X86Trans *s, const X86Insn *in)
{
    ir_setc(s->ir, in->row->arg);
}

/* In 64-bit mode LAHF and SAHF came later than the rest. */
static bool has_lahf(X86Trans *s)
{
    if (x86_is64(s) && !x86_has_feature(s->cpu, FEAT_LAHF_LM)) {
        x86_fault(s, EXCP_UD);
    }
    return !s->ended;
}

void emit_lahf(X86Trans *s, const X86Insn *in)
{
    IrTemp cc = ir_temp(s->ir), ah = ir_temp(s->ir), rax = x86_gpr(R_RAX);

    if (!has_lahf(s)) {
        return;
    }
    /* GETCC has OF above the byte; bit 1 reads as 1. */
    ir_getcc(s->ir, cc);
    ir_op2(s->ir, IR_OR, IR_64, 0, ah, cc, ir_const(s->ir, 2));
    ir_op2(s->ir, IR_DEPH, IR_64, 0, rax, rax, ah);
}

void emit_sahf(X86Trans *s, const X86Insn *in)
{
    IrTemp ah = ir_temp(s->ir);

    if (!has_lahf(s)) {
        return;
    }
    ir_op1(s->ir, IR_EXTH, IR_64, 0, ah, x86_gpr(R_RAX));
    ir_putcc(s->ir, ah, IR_CC_ALL & ~IR_CC_O);
}

/* AL = CF ? FF : 0 */
void emit_salc(X86Trans *s, const X86Insn *in)
{
    IrTemp c = ir_temp(s->ir), all = ir_temp(s->ir);

    ir_setcc(s->ir, COND_B, c);
    ir_op1(s->ir, IR_NEG, IR_64, 0, all, c);
    x86_put_gpr(s, IR_8, R_RAX, all);
}

/* Set or clear bits of a 32-bit field of the vCPU. */
static void change_field(X86Trans *s, int32_t field, uint32_t bits, bool set)
{
    IrTemp t = ir_temp(s->ir), u = ir_temp(s->ir);

    ir_ld_cpu(s->ir, t, field, MO_32);
    if (set) {
        ir_op2(s->ir, IR_OR, IR_32, 0, u, t, ir_const(s->ir, bits));
    } else {
        ir_op2(s->ir, IR_AND, IR_32, 0, u, t,
               ir_const(s->ir, (uint32_t)~bits));
    }
    ir_st_cpu(s->ir, u, field, MO_32);
}

/* CLD, STD: the direction is a flag of the TB, so a change ends it. */
void emit_set_df(X86Trans *s, const X86Insn *in)
{
    bool set = in->row->arg;

    if (set == !!(s->flags & HF_DF)) {
        return;
    }
    change_field(s, offsetof(X86CPU, eflags), EFLAGS_DF, set);
    change_field(s, offsetof(X86CPU, hflags), HF_DF, set);
    x86_goto_changed(s, 0);
}

void emit_cli(X86Trans *s, const X86Insn *in)
{
    if (s->flags & HF_IOPL_OK) {
        change_field(s, offsetof(X86CPU, eflags), EFLAGS_IF, false);
    } else {
        x86_call0(s, HELPER_cli);
    }
}

/*
 * Interrupts come after the next instruction (SDM vol. 2B, "STI"): it goes into
 * the same TB, and behind it requests are looked at.  Where the TB cannot go
 * on, HF_SHADOW holds them off.
 */
void emit_sti(X86Trans *s, const X86Insn *in)
{
    if (!(s->flags & HF_IOPL_OK) || s->leave) {
        x86_call0(s, HELPER_sti);
        x86_exit_next(s);
        return;
    }
    change_field(s, offsetof(X86CPU, eflags), EFLAGS_IF, true);
    s->max_insns = MIN(s->max_insns, s->ninsns + 1);
    s->leave = true;
    s->shadow_at = s->next_off;
}

/* The last instruction of a TB was STI. */
void x86_enter_shadow(X86Trans *s)
{
    change_field(s, offsetof(X86CPU, hflags), HF_SHADOW, true);
    x86_exit_shadow(s);
}

static void emit_stac(X86Trans *s)
{
    change_field(s, offsetof(X86CPU, eflags), EFLAGS_AC, true);
    if (s->flags & HF_SMAP) {
        change_field(s, offsetof(X86CPU, hflags), HF_SMAP, false);
        x86_goto_changed(s, 0);
    }
}

/* If HF_SMAP is clear, AC is set or CR4.SMAP is not. */
static void emit_clac(X86Trans *s)
{
    unsigned off = ir_label(s->ir);
    IrTemp cr4 = ir_temp(s->ir), smap = ir_temp(s->ir);

    if (s->flags & HF_SMAP) {
        return;
    }
    change_field(s, offsetof(X86CPU, eflags), EFLAGS_AC, false);
    ir_ld_cpu(s->ir, cr4, offsetof(X86CPU, cr4), MO_32);
    ir_op2(s->ir, IR_AND, IR_32, 0, smap, cr4, ir_const(s->ir, CR4_SMAP));
    ir_brcond(s->ir, IR_32, COND_E, smap, ir_const(s->ir, 0), off);
    change_field(s, offsetof(X86CPU, hflags), HF_SMAP, true);
    x86_goto_changed(s, 0);
    ir_set_label(s->ir, off);
    x86_goto_changed(s, 1);
}

/* STAC, CLAC: the MMU mode of what follows changes. */
void emit_set_ac(X86Trans *s, const X86Insn *in)
{
    if (in->row->arg) {
        emit_stac(s);
    } else {
        emit_clac(s);
    }
}
