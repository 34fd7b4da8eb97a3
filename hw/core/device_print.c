/* SPDX-License-Identifier: MIT */
/* `info qtree`, `-device help` and `-device NAME,help`.  Locks: BQL. */
#include "hw/core/core_internal.h"

#include <string.h>

#include "exec/bql.h"
#include "util/error.h"

/* Buses and devices hold each other: both printers call each other, one level
 * deeper in the tree each time. */
static void print_bus(GString *out, const Bus *bus, int indent);

static void print_device(GString *out, const DeviceState *dev, int indent)
{
    g_string_append_printf(out, "%*sdev: %s, id \"%s\"\n", indent, "",
                           dev->type->name, dev->id ? dev->id : "");
    for (unsigned i = 0; i < dev->type->nprops; i++) {
        const DevProp *prop = &dev->type->props[i];
        g_autofree char *text = device_get_prop(dev, prop);

        g_string_append_printf(out, "%*s%s = %s\n", indent + 2, "",
                               prop->name, text);
    }
    for (GList *l = dev->buses.head; l; l = l->next) {
        print_bus(out, l->data, indent + 2);
    }
}

static void print_bus(GString *out, const Bus *bus, int indent)
{
    g_string_append_printf(out, "%*sbus: %s\n%*stype %s\n", indent, "",
                           bus->name, indent + 2, "", bus->type);
    for (GList *l = bus->devices.head; l; l = l->next) {
        print_device(out, l->data, indent + 2);
    }
}

static void print_unplugged(DeviceState *dev, void *out)
{
    if (!dev->parent_bus) {
        print_device(out, dev, 2);
    }
}

void device_print_tree(GString *out)
{
    Bus *bus;

    bql_assert_held();
    g_string_append(out, "bus: main-system-bus\n  type System\n");
    device_foreach(print_unplugged, out);
    for (unsigned i = 0; (bus = bus_at(i)); i++) {
        if (!bus->parent) {
            print_bus(out, bus, 0);
        }
    }
}

void device_print_types(GString *out)
{
    const DeviceType *type;

    for (unsigned i = 0; (type = device_type_at(i)); i++) {
        if (!type->user_creatable) {
            continue;
        }
        g_string_append_printf(out, "name \"%s\"", type->name);
        if (type->bus) {
            g_string_append_printf(out, ", bus %s", type->bus);
        }
        if (type->desc) {
            g_string_append_printf(out, ", desc \"%s\"", type->desc);
        }
        g_string_append_c(out, '\n');
    }
}

static void print_prop_help(GString *out, const DevProp *prop)
{
    g_string_append_printf(out, "  %s=<%s>", prop->name,
                           device_prop_kind_name(prop->kind));
    if (prop->help) {
        g_string_append_printf(out, " - %s", prop->help);
    }
    if (prop->def_str) {
        g_string_append_printf(out, " (default: \"%s\")", prop->def_str);
    } else if (prop->kind == DEV_PROP_BOOL) {
        g_string_append_printf(out, " (default: %s)",
                               prop->def ? "true" : "false");
    } else if (prop->kind <= DEV_PROP_SIZE) {
        g_string_append_printf(out, " (default: %" PRIu64 ")", prop->def);
    }
    g_string_append_c(out, '\n');
}

bool device_print_help(const char *name, GString *out, GError **errp)
{
    const DeviceType *type = device_type_find(name);

    if (!type) {
        error_setg(errp, "'%s' is not a valid device model name", name);
        return false;
    }
    if (!type->nprops) {
        g_string_append_printf(out, "There are no options for %s.\n", name);
        return true;
    }
    g_string_append_printf(out, "%s options:\n", name);
    for (unsigned i = 0; i < type->nprops; i++) {
        print_prop_help(out, &type->props[i]);
    }
    return true;
}
