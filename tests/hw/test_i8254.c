/* SPDX-License-Identifier: MIT */
/* The i8254 and port 61h.  Expected values: Intel 8254 data sheet. */
#include "hw/timer/i8254.h"

#include "hw_test.h"

#define COUNTER(n) (0x40 + (n))
#define CONTROL    0x43

static LineProbe irq0;

/* Let @n clocks of the timer pass, and a little more. */
static void run_clocks(uint64_t n)
{
    clock_virtual_advance((n * NS_PER_SEC + PIT_HZ - 1) / PIT_HZ + 1);
}

static void write_count(unsigned n, uint16_t count)
{
    out8(COUNTER(n), count);
    out8(COUNTER(n), count >> 8);
}

static uint16_t read_latched(unsigned n)
{
    uint8_t low;

    out8(CONTROL, n << 6);
    low = in8(COUNTER(n));
    return low | in8(COUNTER(n)) << 8;
}

static uint8_t read_status(unsigned n)
{
    out8(CONTROL, 0xe0 | 2 << n);
    return in8(COUNTER(n));
}

static void test_mode_0(void)
{
    out8(CONTROL, 0x30);
    g_assert_cmpint(irq0.level, ==, 0);
    g_assert_cmphex(read_status(0), ==, 0x70); /* OUT low, null count */
    irq0.rises = 0;
    write_count(0, 100);
    run_clocks(40);
    g_assert_cmpint(read_latched(0), ==, 60);
    run_clocks(59);
    g_assert_cmpint(irq0.level, ==, 0);
    run_clocks(2);
    g_assert_cmpint(irq0.level, ==, 1);
    g_assert_cmphex(read_status(0), ==, 0xb0);
    run_clocks(1000);
    g_assert_cmpint(irq0.rises, ==, 1);
    g_assert_cmpint(read_latched(0), >, 0xf000); /* goes on past zero */
    out8(COUNTER(0), 1); /* the first byte of a new count sets OUT low */
    g_assert_cmphex(read_status(0) & 0x80, ==, 0);
}

/* 18.2 interrupts a second, exactly PIT_HZ / 65536: no error adds up. */
static void test_mode_2_rate(void)
{
    out8(CONTROL, 0x34);
    write_count(0, 0);
    irq0.rises = 0;
    clock_virtual_advance(1000 * NS_PER_SEC);
    g_assert_cmpint(irq0.rises, ==, (uint64_t)1000 * PIT_HZ / 65536);
}

static void test_mode_2_new_count_waits(void)
{
    out8(CONTROL, 0x34);
    write_count(0, 1000);
    run_clocks(100);
    irq0.rises = 0;
    write_count(0, 5000);
    g_assert_cmphex(read_status(0) & 0x40, ==, 0x40);
    g_assert_cmpint(read_latched(0), ==, 900);
    run_clocks(901);
    g_assert_cmpint(irq0.rises, ==, 1);
    g_assert_cmphex(read_status(0) & 0x40, ==, 0);
    g_assert_cmpint(read_latched(0), >, 4990);
    run_clocks(4900);
    g_assert_cmpint(irq0.rises, ==, 1);
    run_clocks(200);
    g_assert_cmpint(irq0.rises, ==, 2);
}

static void test_mode_3(void)
{
    out8(CONTROL, 0x36);
    write_count(0, 1000);
    run_clocks(100);
    g_assert_cmpint(read_latched(0), ==, 800); /* counts by two */
    g_assert_cmphex(read_status(0) & 0x80, ==, 0x80);
    run_clocks(450);
    g_assert_cmphex(read_status(0) & 0x80, ==, 0);
    irq0.rises = 0;
    run_clocks(455);
    g_assert_cmpint(irq0.rises, ==, 1);
}

static void test_mode_4(void)
{
    out8(CONTROL, 0x38);
    write_count(0, 50);
    g_assert_cmpint(irq0.level, ==, 1);
    irq0.rises = 0;
    run_clocks(52);
    g_assert_cmpint(irq0.rises, ==, 1); /* the strobe has ended */
    run_clocks(70000);
    g_assert_cmpint(irq0.rises, ==, 1);
}

static void test_bcd(void)
{
    out8(CONTROL, 0x31);
    write_count(0, 0x1234);
    run_clocks(234);
    g_assert_cmphex(read_latched(0), ==, 0x1000);
    run_clocks(1);
    g_assert_cmphex(read_latched(0), ==, 0x0999);
}

static void test_access_modes(void)
{
    out8(CONTROL, 0x14); /* low byte only, mode 2 */
    out8(COUNTER(0), 200);
    run_clocks(50);
    g_assert_cmpint(in8(COUNTER(0)), ==, 150);
    out8(CONTROL, 0x24); /* high byte only */
    out8(COUNTER(0), 0x20);
    run_clocks(0x101);
    g_assert_cmphex(in8(COUNTER(0)), ==, 0x1e);
}

static void test_latch_holds(void)
{
    out8(CONTROL, 0x34);
    write_count(0, 10000);
    run_clocks(1000);
    out8(CONTROL, 0x00);
    run_clocks(1000);
    out8(CONTROL, 0x00); /* ignored: the first was not read */
    g_assert_cmpint(in8(COUNTER(0)), ==, (10000 - 1000) & 0xff);
    g_assert_cmpint(in8(COUNTER(0)), ==, (10000 - 1000) >> 8);
}

/* What the kernel's TSC calibration does: mode 0, gate, wait for OUT. */
static void test_gate_and_port61(void)
{
    out8(0x61, 0);
    out8(CONTROL, 0xb0);
    write_count(2, 1000);
    run_clocks(500);
    g_assert_cmpint(read_latched(2), ==, 1000); /* the gate holds it */
    out8(0x61, 1);
    g_assert_cmphex(in8(0x61) & 0x21, ==, 0x01);
    run_clocks(400);
    out8(0x61, 0);
    run_clocks(400);
    g_assert_cmpint(read_latched(2), ==, 600);
    out8(0x61, 1);
    run_clocks(599);
    g_assert_cmphex(in8(0x61) & 0x20, ==, 0);
    run_clocks(2);
    g_assert_cmphex(in8(0x61) & 0x20, ==, 0x20);
}

static void test_mode_1(void)
{
    out8(0x61, 0);
    out8(CONTROL, 0xb2);
    write_count(2, 300);
    run_clocks(1000);
    g_assert_cmphex(in8(0x61) & 0x20, ==, 0x20); /* no trigger yet */
    out8(0x61, 1);
    g_assert_cmphex(in8(0x61) & 0x20, ==, 0);
    run_clocks(200);
    out8(0x61, 0);
    out8(0x61, 1); /* triggers again */
    run_clocks(299);
    g_assert_cmphex(in8(0x61) & 0x20, ==, 0);
    run_clocks(2);
    g_assert_cmphex(in8(0x61) & 0x20, ==, 0x20);
}

static void test_refresh_toggles(void)
{
    uint8_t first = in8(0x61) & 0x10;

    clock_virtual_advance(15085);
    g_assert_cmphex(in8(0x61) & 0x10, !=, first);
    clock_virtual_advance(15085);
    g_assert_cmphex(in8(0x61) & 0x10, ==, first);
}

int main(int argc, char **argv)
{
    hw_test_init(&argc, &argv);
    pcspk_create(system_io(), pit_create(system_io(), line_probe_init(&irq0)));
    devices_reset_all();
    g_test_add_func("/i8254/mode-0", test_mode_0);
    g_test_add_func("/i8254/mode-2-rate", test_mode_2_rate);
    g_test_add_func("/i8254/mode-2-new-count", test_mode_2_new_count_waits);
    g_test_add_func("/i8254/mode-3", test_mode_3);
    g_test_add_func("/i8254/mode-4", test_mode_4);
    g_test_add_func("/i8254/mode-1", test_mode_1);
    g_test_add_func("/i8254/bcd", test_bcd);
    g_test_add_func("/i8254/access", test_access_modes);
    g_test_add_func("/i8254/latch", test_latch_holds);
    g_test_add_func("/i8254/port61", test_gate_and_port61);
    g_test_add_func("/i8254/refresh", test_refresh_toggles);
    return g_test_run();
}
