/* SPDX-License-Identifier: MIT */
/* What the files of the device layer share. */
#ifndef HEDDLE_HW_CORE_INTERNAL_H
#define HEDDLE_HW_CORE_INTERNAL_H

#include "hw/device.h"

/* --- types.c --- */
/* The table of all types; device_type_*() call it first. */
void device_types_init(void);

/* --- device_prop.c --- */
const DevProp *device_prop_find(const DeviceType *type, const char *name);
void device_props_set_defaults(DeviceState *dev);
void device_props_free(DeviceState *dev); /* strings */

/* --- bus.c --- */
void bus_free(Bus *bus);

#endif
