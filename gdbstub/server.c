/* SPDX-License-Identifier: MIT */
/*
 * The GDB server's connection: bytes in and out, and who debugs.
 *
 * GDB's view is that of its all-stop mode: either it waits for the machine to
 * stop, or the machine stands and GDB asks.  The monitor may resume it in
 * between; then the next packet stops it first.
 */
#include "gdbstub/server.h"

#include <string.h>

#include "exec/debug.h"
#include "gdbstub/gdbstub.h"
#include "system/runstate.h"
#include "util/error.h"

#define GDB_CHARDEV "gdb"

static GdbServer server;

/* --- out --- */

static void flush(GdbServer *s)
{
    size_t n = char_write(s->fe, (const uint8_t *)s->out->str, s->out->len);

    g_string_erase(s->out, 0, n);
}

static void put(GdbServer *s, const char *text, size_t len)
{
    if (s->connected) {
        g_string_append_len(s->out, text, len);
        flush(s);
    }
}

static void gdb_char_writable(void *opaque)
{
    GdbServer *s = opaque;

    flush(s);
    if (!s->out->len) {
        char_accept_input(s->fe);
    }
}

void gdb_send(GdbServer *s, const char *data, size_t len)
{
    g_string_truncate(s->sent, 0);
    gdb_frame(s->sent, data, len);
    put(s, s->sent->str, s->sent->len);
}

void gdb_send_text(GdbServer *s, const char *text)
{
    gdb_send(s, text, strlen(text));
}

/* --- in --- */

static void take_packet(GdbServer *s)
{
    if (!s->no_ack) {
        put(s, "+", 1);
    }
    vm_stop(RUN_STATE_PAUSED); /* whatever it says is of one that stands */
    s->busy = true;
    gdb_command(s, s->in.data, s->in.len);
    s->busy = false;
}

static void take_byte(GdbServer *s, uint8_t byte)
{
    switch (gdb_parser_feed(&s->in, byte)) {
    case GDB_INPUT_PACKET:
        take_packet(s);
        break;
    case GDB_INPUT_BAD:
        put(s, "-", s->no_ack ? 0 : 1);
        break;
    case GDB_INPUT_TOO_LONG:
        put(s, "+", s->no_ack ? 0 : 1);
        gdb_send_text(s, GDB_E_INVALID);
        break;
    case GDB_INPUT_NAK:
        put(s, s->sent->str, s->no_ack ? 0 : s->sent->len);
        break;
    case GDB_INPUT_INTERRUPT:
        vm_stop(RUN_STATE_PAUSED);
        break;
    default:
        break;
    }
}

/* A client that does not listen is not listened to. */
static size_t gdb_char_room(void *opaque)
{
    GdbServer *s = opaque;

    return s->out->len ? 0 : GDB_PACKET_MAX;
}

static void gdb_char_receive(void *opaque, const uint8_t *buf, size_t len)
{
    GdbServer *s = opaque;

    for (size_t i = 0; i < len && s->connected; i++) {
        take_byte(s, buf[i]);
    }
}

/* --- who debugs --- */

/* A new debugger knows nothing of what the one before has left. */
static void gdb_opened(GdbServer *s)
{
    gdb_parser_reset(&s->in);
    g_string_truncate(s->sent, 0);
    g_string_truncate(s->out, 0);
    s->no_ack = s->swbreak = s->hwbreak = false;
    s->waiting = s->physical = false;
    s->step_bits = DEBUG_STEP_ON | DEBUG_STEP_NOIRQ | DEBUG_STEP_NOTIMER;
    s->cpu = s->cont_cpu = cpu_get(0);
    s->connected = true;
    vm_stop(RUN_STATE_PAUSED);
}

static void gdb_closed(GdbServer *s)
{
    if (s->connected) {
        s->connected = s->waiting = false;
        gdb_release();
    }
}

static void gdb_char_event(void *opaque, CharEvent event)
{
    GdbServer *s = opaque;

    if (event == CHAR_EVENT_OPENED) {
        gdb_opened(s);
    } else if (event == CHAR_EVENT_CLOSED) {
        gdb_closed(s);
    }
}

static const CharHandlers gdb_handlers = {
    .can_receive = gdb_char_room,
    .receive = gdb_char_receive,
    .event = gdb_char_event,
    .writable = gdb_char_writable,
};

/* The debugger is left with the first one, and finds that out when it asks. */
static void gdb_cpu_gone(CPUState *cpu)
{
    GdbServer *s = &server;

    s->cpu = s->cpu == cpu ? cpu_get(0) : s->cpu;
    s->cont_cpu = s->cont_cpu == cpu ? cpu_get(0) : s->cont_cpu;
}

static void gdb_run_event(const char *name, ShutdownCause cause, void *opaque)
{
    if (!strcmp(name, "STOP")) {
        gdb_stopped(opaque);
    }
}

/* --- start and end --- */

static void stop_server(GdbServer *s)
{
    gdb_closed(s);
    char_detach(s->fe);
    s->fe = NULL;
    if (s->chr && s->own_chr) {
        chardev_remove(GDB_CHARDEV, NULL);
    }
    s->chr = NULL;
}

/* What is said of a port alone is to listen on it, and not to wait. */
static Chardev *make_chardev(const char *device, GError **errp)
{
    g_autofree char *listen = NULL;

    if (g_str_has_prefix(device, "tcp:") && !strchr(device, ',')) {
        listen = g_strdup_printf("%s,server=on,wait=off,nodelay=on", device);
        device = listen;
    }
    return chardev_parse_short(GDB_CHARDEV, device, errp);
}

static void server_init(GdbServer *s)
{
    static const RunStateListener listener = { .event = gdb_run_event,
                                               .opaque = &server };

    if (!s->sent) {
        s->sent = g_string_new(NULL);
        s->out = g_string_new(NULL);
        runstate_add_listener(&listener);
        cpus_set_unplug_handler(gdb_cpu_gone);
    }
}

bool gdbserver_start(const char *device, GError **errp)
{
    GdbServer *s = &server;
    GError *err = NULL;

    if (s->busy) {
        error_setg(errp, "the debugger cannot send itself away");
        return false;
    }
    server_init(s);
    stop_server(s);
    s->own_chr = !g_str_has_prefix(device, "chardev:");
    s->chr = make_chardev(device, &err);
    if (s->chr) {
        s->fe = char_attach(s->chr, "the GDB server", &gdb_handlers, s, &err);
    }
    if (err) {
        stop_server(s);
        g_propagate_error(errp, err);
        return false;
    }
    return true;
}

void gdbserver_cleanup(int status)
{
    GdbServer *s = &server;

    if (s->connected && s->waiting) {
        g_autofree char *text = g_strdup_printf("W%02x", status & 0xff);

        gdb_send_text(s, text);
    }
    s->connected = false;
    char_detach(s->fe);
    s->fe = NULL;
}
