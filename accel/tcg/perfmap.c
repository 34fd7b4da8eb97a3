/* SPDX-License-Identifier: MIT */
/*
 * Names for `perf report`: /tmp/perf-PID.map, one line for each TB, written
 * under -accel tcg,perfmap=on.  Source: Linux,
 * tools/perf/Documentation/jit-interface.txt
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "accel/tcg/internal.h"
#include "util/error.h"

static FILE *perf_map; /* stdio's own lock keeps lines whole */

bool perf_map_init(GError **errp)
{
    g_autofree char *name =
        g_strdup_printf("/tmp/perf-%d.map", (int)getpid());

    perf_map = fopen(name, "w");
    if (!perf_map) {
        error_setg(errp, "cannot create '%s' (-accel tcg,perfmap=on): %s",
                   name, strerror(errno));
        return false;
    }
    setvbuf(perf_map, NULL, _IOLBF, 0);
    return true;
}

void perf_map_tb(const TranslationBlock *tb, vaddr pc)
{
    if (perf_map) {
        fprintf(perf_map, "%" PRIxPTR " %" PRIx32 " guest-%" PRIx64 "%s\n",
                (uintptr_t)tb->code.entry, tb->code.code_bytes, pc,
                (tb->flags & HF_CPL) == 3 ? "-user" : "");
    }
}

void perf_map_thunks(const void *start, size_t bytes)
{
    if (perf_map) {
        fprintf(perf_map, "%" PRIxPTR " %zx tcg-thunks\n", (uintptr_t)start,
                bytes);
    }
}
