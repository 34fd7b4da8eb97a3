/* SPDX-License-Identifier: MIT */
/*
 * What emitters (emit_*.c) share: the state of a translation and the pieces
 * that most instructions are made of.  All of it runs on the vCPU's thread,
 * with its IrFunc, without locks.
 *
 * The rule that keeps faults precise: within an instruction, guest registers
 * and flags are written after the last op that can fault.
 */
#ifndef HEDDLE_TARGET_I386_EMIT_H
#define HEDDLE_TARGET_I386_EMIT_H

#include "target/i386/decode.h"
#include "target/i386/helpers.h"
#include "target/i386/x87_ops.h"
#include "tcg/ir.h"

struct TranslationBlock;

typedef struct X86Trans {
    X86CPU *cpu;
    struct TranslationBlock *tb;
    IrFunc *ir;
    uint32_t flags;     /* hflags of the TB */
    const uint8_t *code; /* the byte at tb->pc_offset; to the page's end */
    uint8_t split[X86_MAX_INSN]; /* an instruction across two pages */
    vaddr linear;       /* of the TB's first byte, when it was translated */
    unsigned insn_off;  /* page offset of this instruction... */
    unsigned next_off;  /* ...and of the next one */
    unsigned ninsns, max_insns;
    unsigned limit_op;  /* the op whose imm is the TB's end: CS limit check */
    unsigned limit_label;
    unsigned count_op;  /* the same of what -icount takes off */
    unsigned count_label;
    unsigned ran_op[RAN_KINDS]; /* the same of CPUState.ran */
    int pop_bytes;      /* rSP in addresses counts as this much higher: POP */
    bool mmx;           /* an MMX instruction of this TB has set TOP and the
                           tags, and no x87 instruction followed it */
    bool ended;         /* an op that leaves was emitted for every path */
    bool leave;         /* what follows the TB is found with requests seen to
                           and by the flags of then */
    bool changed;       /* hflags are not the TB's any more */
    unsigned shadow_at; /* page offset behind an STI */
} X86Trans;

static inline bool x86_is64(const X86Trans *s)
{
    return s->flags & HF_CS64;
}

/* Real or virtual-8086 mode: selectors are paragraphs. */
static inline bool x86_is_real(const X86Trans *s)
{
    return !(s->flags & HF_PE) || (s->flags & HF_VM);
}

static inline unsigned x86_cpl(const X86Trans *s)
{
    return s->flags & HF_CPL;
}

/* Globals are registered in this order: regs.c. */
static inline IrTemp x86_gpr(unsigned reg)
{
    return reg;
}

static inline IrTemp x86_vec(unsigned reg)
{
    return 16 + reg;
}

/* X86CPU.vec_operand: a memory operand on its way to a helper, which knows it
 * as register X86_VEC_OPERAND. */
#define X86_VEC_OPERAND 16

void x86_regs_init(void); /* names the globals, once */

/* Flags that @opc must define for @in: those of its row that the op can. */
uint8_t x86_cc(const X86Insn *in, IrOpc opc);

/* --- emit_addr.c: memory --- */

/* A checked linear address, and what a MemOp needs beside the size. */
typedef struct X86Addr {
    IrTemp base;
    int64_t disp;
    MemOp mo; /* MMU mode, MO_SS, MO_AC */
} X86Addr;

/* X86_ALIGNED: the access will ask for MO_ALIGN; of what is both misaligned and
 * beyond the limit of SS, processors report the first. */
enum { X86_READ = 0, X86_WRITE = 1, X86_ALIGNED = 2 };

/* Offset of the memory operand in its segment, wrapped to the address size;
 * @extra is added before the wrap, or IR_NONE. */
IrTemp x86_ea(X86Trans *s, const X86Insn *in, IrTemp extra);
/* Linear address of @bytes at offset @off of segment @seg: base added, limit
 * and type checked (#GP or #SS). */
X86Addr x86_seg_addr(X86Trans *s, unsigned seg, IrTemp off, unsigned bytes,
                     int access);
/* The memory operand, as x86_ea and x86_seg_addr. */
X86Addr x86_addr(X86Trans *s, const X86Insn *in, unsigned bytes, int access);
/* @bytes to be read @at bytes behind the @first of the memory operand, as an
 * operand of their own: the offset wraps, and the segment is checked when what
 * was emitted before has been accessed. */
X86Addr x86_next_part(X86Trans *s, const X86Insn *in, const X86Addr *first,
                      unsigned at, unsigned bytes);
/* A store of 8 bytes at @off and another of @bytes at @next, by a helper, which
 * has to probe both in this order: all faults of the first come before those of
 * the second, and these before either store.  Returns the address of the first.
 */
X86Addr x86_store_in_two(X86Trans *s, unsigned seg, IrTemp off, IrTemp next,
                         unsigned bytes);
/* m16:16, m16:32 or m16:64, as two operands: the selector is checked when the
 * offset has been loaded. */
void x86_load_pointer(X86Trans *s, const X86Insn *in, IrTemp *sel,
                      IrTemp *off);
/* One temp with the whole linear address, for a helper. */
IrTemp x86_linear(X86Trans *s, const X86Addr *a);
X86Addr x86_addr_add(X86Addr a, int64_t bytes);
/* The parts at @a count as one: #AC(0) unless it is a multiple of @align, and no
 * other checks of alignment. */
void x86_align_whole(X86Trans *s, X86Addr *a, unsigned align);
/* Zero-extended load; MO_RMW may be in @extra.  Store of the low bits. */
IrTemp x86_load(X86Trans *s, const X86Addr *a, unsigned size, MemOp extra);
void x86_store(X86Trans *s, const X86Addr *a, unsigned size, IrTemp value);

/* --- emit_addr.c: operands --- */

/* Value of operand @n, right in its low bits; memory is loaded. */
IrTemp x86_get(X86Trans *s, const X86Insn *in, unsigned n);
/* Write operand @n: memory is stored, registers merged by x86 rules. */
void x86_put(X86Trans *s, const X86Insn *in, unsigned n, IrTemp value);
/* 8- and 16-bit writes keep the rest of the register, 32-bit ones clear it. */
void x86_put_gpr(X86Trans *s, unsigned size, unsigned reg, IrTemp value);
/* Read operand @n to write it afterwards: @a is set if it is memory, and the
 * load faults as the store would. */
IrTemp x86_get_rmw(X86Trans *s, const X86Insn *in, unsigned n, X86Addr *a);
void x86_put_rmw(X86Trans *s, const X86Insn *in, unsigned n,
                 const X86Addr *a, IrTemp value);
/* MO_LOCK if the instruction is locked and other vCPUs may run. */
MemOp x86_lock(const X86Trans *s, bool locked);
IrTemp x86_zx(X86Trans *s, unsigned size, IrTemp value); /* to 64 bits */
IrTemp x86_sx(X86Trans *s, unsigned size, IrTemp value);

/* --- emit_stack.c --- */

/* log2 of a stack slot's width limit: the stack pointer is SP, ESP or RSP. */
unsigned x86_stack_size(const X86Trans *s);
/* Address of the slot @disp bytes from the stack pointer. */
X86Addr x86_stack_addr(X86Trans *s, int64_t disp, unsigned bytes,
                       int access);
void x86_add_sp(X86Trans *s, int64_t bytes);
void x86_push(X86Trans *s, unsigned size, IrTemp value);

/* --- emit_sse.c: vectors, for SSE and VEX instructions --- */

/* False after a fault that the mode decides: #UD or #NM. */
bool x86_vec_usable(X86Trans *s, const X86Insn *in);
/* Operand @n, which is memory, to or from a vector.  A VEX instruction's load
 * clears the rest of 256 bits. */
void x86_load_vec(X86Trans *s, const X86Insn *in, unsigned n, IrTemp dst,
                  MemOp align);
void x86_store_vec(X86Trans *s, const X86Insn *in, unsigned n, IrTemp src,
                   MemOp align);

/* --- translate.c: rip and the ways out --- */

/* rip of the instruction at page offset @off. */
IrTemp x86_rip_at(X86Trans *s, int64_t off);
IrTemp x86_next_rip(X86Trans *s);
/* Go on at page offset @target, by chain slot @slot if it is in this page;
 * @size is the width of rip. */
void x86_goto(X86Trans *s, unsigned slot, int64_t target, unsigned size);
/* Go on at @rip, zero-extended. */
void x86_jump(X86Trans *s, IrTemp rip);
/* @rip cut to the jump's operand size @size and checked against the limit of
 * a CS that is not flat (#GP(0)); before the instruction writes anything. */
IrTemp x86_jump_target(X86Trans *s, IrTemp rip, unsigned size, int push);
/* #GP(0) now, for its target, if CMP(@a, @b) meets @cond.  @push: log2 of the
 * bytes that the jump pushes; the fault of that would come first. */
void x86_refuse_target(X86Trans *s, IrCond cond, IrTemp a, IrTemp b, int push);
#define NO_PUSH (-1)
void x86_store_rip(X86Trans *s, IrTemp rip);
/* Go on at X86CPU.rip, which a helper has set; requests first. */
void x86_exit(X86Trans *s);
/* RF as it is between two repetitions.  Intel's processors set it, on which
 * nothing depends without breakpoints and traps; on AMD's it stays as it was.
 */
void x86_set_resume(X86Trans *s);
/* Leave, to run this instruction once more: a repetition. */
void x86_exit_again(X86Trans *s);
/* On at the next instruction, but first see to requests: what changed may let
 * them through. */
void x86_exit_next(X86Trans *s);
/* The same after MOV SS and POP SS, which hold off the single-step trap. */
void x86_exit_shadow(X86Trans *s);
/* On at the next instruction, in a new TB: hflags changed. */
void x86_jump_next(X86Trans *s);
/* The same by chain slot @slot: it always leads to the same flags. */
void x86_goto_changed(X86Trans *s, unsigned slot);
/* --- emit_flags.c: a TB that ends with STI holds interrupts off --- */
void x86_enter_shadow(X86Trans *s);
/* Fault now; nothing of the instruction follows. */
void x86_fault(X86Trans *s, int vector);        /* without error code */
void x86_fault_error0(X86Trans *s, int vector); /* with error code 0 */
/* Call @helper without arguments or result. */
void x86_call0(X86Trans *s, unsigned helper);
void x86_call1(X86Trans *s, unsigned helper, IrTemp a);
void x86_call2(X86Trans *s, unsigned helper, IrTemp a, IrTemp b);

/* --- the emitters, one prototype a row --- */
#define LOOP_ALWAYS 16 /* beside COND_*: LOOP */
#define X86(map, opcode, form, pfx, mnem, emit, arg, o0, o1, o2, reads, \
            writes, undef, attrs, feature) \
    X86EmitFunc emit_##emit;
#include "target/i386/opcodes.def"
#undef X86

#endif
