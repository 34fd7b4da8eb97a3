/* SPDX-License-Identifier: MIT */
/* Disk back-ends: -drive, and who owns which. */
#include <string.h>

#include "block/internal.h"
#include "util/error.h"

static GQueue backends = G_QUEUE_INIT; /* BlockBackend, oldest first */

BlockBackend *block_find(const char *id)
{
    for (GList *l = backends.head; l; l = l->next) {
        BlockBackend *blk = l->data;

        if (strcmp(blk->id, id) == 0) {
            return blk;
        }
    }
    return NULL;
}

const char *block_id(const BlockBackend *blk)
{
    return blk->id;
}

const char *block_interface(const BlockBackend *blk)
{
    return blk->interface;
}

const char *block_user(const BlockBackend *blk)
{
    return blk->user;
}

unsigned block_index(const BlockBackend *blk)
{
    return blk->index;
}

bool block_is_cdrom(const BlockBackend *blk)
{
    return blk->cdrom;
}

uint64_t block_size_bytes(const BlockBackend *blk)
{
    return blk->size_bytes;
}

bool block_is_readonly(const BlockBackend *blk)
{
    return blk->readonly;
}

const char *block_filename(const BlockBackend *blk)
{
    return blk->filename;
}

bool block_ignores_flush(const BlockBackend *blk)
{
    return blk->no_flush;
}

int block_stop_error(const BlockBackend *blk)
{
    return blk->stop_error;
}

BlockCounts block_counts(const BlockBackend *blk)
{
    return blk->counts;
}

void block_foreach(void (*fn)(BlockBackend *blk, void *opaque), void *opaque)
{
    GList *next;

    for (GList *l = backends.head; l; l = next) {
        next = l->next;
        fn(l->data, opaque);
    }
}

/* A second device would write behind the first one's back. */
bool block_attach(BlockBackend *blk, const char *user, GError **errp)
{
    if (blk->user) {
        error_setg(errp,
                   "Drive '%s' is already in use by %s: a drive serves "
                   "one device",
                   blk->id, blk->user);
        return false;
    }
    blk->user = g_strdup(user);
    return true;
}

void block_detach(BlockBackend *blk)
{
    g_clear_pointer(&blk->user, g_free);
    blk->device_rerror = blk->device_werror = BLOCK_ON_ERROR_AUTO;
}

static void block_free(BlockBackend *blk)
{
    overlay_free(blk->overlay);
    image_close(&blk->image);
    g_free(blk->id);
    g_free(blk->interface);
    g_free(blk->user);
    g_free(blk->filename);
    g_free(blk);
}

/* Nothing is on its way: requests come from devices, which wait for theirs. */
void block_remove(BlockBackend *blk)
{
    g_assert(!blk->user);
    block_wait_requests();
    g_queue_remove(&backends, blk);
    block_free(blk);
}

void block_close_all(void)
{
    BlockBackend *blk;

    while ((blk = g_queue_pop_head(&backends))) {
        block_free(blk);
    }
}

/* --- -drive --- */

typedef struct DriveOptions {
    const char *file;
    bool snapshot, sync, probe;
} DriveOptions;

static bool drive_cache(BlockBackend *blk, DriveOptions *o, const char *mode,
                        GError **errp)
{
    o->sync =
        strcmp(mode, "writethrough") == 0 || strcmp(mode, "directsync") == 0;
    blk->no_flush = strcmp(mode, "unsafe") == 0;
    /* "none" asks the host not to cache, which it may do all the same. */
    if (!o->sync && !blk->no_flush && strcmp(mode, "none") != 0 &&
        strcmp(mode, "off") != 0 && strcmp(mode, "writeback") != 0) {
        error_setg(errp,
                   "invalid cache option '%s': use none, writeback, "
                   "writethrough, directsync or unsafe",
                   mode);
        return false;
    }
    return true;
}

/* Without format= the image is raw, unless it looks like something else. */
static bool drive_format(DriveOptions *o, const char *format, GError **errp)
{
    o->probe = !format;
    if (format && strcmp(format, "raw") != 0) {
        error_setg(errp, "Unknown driver '%s': the only format is raw", format);
        return false;
    }
    return true;
}

static bool drive_media(BlockBackend *blk, const char *media, GError **errp)
{
    blk->cdrom = strcmp(media, "cdrom") == 0;
    if (!blk->cdrom && strcmp(media, "disk") != 0) {
        error_setg(errp, "'%s' invalid media: use disk or cdrom", media);
        return false;
    }
    return true;
}

static bool drive_interface(BlockBackend *blk, const char *name, GError **errp)
{
    static const char *const names[] = {"none", "ide",    "virtio",
                                        "scsi", "floppy", "sd"};

    for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
        if (strcmp(name, names[i]) == 0) {
            blk->interface = g_strdup(name);
            return true;
        }
    }
    error_setg(errp, "unsupported bus type '%s'", name);
    return false;
}

/* Hints about how the host does its work, which need no obeying. */
static void drive_ignore_hints(KeyVal *kv)
{
    static const char *const hints[] = {"aio", "discard", "detect-zeroes",
                                        "copy-on-read"};

    for (unsigned i = 0; i < ARRAY_LEN(hints); i++) {
        keyval_get(kv, hints[i], NULL);
    }
}

/* One past the highest that is used with that interface. */
static unsigned drive_next_index(const char *interface)
{
    unsigned next = 0;

    for (GList *l = backends.head; l; l = l->next) {
        BlockBackend *blk = l->data;

        if (strcmp(blk->interface, interface) == 0) {
            next = MAX(next, blk->index + 1);
        }
    }
    return next;
}

/* IDE has two units a bus; the others count straight on. */
static char *drive_default_id(const BlockBackend *blk)
{
    const char *media = blk->cdrom ? "cd" : "hd";

    return strcmp(blk->interface, "ide") == 0
               ? g_strdup_printf("ide%u-%s%u", blk->index / 2, media,
                                 blk->index % 2)
               : g_strdup_printf("%s%u", blk->interface, blk->index);
}

/* id, interface and index, which name the drive when id= does not. */
static bool drive_place(BlockBackend *blk, KeyVal *kv, GError **errp)
{
    const char *id = keyval_get(kv, "id", NULL);
    uint64_t index;

    if (!drive_interface(blk, keyval_get(kv, "if", "ide"), errp) ||
        !keyval_get_uint(kv, "index", drive_next_index(blk->interface), 1024,
                         &index, errp)) {
        return false;
    }
    blk->index = index;
    blk->id = id ? g_strdup(id) : drive_default_id(blk);
    if (block_find(blk->id)) {
        error_setg(errp,
                   id ? "Duplicate ID '%s' for drive"
                      : "drive '%s' is given twice: choose another "
                        "index=",
                   blk->id);
        return false;
    }
    return true;
}

static bool drive_parse(BlockBackend *blk, KeyVal *kv, DriveOptions *o,
                        GError **errp)
{
    const char *read_only =
        keyval_has(kv, "read-only") ? "read-only" : "readonly";

    o->file = keyval_get(kv, "file", NULL);
    drive_ignore_hints(kv);
    if (!drive_media(blk, keyval_get(kv, "media", "disk"), errp) ||
        !drive_place(blk, kv, errp) ||
        !drive_format(o, keyval_get(kv, "format", NULL), errp) ||
        !drive_cache(blk, o, keyval_get(kv, "cache", "writeback"), errp) ||
        !on_error_parse(kv, "rerror", BLOCK_ON_ERROR_REPORT, &blk->rerror,
                        errp) ||
        !on_error_parse(kv, "werror", BLOCK_ON_ERROR_ENOSPC, &blk->werror,
                        errp) ||
        !keyval_get_bool(kv, "snapshot", false, &o->snapshot, errp) ||
        !keyval_get_bool(kv, read_only, blk->cdrom, &blk->readonly, errp) ||
        !keyval_check_used(kv, errp)) {
        return false;
    }
    if (!o->file && !blk->cdrom) {
        error_setg(errp, "Device needs media, but drive is empty: give file=");
        return false;
    }
    return true;
}

/* A snapshot only reads its image, so it shares it with other readers. */
static bool drive_open(BlockBackend *blk, const DriveOptions *o, GError **errp)
{
    bool snapshot = o->snapshot && !blk->readonly;

    if (!o->file) {
        return true; /* a CD-ROM drive without a disc */
    }
    blk->filename = g_strdup(o->file);
    if (!image_open(&blk->image, o->file, !blk->readonly && !snapshot, o->sync,
                    o->probe, errp)) {
        return false;
    }
    blk->size_bytes = ROUND_UP(blk->image.size_bytes, BLOCK_SECTOR_BYTES);
    if (snapshot) {
        blk->overlay = overlay_new(&blk->image, blk->size_bytes, errp);
    }
    return !snapshot || blk->overlay;
}

BlockBackend *block_drive_add(KeyVal *opts, GError **errp)
{
    BlockBackend *blk = g_new0(BlockBackend, 1);
    DriveOptions o = {0};

    blk->image.fd = -1;
    if (!drive_parse(blk, opts, &o, errp) || !drive_open(blk, &o, errp)) {
        block_free(blk);
        return NULL;
    }
    g_queue_push_tail(&backends, blk);
    return blk;
}
