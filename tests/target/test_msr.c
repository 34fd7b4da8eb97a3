/* SPDX-License-Identifier: MIT */
/*
 * MSRs: which a model has, and which bits and values each takes.  Expected:
 * SDM vol. 4, table 2-2 "IA-32 Architectural MSRs"; vol. 3A, 2.2.1, 12.11,
 * 12.12; vol. 3B, 16.3 and 18.17; AMD APM vol. 2, appendix A.
 */
#include "target/i386/models.h"
#include "target/i386/msr.h"
#include "tests/target/x86_machine.h"

/* --- an APIC that says yes --- */

static uint64_t apic_base, apic_deadline;

static uint64_t fake_get_base(void *apic)
{
    return apic_base;
}

static bool fake_set_base(void *apic, uint64_t value)
{
    apic_base = value;
    return true;
}

static uint64_t fake_get_deadline(void *apic)
{
    return apic_deadline;
}

static void fake_set_deadline(void *apic, uint64_t value)
{
    apic_deadline = value;
}

static bool fake_read_msr(void *apic, unsigned index, uint64_t *value)
{
    *value = index;
    return true;
}

static bool fake_write_msr(void *apic, unsigned index, uint64_t value)
{
    return true;
}

static const X86ApicOps fake_apic = {
    .get_base = fake_get_base,
    .set_base = fake_set_base,
    .get_tsc_deadline = fake_get_deadline,
    .set_tsc_deadline = fake_set_deadline,
    .read_msr = fake_read_msr,
    .write_msr = fake_write_msr,
};

static void set_model(const char *text)
{
    GError *err = NULL;

    g_clear_pointer(&cpu->features, g_free);
    g_assert_true(x86_model_select(cpu, text, false, &err));
    g_assert_no_error(err);
    machine_reset(0);
    msr_reset(cpu);
    cpu->apic_ops = &fake_apic;
    cpu->apic = &apic_base;
    apic_base = 0xfee00900;
}

/* --- which there are --- */

typedef struct Range {
    uint32_t first, last;
} Range;

static const Range none[] = {{1, 0}};
static const Range of_pentium[] = {{0, 1}, {0x10, 0x10}, {1, 0}};
/* TSC, platform, APIC base, microcode, MTRRs, SYSENTER, machine check,
 * miscellaneous, PAT. */
static const Range of_pentium3[] = {
    {0, 1},         {0x10, 0x10},   {0x17, 0x17},   {0x1b, 0x1b},
    {0x8b, 0x8b},   {0xfe, 0xfe},   {0x174, 0x176}, {0x179, 0x17a},
    {0x1a0, 0x1a0}, {0x1d9, 0x1d9}, {0x200, 0x20f}, {0x250, 0x250},
    {0x258, 0x259}, {0x268, 0x26f}, {0x277, 0x277}, {0x2ff, 0x2ff},
    {0x400, 0x403}, {1, 0},
};
static const Range of_max[] = {
    {0, 1},
    {0x10, 0x10},
    {0x17, 0x17},
    {0x1b, 0x1b},
    {0x3b, 0x3b},
    {0x8b, 0x8b},
    {0xfe, 0xfe},
    {0x10a, 0x10a},
    {0x174, 0x176},
    {0x179, 0x17a},
    {0x1a0, 0x1a0},
    {0x1d9, 0x1d9},
    {0x200, 0x20f},
    {0x250, 0x250},
    {0x258, 0x259},
    {0x268, 0x26f},
    {0x277, 0x277},
    {0x2ff, 0x2ff},
    {0x400, 0x403},
    {0x6e0, 0x6e0},
    {0x800, 0x8ff},
    {0xda0, 0xda0},
    {0xc0000080, 0xc0000084},
    {0xc0000100, 0xc0000103},
    {1, 0},
};
static const Range of_epyc[] = {
    {0x10, 0x10},
    {0x1b, 0x1b},
    {0x8b, 0x8b},
    {0xfe, 0xfe},
    {0x174, 0x176},
    {0x179, 0x17a},
    {0x1d9, 0x1d9},
    {0x200, 0x20f},
    {0x250, 0x250},
    {0x258, 0x259},
    {0x268, 0x26f},
    {0x277, 0x277},
    {0x2ff, 0x2ff},
    {0x400, 0x403},
    {0x800, 0x8ff},
    {0xc0000080, 0xc0000084},
    {0xc0000100, 0xc0000103},
    {0xc0010010, 0xc0010010},
    {0xc0010015, 0xc0010015},
    {0xc001001f, 0xc001001f},
    {0xc0010055, 0xc0010055},
    {0xc0011020, 0xc0011023},
    {0xc0011029, 0xc001102a},
    {1, 0},
};

static bool in_ranges(const Range *r, uint32_t index)
{
    for (; r->first <= r->last; r++) {
        if (index >= r->first && index <= r->last) {
            return true;
        }
    }
    return false;
}

static void expect_there(uint32_t first, uint32_t count, const Range *there)
{
    for (uint32_t i = first; i < first + count; i++) {
        uint64_t value;

        if (msr_read(cpu, i, &value) != in_ranges(there, i)) {
            g_error("MSR %x", i);
        }
        if (!in_ranges(there, i)) {
            g_assert_false(msr_write(cpu, i, 0));
        }
    }
}

static void test_there(void)
{
    static const struct {
        const char *model;
        const Range *there;
    } rows[] = {
        {"486", none},   {"pentium", of_pentium}, {"pentium3", of_pentium3},
        {"max", of_max}, {"EPYC", of_epyc},
    };

    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        g_test_message("%s", rows[i].model);
        set_model(rows[i].model);
        expect_there(0, 0x2000, rows[i].there);
        expect_there(0x40000000, 0x100, rows[i].there);
        expect_there(0xc0000000, 0x400, rows[i].there);
        expect_there(0xc0010000, 0x2000, rows[i].there);
    }
}

/* The first is away from "max" without the second. */
static void test_features(void)
{
    static const struct {
        uint32_t index;
        const char *feature;
    } rows[] = {
        {0x10, "tsc"},
        {0x1b, "apic"},
        {0x3b, "tsc-adjust"},
        {0xfe, "mtrr"},
        {0x200, "mtrr"},
        {0x2ff, "mtrr"},
        {0x10a, "arch-capabilities"},
        {0x174, "sep"},
        {0x179, "mca"},
        {0x400, "mca"},
        {0x277, "pat"},
        {0x6e0, "tsc-deadline"},
        {0x808, "x2apic"},
        {0xda0, "xsaves"},
        {0xc0000081, "syscall"},
        {0xc0000082, "lm"},
        {0xc0000100, "lm"},
    };
    uint64_t value;

    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        g_autofree char *text = g_strdup_printf("max,-%s", rows[i].feature);

        set_model("max");
        g_assert_true(msr_read(cpu, rows[i].index, &value));
        set_model(text);
        g_assert_false(msr_read(cpu, rows[i].index, &value));
        g_assert_false(msr_write(cpu, rows[i].index, 0));
    }
    /* Either of two is enough. */
    set_model("max,-rdtscp");
    g_assert_true(msr_read(cpu, 0xc0000103, &value));
    set_model("max,-rdtscp,-rdpid");
    g_assert_false(msr_read(cpu, 0xc0000103, &value));
    set_model("max,-lm,-nx");
    g_assert_false(msr_read(cpu, 0xc0000080, &value));
    set_model("max,-lm");
    g_assert_true(msr_read(cpu, 0xc0000080, &value));
}

/* --- which bits --- */

/* Each bit alone, on top of what is there. */
static void test_bits(void)
{
    static const struct {
        uint32_t index;
        uint64_t may; /* be set; what is read only and may be written so, too */
    } rows[] = {
        {0x10, UINT64_MAX},
        {0x17, 0},
        {0x3b, UINT64_MAX},
        {0xfe, 0},
        {0x10a, 0},
        {0x174, 0xffffffff},
        {0x179, 0},
        {0x17a, 7},
        {0x1d9, 2},
        {0x1a0, 1 | 3 << 11 | 1 << 18 | 1 << 22 | BIT64(34)},
        {0x200, 0xfffffff0ff},
        {0x201, 0xfffffff800},
        {0x20e, 0xfffffff0ff},
        {0x20f, 0xfffffff800},
        {0x2ff, 0xcff},
        {0x400, UINT64_MAX},
        {0x401, 0},
        {0x402, 0},
        {0x403, 0},
        {0x6e0, UINT64_MAX},
        {0xda0, 0},
        {0xc0000080, 0xd01},
        {0xc0000081, UINT64_MAX},
        {0xc0000084, 0xffffffff},
        {0xc0000103, 0xffffffff},
        {0x1b, 0xffffffffff}, /* the rest is the APIC's */
    };
    /* Their values are numbers, not sets of bits: see test_values. */
    const uint64_t types = 0xff;

    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        uint32_t index = rows[i].index;
        bool typed =
            (index >= 0x200 && index < 0x210 && !(index & 1)) || index == 0x2ff;

        set_model("max");
        for (unsigned bit = typed ? 8 : 0; bit < 64; bit++) {
            uint64_t old, value;

            g_assert_true(msr_read(cpu, index, &old));
            value = typed ? (old & ~types) | 6 : old;
            if (msr_write(cpu, index, value | BIT64(bit)) !=
                (rows[i].may >> bit & 1)) {
                g_error("MSR %x, bit %u", index, bit);
            }
            msr_write(cpu, index, old);
        }
    }
}

static void test_phys_bits(void)
{
    set_model("max,phys-bits=36");
    g_assert_false(msr_write(cpu, 0x200, BIT64(36)));
    g_assert_true(msr_write(cpu, 0x200, BIT64(35)));
    g_assert_false(msr_write(cpu, 0x201, BIT64(36)));
    g_assert_true(msr_write(cpu, 0x201, BIT64(35) | 0x800));
    g_assert_false(msr_write(cpu, 0x1b, BIT64(36) | 0x800));
    g_assert_true(msr_write(cpu, 0x1b, BIT64(35) | 0x800));
    set_model("max,phys-bits=52");
    g_assert_true(msr_write(cpu, 0x201, BIT64(51) | 0x800));
    set_model("max,-x2apic");
    g_assert_false(msr_write(cpu, 0x1b, 0xfee00d00));
}

/* --- which values --- */

static void test_types(void)
{
    /* UC, WC, WT, WP, WB; and UC- in the PAT. */
    static const bool mtrr[256] = {1, 1, 0, 0, 1, 1, 1};
    static const bool pat[256] = {1, 1, 0, 0, 1, 1, 1, 1};

    set_model("max");
    for (unsigned type = 0; type < 256; type++) {
        g_assert_true(msr_write(cpu, 0x2ff, type) == mtrr[type]);
        g_assert_true(msr_write(cpu, 0x200, type) == mtrr[type]);
        for (unsigned shift = 0; shift < 64; shift += 8) {
            uint64_t value = (uint64_t)type << shift;

            g_assert_true(msr_write(cpu, 0x250, value) == mtrr[type]);
            g_assert_true(msr_write(cpu, 0x26f, value) == mtrr[type]);
            g_assert_true(msr_write(cpu, 0x277, value) == pat[type]);
        }
    }
}

/* Addresses: canonical for the widest that the processor knows, whatever
 * CR4.LA57 says. */
static void test_addresses(void)
{
    static const uint32_t index[] = {
        0x175,      0x176,      0xc0000082, 0xc0000083,
        0xc0000100, 0xc0000101, 0xc0000102,
    };

    for (unsigned la57 = 0; la57 < 2; la57++) {
        set_model(la57 ? "max" : "max,-la57");
        for (unsigned i = 0; i < ARRAY_LEN(index); i++) {
            uint64_t value;

            g_assert_true(msr_write(cpu, index[i], 0xffff800012345678));
            g_assert_true(msr_write(cpu, index[i], 0x7fffffffffff));
            g_assert_true(msr_write(cpu, index[i], 0x800000000000) == la57);
            g_assert_true(msr_write(cpu, index[i], 0xffffffffffffff) == la57);
            g_assert_false(msr_write(cpu, index[i], 0x100000000000000));
            g_assert_false(msr_write(cpu, index[i], BIT64(63)));
            g_assert_true(msr_read(cpu, index[i], &value));
            g_assert_cmphex(value, ==,
                            la57 ? 0xffffffffffffff : 0x7fffffffffff);
        }
    }
}

/* SDM vol. 3A, 2.2.1, and vol. 2B "WRMSR". */
static void test_efer(void)
{
    uint64_t value;

    set_model("max");
    g_assert_true(msr_write(cpu, 0xc0000080, 0xd01));
    g_assert_true(msr_read(cpu, 0xc0000080, &value));
    g_assert_cmphex(value, ==, 0x901); /* LMA is read only */
    cpu->cr0 |= CR0_PG;
    g_assert_false(msr_write(cpu, 0xc0000080, 0x801)); /* LME */
    g_assert_true(msr_write(cpu, 0xc0000080, 0x100));
    set_model("max,-nx");
    g_assert_false(msr_write(cpu, 0xc0000080, 0x800));
    set_model("max,-lm");
    g_assert_false(msr_write(cpu, 0xc0000080, 0x100));
    g_assert_false(msr_write(cpu, 0xc0000080, 1)); /* Intel: with LM only */
    set_model("max");
    g_assert_true(msr_write(cpu, 0x1a0, BIT64(34)));
    g_assert_false(msr_write(cpu, 0xc0000080, 0x800)); /* XD is off */
}

static void test_tsc(void)
{
    uint64_t before, after, adjust;

    set_model("max");
    g_assert_true(msr_read(cpu, 0x10, &before));
    g_assert_true(msr_write(cpu, 0x3b, BIT64(50)));
    g_assert_true(msr_read(cpu, 0x10, &after));
    g_assert_cmpuint(after - before, >=, BIT64(50));
    g_assert_true(msr_write(cpu, 0x10, 0)); /* shows in TSC_ADJUST */
    g_assert_true(msr_read(cpu, 0x3b, &adjust));
    g_assert_cmpint((int64_t)adjust, <=, -(int64_t)before);
}

static void test_constants(void)
{
    uint64_t value;

    set_model("max");
    g_assert_true(msr_read(cpu, 0xfe, &value));
    g_assert_cmphex(value, ==, 0x508); /* 8 pairs, fixed ones, WC */
    g_assert_true(msr_read(cpu, 0x179, &value));
    g_assert_cmphex(value & 0xff, ==, 1);
    g_assert_true(msr_read(cpu, 0x1a0, &value));
    g_assert_cmphex(value, ==, 0x41801);
    /* IBRS_ALL would promise IA32_SPEC_CTRL, which is not there. */
    g_assert_true(msr_read(cpu, 0x10a, &value));
    g_assert_cmphex(value & 2, ==, 0);
    g_assert_false(msr_read(cpu, 0x48, &value));
    set_model("EPYC");
    g_assert_true(msr_read(cpu, 0xc0011029, &value));
    g_assert_cmphex(value, ==, 2); /* LFENCE is serializing */
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    machine_init();
    g_test_add_func("/msr/there", test_there);
    g_test_add_func("/msr/features", test_features);
    g_test_add_func("/msr/bits", test_bits);
    g_test_add_func("/msr/phys-bits", test_phys_bits);
    g_test_add_func("/msr/types", test_types);
    g_test_add_func("/msr/addresses", test_addresses);
    g_test_add_func("/msr/efer", test_efer);
    g_test_add_func("/msr/tsc", test_tsc);
    g_test_add_func("/msr/constants", test_constants);
    return g_test_run();
}
