/* SPDX-License-Identifier: MIT */
/* What the files of virtio-blk share.  Locks: BQL, where nothing else is said.
 */
#ifndef HEDDLE_HW_BLOCK_VIRTIO_BLK_INTERNAL_H
#define HEDDLE_HW_BLOCK_VIRTIO_BLK_INTERNAL_H

#include "block/block.h"
#include "hw/virtio/virtio_pci.h"
#include "util/event-notifier.h"
#include "util/thread.h"

struct BlkRequest;

/* iothread=; see virtio_blk_thread.c. */
typedef struct BlkThread {
    IoContext *ctx; /* NULL: none, or the device has gone */
    EventNotifier *bell;
    uint32_t rung;              /* queues, a bit each; atomic */
    GQueue to_copy;             /* BlkRequest, oldest first */
    struct BlkRequest *copying; /* by the thread, without the BQL */
    Event copied;               /* set when that is over */
} BlkThread;

typedef struct VirtIOBlk {
    VirtIOPCI v; /* first */
    BlockBackend *drive;
    char *serial;
    char *rerror, *werror;
    char *iothread;     /* id, or NULL */
    uint32_t bootindex; /* or BOOT_INDEX_NONE */
    uint16_t num_queues;
    uint64_t held_bytes; /* in the buffers of requests under way */
    bool resetting;      /* completions start nothing new */
    BlkThread thread;
} VirtIOBlk;

typedef struct BlkRequest {
    VirtIOBlk *s;
    VirtElement elem;
    uint32_t type;
    uint64_t offset;  /* on the disk */
    struct iovec iov; /* the buffer */
    bool was_in_ram;  /* what it was copied from or to without the BQL */
} BlkRequest;

/* --- virtio_blk.c --- */
/* Between buffer and guest, in the request's direction; false: memory refuses.
 */
bool blk_request_copy(BlkRequest *r);
/* As that, without the BQL, if it is all in RAM. */
bool blk_request_copy_ram(BlkRequest *r);
/* What comes after the copy. */
void blk_request_copied(BlkRequest *r, bool ok);

/* --- virtio_blk_thread.c; these do nothing for a device without a thread ---
 */
/* Find the thread and what may be lacking on the host. */
bool blk_thread_prepare(VirtIOBlk *s, GError **errp);
void blk_thread_abandon(VirtIOBlk *s); /* the device was not made */
void blk_thread_bind(VirtIOBlk *s);
void blk_thread_unbind(VirtIOBlk *s); /* after the last reset */
/* True: it will be copied soon, without the BQL. */
bool blk_thread_leave_copy(BlkRequest *r);
void blk_thread_ring_all(VirtIOBlk *s);
void blk_thread_forget_rings(VirtIOBlk *s);

#endif
