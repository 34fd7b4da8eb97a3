/* SPDX-License-Identifier: MIT */
/*
 * -run-with, -chroot and -runas: where in the host's files, and as whom, the
 * process goes on once the machine is set up.  What is set up before that has
 * the rights of the one who started it: images, sockets, firmware, the pid
 * file.
 */
#include "system/launch.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "util/error.h"

/* Room for any list of groups (NGROUPS_MAX). */
#define GROUPS_MAX 65536

/* The groups are looked up here: behind chroot() their file is another. */
static bool find_groups(RunAs *as, const char *name, GError **errp)
{
    int n = GROUPS_MAX;

    as->groups = g_new(gid_t, n);
    if (getgrouplist(name, as->gid, as->groups, &n) < 0) {
        error_setg(errp, "user '%s' is in too many groups", name);
        return false;
    }
    as->ngroups = n;
    return true;
}

/* "UID:GID": that group is all. */
static bool parse_ids(RunAs *as, const char *text)
{
    g_auto(GStrv) parts = g_strsplit(text, ":", 2);
    uint64_t uid, gid;

    if (!parts[0] || !parts[1] ||
        !parse_uint(parts[0], INT32_MAX, &uid, NULL) ||
        !parse_uint(parts[1], INT32_MAX, &gid, NULL)) {
        return false;
    }
    as->uid = uid;
    as->gid = gid;
    as->ngroups = 1;
    as->groups = g_new(gid_t, 1);
    as->groups[0] = gid;
    return true;
}

static bool set_user(Launch *l, const char *text, GError **errp)
{
    const struct passwd *user = getpwnam(text);
    RunAs *as = &l->run_as;

    g_clear_pointer(&as->groups, g_free);
    as->wanted = true;
    if (user) {
        as->uid = user->pw_uid;
        as->gid = user->pw_gid;
        return find_groups(as, text, errp);
    }
    if (!parse_ids(as, text)) {
        error_setg(errp, "User \"%s\" doesn't exist (and is not <uid>:<gid>)",
                   text);
        return false;
    }
    return true;
}

bool opt_chroot(Launch *l, const Option *opt, const char *arg, GError **errp)
{
    l->chroot = g_intern_string(arg);
    return true;
}

bool opt_runas(Launch *l, const Option *opt, const char *arg, GError **errp)
{
    return set_user(l, arg, errp);
}

bool opt_run_with(Launch *l, const Option *opt, const char *arg, GError **errp)
{
    g_autoptr(KeyVal) kv = keyval_parse(arg, NULL, errp);
    const char *chroot, *user;
    bool async;

    if (!kv || !keyval_get_bool(kv, "async-teardown", false, &async, errp)) {
        return false;
    }
    if (async) {
        error_setg(errp, "async-teardown is not available: leave it out");
        return false;
    }
    chroot = keyval_get(kv, "chroot", NULL);
    user = keyval_get(kv, "user", NULL);
    return keyval_check_used(kv, errp) &&
           (!chroot || opt_chroot(l, opt, chroot, errp)) &&
           (!user || set_user(l, user, errp));
}

static bool change_root(const char *dir, GError **errp)
{
    if (chroot(dir) < 0 || chdir("/") < 0) {
        error_setg(errp, "could not change the root directory to '%s': %s", dir,
                   g_strerror(errno));
        return false;
    }
    return true;
}

/* The C library changes all threads. */
static bool change_user(const RunAs *as, GError **errp)
{
    if (setgroups(as->ngroups, as->groups) < 0 ||
        setresgid(as->gid, as->gid, as->gid) < 0 ||
        setresuid(as->uid, as->uid, as->uid) < 0) {
        error_setg(errp, "could not become user %u, group %u: %s",
                   (unsigned)as->uid, (unsigned)as->gid, g_strerror(errno));
        return false;
    }
    if (as->uid != 0 && setuid(0) == 0) {
        error_setg(errp, "user %u could still become root", (unsigned)as->uid);
        return false;
    }
    return true;
}

/* A daemon keeps no directory busy.  Before the user changes, who may not be
 * allowed into the root directory. */
static bool leave_directory(const Launch *l, GError **errp)
{
    if (l->daemonize && chdir("/") < 0) {
        error_setg(errp, "-daemonize: could not go to /: %s",
                   g_strerror(errno));
        return false;
    }
    return true;
}

bool run_with_enter(const Launch *l, GError **errp)
{
    return leave_directory(l, errp) &&
           (!l->chroot || change_root(l->chroot, errp)) &&
           (!l->run_as.wanted || change_user(&l->run_as, errp));
}

void run_with_free(Launch *l)
{
    g_clear_pointer(&l->run_as.groups, g_free);
}
