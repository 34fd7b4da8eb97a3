/* SPDX-License-Identifier: MIT */
/*
 * snapshot=on: writes go to a temporary file without a name, which is gone
 * with the process.  It is copied to cluster by cluster; a bitmap tells which
 * clusters it holds, the others are read from the image below.
 *
 * Requests run on several threads.  The lock covers the bitmap and the copying
 * of a cluster: who sees its bit set may read and write the overlay there, as
 * the old contents are in place.
 */
#include "block/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "util/error.h"

#define CLUSTER_BYTES (64 * KiB)

struct Overlay {
    const Image *base;
    Image file;
    uint64_t size_bytes; /* of the disk */
    GMutex lock;         /* guards the next two */
    uint8_t *present;    /* a bit a cluster */
    uint8_t *buffer;     /* one cluster, for copying */
};

Overlay *overlay_new(const Image *base, uint64_t size_bytes, GError **errp)
{
    const char *dir = g_getenv("TMPDIR");
    g_autofree char *path =
        g_strdup_printf("%s/heddle-XXXXXX", dir ? dir : "/var/tmp");
    uint64_t clusters = (size_bytes + CLUSTER_BYTES - 1) / CLUSTER_BYTES;
    int fd = mkostemp(path, O_CLOEXEC);
    Overlay *o;

    if (fd < 0) {
        error_setg(errp,
                   "snapshot=on: could not create '%s': %s (TMPDIR "
                   "names another directory)",
                   path, g_strerror(errno));
        return NULL;
    }
    unlink(path);
    o = g_new0(Overlay, 1);
    o->base = base;
    o->file.fd = fd;
    o->size_bytes = size_bytes;
    o->present = g_malloc0(clusters / 8 + 1);
    o->buffer = g_malloc(CLUSTER_BYTES);
    g_mutex_init(&o->lock);
    return o;
}

void overlay_free(Overlay *o)
{
    if (o) {
        image_close(&o->file);
        g_mutex_clear(&o->lock);
        g_free(o->present);
        g_free(o->buffer);
        g_free(o);
    }
}

static bool cluster_present(const Overlay *o, uint64_t cluster)
{
    return o->present[cluster / 8] >> (cluster % 8) & 1;
}

static bool cluster_present_locking(Overlay *o, uint64_t cluster)
{
    bool present;

    g_mutex_lock(&o->lock);
    present = cluster_present(o, cluster);
    g_mutex_unlock(&o->lock);
    return present;
}

/* Copy the cluster up if it is not there.  Locks: o->lock. */
static int cluster_make_present(Overlay *o, uint64_t cluster)
{
    uint64_t offset = cluster * CLUSTER_BYTES;
    struct iovec iov = {o->buffer, MIN(CLUSTER_BYTES, o->size_bytes - offset)};
    int err;

    if (cluster_present(o, cluster)) {
        return 0;
    }
    err = image_readv(o->base, offset, &iov, 1);
    if (!err) {
        err = image_writev(&o->file, offset, &iov, 1);
    }
    if (!err) {
        o->present[cluster / 8] |= 1 << (cluster % 8);
    }
    return err;
}

/* Each run of clusters that are all here or all below is read at once. */
int overlay_readv(Overlay *o, uint64_t offset, const struct iovec *iov,
                  unsigned niov)
{
    g_autofree struct iovec *slice = g_new(struct iovec, niov);
    uint64_t total = iov_bytes(iov, niov), done = 0;

    while (done < total) {
        uint64_t pos = offset + done;
        uint64_t cluster = pos / CLUSTER_BYTES;
        bool present = cluster_present_locking(o, cluster);
        uint64_t end = (cluster + 1) * CLUSTER_BYTES;
        unsigned n;
        int err;

        while (end < offset + total &&
               cluster_present_locking(o, end / CLUSTER_BYTES) == present) {
            end += CLUSTER_BYTES;
        }
        end = MIN(end, offset + total);
        n = iov_slice(slice, iov, niov, done, end - pos);
        err = image_readv(present ? &o->file : o->base, pos, slice, n);
        if (err) {
            return err;
        }
        done += end - pos;
    }
    return 0;
}

int overlay_writev(Overlay *o, uint64_t offset, const struct iovec *iov,
                   unsigned niov)
{
    uint64_t total = iov_bytes(iov, niov);
    int err = 0;

    if (total == 0) {
        return 0;
    }
    g_mutex_lock(&o->lock);
    for (uint64_t c = offset / CLUSTER_BYTES;
         !err && c <= (offset + total - 1) / CLUSTER_BYTES; c++) {
        err = cluster_make_present(o, c);
    }
    g_mutex_unlock(&o->lock);
    return err ? err : image_writev(&o->file, offset, iov, niov);
}
