/* SPDX-License-Identifier: MIT */
/*
 * PS/2 mouse with the IntelliMouse wheel and the Explorer's five buttons.
 *
 * Source: IBM PS/2 Hardware Interface Technical Reference, "Mouse"; Microsoft
 * "Enhanced mouse" white paper for the two extended packets.
 * Motion that the host does not read adds up and is reported later; the sample
 * rate is kept but does not delay packets.
 * Locks: BQL.
 */
#include "hw/input/ps2.h"

#include "hw/input/ps2_queue.h"

#define MOUSE_CMD_SCALE_1    0xe6
#define MOUSE_CMD_SCALE_2    0xe7
#define MOUSE_CMD_RESOLUTION 0xe8
#define MOUSE_CMD_STATUS     0xe9
#define MOUSE_CMD_STREAM     0xea
#define MOUSE_CMD_READ       0xeb
#define MOUSE_CMD_UNWRAP     0xec
#define MOUSE_CMD_WRAP       0xee
#define MOUSE_CMD_REMOTE     0xf0
#define MOUSE_CMD_ID         0xf2
#define MOUSE_CMD_RATE       0xf3
#define MOUSE_CMD_ENABLE     0xf4
#define MOUSE_CMD_DISABLE    0xf5
#define MOUSE_CMD_DEFAULTS   0xf6
#define MOUSE_CMD_RESEND     0xfe
#define MOUSE_CMD_RESET      0xff
#define MOUSE_ACK            0xfa
#define MOUSE_NAK            0xfe
#define MOUSE_BAT_OK         0xaa
#define MOUSE_ID_PLAIN       0
#define MOUSE_ID_WHEEL       3
#define MOUSE_ID_EXPLORER    4
#define MOUSE_STATUS_SCALE_2 BIT(4)
#define MOUSE_STATUS_ENABLED BIT(5)
#define MOUSE_STATUS_REMOTE  BIT(6)
#define MOUSE_PACKET_ONE     BIT(3) /* always set in a packet's first byte */
#define MOUSE_PACKET_X_SIGN  BIT(4)
#define MOUSE_PACKET_Y_SIGN  BIT(5)
#define MOUSE_DEFAULT_RATE   100
#define MOUSE_DEFAULT_RES    2 /* 4 counts a millimetre */
#define MOUSE_BACKLOG        16 /* bytes of events after which motion adds up */
#define MOUSE_MOTION_MAX     (1 << 20)

struct Ps2Mouse {
    DeviceState dev;

    uint8_t pending; /* command whose parameter comes next; 0: none */
    uint8_t resolution, rate, id;
    bool scale_2, enabled, remote, wrap;
    uint8_t rates[2]; /* the two sample rates before the last */
    int32_t dx, dy, dz; /* not yet reported */
    uint8_t buttons, reported_buttons;
    Ps2Queue queue;

    const IrqLine *notify;
};

static void mouse_update_output(Ps2Mouse *s)
{
    irq_set(s->notify, !ps2_queue_empty(&s->queue));
}

static void mouse_answer(Ps2Mouse *s, const uint8_t *bytes, unsigned len)
{
    ps2_queue_answer(&s->queue, bytes, len);
    mouse_update_output(s);
}

static void mouse_answer_byte(Ps2Mouse *s, uint8_t byte)
{
    mouse_answer(s, &byte, 1);
}

static void mouse_set_defaults(Ps2Mouse *s)
{
    s->rate = MOUSE_DEFAULT_RATE;
    s->resolution = MOUSE_DEFAULT_RES;
    s->scale_2 = s->enabled = s->remote = s->wrap = false;
    s->dx = s->dy = s->dz = 0;
    ps2_queue_drop_events(&s->queue);
}

/* --- packets --- */

/* Take out of @sum what fits in one packet. */
static int mouse_take(int32_t *sum, int min, int max)
{
    int v = CLAMP(*sum, min, max);

    *sum -= v;
    return v;
}

/* Scaling 2:1: small motions shrink, large ones double; stream mode only. */
static int mouse_scale(const Ps2Mouse *s, int v)
{
    static const uint8_t small[] = {0, 1, 1, 3, 6, 9};
    int scaled;

    if (!s->scale_2 || s->remote) {
        return v;
    }
    scaled = ABS(v) < (int)ARRAY_LEN(small) ? small[ABS(v)]
                                            : MIN(2 * ABS(v), 255);
    return v < 0 ? -scaled : scaled;
}

static unsigned mouse_make_packet(Ps2Mouse *s, uint8_t *out)
{
    int dx = mouse_scale(s, mouse_take(&s->dx, -255, 255));
    int dy = mouse_scale(s, mouse_take(&s->dy, -255, 255));
    int dz;

    out[0] = MOUSE_PACKET_ONE | (s->buttons & 7) |
             (dx < 0 ? MOUSE_PACKET_X_SIGN : 0) |
             (dy < 0 ? MOUSE_PACKET_Y_SIGN : 0);
    out[1] = dx;
    out[2] = dy;
    s->reported_buttons = s->buttons;
    if (s->id == MOUSE_ID_PLAIN) {
        s->dz = 0;
        return 3;
    }
    dz = mouse_take(&s->dz, -8, 7);
    out[3] = s->id == MOUSE_ID_WHEEL ? dz
                                     : (dz & 15) | (s->buttons >> 3 & 3) << 4;
    return 4;
}

static bool mouse_has_news(const Ps2Mouse *s)
{
    return s->dx || s->dy || s->dz || s->buttons != s->reported_buttons;
}

/* Send what has added up, as far as the host keeps up. */
static void mouse_stream(Ps2Mouse *s)
{
    uint8_t packet[4];

    while (s->enabled && !s->remote && !s->wrap && mouse_has_news(s) &&
           s->queue.event_count < MOUSE_BACKLOG) {
        ps2_queue_event(&s->queue, packet, mouse_make_packet(s, packet));
    }
    mouse_update_output(s);
}

void ps2_mouse_event(Ps2Mouse *s, int dx, int dy, int dz, unsigned buttons)
{
    s->dx = CLAMP((int64_t)s->dx + dx, -MOUSE_MOTION_MAX, MOUSE_MOTION_MAX);
    s->dy = CLAMP((int64_t)s->dy + dy, -MOUSE_MOTION_MAX, MOUSE_MOTION_MAX);
    s->dz = CLAMP((int64_t)s->dz + dz, -MOUSE_MOTION_MAX, MOUSE_MOTION_MAX);
    s->buttons = buttons & 0x1f;
    mouse_stream(s);
}

bool ps2_mouse_read(Ps2Mouse *s, uint8_t *value)
{
    bool ok = ps2_queue_get(&s->queue, value);

    mouse_stream(s);
    return ok;
}

/* --- commands --- */

/* Drivers ask for the extensions by three sample rates in a row. */
static void mouse_set_rate(Ps2Mouse *s, uint8_t rate)
{
    if (s->rates[0] == 200 && s->rates[1] == 100 && rate == 80) {
        s->id = MOUSE_ID_WHEEL;
    } else if (s->rates[0] == 200 && s->rates[1] == 200 && rate == 80 &&
               s->id == MOUSE_ID_WHEEL) {
        s->id = MOUSE_ID_EXPLORER;
    }
    s->rates[0] = s->rates[1];
    s->rates[1] = rate;
    s->rate = rate;
}

static void mouse_write_parameter(Ps2Mouse *s, uint8_t value)
{
    if (s->pending == MOUSE_CMD_RATE) {
        mouse_set_rate(s, value);
    } else {
        s->resolution = value & 3;
    }
    s->pending = 0;
    mouse_answer_byte(s, MOUSE_ACK);
}

static void mouse_answer_status(Ps2Mouse *s)
{
    uint8_t answer[] = {
        MOUSE_ACK,
        (s->scale_2 ? MOUSE_STATUS_SCALE_2 : 0) |
            (s->enabled ? MOUSE_STATUS_ENABLED : 0) |
            (s->remote ? MOUSE_STATUS_REMOTE : 0) |
            /* Here the left button is bit 2 and the right bit 0. */
            (s->buttons & PS2_BUTTON_LEFT ? BIT(2) : 0) |
            (s->buttons & PS2_BUTTON_MIDDLE ? BIT(1) : 0) |
            (s->buttons & PS2_BUTTON_RIGHT ? BIT(0) : 0),
        s->resolution,
        s->rate,
    };

    mouse_answer(s, answer, sizeof(answer));
}

static void mouse_answer_packet(Ps2Mouse *s)
{
    uint8_t answer[5] = {MOUSE_ACK};
    unsigned n = mouse_make_packet(s, answer + 1);

    mouse_answer(s, answer, 1 + n);
}

/* Switch a mode and acknowledge. */
static void mouse_set_mode(Ps2Mouse *s, uint8_t command)
{
    switch (command) {
    case MOUSE_CMD_SCALE_1:
    case MOUSE_CMD_SCALE_2:
        s->scale_2 = command == MOUSE_CMD_SCALE_2;
        break;
    case MOUSE_CMD_STREAM:
    case MOUSE_CMD_REMOTE:
        s->remote = command == MOUSE_CMD_REMOTE;
        break;
    case MOUSE_CMD_WRAP:
    case MOUSE_CMD_UNWRAP:
        s->wrap = command == MOUSE_CMD_WRAP;
        break;
    case MOUSE_CMD_ENABLE:
    case MOUSE_CMD_DISABLE:
        s->enabled = command == MOUSE_CMD_ENABLE;
        ps2_queue_drop_events(&s->queue);
        break;
    case MOUSE_CMD_DEFAULTS:
        mouse_set_defaults(s);
        break;
    default:
        mouse_answer_byte(s, MOUSE_NAK);
        return;
    }
    mouse_answer_byte(s, MOUSE_ACK);
}

static void mouse_write_command(Ps2Mouse *s, uint8_t value)
{
    switch (value) {
    case MOUSE_CMD_RATE:
    case MOUSE_CMD_RESOLUTION:
        s->pending = value;
        mouse_answer_byte(s, MOUSE_ACK);
        break;
    case MOUSE_CMD_STATUS:
        mouse_answer_status(s);
        break;
    case MOUSE_CMD_READ:
        mouse_answer_packet(s);
        break;
    case MOUSE_CMD_ID:
        mouse_answer(s, (const uint8_t[]){MOUSE_ACK, s->id}, 2);
        break;
    case MOUSE_CMD_RESEND:
        mouse_answer_byte(s, s->queue.last);
        break;
    case MOUSE_CMD_RESET:
        mouse_set_defaults(s);
        s->id = MOUSE_ID_PLAIN;
        mouse_answer(s, (const uint8_t[]){MOUSE_ACK, MOUSE_BAT_OK, 0}, 3);
        break;
    default:
        mouse_set_mode(s, value);
        break;
    }
}

/* In wrap mode everything comes back but what ends it. */
void ps2_mouse_write(Ps2Mouse *s, uint8_t value)
{
    if (s->wrap && value != MOUSE_CMD_UNWRAP && value != MOUSE_CMD_RESET) {
        mouse_answer_byte(s, value);
    } else if (s->pending) {
        mouse_write_parameter(s, value);
    } else {
        mouse_write_command(s, value);
    }
}

/* --- life --- */

Ps2Mouse *ps2_mouse_create(const IrqLine *notify)
{
    Ps2Mouse *s = (Ps2Mouse *)device_create(&ps2_mouse_type, NULL);

    s->notify = notify;
    return s;
}

static void mouse_reset(DeviceState *dev)
{
    mouse_update_output((Ps2Mouse *)dev);
}

static void mouse_post_load(DeviceState *dev)
{
    Ps2Mouse *s = (Ps2Mouse *)dev;

    ps2_queue_sanitize(&s->queue);
    mouse_update_output(s);
}

static const DevField mouse_fields[] = {
    DEV_FIELD(Ps2Mouse, pending, 0),
    DEV_FIELD(Ps2Mouse, resolution, MOUSE_DEFAULT_RES),
    DEV_FIELD(Ps2Mouse, rate, MOUSE_DEFAULT_RATE),
    DEV_FIELD(Ps2Mouse, id, MOUSE_ID_PLAIN),
    DEV_FIELD(Ps2Mouse, scale_2, 0),
    DEV_FIELD(Ps2Mouse, enabled, 0),
    DEV_FIELD(Ps2Mouse, remote, 0),
    DEV_FIELD(Ps2Mouse, wrap, 0),
    DEV_FIELD_ARRAY(Ps2Mouse, rates, 0),
    DEV_FIELD(Ps2Mouse, dx, 0),
    DEV_FIELD(Ps2Mouse, dy, 0),
    DEV_FIELD(Ps2Mouse, dz, 0),
    DEV_FIELD(Ps2Mouse, buttons, 0),
    DEV_FIELD(Ps2Mouse, reported_buttons, 0),
    PS2_QUEUE_FIELDS(Ps2Mouse),
};

const DeviceType ps2_mouse_type = {
    .name = "ps2-mouse",
    .desc = "PS/2 mouse",
    .size = sizeof(Ps2Mouse),
    .fields = mouse_fields,
    .nfields = ARRAY_LEN(mouse_fields),
    .reset = mouse_reset,
    .post_load = mouse_post_load,
};
