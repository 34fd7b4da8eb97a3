/* SPDX-License-Identifier: MIT */
/* The list of sessions, their front-ends, and events to all of them. */
#include "monitor/session.h"

#include "system/runstate.h"

static GQueue monitors = G_QUEUE_INIT;

/* A peer that looks through a mux is greeted when it first has the input. */
static void monitor_greet(Monitor *mon)
{
    if (mon->connected && !mon->greeted && !mon->muxed_out) {
        mon->greeted = true;
        mon->ops->opened(mon);
    }
}

/* Back-ends may go and come; each new peer starts anew. */
static void monitor_char_event(void *opaque, CharEvent event)
{
    Monitor *mon = opaque;

    switch (event) {
    case CHAR_EVENT_OPENED:
        mon->connected = true;
        monitor_greet(mon);
        break;
    case CHAR_EVENT_CLOSED:
        mon->connected = mon->greeted = false;
        mon->ops->closed(mon);
        break;
    case CHAR_EVENT_MUX_OUT:
        mon->muxed_out = true;
        break;
    case CHAR_EVENT_MUX_IN:
        if (mon->muxed_out && mon->greeted && mon->ops->focus) {
            mon->ops->focus(mon);
        }
        mon->muxed_out = false;
        monitor_greet(mon);
        break;
    case CHAR_EVENT_BREAK:
        break;
    }
}

static size_t monitor_char_room(void *opaque)
{
    Monitor *mon = opaque;

    return mon->ops->room(mon);
}

static void monitor_char_receive(void *opaque, const uint8_t *buf, size_t len)
{
    Monitor *mon = opaque;

    mon->ops->receive(mon, buf, len);
}

static const CharHandlers monitor_handlers = {
    .can_receive = monitor_char_room,
    .receive = monitor_char_receive,
    .event = monitor_char_event,
};

/* Run states become events: RESET and SHUTDOWN say why. */
static void monitor_runstate_event(const char *name, ShutdownCause cause,
                                   void *opaque)
{
    json_object *data = NULL;

    if (cause != SHUTDOWN_NONE) {
        data = json_object_new_object();
        json_object_object_add(
            data, "guest",
            json_object_new_boolean(cause >= SHUTDOWN_GUEST_SHUTDOWN));
        json_object_object_add(
            data, "reason", json_object_new_string(shutdown_cause_name(cause)));
    }
    monitor_event(name, data);
}

/* The run state is listened to from the first monitor on, once for all. */
bool monitor_register(Monitor *mon, const MonitorOps *ops, struct Chardev *chr,
                      GError **errp)
{
    static const RunStateListener listener = {.event = monitor_runstate_event};
    static bool listening;

    mon->ops = ops;
    mon->fe = char_attach(chr, "a monitor", &monitor_handlers, mon, errp);
    if (!mon->fe) {
        ops->free(mon);
        return false;
    }
    if (!listening) {
        listening = true;
        runstate_add_listener(&listener);
    }
    g_queue_push_tail(&monitors, mon);
    return true;
}

static json_object *event_timestamp(void)
{
    json_object *stamp = json_object_new_object();
    int64_t us = g_get_real_time();

    json_object_object_add(stamp, "seconds",
                           json_object_new_int64(us / G_USEC_PER_SEC));
    json_object_object_add(stamp, "microseconds",
                           json_object_new_int64(us % G_USEC_PER_SEC));
    return stamp;
}

/* One object for all sessions; each prints it in its own style. */
void monitor_event(const char *name, json_object *data)
{
    json_object *event = json_object_new_object();

    json_object_object_add(event, "timestamp", event_timestamp());
    json_object_object_add(event, "event", json_object_new_string(name));
    if (data) {
        json_object_object_add(event, "data", data);
    }
    for (GList *l = monitors.head; l; l = l->next) {
        Monitor *mon = l->data;

        if (mon->ops->event) {
            mon->ops->event(mon, event);
        }
    }
    json_object_put(event);
}

/* Before the back-ends are closed: a front-end is detached from what exists. */
void monitor_cleanup(void)
{
    Monitor *mon;

    while ((mon = g_queue_pop_head(&monitors))) {
        char_detach(mon->fe);
        mon->ops->free(mon);
    }
}
