/* SPDX-License-Identifier: MIT */
/*
 * Virtio's core: status, features, and split virtqueues.
 *
 * Source: VIRTIO 1.1, 2.1 "Device Status Field", 2.2 "Feature Bits", 2.6
 * "Split Virtqueues".  Packed rings and the legacy interface are not offered.
 *
 * Everything in a queue is the guest's word: an index, a length or a chain
 * that breaks a rule makes the device ask for a reset.  A descriptor is read
 * once, so that what was checked is what is used.
 */
#include "hw/virtio/virtio.h"

#include <stdatomic.h>
#include <string.h>

#include "util/log.h"

/* 2.6.5 "The Virtqueue Descriptor Table" */
enum {
    DESC_BYTES = 16,
    DESC_F_NEXT = 1,
    DESC_F_WRITE = 2,
    DESC_F_INDIRECT = 4,
};

/* 2.6.6 "The Virtqueue Available Ring", 2.6.8 "The Virtqueue Used Ring" */
enum {
    RING_FLAGS = 0,
    RING_IDX = 2,
    RING_ENTRIES = 4,
    AVAIL_ENTRY_BYTES = 2,
    USED_ENTRY_BYTES = 8,
    AVAIL_F_NO_INTERRUPT = 1,
    USED_F_NO_NOTIFY = 1,
};

typedef struct Desc {
    uint64_t addr;
    uint32_t len;
    uint16_t flags, next;
} Desc;

_Static_assert(sizeof(Desc) == DESC_BYTES, "layout of a descriptor");

/* --- device --- */

static void queue_reset(VirtQueue *q)
{
    q->size = VIRTIO_QUEUE_MAX_SIZE;
    q->vector = VIRTIO_NO_VECTOR;
    q->enabled = false;
    q->desc = q->avail = q->used = 0;
    q->last_avail = q->used_idx = q->signalled_used = 0;
    q->signalled_valid = false;
}

void virtio_init(VirtIODevice *vdev, const VirtIOClass *klass,
                 uint64_t features, uint16_t nqueues,
                 const VirtIOTransport *transport, void *transport_opaque)
{
    *vdev = (VirtIODevice){
        .klass = klass,
        .transport = transport,
        .transport_opaque = transport_opaque,
        .host_features = features | VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX |
                         VIRTIO_F_INDIRECT_DESC,
        .config_vector = VIRTIO_NO_VECTOR,
        .nqueues = nqueues,
    };
    g_assert(nqueues <= VIRTIO_MAX_QUEUES);
    for (unsigned i = 0; i < nqueues; i++) {
        vdev->queue[i].vdev = vdev;
        vdev->queue[i].index = i;
        queue_reset(&vdev->queue[i]);
    }
}

void virtio_reset(VirtIODevice *vdev)
{
    if (vdev->klass->reset) {
        vdev->klass->reset(vdev);
    }
    vdev->guest_features = 0;
    vdev->status = 0;
    vdev->config_generation = 0;
    vdev->config_vector = VIRTIO_NO_VECTOR;
    for (unsigned i = 0; i < vdev->nqueues; i++) {
        queue_reset(&vdev->queue[i]);
    }
}

/* FEATURES_OK stays clear if the choice is not acceptable: more than was
 * offered, or a driver for the legacy interface. */
static bool features_acceptable(const VirtIODevice *vdev)
{
    return (vdev->guest_features & ~vdev->host_features) == 0 &&
           virtio_has_feature(vdev, VIRTIO_F_VERSION_1);
}

void virtio_set_status(VirtIODevice *vdev, uint8_t status)
{
    if (status == 0) {
        virtio_reset(vdev);
        return;
    }
    if ((status & ~vdev->status & VIRTIO_STATUS_FEATURES_OK) &&
        !features_acceptable(vdev)) {
        log_printf(LOG_GUEST_ERRORS,
                   "virtio: features 0x%" PRIx64 " are not acceptable\n",
                   vdev->guest_features);
        status &= ~VIRTIO_STATUS_FEATURES_OK;
    }
    /* Only the device sets NEEDS_RESET, and only a reset clears it. */
    vdev->status = (status & ~VIRTIO_STATUS_NEEDS_RESET) |
                   (vdev->status & VIRTIO_STATUS_NEEDS_RESET);
}

void virtio_set_broken(VirtIODevice *vdev, const char *why)
{
    log_printf(LOG_GUEST_ERRORS, "virtio device %u: %s; it needs a reset\n",
               vdev->klass->device_id, why);
    if (vdev->status & VIRTIO_STATUS_NEEDS_RESET) {
        return;
    }
    vdev->status |= VIRTIO_STATUS_NEEDS_RESET;
    if (vdev->status & VIRTIO_STATUS_DRIVER_OK) {
        vdev->transport->interrupt(vdev->transport_opaque, vdev->config_vector,
                                   true);
    }
}

static bool queue_usable(const VirtQueue *q)
{
    return q->enabled && (q->vdev->status & VIRTIO_STATUS_DRIVER_OK) &&
           !(q->vdev->status & VIRTIO_STATUS_NEEDS_RESET);
}

void virtio_notify_queue(VirtIODevice *vdev, unsigned index)
{
    if (index < vdev->nqueues && queue_usable(&vdev->queue[index]) &&
        vdev->klass->handle_queue) {
        vdev->klass->handle_queue(vdev, &vdev->queue[index]);
    }
}

/* --- memory --- */

static bool queue_read(VirtQueue *q, hwaddr addr, void *buf, uint64_t len)
{
    VirtIODevice *vdev = q->vdev;

    if (vdev->transport->read(vdev->transport_opaque, addr, buf, len)) {
        virtio_set_broken(vdev, "memory of a queue cannot be read");
        return false;
    }
    return true;
}

static bool queue_write(VirtQueue *q, hwaddr addr, const void *buf,
                        uint64_t len)
{
    VirtIODevice *vdev = q->vdev;

    if (vdev->transport->write(vdev->transport_opaque, addr, buf, len)) {
        virtio_set_broken(vdev, "memory of a queue cannot be written");
        return false;
    }
    return true;
}

static bool queue_read16(VirtQueue *q, hwaddr addr, uint16_t *out)
{
    return queue_read(q, addr, out, sizeof(*out));
}

static bool queue_write16(VirtQueue *q, hwaddr addr, uint16_t value)
{
    return queue_write(q, addr, &value, sizeof(value));
}

/* --- chains --- */

/* A table of descriptors that a chain runs through. */
typedef struct DescTable {
    hwaddr addr;
    uint32_t entries;
} DescTable;

static bool element_add(VirtQueue *q, VirtElement *elem, const Desc *desc)
{
    unsigned n = elem->nout + elem->nin;

    if (n == VIRTIO_QUEUE_MAX_SIZE || n == q->size) {
        virtio_set_broken(q->vdev, "a chain is longer than its queue");
        return false;
    }
    if (desc->flags & DESC_F_WRITE) {
        elem->nin++;
        elem->in_bytes += desc->len;
    } else if (elem->nin > 0) {
        virtio_set_broken(q->vdev, "a readable buffer follows a writable one");
        return false;
    } else {
        elem->nout++;
        elem->out_bytes += desc->len;
    }
    elem->seg[n] = (VirtSegment){desc->addr, desc->len};
    return true;
}

static bool desc_read(VirtQueue *q, const DescTable *table, uint32_t index,
                      Desc *desc)
{
    if (index >= table->entries) {
        virtio_set_broken(q->vdev, "a descriptor's index is past its table");
        return false;
    }
    return queue_read(q, table->addr + (uint64_t)index * DESC_BYTES, desc,
                      sizeof(*desc));
}

/* 2.6.5.3 "Indirect Descriptors": from the first entry of another table on. */
static bool table_enter(VirtQueue *q, DescTable *table, const Desc *desc,
                        bool *indirect)
{
    if (!virtio_has_feature(q->vdev, VIRTIO_F_INDIRECT_DESC) || *indirect ||
        (desc->flags & DESC_F_NEXT) || desc->len == 0 ||
        desc->len % DESC_BYTES != 0) {
        virtio_set_broken(q->vdev, "an indirect descriptor is malformed");
        return false;
    }
    *indirect = true;
    *table = (DescTable){desc->addr, desc->len / DESC_BYTES};
    return true;
}

/* element_add() bounds the walk: a loop soon exceeds the queue's size. */
static bool chain_walk(VirtQueue *q, VirtElement *elem)
{
    DescTable table = {q->desc, q->size};
    uint32_t index = elem->head;
    bool indirect = false;
    Desc desc;

    for (;;) {
        if (!desc_read(q, &table, index, &desc)) {
            return false;
        }
        if (desc.flags & DESC_F_INDIRECT) {
            if (!table_enter(q, &table, &desc, &indirect)) {
                return false;
            }
            index = 0;
            continue;
        }
        if (!element_add(q, elem, &desc)) {
            return false;
        }
        if (!(desc.flags & DESC_F_NEXT)) {
            return true;
        }
        index = desc.next;
    }
}

/* How many chains wait; 0 also when the device just broke. */
static uint16_t queue_pending(VirtQueue *q)
{
    uint16_t idx;

    if (!queue_usable(q) || !queue_read16(q, q->avail + RING_IDX, &idx)) {
        return 0;
    }
    if ((uint16_t)(idx - q->last_avail) > q->size) {
        virtio_set_broken(q->vdev, "the available index ran too far");
        return 0;
    }
    /* The entries are read after the index that covers them. */
    atomic_thread_fence(memory_order_acquire);
    return idx - q->last_avail;
}

bool virtqueue_is_empty(VirtQueue *q)
{
    return queue_pending(q) == 0;
}

bool virtqueue_pop(VirtQueue *q, VirtElement *elem)
{
    uint16_t slot;

    if (queue_pending(q) == 0) {
        return false;
    }
    elem->queue = q;
    elem->nout = elem->nin = 0;
    elem->out_bytes = elem->in_bytes = 0;
    slot = q->last_avail % q->size;
    if (!queue_read16(q, q->avail + RING_ENTRIES + slot * AVAIL_ENTRY_BYTES,
                      &elem->head) ||
        !chain_walk(q, elem)) {
        return false;
    }
    q->last_avail++;
    return true;
}

/* --- notifications --- */

/* 2.6.7: the available ring's used_event; 2.6.8: the used ring's avail_event */
static hwaddr used_event_addr(const VirtQueue *q)
{
    return q->avail + RING_ENTRIES + q->size * AVAIL_ENTRY_BYTES;
}

static hwaddr avail_event_addr(const VirtQueue *q)
{
    return q->used + RING_ENTRIES + q->size * USED_ENTRY_BYTES;
}

void virtqueue_set_notification(VirtQueue *q, bool on)
{
    if (!queue_usable(q)) {
        return;
    }
    if (!virtio_has_feature(q->vdev, VIRTIO_F_EVENT_IDX)) {
        queue_write16(q, q->used + RING_FLAGS, on ? 0 : USED_F_NO_NOTIFY);
    } else if (on) {
        /* Off needs nothing: the event index falls behind by itself. */
        queue_write16(q, avail_event_addr(q), q->last_avail);
    }
    /* The wish is seen before the caller looks at the ring once more; the
     * driver has the mirror image of this fence. */
    atomic_thread_fence(memory_order_seq_cst);
}

/* Did @event lie in the steps from @old to @now?  2.6.7.2. */
static bool event_passed(uint16_t event, uint16_t now, uint16_t old)
{
    return (uint16_t)(now - event - 1) < (uint16_t)(now - old);
}

static bool queue_wants_interrupt(VirtQueue *q)
{
    bool valid = q->signalled_valid;
    uint16_t old = q->signalled_used, value;

    if (!virtio_has_feature(q->vdev, VIRTIO_F_EVENT_IDX)) {
        return queue_read16(q, q->avail + RING_FLAGS, &value) &&
               !(value & AVAIL_F_NO_INTERRUPT);
    }
    q->signalled_valid = true;
    q->signalled_used = q->used_idx;
    return queue_read16(q, used_event_addr(q), &value) &&
           (!valid || event_passed(value, q->used_idx, old));
}

void virtqueue_push(VirtQueue *q, const VirtElement *elem, uint32_t written)
{
    uint32_t entry[2] = {elem->head, written};
    hwaddr addr;

    if (!queue_usable(q)) {
        return;
    }
    addr = q->used + RING_ENTRIES +
           (uint64_t)(q->used_idx % q->size) * USED_ENTRY_BYTES;
    if (!queue_write(q, addr, entry, sizeof(entry))) {
        return;
    }
    /* The entry is there before the index that covers it. */
    atomic_thread_fence(memory_order_release);
    if (!queue_write16(q, q->used + RING_IDX, ++q->used_idx)) {
        return;
    }
    /* The index is seen before we ask whether the driver sleeps. */
    atomic_thread_fence(memory_order_seq_cst);
    if (queue_wants_interrupt(q)) {
        q->vdev->transport->interrupt(q->vdev->transport_opaque, q->vector,
                                      false);
    }
}

/* --- copying --- */

/* One segment's part, from or to the guest's memory. */
typedef bool SegmentCopy(const VirtIODevice *vdev, hwaddr addr, void *buf,
                         uint64_t len);

static bool copy_read(const VirtIODevice *vdev, hwaddr addr, void *buf,
                      uint64_t len)
{
    return vdev->transport->read(vdev->transport_opaque, addr, buf, len) ==
           MEMTX_OK;
}

static bool copy_write(const VirtIODevice *vdev, hwaddr addr, void *buf,
                       uint64_t len)
{
    return vdev->transport->write(vdev->transport_opaque, addr, buf, len) ==
           MEMTX_OK;
}

static bool copy_read_ram(const VirtIODevice *vdev, hwaddr addr, void *buf,
                          uint64_t len)
{
    return address_space_copy_ram(&address_space_memory, addr, buf, len, false);
}

static bool copy_write_ram(const VirtIODevice *vdev, hwaddr addr, void *buf,
                           uint64_t len)
{
    return address_space_copy_ram(&address_space_memory, addr, buf, len, true);
}

/* Runs over @n segments from @seg. */
static bool segments_copy(const VirtElement *elem, const VirtSegment *seg,
                          unsigned n, uint64_t offset, uint8_t *buf,
                          uint64_t len, SegmentCopy *copy)
{
    const VirtIODevice *vdev = elem->queue->vdev;

    for (unsigned i = 0; i < n && len > 0; i++) {
        uint64_t part;

        if (offset >= seg[i].len) {
            offset -= seg[i].len;
            continue;
        }
        part = MIN(seg[i].len - offset, len);
        if (!copy(vdev, seg[i].addr + offset, buf, part)) {
            return false;
        }
        offset = 0;
        buf += part;
        len -= part;
    }
    return len == 0;
}

static bool copy_out(const VirtElement *elem, uint64_t offset, void *buf,
                     uint64_t len, SegmentCopy *copy)
{
    return segments_copy(elem, elem->seg, elem->nout, offset, buf, len, copy);
}

static bool copy_in(const VirtElement *elem, uint64_t offset, const void *buf,
                    uint64_t len, SegmentCopy *copy)
{
    return segments_copy(elem, elem->seg + elem->nout, elem->nin, offset,
                         (uint8_t *)buf, len, copy);
}

bool virtelement_read(const VirtElement *elem, uint64_t offset, void *buf,
                      uint64_t len)
{
    return copy_out(elem, offset, buf, len, copy_read);
}

bool virtelement_write(const VirtElement *elem, uint64_t offset,
                       const void *buf, uint64_t len)
{
    return copy_in(elem, offset, buf, len, copy_write);
}

bool virtio_may_copy_ram(const VirtIODevice *vdev)
{
    return vdev->transport->may_dma &&
           vdev->transport->may_dma(vdev->transport_opaque);
}

bool virtelement_read_ram(const VirtElement *elem, uint64_t offset, void *buf,
                          uint64_t len)
{
    return copy_out(elem, offset, buf, len, copy_read_ram);
}

bool virtelement_write_ram(const VirtElement *elem, uint64_t offset,
                           const void *buf, uint64_t len)
{
    return copy_in(elem, offset, buf, len, copy_write_ram);
}
