/* SPDX-License-Identifier: MIT */
/*
 * I/O APIC and 8259 pair, driven through lines of pc-testdev (port 2000h + n).
 * guest: -device pc-testdev -smp 2
 * Source: Intel 82093AA datasheet, 3.2 "IOAPIC Registers"; Intel 8259A
 * datasheet; SDM vol. 3A, 11.5.1 "Local Vector Table".
 */
#include "apic.h"

#define PIC1     0x20
#define PIC2     0xa0
#define PIC_EOI  0x20
#define ELCR2    0x4d1
#define PIC_BASE 0x60 /* vectors 60h to 6fh */

#define REDIR_LEVEL  0x8000
#define REDIR_MASKED 0x10000
#define REDIR_IRR    0x4000

#define LINE 10

static volatile uint32_t *const ioregsel = (uint32_t *)0xfec00000ull;
static volatile uint32_t *const iowin = (uint32_t *)0xfec00010ull;

static uint32_t io_read(unsigned n)
{
    *ioregsel = n;
    return *iowin;
}

static void io_write(unsigned n, uint32_t v)
{
    *ioregsel = n;
    *iowin = v;
}

static void redirect(unsigned line, uint32_t low)
{
    io_write(0x10 + 2 * line, REDIR_MASKED);
    io_write(0x11 + 2 * line, 0);
    io_write(0x10 + 2 * line, low);
}

static void set_line(unsigned n, unsigned level)
{
    outb(0x2000 + n, level);
}

static volatile unsigned count;
static volatile uint8_t last_vector;
static volatile bool drop_line; /* the handler lets the line fall */
static volatile uint32_t irr_inside;

static void on_ioapic(Frame *f)
{
    count++;
    last_vector = f->vector;
    irr_inside = io_read(0x10 + 2 * LINE) & REDIR_IRR;
    if (drop_line || count > 4) {
        set_line(LINE, 0);
    }
    apic_eoi();
}

static void expect_count(unsigned want, const char *what)
{
    unsigned i;

    for (i = 0; i < 20; i++) {
        let_in();
    }
    check_eq(count, want, "%s", what);
    count = 0;
}

static void test_registers(void)
{
    check_eq(io_read(1) & 0xff00ff, 0x170000 | (io_read(1) & 0xff),
             "24 entries");
    io_write(0, 0x05000000);
    check_eq(io_read(0), 0x05000000, "ID");
    io_write(0, 0);
    io_write(0x10, 0xffffffff);
    check_eq(io_read(0x10) & 0xfffe5000, 0, "read-only and reserved bits");
    io_write(0x10, REDIR_MASKED);
    check_eq(io_read(0x10), REDIR_MASKED, "masked");
}

static void test_edge(void)
{
    redirect(LINE, 0x50);
    set_line(LINE, 1);
    expect_count(1, "edge: a rise");
    check_eq(last_vector, 0x50, "its vector");
    expect_count(0, "edge: held high, nothing more");
    set_line(LINE, 0);
    expect_count(0, "edge: a fall");
    set_line(LINE, 1);
    set_line(LINE, 0);
    expect_count(1, "edge: a pulse is kept");
    redirect(LINE, 0x50 | REDIR_MASKED);
    set_line(LINE, 1);
    expect_count(0, "edge: masked");
    set_line(LINE, 0);
    redirect(LINE, 0x50);
    count = 0;
}

static void test_level(void)
{
    redirect(LINE, 0x51 | REDIR_LEVEL);
    drop_line = true;
    set_line(LINE, 1);
    expect_count(1, "level: once when the handler serves it");
    check_eq(irr_inside, REDIR_IRR, "level: remote IRR in the handler");
    check_eq(io_read(0x10 + 2 * LINE) & REDIR_IRR, 0, "level: and not after");
    drop_line = false;
    set_line(LINE, 1);
    expect_count(5, "level: again and again until the line falls");
    redirect(LINE, 0x51 | REDIR_LEVEL | REDIR_MASKED);
    set_line(LINE, 1);
    expect_count(0, "level: masked");
    drop_line = true;
    io_write(0x10 + 2 * LINE, 0x51 | REDIR_LEVEL);
    expect_count(1, "level: unmasked while high");
    check_eq(apic_bit(APIC_TMR, 0x51), 1, "level: TMR says so");
    drop_line = false;
}

/* With interrupts on, one comes before the instruction after OUT is over. */
static void test_promptness(void)
{
    unsigned at_once;

    redirect(LINE, 0x50);
    count = 0;
    __asm__ volatile("sti; nop; mov $1, %%al; outb %%al, %%dx; nop\n"
                     "mov %1, %0; cli"
                     : "=&r"(at_once)
                     : "m"(count), "d"(0x2000 + LINE)
                     : "rax", "memory");
    check_eq(at_once, 1, "an edge comes at once");
    set_line(LINE, 0);
    count = 0;
}

/* A level that becomes an edge while it is served. */
static void on_reconfigure(Frame *f)
{
    (void)f;
    count++;
    set_line(LINE, 0);
    io_write(0x10 + 2 * LINE, 0x52);
    apic_eoi();
}

static void test_reconfigure(void)
{
    on_vector(0x52, on_reconfigure);
    redirect(LINE, 0x52 | REDIR_LEVEL);
    set_line(LINE, 1);
    expect_count(1, "level made an edge by its handler");
    check_eq(io_read(0x10 + 2 * LINE), 0x52, "no remote IRR is left");
    redirect(LINE, REDIR_MASKED);
}

/* --- destinations --- */

static volatile unsigned received[2], running;

static void on_ipi(Frame *f)
{
    (void)f;
    __atomic_add_fetch(&received[apic_id() & 1], 1, __ATOMIC_SEQ_CST);
    apic_eoi();
}

static void ap_main(unsigned index)
{
    (void)index;
    apic_enable();
    *apic(APIC_DFR) = 0xffffffff;
    *apic(APIC_LDR) = 2u << 24;
    running = 1;
    for (;;) {
        __asm__ volatile("sti; hlt");
    }
}

#define REDIR_LOGICAL 0x800
#define REDIR_LOWEST  0x100

/* @want: what each has received, one bit for each. */
static void expect_at(const char *what, uint32_t low, uint8_t destination,
                      unsigned want)
{
    received[0] = received[1] = 0;
    io_write(0x10 + 2 * LINE, REDIR_MASKED);
    io_write(0x11 + 2 * LINE, (uint32_t)destination << 24);
    io_write(0x10 + 2 * LINE, 0x53 | low);
    set_line(LINE, 1);
    set_line(LINE, 0);
    SPIN_UNTIL((received[0] | received[1] << 1) == want)
    {
        let_in();
    }
    let_in();
    check_eq(received[0] | received[1] << 1, want, "%s", what);
}

static void test_destinations(void)
{
    smp_start(ap_main);
    check(wait_for(&running, 1), "a second processor");
    on_vector(0x53, on_ipi);
    *apic(APIC_DFR) = 0xffffffff;
    *apic(APIC_LDR) = 1u << 24;
    expect_at("physical, 0", 0, 0, 1);
    expect_at("physical, 1", 0, 1, 2);
    expect_at("physical, all", 0, 0xff, 3);
    expect_at("logical, the first", REDIR_LOGICAL, 1, 1);
    expect_at("logical, the second", REDIR_LOGICAL, 2, 2);
    expect_at("logical, both", REDIR_LOGICAL, 3, 3);
    *apic(APIC_TPR) = 0x60;
    expect_at("lowest priority, 0 busy", REDIR_LOGICAL | REDIR_LOWEST, 3, 2);
    *apic(APIC_TPR) = 0;
    redirect(LINE, REDIR_MASKED);
}

static volatile unsigned nmis;

static void on_nmi(Frame *f)
{
    (void)f;
    nmis++;
}

static void test_nmi_delivery(void)
{
    on_vector(2, on_nmi);
    redirect(LINE, 0x400);
    set_line(LINE, 1);
    set_line(LINE, 0);
    let_in();
    check_eq(nmis, 1, "NMI delivery");
    redirect(LINE, REDIR_MASKED);
}

/* --- 8259 --- */

static void pic_init(void)
{
    outb(PIC1, 0x11);
    outb(PIC1 + 1, PIC_BASE);
    outb(PIC1 + 1, 4);
    outb(PIC1 + 1, 1);
    outb(PIC2, 0x11);
    outb(PIC2 + 1, PIC_BASE + 8);
    outb(PIC2 + 1, 2);
    outb(PIC2 + 1, 1);
    outb(PIC1 + 1, 0xff);
    outb(PIC2 + 1, 0xff);
    outb(ELCR2, 0); /* the firmware made the lines of PCI levels */
}

static volatile uint8_t isr1, isr2;

static void on_pic(Frame *f)
{
    count++;
    last_vector = f->vector;
    outb(PIC1, 0x0b); /* OCW3: read ISR */
    outb(PIC2, 0x0b);
    isr1 = inb(PIC1);
    isr2 = inb(PIC2);
    if (count > 4) {
        set_line(LINE, 0);
    }
    if (f->vector >= PIC_BASE + 8) {
        outb(PIC2, PIC_EOI);
    }
    outb(PIC1, PIC_EOI);
}

static void test_pic(void)
{
    unsigned v;

    for (v = PIC_BASE; v < PIC_BASE + 16; v++) {
        on_vector(v, on_pic);
    }
    pic_init();
    *apic(APIC_LVT_LINT0) = 0x700; /* LINT0: ExtINT */
    outb(PIC1 + 1, (uint8_t) ~(1 << 2 | 1 << 5));
    outb(PIC2 + 1, (uint8_t) ~(1 << 2));
    set_line(5, 1);
    expect_count(1, "8259: line 5");
    check_eq(last_vector, PIC_BASE + 5, "8259: its vector");
    check_eq(isr1, 1 << 5, "8259: in service");
    set_line(5, 0);
    set_line(LINE, 1);
    expect_count(1, "8259: line 10, of the second one");
    check_eq(last_vector, PIC_BASE + 10, "8259: its vector");
    check_eq(isr1 | isr2 << 8, 1 << 2 | 1 << 10, "8259: cascade in service");
    set_line(LINE, 0);
    outb(ELCR2, 1 << 2);
    set_line(LINE, 1);
    expect_count(5, "8259: a level, again and again");
    outb(PIC1 + 1, 0xff);
    set_line(5, 1);
    expect_count(0, "8259: masked");
    outb(PIC1, 0x0a);
    check_eq(inb(PIC1) >> 5 & 1, 1, "8259: IRR while masked");
    outb(PIC1 + 1, (uint8_t) ~(1 << 5));
    expect_count(1, "8259: unmasked while high");
    set_line(5, 0);
    outb(PIC1 + 1, 0xff);
}

/* An edge that has gone before INTA gives the lowest vector. */
static void test_spurious(void)
{
    outb(PIC1 + 1, (uint8_t) ~(1 << 5));
    set_line(5, 1);
    set_line(5, 0);
    count = 0;
    let_in();
    check(count == 0 || last_vector == PIC_BASE + 7,
          "8259: a line that falls before INTA");
    outb(PIC1 + 1, 0xff);
    count = 0;
}

static void test_auto_eoi_and_poll(void)
{
    outb(PIC1 + 1, (uint8_t) ~(1 << 5));
    set_line(5, 1);
    outb(PIC1, 0x0c); /* OCW3: poll */
    check_eq(inb(PIC1), 0x85, "8259: poll");
    outb(PIC1, 0x0b);
    check_eq(inb(PIC1), 1 << 5, "8259: poll puts it in service");
    outb(PIC1, PIC_EOI);
    outb(PIC1, 0x0b);
    check_eq(inb(PIC1), 0, "8259: EOI");
    set_line(5, 0);
    outb(PIC1 + 1, 0xff);
}

int main(void)
{
    apic_enable();
    *apic(APIC_LVT_LINT0) = 0x10000;
    on_vector(0x50, on_ioapic);
    on_vector(0x51, on_ioapic);
    test_registers();
    test_edge();
    test_level();
    test_promptness();
    test_reconfigure();
    test_nmi_delivery();
    test_pic();
    test_spurious();
    test_auto_eoi_and_poll();
    *apic(APIC_LVT_LINT0) = LVT_MASKED;
    test_destinations();
    return 0;
}
