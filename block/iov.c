/* SPDX-License-Identifier: MIT */
/* Scatter-gather lists. */
#include "block/internal.h"

uint64_t iov_bytes(const struct iovec *iov, unsigned niov)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < niov; i++) {
        sum += iov[i].iov_len;
    }
    return sum;
}

unsigned iov_slice(struct iovec *out, const struct iovec *iov, unsigned niov,
                   uint64_t offset, uint64_t len)
{
    unsigned n = 0;

    for (unsigned i = 0; i < niov && len > 0; i++) {
        uint64_t part;

        if (offset >= iov[i].iov_len) {
            offset -= iov[i].iov_len;
            continue;
        }
        part = MIN(iov[i].iov_len - offset, len);
        out[n].iov_base = (char *)iov[i].iov_base + offset;
        out[n++].iov_len = part;
        offset = 0;
        len -= part;
    }
    return n;
}
