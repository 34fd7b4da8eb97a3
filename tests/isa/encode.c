/* SPDX-License-Identifier: MIT */
/*
 * The bytes of one instruction, made from its row of the opcode table: random
 * where the row leaves a choice, in the order of SDM vol. 2A, 2.1.
 */
#include "isa.h"

#include <string.h>

#include "target/i386/cpuid.h"
#include "tcg/ir.h"

static void put(IsaBytes *o, uint8_t byte)
{
    if (o->len < X86_MAX_INSN) {
        o->b[o->len++] = byte;
    }
}

static bool has_operand(const X86Row *row, unsigned code)
{
    return row->op[0] == code || row->op[1] == code || row->op[2] == code;
}

static void put_legacy_prefixes(IsaBytes *o, const X86Row *row)
{
    static const uint8_t seg[] = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65};
    /* Where a prefix selects the row, another one may select something else. */
    bool free = row->pfx == PFX_ANY || rnd_one_in(16);

    if (free && rnd_one_in(4)) {
        put(o, 0x66);
    }
    if (rnd_one_in(10)) {
        put(o, 0x67);
    }
    if (rnd_one_in(row->attrs & XA_LOCK ? 4 : 24)) {
        put(o, 0xf0);
    }
    if (free && rnd_one_in(8)) {
        put(o, rnd_one_in(2) ? 0xf2 : 0xf3);
    }
    if (rnd_one_in(10)) {
        put(o, seg[rnd_below(ARRAY_LEN(seg))]);
    }
}

/* So many that the instruction reaches its limit of 15 bytes, or exceeds it. */
static void put_padding(IsaBytes *o, const X86Row *row)
{
    static const uint8_t any[] = {0x26, 0x2e, 0x36, 0x3e, 0x66, 0x67};
    unsigned n = 4 + rnd_below(11);
    uint8_t byte = any[rnd_below(ARRAY_LEN(any) - 2)];

    if (row->pfx == PFX_ANY && !(row->attrs & XA_VEX)) {
        byte = any[rnd_below(ARRAY_LEN(any))];
    }
    while (n--) {
        put(o, byte);
    }
}

static void put_mandatory_prefix(IsaBytes *o, const X86Row *row)
{
    switch (row->pfx) {
    case PFX_P66:
        put(o, 0x66);
        break;
    case PFX_F3:
        put(o, 0xf3);
        break;
    case PFX_F2:
        put(o, 0xf2);
        break;
    default:
        break;
    }
}

static uint8_t vex_l(const X86Row *row)
{
    uint8_t l = row->attrs & XA_L0 ? 0 : row->attrs & XA_L1 ? 4 : rnd() & 4;
    bool integer = row->feature == FEAT_BMI1 || row->feature == FEAT_BMI2;

    l = integer ? 0 : l;
    return rnd_one_in(24) ? l ^ 4 : l;
}

static uint8_t vex_w(const X86Row *row)
{
    uint8_t w = row->attrs & XA_W0   ? 0
                : row->attrs & XA_W1 ? 0x80
                                     : rnd() & 0x80;

    return rnd_one_in(24) ? w ^ 0x80 : w;
}

/* With all registers in reach; R, X and B are inverted, and 11 for R and X is
 * what tells VEX from LES and LDS outside 64-bit mode. */
static void put_vex(IsaBytes *o, const X86Row *row, unsigned mode)
{
    static const uint8_t pp[] = {
        [PFX_P66] = 1, [PFX_F3] = 2, [PFX_F2] = 3, [PFX_NR] = 0};
    static const uint8_t map[] = {[X86_M0F] = 1, [X86_M38] = 2, [X86_M3A] = 3};
    bool has_v = has_operand(row, OC_By) || has_operand(row, OC_Ho) ||
                 has_operand(row, OC_Hx) || rnd_one_in(24);
    uint8_t rxb = mode == 64 ? rnd() & 0xe0 : 0xe0;
    uint8_t last =
        (has_v ? rnd_below(16) << 3 : 0x78) | vex_l(row) | pp[row->pfx];

    if (row->map == X86_M0F && !(row->attrs & XA_W1) && rnd_one_in(2)) {
        put(o, 0xc5); /* the short form: R, and W as zero */
        put(o, (rxb & 0x80) | last);
        return;
    }
    put(o, 0xc4);
    put(o, rxb | map[row->map]);
    put(o, vex_w(row) | last);
}

static void put_rex_and_escape(IsaBytes *o, const X86Row *row, unsigned mode)
{
    if (mode == 64 && rnd_one_in(2)) {
        put(o, 0x40 | rnd_below(16));
    }
    if (row->map != X86_M1) {
        put(o, 0x0f);
    }
    if (row->map == X86_M38) {
        put(o, 0x38);
    }
    if (row->map == X86_M3A) {
        put(o, 0x3a);
    }
}

static void put_modrm(IsaBytes *o, const X86Row *row)
{
    uint8_t m = rnd();
    uint8_t field = (row->form & 7) << 3;
    unsigned kind = row->form >> 8;

    if (rnd_one_in(2)) {
        m |= 0xc0;
    }
    if (kind == FORM_X) {
        m = row->form;
    } else if (kind == FORM_R || kind == FORM_M || kind == FORM_G) {
        m = (m & ~0x38) | field;
    }
    if (kind == FORM_M || kind == FORM_MEM) {
        m = (m & 0x3f) | rnd_below(3) << 6;
    }
    if (kind == FORM_G || kind == FORM_REG) {
        m |= 0xc0;
    }
    if (row->attrs & XA_VSIB) {
        m = (m & 0x38) | 4 | rnd_below(3) << 6;
    }
    if (kind != FORM_X && rnd_one_in(64)) {
        m ^= 0xc0; /* the form that the row may not have */
    }
    o->modrm = o->len;
    put(o, m);
}

/* Jumps near enough to stay in the code pages. */
static void put_distance(IsaBytes *o)
{
    int32_t d = rnd_one_in(8) ? (int32_t)rnd() : (int)rnd_below(0x600) - 0x300;

    for (unsigned i = 0; i < 4; i++) {
        put(o, d >> 8 * i);
    }
}

static void put_noise(IsaBytes *o)
{
    while (o->len < X86_MAX_INSN) {
        uint64_t v = value_integer();
        unsigned bytes = rnd_one_in(2) ? 1 : 4;

        for (unsigned i = 0; i < bytes; i++) {
            put(o, v >> 8 * i);
        }
    }
}

void encode_stray(IsaBytes *o, unsigned mode)
{
    static const uint8_t prefix[] = {0x66, 0xf2, 0xf3};

    memset(o, 0, sizeof(*o));
    o->modrm = -1;
    if (rnd_one_in(3)) { /* VEX of any map, prefix, L, W, and vvvv */
        put(o, 0xc4);
        put(o, (mode == 64 ? rnd() & 0xe0 : 0xe0) |
                   (rnd_one_in(8) ? rnd_below(32) : 1 + rnd_below(3)));
    } else {
        if (rnd_one_in(2)) {
            put(o, prefix[rnd_below(ARRAY_LEN(prefix))]);
        }
        if (mode == 64 && rnd_one_in(4)) {
            put(o, 0x40 | rnd_below(16));
        }
        put(o, 0x0f);
        if (rnd_one_in(2)) {
            put(o, rnd_one_in(2) ? 0x38 : 0x3a);
        }
    }
    put_noise(o);
}

void encode_row(IsaBytes *o, const X86Row *row, unsigned mode)
{
    static const uint8_t never[] = {0x66, 0xf2, 0xf3, 0xf0, 0x48};
    unsigned span = row->attrs & XA_SPAN16 ? 16 : row->attrs & XA_SPAN8 ? 8 : 1;

    memset(o, 0, sizeof(*o));
    o->modrm = -1;
    if (rnd_one_in(48)) {
        put_padding(o, row);
    }
    if (row->attrs & XA_VEX) {
        if (rnd_one_in(32)) { /* not before VEX */
            put(o, never[rnd_below(mode == 64 ? 5 : 4)]);
        }
        put_vex(o, row, mode);
    } else {
        put_legacy_prefixes(o, row);
        put_mandatory_prefix(o, row);
        put_rex_and_escape(o, row, mode);
    }
    put(o, row->opcode + rnd_below(span));
    if (x86_opcode_has_modrm(row->map, row->opcode)) {
        put_modrm(o, row);
    }
    if (has_operand(row, OC_Jz)) {
        put_distance(o);
    }
    put_noise(o);
}

static void patch(IsaBytes *o, unsigned at, uint64_t v, unsigned bytes)
{
    if (at + bytes <= X86_MAX_INSN) {
        memcpy(o->b + at, &v, bytes);
    }
}

void encode_aim(IsaBytes *o, const X86Insn *in, uint64_t target,
                uint64_t rip_next)
{
    unsigned at = o->modrm + 1;

    if (o->modrm < 0) { /* the MOVs with an offset and no ModRM byte */
        if (in->row->op[0] == OC_Ob || in->row->op[0] == OC_Ov ||
            in->row->op[1] == OC_Ob || in->row->op[1] == OC_Ov) {
            patch(o, in->len - (1 << in->asize), target, 1 << in->asize);
        }
        return;
    }
    if (in->mem.index != X86_NO_REG) {
        return;
    }
    if (in->mem.base == X86_BASE_RIP) {
        patch(o, at, target - rip_next, 4);
    } else if (in->mem.base == X86_NO_REG) {
        if (in->asize == IR_16) {
            patch(o, at, target, 2);
        } else {
            patch(o, at + ((o->b[o->modrm] & 7) == 4), target, 4);
        }
    }
}

void encode_small_displacement(IsaBytes *o, const X86Insn *in)
{
    unsigned at = o->modrm + 1;
    int64_t d = (int)rnd_below(0x200) - 0x100;

    if (o->modrm < 0 || o->b[o->modrm] >> 6 != 2) {
        return;
    }
    if (in->asize == IR_16) {
        patch(o, at, d, 2);
    } else {
        patch(o, at + ((o->b[o->modrm] & 7) == 4), d, 4);
    }
}
