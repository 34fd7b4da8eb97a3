/* SPDX-License-Identifier: MIT */
/*
 * Debug registers, instruction breakpoints and watchpoints.
 *
 * A watched access is noticed by the slow path of memory accesses, which lets
 * its instruction run alone and leaves the hit in X86CPU.watch_hits; the trap
 * is taken before the next one.  A repeated string instruction traps when it
 * next pauses.
 *
 * An I/O breakpoint is noticed by the helpers of IN and OUT, in the same way.
 * Source: SDM vol. 3B, 18.2 "Debug Registers", 18.3.1 "Debug Exception (#DB)".
 */
#include "exec/ldst.h"
#include "target/i386/excp.h"
#include "target/i386/helpers.h"
#include "target/i386/seg.h"

#define DR6_FIXED_ONES  0xffff0ff0u
#define DR6_WRITABLE    0x0000e00fu
#define DR7_FIXED_ONES  0x00000400u
#define DR7_FIXED_ZEROS 0xffffffff0000d800ull
#define DR7_GD          BIT(13)
#define DR7_LOCAL       0x155u /* L0 to L3 and LE */
/* R/W fields of DR7. */
#define DR7_EXECUTE     0
#define DR7_WRITE       1 /* set for reads and writes, too */
#define DR7_IO          2
#define DR7_READ_WRITE  3

static bool dr7_enabled(uint64_t dr7, unsigned i)
{
    return dr7 >> (2 * i) & 3;
}

static unsigned dr7_type(uint64_t dr7, unsigned i)
{
    return dr7 >> (16 + 4 * i) & 3;
}

/* LEN fields 0 to 3 are 1, 2, 8 and 4 bytes. */
static unsigned dr7_bytes(uint64_t dr7, unsigned i)
{
    static const uint8_t bytes[4] = {1, 2, 8, 4};

    return bytes[dr7 >> (18 + 4 * i) & 3];
}

/* --- the registers --- */

/* DR4 and DR5 are DR6 and DR7, or #UD with CR4.DE; DR7.GD guards them all. */
static unsigned dr_check(X86CPU *cpu, unsigned number)
{
    if (number > 7) {
        x86_raise(cpu, EXCP_UD);
    }
    if (number == 4 || number == 5) {
        if (cpu->cr4 & CR4_DE) {
            x86_raise(cpu, EXCP_UD);
        }
        number += 2;
    }
    if (cpu->dr[7] & DR7_GD) {
        x86_raise_debug_fault(cpu, DR6_BD);
    }
    return number;
}

uint64_t helper_read_dr(X86CPU *cpu, uint64_t number)
{
    return cpu->dr[dr_check(cpu, number)];
}

/* Which of DR0-DR3 watch data, as DR7 says. */
static uint8_t watching(uint64_t dr7)
{
    uint8_t mask = 0;

    for (unsigned i = 0; i < 4; i++) {
        if (dr7_enabled(dr7, i) && (dr7_type(dr7, i) & DR7_WRITE)) {
            mask |= BIT(i);
        }
    }
    return mask;
}

/* Accesses of watched pages must leave the fast path: the soft TLB is filled
 * anew when one of them changes. */
static void update_watch(X86CPU *cpu)
{
    uint8_t was = cpu->watch;

    cpu->watch = watching(cpu->dr[7]);
    if (was | cpu->watch) {
        tlb_flush(&cpu->cs, TLB_FLUSH_DEBUG);
    }
}

void helper_write_dr(X86CPU *cpu, uint64_t number, uint64_t value)
{
    unsigned n = dr_check(cpu, number);

    if (n >= 6 && value >> 32) {
        x86_raise_gp0(cpu);
    }
    if (n == 6) {
        value = (value & DR6_WRITABLE) | DR6_FIXED_ONES;
    } else if (n == 7) {
        value = (value & ~DR7_FIXED_ZEROS) | DR7_FIXED_ONES;
    }
    cpu->dr[n] = value;
    x86_update_hflags(cpu);
    if (n != 6) {
        update_watch(cpu);
    }
}

void x86_clear_local_breakpoints(X86CPU *cpu)
{
    if (cpu->dr[7] & DR7_LOCAL) {
        cpu->dr[7] &= ~(uint64_t)DR7_LOCAL;
        x86_update_hflags(cpu);
        update_watch(cpu);
    }
}

/* --- breakpoints --- */

/* Does DR0-DR3 ask for a stop before the instruction at @rip? */
void helper_code_breakpoint(X86CPU *cpu, uint64_t rip)
{
    uint64_t dr7 = cpu->dr[7];
    vaddr la = cpu->hflags & HF_CS64
                   ? rip
                   : (uint32_t)(cpu->segs[R_CS].base + rip);
    uint32_t hit = 0;

    for (unsigned i = 0; i < 4; i++) {
        if (dr7_enabled(dr7, i) && dr7_type(dr7, i) == DR7_EXECUTE &&
            cpu->dr[i] == la) {
            hit |= BIT(i);
        }
    }
    if (hit) {
        x86_raise_debug_fault(cpu, hit);
    }
}

/* SDM vol. 3A, table 6-2 "Priority Among Concurrent Events" */
void x86_breakpoint_before_fetch(X86CPU *cpu)
{
    const uint32_t held = HF_RF | HF_SS_SHADOW;

    if ((cpu->hflags & (HF_DEBUG | held)) == HF_DEBUG) {
        helper_code_breakpoint(cpu, cpu->rip);
    }
}

/* First byte of what DRi watches: the low bits of the address do not count. */
static vaddr watch_start(const X86CPU *cpu, unsigned i)
{
    return cpu->dr[i] & ~(vaddr)(dr7_bytes(cpu->dr[7], i) - 1);
}

bool x86_page_watched(const X86CPU *cpu, vaddr page)
{
    for (unsigned i = 0; i < 4; i++) {
        if ((cpu->watch & BIT(i)) && (cpu->dr[i] & PAGE_MASK) == page) {
            return true;
        }
    }
    return false;
}

uint32_t x86_watch_hits(const X86CPU *cpu, vaddr addr, unsigned len,
                        bool write)
{
    uint32_t hits = 0;

    for (unsigned i = 0; i < 4; i++) {
        vaddr start = watch_start(cpu, i);

        if ((cpu->watch & BIT(i)) && addr < start + dr7_bytes(cpu->dr[7], i) &&
            start < addr + len &&
            (write || dr7_type(cpu->dr[7], i) == DR7_READ_WRITE)) {
            hits |= BIT(i);
        }
    }
    return hits;
}

void x86_watch_io(X86CPU *cpu, uint16_t port, unsigned bytes)
{
    uint32_t hits = 0;

    if (!(cpu->cr4 & CR4_DE)) {
        return;
    }
    for (unsigned i = 0; i < 4; i++) {
        vaddr start = watch_start(cpu, i);

        if (dr7_enabled(cpu->dr[7], i) && dr7_type(cpu->dr[7], i) == DR7_IO &&
            port < start + dr7_bytes(cpu->dr[7], i) && start < port + bytes) {
            hits |= BIT(i);
        }
    }
    if (hits) {
        cpu_watch_hit(&cpu->cs, hits);
    }
}

bool x86_take_watch_trap(X86CPU *cpu)
{
    if (likely(!(cpu->watch_hits | cpu->watch_held))) {
        return false;
    }
    if (cpu->hflags & HF_SS_SHADOW) {
        cpu->watch_held |= cpu->watch_hits;
        cpu->watch_hits = 0;
        return true;
    }
    x86_raise_debug_trap(cpu, 0);
}
