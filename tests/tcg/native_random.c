/* SPDX-License-Identifier: MIT */
/* Functions made at random, of every kind of op. */
#include "native_random.h"

#define ROUNDS 300

unsigned below(unsigned n)
{
    return (unsigned)(rig_random() >> 8) % n;
}

bool chance(unsigned one_in)
{
    return below(one_in) == 0;
}

/* --- random operands --- */
#define MAX_TEMPS 6
static IrTemp temps[MAX_TEMPS];
static unsigned ntemps;

static int64_t some_value(void)
{
    switch (below(5)) {
    case 0:
        return (int64_t)below(256) - 128;
    case 1:
        return (int64_t)rig_random();
    case 2:
        return (int32_t)rig_random();
    case 3:
        return (int64_t)1 << below(64);
    default:
        return below(3) - 1;
    }
}

IrTemp source(IrFunc *f)
{
    if (chance(4)) {
        return ir_const(f, some_value());
    }
    if (ntemps && chance(3)) {
        return temps[below(ntemps)];
    }
    return G_REG(below(16));
}

IrTemp dest(IrFunc *f)
{
    if (chance(3)) {
        if (ntemps < MAX_TEMPS) {
            temps[ntemps++] = ir_temp_local(f);
            ir_mov(f, IR_64, temps[ntemps - 1], ir_const(f, some_value()));
        }
        return temps[below(ntemps)];
    }
    return G_REG(below(16));
}

static IrSize wide_size(void)
{
    return chance(2) ? IR_32 : IR_64;
}

IrFunc *random_start(void)
{
    ntemps = 0;
    return rig_start();
}

/* --- random ops --- */
static void add_alu(IrFunc *f)
{
    static const IrOpc ops[] = { IR_ADD, IR_SUB, IR_ADC, IR_SBB,
                                 IR_AND, IR_OR,  IR_XOR };
    uint8_t cc = chance(2) ? IR_CC_ALL : 0;

    ir_op2(f, ops[below(ARRAY_LEN(ops))], below(4), cc, dest(f), source(f),
           source(f));
}

static void add_compare(IrFunc *f)
{
    ir_op2(f, chance(2) ? IR_CMP : IR_TEST, below(4), IR_CC_ALL, IR_NONE,
           source(f), source(f));
}

static void add_unary(IrFunc *f)
{
    static const IrOpc ops[] = { IR_NOT, IR_NEG, IR_INC, IR_DEC };
    IrOpc opc = ops[below(ARRAY_LEN(ops))];
    uint8_t cc = chance(2) ? ir_op_defs[opc].cc_out : 0;

    ir_op1(f, opc, below(4), cc, dest(f), source(f));
}

/* Flags that the SDM leaves undefined must not be looked at: use those that
 * are defined, then define them all. */
static void settle(IrFunc *f, const IrCond *conds, unsigned n)
{
    ir_setcc(f, conds[below(n)], dest(f));
    ir_op2(f, IR_CMP, IR_64, IR_CC_ALL, IR_NONE, source(f), source(f));
}

static void add_shift(IrFunc *f)
{
    static const IrCond conds[] = { COND_B, COND_E, COND_S, COND_P, COND_BE };
    IrOpc opc = IR_SHL + below(IR_RCR - IR_SHL + 1);
    bool flags = chance(2);
    uint8_t cc = flags ? ir_op_defs[opc].cc_out : 0;

    ir_op2(f, opc, below(4), cc, dest(f), source(f), source(f));
    if (flags) {
        settle(f, conds, ARRAY_LEN(conds));
    }
}

static void add_double_shift(IrFunc *f)
{
    static const IrCond conds[] = { COND_B, COND_E, COND_S, COND_P, COND_BE };
    bool flags = chance(2);

    ir_op3(f, chance(2) ? IR_SHLD : IR_SHRD, wide_size(),
           flags ? IR_CC_ALL : 0, dest(f), source(f), source(f), source(f));
    if (flags) {
        settle(f, conds, ARRAY_LEN(conds));
    }
}

static void add_multiply(IrFunc *f)
{
    static const IrCond conds[] = { COND_B, COND_O };
    bool flags = chance(2);

    if (chance(2)) {
        ir_op2(f, IR_IMUL, 1 + below(3), flags ? IR_CC_ALL : 0, dest(f),
               source(f), source(f));
    } else {
        IrTemp hi = dest(f), lo = dest(f);

        ir_mul2(f, chance(2) ? IR_MULU2 : IR_MULS2, wide_size(),
                flags ? IR_CC_ALL : 0, lo, hi, source(f), source(f));
    }
    if (flags) {
        settle(f, conds, ARRAY_LEN(conds));
    }
}

static void add_bit_test(IrFunc *f)
{
    IrOpc opc = IR_BT + below(4);

    ir_op2(f, opc, 1 + below(3), chance(3) ? 0 : IR_CC_C,
           opc == IR_BT ? IR_NONE : dest(f), source(f), source(f));
}

static void add_scan(IrFunc *f)
{
    static const IrCond conds[] = { COND_E };
    bool flags = chance(2);
    uint8_t cc = flags ? IR_CC_ALL : 0;

    if (chance(2)) {
        ir_op2(f, chance(2) ? IR_BSF : IR_BSR, 1 + below(3), cc, dest(f),
               source(f), source(f));
    } else {
        ir_op1(f, IR_TZCNT + below(3), 1 + below(3), cc, dest(f), source(f));
    }
    if (flags) {
        settle(f, conds, ARRAY_LEN(conds));
    }
}

static void add_bmi(IrFunc *f)
{
    static const IrCond conds[] = { COND_E, COND_O };
    static const IrOpc ops[] = { IR_ANDN, IR_BEXTR, IR_BZHI, IR_PDEP,
                                 IR_PEXT };
    IrOpc opc = ops[below(ARRAY_LEN(ops))];
    uint8_t cc = chance(2) ? ir_op_defs[opc].cc_out : 0;

    if (chance(3)) {
        opc = IR_BLSI + below(3);
        ir_op1(f, opc, wide_size(), cc ? IR_CC_ALL : 0, dest(f), source(f));
    } else {
        ir_op2(f, opc, wide_size(), cc, dest(f), source(f), source(f));
    }
    if (cc) {
        settle(f, conds, ARRAY_LEN(conds));
    }
}

static void add_move(IrFunc *f)
{
    switch (below(8)) {
    case 0:
        ir_mov(f, wide_size(), dest(f), source(f));
        break;
    case 1:
        ir_op2(f, IR_DEP, below(2), 0, dest(f), source(f), source(f));
        break;
    case 2:
        ir_op2(f, IR_DEPH, IR_8, 0, dest(f), source(f), source(f));
        break;
    case 3:
        ir_op1(f, IR_EXTH, IR_64, 0, dest(f), source(f));
        break;
    case 4:
        ir_ext(f, IR_ZX, IR_64, below(3), dest(f), source(f));
        break;
    case 5:
        ir_ext(f, IR_SX, 2 + below(2), below(3), dest(f), source(f));
        break;
    case 6:
        ir_op1(f, IR_BSWAP, wide_size(), 0, dest(f), source(f));
        break;
    default:
        ir_lea(f, wide_size(), dest(f), chance(5) ? IR_NONE : source(f),
               chance(2) ? IR_NONE : source(f), below(4), some_value());
        break;
    }
}

static void add_flags_op(IrFunc *f)
{
    switch (below(7)) {
    case 0:
        ir_setcc(f, below(16), dest(f));
        break;
    case 1:
        ir_movcc(f, wide_size(), below(16), dest(f), source(f), source(f));
        break;
    case 2:
        ir_setcond(f, below(4), below(16), dest(f), source(f), source(f));
        break;
    case 3:
        ir_getcc(f, dest(f));
        break;
    case 4:
        ir_putcc(f, source(f), chance(2) ? IR_CC_ALL : below(64));
        break;
    case 5:
        ir_trapif(f, IR_64, COND_E, source(f), ir_const(f, 0x1234567),
                  RIG_H_TRAP, below(1000));
        break;
    default:
        ir_setc(f, below(3));
        break;
    }
}

/* An address in the three pages, near a boundary more often than not. */
IrTemp address(IrFunc *f, int64_t *disp)
{
    vaddr va = chance(2) ? RIG_VA + 64 + below(RIG_BYTES - 128)
                         : RIG_VA + PAGE_SIZE * (1 + below(2)) - 40 +
                               below(80);

    *disp = chance(3) ? 0 : (int64_t)below(64) - 32;
    if (chance(3)) {
        IrTemp t = ir_temp(f);

        ir_op2(f, IR_AND, IR_64, 0, t, source(f), ir_const(f, 7));
        ir_lea(f, IR_64, t, t, ir_const(f, va & ~7), 0, 0);
        return t;
    }
    return ir_const(f, va);
}

static void add_load_store(IrFunc *f)
{
    int64_t disp;
    IrTemp a = address(f, &disp);
    MemOp op = below(4);

    if (chance(2)) {
        IrSize size = op == MO_64 ? IR_64 : 2 + below(2);

        ir_ld(f, size, dest(f), a, disp,
              op | (chance(3) ? MO_SIGN : 0) | (chance(4) ? MO_RMW : 0) |
                  (chance(4) ? MO_ALIGN : 0));
    } else {
        ir_st(f, source(f), a, disp, op | (chance(4) ? MO_AC : 0));
    }
}

static IrTemp dest_but(IrFunc *f, IrTemp base)
{
    IrTemp t = dest(f);

    return t == base ? G_REG((base + 1) % 16) : t;
}

static void add_near_access(IrFunc *f, IrTemp base, unsigned align)
{
    MemOp op = below(6);
    int64_t disp = (int64_t)(below(120) & ~align) - 40;
    MemOp how = chance(3) ? 0 : MO_ALIGN;

    if (op >= MO_128) {
        if (chance(2)) {
            ir_ldv(f, G_VEC(below(16)), base, disp, op | how);
        } else {
            ir_stv(f, G_VEC(below(16)), base, disp, op | how);
        }
    } else if (chance(2)) {
        ir_ld(f, op == MO_64 ? IR_64 : IR_32, dest_but(f, base), base, disp,
              op | (chance(4) ? MO_RMW : 0) | how);
    } else {
        ir_st(f, source(f), base, disp, op | how);
    }
}

/* Accesses off one register, which moves along, as by pushes and pops: near the
 * end of a page more often than not. */
static void add_neighbours(IrFunc *f)
{
    IrTemp base = G_REG(below(16));
    unsigned align = chance(2) ? 15 : 0;

    ir_mov(f, IR_64, base,
           ir_const(f, RIG_VA + PAGE_SIZE + below(2) * (PAGE_SIZE - 128) +
                           (below(128) & ~align)));
    for (unsigned n = 2 + below(5); n; n--) {
        add_near_access(f, base, align);
        if (chance(3)) {
            ir_lea(f, IR_64, base, base, IR_NONE, 0, 16 - 16 * (int)below(3));
        }
        if (chance(4)) {
            ir_op2(f, IR_ADD, IR_64, IR_CC_ALL, dest_but(f, base), source(f),
                   source(f));
        }
    }
}

static IrTemp long_operand(IrFunc *f)
{
    return chance(4) ? ir_const(f, some_value()) : G_REG(below(16));
}

/* Between two words of a long addition: what changes the host's flags. */
static void add_between_words(IrFunc *f)
{
    switch (below(6)) {
    case 0:
        add_neighbours(f);
        break;
    case 1:
        ir_mul2(f, IR_MULU2, wide_size(), 0, dest(f), dest(f), source(f),
                source(f));
        break;
    case 2:
        ir_setcond(f, IR_64, below(16), dest(f), source(f), source(f));
        break;
    case 3:
        ir_op1(f, chance(2) ? IR_INC : IR_DEC, IR_64,
               IR_CC_ALL & ~IR_CC_C, dest(f), source(f));
        break;
    default:
        add_load_store(f);
        break;
    }
}

/* A long addition or subtraction: C alone lives from word to word. */
static void add_long_sum(IrFunc *f)
{
    bool sub = chance(2);

    ir_op2(f, sub ? IR_SUB : IR_ADD, IR_64, IR_CC_ALL, G_REG(below(16)),
           long_operand(f), long_operand(f));
    for (unsigned n = 1 + below(3); n; n--) {
        for (unsigned m = below(4); m; m--) {
            add_between_words(f);
        }
        if (chance(6)) {
            ir_setcc(f, chance(2) ? COND_B : COND_AE, dest(f));
        }
        ir_op2(f, sub ? IR_SBB : IR_ADC, IR_64, IR_CC_ALL, G_REG(below(16)),
               long_operand(f), long_operand(f));
    }
}

static void add_rmw(IrFunc *f)
{
    static const IrOpc ops[] = { IR_ADD, IR_SUB, IR_ADC, IR_SBB, IR_AND,
                                 IR_OR,  IR_XOR, IR_NOT, IR_NEG, IR_INC,
                                 IR_DEC, IR_MOV, IR_BTS, IR_BTR, IR_BTC };
    IrOpc sub = ops[below(ARRAY_LEN(ops))];
    bool bit = sub >= IR_BTS && sub <= IR_BTC;
    bool unary = sub >= IR_NOT && sub <= IR_DEC;
    IrSize size = bit ? 1 + below(3) : below(4);
    uint8_t cc = sub == IR_MOV || chance(3) ? 0 : ir_op_defs[sub].cc_out;
    int64_t disp;
    IrTemp a = address(f, &disp);

    ir_rmw(f, sub, size, cc, chance(2) ? IR_NONE : dest(f), a, disp,
           unary ? IR_NONE : source(f), size | (chance(2) ? MO_LOCK : 0));
}

static void add_cmpxchg(IrFunc *f)
{
    IrSize size = below(4);
    int64_t disp;
    IrTemp a = address(f, &disp), expected = source(f);

    if (chance(2)) {
        /* ...one that is there */
        expected = dest(f);
        ir_ld(f, IR_64, expected, a, disp, size);
    }
    ir_cmpxchg(f, size, chance(3) ? 0 : IR_CC_ALL, dest(f), a, disp, expected,
               source(f), size | (chance(2) ? MO_LOCK : 0));
}

static void add_call(IrFunc *f)
{
    switch (below(5)) {
    case 0:
        ir_call(f, RIG_H_PURE, dest(f), 4, source(f), source(f), source(f),
                source(f));
        break;
    case 1:
        ir_call(f, RIG_H_SUM, dest(f), 2, source(f), source(f));
        break;
    case 2:
        ir_call(f, RIG_H_KEEPS, IR_NONE, 3, source(f), source(f), source(f));
        break;
    case 3:
        ir_call(f, RIG_H_SSE, dest(f), 1, source(f));
        break;
    default:
        ir_call(f, RIG_H_FLAGS, dest(f), 0);
        break;
    }
}

static void add_cpu_field(IrFunc *f)
{
    int32_t reg = offsetof(X86CPU, regs) + 8 * below(16);
    int32_t vec = offsetof(X86CPU, vec) + sizeof(VecReg) * below(16) +
                  4 * below(8);
    int32_t off = chance(2) ? reg : chance(2) ? vec
                                              : (int32_t)offsetof(X86CPU, dr);

    if (chance(2)) {
        ir_ld_cpu(f, dest(f), off, below(3) | (chance(2) ? MO_SIGN : 0));
    } else {
        ir_st_cpu(f, source(f), off, below(3));
    }
}

const RandomKind random_kinds[NB_RANDOM_KINDS] = {
    {"alu", add_alu},
    {"compare", add_compare},
    {"unary", add_unary},
    {"shift", add_shift},
    {"double-shift", add_double_shift},
    {"multiply", add_multiply},
    {"scan", add_scan},
    {"bmi", add_bmi},
    {"move", add_move},
    {"bit-test", add_bit_test},
    {"flags", add_flags_op},
    {"load-store", add_load_store},
    {"rmw", add_rmw},
    {"cmpxchg", add_cmpxchg},
    {"call", add_call},
    {"vector-move", add_vector_move},
    {"cpu-field", add_cpu_field},
    {"vop", add_vop},
    {"neighbours", add_neighbours},
    {"long-sum", add_long_sum},
};

static AddOp *const all_ops[] = {
    add_alu,      add_alu,          add_alu,       add_compare, add_unary,
    add_shift,    add_double_shift, add_multiply,  add_scan,    add_bmi,
    add_move,     add_move,         add_bit_test,  add_flags_op,
    add_flags_op, add_load_store,   add_load_store, add_rmw,    add_cmpxchg,
    add_call,     add_vector_move,  add_cpu_field, add_vop,     add_vop,
    add_neighbours, add_long_sum,
};

/* A forward branch over what follows, now and then. */
static void add_branch(IrFunc *f, unsigned label)
{
    if (chance(2)) {
        ir_brcc(f, below(16), label);
    } else {
        ir_brcond(f, below(4), below(16), source(f), source(f), label);
    }
}

static void make_function(AddOp *const *ops, unsigned nops, unsigned length)
{
    IrFunc *f = random_start();
    int label = -1;

    for (unsigned i = 0; i < length; i++) {
        ops[below(nops)](f);
        if (chance(3)) {
            ir_insn(f, i + 1);
        }
        if (chance(10) && label < 0) {
            label = ir_label(f);
            /* A local must have been set on every path to its use. */
            while (ntemps < MAX_TEMPS) {
                dest(f);
            }
            add_branch(f, label);
        } else if (label >= 0 && chance(3)) {
            ir_set_label(f, label);
            label = -1;
        }
    }
    if (label >= 0) {
        ir_set_label(f, label);
    }
    ir_exit(f);
}

static void run_random(AddOp *const *ops, unsigned nops)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        make_function(ops, nops, 1 + below(i < ROUNDS / 2 ? 4 : 40));
        rig_run(chance(2) ? CF_PARALLEL : 0, CC_BITS);
    }
}

/* One kind of op alone, so that a failure names it, then all together. */
void random_test_kind(const void *data)
{
    AddOp *add = ((const RandomKind *)data)->add;
    AddOp *const ops[] = { add, add, add, add_compare, add_move,
                           add_flags_op };

    run_random(ops, ARRAY_LEN(ops));
}

void random_test_all(void)
{
    for (unsigned i = 0; i < 5; i++) {
        run_random(all_ops, ARRAY_LEN(all_ops));
    }
}

void random_mixed_function(unsigned length)
{
    make_function(all_ops, ARRAY_LEN(all_ops), length);
}
