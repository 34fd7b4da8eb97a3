/* SPDX-License-Identifier: MIT */
/*
 * The order in which firmware tries devices: their "bootindex" properties, as
 * the file "bootorder" of fw_cfg, written anew at each reset.  Locks: BQL.
 */
#ifndef HEDDLE_HW_NVRAM_BOOT_ORDER_H
#define HEDDLE_HW_NVRAM_BOOT_ORDER_H

#include "util/common.h"

#define BOOT_INDEX_NONE UINT32_MAX /* the device is not in the list */

/* Enter the device of an Open Firmware path, as SeaBIOS writes them; lower
 * indices come first, and equal ones in the order of the calls. */
void boot_order_add(uint32_t index, const char *path);
/* The same for a function of PCI bus 0: @name is its Open Firmware name
 * ("scsi", "ethernet"), @unit what follows ("/disk@0,0") or "". */
void boot_order_add_pci(uint32_t index, int devfn, const char *name,
                        const char *unit);
void boot_order_remove_pci(int devfn, const char *name, const char *unit);
/* Ahead of all indices: -kernel. */
void boot_order_add_first(const char *path);
/* Take a path out again: the device is gone. */
void boot_order_remove(const char *path);
/* -boot strict=on: firmware stops at the end of the list. */
void boot_order_set_strict(bool strict);
/* Contents of the file, without its final NUL; NULL if there is no list.  Free
 * with g_free. */
char *boot_order_text(void);

#endif
