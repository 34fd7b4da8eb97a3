/* SPDX-License-Identifier: MIT */
/*
 * The list of vCPUs, their threads, and how they are kicked, halted, paused and
 * ended.  What a thread does with its vCPU is the accelerator's (exec/accel.h).
 * Locks: BQL for everything but the requests of "any thread" in exec/cpu.h.
 */
#include "exec/cpu.h"

#include <stdio.h>

#include "exec/accel.h"
#include "exec/bql.h"

__thread CPUState *current_cpu;
CPUState *cpu_list;

/* Set before the first vCPU and constant from then on. */
static const AccelOps *accel;
static bool single_thread;
static Thread *shared_thread; /* thread=single; BQL */
static Event shared_halt_event;
static Cond cpu_created = {PTHREAD_COND_INITIALIZER}; /* with the BQL */
static Cond cpu_paused = {PTHREAD_COND_INITIALIZER};  /* with the BQL */

void cpus_set_accel(const AccelOps *ops, bool single)
{
    g_assert(!cpu_list);
    accel = ops;
    single_thread = single;
    event_init(&shared_halt_event, false);
}

bool cpus_single_thread(void)
{
    return single_thread;
}

/* --- the list --- */

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
            return cpu; /* vCPUs are never freed */
        }
    }
    return NULL;
}

/* The list grows only, and a vCPU is linked when it is filled in: readers need
 * no more than the order that rcu_assign_pointer() gives. */
static void list_insert(CPUState *cpu)
{
    CPUState **link = &cpu_list;

    while (*link && (*link)->index < cpu->index) {
        link = &(*link)->next;
    }
    cpu->next = *link;
    rcu_assign_pointer(*link, cpu);
}

void cpu_common_init(CPUState *cpu, const CPUOps *ops, unsigned index)
{
    bql_assert_held();
    g_assert(accel);
    cpu->ops = ops;
    cpu->index = index;
    cpu->exception_index = -1;
    cpu->cflags_next_tb = (uint32_t)-1;
    cpu->stopped = true; /* until cpus_resume_all() */
    mutex_init(&cpu->work_lock, "vCPU work");
    g_queue_init(&cpu->work);
    if (single_thread) {
        cpu->halt_event = &shared_halt_event;
    } else {
        cpu->halt_event = g_new(Event, 1);
        event_init(cpu->halt_event, false);
    }
    if (accel->init_vcpu) {
        accel->init_vcpu(cpu);
    }
    list_insert(cpu);
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

/* --- between runs; the vCPU's own thread --- */

bool cpu_can_run(CPUState *cpu)
{
    return !cpu->stop && !cpu->stopped;
}

bool cpu_thread_is_idle(CPUState *cpu)
{
    bql_assert_held();
    if (cpu->stop || cpu->unplug || cpu_has_posted_work(cpu)) {
        return false; /* even a stopped one has to see to these */
    }
    if (cpu->stopped) {
        return true;
    }
    return __atomic_load_n(&cpu->halted, __ATOMIC_SEQ_CST) &&
           !cpu->ops->has_work(cpu);
}

/* Take back the kick, then do what it may have been for. */
static void handle_requests(CPUState *cpu)
{
    CPUState *outer = current_cpu;

    /* A read-modify-write: what is read from here on is not older than it. */
    __atomic_exchange_n(&cpu->exit_request, 0, __ATOMIC_SEQ_CST);
    thread_beat();
    cpu_reset_interrupt(cpu, CPU_INTERRUPT_EXIT);
    if (cpu->stop) {
        cpu->stop = false;
        cpu->stopped = true;
        cond_broadcast(&cpu_paused);
    }
    current_cpu = cpu; /* thread=single: of the many */
    cpu_process_work(cpu);
    current_cpu = outer;
}

/* One round over the vCPUs of this thread: all of them in thread=single, as the
 * event that woke it does not say for whom; true when any can go on. */
static bool handle_thread_requests(CPUState *cpu)
{
    bool busy = false;

    if (!single_thread) {
        handle_requests(cpu);
        return !cpu_thread_is_idle(cpu);
    }
    CPU_FOREACH(cpu) {
        handle_requests(cpu);
        busy |= !cpu_thread_is_idle(cpu);
    }
    return busy;
}

void cpu_wait_io_event(CPUState *cpu)
{
    Event *event = cpu->halt_event;

    bql_assert_held();
    for (;;) {
        /* Before the look: what comes after it sets the event again. */
        event_reset(event);
        if (handle_thread_requests(cpu)) {
            return;
        }
        g_assert(!rcu_read_ongoing()); /* a sleeper would hold RCU up */
        if (accel->sleeps) {
            accel->sleeps();
        }
        thread_set_idle(true);
        bql_unlock();
        event_wait(event);
        thread_set_idle(false);
        bql_lock();
    }
}

/* --- threads --- */

static void thread_begin(CPUState *cpu)
{
    cpu->thread_id = thread_id();
    cpu->created = true;
    thread_set_watched(true);
    cond_broadcast(&cpu_created);
}

/* Nobody is to wait for this vCPU any more: who pauses the machine skips it,
 * and work for it runs on the thread that asks. */
static void thread_end(CPUState *cpu)
{
    thread_set_watched(false);
    cpu->created = false;
    cpu->stop = false;
    cpu->stopped = true;
    cond_broadcast(&cpu_paused);
    cpu_process_work(cpu);
}

static void *cpu_thread(void *opaque)
{
    CPUState *cpu = opaque;

    bql_lock();
    current_cpu = cpu;
    thread_begin(cpu);
    accel->run(cpu);
    thread_end(cpu);
    current_cpu = NULL;
    bql_unlock();
    return NULL;
}

static void *shared_cpu_thread(void *first)
{
    CPUState *cpu;

    bql_lock();
    current_cpu = first;
    thread_begin(first);
    accel->run_all();
    CPU_FOREACH(cpu) {
        thread_end(cpu);
    }
    current_cpu = NULL;
    bql_unlock();
    return NULL;
}

void cpu_start_thread(CPUState *cpu)
{
    char name[16];

    bql_assert_held();
    if (!single_thread) {
        snprintf(name, sizeof(name), "CPU %u/%s", cpu->index, accel->name);
        cpu->thread = thread_create(name, cpu_thread, cpu);
    } else if (!shared_thread) {
        snprintf(name, sizeof(name), "ALL CPUs/%s", accel->name);
        shared_thread = thread_create(name, shared_cpu_thread, cpu);
    } else { /* the shared thread finds it in the list */
        cpu->thread_id = cpu_list->thread_id;
        cpu->created = true;
    }
    while (!cpu->created) {
        bql_cond_wait(&cpu_created);
    }
}

/* --- the whole machine --- */

/* Those of its thread stop with it: where they do must not depend on when the
 * main loop gets to what it stops for. */
void cpu_stop_current(void)
{
    CPUState *cpu;

    if (!current_cpu) {
        return;
    }
    BQL_GUARD();
    CPU_FOREACH(cpu) {
        if (cpu == current_cpu || single_thread) {
            cpu->stop = true;
            cpu_kick(cpu);
        }
    }
}

/* Ask every vCPU that still runs to stop; true when there is none. */
static bool request_pause(void)
{
    bool all = true;
    CPUState *cpu;

    CPU_FOREACH(cpu) {
        if (cpu->stopped || !cpu->created) {
            continue;
        }
        if (cpu == current_cpu || (current_cpu && single_thread)) {
            /* It is in this call, and will see that when it comes out. */
            cpu->stop = false;
            cpu->stopped = true;
            cpu_kick(cpu);
            continue;
        }
        cpu->stop = true;
        cpu_kick(cpu);
        all = false;
    }
    return all;
}

void cpus_pause_all(void)
{
    bql_assert_held();
    /* Asked again after each wake-up: somebody may have resumed them. */
    while (!request_pause()) {
        bql_cond_wait(&cpu_paused);
    }
}

void cpus_resume_all(void)
{
    CPUState *cpu;

    bql_assert_held();
    CPU_FOREACH(cpu) {
        if (cpu->debug.held) {
            continue;
        }
        cpu->stop = false;
        cpu->stopped = false;
        cpu_kick(cpu);
    }
    cond_broadcast(&cpu_paused);
}

bool cpus_unplugged(void)
{
    CPUState *cpu;

    bql_assert_held();
    CPU_FOREACH(cpu) {
        if (!cpu->unplug) {
            return false;
        }
    }
    return true;
}

/* Join with the BQL dropped: the thread needs it to come to its end. */
static void join_thread(Thread **thread)
{
    Thread *t = g_steal_pointer(thread);

    if (t) {
        bql_unlock();
        thread_join(t);
        bql_lock();
    }
}

void cpus_shutdown(void)
{
    CPUState *cpu;

    bql_assert_held();
    g_assert(!current_cpu); /* a thread cannot join itself */
    CPU_FOREACH(cpu) {
        cpu->unplug = true;
        cpu_kick(cpu);
    }
    CPU_FOREACH(cpu) {
        join_thread(&cpu->thread);
    }
    join_thread(&shared_thread);
}
