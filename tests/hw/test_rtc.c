/* SPDX-License-Identifier: MIT */
/* The real-time clock.  Expected values: MC146818A data sheet. */
#include "hw/timer/mc146818rtc.h"

#include "hw_test.h"

enum { SEC, SEC_ALARM, MIN_, MIN_ALARM, HOUR, HOUR_ALARM, WDAY, DAY, MON, YEAR,
       REG_A, REG_B, REG_C, REG_D, CENTURY = 0x32 };

static LineProbe irq8;
static IrqLine irq8_line;
static bool host_is_slow; /* when the line rises */

/* One of 8192 Hz at least. */
static void wait_period(void)
{
    int64_t end = clock_get_ns(CLOCK_TYPE_VIRTUAL) + NS_PER_SEC / 8000;

    while (clock_get_ns(CLOCK_TYPE_VIRTUAL) < end) {
    }
}

static void irq8_set(void *opaque, int n, int level)
{
    line_probe_set(opaque, n, level);
    if (level && host_is_slow) {
        wait_period();
    }
}
static RtcState *rtc;

static uint8_t get(uint8_t reg)
{
    out8(0x70, reg);
    return in8(0x71);
}

static void set(uint8_t reg, uint8_t value)
{
    out8(0x70, reg | 0x80); /* the NMI mask must not matter */
    out8(0x71, value);
}

/* As kernels do: the next second begins half a second after the last write. */
static void set_time(uint8_t b, const uint8_t hms[3], const uint8_t wdmyc[5])
{
    set(REG_B, b | 0x80);
    set(REG_A, 0x76);
    set(HOUR, hms[0]);
    set(MIN_, hms[1]);
    set(SEC, hms[2]);
    set(WDAY, wdmyc[0]);
    set(DAY, wdmyc[1]);
    set(MON, wdmyc[2]);
    set(YEAR, wdmyc[3]);
    set(CENTURY, wdmyc[4]);
    set(REG_B, b);
    set(REG_A, 0x26);
    get(REG_C);
}

static const uint8_t new_years_eve[5] = {0x06, 0x31, 0x12, 0x99, 0x19};

static void test_rollover_bcd(void)
{
    set_time(0x02, (const uint8_t[]){0x23, 0x59, 0x59}, new_years_eve);
    clock_virtual_advance(400 * NS_PER_MS);
    g_assert_cmphex(get(SEC), ==, 0x59);
    clock_virtual_advance(100 * NS_PER_MS);
    g_assert_cmphex(get(SEC), ==, 0x00);
    g_assert_cmphex(get(MIN_), ==, 0x00);
    g_assert_cmphex(get(HOUR), ==, 0x00);
    g_assert_cmphex(get(WDAY), ==, 0x07);
    g_assert_cmphex(get(DAY), ==, 0x01);
    g_assert_cmphex(get(MON), ==, 0x01);
    g_assert_cmphex(get(YEAR), ==, 0x00);
    g_assert_cmphex(get(CENTURY), ==, 0x20);
}

static void test_12_hours_binary(void)
{
    /* 11:59:59 PM, binary, 12 hours. */
    set_time(0x04, (const uint8_t[]){0x8b, 59, 59},
             (const uint8_t[]){1, 28, 2, 24, 20});
    g_assert_cmphex(get(HOUR), ==, 0x8b);
    clock_virtual_advance(500 * NS_PER_MS);
    g_assert_cmphex(get(HOUR), ==, 12); /* midnight is 12 AM */
    g_assert_cmpint(get(DAY), ==, 29);  /* a leap year */
    clock_virtual_advance(12 * 3600 * NS_PER_SEC);
    g_assert_cmphex(get(HOUR), ==, 0x8c);
}

static void test_set_holds_time(void)
{
    set_time(0x02, (const uint8_t[]){0x10, 0x20, 0x30}, new_years_eve);
    set(REG_B, 0x82);
    clock_virtual_advance(5 * NS_PER_SEC);
    g_assert_cmphex(get(SEC), ==, 0x30);
    g_assert_cmphex(get(REG_A) & 0x80, ==, 0);
    set(REG_B, 0x02);
    clock_virtual_advance(NS_PER_SEC);
    g_assert_cmphex(get(SEC), ==, 0x31);
}

/* UIP stands from 244 us before the update to its end, 1984 us later. */
static void test_uip(void)
{
    set_time(0x02, (const uint8_t[]){0x10, 0x20, 0x30}, new_years_eve);
    clock_virtual_advance(497 * NS_PER_MS);
    g_assert_cmphex(get(REG_A), ==, 0x26);
    clock_virtual_advance(NS_PER_MS);
    g_assert_cmphex(get(REG_A), ==, 0xa6);
    clock_virtual_advance(2 * NS_PER_MS);
    g_assert_cmphex(get(REG_A), ==, 0x26);
    g_assert_cmphex(get(SEC), ==, 0x31);
}

static void test_alarm(void)
{
    set_time(0x02, (const uint8_t[]){0x10, 0x20, 0x58}, new_years_eve);
    set(SEC_ALARM, 0x01);
    set(MIN_ALARM, 0x21);
    set(HOUR_ALARM, 0xff); /* any */
    set(REG_B, 0x22);
    clock_virtual_advance(2 * NS_PER_SEC);
    g_assert_cmpint(irq8.level, ==, 0);
    clock_virtual_advance(NS_PER_SEC);
    g_assert_cmpint(irq8.level, ==, 1);
    g_assert_cmphex(get(REG_C) & 0xb0, ==, 0xb0); /* IRQF, AF, UF */
    g_assert_cmpint(irq8.level, ==, 0);
    g_assert_cmphex(get(REG_C), ==, 0);
    irq8.rises = 0;
    clock_virtual_advance(3600 * NS_PER_SEC);
    g_assert_cmpint(irq8.rises, ==, 1);
    set(REG_B, 0x02);
    get(REG_C);
}

static void test_update_interrupt(void)
{
    set_time(0x02, (const uint8_t[]){0x10, 0x20, 0x58}, new_years_eve);
    set(REG_B, 0x12);
    clock_virtual_advance(499 * NS_PER_MS);
    g_assert_cmpint(irq8.level, ==, 0);
    clock_virtual_advance(NS_PER_MS);
    g_assert_cmpint(irq8.level, ==, 1);
    g_assert_cmphex(get(REG_C) & 0x90, ==, 0x90);
    set(REG_B, 0x02);
}

/* Rate 6 is 1024 Hz: acknowledged at once, so many come in a second. */
static void test_periodic(void)
{
    unsigned n = 0;

    set(REG_A, 0x26);
    set(REG_B, 0x42);
    get(REG_C);
    for (unsigned i = 0; i < 10000; i++) {
        clock_virtual_advance(100 * NS_PER_US);
        if (irq8.level) {
            n++;
            g_assert_cmphex(get(REG_C) & 0xc0, ==, 0xc0);
        }
    }
    g_assert_cmpint(n, ==, 1024);
    set(REG_B, 0x02);
}

/* The period that begins while C is being read is one more edge: who waits for
 * edges would wait for ever on a line that stayed high. */
static void test_periodic_meanwhile(void)
{
    set(REG_A, 0x23); /* 8192 Hz */
    set(REG_B, 0x42);
    get(REG_C);
    irq8.rises = 0;
    clock_virtual_start();
    wait_period();
    host_is_slow = true;
    get(REG_C);
    host_is_slow = false;
    clock_virtual_stop();
    g_assert_cmpuint(irq8.rises, ==, 2);
    set(REG_B, 0x02);
}

static void test_memory_and_reset(void)
{
    rtc_set_cmos(rtc, 0x34, 0x5a);
    set(0x7f, 0xa5);
    g_assert_cmphex(get(0x34), ==, 0x5a);
    set(REG_B, 0x72);
    devices_reset_all();
    g_assert_cmphex(get(0x7f), ==, 0xa5);
    g_assert_cmphex(get(REG_B), ==, 0x02);
    g_assert_cmphex(get(REG_D), ==, 0x80);
    set(REG_D, 0);
    g_assert_cmphex(get(REG_D), ==, 0x80);
}

/* Whatever bytes a guest leaves there, the clock goes on. */
static void test_nonsense(void)
{
    for (unsigned v = 0; v < 256; v++) {
        for (unsigned reg = 0; reg < 10; reg++) {
            set(reg, v * 7 + reg);
        }
        set(CENTURY, v);
        clock_virtual_advance(NS_PER_SEC);
        g_assert_cmphex(get(MIN_) & 0x0f, <, 10);
    }
}

/* The first second is a whole one, whatever the host's clock says. */
static void test_base(void)
{
    g_assert_cmphex(get(SEC), ==, 0x10);
    clock_virtual_advance(NS_PER_SEC - 1);
    g_assert_cmphex(get(SEC), ==, 0x10);
    clock_virtual_advance(1);
    g_assert_cmphex(get(SEC), ==, 0x11);
    g_assert_cmphex(get(DAY), ==, 0x17);
    g_assert_cmphex(get(YEAR), ==, 0x06);
}

int main(int argc, char **argv)
{
    /* 2006-06-17 00:00:10 */
    static const RtcConfig config = {
        .clock_vm = true, .has_base = true, .base_s = 13316 * 86400 + 10};

    hw_test_init(&argc, &argv);
    irq_init(&irq8_line, irq8_set, &irq8, 0);
    rtc = rtc_create(system_io(), &config, &irq8_line);
    g_test_add_func("/rtc/base", test_base);
    g_test_add_func("/rtc/rollover", test_rollover_bcd);
    g_test_add_func("/rtc/12-hours", test_12_hours_binary);
    g_test_add_func("/rtc/set", test_set_holds_time);
    g_test_add_func("/rtc/uip", test_uip);
    g_test_add_func("/rtc/alarm", test_alarm);
    g_test_add_func("/rtc/update", test_update_interrupt);
    g_test_add_func("/rtc/periodic", test_periodic);
    g_test_add_func("/rtc/periodic-meanwhile", test_periodic_meanwhile);
    g_test_add_func("/rtc/memory", test_memory_and_reset);
    g_test_add_func("/rtc/nonsense", test_nonsense);
    return g_test_run();
}
