/* SPDX-License-Identifier: MIT */
/* The 16550A.  Expected values: PC16550D data sheet, section 8. */
#include "hw/char/serial.h"

#include "fake_chardev.h"
#include "hw_test.h"

#define COM1 0x3f8
#define RBR  (COM1 + 0)
#define IER  (COM1 + 1)
#define IIR  (COM1 + 2)
#define LCR  (COM1 + 3)
#define MCR  (COM1 + 4)
#define LSR  (COM1 + 5)
#define MSR  (COM1 + 6)
#define SCR  (COM1 + 7)

static LineProbe irq4;
static FakeChardev *chr;

/* 115200 baud, 8N1; one character takes 86.8 us. */
static void init_port(uint8_t fcr, uint8_t ier)
{
    devices_reset_all();
    g_byte_array_set_size(chr->out, 0);
    g_byte_array_set_size(chr->in, 0);
    chr->room = 1000;
    out8(LCR, 0x80);
    out8(RBR, 1);
    out8(IER, 0);
    out8(LCR, 0x03);
    out8(MCR, 0x0b);
    out8(IIR, fcr);
    out8(IER, ier);
}

static void test_identity(void)
{
    init_port(0, 0);
    out8(SCR, 0xa5);
    g_assert_cmphex(in8(SCR), ==, 0xa5);
    out8(LCR, 0x83);
    g_assert_cmphex(in8(RBR), ==, 1);
    out8(LCR, 0x03);
    out8(IER, 0xff);
    g_assert_cmphex(in8(IER), ==, 0x0f);
    out8(IER, 0);
    g_assert_cmphex(in8(IIR), ==, 0x01);
    out8(IIR, 0x01);
    g_assert_cmphex(in8(IIR), ==, 0xc1);
    g_assert_cmphex(in8(LSR), ==, 0x60);
}

static void test_transmit(void)
{
    init_port(0x01, 0);
    for (const char *p = "hello"; *p; p++) {
        out8(RBR, *p);
    }
    g_assert_cmphex(in8(LSR) & 0x60, ==, 0x60);
    g_assert_cmpmem(chr->out->data, chr->out->len, "hello", 5);
}

/* Nobody need look for the bytes to leave, in their time. */
static void test_transmit_unwatched(void)
{
    init_port(0x01, 0x02);
    in8(IIR);
    for (const char *p = "twenty bytes of text"; *p; p++) {
        out8(RBR, *p);
    }
    g_assert_cmpmem(chr->out->data, chr->out->len, "twenty bytes of ", 16);
    clock_virtual_advance(NS_PER_MS);
    g_assert_cmpmem(chr->out->data, chr->out->len, "twenty bytes of text", 20);
    g_assert_cmphex(in8(IIR), ==, 0xc2);
}

/* A driver that goes on for as long as IIR shows an interrupt comes to an end,
 * and gets a new edge. */
static void test_transmit_burst(void)
{
    unsigned passes = 0;

    init_port(0x01, 0x02);
    chr->room = 1000000;
    while (in8(IIR) == 0xc2) {
        g_assert_cmpuint(passes++, <, 512);
        for (unsigned i = 0; i < 16; i++) {
            out8(RBR, i);
        }
    }
    g_assert_cmpint(irq4.level, ==, 0);
    clock_virtual_advance(NS_PER_MS);
    g_assert_cmpint(irq4.level, ==, 1);
    g_assert_cmphex(in8(IIR), ==, 0xc2);
    g_assert_cmpint(chr->out->len, ==, 16 * passes);
}

/* The back-end refuses: bytes wait in the FIFO and none is lost. */
static void test_transmit_flow(void)
{
    init_port(0x01, 0x02);
    g_assert_cmphex(in8(IIR), ==, 0xc2);
    chr->room = 3;
    for (unsigned i = 0; i < 16; i++) {
        out8(RBR, 'a' + i);
    }
    g_assert_cmphex(in8(LSR) & 0x60, ==, 0);
    in8(IIR); /* the first bytes had emptied THR */
    g_assert_cmpint(irq4.level, ==, 0);
    fake_chardev_make_room(chr, 5);
    g_assert_cmphex(in8(LSR) & 0x60, ==, 0);
    g_assert_cmpint(irq4.level, ==, 0);
    fake_chardev_make_room(chr, 100);
    g_assert_cmphex(in8(LSR) & 0x60, ==, 0x60);
    g_assert_cmpint(irq4.level, ==, 1);
    g_assert_cmphex(in8(IIR), ==, 0xc2);
    g_assert_cmpint(irq4.level, ==, 0); /* reading IIR clears it */
    g_assert_cmpmem(chr->out->data, chr->out->len, "abcdefghijklmnop", 16);
}

/* The line pauses for as long as the guest took, not for ever. */
static void test_receive_pause(void)
{
    uint8_t sent[257] = {0};

    init_port(0x01, 0);
    sent[256] = 'X';
    fake_chardev_send(chr, sent, sizeof(sent));
    clock_virtual_advance(50000);
    for (unsigned i = 0; i < 256; i++) {
        g_assert_cmphex(in8(LSR), ==, 0x61);
        in8(RBR);
    }
    clock_virtual_advance(49000);
    g_assert_cmphex(in8(LSR) & 1, ==, 0);
    clock_virtual_advance(1000);
    g_assert_cmphex(in8(RBR), ==, 'X');
}

/* Each write of THR gives a new edge, for edge-triggered controllers. */
static void test_thre_edges(void)
{
    init_port(0x01, 0x02);
    irq4.rises = 0;
    out8(RBR, 'x');
    in8(LSR);
    out8(RBR, 'y');
    in8(LSR);
    g_assert_cmpint(irq4.rises, ==, 2);
}

static void test_receive_trigger_and_timeout(void)
{
    init_port(0x81, 0x01); /* trigger level 8 */
    fake_chardev_send(chr, "1234567", 7);
    g_assert_cmpint(irq4.level, ==, 0);
    g_assert_cmphex(in8(LSR) & 1, ==, 1);
    fake_chardev_send(chr, "8", 1);
    g_assert_cmphex(in8(IIR), ==, 0xc4);
    g_assert_cmphex(in8(RBR), ==, '1');
    g_assert_cmphex(in8(IIR), ==, 0xc1);
    clock_virtual_advance(4 * 86805); /* four characters, less a little */
    g_assert_cmphex(in8(IIR), ==, 0xc1);
    clock_virtual_advance(1000);
    g_assert_cmphex(in8(IIR), ==, 0xcc);
    g_assert_cmpint(irq4.level, ==, 1);
    g_assert_cmphex(in8(RBR), ==, '2');
    g_assert_cmphex(in8(IIR), ==, 0xc1);
}

/* More than fits: the rest comes as the guest reads. */
static void test_receive_flow(void)
{
    char sent[100], got[100];

    init_port(0x01, 0);
    for (unsigned i = 0; i < sizeof(sent); i++) {
        sent[i] = i;
    }
    fake_chardev_send(chr, sent, sizeof(sent));
    g_assert_cmpint(chr->in->len, ==, sizeof(sent) - 16);
    for (unsigned i = 0; i < sizeof(sent); i++) {
        g_assert_cmphex(in8(LSR), ==, 0x61); /* and no overrun */
        got[i] = in8(RBR);
    }
    g_assert_cmpmem(got, sizeof(got), sent, sizeof(sent));
    g_assert_cmphex(in8(LSR) & 1, ==, 0);
}

static void test_priority_and_break(void)
{
    init_port(0x01, 0x07);
    fake_chardev_send(chr, "z", 1);
    chr->handlers->event(chr->opaque, CHAR_EVENT_BREAK);
    g_assert_cmphex(in8(IIR), ==, 0xc6);
    g_assert_cmphex(in8(LSR), ==, 0xf1); /* FIFO error, break, THRE, data */
    g_assert_cmphex(in8(LSR), ==, 0x61);
    g_assert_cmphex(in8(IIR), ==, 0xc4);
    g_assert_cmphex(in8(RBR), ==, 'z');
    g_assert_cmphex(in8(RBR), ==, 0);
    g_assert_cmphex(in8(IIR), ==, 0xc2);
    out8(LCR, 0x43);
    g_assert_cmpint(chr->breaks, ==, 1);
}

static void test_loopback(void)
{
    init_port(0x01, 0);
    out8(MCR, 0x1a); /* loop, OUT2, RTS: what drivers probe with */
    g_assert_cmphex(in8(MSR) & 0xf0, ==, 0x90);
    fake_chardev_send(chr, "wait", 4);
    out8(RBR, 'L');
    g_assert_cmphex(in8(RBR), ==, 'L');
    g_assert_cmphex(in8(LSR) & 1, ==, 0);
    g_assert_cmpint(chr->out->len, ==, 0);
    out8(MCR, 0x0b);
    g_assert_cmphex(in8(RBR), ==, 'w');
}

static void test_modem_deltas(void)
{
    init_port(0x01, 0x08);
    g_assert_cmphex(in8(MSR), ==, 0xb0);
    out8(MCR, 0x10); /* loop: DCD, DSR and CTS fall */
    g_assert_cmphex(in8(IIR), ==, 0xc0);
    g_assert_cmphex(in8(MSR), ==, 0x0b);
    g_assert_cmphex(in8(IIR), ==, 0xc1);
    out8(MCR, 0x14); /* RI rises: no delta */
    g_assert_cmphex(in8(MSR), ==, 0x40);
    out8(MCR, 0x10); /* and falls */
    g_assert_cmphex(in8(MSR), ==, 0x04);
}

static void test_without_fifo(void)
{
    init_port(0, 0x01);
    irq4.rises = 0;
    fake_chardev_send(chr, "ab", 2);
    g_assert_cmpint(chr->in->len, ==, 1);
    g_assert_cmphex(in8(IIR), ==, 0x04);
    g_assert_cmphex(in8(RBR), ==, 'a');
    g_assert_cmphex(in8(IIR), ==, 0x04);
    g_assert_cmpint(irq4.rises, ==, 2); /* an edge for each */
    g_assert_cmphex(in8(RBR), ==, 'b');
    g_assert_cmphex(in8(IIR), ==, 0x01);
}

int main(int argc, char **argv)
{
    const IrqLine *lines[ISA_IRQS] = {NULL};
    g_autoptr(GError) err = NULL;
    Chardev *c = fake_chardev_new();
    IsaBus *isa;

    hw_test_init(&argc, &argv);
    lines[4] = line_probe_init(&irq4);
    isa = isa_bus_create(NULL, system_io(), lines);
    chr = fake_chardev(c);
    isa_serial_create(isa, 0, c, &err);
    g_assert_no_error(err);
    g_test_add_func("/serial/identity", test_identity);
    g_test_add_func("/serial/transmit", test_transmit);
    g_test_add_func("/serial/transmit-unwatched", test_transmit_unwatched);
    g_test_add_func("/serial/transmit-burst", test_transmit_burst);
    g_test_add_func("/serial/receive-pause", test_receive_pause);
    g_test_add_func("/serial/transmit-flow", test_transmit_flow);
    g_test_add_func("/serial/thre-edges", test_thre_edges);
    g_test_add_func("/serial/receive", test_receive_trigger_and_timeout);
    g_test_add_func("/serial/receive-flow", test_receive_flow);
    g_test_add_func("/serial/priority-break", test_priority_and_break);
    g_test_add_func("/serial/loopback", test_loopback);
    g_test_add_func("/serial/modem", test_modem_deltas);
    g_test_add_func("/serial/no-fifo", test_without_fifo);
    return g_test_run();
}
