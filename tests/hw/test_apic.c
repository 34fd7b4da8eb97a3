/* SPDX-License-Identifier: MIT */
/* Local APICs and their bus.  Expected values: SDM vol. 3A, chapter 11. */
#include "hw/intc/apic.h"

#include "hw_test.h"

#define CPUS      3
#define APIC(reg) (APIC_BASE_ADDR + (reg))
#define ID        0x020
#define VERSION   0x030
#define TPR       0x080
#define PPR       0x0a0
#define EOI       0x0b0
#define LDR       0x0d0
#define DFR       0x0e0
#define SVR       0x0f0
#define ISR(v)    (0x100 + (v) / 32 * 16)
#define IRR(v)    (0x200 + (v) / 32 * 16)
#define ESR       0x280
#define ICR       0x300
#define ICR_HIGH  0x310
#define LVT_TIMER 0x320
#define LVT_LINT0 0x350
#define LVT_LINT1 0x360
#define LVT_ERROR 0x370
#define INITIAL   0x380
#define CURRENT   0x390
#define DIVIDE    0x3e0

/* A vCPU that notes what its APIC asks for. */
static struct {
    X86CPU cpu;
    ApicState *apic;
    uint32_t requests;
    int sipi; /* vector, or -1 */
} vcpu[CPUS];

static uint64_t tsc;
static PicState *pic;
static int last_eoi;

static unsigned index_of(CPUState *cpu)
{
    return cpu->index;
}

static void fake_request(CPUState *cpu, uint32_t mask)
{
    vcpu[index_of(cpu)].requests |= mask;
}

static void fake_cancel(CPUState *cpu, uint32_t mask)
{
    vcpu[index_of(cpu)].requests &= ~mask;
}

static void fake_sipi(CPUState *cpu, uint8_t vector)
{
    vcpu[index_of(cpu)].sipi = vector;
}

static uint64_t fake_tsc(CPUState *cpu)
{
    return tsc + clock_get_ns(CLOCK_TYPE_VIRTUAL) * 2; /* 2 GHz */
}

static const char *lacking; /* the feature that no processor has */

static bool fake_has_feature(CPUState *cpu, const char *name)
{
    return g_strcmp0(name, lacking) != 0;
}

static const ApicCpuOps fake_ops = {
    .request = fake_request,
    .cancel = fake_cancel,
    .sipi = fake_sipi,
    .tsc = fake_tsc,
    .has_feature = fake_has_feature,
};

static void note_eoi(void *opaque, uint8_t vector)
{
    last_eoi = vector;
}

/* Accesses are @n's from here on. */
static void on_cpu(unsigned n)
{
    current_cpu = &vcpu[n].cpu.cs;
}

static bool wants(unsigned n, uint32_t mask)
{
    return vcpu[n].requests & mask;
}

/* The vCPU's side of an interrupt: vector or -1. */
static int take(unsigned n)
{
    return apic_x86_ops.get_interrupt(vcpu[n].apic);
}

/* All enabled in xAPIC mode, the first's registers current. */
static void fresh(void)
{
    devices_reset_all();
    last_eoi = -1;
    for (unsigned i = 0; i < CPUS; i++) {
        vcpu[i].requests = 0;
        vcpu[i].sipi = -1;
        on_cpu(i);
        store32(APIC(SVR), 0x1ff);
    }
    on_cpu(0);
}

static void to_x2apic(unsigned n)
{
    uint64_t base = apic_x86_ops.get_base(vcpu[n].apic);

    g_assert_true(apic_x86_ops.set_base(vcpu[n].apic, base | 0x400));
}

static bool write_msr(unsigned n, unsigned index, uint64_t value)
{
    return apic_x86_ops.write_msr(vcpu[n].apic, index, value);
}

static uint64_t read_msr(unsigned n, unsigned index)
{
    uint64_t value;

    g_assert_true(apic_x86_ops.read_msr(vcpu[n].apic, index, &value));
    return value;
}

/* A processor without an APIC: its pin is INTR, and nothing answers. */
static void test_no_apic(void)
{
    lacking = "apic";
    fresh();
    g_assert_cmphex(apic_x86_ops.get_base(vcpu[0].apic) & 0x800, ==, 0);
    g_assert_cmphex(load32(APIC(VERSION)), ==, 0xffffffff);
    irq_set(apic_lint0_line(), 1);
    g_assert_true(wants(0, CPU_INTERRUPT_HARD));
    irq_set(apic_lint0_line(), 0);
    lacking = NULL;
}

/* SDM vol. 3A, 11.5.1: bit 18 of the timer's entry is the deadline mode. */
static void test_no_deadline(void)
{
    lacking = "tsc-deadline";
    fresh();
    store32(APIC(LVT_TIMER), 0x40030);
    g_assert_cmphex(load32(APIC(LVT_TIMER)), ==, 0x30);
    to_x2apic(0);
    g_assert_false(write_msr(0, 0x32, 0x40030));
    g_assert_true(write_msr(0, 0x32, 0x20030));
    lacking = NULL;
    fresh();
    store32(APIC(LVT_TIMER), 0x40030);
    g_assert_cmphex(load32(APIC(LVT_TIMER)), ==, 0x40030);
}

static void test_reset_state(void)
{
    fresh();
    on_cpu(1);
    g_assert_cmphex(load32(APIC(ID)), ==, 0x01000000);
    g_assert_cmphex(load32(APIC(VERSION)), ==, 0x00050014);
    g_assert_cmphex(load32(APIC(DFR)), ==, 0xffffffff);
    g_assert_cmphex(load32(APIC(LVT_TIMER)), ==, 0x10000);
    g_assert_cmphex(load32(APIC(LVT_LINT0)), ==, 0x10000);
    g_assert_cmphex(apic_x86_ops.get_base(vcpu[0].apic), ==, 0xfee00900);
    g_assert_cmphex(apic_x86_ops.get_base(vcpu[1].apic), ==, 0xfee00800);
}

static void test_priority(void)
{
    fresh();
    store32(APIC(ICR), 0x00040031); /* to self */
    store32(APIC(ICR), 0x00040062);
    g_assert_cmphex(load32(APIC(IRR(0x31))), ==, 1u << 17);
    g_assert_true(wants(0, CPU_INTERRUPT_HARD));
    g_assert_cmphex(take(0), ==, 0x62);
    g_assert_cmphex(load32(APIC(PPR)), ==, 0x60);
    g_assert_false(wants(0, CPU_INTERRUPT_HARD));
    g_assert_false(apic_x86_ops.has_interrupt(vcpu[0].apic));
    store32(APIC(EOI), 0);
    g_assert_cmphex(take(0), ==, 0x31);
    store32(APIC(EOI), 0);
    g_assert_cmpint(take(0), ==, -1);
    g_assert_cmpint(last_eoi, ==, -1); /* edges are not told */
    store32(APIC(TPR), 0x70);
    store32(APIC(ICR), 0x0004007f);
    g_assert_false(wants(0, CPU_INTERRUPT_HARD));
    apic_x86_ops.set_cr8(vcpu[0].apic, 6);
    g_assert_cmphex(load32(APIC(TPR)), ==, 0x60);
    g_assert_true(wants(0, CPU_INTERRUPT_HARD));
    g_assert_cmphex(take(0), ==, 0x7f);
}

static void test_ipi_addressing(void)
{
    fresh();
    store32(APIC(ICR_HIGH), 2u << 24);
    store32(APIC(ICR), 0x4041);
    g_assert_cmphex(take(2), ==, 0x41);
    g_assert_cmpint(take(1), ==, -1);
    store32(APIC(ICR), 0x000c4042); /* all but self */
    g_assert_cmpint(take(0), ==, -1);
    g_assert_cmphex(take(1), ==, 0x42);
    /* 42h is of the class in service: it waits. */
    g_assert_cmpint(take(2), ==, -1);
    store32(APIC(ICR), 0x00084053); /* all */
    for (unsigned i = 0; i < CPUS; i++) {
        g_assert_cmphex(take(i), ==, 0x53);
    }
    store32(APIC(ICR_HIGH), 0xffu << 24);
    store32(APIC(ICR), 0x4064); /* broadcast */
    g_assert_cmphex(take(0), ==, 0x64);
    g_assert_cmphex(take(2), ==, 0x64);
}

static void test_logical_flat_and_cluster(void)
{
    fresh();
    for (unsigned i = 0; i < CPUS; i++) {
        on_cpu(i);
        store32(APIC(LDR), BIT(i) << 24);
    }
    on_cpu(0);
    store32(APIC(ICR_HIGH), 6u << 24);
    store32(APIC(ICR), 0x4841);
    g_assert_cmpint(take(0), ==, -1);
    g_assert_cmphex(take(1), ==, 0x41);
    g_assert_cmphex(take(2), ==, 0x41);
    for (unsigned i = 0; i < CPUS; i++) {
        on_cpu(i);
        store32(APIC(DFR), 0x0fffffff);
        store32(APIC(LDR), (i == 2 ? 0x11u : 0x21u + i) << 24);
        store32(APIC(EOI), 0);
    }
    on_cpu(0);
    store32(APIC(ICR_HIGH), 0x23u << 24);
    store32(APIC(ICR), 0x4842);
    g_assert_cmphex(take(0), ==, 0x42);
    g_assert_cmphex(take(1), ==, 0x42);
    g_assert_cmpint(take(2), ==, -1);
}

/* The one of lowest priority gets it. */
static void test_lowest_priority(void)
{
    fresh();
    for (unsigned i = 0; i < CPUS; i++) {
        on_cpu(i);
        store32(APIC(LDR), BIT(i) << 24);
        store32(APIC(TPR), i == 1 ? 0x10 : 0x30);
    }
    g_assert_true(apic_deliver_msi(0xfee0700c, 0x4191));
    g_assert_cmpint(take(0), ==, -1);
    g_assert_cmphex(take(1), ==, 0x91);
    g_assert_cmpint(take(2), ==, -1);
}

static void test_init_sipi_nmi_smi(void)
{
    fresh();
    store32(APIC(ICR_HIGH), 1u << 24);
    store32(APIC(ICR), 0xc500);
    g_assert_true(wants(1, CPU_INTERRUPT_INIT));
    vcpu[1].requests = 0;
    store32(APIC(ICR), 0x8500); /* de-assert: nothing */
    g_assert_false(wants(1, CPU_INTERRUPT_INIT));
    store32(APIC(ICR), 0x4608);
    g_assert_cmphex(vcpu[1].sipi, ==, 8);
    store32(APIC(ICR), 0x4400);
    g_assert_true(wants(1, CPU_INTERRUPT_NMI));
    store32(APIC(ICR), 0x4200);
    g_assert_true(wants(1, CPU_INTERRUPT_SMI));
    g_assert_false(wants(0, CPU_INTERRUPT_NMI));
    store32(APIC(LVT_LINT1), 0x400);
    apic_pulse_lint1();
    g_assert_true(wants(0, CPU_INTERRUPT_NMI));
}

static void test_errors(void)
{
    fresh();
    store32(APIC(LVT_ERROR), 0xfe);
    store32(APIC(ICR), 0x0004000f); /* vector 15 is the processor's own */
    g_assert_cmphex(take(0), ==, 0xfe);
    g_assert_cmphex(load32(APIC(ESR)), ==, 0);
    store32(APIC(ESR), 0);
    g_assert_cmphex(load32(APIC(ESR)), ==, 0x20);
    store32(APIC(0x3f0), 0); /* no such register */
    store32(APIC(ESR), 0);
    g_assert_cmphex(load32(APIC(ESR)), ==, 0x80);
    apic_deliver_msi(0xfee00000, 0x4003);
    store32(APIC(ESR), 0);
    g_assert_cmphex(load32(APIC(ESR)), ==, 0x40);
    store32(APIC(ESR), 0);
    g_assert_cmphex(load32(APIC(ESR)), ==, 0);
}

static void test_timer_one_shot(void)
{
    fresh();
    store32(APIC(LVT_TIMER), 0x40);
    store32(APIC(DIVIDE), 0x3); /* by 16 */
    store32(APIC(INITIAL), 1000);
    clock_virtual_advance(8000);
    g_assert_cmpint(load32(APIC(CURRENT)), ==, 500);
    store32(APIC(DIVIDE), 0xb); /* by 1: the count goes on from here */
    g_assert_cmpint(load32(APIC(CURRENT)), ==, 500);
    clock_virtual_advance(499);
    g_assert_cmpint(take(0), ==, -1);
    clock_virtual_advance(1);
    g_assert_cmphex(take(0), ==, 0x40);
    g_assert_cmpint(load32(APIC(CURRENT)), ==, 0);
    store32(APIC(EOI), 0);
    clock_virtual_advance(NS_PER_SEC);
    g_assert_cmpint(take(0), ==, -1);
}

static void test_timer_periodic(void)
{
    unsigned n = 0;

    fresh();
    store32(APIC(DIVIDE), 0xb);
    store32(APIC(LVT_TIMER), 0x20040);
    store32(APIC(INITIAL), NS_PER_MS);
    for (unsigned i = 0; i < 100; i++) {
        clock_virtual_advance(NS_PER_MS);
        n += take(0) == 0x40;
        store32(APIC(EOI), 0);
    }
    g_assert_cmpint(n, ==, 100);
    store32(APIC(LVT_TIMER), 0x30040); /* masked: counts, but is silent */
    clock_virtual_advance(NS_PER_MS / 4 * 5);
    g_assert_cmpint(take(0), ==, -1);
    g_assert_cmpint(load32(APIC(CURRENT)), ==, NS_PER_MS / 4 * 3);
    store32(APIC(INITIAL), 0);
}

static void test_timer_deadline(void)
{
    const X86ApicOps *ops = &apic_x86_ops;
    uint64_t deadline;

    fresh();
    ops->set_tsc_deadline(vcpu[0].apic, 1); /* ignored in this mode */
    g_assert_cmpint(ops->get_tsc_deadline(vcpu[0].apic), ==, 0);
    store32(APIC(LVT_TIMER), 0x40040);
    deadline = fake_tsc(NULL) + 20000;
    ops->set_tsc_deadline(vcpu[0].apic, deadline);
    g_assert_cmpint(ops->get_tsc_deadline(vcpu[0].apic), ==, deadline);
    clock_virtual_advance(9999);
    g_assert_cmpint(take(0), ==, -1);
    clock_virtual_advance(1);
    g_assert_cmphex(take(0), ==, 0x40);
    g_assert_cmpint(ops->get_tsc_deadline(vcpu[0].apic), ==, 0);
    store32(APIC(EOI), 0);
    ops->set_tsc_deadline(vcpu[0].apic, 1); /* long past: at once */
    g_assert_cmphex(take(0), ==, 0x40);
    store32(APIC(INITIAL), 100);
    g_assert_cmpint(load32(APIC(CURRENT)), ==, 0);
}

static void test_software_disable(void)
{
    fresh();
    store32(APIC(LVT_TIMER), 0x40);
    store32(APIC(SVR), 0xff);
    g_assert_cmphex(load32(APIC(LVT_TIMER)), ==, 0x10040);
    store32(APIC(LVT_TIMER), 0x41);
    g_assert_cmphex(load32(APIC(LVT_TIMER)), ==, 0x10041);
    apic_deliver_msi(0xfee00000, 0x4055);
    g_assert_cmpint(take(0), ==, -1);
    apic_deliver_msi(0xfee00000, 0x4400);
    g_assert_true(wants(0, CPU_INTERRUPT_NMI));
}

static void test_virtual_wire(void)
{
    fresh();
    store32(APIC(LVT_LINT0), 0x700);
    out8(0x20, 0x11);
    out8(0x21, 0x08);
    out8(0x21, 0x04);
    out8(0x21, 0x01);
    irq_raise(pic_input(pic, 1));
    g_assert_true(wants(0, CPU_INTERRUPT_HARD));
    g_assert_false(wants(1, CPU_INTERRUPT_HARD));
    g_assert_cmphex(take(0), ==, 0x09);
    g_assert_false(wants(0, CPU_INTERRUPT_HARD));
    out8(0x20, 0x20);
    irq_lower(pic_input(pic, 1));
    store32(APIC(LVT_LINT0), 0x10700);
    irq_raise(pic_input(pic, 1));
    g_assert_false(wants(0, CPU_INTERRUPT_HARD));
    irq_lower(pic_input(pic, 1));
}

static void test_base_transitions(void)
{
    const X86ApicOps *ops = &apic_x86_ops;
    void *apic = vcpu[1].apic;

    fresh();
    g_assert_false(ops->set_base(apic, 0xfee00400)); /* x2 without EN */
    g_assert_false(ops->set_base(apic, 0xfee00801)); /* reserved bit */
    g_assert_true(ops->set_base(apic, 0xfee00c00));
    g_assert_false(ops->set_base(apic, 0xfee00800)); /* x2 to xAPIC */
    g_assert_true(ops->set_base(apic, 0xfee00000));
    g_assert_false(ops->set_base(apic, 0xfee00c00)); /* disabled to x2 */
    on_cpu(1);
    g_assert_cmphex(load32(APIC(VERSION)), ==, 0xffffffff);
    g_assert_true(ops->set_base(apic, 0xfee00800));
    g_assert_cmphex(load32(APIC(SVR)), ==, 0xff);
}

static void test_x2apic(void)
{
    uint64_t value;

    fresh();
    for (unsigned i = 0; i < CPUS; i++) {
        g_assert_false(apic_x86_ops.read_msr(vcpu[i].apic, 0x02, &value));
        to_x2apic(i);
    }
    g_assert_cmphex(read_msr(2, 0x02), ==, 2);
    g_assert_cmphex(read_msr(2, 0x0d), ==, 0x00000004);
    g_assert_cmphex(load32(APIC(ID)), ==, 0xffffffff);
    g_assert_true(write_msr(0, 0x30, 0x0000000200000051));
    g_assert_cmphex(take(2), ==, 0x51);
    g_assert_true(write_msr(2, 0x0b, 0));
    g_assert_true(write_msr(0, 0x30, 0x0000000600000862)); /* logical */
    g_assert_cmphex(take(1), ==, 0x62);
    g_assert_cmphex(take(2), ==, 0x62);
    g_assert_true(write_msr(0, 0x3f, 0x71)); /* self IPI */
    g_assert_cmphex(take(0), ==, 0x71);
    g_assert_true(write_msr(0, 0x30, 0xffffffff00000083));
    g_assert_cmphex(take(0), ==, 0x83);
    g_assert_cmphex(take(1), ==, 0x83);
}

static void test_x2apic_faults(void)
{
    uint64_t value;

    fresh();
    to_x2apic(0);
    g_assert_false(write_msr(0, 0x02, 0));     /* ID: read only */
    g_assert_false(write_msr(0, 0x0b, 1));     /* EOI takes 0 alone */
    g_assert_false(write_msr(0, 0x08, 0x100)); /* TPR, reserved */
    g_assert_false(write_msr(0, 0x28, 1));     /* ESR */
    g_assert_false(write_msr(0, 0x0e, 0));     /* no DFR */
    g_assert_false(write_msr(0, 0x31, 0));     /* no high half of ICR */
    g_assert_false(write_msr(0, 0x38, 1ull << 32));
    g_assert_false(write_msr(0, 0x32, 1u << 20));
    g_assert_false(apic_x86_ops.read_msr(vcpu[0].apic, 0x0b, &value));
    g_assert_false(apic_x86_ops.read_msr(vcpu[0].apic, 0x3f, &value));
    g_assert_false(apic_x86_ops.read_msr(vcpu[0].apic, 0xff, &value));
    g_assert_false(apic_x86_ops.read_msr(vcpu[0].apic, 0x0e, &value));
}

/* Level-triggered messages are told to the I/O APIC when they end; a device's
 * write of the message space is a message. */
static void test_msi(void)
{
    fresh();
    current_cpu = NULL;
    store32(0xfee01000, 0x4045);
    g_assert_cmphex(take(1), ==, 0x45);
    on_cpu(1);
    store32(APIC(EOI), 0);
    g_assert_cmpint(last_eoi, ==, -1);
    apic_deliver_msi(0xfee01000, 0xc046);
    g_assert_cmphex(take(1), ==, 0x46);
    store32(APIC(EOI), 0);
    g_assert_cmphex(last_eoi, ==, 0x46);
    g_assert_false(apic_deliver_msi(0xfee09000, 0x4045)); /* nobody there */
}

static void test_init_reset(void)
{
    fresh();
    on_cpu(1);
    store32(APIC(TPR), 0x20);
    store32(APIC(ICR), 0x00040061);
    apic_x86_ops.init_reset(vcpu[1].apic);
    g_assert_false(wants(1, CPU_INTERRUPT_HARD));
    g_assert_cmphex(load32(APIC(TPR)), ==, 0);
    g_assert_cmphex(load32(APIC(SVR)), ==, 0xff);
    g_assert_cmphex(load32(APIC(ID)), ==, 0x01000000);
}

/* The one in the middle goes: the others hear what is for all, and nobody what
 * is for it.  It comes back to where it was. */
static void test_take_away(void)
{
    fresh();
    device_unrealize_free((DeviceState *)vcpu[1].apic);
    g_assert_null(vcpu[1].cpu.apic);
    on_cpu(0);
    store32(APIC(ICR), 0x000c0051); /* all but self */
    g_assert_cmphex(take(2), ==, 0x51);
    on_cpu(2);
    store32(APIC(EOI), 0);
    g_assert_false(apic_deliver_msi(0xfee01000, 0x4052));
    g_assert_true(apic_deliver_msi(0xfeeff000, 0x4053));
    g_assert_cmphex(take(2), ==, 0x53);
    vcpu[1].apic = apic_create(&vcpu[1].cpu, &fake_ops);
    fresh();
    g_assert_true(apic_deliver_msi(0xfee01000, 0x4054));
    g_assert_cmphex(take(1), ==, 0x54);
}

int main(int argc, char **argv)
{
    hw_test_init(&argc, &argv);
    pic = pic_create(system_io(), apic_lint0_line());
    for (unsigned i = 0; i < CPUS; i++) {
        vcpu[i].cpu.cs.index = i;
        vcpu[i].cpu.apic_id = i;
        vcpu[i].cpu.tsc_hz = 2000000000;
        vcpu[i].apic = apic_create(&vcpu[i].cpu, &fake_ops);
    }
    apic_map(system_memory());
    apic_connect_pic(pic);
    apic_set_eoi_listener(note_eoi, NULL);
    g_test_add_func("/apic/reset", test_reset_state);
    g_test_add_func("/apic/none", test_no_apic);
    g_test_add_func("/apic/no-deadline", test_no_deadline);
    g_test_add_func("/apic/priority", test_priority);
    g_test_add_func("/apic/ipi", test_ipi_addressing);
    g_test_add_func("/apic/logical", test_logical_flat_and_cluster);
    g_test_add_func("/apic/lowest", test_lowest_priority);
    g_test_add_func("/apic/init-sipi-nmi-smi", test_init_sipi_nmi_smi);
    g_test_add_func("/apic/errors", test_errors);
    g_test_add_func("/apic/timer/one-shot", test_timer_one_shot);
    g_test_add_func("/apic/timer/periodic", test_timer_periodic);
    g_test_add_func("/apic/timer/deadline", test_timer_deadline);
    g_test_add_func("/apic/software-disable", test_software_disable);
    g_test_add_func("/apic/virtual-wire", test_virtual_wire);
    g_test_add_func("/apic/base", test_base_transitions);
    g_test_add_func("/apic/x2apic", test_x2apic);
    g_test_add_func("/apic/x2apic-faults", test_x2apic_faults);
    g_test_add_func("/apic/msi", test_msi);
    g_test_add_func("/apic/init-reset", test_init_reset);
    g_test_add_func("/apic/take-away", test_take_away);
    return g_test_run();
}
