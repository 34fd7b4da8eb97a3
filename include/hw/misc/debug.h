/* SPDX-License-Identifier: MIT */
/* Devices for tests and debugging that -device makes; all on the ISA bus. */
#ifndef HEDDLE_HW_MISC_DEBUG_H
#define HEDDLE_HW_MISC_DEBUG_H

#include "chardev/char.h"
#include "hw/isa/isa_bus.h"

extern const DeviceType debug_exit_type; /* "isa-debug-exit" */
extern const DeviceType pc_testdev_type; /* "pc-testdev" */
extern const DeviceType debugcon_type;   /* "isa-debugcon" */
extern const DeviceType pvpanic_type;    /* "pvpanic" */

/* The port of the first pvpanic that is there, or 0. */
uint16_t pvpanic_find_port(void);
/* A debug console on @chr at port @iobase. */
bool debugcon_create(IsaBus *isa, uint32_t iobase, Chardev *chr,
                     GError **errp);

#endif
