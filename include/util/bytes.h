/* SPDX-License-Identifier: MIT */
/* Integers in byte arrays: any alignment, byte order in the name. */
#ifndef HEDDLE_UTIL_BYTES_H
#define HEDDLE_UTIL_BYTES_H

#include <string.h>

#include "util/common.h"

static inline uint16_t get_le16(const void *p)
{
    uint16_t v;

    memcpy(&v, p, sizeof(v));
    return GUINT16_FROM_LE(v);
}

static inline uint32_t get_le32(const void *p)
{
    uint32_t v;

    memcpy(&v, p, sizeof(v));
    return GUINT32_FROM_LE(v);
}

static inline uint64_t get_le64(const void *p)
{
    uint64_t v;

    memcpy(&v, p, sizeof(v));
    return GUINT64_FROM_LE(v);
}

static inline void put_le16(void *p, uint16_t v)
{
    v = GUINT16_TO_LE(v);
    memcpy(p, &v, sizeof(v));
}

static inline void put_le32(void *p, uint32_t v)
{
    v = GUINT32_TO_LE(v);
    memcpy(p, &v, sizeof(v));
}

static inline void put_le64(void *p, uint64_t v)
{
    v = GUINT64_TO_LE(v);
    memcpy(p, &v, sizeof(v));
}

static inline uint32_t get_be32(const void *p)
{
    return GUINT32_SWAP_LE_BE(get_le32(p));
}

static inline uint64_t get_be64(const void *p)
{
    return GUINT64_SWAP_LE_BE(get_le64(p));
}

static inline void put_be16(void *p, uint16_t v)
{
    put_le16(p, GUINT16_SWAP_LE_BE(v));
}

static inline void put_be32(void *p, uint32_t v)
{
    put_le32(p, GUINT32_SWAP_LE_BE(v));
}

static inline void put_be64(void *p, uint64_t v)
{
    put_le64(p, GUINT64_SWAP_LE_BE(v));
}

/* The byte that makes @len bytes at @p sum up to 0 modulo 256. */
static inline uint8_t checksum8(const void *p, size_t len)
{
    const uint8_t *bytes = p;
    uint8_t sum = 0;

    for (size_t i = 0; i < len; i++) {
        sum += bytes[i];
    }
    return -sum;
}

#endif
