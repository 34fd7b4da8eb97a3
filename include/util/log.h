/* SPDX-License-Identifier: MIT */
/*
 * The -d log.  A test of log_enabled() costs one load when logging is off.
 * Any thread; a line is written whole, and log_lock()/log_unlock() keep a
 * group of lines together.  The log lock is a leaf: nothing is locked after it.
 */
#ifndef HEDDLE_UTIL_LOG_H
#define HEDDLE_UTIL_LOG_H

#include <stdio.h>

#include "util/common.h"

enum {
    LOG_IN_ASM = BIT(0),       /* in_asm: guest code of each new TB */
    LOG_OP = BIT(1),           /* op: IR as emitted */
    LOG_OP_OPT = BIT(2),       /* op_opt: IR after the passes */
    LOG_OUT_ASM = BIT(3),      /* out_asm: host code of each new TB */
    LOG_INT = BIT(4),          /* int: interrupts and exceptions */
    LOG_EXEC = BIT(5),         /* exec: one line per TB entered */
    LOG_CPU = BIT(6),          /* cpu: registers before each TB */
    LOG_MMU = BIT(7),          /* mmu: page walks and TLB fills */
    LOG_GUEST_ERRORS = BIT(8), /* guest_errors: what a guest should not do */
    LOG_UNIMP = BIT(9),        /* unimp: deliberate omissions that were hit */
    LOG_CPU_RESET = BIT(10),   /* cpu_reset: state before each reset */
    LOG_NOCHAIN = BIT(11),     /* nochain: do not link TBs */
    LOG_STATS = BIT(12),       /* stats: `info jit` at exit */
    LOG_LOCK = BIT(13),        /* lock: each wait for a lock */
    LOG_BUFFERED = BIT(14),    /* buffered: a crash loses the last lines */
    /* How to log, not what; "all" does not mean them. */
    LOG_MODES = LOG_NOCHAIN | LOG_BUFFERED,
};

extern uint32_t log_mask; /* written by log_set_* only; racy reads are fine */

#define log_enabled(mask) \
    unlikely((__atomic_load_n(&log_mask, __ATOMIC_RELAXED) & (mask)) != 0)

/* Printf to the log if any bit of @mask is on. */
#define log_printf(mask, ...) \
    do { \
        if (log_enabled(mask)) { \
            log_write(__VA_ARGS__); \
        } \
    } while (0)

void log_write(const char *fmt, ...) G_GNUC_PRINTF(1, 2);
/* A line that is formatted, outside of groups. */
void log_write_line(const char *line, size_t len);
FILE *log_lock(void);
void log_unlock(void);

/* Parse "int,guest_errors"; "help" is the caller's to handle. */
bool log_parse_mask(const char *items, uint32_t *mask, GError **errp);
void log_set_mask(uint32_t mask);
/* Send the log to @path ("%d" becomes the process id); NULL means stderr. */
bool log_set_file(const char *path, GError **errp);
/* -dfilter RANGE[,...]: START..END, START+LEN or START-LEN, in hexadecimal. */
bool log_set_filter(const char *ranges, GError **errp);
/* Is @addr inside the filter?  True when there is none. */
bool log_in_filter(vaddr addr);
/* A table of the items and what they log, for `-d help`; free with g_free. */
char *log_help(void);

#endif
