/* SPDX-License-Identifier: MIT */
/* Buses: where devices plug in, found by name or by type. */
#include "hw/core/core_internal.h"

#include <string.h>

#include "exec/bql.h"

static GQueue buses = G_QUEUE_INIT; /* Bus, oldest first; BQL */

Bus *bus_new(const char *type, const char *name, DeviceState *parent)
{
    Bus *bus = g_new0(Bus, 1);

    bus_init(bus, type, name, parent);
    return bus;
}

/* @parent's death takes the bus along: device_unrealize_free() frees it. */
void bus_init(Bus *bus, const char *type, const char *name,
              DeviceState *parent)
{
    bql_assert_held();
    bus->type = type;
    bus->name = g_strdup(name);
    bus->parent = parent;
    g_queue_init(&bus->devices);
    g_queue_push_tail(&buses, bus);
    if (parent) {
        g_queue_push_tail(&parent->buses, bus);
    }
}

void bus_free(Bus *bus)
{
    g_assert(g_queue_is_empty(&bus->devices));
    g_queue_remove(&buses, bus);
    g_free(bus->name);
    g_free(bus);
}

Bus *bus_find(const char *name)
{
    bql_assert_held();
    for (GList *l = buses.head; l; l = l->next) {
        Bus *bus = l->data;

        if (strcmp(bus->name, name) == 0) {
            return bus;
        }
    }
    return NULL;
}

/* The oldest one is the root of its kind, where users expect their devices. */
Bus *bus_find_by_type(const char *type)
{
    bql_assert_held();
    for (GList *l = buses.head; l; l = l->next) {
        Bus *bus = l->data;

        if (strcmp(bus->type, type) == 0) {
            return bus;
        }
    }
    return NULL;
}

Bus *bus_at(unsigned index)
{
    return g_queue_peek_nth(&buses, index);
}
