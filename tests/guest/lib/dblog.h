/* SPDX-License-Identifier: MIT */
/* A log of debug exceptions, and the bits of DR6 and DR7. */
#ifndef DBLOG_H
#define DBLOG_H

#include "guest.h"

#define DR6_ONES 0xffff0ff0ull
#define DR6_BD   (1ull << 13)
#define DR6_BS   (1ull << 14)
#define DR6_BT   (1ull << 15)
#define DR7_ONES 0x400ull
#define DR7_GD   (1ull << 13)
#define RF       (1ull << 16)
#define TF       (1ull << 8)

/* Of breakpoint @i in DR7; LEN8 is 2. */
#define DR7_L(i)             (1ull << 2 * (i))
#define DR7_G(i)             (2ull << 2 * (i))
#define DR7_KIND(i, rw, len) ((uint64_t)((rw) | (len) << 2) << (16 + 4 * (i)))
enum { ON_EXECUTE, ON_WRITE, ON_IO, ON_ACCESS };
enum { LEN1, LEN2, LEN8, LEN4 };

/* All #DB since the last reset: rip, DR6 and flags of each. */
typedef struct DbLog {
    unsigned n;
    struct {
        uint64_t rip, cs, dr6, rflags, rcx;
    } at[32];
} DbLog;
extern volatile DbLog db;
/* What a debugger does to go on past a breakpoint. */
extern volatile bool db_set_rf;

/* Empty the log, and be the handler of #DB. */
void db_start(void);
/* No breakpoints any more. */
void db_stop(void);
/* Enable breakpoint @i. */
void db_break(unsigned i, const volatile void *at, unsigned kind, unsigned len);

/* Step through a REP STOSB of four bytes, with a breakpoint at it if @broken,
 * whose handler sets RF for it alone, as a debugger does. */
typedef struct RepSteps {
    unsigned breaks, between, with_rf; /* steps between two bytes; with RF */
} RepSteps;
RepSteps db_step_rep(bool broken);

/* The log is @n entries of @rips, with their DR6 bits of @dr6 (DR6_ONES not
 * counted), one TAP line. */
void db_expect(const char *what, unsigned n, const char *const *rips,
               const uint64_t *dr6);

#endif
