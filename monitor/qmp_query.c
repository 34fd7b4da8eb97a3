/* SPDX-License-Identifier: MIT */
/* Handlers of the commands that only QMP clients send. */
#include "monitor/command.h"

#include <string.h>

#include "chardev/char.h"
#include "monitor/monitor.h"
#include "system/machine.h"
#include "system/runstate.h"
#include "util/error.h"
#include "util/rcu.h"

/* The release whose command line and monitors these are. */
#define COMPAT_MAJOR 7
#define COMPAT_MINOR 2
#define COMPAT_MICRO 0

static void add_str(json_object *object, const char *name, const char *value)
{
    json_object_object_add(object, name, json_object_new_string(value));
}

static void add_int(json_object *object, const char *name, int64_t value)
{
    json_object_object_add(object, name, json_object_new_int64(value));
}

static void add_bool(json_object *object, const char *name, bool value)
{
    json_object_object_add(object, name, json_object_new_boolean(value));
}

json_object *cmd_query_version(MonCall *call, json_object *args, GError **errp)
{
    json_object *version = json_object_new_object();
    json_object *qemu = json_object_new_object();

    add_int(qemu, "micro", COMPAT_MICRO);
    add_int(qemu, "minor", COMPAT_MINOR);
    add_int(qemu, "major", COMPAT_MAJOR);
    json_object_object_add(version, "qemu", qemu);
    add_str(version, "package", "Heddle " HEDDLE_VERSION);
    return version;
}

/* "singlestep" is what the release that clients expect calls one instruction a
 * translated block; it is a matter of -accel here. */
json_object *cmd_query_status(MonCall *call, json_object *args, GError **errp)
{
    json_object *status = json_object_new_object();

    add_str(status, "status", runstate_name(runstate_get()));
    add_bool(status, "singlestep", false);
    add_bool(status, "running", runstate_is_running());
    return status;
}

json_object *cmd_query_target(MonCall *call, json_object *args, GError **errp)
{
    json_object *target = json_object_new_object();

    add_str(target, "arch", "x86_64");
    return target;
}

/* An empty schema makes clients use the plain forms of every command. */
json_object *cmd_query_schema(MonCall *call, json_object *args, GError **errp)
{
    return json_object_new_array();
}

/* Lists of {"name": ...} objects. */
static void add_named(json_object *list, const char *name)
{
    json_object *entry = json_object_new_object();

    add_str(entry, "name", name);
    json_object_array_add(list, entry);
}

json_object *cmd_query_commands(MonCall *call, json_object *args, GError **errp)
{
    json_object *list = json_object_new_array();

    add_named(list, "qmp_capabilities");
    for (unsigned i = 0; i < monitor_command_count; i++) {
        if (monitor_commands[i].qmp) {
            add_named(list, monitor_commands[i].qmp);
        }
    }
    return list;
}

/* Those that runstate.c sends. */
json_object *cmd_query_events(MonCall *call, json_object *args, GError **errp)
{
    static const char *const names[] = {"POWERDOWN", "RESET", "RESUME",
                                        "SHUTDOWN", "STOP"};
    json_object *list = json_object_new_array();

    for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
        add_named(list, names[i]);
    }
    return list;
}

/* Where in the topology vCPU @index sits. */
static json_object *cpu_props(unsigned index)
{
    const X86Topology *t = &machine_config->topology;
    X86Place place = x86_topology_place(t, index);
    json_object *props = json_object_new_object();

    add_int(props, "core-id", place.core);
    add_int(props, "thread-id", place.thread);
    if (t->dies > 1) {
        add_int(props, "die-id", place.die);
    }
    add_int(props, "socket-id", place.socket);
    return props;
}

/* thread-id is the host's: management pins and accounts vCPUs by it. */
json_object *cmd_query_cpus(MonCall *call, json_object *args, GError **errp)
{
    json_object *list = json_object_new_array();
    CPUState *cpu;

    CPU_FOREACH (cpu) {
        json_object *entry = json_object_new_object();
        g_autofree char *path =
            g_strdup_printf("/machine/unattached/device[%u]", cpu->index);

        add_int(entry, "thread-id", cpu->thread_id);
        json_object_object_add(entry, "props", cpu_props(cpu->index));
        add_str(entry, "qom-path", path);
        add_int(entry, "cpu-index", cpu->index);
        add_str(entry, "target", "x86_64");
        json_object_array_add(list, entry);
    }
    return list;
}

json_object *cmd_query_name(MonCall *call, json_object *args, GError **errp)
{
    json_object *result = json_object_new_object();

    if (machine_config->name) {
        add_str(result, "name", machine_config->name);
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

    add_str(result, "UUID", text);
    return result;
}

/* Always asked for, to learn that guests are slow here. */
json_object *cmd_query_kvm(MonCall *call, json_object *args, GError **errp)
{
    json_object *result = json_object_new_object();

    add_bool(result, "enabled", false);
    add_bool(result, "present", false);
    return result;
}

/* Clients choose a machine by its alias, and refuse a topology past cpu-max. */
json_object *cmd_query_machines(MonCall *call, json_object *args, GError **errp)
{
    json_object *list = json_object_new_array();
    const MachineType *type;

    for (unsigned i = 0; (type = machine_type_at(i)); i++) {
        json_object *entry = json_object_new_object();

        add_bool(entry, "hotpluggable-cpus", false);
        add_str(entry, "name", type->name);
        add_bool(entry, "numa-mem-supported", false);
        if (type->is_default) {
            add_bool(entry, "is-default", true);
        }
        add_int(entry, "cpu-max", type->max_cpus);
        add_bool(entry, "deprecated", false);
        if (type->alias) {
            add_str(entry, "alias", type->alias);
        }
        json_object_array_add(list, entry);
    }
    return list;
}

static void add_chardev(struct Chardev *chr, void *opaque)
{
    json_object *entry = json_object_new_object();

    add_bool(entry, "frontend-open", chardev_frontend_open(chr));
    add_str(entry, "filename", chardev_filename(chr));
    add_str(entry, "label", chardev_id(chr));
    json_object_array_add(opaque, entry);
}

json_object *cmd_query_chardev(MonCall *call, json_object *args, GError **errp)
{
    json_object *list = json_object_new_array();

    chardev_foreach(add_chardev, list);
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

/* "utf8" (the default) or "base64". */
static bool ringbuf_is_base64(json_object *args, bool *base64, GError **errp)
{
    const char *format = arg_str(args, "format", "utf8");

    *base64 = strcmp(format, "base64") == 0;
    if (!*base64 && strcmp(format, "utf8") != 0) {
        error_setg(errp, "Parameter 'format' does not accept value '%s'",
                   format);
        return false;
    }
    return true;
}

json_object *cmd_ringbuf_read(MonCall *call, json_object *args, GError **errp)
{
    Chardev *chr = ringbuf_find(args, errp);
    int64_t size = arg_int(args, "size", 0);
    g_autofree uint8_t *data = NULL;
    g_autofree char *text = NULL;
    bool base64;
    size_t len;

    if (!chr || !ringbuf_is_base64(args, &base64, errp)) {
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
    text = base64 ? g_base64_encode(data, len)
                  : g_utf8_make_valid((const char *)data, len);
    return json_object_new_string(text);
}

json_object *cmd_ringbuf_write(MonCall *call, json_object *args, GError **errp)
{
    Chardev *chr = ringbuf_find(args, errp);
    const char *text = arg_str(args, "data", "");
    g_autofree uint8_t *data = NULL;
    size_t len = strlen(text);
    bool base64;

    if (!chr || !ringbuf_is_base64(args, &base64, errp)) {
        return NULL;
    }
    if (base64) {
        data = g_base64_decode(text, &len);
    }
    char_ringbuf_write(chr, data ? data : (const uint8_t *)text, len, errp);
    return NULL;
}

/* --- human-monitor-command --- */

char *monitor_run_hmp(const char *line, int cpu_index)
{
    MonCall call = {.out = g_string_new(NULL), .cpu_index = &cpu_index};
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

/* The index is checked here: HMP itself takes any that `cpu` accepted. */
json_object *cmd_hmp(MonCall *call, json_object *args, GError **errp)
{
    int64_t index = arg_int(args, "cpu-index", 0);
    g_autofree char *text = NULL;

    if (index < 0 || index > INT_MAX || (index > 0 && !cpu_get(index))) {
        error_setg(errp, "Parameter 'cpu-index' expects a CPU number");
        return NULL;
    }
    text = monitor_run_hmp(arg_str(args, "command-line", ""), index);
    return json_object_new_string(text);
}
