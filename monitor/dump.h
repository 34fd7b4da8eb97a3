/* SPDX-License-Identifier: MIT */
/* Dumps of guest memory that go on between turns of the main loop. */
#ifndef HEDDLE_MONITOR_DUMP_H
#define HEDDLE_MONITOR_DUMP_H

#include "util/common.h"

bool dump_in_progress(void); /* the machine must stay stopped */
void dump_cleanup(void);     /* leave one unfinished: the process ends */

#endif
