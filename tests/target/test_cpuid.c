/* SPDX-License-Identifier: MIT */
/*
 * What CPUID's leaves say: topology as an operating system takes it from them,
 * caches, frequencies, and where Intel's and AMD's processors differ.
 * Expected values: SDM vol. 2A, "CPUID"; vol. 3A, 9.9.3 "Hierarchical ID of
 * Logical Processor in an MP System"; AMD APM vol. 3, appendix E.
 */
#include <string.h>

#include "target/i386/cpuid.h"
#include "target/i386/models.h"
#include "target/i386/topology.h"

static X86CPU cpu;

static void select_model(const char *text)
{
    GError *err = NULL;

    g_clear_pointer(&cpu.features, g_free);
    g_assert_true(x86_model_select(&cpu, text, false, &err));
    g_assert_no_error(err);
    cpu.tsc_hz = cpu.features->tsc_hz;
}

static uint32_t bits(uint32_t value, unsigned high, unsigned low)
{
    return extract64(value, low, high - low + 1);
}

/* --- topology --- */

/* The widest APIC ID below: 2 packages of 64 threads. */
static const X86Topology arrangements[] = {
    {1, 1, 1, 1}, {4, 1, 1, 1}, {1, 1, 4, 1}, {1, 1, 2, 2}, {2, 1, 3, 2},
    {3, 1, 5, 3}, {1, 2, 4, 1}, {2, 2, 3, 2}, {2, 3, 1, 1}, {1, 3, 5, 2},
    {2, 1, 1, 2}, {1, 1, 6, 1}, {2, 4, 4, 2}, {7, 1, 1, 1},
};

static void test_apic_ids(void)
{
    static const uint32_t expected[] = {0, 1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 13};
    static const X86Topology t = {2, 1, 3, 2}, dies = {2, 3, 1, 1};

    for (unsigned i = 0; i < ARRAY_LEN(expected); i++) {
        g_assert_cmpuint(x86_topology_apic_id(&t, i), ==, expected[i]);
    }
    /* Three dies take two bits. */
    g_assert_cmpuint(x86_topology_apic_id(&dies, 2), ==, 2);
    g_assert_cmpuint(x86_topology_apic_id(&dies, 3), ==, 4);
}

/* From leaf 0Bh or 1Fh: levels up to one of type 0. */
static void place_by_levels(uint32_t leaf, X86Place *p, unsigned *package)
{
    uint32_t id = x86_cpuid(&cpu, leaf, 0).edx, shift = 0;

    *p = (X86Place){0};
    for (unsigned n = 0;; n++) {
        CpuidRegs r = x86_cpuid(&cpu, leaf, n);
        uint32_t field = (id & ((1u << bits(r.eax, 4, 0)) - 1)) >> shift;

        g_assert_cmpuint(bits(r.ecx, 7, 0), ==, n);
        g_assert_cmphex(r.edx, ==, id);
        switch (bits(r.ecx, 15, 8)) {
        case 0:
            g_assert_cmphex(r.eax, ==, 0);
            g_assert_cmphex(r.ebx, ==, 0);
            p->socket = id >> shift;
            return;
        case 1:
            p->thread = field;
            break;
        case 2:
            p->core = field;
            break;
        case 5:
            p->die = field;
            break;
        default:
            g_assert_not_reached();
        }
        shift = bits(r.eax, 4, 0);
        *package = bits(r.ebx, 15, 0);
    }
}

static unsigned id_bits(unsigned count)
{
    return count > 1 ? 32 - __builtin_clz(count - 1) : 0;
}

static void expect_place(const X86Place *got, const X86Place *want,
                         const X86Topology *t, bool knows_dies)
{
    g_assert_cmpuint(got->socket, ==, want->socket);
    g_assert_cmpuint(got->thread, ==, want->thread);
    if (knows_dies) {
        g_assert_cmpuint(got->die, ==, want->die);
        g_assert_cmpuint(got->core, ==, want->core);
    } else { /* cores of the whole package */
        g_assert_cmpuint(got->core, ==,
                         want->die << id_bits(t->cores) | want->core);
    }
}

/* SDM vol. 3A, example 9-18 and on: without leaf 0Bh, by leaves 1 and 4. */
static X86Place place_by_leaf_4(void)
{
    uint32_t logical = bits(x86_cpuid(&cpu, 1, 0).ebx, 23, 16);
    uint32_t cores = bits(x86_cpuid(&cpu, 4, 0).eax, 31, 26) + 1;
    uint32_t id = bits(x86_cpuid(&cpu, 1, 0).ebx, 31, 24);
    unsigned threads = logical / cores;

    g_assert_cmpuint(logical % cores, ==, 0);
    return (X86Place){.socket = id / logical,
                      .core = id % logical / threads,
                      .thread = id % threads};
}

static void expect_intel(const X86Topology *t, const X86Place *place)
{
    unsigned package = t->dies * t->cores * t->threads, count;
    X86Place p;

    place_by_levels(0xb, &p, &count);
    expect_place(&p, place, t, false);
    g_assert_cmpuint(count, ==, package);
    g_assert_cmpuint(bits(x86_cpuid(&cpu, 0xb, 0).ebx, 15, 0), ==, t->threads);
    place_by_levels(0x1f, &p, &count);
    expect_place(&p, place, t, true);
    g_assert_cmpuint(count, ==, package);
    p = place_by_leaf_4();
    expect_place(&p, place, t, false);
}

static void test_intel_topology(void)
{
    for (unsigned n = 0; n < ARRAY_LEN(arrangements); n++) {
        const X86Topology *t = &arrangements[n];
        unsigned all = t->sockets * t->dies * t->cores * t->threads;

        x86_cpu_set_topology(t);
        select_model(t->dies > 1 ? "Haswell" : "max");
        for (unsigned i = 0; i < all; i++) {
            X86Place place = x86_topology_place(t, i);

            cpu.apic_id = x86_topology_apic_id(t, i);
            expect_intel(t, &place);
        }
    }
}

/* Package by leaf 80000008h, the rest by 8000001Eh. */
static void expect_amd(const X86Topology *t, const X86Place *place)
{
    unsigned package = t->dies * t->cores * t->threads, count;
    CpuidRegs size = x86_cpuid(&cpu, 0x80000008, 0);
    CpuidRegs id = x86_cpuid(&cpu, 0x8000001e, 0);
    X86Place p;

    place_by_levels(0xb, &p, &count);
    expect_place(&p, place, t, false);
    g_assert_cmphex(id.eax, ==, cpu.apic_id);
    g_assert_cmpuint(cpu.apic_id >> bits(size.ecx, 15, 12), ==, place->socket);
    g_assert_cmpuint(bits(size.ecx, 7, 0), ==, package - 1);
    g_assert_cmpuint(bits(id.ebx, 15, 8), ==, t->threads - 1);
    g_assert_cmpuint(bits(id.ebx, 7, 0), ==, p.core);
    g_assert_cmpuint(bits(id.ecx, 10, 8), ==, t->dies - 1);
    /* A node is a die. */
    g_assert_cmpuint(bits(id.ecx, 7, 0), ==,
                     place->socket << id_bits(t->dies) | place->die);
    g_assert_cmpuint(bits(x86_cpuid(&cpu, 1, 0).ebx, 23, 16), ==, package);
    g_assert_cmpuint(bits(x86_cpuid(&cpu, 0x80000001, 0).ecx, 1, 1), ==,
                     package > 1);
}

static void test_amd_topology(void)
{
    for (unsigned n = 0; n < ARRAY_LEN(arrangements); n++) {
        const X86Topology *t = &arrangements[n];
        unsigned all = t->sockets * t->dies * t->cores * t->threads;

        x86_cpu_set_topology(t);
        select_model("EPYC");
        for (unsigned i = 0; i < all; i++) {
            X86Place place = x86_topology_place(t, i);

            cpu.apic_id = x86_topology_apic_id(t, i);
            expect_amd(t, &place);
        }
    }
}

/* L1 and L2 belong to a core, L3 to a die: how many IDs share each. */
static void expect_caches(uint32_t leaf, const unsigned sharing[4])
{
    for (unsigned i = 0; i < 4; i++) {
        CpuidRegs r = x86_cpuid(&cpu, leaf, i);

        g_assert_cmpuint(bits(r.eax, 25, 14) + 1, ==, sharing[i]);
        g_assert_cmpuint(bits(r.eax, 7, 5), ==, i < 2 ? 1 : i);
        g_assert_cmpuint(bits(r.ebx, 11, 0), ==, 63);
    }
    g_assert_cmphex(x86_cpuid(&cpu, leaf, 4).eax, ==, 0);
}

static void test_caches(void)
{
    static const X86Topology t = {2, 2, 3, 2};
    static const unsigned sharing[] = {2, 2, 2, 8};

    x86_cpu_set_topology(&t);
    select_model("Haswell");
    expect_caches(4, sharing);
    /* 2 dies of up to 4 cores */
    g_assert_cmpuint(bits(x86_cpuid(&cpu, 4, 0).eax, 31, 26), ==, 7);
    select_model("EPYC");
    expect_caches(0x8000001d, sharing);
    select_model("Haswell,l3-cache=off");
    g_assert_cmphex(x86_cpuid(&cpu, 4, 3).eax, ==, 0);
    select_model("EPYC,l3-cache=off");
    g_assert_cmphex(x86_cpuid(&cpu, 0x8000001d, 3).eax, ==, 0);
    g_assert_cmphex(x86_cpuid(&cpu, 0x80000006, 0).edx, ==, 0);
}

/* --- the makers --- */

static void test_ranges(void)
{
    x86_cpu_set_topology(&arrangements[0]);
    select_model("Haswell");
    /* Past the last leaf, and past the last extended one: the last basic one,
     * here that of XSAVE. */
    g_assert_cmphex(x86_cpuid(&cpu, 0, 0).eax, ==, 0xd);
    g_assert_cmphex(x86_cpuid(&cpu, 0x20, 0).eax, ==, 7);
    g_assert_cmphex(x86_cpuid(&cpu, 0x80000009, 0).eax, ==, 7);
    g_assert_cmphex(x86_cpuid(&cpu, 0xc0000000, 0).eax, ==, 7);
    g_assert_cmphex(x86_cpuid(&cpu, 0x40000000, 0).eax, ==, 0);
    select_model("EPYC"); /* zeroes */
    g_assert_cmphex(x86_cpuid(&cpu, 0x20, 0).eax, ==, 0);
    g_assert_cmphex(x86_cpuid(&cpu, 0x8000001f, 0).eax, ==, 0);
}

static void test_makers(void)
{
    CpuidRegs r;

    x86_cpu_set_topology(&arrangements[0]);
    select_model("EPYC");
    g_assert_cmphex(x86_cpuid(&cpu, 2, 0).eax, ==, 0);
    g_assert_cmphex(x86_cpuid(&cpu, 4, 0).eax, ==, 0);
    r = x86_cpuid(&cpu, 0x80000000, 0);
    g_assert_cmpmem(&r.ebx, 4, "Auth", 4);
    g_assert_cmphex(x86_cpuid(&cpu, 0x80000001, 0).edx & 0x0183f3ff, ==,
                    x86_cpuid(&cpu, 1, 0).edx & 0x0183f3ff);
    select_model("Haswell");
    g_assert_cmphex(x86_cpuid(&cpu, 0x80000000, 0).ebx, ==, 0);
    g_assert_cmphex(x86_cpuid(&cpu, 0x80000005, 0).ecx, ==, 0);
    g_assert_cmphex(x86_cpuid(&cpu, 0x8000001e, 0).ebx, ==,
                    x86_cpuid(&cpu, 0xd, 0).ebx);
    g_assert_cmphex(x86_cpuid(&cpu, 2, 0).eax, ==, 0x00ff0001);
    select_model("pentium3"); /* no leaf 4: descriptors */
    g_assert_cmphex(x86_cpuid(&cpu, 2, 0).edx, ==, 0x2c308604);
}

/* SDM vol. 2A, "CPUID": SYSCALL is shown in 64-bit mode only. */
static void test_syscall_bit(void)
{
    select_model("max");
    cpu.hflags = 0;
    g_assert_cmpuint(bits(x86_cpuid(&cpu, 0x80000001, 0).edx, 11, 11), ==, 0);
    cpu.hflags = HF_CS64;
    g_assert_cmpuint(bits(x86_cpuid(&cpu, 0x80000001, 0).edx, 11, 11), ==, 1);
    cpu.hflags = 0;
    select_model("EPYC");
    g_assert_cmpuint(bits(x86_cpuid(&cpu, 0x80000001, 0).edx, 11, 11), ==, 1);
}

/* IA32_MISC_ENABLE takes bits and leaves away: SDM vol. 4, table 2-2. */
static void test_misc_enable(void)
{
    select_model("max");
    cpu.misc_enable = MISC_ENABLE_CPUID_LIMIT | MISC_ENABLE_NO_XD;
    g_assert_cmphex(x86_cpuid(&cpu, 0, 0).eax, ==, 3);
    g_assert_cmphex(x86_cpuid(&cpu, 7, 0).ebx, ==, 0);
    g_assert_cmpuint(bits(x86_cpuid(&cpu, 1, 0).ecx, 3, 3), ==, 0);
    g_assert_cmpuint(bits(x86_cpuid(&cpu, 0x80000001, 0).edx, 20, 20), ==, 0);
    cpu.misc_enable = MISC_ENABLE_MONITOR;
    g_assert_cmphex(x86_cpuid(&cpu, 0, 0).eax, ==, 0x1f);
    g_assert_cmpuint(bits(x86_cpuid(&cpu, 1, 0).ecx, 3, 3), ==, 1);
    g_assert_cmpuint(bits(x86_cpuid(&cpu, 0x80000001, 0).edx, 20, 20), ==, 1);
}

/* --- frequencies --- */

/* Leaf 15h is exact, or says nothing. */
static void test_tsc(void)
{
    static const struct {
        const char *text;
        uint64_t hz;
        bool told;
    } rows[] = {
        {"max", 1000000000, true},
        {"max,tsc-frequency=2500000000", 2500000000, true},
        {"max,tsc-freq=2.5G", 2500000000, true},
        {"max,tsc-freq=900M", 900000000, true},
        {"max,tsc-frequency=2893300000", 2893300000, false},
        {"max,tsc-frequency=1193182", 1193182, false},
        {"max,tsc-frequency=4294000000", 4294000000, true},
        {"max,tsc-frequency=5000000000", 5000000000, true},
        {"Haswell,tsc-frequency=0", 1000000000, false}, /* no such leaf */
    };

    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        CpuidRegs r;

        g_test_message("%s", rows[i].text);
        select_model(rows[i].text);
        g_assert_cmpuint(cpu.features->tsc_hz, ==, rows[i].hz);
        if (cpu.features->level < 0x15) {
            continue;
        }
        r = x86_cpuid(&cpu, 0x15, 0);
        g_assert_cmpint(r.ebx != 0, ==, rows[i].told);
        if (rows[i].told) {
            g_assert_cmpuint((uint64_t)r.ecx * r.ebx % r.eax, ==, 0);
            g_assert_cmpuint((uint64_t)r.ecx * r.ebx / r.eax, ==, rows[i].hz);
            /* Linux: native_calibrate_tsc() */
            g_assert_cmpuint((uint64_t)r.ecx / 1000 * r.ebx, <=, UINT32_MAX);
        }
        g_assert_cmpuint(x86_cpuid(&cpu, 0x16, 0).eax, ==,
                         rows[i].hz / 1000000);
    }
}

/* --- XSAVE --- */

static void test_xsave_sizes(void)
{
    select_model("max");
    cpu.xcr0 = 3;
    g_assert_cmpuint(x86_cpuid(&cpu, 0xd, 0).ebx, ==, 576);
    g_assert_cmpuint(x86_cpuid(&cpu, 0xd, 0).ecx, ==, 840);
    cpu.xcr0 = 0x203; /* PKRU: far away, or at once behind the header */
    g_assert_cmpuint(x86_cpuid(&cpu, 0xd, 0).ebx, ==, 840);
    g_assert_cmpuint(x86_cpuid(&cpu, 0xd, 1).ebx, ==, 584);
    select_model("max,-pku");
    cpu.xcr0 = 7;
    g_assert_cmpuint(x86_cpuid(&cpu, 0xd, 0).eax, ==, 7);
    g_assert_cmpuint(x86_cpuid(&cpu, 0xd, 0).ecx, ==, 832);
    g_assert_cmpuint(x86_cpuid(&cpu, 0xd, 9).eax, ==, 0);
    select_model("max,-xsavec"); /* nor XSAVES: no compacted format */
    g_assert_cmphex(x86_cpuid(&cpu, 0xd, 1).eax, ==, 5);
    g_assert_cmpuint(x86_cpuid(&cpu, 0xd, 1).ebx, ==, 0);
    select_model("max,-xsave");
    g_assert_cmphex(x86_cpuid(&cpu, 0xd, 0).eax, ==, 0);
    g_assert_cmphex(x86_cpuid(&cpu, 0xd, 1).eax, ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/cpuid/apic-ids", test_apic_ids);
    g_test_add_func("/cpuid/topology/intel", test_intel_topology);
    g_test_add_func("/cpuid/topology/amd", test_amd_topology);
    g_test_add_func("/cpuid/caches", test_caches);
    g_test_add_func("/cpuid/ranges", test_ranges);
    g_test_add_func("/cpuid/makers", test_makers);
    g_test_add_func("/cpuid/syscall", test_syscall_bit);
    g_test_add_func("/cpuid/misc-enable", test_misc_enable);
    g_test_add_func("/cpuid/tsc", test_tsc);
    g_test_add_func("/cpuid/xsave", test_xsave_sizes);
    return g_test_run();
}
