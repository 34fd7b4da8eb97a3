/* SPDX-License-Identifier: MIT */
#include "util/sparse.h"

#include <glib.h>
#include <sys/mman.h>

/* In builds with LeakSanitizer: what is only pointed to from here is no leak. */
void __lsan_register_root_region(const void *p, size_t bytes)
    __attribute__((weak));
void __lsan_unregister_root_region(const void *p, size_t bytes)
    __attribute__((weak));

void *sparse_alloc(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED) {
        g_error("cannot map %zu bytes", bytes);
    }
    if (__lsan_register_root_region) {
        __lsan_register_root_region(p, bytes);
    }
    return p;
}

void sparse_free(void *p, size_t bytes)
{
    if (__lsan_unregister_root_region) {
        __lsan_unregister_root_region(p, bytes);
    }
    munmap(p, bytes);
}
