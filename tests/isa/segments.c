/* SPDX-License-Identifier: MIT */
/*
 * Instructions that load segment registers, or look at descriptors: the
 * selectors that they find, and instructions behind them that show what has
 * been loaded, through its base and limit, and by the mode of the code.
 */
#include "isa.h"

#include <string.h>

#include "tcg/ir.h"

/* --- what a row does --- */

typedef enum SegKind {
    SEG_NONE,
    SEG_QUERY,    /* LAR, LSL, VERR, VERW: operand @operand is a selector */
    SEG_MOV,      /* to a segment register, the same */
    SEG_POP,      /* a segment register */
    SEG_LOAD_FAR, /* LES and relatives: memory holds a far pointer */
    SEG_FAR_MEM,  /* JMP, CALL: the same */
    SEG_FAR_IMM,  /* JMP, CALL: it is an immediate */
    SEG_RETF,
    SEG_IRET,
} SegKind;

static const struct {
    const char *name;
    uint8_t op0; /* of the row; OC_COUNT: any */
    uint8_t kind, operand;
} kinds[] = {
    {"LAR", OC_Gv, SEG_QUERY, 1},     {"LSL", OC_Gv, SEG_QUERY, 1},
    {"VERR", OC_Ew, SEG_QUERY, 0},    {"VERW", OC_Ew, SEG_QUERY, 0},
    {"MOV", OC_Sw, SEG_MOV, 1},       {"POP", OC___, SEG_POP, 0},
    {"LES", OC_Gv, SEG_LOAD_FAR, 1},  {"LDS", OC_Gv, SEG_LOAD_FAR, 1},
    {"LSS", OC_Gv, SEG_LOAD_FAR, 1},  {"LFS", OC_Gv, SEG_LOAD_FAR, 1},
    {"LGS", OC_Gv, SEG_LOAD_FAR, 1},  {"JMPF", OC_M, SEG_FAR_MEM, 0},
    {"CALLF", OC_M, SEG_FAR_MEM, 0},  {"JMPF", OC_Ap, SEG_FAR_IMM, 0},
    {"CALLF", OC_Ap, SEG_FAR_IMM, 0}, {"RETF", OC_COUNT, SEG_RETF, 0},
    {"IRET", OC_COUNT, SEG_IRET, 0},
};

static SegKind row_kind(const X86Row *row, unsigned *operand)
{
    for (unsigned i = 0; i < ARRAY_LEN(kinds); i++) {
        if (!strcmp(row->name, kinds[i].name) &&
            (kinds[i].op0 == OC_COUNT || kinds[i].op0 == row->op[0])) {
            *operand = kinds[i].operand;
            return kinds[i].kind;
        }
    }
    return SEG_NONE;
}

/* The register it loads; NB_SEGS: none. */
static unsigned loaded_segment(const X86Insn *in, SegKind kind)
{
    switch (kind) {
    case SEG_NONE:
    case SEG_QUERY:
        return NB_SEGS;
    case SEG_MOV: /* CS, and what is none, are #UD */
        return in->op[0].reg == R_CS ? NB_SEGS : MIN(in->op[0].reg, NB_SEGS);
    case SEG_POP:
    case SEG_LOAD_FAR:
        return in->row->arg;
    default:
        return R_CS;
    }
}

bool segments_loads_base(const X86Insn *in)
{
    unsigned seg = loaded_segment(in, row_kind(in->row, &(unsigned){0}));

    return seg == R_FS || seg == R_GS;
}

/* --- the start --- */

static uint16_t flat_selector(unsigned mode, unsigned seg)
{
    switch (seg) {
    case R_CS:
        return mode == 64   ? ISA_SEL_CODE64
               : mode == 32 ? ISA_SEL_CODE32
                            : ISA_SEL_CODE16;
    case R_FS:
        return 0;
    case R_GS:
        return mode == 64 ? 0 : ISA_SEL_GS;
    default:
        return mode == 16 ? ISA_SEL_DATA16 : ISA_SEL_DATA;
    }
}

static uint16_t draw_odd(unsigned seg)
{
    if (rnd_one_in(4)) {
        return rnd_one_in(2) ? ISA_SEL_END16 : ISA_SEL_END32;
    }
    return tables_draw_good(seg == R_SS ? WANT_STACK : WANT_READABLE);
}

void segments_start(IsaCase *c)
{
    bool odd = rnd_one_in(8);

    for (unsigned i = 0; i < NB_SEGS; i++) {
        bool fixed = i == R_CS || (i >= R_FS && !silicon_has_bases());

        c->sel[i] = flat_selector(c->mode, i);
        if (odd && !fixed && rnd_one_in(2)) {
            c->sel[i] = draw_odd(i);
        }
    }
}

void segments_simplify(IsaCase *c, unsigned seg)
{
    c->sel[seg] = c->state.sel[seg] = flat_selector(c->mode, seg);
    if (c->mode != 64 && seg >= R_FS) {
        c->state.fs_base = operands_segment_base(c, R_FS);
        c->state.gs_base = operands_segment_base(c, R_GS);
    }
}

/* --- the plan: what the code depends on --- */

/* Linux returns to a stack of the LDT by one of its own, whose address stays in
 * the upper half of RSP: nothing may be pushed by 64-bit code then. */
static bool upper_rsp_is_lost(const IsaCase *c)
{
    return c->mode != 64 && (c->sel[R_SS] & SEL_LDT);
}

/* 0: @sel is no code. */
static unsigned code_mode(uint16_t sel)
{
    Desc d;

    if (!tables_find(sel, &d) || !desc_is_code(d.hi)) {
        return 0;
    }
    return d.hi & DESC_L ? 64 : d.hi & DESC_B ? 32 : 16;
}

/* A code segment to go to: of the mode that was planned, if any, as the code
 * behind is made for that.  A far CALL pushes in the new mode. */
static uint16_t draw_code(const IsaCase *c, const X86Insn *in)
{
    bool avoid_64 = upper_rsp_is_lost(c) && !strcmp(in->row->name, "CALLF");
    unsigned mode;
    uint16_t sel;

    do {
        sel = tables_draw(WANT_CODE);
        mode = code_mode(sel);
    } while ((avoid_64 && mode == 64) ||
             (c->load.mode && mode && mode != c->load.mode));
    return sel;
}

/* Where in @sel to go: to linear address @next, now and then elsewhere; but not
 * amid the case's instructions, which may then be any. */
static uint64_t draw_target(uint16_t sel, uint64_t next)
{
    Desc d = {0, 0};
    uint64_t behind, off;

    tables_find(sel, &d);
    behind = d.hi & DESC_L ? next : (uint32_t)(next - desc_base(d));
    switch (rnd_below(16)) {
    case 0:
        off = value_integer();
        break;
    case 1:
        off = desc_limit(d) + rnd_below(3) - 1;
        break;
    case 2:
        off = behind ^ BIT64(32 + rnd_below(32));
        break;
    default:
        return behind;
    }
    return off - behind + X86_MAX_INSN < 8 * X86_MAX_INSN ? behind : off;
}

static void plan_transfer(IsaCase *c, const X86Insn *in, uint64_t next)
{
    IsaLoad *l = &c->load;

    l->mode = 0;
    l->sel = draw_code(c, in);
    l->off = draw_target(l->sel, next);
    l->mode = code_mode(l->sel);
}

void segments_plan(IsaCase *c, IsaBytes *bytes, const X86Insn *in,
                   uint64_t next)
{
    SegKind kind = row_kind(in->row, &(unsigned){0});
    IsaLoad *l = &c->load;
    unsigned size = 1u << in->op[0].size;

    l->seg = loaded_segment(in, kind);
    l->mode = c->mode;
    if (l->seg != R_CS) {
        l->sel = tables_draw(l->seg == NB_SEGS ? WANT_ANY
                             : l->seg == R_SS  ? WANT_STACK
                                               : WANT_READABLE);
        return;
    }
    plan_transfer(c, in, next);
    if (kind == SEG_FAR_IMM) {
        memcpy(bytes->b + in->len - 2 - size, &l->off, size);
        memcpy(bytes->b + in->len - 2, &l->sel, 2);
    }
}

/* --- operands: they depend on the state --- */

static void put(IsaCase *c, uint64_t place, uint64_t value, unsigned len)
{
    if (place <= ISA_DATA_BYTES - len) {
        memcpy(c->data + place, &value, len);
    }
}

/* Beside a selector is room for noise. */
static void put_wide_selector(IsaCase *c, uint64_t place, uint16_t sel,
                              unsigned len)
{
    put(c, place, sel | (rnd_one_in(2) ? rnd() << 16 : 0), len);
}

/* An offset that leads to the data, by a segment with @base. */
static uint64_t data_offset(uint64_t base)
{
    return (uint32_t)(ISA_DATA + 0x200 + rnd_below(ISA_RW_BYTES - 0x400) -
                      base);
}

/* The offset of the segment that @sel is, for a register beside it. */
static uint64_t offset_for(uint16_t sel)
{
    Desc d;

    return tables_find(sel, &d) ? data_offset(desc_base(d)) : rnd();
}

static void put_operand(IsaCase *c, const X86Operand *op, uint64_t place,
                        uint16_t sel)
{
    uint64_t *reg = &c->state.regs[op->reg];

    if (op->kind == OPND_REG) {
        *reg = (*reg & ~(uint64_t)0xffff) | sel;
    } else {
        put(c, place, sel, 2);
    }
}

/* AC would make this program's own handlers fault. */
static uint64_t draw_flags(void)
{
    uint64_t flags = rnd() & 0x3f7fd5 & ~(uint64_t)EFLAGS_AC;

    return flags & (rnd_one_in(8) ? UINT64_MAX : ~(uint64_t)EFLAGS_TF);
}

/* What a far return pops, from the stack pointer up. */
static void put_frame(IsaCase *c, const X86Insn *in, bool is_iret, uint16_t cs,
                      uint64_t rip)
{
    uint64_t at = operands_stack_place(c);
    unsigned size = 1u << in->osize;

    put(c, at, rip, size);
    put_wide_selector(c, at + size, cs, size);
    if (!is_iret) {
        return;
    }
    put(c, at + 2 * size, draw_flags(), size);
    if (c->mode == 64) {
        put(c, at + 3 * size, data_offset(0), size);
        put_wide_selector(c, at + 4 * size, tables_draw(WANT_STACK), size);
    }
    c->state.eflags |= rnd_one_in(16) ? EFLAGS_NT : 0;
}

static void aim_load(IsaCase *c, const X86Insn *in, SegKind kind,
                     unsigned operand, uint64_t place)
{
    unsigned size = 1u << in->osize;
    uint16_t sel = rnd_below(4) ? c->load.sel : tables_draw(WANT_ANY);

    if (kind == SEG_POP) {
        put_wide_selector(c, operands_stack_place(c), sel, size);
    } else if (kind == SEG_LOAD_FAR) {
        put(c, place, offset_for(sel), size);
        put(c, place + size, sel, 2);
    } else {
        if (c->load.seg == R_SS && c->mode != 64 && in->mem.base != R_RSP) {
            c->state.regs[R_RSP] = offset_for(sel);
        }
        put_operand(c, &in->op[operand], place, sel);
    }
}

static void aim_transfer(IsaCase *c, const X86Insn *in, SegKind kind,
                         uint64_t place)
{
    unsigned size = 1u << in->osize;
    uint16_t sel = c->load.sel;
    uint64_t off = c->load.off;

    if (rnd_one_in(4)) {
        sel = draw_code(c, in);
        off = draw_target(sel, ISA_CODE + c->code_off + in->len);
    }
    if (kind == SEG_FAR_MEM) {
        put(c, place, off, size);
        put(c, place + size, sel, 2);
    } else if (kind != SEG_FAR_IMM) {
        put_frame(c, in, kind == SEG_IRET, sel, off);
    }
}

void segments_aim(IsaCase *c, const X86Insn *in, uint64_t place)
{
    unsigned operand = 0;
    SegKind kind = row_kind(in->row, &operand);

    if (c->load.seg == R_CS) {
        aim_transfer(c, in, kind, place);
    } else if (kind != SEG_NONE) {
        aim_load(c, in, kind, operand, place);
    }
}

/* --- what shows the effect --- */

static void byte(IsaBytes *o, unsigned b)
{
    o->b[o->len++] = b;
}

static void offset(IsaBytes *o, uint64_t v, unsigned bytes)
{
    memcpy(o->b + o->len, &v, bytes);
    o->len += bytes;
}

/* An offset to try in the segment that has been loaded. */
static uint64_t draw_offset(const IsaCase *c)
{
    bool flat = c->load.mode == 64 && c->load.seg < R_FS;
    Desc d;

    if (rnd_one_in(4)) {
        return value_integer();
    }
    if (rnd_one_in(4) && tables_find(c->load.sel, &d)) {
        return desc_limit(d) + rnd_below(16) - 8;
    }
    return flat ? data_offset(0) : offset_for(c->load.sel);
}

/* Load, store, or add to memory by that segment, at a displacement: MOV, ADD,
 * and MOV from a segment register. */
static void make_access(IsaBytes *o, const IsaCase *c)
{
    static const uint8_t prefix[] = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65};
    static const uint8_t opcode[] = {0x8a, 0x8b, 0x88, 0x89,
                                     0x00, 0x01, 0x03, 0x8c};
    unsigned mode = c->load.mode;
    bool flip = mode != 64 && rnd_one_in(4);
    bool disp16 = (mode == 16) != flip;
    uint8_t reg = rnd_below(NB_SEGS) << 3;

    if (flip) {
        byte(o, 0x67);
    }
    if (rnd_one_in(2)) {
        byte(o, 0x66);
    }
    byte(o, prefix[c->load.seg]);
    byte(o, opcode[rnd_below(ARRAY_LEN(opcode))]);
    if (mode == 64) {
        byte(o, reg | 4); /* by a SIB byte: else it counts from RIP */
        byte(o, 0x25);
    } else {
        byte(o, reg | (disp16 ? 6 : 5));
    }
    offset(o, draw_offset(c), disp16 ? 2 : 4);
}

/* PUSH, POP, PUSHA, POPA, PUSHF, LEAVE, PUSH of segments; INC and DEC, which
 * are prefixes in 64-bit code; CALL to the next instruction. */
static void make_stack_use(IsaBytes *o)
{
    static const uint8_t opcode[] = {0x50, 0x53, 0x58, 0x5b, 0x60, 0x61, 0x9c,
                                     0xc9, 0x06, 0x0e, 0x16, 0x1e, 0x40, 0x48};

    if (rnd_one_in(4)) {
        byte(o, 0xe8); /* in other modes with a prefix it is not the same */
        offset(o, 0, 4);
        return;
    }
    if (rnd_one_in(3)) {
        byte(o, 0x66);
    }
    if (rnd_one_in(4)) {
        byte(o, 0x0f);
        byte(o, rnd_one_in(2) ? 0xa0 : 0xa8); /* PUSH FS, GS */
    } else {
        byte(o, opcode[rnd_below(ARRAY_LEN(opcode))]);
        byte(o, 0x90);
    }
}

bool segments_follow(const IsaCase *c, IsaBytes *bytes, X86Insn *in)
{
    const IsaLoad *l = &c->load;
    bool stack = (l->seg == R_SS || l->seg == R_CS) &&
                 !(l->mode == 64 && upper_rsp_is_lost(c));

    memset(bytes, 0, sizeof(*bytes));
    if (!l->mode || l->seg == NB_SEGS || rnd_one_in(3)) {
        return false;
    }
    if (stack && rnd_below(3)) {
        make_stack_use(bytes);
    } else {
        make_access(bytes, c);
    }
    return x86_decode(in, NULL, bytes->b, X86_MAX_INSN, isa_hflags(l->mode)) ==
               DECODE_OK &&
           !rule_excludes_insn(in, l->mode);
}
