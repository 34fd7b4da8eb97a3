/* SPDX-License-Identifier: MIT */
/* Going through all page tables of a vCPU. */
#include "monitor/page_map.h"

#include "exec/memory.h"
#include "target/i386/seg.h"

/* Tables are 4 KiB each; so many are looked at before it is enough. */
#define MAX_TABLES 16384

#define PTE_P     BIT64(0)
#define PTE_W     BIT64(1)
#define PTE_U     BIT64(2)
#define PTE_PS    BIT64(7)
#define PTE_NX    BIT64(63)
#define PTE_ADDR  0x000ffffffffff000ull
#define PTE32_PSE 0xffc00000u /* of a 4 MiB page; bits 13-20 go above */

/* The shape of the tables in one mode of paging. */
typedef struct Paging {
    unsigned levels;
    unsigned entry_bytes;
    unsigned bits;     /* of the address that one level takes */
    unsigned top_bits; /* the same of the first one */
    bool large;        /* entries of the second-last level may be pages */
} Paging;

typedef struct PageMapWalk {
    X86CPU *cpu;
    Paging mode;
    bool (*fn)(const MappedPage *, void *);
    void *opaque;
    unsigned tables; /* looked at */
} PageMapWalk;

static bool paging_mode(X86CPU *cpu, Paging *mode)
{
    if (!(cpu->cr0 & CR0_PG)) {
        return false;
    }
    if (x86_is_long(cpu)) {
        *mode = (Paging){ cpu->cr4 & CR4_LA57 ? 5 : 4, 8, 9, 9, true };
    } else if (cpu->cr4 & CR4_PAE) {
        *mode = (Paging){ 3, 8, 9, 2, true };
    } else {
        *mode = (Paging){ 2, 4, 10, 10, (cpu->cr4 & CR4_PSE) != 0 };
    }
    return true;
}

static unsigned level_shift(const Paging *mode, unsigned level)
{
    return 12 + mode->bits * level;
}

static bool is_page(const Paging *mode, unsigned level, uint64_t entry)
{
    return level == 0 || (mode->large && (entry & PTE_PS) &&
                          (level == 1 || (level == 2 && mode->levels > 3)));
}

static hwaddr page_address(const Paging *mode, unsigned level, uint64_t entry)
{
    uint64_t size = BIT64(level_shift(mode, level));

    if (mode->entry_bytes == 4 && level == 1) {
        return (entry & PTE32_PSE) | (uint64_t)(entry >> 13 & 0xff) << 32;
    }
    return entry & PTE_ADDR & ~(size - 1);
}

/* The entries of PAE's first table have other bits than the rest. */
static bool has_permissions(const Paging *mode, unsigned level)
{
    return !(mode->levels == 3 && level == 2);
}

static bool walk_table(PageMapWalk *w, hwaddr table, unsigned level,
                       const MappedPage *above);

static bool walk_entry(PageMapWalk *w, unsigned level, uint64_t entry,
                       MappedPage page)
{
    if (has_permissions(&w->mode, level)) {
        page.user &= !!(entry & PTE_U);
        page.write &= !!(entry & PTE_W);
        page.nx |= w->mode.entry_bytes == 8 && (entry & PTE_NX);
    }
    if (!is_page(&w->mode, level, entry)) {
        return walk_table(w, entry & PTE_ADDR, level - 1, &page);
    }
    page.pa = page_address(&w->mode, level, entry);
    page.size = BIT64(level_shift(&w->mode, level));
    page.entry = entry;
    return w->fn(&page, w->opaque);
}

/* Addresses are sign-extended from the highest bit that is translated. */
static vaddr canonical(const Paging *mode, vaddr va)
{
    unsigned top = level_shift(mode, mode->levels);

    return mode->levels > 3 ? (vaddr)((int64_t)(va << (64 - top)) >> (64 - top))
                            : va;
}

static bool walk_table(PageMapWalk *w, hwaddr table, unsigned level,
                       const MappedPage *above)
{
    const Paging *mode = &w->mode;
    unsigned count =
        1u << (level + 1 == mode->levels ? mode->top_bits : mode->bits);

    if (++w->tables > MAX_TABLES) {
        return false;
    }
    for (unsigned i = 0; i < count; i++) {
        MappedPage page = *above;
        uint64_t entry = address_space_load(&address_space_memory,
                                            (table + i * mode->entry_bytes) &
                                                w->cpu->a20_mask,
                                            mode->entry_bytes, NULL);

        page.va = canonical(mode, above->va | (uint64_t)i
                                                  << level_shift(mode, level));
        if ((entry & PTE_P) && !walk_entry(w, level, entry, page)) {
            return false;
        }
    }
    return true;
}

bool page_map_foreach(X86CPU *cpu, bool (*fn)(const MappedPage *, void *),
                      void *opaque)
{
    PageMapWalk w = { .cpu = cpu, .fn = fn, .opaque = opaque };
    const MappedPage all = { .user = true, .write = true };
    hwaddr root;

    if (!paging_mode(cpu, &w.mode)) {
        return false;
    }
    root = w.mode.levels == 3 ? cpu->cr3 & 0xffffffe0 : cpu->cr3 & PTE_ADDR;
    return walk_table(&w, root, w.mode.levels - 1, &all);
}
