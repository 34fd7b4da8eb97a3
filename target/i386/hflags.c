/* SPDX-License-Identifier: MIT */
/*
 * EFLAGS in its two parts, and hflags: the state that translated code depends
 * on, derived here from the registers and nowhere else.
 */
#include "target/i386/seg.h"
#include "tcg/ir.h"

/* The bits that EFLAGS decides, given those of mode and CPL. */
#define HF_OF_EFLAGS \
    (HF_TF | HF_DF | HF_RF | HF_AC | HF_VM | HF_SMAP | HF_IOPL_OK)

static uint32_t hflags_of_eflags(const X86CPU *cpu, uint32_t hflags)
{
    uint32_t eflags = cpu->eflags, hf = 0;
    unsigned cpl = hflags & HF_CPL;
    unsigned iopl = x86_iopl(cpu);

    hf |= eflags & EFLAGS_TF ? HF_TF : 0;
    hf |= eflags & EFLAGS_DF ? HF_DF : 0;
    hf |= eflags & EFLAGS_RF ? HF_RF : 0;
    hf |= eflags & EFLAGS_VM ? HF_VM : 0;
    if (cpl == 3 && (eflags & EFLAGS_AC) && (cpu->cr0 & CR0_AM)) {
        hf |= HF_AC;
    }
    if (cpl < 3 && !(eflags & EFLAGS_AC) && (cpu->cr4 & CR4_SMAP)) {
        hf |= HF_SMAP;
    }
    /* Virtual-8086 mode asks the I/O bitmap and, for CLI, IOPL or VME. */
    if (!(eflags & EFLAGS_VM) && cpl <= iopl) {
        hf |= HF_IOPL_OK;
    }
    return hf;
}

uint32_t x86_get_eflags(const X86CPU *cpu)
{
    return cpu->eflags | cc_to_eflags(cpu->cc);
}

void x86_set_eflags(X86CPU *cpu, uint32_t value)
{
    cpu->cc = cc_from_eflags(value);
    cpu->eflags = (value & ~EFLAGS_CC) | BIT(1);
    /* RF only matters to instruction breakpoints; without one enabled the
     * next instruction would clear it unseen. */
    if (!(cpu->hflags & HF_DEBUG)) {
        cpu->eflags &= ~EFLAGS_RF;
    }
    cpu->hflags = (cpu->hflags & ~HF_OF_EFLAGS) |
                  hflags_of_eflags(cpu, cpu->hflags);
}

void x86_change_eflags(X86CPU *cpu, uint32_t clear, uint32_t set)
{
    cpu->eflags = (cpu->eflags & ~clear) | set;
    cpu->hflags = (cpu->hflags & ~HF_OF_EFLAGS) |
                  hflags_of_eflags(cpu, cpu->hflags);
}

void x86_begin_insn_again(X86CPU *cpu, uint32_t tb_flags)
{
    cpu->hflags |= tb_flags & HF_ONE_SHOT;
    cpu->eflags |= tb_flags & HF_RF ? EFLAGS_RF : 0;
}

/* Base 0, limit 4 GiB, and (data) both readable and writable. */
static bool seg_is_flat(const SegmentCache *seg)
{
    return seg->base == 0 && seg->limit == 0xffffffff &&
           (seg->attr & (DESC_P | DESC_CODE | DESC_E | DESC_W)) ==
               (DESC_P | DESC_W);
}

static uint32_t hflags_of_mode(const X86CPU *cpu)
{
    uint32_t hf = 0;

    if (cpu->cr0 & CR0_PE) {
        hf |= HF_PE | desc_dpl(cpu->segs[R_SS].attr);
    }
    if (cpu->efer & EFER_LMA) {
        hf |= HF_LMA;
    }
    return hf;
}

static uint32_t hflags_of_segments(const X86CPU *cpu)
{
    const SegmentCache *seg = cpu->segs;
    uint32_t hf = 0;

    if ((cpu->efer & EFER_LMA) && (seg[R_CS].attr & DESC_L)) {
        return HF_CS64 | HF_FLAT_DS | HF_FLAT_ES | HF_FLAT_SS | HF_FLAT_CS;
    }
    hf |= seg[R_CS].attr & DESC_B ? HF_CS32 : 0;
    hf |= seg[R_SS].attr & DESC_B ? HF_SS32 : 0;
    hf |= seg_is_flat(&seg[R_DS]) ? HF_FLAT_DS : 0;
    hf |= seg_is_flat(&seg[R_ES]) ? HF_FLAT_ES : 0;
    hf |= seg_is_flat(&seg[R_SS]) ? HF_FLAT_SS : 0;
    if (seg[R_CS].base == 0 && seg[R_CS].limit == 0xffffffff) {
        hf |= HF_FLAT_CS;
    }
    return hf;
}

/* Does DR7 enable an instruction breakpoint?  SDM vol. 3B, 18.2.4. */
static bool has_code_breakpoint(uint64_t dr7)
{
    for (unsigned i = 0; i < 4; i++) {
        bool enabled = dr7 >> (2 * i) & 3;
        bool on_execution = !(dr7 >> (16 + 4 * i) & 3);

        if (enabled && on_execution) {
            return true;
        }
    }
    return false;
}

static uint32_t hflags_of_features(const X86CPU *cpu)
{
    uint64_t cr0 = cpu->cr0, cr4 = cpu->cr4;
    uint32_t hf = 0;

    hf |= cr0 & (CR0_TS | CR0_EM) ? HF_X87_NM : 0;
    hf |= cr0 & CR0_TS ? HF_SSE_NM : 0;
    hf |= (cr0 & CR0_TS) && (cr0 & CR0_MP) ? HF_WAIT_NM : 0;
    hf |= (cr0 & CR0_EM) || !(cr4 & CR4_OSFXSR) ? HF_SSE_UD : 0;
    hf |= cr4 & CR4_LA57 ? HF_LA57 : 0;
    hf |= (cr4 & CR4_OSXSAVE) && (cpu->xcr0 & 6) == 6 ? HF_AVX : 0;
    /* Mask bits of MXCSR are 7 to 12. */
    hf |= (cpu->mxcsr & 0x1f80) != 0x1f80 ? HF_SIMD_EXC : 0;
    hf |= has_code_breakpoint(cpu->dr[7]) ? HF_DEBUG : 0;
    return hf;
}

void x86_update_hflags(X86CPU *cpu)
{
    uint32_t hf = cpu->hflags & (HF_SHADOW | HF_SS_SHADOW);

    hf |= hflags_of_mode(cpu) | hflags_of_segments(cpu) |
          hflags_of_features(cpu);
    hf |= hflags_of_eflags(cpu, hf);
    cpu->hflags = hf;
}
