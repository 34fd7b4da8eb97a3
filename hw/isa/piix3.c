/* SPDX-License-Identifier: MIT */
/*
 * 82371SB (PIIX3), function 0: the PCI to ISA bridge.
 *
 * Source: 82371FB (PIIX) and 82371SB (PIIX3) datasheet (order number 290550),
 * 2.2 "PCI to ISA Bridge Registers": PIRQRC[A:D] 60h-63h; 2.5.5 "RC - Reset
 * Control Register" CF9h.
 * The edge/level registers live with the i8259 pair.  Left out: ISA timing,
 * X-bus chip selects, DMA and MBIRQ routing; their registers read 0.
 * Locks: BQL.
 */
#include "hw/isa/piix3.h"

#include <string.h>

#include "system/runstate.h"

#define PIIX3_VENDOR      0x8086
#define PIIX3_DEVICE      0x7000
#define PIIX3_CLASS       0x0601 /* ISA bridge */
#define PIIX3_SUBSYS_VENDOR 0x1af4
#define PIIX3_SUBSYS      0x1100

#define PIIX3_PIRQRC      0x60
#define PIRQRC_OFF        BIT(7) /* reset state: not routed */
#define PIRQRC_IRQ        0x0f
/* IRQs 0, 1, 2, 8 and 13 are reserved: "no PCI interrupt". */
#define PIRQRC_VALID_IRQS 0xdef8

#define PIIX3_SCI_IRQ     9

#define RC_SRST           BIT(1) /* hard or soft: the same for a machine */
#define RC_RCPU           BIT(2) /* 0 to 1 starts the reset */

/* --- interrupt routing --- */

static uint16_t piix3_isa_levels(const Piix3State *s)
{
    uint16_t levels = s->sci_level ? BIT(PIIX3_SCI_IRQ) : 0;

    for (unsigned pin = 0; pin < PIIX3_PIRQS; pin++) {
        uint8_t route = s->pci.config[PIIX3_PIRQRC + pin];

        if (s->pirq_level[pin] && !(route & PIRQRC_OFF)) {
            levels |= BIT(route & PIRQRC_IRQ) & PIRQRC_VALID_IRQS;
        }
    }
    return levels;
}

/* Each ISA line is the OR of all that is routed to it. */
static void piix3_update_output(Piix3State *s)
{
    uint16_t levels = piix3_isa_levels(s);
    uint16_t changed = levels ^ s->driven;

    s->driven = levels;
    for (unsigned irq = 0; irq < PIIX3_ISA_IRQS; irq++) {
        if (changed & BIT(irq)) {
            irq_set(s->isa_irq[irq], (levels >> irq) & 1);
        }
    }
}

/* The bus numbers its pins from slot 0; on this board INTA# of slot 1 is
 * PIRQA#. */
void piix3_set_pci_irq(void *piix3, int pin, int level)
{
    Piix3State *s = piix3;

    s->pirq_level[(pin + PIIX3_PIRQS - 1) % PIIX3_PIRQS] = level != 0;
    piix3_update_output(s);
}

static void piix3_set_sci(void *opaque, int n, int level)
{
    Piix3State *s = opaque;

    s->sci_level = level != 0;
    piix3_update_output(s);
}

const IrqLine *piix3_sci_line(Piix3State *s)
{
    return &s->sci_in;
}

/* --- reset control --- */

static uint8_t piix3_rc_read(void *opaque)
{
    Piix3State *s = opaque;

    return s->reset_control;
}

static void piix3_rc_write(void *opaque, uint8_t value)
{
    Piix3State *s = opaque;
    bool start = (value & RC_RCPU) && !(s->reset_control & RC_RCPU);

    s->reset_control = value & (RC_SRST | RC_RCPU);
    if (start) {
        system_reset_request(SHUTDOWN_GUEST_RESET);
    }
}

PCIHostResetPort piix3_reset_port(Piix3State *s)
{
    return (PCIHostResetPort){piix3_rc_read, piix3_rc_write, s};
}

/* --- the function --- */

static void piix3_config_written(PCIDevice *d, unsigned addr, unsigned len)
{
    if (addr < PIIX3_PIRQRC + PIIX3_PIRQS && addr + len > PIIX3_PIRQRC) {
        piix3_update_output(container_of(d, Piix3State, pci));
    }
}

static bool piix3_realize(DeviceState *dev, GError **errp)
{
    static const PCIInfo info = {
        .vendor = PIIX3_VENDOR, .device = PIIX3_DEVICE,
        .subsystem_vendor = PIIX3_SUBSYS_VENDOR, .subsystem = PIIX3_SUBSYS,
        .class_code = PIIX3_CLASS, .multifunction = true,
    };
    Piix3State *s = container_of(dev, Piix3State, pci.dev);

    if (!pci_device_init(&s->pci, &info, errp)) {
        return false;
    }
    for (unsigned pin = 0; pin < PIIX3_PIRQS; pin++) {
        s->pci.wmask[PIIX3_PIRQRC + pin] = PIRQRC_OFF | PIRQRC_IRQ;
        s->pci.config[PIIX3_PIRQRC + pin] = PIRQRC_OFF;
    }
    s->pci.config_written = piix3_config_written;
    irq_init(&s->sci_in, piix3_set_sci, s, 0);
    return true;
}

/* The levels of the inputs are their drivers' to change. */
static void piix3_reset(DeviceState *dev)
{
    Piix3State *s = container_of(dev, Piix3State, pci.dev);

    for (unsigned pin = 0; pin < PIIX3_PIRQS; pin++) {
        s->pci.config[PIIX3_PIRQRC + pin] = PIRQRC_OFF;
    }
    piix3_update_output(s);
}

static void piix3_post_load(DeviceState *dev)
{
    Piix3State *s = container_of(dev, Piix3State, pci.dev);

    pci_device_post_load(&s->pci);
    piix3_update_output(s);
}

static const DevProp piix3_props[] = {
    PCI_DEVICE_PROPS(Piix3State),
};

static const DevField piix3_fields[] = {
    PCI_DEVICE_FIELDS(Piix3State),
    DEV_FIELD(Piix3State, reset_control, 0),
    DEV_FIELD_KEPT(Piix3State, sci_level),
};

const DeviceType piix3_type = {
    .name = "PIIX3",
    .desc = "PCI to ISA bridge",
    .bus = "PCI",
    .size = sizeof(Piix3State),
    .props = piix3_props,
    .nprops = ARRAY_LEN(piix3_props),
    .fields = piix3_fields,
    .nfields = ARRAY_LEN(piix3_fields),
    .realize = piix3_realize,
    .reset = piix3_reset,
    .post_load = piix3_post_load,
};

Piix3State *piix3_create(PCIBus *bus, int devfn,
                         const IrqLine *const isa_irq[PIIX3_ISA_IRQS])
{
    DeviceState *dev = device_new(&piix3_type, &bus->bus);
    Piix3State *s = container_of(dev, Piix3State, pci.dev);

    s->pci.devfn = devfn;
    memcpy(s->isa_irq, isa_irq, sizeof(s->isa_irq));
    if (!device_realize(dev, NULL)) {
        g_assert_not_reached(); /* the machine gave it a free slot */
    }
    return s;
}
