/* SPDX-License-Identifier: MIT */
/*
 * QMP's handlers for disks: what the block layer knows of its back-ends, and
 * blockdev-add for raw images.  Snapshots, resizing and changing media are not
 * there: they answer that.
 */
#include <errno.h>
#include <string.h>

#include "block/block.h"
#include "hw/device.h"
#include "monitor/qom.h"

/* --- queries --- */

/* Limits that are not set. */
static void put_throttle(json_object *info)
{
    static const char *const names[] = { "bps",  "bps_rd",  "bps_wr",
                                         "iops", "iops_rd", "iops_wr" };

    for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
        put_int(info, names[i], 0);
    }
}

static json_object *block_image(const BlockBackend *blk)
{
    json_object *image = json_object_new_object();

    put_str(image, "filename", block_filename(blk));
    put_str(image, "format", "raw");
    put_int(image, "virtual-size", (int64_t)block_size_bytes(blk));
    return image;
}

static json_object *block_cache(const BlockBackend *blk)
{
    json_object *cache = json_object_new_object();

    put_bool(cache, "writeback", true);
    put_bool(cache, "direct", false);
    put_bool(cache, "no-flush", block_ignores_flush(blk));
    return cache;
}

static json_object *block_inserted(const BlockBackend *blk)
{
    json_object *info = json_object_new_object();

    put_throttle(info);
    put_str(info, "file", block_filename(blk));
    put_str(info, "node-name", block_id(blk));
    put_bool(info, "ro", block_is_readonly(blk));
    put_str(info, "drv", "raw");
    put_int(info, "backing_file_depth", 0);
    put_bool(info, "encrypted", false);
    put_str(info, "detect_zeroes", "off");
    put_int(info, "write_threshold", 0);
    json_object_object_add(info, "image", block_image(blk));
    json_object_object_add(info, "cache", block_cache(blk));
    return info;
}

static const char *block_io_status(const BlockBackend *blk)
{
    int error = block_stop_error(blk);

    return error == ENOSPC ? "nospace" : error ? "failed" : "ok";
}

static void put_block(BlockBackend *blk, void *opaque)
{
    json_object *entry = json_object_new_object();
    const char *user = block_user(blk);

    put_str(entry, "device", block_id(blk));
    put_str(entry, "type", "unknown");
    put_bool(entry, "removable", block_is_cdrom(blk));
    put_bool(entry, "locked", false);
    put_str(entry, "io-status", block_io_status(blk));
    if (user) {
        put_str(entry, "qdev", user);
    }
    if (block_is_cdrom(blk)) {
        put_bool(entry, "tray_open", false);
    }
    if (block_filename(blk)) {
        json_object_object_add(entry, "inserted", block_inserted(blk));
    }
    json_object_array_add(opaque, entry);
}

json_object *cmd_query_block(MonCall *call, json_object *args, GError **errp)
{
    json_object *list = json_object_new_array();

    block_foreach(put_block, list);
    return list;
}

static void put_node(BlockBackend *blk, void *opaque)
{
    if (block_filename(blk)) {
        json_object_array_add(opaque, block_inserted(blk));
    }
}

json_object *cmd_query_named_block_nodes(MonCall *call, json_object *args,
                                         GError **errp)
{
    json_object *list = json_object_new_array();

    block_foreach(put_node, list);
    return list;
}

/* What the block layer counts, and zeroes for what it does not do. */
static json_object *block_stats(const BlockBackend *blk)
{
    static const char *const none[] = {
        "unmap_bytes",
        "unmap_operations",
        "unmap_total_time_ns",
        "wr_highest_offset",
        "rd_merged",
        "wr_merged",
        "unmap_merged",
        "rd_total_time_ns",
        "wr_total_time_ns",
        "flush_total_time_ns",
        "invalid_rd_operations",
        "invalid_wr_operations",
        "invalid_flush_operations",
        "invalid_unmap_operations",
        "failed_unmap_operations",
    };
    json_object *stats = json_object_new_object();
    BlockCounts c = block_counts(blk);

    put_int(stats, "rd_bytes", (int64_t)c.read_bytes);
    put_int(stats, "wr_bytes", (int64_t)c.written_bytes);
    put_int(stats, "rd_operations", (int64_t)c.reads);
    put_int(stats, "wr_operations", (int64_t)c.writes);
    put_int(stats, "flush_operations", (int64_t)c.flushes);
    put_int(stats, "failed_rd_operations", (int64_t)c.failed_reads);
    put_int(stats, "failed_wr_operations", (int64_t)c.failed_writes);
    put_int(stats, "failed_flush_operations", (int64_t)c.failed_flushes);
    for (unsigned i = 0; i < ARRAY_LEN(none); i++) {
        put_int(stats, none[i], 0);
    }
    put_bool(stats, "account_invalid", false);
    put_bool(stats, "account_failed", true);
    json_object_object_add(stats, "timed_stats", json_object_new_array());
    return stats;
}

static void put_stats(BlockBackend *blk, void *opaque)
{
    json_object *entry = json_object_new_object();

    put_str(entry, "device", block_id(blk));
    if (block_user(blk)) {
        put_str(entry, "qdev", block_user(blk));
    }
    if (block_filename(blk)) {
        put_str(entry, "node-name", block_id(blk));
    }
    json_object_object_add(entry, "stats", block_stats(blk));
    json_object_array_add(opaque, entry);
}

json_object *cmd_query_blockstats(MonCall *call, json_object *args,
                                  GError **errp)
{
    json_object *list = json_object_new_array();

    block_foreach(put_stats, list);
    return list;
}

/* --- adding and removing --- */

/* {"driver": "raw", "file": {"driver": "file", "filename": ...}}, or the file
 * alone: what -drive calls file=. */
static const char *blockdev_filename(json_object *args, GError **errp)
{
    json_object *file = arg_get(args, "file"), *name;

    if (strcmp(arg_str(args, "driver", ""), "file") == 0) {
        return arg_str(args, "filename", "");
    }
    name = json_object_is_type(file, json_type_object)
               ? arg_get(file, "filename")
               : NULL;
    if (!name || strcmp(arg_str(file, "driver", ""), "file") != 0) {
        error_setg(errp, "Parameter 'file' expects an object with driver "
                         "'file' and a filename");
        return NULL;
    }
    return json_object_get_string(name);
}

json_object *cmd_blockdev_add(MonCall *call, json_object *args, GError **errp)
{
    const char *node = arg_str(args, "node-name", NULL), *file;
    bool no_flush = arg_bool(arg_get(args, "cache"), "no-flush", false);
    g_autoptr(KeyVal) kv = keyval_new();

    if (!node) {
        error_setg(errp, "'node-name' must be specified for the root node");
        return NULL;
    }
    if (block_find(node)) {
        error_setg(errp, "Duplicate nodes with node-name='%s'", node);
        return NULL;
    }
    file = blockdev_filename(args, errp);
    if (!file) {
        return NULL;
    }
    keyval_set(kv, "id", node);
    keyval_set(kv, "file", file);
    keyval_set(kv, "format", "raw");
    keyval_set(kv, "if", "none");
    keyval_set(kv, "cache", no_flush ? "unsafe" : "writeback");
    keyval_set(kv, "readonly",
               arg_bool(args, "read-only", false) ? "on" : "off");
    block_drive_add(kv, errp);
    return NULL;
}

json_object *cmd_blockdev_del(MonCall *call, json_object *args, GError **errp)
{
    const char *node = arg_str(args, "node-name", "");
    BlockBackend *blk = block_find(node);

    if (!blk) {
        error_setg(errp, "Failed to find node with node-name='%s'", node);
    } else if (block_user(blk)) {
        error_setg(errp, "Node %s is in use", node);
    } else {
        block_remove(blk);
    }
    return NULL;
}

/* HMP's: a drive that nobody uses. */
json_object *cmd_drive_del(MonCall *call, json_object *args, GError **errp)
{
    const char *id = arg_str(args, "id", "");
    BlockBackend *blk = block_find(id);

    if (!blk) {
        return cmd_error(errp, ERR_DEVICE_NOT_FOUND, "Device '%s' not found",
                         id);
    }
    if (block_user(blk)) {
        error_setg(errp, "Device '%s' is in use by %s: remove that first", id,
                   block_user(blk));
        return NULL;
    }
    block_remove(blk);
    return NULL;
}

/* The address is of times when controllers were asked for a place by it; the
 * device is made with device_add. */
json_object *cmd_hmp_drive_add(MonCall *call, json_object *args, GError **errp)
{
    g_autoptr(KeyVal) kv = keyval_parse(arg_str(args, "opts", ""), NULL, errp);

    if (!kv) {
        return NULL;
    }
    if (strcmp(keyval_get(kv, "if", "ide"), "none") != 0) {
        error_setg(errp, "Can't hot-add drive to type %s: use if=none",
                   keyval_get(kv, "if", "ide"));
    } else if (block_drive_add(kv, errp)) {
        g_string_append(call->out, "OK\n");
    }
    return NULL;
}

/* --- what is not there --- */

/* The back-end that "device" or "node-name" names. */
static BlockBackend *find_device_or_node(json_object *args, GError **errp)
{
    const char *device = arg_str(args, "device", "");
    const char *node = arg_str(args, "node-name", "");
    BlockBackend *blk = block_find(*device ? device : node);

    if (!blk) {
        error_setg(errp, "Cannot find device='%s' nor node-name='%s'", device,
                   node);
    }
    return blk;
}

json_object *cmd_block_snapshot(MonCall *call, json_object *args, GError **errp)
{
    if (find_device_or_node(args, errp)) {
        error_setg(errp, "Snapshots are not supported: no format of images "
                         "has backing files");
    }
    return NULL;
}

json_object *cmd_block_resize(MonCall *call, json_object *args, GError **errp)
{
    if (find_device_or_node(args, errp)) {
        error_setg(errp, "Resizing an image in use is not supported");
    }
    return NULL;
}

/* The drive that "device" or "id", of a device, names. */
static BlockBackend *find_removable(json_object *args, GError **errp)
{
    const char *device = arg_str(args, "device", NULL);
    const char *id = arg_str(args, "id", NULL);
    BlockBackend *blk;

    if (!device == !id) {
        error_setg(errp, "Need exactly one of 'device' and 'id'");
        return NULL;
    }
    blk = block_find(device ? device : id);
    if (!blk) {
        cmd_error(errp, ERR_DEVICE_NOT_FOUND, "Device '%s' not found",
                  device ? device : id);
    } else if (!block_is_cdrom(blk)) {
        error_setg(errp, "Device '%s' is not removable", device ? device : id);
        blk = NULL;
    }
    return blk;
}

json_object *cmd_eject(MonCall *call, json_object *args, GError **errp)
{
    if (find_removable(args, errp)) {
        error_setg(errp, "Changing media is not supported: no drive has a "
                         "tray");
    }
    return NULL;
}

json_object *cmd_change_medium(MonCall *call, json_object *args, GError **errp)
{
    return cmd_eject(call, args, errp);
}

/* Overlays are temporary: what a guest wrote goes with them. */
json_object *cmd_hmp_commit(MonCall *call, json_object *args, GError **errp)
{
    const char *device = arg_str(args, "device", "");

    if (strcmp(device, "all") != 0 && !block_find(device)) {
        return cmd_error(errp, ERR_DEVICE_NOT_FOUND, "Device '%s' not found",
                         device);
    }
    error_setg(errp, "'commit' is not supported: the overlay of -snapshot is "
                     "temporary");
    return NULL;
}
