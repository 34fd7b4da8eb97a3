/* SPDX-License-Identifier: MIT */
/*
 * -device and device_add: from an option string to a realised device.  The
 * steps fail one by one and nothing is left behind: the device is in no list
 * before it is realised.  Locks: BQL.
 */
#include "hw/core/core_internal.h"

#include <string.h>

#include "util/error.h"

/* The type named by "driver", if the user may make one. */
static const DeviceType *find_user_type(KeyVal *opts, GError **errp)
{
    const char *name = keyval_get(opts, "driver", NULL);
    const DeviceType *type;

    if (!name) {
        error_setg(errp, "Parameter 'driver' is missing");
        return NULL;
    }
    type = device_type_find(name);
    if (!type) {
        error_setg(errp, "'%s' is not a valid device model name", name);
        return NULL;
    }
    if (!type->user_creatable) {
        error_setg(errp,
                   "Parameter 'driver' expects a pluggable device type");
        return NULL;
    }
    return type;
}

/* The bus named by "bus", or the first that suits; false on error. */
static bool find_bus(const DeviceType *type, KeyVal *opts, Bus **bus,
                     GError **errp)
{
    const char *name = keyval_get(opts, "bus", NULL);

    *bus = NULL;
    if (name) {
        *bus = bus_find(name);
        if (!*bus) {
            error_setg(errp, "Bus '%s' not found", name);
            return false;
        }
        if (!type->bus || strcmp((*bus)->type, type->bus) != 0) {
            error_setg(errp, "Device '%s' can't go on %s bus", type->name,
                       (*bus)->type);
            return false;
        }
    } else if (type->bus) {
        *bus = bus_find_by_type(type->bus);
        if (!*bus) {
            error_setg(errp, "No '%s' bus found for device '%s'", type->bus,
                       type->name);
            return false;
        }
    }
    return true;
}

/* Ids are unique among devices; an unnamed device has none. */
static bool set_id(DeviceState *dev, KeyVal *opts, GError **errp)
{
    const char *id = keyval_get(opts, "id", NULL);

    if (!id) {
        return true;
    }
    if (!id_is_well_formed(id)) {
        error_setg(errp, "Parameter 'id' expects an identifier");
        return false;
    }
    if (device_find(id)) {
        error_setg(errp, "Duplicate device ID '%s'", id);
        return false;
    }
    dev->id = g_strdup(id);
    return true;
}

/* All keys but those that place and name the device. */
static bool set_props(DeviceState *dev, KeyVal *opts, GError **errp)
{
    const char *key;

    for (unsigned i = 0; (key = keyval_key(opts, i)); i++) {
        if (strcmp(key, "driver") == 0 || strcmp(key, "bus") == 0 ||
            strcmp(key, "id") == 0) {
            continue;
        }
        if (!device_set_prop(dev, key, keyval_get(opts, key, NULL), errp)) {
            return false;
        }
    }
    return true;
}

static DeviceState *add_to_bus(const DeviceType *type, Bus *bus, KeyVal *opts,
                               GError **errp)
{
    DeviceState *dev = device_new(type, bus);

    if (!set_id(dev, opts, errp) || !set_props(dev, opts, errp) ||
        !device_realize(dev, errp)) {
        device_unrealize_free(dev);
        return NULL;
    }
    return dev;
}

DeviceState *device_add(KeyVal *opts, GError **errp)
{
    const DeviceType *type = find_user_type(opts, errp);
    Bus *bus;

    return type && find_bus(type, opts, &bus, errp)
               ? add_to_bus(type, bus, opts, errp)
               : NULL;
}

/* --- while the guest runs --- */

static bool check_hotplug(const DeviceType *type, const Bus *bus, GError **errp)
{
    if (bus && !bus->hotplug) {
        error_setg(errp, "Bus '%s' does not support hotplugging", bus->name);
        return false;
    }
    if (!bus || !type->unrealize) {
        error_setg(errp, "Device '%s' does not support hotplugging",
                   type->name);
        return false;
    }
    return true;
}

DeviceState *device_hot_add(KeyVal *opts, GError **errp)
{
    const DeviceType *type = find_user_type(opts, errp);
    DeviceState *dev;
    Bus *bus;

    if (!type || !find_bus(type, opts, &bus, errp) ||
        !check_hotplug(type, bus, errp)) {
        return NULL;
    }
    dev = add_to_bus(type, bus, opts, errp);
    if (dev) {
        bus->hotplug->plugged(bus->hotplug_opaque, dev);
    }
    return dev;
}

bool device_hot_remove(DeviceState *dev, GError **errp)
{
    Bus *bus = dev->parent_bus;

    return check_hotplug(dev->type, bus, errp) &&
           bus->hotplug->request(bus->hotplug_opaque, dev, errp);
}
