/* SPDX-License-Identifier: MIT */
/*
 * What -d in_asm, op, op_opt, out_asm, exec and cpu print.  Disassembly is
 * capstone's; a byte that it does not know is printed as data.
 */
#include <capstone/capstone.h>
#include <string.h>

#include "accel/tcg/internal.h"
#include "exec/ldst.h"
#include "util/log.h"

/* Disassemble @len bytes at @code, whose addresses start at @pc. */
static void disassemble(FILE *out, cs_mode mode, const uint8_t *code,
                        size_t len, uint64_t pc)
{
    cs_insn *insn;
    csh handle;

    if (cs_open(CS_ARCH_X86, mode, &handle) != CS_ERR_OK) {
        return;
    }
    cs_option(handle, CS_OPT_SKIPDATA, CS_OPT_ON);
    insn = cs_malloc(handle);
    while (cs_disasm_iter(handle, &code, &len, &pc, insn)) {
        fprintf(out, "0x%08" PRIx64 ":  %-8s %s\n", insn->address,
                insn->mnemonic, insn->op_str);
    }
    cs_free(insn, 1);
    cs_close(&handle);
}

static cs_mode guest_mode(uint32_t flags)
{
    return flags & HF_CS64   ? CS_MODE_64
           : flags & HF_CS32 ? CS_MODE_32
                             : CS_MODE_16;
}

void tcg_log_guest_code(CPUState *cpu, const TranslationBlock *tb, vaddr pc)
{
    uint8_t *bytes = g_malloc(tb->guest_bytes);
    FILE *out;

    if (cpu_memory_rw_debug(cpu, pc, bytes, tb->guest_bytes, false)) {
        out = log_lock();
        fprintf(out, "----------------\nIN: cpu %u flags %08x cflags %x\n",
                cpu->index, tb->flags, tb_cflags(tb));
        disassemble(out, guest_mode(tb->flags), bytes, tb->guest_bytes, pc);
        log_unlock();
    }
    g_free(bytes);
}

void tcg_log_ir(const IrFunc *f, const char *title, vaddr pc)
{
    GString *text;

    if (!log_in_filter(pc)) {
        return;
    }
    text = g_string_new(NULL);
    ir_dump(f, text);
    log_write("%s:\n%s\n", title, text->str);
    g_string_free(text, TRUE);
}

void tcg_log_host_code(const TranslationBlock *tb)
{
    FILE *out = log_lock();

    fprintf(out, "OUT: [size=%" PRIu32 "]\n", tb->code.code_bytes);
    if (tcg_backend == &tcg_backend_native) {
        disassemble(out, CS_MODE_64, tb->code.entry, tb->code.code_bytes,
                    (uintptr_t)tb->code.entry);
    }
    fputc('\n', out);
    log_unlock();
}

/*
 * --- blocks that are entered ---
 * A boot enters some 160 million of them when they are not linked, and printf
 * takes longer for its line than most of them run.
 */

static inline char *put_number(char *p, uint64_t value, unsigned base,
                               unsigned min_digits)
{
    char digits[20];
    unsigned n = 0;

    do {
        digits[n++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value || n < min_digits);
    while (n) {
        *p++ = digits[--n];
    }
    return p;
}

/* "Trace %u: %p [" VADDR_FMT "/%08x/%x]\n" */
static void log_trace(unsigned index, const TranslationBlock *tb, vaddr pc)
{
    char line[96];
    char *p = stpcpy(line, "Trace ");

    p = put_number(p, index, 10, 1);
    p = put_number(stpcpy(p, ": 0x"), (uintptr_t)tb->code.entry, 16, 1);
    p = put_number(stpcpy(p, " ["), pc, 16, 16);
    p = put_number(stpcpy(p, "/"), tb->flags, 16, 8);
    p = put_number(stpcpy(p, "/"), tb_cflags(tb), 16, 1);
    p = stpcpy(p, "]\n");
    log_write_line(line, (size_t)(p - line));
}

void tcg_log_exec(CPUState *cpu, const TranslationBlock *tb)
{
    X86CPU *x86 = x86_cpu(cpu);
    vaddr pc = tb_linear_pc(x86);

    if (!log_in_filter(pc)) {
        return;
    }
    if (log_enabled(LOG_EXEC)) {
        log_trace(cpu->index, tb, pc);
    }
    if (log_enabled(LOG_CPU)) {
        GString *text = g_string_new(NULL);

        cpu->ops->dump(cpu, text, false);
        log_write("%s", text->str);
        g_string_free(text, TRUE);
    }
}
