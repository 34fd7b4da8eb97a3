/* SPDX-License-Identifier: MIT */
/*
 * GDB's packets but for queries.  A packet that is not known gets an empty
 * reply, and GDB does without.
 * Source: "Debugging with GDB", E.2 "Packets".
 */
#include <string.h>

#include "exec/debug.h"
#include "exec/gdb.h"
#include "exec/ldst.h"
#include "exec/memory.h"
#include "gdbstub/server.h"
#include "system/runstate.h"
#include "util/error.h"

/* --- registers --- */

static void put_reg(GString *out, CPUState *cpu, unsigned number, unsigned *len)
{
    uint8_t buf[GDB_REG_MAX_BYTES];

    *len = cpu->ops->gdb->read(cpu, number, buf);
    gdb_put_hex(out, buf, *len);
}

static void read_all(GdbServer *s, const char *args, size_t len)
{
    g_autoptr(GString) out = g_string_new(NULL);
    unsigned bytes, i = 0;

    do {
        put_reg(out, s->cpu, i++, &bytes);
    } while (bytes);
    gdb_send(s, out->str, out->len);
}

/* The next register's value from the text; false if it is not all there. */
static bool write_reg(CPUState *cpu, unsigned number, const char **pos)
{
    uint8_t buf[GDB_REG_MAX_BYTES];
    unsigned bytes = cpu->ops->gdb->read(cpu, number, buf);

    return bytes && gdb_get_bytes(pos, buf, bytes) &&
           cpu->ops->gdb->write(cpu, number, buf);
}

static void write_all(GdbServer *s, const char *args, size_t len)
{
    bool ok = true;

    for (unsigned i = 0; *args && ok; i++) {
        ok = write_reg(s->cpu, i, &args);
    }
    gdb_send_text(s, ok ? GDB_OK : GDB_E_INVALID);
}

static void read_one(GdbServer *s, const char *args, size_t len)
{
    g_autoptr(GString) out = g_string_new(NULL);
    uint64_t number;
    unsigned bytes = 0;

    if (gdb_get_hex(&args, &number) && number < UINT_MAX) {
        put_reg(out, s->cpu, number, &bytes);
    }
    if (bytes) {
        gdb_send(s, out->str, out->len);
    } else {
        gdb_send_text(s, GDB_E_INVALID);
    }
}

static void write_one(GdbServer *s, const char *args, size_t len)
{
    uint64_t number;
    bool ok = gdb_get_hex(&args, &number) && number < UINT_MAX &&
              gdb_skip(&args, "=") && write_reg(s->cpu, number, &args);

    gdb_send_text(s, ok ? GDB_OK : GDB_E_INVALID);
}

/* --- memory --- */

static bool access_memory(GdbServer *s, uint64_t addr, void *buf, uint64_t len,
                          bool write)
{
    AddressSpace *as = &address_space_memory;

    if (!s->physical) {
        return cpu_memory_rw_debug(s->cpu, addr, buf, len, write);
    }
    return (write ? address_space_write_rom(as, addr, buf, len)
                  : address_space_read(as, addr, buf, len)) == MEMTX_OK;
}

/* "ADDR,LEN"; a reply of LEN bytes fits into a packet. */
static bool get_range(const char **pos, uint64_t *addr, uint64_t *bytes)
{
    return gdb_get_hex(pos, addr) && gdb_skip(pos, ",") &&
           gdb_get_hex(pos, bytes) && *bytes <= GDB_PACKET_MAX / 2;
}

static void read_memory(GdbServer *s, const char *args, size_t len)
{
    g_autoptr(GString) out = g_string_new(NULL);
    uint8_t buf[GDB_PACKET_MAX / 2];
    uint64_t addr, bytes;

    if (!get_range(&args, &addr, &bytes)) {
        gdb_send_text(s, GDB_E_INVALID);
    } else if (!access_memory(s, addr, buf, bytes, false)) {
        gdb_send_text(s, GDB_E_FAULT);
    } else {
        gdb_put_hex(out, buf, bytes);
        gdb_send(s, out->str, out->len);
    }
}

static void write_bytes(GdbServer *s, uint64_t addr, void *buf, uint64_t bytes)
{
    bool ok = access_memory(s, addr, buf, bytes, true);

    gdb_send_text(s, ok ? GDB_OK : GDB_E_FAULT);
}

static void write_memory(GdbServer *s, const char *args, size_t len)
{
    uint8_t buf[GDB_PACKET_MAX / 2];
    uint64_t addr, bytes;

    if (!get_range(&args, &addr, &bytes) || !gdb_skip(&args, ":") ||
        !gdb_get_bytes(&args, buf, bytes)) {
        gdb_send_text(s, GDB_E_INVALID);
    } else {
        write_bytes(s, addr, buf, bytes);
    }
}

/* As it stands, without digits. */
static void write_binary(GdbServer *s, const char *args, size_t len)
{
    const char *end = args + len;
    uint64_t addr, bytes;

    if (!gdb_get_hex(&args, &addr) || !gdb_skip(&args, ",") ||
        !gdb_get_hex(&args, &bytes) || !gdb_skip(&args, ":") ||
        bytes != (uint64_t)(end - args)) {
        gdb_send_text(s, GDB_E_INVALID);
    } else {
        write_bytes(s, addr, (void *)args, bytes);
    }
}

/* --- points --- */

/* "TYPE,ADDR,KIND"; for a watchpoint KIND is its length. */
static bool get_point(const char *args, uint64_t *kind, uint64_t *addr,
                      uint64_t *bytes)
{
    return gdb_get_hex(&args, kind) && gdb_skip(&args, ",") &&
           gdb_get_hex(&args, addr) && gdb_skip(&args, ",") &&
           gdb_get_hex(&args, bytes);
}

static void insert_point(GdbServer *s, const char *args, size_t len)
{
    uint64_t kind, addr, bytes;

    if (!get_point(args, &kind, &addr, &bytes)) {
        gdb_send_text(s, GDB_E_INVALID);
    } else if (kind >= DEBUG_POINT_KINDS) {
        gdb_send_text(s, "");
    } else {
        debug_point_insert(kind, addr, bytes);
        gdb_send_text(s, GDB_OK);
    }
}

static void remove_point(GdbServer *s, const char *args, size_t len)
{
    uint64_t kind, addr, bytes;

    if (!get_point(args, &kind, &addr, &bytes)) {
        gdb_send_text(s, GDB_E_INVALID);
    } else if (kind >= DEBUG_POINT_KINDS) {
        gdb_send_text(s, "");
    } else if (!debug_point_remove(kind, addr, bytes)) {
        gdb_send_text(s, GDB_E_INVALID);
    } else {
        gdb_send_text(s, GDB_OK);
    }
}

/* --- threads --- */

/* "Hg THREAD", "Hc THREAD"; all are as good as any. */
static void set_thread(GdbServer *s, const char *args, size_t len)
{
    char what = *args;
    CPUState *cpu;

    if ((what != 'g' && what != 'c') ||
        (args++, !gdb_get_thread(&args, &cpu))) {
        gdb_send_text(s, GDB_E_INVALID);
        return;
    }
    if (cpu && what == 'g') {
        s->cpu = cpu;
    } else if (cpu) {
        s->cont_cpu = cpu;
    }
    gdb_send_text(s, GDB_OK);
}

static void thread_alive(GdbServer *s, const char *args, size_t len)
{
    CPUState *cpu;
    bool alive = gdb_get_thread(&args, &cpu) && cpu;

    gdb_send_text(s, alive ? GDB_OK : GDB_E_INVALID);
}

/* --- the session --- */

static void stop_reason(GdbServer *s, const char *args, size_t len)
{
    g_autofree char *text =
        g_strdup_printf("T05thread:%02x;", gdb_thread_id(s->cpu));

    gdb_send_text(s, text);
}

static void detach(GdbServer *s, const char *args, size_t len)
{
    RunState state = runstate_get();

    gdb_release();
    gdb_send_text(s, GDB_OK);
    if (state != RUN_STATE_SHUTDOWN && state != RUN_STATE_INTERNAL_ERROR) {
        vm_start();
    }
}

static void kill_machine(GdbServer *s, const char *args, size_t len)
{
    error_report("terminated by GDB");
    system_shutdown_request(SHUTDOWN_HOST_UI);
}

static void vcont_actions(GdbServer *s, const char *args, size_t len)
{
    gdb_send_text(s, "vCont;c;C;s;S");
}

/* --- the table --- */

typedef struct Command {
    const char *prefix; /* the first that fits is taken */
    void (*fn)(GdbServer *s, const char *args, size_t len);
} Command;

static const Command commands[] = {
    { "?", stop_reason },     { "c", gdb_cont },
    { "C", gdb_signal_cont }, { "D", detach },
    { "g", read_all },        { "G", write_all },
    { "H", set_thread },      { "k", kill_machine },
    { "m", read_memory },     { "M", write_memory },
    { "p", read_one },        { "P", write_one },
    { "q", gdb_query },       { "Q", gdb_set },
    { "s", gdb_step },        { "S", gdb_signal_step },
    { "T", thread_alive },    { "vCont?", vcont_actions },
    { "vCont", gdb_vcont },   { "X", write_binary },
    { "z", remove_point },    { "Z", insert_point },
};

void gdb_command(GdbServer *s, const char *packet, size_t len)
{
    for (unsigned i = 0; i < ARRAY_LEN(commands); i++) {
        size_t n = strlen(commands[i].prefix);

        if (!strncmp(packet, commands[i].prefix, n)) {
            commands[i].fn(s, packet + n, len - n);
            return;
        }
    }
    gdb_send_text(s, "");
}
