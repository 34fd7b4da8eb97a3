/* SPDX-License-Identifier: MIT */
/*
 * -sandbox: a seccomp filter over all threads of the process.
 *
 * The filter is made of groups of system calls that an emulator has no use for;
 * the first group goes whatever the option says.  A call that is filtered ends
 * the process, but where a library makes it and can do without.
 */
#include "system/sandbox.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

#include <seccomp.h>

#include "util/error.h"

#define END  SCMP_ACT_KILL_PROCESS
#define FAIL SCMP_ACT_ERRNO(EPERM)

/* A call that is filtered whatever its arguments are. */
typedef struct SandboxCall {
    SandboxGroup group;
    int number;
    uint32_t action;
} SandboxCall;

/*
 * Of what each is: syscalls(2); of those that no kernel has, unimplemented(2).
 * sched_setattr succeeds and does nothing: each thread of a GLib pool asks for
 * the settings that it has.
 */
static const SandboxCall calls[] = {
    /* The host as a whole, and other processes. */
    { SANDBOX_ALWAYS, SCMP_SYS(acct), END },
    { SANDBOX_ALWAYS, SCMP_SYS(add_key), END },
    { SANDBOX_ALWAYS, SCMP_SYS(adjtimex), END },
    { SANDBOX_ALWAYS, SCMP_SYS(bpf), END },
    { SANDBOX_ALWAYS, SCMP_SYS(chroot), END },
    { SANDBOX_ALWAYS, SCMP_SYS(clock_adjtime), END },
    { SANDBOX_ALWAYS, SCMP_SYS(clock_settime), END },
    { SANDBOX_ALWAYS, SCMP_SYS(delete_module), END },
    { SANDBOX_ALWAYS, SCMP_SYS(finit_module), END },
    { SANDBOX_ALWAYS, SCMP_SYS(init_module), END },
    { SANDBOX_ALWAYS, SCMP_SYS(ioperm), END },
    { SANDBOX_ALWAYS, SCMP_SYS(iopl), END },
    { SANDBOX_ALWAYS, SCMP_SYS(kexec_file_load), END },
    { SANDBOX_ALWAYS, SCMP_SYS(kexec_load), END },
    { SANDBOX_ALWAYS, SCMP_SYS(keyctl), END },
    { SANDBOX_ALWAYS, SCMP_SYS(mount), END },
    { SANDBOX_ALWAYS, SCMP_SYS(open_by_handle_at), END },
    { SANDBOX_ALWAYS, SCMP_SYS(perf_event_open), END },
    { SANDBOX_ALWAYS, SCMP_SYS(pivot_root), END },
    { SANDBOX_ALWAYS, SCMP_SYS(process_vm_readv), END },
    { SANDBOX_ALWAYS, SCMP_SYS(process_vm_writev), END },
    { SANDBOX_ALWAYS, SCMP_SYS(ptrace), END },
    { SANDBOX_ALWAYS, SCMP_SYS(quotactl), END },
    { SANDBOX_ALWAYS, SCMP_SYS(reboot), END },
    { SANDBOX_ALWAYS, SCMP_SYS(request_key), END },
    { SANDBOX_ALWAYS, SCMP_SYS(setdomainname), END },
    { SANDBOX_ALWAYS, SCMP_SYS(sethostname), END },
    { SANDBOX_ALWAYS, SCMP_SYS(setns), END },
    { SANDBOX_ALWAYS, SCMP_SYS(settimeofday), END },
    { SANDBOX_ALWAYS, SCMP_SYS(swapoff), END },
    { SANDBOX_ALWAYS, SCMP_SYS(swapon), END },
    { SANDBOX_ALWAYS, SCMP_SYS(syslog), END },
    { SANDBOX_ALWAYS, SCMP_SYS(umount2), END },
    { SANDBOX_ALWAYS, SCMP_SYS(unshare), END },
    { SANDBOX_ALWAYS, SCMP_SYS(vhangup), END },

    { SANDBOX_OBSOLETE, SCMP_SYS(_sysctl), END },
    { SANDBOX_OBSOLETE, SCMP_SYS(afs_syscall), END },
    { SANDBOX_OBSOLETE, SCMP_SYS(create_module), END },
    { SANDBOX_OBSOLETE, SCMP_SYS(get_kernel_syms), END },
    { SANDBOX_OBSOLETE, SCMP_SYS(getpmsg), END },
    { SANDBOX_OBSOLETE, SCMP_SYS(nfsservctl), END },
    { SANDBOX_OBSOLETE, SCMP_SYS(putpmsg), END },
    { SANDBOX_OBSOLETE, SCMP_SYS(query_module), END },
    { SANDBOX_OBSOLETE, SCMP_SYS(security), END },
    { SANDBOX_OBSOLETE, SCMP_SYS(sysfs), END },
    { SANDBOX_OBSOLETE, SCMP_SYS(tuxcall), END },
    { SANDBOX_OBSOLETE, SCMP_SYS(uselib), END },
    { SANDBOX_OBSOLETE, SCMP_SYS(ustat), END },
    { SANDBOX_OBSOLETE, SCMP_SYS(vserver), END },

    { SANDBOX_PRIVILEGES, SCMP_SYS(capset), END },
    { SANDBOX_PRIVILEGES, SCMP_SYS(setfsgid), END },
    { SANDBOX_PRIVILEGES, SCMP_SYS(setfsuid), END },
    { SANDBOX_PRIVILEGES, SCMP_SYS(setgid), END },
    { SANDBOX_PRIVILEGES, SCMP_SYS(setgroups), END },
    { SANDBOX_PRIVILEGES, SCMP_SYS(setregid), END },
    { SANDBOX_PRIVILEGES, SCMP_SYS(setresgid), END },
    { SANDBOX_PRIVILEGES, SCMP_SYS(setresuid), END },
    { SANDBOX_PRIVILEGES, SCMP_SYS(setreuid), END },
    { SANDBOX_PRIVILEGES, SCMP_SYS(setuid), END },

    /* And clone: block_clone(). */
    { SANDBOX_SPAWN, SCMP_SYS(execve), END },
    { SANDBOX_SPAWN, SCMP_SYS(execveat), END },
    { SANDBOX_SPAWN, SCMP_SYS(fork), END },
    { SANDBOX_SPAWN, SCMP_SYS(vfork), END },

    /* And prlimit64: block_limits(). */
    { SANDBOX_RESOURCES, SCMP_SYS(ioprio_set), FAIL },
    { SANDBOX_RESOURCES, SCMP_SYS(mbind), FAIL },
    { SANDBOX_RESOURCES, SCMP_SYS(migrate_pages), FAIL },
    { SANDBOX_RESOURCES, SCMP_SYS(move_pages), FAIL },
    { SANDBOX_RESOURCES, SCMP_SYS(sched_setaffinity), FAIL },
    { SANDBOX_RESOURCES, SCMP_SYS(sched_setattr), SCMP_ACT_ERRNO(0) },
    { SANDBOX_RESOURCES, SCMP_SYS(sched_setparam), FAIL },
    { SANDBOX_RESOURCES, SCMP_SYS(sched_setscheduler), FAIL },
    { SANDBOX_RESOURCES, SCMP_SYS(set_mempolicy), FAIL },
    { SANDBOX_RESOURCES, SCMP_SYS(setpriority), FAIL },
    { SANDBOX_RESOURCES, SCMP_SYS(setrlimit), FAIL },
};

/* Each of these returns 0, or a negative errno as libseccomp does. */

static int block_calls(scmp_filter_ctx filter, SandboxGroup groups)
{
    int ret = 0;

    for (unsigned i = 0; i < ARRAY_LEN(calls) && ret == 0; i++) {
        if (calls[i].group & groups) {
            ret = seccomp_rule_add(filter, calls[i].action, calls[i].number, 0);
        }
    }
    return ret;
}

/* Threads are no processes.  The flags of clone3 are in memory, where a filter
 * cannot look; the C library uses clone when there is no clone3. */
static int block_clone(scmp_filter_ctx filter)
{
    int ret =
        seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);

    return ret < 0
               ? ret
               : seccomp_rule_add(filter, END, SCMP_SYS(clone), 1,
                                  SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
}

/* Asking for limits is no setting of them. */
static int block_limits(scmp_filter_ctx filter)
{
    return seccomp_rule_add(filter, FAIL, SCMP_SYS(prlimit64), 1,
                            SCMP_A2(SCMP_CMP_NE, 0));
}

static int build_filter(scmp_filter_ctx filter, SandboxGroup groups)
{
    int ret = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);

    ret = ret < 0 ? ret : block_calls(filter, groups);
    if (ret == 0 && (groups & SANDBOX_SPAWN)) {
        ret = block_clone(filter);
    }
    if (ret == 0 && (groups & SANDBOX_RESOURCES)) {
        ret = block_limits(filter);
    }
    return ret;
}

bool sandbox_enter(SandboxGroup groups, GError **errp)
{
    scmp_filter_ctx filter;
    int ret;

    if (!groups) {
        return true;
    }
    filter = seccomp_init(SCMP_ACT_ALLOW);
    ret = filter ? build_filter(filter, groups) : -ENOMEM;
    ret = ret < 0 ? ret : seccomp_load(filter);
    seccomp_release(filter);
    if (ret < 0) {
        error_setg(errp, "-sandbox: could not install the filter: %s",
                   g_strerror(-ret));
    }
    return ret >= 0;
}

/* --- the option --- */

/* "children" leaves to a process that was started what it was started with;
 * none gains privileges, since a filter makes the kernel see to that. */
static bool group_option(KeyVal *kv, const char *key, SandboxGroup group,
                         bool deny, SandboxGroup *groups, GError **errp)
{
    const char *text = keyval_get(kv, key, deny ? "deny" : "allow");
    bool children = group == SANDBOX_PRIVILEGES && !strcmp(text, "children");

    if (strcmp(text, "deny") == 0 || children) {
        *groups |= group;
    } else if (strcmp(text, "allow") != 0) {
        error_setg(errp, "Parameter '%s' expects %s", key,
                   group == SANDBOX_PRIVILEGES ? "'allow', 'deny' or 'children'"
                                               : "'allow' or 'deny'");
        return false;
    }
    return true;
}

bool opt_sandbox(Launch *l, const Option *opt, const char *arg, GError **errp)
{
    g_autoptr(KeyVal) kv = keyval_parse(arg, "enable", errp);
    SandboxGroup groups = SANDBOX_ALWAYS;
    bool enable;

    if (!kv || !keyval_get_bool(kv, "enable", false, &enable, errp) ||
        !group_option(kv, "obsolete", SANDBOX_OBSOLETE, true, &groups, errp) ||
        !group_option(kv, "elevateprivileges", SANDBOX_PRIVILEGES, false,
                      &groups, errp) ||
        !group_option(kv, "spawn", SANDBOX_SPAWN, false, &groups, errp) ||
        !group_option(kv, "resourcecontrol", SANDBOX_RESOURCES, false, &groups,
                      errp) ||
        !keyval_check_used(kv, errp)) {
        return false;
    }
    l->sandbox = enable ? groups : 0;
    return true;
}
