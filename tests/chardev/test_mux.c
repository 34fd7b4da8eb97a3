/* SPDX-License-Identifier: MIT */
/* Muxes and front-ends, over a socket whose other end is the test. */
#include <string.h>

#include "tests/support/loop.h"

/* A front-end with bounded room that notes all that it sees. */
typedef struct Probe {
    CharFrontend *fe;
    GString *got;
    size_t room;
    unsigned opened, closed, breaks, mux_in, mux_out, writable;
} Probe;

static size_t probe_room(void *opaque)
{
    return ((Probe *)opaque)->room;
}

static void probe_receive(void *opaque, const uint8_t *buf, size_t len)
{
    Probe *p = opaque;

    g_assert_cmpuint(len, <=, p->room);
    p->room -= len;
    g_string_append_len(p->got, (const char *)buf, len);
}

static void probe_event(void *opaque, CharEvent event)
{
    Probe *p = opaque;
    unsigned *const counts[] = {
        [CHAR_EVENT_OPENED] = &p->opened,   [CHAR_EVENT_CLOSED] = &p->closed,
        [CHAR_EVENT_BREAK] = &p->breaks,    [CHAR_EVENT_MUX_IN] = &p->mux_in,
        [CHAR_EVENT_MUX_OUT] = &p->mux_out,
    };

    /* Who is not in focus hears that before anything else. */
    if (event == CHAR_EVENT_MUX_OUT && p->mux_in == 0) {
        g_assert_cmpuint(p->opened, ==, 0);
    }
    ++*counts[event];
}

static void probe_writable(void *opaque)
{
    ((Probe *)opaque)->writable++;
}

static const CharHandlers probe_handlers = {
    .can_receive = probe_room,
    .receive = probe_receive,
    .event = probe_event,
    .writable = probe_writable,
};

static void probe_attach(Probe *p, Chardev *chr)
{
    GError *err = NULL;

    *p = (Probe){.got = g_string_new(NULL), .room = 1000};
    p->fe = char_attach(chr, "a probe", &probe_handlers, p, &err);
    g_assert_no_error(err);
}

static void probe_detach(Probe *p)
{
    char_detach(p->fe);
    g_string_free(p->got, TRUE);
}

typedef struct Fixture {
    int peer;
    Probe a, b;
} Fixture;

static void setup(Fixture *f, gconstpointer unused)
{
    Chardev *chr = test_chardev("m", ",mux=on", &f->peer);

    probe_attach(&f->a, chr);
    probe_attach(&f->b, chr);
    test_loop_settle();
}

static void teardown(Fixture *f, gconstpointer unused)
{
    GError *err = NULL;

    probe_detach(&f->a);
    probe_detach(&f->b);
    chardev_remove("m", &err);
    g_assert_no_error(err);
    chardev_remove("m-base", &err);
    g_assert_no_error(err);
    close(f->peer);
}

static void test_focus(Fixture *f, gconstpointer unused)
{
    g_assert_cmpuint(f->a.opened, ==, 1);
    g_assert_cmpuint(f->b.mux_out, ==, 1);
    test_send(f->peer, "one\001ctwo");
    g_assert_cmpstr(f->a.got->str, ==, "one");
    g_assert_cmpstr(f->b.got->str, ==, "two");
    g_assert_cmpuint(f->a.mux_out, ==, 1);
    g_assert_cmpuint(f->b.mux_in, ==, 1);
    test_send(f->peer, "\001");
    test_send(f->peer, "cthree"); /* the escape in two pieces */
    g_assert_cmpstr(f->a.got->str, ==, "onethree");
}

static void test_escapes(Fixture *f, gconstpointer unused)
{
    test_send(f->peer, "a\001\001b\001b\001zc");
    g_assert_cmpstr(f->a.got->str, ==, "a\001bc");
    g_assert_cmpuint(f->a.breaks, ==, 1);
    g_assert_cmpuint(f->b.breaks, ==, 0);
    test_send(f->peer, "\001h");
    {
        g_autofree char *help = test_received(f->peer);

        g_assert_nonnull(strstr(help, "C-a x"));
    }
}

/* What has no room waits, in order, and is not lost. */
static void test_input_waits(Fixture *f, gconstpointer unused)
{
    GString *sent = g_string_new(NULL);

    f->a.room = 3;
    for (unsigned i = 0; i < 1000; i++) {
        g_string_append_printf(sent, "%u,", i);
    }
    test_send(f->peer, sent->str);
    g_assert_cmpstr(f->a.got->str, ==, "0,1");
    while (f->a.got->len < sent->len) {
        size_t before = f->a.got->len;

        f->a.room = 7;
        char_accept_input(f->a.fe);
        test_loop_settle();
        g_assert_cmpuint(f->a.got->len, >, before);
    }
    g_assert_cmpstr(f->a.got->str, ==, sent->str);
    g_string_free(sent, TRUE);
}

/* The escape works while the front-end takes nothing. */
static void test_escape_past_full(Fixture *f, gconstpointer unused)
{
    f->a.room = 0;
    test_send(f->peer, "xyz\001cok");
    g_assert_cmpstr(f->b.got->str, ==, "ok");
}

static void test_output_order(Fixture *f, gconstpointer unused)
{
    char_write_all(f->a.fe, "aa", 2);
    char_write_all(f->b.fe, "bb", 2);
    g_assert_cmpuint(char_write(f->a.fe, (const uint8_t *)"cc", 2), ==, 2);
    test_assert_received(f->peer, "aabbcc");
}

static void test_timestamps(Fixture *f, gconstpointer unused)
{
    g_autofree char *text = NULL;

    test_send(f->peer, "\001t");
    char_write_all(f->a.fe, "x\nya", 4);
    char_write_all(f->a.fe, "b\n", 2);
    text = test_received(f->peer);
    g_assert_true(g_regex_match_simple("^x\n\\[00:00:0\\d\\.\\d{3}\\] yab\n$",
                                       text, 0, 0));
}

/* The host refuses: bytes are refused, the writer is told of room, and what
 * was queued goes first. */
static void test_backpressure(Fixture *f, gconstpointer unused)
{
    static uint8_t block[65536];
    size_t taken = 0, got = 0, n;

    memset(block, 'w', sizeof(block));
    while ((n = char_write(f->a.fe, block, sizeof(block))) > 0) {
        taken += n;
    }
    char_write_all(f->b.fe, "Q", 1);
    g_assert_cmpuint(char_write(f->a.fe, block, 1), ==, 0);
    while (f->a.writable == 0) {
        g_autofree char *text = test_received(f->peer);

        got += strlen(text);
        test_loop_settle();
    }
    g_assert_cmpuint(char_write(f->a.fe, block, 1), ==, 1);
    {
        g_autofree char *text = test_received(f->peer);

        got += strlen(text);
    }
    g_assert_cmpuint(got, ==, taken + 2);
}

static void test_peer_leaves(Fixture *f, gconstpointer unused)
{
    shutdown(f->peer, SHUT_RDWR);
    test_loop_settle();
    g_assert_cmpuint(f->a.closed, ==, 1);
    g_assert_cmpuint(f->b.closed, ==, 1);
    /* Without a peer everything is taken and dropped. */
    g_assert_cmpuint(char_write(f->a.fe, (const uint8_t *)"x", 1), ==, 1);
}

static void test_one_user(void)
{
    GError *err = NULL;
    Probe a;
    int peer;
    Chardev *chr = test_chardev("plain", "", &peer);

    probe_attach(&a, chr);
    g_assert_null(char_attach(chr, "another", &probe_handlers, &a, &err));
    g_assert_nonnull(err);
    g_clear_error(&err);
    g_assert_false(chardev_remove("plain", &err));
    g_clear_error(&err);
    probe_detach(&a);
    g_assert_true(chardev_remove("plain", &err));
    close(peer);
}

static void test_short_forms(void)
{
    static const char *const bad[] = {"nonsense", "tcp:nowhere", "chardev:no",
                                      "file:/nonexistent/x", ""};
    GError *err = NULL;

    for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
        g_assert_null(chardev_parse_short("s", bad[i], &err));
        g_assert_nonnull(err);
        g_clear_error(&err);
    }
    g_assert_null(chardev_parse_short("s", "none", &err));
    g_assert_no_error(err);
    g_assert_nonnull(chardev_parse_short("s", "null", &err));
    g_assert_null(chardev_parse_short("s", "null", &err)); /* duplicate */
    g_clear_error(&err);
    g_assert_true(chardev_remove("s", NULL));
}

static void test_ringbuf(void)
{
    g_autoptr(KeyVal) kv = keyval_parse("ringbuf,id=r,size=8", "backend", NULL);
    Chardev *chr = chardev_add(kv, NULL);
    g_autofree uint8_t *data = NULL;
    Probe p;
    size_t len;

    g_assert_nonnull(chr);
    probe_attach(&p, chr);
    test_loop_settle();
    char_write_all(p.fe, "0123456789", 10);
    data = char_ringbuf_read(chr, 100, &len, NULL);
    g_assert_cmpmem(data, len, "23456789", 8);
    probe_detach(&p);
    g_assert_true(chardev_remove("r", NULL));
}

/* RFC 854: commands are not data, a doubled IAC is one byte 255. */
static void test_telnet(void)
{
    int peer;
    Chardev *chr = test_chardev("t", ",telnet=on", &peer);
    g_autofree char *greeting = test_received(peer);
    Probe p;

    g_assert_cmpuint(strlen(greeting), >, 0);
    probe_attach(&p, chr);
    test_loop_settle();
    test_send(peer, "a\xff\xfd\x03"
                    "b\xff\xff"
                    "c\xff\xfa\x18x\xff\xf0"
                    "d");
    g_assert_cmpstr(p.got->str, ==,
                    "ab\xff"
                    "cd");
    test_send(peer, "\xff\xf3");
    g_assert_cmpuint(p.breaks, ==, 1);
    char_write_all(p.fe, "\xff!", 2);
    test_assert_received(peer, "\xff\xff!");
    probe_detach(&p);
    chardev_remove("t", NULL);
    close(peer);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_loop_init();
#define ADD(name, fn) g_test_add(name, Fixture, NULL, setup, fn, teardown)
    ADD("/mux/focus", test_focus);
    ADD("/mux/escapes", test_escapes);
    ADD("/mux/input-waits", test_input_waits);
    ADD("/mux/escape-past-full", test_escape_past_full);
    ADD("/mux/output-order", test_output_order);
    ADD("/mux/timestamps", test_timestamps);
    ADD("/mux/backpressure", test_backpressure);
    ADD("/mux/peer-leaves", test_peer_leaves);
    g_test_add_func("/char/one-user", test_one_user);
    g_test_add_func("/char/short-forms", test_short_forms);
    g_test_add_func("/char/ringbuf", test_ringbuf);
    g_test_add_func("/char/telnet", test_telnet);
    return g_test_run();
}
