/* SPDX-License-Identifier: MIT */
/*
 * PS/2 keyboard.
 *
 * Source: IBM PS/2 Hardware Interface Technical Reference, "Keyboard":
 * commands from and to the system.
 * Implemented: scan code sets 1 and 2, all commands.
 * Omitted: set 3 (asking for it answers Resend) and with it the per-key modes
 * F7h-FDh, which are acknowledged; keys do not repeat by themselves.
 * Locks: BQL.
 */
#include "hw/input/ps2.h"

#include "hw/input/ps2_queue.h"
#include "hw/input/scancode.h"

#define KBD_CMD_LEDS      0xed
#define KBD_CMD_ECHO      0xee
#define KBD_CMD_SCANSET   0xf0
#define KBD_CMD_ID        0xf2
#define KBD_CMD_RATE      0xf3
#define KBD_CMD_ENABLE    0xf4
#define KBD_CMD_DISABLE   0xf5 /* and set defaults */
#define KBD_CMD_DEFAULTS  0xf6
#define KBD_CMD_KEYS_LAST 0xfd /* F7h to here: set 3 only */
#define KBD_CMD_RESEND    0xfe
#define KBD_CMD_RESET     0xff
#define KBD_ACK           0xfa
#define KBD_BAT_OK        0xaa
#define KBD_NAK           0xfe
#define KBD_DEFAULT_RATE  0x2b /* 10.9 a second after 500 ms */
#define KBD_DEFAULT_SET   2
#define KBD_SEQUENCE_MAX  8 /* bytes of the longest key: Pause */

struct Ps2Kbd {
    DeviceState dev;

    uint8_t pending; /* command whose parameter comes next; 0: none */
    uint8_t leds, rate, scanset;
    bool disabled; /* scanning is */
    Ps2Queue queue;

    const IrqLine *notify;
};

static void kbd_update_output(Ps2Kbd *s)
{
    irq_set(s->notify, !ps2_queue_empty(&s->queue));
}

static void kbd_answer(Ps2Kbd *s, const uint8_t *bytes, unsigned len)
{
    ps2_queue_answer(&s->queue, bytes, len);
    kbd_update_output(s);
}

static void kbd_answer_byte(Ps2Kbd *s, uint8_t byte)
{
    kbd_answer(s, &byte, 1);
}

static void kbd_set_defaults(Ps2Kbd *s)
{
    s->rate = KBD_DEFAULT_RATE;
    s->scanset = KBD_DEFAULT_SET;
    ps2_queue_drop_events(&s->queue);
}

/* --- commands --- */

static void kbd_write_parameter(Ps2Kbd *s, uint8_t value)
{
    uint8_t command = s->pending;

    s->pending = 0;
    switch (command) {
    case KBD_CMD_LEDS:
        s->leds = value & 7;
        break;
    case KBD_CMD_RATE:
        s->rate = value & 0x7f;
        break;
    case KBD_CMD_SCANSET:
        if (value == 0) {
            kbd_answer(s, (const uint8_t[]){KBD_ACK, s->scanset}, 2);
            return;
        }
        if (value > 2) {
            kbd_answer_byte(s, KBD_NAK);
            return;
        }
        s->scanset = value;
        break;
    }
    kbd_answer_byte(s, KBD_ACK);
}

static void kbd_reset_command(Ps2Kbd *s)
{
    s->disabled = false;
    s->leds = 0;
    kbd_set_defaults(s);
    kbd_answer(s, (const uint8_t[]){KBD_ACK, KBD_BAT_OK}, 2);
}

static void kbd_write_command(Ps2Kbd *s, uint8_t value)
{
    switch (value) {
    case KBD_CMD_LEDS:
    case KBD_CMD_SCANSET:
    case KBD_CMD_RATE:
        s->pending = value;
        kbd_answer_byte(s, KBD_ACK);
        break;
    case KBD_CMD_ECHO:
        kbd_answer_byte(s, KBD_CMD_ECHO);
        break;
    case KBD_CMD_ID:
        kbd_answer(s, (const uint8_t[]){KBD_ACK, 0xab, 0x83}, 3);
        break;
    case KBD_CMD_ENABLE:
    case KBD_CMD_DISABLE:
        s->disabled = value == KBD_CMD_DISABLE;
        ps2_queue_drop_events(&s->queue);
        kbd_answer_byte(s, KBD_ACK);
        break;
    case KBD_CMD_DEFAULTS:
        kbd_set_defaults(s);
        kbd_answer_byte(s, KBD_ACK);
        break;
    case KBD_CMD_RESEND:
        kbd_answer_byte(s, s->queue.last);
        break;
    case KBD_CMD_RESET:
        kbd_reset_command(s);
        break;
    default:
        kbd_answer_byte(s, value > KBD_CMD_DEFAULTS &&
                                   value <= KBD_CMD_KEYS_LAST
                               ? KBD_ACK
                               : KBD_NAK);
        break;
    }
}

/* A byte that can only be a command ends the wait for a parameter. */
void ps2_kbd_write(Ps2Kbd *s, uint8_t value)
{
    if (s->pending && value < KBD_CMD_LEDS) {
        kbd_write_parameter(s, value);
    } else {
        s->pending = 0;
        kbd_write_command(s, value);
    }
}

bool ps2_kbd_read(Ps2Kbd *s, uint8_t *value)
{
    bool ok = ps2_queue_get(&s->queue, value);

    kbd_update_output(s);
    return ok;
}

/* --- keys --- */

/* Append the bytes of one code of set 1 in the set that is selected. */
static unsigned kbd_encode(const Ps2Kbd *s, uint8_t *out, uint16_t code,
                           bool down)
{
    unsigned n = 0;

    if (code >> 8) {
        out[n++] = code >> 8;
    }
    if (s->scanset == 1) {
        out[n++] = (code & 0x7f) | (down ? 0 : SCANCODE_UP);
        return n;
    }
    if (!down) {
        out[n++] = SCANCODE_BREAK;
    }
    out[n++] = scancode_set1_to_set2(code & 0x7f);
    return n;
}

/* Pause sends make and break at once, and nothing when it goes up. */
static unsigned kbd_encode_pause(const Ps2Kbd *s, uint8_t *out)
{
    static const uint8_t set1[] = {0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5};
    static const uint8_t set2[] = {0xe1, 0x14, 0x77, 0xe1,
                                   0xf0, 0x14, 0xf0, 0x77};
    unsigned n = s->scanset == 1 ? sizeof(set1) : sizeof(set2);

    for (unsigned i = 0; i < n; i++) {
        out[i] = s->scanset == 1 ? set1[i] : set2[i];
    }
    return n;
}

bool ps2_kbd_key(Ps2Kbd *s, uint16_t key, bool down)
{
    static const uint16_t fake_shift = 0xe02a;
    uint8_t bytes[KBD_SEQUENCE_MAX];
    unsigned n = 0;
    bool fits;

    if (s->disabled || (key == PS2_KEY_PAUSE && !down)) {
        return true;
    }
    if (key == PS2_KEY_PAUSE) {
        n = kbd_encode_pause(s, bytes);
    } else if (key == PS2_KEY_PRINT) {
        n = kbd_encode(s, bytes, down ? fake_shift : key, down);
        n += kbd_encode(s, bytes + n, down ? key : fake_shift, down);
    } else {
        n = kbd_encode(s, bytes, key, down);
    }
    fits = ps2_queue_event(&s->queue, bytes, n);
    kbd_update_output(s);
    return fits;
}

uint8_t ps2_kbd_leds(const Ps2Kbd *s)
{
    return s->leds;
}

/* --- life --- */

Ps2Kbd *ps2_kbd_create(const IrqLine *notify)
{
    Ps2Kbd *s = (Ps2Kbd *)device_create(&ps2_kbd_type, NULL);

    s->notify = notify;
    return s;
}

static void kbd_reset(DeviceState *dev)
{
    kbd_update_output((Ps2Kbd *)dev);
}

static void kbd_post_load(DeviceState *dev)
{
    Ps2Kbd *s = (Ps2Kbd *)dev;

    ps2_queue_sanitize(&s->queue);
    kbd_update_output(s);
}

static const DevField kbd_fields[] = {
    DEV_FIELD(Ps2Kbd, pending, 0),
    DEV_FIELD(Ps2Kbd, leds, 0),
    DEV_FIELD(Ps2Kbd, rate, KBD_DEFAULT_RATE),
    DEV_FIELD(Ps2Kbd, scanset, KBD_DEFAULT_SET),
    DEV_FIELD(Ps2Kbd, disabled, 0),
    PS2_QUEUE_FIELDS(Ps2Kbd),
};

const DeviceType ps2_kbd_type = {
    .name = "ps2-kbd",
    .desc = "PS/2 keyboard",
    .size = sizeof(Ps2Kbd),
    .fields = kbd_fields,
    .nfields = ARRAY_LEN(kbd_fields),
    .reset = kbd_reset,
    .post_load = kbd_post_load,
};
