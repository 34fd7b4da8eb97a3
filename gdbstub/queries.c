/* SPDX-License-Identifier: MIT */
/*
 * GDB's queries and settings.
 * Source: "Debugging with GDB", E.4 "General Query Packets"; those of "qqemu."
 * are QEMU's own, of which its manual tells.
 */
#include <string.h>

#include "exec/debug.h"
#include "exec/gdb.h"
#include "gdbstub/server.h"
#include "monitor/monitor.h"

/* --- what we can do --- */

/* "qSupported:FEATURE;FEATURE..." */
static void supported(GdbServer *s, const char *args, size_t len)
{
    g_auto(GStrv) features = g_strsplit_set(args, ":;", -1);
    g_autofree char *text =
        g_strdup_printf("PacketSize=%x;qXfer:features:read+;vContSupported+;"
                        "QStartNoAckMode+;swbreak+;hwbreak+",
                        GDB_PACKET_MAX);

    s->swbreak = g_strv_contains((const char *const *)features, "swbreak+");
    s->hwbreak = g_strv_contains((const char *const *)features, "hwbreak+");
    gdb_send_text(s, text);
}

/* "qXfer:features:read:target.xml:OFFSET,LENGTH" */
static void target_xml(GdbServer *s, const char *args, size_t len)
{
    g_autofree char *xml = s->cpu->ops->gdb->target_xml(s->cpu);
    g_autoptr(GString) out = g_string_new(NULL);
    uint64_t offset, bytes, total = strlen(xml);

    if (!gdb_skip(&args, "target.xml:") || !gdb_get_hex(&args, &offset) ||
        !gdb_skip(&args, ",") || !gdb_get_hex(&args, &bytes) ||
        offset > total) {
        gdb_send_text(s, "E00");
        return;
    }
    bytes = MIN(bytes, (GDB_PACKET_MAX - 1) / 2); /* if all are escaped */
    g_string_append_c(out, bytes < total - offset ? 'm' : 'l');
    gdb_put_binary(out, xml + offset, MIN(bytes, total - offset));
    gdb_send(s, out->str, out->len);
}

/* --- threads --- */

static void current_thread(GdbServer *s, const char *args, size_t len)
{
    g_autofree char *text = g_strdup_printf("QC%02x", gdb_thread_id(s->cpu));

    gdb_send_text(s, *args ? "" : text); /* "qCRC:" is another */
}

/* As many as surely fit into a packet; "l" when there are no more. */
static void more_threads(GdbServer *s, const char *args, size_t len)
{
    g_autoptr(GString) out = g_string_new(NULL);
    CPUState *cpu;

    while (out->len < GDB_PACKET_MAX / 2 && (cpu = cpu_get(s->next_thread))) {
        g_string_append_printf(out, "%c%02x", out->len ? ',' : 'm',
                               gdb_thread_id(cpu));
        s->next_thread++;
    }
    gdb_send_text(s, out->len ? out->str : "l");
}

static void first_threads(GdbServer *s, const char *args, size_t len)
{
    s->next_thread = 0;
    more_threads(s, args, len);
}

static void thread_info(GdbServer *s, const char *args, size_t len)
{
    g_autoptr(GString) out = g_string_new(NULL);
    g_autofree char *text = NULL;
    CPUState *cpu;

    if (!gdb_get_thread(&args, &cpu) || !cpu) {
        gdb_send_text(s, GDB_E_INVALID);
        return;
    }
    text = g_strdup_printf("CPU#%u [%s]", cpu->index,
                           cpu->halted ? "halted" : "running");
    gdb_put_hex(out, text, strlen(text));
    gdb_send_text(s, out->str);
}

/* Somebody else's process, as it were: GDB detaches when it ends. */
static void attached(GdbServer *s, const char *args, size_t len)
{
    gdb_send_text(s, "1");
}

/* --- the monitor --- */

/* Console output in pieces that fit into packets. */
static void send_output(GdbServer *s, const char *text)
{
    size_t left = strlen(text);

    while (left) {
        size_t n = MIN(left, (GDB_PACKET_MAX - 1) / 2);
        g_autoptr(GString) out = g_string_new("O");

        gdb_put_hex(out, text, n);
        gdb_send(s, out->str, out->len);
        text += n;
        left -= n;
    }
}

static void drop_cr(char *text)
{
    char *to = text;

    for (; *text; text++) {
        if (*text != '\r') {
            *to++ = *text;
        }
    }
    *to = '\0';
}

/* "qRcmd,HEX": a line for the monitor, whose vCPU is GDB's thread. */
static void run_monitor(GdbServer *s, const char *args, size_t len)
{
    size_t n = len / 2;
    g_autofree char *line = g_malloc0(n + 1);
    g_autofree char *text = NULL;

    if (len % 2 || !gdb_get_bytes(&args, line, n)) {
        gdb_send_text(s, GDB_E_INVALID);
        return;
    }
    text = monitor_run_hmp(line, s->cpu->index);
    drop_cr(text);
    send_output(s, text);
    gdb_send_text(s, GDB_OK);
}

/* --- settings --- */

static void start_no_ack(GdbServer *s, const char *args, size_t len)
{
    gdb_send_text(s, GDB_OK);
    s->no_ack = true; /* this reply is still acknowledged */
}

static void step_bits(GdbServer *s, const char *args, size_t len)
{
    g_autofree char *text =
        g_strdup_printf("ENABLE=%x,NOIRQ=%x,NOTIMER=%x", DEBUG_STEP_ON,
                        DEBUG_STEP_NOIRQ, DEBUG_STEP_NOTIMER);

    gdb_send_text(s, text);
}

static void get_step(GdbServer *s, const char *args, size_t len)
{
    g_autofree char *text = g_strdup_printf("0x%x", s->step_bits);

    gdb_send_text(s, text);
}

static void set_step(GdbServer *s, const char *args, size_t len)
{
    uint64_t bits, all = DEBUG_STEP_ON | DEBUG_STEP_NOIRQ | DEBUG_STEP_NOTIMER;

    gdb_skip(&args, "0x");
    if (!gdb_get_hex(&args, &bits) || (bits & ~all)) {
        gdb_send_text(s, GDB_E_INVALID);
        return;
    }
    s->step_bits = bits;
    gdb_send_text(s, GDB_OK);
}

static void get_physical(GdbServer *s, const char *args, size_t len)
{
    gdb_send_text(s, s->physical ? "1" : "0");
}

static void set_physical(GdbServer *s, const char *args, size_t len)
{
    uint64_t on;

    if (!gdb_get_hex(&args, &on)) {
        gdb_send_text(s, GDB_E_INVALID);
        return;
    }
    s->physical = on;
    gdb_send_text(s, GDB_OK);
}

/* --- the tables --- */

typedef struct Query {
    const char *name;
    void (*fn)(GdbServer *s, const char *args, size_t len);
} Query;

static const Query queries[] = {
    { "Supported", supported },
    { "Xfer:features:read:", target_xml },
    { "fThreadInfo", first_threads },
    { "sThreadInfo", more_threads },
    { "ThreadExtraInfo,", thread_info },
    { "Attached", attached },
    { "Rcmd,", run_monitor },
    { "C", current_thread },
    { "qemu.sstepbits", step_bits },
    { "qemu.sstep", get_step },
    { "qemu.PhyMemMode", get_physical },
};

static const Query settings[] = {
    { "StartNoAckMode", start_no_ack },
    { "qemu.sstep=", set_step },
    { "qemu.sstep:", set_step },
    { "qemu.PhyMemMode:", set_physical },
};

static void dispatch(GdbServer *s, const Query *table, size_t n,
                     const char *args, size_t len)
{
    for (size_t i = 0; i < n; i++) {
        size_t name = strlen(table[i].name);

        if (!strncmp(args, table[i].name, name)) {
            table[i].fn(s, args + name, len - name);
            return;
        }
    }
    gdb_send_text(s, "");
}

void gdb_query(GdbServer *s, const char *args, size_t len)
{
    dispatch(s, queries, ARRAY_LEN(queries), args, len);
}

void gdb_set(GdbServer *s, const char *args, size_t len)
{
    dispatch(s, settings, ARRAY_LEN(settings), args, len);
}
