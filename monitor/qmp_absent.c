/* SPDX-License-Identifier: MIT */
/*
 * Commands about what Heddle has none of: networks, balloons, watchdogs,
 * migration, trace events.  Each answers as one does where there is none, so
 * that clients which only look are content and the others are told.
 */
#include <string.h>

#include "monitor/command.h"

json_object *cmd_no_entries(MonCall *call, json_object *args, GError **errp)
{
    return json_object_new_array();
}

json_object *cmd_no_members(MonCall *call, json_object *args, GError **errp)
{
    return json_object_new_object();
}

/* --- networks --- */

json_object *cmd_rx_filter(MonCall *call, json_object *args, GError **errp)
{
    if (arg_has(args, "name")) {
        error_setg(errp, "invalid net client name: %s",
                   arg_str(args, "name", ""));
        return NULL;
    }
    return json_object_new_array();
}

json_object *cmd_netdev_add(MonCall *call, json_object *args, GError **errp)
{
    error_setg(errp, "network back-end '%s' is not supported",
               arg_str(args, "type", ""));
    return NULL;
}

static json_object *device_not_found(const char *name, GError **errp)
{
    return cmd_error(errp, ERR_DEVICE_NOT_FOUND, "Device '%s' not found", name);
}

json_object *cmd_netdev_del(MonCall *call, json_object *args, GError **errp)
{
    return device_not_found(arg_str(args, "id", ""), errp);
}

json_object *cmd_set_link(MonCall *call, json_object *args, GError **errp)
{
    return device_not_found(arg_str(args, "name", ""), errp);
}

/* --- balloon, watchdog --- */

json_object *cmd_balloon(MonCall *call, json_object *args, GError **errp)
{
    return cmd_error(errp, ERR_DEVICE_NOT_ACTIVE,
                     "No balloon device has been activated");
}

/* Clients set this before they know of a watchdog; it never expires here. */
json_object *cmd_watchdog(MonCall *call, json_object *args, GError **errp)
{
    return NULL;
}

/* --- trace events: there are none; -d has the log --- */

static bool is_pattern(const char *name)
{
    return strpbrk(name, "*?") != NULL;
}

json_object *cmd_trace_event_set(MonCall *call, json_object *args,
                                 GError **errp)
{
    const char *name = arg_str(args, "name", "");

    if (!is_pattern(name)) {
        error_setg(errp, "unknown event \"%s\"", name);
    }
    return NULL;
}

json_object *cmd_trace_event_get(MonCall *call, json_object *args,
                                 GError **errp)
{
    return cmd_trace_event_set(call, args, errp) || (errp && *errp)
               ? NULL
               : json_object_new_array();
}

/* --- migration --- */

static bool migrate_events; /* what a client has asked for */

json_object *cmd_migrate_capabilities(MonCall *call, json_object *args,
                                      GError **errp)
{
    json_object *list = json_object_new_array();
    json_object *entry = json_object_new_object();

    put_bool(entry, "state", migrate_events);
    put_str(entry, "capability", "events");
    json_object_array_add(list, entry);
    return list;
}

/* Clients turn events on whether they migrate or not. */
json_object *cmd_migrate_set_capabilities(MonCall *call, json_object *args,
                                          GError **errp)
{
    json_object *list = arg_get(args, "capabilities");

    for (size_t i = 0; i < json_object_array_length(list); i++) {
        migrate_events =
            arg_bool(json_object_array_get_idx(list, i), "state", false);
    }
    return NULL;
}
