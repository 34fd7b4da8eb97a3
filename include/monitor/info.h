/* SPDX-License-Identifier: MIT */
/* Topics of `info` whose text another subsystem writes. */
#ifndef HEDDLE_MONITOR_INFO_H
#define HEDDLE_MONITOR_INFO_H

#include "util/common.h"

/* Make `info @name` print what @print appends.  A later call with the same
 * name replaces the first; the strings must live on.  Locks: BQL. */
void monitor_register_info(const char *name, const char *help,
                           void (*print)(GString *out));

#endif
