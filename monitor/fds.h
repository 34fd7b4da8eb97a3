/* SPDX-License-Identifier: MIT */
/* Files and descriptors that clients name. */
#ifndef HEDDLE_MONITOR_FDS_H
#define HEDDLE_MONITOR_FDS_H

#include "util/common.h"

/* The descriptor that getfd has put under @name, which is then the caller's;
 * -1: there is none. */
int monitor_take_named_fd(const char *name);
/* Create (or empty) @path for writing, or take one of "/dev/fdset/N".  Never
 * waits: a pipe without a reader is an error.  -1 with @errp set. */
int monitor_create_file(const char *path, GError **errp);
/* Write all of @len bytes; an error where the file would have to wait. */
bool monitor_write_file(int fd, const void *buf, size_t len, GError **errp);

#endif
