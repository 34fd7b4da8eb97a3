/* SPDX-License-Identifier: MIT */
/* The machine types, and the one that has nothing in it. */
#include "system/machine.h"

#include <string.h>

/* For clients that only want to ask questions of a monitor. */
static bool machine_none_init(const MachineConfig *config, GError **errp)
{
    return true;
}

static const MachineType machine_none = {
    .name = "none",
    .desc = "empty machine",
    .max_cpus = 1,
    .init = machine_none_init,
};

static const MachineType *const machine_types[] = {
    &pc_machine_type,
    &machine_none,
};

const MachineType *machine_type_at(unsigned index)
{
    return index < ARRAY_LEN(machine_types) ? machine_types[index] : NULL;
}

const MachineType *machine_type_find(const char *name)
{
    for (unsigned i = 0; i < ARRAY_LEN(machine_types); i++) {
        const MachineType *type = machine_types[i];

        if (strcmp(type->name, name) == 0 ||
            (type->alias && strcmp(type->alias, name) == 0)) {
            return type;
        }
    }
    return NULL;
}
