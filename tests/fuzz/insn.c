/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/insn.h"

#include <string.h>

#include "tests/fuzz/fuzz.h"

const InsnMode insn_modes[NB_MODES] = {
    [MODE_REAL] = {"real", 0, 16},
    [MODE_VM86] = {"vm86", HF_PE | HF_VM | 3, 16},
    [MODE_16] = {"16", HF_PE, 16},
    [MODE_32] = {"32", HF_PE | HF_CS32, 32},
    [MODE_64] = {"64", HF_PE | HF_LMA | HF_CS64, 64},
};

/* A ModRM byte that fits the row: a register, or [base+disp8] with SIB. */
static uint8_t example_modrm(const X86Row *row)
{
    unsigned value = row->form & 0xff;

    switch (row->form >> 8) {
    case FORM_R:
    case FORM_M:
        return (uint8_t)(0x44 | value << 3);
    case FORM_G:
        return (uint8_t)(0xc1 | value << 3);
    case FORM_REG:
        return 0xd1;
    case FORM_X:
        return (uint8_t)value;
    default:
        return 0x54;
    }
}

/* SDM vol. 2A, 2.3.5 "The VEX Prefix": three bytes, vvvv = 1111b. */
static unsigned put_vex(const X86Row *row, uint8_t *p)
{
    static const uint8_t pp[PFX_NR + 1] = {
        [PFX_P66] = 1, [PFX_F3] = 2, [PFX_F2] = 3};

    p[0] = 0xc4;
    p[1] = (uint8_t)(0xe0 | (row->map - X86_M0F + 1));
    p[2] = (uint8_t)(0x78 | pp[row->pfx] | (row->attrs & XA_W1 ? 0x80 : 0) |
                     (row->attrs & XA_L1 ? 4 : 0));
    return 3;
}

static unsigned put_legacy(const X86Row *row, uint8_t *p)
{
    static const uint8_t prefix[PFX_NR + 1] = {
        [PFX_P66] = 0x66, [PFX_F3] = 0xf3, [PFX_F2] = 0xf2};
    unsigned n = 0;

    if (prefix[row->pfx]) {
        p[n++] = prefix[row->pfx];
    }
    if (row->map != X86_M1) {
        p[n++] = 0x0f;
    }
    if (row->map > X86_M0F) {
        p[n++] = row->map == X86_M38 ? 0x38 : 0x3a;
    }
    return n;
}

unsigned insn_example(const X86Row *row, uint8_t bytes[INSN_EXAMPLE_MAX])
{
    unsigned n =
        row->attrs & XA_VEX ? put_vex(row, bytes) : put_legacy(row, bytes);

    bytes[n++] = row->opcode;
    if (x86_opcode_has_modrm(row->map, row->opcode)) {
        bytes[n++] = example_modrm(row);
    }
    memset(bytes + n, 0x11, 8);
    return n + 8;
}

void insn_choose_features(X86Features *f, unsigned choice)
{
    uint32_t state = choice * 0x9e3779b1u;

    for (unsigned i = 0; i < FW_COUNT; i++) {
        state = (state ^ state >> 15) * 0x85ebca6b + i;
        f->word[i] = state ^ state >> 13;
    }
}

void insn_reached(const X86Insn *in, unsigned mode)
{
    unsigned count;
    const X86Row *rows = x86_rows(&count);

    fuzz_reached((unsigned)(in->row - rows) * NB_MODES + mode);
}
