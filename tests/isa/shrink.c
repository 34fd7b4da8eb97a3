/* SPDX-License-Identifier: MIT */
/*
 * A difference made small: drop instructions, clear registers and memory, as
 * long as some engine still differs.  What is left is printed whole.
 */
#include "isa.h"

#include <capstone/capstone.h>
#include <stdio.h>
#include <string.h>

static IsaCase kept; /* the smallest so far */

/* Does the spare case, as changed, still differ?  If not it is put back. */
static bool still_differs(void)
{
    g_autofree char *why = NULL;

    holes_find(&isa_cases[ISA_SPARE]);
    engines_run(ISA_SPARE, 1);
    why = compare_case(ISA_SPARE);
    if (why) {
        kept = isa_cases[ISA_SPARE];
    } else {
        isa_cases[ISA_SPARE] = kept;
    }
    return why != NULL;
}

static void drop_insn(IsaCase *c, unsigned index)
{
    unsigned off = c->insn[index].off, len = c->insn[index].len;

    memmove(c->code + off, c->code + off + len, c->code_len - off - len);
    c->code_len -= len;
    for (unsigned i = index; i + 1 < c->ninsns; i++) {
        c->insn[i] = c->insn[i + 1];
        c->insn[i].off -= len;
    }
    c->ninsns--;
}

static void shrink_code(IsaCase *c)
{
    for (unsigned i = c->ninsns; c->ninsns > 1 && i-- > 0;) {
        drop_insn(c, i);
        still_differs();
    }
}

/* Zero @len bytes at @p, unless they are zero. */
static void shrink_bytes(void *p, unsigned len)
{
    for (unsigned i = 0; i < len; i++) {
        if (((uint8_t *)p)[i]) {
            memset(p, 0, len);
            still_differs();
            return;
        }
    }
}

static void shrink_fx(IsaFx *fx)
{
    fx->mxcsr = 0x1f80;
    still_differs();
    fx->cw = 0x37f;
    fx->sw = 0;
    still_differs();
    fx->valid = 0xff;
    still_differs();
    shrink_bytes(fx->st, sizeof(fx->st));
    shrink_bytes(fx->xmm, sizeof(fx->xmm));
    for (unsigned i = 0; i < 8; i++) {
        shrink_bytes(fx->st[i], 16);
    }
    for (unsigned i = 0; i < 16; i++) {
        shrink_bytes(fx->xmm[i], 16);
    }
}

static void shrink_data(uint8_t *data)
{
    shrink_bytes(data, ISA_DATA_BYTES);
    for (unsigned i = 0; i < ISA_DATA_BYTES; i += 512) {
        shrink_bytes(data + i, 512);
    }
    for (unsigned i = 0; i < ISA_DATA_BYTES; i += 16) {
        shrink_bytes(data + i, 16);
    }
}

void shrink_case(void)
{
    IsaCase *c = &isa_cases[ISA_SPARE];

    kept = *c;
    shrink_code(c);
    c->state.eflags = BIT(1) | EFLAGS_IF;
    still_differs();
    for (unsigned i = 0; i < 16; i++) {
        shrink_bytes(&c->state.regs[i], 8);
    }
    for (unsigned i = 0; i < NB_SEGS; i++) {
        segments_simplify(c, i);
        still_differs();
    }
    shrink_fx(&c->state.fx);
    for (unsigned i = 0; i < 16; i++) {
        shrink_bytes(c->state.ymm_high[i], 16);
    }
    shrink_data(c->data);
    still_differs(); /* leaves the results of the smallest case */
}

/* --- in words --- */

static void print_insn(const uint8_t *b, const IsaInsn *insn, uint64_t at)
{
    cs_mode mode = insn->mode == 64   ? CS_MODE_64
                   : insn->mode == 32 ? CS_MODE_32
                                      : CS_MODE_16;
    cs_insn *in = NULL;
    size_t n;
    csh cs;

    if (cs_open(CS_ARCH_X86, mode, &cs)) {
        return;
    }
    n = cs_disasm(cs, b, insn->len, at, 1, &in);
    printf("    %8" PRIx64 ": %s %s\n             ", at, n ? in->mnemonic : "?",
           n ? in->op_str : "");
    for (unsigned k = 0; k < insn->len; k++) {
        printf(" %02x", b[k]);
    }
    printf("\n");
    if (n) {
        cs_free(in, n);
    }
    cs_close(&cs);
}

static void print_code(const IsaCase *c)
{
    for (unsigned i = 0; i < c->ninsns; i++) {
        print_insn(c->code + c->insn[i].off, &c->insn[i],
                   c->state.rip + c->insn[i].off);
    }
}

static void print_selector(const char *what, uint16_t sel)
{
    Desc d;

    printf("    %s %x", what, sel);
    if (tables_find(sel, &d)) {
        printf(": base %x, limit %x, attributes %04x", desc_base(d),
               desc_limit(d), (d.hi & DESC_ATTR) >> DESC_TYPE_SHIFT);
    }
    printf("\n");
}

static void print_segments(const IsaCase *c)
{
    static const char *const name[NB_SEGS] = {"es", "cs", "ss",
                                              "ds", "fs", "gs"};

    for (unsigned i = 0; i < NB_SEGS; i++) {
        print_selector(name[i], c->state.sel[i]);
    }
    if (c->load.seg != NB_SEGS) {
        print_selector("for", c->load.sel);
    }
}

static void print_bytes(const char *what, unsigned index, const uint8_t *p,
                        unsigned len)
{
    unsigned any = 0;

    for (unsigned i = 0; i < len; i++) {
        any |= p[i];
    }
    if (!any) {
        return;
    }
    printf("    %s%x", what, index);
    for (unsigned i = len; i-- > 0;) {
        printf("%s%02x", i == len - 1 ? " " : "", p[i]);
    }
    printf("\n");
}

void print_case(const IsaCase *c)
{
    const IsaFx *fx = &c->state.fx;

    printf("  %u-bit mode, eflags %x, fcw %x fsw %x tags %x, mxcsr %x; "
           "what is not zero:\n",
           c->mode, c->state.eflags, fx->cw, fx->sw, fx->valid, fx->mxcsr);
    print_code(c);
    print_segments(c);
    for (unsigned i = 0; i < 16; i++) {
        if (c->state.regs[i]) {
            printf("    r%u %016" PRIx64 "\n", i, c->state.regs[i]);
        }
    }
    for (unsigned i = 0; i < 8; i++) {
        print_bytes("st", i, fx->st[i], 10);
    }
    for (unsigned i = 0; i < 16; i++) {
        print_bytes("xmm", i, fx->xmm[i], 16);
        print_bytes("upper ymm", i, c->state.ymm_high[i], 16);
    }
    for (unsigned i = 0; i < ISA_DATA_BYTES; i += 16) {
        print_bytes("data+", i, c->data + i, 16);
    }
}
