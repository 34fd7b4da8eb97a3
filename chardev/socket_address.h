/* SPDX-License-Identifier: MIT */
/* Making stream sockets.  Each returns a descriptor, or -1 with @errp set. */
#ifndef HEDDLE_CHARDEV_SOCKET_ADDRESS_H
#define HEDDLE_CHARDEV_SOCKET_ADDRESS_H

#include "util/common.h"
#include "util/host_name.h"

/* Whom a client calls. */
typedef struct SocketTarget {
    char *path;        /* of a Unix socket, or NULL: */
    char *host, *port; /* TCP; an empty host is the local one */
} SocketTarget;

void socket_target_clear(SocketTarget *to);

/* A stale socket of that name is replaced; @name is the caller's to remove. */
int socket_listen_unix(const char *path, HostName **name, GError **errp);
/* An empty @host stands for any address. */
int socket_listen_tcp(const char *host, const char *port, GError **errp);
/*
 * Connect; this takes as long as the other side does.
 * @stop  gives it up within a second once that is set (atomic); or NULL
 * Locks  any thread
 */
int socket_connect(const SocketTarget *to, const bool *stop, GError **errp);
/* The same without any wait, to a Unix socket.  -1 without an error: the other
 * side does not answer now. */
int socket_try_connect(const SocketTarget *to, GError **errp);
/* Returns @fd if it is a stream socket. */
int socket_check_fd(int fd, GError **errp);

#endif
