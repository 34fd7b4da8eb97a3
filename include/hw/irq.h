/* SPDX-License-Identifier: MIT */
/*
 * One interrupt (or any other) wire: the receiver owns the IrqLine and the
 * driver holds a pointer to it.  Locks: BQL, unless the receiver says else.
 */
#ifndef HEDDLE_HW_IRQ_H
#define HEDDLE_HW_IRQ_H

#include "util/common.h"

typedef void IrqHandler(void *opaque, int n, int level);

typedef struct IrqLine {
    IrqHandler *handler;
    void *opaque;
    int n; /* which input of the receiver */
} IrqLine;

static inline void irq_init(IrqLine *line, IrqHandler *handler, void *opaque,
                            int n)
{
    *line = (IrqLine){handler, opaque, n};
}

/* Drive the wire; a NULL line is not connected. */
static inline void irq_set(const IrqLine *line, int level)
{
    if (line) {
        line->handler(line->opaque, line->n, level);
    }
}

static inline void irq_raise(const IrqLine *line)
{
    irq_set(line, 1);
}

static inline void irq_lower(const IrqLine *line)
{
    irq_set(line, 0);
}

static inline void irq_pulse(const IrqLine *line)
{
    irq_set(line, 1);
    irq_set(line, 0);
}

#endif
