/* SPDX-License-Identifier: MIT */
/*
 * Instructions on EFLAGS as a whole, and INT n: what depends on IOPL, on
 * virtual-8086 mode and its extensions (VME), and on protected-mode virtual
 * interrupts (PVI).
 * Source: SDM vol. 3B, 21.3 "Interrupt and Exception Handling in Virtual-8086
 * Mode", 21.4 "Protected-Mode Virtual Interrupts"; vol. 2, "CLI", "STI",
 * "POPF", "PUSHF", "INT n".
 */
#include "target/i386/excp.h"
#include "target/i386/helpers.h"
#include "target/i386/seg.h"
#include "tcg/ir.h"

#define TSS32_IO_BASE      0x66
#define REDIRECTION_BYTES  32 /* the bitmap right below the I/O bitmap */

static bool is_vm86(const X86CPU *cpu)
{
    return cpu->hflags & HF_VM;
}

/* VIF stands in for IF: virtual-8086 mode with VME, or CPL 3 with PVI, where
 * IOPL denies IF itself. */
static bool uses_vif(const X86CPU *cpu)
{
    if (is_vm86(cpu)) {
        return cpu->cr4 & CR4_VME;
    }
    return (cpu->cr4 & CR4_PVI) && x86_cpl(cpu) == 3;
}

static bool owns_if(const X86CPU *cpu)
{
    return !(cpu->hflags & HF_PE) || x86_cpl(cpu) <= x86_iopl(cpu);
}

void helper_cli(X86CPU *cpu)
{
    if (owns_if(cpu)) {
        x86_change_eflags(cpu, EFLAGS_IF, 0);
    } else if (uses_vif(cpu)) {
        x86_change_eflags(cpu, EFLAGS_VIF, 0);
    } else {
        x86_raise_gp0(cpu);
    }
}

void helper_sti(X86CPU *cpu)
{
    if (owns_if(cpu)) {
        if (!(cpu->eflags & EFLAGS_IF)) {
            cpu->hflags |= HF_SHADOW;
        }
        x86_change_eflags(cpu, 0, EFLAGS_IF);
    } else if (uses_vif(cpu) && !(cpu->eflags & EFLAGS_VIP)) {
        x86_change_eflags(cpu, 0, EFLAGS_VIF);
    } else {
        x86_raise_gp0(cpu);
    }
}

/* FLAGS as virtual-8086 code with IOPL < 3 sees them under VME. */
static uint16_t vme_image(X86CPU *cpu)
{
    uint32_t flags = x86_get_eflags(cpu) & ~EFLAGS_IF;

    flags |= cpu->eflags & EFLAGS_VIF ? EFLAGS_IF : 0;
    return flags | EFLAGS_IOPL;
}

uint64_t helper_pushf(X86CPU *cpu, uint64_t size)
{
    if (x86_iopl(cpu) == 3) {
        return x86_get_eflags(cpu) & ~(EFLAGS_VM | EFLAGS_RF);
    }
    if (!(cpu->cr4 & CR4_VME) || size != IR_16) {
        x86_raise_gp0(cpu);
    }
    return vme_image(cpu);
}

/* What POPF may change where IF is not virtual. */
static uint32_t popf_mask(const X86CPU *cpu)
{
    uint32_t mask = EFLAGS_CC | EFLAGS_TF | EFLAGS_DF | EFLAGS_NT |
                    EFLAGS_AC | EFLAGS_ID | EFLAGS_RF;

    if (owns_if(cpu)) {
        mask |= EFLAGS_IF;
    }
    if (!is_vm86(cpu) && x86_cpl(cpu) == 0) {
        mask |= EFLAGS_IOPL;
    }
    return mask;
}

static void popf_vme(X86CPU *cpu, uint32_t image, uint64_t size)
{
    uint32_t mask = (popf_mask(cpu) & 0xffff) | EFLAGS_VIF;

    if (!(cpu->cr4 & CR4_VME) || size != IR_16 || (image & EFLAGS_TF) ||
        ((image & EFLAGS_IF) && (cpu->eflags & EFLAGS_VIP))) {
        x86_raise_gp0(cpu);
    }
    image = (image & 0xffff) | (image & EFLAGS_IF ? EFLAGS_VIF : 0);
    x86_set_eflags(cpu, (x86_get_eflags(cpu) & ~mask) | (image & mask));
}

void helper_popf(X86CPU *cpu, uint64_t value, uint64_t size)
{
    uint32_t image = (uint32_t)value & ~EFLAGS_RF;
    uint32_t mask = popf_mask(cpu);

    if (is_vm86(cpu) && x86_iopl(cpu) < 3) {
        popf_vme(cpu, image, size);
        return;
    }
    if (size == IR_16) {
        mask &= 0xffff;
    }
    x86_set_eflags(cpu, (x86_get_eflags(cpu) & ~mask) | (image & mask));
}

/* --- INT n --- */

/* Bit of the TSS's redirection bitmap: set, the monitor gets it. */
static bool is_intercepted(X86CPU *cpu, uint8_t vector)
{
    MemOp op = x86_mmu_implicit(cpu);
    uint32_t off;

    if (cpu->tr.limit < TSS32_IO_BASE + 1) {
        return true;
    }
    off = cpu_load(&cpu->cs, (uint32_t)(cpu->tr.base + TSS32_IO_BASE),
                   MO_16 | op);
    if (off < REDIRECTION_BYTES) {
        return true;
    }
    off += vector / 8 - REDIRECTION_BYTES;
    if (off > cpu->tr.limit) {
        return true;
    }
    return cpu_load(&cpu->cs, (uint32_t)(cpu->tr.base + off), MO_8 | op) >>
               (vector & 7) & 1;
}

/* Through the guest's own vector table at 0, without leaving the mode. */
static void redirect(X86CPU *cpu, uint8_t vector, uint16_t next)
{
    bool real_if = x86_iopl(cpu) == 3;
    uint16_t image = real_if ? x86_get_eflags(cpu) : vme_image(cpu);

    deliver_8086(cpu, vector, next, 0, image);
    x86_change_eflags(cpu, EFLAGS_TF | (real_if ? EFLAGS_IF : EFLAGS_VIF), 0);
    x86_update_hflags(cpu);
}

void helper_int(X86CPU *cpu, uint64_t vector, uint64_t next)
{
    if (is_vm86(cpu)) {
        if ((cpu->cr4 & CR4_VME) && !is_intercepted(cpu, vector)) {
            redirect(cpu, vector, next);
            return;
        }
        if (x86_iopl(cpu) < 3) {
            x86_raise_gp0(cpu);
        }
    }
    x86_raise_at(cpu, (uint8_t)vector, next, true);
}
