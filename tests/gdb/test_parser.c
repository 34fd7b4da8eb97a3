/* SPDX-License-Identifier: MIT */
/*
 * The packet layer alone.
 * Source: "Debugging with GDB", E.1 "Overview": framing, checksum, escapes.
 */
#include <string.h>

#include "gdbstub/parser.h"

static GdbParser parser;

/* The last word of the parser on these bytes that is not NONE. */
static GdbInput feed(const char *bytes, size_t len)
{
    GdbInput last = GDB_INPUT_NONE;

    for (size_t i = 0; i < len; i++) {
        GdbInput got = gdb_parser_feed(&parser, bytes[i]);

        last = got == GDB_INPUT_NONE ? last : got;
    }
    return last;
}

static GdbInput feed_text(const char *text)
{
    gdb_parser_reset(&parser);
    return feed(text, strlen(text));
}

static void assert_packet(const char *text, const char *data)
{
    g_assert_cmpint(feed_text(text), ==, GDB_INPUT_PACKET);
    g_assert_cmpstr(parser.data, ==, data);
    g_assert_cmpuint(parser.len, ==, strlen(data));
}

static void test_packets(void)
{
    assert_packet("$#00", "");
    assert_packet("$g#67", "g");
    assert_packet("$OK#9a", "OK");
    assert_packet("$OK#9A", "OK");
    assert_packet("noise$g#67", "g");
    assert_packet("$begun$g#67", "g");    /* its end was lost */
    assert_packet("$a}\003}]#bb", "a#}"); /* 23h and 7Dh escaped */
    assert_packet("$a\003#64", "a\003");  /* no Ctrl-C inside */
}

static void test_bad_sums(void)
{
    g_assert_cmpint(feed_text("$g#66"), ==, GDB_INPUT_BAD);
    g_assert_cmpint(feed_text("$g#6x"), ==, GDB_INPUT_BAD);
    g_assert_cmpint(feed_text("$g##7"), ==, GDB_INPUT_BAD);
    g_assert_cmpint(feed_text("$g#x7"), ==, GDB_INPUT_BAD);
    g_assert_cmpint(feed_text("$}#00#9d"), ==, GDB_INPUT_BAD);
    assert_packet("$g#66$g#67", "g");
}

static void test_between(void)
{
    g_assert_cmpint(feed_text("+"), ==, GDB_INPUT_ACK);
    g_assert_cmpint(feed_text("-"), ==, GDB_INPUT_NAK);
    g_assert_cmpint(feed_text("\003"), ==, GDB_INPUT_INTERRUPT);
    g_assert_cmpint(feed_text("#67 x\r\n"), ==, GDB_INPUT_NONE);
    g_assert_cmpint(feed_text("$half"), ==, GDB_INPUT_NONE);
}

/* A packet of @len letters: what the parser makes of it. */
static GdbInput feed_long(size_t len)
{
    g_autofree char *data = g_strnfill(len, 'a');
    g_autoptr(GString) packet = g_string_new(NULL);

    gdb_frame(packet, data, len);
    gdb_parser_reset(&parser);
    return feed(packet->str, packet->len);
}

static void test_limit(void)
{
    g_assert_cmpint(feed_long(GDB_PACKET_MAX), ==, GDB_INPUT_PACKET);
    g_assert_cmpuint(parser.len, ==, GDB_PACKET_MAX);
    g_assert_cmpint(feed_long(GDB_PACKET_MAX + 1), ==, GDB_INPUT_TOO_LONG);
    g_assert_cmpint(feed_long(10 * GDB_PACKET_MAX), ==, GDB_INPUT_TOO_LONG);
    assert_packet("$g#67", "g");
}

/* What goes out comes in as it was. */
static void test_binary(void)
{
    char all[256];
    g_autoptr(GString) data = g_string_new(NULL);
    g_autoptr(GString) packet = g_string_new(NULL);

    for (unsigned i = 0; i < sizeof(all); i++) {
        all[i] = (char)i;
    }
    gdb_put_binary(data, all, sizeof(all));
    g_assert_cmpuint(data->len, ==, sizeof(all) + 4); /* # $ * } */
    gdb_frame(packet, data->str, data->len);
    gdb_parser_reset(&parser);
    g_assert_cmpint(feed(packet->str, packet->len), ==, GDB_INPUT_PACKET);
    g_assert_cmpmem(parser.data, parser.len, all, sizeof(all));
}

static void test_numbers(void)
{
    const char *text = "12aF,";
    uint64_t value;

    g_assert_true(gdb_get_hex(&text, &value));
    g_assert_cmphex(value, ==, 0x12af);
    g_assert_cmpstr(text, ==, ",");
    g_assert_false(gdb_get_hex(&text, &value));
    text = "ffffffffffffffff";
    g_assert_true(gdb_get_hex(&text, &value));
    g_assert_cmphex(value, ==, UINT64_MAX);
    text = "10000000000000000";
    g_assert_false(gdb_get_hex(&text, &value));
}

static void test_bytes(void)
{
    const char *text = "00fF1";
    uint8_t buf[3];

    g_assert_true(gdb_get_bytes(&text, buf, 2));
    g_assert_cmpuint(buf[0], ==, 0);
    g_assert_cmpuint(buf[1], ==, 0xff);
    g_assert_false(gdb_get_bytes(&text, buf, 1)); /* half of one */
    text = "0g";
    g_assert_false(gdb_get_bytes(&text, buf, 1));
    text = "m1";
    g_assert_false(gdb_skip(&text, "M"));
    g_assert_true(gdb_skip(&text, "m"));
    g_assert_cmpstr(text, ==, "1");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/gdb/packets", test_packets);
    g_test_add_func("/gdb/bad-sums", test_bad_sums);
    g_test_add_func("/gdb/between", test_between);
    g_test_add_func("/gdb/limit", test_limit);
    g_test_add_func("/gdb/binary", test_binary);
    g_test_add_func("/gdb/numbers", test_numbers);
    g_test_add_func("/gdb/bytes", test_bytes);
    return g_test_run();
}
