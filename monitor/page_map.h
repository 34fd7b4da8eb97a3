/* SPDX-License-Identifier: MIT */
/* A vCPU's page tables as a list. */
#ifndef HEDDLE_MONITOR_PAGE_MAP_H
#define HEDDLE_MONITOR_PAGE_MAP_H

#include "target/i386/cpu.h"

typedef struct MappedPage {
    vaddr va;
    hwaddr pa;
    uint64_t size;
    uint64_t entry;   /* the last one, as it stands in memory */
    bool user, write; /* by all entries on the way */
    bool nx;
} MappedPage;

/*
 * Call @fn for every page that is mapped, by rising address, until it returns
 * false.
 * Returns  false when there is no paging, or when not all pages were shown: a
 *          guest can make tables that map without end
 * Locks    BQL, on @cpu's own thread
 * Source   SDM vol. 3A, chapter 4 "Paging"
 */
bool page_map_foreach(X86CPU *cpu, bool (*fn)(const MappedPage *, void *),
                      void *opaque);

#endif
