/* SPDX-License-Identifier: MIT */
/*
 * A bell: any thread rings it, in any context and without a lock, and one
 * context hears it.  However often it rang before it is heard, it is heard
 * once; what was written before a ring is seen by who hears that.
 */
#ifndef HEDDLE_UTIL_EVENT_NOTIFIER_H
#define HEDDLE_UTIL_EVENT_NOTIFIER_H

#include "util/common.h"
#include "util/io-context.h"

typedef struct EventNotifier EventNotifier;

/* NULL with @errp set: the host gives no more file descriptors. */
EventNotifier *event_notifier_new(GError **errp);
/* Nobody watches it any more.  Freed after a grace period: who is in a read
 * section may ring it still.  Any thread. */
void event_notifier_free(EventNotifier *n);
/* Any thread, and signal handlers. */
void event_notifier_set(EventNotifier *n);
/* Did it ring since the last call? */
bool event_notifier_test_and_clear(EventNotifier *n);
/* Call @fn(@opaque) on @ctx (NULL: the main loop, with the BQL) after it rang,
 * also if it did before.  One at a time.  Any thread. */
void event_notifier_watch(EventNotifier *n, IoContext *ctx,
                          void (*fn)(void *opaque), void *opaque);
/* @fn may be under way still, if it runs on a context: util/io-context.h says
 * what follows from that.  Any thread. */
void event_notifier_unwatch(EventNotifier *n);

#endif
