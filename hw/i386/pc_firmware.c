/* SPDX-License-Identifier: MIT */
/* The BIOS image of the machine "pc". */
#include "hw/i386/pc_internal.h"

#include <errno.h>
#include <string.h>

#include "hw/i386/loader.h"
#include "util/error.h"

#define BIOS_DEFAULT   "bios-256k.bin"
#define BIOS_UNIT      (64 * KiB)
#define BIOS_MAX       (16 * MiB)
#define BIOS_LOW_END   MiB
#define BIOS_LOW_BYTES (128 * KiB)

static uint8_t *read_bios(const char *name, size_t *len, GError **errp)
{
    g_autofree char *path = firmware_find(name);
    uint8_t *data;

    if (!path) {
        error_setg(errp, "could not find PC BIOS '%s' (-bios, -L)", name);
        return NULL;
    }
    data = load_file("PC BIOS", path, len, errp);
    if (data && (*len == 0 || *len % BIOS_UNIT || *len > BIOS_MAX)) {
        error_setg(errp, "could not load PC BIOS '%s': its size is %zu bytes, "
                   "not a multiple of 64 KiB up to 16 MiB", path, *len);
        g_free(data);
        return NULL;
    }
    return data;
}

bool pc_firmware_map(PcMachine *pc, MemoryRegion *pci_memory, GError **errp)
{
    const char *name = pc->config->bios ? pc->config->bios : BIOS_DEFAULT;
    uint64_t low;
    size_t len;
    g_autofree uint8_t *data = read_bios(name, &len, errp);

    if (!data || !memory_region_init_rom(&pc->bios, "pc.bios", len, errp)) {
        return false;
    }
    memcpy(memory_region_ram_ptr(&pc->bios), data, len);
    memory_region_add(pci_memory, 4 * GiB - len, &pc->bios);
    low = MIN(len, BIOS_LOW_BYTES);
    memory_region_init_alias(&pc->bios_low, "isa-bios", &pc->bios, len - low,
                             low);
    memory_region_add(pci_memory, BIOS_LOW_END - low, &pc->bios_low);
    return true;
}
