/* SPDX-License-Identifier: MIT */
/*
 * The watchdog of -accel tcg,stall-ms=N: a vCPU's or an I/O thread that neither
 * goes on nor waits for something to do.  A guest that spins goes on:
 * its vCPU answers requests.
 */
#ifndef HEDDLE_EXEC_STALL_H
#define HEDDLE_EXEC_STALL_H

#include "util/common.h"

/* Watch from a thread of its own, and report on stderr. */
void stall_watch_start(unsigned ms);
void stall_watch_stop(void); /* does nothing if none was started */

/*
 * One look at all watched threads; vCPUs are asked for a sign of life before
 * the next.
 * @now_ns    of any clock
 * @limit_ns  how long a thread may stand still
 * @out       a line for each that has come to that since the last look, with
 *            what it waits for and who holds it, and for each that goes on
 * again Locks      any thread, one at a time; takes neither BQL nor Mutexes
 */
void stall_look(int64_t now_ns, int64_t limit_ns, GString *out);

#endif
