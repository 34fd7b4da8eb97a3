/* SPDX-License-Identifier: MIT */
/*
 * Interrupts between instructions: INIT, startup IPI, NMI and INTR.
 * Source: SDM vol. 3A, 6.9 "Prioritization of Concurrent Events", 9.4.4.2
 * "Typical AP Initialization Sequence".
 *
 * There is no system management mode: an SMI is dropped, as by a chipset
 * whose SMIs are disabled.
 */
#include "exec/bql.h"
#include "exec/ldst.h"
#include "target/i386/cpuid.h"
#include "target/i386/excp.h"
#include "target/i386/seg.h"
#include "util/log.h"

static uint32_t pending(X86CPU *cpu)
{
    return __atomic_load_n(&cpu->cs.interrupt_request, __ATOMIC_ACQUIRE);
}

static bool intr_allowed(const X86CPU *cpu)
{
    return (cpu->eflags & EFLAGS_IF) && !(cpu->hflags & HF_SHADOW);
}

static bool nmi_allowed(const X86CPU *cpu)
{
    return !cpu->nmi_masked && !(cpu->hflags & HF_SHADOW);
}

static void poll_apic(X86CPU *cpu)
{
    BQL_GUARD();
    cpu_reset_interrupt(&cpu->cs, CPU_INTERRUPT_POLL);
    if (cpu->apic) {
        cpu->apic_ops->poll(cpu->apic);
    }
}

/* The APIC is polled here already: a halt must not end for a request that
 * turns out to be none. */
bool x86_has_work(CPUState *cs)
{
    X86CPU *cpu = x86_cpu(cs);
    uint32_t req = pending(cpu);

    if (req & (CPU_INTERRUPT_INIT | CPU_INTERRUPT_SIPI)) {
        return true;
    }
    if (cpu->wait_sipi) {
        return false;
    }
    if (req & CPU_INTERRUPT_POLL) {
        poll_apic(cpu);
        req = pending(cpu);
    }
    return ((req & CPU_INTERRUPT_NMI) && !cpu->nmi_masked) ||
           ((req & CPU_INTERRUPT_HARD) && (cpu->eflags & EFLAGS_IF));
}

void x86_cpu_sipi(X86CPU *cpu, uint8_t vector)
{
    __atomic_store_n(&cpu->sipi_vector, vector, __ATOMIC_RELAXED);
    cpu_interrupt(&cpu->cs, CPU_INTERRUPT_SIPI);
}

/* A startup IPI counts only while one is waited for. */
static void take_sipi(X86CPU *cpu)
{
    uint32_t vector = __atomic_load_n(&cpu->sipi_vector, __ATOMIC_RELAXED);

    if (!cpu->wait_sipi) {
        return;
    }
    cpu->wait_sipi = false;
    seg_set(cpu, R_CS, vector << 8, vector << 12, 0xffff,
            cpu->segs[R_CS].attr);
    cpu->rip = 0;
    __atomic_store_n(&cpu->cs.halted, 0, __ATOMIC_RELAXED);
    x86_update_hflags(cpu);
}

static void take_init(X86CPU *cpu)
{
    log_printf(LOG_INT, "vCPU %u: INIT\n", cpu->cs.index);
    x86_cpu_init_reset(cpu);
    if (cpu->apic) {
        BQL_GUARD();
        cpu->apic_ops->init_reset(cpu->apic);
    }
}

static void deliver_external(X86CPU *cpu, uint8_t vector)
{
    X86Event ev = {
        .vector = vector,
        .kind = EVENT_EXTERNAL,
        .return_rip = cpu->rip,
    };

    __atomic_store_n(&cpu->cs.halted, 0, __ATOMIC_RELAXED);
    x86_deliver_event(cpu, &ev);
}

/* The INTA cycle: the vector, or -1 when the request has gone away. */
static int acknowledge(X86CPU *cpu)
{
    BQL_GUARD();
    /* Cleared first: the controller sets it again if more are waiting. */
    cpu_reset_interrupt(&cpu->cs, CPU_INTERRUPT_HARD);
    if (cpu->apic) {
        return cpu->apic_ops->get_interrupt(cpu->apic);
    }
    return cpu->pic_read_irq ? cpu->pic_read_irq(cpu->irq_opaque) : -1;
}

void x86_cpu_nmi(X86CPU *cpu)
{
    __atomic_fetch_add(&cpu->nmis_sent, 1, __ATOMIC_SEQ_CST);
    cpu_interrupt(&cpu->cs, CPU_INTERRUPT_NMI);
}

/*
 * A processor keeps one NMI while it serves another.  Two that come before
 * either is delivered are one in service and one kept: between instructions of
 * a processor there is no time for them to meet, between TBs there is.
 */
static void collect_nmis(X86CPU *cpu)
{
    unsigned limit = cpu->nmi_masked ? 1 : 2;
    uint32_t sent = __atomic_exchange_n(&cpu->nmis_sent, 0, __ATOMIC_SEQ_CST);

    cpu->nmis_pending = MIN(cpu->nmis_pending + sent, limit);
}

/* True if one was delivered. */
static bool handle_nmi(X86CPU *cpu)
{
    bool allowed = nmi_allowed(cpu);

    if (allowed) { /* cleared first: who sends another sets it again */
        cpu_reset_interrupt(&cpu->cs, CPU_INTERRUPT_NMI);
    }
    collect_nmis(cpu);
    if (!allowed || !cpu->nmis_pending) {
        return false;
    }
    if (--cpu->nmis_pending) {
        cpu_interrupt(&cpu->cs, CPU_INTERRUPT_NMI);
    }
    cpu->nmi_masked = true;
    deliver_external(cpu, EXCP_NMI);
    return true;
}

/* What reaches a processor that waits for its startup IPI too. */
static bool handle_resets(X86CPU *cpu, uint32_t req)
{
    if (req & CPU_INTERRUPT_INIT) {
        cpu_reset_interrupt(&cpu->cs, CPU_INTERRUPT_INIT);
        take_init(cpu);
        return true;
    }
    if (req & CPU_INTERRUPT_SIPI) {
        cpu_reset_interrupt(&cpu->cs, CPU_INTERRUPT_SIPI);
        take_sipi(cpu);
        return true;
    }
    return false;
}

bool x86_handle_interrupts(X86CPU *cpu)
{
    uint32_t req = pending(cpu);
    bool changed;
    int vector;

    if (req & CPU_INTERRUPT_POLL) {
        poll_apic(cpu);
    }
    changed = handle_resets(cpu, req);
    req = pending(cpu);
    if (cpu->wait_sipi) {
        __atomic_store_n(&cpu->cs.halted, 1, __ATOMIC_SEQ_CST);
        cpu_loop_exit_to(&cpu->cs, CPU_EXIT_HLT);
    }
    if (req & CPU_INTERRUPT_SMI) {
        cpu_reset_interrupt(&cpu->cs, CPU_INTERRUPT_SMI);
        log_printf(LOG_UNIMP, "SMI dropped: no SMM\n");
    }
    if ((req & CPU_INTERRUPT_NMI) && handle_nmi(cpu)) {
        return true;
    }
    if ((req & CPU_INTERRUPT_HARD) && intr_allowed(cpu)) {
        vector = acknowledge(cpu);
        if (vector >= 0) {
            deliver_external(cpu, vector);
            return true;
        }
    }
    return changed;
}
