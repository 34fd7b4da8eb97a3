/* SPDX-License-Identifier: MIT */
/*
 * Links between TBs: a GOTO_TB slot jumps straight to the next TB.
 *
 * Each TB's link_lock guards the list of jumps into it (jump_list and the
 * jump_next of its members).  A slot's jump_dest is set once from 0 by
 * compare-and-swap, under the destination's lock; bit 0 forbids linking it.
 * At most one link_lock is held at a time.
 */
#include <sched.h>

#include "accel/tcg/internal.h"

#define DEST_CLOSED ((TbRef)1)

static void link_lock(TranslationBlock *tb)
{
    while (__atomic_test_and_set(&tb->link_lock, __ATOMIC_ACQUIRE)) {
        sched_yield();
    }
}

static void link_unlock(TranslationBlock *tb)
{
    __atomic_clear(&tb->link_lock, __ATOMIC_RELEASE);
}

static bool tb_is_invalid(const TranslationBlock *tb)
{
    return __atomic_load_n(&tb->cflags, __ATOMIC_SEQ_CST) & CF_INVALID;
}

/*
 * Where @from may jump to @to in the same page; NULL: nowhere.  A ring of links
 * leads to a lower address, or the same one, somewhere: there exit_request is
 * tested.
 */
static const void *link_target(const TranslationBlock *from,
                               const TranslationBlock *to)
{
    if (tb_spans_pages(to)) {
        return to->code.guarded
                   ? (const uint8_t *)to->code.entry + to->code.guarded
                   : NULL;
    }
    return to->pc_offset > from->pc_offset ? tb_body(&to->code)
                                           : to->code.entry;
}

void tb_link(TranslationBlock *from, unsigned slot, TranslationBlock *to)
{
    const void *target = link_target(from, to);
    TbRef none = 0;

    if (from->code.jump_off[slot] == UINT32_MAX || !target) {
        return;
    }
    link_lock(to);
    if (!tb_is_invalid(to) &&
        __atomic_compare_exchange_n(&from->jump_dest[slot], &none,
                                    tb_ref(to, 0), false, __ATOMIC_SEQ_CST,
                                    __ATOMIC_SEQ_CST)) {
        from->jump_next[slot] = to->jump_list;
        to->jump_list = tb_ref(from, slot);
        tcg_backend->patch_jump(from, slot, target);
    }
    link_unlock(to);
}

/* Send every jump into @tb back to its own exit. */
static void unlink_incoming(TranslationBlock *tb)
{
    TbRef ref;

    link_lock(tb);
    for (ref = tb->jump_list; ref;) {
        TranslationBlock *from = tb_of(ref);
        unsigned slot = tb_ref_bit(ref);

        tcg_backend->patch_jump(from, slot, NULL);
        ref = from->jump_next[slot];
        from->jump_next[slot] = 0;
        __atomic_fetch_and(&from->jump_dest[slot], DEST_CLOSED,
                           __ATOMIC_SEQ_CST);
    }
    tb->jump_list = 0;
    link_unlock(tb);
}

/* Take slot @slot of @tb out of its destination's list, for good. */
static void unlink_outgoing(TranslationBlock *tb, unsigned slot)
{
    TbRef dest = __atomic_fetch_or(&tb->jump_dest[slot], DEST_CLOSED,
                                   __ATOMIC_SEQ_CST);
    TbRef *link, self = tb_ref(tb, slot);
    TranslationBlock *to = tb_of(dest);

    if (!(dest & ~DEST_CLOSED)) {
        return;
    }
    link_lock(to);
    for (link = &to->jump_list; *link;
         link = &tb_of(*link)->jump_next[tb_ref_bit(*link)]) {
        if (*link == self) {
            *link = tb->jump_next[slot];
            tb->jump_next[slot] = 0;
            break;
        }
    }
    link_unlock(to);
    tcg_backend->patch_jump(tb, slot, NULL);
}

void tb_unlink_all(TranslationBlock *tb)
{
    unsigned slot;

    for (slot = 0; slot < 2; slot++) {
        if (tb->code.jump_off[slot] != UINT32_MAX) {
            unlink_outgoing(tb, slot);
        }
    }
    unlink_incoming(tb);
}
