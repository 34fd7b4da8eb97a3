/* SPDX-License-Identifier: MIT */
/*
 * Which registers GDB sees, and the target description that says so.
 * Source: "Debugging with GDB", G.5.4 "i386 Features" and G.3 "Predefined
 * Target Types".
 */
#include "target/i386/gdb.h"

#include <string.h>

#define CORE     "org.gnu.gdb.i386.core"
#define SSE      "org.gnu.gdb.i386.sse"
#define AVX      "org.gnu.gdb.i386.avx"
#define SEGMENTS "org.gnu.gdb.i386.segments"
#define SYSTEM   "org.heddle.i386.system" /* ours: GDB only shows them */

/* --- the registers --- */

static void add(X86GdbLayout *l, const char *name, X86GdbKind kind,
                unsigned index, unsigned bits, const char *type,
                const char *feature)
{
    X86GdbReg *reg = &l->reg[l->n++];

    g_assert(l->n <= X86_GDB_MAX_REGS);
    *reg = (X86GdbReg){ "", kind, index, bits, type, feature };
    g_strlcpy(reg->name, name, sizeof(reg->name));
}

/* @format takes the number. */
static void add_row(X86GdbLayout *l, const char *format, X86GdbKind kind,
                    unsigned first, unsigned count, unsigned bits,
                    const char *type, const char *feature)
{
    for (unsigned i = first; i < first + count; i++) {
        char name[12];

        g_snprintf(name, sizeof(name), format, i);
        add(l, name, kind, i, bits, type, feature);
    }
}

static const char *word_type(const X86GdbLayout *l)
{
    return l->wide ? "int64" : "int32";
}

/* GDB numbers those of 64-bit processors in another order. */
static void add_integer(X86GdbLayout *l)
{
    static const uint8_t order32[] = { R_RAX, R_RCX, R_RDX, R_RBX,
                                       R_RSP, R_RBP, R_RSI, R_RDI };
    static const uint8_t order64[] = { R_RAX, R_RBX, R_RCX, R_RDX,
                                       R_RSI, R_RDI, R_RBP, R_RSP };
    static const char *const names[] = { "ax", "cx", "dx", "bx",
                                         "sp", "bp", "si", "di" };
    const uint8_t *order = l->wide ? order64 : order32;
    const char *prefix = l->wide ? "r" : "e";
    unsigned bits = l->wide ? 64 : 32;
    char name[12];

    for (unsigned i = 0; i < 8; i++) {
        bool points = order[i] == R_RSP || order[i] == R_RBP;

        g_snprintf(name, sizeof(name), "%s%s", prefix, names[order[i]]);
        add(l, name, GDB_GPR, order[i], bits,
            points ? "data_ptr" : word_type(l), CORE);
    }
    if (l->wide) {
        add_row(l, "r%u", GDB_GPR, 8, 8, bits, word_type(l), CORE);
    }
    g_snprintf(name, sizeof(name), "%sip", prefix);
    add(l, name, GDB_RIP, 0, bits, "code_ptr", CORE);
    add(l, "eflags", GDB_EFLAGS, 0, 32, "x86_eflags", CORE);
}

static void add_selectors(X86GdbLayout *l)
{
    static const struct {
        const char *name;
        unsigned reg;
    } rows[] = {
        { "cs", R_CS }, { "ss", R_SS }, { "ds", R_DS },
        { "es", R_ES }, { "fs", R_FS }, { "gs", R_GS },
    };

    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        add(l, rows[i].name, GDB_SELECTOR, rows[i].reg, 32, "int32", CORE);
    }
}

static void add_x87(X86GdbLayout *l)
{
    static const char *const control[] = { "fctrl", "fstat", "ftag",  "fiseg",
                                           "fioff", "foseg", "fooff", "fop" };

    add_row(l, "st%u", GDB_ST, 0, 8, 80, "i387_ext", CORE);
    for (unsigned i = 0; i < ARRAY_LEN(control); i++) {
        add(l, control[i], GDB_X87, i, 32, "int", CORE);
    }
}

static void add_vectors(X86GdbLayout *l)
{
    unsigned n = l->wide ? 16 : 8;

    add_row(l, "xmm%u", GDB_XMM, 0, n, 128, "x86_xmm", SSE);
    add(l, "mxcsr", GDB_MXCSR, 0, 32, "x86_mxcsr", SSE);
    if (l->avx) {
        add_row(l, "ymm%uh", GDB_YMMH, 0, n, 128, "uint128", AVX);
    }
}

static void add_system(X86GdbLayout *l)
{
    unsigned bits = l->wide ? 64 : 32;

    if (l->wide) {
        add(l, "fs_base", GDB_SEG_BASE, R_FS, bits, "int64", SEGMENTS);
        add(l, "gs_base", GDB_SEG_BASE, R_GS, bits, "int64", SEGMENTS);
        add(l, "k_gs_base", GDB_KERNEL_GS_BASE, 0, bits, "int64", SYSTEM);
    } else {
        add(l, "fs_base", GDB_SEG_BASE, R_FS, bits, "int32", SYSTEM);
        add(l, "gs_base", GDB_SEG_BASE, R_GS, bits, "int32", SYSTEM);
    }
    add(l, "cr0", GDB_CR, 0, bits, "x86_cr0", SYSTEM);
    add(l, "cr2", GDB_CR, 2, bits, word_type(l), SYSTEM);
    add(l, "cr3", GDB_CR, 3, bits, word_type(l), SYSTEM);
    add(l, "cr4", GDB_CR, 4, bits, "x86_cr4", SYSTEM);
    if (l->wide) {
        add(l, "cr8", GDB_CR, 8, bits, word_type(l), SYSTEM);
        add(l, "efer", GDB_EFER, 0, bits, "x86_efer", SYSTEM);
    }
}

const X86GdbLayout *x86_gdb_layout(const X86CPU *cpu)
{
    static X86GdbLayout layouts[2][2];
    bool wide = x86_cpu_has_feature(cpu, "lm");
    bool avx = x86_cpu_has_feature(cpu, "avx");
    X86GdbLayout *l = &layouts[wide][avx];

    if (!l->n) {
        l->wide = wide;
        l->avx = avx;
        add_integer(l);
        add_selectors(l);
        add_x87(l);
        add_vectors(l);
        add_system(l);
    }
    return l;
}

/* --- their types --- */

typedef struct FlagField {
    const char *name;
    uint8_t first, last;
} FlagField;

static const FlagField eflags_fields[] = {
    { "CF", 0, 0 },   { "PF", 2, 2 },     { "AF", 4, 4 },    { "ZF", 6, 6 },
    { "SF", 7, 7 },   { "TF", 8, 8 },     { "IF", 9, 9 },    { "DF", 10, 10 },
    { "OF", 11, 11 }, { "IOPL", 12, 13 }, { "NT", 14, 14 },  { "RF", 16, 16 },
    { "VM", 17, 17 }, { "AC", 18, 18 },   { "VIF", 19, 19 }, { "VIP", 20, 20 },
    { "ID", 21, 21 },
};

static const FlagField mxcsr_fields[] = {
    { "IE", 0, 0 },   { "DE", 1, 1 },   { "ZE", 2, 2 },   { "OE", 3, 3 },
    { "UE", 4, 4 },   { "PE", 5, 5 },   { "DAZ", 6, 6 },  { "IM", 7, 7 },
    { "DM", 8, 8 },   { "ZM", 9, 9 },   { "OM", 10, 10 }, { "UM", 11, 11 },
    { "PM", 12, 12 }, { "RC", 13, 14 }, { "FZ", 15, 15 },
};

static const FlagField cr0_fields[] = {
    { "PE", 0, 0 },   { "MP", 1, 1 },   { "EM", 2, 2 },   { "TS", 3, 3 },
    { "ET", 4, 4 },   { "NE", 5, 5 },   { "WP", 16, 16 }, { "AM", 18, 18 },
    { "NW", 29, 29 }, { "CD", 30, 30 }, { "PG", 31, 31 },
};

static const FlagField cr4_fields[] = {
    { "VME", 0, 0 },       { "PVI", 1, 1 },          { "TSD", 2, 2 },
    { "DE", 3, 3 },        { "PSE", 4, 4 },          { "PAE", 5, 5 },
    { "MCE", 6, 6 },       { "PGE", 7, 7 },          { "PCE", 8, 8 },
    { "OSFXSR", 9, 9 },    { "OSXMMEXCPT", 10, 10 }, { "UMIP", 11, 11 },
    { "LA57", 12, 12 },    { "FSGSBASE", 16, 16 },   { "PCIDE", 17, 17 },
    { "OSXSAVE", 18, 18 }, { "SMEP", 20, 20 },       { "SMAP", 21, 21 },
    { "PKE", 22, 22 },
};

static const FlagField efer_fields[] = {
    { "SCE", 0, 0 },
    { "LME", 8, 8 },
    { "LMA", 10, 10 },
    { "NXE", 11, 11 },
};

static void put_flags(GString *out, const char *id, unsigned bits,
                      const FlagField *fields, size_t n)
{
    g_string_append_printf(out, "<flags id=\"%s\" size=\"%u\">", id, bits / 8);
    for (size_t i = 0; i < n; i++) {
        g_string_append_printf(out,
                               "<field name=\"%s\" start=\"%u\" end=\"%u\"/>",
                               fields[i].name, fields[i].first, fields[i].last);
    }
    g_string_append(out, "</flags>");
}

/* One XMM register as whatever its program takes it for. */
static void put_xmm_type(GString *out)
{
    static const struct {
        const char *name, *type;
        unsigned count;
    } rows[] = {
        { "v4_float", "ieee_single", 4 }, { "v2_double", "ieee_double", 2 },
        { "v16_int8", "int8", 16 },       { "v8_int16", "int16", 8 },
        { "v4_int32", "int32", 4 },       { "v2_int64", "int64", 2 },
    };

    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        g_string_append_printf(
            out, "<vector id=\"x86_%s\" type=\"%s\" count=\"%u\"/>",
            rows[i].name, rows[i].type, rows[i].count);
    }
    g_string_append(out, "<union id=\"x86_xmm\">");
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        g_string_append_printf(out, "<field name=\"%s\" type=\"x86_%s\"/>",
                               rows[i].name, rows[i].name);
    }
    g_string_append(out, "<field name=\"uint128\" type=\"uint128\"/></union>");
}

static void put_types(GString *out, const X86GdbLayout *l, const char *feature)
{
    unsigned bits = l->wide ? 64 : 32;

    if (!strcmp(feature, CORE)) {
        put_flags(out, "x86_eflags", 32, eflags_fields,
                  ARRAY_LEN(eflags_fields));
    } else if (!strcmp(feature, SSE)) {
        put_xmm_type(out);
        put_flags(out, "x86_mxcsr", 32, mxcsr_fields, ARRAY_LEN(mxcsr_fields));
    } else if (!strcmp(feature, SYSTEM)) {
        put_flags(out, "x86_cr0", bits, cr0_fields, ARRAY_LEN(cr0_fields));
        put_flags(out, "x86_cr4", bits, cr4_fields, ARRAY_LEN(cr4_fields));
        put_flags(out, "x86_efer", 64, efer_fields, ARRAY_LEN(efer_fields));
    }
}

static void put_reg(GString *out, const X86GdbReg *reg)
{
    const char *group = reg->kind == GDB_X87 ? " group=\"float\"" : "";

    g_string_append_printf(out,
                           "<reg name=\"%s\" bitsize=\"%u\" type=\"%s\"%s/>",
                           reg->name, reg->bits, reg->type, group);
}

char *x86_gdb_xml(const X86GdbLayout *l)
{
    GString *out = g_string_new("<?xml version=\"1.0\"?>"
                                "<!DOCTYPE target SYSTEM \"gdb-target.dtd\">"
                                "<target><architecture>");
    const char *feature = NULL;

    g_string_append(out, l->wide ? "i386:x86-64" : "i386");
    g_string_append(out, "</architecture>");
    for (unsigned i = 0; i < l->n; i++) {
        if (!feature || strcmp(feature, l->reg[i].feature) != 0) {
            g_string_append(out, feature ? "</feature>" : "");
            feature = l->reg[i].feature;
            g_string_append_printf(out, "<feature name=\"%s\">", feature);
            put_types(out, l, feature);
        }
        put_reg(out, &l->reg[i]);
    }
    g_string_append(out, "</feature></target>");
    return g_string_free(out, FALSE);
}
