/* SPDX-License-Identifier: MIT */
/* The I/O APIC.  Expected values: 82093AA data sheet, chapter 3. */
#include "hw/intc/ioapic.h"

#include "hw/intc/apic.h"
#include "hw_test.h"

#define LEVEL  0x8000u
#define MASKED 0x10000u
#define REMOTE 0x4000u

static X86CPU cpu;
static ApicState *apic;
static IoapicState *ioapic;
static uint32_t requests;

static void fake_request(CPUState *cs, uint32_t mask)
{
    requests |= mask;
}

static void fake_cancel(CPUState *cs, uint32_t mask)
{
    requests &= ~mask;
}

static void fake_sipi(CPUState *cs, uint8_t vector)
{
}

static uint64_t fake_tsc(CPUState *cs)
{
    return 0;
}

static const ApicCpuOps fake_ops = {
    .request = fake_request,
    .cancel = fake_cancel,
    .sipi = fake_sipi,
    .tsc = fake_tsc,
};

static uint32_t get(uint8_t reg)
{
    store32(IOAPIC_ADDR, reg);
    return load32(IOAPIC_ADDR + 0x10);
}

static void set(uint8_t reg, uint32_t value)
{
    store32(IOAPIC_ADDR, reg);
    store32(IOAPIC_ADDR + 0x10, value);
}

static void set_pin(unsigned n, int level)
{
    irq_set(ioapic_pin(ioapic, n), level);
}

static int take(void)
{
    return apic_x86_ops.get_interrupt(apic);
}

static void eoi(void)
{
    store32(APIC_BASE_ADDR + 0xb0, 0);
}

static void fresh(void)
{
    for (unsigned i = 0; i < IOAPIC_PINS; i++) {
        set_pin(i, 0);
    }
    devices_reset_all();
    store32(APIC_BASE_ADDR + 0xf0, 0x1ff);
}

static void test_registers(void)
{
    fresh();
    g_assert_cmphex(get(1), ==, 0x00170020);
    set(0, 0xffffffff);
    g_assert_cmphex(get(0), ==, 0x0f000000);
    g_assert_cmphex(get(0x10), ==, MASKED);
    set(0x3e, 0xffffffff);
    g_assert_cmphex(get(0x3e), ==, 0x1afff); /* status is read only */
    set(0x3f, 0xffffffff);
    g_assert_cmphex(get(0x3f), ==, 0xff000000);
    g_assert_cmphex(get(0x40), ==, 0); /* past the table */
    set(0xff, 0xffffffff);
}

static void test_edge(void)
{
    fresh();
    set(0x12, 0x41);
    set_pin(1, 1);
    g_assert_cmphex(take(), ==, 0x41);
    eoi();
    g_assert_cmpint(take(), ==, -1); /* once an edge */
    set_pin(1, 0);
    set_pin(1, 1);
    g_assert_cmphex(take(), ==, 0x41);
    eoi();
    set_pin(1, 0);
    set(0x12, MASKED | 0x41);
    set_pin(1, 1); /* neither sent nor held */
    set(0x12, 0x41);
    g_assert_cmpint(take(), ==, -1);
}

static void test_level(void)
{
    fresh();
    set(0x30, LEVEL | 0x51);
    set_pin(16, 1);
    g_assert_cmphex(get(0x30), ==, LEVEL | REMOTE | 0x51);
    g_assert_cmphex(take(), ==, 0x51);
    set_pin(16, 0);
    set_pin(16, 1); /* remote IRR holds it back */
    g_assert_cmpint(take(), ==, -1);
    eoi(); /* still asserted: sent again */
    g_assert_cmphex(take(), ==, 0x51);
    set_pin(16, 0);
    eoi();
    g_assert_cmpint(take(), ==, -1);
    g_assert_cmphex(get(0x30), ==, LEVEL | 0x51);
    set(0x30, MASKED | LEVEL | 0x51);
    set_pin(16, 1);
    g_assert_cmpint(take(), ==, -1);
    set(0x30, LEVEL | 0x51); /* a level waits for its mask */
    g_assert_cmphex(take(), ==, 0x51);
}

static void test_eoi_register(void)
{
    fresh();
    set(0x30, LEVEL | 0x51);
    set_pin(16, 1);
    take();
    set_pin(16, 0);
    store32(IOAPIC_ADDR + 0x40, 0x52);
    g_assert_cmphex(get(0x30) & REMOTE, ==, REMOTE);
    store32(IOAPIC_ADDR + 0x40, 0x51);
    g_assert_cmphex(get(0x30) & REMOTE, ==, 0);
}

static void test_trigger_switch_clears_remote_irr(void)
{
    fresh();
    set(0x30, LEVEL | 0x51);
    set_pin(16, 1);
    set_pin(16, 0);
    set(0x30, MASKED | 0x51);
    set(0x30, MASKED | LEVEL | 0x51);
    g_assert_cmphex(get(0x30) & REMOTE, ==, 0);
}

static void test_modes_and_destination(void)
{
    fresh();
    set(0x14, 0x400);
    set_pin(2, 1);
    g_assert_cmphex(requests & CPU_INTERRUPT_NMI, ==, CPU_INTERRUPT_NMI);
    requests = 0;
    set(0x17, 5u << 24); /* nobody has this identifier */
    set(0x16, 0x61);
    set_pin(3, 1);
    g_assert_cmpint(take(), ==, -1);
}

int main(int argc, char **argv)
{
    hw_test_init(&argc, &argv);
    apic = apic_create(&cpu, &fake_ops);
    apic_map(system_memory());
    ioapic = ioapic_create(system_memory(), IOAPIC_ADDR);
    current_cpu = &cpu.cs;
    g_test_add_func("/ioapic/registers", test_registers);
    g_test_add_func("/ioapic/edge", test_edge);
    g_test_add_func("/ioapic/level", test_level);
    g_test_add_func("/ioapic/eoi", test_eoi_register);
    g_test_add_func("/ioapic/trigger", test_trigger_switch_clears_remote_irr);
    g_test_add_func("/ioapic/modes", test_modes_and_destination);
    return g_test_run();
}
