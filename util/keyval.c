/* SPDX-License-Identifier: MIT */
/* Option strings: the key=value syntax, its JSON form, and typed getters. */
#include "util/keyval.h"

#include <json-c/json.h>
#include <string.h>

#include "util/error.h"

typedef struct Pair {
    char *key;
    char *value;
    bool used;
} Pair;

struct KeyVal {
    GPtrArray *pairs; /* Pair, in the order of their first mention */
};

static void pair_free(gpointer data)
{
    Pair *pair = data;

    g_free(pair->key);
    g_free(pair->value);
    g_free(pair);
}

KeyVal *keyval_new(void)
{
    KeyVal *kv = g_new(KeyVal, 1);

    kv->pairs = g_ptr_array_new_with_free_func(pair_free);
    return kv;
}

void keyval_free(KeyVal *kv)
{
    if (kv) {
        g_ptr_array_free(kv->pairs, TRUE);
        g_free(kv);
    }
}

static Pair *keyval_find(const KeyVal *kv, const char *key)
{
    for (guint i = 0; i < kv->pairs->len; i++) {
        Pair *pair = g_ptr_array_index(kv->pairs, i);

        if (strcmp(pair->key, key) == 0) {
            return pair;
        }
    }
    return NULL;
}

/* A repeated key takes the last value and keeps its first place. */
void keyval_set(KeyVal *kv, const char *key, const char *value)
{
    Pair *pair = keyval_find(kv, key);

    if (pair) {
        g_free(pair->value);
    } else {
        pair = g_new0(Pair, 1);
        pair->key = g_strdup(key);
        g_ptr_array_add(kv->pairs, pair);
    }
    pair->value = g_strdup(value);
}

/*
 * --- parsing ---
 * item ("," item)*, where an item is key=value, key, nokey, or, as the first,
 * the value of the implied key.  A trailing comma is accepted.
 */

/* The value that starts at @text, with ",," as one comma; @end comes back at
 * the comma or NUL after it. */
static char *parse_value(const char *text, const char **end)
{
    GString *value = g_string_new(NULL);

    /* Stops at a comma that is not doubled; skips the first of two. */
    while (*text && (*text != ',' || text[1] == ',')) {
        text += *text == ',';
        g_string_append_c(value, *text++);
    }
    *end = text;
    return g_string_free(value, FALSE);
}

/* A key without "=": "on", or "off" for a key that starts with "no". */
static void set_flag(KeyVal *kv, const char *key)
{
    if (g_str_has_prefix(key, "no") && key[2]) {
        keyval_set(kv, key + 2, "off");
    } else {
        keyval_set(kv, key, "on");
    }
}

/* Parse one item; returns what follows it, NULL on error. */
static const char *parse_item(KeyVal *kv, const char *text,
                              const char *implied, GError **errp)
{
    size_t len = strcspn(text, "=,");
    g_autofree char *key = g_strndup(text, len);
    g_autofree char *value = NULL;
    const char *end = text + len;

    if (*end != '=' && implied) {
        /* From the start again: ",," is allowed here, but not in a key. */
        value = parse_value(text, &end);
        keyval_set(kv, implied, value);
    } else if (len == 0) {
        error_setg(errp, "Invalid parameter ''");
        return NULL;
    } else if (*end == '=') {
        value = parse_value(end + 1, &end);
        keyval_set(kv, key, value);
    } else {
        set_flag(kv, key);
    }
    return *end == ',' ? end + 1 : end;
}

static void set_json(KeyVal *kv, const char *key, json_object *value);

/* Members of objects become "key.member", those of arrays "key.0"... */
static void set_json_members(KeyVal *kv, const char *key, json_object *object)
{
    json_object_object_foreach(object, name, member) {
        g_autofree char *full =
            key ? g_strdup_printf("%s.%s", key, name) : g_strdup(name);

        set_json(kv, full, member);
    }
}

static void set_json(KeyVal *kv, const char *key, json_object *value)
{
    switch (json_object_get_type(value)) {
    case json_type_object:
        set_json_members(kv, key, value);
        break;
    case json_type_array:
        for (size_t i = 0; i < json_object_array_length(value); i++) {
            g_autofree char *full = g_strdup_printf("%s.%zu", key, i);

            set_json(kv, full, json_object_array_get_idx(value, i));
        }
        break;
    case json_type_boolean:
        keyval_set(kv, key, json_object_get_boolean(value) ? "on" : "off");
        break;
    case json_type_null:
        keyval_set(kv, key, "");
        break;
    default: /* a number's text is as it was written */
        keyval_set(kv, key, json_object_get_string(value));
        break;
    }
}

/* The whole text is one object; what follows it is not looked at. */
static bool parse_json(KeyVal *kv, const char *text, GError **errp)
{
    enum json_tokener_error code;
    json_object *object = json_tokener_parse_verbose(text, &code);

    if (!object) {
        error_setg(errp, "JSON parse error: %s", json_tokener_error_desc(code));
        return false;
    }
    set_json_members(kv, NULL, object);
    json_object_put(object);
    return true;
}

KeyVal *keyval_parse(const char *text, const char *implied, GError **errp)
{
    g_autoptr(KeyVal) kv = keyval_new();

    if (*text == '{') {
        return parse_json(kv, text, errp) ? g_steal_pointer(&kv) : NULL;
    }
    while (*text) {
        text = parse_item(kv, text, implied, errp);
        if (!text) {
            return NULL;
        }
        implied = NULL; /* the first item only */
    }
    return g_steal_pointer(&kv);
}

/*
 * --- getters ---
 * Each marks its key as used, whether the value is good or not, so that
 * keyval_check_used() finds only what nobody knows.
 */

bool keyval_has(const KeyVal *kv, const char *key)
{
    return keyval_find(kv, key) != NULL;
}

const char *keyval_get(KeyVal *kv, const char *key, const char *def)
{
    Pair *pair = keyval_find(kv, key);

    if (!pair) {
        return def;
    }
    pair->used = true;
    return pair->value;
}

bool keyval_get_bool(KeyVal *kv, const char *key, bool def, bool *out,
                     GError **errp)
{
    static const char *const names[2][4] = {
        {"off", "no", "false", "n"},
        {"on", "yes", "true", "y"},
    };
    const char *text = keyval_get(kv, key, NULL);

    if (!text) {
        *out = def;
        return true;
    }
    /* The low bit of i is the value, the others the way to write it. */
    for (unsigned i = 0; i < 2 * ARRAY_LEN(names[0]); i++) {
        if (strcmp(text, names[i & 1][i / 2]) == 0) {
            *out = i & 1;
            return true;
        }
    }
    error_setg(errp, "Parameter '%s' expects 'on' or 'off'", key);
    return false;
}

bool keyval_get_uint(KeyVal *kv, const char *key, uint64_t def, uint64_t max,
                     uint64_t *out, GError **errp)
{
    const char *text = keyval_get(kv, key, NULL);

    if (!text) {
        *out = def;
        return true;
    }
    if (!parse_uint(text, UINT64_MAX, out, NULL)) {
        error_setg(errp, "Parameter '%s' expects a number", key);
        return false;
    }
    if (*out > max) {
        error_setg(errp, "Parameter '%s' expects a number up to %" PRIu64, key,
                   max);
        return false;
    }
    return true;
}

bool keyval_get_size(KeyVal *kv, const char *key, uint64_t def, uint64_t *out,
                     char unit, GError **errp)
{
    const char *text = keyval_get(kv, key, NULL);

    if (!text) {
        *out = def;
        return true;
    }
    if (!parse_size(text, unit, out, NULL)) {
        error_setg(errp,
                   "Parameter '%s' expects a size below 2^64 (an optional "
                   "suffix k, M, G, T, P or E multiplies it)",
                   key);
        return false;
    }
    return true;
}

const char *keyval_first_unused(const KeyVal *kv)
{
    for (guint i = 0; i < kv->pairs->len; i++) {
        const Pair *pair = g_ptr_array_index(kv->pairs, i);

        if (!pair->used) {
            return pair->key;
        }
    }
    return NULL;
}

bool keyval_check_used(const KeyVal *kv, GError **errp)
{
    const char *key = keyval_first_unused(kv);

    if (key) {
        error_setg(errp, "Invalid parameter '%s'", key);
    }
    return !key;
}

const char *keyval_key(const KeyVal *kv, unsigned index)
{
    const Pair *pair;

    if (index >= kv->pairs->len) {
        return NULL;
    }
    pair = g_ptr_array_index(kv->pairs, index);
    return pair->key;
}

bool id_is_well_formed(const char *id)
{
    if (!g_ascii_isalpha(*id)) {
        return false;
    }
    while (*id && (g_ascii_isalnum(*id) || strchr("-._", *id))) {
        id++;
    }
    return !*id;
}
