/* SPDX-License-Identifier: MIT */
/*
 * The interpreter: a back-end whose "code" is the ops themselves, copied after
 * a header and with their temps replaced by places.  It is slow, portable, and
 * clean under ThreadSanitizer; the native back-end is tested against it.
 *
 * Flags are always in X86CPU.cc, globals in X86CPU: nothing is to be saved
 * before C code runs, and a fault's longjmp leaves nothing behind.
 */
#ifndef HEDDLE_TCG_INTERP_H
#define HEDDLE_TCG_INTERP_H

#include "tcg/target.h"
#include "tcg/tb.h"
#include "tcg/helper.h"
#include "tcg/ir.h"

/*
 * A place replaces IrOp.arg[]: two bits of base, then an offset in units of 8
 * bytes.  IR_NONE stays as it is.
 */
enum {
    PLACE_CPU,   /* a global */
    PLACE_FRAME, /* a temp */
    PLACE_CODE,  /* a constant behind the ops */
    PLACE_SHIFT = 14,
    PLACE_OFFSET = (1 << PLACE_SHIFT) - 1,
    PLACE_UNIT = 8,
};

/* At TbCode.entry. */
typedef struct InterpTb {
    const struct InterpTb *link[2]; /* of GOTO_TB's slots, or NULL; atomic */
    bool tests_request;             /* for an exit, at its head */
    bool chains;                    /* may go on at another TB */
    __attribute__((aligned(8))) IrOp op[];
} InterpTb;

#define INTERP_TEMP_BYTES 32 /* room for a vector */

/* A run of TBs on one vCPU. */
typedef struct Interp {
    uint8_t *base[3]; /* by PLACE_* */
    CPUState *cpu;
    uint16_t *cc;       /* fields of the vCPU that tcg_target names */
    uint64_t *rip, *rip_base;
    uint32_t *mxcsr;
    const InterpTb *code;
    TbExit exit; /* valid when a handler returned NULL */
} Interp;

/* Does what @op says; returns the next op, or NULL to leave with s->exit. */
typedef const IrOp *InterpFn(Interp *s, const IrOp *op);
extern InterpFn *const interp_fn[IR_OPC_COUNT];

static inline void *interp_place(const Interp *s, IrTemp place)
{
    return s->base[place >> PLACE_SHIFT] +
           (place & PLACE_OFFSET) * (size_t)PLACE_UNIT;
}

/* Integer argument @n; 0 if there is none. */
static inline uint64_t interp_get(const Interp *s, const IrOp *op, unsigned n)
{
    return op->arg[n] == IR_NONE
               ? 0
               : *(const uint64_t *)interp_place(s, op->arg[n]);
}

static inline void interp_set(const Interp *s, const IrOp *op, unsigned n,
                              uint64_t value)
{
    if (op->arg[n] != IR_NONE) {
        *(uint64_t *)interp_place(s, op->arg[n]) = value;
    }
}

/* From now to interp_left_c, C code runs that may fault for @op. */
static inline void interp_enter_c(Interp *s, const IrOp *op)
{
    s->cpu->host_pc = (uintptr_t)op;
}

static inline void interp_left_c(Interp *s)
{
    s->cpu->host_pc = 0;
}

bool interp_compile(const IrFunc *f, TranslationBlock *tb, uint8_t *buf,
                    size_t len, TbCode *out, size_t *used);

/* --- mem.c --- */
InterpFn interp_ld, interp_st, interp_ldv, interp_stv, interp_rmw,
    interp_cmpxchg;

/* --- call.c --- */
void interp_call_init(void);
InterpFn interp_call, interp_trapif, interp_vop;

#endif
