/* SPDX-License-Identifier: MIT */
/*
 * virtio-blk with an I/O thread, driven as a guest does: rings in RAM, a
 * doorbell, and what must not happen any more after stop, reset and unplug.
 * Source: VIRTIO 1.1, 4.1.4 "Virtio Structure PCI Capabilities", 5.2.6 "Device
 * Operation".
 */
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "block/block.h"
#include "hw/block/virtio_blk.h"
#include "tests/hw/chipset_fixture.h"
#include "tests/support/loop.h"
#include "util/io-context.h"
#include "util/thread.h"

#define DEVFN      PCI_DEVFN(5, 0)
#define BAR        0xc0000000u
#define STATUS     (BAR + 0x14)
#define ISR        (BAR + 0x1000)
#define DOORBELL   (BAR + 0x3000)
#define QUEUE_SIZE 64u
#define DESC_AT    0x10000u
#define AVAIL_AT   0x11000u
#define USED_AT    0x12000u
#define HEADER_AT  0x13000u /* 16 bytes a request */
#define STATUS_AT  0x14000u /* a byte */
#define DATA_AT    0x100000u
#define NOWHERE    0xd0000000u
#define BYTES      (64 * KiB) /* of one request */
#define REQUESTS   20u        /* three descriptors each */
#define DISK_BYTES (REQUESTS * BYTES)

enum { IN = 0, OUT = 1 };

static IoContext *ctx;
static DeviceState *dev;
static char *path;
static uint16_t avail; /* index; of the driver */

/* --- the driver; BQL --- */

static void driver_start(void)
{
    cfg_write(DEVFN, 0x20, BAR, 4);
    cfg_write(DEVFN, 0x24, 0, 4);
    cfg_write(DEVFN, 0x04, 6, 2); /* memory, bus master */
    mem_write(STATUS, 0, 1);
    mem_write(STATUS, 3, 1);
    mem_write(BAR + 0x08, 1, 4);
    mem_write(BAR + 0x0c, 1, 4); /* VIRTIO_F_VERSION_1 */
    mem_write(STATUS, 11, 1);
    mem_write(BAR + 0x16, 0, 2);
    mem_write(BAR + 0x18, QUEUE_SIZE, 2);
    mem_write(BAR + 0x20, DESC_AT, 4);
    mem_write(BAR + 0x28, AVAIL_AT, 4);
    mem_write(BAR + 0x30, USED_AT, 4);
    mem_write(AVAIL_AT, 0, 4);
    mem_write(USED_AT, 0, 4);
    mem_write(BAR + 0x1c, 1, 2);
    mem_write(STATUS, 15, 1);
    g_assert_cmphex(mem_read(STATUS, 1), ==, 15);
    avail = 0;
}

static void put_desc(unsigned n, uint32_t addr, uint32_t len, unsigned flags)
{
    mem_write(DESC_AT + 16 * n, addr, 8);
    mem_write(DESC_AT + 16 * n + 8, len, 4);
    mem_write(DESC_AT + 16 * n + 12, flags, 2);
    mem_write(DESC_AT + 16 * n + 14, n + 1, 2);
}

/* Request @k: the k-th part of the disk, from or to @addr. */
static void offer(unsigned k, unsigned type, uint32_t addr)
{
    uint32_t header = HEADER_AT + 16 * k;

    mem_write(header, type, 8);
    mem_write(header + 8, k * (BYTES / 512), 8);
    mem_write(STATUS_AT + k, 0xff, 1);
    put_desc(3 * k, header, 16, 1);
    put_desc(3 * k + 1, addr, BYTES, type == IN ? 3 : 1);
    put_desc(3 * k + 2, STATUS_AT + k, 1, 2);
    mem_write(AVAIL_AT + 4 + 2 * (avail % QUEUE_SIZE), 3 * k, 2);
    mem_write(AVAIL_AT + 2, ++avail, 2);
}

static void offer_all(unsigned type)
{
    for (unsigned k = 0; k < REQUESTS; k++) {
        offer(k, type, DATA_AT + k * BYTES);
    }
}

static void ring(void)
{
    mem_write(DOORBELL, 0, 2);
}

static uint16_t used(void)
{
    return mem_read(USED_AT + 2, 2);
}

static void let_others_run(unsigned us)
{
    bql_unlock();
    g_usleep(us);
    bql_lock();
}

static void wait_used(void)
{
    gint64 end = g_get_monotonic_time() + 30 * G_USEC_PER_SEC;

    while (used() != avail) {
        g_assert_cmpint(g_get_monotonic_time(), <, end);
        let_others_run(0);
    }
}

static void fill(uint8_t byte)
{
    g_autofree uint8_t *data = g_malloc(DISK_BYTES);

    memset(data, byte, DISK_BYTES);
    address_space_write(&address_space_memory, DATA_AT, data, DISK_BYTES);
}

static char *memory_digest(void)
{
    g_autofree uint8_t *data = g_malloc(DATA_AT + DISK_BYTES);

    address_space_read(&address_space_memory, 0, data, DATA_AT + DISK_BYTES);
    return g_compute_checksum_for_data(G_CHECKSUM_SHA256, data,
                                       DATA_AT + DISK_BYTES);
}

static char *file_digest(void)
{
    g_autofree char *data = NULL;
    gsize len;

    g_assert_true(g_file_get_contents(path, &data, &len, NULL));
    return g_compute_checksum_for_data(G_CHECKSUM_SHA256, (guchar *)data, len);
}

/* --- the device --- */

static void device_make(void)
{
    dev = device_new(&virtio_blk_pci_type, &chipset.host->bus->bus);
    g_assert_true(device_set_prop(dev, "addr", "5", NULL));
    g_assert_true(device_set_prop(dev, "drive", "d", NULL));
    g_assert_true(device_set_prop(dev, "iothread", "io", NULL));
    g_assert_true(device_realize(dev, NULL));
    g_assert_cmpuint(io_context_users(ctx), ==, 1);
    driver_start();
}

static void check_done(uint8_t status)
{
    for (unsigned k = 0; k < REQUESTS; k++) {
        g_assert_cmphex(mem_read(STATUS_AT + k, 1), ==, status);
    }
}

static void test_read_write(void)
{
    g_autofree char *data = NULL;
    gsize len;

    driver_start();
    fill(0x5a);
    offer_all(OUT);
    ring();
    wait_used();
    check_done(0);
    g_assert_cmphex(mem_read(ISR, 1), ==, 1); /* INTx */
    g_assert_true(g_file_get_contents(path, &data, &len, NULL));
    for (gsize i = 0; i < len; i++) {
        g_assert_cmphex((uint8_t)data[i], ==, 0x5a);
    }
    fill(0);
    offer_all(IN);
    ring();
    wait_used();
    check_done(0);
    g_assert_cmphex(mem_read(DATA_AT, 8), ==, 0x5a5a5a5a5a5a5a5a);
    g_assert_cmphex(mem_read(DATA_AT + DISK_BYTES - 8, 8), ==,
                    0x5a5a5a5a5a5a5a5a);
}

/* What is not RAM is copied under the BQL, and refused where nothing is. */
static void test_not_ram(void)
{
    driver_start();
    for (unsigned k = 0; k < REQUESTS; k++) {
        offer(k, k % 2 ? OUT : IN, NOWHERE);
    }
    ring();
    wait_used();
    check_done(1);
}

static void *ring_without_lock(void *unused)
{
    g_assert_false(bql_locked());
    ring();
    return NULL;
}

/* The doorbell waits for nobody: here the BQL is taken. */
static void test_doorbell(void)
{
    driver_start();
    offer_all(IN);
    thread_join(thread_create("vCPU", ring_without_lock, NULL));
    g_assert_cmpuint(used(), ==, 0);
    wait_used();
    check_done(0);
}

/* --- what must be over --- */

static void assert_stands_still(void)
{
    g_autofree char *memory = memory_digest(), *file = file_digest();
    g_autofree char *memory_2 = NULL, *file_2 = NULL;

    let_others_run(2000);
    memory_2 = memory_digest();
    file_2 = file_digest();
    g_assert_cmpstr(memory, ==, memory_2);
    g_assert_cmpstr(file, ==, file_2);
}

/* A moment of the requests' lives, another one each time. */
static void begin(unsigned round)
{
    fill(round);
    offer_all(round % 2 ? IN : OUT);
    ring();
    let_others_run(round % 8 * 40);
}

static void test_stop(void)
{
    driver_start();
    for (unsigned round = 0; round < 60; round++) {
        begin(round);
        block_settle();
        assert_stands_still();
        ring(); /* is kept */
        assert_stands_still();
        block_retry();
        wait_used();
        check_done(0);
    }
}

static void test_reset(void)
{
    for (unsigned round = 0; round < 60; round++) {
        driver_start();
        begin(round);
        mem_write(STATUS, 0, 1);
        assert_stands_still();
    }
}

static void test_unplug(void)
{
    for (unsigned round = 0; round < 60; round++) {
        driver_start();
        begin(round);
        device_unrealize_free(dev);
        g_assert_cmpuint(io_context_users(ctx), ==, 0);
        g_assert_cmphex(cfg_read(DEVFN, 0, 4), ==, 0xffffffff);
        assert_stands_still();
        device_make();
    }
}

static void make_disk(void)
{
    int fd = g_file_open_tmp("heddle-disk-XXXXXX", &path, NULL);
    g_autofree char *text =
        g_strdup_printf("file=%s,if=none,id=d,format=raw", path);
    g_autoptr(KeyVal) kv = keyval_parse(text, NULL, NULL);

    g_assert_cmpint(ftruncate(fd, DISK_BYTES), ==, 0);
    g_close(fd, NULL);
    g_assert_nonnull(block_drive_add(kv, NULL));
}

int main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    test_loop_init();
    memory_map_init();
    fixture_create_chipset();
    make_disk();
    ctx = io_context_new("io");
    device_make();
    g_test_add_func("/virtio-blk/read-write", test_read_write);
    g_test_add_func("/virtio-blk/not-ram", test_not_ram);
    g_test_add_func("/virtio-blk/doorbell", test_doorbell);
    g_test_add_func("/virtio-blk/stop", test_stop);
    g_test_add_func("/virtio-blk/reset", test_reset);
    g_test_add_func("/virtio-blk/unplug", test_unplug);
    status = g_test_run();
    block_drain_all();
    g_unlink(path);
    return status;
}
