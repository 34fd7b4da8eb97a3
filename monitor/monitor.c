/* SPDX-License-Identifier: MIT */
/* The list of sessions, their front-ends, and events to all of them. */
#include <errno.h>

#include "hw/timer/mc146818rtc.h"
#include "monitor/dump.h"
#include "monitor/qom.h"
#include "monitor/session.h"

#include "system/runstate.h"

/* A peer that does not read its answers is not listened to. */
#define MONITOR_MAX_UNREAD (256 * KiB)

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

    if (char_pending_output(mon->fe) > MONITOR_MAX_UNREAD) {
        return 0;
    }
    return mon->ops->room(mon);
}

static void monitor_char_receive(void *opaque, const uint8_t *buf, size_t len)
{
    Monitor *mon = opaque;

    mon->ops->receive(mon, buf, len);
}

/* The peer has read what it was sent: it may ask for more. */
static void monitor_char_writable(void *opaque)
{
    Monitor *mon = opaque;

    char_accept_input(mon->fe);
}

static const CharHandlers monitor_handlers = {
    .can_receive = monitor_char_room,
    .receive = monitor_char_receive,
    .event = monitor_char_event,
    .writable = monitor_char_writable,
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

static void find_rtc(DeviceState *dev, void *opaque)
{
    if (dev->type == &rtc_type) {
        *(DeviceState **)opaque = dev;
    }
}

static void monitor_rtc_changed(int64_t offset_s, void *opaque)
{
    json_object *data = json_object_new_object();
    g_autofree char *path = NULL;
    DeviceState *rtc = NULL;

    device_foreach(find_rtc, &rtc);
    path = rtc ? qom_device_path(rtc) : g_strdup("");
    put_int(data, "offset", offset_s);
    put_str(data, "qom-path", path);
    monitor_event("RTC_CHANGE", data);
}

static void monitor_block_error(const BlockError *e, void *opaque)
{
    json_object *data = json_object_new_object();

    put_str(data, "device", block_id(e->blk));
    put_str(data, "operation", e->write ? "write" : "read");
    put_str(data, "action", block_error_action_name(e->action));
    put_bool(data, "nospace", e->error == ENOSPC);
    put_str(data, "reason", g_strerror(e->error));
    monitor_event("BLOCK_IO_ERROR", data);
}

static void monitor_guest_panicked(bool crash_loaded, const char *action,
                                   void *opaque)
{
    json_object *data = json_object_new_object();

    put_str(data, "action", action);
    monitor_event(crash_loaded ? "GUEST_CRASHLOADED" : "GUEST_PANICKED", data);
}

/* The run state is listened to from the first monitor on, once for all. */
bool monitor_register(Monitor *mon, const MonitorOps *ops, struct Chardev *chr,
                      GError **errp)
{
    static const RunStateListener listener = {
        .event = monitor_runstate_event,
        .rtc_changed = monitor_rtc_changed,
        .block_error = monitor_block_error,
        .guest_panicked = monitor_guest_panicked,
    };
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
        device_set_end_listener(monitor_device_ended);
    }
    g_queue_push_tail(&monitors, mon);
    return true;
}

/* One object for all sessions; each prints it in its own style. */
void monitor_broadcast(json_object *event)
{
    for (GList *l = monitors.head; l; l = l->next) {
        Monitor *mon = l->data;

        if (mon->ops->event) {
            mon->ops->event(mon, event);
        }
    }
}

/* Before the back-ends are closed: a front-end is detached from what exists. */
void monitor_cleanup(void)
{
    Monitor *mon;

    dump_cleanup();
    monitor_events_cleanup();
    while ((mon = g_queue_pop_head(&monitors))) {
        char_detach(mon->fe);
        mon->ops->free(mon);
    }
}
