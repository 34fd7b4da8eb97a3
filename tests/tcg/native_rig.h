/* SPDX-License-Identifier: MIT */
/*
 * A rig that runs one function by both back-ends, from the same state, and
 * compares all that a guest could see: registers, flags, memory, and at every
 * slow memory access the state that a fault would show there.
 */
#ifndef HEDDLE_TESTS_NATIVE_RIG_H
#define HEDDLE_TESTS_NATIVE_RIG_H

#include "accel/tcg.h"
#include "target/i386/cpu.h"
#include "tcg/helper.h"
#include "tcg/ir.h"

/* Globals, in the order of registration. */
#define G_REG(n) ((IrTemp)(n))
#define G_VEC(n) ((IrTemp)(16 + (n)))

/* Three pages of guest memory; the soft TLB knows the first two. */
#define RIG_VA    ((vaddr)0x40000)
#define RIG_PAGES 3
#define RIG_BYTES (RIG_PAGES * 4096)

enum { RIG_H_PURE, RIG_H_SUM, RIG_H_KEEPS, RIG_H_FLAGS, RIG_H_TRAP, RIG_H_SSE };

extern IrFunc rig_func;
extern X86CPU rig_cpu; /* start state; after rig_run what native left */
extern uint8_t rig_memory[RIG_BYTES];
extern uint64_t rig_slow_calls; /* of the native run */

void rig_init(void);
/* A new function, and a random start state. */
IrFunc *rig_start(void);
/* Run by both, with @cflags for the TB; flags compared are @cc_mask. */
void rig_run(uint32_t cflags, uint16_t cc_mask);
/* Compile natively only; false: did not fit in @len. */
bool rig_compile(TranslationBlock *tb, size_t len);
/* Checks that an exit by a slot names a place in @tb. */
TbExit rig_enter(const TranslationBlock *tb);
uint64_t rig_random(void);
/* Arguments of the last tcg_goto_page, which finds nothing. */
extern uintptr_t rig_asked_at;
extern unsigned rig_asked_slot;

#endif
