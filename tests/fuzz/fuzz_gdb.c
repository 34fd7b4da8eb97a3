/* SPDX-License-Identifier: MIT */
/*
 * GDB's packets: any bytes.  Whatever came, a proper packet behind it is found;
 * and any packet that goes out comes in again as it was.
 */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "gdbstub/parser.h"

static GdbParser parser;

static GdbInput feed(const char *bytes, size_t len)
{
    GdbInput last = GDB_INPUT_NONE;

    for (size_t i = 0; i < len; i++) {
        last = gdb_parser_feed(&parser, (uint8_t)bytes[i]);
        if (last == GDB_INPUT_PACKET &&
            (parser.len > GDB_PACKET_MAX || parser.data[parser.len])) {
            fuzz_fail("a packet of %zu bytes", parser.len);
        }
    }
    return last;
}

/* What the commands do to a packet's text. */
static void read_text(void)
{
    const char *pos = parser.data;
    uint8_t buf[16];
    uint64_t value;

    while (pos < parser.data + parser.len) {
        if (!gdb_get_hex(&pos, &value) && !gdb_get_bytes(&pos, buf, 16)) {
            pos++;
        }
    }
}

/* A byte that may follow a lone "}" or "#": two more end a packet. */
static void after_garbage(void)
{
    static const char packet[] = "##00$qC#b4";

    if (feed(packet, strlen(packet)) != GDB_INPUT_PACKET ||
        strcmp(parser.data, "qC") != 0) {
        fuzz_fail("the packet behind the garbage is lost");
    }
}

static void round_trip(FuzzInput in)
{
    g_autoptr(GString) data = g_string_new(NULL);
    g_autoptr(GString) packet = g_string_new(NULL);
    size_t len = MIN(in.len, GDB_PACKET_MAX);

    gdb_put_binary(data, (const char *)in.bytes, len);
    gdb_frame(packet, data->str, data->len);
    if (feed(packet->str, packet->len) != GDB_INPUT_PACKET ||
        parser.len != len || (len && memcmp(parser.data, in.bytes, len))) {
        fuzz_fail("%zu bytes do not come back", len);
    }
}

static void run(FuzzInput in)
{
    gdb_parser_reset(&parser);
    for (size_t i = 0; i < in.len; i++) {
        if (gdb_parser_feed(&parser, in.bytes[i]) == GDB_INPUT_PACKET) {
            read_text();
        }
    }
    after_garbage();
    round_trip(in);
}

static void seeds(void)
{
    static const char *const texts[] = {
        "$g#67",
        "+$m1234,10#3e",
        "$X0,4:}\003#ab",
        "-\003$vCont;s:1;c",
        "$qSupported:swbreak+;hwbreak+#00",
        "$}]}}}",
        "$Z0,1,1#00$#",
    };

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        fuzz_seed(texts[i], strlen(texts[i]));
    }
}

const FuzzTarget fuzz_target = { NULL, run, seeds };
