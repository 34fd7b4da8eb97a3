/* SPDX-License-Identifier: MIT */
/*
 * Character back-ends: a serial port, a monitor or a debug console reads and
 * writes bytes; what is behind it (terminal, file, pty, socket, ring buffer,
 * another front-end's mux) is the back-end's affair.  Never blocks the caller:
 * what the host does not take at once is refused, and the front-end is told
 * when there is room again.  Locks: BQL.
 */
#ifndef HEDDLE_CHARDEV_CHAR_H
#define HEDDLE_CHARDEV_CHAR_H

#include "util/common.h"
#include "util/keyval.h"

typedef enum CharEvent {
    CHAR_EVENT_OPENED, /* a peer is there (at once for files and terminals) */
    CHAR_EVENT_CLOSED,
    CHAR_EVENT_BREAK,
    CHAR_EVENT_MUX_IN,  /* this front-end now has the mux's input */
    CHAR_EVENT_MUX_OUT,
} CharEvent;

/* A front-end's callbacks. */
typedef struct CharHandlers {
    /* How many bytes receive() can take now; 0 stops the input until
     * char_accept_input(). */
    size_t (*can_receive)(void *opaque);
    void (*receive)(void *opaque, const uint8_t *buf, size_t len);
    void (*event)(void *opaque, CharEvent event); /* may be NULL */
    void (*writable)(void *opaque); /* room after a short write; may be NULL */
} CharHandlers;

typedef struct Chardev Chardev;
typedef struct CharFrontend CharFrontend;

/* -chardev BACKEND,id=ID,... */
Chardev *chardev_add(KeyVal *opts, GError **errp);
/* The short form of -serial, -monitor and -qmp: "stdio", "mon:stdio", "null",
 * "none" (NULL without error), "file:PATH", "pipe:PATH", "pty",
 * "unix:PATH,server=on,wait=off", "chardev:ID", "telnet:"/"tcp:HOST:PORT". */
Chardev *chardev_parse_short(const char *id, const char *text, GError **errp);
Chardev *chardev_find(const char *id);
bool chardev_remove(const char *id, GError **errp);
const char *chardev_id(const Chardev *chr);
const char *chardev_filename(const Chardev *chr); /* "pty:/dev/pts/3" */
const char *chardev_type_name(const Chardev *chr); /* "socket" */
const char *chardev_type_at(unsigned index);       /* NULL past the last */
/* End the connection of a socket, whatever the peer does; false: it has none.
 */
bool chardev_disconnect(Chardev *chr);
bool chardev_frontend_open(const Chardev *chr); /* is somebody attached? */
/* `-chardev help` as text. */
void chardev_print_types(GString *out);
void chardev_foreach(void (*fn)(Chardev *chr, void *opaque), void *opaque);
/* From now on the main loop runs: to make a back-end waits for nobody. */
void chardev_set_running(void);
/* Close every back-end, at the end of the process. */
void chardev_cleanup(void);
/* Put terminals back; also run from exit and fatal signals.
 * Async-signal-safe. */
void chardev_restore_terminals(void);

/* Attach a front-end: fails when @chr has one and is no mux. */
CharFrontend *char_attach(Chardev *chr, const char *user,
                          const CharHandlers *handlers, void *opaque,
                          GError **errp);
void char_detach(CharFrontend *fe);
/* Returns how many bytes were taken: less than @len means wait for writable().
 * A back-end without a peer takes and drops everything. */
size_t char_write(CharFrontend *fe, const uint8_t *buf, size_t len);
/* Takes everything; what the host does not take now is queued. */
void char_write_all(CharFrontend *fe, const void *buf, size_t len);
/* Bytes of char_write_all() that the host has not taken; writable() will tell
 * when there are none. */
size_t char_pending_output(CharFrontend *fe);
/* The next descriptor that the peer of a Unix socket has sent along, or -1; the
 * caller owns it. */
int char_take_fd(CharFrontend *fe);
void char_accept_input(CharFrontend *fe);
/* The same for who can take receive() before the return: bytes that wait
 * already come without a turn of the main loop. */
void char_poll_input(CharFrontend *fe);
void char_send_break(CharFrontend *fe, bool on);

/* Read what a "ringbuf" back-end holds, oldest first, at most @max bytes; free
 * with g_free.  NULL with @errp set when @chr is not a ring buffer. */
uint8_t *char_ringbuf_read(Chardev *chr, size_t max, size_t *len,
                           GError **errp);
/* Append to it, as its front-end's writes do. */
bool char_ringbuf_write(Chardev *chr, const uint8_t *buf, size_t len,
                        GError **errp);

#endif
