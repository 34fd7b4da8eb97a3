/* SPDX-License-Identifier: MIT */
/* Options that describe the machine: -machine, -cpu, -smp, -m, -rtc and kin. */
#include "system/launch.h"

#include <stdio.h>
#include <string.h>

#include "accel/tcg.h"
#include "system/user_object.h"
#include "target/i386/cpu.h"
#include "util/error.h"

#define RAM_MIN_BYTES (2 * MiB) /* SeaBIOS moves itself above 1 MiB */
/* What a host's address space can hold beside everything else. */
#define RAM_MAX_BYTES (64 * 1024 * GiB)
#define SMP_MAX_CPUS  4096 /* far past any machine's own limit */

static bool is_help(const char *arg)
{
    return strcmp(arg, "help") == 0 || strcmp(arg, "?") == 0;
}

/* --- -machine, -accel --- */

static char *machine_help(void)
{
    GString *out = g_string_new("Supported machines are:\n");
    const MachineType *type;

    for (unsigned i = 0; (type = machine_type_at(i)); i++) {
        if (type->alias) {
            g_string_append_printf(out, "%-20s %s (alias of %s)\n", type->alias,
                                   type->desc, type->name);
        }
        g_string_append_printf(out, "%-20s %s%s\n", type->name, type->desc,
                               type->is_default ? " (default)" : "");
    }
    return g_string_free(out, FALSE);
}

/* "kvm:tcg": the first one that is there. */
static bool machine_accel(Launch *l, const char *list, GError **errp)
{
    g_auto(GStrv) names = g_strsplit(list, ":", -1);

    for (char **name = names; *name; name++) {
        if (strcmp(*name, "tcg") == 0) {
            return opt_keep(l, option_find("accel"), "tcg", errp);
        }
    }
    error_setg(errp, "accelerator '%s' is not available: use tcg", list);
    return false;
}

/* Options of boards that ours neither has nor misses. */
static void machine_drop_harmless(KeyVal *kv)
{
    static const char *const keys[] = { "dump-guest-core", "mem-merge",
                                        "kernel_irqchip",  "kernel-irqchip",
                                        "vmport",          "graphics" };

    for (unsigned i = 0; i < ARRAY_LEN(keys); i++) {
        keyval_get(kv, keys[i], NULL);
    }
}

/* What is neither type, accelerator nor USB is kept for the machine, which
 * takes what it knows; the rest is refused after that. */
bool opt_machine(Launch *l, const Option *opt, const char *arg, GError **errp)
{
    g_autoptr(KeyVal) kv = keyval_parse(arg, "type", errp);
    const char *type, *accel, *key;
    bool usb;

    if (!kv) {
        return false;
    }
    type = keyval_get(kv, "type", NULL);
    accel = keyval_get(kv, "accel", NULL);
    if (type && is_help(type)) {
        return launch_help_done(machine_help(), errp);
    }
    if (type && !(l->type = machine_type_find(type))) {
        error_setg(errp,
                   "unsupported machine type '%s': use -machine help to "
                   "list supported machines",
                   type);
        return false;
    }
    if (!keyval_get_bool(kv, "usb", false, &usb, errp)) {
        return false;
    }
    if (usb) {
        error_setg(errp, "there is no USB controller: use usb=off");
        return false;
    }
    for (unsigned i = 0; (key = keyval_key(kv, i)); i++) {
        if (strcmp(key, "type") && strcmp(key, "accel") && strcmp(key, "usb")) {
            keyval_set(l->machine.machine_opts, key, keyval_get(kv, key, NULL));
        }
    }
    machine_drop_harmless(l->machine.machine_opts);
    return !accel || machine_accel(l, accel, errp);
}

/* Several may be given: the first that can be had is taken. */
bool opt_accel(Launch *l, const Option *opt, const char *arg, GError **errp)
{
    g_autoptr(KeyVal) kv = keyval_parse(arg, "accel", errp);
    const char *name;

    if (!kv) {
        return false;
    }
    name = keyval_get(kv, "accel", "");
    if (is_help(name)) {
        return launch_help_done(
            g_strdup("Accelerators supported in Heddle:\ntcg\n"), errp);
    }
    if (strcmp(name, "tcg") == 0 && keyval_has(kv, "help")) {
        GString *out = g_string_new(NULL);

        tcg_accel_help(out);
        return launch_help_done(g_string_free(out, FALSE), errp);
    }
    if (strcmp(name, "tcg") != 0 && strcmp(name, "kvm") != 0) {
        error_setg(errp, "invalid accelerator %s: use tcg", name);
        return false;
    }
    return opt_keep(l, opt, arg, errp);
}

bool opt_icount(Launch *l, const Option *opt, const char *arg, GError **errp)
{
    g_autoptr(KeyVal) kv = keyval_parse(arg, "shift", errp);

    return kv && icount_parse(kv, errp);
}

/* --- -cpu, -smp, -m --- */

bool opt_cpu(Launch *l, const Option *opt, const char *arg, GError **errp)
{
    if (is_help(arg)) {
        GString *out = g_string_new(NULL);

        x86_cpu_models_help(out);
        return launch_help_done(g_string_free(out, FALSE), errp);
    }
    l->cpu_model = g_intern_string(arg);
    return true;
}

/* The counts as given; 0 where there is none, an error for an explicit 0. */
typedef struct SmpCounts {
    uint64_t cpus, maxcpus, sockets, dies, clusters, cores, threads;
} SmpCounts;

static bool smp_get(KeyVal *kv, const char *key, uint64_t *out, GError **errp)
{
    if (!keyval_get_uint(kv, key, 0, SMP_MAX_CPUS, out, errp)) {
        return false;
    }
    if (keyval_has(kv, key) && *out == 0) {
        error_setg(errp,
                   "Invalid CPU topology: '%s' must be greater than "
                   "zero",
                   key);
        return false;
    }
    return true;
}

static bool smp_read(KeyVal *kv, SmpCounts *c, GError **errp)
{
    return smp_get(kv, "cpus", &c->cpus, errp) &&
           smp_get(kv, "maxcpus", &c->maxcpus, errp) &&
           smp_get(kv, "sockets", &c->sockets, errp) &&
           smp_get(kv, "dies", &c->dies, errp) &&
           smp_get(kv, "clusters", &c->clusters, errp) &&
           smp_get(kv, "cores", &c->cores, errp) &&
           smp_get(kv, "threads", &c->threads, errp) &&
           keyval_check_used(kv, errp);
}

static uint64_t smp_product(const SmpCounts *c)
{
    return c->sockets * c->dies * c->cores * c->threads;
}

/*
 * Fill in what was left out.  Cores are preferred over sockets, and sockets
 * over threads, as in machine types since 6.2.
 */
static void smp_complete(SmpCounts *c)
{
    uint64_t total = c->maxcpus ? c->maxcpus : c->cpus;

    c->dies = c->dies ? c->dies : 1;
    if (total > 0 && c->cores == 0) {
        c->sockets = c->sockets ? c->sockets : 1;
        c->threads = c->threads ? c->threads : 1;
        c->cores = MAX(total / (c->sockets * c->dies * c->threads), 1);
    } else if (total > 0 && c->sockets == 0) {
        c->threads = c->threads ? c->threads : 1;
        c->sockets = MAX(total / (c->dies * c->cores * c->threads), 1);
    } else if (total > 0 && c->threads == 0) {
        c->threads = MAX(total / (c->sockets * c->dies * c->cores), 1);
    }
    c->sockets = c->sockets ? c->sockets : 1;
    c->cores = c->cores ? c->cores : 1;
    c->threads = c->threads ? c->threads : 1;
    c->maxcpus = total ? total : smp_product(c);
    c->cpus = c->cpus ? c->cpus : c->maxcpus;
}

bool smp_parse(KeyVal *kv, MachineConfig *config, GError **errp)
{
    SmpCounts c = {0};

    if (!smp_read(kv, &c, errp)) {
        return false;
    }
    if (c.clusters > 1) {
        error_setg(errp, "clusters are not supported by this machine: leave "
                         "out clusters=");
        return false;
    }
    smp_complete(&c);
    if (smp_product(&c) != c.maxcpus) {
        error_setg(errp,
                   "Invalid CPU topology: product of the hierarchy must match "
                   "maxcpus: sockets (%" PRIu64 ") * dies (%" PRIu64
                   ") * cores (%" PRIu64 ") * threads (%" PRIu64
                   ") != maxcpus (%" PRIu64 ")",
                   c.sockets, c.dies, c.cores, c.threads, c.maxcpus);
        return false;
    }
    if (c.maxcpus < c.cpus) {
        error_setg(errp,
                   "Invalid CPU topology: maxcpus must be equal to or "
                   "greater than smp: %" PRIu64 " < %" PRIu64,
                   c.maxcpus, c.cpus);
        return false;
    }
    config->cpus = c.cpus;
    config->max_cpus = c.maxcpus;
    config->topology = (X86Topology){c.sockets, c.dies, c.cores, c.threads};
    return true;
}

bool opt_smp(Launch *l, const Option *opt, const char *arg, GError **errp)
{
    g_autoptr(KeyVal) kv = keyval_parse(arg, "cpus", errp);

    return kv && smp_parse(kv, &l->machine, errp);
}

/* slots= and maxmem= make room for hot-plugging, of which there is none. */
bool opt_memory(Launch *l, const Option *opt, const char *arg, GError **errp)
{
    g_autoptr(KeyVal) kv = keyval_parse(arg, "size", errp);
    uint64_t bytes, maxmem, slots;

    if (kv && !keyval_has(kv, "size")) {
        error_setg(errp, "missing 'size' option value");
        return false;
    }
    if (!kv || !keyval_get_size(kv, "size", 128 * MiB, &bytes, 'M', errp) ||
        !keyval_get_size(kv, "maxmem", bytes, &maxmem, 'M', errp) ||
        !keyval_get_uint(kv, "slots", 0, 256, &slots, errp) ||
        !keyval_check_used(kv, errp)) {
        return false;
    }
    if (bytes < RAM_MIN_BYTES) {
        error_setg(errp, "RAM size is too small: at least 2M is needed");
        return false;
    }
    if (bytes > RAM_MAX_BYTES) {
        error_setg(errp, "RAM size is too large: at most 64T is possible");
        return false;
    }
    l->machine.ram_bytes = ROUND_UP(bytes, PAGE_SIZE);
    l->have_memory = true;
    return true;
}

bool launch_memory_backend(Launch *l, GError **errp)
{
    const char *id =
        keyval_get(l->machine.machine_opts, "memory-backend", NULL);
    uint64_t bytes;

    if (!id) {
        return true;
    }
    l->machine.ram_host = user_object_take_memory(id, &bytes, errp);
    if (!l->machine.ram_host) {
        return false;
    }
    if (bytes < RAM_MIN_BYTES) {
        error_setg(errp,
                   "memory backend '%s' is too small: at least 2M is "
                   "needed",
                   id);
        return false;
    }
    if (l->have_memory && bytes != l->machine.ram_bytes) {
        error_setg(errp,
                   "Size specified by -m option must match size of explicitly "
                   "specified 'memory-backend' property: %" PRIu64
                   " MiB and %" PRIu64 " MiB",
                   l->machine.ram_bytes / MiB, bytes / MiB);
        return false;
    }
    l->machine.ram_id = id;
    l->machine.ram_bytes = bytes;
    return true;
}

/* --- -boot, -rtc, -uuid, -name, -L --- */

/* Letters of drives, each once. */
static bool boot_order_check(const char *order, GError **errp)
{
    uint32_t seen = 0;

    for (const char *p = order; *p; p++) {
        if (*p < 'a' || *p > 'p') {
            error_setg(errp, "Invalid boot device '%c': use letters of a to p",
                       *p);
            return false;
        }
        if (seen & BIT(*p - 'a')) {
            error_setg(errp, "Boot device '%c' was given twice", *p);
            return false;
        }
        seen |= BIT(*p - 'a');
    }
    return true;
}

bool opt_boot(Launch *l, const Option *opt, const char *arg, GError **errp)
{
    g_autoptr(KeyVal) kv = keyval_parse(arg, "order", errp);
    const char *order, *once;
    uint64_t splash_ms;

    if (!kv) {
        return false;
    }
    order = keyval_get(kv, "order", NULL);
    once = keyval_get(kv, "once", NULL);
    if (once) {
        error_setg(errp, "once= is not available: use order=");
        return false;
    }
    if ((order && !boot_order_check(order, errp)) ||
        !keyval_get_bool(kv, "menu", false, &l->machine.boot_menu, errp) ||
        !keyval_get_bool(kv, "strict", false, &l->machine.boot_strict, errp) ||
        !keyval_get_uint(kv, "splash-time", 0, 0xffff, &splash_ms, errp) ||
        !keyval_check_used(kv, errp)) {
        return false;
    }
    l->machine.boot_splash_ms = splash_ms;
    if (order) {
        l->machine.boot_order = g_intern_string(order);
    }
    return true;
}

/* "2006-06-17T16:01:21" or "2006-06-17", in UTC. */
static bool rtc_parse_date(const char *text, int64_t *out)
{
    int year, month, day, hour = 0, minute = 0, second = 0, end = 0;
    g_autoptr(GDateTime) date = NULL;
    int n = sscanf(text, "%4d-%2d-%2d%nT%2d:%2d:%2d%n", &year, &month, &day,
                   &end, &hour, &minute, &second, &end);

    if ((n != 3 && n != 6) || text[end] != '\0') {
        return false;
    }
    date = g_date_time_new_utc(year, month, day, hour, minute, second);
    if (!date) {
        return false;
    }
    *out = g_date_time_to_unix(date);
    return true;
}

static bool rtc_base(MachineConfig *config, const char *base, GError **errp)
{
    config->rtc_localtime = strcmp(base, "localtime") == 0;
    config->rtc_base_s = 0;
    config->rtc_has_base = !config->rtc_localtime && strcmp(base, "utc") != 0;
    if (config->rtc_has_base && !rtc_parse_date(base, &config->rtc_base_s)) {
        error_setg(errp, "invalid datetime format: use utc, localtime, "
                         "'2006-06-17T16:01:21' or '2006-06-17'");
        return false;
    }
    return true;
}

bool opt_rtc(Launch *l, const Option *opt, const char *arg, GError **errp)
{
    g_autoptr(KeyVal) kv = keyval_parse(arg, "base", errp);
    const char *clock;

    if (!kv || !rtc_base(&l->machine, keyval_get(kv, "base", "utc"), errp)) {
        return false;
    }
    clock = keyval_get(kv, "clock", "host");
    keyval_get(kv, "driftfix", NULL);
    if (strcmp(clock, "host") && strcmp(clock, "rt") && strcmp(clock, "vm")) {
        error_setg(errp,
                   "invalid option value '%s' for clock=: use host, rt "
                   "or vm",
                   clock);
        return false;
    }
    l->machine.rtc_clock_vm = strcmp(clock, "vm") == 0;
    return keyval_check_used(kv, errp);
}

/* In the order of the text; SMBIOS swaps the first three fields itself. */
bool opt_uuid(Launch *l, const Option *opt, const char *arg, GError **errp)
{
    unsigned pos = 0;

    if (!g_uuid_string_is_valid(arg)) {
        error_setg(errp, "failed to parse UUID string: wrong format");
        return false;
    }
    for (unsigned i = 0; i < sizeof(l->machine.uuid); i++) {
        pos += arg[pos] == '-';
        l->machine.uuid[i] = g_ascii_xdigit_value(arg[pos]) << 4 |
                             g_ascii_xdigit_value(arg[pos + 1]);
        pos += 2;
    }
    l->machine.have_uuid = true;
    return true;
}

bool opt_name(Launch *l, const Option *opt, const char *arg, GError **errp)
{
    g_autoptr(KeyVal) kv = keyval_parse(arg, "guest", errp);
    const char *guest;
    bool debug_threads;

    if (!kv) {
        return false;
    }
    guest = keyval_get(kv, "guest", NULL);
    keyval_get(kv, "process", NULL);
    if (guest) {
        l->machine.name = g_intern_string(guest);
    }
    return keyval_get_bool(kv, "debug-threads", false, &debug_threads, errp) &&
           keyval_check_used(kv, errp);
}

bool opt_bios_dir(Launch *l, const Option *opt, const char *arg, GError **errp)
{
    if (is_help(arg)) {
        GString *out = g_string_new(NULL);

        firmware_print_dirs(out);
        return launch_help_done(g_string_free(out, FALSE), errp);
    }
    firmware_add_dir(arg);
    return true;
}
