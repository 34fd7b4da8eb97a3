/* SPDX-License-Identifier: MIT */
/* `info registers`: 64-bit form in long mode, 32-bit form elsewhere. */
#include "target/i386/cpu-dump.h"
#include "target/i386/seg.h"

static void dump_gprs(X86CPU *cpu, GString *out, bool wide)
{
    static const char *const names[] = {"AX", "BX", "CX", "DX",
                                        "SI", "DI", "BP", "SP"};
    static const uint8_t order[] = {R_RAX, R_RBX, R_RCX, R_RDX,
                                    R_RSI, R_RDI, R_RBP, R_RSP};

    for (unsigned i = 0; i < 8; i++) {
        uint64_t v = cpu->regs[order[i]];

        if (wide) {
            g_string_append_printf(out, "R%s=%016" PRIx64, names[i], v);
        } else {
            g_string_append_printf(out, "E%s=%08x", names[i], (uint32_t)v);
        }
        g_string_append_c(out, i % 4 == 3 ? '\n' : ' ');
    }
    for (unsigned i = 8; wide && i < 16; i++) {
        g_string_append_printf(out, "R%-2u=%016" PRIx64 "%c", i, cpu->regs[i],
                               i % 4 == 3 ? '\n' : ' ');
    }
}

static void dump_flags(X86CPU *cpu, GString *out, bool wide)
{
    static const struct {
        uint32_t bit;
        char letter;
    } flags[] = {
        {EFLAGS_DF, 'D'}, {EFLAGS_OF, 'O'}, {EFLAGS_SF, 'S'},
        {EFLAGS_ZF, 'Z'}, {EFLAGS_AF, 'A'}, {EFLAGS_PF, 'P'},
        {EFLAGS_CF, 'C'},
    };
    uint32_t eflags = x86_get_eflags(cpu);

    if (wide) {
        g_string_append_printf(out, "RIP=%016" PRIx64 " RFL=%08x [", cpu->rip,
                               eflags);
    } else {
        g_string_append_printf(out, "EIP=%08x EFL=%08x [", (uint32_t)cpu->rip,
                               eflags);
    }
    for (unsigned i = 0; i < ARRAY_LEN(flags); i++) {
        g_string_append_c(out, eflags & flags[i].bit ? flags[i].letter : '-');
    }
    g_string_append_printf(out, "] CPL=%u II=%d A20=%d SMM=%d HLT=%d\n",
                           x86_cpl(cpu), !!(cpu->hflags & HF_SHADOW),
                           !!(cpu->a20_mask & BIT(20)), cpu->smm,
                           cpu->cs.halted);
}

/* "DPL=0 CS64 [-RA]" and the like, after the raw numbers. */
static void dump_attr(X86CPU *cpu, GString *out, uint32_t attr)
{
    static const char *const system[16] = {
        "Reserved", "TSS16-avl", "LDT", "TSS16-busy", "CallGate16",
        "TaskGate", "IntGate16", "TrapGate16", "Reserved", "TSS32-avl",
        "Reserved", "TSS32-busy", "CallGate32", "Reserved", "IntGate32",
        "TrapGate32",
    };
    bool is_long = x86_is_long(cpu);

    if (!(cpu->hflags & HF_PE) || !(attr & DESC_P)) {
        return;
    }
    g_string_append_printf(out, " DPL=%u ", desc_dpl(attr));
    if (!(attr & DESC_S)) {
        const char *name = system[desc_type(attr)];

        if (is_long && (attr & DESC_CODE) && g_str_has_prefix(name, "TSS32")) {
            g_string_append_printf(out, "TSS64%s", name + 5);
        } else {
            g_string_append(out, name);
        }
    } else if (attr & DESC_CODE) {
        g_string_append_printf(
            out, "%s [%c%c", is_long && (attr & DESC_L) ? "CS64"
                             : attr & DESC_B            ? "CS32"
                                                        : "CS16",
            attr & DESC_E ? 'C' : '-', attr & DESC_W ? 'R' : '-');
    } else {
        g_string_append_printf(out, "%s [%c%c",
                               attr & DESC_B || is_long ? "DS  " : "DS16",
                               attr & DESC_E ? 'E' : '-',
                               attr & DESC_W ? 'W' : '-');
    }
    if (attr & DESC_S) {
        g_string_append_printf(out, "%c]", attr & DESC_A ? 'A' : '-');
    }
}

static void dump_segment(X86CPU *cpu, GString *out, const char *name,
                         const SegmentCache *seg, bool wide)
{
    g_string_append_printf(out, "%-3s=%04x ", name, seg->selector);
    if (wide) {
        g_string_append_printf(out, "%016" PRIx64, seg->base);
    } else {
        g_string_append_printf(out, "%08x", (uint32_t)seg->base);
    }
    g_string_append_printf(out, " %08x %08x", seg->limit, seg->attr);
    dump_attr(cpu, out, seg->attr);
    g_string_append_c(out, '\n');
}

static void dump_table(GString *out, const char *name, uint64_t base,
                       uint16_t limit, bool wide)
{
    if (wide) {
        g_string_append_printf(out, "%s=     %016" PRIx64 " %08x\n", name, base,
                               limit);
    } else {
        g_string_append_printf(out, "%s=     %08x %08x\n", name,
                               (uint32_t)base, limit);
    }
}

static void dump_system(X86CPU *cpu, GString *out, bool wide)
{
    static const char *const names[] = {"ES", "CS", "SS", "DS", "FS", "GS"};

    for (unsigned i = 0; i < NB_SEGS; i++) {
        dump_segment(cpu, out, names[i], &cpu->segs[i], wide);
    }
    dump_segment(cpu, out, "LDT", &cpu->ldt, wide);
    dump_segment(cpu, out, "TR", &cpu->tr, wide);
    dump_table(out, "GDT", cpu->gdt.base, cpu->gdt.limit, wide);
    dump_table(out, "IDT", cpu->idt.base, cpu->idt.limit, wide);
    g_string_append_printf(out,
                           wide ? "CR0=%08x CR2=%016" PRIx64
                                  " CR3=%016" PRIx64 " CR4=%08x\n"
                                : "CR0=%08x CR2=%08" PRIx64 " CR3=%08" PRIx64
                                  " CR4=%08x\n",
                           (uint32_t)cpu->cr0, cpu->cr2, cpu->cr3,
                           (uint32_t)cpu->cr4);
    for (unsigned i = 0; i < 4; i++) {
        g_string_append_printf(out, "DR%u=%016" PRIx64 " ", i, cpu->dr[i]);
    }
    g_string_append_printf(out, "\nDR6=%016" PRIx64 " DR7=%016" PRIx64 "\n",
                           cpu->dr[6], cpu->dr[7]);
    g_string_append_printf(out, "EFER=%016" PRIx64 "\n", cpu->efer);
}

/* The whole registers where the guest has enabled AVX, else their low
 * halves. */
static void dump_vectors(X86CPU *cpu, GString *out, bool wide)
{
    bool ymm = cpu->hflags & HF_AVX;
    unsigned nvec = wide ? 16 : 8;

    for (unsigned i = 0; i < nvec; i++) {
        const uint64_t *v = cpu->vec[i].u64;

        if (ymm) {
            g_string_append_printf(out,
                                   "YMM%02u=%016" PRIx64 " %016" PRIx64
                                   " %016" PRIx64 " %016" PRIx64 "\n",
                                   i, v[3], v[2], v[1], v[0]);
        } else {
            g_string_append_printf(out,
                                   "XMM%02u=%016" PRIx64 " %016" PRIx64 "%c", i,
                                   v[1], v[0], i % 2 ? '\n' : ' ');
        }
    }
}

static void dump_fpu(X86CPU *cpu, GString *out, bool wide)
{
    const X87State *x = &cpu->x87;

    g_string_append_printf(out,
                           "FCW=%04x FSW=%04x [ST=%u] FTW=%02x MXCSR=%08x\n",
                           x->cw, (unsigned)(x->sw | x->top << 11), x->top,
                           x->valid, cpu->mxcsr);
    for (unsigned i = 0; i < 8; i++) {
        g_string_append_printf(out, "FPR%u=%016" PRIx64 " %04x%c", i,
                               x->r[i].mantissa, x->r[i].sign_exp,
                               i % 2 ? '\n' : ' ');
    }
    dump_vectors(cpu, out, wide);
}

void x86_cpu_dump(CPUState *cs, GString *out, bool fpu)
{
    X86CPU *cpu = x86_cpu(cs);
    bool wide = x86_is_long(cpu);

    dump_gprs(cpu, out, wide);
    dump_flags(cpu, out, wide);
    dump_system(cpu, out, wide);
    if (fpu) {
        dump_fpu(cpu, out, wide);
    }
}
