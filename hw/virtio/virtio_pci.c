/* SPDX-License-Identifier: MIT */
/*
 * Virtio over PCI: capabilities, and the registers that they point to.
 *
 * Source: VIRTIO 1.1, 4.1.4 "Virtio Structure PCI Capabilities".
 * BAR 4 holds the four structures, a page each; BAR 1 the MSI-X table.
 *
 * Not implemented: the legacy registers, and 4.1.4.7 "PCI configuration access
 * capability", for firmware that cannot reach memory BARs.
 */
#include "hw/virtio/virtio_pci.h"

#include <string.h>

#include "util/log.h"

#define VIRTIO_VENDOR          0x1af4
#define VIRTIO_DEVICE_BASE     0x1040 /* plus the virtio device's id */
#define VIRTIO_SUBSYSTEM       0x1100
#define VIRTIO_MODERN_REVISION 1

#define BAR_MSIX    1
#define BAR_MODERN  4
#define BAR_BYTES   0x4000
#define PAGE_COMMON 0x0000
#define PAGE_ISR    0x1000
#define PAGE_DEVICE 0x2000
#define PAGE_NOTIFY 0x3000
#define PAGE_BYTES  0x1000

#define NOTIFY_MULTIPLIER 4 /* bytes from one queue's doorbell to the next */

#define PCI_CAP_ID_VENDOR 0x09

/* 4.1.4 "Virtio Structure PCI Capabilities" */
enum {
    CAP_CFG_TYPE = 3,
    CAP_BAR = 4,
    CAP_OFFSET = 8,
    CAP_LENGTH = 12,
    CAP_BYTES = 16,
    CAP_NOTIFY_MULTIPLIER = 16,
    CAP_NOTIFY_BYTES = 20,
};

enum {
    CFG_TYPE_COMMON = 1,
    CFG_TYPE_NOTIFY = 2,
    CFG_TYPE_ISR = 3,
    CFG_TYPE_DEVICE = 4,
};

/* 4.1.4.3 "Common configuration structure layout" */
enum {
    COMMON_DEVICE_FEATURE_SELECT = 0x00,
    COMMON_DEVICE_FEATURE = 0x04,
    COMMON_DRIVER_FEATURE_SELECT = 0x08,
    COMMON_DRIVER_FEATURE = 0x0c,
    COMMON_MSIX_CONFIG = 0x10,
    COMMON_NUM_QUEUES = 0x12,
    COMMON_DEVICE_STATUS = 0x14,
    COMMON_CONFIG_GENERATION = 0x15,
    COMMON_QUEUE_SELECT = 0x16,
    COMMON_QUEUE_SIZE = 0x18,
    COMMON_QUEUE_MSIX_VECTOR = 0x1a,
    COMMON_QUEUE_ENABLE = 0x1c,
    COMMON_QUEUE_NOTIFY_OFF = 0x1e,
    COMMON_QUEUE_DESC = 0x20,
    COMMON_QUEUE_DRIVER = 0x28,
    COMMON_QUEUE_DEVICE = 0x30,
    COMMON_END = 0x38,
};

/* 4.1.4.5 "ISR status capability" */
enum {
    ISR_QUEUE = BIT(0),
    ISR_CONFIG = BIT(1),
};

/* --- transport --- */

/* Both fail while the function may not master the bus. */
static MemTxResult transport_read(void *opaque, hwaddr addr, void *buf,
                                  uint64_t len)
{
    VirtIOPCI *v = opaque;

    return pci_dma_read(&v->pci, addr, buf, len);
}

static MemTxResult transport_write(void *opaque, hwaddr addr, const void *buf,
                                   uint64_t len)
{
    VirtIOPCI *v = opaque;

    return pci_dma_write(&v->pci, addr, buf, len);
}

/* 4.1.5.3 "Virtqueue Interrupts From The Device": by vector, or by INTx with
 * the reason in the ISR register. */
static void transport_interrupt(void *opaque, uint16_t vector, bool config)
{
    VirtIOPCI *v = opaque;

    if (msix_enabled(&v->pci)) {
        if (vector != VIRTIO_NO_VECTOR) {
            msix_notify(&v->pci, vector);
        }
        return;
    }
    v->isr |= config ? ISR_CONFIG : ISR_QUEUE;
    pci_set_irq(&v->pci, 1);
}

static const VirtIOTransport pci_transport = {
    .read = transport_read,
    .write = transport_write,
    .interrupt = transport_interrupt,
};

/* --- common configuration --- */

/* NULL: the driver selected a queue that does not exist. */
static VirtQueue *selected_queue(VirtIOPCI *v)
{
    return v->queue_select < v->vdev.nqueues ? &v->vdev.queue[v->queue_select]
                                             : NULL;
}

/* Features are seen through a window of 32 bits. */
static uint32_t feature_window(uint64_t features, uint32_t select)
{
    return select < 2 ? (uint32_t)(features >> (32 * select)) : 0;
}

static uint32_t queue_reg_read(const VirtQueue *q, hwaddr addr)
{
    switch (addr) {
    case COMMON_QUEUE_SIZE:
        return q->size;
    case COMMON_QUEUE_MSIX_VECTOR:
        return q->vector;
    case COMMON_QUEUE_ENABLE:
        return q->enabled;
    case COMMON_QUEUE_NOTIFY_OFF:
        return q->index;
    case COMMON_QUEUE_DESC:
        return (uint32_t)q->desc;
    case COMMON_QUEUE_DESC + 4:
        return q->desc >> 32;
    case COMMON_QUEUE_DRIVER:
        return (uint32_t)q->avail;
    case COMMON_QUEUE_DRIVER + 4:
        return q->avail >> 32;
    case COMMON_QUEUE_DEVICE:
        return (uint32_t)q->used;
    case COMMON_QUEUE_DEVICE + 4:
        return q->used >> 32;
    default:
        return 0;
    }
}

static uint64_t common_read(void *opaque, hwaddr addr, unsigned size)
{
    VirtIOPCI *v = opaque;
    const VirtQueue *q = selected_queue(v);

    switch (addr) {
    case COMMON_DEVICE_FEATURE_SELECT:
        return v->device_feature_select;
    case COMMON_DEVICE_FEATURE:
        return feature_window(v->vdev.host_features, v->device_feature_select);
    case COMMON_DRIVER_FEATURE_SELECT:
        return v->driver_feature_select;
    case COMMON_DRIVER_FEATURE:
        return feature_window(v->vdev.guest_features, v->driver_feature_select);
    case COMMON_MSIX_CONFIG:
        return v->vdev.config_vector;
    case COMMON_NUM_QUEUES:
        return v->vdev.nqueues;
    case COMMON_DEVICE_STATUS:
        return v->vdev.status;
    case COMMON_CONFIG_GENERATION:
        return v->vdev.config_generation;
    case COMMON_QUEUE_SELECT:
        return v->queue_select;
    default:
        /* A queue that does not exist has size 0. */
        return q ? queue_reg_read(q, addr) : 0;
    }
}

/* A vector that does not exist reads back as none. */
static uint16_t checked_vector(const VirtIOPCI *v, uint64_t value)
{
    return value <= v->vdev.nqueues ? value : VIRTIO_NO_VECTOR;
}

/* Once FEATURES_OK is accepted the choice stands (2.2.1). */
static void driver_feature_write(VirtIOPCI *v, uint32_t value)
{
    VirtIODevice *vdev = &v->vdev;

    if (v->driver_feature_select < 2 &&
        !(vdev->status & VIRTIO_STATUS_FEATURES_OK)) {
        vdev->guest_features = deposit64(
            vdev->guest_features, 32 * v->driver_feature_select, 32, value);
    }
}

static void half_write(uint64_t *reg, bool high, uint32_t value)
{
    *reg = deposit64(*reg, high ? 32 : 0, 32, value);
}

/* 2.6: a size is a power of two; the device offered the largest. */
static void queue_size_write(VirtQueue *q, uint64_t value)
{
    if (value == 0 || value > VIRTIO_QUEUE_MAX_SIZE ||
        (value & (value - 1)) != 0) {
        log_printf(LOG_GUEST_ERRORS, "virtio: queue size %" PRIu64 "\n", value);
        return;
    }
    q->size = value;
}

static void queue_reg_write(VirtIOPCI *v, VirtQueue *q, hwaddr addr,
                            uint32_t value)
{
    if (addr == COMMON_QUEUE_MSIX_VECTOR) {
        q->vector = checked_vector(v, value);
        return;
    }
    if (q->enabled) {
        return; /* 4.1.4.3.2: where a live queue lies does not change */
    }
    switch (addr) {
    case COMMON_QUEUE_SIZE:
        queue_size_write(q, value);
        break;
    case COMMON_QUEUE_ENABLE:
        q->enabled = value == 1;
        break;
    case COMMON_QUEUE_DESC:
    case COMMON_QUEUE_DESC + 4:
        half_write(&q->desc, addr & 4, value);
        break;
    case COMMON_QUEUE_DRIVER:
    case COMMON_QUEUE_DRIVER + 4:
        half_write(&q->avail, addr & 4, value);
        break;
    case COMMON_QUEUE_DEVICE:
    case COMMON_QUEUE_DEVICE + 4:
        half_write(&q->used, addr & 4, value);
        break;
    default:
        break;
    }
}

/* A driver's reset also clears what the transport keeps. */
static void status_write(VirtIOPCI *v, uint8_t value)
{
    if (value == 0) {
        virtio_pci_reset(v);
    } else {
        virtio_set_status(&v->vdev, value);
    }
}

static void common_write(void *opaque, hwaddr addr, uint64_t value,
                         unsigned size)
{
    VirtIOPCI *v = opaque;
    VirtQueue *q = selected_queue(v);

    switch (addr) {
    case COMMON_DEVICE_FEATURE_SELECT:
        v->device_feature_select = value;
        break;
    case COMMON_DRIVER_FEATURE_SELECT:
        v->driver_feature_select = value;
        break;
    case COMMON_DRIVER_FEATURE:
        driver_feature_write(v, value);
        break;
    case COMMON_MSIX_CONFIG:
        v->vdev.config_vector = checked_vector(v, value);
        break;
    case COMMON_DEVICE_STATUS:
        status_write(v, value);
        break;
    case COMMON_QUEUE_SELECT:
        v->queue_select = value;
        break;
    default:
        if (q) {
            queue_reg_write(v, q, addr, value);
        }
        break;
    }
}

static const MemoryRegionOps common_ops = {
    .read = common_read,
    .write = common_write,
    .valid = {.min = 1, .max = 8},
    .impl = {.min = 1, .max = 4},
};

/* --- ISR, device configuration, doorbells --- */

static uint64_t isr_read(void *opaque, hwaddr addr, unsigned size)
{
    VirtIOPCI *v = opaque;
    uint8_t isr = v->isr;

    if (addr != 0) {
        return 0;
    }
    v->isr = 0; /* reading acknowledges */
    pci_set_irq(&v->pci, 0);
    return isr;
}

static void ignored_write(void *opaque, hwaddr addr, uint64_t value,
                          unsigned size)
{
}

static const MemoryRegionOps isr_ops = {
    .read = isr_read,
    .write = ignored_write,
    .impl = {.min = 1, .max = 1},
};

static uint64_t device_config_read(void *opaque, hwaddr addr, unsigned size)
{
    VirtIOPCI *v = opaque;
    uint32_t len = v->vdev.klass->config_bytes;
    g_autofree uint8_t *config = g_malloc0(len);
    uint64_t value = 0;

    v->vdev.klass->get_config(&v->vdev, config);
    if (addr < len) {
        memcpy(&value, config + addr, MIN(size, len - addr));
    }
    return value;
}

static const MemoryRegionOps device_config_ops = {
    .read = device_config_read,
    .write = ignored_write,
    .impl = {.min = 1, .max = 4},
};

static uint64_t notify_read(void *opaque, hwaddr addr, unsigned size)
{
    return 0;
}

/* The doorbell's address tells the queue; the value repeats it. */
static void notify_write(void *opaque, hwaddr addr, uint64_t value,
                         unsigned size)
{
    VirtIOPCI *v = opaque;

    /* A vCPU may have been on its way here when the device went. */
    if (!v->pci.dev.realized) {
        return;
    }
    virtio_notify_queue(&v->vdev, addr / NOTIFY_MULTIPLIER);
}

static const MemoryRegionOps notify_ops = {
    .read = notify_read,
    .write = notify_write,
    .impl = {.min = 1, .max = 4},
};

/* --- the function --- */

static void put_le32(uint8_t *p, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++) {
        p[i] = value >> (8 * i);
    }
}

static void add_structure(VirtIOPCI *v, uint8_t type, uint32_t offset,
                          uint32_t length)
{
    uint8_t bytes = type == CFG_TYPE_NOTIFY ? CAP_NOTIFY_BYTES : CAP_BYTES;
    uint8_t at = pci_add_capability(&v->pci, PCI_CAP_ID_VENDOR, bytes);
    uint8_t *cap = v->pci.config + at;

    cap[2] = bytes;
    cap[CAP_CFG_TYPE] = type;
    cap[CAP_BAR] = BAR_MODERN;
    put_le32(cap + CAP_OFFSET, offset);
    put_le32(cap + CAP_LENGTH, length);
    if (type == CFG_TYPE_NOTIFY) {
        put_le32(cap + CAP_NOTIFY_MULTIPLIER, NOTIFY_MULTIPLIER);
    }
}

static void add_page(VirtIOPCI *v, MemoryRegion *mr, const char *name,
                     const MemoryRegionOps *ops, hwaddr offset, uint64_t bytes)
{
    memory_region_init_io(mr, ops, v, name, bytes);
    memory_region_add(&v->bar, offset, mr);
}

/* The structures may lie anywhere in a BAR; a page each keeps them apart. */
static void make_bar(VirtIOPCI *v)
{
    uint32_t config_bytes = v->vdev.klass->config_bytes;

    memory_region_init(&v->bar, "virtio-pci", BAR_BYTES);
    add_page(v, &v->common, "virtio-pci-common", &common_ops, PAGE_COMMON,
             PAGE_BYTES);
    add_page(v, &v->isr_region, "virtio-pci-isr", &isr_ops, PAGE_ISR,
             PAGE_BYTES);
    add_page(v, &v->device_config, "virtio-pci-device", &device_config_ops,
             PAGE_DEVICE, PAGE_BYTES);
    add_page(v, &v->notify, "virtio-pci-notify", &notify_ops, PAGE_NOTIFY,
             PAGE_BYTES);
    pci_register_bar(&v->pci, BAR_MODERN, false, true, true, &v->bar);
    add_structure(v, CFG_TYPE_COMMON, PAGE_COMMON, COMMON_END);
    add_structure(v, CFG_TYPE_ISR, PAGE_ISR, 1);
    add_structure(v, CFG_TYPE_DEVICE, PAGE_DEVICE, config_bytes);
    add_structure(v, CFG_TYPE_NOTIFY, PAGE_NOTIFY,
                  v->vdev.nqueues * NOTIFY_MULTIPLIER);
}

bool virtio_pci_init(VirtIOPCI *v, const VirtIOClass *klass,
                     uint16_t class_code, uint64_t features, uint16_t nqueues,
                     GError **errp)
{
    PCIInfo info = {
        .vendor = VIRTIO_VENDOR,
        .device = VIRTIO_DEVICE_BASE + klass->device_id,
        .subsystem_vendor = VIRTIO_VENDOR,
        .subsystem = VIRTIO_SUBSYSTEM,
        .class_code = class_code,
        .revision = VIRTIO_MODERN_REVISION,
        .interrupt_pin = 1,
    };

    if (!pci_device_init(&v->pci, &info, errp)) {
        return false;
    }
    virtio_init(&v->vdev, klass, features, nqueues, &pci_transport, v);
    make_bar(v);
    /* One vector a queue, and one for changes of the configuration. */
    if (!msix_init(&v->pci, nqueues + 1, BAR_MSIX, errp)) {
        virtio_pci_exit(v);
        return false;
    }
    return true;
}

void virtio_pci_exit(VirtIOPCI *v)
{
    MemoryRegion *const pages[] = { &v->common, &v->isr_region,
                                    &v->device_config, &v->notify };

    virtio_pci_reset(v);
    pci_device_exit(&v->pci);
    for (unsigned i = 0; i < ARRAY_LEN(pages); i++) {
        memory_region_del(&v->bar, pages[i]);
        memory_region_destroy(pages[i]);
    }
    memory_region_destroy(&v->bar);
}

void virtio_pci_reset(VirtIOPCI *v)
{
    virtio_reset(&v->vdev);
    v->device_feature_select = v->driver_feature_select = 0;
    v->queue_select = 0;
    v->isr = 0;
    pci_set_irq(&v->pci, 0);
}
