/* SPDX-License-Identifier: MIT */
/*
 * -kernel files of each format, sound and damaged, made here byte by byte.
 * Expected values: the boot protocols of Linux, Multiboot 0.6.96 and PVH.
 */
#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "hw/i386/loader.h"
#include "hw/i386/pmboot.h"
#include "hw/nvram/boot_order.h"
#include "tests/hw/chipset_fixture.h"
#include "util/bytes.h"
#include "util/error.h"

#define BELOW_4G   (64 * MiB)
#define SETUP_BYTES (2 * 512) /* one sector of set-up code */
#define BLOCK      0x10000    /* where the protected mode block goes */
#define HEADER_AT  0x200      /* of the multiboot header in its file */

static char *dir;
static MachineConfig config;
static FwCfgState *fw;

/* --- fixture --- */

static char *write_file(const char *name, const void *data, size_t len)
{
    char *path = g_build_filename(dir, name, NULL);

    g_assert_true(g_file_set_contents(path, data, len, NULL));
    return path;
}

/* A device of its own for each test, without ports. */
static void begin(void)
{
    memset(&config, 0, sizeof(config));
    fw = container_of(device_create(&fw_cfg_type, NULL), FwCfgState, dev);
}

static bool load(const void *data, size_t len, GError **errp)
{
    g_autofree char *path = write_file("kernel", data, len);

    config.kernel = path;
    return kernel_load(&config, fw, BELOW_4G, errp);
}

static void assert_refused(const void *data, size_t len, const char *why)
{
    g_autoptr(GError) err = NULL;

    begin();
    g_assert_false(load(data, len, &err));
    g_assert_nonnull(err);
    if (!strstr(err->message, why)) {
        g_error("'%s' does not say '%s'", err->message, why);
    }
}

static uint32_t number(unsigned key)
{
    g_assert_cmpuint(fw->items[key].len, ==, 4);
    return get_le32(fw->items[key].data);
}

/* The first byte of an item, wherever its bytes are. */
static uint8_t first_byte(unsigned key)
{
    const FwCfgItem *item = &fw->items[key];
    uint8_t byte;

    if (item->data) {
        return item->data[0];
    }
    g_assert_cmpint(pread(item->fd, &byte, 1, item->fd_off), ==, 1);
    return byte;
}

/* --- Linux --- */

static void make_bzimage(uint8_t *image, size_t len, uint16_t version)
{
    memset(image, 0x90, len);
    memset(image, 0, SETUP_BYTES);
    image[0x1f1] = 1;
    put_le16(image + 0x1fe, 0xaa55);
    memcpy(image + 0x202, "HdrS", 4);
    put_le16(image + 0x206, version);
    image[0x211] = 1; /* LOADED_HIGH */
    put_le32(image + 0x22c, 0x7fffffff);
    put_le32(image + 0x238, 2047);
}

static void test_linux(void)
{
    uint8_t image[4096];
    const uint8_t *setup;

    begin();
    make_bzimage(image, sizeof(image), 0x20f);
    config.append = "console=ttyS0 vga=ask";
    g_assert_true(load(image, sizeof(image), NULL));
    setup = fw->items[FW_CFG_SETUP_DATA].data;
    g_assert_cmphex(number(FW_CFG_SETUP_ADDR), ==, 0x10000);
    g_assert_cmphex(number(FW_CFG_SETUP_SIZE), ==, SETUP_BYTES);
    g_assert_cmphex(number(FW_CFG_KERNEL_ADDR), ==, 0x100000);
    g_assert_cmphex(number(FW_CFG_KERNEL_SIZE), ==, 4096 - SETUP_BYTES);
    g_assert_cmphex(first_byte(FW_CFG_KERNEL_DATA), ==, 0x90);
    g_assert_cmphex(setup[0x210], ==, 0xff); /* type_of_loader */
    g_assert_cmphex(setup[0x211], ==, 0x81); /* with CAN_USE_HEAP */
    g_assert_cmphex(get_le16(setup + 0x1fa), ==, 0xfffd); /* vga=ask */
    g_assert_cmphex(get_le32(setup + 0x228), ==, 0x20000); /* cmd_line_ptr */
    g_assert_cmpstr((char *)fw->items[FW_CFG_CMDLINE_DATA].data, ==,
                    config.append);
    device_reset(&fw->dev);
    g_assert_cmpstr((char *)fw_cfg_find_file(fw, "bootorder")->data, ==,
                    "/rom@genroms/kernelboot.bin");
    boot_order_remove("/rom@genroms/kernelboot.bin");
}

/* The size is in paragraphs, the last of which need not be whole. */
static void test_linux_last_paragraph(void)
{
    uint8_t image[4096];

    begin();
    make_bzimage(image, sizeof(image), 0x20f);
    put_le32(image + 0x1f4, (sizeof(image) - SETUP_BYTES) / 16);
    g_assert_true(load(image, sizeof(image) - 8, NULL));
    g_assert_cmphex(number(FW_CFG_KERNEL_SIZE), ==, 4096 - SETUP_BYTES - 8);
    assert_refused(image, sizeof(image) - 16, "cut short");
}

static void test_linux_initrd(void)
{
    g_autofree char *path = write_file("initrd", "0123456789", 10);
    uint8_t image[4096];
    const uint8_t *setup;
    uint32_t addr;

    begin();
    make_bzimage(image, sizeof(image), 0x20f);
    config.initrd = path;
    g_assert_true(load(image, sizeof(image), NULL));
    setup = fw->items[FW_CFG_SETUP_DATA].data;
    addr = get_le32(setup + 0x218);
    g_assert_cmpuint(get_le32(setup + 0x21c), ==, 10);
    g_assert_cmphex(addr, ==, number(FW_CFG_INITRD_ADDR));
    g_assert_cmphex(addr & 0xfff, ==, 0);
    g_assert_cmphex(addr + 10, <, BELOW_4G);
    g_assert_cmphex(first_byte(FW_CFG_INITRD_DATA), ==, '0');
    g_assert_cmphex(addr, >, BELOW_4G - MiB); /* as high as it can be */

    begin(); /* an old kernel says where it ends */
    make_bzimage(image, sizeof(image), 0x203);
    put_le32(image + 0x22c, 0x01ffffff);
    config.initrd = path;
    g_assert_true(load(image, sizeof(image), NULL));
    g_assert_cmphex(number(FW_CFG_INITRD_ADDR), ==, 0x01fff000);
}

static void test_linux_refused(void)
{
    uint8_t image[4096];

    make_bzimage(image, sizeof(image), 0x201);
    assert_refused(image, sizeof(image), "boot protocol 2.01");
    make_bzimage(image, sizeof(image), 0x20f);
    image[0x1f6] = 1; /* 1 MiB of code, more than there is file */
    assert_refused(image, sizeof(image), "cut short");
    image[0x1f6] = 0;
    image[0x1f1] = 64; /* more set-up code than there is file */
    assert_refused(image, sizeof(image), "cut short");
    assert_refused(image, 0x220, "is no bzImage");
    assert_refused(image, 0, "is no bzImage");
    assert_refused("#!/bin/sh\n", 10, "is no bzImage");
}

static void test_missing_files(void)
{
    g_autoptr(GError) err = NULL;
    uint8_t image[4096];

    begin();
    config.kernel = "/nonexistent/kernel";
    g_assert_false(kernel_load(&config, fw, BELOW_4G, &err));
    g_assert_cmpstr(err->message, ==, "could not open kernel file "
                    "'/nonexistent/kernel': No such file or directory");
    g_clear_error(&err);
    make_bzimage(image, sizeof(image), 0x20f);
    config.initrd = "/nonexistent/initrd";
    g_assert_false(load(image, sizeof(image), &err));
    g_assert_nonnull(strstr(err->message, "initrd '/nonexistent/initrd'"));
    g_clear_error(&err);
    config.initrd = NULL;
    config.kernel = dir;
    g_assert_false(kernel_load(&config, fw, BELOW_4G, &err));
    g_assert_nonnull(err);
}

/* --- ELF --- */

/* One segment of 16 bytes of file and 32 of memory at 2 MiB, and a note. */
static void make_elf32(uint8_t *image, size_t len)
{
    Elf32_Ehdr eh = {
        .e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS32, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_EXEC, .e_machine = EM_386, .e_version = EV_CURRENT,
        .e_entry = 0x200004, .e_phoff = sizeof(eh), .e_ehsize = sizeof(eh),
        .e_phentsize = sizeof(Elf32_Phdr), .e_phnum = 2,
    };
    Elf32_Phdr ph[2] = {
        {.p_type = PT_LOAD, .p_offset = 0x300, .p_paddr = 0x200000,
         .p_filesz = 16, .p_memsz = 32},
        {.p_type = PT_NOTE, .p_offset = 0x280, .p_filesz = 20, .p_align = 4},
    };

    memset(image, 0, len);
    memcpy(image, &eh, sizeof(eh));
    memcpy(image + sizeof(eh), ph, sizeof(ph));
    memset(image + 0x300, 0x5a, 16);
}

static void add_pvh_note(uint8_t *image)
{
    put_le32(image + 0x280, 4);  /* name */
    put_le32(image + 0x284, 4);  /* descriptor */
    put_le32(image + 0x288, 18); /* XEN_ELFNOTE_PHYS32_ENTRY */
    memcpy(image + 0x28c, "Xen", 4);
    put_le32(image + 0x290, 0x200008);
}

static void add_multiboot(uint8_t *image, uint32_t flags)
{
    put_le32(image + HEADER_AT, 0x1badb002);
    put_le32(image + HEADER_AT + 4, flags);
    put_le32(image + HEADER_AT + 8, -(0x1badb002 + flags));
}

/* A word of the block that the option ROM is given. */
static uint32_t block32(uint32_t offset)
{
    g_assert_cmpuint(offset + 4, <=, fw->items[FW_CFG_SETUP_DATA].len);
    return get_le32(fw->items[FW_CFG_SETUP_DATA].data + offset);
}

static const char *block_string(uint32_t addr)
{
    g_assert_cmphex(addr, >=, BLOCK);
    g_assert_cmphex(addr - BLOCK, <, fw->items[FW_CFG_SETUP_DATA].len);
    return (const char *)fw->items[FW_CFG_SETUP_DATA].data + (addr - BLOCK);
}

static void assert_elf_image(void)
{
    const FwCfgItem *image = &fw->items[FW_CFG_KERNEL_DATA];

    g_assert_cmphex(number(FW_CFG_KERNEL_ADDR), ==, 0x200000);
    g_assert_cmpuint(image->len, ==, 32);
    g_assert_cmphex(image->data[15], ==, 0x5a);
    g_assert_cmphex(image->data[16], ==, 0);
}

/* --- multiboot --- */

static void test_multiboot(void)
{
    g_autofree char *one = write_file("one", "1", 1);
    g_autofree char *two = write_file("two", "22", 2);
    g_autofree char *modules = g_strdup_printf("%s a b,,c,%s", one, two);
    g_autofree char *first = g_strdup_printf("%s a b,c", one);
    uint32_t mbi, list;
    uint8_t image[1024];

    begin();
    make_elf32(image, sizeof(image));
    add_multiboot(image, 3);
    config.append = "root";
    config.initrd = modules;
    g_assert_true(load(image, sizeof(image), NULL));
    assert_elf_image();
    mbi = block32(PMBOOT_EBX) - BLOCK;
    g_assert_cmphex(block32(PMBOOT_EAX), ==, 0x2badb002);
    g_assert_cmphex(block32(PMBOOT_ENTRY), ==, 0x200004);
    g_assert_cmphex(block32(mbi) & 0x4d, ==, 0x4d);
    g_assert_true(g_str_has_suffix(block_string(block32(mbi + 16)),
                                   "/kernel root"));
    g_assert_cmpuint(block32(mbi + 20), ==, 2);
    list = block32(mbi + 24) - BLOCK;
    g_assert_cmphex(block32(list), ==, 0x201000); /* after the kernel */
    g_assert_cmphex(block32(list + 4), ==, 0x201001);
    g_assert_cmpstr(block_string(block32(list + 8)), ==, first);
    g_assert_cmphex(block32(list + 16), ==, 0x202000);
    g_assert_cmphex(block32(list + 20), ==, 0x202002);
    g_assert_cmpuint(block32(PMBOOT_MAP_UNIT), ==, 24);
    g_assert_cmphex(block32(block32(PMBOOT_MAP)), ==, 20);
}

/* The header itself says where the parts go. */
static void test_multiboot_addresses(void)
{
    uint8_t image[1024] = {0};
    uint8_t *header = image + HEADER_AT;

    begin();
    add_multiboot(image, 0x10000);
    put_le32(header + 12, 0x100010); /* header_addr */
    put_le32(header + 16, 0x100000); /* load_addr */
    put_le32(header + 20, 0x100040); /* load_end_addr */
    put_le32(header + 24, 0x100100); /* bss_end_addr */
    put_le32(header + 28, 0x100020); /* entry_addr */
    image[HEADER_AT - 0x10] = 0x77;
    g_assert_true(load(image, sizeof(image), NULL));
    g_assert_cmphex(number(FW_CFG_KERNEL_ADDR), ==, 0x100000);
    g_assert_cmphex(number(FW_CFG_KERNEL_SIZE), ==, 0x100);
    g_assert_cmphex(first_byte(FW_CFG_KERNEL_DATA), ==, 0x77);
    g_assert_cmphex(block32(PMBOOT_ENTRY), ==, 0x100020);

    put_le32(header + 16, 0x100020); /* past the header */
    assert_refused(image, sizeof(image), "invalid load_addr");
    put_le32(header + 16, 0x0ff000); /* before the file's start */
    assert_refused(image, sizeof(image), "invalid load_addr");
    put_le32(header + 16, 0x100000);
    put_le32(header + 20, 0x200000); /* past the file's end */
    assert_refused(image, sizeof(image), "invalid load_end_addr");
    put_le32(header + 20, 0x0fffff); /* before the start */
    assert_refused(image, sizeof(image), "invalid load_end_addr");
    put_le32(header + 20, 0);
    put_le32(header + 24, 0xffffffff); /* more than the RAM */
    assert_refused(image, sizeof(image), "invalid load_end_addr");
    assert_refused(image, HEADER_AT + 12, "cut short");
}

static void test_multiboot_refused(void)
{
    uint8_t image[1024];

    make_elf32(image, sizeof(image));
    add_multiboot(image, 0x8);
    assert_refused(image, sizeof(image), "unknown features");
    add_multiboot(image, 0);
    image[EI_CLASS] = ELFCLASS64;
    assert_refused(image, sizeof(image),
                   "Cannot load x86-64 image, give a 32bit one.");
    memset(image, 0, HEADER_AT);
    assert_refused(image, sizeof(image), "is no ELF file");
}

static void test_elf_damaged(void)
{
    static const struct {
        uint32_t offset, value;
    } damage[] = {
        {offsetof(Elf32_Phdr, p_offset), 0x3f8},      /* past the end */
        {offsetof(Elf32_Phdr, p_offset), 0xfffffff8},
        {offsetof(Elf32_Phdr, p_filesz), 0xffffffff},
        {offsetof(Elf32_Phdr, p_memsz), 8},           /* less than the file */
        {offsetof(Elf32_Phdr, p_memsz), 0xffffffff},
        {offsetof(Elf32_Phdr, p_paddr), 0xfffffff0},
        {offsetof(Elf32_Phdr, p_type), PT_NULL},      /* nothing to load */
    };
    uint8_t image[1024];

    for (unsigned i = 0; i < ARRAY_LEN(damage); i++) {
        make_elf32(image, sizeof(image));
        add_multiboot(image, 0);
        put_le32(image + sizeof(Elf32_Ehdr) + damage[i].offset,
                 damage[i].value);
        assert_refused(image, sizeof(image), "damaged");
    }
    make_elf32(image, sizeof(image));
    add_multiboot(image, 0);
    put_le32(image + offsetof(Elf32_Ehdr, e_phoff), 0xffffffff);
    assert_refused(image, sizeof(image), "damaged");
    make_elf32(image, sizeof(image));
    add_multiboot(image, 0);
    put_le32(image + sizeof(Elf32_Ehdr) + offsetof(Elf32_Phdr, p_paddr), 0);
    assert_refused(image, sizeof(image), "not all free RAM");
}

/* --- PVH --- */

static void test_pvh(void)
{
    g_autofree char *path = write_file("initrd", "abc", 3);
    uint32_t info, list;
    uint8_t image[1024];

    begin();
    make_elf32(image, sizeof(image));
    add_pvh_note(image);
    config.append = "quiet";
    config.initrd = path;
    g_assert_true(load(image, sizeof(image), NULL));
    assert_elf_image();
    info = block32(PMBOOT_EBX) - BLOCK;
    g_assert_cmphex(block32(PMBOOT_ENTRY), ==, 0x200008);
    g_assert_cmphex(block32(info), ==, 0x336ec578);
    g_assert_cmpuint(block32(info + 4), ==, 1);
    g_assert_cmpuint(block32(info + 12), ==, 1);
    g_assert_cmpstr(block_string(block32(info + 24)), ==, "quiet");
    g_assert_cmphex(block32(info + 40), ==, block32(PMBOOT_MAP) + BLOCK);
    g_assert_cmpuint(block32(PMBOOT_MAP_COUNT_AT), ==, info + 48);
    g_assert_cmpuint(block32(PMBOOT_RSDP_AT), ==, info + 32);
    list = block32(info + 16) - BLOCK;
    g_assert_cmphex(block32(list), ==, 0x201000);
    g_assert_cmpuint(block32(list + 8), ==, 3);
}

/* Notes that claim to be longer than they are. */
static void test_pvh_damaged(void)
{
    uint8_t image[1024];

    for (unsigned at = 0x280; at <= 0x284; at += 4) {
        make_elf32(image, sizeof(image));
        add_pvh_note(image);
        put_le32(image + at, 0xfffffffd);
        assert_refused(image, sizeof(image), "is no bzImage");
    }
    make_elf32(image, sizeof(image));
    assert_refused(image, sizeof(image), "is no bzImage");
}

static void remove_files(void)
{
    static const char *const names[] = {"kernel", "initrd", "one", "two"};

    for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
        g_autofree char *path = g_build_filename(dir, names[i], NULL);

        g_remove(path);
    }
    g_rmdir(dir);
}

int main(int argc, char **argv)
{
    int status;

    fixture_init(&argc, &argv);
    dir = g_dir_make_tmp("loader-XXXXXX", NULL);
    g_assert_nonnull(dir);
    g_test_add_func("/loader/linux", test_linux);
    g_test_add_func("/loader/linux-last-paragraph", test_linux_last_paragraph);
    g_test_add_func("/loader/linux-initrd", test_linux_initrd);
    g_test_add_func("/loader/linux-refused", test_linux_refused);
    g_test_add_func("/loader/missing-files", test_missing_files);
    g_test_add_func("/loader/multiboot", test_multiboot);
    g_test_add_func("/loader/multiboot-addresses", test_multiboot_addresses);
    g_test_add_func("/loader/multiboot-refused", test_multiboot_refused);
    g_test_add_func("/loader/elf-damaged", test_elf_damaged);
    g_test_add_func("/loader/pvh", test_pvh);
    g_test_add_func("/loader/pvh-damaged", test_pvh_damaged);
    status = g_test_run();
    remove_files();
    return status;
}
