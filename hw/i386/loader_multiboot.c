/* SPDX-License-Identifier: MIT */
/*
 * Multiboot 1 kernels, ELF or with addresses in the header.
 *
 * Source: Multiboot Specification 0.6.96, 3.1 "OS image format" and 3.3 "Boot
 * information format".  Modules come from -initrd "FILE ARGS,FILE ARGS", where
 * ",," stands for one comma.  Left out: video modes (the request is ignored),
 * drives, APM and configuration tables.
 */
#include "hw/i386/loader_pm.h"

#include <string.h>

#include "util/bytes.h"
#include "util/error.h"

#define SEARCH_BYTES        8192
#define HEADER_MAGIC        0x1badb002
#define HEADER_BYTES        12
#define HEADER_BYTES_KLUDGE 32
#define BOOT_MAGIC          0x2badb002

/* Header flags; of the low sixteen a loader must know each that is set. */
#define FLAG_PAGE_ALIGN     BIT(0)
#define FLAG_MEMORY_INFO    BIT(1)
#define FLAG_VIDEO_MODE     BIT(2)
#define FLAG_ADDRESSES      BIT(16)
#define FLAGS_REQUIRED      0xffff
#define FLAGS_KNOWN \
    (FLAG_PAGE_ALIGN | FLAG_MEMORY_INFO | FLAG_VIDEO_MODE)

/* Boot information */
#define MBI_FLAGS           0
#define MBI_MEM_LOWER       4
#define MBI_BOOT_DEVICE     12
#define MBI_CMDLINE         16
#define MBI_MODS_COUNT      20
#define MBI_MODS_ADDR       24
#define MBI_MMAP_LENGTH     44
#define MBI_MMAP_ADDR       48
#define MBI_LOADER_NAME     64
#define MBI_BYTES           88
#define MBI_HAS_MEM         BIT(0)
#define MBI_HAS_DEVICE      BIT(1)
#define MBI_HAS_CMDLINE     BIT(2)
#define MBI_HAS_MODS        BIT(3)
#define MBI_HAS_MMAP        BIT(6)
#define MBI_HAS_NAME        BIT(9)
#define BOOT_DEVICE_DISK    0x8000ffff /* first disk, no partition */
#define MODULE_BYTES        16
#define MMAP_LEAD           20 /* size of an entry, without its size field */

/* --- the header --- */

/* Offset of the header in the file, or -1. */
static int find_header(const KernelFile *k)
{
    size_t end = MIN(k->len, SEARCH_BYTES);

    for (size_t at = 0; at + HEADER_BYTES <= end; at += 4) {
        const uint8_t *p = k->data + at;

        if (get_le32(p) == HEADER_MAGIC &&
            get_le32(p) + get_le32(p + 4) + get_le32(p + 8) == 0) {
            return at;
        }
    }
    return -1;
}

/* The image as the header's address fields describe it. */
static bool load_by_addresses(const KernelFile *k, uint32_t header_at,
                              PhysImage *image, GError **errp)
{
    const uint8_t *p = k->data + header_at;
    uint32_t header_addr, load_addr, load_end, bss_end;
    uint64_t skip, bytes, end;

    if (k->len - header_at < HEADER_BYTES_KLUDGE) {
        error_setg(errp, "multiboot header is cut short");
        return false;
    }
    header_addr = get_le32(p + 12);
    load_addr = get_le32(p + 16);
    load_end = get_le32(p + 20);
    bss_end = get_le32(p + 24);
    skip = header_at - (uint64_t)(header_addr - load_addr);
    if (load_addr > header_addr || skip > k->len) {
        error_setg(errp, "invalid load_addr address in multiboot header");
        return false;
    }
    bytes = load_end ? (uint64_t)load_end - load_addr : k->len - skip;
    end = MAX((uint64_t)bss_end, load_addr + bytes);
    if (bytes > k->len - skip || end > k->ram_below_4g) {
        error_setg(errp, "invalid load_end_addr or bss_end_addr address in "
                   "multiboot header");
        return false;
    }
    image->addr = load_addr;
    image->len = end - load_addr;
    image->entry = get_le32(p + 28);
    image->bytes = g_malloc0(image->len);
    memcpy(image->bytes, k->data + skip, bytes);
    return true;
}

static bool load_image(const KernelFile *k, uint32_t header_at,
                       PhysImage *image, GError **errp)
{
    uint32_t flags = get_le32(k->data + header_at + 4);

    if (flags & FLAGS_REQUIRED & ~FLAGS_KNOWN) {
        error_setg(errp, "multiboot kernel '%s' needs unknown features (flags "
                   "0x%x)", k->config->kernel, flags);
        return false;
    }
    if (flags & FLAG_ADDRESSES) {
        return load_by_addresses(k, header_at, image, errp);
    }
    if (elf_is_64(k->data, k->len)) {
        error_setg(errp, "Cannot load x86-64 image, give a 32bit one.");
        return false;
    }
    if (!elf_is_elf(k->data, k->len)) {
        error_setg(errp, "multiboot kernel '%s' is no ELF file and its header "
                   "has no addresses", k->config->kernel);
        return false;
    }
    return elf_load(k->data, k->len, k->ram_below_4g, image, errp);
}

/* --- modules --- */

/* Take the part of @text up to a single comma; "" after the last. */
static char *next_module(const char **text)
{
    GString *out = g_string_new(NULL);
    const char *p = *text;

    for (; *p; p++) {
        if (*p == ',') {
            p++;
            if (*p != ',') {
                break;
            }
        }
        g_string_append_c(out, *p);
    }
    *text = p;
    return g_string_free(out, FALSE);
}

static bool add_modules(PmLoader *pm, GError **errp)
{
    const char *text = pm->kernel->config->initrd;

    while (text && *text) {
        g_autofree char *module = next_module(&text);
        const char *line = module + strspn(module, " ");
        g_autofree char *file = g_strndup(line, strcspn(line, " "));

        if (!pm_add_module(pm, file, line, errp)) {
            return false;
        }
    }
    return true;
}

static uint32_t append_module_list(PmLoader *pm)
{
    g_autofree uint8_t *list = g_malloc0(pm->list->len * MODULE_BYTES + 1);

    for (unsigned i = 0; i < pm->list->len; i++) {
        const PmModule *m = &g_array_index(pm->list, PmModule, i);
        uint8_t *entry = list + i * MODULE_BYTES;

        put_le32(entry, m->addr);
        put_le32(entry + 4, m->addr + m->len);
        put_le32(entry + 8, m->text);
    }
    return pm_append(pm, list, pm->list->len * MODULE_BYTES);
}

/* --- boot information --- */

static uint32_t append_cmdline(PmLoader *pm)
{
    const MachineConfig *config = pm->kernel->config;
    g_autofree char *text =
        config->append ? g_strconcat(config->kernel, " ", config->append, NULL)
                       : g_strdup(config->kernel);

    return pm_append_string(pm, text);
}

static void append_boot_info(PmLoader *pm)
{
    uint8_t mbi[MBI_BYTES] = {0};
    uint32_t addr;

    put_le32(mbi + MBI_FLAGS, MBI_HAS_MEM | MBI_HAS_DEVICE | MBI_HAS_CMDLINE |
                                  MBI_HAS_MODS | MBI_HAS_MMAP | MBI_HAS_NAME);
    put_le32(mbi + MBI_BOOT_DEVICE, BOOT_DEVICE_DISK);
    put_le32(mbi + MBI_CMDLINE, append_cmdline(pm));
    put_le32(mbi + MBI_MODS_COUNT, pm->list->len);
    put_le32(mbi + MBI_MODS_ADDR, append_module_list(pm));
    put_le32(mbi + MBI_MMAP_ADDR, pm_append_map(pm, MMAP_LEAD));
    put_le32(mbi + MBI_LOADER_NAME, pm_append_string(pm, "Heddle"));
    addr = pm_append(pm, mbi, sizeof(mbi));
    pm_set32(pm, PMBOOT_EAX, BOOT_MAGIC);
    pm_set32(pm, PMBOOT_EBX, addr);
    pm_set32(pm, PMBOOT_MAP_LEAD, 4);
    pm_set32(pm, PMBOOT_MAP_UNIT, PMBOOT_MAP_ENTRY_BYTES);
    pm_set32(pm, PMBOOT_MAP_COUNT_AT, pm_offset(addr) + MBI_MMAP_LENGTH);
    pm_set32(pm, PMBOOT_SIZES_AT, pm_offset(addr) + MBI_MEM_LOWER);
}

LoadResult multiboot_load(const KernelFile *kernel, GError **errp)
{
    int header_at = find_header(kernel);
    PhysImage image;
    PmLoader pm;
    bool ok;

    if (header_at < 0) {
        return LOAD_NOT_MINE;
    }
    if (!load_image(kernel, header_at, &image, errp)) {
        return LOAD_FAILED;
    }
    pm_init(&pm, kernel);
    ok = pm_set_image(&pm, &image, errp) && add_modules(&pm, errp);
    if (ok) {
        append_boot_info(&pm);
        pm_set32(&pm, PMBOOT_ENTRY, image.entry);
        ok = pm_finish(&pm, errp);
    }
    pm_free(&pm);
    return ok ? LOAD_OK : LOAD_FAILED;
}
