/* SPDX-License-Identifier: MIT */
/*
 * The launcher: what the command line says, and the steps that make a machine
 * of it.  First thread only; from launch_start() on under the BQL.
 */
#ifndef HEDDLE_SYSTEM_LAUNCH_H
#define HEDDLE_SYSTEM_LAUNCH_H

#include <sys/types.h>

#include "system/machine.h"
#include "util/common.h"
#include "util/keyval.h"

typedef struct Launch Launch;
typedef struct Option Option;

/* One use of an option whose work waits for others; kept in order. */
typedef struct OptionUse {
    const Option *option;
    char *arg; /* NULL when the option takes none */
} OptionUse;

/* -run-with user= */
typedef struct RunAs {
    bool wanted;
    uid_t uid;
    gid_t gid;
    gid_t *groups;
    size_t ngroups;
} RunAs;

struct Launch {
    MachineConfig machine;
    const MachineType *type; /* NULL: the default one */
    GQueue accels;           /* OptionUse, as the next ones */
    GQueue chardevs, serials, drives, devices, monitors, debugcons, objects;
    KeyVal *accel; /* the first usable of -accel */
    const char *cpu_model;
    bool no_defaults, nographic, have_display;
    bool have_memory; /* -m was given */
    bool start_stopped, snapshot, daemonize;
    const char *pidfile;
    const char *gdb; /* where the GDB server listens; NULL: nowhere */
    const char *log_items, *log_file, *log_filter;
    const char *chroot; /* NULL: the root stays */
    RunAs run_as;
    unsigned sandbox; /* SandboxGroups */
};

typedef bool OptionHandler(Launch *l, const Option *opt, const char *arg,
                           GError **errp);

struct Option {
    const char *name; /* without the dash; NULL: a heading */
    const char *arg;  /* what the argument looks like; NULL: none */
    const char *help;
    OptionHandler *handler;
    size_t offset; /* in Launch, for the generic handlers */
};

/* Returned through a handler's @errp when the option has done its work and
 * the process is to end well, as after "help". */
#define LAUNCH_DONE launch_done_quark()
GQuark launch_done_quark(void);
/* Print @text (freed) and set LAUNCH_DONE; returns false for the handler. */
bool launch_help_done(char *text, GError **errp);

/* --- options.c: the table --- */
extern const Option option_table[];
extern const unsigned option_count;
const Option *option_find(const char *name); /* without dashes */

/* --- cmdline.c --- */
void launch_init(Launch *l);
void launch_free(Launch *l);
/* Read the whole command line. */
bool launch_parse(Launch *l, int argc, char **argv, GError **errp);
/* Do what one option says, with its name before an error's text. */
bool launch_option(Launch *l, const Option *opt, const char *arg,
                   GError **errp);
/* Put "-NAME ARG: " before the message of @errp. */
void option_use_prefix(const Option *opt, const char *arg, GError **errp);

/* Handlers of the table, by the file that holds them. */
/* cmdline.c: flag, string, kept for later */
OptionHandler opt_flag, opt_string, opt_keep, opt_ignored, opt_display,
    opt_nographic, opt_no_reboot, opt_no_shutdown, opt_help, opt_version,
    opt_hd, opt_cdrom, opt_log, opt_parallel, opt_vga, opt_vnc,
    opt_action, opt_gdb_default;
/* opt_machine.c */
OptionHandler opt_machine, opt_cpu, opt_smp, opt_memory, opt_boot, opt_rtc,
    opt_uuid, opt_name, opt_accel, opt_icount, opt_bios_dir;
/* opt_device.c */
OptionHandler opt_device, opt_chardev;
/* run_with.c */
OptionHandler opt_run_with, opt_chroot, opt_runas;
/* readconfig.c */
OptionHandler opt_readconfig;

/* -smp's arithmetic alone: @kv to counts.  Returns false with @errp set. */
bool smp_parse(KeyVal *kv, MachineConfig *config, GError **errp);

/* --- opt_device.c: carrying out what was kept --- */
bool launch_add_defaults(Launch *l, GError **errp);
bool launch_make_objects(Launch *l, GError **errp);
/* -machine memory-backend=: the guest's RAM is that object's. */
bool launch_memory_backend(Launch *l, GError **errp);
bool launch_make_chardevs(Launch *l, GError **errp);
bool launch_make_drives(Launch *l, GError **errp);
bool launch_make_devices(Launch *l, GError **errp);
bool launch_make_monitors(Launch *l, GError **errp);

/* --- daemon.c --- */
/* Fork; the parent stays until daemon_ready() or the child's end. */
bool daemon_begin(GError **errp);
/* The monitors and the pid file are there: let the parent exit 0. */
bool daemon_ready(GError **errp);
bool pidfile_create(const char *path, GError **errp);
void pidfile_remove(void);

/* --- run_with.c --- */
/* Change the directory, the root directory and the user, as is asked for. */
bool run_with_enter(const Launch *l, GError **errp);
void run_with_free(Launch *l);

/* --- signals.c --- */
/* SIGINT, SIGTERM and SIGHUP shut the machine down, from the main loop. */
bool signals_init(GError **errp);

/* --- launch.c --- */
/* From parsed options to a machine that runs; returns the exit status. */
int launch_run(Launch *l);

#endif
