/* SPDX-License-Identifier: MIT */
/*
 * A disk: the virtio block device over PCI.
 *
 * Source: VIRTIO 1.1, 5.2 "Block Device".  Reads, writes, flushes and the
 * disk's name; discard and write-zeroes are not offered.
 *
 * Data goes through a buffer of the host's: what the guest does to its own
 * memory meanwhile cannot touch a transfer, and stores into guest memory take
 * the one path that tells the translator.
 */
#include <string.h>

#include "block/block.h"
#include "hw/block/virtio_blk.h"
#include "hw/nvram/boot_order.h"
#include "hw/virtio/virtio_pci.h"
#include "util/error.h"

#define PCI_CLASS_STORAGE_SCSI 0x0100

#define VIRTIO_ID_BLOCK 2

/* How the firmware names the disk in its boot order. */
#define BOOT_NAME "scsi"
#define BOOT_UNIT "/disk@0,0"

/* 5.2.3 "Feature bits" */
#define BLK_F_SIZE_MAX BIT64(1)
#define BLK_F_SEG_MAX  BIT64(2)
#define BLK_F_RO       BIT64(5)
#define BLK_F_BLK_SIZE BIT64(6)
#define BLK_F_FLUSH    BIT64(9)
#define BLK_F_MQ       BIT64(12)

/* 5.2.4 "Device configuration layout" */
enum {
    CONFIG_CAPACITY = 0,
    CONFIG_SIZE_MAX = 8,
    CONFIG_SEG_MAX = 12,
    CONFIG_BLK_SIZE = 20,
    CONFIG_NUM_QUEUES = 34,
    CONFIG_BYTES = 36,
};

/* 5.2.6 "Device Operation" */
enum {
    BLK_T_IN = 0,
    BLK_T_OUT = 1,
    BLK_T_FLUSH = 4,
    BLK_T_GET_ID = 8,
    BLK_S_OK = 0,
    BLK_S_IOERR = 1,
    BLK_S_UNSUPP = 2,
    BLK_ID_BYTES = 20,
};

typedef struct BlkHeader {
    uint32_t type, reserved;
    uint64_t sector;
} BlkHeader;

/* The longest segment, and how many (header and status take one each). */
#define BLK_SEG_BYTES (256 * KiB)
#define BLK_SEG_MAX   (VIRTIO_QUEUE_MAX_SIZE - 2)
/* No request that keeps to those is longer; and no more than so much is held
 * in buffers at once. */
#define BLK_REQUEST_BYTES (BLK_SEG_BYTES * BLK_SEG_MAX)
#define BLK_HELD_BYTES    (2 * BLK_REQUEST_BYTES)

typedef struct VirtIOBlk {
    VirtIOPCI v; /* first */
    BlockBackend *drive;
    char *serial;
    char *rerror, *werror;
    uint32_t bootindex; /* or BOOT_INDEX_NONE */
    uint16_t num_queues;
    uint64_t held_bytes; /* in the buffers of requests under way */
    bool resetting;      /* completions start nothing new */
} VirtIOBlk;

typedef struct BlkRequest {
    VirtIOBlk *s;
    VirtElement elem;
    uint32_t type;
    struct iovec iov; /* the buffer */
} BlkRequest;

static VirtIOBlk *blk_of(VirtIODevice *vdev)
{
    return container_of(vdev, VirtIOBlk, v.vdev);
}

/* --- requests --- */

static void request_free(BlkRequest *r)
{
    r->s->held_bytes -= r->iov.iov_len;
    g_free(r->iov.iov_base);
    g_free(r);
}

/* The status is the last writable byte; @data_bytes were written before it. */
static void request_finish(BlkRequest *r, uint8_t status, uint32_t data_bytes)
{
    VirtQueue *q = r->elem.queue;

    if (!virtelement_write(&r->elem, r->elem.in_bytes - 1, &status, 1)) {
        virtio_set_broken(&r->s->v.vdev, "no memory at a request's status");
    } else {
        virtqueue_push(q, &r->elem, data_bytes + 1);
    }
    request_free(r);
}

static void request_done(void *opaque, int error)
{
    BlkRequest *r = opaque;
    VirtIOBlk *s = r->s;
    bool stopped = s->held_bytes >= BLK_HELD_BYTES;
    uint32_t data_bytes = 0;

    if (!error && r->type == BLK_T_IN) {
        data_bytes = r->iov.iov_len;
        if (!virtelement_write(&r->elem, 0, r->iov.iov_base, data_bytes)) {
            error = 1;
            data_bytes = 0;
        }
    }
    request_finish(r, error ? BLK_S_IOERR : BLK_S_OK, data_bytes);
    /* The queues may have stopped for want of room. */
    for (unsigned i = 0; stopped && !s->resetting && i < s->num_queues; i++) {
        virtio_notify_queue(&s->v.vdev, i);
    }
}

/* @len bytes from or to @sector.  The length is the guest's word. */
static void request_transfer(BlkRequest *r, uint64_t sector, uint64_t len)
{
    VirtIOBlk *s = r->s;
    uint64_t offset = sector * BLOCK_SECTOR_BYTES;

    if (len > BLK_REQUEST_BYTES || len % BLOCK_SECTOR_BYTES != 0 ||
        sector > block_size_bytes(s->drive) / BLOCK_SECTOR_BYTES) {
        request_finish(r, BLK_S_IOERR, 0);
        return;
    }
    r->iov = (struct iovec){g_malloc(MAX(len, 1)), len};
    s->held_bytes += len;
    if (r->type == BLK_T_IN) {
        block_readv(s->drive, offset, &r->iov, 1, request_done, r);
    } else if (virtelement_read(&r->elem, sizeof(BlkHeader), r->iov.iov_base,
                                len)) {
        block_writev(s->drive, offset, &r->iov, 1, request_done, r);
    } else {
        request_finish(r, BLK_S_IOERR, 0);
    }
}

/* The name is padded with NULs, and may lack one at its end. */
static void request_get_id(BlkRequest *r)
{
    char id[BLK_ID_BYTES] = "";
    uint64_t len = MIN(sizeof(id), r->elem.in_bytes - 1);
    bool ok;

    if (r->s->serial) {
        memcpy(id, r->s->serial, strnlen(r->s->serial, sizeof(id)));
    }
    ok = virtelement_write(&r->elem, 0, id, len);
    request_finish(r, ok ? BLK_S_OK : BLK_S_IOERR, ok ? len : 0);
}

static void request_start(BlkRequest *r)
{
    BlkHeader header;

    if (r->elem.in_bytes == 0 ||
        !virtelement_read(&r->elem, 0, &header, sizeof(header))) {
        virtio_set_broken(&r->s->v.vdev,
                          "a request lacks its header or status");
        request_free(r);
        return;
    }
    r->type = header.type;
    switch (header.type) {
    case BLK_T_IN:
        request_transfer(r, header.sector, r->elem.in_bytes - 1);
        break;
    case BLK_T_OUT:
        request_transfer(r, header.sector, r->elem.out_bytes - sizeof(header));
        break;
    case BLK_T_FLUSH:
        block_flush(r->s->drive, request_done, r);
        break;
    case BLK_T_GET_ID:
        request_get_id(r);
        break;
    default:
        request_finish(r, BLK_S_UNSUPP, 0);
        break;
    }
}

/* Start what is in the queue, as far as there is room for buffers; the first
 * completion that makes room comes back here. */
static void blk_handle_queue(VirtIODevice *vdev, VirtQueue *q)
{
    VirtIOBlk *s = blk_of(vdev);

    do {
        virtqueue_set_notification(q, false);
        while (s->held_bytes < BLK_HELD_BYTES) {
            BlkRequest *r = g_new(BlkRequest, 1);

            r->s = s;
            r->iov = (struct iovec){NULL, 0};
            if (!virtqueue_pop(q, &r->elem)) {
                g_free(r);
                break;
            }
            request_start(r);
        }
        virtqueue_set_notification(q, true);
    } while (s->held_bytes < BLK_HELD_BYTES && !virtqueue_is_empty(q));
}

static void put_le(uint8_t *p, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) {
        p[i] = value >> (8 * i);
    }
}

static void blk_get_config(VirtIODevice *vdev, uint8_t *config)
{
    VirtIOBlk *s = blk_of(vdev);

    put_le(config + CONFIG_CAPACITY,
           block_size_bytes(s->drive) / BLOCK_SECTOR_BYTES, 8);
    put_le(config + CONFIG_SIZE_MAX, BLK_SEG_BYTES, 4);
    put_le(config + CONFIG_SEG_MAX, BLK_SEG_MAX, 4);
    put_le(config + CONFIG_BLK_SIZE, BLOCK_SECTOR_BYTES, 4);
    put_le(config + CONFIG_NUM_QUEUES, s->num_queues, 2);
}

/* Nothing may write to guest memory after a reset: wait for all of it. */
static void blk_reset_requests(VirtIODevice *vdev)
{
    VirtIOBlk *s = blk_of(vdev);

    s->resetting = true;
    block_wait_requests();
    s->resetting = false;
}

static const VirtIOClass blk_class = {
    .device_id = VIRTIO_ID_BLOCK,
    .config_bytes = CONFIG_BYTES,
    .handle_queue = blk_handle_queue,
    .get_config = blk_get_config,
    .reset = blk_reset_requests,
};

/* --- the device --- */

static bool blk_realize(DeviceState *dev, GError **errp)
{
    VirtIOBlk *s = (VirtIOBlk *)dev;
    uint64_t features =
        BLK_F_SIZE_MAX | BLK_F_SEG_MAX | BLK_F_BLK_SIZE | BLK_F_FLUSH;

    if (!s->drive) {
        error_setg(errp, "drive property not set: give drive=ID of a -drive");
        return false;
    }
    if (s->num_queues == 0 || s->num_queues > VIRTIO_MAX_QUEUES) {
        error_setg(errp, "Parameter 'num-queues' expects 1 to %d",
                   VIRTIO_MAX_QUEUES);
        return false;
    }
    if (block_is_readonly(s->drive)) {
        features |= BLK_F_RO;
    }
    if (s->num_queues > 1) {
        features |= BLK_F_MQ;
    }
    if (!block_attach(s->drive, dev->id ? dev->id : "virtio-blk-pci", errp)) {
        return false;
    }
    if (!block_set_on_error(s->drive, s->rerror, s->werror, errp) ||
        !virtio_pci_init(&s->v, &blk_class, PCI_CLASS_STORAGE_SCSI, features,
                         s->num_queues, errp)) {
        block_detach(s->drive);
        return false;
    }
    boot_order_add_pci(s->bootindex, s->v.pci.devfn, BOOT_NAME, BOOT_UNIT);
    return true;
}

static void blk_unrealize(DeviceState *dev)
{
    VirtIOBlk *s = (VirtIOBlk *)dev;

    virtio_pci_exit(&s->v);
    boot_order_remove_pci(s->v.pci.devfn, BOOT_NAME, BOOT_UNIT);
    block_detach(s->drive);
}

static void blk_reset(DeviceState *dev)
{
    virtio_pci_reset(&((VirtIOBlk *)dev)->v);
}

static const DevProp blk_props[] = {
    DEV_PROP(VirtIOBlk, v.pci.devfn, "addr", DEV_PROP_PCI_DEVFN, (uint32_t)-1,
             "slot[.function]"),
    DEV_PROP(VirtIOBlk, drive, "drive", DEV_PROP_DRIVE, 0,
             "id of the -drive behind it"),
    DEV_PROP(VirtIOBlk, serial, "serial", DEV_PROP_STRING, 0,
             "name of the disk, 20 bytes at most"),
    DEV_PROP(VirtIOBlk, bootindex, "bootindex", DEV_PROP_UINT32,
             BOOT_INDEX_NONE, "place in the boot order"),
    DEV_PROP(VirtIOBlk, num_queues, "num-queues", DEV_PROP_UINT16, 1,
             "request queues, 1 to 16"),
    DEV_PROP_TEXT(VirtIOBlk, rerror, "rerror", "auto",
                  "failed reads: report, ignore, stop, enospc or auto: as the "
                  "-drive says"),
    DEV_PROP_TEXT(VirtIOBlk, werror, "werror", "auto",
                  "failed writes: the same"),
};

const DeviceType virtio_blk_pci_type = {
    .name = "virtio-blk-pci",
    .desc = "virtio block device",
    .bus = "PCI",
    .size = sizeof(VirtIOBlk),
    .props = blk_props,
    .nprops = ARRAY_LEN(blk_props),
    .user_creatable = true,
    .realize = blk_realize,
    .unrealize = blk_unrealize,
    .reset = blk_reset,
};
