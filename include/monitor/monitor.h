/* SPDX-License-Identifier: MIT */
/*
 * One command table serves QMP and HMP.  A handler gets its arguments as a
 * JSON object that was checked against the table, and returns a JSON value
 * (NULL stands for {}), or sets the error.  Locks: BQL.
 */
#ifndef HEDDLE_MONITOR_MONITOR_H
#define HEDDLE_MONITOR_MONITOR_H

#include <json-c/json.h>

#include "util/common.h"

struct Chardev;

typedef struct Monitor Monitor;

/* -mon and its short forms. */
bool monitor_add_hmp(struct Chardev *chr, GError **errp);
bool monitor_add_qmp(struct Chardev *chr, bool pretty, GError **errp);

/* Send an event to every negotiated QMP monitor; takes over @data (may be
 * NULL). */
void monitor_event(const char *name, json_object *data);

/* Run one HMP line and return its output, as human-monitor-command does; free
 * with g_free. */
char *monitor_run_hmp(const char *line, int cpu_index);

void monitor_cleanup(void);

#endif
