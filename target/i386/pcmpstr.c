/* SPDX-License-Identifier: MIT */
/*
 * PCMPESTRI, PCMPESTRM, PCMPISTRI, PCMPISTRM.
 * SDM vol. 2B, 4.1 "Imm8 Control Byte Operation for PCMPESTRI..."
 */
#include "target/i386/pcmpstr.h"

#include "target/i386/helpers.h"
#include "tcg/ir.h"

/* The immediate */
enum {
    IMM_WORDS = 1 << 0,
    IMM_SIGNED = 1 << 1,
    IMM_AGGREGATE = 3 << 2,
    IMM_EQUAL_ANY = 0 << 2,
    IMM_RANGES = 1 << 2,
    IMM_EQUAL_EACH = 2 << 2,
    IMM_EQUAL_ORDERED = 3 << 2,
    IMM_NEGATE = 1 << 4,
    IMM_MASKED = 1 << 5, /* negate only where the second string is */
    IMM_TOP = 1 << 6,    /* the last index; a mask of elements, not of bits */
};

/* One string: elements, and how many of them count. */
typedef struct Text {
    int32_t at[16];
    unsigned len;
} Text;

static void read_elements(Text *t, const VecReg *v, unsigned code)
{
    unsigned n = code & IMM_WORDS ? 8 : 16;

    for (unsigned i = 0; i < n; i++) {
        if (code & IMM_WORDS) {
            t->at[i] = code & IMM_SIGNED ? v->i16[i] : v->u16[i];
        } else {
            t->at[i] = code & IMM_SIGNED ? v->i8[i] : v->u8[i];
        }
    }
}

/* The length by a register (its magnitude, at most @n), or by a zero. */
static unsigned text_length(const Text *t, unsigned n, uint64_t reg,
                            unsigned code)
{
    int64_t v = code & PCMPSTR_WIDE ? (int64_t)reg : (int32_t)reg;
    unsigned len = 0;

    if (code & PCMPSTR_IMPLICIT) {
        while (len < n && t->at[len]) {
            len++;
        }
        return len;
    }
    return v > -(int64_t)n && v < (int64_t)n ? (unsigned)ABS(v) : n;
}

static bool in_set(const Text *set, int32_t v)
{
    for (unsigned i = 0; i < set->len; i++) {
        if (set->at[i] == v) {
            return true;
        }
    }
    return false;
}

static bool in_ranges(const Text *ranges, int32_t v)
{
    for (unsigned i = 0; i + 1 < ranges->len; i += 2) {
        if (ranges->at[i] <= v && v <= ranges->at[i + 1]) {
            return true;
        }
    }
    return false;
}

/* Does @needle begin at @at?  What is past the register's end matches. */
static bool begins_at(const Text *needle, const Text *text, unsigned at,
                      unsigned n)
{
    for (unsigned i = 0; i < needle->len && at + i < n; i++) {
        if (at + i >= text->len || needle->at[i] != text->at[at + i]) {
            return false;
        }
    }
    return true;
}

/* IntRes1 of the SDM for element @j of the second string. */
static bool element_matches(const Text *a, const Text *b, unsigned j,
                            unsigned n, unsigned code)
{
    bool valid = j < b->len;

    switch (code & IMM_AGGREGATE) {
    case IMM_EQUAL_ANY:
        return valid && in_set(a, b->at[j]);
    case IMM_RANGES:
        return valid && in_ranges(a, b->at[j]);
    case IMM_EQUAL_EACH:
        return valid == (j < a->len) && (!valid || a->at[j] == b->at[j]);
    default: /* IMM_EQUAL_ORDERED */
        return begins_at(a, b, j, n);
    }
}

/* IntRes2: after the polarity. */
static unsigned compare(const Text *a, const Text *b, unsigned n, unsigned code)
{
    unsigned result = 0;

    for (unsigned j = 0; j < n; j++) {
        bool negate =
            (code & IMM_NEGATE) && (!(code & IMM_MASKED) || j < b->len);

        result |= (unsigned)(element_matches(a, b, j, n, code) != negate) << j;
    }
    return result;
}

static void store_mask(VecReg *v, unsigned result, unsigned n, unsigned code)
{
    v->u64[0] = code & IMM_TOP ? 0 : result;
    v->u64[1] = 0;
    for (unsigned i = 0; i < n && (code & IMM_TOP); i++) {
        if (code & IMM_WORDS) {
            v->i16[i] = -(int16_t)(result >> i & 1);
        } else {
            v->i8[i] = -(int8_t)(result >> i & 1);
        }
    }
}

static unsigned index_of(unsigned result, unsigned n, unsigned code)
{
    if (!result) {
        return n;
    }
    return code & IMM_TOP ? 31 - (unsigned)__builtin_clz(result)
                          : (unsigned)__builtin_ctz(result);
}

uint64_t helper_pcmpstr(X86CPU *cpu, uint64_t code, uint64_t reg, uint64_t lo,
                        uint64_t hi)
{
    unsigned n = code & IMM_WORDS ? 8 : 16, result;
    VecReg second = {.u64 = {lo, hi}};
    Text a, b;

    read_elements(&a, &cpu->vec[reg & 15], (unsigned)code);
    read_elements(&b, &second, (unsigned)code);
    a.len = text_length(&a, n, cpu->regs[R_RAX], (unsigned)code);
    b.len = text_length(&b, n, cpu->regs[R_RDX], (unsigned)code);
    result = compare(&a, &b, n, (unsigned)code);
    cpu->cc = (result ? CC_BIT_C : 0) | (b.len < n ? CC_BIT_Z : 0) |
              (a.len < n ? CC_BIT_S : 0) | (result & 1 ? CC_BIT_O : 0);
    if (!(code & PCMPSTR_INDEX)) {
        store_mask(&cpu->vec[0], result, n, (unsigned)code);
        return 0;
    }
    return index_of(result, n, (unsigned)code);
}
