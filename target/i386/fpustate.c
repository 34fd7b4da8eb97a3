/* SPDX-License-Identifier: MIT */
/*
 * FXSAVE, FXRSTOR, XSAVE, XSAVEOPT and XRSTOR: state images in memory.
 * Source: SDM vol. 1, 10.5.1 "FXSAVE Area", 13.4 "XSAVE Area", 13.7 to 13.8.
 *
 * Only the standard format of XSAVE exists.  No component is tracked as being
 * in its initial state, so XSTATE_BV gets every bit that was asked for.
 */
#include <string.h>

#include "exec/ldst.h"
#include "target/i386/cpuid.h"
#include "target/i386/excp.h"
#include "target/i386/helpers.h"
#include "target/i386/seg.h"
#include "target/i386/x87.h"
#include "tcg/ir.h"

#define MXCSR_MASK   0xffffu
#define FXSAVE_WRITTEN 416 /* the last 96 bytes are the program's */
#define XMM_OFFSET   160
#define XHEADER      512 /* XSTATE_BV, XCOMP_BV, reserved */
#define YMM_OFFSET   576 /* upper halves */
#define XSAVE_X87    BIT64(0)
#define XSAVE_SSE    BIT64(1)
#define XSAVE_AVX    BIT64(2)

/* The legacy area, field by field. */
typedef struct FxImage {
    uint16_t fcw, fsw;
    uint8_t ftw, zero;
    uint16_t fop;
    union {
        struct {
            uint64_t fip, fdp; /* with REX.W */
        };
        struct {
            uint32_t fip32;
            uint16_t fcs, pad0;
            uint32_t fdp32;
            uint16_t fds, pad1;
        };
    };
    uint32_t mxcsr, mxcsr_mask;
    struct {
        uint64_t mantissa;
        uint16_t sign_exp, pad[3];
    } st[8];
    uint8_t xmm[16][16];
    uint8_t free[96];
} FxImage;
_Static_assert(sizeof(FxImage) == XHEADER, "FXSAVE area");
_Static_assert(offsetof(FxImage, xmm) == XMM_OFFSET, "FXSAVE area");

static unsigned vec_count(const X86CPU *cpu)
{
    return cpu->hflags & HF_CS64 ? 16 : 8;
}

static MemOp area_mmu(const X86CPU *cpu)
{
    return x86_mmu_at_cpl(cpu, x86_cpl(cpu));
}

/* --- between the vCPU and an image --- */

static void x87_to_image(const X86CPU *cpu, FxImage *im, uint64_t size)
{
    const X87State *x = &cpu->x87;

    im->fcw = x->cw;
    im->fsw = x->sw | x->top << X87_TOP_SHIFT;
    im->ftw = x->valid;
    im->zero = 0;
    im->fop = x->fop;
    if (size == IR_64) {
        im->fip = x->fip;
        im->fdp = x->fdp;
    } else {
        im->fip32 = x->fip;
        im->fdp32 = x->fdp;
        im->fcs = x->fcs;
        im->fds = x->fds;
        im->pad0 = im->pad1 = 0;
    }
    for (unsigned i = 0; i < 8; i++) {
        unsigned reg = (x->top + i) & 7;

        im->st[i].mantissa = x->r[reg].mantissa;
        im->st[i].sign_exp = x->r[reg].sign_exp;
        memset(im->st[i].pad, 0, sizeof(im->st[i].pad));
    }
}

static void image_to_x87(X86CPU *cpu, const FxImage *im, uint64_t size)
{
    X87State *x = &cpu->x87;

    x87_set_control(x, im->fcw, im->fsw);
    x->valid = im->ftw;
    x->fop = im->fop & 0x7ff;
    x->fip = size == IR_64 ? im->fip : im->fip32;
    x->fdp = size == IR_64 ? im->fdp : im->fdp32;
    x->fcs = size == IR_64 ? 0 : im->fcs;
    x->fds = size == IR_64 ? 0 : im->fds;
    for (unsigned i = 0; i < 8; i++) {
        unsigned reg = (x->top + i) & 7;

        x->r[reg].mantissa = im->st[i].mantissa;
        x->r[reg].sign_exp = im->st[i].sign_exp;
    }
}

static void x87_init(X86CPU *cpu)
{
    memset(&cpu->x87, 0, sizeof(cpu->x87));
    cpu->x87.cw = X87_CW_INIT;
}

static void xmm_to_image(const X86CPU *cpu, FxImage *im)
{
    for (unsigned i = 0; i < vec_count(cpu); i++) {
        memcpy(im->xmm[i], cpu->vec[i].u8, 16);
    }
}

static void image_to_xmm(X86CPU *cpu, const FxImage *im)
{
    for (unsigned i = 0; i < vec_count(cpu); i++) {
        memcpy(cpu->vec[i].u8, im->xmm[i], 16);
    }
}

static void check_align(X86CPU *cpu, uint64_t addr, unsigned align)
{
    if (addr & (align - 1)) {
        x86_raise_gp0(cpu);
    }
}

static void check_mxcsr(X86CPU *cpu, uint32_t mxcsr)
{
    if (mxcsr & ~MXCSR_MASK) {
        x86_raise_gp0(cpu);
    }
}

/* --- FXSAVE, FXRSTOR --- */

void helper_fxsave(X86CPU *cpu, uint64_t addr, uint64_t size)
{
    unsigned len = XMM_OFFSET;
    FxImage im;

    check_align(cpu, addr, 16);
    x87_to_image(cpu, &im, size);
    im.mxcsr = cpu->mxcsr;
    im.mxcsr_mask = MXCSR_MASK;
    if (cpu->cr4 & CR4_OSFXSR) {
        xmm_to_image(cpu, &im);
        len += 16 * vec_count(cpu);
    }
    cpu_store_bytes(&cpu->cs, addr, &im, len, area_mmu(cpu));
}

void helper_fxrstor(X86CPU *cpu, uint64_t addr, uint64_t size)
{
    FxImage im;

    check_align(cpu, addr, 16);
    cpu_load_bytes(&cpu->cs, addr, &im, FXSAVE_WRITTEN, area_mmu(cpu));
    if (cpu->cr4 & CR4_OSFXSR) {
        check_mxcsr(cpu, im.mxcsr);
        cpu->mxcsr = im.mxcsr;
        image_to_xmm(cpu, &im);
    }
    image_to_x87(cpu, &im, size);
    x86_update_hflags(cpu);
}

/* --- XSAVE, XRSTOR --- */

/* The components that are asked for and enabled. */
static uint64_t xsave_mask(X86CPU *cpu)
{
    uint64_t asked = (uint32_t)cpu->regs[R_RAX] | cpu->regs[R_RDX] << 32;

    return asked & cpu->xcr0;
}

static void xsave_check(X86CPU *cpu, uint64_t addr)
{
    if (!(cpu->cr4 & CR4_OSXSAVE)) {
        x86_raise(cpu, EXCP_UD);
    }
    check_align(cpu, addr, 64);
}

static void store_ymm(X86CPU *cpu, uint64_t addr)
{
    uint8_t upper[16][16];
    unsigned n = vec_count(cpu);

    for (unsigned i = 0; i < n; i++) {
        memcpy(upper[i], &cpu->vec[i].u8[16], 16);
    }
    cpu_store_bytes(&cpu->cs, addr + YMM_OFFSET, upper, 16 * n,
                    area_mmu(cpu));
}

void helper_xsave(X86CPU *cpu, uint64_t addr, uint64_t size)
{
    uint64_t mask = xsave_mask(cpu), bv;
    MemOp op = area_mmu(cpu);
    FxImage im;

    xsave_check(cpu, addr);
    bv = cpu_load(&cpu->cs, addr + XHEADER, MO_64 | MO_RMW | op);
    if (mask & XSAVE_AVX) {
        store_ymm(cpu, addr);
    }
    if (mask & XSAVE_SSE) {
        xmm_to_image(cpu, &im);
        cpu_store_bytes(&cpu->cs, addr + XMM_OFFSET, im.xmm,
                        16 * vec_count(cpu), op);
    }
    if (mask & (XSAVE_SSE | XSAVE_AVX)) {
        im.mxcsr = cpu->mxcsr;
        im.mxcsr_mask = MXCSR_MASK;
        cpu_store_bytes(&cpu->cs, addr + offsetof(FxImage, mxcsr), &im.mxcsr,
                        8, op);
    }
    if (mask & XSAVE_X87) {
        x87_to_image(cpu, &im, size);
        cpu_store_bytes(&cpu->cs, addr, &im, offsetof(FxImage, mxcsr), op);
        cpu_store_bytes(&cpu->cs, addr + offsetof(FxImage, st), im.st,
                        sizeof(im.st), op);
    }
    cpu_store(&cpu->cs, addr + XHEADER, bv | mask, MO_64 | op);
}

/* Leaving out unmodified components is allowed, not required. */
void helper_xsaveopt(X86CPU *cpu, uint64_t addr, uint64_t size)
{
    helper_xsave(cpu, addr, size);
}

/* XSTATE_BV must not exceed XCR0; what follows it is zero in this format. */
static uint64_t xrstor_header(X86CPU *cpu, uint64_t addr)
{
    uint64_t header[8];

    cpu_load_bytes(&cpu->cs, addr + XHEADER, header, sizeof(header),
                   area_mmu(cpu));
    if ((header[0] & ~cpu->xcr0) || header[1] || header[2]) {
        x86_raise_gp0(cpu);
    }
    return header[0];
}

/* Set the AVX part from memory, or to zero where @present is false. */
static void restore_ymm(X86CPU *cpu, const uint8_t upper[16][16],
                        bool present)
{
    for (unsigned i = 0; i < vec_count(cpu); i++) {
        if (present) {
            memcpy(&cpu->vec[i].u8[16], upper[i], 16);
        } else {
            memset(&cpu->vec[i].u8[16], 0, 16);
        }
    }
}

static void restore_xmm(X86CPU *cpu, const FxImage *im, bool present)
{
    if (present) {
        image_to_xmm(cpu, im);
        return;
    }
    for (unsigned i = 0; i < vec_count(cpu); i++) {
        memset(cpu->vec[i].u8, 0, 16);
    }
}

void helper_xrstor(X86CPU *cpu, uint64_t addr, uint64_t size)
{
    uint64_t mask = xsave_mask(cpu), bv;
    uint8_t upper[16][16];
    FxImage im;

    xsave_check(cpu, addr);
    bv = xrstor_header(cpu, addr);
    /* All that can fault comes before the first register changes. */
    cpu_load_bytes(&cpu->cs, addr, &im, FXSAVE_WRITTEN, area_mmu(cpu));
    if (mask & bv & XSAVE_AVX) {
        cpu_load_bytes(&cpu->cs, addr + YMM_OFFSET, upper,
                       16 * vec_count(cpu), area_mmu(cpu));
    }
    if (mask & (XSAVE_SSE | XSAVE_AVX)) {
        check_mxcsr(cpu, im.mxcsr);
        cpu->mxcsr = im.mxcsr;
    }
    if (mask & XSAVE_X87) {
        if (bv & XSAVE_X87) {
            image_to_x87(cpu, &im, size);
        } else {
            x87_init(cpu);
        }
    }
    if (mask & XSAVE_SSE) {
        restore_xmm(cpu, &im, bv & XSAVE_SSE);
    }
    if (mask & XSAVE_AVX) {
        restore_ymm(cpu, upper, bv & XSAVE_AVX);
    }
    x86_update_hflags(cpu);
}
