/* SPDX-License-Identifier: MIT */
/*
 * Intel 8042 keyboard controller, as the PS/2 programs it.
 *
 * Source: IBM PS/2 Hardware Interface Technical Reference, "Keyboard and
 * auxiliary device controller".
 * Implemented: all commands but the password and the diagnostic dump, which
 * have no effect; translation; A20; reset.
 * The output buffer is one byte.  It is filled from the controller's own
 * answer, the keyboard, the mouse, in this order, whenever it is empty; each
 * filling is one edge of IRQ1 or IRQ12.
 * Locks: BQL.
 */
#include "hw/input/i8042.h"

#include "hw/input/scancode.h"

#define I8042_STATUS_OBF   BIT(0)
#define I8042_STATUS_SYS   BIT(2)
#define I8042_STATUS_CMD   BIT(3) /* the last write was to port 64h */
#define I8042_STATUS_UNLOCKED BIT(4)
#define I8042_STATUS_AUX   BIT(5) /* the byte is the mouse's */
#define I8042_MODE_KBD_INT BIT(0)
#define I8042_MODE_AUX_INT BIT(1)
#define I8042_MODE_SYS     BIT(2)
#define I8042_MODE_KBD_OFF BIT(4)
#define I8042_MODE_AUX_OFF BIT(5)
#define I8042_MODE_XLATE   BIT(6)
#define I8042_OUT_RESET    BIT(0) /* low: reset */
#define I8042_OUT_A20      BIT(1)
#define I8042_OUT_IRQ1     BIT(4)
#define I8042_OUT_IRQ12    BIT(5)

#define I8042_CMD_READ_RAM   0x20 /* to 3Fh: 20h is the mode byte */
#define I8042_CMD_WRITE_RAM  0x60 /* to 7Fh */
#define I8042_CMD_PASSWORD   0xa4
#define I8042_CMD_AUX_OFF    0xa7
#define I8042_CMD_AUX_ON     0xa8
#define I8042_CMD_AUX_TEST   0xa9
#define I8042_CMD_SELF_TEST  0xaa
#define I8042_CMD_KBD_TEST   0xab
#define I8042_CMD_KBD_OFF    0xad
#define I8042_CMD_KBD_ON     0xae
#define I8042_CMD_READ_IN    0xc0
#define I8042_CMD_READ_OUT   0xd0
#define I8042_CMD_WRITE_OUT  0xd1
#define I8042_CMD_WRITE_OBUF 0xd2
#define I8042_CMD_WRITE_AOBUF 0xd3
#define I8042_CMD_WRITE_AUX  0xd4
#define I8042_CMD_A20_OFF    0xdd
#define I8042_CMD_A20_ON     0xdf
#define I8042_CMD_READ_TEST  0xe0
#define I8042_CMD_PULSE      0xf0 /* to FFh: clear bits pulse their output */
#define I8042_NO_PASSWORD    0xf1
#define I8042_SELF_TEST_OK   0x55
#define I8042_INPUT_PORT     0x80 /* keyboard not locked */
#define I8042_RAM_BYTES      32

enum {
    I8042_KBD,
    I8042_AUX,
    I8042_PORTS,
};

struct I8042State {
    DeviceState dev;

    /* Guest-visible. */
    uint8_t ram[I8042_RAM_BYTES]; /* ram[0] is the mode byte */
    uint8_t outport; /* A20 and reset; the rest is derived */
    uint8_t command; /* whose parameter port 60h takes next; 0: none */
    uint8_t obuf;
    bool obf, obf_aux, last_was_command;
    bool answer_pending, answer_aux; /* the controller's own byte */
    uint8_t answer;
    bool break_seen; /* translation: F0h came from the keyboard */

    /* Wiring. */
    I8042Lines lines;
    IrqLine notify[I8042_PORTS];
    Ps2Kbd *kbd;
    Ps2Mouse *mouse;
    MemoryRegion *io, data_port, command_port;
};

static uint8_t i8042_mode(const I8042State *s)
{
    return s->ram[0];
}

/* --- output buffer --- */

static void i8042_update_output(I8042State *s)
{
    irq_set(s->lines.irq1, s->obf && !s->obf_aux &&
                               (i8042_mode(s) & I8042_MODE_KBD_INT));
    irq_set(s->lines.irq12, s->obf && s->obf_aux &&
                                (i8042_mode(s) & I8042_MODE_AUX_INT));
}

/* Turn a byte of set 2 into set 1: F0h becomes the top bit of what follows.
 * False when nothing comes out. */
static bool i8042_translate(I8042State *s, uint8_t *byte)
{
    if (*byte == SCANCODE_BREAK) {
        s->break_seen = true;
        return false;
    }
    *byte = scancode_set2_to_set1(*byte) | (s->break_seen ? SCANCODE_UP : 0);
    s->break_seen = false;
    return true;
}

static bool i8042_take_kbd(I8042State *s)
{
    while (!(i8042_mode(s) & I8042_MODE_KBD_OFF) &&
           ps2_kbd_read(s->kbd, &s->obuf)) {
        if (!(i8042_mode(s) & I8042_MODE_XLATE) ||
            i8042_translate(s, &s->obuf)) {
            s->obf_aux = false;
            return true;
        }
    }
    return false;
}

static bool i8042_take_aux(I8042State *s)
{
    if ((i8042_mode(s) & I8042_MODE_AUX_OFF) ||
        !ps2_mouse_read(s->mouse, &s->obuf)) {
        return false;
    }
    s->obf_aux = true;
    return true;
}

static bool i8042_take_answer(I8042State *s)
{
    if (!s->answer_pending) {
        return false;
    }
    s->answer_pending = false;
    s->obuf = s->answer;
    s->obf_aux = s->answer_aux;
    return true;
}

/* Fill the output buffer if it is empty.  Marked full first: reading a device
 * notifies us again. */
static void i8042_fill(I8042State *s)
{
    if (s->obf) {
        return;
    }
    s->obf = true;
    s->obf = i8042_take_answer(s) || i8042_take_kbd(s) || i8042_take_aux(s);
    i8042_update_output(s);
}

static void i8042_notify(void *opaque, int n, int level)
{
    if (level) {
        i8042_fill(opaque);
    }
}

/* The controller's byte goes before those of the devices. */
static void i8042_answer(I8042State *s, uint8_t byte, bool aux)
{
    s->answer = byte;
    s->answer_aux = aux;
    s->answer_pending = true;
    i8042_fill(s);
}

/* --- output port --- */

static void i8042_write_outport(I8042State *s, uint8_t value)
{
    s->outport = value & (I8042_OUT_RESET | I8042_OUT_A20);
    irq_set(s->lines.a20, !!(value & I8042_OUT_A20));
    if (!(value & I8042_OUT_RESET) && s->lines.reset) {
        irq_pulse(s->lines.reset);
    }
}

static uint8_t i8042_read_outport(const I8042State *s)
{
    return s->outport | (s->obf && !s->obf_aux ? I8042_OUT_IRQ1 : 0) |
           (s->obf && s->obf_aux ? I8042_OUT_IRQ12 : 0);
}

void i8042_set_a20(I8042State *s, bool on)
{
    s->outport = on ? s->outport | I8042_OUT_A20 : s->outport & ~I8042_OUT_A20;
}

/* --- commands --- */

static void i8042_set_mode(I8042State *s, uint8_t value)
{
    s->ram[0] = value;
    i8042_update_output(s);
    i8042_fill(s); /* a port may have been switched on */
}

static void i8042_self_test(I8042State *s)
{
    s->obf = s->answer_pending = s->break_seen = false;
    i8042_set_mode(s, i8042_mode(s) | I8042_MODE_SYS | I8042_MODE_KBD_OFF |
                          I8042_MODE_AUX_OFF);
    i8042_answer(s, I8042_SELF_TEST_OK, false);
}

/* Commands by number alone; those by range are in i8042_write_command(). */
static void i8042_simple_command(I8042State *s, uint8_t value)
{
    switch (value) {
    case I8042_CMD_PASSWORD:
        i8042_answer(s, I8042_NO_PASSWORD, false);
        break;
    case I8042_CMD_AUX_OFF:
        i8042_set_mode(s, i8042_mode(s) | I8042_MODE_AUX_OFF);
        break;
    case I8042_CMD_AUX_ON:
        i8042_set_mode(s, i8042_mode(s) & ~I8042_MODE_AUX_OFF);
        break;
    case I8042_CMD_KBD_OFF:
        i8042_set_mode(s, i8042_mode(s) | I8042_MODE_KBD_OFF);
        break;
    case I8042_CMD_KBD_ON:
        i8042_set_mode(s, i8042_mode(s) & ~I8042_MODE_KBD_OFF);
        break;
    case I8042_CMD_SELF_TEST:
        i8042_self_test(s);
        break;
    case I8042_CMD_AUX_TEST:
    case I8042_CMD_KBD_TEST:
    case I8042_CMD_READ_TEST:
        i8042_answer(s, 0, false); /* no fault; both clocks low */
        break;
    case I8042_CMD_READ_IN:
        i8042_answer(s, I8042_INPUT_PORT, false);
        break;
    case I8042_CMD_READ_OUT:
        i8042_answer(s, i8042_read_outport(s), false);
        break;
    case I8042_CMD_WRITE_OUT:
    case I8042_CMD_WRITE_OBUF:
    case I8042_CMD_WRITE_AOBUF:
    case I8042_CMD_WRITE_AUX:
        s->command = value;
        break;
    case I8042_CMD_A20_OFF:
        i8042_write_outport(s, s->outport & ~I8042_OUT_A20);
        break;
    case I8042_CMD_A20_ON:
        i8042_write_outport(s, s->outport | I8042_OUT_A20);
        break;
    }
}

static void i8042_write_command(I8042State *s, uint8_t value)
{
    unsigned cell = value % I8042_RAM_BYTES;

    s->command = 0;
    if (value - cell == I8042_CMD_READ_RAM) {
        i8042_answer(s, s->ram[cell], false);
    } else if (value - cell == I8042_CMD_WRITE_RAM) {
        s->command = value;
    } else if (value < I8042_CMD_PULSE) {
        i8042_simple_command(s, value);
    } else if (!(value & I8042_OUT_RESET) && s->lines.reset) {
        irq_pulse(s->lines.reset);
    }
}

/* A byte to a device switches its port on. */
static void i8042_write_device(I8042State *s, bool aux, uint8_t value)
{
    s->ram[0] &= aux ? ~I8042_MODE_AUX_OFF : ~I8042_MODE_KBD_OFF;
    if (aux) {
        ps2_mouse_write(s->mouse, value);
    } else {
        ps2_kbd_write(s->kbd, value);
    }
    i8042_fill(s);
}

static void i8042_write_data(I8042State *s, uint8_t value)
{
    uint8_t command = s->command;

    s->command = 0;
    switch (command) {
    case 0:
        i8042_write_device(s, false, value);
        break;
    case I8042_CMD_WRITE_RAM:
        i8042_set_mode(s, value);
        break;
    case I8042_CMD_WRITE_OUT:
        i8042_write_outport(s, value);
        break;
    case I8042_CMD_WRITE_OBUF:
    case I8042_CMD_WRITE_AOBUF:
        i8042_answer(s, value, command == I8042_CMD_WRITE_AOBUF);
        break;
    case I8042_CMD_WRITE_AUX:
        i8042_write_device(s, true, value);
        break;
    default:
        s->ram[command % I8042_RAM_BYTES] = value;
        break;
    }
}

/* --- ports --- */

static void i8042_data_write(void *opaque, hwaddr addr, uint64_t value,
                             unsigned size)
{
    I8042State *s = opaque;

    s->last_was_command = false;
    i8042_write_data(s, value);
}

static void i8042_command_write(void *opaque, hwaddr addr, uint64_t value,
                                unsigned size)
{
    I8042State *s = opaque;

    s->last_was_command = true;
    i8042_write_command(s, value);
}

static uint64_t i8042_data_read(void *opaque, hwaddr addr, unsigned size)
{
    I8042State *s = opaque;
    uint8_t value = s->obuf;

    s->obf = false;
    i8042_update_output(s); /* the next byte is a new edge */
    i8042_fill(s);
    return value;
}

static uint64_t i8042_status_read(void *opaque, hwaddr addr, unsigned size)
{
    I8042State *s = opaque;

    return (s->obf ? I8042_STATUS_OBF : 0) |
           (i8042_mode(s) & I8042_MODE_SYS ? I8042_STATUS_SYS : 0) |
           (s->last_was_command ? I8042_STATUS_CMD : 0) |
           I8042_STATUS_UNLOCKED |
           (s->obf && s->obf_aux ? I8042_STATUS_AUX : 0);
}

static const MemoryRegionOps i8042_data_ops = {
    .read = i8042_data_read,
    .write = i8042_data_write,
    .impl = {1, 1},
};

static const MemoryRegionOps i8042_command_ops = {
    .read = i8042_status_read,
    .write = i8042_command_write,
    .impl = {1, 1},
};

/* --- life --- */

I8042State *i8042_create(MemoryRegion *io, const I8042Lines *lines)
{
    I8042State *s = (I8042State *)device_create(&i8042_type, NULL);

    s->lines = *lines;
    s->io = io;
    irq_init(&s->notify[I8042_KBD], i8042_notify, s, I8042_KBD);
    irq_init(&s->notify[I8042_AUX], i8042_notify, s, I8042_AUX);
    s->kbd = ps2_kbd_create(&s->notify[I8042_KBD]);
    s->mouse = ps2_mouse_create(&s->notify[I8042_AUX]);
    memory_region_init_io(&s->data_port, &i8042_data_ops, s, "i8042-data", 1);
    memory_region_init_io(&s->command_port, &i8042_command_ops, s,
                          "i8042-command", 1);
    memory_region_add(io, 0x60, &s->data_port);
    memory_region_add(io, 0x64, &s->command_port);
    return s;
}

Ps2Kbd *i8042_kbd(I8042State *s)
{
    return s->kbd;
}

Ps2Mouse *i8042_mouse(I8042State *s)
{
    return s->mouse;
}

static void i8042_reset(DeviceState *dev)
{
    I8042State *s = (I8042State *)dev;

    irq_set(s->lines.a20, 1);
    i8042_update_output(s);
}

static void i8042_post_load(DeviceState *dev)
{
    I8042State *s = (I8042State *)dev;

    irq_set(s->lines.a20, !!(s->outport & I8042_OUT_A20));
    i8042_update_output(s);
}

static void i8042_unrealize(DeviceState *dev)
{
    I8042State *s = (I8042State *)dev;

    memory_region_del(s->io, &s->data_port);
    memory_region_destroy(&s->data_port);
    memory_region_del(s->io, &s->command_port);
    memory_region_destroy(&s->command_port);
}

static const DevField i8042_fields[] = {
    DEV_FIELD_ARRAY(I8042State, ram, 0),
    DEV_FIELD(I8042State, outport, I8042_OUT_RESET | I8042_OUT_A20),
    DEV_FIELD(I8042State, command, 0),
    DEV_FIELD(I8042State, obuf, 0),
    DEV_FIELD(I8042State, obf, 0),
    DEV_FIELD(I8042State, obf_aux, 0),
    DEV_FIELD(I8042State, last_was_command, 0),
    DEV_FIELD(I8042State, answer_pending, 0),
    DEV_FIELD(I8042State, answer_aux, 0),
    DEV_FIELD(I8042State, answer, 0),
    DEV_FIELD(I8042State, break_seen, 0),
};

const DeviceType i8042_type = {
    .name = "i8042",
    .desc = "PS/2 keyboard controller",
    .size = sizeof(I8042State),
    .fields = i8042_fields,
    .nfields = ARRAY_LEN(i8042_fields),
    .unrealize = i8042_unrealize,
    .reset = i8042_reset,
    .post_load = i8042_post_load,
};
