/* SPDX-License-Identifier: MIT */
/* Bytes that a PS/2 device has for its host: answers, which go first, and
 * events. */
#ifndef HEDDLE_HW_INPUT_PS2_QUEUE_H
#define HEDDLE_HW_INPUT_PS2_QUEUE_H

#include "util/common.h"

#define PS2_EVENT_BYTES  256
#define PS2_ANSWER_BYTES 16

/* Saved as part of a device: ps2_queue_sanitize() restores the invariant
 * that positions and counts are in range. */
typedef struct Ps2Queue {
    uint8_t event[PS2_EVENT_BYTES];
    uint16_t event_head, event_count;
    uint8_t answer[PS2_ANSWER_BYTES];
    uint8_t answer_head, answer_count;
    uint8_t last; /* what was read last, for Resend */
} Ps2Queue;

void ps2_queue_reset(Ps2Queue *q);
void ps2_queue_sanitize(Ps2Queue *q);
/* An answer replaces what the host has not read of the one before. */
void ps2_queue_answer(Ps2Queue *q, const uint8_t *bytes, unsigned len);
/* All of an event or nothing: false if it does not fit. */
bool ps2_queue_event(Ps2Queue *q, const uint8_t *bytes, unsigned len);
void ps2_queue_drop_events(Ps2Queue *q);
bool ps2_queue_empty(const Ps2Queue *q);
bool ps2_queue_get(Ps2Queue *q, uint8_t *byte);

#define PS2_QUEUE_FIELDS(type) \
    DEV_FIELD_ARRAY(type, queue.event, 0), \
    DEV_FIELD(type, queue.event_head, 0), \
    DEV_FIELD(type, queue.event_count, 0), \
    DEV_FIELD_ARRAY(type, queue.answer, 0), \
    DEV_FIELD(type, queue.answer_head, 0), \
    DEV_FIELD(type, queue.answer_count, 0), \
    DEV_FIELD(type, queue.last, 0)

#endif
