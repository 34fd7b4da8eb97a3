/* SPDX-License-Identifier: MIT */
/* Arithmetic while MXCSR unmasks exceptions. */
#ifndef HEDDLE_TARGET_I386_HELPER_SSE_H
#define HEDDLE_TARGET_I386_HELPER_SSE_H

#include "target/i386/cpu.h"
#include "tcg/vops.h"

/* MXCSR: SDM vol. 1, 10.2.3 "MXCSR Control and Status Register" */
enum {
    MXCSR_OE = BIT(3),
    MXCSR_UE = BIT(4),
    MXCSR_PE = BIT(5),
    MXCSR_FLAGS = 0x3f,
    MXCSR_PRE = 0x07, /* IE, DE, ZE: found before the computation */
    MXCSR_DAZ = BIT(6),
    MXCSR_MASK_SHIFT = 7,
    MXCSR_OM = BIT(10),
    MXCSR_UM = BIT(11),
    MXCSR_MASKS = MXCSR_FLAGS << MXCSR_MASK_SHIFT,
    MXCSR_RC_SHIFT = 13,
    MXCSR_FTZ = BIT(15),
    MXCSR_WRITABLE = 0xffff,
};

/* One vector operation and its sources: arguments of vop_run(). */
typedef struct SseOp {
    const VopDef *def;
    VecMode mode;
    uint8_t imm;
    const VopVec *a, *b, *c;
} SseOp;

/*
 * Do @s under the guest's MXCSR, note its flags, and raise #XM (#UD unless the
 * system handles it) for an unmasked one; then nothing else has changed.
 * @d       result, apart from the sources
 * @integer src1 where that is an integer
 * Returns  the integer result, or flags, as vop_run() does
 * Source   SDM vol. 1, 11.5.3 "Handling SIMD Floating-Point Exceptions in
 *          Software"
 */
uint64_t x86_sse_run_checked(X86CPU *cpu, const SseOp *s, VopVec *d,
                             uint64_t integer);

/* sse_flags.c: what @s raises under @mxcsr, given that the masked response
 * raised @raised. */
uint32_t x86_sse_exact_flags(uint32_t mxcsr, const SseOp *s, uint32_t raised);

#endif
