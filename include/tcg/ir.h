/* SPDX-License-Identifier: MIT */
/*
 * The intermediate representation: a linear array of ops on typed temps, for
 * one translated block.  Emitted by target/i386, improved by the passes
 * (ir_fold, ir_live), turned into host code or run by a back-end.
 *
 * Flags.  The IR has one set of six arithmetic flags, with x86's definitions:
 * an op that is asked to (op->cc_out) defines them, conditional ops read them.
 * At TB boundaries and whenever C code may look they are in X86CPU.cc, in the
 * form of IR_CC_* << below; inside a TB a back-end keeps them where it likes.
 * What is dead is found by ir_live.  So that flags which only a fault would
 * show need not be stored, each op that may fault carries a recipe by which
 * they can be computed from registers (IrRecipe) when there is one.
 *
 * Temps.  Globals (guest registers) live in X86CPU or pinned host registers;
 * plain temps live from definition to last use, not across an op with E; local
 * temps may cross.  Constants are temps too.
 */
#ifndef HEDDLE_TCG_IR_H
#define HEDDLE_TCG_IR_H

#include "exec/memop.h"
#include "util/common.h"

/* Flags as bits of cc_out and the like. */
enum {
    IR_CC_C = 1,
    IR_CC_P = 2,
    IR_CC_A = 4,
    IR_CC_Z = 8,
    IR_CC_S = 16,
    IR_CC_O = 32,
    IR_CC_ALL = 63,
};

/* The form in X86CPU.cc: what LAHF leaves in AH, and SETO in AL. */
enum {
    CC_BIT_O = 1 << 0,
    CC_BIT_C = 1 << 8,
    CC_BIT_P = 1 << 10,
    CC_BIT_A = 1 << 12,
    CC_BIT_Z = 1 << 14,
    CC_BIT_S = 1 << 15,
    CC_BITS = CC_BIT_O | CC_BIT_C | CC_BIT_P | CC_BIT_A | CC_BIT_Z | CC_BIT_S,
};
#define CC_EFLAGS 0x8d5u /* the six flags at their EFLAGS places */
static inline uint32_t cc_to_eflags(uint16_t cc)
{
    return ((cc >> 8) & 0xd5) | (uint32_t)(cc & CC_BIT_O) << 11;
}
static inline uint16_t cc_from_eflags(uint32_t eflags)
{
    return (uint16_t)((eflags & 0xd5) << 8 | ((eflags >> 11) & 1));
}

/* Conditions, numbered as in Jcc's opcode. */
typedef enum IrCond {
    COND_O, COND_NO, COND_B, COND_AE, COND_E, COND_NE, COND_BE, COND_A,
    COND_S, COND_NS, COND_P, COND_NP, COND_L, COND_GE, COND_LE, COND_G,
} IrCond;
#define cond_invert(c) ((IrCond)((c) ^ 1))
uint8_t cond_reads(IrCond cond);             /* IR_CC_* */
bool cond_holds(IrCond cond, uint16_t cc);   /* of flags in X86CPU.cc's form */

typedef enum IrSize { IR_8, IR_16, IR_32, IR_64 } IrSize;

typedef enum IrOpc {
#define IR_OP(name, ndst, nsrc, in, out, attrs) IR_##name,
#include "tcg/ops.def"
#undef IR_OP
    IR_OPC_COUNT,
} IrOpc;

enum {
    IR_ATTR_M = 1, /* attrs of ops.def */
    IR_ATTR_E = 2,
    IR_ATTR_X = 4,
    IR_ATTR_S = 8,
    IR_ATTR_Q = 16, /* flags may be left as they were */
};

typedef struct IrOpDef {
    const char *name;
    uint8_t ndst, nsrc;
    uint8_t cc_in, cc_out; /* IR_CC_*; of RMW and VOP: by sub-op */
    bool cc_in_cond;       /* reads what its condition reads */
    bool cc_in_varies;     /* cc_in is not the answer: see ir_op_cc_in */
    uint8_t attrs;
} IrOpDef;
extern const IrOpDef ir_op_defs[IR_OPC_COUNT];

/* Vector sub-ops: rows of vops.def. */
typedef enum VopShape {
    VOP_VVV, VOP_VV, VOP_VVI, VOP_VVVI, VOP_SVI, VOP_RV, VOP_VVR, VOP_VVRI,
    VOP_RVI, VOP_EV, VOP_EVI, VOP_FVV, VOP_VVVV, VOP_VVVM, VOP_VVVX,
} VopShape;
/* How much of a vector an op works on, and what becomes of bits 128-255 of its
 * destination. */
typedef enum VecMode {
    VEC_LOW,  /* 128 bits; the rest is kept, as legacy SSE does */
    VEC_ZERO, /* 128 bits; the rest is cleared, as VEX.128 does */
    VEC_FULL, /* 256 bits */
} VecMode;
typedef enum VopCode {
#define VOP(name, shape, prefix, map, opcode, attrs) VOP_##name,
#include "tcg/vops.def"
#undef VOP
    VOP_COUNT,
} VopCode;

#define IR_NOTE_CC_IN 1 /* aux of ADC and SBB; set by ir_live */

typedef uint16_t IrTemp; /* index in IrFunc.temp */
#define IR_NONE ((IrTemp)0xffff)

typedef enum IrTempKind {
    TEMP_GLOBAL, /* guest register: field of X86CPU at `offset` */
    TEMP_PLAIN,  /* until the next op with attribute E */
    TEMP_LOCAL,  /* whole TB */
    TEMP_CONST,
} IrTempKind;

typedef struct IrTempInfo {
    uint8_t kind;     /* IrTempKind */
    bool vector;
    int8_t pin;       /* global: rank for pinning, 0 first; -1 never */
    int32_t offset;   /* global: in X86CPU, bytes */
    int64_t value;    /* constant */
} IrTempInfo;

/*
 * How to compute the flags at a fault without their having been stored:
 * apply @opc of @size to what is in x and y now.
 *   ADD, SUB:      x is the result, y the second operand
 *   ADC, SBB:      the same; the C that went in is in X86CPU.cc_in
 *   AND, OR, XOR:  x is the result
 *   CMP, TEST:     x and y are the operands
 *   INC, DEC, NEG: x is the result (C of INC and DEC: from X86CPU.cc)
 * x is a global, y a global or constant.  Index 0 of the table means "the
 * flags must be in X86CPU.cc".
 */
typedef struct IrRecipe {
    uint8_t opc, size;
    IrTemp x, y;
} IrRecipe;

static inline bool ir_takes_cc_in(unsigned opc)
{
    return opc == IR_ADC || opc == IR_SBB;
}

/*
 * Accesses that share the leader's probe of the soft TLB: ir_group.c.  A
 * back-end that makes use of it keeps what the probe found in @addend, or there
 * that it did not hold for all bytes; the others can ignore groups.
 */
typedef struct IrGroup {
    IrTemp addend;         /* plain, defined by the leader, for the members */
    int16_t lo, hi;        /* bytes from the leader's address to the group's
                              first one, and past its last one */
    uint16_t leader, last; /* the first and the last op */
    bool write;            /* one of them writes: probe for that */
} IrGroup;

typedef struct IrOp {
    uint8_t opc;     /* IrOpc */
    uint8_t size;    /* IrSize */
    uint8_t cond;    /* IrCond */
    uint8_t cc_out;  /* IR_CC_* that must be defined; set by the emitter to what
                        the guest instruction defines, cut by ir_live */
    IrTemp arg[5];   /* destinations, then sources */
    MemOp memop;
    uint16_t aux;
    uint8_t recipe;  /* ops that may fault: index in IrFunc.recipe */
    uint8_t cc_live; /* set by ir_live: flags read after this op (before they
                        are defined again), by code or by a fault without
                        recipe */
    uint8_t dead;    /* set by ir_live: bit n: arg[n] is not used afterwards (a
                        global: is written again before anything can see it) */
    uint8_t group;   /* set by ir_group: LD, ST, LDV, STV: index in
                        IrFunc.group, or 0 */
    int64_t imm;
} IrOp;
_Static_assert(sizeof(IrOp) == 32, "ops are copied by value and scanned");

#define IR_MAX_OPS     2048
#define IR_MAX_GLOBALS 64 /* bits of a word */
#define IR_MAX_TEMPS   1024
#define IR_SPARE_TEMP  IR_MAX_TEMPS /* plain; no op names it: a back-end's */
#define IR_MAX_LABELS  256
#define IR_MAX_RECIPES 256
#define IR_MAX_GROUPS  128 /* 0 is none */
#define IR_CONST_CACHE 64 /* a power of two */

/* One block under translation; one per vCPU thread, reused. */
typedef struct IrFunc {
    unsigned nops, ntemps, nlabels, nrecipes, nglobals, ngroups;
    bool overflow;    /* a limit was hit: retry with fewer instructions */
    /* The emitter's knowledge of the flags, for recipes. */
    IrRecipe cc_now;  /* opc 0 (INSN): none */
    bool cc_written;  /* X86CPU.cc may be stale: an op wrote flags */
    IrTemp const_cache[IR_CONST_CACHE]; /* by hash of the value, or IR_NONE */
    uint64_t locals[IR_MAX_TEMPS / 64]; /* bit n of them: temp n is local */
    IrOp op[IR_MAX_OPS];
    IrTempInfo temp[IR_MAX_TEMPS + 1]; /* the last: IR_SPARE_TEMP */
    IrRecipe recipe[IR_MAX_RECIPES];
    IrGroup group[IR_MAX_GROUPS];
} IrFunc;

/* --- set-up, once: the target names its registers --- */
IrTemp ir_add_global(const char *name, int32_t offset, bool vector, int pin);
unsigned ir_global_count(void);
const char *ir_global_name(IrTemp t);
const IrTempInfo *ir_global_info(IrTemp t);
/* Which global has bytes of [@from, @end) of X86CPU: the first from global
 * number @t on; IR_NONE if none has. */
IrTemp ir_global_in(int64_t from, int64_t end, IrTemp t);

/* --- building --- */
void ir_reset(IrFunc *f);
IrTemp ir_temp(IrFunc *f);       /* plain, integer */
IrTemp ir_temp_local(IrFunc *f);
IrTemp ir_temp_vec(IrFunc *f);   /* plain, vector */
IrTemp ir_const(IrFunc *f, int64_t value); /* the same temp for equal values
                                              while it is cheap to tell */
unsigned ir_label(IrFunc *f);
/* Append an op, all fields zero but those given; arg[] is IR_NONE.  The caller
 * fills the rest at once, before the next call; recipes are kept by
 * ir_finish_op, which every ir_* emitter below calls. */
IrOp *ir_emit(IrFunc *f, IrOpc opc, IrSize size);
void ir_finish_op(IrFunc *f, IrOp *op);

/* The emitters; cc is IR_CC_* that the op must define (0 for a plain op). */
void ir_mov(IrFunc *f, IrSize size, IrTemp dst, IrTemp src);
void ir_op1(IrFunc *f, IrOpc opc, IrSize size, uint8_t cc, IrTemp dst,
            IrTemp a);
void ir_op2(IrFunc *f, IrOpc opc, IrSize size, uint8_t cc, IrTemp dst,
            IrTemp a, IrTemp b); /* dst is ignored by CMP, TEST and BT */
void ir_op3(IrFunc *f, IrOpc opc, IrSize size, uint8_t cc, IrTemp dst,
            IrTemp a, IrTemp b, IrTemp c);
void ir_mul2(IrFunc *f, IrOpc opc, IrSize size, uint8_t cc, IrTemp lo,
             IrTemp hi, IrTemp a, IrTemp b);
void ir_ext(IrFunc *f, IrOpc opc, IrSize size, MemOp from, IrTemp dst,
            IrTemp src); /* ZX, SX */
void ir_lea(IrFunc *f, IrSize size, IrTemp dst, IrTemp base, IrTemp index,
            unsigned shift, int64_t disp);
void ir_ld_cpu(IrFunc *f, IrTemp dst, int32_t offset, MemOp op);
void ir_st_cpu(IrFunc *f, IrTemp src, int32_t offset, MemOp op);
void ir_ld(IrFunc *f, IrSize size, IrTemp dst, IrTemp addr, int64_t disp,
           MemOp op);
void ir_st(IrFunc *f, IrTemp value, IrTemp addr, int64_t disp, MemOp op);
void ir_rmw(IrFunc *f, IrOpc sub, IrSize size, uint8_t cc, IrTemp old,
            IrTemp addr, int64_t disp, IrTemp value, MemOp op);
void ir_cmpxchg(IrFunc *f, IrSize size, uint8_t cc, IrTemp old, IrTemp addr,
                int64_t disp, IrTemp expected, IrTemp value, MemOp op);
void ir_ldv(IrFunc *f, IrTemp dst, IrTemp addr, int64_t disp, MemOp op);
void ir_stv(IrFunc *f, IrTemp value, IrTemp addr, int64_t disp, MemOp op);
/* The same for a load of up to 128 bits that clears the rest of 256. */
void ir_ldv_zero(IrFunc *f, IrTemp dst, IrTemp addr, int64_t disp, MemOp op);
void ir_vmov(IrFunc *f, IrTemp dst, IrTemp src, VecMode mode);
void ir_vop(IrFunc *f, VopCode code, IrTemp dst, IrTemp a, IrTemp b,
            uint8_t imm); /* VEC_LOW */
void ir_vop3(IrFunc *f, VopCode code, VecMode mode, IrTemp dst, IrTemp a,
             IrTemp b, IrTemp c, uint8_t imm);
void ir_vzeroup(IrFunc *f, unsigned count);
void ir_setcc(IrFunc *f, IrCond cond, IrTemp dst);
void ir_movcc(IrFunc *f, IrSize size, IrCond cond, IrTemp dst, IrTemp a,
              IrTemp b);
void ir_setcond(IrFunc *f, IrSize size, IrCond cond, IrTemp dst, IrTemp a,
                IrTemp b);
void ir_getcc(IrFunc *f, IrTemp dst);
void ir_putcc(IrFunc *f, IrTemp src, uint8_t mask);
void ir_setc(IrFunc *f, unsigned how);
void ir_insn(IrFunc *f, int64_t offset);
void ir_set_label(IrFunc *f, unsigned label);
void ir_br(IrFunc *f, unsigned label);
void ir_brcc(IrFunc *f, IrCond cond, unsigned label);
void ir_brcond(IrFunc *f, IrSize size, IrCond cond, IrTemp a, IrTemp b,
               unsigned label);
void ir_trapif(IrFunc *f, IrSize size, IrCond cond, IrTemp a, IrTemp b,
               unsigned helper, int64_t arg);
void ir_goto_tb(IrFunc *f, unsigned slot, IrSize rip_size, int64_t target);
/* What may have changed before an indirect jump, beside rip. */
enum {
    JMP_FLAGS = 1,    /* the flags that a TB is known by */
    JMP_REQUESTS = 2, /* which requests to the vCPU can be served: leave to the
                         exec loop if there are any */
};
void ir_jmp_ind(IrFunc *f, IrTemp rip, unsigned how);
void ir_exit(IrFunc *f);
/* @nargs temps follow; IR_NONE as @dst when there is no result. */
void ir_call(IrFunc *f, unsigned helper, IrTemp dst, unsigned nargs, ...);
enum { FENCE_LOAD = 1, FENCE_STORE = 2, FENCE_ALL = 3 };
void ir_fence(IrFunc *f, unsigned kind);

/* --- questions about one op --- */
/* Flags that it reads; for an op with attribute Q also those that a zero count
 * would leave as they were. */
uint8_t ir_op_cc_in_varying(const IrFunc *f, const IrOp *op);
static inline uint8_t ir_op_cc_in(const IrFunc *f, const IrOp *op)
{
    const IrOpDef *def = &ir_op_defs[op->opc];

    return def->cc_in_varies ? ir_op_cc_in_varying(f, op) : def->cc_in;
}
/* It may leave the TB by a guest fault: op->recipe counts. */
bool ir_effect_may_fault(const IrOp *op);
static inline bool ir_op_may_fault(const IrOp *op)
{
    return (ir_op_defs[op->opc].attrs & IR_ATTR_S) && ir_effect_may_fault(op);
}
static inline unsigned ir_op_args(const IrOp *op)
{
    return ir_op_defs[op->opc].ndst + ir_op_defs[op->opc].nsrc;
}
/* A vector op that leaves bits 128-255 of its destination as they are. */
static inline bool ir_keeps_upper(const IrOp *op)
{
    return (op->opc == IR_VMOV || op->opc == IR_VOP || op->opc == IR_LDV) &&
           op->size == VEC_LOW;
}
static inline bool ir_is_const(const IrFunc *f, IrTemp t)
{
    return t != IR_NONE && f->temp[t].kind == TEMP_CONST;
}

/* --- passes, in this order --- */
void ir_fold(IrFunc *f); /* constants, copies, useless moves */
/* Backward liveness of temps and flags; removes dead ops; @cc_out is what a
 * successor may read at each exit (IR_CC_ALL when unknown). */
void ir_live(IrFunc *f, uint8_t cc_out);
void ir_group(IrFunc *f); /* accesses that share a probe of the soft TLB */

void ir_dump(const IrFunc *f, GString *out);

/* --- meaning, for the interpreter, recovery and folding --- */
typedef struct IrVal {
    uint64_t lo, hi;
    uint16_t cc; /* all six flags after the op */
} IrVal;
/* One integer op of the "arithmetic" section, on values; @cc is before it. */
IrVal ir_eval(IrOpc opc, IrSize size, uint64_t a, uint64_t b, uint64_t c,
              uint16_t cc, MemOp memop);
/* Flags by a recipe: @x and @y are the values it names, @cc is X86CPU.cc, and
 * @in X86CPU.cc_in. */
uint16_t ir_eval_recipe(const IrRecipe *r, uint64_t x, uint64_t y, uint16_t cc,
                        bool in);

#endif
