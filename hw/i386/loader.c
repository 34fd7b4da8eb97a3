/* SPDX-License-Identifier: MIT */
/* -kernel: which format a file has, and which option ROM starts it. */
#include "hw/i386/loader.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hw/nvram/boot_order.h"
#include "util/error.h"

/* Made by the build from roms/. */
extern const uint8_t linuxboot_rom[], pmboot_rom[];
extern const size_t linuxboot_rom_bytes, pmboot_rom_bytes;

typedef struct KernelFormat {
    LoadResult (*load)(const KernelFile *kernel, GError **errp);
    const uint8_t *rom;
    const size_t *rom_bytes;
} KernelFormat;

/* In the order they are tried: an ELF file may be both multiboot and PVH. */
static const KernelFormat formats[] = {
    {linux_load, linuxboot_rom, &linuxboot_rom_bytes},
    {multiboot_load, pmboot_rom, &pmboot_rom_bytes},
    {pvh_load, pmboot_rom, &pmboot_rom_bytes},
};

/* SeaBIOS runs what is under genroms/ and names it so in "bootorder". */
#define KERNEL_ROM "genroms/kernelboot.bin"

uint8_t *load_file(const char *what, const char *name, size_t *len,
                   GError **errp)
{
    g_autoptr(GError) err = NULL;
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    gchar *data;

    if (fd < 0) {
        error_setg(errp, "could not open %s '%s': %s", what, name,
                   g_strerror(errno));
        return NULL;
    }
    close(fd);
    if (!g_file_get_contents(name, &data, len, &err)) {
        error_setg(errp, "could not read %s '%s': %s", what, name,
                   err->message);
        return NULL;
    }
    if (*len > UINT32_MAX) {
        error_setg(errp, "%s '%s' is larger than 4 GiB", what, name);
        g_free(data);
        return NULL;
    }
    return (uint8_t *)data;
}

int open_regular_file(const char *name, size_t *len)
{
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    struct stat st;

    if (fd < 0) {
        return -1;
    }
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > UINT32_MAX) {
        close(fd);
        return -1;
    }
    *len = st.st_size;
    return fd;
}

/* The option ROM, ahead of all that the user may want to boot otherwise. */
static bool add_boot_rom(FwCfgState *fw, const KernelFormat *format,
                         GError **errp)
{
    if (!fw_cfg_add_file(fw, KERNEL_ROM, format->rom, *format->rom_bytes,
                         errp)) {
        return false;
    }
    boot_order_add_first("/rom@" KERNEL_ROM);
    return true;
}

bool kernel_load(const MachineConfig *config, FwCfgState *fw,
                 uint64_t ram_below_4g, GError **errp)
{
    KernelFile kernel = {
        .config = config, .fw = fw, .ram_below_4g = ram_below_4g,
    };
    g_autofree uint8_t *data =
        load_file("kernel file", config->kernel, &kernel.len, errp);

    if (!data) {
        return false;
    }
    kernel.data = data;
    for (unsigned i = 0; i < ARRAY_LEN(formats); i++) {
        switch (formats[i].load(&kernel, errp)) {
        case LOAD_OK:
            return add_boot_rom(fw, &formats[i], errp);
        case LOAD_FAILED:
            return false;
        case LOAD_NOT_MINE:
            break;
        }
    }
    error_setg(errp, "invalid kernel header: '%s' is no bzImage, multiboot or "
               "PVH kernel", config->kernel);
    return false;
}
