/* SPDX-License-Identifier: MIT */
/*
 * ir_eval against the instructions of the host: every integer op and size, on
 * corners and random operands.  Results must be equal, and flags where the SDM
 * defines them.
 */
#include "tcg/ir.h"

/* Operands and results of one run; flags in X86CPU.cc's form. */
typedef struct Run {
    uint64_t a, b, c; /* rdx, rbx, rcx */
    uint64_t hi;
    uint16_t cc;
} Run;

/* Flags in from ax (OF from al, by an addition that overflows when it is 1,
 * then SAHF), flags out to ax. */
#define FLAGS_IN  "addb $0x7f, %%al\n\tsahf\n\t"
#define FLAGS_OUT "\n\tlahf\n\tseto %%al"

#define HOST(name, insn)                                                \
    static void host_##name(Run *r)                                     \
    {                                                                   \
        uint64_t ax = r->cc;                                            \
                                                                        \
        __asm__ volatile(FLAGS_IN insn FLAGS_OUT                        \
                         : "+a"(ax), "+d"(r->a), "+b"(r->b), "+c"(r->c) \
                         :                                              \
                         : "cc");                                       \
        r->cc = ax & CC_BITS;                                           \
    }
/* Sizes of a two-operand instruction, and of one and of shifts. */
#define HOST2W(n)                        \
    HOST(n##_16, #n " %%bx, %%dx")       \
    HOST(n##_32, #n " %%ebx, %%edx")     \
    HOST(n##_64, #n " %%rbx, %%rdx")
#define HOST2(n) HOST(n##_8, #n " %%bl, %%dl") HOST2W(n)
#define HOST1(n)                    \
    HOST(n##_8, #n " %%dl")         \
    HOST(n##_16, #n " %%dx")        \
    HOST(n##_32, #n " %%edx")       \
    HOST(n##_64, #n " %%rdx")
#define HOST_SHIFT(n)                                                     \
    HOST(n##_8, "xchg %%rbx, %%rcx; " #n " %%cl, %%dl; xchg %%rbx, %%rcx")  \
    HOST(n##_16, "xchg %%rbx, %%rcx; " #n " %%cl, %%dx; xchg %%rbx, %%rcx") \
    HOST(n##_32, "xchg %%rbx, %%rcx; " #n " %%cl, %%edx; xchg %%rbx, %%rcx")\
    HOST(n##_64, "xchg %%rbx, %%rcx; " #n " %%cl, %%rdx; xchg %%rbx, %%rcx")
#define HOST_DSHIFT(n)                            \
    HOST(n##_16, #n " %%cl, %%bx, %%dx")          \
    HOST(n##_32, #n " %%cl, %%ebx, %%edx")        \
    HOST(n##_64, #n " %%cl, %%rbx, %%rdx")
#define HOST_UNARY(n)                        \
    HOST(n##_16, #n " %%dx, %%dx")           \
    HOST(n##_32, #n " %%edx, %%edx")         \
    HOST(n##_64, #n " %%rdx, %%rdx")
#define HOST_BMI(n, last32, last64) \
    HOST(n##_32, #n " " last32) HOST(n##_64, #n " " last64)

HOST2(add) HOST2(adc) HOST2(sub) HOST2(sbb)
HOST2(and) HOST2(or) HOST2(xor) HOST2(cmp) HOST2(test)
HOST1(not) HOST1(neg) HOST1(inc) HOST1(dec)
HOST_SHIFT(shl) HOST_SHIFT(shr) HOST_SHIFT(sar)
HOST_SHIFT(rol) HOST_SHIFT(ror) HOST_SHIFT(rcl) HOST_SHIFT(rcr)
HOST_DSHIFT(shld) HOST_DSHIFT(shrd)
HOST2W(imul) HOST2W(bt) HOST2W(bts) HOST2W(btr) HOST2W(btc)
HOST2W(bsf) HOST2W(bsr)
HOST_UNARY(tzcnt) HOST_UNARY(lzcnt) HOST_UNARY(popcnt)
HOST_BMI(andn, "%%ebx, %%edx, %%edx", "%%rbx, %%rdx, %%rdx")
HOST_BMI(blsi, "%%edx, %%edx", "%%rdx, %%rdx")
HOST_BMI(blsr, "%%edx, %%edx", "%%rdx, %%rdx")
HOST_BMI(blsmsk, "%%edx, %%edx", "%%rdx, %%rdx")
HOST_BMI(bextr, "%%ebx, %%edx, %%edx", "%%rbx, %%rdx, %%rdx")
HOST_BMI(bzhi, "%%ebx, %%edx, %%edx", "%%rbx, %%rdx, %%rdx")
HOST_BMI(pdep, "%%ebx, %%edx, %%edx", "%%rbx, %%rdx, %%rdx")
HOST_BMI(pext, "%%ebx, %%edx, %%edx", "%%rbx, %%rdx, %%rdx")
HOST(bswap_32, "bswap %%edx")
HOST(bswap_64, "bswap %%rdx")
HOST(crc32_8, "crc32b %%bl, %%edx")
HOST(crc32_16, "crc32w %%bx, %%edx")
HOST(crc32_32, "crc32l %%ebx, %%edx")
HOST(crc32_64, "crc32q %%rbx, %%rdx")

/* One-operand multiplications: low half in rax, so flags go by rcx. */
#define HOST_MUL(name, insn)                                             \
    static void host_##name(Run *r)                                      \
    {                                                                    \
        uint64_t ax = r->cc, dx = r->a, cx = r->c;                       \
                                                                         \
        __asm__ volatile(FLAGS_IN "mov %%rdx, %%rax\n\t" insn            \
                         "\n\tmov %%rax, %%rcx" FLAGS_OUT                \
                         : "+a"(ax), "+d"(dx), "+c"(cx)                  \
                         : "b"(r->b)                                     \
                         : "cc");                                        \
        r->a = cx;                                                       \
        r->hi = dx;                                                      \
        r->cc = ax & CC_BITS;                                            \
    }
HOST_MUL(mulu2_32, "mull %%ebx")
HOST_MUL(mulu2_64, "mulq %%rbx")
HOST_MUL(muls2_32, "imull %%ebx")
HOST_MUL(muls2_64, "imulq %%rbx")

typedef struct Case {
    IrOpc opc;
    IrSize size;
    uint8_t defined; /* IR_CC_* that the SDM defines */
    void (*host)(Run *r);
    MemOp memop;
} Case;

enum {
    C = IR_CC_C,
    P = IR_CC_P,
    A = IR_CC_A,
    Z = IR_CC_Z,
    S = IR_CC_S,
    O = IR_CC_O,
    ALL = IR_CC_ALL,
};
#define SIZEW(OP, op, def)                         \
    {IR_##OP, IR_16, def, host_##op##_16, 0},   \
    {IR_##OP, IR_32, def, host_##op##_32, 0},   \
    {IR_##OP, IR_64, def, host_##op##_64, 0}
#define SIZES(OP, op, def) \
    {IR_##OP, IR_8, def, host_##op##_8, 0}, SIZEW(OP, op, def)
#define SIZE2(OP, op, def)                         \
    {IR_##OP, IR_32, def, host_##op##_32, 0},   \
    {IR_##OP, IR_64, def, host_##op##_64, 0}

static const Case cases[] = {
    SIZES(ADD, add, ALL),
    SIZES(ADC, adc, ALL),
    SIZES(SUB, sub, ALL),
    SIZES(SBB, sbb, ALL),
    SIZES(AND, and, ALL & ~A),
    SIZES(OR, or, ALL & ~A),
    SIZES(XOR, xor, ALL & ~A),
    SIZES(CMP, cmp, ALL),
    SIZES(TEST, test, ALL & ~A),
    SIZES(NOT, not, ALL),
    SIZES(NEG, neg, ALL),
    SIZES(INC, inc, ALL),
    SIZES(DEC, dec, ALL),
    /* CF of a count past the size is undefined: see defined_flags. */
    SIZES(SHL, shl, ALL & ~(A | O)),
    SIZES(SHR, shr, ALL & ~(A | O)),
    SIZES(SAR, sar, ALL & ~(A | O)),
    SIZES(ROL, rol, ALL & ~O),
    SIZES(ROR, ror, ALL & ~O),
    SIZES(RCL, rcl, ALL & ~O),
    SIZES(RCR, rcr, ALL & ~O),
    SIZEW(SHLD, shld, ALL & ~(A | O)),
    SIZEW(SHRD, shrd, ALL & ~(A | O)),
    SIZEW(IMUL, imul, C | O),
    SIZE2(MULU2, mulu2, C | O),
    SIZE2(MULS2, muls2, C | O),
    SIZEW(BT, bt, C | Z),
    SIZEW(BTS, bts, C | Z),
    SIZEW(BTR, btr, C | Z),
    SIZEW(BTC, btc, C | Z),
    SIZEW(BSF, bsf, Z),
    SIZEW(BSR, bsr, Z),
    SIZEW(TZCNT, tzcnt, C | Z),
    SIZEW(LZCNT, lzcnt, C | Z),
    SIZEW(POPCNT, popcnt, ALL),
    SIZE2(BSWAP, bswap, ALL),
    SIZE2(ANDN, andn, ALL & ~(A | P)),
    SIZE2(BLSI, blsi, ALL & ~(A | P)),
    SIZE2(BLSR, blsr, ALL & ~(A | P)),
    SIZE2(BLSMSK, blsmsk, ALL & ~(A | P)),
    SIZE2(BEXTR, bextr, C | Z | O),
    SIZE2(BZHI, bzhi, ALL & ~(A | P)),
    SIZE2(PDEP, pdep, ALL),
    SIZE2(PEXT, pext, ALL),
    {IR_CRC32, IR_32, ALL, host_crc32_8, MO_8},
    {IR_CRC32, IR_32, ALL, host_crc32_16, MO_16},
    {IR_CRC32, IR_32, ALL, host_crc32_32, MO_32},
    {IR_CRC32, IR_64, ALL, host_crc32_64, MO_64},
};

static uint16_t cc_bits(uint8_t flags)
{
    return (flags & C ? CC_BIT_C : 0) | (flags & P ? CC_BIT_P : 0) |
           (flags & A ? CC_BIT_A : 0) | (flags & Z ? CC_BIT_Z : 0) |
           (flags & S ? CC_BIT_S : 0) | (flags & O ? CC_BIT_O : 0);
}

/* Which flags depend on the count, for shifts; a count of 0 keeps all. */
static uint8_t defined_flags(const Case *k, const Run *r)
{
    bool dshift = k->opc == IR_SHLD || k->opc == IR_SHRD;
    unsigned mask = k->size == IR_64 ? 63 : 31;
    unsigned count = (dshift ? r->c : r->b) & mask;

    if (!(ir_op_defs[k->opc].attrs & IR_ATTR_Q)) {
        return k->defined;
    }
    if (count == 0) {
        return ALL;
    }
    if (dshift && count > 8u << k->size) {
        return 0;
    }
    if ((k->opc == IR_SHL || k->opc == IR_SHR) && count > 8u << k->size) {
        return k->defined & ~C;
    }
    return count == 1 ? k->defined | O : k->defined;
}

static void check(const Case *k, Run in)
{
    Run host = in;
    IrVal v = ir_eval(k->opc, k->size, in.a, in.b, in.c, in.cc, k->memop);
    uint8_t defined = defined_flags(k, &in);
    bool no_result = ir_op_defs[k->opc].ndst == 0;

    k->host(&host);
    /* Nothing defined: the result is not defined either. */
    if ((!no_result && defined && v.lo != host.a) ||
        (ir_op_defs[k->opc].ndst == 2 && v.hi != host.hi) ||
        ((v.cc ^ host.cc) & cc_bits(defined))) {
        g_error("%s size %d: a=%" PRIx64 " b=%" PRIx64 " c=%" PRIx64
                " cc=%x: got %" PRIx64 ":%" PRIx64 " cc=%x, host %" PRIx64
                ":%" PRIx64 " cc=%x",
                ir_op_defs[k->opc].name, k->size, in.a, in.b, in.c, in.cc,
                v.hi, v.lo, v.cc, host.hi, host.a, host.cc);
    }
}

static uint64_t operand(GRand *rand)
{
    static const uint64_t corners[] = {
        0,          1,          2,          0x7f,
        0x80,       0xff,       0x7fff,     0x8000,
        0xffff,     0x7fffffff, 0x80000000, 0xffffffff,
        INT64_MAX,  (uint64_t)INT64_MIN,    UINT64_MAX,
        0x100,      8,          16,         31,
        32,         33,         63,         64,
    };

    if (g_rand_boolean(rand)) {
        return corners[g_rand_int_range(rand, 0, ARRAY_LEN(corners))];
    }
    return (uint64_t)g_rand_int(rand) << 32 | g_rand_int(rand);
}

static void test_case(gconstpointer opaque)
{
    const Case *k = opaque;
    GRand *rand = g_rand_new_with_seed(k->opc * 4 + k->size);

    for (unsigned i = 0; i < 4000; i++) {
        Run in = {
            .a = operand(rand),
            .b = operand(rand),
            .c = operand(rand),
            .cc = g_rand_int(rand) & CC_BITS,
        };

        check(k, in);
    }
    g_rand_free(rand);
}

/* A recipe recovers what the op itself would have left. */
static void check_recipe(IrOpc opc, IrSize size, uint64_t a, uint64_t b,
                         uint16_t cc)
{
    IrVal v = ir_eval(opc, size, a, b, 0, cc, 0);
    IrRecipe r = {.opc = opc, .size = size};
    bool on_operands = opc == IR_CMP || opc == IR_TEST;
    uint16_t got = ir_eval_recipe(&r, on_operands ? a : v.lo, b, cc,
                                  cc & CC_BIT_C);

    g_assert_cmphex(got, ==, v.cc);
}

static void test_recipes(void)
{
    static const IrOpc ops[] = {
        IR_ADD, IR_SUB,  IR_ADC, IR_SBB, IR_AND, IR_OR,
        IR_XOR, IR_CMP, IR_TEST, IR_NEG, IR_INC, IR_DEC,
    };
    GRand *rand = g_rand_new_with_seed(1);

    for (unsigned i = 0; i < 2000; i++) {
        for (unsigned op = 0; op < ARRAY_LEN(ops); op++) {
            check_recipe(ops[op], i & 3, operand(rand), operand(rand),
                         g_rand_int(rand) & CC_BITS);
        }
    }
    g_rand_free(rand);
}

/* Every condition on every combination of flags, against SETcc. */
#define HOST_SET(cc) HOST(set##cc, "set" #cc " %%dl\n\tmovzbl %%dl, %%edx")
HOST_SET(o) HOST_SET(no) HOST_SET(b) HOST_SET(ae)
HOST_SET(e) HOST_SET(ne) HOST_SET(be) HOST_SET(a)
HOST_SET(s) HOST_SET(ns) HOST_SET(p) HOST_SET(np)
HOST_SET(l) HOST_SET(ge) HOST_SET(le) HOST_SET(g)

static void test_conditions(void)
{
    static void (*const host[16])(Run *) = {
        host_seto, host_setno, host_setb,  host_setae,
        host_sete, host_setne, host_setbe, host_seta,
        host_sets, host_setns, host_setp,  host_setnp,
        host_setl, host_setge, host_setle, host_setg,
    };

    for (unsigned flags = 0; flags <= ALL; flags++) {
        for (unsigned cond = 0; cond < 16; cond++) {
            Run r = {.cc = cc_bits(flags)};

            host[cond](&r);
            g_assert_cmpuint(cond_holds(cond, cc_bits(flags)), ==, r.a);
        }
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        const Case *k = &cases[i];
        char *path = g_strdup_printf("/ir-eval/%s/%u/%u",
                                     ir_op_defs[k->opc].name, 8u << k->size,
                                     8u << k->memop);

        g_test_add_data_func(path, k, test_case);
        g_free(path);
    }
    g_test_add_func("/ir-eval/recipes", test_recipes);
    g_test_add_func("/ir-eval/conditions", test_conditions);
    return g_test_run();
}
