/* SPDX-License-Identifier: MIT */
/* x, xp and print: memory and values in several formats. */
#include <string.h>

#include <capstone/capstone.h>

#include "exec/memory.h"
#include "monitor/command.h"
#include "target/i386/cpu.h"
#include "util/error.h"

#define DUMP_MAX_ITEMS   (1 << 20)
#define DUMP_LINE_BYTES  16
#define DUMP_LINE_CHARS  8
#define INSN_MAX_BYTES   15
#define STRING_MAX_BYTES 4096

typedef struct Dump {
    MonCall *call;
    CPUState *cpu; /* whose virtual addresses; NULL: physical ones */
    uint64_t addr;
    char format;
    unsigned size;
    int64_t count;
} Dump;

/* --- reading --- */

/* All of @len bytes, or false. */
static bool dump_read(const Dump *d, uint64_t addr, void *buf, size_t len)
{
    if (!d->cpu) {
        return address_space_read(&address_space_memory, addr, buf, len) ==
               MEMTX_OK;
    }
    return monitor_read_virtual(d->cpu, addr, buf, len);
}

/* --- formats --- */

/* As a C character constant. */
static void print_char(GString *out, uint8_t c)
{
    static const char named[] = "\a\b\f\n\r\t\v\\'";
    static const char letters[] = "abfnrtv\\'";
    const char *n = c ? strchr(named, c) : NULL;

    if (n) {
        g_string_append_printf(out, "'\\%c'", letters[n - named]);
    } else if (g_ascii_isprint(c)) {
        g_string_append_printf(out, "'%c'", c);
    } else {
        g_string_append_printf(out, "'\\x%02x'", c);
    }
}

static void print_binary(GString *out, uint64_t value, unsigned bits)
{
    g_string_append(out, "0b");
    while (bits--) {
        g_string_append_c(out, '0' + (value >> bits & 1));
    }
}

/* @value of @size bytes; columns of a dump have one width. */
static void print_value(GString *out, char format, uint64_t value,
                        unsigned size)
{
    unsigned bits = size * 8;
    unsigned shift = 64 - bits;
    int decimals = (bits * 10 + 32) / 33; /* log10(2) is less than 10/33 */

    switch (format) {
    case 'o':
        g_string_append_printf(out, "0%0*" PRIo64, (int)(bits + 2) / 3, value);
        break;
    case 'u':
        g_string_append_printf(out, "%*" PRIu64, decimals, value);
        break;
    case 'd':
        g_string_append_printf(out, "%*" PRId64, decimals,
                               (int64_t)(value << shift) >> shift);
        break;
    case 't':
        print_binary(out, value, bits);
        break;
    case 'c':
        print_char(out, value);
        break;
    default:
        g_string_append_printf(out, "0x%0*" PRIx64, (int)size * 2, value);
        break;
    }
}

/* --- dumps --- */

/* Sixteen bytes a line, eight characters; the address before each. */
static void dump_items(Dump *d)
{
    GString *out = d->call->out;
    unsigned per_line =
        d->format == 'c' ? DUMP_LINE_CHARS : DUMP_LINE_BYTES / d->size;

    for (int64_t i = 0; i < d->count; i++) {
        uint64_t value = 0; /* little endian, on both sides */

        if (i % per_line == 0) {
            g_string_append_printf(out, "%s%016" PRIx64 ":", i ? "\n" : "",
                                   d->addr);
        }
        if (!dump_read(d, d->addr, &value, d->size)) {
            g_string_append(out, " Cannot access memory");
            break;
        }
        g_string_append_c(out, ' ');
        print_value(out, d->format, value, d->size);
        d->addr += d->size;
    }
    g_string_append_c(out, '\n');
}

/* C strings, a line each. */
static void dump_strings(Dump *d)
{
    GString *out = d->call->out;

    for (int64_t i = 0; i < d->count; i++) {
        unsigned len = 0;
        uint8_t c;

        g_string_append_printf(out, "%016" PRIx64 ": \"", d->addr);
        while (len++ < STRING_MAX_BYTES && dump_read(d, d->addr, &c, 1) && c) {
            g_string_append_printf(out, g_ascii_isprint(c) ? "%c" : "\\x%02x",
                                   c);
            d->addr++;
        }
        d->addr++;
        g_string_append(out, "\"\n");
    }
}

/* As many bytes of one instruction as can be read. */
static size_t read_insn(const Dump *d, uint64_t addr, uint8_t *buf)
{
    size_t len = 0;

    if (dump_read(d, addr, buf, INSN_MAX_BYTES)) {
        return INSN_MAX_BYTES;
    }
    while (len < INSN_MAX_BYTES && dump_read(d, addr + len, buf + len, 1)) {
        len++;
    }
    return len;
}

/* One line; a byte that starts no instruction is skipped by itself. */
static void print_insn(Dump *d, csh handle, cs_insn *insn, const uint8_t *buf,
                       size_t len)
{
    GString *out = d->call->out;
    const uint8_t *code = buf;
    uint64_t addr = d->addr;
    bool known = cs_disasm_iter(handle, &code, &len, &addr, insn);
    size_t used = known ? insn->size : 1;

    g_string_append_printf(out, "0x%08" PRIx64 ":  ", d->addr);
    for (size_t i = 0; i < used; i++) {
        g_string_append_printf(out, "%02x ", buf[i]);
    }
    g_string_append_printf(
        out, "%*s %s%s%s\n", used < 8 ? (int)(8 - used) * 3 : 0, "",
        known ? insn->mnemonic : "(bad)", known && *insn->op_str ? " " : "",
        known ? insn->op_str : "");
    d->addr += used;
}

/* The mode that the monitor's vCPU is in now. */
static cs_mode insn_mode(MonCall *call)
{
    CPUState *cpu = monitor_cpu(call);
    uint32_t hflags = cpu ? x86_cpu(cpu)->hflags : 0;

    return hflags & HF_CS64   ? CS_MODE_64
           : hflags & HF_CS32 ? CS_MODE_32
                              : CS_MODE_16;
}

static void dump_insns(Dump *d)
{
    uint8_t buf[INSN_MAX_BYTES];
    cs_insn *insn;
    csh handle;

    if (cs_open(CS_ARCH_X86, insn_mode(d->call), &handle) != CS_ERR_OK) {
        g_string_append(d->call->out, "the disassembler is not available\n");
        return;
    }
    cs_option(handle, CS_OPT_SYNTAX, CS_OPT_SYNTAX_ATT);
    insn = cs_malloc(handle);
    for (int64_t i = 0; i < d->count; i++) {
        size_t len = read_insn(d, d->addr, buf);

        if (len == 0) {
            g_string_append(d->call->out, "Cannot access memory\n");
            break;
        }
        print_insn(d, handle, insn, buf, len);
    }
    cs_free(insn, 1);
    cs_close(&handle);
}

static void dump(Dump *d, json_object *args)
{
    d->format = *arg_str(args, "format", "x");
    d->size = arg_int(args, "size", d->format == 'c' ? 1 : 4);
    d->count = MIN(arg_int(args, "count", 1), DUMP_MAX_ITEMS);
    d->addr = arg_int(args, "addr", 0);
    if (d->format == 'i') {
        dump_insns(d);
    } else if (d->format == 's') {
        dump_strings(d);
    } else if (d->count > 0) {
        dump_items(d);
    }
}

json_object *cmd_x(MonCall *call, json_object *args, GError **errp)
{
    Dump d = {.call = call, .cpu = monitor_cpu(call)};

    if (!d.cpu) {
        error_setg(errp, "no CPU: use xp");
        return NULL;
    }
    dump(&d, args);
    return NULL;
}

json_object *cmd_xp(MonCall *call, json_object *args, GError **errp)
{
    Dump d = {.call = call};

    dump(&d, args);
    return NULL;
}

/* print/FORMAT: whole values, as C would write them. */
json_object *cmd_print(MonCall *call, json_object *args, GError **errp)
{
    int64_t value = arg_int(args, "val", 0);

    switch (*arg_str(args, "format", "d")) {
    case 'o':
        g_string_append_printf(call->out, "%#" PRIo64, value);
        break;
    case 'x':
        g_string_append_printf(call->out, "%#" PRIx64, value);
        break;
    case 'u':
        g_string_append_printf(call->out, "%" PRIu64, (uint64_t)value);
        break;
    case 't':
        print_binary(call->out, value, 64);
        break;
    case 'c':
        print_char(call->out, value);
        break;
    default:
        g_string_append_printf(call->out, "%" PRId64, value);
        break;
    }
    g_string_append_c(call->out, '\n');
    return NULL;
}
