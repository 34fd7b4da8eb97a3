/* SPDX-License-Identifier: MIT */
/*
 * The text of `info registers`: which vector registers it has, by what the
 * guest has enabled.  Source: SDM vol. 1, 14.3 "Detection of AVX Instructions".
 */
#include "target/i386/cpu-dump.h"
#include "tests/target/x86_machine.h"

#define XCR0_X87 1
#define XCR0_SSE 2
#define XCR0_AVX 4

static char *dump(uint64_t cr4, uint64_t xcr0, bool fpu)
{
    GString *out = g_string_new(NULL);

    machine_reset(0);
    cpu->cr4 = cr4;
    cpu->xcr0 = xcr0;
    x86_update_hflags(cpu);
    for (unsigned i = 0; i < 16; i++) {
        for (unsigned k = 0; k < 4; k++) {
            cpu->vec[i].u64[k] = 0x1000 * i + k;
        }
    }
    x86_cpu_dump(&cpu->cs, out, fpu);
    return g_string_free(out, FALSE);
}

static void assert_has(const char *text, const char *part, bool has)
{
    g_test_message("%s%s", part, has ? "" : " is not there");
    g_assert_cmpint(strstr(text, part) != NULL, ==, has);
}

static void test_xmm(void)
{
    static const uint64_t without_avx[][2] = {
        { CR4_OSFXSR, XCR0_X87 },
        { CR4_OSFXSR | CR4_OSXSAVE, XCR0_X87 | XCR0_SSE },
        /* XCR0 stays when the guest turns XSAVE off. */
        { CR4_OSFXSR, XCR0_X87 | XCR0_SSE | XCR0_AVX },
    };

    for (unsigned i = 0; i < ARRAY_LEN(without_avx); i++) {
        g_autofree char *text =
            dump(without_avx[i][0], without_avx[i][1], true);

        assert_has(text,
                   "XMM02=0000000000002001 0000000000002000 "
                   "XMM03=0000000000003001 0000000000003000\n",
                   true);
        assert_has(text, "YMM", false);
        assert_has(text, "XMM08", false); /* in 32-bit code there are eight */
    }
}

static void test_ymm(void)
{
    g_autofree char *text =
        dump(CR4_OSFXSR | CR4_OSXSAVE, XCR0_X87 | XCR0_SSE | XCR0_AVX, true);

    assert_has(text,
               "\nYMM00=0000000000000003 0000000000000002 0000000000000001 "
               "0000000000000000\n",
               true);
    assert_has(text,
               "\nYMM07=0000000000007003 0000000000007002 0000000000007001 "
               "0000000000007000\n",
               true);
    assert_has(text, "YMM08", false);
    assert_has(text, "XMM", false);
}

static void test_without_fpu(void)
{
    g_autofree char *text =
        dump(CR4_OSFXSR | CR4_OSXSAVE, XCR0_X87 | XCR0_SSE | XCR0_AVX, false);

    assert_has(text, "EAX=00000000", true);
    assert_has(text, "MM0", false);
    assert_has(text, "FCW", false);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    machine_init();
    g_test_add_func("/dump/xmm", test_xmm);
    g_test_add_func("/dump/ymm", test_ymm);
    g_test_add_func("/dump/without-fpu", test_without_fpu);
    return g_test_run();
}
