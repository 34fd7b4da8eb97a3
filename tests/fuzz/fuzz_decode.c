/* SPDX-License-Identifier: MIT */
/*
 * The decoder, on any bytes, in any mode, with any set of CPU features: it
 * reads no byte that it was not given, nor a sixteenth one; its answer depends
 * on no byte behind the instruction; fewer features take instructions away and
 * change none; and capstone agrees (judge.h).
 *
 * An input: mode, choice of features, the bytes.
 */
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/judge.h"

typedef struct Run {
    unsigned mode;
    X86Insn in;
    X86Decode result;
} Run;

static X86Decode decode(X86Insn *in, unsigned mode, const uint8_t *bytes,
                        size_t avail)
{
    return x86_decode(in, NULL, bytes, (unsigned)avail,
                      insn_modes[mode].hflags);
}

static bool same(const X86Insn *a, const X86Insn *b)
{
    return a->row == b->row && a->len == b->len &&
           !memcmp(a->op, b->op, sizeof(a->op)) &&
           !memcmp(&a->mem, &b->mem, sizeof(a->mem)) && a->imm == b->imm &&
           a->imm2 == b->imm2;
}

/* An answer that needs the last byte looked at, and none behind it.  Here the
 * bytes are exactly those that may be read, so that a sanitizer sees more. */
static void check_bounds(const Run *r, const uint8_t *bytes, size_t avail)
{
    X86Insn in;

    if (r->in.len > X86_MAX_INSN || r->in.len > avail ||
        (r->result == DECODE_MORE && r->in.len != avail)) {
        fuzz_fail("%u of %zu bytes were looked at", r->in.len, avail);
    }
    for (unsigned n = 0; n < r->in.len; n++) {
        g_autofree uint8_t *part = g_memdup2(bytes, n);

        if (decode(&in, r->mode, part, n) != DECODE_MORE) {
            fuzz_fail("%u bytes suffice, not %u", n, r->in.len);
        }
    }
}

/* Bytes behind the instruction change nothing. */
static void check_tail(const Run *r, const uint8_t *bytes)
{
    uint8_t other[X86_MAX_INSN + 1];
    X86Insn in;

    memcpy(other, bytes, r->in.len);
    for (unsigned fill = 0; fill < 256; fill += 85) {
        memset(other + r->in.len, (int)fill, sizeof(other) - r->in.len);
        if (decode(&in, r->mode, other, sizeof(other)) != r->result ||
            (r->result == DECODE_OK && !same(&in, &r->in))) {
            fuzz_fail("bytes behind the instruction count");
        }
    }
}

static void check_features(const Run *r, unsigned choice, const uint8_t *bytes,
                           size_t avail)
{
    X86Features features = {.amd = choice & 1};
    X86CPU cpu = {.features = &features};
    X86Insn in;
    X86Decode result;

    insn_choose_features(&features, choice);
    result = x86_decode(&in, &cpu, bytes, (unsigned)avail,
                        insn_modes[r->mode].hflags);
    if (result == DECODE_OK &&
        (r->result != DECODE_OK || in.len != r->in.len)) {
        fuzz_fail("with fewer features it is %u bytes of %s, not %u", in.len,
                  in.row->name, r->in.len);
    }
}

static void run(FuzzInput input)
{
    unsigned mode = fuzz_u8(&input) % NB_MODES, choice = fuzz_u8(&input);
    g_autofree uint8_t *exact = g_memdup2(input.bytes, input.len);
    uint8_t padded[JUDGE_BYTES] = {0};
    Run r = {.mode = mode};
    char *wrong;

    r.result = decode(&r.in, mode, exact, input.len);
    check_bounds(&r, exact, input.len);
    if (r.result == DECODE_MORE) {
        return;
    }
    check_tail(&r, exact);
    check_features(&r, choice, exact, input.len);
    if (r.result == DECODE_OK) {
        insn_reached(&r.in, mode);
    }
    memcpy(padded, input.bytes, MIN(input.len, sizeof(padded)));
    wrong = judge(mode, &r.in, r.result, padded);
    if (wrong) {
        fuzz_fail("%s", wrong);
    }
}

/* Ways to look at many bytes, behind as many prefixes as can be, and more. */
static void seed_long(unsigned mode)
{
    static const uint8_t op[][4] = {
        {0x81, 0x84, 0x8b},       /* ADD [disp32 + SIB], imm32 */
        {0xa1},                   /* MOV rAX, moffs */
        {0xea},                   /* JMP far */
        {0xc4, 0xe2, 0x71, 0x00}, /* VEX, three bytes; or LES */
        {0xc5, 0xf1, 0x58},       /* VEX, two bytes; or LDS */
        {0x0f, 0x38, 0x00},
        {0x0f, 0x3a, 0x0f, 0x84},
    };
    uint8_t bytes[2 + X86_MAX_INSN + 12] = {(uint8_t)mode};

    for (unsigned i = 0; i < ARRAY_LEN(op); i++) {
        for (unsigned prefixes = 1; prefixes <= X86_MAX_INSN; prefixes++) {
            memset(bytes + 2, 0x2e, prefixes);
            memset(bytes + 2 + prefixes, 0xc1, 12);
            memcpy(bytes + 2 + prefixes, op[i], sizeof(op[i]));
            fuzz_seed(bytes, 2 + prefixes + 12);
        }
    }
}

static void seeds(void)
{
    unsigned count;
    const X86Row *rows = x86_rows(&count);
    uint8_t bytes[2 + INSN_EXAMPLE_MAX];

    for (unsigned mode = 0; mode < NB_MODES; mode++) {
        seed_long(mode);
        for (unsigned i = 0; i < count; i++) {
            bytes[0] = (uint8_t)mode;
            bytes[1] = (uint8_t)i;
            fuzz_seed(bytes, 2 + insn_example(&rows[i], bytes + 2));
        }
    }
}

static void init(void)
{
    x86_opcodes_init();
    judge_init();
}

const FuzzTarget fuzz_target = {init, run, seeds};
