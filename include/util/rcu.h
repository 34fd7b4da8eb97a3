/* SPDX-License-Identifier: MIT */
/*
 * RCU: liburcu, "memb" flavour.  Threads from thread_create() are registered.
 * A vCPU is a reader while it runs translated code, so a waiter kicks them:
 * use rcu_synchronize(), not the library's synchronize_rcu().
 */
#ifndef HEDDLE_UTIL_RCU_H
#define HEDDLE_UTIL_RCU_H

#include <urcu.h>

#include "util/common.h"

#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_THREAD__) || __has_feature(thread_sanitizer)
#include "util/rcu-tsan.h"
#define RCU_TSAN 1
#endif

/* A callback, run while anybody waits for readers, on any thread; the vCPU
 * layer sets it to kick every vCPU out of its read section.
 * Call once, first thread. */
void rcu_set_kick(void (*kick)(void));
/* Wait for every reader that is now inside a section.
 * Locks  neither the BQL nor a read section may be held. */
void rcu_synchronize(void);
/* Call @fn(@head) after a grace period, on a thread of its own, no locks held;
 * in the order of the calls.  Any thread; @fn must not wait for a reader. */
void rcu_call(struct rcu_head *head, void (*fn)(struct rcu_head *head));
/*
 * Wait, if this thread has called rcu_call() while RCU_PENDING_MAX callbacks
 * were waiting, until they are fewer.  A guest can have a vCPU call it without
 * end, and a reader can stand still for long: so rcu_call() kicks the vCPUs
 * then, and each comes here.
 * Locks  neither the BQL nor a read section, and outside of the vCPU's code.
 */
#define RCU_PENDING_MAX 1024
void rcu_throttle(void);
typedef struct RcuStats {
    unsigned pending, most; /* callbacks that wait, and most so far */
    unsigned throttled;     /* waits of rcu_throttle() */
} RcuStats;
RcuStats rcu_stats(void);
/* Wait until every callback queued so far has run; locks as the wait above. */
void rcu_drain(void);

static inline void rcu_guard_exit(int *unused)
{
    (void)unused;
    rcu_read_unlock();
}
/* Read section to the end of the enclosing block. */
#define RCU_READ_GUARD() \
    G_GNUC_UNUSED __attribute__((cleanup(rcu_guard_exit))) int rcu_guard_ = \
        (rcu_read_lock(), 0)

#endif
