/* SPDX-License-Identifier: MIT */
/* Kernels that are started in protected mode: see loader_pm.h. */
#include "hw/i386/loader_pm.h"

#include <string.h>

#include "util/bytes.h"
#include "util/error.h"

/* Firmware's tables are at the end of low RAM; stay clear of them. */
#define PM_FIRMWARE_RESERVE MiB

void pm_init(PmLoader *pm, const KernelFile *kernel)
{
    static const uint8_t head[PMBOOT_HEAD_BYTES];

    *pm = (PmLoader){
        .kernel = kernel,
        .block = g_byte_array_new(),
        .modules = g_byte_array_new(),
        .list = g_array_new(FALSE, FALSE, sizeof(PmModule)),
    };
    g_byte_array_append(pm->block, head, sizeof(head));
}

void pm_free(PmLoader *pm)
{
    g_free(pm->image.bytes);
    g_byte_array_unref(pm->block);
    g_byte_array_unref(pm->modules);
    g_array_unref(pm->list);
}

bool pm_set_image(PmLoader *pm, const PhysImage *image, GError **errp)
{
    uint64_t end = (uint64_t)image->addr + image->len;

    pm->image = *image;
    if (image->addr < PM_LOAD_MIN || end > pm->kernel->ram_below_4g) {
        error_setg(errp, "kernel '%s' wants memory from 0x%x to 0x%" PRIx64
                   ", which is not all free RAM", pm->kernel->config->kernel,
                   image->addr, end);
        return false;
    }
    pm->modules_addr = ROUND_UP(end, PAGE_SIZE);
    return true;
}

static void append_zeros(GByteArray *array, uint32_t align)
{
    uint32_t old = array->len;

    if (old % align) {
        g_byte_array_set_size(array, ROUND_UP(old, align));
        memset(array->data + old, 0, array->len - old);
    }
}

uint32_t pm_append(PmLoader *pm, const void *data, uint32_t len)
{
    uint32_t at;

    append_zeros(pm->block, 8);
    at = pm->block->len;
    g_byte_array_append(pm->block, data, len);
    return PM_BLOCK_ADDR + at;
}

uint32_t pm_append_string(PmLoader *pm, const char *text)
{
    return pm_append(pm, text, strlen(text) + 1);
}

uint32_t pm_append_map(PmLoader *pm, uint32_t lead)
{
    uint8_t map[PM_MAP_ENTRIES * PMBOOT_MAP_ENTRY_BYTES] = {0};
    uint32_t addr;

    for (unsigned i = 0; i < PM_MAP_ENTRIES; i++) {
        put_le32(map + i * PMBOOT_MAP_ENTRY_BYTES, lead);
    }
    addr = pm_append(pm, map, sizeof(map));
    pm_set32(pm, PMBOOT_MAP, pm_offset(addr));
    pm_set32(pm, PMBOOT_MAP_MAX, PM_MAP_ENTRIES);
    return addr;
}

uint32_t pm_offset(uint32_t addr)
{
    return addr - PM_BLOCK_ADDR;
}

void pm_set32(PmLoader *pm, uint32_t offset, uint32_t value)
{
    g_assert(offset + 4 <= pm->block->len);
    put_le32(pm->block->data + offset, value);
}

bool pm_add_module(PmLoader *pm, const char *file, const char *text,
                   GError **errp)
{
    g_autofree uint8_t *data = NULL;
    PmModule module;
    uint64_t end;
    size_t len;

    data = load_file("initrd", file, &len, errp);
    if (!data) {
        return false;
    }
    append_zeros(pm->modules, PAGE_SIZE);
    end = (uint64_t)pm->modules_addr + pm->modules->len + len;
    if (end + PM_FIRMWARE_RESERVE > pm->kernel->ram_below_4g) {
        error_setg(errp, "initrd '%s' of %zu bytes does not fit in memory "
                   "after the kernel", file, len);
        return false;
    }
    module.addr = pm->modules_addr + pm->modules->len;
    module.len = len;
    module.text = pm_append_string(pm, text);
    g_byte_array_append(pm->modules, data, len);
    g_array_append_val(pm->list, module);
    return true;
}

bool pm_finish(PmLoader *pm, GError **errp)
{
    FwCfgState *fw = pm->kernel->fw;

    if (pm->block->len > PM_BLOCK_MAX) {
        error_setg(errp, "the command lines of kernel '%s' and its modules are "
                   "too long", pm->kernel->config->kernel);
        return false;
    }
    fw_cfg_add_i32(fw, FW_CFG_KERNEL_ADDR, pm->image.addr);
    fw_cfg_add_i32(fw, FW_CFG_KERNEL_SIZE, pm->image.len);
    fw_cfg_take_bytes(fw, FW_CFG_KERNEL_DATA, pm->image.bytes, pm->image.len);
    pm->image.bytes = NULL;
    fw_cfg_add_i32(fw, FW_CFG_INITRD_ADDR, pm->modules_addr);
    fw_cfg_add_i32(fw, FW_CFG_INITRD_SIZE, pm->modules->len);
    fw_cfg_add_bytes(fw, FW_CFG_INITRD_DATA, pm->modules->data,
                     pm->modules->len);
    fw_cfg_add_i32(fw, FW_CFG_SETUP_ADDR, PM_BLOCK_ADDR);
    fw_cfg_add_i32(fw, FW_CFG_SETUP_SIZE, pm->block->len);
    fw_cfg_add_bytes(fw, FW_CFG_SETUP_DATA, pm->block->data, pm->block->len);
    return true;
}
