/* SPDX-License-Identifier: MIT */
/*
 * For builds with ThreadSanitizer, which knows neither liburcu's assembly nor
 * its grace periods: publish by atomics, and say that whoever has waited for a
 * grace period comes after the read sections that ended before.
 * Private to util/rcu.h.
 */
#ifndef HEDDLE_UTIL_RCU_TSAN_H
#define HEDDLE_UTIL_RCU_TSAN_H

#include <sanitizer/tsan_interface.h>
#include <urcu.h>

extern char rcu_tsan_grace; /* only its address counts */

static inline void rcu_tsan_read_unlock(void)
{
    __tsan_release(&rcu_tsan_grace);
    rcu_read_unlock();
}

#undef rcu_read_unlock
#define rcu_read_unlock() rcu_tsan_read_unlock()
#undef rcu_dereference
#define rcu_dereference(p) __atomic_load_n(&(p), __ATOMIC_ACQUIRE)
#undef rcu_assign_pointer
#define rcu_assign_pointer(p, v) __atomic_store_n(&(p), v, __ATOMIC_RELEASE)
#undef rcu_xchg_pointer
#define rcu_xchg_pointer(p, v) __atomic_exchange_n(p, v, __ATOMIC_ACQ_REL)

#endif
