/* SPDX-License-Identifier: MIT */
/*
 * 440FX shadow RAM, PIIX3 interrupt routing and reset, PIIX4 ACPI registers.
 * Expected values: datasheets 290549, 290550, 290562; ACPI 6.4, 4.8.
 */
#include <string.h>

#include "tests/hw/chipset_fixture.h"

#define BRIDGE   PCI_DEVFN(0, 0)
#define ISA      PCI_DEVFN(1, 0)
#define PM       PCI_DEVFN(1, 3)
#define PM_BASE  0x600
#define PM1_STS  (PM_BASE + 0)
#define PM1_EN   (PM_BASE + 2)
#define PM1_CNT  (PM_BASE + 4)
#define PM_TMR   (PM_BASE + 8)
#define PM_HZ    3579545

static MemoryRegion rom;

static void reset(void)
{
    devices_reset_all();
}

/* --- 440FX --- */

static void test_identity(void)
{
    reset();
    g_assert_cmphex(cfg_read(BRIDGE, 0, 4), ==, 0x12378086);
    g_assert_cmphex(cfg_read(BRIDGE, 0x2c, 4), ==, 0x11001af4);
    g_assert_cmphex(cfg_read(ISA, 0, 4), ==, 0x70008086);
    g_assert_cmphex(cfg_read(ISA, 0x0e, 1), ==, 0x80);
    g_assert_cmphex(cfg_read(PM, 0, 4), ==, 0x71138086);
}

/* F0000h-FFFFFh: bits 5:4 of PAM0.  The bus has a ROM there. */
static void test_pam_bios(void)
{
    memcpy(memory_region_ram_ptr(&chipset.ram) + 0xf0000, "RAM!", 4);
    reset();
    g_assert_cmphex(mem_read(0xf0000, 4), ==, 0x214d4f52); /* ROM! */
    cfg_write(BRIDGE, 0x59, 0x10, 1); /* read only */
    g_assert_cmphex(mem_read(0xf0000, 4), ==, 0x214d4152); /* RAM! */
    mem_write(0xf0000, 0, 4);
    g_assert_cmphex(mem_read(0xf0000, 4), ==, 0x214d4152);
    cfg_write(BRIDGE, 0x59, 0x30, 1); /* read and write */
    mem_write(0xf0000, 0x64636261, 4);
    g_assert_cmphex(mem_read(0xf0000, 4), ==, 0x64636261);
    reset();
    g_assert_cmphex(mem_read(0xf0000, 4), ==, 0x214d4f52);
}

/* PAM1-PAM6 hold two segments of 16 KiB each, the lower one in bits 1:0. */
static void test_pam_segments(void)
{
    uint8_t *ram = memory_region_ram_ptr(&chipset.ram);

    for (unsigned n = 0; n < 12; n++) {
        hwaddr at = 0xc0000 + n * 0x4000;
        unsigned shift = (n & 1) * 4;

        reset();
        ram[at] = n + 1;
        ram[at + 0x3fff] = n + 1;
        g_assert_cmphex(mem_read(at, 1), ==, 0xff);
        cfg_write(BRIDGE, 0x5a + n / 2, 1 << shift, 1);
        g_assert_cmphex(mem_read(at, 1), ==, n + 1);
        g_assert_cmphex(mem_read(at + 0x3fff, 1), ==, n + 1);
        mem_write(at, 0x77, 1);
        g_assert_cmphex(ram[at], ==, n + 1);
        cfg_write(BRIDGE, 0x5a + n / 2, 3 << shift, 1);
        mem_write(at, 0x77, 1);
        g_assert_cmphex(ram[at], ==, 0x77);
        cfg_write(BRIDGE, 0x5a + n / 2, 3 << (4 - shift), 1);
        g_assert_cmphex(mem_read(at, 1), ==, 0xff);
    }
}

static void test_ram_split(void)
{
    g_assert_cmphex(i440fx_ram_below_4g(512 * MiB), ==, 512 * MiB);
    g_assert_cmphex(i440fx_ram_below_4g(0xdff00000), ==, 0xdff00000);
    g_assert_cmphex(i440fx_ram_below_4g(0xe0000000), ==, 0xc0000000);
    g_assert_cmphex(i440fx_ram_below_4g(8 * GiB), ==, 0xc0000000);
    mem_write(0xa0000, 0x55, 1); /* belongs to the bus, which has nothing */
    g_assert_cmphex(mem_read(0xa0000, 1), ==, 0xff);
    mem_write(0x9ffff, 0x55, 1);
    g_assert_cmphex(mem_read(0x9ffff, 1), ==, 0x55);
}

/* --- PIIX3 --- */

static void test_pirq(void)
{
    reset();
    g_assert_cmphex(cfg_read(ISA, 0x60, 4), ==, 0x80808080);
    piix3_set_pci_irq(chipset.piix3, 1, 1); /* slot 1 INTA#: PIRQA# */
    cfg_write(ISA, 0x60, 10, 1);
    g_assert_cmpint(chipset.isa_level[10], ==, 1);
    cfg_write(ISA, 0x60, 5, 1); /* moves while it is active */
    g_assert_cmpint(chipset.isa_level[10], ==, 0);
    g_assert_cmpint(chipset.isa_level[5], ==, 1);
    cfg_write(ISA, 0x60, 0x85, 1);
    g_assert_cmpint(chipset.isa_level[5], ==, 0);
    piix3_set_pci_irq(chipset.piix3, 1, 0);
}

/* IRQs 0, 1, 2, 8 and 13 are reserved. */
static void test_pirq_reserved(void)
{
    static const uint8_t reserved[] = {0, 1, 2, 8, 13};

    reset();
    piix3_set_pci_irq(chipset.piix3, 0, 1); /* PIRQD# */
    for (unsigned i = 0; i < ARRAY_LEN(reserved); i++) {
        cfg_write(ISA, 0x63, reserved[i], 1);
        g_assert_cmpint(chipset.isa_level[reserved[i]], ==, 0);
    }
    piix3_set_pci_irq(chipset.piix3, 0, 0);
}

static void test_reset_control(void)
{
    reset();
    io_write(0xcf9, 0x02, 1);
    g_assert_cmphex(io_read(0xcf9, 1), ==, 0x02);
    fixture_run_requests();
    g_assert_cmpstr(chipset.last_event, ==, "");
    io_write(0xcf9, 0x06, 1);
    fixture_run_requests();
    g_assert_cmpstr(chipset.last_event, ==, "RESET");
    g_assert_cmpint(chipset.last_cause, ==, SHUTDOWN_GUEST_RESET);
}

/* --- PIIX4 --- */

static void enable_pm(void)
{
    reset();
    cfg_write(PM, 0x40, PM_BASE | 1, 4);
    cfg_write(PM, 0x80, 1, 1);
}

static void test_pm_base(void)
{
    enable_pm();
    g_assert_cmphex(cfg_read(PM, 0x40, 4), ==, PM_BASE | 1);
    io_write(PM1_EN, 0x0100, 2);
    g_assert_cmphex(io_read(PM1_EN, 2), ==, 0x0100);
    cfg_write(PM, 0x80, 0, 1);
    g_assert_cmphex(io_read(PM1_EN, 2), ==, 0xffff);
    cfg_write(PM, 0x40, 0xb000, 4);
    cfg_write(PM, 0x80, 1, 1);
    g_assert_cmphex(io_read(0xb002, 2), ==, 0x0100);
    g_assert_cmphex(piix4_pm_base(chipset.pm), ==, 0xb000);
    cfg_write(PM, 0x40, 0, 4);
    g_assert_cmphex(piix4_pm_base(chipset.pm), ==, PM_BASE);
    g_assert_cmphex(cfg_read(PM, 0x5b, 1) & 2, ==, 2); /* APMC_EN */
}

/* The timer counts at 3.579545 MHz and has 24 bits. */
static void test_pm_timer(void)
{
    uint32_t start, ticks;

    enable_pm();
    start = io_read(PM_TMR, 4);
    clock_virtual_advance(NS_PER_SEC);
    ticks = (io_read(PM_TMR, 4) - start) & 0xffffff;
    g_assert_cmpint(ticks, >=, PM_HZ - 1);
    g_assert_cmpint(ticks, <=, PM_HZ + 1);
    clock_virtual_advance(4 * NS_PER_SEC);
    g_assert_cmphex(io_read(PM_TMR, 4), <=, 0xffffff);
    io_write(PM_TMR, 0, 4); /* read-only */
    g_assert_cmpint(io_read(PM_TMR, 4), !=, 0);
}

/* TMR_STS is set when bit 23 changes, each 2^23 ticks: 2.3435 s. */
static void test_pm_overflow(void)
{
    enable_pm();
    io_write(0xb2, 0xf1, 1);
    io_write(PM1_EN, 1, 2);
    for (int ms = 0; ms < 2344 && !(io_read(PM1_STS, 2) & 1); ms++) {
        clock_virtual_advance(NS_PER_MS);
    }
    g_assert_cmphex(io_read(PM1_STS, 2) & 1, ==, 1);
    g_assert_cmpint(chipset.isa_level[9], ==, 1);
    io_write(PM1_STS, 1, 2);
    g_assert_cmpint(chipset.isa_level[9], ==, 0);
    clock_virtual_advance(2342 * NS_PER_MS); /* not yet */
    g_assert_cmphex(io_read(PM1_STS, 2) & 1, ==, 0);
    clock_virtual_advance(3 * NS_PER_MS);
    g_assert_cmphex(io_read(PM1_STS, 2) & 1, ==, 1);
}

static void test_acpi_enable(void)
{
    enable_pm();
    g_assert_cmphex(io_read(PM1_CNT, 2) & 1, ==, 0);
    io_write(0xb2, 0xf1, 1);
    g_assert_cmphex(io_read(PM1_CNT, 2) & 1, ==, 1);
    io_write(PM1_CNT, 0, 2); /* SCI_EN is not the guest's to write */
    g_assert_cmphex(io_read(PM1_CNT, 2) & 1, ==, 1);
    io_write(0xb2, 0xf0, 1);
    g_assert_cmphex(io_read(PM1_CNT, 2) & 1, ==, 0);
    io_write(0xb3, 0x5a, 1);
    g_assert_cmphex(io_read(0xb3, 1), ==, 0x5a);
}

static void test_power_button(void)
{
    enable_pm();
    io_write(0xb2, 0xf1, 1);
    io_write(PM1_EN, 0x0100, 2);
    g_assert_cmpint(chipset.isa_level[9], ==, 0);
    system_powerdown_request();
    fixture_run_requests();
    g_assert_cmphex(io_read(PM1_STS, 2), ==, 0x0100);
    g_assert_cmpint(chipset.isa_level[9], ==, 1);
    io_write(PM1_STS, 0x0100, 2);
    g_assert_cmpint(chipset.isa_level[9], ==, 0);
}

static void test_soft_off(void)
{
    option_no_shutdown = true;
    enable_pm();
    io_write(PM1_CNT, 1 << 10 | 1 << 13, 2); /* another sleep type */
    fixture_run_requests();
    g_assert_cmpstr(chipset.last_event, ==, "");
    io_write(PM1_CNT, 1 << 13, 2);
    g_assert_cmphex(io_read(PM1_CNT, 2) & 1 << 13, ==, 0); /* write only */
    fixture_run_requests();
    g_assert_cmpint(chipset.last_cause, ==, SHUTDOWN_GUEST_SHUTDOWN);
}

static void add_rom(void)
{
    g_assert_true(memory_region_init_rom(&rom, "rom", 0x10000, NULL));
    memcpy(memory_region_ram_ptr(&rom), "ROM!", 4);
    memory_region_add(chipset.host->bridge->pci_memory, 0xf0000, &rom);
}

int main(int argc, char **argv)
{
    fixture_init(&argc, &argv);
    fixture_create_chipset();
    add_rom();
    g_test_add_func("/chipset/identity", test_identity);
    g_test_add_func("/i440fx/pam-bios", test_pam_bios);
    g_test_add_func("/i440fx/pam-segments", test_pam_segments);
    g_test_add_func("/i440fx/ram-split", test_ram_split);
    g_test_add_func("/piix3/pirq", test_pirq);
    g_test_add_func("/piix3/pirq-reserved", test_pirq_reserved);
    g_test_add_func("/piix3/reset-control", test_reset_control);
    g_test_add_func("/piix4/base", test_pm_base);
    g_test_add_func("/piix4/timer", test_pm_timer);
    g_test_add_func("/piix4/overflow", test_pm_overflow);
    g_test_add_func("/piix4/acpi-enable", test_acpi_enable);
    g_test_add_func("/piix4/power-button", test_power_button);
    g_test_add_func("/piix4/soft-off", test_soft_off);
    return g_test_run();
}
