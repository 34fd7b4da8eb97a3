/* SPDX-License-Identifier: MIT */
/*
 * The machine "pc": i440FX and PIIX3, with the chips of a PC around them.
 *
 * Interrupts: a global system interrupt below 16 is an ISA line and goes to
 * the i8259 pair and to the pin of the I/O APIC with its number, but for the
 * timer's, which is on pin 2.  INTR of the pair is LINT0 of the local APICs.
 * Left out: DMA controllers, floppy and parallel ports.
 * Locks: BQL.
 */
#include "hw/i386/pc_internal.h"

#include "hw/char/serial.h"
#include "hw/intc/apic.h"
#include "hw/isa/ferr.h"
#include "hw/isa/port92.h"
#include "hw/misc/debug.h"
#include "hw/timer/hpet.h"
#include "hw/timer/i8254.h"
#include "system/runstate.h"
#include "target/i386/cpu.h"
#include "util/error.h"

#define PC_RAM_MIN     MiB
#define PC_TIMER_PIN   2 /* of the I/O APIC */
#define PC_SOUTHBRIDGE 1 /* PCI slot of PIIX3 and PIIX4 */
#define PC_PM_FUNCTION 3
#define DEBUGCON_PORT  0xe9

#define IRQ_TIMER      0
#define IRQ_KEYBOARD   1
#define IRQ_RTC        8
#define IRQ_MOUSE      12
#define IRQ_FPU        13

/* --- processors --- */

bool pc_ram_fits(uint64_t ram_bytes, unsigned phys_bits, GError **errp)
{
    uint64_t below = i440fx_ram_below_4g(ram_bytes);
    uint64_t top = ram_bytes > below ? 4 * GiB + ram_bytes - below : below;

    if (top > BIT64(phys_bits)) {
        error_setg(errp,
                   "Address space limit 0x%" PRIx64 " < 0x%" PRIx64
                   " phys-bits too low (%u)",
                   BIT64(phys_bits) - 1, top - 1, phys_bits);
        return false;
    }
    return true;
}

static bool pc_create_cpus(PcMachine *pc, X86CPU **cpus, GError **errp)
{
    const MachineConfig *config = pc->config;

    x86_cpu_set_topology(&config->topology);
    for (unsigned i = 0; i < config->cpus; i++) {
        pc->apic_id[i] = x86_topology_apic_id(&config->topology, i);
        cpus[i] = x86_cpu_create(config->cpu_model, i, pc->apic_id[i], errp);
        if (!cpus[i] || !pc_ram_fits(config->ram_bytes,
                                     x86_cpu_phys_bits(cpus[i]), errp)) {
            return false;
        }
        apic_create(cpus[i], &apic_cpu_ops);
    }
    return true;
}

/* --- interrupts --- */

static void pc_set_gsi(void *opaque, int n, int level)
{
    PcMachine *pc = opaque;

    if (n < PIC_INPUTS) {
        irq_set(pic_input(pc->pic, n), level);
    }
    irq_set(ioapic_pin(pc->ioapic, n == IRQ_TIMER ? PC_TIMER_PIN : n), level);
}

static void pc_set_pci_irq(void *opaque, int pin, int level)
{
    PcMachine *pc = opaque;

    piix3_set_pci_irq(pc->piix3, pin, level);
}

static void pc_send_msi(hwaddr addr, uint32_t data)
{
    if (addr - APIC_BASE_ADDR < APIC_SPACE_SIZE) {
        apic_deliver_msi(addr, data);
    } else {
        address_space_store(&address_space_memory, addr, data, 4);
    }
}

static void pc_create_interrupts(PcMachine *pc)
{
    apic_map(system_memory());
    pc->pic = pic_create(system_io(), apic_lint0_line());
    apic_connect_pic(pc->pic);
    pc->ioapic = ioapic_create(system_memory(), IOAPIC_ADDR);
    for (unsigned i = 0; i < PC_GSIS; i++) {
        irq_init(&pc->gsi[i], pc_set_gsi, pc, i);
    }
}

/* --- A20 and reset --- */

/* Both port 92h and the keyboard controller show what was set last. */
static void pc_set_a20(void *opaque, int n, int level)
{
    PcMachine *pc = opaque;

    x86_cpu_set_a20(level != 0);
    i8042_set_a20(pc->keyboard, level != 0);
}

static void pc_set_reset(void *opaque, int n, int level)
{
    if (level) {
        system_reset_request(SHUTDOWN_GUEST_RESET);
    }
}

/* --- chipset and devices --- */

static bool pc_create_memory(PcMachine *pc, GError **errp)
{
    if (pc->config->ram_bytes < PC_RAM_MIN) {
        error_setg(errp, "the machine 'pc' needs at least 1 MiB of memory "
                   "(-m)");
        return false;
    }
    if (pc->config->ram_id) {
        return memory_region_init_ram_at(&pc->ram, pc->config->ram_id,
                                         pc->config->ram_bytes,
                                         pc->config->ram_host, errp);
    }
    return memory_region_init_ram(&pc->ram, "pc.ram", pc->config->ram_bytes,
                                  errp);
}

static void pc_create_chipset(PcMachine *pc)
{
    const IrqLine *isa_irq[ISA_IRQS];
    PCIBus *bus;

    for (unsigned i = 0; i < ISA_IRQS; i++) {
        isa_irq[i] = &pc->gsi[i];
    }
    pc->host = i440fx_create(system_memory(), system_io(), &pc->ram,
                             pc_set_pci_irq, pc);
    bus = pc->host->bus;
    bus->send_msi = pc_send_msi;
    pc->piix3 = piix3_create(bus, PCI_DEVFN(PC_SOUTHBRIDGE, 0), isa_irq);
    pc->host->bridge->host.reset_port = piix3_reset_port(pc->piix3);
    pc->pm = piix4_pm_create(bus, PCI_DEVFN(PC_SOUTHBRIDGE, PC_PM_FUNCTION),
                             system_io(), piix3_sci_line(pc->piix3));
    pc->isa = isa_bus_create(&pc->piix3->pci.dev, system_io(), isa_irq);
}

/* PIT and RTC reach their lines through the HPET, which may replace them. */
static void pc_create_timers(PcMachine *pc)
{
    const RtcConfig rtc = {
        .localtime = pc->config->rtc_localtime,
        .clock_vm = pc->config->rtc_clock_vm,
        .has_base = pc->config->rtc_has_base,
        .base_s = pc->config->rtc_base_s,
    };
    const IrqLine *const legacy[HPET_LEGACY_LINES] = {
        [HPET_LEGACY_PIT] = &pc->gsi[IRQ_TIMER],
        [HPET_LEGACY_RTC] = &pc->gsi[IRQ_RTC],
    };
    const IrqLine *pins[HPET_GSIS];
    HpetState *hpet;
    PitState *pit;

    for (unsigned i = 0; i < HPET_GSIS; i++) {
        pins[i] = ioapic_pin(pc->ioapic, i);
    }
    hpet = hpet_create(system_memory(), HPET_ADDR, pins, legacy);
    pit = pit_create(system_io(), hpet_legacy_in(hpet, HPET_LEGACY_PIT));
    pcspk_create(system_io(), pit);
    pc->rtc = rtc_create(system_io(), &rtc,
                         hpet_legacy_in(hpet, HPET_LEGACY_RTC));
}

static void pc_create_keyboard(PcMachine *pc)
{
    const I8042Lines lines = {
        .irq1 = &pc->gsi[IRQ_KEYBOARD], .irq12 = &pc->gsi[IRQ_MOUSE],
        .a20 = &pc->a20, .reset = &pc->reset,
    };

    irq_init(&pc->a20, pc_set_a20, pc, 0);
    irq_init(&pc->reset, pc_set_reset, pc, 0);
    pc->keyboard = i8042_create(system_io(), &lines);
    port92_create(system_io(), &pc->a20);
}

/* x87 errors of every vCPU while it has CR0.NE clear. */
static void pc_connect_ferr(PcMachine *pc, X86CPU **cpus)
{
    FerrState *ferr = ferr_create(system_io(), &pc->gsi[IRQ_FPU]);

    for (unsigned i = 0; i < pc->config->cpus; i++) {
        cpus[i]->ferr = ferr_assert;
        cpus[i]->irq_opaque = ferr;
    }
}

static bool pc_create_consoles(PcMachine *pc, GError **errp)
{
    const MachineConfig *config = pc->config;

    for (unsigned i = 0; i < SERIAL_PORTS; i++) {
        if (config->serial[i] &&
            !isa_serial_create(pc->isa, i, config->serial[i], errp)) {
            return false;
        }
    }
    return !config->debugcon ||
           debugcon_create(pc->isa, DEBUGCON_PORT, config->debugcon, errp);
}

static bool pc_create_devices(PcMachine *pc, GError **errp)
{
    pc_create_interrupts(pc);
    pc_create_chipset(pc);
    pc_create_timers(pc);
    pc_create_keyboard(pc);
    pc->fw_cfg = fw_cfg_create(system_io());
    pc_set_cmos(pc);
    return pc_create_consoles(pc, errp) &&
           pc_firmware_map(pc, pc->host->bridge->pci_memory, errp);
}

static bool pc_init(const MachineConfig *config, GError **errp)
{
    PcMachine *pc = g_new0(PcMachine, 1);
    g_autofree X86CPU **cpus = g_new0(X86CPU *, config->cpus);

    pc->config = config;
    pc->apic_id = g_new0(uint32_t, config->cpus);
    if (!pc_create_memory(pc, errp) || !pc_create_cpus(pc, cpus, errp) ||
        !pc_create_devices(pc, errp) || !pc_fill_fw_cfg(pc, errp)) {
        return false; /* the process ends */
    }
    pc_connect_ferr(pc, cpus);
    for (unsigned i = 0; i < config->cpus; i++) {
        cpu_start_thread(&cpus[i]->cs);
    }
    return true;
}

const MachineType pc_machine_type = {
    .name = "pc-i440fx-7.2",
    .alias = "pc",
    .desc = "Standard PC (i440FX + PIIX, 1996)",
    .max_cpus = PC_MAX_CPUS,
    .is_default = true,
    .init = pc_init,
};
