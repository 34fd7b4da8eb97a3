/* SPDX-License-Identifier: MIT */
/* QMP's handlers for devices: adding, removing, PCI, mice. */
#include <string.h>

#include "hw/device.h"
#include "hw/input/ps2.h"
#include "hw/pci.h"
#include "monitor/qom.h"
#include "monitor/session.h"
#include "system/runstate.h"
#include "util/bytes.h"

/* --- adding and removing --- */

static void add_device(KeyVal *kv, GError **errp)
{
    if (runstate_get() == RUN_STATE_PRELAUNCH) {
        device_add(kv, errp);
    } else {
        device_hot_add(kv, errp);
    }
}

json_object *cmd_device_add(MonCall *call, json_object *args, GError **errp)
{
    g_autoptr(KeyVal) kv = keyval_new();

    json_to_keyval(args, "", kv);
    add_device(kv, errp);
    return NULL;
}

json_object *cmd_hmp_device_add(MonCall *call, json_object *args, GError **errp)
{
    const char *opts = arg_str(args, "opts", "");
    g_autoptr(KeyVal) kv = keyval_parse(opts, "driver", errp);
    const char *driver = kv ? keyval_get(kv, "driver", "") : "";

    if (strcmp(driver, "help") == 0 || strcmp(driver, "?") == 0) {
        device_print_types(call->out);
    } else if (kv && (keyval_has(kv, "help") || keyval_has(kv, "?"))) {
        device_print_help(driver, call->out, errp);
    } else if (kv) {
        add_device(kv, errp);
    }
    return NULL;
}

void monitor_device_ended(DeviceState *dev)
{
    json_object *data = json_object_new_object();
    g_autofree char *path = qom_device_path(dev);

    if (dev->id) {
        put_str(data, "device", dev->id);
    }
    put_str(data, "path", path);
    monitor_event("DEVICE_DELETED", data);
}

/* A guest that has run may use the device, and is asked for its leave; before
 * that the device just goes. */
json_object *cmd_device_del(MonCall *call, json_object *args, GError **errp)
{
    const char *id = arg_str(args, "id", "");
    DeviceState *dev = device_find(id);

    if (!dev) {
        return cmd_error(errp, ERR_DEVICE_NOT_FOUND, "Device '%s' not found",
                         id);
    }
    if (runstate_get() == RUN_STATE_PRELAUNCH && dev->type->unrealize) {
        device_unrealize_free(dev);
    } else {
        device_hot_remove(dev, errp);
    }
    return NULL;
}

/* --- PCI --- */

/* Names of classes by base and sub-class.  Source: PCI Local Bus Specification
 * 3.0, appendix D "Class Codes". */
static const char *pci_class_name(uint16_t class_code)
{
    static const struct {
        uint16_t class_code;
        const char *name;
    } names[] = {
        { 0x0100, "SCSI controller" },     { 0x0101, "IDE controller" },
        { 0x0200, "Ethernet controller" }, { 0x0300, "VGA controller" },
        { 0x0600, "Host bridge" },         { 0x0601, "ISA bridge" },
        { 0x0604, "PCI bridge" },          { 0x0680, "Bridge" },
        { 0x0c03, "USB controller" },
    };

    for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
        if (names[i].class_code == class_code) {
            return names[i].name;
        }
    }
    return NULL;
}

static json_object *pci_class(const PCIDevice *d)
{
    json_object *info = json_object_new_object();
    uint16_t class_code = get_le16(d->config + PCI_CLASS);

    put_int(info, "class", class_code);
    if (pci_class_name(class_code)) {
        put_str(info, "desc", pci_class_name(class_code));
    }
    return info;
}

static json_object *pci_id(const PCIDevice *d)
{
    json_object *id = json_object_new_object();

    put_int(id, "vendor", get_le16(d->config + PCI_VENDOR_ID));
    put_int(id, "device", get_le16(d->config + PCI_DEVICE_ID));
    put_int(id, "subsystem-vendor",
            get_le16(d->config + PCI_SUBSYSTEM_VENDOR_ID));
    put_int(id, "subsystem", get_le16(d->config + PCI_SUBSYSTEM_ID));
    return id;
}

static json_object *pci_regions(const PCIDevice *d)
{
    json_object *list = json_object_new_array();

    for (unsigned i = 0; i < PCI_BARS; i++) {
        uint32_t reg = get_le32(d->config + PCI_BAR0 + 4 * i);
        json_object *entry;

        if (!d->bar[i].mr) {
            continue;
        }
        entry = json_object_new_object();
        put_int(entry, "bar", i);
        put_str(entry, "type", d->bar[i].io ? "io" : "memory");
        put_int(entry, "address",
                d->bar[i].mapped ? (int64_t)d->bar[i].addr : -1);
        put_int(entry, "size", (int64_t)d->bar[i].mr->size);
        if (!d->bar[i].io) {
            put_bool(entry, "prefetch", reg & PCI_BAR_PREFETCH);
            put_bool(entry, "mem_type_64", reg & PCI_BAR_64);
        }
        json_object_array_add(list, entry);
    }
    return list;
}

static json_object *pci_entry(const PCIDevice *d)
{
    json_object *entry = json_object_new_object();
    uint8_t pin = d->config[PCI_INTERRUPT_PIN];

    put_int(entry, "bus", 0);
    put_int(entry, "slot", d->devfn >> 3);
    put_int(entry, "function", d->devfn & 7);
    json_object_object_add(entry, "class_info", pci_class(d));
    json_object_object_add(entry, "id", pci_id(d));
    if (pin) {
        put_int(entry, "irq", d->config[PCI_INTERRUPT_LINE]);
    }
    put_int(entry, "irq_pin", pin);
    put_str(entry, "qdev_id", d->dev.id ? d->dev.id : "");
    json_object_object_add(entry, "regions", pci_regions(d));
    return entry;
}

/* By slot and function. */
static json_object *pci_functions(const Bus *bus)
{
    json_object *list = json_object_new_array();

    for (int devfn = 0; devfn < 256; devfn++) {
        for (GList *l = bus->devices.head; l; l = l->next) {
            const PCIDevice *d = l->data;

            if (d->devfn == devfn) {
                json_object_array_add(list, pci_entry(d));
            }
        }
    }
    return list;
}

json_object *cmd_query_pci(MonCall *call, json_object *args, GError **errp)
{
    json_object *list = json_object_new_array();
    Bus *bus;

    for (unsigned i = 0; (bus = bus_at(i)); i++) {
        json_object *entry;

        if (strcmp(bus->type, "PCI") == 0) {
            entry = json_object_new_object();
            put_int(entry, "bus", 0);
            json_object_object_add(entry, "devices", pci_functions(bus));
            json_object_array_add(list, entry);
        }
    }
    return list;
}

/* --- mice --- */

static void put_mouse(DeviceState *dev, void *opaque)
{
    json_object *entry;

    if (dev->type != &ps2_mouse_type) {
        return;
    }
    entry = json_object_new_object();
    put_str(entry, "name", "PS/2 Mouse");
    put_int(entry, "index", (int64_t)json_object_array_length(opaque));
    put_bool(entry, "current", json_object_array_length(opaque) == 0);
    put_bool(entry, "absolute", false);
    json_object_array_add(opaque, entry);
}

json_object *cmd_query_mice(MonCall *call, json_object *args, GError **errp)
{
    json_object *list = json_object_new_array();

    device_foreach(put_mouse, list);
    return list;
}
