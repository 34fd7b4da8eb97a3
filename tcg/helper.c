/* SPDX-License-Identifier: MIT */
/* The table of C functions that translated code calls. */
#include "tcg/helper.h"

#include <glib.h>

/* Set once, before the first translation; read by every vCPU thread. */
static const HelperInfo *helpers;
static unsigned nhelpers;

void helper_register_table(const HelperInfo *table, unsigned count)
{
    helpers = table;
    nhelpers = count;
}

const HelperInfo *helper_info(unsigned index)
{
    g_assert(index < nhelpers); /* an index comes from our own emitters */
    return &helpers[index];
}

unsigned helper_count(void)
{
    return nhelpers;
}

static uint64_t *counters;

void helper_count_calls(void)
{
    counters = g_new0(uint64_t, nhelpers);
}

uint64_t *helper_counter(unsigned index)
{
    return counters ? &counters[index] : NULL;
}
