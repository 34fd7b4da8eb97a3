/* SPDX-License-Identifier: MIT */
/*
 * A mux: several front-ends, a serial port and a monitor say, share one
 * back-end.  All of them write; the one with the focus reads.  Ctrl-A is the
 * escape.  Each front-end keeps its own buffer of input that it had no room
 * for, so that the escapes work while a guest does not read; once that is full
 * the input waits in the host.
 *
 * Not offered: Ctrl-A s, which commits snapshots of disks.
 */
#include "chardev/backend.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "system/runstate.h"
#include "util/timer.h"

#define MUX_ESCAPE    0x01 /* Ctrl-A */
#define MUX_FRONTENDS 4
#define MUX_INPUT_MAX 256

typedef struct MuxChardev {
    Chardev chr;
    CharFrontend *base;
    bool escape;     /* the byte before was Ctrl-A */
    bool timestamps; /* Ctrl-A t: put the time before each line */
    bool line_start;
    int64_t timestamp_base_ns;
    uint8_t input[MUX_INPUT_MAX]; /* for chr.focus */
    size_t input_len;
} MuxChardev;

static const char mux_help[] = "\r\n"
                               "C-a h    print this help\r\n"
                               "C-a x    exit emulator\r\n"
                               "C-a t    toggle console timestamps\r\n"
                               "C-a b    send break (magic sysrq)\r\n"
                               "C-a c    switch between console and monitor\r\n"
                               "C-a C-a  sends C-a\r\n";

static MuxChardev *mux_of(Chardev *chr)
{
    return container_of(chr, MuxChardev, chr);
}

/* --- output --- */

static void mux_write_timestamp(MuxChardev *m)
{
    int64_t ns = clock_get_ns(CLOCK_TYPE_REALTIME);
    char text[32];
    int64_t ms;
    int len;

    if (m->timestamp_base_ns < 0) {
        m->timestamp_base_ns = ns;
    }
    ms = (ns - m->timestamp_base_ns) / NS_PER_MS;
    len = snprintf(text, sizeof(text), "[%02d:%02d:%02d.%03d] ",
                   (int)(ms / 3600000), (int)(ms / 60000 % 60),
                   (int)(ms / 1000 % 60), (int)(ms % 1000));
    char_write_all(m->base, text, len);
}

/* Line by line; a stamp is written only when its line's first byte follows. */
static size_t mux_write_stamped(MuxChardev *m, const uint8_t *buf, size_t len)
{
    size_t done = 0;

    while (done < len) {
        const uint8_t *nl = memchr(buf + done, '\n', len - done);
        size_t part = nl ? (size_t)(nl - buf) + 1 - done : len - done;
        size_t n;

        if (m->line_start) {
            mux_write_timestamp(m);
            m->line_start = false;
        }
        n = char_write(m->base, buf + done, part);
        done += n;
        if (n < part) {
            break;
        }
        m->line_start = nl != NULL;
    }
    return done;
}

static size_t mux_write(Chardev *chr, const uint8_t *buf, size_t len)
{
    MuxChardev *m = mux_of(chr);

    return m->timestamps ? mux_write_stamped(m, buf, len)
                         : char_write(m->base, buf, len);
}

/* --- input --- */

/* Give the focused front-end what it has room for. */
static void mux_drain_input(MuxChardev *m)
{
    while (m->input_len > 0) {
        size_t n = MIN(chr_room(&m->chr), m->input_len);
        uint8_t part[MUX_INPUT_MAX];

        if (n == 0) {
            return;
        }
        /* receive() may come back here by way of char_accept_input(). */
        memcpy(part, m->input, n);
        m->input_len -= n;
        memmove(m->input, m->input + n, m->input_len);
        chr_receive(&m->chr, part, n);
    }
}

static void mux_switch_focus(MuxChardev *m)
{
    GList *l = g_queue_find(&m->chr.frontends, m->chr.focus);
    CharFrontend *to =
        l && l->next ? l->next->data : g_queue_peek_head(&m->chr.frontends);
    CharFrontend *from = m->chr.focus;

    if (!to || to == from) {
        return;
    }
    /* Input that the old one has not read was typed at it: it is not for the
     * new one. */
    m->input_len = 0;
    m->chr.focus = to;
    if (from && from->handlers->event) {
        from->handlers->event(from->opaque, CHAR_EVENT_MUX_OUT);
    }
    if (to->handlers->event) {
        to->handlers->event(to->opaque, CHAR_EVENT_MUX_IN);
    }
}

static void mux_quit(MuxChardev *m)
{
    static const char text[] = "heddle: Terminated\r\n";

    char_write_all(m->base, text, strlen(text));
    system_shutdown_request(SHUTDOWN_HOST_UI);
}

/* The byte after Ctrl-A.  Returns true when it is for the front-end. */
static bool mux_escape(MuxChardev *m, uint8_t byte)
{
    switch (byte) {
    case MUX_ESCAPE:
        return true;
    case 'h':
    case '?':
        char_write_all(m->base, mux_help, strlen(mux_help));
        break;
    case 'x':
        mux_quit(m);
        break;
    case 'b':
        chr_event(&m->chr, CHAR_EVENT_BREAK);
        break;
    case 'c':
        mux_switch_focus(m);
        break;
    case 't':
        m->timestamps = !m->timestamps;
        m->timestamp_base_ns = -1;
        m->line_start = false;
        break;
    default:
        break;
    }
    return false;
}

/* Room in the buffer: each byte read makes at most one byte of input. */
static size_t mux_base_room(void *opaque)
{
    MuxChardev *m = opaque;

    mux_drain_input(m);
    return MUX_INPUT_MAX - m->input_len;
}

static void mux_base_receive(void *opaque, const uint8_t *buf, size_t len)
{
    MuxChardev *m = opaque;

    for (size_t i = 0; i < len; i++) {
        bool forward = true;

        if (m->escape) {
            m->escape = false;
            /* What came before the escape goes where it was typed. */
            mux_drain_input(m);
            forward = mux_escape(m, buf[i]);
        } else if (buf[i] == MUX_ESCAPE) {
            m->escape = true;
            forward = false;
        }
        if (forward && m->input_len < MUX_INPUT_MAX) {
            m->input[m->input_len++] = buf[i];
        }
    }
    mux_drain_input(m);
}

static void mux_base_event(void *opaque, CharEvent event)
{
    MuxChardev *m = opaque;

    chr_event(&m->chr, event);
}

static void mux_base_writable(void *opaque)
{
    MuxChardev *m = opaque;

    chr_can_write(&m->chr);
}

static const CharHandlers mux_base_handlers = {
    .can_receive = mux_base_room,
    .receive = mux_base_receive,
    .event = mux_base_event,
    .writable = mux_base_writable,
};

static void mux_accept_input(Chardev *chr)
{
    MuxChardev *m = mux_of(chr);

    mux_drain_input(m);
    char_accept_input(m->base);
}

static void mux_send_break(Chardev *chr, bool on)
{
    char_send_break(mux_of(chr)->base, on);
}

static bool mux_open(Chardev *chr, KeyVal *opts, GError **errp)
{
    mux_of(chr)->timestamp_base_ns = -1;
    return true;
}

static void mux_close(Chardev *chr)
{
    char_detach(mux_of(chr)->base);
}

const ChardevOps char_mux_ops = {
    .name = "mux",
    .size = sizeof(MuxChardev),
    .max_frontends = MUX_FRONTENDS,
    .open = mux_open,
    .close = mux_close,
    .write = mux_write,
    .accept_input = mux_accept_input,
    .send_break = mux_send_break,
};

Chardev *char_mux_new(Chardev *base, const char *id, GError **errp)
{
    Chardev *chr = chr_new(&char_mux_ops, id, NULL, errp);
    MuxChardev *m;

    if (!chr) {
        return NULL;
    }
    m = mux_of(chr);
    m->base = char_attach(base, "a mux", &mux_base_handlers, m, errp);
    if (!m->base) {
        chardev_remove(id, NULL);
        return NULL;
    }
    chr->peer = base->peer;
    g_free(chr->filename);
    chr->filename = g_strdup("mux");
    return chr;
}
