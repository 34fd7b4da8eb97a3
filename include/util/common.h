/* SPDX-License-Identifier: MIT */
/* Types and macros that every file may use. */
#ifndef HEDDLE_UTIL_COMMON_H
#define HEDDLE_UTIL_COMMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <inttypes.h>

#include <glib.h>

typedef uint64_t hwaddr; /* guest physical address */
typedef uint64_t vaddr;  /* guest virtual (linear) address */
typedef uint64_t ram_addr_t; /* offset in the one space of all RAM blocks */

#define HWADDR_FMT "%016" PRIx64
#define VADDR_FMT  "%016" PRIx64

#define KiB ((uint64_t)1 << 10)
#define MiB ((uint64_t)1 << 20)
#define GiB ((uint64_t)1 << 30)

#define PAGE_BITS 12
#define PAGE_SIZE ((uint64_t)1 << PAGE_BITS)
#define PAGE_MASK (~(PAGE_SIZE - 1))

#define ARRAY_LEN(a)          (sizeof(a) / sizeof((a)[0]))
#define BIT(n)                (1u << (n))
#define BIT64(n)              ((uint64_t)1 << (n))
#define ROUND_UP(n, align)    (((n) + (align)-1) / (align) * (align))
#define ROUND_DOWN(n, align)  ((n) / (align) * (align))
#define likely(x)             __builtin_expect(!!(x), 1)
#define unlikely(x)           __builtin_expect(!!(x), 0)
#define container_of(ptr, type, member) \
    ((type *)((char *)(ptr)-offsetof(type, member)))

/* @len bits of @value from bit @start; 1 <= @len <= 64 - @start. */
static inline uint64_t extract64(uint64_t value, int start, int len)
{
    return (value >> start) & (~(uint64_t)0 >> (64 - len));
}

/* @value with its @len bits from @start replaced by the low bits of @field. */
static inline uint64_t deposit64(uint64_t value, int start, int len,
                                 uint64_t field)
{
    uint64_t mask = (~(uint64_t)0 >> (64 - len)) << start;

    return (value & ~mask) | ((field << start) & mask);
}

#endif
