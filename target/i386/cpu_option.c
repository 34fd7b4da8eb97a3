/* SPDX-License-Identifier: MIT */
/*
 * -cpu MODEL[,+feature][,-feature][,feature=on|off][,property=value]...
 *
 * A feature that is asked for by name and is not there is an error; one that a
 * model brings with it is left out with a warning, or an error with
 * "enforce".  migratable=on leaves out invtsc, as what a saved machine is
 * restored on may tick otherwise.
 */
#include <stdlib.h>
#include <string.h>

#include "target/i386/mmu.h"
#include "target/i386/models.h"
#include "util/error.h"
#include "util/keyval.h"

#define MODEL_ID "Heddle Virtual CPU version " HEDDLE_VERSION
#define TSC_HZ   1000000000u /* so that TSC ticks are virtual nanoseconds */
#define HELP_COLUMNS 76

/* What is being put together. */
typedef struct CpuOption {
    const X86Model *model;
    X86Features *f;
    bool check;   /* warn of what is left out */
    bool enforce; /* and fail */
    bool migratable;
} CpuOption;

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
    g_strlcpy(f->vendor, m->vendor, sizeof(f->vendor));
    g_strlcpy(f->model_id, m->id ? m->id : MODEL_ID, sizeof(f->model_id));
}

/* --- properties --- */

static bool set_text(char *to, size_t size, const char *key,
                     const char *value, bool exact, GError **errp)
{
    size_t len = strlen(value);

    if (len >= size || (exact && len != size - 1)) {
        error_setg(errp, "-cpu: '%s' expects %s%zu characters", key,
                   exact ? "" : "at most ", size - 1);
        return false;
    }
    memcpy(to, value, len + 1);
    return true;
}

static bool parse_switch(const char *key, const char *value, bool *on,
                         GError **errp)
{
    *on = !strcmp(value, "on") || !strcmp(value, "yes") ||
          !strcmp(value, "true");
    if (*on || !strcmp(value, "off") || !strcmp(value, "no") ||
        !strcmp(value, "false")) {
        return true;
    }
    error_setg(errp, "-cpu: '%s' expects 'on' or 'off'", key);
    return false;
}

static bool set_feature(CpuOption *o, const X86FeatureInfo *info,
                        const char *value, GError **errp)
{
    bool on;

    if (!parse_switch(info->name, value, &on, errp)) {
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

/* Numbers of the identity: where they go and what fits CPUID.1:EAX. */
static bool set_number(CpuOption *o, const char *key, const char *value,
                       bool *known, GError **errp)
{
    X86Features *f = o->f;
    const struct {
        const char *key;
        uint32_t *field;
        uint64_t max;
    } rows[] = {
        {"family", &f->family, 0xff + 0xf}, {"model", &f->model, 0xff},
        {"stepping", &f->stepping, 0xf},    {"level", &f->level, UINT32_MAX},
        {"min-level", &f->level, UINT32_MAX},
        {"xlevel", &f->xlevel, UINT32_MAX},
        {"min-xlevel", &f->xlevel, UINT32_MAX},
    };
    uint64_t number;

    *known = false;
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        if (!strcmp(key, rows[i].key)) {
            *known = true;
            if (!parse_uint(value, rows[i].max, &number, errp)) {
                return false;
            }
            *rows[i].field = number;
        }
    }
    return true;
}

static bool set_tsc_frequency(CpuOption *o, const char *value, GError **errp)
{
    uint64_t hz;

    if (!parse_uint(value, INT64_MAX, &hz, errp)) {
        return false;
    }
    o->f->tsc_hz = hz ? hz : TSC_HZ;
    return true;
}

static bool set_phys_bits(const char *value, GError **errp)
{
    uint64_t bits;

    if (!parse_uint(value, 64, &bits, errp)) {
        return false;
    }
    if (bits && bits != X86_PHYS_BITS) {
        error_setg(errp, "TCG only supports phys-bits=%u", X86_PHYS_BITS);
        return false;
    }
    return true;
}

static bool set_property(CpuOption *o, const char *key, const char *value,
                         GError **errp)
{
    const X86FeatureInfo *info = x86_feature_find(key);
    X86Features *f = o->f;
    bool known;

    if (info) {
        return set_feature(o, info, value, errp);
    }
    if (!set_number(o, key, value, &known, errp) || known) {
        return known;
    }
    if (!strcmp(key, "vendor")) {
        return set_text(f->vendor, sizeof(f->vendor), key, value, true, errp);
    }
    if (!strcmp(key, "model-id") || !strcmp(key, "model_id")) {
        return set_text(f->model_id, sizeof(f->model_id), key, value, false,
                        errp);
    }
    if (!strcmp(key, "tsc-frequency") || !strcmp(key, "tsc-freq")) {
        return set_tsc_frequency(o, value, errp);
    }
    if (!strcmp(key, "phys-bits")) {
        return set_phys_bits(value, errp);
    }
    if (!strcmp(key, "migratable")) {
        return parse_switch(key, value, &o->migratable, errp);
    }
    if (!strcmp(key, "check") || !strcmp(key, "enforce")) {
        return parse_switch(key, value, &known, errp); /* taken before */
    }
    error_setg(errp, "Property '%s-x86_64-cpu.%s' not found", o->model->name,
               key);
    return false;
}

static bool apply_item(CpuOption *o, const char *item, GError **errp)
{
    const char *eq = strchr(item, '=');
    g_autofree char *key = NULL;

    if (item[0] == '+' || item[0] == '-') {
        return set_property(o, item + 1, item[0] == '+' ? "on" : "off", errp);
    }
    if (!eq) {
        return set_property(o, item, "on", errp);
    }
    key = g_strndup(item, eq - item);
    return set_property(o, key, eq + 1, errp);
}

/* Those that matter while the model's features are taken. */
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

bool x86_model_select(X86CPU *cpu, const char *text, bool warn, GError **errp)
{
    const char *comma = strchrnul(text, ',');
    g_autofree X86Features *f = g_new0(X86Features, 1);
    CpuOption o = {.model = x86_model_find(text, comma - text),
                   .f = f,
                   .check = true};
    g_auto(GStrv) items = NULL;

    if (!o.model) {
        error_setg(errp, "unable to find CPU model '%.*s'",
                   (int)(comma - text), text);
        return false;
    }
    items = g_strsplit(*comma ? comma + 1 : "", ",", -1);
    scan_checks(&o, items);
    o.check &= warn;
    model_identity(&o);
    if (!model_features(&o, errp)) {
        return false;
    }
    for (unsigned i = 0; items[i]; i++) {
        if (*items[i] && !apply_item(&o, items[i], errp)) {
            return false;
        }
    }
    if (o.migratable) {
        x86_feature_put(f, FEAT_INVTSC, false);
    }
    f->amd = !strcmp(f->vendor, "AuthenticAMD");
    x86_features_settle(f);
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

        if (!info->have) {
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
        g_string_append_printf(out, "x86 %-20s  %s\n", x86_models[i].name,
                               x86_models[i].desc);
    }
    g_string_append(out, "\nRecognized CPUID flags:\n");
    help_features(out);
}
