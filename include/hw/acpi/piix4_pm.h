/* SPDX-License-Identifier: MIT */
/*
 * 82371AB (PIIX4), function 3: ACPI fixed hardware.  Locks: BQL, but for reads
 * of the PM timer.
 */
#ifndef HEDDLE_HW_ACPI_PIIX4_PM_H
#define HEDDLE_HW_ACPI_PIIX4_PM_H

#include "hw/acpi/pci_hotplug.h"
#include "hw/pci.h"
#include "util/timer.h"

/* What the FADT must say. */
#define PIIX4_PM_BASE      0x600 /* of the block, till firmware has placed it */
#define PIIX4_PM_EVT       0x00  /* offsets in it */
#define PIIX4_PM_CNT       0x04
#define PIIX4_PM_TMR       0x08
#define PIIX4_GPE0_BASE    0xafe0
#define PIIX4_GPE0_BYTES   4
#define PIIX4_SMI_CMD      0xb2
#define PIIX4_ACPI_ENABLE  0xf1
#define PIIX4_ACPI_DISABLE 0xf0
#define PIIX4_SLP_TYP_S5   0

typedef struct Piix4PmState {
    PCIDevice pci;
    const IrqLine *sci;
    MemoryRegion block, evt, cnt, tmr, gpe, apm;
    bool block_mapped;
    PciHotplug hotplug;
    Timer overflow;
    /* guest-visible */
    uint16_t pm1_sts, pm1_en, pm1_cnt;
    uint16_t gpe_sts, gpe_en;
    uint8_t apm_control, apm_status;
    /* When the timer's top bit changes next, from which TMR_STS follows. */
    int64_t overflow_ns;
} Piix4PmState;

extern const DeviceType piix4_pm_type; /* "PIIX4_PM" */

/* Make the function at @devfn of @bus, its fixed ports in @io; it also takes
 * the machine's power button. */
Piix4PmState *piix4_pm_create(PCIBus *bus, int devfn, MemoryRegion *io,
                              const IrqLine *sci);
/* First port of the PM registers' block. */
uint16_t piix4_pm_base(const Piix4PmState *s);
/* The ACPI power button. */
void piix4_pm_power_button(void *piix4_pm);

#endif
