/* SPDX-License-Identifier: MIT */
/*
 * PCI configuration space, BARs, INTx and MSI-X, through ports CF8h-CFFh.
 * Expected values: PCI Local Bus Specification 3.0, chapter 6.
 */
#include "tests/hw/chipset_fixture.h"

#define PROBE_DEVFN   PCI_DEVFN(3, 0)
#define PROBE_2_DEVFN PCI_DEVFN(7, 0) /* shares its INTA# wire: 4 slots on */
#define PROBE_VECTORS 8
#define MMIO_ADDR     0xc0000000
#define TABLE_ADDR    0xc0100000

/* A function with a memory BAR, an I/O BAR, a 64-bit BAR and MSI-X. */
typedef struct ProbeState {
    PCIDevice pci;
    MemoryRegion mmio, ports, big;
} ProbeState;

static uint64_t probe_read(void *opaque, hwaddr addr, unsigned size)
{
    return 0x5a;
}

static void probe_write(void *opaque, hwaddr addr, uint64_t value,
                        unsigned size)
{
}

static const MemoryRegionOps probe_ops = {
    .read = probe_read, .write = probe_write,
};

static bool probe_realize(DeviceState *dev, GError **errp)
{
    static const PCIInfo info = {
        .vendor = 0x1234, .device = 0x5678, .class_code = 0x0200,
        .interrupt_pin = 1,
    };
    ProbeState *s = container_of(dev, ProbeState, pci.dev);

    if (!pci_device_init(&s->pci, &info, errp)) {
        return false;
    }
    memory_region_init_io(&s->mmio, &probe_ops, s, "probe-mmio", 0x20000);
    memory_region_init_io(&s->ports, &probe_ops, s, "probe-ports", 0x40);
    memory_region_init_io(&s->big, &probe_ops, s, "probe-big", 8 * GiB);
    pci_register_bar(&s->pci, 0, false, false, false, &s->mmio);
    pci_register_bar(&s->pci, 1, true, false, false, &s->ports);
    pci_register_bar(&s->pci, 2, false, true, true, &s->big);
    return msix_init(&s->pci, PROBE_VECTORS, 4, errp);
}

static void probe_unrealize(DeviceState *dev)
{
    pci_device_exit(&container_of(dev, ProbeState, pci.dev)->pci);
}

static const DevProp probe_props[] = {PCI_DEVICE_PROPS(ProbeState)};

static const DeviceType probe_type = {
    .name = "probe", .bus = "PCI", .size = sizeof(ProbeState),
    .props = probe_props, .nprops = ARRAY_LEN(probe_props),
    .realize = probe_realize, .unrealize = probe_unrealize,
};

static PCIDevice *probe, *probe_2;
static uint64_t msi_addr;
static uint32_t msi_data;
static unsigned msi_count;

static void note_msi(hwaddr addr, uint32_t data)
{
    msi_addr = addr;
    msi_data = data;
    msi_count++;
}

static PCIDevice *add_probe(int devfn)
{
    DeviceState *dev = device_new(&probe_type, &chipset.host->bus->bus);
    PCIDevice *d = container_of(dev, PCIDevice, dev);

    d->devfn = devfn;
    g_assert_true(device_realize(dev, NULL));
    return d;
}

static void reset(void)
{
    devices_reset_all();
    msi_count = 0;
}

/* --- header --- */

static void test_header(void)
{
    reset();
    g_assert_cmphex(cfg_read(PROBE_DEVFN, 0, 4), ==, 0x56781234);
    g_assert_cmphex(cfg_read(PROBE_DEVFN, 0, 2), ==, 0x1234);
    g_assert_cmphex(cfg_read(PROBE_DEVFN, 2, 2), ==, 0x5678);
    g_assert_cmphex(cfg_read(PROBE_DEVFN, 0x0b, 1), ==, 0x02);
    cfg_write(PROBE_DEVFN, 0, 0, 4); /* read-only */
    g_assert_cmphex(cfg_read(PROBE_DEVFN, 0, 4), ==, 0x56781234);
}

static void test_absent(void)
{
    g_assert_cmphex(cfg_read(PCI_DEVFN(9, 0), 0, 4), ==, 0xffffffff);
    g_assert_cmphex(cfg_read(PCI_DEVFN(9, 0), 0, 2), ==, 0xffff);
    io_write(PCI_ADDRESS_PORT, 0x80010000, 4); /* bus 1 */
    g_assert_cmphex(io_read(PCI_DATA_PORT, 4), ==, 0xffffffff);
    io_write(PCI_ADDRESS_PORT, 0x00000000, 4); /* not enabled */
    g_assert_cmphex(io_read(PCI_DATA_PORT, 4), ==, 0xffffffff);
}

static void test_address_register(void)
{
    io_write(PCI_ADDRESS_PORT, 0xffffffff, 4);
    g_assert_cmphex(io_read(PCI_ADDRESS_PORT, 4), ==, 0x80fffffc);
    io_write(PCI_ADDRESS_PORT, 0x80000000, 4);
    io_write(PCI_ADDRESS_PORT, 0x12, 1); /* not an access of the register */
    io_write(PCI_ADDRESS_PORT + 2, 0x1234, 2);
    g_assert_cmphex(io_read(PCI_ADDRESS_PORT, 4), ==, 0x80000000);
}

/* --- BARs --- */

static void test_bar_sizing(void)
{
    reset();
    cfg_write(PROBE_DEVFN, 0x10, 0xffffffff, 4);
    cfg_write(PROBE_DEVFN, 0x14, 0xffffffff, 4);
    cfg_write(PROBE_DEVFN, 0x18, 0xffffffff, 4);
    cfg_write(PROBE_DEVFN, 0x1c, 0xffffffff, 4);
    g_assert_cmphex(cfg_read(PROBE_DEVFN, 0x10, 4), ==, 0xfffe0000);
    g_assert_cmphex(cfg_read(PROBE_DEVFN, 0x14, 4), ==, 0xffffffc1);
    g_assert_cmphex(cfg_read(PROBE_DEVFN, 0x18, 4), ==, 0x0000000c);
    g_assert_cmphex(cfg_read(PROBE_DEVFN, 0x1c, 4), ==, 0xfffffffe);
    g_assert_cmphex(cfg_read(PROBE_DEVFN, 0x24, 4), ==, 0);
}

static void test_bar_mapping(void)
{
    reset();
    cfg_write(PROBE_DEVFN, 0x10, MMIO_ADDR, 4);
    g_assert_cmphex(mem_read(MMIO_ADDR, 1), ==, 0xff); /* decoding is off */
    cfg_write(PROBE_DEVFN, 0x04, 2, 2);
    g_assert_cmphex(mem_read(MMIO_ADDR, 1), ==, 0x5a);
    g_assert_cmphex(mem_read(MMIO_ADDR + 0x1ffff, 1), ==, 0x5a);
    g_assert_cmphex(mem_read(MMIO_ADDR + 0x20000, 1), ==, 0xff);
    cfg_write(PROBE_DEVFN, 0x10, MMIO_ADDR + 0x20000, 4); /* moves */
    g_assert_cmphex(mem_read(MMIO_ADDR, 1), ==, 0xff);
    g_assert_cmphex(mem_read(MMIO_ADDR + 0x20000, 1), ==, 0x5a);
    cfg_write(PROBE_DEVFN, 0x04, 0, 2);
    g_assert_cmphex(mem_read(MMIO_ADDR + 0x20000, 1), ==, 0xff);
}

static void test_bar_io(void)
{
    reset();
    cfg_write(PROBE_DEVFN, 0x14, 0xc000, 4);
    cfg_write(PROBE_DEVFN, 0x04, 1, 2);
    g_assert_cmphex(io_read(0xc03f, 1), ==, 0x5a);
    g_assert_cmphex(io_read(0xc040, 1), ==, 0xff);
    cfg_write(PROBE_DEVFN, 0x14, 0x1c000, 4); /* past the port space */
    g_assert_cmphex(io_read(0xc000, 1), ==, 0xff);
}

static void test_bar_64(void)
{
    reset();
    cfg_write(PROBE_DEVFN, 0x18, 0, 4);
    cfg_write(PROBE_DEVFN, 0x1c, 0x10, 4);
    cfg_write(PROBE_DEVFN, 0x04, 2, 2);
    g_assert_cmphex(mem_read(0x1000000000, 1), ==, 0x5a);
    g_assert_cmphex(mem_read(0x1000000000 + 8 * GiB - 1, 1), ==, 0x5a);
    devices_reset_all(); /* takes the mapping away */
    g_assert_cmphex(mem_read(0x1000000000, 1), ==, 0xff);
    g_assert_cmphex(cfg_read(PROBE_DEVFN, 0x18, 4), ==, 0x0c);
}

/* --- INTx --- */

/* INTA# of slot 3 and of slot 7 are both PIRQC#. */
static void test_intx_shared(void)
{
    reset();
    cfg_write(PCI_DEVFN(1, 0), 0x62, 11, 1);
    pci_set_irq(probe, 1);
    pci_set_irq(probe_2, 1);
    g_assert_cmpint(chipset.isa_level[11], ==, 1);
    g_assert_cmphex(cfg_read(PROBE_DEVFN, 0x06, 2) & 8, ==, 8);
    pci_set_irq(probe, 0);
    g_assert_cmpint(chipset.isa_level[11], ==, 1);
    pci_set_irq(probe_2, 0);
    g_assert_cmpint(chipset.isa_level[11], ==, 0);
}

static void test_intx_disable(void)
{
    reset();
    cfg_write(PCI_DEVFN(1, 0), 0x62, 11, 1);
    pci_set_irq(probe, 1);
    cfg_write(PROBE_DEVFN, 0x04, 0x400, 2);
    g_assert_cmpint(chipset.isa_level[11], ==, 0);
    g_assert_cmphex(cfg_read(PROBE_DEVFN, 0x06, 2) & 8, ==, 8);
    cfg_write(PROBE_DEVFN, 0x04, 0, 2);
    g_assert_cmpint(chipset.isa_level[11], ==, 1);
    reset();
    g_assert_cmpint(chipset.isa_level[11], ==, 0);
}

/* --- DMA --- */

static void test_dma(void)
{
    uint32_t word = 0x12345678;

    reset();
    mem_write(0x1000, 0, 4);
    g_assert_cmpint(pci_dma_write(probe, 0x1000, &word, 4), !=, MEMTX_OK);
    g_assert_cmphex(mem_read(0x1000, 4), ==, 0);
    cfg_write(PROBE_DEVFN, 0x04, 4, 2);
    g_assert_cmpint(pci_dma_write(probe, 0x1000, &word, 4), ==, MEMTX_OK);
    g_assert_cmphex(mem_read(0x1000, 4), ==, 0x12345678);
}

/* --- MSI-X --- */

static uint8_t msix_cap(void)
{
    uint8_t at = cfg_read(PROBE_DEVFN, 0x34, 1);

    g_assert_cmphex(cfg_read(PROBE_DEVFN, at, 1), ==, 0x11);
    return at;
}

static void msix_setup(void)
{
    reset();
    cfg_write(PROBE_DEVFN, 0x20, TABLE_ADDR, 4);
    cfg_write(PROBE_DEVFN, 0x04, 6, 2);
    cfg_write(PROBE_DEVFN, msix_cap() + 2, 0x8000, 2);
    mem_write(TABLE_ADDR + 16, 0xfee01000, 4);
    mem_write(TABLE_ADDR + 24, 0x4041, 4);
}

static void test_msix_capability(void)
{
    uint8_t cap;

    reset();
    cap = msix_cap();
    g_assert_cmphex(cfg_read(PROBE_DEVFN, 0x06, 2) & 0x10, ==, 0x10);
    g_assert_cmphex(cfg_read(PROBE_DEVFN, cap + 2, 2), ==, PROBE_VECTORS - 1);
    g_assert_cmphex(cfg_read(PROBE_DEVFN, cap + 4, 4), ==, 4); /* BAR 4, 0 */
    g_assert_cmphex(cfg_read(PROBE_DEVFN, cap + 8, 4) & 7, ==, 4);
}

static void test_msix_send(void)
{
    msix_setup();
    g_assert_cmphex(mem_read(TABLE_ADDR + 28, 4), ==, 1); /* masked */
    msix_notify(probe, 1);
    g_assert_cmpuint(msi_count, ==, 0);
    g_assert_cmphex(mem_read(TABLE_ADDR + 0x800, 8), ==, 2); /* pending */
    mem_write(TABLE_ADDR + 28, 0, 4);
    g_assert_cmpuint(msi_count, ==, 1);
    g_assert_cmphex(msi_addr, ==, 0xfee01000);
    g_assert_cmphex(msi_data, ==, 0x4041);
    g_assert_cmphex(mem_read(TABLE_ADDR + 0x800, 8), ==, 0);
    msix_notify(probe, 1);
    g_assert_cmpuint(msi_count, ==, 2);
}

static void test_msix_function_mask(void)
{
    msix_setup();
    mem_write(TABLE_ADDR + 28, 0, 4);
    cfg_write(PROBE_DEVFN, msix_cap() + 2, 0xc000, 2);
    msix_notify(probe, 1);
    g_assert_cmpuint(msi_count, ==, 0);
    cfg_write(PROBE_DEVFN, msix_cap() + 2, 0x8000, 2);
    g_assert_cmpuint(msi_count, ==, 1);
}

/* Past the table's end nothing is stored, and no vector is out of range. */
static void test_msix_bounds(void)
{
    msix_setup();
    for (hwaddr at = 16 * PROBE_VECTORS; at < 0x1000; at += 4) {
        mem_write(TABLE_ADDR + at, 0xffffffff, 4);
        g_assert_cmphex(mem_read(TABLE_ADDR + at, 4), ==, 0);
    }
    msix_notify(probe, PROBE_VECTORS);
    msix_notify(probe, UINT32_MAX);
    g_assert_cmpuint(msi_count, ==, 0);
}

/* --- slots --- */

static void test_slots(void)
{
    g_autoptr(GError) err = NULL;
    DeviceState *dev = device_new(&probe_type, &chipset.host->bus->bus);
    PCIDevice *d = container_of(dev, PCIDevice, dev);

    d->devfn = PROBE_DEVFN;
    g_assert_false(device_realize(dev, &err));
    g_assert_nonnull(err);
    device_unrealize_free(dev);
    g_assert_true(chipset.host->bus->function[PROBE_DEVFN] == probe);
    d = add_probe(-1);
    g_assert_cmpint(d->devfn, ==, PCI_DEVFN(2, 0)); /* the first free one */
    device_unrealize_free(&d->dev);
    g_assert_cmphex(cfg_read(PCI_DEVFN(2, 0), 0, 4), ==, 0xffffffff);
}

int main(int argc, char **argv)
{
    fixture_init(&argc, &argv);
    fixture_create_chipset();
    chipset.host->bus->send_msi = note_msi;
    probe = add_probe(PROBE_DEVFN);
    probe_2 = add_probe(PROBE_2_DEVFN);
    g_test_add_func("/pci/header", test_header);
    g_test_add_func("/pci/absent", test_absent);
    g_test_add_func("/pci/address-register", test_address_register);
    g_test_add_func("/pci/bar-sizing", test_bar_sizing);
    g_test_add_func("/pci/bar-mapping", test_bar_mapping);
    g_test_add_func("/pci/bar-io", test_bar_io);
    g_test_add_func("/pci/bar-64", test_bar_64);
    g_test_add_func("/pci/intx-shared", test_intx_shared);
    g_test_add_func("/pci/intx-disable", test_intx_disable);
    g_test_add_func("/pci/dma", test_dma);
    g_test_add_func("/pci/msix-capability", test_msix_capability);
    g_test_add_func("/pci/msix-send", test_msix_send);
    g_test_add_func("/pci/msix-function-mask", test_msix_function_mask);
    g_test_add_func("/pci/msix-bounds", test_msix_bounds);
    g_test_add_func("/pci/slots", test_slots);
    return g_test_run();
}
