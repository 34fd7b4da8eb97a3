/* SPDX-License-Identifier: MIT */
/*
 * 82371SB (PIIX3), function 0: PCI interrupt routing and reset control.
 * Locks: BQL.
 */
#ifndef HEDDLE_HW_ISA_PIIX3_H
#define HEDDLE_HW_ISA_PIIX3_H

#include "hw/pci.h"
#include "hw/pci/pci_host.h"

#define PIIX3_PIRQS    4
#define PIIX3_ISA_IRQS 16

typedef struct Piix3State {
    PCIDevice pci;
    /* wiring */
    const IrqLine *isa_irq[PIIX3_ISA_IRQS];
    IrqLine sci_in;
    /* guest-visible */
    uint8_t reset_control; /* CF9h */
    /* levels of the inputs */
    uint8_t pirq_level[PIIX3_PIRQS];
    uint8_t sci_level;
    /* derived: what isa_irq[] was driven to last */
    uint16_t driven;
} Piix3State;

extern const DeviceType piix3_type; /* "PIIX3" */

/* Make the function at @devfn of @bus; @isa_irq[] are the sixteen ISA
 * interrupt lines that PIRQs and the SCI may be routed to. */
Piix3State *piix3_create(PCIBus *bus, int devfn,
                         const IrqLine *const isa_irq[PIIX3_ISA_IRQS]);
/* The wire of the host bridge's interrupt pins (PCIBus.set_irq). */
void piix3_set_pci_irq(void *piix3, int pin, int level);
/* The ACPI interrupt, hard-wired to IRQ 9 and shared with PIRQs there. */
const IrqLine *piix3_sci_line(Piix3State *s);
/* CF9h for the host's ports. */
PCIHostResetPort piix3_reset_port(Piix3State *s);

#endif
