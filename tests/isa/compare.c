/* SPDX-License-Identifier: MIT */
/* Two outcomes of one case: the first thing that differs, in words. */
#include "isa.h"

#include <string.h>

#include "tcg/ir.h"

/* Linux shows every fault beyond what a program may map, which is a page less
 * than the lower half, as one of a present page. */
static uint32_t error_code(const IsaResult *r)
{
    bool hidden = r->vector == EXCP_PF && r->addr >= BIT64(47) - PAGE_SIZE;

    return r->error | (hidden ? 1 : 0);
}

/* What counts of a register: a run in 32-bit code, before or after a far
 * transfer, leaves the upper half to the processor (SDM vol. 1, 3.4.1.1). */
static uint64_t width(const IsaCase *c, const IsaResult *r)
{
    bool is_64 = c->mode == 64 && r->state.sel[R_CS] == ISA_SEL_CODE64;

    return is_64 ? UINT64_MAX : UINT32_MAX;
}

static unsigned registers(const IsaCase *c, const IsaResult *r)
{
    return width(c, r) == UINT64_MAX ? 16 : 8;
}

static bool differ(GString *why, const char *what, uint64_t a, uint64_t b)
{
    if (a != b) {
        g_string_printf(why, "%s %" PRIx64 ", silicon %" PRIx64, what, b, a);
        return true;
    }
    return false;
}

static bool is_operand_fault(const IsaResult *r)
{
    return r->vector == EXCP_PF || r->vector == EXCP_GP ||
           r->vector == EXCP_SS || r->vector == EXCP_AC;
}

/* CR2 in the operand, if it is a #PF. */
static bool faulted_inside(const IsaCase *c, const IsaResult *r)
{
    return r->vector != EXCP_PF || ((r->addr - c->holes.operand) &
                                    width(c, r)) < c->holes.operand_bytes;
}

/* Images are touched in an order of the processor's own: that both faulted is
 * all that can be said. */
static bool image_faulted(const IsaCase *c, const IsaResult *a,
                          const IsaResult *b)
{
    return c->image && is_operand_fault(a) && is_operand_fault(b) &&
           faulted_inside(c, a) && faulted_inside(c, b);
}

static bool differ_cr2(const IsaCase *c, const IsaResult *a, const IsaResult *b,
                       GString *why)
{
    if (a->vector != EXCP_PF ||
        (faulted_inside(c, a) && faulted_inside(c, b))) {
        return false;
    }
    return differ(why, "CR2", a->addr, b->addr);
}

/* The linear address in @r's state of what a string instruction reads next. */
static uint64_t string_address(const IsaCase *c, const IsaResult *r,
                               unsigned reg, unsigned seg, unsigned asize)
{
    uint64_t ea = r->state.regs[reg];
    uint64_t linear = operands_segment_base(c, seg);

    if (asize != IR_64) {
        ea &= BIT64(8 << asize) - 1;
    }
    linear += ea;
    return c->mode == 64 ? linear : (uint32_t)linear;
}

/* Both operands fault; the silicon met the one at ES:rDI first.  Only a #PF
 * tells which it was. */
static bool met_other_load(const IsaCase *c, const IsaResult *a,
                           const IsaResult *b)
{
    uint64_t off = (a->state.rip - c->state.rip) & width(c, a), first, second;
    X86Insn in;

    if (!c->two_loads || !is_operand_fault(a) || !is_operand_fault(b) ||
        off >= c->code_len ||
        x86_decode(&in, NULL, c->code + off, c->code_len - off,
                   isa_hflags(c->mode)) != DECODE_OK ||
        !rule_two_loads(&in)) {
        return false;
    }
    first = string_address(c, b, R_RSI, in.seg == X86_NO_REG ? R_DS : in.seg,
                           in.asize);
    second = string_address(c, a, R_RDI, R_ES, in.asize);
    return (b->vector != EXCP_PF || b->addr - first < 1u << in.op[0].size) &&
           (a->vector != EXCP_PF || a->addr - second < 1u << in.op[0].size);
}

/* SDM vol. 3A, 5.3 "Limit Checking": whether an access over 4 GiB of a flat
 * segment is refused is the processor's choice (AMD's always do); if it is not,
 * it faults on one of the two sides, where nothing is mapped. */
static bool wrapped(const IsaCase *c, const IsaResult *a, const IsaResult *b)
{
    const IsaResult *pf = a->vector == EXCP_PF ? a : b;

    return !silicon_is_amd() && c->mode != 64 && a->vector != b->vector &&
           is_operand_fault(a) && is_operand_fault(b) &&
           pf->vector == EXCP_PF && (uint32_t)(pf->addr + 64) < 128;
}

/* Parts of one operand: rule_parts(). */
static bool met_other_part(const IsaCase *c, const IsaResult *a,
                           const IsaResult *b)
{
    return !silicon_is_amd() && c->parts && a->vector != b->vector &&
           is_operand_fault(a) && is_operand_fault(b);
}

/* Where the silicon ended, or could have. */
static uint64_t expected_rip(const IsaCase *c, const IsaResult *a)
{
    bool before =
        c->holes.rip && a->vector == EXCP_DB && a->state.rip == c->state.rip;

    return (before ? c->state.rip + c->code_len : a->state.rip) & width(c, a);
}

static bool compare_trap(const IsaCase *c, const IsaResult *a,
                         const IsaResult *b, GString *why)
{
    if (b->end != ISA_END_TRAP) {
        g_string_assign(why, b->end == ISA_END_TIMEOUT ? "does not end"
                                                       : "process died");
        return true;
    }
    if (!((a->state.rip ^ b->state.rip) & width(c, a)) &&
        (met_other_load(c, a, b) || met_other_part(c, a, b) ||
         wrapped(c, a, b))) {
        return false;
    }
    return differ(why, "vector", a->vector, b->vector) ||
           differ(why, "rip", expected_rip(c, a), b->state.rip & width(c, a)) ||
           differ(why, "error code", error_code(a), error_code(b)) ||
           differ_cr2(c, a, b, why);
}

/* Did the last instruction, too, do what it does?  It ended behind it or where
 * it went, not in it. */
static bool all_ran(const IsaCase *c, const IsaResult *r)
{
    uint64_t off = (r->state.rip - c->state.rip) & width(c, r);

    return r->vector == EXCP_BP || off >= c->code_len;
}

static bool fell_through(const IsaCase *c, const IsaResult *r)
{
    return r->vector == EXCP_BP &&
           r->state.rip == c->state.rip + c->code_len + 1;
}

/* POPA faulted, in one of its loads.  SDM vol. 3A, 6.5 "Exception
 * Classifications": all is as it was before; AMD has loaded the registers that
 * come before. */
static bool half_popped(const IsaCase *c, const IsaResult *a)
{
    uint64_t off = (a->state.rip - c->state.rip) & width(c, a);
    unsigned n;
    const X86Row *rows = x86_rows(&n);

    for (unsigned i = 0; i < c->ninsns; i++) {
        if (c->insn[i].off == off && c->insn[i].row != ISA_NO_ROW) {
            return is_operand_fault(a) &&
                   !strcmp(rows[c->insn[i].row].name, "POPA");
        }
    }
    return false;
}

static bool compare_integer(const IsaCase *c, const IsaResult *a,
                            const IsaResult *b, GString *why)
{
    static const char *const name[16] = {
        "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
        "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15",
    };
    uint32_t mask =
        all_ran(c, a) ? c->flags_mask & ~c->holes.flags : c->fault_flags_mask;
    bool popped = half_popped(c, a);

    for (unsigned i = 0; i < registers(c, a); i++) {
        uint64_t bits = popped && i != R_RSP ? 0 : width(c, a);

        if ((c->holes.regs >> i & 1) && all_ran(c, a)) {
            bits &= ~c->holes.reg_bits;
        }
        if (differ(why, name[i], a->state.regs[i] & bits,
                   b->state.regs[i] & bits)) {
            return true;
        }
    }
    return differ(why, "eflags", a->state.eflags & mask,
                  b->state.eflags & mask);
}

/* A return to user mode, of an interrupt perhaps, takes the RPL off a null
 * selector: SDM vol. 2A, "IRET". */
static uint16_t selector(uint16_t sel)
{
    return sel_is_null(sel) ? 0 : sel;
}

static bool differ_base(GString *why, const char *what, uint16_t sel,
                        uint64_t a, uint64_t b)
{
    return (!sel_is_null(sel) || silicon_null_clears_base()) &&
           differ(why, what, a, b);
}

static bool compare_segments(const IsaState *a, const IsaState *b, GString *why)
{
    static const char *const name[NB_SEGS] = {"es", "cs", "ss",
                                              "ds", "fs", "gs"};

    for (unsigned i = 0; i < NB_SEGS; i++) {
        if (differ(why, name[i], selector(a->sel[i]), selector(b->sel[i]))) {
            return true;
        }
    }
    return differ_base(why, "fs base", a->sel[R_FS], a->fs_base, b->fs_base) ||
           differ_base(why, "gs base", a->sel[R_GS], a->gs_base, b->gs_base);
}

static bool differ_bytes(GString *why, const char *what, unsigned index,
                         const uint8_t *a, const uint8_t *b, unsigned len)
{
    if (!memcmp(a, b, len)) {
        return false;
    }
    g_string_printf(why, "%s%u ", what, index);
    for (unsigned i = len; i-- > 0;) {
        g_string_append_printf(why, "%02x", b[i]);
    }
    g_string_append(why, ", silicon ");
    for (unsigned i = len; i-- > 0;) {
        g_string_append_printf(why, "%02x", a[i]);
    }
    return true;
}

static bool compare_x87(const IsaCase *c, const IsaFx *a, const IsaFx *b,
                        GString *why)
{
    if (differ(why, "fcw", a->cw, b->cw) ||
        differ(why, "fsw", a->sw & c->fsw_mask, b->sw & c->fsw_mask) ||
        differ(why, "tags", a->valid, b->valid)) {
        return true;
    }
    for (unsigned i = 0; i < 8; i++) {
        if (differ_bytes(why, "st", i, a->st[i], b->st[i], 10)) {
            return true;
        }
    }
    return false;
}

static bool compare_sse(const IsaCase *c, const IsaResult *silicon,
                        const IsaResult *other, GString *why)
{
    const IsaFx *a = &silicon->state.fx, *b = &other->state.fx;

    if (differ(why, "mxcsr", a->mxcsr, b->mxcsr)) {
        return true;
    }
    for (unsigned i = 0; i < registers(c, silicon); i++) {
        if (differ_bytes(why, "xmm", i, a->xmm[i], b->xmm[i], 16)) {
            return true;
        }
    }
    return false;
}

static bool compare_ymm(const IsaCase *c, const IsaResult *a,
                        const IsaResult *b, GString *why)
{
    for (unsigned i = 0; i < registers(c, a); i++) {
        if (differ_bytes(why, "upper ymm", i, a->state.ymm_high[i],
                         b->state.ymm_high[i], 16)) {
            return true;
        }
    }
    return false;
}

static bool is_hole(const IsaHoles *h, unsigned off)
{
    for (unsigned i = 0; i < ARRAY_LEN(h->data); i++) {
        if (off - h->data[i].off < h->data[i].len) {
            return true;
        }
    }
    return false;
}

static bool compare_memory(const IsaCase *c, const IsaResult *a,
                           const IsaResult *b, GString *why)
{
    if (!memcmp(a->data, b->data, ISA_DATA_BYTES)) {
        return false;
    }
    for (unsigned i = 0; i < ISA_DATA_BYTES; i++) {
        if (a->data[i] != b->data[i] && !is_hole(&c->holes, i)) {
            g_string_printf(why, "byte at data+%x %02x, silicon %02x, was %02x",
                            i, b->data[i], a->data[i], c->data[i]);
            return true;
        }
    }
    return false;
}

bool compare_results(const IsaCase *c, const IsaResult *a, const IsaResult *b,
                     GString *why)
{
    bool x87;

    if (c->holes.taken && !fell_through(c, a)) {
        return false;
    }
    if (b->end == ISA_END_TRAP && image_faulted(c, a, b)) {
        return false;
    }
    x87 = !c->holes.x87_of_fault || a->vector == EXCP_BP;
    return compare_trap(c, a, b, why) || compare_integer(c, a, b, why) ||
           (x87 && compare_x87(c, &a->state.fx, &b->state.fx, why)) ||
           compare_segments(&a->state, &b->state, why) ||
           compare_sse(c, a, b, why) || compare_ymm(c, a, b, why) ||
           compare_memory(c, a, b, why);
}

/* How a run ended, in words. */
static void describe_end(GString *text, const char *engine, const IsaResult *r)
{
    g_string_append_printf(text, "  %s: vector %u error %x at %x:%" PRIx64,
                           engine, r->vector, r->error, r->state.sel[R_CS],
                           r->state.rip);
    if (r->vector == EXCP_PF) {
        g_string_append_printf(text, " CR2 %" PRIx64, r->addr);
    }
    g_string_append(text, "\n");
}

char *compare_case(unsigned index)
{
    const IsaResult *silicon = engine_result(ENGINE_SILICON, index);
    g_autoptr(GString) all = g_string_new(NULL);
    g_autoptr(GString) why = g_string_new(NULL);

    if (!holes_answered(&isa_cases[index], silicon)) {
        return NULL;
    }
    for (unsigned i = ENGINE_SILICON + 1; i < NB_ENGINES; i++) {
        if (engine_used(i) && compare_results(&isa_cases[index], silicon,
                                              engine_result(i, index), why)) {
            g_string_append_printf(all, "  %s: %s\n", engine_name(i), why->str);
            describe_end(all, engine_name(i), engine_result(i, index));
        }
    }
    if (!all->len) {
        return NULL;
    }
    describe_end(all, engine_name(ENGINE_SILICON), silicon);
    return g_strdup(all->str);
}
