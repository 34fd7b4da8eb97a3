/* SPDX-License-Identifier: MIT */
/*
 * System instructions that fit in a few lines: descriptor table registers,
 * segment bases, time stamps, TLB, extended control registers, waiting, ports.
 * Source: SDM vol. 2, under each mnemonic.
 *
 * MONITOR arms nothing and MWAIT only yields: a wake-up from it without a
 * store is allowed.  There are no performance counters: RDPMC is #GP(0).
 */
#include <sys/random.h>

#include "exec/ldst.h"
#include "exec/memory.h"
#include "exec/translator.h"
#include "target/i386/cpuid.h"
#include "target/i386/excp.h"
#include "target/i386/fpustate.h"
#include "target/i386/helpers.h"
#include "target/i386/mmu.h"
#include "target/i386/seg.h"
#include "target/i386/tss.h"

/* --- tables and bases --- */

static void check_base(X86CPU *cpu, uint64_t addr)
{
    if (x86_is_long(cpu) && !x86_is_canonical_base(cpu, addr)) {
        x86_raise_gp0(cpu);
    }
}

void helper_lgdt(X86CPU *cpu, uint64_t limit, uint64_t base)
{
    check_base(cpu, base);
    cpu->gdt.base = base;
    cpu->gdt.limit = limit;
}

void helper_lidt(X86CPU *cpu, uint64_t limit, uint64_t base)
{
    check_base(cpu, base);
    cpu->idt.base = base;
    cpu->idt.limit = limit;
}

void helper_umip(X86CPU *cpu)
{
    if (cpu->cr4 & CR4_UMIP) {
        x86_raise_gp0(cpu);
    }
}

void helper_fsgsbase(X86CPU *cpu)
{
    if (!(cpu->cr4 & CR4_FSGSBASE)) {
        x86_raise(cpu, EXCP_UD);
    }
}

void helper_write_segbase(X86CPU *cpu, uint64_t reg, uint64_t base)
{
    check_base(cpu, base);
    cpu->segs[reg].base = base;
}

void helper_swapgs(X86CPU *cpu)
{
    uint64_t base = cpu->segs[R_GS].base;

    cpu->segs[R_GS].base = cpu->kernel_gs_base;
    cpu->kernel_gs_base = base;
}

/* --- time stamps --- */

static void check_tsd(X86CPU *cpu)
{
    if ((cpu->cr4 & CR4_TSD) && x86_cpl(cpu) != 0) {
        x86_raise_gp0(cpu);
    }
}

static void put_edx_eax(X86CPU *cpu, uint64_t value)
{
    cpu->regs[R_RAX] = (uint32_t)value;
    cpu->regs[R_RDX] = value >> 32;
}

void helper_rdtsc(X86CPU *cpu)
{
    check_tsd(cpu);
    put_edx_eax(cpu, x86_cpu_tsc(cpu));
}

void helper_rdtscp(X86CPU *cpu)
{
    helper_rdtsc(cpu);
    cpu->regs[R_RCX] = (uint32_t)cpu->tsc_aux;
}

void helper_rdpmc(X86CPU *cpu)
{
    x86_raise_gp0(cpu);
}

uint64_t helper_rdpid(X86CPU *cpu)
{
    return cpu->tsc_aux;
}

uint64_t helper_rdrand(X86CPU *cpu)
{
    static uint64_t repeated = 1; /* xorshift64; one thread runs all vCPUs */
    uint64_t value = 0;

    if (tcg_repeats()) {
        repeated ^= repeated << 13;
        repeated ^= repeated >> 7;
        repeated ^= repeated << 17;
        return repeated;
    }
    /* All of them or none, by a signal: getrandom(2). */
    while (getrandom(&value, sizeof(value), 0) != sizeof(value)) {
    }
    return value;
}

/* --- TLB and caches --- */

void helper_invlpg(X86CPU *cpu, uint64_t addr)
{
    if (x86_is_long(cpu)) {
        if (!x86_is_canonical(cpu, addr)) {
            return; /* acts as a NOP: vol. 2A, "INVLPG" */
        }
    } else {
        addr = (uint32_t)addr;
    }
    tlb_flush_page(&cpu->cs, addr, TLB_FLUSH_INVLPG);
}

/* Types of INVPCID. */
enum { INVPCID_ADDRESS, INVPCID_CONTEXT, INVPCID_ALL, INVPCID_ALL_NONGLOBAL };

/* SDM vol. 2A, "INVPCID": what is #GP(0). */
static bool invpcid_valid(X86CPU *cpu, uint64_t type, const uint64_t desc[2])
{
    if (type > INVPCID_ALL_NONGLOBAL || desc[0] >> 12) {
        return false;
    }
    if (type <= INVPCID_CONTEXT && desc[0] && !(cpu->cr4 & CR4_PCIDE)) {
        return false;
    }
    return type != INVPCID_ADDRESS || !x86_is_long(cpu) ||
           x86_is_canonical_base(cpu, desc[1]);
}

void helper_invpcid(X86CPU *cpu, uint64_t type, uint64_t addr)
{
    MemOp op = x86_mmu_at_cpl(cpu, x86_cpl(cpu));
    uint64_t desc[2];

    cpu_load_bytes(&cpu->cs, addr, desc, sizeof(desc), op);
    if (!invpcid_valid(cpu, type, desc)) {
        x86_raise_gp0(cpu);
    }
    switch (type) {
    case INVPCID_ADDRESS:
        tlb_flush_space_page(&cpu->cs, desc[0], desc[1], TLB_FLUSH_INVPCID);
        break;
    case INVPCID_CONTEXT:
        tlb_flush_space(&cpu->cs, desc[0], TLB_FLUSH_INVPCID);
        break;
    case INVPCID_ALL:
        tlb_flush(&cpu->cs, TLB_FLUSH_INVPCID);
        break;
    default:
        tlb_flush_nonglobal(&cpu->cs, TLB_FLUSH_INVPCID);
        break;
    }
}

void helper_wbinvd(X86CPU *cpu)
{
    /* No cache is modelled. */
}

void helper_rsm(X86CPU *cpu)
{
    x86_raise(cpu, EXCP_UD); /* never inside SMM */
}

/* --- extended control registers --- */

#define XCR0_X87 BIT64(0)
#define XCR0_SSE BIT64(1)
#define XCR0_AVX BIT64(2)
#define XCR0_PKRU BIT64(9)

static void check_osxsave(X86CPU *cpu)
{
    if (!(cpu->cr4 & CR4_OSXSAVE)) {
        x86_raise(cpu, EXCP_UD);
    }
}

void helper_xgetbv(X86CPU *cpu)
{
    uint32_t index = cpu->regs[R_RCX];

    check_osxsave(cpu);
    if (index > 1 || (index == 1 && !x86_has_feature(cpu, FEAT_XGETBV1))) {
        x86_raise_gp0(cpu);
    }
    put_edx_eax(cpu, index ? cpu->xcr0 & xsave_in_use(cpu) : cpu->xcr0);
}

void helper_xsetbv(X86CPU *cpu)
{
    uint64_t value = (uint32_t)cpu->regs[R_RAX] | cpu->regs[R_RDX] << 32;
    uint64_t known = XCR0_X87 | XCR0_SSE;

    check_osxsave(cpu);
    known |= x86_has_feature(cpu, FEAT_AVX) ? XCR0_AVX : 0;
    known |= x86_has_feature(cpu, FEAT_PKU) ? XCR0_PKRU : 0;
    if (x86_cpl(cpu) != 0 || (uint32_t)cpu->regs[R_RCX] != 0 ||
        (value & ~known) || !(value & XCR0_X87) ||
        ((value & XCR0_AVX) && !(value & XCR0_SSE))) {
        x86_raise_gp0(cpu);
    }
    cpu->xcr0 = value;
    x86_update_hflags(cpu);
}

/* --- protection keys --- */

static void check_pkru(X86CPU *cpu)
{
    if (!(cpu->cr4 & CR4_PKE)) {
        x86_raise(cpu, EXCP_UD);
    }
    if ((uint32_t)cpu->regs[R_RCX] != 0) {
        x86_raise_gp0(cpu);
    }
}

void helper_rdpkru(X86CPU *cpu)
{
    check_pkru(cpu);
    put_edx_eax(cpu, cpu->pkru);
}

void helper_wrpkru(X86CPU *cpu)
{
    check_pkru(cpu);
    if ((uint32_t)cpu->regs[R_RDX] != 0) {
        x86_raise_gp0(cpu);
    }
    x86_set_pkru(cpu, cpu->regs[R_RAX]);
}

/* --- waiting --- */

static G_NORETURN void leave_at(X86CPU *cpu, uint64_t next, CPUExit why)
{
    cpu->rip = next;
    cpu->cs.host_pc = 0;
    cpu_loop_exit_to(&cpu->cs, why);
}

/* An instruction that is complete, and with it what held events off. */
static G_NORETURN void finish_at(X86CPU *cpu, uint64_t next, CPUExit why)
{
    cpu->hflags &= ~(HF_SHADOW | HF_SS_SHADOW);
    leave_at(cpu, next, why);
}

void helper_hlt(X86CPU *cpu, uint64_t next)
{
    __atomic_store_n(&cpu->cs.halted, 1, __ATOMIC_RELAXED);
    finish_at(cpu, next, CPU_EXIT_HLT);
}

void helper_pause(X86CPU *cpu, uint64_t next)
{
    finish_at(cpu, next, CPU_EXIT_YIELD);
}

/* Before an instruction that may stand in a shadow, which lasts. */
void helper_count_end(X86CPU *cpu, uint64_t rip)
{
    leave_at(cpu, rip, CPU_EXIT_COUNT);
}

/* It will be counted when it goes on.  How often it is left is the host's
 * affair. */
void helper_count_again(X86CPU *cpu, uint64_t rip)
{
    cpu->cs.icount_left++;
    leave_at(cpu, rip, CPU_EXIT_INTERRUPT);
}

static void check_monitor(X86CPU *cpu)
{
    if (!x86_monitor_enabled(cpu)) {
        x86_raise(cpu, EXCP_UD);
    }
}

/* The extensions that are asked for: all of RCX in Intel's 64-bit mode. */
static uint64_t monitor_extensions(const X86CPU *cpu)
{
    bool wide = (cpu->hflags & HF_CS64) && !cpu->features->amd;

    return wide ? cpu->regs[R_RCX] : (uint32_t)cpu->regs[R_RCX];
}

void helper_monitor(X86CPU *cpu, uint64_t addr)
{
    check_monitor(cpu);
    if (monitor_extensions(cpu) != 0) {
        x86_raise_gp0(cpu); /* no extensions */
    }
    cpu_load(&cpu->cs, addr, MO_8 | x86_mmu_at_cpl(cpu, x86_cpl(cpu)));
}

void helper_mwait(X86CPU *cpu, uint64_t next)
{
    check_monitor(cpu);
    if (monitor_extensions(cpu) > 1) {
        x86_raise_gp0(cpu);
    }
    finish_at(cpu, next, CPU_EXIT_YIELD);
}

/* --- ports --- */

uint64_t helper_in(X86CPU *cpu, uint64_t port, uint64_t size)
{
    unsigned bytes = 1u << size;
    MemTxResult result;

    x86_check_io(cpu, port, bytes);
    x86_watch_io(cpu, port, bytes);
    return address_space_load(&address_space_io, (uint16_t)port, bytes,
                              &result);
}

void helper_out(X86CPU *cpu, uint64_t port, uint64_t size, uint64_t value)
{
    unsigned bytes = 1u << size;

    x86_check_io(cpu, port, bytes);
    x86_watch_io(cpu, port, bytes);
    address_space_store(&address_space_io, (uint16_t)port, value, bytes);
}

void helper_check_io(X86CPU *cpu, uint64_t port, uint64_t size)
{
    x86_check_io(cpu, port, 1u << size);
}

void helper_ins(X86CPU *cpu, uint64_t port, uint64_t addr, uint64_t memop)
{
    unsigned bytes = memop_bytes(memop);
    MemTxResult result;
    uint64_t value;

    x86_check_io(cpu, port, bytes);
    x86_watch_io(cpu, port, bytes);
    cpu_probe(&cpu->cs, addr, bytes, PAGE_WRITE, memop);
    value = address_space_load(&address_space_io, (uint16_t)port, bytes,
                               &result);
    cpu_store(&cpu->cs, addr, value, memop);
}
