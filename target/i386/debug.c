/* SPDX-License-Identifier: MIT */
/*
 * Debug registers and breakpoints.
 * Source: SDM vol. 3B, 18.2 "Debug Registers", 18.3 "Debug Exceptions"; vol.
 * 2B, "MOV - Move to/from Debug Registers".
 *
 * An instruction breakpoint is a fault, tested for by translated code (HF_DEBUG).
 * A data or I/O breakpoint is a trap: pages with one have TLB_WATCH, so that an
 * access to them comes here.  The first to hit leaves translated code before
 * anything is done, and the instruction is run again as a block of its own;
 * the hits are then collected, and the exec loop raises #DB behind it.
 *
 * A repeated string instruction that runs in bulk traps behind its last
 * iteration, as the SDM allows of fast string operation.
 */
#include "accel/tcg.h"
#include "exec/ldst.h"
#include "target/i386/excp.h"
#include "target/i386/helpers.h"
#include "target/i386/seg.h"

#define DR6_FIXED_ONES  0xffff0ff0u
#define DR6_WRITABLE    0x0000e00fu
#define DR7_FIXED_ONES  0x00000400u
#define DR7_FIXED_ZEROS 0xffffffff0000d800ull
#define DR7_LOCAL       0x00000155u /* L0 to L3 and LE */
#define DR7_GD          BIT(13)

/* What a breakpoint is on: the R/W field of DR7. */
enum { BP_EXECUTE, BP_WRITE, BP_IO, BP_ACCESS };

static bool bp_enabled(const X86CPU *cpu, unsigned n)
{
    return cpu->dr[7] >> (2 * n) & 3;
}

static unsigned bp_kind(const X86CPU *cpu, unsigned n)
{
    return cpu->dr[7] >> (16 + 4 * n) & 3;
}

static unsigned bp_bytes(const X86CPU *cpu, unsigned n)
{
    static const uint8_t bytes[] = {1, 2, 8, 4};

    return bytes[cpu->dr[7] >> (18 + 4 * n) & 3];
}

/* Does breakpoint @n cover one of @len bytes at @addr?  Its own address is
 * aligned to its length. */
static bool bp_covers(const X86CPU *cpu, unsigned n, uint64_t addr,
                      unsigned len)
{
    unsigned bytes = bp_bytes(cpu, n);
    uint64_t start = cpu->dr[n] & ~(uint64_t)(bytes - 1);

    return addr - start < bytes || start - addr < len;
}

static bool bp_is_on_data(const X86CPU *cpu, unsigned n)
{
    unsigned kind = bp_kind(cpu, n);

    return bp_enabled(cpu, n) && (kind == BP_WRITE || kind == BP_ACCESS);
}

static bool has_data_breakpoint(const X86CPU *cpu)
{
    return bp_is_on_data(cpu, 0) || bp_is_on_data(cpu, 1) ||
           bp_is_on_data(cpu, 2) || bp_is_on_data(cpu, 3);
}

/* --- the registers --- */

/* DR4 and DR5 are DR6 and DR7, or #UD with CR4.DE; DR7.GD guards them all. */
static unsigned dr_check(X86CPU *cpu, unsigned number)
{
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

/* What the TLB's entries say of breakpoints holds for both states. */
static void dr_set(X86CPU *cpu, unsigned n, uint64_t value)
{
    bool watched = has_data_breakpoint(cpu);

    cpu->dr[n] = value;
    if (watched || has_data_breakpoint(cpu)) {
        tlb_flush(&cpu->cs);
    }
    x86_update_hflags(cpu);
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
    dr_set(cpu, n, value);
}

void x86_clear_local_breakpoints(X86CPU *cpu)
{
    if (cpu->dr[7] & DR7_LOCAL) {
        dr_set(cpu, 7, cpu->dr[7] & ~(uint64_t)DR7_LOCAL);
    }
}

/* --- instruction breakpoints --- */

/* Does DR0-DR3 ask for a stop before the instruction at @rip? */
void helper_code_breakpoint(X86CPU *cpu, uint64_t rip)
{
    vaddr la = cpu->hflags & HF_CS64
                   ? rip
                   : (uint32_t)(cpu->segs[R_CS].base + rip);
    uint32_t hit = 0;

    for (unsigned n = 0; n < 4; n++) {
        if (bp_enabled(cpu, n) && bp_kind(cpu, n) == BP_EXECUTE &&
            cpu->dr[n] == la) {
            hit |= BIT(n);
        }
    }
    if (hit) {
        x86_raise_debug_fault(cpu, hit);
    }
}

/* --- data and I/O breakpoints --- */

int x86_watched_accesses(X86CPU *cpu, vaddr page)
{
    int watched = 0;

    for (unsigned n = 0; n < 4; n++) {
        if (bp_is_on_data(cpu, n) && !((cpu->dr[n] ^ page) & PAGE_MASK)) {
            watched |= PAGE_WRITE;
            watched |= bp_kind(cpu, n) == BP_ACCESS ? PAGE_READ : 0;
        }
    }
    return watched;
}

/* @hits of the instruction that runs: collect them, in a block of its own. */
static void bp_hit(X86CPU *cpu, uint32_t hits)
{
    if (!hits) {
        return;
    }
    /* The exec loop is to look, behind this block. */
    __atomic_store_n(&cpu->cs.exit_request, 1, __ATOMIC_SEQ_CST);
    if (cpu->cs.host_pc && !cpu->watch_step) {
        cpu->watch_step = true;
        tcg_run_one_insn(&cpu->cs);
    }
    cpu->dr6_pending |= hits;
}

void x86_watch_access(X86CPU *cpu, vaddr addr, unsigned len, int access)
{
    uint32_t hits = 0;

    for (unsigned n = 0; n < 4; n++) {
        if (bp_is_on_data(cpu, n) && bp_covers(cpu, n, addr, len) &&
            (access == PAGE_WRITE || bp_kind(cpu, n) == BP_ACCESS)) {
            hits |= BIT(n);
        }
    }
    bp_hit(cpu, hits);
}

void x86_watch_io(X86CPU *cpu, uint16_t port, unsigned bytes)
{
    uint32_t hits = 0;

    if (!(cpu->cr4 & CR4_DE)) {
        return;
    }
    for (unsigned n = 0; n < 4; n++) {
        if (bp_enabled(cpu, n) && bp_kind(cpu, n) == BP_IO &&
            bp_covers(cpu, n, port, bytes)) {
            hits |= BIT(n);
        }
    }
    bp_hit(cpu, hits);
}

void x86_raise_watched(X86CPU *cpu)
{
    cpu->watch_step = false;
    if (cpu->dr6_pending) {
        x86_raise_debug_trap(cpu, 0);
    }
}
