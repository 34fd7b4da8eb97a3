/* SPDX-License-Identifier: MIT */
/*
 * How an event reaches its handler.  A fault is raised (x86_raise and
 * relatives), which leaves by longjmp; the exec loop then calls
 * x86_deliver_exception.  While that runs X86CPU.old_exception holds the
 * vector, so that a fault raised by the delivery can become a double fault.
 */
#ifndef HEDDLE_TARGET_I386_EXCP_H
#define HEDDLE_TARGET_I386_EXCP_H

#include "target/i386/cpu.h"

typedef enum X86EventKind {
    EVENT_EXCEPTION, /* found by the processor; INT1 */
    EVENT_SOFTWARE,  /* INT n, INT3, INTO: a gate's DPL is checked */
    EVENT_EXTERNAL,  /* INTR and NMI */
} X86EventKind;

typedef struct X86Event {
    uint8_t vector;
    X86EventKind kind;
    bool has_error;
    uint32_t error;
    uint64_t return_rip; /* what is pushed */
} X86Event;

/* Bit 0 of error codes that come from delivering @ev: SDM vol. 3A, 6.13
 * "Error Code".  Software interrupts have it clear. */
static inline uint32_t event_ext(const X86Event *ev)
{
    return ev->kind != EVENT_SOFTWARE;
}

/* Go to the handler by the rules of the current mode. */
void x86_deliver_event(X86CPU *cpu, const X86Event *ev);

/* The flags image to push: RF is set for faults (SDM vol. 3B, 18.3.1.1). */
uint32_t event_eflags(X86CPU *cpu, const X86Event *ev);
/* Clear what every handler starts without; IF too if @clear_if. */
void event_clear_flags(X86CPU *cpu, bool clear_if);

/* One mode each; excp_prot.c and excp_long.c. */
void deliver_protected(X86CPU *cpu, const X86Event *ev);
void deliver_long(X86CPU *cpu, const X86Event *ev);
/* Push @flags and CS:@return_ip, then jump through entry @vector of the
 * real-mode table at @table: the IDT's, or 0 for the redirected interrupts of
 * virtual-8086 mode.  EFLAGS is the caller's to change.  Faults: #SS, #PF. */
void deliver_8086(X86CPU *cpu, uint8_t vector, uint16_t return_ip,
                  vaddr table, uint16_t flags);

/* Raise an exception whose return address is @rip, or a software interrupt:
 * the state is that of the instruction's start, should delivery fault. */
G_NORETURN void x86_raise_at(X86CPU *cpu, int vector, uint64_t rip,
                             bool is_int);
/* #DB with @dr6_bits (DR6_*) as its cause.  A fault is reported at the
 * instruction that runs; a trap at X86CPU.rip, which is exact by then. */
#define DR6_B  0xfu /* B0 to B3 */
#define DR6_BD BIT(13)
#define DR6_BS BIT(14)
#define DR6_BT BIT(15)
G_NORETURN void x86_raise_debug_fault(X86CPU *cpu, uint32_t dr6_bits);
G_NORETURN void x86_raise_debug_trap(X86CPU *cpu, uint32_t dr6_bits);

/* A task switch: the breakpoints that DR7 enables for one task. */
void x86_clear_local_breakpoints(X86CPU *cpu);
/* The fetch of the instruction at X86CPU.rip is about to fault: a breakpoint
 * there comes first. */
void x86_breakpoint_before_fetch(X86CPU *cpu);
/* An access to a port is about to happen: I/O breakpoints. */
void x86_watch_io(X86CPU *cpu, uint16_t port, unsigned bytes);

static inline G_NORETURN void x86_raise_gp0(X86CPU *cpu)
{
    x86_raise_error(cpu, EXCP_GP, 0);
}

/* Name of an exception for the log ("#PF"), or NULL. */
const char *x86_exception_name(unsigned vector);

#endif
