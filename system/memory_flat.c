/* SPDX-License-Identifier: MIT */
/*
 * Flattening a tree of regions: each region paints the gaps that those before
 * it left, in the order of priority, inside the windows of its parents.
 * Addresses are 128 bits wide here, as a region may be 2^64 bytes long and an
 * alias may place its target's start below 0.
 */
#include <string.h>

#include "system/memory_internal.h"

typedef __int128 Wide;

/* What the recursion carries down; by value, each level has its own. */
typedef struct Window {
    Wide lo, hi; /* visible part of the space: lo <= address < hi */
    bool readonly;
} Window;

/* --- building: `ranges` holds what is painted, ascending and disjoint --- */

static FlatRange *range_at(GArray *ranges, guint i)
{
    return &g_array_index(ranges, FlatRange, i);
}

/* Insert lo <= address < hi of @mr, which starts at @base, before range @i. */
static void paint_gap(GArray *ranges, guint i, MemoryRegion *mr, Wide base,
                      Wide lo, Wide hi, bool readonly)
{
    FlatRange range = {
        .mr = mr,
        .first = (hwaddr)lo,
        .last = (hwaddr)(hi - 1),
        .offset_in_mr = (hwaddr)(lo - base),
        .readonly = readonly,
    };

    g_array_insert_val(ranges, i, range);
}

/* Paint leaf @mr into what is still free of its window. */
static void paint_leaf(GArray *ranges, MemoryRegion *mr, Wide base,
                       const Window *win)
{
    Wide lo = win->lo;
    guint i = 0;

    for (; i < ranges->len && lo < win->hi; i++) {
        Wide first = range_at(ranges, i)->first;
        Wide next = (Wide)range_at(ranges, i)->last + 1;

        if (lo < first) {
            Wide hi = MIN(first, win->hi);

            paint_gap(ranges, i++, mr, base, lo, hi, win->readonly);
        }
        lo = MAX(lo, next);
    }
    if (lo < win->hi) {
        paint_gap(ranges, i, mr, base, lo, win->hi, win->readonly);
    }
}

/* Paint @mr, whose start lies at @base. */
static void paint(GArray *ranges, MemoryRegion *mr, Wide base, Window win)
{
    /* Children are clipped by their parents, and what is read-only stays so. */
    win.lo = MAX(win.lo, base);
    win.hi = MIN(win.hi, base + (Wide)memory_region_end(mr));
    if (!mr->enabled || win.lo >= win.hi) {
        return;
    }
    win.readonly |= mr->readonly || mr->kind == MR_ROM;
    if (mr->kind == MR_ALIAS) {
        paint(ranges, mr->alias, base - (Wide)mr->alias_offset, win);
        return;
    }
    /* Highest priority first: who paints first is seen. */
    for (GList *l = mr->children.head; l; l = l->next) {
        MemoryRegion *child = l->data;

        paint(ranges, child, base + (Wide)child->addr, win);
    }
    if (mr->kind != MR_CONTAINER) { /* under its children, if it has any */
        paint_leaf(ranges, mr, base, &win);
    }
}

static bool range_continues(const FlatRange *a, const FlatRange *b)
{
    return a->mr == b->mr && a->readonly == b->readonly &&
           a->last + 1 == b->first &&
           a->offset_in_mr + (b->first - a->first) == b->offset_in_mr;
}

/* Join neighbours that are one stretch of one region. */
static void merge_ranges(GArray *ranges)
{
    guint kept = 0;

    for (guint i = 1; i < ranges->len; i++) {
        FlatRange *a = range_at(ranges, kept);
        FlatRange *b = range_at(ranges, i);

        if (range_continues(a, b)) {
            a->last = b->last;
        } else {
            *range_at(ranges, ++kept) = *b;
        }
    }
    g_array_set_size(ranges, MIN(kept + 1, ranges->len));
}

FlatView *flatview_build(MemoryRegion *root)
{
    GArray *ranges = g_array_new(FALSE, TRUE, sizeof(FlatRange));
    Window all = {.lo = 0, .hi = (Wide)1 << 64};
    FlatView *view;
    size_t bytes;

    paint(ranges, root, 0, all);
    merge_ranges(ranges);
    bytes = ranges->len * sizeof(FlatRange);
    view = g_malloc0(sizeof(*view) + bytes);
    view->n = ranges->len;
    if (bytes) {
        memcpy(view->range, ranges->data, bytes);
    }
    g_array_free(ranges, TRUE);
    return view;
}

bool flatview_equal(const FlatView *a, const FlatView *b)
{
    if (a->n != b->n) {
        return false;
    }
    for (unsigned i = 0; i < a->n; i++) {
        const FlatRange *x = &a->range[i], *y = &b->range[i];

        if (x->mr != y->mr || x->first != y->first || x->last != y->last ||
            x->offset_in_mr != y->offset_in_mr || x->readonly != y->readonly) {
            return false;
        }
    }
    return true;
}

static void flatview_reclaim(struct rcu_head *head)
{
    g_free(container_of(head, FlatView, rcu));
}

void flatview_free_rcu(FlatView *view)
{
    rcu_call(&view->rcu, flatview_reclaim);
}

/* --- looking up; RCU read section --- */

/* Index of the first range that ends at or after @addr; n if there is none. */
static unsigned flatview_search(const FlatView *view, hwaddr addr)
{
    unsigned lo = 0, hi = view->n;

    while (lo < hi) {
        unsigned mid = (lo + hi) / 2;

        if (view->range[mid].last < addr) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo;
}

/* Accesses come in runs, so the last range found is tried first. */
const FlatRange *flatview_find(FlatView *view, hwaddr addr)
{
    unsigned i = __atomic_load_n(&view->hint, __ATOMIC_RELAXED);

    if (i < view->n && view->range[i].first <= addr &&
        addr <= view->range[i].last) {
        return &view->range[i];
    }
    i = flatview_search(view, addr);
    if (i == view->n || view->range[i].first > addr) {
        return NULL;
    }
    __atomic_store_n(&view->hint, i, __ATOMIC_RELAXED);
    return &view->range[i];
}

/* Length of a stretch, cut to what 64 bits hold. */
static uint64_t stretch_size(hwaddr first, hwaddr last)
{
    uint64_t size = last - first + 1;

    return size ? size : UINT64_MAX;
}

/* The hole around @addr. */
static MemorySection section_of_hole(const FlatView *view, hwaddr addr)
{
    unsigned i = flatview_search(view, addr);
    hwaddr first = i > 0 ? view->range[i - 1].last + 1 : 0;
    hwaddr last = i < view->n ? view->range[i].first - 1 : UINT64_MAX;

    return (MemorySection){
        .mr = NULL, .addr = first, .size = stretch_size(first, last)};
}

MemorySection memory_find_rcu(AddressSpace *as, hwaddr addr)
{
    FlatView *view = rcu_dereference(as->view);
    const FlatRange *range = flatview_find(view, addr);

    if (!range) {
        return section_of_hole(view, addr);
    }
    return (MemorySection){
        .mr = range->mr,
        .addr = range->first,
        .size = stretch_size(range->first, range->last),
        .offset_in_mr = range->offset_in_mr,
        .readonly = range->readonly,
    };
}
