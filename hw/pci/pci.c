/* SPDX-License-Identifier: MIT */
/*
 * PCI functions and buses: type 0 configuration space, BARs, INTx.
 *
 * Source: PCI Local Bus Specification 3.0, chapter 6 "Configuration Space".
 * Left out: bridges (there is one bus), expansion ROM BARs, parity and system
 * errors, built-in self test; their registers read 0.
 * Locks: BQL.
 */
#include "hw/pci.h"

#include "util/bytes.h"
#include "util/error.h"
#include "util/log.h"

/* BARs go over what the host bridge decodes below them (ROM, open bus). */
#define PCI_BAR_PRIORITY 1
#define PCI_SLOTS        32
#define PCI_FUNCTIONS    8
#define PCI_IO_BYTES     0x10000

/* --- address decoding --- */

static unsigned bar_offset(unsigned index)
{
    return PCI_BAR0 + 4 * index;
}

static bool bar_is_64(const PCIDevice *d, unsigned index)
{
    return !d->bar[index].io && (d->config[bar_offset(index)] & PCI_BAR_64);
}

/*
 * Where BAR @index decodes now, or UINT64_MAX for nowhere: decoding is off, the
 * address is still 0, or it would wrap or leave the space (a guest that sizes a
 * BAR with decoding on puts it there for a moment).
 */
static hwaddr bar_address(const PCIDevice *d, unsigned index)
{
    uint16_t command = get_le16(d->config + PCI_COMMAND);
    const uint8_t *reg = d->config + bar_offset(index);
    uint64_t size = d->bar[index].mr->size;
    hwaddr addr, last;

    if (!(command & (d->bar[index].io ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY))) {
        return UINT64_MAX;
    }
    addr = bar_is_64(d, index) ? get_le64(reg) : get_le32(reg);
    addr &= ~(size - 1);
    last = addr + size - 1;
    if (addr == 0 || last < addr || last == UINT64_MAX) {
        return UINT64_MAX;
    }
    if (d->bar[index].io ? last >= PCI_IO_BYTES
                         : !bar_is_64(d, index) && last >= UINT32_MAX) {
        return UINT64_MAX;
    }
    return addr;
}

static void bar_unmap(PCIDevice *d, unsigned index)
{
    if (d->bar[index].mapped) {
        memory_region_del(d->bar[index].io ? d->bus->io : d->bus->memory,
                          d->bar[index].mr);
        d->bar[index].mapped = false;
    }
}

static void bar_map(PCIDevice *d, unsigned index, hwaddr addr)
{
    memory_region_add_overlap(d->bar[index].io ? d->bus->io : d->bus->memory,
                              addr, d->bar[index].mr, PCI_BAR_PRIORITY);
    d->bar[index].addr = addr;
    d->bar[index].mapped = true;
}

static void pci_update_bars(PCIDevice *d)
{
    memory_transaction_begin();
    for (unsigned i = 0; i < PCI_BARS; i++) {
        hwaddr addr;

        if (!d->bar[i].mr) {
            continue;
        }
        addr = bar_address(d, i);
        if (d->bar[i].mapped && d->bar[i].addr == addr) {
            continue;
        }
        bar_unmap(d, i);
        if (addr != UINT64_MAX) {
            bar_map(d, i, addr);
        }
    }
    memory_transaction_commit();
}

void pci_register_bar(PCIDevice *d, unsigned index, bool io, bool is_64,
                      bool prefetchable, MemoryRegion *mr)
{
    uint8_t *reg = d->config + bar_offset(index);
    uint64_t mask = ~(mr->size - 1);
    uint8_t flags = io ? PCI_BAR_IO
                       : (is_64 ? PCI_BAR_64 : 0) |
                             (prefetchable ? PCI_BAR_PREFETCH : 0);

    g_assert(index + is_64 < PCI_BARS && !d->bar[index].mr);
    /* The size is found by writing ones: only a power of two can be told. */
    g_assert((mr->size & (mr->size - 1)) == 0 && mr->size >= (io ? 4 : 16));
    d->bar[index].mr = mr;
    d->bar[index].io = io;
    put_le32(reg, flags);
    put_le32(d->wmask + bar_offset(index), mask);
    if (is_64) {
        put_le32(reg + 4, 0);
        put_le32(d->wmask + bar_offset(index) + 4, mask >> 32);
    }
}

/* --- capabilities --- */

uint8_t pci_add_capability(PCIDevice *d, uint8_t id, uint8_t len)
{
    uint8_t offset = d->cap_end;

    g_assert(offset + len <= PCI_CONFIG_BYTES);
    /* Newest first: it points to the one that was first until now. */
    d->config[offset] = id;
    d->config[offset + 1] = d->config[PCI_CAPABILITY_LIST];
    memset(d->config + offset + 2, 0, len - 2);
    memset(d->wmask + offset, 0, len);
    memset(d->w1cmask + offset, 0, len);
    d->config[PCI_CAPABILITY_LIST] = offset;
    d->config[PCI_STATUS] |= PCI_STATUS_CAP_LIST;
    d->cap_end = ROUND_UP(offset + len, 4);
    return offset;
}

/* --- interrupts --- */

static void pci_update_irq(PCIDevice *d)
{
    uint8_t pin = d->config[PCI_INTERRUPT_PIN];
    uint16_t command = get_le16(d->config + PCI_COMMAND);
    uint8_t level = d->irq_level && !(command & PCI_COMMAND_INTX_OFF);
    PCIBus *bus = d->bus;
    int line;

    if (d->irq_level) {
        d->config[PCI_STATUS] |= PCI_STATUS_INTX;
    } else {
        d->config[PCI_STATUS] &= ~PCI_STATUS_INTX;
    }
    if (pin < 1 || pin > 4 || level == d->irq_on_bus) {
        return;
    }
    d->irq_on_bus = level;
    line = ((d->devfn >> 3) + pin - 1) & 3;
    bus->irq_count[line] += level ? 1 : -1;
    if (bus->set_irq) {
        bus->set_irq(bus->irq_opaque, line, bus->irq_count[line] > 0);
    }
}

void pci_set_irq(PCIDevice *d, int level)
{
    d->irq_level = level != 0;
    pci_update_irq(d);
}

/* --- configuration cycles --- */

uint32_t pci_config_read(PCIBus *bus, uint8_t devfn, unsigned addr,
                         unsigned len)
{
    PCIDevice *d = bus->function[devfn];
    uint32_t value = 0;

    if (!d || addr + len > PCI_CONFIG_BYTES) {
        return UINT32_MAX >> (32 - 8 * len);
    }
    memcpy(&value, d->config + addr, len);
    return GUINT32_FROM_LE(value);
}

void pci_config_write(PCIBus *bus, uint8_t devfn, unsigned addr,
                      uint32_t value, unsigned len)
{
    PCIDevice *d = bus->function[devfn];

    if (!d || addr + len > PCI_CONFIG_BYTES) {
        return;
    }
    for (unsigned i = addr; i < addr + len; i++, value >>= 8) {
        uint8_t wmask = d->wmask[i];

        d->config[i] = (d->config[i] & ~wmask) | (value & wmask);
        d->config[i] &= ~(value & d->w1cmask[i]);
    }
    if (addr < PCI_CAP_FIRST) {
        pci_update_bars(d);
        pci_update_irq(d);
    }
    if (d->msix) {
        msix_config_written(d);
    }
    if (d->config_written) {
        d->config_written(d, addr, len);
    }
}

/* --- a function's life --- */

static void pci_init_masks(PCIDevice *d)
{
    put_le16(d->wmask + PCI_COMMAND,
             PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER |
                 PCI_COMMAND_INTX_OFF);
    put_le16(d->w1cmask + PCI_STATUS, PCI_STATUS_W1C);
    d->wmask[PCI_CACHE_LINE] = 0xff;
    d->wmask[PCI_LATENCY] = 0xff;
    d->wmask[PCI_INTERRUPT_LINE] = 0xff;
}

bool pci_device_init(PCIDevice *d, const PCIInfo *info, GError **errp)
{
    g_assert(d->dev.parent_bus);
    d->bus = container_of(d->dev.parent_bus, PCIBus, bus);
    if (d->devfn < 0 || d->devfn > 255 || d->bus->function[d->devfn]) {
        error_setg(errp, "PCI: slot %d function %d of %s is not free for %s",
                   d->devfn >> 3, d->devfn & 7, d->bus->bus.name,
                   d->dev.type->name);
        return false;
    }
    put_le16(d->config + PCI_VENDOR_ID, info->vendor);
    put_le16(d->config + PCI_DEVICE_ID, info->device);
    put_le16(d->config + PCI_SUBSYSTEM_VENDOR_ID, info->subsystem_vendor);
    put_le16(d->config + PCI_SUBSYSTEM_ID, info->subsystem);
    put_le16(d->config + PCI_CLASS, info->class_code);
    d->config[PCI_PROG_IF] = info->prog_if;
    d->config[PCI_REVISION_ID] = info->revision;
    d->config[PCI_HEADER_TYPE] = info->multifunction ? PCI_HEADER_MULTI : 0;
    d->config[PCI_INTERRUPT_PIN] = info->interrupt_pin;
    d->cap_end = PCI_CAP_FIRST;
    pci_init_masks(d);
    d->bus->function[d->devfn] = d;
    return true;
}

void pci_device_exit(PCIDevice *d)
{
    if (!d->bus || d->bus->function[d->devfn] != d) {
        return; /* its initialisation failed */
    }
    pci_set_irq(d, 0);
    msix_exit(d);
    for (unsigned i = 0; i < PCI_BARS; i++) {
        bar_unmap(d, i);
    }
    d->bus->function[d->devfn] = NULL;
}

void pci_device_reset(PCIDevice *d)
{
    pci_set_irq(d, 0);
    for (unsigned i = 0; i < PCI_CONFIG_BYTES; i++) {
        d->config[i] &= ~(d->wmask[i] | d->w1cmask[i]);
    }
    pci_update_bars(d);
    msix_reset(d);
}

void pci_device_post_load(PCIDevice *d)
{
    pci_update_bars(d);
    pci_update_irq(d);
}

/* --- DMA --- */

bool pci_is_master(const PCIDevice *d)
{
    if (d->config[PCI_COMMAND] & PCI_COMMAND_MASTER) {
        return true;
    }
    log_printf(LOG_GUEST_ERRORS, "%s: DMA while bus mastering is off\n",
               d->dev.type->name);
    return false;
}

MemTxResult pci_dma_read(PCIDevice *d, hwaddr addr, void *buf, uint64_t len)
{
    if (!pci_is_master(d)) {
        memset(buf, 0xff, len);
        return MEMTX_ERROR;
    }
    return address_space_read(&address_space_memory, addr, buf, len);
}

MemTxResult pci_dma_write(PCIDevice *d, hwaddr addr, const void *buf,
                          uint64_t len)
{
    if (!pci_is_master(d)) {
        return MEMTX_ERROR;
    }
    return address_space_write(&address_space_memory, addr, buf, len);
}

/* --- the bus --- */

static bool slot_is_free(const PCIBus *bus, unsigned slot)
{
    for (unsigned fn = 0; fn < PCI_FUNCTIONS; fn++) {
        if (bus->function[PCI_DEVFN(slot, fn)]) {
            return false;
        }
    }
    return true;
}

/* Give @dev a slot if the user did not: the first that is wholly free. */
static bool pci_plug(Bus *b, DeviceState *dev, GError **errp)
{
    PCIBus *bus = container_of(b, PCIBus, bus);
    PCIDevice *d = container_of(dev, PCIDevice, dev);

    if (d->devfn >= 0) {
        return true; /* pci_device_init() looks whether it is taken */
    }
    for (unsigned slot = 0; slot < PCI_SLOTS; slot++) {
        if (slot_is_free(bus, slot)) {
            d->devfn = PCI_DEVFN(slot, 0);
            return true;
        }
    }
    error_setg(errp, "PCI: no slot/function available for %s, all in use",
               dev->type->name);
    return false;
}

PCIBus *pci_bus_new(const char *name, DeviceState *parent,
                    MemoryRegion *memory, MemoryRegion *io,
                    void (*set_irq)(void *opaque, int pin, int level),
                    void *irq_opaque)
{
    PCIBus *bus = g_new0(PCIBus, 1);

    bus_init(&bus->bus, "PCI", name, parent);
    bus->bus.plug = pci_plug;
    bus->memory = memory;
    bus->io = io;
    bus->set_irq = set_irq;
    bus->irq_opaque = irq_opaque;
    return bus;
}

void pci_bus_reset(PCIBus *bus)
{
    memory_transaction_begin();
    for (unsigned i = 0; i < ARRAY_LEN(bus->function); i++) {
        if (bus->function[i]) {
            pci_device_reset(bus->function[i]);
        }
    }
    memory_transaction_commit();
}
