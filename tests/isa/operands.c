/* SPDX-License-Identifier: MIT */
/*
 * Values for one instruction's operands.  Random registers would nearly always
 * fault, so the registers of an address are solved for a place in the data
 * pages; it lies near the end of what may be written, or of what is mapped,
 * often enough to meet the accesses that cross.
 */
#include "isa.h"

#include <string.h>

#include "tcg/ir.h"

static bool is_named(const X86Insn *in, const char *name)
{
    return !strcmp(in->row->name, name);
}

/* --- segments --- */

static bool base_is_free(const IsaCase *c, unsigned seg)
{
    return c->mode == 64 && (seg == R_FS || seg == R_GS) &&
           sel_is_null(c->sel[seg]);
}

uint64_t operands_segment_base(const IsaCase *c, unsigned seg)
{
    Desc d;

    if (base_is_free(c, seg)) {
        return seg == R_FS ? c->state.fs_base : c->state.gs_base;
    }
    if (c->mode == 64 && seg < R_FS) {
        return 0;
    }
    return tables_find(c->sel[seg], &d) ? desc_base(d) : 0;
}

uint64_t operands_stack_place(const IsaCase *c)
{
    uint64_t sp = c->state.regs[R_RSP];
    Desc ss;

    if (c->mode != 64 && tables_find(c->sel[R_SS], &ss) && !(ss.hi & DESC_B)) {
        sp &= 0xffff;
    }
    return sp + operands_segment_base(c, R_SS) - ISA_DATA;
}

/* What is beyond the address size must not count: noise. */
static void set_reg(IsaCase *c, unsigned reg, unsigned size, uint64_t v)
{
    unsigned bits = 8u << size;

    if (bits < 64 && c->mode == 64) {
        v = (v & (BIT64(bits) - 1)) | rnd() << bits;
    } else if (bits < 64) {
        v &= BIT64(bits) - 1;
    }
    c->state.regs[reg] = v;
}

/* The offset in @seg of a place in the data. */
static uint64_t data_pointer(const IsaCase *c, unsigned seg, uint64_t off)
{
    return ISA_DATA + off - operands_segment_base(c, seg);
}

/* Where instructions that name no segment find their data. */
static unsigned data_segment(const X86Insn *in)
{
    return in->seg == X86_NO_REG ? R_DS : in->seg;
}

/* Not into the instruction itself, which would be another one then. */
static uint64_t code_pointer(const IsaCase *c)
{
    unsigned off = rnd_below(ISA_CODE_BYTES);

    if (off - c->code_off < c->code_len) {
        off = c->code_off + c->code_len;
    }
    return ISA_CODE + off - operands_segment_base(c, R_CS);
}

static void *data_at(IsaCase *c, uint64_t off, unsigned len)
{
    return off <= ISA_DATA_BYTES - len ? c->data + off : NULL;
}

static void put_data(IsaCase *c, uint64_t off, const void *src, unsigned len)
{
    void *p = data_at(c, off, len);

    if (p) {
        memcpy(p, src, len);
    }
}

/* What an operand there will be. */
static void fresh_data(IsaCase *c, uint64_t off)
{
    if (off < ISA_DATA_BYTES) {
        value_bytes(c->data + off, MIN(64u, ISA_DATA_BYTES - off));
    }
}

/* --- registers of the address --- */

/* A gather: the base near the target, small indices in the vector. */
static void solve_vector_address(IsaCase *c, const X86Insn *in, uint64_t target)
{
    unsigned v = in->mem.index & 15;
    uint32_t lane[8] = {0};

    for (unsigned i = 0; i < 8; i += in->row->arg == MO_64 ? 2 : 1) {
        lane[i] = rnd_below(0x80);
    }
    memcpy(c->state.fx.xmm[v], lane, 16);
    memcpy(c->state.ymm_high[v], lane + 4, 16);
    if (in->mem.base < 16) {
        set_reg(c, in->mem.base, in->asize, target - in->mem.disp);
    }
}

static void solve_address(IsaCase *c, const X86Insn *in, uint64_t target)
{
    const X86Mem *m = &in->mem;
    uint64_t rest = target - m->disp;

    if (in->row->attrs & XA_VSIB) {
        solve_vector_address(c, in, target);
        return;
    }

    if (m->index == X86_NO_REG) {
        if (m->base < 16) {
            set_reg(c, m->base, in->asize, rest);
        }
        return;
    }
    if (m->base >= 16) {
        set_reg(c, m->index, in->asize, rest >> m->scale);
    } else if (m->base != m->index) {
        set_reg(c, m->index, in->asize,
                rnd_one_in(2) ? rnd_below(0x400) : value_integer());
        set_reg(c, m->base, in->asize,
                rest - (c->state.regs[m->index] << m->scale));
    }
}

uint64_t operands_effective_address(const IsaCase *c, const X86Insn *in)
{
    const X86Mem *m = &in->mem;
    uint64_t ea = m->disp;

    if (m->base == X86_BASE_RIP) {
        ea += ISA_CODE + c->code_off + in->len;
    } else if (m->base != X86_NO_REG) {
        ea += c->state.regs[m->base];
    }
    if (m->index != X86_NO_REG) {
        ea += c->state.regs[m->index] << m->scale;
    }
    return ea & isa_low_bits(in->asize);
}

uint64_t operands_linear_address(const IsaCase *c, const X86Insn *in)
{
    uint64_t linear = operands_segment_base(c, in->mem.seg) +
                      operands_effective_address(c, in);

    return c->mode == 64 ? linear : (uint32_t)linear;
}

/* An address without registers, but with a base that may be anything. */
static void solve_base(IsaCase *c, const X86Insn *in, uint64_t linear)
{
    uint64_t *base =
        in->mem.seg == R_FS ? &c->state.fs_base : &c->state.gs_base;
    uint64_t solved = *base + linear - operands_linear_address(c, in);

    if ((int64_t)solved == (int64_t)(solved << 16) >> 16) {
        *base = solved;
    }
}

unsigned operands_memory_bytes(const X86Insn *in)
{
    for (unsigned i = 0; i < ARRAY_LEN(in->op); i++) {
        if (in->op[i].kind == OPND_MEM) {
            return 1u << in->op[i].size;
        }
    }
    return 0;
}

bool operands_has_memory(const X86Insn *in)
{
    return operands_memory_bytes(in) != 0;
}

/* --- what single instructions like to find --- */

static void aim_bit_offset(IsaCase *c, const X86Insn *in)
{
    const X86Operand *bit = &in->op[1];

    if (in->row->name[0] == 'B' && in->row->name[1] == 'T' &&
        bit->kind == OPND_REG && in->op[0].kind == OPND_MEM &&
        bit->reg != in->mem.base && bit->reg != in->mem.index) {
        set_reg(c, bit->reg, bit->size, (int64_t)rnd_below(4000) - 2000);
    }
}

/* The instruction's own addresses, RSI and RDI; true if it is one. */
static bool aim_string(IsaCase *c, const X86Insn *in)
{
    static const char *const names[] = {"MOVS", "CMPS", "STOS", "LODS", "SCAS"};

    for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
        if (is_named(in, names[i])) {
            uint64_t off = places_draw(c, data_segment(in), in->asize);

            set_reg(c, R_RSI, in->asize,
                    data_pointer(c, data_segment(in), off));
            off = rnd_one_in(3) ? off + rnd_below(64) - 32
                                : places_draw(c, R_ES, in->asize);
            set_reg(c, R_RDI, in->asize, data_pointer(c, R_ES, off));
            set_reg(c, R_RCX, in->asize,
                    rnd_one_in(3) ? rnd_below(600) : rnd_below(12));
            c->state.eflags ^= rnd_one_in(3) ? EFLAGS_DF : 0;
            return true;
        }
    }
    return false;
}

static void aim_implicit(IsaCase *c, const X86Insn *in)
{
    unsigned seg = data_segment(in);
    uint64_t p = data_pointer(c, seg, places_draw(c, seg, in->asize));

    if (is_named(in, "XLAT")) {
        set_reg(c, R_RBX, in->asize, p);
    } else if (is_named(in, "MASKMOVDQU") || is_named(in, "VMASKMOVDQU") ||
               is_named(in, "MASKMOVQ")) {
        set_reg(c, R_RDI, in->asize, p);
    } else if (is_named(in, "ENTER") || is_named(in, "LEAVE")) {
        c->state.regs[R_RBP] =
            rnd_one_in(8) ? places_stack_end(c)
                          : data_pointer(c, R_SS, 0x400 + rnd_below(0x1800));
    } else if (is_named(in, "DIV") || is_named(in, "IDIV")) {
        uint64_t a = c->state.regs[R_RAX];

        if (rnd_one_in(2)) {
            c->state.regs[R_RDX] =
                rnd_one_in(2) ? rnd_below(16) : (uint64_t)((int64_t)a >> 63);
        }
        if (in->op[0].size == IR_8) {
            c->state.regs[R_RAX] = a & 0x1fff;
        }
    } else if (strstr(in->row->name, "PCMPEST")) {
        c->state.regs[R_RAX] = (int64_t)rnd_below(40) - 20;
        c->state.regs[R_RDX] = (int64_t)rnd_below(40) - 20;
    } else if (is_named(in, "INS") || is_named(in, "OUTS")) {
        /* Whether a count of zero is looked at before the permission is not
         * defined. */
        set_reg(c, R_RCX, in->asize, 1 + rnd_below(4));
    } else if (is_named(in, "JCXZ")) {
        set_reg(c, R_RCX, in->asize, rnd_below(2));
    } else if (is_named(in, "XGETBV")) {
        set_reg(c, R_RCX, IR_32, rnd_below(4));
    }
}

/* Comparands that are equal half of the time. */
static void aim_cmpxchg(IsaCase *c, const X86Insn *in, uint64_t off)
{
    uint64_t *old = data_at(c, off, 16);

    if (rnd_one_in(2)) {
        return;
    }
    if (is_named(in, "CMPXCHG") && in->op[0].kind == OPND_REG) {
        c->state.regs[R_RAX] = c->state.regs[in->op[0].reg];
    } else if (is_named(in, "CMPXCHG") && old) {
        memcpy(&c->state.regs[R_RAX], old, 8);
    } else if (is_named(in, "CMPXCHG8B") && old) {
        bool wide = in->osize == IR_64;

        memcpy(&c->state.regs[R_RAX], old, wide ? 8 : 4);
        memcpy(&c->state.regs[R_RDX], (uint8_t *)old + (wide ? 8 : 4),
               wide ? 8 : 4);
    }
}

/* Where control goes: into the code pages, or nowhere. */
static uint64_t branch_target(const IsaCase *c)
{
    bool nowhere = c->mode == 64 && rnd_one_in(12);

    return code_pointer(c) ^ (nowhere ? BIT64(47 + rnd_below(17)) : 0);
}

static void aim_control(IsaCase *c, const X86Insn *in, uint64_t off)
{
    uint64_t target = branch_target(c);
    uint64_t sp = operands_stack_place(c);

    if (is_named(in, "RET")) {
        put_data(c, sp, &target, 8);
    } else if (is_named(in, "CALL") || is_named(in, "JMP")) {
        if (in->op[0].kind == OPND_REG && in->op[0].reg != R_RSP) {
            c->state.regs[in->op[0].reg] = target;
        } else if (in->op[0].kind == OPND_MEM) {
            put_data(c, off, &target, 8);
        }
    } else if (is_named(in, "POPF")) {
        /* AC would make this program's own handlers fault. */
        uint64_t flags = rnd() & 0x3f7fd5 & ~(uint64_t)EFLAGS_AC;

        flags &= rnd_one_in(8) ? UINT64_MAX : ~(uint64_t)EFLAGS_TF;
        put_data(c, sp, &flags, 8);
    }
}

/* Header of an XSAVE area: mostly one that is accepted.  SDM vol. 1, 13.4.2
 * "XSAVE Header". */
static void aim_xsave_header(IsaCase *c, uint64_t off)
{
    uint64_t h[8] = {rnd() & 7};

    if (rnd_one_in(2)) {
        h[1] = BIT64(63) | (rnd_one_in(4) ? rnd() & 7 : h[0]);
    }
    if (rnd_one_in(8)) { /* a bit that no processor accepts */
        h[rnd_below(2)] |= BIT64(40 + rnd_below(20));
    }
    if (rnd_one_in(8)) {
        h[2 + rnd_below(6)] = value_integer();
    }
    put_data(c, off + sizeof(IsaFx), h, sizeof(h));
}

/* Components that both the silicon and Heddle have. */
static void aim_components(IsaCase *c)
{
    c->state.regs[R_RAX] &= ~(uint64_t)UINT32_MAX;
    c->state.regs[R_RAX] |= rnd_one_in(4) ? rnd() & 7 : 7;
    c->state.regs[R_RDX] &= ~(uint64_t)UINT32_MAX;
}

/* Images that would be refused if they were noise. */
static void aim_image(IsaCase *c, const X86Insn *in, uint64_t off)
{
    bool load = is_named(in, "XRSTOR");
    IsaFx fx;

    value_fx(&fx);
    if (rnd_one_in(8)) { /* bit 17 is AMD's MM */
        fx.mxcsr = rnd() & ~BIT(17);
    }
    if (is_named(in, "FXRSTOR") || load) {
        put_data(c, off, &fx, sizeof(fx));
    } else if (strstr(in->row->name, "LDMXCSR")) {
        put_data(c, off, &fx.mxcsr, 4);
    }
    if (load) {
        aim_xsave_header(c, off);
    }
    if (load || !strncmp(in->row->name, "XSAVE", 5)) {
        aim_components(c);
    }
}

/* Without alignment they would only fault: log2 of bytes. */
static unsigned alignment_of(const X86Insn *in)
{
    const char *name = in->row->name;

    return name[0] != 'X' && name[0] != 'F' ? 0
           : strstr(name, "XSAVE") || strstr(name, "XRSTOR")
               ? (name[0] == 'F' ? 4 : 6)
               : 0;
}

static uint64_t place_for(const IsaCase *c, const X86Insn *in)
{
    return places_draw(c, in->mem.seg, in->asize) & ~0ull << alignment_of(in);
}

static bool address_is_fixed(const X86Insn *in)
{
    return in->mem.index == X86_NO_REG && in->mem.base >= 16;
}

uint64_t operands_place(const IsaCase *c, IsaBytes *bytes, const X86Insn *in,
                        uint64_t rip_next)
{
    uint64_t off;

    if (!operands_has_memory(in) || !address_is_fixed(in) ||
        base_is_free(c, in->mem.seg)) {
        return ISA_NO_PLACE;
    }
    off = place_for(c, in);
    encode_aim(bytes, in,
               ISA_DATA + off - operands_segment_base(c, in->mem.seg),
               rip_next);
    return off;
}

static void aim_address(IsaCase *c, const X86Insn *in, uint64_t off)
{
    uint64_t linear = ISA_DATA + off;

    if (address_is_fixed(in) && base_is_free(c, in->mem.seg)) {
        solve_base(c, in, linear);
    } else {
        solve_address(c, in, linear - operands_segment_base(c, in->mem.seg));
    }
    fresh_data(c, off);
}

void operands_aim(IsaCase *c, const X86Insn *in, uint64_t place)
{
    uint64_t off = place == ISA_NO_PLACE ? place_for(c, in) : place;

    aim_implicit(c, in);
    if (aim_string(c, in)) {
        return;
    }
    if (operands_has_memory(in) && !rnd_one_in(64)) {
        aim_address(c, in, off);
        aim_bit_offset(c, in);
    }
    /* Aimed or not, it may have got there. */
    off = operands_has_memory(in)
              ? MIN(operands_linear_address(c, in) - ISA_DATA, ISA_DATA_BYTES)
              : ISA_DATA_BYTES;
    aim_image(c, in, off);
    aim_control(c, in, off);
    aim_cmpxchg(c, in, off);
    segments_aim(c, in, off);
}

/* --- sequences --- */

static const uint8_t pointers[] = {R_RBX, R_RBP, R_RSI, R_RDI, 12, 13};

bool operands_is_pointer(unsigned reg)
{
    for (unsigned i = 0; i < ARRAY_LEN(pointers); i++) {
        if (pointers[i] == reg) {
            return true;
        }
    }
    return reg == R_RSP;
}

void operands_pointers(IsaCase *c)
{
    c->state.regs[R_RSP] =
        rnd_one_in(32)
            ? places_stack_end(c)
            : data_pointer(c, R_SS,
                           0x200 + (rnd_below(ISA_RW_BYTES - 0x400) & ~7u));
    for (unsigned i = 0; c->ninsns != 1 && i < ARRAY_LEN(pointers); i++) {
        c->state.regs[pointers[i]] = data_pointer(
            c, R_SS, 0x200 + (rnd_below(ISA_RW_BYTES - 0x400) & ~15u));
    }
}
