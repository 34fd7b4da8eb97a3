/* SPDX-License-Identifier: MIT */
/*
 * What is not held against the silicon, and why.  A rule here is a hole in the
 * test: each says what covers the row instead, or which freedom the manuals
 * give.
 */
#include "isa.h"

#include <string.h>

#include "tcg/ir.h"

#define X87_SW_C1 BIT(9)

static bool is_one_of(const char *name, const char *const *list)
{
    for (; *list; list++) {
        if (!strcmp(name, *list)) {
            return true;
        }
    }
    return false;
}

/* --- whole rows --- */

static const struct {
    const char *name, *why;
} excluded[] = {
    {"CPUID", "the processors differ on purpose; tests/guest"},
    {"XGETBV", "the processors differ on purpose; tests/guest"},
    {"RDPID", "reads what the kernel set; tests/guest"},
    {"INT1", "virtual machines show a wrong RIP; tests/guest"},
    {"RDTSC", "time; tests/guest"},
    {"RDTSCP", "time; tests/guest"},
    {"RDPMC", "the kernel decides; tests/guest"},
    {"SYSCALL", "enters the kernel; tests/guest"},
    {"SYSENTER", "enters the kernel; tests/guest"},
    {"SGDT", "the kernel answers for it (UMIP); tests/guest"},
    {"SIDT", "the kernel answers for it (UMIP); tests/guest"},
    {"SMSW", "the kernel answers for it (UMIP); tests/guest"},
    {"SLDT", "the kernel answers for it (UMIP); tests/guest"},
    {"STR", "the kernel answers for it (UMIP); tests/guest"},
    {"LAR", "reads the kernel's tables; tests/guest"},
    {"LSL", "reads the kernel's tables; tests/guest"},
    {"VERR", "reads the kernel's tables; tests/guest"},
    {"VERW", "reads the kernel's tables; tests/guest"},
    {"LES", "loads from the kernel's tables; tests/guest"},
    {"LDS", "loads from the kernel's tables; tests/guest"},
    {"LSS", "loads from the kernel's tables; tests/guest"},
    {"LFS", "loads from the kernel's tables; tests/guest"},
    {"LGS", "loads from the kernel's tables; tests/guest"},
    {"CALLF", "loads from the kernel's tables; tests/guest"},
    {"JMPF", "loads from the kernel's tables; tests/guest"},
    {"RETF", "loads from the kernel's tables; tests/guest"},
    {"IRET", "loads from the kernel's tables; tests/guest"},
    {"RDFSBASE", "FS is this program's own; tests/guest"},
    {"WRFSBASE", "FS is this program's own; tests/guest"},
    {"RDGSBASE", "GS is this program's own; tests/guest"},
    {"WRGSBASE", "GS is this program's own; tests/guest"},
    {"XSAVE", "the image is the processor's own; tests/guest"},
    {"RDRAND", "random; tests/guest"},
    {"RDSEED", "random; tests/guest"},
    {"XSAVEC", "the image is the processor's own; tests/guest"},
    {"XSAVEOPT", "the image is the processor's own; tests/guest"},
    {"XRSTOR", "the image is the processor's own; tests/guest"},
};

const char *rule_excludes(const X86Row *row)
{
    for (unsigned i = 0; i < ARRAY_LEN(excluded); i++) {
        if (!strcmp(row->name, excluded[i].name)) {
            return excluded[i].why;
        }
    }
    if (row->map == X86_M1 && (row->opcode == 0x8e || row->opcode == 0x07 ||
                               row->opcode == 0x17 || row->opcode == 0x1f)) {
        return "loads from the kernel's tables; tests/guest";
    }
    if (row->map == X86_M0F && (row->opcode == 0xa1 || row->opcode == 0xa9)) {
        return "loads from the kernel's tables; tests/guest";
    }
    if (row->map == X86_M1 && row->opcode == 0xd9 &&
        row->form == (FORM_G << 8 | 3)) {
        return "not documented; processors differ (FSTPNCE)";
    }
    if (!silicon_has_feature(row->feature)) {
        return "this processor, or Heddle, lacks the feature; tests/tcg";
    }
    return NULL;
}

/* --- single instructions --- */

/* Log2 of the bytes of its memory operand; 0 if it has none. */
static unsigned memory_size(const X86Insn *in)
{
    for (unsigned i = 0; i < ARRAY_LEN(in->op); i++) {
        if (in->op[i].kind == OPND_MEM) {
            return in->op[i].size;
        }
    }
    return 0;
}

bool rule_excludes_insn(const X86Insn *in, unsigned mode)
{
    const X86Row *row = in->row;

    /* Without these instructions FS must stay where this program keeps its
     * thread's data. */
    if (in->seg == R_FS && mode == 64 && !silicon_has_bases()) {
        return true;
    }
    /* SDM vol. 2A, "BSWAP": of a 16-bit register the result is undefined. */
    if (!strcmp(row->name, "BSWAP") && in->osize == IR_16) {
        return true;
    }
    /* SDM vol. 2B, "SHLD", "SHRD": with a count above the operand size the
     * result is undefined; with one equal to it two makers' OF differ. */
    if ((!strcmp(row->name, "SHLD") || !strcmp(row->name, "SHRD")) &&
        in->osize == IR_16 && (row->op[2] == OC_CL || (in->imm & 31) >= 16)) {
        return true;
    }
    /* The operand-size prefix of near branches in 64-bit mode: one maker cuts
     * RIP to 16 bits, the other ignores it.  SDM vol. 1, 3.5.1; APM vol. 3. */
    if (mode == 64 && (row->attrs & XA_F64) && in->osize16) {
        return true;
    }
    /* SDM vol. 2B, "PUSH": of a segment register as 32 bits, the upper half of
     * the stack's word is written or not; one maker does, the other does not.
     */
    if (!strcmp(row->name, "PUSH") && row->op[0] == OC___ &&
        in->osize == IR_32) {
        return true;
    }
    /* Repeat prefixes of LOOPcc are reserved: AMD takes the condition of it. */
    if (!strncmp(row->name, "LOOP", 4) && in->rep) {
        return true;
    }
    /* MOVSXD to 16 bits reads 16 or 32 bits: SDM vol. 2B; APM vol. 3. */
    if (!strcmp(row->name, "MOVSXD") && in->osize == IR_16) {
        return true;
    }
    /* Whether ARPL stores what it does not change is not defined. */
    if (!strcmp(row->name, "ARPL") && in->op[0].kind == OPND_MEM) {
        return true;
    }
    /* A misaligned vector beyond the limit of SS: #GP or #SS. */
    if (in->mem.seg == R_SS && mode == 16 && memory_size(in) >= MO_128) {
        return true;
    }
    /* Outside 64-bit mode one maker ignores VEX.W here, the other refuses it.
     */
    if (mode != 64 && in->vex_w &&
        (!strcmp(row->name, "VPINSRD") || !strcmp(row->name, "VPEXTRD"))) {
        return true;
    }
    /* Whether the SHA extensions want aligned memory depends on the maker. */
    if (!strncmp(row->name, "SHA1", 4) || !strncmp(row->name, "SHA256", 6)) {
        return in->op[1].kind == OPND_MEM;
    }
    /* 80h is Linux's gate for 32-bit system calls. */
    return !strcmp(row->name, "INT") && (uint8_t)in->imm == 0x80;
}

/* --- sequences --- */

bool rule_sequence(const X86Insn *in)
{
    static const char *const ends[] = {
        "JCC",  "JMP",      "CALL", "RET",  "LOOP",    "LOOPE", "LOOPNE",
        "JCXZ", "INT",      "INT3", "INT1", "INTO",    "BOUND", "UD0",
        "UD1",  "UD2",      "RSM",  "HLT",  "CLI",     "STI",   "IN",
        "OUT",  "INS",      "OUTS", "POPF", "MONITOR", "MWAIT", "CLAC",
        "STAC", "MASKMOVQ", NULL,
    };

    return !(in->row->attrs & (XA_CPL0 | XA_CPL0UD | XA_LAST)) &&
           !rule_fsw_undefined(in) && !is_one_of(in->row->name, ends);
}

uint8_t rule_flags_read(const X86Insn *in)
{
    static const char *const conditional[] = {"JCC", "SET", "CMOV", NULL};

    return is_one_of(in->row->name, conditional) ? cond_reads(in->opcode & 15)
                                                 : in->row->reads;
}

uint8_t rule_flags_written(const X86Insn *in)
{
    static const char *const by_count[] = {"ROL", "ROR", "RCL",  "RCR",  "SHL",
                                           "SHR", "SAR", "SHLD", "SHRD", NULL};

    if (in->rep || is_one_of(in->row->name, by_count)) {
        return 0;
    }
    return in->row->writes;
}

bool rule_image(const X86Insn *in)
{
    static const char *const images[] = {
        "FXSAVE", "FXRSTOR", "FNSAVE", "FRSTOR", "FNSTENV", "FLDENV", NULL};

    return is_one_of(in->row->name, images) || strstr(in->row->name, "MASKMOV");
}

bool rule_two_loads(const X86Insn *in)
{
    /* CMPS: neither SDM vol. 2A nor APM vol. 3 says which of its operands is
     * read first, and SDM vol. 3A, 6.9 "Prioritization of Concurrent Events"
     * leaves the order of one instruction's operand faults to the processor. */
    return !strcmp(in->row->name, "CMPS");
}

bool rule_open(const X86Insn *in, uint64_t ea)
{
    /* The elements of a masked move: AMD wraps the address of each at 64 KiB,
     * as of accesses of their own; as one of 32 bytes it is beyond. */
    return strstr(in->row->name, "MASKMOV") && in->asize == IR_16 &&
           ea + 32 > 0x10000;
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

bool rule_image_hole(const X86Insn *in, unsigned *off, unsigned *len)
{
    static const char *const env[] = {"FNSTENV", "FNSAVE", NULL};

    if (!strcmp(in->row->name, "FXSAVE")) {
        *off = offsetof(IsaFx, op);
        *len = offsetof(IsaFx, st) - *off;
        return true;
    }
    if (!is_one_of(in->row->name, env)) {
        return false;
    }
    /* SDM vol. 1, figures 8-9 to 8-12: four pointer words behind three. */
    *off = in->osize == IR_16 ? 6 : 12;
    *len = in->osize == IR_16 ? 8 : 16;
    return true;
}
