/* SPDX-License-Identifier: MIT */
/*
 * The packet layer of GDB's remote protocol, byte by byte and without any
 * state but its own.
 * Source: "Debugging with GDB", E.1 "Overview" of the remote serial protocol.
 */
#ifndef HEDDLE_GDBSTUB_PARSER_H
#define HEDDLE_GDBSTUB_PARSER_H

#include "util/common.h"

#define GDB_PACKET_MAX 0x4000 /* bytes between "$" and "#" */

typedef enum GdbInput {
    GDB_INPUT_NONE,      /* more is to come, or it was noise */
    GDB_INPUT_PACKET,    /* in data[], len bytes and a NUL */
    GDB_INPUT_BAD,       /* the checksum is wrong: ask for it again */
    GDB_INPUT_TOO_LONG,  /* a whole packet that there was no room for */
    GDB_INPUT_ACK,       /* "+" */
    GDB_INPUT_NAK,       /* "-": send the last one again */
    GDB_INPUT_INTERRUPT, /* Ctrl-C */
} GdbInput;

typedef struct GdbParser {
    enum {
        GDB_PARSE_IDLE,
        GDB_PARSE_DATA,
        GDB_PARSE_ESCAPED, /* behind a "}" */
        GDB_PARSE_SUM1,    /* behind the "#" */
        GDB_PARSE_SUM2,
    } state;
    uint8_t sum; /* of the bytes as they came */
    int digit;   /* the first of the checksum; -1: none */
    bool too_long;
    size_t len;
    char data[GDB_PACKET_MAX + 1]; /* without escapes */
} GdbParser;

void gdb_parser_reset(GdbParser *p);
/* Take one byte.  The packet stays until the next call. */
GdbInput gdb_parser_feed(GdbParser *p, uint8_t byte);

/* --- what goes out --- */
/* "$@data#sum" to @out.  @data has its escapes. */
void gdb_frame(GString *out, const char *data, size_t len);
/* Append bytes with the escapes that they need. */
void gdb_put_binary(GString *out, const char *data, size_t len);
void gdb_put_hex(GString *out, const void *data, size_t len);

/* --- reading packets --- */
/* A hexadecimal number; false if there is none.  @pos moves behind it. */
bool gdb_get_hex(const char **pos, uint64_t *value);
/* @len bytes, two digits each; false if there are fewer. */
bool gdb_get_bytes(const char **pos, void *buf, size_t len);
/* Does the text at @pos go on with @text?  Then it moves behind that. */
bool gdb_skip(const char **pos, const char *text);

#endif
