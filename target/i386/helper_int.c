/* SPDX-License-Identifier: MIT */
/*
 * Helpers of integer instructions: division, decimal adjustment, CMPXCHG16B,
 * and the check of segments that are not flat.
 */
#include "target/i386/helpers.h"
#include "target/i386/mmu.h"
#include "target/i386/seg.h"
#include "tcg/backend.h"
#include "tcg/ir.h"

/* --- division --- */

/* The emitter has checked hi < divisor: the quotient fits. */
uint64_t helper_udiv128(X86CPU *cpu, uint64_t hi, uint64_t lo,
                        uint64_t divisor)
{
    if (hi == 0) {
        return lo / divisor;
    }
    return (uint64_t)((((unsigned __int128)hi << 64) | lo) / divisor);
}

/* @a / @b for quotients of @bits, or #DE.  -1 apart: the host's own division
 * traps on the least dividend. */
static uint64_t idiv(X86CPU *cpu, int64_t a, int64_t b, unsigned bits)
{
    int64_t quotient, top = (int64_t)1 << (bits - 1);

    if (b == 0) {
        x86_raise(cpu, EXCP_DE);
    }
    quotient = b == -1 ? -a : a / b;
    if (quotient >= top || quotient < -top) {
        x86_raise(cpu, EXCP_DE);
    }
    return quotient;
}

uint64_t helper_idiv8(X86CPU *cpu, uint64_t a, uint64_t b)
{
    return idiv(cpu, a, b, 8);
}

uint64_t helper_idiv16(X86CPU *cpu, uint64_t a, uint64_t b)
{
    return idiv(cpu, a, b, 16);
}

uint64_t helper_idiv32(X86CPU *cpu, uint64_t a, uint64_t b)
{
    return idiv(cpu, a, b, 32);
}

uint64_t helper_idiv64(X86CPU *cpu, uint64_t hi, uint64_t lo,
                       uint64_t divisor)
{
    __int128 a = (__int128)(((unsigned __int128)hi << 64) | lo);
    int64_t b = (int64_t)divisor;
    __int128 quotient;

    if (b == 0) {
        x86_raise(cpu, EXCP_DE);
    }
    quotient = b == -1 ? -a : a / b;
    if (quotient != (int64_t)quotient) {
        x86_raise(cpu, EXCP_DE);
    }
    return (uint64_t)quotient;
}

/* --- decimal adjustment: SDM vol. 2A, "DAA", "DAS", "AAA", "AAS" --- */

static uint32_t sign_zero_parity(uint8_t value)
{
    return (value & EFLAGS_SF) | (value == 0 ? EFLAGS_ZF : 0) |
           (__builtin_parity(value) ? 0 : EFLAGS_PF);
}

static void set_al(X86CPU *cpu, uint8_t al, uint32_t carries)
{
    cpu->regs[R_RAX] = (cpu->regs[R_RAX] & ~(uint64_t)0xff) | al;
    cpu->cc = cc_from_eflags(sign_zero_parity(al) | carries);
}

static void adjust_packed(X86CPU *cpu, int sign)
{
    uint32_t flags = cc_to_eflags(cpu->cc), carries = 0;
    uint8_t old = cpu->regs[R_RAX], al = old;
    bool carry = flags & EFLAGS_CF;

    if ((old & 15) > 9 || (flags & EFLAGS_AF)) {
        al += 6 * sign;
        carries |= EFLAGS_AF;
        if (carry || (sign > 0 ? old > 0xf9 : old < 6)) {
            carries |= EFLAGS_CF;
        }
    }
    if (old > 0x99 || carry) {
        al += 0x60 * sign;
        carries |= EFLAGS_CF;
    }
    set_al(cpu, al, carries);
}

void helper_daa(X86CPU *cpu)
{
    adjust_packed(cpu, 1);
}

void helper_das(X86CPU *cpu)
{
    adjust_packed(cpu, -1);
}

static void adjust_unpacked(X86CPU *cpu, int delta)
{
    uint32_t flags = cc_to_eflags(cpu->cc), carries = 0;
    uint16_t ax = cpu->regs[R_RAX];

    if ((ax & 15) > 9 || (flags & EFLAGS_AF)) {
        ax += delta;
        carries = EFLAGS_AF | EFLAGS_CF;
    }
    ax &= 0xff0f;
    cpu->regs[R_RAX] = (cpu->regs[R_RAX] & ~(uint64_t)0xffff) | ax;
    cpu->cc = cc_from_eflags(sign_zero_parity(ax) | carries);
}

void helper_aaa(X86CPU *cpu)
{
    adjust_unpacked(cpu, 0x106);
}

void helper_aas(X86CPU *cpu)
{
    adjust_unpacked(cpu, -0x106);
}

/* --- CMPXCHG16B --- */

/* The old value goes to *@expected if it differs from that. */
static bool cas128(void *p, uint64_t expected[2], const uint64_t value[2])
{
    bool equal;

    __asm__ volatile("lock cmpxchg16b %1"
                     : "=@ccz"(equal), "+m"(*(unsigned __int128 *)p),
                       "+a"(expected[0]), "+d"(expected[1])
                     : "b"(value[0]), "c"(value[1])
                     : "memory");
    return equal;
}

/* A misaligned operand is #GP(0) in tcg_slow_rmw, by MO_ALIGN.  What it gives
 * is aligned, and a locked compare serves the unlocked form as well. */
void helper_cmpxchg16b(X86CPU *cpu, uint64_t addr, uint64_t memop)
{
    uint64_t expected[2] = {cpu->regs[R_RAX], cpu->regs[R_RDX]};
    uint64_t value[2] = {cpu->regs[R_RBX], cpu->regs[R_RCX]};
    void *p = tcg_slow_rmw(&cpu->cs, addr, memop);
    bool equal = cas128(p, expected, value);

    tcg_slow_rmw_commit(&cpu->cs, addr, memop);
    cpu->cc &= ~CC_BIT_Z;
    if (equal) {
        cpu->cc |= CC_BIT_Z;
    } else {
        cpu->regs[R_RAX] = expected[0];
        cpu->regs[R_RDX] = expected[1];
    }
}

/* --- segments: SDM vol. 3A, 5.3 "Limit Checking", 5.4 "Type Checking" --- */

void helper_check_seg(X86CPU *cpu, uint64_t off, uint64_t what)
{
    unsigned n = what & 0xff;
    const SegmentCache *seg = &cpu->segs[n];
    uint64_t bytes = what >> 16;

    if (!seg_allows(seg, off, bytes, what & 0x100)) {
        bool skewed = (what & 0x200) && (seg->base + off) % bytes;

        x86_raise_error(cpu, n == R_SS && !skewed ? EXCP_SS : EXCP_GP, 0);
    }
}

void helper_probe_first(X86CPU *cpu, uint64_t addr, uint64_t memop)
{
    x86_probe_store(cpu, addr, MO_64, (MemOp)memop);
}
