/* SPDX-License-Identifier: MIT */
/*
 * A debugger's breakpoints and watchpoints, as the exec loop and the slow path
 * of memory accesses ask for them.
 *
 * A page that is watched leaves the fast path of loads and stores, as for the
 * guest's own data breakpoints (target/i386/debug.c).  A page with breakpoints
 * is run one instruction at a time from the exec loop: its TBs are in no jump
 * cache, and only a jump cache leads from page to page.
 */
#include "exec/debug.h"

#include "accel/tcg/internal.h"
#include "exec/ldst.h"

typedef struct DebugPoint {
    DebugPointKind kind;
    vaddr addr;
    uint64_t len;
} DebugPoint;

static GArray *points;
unsigned debug_breaks, debug_watches;

static bool is_break(const DebugPoint *p)
{
    return p->kind <= DEBUG_BREAK_HARD;
}

/* --- the debugger's side --- */

/* Soft TLBs and jump caches hold what was so before. */
static void points_changed(int breaks, int watches)
{
    CPUState *cpu;

    bql_assert_held();
    CPU_FOREACH (cpu) {
        g_assert(cpu->stopped);
    }
    debug_breaks += breaks;
    debug_watches += watches;
    tlb_flush_all_cpus(TLB_FLUSH_DEBUG);
}

void debug_point_insert(DebugPointKind kind, vaddr addr, uint64_t len)
{
    DebugPoint p = { kind, addr, len ? len : 1 };

    if (!points) {
        points = g_array_new(FALSE, FALSE, sizeof(DebugPoint));
    }
    g_array_append_val(points, p);
    points_changed(is_break(&p), !is_break(&p));
}

static void point_remove_at(unsigned i)
{
    bool was_break = is_break(&g_array_index(points, DebugPoint, i));

    g_array_remove_index_fast(points, i);
    points_changed(-was_break, -!was_break);
}

bool debug_point_remove(DebugPointKind kind, vaddr addr, uint64_t len)
{
    for (unsigned i = 0; points && i < points->len; i++) {
        const DebugPoint *p = &g_array_index(points, DebugPoint, i);

        if (p->kind == kind && p->addr == addr &&
            (is_break(p) || p->len == (len ? len : 1))) {
            point_remove_at(i);
            return true;
        }
    }
    return false;
}

void debug_points_clear(void)
{
    while (points && points->len) {
        point_remove_at(points->len - 1);
    }
}

/* --- the vCPU's side --- */

bool debug_break_in_page(vaddr page)
{
    for (unsigned i = 0; i < points->len; i++) {
        const DebugPoint *p = &g_array_index(points, DebugPoint, i);

        if (is_break(p) && !((p->addr ^ page) & PAGE_MASK)) {
            return true;
        }
    }
    return false;
}

bool debug_watch_in_page(vaddr page)
{
    for (unsigned i = 0; debug_watches && i < points->len; i++) {
        const DebugPoint *p = &g_array_index(points, DebugPoint, i);
        vaddr first = p->addr & PAGE_MASK;
        vaddr last = (p->addr + p->len - 1) & PAGE_MASK;

        if (!is_break(p) && page >= first && page <= last) {
            return true;
        }
    }
    return false;
}

static void note_stop(CPUState *cpu, CPUDebugStop stop, const DebugPoint *p)
{
    cpu->debug.stop = stop;
    cpu->debug.kind = p->kind;
    cpu->debug.addr = p->addr;
}

bool debug_stops_here(CPUState *cpu)
{
    vaddr pc = tb_linear_pc(x86_cpu(cpu));

    if (debug_goes_on_here(cpu)) {
        return false;
    }
    for (unsigned i = 0; debug_breaks && i < points->len; i++) {
        const DebugPoint *p = &g_array_index(points, DebugPoint, i);

        if (is_break(p) && p->addr == pc) {
            note_stop(cpu, CPU_STOP_BREAK, p);
            return true;
        }
    }
    return false;
}

/* The accesses that @p is for. */
static int watched_access(const DebugPoint *p)
{
    return p->kind == DEBUG_WATCH_WRITE  ? PAGE_WRITE
           : p->kind == DEBUG_WATCH_READ ? PAGE_READ
                                         : PAGE_READ | PAGE_WRITE;
}

/* No sums that could pass the end of the address space. */
static const DebugPoint *find_watch(vaddr addr, unsigned len, int access)
{
    for (unsigned i = 0; i < points->len; i++) {
        const DebugPoint *p = &g_array_index(points, DebugPoint, i);

        if (!is_break(p) && (watched_access(p) & access) &&
            (addr - p->addr < p->len || p->addr - addr < len)) {
            return p;
        }
    }
    return NULL;
}

bool debug_watches_access(vaddr addr, unsigned len, int access)
{
    return find_watch(addr, len, access);
}

void debug_note_watch(CPUState *cpu, vaddr addr, unsigned len, int access)
{
    const DebugPoint *p = find_watch(addr, len, access);

    if (cpu->debug.stop == CPU_STOP_NONE) {
        note_stop(cpu, CPU_STOP_WATCH, p);
    }
}
