/* SPDX-License-Identifier: MIT */
/*
 * Raw images: host files and block devices.
 *
 * The lock is of the open file description (F_OFD_SETLK), so that it holds
 * for all threads and ends with the descriptor: one writer or many readers,
 * among processes too.
 */
#include "block/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/error.h"

static bool image_lock(const Image *img, const char *path, bool writable,
                       GError **errp)
{
    struct flock lock = {
        .l_type = writable ? F_WRLCK : F_RDLCK,
        .l_whence = SEEK_SET, /* with l_len 0: all of the file */
    };

    if (fcntl(img->fd, F_OFD_SETLK, &lock) == 0) {
        return true;
    }
    if (errno != EACCES && errno != EAGAIN) {
        return true; /* the file system has no locks */
    }
    error_setg(errp,
               "Failed to get %s\"write\" lock: is another process "
               "using the image [%s]?",
               writable ? "" : "shared ", path);
    return false;
}

/* Files that a guest must not see raw by mistake. */
static bool image_probe(const Image *img, const char *path, GError **errp)
{
    static const struct {
        const char *magic, *name;
    } formats[] = {
        {"QFI\xfb", "qcow2"}, {"KDMV", "vmdk"},         {"conectix", "vpc"},
        {"vhdxfile", "vhdx"}, {"LUKS\xba\xbe", "luks"},
    };
    char head[8] = "";

    if (pread(img->fd, head, sizeof(head), 0) < 0) {
        error_setg(errp, "Could not read '%s': %s", path, g_strerror(errno));
        return false;
    }
    for (unsigned i = 0; i < ARRAY_LEN(formats); i++) {
        if (memcmp(head, formats[i].magic, strlen(formats[i].magic)) == 0) {
            error_setg(errp,
                       "'%s' is a %s image, which is not supported: convert "
                       "it to raw, or give format=raw to use it as it is",
                       path, formats[i].name);
            return false;
        }
    }
    return true;
}

static bool image_measure(Image *img, const char *path, GError **errp)
{
    struct stat st;
    off_t end;

    if (fstat(img->fd, &st) == 0 && S_ISDIR(st.st_mode)) {
        error_setg(errp, "Could not open '%s': it is a directory", path);
        return false;
    }
    end = lseek(img->fd, 0, SEEK_END);
    if (end < 0) {
        error_setg(errp, "Could not get the size of '%s': %s", path,
                   g_strerror(errno));
        return false;
    }
    img->size_bytes = end;
    return true;
}

bool image_open(Image *img, const char *path, bool writable, bool sync,
                bool probe, GError **errp)
{
    int flags = (writable ? O_RDWR : O_RDONLY) | (sync ? O_DSYNC : 0);

    /* O_NONBLOCK: a FIFO must not hold us up; files ignore it. */
    img->fd = open(path, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (img->fd < 0) {
        error_setg(errp, "Could not open '%s': %s", path, g_strerror(errno));
        return false;
    }
    if (!image_measure(img, path, errp) ||
        !image_lock(img, path, writable, errp) ||
        (probe && !image_probe(img, path, errp))) {
        image_close(img);
        return false;
    }
    return true;
}

void image_close(Image *img)
{
    if (img->fd >= 0) {
        close(img->fd);
        img->fd = -1;
    }
}

/* --- whole transfers out of partial ones --- */

/* Drop the first @n bytes. */
static void iov_advance(struct iovec **iov, unsigned *niov, size_t n)
{
    while (*niov > 0 && n >= (*iov)->iov_len) {
        n -= (*iov)->iov_len;
        (*iov)++;
        (*niov)--;
    }
    if (*niov > 0) {
        (*iov)->iov_base = (char *)(*iov)->iov_base + n;
        (*iov)->iov_len -= n;
    }
}

static void iov_zero(const struct iovec *iov, unsigned niov)
{
    for (unsigned i = 0; i < niov; i++) {
        memset(iov[i].iov_base, 0, iov[i].iov_len);
    }
}

typedef ssize_t TransferFunc(int fd, const struct iovec *iov, int niov,
                             off_t offset);

static int image_transfer(const Image *img, TransferFunc *fn, bool write,
                          uint64_t offset, const struct iovec *iov,
                          unsigned niov)
{
    g_autofree struct iovec *copy = g_memdup2(iov, niov * sizeof(*iov));
    struct iovec *rest = copy;

    iov_advance(&rest, &niov, 0); /* empty entries at the front */
    while (niov > 0) {
        ssize_t n = fn(img->fd, rest, MIN(niov, IOV_MAX), offset);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return errno;
        }
        if (n == 0) {
            if (write) {
                return ENOSPC;
            }
            iov_zero(rest, niov); /* past the end of the file */
            return 0;
        }
        offset += n;
        iov_advance(&rest, &niov, n);
    }
    return 0;
}

int image_readv(const Image *img, uint64_t offset, const struct iovec *iov,
                unsigned niov)
{
    return image_transfer(img, preadv, false, offset, iov, niov);
}

int image_writev(const Image *img, uint64_t offset, const struct iovec *iov,
                 unsigned niov)
{
    return image_transfer(img, pwritev, true, offset, iov, niov);
}

int image_flush(const Image *img)
{
    int rc;

    do {
        rc = fdatasync(img->fd);
    } while (rc < 0 && errno == EINTR);
    return rc < 0 ? errno : 0;
}
