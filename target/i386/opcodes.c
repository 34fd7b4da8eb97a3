/* SPDX-License-Identifier: MIT */
/*
 * opcodes.def as a table, with an index by (map, opcode).  The index is made
 * once at start and only read afterwards, by all vCPU threads.
 */
#include "target/i386/decode.h"

#include "target/i386/emit.h"
#include "target/i386/helpers.h"
#include "tcg/ir.h"

/* Columns `reads`, `writes`, `undef`; `cond` is taken as all: the emitter
 * reads what the condition needs. */
enum {
    FL_0 = 0,
    FL_C = IR_CC_C,
    FL_A = IR_CC_A,
    FL_Z = IR_CC_Z,
    FL_O = IR_CC_O,
    FL_AC = FL_A | FL_C,
    FL_AP = FL_A | IR_CC_P,
    FL_ZC = FL_Z | FL_C,
    FL_OC = FL_O | FL_C,
    FL_OAC = FL_O | FL_AC,
    FL_OZC = FL_O | FL_ZC,
    FL_SZP = IR_CC_S | FL_Z | IR_CC_P,
    FL_SAP = IR_CC_S | FL_AP,
    FL_OSZP = FL_O | FL_SZP,
    FL_OSZC = FL_OZC | IR_CC_S,
    FL_OSAP = FL_O | FL_SAP,
    FL_ZPC = FL_ZC | IR_CC_P,
    FL_OSA = FL_O | IR_CC_S | FL_A,
    FL_SZAP = FL_SZP | FL_A,
    FL_SZAPC = FL_SZAP | FL_C,
    FL_OSAPC = FL_OSAP | FL_C,
    FL_OSZAP = FL_SZAP | FL_O,
    FL_OSZPC = FL_OSZP | FL_C,
    FL_OSZAPC = IR_CC_ALL,
    FL_cond = IR_CC_ALL,
};

/* Column `attrs`, without its prefix so that rows can combine them. */
enum {
    SPAN8 = XA_SPAN8,
    SPAN16 = XA_SPAN16,
    LOCK = XA_LOCK,
    I64 = XA_I64,
    O64 = XA_O64,
    D64 = XA_D64,
    F64 = XA_F64,
    VEX = XA_VEX,
    CPL0 = XA_CPL0,
    CPL0UD = XA_CPL0UD,
    PM = XA_PM,
    PMGP = XA_PMGP,
    LAST = XA_LAST,
    IB = XA_IB,
    L0 = XA_L0,
    L1 = XA_L1,
    W0 = XA_W0,
    W1 = XA_W1,
    X2 = XA_X2,
    VSIB = XA_VSIB,
    REP = XA_REP,
};

/* Column `form`. */
enum { __ = FORM_ANY << 8, MEM = FORM_MEM << 8, REG = FORM_REG << 8 };
#define R(n) (FORM_R << 8 | (n))
#define M(n) (FORM_M << 8 | (n))
#define G(n) (FORM_G << 8 | (n))
#define X(b) (FORM_X << 8 | (b))

#define PFX___ PFX_ANY

/* No row may define a flag and leave it undefined. */
#define X86(map, opcode, form, pfx, mnem, emit, arg, o0, o1, o2, reads, \
            writes, undef, attrs, feature) \
    _Static_assert((FL_##writes & FL_##undef) == 0, #mnem);
#include "target/i386/opcodes.def"
#undef X86

static const X86Row rows[] = {
#define X86(map, opcode, form, pfx, mnem, emit, arg, o0, o1, o2, reads, \
            writes, undef, attrs, feature) \
    {#mnem, emit_##emit, arg, form, attrs, X86_##map, opcode, PFX_##pfx, \
     {OC_##o0, OC_##o1, OC_##o2}, FL_##reads, FL_##writes, FL_##undef, \
     FEAT_##feature},
#include "target/i386/opcodes.def"
#undef X86
};

X86Opcode x86_opcodes[X86_NMAPS][256];
/* Of the same opcode.  A row that spans opcodes is alone in each of them. */
static const X86Row *next_row[ARRAY_LEN(rows)];

static bool operand_in_modrm(unsigned code)
{
    switch (code) {
    case OC___:
    case OC_By:
    case OC_Ho:
    case OC_Hx:
        return false;
    case OC_Rn ... OC_Ry:
    case OC_M ... OC_Mx:
    case OC_Sw ... OC_Dn:
        return true;
    case OC_Eb ... OC_Gn:
        return true;
    default:
        return code >= OC_Vd;
    }
}

static bool row_has_modrm(const X86Row *row)
{
    return row->form != FORM_ANY << 8 || operand_in_modrm(row->op[0]) ||
           operand_in_modrm(row->op[1]) || operand_in_modrm(row->op[2]);
}

static unsigned row_span(const X86Row *row)
{
    return row->attrs & XA_SPAN16 ? 16 : row->attrs & XA_SPAN8 ? 8 : 1;
}

void x86_opcodes_init(void)
{
    memset(x86_opcodes, 0, sizeof(x86_opcodes));
    /* Backwards, so that lists are in the order of the rows. */
    for (unsigned i = ARRAY_LEN(rows); i-- > 0;) {
        const X86Row *row = &rows[i];
        X86Opcode *o = &x86_opcodes[row->map][row->opcode];

        next_row[i] = o->first;
        for (unsigned k = 0; k < row_span(row); k++) {
            o[k].first = row;
            o[k].has_modrm |= row_has_modrm(row);
        }
    }
}

const X86Row *x86_row_next(const X86Row *row)
{
    return next_row[row - rows];
}

const X86Row *x86_rows(unsigned *count)
{
    *count = ARRAY_LEN(rows);
    return rows;
}
