/* SPDX-License-Identifier: MIT */
/* Handlers that act on the machine or on the program. */
#include "monitor/command.h"

#include <string.h>

#include "system/runstate.h"
#include "util/error.h"
#include "util/log.h"
#include "util/rcu.h"

json_object *cmd_stop(MonCall *call, json_object *args, GError **errp)
{
    if (runstate_is_running()) {
        vm_stop(RUN_STATE_PAUSED);
    }
    return NULL;
}

json_object *cmd_cont(MonCall *call, json_object *args, GError **errp)
{
    RunState state = runstate_get();

    if (state == RUN_STATE_INTERNAL_ERROR || state == RUN_STATE_SHUTDOWN) {
        error_setg(errp, "Resetting the Virtual Machine is required");
        return NULL;
    }
    if (!runstate_is_running()) {
        vm_start();
    }
    return NULL;
}

json_object *cmd_reset(MonCall *call, json_object *args, GError **errp)
{
    system_reset_request(SHUTDOWN_HOST_QMP_SYSTEM_RESET);
    return NULL;
}

json_object *cmd_powerdown(MonCall *call, json_object *args, GError **errp)
{
    system_powerdown_request();
    return NULL;
}

json_object *cmd_quit(MonCall *call, json_object *args, GError **errp)
{
    system_shutdown_request(SHUTDOWN_HOST_QMP_QUIT);
    return NULL;
}

json_object *cmd_log(MonCall *call, json_object *args, GError **errp)
{
    const char *items = arg_str(args, "items", "");
    uint32_t mask = 0;

    if (strcmp(items, "none") == 0 || log_parse_mask(items, &mask, NULL)) {
        log_set_mask(mask);
    } else {
        g_autofree char *help = log_help();

        g_string_append(call->out, help);
    }
    return NULL;
}

json_object *cmd_logfile(MonCall *call, json_object *args, GError **errp)
{
    log_set_file(arg_str(args, "filename", ""), errp);
    return NULL;
}

json_object *cmd_cpu(MonCall *call, json_object *args, GError **errp)
{
    int64_t index = arg_int(args, "index", 0);

    if (index < 0 || index > INT_MAX || !cpu_get(index)) {
        g_string_append(call->out, "invalid CPU index\n");
    } else {
        *call->cpu_index = index;
    }
    return NULL;
}

CPUState *monitor_cpu(const MonCall *call)
{
    return cpu_get(*call->cpu_index);
}

void monitor_on_cpu(CPUState *cpu, CPUWorkFunc *fn, void *opaque)
{
    if (cpu->created) {
        run_on_cpu(cpu, fn, opaque);
    } else {
        fn(cpu, opaque); /* it has no thread that could be running it */
    }
}
