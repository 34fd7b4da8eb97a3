/* SPDX-License-Identifier: MIT */
/* HMP sessions: a prompt, a line editor, and text for people. */
#include <string.h>

#include "monitor/line_edit.h"
#include "monitor/session.h"

#define HMP_PROMPT     "(qemu) " /* clients wait for it */
#define HMP_READ_BYTES 256

typedef struct HmpSession {
    Monitor mon;
    LineEdit *editor;
    int cpu_index;
} HmpSession;

static HmpSession *hmp_of(Monitor *mon)
{
    return container_of(mon, HmpSession, mon);
}

/* Newlines become CR LF: the terminal is raw. */
static void hmp_put(HmpSession *s, const char *text)
{
    const char *nl;

    while ((nl = strchr(text, '\n'))) {
        char_write_all(s->mon.fe, text, nl - text);
        char_write_all(s->mon.fe, "\r\n", 2);
        text = nl + 1;
    }
    char_write_all(s->mon.fe, text, strlen(text));
}

static void hmp_write(void *opaque, const char *text, size_t len)
{
    HmpSession *s = opaque;

    char_write_all(s->mon.fe, text, len);
}

/* The prompt comes back when the command has printed all that it has. */
static void hmp_line(void *opaque, const char *line)
{
    HmpSession *s = opaque;
    MonCall call = {
        .out = g_string_new(NULL),
        .cpu_index = &s->cpu_index,
        .history = line_edit_history(s->editor),
        .mon = &s->mon,
    };

    hmp_run(&call, line);
    hmp_put(s, call.out->str);
    g_string_free(call.out, TRUE);
    line_edit_prompt(s->editor);
}

static char **hmp_complete(void *opaque, const char *before, const char *prefix)
{
    return hmp_completions(before, prefix);
}

static const LineEditOps hmp_line_ops = {
    .write = hmp_write,
    .line = hmp_line,
    .complete = hmp_complete,
};

static void hmp_opened(Monitor *mon)
{
    HmpSession *s = hmp_of(mon);

    hmp_put(s, "Heddle " HEDDLE_VERSION
               " monitor - type 'help' for more information\n");
    line_edit_reset(s->editor);
    line_edit_prompt(s->editor);
}

static void hmp_closed(Monitor *mon)
{
    line_edit_reset(hmp_of(mon)->editor);
}

/* The user sees where he is: what he had typed is still there. */
static void hmp_focus(Monitor *mon)
{
    hmp_put(hmp_of(mon), "\n");
    line_edit_prompt(hmp_of(mon)->editor);
}

/* Commands are run as they are read, so there is always room. */
static size_t hmp_room(Monitor *mon)
{
    return HMP_READ_BYTES;
}

static void hmp_receive(Monitor *mon, const uint8_t *buf, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        line_edit_input(hmp_of(mon)->editor, buf[i]);
    }
}

static void hmp_free(Monitor *mon)
{
    line_edit_free(hmp_of(mon)->editor);
    g_free(hmp_of(mon));
}

static const MonitorOps hmp_ops = {
    .opened = hmp_opened,
    .closed = hmp_closed,
    .focus = hmp_focus,
    .room = hmp_room,
    .receive = hmp_receive,
    .free = hmp_free,
};

bool monitor_add_hmp(struct Chardev *chr, GError **errp)
{
    HmpSession *s = g_new0(HmpSession, 1);

    s->editor = line_edit_new(HMP_PROMPT, &hmp_line_ops, s);
    return monitor_register(&s->mon, &hmp_ops, chr, errp);
}
