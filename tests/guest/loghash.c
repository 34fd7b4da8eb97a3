/* SPDX-License-Identifier: MIT */
/*
 * Hash the -d log on standard input.  Prints the number of lines and the hash
 * of all so far, every million lines and at the end.  Where the host has a
 * block's code, in the lines of -d exec, is left out: it differs from run to
 * run.
 *
 *   Trace 0: 0x7fde84000100 [00000000000f1abc/00000000/200]
 */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUFFER_BYTES (1 << 20)
#define MARK_LINES   1000000

/* 128 bits against accidents, not against forgers: it is the fastest of glib's,
 * and takes less time than the emulator does for its lines. */
#define HASH G_CHECKSUM_MD5

static uint64_t lines;

/* Take the host's address out of the line [@line, @end), and move the rest to
 * @to.  Returns the end there. */
static char *keep_rest(char *to, const char *line, const char *end)
{
    size_t n = (size_t)(end - line);
    const char *host;

    if (n > 6 && !memcmp(line, "Trace ", 6) &&
        (host = memmem(line, n, " 0x", 3))) {
        const char *after = memchr(host + 1, ' ', (size_t)(end - host - 1));

        if (after) {
            memmove(to, line, (size_t)(host - line));
            to += host - line;
            n = (size_t)(end - after);
            line = after;
        }
    }
    memmove(to, line, n);
    return to + n;
}

static void print_mark(const GChecksum *hash)
{
    GChecksum *copy = g_checksum_copy(hash); /* to go on after this */

    printf("%" PRIu64 " %s\n", lines, g_checksum_get_string(copy));
    g_checksum_free(copy);
}

/* Hash the whole lines of @n bytes; returns how many bytes they have. */
static size_t hash_lines(GChecksum *hash, char *text, size_t n)
{
    char *end = text + n, *line = text, *from = text, *to = text;
    char *newline;

    while ((newline = memchr(line, '\n', (size_t)(end - line)))) {
        to = keep_rest(to, line, newline + 1);
        line = newline + 1;
        if (++lines % MARK_LINES == 0) {
            g_checksum_update(hash, (guchar *)from, to - from);
            from = to;
            print_mark(hash);
        }
    }
    g_checksum_update(hash, (guchar *)from, to - from);
    return (size_t)(line - text);
}

/* All of it.  What is behind the last newline counts as a line. */
static void hash_log(GChecksum *hash)
{
    static char buffer[BUFFER_BYTES];
    size_t have = 0;
    ssize_t got;

    while ((got = read(STDIN_FILENO, buffer + have, BUFFER_BYTES - have)) > 0) {
        size_t done;

        have += (size_t)got;
        done = hash_lines(hash, buffer, have);
        have -= done;
        memmove(buffer, buffer + done, have);
    }
    if (got < 0 || have == BUFFER_BYTES) {
        fprintf(stderr, "loghash: %s\n",
                got < 0 ? g_strerror(errno) : "a line is too long");
        exit(EXIT_FAILURE);
    }
    g_checksum_update(hash, (guchar *)buffer, (gssize)have);
    lines += have > 0;
}

int main(void)
{
    GChecksum *hash = g_checksum_new(HASH);

    /* Fewer switches to and fro; not needed, and no pipe may be as large. */
    (void)fcntl(STDIN_FILENO, F_SETPIPE_SZ, BUFFER_BYTES);
    hash_log(hash);
    print_mark(hash);
    g_checksum_free(hash);
    return 0;
}
