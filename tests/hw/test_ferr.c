/* SPDX-License-Identifier: MIT */
/*
 * Coprocessor error latch: FERR# raises IRQ 13, a write to port F0h or a reset
 * lowers it.  Expected values: Intel 82371SB datasheet, "Coprocessor Error
 * Register".
 */
#include "hw/isa/ferr.h"

#include "hw_test.h"

#define PORT 0xf0

static LineProbe irq13;
static FerrState *ferr;

static void test_latch(void)
{
    ferr_assert(ferr);
    ferr_assert(ferr);
    g_assert_cmpint(irq13.level, ==, 1);
    g_assert_cmpint(irq13.rises, ==, 1);
    out8(PORT, 0);
    g_assert_cmpint(irq13.level, ==, 0);
    ferr_assert(ferr);
    g_assert_cmpint(irq13.level, ==, 1);
    out8(PORT, 0xff); /* the value is of no account */
    g_assert_cmpint(irq13.level, ==, 0);
}

static void test_reset(void)
{
    ferr_assert(ferr);
    devices_reset_all();
    g_assert_cmpint(irq13.level, ==, 0);
}

int main(int argc, char **argv)
{
    hw_test_init(&argc, &argv);
    ferr = ferr_create(system_io(), line_probe_init(&irq13));
    g_test_add_func("/ferr/latch", test_latch);
    g_test_add_func("/ferr/reset", test_reset);
    return g_test_run();
}
