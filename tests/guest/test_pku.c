/* SPDX-License-Identifier: MIT */
/*
 * Protection keys: what PKRU denies to loads, stores and fetches, at once after
 * WRPKRU; the page fault's PK bit; PKRU in an XSAVE area.
 * Source: SDM vol. 3A, 4.6.2 "Protection Keys", 4.7 "Page-Fault Exceptions";
 * vol. 2, "RDPKRU", "WRPKRU".
 */
#include "guest.h"

#define P 1ull
#define W 2ull
#define U 4ull
#define KEY(n) ((uint64_t)(n) << 59)

#define CR0_WP      (1ull << 16)
#define CR4_OSXSAVE (1ull << 18)
#define CR4_PKE     (1ull << 22)

#define AD(n) (1u << (2 * (n)))
#define WD(n) (2u << (2 * (n)))

#define PAGE 0x200000000ull
#define CODE 0x200001000ull

#define UD 6
#define GP 13
#define PF 14
#define PF_P  1
#define PF_W  2
#define PF_PK 0x20

static uint8_t area[1024] __attribute__((aligned(64)));

static void wrpkru_raw(uint32_t value, uint32_t ecx, uint32_t edx)
{
    __asm__ volatile(".byte 0x0f, 0x01, 0xef" ::"a"(value), "c"(ecx), "d"(edx)
                     : "memory");
}

static void wrpkru(uint32_t value)
{
    wrpkru_raw(value, 0, 0);
}

static uint32_t rdpkru(void)
{
    uint32_t value, edx;

    __asm__ volatile(".byte 0x0f, 0x01, 0xee"
                     : "=a"(value), "=d"(edx)
                     : "c"(0));
    return value;
}

static void do_load(void *arg)
{
    (void)*(volatile uint64_t *)arg;
}

static void do_store(void *arg)
{
    *(volatile uint64_t *)arg = 1;
}

static void do_call(void *arg)
{
    ((void (*)(void))arg)();
}

static void do_rdpkru(void *arg)
{
    *(uint32_t *)arg = rdpkru();
}

static void do_wrpkru_ecx(void *arg)
{
    (void)arg;
    wrpkru_raw(0, 1, 0);
}

static void do_wrpkru_edx(void *arg)
{
    (void)arg;
    wrpkru_raw(0, 0, 1);
}

/* @fn at PAGE is fine, or a fault with @error. */
static void expect(void (*fn)(void *), int64_t error, const char *what)
{
    Frame f;
    int vector = catch(fn, (void *)PAGE, &f);

    if (error < 0) {
        check_eq(vector, -1, "%s is allowed", what);
    } else {
        check(vector == PF && f.error == (uint64_t)error,
              "%s is denied: vector %d error %x", what, vector, f.error);
    }
}

static void test_keys(void)
{
    page_map(PAGE, (uintptr_t)page_alloc(), P | W | U | KEY(5));
    wrpkru(0);
    expect(do_load, -1, "a load with PKRU 0");
    expect(do_store, -1, "a store with PKRU 0");
    wrpkru(AD(5));
    check_eq(rdpkru(), AD(5), "RDPKRU");
    expect(do_load, PF_P | PF_PK, "a load with AD");
    expect(do_store, PF_P | PF_W | PF_PK, "a store with AD");
    wrpkru(WD(5));
    expect(do_load, -1, "a load with WD");
    WRITE_CR(0, READ_CR(0) | CR0_WP);
    expect(do_store, PF_P | PF_W | PF_PK, "a store with WD");
    WRITE_CR(0, READ_CR(0) & ~CR0_WP);
    expect(do_store, -1, "a supervisor's store with WD but without WP");
    wrpkru(~(AD(5) | WD(5)) & ~3u);
    expect(do_store, -1, "a store with all other keys denied");
    page_map(PAGE, *page_entry(PAGE) & 0xffffff000ull, P | W | KEY(5));
    wrpkru(AD(5) | WD(5));
    expect(do_store, -1, "a supervisor page is not PKRU's");
    wrpkru(0);
}

static void test_fetch(void)
{
    uint8_t *code = page_alloc();
    void *at = (void *)CODE;

    code[0] = 0xc3; /* RET */
    page_map(CODE, (uintptr_t)code, P | W | U | KEY(7));
    wrpkru(AD(7));
    check_eq(catch(do_call, at, NULL), -1, "a fetch with AD");
    check_eq(catch(do_load, at, NULL), PF, "a load there with AD");
    wrpkru(0);
}

static void test_refused(void)
{
    uint32_t v;

    check_eq(catch(do_wrpkru_ecx, NULL, NULL), GP, "WRPKRU with ECX");
    check_eq(catch(do_wrpkru_edx, NULL, NULL), GP, "WRPKRU with EDX");
    WRITE_CR(4, READ_CR(4) & ~CR4_PKE);
    check_eq(catch(do_rdpkru, &v, NULL), UD, "RDPKRU without CR4.PKE");
    check_eq(cpuid(7, 0).c >> 4 & 1, 0, "OSPKE follows CR4");
    WRITE_CR(4, READ_CR(4) | CR4_PKE);
    check_eq(cpuid(7, 0).c >> 4 & 1, 1, "OSPKE follows CR4 back");
}

static void test_xsave(void)
{
    uint32_t offset = cpuid(0xd, 9).b;

    WRITE_CR(4, READ_CR(4) | CR4_OSXSAVE);
    __asm__ volatile("xsetbv" ::"c"(0), "a"(0x203), "d"(0));
    check_eq(cpuid(0xd, 9).a, 8, "eight bytes of an XSAVE area");
    check(cpuid(0xd, 0).b >= offset + 8, "whose size covers them");
    wrpkru(0x1234 << 2);
    __asm__ volatile("xsave %0" : "+m"(area) : "a"(0x200), "d"(0));
    check_eq(*(uint32_t *)(area + offset), 0x1234 << 2, "XSAVE");
    check_eq(*(uint64_t *)(area + 512), 0x200, "XSTATE_BV");
    wrpkru(0);
    __asm__ volatile("xrstor %0" ::"m"(area), "a"(0x200), "d"(0));
    check_eq(rdpkru(), 0x1234 << 2, "XRSTOR");
    *(uint64_t *)(area + 512) = 0;
    __asm__ volatile("xrstor %0" ::"m"(area), "a"(0x200), "d"(0));
    check_eq(rdpkru(), 0, "XRSTOR of its initial state");
}

int main(void)
{
    if (!(cpuid(7, 0).c >> 3 & 1)) {
        check(true, "PKU # SKIP not there");
        return 0;
    }
    WRITE_CR(4, READ_CR(4) | CR4_PKE);
    test_keys();
    test_fetch();
    test_refused();
    test_xsave();
    return 0;
}
