/* SPDX-License-Identifier: MIT */
/*
 * Loading of -kernel images: what the parsers of each format share.  Nothing
 * is put into guest memory here: the parts become items of fw_cfg, and an
 * option ROM fetches them at each boot.  Files are not trusted: every offset
 * and size in them is checked.  Locks: BQL.
 */
#ifndef HEDDLE_HW_I386_LOADER_H
#define HEDDLE_HW_I386_LOADER_H

#include "hw/nvram/fw_cfg.h"
#include "system/machine.h"
#include "util/common.h"

/* A kernel file and where it is to go. */
typedef struct KernelFile {
    const uint8_t *data;
    size_t len;
    const MachineConfig *config;
    FwCfgState *fw;
    uint64_t ram_below_4g;
} KernelFile;

/* What a parser says of a file. */
typedef enum LoadResult {
    LOAD_OK,
    LOAD_NOT_MINE, /* another format; no error is set */
    LOAD_FAILED,   /* error is set */
} LoadResult;

LoadResult linux_load(const KernelFile *kernel, GError **errp);
LoadResult multiboot_load(const KernelFile *kernel, GError **errp);
LoadResult pvh_load(const KernelFile *kernel, GError **errp);

/*
 * Load config->kernel with its initrd and command line, in whatever format it
 * is, and put the option ROM that starts it in fw_cfg, first in "bootorder".
 */
bool kernel_load(const MachineConfig *config, FwCfgState *fw,
                 uint64_t ram_below_4g, GError **errp);

/* The bytes of a file that an option names, or NULL: "could not open WHAT
 * 'NAME': why". */
uint8_t *load_file(const char *what, const char *name, size_t *len,
                   GError **errp);

/* The file as it is on disk, so that its bytes can stay there: an open file and
 * its size, or -1 (no error is set) if it is not a regular one. */
int open_regular_file(const char *name, size_t *len);

/* A physical image that parts of a file were copied into. */
typedef struct PhysImage {
    uint8_t *bytes; /* owned: g_free */
    uint32_t addr, len;
    uint32_t entry;
} PhysImage;

bool elf_is_elf(const uint8_t *data, size_t len);
bool elf_is_64(const uint8_t *data, size_t len);
/*
 * Lay out the PT_LOAD segments of a little-endian x86 ELF file, of either
 * class, by their physical addresses.
 * @limit  the image must end at or below this address
 * @image  entry is e_entry; bytes is NULL on failure
 */
bool elf_load(const uint8_t *data, size_t len, uint64_t limit,
              PhysImage *image, GError **errp);
/* The 32-bit entry point of a XEN_ELFNOTE_PHYS32_ENTRY note, if any. */
bool elf_find_pvh_entry(const uint8_t *data, size_t len, uint32_t *entry);

#endif
