/* SPDX-License-Identifier: MIT */
/*
 * Helpers of MMX instructions: the change of the x87 state, and MASKMOVQ.
 * Source: SDM vol. 1, 9.5 "Compatibility with x87 FPU Architecture".
 */
#include "exec/ldst.h"
#include "target/i386/helpers.h"
#include "target/i386/mmu.h"
#include "target/i386/x87.h"

/* CR0.EM or TS is set. */
void helper_mmx_unusable(X86CPU *cpu)
{
    x86_raise(cpu, cpu->cr0 & CR0_EM ? EXCP_UD : EXCP_NM);
}

void helper_x87_enter_mmx(X86CPU *cpu)
{
    x87_wait(cpu);
    cpu->x87.top = 0;
    cpu->x87.valid = 0xff;
}

void helper_x87_emms(X86CPU *cpu)
{
    x87_wait(cpu);
    cpu->x87.top = 0;
    cpu->x87.valid = 0;
}

void helper_mmx_maskmov(X86CPU *cpu, uint64_t addr, uint64_t bytes,
                        uint64_t mask, uint64_t memop)
{
    x87_wait(cpu);
    /* All or nothing; bytes that the mask leaves out count. */
    x86_probe_store(cpu, addr, MO_64, (MemOp)memop);
    for (unsigned i = 0; i < 8; i++) {
        if (mask >> (8 * i + 7) & 1) {
            cpu_store(&cpu->cs, x86_linear_add(cpu, addr, i),
                      bytes >> (8 * i) & 0xff, (MemOp)memop | MO_8);
        }
    }
}
