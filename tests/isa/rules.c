/* SPDX-License-Identifier: MIT */
/*
 * What is not held against the silicon, and why.  A rule here is a hole in the
 * test: each says what covers the row instead, or which freedom the manuals
 * give.
 */
#include "isa.h"

#include <string.h>

#include "target/i386/cpuid.h"
#include "tcg/ir.h"

#define X87_SW_C1 BIT(9)

bool isa_is_one_of(const char *name, const char *const *list)
{
    for (; *list; list++) {
        if (!strcmp(name, *list)) {
            return true;
        }
    }
    return false;
}

/* --- whole rows --- */

#define GUEST(name) "tests/guest/test_" name ".c"

static const struct {
    const char *name;
    IsaElsewhere to;
} elsewhere[] = {
    {"SYSCALL", {GUEST("syscall"), "enters the kernel"}},
    {"SGDT", {GUEST("system"), "the kernel answers for it (UMIP)"}},
    {"SIDT", {GUEST("system"), "the kernel answers for it (UMIP)"}},
    {"SMSW", {GUEST("system"), "the kernel answers for it (UMIP)"}},
    {"SLDT", {GUEST("system"), "the kernel answers for it (UMIP)"}},
    {"STR", {GUEST("system"), "the kernel answers for it (UMIP)"}},
};

/* Vector features: their rows are single sub-ops of tcg/vops.def. */
static bool is_vector_feature(unsigned feature)
{
    static const uint8_t list[] = {
        FEAT_PCLMULQDQ, FEAT_SSSE3, FEAT_FMA,  FEAT_SSE41,      FEAT_SSE42,
        FEAT_AES,       FEAT_AVX,   FEAT_F16C, FEAT_AVX2,       FEAT_SHA,
        FEAT_GFNI,      FEAT_VAES,  FEAT_SSE3, FEAT_VPCLMULQDQ,
    };

    return memchr(list, feature, sizeof(list));
}

/* What a processor without the feature does is #UD: no more than that can be
 * compared, and only where Heddle does the same. */
static const IsaElsewhere *lacks_feature(const X86Row *row)
{
    static const IsaElsewhere portable = {"tests/tcg/test_vops.c",
                                          "this processor lacks the feature"};
    static const IsaElsewhere none = {"-", "this processor lacks the feature"};

    if (row->attrs & XA_CPL0UD) {
        return NULL; /* #UD in user mode either way */
    }
    return is_vector_feature(row->feature) ? &portable : &none;
}

/* CR4.PKE and CR4.OSPKE, as programs see it, are zero in the emulator. */
static const IsaElsewhere *protection_keys(void)
{
    static const IsaElsewhere pku = {GUEST("pku"), "the kernel has enabled it"};

    return silicon_has_feature(FEAT_PKU) ? &pku : NULL;
}

const IsaElsewhere *rule_elsewhere(const X86Row *row)
{
    static const IsaElsewhere syscall = {GUEST("syscall"), "enters the kernel"};
    static const IsaElsewhere bases = {GUEST("msr"),
                                       "the kernel does not allow it"};

    for (unsigned i = 0; i < ARRAY_LEN(elsewhere); i++) {
        if (!strcmp(row->name, elsewhere[i].name)) {
            return &elsewhere[i].to;
        }
    }
    /* AMD has dropped it from long mode: #UD.  APM vol. 3, "SYSENTER". */
    if (!strcmp(row->name, "SYSENTER")) {
        return silicon_is_amd() ? NULL : &syscall;
    }
    if (row->feature == FEAT_FSGSBASE && !silicon_has_bases()) {
        return &bases;
    }
    if (row->feature == FEAT_PKU) {
        return protection_keys();
    }
    return silicon_has_feature(row->feature) ? NULL : lacks_feature(row);
}

/* What user mode can see of these is a fault; the rest is tested here. */
static const struct {
    const char *name, *by;
} privileged[] = {
    {"HLT", GUEST("apic")},       {"CLI", GUEST("syscall")},
    {"STI", GUEST("irq")},        {"IN", GUEST("syscall")},
    {"OUT", GUEST("syscall")},    {"INS", GUEST("syscall")},
    {"OUTS", GUEST("syscall")},   {"LLDT", GUEST("segments")},
    {"LTR", GUEST("task")},       {"MONITOR", GUEST("system")},
    {"MWAIT", GUEST("system")},   {"CLAC", GUEST("system")},
    {"STAC", GUEST("system")},    {"XSETBV", GUEST("fpu")},
    {"SWAPGS", GUEST("syscall")}, {"LGDT", GUEST("system")},
    {"LIDT", GUEST("system")},    {"LMSW", GUEST("system")},
    {"INVLPG", GUEST("tlb")},     {"CLTS", GUEST("system")},
    {"SYSRET", GUEST("syscall")}, {"SYSENTER", GUEST("syscall")},
    {"INVD", GUEST("system")},    {"WBINVD", GUEST("system")},
    {"WRMSR", GUEST("msr")},      {"RDMSR", GUEST("msr")},
    {"RDPMC", GUEST("syscall")},  {"SYSEXIT", GUEST("syscall")},
    {"XRSTORS", GUEST("system")}, {"XSAVES", GUEST("system")},
    {"INVPCID", GUEST("pcid")},   {"RSM", GUEST("system")},
    {"RDPKRU", GUEST("pku")},     {"WRPKRU", GUEST("pku")},
};

const char *rule_privileged(const X86Row *row)
{
    for (unsigned i = 0; i < ARRAY_LEN(privileged); i++) {
        if (!strcmp(row->name, privileged[i].name)) {
            return privileged[i].by;
        }
    }
    if (row->map == X86_M0F && (row->opcode & ~3) == 0x20) {
        return row->opcode & 1 ? GUEST("debug") : GUEST("cr");
    }
    return NULL;
}

/* --- single instructions --- */

bool rule_excludes_insn(const X86Insn *in, unsigned mode)
{
    static const char *const far_pointers[] = {"LSS",  "LFS",   "LGS",
                                               "JMPF", "CALLF", NULL};
    const X86Row *row = in->row;

    /* Without WRFSBASE, FS must stay where this program keeps its thread's
     * data. */
    if (!silicon_has_bases() &&
        ((in->seg == R_FS && mode == 64) || segments_loads_base(in))) {
        return true;
    }
    /* With an operand-size prefix in 64-bit mode its length, too, depends on
     * the maker: SDM vol. 2A, "Jcc"; APM vol. 3, "Jcc". */
    if (mode == 64 && in->osize16 && row->op[0] == OC_Jz) {
        return true;
    }
    /* Repeat prefixes are reserved here: AMD takes the condition of them. */
    if ((!strcmp(row->name, "LOOPE") && in->rep == 0xf2) ||
        (!strcmp(row->name, "LOOPNE") && in->rep == 0xf3)) {
        return true;
    }
    /* Outside 64-bit mode one maker ignores VEX.W here, the other refuses it.
     */
    if (mode != 64 && in->vex_w &&
        (!strcmp(row->name, "VPINSRD") || !strcmp(row->name, "VPEXTRD"))) {
        return true;
    }
    /* Far pointers m16:64: one maker has them, for the other REX.W means
     * nothing here.  SDM vol. 2A, "CALL", "LDS"; APM vol. 3, "CALL (Far)". */
    if ((in->rex & 8) && isa_is_one_of(row->name, far_pointers)) {
        return true;
    }
    /* LOCK VERW: with the microcode that has it clear buffers as well, one
     * maker's processors run it. */
    if (in->lock && !strcmp(row->name, "VERW")) {
        return true;
    }
    /* 80h is Linux's gate for 32-bit system calls. */
    return !strcmp(row->name, "INT") && (uint8_t)in->imm == 0x80;
}

/* --- sequences --- */

bool rule_sequence(const X86Insn *in)
{
    static const char *const ends[] = {
        "JCC",    "JMP",   "CALL",     "RET",    "LOOP",   "LOOPE",
        "LOOPNE", "JCXZ",  "INT",      "INT3",   "INT1",   "INTO",
        "BOUND",  "UD0",   "UD1",      "UD2",    "RSM",    "HLT",
        "CLI",    "STI",   "IN",       "OUT",    "INS",    "OUTS",
        "POPF",   "RDPMC", "SYSENTER", "RDPKRU", "WRPKRU", "MASKMOVQ",
        "JMPF",   "CALLF", "RETF",     "IRET",   "LSS",    "SYSRET",
        NULL,
    };

    return !(in->row->attrs & (XA_CPL0 | XA_CPL0UD | XA_LAST)) &&
           !rule_fsw_undefined(in) && !isa_is_one_of(in->row->name, ends);
}

uint8_t rule_flags_read(const X86Insn *in)
{
    static const char *const conditional[] = {"JCC", "SET", "CMOV", NULL};

    return isa_is_one_of(in->row->name, conditional)
               ? cond_reads(in->opcode & 15)
               : in->row->reads;
}

uint8_t rule_flags_written(const X86Insn *in)
{
    static const char *const by_count[] = {"ROL", "ROR", "RCL",  "RCR",  "SHL",
                                           "SHR", "SAR", "SHLD", "SHRD", NULL};

    if (in->rep || isa_is_one_of(in->row->name, by_count)) {
        return 0;
    }
    return in->row->writes;
}

bool rule_image(const X86Insn *in)
{
    static const char *const images[] = {
        "FXSAVE", "FXRSTOR", "FNSAVE", "FRSTOR",   "FNSTENV", "FLDENV",
        "XSAVE",  "XRSTOR",  "XSAVEC", "XSAVEOPT", NULL};

    return isa_is_one_of(in->row->name, images);
}

/* What holes.c and operands.c know to leave out of one instruction's outcome.
 * Linux keeps the processor's number in the limit of one entry of the GDT: LSL
 * is not to find that selector. */
bool rule_alone(const X86Insn *in)
{
    static const char *const names[] = {
        "CPUID", "XGETBV", "RDTSC", "RDTSCP", "RDPID",   "RDRAND",   "RDSEED",
        "INT1",  "LSL",    "INS",   "OUTS",   "LDMXCSR", "VLDMXCSR", NULL};
    static const char *const narrow[] = {"BSWAP", "SHLD", "SHRD", "MOVSXD",
                                         NULL};
    const char *name = in->row->name;
    bool memory = operands_has_memory(in);

    return rule_image(in) || strstr(name, "MASKMOV") ||
           isa_is_one_of(name, names) ||
           (in->osize == IR_16 && isa_is_one_of(name, narrow)) ||
           (memory && !strncmp(name, "SHA", 3)) ||
           ((in->row->attrs & XA_F64) && in->osize16);
}

bool rule_two_loads(const X86Insn *in)
{
    /* CMPS: neither SDM vol. 2A nor APM vol. 3 says which of its operands is
     * read first, and SDM vol. 3A, 6.9 "Prioritization of Concurrent Events"
     * leaves the order of one instruction's operand faults to the processor. */
    return !strcmp(in->row->name, "CMPS");
}

bool rule_parts(const X86Insn *in)
{
    /* SDM vol. 3A, 6.9 leaves the order of these faults to the processor, too.
     * AMD's, and Heddle, go from part to part, from the lowest address on: what
     * is wrong with one comes before the limit of the next. */
    static const char *const pairs[] = {"BOUND", "FBLD",  "FBSTP", "LES",
                                        "LDS",   "LSS",   "LFS",   "LGS",
                                        "JMPF",  "CALLF", NULL};
    const X86Row *row = in->row;
    bool tenbyte = row->opcode == 0xdb && row->op[0] == OC_M;

    return operands_has_memory(in) &&
           (isa_is_one_of(row->name, pairs) ||
            (tenbyte &&
             (!strcmp(row->name, "FLD") || !strcmp(row->name, "FSTP"))));
}

uint16_t rule_fsw_undefined(const X86Insn *in)
{
    /* SDM vol. 2A, "FFREE": the codes are undefined.  "FCOMI": C1 is cleared,
     * which the other maker does not do (APM vol. 5). */
    if (!strncmp(in->row->name, "FCOMI", 5) ||
        !strncmp(in->row->name, "FUCOMI", 6) ||
        !strncmp(in->row->name, "FFREE", 5)) {
        return X87_SW_C1;
    }
    return 0;
}
