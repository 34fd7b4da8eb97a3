/* SPDX-License-Identifier: MIT */
/*
 * Links between TBs: a slot jumps straight to the next TB.  Those of GOTO_TB stay
 * in the page; those of GOTO_PAGE hold while the vCPU finds the other page where
 * it was, which the code makes sure of.
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

static bool leaves_page(const TranslationBlock *from, unsigned slot)
{
    return from->code.page_slots & BIT(slot);
}

/*
 * Where slot @slot of @from may jump to @to; NULL: nowhere.  A ring of links
 * leads to another page, to a lower address or to the same one, somewhere:
 * there exit_request is tested.
 */
static const void *link_target(const TranslationBlock *from, unsigned slot,
                               const TranslationBlock *to)
{
    if (tb_spans_pages(to)) {
        return to->code.guarded
                   ? (const uint8_t *)to->code.entry + to->code.guarded
                   : NULL;
    }
    return to->pc_offset > from->pc_offset && !leaves_page(from, slot)
               ? tb_body(&to->code)
               : to->code.entry;
}

static bool may_link(const TranslationBlock *from, unsigned slot,
                     const TranslationBlock *to)
{
    return from->code.jump_off[slot] != UINT32_MAX &&
           !((tb_cflags(to) | tb_cflags(from)) & CF_NO_CHAIN) &&
           !((tb_cflags(to) ^ tb_cflags(from)) & ~CF_INVALID) &&
           !__atomic_load_n(&from->jump_dest[slot], __ATOMIC_RELAXED);
}

/* Locks: @to's link_lock */
static void slot_free(TranslationBlock *from, unsigned slot)
{
    __atomic_fetch_and(&from->jump_dest[slot], DEST_CLOSED, __ATOMIC_SEQ_CST);
}

/* @from's slot is ours.  Locks: @to's link_lock */
static void link_slot(TranslationBlock *from, unsigned slot,
                      TranslationBlock *to, const void *target)
{
    if (leaves_page(from, slot) &&
        !tcg_backend->set_page(from, slot, tb_jump_page(to))) {
        slot_free(from, slot);
        return;
    }
    from->jump_next[slot] = to->jump_list;
    to->jump_list = tb_ref(from, slot);
    tcg_backend->patch_jump(from, slot, target);
}

void tb_link(TranslationBlock *from, unsigned slot, TranslationBlock *to)
{
    const void *target = link_target(from, slot, to);
    TbRef none = 0;

    if (!target || !may_link(from, slot, to)) {
        return;
    }
    link_lock(to);
    if (!tb_is_invalid(to) &&
        __atomic_compare_exchange_n(&from->jump_dest[slot], &none,
                                    tb_ref(to, 0), false, __ATOMIC_SEQ_CST,
                                    __ATOMIC_SEQ_CST)) {
        link_slot(from, slot, to, target);
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
        slot_free(from, slot);
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
