/* SPDX-License-Identifier: MIT */
/*
 * What the character back-ends share: the structure that each embeds first,
 * the functions that each gives, and the calls by which it hands on input,
 * events and room.  Locks: BQL throughout.
 */
#ifndef HEDDLE_CHARDEV_BACKEND_H
#define HEDDLE_CHARDEV_BACKEND_H

#include "chardev/char.h"
#include "util/main-loop.h"

typedef struct ChardevOps {
    const char *name;       /* as in -chardev NAME */
    size_t size;            /* of the structure around the Chardev */
    unsigned max_frontends; /* 0 stands for 1 */
    bool (*open)(Chardev *chr, KeyVal *opts, GError **errp);
    void (*close)(Chardev *chr); /* also after a failed open; may be NULL */
    /* Returns how many bytes the host took.  After a short write it calls
     * chr_can_write() once there is room. */
    size_t (*write)(Chardev *chr, const uint8_t *buf, size_t len);
    /* The focused front-end may have room again; may be NULL. */
    void (*accept_input)(Chardev *chr);
    void (*send_break)(Chardev *chr, bool on); /* may be NULL */
} ChardevOps;

struct Chardev {
    const ChardevOps *ops;
    char *id, *filename;
    GQueue frontends;    /* CharFrontend, in the order of attaching */
    CharFrontend *focus; /* receives the input */
    GByteArray *queue;   /* written by char_write_all(), not yet taken */
    bool peer;           /* there is somebody at the other end */
    struct CharFd *fd;   /* of a back-end that has one; set by it */
};

struct CharFrontend {
    Chardev *chr;
    char *user;
    const CharHandlers *handlers;
    void *opaque;
    BottomHalf *open_bh; /* delivers the first events after attaching */
    bool ready;          /* open_bh has run: events may come */
    bool opened;         /* has seen OPENED and not CLOSED since */
    bool refused;        /* had a short write: wants writable() */
};

/* How many bytes the focused front-end can take now. */
size_t chr_room(const Chardev *chr);
/* Hand @len bytes, at most chr_room(), to the focused front-end. */
void chr_receive(Chardev *chr, const uint8_t *buf, size_t len);
/* Tell the front-ends; OPENED and CLOSED also set chr->peer. */
void chr_event(Chardev *chr, CharEvent event);
/* The host takes bytes again: empty the queue, then wake refused writers. */
void chr_can_write(Chardev *chr);

/*
 * Make and register one back-end of type @ops.
 * @id      unique name, or NULL for one that the registry makes up
 * Returns  NULL with @errp set; nothing is left behind then
 */
Chardev *chr_new(const ChardevOps *ops, const char *id, KeyVal *opts,
                 GError **errp);

bool chardev_is_running(void); /* chardev_set_running() was called */

#define CHAR_FD_MAX_PASSED 16

/* A pair of non-blocking descriptors with their main-loop sources. */
typedef struct CharFd {
    Chardev *chr;
    int in, out;        /* -1: none; may be the same number */
    int out_checked;    /* the `out` that out_is_socket tells of, or -1 */
    bool out_is_socket; /* wants send() */
    guint in_source, out_source;
    bool in_ended;                /* end of file: read no more */
    bool broken;                  /* a write has failed */
    bool take_passed; /* a Unix socket: descriptors may come with the bytes */
    unsigned npassed; /* those of the last message that had any */
    int passed[CHAR_FD_MAX_PASSED];
    bool receiving;               /* bytes are being handed on */
    void (*hangup)(Chardev *chr); /* end of file or error; may be NULL */
    /* Drops what is not for the front-end; returns how much is left.  May be
     * NULL. */
    size_t (*filter)(Chardev *chr, uint8_t *buf, size_t len);
} CharFd;

void char_fd_init(CharFd *cf, Chardev *chr, int in, int out,
                  void (*hangup)(Chardev *chr));
/* Start or stop reading as the front-end's room demands. */
void char_fd_update_input(CharFd *cf);
/* The same, but what is there already is read and handed on at once. */
void char_fd_poll_input(CharFd *cf);
size_t char_fd_write(CharFd *cf, const uint8_t *buf, size_t len);
/* The first descriptor that came with the input and was not taken, or -1; it is
 * the caller's from then on. */
int char_fd_take_passed(CharFd *cf);
/* Remove the sources and close the descriptors but 0, 1 and 2. */
void char_fd_close(CharFd *cf);

extern const ChardevOps char_null_ops, char_file_ops, char_stdio_ops,
    char_pipe_ops, char_pty_ops, char_socket_ops, char_ringbuf_ops,
    char_mux_ops;

/* Put a mux called @id over @base, which loses that name to it. */
Chardev *char_mux_new(Chardev *base, const char *id, GError **errp);

#endif
