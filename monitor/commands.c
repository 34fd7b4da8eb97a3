/* SPDX-License-Identifier: MIT */
/* The table of commands, and checking arguments against it. */
#include "monitor/command.h"

#include <string.h>

#include "util/error.h"

/* clang-format off */
const MonCommand monitor_commands[] = {
    /* qmp, hmp, args, hmp_args, help, handler */
    {NULL, "help|?", "name:S?", "[cmd]", "show the help", cmd_help},
    {NULL, "info", "topic:S?", "[subcommand]",
     "show various information about the system state", cmd_info},
    {"stop", "stop|s", "", "", "stop emulation", cmd_stop},
    {"cont", "cont|c", "", "", "resume emulation", cmd_cont},
    {"system_reset", "system_reset", "", "", "reset the system", cmd_reset},
    {"system_powerdown", "system_powerdown", "", "",
     "send system power down event", cmd_powerdown},
    {"quit", "quit|q", "", "", "quit the emulator", cmd_quit},
    {NULL, "log", "items:s", "item1[,...]",
     "activate logging of the specified items", cmd_log},
    {NULL, "logfile", "filename:s", "filename",
     "output logs to 'filename'", cmd_logfile},
    {NULL, "gdbserver", "device:s?", "[device]",
     "start gdbserver on given device (default 'tcp::1234'), stop with 'none'",
     cmd_gdbserver},
    {NULL, "cpu", "index:i", "index", "set the default CPU", cmd_cpu},
    {NULL, "x", "fmt:/,addr:i", "/fmt addr",
     "virtual memory dump starting at 'addr'", cmd_x},
    {NULL, "xp", "fmt:/,addr:i", "/fmt addr",
     "physical memory dump starting at 'addr'", cmd_xp},
    {NULL, "print|p", "fmt:/,val:i", "/fmt expr",
     "print expression value (use $reg for CPU register access)", cmd_print},
    {"chardev-remove", "chardev-remove", "id:s", "id",
     "remove chardev", cmd_chardev_remove},
    {"ringbuf-read", NULL, "device:s,size:i,format:s?", "", "",
     cmd_ringbuf_read},
    {"ringbuf-write", NULL, "device:s,data:s,format:s?", "", "",
     cmd_ringbuf_write},
    {"human-monitor-command", NULL, "command-line:s,cpu-index:i?", "", "",
     cmd_hmp},
    {"query-chardev", NULL, "", "", "", cmd_query_chardev},
    {"query-commands", NULL, "", "", "", cmd_query_commands},
    {"query-cpus-fast", NULL, "", "", "", cmd_query_cpus},
    {"query-events", NULL, "", "", "", cmd_query_events},
    {"query-kvm", NULL, "", "", "", cmd_query_kvm},
    {"query-machines", NULL, "", "", "", cmd_query_machines},
    {"query-name", NULL, "", "", "", cmd_query_name},
    {"query-qmp-schema", NULL, "", "", "", cmd_query_schema},
    {"query-status", NULL, "", "", "", cmd_query_status},
    {"query-target", NULL, "", "", "", cmd_query_target},
    {"query-uuid", NULL, "", "", "", cmd_query_uuid},
    {"query-version", NULL, "", "", "", cmd_query_version},
};
/* clang-format on */

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

const char *command_next_arg(const char *pos, MonArg *arg)
{
    const char *colon = strchr(pos, ':');
    const char *end = pos + strcspn(pos, ",");

    if (*pos == '\0') {
        return NULL;
    }
    g_assert(colon && (size_t)(colon - pos) < sizeof(arg->name));
    memcpy(arg->name, pos, colon - pos);
    arg->name[colon - pos] = '\0';
    arg->type = colon[1];
    arg->flag = arg->type == '-' ? colon[2] : '\0';
    arg->optional = end[-1] == '?' || arg->type == '-';
    return end + (*end == ',');
}

static bool check_type(const MonArg *arg, json_object *value, GError **errp)
{
    static const struct {
        char type;
        enum json_type json;
        const char *name;
    } types[] = {
        {'s', json_type_string, "string"},
        {'S', json_type_string, "string"},
        {'i', json_type_int, "integer"},
        {'b', json_type_boolean, "boolean"},
        {'-', json_type_boolean, "boolean"},
        {'a', json_type_array, "array"},
    };

    for (unsigned i = 0; i < ARRAY_LEN(types); i++) {
        if (types[i].type == arg->type &&
            json_object_get_type(value) != types[i].json) {
            error_setg(errp, "Invalid parameter type for '%s', expected: %s",
                       arg->name, types[i].name);
            return false;
        }
    }
    return true;
}

static bool command_has_arg(const MonCommand *cmd, const char *name)
{
    const char *pos = cmd->args;
    MonArg arg;

    while ((pos = command_next_arg(pos, &arg))) {
        if (strcmp(arg.name, name) == 0) {
            return true;
        }
    }
    return false;
}

bool command_check_args(const MonCommand *cmd, json_object *args, GError **errp)
{
    const char *pos = cmd->args;
    json_object *value;
    MonArg arg;

    while ((pos = command_next_arg(pos, &arg))) {
        if (!json_object_object_get_ex(args, arg.name, &value)) {
            if (!arg.optional) {
                error_setg(errp, "Parameter '%s' is missing", arg.name);
                return false;
            }
        } else if (!check_type(&arg, value, errp)) {
            return false;
        }
    }
    if (args) {
        json_object_object_foreach(args, name, unused)
        {
            (void)unused;
            if (!command_has_arg(cmd, name)) {
                error_setg(errp, "Parameter '%s' is unexpected", name);
                return false;
            }
        }
    }
    return true;
}

const char *arg_str(json_object *args, const char *name, const char *def)
{
    json_object *value;

    return json_object_object_get_ex(args, name, &value)
               ? json_object_get_string(value)
               : def;
}

int64_t arg_int(json_object *args, const char *name, int64_t def)
{
    json_object *value;

    return json_object_object_get_ex(args, name, &value)
               ? json_object_get_int64(value)
               : def;
}

bool arg_bool(json_object *args, const char *name, bool def)
{
    json_object *value;

    return json_object_object_get_ex(args, name, &value)
               ? json_object_get_boolean(value)
               : def;
}
