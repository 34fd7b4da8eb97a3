/* SPDX-License-Identifier: MIT */
/*
 * x87 control instructions: control word, reset, and the environment and state
 * images of FSTENV and FSAVE in their four layouts.  (FXSAVE and XSAVE:
 * fpustate.c.)
 * Source: SDM vol. 1, 8.1.10 "Saving the x87 FPU's State with FSTENV/FNSTENV
 * and FSAVE/FNSAVE", figures 8-9 to 8-12.
 */
#include <string.h>

#include "exec/ldst.h"
#include "target/i386/helpers.h"
#include "target/i386/x87.h"
#include "target/i386/x87_ops.h"

enum {
    ENV_CW,
    ENV_SW,
    ENV_TAGS,
    ENV_FIP,
    ENV_FCS,
    ENV_FDP,
    ENV_FDS,
    ENV_FIELDS
};
#define ST_BYTES 10

/* --- tags --- */

enum { TAG_VALID, TAG_ZERO, TAG_SPECIAL, TAG_EMPTY };

/* 8.1.7 "x87 FPU Tag Word" */
static unsigned tag_of(const X87Reg *r)
{
    unsigned exp = r->sign_exp & 0x7fff;

    if (exp == 0 && r->mantissa == 0) {
        return TAG_ZERO;
    }
    if (exp == 0 || exp == 0x7fff || !(r->mantissa >> 63)) {
        return TAG_SPECIAL;
    }
    return TAG_VALID;
}

static uint16_t full_tags(const X87State *x)
{
    uint16_t tags = 0;

    for (unsigned i = 0; i < 8; i++) {
        unsigned tag = x->valid >> i & 1 ? tag_of(&x->r[i]) : TAG_EMPTY;

        tags |= tag << (2 * i);
    }
    return tags;
}

static void set_tags(X87State *x, uint16_t tags)
{
    x->valid = 0;
    for (unsigned i = 0; i < 8; i++) {
        if ((tags >> (2 * i) & 3) != TAG_EMPTY) {
            x->valid |= 1u << i;
        }
    }
}

/* --- the environment, as fields of 32 bits --- */

/* In real mode the opcode shares a field with the upper half of the linear
 * instruction pointer, and the two pointers are split in halves. */
static void real_pointers(const X87State *x, uint32_t f[ENV_FIELDS])
{
    uint32_t ip = (uint32_t)x->fip + ((uint32_t)x->fcs << 4);
    uint32_t dp = (uint32_t)x->fdp + ((uint32_t)x->fds << 4);

    f[ENV_FIP] = ip & 0xffff;
    f[ENV_FCS] = (ip >> 16) << 12 | x->fop;
    f[ENV_FDP] = dp & 0xffff;
    f[ENV_FDS] = (dp >> 16) << 12;
}

/* Reserved upper halves of dwords are stored as ones, as processors do. */
static void env_to_fields(const X87State *x, unsigned layout,
                          uint32_t f[ENV_FIELDS])
{
    const uint32_t ones = 0xffff0000;

    f[ENV_CW] = x->cw | ones;
    f[ENV_SW] = x->sw | x->top << X87_TOP_SHIFT | ones;
    f[ENV_TAGS] = full_tags(x) | ones;
    if (layout & X87_IMAGE_REAL) {
        real_pointers(x, f);
        f[ENV_FIP] |= ones;
        f[ENV_FDP] |= ones;
        return;
    }
    f[ENV_FIP] = (uint32_t)x->fip;
    f[ENV_FCS] = x->fcs | (uint32_t)x->fop << 16;
    f[ENV_FDP] = (uint32_t)x->fdp;
    f[ENV_FDS] = x->fds | ones;
}

void x87_set_control(X87State *x, uint16_t cw, uint16_t sw)
{
    x->cw = (cw & X87_CW_WRITABLE) | X87_CW_FIXED;
    x->top = sw >> X87_TOP_SHIFT & 7;
    x->sw = sw & ~X87_TOP;
    x87_update_summary(x);
}

static void fields_to_env(X87State *x, unsigned layout,
                          const uint32_t f[ENV_FIELDS])
{
    x87_set_control(x, f[ENV_CW], f[ENV_SW]);
    set_tags(x, f[ENV_TAGS]);
    if (layout & X87_IMAGE_REAL) {
        x->fip = (f[ENV_FIP] & 0xffff) | (f[ENV_FCS] & 0x0ffff000) << 4;
        x->fop = f[ENV_FCS] & 0x7ff;
        x->fdp = (f[ENV_FDP] & 0xffff) | (f[ENV_FDS] & 0x0ffff000) << 4;
        x->fcs = x->fds = 0;
        return;
    }
    x->fip = f[ENV_FIP];
    x->fcs = f[ENV_FCS];
    x->fdp = f[ENV_FDP];
    x->fds = f[ENV_FDS];
    /* The 16-bit protected layout has no opcode. */
    x->fop = layout & X87_IMAGE_32 ? f[ENV_FCS] >> 16 & 0x7ff : 0;
}

/* --- images in memory --- */

static unsigned env_bytes(unsigned layout)
{
    return ENV_FIELDS * (layout & X87_IMAGE_32 ? 4 : 2);
}

static void put_env(const X87State *x, unsigned layout, uint8_t *image)
{
    uint32_t f[ENV_FIELDS];

    env_to_fields(x, layout, f);
    for (unsigned i = 0; i < ENV_FIELDS; i++) {
        if (layout & X87_IMAGE_32) {
            memcpy(image + 4 * i, &f[i], 4);
        } else {
            memcpy(image + 2 * i, &f[i], 2);
        }
    }
}

static void get_env(X87State *x, unsigned layout, const uint8_t *image)
{
    uint32_t f[ENV_FIELDS] = {0};

    for (unsigned i = 0; i < ENV_FIELDS; i++) {
        if (layout & X87_IMAGE_32) {
            memcpy(&f[i], image + 4 * i, 4);
        } else {
            memcpy(&f[i], image + 2 * i, 2);
        }
    }
    fields_to_env(x, layout, f);
}

/* SDM vol. 3A, table 6-7 "Alignment Requirements by Data Type": 4 or 2 by the
 * operand size.  Returns the access for cpu_*_bytes(). */
static MemOp check_image(X86CPU *cpu, uint64_t addr, uint64_t memop,
                         uint64_t layout)
{
    x86_check_access(cpu, addr,
                     (MemOp)memop | (layout & X87_IMAGE_32 ? MO_32 : MO_16));
    return (MemOp)memop & ~MO_AC;
}

#define IMAGE_MAX (4 * ENV_FIELDS + 8 * ST_BYTES)

/* FNSTENV: then all exceptions are masked. */
void helper_x87_fnstenv(X86CPU *cpu, uint64_t addr, uint64_t memop,
                        uint64_t layout)
{
    uint8_t image[IMAGE_MAX];

    put_env(&cpu->x87, layout, image);
    cpu_store_bytes(&cpu->cs, addr, image, env_bytes(layout),
                    check_image(cpu, addr, memop, layout));
    cpu->x87.cw |= X87_EXC;
    x87_update_summary(&cpu->x87);
}

void helper_x87_fldenv(X86CPU *cpu, uint64_t addr, uint64_t memop,
                       uint64_t layout)
{
    uint8_t image[IMAGE_MAX];

    x87_wait(cpu);
    cpu_load_bytes(&cpu->cs, addr, image, env_bytes(layout),
                   check_image(cpu, addr, memop, layout));
    get_env(&cpu->x87, layout, image);
}

/* The registers follow in the order of the stack; then FNINIT. */
void helper_x87_fnsave(X86CPU *cpu, uint64_t addr, uint64_t memop,
                       uint64_t layout)
{
    unsigned at = env_bytes(layout);
    uint8_t image[IMAGE_MAX];

    put_env(&cpu->x87, layout, image);
    for (unsigned i = 0; i < 8; i++, at += ST_BYTES) {
        memcpy(image + at, x87_st(&cpu->x87, i), ST_BYTES);
    }
    cpu_store_bytes(&cpu->cs, addr, image, at,
                    check_image(cpu, addr, memop, layout));
    helper_x87_fninit(cpu);
}

void helper_x87_frstor(X86CPU *cpu, uint64_t addr, uint64_t memop,
                       uint64_t layout)
{
    unsigned at = env_bytes(layout);
    uint8_t image[IMAGE_MAX];

    x87_wait(cpu);
    cpu_load_bytes(&cpu->cs, addr, image, at + 8 * ST_BYTES,
                   check_image(cpu, addr, memop, layout));
    get_env(&cpu->x87, layout, image);
    for (unsigned i = 0; i < 8; i++, at += ST_BYTES) {
        memcpy(x87_st(&cpu->x87, i), image + at, ST_BYTES);
    }
}

/* --- control --- */

/* The data registers keep their contents. */
void helper_x87_fninit(X86CPU *cpu)
{
    X87State *x = &cpu->x87;

    x->cw = X87_CW_INIT;
    x->sw = 0;
    x->top = x->valid = 0;
    x->fop = x->fcs = x->fds = 0;
    x->fip = x->fdp = 0;
}

void helper_x87_fnclex(X86CPU *cpu)
{
    cpu->x87.sw &= ~(X87_EXC | X87_SF | X87_ES | X87_B);
}

/* Unmasking an exception whose flag is set makes it pending: 8.1.5. */
void helper_x87_fldcw(X86CPU *cpu, uint64_t value)
{
    X87State *x = &cpu->x87;

    x87_wait(cpu);
    x->cw = (value & X87_CW_WRITABLE) | X87_CW_FIXED;
    x87_update_summary(x);
}
