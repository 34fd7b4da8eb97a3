/* SPDX-License-Identifier: MIT */
/* From options to a machine that runs, and back out. */
#include "system/launch.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "accel/tcg.h"
#include "block/block.h"
#include "chardev/char.h"
#include "exec/bql.h"
#include "exec/cpu.h"
#include "exec/memory.h"
#include "exec/stall.h"
#include "gdbstub/gdbstub.h"
#include "hw/device.h"
#include "hw/intc/info.h"
#include "monitor/info.h"
#include "monitor/monitor.h"
#include "system/runstate.h"
#include "system/sandbox.h"
#include "system/user_object.h"
#include "util/error.h"
#include "util/log.h"
#include "util/main-loop.h"
#include "util/rcu.h"

const MachineConfig *machine_config;
const MachineType *machine_type;

/* bql_lock() is a macro that notes its caller. */
static void launch_bql_lock(void)
{
    bql_lock();
}

/* The file first: an error of the rest belongs on the terminal all the same. */
static bool launch_log(const Launch *l, GError **errp)
{
    uint32_t mask = 0;

    if (l->log_file && !log_set_file(l->log_file, errp)) {
        g_prefix_error(errp, "-D %s: ", l->log_file);
        return false;
    }
    if ((l->log_filter && !log_set_filter(l->log_filter, errp)) ||
        (l->log_items && !log_parse_mask(l->log_items, &mask, errp))) {
        return false;
    }
    log_set_mask(mask);
    return true;
}

/* The first of -accel that can be had. */
static bool launch_choose_accel(Launch *l, GError **errp)
{
    const OptionUse *use = NULL;

    for (GList *i = l->accels.head; i && !l->accel; i = i->next) {
        use = i->data;
        if (strcmp(use->arg, "tcg") == 0 ||
            g_str_has_prefix(use->arg, "tcg,")) {
            l->accel = keyval_parse(use->arg, "accel", errp);
            if (!l->accel) {
                return false;
            }
        }
    }
    if (!l->accel && use) {
        error_setg(errp, "-accel %s: not available on this host: use tcg",
                   use->arg);
        return false;
    }
    if (!l->accel) {
        l->accel = keyval_new();
    }
    keyval_get(l->accel, "accel", NULL);
    return true;
}

static bool launch_accel(Launch *l, GError **errp)
{
    if (!tcg_accel_init(l->accel, l->machine.cpus, errp) ||
        !keyval_check_used(l->accel, errp)) {
        g_prefix_error(errp, "-accel tcg: ");
        return false;
    }
    monitor_register_info("pic", "show the interrupt controllers",
                          intc_info_pic);
    monitor_register_info("irq", "show the interrupts by line", intc_info_irq);
    monitor_register_info("lapic", "show the local APICs", intc_info_lapic);
    monitor_register_info("jit", "show dynamic compiler info", tcg_print_info);
    return true;
}

/* From here on machine_type and machine_config are valid for everyone. */
static bool launch_choose_machine(Launch *l, GError **errp)
{
    const MachineType *type = l->type;

    for (unsigned i = 0; !type && machine_type_at(i); i++) {
        if (machine_type_at(i)->is_default) {
            type = machine_type_at(i);
        }
    }
    if (!type) {
        error_setg(errp, "No machine specified: use -machine help to list "
                         "supported machines");
        return false;
    }
    if (l->machine.max_cpus > type->max_cpus) {
        error_setg(errp,
                   "Invalid SMP CPUs %u. The max CPUs supported by "
                   "machine '%s' is %u",
                   l->machine.max_cpus, type->name, type->max_cpus);
        return false;
    }
    l->machine.cpu_model = l->cpu_model ? l->cpu_model : "max";
    l->machine.no_defaults = l->no_defaults;
    machine_type = type;
    machine_config = &l->machine;
    return true;
}

/* A key that neither the launcher nor the machine asked for. */
static bool launch_check_machine_opts(const Launch *l, GError **errp)
{
    const KeyVal *opts = l->machine.machine_opts;
    const char *key = keyval_first_unused(opts);

    if (key) {
        error_setg(errp, "Property '%s-machine.%s' not found",
                   machine_type->name, key);
    }
    return !key;
}

static bool launch_machine(Launch *l, GError **errp)
{
    return machine_type->init(&l->machine, errp) &&
           launch_check_machine_opts(l, errp);
}

/* A missing or empty file is better told before the firmware runs. */
static bool launch_check_kernel(const char *path, GError **errp)
{
    struct stat st;

    if (!path) {
        return true;
    }
    if (stat(path, &st) < 0 || access(path, R_OK) < 0) {
        error_setg(errp, "could not open kernel file '%s': %s", path,
                   g_strerror(errno));
        return false;
    }
    if (S_ISDIR(st.st_mode) || (S_ISREG(st.st_mode) && st.st_size == 0)) {
        error_setg(errp, "could not load kernel '%s': it is %s", path,
                   S_ISDIR(st.st_mode) ? "a directory" : "empty");
        return false;
    }
    return true;
}

static bool launch_gdb(const Launch *l, GError **errp)
{
    if (l->gdb && !gdbserver_start(l->gdb, errp)) {
        g_prefix_error(errp, "-gdb %s: ", l->gdb);
        return false;
    }
    return true;
}

/* The steps, in the order in which each needs the ones before. */
static bool launch_make(Launch *l, GError **errp)
{
    return launch_check_kernel(l->machine.kernel, errp) &&
           launch_choose_machine(l, errp) && launch_choose_accel(l, errp) &&
           launch_add_defaults(l, errp) && launch_make_objects(l, errp) &&
           launch_memory_backend(l, errp) && launch_make_chardevs(l, errp) &&
           launch_make_drives(l, errp) && signals_init(errp) &&
           launch_accel(l, errp) && launch_machine(l, errp) &&
           launch_make_devices(l, errp) && launch_make_monitors(l, errp) &&
           launch_gdb(l, errp) &&
           (!l->pidfile || pidfile_create(l->pidfile, errp));
}

/* Before the guest's first instruction; the filter last, as it may forbid what
 * the others do. */
static bool launch_confine(const Launch *l, GError **errp)
{
    return run_with_enter(l, errp) && sandbox_enter(l->sandbox, errp);
}

/* The first reset: registers and chips take their power-on values. */
static void launch_start(Launch *l)
{
    CPUState *cpu;

    devices_reset_all();
    CPU_FOREACH (cpu) {
        cpu->ops->reset(cpu);
    }
    if (!l->start_stopped) {
        vm_start();
    }
}

/* Nothing runs any more; hand back what outlives the process. */
static void launch_cleanup(int status)
{
    stall_watch_stop();
    block_drain_all();
    gdbserver_cleanup(status);
    monitor_cleanup();
    block_close_all();
    chardev_cleanup();
    user_objects_cleanup();
    pidfile_remove();
}

static void launch_print_stats(void)
{
    if (log_enabled(LOG_STATS)) {
        GString *out = g_string_new(NULL);

        tcg_print_info(out);
        log_write("%s", out->str);
        g_string_free(out, TRUE);
    }
}

/* The Big Lock is taken once, here; the main loop drops it while it polls. */
int launch_run(Launch *l)
{
    GError *err = NULL;

    signal(SIGPIPE, SIG_IGN); /* a write to a peer that left fails instead */
    signal(SIGXFSZ, SIG_IGN); /* so does one past a limit on files */
    /* Before any thread, lock or terminal: only the child has those. */
    if ((l->daemonize && !daemon_begin(&err)) || !launch_log(l, &err)) {
        error_report("%s", err->message);
        return EXIT_FAILURE;
    }
    bql_init();
    main_loop_init(launch_bql_lock, bql_unlock);
    bql_lock();
    cpu_list_init();
    memory_map_init();
    block_set_error_handler(runstate_block_error);
    if (!launch_make(l, &err) || !launch_confine(l, &err)) {
        launch_cleanup(EXIT_FAILURE);
        error_report("%s", err->message);
        return EXIT_FAILURE;
    }
    chardev_set_running();
    launch_start(l);
    if (!daemon_ready(&err)) {
        error_report("%s", err->message);
        main_loop_quit(EXIT_FAILURE);
    }
    main_loop_run();
    cpus_shutdown();
    launch_print_stats();
    launch_cleanup(main_loop_status());
    return main_loop_status();
}
