/* SPDX-License-Identifier: MIT */
/* What emit_sse.c asks of helper_pcmpstr, beside the immediate's eight bits. */
#ifndef HEDDLE_TARGET_I386_PCMPSTR_H
#define HEDDLE_TARGET_I386_PCMPSTR_H

enum {
    PCMPSTR_MASK = 0,
    PCMPSTR_INDEX = 1 << 8,
    PCMPSTR_IMPLICIT = 1 << 9, /* strings end at a zero, not by rAX and rDX */
    PCMPSTR_WIDE = 1 << 10,    /* REX.W: lengths are RAX and RDX, not EAX... */
};

#endif
