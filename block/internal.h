/* SPDX-License-Identifier: MIT */
/* Images, their temporary overlays, and the back-ends made of them. */
#ifndef HEDDLE_BLOCK_INTERNAL_H
#define HEDDLE_BLOCK_INTERNAL_H

#include "block/block.h"

/* --- image.c: a host file --- */
typedef struct Image {
    int fd;
    uint64_t size_bytes; /* of the file; a tail that is no whole sector reads
                            as zeroes past its end */
} Image;

/*
 * Open and lock a raw image.
 * @writable  opens for writing with an exclusive lock; else a shared one
 * @sync      each write reaches the disk before it is done
 * @probe     refuse a file that looks like another format
 */
bool image_open(Image *img, const char *path, bool writable, bool sync,
                bool probe, GError **errp);
void image_close(Image *img);

/* Whole vectors; 0 or an errno.  What lies past the file's end reads as
 * zeroes.  Any thread. */
int image_readv(const Image *img, uint64_t offset, const struct iovec *iov,
                unsigned niov);
int image_writev(const Image *img, uint64_t offset, const struct iovec *iov,
                 unsigned niov);
int image_flush(const Image *img);

/* --- iov.c --- */
uint64_t iov_bytes(const struct iovec *iov, unsigned niov);
/* Point @out at @len bytes of @iov from byte @offset; returns the number of
 * entries, at most @niov. */
unsigned iov_slice(struct iovec *out, const struct iovec *iov, unsigned niov,
                   uint64_t offset, uint64_t len);

/* --- overlay.c: snapshot=on --- */
typedef struct Overlay Overlay;
/* An unlinked temporary file over @base, which is only read. */
Overlay *overlay_new(const Image *base, uint64_t size_bytes, GError **errp);
void overlay_free(Overlay *o);
int overlay_readv(Overlay *o, uint64_t offset, const struct iovec *iov,
                  unsigned niov);
int overlay_writev(Overlay *o, uint64_t offset, const struct iovec *iov,
                   unsigned niov);

/* --- on_error.c: rerror=, werror= --- */
typedef enum BlockOnError {
    BLOCK_ON_ERROR_AUTO, /* a device's: as its drive says */
    BLOCK_ON_ERROR_REPORT,
    BLOCK_ON_ERROR_IGNORE,
    BLOCK_ON_ERROR_STOP,
    BLOCK_ON_ERROR_ENOSPC, /* stop if the host's disk is full, else report */
} BlockOnError;
BlockErrorAction on_error_action(BlockOnError policy, int error);
/* Tell of a failed request; returns what becomes of it. */
BlockErrorAction on_error(const BlockBackend *blk, bool write, int error);
/* The policy that @kv has at @key; "enospc" only where it is the default. */
bool on_error_parse(KeyVal *kv, const char *key, BlockOnError def,
                    BlockOnError *out, GError **errp);

struct BlockBackend {
    char *id;
    char *interface; /* if= */
    char *user;      /* what owns it, or NULL */
    char *filename;  /* of the image, or NULL */
    BlockCounts counts; /* BQL */
    Image image;     /* fd -1: a drive without a medium */
    Overlay *overlay;
    uint64_t size_bytes; /* whole sectors */
    unsigned index;
    bool readonly, cdrom;
    bool no_flush; /* cache=unsafe */
    BlockOnError rerror, werror; /* the drive's */
    BlockOnError device_rerror, device_werror;
    int stop_error; /* that has stopped the machine, until it goes on; BQL */
};

#endif
