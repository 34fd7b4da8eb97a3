/* SPDX-License-Identifier: MIT */
/*
 * What multiboot and PVH kernels share: a block of low memory ("the block")
 * that starts with the head for roms/pmboot.S and grows by appending; modules
 * above the kernel; the items of fw_cfg.
 */
#ifndef HEDDLE_HW_I386_LOADER_PM_H
#define HEDDLE_HW_I386_LOADER_PM_H

#include "hw/i386/loader.h"
#include "hw/i386/pmboot.h"

#define PM_BLOCK_ADDR  0x10000
#define PM_BLOCK_MAX   0xf000 /* one real-mode segment */
#define PM_LOAD_MIN    MiB    /* below are the BIOS and the block */
#define PM_MAP_ENTRIES 64

typedef struct PmModule {
    uint32_t addr, len;
    uint32_t text; /* physical address of its command line */
} PmModule;

typedef struct PmLoader {
    const KernelFile *kernel;
    PhysImage image;
    GByteArray *block;
    GByteArray *modules; /* bytes of all, each at a page */
    uint32_t modules_addr;
    GArray *list;        /* PmModule */
} PmLoader;

void pm_init(PmLoader *pm, const KernelFile *kernel);
void pm_free(PmLoader *pm);
/* The kernel's bytes are known: check that they lie in memory.  Modules come
 * after them. */
bool pm_set_image(PmLoader *pm, const PhysImage *image, GError **errp);
/* Append to the block, aligned to 8 bytes; return the physical address. */
uint32_t pm_append(PmLoader *pm, const void *data, uint32_t len);
uint32_t pm_append_string(PmLoader *pm, const char *text);
/* Room for the memory map, each entry starting with the word @lead. */
uint32_t pm_append_map(PmLoader *pm, uint32_t lead);
/* Offset in the block of a physical address that one of these returned. */
uint32_t pm_offset(uint32_t addr);
/* Set a word of the block. */
void pm_set32(PmLoader *pm, uint32_t offset, uint32_t value);
bool pm_add_module(PmLoader *pm, const char *file, const char *text,
                   GError **errp);
/* Give everything to fw_cfg. */
bool pm_finish(PmLoader *pm, GError **errp);

#endif
