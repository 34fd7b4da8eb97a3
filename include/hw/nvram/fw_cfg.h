/* SPDX-License-Identifier: MIT */
/*
 * The firmware configuration device: numbered items and named files that
 * firmware and option ROMs read.  Locks: BQL.
 */
#ifndef HEDDLE_HW_NVRAM_FW_CFG_H
#define HEDDLE_HW_NVRAM_FW_CFG_H

#include "exec/memory.h"
#include "hw/device.h"

/* Keys of the items. */
enum {
    FW_CFG_SIGNATURE = 0x00,
    FW_CFG_ID = 0x01,
    FW_CFG_UUID = 0x02,
    FW_CFG_RAM_SIZE = 0x03,
    FW_CFG_NOGRAPHIC = 0x04,
    FW_CFG_NB_CPUS = 0x05,
    FW_CFG_KERNEL_ADDR = 0x07,
    FW_CFG_KERNEL_SIZE = 0x08,
    FW_CFG_INITRD_ADDR = 0x0a,
    FW_CFG_INITRD_SIZE = 0x0b,
    FW_CFG_BOOT_DEVICE = 0x0c,
    FW_CFG_NUMA = 0x0d,
    FW_CFG_BOOT_MENU = 0x0e,
    FW_CFG_MAX_CPUS = 0x0f,
    FW_CFG_KERNEL_ENTRY = 0x10,
    FW_CFG_KERNEL_DATA = 0x11,
    FW_CFG_INITRD_DATA = 0x12,
    FW_CFG_CMDLINE_ADDR = 0x13,
    FW_CFG_CMDLINE_SIZE = 0x14,
    FW_CFG_CMDLINE_DATA = 0x15,
    FW_CFG_SETUP_ADDR = 0x16,
    FW_CFG_SETUP_SIZE = 0x17,
    FW_CFG_SETUP_DATA = 0x18,
    FW_CFG_FILE_DIR = 0x19,
    FW_CFG_FILE_FIRST = 0x20,
    FW_CFG_FILE_SLOTS = 0x20,
    FW_CFG_KEYS = FW_CFG_FILE_FIRST + FW_CFG_FILE_SLOTS,
};
#define FW_CFG_NAME_BYTES 56 /* of a file, with its final NUL */

/* One item; @data is the device's.  If NULL, its bytes are in a file. */
typedef struct FwCfgItem {
    uint8_t *data;
    uint32_t len;
    bool writable;   /* by the guest, through DMA */
    int fd;          /* the device's */
    uint64_t fd_off; /* of the first byte */
} FwCfgItem;

typedef struct FwCfgState {
    DeviceState dev;
    MemoryRegion ports, dma;
    FwCfgItem items[FW_CFG_KEYS];
    unsigned files;
    char names[FW_CFG_FILE_SLOTS][FW_CFG_NAME_BYTES];
    void (*refresh)(void *opaque); /* or NULL */
    void *refresh_opaque;
    /* guest-visible */
    uint16_t key;      /* selected item */
    uint32_t offset;   /* of the next byte in it */
    uint64_t dma_addr; /* of a control structure */
} FwCfgState;

extern const DeviceType fw_cfg_type; /* "fw_cfg_io" */

/* Make the device in @io: selector 510h, data 511h, DMA 514h. */
FwCfgState *fw_cfg_create(MemoryRegion *io);

/* Set item @key, which must have no data yet; the bytes are copied. */
void fw_cfg_add_bytes(FwCfgState *s, uint16_t key, const void *data,
                      uint32_t len);
void fw_cfg_add_i16(FwCfgState *s, uint16_t key, uint16_t value);
void fw_cfg_add_i32(FwCfgState *s, uint16_t key, uint32_t value);
void fw_cfg_add_i64(FwCfgState *s, uint16_t key, uint64_t value);
/* As fw_cfg_add_bytes(), but takes @data, which g_free() must be able to
 * free. */
void fw_cfg_take_bytes(FwCfgState *s, uint16_t key, void *data, uint32_t len);
/* Item @key is @len bytes of the regular file @fd, from @offset on, read when
 * the guest wants them; takes @fd. */
void fw_cfg_take_fd(FwCfgState *s, uint16_t key, int fd, uint64_t offset,
                    uint32_t len);

/* Add the file @name, or replace its contents; the bytes are copied.  Fails
 * when the name is too long or all slots are taken. */
bool fw_cfg_add_file(FwCfgState *s, const char *name, const void *data,
                     uint32_t len, GError **errp);
/* Call @fn when the guest selects a file: for those that depend on the
 * machine's state.  Their lengths must not. */
void fw_cfg_set_refresh(FwCfgState *s, void (*fn)(void *opaque), void *opaque);
/* Let the guest write to the file @name, which exists. */
void fw_cfg_set_writable(FwCfgState *s, const char *name);
/* The contents of a file, or NULL when there is none. */
const FwCfgItem *fw_cfg_find_file(const FwCfgState *s, const char *name);

#endif
