/* SPDX-License-Identifier: MIT */
/* Where firmware files are found. */
#include "system/machine.h"

#include <string.h>

static const char *const default_dirs[] = {
    "/usr/share/heddle",
    "/usr/share/seabios", /* Debian's package of that name */
    "/usr/share/qemu",
};

static GQueue user_dirs = G_QUEUE_INIT; /* -L, in the order given */

void firmware_add_dir(const char *dir)
{
    g_queue_push_tail(&user_dirs, g_strdup(dir));
}

/* @dir/@name if it is a file, else NULL. */
static char *firmware_in(const char *dir, const char *name)
{
    char *path = g_build_filename(dir, name, NULL);

    if (g_file_test(path, G_FILE_TEST_IS_REGULAR)) {
        return path;
    }
    g_free(path);
    return NULL;
}

char *firmware_find(const char *name)
{
    char *path = NULL;

    if (g_file_test(name, G_FILE_TEST_IS_REGULAR)) {
        return g_strdup(name);
    }
    if (strchr(name, '/')) {
        return NULL; /* a path means that file and no other */
    }
    for (GList *l = user_dirs.head; l && !path; l = l->next) {
        path = firmware_in(l->data, name);
    }
    for (unsigned i = 0; i < ARRAY_LEN(default_dirs) && !path; i++) {
        path = firmware_in(default_dirs[i], name);
    }
    return path;
}

void firmware_print_dirs(GString *out)
{
    for (GList *l = user_dirs.head; l; l = l->next) {
        g_string_append_printf(out, "%s\n", (const char *)l->data);
    }
    for (unsigned i = 0; i < ARRAY_LEN(default_dirs); i++) {
        g_string_append_printf(out, "%s\n", default_dirs[i]);
    }
}
