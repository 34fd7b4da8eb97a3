/* SPDX-License-Identifier: MIT */
/*
 * Descriptors that clients pass along with commands: named ones (getfd), and
 * sets whose members options open as /dev/fdset/N.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "monitor/fds.h"
#include "monitor/session.h"

typedef struct NamedFd {
    char *name;
    int fd;
} NamedFd;

typedef struct SetFd {
    int64_t set;
    int fd;
    char *opaque; /* or NULL */
} SetFd;

static GQueue named = G_QUEUE_INIT;   /* NamedFd */
static GQueue members = G_QUEUE_INIT; /* SetFd, oldest first */

/* --- named descriptors --- */

static GList *named_find(const char *name)
{
    for (GList *l = named.head; l; l = l->next) {
        if (strcmp(((NamedFd *)l->data)->name, name) == 0) {
            return l;
        }
    }
    return NULL;
}

int monitor_take_named_fd(const char *name)
{
    GList *l = named_find(name);
    NamedFd *n;
    int fd;

    if (!l) {
        return -1;
    }
    n = l->data;
    fd = n->fd;
    g_queue_delete_link(&named, l);
    g_free(n->name);
    g_free(n);
    return fd;
}

/* The one that came with this command. */
static int take_passed(MonCall *call, GError **errp)
{
    int fd = call->mon ? char_take_fd(call->mon->fe) : -1;

    if (fd < 0) {
        error_setg(errp, "No file descriptor supplied via SCM_RIGHTS");
    }
    return fd;
}

/* A second one of a name takes the first one's place. */
json_object *cmd_getfd(MonCall *call, json_object *args, GError **errp)
{
    const char *name = arg_str(args, "fdname", "");
    int fd = take_passed(call, errp), old;
    NamedFd *n;

    if (fd < 0) {
        return NULL;
    }
    if (g_ascii_isdigit(*name)) {
        close(fd);
        error_setg(errp,
                   "Parameter 'fdname' expects a name not starting with a "
                   "digit");
        return NULL;
    }
    old = monitor_take_named_fd(name);
    if (old >= 0) {
        close(old);
    }
    n = g_new0(NamedFd, 1);
    n->name = g_strdup(name);
    n->fd = fd;
    g_queue_push_tail(&named, n);
    return NULL;
}

json_object *cmd_closefd(MonCall *call, json_object *args, GError **errp)
{
    const char *name = arg_str(args, "fdname", "");
    int fd = monitor_take_named_fd(name);

    if (fd < 0) {
        error_setg(errp, "File descriptor named '%s' not found", name);
    } else {
        close(fd);
    }
    return NULL;
}

/* --- sets --- */

static bool set_exists(int64_t set)
{
    for (GList *l = members.head; l; l = l->next) {
        if (((SetFd *)l->data)->set == set) {
            return true;
        }
    }
    return false;
}

static int64_t set_next(void)
{
    int64_t set = 0;

    while (set_exists(set)) {
        set++;
    }
    return set;
}

json_object *cmd_add_fd(MonCall *call, json_object *args, GError **errp)
{
    int64_t set =
        arg_has(args, "fdset-id") ? arg_int(args, "fdset-id", 0) : set_next();
    int fd = take_passed(call, errp);
    json_object *result;
    SetFd *member;

    if (fd < 0) {
        return NULL;
    }
    if (set < 0) {
        close(fd);
        error_setg(errp, "Parameter 'fdset-id' expects a non-negative value");
        return NULL;
    }
    member = g_new0(SetFd, 1);
    member->set = set;
    member->fd = fd;
    member->opaque = g_strdup(arg_str(args, "opaque", NULL));
    g_queue_push_tail(&members, member);
    result = json_object_new_object();
    put_int(result, "fdset-id", set);
    put_int(result, "fd", fd);
    return result;
}

static void set_fd_free(SetFd *member)
{
    close(member->fd);
    g_free(member->opaque);
    g_free(member);
}

/* One of a set, or all of it. */
json_object *cmd_remove_fd(MonCall *call, json_object *args, GError **errp)
{
    int64_t set = arg_int(args, "fdset-id", -1), fd = arg_int(args, "fd", -1);
    bool one = arg_has(args, "fd"), found = false;
    GList *next;

    for (GList *l = members.head; l; l = next) {
        SetFd *member = l->data;

        next = l->next;
        if (member->set == set && (!one || member->fd == fd)) {
            g_queue_delete_link(&members, l);
            set_fd_free(member);
            found = true;
        }
    }
    if (!found && one) {
        error_setg(errp,
                   "File descriptor named 'fdset-id:%" PRId64 ", fd:%" PRId64
                   "' not found",
                   set, fd);
    } else if (!found) {
        error_setg(errp,
                   "File descriptor named 'fdset-id:%" PRId64 "' not found",
                   set);
    }
    return NULL;
}

/* The list of @set's members. */
static json_object *set_members(int64_t set)
{
    json_object *list = json_object_new_array();

    for (GList *l = members.head; l; l = l->next) {
        const SetFd *member = l->data;
        json_object *entry;

        if (member->set != set) {
            continue;
        }
        entry = json_object_new_object();
        put_int(entry, "fd", member->fd);
        if (member->opaque) {
            put_str(entry, "opaque", member->opaque);
        }
        json_object_array_add(list, entry);
    }
    return list;
}

/* Is @link the first of its set? */
static bool set_begins(const GList *link)
{
    for (const GList *l = link->prev; l; l = l->prev) {
        if (((SetFd *)l->data)->set == ((SetFd *)link->data)->set) {
            return false;
        }
    }
    return true;
}

json_object *cmd_query_fdsets(MonCall *call, json_object *args, GError **errp)
{
    json_object *list = json_object_new_array();

    for (GList *l = members.head; l; l = l->next) {
        int64_t set = ((SetFd *)l->data)->set;
        json_object *entry;

        if (set_begins(l)) {
            entry = json_object_new_object();
            put_int(entry, "fdset-id", set);
            json_object_object_add(entry, "fds", set_members(set));
            json_object_array_add(list, entry);
        }
    }
    return list;
}

/* --- opening what a client names --- */

#define FDSET_PREFIX "/dev/fdset/"

/* A copy of the member of a set that can be written. */
static int open_fdset(const char *path)
{
    uint64_t set;

    if (!parse_uint(path + strlen(FDSET_PREFIX), INT64_MAX, &set, NULL)) {
        return -1;
    }
    for (GList *l = members.head; l; l = l->next) {
        const SetFd *member = l->data;
        int mode = fcntl(member->fd, F_GETFL) & O_ACCMODE;

        if (member->set == (int64_t)set && mode != O_RDONLY) {
            return fcntl(member->fd, F_DUPFD_CLOEXEC, 0);
        }
    }
    return -1;
}

int monitor_create_file(const char *path, GError **errp)
{
    int fd;

    errno = ENOENT;
    fd = g_str_has_prefix(path, FDSET_PREFIX)
             ? open_fdset(path)
             : open(path,
                    O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK | O_CLOEXEC |
                        O_NOCTTY,
                    0666);
    if (fd < 0) {
        error_setg(errp, "Could not open '%s': %s", path, g_strerror(errno));
    }
    return fd;
}

bool monitor_write_file(int fd, const void *buf, size_t len, GError **errp)
{
    const uint8_t *at = buf;

    while (len > 0) {
        ssize_t n = write(fd, at, len);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            error_setg(errp, "could not write: %s",
                       n < 0 ? g_strerror(errno) : "no room");
            return false;
        }
        at += n;
        len -= (size_t)n;
    }
    return true;
}
