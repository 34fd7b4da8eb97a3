/* SPDX-License-Identifier: MIT */
/*
 * The Big Lock: one mutex over all device state and the run state.  The
 * iothread drops it only while it polls; a vCPU thread takes it to dispatch
 * MMIO and PIO and to take interrupts, and never holds it in translated code.
 * Lock order: BQL, CPU list lock, TB page locks (ascending), code region lock,
 * log lock.
 */
#ifndef HEDDLE_EXEC_BQL_H
#define HEDDLE_EXEC_BQL_H

#include "util/common.h"
#include "util/thread.h"

void bql_init(void);
#define bql_lock() bql_lock_at(G_STRLOC)
void bql_lock_at(const char *where);
void bql_unlock(void);
bool bql_locked(void); /* by the calling thread */
#define bql_assert_held() g_assert(bql_locked())
/* Wait for @c with the BQL dropped.  Locks: BQL. */
#define bql_cond_wait(c) bql_cond_wait_at(c, G_STRLOC)
void bql_cond_wait_at(Cond *c, const char *where);

/* How often one line of the source took the lock, for `info sync-profile`. */
typedef struct BqlSite {
    const char *where; /* file:line */
    uint64_t taken, waited; /* times */
    int64_t wait_ns;        /* in all */
} BqlSite;
/* Walk them: NULL past the last.  Locks: BQL. */
const BqlSite *bql_site_at(unsigned index);

static inline void bql_guard_exit(bool *taken)
{
    if (*taken) {
        bql_unlock();
    }
}
/* Hold the BQL to the end of the block; does nothing if it is held already. */
#define BQL_GUARD() \
    G_GNUC_UNUSED __attribute__((cleanup(bql_guard_exit))) bool bql_guard_ = \
        bql_locked() ? false : (bql_lock(), true)

#endif
