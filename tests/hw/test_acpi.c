/* SPDX-License-Identifier: MIT */
/*
 * ACPI and SMBIOS tables: linked here as firmware does it, then looked at as
 * an operating system does.  Every table must pass through iasl's
 * disassembler.  Expected values: ACPI 6.4, 5.2; DSP0134 2.8, 5.2.
 */
#include <string.h>

#include <glib/gstdio.h>

#include "hw/i386/acpi.h"
#include "tests/hw/chipset_fixture.h"
#include "util/bytes.h"

#define TABLES_ADDR 0x7ff00000
#define RSDP_ADDR   0x000f5000
#define CPUS        70 /* more than one byte of AML package length */

static FwCfgState *fw;
static uint8_t *tables, *rsdp;
static uint32_t tables_len;

static uint8_t sum(const uint8_t *p, uint32_t len)
{
    uint8_t total = 0;

    for (uint32_t i = 0; i < len; i++) {
        total += p[i];
    }
    return total;
}

/* --- the firmware's part --- */

static uint8_t *file_bytes(const uint8_t *name, uint64_t *addr, uint32_t *len)
{
    if (strcmp((const char *)name, "etc/acpi/tables") == 0) {
        *addr = TABLES_ADDR;
        *len = tables_len;
        return tables;
    }
    g_assert_cmpstr((const char *)name, ==, "etc/acpi/rsdp");
    *addr = RSDP_ADDR;
    *len = 36;
    return rsdp;
}

static void run_add_pointer(const uint8_t *cmd)
{
    uint32_t at = get_le32(cmd + 116), len, unused;
    uint64_t addr, unused_addr;
    uint8_t *file = file_bytes(cmd + 4, &unused_addr, &len);

    file_bytes(cmd + 60, &addr, &unused);
    g_assert_cmpuint(at + cmd[120], <=, len);
    if (cmd[120] == 8) {
        put_le64(file + at, get_le64(file + at) + addr);
    } else {
        g_assert_cmpuint(cmd[120], ==, 4);
        put_le32(file + at, get_le32(file + at) + addr);
    }
}

static void run_add_checksum(const uint8_t *cmd)
{
    uint32_t at = get_le32(cmd + 60), start = get_le32(cmd + 64);
    uint32_t bytes = get_le32(cmd + 68), len;
    uint64_t addr;
    uint8_t *file = file_bytes(cmd + 4, &addr, &len);

    g_assert_cmpuint(start + bytes, <=, len);
    file[at] -= sum(file + start, bytes);
}

static void link_tables(void)
{
    const FwCfgItem *t = fw_cfg_find_file(fw, "etc/acpi/tables");
    const FwCfgItem *r = fw_cfg_find_file(fw, "etc/acpi/rsdp");
    const FwCfgItem *l = fw_cfg_find_file(fw, "etc/table-loader");

    tables_len = t->len;
    tables = g_memdup2(t->data, t->len);
    rsdp = g_memdup2(r->data, r->len);
    g_assert_cmpuint(r->len, ==, 36);
    g_assert_cmpuint(l->len % 128, ==, 0);
    for (uint32_t i = 0; i < l->len; i += 128) {
        const uint8_t *cmd = l->data + i;

        switch (get_le32(cmd)) {
        case 1:
            g_assert_cmpuint(i, <, 256); /* before any use */
            break;
        case 2:
            run_add_pointer(cmd);
            break;
        case 3:
            run_add_checksum(cmd);
            break;
        default:
            g_assert_not_reached();
        }
    }
}

static uint8_t *at_addr(uint64_t addr)
{
    g_assert_cmphex(addr, >=, TABLES_ADDR);
    g_assert_cmphex(addr, <, TABLES_ADDR + tables_len);
    return tables + (addr - TABLES_ADDR);
}

/* The table of a signature, by the XSDT. */
static uint8_t *find_table(const char *signature)
{
    uint8_t *xsdt = at_addr(get_le64(rsdp + 24));

    for (uint32_t i = 36; i < get_le32(xsdt + 4); i += 8) {
        uint8_t *table = at_addr(get_le64(xsdt + i));

        if (memcmp(table, signature, 4) == 0) {
            return table;
        }
    }
    g_assert_not_reached();
}

/* --- tests --- */

static void test_rsdp(void)
{
    uint8_t *rsdt = at_addr(get_le32(rsdp + 16));

    g_assert_cmpmem(rsdp, 8, "RSD PTR ", 8);
    g_assert_cmpuint(sum(rsdp, 20), ==, 0);
    g_assert_cmpuint(sum(rsdp, 36), ==, 0);
    g_assert_cmpmem(rsdt, 4, "RSDT", 4);
    g_assert_cmpuint(sum(rsdt, get_le32(rsdt + 4)), ==, 0);
    g_assert_cmpuint(get_le32(rsdt + 4), ==, 36 + 4 * 4);
}

static void test_checksums(void)
{
    static const char *const names[] = {"FACP", "APIC", "HPET", "SSDT"};

    for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
        uint8_t *table = find_table(names[i]);

        g_assert_cmpuint(sum(table, get_le32(table + 4)), ==, 0);
    }
}

static void test_fadt(void)
{
    uint8_t *fadt = find_table("FACP");
    uint8_t *facs = at_addr(get_le32(fadt + 36));
    uint8_t *dsdt = at_addr(get_le64(fadt + 140));

    g_assert_cmpuint(get_le32(fadt + 4), ==, 244);
    g_assert_cmpmem(facs, 4, "FACS", 4);
    g_assert_cmpuint((facs - tables) % 64, ==, 0);
    g_assert_cmpmem(dsdt, 4, "DSDT", 4);
    g_assert_cmpuint(sum(dsdt, get_le32(dsdt + 4)), ==, 0);
    g_assert_true(dsdt == at_addr(get_le32(fadt + 40)));
    g_assert_cmpuint(get_le16(fadt + 46), ==, 9);      /* SCI_INT */
    g_assert_cmphex(get_le32(fadt + 48), ==, 0xb2);    /* SMI_CMD */
    g_assert_cmphex(get_le32(fadt + 56), ==, 0x600);   /* PM1a_EVT_BLK */
    g_assert_cmphex(get_le32(fadt + 64), ==, 0x604);   /* PM1a_CNT_BLK */
    g_assert_cmphex(get_le32(fadt + 76), ==, 0x608);   /* PM_TMR_BLK */
    g_assert_cmphex(get_le32(fadt + 80), ==, 0xafe0);  /* GPE0_BLK */
    g_assert_cmpuint(fadt[91], ==, 4);                 /* PM_TMR_LEN */
    g_assert_cmpuint(fadt[108], ==, 0x32);             /* CENTURY */
    g_assert_cmphex(get_le64(fadt + 120), ==, 0xcf9);  /* RESET_REG */
    g_assert_cmphex(get_le64(fadt + 212), ==, 0x608);  /* X_PM_TMR_BLK */
}

static void test_madt(void)
{
    uint8_t *madt = find_table("APIC"), *p = madt + 44;
    unsigned cpus = 0, ioapics = 0, overrides = 0, nmis = 0;

    for (; p < madt + get_le32(madt + 4); p += p[1]) {
        g_assert_cmpuint(p[1], >=, 2);
        cpus += p[0] == 0;
        ioapics += p[0] == 1;
        overrides += p[0] == 2;
        nmis += p[0] == 4;
        if (p[0] == 0) {
            g_assert_cmpuint(p[3], ==, 2 * p[2]); /* the IDs we gave */
        }
    }
    g_assert_true(p == madt + get_le32(madt + 4));
    g_assert_cmpuint(cpus, ==, CPUS);
    g_assert_cmpuint(ioapics, ==, 1);
    g_assert_cmpuint(overrides, ==, 5);
    g_assert_cmpuint(nmis, ==, 1);
}

static uint32_t dsdt_value(const char *name)
{
    uint8_t *dsdt = at_addr(get_le32(find_table("FACP") + 40));
    uint8_t *at = memmem(dsdt, get_le32(dsdt + 4), name, 4);

    return get_le32(at + 5);
}

/* What the configuration says about the DSDT: the hole, the serial ports,
 * pvpanic. */
static void test_dsdt_values(void)
{
    g_assert_cmphex(dsdt_value("PMIN"), ==, 0xc0000000);
    g_assert_cmphex(dsdt_value("COMS"), ==, 1);
    g_assert_cmphex(dsdt_value("PEVP"), ==, 0x505);
}

/* iasl reports what it cannot make sense of. */
static void disassemble(const char *signature, const uint8_t *table)
{
    g_autofree char *dir = g_dir_make_tmp("acpi-XXXXXX", NULL);
    g_autofree char *aml = g_strdup_printf("%s/%.4s.aml", dir, signature);
    g_autofree char *dsl = g_strdup_printf("%s/%.4s.dsl", dir, signature);
    g_autofree char *command =
        g_strdup_printf("iasl -d %s", aml);
    g_autofree char *out = NULL, *errors = NULL, *text = NULL;
    int status;

    g_assert_true(g_file_set_contents(aml, (const char *)table,
                                      get_le32(table + 4), NULL));
    g_assert_true(g_spawn_command_line_sync(command, &out, &errors, &status,
                                            NULL));
    g_assert_cmpint(status, ==, 0);
    g_assert_null(strstr(errors, "rror"));
    g_assert_null(strstr(errors, "ncorrect checksum"));
    g_assert_true(g_file_get_contents(dsl, &text, NULL, NULL));
    g_assert_null(strstr(text, "Unknown"));
    g_remove(aml);
    g_remove(dsl);
    g_rmdir(dir);
}

static void test_disassemble(void)
{
    uint8_t *fadt = find_table("FACP");

    disassemble("FACP", fadt);
    disassemble("DSDT", at_addr(get_le32(fadt + 40)));
    disassemble("APIC", find_table("APIC"));
    disassemble("HPET", find_table("HPET"));
    disassemble("SSDT", find_table("SSDT"));
}

static void test_pci_hole(void)
{
    g_assert_cmphex(acpi_pci_hole(512 * MiB), ==, 0x80000000);
    g_assert_cmphex(acpi_pci_hole(2 * GiB), ==, 0x80000000);
    g_assert_cmphex(acpi_pci_hole(3 * GiB), ==, 0xc0000000);
    g_assert_cmphex(acpi_pci_hole(0xd0000000), ==, 0xe0000000);
}

/* --- SMBIOS --- */

/* One structure after the other: formatted area, strings, two NULs. */
static const uint8_t *smbios_next(const uint8_t *p)
{
    p += p[1];
    while (p[0] || p[1]) {
        p++;
    }
    return p + 2;
}

static void test_smbios(void)
{
    static const uint8_t types[] = {0, 1, 3, 4, 4, 16, 17, 17, 19, 19, 32,
                                    127};
    const FwCfgItem *anchor = fw_cfg_find_file(fw, "etc/smbios/smbios-anchor");
    const FwCfgItem *t = fw_cfg_find_file(fw, "etc/smbios/smbios-tables");
    const uint8_t *p = t->data;

    g_assert_cmpuint(anchor->len, ==, 31);
    g_assert_cmpmem(anchor->data, 4, "_SM_", 4);
    g_assert_cmpuint(sum(anchor->data, 31), ==, 0);
    g_assert_cmpuint(sum(anchor->data + 16, 15), ==, 0);
    g_assert_cmpuint(get_le16(anchor->data + 22), ==, t->len);
    g_assert_cmpuint(get_le16(anchor->data + 28), ==, ARRAY_LEN(types));
    for (unsigned i = 0; i < ARRAY_LEN(types); i++) {
        g_assert_cmpuint(p[0], ==, types[i]);
        if (p[0] == 1) { /* the UUID's first field is little endian */
            g_assert_cmphex(get_le32(p + 8), ==, 0x00010203);
        }
        p = smbios_next(p);
    }
    g_assert_true(p == t->data + t->len);
}

static void build(uint16_t pvpanic_port, uint16_t pm_base)
{
    MachineConfig config = {
        .ram_bytes = 20 * GiB,
        .cpus = 2,
        .topology = {2, 1, 1, 1},
        .have_uuid = true,
        .uuid = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
    };
    uint32_t apic_id[CPUS];
    AcpiConfig acpi = { .cpus = CPUS,
                        .apic_id = apic_id,
                        .ram_below_4g = 3 * GiB,
                        .serial_ports = 1,
                        .pvpanic_port = pvpanic_port,
                        .pm_base = pm_base };

    for (unsigned i = 0; i < CPUS; i++) {
        apic_id[i] = 2 * i;
    }
    g_assert_true(acpi_build(fw, &acpi, NULL));
    g_assert_true(smbios_build(fw, &config, NULL));
}

/* When the device has gone, and the firmware put the PM registers elsewhere. */
static void test_rebuilt(void)
{
    const uint8_t *fadt;

    build(0, 0xb000);
    g_free(tables);
    g_free(rsdp);
    link_tables();
    g_assert_cmphex(dsdt_value("PEVP"), ==, 0);
    g_assert_cmphex(dsdt_value("PMBA"), ==, 0xb000);
    fadt = find_table("FACP");
    g_assert_cmphex(get_le32(fadt + 56), ==, 0xb000);
    g_assert_cmphex(get_le32(fadt + 76), ==, 0xb008);
    g_assert_cmphex(get_le64(fadt + 212), ==, 0xb008);
    test_rsdp();
    test_checksums();
}

int main(int argc, char **argv)
{
    fixture_init(&argc, &argv);
    fw = fw_cfg_create(system_io());
    build(0x505, 0x600);
    link_tables();
    g_test_add_func("/acpi/rsdp", test_rsdp);
    g_test_add_func("/acpi/checksums", test_checksums);
    g_test_add_func("/acpi/fadt", test_fadt);
    g_test_add_func("/acpi/madt", test_madt);
    g_test_add_func("/acpi/dsdt-values", test_dsdt_values);
    g_test_add_func("/acpi/disassemble", test_disassemble);
    g_test_add_func("/acpi/pci-hole", test_pci_hole);
    g_test_add_func("/acpi/rebuilt", test_rebuilt);
    g_test_add_func("/smbios/structures", test_smbios);
    return g_test_run();
}
