/* SPDX-License-Identifier: MIT */
/*
 * Exclusive sections: one thread runs while no vCPU is in translated code.
 *
 * Each vCPU says `running` around its code, and the one who wants to be alone
 * says `pending`; each writes its own word and then reads the other's, with
 * sequential consistency, so at least one of them sees the other:
 *
 *     cpu_exec_start           start_exclusive
 *     running = true           pending = 1
 *     read pending             read running
 *
 * Who is seen running is counted in `pending`, and counts itself out when it
 * leaves (has_waiter).  Who sees `pending` without having been counted waits
 * outside.
 */
#include "exec/cpu.h"

#include "exec/bql.h"
#include "exec/hold.h"

static Mutex lock = {.lock = PTHREAD_MUTEX_INITIALIZER, .name = "exclusive"};
static Cond alone = {PTHREAD_COND_INITIALIZER};   /* pending fell to 1 */
static Cond resumed = {PTHREAD_COND_INITIALIZER}; /* pending fell to 0 */
/* 0: nobody wants to be alone.  Else 1 and the vCPUs that are still in the
 * code.  Written under `lock`, read by anyone; has_waiter is under it too. */
static unsigned pending;

/* Who has the section, for those who tell who waits for whom. */
static Mutex section = { .name = "exclusive section" };

static __thread unsigned exclusive_depth;

static unsigned pending_load(void)
{
    return __atomic_load_n(&pending, __ATOMIC_SEQ_CST);
}

static void pending_store(unsigned n)
{
    __atomic_store_n(&pending, n, __ATOMIC_SEQ_CST);
}

static void running_store(CPUState *cpu, bool running)
{
    __atomic_store_n(&cpu->running, running, __ATOMIC_SEQ_CST);
}

/* Kick every vCPU that is in the code; returns how many there are. */
static unsigned kick_running_cpus(void)
{
    unsigned n = 0;
    CPUState *cpu;
    RCU_READ_GUARD();

    CPU_FOREACH(cpu) {
        if (__atomic_load_n(&cpu->running, __ATOMIC_SEQ_CST)) {
            cpu->has_waiter = true;
            cpu_kick(cpu);
            n++;
        }
    }
    return n;
}

/* Locks: `lock`, dropped meanwhile. */
static void wait_for_end_of_section(void)
{
    if (!pending_load()) {
        return;
    }
    thread_wait_begin(&section, G_STRLOC);
    while (pending_load()) {
        cond_wait(&resumed, &lock);
    }
    thread_wait_end();
}

void start_exclusive_at(const char *where)
{
    if (exclusive_depth++) {
        return;
    }
    g_assert(!bql_locked()); /* a running vCPU may be waiting for it */
    g_assert(!current_cpu || !current_cpu->running);
    mutex_lock(&lock);
    wait_for_end_of_section();
    mutex_note_owner(&section, where);
    pending_store(1);
    pending_store(1 + kick_running_cpus());
    while (pending_load() > 1) {
        cond_wait(&alone, &lock);
    }
    mutex_unlock(&lock);
    hold_at(HOLD_EXCLUSIVE);
}

void end_exclusive(void)
{
    g_assert(exclusive_depth > 0);
    if (--exclusive_depth) {
        return;
    }
    mutex_lock(&lock);
    mutex_note_free(&section);
    pending_store(0);
    cond_broadcast(&resumed);
    mutex_unlock(&lock);
}

void cpu_exec_start(CPUState *cpu)
{
    g_assert(!bql_locked());
    running_store(cpu, true);
    if (likely(!pending_load())) {
        return;
    }
    mutex_lock(&lock);
    /* Counted already: go in, where the kick ends the visit at once. */
    if (!cpu->has_waiter && pending_load()) {
        running_store(cpu, false);
        wait_for_end_of_section();
        /* Under the lock nobody can begin a section. */
        running_store(cpu, true);
    }
    mutex_unlock(&lock);
}

void cpu_exec_end(CPUState *cpu)
{
    running_store(cpu, false);
    if (likely(!pending_load())) {
        return;
    }
    mutex_lock(&lock);
    if (cpu->has_waiter) {
        cpu->has_waiter = false;
        pending_store(pending_load() - 1);
        if (pending_load() == 1) {
            cond_signal(&alone);
        }
    }
    mutex_unlock(&lock);
}

bool cpu_in_exclusive(void)
{
    return exclusive_depth > 0;
}
