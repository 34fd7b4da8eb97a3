/* SPDX-License-Identifier: MIT */
#include "util/sparse.h"

#include <glib.h>
#include <sys/mman.h>

void *sparse_alloc(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED) {
        g_error("cannot map %zu bytes", bytes);
    }
    return p;
}

void sparse_free(void *p, size_t bytes)
{
    munmap(p, bytes);
}
