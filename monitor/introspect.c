/* SPDX-License-Identifier: MIT */
/*
 * query-qmp-schema: the tables of commands, events and types, as a list in
 * which entries name each other.  Anonymous objects (a command's arguments, an
 * event's data) are named after their owner.
 */
#include <string.h>

#include "monitor/command.h"

typedef struct Walk {
    json_object *list;
    GHashTable *done; /* names of types in the list */
} Walk;

static void walk_type(Walk *w, const char *name);

static json_object *add_entry(Walk *w, const char *name, const char *meta)
{
    json_object *entry = json_object_new_object();

    put_str(entry, "name", name);
    put_str(entry, "meta-type", meta);
    json_object_array_add(w->list, entry);
    return entry;
}

/* Note @name; false if that had been done. */
static bool walk_enter(Walk *w, const char *name)
{
    return g_hash_table_add(w->done, g_strdup(name));
}

static void walk_enum(Walk *w, const MonType *type)
{
    json_object *entry = add_entry(w, type->name, "enum");
    json_object *members = json_object_new_array();
    json_object *values = json_object_new_array();
    const char *pos = type->members;
    char word[64];

    while ((pos = schema_next_word(pos, word, sizeof(word)))) {
        json_object *member = json_object_new_object();

        put_str(member, "name", word);
        json_object_array_add(members, member);
        json_object_array_add(values, json_object_new_string(word));
    }
    json_object_object_add(entry, "members", members);
    json_object_object_add(entry, "values", values);
}

/* The object's entry, then what its members are. */
static json_object *walk_members(Walk *w, const char *name, const char *list)
{
    json_object *entry = add_entry(w, name, "object");
    json_object *members = json_object_new_array();
    const char *pos = list;
    MonMember m;

    while ((pos = schema_next_member(pos, &m))) {
        json_object *member;

        if (strcmp(m.name, "*") == 0) {
            continue;
        }
        member = json_object_new_object();
        put_str(member, "name", m.name);
        put_str(member, "type", m.type);
        if (m.optional) {
            json_object_object_add(member, "default", NULL);
        }
        json_object_array_add(members, member);
        walk_type(w, m.type);
    }
    json_object_object_add(entry, "members", members);
    return entry;
}

/* Every value of the tag has a case. */
static void walk_variants(Walk *w, const MonType *u, json_object *entry)
{
    json_object *variants = json_object_new_array();
    const char *pos = u->members;
    char value[64], name[64];
    MonMember m;

    while ((pos = schema_next_member(pos, &m)) && strcmp(m.name, u->tag)) {
    }
    pos = schema_type_find(m.type)->members;
    while ((pos = schema_next_word(pos, value, sizeof(value)))) {
        json_object *one = json_object_new_object();

        schema_variant(u, value, name, sizeof(name));
        put_str(one, "case", value);
        put_str(one, "type", *name ? name : "0");
        json_object_array_add(variants, one);
        walk_type(w, name);
    }
    put_str(entry, "tag", u->tag);
    json_object_object_add(entry, "variants", variants);
}

static void walk_builtin(Walk *w, const char *name)
{
    static const char *const json[][2] = {
        { "str", "string" },   { "int", "int" },   { "number", "number" },
        { "bool", "boolean" }, { "any", "value" },
    };

    for (unsigned i = 0; i < ARRAY_LEN(json); i++) {
        if (strcmp(json[i][0], name) == 0) {
            put_str(add_entry(w, name, "builtin"), "json-type", json[i][1]);
            return;
        }
    }
    g_assert_not_reached();
}

static void walk_type(Walk *w, const char *name)
{
    const MonType *type = schema_type_find(name);

    if (!*name || !walk_enter(w, name)) {
        return;
    }
    if (*name == '[') {
        g_autofree char *element = g_strndup(name + 1, strlen(name) - 2);

        put_str(add_entry(w, name, "array"), "element-type", element);
        walk_type(w, element);
    } else if (!type) {
        walk_builtin(w, name);
    } else if (type->kind == MON_ENUM) {
        walk_enum(w, type);
    } else {
        json_object *entry = walk_members(w, name, type->members);

        if (type->kind == MON_UNION) {
            walk_variants(w, type, entry);
        }
    }
}

/* The name of the type that @members (of a command or event @owner) are. */
static char *walk_arguments(Walk *w, const char *owner, const char *members)
{
    g_autofree char *name = NULL;

    if (*members == '@') {
        walk_type(w, members + 1);
        return g_strdup(members + 1);
    }
    if (!*members) {
        return g_strdup("0");
    }
    name = g_strconcat(owner, "-arg", NULL);
    walk_members(w, name, members);
    return g_steal_pointer(&name);
}

static void put_features(json_object *entry, const char *features)
{
    g_auto(GStrv) words = g_strsplit(features, " ", -1);
    json_object *list = json_object_new_array();

    for (char **word = words; *word; word++) {
        json_object_array_add(list, json_object_new_string(*word));
    }
    json_object_object_add(entry, "features", list);
}

static void walk_command(Walk *w, const MonCommand *cmd)
{
    json_object *entry = add_entry(w, cmd->qmp, "command");
    g_autofree char *args = walk_arguments(w, cmd->qmp, cmd->args);

    put_str(entry, "arg-type", args);
    put_str(entry, "ret-type", *cmd->ret ? cmd->ret : "0");
    if (cmd->oob) {
        put_bool(entry, "allow-oob", true);
    }
    if (cmd->features) {
        put_features(entry, cmd->features);
    }
    walk_type(w, cmd->ret);
}

static json_object *introspect_new(void)
{
    Walk w = {
        .list = json_object_new_array(),
        .done = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
    };

    walk_members(&w, "0", "");
    walk_command(&w, &command_capabilities);
    for (unsigned i = 0; i < monitor_command_count; i++) {
        if (monitor_commands[i].qmp) {
            walk_command(&w, &monitor_commands[i]);
        }
    }
    for (unsigned i = 0; i < monitor_event_count; i++) {
        const MonEvent *event = &monitor_events[i];
        json_object *entry = add_entry(&w, event->name, "event");
        g_autofree char *data = walk_arguments(&w, event->name, event->data);

        put_str(entry, "arg-type", data);
    }
    g_hash_table_destroy(w.done);
    return w.list;
}

/* It is made once: the tables do not change. */
json_object *introspect(void)
{
    static json_object *schema;

    if (!schema) {
        schema = introspect_new();
    }
    return json_object_get(schema);
}
