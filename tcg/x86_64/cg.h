/* SPDX-License-Identifier: MIT */
/*
 * The state of one translation to host code, and the private interfaces of
 * this back-end.  docs/backend-x86_64.md explains the whole.
 *
 * One pass over the ops emits the fast paths; what is rarely run (slow memory
 * paths, exits) is noted as a stub and emitted behind the last op.
 */
#ifndef HEDDLE_TCG_X86_64_CG_H
#define HEDDLE_TCG_X86_64_CG_H

#include "tcg/target.h"
#include "tcg/tb.h"
#include "tcg/x86_64/asm.h"

typedef uint32_t RegSet;
#define RS(r) (1u << (r))

#define CC_TEMP ((IrTemp)IR_SPARE_TEMP)

/* Scratch: for temps, unpinned globals and the workings of one op. */
#define RS_SCRATCH (RS(RAX) | RS(RCX) | RS(RDX) | RS(RDI))
#define RS_VEC     0xffff0000u
/* Those with a second byte register (AH to BH). */
#define RS_HIGH8 (RS(RAX) | RS(RCX) | RS(RDX) | RS(RBX))

#define NB_PINNED 11
extern const uint8_t pinned_reg[NB_PINNED]; /* by rank */
#define RS_CALLER_PINNED (RS(RSI) | RS(R8) | RS(R9) | RS(R10) | RS(R11))

/*
 * The stack frame of translated code, from RSP (16-byte aligned) up.  A thunk
 * that is called sees it 8 bytes further up.
 */
enum {
    FRAME_EFLAGS = 0, /* across the commit of a slow RMW */
    FRAME_OLD = 8,    /* ditto: the old value */
    FRAME_MXCSR = 16, /* being loaded or stored */
    FRAME_HOST_MXCSR = 20,
    FRAME_CPU = 24,    /* CPUState * */
    FRAME_PLACE = 32,  /* where to store the place that it left at */
    FRAME_LEFT = 40,   /* that place, during a look-up */
    FRAME_ADDR = 48,   /* guest address of a slow RMW */
    FRAME_FP = 56,     /* not 0: MXCSR may have news for X86CPU.mxcsr */
    FRAME_VEC = 64,    /* 32 bytes: operand of a slow vector access */
    FRAME_SPARE = 96,  /* a register, across a second probe */
    FRAME_SLOTS = 112, /* homes of temps, 32 bytes each */
    FRAME_SIZE = FRAME_SLOTS + IR_MAX_TEMPS * 32,
};

/* Number of the probing thunk for a load or store of up to 8 bytes. */
#define NB_PROBES 32
static inline unsigned probing_thunk(MemOp memop)
{
    return (memop & MO_64) | (memop & MO_SIGN ? 4 : 0) |
           (memop & (MO_ALIGN | MO_AC) ? 8 : 0) | (memop & MO_RMW ? 16 : 0);
}

/* Code generated once, at the head of the code region. */
typedef struct Thunks {
    const void *enter; /* TbExit (*)(cpu, entry, place) */
    const void *leave; /* called, for a look-up at X86CPU.rip */
    const void *leave_at[TB_EXIT_COUNT][IR_64 + 1]; /* called, with eax: an
                               offset from rip_base, and rip is to be so wide */
    const void *lookup; /* called by JMP_IND, with rax: pc */
    const void *load, *store, *rmw, *rmw_commit; /* rax: address, rdx: value
                               of a store, ecx: memop; result in rax */
    /* The same, but they probe the soft TLB first; by probing_thunk(). */
    const void *probe_load[NB_PROBES], *probe_store[NB_PROBES];
    const void *load_vec, *store_vec; /* the same, operand in FRAME_VEC */
    const void *spill;         /* before a helper: state to X86CPU, host_pc */
    const void *spill_nopc;    /* the same for one that never faults */
    const void *spill_caller;  /* before one that looks at nothing */
    const void *reload;        /* after it: everything */
    const void *reload_caller; /* what the C ABI does not preserve */
    const void *mxcsr_guest;   /* after one that may do SSE arithmetic */
} Thunks;
extern Thunks thunks;
/* @e = the address of the jump cache's entry for @pc: jump_cache_index(). */
void asm_jump_cache_entry(Asm *a, Reg e, Reg pc);
#define THUNKS_MAX_BYTES 16384
/* @buf has that many bytes.  The target's globals have been registered. */
void thunks_generate(uint8_t *buf);

/* Where a temp is.  Its home: X86CPU for globals, else a frame slot. */
typedef struct TempState {
    int16_t reg;  /* holds it, or REG_NONE; a pinned one always does */
    int16_t slot; /* number of its frame slot, -1: none yet */
} TempState;

struct Cg;
struct Stub;
typedef void StubFn(struct Cg *c, const struct Stub *s);

/* Out-of-line code, with what the registers held where it branches off. */
typedef struct Stub {
    StubFn *emit;
    const IrOp *op;
    uint8_t *jump;       /* displacement to be set to the stub */
    uint8_t *jump2;      /* another, or NULL; the stub sets that itself */
    const uint8_t *back; /* where the fast path goes on */
    RegSet dirty;        /* values to be stored in their homes first */
    RegSet keep;         /* values that the fast path goes on using */
    RegSet wide;         /* vectors of which the register has 256 bits */
    RegSet busy;         /* registers that had an owner */
    IrTemp owner[REG_COUNT];
    uint16_t insn_off;
    int8_t addr, value, dst; /* registers, by kind of stub */
    int32_t disp;
    int8_t addend; /* of its group, or REG_NONE: zero it before returning */
} Stub;

typedef struct Label {
    const uint8_t *at; /* NULL: not yet placed */
} Label;

typedef struct LabelUse {
    uint8_t *site;
    uint16_t label;
} LabelUse;

/* Enough for any function: at most two an op (JMP_IND, which ends the block),
 * else one; and that of the head. */
#define CG_MAX_STUBS (IR_MAX_OPS + IR_MAX_LABELS + 2)

typedef struct Cg {
    Asm as;
    const uint8_t *start;
    const uint8_t *body;  /* behind the head's test */
    const uint8_t *limit; /* of what one op or stub may start at */
    const IrFunc *f;
    TranslationBlock *tb;
    bool failed; /* no room */

    /* Registers: sets are of scratch and vector ones. */
    RegSet busy;   /* those that hold a temp: */
    RegSet dirty;  /* its home does not have the value */
    RegSet wide;   /* all 256 bits, not 128 of them with the rest at home */
    RegSet locked; /* in use by the current op */
    IrTemp owner[REG_COUNT]; /* which temp; for those in `busy` */
    uint32_t used_at[REG_COUNT];
    uint32_t tick;
    unsigned nslots;
    TempState temp[IR_MAX_TEMPS + 1];

    /* Where the guest's flags are: in the host's EFLAGS, in X86CPU.cc, or, if
     * C alone is live, in all bits of CC_TEMP; maybe in several.  While all are
     * dead, cc_mem is true. */
    bool cc_host, cc_mem, cc_temp;

    bool fp_marked;    /* FRAME_FP is known to be set */
    uint16_t insn_off; /* of the current guest instruction */
    unsigned nstubs, nside, nuses;
    uint32_t jump_off[2], exit_off[2];
    unsigned nops; /* of f; a branch may have seen to the last ones */
    Label label[IR_MAX_LABELS];
    LabelUse use[IR_MAX_OPS];
    Stub stub[CG_MAX_STUBS];
    TbSideEntry side[2 * CG_MAX_STUBS]; /* a slow RMW has two */
} Cg;

/* --- regalloc.c --- */
void ra_begin(Cg *c);
void ra_begin_op(Cg *c);
/* Free the registers of temps that @op used last. */
void ra_end_op(Cg *c, const IrOp *op);
bool ra_is_const(const Cg *c, IrTemp t, int64_t *value);
static inline bool ra_is_pinned(const Cg *c, IrTemp t)
{
    return c->temp[t].reg != REG_NONE &&
           !(RS(c->temp[t].reg) & (RS_SCRATCH | RS_VEC));
}
/* The register of @t has all 256 bits now, and its home has not. */
void ra_widened(Cg *c, IrTemp t);
Rm ra_home(Cg *c, IrTemp t);
/* A register that holds @t; locked until the op ends. */
Reg ra_use(Cg *c, IrTemp t);
Reg ra_use_in(Cg *c, IrTemp t, RegSet set); /* one of these; maybe a copy */
/* Put the value of @t in @r, which the caller has taken. */
void ra_load(Cg *c, Reg r, IrTemp t, IrSize size);
Reg ra_scratch(Cg *c, RegSet set); /* one for the op's own use */
/* Make this very register free and lock it; before any ra_use of the op. */
void ra_take(Cg *c, Reg r);
/* Put @t in exactly @r for reading; before any other ra_use of the op. */
void ra_use_fixed(Cg *c, IrTemp t, Reg r);
/*
 * A register with the value of arg @n of @op, to be overwritten and then given
 * to ra_define as arg 0: that temp's own register if it is not in @avoid.
 */
Reg ra_modify(Cg *c, const IrOp *op, unsigned n, RegSet avoid);
/* A register for a result that needs no source in it. */
Reg ra_result(Cg *c, IrTemp dst, RegSet avoid);
/* The same; may be the register of source @n if its life ends here: the one
 * instruction that writes the result has to be the last that reads it. */
Reg ra_result_over(Cg *c, const IrOp *op, unsigned n);
void ra_define(Cg *c, IrTemp dst, Reg r); /* @r holds the new value of @dst */
/*
 * Vectors.  The functions above deal in the low 128 bits; before an op that
 * writes those alone, ra_keep_upper stores the rest if only a register has it.
 */
Reg ra_use_wide(Cg *c, IrTemp t); /* as ra_use, with 256 bits */
void ra_keep_upper(Cg *c, IrTemp dst);
/* A register for arg 0, which may be that of a source whose life ends: the one
 * instruction that writes it has to be the last that reads any. */
Reg ra_result_vec(Cg *c, const IrOp *op);
/* The same, with the value of arg 1 in it, which is used already. */
Reg ra_modify_vec(Cg *c, const IrOp *op, bool wide);
void ra_define_wide(Cg *c, IrTemp dst, Reg r);
Rm ra_upper_home(Cg *c, IrTemp t);
void ra_unlock(Cg *c, Reg r);
/* Store all that the homes lack; registers keep it. */
void ra_sync(Cg *c);
/* The same where plain temps end. */
void ra_end_block(Cg *c);
void ra_forget(Cg *c); /* after ra_sync: nothing is in scratch registers */
void ra_forget_temp(Cg *c, IrTemp t);
void ra_sync_temp(Cg *c, IrTemp t);

/* --- flags.c --- */
/*
 * Call before the host instruction of @op (with nothing locked).  @reads:
 * flags that it takes from EFLAGS; @clobbers: flags that it changes there;
 * those not in op->cc_out are not wanted.
 */
void cc_prepare(Cg *c, const IrOp *op, uint8_t reads, uint8_t clobbers);
/* Call after it, with the same @clobbers. */
void cc_finish(Cg *c, const IrOp *op, uint8_t clobbers);
/* Flags that @op must leave behind. */
uint8_t cc_wanted(const IrOp *op);
/* Flags that have to come through @op unchanged: what is live and neither its
 * result nor, after its instruction, undefined anyway. */
uint8_t cc_kept(const IrOp *op);
void cc_save(Cg *c);       /* X86CPU.cc is right; takes RAX if there is work */
void cc_reload(Cg *c);     /* all in EFLAGS; takes RAX if there is work */
void cc_load_carry(Cg *c); /* CF only, from CC_TEMP or X86CPU.cc */
void cc_note_in(Cg *c);    /* CF is in EFLAGS: to X86CPU.cc_in as well */
/* What a fault of @op may look at is in X86CPU.cc, and so is what lives on if
 * @clobbered. */
void cc_before_fault(Cg *c, const IrOp *op, bool clobbered);
/* The same for an op that changes EFLAGS and is no call: what lives on may be
 * in CC_TEMP.  Follow it by cc_finish. */
void cc_before_access(Cg *c, const IrOp *op);
/* EFLAGS has other things: what is live is in X86CPU.cc, for cc_save. */
void cc_in_memory(Cg *c);
/* Nothing is in CC_TEMP any longer. */
void cc_drop_temp(Cg *c);
/* Make a host condition of @cond; with flags in memory by a test there. */
IrCond cc_test(Cg *c, IrCond cond);

/* --- stubs and side table: stub.c --- */
Stub *stub_new(Cg *c, const IrOp *op, StubFn *emit);
/* The fast path goes on here; its registers are as the stub must leave them. */
void stub_join(Cg *c, Stub *s);
void stub_save(Cg *c, const Stub *s);    /* store the dirty values */
void stub_restore(Cg *c, const Stub *s); /* load those to be kept */
/* Load a temp that is in a pinned register, or in its home after stub_save. */
void stub_load(Cg *c, Reg r, IrTemp t);
void stub_jump_back(Cg *c, const Stub *s);
void stub_emit_all(Cg *c);
void side_add(Cg *c, const IrOp *op, uint16_t insn_off);
/* Move registers to others at once; any overlap. */
void parallel_move(Cg *c, unsigned n, const Reg *dst, const Reg *src);

/* --- host.c: what this processor has --- */
typedef struct HostCpuid {
    uint32_t leaf1_ecx, leaf7_ebx, leaf7_ecx, leaf81_ecx;
} HostCpuid;
bool host_cpuid_fits(const HostCpuid *h); /* x86-64-v3 */
bool host_is_fit(void);
/* What it may have beyond: none of it after host_be_plain(true). */
void host_be_plain(bool on);
bool host_has_fsgsbase(void);
bool host_has_vop_ext(unsigned ext, bool wide); /* wide: in 256 bits */

/* --- emit_*.c: false when @op belongs to another file --- */
bool emit_move_op(Cg *c, const IrOp *op);
bool emit_alu_op(Cg *c, const IrOp *op);
bool emit_shift_op(Cg *c, const IrOp *op);
bool emit_bit_op(Cg *c, const IrOp *op);
bool emit_flags_op(Cg *c, const IrOp *op);
bool emit_mem_op(Cg *c, const IrOp *op);
bool emit_rmw_op(Cg *c, const IrOp *op);
bool emit_vec_op(Cg *c, const IrOp *op);
bool emit_vop_op(Cg *c, const IrOp *op);
bool emit_flow_op(Cg *c, const IrOp *op);
bool emit_call_op(Cg *c, const IrOp *op);
void emit_head(Cg *c); /* of the TB: test for an exit request */
/* The way in for jumps, of a TB in two pages; NULL: there is none. */
const uint8_t *emit_guard(Cg *c);
void emit_fix_labels(Cg *c);
/* EFLAGS of CMP(src0, src1). */
void emit_compare(Cg *c, const IrOp *op);

/* --- access.c --- */
/* A memory op's address: register and displacement. */
typedef struct Address {
    Reg reg;
    int32_t disp;
} Address;
Address emit_address(Cg *c, const IrOp *op);
/*
 * Probe the soft TLB for op->memop at @a.  Falls through with @idx such that
 * [idx + a.reg + a.disp] is the host operand; else jumps: the result is the
 * displacement to be set.  Changes @idx, @tag and EFLAGS.
 */
uint8_t *emit_probe(Cg *c, const IrOp *op, Address a, bool write, Reg idx,
                    Reg tag);
/* In a stub: RAX = the address. */
void stub_address(Cg *c, const Stub *s);

/* A load or store, by itself or in a group: begin, take what other operands it
 * has, probe, emit the host's access, end, define the result, stub_join. */
typedef struct Access {
    Address addr;
    Rm operand; /* once probed */
    Reg free; /* once probed: a scratch register for the result, or REG_NONE */
    Stub *stub;
} Access;
/* Flags are put away, the address is in a register. */
Access access_begin(Cg *c, const IrOp *op);
/* @result: the caller wants x->free.  The stub has its address. */
Stub *access_probe(Cg *c, const IrOp *op, Access *x, StubFn *slow, bool result);
void access_end(Cg *c, const Access *x);
/* The host's access, from what the stub says of value and result. */
typedef void AccessBody(Cg *c, const Stub *s, Rm m);
/* In the stub, first: what the group could not probe for tries by itself. */
void access_retry(Cg *c, const Stub *s, AccessBody *body);
/* And last, after stub_restore. */
void access_return(Cg *c, const Stub *s);

#endif
