/* SPDX-License-Identifier: MIT */
/* The list of all vCPUs, and the requests that any thread may make of one. */
#include "system/cpu_list.h"

#include "exec/bql.h"

__thread CPUState *current_cpu;
CPUState *cpu_list;

/* RCU waits for these: whoever is in translated code is a reader.  The others
 * leave their read sections by themselves. */
static void kick_readers(void)
{
    CPUState *cpu;
    RCU_READ_GUARD();

    CPU_FOREACH(cpu) {
        if (__atomic_load_n(&cpu->running, __ATOMIC_SEQ_CST)) {
            cpu_kick(cpu);
        }
    }
}

void cpu_list_init(void)
{
    rcu_set_kick(kick_readers);
}

CPUState *cpu_get(unsigned index)
{
    CPUState *cpu;
    RCU_READ_GUARD();

    CPU_FOREACH(cpu) {
        if (cpu->index == index) {
            return cpu; /* the caller keeps it alive */
        }
    }
    return NULL;
}

CPUState *cpu_from(unsigned index)
{
    CPUState *cpu;

    bql_assert_held();
    CPU_FOREACH (cpu) {
        if (cpu->index >= index) {
            return cpu;
        }
    }
    return cpu_list;
}

/* A vCPU is linked when it is filled in, and one that is unlinked still leads
 * to the rest of the list: readers need no more than the order that
 * rcu_assign_pointer() gives. */
void cpu_list_insert(CPUState *cpu)
{
    CPUState **link = &cpu_list;

    while (*link && (*link)->index < cpu->index) {
        link = &(*link)->next;
    }
    g_assert(!*link || (*link)->index != cpu->index);
    cpu->next = *link;
    rcu_assign_pointer(*link, cpu);
}

void cpu_list_remove(CPUState *cpu)
{
    CPUState **link = &cpu_list;

    g_assert(!cpu->running && !cpu->has_waiter);
    while (*link != cpu) {
        link = &(*link)->next;
    }
    rcu_assign_pointer(*link, cpu->next);
}

/*
 * --- requests; any thread ---
 * The order of the three stores is the contract that exec/cpu.h states: the
 * request, exit_request for a vCPU in the code, the event for one that sleeps.
 */

void cpu_exit(CPUState *cpu)
{
    __atomic_store_n(&cpu->exit_request, 1, __ATOMIC_SEQ_CST);
}

void cpu_interrupt(CPUState *cpu, uint32_t mask)
{
    __atomic_fetch_or(&cpu->interrupt_request, mask, __ATOMIC_SEQ_CST);
    cpu_exit(cpu);
    event_set(cpu->halt_event);
}

void cpu_reset_interrupt(CPUState *cpu, uint32_t mask)
{
    __atomic_fetch_and(&cpu->interrupt_request, ~mask, __ATOMIC_SEQ_CST);
}

void cpu_kick(CPUState *cpu)
{
    cpu_interrupt(cpu, CPU_INTERRUPT_EXIT);
}
