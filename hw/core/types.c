/* SPDX-License-Identifier: MIT */
/* The one list of device types, and how they are found. */
#include "hw/core/core_internal.h"

#include <string.h>

#include "hw/block/virtio_blk.h"

static GPtrArray *types; /* const DeviceType, sorted by name */

/* Every type that -device, help and the machines know: a chip's file defines
 * its DeviceType, and its line stands here. */
static const DeviceType *const all_types[] = {
    &virtio_blk_pci_type,
    NULL,
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
        for (unsigned i = 0; i < ARRAY_LEN(all_types) && all_types[i]; i++) {
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
