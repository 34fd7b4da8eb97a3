/* SPDX-License-Identifier: MIT */
/*
 * guest: -smp 2
 * CPUID: that leaves agree with each other, and with what they promise.
 * Source: SDM vol. 2A, "CPUID".
 */
#include "guest.h"

static void test_basic(void)
{
    CpuidRegs top = cpuid(0, 0), beyond, ext = cpuid(0x80000000, 0);
    uint32_t family = cpuid(1, 0).a >> 8 & 15;

    check(top.a >= 1, "leaf 1 exists");
    check(ext.a >= 0x80000008, "leaf 80000008h exists");
    check(family == 6 || family == 15, "family %u", family);
    beyond = cpuid(top.a + 1, 0);
    check_eq(beyond.a, cpuid(top.a, 0).a,
             "a leaf past the last answers as the last");
    check_eq(cpuid(1, 0).a, cpuid(0x80000001, 0).a == 0
                                ? 0 : cpuid(1, 0).a, "leaf 1 is stable");
}

static void test_apic(void)
{
    CpuidRegs one = cpuid(1, 0), x;
    uint32_t logical = one.b >> 16 & 255;

    check(one.d >> 28 & 1, "HTT with two processors");
    check(logical >= 1, "%u APIC IDs in a package", logical);
    if (cpuid(0, 0).a >= 0xb && (cpuid(0xb, 0).b & 0xffff)) {
        x = cpuid(0xb, 0);
        check_eq(x.c, 1 << 8, "leaf 0Bh level 0 is threads");
        check_eq(x.d & 255, one.b >> 24, "x2APIC ID is the APIC ID");
        x = cpuid(0xb, 1);
        check_eq(x.c, 2 << 8 | 1, "leaf 0Bh level 1 is cores");
        check(1u << x.a >= (x.b & 0xffff), "its shift covers its count");
        x = cpuid(0xb, 2);
        check_eq(x.c, 2, "leaf 0Bh level 2 is not there");
        check_eq(x.b, 0, "and has no processors");
    }
}

static void test_osxsave(void)
{
    if (!(cpuid(1, 0).c >> 26 & 1)) {
        check_eq(cpuid(1, 0).c >> 27 & 1, 0, "no OSXSAVE without XSAVE");
        return;
    }
    WRITE_CR(4, READ_CR(4) | 1 << 18);
    check_eq(cpuid(1, 0).c >> 27 & 1, 1, "OSXSAVE follows CR4");
    WRITE_CR(4, READ_CR(4) & ~(1ull << 18));
    check_eq(cpuid(1, 0).c >> 27 & 1, 0, "OSXSAVE follows CR4 back");
}

static void test_sizes(void)
{
    uint32_t bits = cpuid(0x80000008, 0).a;
    bool la57 = cpuid(7, 0).c >> 16 & 1;

    check((bits & 255) >= 36 && (bits & 255) <= 52, "%u physical bits",
          bits & 255);
    check_eq(bits >> 8 & 255, la57 ? 57 : 48, "linear bits");
}

int main(void)
{
    test_basic();
    test_apic();
    test_osxsave();
    test_sizes();
    return 0;
}
