/* SPDX-License-Identifier: MIT */
/*
 * Instructions against the silicon: one case is a few instructions and a whole
 * user-mode machine state.  Engines run it, each in a process of its own: the
 * processor this program runs on, and the emulator in three forms.  What they
 * leave behind must agree.
 *
 * Every run ends in an exception (the code is followed by INT3s), so an outcome
 * is always: vector, error code, address, and the state there.
 *
 * In the order of reading: gen.c makes a case (encode.c its bytes, values.c the
 * operands' values, places.c where they are, tables.c and segments.c what has
 * to do with descriptors, rules.c and holes.c what is left out), engine.c has
 * it run by silicon.c and emulator.c, compare.c looks at the outcomes, shrink.c
 * makes a difference small, coverage.c counts, main.c is the loop, jobs.c has
 * it run several times at once.
 */
#ifndef HEDDLE_TESTS_ISA_H
#define HEDDLE_TESTS_ISA_H

#include "target/i386/decode.h"
#include "target/i386/seg.h"

/*
 * User memory, the same addresses in every engine.  Code: two pages that may
 * be read and run.  Data: two that may be written, one read only; none may be
 * run.  All around is unmapped.
 */
#define ISA_CODE       0x10000000ull
#define ISA_CODE_BYTES 0x2000u
#define ISA_DATA       0x20000000ull
#define ISA_DATA_BYTES 0x3000u
#define ISA_RW_BYTES   0x2000u /* of the data: before the read-only page */

/* What most cases start with.  16-bit mode has based segments of the LDT; GS
 * has a base in every mode.  The selectors of the flat ones are those of Linux.
 */
#define ISA_LIMIT16  0x3fffu /* of 16-bit data: one page past the last one */
#define ISA_GS_BASE  (ISA_DATA + 0x800)
#define ISA_GS_LIMIT 0x1fffu
/* Where addresses of 16 and of 32 bits end is data in these: its second page,
 * the middle of its first. */
#define ISA_END16_BASE (ISA_DATA + PAGE_SIZE - 0x10000)
#define ISA_END32_BASE (ISA_DATA + 0x800)
enum {
    ISA_SEL_CODE64 = 0x33,
    ISA_SEL_CODE32 = 0x23,
    ISA_SEL_DATA = 0x2b,
    ISA_SEL_CODE16 = 0x07,
    ISA_SEL_DATA16 = 0x0f,
    ISA_SEL_GS = 0x17,
    ISA_SEL_END16 = 0x1f,
    ISA_SEL_END32 = 0x27,
};

/* Image of FXSAVE64: SDM vol. 1, table 10-2 "Layout of FXSAVE". */
typedef struct IsaFx {
    uint16_t cw, sw;
    uint8_t valid, reserved0; /* abridged tags, by physical register */
    uint16_t op;
    uint64_t ip, dp;
    uint32_t mxcsr, mxcsr_mask;
    uint8_t st[8][16]; /* by distance from the top */
    uint8_t xmm[16][16];
    uint8_t reserved1[96];
} IsaFx;
_Static_assert(sizeof(IsaFx) == 512, "FXSAVE image");

typedef struct IsaState {
    uint64_t regs[16], rip;
    uint64_t fs_base, gs_base;
    uint32_t eflags;
    uint16_t sel[NB_SEGS];
    __attribute__((aligned(16))) IsaFx fx;
    uint8_t ymm_high[16][16]; /* the upper halves */
} IsaState;

#define ISA_MAX_SEQ  16
#define ISA_MAX_CODE (X86_MAX_INSN * ISA_MAX_SEQ)

typedef struct IsaInsn {
    uint16_t row; /* index in x86_rows(); ISA_NO_ROW: an invalid form */
    uint8_t off, len;
    uint8_t mode; /* of the code segment that it is meant for */
} IsaInsn;
#define ISA_NO_ROW 0xffff

/* What an instruction is meant to do to segment registers, for the code behind
 * it: segments.c. */
typedef struct IsaLoad {
    uint8_t seg;  /* NB_SEGS: none */
    uint8_t mode; /* of the code behind it; 0: not known */
    uint16_t sel;
    uint64_t off; /* of a far transfer */
} IsaLoad;

/* What of an outcome is not compared: holes.c. */
typedef struct IsaHoles {
    bool open;         /* nothing of it is */
    bool taken;        /* nor if a jump was taken */
    bool rip;          /* a trap's RIP may be the instruction's */
    bool x87_of_fault; /* if it faulted, the x87's state is not */
    uint16_t regs;     /* by number: */
    uint64_t reg_bits; /* these bits of them */
    uint32_t flags;
    struct {
        uint16_t off, len;
    } data[2];
    /* CR2 may be anywhere in these: */
    uint64_t operand;
    unsigned operand_bytes; /* 0: must be exact */
} IsaHoles;

/* Cases in a row with the same code: the emulator translates it once. */
#define ISA_STATES 4

typedef struct IsaCase {
    /* The code, and what is known of it whatever the state. */
    uint8_t mode; /* 64, 32 or 16 */
    uint8_t ninsns;
    uint8_t code_len;
    uint16_t sel[NB_SEGS];     /* at the start */
    IsaLoad load;              /* by the first instruction, if it is the one
                                  that the case is made for */
    uint32_t code_off;         /* of the first byte, from ISA_CODE */
    uint32_t flags_mask;       /* EFLAGS to compare if every instruction ran */
    uint32_t fault_flags_mask; /* and if one faulted */
    uint16_t fsw_mask;         /* of the x87's status word, likewise */
    bool image;                /* faults anywhere in its memory: rule_image */
    bool two_loads;            /* likewise: rule_two_loads */
    bool parts;                /* likewise: rule_parts */
    IsaInsn insn[ISA_MAX_SEQ];
    uint8_t code[ISA_MAX_CODE];
    /* This case's own. */
    uint64_t number;
    IsaHoles holes;
    IsaState state; /* rip is an offset in the code segment */
    uint8_t data[ISA_DATA_BYTES];
} IsaCase;

/* All that fits in @size, IR_8 to IR_64. */
static inline uint64_t isa_low_bits(unsigned size)
{
    return UINT64_MAX >> (64 - (8u << size));
}

/* The code that fits: the last instruction may run out of the pages. */
static inline unsigned isa_code_bytes(const IsaCase *c)
{
    return MIN(c->code_len, ISA_CODE_BYTES - c->code_off);
}

typedef enum IsaEnd {
    ISA_END_NONE,    /* did not run */
    ISA_END_TRAP,    /* an exception: the normal way */
    ISA_END_TIMEOUT, /* no end in sight */
    ISA_END_DIED,    /* took its process along */
} IsaEnd;

typedef struct IsaResult {
    uint8_t end; /* IsaEnd */
    uint8_t vector;
    uint32_t error; /* code, if the vector has one */
    uint64_t addr;  /* CR2 of a #PF */
    IsaState state;
    uint8_t data[ISA_DATA_BYTES];
} IsaResult;

/* --- engines (engine.c); all are children, started on demand --- */
typedef enum IsaEngineId {
    ENGINE_SILICON,
    ENGINE_NATIVE, /* native back-end; a whole case is one block if it can be */
    ENGINE_INTERP,
    ENGINE_SINGLE, /* native back-end, one instruction per block, on a host
                      that has no more than it must */
    NB_ENGINES,
} IsaEngineId;

/* What one engine does in its process. */
typedef struct IsaEngine {
    const char *name;
    const char *accel; /* -accel options; NULL: none */
    void (*init)(const struct IsaEngine *e);
    void (*run)(const IsaCase *c, IsaResult *r);
    /* From a signal handler, with its ucontext_t: the case that runs now has
     * run too long. */
    void (*interrupt)(void *context);
} IsaEngine;
extern const IsaEngine isa_silicon, isa_native, isa_interp, isa_single;

#define ISA_BATCH 32
/* Shared with the children; the parent fills it before engines_run. */
extern IsaCase *isa_cases;
/* Of them, and one more for whoever looks at a case closer. */
#define ISA_SPARE ISA_BATCH

void engines_init(void);
/* Use only the engines of @mask (bits by id) besides the silicon. */
void engines_select(unsigned mask);
const char *engine_name(unsigned id);
bool engine_used(unsigned id);
/* Run isa_cases[@first..@first + @count) by all engines. */
void engines_run(unsigned first, unsigned count);
const IsaResult *engine_result(unsigned id, unsigned index);
void engines_stop(void);

/* --- host.c --- */
void host_init(void);
/* Can the processor run rows of this feature, and Heddle too? */
bool silicon_has_feature(unsigned feature);
bool silicon_is_amd(void);
/* Does a null selector in FS or GS leave base 0? */
bool silicon_null_clears_base(void);
/* May programs write the bases of FS and GS? */
bool silicon_has_bases(void);

/* --- jobs.c --- */
/* Of all jobs; changed by atomic additions. */
typedef struct IsaTotals {
    unsigned found, ran, skipped;
} IsaTotals;
extern IsaTotals *isa_totals;

void *shared_memory(size_t bytes); /* zeroed; children share it */
void jobs_init(void);
/* Run @run(@arg, 0 to @count - 1), each in a process; false: one failed. */
bool jobs_run(unsigned count, void (*run)(void *, unsigned), void *arg);
/* Around a report, which no other may interrupt. */
void jobs_lock(void);
void jobs_unlock(void);

/* --- random numbers (values.c); one stream, reseeded for each case --- */
void rnd_seed(uint64_t seed, uint64_t number);
uint64_t rnd(void);
static inline unsigned rnd_below(unsigned n)
{
    return (uint32_t)rnd() % n;
}
static inline bool rnd_one_in(unsigned n)
{
    return rnd_below(n) == 0;
}
uint64_t value_integer(void); /* corners and noise */
/* Values as of value_bytes() from a stock of @seed's: cheap, but not new. */
void value_stock(uint8_t *buf, size_t len, uint64_t seed, uint64_t number);
void value_bytes(uint8_t *buf, size_t len); /* memory and vectors */
void value_fx(IsaFx *fx);                   /* a valid x87 and SSE state */

/* --- rules.c --- */
typedef struct IsaElsewhere {
    const char *by, *why; /* what tests the row instead; why not the silicon */
} IsaElsewhere;
/* NULL: cases are made of the row. */
const IsaElsewhere *rule_elsewhere(const X86Row *row);
/* What tests more of it than the fault that user mode sees, or NULL. */
const char *rule_privileged(const X86Row *row);
/* The same for one instruction, of a row that is tested in general. */
bool rule_excludes_insn(const X86Insn *in, unsigned mode);
/* May the row stand before others in a sequence?  Its effects must be defined
 * and the run go on behind it. */
bool rule_sequence(const X86Insn *in);
/* No part of a sequence, as something of it cannot be compared. */
bool rule_alone(const X86Insn *in);
/* Flags it reads, and those that it always writes (not a shift, whose count
 * may be zero): IR_CC_*. */
uint8_t rule_flags_read(const X86Insn *in);
uint8_t rule_flags_written(const X86Insn *in);
/* It moves an image: in which order its bytes are touched is not defined. */
bool rule_image(const X86Insn *in);
/* It loads twice, and which load comes first is not defined. */
bool rule_two_loads(const X86Insn *in);
/* Its memory operand consists of parts, and whose faults come first depends on
 * the processor. */
bool rule_parts(const X86Insn *in);
/* Condition codes of the x87 that it leaves undefined. */
uint16_t rule_fsw_undefined(const X86Insn *in);
/* Is @name in the NULL-terminated @list? */
bool isa_is_one_of(const char *name, const char *const *list);

/* --- holes.c --- */
void holes_find(IsaCase *c); /* sets c->holes, by the rest */
/* Is what the silicon did something to hold the others against? */
bool holes_answered(const IsaCase *c, const IsaResult *silicon);

/* --- encode.c --- */
typedef struct IsaBytes {
    uint8_t b[X86_MAX_INSN + 1];
    uint8_t len;
    int8_t modrm; /* where it is, or -1 */
} IsaBytes;
/* Random bytes whose opcode is @row's; not yet cut to length. */
void encode_row(IsaBytes *out, const X86Row *row, unsigned mode);
/* Random bytes that begin as an instruction of two or more opcode bytes. */
void encode_stray(IsaBytes *out, unsigned mode);
/* Aim an address without registers at @target (an offset in its segment). */
void encode_aim(IsaBytes *out, const X86Insn *in, uint64_t target,
                uint64_t rip_next);
/* Make a long displacement from a register a short way. */
void encode_small_displacement(IsaBytes *out, const X86Insn *in);

/* --- operands.c --- */
#define ISA_NO_PLACE UINT64_MAX
/* Aim the address of @in, the only instruction of @c, at data or code if it has
 * no registers.  Returns the place in the data, or ISA_NO_PLACE. */
uint64_t operands_place(const IsaCase *c, IsaBytes *bytes, const X86Insn *in,
                        uint64_t rip_next);
/* Give it registers and memory that let it do something: addresses in the data
 * pages, targets in the code pages. */
void operands_aim(IsaCase *c, const X86Insn *in, uint64_t place);
/* In what a case starts with. */
uint64_t operands_segment_base(const IsaCase *c, unsigned seg);
/* Where in the data the stack pointer points. */
uint64_t operands_stack_place(const IsaCase *c);
bool operands_has_memory(const X86Insn *in);
unsigned operands_memory_bytes(const X86Insn *in);
/* Of the memory operand of @in, in its segment and with the segment's base. */
uint64_t operands_effective_address(const IsaCase *c, const X86Insn *in);
uint64_t operands_linear_address(const IsaCase *c, const X86Insn *in);
/* The registers that hold addresses of data throughout a sequence. */
void operands_pointers(IsaCase *c);
bool operands_is_pointer(unsigned reg);

/* --- places.c --- */
/* Where in the data, or not, an operand with addresses of @asize (IR_16 to
 * IR_64) in @seg may be. */
uint64_t places_draw(const IsaCase *c, unsigned seg, unsigned asize);
/* A stack pointer by the end of its segment. */
uint64_t places_stack_end(const IsaCase *c);

/* --- tables.c: descriptor tables, the same for all engines --- */
#define ISA_DESC_AVL    BIT(20) /* DESC_*: free for the system's use */
#define ISA_GDT_ENTRIES 16
#define ISA_LDT_ENTRIES 256
extern Desc isa_gdt[ISA_GDT_ENTRIES], isa_ldt[ISA_LDT_ENTRIES];
void tables_init(uint64_t seed); /* before the engines start */
/* False: @sel is null or beyond its table. */
bool tables_find(uint16_t sel, Desc *d);
typedef enum IsaWant {
    WANT_ANY,
    WANT_READABLE,
    WANT_STACK, /* writable */
    WANT_CODE,
} IsaWant;
/* A selector that can be loaded as what is wanted. */
uint16_t tables_draw_good(IsaWant want);
/* The same for the most part: null, RPLs, absent or of another kind, too. */
uint16_t tables_draw(IsaWant want);

/* --- segments.c --- */
/* The segment registers of a new case whose mode is known. */
void segments_start(IsaCase *c);
/* Have it start with @seg as most cases do. */
void segments_simplify(IsaCase *c, unsigned seg);
/* Decide what @in, the only instruction of @c so far, does to segments, and put
 * that into @bytes if it is an immediate.  @next is the linear address behind
 * it. */
void segments_plan(IsaCase *c, IsaBytes *bytes, const X86Insn *in,
                   uint64_t next);
/* An instruction to come behind it that shows what was loaded; false: no more
 * of them. */
bool segments_follow(const IsaCase *c, IsaBytes *bytes, X86Insn *in);
/* Have @in find selectors, the planned one for the most part: in registers, on
 * the stack, in its operand at @place in the data. */
void segments_aim(IsaCase *c, const X86Insn *in, uint64_t place);
/* Does it load FS or GS? */
bool segments_loads_base(const X86Insn *in);

/* --- gen.c --- */
typedef struct IsaOptions {
    uint64_t seed;
    unsigned mode;   /* 0: any */
    unsigned seq;    /* instructions per case */
    const char *row; /* mnemonic or "MAP:XX"; NULL: all */
} IsaOptions;
/* HF_* of user mode in @mode, for the decoder and the emulator. */
uint32_t isa_hflags(unsigned mode);
void gen_init(const IsaOptions *opt); /* choose the rows */
unsigned gen_row_count(void);
const X86Row *gen_row(unsigned index);
/* Case @number of @opt: the same bytes whenever it is asked for. */
void gen_case(IsaCase *c, const IsaOptions *opt, uint64_t number);

/* --- compare.c --- */
/* First difference between @a (silicon) and @b as text into @why; false: none.
 */
bool compare_results(const IsaCase *c, const IsaResult *a, const IsaResult *b,
                     GString *why);
/* Compare all engines for case @index; text of the differences, or NULL. */
char *compare_case(unsigned index);

/* --- shrink.c --- */
/* Make the spare case as small as it still differs; runs engines. */
void shrink_case(void);
void print_case(const IsaCase *c);

/* --- coverage.c --- */
void coverage_init(void);
void coverage_add(const IsaCase *c, const IsaResult *silicon);
bool coverage_write(const char *path, const IsaOptions *opt);
/* How often the row ran that ran least, and which that is. */
unsigned coverage_least(const X86Row **row);

#endif
