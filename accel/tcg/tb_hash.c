/* SPDX-License-Identifier: MIT */
/*
 * All TBs by (RAM address, flags, cflags): chains of references, the newest
 * first.  Readers take no lock, and may stand on a TB that is taken out: it
 * keeps its way on, and its memory stays a TB until a flush, when nobody reads.
 *
 * Locks: TBs are taken out under tb_page.c's invalidate_lock, and put in by a
 * compare-and-swap of the head of a chain.
 */
#include <string.h>

#include "accel/tcg/internal.h"
#include "util/sparse.h"

#define BUCKETS (1u << 19)
#define BYTES_A_BUCKET 4 /* of a page's code: most blocks are longer */

static TbRef *buckets;

void tb_hash_init(void)
{
    buckets = sparse_alloc(BUCKETS * sizeof(TbRef));
}

void tb_hash_clear(void)
{
    memset(buckets, 0, BUCKETS * sizeof(buckets[0]));
}

/*
 * Blocks that lie together are run and made together: those of a page share a
 * few pages of buckets, and neighbours a line of the host's cache.
 */
static TbRef *bucket_of(const TbKey *key)
{
    uint64_t h = (key->phys_pc >> PAGE_BITS) * 0x9e3779b97f4a7c15u;
    unsigned place = (key->phys_pc & ~PAGE_MASK) / BYTES_A_BUCKET;

    h ^= ((uint64_t)key->flags << 32 | key->cflags) * 0xff51afd7ed558ccdu;
    return &buckets[((h >> 32 ^ h) ^ place) % BUCKETS];
}

static bool tb_has_key(const TranslationBlock *tb, const TbKey *key)
{
    return tb->phys_pc == key->phys_pc && tb->flags == key->flags &&
           tb_cflags(tb) == key->cflags;
}

TranslationBlock *tb_hash_find(const TbKey *key, const TranslationBlock *after)
{
    const TbRef *link = after ? &after->hash_next : bucket_of(key);
    TbRef ref;

    while ((ref = __atomic_load_n(link, __ATOMIC_ACQUIRE)) &&
           !tb_has_key(tb_of(ref), key)) {
        link = &tb_of(ref)->hash_next;
    }
    return ref ? tb_of(ref) : NULL;
}

void tb_hash_insert(TranslationBlock *tb)
{
    /* It may be invalid by now: then nothing finds it. */
    TbKey key = {tb->phys_pc, tb->flags, tb_cflags(tb) & ~CF_INVALID};
    TbRef *bucket = bucket_of(&key);
    TbRef head = __atomic_load_n(bucket, __ATOMIC_RELAXED);

    do {
        __atomic_store_n(&tb->hash_next, head, __ATOMIC_RELAXED);
    } while (!__atomic_compare_exchange_n(bucket, &head, tb_ref(tb, 0), false,
                                          __ATOMIC_RELEASE, __ATOMIC_RELAXED));
}

static TbRef hash_next(const TranslationBlock *tb)
{
    return __atomic_load_n(&tb->hash_next, __ATOMIC_RELAXED);
}

void tb_hash_remove(TranslationBlock *tb)
{
    TbKey key = {tb->phys_pc, tb->flags, tb_cflags(tb) & ~CF_INVALID};
    TbRef *link = bucket_of(&key), self = tb_ref(tb, 0);
    TbRef ref = __atomic_load_n(link, __ATOMIC_ACQUIRE);

    /* It is being put in, perhaps: what comes behind it is known once it is
     * seen in the chain.  Only the head can change meanwhile, to a TB further
     * in front. */
    if (ref == self &&
        __atomic_compare_exchange_n(link, &ref, hash_next(tb), false,
                                    __ATOMIC_RELEASE, __ATOMIC_ACQUIRE)) {
        return;
    }
    while (ref && ref != self) {
        link = &tb_of(ref)->hash_next;
        ref = __atomic_load_n(link, __ATOMIC_ACQUIRE);
    }
    if (ref) {
        __atomic_store_n(link, hash_next(tb), __ATOMIC_RELEASE);
    }
}
