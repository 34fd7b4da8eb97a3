/* SPDX-License-Identifier: MIT */
/*
 * The back-end "ringbuf": keeps the last bytes written, for a monitor to read.
 * -chardev ringbuf,size=BYTES (a power of two; 64 KiB by default)
 */
#include "chardev/backend.h"

#include "util/error.h"

#define RINGBUF_DEFAULT_BYTES (64 * KiB)
#define RINGBUF_MAX_BYTES     (16 * MiB)

typedef struct RingbufChardev {
    Chardev chr;
    uint8_t *data;
    uint64_t size;               /* a power of two */
    uint64_t produced, consumed; /* byte counts; their difference <= size */
} RingbufChardev;

static RingbufChardev *ringbuf_of(Chardev *chr)
{
    return container_of(chr, RingbufChardev, chr);
}

static bool ringbuf_open(Chardev *chr, KeyVal *opts, GError **errp)
{
    RingbufChardev *r = ringbuf_of(chr);

    if (!keyval_get_size(opts, "size", RINGBUF_DEFAULT_BYTES, &r->size, 'B',
                         errp)) {
        return false;
    }
    if (r->size == 0 || r->size > RINGBUF_MAX_BYTES ||
        (r->size & (r->size - 1)) != 0) {
        error_setg(errp, "size of ringbuf chardev must be a power of two, "
                         "at most 16M");
        return false;
    }
    r->data = g_malloc(r->size);
    return true;
}

static void ringbuf_close(Chardev *chr)
{
    g_free(ringbuf_of(chr)->data);
}

/* The oldest bytes give way. */
static size_t ringbuf_write(Chardev *chr, const uint8_t *buf, size_t len)
{
    RingbufChardev *r = ringbuf_of(chr);

    for (size_t i = 0; i < len; i++) {
        r->data[r->produced++ & (r->size - 1)] = buf[i];
    }
    if (r->produced - r->consumed > r->size) {
        r->consumed = r->produced - r->size;
    }
    return len;
}

uint8_t *char_ringbuf_read(Chardev *chr, size_t max, size_t *len, GError **errp)
{
    RingbufChardev *r;
    uint8_t *out;

    if (chr->ops != &char_ringbuf_ops) {
        error_setg(errp, "%s is not a ringbuf device", chr->id);
        return NULL;
    }
    r = ringbuf_of(chr);
    *len = MIN(max, r->produced - r->consumed);
    out = g_malloc(*len + 1);
    for (size_t i = 0; i < *len; i++) {
        out[i] = r->data[r->consumed++ & (r->size - 1)];
    }
    return out;
}

bool char_ringbuf_write(Chardev *chr, const uint8_t *buf, size_t len,
                        GError **errp)
{
    if (chr->ops != &char_ringbuf_ops) {
        error_setg(errp, "%s is not a ringbuf device", chr->id);
        return false;
    }
    ringbuf_write(chr, buf, len);
    return true;
}

const ChardevOps char_ringbuf_ops = {
    .name = "ringbuf",
    .size = sizeof(RingbufChardev),
    .open = ringbuf_open,
    .close = ringbuf_close,
    .write = ringbuf_write,
};
