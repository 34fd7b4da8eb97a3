/* SPDX-License-Identifier: MIT */
/*
 * -object iothread: a thread with a context of its own, for devices that are
 * told its name.  The properties tune a polling that is not done here: they are
 * kept for who asks, and change nothing.  Locks: BQL.
 */
#include "exec/bql.h"
#include "exec/translator.h"
#include "system/user_object.h"
#include "util/error.h"
#include "util/io-context.h"

static const UserProp iothread_props[] = {
    { "poll-max-ns", USER_PROP_INT, "0" },
    { "poll-grow", USER_PROP_INT, "0" },
    { "poll-shrink", USER_PROP_INT, "0" },
    { "aio-max-batch", USER_PROP_INT, "0" },
};

static IoContext *context_of(const UserObject *obj)
{
    return io_context_find(user_object_id(obj));
}

static bool iothread_open(UserObject *obj, GError **errp)
{
    for (unsigned i = 0; i < ARRAY_LEN(iothread_props); i++) {
        const char *text = user_object_get(obj, &iothread_props[i]);
        uint64_t value;

        if (!g_ascii_string_to_unsigned(text, 10, 0, INT64_MAX, &value, NULL)) {
            error_setg(errp, "%s value must be in range [0, %" PRId64 "]",
                       iothread_props[i].name, INT64_MAX);
            return false;
        }
    }
    if (tcg_repeats()) {
        error_setg(errp, "-icount runs a guest the same way each time, which "
                         "it would not beside an iothread: leave one out");
        return false;
    }
    io_context_new(user_object_id(obj));
    return true;
}

/* The thread may be waiting for the BQL, and is to come to its end. */
static void iothread_close(UserObject *obj)
{
    IoContext *ctx = context_of(obj);

    if (ctx) {
        io_context_remove(ctx);
        bql_unlock();
        io_context_free(ctx);
        bql_lock();
    }
}

static bool iothread_in_use(UserObject *obj)
{
    return io_context_users(context_of(obj)) > 0;
}

const UserObjectType iothread_object_type = {
    .name = "iothread",
    .parent = "object",
    .props = iothread_props,
    .nprops = ARRAY_LEN(iothread_props),
    .open = iothread_open,
    .close = iothread_close,
    .in_use = iothread_in_use,
};
