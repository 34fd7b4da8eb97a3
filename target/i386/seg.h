/* SPDX-License-Identifier: MIT */
/*
 * Descriptors, segment registers and stacks in memory, for the helpers that
 * change privilege or mode.
 *
 * Invariant: the DPL in segs[R_SS].attr is the CPL whenever CR0.PE is set, for
 * a null SS of 64-bit mode too.  x86_update_hflags derives HF_CPL from it.
 *
 * Faulting order: every function here that can fault does so before it
 * changes a register, unless it says else.
 */
#ifndef HEDDLE_TARGET_I386_SEG_H
#define HEDDLE_TARGET_I386_SEG_H

#include "exec/ldst.h"
#include "target/i386/cpu.h"

/* One 8-byte entry of a descriptor table: SDM vol. 3A, 3.4.5. */
typedef struct Desc {
    uint32_t lo, hi;
} Desc;

/* Types of system descriptors (S clear): SDM vol. 3A, table 3-2. */
enum {
    SYS_TSS16 = 1,
    SYS_LDT = 2,
    SYS_TSS16_BUSY = 3,
    SYS_CALL16 = 4,
    SYS_TASK_GATE = 5,
    SYS_INT16 = 6,
    SYS_TRAP16 = 7,
    SYS_TSS32 = 9,
    SYS_TSS32_BUSY = 11,
    SYS_CALL32 = 12,
    SYS_INT32 = 14,
    SYS_TRAP32 = 15,
    SYS_TSS_BUSY_BIT = 2,
    SYS_32BIT = 8, /* gates and TSS: the 32-bit (or 64-bit) form */
};

#define DESC_ATTR  0x00f0ff00u /* what SegmentCache.attr keeps of Desc.hi */
#define SEL_RPL    3u
#define SEL_LDT    4u
#define SEL_INDEX  0xfff8u
#define SEL_ERROR  0xfffcu /* selector bits of an error code */
/* Attributes of every segment in virtual-8086 mode. */
#define DESC_VM86  (DESC_P | 3u << DESC_DPL_SHIFT | DESC_S | DESC_W | DESC_A)

static inline uint32_t desc_base(Desc d)
{
    return d.lo >> 16 | (d.hi & 0xff) << 16 | (d.hi & 0xff000000);
}

/* In bytes: the last one that may be accessed. */
static inline uint32_t desc_limit(Desc d)
{
    uint32_t limit = (d.lo & 0xffff) | (d.hi & 0xf0000);

    return d.hi & DESC_G ? limit << 12 | 0xfff : limit;
}

static inline unsigned desc_dpl(uint32_t attr)
{
    return (attr >> DESC_DPL_SHIFT) & 3;
}

/* The four type bits; SYS_* when S is clear. */
static inline unsigned desc_type(uint32_t attr)
{
    return (attr >> DESC_TYPE_SHIFT) & 15;
}

static inline bool desc_is_code(uint32_t attr)
{
    return (attr & (DESC_S | DESC_CODE)) == (DESC_S | DESC_CODE);
}

static inline bool desc_is_conforming(uint32_t attr)
{
    return attr & DESC_E; /* of a code segment */
}

static inline bool desc_is_writable(uint32_t attr)
{
    return (attr & (DESC_S | DESC_CODE | DESC_W)) == (DESC_S | DESC_W);
}

static inline bool desc_is_readable(uint32_t attr)
{
    return (attr & DESC_S) && (attr & (DESC_CODE | DESC_W)) != DESC_CODE;
}

static inline bool sel_is_null(uint16_t sel)
{
    return !(sel & ~SEL_RPL);
}

static inline unsigned x86_cpl(const X86CPU *cpu)
{
    return cpu->hflags & HF_CPL;
}

static inline unsigned x86_iopl(const X86CPU *cpu)
{
    return (cpu->eflags & EFLAGS_IOPL) >> 12;
}

static inline bool x86_is_protected(const X86CPU *cpu)
{
    return (cpu->hflags & (HF_PE | HF_VM)) == HF_PE;
}

static inline bool x86_is_long(const X86CPU *cpu)
{
    return cpu->hflags & HF_LMA;
}

/* The MMU part of a MemOp for explicit accesses at @cpl. */
static inline MemOp x86_mmu_at_cpl(const X86CPU *cpu, unsigned cpl)
{
    if (cpl == 3) {
        return MO_MAKE_MMU(MMU_USER);
    }
    return cpu->cr4 & CR4_SMAP && !(cpu->eflags & EFLAGS_AC)
               ? MO_MAKE_MMU(MMU_KERNEL_SMAP)
               : MO_MAKE_MMU(MMU_KERNEL);
}

/* The same for accesses to descriptor tables and TSSs, which are a
 * supervisor's at any CPL and ignore EFLAGS.AC: SDM vol. 3A, 4.6.1. */
static inline MemOp x86_mmu_implicit(const X86CPU *cpu)
{
    return cpu->cr4 & CR4_SMAP ? MO_MAKE_MMU(MMU_KERNEL_SMAP)
                               : MO_MAKE_MMU(MMU_KERNEL);
}

/* Linear address of byte @off of a table at @base. */
static inline vaddr x86_table_addr(const X86CPU *cpu, uint64_t base,
                                   uint64_t off)
{
    return x86_is_long(cpu) ? base + off : (uint32_t)(base + off);
}

/* Clear, then set, bits of EFLAGS other than the arithmetic ones, which are
 * not looked at; hflags follow as with x86_set_eflags. */
void x86_change_eflags(X86CPU *cpu, uint32_t clear, uint32_t set);

/* --- descriptors --- */
/* Read the descriptor that @sel names; false when it lies outside its table
 * or the LDT is unusable.  @sel must not be null.  Faults: #PF. */
bool desc_read(X86CPU *cpu, uint16_t sel, Desc *d);
/* The same through a debugger's eyes: no fault, false where nothing is mapped.
 */
bool desc_peek(X86CPU *cpu, uint16_t sel, Desc *d);
/* Bits 32-63 of the base of a 16-byte system descriptor, whose first half
 * is at @sel; false when outside the table or its type field is not zero. */
bool desc_read_upper(X86CPU *cpu, uint16_t sel, uint32_t *upper);
/* Set the accessed bit in memory, and in @d. */
void desc_set_accessed(X86CPU *cpu, uint16_t sel, Desc *d);
/* Change bits of a descriptor's second word in memory: the busy bit. */
void desc_change_busy(X86CPU *cpu, uint16_t sel, bool busy);
/* Raise @vector with @sel's index and table as error code, or'ed @ext. */
G_NORETURN void seg_fault(X86CPU *cpu, int vector, uint16_t sel, uint32_t ext);

/* --- segment registers; none of these updates hflags --- */
void seg_set(X86CPU *cpu, unsigned reg, uint16_t sel, uint64_t base,
             uint32_t limit, uint32_t attr);
void seg_set_desc(X86CPU *cpu, unsigned reg, uint16_t sel, Desc d);
/* Base from the selector, as in real mode; limit and attributes stay. */
void seg_set_real(X86CPU *cpu, unsigned reg, uint16_t sel);
void seg_set_vm86(X86CPU *cpu, unsigned reg, uint16_t sel);
/* As null: unusable.  For SS, @cpl goes where HF_CPL comes from. */
void seg_set_null(X86CPU *cpu, unsigned reg, uint16_t sel, unsigned cpl);
/* The checks of MOV to a data segment register in protected mode, and the
 * load.  Faults: #GP, #NP, #SS, #PF.  Source: SDM vol. 2B, "MOV". */
void seg_load(X86CPU *cpu, unsigned reg, uint16_t sel);
/* Bytes [@off, @off + @len) are inside the segment. */
bool seg_in_limit(const SegmentCache *seg, uint32_t off, unsigned len);
/* And its type lets them be read, or written; null: they may not. */
bool seg_allows(const SegmentCache *seg, uint32_t off, unsigned len,
                bool write);

/* --- transfers of control --- */
/* May code go on at @rip in @d?  #GP(@ext) if it is past the limit, or not
 * canonical in a 64-bit segment. */
void seg_check_rip(X86CPU *cpu, Desc d, uint64_t rip, uint32_t ext);
/* CS:RIP := @sel (its RPL replaced by @cpl), @rip.  @d is present and
 * accessed. */
void seg_enter_code(X86CPU *cpu, uint16_t sel, unsigned cpl, Desc d,
                    uint64_t rip);

/* --- stacks --- */
/* A stack that is being pushed to or popped from: nothing is in the vCPU's
 * registers until stack_commit. */
typedef struct X86Stack {
    X86CPU *cpu;
    uint64_t sp;   /* as RSP would be */
    uint64_t mask; /* of RSP: what addresses the stack */
    SegmentCache seg;
    MemOp mmu;     /* MO_SS and MMU of the accesses */
    uint32_t error; /* of a #SS: past the limit, or not canonical */
    bool checked;  /* limit and type of seg matter (not in 64-bit mode) */
} X86Stack;

void stack_open(X86Stack *s, X86CPU *cpu); /* SS:RSP as they are */
/* The same as 64-bit code sees it, or as other code does. */
void stack_open_as(X86Stack *s, X86CPU *cpu, bool is_64);
/* @size is MO_16, MO_32 or MO_64. */
void stack_push(X86Stack *s, MemOp size, uint64_t value);
/* Fault as a push would; for whoever does not go on. */
void stack_probe(X86Stack *s, MemOp size);
uint64_t stack_pop(X86Stack *s, MemOp size);
/* @count of them, the first into values[0]; but the last is read first, as the
 * silicon does: it shows in which of several faults is taken. */
void stack_pop_many(X86Stack *s, MemOp size, uint64_t *values, unsigned count);
void stack_skip(X86Stack *s, uint64_t bytes);
/* RSP := s->sp, as far as the mask reaches. */
void stack_commit(const X86Stack *s);

/* The stack of an inner privilege level. */
typedef struct InnerStack {
    X86Stack s;
    uint16_t ss;
    Desc desc; /* of ss; not in long mode, where SS becomes null */
} InnerStack;

/*
 * Find the stack for @cpl in the TSS: SDM vol. 2A, "INT n", and "CALL".
 * @ist   long mode: 1 to 7 take that pointer instead of RSPn; else 0
 * @ext   or'ed to error codes
 * Faults #TS, #SS, #PF; marks the descriptor accessed
 */
void inner_stack_open(InnerStack *in, X86CPU *cpu, unsigned cpl, unsigned ist,
                      uint32_t ext);
/* SS:RSP := the inner stack; the CPL becomes @cpl. */
void inner_stack_commit(const InnerStack *in, unsigned cpl);

#endif
