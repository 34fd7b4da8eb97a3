/* SPDX-License-Identifier: MIT */
/*
 * What the machine "pc" tells its firmware: CMOS memory and fw_cfg items.
 *
 * Source: Ralf Brown's list of CMOS registers for 10h-31h; SeaBIOS,
 * docs/Runtime_config.md for the files; its src/hw/rtc.h for the CMOS
 * registers from 34h on.
 */
#include "hw/i386/pc_internal.h"

#include <string.h>

#include "hw/i386/acpi.h"
#include "hw/i386/loader.h"
#include "hw/misc/debug.h"
#include "hw/nvram/boot_order.h"
#include "util/bytes.h"
#include "util/error.h"

#define CMOS_FLOPPY       0x10
#define CMOS_EQUIPMENT    0x14
#define CMOS_BASE_KIB     0x15 /* 16 bits, like the next two */
#define CMOS_EXT_KIB      0x17
#define CMOS_EXT_KIB_POST 0x30
#define CMOS_ABOVE_16M    0x34 /* in 64 KiB */
#define CMOS_BOOT_3RD     0x38 /* third boot device in the high nibble */
#define CMOS_BOOT_1ST_2ND 0x3d
#define CMOS_ABOVE_4G     0x5b /* 24 bits, in 64 KiB */
#define CMOS_CPUS_LESS_1  0x5f

#define EQUIPMENT_FPU     BIT(1)
#define EQUIPMENT_MOUSE   BIT(2)

#define BASE_KIB          640
#define E820_RAM          1
#define E820_ENTRY_BYTES  20
#define BOOT_DEVICES      3
#define BOOT_DEFAULT      "cad"

/* --- CMOS --- */

static void set_cmos16(PcMachine *pc, int reg, uint64_t value)
{
    value = MIN(value, UINT16_MAX);
    rtc_set_cmos(pc->rtc, reg, value);
    rtc_set_cmos(pc->rtc, reg + 1, value >> 8);
}

static void set_cmos_memory(PcMachine *pc)
{
    uint64_t below = i440fx_ram_below_4g(pc->config->ram_bytes);
    uint64_t above = pc->config->ram_bytes - below;
    uint64_t ext = below > MiB ? below - MiB : 0;
    uint64_t above_16m = below > 16 * MiB ? below - 16 * MiB : 0;

    set_cmos16(pc, CMOS_BASE_KIB, MIN(BASE_KIB, below / KiB));
    set_cmos16(pc, CMOS_EXT_KIB, ext / KiB);
    set_cmos16(pc, CMOS_EXT_KIB_POST, ext / KiB);
    set_cmos16(pc, CMOS_ABOVE_16M, above_16m / (64 * KiB));
    for (int i = 0; i < 3; i++) {
        rtc_set_cmos(pc->rtc, CMOS_ABOVE_4G + i,
                     above / (64 * KiB) >> (8 * i));
    }
}

/* Floppy, disk, CD-ROM, network: SeaBIOS's numbers. */
static int boot_code(char device)
{
    switch (device) {
    case 'a':
        return 1;
    case 'c':
        return 2;
    case 'd':
        return 3;
    case 'n':
        return 4;
    default:
        return -1;
    }
}

bool pc_boot_codes(const char *order, uint16_t *codes, GError **errp)
{
    order = order && *order ? order : BOOT_DEFAULT;
    *codes = 0;
    if (strlen(order) > BOOT_DEVICES) {
        error_setg(errp, "Too many boot devices for PC");
        return false;
    }
    for (unsigned i = 0; order[i]; i++) {
        int code = boot_code(order[i]);

        if (code < 0) {
            error_setg(errp, "Invalid boot device for PC: '%c'", order[i]);
            return false;
        }
        *codes |= code << (4 * i);
    }
    return true;
}

void pc_set_cmos(PcMachine *pc)
{
    uint16_t boot = 0;

    set_cmos_memory(pc);
    rtc_set_cmos(pc->rtc, CMOS_FLOPPY, 0); /* none */
    rtc_set_cmos(pc->rtc, CMOS_EQUIPMENT, EQUIPMENT_FPU | EQUIPMENT_MOUSE);
    rtc_set_cmos(pc->rtc, CMOS_CPUS_LESS_1, pc->config->cpus - 1);
    if (pc_boot_codes(pc->config->boot_order, &boot, NULL)) {
        rtc_set_cmos(pc->rtc, CMOS_BOOT_1ST_2ND, boot);
        rtc_set_cmos(pc->rtc, CMOS_BOOT_3RD, boot >> 8 << 4);
    }
}

/* --- fw_cfg --- */

static void put_e820(GByteArray *out, uint64_t addr, uint64_t len)
{
    uint8_t entry[E820_ENTRY_BYTES];

    put_le64(entry, addr);
    put_le64(entry + 8, len);
    put_le32(entry + 16, E820_RAM);
    g_byte_array_append(out, entry, sizeof(entry));
}

/* RAM alone: the firmware knows what it takes away from it. */
GByteArray *pc_build_e820(uint64_t ram_bytes)
{
    uint64_t below = i440fx_ram_below_4g(ram_bytes);
    GByteArray *out = g_byte_array_new();

    put_e820(out, 0, below);
    if (ram_bytes > below) {
        put_e820(out, 4 * GiB, ram_bytes - below);
    }
    return out;
}

static void add_numbers(PcMachine *pc)
{
    const MachineConfig *config = pc->config;
    FwCfgState *fw = pc->fw_cfg;
    uint32_t last_id =
        x86_topology_apic_id(&config->topology, MAX(config->max_cpus, 1) - 1);

    fw_cfg_add_i16(fw, FW_CFG_NB_CPUS, config->cpus);
    /* SeaBIOS sizes its tables by APIC IDs, not by processors. */
    fw_cfg_add_i16(fw, FW_CFG_MAX_CPUS, last_id + 1);
    fw_cfg_add_i64(fw, FW_CFG_RAM_SIZE, config->ram_bytes);
    fw_cfg_add_bytes(fw, FW_CFG_UUID, config->uuid, sizeof(config->uuid));
    fw_cfg_add_i64(fw, FW_CFG_NUMA, 0); /* no nodes */
    fw_cfg_add_i16(fw, FW_CFG_BOOT_MENU, config->boot_menu);
}

static bool add_machine_files(PcMachine *pc, GError **errp)
{
    /* Bit 7: offered; the rest is the sleep type of S3, S4 and S5. */
    static const uint8_t system_states[6] = {0x80, 0, 0, 0x01, 0x02, 0x80};
    static const uint8_t irq0_override = 1; /* the timer is on pin 2 */
    g_autoptr(GByteArray) e820 = pc_build_e820(pc->config->ram_bytes);
    uint8_t wait[2];

    put_le16(wait, pc->config->boot_splash_ms);
    return fw_cfg_add_file(pc->fw_cfg, "etc/e820", e820->data, e820->len,
                           errp) &&
           fw_cfg_add_file(pc->fw_cfg, "etc/system-states", system_states,
                           sizeof(system_states), errp) &&
           fw_cfg_add_file(pc->fw_cfg, "etc/irq0-override", &irq0_override, 1,
                           errp) &&
           (!pc->config->boot_splash_ms ||
            fw_cfg_add_file(pc->fw_cfg, "etc/boot-menu-wait", wait,
                            sizeof(wait), errp));
}

static bool add_acpi(PcMachine *pc, GError **errp)
{
    AcpiConfig acpi = {
        .cpus = pc->config->cpus,
        .apic_id = pc->apic_id,
        .ram_below_4g = i440fx_ram_below_4g(pc->config->ram_bytes),
        .pvpanic_port = pvpanic_find_port(),
        .pm_base = piix4_pm_base(pc->pm),
    };

    for (unsigned i = 0; i < SERIAL_PORTS; i++) {
        acpi.serial_ports |= pc->config->serial[i] ? BIT(i) : 0;
    }
    return acpi_build(pc->fw_cfg, &acpi, errp);
}

/* The devices of -device come after the machine, and firmware chooses the PM
 * registers' ports.  The files are there by then, so that it cannot fail. */
static void refresh_acpi(void *opaque)
{
    bool ok = add_acpi(opaque, NULL);

    g_assert(ok);
}

bool pc_fill_fw_cfg(PcMachine *pc, GError **errp)
{
    uint64_t below = i440fx_ram_below_4g(pc->config->ram_bytes);
    uint16_t codes;

    add_numbers(pc);
    boot_order_set_strict(pc->config->boot_strict);
    fw_cfg_set_refresh(pc->fw_cfg, refresh_acpi, pc);
    return pc_boot_codes(pc->config->boot_order, &codes, errp) &&
           add_machine_files(pc, errp) && add_acpi(pc, errp) &&
           smbios_build(pc->fw_cfg, pc->config, errp) &&
           (!pc->config->kernel ||
            kernel_load(pc->config, pc->fw_cfg, below, errp));
}
