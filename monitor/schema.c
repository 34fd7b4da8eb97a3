/* SPDX-License-Identifier: MIT */
/* Holding JSON values against the types of types.def. */
#include "monitor/schema.h"

#include <string.h>

#include "util/error.h"

#define ENUM(n, values) { .kind = MON_ENUM, .name = #n, .members = values },
#define OBJECT(n, list) { .kind = MON_OBJECT, .name = #n, .members = list },
#define UNION(n, tag_name, list, cases)                                        \
    { .kind = MON_UNION,                                                       \
      .name = #n,                                                              \
      .members = list,                                                         \
      .tag = tag_name,                                                         \
      .variants = cases },
static const MonType types[] = {
#include "monitor/types.def"
    { .kind = MON_ENUM, .name = "QKeyCode", .members =
#define KEY(name, code) name ","
#include "monitor/keys.def"
    },
};

static const struct {
    const char *name;
    enum json_type json;
    const char *shown; /* in errors */
} builtins[] = {
    { "str", json_type_string, "string" },
    { "int", json_type_int, "integer" },
    { "number", json_type_double, "number" },
    { "bool", json_type_boolean, "boolean" },
};

static bool check_value(const char *type, json_object *value, const char *path,
                        GError **errp);

/* Copy @len bytes into @out; the tables are ours, so that it fits. */
static void copy_word(char *out, size_t size, const char *text, size_t len)
{
    g_assert(len < size);
    memcpy(out, text, len);
    out[len] = '\0';
}

const char *schema_next_word(const char *pos, char *name, size_t size)
{
    size_t len = strcspn(pos, ",");

    if (*pos == '\0') {
        return NULL;
    }
    copy_word(name, size, pos, len);
    return pos + len + (pos[len] == ',');
}

const char *schema_next_member(const char *pos, MonMember *member)
{
    size_t len = strcspn(pos, ","), name = strcspn(pos, ":,");
    const char *next = pos + len + (pos[len] == ',');

    if (*pos == '\0') {
        return NULL;
    }
    member->optional = len > 0 && pos[len - 1] == '?';
    copy_word(member->name, sizeof(member->name), pos, name);
    if (name < len) {
        copy_word(member->type, sizeof(member->type), pos + name + 1,
                  len - name - 1 - member->optional);
    } else {
        member->type[0] = '\0';
    }
    return next;
}

const MonType *schema_type_find(const char *name)
{
    for (unsigned i = 0; i < ARRAY_LEN(types); i++) {
        if (strcmp(types[i].name, name) == 0) {
            return &types[i];
        }
    }
    return NULL;
}

void schema_variant(const MonType *u, const char *value, char *name,
                    size_t size)
{
    const char *pos = u->variants;
    char word[96];

    *name = '\0';
    while (u->kind == MON_UNION && (pos = schema_next_word(pos, word, 96))) {
        char *eq = strchr(word, '=');

        *eq = '\0';
        if (strcmp(word, value) == 0) {
            copy_word(name, size, eq + 1, strlen(eq + 1));
        }
    }
}

/* --- values --- */

static bool wrong_type(const char *path, const char *expected, GError **errp)
{
    error_setg(errp, "Invalid parameter type for '%s', expected: %s", path,
               expected);
    return false;
}

static bool check_builtin(unsigned i, json_object *value, const char *path,
                          GError **errp)
{
    enum json_type json = json_object_get_type(value);

    if (json == builtins[i].json ||
        (builtins[i].json == json_type_double && json == json_type_int)) {
        return true;
    }
    return wrong_type(path, builtins[i].shown, errp);
}

static bool check_enum(const MonType *type, json_object *value,
                       const char *path, GError **errp)
{
    const char *pos = type->members, *dot = strrchr(path, '.');
    const char *text = json_object_get_string(value);
    char word[64];

    if (json_object_get_type(value) != json_type_string) {
        return wrong_type(path, "string", errp);
    }
    while ((pos = schema_next_word(pos, word, sizeof(word)))) {
        if (strcmp(word, text) == 0) {
            return true;
        }
    }
    error_setg(errp, "Parameter '%s' does not accept value '%s'",
               dot ? dot + 1 : path, text);
    return false;
}

/* @type is "[element]". */
static bool check_array(const char *type, json_object *value, const char *path,
                        GError **errp)
{
    g_autofree char *element = g_strndup(type + 1, strlen(type) - 2);

    if (json_object_get_type(value) != json_type_array) {
        return wrong_type(path, "array", errp);
    }
    for (size_t i = 0; i < json_object_array_length(value); i++) {
        g_autofree char *at = g_strdup_printf("%s[%zu]", path, i);

        if (!check_value(element, json_object_array_get_idx(value, i), at,
                         errp)) {
            return false;
        }
    }
    return true;
}

static bool check_value(const char *type, json_object *value, const char *path,
                        GError **errp)
{
    g_autofree char *inside = NULL;
    const MonType *named;

    if (*type == '[') {
        return check_array(type, value, path, errp);
    }
    if (strcmp(type, "any") == 0) {
        return true;
    }
    for (unsigned i = 0; i < ARRAY_LEN(builtins); i++) {
        if (strcmp(builtins[i].name, type) == 0) {
            return check_builtin(i, value, path, errp);
        }
    }
    named = schema_type_find(type);
    g_assert(named);
    if (named->kind == MON_ENUM) {
        return check_enum(named, value, path, errp);
    }
    if (json_object_get_type(value) != json_type_object) {
        return wrong_type(path, "object", errp);
    }
    inside = g_strconcat(path, ".", NULL);
    return schema_check(named, value, inside, errp);
}

/* --- objects --- */

/* The members that @type asks for are there and right. */
static bool check_members(const MonType *type, json_object *object,
                          const char *path, GError **errp)
{
    const char *pos = type->members;
    json_object *value;
    MonMember m;

    while ((pos = schema_next_member(pos, &m))) {
        g_autofree char *at = g_strconcat(path, m.name, NULL);

        if (strcmp(m.name, "*") == 0) {
            continue;
        }
        if (!json_object_object_get_ex(object, m.name, &value)) {
            if (!m.optional) {
                error_setg(errp, "Parameter '%s' is missing", at);
                return false;
            }
        } else if (!check_value(m.type, value, at, errp)) {
            return false;
        }
    }
    return true;
}

static bool has_member(const MonType *type, const char *name)
{
    const char *pos = type ? type->members : "";
    MonMember m;

    while ((pos = schema_next_member(pos, &m))) {
        if (strcmp(m.name, name) == 0 || strcmp(m.name, "*") == 0) {
            return true;
        }
    }
    return false;
}

bool schema_check(const MonType *type, json_object *object, const char *path,
                  GError **errp)
{
    const MonType *more = NULL;
    json_object *tag;
    char name[64];

    if (!check_members(type, object, path, errp)) {
        return false;
    }
    if (type->kind == MON_UNION &&
        json_object_object_get_ex(object, type->tag, &tag)) {
        schema_variant(type, json_object_get_string(tag), name, sizeof(name));
        more = schema_type_find(name);
    }
    if (more && !check_members(more, object, path, errp)) {
        return false;
    }
    if (!object) {
        return true;
    }
    json_object_object_foreach(object, key, unused)
    {
        (void)unused;
        if (!has_member(type, key) && !has_member(more, key)) {
            error_setg(errp, "Parameter '%s%s' is unexpected", path, key);
            return false;
        }
    }
    return true;
}
