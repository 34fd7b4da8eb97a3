/* SPDX-License-Identifier: MIT */
/* Two rings: answers and events of a PS/2 device. */
#include "hw/input/ps2_queue.h"

#include <string.h>

void ps2_queue_reset(Ps2Queue *q)
{
    memset(q, 0, sizeof(*q));
}

void ps2_queue_sanitize(Ps2Queue *q)
{
    q->event_head %= PS2_EVENT_BYTES;
    q->event_count = MIN(q->event_count, PS2_EVENT_BYTES);
    q->answer_head %= PS2_ANSWER_BYTES;
    q->answer_count = MIN(q->answer_count, PS2_ANSWER_BYTES);
}

void ps2_queue_answer(Ps2Queue *q, const uint8_t *bytes, unsigned len)
{
    g_assert(len <= PS2_ANSWER_BYTES);
    memcpy(q->answer, bytes, len);
    q->answer_head = 0;
    q->answer_count = len;
}

bool ps2_queue_event(Ps2Queue *q, const uint8_t *bytes, unsigned len)
{
    if (q->event_count + len > PS2_EVENT_BYTES) {
        return false;
    }
    for (unsigned i = 0; i < len; i++) {
        q->event[(q->event_head + q->event_count++) % PS2_EVENT_BYTES] =
            bytes[i];
    }
    return true;
}

void ps2_queue_drop_events(Ps2Queue *q)
{
    q->event_count = 0;
}

bool ps2_queue_empty(const Ps2Queue *q)
{
    return q->answer_count == 0 && q->event_count == 0;
}

bool ps2_queue_get(Ps2Queue *q, uint8_t *byte)
{
    if (q->answer_count) {
        q->last = q->answer[q->answer_head];
        q->answer_head = (q->answer_head + 1) % PS2_ANSWER_BYTES;
        q->answer_count--;
    } else if (q->event_count) {
        q->last = q->event[q->event_head];
        q->event_head = (q->event_head + 1) % PS2_EVENT_BYTES;
        q->event_count--;
    } else {
        return false;
    }
    *byte = q->last;
    return true;
}
