/* SPDX-License-Identifier: MIT */
/*
 * The name of a file of ours that goes when we do.  It is held by its
 * directory, so that neither chdir() nor chroot() makes it another file's.
 */
#ifndef HEDDLE_UTIL_HOST_NAME_H
#define HEDDLE_UTIL_HOST_NAME_H

typedef struct HostName HostName;

/* Of @path, relative to where the process is now. */
HostName *host_name_new(const char *path);
/* Remove the name, if it can still be, and free @name (may be NULL). */
void host_name_unlink(HostName *name);

#endif
