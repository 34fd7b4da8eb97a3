/* SPDX-License-Identifier: MIT */
/*
 * The command table and what its handlers share.  Locks: BQL throughout.
 */
#ifndef HEDDLE_MONITOR_COMMAND_H
#define HEDDLE_MONITOR_COMMAND_H

#include <json-c/json.h>

#include "exec/cpu.h"
#include "monitor/monitor.h"
#include "monitor/schema.h"
#include "util/common.h"
#include "util/error.h"
#include "util/keyval.h"

/* One call of a command, from either kind of monitor. */
typedef struct MonCall {
    GString *out;   /* HMP: text for people; NULL under QMP */
    int *cpu_index; /* HMP: the monitor's current vCPU */
    char **history; /* HMP: lines, oldest first, NULL at the end; or NULL */
    Monitor *mon;   /* whose descriptors it may take, or NULL */
} MonCall;

/* @args was checked against the row.  Returns a new JSON value, NULL for {}
 * (or none, under HMP); or NULL with @errp set. */
typedef json_object *MonHandler(MonCall *call, json_object *args,
                                GError **errp);

/* A row of commands.def. */
typedef struct MonCommand {
    const char *qmp; /* name, or NULL */
    const char *hmp; /* names with "|" between, or NULL */
    const char *args, *ret;
    const char *hmp_args; /* how help shows them */
    const char *help;
    MonHandler *handler;
    bool oob;             /* may be executed out of band */
    const char *features; /* for the schema, with blanks between; or NULL */
} MonCommand;

extern const MonCommand monitor_commands[];
extern const unsigned monitor_command_count;
/* The handlers of all rows. */
#define QMP(name, args, ret, fn)                          MonHandler fn;
#define QMP_OOB(name, args, ret, fn)                      MonHandler fn;
#define QMP_FEATURES(name, args, ret, features, fn)       MonHandler fn;
#define HMP(names, args, shown, help, fn)                 MonHandler fn;
#define BOTH(qmp_name, names, args, ret, shown, help, fn) MonHandler fn;
#include "monitor/commands.def"
#undef QMP
#undef QMP_OOB
#undef QMP_FEATURES
#undef HMP
#undef BOTH

/* "qmp_capabilities" is no row: a session answers it itself. */
extern const MonCommand command_capabilities;

const MonCommand *command_find_qmp(const char *name);
/* @name of @len bytes. */
const MonCommand *command_find_hmp(const char *name, size_t len);
/* Check @args (may be NULL) against @cmd, with QEMU's error texts. */
bool command_check_args(const MonCommand *cmd, json_object *args,
                        GError **errp);

/* Getters for checked arguments. */
const char *arg_str(json_object *args, const char *name, const char *def);
int64_t arg_int(json_object *args, const char *name, int64_t def);
bool arg_bool(json_object *args, const char *name, bool def);
bool arg_has(json_object *args, const char *name);
json_object *arg_get(json_object *args, const char *name); /* NULL: absent */

/* Set @errp with an error class; for handlers: returns NULL. */
json_object *cmd_error(GError **errp, HeddleError class, const char *fmt, ...)
    G_GNUC_PRINTF(3, 4);

/* --- qmp_json.c --- */
/* JSON text as QEMU spaces it; @pretty: indented. */
void json_print(GString *out, json_object *value, bool pretty);
/* Members of an object. */
void put_str(json_object *object, const char *name, const char *value);
void put_int(json_object *object, const char *name, int64_t value);
void put_bool(json_object *object, const char *name, bool value);
/* Options of a command line from members (numbers, switches and strings); what
 * is nested becomes "outer.inner". */
void json_to_keyval(json_object *object, const char *prefix, KeyVal *kv);

/* --- events.c --- */
typedef struct MonEvent {
    const char *name, *data;
    unsigned rate_ms;
} MonEvent;
extern const MonEvent monitor_events[];
extern const unsigned monitor_event_count;

/* --- introspect.c --- */
/* What query-qmp-schema answers. */
json_object *introspect(void);

/* --- hmp_line.c --- */
/* Take one line apart and run it; what it prints goes to call->out. */
void hmp_run(MonCall *call, const char *line);

/* --- hmp_complete.c --- */
/* Words that may stand at the end of the line @before, beginning with @prefix;
 * sorted, NULL at the end; free with g_strfreev. */
char **hmp_completions(const char *before, const char *prefix);

/* --- info.c --- */
/* Names of the topics of `info`; NULL past the last. */
const char *info_topic_at(unsigned index);

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
/* Read @len bytes at a linear address as @cpu sees it; false if any is not
 * mapped to memory. */
bool monitor_read_virtual(CPUState *cpu, vaddr addr, void *buf, size_t len);

#endif
