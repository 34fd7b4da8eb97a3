/* SPDX-License-Identifier: MIT */
/*
 * -readconfig: an option a section, a parameter a line.
 *
 *     [drive "disk0"]
 *       file = "image.raw"
 *       if = "virtio"
 */
#include "system/launch.h"

#include <string.h>

#include "util/error.h"

typedef struct ConfigSection {
    const Option *option; /* NULL before the first heading */
    GString *arg;         /* "key=value,..." as gathered so far */
} ConfigSection;

/* Sections whose name is not their option's. */
static const char *const renamed[][2] = {
    {"memory", "m"},
    {"smp-opts", "smp"},
    {"boot-opts", "boot"},
};

static const Option *section_option(const char *name)
{
    for (unsigned i = 0; i < ARRAY_LEN(renamed); i++) {
        if (strcmp(renamed[i][0], name) == 0) {
            return option_find(renamed[i][1]);
        }
    }
    return option_find(name);
}

static void section_add(ConfigSection *s, const char *key, const char *value)
{
    g_string_append_printf(s->arg, "%s%s=", s->arg->len ? "," : "", key);
    for (; *value; value++) {
        g_string_append_c(s->arg, *value);
        if (*value == ',') {
            g_string_append_c(s->arg, ',');
        }
    }
}

/* Carry out the section that ends here. */
static bool section_end(Launch *l, ConfigSection *s, GError **errp)
{
    bool ok = !s->option || launch_option(l, s->option, s->arg->str, errp);

    g_string_truncate(s->arg, 0);
    return ok;
}

/* [name] or [name "id"] */
static bool config_heading(Launch *l, ConfigSection *s, char *line,
                           GError **errp)
{
    char *end = strrchr(line, ']');
    char *quote = strchr(line, '"');

    if (!section_end(l, s, errp)) {
        return false;
    }
    if (!end || end[1] != '\0') {
        error_setg(errp, "'%s' is no heading: write [group \"id\"]", line);
        return false;
    }
    *end = '\0';
    if (quote) {
        char *close = strchr(quote + 1, '"');

        if (!close) {
            error_setg(errp, "%s: a quote is missing", line);
            return false;
        }
        *quote = *close = '\0';
        section_add(s, "id", quote + 1);
    }
    s->option = section_option(g_strstrip(line + 1));
    if (!s->option || !s->option->arg) {
        error_setg(errp, "there is no config group '%s'", line + 1);
        return false;
    }
    return true;
}

/* key = "value" */
static bool config_parameter(ConfigSection *s, char *line, GError **errp)
{
    char *equals = strchr(line, '=');
    char *value;
    size_t len;

    if (!equals || !s->option) {
        error_setg(errp, "'%s': %s", line,
                   equals ? "no group is open" : "write key = \"value\"");
        return false;
    }
    *equals = '\0';
    value = g_strstrip(equals + 1);
    len = strlen(value);
    if (len >= 2 && value[0] == '"' && value[len - 1] == '"') {
        value[len - 1] = '\0';
        value++;
    }
    section_add(s, g_strstrip(line), value);
    return true;
}

static bool config_line(Launch *l, ConfigSection *s, char *line, GError **errp)
{
    g_strstrip(line);
    if (*line == '\0' || *line == '#') {
        return true;
    }
    return *line == '[' ? config_heading(l, s, line, errp)
                        : config_parameter(s, line, errp);
}

bool opt_readconfig(Launch *l, const Option *opt, const char *arg,
                    GError **errp)
{
    ConfigSection s = {NULL, g_string_new(NULL)};
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;
    bool ok = true;

    if (!g_file_get_contents(arg, &text, NULL, errp)) {
        g_string_free(s.arg, TRUE);
        return false;
    }
    lines = g_strsplit(text, "\n", -1);
    for (unsigned i = 0; ok && lines[i]; i++) {
        ok = config_line(l, &s, lines[i], errp);
        if (!ok && errp && (*errp)->domain != LAUNCH_DONE) {
            g_prefix_error(errp, "line %u: ", i + 1);
        }
    }
    ok = ok && section_end(l, &s, errp);
    g_string_free(s.arg, TRUE);
    return ok;
}
