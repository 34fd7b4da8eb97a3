/* SPDX-License-Identifier: MIT */
/*
 * The properties of -cpu that are no features: identity, sizes, frequency, and
 * switches.  Some switches that clients pass say how a hypervisor is to work;
 * the setting that describes Heddle is accepted, the other one is an error.
 */
#include <string.h>

#include "target/i386/cpu_option.h"
#include "util/error.h"
#include "util/keyval.h"

#define HZ_LIMIT      0x1p63
#define PHYS_BITS_MIN 32
#define PHYS_BITS_MAX 52 /* what a page table's entry has room for */

typedef struct Prop Prop;
typedef bool PropSet(CpuOption *o, const Prop *p, const char *value,
                     GError **errp);
struct Prop {
    const char *name;
    PropSet *set;
    size_t offset; /* in X86Features or CpuOption, as @set has it */
    uint64_t arg;  /* greatest number, size of a text, or the only setting */
};

static void *features_field(const CpuOption *o, const Prop *p)
{
    return (char *)o->f + p->offset;
}

/* --- numbers --- */

static bool parse_number(const Prop *p, const char *value, uint64_t *number,
                         GError **errp)
{
    g_autoptr(GError) err = NULL;

    if (!parse_uint(value, p->arg, number, &err)) {
        error_setg(errp, "-cpu: '%s': %s", p->name, err->message);
        return false;
    }
    return true;
}

static bool set_number(CpuOption *o, const Prop *p, const char *value,
                       GError **errp)
{
    uint64_t number;

    if (!parse_number(p, value, &number, errp)) {
        return false;
    }
    *(uint32_t *)features_field(o, p) = number;
    return true;
}

/* A highest leaf that is given stays as it is. */
static bool set_level(CpuOption *o, const Prop *p, const char *value,
                      GError **errp)
{
    o->auto_level = false;
    return set_number(o, p, value, errp);
}

static bool set_min_level(CpuOption *o, const Prop *p, const char *value,
                          GError **errp)
{
    uint32_t *level = features_field(o, p);
    uint64_t number;

    if (!parse_number(p, value, &number, errp)) {
        return false;
    }
    *level = MAX(*level, number);
    return true;
}

static bool set_phys_bits(CpuOption *o, const Prop *p, const char *value,
                          GError **errp)
{
    uint64_t bits;

    if (!parse_number(p, value, &bits, errp)) {
        return false;
    }
    if (bits && (bits < PHYS_BITS_MIN || bits > PHYS_BITS_MAX)) {
        error_setg(errp,
                   "phys-bits should be between %u and %u (but is %" PRIu64 ")",
                   PHYS_BITS_MIN, PHYS_BITS_MAX, bits);
        return false;
    }
    o->f->phys_bits = bits;
    return true;
}

/* "2.5G", "100M" or a number of Hz: powers of ten here, not of two. */
static bool parse_hz(const char *text, uint64_t *hz)
{
    static const char suffix[] = "KMGT";
    char *end;
    double number = g_ascii_strtod(text, &end);
    const char *at = *end ? strchr(suffix, g_ascii_toupper(*end)) : NULL;

    if (end == text || !g_ascii_isdigit(*text)) {
        return false;
    }
    for (int i = 0; at && i <= at - suffix; i++) {
        number *= 1000;
    }
    end += at ? 1 : 0;
    *hz = number < HZ_LIMIT ? (uint64_t)(number + 0.5) : 0;
    return !*end && number < HZ_LIMIT;
}

static bool set_tsc_frequency(CpuOption *o, const Prop *p, const char *value,
                              GError **errp)
{
    uint64_t hz;

    if (!parse_hz(value, &hz)) {
        error_setg(errp,
                   "-cpu: '%s' expects a frequency below 2^63 Hz (an "
                   "optional suffix K, M, G or T multiplies it)",
                   p->name);
        return false;
    }
    o->f->tsc_hz = hz ? hz : o->f->tsc_hz;
    return true;
}

/* --- texts --- */

static bool set_text(CpuOption *o, const Prop *p, const char *value,
                     GError **errp)
{
    size_t len = strlen(value), size = p->arg;

    if (len >= size) {
        error_setg(errp, "-cpu: '%s' expects at most %zu characters", p->name,
                   size - 1);
        return false;
    }
    memcpy(features_field(o, p), value, len + 1);
    return true;
}

static bool set_vendor(CpuOption *o, const Prop *p, const char *value,
                       GError **errp)
{
    if (strlen(value) != p->arg - 1) {
        error_setg(errp, "-cpu: '%s' expects %u characters", p->name,
                   (unsigned)p->arg - 1);
        return false;
    }
    return set_text(o, p, value, errp);
}

/* --- switches --- */

/* One of X86Features. */
static bool set_switch(CpuOption *o, const Prop *p, const char *value,
                       GError **errp)
{
    return cpu_parse_switch(p->name, value, features_field(o, p), errp);
}

/* One of CpuOption. */
static bool set_option(CpuOption *o, const Prop *p, const char *value,
                       GError **errp)
{
    return cpu_parse_switch(p->name, value, (bool *)((char *)o + p->offset),
                            errp);
}

/* What Heddle has one way only. */
static bool set_fixed(CpuOption *o, const Prop *p, const char *value,
                      GError **errp)
{
    bool on;

    if (!cpu_parse_switch(p->name, value, &on, errp)) {
        return false;
    }
    if (on != p->arg) {
        error_setg(errp, "-cpu: '%s=%s' is not implemented: leave it out",
                   p->name, on ? "on" : "off");
        return false;
    }
    return true;
}

/* What makes no difference here. */
static bool set_nothing(CpuOption *o, const Prop *p, const char *value,
                        GError **errp)
{
    bool on;

    return cpu_parse_switch(p->name, value, &on, errp);
}

/* --- all of them --- */

#define F(name, set, field, arg)                                               \
    {                                                                          \
        name, set, offsetof(X86Features, field), arg                           \
    }
#define TEXT(name, set, field)                                                 \
    F(name, set, field, sizeof(((X86Features *)0)->field))
#define O(name, field)                                                         \
    {                                                                          \
        name, set_option, offsetof(CpuOption, field), 0                        \
    }

static const Prop props[] = {
    F("family", set_number, family, 0xff + 0xf),
    F("model", set_number, model, 0xff),
    F("stepping", set_number, stepping, 0xf),
    F("level", set_level, level, UINT32_MAX),
    F("min-level", set_min_level, level, UINT32_MAX),
    F("xlevel", set_level, xlevel, UINT32_MAX),
    F("min-xlevel", set_min_level, xlevel, UINT32_MAX),
    {"phys-bits", set_phys_bits, 0, UINT32_MAX},
    {"tsc-frequency", set_tsc_frequency, 0, 0},
    {"tsc-freq", set_tsc_frequency, 0, 0},
    TEXT("vendor", set_vendor, vendor),
    TEXT("model-id", set_text, model_id),
    F("l3-cache", set_switch, l3_cache, 0),
    F("cpuid-0xb", set_switch, leaf_0b, 0),
    O("check", check),
    O("enforce", enforce),
    O("migratable", migratable),
    O("full-cpuid-auto-level", auto_level),
    {"host-phys-bits", set_fixed, 0, false},
    {"host-cache-info", set_fixed, 0, false},
    {"pmu", set_fixed, 0, false},
    {"lmce", set_fixed, 0, false},
    {"tcg-cpuid", set_fixed, 0, false}, /* a leaf that names the emulator */
    {"x-force-features", set_fixed, 0, false},
    {"kvm", set_nothing, 0, 0}, /* whether to show KVM, which is not there */
    {"fill-mtrr-mask", set_nothing, 0, 0},
    {"legacy-cache", set_nothing, 0, 0},
    {"x-vendor-cpuid-only", set_fixed, 0, true},
};

/* Interfaces of hypervisors, and parts of VMX: each may be left out. */
static const Prop foreign = {"", set_fixed, 0, false};

static bool is_foreign(const char *key)
{
    return g_str_has_prefix(key, "hv-") || g_str_has_prefix(key, "kvm-") ||
           g_str_has_prefix(key, "hv_") || g_str_has_prefix(key, "kvm_") ||
           g_str_has_prefix(key, "vmx-");
}

bool cpu_set_property(CpuOption *o, const char *key, const char *value,
                      GError **errp)
{
    Prop other = foreign;

    for (unsigned i = 0; i < ARRAY_LEN(props); i++) {
        const Prop *p = &props[i];

        if (x86_cpu_same_name(key, p->name)) {
            return cpu_note_given(o, p->name, value, errp) &&
                   p->set(o, p, value, errp);
        }
    }
    if (is_foreign(key)) {
        other.name = key;
        return other.set(o, &other, value, errp);
    }
    error_setg(errp, "Property '%s-x86_64-cpu.%s' not found", o->model->name,
               key);
    return false;
}
