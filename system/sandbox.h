/* SPDX-License-Identifier: MIT */
/* -sandbox, where the build has libseccomp. */
#ifndef HEDDLE_SYSTEM_SANDBOX_H
#define HEDDLE_SYSTEM_SANDBOX_H

#include "system/launch.h"

/* What is not allowed. */
typedef enum SandboxGroup {
    SANDBOX_ALWAYS = BIT(0),
    SANDBOX_OBSOLETE = BIT(1),
    SANDBOX_PRIVILEGES = BIT(2), /* setuid and kin */
    SANDBOX_SPAWN = BIT(3),      /* new processes and programs */
    SANDBOX_RESOURCES = BIT(4),  /* priorities, affinities, limits */
} SandboxGroup;

OptionHandler opt_sandbox;

/*
 * Filter the system calls of all threads that there are and will be, for ever.
 * @groups  0: do nothing
 */
#ifdef CONFIG_SECCOMP
bool sandbox_enter(SandboxGroup groups, GError **errp);
#else
static inline bool sandbox_enter(SandboxGroup groups, GError **errp)
{
    return true;
}
#endif

#endif
