/* SPDX-License-Identifier: MIT */
/* The options of the command line, for those who ask what there is. */
#ifndef HEDDLE_SYSTEM_CMDLINE_INFO_H
#define HEDDLE_SYSTEM_CMDLINE_INFO_H

#include "util/common.h"

/* The name of the option @index, without the dash, and how its argument looks
 * (NULL: it takes none); NULL past the last. */
const char *cmdline_option_at(unsigned index, const char **usage);

#endif
