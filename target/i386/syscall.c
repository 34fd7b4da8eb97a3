/* SPDX-License-Identifier: MIT */
/*
 * SYSCALL, SYSRET, SYSENTER and SYSEXIT.
 * Source: SDM vol. 2B, "SYSCALL", "SYSRET", "SYSENTER", "SYSEXIT"; AMD APM
 * vol. 3, the same, for what AMD's processors do outside 64-bit mode.
 */
#include "target/i386/cpuid.h"
#include "target/i386/excp.h"
#include "target/i386/helpers.h"
#include "target/i386/seg.h"
#include "tcg/ir.h"

/* What SYSRET takes from R11: all but VM, RF and reserved bits. */
#define SYSRET_FLAGS 0x3c7fd7u

/* Flat segments with fixed attributes: no descriptor is read. */
static void set_flat_code(X86CPU *cpu, uint16_t sel, unsigned cpl, bool is_64)
{
    seg_set(cpu, R_CS, (sel & ~SEL_RPL) | cpl, 0, 0xffffffff,
            DESC_P | cpl << DESC_DPL_SHIFT | DESC_S | DESC_CODE | DESC_W |
                DESC_A | DESC_G | (is_64 ? DESC_L : DESC_B));
}

static void set_flat_stack(X86CPU *cpu, uint16_t sel, unsigned cpl)
{
    seg_set(cpu, R_SS, (sel & ~SEL_RPL) | cpl, 0, 0xffffffff,
            DESC_P | cpl << DESC_DPL_SHIFT | DESC_S | DESC_W | DESC_A |
                DESC_G | DESC_B);
}

/* These instructions are stepped by the TF that they leave: SYSCALL that masks
 * it is no step, SYSRET that sets it is one, before anything else runs. */
static void step_if_tf(X86CPU *cpu)
{
    x86_update_hflags(cpu);
    if (cpu->eflags & EFLAGS_TF) {
        x86_raise_debug_trap(cpu, DR6_BS);
    }
}

/* Intel knows SYSCALL and SYSRET in 64-bit mode only. */
static void check_syscall(X86CPU *cpu)
{
    bool mode_ok = cpu->features->amd ? x86_is_protected(cpu)
                                      : cpu->hflags & HF_CS64;

    if (!(cpu->efer & EFER_SCE) || !mode_ok) {
        x86_raise(cpu, EXCP_UD);
    }
}

void helper_syscall(X86CPU *cpu, uint64_t next)
{
    uint16_t sel = cpu->star >> 32;
    bool is_long = x86_is_long(cpu);

    check_syscall(cpu);
    cpu->regs[R_RCX] = next;
    if (is_long) {
        cpu->regs[11] = x86_get_eflags(cpu);
        cpu->rip = cpu->hflags & HF_CS64 ? cpu->lstar : cpu->cstar;
        x86_set_eflags(cpu, x86_get_eflags(cpu) &
                                ~((uint32_t)cpu->fmask | EFLAGS_RF));
    } else {
        cpu->rip = (uint32_t)cpu->star;
        x86_change_eflags(cpu, EFLAGS_IF | EFLAGS_RF | EFLAGS_VM, 0);
    }
    set_flat_code(cpu, sel, 0, is_long);
    set_flat_stack(cpu, sel + 8, 0);
    step_if_tf(cpu);
}

void helper_sysret(X86CPU *cpu, uint64_t size)
{
    uint16_t sel = cpu->star >> 48;
    uint64_t rip = cpu->regs[R_RCX];
    bool to_64 = size == IR_64;

    check_syscall(cpu);
    if (x86_cpl(cpu) != 0) {
        x86_raise_gp0(cpu);
    }
    /* Intel: #GP(0) still at CPL 0.  AMD: the fetch at CPL 3 finds it. */
    if (to_64 && !cpu->features->amd && !x86_is_canonical(cpu, rip)) {
        x86_raise_gp0(cpu);
    }
    cpu->rip = to_64 ? rip : (uint32_t)rip;
    set_flat_stack(cpu, sel + 8, 3);
    set_flat_code(cpu, to_64 ? sel + 16 : sel, 3, to_64);
    x86_update_hflags(cpu);
    if (x86_is_long(cpu)) {
        x86_set_eflags(cpu, cpu->regs[11] & SYSRET_FLAGS);
    } else {
        x86_change_eflags(cpu, 0, EFLAGS_IF);
    }
    step_if_tf(cpu);
}

/* AMD has dropped SYSENTER and SYSEXIT from long mode. */
static void check_sysenter(X86CPU *cpu)
{
    if (cpu->features->amd && x86_is_long(cpu)) {
        x86_raise(cpu, EXCP_UD);
    }
    if (!(cpu->hflags & HF_PE) || sel_is_null(cpu->sysenter_cs)) {
        x86_raise_gp0(cpu);
    }
}

void helper_sysenter(X86CPU *cpu)
{
    uint16_t sel = cpu->sysenter_cs;
    bool is_long = x86_is_long(cpu);

    check_sysenter(cpu);
    x86_change_eflags(cpu, EFLAGS_VM | EFLAGS_IF | EFLAGS_RF, 0);
    set_flat_code(cpu, sel, 0, is_long);
    set_flat_stack(cpu, sel + 8, 0);
    cpu->regs[R_RSP] =
        is_long ? cpu->sysenter_esp : (uint32_t)cpu->sysenter_esp;
    cpu->rip = is_long ? cpu->sysenter_eip : (uint32_t)cpu->sysenter_eip;
    step_if_tf(cpu);
}

void helper_sysexit(X86CPU *cpu, uint64_t size)
{
    bool to_64 = size == IR_64;
    uint16_t sel = cpu->sysenter_cs + (to_64 ? 32 : 16);
    uint64_t rip = cpu->regs[R_RDX], rsp = cpu->regs[R_RCX];

    check_sysenter(cpu);
    if (to_64 &&
        (!x86_is_canonical(cpu, rip) || !x86_is_canonical(cpu, rsp))) {
        x86_raise_gp0(cpu);
    }
    set_flat_code(cpu, sel, 3, to_64);
    set_flat_stack(cpu, sel + 8, 3);
    cpu->rip = to_64 ? rip : (uint32_t)rip;
    cpu->regs[R_RSP] = to_64 ? rsp : (uint32_t)rsp;
    step_if_tf(cpu);
}
