/* SPDX-License-Identifier: MIT */
/*
 * CPU models.
 *
 * "max" has all that is implemented.  It calls itself an in-order Intel part
 * (an Atom of the Saltwell kind): operating systems then leave out the costly
 * work-arounds for speculative execution, which has no counterpart here.
 *
 * A named model lists what the processor has; what is not implemented of it is
 * left out with a warning (cpu_option.c).  EPYC-Genoa is listed without
 * AVX-512.  "-noTSX" is the processor after the microcode update that took TSX
 * away, "-IBRS" and "-IBPB" the one with control of speculation.  Source: CPUID
 * dumps of the processors; psABI x86-64, table 3.1 "Micro-Architecture Levels".
 */
#include "target/i386/models.h"

#include <string.h>

/* The feature set of each generation, on top of the one before. */
#define F_486      "fpu vme pse"
#define F_PENTIUM  F_486 " de tsc msr mce cx8 apic mmx"
#define F_PENTIUM3 F_PENTIUM " pae sep mtrr pge mca cmov pat pse36 fxsr sse"
#define F_X86_64   F_PENTIUM3 " clflush sse2 syscall nx lm"
#define F_V2       F_X86_64 " pni ssse3 sse4.1 sse4.2 popcnt cx16 lahf-lm"
#define F_V3       F_V2 " xsave avx avx2 fma f16c bmi1 bmi2 movbe abm"
#define F_HASWELL_NO_TSX                                                       \
    F_V3 " pclmulqdq aes x2apic tsc-deadline rdrand pcid invpcid rdtscp "      \
         "fsgsbase smep erms arat xsaveopt"
#define F_SKYLAKE_ADDS                                                         \
    " adx rdseed smap clflushopt mpx 3dnowprefetch xsavec xgetbv1"
#define F_SKYLAKE_NO_TSX F_HASWELL_NO_TSX F_SKYLAKE_ADDS
#define F_TSX            " hle rtm"
#define F_IBRS           " spec-ctrl"
#define F_EPYC                                                                 \
    F_V3 " pclmulqdq aes monitor x2apic rdrand rdtscp pdpe1gb fsgsbase "       \
         "smep smap adx rdseed clflushopt sha-ni arat xsaveopt xsavec "        \
         "xgetbv1 mmxext fxsr-opt svm cr8legacy sse4a misalignsse "            \
         "3dnowprefetch osvw topoext"
#define F_GENOA                                                                \
    F_EPYC " pcid invpcid erms fsrm umip rdpid pku la57 gfni vaes "            \
           "vpclmulqdq clwb wbnoinvd xsaves clzero xsaveerptr perfctr-core"

#define INTEL "GenuineIntel"
#define AMD   "AuthenticAMD"

/* Name, description, vendor, brand (NULL: our own), family, model, stepping,
 * highest leaves, features. */
const X86Model x86_models[] = {
    {"486", "Intel 80486", INTEL, NULL, 4, 8, 0, 1, 0, F_486},
    {"EPYC", "AMD EPYC (Naples)", AMD, "AMD EPYC Processor", 23, 1, 2, 0xd,
     0x8000001e, F_EPYC},
    {"EPYC-Genoa", "AMD EPYC (Genoa), without AVX-512", AMD,
     "AMD EPYC-Genoa Processor", 25, 17, 0, 0xd, 0x80000022, F_GENOA},
    {"EPYC-IBPB", "AMD EPYC (Naples) with IBPB", AMD,
     "AMD EPYC Processor (with IBPB)", 23, 1, 2, 0xd, 0x8000001e,
     F_EPYC " ibpb"},
    {"Haswell", "Intel Core (Haswell)", INTEL, "Intel Core Processor (Haswell)",
     6, 60, 4, 0xd, 0x80000008, F_HASWELL_NO_TSX F_TSX},
    {"Haswell-IBRS", "Intel Core (Haswell, IBRS)", INTEL,
     "Intel Core Processor (Haswell, IBRS)", 6, 60, 4, 0xd, 0x80000008,
     F_HASWELL_NO_TSX F_TSX F_IBRS},
    {"Haswell-noTSX", "Intel Core (Haswell, no TSX)", INTEL,
     "Intel Core Processor (Haswell, no TSX)", 6, 60, 1, 0xd, 0x80000008,
     F_HASWELL_NO_TSX},
    {"Haswell-noTSX-IBRS", "Intel Core (Haswell, no TSX, IBRS)", INTEL,
     "Intel Core Processor (Haswell, no TSX, IBRS)", 6, 60, 1, 0xd, 0x80000008,
     F_HASWELL_NO_TSX F_IBRS},
    {"Nehalem", "Intel Core i7 9xx (Nehalem)", INTEL,
     "Intel Core i7 9xx (Nehalem Class Core i7)", 6, 26, 3, 0xb, 0x80000008,
     F_V2},
    {"Nehalem-IBRS", "Intel Core i7 9xx (Nehalem, IBRS)", INTEL,
     "Intel Core i7 9xx (Nehalem Core i7, IBRS update)", 6, 26, 3, 0xb,
     0x80000008, F_V2 F_IBRS},
    {"Skylake-Client", "Intel Core (Skylake)", INTEL,
     "Intel Core Processor (Skylake)", 6, 94, 3, 0xd, 0x80000008,
     F_SKYLAKE_NO_TSX F_TSX},
    {"Skylake-Client-IBRS", "Intel Core (Skylake, IBRS)", INTEL,
     "Intel Core Processor (Skylake, IBRS)", 6, 94, 3, 0xd, 0x80000008,
     F_SKYLAKE_NO_TSX F_TSX F_IBRS},
    {"Skylake-Client-noTSX-IBRS", "Intel Core (Skylake, no TSX, IBRS)", INTEL,
     "Intel Core Processor (Skylake, IBRS, no TSX)", 6, 94, 3, 0xd, 0x80000008,
     F_SKYLAKE_NO_TSX F_IBRS},
    {"Opteron_G1", "AMD Opteron 240", AMD,
     "AMD Opteron 240 (Gen 1 Class Opteron)", 15, 6, 1, 5, 0x80000008,
     F_X86_64 " pni"},
    {"kvm64", "the processor that hypervisors have in common", INTEL, NULL, 15,
     6, 1, 0xd, 0x80000008, F_X86_64 " pni cx16"},
    {"max", "all that this emulator implements", INTEL, NULL, 6, 0x36, 1, 0x1f,
     0x80000008, NULL},
    {"pentium", "Intel Pentium MMX", INTEL, NULL, 5, 4, 3, 1, 0, F_PENTIUM},
    {"pentium3", "Intel Pentium III", INTEL, NULL, 6, 8, 3, 3, 0, F_PENTIUM3},
    {"qemu32", "a plain 32-bit processor", INTEL, NULL, 6, 6, 3, 4, 0x80000004,
     F_PENTIUM3 " sse2 pni x2apic"},
    {"qemu64", "a plain 64-bit processor", AMD, NULL, 15, 107, 1, 0xd,
     0x8000000a, F_X86_64 " pni cx16 lahf-lm x2apic"},
    {"x86-64-v1", "the baseline of x86-64", INTEL, NULL, 15, 4, 1, 0xd,
     0x80000008, F_X86_64},
    {"x86-64-v2", "x86-64 with SSE4.2", INTEL, NULL, 6, 26, 3, 0xd, 0x80000008,
     F_V2},
    {"x86-64-v3", "x86-64 with AVX2", INTEL, NULL, 6, 60, 4, 0xd, 0x80000008,
     F_V3},
};
const unsigned x86_nmodels = ARRAY_LEN(x86_models);

/* Versions other than the first, which is the model itself. */
static const char *const versions[][2] = {
    {"EPYC-v2", "EPYC-IBPB"},
    {"Haswell-v2", "Haswell-noTSX"},
    {"Haswell-v3", "Haswell-IBRS"},
    {"Haswell-v4", "Haswell-noTSX-IBRS"},
    {"Nehalem-v2", "Nehalem-IBRS"},
    {"Skylake-Client-v2", "Skylake-Client-IBRS"},
    {"Skylake-Client-v3", "Skylake-Client-noTSX-IBRS"},
};

static const X86Model *find_exactly(const char *name)
{
    for (unsigned i = 0; i < x86_nmodels; i++) {
        if (!strcmp(x86_models[i].name, name)) {
            return &x86_models[i];
        }
    }
    return NULL;
}

const X86Model *x86_model_find(const char *name)
{
    const X86Model *m = find_exactly(name);
    g_autofree char *first = NULL;

    for (unsigned i = 0; !m && i < ARRAY_LEN(versions); i++) {
        if (!strcmp(versions[i][0], name)) {
            m = find_exactly(versions[i][1]);
        }
    }
    if (!m && g_str_has_suffix(name, "-v1")) {
        first = g_strndup(name, strlen(name) - strlen("-v1"));
        m = find_exactly(first);
    }
    return m;
}
