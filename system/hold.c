/* SPDX-License-Identifier: MIT */
/*
 * Holding threads at named places, for tests of what the others do meanwhile.
 * Locks: `lock` guards the orders, and is free while somebody is held.
 */
#include "exec/hold.h"

#include <string.h>

#include "exec/bql.h"
#include "exec/cpu.h"
#include "util/error.h"
#include "util/main-loop.h"

static const char *const point_names[HOLD_POINTS + 1] = {
    /* NULL at the end */
    [HOLD_HELPER] = "helper",         [HOLD_BQL] = "bql",
    [HOLD_EXCLUSIVE] = "exclusive",   [HOLD_RCU] = "rcu",
    [HOLD_TRANSLATE] = "translate",   [HOLD_PAGE] = "page",
    [HOLD_INVALIDATE] = "invalidate", [HOLD_IOTHREAD] = "iothread",
};

typedef struct HoldOrder {
    int cpu; /* or HOLD_ANY_CPU */
    unsigned ms;
} HoldOrder;

uint32_t hold_armed;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static HoldOrder orders[HOLD_POINTS]; /* valid where hold_armed has a bit */

/* --- the thread that comes by --- */

static bool order_means_me(const HoldOrder *order, HoldPoint point)
{
    if (point == HOLD_IOTHREAD) {
        return true;
    }
    return current_cpu && (order->cpu == HOLD_ANY_CPU ||
                           order->cpu == (int)current_cpu->index);
}

/* Take the order for @point, if it is for this thread: only one gets it. */
static bool order_take(HoldPoint point, unsigned *ms)
{
    bool mine;

    pthread_mutex_lock(&lock);
    mine = (hold_armed & BIT(point)) && order_means_me(&orders[point], point);
    if (mine) {
        *ms = orders[point].ms;
        __atomic_fetch_and(&hold_armed, ~(uint32_t)BIT(point),
                           __ATOMIC_RELAXED);
    }
    pthread_mutex_unlock(&lock);
    return mine;
}

static void stand_still(HoldPoint point, unsigned ms)
{
    warn_report("%s is held at '%s' for %u ms", thread_self.name,
                point_names[point], ms);
    g_usleep(ms * 1000ul);
    warn_report("%s is let go at '%s'", thread_self.name, point_names[point]);
}

void hold_if_asked(HoldPoint point)
{
    unsigned ms;

    if (!order_take(point, &ms)) {
        return;
    }
    if (point == HOLD_RCU) {
        RCU_READ_GUARD();
        stand_still(point, ms);
    } else {
        stand_still(point, ms);
    }
}

/* --- who orders --- */

static void hold_main_loop(void *unused)
{
    hold_at(HOLD_IOTHREAD);
}

static bool point_find(const char *name, HoldPoint *point, GError **errp)
{
    g_autofree char *known = NULL;

    for (unsigned i = 0; i < HOLD_POINTS; i++) {
        if (strcmp(name, point_names[i]) == 0) {
            *point = i;
            return true;
        }
    }
    known = g_strjoinv(", ", (char **)point_names);
    error_setg(errp, "'%s' is no point to hold at: %s", name, known);
    return false;
}

/* Out of the exec loop, which HOLD_RCU is outside of.  Not for other points:
 * who is kicked takes the BQL. */
static void kick_wanted(int cpu_index)
{
    CPUState *cpu;

    CPU_FOREACH (cpu) {
        if (cpu_index == HOLD_ANY_CPU || cpu_index == (int)cpu->index) {
            cpu_kick(cpu);
        }
    }
}

static void order_put(HoldPoint point, const HoldOrder *order)
{
    pthread_mutex_lock(&lock);
    orders[point] = *order;
    __atomic_fetch_or(&hold_armed, BIT(point), __ATOMIC_RELAXED);
    pthread_mutex_unlock(&lock);
}

bool hold_arm(const char *name, int cpu_index, unsigned ms, GError **errp)
{
    HoldPoint point;

    bql_assert_held();
    if (!point_find(name, &point, errp)) {
        return false;
    }
    order_put(point, &(HoldOrder){ cpu_index, ms });
    if (point == HOLD_IOTHREAD) {
        bh_schedule_oneshot(hold_main_loop, NULL);
    }
    if (point == HOLD_RCU) {
        kick_wanted(cpu_index);
    }
    return true;
}
