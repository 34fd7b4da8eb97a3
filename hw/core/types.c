/* SPDX-License-Identifier: MIT */
/* The one list of device types, and how they are found. */
#include "hw/core/core_internal.h"

#include <string.h>

#include "hw/acpi/piix4_pm.h"
#include "hw/block/virtio_blk.h"
#include "hw/char/serial.h"
#include "hw/i386/i440fx.h"
#include "hw/input/i8042.h"
#include "hw/input/ps2.h"
#include "hw/intc/apic.h"
#include "hw/intc/i8259.h"
#include "hw/intc/ioapic.h"
#include "hw/isa/ferr.h"
#include "hw/isa/piix3.h"
#include "hw/isa/port92.h"
#include "hw/misc/debug.h"
#include "hw/nvram/fw_cfg.h"
#include "hw/timer/hpet.h"
#include "hw/timer/i8254.h"
#include "hw/timer/mc146818rtc.h"

static GPtrArray *types; /* const DeviceType, sorted by name */

/* Every type that -device, help and the machines know: a chip's file defines
 * its DeviceType, and its line stands here. */
static const DeviceType *const all_types[] = {
    &apic_type,
    &debug_exit_type,
    &debugcon_type,
    &ferr_type,
    &fw_cfg_type,
    &hpet_type,
    &i440fx_host_type,
    &i440fx_type,
    &i8042_type,
    &ioapic_type,
    &isa_serial_type,
    &pc_testdev_type,
    &pcspk_type,
    &pic_type,
    &piix3_type,
    &piix4_pm_type,
    &pit_type,
    &port92_type,
    &ps2_kbd_type,
    &ps2_mouse_type,
    &pvpanic_type,
    &rtc_type,
    &virtio_blk_pci_type,
};

static gint compare_names(gconstpointer a, gconstpointer b)
{
    const DeviceType *const *x = a, *const *y = b;

    return strcmp((*x)->name, (*y)->name);
}

static void types_add(const DeviceType *type)
{
    if (!types) {
        types = g_ptr_array_new();
    }
    g_ptr_array_add(types, (gpointer)type);
    g_ptr_array_sort(types, compare_names);
}

void device_types_init(void)
{
    static bool done;

    if (!done) {
        done = true;
        for (unsigned i = 0; i < ARRAY_LEN(all_types); i++) {
            types_add(all_types[i]);
        }
    }
}

void device_type_register(const DeviceType *type)
{
    g_assert(!device_type_find(type->name));
    types_add(type);
}

const DeviceType *device_type_find(const char *name)
{
    const DeviceType *type;

    for (unsigned i = 0; (type = device_type_at(i)); i++) {
        if (strcmp(type->name, name) == 0) {
            return type;
        }
    }
    return NULL;
}

const DeviceType *device_type_at(unsigned index)
{
    device_types_init();
    return types && index < types->len ? g_ptr_array_index(types, index) : NULL;
}
