/* SPDX-License-Identifier: MIT */
/* Keyboard controller, keyboard and mouse.  Expected values: IBM PS/2 Hardware
 * Interface Technical Reference. */
#include "hw/input/i8042.h"

#include "hw_test.h"

#define DATA    0x60
#define COMMAND 0x64

static LineProbe irq1, irq12, a20, reset;
static I8042State *kbc;

static uint8_t read_data(void)
{
    g_assert_cmphex(in8(COMMAND) & 1, ==, 1);
    return in8(DATA);
}

static void set_mode(uint8_t mode)
{
    out8(COMMAND, 0x60);
    out8(DATA, mode);
}

static void mouse(uint8_t value)
{
    out8(COMMAND, 0xd4);
    out8(DATA, value);
}

static void mouse_acked(uint8_t value)
{
    mouse(value);
    g_assert_cmphex(in8(COMMAND) & 0x21, ==, 0x21);
    g_assert_cmphex(in8(DATA), ==, 0xfa);
}

static void fresh(uint8_t mode)
{
    devices_reset_all();
    set_mode(mode);
    irq1.rises = irq12.rises = reset.rises = 0;
}

static void assert_empty(void)
{
    g_assert_cmphex(in8(COMMAND) & 1, ==, 0);
}

static void test_controller(void)
{
    fresh(0);
    out8(COMMAND, 0xaa);
    g_assert_cmphex(read_data(), ==, 0x55);
    g_assert_cmphex(in8(COMMAND), ==, 0x1c); /* unlocked, command, system */
    out8(COMMAND, 0xab);
    g_assert_cmphex(read_data(), ==, 0x00);
    out8(COMMAND, 0xa9);
    g_assert_cmphex(read_data(), ==, 0x00);
    set_mode(0x47);
    out8(COMMAND, 0x20);
    g_assert_cmphex(read_data(), ==, 0x47);
    out8(COMMAND, 0x75);
    out8(DATA, 0x99);
    out8(COMMAND, 0x35);
    g_assert_cmphex(read_data(), ==, 0x99);
    out8(COMMAND, 0xd2);
    out8(DATA, 0x12);
    g_assert_cmphex(read_data(), ==, 0x12);
    out8(COMMAND, 0xd3);
    out8(DATA, 0x34);
    g_assert_cmphex(in8(COMMAND) & 0x20, ==, 0x20);
    g_assert_cmphex(read_data(), ==, 0x34);
    assert_empty();
}

static void test_a20_and_reset(void)
{
    fresh(0);
    g_assert_cmpint(a20.level, ==, 1);
    out8(COMMAND, 0xd1);
    out8(DATA, 0xdd);
    g_assert_cmpint(a20.level, ==, 0);
    out8(COMMAND, 0xd0);
    g_assert_cmphex(read_data() & 3, ==, 0x01);
    out8(COMMAND, 0xdf);
    g_assert_cmpint(a20.level, ==, 1);
    g_assert_cmpint(reset.rises, ==, 0);
    out8(COMMAND, 0xf1); /* pulses other bits */
    g_assert_cmpint(reset.rises, ==, 0);
    out8(COMMAND, 0xfe);
    g_assert_cmpint(reset.rises, ==, 1);
}

static void test_keyboard_commands(void)
{
    fresh(0x00);
    out8(DATA, 0xff);
    g_assert_cmphex(read_data(), ==, 0xfa);
    g_assert_cmphex(read_data(), ==, 0xaa);
    out8(DATA, 0xf2);
    g_assert_cmphex(read_data(), ==, 0xfa);
    g_assert_cmphex(read_data(), ==, 0xab);
    g_assert_cmphex(read_data(), ==, 0x83);
    out8(DATA, 0xed);
    g_assert_cmphex(read_data(), ==, 0xfa);
    out8(DATA, 0x05);
    g_assert_cmphex(read_data(), ==, 0xfa);
    g_assert_cmphex(ps2_kbd_leds(i8042_kbd(kbc)), ==, 5);
    out8(DATA, 0xee);
    g_assert_cmphex(read_data(), ==, 0xee);
    out8(DATA, 0xf0);
    g_assert_cmphex(read_data(), ==, 0xfa);
    out8(DATA, 0x00);
    g_assert_cmphex(read_data(), ==, 0xfa);
    g_assert_cmphex(read_data(), ==, 0x02);
    out8(DATA, 0x01); /* no such command */
    g_assert_cmphex(read_data(), ==, 0xfe);
    assert_empty();
}

static void test_keys_translated(void)
{
    Ps2Kbd *kbd = i8042_kbd(kbc);

    fresh(0x41);
    ps2_kbd_key(kbd, 0x1e, true);
    ps2_kbd_key(kbd, 0x1e, false);
    ps2_kbd_key(kbd, 0xe04b, true);
    ps2_kbd_key(kbd, 0xe04b, false);
    ps2_kbd_key(kbd, 0x41, true); /* F7 is 83h in set 2 */
    g_assert_cmpint(irq1.rises, ==, 1);
    g_assert_cmphex(read_data(), ==, 0x1e);
    g_assert_cmpint(irq1.rises, ==, 2); /* each byte is an edge */
    g_assert_cmphex(read_data(), ==, 0x9e);
    g_assert_cmphex(read_data(), ==, 0xe0);
    g_assert_cmphex(read_data(), ==, 0x4b);
    g_assert_cmphex(read_data(), ==, 0xe0);
    g_assert_cmphex(read_data(), ==, 0xcb);
    g_assert_cmphex(read_data(), ==, 0x41);
    assert_empty();
    g_assert_cmpint(irq1.level, ==, 0);
}

static void test_keys_raw(void)
{
    Ps2Kbd *kbd = i8042_kbd(kbc);
    static const uint8_t pause[] = {0xe1, 0x14, 0x77, 0xe1,
                                    0xf0, 0x14, 0xf0, 0x77};
    static const uint8_t print[] = {0xe0, 0x12, 0xe0, 0x7c};

    fresh(0x00);
    ps2_kbd_key(kbd, 0x1e, true);
    ps2_kbd_key(kbd, 0x1e, false);
    g_assert_cmphex(read_data(), ==, 0x1c);
    g_assert_cmphex(read_data(), ==, 0xf0);
    g_assert_cmphex(read_data(), ==, 0x1c);
    ps2_kbd_key(kbd, PS2_KEY_PAUSE, true);
    ps2_kbd_key(kbd, PS2_KEY_PAUSE, false);
    for (unsigned i = 0; i < sizeof(pause); i++) {
        g_assert_cmphex(read_data(), ==, pause[i]);
    }
    ps2_kbd_key(kbd, PS2_KEY_PRINT, true);
    for (unsigned i = 0; i < sizeof(print); i++) {
        g_assert_cmphex(read_data(), ==, print[i]);
    }
    assert_empty();
    g_assert_cmpint(irq1.rises, ==, 0); /* the interrupt is off */
}

/* Every key comes back from translation as itself. */
static void test_translation_round_trip(void)
{
    fresh(0x40);
    for (unsigned key = 1; key < 0x59; key++) {
        if (key == 0x55) {
            continue; /* no key */
        }
        ps2_kbd_key(i8042_kbd(kbc), key, true);
        g_assert_cmphex(read_data(), ==, key);
    }
}

static void test_disabled_port_keeps_keys(void)
{
    Ps2Kbd *kbd = i8042_kbd(kbc);

    fresh(0x41);
    out8(COMMAND, 0xad);
    ps2_kbd_key(kbd, 0x10, true);
    assert_empty();
    out8(COMMAND, 0xae);
    g_assert_cmphex(read_data(), ==, 0x10);
    for (unsigned i = 0; i < 1000; i++) {
        ps2_kbd_key(kbd, 0x10, true);
    }
    g_assert_false(ps2_kbd_key(kbd, 0x10, true));
}

static void test_mouse_commands(void)
{
    fresh(0x02);
    mouse_acked(0xff);
    g_assert_cmpint(irq12.rises, >=, 1);
    g_assert_cmphex(read_data(), ==, 0xaa);
    g_assert_cmphex(read_data(), ==, 0x00);
    mouse_acked(0xf2);
    g_assert_cmphex(read_data(), ==, 0x00);
    mouse_acked(0xe8);
    mouse_acked(0x03);
    mouse_acked(0xe9);
    g_assert_cmphex(read_data(), ==, 0x00);
    g_assert_cmphex(read_data(), ==, 0x03);
    g_assert_cmphex(read_data(), ==, 100);
    mouse(0x01);
    g_assert_cmphex(read_data(), ==, 0xfe);
    mouse_acked(0xee); /* wrap: everything comes back */
    mouse(0xf4);
    g_assert_cmphex(read_data(), ==, 0xf4);
    mouse_acked(0xec);
    assert_empty();
}

static void test_mouse_stream(void)
{
    Ps2Mouse *m = i8042_mouse(kbc);

    fresh(0x02);
    ps2_mouse_event(m, 5, 5, 0, 0);
    assert_empty(); /* reporting is off */
    mouse_acked(0xf6);
    mouse_acked(0xf4);
    ps2_mouse_event(m, 10, -3, 0, PS2_BUTTON_LEFT);
    g_assert_cmphex(read_data(), ==, 0x29);
    g_assert_cmphex(read_data(), ==, 10);
    g_assert_cmphex(read_data(), ==, 0xfd);
    assert_empty();
    ps2_mouse_event(m, 300, 0, 0, 0); /* two packets */
    g_assert_cmphex(read_data(), ==, 0x08);
    g_assert_cmphex(read_data(), ==, 255);
    g_assert_cmphex(read_data(), ==, 0);
    g_assert_cmphex(read_data(), ==, 0x08);
    g_assert_cmphex(read_data(), ==, 45);
    g_assert_cmphex(read_data(), ==, 0);
    assert_empty();
}

static void test_mouse_wheel(void)
{
    static const uint8_t knock[] = {200, 100, 80};

    fresh(0x02);
    mouse_acked(0xf6);
    for (unsigned i = 0; i < sizeof(knock); i++) {
        mouse_acked(0xf3);
        mouse_acked(knock[i]);
    }
    mouse_acked(0xf2);
    g_assert_cmphex(read_data(), ==, 0x03);
    mouse_acked(0xf0); /* remote: only when asked */
    ps2_mouse_event(i8042_mouse(kbc), 1, 2, -1, 0);
    assert_empty();
    mouse_acked(0xeb);
    g_assert_cmphex(read_data(), ==, 0x08);
    g_assert_cmphex(read_data(), ==, 1);
    g_assert_cmphex(read_data(), ==, 2);
    g_assert_cmphex(read_data(), ==, 0xff);
    assert_empty();
}

int main(int argc, char **argv)
{
    I8042Lines lines;

    hw_test_init(&argc, &argv);
    lines.irq1 = line_probe_init(&irq1);
    lines.irq12 = line_probe_init(&irq12);
    lines.a20 = line_probe_init(&a20);
    lines.reset = line_probe_init(&reset);
    kbc = i8042_create(system_io(), &lines);
    g_test_add_func("/i8042/controller", test_controller);
    g_test_add_func("/i8042/a20-reset", test_a20_and_reset);
    g_test_add_func("/i8042/kbd/commands", test_keyboard_commands);
    g_test_add_func("/i8042/kbd/translated", test_keys_translated);
    g_test_add_func("/i8042/kbd/raw", test_keys_raw);
    g_test_add_func("/i8042/kbd/round-trip", test_translation_round_trip);
    g_test_add_func("/i8042/kbd/disabled", test_disabled_port_keeps_keys);
    g_test_add_func("/i8042/mouse/commands", test_mouse_commands);
    g_test_add_func("/i8042/mouse/stream", test_mouse_stream);
    g_test_add_func("/i8042/mouse/wheel", test_mouse_wheel);
    return g_test_run();
}
