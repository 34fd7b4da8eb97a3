/* SPDX-License-Identifier: MIT */
/* Work posted to vCPUs, in the order in which it was posted. */
#include "exec/cpu.h"

#include "exec/accel.h"
#include "exec/bql.h"

typedef struct CPUWork {
    CPUWorkFunc *fn;
    void *opaque;
    bool exclusive;
    bool *posted; /* cleared when it is taken; work_lock; or NULL */
    bool *done; /* set under the BQL for a waiter, or NULL */
} CPUWork;

static Cond work_done = {PTHREAD_COND_INITIALIZER}; /* with the BQL */

/* Who posted the same before kicks for both. */
static void post(CPUState *cpu, const CPUWork *work)
{
    bool due;

    mutex_lock(&cpu->work_lock);
    due = work->posted && *work->posted;
    if (!due) {
        g_queue_push_tail(&cpu->work, g_memdup2(work, sizeof(*work)));
    }
    if (work->posted) {
        *work->posted = true;
    }
    mutex_unlock(&cpu->work_lock);
    if (!due) {
        cpu_kick(cpu);
    }
}

static CPUWork *take(CPUState *cpu)
{
    CPUWork *work;

    mutex_lock(&cpu->work_lock);
    work = g_queue_pop_head(&cpu->work);
    if (work && work->posted) {
        *work->posted = false;
    }
    mutex_unlock(&cpu->work_lock);
    return work;
}

bool cpu_has_posted_work(CPUState *cpu)
{
    bool has;

    mutex_lock(&cpu->work_lock);
    has = !g_queue_is_empty(&cpu->work);
    mutex_unlock(&cpu->work_lock);
    return has;
}

/* Does the calling thread run @cpu's code? */
static bool is_own_thread(const CPUState *cpu)
{
    return cpus_single_thread() ? current_cpu != NULL : current_cpu == cpu;
}

void run_on_cpu(CPUState *cpu, CPUWorkFunc *fn, void *opaque)
{
    bool done = false;
    CPUWork work = {.fn = fn, .opaque = opaque, .done = &done};

    bql_assert_held();
    if (is_own_thread(cpu) || !cpu->created) {
        fn(cpu, opaque);
        return;
    }
    post(cpu, &work);
    while (!done) {
        bql_cond_wait(&work_done);
    }
}

void async_run_on_cpu(CPUState *cpu, CPUWorkFunc *fn, void *opaque)
{
    post(cpu, &(CPUWork){.fn = fn, .opaque = opaque});
}

void async_run_on_cpu_once(CPUState *cpu, bool *posted, CPUWorkFunc *fn,
                           void *opaque)
{
    post(cpu, &(CPUWork){ .fn = fn, .opaque = opaque, .posted = posted });
}

void async_safe_run_on_cpu(CPUState *cpu, CPUWorkFunc *fn, void *opaque)
{
    post(cpu, &(CPUWork){.fn = fn, .opaque = opaque, .exclusive = true});
}

static void run_exclusive(CPUState *cpu, const CPUWork *work)
{
    bql_unlock(); /* or a vCPU in the code might wait for it for ever */
    start_exclusive();
    work->fn(cpu, work->opaque);
    end_exclusive();
    bql_lock();
}

void cpu_process_work(CPUState *cpu)
{
    CPUWork *work;

    bql_assert_held();
    while ((work = take(cpu))) {
        if (work->exclusive) {
            run_exclusive(cpu, work);
        } else {
            work->fn(cpu, work->opaque);
        }
        if (work->done) {
            *work->done = true;
            cond_broadcast(&work_done);
        }
        g_free(work);
    }
}
