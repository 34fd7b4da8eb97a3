/* SPDX-License-Identifier: MIT */
/* Making stream sockets.  Each returns a descriptor, or -1 with @errp set. */
#ifndef HEDDLE_CHARDEV_SOCKET_ADDRESS_H
#define HEDDLE_CHARDEV_SOCKET_ADDRESS_H

#include "util/common.h"
#include "util/host_name.h"

/* A stale socket of that name is replaced; @name is the caller's to remove. */
int socket_listen_unix(const char *path, HostName **name, GError **errp);
int socket_connect_unix(const char *path, GError **errp);
/* An empty @host stands for any address, or the local host to connect to. */
int socket_listen_tcp(const char *host, const char *port, GError **errp);
int socket_connect_tcp(const char *host, const char *port, GError **errp);
/* Returns @fd if it is a stream socket. */
int socket_check_fd(int fd, GError **errp);

#endif
