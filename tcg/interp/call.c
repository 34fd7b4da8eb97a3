/* SPDX-License-Identifier: MIT */
/*
 * Calls of C code: helpers by libffi, as their types are only known at run
 * time, and the portable functions of the vector sub-ops.
 */
#include "tcg/interp/interp.h"

#include <ffi.h>
#include <xmmintrin.h>

#include "tcg/vops.h"

#define MAX_ARGS 5 /* the X86CPU and four integers */

/* Prepared calls by return type and number of integers; set up once. */
static ffi_cif cifs[2][MAX_ARGS];

void interp_call_init(void)
{
    static ffi_type *types[MAX_ARGS] = {
        &ffi_type_pointer, &ffi_type_uint64, &ffi_type_uint64,
        &ffi_type_uint64,  &ffi_type_uint64,
    };

    for (unsigned n = 0; n < MAX_ARGS; n++) {
        ffi_prep_cif(&cifs[HELPER_VOID][n], FFI_DEFAULT_ABI, n + 1,
                     &ffi_type_void, types);
        ffi_prep_cif(&cifs[HELPER_U64][n], FFI_DEFAULT_ABI, n + 1,
                     &ffi_type_uint64, types);
    }
}

static uint64_t call(CPUState *cpu, const HelperInfo *h, uint64_t v[4])
{
    void *args[MAX_ARGS] = {&cpu, &v[0], &v[1], &v[2], &v[3]};
    ffi_arg result = 0;

    ffi_call(&cifs[h->ret][h->nargs], h->fn, &result, args);
    return result;
}

const IrOp *interp_call(Interp *s, const IrOp *op)
{
    const HelperInfo *h = helper_info(op->aux);
    uint64_t v[4], result;

    for (unsigned i = 0; i < ARRAY_LEN(v); i++) {
        v[i] = interp_get(s, op, 1 + i);
    }
    if (helper_counter(op->aux)) {
        __atomic_fetch_add(helper_counter(op->aux), 1, __ATOMIC_RELAXED);
    }
    if (ir_op_may_fault(op)) {
        interp_enter_c(s, op);
    }
    result = call(s->cpu, h, v);
    interp_left_c(s);
    if (h->ret != HELPER_VOID) {
        interp_set(s, op, 0, result);
    }
    return op + 1;
}

const IrOp *interp_trapif(Interp *s, const IrOp *op)
{
    uint64_t v[4] = {(uint64_t)op->imm};
    uint16_t cc = ir_eval(IR_CMP, op->size, interp_get(s, op, 0),
                          interp_get(s, op, 1), 0, 0, 0)
                      .cc;

    if (cond_holds(op->cond, cc)) {
        interp_enter_c(s, op);
        call(s->cpu, helper_info(op->aux), v);
        g_assert_not_reached(); /* such helpers do not return */
    }
    return op + 1;
}

/* Arithmetic under the guest's MXCSR.  Unmasked exceptions are never met
 * here (code is translated to a helper then): masking them all is a guard. */
static uint64_t run_fp(uint32_t *mxcsr, const IrOp *op, VopVec *d,
                       const VopVec *a, const VopVec *b, const VopVec *c,
                       uint64_t r)
{
    const uint32_t masks = 0x1f80, sticky = 0x3f;
    unsigned host = _mm_getcsr();
    uint64_t result;

    _mm_setcsr((*mxcsr & 0xffff) | masks);
    result = vop_run(&vop_defs[op->aux], op->size, d, a, b, c, r,
                     (uint8_t)op->imm);
    *mxcsr |= _mm_getcsr() & sticky;
    _mm_setcsr(host);
    return result;
}

/* Argument @n as a vector, or NULL. */
static VopVec *vector_arg(const Interp *s, const IrOp *op, unsigned n)
{
    const VopDef *def = &vop_defs[op->aux];
    bool is_int = n == 0   ? vop_dst_is_int(def)
                  : n == 2 ? vop_src_is_int(def)
                           : false;

    return op->arg[n] == IR_NONE || is_int ? NULL : interp_place(s, op->arg[n]);
}

const IrOp *interp_vop(Interp *s, const IrOp *op)
{
    const VopDef *def = &vop_defs[op->aux];
    VopVec *d = vector_arg(s, op, 0);
    const VopVec *a = vector_arg(s, op, 1), *b = vector_arg(s, op, 2),
                 *c = vector_arg(s, op, 3);
    uint64_t r = b ? 0 : interp_get(s, op, 2), result;

    result = def->attrs & VOP_ATTR_FP
                 ? run_fp(s->mxcsr, op, d, a, b, c, r)
                 : vop_run(def, op->size, d, a, b, c, r, (uint8_t)op->imm);
    if (vop_dst_is_int(def)) {
        interp_set(s, op, 0, result);
    } else if (def->shape == VOP_FVV && op->cc_out) {
        *s->cc = (uint16_t)result;
    }
    return op + 1;
}
