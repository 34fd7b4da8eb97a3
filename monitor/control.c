/* SPDX-License-Identifier: MIT */
/* Handlers that act on the machine or on the program. */
#include "monitor/command.h"

#include <string.h>

#include "exec/hold.h"
#include "gdbstub/gdbstub.h"
#include "monitor/dump.h"
#include "system/runstate.h"
#include "util/error.h"
#include "util/log.h"
#include "util/rcu.h"

/* Idempotent, as clients that lost track of the state send it. */
json_object *cmd_stop(MonCall *call, json_object *args, GError **errp)
{
    if (runstate_is_running()) {
        vm_stop(RUN_STATE_PAUSED);
    }
    return NULL;
}

/* After a power-off under -no-shutdown there is nothing to go on with. */
json_object *cmd_cont(MonCall *call, json_object *args, GError **errp)
{
    RunState state = runstate_get();

    if (dump_in_progress()) {
        error_setg(errp, "There is a dump in process, please wait.");
        return NULL;
    }
    if (state == RUN_STATE_INTERNAL_ERROR || state == RUN_STATE_SHUTDOWN) {
        error_setg(errp, "Resetting the Virtual Machine is required");
        return NULL;
    }
    if (!runstate_is_running()) {
        vm_start();
    }
    return NULL;
}

/* The next three are requests: the main loop carries them out after the reply
 * has been sent. */
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

/* There is no S3: a machine is never suspended. */
json_object *cmd_wakeup(MonCall *call, json_object *args, GError **errp)
{
    error_setg(errp, "Unable to wake up: guest is not in suspended state");
    return NULL;
}

json_object *cmd_quit(MonCall *call, json_object *args, GError **errp)
{
    system_shutdown_request(SHUTDOWN_HOST_QMP_QUIT);
    return NULL;
}

/* An unknown item prints the list of those that there are. */
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

/* What it prints is what scripts look for. */
json_object *cmd_gdbserver(MonCall *call, json_object *args, GError **errp)
{
    const char *device = arg_str(args, "device", GDBSERVER_DEFAULT);
    GError *err = NULL;

    if (!gdbserver_start(device, &err)) {
        g_string_append_printf(call->out,
                               "Could not open gdbserver on device '%s': %s\n",
                               device, err->message);
        g_error_free(err);
    } else if (strcmp(device, "none") == 0) {
        g_string_append(call->out, "Disabled gdbserver\n");
    } else {
        g_string_append_printf(call->out,
                               "Waiting for gdb connection on device '%s'\n",
                               device);
    }
    return NULL;
}

json_object *cmd_hold(MonCall *call, json_object *args, GError **errp)
{
    int64_t cpu = arg_int(args, "cpu", HOLD_ANY_CPU);
    int64_t ms = arg_int(args, "ms", 2000);

    if (cpu != HOLD_ANY_CPU && (cpu < 0 || cpu > INT_MAX || !cpu_get(cpu))) {
        error_setg(errp, "There is no vCPU %" PRId64 " to hold", cpu);
    } else if (ms < 0 || ms > 60000) {
        error_setg(errp, "A hold lasts 0 to 60000 ms");
    } else {
        hold_arm(arg_str(args, "point", ""), cpu, ms, errp);
    }
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

/* run_on_cpu() drops the Big Lock while it waits: no pointer into device state
 * may be held across this. */
void monitor_on_cpu(CPUState *cpu, CPUWorkFunc *fn, void *opaque)
{
    if (cpu->created) {
        run_on_cpu(cpu, fn, opaque);
    } else {
        fn(cpu, opaque); /* it has no thread that could be running it */
    }
}
