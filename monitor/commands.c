/* SPDX-License-Identifier: MIT */
/* The table of commands, and checking arguments against it. */
#include "monitor/command.h"

#include <string.h>

#include "util/error.h"

#define QMP(name, arguments, answer, fn)                                       \
    { .qmp = name, .args = arguments, .ret = answer, .handler = fn },
#define QMP_OOB(name, arguments, answer, fn)                                   \
    { .qmp = name,                                                             \
      .args = arguments,                                                       \
      .ret = answer,                                                           \
      .handler = fn,                                                           \
      .oob = true },
#define QMP_FEATURES(name, arguments, answer, words, fn)                       \
    { .qmp = name,                                                             \
      .args = arguments,                                                       \
      .ret = answer,                                                           \
      .handler = fn,                                                           \
      .features = words },
#define HMP(names, arguments, shown, text, fn)                                 \
    { .hmp = names,                                                            \
      .args = arguments,                                                       \
      .hmp_args = shown,                                                       \
      .help = text,                                                            \
      .handler = fn },
#define BOTH(qmp_name, names, arguments, answer, shown, text, fn)              \
    { .qmp = qmp_name,                                                         \
      .hmp = names,                                                            \
      .args = arguments,                                                       \
      .ret = answer,                                                           \
      .hmp_args = shown,                                                       \
      .help = text,                                                            \
      .handler = fn },
const MonCommand monitor_commands[] = {
#include "monitor/commands.def"
};

const MonCommand command_capabilities = {
    .qmp = "qmp_capabilities",
    .args = "enable:[QMPCapability]?",
    .ret = "",
};

const unsigned monitor_command_count = ARRAY_LEN(monitor_commands);

const MonCommand *command_find_qmp(const char *name)
{
    for (unsigned i = 0; i < monitor_command_count; i++) {
        const MonCommand *cmd = &monitor_commands[i];

        if (cmd->qmp && strcmp(cmd->qmp, name) == 0) {
            return cmd;
        }
    }
    return NULL;
}

/* Is @name, of @len bytes, among the alternatives of @names? */
static bool name_matches(const char *names, const char *name, size_t len)
{
    while (names && *names) {
        size_t n = strcspn(names, "|");

        if (n == len && memcmp(names, name, len) == 0) {
            return true;
        }
        names += n + (names[n] == '|');
    }
    return false;
}

const MonCommand *command_find_hmp(const char *name, size_t len)
{
    for (unsigned i = 0; i < monitor_command_count; i++) {
        if (name_matches(monitor_commands[i].hmp, name, len)) {
            return &monitor_commands[i];
        }
    }
    return NULL;
}

bool command_check_args(const MonCommand *cmd, json_object *args, GError **errp)
{
    const MonType anonymous = { .kind = MON_OBJECT, .members = cmd->args };

    return schema_check(*cmd->args == '@' ? schema_type_find(cmd->args + 1)
                                          : &anonymous,
                        args, "", errp);
}

json_object *arg_get(json_object *args, const char *name)
{
    json_object *value;

    return json_object_object_get_ex(args, name, &value) ? value : NULL;
}

bool arg_has(json_object *args, const char *name)
{
    return json_object_object_get_ex(args, name, NULL);
}

const char *arg_str(json_object *args, const char *name, const char *def)
{
    json_object *value = arg_get(args, name);

    return value ? json_object_get_string(value) : def;
}

int64_t arg_int(json_object *args, const char *name, int64_t def)
{
    json_object *value = arg_get(args, name);

    return value ? json_object_get_int64(value) : def;
}

bool arg_bool(json_object *args, const char *name, bool def)
{
    json_object *value = arg_get(args, name);

    return value ? json_object_get_boolean(value) : def;
}

json_object *cmd_error(GError **errp, HeddleError class, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    g_propagate_error(errp, g_error_new_valist(HEDDLE_ERROR, class, fmt, ap));
    va_end(ap);
    return NULL;
}
