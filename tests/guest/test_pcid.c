/* SPDX-License-Identifier: MIT */
/*
 * Process-context identifiers: what a write of CR3 and each type of INVPCID
 * forget, and that a context comes back as it was left.
 * Source: SDM vol. 3A, 4.10.1 "Process-Context Identifiers (PCIDs)", 4.10.4
 * "Invalidation of TLBs and Paging-Structure Caches"; vol. 2A, "INVPCID".
 *
 * A processor may forget more than it must: what must be dropped is compared,
 * what may stay is only checked to be one of the two values.
 */
#include "guest.h"

#define P 1ull
#define W 2ull
#define G 0x100ull

#define CR3_NOFLUSH (1ull << 63)
#define CR4_PGE     (1ull << 7)
#define CR4_PCIDE   (1ull << 17)

#define PAGE   0x200000000ull
#define GLOBAL 0x200001000ull

#define GP 13

static uint64_t *one, *two; /* frames that hold 1 and 2 in their first word */
static uint64_t root;       /* CR3 without a PCID */

static uint64_t peek(uint64_t va)
{
    return *(volatile uint64_t *)va;
}

static bool has(unsigned leaf, unsigned reg, unsigned bit)
{
    uint32_t r[4];

    __asm__("cpuid"
            : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3])
            : "a"(leaf), "c"(0));
    return r[reg] >> bit & 1;
}

static void invpcid(uint64_t type, uint64_t pcid, uint64_t addr)
{
    struct {
        uint64_t pcid, addr;
    } desc = {pcid, addr};

    __asm__ volatile("invpcid %0, %1" ::"m"(desc), "r"(type) : "memory");
}

/* Change what PAGE and GLOBAL are without telling the processor. */
static void point_at(const uint64_t *frame)
{
    *page_entry(PAGE) = (uintptr_t)frame | P | W;
    *page_entry(GLOBAL) = (uintptr_t)frame | P | W | G;
}

static void enter(uint64_t pcid, bool flush)
{
    WRITE_CR(3, root | pcid | (flush ? 0 : CR3_NOFLUSH));
}

/* Load both contexts' translations: all of them to @one. */
static void prime(void)
{
    point_at(one);
    invpcid(2, 0, 0);
    for (unsigned pcid = 1; pcid <= 2; pcid++) {
        enter(pcid, true);
        (void)peek(PAGE);
        (void)peek(GLOBAL);
    }
    point_at(two);
}

static void check_may_keep(uint64_t value, const char *what)
{
    check(value == 1 || value == 2, "%s may keep or drop", what);
}

static void test_cr3(void)
{
    prime(); /* in PCID 2 */
    enter(2, true);
    check_eq(peek(PAGE), 2, "a write of CR3 drops its own PCID's page");
    check_may_keep(peek(GLOBAL), "a global page");
    prime();
    enter(1, true);
    check_eq(peek(PAGE), 2, "a write of CR3 drops the new PCID's page");
    prime();
    enter(1, false);
    check_may_keep(peek(PAGE), "bit 63");
    check_eq(READ_CR(3) >> 63, 0, "bit 63 of CR3 reads as 0");
    check_eq(READ_CR(3) & 0xfff, 1, "the PCID is in CR3");
}

static void test_invpcid(void)
{
    prime(); /* in PCID 2 */
    invpcid(0, 1, PAGE);
    enter(1, false);
    check_eq(peek(PAGE), 2, "INVPCID 0 drops the page of another PCID");
    prime();
    invpcid(0, 2, PAGE);
    check_eq(peek(PAGE), 2, "INVPCID 0 drops the page of this PCID");
    prime();
    invpcid(1, 1, 0);
    enter(1, false);
    check_eq(peek(PAGE), 2, "INVPCID 1 drops another PCID");
    prime();
    invpcid(3, 0, 0);
    check_eq(peek(PAGE), 2, "INVPCID 3 drops this PCID");
    enter(1, false);
    check_eq(peek(PAGE), 2, "INVPCID 3 drops another PCID");
    prime();
    invpcid(2, 0, 0);
    check_eq(peek(GLOBAL), 2, "INVPCID 2 drops a global page");
    enter(1, false);
    check_eq(peek(GLOBAL), 2, "INVPCID 2 drops it in another PCID");
}

static void test_invlpg(void)
{
    prime(); /* in PCID 2 */
    invlpg(PAGE);
    check_eq(peek(PAGE), 2, "INVLPG drops the page of this PCID");
    prime();
    invlpg(GLOBAL);
    enter(1, false);
    check_eq(peek(GLOBAL), 2, "INVLPG drops a global page in every PCID");
    prime();
    WRITE_CR(4, READ_CR(4) & ~CR4_PGE);
    check_eq(peek(GLOBAL), 2, "a change of CR4.PGE drops global pages");
    enter(1, false);
    check_eq(peek(PAGE), 2, "and every PCID's pages");
    WRITE_CR(4, READ_CR(4) | CR4_PGE);
}

/* More contexts than any processor would keep apart. */
static void test_many(void)
{
    bool right = true;

    point_at(one);
    invpcid(2, 0, 0);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned pcid = 0; pcid < 40; pcid++) {
            enter(pcid * 100, false);
            right &= peek(PAGE) == 1;
        }
    }
    check(right, "forty PCIDs in turn");
    point_at(two);
    for (unsigned pcid = 0; pcid < 40; pcid++) {
        invpcid(1, pcid * 100, 0);
        enter(pcid * 100, false);
        right &= peek(PAGE) == 2;
    }
    check(right, "each of them dropped");
    enter(0, true);
}

/* --- code that moves --- */

typedef uint64_t Fn(void);

/* MOV EAX, @value; RET */
static void make_fn(void *at, uint8_t value)
{
    const uint8_t code[] = {0xb8, value, 0, 0, 0, 0xc3};

    memcpy(at, code, sizeof(code));
}

/* Translated code, too, is found by the context that runs. */
static void test_code(void)
{
    void *code1 = page_alloc(), *code2 = page_alloc();
    Fn *volatile fn = (Fn *)PAGE;
    bool right = true;

    make_fn(code1, 11);
    make_fn(code2, 22);
    for (unsigned i = 0; i < 20; i++) {
        *page_entry(PAGE) = (uintptr_t)(i & 1 ? code2 : code1) | P | W;
        enter(1 + i % 3, true);
        right &= fn() == (i & 1 ? 22 : 11);
    }
    check(right, "calls through a page that changes with the PCID");
    enter(1, true);
    fn();
    enter(2, false);
    make_fn(code1, 33);
    make_fn(code2, 33);
    enter(1, false);
    check_eq(fn(), 33, "code written while another PCID ran");
    enter(0, true);
}

/* --- what is refused --- */

static void bad_type(void *arg)
{
    (void)arg;
    invpcid(4, 0, 0);
}

static void bad_pcid(void *arg)
{
    (void)arg;
    invpcid(1, 0x1000, 0);
}

static void bad_address(void *arg)
{
    (void)arg;
    invpcid(0, 1, 1ull << 63);
}

static void clear_pg(void *arg)
{
    (void)arg;
    WRITE_CR(0, READ_CR(0) & ~(1ull << 31));
}

static void set_pcide(void *arg)
{
    (void)arg;
    WRITE_CR(4, READ_CR(4) | CR4_PCIDE);
}

static void noflush(void *arg)
{
    (void)arg;
    WRITE_CR(3, root | CR3_NOFLUSH);
}

static void invpcid_1(void *arg)
{
    (void)arg;
    invpcid(1, 1, 0);
}

static void test_faults(void)
{
    check_eq(catch(bad_type, NULL, NULL), GP, "INVPCID type 4");
    check_eq(catch(bad_pcid, NULL, NULL), GP, "INVPCID of PCID 1000h");
    check_eq(catch(bad_address, NULL, NULL), GP, "INVPCID, not canonical");
    check_eq(catch(clear_pg, NULL, NULL), GP, "CR0.PG := 0 with CR4.PCIDE");
    WRITE_CR(4, READ_CR(4) & ~CR4_PCIDE);
    check_eq(catch(noflush, NULL, NULL), GP, "CR3 bit 63 without CR4.PCIDE");
    check_eq(catch(invpcid_1, NULL, NULL), GP, "PCID 1 without CR4.PCIDE");
    WRITE_CR(3, root | 0x18);
    check_eq(catch(set_pcide, NULL, NULL), GP, "CR4.PCIDE from PCID 18h");
    WRITE_CR(3, root);
}

int main(void)
{
    root = READ_CR(3) & ~0xfffull;
    if (!has(1, 2, 17) || !has(7, 1, 10)) {
        check(true, "PCID # SKIP not there");
        return 0;
    }
    one = page_alloc();
    two = page_alloc();
    *one = 1;
    *two = 2;
    WRITE_CR(4, READ_CR(4) | CR4_PGE);
    WRITE_CR(3, root);
    WRITE_CR(4, READ_CR(4) | CR4_PCIDE);
    test_cr3();
    test_invpcid();
    test_invlpg();
    test_many();
    test_code();
    test_faults();
    return 0;
}
