/* SPDX-License-Identifier: MIT */
/*
 * virtio-blk with iothread=: a ring at a doorbell takes no lock and wakes the
 * thread, which does what there is to do, with the BQL for the rings, the
 * requests' states and the interrupt, and without it for the copying.
 *
 * The device is the BQL's as any other.  What the thread does without it is one
 * request's copy between buffer and RAM: `copying` names that request, nobody
 * else touches it until `copied` is set, and the copy itself takes only leaf
 * locks.  So who has the BQL may wait for it, and then goes on with the request
 * in the thread's place (thread_settle): reset, stop, unplug and the process's
 * end thus need nothing of the thread.
 *
 * The thread is an RCU reader while it is here, and the device's memory is
 * freed after a grace period: after each wait for the BQL it looks whether the
 * device is still there.
 */
#include "hw/block/virtio_blk_internal.h"

#include "exec/bql.h"
#include "util/error.h"

/* --- copying --- */

bool blk_thread_leave_copy(BlkRequest *r)
{
    BlkThread *t = &r->s->thread;

    if (!t->ctx || !io_context_is_current(t->ctx) ||
        !virtio_may_copy_ram(&r->s->v.vdev)) {
        return false;
    }
    g_queue_push_tail(&t->to_copy, r);
    return true;
}

/* It was in RAM, or is copied now. */
static void copy_end(BlkRequest *r)
{
    r->s->thread.copying = NULL;
    blk_request_copied(r, r->was_in_ram || blk_request_copy(r));
}

/* The thread, with the BQL, which it drops. */
static void copy_outside(VirtIOBlk *s, BlkRequest *r)
{
    BlkThread *t = &s->thread;

    event_reset(&t->copied);
    t->copying = r;
    bql_unlock();
    r->was_in_ram = blk_request_copy_ram(r);
    event_set(&t->copied); /* @r may be gone from here on */
    bql_lock();
    if (t->copying == r) {
        copy_end(r);
    }
}

/* BlockOwner.settle */
static bool thread_settle(void *opaque)
{
    VirtIOBlk *s = opaque;
    BlkThread *t = &s->thread;
    bool some = t->copying != NULL;
    BlkRequest *r;

    if (t->copying) {
        event_wait(&t->copied);
        copy_end(t->copying);
    }
    while ((r = g_queue_pop_head(&t->to_copy))) {
        blk_request_copied(r, blk_request_copy(r));
        some = true;
    }
    return some;
}

/* --- the thread --- */

static void handle_rings(VirtIOBlk *s)
{
    uint32_t rung = __atomic_exchange_n(&s->thread.rung, 0, __ATOMIC_SEQ_CST);

    for (unsigned i = 0; i < s->num_queues; i++) {
        if (rung & BIT(i)) {
            virtio_notify_queue(&s->v.vdev, i);
        }
    }
}

/* One thing after another; true: look again.  While the machine stands, rings
 * stay until the bell is rung when it goes on. */
static bool thread_step(VirtIOBlk *s)
{
    BlkThread *t = &s->thread;
    BlkRequest *r;

    if (!t->ctx || block_is_settled()) {
        return false;
    }
    block_complete(s->drive);
    r = g_queue_pop_head(&t->to_copy);
    if (r) {
        copy_outside(s, r);
        return true;
    }
    handle_rings(s);
    return !g_queue_is_empty(&t->to_copy);
}

static void thread_wake(void *opaque)
{
    bql_lock();
    while (thread_step(opaque)) {
    }
    bql_unlock();
}

/* --- bells; any thread --- */

static void thread_notify(void *opaque)
{
    VirtIOBlk *s = opaque;

    event_notifier_set(s->thread.bell);
}

static void thread_doorbell(VirtIODevice *vdev, unsigned index)
{
    VirtIOBlk *s = container_of(vdev, VirtIOBlk, v.vdev);

    if (index < s->num_queues) {
        __atomic_fetch_or(&s->thread.rung, BIT(index), __ATOMIC_SEQ_CST);
        thread_notify(s);
    }
}

void blk_thread_ring_all(VirtIOBlk *s)
{
    __atomic_fetch_or(&s->thread.rung, BIT(s->num_queues) - 1,
                      __ATOMIC_SEQ_CST);
    thread_notify(s);
}

void blk_thread_forget_rings(VirtIOBlk *s)
{
    __atomic_store_n(&s->thread.rung, 0, __ATOMIC_SEQ_CST);
}

/* --- come and go --- */

bool blk_thread_prepare(VirtIOBlk *s, GError **errp)
{
    BlkThread *t = &s->thread;

    if (!s->iothread) {
        return true;
    }
    t->ctx = io_context_find(s->iothread);
    if (!t->ctx) {
        error_setg(errp, "Device '%s' not found: give -object iothread,id=%s",
                   s->iothread, s->iothread);
        return false;
    }
    t->bell = event_notifier_new(errp);
    if (!t->bell) {
        t->ctx = NULL;
        return false;
    }
    event_init(&t->copied, false);
    io_context_get(t->ctx);
    return true;
}

void blk_thread_abandon(VirtIOBlk *s)
{
    IoContext *ctx = g_steal_pointer(&s->thread.ctx);

    if (ctx) {
        io_context_put(ctx);
        event_notifier_free(s->thread.bell);
    }
}

void blk_thread_bind(VirtIOBlk *s)
{
    static const BlockOwner owner = { .notify = thread_notify,
                                      .settle = thread_settle };
    BlkThread *t = &s->thread;

    if (t->ctx) {
        virtio_pci_set_doorbell(&s->v, thread_doorbell);
        block_set_owner(s->drive, &owner, s);
        event_notifier_watch(t->bell, t->ctx, thread_wake, s);
    }
}

void blk_thread_unbind(VirtIOBlk *s)
{
    if (s->thread.ctx) {
        event_notifier_unwatch(s->thread.bell);
        block_set_owner(s->drive, NULL, NULL);
        blk_thread_abandon(s);
    }
}
