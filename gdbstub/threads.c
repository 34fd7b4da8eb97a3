/* SPDX-License-Identifier: MIT */
/* vCPUs as GDB's threads. */
#include "gdbstub/server.h"

CPUState *gdb_thread(uint64_t id)
{
    return id > UINT_MAX ? NULL : cpu_get(id ? id - 1 : 0);
}

unsigned gdb_thread_id(const CPUState *cpu)
{
    return cpu->index + 1;
}

bool gdb_get_thread(const char **pos, CPUState **cpu)
{
    uint64_t id;

    if (gdb_skip(pos, "-1")) {
        *cpu = NULL;
        return true;
    }
    if (!gdb_get_hex(pos, &id)) {
        return false;
    }
    *cpu = gdb_thread(id);
    return *cpu;
}
