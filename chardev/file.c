/* SPDX-License-Identifier: MIT */
/* The back-ends "null", "file" and "pipe". */
#include "chardev/backend.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "util/error.h"

typedef struct FileChardev {
    Chardev chr;
    CharFd fd;
} FileChardev;

/* --- null: takes and drops; never has input --- */

static size_t null_write(Chardev *chr, const uint8_t *buf, size_t len)
{
    return len;
}

static bool null_open(Chardev *chr, KeyVal *opts, GError **errp)
{
    return true;
}

const ChardevOps char_null_ops = {
    .name = "null",
    .size = sizeof(Chardev),
    .open = null_open,
    .write = null_write,
};

/* --- file --- */

static FileChardev *file_of(Chardev *chr)
{
    return container_of(chr, FileChardev, chr);
}

static size_t file_write(Chardev *chr, const uint8_t *buf, size_t len)
{
    return char_fd_write(&file_of(chr)->fd, buf, len);
}

static void file_accept_input(Chardev *chr)
{
    char_fd_update_input(&file_of(chr)->fd);
}

static void file_close(Chardev *chr)
{
    char_fd_close(&file_of(chr)->fd);
}

/* O_NOCTTY: a terminal named by path must not become ours and send us its
 * signals. */
static int file_open_path(const char *path, int flags, GError **errp)
{
    int fd = open(path, flags | O_CLOEXEC | O_NOCTTY, 0666);

    if (fd < 0) {
        error_setg(errp, "Could not open '%s': %s", path, g_strerror(errno));
    }
    return fd;
}

/* Regular files never refuse a write, but PATH may be a FIFO or a terminal.
 * -chardev file,path=PATH[,append=on][,input-path=PATH] */
static bool file_open(Chardev *chr, KeyVal *opts, GError **errp)
{
    FileChardev *f = file_of(chr);
    const char *path = keyval_get(opts, "path", NULL);
    const char *input = keyval_get(opts, "input-path", NULL);
    int in = -1, out;
    bool append;

    char_fd_init(&f->fd, chr, -1, -1, NULL);
    if (!path) {
        error_setg(errp, "chardev: file: no filename given");
        return false;
    }
    if (!keyval_get_bool(opts, "append", false, &append, errp)) {
        return false;
    }
    out = file_open_path(
        path, O_WRONLY | O_CREAT | O_NONBLOCK | (append ? O_APPEND : O_TRUNC),
        errp);
    if (out < 0) {
        return false;
    }
    f->fd.out = out;
    if (input) {
        in = file_open_path(input, O_RDONLY | O_NONBLOCK, errp);
        f->fd.in = in;
    }
    return !input || in >= 0;
}

const ChardevOps char_file_ops = {
    .name = "file",
    .size = sizeof(FileChardev),
    .open = file_open,
    .close = file_close,
    .write = file_write,
    .accept_input = file_accept_input,
};

/*
 * -chardev pipe,path=PATH: two FIFOs PATH.in and PATH.out, or one PATH for
 * both ways.  They are opened for reading and writing, so that neither waits
 * for the other end and its leaving is no end of file.
 */
static bool pipe_open(Chardev *chr, KeyVal *opts, GError **errp)
{
    FileChardev *f = file_of(chr);
    const char *path = keyval_get(opts, "path", NULL);
    g_autofree char *in_path = NULL, *out_path = NULL;
    int fd;

    char_fd_init(&f->fd, chr, -1, -1, NULL);
    if (!path) {
        error_setg(errp, "chardev: pipe: no device path given");
        return false;
    }
    in_path = g_strdup_printf("%s.in", path);
    out_path = g_strdup_printf("%s.out", path);
    if (g_file_test(in_path, G_FILE_TEST_EXISTS) &&
        g_file_test(out_path, G_FILE_TEST_EXISTS)) {
        f->fd.in = file_open_path(in_path, O_RDWR | O_NONBLOCK, errp);
        if (f->fd.in < 0) {
            return false;
        }
        f->fd.out = file_open_path(out_path, O_RDWR | O_NONBLOCK, errp);
        return f->fd.out >= 0;
    }
    fd = file_open_path(path, O_RDWR | O_NONBLOCK, errp);
    f->fd.in = f->fd.out = fd;
    return fd >= 0;
}

const ChardevOps char_pipe_ops = {
    .name = "pipe",
    .size = sizeof(FileChardev),
    .open = pipe_open,
    .close = file_close,
    .write = file_write,
    .accept_input = file_accept_input,
};
