/* SPDX-License-Identifier: MIT */
/*
 * fw_cfg through its ports and its DMA interface.  Expected values: the
 * interface's specification.
 */
#include <string.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "hw/nvram/boot_order.h"
#include "hw/nvram/fw_cfg.h"
#include "tests/hw/chipset_fixture.h"
#include "util/bytes.h"

#define SELECTOR  0x510
#define DATA      0x511
#define DMA_HIGH  0x514
#define DMA_LOW   0x518
#define REQUEST   0x1000 /* guest addresses */
#define BUFFER    0x2000
#define CTL_ERROR 1
#define CTL_READ  2
#define CTL_SKIP  4
#define CTL_SEL   8
#define CTL_WRITE 16

static FwCfgState *fw;
static MemoryRegion ram;

static void select_key(uint16_t key)
{
    io_write(SELECTOR, key, 2);
}

static void read_data(uint8_t *out, unsigned len)
{
    for (unsigned i = 0; i < len; i++) {
        out[i] = io_read(DATA, 1);
    }
}

/* Returns the control word that the device leaves. */
static uint32_t dma(uint32_t control, uint32_t len, uint64_t addr)
{
    uint8_t request[16];

    put_be32(request, control);
    put_be32(request + 4, len);
    put_be64(request + 8, addr);
    address_space_write(&address_space_memory, REQUEST, request, 16);
    io_write(DMA_LOW, GUINT32_TO_BE(REQUEST), 4);
    address_space_read(&address_space_memory, REQUEST, request, 4);
    return get_be32(request);
}

/* The key of a file and its size, as a guest finds them. */
static bool find(const char *name, uint16_t *key, uint32_t *size)
{
    uint8_t count[4], entry[64];

    select_key(FW_CFG_FILE_DIR);
    read_data(count, 4);
    for (uint32_t i = 0; i < get_be32(count); i++) {
        read_data(entry, 64);
        if (strcmp((char *)entry + 8, name) == 0) {
            *size = get_be32(entry);
            *key = entry[4] << 8 | entry[5];
            return true;
        }
    }
    return false;
}

static void test_signature(void)
{
    uint8_t bytes[6], id[4];

    select_key(0);
    read_data(bytes, 6);
    g_assert_cmpmem(bytes, 6, "QEMU\0\0", 6); /* zeros past the end */
    select_key(1);
    read_data(id, 4);
    g_assert_cmphex(get_le32(id), ==, 3);
    g_assert_cmphex(GUINT32_FROM_BE(io_read(DMA_HIGH, 4)), ==, 0x51454d55);
    g_assert_cmphex(GUINT32_FROM_BE(io_read(DMA_LOW, 4)), ==, 0x20434647);
}

static void test_unknown_key(void)
{
    select_key(0x3fff);
    g_assert_cmphex(io_read(DATA, 1), ==, 0);
    select_key(0x8000);
    g_assert_cmphex(io_read(DATA, 1), ==, 0);
}

static void test_directory(void)
{
    uint32_t size;
    uint16_t key;
    uint8_t bytes[5];

    g_assert_true(find("etc/test", &key, &size));
    g_assert_cmpuint(size, ==, 5);
    g_assert_cmphex(key, >=, 0x20);
    select_key(key);
    read_data(bytes, 5);
    g_assert_cmpmem(bytes, 5, "hello", 5);
    g_assert_false(find("etc/none", &key, &size));
}

static void test_dma_read(void)
{
    uint8_t got[8];
    uint32_t size;
    uint16_t key;

    g_assert_true(find("etc/test", &key, &size));
    address_space_write(&address_space_memory, BUFFER, "XXXXXXXX", 8);
    g_assert_cmphex(dma(key << 16 | CTL_SEL | CTL_READ, 7, BUFFER), ==, 0);
    address_space_read(&address_space_memory, BUFFER, got, 8);
    g_assert_cmpmem(got, 8, "hello\0\0X", 8);
    /* Skip two, then go on from there. */
    g_assert_cmphex(dma(key << 16 | CTL_SEL | CTL_SKIP, 2, 0), ==, 0);
    g_assert_cmphex(dma(CTL_READ, 3, BUFFER), ==, 0);
    address_space_read(&address_space_memory, BUFFER, got, 3);
    g_assert_cmpmem(got, 3, "llo", 3);
}

/* An item that stays in its file, of which it is a part. */
static void test_file(void)
{
    g_autofree char *name = NULL;
    int fd = g_file_open_tmp(NULL, &name, NULL);
    uint8_t got[8] = "XXXXXXX", byte;

    g_assert_cmpint(fd, >=, 0);
    g_unlink(name);
    g_assert_cmpint(write(fd, "--hello--", 9), ==, 9);
    fw_cfg_take_fd(fw, FW_CFG_INITRD_DATA, fd, 2, 5);
    select_key(FW_CFG_INITRD_DATA);
    read_data(&byte, 1);
    g_assert_cmphex(byte, ==, 'h');
    g_assert_cmphex(dma(CTL_READ, 5, BUFFER), ==, 0);
    address_space_read(&address_space_memory, BUFFER, got, 5);
    g_assert_cmpmem(got, 6, "ello\0X", 6);
    /* The guest hears of a file that shrank. */
    g_assert_cmpint(ftruncate(fd, 4), ==, 0);
    g_assert_cmphex(dma(FW_CFG_INITRD_DATA << 16 | CTL_SEL | CTL_READ, 5,
                        BUFFER), ==, CTL_ERROR);
}

static void test_dma_errors(void)
{
    uint32_t size;
    uint16_t key;

    g_assert_true(find("etc/test", &key, &size));
    g_assert_cmphex(dma(key << 16 | CTL_SEL | CTL_READ, 5, 0x800000000), ==,
                    CTL_ERROR);
    g_assert_cmphex(dma(key << 16 | CTL_SEL | CTL_WRITE, 5, BUFFER), ==,
                    CTL_ERROR); /* not writable */
    g_assert_cmphex(dma(key << 16 | CTL_SEL | CTL_SKIP, UINT32_MAX, 0), ==, 0);
    g_assert_cmphex(dma(CTL_SKIP, UINT32_MAX, 0), ==, 0);
    g_assert_cmphex(dma(CTL_READ, 4, BUFFER), ==, 0);
    g_assert_cmphex(mem_read(BUFFER, 4), ==, 0);
    io_write(DMA_HIGH, 0xffffffff, 4); /* a request that is nowhere */
    io_write(DMA_LOW, 0xffffffff, 4);
}

static void test_dma_write(void)
{
    const FwCfgItem *item = fw_cfg_find_file(fw, "etc/writable");
    uint32_t size;
    uint16_t key;

    g_assert_true(find("etc/writable", &key, &size));
    address_space_write(&address_space_memory, BUFFER, "12345678", 8);
    g_assert_cmphex(dma(key << 16 | CTL_SEL | CTL_WRITE, 8, BUFFER), ==, 0);
    g_assert_cmpmem(item->data, 8, "12345678", 8);
    g_assert_cmphex(dma(key << 16 | CTL_SEL | CTL_WRITE, 9, BUFFER), ==,
                    CTL_ERROR); /* one too many */
}

static void test_replace(void)
{
    uint32_t size;
    uint16_t before, after;

    g_assert_true(find("bootorder", &before, &size));
    g_assert_true(fw_cfg_add_file(fw, "bootorder", "second", 7, NULL));
    g_assert_true(find("bootorder", &after, &size));
    g_assert_cmpuint(size, ==, 7);
    g_assert_cmphex(before, ==, after);
}

static void count_up(void *opaque)
{
    uint8_t *n = opaque;

    (*n)++;
    g_assert_true(fw_cfg_add_file(fw, "count", n, 1, NULL));
}

/* A file is what it is at its selection, by port and by DMA. */
static void test_refresh(void)
{
    uint8_t n = 0, value;
    uint16_t key;
    uint32_t size;

    count_up(&n);
    g_assert_true(find("count", &key, &size));
    fw_cfg_set_refresh(fw, count_up, &n);
    select_key(key);
    read_data(&value, 1);
    g_assert_cmpuint(value, ==, 2);
    g_assert_cmphex(dma((uint32_t)key << 16 | CTL_SEL | CTL_READ, 1, BUFFER),
                    ==, 0);
    address_space_read(&address_space_memory, BUFFER, &value, 1);
    g_assert_cmpuint(value, ==, 3);
    select_key(FW_CFG_ID);
    g_assert_cmpuint(n, ==, 3);
    fw_cfg_set_refresh(fw, NULL, NULL);
}

static const char *boot_order(void)
{
    device_reset(&fw->dev);
    return (const char *)fw_cfg_find_file(fw, "bootorder")->data;
}

static void test_boot_order(void)
{
    g_assert_cmpstr(boot_order(), ==, "");
    boot_order_add_pci(2, PCI_DEVFN(4, 0), "scsi", "/disk@0,0");
    boot_order_add_pci(1, PCI_DEVFN(3, 1), "ethernet", "");
    boot_order_add(BOOT_INDEX_NONE, "/never");
    boot_order_add_first("/rom@genroms/x");
    boot_order_set_strict(true);
    g_assert_cmpstr(boot_order(), ==, "/rom@genroms/x\n"
                    "/pci@i0cf8/ethernet@3,1\n"
                    "/pci@i0cf8/scsi@4/disk@0,0\nHALT");
    boot_order_remove("/rom@genroms/x");
    boot_order_remove_pci(PCI_DEVFN(3, 1), "ethernet", "");
    boot_order_set_strict(false);
    g_assert_cmpstr(boot_order(), ==, "/pci@i0cf8/scsi@4/disk@0,0");
}

static void test_full(void)
{
    g_autofree char *name = g_strnfill(56, 'x');

    /* There is no room for the NUL. */
    g_assert_false(fw_cfg_add_file(fw, name, "", 0, NULL));
    for (int i = 0; fw->files < FW_CFG_FILE_SLOTS; i++) {
        g_autofree char *file = g_strdup_printf("opt/%d", i);

        g_assert_true(fw_cfg_add_file(fw, file, "", 0, NULL));
    }
    g_assert_false(fw_cfg_add_file(fw, "opt/last", "", 0, NULL));
}

int main(int argc, char **argv)
{
    fixture_init(&argc, &argv);
    g_assert_true(memory_region_init_ram(&ram, "ram", MiB, NULL));
    memory_region_add(system_memory(), 0, &ram);
    fw = fw_cfg_create(system_io());
    g_assert_true(fw_cfg_add_file(fw, "etc/test", "hello", 5, NULL));
    g_assert_true(fw_cfg_add_file(fw, "etc/writable", "\0\0\0\0\0\0\0\0", 8,
                                  NULL));
    fw_cfg_set_writable(fw, "etc/writable");
    g_assert_true(fw_cfg_add_file(fw, "bootorder", "", 1, NULL));
    g_test_add_func("/fw_cfg/signature", test_signature);
    g_test_add_func("/fw_cfg/unknown-key", test_unknown_key);
    g_test_add_func("/fw_cfg/directory", test_directory);
    g_test_add_func("/fw_cfg/dma-read", test_dma_read);
    g_test_add_func("/fw_cfg/file", test_file);
    g_test_add_func("/fw_cfg/dma-errors", test_dma_errors);
    g_test_add_func("/fw_cfg/dma-write", test_dma_write);
    g_test_add_func("/fw_cfg/replace", test_replace);
    g_test_add_func("/fw_cfg/refresh", test_refresh);
    g_test_add_func("/fw_cfg/boot-order", test_boot_order);
    g_test_add_func("/fw_cfg/full", test_full);
    return g_test_run();
}
