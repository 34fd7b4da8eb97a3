/* SPDX-License-Identifier: MIT */
/*
 * SSE that is not one vector sub-op: MXCSR, stores under a mask, and arithmetic
 * while MXCSR unmasks exceptions.
 *
 * Missing: an unmasked underflow whose tiny result is exact is not raised (the
 * masked response, which is what the host computes, does not flag it).  PE
 * beside an unmasked overflow is that of the masked response.  DPPS and DPPD
 * are one step here: flags of the second may show where the first has faulted.
 */
#include "target/i386/helper_sse.h"

#include <xmmintrin.h>

#include "exec/ldst.h"
#include "target/i386/helpers.h"
#include "tcg/vops.h"

/* MXCSR: SDM vol. 1, 10.2.3 "MXCSR Control and Status Register" */
enum {
    MXCSR_FLAGS = 0x3f,
    MXCSR_PRE = 0x07, /* IE, DE, ZE: found before the computation */
    MXCSR_MASK_SHIFT = 7,
    MXCSR_MASKS = MXCSR_FLAGS << MXCSR_MASK_SHIFT,
    MXCSR_WRITABLE = 0xffff,
};

void helper_ldmxcsr(X86CPU *cpu, uint64_t value)
{
    if (value & ~(uint64_t)MXCSR_WRITABLE) {
        x86_raise_error(cpu, EXCP_GP, 0);
    }
    cpu->mxcsr = (uint32_t)value;
    x86_update_hflags(cpu);
}

uint64_t helper_stmxcsr(X86CPU *cpu)
{
    return cpu->mxcsr;
}

void helper_maskmovdqu(X86CPU *cpu, uint64_t addr, uint64_t src, uint64_t mask,
                       uint64_t memop)
{
    MemOp op = MO_8 | (MemOp)memop;

    x86_check_access(cpu, addr, op | MO_64);
    /* All or nothing; bytes that the mask leaves out count. */
    cpu_probe(&cpu->cs, addr, 16, PAGE_WRITE, op);
    for (unsigned i = 0; i < 16; i++) {
        if (cpu->vec[mask & 15].u8[i] & 0x80) {
            cpu_store(&cpu->cs, addr + i, cpu->vec[src & 15].u8[i], op);
        }
    }
}

unsigned x86_sse_begin_masked(const X86CPU *cpu)
{
    unsigned host = _mm_getcsr();

    _mm_setcsr((cpu->mxcsr & MXCSR_WRITABLE & ~MXCSR_FLAGS) | MXCSR_MASKS);
    return host;
}

uint32_t x86_sse_end_masked(unsigned host)
{
    uint32_t raised = _mm_getcsr() & MXCSR_FLAGS;

    _mm_setcsr(host);
    return raised;
}

void x86_sse_note_flags(X86CPU *cpu, uint32_t raised)
{
    uint32_t unmasked = raised & ~(cpu->mxcsr >> MXCSR_MASK_SHIFT);

    if (unmasked & MXCSR_PRE) {
        raised &= MXCSR_PRE;
    }
    cpu->mxcsr |= raised;
    if (unmasked) {
        x86_raise(cpu, cpu->cr4 & CR4_OSXMMEXCPT ? EXCP_XM : EXCP_UD);
    }
}

uint64_t helper_sse_checked(X86CPU *cpu, uint64_t code, uint64_t reg,
                            uint64_t lo, uint64_t hi)
{
    const VopDef *def = &vop_defs[code & 0xffff];
    VopVec *v = (VopVec *)&cpu->vec[reg & 15];
    VopVec b = {.u64 = {lo, hi}}, d = *v;
    unsigned host = x86_sse_begin_masked(cpu);
    uint64_t result = def->fn(&d, v, &b, NULL, lo, (uint8_t)(code >> 16));

    x86_sse_note_flags(cpu, x86_sse_end_masked(host));
    if (def->shape == VOP_FVV) {
        cpu->cc = (uint16_t)result;
    } else if (!vop_dst_is_int(def)) {
        *v = d;
    }
    return result;
}

uint64_t helper_sse_convert(X86CPU *cpu, uint64_t code, uint64_t lo,
                            uint64_t hi)
{
    VopVec b = {.u64 = {lo, hi}}, d = b;
    unsigned host = x86_sse_begin_masked(cpu);

    vop_defs[code].fn(&d, &d, &b, NULL, 0, 0);
    x86_sse_note_flags(cpu, x86_sse_end_masked(host));
    return d.u64[0];
}
