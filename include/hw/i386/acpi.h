/* SPDX-License-Identifier: MIT */
/*
 * ACPI and SMBIOS tables of the machine "pc", as files of fw_cfg that the
 * firmware places and links.  Locks: BQL.
 */
#ifndef HEDDLE_HW_I386_ACPI_H
#define HEDDLE_HW_I386_ACPI_H

#include "hw/nvram/fw_cfg.h"
#include "system/machine.h"

typedef struct AcpiConfig {
    unsigned cpus;           /* that are there */
    const uint32_t *apic_id; /* of each */
    uint64_t ram_below_4g;   /* the PCI hole begins at its end or later */
    unsigned serial_ports;   /* a bit for each that exists */
    uint16_t pvpanic_port;   /* 0: there is none */
    uint16_t pm_base;        /* first port of the PM registers' block */
} AcpiConfig;

/* Add "etc/acpi/tables", "etc/acpi/rsdp" and "etc/table-loader", or make them
 * anew. */
bool acpi_build(FwCfgState *fw, const AcpiConfig *config, GError **errp);

/* Add "etc/smbios/smbios-anchor" and "etc/smbios/smbios-tables". */
bool smbios_build(FwCfgState *fw, const MachineConfig *config, GError **errp);

/* First address of the PCI hole: SeaBIOS assigns BARs from there on. */
uint64_t acpi_pci_hole(uint64_t ram_below_4g);

#endif
