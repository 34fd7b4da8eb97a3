/* SPDX-License-Identifier: MIT */
/*
 * Descriptor tables, the same for all engines.
 *
 * The LDT is ours: descriptors of every type, size, granularity and limit that
 * modify_ldt(2) lets a program have, which are those of DPL 3, already
 * accessed, no 64-bit code, conforming code only if not present, no gates.
 * Bases and limits are drawn for each seed; they lie about the code and data
 * pages, so that accesses meet the ends of segments as well as those of pages.
 *
 * The GDT is the kernel's.  What a program sees of it is asked of LAR and LSL;
 * the other entries are above our privilege, and what they hold makes no
 * difference: every way to use them ends in #GP(selector).
 */
#include "isa.h"

#define SEL_KERNEL_CODE 0x10
/* Linux keeps the processor's number in this one's limit. */
#define GDT_CPU_NUMBER 15

Desc isa_gdt[ISA_GDT_ENTRIES];
Desc isa_ldt[ISA_LDT_ENTRIES];

/* --- the GDT --- */

static Desc make_descriptor(uint32_t base, uint32_t limit, uint32_t attr)
{
    return (Desc){
        .lo = (limit & 0xffff) | base << 16,
        .hi = (base & 0xff000000) | (base >> 16 & 0xff) | (limit & 0xf0000) |
              (attr & DESC_ATTR),
    };
}

/* As far as this program may see it. */
static Desc ask_silicon(uint32_t sel)
{
    uint32_t attr = 0, limit = 0;
    bool visible;

    __asm__("lar %2, %0; setz %1"
            : "+r"(attr), "=q"(visible)
            : "r"(sel)
            : "cc");
    if (!visible) {
        return (Desc){0, 0};
    }
    __asm__("lsl %1, %0" : "+r"(limit) : "r"(sel) : "cc");
    return make_descriptor(0, attr & DESC_G ? limit >> 12 : limit, attr);
}

static void make_gdt(void)
{
    for (unsigned i = 1; i < ISA_GDT_ENTRIES; i++) {
        isa_gdt[i] = ask_silicon(i * 8 | SEL_RPL);
    }
    isa_gdt[SEL_KERNEL_CODE / 8] = make_descriptor(
        0, 0xfffff,
        DESC_P | DESC_S | DESC_CODE | DESC_W | DESC_A | DESC_L | DESC_G);
}

/* --- the LDT --- */

#define ATTR_USER (DESC_P | 3u << DESC_DPL_SHIFT | DESC_S | DESC_A)

static uint32_t draw_base(uint32_t pages)
{
    switch (rnd_below(8)) {
    case 0:
        return rnd();
    case 1:
        return pages + rnd_below(PAGE_SIZE);
    case 2:
        return pages - rnd_below(PAGE_SIZE);
    case 3:
    case 4:
        return 0;
    default:
        return pages;
    }
}

/* In units of @granule bytes: at the end of a page of @pages, or anywhere. */
static uint32_t draw_limit(uint32_t base, uint32_t pages, unsigned granule)
{
    static const uint32_t corners[] = {0, 1, 0xf, 0xfff, 0xffff, 0xfffff};
    uint64_t end = pages + PAGE_SIZE * rnd_below(4) - rnd_below(2);
    uint64_t limit = (uint32_t)(end - base) / granule;

    switch (rnd_below(8)) {
    case 0:
        return corners[rnd_below(ARRAY_LEN(corners))];
    case 1:
        return rnd() & 0xfffff;
    case 2:
        limit += rnd_below(32) - 16;
        break;
    default:
        break;
    }
    return limit <= 0xfffff ? limit : 0xfffff;
}

/* Entry @i: the bits of its number are those of its kind. */
static Desc draw_descriptor(unsigned i)
{
    bool conforming = (i & 3) == 3;
    uint32_t attr = ATTR_USER;
    uint32_t pages, base;

    attr |= i & 1 ? DESC_E : 0;
    attr |= i & 2 ? DESC_CODE : 0;
    attr |= i & 4 ? DESC_W : 0;
    attr |= i & 8 ? DESC_B : 0;
    attr |= i & 16 ? DESC_G : 0;
    attr |= rnd_one_in(2) ? ISA_DESC_AVL : 0;
    if (conforming || i >> 5 == 7) {
        attr &= ~DESC_P;
        attr |=
            ISA_DESC_AVL; /* the kernel takes some without it for "no entry" */
    }
    pages = (attr & DESC_CODE) && !rnd_one_in(4) ? ISA_CODE : ISA_DATA;
    base = draw_base(pages);
    return make_descriptor(
        base, draw_limit(base, pages, attr & DESC_G ? PAGE_SIZE : 1), attr);
}

void tables_init(uint64_t seed)
{
    make_gdt();
    rnd_seed(seed, UINT64_MAX);
    for (unsigned i = 0; i < ISA_LDT_ENTRIES; i++) {
        isa_ldt[i] = draw_descriptor(i);
    }
    isa_ldt[ISA_SEL_CODE16 / 8] = make_descriptor(
        ISA_CODE, ISA_CODE_BYTES - 1, ATTR_USER | DESC_CODE | DESC_W);
    isa_ldt[ISA_SEL_DATA16 / 8] =
        make_descriptor(ISA_DATA, ISA_LIMIT16, ATTR_USER | DESC_W);
    isa_ldt[ISA_SEL_GS / 8] =
        make_descriptor(ISA_GS_BASE, ISA_GS_LIMIT, ATTR_USER | DESC_W);
    isa_ldt[ISA_SEL_END16 / 8] =
        make_descriptor(ISA_END16_BASE, 0xfffff, ATTR_USER | DESC_W);
    isa_ldt[ISA_SEL_END32 / 8] = make_descriptor(
        ISA_END32_BASE, 0xfffff, ATTR_USER | DESC_W | DESC_B | DESC_G);
}

/* --- selectors --- */

bool tables_find(uint16_t sel, Desc *d)
{
    unsigned i = sel / 8;

    if (sel_is_null(sel) ||
        i >= (sel & SEL_LDT ? ISA_LDT_ENTRIES : ISA_GDT_ENTRIES)) {
        return false;
    }
    *d = sel & SEL_LDT ? isa_ldt[i] : isa_gdt[i];
    return true;
}

static bool is_wanted(uint16_t sel, IsaWant want)
{
    Desc d;

    if (!tables_find(sel, &d) || !(d.hi & DESC_P) ||
        (sel & SEL_RPL) != SEL_RPL || desc_dpl(d.hi) != 3) {
        return false;
    }
    switch (want) {
    case WANT_READABLE:
        return desc_is_readable(d.hi);
    case WANT_STACK:
        return desc_is_writable(d.hi);
    case WANT_CODE:
        return desc_is_code(d.hi);
    default:
        return true;
    }
}

static uint16_t draw_any(void)
{
    static const uint8_t flat[] = {ISA_SEL_CODE64, ISA_SEL_CODE32,
                                   ISA_SEL_DATA};
    uint16_t rpl = rnd_one_in(8) ? rnd_below(4) : SEL_RPL;

    switch (rnd_below(16)) {
    case 0:
        return rnd_below(4); /* null */
    case 1:
        return rnd();
    case 2:
        return rnd_below(ISA_GDT_ENTRIES) * 8 | rpl;
    case 3:
    case 4:
    case 5:
    case 6:
        return (flat[rnd_below(ARRAY_LEN(flat))] & ~SEL_RPL) | rpl;
    default:
        return rnd_below(ISA_LDT_ENTRIES) * 8 | SEL_LDT | rpl;
    }
}

uint16_t tables_draw_good(IsaWant want)
{
    uint16_t sel;

    do {
        sel = draw_any();
    } while ((sel & ~SEL_RPL) == GDT_CPU_NUMBER * 8 || !is_wanted(sel, want));
    return sel;
}

uint16_t tables_draw(IsaWant want)
{
    uint16_t sel;

    if (want != WANT_ANY && !rnd_one_in(4)) {
        return tables_draw_good(want);
    }
    do {
        sel = draw_any();
    } while ((sel & ~SEL_RPL) == GDT_CPU_NUMBER * 8);
    return sel;
}
