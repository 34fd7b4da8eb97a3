/* SPDX-License-Identifier: MIT */
/*
 * The GDB server: one debugger on one character back-end.  Locks: BQL, main
 * loop.
 */
#ifndef HEDDLE_GDBSTUB_GDBSTUB_H
#define HEDDLE_GDBSTUB_GDBSTUB_H

#include "util/common.h"

#define GDBSERVER_DEFAULT "tcp::1234" /* -s, and gdbserver without a word */

/* Serve on @device instead of where it served before; "none": nowhere.  Takes
 * what -gdb takes; a "tcp:" one listens.  False with @errp set: nowhere, too.
 */
bool gdbserver_start(const char *device, GError **errp);
/* The process ends with @status: tell the debugger, and let go. */
void gdbserver_cleanup(int status);

#endif
