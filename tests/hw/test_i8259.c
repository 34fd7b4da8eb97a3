/* SPDX-License-Identifier: MIT */
/* The i8259 pair.  Expected values: Intel 8259A data sheet (231468-003). */
#include "hw/intc/i8259.h"

#include <string.h>

#include "hw/intc/info.h"
#include "hw_test.h"

#define MASTER 0x20
#define SLAVE  0xa0


static LineProbe intr;
static PicState *pic;

static void set_line(unsigned n, int level)
{
    irq_set(pic_input(pic, n), level);
}

/* As a PC's firmware does: vectors 08h and 70h, @icw4 for both. */
static void init_chips(uint8_t icw4)
{
    for (unsigned n = 0; n < PIC_INPUTS; n++) {
        set_line(n, 0);
    }
    out8(0x4d0, 0);
    out8(0x4d1, 0);
    out8(MASTER, 0x11);
    out8(MASTER + 1, 0x08);
    out8(MASTER + 1, 0x04);
    out8(MASTER + 1, icw4);
    out8(SLAVE, 0x11);
    out8(SLAVE + 1, 0x70);
    out8(SLAVE + 1, 0x02);
    out8(SLAVE + 1, icw4);
}

static uint8_t read_isr(uint16_t chip)
{
    out8(chip, 0x0b);
    return in8(chip);
}

static uint8_t read_irr(uint16_t chip)
{
    out8(chip, 0x0a);
    return in8(chip);
}

static void test_priority(void)
{
    init_chips(0x01);
    set_line(4, 1);
    set_line(1, 1);
    g_assert_cmpint(intr.level, ==, 1);
    g_assert_cmphex(read_irr(MASTER), ==, 0x12);
    g_assert_cmphex(pic_read_irq(pic), ==, 0x09);
    g_assert_cmphex(read_isr(MASTER), ==, 0x02);
    /* Input 4 waits for the end of input 1's service. */
    g_assert_cmpint(intr.level, ==, 0);
    out8(MASTER, 0x20);
    g_assert_cmpint(intr.level, ==, 1);
    g_assert_cmphex(pic_read_irq(pic), ==, 0x0c);
    /* A higher one interrupts the service. */
    set_line(0, 1);
    g_assert_cmpint(intr.level, ==, 1);
    g_assert_cmphex(pic_read_irq(pic), ==, 0x08);
    g_assert_cmphex(read_isr(MASTER), ==, 0x11);
    out8(MASTER, 0x64); /* specific EOI of input 4 */
    g_assert_cmphex(read_isr(MASTER), ==, 0x01);
}

static void test_mask(void)
{
    init_chips(0x01);
    out8(MASTER + 1, 0x08);
    g_assert_cmphex(in8(MASTER + 1), ==, 0x08);
    set_line(3, 1);
    g_assert_cmpint(intr.level, ==, 0);
    out8(MASTER + 1, 0);
    g_assert_cmpint(intr.level, ==, 1);
}

static void test_cascade(void)
{
    init_chips(0x01);
    set_line(12, 1);
    g_assert_cmphex(pic_read_irq(pic), ==, 0x74);
    g_assert_cmphex(read_isr(MASTER), ==, 0x04);
    g_assert_cmphex(read_isr(SLAVE), ==, 0x10);
    /* Not fully nested: the master holds the slave back. */
    set_line(8, 1);
    g_assert_cmpint(intr.level, ==, 0);
    out8(MASTER, 0x20);
    g_assert_cmpint(intr.level, ==, 1);
    g_assert_cmphex(pic_read_irq(pic), ==, 0x70);
}

static void test_special_fully_nested(void)
{
    init_chips(0x11);
    set_line(12, 1);
    g_assert_cmphex(pic_read_irq(pic), ==, 0x74);
    set_line(8, 1);
    g_assert_cmpint(intr.level, ==, 1);
    g_assert_cmphex(pic_read_irq(pic), ==, 0x70);
}

static void test_edge_and_level(void)
{
    init_chips(0x01);
    set_line(5, 1);
    g_assert_cmphex(pic_read_irq(pic), ==, 0x0d);
    out8(MASTER, 0x20);
    g_assert_cmpint(intr.level, ==, 0); /* the edge is used up */
    out8(0x4d0, 0xff);
    g_assert_cmphex(in8(0x4d0), ==, 0xf8);
    out8(0x4d1, 0xff);
    g_assert_cmphex(in8(0x4d1), ==, 0xde);
    g_assert_cmpint(intr.level, ==, 1); /* the level still stands */
    g_assert_cmphex(pic_read_irq(pic), ==, 0x0d);
    out8(MASTER, 0x20);
    g_assert_cmpint(intr.level, ==, 1);
    set_line(5, 0);
    g_assert_cmpint(intr.level, ==, 0);
}

static void test_spurious(void)
{
    init_chips(0x01);
    set_line(3, 1);
    set_line(3, 0);
    g_assert_cmphex(pic_read_irq(pic), ==, 0x0f);
    g_assert_cmphex(read_isr(MASTER), ==, 0);
    /* A slave's spurious interrupt leaves the master in service. */
    set_line(10, 1);
    out8(SLAVE + 1, 0x04);
    set_line(2, 1);
    g_assert_cmphex(pic_read_irq(pic), ==, 0x77);
    g_assert_cmphex(read_isr(MASTER), ==, 0x04);
    g_assert_cmphex(read_isr(SLAVE), ==, 0);
}

static void test_auto_eoi_and_rotation(void)
{
    init_chips(0x03);
    set_line(0, 1);
    g_assert_cmphex(pic_read_irq(pic), ==, 0x08);
    g_assert_cmphex(read_isr(MASTER), ==, 0);

    init_chips(0x01);
    set_line(0, 1);
    g_assert_cmphex(pic_read_irq(pic), ==, 0x08);
    out8(MASTER, 0xa0); /* rotate on EOI: input 0 is now the lowest */
    set_line(0, 0);
    set_line(0, 1);
    set_line(7, 1);
    g_assert_cmphex(pic_read_irq(pic), ==, 0x0f);
    out8(MASTER, 0x20);
    g_assert_cmphex(pic_read_irq(pic), ==, 0x08);
    out8(MASTER, 0xc2); /* input 2 lowest, so 3 highest */
    out8(MASTER, 0x20);
    set_line(4, 1);
    set_line(3, 1);
    g_assert_cmphex(pic_read_irq(pic), ==, 0x0b);
}

static void test_special_mask(void)
{
    init_chips(0x01);
    set_line(1, 1);
    g_assert_cmphex(pic_read_irq(pic), ==, 0x09);
    set_line(6, 1);
    g_assert_cmpint(intr.level, ==, 0);
    out8(MASTER + 1, 0x02);
    out8(MASTER, 0x68);
    g_assert_cmpint(intr.level, ==, 1);
    g_assert_cmphex(pic_read_irq(pic), ==, 0x0e);
    out8(MASTER, 0x20); /* ends input 6, not the masked input 1 */
    g_assert_cmphex(read_isr(MASTER), ==, 0x02);
    out8(MASTER, 0x48);
}

static void test_poll(void)
{
    init_chips(0x01);
    out8(MASTER, 0x0c);
    g_assert_cmphex(in8(MASTER) & 0x80, ==, 0);
    set_line(6, 1);
    out8(MASTER, 0x0c);
    g_assert_cmphex(in8(MASTER), ==, 0x86);
    g_assert_cmphex(read_isr(MASTER), ==, 0x40);
    g_assert_cmpint(intr.level, ==, 0);
}

static void test_info(void)
{
    g_autoptr(GString) out = g_string_new(NULL);

    init_chips(0x01);
    set_line(12, 1);
    pic_read_irq(pic);
    out8(MASTER + 1, 0xa5);
    intc_info_pic(out);
    g_assert_nonnull(strstr(out->str, "pic0: irr=00 imr=a5"));
    g_assert_nonnull(strstr(out->str, "pic1: "));
    g_string_truncate(out, 0);
    intc_info_irq(out);
    g_assert_nonnull(strstr(out->str, "\n12: "));
}

int main(int argc, char **argv)
{
    hw_test_init(&argc, &argv);
    pic = pic_create(system_io(), line_probe_init(&intr));
    g_test_add_func("/i8259/priority", test_priority);
    g_test_add_func("/i8259/mask", test_mask);
    g_test_add_func("/i8259/cascade", test_cascade);
    g_test_add_func("/i8259/sfnm", test_special_fully_nested);
    g_test_add_func("/i8259/edge-level", test_edge_and_level);
    g_test_add_func("/i8259/spurious", test_spurious);
    g_test_add_func("/i8259/rotation", test_auto_eoi_and_rotation);
    g_test_add_func("/i8259/special-mask", test_special_mask);
    g_test_add_func("/i8259/poll", test_poll);
    g_test_add_func("/i8259/info", test_info);
    return g_test_run();
}
