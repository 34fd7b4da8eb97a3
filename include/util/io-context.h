/* SPDX-License-Identifier: MIT */
/*
 * A thread with a GMainContext of its own, beside the main loop: what a user
 * makes with -object iothread and binds devices to.
 *
 * What runs there (the callbacks of its bottom halves, timers, notifiers and
 * other sources) runs without the Big Lock, one at a time, and inside an RCU
 * read section: the thread is a reader always but while it polls.  So whoever
 * takes a source away, from any thread, and frees what its callback uses by
 * rcu_call(), needs no more than that.  A callback may take the Big Lock; it
 * must not wait for a grace period.  Who holds the Big Lock must not wait for a
 * context.
 *
 * Guest time has no place here: a VIRTUAL timer would run while the machine
 * stops or, under -icount, at a time of the host's.  Timers are REALTIME ones.
 */
#ifndef HEDDLE_UTIL_IO_CONTEXT_H
#define HEDDLE_UTIL_IO_CONTEXT_H

#include "util/common.h"
#include "util/main-loop.h"
#include "util/timer.h"

typedef struct IoContext IoContext;

/* --- the user's contexts, by name; Locks: BQL --- */

/* Start a thread, which is watched for stalls; @id is not taken. */
IoContext *io_context_new(const char *id);
void io_context_remove(IoContext *ctx);     /* nobody finds it any more */
IoContext *io_context_find(const char *id); /* NULL: none */
IoContext *io_context_at(unsigned index); /* oldest first; NULL past the end */
const char *io_context_id(const IoContext *ctx);
int io_context_thread_id(const IoContext *ctx);
/* Devices that are bound to it. */
void io_context_get(IoContext *ctx);
void io_context_put(IoContext *ctx);
unsigned io_context_users(const IoContext *ctx);

/* --- running there --- */

/* End and join it, after io_context_remove(): its timers are not pending.
 * Locks  the caller holds nothing that a callback may take, BQL included */
void io_context_free(IoContext *ctx);
bool io_context_is_current(const IoContext *ctx);
/* Run @fn(@opaque) on its thread, and wait for it unless it is this one; what
 * runs there before has ended by then.
 * Locks  as io_context_free() */
void io_context_run(IoContext *ctx, void (*fn)(void *opaque), void *opaque);
/* Its callback runs there.  bh_delete() from any thread: see above. */
BottomHalf *io_context_bh_new(IoContext *ctx, void (*fn)(void *opaque),
                              void *opaque);
/* A REALTIME timer whose callback runs there; timer_mod_ns() and timer_del() as
 * for any, but only on its thread does the latter know that the callback is not
 * under way. */
void io_context_timer_init(IoContext *ctx, Timer *t, TimerFunc *fn,
                           void *opaque);
/* Have it watch a source of GLib's.  NULL: the main loop. */
void io_context_attach(IoContext *ctx, GSource *source);

#endif
