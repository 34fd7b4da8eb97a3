/* SPDX-License-Identifier: MIT */
/* vCPU threads, posted work, exclusive sections and RCU waits, with vCPUs that
 * spin in "translated code".  Run with "single" for thread=single. */
#include <sched.h>
#include <string.h>
#include <time.h>

#include "exec/accel.h"
#include "exec/bql.h"
#include "fake_cpu.h"
#include "util/main-loop.h"

static bool single;

/* --- pause and resume --- */

static void assert_stands_still(void)
{
    uint64_t rounds[FAKE_CPUS];

    for (unsigned i = 0; i < FAKE_CPUS; i++) {
        g_assert_true(fake_cpu[i].cpu.stopped);
        g_assert_false(fake_cpu[i].cpu.running);
        rounds[i] = fake_cpu_rounds(i);
    }
    bql_unlock();
    g_usleep(1000);
    bql_lock();
    for (unsigned i = 0; i < FAKE_CPUS; i++) {
        g_assert_cmpuint(fake_cpu_rounds(i), ==, rounds[i]);
    }
}

/* Stopped vCPUs sleep: 20 ms pass without half as much of the host's time. */
static void test_sleep(void)
{
    struct timespec before, after;

    cpus_pause_all();
    bql_unlock();
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
    g_usleep(20000);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
    bql_lock();
    g_assert_cmpint((after.tv_sec - before.tv_sec) * 1000000000 +
                        after.tv_nsec - before.tv_nsec,
                    <, 10000000);
    cpus_resume_all();
}

static void test_pause(void)
{
    assert_stands_still(); /* not started yet */
    for (int i = 0; i < 20; i++) {
        cpus_resume_all();
        fake_cpus_wait_rounds();
        cpus_pause_all();
        assert_stands_still();
    }
    cpus_pause_all(); /* again: returns at once */
    cpus_resume_all();
}

static void pause_and_resume(CPUState *cpu, void *opaque)
{
    cpus_pause_all();
    for (unsigned i = 0; i < FAKE_CPUS; i++) {
        g_assert_true(fake_cpu[i].cpu.stopped);
    }
    *(bool *)opaque = true;
    cpus_resume_all();
}

static void test_pause_from_vcpu(void)
{
    for (unsigned i = 0; i < FAKE_CPUS; i++) {
        bool done = false;

        run_on_cpu(&fake_cpu[i].cpu, pause_and_resume, &done);
        g_assert_true(done);
    }
    fake_cpus_wait_rounds();
}

/* --- work --- */

typedef struct Note {
    CPUState *cpu;
    int thread;
    unsigned order;
} Note;

static unsigned notes;

static void take_note(CPUState *cpu, void *opaque)
{
    Note *note = opaque;

    g_assert_true(bql_locked());
    g_assert_false(cpu->running);
    g_assert_true(current_cpu == cpu);
    note->cpu = cpu;
    note->thread = thread_id();
    note->order = ++notes;
}

static void test_run_on_cpu(void)
{
    for (unsigned i = 0; i < FAKE_CPUS; i++) {
        CPUState *cpu = cpu_get(i);
        Note note = {NULL};

        g_assert_true(cpu == &fake_cpu[i].cpu);
        run_on_cpu(cpu, take_note, &note);
        g_assert_true(note.cpu == cpu);
        g_assert_cmpint(note.thread, ==, cpu->thread_id);
        g_assert_cmpint(note.thread, !=, thread_id());
    }
    g_assert_null(cpu_get(FAKE_CPUS));
}

static void test_work_order(void)
{
    Note note[10];

    notes = 0;
    for (int i = 0; i < 9; i++) {
        async_run_on_cpu(&fake_cpu[1].cpu, take_note, &note[i]);
    }
    run_on_cpu(&fake_cpu[1].cpu, take_note, &note[9]);
    for (unsigned i = 0; i < 10; i++) {
        g_assert_cmpuint(note[i].order, ==, i + 1);
    }
}

static void test_work_wakes_stopped(void)
{
    Note note = {NULL};

    cpus_pause_all();
    run_on_cpu(&fake_cpu[2].cpu, take_note, &note);
    g_assert_true(note.cpu == &fake_cpu[2].cpu);
    cpus_resume_all();
}

static void nested_work(CPUState *cpu, void *opaque)
{
    run_on_cpu(cpu, take_note, opaque); /* its own thread: at once */
}

static void test_run_on_self(void)
{
    Note note = {NULL};

    run_on_cpu(&fake_cpu[0].cpu, nested_work, &note);
    g_assert_true(note.cpu == &fake_cpu[0].cpu);
}

/* --- halt and interrupts --- */

static void wait_seen(FakeCPU *f, uint32_t bit)
{
    bql_unlock();
    while (!(__atomic_load_n(&f->seen, __ATOMIC_SEQ_CST) & bit)) {
        sched_yield();
    }
    bql_lock();
    __atomic_store_n(&f->seen, 0, __ATOMIC_SEQ_CST);
}

static void set_halt(bool halt)
{
    for (unsigned i = 0; i < FAKE_CPUS; i++) {
        __atomic_store_n(&fake_cpu[i].halt, halt, __ATOMIC_SEQ_CST);
        cpu_interrupt(&fake_cpu[i].cpu, CPU_INTERRUPT_POLL);
        wait_seen(&fake_cpu[i], CPU_INTERRUPT_POLL);
    }
}

/* Interrupts without the BQL against vCPUs that fall asleep each time: one that
 * got lost would hang the test. */
static void test_halt(void)
{
    set_halt(true);
    for (int i = 0; i < 500; i++) {
        FakeCPU *f = &fake_cpu[i % FAKE_CPUS];

        bql_unlock();
        cpu_interrupt(&f->cpu, CPU_INTERRUPT_HARD);
        bql_lock();
        wait_seen(f, CPU_INTERRUPT_HARD);
    }
    cpu_kick(&fake_cpu[0].cpu); /* no reason to leave a halt */
    set_halt(false);
    fake_cpus_wait_rounds();
}

static void test_reset_interrupt(void)
{
    CPUState *cpu = &fake_cpu[0].cpu;

    cpus_pause_all();
    cpu_interrupt(cpu, CPU_INTERRUPT_NMI | CPU_INTERRUPT_HARD);
    cpu_reset_interrupt(cpu, CPU_INTERRUPT_HARD);
    g_assert_true(cpu->interrupt_request & CPU_INTERRUPT_NMI);
    g_assert_false(cpu->interrupt_request & CPU_INTERRUPT_HARD);
    cpus_resume_all();
    wait_seen(&fake_cpu[0], CPU_INTERRUPT_NMI);
}

/* --- exclusive sections --- */

static unsigned alone;      /* threads that believe to be; atomic */
static unsigned exclusives; /* sections run */

static void check_not_alone(FakeCPU *f)
{
    g_assert_cmpuint(__atomic_load_n(&alone, __ATOMIC_SEQ_CST), ==, 0);
}

static void be_alone(void)
{
    g_assert_true(cpu_in_exclusive());
    g_assert_cmpuint(__atomic_fetch_add(&alone, 1, __ATOMIC_SEQ_CST), ==, 0);
    for (int i = 0; i < 3; i++) {
        sched_yield(); /* give check_not_alone() its chance */
    }
    exclusives++;
    __atomic_fetch_sub(&alone, 1, __ATOMIC_SEQ_CST);
}

static void *exclusive_thread(void *unused)
{
    for (int i = 0; i < 200; i++) {
        start_exclusive();
        start_exclusive(); /* nests */
        be_alone();
        end_exclusive();
        g_assert_true(cpu_in_exclusive());
        end_exclusive();
        g_assert_false(cpu_in_exclusive());
    }
    return NULL;
}

static void set_in_code(void (*fn)(FakeCPU *f))
{
    cpus_pause_all();
    for (unsigned i = 0; i < FAKE_CPUS; i++) {
        fake_cpu[i].in_code = fn;
    }
    cpus_resume_all();
}

static void test_exclusive(void)
{
    Thread *t[2];

    set_in_code(check_not_alone);
    exclusives = 0;
    for (int i = 0; i < 2; i++) {
        t[i] = thread_create("exclusive", exclusive_thread, NULL);
    }
    bql_unlock();
    for (int i = 0; i < 2; i++) {
        thread_join(t[i]);
    }
    bql_lock();
    g_assert_cmpuint(exclusives, ==, 400);
    fake_cpus_wait_rounds();
    set_in_code(NULL);
}

static void safe_work(CPUState *cpu, void *opaque)
{
    g_assert_false(bql_locked());
    be_alone();
}

static void test_safe_work(void)
{
    Note note;

    set_in_code(check_not_alone);
    exclusives = 0;
    for (unsigned i = 0; i < 30; i++) {
        async_safe_run_on_cpu(&fake_cpu[i % FAKE_CPUS].cpu, safe_work, NULL);
    }
    for (unsigned i = 0; i < FAKE_CPUS; i++) {
        run_on_cpu(&fake_cpu[i].cpu, take_note, &note); /* behind those */
    }
    g_assert_cmpuint(exclusives, ==, 30);
    set_in_code(NULL);
}

/* --- BQL and RCU --- */

static uint64_t polls; /* written under the BQL; atomic */

static void poll_device(FakeCPU *f)
{
    bql_lock();
    __atomic_fetch_add(&polls, 1, __ATOMIC_RELAXED);
    bql_unlock();
}

/* vCPUs that hammer the BQL must let this thread in before they have gone round
 * often.  Only most rounds are looked at, as the host may preempt any thread. */
static void test_bql_fair(void)
{
    enum { ROUNDS = 200, OVERTAKES = 4 * FAKE_CPUS };
    unsigned fair = 0;

    set_in_code(poll_device);
    fake_cpus_wait_rounds();
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t before;

        bql_unlock();
        g_usleep(50); /* the vCPUs have it among themselves */
        before = __atomic_load_n(&polls, __ATOMIC_RELAXED);
        bql_lock();
        fair += polls - before <= OVERTAKES;
    }
    g_test_message("%u of %u rounds", fair, ROUNDS);
    g_assert_cmpuint(fair, >=, ROUNDS * 9 / 10);
    set_in_code(NULL);
}

static void test_bql_sites(void)
{
    uint64_t taken = 0;
    const BqlSite *site;

    for (int i = 0; i < 100; i++) {
        bql_unlock();
        bql_lock();
    }
    for (unsigned i = 0; (site = bql_site_at(i)); i++) {
        g_assert_cmpuint(site->waited, <=, site->taken);
        if (strstr(site->where, "test_cpus.c:")) {
            taken = MAX(taken, site->taken);
        }
    }
    g_assert_cmpuint(taken, >=, 100);
}

static void reclaimed(struct rcu_head *head)
{
    g_free(head);
    main_loop_quit(0);
}

/* The vCPUs are readers and never leave by themselves. */
static void test_rcu_kicks(void)
{
    fake_cpus_wait_rounds();
    rcu_call(g_new0(struct rcu_head, 1), reclaimed);
    main_loop_run();
}

static Event reading, let_go;

static void *read_for_long(void *unused)
{
    RCU_READ_GUARD();
    event_set(&reading);
    event_wait(&let_go);
    return NULL;
}

static void freed(struct rcu_head *head)
{
    g_free(head);
}

static void defer_one(FakeCPU *f)
{
    rcu_call(g_new0(struct rcu_head, 1), freed);
}

/* A vCPU defers without end while a reader stands still and the main loop does
 * not run: it is that vCPU that waits, and no other. */
static void test_rcu_bounded(void)
{
    unsigned before = rcu_stats().throttled;
    Thread *reader;

    event_init(&reading, false);
    event_init(&let_go, false);
    reader = thread_create("reader", read_for_long, NULL);
    event_wait(&reading);
    cpus_pause_all();
    fake_cpu[0].in_code = defer_one;
    cpus_resume_all();
    bql_unlock();
    while (single ? rcu_stats().pending <= RCU_PENDING_MAX
                  : rcu_stats().throttled == before) {
        sched_yield();
    }
    for (unsigned i = 1; i < FAKE_CPUS && !single; i++) {
        uint64_t rounds = fake_cpu_rounds(i);

        while (fake_cpu_rounds(i) < rounds + 1000) {
            sched_yield();
        }
    }
    g_assert_cmpuint(rcu_stats().pending, <=, RCU_PENDING_MAX + 10);
    event_set(&let_go);
    thread_join(reader);
    bql_lock();
    set_in_code(NULL);
    cpus_pause_all(); /* no main loop kicks them out of their sections */
    bql_unlock();
    rcu_drain();
    bql_lock();
    g_assert_cmpuint(rcu_stats().pending, ==, 0);
    cpus_resume_all();
}

static void test_shutdown(void)
{
    cpus_shutdown();
    for (unsigned i = 0; i < FAKE_CPUS; i++) {
        g_assert_false(fake_cpu[i].cpu.created);
    }
    cpus_pause_all(); /* nobody to wait for */
    bql_unlock();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    single = argc > 1 && strcmp(argv[1], "single") == 0;
    fake_cpus_start(single);
    g_test_add_func("/cpus/pause", test_pause);
    g_test_add_func("/cpus/sleep", test_sleep);
    g_test_add_func("/cpus/pause-from-vcpu", test_pause_from_vcpu);
    g_test_add_func("/cpus/run-on-cpu", test_run_on_cpu);
    g_test_add_func("/cpus/work-order", test_work_order);
    g_test_add_func("/cpus/work-wakes-stopped", test_work_wakes_stopped);
    g_test_add_func("/cpus/run-on-self", test_run_on_self);
    g_test_add_func("/cpus/halt", test_halt);
    g_test_add_func("/cpus/reset-interrupt", test_reset_interrupt);
    g_test_add_func("/cpus/exclusive", test_exclusive);
    g_test_add_func("/cpus/safe-work", test_safe_work);
    g_test_add_func("/cpus/bql-fair", test_bql_fair);
    g_test_add_func("/cpus/bql-sites", test_bql_sites);
    g_test_add_func("/cpus/rcu-kicks", test_rcu_kicks);
    g_test_add_func("/cpus/rcu-bounded", test_rcu_bounded);
    g_test_add_func("/cpus/shutdown", test_shutdown);
    return g_test_run();
}
