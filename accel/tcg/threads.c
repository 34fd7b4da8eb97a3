/* SPDX-License-Identifier: MIT */
/*
 * Bodies of the vCPU threads: thread=multi has one for each vCPU, thread=single
 * one that runs all of them in turn.
 *
 * Locks: BQL on entry; it is dropped around every run of the guest.
 */
#include "accel/tcg/internal.h"
#include "exec/accel.h"
#include "exec/hold.h"
#include "exec/ldst.h"
#include "system/runstate.h"
#include "util/timer.h"

/* How long one vCPU of thread=single runs before the next gets its turn. */
#define RR_SLICE_NS (10 * NS_PER_MS)

static void tcg_init_vcpu(CPUState *cpu)
{
    /* Code is made for so many. */
    g_assert(cpu->index < tcg_options.cpus);
    cpu->tcg = g_aligned_alloc0(1, sizeof(*cpu->tcg), 64);
    cpu->exception_index = -1;
    cpu->cflags_next_tb = UINT32_MAX;
    tlb_init(cpu);
}

/* Its chunk of the code buffer keeps the TBs, until the next flush. */
static void tcg_free_vcpu(CPUState *cpu)
{
    tcg_stats_keep(cpu);
    tlb_free(cpu);
    g_free(cpu->tcg->code_copy);
    g_aligned_free(cpu->tcg);
}

CPUExit tcg_run_cpu(CPUState *cpu)
{
    CPUExit why;

    bql_unlock();
    hold_at(HOLD_RCU);
    why = cpu->ops->exec(cpu);
    if (why == CPU_EXIT_ATOMIC) {
        tcg_cpu_exec_step_atomic(cpu);
    }
    rcu_throttle();
    bql_lock();
    if (why == CPU_EXIT_DEBUG) {
        system_debug_request();
    }
    return why;
}

static void tcg_run(CPUState *cpu)
{
    tcg_backend->thread_init(cpu);
    while (!cpu->unplug) {
        if (cpu_can_run(cpu)) {
            tcg_run_cpu(cpu);
        }
        cpu_wait_io_event(cpu);
    }
}

/* --- thread=single --- */

static Timer rr_timer;
static CPUState *rr_current; /* runs just now; atomic */

static void rr_next_turn(void *opaque)
{
    CPUState *cpu = __atomic_load_n(&rr_current, __ATOMIC_SEQ_CST);

    if (cpu) {
        cpu_kick(cpu);
    }
    timer_mod_ns(&rr_timer, clock_get_ns(CLOCK_TYPE_REALTIME) + RR_SLICE_NS);
}

/* Turns end while some vCPU runs; an idle machine needs no timer. */
static void rr_arm(void)
{
    if (cpu_list->next && !timer_pending(&rr_timer)) {
        rr_next_turn(NULL);
    }
}

static void rr_turn(CPUState *cpu)
{
    current_cpu = cpu;
    tcg_backend->thread_init(cpu);
    __atomic_store_n(&rr_current, cpu, __ATOMIC_SEQ_CST);
    tcg_run_cpu(cpu);
    __atomic_store_n(&rr_current, NULL, __ATOMIC_SEQ_CST);
}

/* One turn for each vCPU from @first on; the result is who comes after the last
 * that had one.  (All are stopped by the one that stops the machine: the others
 * still have their turns before it when that goes on.) */
static CPUState *rr_round(CPUState *first)
{
    CPUState *cpu = first, *next = first;

    do {
        CPUState *after = cpu->next ? cpu->next : cpu_list;

        if (cpu_can_run(cpu)) {
            rr_turn(cpu);
            next = after;
        }
        cpu = after;
    } while (cpu != first);
    return next;
}

static void tcg_run_all(void)
{
    unsigned next = 0;

    if (tcg_options.icount) {
        icount_run_all();
        return;
    }
    timer_init(&rr_timer, CLOCK_TYPE_REALTIME, rr_next_turn, NULL);
    while (!cpus_unplugged()) {
        rr_arm();
        next = rr_round(cpu_from(next))->index;
        timer_del(&rr_timer);
        cpu_wait_io_event(cpu_list);
    }
}

static void tcg_sleeps(void)
{
    if (tcg_options.icount) {
        icount_sleeps();
    }
}

static const AccelOps tcg_ops = {
    .name = "TCG",
    .run = tcg_run,
    .run_all = tcg_run_all,
    .sleeps = tcg_sleeps,
    .init_vcpu = tcg_init_vcpu,
    .free_vcpu = tcg_free_vcpu,
};

void tcg_threads_init(void)
{
    cpus_set_accel(&tcg_ops, tcg_options.single);
}
