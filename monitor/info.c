/* SPDX-License-Identifier: MIT */
/* `info` and `help`. */
#include "monitor/info.h"

#include <string.h>

#include "block/block.h"
#include "chardev/char.h"
#include "exec/memory.h"
#include "hw/device.h"
#include "monitor/command.h"
#include "monitor/info_topics.h"
#include "util/rcu.h"

typedef struct InfoTopic {
    const char *name, *args, *help;
    InfoPrint *print;
} InfoTopic;

typedef struct InfoExtra {
    const char *name, *help;
    void (*print)(GString *out);
} InfoExtra;

static GQueue extras = G_QUEUE_INIT; /* InfoExtra */

/* The string member @name of what a QMP handler returns. */
static void print_query(MonCall *call, MonHandler *query, const char *name)
{
    json_object *result = query(call, NULL, NULL);
    json_object *value;

    if (json_object_object_get_ex(result, name, &value)) {
        g_string_append_printf(call->out, "%s\n",
                               json_object_get_string(value));
    }
    json_object_put(result);
}

static void info_name(MonCall *call, const char *args)
{
    print_query(call, cmd_query_name, "name");
}

static void info_uuid(MonCall *call, const char *args)
{
    print_query(call, cmd_query_uuid, "UUID");
}

static void info_status(MonCall *call, const char *args)
{
    json_object *result = cmd_query_status(call, NULL, NULL);
    const char *status = arg_str(result, "status", "");
    bool running = arg_bool(result, "running", false);

    g_string_append_printf(call->out, "VM status: %s",
                           running ? "running" : "paused");
    if (!running && strcmp(status, "paused") != 0) {
        g_string_append_printf(call->out, " (%s)", status);
    }
    g_string_append_c(call->out, '\n');
    json_object_put(result);
}

static void info_version(MonCall *call, const char *args)
{
    json_object *result = cmd_query_version(call, NULL, NULL);
    json_object *qemu;

    json_object_object_get_ex(result, "qemu", &qemu);
    g_string_append_printf(
        call->out, "%d.%d.%d (%s)\n", (int)arg_int(qemu, "major", 0),
        (int)arg_int(qemu, "minor", 0), (int)arg_int(qemu, "micro", 0),
        arg_str(result, "package", ""));
    json_object_put(result);
}

static void info_cpus(MonCall *call, const char *args)
{
    CPUState *cpu;

    CPU_FOREACH (cpu) {
        g_string_append_printf(call->out, "%c CPU #%u: thread_id=%d\n",
                               (int)cpu->index == *call->cpu_index ? '*' : ' ',
                               cpu->index, cpu->thread_id);
    }
}

static void dump_cpu(CPUState *cpu, void *opaque)
{
    cpu->ops->dump(cpu, opaque, true);
}

static void print_registers(MonCall *call, CPUState *cpu)
{
    g_string_append_printf(call->out, "\nCPU#%u\n", cpu->index);
    monitor_on_cpu(cpu, dump_cpu, call->out);
}

/* [-a|vcpu]: of all vCPUs, or of one that is not the monitor's own */
static void info_registers(MonCall *call, const char *args)
{
    CPUState *cpu = monitor_cpu(call);
    uint64_t index;

    if (strcmp(args, "-a") == 0) {
        CPU_FOREACH (cpu) {
            print_registers(call, cpu);
        }
        return;
    }
    if (*args) {
        cpu = parse_uint(args, INT_MAX, &index, NULL) ? cpu_get((int)index)
                                                      : NULL;
    }
    if (cpu) {
        print_registers(call, cpu);
    } else if (*args) {
        g_string_append_printf(call->out, "CPU#%s not available\n", args);
    } else {
        g_string_append(call->out, "No CPU available\n");
    }
}

/* [-f]: the flat views */
static void info_mtree(MonCall *call, const char *args)
{
    memory_print_tree(call->out, strstr(args, "-f") != NULL);
}

static void info_qtree(MonCall *call, const char *args)
{
    device_print_tree(call->out);
}

static void print_chardev(struct Chardev *chr, void *opaque)
{
    g_string_append_printf(opaque, "%s: filename=%s\n", chardev_id(chr),
                           chardev_filename(chr));
}

static void info_chardev(MonCall *call, const char *args)
{
    chardev_foreach(print_chardev, call->out);
}

static void print_block(BlockBackend *blk, void *opaque)
{
    const char *user = block_user(blk);

    g_string_append_printf(
        opaque, "%s: %" PRIu64 " bytes%s\n    Attached to:      %s\n",
        block_id(blk), block_size_bytes(blk),
        block_is_readonly(blk) ? " (read-only)" : "",
        user ? user : "(nothing)");
}

static void info_block(MonCall *call, const char *args)
{
    block_foreach(print_block, call->out);
}

static void info_history(MonCall *call, const char *args)
{
    for (unsigned i = 0; call->history && call->history[i]; i++) {
        g_string_append_printf(call->out, "%u: '%s'\n", i, call->history[i]);
    }
}

/* What this file prints; other parts add theirs by name. */
static const InfoTopic topics[] = {
    { "balloon", "", "show balloon information", info_balloon },
    { "block", "", "show the block devices", info_block },
    { "blockstats", "", "show block device statistics", info_blockstats },
    { "chardev", "", "show the character devices", info_chardev },
    { "cpus", "", "show infos for each CPU", info_cpus },
    { "history", "", "show the command line history", info_history },
    { "iothreads", "", "show iothreads", info_nothing },
    { "mem", "", "show the active virtual memory mappings", info_mem },
    { "mice", "", "show which guest mouse is receiving events", info_mice },
    { "mtree", "[-f]", "show memory tree (-f: dump flat view)", info_mtree },
    { "name", "", "show the current VM name", info_name },
    { "network", "", "show the network state", info_nothing },
    { "pci", "", "show PCI info", info_pci },
    { "qom-tree", "[path]", "show QOM composition tree", info_qom_tree },
    { "qtree", "", "show device tree", info_qtree },
    { "registers", "[-a|vcpu]",
      "show the cpu registers (-a: of all; vcpu: of that one)",
      info_registers },
    { "roms", "", "show roms", info_roms },
    { "status", "", "show the current VM status (running|paused)",
      info_status },
    { "sync-profile", "", "show how often locks were waited for",
      info_sync_profile },
    { "tlb", "", "show virtual to physical memory mappings", info_tlb },
    { "uuid", "", "show the current VM UUID", info_uuid },
    { "version", "", "show the version", info_version },
};

static InfoExtra *extra_find(const char *name)
{
    for (GList *l = extras.head; l; l = l->next) {
        InfoExtra *extra = l->data;

        if (strcmp(extra->name, name) == 0) {
            return extra;
        }
    }
    return NULL;
}

void monitor_register_info(const char *name, const char *help,
                           void (*print)(GString *out))
{
    InfoExtra *extra = extra_find(name);

    if (!extra) {
        extra = g_new0(InfoExtra, 1);
        g_queue_push_tail(&extras, extra);
    }
    *extra = (InfoExtra){ name, help, print };
}

const char *info_topic_at(unsigned index)
{
    const InfoExtra *extra;

    if (index < ARRAY_LEN(topics)) {
        return topics[index].name;
    }
    extra = g_queue_peek_nth(&extras, index - ARRAY_LEN(topics));
    return extra ? extra->name : NULL;
}

static void info_print_topics(GString *out)
{
    for (unsigned i = 0; i < ARRAY_LEN(topics); i++) {
        g_string_append_printf(out, "info %s %s -- %s\n", topics[i].name,
                               topics[i].args, topics[i].help);
    }
    for (GList *l = extras.head; l; l = l->next) {
        const InfoExtra *extra = l->data;

        g_string_append_printf(out, "info %s  -- %s\n", extra->name,
                               extra->help);
    }
}

/* "info TOPIC ARGUMENTS"; without a topic, the list. */
json_object *cmd_info(MonCall *call, json_object *args, GError **errp)
{
    g_autofree char *line = g_strdup(arg_str(args, "topic", ""));
    char *rest;
    const InfoExtra *extra;

    g_strstrip(line);
    if (*line == '\0') {
        info_print_topics(call->out);
        return NULL;
    }
    rest = line + strcspn(line, " \t");
    if (*rest) {
        *rest++ = '\0';
        g_strchug(rest);
    }
    for (unsigned i = 0; i < ARRAY_LEN(topics); i++) {
        if (strcmp(topics[i].name, line) == 0) {
            topics[i].print(call, rest);
            return NULL;
        }
    }
    extra = extra_find(line);
    if (extra) {
        extra->print(call->out);
    } else {
        g_string_append_printf(call->out, "unknown command: 'info %s'\n", line);
    }
    return NULL;
}

static void help_print(GString *out, const MonCommand *cmd)
{
    g_string_append_printf(out, "%s %s -- %s\n", cmd->hmp, cmd->hmp_args,
                           cmd->help);
}

/* "help", "help info", "help COMMAND". */
json_object *cmd_help(MonCall *call, json_object *args, GError **errp)
{
    const char *name = arg_str(args, "name", "");
    const MonCommand *cmd;

    if (strcmp(name, "info") == 0) {
        info_print_topics(call->out);
        return NULL;
    }
    if (*name) {
        cmd = command_find_hmp(name, strlen(name));
        if (cmd) {
            help_print(call->out, cmd);
        } else {
            g_string_append_printf(call->out, "unknown command: '%s'\n", name);
        }
        return NULL;
    }
    for (unsigned i = 0; i < monitor_command_count; i++) {
        if (monitor_commands[i].hmp) {
            help_print(call->out, &monitor_commands[i]);
        }
    }
    return NULL;
}
