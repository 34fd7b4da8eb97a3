/* SPDX-License-Identifier: MIT */
/*
 * Calculations on the host's x87.
 *
 * The general way runs one instruction under the guest's own control word and
 * takes the whole state with FNSAVE, which does not wait: an unmasked
 * exception pends, is seen in the image, and goes with the FNINIT that FNSAVE
 * ends with.  That is slow (some hundred cycles); with every exception masked,
 * as nearly all programs have it, arithmetic and moves take a shorter way.
 */
#include "target/i386/x87_host.h"

#include <string.h>

#define ALL_ST \
    "st", "st(1)", "st(2)", "st(3)", "st(4)", "st(5)", "st(6)", "st(7)"

/* What FNSAVE writes in 64-bit mode: the 32-bit protected-mode format. */
typedef struct __attribute__((packed)) HostImage {
    uint16_t cw, pad0, sw, pad1, tw, pad2;
    uint32_t fip, fcs_fop, fdp, fds;
    X87Value st[8];
} HostImage;
_Static_assert(sizeof(HostImage) == 108, "FNSAVE image");

static const uint16_t default_cw = X87_CW_INIT;

typedef void HostFn(X87Host *h);

static void take_image(X87Host *h, const HostImage *im)
{
    h->sw = im->sw;
    h->st0 = im->st[0];
    h->st1 = im->st[1];
}

/* Any instruction, any control word. */
#define HOST_FULL(name, insn)                                                \
    static void full_##name(X87Host *h)                                      \
    {                                                                        \
        HostImage im;                                                        \
                                                                             \
        __asm__ volatile("fninit\n\t"                                        \
                         "fldcw %[cw]\n\t"                                   \
                         "fldt %[b]\n\t"                                     \
                         "fldt %[a]\n\t" insn "\n\t"                         \
                         "fnsave %[im]"                                      \
                         : [im] "=m"(im), [mem] "+m"(h->mem)                 \
                         : [cw] "m"(h->cw), [a] "m"(h->st0),                 \
                           [b] "m"(h->st1)                                   \
                         : ALL_ST);                                          \
        take_image(h, &im);                                                  \
    }

/* Instructions that neither push nor pop, all exceptions masked. */
#define HOST_MASKED(name, insn)                                              \
    static void masked_##name(X87Host *h)                                    \
    {                                                                        \
        __asm__ volatile("fnclex\n\t"                                        \
                         "fldcw %[cw]\n\t"                                   \
                         "fldt %[b]\n\t"                                     \
                         "fldt %[a]\n\t" insn "\n\t"                         \
                         "fnstsw %[sw]\n\t"                                  \
                         "fstpt %[a]\n\t"                                    \
                         "fstp %%st(0)\n\t"                                  \
                         "fldcw %[def]"                                      \
                         : [a] "+m"(h->st0), [sw] "=m"(h->sw)                \
                         : [cw] "m"(h->cw), [b] "m"(h->st1),                 \
                           [mem] "m"(h->mem), [def] "m"(default_cw)          \
                         : ALL_ST);                                          \
    }

/* ST(0) to memory with a pop, all exceptions masked. */
#define HOST_MASKED_STORE(name, insn)                                        \
    static void masked_##name(X87Host *h)                                    \
    {                                                                        \
        __asm__ volatile("fnclex\n\t"                                        \
                         "fldcw %[cw]\n\t"                                   \
                         "fldt %[a]\n\t" insn "\n\t"                         \
                         "fnstsw %[sw]\n\t"                                  \
                         "fldcw %[def]"                                      \
                         : [mem] "+m"(h->mem), [sw] "=m"(h->sw)              \
                         : [cw] "m"(h->cw), [a] "m"(h->st0),                 \
                           [def] "m"(default_cw)                             \
                         : ALL_ST);                                          \
    }

/* Memory to ST(0), all exceptions masked: nothing is rounded, so the control
 * word does not matter. */
#define HOST_LOAD(name, insn)                                                \
    HOST_FULL(name, insn)                                                    \
    static void masked_##name(X87Host *h)                                    \
    {                                                                        \
        __asm__ volatile("fnclex\n\t" insn "\n\t"                            \
                         "fnstsw %[sw]\n\t"                                  \
                         "fstpt %[a]"                                        \
                         : [a] "=m"(h->st0), [sw] "=m"(h->sw)                \
                         : [mem] "m"(h->mem)                                 \
                         : ALL_ST);                                          \
    }

#define HOST_BOTH(name, insn) HOST_FULL(name, insn) HOST_MASKED(name, insn)
#define HOST_STORE(name, insn) \
    HOST_FULL(name, insn) HOST_MASKED_STORE(name, insn)

/* --- two operands --- */

#define HOST_ARITH(op)                                                       \
    HOST_BOTH(op##_st1, #op " %%st(1), %%st")                                \
    HOST_BOTH(op##_f32, #op "s %[mem]")                                      \
    HOST_BOTH(op##_f64, #op "l %[mem]")
#define HOST_ARITH_INT(op)                                                   \
    HOST_BOTH(fi##op##_i16, "fi" #op "s %[mem]")                             \
    HOST_BOTH(fi##op##_i32, "fi" #op "l %[mem]")

HOST_ARITH(fadd)
HOST_ARITH(fmul)
HOST_ARITH(fsub)
HOST_ARITH(fsubr)
HOST_ARITH(fdiv)
HOST_ARITH(fdivr)
HOST_BOTH(fcom_st1, "fcom %%st(1)")
HOST_BOTH(fcom_f32, "fcoms %[mem]")
HOST_BOTH(fcom_f64, "fcoml %[mem]")
HOST_ARITH_INT(add)
HOST_ARITH_INT(mul)
HOST_ARITH_INT(com)
HOST_ARITH_INT(sub)
HOST_ARITH_INT(subr)
HOST_ARITH_INT(div)
HOST_ARITH_INT(divr)

/* By source, then ModRM.reg; FCOMP compares as FCOM does. */
#define ARITH_ROWS(kind)                                                     \
    {                                                                        \
        [X87_SRC_ST1] = {kind##_fadd_st1, kind##_fmul_st1, kind##_fcom_st1,  \
                         kind##_fcom_st1, kind##_fsub_st1, kind##_fsubr_st1, \
                         kind##_fdiv_st1, kind##_fdivr_st1},                 \
        [X87_SRC_F32] = {kind##_fadd_f32, kind##_fmul_f32, kind##_fcom_f32,  \
                         kind##_fcom_f32, kind##_fsub_f32, kind##_fsubr_f32, \
                         kind##_fdiv_f32, kind##_fdivr_f32},                 \
        [X87_SRC_F64] = {kind##_fadd_f64, kind##_fmul_f64, kind##_fcom_f64,  \
                         kind##_fcom_f64, kind##_fsub_f64, kind##_fsubr_f64, \
                         kind##_fdiv_f64, kind##_fdivr_f64},                 \
        [X87_SRC_I16] = {kind##_fiadd_i16, kind##_fimul_i16,                 \
                         kind##_ficom_i16, kind##_ficom_i16,                 \
                         kind##_fisub_i16, kind##_fisubr_i16,                \
                         kind##_fidiv_i16, kind##_fidivr_i16},               \
        [X87_SRC_I32] = {kind##_fiadd_i32, kind##_fimul_i32,                 \
                         kind##_ficom_i32, kind##_ficom_i32,                 \
                         kind##_fisub_i32, kind##_fisubr_i32,                \
                         kind##_fidiv_i32, kind##_fidivr_i32},               \
    }

static HostFn *const arith_full[X87_SRC_COUNT][8] = ARITH_ROWS(full);
static HostFn *const arith_masked[X87_SRC_COUNT][8] = ARITH_ROWS(masked);

static bool all_masked(const X87Host *h)
{
    return (h->cw & X87_EXCEPTIONS) == X87_EXCEPTIONS;
}

void x87_host_arith(X87Host *h, X87Source src, unsigned op)
{
    if (likely(all_masked(h))) {
        arith_masked[src][op](h);
    } else {
        arith_full[src][op](h);
    }
}

/* --- the rest --- */

HOST_FULL(f2xm1, "f2xm1")
HOST_FULL(fyl2x, "fyl2x")
HOST_FULL(fpatan, "fpatan")
HOST_FULL(fprem1, "fprem1")
HOST_FULL(fprem, "fprem")
HOST_FULL(fyl2xp1, "fyl2xp1")
HOST_BOTH(fsqrt, "fsqrt")
HOST_BOTH(frndint, "frndint")
HOST_BOTH(fscale, "fscale")
HOST_FULL(fsin, "fsin")
HOST_FULL(fcos, "fcos")
HOST_FULL(fptan, "fptan")
HOST_FULL(fxtract, "fxtract")
HOST_FULL(fsincos, "fsincos")
HOST_BOTH(fucom, "fucom %%st(1)")
HOST_BOTH(ftst, "ftst")
HOST_BOTH(fxam, "fxam")
HOST_LOAD(fld_f32, "flds %[mem]")
HOST_LOAD(fld_f64, "fldl %[mem]")
HOST_LOAD(fbld, "fbld %[mem]")
HOST_STORE(fst_f32, "fstps %[mem]")
HOST_STORE(fst_f64, "fstpl %[mem]")
HOST_STORE(fist_16, "fistps %[mem]")
HOST_STORE(fist_32, "fistpl %[mem]")
HOST_STORE(fist_64, "fistpll %[mem]")
HOST_STORE(fistt_16, "fisttps %[mem]")
HOST_STORE(fistt_32, "fisttpl %[mem]")
HOST_STORE(fistt_64, "fisttpll %[mem]")
HOST_STORE(fbst, "fbstp %[mem]")

/* The way with all exceptions masked, then the general one. */
static HostFn *const host_fn[X87_HOST_COUNT][2] = {
    [X87_HOST_F2XM1] = {full_f2xm1, full_f2xm1},
    [X87_HOST_FYL2X] = {full_fyl2x, full_fyl2x},
    [X87_HOST_FPATAN] = {full_fpatan, full_fpatan},
    [X87_HOST_FPREM1] = {full_fprem1, full_fprem1},
    [X87_HOST_FPREM] = {full_fprem, full_fprem},
    [X87_HOST_FYL2XP1] = {full_fyl2xp1, full_fyl2xp1},
    [X87_HOST_FSQRT] = {masked_fsqrt, full_fsqrt},
    [X87_HOST_FRNDINT] = {masked_frndint, full_frndint},
    [X87_HOST_FSCALE] = {masked_fscale, full_fscale},
    [X87_HOST_FSIN] = {full_fsin, full_fsin},
    [X87_HOST_FCOS] = {full_fcos, full_fcos},
    [X87_HOST_FPTAN] = {full_fptan, full_fptan},
    [X87_HOST_FXTRACT] = {full_fxtract, full_fxtract},
    [X87_HOST_FSINCOS] = {full_fsincos, full_fsincos},
    [X87_HOST_FUCOM] = {masked_fucom, full_fucom},
    [X87_HOST_FTST] = {masked_ftst, full_ftst},
    [X87_HOST_FXAM] = {masked_fxam, full_fxam},
    [X87_HOST_FLD_F32] = {masked_fld_f32, full_fld_f32},
    [X87_HOST_FLD_F64] = {masked_fld_f64, full_fld_f64},
    [X87_HOST_FBLD] = {masked_fbld, full_fbld},
    [X87_HOST_FST_F32] = {masked_fst_f32, full_fst_f32},
    [X87_HOST_FST_F64] = {masked_fst_f64, full_fst_f64},
    [X87_HOST_FIST_16] = {masked_fist_16, full_fist_16},
    [X87_HOST_FIST_32] = {masked_fist_32, full_fist_32},
    [X87_HOST_FIST_64] = {masked_fist_64, full_fist_64},
    [X87_HOST_FISTT_16] = {masked_fistt_16, full_fistt_16},
    [X87_HOST_FISTT_32] = {masked_fistt_32, full_fistt_32},
    [X87_HOST_FISTT_64] = {masked_fistt_64, full_fistt_64},
    [X87_HOST_FBST] = {masked_fbst, full_fbst},
};

void x87_host_run(X87Host *h, X87HostOp op)
{
    host_fn[op][all_masked(h) ? 0 : 1](h);
}

/* --- constants, which RC rounds --- */

HOST_FULL(fld1, "fld1")
HOST_FULL(fldl2t, "fldl2t")
HOST_FULL(fldl2e, "fldl2e")
HOST_FULL(fldpi, "fldpi")
HOST_FULL(fldlg2, "fldlg2")
HOST_FULL(fldln2, "fldln2")
HOST_FULL(fldz, "fldz")

void x87_host_const(X87Host *h, unsigned which)
{
    static HostFn *const fn[] = {full_fld1,   full_fldl2t, full_fldl2e,
                                 full_fldpi,  full_fldlg2, full_fldln2,
                                 full_fldz};

    fn[which](h);
}
