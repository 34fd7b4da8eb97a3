/* SPDX-License-Identifier: MIT */
/*
 * Control, debug and extended control registers: which bits and combinations
 * are #GP(0), in each mode and model, and that a refused write changes nothing.
 * Expected: SDM vol. 2B, "MOV--Move to/from Control Registers", "MOV--Move
 * to/from Debug Registers"; vol. 2D, "XSETBV"; vol. 3A, 2.5, 4.4.1, 4.10.1,
 * 10.8.5 "Initializing IA-32e Mode".
 */
#include "target/i386/models.h"
#include "target/i386/mmu.h"
#include "tests/target/x86_machine.h"

#define GP0   FAULT(EXCP_GP, 0)
#define UD    FAULT(EXCP_UD, 0)
#define PDPTS 0x6000

typedef void HelperLoadTable(X86CPU *cpu, uint64_t limit, uint64_t base);
typedef void HelperLoadSelector(X86CPU *cpu, uint64_t sel);

static void set_model(const char *text)
{
    GError *err = NULL;

    g_clear_pointer(&cpu->features, g_free);
    g_assert_true(x86_model_select(cpu, text, false, &err));
    g_assert_no_error(err);
    machine_reset(0);
    cpu->cr3 = 0;
    cpu->xcr0 = 1;
    cpu->dr[7] = 0x400;
}

static void update(void)
{
    x86_update_hflags(cpu);
}

static void enter_long(bool code64)
{
    cpu->cr4 |= CR4_PAE;
    cpu->efer = EFER_LME | EFER_LMA;
    cpu->cr0 |= CR0_PG;
    if (code64) {
        cpu->segs[R_CS].attr = (cpu->segs[R_CS].attr & ~DESC_B) | DESC_L;
    }
    update();
}

static uint32_t write_cr(unsigned n, uint64_t value)
{
    return CATCH(helper_write_cr(cpu, n, value));
}

static void refused(unsigned n, uint64_t value)
{
    uint64_t cr0 = cpu->cr0, cr3 = cpu->cr3, cr4 = cpu->cr4;
    uint64_t efer = cpu->efer;

    g_assert_cmphex(write_cr(n, value), ==, GP0);
    g_assert_cmphex(cpu->cr0, ==, cr0);
    g_assert_cmphex(cpu->cr3, ==, cr3);
    g_assert_cmphex(cpu->cr4, ==, cr4);
    g_assert_cmphex(cpu->efer, ==, efer);
}

static void taken(unsigned n, uint64_t value)
{
    g_assert_cmphex(write_cr(n, value), ==, NO_FAULT);
}

/* --- CR0 --- */

static void test_cr0_bits(void)
{
    const uint64_t exists = 0xe005003f;

    set_model("max");
    for (unsigned bit = 32; bit < 64; bit++) {
        refused(0, cpu->cr0 | BIT64(bit));
    }
    refused(0, cpu->cr0 | CR0_NW);
    taken(0, (cpu->cr0 | 0x7fffffff) & ~CR0_PG); /* others are not stored */
    g_assert_cmphex(cpu->cr0, ==, exists & ~CR0_PG);
    taken(0, CR0_PE);
    g_assert_cmphex(cpu->cr0, ==, CR0_PE | CR0_ET);
    refused(0, CR0_PG);
}

/* From protected mode into long mode, and what stands in the way. */
static void test_enter_long(void)
{
    set_model("max");
    cpu->efer = EFER_LME;
    refused(0, cpu->cr0 | CR0_PG); /* no PAE */
    cpu->cr4 = CR4_PAE;
    cpu->segs[R_CS].attr |= DESC_L;
    refused(0, cpu->cr0 | CR0_PG);
    cpu->segs[R_CS].attr &= ~DESC_L;
    cpu->tr.attr = DESC_P | SYS_TSS16_BUSY << DESC_TYPE_SHIFT;
    refused(0, cpu->cr0 | CR0_PG);
    cpu->tr.attr = DESC_P | SYS_TSS32_BUSY << DESC_TYPE_SHIFT;
    taken(0, cpu->cr0 | CR0_PG);
    g_assert_cmphex(cpu->efer, ==, EFER_LME | EFER_LMA);
    taken(0, cpu->cr0 & ~CR0_PG); /* from compatibility mode */
    g_assert_cmphex(cpu->efer, ==, EFER_LME);
}

static void test_leave_long(void)
{
    set_model("max");
    enter_long(true);
    refused(0, cpu->cr0 & ~CR0_PG);
    set_model("max");
    enter_long(false);
    cpu->cr4 |= CR4_PCIDE;
    refused(0, cpu->cr0 & ~CR0_PG);
    cpu->cr4 &= ~CR4_PCIDE;
    cpu->cr4 |= CR4_LA57;
    taken(0, cpu->cr0 & ~CR0_PG);
}

/* PAE paging loads PDPTEs, whose reserved bits count. */
static void test_pdptes(void)
{
    set_model("max");
    cpu->cr4 = CR4_PAE;
    cpu->cr3 = PDPTS;
    poke(PDPTS + 8, 0x3, 8); /* R/W is reserved */
    refused(0, cpu->cr0 | CR0_PG);
    poke(PDPTS + 8, 0x1, 8);
    taken(0, cpu->cr0 | CR0_PG);
    poke(PDPTS + 8, BIT64(40) | 1, 8);
    refused(3, PDPTS);
    refused(4, cpu->cr4 | CR4_PGE);
    refused(4, cpu->cr4 | CR4_SMEP);
    refused(0, cpu->cr0 | CR0_CD);
    taken(4, cpu->cr4 | CR4_DE); /* does not load them */
    poke(PDPTS + 8, 0, 8);
    taken(3, PDPTS);
}

/* --- CR3 --- */

static void test_cr3(void)
{
    static const unsigned widths[] = {32, 36, 40, 52};

    for (unsigned i = 0; i < ARRAY_LEN(widths); i++) {
        g_autofree char *text = g_strdup_printf("max,phys-bits=%u", widths[i]);

        for (unsigned bit = 0; bit < 64; bit++) {
            set_model(text);
            enter_long(true);
            if (bit < widths[i]) {
                taken(3, BIT64(bit));
                g_assert_cmphex(cpu->cr3, ==, BIT64(bit));
            } else {
                refused(3, BIT64(bit));
            }
        }
    }
    cpu->cr4 |= CR4_PCIDE;
    taken(3, BIT64(63) | 0x1005);
    g_assert_cmphex(cpu->cr3, ==, 0x1005);
    refused(3, BIT64(62));
    set_model("max");
    taken(3, 0xffffffff); /* bits that mean nothing are kept */
    g_assert_cmphex(cpu->cr3, ==, 0xffffffff);
}

/* --- CR4 --- */

/* The feature that brings each bit; NULL: no model has it. */
static const char *const cr4_feature[64] = {
    [0] = "vme",   [1] = "vme",       [2] = "tsc",    [3] = "de",
    [4] = "pse",   [5] = "pae",       [6] = "mce",    [7] = "pge",
    [8] = "fpu",   [9] = "fxsr",      [10] = "sse",   [11] = "umip",
    [12] = "la57", [16] = "fsgsbase", [18] = "xsave", [20] = "smep",
    [21] = "smap", [22] = "pku",
};

static void test_cr4_features(void)
{
    for (unsigned bit = 0; bit < 64; bit++) {
        const char *feature = cr4_feature[bit];
        g_autofree char *without = g_strdup_printf("max,-%s", feature);

        set_model("max");
        if (bit == 17) { /* PCIDE: in long mode alone */
            refused(4, BIT64(bit));
            continue;
        }
        if (!feature) {
            refused(4, BIT64(bit));
            continue;
        }
        taken(4, BIT64(bit));
        g_assert_cmphex(cpu->cr4, ==, BIT64(bit));
        if (bit != 8) { /* PCE came with a generation, not with a feature */
            set_model(without);
            refused(4, BIT64(bit));
        }
    }
    set_model("486");
    refused(4, CR4_PCE);
    taken(4, CR4_VME | CR4_PVI | CR4_PSE);
}

static void test_cr4_long(void)
{
    set_model("max");
    enter_long(true);
    refused(4, cpu->cr4 & ~CR4_PAE);
    refused(4, cpu->cr4 ^ CR4_LA57);
    cpu->cr3 = 0x1001;
    refused(4, cpu->cr4 | CR4_PCIDE);
    cpu->cr3 = 0x1000;
    taken(4, cpu->cr4 | CR4_PCIDE);
    taken(3, 0x1007);
    taken(4, cpu->cr4 | CR4_PGE); /* PCIDE stays: CR3 does not matter */
    taken(4, cpu->cr4 & ~CR4_PCIDE);
    set_model("max,-pcid");
    enter_long(true);
    refused(4, cpu->cr4 | CR4_PCIDE);
    set_model("max,-la57");
    refused(4, CR4_LA57);
    set_model("max");
    taken(4, CR4_LA57);
    taken(4, 0);
}

static void test_others(void)
{
    set_model("max");
    for (unsigned bit = 4; bit < 64; bit++) {
        refused(8, BIT64(bit));
    }
    taken(8, 15);
    taken(2, 0x8000000000000001); /* any value */
    g_assert_cmphex(cpu->cr2, ==, 0x8000000000000001);
    g_assert_cmphex(CATCH(helper_lmsw(cpu, 0)), ==, NO_FAULT);
    g_assert_true(cpu->cr0 & CR0_PE); /* LMSW cannot clear it */
}

/* --- XCR0 --- */

static uint32_t xsetbv(uint32_t index, uint64_t value)
{
    cpu->regs[R_RCX] = index;
    cpu->regs[R_RAX] = (uint32_t)value;
    cpu->regs[R_RDX] = value >> 32;
    return CATCH(helper_xsetbv(cpu));
}

/* x87 always; AVX with SSE; what there is no feature for, never. */
static bool xcr0_fits(uint64_t value, bool avx, bool pku)
{
    uint64_t known = 3 | (avx ? 4 : 0) | (pku ? 0x200 : 0);

    return !(value & ~known) && (value & 1) && (!(value & 4) || (value & 2));
}

static void test_xcr0(void)
{
    static const struct {
        const char *model;
        bool avx, pku;
    } rows[] = {
        {"max", true, true},
        {"max,-avx", false, true},
        {"max,-pku", true, false},
        {"max,-avx,-pku", false, false},
    };

    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        set_model(rows[i].model);
        g_assert_cmphex(xsetbv(0, 1), ==, UD);
        cpu->cr4 |= CR4_OSXSAVE;
        for (uint64_t value = 0; value < 0x1000; value++) {
            bool fits = xcr0_fits(value, rows[i].avx, rows[i].pku);

            g_assert_cmphex(xsetbv(0, value), ==, fits ? NO_FAULT : GP0);
            g_assert_true(!fits || cpu->xcr0 == value);
        }
        g_assert_cmphex(xsetbv(0, BIT64(63) | 1), ==, GP0);
        g_assert_cmphex(xsetbv(1, 1), ==, GP0);
    }
    machine_reset(3);
    g_assert_cmphex(xsetbv(0, 1), ==, UD); /* before the privilege */
    cpu->cr4 |= CR4_OSXSAVE;
    g_assert_cmphex(xsetbv(0, 1), ==, GP0);
}

static void test_xgetbv(void)
{
    set_model("max,-xgetbv1");
    cpu->cr4 |= CR4_OSXSAVE;
    cpu->regs[R_RCX] = 1;
    g_assert_cmphex(CATCH(helper_xgetbv(cpu)), ==, GP0);
    set_model("max");
    g_assert_cmphex(CATCH(helper_xgetbv(cpu)), ==, UD);
    cpu->cr4 |= CR4_OSXSAVE;
    cpu->regs[R_RCX] = 1;
    g_assert_cmphex(CATCH(helper_xgetbv(cpu)), ==, NO_FAULT);
    cpu->regs[R_RCX] = 2;
    g_assert_cmphex(CATCH(helper_xgetbv(cpu)), ==, GP0);
}

/* --- PKRU --- */

static uint32_t wrpkru(uint64_t rcx, uint64_t rdx)
{
    cpu->regs[R_RAX] = 0x55555554;
    cpu->regs[R_RCX] = rcx;
    cpu->regs[R_RDX] = rdx;
    return CATCH(helper_wrpkru(cpu));
}

static void test_pkru(void)
{
    set_model("max");
    g_assert_cmphex(wrpkru(0, 0), ==, UD);
    cpu->cr4 |= CR4_PKE;
    g_assert_cmphex(wrpkru(1, 0), ==, GP0);
    g_assert_cmphex(wrpkru(0, 1), ==, GP0);
    g_assert_cmphex(wrpkru(BIT64(32), BIT64(32)), ==, NO_FAULT);
    g_assert_cmphex(cpu->pkru, ==, 0x55555554);
    cpu->regs[R_RCX] = 1;
    g_assert_cmphex(CATCH(helper_rdpkru(cpu)), ==, GP0);
    cpu->regs[R_RCX] = 0;
    g_assert_cmphex(CATCH(helper_rdpkru(cpu)), ==, NO_FAULT);
    g_assert_cmphex(cpu->regs[R_RDX], ==, 0);
}

/* --- debug registers --- */

static uint32_t write_dr(unsigned n, uint64_t value)
{
    return CATCH(helper_write_dr(cpu, n, value));
}

static void test_dr(void)
{
    set_model("max");
    for (unsigned n = 0; n < 4; n++) { /* any address */
        g_assert_cmphex(write_dr(n, 0x8000000000000001), ==, NO_FAULT);
        g_assert_cmphex(cpu->dr[n], ==, 0x8000000000000001);
    }
    for (unsigned bit = 32; bit < 64; bit++) {
        g_assert_cmphex(write_dr(6, BIT64(bit)), ==, GP0);
        g_assert_cmphex(write_dr(7, BIT64(bit)), ==, GP0);
    }
    g_assert_cmphex(write_dr(6, 0), ==, NO_FAULT);
    g_assert_cmphex(cpu->dr[6], ==, 0xffff0ff0);
    g_assert_cmphex(write_dr(6, 0xffffffff), ==, NO_FAULT);
    g_assert_cmphex(cpu->dr[6], ==, 0xffffefff);
    g_assert_cmphex(write_dr(7, 0xd800), ==, NO_FAULT);
    g_assert_cmphex(cpu->dr[7], ==, 0x400);
    g_assert_cmphex(write_dr(4, 0), ==, NO_FAULT); /* is DR6 */
    cpu->cr4 |= CR4_DE;
    g_assert_cmphex(write_dr(4, 0), ==, UD);
    g_assert_cmphex(write_dr(5, 0), ==, UD);
    g_assert_cmphex(CATCH(helper_read_dr(cpu, 5)), ==, UD);
    g_assert_cmphex(write_dr(8, 0), ==, UD);
    g_assert_cmphex(write_dr(7, 0x2400), ==, NO_FAULT); /* GD */
    g_assert_cmphex(write_dr(0, 0), ==, FAULT(EXCP_DB, 0));
    cpu->dr[7] = 0x400;
}

/* --- bases of tables; what calls setjmp is a function of its own --- */

static uint32_t load_table(HelperLoadTable *load, uint64_t base)
{
    return CATCH(load(cpu, 0xff, base));
}

static uint32_t write_fs_base(uint64_t base)
{
    return CATCH(helper_write_segbase(cpu, R_FS, base));
}

static uint32_t load_selector(HelperLoadSelector *load, uint16_t sel)
{
    return CATCH(load(cpu, sel));
}

static void test_bases(void)
{
    static const struct {
        uint64_t base;
        bool four, five; /* fits a processor with four, five levels */
    } rows[] = {
        {0x7fffffffffff, true, true},       {0x800000000000, false, true},
        {0xffff800000000000, true, true},   {0xffff7fffffffffff, false, true},
        {0x00ffffffffffffff, false, true},  {0x0100000000000000, false, false},
        {0xfeffffffffffffff, false, false}, {0xff00000000000000, false, true},
    };

    for (unsigned i = 0; i < ARRAY_LEN(rows) * 2; i++) {
        bool five = i & 1;
        uint64_t base = rows[i / 2].base;
        uint32_t want =
            (five ? rows[i / 2].five : rows[i / 2].four) ? NO_FAULT : GP0;

        set_model(five ? "max" : "max,-la57");
        enter_long(true);
        g_assert_cmphex(load_table(helper_lgdt, base), ==, want);
        g_assert_cmphex(load_table(helper_lidt, base), ==, want);
        g_assert_cmphex(write_fs_base(base), ==, want);
    }
}

/* LLDT and LTR: #GP(selector). */
static void test_system_bases(void)
{
    for (unsigned i = 0; i < 2; i++) {
        uint32_t upper = i ? 0x01000000 : 0xffff8000;
        uint32_t fault = FAULT(EXCP_GP, SEL_TSS2);

        set_model("max");
        enter_long(true);
        set_desc(SEL_TSS2, 0, 0x67, AR_TSS32);
        poke(GDT_ADDR + SEL_TSS2 + 8, upper, 8);
        /* Page tables are not there: the GDT is read without paging. */
        cpu->cr0 &= ~CR0_PG;
        g_assert_cmphex(load_selector(helper_ltr, SEL_TSS2), ==,
                        i ? fault : NO_FAULT);
        set_desc(SEL_TSS2, 0, 0x67, DESC_P | SYS_LDT << DESC_TYPE_SHIFT);
        g_assert_cmphex(load_selector(helper_lldt, SEL_TSS2), ==,
                        i ? fault : NO_FAULT);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    machine_init();
    g_test_add_func("/cr/0/bits", test_cr0_bits);
    g_test_add_func("/cr/0/enter-long", test_enter_long);
    g_test_add_func("/cr/0/leave-long", test_leave_long);
    g_test_add_func("/cr/pdptes", test_pdptes);
    g_test_add_func("/cr/3", test_cr3);
    g_test_add_func("/cr/4/features", test_cr4_features);
    g_test_add_func("/cr/4/long", test_cr4_long);
    g_test_add_func("/cr/others", test_others);
    g_test_add_func("/cr/xcr0", test_xcr0);
    g_test_add_func("/cr/xgetbv", test_xgetbv);
    g_test_add_func("/cr/pkru", test_pkru);
    g_test_add_func("/cr/dr", test_dr);
    g_test_add_func("/cr/bases", test_bases);
    g_test_add_func("/cr/system-bases", test_system_bases);
    return g_test_run();
}
