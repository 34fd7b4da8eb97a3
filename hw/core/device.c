/* SPDX-License-Identifier: MIT */
/*
 * Life of a device: allocate, set properties, realise, reset, free.
 * Locks: BQL.
 */
#include "hw/core/core_internal.h"

#include <string.h>

#include "exec/bql.h"
#include "util/error.h"
#include "util/rcu.h"

/* Realised, oldest first: a device is reset after those that it was wired to
 * when it was made.  BQL. */
static GQueue devices = G_QUEUE_INIT;

static void (*end_listener)(DeviceState *dev);

void device_set_end_listener(void (*fn)(DeviceState *dev))
{
    end_listener = fn;
}

DeviceState *device_new(const DeviceType *type, Bus *bus)
{
    DeviceState *dev;

    bql_assert_held();
    g_assert(type->size >= sizeof(DeviceState));
    dev = g_malloc0(type->size);
    dev->type = type;
    dev->parent_bus = bus;
    g_queue_init(&dev->buses);
    device_props_set_defaults(dev);
    return dev;
}

typedef struct DeviceReclaim {
    struct rcu_head rcu;
    DeviceState *dev;
} DeviceReclaim;

static void device_reclaim(struct rcu_head *head)
{
    DeviceReclaim *reclaim = container_of(head, DeviceReclaim, rcu);

    g_free(reclaim->dev);
    g_free(reclaim);
}

/* A vCPU may be inside a region of the device's, so that the struct itself
 * outlives the readers of the present memory map. */
static void device_free(DeviceState *dev)
{
    DeviceReclaim *reclaim = g_new0(DeviceReclaim, 1);
    Bus *bus;

    while ((bus = g_queue_pop_head(&dev->buses))) {
        bus_free(bus);
    }
    device_props_free(dev);
    g_free(dev->id);
    reclaim->dev = dev;
    rcu_call(&reclaim->rcu, device_reclaim);
}

/* Reset values of the fields, from the type's table; before realise and at each
 * reset. */
static void device_reset_fields(DeviceState *dev)
{
    const DeviceType *type = dev->type;

    for (unsigned i = 0; i < type->nfields; i++) {
        const DevField *field = &type->fields[i];
        uint8_t *at = (uint8_t *)dev + field->offset;

        for (uint32_t n = 0; n < field->count && !field->kept; n++) {
            /* Little endian: the low bytes come first. */
            memcpy(at + (size_t)n * field->size, &field->reset, field->size);
        }
    }
}

bool device_realize(DeviceState *dev, GError **errp)
{
    Bus *bus = dev->parent_bus;

    bql_assert_held();
    g_assert(!dev->realized);
    /* A place first (a PCI slot, say): realise may need to know it. */
    if (bus && bus->plug && !bus->plug(bus, dev, errp)) {
        return false;
    }
    device_reset_fields(dev);
    if (dev->type->realize && !dev->type->realize(dev, errp)) {
        return false; /* the type has undone what it did */
    }
    dev->realized = true;
    g_queue_push_tail(&devices, dev);
    if (bus) {
        g_queue_push_tail(&bus->devices, dev);
    }
    return true;
}

void device_unrealize_free(DeviceState *dev)
{
    bql_assert_held();
    if (dev->realized) {
        if (end_listener) {
            end_listener(dev);
        }
        if (dev->type->unrealize) {
            dev->type->unrealize(dev);
        }
        g_queue_remove(&devices, dev);
        if (dev->parent_bus) {
            g_queue_remove(&dev->parent_bus->devices, dev);
        }
        dev->realized = false;
    }
    device_free(dev);
}

DeviceState *device_create(const DeviceType *type, Bus *bus)
{
    g_autoptr(GError) err = NULL;
    DeviceState *dev = device_new(type, bus);

    if (!device_realize(dev, &err)) {
        g_error("device '%s': %s", type->name, err->message);
    }
    return dev;
}

DeviceState *device_find(const char *id)
{
    bql_assert_held();
    for (GList *l = devices.head; l; l = l->next) {
        DeviceState *dev = l->data;

        if (dev->id && strcmp(dev->id, id) == 0) {
            return dev;
        }
    }
    return NULL;
}

void device_foreach(void (*fn)(DeviceState *dev, void *opaque), void *opaque)
{
    GList *next;

    bql_assert_held();
    for (GList *l = devices.head; l; l = next) {
        next = l->next; /* @fn may free this device */
        fn(l->data, opaque);
    }
}

/* Fields first, so that the type's reset can drive lines from them. */
void device_reset(DeviceState *dev)
{
    bql_assert_held();
    device_reset_fields(dev);
    if (dev->type->reset) {
        dev->type->reset(dev);
    }
}

static void reset_one(DeviceState *dev, void *unused)
{
    device_reset(dev);
}

void devices_reset_all(void)
{
    Bus *bus;

    for (unsigned i = 0; (bus = bus_at(i)); i++) {
        if (bus->hotplug) {
            bus->hotplug->reset(bus->hotplug_opaque);
        }
    }
    device_foreach(reset_one, NULL);
}
