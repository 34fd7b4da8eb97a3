/* SPDX-License-Identifier: MIT */
/*
 * The decoder.  Bytes are taken through a cursor that knows no end: what it
 * would run into is readable, and whether it ran past the last byte given, or
 * past the longest instruction, is asked once when all are taken.  SDM vol. 2A,
 * chapter 2 "Instruction Format".
 *
 * Not here: 3DNow!, XOP and EVEX, which are #UD.
 */
#include "target/i386/decode.h"

#include <string.h>

#include "tcg/ir.h"
#include "util/bytes.h"

typedef struct Cursor {
    const uint8_t *bytes; /* READ_AHEAD of them can be read */
    unsigned pos, limit;  /* limit: of the bytes that count */
} Cursor;

/* The first byte that does not count may be an opcode as well, and have the
 * most behind it: opcode, ModRM, SIB, displacement, immediates; each is read as
 * eight bytes. */
enum { READ_AHEAD = X86_MAX_INSN + 1 + 3 + 1 + 1 + 4 + 8 + 1 + 8 };

static uint8_t take8(Cursor *c)
{
    return c->bytes[c->pos++];
}

static uint8_t peek8(const Cursor *c)
{
    return c->bytes[c->pos];
}

/* 1 << @size bytes, little-endian, at the top of the result. */
static uint64_t take_high(Cursor *c, unsigned size)
{
    uint64_t value = get_le64(c->bytes + c->pos);

    c->pos += 1u << size;
    return value << (64 - (8u << size));
}

/* The same, zero-extended. */
static uint64_t take(Cursor *c, unsigned size)
{
    return take_high(c, size) >> (64 - (8u << size));
}

static int64_t take_signed(Cursor *c, unsigned size)
{
    return (int64_t)take_high(c, size) >> (64 - (8u << size));
}

/* --- prefixes --- */

/* In 64-bit code the overrides of ES, CS, SS and DS mean nothing. */
static void set_segment(X86Insn *in, unsigned seg, uint32_t hflags)
{
    if (!(hflags & HF_CS64) || seg >= R_FS) {
        in->seg = seg;
    }
}

static bool take_prefix(X86Insn *in, uint8_t byte, uint32_t hflags)
{
    switch (byte) {
    case 0x26:
    case 0x2e:
    case 0x36:
    case 0x3e:
        set_segment(in, R_ES + ((byte - 0x26) >> 3), hflags);
        return true;
    case 0x64:
    case 0x65:
        set_segment(in, R_FS + (byte - 0x64), hflags);
        return true;
    case 0x66:
        in->osize16 = true;
        return true;
    case 0x67:
        in->asize_flip = true;
        return true;
    case 0xf0:
        in->lock = true;
        return true;
    case 0xf2:
    case 0xf3:
        in->rep = byte;
        return true;
    default:
        return false;
    }
}

/* Returns the first byte that is no prefix, or does not count.  A REX prefix
 * counts only right before the opcode. */
static uint8_t take_prefixes(X86Insn *in, Cursor *c, uint32_t hflags)
{
    for (;;) {
        uint8_t byte = take8(c);

        if (c->pos > c->limit) {
            return byte;
        }
        if ((hflags & HF_CS64) && (byte & 0xf0) == 0x40) {
            in->has_rex = true;
            in->rex = byte & 15;
        } else if (take_prefix(in, byte, hflags)) {
            in->has_rex = false;
            in->rex = 0;
        } else {
            return byte;
        }
    }
}

/* C4 and C5 are LES and LDS outside 64-bit code, unless a register form
 * follows, which those do not have. */
static bool is_vex(uint8_t byte, const Cursor *c, uint32_t hflags)
{
    if (byte != 0xc4 && byte != 0xc5) {
        return false;
    }
    return (hflags & HF_CS64) || peek8(c) >= 0xc0;
}

/* SDM vol. 2A, 2.3.5 "The VEX Prefix" */
static X86Decode take_vex(X86Insn *in, Cursor *c, uint8_t byte,
                          uint32_t hflags)
{
    static const uint8_t reps[] = {0, 0, 0xf3, 0xf2};
    uint8_t b1 = take8(c), b2 = b1;

    if (in->osize16 || in->rep || in->lock || in->has_rex ||
        !(hflags & HF_PE) || (hflags & HF_VM)) {
        return DECODE_UD;
    }
    in->vex = true;
    in->map = X86_M0F;
    in->rex = (~b1 >> 5) & 4;
    if (byte == 0xc4) {
        b2 = take8(c);
        if ((b1 & 31) < 1 || (b1 & 31) > 3) {
            return DECODE_UD;
        }
        in->map = X86_M0F + (b1 & 31) - 1;
        in->rex = ((~b1 >> 5) & 7) | ((b2 >> 4) & 8);
    }
    in->vex_v = (~b2 >> 3) & 15;
    in->vex_l = (b2 >> 2) & 1;
    in->vex_w = byte == 0xc4 ? b2 >> 7 : 0;
    in->rep = reps[b2 & 3];
    in->osize16 = (b2 & 3) == 1;
    if (!(hflags & HF_CS64)) {
        in->rex = 0;
    }
    in->opcode = take8(c);
    return DECODE_OK;
}

static X86Decode take_opcode(X86Insn *in, Cursor *c, uint32_t hflags)
{
    uint8_t byte = take_prefixes(in, c, hflags);

    if (is_vex(byte, c, hflags)) {
        return take_vex(in, c, byte, hflags);
    }
    if (byte == 0x0f) {
        in->map = X86_M0F;
        byte = take8(c);
        if (byte == 0x38 || byte == 0x3a) {
            in->map = byte == 0x38 ? X86_M38 : X86_M3A;
            byte = take8(c);
        }
    }
    in->opcode = byte;
    return DECODE_OK;
}

/* --- the row --- */

static bool form_fits(unsigned form, uint8_t modrm)
{
    bool reg = modrm >= 0xc0;
    unsigned n = (modrm >> 3) & 7, value = form & 0xff;

    switch (form >> 8) {
    case FORM_R:
        return n == value;
    case FORM_M:
        return n == value && !reg;
    case FORM_G:
        return n == value && reg;
    case FORM_MEM:
        return !reg;
    case FORM_REG:
        return reg;
    case FORM_X:
        return modrm == value;
    default:
        return true;
    }
}

static bool prefix_fits(unsigned pfx, const X86Insn *in)
{
    switch (pfx) {
    case PFX_NP:
        return !in->rep && !in->osize16;
    case PFX_P66:
        return !in->rep && in->osize16;
    case PFX_F3:
        return in->rep == 0xf3;
    case PFX_F2:
        return in->rep == 0xf2;
    case PFX_NR:
        return !in->rep;
    default:
        return true;
    }
}

static bool mode_fits(unsigned attrs, uint32_t hflags)
{
    if (hflags & HF_CS64) {
        return !(attrs & XA_I64);
    }
    if (attrs & XA_O64) {
        return false;
    }
    return !(attrs & XA_PM) || ((hflags & HF_PE) && !(hflags & HF_VM));
}

/* VEX.L and VEX.W are part of some opcodes, and so is the prefix itself. */
static bool vex_fits(const X86Row *row, const X86Insn *in, const X86CPU *cpu)
{
    unsigned attrs = row->attrs;

    if (!!(attrs & XA_VEX) != in->vex) {
        return false;
    }
    if (!in->vex) {
        return true;
    }
    if ((attrs & XA_X2) && in->vex_l && cpu &&
        !x86_has_feature(cpu, FEAT_AVX2)) {
        return false;
    }
    return !(attrs & (in->vex_l ? XA_L0 : XA_L1)) &&
           !(attrs & (in->vex_w ? XA_W0 : XA_W1));
}

_Static_assert(FORM_ANY == 0 && PFX_ANY == 0, "most rows fit at once");

static const X86Row *find_row(const X86Insn *in, const X86CPU *cpu,
                              uint32_t hflags)
{
    const X86Row *row = x86_row_first(in->map, in->opcode);

    for (; row; row = x86_row_next(row)) {
        if ((!row->form || form_fits(row->form, in->modrm)) &&
            (!row->pfx || prefix_fits(row->pfx, in)) &&
            mode_fits(row->attrs, hflags) && vex_fits(row, in, cpu) &&
            (row->feature == FEAT_BASE || !cpu ||
             x86_has_feature(cpu, row->feature))) {
            return row;
        }
    }
    return NULL;
}

/* SDM vol. 1, 3.6 "Operand-Size and Address-Size Attributes" */
static void set_sizes(X86Insn *in, unsigned attrs, uint32_t hflags)
{
    if (hflags & HF_CS64) {
        in->asize = in->asize_flip ? IR_32 : IR_64;
        if ((attrs & XA_F64) || (in->rex & 8)) {
            in->osize = IR_64;
        } else if (in->osize16) {
            in->osize = IR_16;
        } else {
            in->osize = attrs & XA_D64 ? IR_64 : IR_32;
        }
        return;
    }
    in->osize = !(hflags & HF_CS32) == in->osize16 ? IR_32 : IR_16;
    in->asize = !(hflags & HF_CS32) == in->asize_flip ? IR_32 : IR_16;
}

/* --- ModRM memory operands --- */

/* SDM vol. 2A, table 2-1 "16-Bit Addressing Forms with the ModR/M Byte" */
static void take_mem16(X86Insn *in, Cursor *c)
{
    static const uint8_t bases[8] = {R_RBX, R_RBX, R_RBP, R_RBP,
                                     R_RSI, R_RDI, R_RBP, R_RBX};
    static const uint8_t indices[4] = {R_RSI, R_RDI, R_RSI, R_RDI};
    unsigned rm = in->modrm & 7, mod = in->modrm >> 6;

    in->mem.base = bases[rm];
    in->mem.index = rm < 4 ? indices[rm] : X86_NO_REG;
    if (mod == 0 && rm == 6) {
        in->mem.base = X86_NO_REG;
        in->mem.disp = take_signed(c, MO_16);
    } else if (mod != 0) {
        in->mem.disp = take_signed(c, mod - 1);
    }
}

/* SDM vol. 2A, table 2-3 "32-Bit Addressing Forms with the SIB Byte" */
static void take_sib(X86Insn *in, Cursor *c)
{
    uint8_t sib = take8(c);
    unsigned index = ((sib >> 3) & 7) | (in->rex & 2) << 2;

    in->mem.base = (sib & 7) | (in->rex & 1) << 3;
    in->mem.index = index;
    if (index == R_RSP && !(in->row->attrs & XA_VSIB)) {
        in->mem.index = X86_NO_REG;
    }
    in->mem.scale = sib >> 6;
    if ((sib & 7) == R_RBP && in->modrm < 0x40) {
        in->mem.base = X86_NO_REG;
    }
}

static void take_mem32(X86Insn *in, Cursor *c, uint32_t hflags)
{
    unsigned rm = in->modrm & 7, mod = in->modrm >> 6;
    bool disp32 = mod == 2;

    if (rm == R_RSP) {
        take_sib(in, c);
        disp32 |= in->mem.base == X86_NO_REG;
    } else if (rm == R_RBP && mod == 0) {
        in->mem.base = hflags & HF_CS64 ? X86_BASE_RIP : X86_NO_REG;
        disp32 = true;
    } else {
        in->mem.base = rm | (in->rex & 1) << 3;
    }
    if (disp32) {
        in->mem.disp = take_signed(c, MO_32);
    } else if (mod == 1) {
        in->mem.disp = take_signed(c, MO_8);
    }
}

static void take_mem(X86Insn *in, Cursor *c, uint32_t hflags)
{
    in->mem.base = in->mem.index = X86_NO_REG;
    if (in->asize == IR_16) {
        take_mem16(in, c);
    } else {
        take_mem32(in, c, hflags);
    }
    in->mem.seg = R_DS;
    if (in->mem.base == R_RSP || in->mem.base == R_RBP) {
        in->mem.seg = R_SS;
    }
    if (in->seg != X86_NO_REG) {
        in->mem.seg = in->seg;
    }
}

/* --- operands --- */

/* Letter of an operand code: where it is. */
enum {
    AT_NONE, AT_E, AT_G, AT_B, AT_R, AT_Z, AT_M, AT_O, AT_I, AT_I2, AT_IS,
    AT_IZ, AT_ONE, AT_A, AT_FIXED, AT_S, AT_C, AT_D, AT_STRING, AT_V, AT_H,
    AT_W, AT_P, AT_Q, AT_EM,
};
/* Size letters that depend on the instruction, after the log2 of bytes. */
enum { SZ_V = 8, SZ_Z, SZ_Y, SZ_N, SZ_X, SZ_HX, SZ_FX, SZ_EX };

static const struct {
    uint8_t at, size, reg; /* reg: of AT_FIXED; size in memory of AT_EM */
} operand_codes[OC_COUNT] = {
    [OC_Eb] = {AT_E, MO_8},      [OC_Ew] = {AT_E, MO_16},
    [OC_Ed] = {AT_E, MO_32},     [OC_Eq] = {AT_E, MO_64},
    [OC_Ev] = {AT_E, SZ_V},      [OC_Ey] = {AT_E, SZ_Y},
    [OC_Ez] = {AT_E, SZ_Z},      [OC_En] = {AT_E, SZ_N},
    [OC_Em] = {AT_EM, SZ_V, MO_16},
    [OC_Edb] = {AT_EM, MO_32, MO_8},
    [OC_Edw] = {AT_EM, MO_32, MO_16},
    [OC_Gb] = {AT_G, MO_8},      [OC_Gw] = {AT_G, MO_16},
    [OC_Gd] = {AT_G, MO_32},     [OC_Gv] = {AT_G, SZ_V},
    [OC_Gy] = {AT_G, SZ_Y},      [OC_Gn] = {AT_G, SZ_N},
    [OC_By] = {AT_B, SZ_Y},      [OC_Rn] = {AT_R, SZ_N},
    [OC_Rv] = {AT_R, SZ_V},      [OC_Rd] = {AT_R, MO_32},
    [OC_Ry] = {AT_R, SZ_Y},      [OC_Zb] = {AT_Z, MO_8},
    [OC_Zv] = {AT_Z, SZ_V},      [OC_M] = {AT_M, SZ_V},
    [OC_Mb] = {AT_M, MO_8},      [OC_Mw] = {AT_M, MO_16},
    [OC_Md] = {AT_M, MO_32},     [OC_Mq] = {AT_M, MO_64},
    [OC_Mo] = {AT_M, MO_128},    [OC_Mx] = {AT_M, SZ_X},
    [OC_Ob] = {AT_O, MO_8},      [OC_Ov] = {AT_O, SZ_V},
    [OC_Ib] = {AT_I, MO_8},      [OC_Ib2] = {AT_I2, MO_8},
    [OC_Is] = {AT_IS, SZ_V},     [OC_Iw] = {AT_I, MO_16},
    [OC_Iz] = {AT_IZ, SZ_V},     [OC_Iv] = {AT_I, SZ_V},
    [OC_One] = {AT_ONE, MO_8},   [OC_Jb] = {AT_IS, SZ_V},
    [OC_Jz] = {AT_IZ, SZ_V},     [OC_Ap] = {AT_A, SZ_V},
    [OC_AL] = {AT_FIXED, MO_8, R_RAX},
    [OC_rAX] = {AT_FIXED, SZ_V, R_RAX},
    [OC_eAX] = {AT_FIXED, SZ_Z, R_RAX},
    [OC_CL] = {AT_FIXED, MO_8, R_RCX},
    [OC_DX] = {AT_FIXED, MO_16, R_RDX},
    [OC_Sw] = {AT_S, MO_16},     [OC_Cn] = {AT_C, SZ_N},
    [OC_Dn] = {AT_D, SZ_N},      [OC_Xb] = {AT_STRING, MO_8},
    [OC_Xv] = {AT_STRING, SZ_V}, [OC_Xz] = {AT_STRING, SZ_Z},
    [OC_Yb] = {AT_STRING, MO_8}, [OC_Yv] = {AT_STRING, SZ_V},
    [OC_Yz] = {AT_STRING, SZ_Z}, [OC_Vd] = {AT_V, MO_32},
    [OC_Vq] = {AT_V, MO_64},     [OC_Vo] = {AT_V, MO_128},
    [OC_Vx] = {AT_V, SZ_X},      [OC_Ho] = {AT_H, MO_128},
    [OC_Hx] = {AT_H, SZ_X},      [OC_Ww] = {AT_W, MO_16},
    [OC_Wd] = {AT_W, MO_32},     [OC_Wq] = {AT_W, MO_64},
    [OC_Wo] = {AT_W, MO_128},    [OC_Wx] = {AT_W, SZ_X},
    [OC_Whx] = {AT_W, SZ_HX},    [OC_Wfx] = {AT_W, SZ_FX},
    [OC_Wex] = {AT_W, SZ_EX},    [OC_Wb] = {AT_W, MO_8},
    [OC_Pq] = {AT_P, MO_64},     [OC_Qd] = {AT_Q, MO_32},
    [OC_Qq] = {AT_Q, MO_64},
};

/* SZ_V is the most frequent. */
static uint8_t operand_size(const X86Insn *in, unsigned size,
                            uint32_t hflags)
{
    if (size < SZ_V) {
        return size;
    }
    if (size == SZ_V) {
        return in->osize;
    }
    switch (size) {
    case SZ_Z:
        return MIN(in->osize, MO_32);
    case SZ_Y:
        return in->rex & 8 ? MO_64 : MO_32;
    case SZ_N:
        return hflags & HF_CS64 ? MO_64 : MO_32;
    case SZ_X:
        return in->vex_l ? MO_256 : MO_128;
    default: /* SZ_HX, SZ_FX, SZ_EX */
        return MO_64 + SZ_HX - size + in->vex_l;
    }
}

/* Byte registers 4 to 7 are AH to BH unless a REX prefix is there. */
static void set_gpr(const X86Insn *in, X86Operand *op, unsigned reg)
{
    op->kind = OPND_REG;
    op->reg = reg;
    if (op->size == MO_8 && reg >= 4 && reg < 8 && !in->has_rex && !in->vex) {
        op->kind = OPND_REGH;
        op->reg = reg - 4;
    }
}

static void set_rm(const X86Insn *in, X86Operand *op, X86OperandKind kind)
{
    unsigned rm = (in->modrm & 7) | (in->rex & 1) << 3;

    if (in->modrm < 0xc0) {
        op->kind = OPND_MEM;
    } else if (kind == OPND_REG) {
        set_gpr(in, op, rm);
    } else {
        op->kind = kind;
        op->reg = kind == OPND_MMX ? rm & 7 : rm;
    }
}

static void set_reg(const X86Insn *in, X86Operand *op, X86OperandKind kind)
{
    unsigned reg = ((in->modrm >> 3) & 7) | (in->rex & 4) << 1;

    if (kind == OPND_REG) {
        set_gpr(in, op, reg);
    } else {
        op->kind = kind;
        op->reg = kind == OPND_MMX || kind == OPND_SEG ? reg & 7 : reg;
    }
}

static void take_moffs(X86Insn *in, X86Operand *op, Cursor *c)
{
    op->kind = OPND_MEM;
    in->mem.base = in->mem.index = X86_NO_REG;
    in->mem.seg = in->seg == X86_NO_REG ? R_DS : in->seg;
    in->mem.disp = take(c, in->asize);
}

static void take_imm(X86Insn *in, X86Operand *op, Cursor *c, unsigned at)
{
    op->kind = OPND_IMM;
    switch (at) {
    case AT_I:
        in->imm = take(c, op->size);
        break;
    case AT_I2:
        op->kind = OPND_IMM2;
        in->imm2 = take(c, MO_8);
        break;
    case AT_IS:
        in->imm = take_signed(c, MO_8);
        break;
    case AT_IZ:
        in->imm = take_signed(c, MIN(op->size, MO_32));
        break;
    case AT_A:
        in->imm = take(c, op->size);
        in->imm2 = take(c, MO_16);
        break;
    default:
        in->imm = 1;
        break;
    }
}

/* One flat switch over the letters of operand codes. */
static void take_operand(X86Insn *in, X86Operand *op, unsigned code,
                         Cursor *c, uint32_t hflags)
{
    unsigned at = operand_codes[code].at;

    op->size = operand_size(in, operand_codes[code].size, hflags);
    switch (at) {
    case AT_EM:
        if (in->modrm < 0xc0) {
            op->size = operand_codes[code].reg;
        }
        /* fall through */
    case AT_E:
    case AT_M:
        set_rm(in, op, OPND_REG);
        break;
    case AT_R:
        op->kind = OPND_REG;
        op->reg = (in->modrm & 7) | (in->rex & 1) << 3;
        break;
    case AT_G:
        set_reg(in, op, OPND_REG);
        break;
    case AT_B:
        op->kind = OPND_REG;
        op->reg = in->vex_v & (hflags & HF_CS64 ? 15 : 7);
        break;
    case AT_Z:
        set_gpr(in, op, (in->opcode & 7) | (in->rex & 1) << 3);
        break;
    case AT_O:
        take_moffs(in, op, c);
        break;
    case AT_FIXED:
        op->kind = OPND_REG;
        op->reg = operand_codes[code].reg;
        break;
    case AT_S:
        set_reg(in, op, OPND_SEG);
        break;
    case AT_C:
        set_reg(in, op, OPND_CR);
        break;
    case AT_D:
        set_reg(in, op, OPND_DR);
        break;
    case AT_STRING:
        op->kind = OPND_MEM;
        break;
    case AT_V:
        set_reg(in, op, OPND_VEC);
        break;
    case AT_H:
        op->kind = OPND_VEC;
        op->reg = in->vex_v & (hflags & HF_CS64 ? 15 : 7);
        break;
    case AT_W:
        set_rm(in, op, OPND_VEC);
        break;
    case AT_P:
        set_reg(in, op, OPND_MMX);
        break;
    case AT_Q:
        set_rm(in, op, OPND_MMX);
        break;
    default:
        take_imm(in, op, c, at);
        break;
    }
}

/* Moves to and from control and debug registers take any mod for 3. */
static bool mod_is_ignored(const X86Row *row)
{
    return row->op[0] == OC_Cn || row->op[0] == OC_Dn ||
           row->op[1] == OC_Cn || row->op[1] == OC_Dn;
}

static void take_operands(X86Insn *in, Cursor *c, uint32_t hflags)
{
    const X86Row *row = in->row;

    if (in->has_modrm && in->modrm < 0xc0 && !mod_is_ignored(row)) {
        take_mem(in, c, hflags);
    }
    for (unsigned i = 0; i < ARRAY_LEN(row->op); i++) {
        if (row->op[i] != OC___) {
            take_operand(in, &in->op[i], row->op[i], c, hflags);
        }
    }
    if (row->attrs & XA_IB) {
        in->imm = take8(c);
    }
}

/* VEX.vvvv must be 1111b where it names nothing, VEX.L 0 where there is no
 * vector, and a vector of addresses needs a SIB byte. */
static bool vex_fields_fit(const X86Insn *in)
{
    bool names_v = false, vector = false;

    for (unsigned i = 0; i < ARRAY_LEN(in->row->op); i++) {
        unsigned at = operand_codes[in->row->op[i]].at;

        names_v |= at == AT_B || at == AT_H;
        vector |= at == AT_H || at == AT_V || at == AT_W;
    }
    if (in->op[0].kind == OPND_REG && in->vex_l && !vector) {
        return false;
    }
    if ((in->row->attrs & XA_VSIB) &&
        (in->asize == IR_16 || (in->modrm & 7) != R_RSP)) {
        return false;
    }
    return names_v || in->vex_v == 0;
}

static bool lock_fits(const X86Insn *in)
{
    return (in->row->attrs & XA_LOCK) && in->op[0].kind == OPND_MEM;
}

/* Those with an MMX operand, MMX or SSE and its successors brought it. */
static bool mmx_fits(const X86Insn *in, const X86CPU *cpu)
{
    const uint8_t *op = in->row->op;

    if (!cpu || x86_has_feature(cpu, FEAT_MMX)) {
        return true;
    }
    for (unsigned i = 0; i < ARRAY_LEN(in->row->op); i++) {
        if (operand_codes[op[i]].at == AT_P || operand_codes[op[i]].at == AT_Q) {
            return false;
        }
    }
    return true;
}

/* CR1 and the like are #UD before the privilege is looked at: SDM vol. 2B,
 * "MOV--Move to/from Control Registers", and "Debug Registers". */
static bool registers_exist(const X86Insn *in)
{
    const unsigned crs = BIT(0) | BIT(2) | BIT(3) | BIT(4) | BIT(8);

    for (unsigned i = 0; i < 2; i++) {
        const X86Operand *op = &in->op[i];

        if ((op->kind == OPND_CR && !(crs >> op->reg & 1)) ||
            (op->kind == OPND_DR && op->reg >= 8)) {
            return false;
        }
    }
    return true;
}

/* Of no meaning if more bytes were taken than count. */
static X86Decode decode(X86Insn *in, const X86CPU *cpu, Cursor *c,
                        uint32_t hflags)
{
    X86Decode result = take_opcode(in, c, hflags);

    if (result != DECODE_OK) {
        return result;
    }
    in->has_modrm = x86_opcode_has_modrm(in->map, in->opcode);
    if (in->has_modrm) {
        in->modrm = take8(c);
    }
    in->row = find_row(in, cpu, hflags);
    if (!in->row) {
        return DECODE_UD;
    }
    set_sizes(in, in->row->attrs, hflags);
    take_operands(in, c, hflags);
    if (!registers_exist(in) || !mmx_fits(in, cpu) || (in->lock && !lock_fits(in)) ||
        (in->vex && !vex_fields_fit(in))) {
        return DECODE_UD;
    }
    return DECODE_OK;
}

X86Decode x86_decode(X86Insn *in, const X86CPU *cpu, const uint8_t *bytes,
                     unsigned avail, uint32_t hflags)
{
    Cursor c = {.bytes = bytes, .limit = MIN(avail, X86_MAX_INSN)};
    uint8_t padded[READ_AHEAD];
    X86Decode result;

    if (avail < READ_AHEAD) {
        memset(padded, 0, sizeof(padded));
        if (avail) { /* else there may be no array */
            memcpy(padded, bytes, avail);
        }
        c.bytes = padded;
    }
    memset(in, 0, sizeof(*in));
    in->seg = X86_NO_REG;
    result = decode(in, cpu, &c, hflags);
    in->len = MIN(c.pos, c.limit);
    if (c.pos > c.limit) {
        return avail < X86_MAX_INSN ? DECODE_MORE : DECODE_TOO_LONG;
    }
    return result;
}
