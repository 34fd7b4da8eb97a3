/* SPDX-License-Identifier: MIT */
/*
 * The command table and what its handlers share.  Locks: BQL throughout.
 */
#ifndef HEDDLE_MONITOR_COMMAND_H
#define HEDDLE_MONITOR_COMMAND_H

#include <json-c/json.h>

#include "exec/cpu.h"
#include "util/common.h"

/* One call of a command, from either kind of monitor. */
typedef struct MonCall {
    GString *out;   /* HMP: text for people; NULL under QMP */
    int *cpu_index; /* HMP: the monitor's current vCPU */
    char **history; /* HMP: lines, oldest first, NULL at the end; or NULL */
} MonCall;

/* @args was checked against the row.  Returns a new JSON value, NULL for {}
 * (or none, under HMP); or NULL with @errp set. */
typedef json_object *MonHandler(MonCall *call, json_object *args,
                                GError **errp);

/*
 * A row.  @args lists "name:type" with commas between; a final "?" makes an
 * argument optional.  Types: s string (HMP: a word or "quoted"), S string (the
 * rest of the line), i integer (HMP: an expression), b boolean, a array (QMP
 * only), / format of a memory dump (HMP only), -X flag (HMP: written -X).
 */
typedef struct MonCommand {
    const char *qmp; /* name, or NULL */
    const char *hmp; /* names with "|" between, or NULL */
    const char *args;
    const char *hmp_args; /* how help shows them */
    const char *help;
    MonHandler *handler;
} MonCommand;

extern const MonCommand monitor_commands[];
extern const unsigned monitor_command_count;

const MonCommand *command_find_qmp(const char *name);
/* @name of @len bytes. */
const MonCommand *command_find_hmp(const char *name, size_t len);

/* One argument of a row, as command_next_arg() takes it apart. */
typedef struct MonArg {
    char name[32];
    char type;
    char flag; /* of type '-' */
    bool optional;
} MonArg;
/* Walk the rows' arguments: start with @pos = row->args; NULL at the end. */
const char *command_next_arg(const char *pos, MonArg *arg);

/* Check @args (may be NULL) against @cmd, with QEMU's error texts. */
bool command_check_args(const MonCommand *cmd, json_object *args,
                        GError **errp);

/* Getters for checked arguments. */
const char *arg_str(json_object *args, const char *name, const char *def);
int64_t arg_int(json_object *args, const char *name, int64_t def);
bool arg_bool(json_object *args, const char *name, bool def);

/* --- qmp_json.c --- */
/* JSON text as QEMU spaces it; @pretty: indented. */
void json_print(GString *out, json_object *value, bool pretty);

/* --- hmp_line.c --- */
/* Take one line apart and run it; what it prints goes to call->out. */
void hmp_run(MonCall *call, const char *line);

/* --- expr.c --- */
/*
 * An integer expression: + - * / % & | ^ ~ ( ), numbers, 'c', $register.
 * @pos     moves past it
 * @cpu     whose registers; NULL: there are none
 */
bool expr_parse(const char **pos, CPUState *cpu, int64_t *out, GError **errp);

/* Run @fn on @cpu's own thread, where its registers are exact. */
void monitor_on_cpu(CPUState *cpu, CPUWorkFunc *fn, void *opaque);
/* The monitor's vCPU; NULL when there is none. */
CPUState *monitor_cpu(const MonCall *call);

/* --- handlers, by file --- */
/* qmp_commands.c */
MonHandler cmd_query_version, cmd_query_status, cmd_query_commands,
    cmd_query_cpus, cmd_query_name, cmd_query_uuid, cmd_query_kvm,
    cmd_query_events, cmd_query_machines, cmd_query_chardev, cmd_query_target,
    cmd_query_schema, cmd_hmp, cmd_ringbuf_read, cmd_ringbuf_write,
    cmd_chardev_remove;
/* control.c */
MonHandler cmd_stop, cmd_cont, cmd_reset, cmd_powerdown, cmd_quit, cmd_log,
    cmd_logfile, cmd_cpu, cmd_gdbserver;
/* info.c */
MonHandler cmd_info, cmd_help;
/* hmp_memory.c */
MonHandler cmd_x, cmd_xp, cmd_print;

#endif
