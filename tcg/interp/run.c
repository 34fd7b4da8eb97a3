/* SPDX-License-Identifier: MIT */
/*
 * The back-end's table, its loop, and the ops that only touch registers and
 * flags or leave the block.
 */
#include "tcg/interp/interp.h"

#include <string.h>

#include "tcg/backend.h"

/* --- structure --- */

static const IrOp *run_nothing(Interp *s, const IrOp *op)
{
    return op + 1;
}

static const IrOp *run_br(Interp *s, const IrOp *op)
{
    return &s->code->op[op->imm];
}

static const IrOp *run_brcc(Interp *s, const IrOp *op)
{
    return cond_holds(op->cond, *s->cc) ? &s->code->op[op->imm] : op + 1;
}

static bool compare(const Interp *s, const IrOp *op, unsigned first)
{
    uint64_t a = interp_get(s, op, first), b = interp_get(s, op, first + 1);

    return cond_holds(op->cond, ir_eval(IR_CMP, op->size, a, b, 0, 0, 0).cc);
}

static const IrOp *run_brcond(Interp *s, const IrOp *op)
{
    return compare(s, op, 0) ? &s->code->op[op->imm] : op + 1;
}

static const IrOp *run_fence(Interp *s, const IrOp *op)
{
    /* Loads and stores are in order among themselves on the host: only a
     * full fence says more, and it serves all three. */
    __sync_synchronize();
    return op + 1;
}

/* Begin @next, unless somebody wants the vCPU: rip names it already. */
static const IrOp *begin(Interp *s, const InterpTb *next)
{
    if (next->tests_request &&
        __atomic_load_n(&s->cpu->exit_request, __ATOMIC_RELAXED)) {
        s->exit = TB_EXIT_REQUEST;
        return NULL;
    }
    s->code = next;
    s->base[PLACE_CODE] = (uint8_t *)next;
    return next->op;
}

static const IrOp *run_goto_tb(Interp *s, const IrOp *op)
{
    /* Pairs with the release in interp_patch_jump. */
    const InterpTb *next =
        __atomic_load_n(&s->code->link[op->aux], __ATOMIC_ACQUIRE);
    uint64_t mask = ~(uint64_t)0 >> (64 - (8u << op->size));

    *s->rip = (*s->rip_base + (uint64_t)op->imm) & mask;
    if (next) {
        return begin(s, next);
    }
    s->exit = op->aux ? TB_EXIT_SLOT1 : TB_EXIT_SLOT0;
    return NULL;
}

static const IrOp *run_jmp_ind(Interp *s, const IrOp *op)
{
    const InterpTb *next = NULL;

    *s->rip = interp_get(s, op, 0);
    if (s->code->chains &&
        !((op->aux & JMP_REQUESTS) && cpu_has_request(s->cpu))) {
        next = tcg_lookup_ind(s->cpu);
    }
    if (next) {
        return begin(s, next);
    }
    s->exit = TB_EXIT_LOOKUP;
    return NULL;
}

static const IrOp *run_exit(Interp *s, const IrOp *op)
{
    s->exit = TB_EXIT_LOOKUP;
    return NULL;
}

/* --- moves --- */

static uint64_t low_bits(uint64_t v, unsigned log2_bytes)
{
    return v & (~(uint64_t)0 >> (64 - (8u << log2_bytes)));
}

static uint64_t sign_extended(uint64_t v, unsigned log2_bytes)
{
    unsigned shift = 64 - (8u << log2_bytes);

    return (uint64_t)((int64_t)(v << shift) >> shift);
}

static const IrOp *run_move(Interp *s, const IrOp *op)
{
    uint64_t a = interp_get(s, op, 1), b = interp_get(s, op, 2), r;

    switch (op->opc) {
    case IR_MOV:
        r = low_bits(a, op->size);
        break;
    case IR_DEP:
        r = deposit64(a, 0, 8 << op->size, b);
        break;
    case IR_DEPH:
        r = deposit64(a, 8, 8, b);
        break;
    case IR_EXTH:
        r = extract64(a, 8, 8);
        break;
    case IR_ZX:
        r = low_bits(a, op->memop & MO_SIZE);
        break;
    case IR_SX:
        r = low_bits(sign_extended(a, op->memop & MO_SIZE), op->size);
        break;
    default: /* IR_LEA */
        r = low_bits(a + (b << op->aux) + (uint64_t)op->imm, op->size);
        break;
    }
    interp_set(s, op, 0, r);
    return op + 1;
}

static const IrOp *run_ld_cpu(Interp *s, const IrOp *op)
{
    uint64_t v = 0;

    memcpy(&v, (uint8_t *)s->cpu + op->imm, memop_bytes(op->memop));
    if (op->memop & MO_SIGN) {
        v = sign_extended(v, op->memop & MO_SIZE);
    }
    interp_set(s, op, 0, v);
    return op + 1;
}

static const IrOp *run_st_cpu(Interp *s, const IrOp *op)
{
    uint64_t v = interp_get(s, op, 0);

    memcpy((uint8_t *)s->cpu + op->imm, &v, memop_bytes(op->memop));
    return op + 1;
}

static const IrOp *run_vmov(Interp *s, const IrOp *op)
{
    uint8_t *dst = interp_place(s, op->arg[0]);

    memmove(dst, interp_place(s, op->arg[1]), op->size == VEC_FULL ? 32 : 16);
    if (op->size == VEC_ZERO) {
        memset(dst + 16, 0, 16);
    }
    return op + 1;
}

static const IrOp *run_vzeroup(Interp *s, const IrOp *op)
{
    unsigned n = 0;

    for (unsigned t = 0; t < ir_global_count() && n < op->aux; t++) {
        const IrTempInfo *g = ir_global_info(t);

        if (g->vector) {
            memset(s->base[PLACE_CPU] + g->offset + 16, 0, 16);
            n++;
        }
    }
    return op + 1;
}

/* --- arithmetic --- */

static const IrOp *run_arith(Interp *s, const IrOp *op)
{
    unsigned ndst = ir_op_defs[op->opc].ndst;
    bool carry = *s->cc & CC_BIT_C;
    IrVal v = ir_eval(op->opc, op->size, interp_get(s, op, ndst),
                      interp_get(s, op, ndst + 1), interp_get(s, op, ndst + 2),
                      *s->cc, op->memop);

    if (ndst) {
        interp_set(s, op, 0, v.lo);
    }
    if (ndst == 2) {
        interp_set(s, op, 1, v.hi);
    }
    if (op->cc_out) {
        *s->cc = v.cc;
    }
    if (op->aux == IR_NOTE_CC_IN) {
        s->base[PLACE_CPU][tcg_target.cc_in] = carry;
    }
    return op + 1;
}

/* --- flags --- */

static const IrOp *run_setcc(Interp *s, const IrOp *op)
{
    interp_set(s, op, 0, cond_holds(op->cond, *s->cc));
    return op + 1;
}

static const IrOp *run_movcc(Interp *s, const IrOp *op)
{
    unsigned from = cond_holds(op->cond, *s->cc) ? 1 : 2;

    interp_set(s, op, 0, low_bits(interp_get(s, op, from), op->size));
    return op + 1;
}

static const IrOp *run_setcond(Interp *s, const IrOp *op)
{
    interp_set(s, op, 0, compare(s, op, 1));
    return op + 1;
}

static const IrOp *run_getcc(Interp *s, const IrOp *op)
{
    interp_set(s, op, 0, cc_to_eflags(*s->cc));
    return op + 1;
}

/* Bits of X86CPU.cc for a mask of IR_CC_*. */
static uint16_t cc_mask(uint16_t flags)
{
    static const uint16_t bit[6] = {
        CC_BIT_C, CC_BIT_P, CC_BIT_A, CC_BIT_Z, CC_BIT_S, CC_BIT_O,
    };
    uint16_t mask = 0;

    for (unsigned i = 0; i < ARRAY_LEN(bit); i++) {
        mask |= flags & BIT(i) ? bit[i] : 0;
    }
    return mask;
}

static const IrOp *run_putcc(Interp *s, const IrOp *op)
{
    uint16_t mask = cc_mask(op->aux);
    uint16_t cc = cc_from_eflags((uint32_t)interp_get(s, op, 0));

    *s->cc = (*s->cc & ~mask) | (cc & mask);
    return op + 1;
}

static const IrOp *run_setc(Interp *s, const IrOp *op)
{
    uint16_t cc = *s->cc;

    *s->cc = op->aux == 2 ? cc ^ CC_BIT_C
                              : (cc & ~CC_BIT_C) | (op->aux ? CC_BIT_C : 0);
    return op + 1;
}

InterpFn *const interp_fn[IR_OPC_COUNT] = {
    [IR_INSN] = run_nothing,
    [IR_LABEL] = run_nothing,
    [IR_BR] = run_br,
    [IR_BRCC] = run_brcc,
    [IR_BRCOND] = run_brcond,
    [IR_TRAPIF] = interp_trapif,
    [IR_GOTO_TB] = run_goto_tb,
    [IR_JMP_IND] = run_jmp_ind,
    [IR_EXIT] = run_exit,
    [IR_CALL] = interp_call,
    [IR_FENCE] = run_fence,
    [IR_MOV ... IR_LEA] = run_move,
    [IR_LD_CPU] = run_ld_cpu,
    [IR_ST_CPU] = run_st_cpu,
    [IR_ADD ... IR_CRC32] = run_arith,
    [IR_SETCC] = run_setcc,
    [IR_MOVCC] = run_movcc,
    [IR_SETCOND] = run_setcond,
    [IR_GETCC] = run_getcc,
    [IR_PUTCC] = run_putcc,
    [IR_SETC] = run_setc,
    [IR_LD] = interp_ld,
    [IR_ST] = interp_st,
    [IR_RMW] = interp_rmw,
    [IR_CMPXCHG] = interp_cmpxchg,
    [IR_LDV] = interp_ldv,
    [IR_STV] = interp_stv,
    [IR_VMOV] = run_vmov,
    [IR_VOP] = interp_vop,
    [IR_VZEROUP] = run_vzeroup,
};

static size_t interp_init(uint8_t *buf, size_t len)
{
    interp_call_init();
    return 0;
}

static TbExit interp_enter(CPUState *cpu, const void *entry,
                           uintptr_t *place)
{
    _Alignas(32) uint8_t frame[IR_MAX_TEMPS][INTERP_TEMP_BYTES];
    Interp s = {
        .base = {(uint8_t *)cpu, (uint8_t *)frame},
        .cpu = cpu,
        .cc = (uint16_t *)((uint8_t *)cpu + tcg_target.cc),
        .rip = (uint64_t *)((uint8_t *)cpu + tcg_target.rip),
        .rip_base = (uint64_t *)((uint8_t *)cpu + tcg_target.rip_base),
        .mxcsr = (uint32_t *)((uint8_t *)cpu + tcg_target.mxcsr),
        .code = entry,
    };
    const IrOp *op = begin(&s, entry);

    while (op) {
        op = interp_fn[op->opc](&s, op);
    }
    *place = (uintptr_t)(s.code + 1);
    return s.exit;
}

static void interp_patch_jump(TranslationBlock *tb, unsigned slot,
                              const void *entry)
{
    InterpTb *code = (InterpTb *)tb->code.entry;

    __atomic_store_n(&code->link[slot], entry, __ATOMIC_RELEASE);
}

static void interp_thread_init(CPUState *cpu)
{
}

const TcgBackend tcg_backend_interp = {
    .name = "interp",
    .init = interp_init,
    .compile = interp_compile,
    .enter = interp_enter,
    .patch_jump = interp_patch_jump,
    .thread_init = interp_thread_init,
};
