/* SPDX-License-Identifier: MIT */
/*
 * The threads of vCPUs: how they start, wait, pause and end.  What a thread does
 * with its vCPU is the accelerator's (exec/accel.h).
 * Locks: BQL.
 */
#include "exec/cpu.h"

#include <stdio.h>

#include "exec/accel.h"
#include "exec/bql.h"
#include "system/cpu_list.h"
#include "util/main-loop.h"

/* Set before the first vCPU and constant from then on. */
static const AccelOps *accel;
static bool single_thread;
static void (*unplug_handler)(CPUState *cpu);

static Thread *shared_thread; /* thread=single; BQL */
static int shared_thread_id;  /* BQL */
static Event shared_halt_event;
static bool ending; /* cpus_shutdown(); BQL */
/* With the BQL: `created` has changed, `stopped` is set. */
static Cond cpu_created = {PTHREAD_COND_INITIALIZER};
static Cond cpu_paused = {PTHREAD_COND_INITIALIZER};

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

/* --- one vCPU --- */

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
    cpu_list_insert(cpu);
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

/* The calling thread stands for @cpu meanwhile: the shared one for each. */
static void do_posted_work(CPUState *cpu)
{
    CPUState *outer = current_cpu;

    current_cpu = cpu;
    cpu_process_work(cpu);
    current_cpu = outer;
}

/* Take back the kick, then do what it may have been for. */
static void handle_requests(CPUState *cpu)
{
    /* A read-modify-write: what is read from here on is not older than it. */
    __atomic_exchange_n(&cpu->exit_request, 0, __ATOMIC_SEQ_CST);
    thread_beat();
    cpu_reset_interrupt(cpu, CPU_INTERRUPT_EXIT);
    if (cpu->stop) {
        cpu->stop = false;
        cpu->stopped = true;
        cond_broadcast(&cpu_paused);
    }
    do_posted_work(cpu);
}

/* Nobody is to wait for this vCPU any more: who pauses the machine skips it,
 * and work for it runs on the thread that asks.  The last look at the work and
 * what follows are one step under the BQL, so that no run_on_cpu() gets in
 * between.
 */
static void vcpu_end(CPUState *cpu)
{
    do_posted_work(cpu);
    cpu->created = false;
    cpu->stop = false;
    cpu->stopped = true;
    if (!ending) {
        cpu_list_remove(cpu);
    }
    cond_broadcast(&cpu_created);
    cond_broadcast(&cpu_paused);
}

/* thread=single: the shared thread goes on without it. */
static void let_go(CPUState *cpu)
{
    vcpu_end(cpu);
    if (current_cpu == cpu) {
        current_cpu = cpu_list;
    }
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
        if (cpu->unplug && !ending) {
            let_go(cpu); /* freed by the main loop, with the BQL: not yet */
        } else {
            busy |= !cpu_thread_is_idle(cpu);
        }
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

static void *cpu_thread(void *opaque)
{
    CPUState *cpu = opaque;

    bql_lock();
    current_cpu = cpu;
    thread_begin(cpu);
    accel->run(cpu);
    thread_set_watched(false);
    vcpu_end(cpu);
    current_cpu = NULL;
    bql_unlock();
    return NULL;
}

static void *shared_cpu_thread(void *first)
{
    CPUState *cpu;

    bql_lock();
    current_cpu = first;
    shared_thread_id = thread_id();
    thread_begin(first);
    accel->run_all();
    thread_set_watched(false);
    CPU_FOREACH(cpu) {
        vcpu_end(cpu);
    }
    current_cpu = NULL;
    bql_unlock();
    return NULL;
}

/* One that was alone until now has had no reason to let others in. */
static void end_turn(void)
{
    CPUState *cpu;

    CPU_FOREACH(cpu) {
        cpu_kick(cpu);
    }
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
        cpu->thread_id = shared_thread_id;
        cpu->created = true;
        end_turn();
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

void cpu_resume(CPUState *cpu)
{
    bql_assert_held();
    cpu->stop = false;
    cpu->stopped = false;
    cpu_kick(cpu);
}

void cpus_resume_all(void)
{
    CPUState *cpu;

    bql_assert_held();
    CPU_FOREACH(cpu) {
        if (!cpu->debug.held) {
            cpu_resume(cpu);
        }
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
    ending = true;
    CPU_FOREACH(cpu) {
        cpu->unplug = true;
        cpu_kick(cpu);
    }
    CPU_FOREACH(cpu) {
        join_thread(&cpu->thread);
    }
    join_thread(&shared_thread);
}

/* --- taking one away; main loop --- */

void cpus_set_unplug_handler(void (*fn)(CPUState *cpu))
{
    unplug_handler = fn;
}

void cpu_unplug(CPUState *cpu)
{
    bql_assert_held();
    g_assert(main_loop_is_current_thread() && !current_cpu && !ending);
    g_assert(cpu != cpu_list && !cpu->unplug && cpu->ops->free);
    cpu->unplug = true;
    if (cpu->created) {
        cpu_kick(cpu);
        while (cpu->created) {
            bql_cond_wait(&cpu_created);
        }
        join_thread(&cpu->thread);
    } else {
        vcpu_end(cpu);
    }
    if (unplug_handler) {
        unplug_handler(cpu);
    }
}

/* One that waits for its grace period, and then for the main loop. */
typedef struct Release {
    CPUState *cpu;
    BottomHalf *bh;
    struct rcu_head rcu;
} Release;

static void free_vcpu(void *opaque)
{
    Release *r = opaque;
    CPUState *cpu = r->cpu;

    do_posted_work(cpu);
    if (accel->free_vcpu) {
        accel->free_vcpu(cpu);
    }
    if (!single_thread) {
        g_free(cpu->halt_event);
    }
    mutex_destroy(&cpu->work_lock);
    cpu->ops->free(cpu);
    bh_delete(r->bh);
    g_free(r);
}

/* The work wants the BQL, and may wait for vCPUs: not on this thread. */
static void vcpu_unreachable(struct rcu_head *head)
{
    bh_schedule(container_of(head, Release, rcu)->bh);
}

void cpu_release(CPUState *cpu)
{
    Release *r = g_new0(Release, 1);

    bql_assert_held();
    g_assert(cpu->unplug && !cpu->created);
    r->cpu = cpu;
    r->bh = bh_new(free_vcpu, r);
    rcu_call(&r->rcu, vcpu_unreachable);
}
