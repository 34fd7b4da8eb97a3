/* SPDX-License-Identifier: MIT */
/*
 * 16550A UART on the ISA bus ("isa-serial").
 *
 * Source: National Semiconductor PC16550D data sheet (June 1995), section 8
 * "Registers".
 * Implemented: both FIFOs, all interrupts in their order of priority, character
 * timeout, loopback, break, modem status deltas.  The baud rate sets the
 * character timeout alone; otherwise the line is as fast as guest and host.
 * Omitted: DMA signalling (FCR3); OUT2 does not gate the interrupt, since
 * small kernels that never set it are common; parity and framing errors, which
 * a back-end cannot make; error bits belong to the register, not to the byte
 * at the top of the FIFO.
 * No byte is lost: what the back-end refuses waits in the transmitter's FIFO,
 * and the back-end is asked for no more than the receiver has room for.
 * Two things keep the host's speed from hurting the guest and the reverse:
 *
 * - Drivers serve a port until IIR shows no interrupt, but no longer than a
 *   line that takes its time would let them, and then count on a new edge.  So
 *   the line pauses after the guest has read RX_BURST FIFOs in a row, for as
 *   long as that took it; and after TX_BURST interrupts in a row THRE's next
 *   one waits for the main loop.
 * - The back-end is called for a FIFO of bytes, not for each: when the FIFO is
 *   full, when the guest looks whether the bytes have left (LSR, IIR), or when
 *   they have lain for TX_HOLD_NS.
 * Locks: BQL.
 */
#include "hw/char/serial.h"

#include <string.h>

#include "hw/char/serial_fifo.h"
#include "hw/char/serial_regs.h"
#include "system/runstate.h"
#include "util/error.h"
#include "util/timer.h"

#define BASE_BAUD     115200 /* of divisor 1 */
#define TIMEOUT_CHARS 4
#define RX_PAUSE_NS   (10 * NS_PER_US) /* at the least */
#define TX_HOLD_NS    (100 * NS_PER_US)
/* In FIFOs.  Linux's handler reads 256 bytes before it looks at IIR, and gives
 * up after 512 interrupts. */
#define RX_BURST 16
#define TX_BURST 64

struct SerialState {
    DeviceState dev;

    /* Guest-visible. */
    uint8_t ier, lcr, mcr, msr, scr;
    uint8_t lsr_errors; /* LSR_INT and LSR_FIFO_ERR; the rest is derived */
    uint8_t fcr;
    uint16_t divisor;
    bool thre_pending;    /* THR has become empty, and IIR was not read since */
    bool timeout_pending; /* the receiver's FIFO has lain idle */
    int64_t timeout_at;   /* when it will have; -1: not running */
    bool thre_late;       /* thre_pending becomes true when tx_hold expires */
    SerialFifo rx, tx;    /* one byte deep while FCR_ENABLE is clear */

    /* Properties and wiring. */
    uint32_t index, iobase, irq_no;
    Chardev *chr;
    CharFrontend *fe;
    const IrqLine *irq;
    MemoryRegion *io, ports;

    /* Derived. */
    Timer timeout;   /* expires at timeout_at or before */
    Timer rx_pause;  /* pending: the receiver is empty, the line still */
    unsigned rx_run; /* FIFOs read in a row */
    Timer tx_hold;   /* pending: looks after tx and thre_late */
    bool rx_closed;  /* the guest has begun to empty the receiver */
    int64_t rx_from; /* when the run began */
    bool tx_blocked; /* the back-end refused, serial_writable() will come */
    unsigned burst;  /* THRE interrupts since IIR showed none */
};

/* --- pure logic --- */

static bool serial_fifos_on(const SerialState *s)
{
    return s->fcr & FCR_ENABLE;
}

static unsigned serial_depth(const SerialState *s)
{
    return serial_fifos_on(s) ? SERIAL_FIFO_BYTES : 1;
}

static unsigned serial_trigger(const SerialState *s)
{
    static const uint8_t levels[] = {1, 4, 8, 14};

    return serial_fifos_on(s) ? levels[FCR_TRIGGER(s->fcr)] : 1;
}

static uint8_t serial_lsr(const SerialState *s)
{
    return s->lsr_errors | (s->rx.count ? LSR_DR : 0) |
           (s->tx.count ? 0 : LSR_THRE | LSR_TEMT);
}

/* What @chars take on a line of the programmed rate. */
static int64_t serial_chars_ns(const SerialState *s, unsigned chars)
{
    unsigned bits = 1 + 5 + (s->lcr & 3) + !!(s->lcr & LCR_PARITY) + 1 +
                    !!(s->lcr & LCR_STOP);

    return chars * bits * MAX(s->divisor, 1) * NS_PER_SEC / BASE_BAUD;
}

/* The interrupt of highest priority, as IIR shows it. */
static uint8_t serial_interrupt(const SerialState *s)
{
    if ((s->ier & IER_RLS) && (s->lsr_errors & LSR_INT)) {
        return IIR_RLS;
    }
    if ((s->ier & IER_RDA) && s->timeout_pending) {
        return IIR_TIMEOUT;
    }
    if ((s->ier & IER_RDA) && s->rx.count >= serial_trigger(s)) {
        return IIR_RDA;
    }
    if ((s->ier & IER_THRE) && s->thre_pending) {
        return IIR_THRE;
    }
    if ((s->ier & IER_MS) && (s->msr & MSR_DELTA)) {
        return IIR_MS;
    }
    return IIR_NONE;
}

static void serial_update_output(SerialState *s)
{
    irq_set(s->irq, serial_interrupt(s) != IIR_NONE);
}

/* --- receiver --- */

/* Every access to the receiver's FIFO starts the idle time anew.  The host's
 * timer is left as it is: should it come too early, it sees that. */
static void serial_restart_timeout(SerialState *s)
{
    s->timeout_pending = false;
    if (!serial_fifos_on(s) || s->rx.count == 0) {
        s->timeout_at = -1;
        return;
    }
    s->timeout_at = clock_get_ns(CLOCK_TYPE_VIRTUAL) +
                    serial_chars_ns(s, TIMEOUT_CHARS);
    if (!timer_pending(&s->timeout) || s->timeout.expire_ns > s->timeout_at) {
        timer_mod_ns(&s->timeout, s->timeout_at);
    }
}

static void serial_timed_out(void *opaque)
{
    SerialState *s = opaque;

    if (s->timeout_at < 0) {
        return;
    }
    if (clock_get_ns(CLOCK_TYPE_VIRTUAL) < s->timeout_at) {
        timer_mod_ns(&s->timeout, s->timeout_at);
        return;
    }
    s->timeout_at = -1;
    s->timeout_pending = s->rx.count > 0;
    serial_update_output(s);
}

static void serial_push_rx(SerialState *s, uint8_t byte)
{
    if (s->rx.count == 0 && s->rx_run == 0) {
        s->rx_from = clock_get_ns(CLOCK_TYPE_VIRTUAL);
    }
    if (s->rx.count < serial_depth(s)) {
        serial_fifo_push(&s->rx, byte);
    } else {
        s->lsr_errors |= LSR_OE;
        if (!serial_fifos_on(s)) {
            /* The new byte overwrites the holding register. */
            serial_fifo_reset(&s->rx);
            serial_fifo_push(&s->rx, byte);
        }
    }
}

static size_t serial_can_receive(void *opaque)
{
    SerialState *s = opaque;

    /* In loopback the line is not connected: let the bytes wait. */
    return s->mcr & MCR_LOOP || s->rx_closed ? 0
                                             : serial_depth(s) - s->rx.count;
}

static void serial_accept_input(SerialState *s)
{
    if (s->fe && serial_can_receive(s)) {
        char_accept_input(s->fe);
    }
}

static void serial_open_line(void *opaque)
{
    SerialState *s = opaque;

    timer_del(&s->rx_pause);
    s->rx_closed = false;
    if (s->fe && serial_can_receive(s)) {
        char_poll_input(s->fe);
    }
    if (s->rx.count == 0) {
        s->rx_run = 0; /* nobody sends */
    }
}

/* Let the guest get on for as long as the run took, but no longer than a line
 * of the programmed rate would have. */
static void serial_pause_line(SerialState *s)
{
    int64_t now = clock_get_ns(CLOCK_TYPE_VIRTUAL);
    int64_t pause = MIN(now - s->rx_from,
                        serial_chars_ns(s, RX_BURST * SERIAL_FIFO_BYTES));

    s->rx_run = 0;
    timer_mod_ns(&s->rx_pause, now + MAX(pause, RX_PAUSE_NS));
}

/* The guest has begun to read: it gets a FIFO at a time, as a byte at a time
 * would cost a call of the back-end each. */
static void serial_was_read(SerialState *s)
{
    s->rx_closed = true;
    if (s->rx.count > 0) {
        return;
    }
    if (++s->rx_run >= RX_BURST) {
        serial_pause_line(s);
    } else {
        serial_open_line(s);
    }
}

static void serial_receive(void *opaque, const uint8_t *buf, size_t len)
{
    SerialState *s = opaque;

    for (size_t i = 0; i < len; i++) {
        serial_push_rx(s, buf[i]);
    }
    serial_restart_timeout(s);
    serial_update_output(s);
}

/* A break looks like a zero byte.  @s is not in loopback, or loops its own. */
static void serial_receive_break(SerialState *s)
{
    serial_push_rx(s, 0);
    serial_restart_timeout(s);
    s->lsr_errors |= LSR_BI | (serial_fifos_on(s) ? LSR_FIFO_ERR : 0);
    serial_update_output(s);
}

static void serial_event(void *opaque, CharEvent event)
{
    SerialState *s = opaque;

    if (event == CHAR_EVENT_BREAK && !(s->mcr & MCR_LOOP)) {
        serial_receive_break(s);
    }
}

/* --- transmitter --- */

/* Hand over the oldest bytes; false when the back-end took fewer. */
static bool serial_send_some(SerialState *s)
{
    uint8_t buf[SERIAL_FIFO_BYTES] = {0};
    unsigned len = s->tx.count;
    size_t taken;

    for (unsigned i = 0; i < len; i++) {
        buf[i] = s->tx.data[(s->tx.head + i) % SERIAL_FIFO_BYTES];
    }
    taken = s->fe ? char_write(s->fe, buf, len) : len;
    for (size_t i = 0; i < taken; i++) {
        serial_fifo_pop(&s->tx);
    }
    return taken == len;
}

static void serial_hold_tx(SerialState *s)
{
    if (!timer_pending(&s->tx_hold)) {
        timer_mod_ns(&s->tx_hold,
                     clock_get_ns(CLOCK_TYPE_VIRTUAL) + TX_HOLD_NS);
    }
}

/* The transmitter has become empty. */
static void serial_raise_thre(SerialState *s)
{
    if ((s->ier & IER_THRE) && s->burst >= TX_BURST) {
        s->thre_late = true;
        serial_hold_tx(s);
    } else {
        s->burst++;
        s->thre_pending = true;
    }
}

static void serial_flush(SerialState *s)
{
    if (s->tx.count == 0 || s->tx_blocked) {
        return;
    }
    if (s->mcr & MCR_LOOP) {
        while (s->tx.count) {
            serial_push_rx(s, serial_fifo_pop(&s->tx));
        }
        serial_restart_timeout(s);
    } else if (!serial_send_some(s)) {
        s->tx_blocked = true;
        return; /* serial_writable() goes on */
    }
    serial_raise_thre(s);
    serial_update_output(s);
}

static void serial_writable(void *opaque)
{
    SerialState *s = opaque;

    s->tx_blocked = false;
    serial_flush(s);
}

static void serial_hold_expired(void *opaque)
{
    SerialState *s = opaque;

    s->burst = 0;
    s->thre_pending |= s->thre_late;
    s->thre_late = false;
    serial_flush(s);
    serial_update_output(s);
}

static void serial_write_thr(SerialState *s, uint8_t value)
{
    s->thre_pending = false;
    s->thre_late = false;
    /* THRE's next rise must be an edge on the line. */
    serial_update_output(s);
    if (s->tx.count >= serial_depth(s)) {
        /* The guest did not wait for THRE: the last byte is overwritten. */
        s->tx.count--;
    }
    serial_fifo_push(&s->tx, value);
    if (s->tx.count >= serial_depth(s) || (s->mcr & MCR_LOOP)) {
        serial_flush(s);
    } else {
        serial_hold_tx(s);
    }
}

/* --- modem lines --- */

static uint8_t serial_modem_lines(const SerialState *s)
{
    if (!(s->mcr & MCR_LOOP)) {
        return MSR_DCD | MSR_DSR | MSR_CTS; /* a peer that is always ready */
    }
    return (s->mcr & MCR_RTS ? MSR_CTS : 0) | (s->mcr & MCR_DTR ? MSR_DSR : 0) |
           (s->mcr & MCR_OUT1 ? MSR_RI : 0) | (s->mcr & MCR_OUT2 ? MSR_DCD : 0);
}

/* Deltas lie four bits below their lines; RI's tells only of its fall. */
static void serial_update_msr(SerialState *s)
{
    uint8_t lines = serial_modem_lines(s);
    uint8_t changed = (s->msr ^ lines) & MSR_LINES;

    if (lines & MSR_RI) {
        changed &= ~MSR_RI;
    }
    s->msr = lines | (s->msr & MSR_DELTA) | changed >> 4;
}

/* --- registers --- */

static void serial_write_mcr(SerialState *s, uint8_t value)
{
    serial_flush(s); /* to where they were sent */
    s->mcr = value & MCR_MASK;
    serial_update_msr(s);
    serial_accept_input(s);
}

static void serial_write_ier(SerialState *s, uint8_t value)
{
    bool enabled = value & ~s->ier & IER_THRE;

    s->ier = value & IER_MASK;
    if (enabled && s->tx.count == 0) {
        s->thre_pending = true; /* enabling it reports an empty THR */
    }
}

static void serial_write_fcr(SerialState *s, uint8_t value)
{
    bool toggled = (value ^ s->fcr) & FCR_ENABLE;

    serial_flush(s);
    if (toggled || (value & FCR_RX_RESET)) {
        serial_fifo_reset(&s->rx);
        serial_open_line(s);
        s->lsr_errors &= ~(LSR_BI | LSR_FIFO_ERR);
    }
    if ((toggled || (value & FCR_TX_RESET)) && s->tx.count) {
        serial_fifo_reset(&s->tx);
        s->thre_pending = true;
    }
    /* The other bits are programmed only while FCR0 is set. */
    s->fcr = value & FCR_ENABLE ? value & ~(FCR_RX_RESET | FCR_TX_RESET) : 0;
    serial_restart_timeout(s);
    serial_accept_input(s);
}

static void serial_write_lcr(SerialState *s, uint8_t value)
{
    bool was = s->lcr & LCR_BREAK, is = value & LCR_BREAK;

    s->lcr = value;
    if (was == is) {
        return;
    }
    if (s->mcr & MCR_LOOP) {
        if (is) {
            serial_receive_break(s);
        }
    } else if (s->fe) {
        char_send_break(s->fe, is);
    }
}

static void serial_write_divisor(SerialState *s, hwaddr addr, uint8_t value)
{
    s->divisor = deposit64(s->divisor, addr == REG_DATA ? 0 : 8, 8, value);
}

static void serial_write(void *opaque, hwaddr addr, uint64_t value,
                         unsigned size)
{
    SerialState *s = opaque;

    if (addr <= REG_IER && (s->lcr & LCR_DLAB)) {
        serial_write_divisor(s, addr, value);
        return;
    }
    switch (addr) {
    case REG_DATA:
        serial_write_thr(s, value);
        break;
    case REG_IER:
        serial_write_ier(s, value);
        break;
    case REG_IIR:
        serial_write_fcr(s, value);
        break;
    case REG_LCR:
        serial_write_lcr(s, value);
        break;
    case REG_MCR:
        serial_write_mcr(s, value);
        break;
    case REG_SCR:
        s->scr = value;
        break;
    default:
        break; /* LSR and MSR: writing is for the factory's test */
    }
    serial_update_output(s);
}

static uint8_t serial_read_rbr(SerialState *s)
{
    uint8_t value;

    if (s->rx.count == 0) {
        return 0;
    }
    value = serial_fifo_pop(&s->rx);
    /* What comes next must be an edge on the line. */
    serial_update_output(s);
    if (!(s->mcr & MCR_LOOP)) {
        serial_was_read(s);
    }
    serial_restart_timeout(s);
    serial_update_output(s);
    return value;
}

static uint8_t serial_read_iir(SerialState *s)
{
    uint8_t value;

    serial_flush(s);
    value = serial_interrupt(s);
    if (value == IIR_THRE) {
        s->thre_pending = false;
        serial_update_output(s);
    } else if (value == IIR_NONE) {
        s->burst = s->thre_late ? s->burst : 0;
    }
    return value | (serial_fifos_on(s) ? IIR_FIFOS : 0);
}

static uint8_t serial_read_lsr(SerialState *s)
{
    uint8_t value;

    serial_flush(s);
    value = serial_lsr(s);
    s->lsr_errors = 0;
    serial_update_output(s);
    return value;
}

static uint8_t serial_read_msr(SerialState *s)
{
    uint8_t value = s->msr;

    s->msr &= ~MSR_DELTA;
    serial_update_output(s);
    return value;
}

static uint64_t serial_read(void *opaque, hwaddr addr, unsigned size)
{
    SerialState *s = opaque;

    if (addr <= REG_IER && (s->lcr & LCR_DLAB)) {
        return extract64(s->divisor, addr == REG_DATA ? 0 : 8, 8);
    }
    switch (addr) {
    case REG_DATA:
        return serial_read_rbr(s);
    case REG_IER:
        return s->ier;
    case REG_IIR:
        return serial_read_iir(s);
    case REG_LCR:
        return s->lcr;
    case REG_MCR:
        return s->mcr;
    case REG_LSR:
        return serial_read_lsr(s);
    case REG_MSR:
        return serial_read_msr(s);
    default:
        return s->scr;
    }
}

static const MemoryRegionOps serial_ops = {
    .read = serial_read,
    .write = serial_write,
    .impl = {1, 1},
};

static const CharHandlers serial_handlers = {
    .can_receive = serial_can_receive,
    .receive = serial_receive,
    .event = serial_event,
    .writable = serial_writable,
};

/* --- life --- */

static void serial_reset(DeviceState *dev)
{
    SerialState *s = (SerialState *)dev;

    serial_fifo_reset(&s->rx);
    serial_fifo_reset(&s->tx);
    timer_del(&s->timeout);
    timer_del(&s->tx_hold);
    s->burst = 0;
    s->msr = serial_modem_lines(s);
    serial_update_output(s);
    serial_open_line(s);
}

static void serial_post_load(DeviceState *dev)
{
    SerialState *s = (SerialState *)dev;

    serial_fifo_sanitize(&s->rx);
    serial_fifo_sanitize(&s->tx);
    if (s->timeout_at >= 0) {
        timer_mod_ns(&s->timeout, s->timeout_at);
    }
    serial_hold_tx(s);
    serial_open_line(s);
}

static void serial_flush_device(DeviceState *dev, void *opaque)
{
    if (dev->type == &isa_serial_type) {
        serial_flush((SerialState *)dev);
    }
}

/* The clock of tx_hold stands while the machine does, or ends with it: what
 * the guest has sent until then is to be seen. */
static void serial_machine_event(const char *name, ShutdownCause cause,
                                 void *opaque)
{
    if (strcmp(name, "STOP") == 0 || strcmp(name, "SHUTDOWN") == 0) {
        device_foreach(serial_flush_device, NULL);
    }
}

/* Listeners cannot be removed: one serves all ports, unplugged or not. */
static void serial_listen_once(void)
{
    static const RunStateListener listener = {.event = serial_machine_event};
    static bool listens;

    if (!listens) {
        runstate_add_listener(&listener);
        listens = true;
    }
}

static void serial_count(DeviceState *dev, void *opaque)
{
    unsigned *n = opaque;

    *n += dev->type == &isa_serial_type;
}

/* Fill in the properties that were left open: the next free COM port. */
static bool serial_set_place(SerialState *s, GError **errp)
{
    static const uint16_t bases[] = {0x3f8, 0x2f8, 0x3e8, 0x2e8};
    static const uint8_t irqs[] = {4, 3, 4, 3};
    unsigned n = 0;

    if (s->index == UINT32_MAX) {
        device_foreach(serial_count, &n);
        s->index = n;
    }
    if (s->index >= ISA_SERIAL_PORTS) {
        error_setg(errp, "Max. supported number of ISA serial ports is %u.",
                   ISA_SERIAL_PORTS);
        return false;
    }
    if (s->iobase == UINT32_MAX) {
        s->iobase = bases[s->index];
    }
    if (s->irq_no == UINT32_MAX) {
        s->irq_no = irqs[s->index];
    }
    if (s->irq_no >= ISA_IRQS || s->iobase > 0x10000 - SERIAL_REGS) {
        error_setg(errp, "isa-serial: iobase 0x%x or irq %u is not on the bus",
                   s->iobase, s->irq_no);
        return false;
    }
    return true;
}

static bool serial_realize(DeviceState *dev, GError **errp)
{
    SerialState *s = (SerialState *)dev;
    IsaBus *isa = (IsaBus *)dev->parent_bus;

    timer_init(&s->timeout, CLOCK_TYPE_VIRTUAL, serial_timed_out, s);
    timer_init(&s->rx_pause, CLOCK_TYPE_VIRTUAL, serial_open_line, s);
    timer_init(&s->tx_hold, CLOCK_TYPE_VIRTUAL, serial_hold_expired, s);
    serial_listen_once();
    s->msr = serial_modem_lines(s);
    if (!serial_set_place(s, errp)) {
        return false;
    }
    if (s->chr) {
        s->fe = char_attach(s->chr, "isa-serial", &serial_handlers, s, errp);
        if (!s->fe) {
            return false;
        }
    }
    s->irq = isa->irq[s->irq_no];
    s->io = isa->io;
    memory_region_init_io(&s->ports, &serial_ops, s, "serial", SERIAL_REGS);
    memory_region_add(s->io, s->iobase, &s->ports);
    return true;
}

static void serial_unrealize(DeviceState *dev)
{
    SerialState *s = (SerialState *)dev;

    serial_flush(s);
    timer_del(&s->timeout);
    timer_del(&s->rx_pause);
    timer_del(&s->tx_hold);
    irq_lower(s->irq);
    if (s->fe) {
        char_detach(s->fe);
    }
    memory_region_del(s->io, &s->ports);
    memory_region_destroy(&s->ports);
}

SerialState *isa_serial_create(IsaBus *isa, unsigned index, Chardev *chr,
                               GError **errp)
{
    SerialState *s = (SerialState *)device_new(&isa_serial_type, &isa->bus);

    s->index = index;
    s->chr = chr;
    if (!device_realize(&s->dev, errp)) {
        device_unrealize_free(&s->dev);
        return NULL;
    }
    return s;
}

static const DevProp serial_props[] = {
    DEV_PROP(SerialState, index, "index", DEV_PROP_UINT32, UINT32_MAX,
             "COM port, from 0; default: the next free one"),
    DEV_PROP(SerialState, iobase, "iobase", DEV_PROP_UINT32, UINT32_MAX,
             "first port; default: the usual one of the index"),
    DEV_PROP(SerialState, irq_no, "irq", DEV_PROP_UINT32, UINT32_MAX,
             "interrupt line; default: the usual one of the index"),
    DEV_PROP(SerialState, chr, "chardev", DEV_PROP_CHR, 0,
             "ID of the chardev behind the port"),
};

static const DevField serial_fields[] = {
    DEV_FIELD(SerialState, ier, 0),
    DEV_FIELD(SerialState, lcr, 0),
    DEV_FIELD(SerialState, mcr, 0),
    DEV_FIELD(SerialState, msr, 0),
    DEV_FIELD(SerialState, scr, 0),
    DEV_FIELD(SerialState, lsr_errors, 0),
    DEV_FIELD(SerialState, fcr, 0),
    DEV_FIELD(SerialState, divisor, 12), /* 9600 baud */
    DEV_FIELD(SerialState, thre_pending, 0),
    DEV_FIELD(SerialState, timeout_pending, 0),
    DEV_FIELD(SerialState, timeout_at, (uint64_t)-1),
    DEV_FIELD(SerialState, thre_late, 0),
    DEV_FIELD_ARRAY(SerialState, rx.data, 0),
    DEV_FIELD(SerialState, rx.head, 0),
    DEV_FIELD(SerialState, rx.count, 0),
    DEV_FIELD_ARRAY(SerialState, tx.data, 0),
    DEV_FIELD(SerialState, tx.head, 0),
    DEV_FIELD(SerialState, tx.count, 0),
};

const DeviceType isa_serial_type = {
    .name = "isa-serial",
    .desc = "16550A serial port",
    .bus = "ISA",
    .size = sizeof(SerialState),
    .props = serial_props,
    .nprops = ARRAY_LEN(serial_props),
    .fields = serial_fields,
    .nfields = ARRAY_LEN(serial_fields),
    .user_creatable = true,
    .realize = serial_realize,
    .unrealize = serial_unrealize,
    .reset = serial_reset,
    .post_load = serial_post_load,
};
