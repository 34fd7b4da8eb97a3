/* SPDX-License-Identifier: MIT */
/* Stands for chardev/ in programs that link it before the library. */
#include "fake_chardev.h"

#include "util/error.h"

struct Chardev {
    FakeChardev fake;
};

struct CharFrontend {
    FakeChardev *fake;
};

Chardev *fake_chardev_new(void)
{
    Chardev *chr = g_new0(Chardev, 1);

    chr->fake.out = g_byte_array_new();
    chr->fake.in = g_byte_array_new();
    return chr;
}

FakeChardev *fake_chardev(Chardev *chr)
{
    return &chr->fake;
}

static void deliver(FakeChardev *f)
{
    size_t n;

    while (f->in->len && (n = f->handlers->can_receive(f->opaque)) > 0) {
        g_autoptr(GByteArray) chunk = g_byte_array_new();

        n = MIN(n, f->in->len);
        g_byte_array_append(chunk, f->in->data, n);
        g_byte_array_remove_range(f->in, 0, n);
        f->handlers->receive(f->opaque, chunk->data, chunk->len);
    }
}

void fake_chardev_send(FakeChardev *f, const void *buf, size_t len)
{
    g_byte_array_append(f->in, buf, len);
    deliver(f);
}

void fake_chardev_make_room(FakeChardev *f, size_t room)
{
    f->room += room;
    f->handlers->writable(f->opaque);
}

CharFrontend *char_attach(Chardev *chr, const char *user,
                          const CharHandlers *handlers, void *opaque,
                          GError **errp)
{
    CharFrontend *fe = g_new0(CharFrontend, 1);

    if (chr->fake.handlers) {
        error_setg(errp, "in use");
        g_free(fe);
        return NULL;
    }
    fe->fake = &chr->fake;
    chr->fake.handlers = handlers;
    chr->fake.opaque = opaque;
    return fe;
}

void char_detach(CharFrontend *fe)
{
    fe->fake->handlers = NULL;
    g_free(fe);
}

size_t char_write(CharFrontend *fe, const uint8_t *buf, size_t len)
{
    size_t n = MIN(len, fe->fake->room);

    g_byte_array_append(fe->fake->out, buf, n);
    fe->fake->room -= n;
    return n;
}

void char_accept_input(CharFrontend *fe)
{
    deliver(fe->fake);
}

void char_poll_input(CharFrontend *fe)
{
    deliver(fe->fake);
}

void char_send_break(CharFrontend *fe, bool on)
{
    fe->fake->breaks += on;
}

Chardev *chardev_find(const char *id)
{
    return NULL;
}

const char *chardev_id(const Chardev *chr)
{
    return "fake";
}
