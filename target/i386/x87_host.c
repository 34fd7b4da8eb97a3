/* SPDX-License-Identifier: MIT */
/*
 * The host's x87 instructions, one small function each.
 *
 * Forms that pop are avoided where there is a choice: with an unmasked
 * exception an instruction leaves the stack as it was, and what has to be
 * cleaned up would depend on that.  Where there is none, FFREE empties whatever
 * register is left; that TOP drifts by it does not matter to compiled code.
 */
#include "target/i386/x87_host.h"

/* Status to AX (the rest of EAX is undefined), then drop a pending exception,
 * so that waiting instructions may follow. */
#define STATUS          \
    "fnstsw %%ax\n\t"   \
    "testb $0x80, %%al\n\t" \
    "jz 1f\n\t"         \
    "fnclex\n"          \
    "1:\t"

#define OUT_STATUS(sw) "=a"(sw)

/* --- two operands --- */

#define BINARY_REG(name, insn)                                              \
    unsigned name(X87Reg *d, const X87Reg *st0, const void *b)              \
    {                                                                       \
        unsigned sw;                                                        \
                                                                            \
        __asm__ volatile("fldt %[b]\n\tfldt %[a]\n\t" insn "\n\t" STATUS    \
                         "fstpt %[d]\n\tfstp %%st(0)"                       \
                         : [d] "=m"(*d), OUT_STATUS(sw)                     \
                         : [a] "m"(*st0), [b] "m"(*(const X87Reg *)b)       \
                         : "cc");                                           \
        return sw;                                                          \
    }

#define BINARY_MEM(name, insn, type)                                        \
    static unsigned name(X87Reg *d, const X87Reg *st0, const void *b)       \
    {                                                                       \
        unsigned sw;                                                        \
                                                                            \
        __asm__ volatile("fldt %[a]\n\t" insn " %[b]\n\t" STATUS            \
                         "fstpt %[d]"                                       \
                         : [d] "=m"(*d), OUT_STATUS(sw)                     \
                         : [a] "m"(*st0), [b] "m"(*(const type *)b)         \
                         : "cc");                                           \
        return sw;                                                          \
    }

/* One operation in all its formats. */
#define ARITH(name)                                                         \
    static BINARY_REG(name##_st, "f" #name " %%st(1), %%st")                \
    BINARY_MEM(name##_f32, "f" #name "s", uint32_t)                         \
    BINARY_MEM(name##_f64, "f" #name "l", uint64_t)                         \
    BINARY_MEM(name##_i16, "fi" #name "s", uint16_t)                        \
    BINARY_MEM(name##_i32, "fi" #name "l", uint32_t)

ARITH(add)
ARITH(mul)
ARITH(sub)
ARITH(subr)
ARITH(div)
ARITH(divr)

#define ARITH_ROW(format)                                                   \
    {                                                                       \
        add_##format, mul_##format, NULL, NULL, sub_##format,               \
            subr_##format, div_##format, divr_##format                      \
    }

X87Binary *const x87_host_arith[X87_NFORMATS][8] = {
    [X87_ST] = ARITH_ROW(st),   [X87_F32] = ARITH_ROW(f32),
    [X87_F64] = ARITH_ROW(f64), [X87_I16] = ARITH_ROW(i16),
    [X87_I32] = ARITH_ROW(i32),
};

BINARY_REG(x87_host_scale, "fscale")
static BINARY_REG(prem, "fprem")
static BINARY_REG(prem1, "fprem1")

X87Binary *const x87_host_prem[] = {
    [X87_PREM] = prem,
    [X87_PREM1] = prem1,
};

/* The result is in ST(0) whether ST(1) was popped into it or not; in the
 * latter case it does not count. */
#define BINARY_POP(name, insn)                                              \
    static unsigned name(X87Reg *d, const X87Reg *st0, const void *b)       \
    {                                                                       \
        unsigned sw;                                                        \
                                                                            \
        __asm__ volatile("fldt %[b]\n\tfldt %[a]\n\t" insn "\n\t" STATUS    \
                         "fstpt %[d]\n\tffree %%st(0)"                      \
                         : [d] "=m"(*d), OUT_STATUS(sw)                     \
                         : [a] "m"(*st0), [b] "m"(*(const X87Reg *)b)       \
                         : "cc");                                           \
        return sw;                                                          \
    }

BINARY_POP(yl2x, "fyl2x")
BINARY_POP(yl2xp1, "fyl2xp1")
BINARY_POP(patan, "fpatan")

X87Binary *const x87_host_pop[] = {
    [X87_YL2X] = yl2x,
    [X87_YL2XP1] = yl2xp1,
    [X87_PATAN] = patan,
};

/* --- one operand --- */

#define UNARY(name, insn)                                                   \
    static unsigned name(X87Reg *d, const X87Reg *st0)                      \
    {                                                                       \
        unsigned sw;                                                        \
                                                                            \
        __asm__ volatile("fldt %[a]\n\t" insn "\n\t" STATUS "fstpt %[d]"    \
                         : [d] "=m"(*d), OUT_STATUS(sw)                     \
                         : [a] "m"(*st0)                                    \
                         : "cc");                                           \
        return sw;                                                          \
    }

UNARY(sqrt_, "fsqrt")
UNARY(rndint, "frndint")
UNARY(f2xm1, "f2xm1")
UNARY(sin_, "fsin")
UNARY(cos_, "fcos")

X87Unary *const x87_host_unary[] = {
    [X87_SQRT] = sqrt_, [X87_RNDINT] = rndint, [X87_2XM1] = f2xm1,
    [X87_SIN] = sin_,   [X87_COS] = cos_,
};

/* A zero below the operand is there to be popped if nothing was pushed. */
#define SPLIT(name, insn)                                                   \
    static unsigned name(X87Reg d[2], const X87Reg *st0)                    \
    {                                                                       \
        unsigned sw;                                                        \
                                                                            \
        __asm__ volatile("fldz\n\tfldt %[a]\n\t" insn "\n\t" STATUS         \
                         "fstpt %[d0]\n\tfstpt %[d1]\n\tffree %%st(0)"      \
                         : [d0] "=m"(d[0]), [d1] "=m"(d[1]), OUT_STATUS(sw) \
                         : [a] "m"(*st0)                                    \
                         : "cc");                                           \
        return sw;                                                          \
    }

SPLIT(tan_, "fptan")
SPLIT(sincos_, "fsincos")
SPLIT(xtract, "fxtract")

X87Split *const x87_host_split[] = {
    [X87_TAN] = tan_,
    [X87_SINCOS] = sincos_,
    [X87_XTRACT] = xtract,
};

/* st0 is not looked at. */
#define CONSTANT(name)                                                      \
    static unsigned name(X87Reg *d, const X87Reg *st0)                      \
    {                                                                       \
        __asm__ volatile("f" #name "\n\tfstpt %0" : "=m"(*d));              \
        return 0;                                                           \
    }

CONSTANT(ld1)
CONSTANT(ldl2t)
CONSTANT(ldl2e)
CONSTANT(ldpi)
CONSTANT(ldlg2)
CONSTANT(ldln2)
CONSTANT(ldz)

X87Unary *const x87_host_const[7] = {
    ld1, ldl2t, ldl2e, ldpi, ldlg2, ldln2, ldz,
};

/* --- comparison --- */

#define COMPARE_MEM(name, insn, type)                                       \
    static unsigned name(const X87Reg *st0, const void *b)                  \
    {                                                                       \
        unsigned sw;                                                        \
                                                                            \
        __asm__ volatile("fldt %[a]\n\t" insn " %[b]\n\t" STATUS            \
                         "fstp %%st(0)"                                     \
                         : OUT_STATUS(sw)                                   \
                         : [a] "m"(*st0), [b] "m"(*(const type *)b)         \
                         : "cc");                                           \
        return sw;                                                          \
    }

#define COMPARE_REG(name, insn)                                             \
    unsigned name(const X87Reg *st0, const void *b)                         \
    {                                                                       \
        unsigned sw;                                                        \
                                                                            \
        __asm__ volatile("fldt %[b]\n\tfldt %[a]\n\t" insn "\n\t" STATUS    \
                         "fstp %%st(0)\n\tfstp %%st(0)"                     \
                         : OUT_STATUS(sw)                                   \
                         : [a] "m"(*st0), [b] "m"(*(const X87Reg *)b)       \
                         : "cc");                                           \
        return sw;                                                          \
    }

static COMPARE_REG(compare_st, "fcom %%st(1)")
COMPARE_REG(x87_host_ucompare, "fucom %%st(1)")
COMPARE_MEM(compare_f32, "fcoms", uint32_t)
COMPARE_MEM(compare_f64, "fcoml", uint64_t)
COMPARE_MEM(compare_i16, "ficoms", uint16_t)
COMPARE_MEM(compare_i32, "ficoml", uint32_t)

X87Compare *const x87_host_compare[X87_NFORMATS] = {
    [X87_ST] = compare_st,   [X87_F32] = compare_f32,
    [X87_F64] = compare_f64, [X87_I16] = compare_i16,
    [X87_I32] = compare_i32,
};

#define EXAMINE(name, insn)                                                 \
    unsigned name(X87Reg *d, const X87Reg *st0)                             \
    {                                                                       \
        unsigned sw;                                                        \
                                                                            \
        __asm__ volatile("fldt %[a]\n\t" insn "\n\t" STATUS "fstp %%st(0)"  \
                         : OUT_STATUS(sw)                                   \
                         : [a] "m"(*st0)                                    \
                         : "cc");                                           \
        return sw;                                                          \
    }

EXAMINE(x87_host_test, "ftst")
EXAMINE(x87_host_examine, "fxam")

/* --- memory formats --- */

/* A load that signals leaves its operand out; the zero is popped then. */
#define LOAD(name, insn, type)                                              \
    unsigned name(X87Reg *d, const void *src)                               \
    {                                                                       \
        unsigned sw;                                                        \
                                                                            \
        __asm__ volatile("fldz\n\t" insn " %[b]\n\t" STATUS                 \
                         "fstpt %[d]\n\tffree %%st(0)"                      \
                         : [d] "=m"(*d), OUT_STATUS(sw)                     \
                         : [b] "m"(*(const type *)src)                      \
                         : "cc");                                           \
        return sw;                                                          \
    }

LOAD(x87_host_load_f32, "flds", uint32_t)
LOAD(x87_host_load_f64, "fldl", uint64_t)
LOAD(x87_host_load_i64, "fildll", uint64_t)
LOAD(x87_host_load_bcd, "fbld", X87Reg)

#define STORE(name, insn, type)                                             \
    static unsigned name(void *dst, const X87Reg *st0)                      \
    {                                                                       \
        unsigned sw;                                                        \
                                                                            \
        __asm__ volatile("fldt %[a]\n\t" insn " %[d]\n\t" STATUS            \
                         "ffree %%st(0)"                                    \
                         : [d] "+m"(*(type *)dst), OUT_STATUS(sw)           \
                         : [a] "m"(*st0)                                    \
                         : "cc");                                           \
        return sw;                                                          \
    }

STORE(to_f32, "fstps", uint32_t)
STORE(to_f64, "fstpl", uint64_t)
STORE(to_i16, "fistps", uint16_t)
STORE(to_i32, "fistpl", uint32_t)
STORE(to_i64, "fistpll", uint64_t)
STORE(trunc_i16, "fisttps", uint16_t)
STORE(trunc_i32, "fisttpl", uint32_t)
STORE(trunc_i64, "fisttpll", uint64_t)
STORE(to_bcd, "fbstp", X87Reg)

X87Store *const x87_host_store[] = {
    [X87_TO_F32] = to_f32,       [X87_TO_F64] = to_f64,
    [X87_TO_I16] = to_i16,       [X87_TO_I32] = to_i32,
    [X87_TO_I64] = to_i64,       [X87_TRUNC_I16] = trunc_i16,
    [X87_TRUNC_I32] = trunc_i32, [X87_TRUNC_I64] = trunc_i64,
    [X87_TO_BCD] = to_bcd,
};
