/* SPDX-License-Identifier: MIT */
/*
 * query-command-line-options: the options that take parameters, with those that
 * the usage texts show as "name=".
 */
#include <string.h>

#include "monitor/command.h"
#include "system/cmdline_info.h"

/* Options whose groups of parameters have other names than they. */
static const char *const group_names[][2] = {
    { "boot", "boot-opts" },
    { "m", "memory" },
    { "smp", "smp-opts" },
};

static const char *group_name(const char *option)
{
    for (unsigned i = 0; i < ARRAY_LEN(group_names); i++) {
        if (strcmp(group_names[i][0], option) == 0) {
            return group_names[i][1];
        }
    }
    return option;
}

/* What follows "name=" in a usage text tells of the kind. */
static const char *parameter_type(const char *value)
{
    if (g_str_has_prefix(value, "on|off")) {
        return "boolean";
    }
    if (g_str_has_prefix(value, "megs")) {
        return "size";
    }
    return "string";
}

/* Every word before a "=" in @usage. */
static json_object *parameters(const char *usage)
{
    json_object *list = json_object_new_array();
    const char *eq = usage;

    while ((eq = strchr(eq, '='))) {
        const char *start = eq;

        while (start > usage &&
               (g_ascii_isalnum(start[-1]) || start[-1] == '-')) {
            start--;
        }
        if (start < eq) {
            json_object *entry = json_object_new_object();

            json_object_object_add(
                entry, "name",
                json_object_new_string_len(start, (int)(eq - start)));
            put_str(entry, "type", parameter_type(eq + 1));
            json_object_array_add(list, entry);
        }
        eq++;
    }
    return list;
}

json_object *cmd_query_options(MonCall *call, json_object *args, GError **errp)
{
    const char *wanted = arg_str(args, "option", NULL), *name, *usage;
    json_object *list = json_object_new_array();

    for (unsigned i = 0; (name = cmdline_option_at(i, &usage)); i++) {
        json_object *entry;

        if (!usage || (wanted && strcmp(wanted, group_name(name)) != 0)) {
            continue;
        }
        entry = json_object_new_object();
        put_str(entry, "option", group_name(name));
        json_object_object_add(entry, "parameters", parameters(usage));
        json_object_array_add(list, entry);
    }
    if (wanted && json_object_array_length(list) == 0) {
        json_object_put(list);
        error_setg(errp, "invalid option name: %s", wanted);
        return NULL;
    }
    return list;
}
