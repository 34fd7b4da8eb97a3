/* SPDX-License-Identifier: MIT */
/* Large tables of which little is used. */
#ifndef HEDDLE_UTIL_SPARSE_H
#define HEDDLE_UTIL_SPARSE_H

#include <stddef.h>

/* Zeros, aligned to a page, that take memory where they are written.  Aborts
 * when there is none, as g_malloc does. */
void *sparse_alloc(size_t bytes);
void sparse_free(void *p, size_t bytes);

#endif
