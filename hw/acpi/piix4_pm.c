/* SPDX-License-Identifier: MIT */
/*
 * 82371AB (PIIX4), function 3: power management.
 *
 * Source: 82371AB (PIIX4) datasheet (order number 290562), chapter 7 "Power
 * Management"; ACPI 6.4, 4.8 "ACPI Register Model".
 * Implemented: PM1 event and control registers, PM timer, APM control and
 * status ports, power button, one block of general purpose events, of which
 * PCI hot-plug (pci_hotplug.c) drives one.  Left out: SMBus, device monitors,
 * sleep states but S5, and SMI#: there is no system management mode, so a write
 * of APMC switches ACPI on and off at once, and APMC_EN reads 1, which tells
 * firmware that its SMM set-up was done already. Locks: BQL; the PM timer is
 * read without it, as a function of the clock.
 */
#include "hw/acpi/piix4_pm.h"

#include "system/runstate.h"
#include "util/bytes.h"

#define PIIX4_VENDOR        0x8086
#define PIIX4_DEVICE        0x7113
#define PIIX4_CLASS         0x0680 /* other bridge */
#define PIIX4_REVISION      0x03
#define PIIX4_SUBSYS_VENDOR 0x1af4
#define PIIX4_SUBSYS        0x1100

#define PIIX4_PMBA          0x40 /* power management base address */
#define PMBA_MASK           0xffc0
#define PMBA_IO             BIT(0)
#define PIIX4_DEVACTB       0x58
#define DEVACTB_APMC_EN     BIT(25)
#define PIIX4_PMREGMISC     0x80
#define PMREGMISC_PMIOSE    BIT(0) /* decode the block */
#define PIIX4_SMBBA         0x90
#define PIIX4_SMBHSTCFG     0xd2

#define PM_BLOCK_BYTES      64
#define PM1_STS             0
#define PM1_EN              2
#define PM1_TMR             BIT(0)  /* in status and enable */
#define PM1_GBL             BIT(5)
#define PM1_PWRBTN          BIT(8)
#define PM1_RTC             BIT(10)
#define PM1_WAK             BIT(15) /* status only */
#define PM1_STS_W1C         (PM1_TMR | PM1_GBL | PM1_PWRBTN | PM1_RTC | PM1_WAK)
#define PM1_EN_WRITABLE     (PM1_TMR | PM1_GBL | PM1_PWRBTN | PM1_RTC)
#define PM1_CNT_SCI_EN      BIT(0)
#define PM1_CNT_WRITABLE    0x1c06 /* SLP_TYP, GBL_RLS, BM_RLD */
#define PM1_CNT_SLP_TYP(v)  (((v) >> 10) & 7)
#define PM1_CNT_SLP_EN      BIT(13) /* write only */

#define GPE_PCI_HOTPLUG BIT(1) /* _E01 in the DSDT */

#define PM_TIMER_HZ         3579545
#define PM_TIMER_BITS       24

/* --- interrupt and timer --- */

static void pm_update_sci(Piix4PmState *s)
{
    bool event = (s->pm1_sts & s->pm1_en & PM1_EN_WRITABLE) ||
                 (s->gpe_sts & s->gpe_en);

    irq_set(s->sci, event && (s->pm1_cnt & PM1_CNT_SCI_EN));
}

static uint64_t pm_timer_ticks(int64_t now_ns)
{
    return muldiv64(now_ns, PM_TIMER_HZ, NS_PER_SEC);
}

/* The top bit of the 24 changes each 2^23 ticks: the next time after now, so
 * rounded up that it has changed by then. */
static int64_t pm_next_overflow_ns(int64_t now_ns)
{
    uint64_t half = pm_timer_ticks(now_ns) >> (PM_TIMER_BITS - 1);
    uint64_t ticks = (half + 1) << (PM_TIMER_BITS - 1);

    return muldiv64(ticks, NS_PER_SEC, PM_TIMER_HZ) + 1;
}

/* Latch TMR_STS if the top bit changed since the last look. */
static void pm_latch_overflow(Piix4PmState *s)
{
    int64_t now = clock_get_ns(CLOCK_TYPE_VIRTUAL);

    if (now >= s->overflow_ns) {
        s->pm1_sts |= PM1_TMR;
        s->overflow_ns = pm_next_overflow_ns(now);
    }
}

/* The host is woken only for overflows that the guest asked for. */
static void pm_arm_timer(Piix4PmState *s)
{
    if ((s->pm1_en & PM1_TMR) && !(s->pm1_sts & PM1_TMR)) {
        timer_mod_ns(&s->overflow, s->overflow_ns);
    } else {
        timer_del(&s->overflow);
    }
}

static void pm_update(Piix4PmState *s)
{
    pm_latch_overflow(s);
    pm_arm_timer(s);
    pm_update_sci(s);
}

static void pm_overflow(void *opaque)
{
    pm_update(opaque);
}

static uint64_t pm_tmr_read(void *opaque, hwaddr addr, unsigned size)
{
    return pm_timer_ticks(clock_get_ns(CLOCK_TYPE_VIRTUAL)) &
           (BIT(PM_TIMER_BITS) - 1);
}

static void pm_tmr_write(void *opaque, hwaddr addr, uint64_t value,
                         unsigned size)
{
    /* read-only */
}

static const MemoryRegionOps pm_tmr_ops = {
    .read = pm_tmr_read,
    .write = pm_tmr_write,
    .valid = {.min = 1, .max = 4},
    .impl = {.min = 4, .max = 4},
    .unlocked = true,
};

/* --- PM1 events --- */

static uint64_t pm_evt_read(void *opaque, hwaddr addr, unsigned size)
{
    Piix4PmState *s = opaque;

    pm_latch_overflow(s);
    return addr == PM1_STS ? s->pm1_sts : s->pm1_en;
}

static void pm_evt_write(void *opaque, hwaddr addr, uint64_t value,
                         unsigned size)
{
    Piix4PmState *s = opaque;

    pm_latch_overflow(s);
    if (addr == PM1_STS) {
        s->pm1_sts &= ~(value & PM1_STS_W1C);
    } else {
        s->pm1_en = value & PM1_EN_WRITABLE;
    }
    pm_update(s);
}

static const MemoryRegionOps pm_evt_ops = {
    .read = pm_evt_read,
    .write = pm_evt_write,
    .valid = {.min = 1, .max = 4},
    .impl = {.min = 2, .max = 2},
};

void piix4_pm_power_button(void *piix4_pm)
{
    Piix4PmState *s = piix4_pm;

    s->pm1_sts |= PM1_PWRBTN;
    pm_update(s);
}

/* --- PM1 control --- */

static uint64_t pm_cnt_read(void *opaque, hwaddr addr, unsigned size)
{
    Piix4PmState *s = opaque;

    return s->pm1_cnt;
}

static void pm_cnt_write(void *opaque, hwaddr addr, uint64_t value,
                         unsigned size)
{
    Piix4PmState *s = opaque;

    s->pm1_cnt = (s->pm1_cnt & ~PM1_CNT_WRITABLE) | (value & PM1_CNT_WRITABLE);
    if ((value & PM1_CNT_SLP_EN) &&
        PM1_CNT_SLP_TYP(value) == PIIX4_SLP_TYP_S5) {
        system_shutdown_request(SHUTDOWN_GUEST_SHUTDOWN);
    }
}

static const MemoryRegionOps pm_cnt_ops = {
    .read = pm_cnt_read,
    .write = pm_cnt_write,
    .valid = {.min = 1, .max = 2},
    .impl = {.min = 2, .max = 2},
};

/* --- general purpose events: status, then enable, 16 bits each --- */

static uint64_t pm_gpe_read(void *opaque, hwaddr addr, unsigned size)
{
    Piix4PmState *s = opaque;

    return addr == 0 ? s->gpe_sts : s->gpe_en;
}

static void pm_gpe_write(void *opaque, hwaddr addr, uint64_t value,
                         unsigned size)
{
    Piix4PmState *s = opaque;

    if (addr == 0) {
        s->gpe_sts &= ~value;
    } else {
        s->gpe_en = value;
    }
    pm_update(s);
}

static const MemoryRegionOps pm_gpe_ops = {
    .read = pm_gpe_read,
    .write = pm_gpe_write,
    .valid = {.min = 1, .max = 4},
    .impl = {.min = 2, .max = 2},
};

static void pm_hotplug_event(void *opaque)
{
    Piix4PmState *s = opaque;

    s->gpe_sts |= GPE_PCI_HOTPLUG;
    pm_update(s);
}

/* --- APM ports B2h and B3h --- */

static uint64_t pm_apm_read(void *opaque, hwaddr addr, unsigned size)
{
    Piix4PmState *s = opaque;

    return addr == 0 ? s->apm_control : s->apm_status;
}

static void pm_apm_write(void *opaque, hwaddr addr, uint64_t value,
                         unsigned size)
{
    Piix4PmState *s = opaque;

    if (addr != 0) {
        s->apm_status = value;
        return;
    }
    s->apm_control = value;
    if (value == PIIX4_ACPI_ENABLE) {
        s->pm1_cnt |= PM1_CNT_SCI_EN;
    } else if (value == PIIX4_ACPI_DISABLE) {
        s->pm1_cnt &= ~PM1_CNT_SCI_EN;
    }
    pm_update(s);
}

static const MemoryRegionOps pm_apm_ops = {
    .read = pm_apm_read,
    .write = pm_apm_write,
    .valid = {.min = 1, .max = 2},
    .impl = {.min = 1, .max = 1},
};

/* --- the function --- */

static uint16_t pm_pmba(const Piix4PmState *s)
{
    return get_le32(s->pci.config + PIIX4_PMBA) & PMBA_MASK;
}

uint16_t piix4_pm_base(const Piix4PmState *s)
{
    uint16_t base = pm_pmba(s);

    return base ? base : PIIX4_PM_BASE;
}

/* Place the block where PMBA says, while PMIOSE is set. */
static void pm_map_block(Piix4PmState *s)
{
    uint16_t base = pm_pmba(s);
    bool on = (s->pci.config[PIIX4_PMREGMISC] & PMREGMISC_PMIOSE) && base != 0;

    memory_transaction_begin();
    if (s->block_mapped) {
        memory_region_del(s->pci.bus->io, &s->block);
        s->block_mapped = false;
    }
    if (on) {
        memory_region_add(s->pci.bus->io, base, &s->block);
        s->block_mapped = true;
    }
    memory_transaction_commit();
}

static void pm_config_written(PCIDevice *d, unsigned addr, unsigned len)
{
    if (addr + len > PIIX4_PMBA && addr <= PIIX4_PMREGMISC) {
        pm_map_block(container_of(d, Piix4PmState, pci));
    }
}

static void pm_init_config(Piix4PmState *s)
{
    put_le32(s->pci.config + PIIX4_PMBA, PMBA_IO);
    put_le32(s->pci.wmask + PIIX4_PMBA, PMBA_MASK);
    put_le32(s->pci.config + PIIX4_DEVACTB, DEVACTB_APMC_EN);
    s->pci.wmask[PIIX4_PMREGMISC] = PMREGMISC_PMIOSE;
    put_le32(s->pci.config + PIIX4_SMBBA, PMBA_IO);
    put_le32(s->pci.wmask + PIIX4_SMBBA, 0xfff0);
    s->pci.wmask[PIIX4_SMBHSTCFG] = 0x0f;
    s->pci.config_written = pm_config_written;
}

static void pm_init_regions(Piix4PmState *s)
{
    memory_region_init(&s->block, "piix4-pm", PM_BLOCK_BYTES);
    memory_region_init_io(&s->evt, &pm_evt_ops, s, "acpi-evt", 4);
    memory_region_init_io(&s->cnt, &pm_cnt_ops, s, "acpi-cnt", 2);
    memory_region_init_io(&s->tmr, &pm_tmr_ops, s, "acpi-tmr", 4);
    memory_region_init_io(&s->gpe, &pm_gpe_ops, s, "acpi-gpe0",
                          PIIX4_GPE0_BYTES);
    memory_region_init_io(&s->apm, &pm_apm_ops, s, "apm-io", 2);
    memory_region_add(&s->block, PIIX4_PM_EVT, &s->evt);
    memory_region_add(&s->block, PIIX4_PM_CNT, &s->cnt);
    memory_region_add(&s->block, PIIX4_PM_TMR, &s->tmr);
}

static bool pm_realize(DeviceState *dev, GError **errp)
{
    static const PCIInfo info = {
        .vendor = PIIX4_VENDOR, .device = PIIX4_DEVICE,
        .subsystem_vendor = PIIX4_SUBSYS_VENDOR, .subsystem = PIIX4_SUBSYS,
        .class_code = PIIX4_CLASS, .revision = PIIX4_REVISION,
        .interrupt_pin = 1,
    };
    Piix4PmState *s = container_of(dev, Piix4PmState, pci.dev);

    if (!pci_device_init(&s->pci, &info, errp)) {
        return false;
    }
    pm_init_config(s);
    pm_init_regions(s);
    timer_init(&s->overflow, CLOCK_TYPE_VIRTUAL, pm_overflow, s);
    return true;
}

static void pm_reset(DeviceState *dev)
{
    Piix4PmState *s = container_of(dev, Piix4PmState, pci.dev);

    s->overflow_ns = pm_next_overflow_ns(clock_get_ns(CLOCK_TYPE_VIRTUAL));
    pm_map_block(s);
    pm_update(s);
}

static void pm_post_load(DeviceState *dev)
{
    Piix4PmState *s = container_of(dev, Piix4PmState, pci.dev);

    pci_device_post_load(&s->pci);
    pm_map_block(s);
    pm_update(s);
}

static const DevProp pm_props[] = {
    PCI_DEVICE_PROPS(Piix4PmState),
};

static const DevField pm_fields[] = {
    PCI_DEVICE_FIELDS(Piix4PmState),
    DEV_FIELD(Piix4PmState, pm1_sts, 0),
    DEV_FIELD(Piix4PmState, pm1_en, 0),
    DEV_FIELD(Piix4PmState, pm1_cnt, 0),
    DEV_FIELD(Piix4PmState, gpe_sts, 0),
    DEV_FIELD(Piix4PmState, gpe_en, 0),
    DEV_FIELD(Piix4PmState, hotplug.up, 0),
    DEV_FIELD(Piix4PmState, hotplug.down, 0),
    DEV_FIELD(Piix4PmState, hotplug.select, 0),
    DEV_FIELD(Piix4PmState, apm_control, 0),
    DEV_FIELD(Piix4PmState, apm_status, 0),
    DEV_FIELD(Piix4PmState, overflow_ns, 0),
};

const DeviceType piix4_pm_type = {
    .name = "PIIX4_PM",
    .desc = "Power management",
    .bus = "PCI",
    .size = sizeof(Piix4PmState),
    .props = pm_props,
    .nprops = ARRAY_LEN(pm_props),
    .fields = pm_fields,
    .nfields = ARRAY_LEN(pm_fields),
    .realize = pm_realize,
    .reset = pm_reset,
    .post_load = pm_post_load,
};

Piix4PmState *piix4_pm_create(PCIBus *bus, int devfn, MemoryRegion *io,
                              const IrqLine *sci)
{
    DeviceState *dev = device_new(&piix4_pm_type, &bus->bus);
    Piix4PmState *s = container_of(dev, Piix4PmState, pci.dev);

    s->pci.devfn = devfn;
    s->sci = sci;
    if (!device_realize(dev, NULL)) {
        g_assert_not_reached(); /* the machine gave it a free slot */
    }
    memory_region_add(io, PIIX4_GPE0_BASE, &s->gpe);
    memory_region_add(io, PIIX4_SMI_CMD, &s->apm);
    pci_hotplug_init(&s->hotplug, bus, io, pm_hotplug_event, s);
    system_set_powerdown_handler(piix4_pm_power_button, s);
    return s;
}
