/* SPDX-License-Identifier: MIT */
/*
 * CPU models and -cpu MODEL[,+feature][,-feature][,key=value].
 *
 * "max" has all that is implemented.  It calls itself an in-order Intel part
 * (an Atom of the Saltwell kind): operating systems then leave out the costly
 * work-arounds for speculative execution, which has no counterpart here.
 */
#include <stdlib.h>
#include <string.h>

#include "target/i386/cpuid.h"
#include "util/error.h"
#include "util/keyval.h"

#define MODEL_ID "Heddle Virtual CPU version " HEDDLE_VERSION

struct X86Model {
    const char *name, *desc, *vendor;
    unsigned family, model, stepping;
    uint32_t level, xlevel;
    /* Names of features, separated by spaces; NULL: all that are there. */
    const char *features;
};

/* The feature set of each generation, on top of the one before. */
#define FEATURES_PENTIUM  "fpu vme de pse tsc msr mce cx8 apic mmx"
#define FEATURES_PENTIUM3 FEATURES_PENTIUM \
    " pae sep mtrr pge mca cmov pat pse36 fxsr sse"
#define FEATURES_X86_64 FEATURES_PENTIUM3 \
    " clflush sse2 syscall nx lm hypervisor"

static const struct X86Model models[] = {
    {"max", "all that this emulator implements", "GenuineIntel", 6, 0x36, 1,
     0x16, 0x80000008, NULL},
    {"qemu64", "a plain 64-bit processor", "AuthenticAMD", 15, 107, 1, 0xd,
     0x8000000a, FEATURES_X86_64 " pni cx16 lahf_lm x2apic"},
    {"qemu32", "a plain 32-bit processor", "GenuineIntel", 6, 6, 3, 4,
     0x80000004, FEATURES_PENTIUM3 " sse2 pni hypervisor x2apic"},
    {"pentium3", "Intel Pentium III", "GenuineIntel", 6, 8, 3, 3, 0,
     FEATURES_PENTIUM3},
    {"pentium", "Intel Pentium MMX", "GenuineIntel", 5, 4, 3, 1, 0,
     FEATURES_PENTIUM},
    {"486", "Intel 80486", "GenuineIntel", 4, 8, 0, 1, 0, "fpu vme pse"},
};

const X86FeatureInfo x86_feature_info[FEAT_COUNT] = {
#define X86_FEATURE(id, name, word, bit, have) \
    [FEAT_##id] = {name, word, bit, have},
#include "target/i386/features.def"
#undef X86_FEATURE
};

static const X86FeatureInfo *feature_find(const char *name)
{
    static const char *const alias[][2] = {
        {"sse3", "pni"},      {"sse4_1", "sse4.1"}, {"sse4-1", "sse4.1"},
        {"sse4_2", "sse4.2"}, {"sse4-2", "sse4.2"}, {"xd", "nx"},
        {"lzcnt", "abm"},     {"lahf-lm", "lahf_lm"}, {"i64", "lm"},
        {"tsc-adjust", "tsc_adjust"}, {"sha_ni", "sha-ni"},
        {"fxsr-opt", "fxsr_opt"}, {"tsc_deadline_timer", "tsc-deadline"},
    };

    for (unsigned i = 0; i < ARRAY_LEN(alias); i++) {
        if (!strcmp(name, alias[i][0])) {
            name = alias[i][1];
        }
    }
    for (unsigned i = FEAT_BASE + 1; i < FEAT_COUNT; i++) {
        if (!strcmp(name, x86_feature_info[i].name)) {
            return &x86_feature_info[i];
        }
    }
    return NULL;
}

static void feature_set(X86Features *f, const X86FeatureInfo *info, bool on)
{
    uint32_t bit = BIT(info->bit);

    if (on && !info->have) {
        warn_report("CPU feature '%s' is not implemented: left out",
                    info->name);
        return;
    }
    f->word[info->word] = on ? f->word[info->word] | bit
                             : f->word[info->word] & ~bit;
}

/* A model's own list may name what is not implemented yet. */
static void model_features(X86Features *f, const struct X86Model *m)
{
    g_auto(GStrv) names = NULL;

    if (!m->features) {
        for (unsigned i = FEAT_BASE + 1; i < FEAT_COUNT; i++) {
            if (x86_feature_info[i].have) {
                feature_set(f, &x86_feature_info[i], true);
            }
        }
        return;
    }
    names = g_strsplit(m->features, " ", -1);
    for (unsigned i = 0; names[i]; i++) {
        const X86FeatureInfo *info = feature_find(names[i]);

        if (info && info->have) {
            feature_set(f, info, true);
        }
    }
}

static const struct X86Model *model_find(const char *name, size_t len)
{
    for (unsigned i = 0; i < ARRAY_LEN(models); i++) {
        if (strlen(models[i].name) == len &&
            !strncmp(models[i].name, name, len)) {
            return &models[i];
        }
    }
    return NULL;
}

/* A number of the identity that the command line may change, or NULL. */
static uint32_t *identity_field(X86Features *f, const char *key)
{
    const struct {
        const char *key;
        uint32_t *field;
    } rows[] = {
        {"family", &f->family},     {"model", &f->model},
        {"stepping", &f->stepping}, {"level", &f->level},
        {"xlevel", &f->xlevel},
    };

    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        if (!strcmp(key, rows[i].key)) {
            return rows[i].field;
        }
    }
    return NULL;
}

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

/* "key=value" */
static bool apply_property(X86Features *f, const char *key, const char *value,
                           GError **errp)
{
    const X86FeatureInfo *info = feature_find(key);
    uint32_t *field = identity_field(f, key);
    uint64_t number;

    if (info) {
        if (strcmp(value, "on") && strcmp(value, "off")) {
            error_setg(errp, "-cpu: '%s' expects 'on' or 'off'", key);
            return false;
        }
        feature_set(f, info, !strcmp(value, "on"));
        return true;
    }
    if (field) {
        if (!parse_uint(value, UINT32_MAX, &number, errp)) {
            return false;
        }
        *field = number;
        return true;
    }
    if (!strcmp(key, "vendor")) {
        return set_text(f->vendor, sizeof(f->vendor), key, value, true, errp);
    }
    if (!strcmp(key, "model-id") || !strcmp(key, "model_id")) {
        return set_text(f->model_id, sizeof(f->model_id), key, value, false,
                        errp);
    }
    error_setg(errp, "Property '-cpu.%s' not found", key);
    return false;
}

static bool apply_item(X86Features *f, const char *item, GError **errp)
{
    const char *eq = strchr(item, '=');
    g_autofree char *key = NULL;

    if (item[0] == '+' || item[0] == '-') {
        return apply_property(f, item + 1, item[0] == '+' ? "on" : "off",
                              errp);
    }
    if (!eq) {
        return apply_property(f, item, "on", errp);
    }
    key = g_strndup(item, eq - item);
    return apply_property(f, key, eq + 1, errp);
}

bool x86_model_select(X86CPU *cpu, const char *text, GError **errp)
{
    const char *comma = strchrnul(text, ',');
    const struct X86Model *m = model_find(text, comma - text);
    g_autofree X86Features *f = g_new0(X86Features, 1);
    g_auto(GStrv) items = NULL;

    if (!m) {
        error_setg(errp, "unable to find CPU model '%.*s'; see -cpu help",
                   (int)(comma - text), text);
        return false;
    }
    f->family = m->family;
    f->model = m->model;
    f->stepping = m->stepping;
    f->level = m->level;
    f->xlevel = m->xlevel;
    g_strlcpy(f->vendor, m->vendor, sizeof(f->vendor));
    g_strlcpy(f->model_id, MODEL_ID, sizeof(f->model_id));
    model_features(f, m);
    items = g_strsplit(*comma ? comma + 1 : "", ",", -1);
    for (unsigned i = 0; items[i]; i++) {
        if (*items[i] && !apply_item(f, items[i], errp)) {
            return false;
        }
    }
    f->amd = !strcmp(f->vendor, "AuthenticAMD");
    cpu->model = m;
    cpu->features = g_steal_pointer(&f);
    return true;
}

void x86_cpu_models_help(GString *out)
{
    g_string_append(out, "Available CPUs:\n");
    for (unsigned i = 0; i < ARRAY_LEN(models); i++) {
        g_string_append_printf(out, "x86 %-16s  %s\n", models[i].name,
                               models[i].desc);
    }
    g_string_append(out, "\nRecognized CPUID flags:\n ");
    for (unsigned i = FEAT_BASE + 1; i < FEAT_COUNT; i++) {
        g_string_append_printf(out, " %s%s", x86_feature_info[i].name,
                               x86_feature_info[i].have ? "" : "(absent)");
    }
    g_string_append_c(out, '\n');
}
