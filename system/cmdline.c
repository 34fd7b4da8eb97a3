/* SPDX-License-Identifier: MIT */
/* Reading the command line, and the options that only set something. */
#include "system/launch.h"

#include <string.h>

#include "gdbstub/gdbstub.h"
#include "system/runstate.h"
#include "util/error.h"
#include "util/log.h"

G_DEFINE_QUARK(heddle - launch - done, launch_done)

bool launch_help_done(char *text, GError **errp)
{
    g_print("%s", text);
    g_free(text);
    g_set_error(errp, LAUNCH_DONE, 0, "done");
    return false;
}

static void option_use_free(gpointer data)
{
    OptionUse *use = data;

    g_free(use->arg);
    g_free(use);
}

/* Apply @fn to every queue of kept options. */
static void launch_queues(Launch *l, void (*fn)(GQueue *))
{
    GQueue *const queues[] = {&l->accels,   &l->chardevs, &l->serials,
                              &l->drives,   &l->devices,  &l->monitors,
                              &l->debugcons, &l->objects};

    for (unsigned i = 0; i < ARRAY_LEN(queues); i++) {
        fn(queues[i]);
    }
}

static void queue_clear(GQueue *queue)
{
    g_queue_clear_full(queue, option_use_free);
}

void launch_init(Launch *l)
{
    *l = (Launch){0};
    launch_queues(l, g_queue_init);
    l->machine.ram_bytes = 128 * MiB;
    l->machine.cpus = l->machine.max_cpus = 1;
    l->machine.topology = (X86Topology){1, 1, 1, 1};
    l->machine.machine_opts = keyval_new();
}

void launch_free(Launch *l)
{
    launch_queues(l, queue_clear);
    keyval_free(l->machine.machine_opts);
    keyval_free(l->accel);
    run_with_free(l);
}

void option_use_prefix(const Option *opt, const char *arg, GError **errp)
{
    if (arg) {
        g_prefix_error(errp, "-%s %s: ", opt->name, arg);
    } else {
        g_prefix_error(errp, "-%s: ", opt->name);
    }
}

/* LAUNCH_DONE passes unchanged: its text is not for anyone. */
bool launch_option(Launch *l, const Option *opt, const char *arg, GError **errp)
{
    GError *err = NULL;

    if (opt->handler(l, opt, arg, &err)) {
        return true;
    }
    if (err->domain != LAUNCH_DONE) {
        option_use_prefix(opt, arg, &err);
    }
    g_propagate_error(errp, err);
    return false;
}

/* Options begin with one dash or two. */
static const Option *option_of_word(const char *word, GError **errp)
{
    const char *name = word + 1 + (word[1] == '-');
    const Option *opt = option_find(name);

    if (!opt) {
        error_setg(errp, "%s: invalid option (see heddle -help)", word);
    }
    return opt;
}

/* What belongs together is checked when everything was read. */
static bool launch_check(const Launch *l, GError **errp)
{
    if (!l->machine.kernel && l->machine.append) {
        error_setg(errp, "-append only allowed with -kernel option");
        return false;
    }
    if (!l->machine.kernel && l->machine.initrd) {
        error_setg(errp, "-initrd only allowed with -kernel option");
        return false;
    }
    return true;
}

/* A word without a dash is a disk image. */
bool launch_parse(Launch *l, int argc, char **argv, GError **errp)
{
    for (int i = 1; i < argc; i++) {
        const Option *opt;
        const char *arg = NULL;

        if (argv[i][0] != '-' || argv[i][1] == '\0') {
            if (!launch_option(l, option_find("hda"), argv[i], errp)) {
                return false;
            }
            continue;
        }
        opt = option_of_word(argv[i], errp);
        if (!opt) {
            return false;
        }
        if (opt->arg) {
            if (i + 1 >= argc) {
                error_setg(errp, "-%s: requires an argument (%s)", opt->name,
                           opt->arg);
                return false;
            }
            arg = argv[++i];
        }
        if (!launch_option(l, opt, arg, errp)) {
            return false;
        }
    }
    return launch_check(l, errp);
}

/* --- generic handlers --- */

/* The first two write to the field at opt->offset; strings are interned, as
 * they may come from a configuration file that is closed by then. */
bool opt_flag(Launch *l, const Option *opt, const char *arg, GError **errp)
{
    *(bool *)((char *)l + opt->offset) = true;
    return true;
}

bool opt_string(Launch *l, const Option *opt, const char *arg, GError **errp)
{
    *(const char **)((char *)l + opt->offset) = g_intern_string(arg);
    return true;
}

bool opt_keep(Launch *l, const Option *opt, const char *arg, GError **errp)
{
    OptionUse *use = g_new0(OptionUse, 1);

    use->option = opt;
    use->arg = g_strdup(arg);
    g_queue_push_tail((GQueue *)((char *)l + opt->offset), use);
    return true;
}

bool opt_ignored(Launch *l, const Option *opt, const char *arg, GError **errp)
{
    return true;
}

/* --- single options --- */

bool opt_nographic(Launch *l, const Option *opt, const char *arg, GError **errp)
{
    l->nographic = true;
    l->have_display = true;
    return true;
}

bool opt_display(Launch *l, const Option *opt, const char *arg, GError **errp)
{
    if (strcmp(arg, "help") == 0) {
        return launch_help_done(g_strdup("Available display backend types:\n"
                                         "none\n"),
                                errp);
    }
    if (strcmp(arg, "none") != 0) {
        error_setg(errp, "display '%s' is not available: use none", arg);
        return false;
    }
    l->have_display = true;
    return true;
}

bool opt_vga(Launch *l, const Option *opt, const char *arg, GError **errp)
{
    if (strcmp(arg, "none") != 0 && strcmp(arg, "std") != 0) {
        error_setg(errp, "unknown vga type: %s", arg);
        return false;
    }
    return true;
}

/* What scripts pass where they want no window. */
bool opt_vnc(Launch *l, const Option *opt, const char *arg, GError **errp)
{
    if (strcmp(arg, "none") != 0) {
        error_setg(errp, "there is no VNC server: use none");
        return false;
    }
    l->have_display = true;
    return true;
}

bool opt_parallel(Launch *l, const Option *opt, const char *arg, GError **errp)
{
    if (strcmp(arg, "none") != 0 && strcmp(arg, "null") != 0) {
        error_setg(errp, "there is no parallel port: use none");
        return false;
    }
    return true;
}

bool opt_no_reboot(Launch *l, const Option *opt, const char *arg, GError **errp)
{
    option_no_reboot = true;
    return true;
}

bool opt_no_shutdown(Launch *l, const Option *opt, const char *arg,
                     GError **errp)
{
    option_no_shutdown = true;
    return true;
}

bool opt_gdb_default(Launch *l, const Option *opt, const char *arg,
                     GError **errp)
{
    l->gdb = GDBSERVER_DEFAULT;
    return true;
}

/* The index of @key's value among @words, or *@index as it is without one. */
static bool action_word(KeyVal *kv, const char *key, const char *const *words,
                        unsigned *index, GError **errp)
{
    const char *text = keyval_get(kv, key, NULL);
    g_autofree char *list = NULL;

    for (unsigned i = 0; text && words[i]; i++) {
        if (strcmp(text, words[i]) == 0) {
            *index = i;
            return true;
        }
    }
    if (text) {
        list = g_strjoinv("', '", (char **)words);
        error_setg(errp, "Parameter '%s' expects one of '%s'", key, list);
    }
    return !text;
}

bool opt_action(Launch *l, const Option *opt, const char *arg, GError **errp)
{
    static const char *const reboot[] = {"reset", "shutdown", NULL};
    static const char *const shutdown[] = {"poweroff", "pause", NULL};
    static const char *const panic[] = {
        [PANIC_SHUTDOWN] = "shutdown",
        [PANIC_PAUSE] = "pause",
        [PANIC_EXIT_FAILURE] = "exit-failure",
        [PANIC_NONE] = "none",
        NULL,
    };
    g_autoptr(KeyVal) kv = keyval_parse(arg, NULL, errp);
    unsigned no_reboot = option_no_reboot, no_shutdown = option_no_shutdown;
    unsigned on_panic = option_panic;

    if (!kv || !action_word(kv, "reboot", reboot, &no_reboot, errp) ||
        !action_word(kv, "shutdown", shutdown, &no_shutdown, errp) ||
        !action_word(kv, "panic", panic, &on_panic, errp) ||
        !keyval_check_used(kv, errp)) {
        return false;
    }
    option_no_reboot = no_reboot;
    option_no_shutdown = no_shutdown;
    option_panic = on_panic;
    return true;
}

/* Checked here, so that the error names the option; set when the log is. */
bool opt_log(Launch *l, const Option *opt, const char *arg, GError **errp)
{
    uint32_t mask;

    if (strcmp(arg, "help") == 0 || strcmp(arg, "?") == 0) {
        return launch_help_done(log_help(), errp);
    }
    if (!log_parse_mask(arg, &mask, errp)) {
        return false;
    }
    l->log_items = g_intern_string(arg);
    return true;
}

/* A file name as an option's value: its commas are doubled. */
static char *double_commas(const char *text)
{
    GString *out = g_string_new(NULL);

    for (; *text; text++) {
        g_string_append_c(out, *text);
        if (*text == ',') {
            g_string_append_c(out, ',');
        }
    }
    return g_string_free(out, FALSE);
}

/* @index  of the disk, as IDE counts: unit 2 is where a CD-ROM goes */
static bool keep_drive(Launch *l, const char *file, unsigned index,
                       const char *media, GError **errp)
{
    g_autofree char *name = double_commas(file);
    g_autofree char *arg =
        g_strdup_printf("file=%s,index=%u,media=%s", name, index, media);

    return opt_keep(l, option_find("drive"), arg, errp);
}

/* -hda to -hdd: the last letter is the index. */
bool opt_hd(Launch *l, const Option *opt, const char *arg, GError **errp)
{
    return keep_drive(l, arg, opt->name[2] - 'a', "disk", errp);
}

bool opt_cdrom(Launch *l, const Option *opt, const char *arg, GError **errp)
{
    return keep_drive(l, arg, 2, "cdrom", errp);
}

bool opt_version(Launch *l, const Option *opt, const char *arg, GError **errp)
{
    return launch_help_done(
        g_strdup("Heddle version " HEDDLE_VERSION
                 " (command line and monitors as QEMU emulator version 7.2)\n"
                 "Copyright (c) the Heddle developers\n"),
        errp);
}

/* Programs read this too: each option stands at the start of its line. */
bool opt_help(Launch *l, const Option *opt, const char *arg, GError **errp)
{
    GString *out = g_string_new("usage: heddle [options] [disk_image]\n\n"
                                "'disk_image' is a raw hard disk image for "
                                "IDE hard disk 0\n");

    for (unsigned i = 0; i < option_count; i++) {
        const Option *o = &option_table[i];

        if (!o->name) {
            g_string_append_printf(out, "\n%s\n", o->help);
        } else {
            g_string_append_printf(out, "-%s%s%s\n                %s\n",
                                   o->name, o->arg ? " " : "",
                                   o->arg ? o->arg : "", o->help);
        }
    }
    g_string_append(out, "\nWith -nographic, Ctrl-a h shows the keys of the "
                         "terminal; Ctrl-a x ends the emulator.\n");
    return launch_help_done(g_string_free(out, FALSE), errp);
}
