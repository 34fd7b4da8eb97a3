/* SPDX-License-Identifier: MIT */
/*
 * The iothread: the process's first thread runs the default GMainContext.
 * It holds the Big Lock always but while it polls, so every source, timer and
 * bottom half runs under it.  File descriptors are watched with GLib's own
 * g_unix_fd_add(); timers are those of util/timer.h.
 */
#ifndef HEDDLE_UTIL_MAIN_LOOP_H
#define HEDDLE_UTIL_MAIN_LOOP_H

#include "util/common.h"

/* Prepare context, timers and bottom halves.  @lock and @unlock are the Big
 * Lock's; the poll runs between them.  Call once, first thread. */
void main_loop_init(void (*lock)(void), void (*unlock)(void));
/* Run until main_loop_quit().  Locks: BQL held on entry and return. */
void main_loop_run(void);
void main_loop_quit(int status); /* any thread */
int main_loop_status(void);
bool main_loop_is_current_thread(void);

/* A bottom half: a callback that the main loop runs soon, once per (however
 * many) schedule calls.  Any thread may schedule. */
typedef struct BottomHalf BottomHalf;
BottomHalf *bh_new(void (*fn)(void *opaque), void *opaque);
/* On another context: for util/io-context.h. */
BottomHalf *bh_new_on(GMainContext *context, void (*fn)(void *opaque),
                      void *opaque);
void bh_schedule(BottomHalf *bh);
void bh_cancel(BottomHalf *bh);
void bh_delete(BottomHalf *bh); /* those of the main loop: there only */
/* Run @fn(@opaque) once on the main loop under the BQL. */
void bh_schedule_oneshot(void (*fn)(void *opaque), void *opaque);

#endif
