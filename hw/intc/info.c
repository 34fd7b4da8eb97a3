/* SPDX-License-Identifier: MIT */
/* Find the interrupt controllers among the devices, and print them. */
#include "hw/intc/info.h"

#include "hw/intc/apic.h"
#include "hw/intc/i8259.h"
#include "hw/intc/ioapic.h"

static void info_pic_one(DeviceState *dev, void *out)
{
    if (dev->type == &pic_type && pic_is_master((PicState *)dev)) {
        pic_print((PicState *)dev, out);
    } else if (dev->type == &ioapic_type) {
        ioapic_print((IoapicState *)dev, out);
    }
}

static void info_irq_one(DeviceState *dev, void *out)
{
    if (dev->type == &pic_type && pic_is_master((PicState *)dev)) {
        pic_print_counts((PicState *)dev, out);
    } else if (dev->type == &ioapic_type) {
        ioapic_print_counts((IoapicState *)dev, out);
    }
}

static void info_lapic_one(DeviceState *dev, void *out)
{
    if (dev->type == &apic_type) {
        apic_print((ApicState *)dev, out);
    }
}

void intc_info_pic(GString *out)
{
    device_foreach(info_pic_one, out);
}

void intc_info_irq(GString *out)
{
    device_foreach(info_irq_one, out);
}

void intc_info_lapic(GString *out)
{
    device_foreach(info_lapic_one, out);
}
