/* SPDX-License-Identifier: MIT */
/* Arithmetic while MXCSR unmasks exceptions: around the computation. */
#ifndef HEDDLE_TARGET_I386_HELPER_SSE_H
#define HEDDLE_TARGET_I386_HELPER_SSE_H

#include "target/i386/cpu.h"

/* Load the guest's MXCSR with all exceptions masked and no flag set; returns
 * the host's, which x86_sse_end_masked restores. */
unsigned x86_sse_begin_masked(const X86CPU *cpu);
/* Returns the flags that were raised since. */
uint32_t x86_sse_end_masked(unsigned host);
/*
 * Note the flags @raised, and raise #XM (#UD unless the system handles it) for
 * an unmasked one.  If it was found before the computation, there was none.
 * Source   SDM vol. 1, 11.5.3 "Handling SIMD Floating-Point Exceptions in
 *          Software"
 */
void x86_sse_note_flags(X86CPU *cpu, uint32_t raised);

#endif
