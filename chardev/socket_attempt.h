/* SPDX-License-Identifier: MIT */
/*
 * One attempt to connect, on a thread of its own: to look up a host and to wait
 * for its answer may take minutes.  Locks: BQL.
 */
#ifndef HEDDLE_CHARDEV_SOCKET_ATTEMPT_H
#define HEDDLE_CHARDEV_SOCKET_ATTEMPT_H

#include "chardev/socket_address.h"

typedef struct SocketAttempt SocketAttempt;

/* Called once on the main loop, unless cancelled: with the caller's new
 * descriptor, or -1 and the reason. */
typedef void SocketAttemptDone(void *opaque, int fd, const GError *err);

SocketAttempt *socket_attempt_new(const SocketTarget *to,
                                  SocketAttemptDone *done, void *opaque);
/* Nobody wants to know any more: @done is not called. */
void socket_attempt_cancel(SocketAttempt *a);

#endif
