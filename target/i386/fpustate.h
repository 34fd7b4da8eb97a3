/* SPDX-License-Identifier: MIT */
/* Images of the x87 and vector state in guest memory. */
#ifndef HEDDLE_TARGET_I386_FPUSTATE_H
#define HEDDLE_TARGET_I386_FPUSTATE_H

#include "target/i386/cpu.h"

#define MXCSR_MASK     0xffffu
#define MXCSR_INIT     0x1f80u
#define FXSAVE_WRITTEN 416 /* the last 96 bytes are the program's */
#define XMM_OFFSET     160
#define XHEADER        512 /* XSTATE_BV, XCOMP_BV, reserved */

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

/* In the second argument of the XSAVE family's helpers: the segment register,
 * above the size of pointers (IR_64 with REX.W, else IR_32). */
#define XSTATE_SEG_SHIFT 8

/* Vector registers that the mode knows: 8 or 16. */
unsigned fpu_vec_count(const X86CPU *cpu);
/* How an image is accessed: at CPL, whatever the instruction. */
MemOp fpu_area_mmu(const X86CPU *cpu);
/* @size: IR_64 with REX.W: wide instruction and operand pointers. */
void fpu_x87_to_image(const X86CPU *cpu, FxImage *im, uint64_t size);
void fpu_image_to_x87(X86CPU *cpu, const FxImage *im, uint64_t size);
void fpu_x87_init(X86CPU *cpu); /* as FNINIT, with all registers zero */
void fpu_xmm_to_image(const X86CPU *cpu, FxImage *im);
void fpu_image_to_xmm(X86CPU *cpu, const FxImage *im);
/* #GP(0) if @addr is not aligned; if @mxcsr has reserved bits. */
void fpu_check_align(X86CPU *cpu, uint64_t addr, unsigned align);
void fpu_check_mxcsr(X86CPU *cpu, uint32_t mxcsr);

/* XINUSE: components that are not in their initial configuration. */
uint64_t xsave_in_use(const X86CPU *cpu);

#endif
