/* SPDX-License-Identifier: MIT */
/*
 * The code buffer: one mapping, cut into chunks.  Each vCPU fills a chunk of
 * its own without locks and takes the next when it is full; when none is left,
 * everything is flushed.  Code grows from a chunk's bottom and the array of its
 * TBs from the top, in the same order, so that a host address leads back to its
 * TB, and code is not interspersed with data that is rarely used.
 *
 * Locks: region_lock guards the hand-out.  A chunk is written by its owner
 * alone and read by any thread: ntbs is released after the TB and what
 * `first` says of its code.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "accel/tcg/internal.h"
#include "util/error.h"

/* Code is much larger than its source: translations of addresses count. */
#define HUGE_PAGE (2 * MiB)

uint8_t *region_base;

_Static_assert(sizeof(TranslationBlock) % 8 == 0, "TbRef");

static struct {
    Mutex lock;
    uint8_t *start; /* of the first chunk, after the back-end's thunks */
    unsigned nchunks;
    unsigned next; /* first chunk not handed out; region_lock */
    CodeChunk *chunk;
} region;

static void chunk_clear(CodeChunk *chunk)
{
    chunk->ptr = chunk->start;
    chunk->nfirst = 0;
    __atomic_store_n(&chunk->ntbs, 0, __ATOMIC_RELEASE);
}

static void chunks_init(uint8_t *base, uint64_t bytes)
{
    region.start = base;
    region.nchunks = bytes / CHUNK_BYTES;
    region.chunk = g_new0(CodeChunk, region.nchunks);
    for (unsigned i = 0; i < region.nchunks; i++) {
        region.chunk[i].start = base + i * CHUNK_BYTES;
        region.chunk[i].end = region.chunk[i].start + CHUNK_BYTES;
        chunk_clear(&region.chunk[i]);
    }
}

/* Executable memory below 4 GiB, as JumpCacheEntry.entry wants it; NULL: errno
 * says why not. */
static uint8_t *map_low(size_t bytes)
{
    for (uintptr_t at = 256 * MiB; at + bytes <= 4 * GiB; at += 64 * MiB) {
        uint8_t *p = mmap((void *)at, bytes, PROT_READ | PROT_WRITE | PROT_EXEC,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

        if (p == MAP_FAILED) {
            return NULL;
        }
        if ((uintptr_t)p + bytes <= 4 * GiB) {
            return p;
        }
        munmap(p, bytes); /* where we asked for was taken */
    }
    errno = ENOMEM;
    return NULL;
}

bool region_init(uint64_t bytes, GError **errp)
{
    uint8_t *buf = map_low(bytes + CHUNK_BYTES);
    size_t thunks;

    if (!buf) {
        error_setg(errp,
                   "cannot map %" PRIu64 " MiB of executable memory below "
                   "4 GiB for translated code (-accel tcg,tb-size=): %s",
                   bytes / MiB, strerror(errno));
        return false;
    }
    madvise(buf, bytes + CHUNK_BYTES, MADV_HUGEPAGE); /* a hint only */
    mutex_init(&region.lock, "code region");
    region_base = buf;
    /* The first chunk's worth holds the back-end's thunks. */
    thunks = tcg_backend->init(buf, CHUNK_BYTES);
    if (thunks == BACKEND_UNFIT) {
        munmap(buf, bytes + CHUNK_BYTES);
        error_setg(errp,
                   "this host's CPU lacks instructions that -accel "
                   "tcg,backend=%s needs (x86-64-v3): use backend=interp",
                   tcg_backend->name);
        return false;
    }
    perf_map_thunks(buf, thunks);
    chunks_init(buf + CHUNK_BYTES, bytes);
    return true;
}

bool region_next_chunk(TcgCpu *tc)
{
    mutex_lock(&region.lock);
    tc->chunk =
        region.next < region.nchunks ? &region.chunk[region.next++] : NULL;
    mutex_unlock(&region.lock);
    return tc->chunk != NULL;
}

void region_reset(void)
{
    CPUState *cpu;
    unsigned i;

    mutex_lock(&region.lock);
    for (i = 0; i < region.next; i++) {
        chunk_clear(&region.chunk[i]);
    }
    region.next = 0;
    mutex_unlock(&region.lock);
    RCU_READ_GUARD(); /* not the BQL's holder */
    CPU_FOREACH (cpu) {
        cpu->tcg->chunk = NULL;
    }
}

void region_add_tb(CodeChunk *chunk, uint8_t *end)
{
    const TranslationBlock *tb = chunk_tb(chunk, chunk->ntbs);
    unsigned begins =
        ((const uint8_t *)tb->code.entry - chunk->start) / CHUNK_STEP;
    unsigned ends = (end - chunk->start) / CHUNK_STEP;

    for (; chunk->nfirst <= ends; chunk->nfirst++) {
        chunk->first[chunk->nfirst] = chunk->ntbs + (chunk->nfirst > begins);
    }
    chunk->ptr = end;
    __atomic_store_n(&chunk->ntbs, chunk->ntbs + 1, __ATOMIC_RELEASE);
}

/* The last TB of @chunk whose code begins at or before @at. */
static TranslationBlock *chunk_find(CodeChunk *chunk, uintptr_t at)
{
    unsigned n = __atomic_load_n(&chunk->ntbs, __ATOMIC_ACQUIRE);
    unsigned i = chunk->first[(at - (uintptr_t)chunk->start) / CHUNK_STEP];

    while (i < n && (uintptr_t)chunk_tb(chunk, i)->code.entry <= at) {
        i++;
    }
    return i ? chunk_tb(chunk, i - 1) : NULL;
}

TranslationBlock *region_find_tb(uintptr_t host_pc)
{
    uintptr_t call = host_pc - 1; /* behind it, another TB may begin */
    uintptr_t offset = call - (uintptr_t)region.start;

    if (offset >= region.nchunks * CHUNK_BYTES) {
        return NULL;
    }
    return chunk_find(&region.chunk[offset / CHUNK_BYTES], call);
}

uint64_t region_used_bytes(void)
{
    uint64_t used = 0;
    unsigned i;

    for (i = 0; i < region.nchunks; i++) {
        const CodeChunk *chunk = &region.chunk[i];

        used +=
            chunk->ptr - chunk->start + chunk->ntbs * sizeof(TranslationBlock);
    }
    return used;
}
