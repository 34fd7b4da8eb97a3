/* SPDX-License-Identifier: MIT */
/*
 * PCI slots that come and go, told of by ACPI.
 *
 * Source: docs/sources.md, "PCI hot-plug"; ACPI 6.4, 5.6.6 "Device Object
 * Notifications", 6.3.3 "_EJx (Eject)".  A slot goes as a whole, with all its
 * functions.  There is one bus, number 0.  Locks: BQL.
 */
#include "hw/acpi/pci_hotplug.h"

#include "util/error.h"

#define HOTPLUG_UP        0x00 /* reading clears it */
#define HOTPLUG_DOWN      0x04
#define HOTPLUG_EJECT     0x08 /* write only */
#define HOTPLUG_REMOVABLE 0x0c
#define HOTPLUG_SELECT    0x10

#define SLOTS     32
#define FUNCTIONS 8

static unsigned slot_of(const DeviceState *dev)
{
    return container_of(dev, PCIDevice, dev)->devfn / FUNCTIONS;
}

/* Nothing in it is there for good.  An empty slot is such a one. */
static bool slot_is_removable(const PciHotplug *h, unsigned slot)
{
    for (unsigned fn = 0; fn < FUNCTIONS; fn++) {
        const PCIDevice *d = h->bus->function[PCI_DEVFN(slot, fn)];

        if (d && !d->dev.type->unrealize) {
            return false;
        }
    }
    return true;
}

static uint32_t removable_slots(const PciHotplug *h)
{
    uint32_t mask = 0;

    for (unsigned slot = 0; slot < SLOTS; slot++) {
        mask |= slot_is_removable(h, slot) ? BIT(slot) : 0;
    }
    return mask;
}

static void eject(PciHotplug *h, uint32_t slots)
{
    slots &= removable_slots(h);
    h->up &= ~slots;
    h->down &= ~slots;
    for (unsigned i = 0; i < SLOTS * FUNCTIONS; i++) {
        PCIDevice *d = h->bus->function[i];

        if (d && (slots & BIT(i / FUNCTIONS))) {
            device_unrealize_free(&d->dev);
        }
    }
}

/* --- registers --- */

static uint64_t hotplug_read(void *opaque, hwaddr addr, unsigned size)
{
    PciHotplug *h = opaque;
    uint32_t up = h->up;

    if (addr == HOTPLUG_SELECT) {
        return h->select;
    }
    if (h->select != 0) {
        return 0; /* no such bus */
    }
    switch (addr) {
    case HOTPLUG_UP:
        h->up = 0;
        return up;
    case HOTPLUG_DOWN:
        return h->down;
    case HOTPLUG_REMOVABLE:
        return removable_slots(h);
    default:
        return 0;
    }
}

static void hotplug_write(void *opaque, hwaddr addr, uint64_t value,
                          unsigned size)
{
    PciHotplug *h = opaque;

    if (addr == HOTPLUG_SELECT) {
        h->select = value;
    } else if (addr == HOTPLUG_EJECT && h->select == 0) {
        eject(h, value);
    }
}

static const MemoryRegionOps hotplug_ops = {
    .read = hotplug_read,
    .write = hotplug_write,
    .valid = { .min = 4, .max = 4 },
    .impl = { .min = 4, .max = 4 },
};

/* --- what users want --- */

/* The other functions of a slot are looked for when the first one is there. */
static void hotplug_plugged(void *opaque, DeviceState *dev)
{
    PciHotplug *h = opaque;

    h->up |= BIT(slot_of(dev));
    h->event(h->opaque);
}

static bool hotplug_request(void *opaque, DeviceState *dev, GError **errp)
{
    PciHotplug *h = opaque;
    unsigned slot = slot_of(dev);

    if (h->down & BIT(slot)) {
        error_setg(errp, "Device %s is already in the process of unplug",
                   dev->id ? dev->id : dev->type->name);
        return false;
    }
    if (!slot_is_removable(h, slot)) {
        error_setg(errp,
                   "Device '%s' shares its slot with one that does not "
                   "support hotplugging",
                   dev->id ? dev->id : dev->type->name);
        return false;
    }
    h->down |= BIT(slot);
    h->event(h->opaque);
    return true;
}

static void hotplug_reset(void *opaque)
{
    PciHotplug *h = opaque;

    eject(h, h->down);
    h->up = h->down = h->select = 0;
}

void pci_hotplug_init(PciHotplug *h, PCIBus *bus, MemoryRegion *io,
                      void (*event)(void *opaque), void *opaque)
{
    static const BusHotplug ops = {
        .plugged = hotplug_plugged,
        .request = hotplug_request,
        .reset = hotplug_reset,
    };

    h->bus = bus;
    h->event = event;
    h->opaque = opaque;
    memory_region_init_io(&h->ports, &hotplug_ops, h, "acpi-pci-hotplug",
                          PCI_HOTPLUG_BYTES);
    memory_region_add(io, PCI_HOTPLUG_PORT, &h->ports);
    bus->bus.hotplug = &ops;
    bus->bus.hotplug_opaque = h;
}
