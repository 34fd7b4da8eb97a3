/* SPDX-License-Identifier: MIT */
/*
 * 5-level paging: entered from 32-bit code, as it can only be changed with
 * paging off; canonical addresses of 57 bits; INVLPG and faults up there.
 * Source: SDM vol. 3A, 4.5 "4-Level Paging and 5-Level Paging"; 4.1.1 "Four
 * Paging Modes".
 */
#include "guest.h"

#define P 1ull
#define W 2ull

#define CR4_LA57 (1ull << 12)
#define HIGH     0x00aa000000003000ull /* needs bits 48 to 56 */

#define GP 13
#define PF 14

static bool has_la57(void)
{
    return cpuid(7, 0).c >> 16 & 1;
}

static void read_at(void *arg)
{
    (void)*(volatile uint64_t *)arg;
}

static void set_la57(void *arg)
{
    (void)arg;
    WRITE_CR(4, READ_CR(4) ^ CR4_LA57);
}

static void call_at(void *p)
{
    ((void (*)(void))p)();
}

/* Tables for HIGH below @top, an PML5. */
static uint64_t *map_high(uint64_t *top)
{
    uint64_t *table = top;

    for (unsigned shift = 48; shift > 12; shift -= 9) {
        uint64_t *e = &table[HIGH >> shift & 511];

        if (!*e) {
            *e = (uintptr_t)page_alloc() | P | W;
        }
        table = (uint64_t *)(*e & 0xffffffffff000ull);
    }
    return &table[HIGH >> 12 & 511];
}

static void test_high(uint64_t *top)
{
    uint64_t *frame = page_alloc(), *entry = map_high(top);
    Frame f;

    *frame = 0x1234;
    check_eq(catch(read_at, (void *)HIGH, &f), PF, "not mapped yet");
    check_eq(READ_CR(2), HIGH, "all of CR2");
    *entry = (uintptr_t)frame | P | W;
    check_eq(*(volatile uint64_t *)HIGH, 0x1234, "a page above 48 bits");
    *(volatile uint8_t *)HIGH = 0xc3; /* RET */
    check_eq(catch((void (*)(void *))HIGH, NULL, NULL), -1, "a call up there");
    check_eq(catch(call_at, (void *)(HIGH | 1ull << 56), &f), GP,
             "a call to what is not canonical");
    check(f.rip < HIGH, "faults where it is made");
    *entry = 0;
    invlpg(HIGH);
    check_eq(catch(read_at, (void *)HIGH, &f), PF, "INVLPG up there");
    check_eq(catch(read_at, (void *)(HIGH | 1ull << 56), &f), GP,
             "bit 56 alone is not canonical");
    check_eq(catch(read_at, (void *)(HIGH | 0xffull << 56), &f), PF,
             "with bits 63 to 57 it is");
}

int main(void)
{
    uint64_t cr3 = READ_CR(3), cr4 = READ_CR(4), *top;

    if (!has_la57()) {
        check(true, "LA57 # SKIP not there");
        return 0;
    }
    check_eq(catch(read_at, (void *)HIGH, NULL), GP,
             "not canonical with four levels");
    check_eq(catch(set_la57, NULL, NULL), GP, "CR4.LA57 in long mode");
    top = page_alloc();
    top[0] = (cr3 & ~0xfffull) | P | W;
    change_paging(cr4 | CR4_LA57, (uintptr_t)top);
    check(READ_CR(4) & CR4_LA57, "five levels");
    test_high(top);
    change_paging(cr4, cr3);
    check(!(READ_CR(4) & CR4_LA57), "back to four");
    check_eq(catch(read_at, (void *)HIGH, NULL), GP, "not canonical again");
    return 0;
}
