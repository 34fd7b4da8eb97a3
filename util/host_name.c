/* SPDX-License-Identifier: MIT */
#include "util/host_name.h"

#include <fcntl.h>
#include <unistd.h>

#include <glib.h>

struct HostName {
    int dir; /* -1: it could not be opened */
    char *base;
};

HostName *host_name_new(const char *path)
{
    g_autofree char *dir = g_path_get_dirname(path);
    HostName *name = g_new(HostName, 1);

    name->dir = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    name->base = g_path_get_basename(path);
    return name;
}

void host_name_unlink(HostName *name)
{
    if (!name) {
        return;
    }
    if (name->dir >= 0) {
        unlinkat(name->dir, name->base, 0);
        close(name->dir);
    }
    g_free(name->base);
    g_free(name);
}
