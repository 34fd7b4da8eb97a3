/* SPDX-License-Identifier: MIT */
/*
 * Linux/x86 bzImage (and zImage) kernels.
 *
 * Source: Linux, Documentation/arch/x86/boot.rst, "The Linux/x86 Boot
 * Protocol".  Left out: protocols before 2.02 (Linux 2.2 and older), whose
 * command line has no pointer in the header.
 */
#include "hw/i386/loader.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/bytes.h"
#include "util/error.h"

/* The set-up header: offset in the file, first protocol that has it. */
#define HDR_SETUP_SECTS     0x1f1
#define HDR_SYSSIZE         0x1f4 /* in units of SYSSIZE_UNIT */
#define SYSSIZE_UNIT        16
#define HDR_VID_MODE        0x1fa
#define HDR_BOOT_FLAG       0x1fe
#define HDR_MAGIC           0x202
#define HDR_VERSION         0x206
#define HDR_TYPE_OF_LOADER  0x210
#define HDR_LOADFLAGS       0x211
#define HDR_RAMDISK_IMAGE   0x218
#define HDR_RAMDISK_SIZE    0x21c
#define HDR_HEAP_END_PTR    0x224 /* 2.01 */
#define HDR_CMD_LINE_PTR    0x228 /* 2.02 */
#define HDR_INITRD_ADDR_MAX 0x22c /* 2.03 */
#define HDR_XLOADFLAGS      0x236 /* 2.12 */
#define HDR_CMDLINE_SIZE    0x238 /* 2.06 */
#define HDR_BYTES           0x268

#define HDR_MAGIC_VALUE     0x53726448 /* "HdrS" */
#define LOADER_UNDEFINED    0xff
#define LOADED_HIGH         BIT(0)
#define CAN_USE_HEAP        BIT(7)
#define XLF_ABOVE_4G        BIT(1)

#define SECTOR              512
#define OLD_SETUP_SECTS     4 /* what 0 stands for */
#define OLD_INITRD_MAX      0x37ffffff
#define OLD_CMDLINE_MAX     255
#define HEAP_END_MARGIN     0x200
/* Firmware keeps its tables at the top of the memory below 4 GiB. */
#define FIRMWARE_RESERVE    (128 * KiB)

/* Where the parts go. */
typedef struct LinuxLayout {
    uint32_t setup, cmdline, kernel;
} LinuxLayout;

static const LinuxLayout layout_high = {0x10000, 0x20000, 0x100000};
/* A zImage wants 10000h for itself. */
static const LinuxLayout layout_low = {0x90000, 0x9a000, 0x10000};
#define CMDLINE_ROOM_HIGH 0x70000
#define CMDLINE_ROOM_LOW  0x2000

/* --- checks --- */

static bool is_linux(const KernelFile *k)
{
    return k->len >= HDR_BYTES &&
           get_le16(k->data + HDR_BOOT_FLAG) == 0xaa55 &&
           get_le32(k->data + HDR_MAGIC) == HDR_MAGIC_VALUE;
}

static uint16_t version(const KernelFile *k)
{
    return get_le16(k->data + HDR_VERSION);
}

/* Bytes of the real-mode part at the head of the file. */
static uint32_t setup_bytes(const KernelFile *k)
{
    uint32_t sects = k->data[HDR_SETUP_SECTS];

    return ((sects ? sects : OLD_SETUP_SECTS) + 1) * SECTOR;
}

/* Is the protected-mode part there?  Its last paragraph need not be whole, and
 * the file may have more (a signature). */
static bool code_is_whole(const KernelFile *k)
{
    uint32_t setup = setup_bytes(k);
    uint32_t units = version(k) < 0x204 ? 1 : get_le32(k->data + HDR_SYSSIZE);

    return setup < k->len &&
           ROUND_UP(k->len - setup, SYSSIZE_UNIT) / SYSSIZE_UNIT >= units;
}

static bool check_header(const KernelFile *k, GError **errp)
{
    if (version(k) < 0x202) {
        error_setg(errp, "kernel '%s' speaks boot protocol %d.%02d, but 2.02 "
                   "or newer is needed", k->config->kernel,
                   version(k) >> 8, version(k) & 0xff);
        return false;
    }
    if (!code_is_whole(k) || k->len > k->ram_below_4g) {
        error_setg(errp, "invalid kernel header: '%s' is cut short or larger "
                   "than the memory", k->config->kernel);
        return false;
    }
    return true;
}

/* --- command line --- */

/* The mode that "vga=" asks the set-up code for. */
static uint16_t video_mode(const char *value)
{
    if (g_str_has_prefix(value, "normal")) {
        return 0xffff;
    }
    if (g_str_has_prefix(value, "ext")) {
        return 0xfffe;
    }
    if (g_str_has_prefix(value, "ask")) {
        return 0xfffd;
    }
    return strtoul(value, NULL, 0);
}

static bool add_cmdline(const KernelFile *k, uint8_t *setup,
                        const LinuxLayout *layout, GError **errp)
{
    const char *text = k->config->append ? k->config->append : "";
    size_t len = strlen(text) + 1;
    size_t room = layout == &layout_high ? CMDLINE_ROOM_HIGH : CMDLINE_ROOM_LOW;
    uint32_t max = version(k) >= 0x206 ? get_le32(setup + HDR_CMDLINE_SIZE)
                                       : OLD_CMDLINE_MAX;
    const char *vga = strstr(text, "vga=");

    if (len > room) {
        error_setg(errp, "kernel command line of %zu bytes is too long (-append"
                   ")", len - 1);
        return false;
    }
    if (len - 1 > max) {
        warn_report("kernel command line of %zu bytes is too long: the kernel "
                    "looks at %u bytes", len - 1, max);
    }
    if (vga) {
        put_le16(setup + HDR_VID_MODE, video_mode(vga + strlen("vga=")));
    }
    put_le32(setup + HDR_CMD_LINE_PTR, layout->cmdline);
    fw_cfg_add_i32(k->fw, FW_CFG_CMDLINE_ADDR, layout->cmdline);
    fw_cfg_add_i32(k->fw, FW_CFG_CMDLINE_SIZE, len);
    fw_cfg_add_bytes(k->fw, FW_CFG_CMDLINE_DATA, text, len);
    return true;
}

/* --- initial RAM disk --- */

/* Highest address that a byte of it may have. */
static uint64_t initrd_max(const KernelFile *k)
{
    uint64_t max = OLD_INITRD_MAX;

    if (version(k) >= 0x20c &&
        (get_le16(k->data + HDR_XLOADFLAGS) & XLF_ABOVE_4G)) {
        max = UINT32_MAX; /* the kernel takes it anywhere */
    } else if (version(k) >= 0x203) {
        max = get_le32(k->data + HDR_INITRD_ADDR_MAX);
    }
    return MIN(max, k->ram_below_4g - FIRMWARE_RESERVE - 1);
}

static bool add_initrd(const KernelFile *k, uint8_t *setup, GError **errp)
{
    uint64_t max = initrd_max(k);
    uint8_t *data = NULL;
    uint32_t addr;
    size_t len;
    int fd;

    if (!k->config->initrd) {
        return true;
    }
    fd = open_regular_file(k->config->initrd, &len);
    if (fd < 0) {
        data = load_file("initrd", k->config->initrd, &len, errp);
        if (!data) {
            return false;
        }
    }
    if (len >= max || ROUND_DOWN(max - len, PAGE_SIZE) < layout_high.kernel) {
        error_setg(errp, "initrd '%s' is too large: %zu bytes, and the memory "
                   "that the kernel can use ends at 0x%" PRIx64,
                   k->config->initrd, len, max);
        g_free(data);
        if (fd >= 0) {
            close(fd);
        }
        return false;
    }
    addr = ROUND_DOWN(max - len, PAGE_SIZE);
    put_le32(setup + HDR_RAMDISK_IMAGE, addr);
    put_le32(setup + HDR_RAMDISK_SIZE, len);
    fw_cfg_add_i32(k->fw, FW_CFG_INITRD_ADDR, addr);
    fw_cfg_add_i32(k->fw, FW_CFG_INITRD_SIZE, len);
    if (data) {
        fw_cfg_take_bytes(k->fw, FW_CFG_INITRD_DATA, data, len);
    } else {
        fw_cfg_take_fd(k->fw, FW_CFG_INITRD_DATA, fd, 0, len);
    }
    return true;
}

/* --- the parts of the kernel --- */

static void add_kernel(const KernelFile *k, const LinuxLayout *layout)
{
    uint32_t skip = setup_bytes(k);
    size_t len = 0;
    int fd = open_regular_file(k->config->kernel, &len);

    fw_cfg_add_i32(k->fw, FW_CFG_KERNEL_ADDR, layout->kernel);
    fw_cfg_add_i32(k->fw, FW_CFG_KERNEL_SIZE, k->len - skip);
    if (fd >= 0 && len == k->len) {
        fw_cfg_take_fd(k->fw, FW_CFG_KERNEL_DATA, fd, skip, len - skip);
        return;
    }
    if (fd >= 0) {
        close(fd);
    }
    fw_cfg_add_bytes(k->fw, FW_CFG_KERNEL_DATA, k->data + skip, k->len - skip);
}

static void add_setup(const KernelFile *k, const LinuxLayout *layout,
                      uint8_t *setup)
{
    setup[HDR_TYPE_OF_LOADER] = LOADER_UNDEFINED;
    setup[HDR_LOADFLAGS] |= CAN_USE_HEAP;
    put_le16(setup + HDR_HEAP_END_PTR,
             layout->cmdline - layout->setup - HEAP_END_MARGIN);
    fw_cfg_add_i32(k->fw, FW_CFG_SETUP_ADDR, layout->setup);
    fw_cfg_add_i32(k->fw, FW_CFG_SETUP_SIZE, setup_bytes(k));
    fw_cfg_take_bytes(k->fw, FW_CFG_SETUP_DATA, setup, setup_bytes(k));
}

LoadResult linux_load(const KernelFile *k, GError **errp)
{
    const LinuxLayout *layout;
    uint8_t *setup;

    if (!is_linux(k)) {
        return LOAD_NOT_MINE;
    }
    if (!check_header(k, errp)) {
        return LOAD_FAILED;
    }
    layout = k->data[HDR_LOADFLAGS] & LOADED_HIGH ? &layout_high : &layout_low;
    setup = g_memdup2(k->data, setup_bytes(k));
    if (!add_cmdline(k, setup, layout, errp) || !add_initrd(k, setup, errp)) {
        g_free(setup);
        return LOAD_FAILED;
    }
    add_kernel(k, layout);
    add_setup(k, layout, setup);
    return LOAD_OK;
}
