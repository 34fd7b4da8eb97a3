/* SPDX-License-Identifier: MIT */
/*
 * The registry of character back-ends, and the front-ends attached to them.
 *
 * Bytes are never lost in either direction: a back-end reads only what the
 * focused front-end has room for, and a write that the host refuses is either
 * refused to the front-end (char_write) or kept in the queue
 * (char_write_all).  The queue goes first, so that bytes stay in order.
 */
#include "chardev/backend.h"

#include <string.h>
#include <sys/socket.h>

#include "util/error.h"

static const ChardevOps *const chardev_types[] = {
    &char_null_ops, &char_file_ops,   &char_stdio_ops,   &char_pipe_ops,
    &char_pty_ops,  &char_socket_ops, &char_ringbuf_ops,
};

static GQueue chardevs = G_QUEUE_INIT; /* Chardev, oldest first */
static bool running;                   /* set once; BQL */

void chardev_set_running(void)
{
    running = true;
}

bool chardev_is_running(void)
{
    return running;
}

/* --- input, events and room, from the back-end --- */

/* Without a front-end nothing is read: the bytes wait in the host. */
size_t chr_room(const Chardev *chr)
{
    CharFrontend *fe = chr->focus;

    return fe && fe->handlers->can_receive
               ? fe->handlers->can_receive(fe->opaque)
               : 0;
}

void chr_receive(Chardev *chr, const uint8_t *buf, size_t len)
{
    CharFrontend *fe = chr->focus;

    if (fe && len > 0) {
        fe->handlers->receive(fe->opaque, buf, len);
    }
}

/* OPENED and CLOSED alternate for each front-end, whatever the back-end says:
 * handlers need not count. */
static void frontend_event(CharFrontend *fe, CharEvent event)
{
    if (!fe->ready) {
        return; /* frontend_open_bh() will tell how things stand */
    }
    if (event == CHAR_EVENT_OPENED || event == CHAR_EVENT_CLOSED) {
        bool open = event == CHAR_EVENT_OPENED;

        if (fe->opened == open) {
            return;
        }
        fe->opened = open;
    }
    if (fe->handlers->event) {
        fe->handlers->event(fe->opaque, event);
    }
}

void chr_event(Chardev *chr, CharEvent event)
{
    GList *next;

    if (event == CHAR_EVENT_OPENED || event == CHAR_EVENT_CLOSED) {
        chr->peer = event == CHAR_EVENT_OPENED;
    }
    if (event == CHAR_EVENT_CLOSED) {
        g_byte_array_set_size(chr->queue, 0); /* its reader is gone */
    }
    if (event == CHAR_EVENT_BREAK) {
        if (chr->focus) {
            frontend_event(chr->focus, event);
        }
        return;
    }
    for (GList *l = chr->frontends.head; l; l = next) {
        next = l->next; /* a handler may detach itself */
        frontend_event(l->data, event);
    }
    if (event == CHAR_EVENT_CLOSED) {
        chr_can_write(chr); /* writes succeed from now on: they are dropped */
    }
}

/* Returns true when the queue is empty. */
static bool chr_flush(Chardev *chr)
{
    if (chr->queue->len > 0) {
        size_t n = chr->ops->write(chr, chr->queue->data, chr->queue->len);

        g_byte_array_remove_range(chr->queue, 0, n);
    }
    return chr->queue->len == 0;
}

/* Everyone who was refused is woken, first come first: with a mux the first may
 * take all the room, and then the others are refused once more. */
void chr_can_write(Chardev *chr)
{
    GList *next;

    if (!chr_flush(chr)) {
        return;
    }
    for (GList *l = chr->frontends.head; l; l = next) {
        CharFrontend *fe = l->data;

        next = l->next;
        if (fe->refused) {
            fe->refused = false;
            if (fe->handlers->writable) {
                fe->handlers->writable(fe->opaque);
            }
        }
    }
}

/* --- front-ends --- */

static unsigned chr_max_frontends(const Chardev *chr)
{
    return chr->ops->max_frontends ? chr->ops->max_frontends : 1;
}

/* The first events of a front-end come when its owner has returned to the main
 * loop, with the pointer from char_attach() in place. */
static void frontend_open_bh(void *opaque)
{
    CharFrontend *fe = opaque;
    Chardev *chr = fe->chr;
    bool focus = chr->focus == fe, mux = chr_max_frontends(chr) > 1;

    fe->ready = true;
    if (mux && !focus) {
        frontend_event(fe, CHAR_EVENT_MUX_OUT);
    }
    if (chr->peer) {
        frontend_event(fe, CHAR_EVENT_OPENED);
    }
    if (mux && focus) {
        frontend_event(fe, CHAR_EVENT_MUX_IN);
    }
    char_accept_input(fe);
}

CharFrontend *char_attach(Chardev *chr, const char *user,
                          const CharHandlers *handlers, void *opaque,
                          GError **errp)
{
    CharFrontend *fe;

    if (g_queue_get_length(&chr->frontends) >= chr_max_frontends(chr)) {
        CharFrontend *first = g_queue_peek_head(&chr->frontends);

        error_setg(errp,
                   "chardev '%s' is in use by %s and cannot also serve %s%s",
                   chr->id, first->user, user,
                   chr_max_frontends(chr) == 1 ? ": share it with mux=on"
                                               : ": the mux is full");
        return NULL;
    }
    fe = g_new0(CharFrontend, 1);
    fe->chr = chr;
    fe->user = g_strdup(user);
    fe->handlers = handlers;
    fe->opaque = opaque;
    fe->open_bh = bh_new(frontend_open_bh, fe);
    g_queue_push_tail(&chr->frontends, fe);
    if (!chr->focus) {
        chr->focus = fe;
    }
    bh_schedule(fe->open_bh);
    return fe;
}

void char_detach(CharFrontend *fe)
{
    Chardev *chr;

    if (!fe) {
        return;
    }
    chr = fe->chr;
    bh_delete(fe->open_bh);
    g_queue_remove(&chr->frontends, fe);
    if (chr->focus == fe) {
        chr->focus = g_queue_peek_head(&chr->frontends);
        if (chr->ops->accept_input) {
            chr->ops->accept_input(chr);
        }
    }
    g_free(fe->user);
    g_free(fe);
}

/* What is queued goes first: a byte may not overtake another. */
size_t char_write(CharFrontend *fe, const uint8_t *buf, size_t len)
{
    Chardev *chr;
    size_t n = 0;

    if (!fe || !fe->chr->peer) {
        return len;
    }
    chr = fe->chr;
    if (chr_flush(chr)) {
        n = chr->ops->write(chr, buf, len);
    }
    if (n < len) {
        fe->refused = true;
    }
    return n;
}

void char_write_all(CharFrontend *fe, const void *buf, size_t len)
{
    Chardev *chr;

    if (!fe || !fe->chr->peer || len == 0) {
        return;
    }
    chr = fe->chr;
    g_byte_array_append(chr->queue, buf, len);
    chr_flush(chr);
}

size_t char_pending_output(CharFrontend *fe)
{
    size_t n = fe ? fe->chr->queue->len : 0;

    if (n > 0) {
        fe->refused = true; /* it will want to know when that is gone */
    }
    return n;
}

int char_take_fd(CharFrontend *fe)
{
    return fe && fe->chr->fd ? char_fd_take_passed(fe->chr->fd) : -1;
}

void char_accept_input(CharFrontend *fe)
{
    if (fe && fe->chr->focus == fe && fe->chr->ops->accept_input) {
        fe->chr->ops->accept_input(fe->chr);
    }
}

void char_poll_input(CharFrontend *fe)
{
    if (fe && fe->chr->focus == fe && fe->chr->fd) {
        char_fd_poll_input(fe->chr->fd);
    } else {
        char_accept_input(fe);
    }
}

void char_send_break(CharFrontend *fe, bool on)
{
    if (fe && fe->chr->ops->send_break) {
        fe->chr->ops->send_break(fe->chr, on);
    }
}

/* --- the registry --- */

Chardev *chardev_find(const char *id)
{
    for (GList *l = chardevs.head; l; l = l->next) {
        Chardev *chr = l->data;

        if (strcmp(chr->id, id) == 0) {
            return chr;
        }
    }
    return NULL;
}

const char *chardev_id(const Chardev *chr)
{
    return chr->id;
}

const char *chardev_filename(const Chardev *chr)
{
    return chr->filename;
}

bool chardev_frontend_open(const Chardev *chr)
{
    return !g_queue_is_empty((GQueue *)&chr->frontends);
}

void chardev_foreach(void (*fn)(Chardev *chr, void *opaque), void *opaque)
{
    for (GList *l = chardevs.head; l; l = l->next) {
        fn(l->data, opaque);
    }
}

const char *chardev_type_name(const Chardev *chr)
{
    return chr->ops->name;
}

const char *chardev_type_at(unsigned index)
{
    return index < ARRAY_LEN(chardev_types) ? chardev_types[index]->name : NULL;
}

/* The main loop sees the end of the connection as if the peer had left. */
bool chardev_disconnect(Chardev *chr)
{
    return chr->ops == &char_socket_ops && chr->fd->in >= 0 &&
           shutdown(chr->fd->in, SHUT_RDWR) == 0;
}

/* Locks: BQL; no front-end may be attached. */
static void chr_free(Chardev *chr)
{
    if (chr->ops->close) {
        chr->ops->close(chr);
    }
    g_byte_array_unref(chr->queue);
    g_free(chr->id);
    g_free(chr->filename);
    g_free(chr);
}

bool chardev_remove(const char *id, GError **errp)
{
    Chardev *chr = chardev_find(id);

    if (!chr) {
        g_set_error(errp, HEDDLE_ERROR, ERR_GENERIC, "Chardev '%s' not found",
                    id);
        return false;
    }
    if (!g_queue_is_empty(&chr->frontends)) {
        error_setg(errp, "Chardev '%s' is busy", id);
        return false;
    }
    g_queue_remove(&chardevs, chr);
    chr_free(chr);
    return true;
}

/* The youngest goes first: a mux stands on one that is older.  One that still
 * has front-ends stays, without a peer, so that they may write to it. */
void chardev_cleanup(void)
{
    GList *prev;

    for (GList *l = chardevs.tail; l; l = prev) {
        Chardev *chr = l->data;

        prev = l->prev;
        chr_flush(chr);
        chr->peer = false;
        chr->focus = NULL;
        if (g_queue_is_empty(&chr->frontends)) {
            g_queue_delete_link(&chardevs, l);
            chr_free(chr);
        } else if (chr->ops->close) {
            chr->ops->close(chr);
        }
    }
}

Chardev *chr_new(const ChardevOps *ops, const char *id, KeyVal *opts,
                 GError **errp)
{
    Chardev *chr;

    if (chardev_find(id)) {
        error_setg(errp, "Duplicate ID '%s' for chardev", id);
        return NULL;
    }
    chr = g_malloc0(ops->size);
    chr->ops = ops;
    chr->id = g_strdup(id);
    chr->queue = g_byte_array_new();
    chr->filename = g_strdup(ops->name);
    chr->peer = true; /* a back-end with a peer that comes and goes clears it */
    g_queue_init(&chr->frontends);
    if (!ops->open(chr, opts, errp)) {
        chr_free(chr);
        return NULL;
    }
    g_queue_push_tail(&chardevs, chr);
    return chr;
}

static const ChardevOps *chardev_type_find(const char *name)
{
    for (unsigned i = 0; i < ARRAY_LEN(chardev_types); i++) {
        if (strcmp(chardev_types[i]->name, name) == 0) {
            return chardev_types[i];
        }
    }
    return NULL;
}

void chardev_print_types(GString *out)
{
    g_string_append(out, "Available chardev backend types:\n");
    for (unsigned i = 0; i < ARRAY_LEN(chardev_types); i++) {
        g_string_append_printf(out, "  %s\n", chardev_types[i]->name);
    }
}

/* A mux takes the user's name; the back-end below becomes "NAME-base". */
static Chardev *chardev_add_muxed(const ChardevOps *ops, const char *id,
                                  KeyVal *opts, GError **errp)
{
    g_autofree char *base_id = g_strdup_printf("%s-base", id);
    Chardev *base, *mux;

    if (chardev_find(id)) {
        error_setg(errp, "Duplicate ID '%s' for chardev", id);
        return NULL;
    }
    base = chr_new(ops, base_id, opts, errp);
    if (!base) {
        return NULL;
    }
    mux = char_mux_new(base, id, errp);
    if (!mux) {
        chardev_remove(base_id, NULL);
    }
    return mux;
}

Chardev *chardev_add(KeyVal *opts, GError **errp)
{
    const char *name = keyval_get(opts, "backend", NULL);
    const char *id = keyval_get(opts, "id", NULL);
    const ChardevOps *ops;
    Chardev *chr;
    bool mux;

    if (!name) {
        error_setg(errp,
                   "chardev: \"backend\" is missing: give its type first");
        return NULL;
    }
    if (!id) {
        error_setg(errp, "chardev: no id specified");
        return NULL;
    }
    ops = chardev_type_find(name);
    if (!ops) {
        error_setg(errp, "'%s' is not a valid char driver name", name);
        return NULL;
    }
    if (!keyval_get_bool(opts, "mux", false, &mux, errp)) {
        return NULL;
    }
    chr = mux ? chardev_add_muxed(ops, id, opts, errp)
              : chr_new(ops, id, opts, errp);
    if (chr && !keyval_check_used(opts, errp)) {
        chardev_remove(id, NULL);
        return NULL;
    }
    return chr;
}
