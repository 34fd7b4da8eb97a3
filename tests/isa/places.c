/* SPDX-License-Identifier: MIT */
/*
 * Where an operand is put: among the data, at the ends of their pages, or
 * across the end of its segment.  There the limit, the wrap of addresses and
 * the pages around have a say, and which comes first shows in what faults.
 */
#include "isa.h"

#include "tcg/ir.h"

static unsigned place_in_data(void)
{
    unsigned off = rnd_below(ISA_DATA_BYTES - 0x100);

    switch (rnd_below(16)) {
    case 0:
        return ISA_RW_BYTES - 1 - rnd_below(32);
    case 1:
        return ISA_DATA_BYTES - 1 - rnd_below(32);
    case 2:
    case 3:
        return off;
    default:
        off %= ISA_RW_BYTES - 0x400;
        return rnd_one_in(3) ? off : off & ~63u;
    }
}

/* The last offset in @seg that an address of @asize reaches; the one before the
 * first, if it expands down. */
static uint64_t segment_end(const IsaCase *c, unsigned seg, unsigned asize)
{
    uint64_t end = UINT32_MAX;
    Desc d;

    if (c->mode == 64) {
        end = BIT64(47) - 1 - operands_segment_base(c, seg);
    } else if (tables_find(c->sel[seg], &d)) {
        bool down = (d.hi & (DESC_CODE | DESC_E)) == DESC_E;

        end = !down || rnd_one_in(2) ? desc_limit(d)
              : d.hi & DESC_B        ? UINT32_MAX
                                     : UINT16_MAX;
    }
    return MIN(end, isa_low_bits(asize));
}

/* The first byte of an operand that may lie across that end. */
static uint64_t draw_across(const IsaCase *c, unsigned seg, unsigned asize)
{
    static const uint16_t span[] = {12, 12, 40, 640};
    unsigned before = rnd_below(span[rnd_below(ARRAY_LEN(span))]);

    return segment_end(c, seg, asize) + 1 - before;
}

uint64_t places_draw(const IsaCase *c, unsigned seg, unsigned asize)
{
    uint64_t at;

    if (!rnd_one_in(12)) {
        return place_in_data();
    }
    at = operands_segment_base(c, seg) + draw_across(c, seg, asize);
    return (c->mode == 64 ? at : (uint32_t)at) - ISA_DATA;
}

uint64_t places_stack_end(const IsaCase *c)
{
    unsigned asize = IR_64;
    Desc ss;

    if (c->mode != 64) {
        bool wide = tables_find(c->sel[R_SS], &ss) && (ss.hi & DESC_B);

        asize = wide ? IR_32 : IR_16;
    }
    return draw_across(c, R_SS, asize);
}
