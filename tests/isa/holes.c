/* SPDX-License-Identifier: MIT */
/*
 * What of a case's outcome is not compared, since no manual defines it or the
 * makers differ: registers, flags and bytes of memory where it shows, or, if
 * it may show anywhere, all of it.  rules.c has what holds for an instruction
 * whatever the state.
 */
#include "isa.h"

#include <string.h>

#include "tcg/ir.h"

#define IMAGE_BYTES 1024 /* at most */

static bool is_named(const X86Insn *in, const char *name)
{
    return !strcmp(in->row->name, name);
}

static void hole_data(IsaHoles *h, uint64_t off, unsigned len)
{
    for (unsigned i = 0; i < ARRAY_LEN(h->data); i++) {
        if (!h->data[i].len) {
            h->data[i].off = MIN(off, ISA_DATA_BYTES);
            h->data[i].len = off < ISA_DATA_BYTES ? len : 0;
            return;
        }
    }
    g_assert_not_reached();
}

/* --- results that are the processor's own --- */

/* The rest of these registers is defined: zero, or (RDRAND to 16 bits) what it
 * was. */
static void find_own_values(IsaHoles *h, const X86Insn *in)
{
    static const struct {
        const char *name;
        uint16_t regs;
    } low32[] = {
        {"CPUID", BIT(R_RAX) | BIT(R_RBX) | BIT(R_RCX) | BIT(R_RDX)},
        {"XGETBV", BIT(R_RAX)},
        {"RDTSC", BIT(R_RAX) | BIT(R_RDX)},
        {"RDTSCP", BIT(R_RAX) | BIT(R_RCX) | BIT(R_RDX)},
    };

    for (unsigned i = 0; i < ARRAY_LEN(low32); i++) {
        if (is_named(in, low32[i].name)) {
            h->regs = low32[i].regs;
            h->reg_bits = UINT32_MAX;
        }
    }
    if (is_named(in, "RDRAND") || is_named(in, "RDSEED")) {
        h->regs = BIT(in->op[0].reg);
        h->reg_bits = isa_low_bits(in->osize);
    } else if (is_named(in, "RDPID")) {
        h->regs = BIT(in->op[0].reg);
        h->reg_bits = UINT32_MAX;
    }
    /* In a virtual machine the trap has the RIP of the instruction. */
    h->rip = is_named(in, "INT1");
}

/* --- results that are undefined --- */

static void find_undefined_result(IsaHoles *h, const IsaCase *c,
                                  const X86Insn *in, uint64_t place)
{
    const X86Row *row = in->row;
    unsigned count =
        (row->op[2] == OC_CL ? (uint8_t)c->state.regs[R_RCX] : in->imm) & 31;

    /* SDM vol. 2A, "BSWAP": of a 16-bit register. */
    if (is_named(in, "BSWAP") && in->osize == IR_16) {
        h->regs = BIT(in->op[0].reg);
        h->reg_bits = UINT16_MAX;
    }
    /* SDM vol. 2B, "SHLD", "SHRD": with a count above the operand size; with
     * one equal to it two makers' OF differ. */
    if ((is_named(in, "SHLD") || is_named(in, "SHRD")) && in->osize == IR_16 &&
        count >= 16) {
        h->flags = count == 16 ? EFLAGS_OF : EFLAGS_CC;
        if (count > 16 && in->op[0].kind == OPND_REG) {
            h->regs = BIT(in->op[0].reg);
            h->reg_bits = UINT16_MAX;
        } else if (count > 16) {
            hole_data(h, place, 2);
        }
    }
}

/* --- images --- */

/* The x87's pointers: processors differ in when they update them.  And the
 * mask of MXCSR: one has a bit more. */
static void find_image_holes(IsaHoles *h, const X86Insn *in, uint64_t place)
{
    static const char *const fx[] = {"FXSAVE",   "XSAVE",  "XSAVEC",
                                     "XSAVEOPT", "XSAVES", NULL};
    static const char *const env[] = {"FNSTENV", "FNSAVE", NULL};

    if (isa_is_one_of(in->row->name, fx)) {
        hole_data(h, place + offsetof(IsaFx, op),
                  offsetof(IsaFx, mxcsr) - offsetof(IsaFx, op));
        hole_data(h, place + offsetof(IsaFx, mxcsr_mask), 4);
    } else if (isa_is_one_of(in->row->name, env)) {
        /* SDM vol. 1, figures 8-9 to 8-12: four pointer words behind three. */
        bool wide = in->osize != IR_16;

        hole_data(h, place + (wide ? 12 : 6), wide ? 16 : 8);
    }
}

/* Which byte of these faults first, and which of it CR2 tells. */
static void find_fault_range(IsaHoles *h, const IsaCase *c, const X86Insn *in)
{
    if (c->image) {
        h->operand_bytes = IMAGE_BYTES;
    } else if (!strncmp(in->row->name, "VMASKMOVP", 9) ||
               !strncmp(in->row->name, "VPMASKMOV", 9)) {
        h->operand_bytes = operands_memory_bytes(in);
    }
    h->operand = operands_linear_address(c, in);
}

/* --- memory that may or may not fault --- */

/* SDM vol. 3A, 6.15 "Interrupt 17", leaves #AC for misaligned vectors to the
 * processor, and vol. 2A, "FXSAVE", whether it is #AC or #GP. */
static bool alignment_differs(const IsaCase *c, const X86Insn *in,
                              uint64_t place)
{
    if (!(c->state.eflags & EFLAGS_AC)) {
        return false;
    }
    if (!strncmp(in->row->name, "FX", 2)) {
        return place % 16;
    }
    return !silicon_is_amd() &&
           (operands_memory_bytes(in) >= 16 || (in->row->attrs & XA_VSIB) ||
            strstr(in->row->name, "MASKMOV"));
}

/* Heddle does as AMD's processors do: bytes of an image that are not used, and
 * those that the mask of MASKMOVQ and MASKMOVDQU leaves out, fault too.  No
 * manual says so. */
static bool unused_bytes_differ(const IsaCase *c, const X86Insn *in,
                                uint64_t ea, uint64_t place)
{
    if (silicon_is_amd()) {
        return false;
    }
    if (strstr(in->row->name, "MASKMOVDQU") || is_named(in, "MASKMOVQ")) {
        unsigned seg = in->seg == X86_NO_REG ? R_DS : in->seg;

        return ea + operands_segment_base(c, seg) - ISA_DATA + 16 >
               ISA_RW_BYTES;
    }
    return c->image && place + IMAGE_BYTES > ISA_RW_BYTES;
}

static bool is_canonical(uint64_t ea)
{
    return (int64_t)ea == (int64_t)(ea << 16) >> 16;
}

/* The register that holds the address, where it is no memory operand of the
 * opcode's; -1: there is none. */
static int implicit_pointer(const X86Insn *in)
{
    static const char *const rsi[] = {"MOVS", "CMPS", "LODS", "OUTS", NULL};
    static const char *const rdi[] = {"MASKMOVQ", "MASKMOVDQU", "VMASKMOVDQU",
                                      NULL};

    return isa_is_one_of(in->row->name, rsi)   ? R_RSI
           : isa_is_one_of(in->row->name, rdi) ? R_RDI
           : is_named(in, "XLAT")              ? R_RBX
                                               : -1;
}

/* SDM vol. 1, 3.3.7.1 "Canonical Addressing", means the linear address; AMD
 * wants the offset from a base of FS or GS canonical as well. */
static bool canonical_differs(const IsaCase *c, const X86Insn *in, uint64_t ea)
{
    int reg = implicit_pointer(in);
    /* With all that a string moves. */
    uint64_t near = reg < 0 ? 0 : 0x2000;

    return c->mode == 64 && (in->seg == R_FS || in->seg == R_GS) &&
           !(is_canonical(ea - near) && is_canonical(ea + near));
}

static bool faults_differ(const IsaCase *c, const X86Insn *in, uint64_t ea,
                          uint64_t place)
{
    /* No manual says if an image wraps where the addresses do; AMD's do. */
    if (c->image) {
        return ea + IMAGE_BYTES > isa_low_bits(in->asize);
    }
    /* The elements of a masked move: AMD wraps the address of each as of
     * accesses of their own; as one of 32 bytes it is beyond. */
    if (strstr(in->row->name, "MASKMOV")) {
        return ea + 32 > isa_low_bits(in->asize);
    }
    /* MOVSXD to 16 bits reads 16 or 32 bits: SDM vol. 2B; APM vol. 3. */
    if (is_named(in, "MOVSXD") && in->osize == IR_16) {
        return ((place + 3) & ~PAGE_MASK) < 2 ||
               ((c->state.eflags & EFLAGS_AC) && place % 4);
    }
    /* Whether the SHA extensions want aligned memory depends on the maker. */
    return place % 16 && (!strncmp(in->row->name, "SHA1", 4) ||
                          !strncmp(in->row->name, "SHA256", 6));
}

/* --- the case --- */

static uint64_t offset_of_operand(const IsaCase *c, const X86Insn *in)
{
    int reg = implicit_pointer(in);

    return reg < 0 ? operands_effective_address(c, in)
                   : c->state.regs[reg] & isa_low_bits(in->asize);
}

void holes_find(IsaCase *c)
{
    IsaHoles *h = &c->holes;
    uint64_t place, ea;
    X86Insn in;

    memset(h, 0, sizeof(*h));
    if ((c->ninsns != 1 && c->load.seg == NB_SEGS) ||
        c->insn[0].row == ISA_NO_ROW) {
        return;
    }
    x86_decode(&in, NULL, c->code, c->code_len, isa_hflags(c->mode));
    place = operands_linear_address(c, &in) - ISA_DATA;
    ea = offset_of_operand(c, &in);
    find_own_values(h, &in);
    find_undefined_result(h, c, &in, place);
    find_image_holes(h, &in, place);
    find_fault_range(h, c, &in);
    h->open =
        alignment_differs(c, &in, place) ||
        unused_bytes_differ(c, &in, ea, place) ||
        ((operands_has_memory(&in) || implicit_pointer(&in) >= 0) &&
         (canonical_differs(c, &in, ea) || faults_differ(c, &in, ea, place)));
    /* AMD enters MMX before it stores. */
    h->x87_of_fault = is_named(&in, "MASKMOVQ");
    /* SDM vol. 1, 3.5.1; APM vol. 3: the operand-size prefix of near branches
     * in 64-bit mode cuts RIP to 16 bits, or does nothing. */
    h->taken = c->mode == 64 && (in.row->attrs & XA_F64) && in.osize16;
}

/* A register adds to the address. */
static bool has_bit_offset(const X86Insn *in)
{
    static const char *const names[] = {"BT", "BTS", "BTR", "BTC", NULL};

    return isa_is_one_of(in->row->name, names) &&
           in->op[1].kind == OPND_REG;
}

/* In a sequence, too, makers differ on the address that the silicon refused. */
static bool refused_differs(const IsaCase *c, const IsaResult *silicon)
{
    uint64_t off = silicon->state.rip - c->state.rip;
    IsaCase at;
    X86Insn in;

    if (silicon->vector != EXCP_GP || off >= c->code_len ||
        x86_decode(&in, NULL, c->code + off, c->code_len - off,
                   isa_hflags(c->mode)) != DECODE_OK ||
        (!operands_has_memory(&in) && implicit_pointer(&in) < 0)) {
        return false;
    }
    at = *c;
    at.state = silicon->state;
    return canonical_differs(&at, &in,
                             has_bit_offset(&in) ? BIT64(63)
                                                 : offset_of_operand(&at, &in));
}

bool holes_answered(const IsaCase *c, const IsaResult *silicon)
{
    return silicon->end == ISA_END_TRAP && !c->holes.open &&
           !refused_differs(c, silicon);
}
