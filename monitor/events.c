/* SPDX-License-Identifier: MIT */
/*
 * Events: the table, their time stamps, and how often each may come.
 * Locks: BQL.
 */
#include <string.h>

#include "monitor/command.h"
#include "monitor/session.h"
#include "util/timer.h"

#define EVENT(event, members, milliseconds)                                    \
    { .name = #event, .data = members, .rate_ms = milliseconds },
const MonEvent monitor_events[] = {
#include "monitor/events.def"
};
const unsigned monitor_event_count = ARRAY_LEN(monitor_events);

/* Of an event that may not come too often. */
typedef struct Pacing {
    guint source;         /* runs while none may be sent; 0: none was lately */
    json_object *waiting; /* the last that came meanwhile, or NULL */
} Pacing;
static Pacing pacing[ARRAY_LEN(monitor_events)];

static json_object *event_timestamp(void)
{
    json_object *stamp = json_object_new_object();
    int64_t us = g_get_real_time();

    put_int(stamp, "seconds", us / G_USEC_PER_SEC);
    put_int(stamp, "microseconds", us % G_USEC_PER_SEC);
    return stamp;
}

static gboolean event_time_passed(gpointer opaque)
{
    Pacing *p = opaque;
    json_object *event = p->waiting;

    if (!event) {
        p->source = 0;
        return G_SOURCE_REMOVE;
    }
    p->waiting = NULL;
    monitor_broadcast(event);
    json_object_put(event);
    return G_SOURCE_CONTINUE;
}

/* May @event be sent now?  If not it is kept for later. */
static bool event_pace(unsigned index, json_object *event)
{
    Pacing *p = &pacing[index];

    if (!monitor_events[index].rate_ms) {
        return true;
    }
    if (p->source) {
        json_object_put(p->waiting);
        p->waiting = json_object_get(event);
        return false;
    }
    p->source =
        g_timeout_add(monitor_events[index].rate_ms, event_time_passed, p);
    return true;
}

static unsigned event_index(const char *name)
{
    for (unsigned i = 0; i < monitor_event_count; i++) {
        if (strcmp(monitor_events[i].name, name) == 0) {
            return i;
        }
    }
    g_assert_not_reached(); /* it has no line in events.def */
}

void monitor_event(const char *name, json_object *data)
{
    json_object *event = json_object_new_object();

    json_object_object_add(event, "timestamp", event_timestamp());
    put_str(event, "event", name);
    if (data) {
        json_object_object_add(event, "data", data);
    }
    if (event_pace(event_index(name), event)) {
        monitor_broadcast(event);
    }
    json_object_put(event);
}

void monitor_events_cleanup(void)
{
    for (unsigned i = 0; i < ARRAY_LEN(pacing); i++) {
        if (pacing[i].source) {
            g_source_remove(pacing[i].source);
        }
        json_object_put(pacing[i].waiting);
        pacing[i] = (Pacing){ 0 };
    }
}
