/* SPDX-License-Identifier: MIT */
/*
 * Virtio devices and their split virtqueues, whatever carries them.
 * Source: OASIS "Virtual I/O Device (VIRTIO) Version 1.1", chapters 2 and 5.
 * Locks: BQL, where nothing else is said.
 */
#ifndef HEDDLE_HW_VIRTIO_VIRTIO_H
#define HEDDLE_HW_VIRTIO_VIRTIO_H

#include "exec/memory.h"
#include "util/common.h"

#define VIRTIO_QUEUE_MAX_SIZE 256 /* entries of each queue */
#define VIRTIO_MAX_QUEUES     16
#define VIRTIO_NO_VECTOR      0xffff

/* 2.1 "Device Status Field" */
enum {
    VIRTIO_STATUS_ACKNOWLEDGE = 1,
    VIRTIO_STATUS_DRIVER = 2,
    VIRTIO_STATUS_DRIVER_OK = 4,
    VIRTIO_STATUS_FEATURES_OK = 8,
    VIRTIO_STATUS_NEEDS_RESET = 64,
    VIRTIO_STATUS_FAILED = 128,
};

/* 6 "Reserved Feature Bits" */
#define VIRTIO_F_INDIRECT_DESC BIT64(28)
#define VIRTIO_F_EVENT_IDX     BIT64(29)
#define VIRTIO_F_VERSION_1     BIT64(32)

typedef struct VirtIODevice VirtIODevice;
typedef struct VirtQueue VirtQueue;

/* What carries a device: memory as it sees it, and its interrupts. */
typedef struct VirtIOTransport {
    MemTxResult (*read)(void *opaque, hwaddr addr, void *buf, uint64_t len);
    MemTxResult (*write)(void *opaque, hwaddr addr, const void *buf,
                         uint64_t len);
    /* @config: the configuration changed, rather than a queue. */
    void (*interrupt)(void *opaque, uint16_t vector, bool config);
    /* May it reach memory now?  NULL: it always goes by read and write. */
    bool (*may_dma)(void *opaque);
} VirtIOTransport;

/* What makes a device of its kind. */
typedef struct VirtIOClass {
    uint16_t device_id; /* chapter 5 */
    uint32_t config_bytes;
    /* Buffers are available.  May be NULL. */
    void (*handle_queue)(VirtIODevice *vdev, VirtQueue *q);
    /* Fill in the configuration space before each read of it. */
    void (*get_config)(VirtIODevice *vdev, uint8_t *config);
    /* Drop every request: the queues are about to be reset. */
    void (*reset)(VirtIODevice *vdev);
} VirtIOClass;

struct VirtQueue {
    VirtIODevice *vdev;
    uint16_t index;
    /* Set by the driver through the transport. */
    uint16_t size;
    uint16_t vector;
    bool enabled;
    uint64_t desc, avail, used; /* guest physical addresses */
    /* Progress; free-running, modulo 2^16. */
    uint16_t last_avail;
    uint16_t used_idx;
    uint16_t signalled_used; /* used_idx at the last interrupt decision */
    bool signalled_valid;
};

struct VirtIODevice {
    const VirtIOClass *klass;
    const VirtIOTransport *transport;
    void *transport_opaque;
    uint64_t host_features, guest_features;
    uint8_t status;
    uint8_t config_generation;
    uint16_t config_vector;
    uint16_t nqueues;
    VirtQueue queue[VIRTIO_MAX_QUEUES];
};

/* A stretch of guest memory. */
typedef struct VirtSegment {
    hwaddr addr;
    uint32_t len;
} VirtSegment;

/* One chain of descriptors: what the device reads, then what it writes. */
typedef struct VirtElement {
    VirtQueue *queue;
    uint16_t head;
    uint16_t nout, nin;
    uint64_t out_bytes, in_bytes;
    VirtSegment seg[VIRTIO_QUEUE_MAX_SIZE]; /* out, then in */
} VirtElement;

void virtio_init(VirtIODevice *vdev, const VirtIOClass *klass,
                 uint64_t features, uint16_t nqueues,
                 const VirtIOTransport *transport, void *transport_opaque);
void virtio_reset(VirtIODevice *vdev);
/* A write of the status register; 0 resets. */
void virtio_set_status(VirtIODevice *vdev, uint8_t status);
/* The driver's choice, checked when it sets FEATURES_OK. */
static inline bool virtio_has_feature(const VirtIODevice *vdev, uint64_t bit)
{
    return (vdev->guest_features & bit) != 0;
}
/* The driver rang for queue @index, which may be anything. */
void virtio_notify_queue(VirtIODevice *vdev, unsigned index);
/* The driver broke a rule: ask for a reset and do nothing more until then. */
void virtio_set_broken(VirtIODevice *vdev, const char *why);

/*
 * Take the next chain.
 * Returns  false when there is none, or the device is broken or not started
 */
bool virtqueue_pop(VirtQueue *q, VirtElement *elem);
/* Give it back, @written bytes of its in-part filled, and interrupt if the
 * driver wants that. */
void virtqueue_push(VirtQueue *q, const VirtElement *elem, uint32_t written);
/* Ask (or not) to be told of new buffers. */
void virtqueue_set_notification(VirtQueue *q, bool on);
bool virtqueue_is_empty(VirtQueue *q);

/* Copy bytes of the out-part, or into the in-part, from @offset on; false
 * when that is past its end or memory refuses. */
bool virtelement_read(const VirtElement *elem, uint64_t offset, void *buf,
                      uint64_t len);
bool virtelement_write(const VirtElement *elem, uint64_t offset,
                       const void *buf, uint64_t len);
/* Is it worth while to try the next ones? */
bool virtio_may_copy_ram(const VirtIODevice *vdev);
/* The same two for what is all in RAM, else false after a part of it.  Takes
 * neither the BQL nor looks at the device.  Locks: any. */
bool virtelement_read_ram(const VirtElement *elem, uint64_t offset, void *buf,
                          uint64_t len);
bool virtelement_write_ram(const VirtElement *elem, uint64_t offset,
                           const void *buf, uint64_t len);

#endif
