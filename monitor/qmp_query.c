/* SPDX-License-Identifier: MIT */
/* Handlers of the commands that only QMP clients send. */
#include "monitor/command.h"

#include <string.h>

#include "monitor/monitor.h"
#include "system/machine.h"
#include "system/runstate.h"
#include "util/error.h"

/* The release whose command line and monitors these are. */
#define COMPAT_MAJOR 7
#define COMPAT_MINOR 2
#define COMPAT_MICRO 0

json_object *cmd_query_version(MonCall *call, json_object *args, GError **errp)
{
    json_object *version = json_object_new_object();
    json_object *qemu = json_object_new_object();

    put_int(qemu, "micro", COMPAT_MICRO);
    put_int(qemu, "minor", COMPAT_MINOR);
    put_int(qemu, "major", COMPAT_MAJOR);
    json_object_object_add(version, "qemu", qemu);
    put_str(version, "package", "Heddle " HEDDLE_VERSION);
    return version;
}

/* "singlestep" is what the release that clients expect calls one instruction a
 * translated block; it is a matter of -accel here. */
json_object *cmd_query_status(MonCall *call, json_object *args, GError **errp)
{
    json_object *status = json_object_new_object();

    put_str(status, "status", runstate_name(runstate_get()));
    put_bool(status, "singlestep", false);
    put_bool(status, "running", runstate_is_running());
    return status;
}

json_object *cmd_query_target(MonCall *call, json_object *args, GError **errp)
{
    json_object *target = json_object_new_object();

    put_str(target, "arch", "x86_64");
    return target;
}

json_object *cmd_query_schema(MonCall *call, json_object *args, GError **errp)
{
    return introspect();
}

/* Lists of {"name": ...} objects. */
static void add_named(json_object *list, const char *name)
{
    json_object *entry = json_object_new_object();

    put_str(entry, "name", name);
    json_object_array_add(list, entry);
}

json_object *cmd_query_commands(MonCall *call, json_object *args, GError **errp)
{
    json_object *list = json_object_new_array();

    add_named(list, command_capabilities.qmp);
    for (unsigned i = 0; i < monitor_command_count; i++) {
        if (monitor_commands[i].qmp) {
            add_named(list, monitor_commands[i].qmp);
        }
    }
    return list;
}

json_object *cmd_query_events(MonCall *call, json_object *args, GError **errp)
{
    json_object *list = json_object_new_array();

    for (unsigned i = 0; i < monitor_event_count; i++) {
        add_named(list, monitor_events[i].name);
    }
    return list;
}

json_object *cmd_query_name(MonCall *call, json_object *args, GError **errp)
{
    json_object *result = json_object_new_object();

    if (machine_config->name) {
        put_str(result, "name", machine_config->name);
    }
    return result;
}

json_object *cmd_query_uuid(MonCall *call, json_object *args, GError **errp)
{
    json_object *result = json_object_new_object();
    const uint8_t *u = machine_config->uuid; /* zeroes when none was given */
    g_autofree char *text =
        g_strdup_printf("%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
                        "%02x%02x%02x%02x%02x%02x",
                        u[0], u[1], u[2], u[3], u[4], u[5], u[6], u[7], u[8],
                        u[9], u[10], u[11], u[12], u[13], u[14], u[15]);

    put_str(result, "UUID", text);
    return result;
}

/* Always asked for, to learn that guests are slow here. */
json_object *cmd_query_kvm(MonCall *call, json_object *args, GError **errp)
{
    json_object *result = json_object_new_object();

    put_bool(result, "enabled", false);
    put_bool(result, "present", false);
    return result;
}

/* Clients choose a machine by its alias, and refuse a topology past cpu-max. */
json_object *cmd_query_machines(MonCall *call, json_object *args, GError **errp)
{
    json_object *list = json_object_new_array();
    const MachineType *type;

    for (unsigned i = 0; (type = machine_type_at(i)); i++) {
        json_object *entry = json_object_new_object();

        put_bool(entry, "hotpluggable-cpus", false);
        put_str(entry, "name", type->name);
        put_bool(entry, "numa-mem-supported", false);
        if (type->is_default) {
            put_bool(entry, "is-default", true);
        }
        put_int(entry, "cpu-max", type->max_cpus);
        put_bool(entry, "deprecated", false);
        if (type->alias) {
            put_str(entry, "alias", type->alias);
        }
        if (type->is_default) {
            put_str(entry, "default-cpu-type", "max-x86_64-cpu");
            put_str(entry, "default-ram-id", "pc.ram");
        }
        json_object_array_add(list, entry);
    }
    return list;
}

/* Machines cannot be suspended: there is no S3. */
json_object *cmd_query_current_machine(MonCall *call, json_object *args,
                                       GError **errp)
{
    json_object *result = json_object_new_object();

    put_bool(result, "wakeup-suspend-support", false);
    return result;
}

json_object *cmd_query_memory_size(MonCall *call, json_object *args,
                                   GError **errp)
{
    json_object *result = json_object_new_object();

    put_int(result, "base-memory", (int64_t)machine_config->ram_bytes);
    put_int(result, "plugged-memory", 0);
    return result;
}

/* --- human-monitor-command --- */

static char *run_hmp(Monitor *mon, const char *line, int cpu_index)
{
    MonCall call = { .out = g_string_new(NULL),
                     .cpu_index = &cpu_index,
                     .mon = mon };
    GString *crlf = g_string_new(NULL);

    hmp_run(&call, line);
    for (const char *p = call.out->str; *p; p++) {
        if (*p == '\n') {
            g_string_append_c(crlf, '\r');
        }
        g_string_append_c(crlf, *p);
    }
    g_string_free(call.out, TRUE);
    return g_string_free(crlf, FALSE);
}

char *monitor_run_hmp(const char *line, int cpu_index)
{
    return run_hmp(NULL, line, cpu_index);
}

/* The index is checked here: HMP itself takes any that `cpu` accepted. */
json_object *cmd_hmp(MonCall *call, json_object *args, GError **errp)
{
    int64_t index = arg_int(args, "cpu-index", 0);
    g_autofree char *text = NULL;

    if (index < 0 || index > INT_MAX || (index > 0 && !cpu_get(index))) {
        error_setg(errp, "Parameter 'cpu-index' expects a CPU number");
        return NULL;
    }
    text = run_hmp(call->mon, arg_str(args, "command-line", ""), index);
    return json_object_new_string(text);
}
