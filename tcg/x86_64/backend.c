/* SPDX-License-Identifier: MIT */
/*
 * The native back-end for x86-64 hosts with BMI1, BMI2, LZCNT, POPCNT, AVX2,
 * FMA, F16C and LAHF (x86-64-v3): one pass over the IR, then the stubs, then the
 * tables.
 */
#include "tcg/x86_64/cg.h"

#include <asm/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* More than any one op or stub can emit: 32 stores and loads of cached
 * registers around the longest sequence. */
#define OP_MAX_BYTES 1024

static bool have_fsgsbase;
static uint8_t *thunks_buf; /* the head of the code region */

static size_t native_init(uint8_t *buf, size_t len)
{
    have_fsgsbase = host_has_fsgsbase();
    if (!host_is_fit() || len < THUNKS_MAX_BYTES) {
        return BACKEND_UNFIT;
    }
    thunks_buf = buf;
    return THUNKS_MAX_BYTES;
}

/* On the first translation: by then the target has named its registers. */
static void need_thunks(void)
{
    static gsize done;

    if (g_once_init_enter(&done)) {
        thunks_generate(thunks_buf);
        g_once_init_leave(&done, 1);
    }
}

/* Which file knows which op. */
static bool (*const emit_fn[IR_OPC_COUNT])(Cg *c, const IrOp *op) = {
    [IR_INSN... IR_BRCOND] = emit_flow_op,
    [IR_TRAPIF] = emit_call_op,
    [IR_GOTO_TB... IR_EXIT] = emit_flow_op,
    [IR_CALL... IR_FENCE] = emit_call_op,
    [IR_MOV... IR_ST_CPU] = emit_move_op,
    [IR_ADD... IR_DEC] = emit_alu_op,
    [IR_SHL... IR_SHRD] = emit_shift_op,
    [IR_IMUL... IR_MULS2] = emit_alu_op,
    [IR_BT... IR_CRC32] = emit_bit_op,
    [IR_SETCC... IR_SETC] = emit_flags_op,
    [IR_LD... IR_ST] = emit_mem_op,
    [IR_RMW... IR_CMPXCHG] = emit_rmw_op,
    [IR_LDV... IR_VMOV] = emit_vec_op,
    [IR_VOP] = emit_vop_op,
    [IR_VZEROUP] = emit_vec_op,
};

static void emit_op(Cg *c, const IrOp *op)
{
    bool known;

    ra_begin_op(c);
    known = emit_fn[op->opc] && emit_fn[op->opc](c, op);
    g_assert(known); /* ops.def has no others */
    ra_end_op(c, op);
}

static void begin(Cg *c, const IrFunc *f, TranslationBlock *tb, uint8_t *buf,
                  size_t len)
{
    c->as.p = buf;
    c->start = buf;
    c->limit = buf + len - OP_MAX_BYTES;
    c->f = f;
    c->tb = tb;
    c->failed = false;
    c->nstubs = c->nside = c->nuses = 0;
    c->jump_off[0] = c->jump_off[1] = UINT32_MAX;
    c->nops = f->nops;
    c->insn_off = tb->pc_offset;
    c->cc_host = c->cc_temp = false;
    c->cc_mem = true;
    c->fp_marked = false;
    for (unsigned i = 0; i < f->nlabels; i++) {
        c->label[i].at = NULL;
    }
    ra_begin(c);
}

static void generate(Cg *c)
{
    emit_head(c);
    c->body = c->as.p;
    for (unsigned i = 0; i < c->nops && !c->failed; i++) {
        if (c->as.p > c->limit) {
            c->failed = true;
            return;
        }
        emit_op(c, &c->f->op[i]);
    }
    if (!c->failed) {
        emit_fix_labels(c);
        ra_forget(c); /* stubs look at what they noted, not at this */
        c->cc_temp = false;
        c->locked = 0;
        stub_emit_all(c);
    }
}

/* Append @bytes of @src; fails when there is no room before @end. */
static void append(Cg *c, const void *src, size_t bytes, const uint8_t *end)
{
    if (c->as.p > end || (size_t)(end - c->as.p) < bytes) {
        c->failed = true;
    } else if (bytes) {
        memcpy(c->as.p, src, bytes);
        c->as.p += bytes;
    }
}

/* Behind the code: what a fault needs to know when the IR is gone. */
static void store_tables(Cg *c, TbCode *out, const uint8_t *end)
{
    IrRecipe recipe[IR_MAX_RECIPES];
    int64_t value[IR_MAX_RECIPES];
    unsigned nvalues = 0, nrecipes = c->nside ? c->f->nrecipes - 1 : 0;

    for (unsigned i = 0; i < nrecipes; i++) {
        recipe[i] = c->f->recipe[i + 1];
        if (ra_is_const(c, recipe[i].y, &value[nvalues])) {
            recipe[i].y = RECIPE_CONST + nvalues++;
        }
    }
    c->as.p = (uint8_t *)ROUND_UP((uintptr_t)c->as.p, 8);
    out->nconsts = nvalues;
    out->nside = c->nside;
    append(c, value, nvalues * sizeof(value[0]), end);
    append(c, c->side, c->nside * sizeof(c->side[0]), end);
    append(c, recipe, nrecipes * sizeof(recipe[0]), end);
}

static bool native_compile(const IrFunc *f, TranslationBlock *tb, uint8_t *buf,
                           size_t len, TbCode *out, size_t *used)
{
    static __thread Cg *cg; /* as long as its thread: too big for the stack */
    const uint8_t *guarded;

    if (len < 2 * OP_MAX_BYTES) {
        return false;
    }
    if (!cg) {
        cg = g_new(Cg, 1);
    }
    need_thunks();
    begin(cg, f, tb, buf, len);
    generate(cg);
    if (cg->failed || cg->as.p > cg->limit) {
        return false;
    }
    guarded = emit_guard(cg);
    g_assert(!guarded || guarded - buf <= UINT16_MAX); /* one instruction */
    *out = (TbCode){
        .entry = buf,
        .body = cg->body - buf,
        .guarded = guarded ? guarded - buf : 0,
        .code_bytes = cg->as.p - buf,
        .jump_off = { cg->jump_off[0], cg->jump_off[1] },
        .exit_off = { cg->exit_off[0], cg->exit_off[1] },
    };
    store_tables(cg, out, buf + len);
    *used = cg->as.p - buf;
    return !cg->failed;
}

static TbExit native_enter(CPUState *cpu, const void *entry,
                           uintptr_t *place)
{
    TbExit (*enter)(CPUState *, const void *, uintptr_t *);

    memcpy(&enter, &thunks.enter, sizeof(enter));
    return enter(cpu, entry, place);
}

static void native_patch_jump(TranslationBlock *tb, unsigned slot,
                              const void *entry)
{
    uint8_t *start = (uint8_t *)tb->code.entry;
    uint8_t *site = start + tb->code.jump_off[slot]; /* a 32-bit displacement */
    const uint8_t *to = entry ? entry : start + tb->code.exit_off[slot];
    int32_t disp = to - (site + 4);

    /* Aligned: other vCPUs fetch the old jump or the new one. */
    __atomic_store_n((int32_t *)(void *)site, disp, __ATOMIC_RELEASE);
}

static void native_thread_init(CPUState *cpu)
{
    if (have_fsgsbase) {
        __asm__ volatile("wrgsbase %0" : : "r"(cpu) : "memory");
    } else {
        syscall(SYS_arch_prctl, ARCH_SET_GS, cpu);
    }
}

const TcgBackend tcg_backend_native = {
    .name = "native",
    .be_plain = host_be_plain,
    .init = native_init,
    .compile = native_compile,
    .enter = native_enter,
    .patch_jump = native_patch_jump,
    .thread_init = native_thread_init,
};
