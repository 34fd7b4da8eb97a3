/* SPDX-License-Identifier: MIT */
/*
 * Faults on purpose: a thread stands still at a named place for some time, as
 * one does that lost its core there.  A place where nobody is to be held costs
 * a load and a branch; none is in translated code.
 */
#ifndef HEDDLE_EXEC_HOLD_H
#define HEDDLE_EXEC_HOLD_H

#include "util/common.h"

typedef enum HoldPoint {
    HOLD_HELPER,     /* CPUID: C code that was called from translated code */
    HOLD_BQL,        /* a device is read */
    HOLD_EXCLUSIVE,  /* alone, in an exclusive section */
    HOLD_RCU,        /* in a read section made for that, holding nothing else */
    HOLD_TRANSLATE,  /* a TB is being made, and holds no lock */
    HOLD_PAGE,       /* with the locks of a new TB's pages */
    HOLD_INVALIDATE, /* about to drop TBs, with the lock for that */
    HOLD_IOTHREAD,   /* the main loop, with the BQL */
    HOLD_POINTS,
} HoldPoint;

#define HOLD_ANY_CPU (-1)

/* Bits by HoldPoint: somebody is to be held there; atomic. */
extern uint32_t hold_armed;

/*
 * Hold once, for @ms, the thread of vCPU @cpu (HOLD_ANY_CPU: of the first one)
 * that comes to @point next; both ends are told on stderr.
 * @point   the name of a HoldPoint: "helper", "bql"...
 * Returns  false with @errp set if there is no such point
 * Locks    BQL
 */
bool hold_arm(const char *point, int cpu, unsigned ms, GError **errp);

/* The slow half of hold_at(). */
void hold_if_asked(HoldPoint point);

static inline void hold_at(HoldPoint point)
{
    if (unlikely(__atomic_load_n(&hold_armed, __ATOMIC_RELAXED) & BIT(point))) {
        hold_if_asked(point);
    }
}

#endif
