/* SPDX-License-Identifier: MIT */
/* Drive a device as the guest does: through ports, registers and lines.  The
 * main program holds the BQL, and the virtual clock stands still but for
 * clock_virtual_advance(). */
#ifndef HEDDLE_TESTS_HW_TEST_H
#define HEDDLE_TESTS_HW_TEST_H

#include "exec/bql.h"
#include "exec/memory.h"
#include "hw/device.h"
#include "hw/irq.h"
#include "util/timer.h"

/* A line that notes its level and how often it rose. */
typedef struct LineProbe {
    IrqLine line;
    int level;
    unsigned rises;
} LineProbe;

static inline void line_probe_set(void *opaque, int n, int level)
{
    LineProbe *p = opaque;

    p->rises += level && !p->level;
    p->level = level;
}

static inline const IrqLine *line_probe_init(LineProbe *p)
{
    *p = (LineProbe){0};
    irq_init(&p->line, line_probe_set, p, 0);
    return &p->line;
}

static inline void hw_test_init(int *argc, char ***argv)
{
    g_test_init(argc, argv, NULL);
    bql_init();
    bql_lock();
    memory_map_init();
}

static inline void out8(uint16_t port, uint8_t value)
{
    address_space_store(&address_space_io, port, value, 1);
}

static inline uint8_t in8(uint16_t port)
{
    return address_space_load(&address_space_io, port, 1, NULL);
}

static inline void store32(hwaddr addr, uint32_t value)
{
    address_space_store(&address_space_memory, addr, value, 4);
}

static inline uint32_t load32(hwaddr addr)
{
    return address_space_load(&address_space_memory, addr, 4, NULL);
}

#endif
