/* SPDX-License-Identifier: MIT */
#include "gdbstub/parser.h"

#include <string.h>

#define GDB_CTRL_C     0x03
#define GDB_ESCAPE     '}' /* the next byte comes with bit 5 turned over */
#define GDB_ESCAPE_XOR 0x20

void gdb_parser_reset(GdbParser *p)
{
    p->state = GDB_PARSE_IDLE;
    p->len = 0;
}

static void start(GdbParser *p)
{
    p->state = GDB_PARSE_DATA;
    p->sum = 0;
    p->len = 0;
    p->too_long = false;
}

static void put(GdbParser *p, char byte)
{
    if (p->len < GDB_PACKET_MAX) {
        p->data[p->len++] = byte;
    } else {
        p->too_long = true;
    }
}

static GdbInput feed_idle(GdbParser *p, uint8_t byte)
{
    switch (byte) {
    case '$':
        start(p);
        return GDB_INPUT_NONE;
    case '+':
        return GDB_INPUT_ACK;
    case '-':
        return GDB_INPUT_NAK;
    case GDB_CTRL_C:
        return GDB_INPUT_INTERRUPT;
    default:
        return GDB_INPUT_NONE;
    }
}

/* A "$" is always escaped inside: this one begins a packet, and the end of the
 * one before was lost. */
static void feed_data(GdbParser *p, uint8_t byte)
{
    switch (byte) {
    case '$':
        start(p);
        return;
    case '#':
        p->state = GDB_PARSE_SUM1;
        return;
    case GDB_ESCAPE:
        p->state = GDB_PARSE_ESCAPED;
        break;
    default:
        put(p, byte);
    }
    p->sum += byte;
}

static GdbInput finish(GdbParser *p, int digit)
{
    p->state = GDB_PARSE_IDLE;
    p->data[p->len] = '\0';
    if (p->digit < 0 || digit < 0 || (p->digit << 4 | digit) != p->sum) {
        return GDB_INPUT_BAD;
    }
    return p->too_long ? GDB_INPUT_TOO_LONG : GDB_INPUT_PACKET;
}

GdbInput gdb_parser_feed(GdbParser *p, uint8_t byte)
{
    switch (p->state) {
    case GDB_PARSE_IDLE:
        return feed_idle(p, byte);
    case GDB_PARSE_DATA:
        feed_data(p, byte);
        return GDB_INPUT_NONE;
    case GDB_PARSE_ESCAPED:
        p->state = GDB_PARSE_DATA;
        p->sum += byte;
        put(p, byte ^ GDB_ESCAPE_XOR);
        return GDB_INPUT_NONE;
    case GDB_PARSE_SUM1:
        p->state = GDB_PARSE_SUM2;
        p->digit = g_ascii_xdigit_value(byte);
        return GDB_INPUT_NONE;
    default:
        return finish(p, g_ascii_xdigit_value(byte));
    }
}

/* --- what goes out --- */

void gdb_frame(GString *out, const char *data, size_t len)
{
    uint8_t sum = 0;

    for (size_t i = 0; i < len; i++) {
        sum += (uint8_t)data[i];
    }
    g_string_append_c(out, '$');
    g_string_append_len(out, data, len);
    g_string_append_printf(out, "#%02x", sum);
}

void gdb_put_binary(GString *out, const char *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (data[i] && strchr("#$*}", data[i])) {
            g_string_append_c(out, GDB_ESCAPE);
            g_string_append_c(out, data[i] ^ GDB_ESCAPE_XOR);
        } else {
            g_string_append_c(out, data[i]);
        }
    }
}

void gdb_put_hex(GString *out, const void *data, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *p = data;

    for (size_t i = 0; i < len; i++) {
        g_string_append_c(out, digits[p[i] >> 4]);
        g_string_append_c(out, digits[p[i] & 15]);
    }
}

/* --- reading packets --- */

/* More digits than fit are none of GDB's. */
bool gdb_get_hex(const char **pos, uint64_t *value)
{
    const char *p = *pos;
    uint64_t v = 0;

    for (; g_ascii_isxdigit(*p); p++) {
        if (v >> 60) {
            return false;
        }
        v = v << 4 | g_ascii_xdigit_value(*p);
    }
    if (p == *pos) {
        return false;
    }
    *pos = p;
    *value = v;
    return true;
}

bool gdb_get_bytes(const char **pos, void *buf, size_t len)
{
    uint8_t *out = buf;

    for (size_t i = 0; i < len; i++, *pos += 2) {
        int high = g_ascii_xdigit_value((*pos)[0]);
        int low = high < 0 ? -1 : g_ascii_xdigit_value((*pos)[1]);

        if (low < 0) {
            return false;
        }
        out[i] = high << 4 | low;
    }
    return true;
}

bool gdb_skip(const char **pos, const char *text)
{
    if (!g_str_has_prefix(*pos, text)) {
        return false;
    }
    *pos += strlen(text);
    return true;
}
