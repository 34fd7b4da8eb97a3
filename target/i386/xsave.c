/* SPDX-License-Identifier: MIT */
/*
 * The XSAVE family: components x87, SSE, AVX and PKRU, in the standard format
 * and the compacted one.  AVX comes first behind the legacy area in both; PKRU
 * follows, and takes its place in a compacted area without it.  There are no
 * supervisor components: IA32_XSS is zero, and XSAVES saves what XSAVEC does.
 *
 * XINUSE is found by looking at the registers.  The modified optimization of
 * XSAVEOPT and XSAVES is allowed, not required, and not made.
 * Source: SDM vol. 1, 13.4 "XSAVE Area", 13.6 "Processor Tracking of
 * XSAVE-Managed State", 13.7 "Operation of XSAVE" to 13.12.
 */
#include <string.h>

#include "exec/ldst.h"
#include "target/i386/cpuid.h"
#include "target/i386/excp.h"
#include "target/i386/fpustate.h"
#include "target/i386/helpers.h"
#include "target/i386/mmu.h"
#include "target/i386/seg.h"
#include "target/i386/x87.h"
#include "tcg/ir.h"

#define YMM_OFFSET      576 /* upper halves */
#define YMM_BYTES       256
#define XSAVE_X87       BIT64(0)
#define XSAVE_SSE       BIT64(1)
#define XSAVE_AVX       BIT64(2)
#define XSAVE_PKRU      BIT64(9)
#define XCOMP_COMPACTED BIT64(63)

/* Bytes 512 to 575. */
typedef struct XHeader {
    uint64_t xstate_bv, xcomp_bv, reserved[6];
} XHeader;
_Static_assert(sizeof(XHeader) == 64, "SDM vol. 1, 13.4.2");

/* In an area of the format that @xcomp_bv tells. */
static unsigned pkru_offset(uint64_t xcomp_bv)
{
    bool first = (xcomp_bv & XCOMP_COMPACTED) && !(xcomp_bv & XSAVE_AVX);

    return first ? YMM_OFFSET : XSAVE_PKRU_OFFSET;
}

/* IR_64 or IR_32, of what emit_xstate() passes. */
static uint64_t image_size(uint64_t info)
{
    return info & (BIT(XSTATE_SEG_SHIFT) - 1);
}

/* RFBM: the components that are asked for and enabled. */
static uint64_t requested(const X86CPU *cpu)
{
    uint64_t asked = (uint32_t)cpu->regs[R_RAX] | cpu->regs[R_RDX] << 32;

    return asked & cpu->xcr0;
}

static void check(X86CPU *cpu, uint64_t addr)
{
    if (!(cpu->cr4 & CR4_OSXSAVE)) {
        x86_raise(cpu, EXCP_UD);
    }
    if (cpu->cr0 & CR0_TS) {
        x86_raise(cpu, EXCP_NM);
    }
    fpu_check_align(cpu, addr, 64);
}

/* --- what is in use --- */

static bool x87_in_use(const X87State *x)
{
    if (x->cw != X87_CW_INIT || x->sw || x->top || x->valid || x->fop ||
        x->fip || x->fdp || x->fcs || x->fds) {
        return true;
    }
    for (unsigned i = 0; i < 8; i++) {
        if (x->r[i].mantissa || x->r[i].sign_exp) {
            return true;
        }
    }
    return false;
}

uint64_t xsave_in_use(const X86CPU *cpu)
{
    uint64_t low = 0, high = 0;

    for (unsigned i = 0; i < ARRAY_LEN(cpu->vec); i++) {
        low |= cpu->vec[i].u64[0] | cpu->vec[i].u64[1];
        high |= cpu->vec[i].u64[2] | cpu->vec[i].u64[3];
    }
    return (x87_in_use(&cpu->x87) ? XSAVE_X87 : 0) |
           (low || cpu->mxcsr != MXCSR_INIT ? XSAVE_SSE : 0) |
           (high ? XSAVE_AVX : 0) | (cpu->pkru ? XSAVE_PKRU : 0);
}

/* Translated code has checked the legacy area alone. */
static void check_limit(X86CPU *cpu, uint64_t addr, unsigned bytes,
                        unsigned reg)
{
    const SegmentCache *seg = &cpu->segs[reg];

    if (!(cpu->hflags & HF_CS64) &&
        !seg_in_limit(seg, (uint32_t)(addr - seg->base), bytes)) {
        x86_raise_error(cpu, reg == R_SS ? EXCP_SS : EXCP_GP, 0);
    }
}

/* Fault for any byte of the legacy area, the header, and @which components,
 * also where nothing is loaded or stored: upper registers outside 64-bit mode,
 * components that are not in use.  XRSTOR's of the standard format count even
 * if the image lacks them; in the compacted one they have no place. */
static void probe_area(X86CPU *cpu, uint64_t addr, uint64_t info,
                       uint64_t which, uint64_t xcomp_bv, int access)
{
    MemOp op = fpu_area_mmu(cpu);
    unsigned bytes = which & XSAVE_AVX ? YMM_OFFSET + YMM_BYTES : YMM_OFFSET;

    check_limit(cpu, addr, bytes, info >> XSTATE_SEG_SHIFT);
    cpu_probe(&cpu->cs, addr, bytes, access, op);
    if (which & XSAVE_PKRU) {
        cpu_probe(&cpu->cs, addr + pkru_offset(xcomp_bv), 8, access, op);
    }
}

/* --- saving --- */

static void store_ymm(X86CPU *cpu, uint64_t addr)
{
    uint8_t upper[16][16];
    unsigned n = fpu_vec_count(cpu);

    for (unsigned i = 0; i < n; i++) {
        memcpy(upper[i], &cpu->vec[i].u8[16], 16);
    }
    cpu_store_bytes(&cpu->cs, addr + YMM_OFFSET, upper, 16 * n,
                    fpu_area_mmu(cpu));
}

static void store_x87(X86CPU *cpu, uint64_t addr, uint64_t size)
{
    MemOp op = fpu_area_mmu(cpu);
    FxImage im;

    fpu_x87_to_image(cpu, &im, size);
    cpu_store_bytes(&cpu->cs, addr, &im, offsetof(FxImage, mxcsr), op);
    cpu_store_bytes(&cpu->cs, addr + offsetof(FxImage, st), im.st,
                    sizeof(im.st), op);
}

static void store_mxcsr(X86CPU *cpu, uint64_t addr)
{
    uint32_t pair[2] = {cpu->mxcsr, MXCSR_MASK};

    cpu_store_bytes(&cpu->cs, addr + offsetof(FxImage, mxcsr), pair,
                    sizeof(pair), fpu_area_mmu(cpu));
}

/* @which of the components, into an area of @xcomp_bv's format. */
static void store_components(X86CPU *cpu, uint64_t addr, uint64_t size,
                             uint64_t which, uint64_t xcomp_bv)
{
    FxImage im;

    if (which & XSAVE_PKRU) {
        cpu_store(&cpu->cs, addr + pkru_offset(xcomp_bv), cpu->pkru,
                  MO_64 | fpu_area_mmu(cpu));
    }
    if (which & XSAVE_AVX) {
        store_ymm(cpu, addr);
    }
    if (which & XSAVE_SSE) {
        fpu_xmm_to_image(cpu, &im);
        cpu_store_bytes(&cpu->cs, addr + XMM_OFFSET, im.xmm,
                        16 * fpu_vec_count(cpu), fpu_area_mmu(cpu));
    }
    if (which & XSAVE_X87) {
        store_x87(cpu, addr, size);
    }
}

/* The standard format; @optimize leaves out what is not in use. */
static void save_standard(X86CPU *cpu, uint64_t addr, uint64_t info,
                          bool optimize)
{
    uint64_t rfbm = requested(cpu), used = xsave_in_use(cpu), old;
    MemOp op = fpu_area_mmu(cpu);

    check(cpu, addr);
    probe_area(cpu, addr, info, rfbm, 0, PAGE_WRITE);
    old = cpu_load(&cpu->cs, addr + XHEADER, MO_64 | MO_RMW | op);
    store_components(cpu, addr, image_size(info), optimize ? rfbm & used : rfbm,
                     0);
    if (rfbm & (XSAVE_SSE | XSAVE_AVX)) {
        store_mxcsr(cpu, addr);
    }
    cpu_store(&cpu->cs, addr + XHEADER, (old & ~rfbm) | (used & rfbm),
              MO_64 | op);
}

void helper_xsave(X86CPU *cpu, uint64_t addr, uint64_t info)
{
    save_standard(cpu, addr, info, false);
}

void helper_xsaveopt(X86CPU *cpu, uint64_t addr, uint64_t info)
{
    save_standard(cpu, addr, info, true);
}

/* MXCSR belongs to the SSE component in this format. */
void helper_xsavec(X86CPU *cpu, uint64_t addr, uint64_t info)
{
    uint64_t rfbm = requested(cpu);
    uint64_t bv[2] = {rfbm & xsave_in_use(cpu), rfbm | XCOMP_COMPACTED};

    check(cpu, addr);
    probe_area(cpu, addr, info, rfbm, bv[1], PAGE_WRITE);
    store_components(cpu, addr, image_size(info), bv[0], bv[1]);
    if (bv[0] & XSAVE_SSE) {
        store_mxcsr(cpu, addr);
    }
    cpu_store_bytes(&cpu->cs, addr + XHEADER, bv, sizeof(bv),
                    fpu_area_mmu(cpu));
}

/* --- restoring --- */

/* Words 2 to 7 (and XCOMP_BV in the standard format) are reserved. */
static bool header_is_valid(const X86CPU *cpu, const XHeader *h,
                            bool only_compacted)
{
    uint64_t rest = 0;

    for (unsigned i = 0; i < ARRAY_LEN(h->reserved); i++) {
        rest |= h->reserved[i];
    }
    if (h->xcomp_bv & XCOMP_COMPACTED) {
        uint64_t comp = h->xcomp_bv & ~XCOMP_COMPACTED;

        return x86_has_feature(cpu, FEAT_XSAVEC) && !(comp & ~cpu->xcr0) &&
               !(h->xstate_bv & ~comp) && !rest;
    }
    /* Of the standard format only bytes 8 to 23 must be zero. */
    return !only_compacted && !(h->xstate_bv & ~cpu->xcr0) && !h->xcomp_bv &&
           !h->reserved[0];
}

static void load_ymm(X86CPU *cpu, const uint8_t upper[16][16])
{
    for (unsigned i = 0; i < fpu_vec_count(cpu); i++) {
        memcpy(&cpu->vec[i].u8[16], upper[i], 16);
    }
}

/* Everything of an area that a restore may need. */
typedef struct XImage {
    FxImage fx;
    uint8_t upper[16][16];
    uint32_t pkru;
} XImage;

/* All that can fault comes before the first register changes.  A component
 * that the image lacks is zero in @im. */
static void load_image(X86CPU *cpu, uint64_t addr, uint64_t present,
                       uint64_t xcomp_bv, XImage *im)
{
    MemOp op = fpu_area_mmu(cpu);

    memset(im, 0, sizeof(*im));
    cpu_load_bytes(&cpu->cs, addr, &im->fx, FXSAVE_WRITTEN, op);
    if (!(present & XSAVE_SSE)) {
        memset(im->fx.xmm, 0, sizeof(im->fx.xmm));
    }
    if (present & XSAVE_AVX) {
        cpu_load_bytes(&cpu->cs, addr + YMM_OFFSET, im->upper,
                       16 * fpu_vec_count(cpu), op);
    }
    if (present & XSAVE_PKRU) {
        im->pkru = cpu_load(&cpu->cs, addr + pkru_offset(xcomp_bv), MO_32 | op);
    }
}

static void restore(X86CPU *cpu, uint64_t addr, uint64_t info,
                    bool only_compacted)
{
    uint64_t rfbm = requested(cpu), present;
    bool compacted;
    XHeader h;
    XImage im;

    check(cpu, addr);
    cpu_load_bytes(&cpu->cs, addr + XHEADER, &h, sizeof(h), fpu_area_mmu(cpu));
    if (!header_is_valid(cpu, &h, only_compacted)) {
        x86_raise_gp0(cpu);
    }
    compacted = h.xcomp_bv & XCOMP_COMPACTED;
    present = rfbm & h.xstate_bv;
    probe_area(cpu, addr, info, compacted ? present : rfbm, h.xcomp_bv,
               PAGE_READ);
    load_image(cpu, addr, present, h.xcomp_bv, &im);
    if (compacted && !(present & XSAVE_SSE)) {
        im.fx.mxcsr = MXCSR_INIT;
    }
    if (rfbm & (compacted ? XSAVE_SSE : XSAVE_SSE | XSAVE_AVX)) {
        fpu_check_mxcsr(cpu, im.fx.mxcsr);
        cpu->mxcsr = im.fx.mxcsr;
    }
    if (present & XSAVE_X87) {
        fpu_image_to_x87(cpu, &im.fx, image_size(info));
    } else if (rfbm & XSAVE_X87) {
        fpu_x87_init(cpu);
    }
    if (rfbm & XSAVE_SSE) {
        fpu_image_to_xmm(cpu, &im.fx);
    }
    if (rfbm & XSAVE_AVX) {
        load_ymm(cpu, im.upper);
    }
    if (rfbm & XSAVE_PKRU) {
        x86_set_pkru(cpu, im.pkru);
    }
    x86_update_hflags(cpu);
}

void helper_xrstor(X86CPU *cpu, uint64_t addr, uint64_t info)
{
    restore(cpu, addr, info, false);
}

void helper_xrstors(X86CPU *cpu, uint64_t addr, uint64_t info)
{
    restore(cpu, addr, info, true);
}
