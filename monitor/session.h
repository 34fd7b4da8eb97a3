/* SPDX-License-Identifier: MIT */
/* What QMP and HMP sessions share: a front-end and a place in the list. */
#ifndef HEDDLE_MONITOR_SESSION_H
#define HEDDLE_MONITOR_SESSION_H

#include "chardev/char.h"
#include "hw/device.h"
#include "monitor/command.h"
#include "monitor/monitor.h"

typedef struct MonitorOps {
    void (*opened)(Monitor *mon); /* greet a new peer */
    void (*closed)(Monitor *mon);
    void (*focus)(Monitor *mon); /* the mux is ours again; may be NULL */
    size_t (*room)(Monitor *mon);
    void (*receive)(Monitor *mon, const uint8_t *buf, size_t len);
    void (*event)(Monitor *mon, json_object *event); /* may be NULL */
    void (*free)(Monitor *mon);
} MonitorOps;

struct Monitor {
    const MonitorOps *ops;
    CharFrontend *fe;
    bool connected; /* a peer is there */
    bool greeted;   /* and has seen the greeting */
    bool muxed_out; /* another front-end has the input */
};

/* Attach and list @mon; frees it (by its own free) on failure. */
bool monitor_register(Monitor *mon, const MonitorOps *ops, struct Chardev *chr,
                      GError **errp);

/* Hand @event to every session. */
void monitor_broadcast(json_object *event);
/* DEVICE_DELETED, while the device can still be named. */
void monitor_device_ended(DeviceState *dev);
/* Forget events that wait for their time. */
void monitor_events_cleanup(void);

#endif
