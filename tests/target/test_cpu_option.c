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
    refused("max,-nope", "Property 'max-x86_64-cpu.nope' not found");
    refused("max,+", "Property 'max-x86_64-cpu.' not found");
    refused("", "unable to find CPU model ''");
    refused(",+avx", "unable to find CPU model ''");
    refused("max-v2", "unable to find CPU model 'max-v2'");
    refused("host", "CPU model 'host' requires KVM: use 'max'");
    refused("max,phys-bits=31",
            "phys-bits should be between 32 and 52 (but is 31)");
    refused("max,phys-bits=53",
            "phys-bits should be between 32 and 52 (but is 53)");
    refused("pentium3,phys-bits=36", "-cpu: phys-bits needs a 64-bit model");
    refused("max,host-phys-bits=on", "-cpu: 'host-phys-bits=on' is not "
                                     "implemented: leave it out");
    refused("max,pmu", "-cpu: 'pmu=on' is not implemented: leave it out");
    refused("max,+kvm_pv_eoi",
            "-cpu: 'kvm_pv_eoi=on' is not implemented: leave it out");
    refused("max,hv-relaxed",
            "-cpu: 'hv-relaxed=on' is not implemented: leave it out");
    refused("max,family=abc", "-cpu: 'family': 'abc' is not a number");
    refused("max,stepping=16",
            "-cpu: 'stepping': '16' is above the limit of 15");
    refused("max,tsc-freq=1.5X", "-cpu: 'tsc-freq' expects a frequency below "
                                 "2^63 Hz (an optional suffix K, M, G or T "
                                 "multiplies it)");
    /* Said twice is fine, contradicted is not. */
    refused("max,+avx,-avx", "-cpu: 'avx' is both 'on' and 'off'");
    refused("max,sse4.1=off,+sse4_1", "-cpu: 'sse4.1' is both 'off' and 'on'");
    refused("max,family=6,family=15", "-cpu: 'family' is both '6' and '15'");
    refused("max,sse2=maybe", "-cpu: 'sse2' expects 'on' or 'off'");
    refused("max,vendor=short", "-cpu: 'vendor' expects 12 characters");
    refused("EPYC,check=off,enforce",
            "TCG doesn't support requested features");
}

/* Spellings of QEMU, of Linux and of people. */
static void test_names(void)
{
    static const struct {
        const char *text;
        X86FeatureId id;
    } rows[] = {
        {"sse4.1", FEAT_SSE41},
        {"sse4_1", FEAT_SSE41},
        {"sse4-1", FEAT_SSE41},
        {"sse4_2", FEAT_SSE42},
        {"sse3", FEAT_SSE3},
        {"pni", FEAT_SSE3},
        {"lahf_lm", FEAT_LAHF_LM},
        {"lahf-lm", FEAT_LAHF_LM},
        {"tsc_adjust", FEAT_TSC_ADJUST},
        {"tsc-adjust", FEAT_TSC_ADJUST},
        {"tsc_deadline_timer", FEAT_TSC_DEADLINE},
        {"tsc-deadline", FEAT_TSC_DEADLINE},
        {"xd", FEAT_NX},
        {"i64", FEAT_LM},
        {"lzcnt", FEAT_ABM},
        {"sha_ni", FEAT_SHA},
        {"arch_capabilities", FEAT_ARCH_CAPABILITIES},
    };

    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        g_autofree char *text = g_strdup_printf("max,%s=off", rows[i].text);

        select_model(text);
        g_assert_false(x86_has_feature(&cpu, rows[i].id));
    }
    select_model("max,+avx,avx=on,avx,avx=yes"); /* says one thing */
    /* What is not implemented may be taken away. */
    select_model("Haswell,-hle,rtm=off,-avx512vl,vmx=off,hv-time=off,kvm=off,"
                 "kvm-hint-dedicated=off,-kvm_pv_eoi,vmx-ept=off");
}

static void test_versions(void)
{
    static const char *const same[][2] = {
        {"EPYC-v1", "EPYC"},
        {"qemu64-v1", "qemu64"},
        {"486-v1", "486"},
        {"Haswell-v2", "Haswell-noTSX"},
        {"Haswell-v1", "Haswell"},
        {"x86-64-v2", "x86-64-v2"},
        {"Skylake-Client-v3", "Skylake-Client-noTSX-IBRS"},
    };

    for (unsigned i = 0; i < ARRAY_LEN(same); i++) {
        select_model(same[i][0]);
        g_assert_cmpstr(cpu.model->name, ==, same[i][1]);
    }
    for (unsigned i = 0; i < x86_nmodels; i++) {
        if (strcmp(x86_models[i].name, "x86-64-v1") != 0) {
            g_autofree char *text =
                g_strdup_printf("%s-v1", x86_models[i].name);

            select_model(text);
            g_assert_cmpstr(cpu.model->name, ==, x86_models[i].name);
        }
    }
}

/* Those that clients pass and that say what is so anyway. */
static void test_properties(void)
{
    select_model("max,host-phys-bits=off,pmu=off,lmce=off,kvm=off,"
                 "fill-mtrr-mask=on,legacy-cache=off,check=off,"
                 "x-vendor-cpuid-only=on,host-cache-info=off,migratable=off");
    g_assert_true(x86_has_feature(&cpu, FEAT_INVTSC));
    select_model("max,migratable=on,+invtsc"); /* wanted by name */
    g_assert_true(x86_has_feature(&cpu, FEAT_INVTSC));
    select_model("max,cpuid-0xb=off");
    g_assert_cmphex(x86_cpuid(&cpu, 0xb, 0).ebx, ==, 0);
    select_model("max,vendor=AuthenticAMD");
    g_assert_true(cpu.features->amd);
    select_model("EPYC,vendor=HygonGenuine");
    g_assert_true(cpu.features->amd);
}

/* A feature is of no use without the leaf that shows it. */
static void test_levels(void)
{
    select_model("pentium3");
    g_assert_cmphex(x86_cpuid(&cpu, 0, 0).eax, ==, 3);
    select_model("pentium3,+smep");
    g_assert_cmphex(x86_cpuid(&cpu, 0, 0).eax, ==, 7);
    g_assert_cmphex(x86_cpuid(&cpu, 7, 0).ebx, ==, 1 << 7);
    select_model("pentium3,+monitor");
    g_assert_cmphex(x86_cpuid(&cpu, 0, 0).eax, ==, 5);
    select_model("pentium3,+xsave");
    g_assert_cmphex(x86_cpuid(&cpu, 0, 0).eax, ==, 0xd);
    select_model("pentium3,+nx");
    g_assert_cmphex(x86_cpuid(&cpu, 0x80000000, 0).eax, ==, 0x80000001);
    select_model("pentium3,+smep,full-cpuid-auto-level=off");
    g_assert_cmphex(x86_cpuid(&cpu, 0, 0).eax, ==, 3);
    select_model("max,level=4,xlevel=0x80000004");
    g_assert_cmphex(x86_cpuid(&cpu, 0, 0).eax, ==, 4);
    g_assert_cmphex(x86_cpuid(&cpu, 0x80000000, 0).eax, ==, 0x80000004);
    select_model("pentium3,min-level=2,min-xlevel=0x80000008");
    g_assert_cmphex(x86_cpuid(&cpu, 0, 0).eax, ==, 3);
    g_assert_cmphex(x86_cpuid(&cpu, 0x80000000, 0).eax, ==, 0x80000008);
}

/* What is left of max without the first. */
static void test_dependencies(void)
{
    static const struct {
        const char *without;
        X86FeatureId gone, left;
    } rows[] = {
        {"max,-xsave", FEAT_VAES, FEAT_SSE42},
        {"max,-fpu", FEAT_AVX2, FEAT_CMOV},
        {"max,-sse2", FEAT_AES, FEAT_SSE},
        {"max,-lm", FEAT_PCID, FEAT_NX},
        {"max,-lm", FEAT_SYSCALL, FEAT_SEP},
        {"max,-msr", FEAT_LM, FEAT_TSC},
        {"max,-apic", FEAT_X2APIC, FEAT_TSC_ADJUST},
        {"max,-tsc", FEAT_TSC_DEADLINE, FEAT_APIC},
        {"max,-pae", FEAT_LA57, FEAT_PSE36},
        {"max,-avx", FEAT_FMA, FEAT_BMI2},
        {"max", FEAT_TOPOEXT, FEAT_MMXEXT},
    };

    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        select_model(rows[i].without);
        g_assert_false(x86_has_feature(&cpu, rows[i].gone));
        g_assert_true(x86_has_feature(&cpu, rows[i].left));
    }
    select_model("max,vendor=AuthenticAMD,-lm");
    g_assert_true(x86_has_feature(&cpu, FEAT_SYSCALL));
}

static void test_phys_bits(void)
{
    static const struct {
        const char *text;
        unsigned bits, linear;
    } rows[] = {
        {"max", 40, 57},
        {"max,phys-bits=52", 52, 57},
        {"EPYC,phys-bits=32", 32, 48},
        {"qemu64,phys-bits=0", 40, 48},
        {"Haswell,phys-bits=39", 39, 48},
        {"pentium3,min-xlevel=0x80000008", 36, 32},
        {"pentium,min-xlevel=0x80000008", 32, 32},
        {"max,-lm", 36, 32},
        {"max,-pae", 32, 32},
    };

    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        select_model(rows[i].text);
        g_assert_cmphex(x86_cpuid(&cpu, 0x80000008, 0).eax & 0xffff, ==,
                        rows[i].bits | rows[i].linear << 8);
        g_assert_cmphex(x86_phys_mask(&cpu), ==, BIT64(rows[i].bits) - 1);
    }
}

/*
 * "max" is what the emulator has, whatever runs it: these words are the same on
 * every host.  A new feature changes one of them, and nothing else does.
 */
static void test_max(void)
{
    static const uint32_t words[FW_COUNT] = {
        [FW_1_EDX] = 0x178bfbff,  [FW_1_ECX] = 0xf7fa320b,
        [FW_6_EAX] = 0x00000004,  [FW_7_EBX] = 0x219c07ab,
        [FW_7_ECX] = 0x0041070c,  [FW_7_EDX] = 0x20000010,
        [FW_D1_EAX] = 0x0000000f, [FW_81_EDX] = 0x2c500800,
        [FW_81_ECX] = 0x00000123, [FW_87_EDX] = 0x00000100,
        [FW_88_EBX] = 0x00000200,
    };

    select_model("max");
    for (unsigned w = 0; w < FW_IMPLIED; w++) {
        g_test_message("word %u", w);
        g_assert_cmphex(cpu.features->word[w], ==, words[w]);
    }
}

/* psABI x86-64, table 3.1: what compilers are told of x86-64-vN. */
static void test_baselines(void)
{
    static const X86FeatureId v1[] = {
        FEAT_CMOV,    FEAT_CX8, FEAT_FPU,  FEAT_FXSR, FEAT_MMX,
        FEAT_SYSCALL, FEAT_SSE, FEAT_SSE2, FEAT_LM,
    };
    static const X86FeatureId v2[] = {
        FEAT_CX16,  FEAT_LAHF_LM, FEAT_POPCNT, FEAT_SSE3,
        FEAT_SSE41, FEAT_SSE42,   FEAT_SSSE3,
    };
    static const X86FeatureId v3[] = {
        FEAT_AVX, FEAT_AVX2, FEAT_BMI1,  FEAT_BMI2,  FEAT_F16C,
        FEAT_FMA, FEAT_ABM,  FEAT_MOVBE, FEAT_XSAVE,
    };
    static const struct {
        const char *model;
        unsigned level;
    } rows[] = {
        {"x86-64-v1", 1},      {"x86-64-v2", 2},  {"x86-64-v3", 3}, {"max", 3},
        {"qemu64", 1},         {"Nehalem", 2},    {"Haswell", 3},   {"EPYC", 3},
        {"Skylake-Client", 3}, {"EPYC-Genoa", 3},
    };

    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        unsigned level = rows[i].level;

        select_model(rows[i].model);
        for (unsigned n = 0; n < ARRAY_LEN(v1); n++) {
            g_assert_true(x86_has_feature(&cpu, v1[n]));
        }
        for (unsigned n = 0; level >= 2 && n < ARRAY_LEN(v2); n++) {
            g_assert_true(x86_has_feature(&cpu, v2[n]));
        }
        for (unsigned n = 0; level >= 3 && n < ARRAY_LEN(v3); n++) {
            g_assert_true(x86_has_feature(&cpu, v3[n]));
        }
    }
}

static void test_place(void)
{
    g_autofree char *mpx = x86_feature_place(x86_feature_find("mpx"));
    g_autofree char *svm = x86_feature_place(x86_feature_find("svm"));

    g_assert_cmpstr(mpx, ==, "CPUID.07H:EBX.mpx [bit 14]");
    g_assert_cmpstr(svm, ==, "CPUID.80000001H:ECX.svm [bit 2]");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/cpu/models", test_models);
    g_test_add_func("/cpu/identity", test_identity);
    g_test_add_func("/cpu/features", test_features);
    g_test_add_func("/cpu/errors", test_errors);
    g_test_add_func("/cpu/place", test_place);
    g_test_add_func("/cpu/names", test_names);
    g_test_add_func("/cpu/versions", test_versions);
    g_test_add_func("/cpu/properties", test_properties);
    g_test_add_func("/cpu/levels", test_levels);
    g_test_add_func("/cpu/dependencies", test_dependencies);
    g_test_add_func("/cpu/phys-bits", test_phys_bits);
    g_test_add_func("/cpu/max", test_max);
    g_test_add_func("/cpu/baselines", test_baselines);
    return g_test_run();
}
