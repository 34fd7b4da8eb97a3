/* SPDX-License-Identifier: MIT */
/*
 * PCI slots that come and go, through the registers that ACPI's methods use.
 * Expected values: docs/sources.md, "PCI hot-plug"; ACPI 6.4, 4.8.4.1 "General-
 * Purpose Event Register Blocks".
 */
#include "tests/hw/chipset_fixture.h"

#define UP        0xae00
#define DOWN      0xae04
#define EJECT     0xae08
#define REMOVABLE 0xae0c
#define SELECT    0xae10
#define GPE_STS   0xafe0
#define GPE_EN    0xafe2
#define SMI_CMD   0xb2

#define SCI_IRQ 9

static bool probe_realize(DeviceState *dev, GError **errp)
{
    static const PCIInfo info = { .vendor = 0x1234, .device = 0x5678 };

    return pci_device_init(container_of(dev, PCIDevice, dev), &info, errp);
}

static void probe_unrealize(DeviceState *dev)
{
    pci_device_exit(container_of(dev, PCIDevice, dev));
}

static const DevProp probe_props[] = {
    DEV_PROP(PCIDevice, devfn, "addr", DEV_PROP_PCI_DEVFN, (uint32_t)-1,
             "slot[.function]"),
};

static const DeviceType probe_type = {
    .name = "probe",
    .bus = "PCI",
    .size = sizeof(PCIDevice),
    .props = probe_props,
    .nprops = ARRAY_LEN(probe_props),
    .user_creatable = true,
    .realize = probe_realize,
    .unrealize = probe_unrealize,
};

static DeviceType fixed_type; /* the same, but there for good */

static unsigned ended;

static void count_end(DeviceState *dev)
{
    g_assert_true(dev->realized); /* it can still be named */
    ended++;
}

static void reset(void)
{
    devices_reset_all();
    ended = 0;
    io_write(SMI_CMD, PIIX4_ACPI_ENABLE, 1);
    io_write(GPE_EN, 2, 2);
}

static bool sci(void)
{
    return chipset.isa_level[SCI_IRQ];
}

static DeviceState *hot_add(const char *text, GError **errp)
{
    g_autoptr(KeyVal) kv = keyval_parse(text, "driver", NULL);

    return device_hot_add(kv, errp);
}

static DeviceState *added(const char *text)
{
    GError *err = NULL;
    DeviceState *dev = hot_add(text, &err);

    g_assert_no_error(err);
    return dev;
}

static void requested(DeviceState *dev)
{
    GError *err = NULL;

    g_assert_true(device_hot_remove(dev, &err));
    g_assert_no_error(err);
}

/* @call reports to `err`. */
#define assert_refused(call, text)                                             \
    do {                                                                       \
        g_autoptr(GError) err = NULL;                                          \
                                                                               \
        g_assert_false(call);                                                  \
        g_assert_cmpstr(err->message, ==, text);                               \
    } while (0)

static void acknowledge(void)
{
    io_write(GPE_STS, 2, 2);
    g_assert_false(sci());
}

/* As the methods do it: an event, who has come, who is to go, eject. */
static void test_cycle(void)
{
    DeviceState *dev;

    reset();
    dev = added("probe,addr=5,id=d");
    g_assert_cmphex(io_read(GPE_STS, 2), ==, 2);
    g_assert_true(sci());
    acknowledge();
    g_assert_cmphex(io_read(DOWN, 4), ==, 0);
    g_assert_cmphex(io_read(UP, 4), ==, BIT(5));
    g_assert_cmphex(io_read(UP, 4), ==, 0); /* seen */
    g_assert_cmphex(cfg_read(PCI_DEVFN(5, 0), 0, 4), ==, 0x56781234);

    requested(dev);
    g_assert_true(sci());
    acknowledge();
    g_assert_cmphex(io_read(UP, 4), ==, 0);
    g_assert_cmphex(io_read(DOWN, 4), ==, BIT(5));
    g_assert_cmpuint(ended, ==, 0); /* not before the guest says so */
    io_write(EJECT, BIT(5), 4);
    g_assert_cmpuint(ended, ==, 1);
    g_assert_cmphex(io_read(DOWN, 4), ==, 0);
    g_assert_cmphex(cfg_read(PCI_DEVFN(5, 0), 0, 4), ==, 0xffffffff);
    g_assert_null(device_find("d"));
}

/* A slot goes as a whole, and the guest may take it away unasked. */
static void test_functions(void)
{
    reset();
    added("probe,addr=6.0");
    added("probe,addr=6.3");
    added("probe,addr=7");
    g_assert_cmphex(io_read(UP, 4), ==, BIT(6) | BIT(7));
    io_write(EJECT, BIT(6), 4);
    g_assert_cmpuint(ended, ==, 2);
    g_assert_cmphex(cfg_read(PCI_DEVFN(6, 3), 0, 4), ==, 0xffffffff);
    g_assert_cmphex(cfg_read(PCI_DEVFN(7, 0), 0, 4), ==, 0x56781234);
    io_write(EJECT, BIT(6) | BIT(7), 4);
    g_assert_cmpuint(ended, ==, 3);
}

/* The chipset stays, whatever the guest ejects. */
static void test_fixed(void)
{
    DeviceState *chip = &chipset.pm->pci.dev;
    g_autoptr(KeyVal) kv = keyval_parse("fixed,addr=9", "driver", NULL);
    DeviceState *fixed = device_add(kv, NULL), *near;

    reset();
    g_assert_nonnull(fixed);
    g_assert_cmphex(io_read(REMOVABLE, 4), ==,
                    ~(uint32_t)(BIT(0) | BIT(1) | BIT(9)));
    io_write(EJECT, UINT32_MAX, 4);
    g_assert_cmpuint(ended, ==, 0);
    g_assert_cmphex(cfg_read(PCI_DEVFN(1, 3), 0, 4), ==, 0x71138086);
    assert_refused(device_hot_remove(chip, &err),
                   "Device 'PIIX4_PM' does not support hotplugging");
    assert_refused(hot_add("fixed,addr=8", &err),
                   "Device 'fixed' does not support hotplugging");
    near = added("probe,addr=9.1,id=near");
    assert_refused(device_hot_remove(near, &err),
                   "Device 'near' shares its slot with one that does not "
                   "support hotplugging");
}

static void test_asked_twice(void)
{
    DeviceState *dev;

    reset();
    dev = added("probe,addr=5,id=d");
    requested(dev);
    assert_refused(device_hot_remove(dev, &err),
                   "Device d is already in the process of unplug");
    io_write(EJECT, BIT(5), 4);
}

/* What was asked for goes with a reset; what has come stays. */
static void test_reset(void)
{
    reset();
    requested(added("probe,addr=5"));
    added("probe,addr=6");
    devices_reset_all();
    g_assert_cmpuint(ended, ==, 1);
    g_assert_cmphex(cfg_read(PCI_DEVFN(5, 0), 0, 4), ==, 0xffffffff);
    g_assert_cmphex(cfg_read(PCI_DEVFN(6, 0), 0, 4), ==, 0x56781234);
    g_assert_cmphex(io_read(UP, 4), ==, 0);
    g_assert_cmphex(io_read(GPE_STS, 2), ==, 0);
    io_write(EJECT, BIT(6), 4);
}

/* There is one bus. */
static void test_other_bus(void)
{
    reset();
    added("probe,addr=5");
    io_write(SELECT, 1, 4);
    g_assert_cmphex(io_read(UP, 4), ==, 0);
    io_write(EJECT, BIT(5), 4);
    g_assert_cmpuint(ended, ==, 0);
    io_write(SELECT, 0, 4);
    g_assert_cmphex(io_read(UP, 4), ==, BIT(5));
    io_write(EJECT, BIT(5), 4);
    g_assert_cmpuint(ended, ==, 1);
}

static void test_no_hotplug(void)
{
    Bus *isa = bus_new("ISA", "isa.0", NULL);
    DeviceState dev = { .type = &probe_type, .parent_bus = isa };

    assert_refused(device_hot_remove(&dev, &err),
                   "Bus 'isa.0' does not support hotplugging");
}

int main(int argc, char **argv)
{
    fixture_init(&argc, &argv);
    device_type_register(&probe_type);
    fixed_type = probe_type;
    fixed_type.name = "fixed";
    fixed_type.unrealize = NULL;
    device_type_register(&fixed_type);
    fixture_create_chipset();
    device_set_end_listener(count_end);
    g_test_add_func("/hotplug/cycle", test_cycle);
    g_test_add_func("/hotplug/functions", test_functions);
    g_test_add_func("/hotplug/asked-twice", test_asked_twice);
    g_test_add_func("/hotplug/reset", test_reset);
    g_test_add_func("/hotplug/other-bus", test_other_bus);
    g_test_add_func("/hotplug/no-hotplug", test_no_hotplug);
    g_test_add_func("/hotplug/fixed", test_fixed);
    return g_test_run();
}
