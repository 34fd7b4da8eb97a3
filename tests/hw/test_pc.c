/* SPDX-License-Identifier: MIT */
/*
 * The machine pc: what it tells the firmware, -bios files, how much RAM fits;
 * and the small devices of -device.  Expected values: ACPI 6.4, 15 "System
 * Address Map Interfaces"; SeaBIOS's documentation of CMOS.
 */
#include <string.h>

#include <glib/gstdio.h>

#include "hw/i386/pc_internal.h"
#include "hw/misc/debug.h"
#include "tests/hw/chipset_fixture.h"
#include "util/bytes.h"
#include "util/error.h"

static IsaBus *isa;
static char *dir;

/* --- memory --- */

static void assert_e820(const GByteArray *map, unsigned n, uint64_t addr,
                        uint64_t len)
{
    const uint8_t *entry = map->data + 20 * n;

    g_assert_cmphex(get_le64(entry), ==, addr);
    g_assert_cmphex(get_le64(entry + 8), ==, len);
    g_assert_cmpuint(get_le32(entry + 16), ==, 1); /* AddressRangeMemory */
}

static void test_e820(void)
{
    g_autoptr(GByteArray) small = pc_build_e820(512 * MiB);
    g_autoptr(GByteArray) large = pc_build_e820(8 * GiB);

    g_assert_cmpuint(small->len, ==, 20);
    assert_e820(small, 0, 0, 512 * MiB);
    g_assert_cmpuint(large->len, ==, 40);
    assert_e820(large, 0, 0, 3 * GiB);
    assert_e820(large, 1, 4 * GiB, 5 * GiB);
}

static void set_cmos(uint64_t ram_bytes, unsigned cpus, const char *order)
{
    static RtcState *rtc;
    MachineConfig config = {.ram_bytes = ram_bytes, .cpus = cpus,
                            .boot_order = order};
    PcMachine pc = {.config = &config};

    if (!rtc) {
        rtc = rtc_create(system_io(), &(RtcConfig){0}, NULL);
    }
    pc.rtc = rtc;
    pc_set_cmos(&pc);
}

static uint8_t cmos(uint8_t reg)
{
    io_write(0x70, reg, 1);
    return io_read(0x71, 1);
}

static void test_cmos(void)
{
    set_cmos(512 * MiB, 4, "dc");
    g_assert_cmphex(cmos(0x15) | cmos(0x16) << 8, ==, 640);
    g_assert_cmphex(cmos(0x17) | cmos(0x18) << 8, ==, 0xffff);
    g_assert_cmphex(cmos(0x34) | cmos(0x35) << 8, ==, (512 - 16) * 16);
    g_assert_cmphex(cmos(0x5b), ==, 0);
    g_assert_cmphex(cmos(0x5f), ==, 3);
    g_assert_cmphex(cmos(0x3d), ==, 0x23); /* CD-ROM, then disk */
    set_cmos(32 * GiB, 1, NULL);
    /* 29 GiB above 4 GiB in 64 KiB: 74000h */
    g_assert_cmphex(cmos(0x5b), ==, 0x00);
    g_assert_cmphex(cmos(0x5c), ==, 0x40);
    g_assert_cmphex(cmos(0x5d), ==, 0x07);
    g_assert_cmphex(cmos(0x3d), ==, 0x12); /* "cad" */
    g_assert_cmphex(cmos(0x38), ==, 0x30);
}

static void test_boot_codes(void)
{
    g_autoptr(GError) err = NULL;
    uint16_t codes;

    g_assert_true(pc_boot_codes("n", &codes, NULL));
    g_assert_cmphex(codes, ==, 4);
    g_assert_false(pc_boot_codes("cx", &codes, &err));
    g_assert_cmpstr(err->message, ==, "Invalid boot device for PC: 'x'");
    g_clear_error(&err);
    g_assert_false(pc_boot_codes("cadn", &codes, &err));
    g_assert_cmpstr(err->message, ==, "Too many boot devices for PC");
}

/* RAM ends 1 GiB higher than its size, above the hole below 4 GiB. */
static void test_ram_fits(void)
{
    GError *err = NULL;

    g_assert_true(pc_ram_fits(3 * GiB, 32, &err));
    g_assert_false(pc_ram_fits(4 * GiB, 32, &err));
    g_assert_cmpstr(err->message, ==,
                    "Address space limit 0xffffffff < 0x13fffffff phys-bits "
                    "too low (32)");
    g_clear_error(&err);
    g_assert_true(pc_ram_fits(63 * GiB, 36, &err));
    g_assert_false(pc_ram_fits(64 * GiB, 36, NULL));
}

/* --- -bios --- */

static bool map_bios(size_t len, GError **errp)
{
    g_autofree char *path = g_build_filename(dir, "bios", NULL);
    g_autofree char *data = g_malloc0(len + 1);
    MachineConfig config = {.bios = path};
    PcMachine *pc = g_new0(PcMachine, 1); /* the map keeps its regions */

    memcpy(data + (len > 16 ? len - 16 : 0), "RESET VECTOR....",
           MIN(len, 16));
    g_assert_true(g_file_set_contents(path, data, len, NULL));
    pc->config = &config;
    return pc_firmware_map(pc, chipset.host->bridge->pci_memory, errp);
}

static void test_bios(void)
{
    devices_reset_all();
    g_assert_true(map_bios(256 * KiB, NULL));
    g_assert_cmphex(mem_read(0xfffffff0, 4), ==, 0x45534552); /* "RESE" */
    g_assert_cmphex(mem_read(0xffff0, 4), ==, 0x45534552);
    g_assert_cmphex(mem_read(0xfffc0000, 1), ==, 0);
    g_assert_cmphex(mem_read(0xe0000, 1), ==, 0);
    mem_write(0xfffffff0, 0, 4);
    g_assert_cmphex(mem_read(0xfffffff0, 4), ==, 0x45534552);
}

static void test_bios_refused(void)
{
    static const size_t sizes[] = {0, 1, 0x10000 - 1, 0x18000,
                                   17 * 1024 * 1024};
    MachineConfig config = {.bios = "/nonexistent/bios"};
    PcMachine pc = {.config = &config};
    g_autoptr(GError) err = NULL;

    for (unsigned i = 0; i < ARRAY_LEN(sizes); i++) {
        g_assert_false(map_bios(sizes[i], &err));
        g_assert_nonnull(strstr(err->message, "multiple of 64 KiB"));
        g_clear_error(&err);
    }
    g_assert_false(pc_firmware_map(&pc, chipset.host->bridge->pci_memory,
                                   &err));
    g_assert_nonnull(strstr(err->message, "'/nonexistent/bios'"));
}

/* --- devices --- */

static void test_testdev(void)
{
    device_create(&pc_testdev_type, &isa->bus);
    io_write(0xe0, 0x12345678, 4);
    g_assert_cmphex(io_read(0xe0, 4), ==, 0x12345678);
    g_assert_cmphex(io_read(0xe1, 1), ==, 0x56);
    g_assert_cmphex(io_read(0xe8, 4), ==, 0x12345678);
    io_write(0xea, 0xff, 1);
    g_assert_cmphex(io_read(0xe2, 2), ==, 0x12ff);
    mem_write(0xff000010, 0xdeadbeef, 4);
    g_assert_cmphex(mem_read(0xff000012, 2), ==, 0xdead);
    io_write(0xe4, 0x1000, 4); /* nothing is lost */
    g_assert_cmphex(mem_read(0xff000010, 4), ==, 0xdeadbeef);
    io_write(0x2000 + 14, 1, 1);
    g_assert_cmpint(chipset.isa_level[14], ==, 1);
    io_write(0x2000 + 14, 0, 1);
    g_assert_cmpint(chipset.isa_level[14], ==, 0);
    io_write(0x2000 + 23, 1, 1); /* not connected */
}

static void test_debugcon(void)
{
    g_autofree char *path = g_build_filename(dir, "debug", NULL);
    g_autofree char *text = g_strconcat("file:", path, NULL);
    g_autofree char *got = NULL;
    g_autoptr(GError) err = NULL;
    Chardev *chr = chardev_parse_short("debug", text, &err);

    g_assert_no_error(err);
    g_assert_true(debugcon_create(isa, 0xe9, chr, &err));
    g_assert_cmphex(io_read(0xe9, 1), ==, 0xe9);
    io_write(0xe9, 'h', 1);
    io_write(0xe9, 'i', 1);
    fixture_run_requests();
    g_assert_true(g_file_get_contents(path, &got, NULL, NULL));
    g_assert_cmpstr(got, ==, "hi");
    g_assert_false(debugcon_create(isa, 0x402, NULL, &err));
    g_assert_nonnull(err);
    g_remove(path);
}

/* (value << 1) | 1; the last test, as the machine is off afterwards. */
static void test_debug_exit(void)
{
    DeviceState *dev = device_new(&debug_exit_type, &isa->bus);
    g_autoptr(GError) err = NULL;

    g_assert_true(device_set_prop(dev, "iobase", "0xffff", NULL));
    g_assert_false(device_realize(dev, &err)); /* two ports do not fit */
    device_unrealize_free(dev);
    device_create(&debug_exit_type, &isa->bus);
    option_no_shutdown = false;
    io_write(0x501, 0x10, 1);
    fixture_run_requests();
    g_assert_cmpstr(chipset.last_event, ==, "SHUTDOWN");
    g_assert_cmpint(main_loop_status(), ==, 0x21);
}

int main(int argc, char **argv)
{
    const IrqLine *lines[ISA_IRQS];
    g_autofree char *bios = NULL;
    int status;

    fixture_init(&argc, &argv);
    fixture_create_chipset();
    for (unsigned i = 0; i < ISA_IRQS; i++) {
        lines[i] = &chipset.isa[i];
    }
    isa = isa_bus_create(NULL, system_io(), lines);
    dir = g_dir_make_tmp("pc-XXXXXX", NULL);
    bios = g_build_filename(dir, "bios", NULL);
    g_test_add_func("/pc/ram-fits", test_ram_fits);
    g_test_add_func("/pc/e820", test_e820);
    g_test_add_func("/pc/cmos", test_cmos);
    g_test_add_func("/pc/boot-codes", test_boot_codes);
    g_test_add_func("/pc/bios", test_bios);
    g_test_add_func("/pc/bios-refused", test_bios_refused);
    g_test_add_func("/pc/testdev", test_testdev);
    g_test_add_func("/pc/debugcon", test_debugcon);
    g_test_add_func("/pc/debug-exit", test_debug_exit);
    status = g_test_run();
    g_remove(bios);
    g_rmdir(dir);
    return status;
}
