/* SPDX-License-Identifier: MIT */
#include "fake_cpu.h"

#include <sched.h>

#include "exec/accel.h"
#include "exec/bql.h"
#include "util/main-loop.h"

FakeCPU fake_cpu[FAKE_CPUS];
unsigned fake_cpus_freed;

static FakeCPU *fake(CPUState *cpu)
{
    return container_of(cpu, FakeCPU, cpu);
}

static void fake_reset(CPUState *cpu)
{
    fake(cpu)->resets++;
}

static uint32_t pending_interrupts(CPUState *cpu)
{
    return __atomic_load_n(&cpu->interrupt_request, __ATOMIC_SEQ_CST) &
           ~(uint32_t)CPU_INTERRUPT_EXIT;
}

static bool fake_has_work(CPUState *cpu)
{
    return pending_interrupts(cpu) != 0;
}

static void take_interrupts(CPUState *cpu)
{
    uint32_t bits = pending_interrupts(cpu);

    if (bits) {
        cpu_reset_interrupt(cpu, bits);
        __atomic_fetch_or(&fake(cpu)->seen, bits, __ATOMIC_SEQ_CST);
        __atomic_store_n(&cpu->halted, 0, __ATOMIC_SEQ_CST);
    }
}

static CPUExit fake_exec(CPUState *cpu)
{
    FakeCPU *f = fake(cpu);

    take_interrupts(cpu);
    if (__atomic_load_n(&f->halt, __ATOMIC_SEQ_CST)) {
        __atomic_store_n(&cpu->halted, 1, __ATOMIC_SEQ_CST);
        return CPU_EXIT_HLT;
    }
    rcu_read_lock();
    cpu_exec_start(cpu);
    do {
        __atomic_fetch_add(&f->rounds, 1, __ATOMIC_SEQ_CST);
        if (f->in_code) {
            f->in_code(f);
        }
    } while (!__atomic_load_n(&cpu->exit_request, __ATOMIC_SEQ_CST));
    cpu_exec_end(cpu);
    rcu_read_unlock();
    return CPU_EXIT_INTERRUPT;
}

static void fake_free(CPUState *cpu)
{
    g_free(fake(cpu));
    fake_cpus_freed++;
}

static const CPUOps fake_ops = {
    .reset = fake_reset,
    .has_work = fake_has_work,
    .exec = fake_exec,
    .free = fake_free,
};

static void run_once(CPUState *cpu)
{
    if (cpu_can_run(cpu)) {
        bql_unlock();
        cpu->ops->exec(cpu);
        rcu_throttle();
        bql_lock();
    }
}

static void fake_run(CPUState *cpu)
{
    while (!cpu->unplug) {
        run_once(cpu);
        cpu_wait_io_event(cpu);
    }
}

/* A turn ends at once, as there is no timer here to end it. */
static void fake_run_all(void)
{
    CPUState *cpu;

    while (!cpus_unplugged()) {
        CPU_FOREACH(cpu) {
            current_cpu = cpu;
            cpu_exit(cpu);
            run_once(cpu);
        }
        cpu_wait_io_event(cpu_list);
    }
}

static const AccelOps fake_accel = {
    .name = "FAKE", .run = fake_run, .run_all = fake_run_all};

static void lock(void)
{
    bql_lock();
}

void fake_cpus_start(bool single_thread)
{
    bql_init();
    main_loop_init(lock, bql_unlock);
    bql_lock();
    cpu_list_init();
    cpus_set_accel(&fake_accel, single_thread);
    for (unsigned i = 0; i < FAKE_CPUS; i++) {
        cpu_common_init(&fake_cpu[i].cpu, &fake_ops, i);
        cpu_start_thread(&fake_cpu[i].cpu);
    }
}

CPUState *fake_cpu_add(unsigned index, bool start)
{
    FakeCPU *f = g_new0(FakeCPU, 1);

    f->in_code = fake_cpu[0].in_code;
    cpu_common_init(&f->cpu, &fake_ops, index);
    if (start) {
        cpu_start_thread(&f->cpu);
        cpu_resume(&f->cpu);
    }
    return &f->cpu;
}

uint64_t fake_cpu_rounds(unsigned index)
{
    return __atomic_load_n(&fake_cpu[index].rounds, __ATOMIC_SEQ_CST);
}

void fake_cpus_wait_rounds(void)
{
    uint64_t before[FAKE_CPUS];

    for (unsigned i = 0; i < FAKE_CPUS; i++) {
        before[i] = fake_cpu_rounds(i);
    }
    bql_unlock();
    for (unsigned i = 0; i < FAKE_CPUS; i++) {
        while (fake_cpu_rounds(i) == before[i]) {
            sched_yield();
        }
    }
    bql_lock();
}
