/* SPDX-License-Identifier: MIT */
/*
 * PVH kernels: ELF files with a XEN_ELFNOTE_PHYS32_ENTRY note.
 *
 * Source: Xen, docs/misc/pvh.pandoc "PVH direct kernel boot";
 * xen/include/public/arch-x86/hvm/start_info.h for the layout.
 */
#include "hw/i386/loader_pm.h"

#include "util/bytes.h"

/* struct hvm_start_info, version 1 */
#define INFO_MAGIC        0
#define INFO_VERSION      4
#define INFO_NR_MODULES   12
#define INFO_MODLIST      16
#define INFO_CMDLINE      24
#define INFO_RSDP         32
#define INFO_MEMMAP       40
#define INFO_MAP_ENTRIES  48
#define INFO_BYTES        56
#define INFO_MAGIC_VALUE  0x336ec578

/* struct hvm_modlist_entry */
#define MODULE_ADDR       0
#define MODULE_SIZE       8
#define MODULE_CMDLINE    16
#define MODULE_BYTES      32

static uint32_t append_module_list(PmLoader *pm)
{
    const PmModule *m = &g_array_index(pm->list, PmModule, 0);
    uint8_t entry[MODULE_BYTES] = {0};

    put_le64(entry + MODULE_ADDR, m->addr);
    put_le64(entry + MODULE_SIZE, m->len);
    put_le64(entry + MODULE_CMDLINE, m->text);
    return pm_append(pm, entry, sizeof(entry));
}

static void append_start_info(PmLoader *pm)
{
    const char *append = pm->kernel->config->append;
    uint8_t info[INFO_BYTES] = {0};
    uint32_t addr;

    put_le32(info + INFO_MAGIC, INFO_MAGIC_VALUE);
    put_le32(info + INFO_VERSION, 1);
    put_le64(info + INFO_CMDLINE, pm_append_string(pm, append ? append : ""));
    put_le64(info + INFO_MEMMAP, pm_append_map(pm, 0));
    if (pm->list->len) {
        put_le32(info + INFO_NR_MODULES, 1);
        put_le64(info + INFO_MODLIST, append_module_list(pm));
    }
    addr = pm_append(pm, info, sizeof(info));
    pm_set32(pm, PMBOOT_EBX, addr);
    pm_set32(pm, PMBOOT_MAP_UNIT, 1);
    pm_set32(pm, PMBOOT_MAP_COUNT_AT, pm_offset(addr) + INFO_MAP_ENTRIES);
    pm_set32(pm, PMBOOT_RSDP_AT, pm_offset(addr) + INFO_RSDP);
}

static bool build(PmLoader *pm, uint32_t entry, GError **errp)
{
    const KernelFile *k = pm->kernel;
    PhysImage image;

    if (!elf_load(k->data, k->len, k->ram_below_4g, &image, errp) ||
        !pm_set_image(pm, &image, errp)) {
        return false;
    }
    if (k->config->initrd && !pm_add_module(pm, k->config->initrd, "", errp)) {
        return false;
    }
    append_start_info(pm);
    pm_set32(pm, PMBOOT_ENTRY, entry);
    return pm_finish(pm, errp);
}

LoadResult pvh_load(const KernelFile *kernel, GError **errp)
{
    uint32_t entry;
    PmLoader pm;
    bool ok;

    if (!elf_find_pvh_entry(kernel->data, kernel->len, &entry)) {
        return LOAD_NOT_MINE;
    }
    pm_init(&pm, kernel);
    ok = build(&pm, entry, errp);
    pm_free(&pm);
    return ok ? LOAD_OK : LOAD_FAILED;
}
