/* SPDX-License-Identifier: MIT */
/*
 * Split virtqueues: a driver made of the test writes rings into a small
 * memory, honest ones and hostile ones.
 * Source: VIRTIO 1.1, 2.6 "Split Virtqueues".
 */
#include <string.h>

#include "hw/virtio/virtio.h"

#define MEMORY_BYTES 0x20000u
#define QUEUE_SIZE   8u

/* Where the driver puts things. */
#define DESC_AT     0x1000u
#define AVAIL_AT    0x2000u
#define USED_AT     0x3000u
#define INDIRECT_AT 0x4000u
#define DATA_AT     0x10000u

enum {
    NEXT = 1,
    WRITE = 2,
    INDIRECT = 4,
};

typedef struct Fixture {
    uint8_t memory[MEMORY_BYTES];
    VirtIODevice vdev;
    VirtQueue *q;
    unsigned queue_irqs, config_irqs, resets;
    uint16_t avail_idx;
    VirtElement elem;
} Fixture;

static MemTxResult fake_read(void *opaque, hwaddr addr, void *buf, uint64_t len)
{
    Fixture *f = opaque;

    if (addr > MEMORY_BYTES || len > MEMORY_BYTES - addr) {
        return MEMTX_DECODE_ERROR;
    }
    memcpy(buf, f->memory + addr, len);
    return MEMTX_OK;
}

static MemTxResult fake_write(void *opaque, hwaddr addr, const void *buf,
                              uint64_t len)
{
    Fixture *f = opaque;

    if (addr > MEMORY_BYTES || len > MEMORY_BYTES - addr) {
        return MEMTX_DECODE_ERROR;
    }
    memcpy(f->memory + addr, buf, len);
    return MEMTX_OK;
}

static void fake_interrupt(void *opaque, uint16_t vector, bool config)
{
    Fixture *f = opaque;

    if (config) {
        f->config_irqs++;
    } else {
        f->queue_irqs++;
    }
}

static const VirtIOTransport transport = {fake_read, fake_write,
                                          fake_interrupt};
static const VirtIOClass klass = {.device_id = 2};

/* --- the driver --- */

static void put(Fixture *f, uint32_t at, uint64_t value, unsigned bytes)
{
    g_assert_cmpuint(at + bytes, <=, MEMORY_BYTES);
    for (unsigned i = 0; i < bytes; i++) {
        f->memory[at + i] = value >> (8 * i);
    }
}

static uint32_t get(Fixture *f, uint32_t at, unsigned bytes)
{
    uint32_t value = 0;

    for (unsigned i = 0; i < bytes; i++) {
        value |= (uint32_t)f->memory[at + i] << (8 * i);
    }
    return value;
}

static void desc_in(Fixture *f, uint32_t table, unsigned n, uint64_t addr,
                    uint32_t len, uint16_t flags, uint16_t next)
{
    put(f, table + 16 * n, addr, 8);
    put(f, table + 16 * n + 8, len, 4);
    put(f, table + 16 * n + 12, flags, 2);
    put(f, table + 16 * n + 14, next, 2);
}

static void desc(Fixture *f, unsigned n, uint64_t addr, uint32_t len,
                 uint16_t flags, uint16_t next)
{
    desc_in(f, DESC_AT, n, addr, len, flags, next);
}

static void offer(Fixture *f, uint16_t head)
{
    put(f, AVAIL_AT + 4 + 2 * (f->avail_idx % QUEUE_SIZE), head, 2);
    put(f, AVAIL_AT + 2, ++f->avail_idx, 2);
}

static void start(Fixture *f, uint64_t features)
{
    f->vdev.guest_features = features | VIRTIO_F_VERSION_1;
    virtio_set_status(&f->vdev, VIRTIO_STATUS_ACKNOWLEDGE |
                                    VIRTIO_STATUS_DRIVER |
                                    VIRTIO_STATUS_FEATURES_OK);
    f->q->size = QUEUE_SIZE;
    f->q->desc = DESC_AT;
    f->q->avail = AVAIL_AT;
    f->q->used = USED_AT;
    f->q->enabled = true;
    virtio_set_status(&f->vdev, f->vdev.status | VIRTIO_STATUS_DRIVER_OK);
}

static void setup(Fixture *f, gconstpointer unused)
{
    memset(f, 0, sizeof(*f));
    virtio_init(&f->vdev, &klass, 0, 1, &transport, f);
    f->q = &f->vdev.queue[0];
    start(f, VIRTIO_F_INDIRECT_DESC);
}

static void teardown(Fixture *f, gconstpointer unused)
{
}

/* --- honest drivers --- */

static void test_chain(Fixture *f, gconstpointer unused)
{
    char buf[8];

    memcpy(f->memory + DATA_AT, "abcdef", 6);
    desc(f, 3, DATA_AT, 4, NEXT, 5);
    desc(f, 5, DATA_AT + 4, 2, NEXT, 0);
    desc(f, 0, DATA_AT + 0x100, 3, WRITE | NEXT, 1);
    desc(f, 1, DATA_AT + 0x200, 5, WRITE, 0);
    g_assert_false(virtqueue_pop(f->q, &f->elem));
    offer(f, 3);
    g_assert_true(virtqueue_pop(f->q, &f->elem));
    g_assert_cmpuint(f->elem.head, ==, 3);
    g_assert_cmpuint(f->elem.nout, ==, 2);
    g_assert_cmpuint(f->elem.nin, ==, 2);
    g_assert_cmpuint(f->elem.out_bytes, ==, 6);
    g_assert_cmpuint(f->elem.in_bytes, ==, 8);
    g_assert_true(virtelement_read(&f->elem, 1, buf, 5));
    g_assert_cmpmem(buf, 5, "bcdef", 5);
    g_assert_false(virtelement_read(&f->elem, 2, buf, 5));
    g_assert_true(virtelement_write(&f->elem, 1, "12345", 5));
    g_assert_cmpmem(f->memory + DATA_AT + 0x101, 2, "12", 2);
    g_assert_cmpmem(f->memory + DATA_AT + 0x200, 3, "345", 3);
    g_assert_false(virtelement_write(&f->elem, 5, "1234", 4));
    virtqueue_push(f->q, &f->elem, 6);
    g_assert_cmpuint(get(f, USED_AT + 2, 2), ==, 1);
    g_assert_cmpuint(get(f, USED_AT + 4, 4), ==, 3);
    g_assert_cmpuint(get(f, USED_AT + 8, 4), ==, 6);
    g_assert_cmpuint(f->queue_irqs, ==, 1);
}

static void use_one(Fixture *f)
{
    desc(f, 0, DATA_AT, 1, WRITE, 0);
    offer(f, 0);
    g_assert_true(virtqueue_pop(f->q, &f->elem));
    virtqueue_push(f->q, &f->elem, 1);
}

/* The indices run over 16 bits while the ring has eight entries. */
static void test_wraparound(Fixture *f, gconstpointer unused)
{
    for (unsigned i = 0; i < 70000; i++) {
        use_one(f);
    }
    g_assert_cmpuint(get(f, USED_AT + 2, 2), ==, 70000 & 0xffff);
    g_assert_cmpuint(f->queue_irqs, ==, 70000);
}

static void test_no_interrupt_flag(Fixture *f, gconstpointer unused)
{
    put(f, AVAIL_AT, 1, 2);
    use_one(f);
    g_assert_cmpuint(f->queue_irqs, ==, 0);
    put(f, AVAIL_AT, 0, 2);
    use_one(f);
    g_assert_cmpuint(f->queue_irqs, ==, 1);
    virtqueue_set_notification(f->q, false);
    g_assert_cmpuint(get(f, USED_AT, 2), ==, 1);
    virtqueue_set_notification(f->q, true);
    g_assert_cmpuint(get(f, USED_AT, 2), ==, 0);
}

/* 2.6.7.2: an interrupt when the used index passes used_event. */
static void test_event_index(Fixture *f, gconstpointer unused)
{
    uint32_t used_event = AVAIL_AT + 4 + 2 * QUEUE_SIZE;
    uint32_t avail_event = USED_AT + 4 + 8 * QUEUE_SIZE;

    virtio_reset(&f->vdev);
    f->avail_idx = 0;
    start(f, VIRTIO_F_EVENT_IDX);
    put(f, AVAIL_AT + 2, 0, 2);
    put(f, used_event, 0, 2);
    use_one(f);
    g_assert_cmpuint(f->queue_irqs, ==, 1);
    put(f, used_event, 2, 2); /* when three are used */
    use_one(f);
    g_assert_cmpuint(f->queue_irqs, ==, 1);
    use_one(f);
    g_assert_cmpuint(f->queue_irqs, ==, 2);
    use_one(f);
    g_assert_cmpuint(f->queue_irqs, ==, 2);
    virtqueue_set_notification(f->q, true);
    g_assert_cmpuint(get(f, avail_event, 2), ==, 4);
}

static void test_indirect(Fixture *f, gconstpointer unused)
{
    desc(f, 2, INDIRECT_AT, 3 * 16, INDIRECT, 0);
    desc_in(f, INDIRECT_AT, 0, DATA_AT, 10, NEXT, 2);
    desc_in(f, INDIRECT_AT, 2, DATA_AT + 16, 20, WRITE, 0);
    offer(f, 2);
    g_assert_true(virtqueue_pop(f->q, &f->elem));
    g_assert_cmpuint(f->elem.out_bytes, ==, 10);
    g_assert_cmpuint(f->elem.in_bytes, ==, 20);
}

/* As long as the queue, and no longer. */
static void test_longest_chain(Fixture *f, gconstpointer unused)
{
    for (unsigned i = 0; i < QUEUE_SIZE; i++) {
        desc(f, i, DATA_AT, 1, i < QUEUE_SIZE - 1 ? NEXT : 0, i + 1);
    }
    offer(f, 0);
    g_assert_true(virtqueue_pop(f->q, &f->elem));
    g_assert_cmpuint(f->elem.nout, ==, QUEUE_SIZE);
}

static void test_features(Fixture *f, gconstpointer unused)
{
    virtio_reset(&f->vdev);
    virtio_set_status(&f->vdev, VIRTIO_STATUS_FEATURES_OK);
    g_assert_cmpuint(f->vdev.status & VIRTIO_STATUS_FEATURES_OK, ==, 0);
    f->vdev.guest_features = VIRTIO_F_VERSION_1 | BIT64(40);
    virtio_set_status(&f->vdev, VIRTIO_STATUS_FEATURES_OK);
    g_assert_cmpuint(f->vdev.status & VIRTIO_STATUS_FEATURES_OK, ==, 0);
    f->vdev.guest_features = VIRTIO_F_VERSION_1;
    virtio_set_status(&f->vdev, VIRTIO_STATUS_FEATURES_OK);
    g_assert_cmpuint(f->vdev.status & VIRTIO_STATUS_FEATURES_OK, !=, 0);
}

static void test_not_started(Fixture *f, gconstpointer unused)
{
    desc(f, 0, DATA_AT, 1, WRITE, 0);
    offer(f, 0);
    f->q->enabled = false;
    g_assert_false(virtqueue_pop(f->q, &f->elem));
    f->q->enabled = true;
    f->vdev.status &= ~VIRTIO_STATUS_DRIVER_OK;
    g_assert_false(virtqueue_pop(f->q, &f->elem));
    virtio_notify_queue(&f->vdev, 0);
    virtio_notify_queue(&f->vdev, 0xffff);
}

/* --- hostile ones --- */

/* The device asks for a reset, once, and does nothing until it comes. */
static void assert_breaks(Fixture *f)
{
    g_assert_false(virtqueue_pop(f->q, &f->elem));
    g_assert_cmpuint(f->vdev.status & VIRTIO_STATUS_NEEDS_RESET, !=, 0);
    g_assert_cmpuint(f->config_irqs, ==, 1);
    desc(f, 0, DATA_AT, 1, WRITE, 0);
    offer(f, 0);
    g_assert_false(virtqueue_pop(f->q, &f->elem));
    virtio_set_status(&f->vdev, 0xf);
    g_assert_cmpuint(f->vdev.status & VIRTIO_STATUS_NEEDS_RESET, !=, 0);
    virtio_set_status(&f->vdev, 0);
    g_assert_cmpuint(f->vdev.status, ==, 0);
    f->avail_idx = 0;
    put(f, AVAIL_AT + 2, 0, 2);
    start(f, VIRTIO_F_INDIRECT_DESC);
    use_one(f);
}

static void test_head_past_end(Fixture *f, gconstpointer unused)
{
    offer(f, QUEUE_SIZE);
    assert_breaks(f);
}

static void test_next_past_end(Fixture *f, gconstpointer unused)
{
    desc(f, 0, DATA_AT, 1, NEXT, 0xffff);
    offer(f, 0);
    assert_breaks(f);
}

static void test_loop(Fixture *f, gconstpointer unused)
{
    desc(f, 0, DATA_AT, 1, NEXT, 1);
    desc(f, 1, DATA_AT, 1, NEXT, 0);
    offer(f, 0);
    assert_breaks(f);
}

static void test_readable_after_writable(Fixture *f, gconstpointer unused)
{
    desc(f, 0, DATA_AT, 1, WRITE | NEXT, 1);
    desc(f, 1, DATA_AT, 1, 0, 0);
    offer(f, 0);
    assert_breaks(f);
}

static void test_index_ran_ahead(Fixture *f, gconstpointer unused)
{
    put(f, AVAIL_AT + 2, QUEUE_SIZE + 1, 2);
    assert_breaks(f);
}

static void test_ring_outside_memory(Fixture *f, gconstpointer unused)
{
    f->q->avail = MEMORY_BYTES;
    assert_breaks(f);
}

static void test_table_outside_memory(Fixture *f, gconstpointer unused)
{
    desc(f, 0, 0xfffffffffffffff0, 32, INDIRECT, 0);
    offer(f, 0);
    assert_breaks(f);
}

static void test_indirect_odd_length(Fixture *f, gconstpointer unused)
{
    desc(f, 0, INDIRECT_AT, 17, INDIRECT, 0);
    offer(f, 0);
    assert_breaks(f);
}

static void test_indirect_empty(Fixture *f, gconstpointer unused)
{
    desc(f, 0, INDIRECT_AT, 0, INDIRECT, 0);
    offer(f, 0);
    assert_breaks(f);
}

static void test_indirect_nested(Fixture *f, gconstpointer unused)
{
    desc(f, 0, INDIRECT_AT, 16, INDIRECT, 0);
    desc_in(f, INDIRECT_AT, 0, INDIRECT_AT, 16, INDIRECT, 0);
    offer(f, 0);
    assert_breaks(f);
}

static void test_indirect_with_next(Fixture *f, gconstpointer unused)
{
    desc(f, 0, INDIRECT_AT, 16, INDIRECT | NEXT, 1);
    offer(f, 0);
    assert_breaks(f);
}

static void test_indirect_huge(Fixture *f, gconstpointer unused)
{
    desc(f, 0, INDIRECT_AT, 0xfffffff0, INDIRECT, 0);
    for (unsigned i = 0; i < 16; i++) {
        desc_in(f, INDIRECT_AT, i, DATA_AT, 0xffffffff, NEXT, i + 1);
    }
    offer(f, 0);
    assert_breaks(f);
}

static void test_indirect_not_agreed(Fixture *f, gconstpointer unused)
{
    f->vdev.guest_features &= ~VIRTIO_F_INDIRECT_DESC;
    desc(f, 0, INDIRECT_AT, 16, INDIRECT, 0);
    offer(f, 0);
    assert_breaks(f);
}

/* A used ring that cannot be written breaks it too. */
static void test_used_outside_memory(Fixture *f, gconstpointer unused)
{
    f->q->used = MEMORY_BYTES;
    desc(f, 0, DATA_AT, 1, WRITE, 0);
    offer(f, 0);
    g_assert_true(virtqueue_pop(f->q, &f->elem));
    virtqueue_push(f->q, &f->elem, 1);
    g_assert_cmpuint(f->queue_irqs, ==, 0);
    assert_breaks(f);
}

/* Data outside memory is for the request to fail on; the queue lives. */
static void test_data_outside_memory(Fixture *f, gconstpointer unused)
{
    char buf[4];

    desc(f, 0, UINT64_MAX, 4, 0, 0);
    offer(f, 0);
    g_assert_true(virtqueue_pop(f->q, &f->elem));
    g_assert_false(virtelement_read(&f->elem, 0, buf, 4));
    g_assert_cmpuint(f->vdev.status & VIRTIO_STATUS_NEEDS_RESET, ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name, fn) g_test_add(name, Fixture, NULL, setup, fn, teardown)
    ADD("/virtio/chain", test_chain);
    ADD("/virtio/wraparound", test_wraparound);
    ADD("/virtio/no-interrupt-flag", test_no_interrupt_flag);
    ADD("/virtio/event-index", test_event_index);
    ADD("/virtio/indirect", test_indirect);
    ADD("/virtio/longest-chain", test_longest_chain);
    ADD("/virtio/features", test_features);
    ADD("/virtio/not-started", test_not_started);
    ADD("/virtio/head-past-end", test_head_past_end);
    ADD("/virtio/next-past-end", test_next_past_end);
    ADD("/virtio/loop", test_loop);
    ADD("/virtio/readable-after-writable", test_readable_after_writable);
    ADD("/virtio/index-ran-ahead", test_index_ran_ahead);
    ADD("/virtio/ring-outside-memory", test_ring_outside_memory);
    ADD("/virtio/table-outside-memory", test_table_outside_memory);
    ADD("/virtio/indirect-odd-length", test_indirect_odd_length);
    ADD("/virtio/indirect-empty", test_indirect_empty);
    ADD("/virtio/indirect-nested", test_indirect_nested);
    ADD("/virtio/indirect-with-next", test_indirect_with_next);
    ADD("/virtio/indirect-huge", test_indirect_huge);
    ADD("/virtio/indirect-not-agreed", test_indirect_not_agreed);
    ADD("/virtio/used-outside-memory", test_used_outside_memory);
    ADD("/virtio/data-outside-memory", test_data_outside_memory);
    return g_test_run();
}
