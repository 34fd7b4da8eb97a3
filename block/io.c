/* SPDX-License-Identifier: MIT */
/*
 * Requests: a pool of threads carries them out, and the main loop completes
 * them, or the thread of the back-end's owner.  A finished request waits in one
 * list, under its own leaf lock, for the one of these or for whoever drains: a
 * thread that holds the BQL completes what it finds, of whatever back-end.
 */
#include <errno.h>

#include "block/internal.h"
#include "exec/bql.h"
#include "util/main-loop.h"
#include "util/thread.h"

#define BLOCK_THREADS 8

typedef enum BlockOp {
    BLOCK_READ,
    BLOCK_WRITE,
    BLOCK_FLUSH,
} BlockOp;

typedef struct BlockRequest {
    BlockBackend *blk;
    BlockOp op;
    uint64_t offset;
    const struct iovec *iov;
    unsigned niov;
    BlockDone *done;
    void *opaque;
    bool refused; /* no disk would have done it */
    int error;
} BlockRequest;

static struct {
    GThreadPool *pool;
    BottomHalf *bh;
    unsigned in_flight; /* on their way through the threads; BQL */
    unsigned pushed;    /* ever; atomic */
    GQueue held;        /* failed, and wait for block_retry(); BQL */
    bool settled;       /* by block_settle(); BQL */
    Mutex lock;         /* guards the next one */
    GQueue finished;
    Cond cond; /* something finished */
} io;

/* --- on a pool thread --- */

static int request_perform(const BlockRequest *r)
{
    const BlockBackend *blk = r->blk;

    if (r->refused) {
        return r->error;
    }
    switch (r->op) {
    case BLOCK_READ:
        return blk->overlay
                   ? overlay_readv(blk->overlay, r->offset, r->iov, r->niov)
                   : image_readv(&blk->image, r->offset, r->iov, r->niov);
    case BLOCK_WRITE:
        return blk->overlay
                   ? overlay_writev(blk->overlay, r->offset, r->iov, r->niov)
                   : image_writev(&blk->image, r->offset, r->iov, r->niov);
    case BLOCK_FLUSH:
        /* An overlay is gone after a crash of the host in any case. */
        return blk->overlay || blk->readonly || blk->no_flush
                   ? 0
                   : image_flush(&blk->image);
    }
    return EINVAL;
}

static void request_run(gpointer data, gpointer unused)
{
    BlockRequest *r = data;

    (void)__atomic_load_n(&io.pushed, __ATOMIC_ACQUIRE);
    r->error = request_perform(r);
    mutex_lock(&io.lock);
    g_queue_push_tail(&io.finished, r);
    cond_signal(&io.cond);
    /* With the lock: who finds the request may send the owner away. */
    if (r->blk->owner) {
        r->blk->owner->notify(r->blk->owner_opaque);
    } else {
        bh_schedule(io.bh);
    }
    mutex_unlock(&io.lock);
}

/* --- on any thread, under the BQL --- */

/* Whose completions a thread is after. */
typedef bool RequestFilter(const BlockRequest *r, const BlockBackend *blk);

static bool any_request(const BlockRequest *r, const BlockBackend *blk)
{
    return true;
}

static bool without_owner(const BlockRequest *r, const BlockBackend *blk)
{
    return !r->blk->owner;
}

static bool of_backend(const BlockRequest *r, const BlockBackend *blk)
{
    return r->blk == blk;
}

/* The lock is not held over a completion, which may submit. */
static BlockRequest *finished_pop(RequestFilter *filter,
                                  const BlockBackend *blk)
{
    BlockRequest *r = NULL;

    mutex_lock(&io.lock);
    for (GList *l = io.finished.head; l && !r; l = l->next) {
        if (filter(l->data, blk)) {
            r = l->data;
            g_queue_delete_link(&io.finished, l);
            break;
        }
    }
    mutex_unlock(&io.lock);
    return r;
}

static void request_count(const BlockRequest *r)
{
    BlockCounts *c = &r->blk->counts;
    bool failed = r->error != 0;
    uint64_t bytes = failed ? 0 : iov_bytes(r->iov, r->niov);

    switch (r->op) {
    case BLOCK_READ:
        c->reads++;
        c->failed_reads += failed;
        c->read_bytes += bytes;
        break;
    case BLOCK_WRITE:
        c->writes++;
        c->failed_writes += failed;
        c->written_bytes += bytes;
        break;
    case BLOCK_FLUSH:
        c->flushes++;
        c->failed_flushes += failed;
        break;
    }
}

static void request_complete(BlockRequest *r)
{
    r->done(r->opaque, r->error);
    g_free(r);
}

/* True: it does not complete yet. */
static bool request_holds(BlockRequest *r)
{
    if (!r->error || r->refused) {
        return false;
    }
    switch (on_error(r->blk, r->op != BLOCK_READ, r->error)) {
    case BLOCK_ERROR_IGNORE:
        r->error = 0;
        return false;
    case BLOCK_ERROR_STOP:
        r->blk->stop_error = r->error;
        return true;
    default:
        return false;
    }
}

static void complete_finished(RequestFilter *filter, const BlockBackend *blk)
{
    BlockRequest *r;

    while ((r = finished_pop(filter, blk))) {
        io.in_flight--;
        request_count(r);
        if (request_holds(r)) {
            g_queue_push_tail(&io.held, r);
        } else {
            request_complete(r);
        }
    }
}

static void complete_on_main_loop(void *unused)
{
    complete_finished(without_owner, NULL);
}

void block_complete(BlockBackend *blk)
{
    bql_assert_held();
    if (io.pool) {
        complete_finished(of_backend, blk);
    }
}

static void io_init(void)
{
    if (io.pool) {
        return;
    }
    mutex_init(&io.lock, "block");
    cond_init(&io.cond);
    g_queue_init(&io.finished);
    g_queue_init(&io.held);
    io.bh = bh_new(complete_on_main_loop, NULL);
    io.pool = g_thread_pool_new(request_run, NULL, BLOCK_THREADS, FALSE, NULL);
}

/* 0, or the errno that a disk would answer with. */
static int request_check(const BlockBackend *blk, BlockOp op, uint64_t offset,
                         uint64_t len)
{
    if (blk->image.fd < 0) {
        return ENOMEDIUM;
    }
    if (op == BLOCK_WRITE && blk->readonly) {
        return EROFS;
    }
    if (offset % BLOCK_SECTOR_BYTES || len % BLOCK_SECTOR_BYTES) {
        return EINVAL;
    }
    return len > blk->size_bytes || offset > blk->size_bytes - len ? EIO : 0;
}

static void request_push(BlockRequest *r)
{
    io.in_flight++;
    /* The pool orders what was written to @r before what the thread reads; this
     * says so to a sanitizer that does not see into GLib. */
    __atomic_fetch_add(&io.pushed, 1, __ATOMIC_RELEASE);
    g_thread_pool_push(io.pool, r, NULL);
}

static void wake_owner(BlockBackend *blk, void *opaque)
{
    if (blk->owner) {
        blk->owner->notify(blk->owner_opaque);
    }
}

void block_retry(void)
{
    BlockRequest *r;

    bql_assert_held();
    io.settled = false;
    while ((r = g_queue_pop_head(&io.held))) {
        r->blk->stop_error = 0;
        request_push(r);
    }
    block_foreach(wake_owner, NULL);
}

/* A request that is refused completes like any other, later and from the main
 * loop: callers need to know one way only. */
static void request_submit(BlockBackend *blk, BlockOp op, uint64_t offset,
                           const struct iovec *iov, unsigned niov,
                           BlockDone *done, void *opaque)
{
    BlockRequest *r = g_new0(BlockRequest, 1);
    int error = request_check(blk, op, offset, iov_bytes(iov, niov));

    bql_assert_held();
    io_init();
    *r = (BlockRequest){
        .blk = blk,
        .op = op,
        .offset = offset,
        .iov = iov,
        .niov = niov,
        .done = done,
        .opaque = opaque,
        .refused = error != 0,
        .error = error,
    };
    request_push(r);
}

void block_readv(BlockBackend *blk, uint64_t offset, const struct iovec *iov,
                 unsigned niov, BlockDone *done, void *opaque)
{
    request_submit(blk, BLOCK_READ, offset, iov, niov, done, opaque);
}

void block_writev(BlockBackend *blk, uint64_t offset, const struct iovec *iov,
                  unsigned niov, BlockDone *done, void *opaque)
{
    request_submit(blk, BLOCK_WRITE, offset, iov, niov, done, opaque);
}

void block_flush(BlockBackend *blk, BlockDone *done, void *opaque)
{
    request_submit(blk, BLOCK_FLUSH, 0, NULL, 0, done, opaque);
}

static void flush_one(BlockBackend *blk, void *opaque)
{
    if (blk->image.fd >= 0 && !blk->readonly && !blk->overlay &&
        !blk->no_flush) {
        image_flush(&blk->image);
    }
}

static void settle_owner(BlockBackend *blk, void *opaque)
{
    if (blk->owner) {
        *(bool *)opaque |= blk->owner->settle(blk->owner_opaque);
    }
}

/* What owners do may lead to requests, and the other way round. */
static void wait_in_flight(void)
{
    bool more;

    do {
        while (io.in_flight > 0) {
            mutex_lock(&io.lock);
            while (g_queue_is_empty(&io.finished)) {
                cond_wait(&io.cond, &io.lock);
            }
            mutex_unlock(&io.lock);
            complete_finished(any_request, NULL);
        }
        more = false;
        block_foreach(settle_owner, &more);
    } while (more);
}

/* Completions may submit more: until there is nothing left. */
void block_wait_requests(void)
{
    BlockRequest *r;

    bql_assert_held();
    wait_in_flight();
    while ((r = g_queue_pop_head(&io.held))) {
        r->blk->stop_error = 0;
        request_complete(r);
        wait_in_flight();
    }
}

bool block_is_settled(void)
{
    bql_assert_held();
    return io.settled;
}

void block_settle(void)
{
    bql_assert_held();
    io.settled = true;
    wait_in_flight();
}

void block_set_owner(BlockBackend *blk, const BlockOwner *owner, void *opaque)
{
    bql_assert_held();
    wait_in_flight(); /* no thread looks at the old one any more */
    blk->owner = owner;
    blk->owner_opaque = opaque;
}

void block_drain_all(void)
{
    io.settled = true;
    block_wait_requests();
    block_foreach(flush_one, NULL);
}
