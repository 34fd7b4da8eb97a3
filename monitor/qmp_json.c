/* SPDX-License-Identifier: MIT */
/*
 * JSON text spaced as QEMU's monitor spaces it, which scripts match on:
 * {"return": {}}, or over several lines with four blanks a level.
 */
#include "monitor/command.h"

static void print_value(GString *out, json_object *value, bool pretty,
                        unsigned depth);

static void print_break(GString *out, bool pretty, unsigned depth)
{
    if (pretty) {
        g_string_append_printf(out, "\n%*s", depth * 4, "");
    }
}

static void print_separator(GString *out, bool pretty, bool *first)
{
    if (!*first) {
        g_string_append(out, pretty ? "," : ", ");
    }
    *first = false;
}

static void print_string(GString *out, const char *text)
{
    json_object *string = json_object_new_string(text);

    g_string_append(out, json_object_to_json_string_ext(
                             string, JSON_C_TO_STRING_PLAIN |
                                         JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(string);
}

static void print_object(GString *out, json_object *object, bool pretty,
                         unsigned depth)
{
    bool first = true;

    g_string_append_c(out, '{');
    json_object_object_foreach(object, name, member)
    {
        print_separator(out, pretty, &first);
        print_break(out, pretty, depth + 1);
        print_string(out, name);
        g_string_append(out, ": ");
        print_value(out, member, pretty, depth + 1);
    }
    if (!first) {
        print_break(out, pretty, depth);
    }
    g_string_append_c(out, '}');
}

static void print_array(GString *out, json_object *array, bool pretty,
                        unsigned depth)
{
    bool first = true;

    g_string_append_c(out, '[');
    for (size_t i = 0; i < json_object_array_length(array); i++) {
        print_separator(out, pretty, &first);
        print_break(out, pretty, depth + 1);
        print_value(out, json_object_array_get_idx(array, i), pretty,
                    depth + 1);
    }
    if (!first) {
        print_break(out, pretty, depth);
    }
    g_string_append_c(out, ']');
}

static void print_value(GString *out, json_object *value, bool pretty,
                        unsigned depth)
{
    switch (json_object_get_type(value)) {
    case json_type_object:
        print_object(out, value, pretty, depth);
        break;
    case json_type_array:
        print_array(out, value, pretty, depth);
        break;
    default:
        g_string_append(out, json_object_to_json_string_ext(
                                 value, JSON_C_TO_STRING_PLAIN |
                                            JSON_C_TO_STRING_NOSLASHESCAPE));
        break;
    }
}

void json_print(GString *out, json_object *value, bool pretty)
{
    print_value(out, value, pretty, 0);
}

/* --- making values --- */

void put_str(json_object *object, const char *name, const char *value)
{
    json_object_object_add(object, name, json_object_new_string(value));
}

void put_int(json_object *object, const char *name, int64_t value)
{
    json_object_object_add(object, name, json_object_new_int64(value));
}

void put_bool(json_object *object, const char *name, bool value)
{
    json_object_object_add(object, name, json_object_new_boolean(value));
}

void json_to_keyval(json_object *object, const char *prefix, KeyVal *kv)
{
    json_object_object_foreach(object, key, value)
    {
        g_autofree char *name = g_strconcat(prefix, key, NULL);

        if (json_object_get_type(value) == json_type_object) {
            g_autofree char *inner = g_strconcat(name, ".", NULL);

            json_to_keyval(value, inner, kv);
        } else if (json_object_get_type(value) == json_type_boolean) {
            keyval_set(kv, name, json_object_get_boolean(value) ? "on" : "off");
        } else {
            keyval_set(kv, name, json_object_get_string(value));
        }
    }
}
