/* SPDX-License-Identifier: MIT */
/*
 * What capstone (4.0.2) is known to be wrong about, each with its reason.  The
 * SDM decided, and for 64-bit code examples that were run on a processor; what
 * a rule lets pass has to be held against the silicon by tests/isa.
 */
#include <string.h>

#include "tests/fuzz/case.h"

/* --- instructions that it knows, and #UD is right --- */

/* What there is in other processors.  The groups are capstone's. */
static bool not_offered(const Case *c)
{
    static const uint8_t groups[] = {
        X86_GRP_VM,    X86_GRP_3DNOW, X86_GRP_AVX512, X86_GRP_CDI,
        X86_GRP_ERI,   X86_GRP_PFI,   X86_GRP_DQI,    X86_GRP_BWI,
        X86_GRP_VLX,   X86_GRP_FMA4,  X86_GRP_XOP,    X86_GRP_TBM,
        X86_GRP_SSE4A, X86_GRP_RTM,   X86_GRP_SGX,    X86_GRP_HLE,
    };

    for (unsigned i = 0; i < ARRAY_LEN(groups); i++) {
        if (case_in_group(c, groups[i])) {
            return true;
        }
    }
    return false;
}

/* The same, of those that are in no group: EVEX, SMX, VIA's PadLock, SGX,
 * XTEST, PCOMMIT. */
static bool not_offered_opcode(const Case *c)
{
    const uint8_t *op = c->bytes + c->opcode_at;

    if (op[0] != 0x0f) {
        return op[0] == 0x62;
    }
    return op[1] == 0x37 || op[1] == 0xa6 || op[1] == 0xa7 ||
           (op[1] == 0x01 &&
            (op[2] == 0xcf || op[2] == 0xd6 || op[2] == 0xd7)) ||
           (op[1] == 0xae && op[2] == 0xf8 && c->p.p66);
}

/* Capstone knows no real mode, nor virtual-8086 mode: SDM vol. 2, "Real-Address
 * Mode Exceptions" of ARPL, LAR, LSL, LLDT, LTR, SLDT, STR, VERR. */
static bool protected_only(const Case *c)
{
    const uint8_t *op = c->bytes + c->opcode_at;

    return c->mode <= MODE_VM86 &&
           (op[0] == 0x63 ||
            (op[0] == 0x0f &&
             (op[1] == 0x00 || op[1] == 0x02 || op[1] == 0x03)));
}

static bool swapgs(const Case *c)
{
    return c->mode != MODE_64 && c->cs->id == X86_INS_SWAPGS;
}

/* SDM vol. 2B, "MOV--Move to/from Control Registers", "Debug Registers". */
static bool no_such_register(const Case *c)
{
    const uint8_t *op = c->bytes + c->opcode_at;

    return op[0] == 0x0f && op[1] >= 0x20 && op[1] <= 0x23;
}

/* SDM vol. 2A, 2.3.12 "Vector SIB (VSIB) Memory Addressing". */
static bool vsib_without_sib(const Case *c)
{
    const uint8_t *op = c->bytes + c->opcode_at;

    return c->vex && c->in.map == X86_M38 && (op[3] & 0xfc) == 0x90;
}

/* Parts of an encoding that some instructions fix and capstone ignores. */
enum {
    PART_66 = 1,
    PART_REP = 2,
    PART_VVVV = 4,
    PART_W = 8,
};

/* @c's bytes with these parts as other instructions have them. */
static void change_parts(const Case *c, unsigned parts, uint8_t *bytes)
{
    Case d = *c;
    bool three = c->bytes[c->opcode_at] == 0xc4;
    uint8_t *last = &d.bytes[c->opcode_at + (three ? 2 : 1)];

    if (c->vex) {
        *last |= parts & PART_VVVV ? 0x78 : 0;
        *last ^= three && parts & PART_W ? 0x80 : 0;
    } else {
        d.p.p66 &= !(parts & PART_66);
        d.p.rep = parts & PART_REP ? 0 : d.p.rep;
        case_write(&d, c->bytes + c->opcode_at);
    }
    memcpy(bytes, d.bytes, CASE_BYTES);
}

static bool ignores(const Case *c, unsigned parts)
{
    uint8_t bytes[CASE_BYTES];
    const cs_insn *other;
    X86Insn in;

    change_parts(c, parts, bytes);
    other = case_ask_capstone(c->mode, bytes, 1);
    return other && !strcmp(other->mnemonic, c->cs->mnemonic) &&
           x86_decode(&in, NULL, bytes, CASE_BYTES,
                      insn_modes[c->mode].hflags) == DECODE_OK;
}

/* SDM vol. 2A, 3.1.1.1 "Opcode Column...": NP, NFx and mandatory prefixes. */
static bool ignores_prefix(const Case *c)
{
    return !c->vex && (ignores(c, PART_66) || ignores(c, PART_REP) ||
                       ignores(c, PART_66 | PART_REP));
}

/* SDM vol. 2A, 3.1.1.2 "Opcode Column ... VEX", 2.3.5.6 "Instruction Operand
 * Encoding and VEX.vvvv, ModR/M". */
static bool ignores_vex_field(const Case *c)
{
    return c->vex && (ignores(c, PART_VVVV) || ignores(c, PART_W) ||
                      ignores(c, PART_VVVV | PART_W));
}

/* Capstone takes 67 for 66 if REX.W follows. */
static bool takes_67_for_66(const Case *c)
{
    Case d = *c;

    if (!c->p.p67 || !c->p.has_rex) {
        return false;
    }
    d.p.p67 = false;
    case_write(&d, c->bytes + c->opcode_at);
    d.cs = case_ask_capstone(c->mode, d.bytes, 2);
    return !d.cs || ignores_prefix(&d);
}

/* --- instructions that it does not know --- */

/* SDM vol. 2B, "NOP", "PREFETCHh", "PREFETCHW": reserved forms do nothing. */
static bool is_hint(const Case *c)
{
    return c->in.map == X86_M0F &&
           (c->in.opcode == 0x0d ||
            (c->in.opcode >= 0x18 && c->in.opcode <= 0x1f));
}

/* SDM vol. 2, "LFENCE", "MFENCE", "SFENCE": ModRM.rm is ignored. */
static bool is_fence(const Case *c)
{
    return c->in.map == X86_M0F && c->in.opcode == 0xae && c->in.modrm >= 0xe8;
}

/* Newer than capstone 4. */
static bool is_new(const Case *c)
{
    return c->in.row->feature == FEAT_GFNI || c->in.row->feature == FEAT_VAES ||
           c->in.row->feature == FEAT_VPCLMULQDQ ||
           c->in.row->feature == FEAT_PKU;
}

/* Where there is no such segment register the emitter raises #UD, and so it
 * does for a load of CS. */
static bool is_segment_move(const Case *c)
{
    return c->in.map == X86_M1 &&
           (c->in.opcode == 0x8c || c->in.opcode == 0x8e);
}

/* Capstone loses mandatory prefixes in 16-bit code, where 66 means 32 bits. */
static bool mandatory_prefix_in_16(const Case *c)
{
    return insn_modes[c->mode].bits == 16 && !c->vex && c->in.map != X86_M1 &&
           (c->in.row->pfx == PFX_P66 || c->in.row->pfx == PFX_F2 ||
            c->in.row->pfx == PFX_F3);
}

/* Capstone knows it in 64-bit code only. */
static bool is_vbroadcasti128(const Case *c)
{
    return c->vex && c->in.map == X86_M38 && c->in.opcode == 0x5a;
}

/* SDM vol. 2B, "UD": UD0 and UD1 have a ModRM byte. */
static bool is_ud01(const Case *c)
{
    return c->in.map == X86_M0F &&
           (c->in.opcode == 0xff || c->in.opcode == 0xb9);
}

/* --- the tables --- */

typedef bool KnownError(const Case *c);

static KnownError *const theirs_only[] = {
    not_offered,    not_offered_opcode, protected_only,
    swapgs,         no_such_register,   vsib_without_sib,
    ignores_prefix, ignores_vex_field,  takes_67_for_66,
};

static KnownError *const ours_only[] = {
    is_hint,
    is_fence,
    is_new,
    is_segment_move,
    mandatory_prefix_in_16,
    is_vbroadcasti128,
    is_ud01,
};

static KnownError *const lengths[] = {is_ud01};

static bool is_known(KnownError *const *table, unsigned n, const Case *c)
{
    for (unsigned i = 0; i < n; i++) {
        if (table[i](c)) {
            return true;
        }
    }
    return false;
}

bool capstone_errs_valid(const Case *c)
{
    return is_known(theirs_only, ARRAY_LEN(theirs_only), c);
}

bool capstone_errs_invalid(const Case *c)
{
    return is_known(ours_only, ARRAY_LEN(ours_only), c);
}

bool capstone_errs_length(const Case *c)
{
    return is_known(lengths, ARRAY_LEN(lengths), c);
}
