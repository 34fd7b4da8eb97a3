/* SPDX-License-Identifier: MIT */
/*
 * Disk back-ends: sectors of 512 bytes, asynchronous, on host files.
 * Completions run on the main loop under the BQL.
 */
#ifndef HEDDLE_BLOCK_BLOCK_H
#define HEDDLE_BLOCK_BLOCK_H

#include <sys/uio.h>

#include "util/common.h"
#include "util/keyval.h"

#define BLOCK_SECTOR_BYTES 512

typedef struct BlockBackend BlockBackend;

/* -drive file=,if=,format=,snapshot=,readonly=,id=,index=,media=,cache=.
 * Opens and locks the file: a second writer is refused. */
BlockBackend *block_drive_add(KeyVal *opts, GError **errp);
BlockBackend *block_find(const char *id);
const char *block_id(const BlockBackend *blk);
const char *block_interface(const BlockBackend *blk); /* "virtio", "none".. */
unsigned block_index(const BlockBackend *blk); /* index=, or the next free */
bool block_is_cdrom(const BlockBackend *blk);
void block_foreach(void (*fn)(BlockBackend *blk, void *opaque), void *opaque);
/* One device may own a back-end. */
bool block_attach(BlockBackend *blk, const char *user, GError **errp);
void block_detach(BlockBackend *blk);
/* The owner's rerror= and werror=, which go before the drive's until it
 * detaches; "auto": the drive's. */
bool block_set_on_error(BlockBackend *blk, const char *rerror,
                        const char *werror, GError **errp);
const char *block_user(const BlockBackend *blk); /* NULL: none */

/* The image's name; NULL: there is no medium. */
const char *block_filename(const BlockBackend *blk);
bool block_ignores_flush(const BlockBackend *blk); /* cache=unsafe */
/* Close one that no device uses. */
void block_remove(BlockBackend *blk);

/* What was done so far; a failed request counts as one of both kinds. */
typedef struct BlockCounts {
    uint64_t reads, writes, flushes;
    uint64_t failed_reads, failed_writes, failed_flushes;
    uint64_t read_bytes, written_bytes;
} BlockCounts;
BlockCounts block_counts(const BlockBackend *blk);

uint64_t block_size_bytes(const BlockBackend *blk);
bool block_is_readonly(const BlockBackend *blk);

/* @error is 0 or an errno. */
typedef void BlockDone(void *opaque, int error);
/* The iovec array and its buffers must live until @done.  @offset and the
 * total length are multiples of the sector; a request past the end fails. */
void block_readv(BlockBackend *blk, uint64_t offset, const struct iovec *iov,
                 unsigned niov, BlockDone *done, void *opaque);
void block_writev(BlockBackend *blk, uint64_t offset, const struct iovec *iov,
                  unsigned niov, BlockDone *done, void *opaque);
/* All writes completed before this are on stable storage when it is done. */
void block_flush(BlockBackend *blk, BlockDone *done, void *opaque);
/*
 * What the host failed: rerror= and werror= say what becomes of it.  A request
 * that stops the machine waits, without completion, for block_retry().
 */
typedef enum BlockErrorAction {
    BLOCK_ERROR_REPORT, /* to the guest */
    BLOCK_ERROR_IGNORE, /* the guest sees success */
    BLOCK_ERROR_STOP,
} BlockErrorAction;
typedef struct BlockError {
    const BlockBackend *blk;
    bool write; /* or a flush */
    BlockErrorAction action;
    int error;
} BlockError;
const char *block_error_action_name(BlockErrorAction action);
/* Called for each, from completions: under the BQL, on any thread.  It is to
 * ask for the machine's stop if that is the action. */
typedef void BlockErrorHandler(const BlockError *e);
void block_set_error_handler(BlockErrorHandler *fn);
/* The errno that has stopped the machine; 0: none. */
int block_stop_error(const BlockBackend *blk);
/* The machine goes on: try again what waits. */
void block_retry(void);

/* Wait for every request, with its completion (those that wait for a retry have
 * failed): before a device is reset. */
void block_wait_requests(void);
/* Wait for every request and write everything out: before stop and exit. */
void block_drain_all(void);
void block_close_all(void);

#endif
