/* SPDX-License-Identifier: MIT */
/*
 * A batch of inputs by the host's instruction and by the portable function.
 *
 * The host's code is a loop over the inputs around the one instruction, which
 * the back-end's own encoder makes of the row, with any registers.
 */
#include <string.h>
#include <sys/mman.h>
#include <xmmintrin.h>

#include "tcg/x86_64/cg.h"
#include "tcg/x86_64/vop_code.h"
#include "tests/tcg/vops.h"

/* --- what there is --- */

static unsigned ext_of(const VopDef *def)
{
    return def->attrs >> VOP_ATTR_EXT_SHIFT & 7;
}

/* Rows with a legacy encoding are those of SSE to SSE4.2, which come first, and
 * the last ones. */
bool form_exists(const VopDef *def, Form form)
{
    switch (form) {
    case FORM_SSE:
        return def < &vop_defs[VOP_VPERMILPS] ||
               (def->attrs & VOP_ATTR_NO_VEX) || ext_of(def) == VOP_EXT_GFNI;
    case FORM_VEX128:
        return !(def->attrs & VOP_ATTR_NO_VEX) &&
               vop_lanes(def) != VOP_LANES_CROSS;
    default:
        return vop_lanes(def) != VOP_LANES_NONE;
    }
}

const char *form_name(Form form)
{
    static const char *const name[] = {"sse", "vex128", "vex256"};

    return name[form];
}

/* What the back-end calls for, it may use: FMA and F16C are in x86-64-v3. */
const char *form_lacks(const VopDef *def, Form form)
{
    static const char *const names[][2] = {
        [VOP_EXT_AES] = {"aes", "vaes"},
        [VOP_EXT_CLMUL] = {"pclmulqdq", "vpclmulqdq"},
        [VOP_EXT_SHA] = {"sha_ni", "sha_ni"},
        [VOP_EXT_GFNI] = {"gfni", "gfni"},
    };
    bool wide = form == FORM_VEX256;

    if (!host_is_fit()) {
        return "x86-64-v3";
    }
    return host_has_vop_ext(ext_of(def), wide) ? NULL
                                               : names[ext_of(def)][wide];
}

static bool to_vector(const VopDef *def)
{
    return !vop_dst_is_int(def) && def->shape != VOP_FVV;
}

/* --- the host --- */

enum { CODE_BYTES = 64 * 1024, CODE_MAX = 512 };

/* Arguments of the code; no sub-op has them. */
#define IN    RDI
#define OUT   RSI
#define COUNT RDX
#define MXCSR RCX

static const Reg int_regs[HOST_INT_REGS] = {RAX, R8, R9, R10, R11};

void host_init(HostCode *code)
{
    code->base = mmap(NULL, CODE_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    g_assert_true(code->base != MAP_FAILED);
    code->used = 0;
}

void host_free(HostCode *code)
{
    munmap(code->base, CODE_BYTES);
}

/* SDM vol. 2A, "LDMXCSR"; vol. 2B, "STMXCSR" */
static void put_ldmxcsr(Asm *as, Rm rm)
{
    asm_op(as, 0xae | A_0F, 2, rm);
}

static void put_stmxcsr(Asm *as, Rm rm)
{
    asm_op(as, 0xae | A_0F, 3, rm);
}

/* The flags in the form of X86CPU.cc; EAX is 0. */
static void put_flags(Asm *as)
{
    asm_u8(as, 0x9f);                                /* lahf */
    asm_op(as, 0x90 | A_0F | A_RM8, 0, rm_reg(RAX)); /* seto %al */
    asm_store(as, IR_32, rm_mem(OUT, offsetof(Output, cc)), RAX);
}

/* In the legacy form a source is the destination, and a mask is XMM0. */
static VopRegs choose_registers(const Setup *s, Reg *integer)
{
    const VopDef *def = s->def;
    bool legacy = s->form == FORM_SSE;
    VopRegs r = {XMM0 + s->reg[0], XMM0 + s->reg[1], XMM0 + s->reg[2],
                 XMM0 + s->reg[3]};

    if (legacy && def->shape == VOP_VVVX) {
        r = (VopRegs){XMM0 + 1 + s->reg[0] % 7, REG_NONE,
                      XMM0 + 8 + s->reg[2] % 8, XMM0};
    }
    if (legacy || def->shape == VOP_VVVV) {
        r.a = r.d;
    }
    *integer = int_regs[s->ireg];
    if (vop_src_is_int(def)) {
        r.b = *integer;
    } else if (vop_dst_is_int(def)) {
        r.d = *integer;
    }
    return r;
}

static void put_loads(Asm *as, const Setup *s, VopRegs r, Reg integer)
{
    if (r.a >= XMM0) {
        asm_vload(as, true, r.a, rm_mem(IN, offsetof(Input, a)));
    }
    if (r.b >= XMM0) {
        asm_vload(as, true, r.b, rm_mem(IN, offsetof(Input, b)));
    }
    asm_vload(as, true, r.c, rm_mem(IN, offsetof(Input, c)));
    asm_mov_imm(as, RAX, 0);
    if (vop_src_is_int(s->def) || vop_dst_is_int(s->def)) {
        asm_load(as, IR_64, integer, rm_mem(IN, offsetof(Input, r)));
    }
}

static void put_vop(Asm *as, const Setup *s, VopRegs r)
{
    if (s->form == FORM_SSE) {
        asm_vop_legacy(as, s->def, r, s->imm);
        return;
    }
    if (s->def == &vop_defs[VOP_MOVD_VE] || s->def == &vop_defs[VOP_MOVQ_VE]) {
        r.a = REG_NONE;
    }
    asm_vop_vex(as, s->def, FORM_MODE(s->form), r, s->imm);
}

static void put_stores(Asm *as, const Setup *s, VopRegs r)
{
    if (s->def->shape == VOP_FVV) {
        put_flags(as);
    }
    put_stmxcsr(as, rm_mem(OUT, offsetof(Output, mxcsr)));
    if (vop_dst_is_int(s->def)) {
        asm_store(as, IR_64, rm_mem(OUT, offsetof(Output, r)), r.d);
    } else if (to_vector(s->def)) {
        asm_vstore(as, true, rm_mem(OUT, offsetof(Output, d)), r.d);
    }
}

const void *host_compile(HostCode *code, const Setup *s)
{
    uint8_t *start = code->base + code->used;
    Asm as = {start};
    Reg integer;
    VopRegs r = choose_registers(s, &integer);

    put_loads(&as, s, r, integer);
    put_ldmxcsr(&as, rm_mem(MXCSR, 0));
    put_vop(&as, s, r);
    put_stores(&as, s, r);
    asm_alu_imm(&as, ALU_ADD, IR_64, rm_reg(IN), sizeof(Input), false);
    asm_alu_imm(&as, ALU_ADD, IR_64, rm_reg(OUT), sizeof(Output), false);
    asm_alu_imm(&as, ALU_SUB, IR_64, rm_reg(COUNT), 1, false);
    asm_jcc(&as, COND_NE, start);
    memcpy(as.p, "\xc5\xf8\x77\xc3", 4); /* vzeroupper; ret */
    g_assert_cmpuint(as.p + 4 - start, <=, CODE_MAX);
    code->used = (code->used + CODE_MAX) % CODE_BYTES;
    return start;
}

void host_run(const void *entry, const Setup *s, const Input *in, Output *out,
              unsigned n)
{
    unsigned old = _mm_getcsr();

    memset(out, 0, n * sizeof(*out));
    ((void (*)(const Input *, Output *, uint64_t, const uint32_t *))(
        uintptr_t)entry)(in, out, n, &s->mxcsr);
    _mm_setcsr(old);
    for (unsigned i = 0; i < n && s->def->shape == VOP_FVV; i++) {
        out[i].cc &= CC_BITS;
    }
}

/* --- the portable function --- */

/* The upper half of a legacy form's destination stays as it was: @d is a source
 * of the run, while the host's is src0. */
static void keep_upper(const VopVec *d, const VopVec *before, const Input *in,
                       Output *out)
{
    out->d[1] = memcmp(&d[1], &before[1], sizeof(*d)) ? d[1] : in->a[1];
}

static uint64_t call(const Setup *s, Input *work, VopVec *d)
{
    bool no_a = s->def->shape == VOP_VV || s->def->shape == VOP_VVI ||
                s->def == &vop_defs[VOP_MOVD_VE] ||
                s->def == &vop_defs[VOP_MOVQ_VE];

    return vop_run(s->def, FORM_MODE(s->form), to_vector(s->def) ? d : NULL,
                   no_a ? NULL : work->a, work->b, work->c, work->r, s->imm);
}

static void run_one(const Setup *s, const Input *in, Output *out)
{
    Input work = *in;
    VopVec fresh[2] = {in->a[0], in->a[1]}, before[2];
    VopVec *const places[] = {fresh, work.a, work.b, work.c};
    VopVec *d = places[s->alias];
    bool fp = s->def->attrs & VOP_ATTR_FP;
    uint64_t result;

    memcpy(before, d, sizeof(before));
    /* As the interpreter does: others run under the host's own MXCSR. */
    _mm_setcsr(fp ? s->mxcsr : 0x1f80);
    result = call(s, &work, d);
    out->mxcsr = s->mxcsr | (_mm_getcsr() & 0x3f);
    out->r = vop_dst_is_int(s->def) ? result : 0;
    out->cc = s->def->shape == VOP_FVV ? (uint32_t)result : 0;
    if (to_vector(s->def)) {
        memcpy(out->d, d, sizeof(out->d));
        if (s->form == FORM_SSE) {
            keep_upper(d, before, in, out);
        }
    }
}

void portable_run(const Setup *s, const Input *in, Output *out, unsigned n)
{
    unsigned old = _mm_getcsr();

    memset(out, 0, n * sizeof(*out));
    for (unsigned i = 0; i < n; i++) {
        run_one(s, &in[i], &out[i]);
    }
    _mm_setcsr(old);
}
