/* SPDX-License-Identifier: MIT */
/* The parts of the machine "pc", and the files that make them.  Locks: BQL. */
#ifndef HEDDLE_HW_I386_PC_INTERNAL_H
#define HEDDLE_HW_I386_PC_INTERNAL_H

#include "hw/acpi/piix4_pm.h"
#include "hw/i386/i440fx.h"
#include "hw/input/i8042.h"
#include "hw/intc/i8259.h"
#include "hw/intc/ioapic.h"
#include "hw/isa/isa_bus.h"
#include "hw/isa/piix3.h"
#include "hw/nvram/fw_cfg.h"
#include "hw/timer/mc146818rtc.h"
#include "system/machine.h"

#define PC_MAX_CPUS 255
#define PC_GSIS     IOAPIC_PINS

/* What pc_init() wires together; lives as long as the process. */
typedef struct PcMachine {
    const MachineConfig *config;
    uint32_t *apic_id; /* of each vCPU */
    MemoryRegion ram, bios, bios_low;
    IrqLine gsi[PC_GSIS]; /* global system interrupts */
    IrqLine a20, reset;
    PicState *pic;
    IoapicState *ioapic;
    I440fxHostState *host;
    Piix3State *piix3;
    Piix4PmState *pm;
    IsaBus *isa;
    RtcState *rtc;
    FwCfgState *fw_cfg;
    I8042State *keyboard;
} PcMachine;

/* Can processors of so many physical address bits reach all RAM? */
bool pc_ram_fits(uint64_t ram_bytes, unsigned phys_bits, GError **errp);

/* pc_firmware.c: the BIOS of -bios, or the default one, below 4 GiB and its
 * last 128 KiB below 1 MiB. */
bool pc_firmware_map(PcMachine *pc, MemoryRegion *pci_memory, GError **errp);

/* pc_setup.c: what firmware reads: CMOS memory and fw_cfg. */
void pc_set_cmos(PcMachine *pc);
bool pc_fill_fw_cfg(PcMachine *pc, GError **errp);
/* Bytes of "etc/e820" for @ram_bytes of memory: 20 an entry. */
GByteArray *pc_build_e820(uint64_t ram_bytes);
/* The four-bit codes of -boot order, first device in the low bits. */
bool pc_boot_codes(const char *order, uint16_t *codes, GError **errp);

#endif
