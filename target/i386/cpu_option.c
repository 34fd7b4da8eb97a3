/* SPDX-License-Identifier: MIT */
/*
 * -cpu MODEL[,+feature][,-feature][,feature=on|off][,property=value]...
 *
 * A feature that is asked for by name and is not there is an error; one that a
 * model brings with it is left out with a warning, or an error with
 * "enforce".  migratable=on leaves out invtsc, as what a saved machine is
 * restored on may tick otherwise.  To give one key two values is an error.
 */
#include "target/i386/cpu_option.h"

#include <string.h>

#include "util/error.h"

#define MODEL_ID     "Heddle Virtual CPU version " HEDDLE_VERSION
#define TSC_HZ       1000000000u /* so that TSC ticks are virtual nanoseconds */
#define HELP_COLUMNS 76

/* --- the model --- */

/* A feature of the model's own list; false under "enforce" if not there. */
static bool model_feature(CpuOption *o, const X86FeatureInfo *info)
{
    g_autofree char *place = NULL;

    if (info->have) {
        x86_feature_put(o->f, info - x86_feature_info, true);
        return true;
    }
    if (o->check || o->enforce) {
        place = x86_feature_place(info);
        warn_report("TCG doesn't support requested feature: %s", place);
    }
    return !o->enforce;
}

static bool model_features(CpuOption *o, GError **errp)
{
    g_auto(GStrv) names = NULL;
    bool ok = true;

    if (!o->model->features) {
        for (unsigned i = FEAT_BASE + 1; i < FEAT_COUNT; i++) {
            x86_feature_put(o->f, i, x86_feature_info[i].have);
        }
        return true;
    }
    x86_feature_put(o->f, FEAT_HYPERVISOR, true);
    names = g_strsplit(o->model->features, " ", -1);
    for (unsigned i = 0; names[i]; i++) {
        ok &= model_feature(o, x86_feature_find(names[i]));
    }
    if (!ok) {
        error_setg(errp, "TCG doesn't support requested features");
    }
    return ok;
}

static void model_identity(CpuOption *o)
{
    const X86Model *m = o->model;
    X86Features *f = o->f;

    f->family = m->family;
    f->model = m->model;
    f->stepping = m->stepping;
    f->level = m->level;
    f->xlevel = m->xlevel;
    f->tsc_hz = TSC_HZ;
    f->l3_cache = f->leaf_0b = true;
    g_strlcpy(f->vendor, m->vendor, sizeof(f->vendor));
    g_strlcpy(f->model_id, m->id ? m->id : MODEL_ID, sizeof(f->model_id));
}

/* --- keys and values --- */

bool cpu_parse_switch(const char *key, const char *value, bool *on,
                      GError **errp)
{
    *on =
        !strcmp(value, "on") || !strcmp(value, "yes") || !strcmp(value, "true");
    if (*on || !strcmp(value, "off") || !strcmp(value, "no") ||
        !strcmp(value, "false")) {
        return true;
    }
    error_setg(errp, "-cpu: '%s' expects 'on' or 'off'", key);
    return false;
}

bool cpu_note_given(CpuOption *o, const char *key, const char *value,
                    GError **errp)
{
    const char *before = g_hash_table_lookup(o->given, key);

    if (before && strcmp(before, value) != 0) {
        error_setg(errp, "-cpu: '%s' is both '%s' and '%s'", key, before,
                   value);
        return false;
    }
    g_hash_table_insert(o->given, g_strdup(key), g_strdup(value));
    return true;
}

static bool set_feature(CpuOption *o, const X86FeatureInfo *info,
                        const char *value, GError **errp)
{
    bool on;

    if (!cpu_parse_switch(info->name, value, &on, errp) ||
        !cpu_note_given(o, info->name, on ? "on" : "off", errp)) {
        return false;
    }
    if (on && !info->have) {
        error_setg(errp, "-cpu: feature '%s' is not implemented: leave it out",
                   info->name);
        return false;
    }
    x86_feature_put(o->f, info - x86_feature_info, on);
    return true;
}

static bool set_key(CpuOption *o, const char *key, const char *value,
                    GError **errp)
{
    const X86FeatureInfo *info = x86_feature_find(key);

    return info ? set_feature(o, info, value, errp)
                : cpu_set_property(o, key, value, errp);
}

static bool apply_item(CpuOption *o, const char *item, GError **errp)
{
    const char *eq = strchr(item, '=');
    g_autofree char *key = NULL;

    if (item[0] == '+' || item[0] == '-') {
        return set_key(o, item + 1, item[0] == '+' ? "on" : "off", errp);
    }
    if (!eq) {
        return set_key(o, item, "on", errp);
    }
    key = g_strndup(item, eq - item);
    return set_key(o, key, eq + 1, errp);
}

/* --- all of it --- */

/* Those that matter while the model's features are taken: they come again. */
static void scan_checks(CpuOption *o, char **items)
{
    for (unsigned i = 0; items[i]; i++) {
        if (!strcmp(items[i], "check=off") || !strcmp(items[i], "-check")) {
            o->check = false;
        }
        if (!strcmp(items[i], "enforce") || !strcmp(items[i], "+enforce") ||
            !strcmp(items[i], "enforce=on")) {
            o->enforce = true;
        }
    }
}

/* SDM vol. 3A, 4.1.4: the width where leaf 80000008h does not tell it.  40 is
 * the choice of this emulator. */
static bool settle_phys_bits(CpuOption *o, GError **errp)
{
    X86Features *f = o->f;

    if (!x86_feature_is_set(f, FEAT_LM)) {
        if (f->phys_bits) {
            error_setg(errp, "-cpu: phys-bits needs a 64-bit model");
            return false;
        }
        f->phys_bits = x86_feature_is_set(f, FEAT_PAE) ? 36 : 32;
    }
    f->phys_bits = f->phys_bits ? f->phys_bits : 40;
    return true;
}

static bool settle(CpuOption *o, GError **errp)
{
    if (o->migratable && !g_hash_table_contains(o->given, "invtsc")) {
        x86_feature_put(o->f, FEAT_INVTSC, false);
    }
    x86_features_settle(o->f);
    if (o->auto_level) {
        x86_features_raise_levels(o->f);
    }
    return settle_phys_bits(o, errp);
}

static const X86Model *find_model(const char *name, GError **errp)
{
    const X86Model *m = x86_model_find(name);

    if (!m && !strcmp(name, "host")) {
        error_setg(errp, "CPU model 'host' requires KVM: use 'max'");
    } else if (!m) {
        error_setg(errp, "unable to find CPU model '%s'", name);
    }
    return m;
}

bool x86_model_select(X86CPU *cpu, const char *text, bool warn, GError **errp)
{
    g_auto(GStrv) items = g_strsplit(*text ? text : ",", ",", -1);
    g_autoptr(GHashTable) given =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_autofree X86Features *f = g_new0(X86Features, 1);
    CpuOption o = {.model = find_model(items[0], errp),
                   .f = f,
                   .given = given,
                   .check = true,
                   .auto_level = true};

    if (!o.model) {
        return false;
    }
    scan_checks(&o, items);
    o.check &= warn;
    model_identity(&o);
    if (!model_features(&o, errp)) {
        return false;
    }
    for (unsigned i = 1; items[i]; i++) {
        if (*items[i] && !apply_item(&o, items[i], errp)) {
            return false;
        }
    }
    if (!settle(&o, errp)) {
        return false;
    }
    cpu->model = o.model;
    cpu->features = g_steal_pointer(&f);
    return true;
}

/* --- -cpu help --- */

static void help_features(GString *out)
{
    size_t start = out->len;

    for (unsigned i = FEAT_BASE + 1; i < FEAT_COUNT; i++) {
        const X86FeatureInfo *info = &x86_feature_info[i];

        if (!info->have || !info->name) {
            continue;
        }
        if (out->len - start + strlen(info->name) > HELP_COLUMNS) {
            g_string_append(out, "\n");
            start = out->len;
        }
        g_string_append_printf(out, "%s%s", out->len == start ? "  " : " ",
                               info->name);
    }
    g_string_append_c(out, '\n');
}

void x86_cpu_models_help(GString *out)
{
    g_string_append(out, "Available CPUs:\n");
    for (unsigned i = 0; i < x86_nmodels; i++) {
        g_string_append_printf(out, "x86 %-25s  %s\n", x86_models[i].name,
                               x86_models[i].desc);
    }
    g_string_append(out, "\nRecognized CPUID flags:\n");
    help_features(out);
}
