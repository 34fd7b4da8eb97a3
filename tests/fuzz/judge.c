/* SPDX-License-Identifier: MIT */
/*
 * Two opinions on the decoder.
 *
 * Prefixes are scanned here again, by the SDM's few sentences on them (vol. 2A,
 * 2.1.1 "Instruction Prefixes"; 2.2.1 "REX Prefixes"), and written anew: each
 * once, in a fixed order, without those that mean nothing.  The decoder must
 * make the same of this canonical form.  The canonical form is then given to
 * capstone, which is confused by much of what is left out.
 *
 * Where capstone disagrees about the length, or about whether there is such an
 * instruction, the case must be known as an error of capstone's
 * (capstone_errors.c).
 */
#include "tests/fuzz/judge.h"

#include <string.h>

#include "tests/fuzz/case.h"

_Static_assert(JUDGE_BYTES >= X86_MAX_INSN + CASE_BYTES - CASE_PREFIXES,
               "what is copied from behind 15 prefixes");

static csh handles[NB_MODES];
static cs_insn *cs_buffer[CASE_BUFFERS];

void judge_init(void)
{
    for (unsigned i = 0; i < NB_MODES; i++) {
        cs_mode mode = insn_modes[i].bits == 64   ? CS_MODE_64
                       : insn_modes[i].bits == 32 ? CS_MODE_32
                                                  : CS_MODE_16;

        g_assert_true(cs_open(CS_ARCH_X86, mode, &handles[i]) == CS_ERR_OK);
        cs_option(handles[i], CS_OPT_DETAIL, CS_OPT_ON);
    }
    for (unsigned i = 0; i < ARRAY_LEN(cs_buffer); i++) {
        cs_buffer[i] = cs_malloc(handles[0]);
    }
}

/* --- prefixes --- */

static bool take_prefix(Prefixes *p, uint8_t byte, bool is64)
{
    switch (byte) {
    case 0x26:
    case 0x2e:
    case 0x36:
    case 0x3e:
        p->seg = is64 ? p->seg : byte;
        return true;
    case 0x64:
    case 0x65:
        p->seg = byte;
        return true;
    case 0x66:
        p->p66 = true;
        return true;
    case 0x67:
        p->p67 = true;
        return true;
    case 0xf0:
        p->lock = true;
        return true;
    case 0xf2:
    case 0xf3:
        p->rep = byte;
        return true;
    default:
        return false;
    }
}

static Prefixes scan(const uint8_t *bytes, bool is64)
{
    Prefixes p = {0};

    for (; p.count < X86_MAX_INSN; p.count++) {
        if (is64 && (bytes[p.count] & 0xf0) == 0x40) {
            p.has_rex = true;
            p.rex = bytes[p.count];
        } else if (take_prefix(&p, bytes[p.count], is64)) {
            p.has_rex = false;
        } else {
            break;
        }
    }
    return p;
}

static bool is_near_branch(const uint8_t *op)
{
    return (op[0] >= 0x70 && op[0] < 0x80) || (op[0] >= 0xe0 && op[0] < 0xe4) ||
           op[0] == 0xe8 || op[0] == 0xe9 || op[0] == 0xeb || op[0] == 0xc2 ||
           op[0] == 0xc3 || (op[0] == 0x0f && (op[1] & 0xf0) == 0x80);
}

/*
 * Repeat prefixes mean nothing to the length of opcodes of the first map, but
 * tell PAUSE from NOP.  A near branch in 64-bit code has no size to choose (SDM
 * vol. 1, 6.3.7 "Branch Functions in 64-Bit Mode"; the other maker's
 * processors take 66).
 */
static void drop_idle_prefixes(Case *c, const uint8_t *op)
{
    if (op[0] != 0x0f && op[0] != 0x90 && !c->vex) {
        c->p.rep = 0;
    }
    if (insn_modes[c->mode].bits == 64 && is_near_branch(op)) {
        c->p.p66 = c->p.p67 = c->p.has_rex = false;
    }
}

void case_write(Case *c, const uint8_t *op)
{
    unsigned n = 0;

    if (c->p.seg) {
        c->bytes[n++] = c->p.seg;
    }
    if (c->p.p67) {
        c->bytes[n++] = 0x67;
    }
    if (c->p.p66) {
        c->bytes[n++] = 0x66;
    }
    if (c->p.rep) {
        c->bytes[n++] = c->p.rep;
    }
    if (c->p.has_rex) {
        c->bytes[n++] = c->p.rex;
    }
    c->opcode_at = n;
    memmove(c->bytes + n, op, CASE_BYTES - CASE_PREFIXES);
}

const cs_insn *case_ask_capstone(unsigned mode, const uint8_t *bytes,
                                 unsigned buffer)
{
    size_t len = CASE_BYTES;
    uint64_t address = 0;

    return cs_disasm_iter(handles[mode], &bytes, &len, &address,
                          cs_buffer[buffer])
               ? cs_buffer[buffer]
               : NULL;
}

bool case_in_group(const Case *c, unsigned group)
{
    return cs_insn_group(handles[c->mode], c->cs, group);
}

/* --- judgement --- */

static const char *result_name(X86Decode result)
{
    static const char *const names[] = {"valid", "too short", "#UD",
                                        "too long"};

    return names[result];
}

static char *disagreement(const Case *c, const char *what)
{
    GString *s = g_string_new(what);

    g_string_append_printf(s, " (%s):", insn_modes[c->mode].name);
    for (unsigned i = 0; i < X86_MAX_INSN; i++) {
        g_string_append_printf(s, " %02x", c->bytes[i]);
    }
    g_string_append_printf(
        s, "\n  ours: %s, %u bytes, %s\n  capstone: ", result_name(c->result),
        c->in.len, c->result == DECODE_OK ? c->in.row->name : "-");
    if (c->cs) {
        g_string_append_printf(s, "%u bytes, %s %s", c->cs->size,
                               c->cs->mnemonic, c->cs->op_str);
    } else {
        g_string_append(s, "nothing");
    }
    return g_string_free(s, FALSE);
}

/* SDM vol. 2A, 2.3.2 "VEX and the LOCK prefix" and the sections after it. */
static bool vex_allowed(const Case *c)
{
    return c->mode >= MODE_16 && !c->p.p66 && !c->p.rep && !c->p.lock &&
           !c->p.has_rex;
}

/* SDM vol. 2A, "LOCK": these, with memory as the destination. */
static bool lock_allowed(const Case *c)
{
    static const uint16_t list[] = {
        X86_INS_ADD,  X86_INS_ADC,       X86_INS_AND,        X86_INS_BTC,
        X86_INS_BTR,  X86_INS_BTS,       X86_INS_CMPXCHG,    X86_INS_DEC,
        X86_INS_INC,  X86_INS_NEG,       X86_INS_NOT,        X86_INS_OR,
        X86_INS_SBB,  X86_INS_SUB,       X86_INS_XOR,        X86_INS_XADD,
        X86_INS_XCHG, X86_INS_CMPXCHG8B, X86_INS_CMPXCHG16B,
    };

    if (!c->cs || c->cs->detail->x86.operands[0].type != X86_OP_MEM) {
        return false;
    }
    for (unsigned i = 0; i < ARRAY_LEN(list); i++) {
        if (c->cs->id == list[i]) {
            return true;
        }
    }
    return false;
}

/* The decoder on the bytes as they were (@in, @result) and on the canonical
 * form: dropped bytes must not count but for the length. */
static const char *compare_forms(const Case *c, const X86Insn *in,
                                 X86Decode result, unsigned dropped)
{
    if (c->result == DECODE_TOO_LONG || c->in.len + dropped > X86_MAX_INSN) {
        /* Too long, unless bytes that tell #UD come before the limit. */
        return result == DECODE_OK ? "longer than 15 bytes" : NULL;
    }
    if (c->p.lock && c->result == DECODE_OK) {
        return (result == DECODE_OK) == lock_allowed(c) ? NULL : "LOCK";
    }
    if (result != c->result ||
        (result == DECODE_OK &&
         (in->row != c->in.row || in->len != c->in.len + dropped))) {
        return "the prefixes' order counts";
    }
    return NULL;
}

static const char *compare_capstone(const Case *c)
{
    if (c->result == DECODE_TOO_LONG) {
        return NULL;
    }
    if (c->result == DECODE_UD) {
        return c->cs && !capstone_errs_valid(c) ? "only capstone knows it"
                                                : NULL;
    }
    if (!c->cs) {
        return capstone_errs_invalid(c) ? NULL : "capstone does not know it";
    }
    return c->cs->size == c->in.len || capstone_errs_length(c) ? NULL
                                                               : "length";
}

char *judge(unsigned mode, const X86Insn *in, X86Decode result,
            const uint8_t *bytes)
{
    bool is64 = insn_modes[mode].bits == 64;
    Case c = {.mode = mode, .p = scan(bytes, is64)};
    const uint8_t *op = bytes + c.p.count;
    unsigned prefixes = c.p.count;
    const char *wrong;

    if (prefixes >= X86_MAX_INSN) {
        return result == DECODE_TOO_LONG ? NULL : g_strdup("15 prefixes");
    }
    c.vex = (op[0] == 0xc4 || op[0] == 0xc5) && (is64 || op[1] >= 0xc0);
    if (c.vex && !vex_allowed(&c)) {
        return result == DECODE_OK ? g_strdup("VEX after prefixes, or in real "
                                              "mode")
                                   : NULL;
    }
    drop_idle_prefixes(&c, op);
    case_write(&c, op);
    c.result =
        x86_decode(&c.in, NULL, c.bytes, CASE_BYTES, insn_modes[mode].hflags);
    c.cs = case_ask_capstone(mode, c.bytes, 0);
    wrong = compare_forms(&c, in, result, prefixes - c.opcode_at);
    if (!wrong) {
        wrong = compare_capstone(&c);
    }
    return wrong ? disagreement(&c, wrong) : NULL;
}
