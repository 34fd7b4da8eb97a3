/* SPDX-License-Identifier: MIT */
/*
 * RSDP, RSDT, XSDT, FADT, FACS, MADT and HPET tables.
 *
 * Source: ACPI 6.4, chapter 5.2 "ACPI System Description Tables"; IA-PC HPET
 * Specification 1.0a, 3.2.4 "The ACPI 2.0 HPET Description Table (HPET)".
 */
#include "hw/acpi/piix4_pm.h"
#include "hw/i386/acpi_tables.h"

#include <string.h>

#include "util/bytes.h"

/* Made by the build from dsdt.asl. */
extern const uint8_t dsdt_aml[];
extern const size_t dsdt_aml_bytes;

#define HEADER_CHECKSUM    9
#define AML_DWORD_PREFIX   0x0c
#define GAS_IO             1
#define SCI_IRQ            9

/* FADT fields: 5.2.9 */
#define FADT_BOOT_LEGACY   BIT(0)  /* ISA devices are there */
#define FADT_BOOT_8042     BIT(1)
#define FADT_WBINVD        BIT(0)
#define FADT_PROC_C1       BIT(2)
#define FADT_SLP_BUTTON    BIT(5)  /* there is none */
#define FADT_RESET_REG     BIT(10)
#define RESET_PORT         0xcf9
#define RESET_VALUE        0x06    /* RCPU and SRST */
#define NO_C2              0x0fff  /* latencies that mean "unsupported" */
#define NO_C3              0x0fff
#define RTC_CENTURY        0x32

/* MADT entries: 5.2.12 */
#define MADT_PCAT_COMPAT   BIT(0)
#define MADT_LAPIC         0
#define MADT_IOAPIC        1
#define MADT_OVERRIDE      2
#define MADT_LAPIC_NMI     4
#define MADT_X2APIC        9
#define MADT_ENABLED       BIT(0)
#define MADT_ALL_CPUS      0xff
#define MADT_LEVEL_HIGH    0x0d
#define LAPIC_BASE         0xfee00000
#define IOAPIC_BASE        0xfec00000
#define IOAPIC_ID          0
#define XAPIC_ID_MAX       254

#define HPET_BASE          0xfed00000
/* Intel, legacy replacement, 64-bit counter, three comparators, revision 1 */
#define HPET_BLOCK_ID      0x8086a201
#define HPET_MIN_TICK      100

#define PCI_HOLE_2G        0x80000000ull
#define PCI_HOLE_3G        0xc0000000ull
#define PCI_HOLE_LAST      0xe0000000ull

uint64_t acpi_pci_hole(uint64_t ram_below_4g)
{
    return ram_below_4g <= PCI_HOLE_2G   ? PCI_HOLE_2G
           : ram_below_4g <= PCI_HOLE_3G ? PCI_HOLE_3G
                                         : PCI_HOLE_LAST;
}

/* --- FACS and FADT --- */

/* 5.2.10: no standard header and no checksum, aligned to 64 bytes. */
static uint32_t build_facs(AcpiBlob *blob)
{
    uint32_t table = blob->tables->len;

    g_byte_array_append(blob->tables, (const guint8 *)"FACS", 4);
    acpi_put32(blob->tables, 64);
    acpi_put_zeros(blob->tables, 56);
    return table;
}

/* Set Name (@seg, ...), whose value takes 32 bits, in the AML at @aml: 20.2.5
 * "Term Objects Encoding". */
static void set_dword_name(uint8_t *aml, size_t len, const char *seg,
                           uint32_t value)
{
    uint8_t *at = memmem(aml, len, seg, 4); /* first seen where it is made */

    g_assert(at && at[4] == AML_DWORD_PREFIX);
    put_le32(at + 5, value);
}

static uint32_t build_dsdt(AcpiBlob *blob, const AcpiConfig *config)
{
    uint32_t table = blob->tables->len;
    uint8_t *aml;

    g_byte_array_append(blob->tables, dsdt_aml, dsdt_aml_bytes);
    aml = blob->tables->data + table;
    set_dword_name(aml, dsdt_aml_bytes, "PMIN",
                   acpi_pci_hole(config->ram_below_4g));
    set_dword_name(aml, dsdt_aml_bytes, "COMS", config->serial_ports);
    set_dword_name(aml, dsdt_aml_bytes, "PEVP", config->pvpanic_port);
    set_dword_name(aml, dsdt_aml_bytes, "PMBA", config->pm_base);
    aml[HEADER_CHECKSUM] = 0;
    aml[HEADER_CHECKSUM] = checksum8(aml, dsdt_aml_bytes);
    return table;
}

/* Addresses and lengths of the register blocks, as ports. */
static void fadt_put_blocks(GByteArray *out, uint16_t base)
{
    acpi_put32(out, base + PIIX4_PM_EVT);
    acpi_put32(out, 0); /* no PM1b */
    acpi_put32(out, base + PIIX4_PM_CNT);
    acpi_put32(out, 0);
    acpi_put32(out, 0); /* no PM2 */
    acpi_put32(out, base + PIIX4_PM_TMR);
    acpi_put32(out, PIIX4_GPE0_BASE);
    acpi_put32(out, 0); /* no GPE1 */
    acpi_put8(out, 4);  /* PM1 event */
    acpi_put8(out, 2);  /* PM1 control */
    acpi_put8(out, 0);
    acpi_put8(out, 4);  /* PM timer */
    acpi_put8(out, PIIX4_GPE0_BYTES);
    acpi_put_zeros(out, 3); /* GPE1 length and base, _CST command */
}

/* The same blocks as Generic Address Structures. */
static void fadt_put_extended_blocks(GByteArray *out, uint16_t base)
{
    acpi_put_gas(out, GAS_IO, 32, base + PIIX4_PM_EVT);
    acpi_put_zeros(out, 12);
    acpi_put_gas(out, GAS_IO, 16, base + PIIX4_PM_CNT);
    acpi_put_zeros(out, 12);
    acpi_put_zeros(out, 12);
    acpi_put_gas(out, GAS_IO, 32, base + PIIX4_PM_TMR);
    acpi_put_gas(out, GAS_IO, 8 * PIIX4_GPE0_BYTES, PIIX4_GPE0_BASE);
    acpi_put_zeros(out, 12);
}

static uint32_t build_fadt(AcpiBlob *blob, uint16_t pm_base, uint32_t facs,
                           uint32_t dsdt)
{
    GByteArray *out = blob->tables;
    uint32_t table = acpi_begin(blob, "FACP", 3);

    acpi_put_pointer(blob, facs, 4);
    acpi_put_pointer(blob, dsdt, 4);
    acpi_put8(out, 0); /* reserved */
    acpi_put8(out, 0); /* preferred profile: unspecified */
    acpi_put16(out, SCI_IRQ);
    acpi_put32(out, PIIX4_SMI_CMD);
    acpi_put8(out, PIIX4_ACPI_ENABLE);
    acpi_put8(out, PIIX4_ACPI_DISABLE);
    acpi_put16(out, 0); /* S4BIOS, P-state command */
    fadt_put_blocks(out, pm_base);
    acpi_put16(out, NO_C2);
    acpi_put16(out, NO_C3);
    acpi_put32(out, 0); /* flush size and stride: WBINVD works */
    acpi_put16(out, 0); /* duty cycle: none */
    acpi_put16(out, 0); /* RTC day and month alarm: none */
    acpi_put8(out, RTC_CENTURY);
    acpi_put16(out, FADT_BOOT_LEGACY | FADT_BOOT_8042);
    acpi_put8(out, 0); /* reserved */
    acpi_put32(out, FADT_WBINVD | FADT_PROC_C1 | FADT_SLP_BUTTON |
                        FADT_RESET_REG);
    acpi_put_gas(out, GAS_IO, 8, RESET_PORT);
    acpi_put8(out, RESET_VALUE);
    acpi_put_zeros(out, 3);
    acpi_put64(out, 0); /* X_FIRMWARE_CTRL: the 32-bit one is used */
    acpi_put_pointer(blob, dsdt, 8);
    fadt_put_extended_blocks(out, pm_base);
    acpi_end(blob, table);
    return table;
}

/* --- MADT --- */

static void madt_put_cpu(GByteArray *out, unsigned uid, uint32_t apic_id)
{
    if (apic_id <= XAPIC_ID_MAX && uid <= UINT8_MAX) {
        acpi_put8(out, MADT_LAPIC);
        acpi_put8(out, 8);
        acpi_put8(out, uid);
        acpi_put8(out, apic_id);
        acpi_put32(out, MADT_ENABLED);
        return;
    }
    acpi_put8(out, MADT_X2APIC);
    acpi_put8(out, 16);
    acpi_put16(out, 0);
    acpi_put32(out, apic_id);
    acpi_put32(out, MADT_ENABLED);
    acpi_put32(out, uid);
}

static void madt_put_override(GByteArray *out, uint8_t irq, uint32_t gsi,
                              uint16_t flags)
{
    acpi_put8(out, MADT_OVERRIDE);
    acpi_put8(out, 10);
    acpi_put8(out, 0); /* bus: ISA */
    acpi_put8(out, irq);
    acpi_put32(out, gsi);
    acpi_put16(out, flags);
}

static void madt_put_ioapic(GByteArray *out)
{
    acpi_put8(out, MADT_IOAPIC);
    acpi_put8(out, 12);
    acpi_put8(out, IOAPIC_ID);
    acpi_put8(out, 0);
    acpi_put32(out, IOAPIC_BASE);
    acpi_put32(out, 0); /* first global interrupt */
}

static uint32_t build_madt(AcpiBlob *blob, const AcpiConfig *config)
{
    /* What PCI interrupts and the SCI may be routed to. */
    static const uint8_t level_irqs[] = {5, 9, 10, 11};
    GByteArray *out = blob->tables;
    uint32_t table = acpi_begin(blob, "APIC", 3);

    acpi_put32(out, LAPIC_BASE);
    acpi_put32(out, MADT_PCAT_COMPAT);
    for (unsigned i = 0; i < config->cpus; i++) {
        madt_put_cpu(out, i, config->apic_id[i]);
    }
    madt_put_ioapic(out);
    madt_put_override(out, 0, 2, 0); /* the timer is on pin 2 */
    for (unsigned i = 0; i < ARRAY_LEN(level_irqs); i++) {
        madt_put_override(out, level_irqs[i], level_irqs[i], MADT_LEVEL_HIGH);
    }
    acpi_put8(out, MADT_LAPIC_NMI);
    acpi_put8(out, 6);
    acpi_put8(out, MADT_ALL_CPUS);
    acpi_put16(out, 0); /* as the bus has it */
    acpi_put8(out, 1);  /* LINT1 */
    acpi_end(blob, table);
    return table;
}

/* --- HPET --- */

static uint32_t build_hpet(AcpiBlob *blob)
{
    GByteArray *out = blob->tables;
    uint32_t table = acpi_begin(blob, "HPET", 1);

    acpi_put32(out, HPET_BLOCK_ID);
    acpi_put_gas(out, 0, 0, HPET_BASE);
    acpi_put8(out, 0); /* number */
    acpi_put16(out, HPET_MIN_TICK);
    acpi_put8(out, 0); /* no page protection */
    acpi_end(blob, table);
    return table;
}

/* --- roots --- */

static uint32_t build_root(AcpiBlob *blob, const char *signature,
                           const uint32_t *tables, unsigned count,
                           uint8_t pointer_bytes)
{
    uint32_t root = acpi_begin(blob, signature, 1);

    for (unsigned i = 0; i < count; i++) {
        acpi_put_pointer(blob, tables[i], pointer_bytes);
    }
    acpi_end(blob, root);
    return root;
}

/* 5.2.5.3 "Root System Description Pointer (RSDP) Structure" */
static void build_rsdp(AcpiBlob *blob, uint32_t rsdt, uint32_t xsdt)
{
    GByteArray *out = blob->rsdp;

    g_byte_array_append(out, (const guint8 *)"RSD PTR ", 8);
    acpi_put8(out, 0); /* checksum of the first 20 bytes */
    g_byte_array_append(out, (const guint8 *)"HEDDLE", 6);
    acpi_put8(out, 2); /* revision */
    acpi_put32(out, rsdt);
    acpi_put32(out, 36);
    acpi_put64(out, xsdt);
    acpi_put8(out, 0); /* checksum of all */
    acpi_put_zeros(out, 3);
    acpi_cmd_pointer(blob, ACPI_RSDP_FILE, ACPI_TABLES_FILE, 16, 4);
    acpi_cmd_pointer(blob, ACPI_RSDP_FILE, ACPI_TABLES_FILE, 24, 8);
    acpi_cmd_checksum(blob, ACPI_RSDP_FILE, 8, 0, 20);
    acpi_cmd_checksum(blob, ACPI_RSDP_FILE, 32, 0, 36);
}

static void build_all(AcpiBlob *blob, const AcpiConfig *config)
{
    uint32_t facs, dsdt, tables[4];

    acpi_cmd_allocate(blob, ACPI_TABLES_FILE, 64, false);
    acpi_cmd_allocate(blob, ACPI_RSDP_FILE, 16, true);
    facs = build_facs(blob);
    dsdt = build_dsdt(blob, config);
    tables[0] = build_fadt(blob, config->pm_base, facs, dsdt);
    tables[1] = build_madt(blob, config);
    tables[2] = build_hpet(blob);
    tables[3] = acpi_build_ssdt(blob, config);
    build_rsdp(blob, build_root(blob, "RSDT", tables, ARRAY_LEN(tables), 4),
               build_root(blob, "XSDT", tables, ARRAY_LEN(tables), 8));
}

bool acpi_build(FwCfgState *fw, const AcpiConfig *config, GError **errp)
{
    AcpiBlob blob = {g_byte_array_new(), g_byte_array_new(),
                     g_byte_array_new()};
    bool ok;

    build_all(&blob, config);
    ok = fw_cfg_add_file(fw, ACPI_RSDP_FILE, blob.rsdp->data, blob.rsdp->len,
                         errp) &&
         fw_cfg_add_file(fw, ACPI_TABLES_FILE, blob.tables->data,
                         blob.tables->len, errp) &&
         fw_cfg_add_file(fw, ACPI_LOADER_FILE, blob.commands->data,
                         blob.commands->len, errp);
    g_byte_array_unref(blob.tables);
    g_byte_array_unref(blob.rsdp);
    g_byte_array_unref(blob.commands);
    return ok;
}
