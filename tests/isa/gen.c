/* SPDX-License-Identifier: MIT */
/*
 * A case from its number: mode, state, and instructions that are drawn until
 * the rules let them pass.
 */
#include "isa.h"

#include <stdlib.h>
#include <string.h>

#include "target/i386/cpuid.h"
#include "tcg/ir.h"

#define MAX_TRIES 400
/* EFLAGS that user mode sees or changes; not RF, which faults set. */
#define FLAGS_SEEN                                                             \
    (EFLAGS_CC | EFLAGS_TF | EFLAGS_IF | EFLAGS_DF | EFLAGS_IOPL | EFLAGS_NT | \
     EFLAGS_AC | EFLAGS_ID)

static const X86Row **chosen;
static unsigned nchosen;

uint32_t isa_hflags(unsigned mode)
{
    uint32_t hf = HF_PE | HF_LMA | 3;

    return mode == 64 ? hf | HF_CS64 : mode == 32 ? hf | HF_CS32 | HF_SS32 : hf;
}

/* --- rows --- */

/* "PADDB", or "map:opcode" with the map as 1, 0f, 38 or 3a. */
static bool row_matches(const X86Row *row, const char *what)
{
    static const char *const map[X86_NMAPS] = {
        [X86_M1] = "1", [X86_M0F] = "0f", [X86_M38] = "38", [X86_M3A] = "3a"};
    const char *colon = what ? strchr(what, ':') : NULL;

    if (!what) {
        return true;
    }
    if (!colon) {
        return !g_ascii_strcasecmp(row->name, what);
    }
    return strlen(map[row->map]) == (size_t)(colon - what) &&
           !g_ascii_strncasecmp(map[row->map], what, colon - what) &&
           strtoul(colon + 1, NULL, 16) == row->opcode;
}

void gen_init(const IsaOptions *opt)
{
    unsigned n;
    const X86Row *rows = x86_rows(&n);

    chosen = g_new(const X86Row *, n);
    for (unsigned i = 0; i < n; i++) {
        if (row_matches(&rows[i], opt->row) && !rule_elsewhere(&rows[i])) {
            chosen[nchosen++] = &rows[i];
        }
    }
}

unsigned gen_row_count(void)
{
    return nchosen;
}

const X86Row *gen_row(unsigned index)
{
    return chosen[index];
}

/* --- flags --- */

static uint32_t eflags_of_cc(unsigned cc)
{
    return (cc & IR_CC_C ? EFLAGS_CF : 0) | (cc & IR_CC_P ? EFLAGS_PF : 0) |
           (cc & IR_CC_A ? EFLAGS_AF : 0) | (cc & IR_CC_Z ? EFLAGS_ZF : 0) |
           (cc & IR_CC_S ? EFLAGS_SF : 0) | (cc & IR_CC_O ? EFLAGS_OF : 0);
}

/* --- instructions --- */

/* Case under construction. */
typedef struct Draft {
    IsaCase *c;
    bool single; /* made for one instruction */
    IsaBytes bytes;
    X86Insn in;
    uint64_t place;      /* of a single instruction's operand, if fixed */
    unsigned undef;      /* flags without a defined value here: IR_CC_* */
    unsigned ever_undef; /* or at some instruction's start */
} Draft;

/* Opcodes where instructions live that Heddle does not have and some processor
 * does, or where the maker decides.  SDM vol. 1, 5 "Instruction Set Summary";
 * APM vol. 3, appendix A. */
static const struct {
    uint8_t vex, map, first, last;
} taken[] = {
    {0, X86_M1, 0x40, 0x4f},  /* a REX prefix before something else */
    {0, X86_M1, 0x62, 0x62},  /* EVEX */
    {0, X86_M1, 0xc4, 0xc5},  /* VEX */
    {0, X86_M1, 0xc6, 0xc7},  /* XABORT, XBEGIN */
    {0, X86_M0F, 0x01, 0x01}, /* system instructions of both makers */
    {0, X86_M0F, 0x0d, 0x0f}, /* prefetches, 3DNow! */
    {0, X86_M0F, 0x20, 0x23}, /* LOCK MOV CR0 is CR8 */
    {0, X86_M0F, 0x2b, 0x2b}, /* SSE4A: MOVNTSS */
    {0, X86_M0F, 0x37, 0x37}, /* GETSEC */
    {0, X86_M0F, 0x78, 0x79}, /* EXTRQ, INSERTQ */
    {0, X86_M0F, 0xae, 0xae}, /* user interrupts, shadow stacks */
    {0, X86_M0F, 0xb9, 0xb9}, /* UD1 has a ModRM byte or not */
    {0, X86_M0F, 0xc7, 0xc7}, /* virtual machines, user interrupts */
    {0, X86_M0F, 0xff, 0xff}, /* UD0 likewise */
    {0, X86_M38, 0x80, 0x82}, /* INVEPT, INVVPID */
    {0, X86_M38, 0xd8, 0xdf}, /* Key Locker */
    {0, X86_M38, 0xf5, 0xff}, /* WRSS, MOVDIRI, ENQCMD, AADD */
    {0, X86_M3A, 0xf0, 0xf0}, /* HRESET */
    {1, X86_M0F, 0x41, 0x4b}, /* AVX-512's mask registers */
    {1, X86_M0F, 0x90, 0x99}, /* likewise */
    {1, X86_M38, 0x48, 0x53}, /* AMX, AVX-VNNI */
    {1, X86_M38, 0x5c, 0x6f}, /* AMX */
    {1, X86_M38, 0x72, 0x72}, /* AVX-NE-CONVERT */
    {1, X86_M38, 0xb0, 0xb5}, /* likewise, AVX-IFMA */
    {1, X86_M38, 0xcb, 0xda}, /* SHA512, AVX-VNNI-INT16, SM3, SM4 */
    {1, X86_M38, 0xe0, 0xef}, /* CMPccXADD */
    {1, X86_M3A, 0x00, 0x01}, /* VPERMQ, VPERMPD: AMD ignores W */
    {1, X86_M3A, 0x30, 0x33}, /* mask registers */
    {1, X86_M3A, 0xde, 0xde}, /* SM3 */
};

static bool opcode_is_taken(const X86Insn *in)
{
    for (unsigned i = 0; i < ARRAY_LEN(taken); i++) {
        if (taken[i].vex == in->vex && taken[i].map == in->map &&
            in->opcode >= taken[i].first && in->opcode <= taken[i].last) {
            return true;
        }
    }
    return false;
}

/* An invalid form that every processor refuses: a LOCK too much, a register
 * where memory must be, an opcode that 64-bit mode dropped or nobody took, VEX
 * fields of no meaning; or more than 15 bytes. */
static bool draw_invalid(Draft *d, X86Decode result)
{
    /* If it might be too long as well, or too long before it is known, #UD or
     * #GP: SDM vol. 3A, 6.9. */
    bool maybe_long = d->in.len > X86_MAX_INSN - 9;
    bool known = d->in.row || !d->in.has_modrm;
    bool safe =
        result == DECODE_TOO_LONG ? known : !maybe_long && rnd_one_in(2);

    if (opcode_is_taken(&d->in) ||
        (d->in.row && rule_excludes_insn(&d->in, d->c->mode))) {
        safe = false;
    }
    d->in.row = NULL;
    return d->single && safe;
}

/* A jump to one of its own bytes may have no end. */
static bool jumps_into_itself(const X86Insn *in)
{
    return (in->row->attrs & XA_F64) && in->op[0].kind == OPND_IMM &&
           in->imm < 0 && in->imm >= -(int64_t)in->len;
}

static bool memory_by_pointer(const X86Insn *in)
{
    for (unsigned i = 0; i < 3; i++) {
        if (in->op[i].kind == OPND_MEM) {
            return in->mem.base < 16 && in->mem.index == X86_NO_REG &&
                   operands_is_pointer(in->mem.base) && in->mem.seg != R_GS &&
                   in->mem.seg != R_FS;
        }
    }
    return true;
}

/* A near jump that may lead back into the sequence, or between instructions:
 * relative, or, in no more than 16 bits, to an address that chance has made. */
static bool may_jump_back(const Draft *d)
{
    const X86Insn *in = &d->in;

    if (!(in->row->attrs & XA_F64)) {
        return false;
    }
    return in->op[0].kind == OPND_IMM && strcmp(in->row->name, "RET")
               ? in->imm < 0
               : d->c->mode == 16;
}

/* In a sequence addresses must hold out and flags be defined; now and then a
 * fault in the middle is welcome. */
static bool fits_sequence(const Draft *d, bool last)
{
    const X86Insn *in = &d->in;

    if (may_jump_back(d)) {
        return false;
    }
    if ((!last && !rule_sequence(in)) || in->rep || rule_alone(in) ||
        (rule_flags_read(in) & d->undef)) {
        return false;
    }
    if (in->op[0].kind == OPND_REG && operands_is_pointer(in->op[0].reg) &&
        !rnd_one_in(16)) {
        return false;
    }
    return memory_by_pointer(in) || rnd_one_in(32);
}

static bool draw(Draft *d, const X86Row *row, bool last)
{
    unsigned mode = d->c->mode;
    X86Decode result;

    if (row) {
        encode_row(&d->bytes, row, mode);
    } else {
        encode_stray(&d->bytes, mode);
    }
    result =
        x86_decode(&d->in, NULL, d->bytes.b, d->bytes.len, isa_hflags(mode));
    if (result == DECODE_UD || result == DECODE_TOO_LONG) {
        return draw_invalid(d, result);
    }
    if (result != DECODE_OK) {
        return false;
    }
    if (rule_elsewhere(d->in.row) || rule_excludes_insn(&d->in, mode) ||
        jumps_into_itself(&d->in)) {
        return false;
    }
    /* Prefixes or the mode made another instruction of it, whose turn comes. */
    if (d->single && d->in.row != row && !rnd_one_in(8)) {
        return false;
    }
    return d->single || fits_sequence(d, last);
}

/* The only instruction: what does not depend on the state. */
static void aim_code(Draft *d)
{
    IsaCase *c = d->c;
    uint64_t next = ISA_CODE + c->code_off + d->in.len;

    d->place = operands_place(c, &d->bytes, &d->in,
                              next - (c->mode == 16 ? ISA_CODE : 0));
    segments_plan(c, &d->bytes, &d->in, next);
    x86_decode(&d->in, NULL, d->bytes.b, d->in.len, isa_hflags(c->mode));
}

static void add_bytes(IsaCase *c, const IsaBytes *bytes, const X86Row *row,
                      unsigned len, unsigned mode)
{
    unsigned nrows;

    c->insn[c->ninsns++] = (IsaInsn){
        .row = row ? row - x86_rows(&nrows) : ISA_NO_ROW,
        .off = c->code_len,
        .len = len,
        .mode = mode,
    };
    memcpy(c->code + c->code_len, bytes->b, len);
    c->code_len += len;
}

static void append(Draft *d)
{
    IsaCase *c = d->c;
    const X86Insn *in = &d->in;
    unsigned len = in->row ? in->len : X86_MAX_INSN;

    if (in->row && d->single) {
        aim_code(d);
    } else if (in->row) {
        encode_small_displacement(&d->bytes, in);
    }
    if (!in->row || !strncmp(in->row->name, "UD", 2)) {
        /* How much is fetched before the #UD is not defined. */
        c->code_off = MIN(c->code_off, 0x800);
    }
    add_bytes(c, &d->bytes, in->row, len, c->mode);
    d->ever_undef |= d->undef;
    if (in->row) {
        d->undef &= ~rule_flags_written(in);
        d->undef |= in->row->undef;
        c->fsw_mask &= ~rule_fsw_undefined(in);
        c->image |= rule_image(in);
        c->two_loads |= rule_two_loads(in);
        c->parts |= rule_parts(in);
    }
}

/* Behind an instruction that has loaded a segment register. */
static void append_follow(Draft *d)
{
    IsaCase *c = d->c;
    IsaBytes bytes;
    X86Insn in;

    for (unsigned i = 0; i < 3 && segments_follow(c, &bytes, &in); i++) {
        add_bytes(c, &bytes, in.row, in.len, c->load.mode);
    }
}

/* --- the case --- */

/* Mostly amid a page; also across the pages' border and at the very end. */
static uint32_t place_in_code(void)
{
    switch (rnd_below(12)) {
    case 0:
        return PAGE_SIZE - rnd_below(16);
    case 1:
        return ISA_CODE_BYTES - 1 - rnd_below(16);
    default:
        return 0x400 + rnd_below(0x800);
    }
}

/* Rows take turns; a few times in between, NULL: any opcode. */
static const X86Row *row_of_group(const IsaOptions *opt, uint64_t group)
{
    unsigned strays = opt->row ? 0 : nchosen / 16;
    unsigned turn = group % (nchosen + strays);

    return turn < nchosen ? chosen[turn] : NULL;
}

/* The same for ISA_STATES cases in a row. */
static void draw_code(Draft *d, const IsaOptions *opt, uint64_t group)
{
    static const uint8_t modes[] = {64, 64, 64, 32, 16};
    IsaCase *c = d->c;

    rnd_seed(opt->seed, ~group);
    d->single = opt->seq == 1;
    c->fsw_mask = UINT16_MAX;
    c->load.seg = NB_SEGS;
    c->code_off = d->single ? place_in_code() : 0x400;
    for (unsigned tries = 0; c->ninsns < opt->seq && tries < MAX_TRIES;
         tries++) {
        const X86Row *row =
            d->single ? row_of_group(opt, group) : chosen[rnd_below(nchosen)];

        if (!c->ninsns) {
            c->mode =
                opt->mode ? opt->mode : modes[rnd_below(ARRAY_LEN(modes))];
            segments_start(c);
        }
        if (draw(d, row, c->ninsns + 1u == opt->seq)) {
            append(d);
        }
    }
    if (d->single) {
        append_follow(d);
    }
    c->flags_mask = FLAGS_SEEN & ~eflags_of_cc(d->undef);
    c->fault_flags_mask = FLAGS_SEEN & ~eflags_of_cc(d->ever_undef);
}

/* --- the state --- */

static uint64_t segment_base_value(void)
{
    int64_t noise = rnd();

    switch (rnd_below(8)) {
    case 0:
        return noise >> 17; /* canonical */
    case 1:
        /* The data is at the end of 32-bit addresses. */
        return ISA_DATA + rnd_below(0x1000) - BIT64(32);
    default:
        return ISA_DATA + rnd_below(0x1000);
    }
}

/* Of FS or GS: the descriptor's, or what there is beside a null selector. */
static uint64_t draw_base(const IsaCase *c, unsigned seg)
{
    if (c->mode != 64 || !sel_is_null(c->sel[seg])) {
        return operands_segment_base(c, seg);
    }
    return silicon_has_bases() ? segment_base_value() : ISA_GS_BASE;
}

static void draw_state(IsaCase *c, uint64_t seed)
{
    IsaState *s = &c->state;

    for (unsigned i = 0; i < 16; i++) {
        s->regs[i] = value_integer();
    }
    memcpy(s->sel, c->sel, sizeof(s->sel));
    s->fs_base = draw_base(c, R_FS);
    s->gs_base = draw_base(c, R_GS);
    s->eflags = BIT(1) | EFLAGS_IF | (rnd() & EFLAGS_CC) |
                (rnd_one_in(8) ? EFLAGS_DF : 0) |
                (rnd_one_in(8) ? EFLAGS_AC : 0) |
                (rnd_one_in(32) ? EFLAGS_TF : 0);
    value_fx(&s->fx);
    if (silicon_has_feature(FEAT_AVX)) {
        value_bytes(s->ymm_high[0], sizeof(s->ymm_high));
    }
    value_stock(c->data, sizeof(c->data), seed, c->number);
    operands_pointers(c);
}

static void cut_to_mode(IsaCase *c)
{
    for (unsigned i = 0; c->mode != 64 && i < 16; i++) {
        c->state.regs[i] = i < 8 ? (uint32_t)c->state.regs[i] : 0;
    }
}

void gen_case(IsaCase *c, const IsaOptions *opt, uint64_t number)
{
    static IsaCase shared;
    static Draft d;
    static struct {
        uint64_t group;
        unsigned seq;
    } have;
    uint64_t group = number / ISA_STATES;

    if (have.group != group || have.seq != opt->seq) {
        memset(&shared, 0, offsetof(IsaCase, number));
        d = (Draft){.c = &shared};
        draw_code(&d, opt, group);
        have.group = group;
        have.seq = opt->seq;
    }
    memcpy(c, &shared, offsetof(IsaCase, number));
    memset(&c->number, 0, offsetof(IsaCase, data) - offsetof(IsaCase, number));
    c->number = number;
    rnd_seed(opt->seed, number);
    draw_state(c, opt->seed);
    if (d.single && d.in.row) {
        operands_aim(c, &d.in, d.place);
    }
    cut_to_mode(c);
    c->state.rip = c->code_off + (c->mode == 16 ? 0 : ISA_CODE);
    holes_find(c);
}
