/* SPDX-License-Identifier: MIT */
/* QMP's handlers for character back-ends. */
#include <string.h>

#include "chardev/char.h"
#include "monitor/command.h"

static void put_chardev(struct Chardev *chr, void *opaque)
{
    json_object *entry = json_object_new_object();

    put_bool(entry, "frontend-open", chardev_frontend_open(chr));
    put_str(entry, "filename", chardev_filename(chr));
    put_str(entry, "label", chardev_id(chr));
    json_object_array_add(opaque, entry);
}

json_object *cmd_query_chardev(MonCall *call, json_object *args, GError **errp)
{
    json_object *list = json_object_new_array();

    chardev_foreach(put_chardev, list);
    return list;
}

json_object *cmd_chardev_remove(MonCall *call, json_object *args, GError **errp)
{
    chardev_remove(arg_str(args, "id", ""), errp);
    return NULL;
}

/* --- ring buffers --- */

static Chardev *ringbuf_find(json_object *args, GError **errp)
{
    const char *id = arg_str(args, "device", "");
    Chardev *chr = chardev_find(id);

    if (!chr) {
        error_setg(errp, "Device '%s' not found", id);
    }
    return chr;
}

/* "utf8" is the default. */
static bool ringbuf_is_base64(json_object *args)
{
    return strcmp(arg_str(args, "format", "utf8"), "base64") == 0;
}

json_object *cmd_ringbuf_read(MonCall *call, json_object *args, GError **errp)
{
    Chardev *chr = ringbuf_find(args, errp);
    int64_t size = arg_int(args, "size", 0);
    g_autofree uint8_t *data = NULL;
    g_autofree char *text = NULL;
    size_t len;

    if (!chr) {
        return NULL;
    }
    if (size <= 0) {
        error_setg(errp, "size must be greater than zero");
        return NULL;
    }
    data = char_ringbuf_read(chr, size, &len, errp);
    if (!data) {
        return NULL;
    }
    text = ringbuf_is_base64(args) ? g_base64_encode(data, len)
                                   : g_utf8_make_valid((const char *)data, len);
    return json_object_new_string(text);
}

json_object *cmd_ringbuf_write(MonCall *call, json_object *args, GError **errp)
{
    Chardev *chr = ringbuf_find(args, errp);
    const char *text = arg_str(args, "data", "");
    g_autofree uint8_t *data = NULL;
    size_t len = strlen(text);

    if (!chr) {
        return NULL;
    }
    if (ringbuf_is_base64(args)) {
        data = g_base64_decode(text, &len);
    }
    char_ringbuf_write(chr, data ? data : (const uint8_t *)text, len, errp);
    return NULL;
}

/* --- adding --- */

json_object *cmd_query_chardev_backends(MonCall *call, json_object *args,
                                        GError **errp)
{
    json_object *list = json_object_new_array();
    const char *name;

    for (unsigned i = 0; (name = chardev_type_at(i)); i++) {
        json_object *entry = json_object_new_object();

        put_str(entry, "name", name);
        json_object_array_add(list, entry);
    }
    return list;
}

/* The words of -chardev for QMP's members, where the two differ. */
static void chardev_rename(KeyVal *to, const char *key, const char *value)
{
    static const char *const names[][2] = {
        { "in", "input-path" },       { "out", "path" },
        { "device", "path" },         { "addr.data.path", "path" },
        { "addr.data.host", "host" }, { "addr.data.port", "port" },
        { "addr.data.str", "fd" },
    };

    for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
        if (strcmp(names[i][0], key) == 0) {
            key = names[i][1];
        }
    }
    if (strcmp(key, "addr.type") != 0) {
        keyval_set(to, key, value);
    }
}

/* Nobody waits for a client: the machine would stand still. */
static bool chardev_socket_options(KeyVal *kv, bool server, GError **errp)
{
    bool wait;

    if (!keyval_get_bool(kv, "server", server, &server, errp) ||
        !keyval_get_bool(kv, "wait", false, &wait, errp)) {
        return false;
    }
    if (wait) {
        error_setg(errp, "'wait' is not supported for a socket that is added "
                         "to a running machine");
        return false;
    }
    if (server) {
        keyval_set(kv, "server", "on");
        keyval_set(kv, "wait", "off");
    }
    return true;
}

static KeyVal *chardev_options(json_object *args, GError **errp)
{
    json_object *backend = arg_get(args, "backend");
    const char *type = arg_str(backend, "type", "");
    g_autoptr(KeyVal) from = keyval_new(), to = keyval_new();
    const char *key;

    json_to_keyval(arg_get(backend, "data"), "", from);
    for (unsigned i = 0; (key = keyval_key(from, i)); i++) {
        chardev_rename(to, key, keyval_get(from, key, NULL));
    }
    keyval_set(to, "backend", type);
    keyval_set(to, "id", arg_str(args, "id", ""));
    /* QMP's sockets listen unless they are told not to. */
    if (strcmp(type, "socket") == 0 &&
        !chardev_socket_options(to, true, errp)) {
        return NULL;
    }
    return g_steal_pointer(&to);
}

json_object *cmd_chardev_add(MonCall *call, json_object *args, GError **errp)
{
    const char *id = arg_str(args, "id", "");
    g_autoptr(KeyVal) kv = NULL;
    json_object *result;
    Chardev *chr;

    if (chardev_find(id)) {
        error_setg(errp, "Chardev with id '%s' already exists", id);
        return NULL;
    }
    kv = chardev_options(args, errp);
    chr = kv ? chardev_add(kv, errp) : NULL;
    if (!chr) {
        g_prefix_error(errp, "Failed to add chardev '%s': ", id);
        return NULL;
    }
    result = json_object_new_object();
    if (strcmp(chardev_type_name(chr), "pty") == 0) {
        put_str(result, "pty", chardev_filename(chr) + strlen("pty:"));
    }
    return result;
}

/* HMP: the words of -chardev. */
json_object *cmd_hmp_chardev_add(MonCall *call, json_object *args,
                                 GError **errp)
{
    g_autoptr(KeyVal) kv =
        keyval_parse(arg_str(args, "opts", ""), "backend", errp);

    if (kv && (strcmp(keyval_get(kv, "backend", ""), "socket") != 0 ||
               chardev_socket_options(kv, false, errp))) {
        chardev_add(kv, errp);
    }
    return NULL;
}

/* --- yank: an end to connections that do not end by themselves --- */

static void put_yank(struct Chardev *chr, void *opaque)
{
    json_object *entry;

    if (strcmp(chardev_type_name(chr), "socket") == 0) {
        entry = json_object_new_object();
        put_str(entry, "type", "chardev");
        put_str(entry, "id", chardev_id(chr));
        json_object_array_add(opaque, entry);
    }
}

json_object *cmd_query_yank(MonCall *call, json_object *args, GError **errp)
{
    json_object *list = json_object_new_array();

    chardev_foreach(put_yank, list);
    return list;
}

static Chardev *yank_find(json_object *instance)
{
    const char *id = arg_str(instance, "id", NULL);
    Chardev *chr = id ? chardev_find(id) : NULL;

    return chr && strcmp(chardev_type_name(chr), "socket") == 0 ? chr : NULL;
}

/* All of them or none. */
json_object *cmd_yank(MonCall *call, json_object *args, GError **errp)
{
    json_object *list = arg_get(args, "instances");
    size_t n = json_object_array_length(list);

    for (size_t i = 0; i < n; i++) {
        if (!yank_find(json_object_array_get_idx(list, i))) {
            return cmd_error(errp, ERR_DEVICE_NOT_FOUND, "Instance not found");
        }
    }
    for (size_t i = 0; i < n; i++) {
        chardev_disconnect(yank_find(json_object_array_get_idx(list, i)));
    }
    return NULL;
}
