/* SPDX-License-Identifier: MIT */
/*
 * The code buffer: one mapping, cut into chunks.  Each vCPU fills a chunk of
 * its own without locks and takes the next when it is full; when none is left,
 * everything is flushed.  A chunk keeps its TBs sorted by address (they are
 * added in that order), so that a host address leads back to its TB.
 *
 * Locks: region_lock guards the hand-out.  A chunk's TB array is written by
 * its owner alone and read by any thread: ntbs is released after the entry.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "accel/tcg/internal.h"
#include "util/error.h"

#define CHUNK_BYTES  (1 * MiB)
#define MIN_TB_BYTES (sizeof(TranslationBlock) + 64)
#define CHUNK_TBS    (CHUNK_BYTES / MIN_TB_BYTES)

static struct {
    Mutex lock;
    uint8_t *start;     /* of the first chunk, after the back-end's thunks */
    unsigned nchunks;
    unsigned next;      /* first chunk not handed out; region_lock */
    CodeChunk *chunk;
} region;

/* Chunk bounds, and a lazily touched array of TB pointers for each. */
static bool chunks_init(uint8_t *base, uint64_t bytes, GError **errp)
{
    TranslationBlock **tbs;
    unsigned i;

    region.start = base;
    region.nchunks = bytes / CHUNK_BYTES;
    region.chunk = g_new0(CodeChunk, region.nchunks);
    tbs = mmap(NULL, region.nchunks * CHUNK_TBS * sizeof(*tbs),
               PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (tbs == MAP_FAILED) {
        error_setg(errp, "cannot reserve memory for the TB index: %s",
                   strerror(errno));
        return false;
    }
    for (i = 0; i < region.nchunks; i++) {
        region.chunk[i].start = base + i * CHUNK_BYTES;
        region.chunk[i].ptr = region.chunk[i].start;
        region.chunk[i].end = region.chunk[i].start + CHUNK_BYTES;
        region.chunk[i].tbs = tbs + i * CHUNK_TBS;
    }
    return true;
}

bool region_init(uint64_t bytes, GError **errp)
{
    uint8_t *buf = mmap(NULL, bytes + CHUNK_BYTES,
                        PROT_READ | PROT_WRITE | PROT_EXEC,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    size_t thunks;

    if (buf == MAP_FAILED) {
        error_setg(errp,
                   "cannot map %" PRIu64 " MiB of executable memory for "
                   "translated code (-accel tcg,tb-size=): %s",
                   bytes / MiB, strerror(errno));
        return false;
    }
    mutex_init(&region.lock, "code region");
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
    return chunks_init(buf + CHUNK_BYTES, bytes, errp);
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
        region.chunk[i].ptr = region.chunk[i].start;
        __atomic_store_n(&region.chunk[i].ntbs, 0, __ATOMIC_RELEASE);
    }
    region.next = 0;
    mutex_unlock(&region.lock);
    CPU_FOREACH(cpu) {
        cpu->tcg->chunk = NULL;
    }
}

bool region_add_tb(CodeChunk *chunk, TranslationBlock *tb)
{
    if (chunk->ntbs == CHUNK_TBS) {
        return false;
    }
    chunk->tbs[chunk->ntbs] = tb;
    __atomic_store_n(&chunk->ntbs, chunk->ntbs + 1, __ATOMIC_RELEASE);
    return true;
}

/* The last TB of @chunk that starts at or before @host_pc. */
static TranslationBlock *chunk_find(CodeChunk *chunk, uintptr_t host_pc)
{
    unsigned lo = 0, hi = __atomic_load_n(&chunk->ntbs, __ATOMIC_ACQUIRE);

    while (lo < hi) {
        unsigned mid = lo + (hi - lo) / 2;

        if ((uintptr_t)chunk->tbs[mid] <= host_pc) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo ? chunk->tbs[lo - 1] : NULL;
}

TranslationBlock *region_find_tb(uintptr_t host_pc)
{
    uintptr_t offset = host_pc - (uintptr_t)region.start;

    if (offset >= region.nchunks * CHUNK_BYTES) {
        return NULL;
    }
    return chunk_find(&region.chunk[offset / CHUNK_BYTES], host_pc);
}

void region_foreach_tb(void (*fn)(TranslationBlock *tb))
{
    unsigned i, j;

    for (i = 0; i < region.nchunks; i++) {
        for (j = 0; j < region.chunk[i].ntbs; j++) {
            fn(region.chunk[i].tbs[j]);
        }
    }
}

uint64_t region_used_bytes(void)
{
    uint64_t used = 0;
    unsigned i;

    for (i = 0; i < region.nchunks; i++) {
        used += region.chunk[i].ptr - region.chunk[i].start;
    }
    return used;
}
