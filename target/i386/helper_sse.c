/* SPDX-License-Identifier: MIT */
/*
 * SSE that is not one vector sub-op: MXCSR, stores under a mask, and arithmetic
 * while MXCSR unmasks exceptions.
 */
#include "target/i386/helper_sse.h"

#include <xmmintrin.h>

#include "exec/ldst.h"
#include "target/i386/helpers.h"
#include "target/i386/mmu.h"
#include "tcg/vops.h"

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

    /* All or nothing; bytes that the mask leaves out count. */
    x86_probe_store(cpu, addr, MO_64, op);
    x86_probe_store(cpu, x86_linear_add(cpu, addr, 8), MO_64, op);
    for (unsigned i = 0; i < 16; i++) {
        if (cpu->vec[mask & 15].u8[i] & 0x80) {
            cpu_store(&cpu->cs, x86_linear_add(cpu, addr, i),
                      cpu->vec[src & 15].u8[i], op);
        }
    }
}

/* --- while MXCSR unmasks exceptions --- */

/* Load the guest's MXCSR with all exceptions masked and no flag set; returns
 * the host's.  Only masked underflow is flushed to zero. */
static unsigned begin_masked(const X86CPU *cpu)
{
    unsigned host = _mm_getcsr();
    uint32_t mxcsr = cpu->mxcsr & MXCSR_WRITABLE & ~MXCSR_FLAGS;

    if (!(mxcsr & MXCSR_UM)) {
        mxcsr &= ~MXCSR_FTZ;
    }
    _mm_setcsr(mxcsr | MXCSR_MASKS);
    return host;
}

/* Returns the flags that were raised since. */
static uint32_t end_masked(unsigned host)
{
    uint32_t raised = _mm_getcsr() & MXCSR_FLAGS;

    _mm_setcsr(host);
    return raised;
}

/* An unmasked exception that is found before the computation prevents it. */
static void note_flags(X86CPU *cpu, uint32_t raised)
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

static uint64_t run(X86CPU *cpu, const SseOp *s, VopVec *d, uint64_t integer)
{
    unsigned host = begin_masked(cpu);
    uint64_t result =
        vop_run(s->def, s->mode, d, s->a, s->b, s->c, integer, s->imm);

    note_flags(cpu, x86_sse_exact_flags(cpu->mxcsr, s, end_masked(host)));
    return result;
}

/* DPPS and DPPD are several operations, each of which may be the last: the
 * products, their sums in pairs, and the sum of those.  SDM vol. 2A, "DPPS". */
static void run_dot_product_steps(X86CPU *cpu, const SseOp *s, bool wide)
{
    SseOp step = *s;
    VopVec a[2], b[2], d[2];

    for (unsigned i = 0; i < (s->mode == VEC_FULL ? 8 : 4); i++) {
        unsigned bit = wide ? i / 2 : i % 4;
        bool used = s->imm & BIT(4 + bit);

        a[i / 4].u32[i % 4] = used ? s->a[i / 4].u32[i % 4] : 0;
        b[i / 4].u32[i % 4] = used ? s->b[i / 4].u32[i % 4] : 0;
    }
    step.def = &vop_defs[wide ? VOP_MULPD : VOP_MULPS];
    step.a = a;
    step.b = b;
    run(cpu, &step, d, 0);
    step.def = &vop_defs[wide ? VOP_HADDPD : VOP_HADDPS];
    step.a = step.b = d;
    run(cpu, &step, a, 0);
    if (!wide) {
        step.a = step.b = a;
        run(cpu, &step, d, 0);
    }
}

uint64_t x86_sse_run_checked(X86CPU *cpu, const SseOp *s, VopVec *d,
                             uint64_t integer)
{
    bool wide = s->def == &vop_defs[VOP_DPPD];

    if (wide || s->def == &vop_defs[VOP_DPPS]) {
        run_dot_product_steps(cpu, s, wide);
    }
    return run(cpu, s, d, integer);
}

uint64_t helper_sse_checked(X86CPU *cpu, uint64_t code, uint64_t reg,
                            uint64_t lo, uint64_t hi)
{
    VopVec *v = (VopVec *)&cpu->vec[reg & 15];
    VopVec b = {.u64 = {lo, hi}}, d = *v;
    SseOp s = {.def = &vop_defs[code & 0xffff],
               .mode = VEC_LOW,
               .imm = (uint8_t)(code >> 16),
               .a = v,
               .b = &b,
               .c = &b};
    uint64_t result = x86_sse_run_checked(cpu, &s, &d, lo);

    if (s.def->shape == VOP_FVV) {
        cpu->cc = (uint16_t)result;
    } else if (!vop_dst_is_int(s.def)) {
        *v = d;
    }
    return result;
}

uint64_t helper_sse_convert(X86CPU *cpu, uint64_t code, uint64_t lo,
                            uint64_t hi)
{
    VopVec b = {.u64 = {lo, hi}}, d = b;
    SseOp s = {
        .def = &vop_defs[code], .mode = VEC_LOW, .a = &b, .b = &b, .c = &b};

    x86_sse_run_checked(cpu, &s, &d, 0);
    return d.u64[0];
}
