/* SPDX-License-Identifier: MIT */
/*
 * Raising faults, double and triple faults, and delivery in real-address mode.
 * Source: SDM vol. 3A, chapter 6 "Interrupt and Exception Handling"; vol. 2A,
 * "INT n/INTO/INT3/INT1".
 */
#include "target/i386/excp.h"

#include "exec/translator.h"
#include "system/runstate.h"
#include "target/i386/helpers.h"
#include "target/i386/seg.h"
#include "util/log.h"

/* Vectors that push an error code when they are exceptions. */
#define EXCP_WITH_ERROR                                                     \
    (BIT(EXCP_DF) | BIT(EXCP_TS) | BIT(EXCP_NP) | BIT(EXCP_SS) |            \
     BIT(EXCP_GP) | BIT(EXCP_PF) | BIT(EXCP_AC))

const char *x86_exception_name(unsigned vector)
{
    static const char *const names[] = {
        [EXCP_DE] = "#DE", [EXCP_DB] = "#DB", [EXCP_NMI] = "NMI",
        [EXCP_BP] = "#BP", [EXCP_OF] = "#OF", [EXCP_BR] = "#BR",
        [EXCP_UD] = "#UD", [EXCP_NM] = "#NM", [EXCP_DF] = "#DF",
        [EXCP_TS] = "#TS", [EXCP_NP] = "#NP", [EXCP_SS] = "#SS",
        [EXCP_GP] = "#GP", [EXCP_PF] = "#PF", [EXCP_MF] = "#MF",
        [EXCP_AC] = "#AC", [EXCP_MC] = "#MC", [EXCP_XM] = "#XM",
    };

    return vector < ARRAY_LEN(names) ? names[vector] : NULL;
}

/* --- raising --- */

/* SDM vol. 3A, table 6-4 "Interrupt and Exception Classes". */
static bool is_contributory(int vector)
{
    return vector == EXCP_DE || (vector >= EXCP_TS && vector <= EXCP_GP);
}

/* No handler for a double fault: the processor shuts down, which a PC's
 * chipset turns into a reset. */
static G_NORETURN void triple_fault(X86CPU *cpu)
{
    log_printf(LOG_INT | LOG_CPU_RESET, "vCPU %u: triple fault at %04x:%016"
               PRIx64 "\n", cpu->cs.index, cpu->segs[R_CS].selector, cpu->rip);
    cpu->old_exception = -1;
    cpu->eflags &= ~EFLAGS_IF; /* shutdown: no interrupt wakes it */
    __atomic_store_n(&cpu->cs.halted, 1, __ATOMIC_RELAXED);
    system_reset_request(SHUTDOWN_GUEST_RESET);
    cpu_loop_exit_to(&cpu->cs, CPU_EXIT_HLT);
}

/* SDM vol. 3A, table 6-5 "Conditions for Generating a Double Fault". */
static int escalate(X86CPU *cpu, int vector)
{
    int old = cpu->old_exception;
    bool serious = is_contributory(vector) || vector == EXCP_PF;

    if (old == EXCP_DF && serious) {
        triple_fault(cpu);
    }
    if ((is_contributory(old) && is_contributory(vector)) ||
        (old == EXCP_PF && serious)) {
        return EXCP_DF;
    }
    return vector;
}

/* rip and cc are those of the instruction's start, host_pc is clear. */
static G_NORETURN void raise_restored(X86CPU *cpu, int vector, uint32_t error,
                                      uint64_t rip, bool is_int)
{
    int actual = is_int ? vector : escalate(cpu, vector);

    cpu->cs.exception_index = actual;
    cpu->error_code = actual == vector ? error : 0;
    cpu->excp_is_int = is_int;
    cpu->excp_next_rip = rip;
    cpu_loop_exit(&cpu->cs);
}

void x86_raise_error(X86CPU *cpu, int vector, uint32_t error)
{
    tcg_restore_state(&cpu->cs);
    raise_restored(cpu, vector, error, cpu->rip, false);
}

void x86_raise(X86CPU *cpu, int vector)
{
    x86_raise_error(cpu, vector, 0);
}

void x86_raise_at(X86CPU *cpu, int vector, uint64_t rip, bool is_int)
{
    tcg_restore_state(&cpu->cs);
    raise_restored(cpu, vector, 0, rip, is_int);
}

/* A debug exception says in DR6 which breakpoints it met; its other bits stay
 * until software clears them: SDM vol. 3B, 18.2.3 "Debug Status Register
 * (DR6)". */
static void report_debug(X86CPU *cpu, uint32_t dr6_bits)
{
    cpu->dr[6] = (cpu->dr[6] & ~(uint64_t)DR6_B) | dr6_bits;
    cpu->debugctl &= ~DEBUGCTL_BTF; /* each #DB does that: 18.4.3 */
}

void x86_raise_debug_fault(X86CPU *cpu, uint32_t dr6_bits)
{
    report_debug(cpu, dr6_bits);
    if (dr6_bits & DR6_BD) {
        /* Every fault but an instruction breakpoint's pushes RF set: SDM vol.
         * 3B, 18.3.1.1 "Instruction-Breakpoint Exception Condition". */
        cpu->eflags |= EFLAGS_RF;
    }
    x86_raise(cpu, EXCP_DB);
}

void x86_raise_debug_trap(X86CPU *cpu, uint32_t dr6_bits)
{
    report_debug(cpu, dr6_bits | cpu->watch_hits | cpu->watch_held);
    cpu->watch_hits = cpu->watch_held = 0;
    cpu->cs.host_pc = 0; /* rip is that of the next instruction: keep it */
    raise_restored(cpu, EXCP_DB, 0, cpu->rip, false);
}

void helper_raise(X86CPU *cpu, uint64_t vector)
{
    x86_raise(cpu, vector);
}

void helper_raise_error0(X86CPU *cpu, uint64_t vector)
{
    x86_raise_error(cpu, vector, 0);
}

/* SDM vol. 3B, 18.4.3 "Single-Stepping on Branches". */
void helper_single_step(X86CPU *cpu, uint64_t next)
{
    if (!(cpu->debugctl & DEBUGCTL_BTF) || cpu->rip != next) {
        x86_raise_debug_trap(cpu, DR6_BS);
    }
}

void helper_int3(X86CPU *cpu, uint64_t next)
{
    x86_raise_at(cpu, EXCP_BP, next, true);
}

void helper_into(X86CPU *cpu, uint64_t next)
{
    x86_raise_at(cpu, EXCP_OF, next, true);
}

/* INT1 is no software interrupt: gate privilege is not checked.  Of its own it
 * reports nothing; a trap that MOV SS has held back comes with it. */
void helper_icebp(X86CPU *cpu, uint64_t next)
{
    cpu->debugctl &= ~DEBUGCTL_BTF;
    if (cpu->watch_held) {
        report_debug(cpu, cpu->watch_held);
        cpu->watch_held = 0;
    }
    x86_raise_at(cpu, EXCP_DB, next, false);
}

/* --- delivery --- */

static void log_event(X86CPU *cpu, const X86Event *ev)
{
    static unsigned count;
    const char *name = x86_exception_name(ev->vector);

    log_write("%6u: v=%02x e=%04x i=%d cpl=%u IP=%04x:%016" PRIx64
              " SP=%04x:%016" PRIx64 " %s=%016" PRIx64 " %s\n",
              __atomic_fetch_add(&count, 1, __ATOMIC_RELAXED), ev->vector,
              ev->error, ev->kind == EVENT_SOFTWARE,
              x86_cpl(cpu), cpu->segs[R_CS].selector, ev->return_rip,
              cpu->segs[R_SS].selector, cpu->regs[R_RSP],
              ev->vector == EXCP_PF ? "CR2" : "RAX",
              ev->vector == EXCP_PF ? cpu->cr2 : cpu->regs[R_RAX],
              ev->kind == EVENT_EXCEPTION && name ? name : "");
}

uint32_t event_eflags(X86CPU *cpu, const X86Event *ev)
{
    const uint32_t traps = BIT(EXCP_DB) | BIT(EXCP_BP) | BIT(EXCP_OF) |
                           BIT(EXCP_DF) | BIT(EXCP_MC);
    uint32_t flags = x86_get_eflags(cpu);

    if (ev->kind == EVENT_EXCEPTION && !(traps >> ev->vector & 1)) {
        flags |= EFLAGS_RF;
    }
    return flags;
}

void event_clear_flags(X86CPU *cpu, bool clear_if)
{
    cpu->eflags &= ~(EFLAGS_TF | EFLAGS_NT | EFLAGS_RF | EFLAGS_VM);
    if (clear_if) {
        cpu->eflags &= ~EFLAGS_IF;
    }
}

void deliver_8086(X86CPU *cpu, uint8_t vector, uint16_t return_ip,
                  vaddr table, uint16_t flags)
{
    uint32_t entry = cpu_load(&cpu->cs, (uint32_t)(table + 4 * vector),
                              MO_32 | x86_mmu_implicit(cpu));
    uint16_t sel = entry >> 16;
    X86Stack s;

    stack_open(&s, cpu);
    stack_push(&s, MO_16, flags);
    stack_push(&s, MO_16, cpu->segs[R_CS].selector);
    stack_push(&s, MO_16, return_ip);
    stack_commit(&s);
    if (cpu->hflags & HF_VM) {
        seg_set_vm86(cpu, R_CS, sel);
    } else {
        seg_set_real(cpu, R_CS, sel);
    }
    cpu->rip = entry & 0xffff;
}

static void deliver_real(X86CPU *cpu, const X86Event *ev)
{
    if (4 * ev->vector + 3 > cpu->idt.limit) {
        x86_raise_error(cpu, EXCP_GP, ev->vector * 8 + 2 + event_ext(ev));
    }
    deliver_8086(cpu, ev->vector, ev->return_rip, cpu->idt.base,
                 event_eflags(cpu, ev));
    cpu->eflags &= ~(EFLAGS_TF | EFLAGS_IF | EFLAGS_RF | EFLAGS_AC);
    x86_update_hflags(cpu);
}

void x86_deliver_event(X86CPU *cpu, const X86Event *ev)
{
    if (log_enabled(LOG_INT)) {
        log_event(cpu, ev);
    }
    cpu->hflags &= ~(HF_SHADOW | HF_SS_SHADOW);
    if (!(cpu->hflags & HF_PE)) {
        deliver_real(cpu, ev);
    } else if (x86_is_long(cpu)) {
        deliver_long(cpu, ev);
    } else {
        deliver_protected(cpu, ev);
    }
}

void x86_deliver_exception(X86CPU *cpu)
{
    int vector = cpu->cs.exception_index;
    X86Event ev = {
        .vector = vector,
        .kind = cpu->excp_is_int ? EVENT_SOFTWARE : EVENT_EXCEPTION,
        .return_rip = cpu->excp_next_rip,
    };

    ev.has_error = ev.kind == EVENT_EXCEPTION && vector < 32 &&
                   (EXCP_WITH_ERROR >> vector & 1);
    if (ev.has_error) {
        ev.error = cpu->error_code;
    }
    cpu->cs.exception_index = -1;
    cpu->watch_hits = 0; /* the instruction has not been completed */
    /* INT 14 is no page fault: a fault of its delivery stands alone. */
    cpu->old_exception = cpu->excp_is_int ? -1 : vector;
    x86_deliver_event(cpu, &ev);
    cpu->old_exception = -1;
    if (vector == EXCP_DB && ev.kind == EVENT_EXCEPTION) {
        cpu->dr[7] &= ~(uint64_t)BIT(13); /* GD: vol. 3B, 18.2.4 */
        x86_update_hflags(cpu);
    }
}
