/* SPDX-License-Identifier: MIT */
/* TLB flushes that other threads ask for: as often as they like, with one in
 * the queue, and none left out. */
#include "fake_cpu.h"

#include <sched.h>

#include "accel/tcg/internal.h"
#include "exec/ldst.h"

#define STORM 100000

static Event arrived, release;

static void stand_still(FakeCPU *f)
{
    f->in_code = NULL;
    event_set(&arrived);
    event_wait(&release);
}

static void count_flushes(CPUState *cpu, void *opaque)
{
    *(uint64_t *)opaque = cpu->tcg->stats.flushes[TLB_FLUSH_MAP];
}

static uint64_t flushes(unsigned index)
{
    uint64_t n;

    run_on_cpu(&fake_cpu[index].cpu, count_flushes, &n);
    return n;
}

static unsigned queued(CPUState *cpu)
{
    unsigned n;

    mutex_lock(&cpu->work_lock);
    n = g_queue_get_length(&cpu->work);
    mutex_unlock(&cpu->work_lock);
    return n;
}

/* A vCPU that does not come by has one flush to do, however many are due. */
static void test_held(void)
{
    CPUState *cpu = &fake_cpu[1].cpu;
    uint64_t before = flushes(1);

    event_init(&arrived, false);
    event_init(&release, false);
    cpus_pause_all();
    fake_cpu[1].in_code = stand_still;
    cpus_resume_all();
    bql_unlock();
    event_wait(&arrived);
    for (unsigned i = 0; i < STORM; i++) {
        tlb_flush_all_cpus(TLB_FLUSH_MAP);
    }
    g_assert_cmpuint(queued(cpu), <=, 1);
    event_set(&release);
    bql_lock();
    g_assert_cmpuint(flushes(1) - before, ==, STORM);
}

/* Those that run take them as they come. */
static void test_storm(void)
{
    unsigned most = 0;

    bql_unlock();
    for (unsigned i = 0; i < STORM; i++) {
        tlb_flush_all_cpus(TLB_FLUSH_MAP);
        most = MAX(most, queued(&fake_cpu[i % FAKE_CPUS].cpu));
    }
    bql_lock();
    g_assert_cmpuint(most, <=, 1);
}

/* What is asked for now is done after it was asked for. */
static void fill_entry(CPUState *cpu, void *unused)
{
    TLBBank *bank = cpu->tlb.current->bank[0];

    bank->entry[0].read = 0;
    bank->used[0] = 0;
    bank->nused = 1;
}

static void check_empty(CPUState *cpu, void *unused)
{
    g_assert_cmphex(cpu->tlb.current->bank[0]->entry[0].read, ==,
                    TLB_INVALID_TAG);
}

static void test_none_lost(void)
{
    for (unsigned i = 0; i < 100; i++) {
        CPUState *cpu = &fake_cpu[i % FAKE_CPUS].cpu;

        run_on_cpu(cpu, fill_entry, NULL);
        tlb_flush_all_cpus(TLB_FLUSH_MAP);
        run_on_cpu(cpu, check_empty, NULL);
    }
}

/* What is asked for while a flush is under way is one more. */
static void test_meanwhile(void)
{
    TcgCpu *tc = fake_cpu[1].cpu.tcg;
    uint64_t before = flushes(1);

    bql_unlock();
    pthread_mutex_lock(&tc->tlb_lock);
    tlb_flush_all_cpus(TLB_FLUSH_MAP);
    while (__atomic_load_n(&tc->flush_asked[TLB_FLUSH_MAP], __ATOMIC_RELAXED)) {
        sched_yield(); /* until it has begun, and wants the lock */
    }
    tlb_flush_all_cpus(TLB_FLUSH_MAP);
    pthread_mutex_unlock(&tc->tlb_lock);
    bql_lock();
    g_assert_cmpuint(flushes(1) - before, ==, 2);
}

/* Two reasons are two flushes, and each is counted. */
static void test_causes(void)
{
    uint64_t before = flushes(0), debug, after;

    cpus_pause_all();
    tlb_flush_all_cpus(TLB_FLUSH_MAP);
    debug = fake_cpu[0].cpu.tcg->stats.flushes[TLB_FLUSH_DEBUG];
    tlb_flush_all_cpus(TLB_FLUSH_DEBUG);
    after = flushes(0);
    g_assert_cmpuint(after, ==, before + 1);
    g_assert_cmpuint(fake_cpu[0].cpu.tcg->stats.flushes[TLB_FLUSH_DEBUG], ==,
                     debug + 1);
    cpus_resume_all();
}

static void test_shutdown(void)
{
    cpus_shutdown();
    bql_unlock();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    fake_cpus_start(false);
    for (unsigned i = 0; i < FAKE_CPUS; i++) {
        fake_cpu[i].cpu.tcg = g_aligned_alloc0(1, sizeof(TcgCpu), 64);
        tlb_init(&fake_cpu[i].cpu);
    }
    cpus_resume_all();
    g_test_add_func("/flush/held", test_held);
    g_test_add_func("/flush/storm", test_storm);
    g_test_add_func("/flush/none-lost", test_none_lost);
    g_test_add_func("/flush/meanwhile", test_meanwhile);
    g_test_add_func("/flush/causes", test_causes);
    g_test_add_func("/flush/shutdown", test_shutdown);
    return g_test_run();
}
