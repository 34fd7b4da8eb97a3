/* SPDX-License-Identifier: MIT */
/*
 * -cpu: models, features, properties and their errors; CPUID's topology.
 * Expected values: SDM vol. 2A, "CPUID"; AMD APM vol. 3, appendix E; psABI
 * x86-64, table 3.1; messages as QEMU's.
 */
#include <string.h>

#include "target/i386/cpuid.h"
#include "target/i386/models.h"

static X86CPU cpu;

static void select_model(const char *text)
{
    GError *err = NULL;

    g_clear_pointer(&cpu.features, g_free);
    g_assert_true(x86_model_select(&cpu, text, false, &err));
    g_assert_no_error(err);
}

static void refused(const char *text, const char *message)
{
    GError *err = NULL;

    g_assert_false(x86_model_select(&cpu, text, false, &err));
    g_assert_cmpstr(err->message, ==, message);
    g_error_free(err);
}

static void test_models(void)
{
    for (unsigned i = 0; i < x86_nmodels; i++) {
        g_auto(GStrv) names = NULL;

        select_model(x86_models[i].name);
        names = g_strsplit(x86_models[i].features ? x86_models[i].features
                                                  : "fpu", " ", -1);
        for (unsigned n = 0; names[n]; n++) {
            const X86FeatureInfo *info = x86_feature_find(names[n]);

            g_assert_nonnull(info);
            if (!info->have) {
                g_assert_false(
                    x86_feature_is_set(cpu.features, info - x86_feature_info));
            }
        }
    }
}

static void test_identity(void)
{
    CpuidRegs r;

    select_model("Haswell");
    g_assert_cmphex(x86_cpuid(&cpu, 1, 0).eax, ==, 0x000306c4);
    r = x86_cpuid(&cpu, 0, 0);
    g_assert_cmpmem(&r.ebx, 4, "Genu", 4);
    g_assert_cmpmem(&r.edx, 4, "ineI", 4);
    g_assert_cmpmem(&r.ecx, 4, "ntel", 4);
    select_model("EPYC");
    g_assert_cmphex(x86_cpuid(&cpu, 0x80000001, 0).eax, ==, 0x00800f12);
    select_model("qemu64,family=6,model=0x3a,stepping=9,vendor=GenuineIntel");
    g_assert_cmphex(x86_cpuid(&cpu, 1, 0).eax, ==, 0x000306a9);
    select_model("max,model-id=My CPU,level=7");
    r = x86_cpuid(&cpu, 0x80000002, 0);
    g_assert_cmpmem(&r.eax, 4, "My C", 4);
    g_assert_cmphex(x86_cpuid(&cpu, 0, 0).eax, ==, 7);
}

static void test_features(void)
{
    select_model("max");
    g_assert_true(x86_has_feature(&cpu, FEAT_SSE42));
    select_model("max,-sse4.2,popcnt=off");
    g_assert_false(x86_has_feature(&cpu, FEAT_SSE42));
    g_assert_false(x86_has_feature(&cpu, FEAT_POPCNT));
    select_model("qemu64,+sse4_1,ssse3,smep=on");
    g_assert_true(x86_has_feature(&cpu, FEAT_SSE41));
    g_assert_true(x86_has_feature(&cpu, FEAT_SSSE3));
    g_assert_true(x86_has_feature(&cpu, FEAT_SMEP));
    select_model("x86-64-v3,-xsave");
    g_assert_false(x86_has_feature(&cpu, FEAT_AVX2)); /* needs XSAVE */
    select_model("max,-hypervisor");
    g_assert_cmphex(x86_cpuid(&cpu, 1, 0).ecx >> 31, ==, 0);
    select_model("max,migratable=on");
    g_assert_false(x86_has_feature(&cpu, FEAT_INVTSC));
    select_model("pentium3");
    g_assert_false(x86_has_feature(&cpu, FEAT_LM));
    g_assert_cmphex(x86_cpuid(&cpu, 0x80000008, 0).eax, !=, 0x3028);
}

static void test_errors(void)
{
    refused("nope", "unable to find CPU model 'nope'");
    refused("max,foo=1", "Property 'max-x86_64-cpu.foo' not found");
    refused("qemu64,+foo", "Property 'qemu64-x86_64-cpu.foo' not found");
    refused("max,+avx512f",
            "-cpu: feature 'avx512f' is not implemented: leave it out");
    refused("max,phys-bits=39", "TCG only supports phys-bits=40");
    refused("max,sse2=maybe", "-cpu: 'sse2' expects 'on' or 'off'");
    refused("max,vendor=short", "-cpu: 'vendor' expects 12 characters");
    refused("EPYC,check=off,enforce",
            "TCG doesn't support requested features");
}

static void test_place(void)
{
    g_autofree char *mpx = x86_feature_place(x86_feature_find("mpx"));
    g_autofree char *svm = x86_feature_place(x86_feature_find("svm"));

    g_assert_cmpstr(mpx, ==, "CPUID.07H:EBX.mpx [bit 14]");
    g_assert_cmpstr(svm, ==, "CPUID.80000001H:ECX.svm [bit 2]");
}

static void test_tsc(void)
{
    CpuidRegs r;

    select_model("max,tsc-frequency=2500000000");
    g_assert_cmpuint(cpu.features->tsc_hz, ==, 2500000000u);
    cpu.tsc_hz = cpu.features->tsc_hz;
    r = x86_cpuid(&cpu, 0x15, 0);
    g_assert_cmpuint((uint64_t)r.ecx * r.ebx / r.eax, ==, 2500000000u);
    g_assert_cmpuint(x86_cpuid(&cpu, 0x16, 0).eax, ==, 2500);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/cpu/models", test_models);
    g_test_add_func("/cpu/identity", test_identity);
    g_test_add_func("/cpu/features", test_features);
    g_test_add_func("/cpu/errors", test_errors);
    g_test_add_func("/cpu/place", test_place);
    g_test_add_func("/cpu/tsc", test_tsc);
    return g_test_run();
}
