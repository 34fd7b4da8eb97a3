/* SPDX-License-Identifier: MIT */
/*
 * Devices, disks, character back-ends and monitors: what the command line
 * asks for, and what it gets when it asks for nothing (docs/launcher.md).
 */
#include "system/launch.h"

#include <string.h>

#include "block/block.h"
#include "chardev/char.h"
#include "hw/device.h"
#include "monitor/monitor.h"
#include "system/user_object.h"
#include "util/error.h"

static bool is_help(const char *arg)
{
    return strcmp(arg, "help") == 0 || strcmp(arg, "?") == 0;
}

/* --- handlers --- */

static bool device_help(KeyVal *kv, const char *driver, GError **errp)
{
    GString *out = g_string_new(NULL);

    if (is_help(driver)) {
        device_print_types(out);
    } else if (!device_print_help(driver, out, errp)) {
        g_string_free(out, TRUE);
        return false;
    }
    return launch_help_done(g_string_free(out, FALSE), errp);
}

/* Help is given at once, without a machine. */
bool opt_device(Launch *l, const Option *opt, const char *arg, GError **errp)
{
    g_autoptr(KeyVal) kv = keyval_parse(arg, "driver", errp);
    const char *driver;

    if (!kv) {
        return false;
    }
    driver = keyval_get(kv, "driver", "");
    if (is_help(driver) || keyval_has(kv, "help") || keyval_has(kv, "?")) {
        return device_help(kv, driver, errp);
    }
    return opt_keep(l, opt, arg, errp);
}

bool opt_chardev(Launch *l, const Option *opt, const char *arg, GError **errp)
{
    if (is_help(arg)) {
        GString *out = g_string_new(NULL);

        chardev_print_types(out);
        return launch_help_done(g_string_free(out, FALSE), errp);
    }
    return opt_keep(l, opt, arg, errp);
}

/* --- what is there by default --- */

/* Is any use of @queue's option about the driver (or back-end) @name? */
static bool queue_names(const GQueue *queue, const char *name)
{
    size_t len = strlen(name);

    for (GList *i = queue->head; i; i = i->next) {
        const OptionUse *use = i->data;

        if (strncmp(use->arg, name, len) == 0 &&
            (use->arg[len] == '\0' || use->arg[len] == ',')) {
            return true;
        }
    }
    return false;
}

/* As JSON or not. */
static bool devices_have(const Launch *l, const char *driver)
{
    for (GList *i = l->devices.head; i; i = i->next) {
        const OptionUse *use = i->data;
        g_autoptr(KeyVal) kv = keyval_parse(use->arg, "driver", NULL);

        if (kv && g_strcmp0(keyval_get(kv, "driver", NULL), driver) == 0) {
            return true;
        }
    }
    return false;
}

/* A serial port "mon:..." brings a monitor of its own. */
static bool serial_has_monitor(const Launch *l)
{
    for (GList *i = l->serials.head; i; i = i->next) {
        const OptionUse *use = i->data;

        if (g_str_has_prefix(use->arg, "mon:")) {
            return true;
        }
    }
    return false;
}

/* Will any back-end that was asked for take the terminal? */
static bool stdio_is_used(const Launch *l)
{
    return queue_names(&l->serials, "stdio") ||
           queue_names(&l->debugcons, "stdio") ||
           queue_names(&l->monitors, "stdio") ||
           queue_names(&l->chardevs, "stdio") ||
           (l->gdb && strcmp(l->gdb, "stdio") == 0) || serial_has_monitor(l);
}

bool launch_add_defaults(Launch *l, GError **errp)
{
    bool serial = !l->no_defaults && g_queue_is_empty(&l->serials) &&
                  !devices_have(l, "isa-serial");
    bool monitor = !l->no_defaults && g_queue_is_empty(&l->monitors) &&
                   !serial_has_monitor(l);
    const Option *opt_serial = option_find("serial");
    const Option *opt_monitor = option_find("monitor");

    if (l->daemonize && l->nographic && (serial || monitor)) {
        error_setg(errp, "-nographic cannot be used with -daemonize: the "
                         "terminal goes away; give -serial and -monitor, or "
                         "use -display none");
        return false;
    }
    if (l->nographic && serial && monitor) {
        return opt_keep(l, opt_serial, "mon:stdio", errp);
    }
    if (serial &&
        !opt_keep(l, opt_serial, l->nographic ? "stdio" : "null", errp)) {
        return false;
    }
    /* With a display that shows nothing there is a user who wants it so; with
     * none asked for, the monitor is all that he can see. */
    if (monitor && (l->nographic ||
                    (!l->have_display && !l->daemonize && !stdio_is_used(l)))) {
        return opt_keep(l, opt_monitor, "stdio", errp);
    }
    return true;
}

/* --- objects: others may name them --- */

bool launch_make_objects(Launch *l, GError **errp)
{
    for (GList *i = l->objects.head; i; i = i->next) {
        const OptionUse *use = i->data;
        g_autoptr(KeyVal) kv = keyval_parse(use->arg, "qom-type", errp);

        if (!kv || !user_object_add(kv, errp)) {
            option_use_prefix(use->option, use->arg, errp);
            return false;
        }
    }
    return true;
}

/* --- character back-ends --- */

static bool make_chardev(const OptionUse *use, GError **errp)
{
    g_autoptr(KeyVal) kv = keyval_parse(use->arg, "backend", errp);

    return kv && chardev_add(kv, errp);
}

/* A short form; *@chr is NULL for "none". */
static bool make_short(const OptionUse *use, const char *id,
                       struct Chardev **chr, GError **errp)
{
    GError *err = NULL;

    *chr = chardev_parse_short(id, use->arg, &err);
    if (err) {
        option_use_prefix(use->option, use->arg, &err);
        g_propagate_error(errp, err);
        return false;
    }
    return true;
}

/* Ports count the options: "-serial none" leaves one out. */
static bool make_serials(Launch *l, GError **errp)
{
    unsigned n = 0;

    for (GList *i = l->serials.head; i; i = i->next, n++) {
        g_autofree char *id = g_strdup_printf("serial%u", n);

        if (n >= SERIAL_PORTS) {
            error_setg(errp, "too many serial ports: there are %d",
                       SERIAL_PORTS);
            return false;
        }
        if (!make_short(i->data, id, &l->machine.serial[n], errp)) {
            return false;
        }
    }
    return true;
}

bool launch_make_chardevs(Launch *l, GError **errp)
{
    for (GList *i = l->chardevs.head; i; i = i->next) {
        const OptionUse *use = i->data;

        if (!make_chardev(use, errp)) {
            option_use_prefix(use->option, use->arg, errp);
            return false;
        }
    }
    if (!make_serials(l, errp)) {
        return false;
    }
    for (GList *i = l->debugcons.head; i; i = i->next) {
        if (!make_short(i->data, "debugcon", &l->machine.debugcon, errp)) {
            return false;
        }
    }
    return true;
}

/* --- disks --- */

bool launch_make_drives(Launch *l, GError **errp)
{
    for (GList *i = l->drives.head; i; i = i->next) {
        const OptionUse *use = i->data;
        g_autoptr(KeyVal) kv = keyval_parse(use->arg, NULL, errp);

        if (kv && l->snapshot) {
            keyval_set(kv, "snapshot", "on");
        }
        if (!kv || !block_drive_add(kv, errp)) {
            option_use_prefix(use->option, use->arg, errp);
            return false;
        }
    }
    return true;
}

/* if=virtio stands for a device as well. */
static void make_virtio_disk(BlockBackend *blk, void *opaque)
{
    GError **errp = opaque;
    g_autoptr(KeyVal) kv = NULL;

    if (*errp || strcmp(block_interface(blk), "virtio") != 0 ||
        block_user(blk)) {
        return;
    }
    kv = keyval_new();
    keyval_set(kv, "driver", "virtio-blk-pci");
    keyval_set(kv, "drive", block_id(blk));
    device_add(kv, errp);
}

/* A drive that no controller took would be a disk that the guest misses. */
static void check_drive_used(BlockBackend *blk, void *opaque)
{
    GError **errp = opaque;

    if (!*errp && strcmp(block_interface(blk), "none") != 0 &&
        !block_user(blk)) {
        error_setg(errp,
                   "drive '%s': the machine has no controller with a "
                   "free place for if=%s: use if=virtio",
                   block_id(blk), block_interface(blk));
    }
}

/* -device first: it may give a place to a drive that if= would fill. */
bool launch_make_devices(Launch *l, GError **errp)
{
    GError *err = NULL;

    for (GList *i = l->devices.head; i && !err; i = i->next) {
        const OptionUse *use = i->data;
        g_autoptr(KeyVal) kv = keyval_parse(use->arg, "driver", &err);

        if (kv) {
            device_add(kv, &err);
        }
        if (err) {
            option_use_prefix(use->option, use->arg, &err);
        }
    }
    if (!err) {
        block_foreach(make_virtio_disk, &err);
    }
    if (!err) {
        block_foreach(check_drive_used, &err);
    }
    if (err) {
        g_propagate_error(errp, err);
        return false;
    }
    return true;
}

/* --- monitors --- */

/* -mon [chardev=]ID,mode=readline|control,pretty=on|off */
static bool make_mon(const OptionUse *use, GError **errp)
{
    g_autoptr(KeyVal) kv = keyval_parse(use->arg, "chardev", errp);
    const char *id, *mode;
    struct Chardev *chr;
    bool pretty;

    if (!kv) {
        return false;
    }
    id = keyval_get(kv, "chardev", "");
    mode = keyval_get(kv, "mode", "readline");
    keyval_get(kv, "id", NULL);
    if (!keyval_get_bool(kv, "pretty", false, &pretty, errp) ||
        !keyval_check_used(kv, errp)) {
        return false;
    }
    chr = chardev_find(id);
    if (!chr) {
        error_setg(errp, "chardev \"%s\" not found: make it with -chardev", id);
        return false;
    }
    if (strcmp(mode, "control") == 0) {
        return monitor_add_qmp(chr, pretty, errp);
    }
    if (strcmp(mode, "readline") != 0) {
        error_setg(errp,
                   "unknown monitor mode \"%s\": use readline or "
                   "control",
                   mode);
        return false;
    }
    return monitor_add_hmp(chr, errp);
}

/* -monitor, -qmp, -qmp-pretty DEV: back-end and monitor in one. */
static bool make_short_monitor(const OptionUse *use, unsigned n, GError **errp)
{
    g_autofree char *id = g_strdup_printf("compat_monitor%u", n);
    struct Chardev *chr;
    GError *err = NULL;

    chr = chardev_parse_short(id, use->arg, &err);
    if (!chr) {
        if (err) {
            g_propagate_error(errp, err);
        }
        return !err;
    }
    if (strcmp(use->option->name, "monitor") == 0) {
        return monitor_add_hmp(chr, errp);
    }
    return monitor_add_qmp(chr, strcmp(use->option->name, "qmp-pretty") == 0,
                           errp);
}

/* After the serial ports, which then have the input of a shared terminal. */
bool launch_make_monitors(Launch *l, GError **errp)
{
    unsigned n = 0;

    for (GList *i = l->serials.head; i; i = i->next, n++) {
        const OptionUse *use = i->data;

        if (g_str_has_prefix(use->arg, "mon:") &&
            !monitor_add_hmp(l->machine.serial[n], errp)) {
            option_use_prefix(use->option, use->arg, errp);
            return false;
        }
    }
    n = 0;
    for (GList *i = l->monitors.head; i; i = i->next) {
        const OptionUse *use = i->data;
        bool ok = strcmp(use->option->name, "mon") == 0
                      ? make_mon(use, errp)
                      : make_short_monitor(use, n++, errp);

        if (!ok) {
            option_use_prefix(use->option, use->arg, errp);
            return false;
        }
    }
    return true;
}
