/* SPDX-License-Identifier: MIT */
/* The 16-byte FIFOs of a 16550A. */
#ifndef HEDDLE_HW_CHAR_SERIAL_FIFO_H
#define HEDDLE_HW_CHAR_SERIAL_FIFO_H

#include "util/common.h"

#define SERIAL_FIFO_BYTES 16

/* Saved as part of a SerialState.  Invariant: head < 16, count <= 16;
 * serial_fifo_sanitize() restores it after a snapshot. */
typedef struct SerialFifo {
    uint8_t data[SERIAL_FIFO_BYTES];
    uint8_t head, count;
} SerialFifo;

static inline void serial_fifo_reset(SerialFifo *f)
{
    f->head = f->count = 0;
}

static inline void serial_fifo_sanitize(SerialFifo *f)
{
    f->head %= SERIAL_FIFO_BYTES;
    f->count = MIN(f->count, SERIAL_FIFO_BYTES);
}

static inline bool serial_fifo_full(const SerialFifo *f)
{
    return f->count == SERIAL_FIFO_BYTES;
}

static inline void serial_fifo_push(SerialFifo *f, uint8_t byte)
{
    g_assert(!serial_fifo_full(f));
    f->data[(f->head + f->count++) % SERIAL_FIFO_BYTES] = byte;
}

static inline uint8_t serial_fifo_pop(SerialFifo *f)
{
    uint8_t byte = f->data[f->head];

    g_assert(f->count > 0);
    f->head = (f->head + 1) % SERIAL_FIFO_BYTES;
    f->count--;
    return byte;
}

#endif
