/* SPDX-License-Identifier: MIT */
/*
 * The firmware configuration device ("fw_cfg").
 *
 * Source: the interface's public specification, "QEMU Firmware Configuration
 * (fw_cfg) Device".  Ports: 510h 16-bit selector, 511h data byte by byte, 514h
 * 64-bit big-endian address of a DMA control structure (its low half, at 518h,
 * starts the transfer).  Transfers complete before the write returns.
 * Left out: writes through the data port, which the specification retired.
 * Locks: BQL.
 */
#include "hw/nvram/fw_cfg.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "hw/nvram/boot_order.h"
#include "util/bytes.h"
#include "util/error.h"
#include "util/log.h"

#define FW_CFG_PORT          0x510
#define FW_CFG_PORTS         2 /* selector and data share 511h */
#define FW_CFG_DMA_PORT      0x514
#define FW_CFG_DMA_BYTES     8
#define FW_CFG_DMA_SIGNATURE 0x51454d5520434647ull /* "QEMU CFG" */

#define FW_CFG_ID_PIO        BIT(0)
#define FW_CFG_ID_DMA        BIT(1)

#define FW_CFG_KEY_MASK      0x3fff /* the top bits: write channel, arch */
#define FW_CFG_KEY_ARCH      0x8000 /* a second set of items: we have none */

/* The control structure: three big-endian fields. */
#define DMA_CONTROL          0
#define DMA_LENGTH           4
#define DMA_ADDRESS          8
#define DMA_STRUCT_BYTES     16
#define DMA_CTL_ERROR        BIT(0)
#define DMA_CTL_READ         BIT(1)
#define DMA_CTL_SKIP         BIT(2)
#define DMA_CTL_SELECT       BIT(3)
#define DMA_CTL_WRITE        BIT(4)

/* Transfers of what is not in memory, such as the zeros that pad a read past an
 * item's end, go in pieces of this. */
#define DMA_PIECE_BYTES      4096

/* An entry of the file directory: size, key, two reserved bytes, name. */
#define DIR_ENTRY_BYTES      64
#define DIR_HEADER_BYTES     4

/* --- items --- */

/* The selected item; keys without one read as an endless row of zeros. */
static const FwCfgItem *fw_cfg_item(const FwCfgState *s)
{
    static const FwCfgItem none;
    unsigned key = s->key & FW_CFG_KEY_MASK;

    if ((s->key & FW_CFG_KEY_ARCH) || key >= FW_CFG_KEYS) {
        return &none;
    }
    return &s->items[key];
}

static void fw_cfg_select(FwCfgState *s, uint16_t key)
{
    s->key = key;
    s->offset = 0;
    if (s->refresh && (key & FW_CFG_KEY_MASK) >= FW_CFG_FILE_FIRST) {
        s->refresh(s->refresh_opaque);
    }
}

/* How many of @len bytes from the offset the item has. */
static uint32_t fw_cfg_left(const FwCfgState *s, uint32_t len)
{
    const FwCfgItem *item = fw_cfg_item(s);

    return s->offset >= item->len ? 0 : MIN(len, item->len - s->offset);
}

/* @n bytes from the offset, which it has; false: the file has them no more. */
static bool fw_cfg_copy(const FwCfgState *s, uint32_t offset, uint8_t *buf,
                        size_t n)
{
    const FwCfgItem *item = fw_cfg_item(s);

    if (item->data) {
        memcpy(buf, item->data + offset, n);
        return true;
    }
    while (n) {
        ssize_t got = pread(item->fd, buf, n, item->fd_off + offset);

        if (got <= 0 && !(got < 0 && errno == EINTR)) {
            warn_report("fw_cfg: a file that the guest boots from was cut short"
                        " or cannot be read any more");
            return false;
        }
        if (got > 0) {
            buf += got;
            offset += got;
            n -= got;
        }
    }
    return true;
}

/* --- ports --- */

static uint64_t fw_cfg_port_read(void *opaque, hwaddr addr, unsigned size)
{
    FwCfgState *s = opaque;
    uint8_t value = 0;

    if (addr == 0) {
        return 0; /* the selector is write-only */
    }
    if (fw_cfg_left(s, 1)) {
        fw_cfg_copy(s, s->offset++, &value, 1);
    }
    return value;
}

static void fw_cfg_port_write(void *opaque, hwaddr addr, uint64_t value,
                              unsigned size)
{
    if (addr == 0 && size == 2) {
        fw_cfg_select(opaque, value);
    }
}

static const MemoryRegionOps fw_cfg_port_ops = {
    .read = fw_cfg_port_read,
    .write = fw_cfg_port_write,
    .valid = {.min = 1, .max = 2},
    .impl = {.min = 1, .max = 2},
};

/* --- DMA --- */

static bool dma_write_zeros(hwaddr addr, uint32_t len)
{
    static const uint8_t zeros[DMA_PIECE_BYTES];

    for (uint32_t done = 0; done < len;) {
        uint32_t n = MIN(len - done, DMA_PIECE_BYTES);

        if (address_space_write(&address_space_memory, addr + done, zeros, n)) {
            return false;
        }
        done += n;
    }
    return true;
}

/* Item to guest; past the item's end it gets zeros. */
static bool dma_read(FwCfgState *s, hwaddr addr, uint32_t len)
{
    uint32_t left = fw_cfg_left(s, len), n;
    uint8_t piece[DMA_PIECE_BYTES];

    for (uint32_t done = 0; done < left; done += n) {
        n = MIN(left - done, sizeof(piece));
        if (!fw_cfg_copy(s, s->offset + done, piece, n) ||
            address_space_write(&address_space_memory, addr + done, piece, n)) {
            return false;
        }
    }
    return dma_write_zeros(addr + left, len - left);
}

/* Guest to item, which must have all of the bytes. */
static bool dma_write(FwCfgState *s, hwaddr addr, uint32_t len)
{
    const FwCfgItem *item = fw_cfg_item(s);

    if (!item->writable || fw_cfg_left(s, len) != len) {
        return false;
    }
    return address_space_read(&address_space_memory, addr,
                              item->data + s->offset, len) == MEMTX_OK;
}

static bool dma_transfer(FwCfgState *s, uint32_t control, hwaddr addr,
                         uint32_t len)
{
    bool ok = true;

    if (control & DMA_CTL_READ) {
        ok = dma_read(s, addr, len);
    } else if (control & DMA_CTL_WRITE) {
        ok = dma_write(s, addr, len);
    } else if (!(control & DMA_CTL_SKIP)) {
        return true; /* a bare selection */
    }
    s->offset = s->offset + len < len ? UINT32_MAX : s->offset + len;
    return ok;
}

static void fw_cfg_dma_run(FwCfgState *s)
{
    uint8_t request[DMA_STRUCT_BYTES], status[4];
    hwaddr at = s->dma_addr;
    uint32_t control;
    bool ok;

    s->dma_addr = 0;
    if (address_space_read(&address_space_memory, at, request,
                           sizeof(request))) {
        log_printf(LOG_GUEST_ERRORS, "fw_cfg: no DMA request at 0x%" PRIx64
                   "\n", at);
        return;
    }
    control = get_be32(request + DMA_CONTROL);
    if (control & DMA_CTL_SELECT) {
        fw_cfg_select(s, control >> 16);
    }
    ok = dma_transfer(s, control, get_be64(request + DMA_ADDRESS),
                      get_be32(request + DMA_LENGTH));
    put_be32(status, ok ? 0 : DMA_CTL_ERROR);
    address_space_write(&address_space_memory, at + DMA_CONTROL, status,
                        sizeof(status));
}

static uint64_t fw_cfg_dma_read(void *opaque, hwaddr addr, unsigned size)
{
    uint8_t bytes[FW_CFG_DMA_BYTES];
    uint64_t value = 0;

    put_be64(bytes, FW_CFG_DMA_SIGNATURE);
    memcpy(&value, bytes + addr, size);
    return GUINT64_FROM_LE(value);
}

/* The port is big endian: the access's first byte is its highest. */
static void fw_cfg_dma_write(void *opaque, hwaddr addr, uint64_t value,
                             unsigned size)
{
    FwCfgState *s = opaque;

    if (size == 8) {
        s->dma_addr = GUINT64_SWAP_LE_BE(value);
    } else if (size == 4 && addr == 0) {
        s->dma_addr = (uint64_t)GUINT32_SWAP_LE_BE((uint32_t)value) << 32;
        return;
    } else if (size == 4 && addr == 4) {
        s->dma_addr = (s->dma_addr & ~(uint64_t)UINT32_MAX) |
                      GUINT32_SWAP_LE_BE((uint32_t)value);
    } else {
        return;
    }
    fw_cfg_dma_run(s);
}

static const MemoryRegionOps fw_cfg_dma_ops = {
    .read = fw_cfg_dma_read,
    .write = fw_cfg_dma_write,
    .valid = {.min = 1, .max = 8},
    .impl = {.min = 1, .max = 8},
};

/* --- what the machine puts in --- */

void fw_cfg_take_bytes(FwCfgState *s, uint16_t key, void *data, uint32_t len)
{
    g_assert(key < FW_CFG_KEYS && !s->items[key].len);
    s->items[key].data = data;
    s->items[key].len = len;
}

void fw_cfg_take_fd(FwCfgState *s, uint16_t key, int fd, uint64_t offset,
                    uint32_t len)
{
    fw_cfg_take_bytes(s, key, NULL, len);
    s->items[key].fd = fd;
    s->items[key].fd_off = offset;
}

void fw_cfg_add_bytes(FwCfgState *s, uint16_t key, const void *data,
                      uint32_t len)
{
    fw_cfg_take_bytes(s, key, g_memdup2(data, len), len);
}

void fw_cfg_add_i16(FwCfgState *s, uint16_t key, uint16_t value)
{
    value = GUINT16_TO_LE(value);
    fw_cfg_add_bytes(s, key, &value, sizeof(value));
}

void fw_cfg_add_i32(FwCfgState *s, uint16_t key, uint32_t value)
{
    value = GUINT32_TO_LE(value);
    fw_cfg_add_bytes(s, key, &value, sizeof(value));
}

void fw_cfg_add_i64(FwCfgState *s, uint16_t key, uint64_t value)
{
    value = GUINT64_TO_LE(value);
    fw_cfg_add_bytes(s, key, &value, sizeof(value));
}

static int find_file(const FwCfgState *s, const char *name)
{
    for (unsigned i = 0; i < s->files; i++) {
        if (strcmp(s->names[i], name) == 0) {
            return i;
        }
    }
    return -1;
}

const FwCfgItem *fw_cfg_find_file(const FwCfgState *s, const char *name)
{
    int file = find_file(s, name);

    return file < 0 ? NULL : &s->items[FW_CFG_FILE_FIRST + file];
}

void fw_cfg_set_writable(FwCfgState *s, const char *name)
{
    int file = find_file(s, name);

    g_assert(file >= 0);
    s->items[FW_CFG_FILE_FIRST + file].writable = true;
}

static void update_directory(FwCfgState *s)
{
    FwCfgItem *dir = &s->items[FW_CFG_FILE_DIR];
    uint8_t *entry;

    g_free(dir->data);
    dir->len = DIR_HEADER_BYTES + s->files * DIR_ENTRY_BYTES;
    dir->data = g_malloc0(dir->len);
    put_be32(dir->data, s->files);
    entry = dir->data + DIR_HEADER_BYTES;
    for (unsigned i = 0; i < s->files; i++, entry += DIR_ENTRY_BYTES) {
        put_be32(entry, s->items[FW_CFG_FILE_FIRST + i].len);
        put_be16(entry + 4, FW_CFG_FILE_FIRST + i);
        memcpy(entry + 8, s->names[i], FW_CFG_NAME_BYTES);
    }
}

bool fw_cfg_add_file(FwCfgState *s, const char *name, const void *data,
                     uint32_t len, GError **errp)
{
    int file = find_file(s, name);
    FwCfgItem *item;

    if (file < 0) {
        if (s->files == FW_CFG_FILE_SLOTS) {
            error_setg(errp, "fw_cfg has no room for file '%s'", name);
            return false;
        }
        if (strlen(name) >= FW_CFG_NAME_BYTES) {
            error_setg(errp, "fw_cfg file name '%s' is longer than %d bytes",
                       name, FW_CFG_NAME_BYTES - 1);
            return false;
        }
        file = s->files++;
        g_strlcpy(s->names[file], name, FW_CFG_NAME_BYTES);
    }
    item = &s->items[FW_CFG_FILE_FIRST + file];
    g_free(item->data);
    item->data = g_memdup2(data, len);
    item->len = len;
    update_directory(s);
    return true;
}

void fw_cfg_set_refresh(FwCfgState *s, void (*fn)(void *opaque), void *opaque)
{
    s->refresh = fn;
    s->refresh_opaque = opaque;
}

/* --- the device --- */

static bool fw_cfg_realize(DeviceState *dev, GError **errp)
{
    FwCfgState *s = container_of(dev, FwCfgState, dev);

    memory_region_init_io(&s->ports, &fw_cfg_port_ops, s, "fwcfg",
                          FW_CFG_PORTS);
    memory_region_init_io(&s->dma, &fw_cfg_dma_ops, s, "fwcfg.dma",
                          FW_CFG_DMA_BYTES);
    fw_cfg_add_bytes(s, FW_CFG_SIGNATURE, "QEMU", 4);
    fw_cfg_add_i32(s, FW_CFG_ID, FW_CFG_ID_PIO | FW_CFG_ID_DMA);
    update_directory(s);
    return true;
}

/* Devices may have come and gone since the last time. */
static void fw_cfg_reset(DeviceState *dev)
{
    FwCfgState *s = container_of(dev, FwCfgState, dev);
    g_autofree char *order = boot_order_text();
    const char *text = order ? order : "";
    g_autoptr(GError) err = NULL;

    if (!fw_cfg_add_file(s, "bootorder", text, strlen(text) + 1, &err)) {
        warn_report("%s", err->message);
    }
}

static const DevField fw_cfg_fields[] = {
    DEV_FIELD(FwCfgState, key, 0),
    DEV_FIELD(FwCfgState, offset, 0),
    DEV_FIELD(FwCfgState, dma_addr, 0),
};

const DeviceType fw_cfg_type = {
    .name = "fw_cfg_io",
    .desc = "Firmware configuration device",
    .size = sizeof(FwCfgState),
    .fields = fw_cfg_fields,
    .nfields = ARRAY_LEN(fw_cfg_fields),
    .realize = fw_cfg_realize,
    .reset = fw_cfg_reset,
};

FwCfgState *fw_cfg_create(MemoryRegion *io)
{
    DeviceState *dev = device_create(&fw_cfg_type, NULL);
    FwCfgState *s = container_of(dev, FwCfgState, dev);

    memory_region_add(io, FW_CFG_PORT, &s->ports);
    memory_region_add(io, FW_CFG_DMA_PORT, &s->dma);
    return s;
}
