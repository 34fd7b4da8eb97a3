/* SPDX-License-Identifier: MIT */
/*
 * FXSAVE and FXRSTOR, and the parts of state images that they share with XSAVE
 * (xsave.c).  Source: SDM vol. 1, 10.5.1 "FXSAVE Area".
 */
#include "target/i386/fpustate.h"

#include <string.h>

#include "exec/ldst.h"
#include "target/i386/excp.h"
#include "target/i386/helpers.h"
#include "target/i386/seg.h"
#include "target/i386/x87.h"
#include "tcg/ir.h"

unsigned fpu_vec_count(const X86CPU *cpu)
{
    return cpu->hflags & HF_CS64 ? 16 : 8;
}

MemOp fpu_area_mmu(const X86CPU *cpu)
{
    return x86_mmu_at_cpl(cpu, x86_cpl(cpu));
}

/* --- between the vCPU and an image --- */

void fpu_x87_to_image(const X86CPU *cpu, FxImage *im, uint64_t size)
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

void fpu_image_to_x87(X86CPU *cpu, const FxImage *im, uint64_t size)
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

void fpu_x87_init(X86CPU *cpu)
{
    memset(&cpu->x87, 0, sizeof(cpu->x87));
    cpu->x87.cw = X87_CW_INIT;
}

void fpu_xmm_to_image(const X86CPU *cpu, FxImage *im)
{
    for (unsigned i = 0; i < fpu_vec_count(cpu); i++) {
        memcpy(im->xmm[i], cpu->vec[i].u8, 16);
    }
}

void fpu_image_to_xmm(X86CPU *cpu, const FxImage *im)
{
    for (unsigned i = 0; i < fpu_vec_count(cpu); i++) {
        memcpy(cpu->vec[i].u8, im->xmm[i], 16);
    }
}

void fpu_check_align(X86CPU *cpu, uint64_t addr, unsigned align)
{
    if (addr & (align - 1)) {
        x86_raise_gp0(cpu);
    }
}

void fpu_check_mxcsr(X86CPU *cpu, uint32_t mxcsr)
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

    fpu_check_align(cpu, addr, 16);
    fpu_x87_to_image(cpu, &im, size);
    im.mxcsr = cpu->mxcsr;
    im.mxcsr_mask = MXCSR_MASK;
    if (cpu->cr4 & CR4_OSFXSR) {
        fpu_xmm_to_image(cpu, &im);
        len += 16 * fpu_vec_count(cpu);
    }
    /* Faults anywhere in the area count, also where nothing is stored. */
    cpu_probe(&cpu->cs, addr, sizeof(im), PAGE_WRITE, fpu_area_mmu(cpu));
    cpu_store_bytes(&cpu->cs, addr, &im, len, fpu_area_mmu(cpu));
}

void helper_fxrstor(X86CPU *cpu, uint64_t addr, uint64_t size)
{
    FxImage im;

    fpu_check_align(cpu, addr, 16);
    cpu_load_bytes(&cpu->cs, addr, &im, sizeof(im), fpu_area_mmu(cpu));
    if (cpu->cr4 & CR4_OSFXSR) {
        fpu_check_mxcsr(cpu, im.mxcsr);
        cpu->mxcsr = im.mxcsr;
        fpu_image_to_xmm(cpu, &im);
    }
    fpu_image_to_x87(cpu, &im, size);
    x86_update_hflags(cpu);
}
