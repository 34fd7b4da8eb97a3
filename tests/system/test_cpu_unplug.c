/* SPDX-License-Identifier: MIT */
/* vCPUs that come and go while others run.  "single": in thread=single. */
#include <sched.h>
#include <string.h>

#include "exec/bql.h"
#include "fake_cpu.h"
#include "util/main-loop.h"

static bool single;

static FakeCPU *fake(CPUState *cpu)
{
    return container_of(cpu, FakeCPU, cpu);
}

static void wait_freed(unsigned n)
{
    while (fake_cpus_freed < n) {
        g_main_context_iteration(NULL, FALSE); /* drops the BQL */
        sched_yield();
    }
}

static void take_away(CPUState *cpu)
{
    unsigned index = cpu->index, freed = fake_cpus_freed;

    cpu_unplug(cpu);
    g_assert_false(cpu->created);
    g_assert_null(cpu_get(index));
    cpu_release(cpu);
    wait_freed(freed + 1);
}

static void wait_rounds(CPUState *cpu)
{
    uint64_t *rounds = &fake(cpu)->rounds;
    uint64_t before = __atomic_load_n(rounds, __ATOMIC_SEQ_CST);

    bql_unlock();
    while (__atomic_load_n(rounds, __ATOMIC_SEQ_CST) == before) {
        sched_yield();
    }
    bql_lock();
}

static void add_one(CPUState *cpu, void *opaque)
{
    g_assert_true(bql_locked());
    g_assert_true(current_cpu == cpu || !cpu->created); /* or for it */
    __atomic_fetch_add((unsigned *)opaque, 1, __ATOMIC_SEQ_CST);
}

static void test_run(void)
{
    CPUState *cpu = fake_cpu_add(5, true);
    unsigned done = 0;

    g_assert_true(cpu_get(5) == cpu);
    wait_rounds(cpu);
    run_on_cpu(cpu, add_one, &done);
    g_assert_cmpuint(done, ==, 1);
    g_assert_cmpint(cpu->thread_id, !=, 0);
    g_assert_cmpint(cpu->thread_id == cpu_list->thread_id, ==, single);
    take_away(cpu);
    fake_cpus_wait_rounds(); /* the others go on */
}

static void assert_indices(const char *want)
{
    g_autoptr(GString) got = g_string_new(NULL);
    CPUState *cpu;

    CPU_FOREACH (cpu) {
        g_string_append_printf(got, "%u ", cpu->index);
    }
    g_assert_cmpstr(got->str, ==, want);
}

static void test_order(void)
{
    CPUState *nine = fake_cpu_add(9, true);
    CPUState *four = fake_cpu_add(4, true);
    CPUState *seven = fake_cpu_add(7, true);

    assert_indices("0 1 2 4 7 9 ");
    take_away(seven);
    assert_indices("0 1 2 4 9 ");
    g_assert_true(cpu_from(3) == four && cpu_from(5) == nine);
    g_assert_true(cpu_from(10) == cpu_get(0));
    take_away(four);
    four = fake_cpu_add(4, true);
    assert_indices("0 1 2 4 9 ");
    take_away(nine);
    take_away(four);
    assert_indices("0 1 2 ");
}

static void test_never_started(void)
{
    CPUState *cpu = fake_cpu_add(6, false);
    unsigned done = 0;

    async_run_on_cpu(cpu, add_one, &done);
    take_away(cpu);
    g_assert_cmpuint(done, ==, 1);
}

static void test_stopped(void)
{
    CPUState *cpu = fake_cpu_add(3, true);

    cpus_pause_all();
    take_away(cpu);
    cpu = fake_cpu_add(3, false);
    cpu_start_thread(cpu); /* comes into a machine that stands */
    g_assert_true(cpu->stopped);
    cpus_resume_all();
    wait_rounds(cpu);
    take_away(cpu);
}

/* Whoever found the vCPU before may post work until the end of its read
 * section: that is done before the memory goes. */
static void test_late_work(void)
{
    unsigned freed = fake_cpus_freed, done = 0;
    CPUState *cpu = fake_cpu_add(8, true);

    rcu_read_lock();
    cpu_unplug(cpu);
    cpu_release(cpu);
    for (int i = 0; i < 20; i++) {
        g_main_context_iteration(NULL, FALSE);
        g_usleep(100); /* a grace period that did not wait would be over */
    }
    g_assert_cmpuint(fake_cpus_freed, ==, freed);
    async_run_on_cpu(cpu, add_one, &done);
    rcu_read_unlock();
    wait_freed(freed + 1);
    g_assert_cmpuint(done, ==, 1);
}

static CPUState *told;

static void note_unplug(CPUState *cpu)
{
    g_assert_true(cpu_get(cpu->index) != cpu);
    told = cpu;
}

static void test_handler(void)
{
    CPUState *cpu = fake_cpu_add(3, true);

    cpus_set_unplug_handler(note_unplug);
    cpu_unplug(cpu);
    g_assert_true(told == cpu);
    cpus_set_unplug_handler(NULL);
    cpu_release(cpu);
    wait_freed(fake_cpus_freed + 1);
}

/* --- all at once --- */

enum { FIRST = FAKE_CPUS, LAST = FIRST + 7, ROUNDS = 300 };

static unsigned alone;       /* threads in an exclusive section; atomic */
static bool enough;          /* atomic */
static unsigned posted, ran; /* atomic */

static bool go_on(void)
{
    return !__atomic_load_n(&enough, __ATOMIC_SEQ_CST);
}

static void check_not_alone(FakeCPU *f)
{
    g_assert_cmpuint(__atomic_load_n(&alone, __ATOMIC_SEQ_CST), ==, 0);
}

static void be_alone(void)
{
    g_assert_cmpuint(__atomic_fetch_add(&alone, 1, __ATOMIC_SEQ_CST), ==, 0);
    sched_yield();
    __atomic_fetch_sub(&alone, 1, __ATOMIC_SEQ_CST);
}

static void *make_exclusive(void *unused)
{
    while (go_on()) {
        start_exclusive();
        be_alone();
        end_exclusive();
        sched_yield();
    }
    return NULL;
}

static void safe_work(CPUState *cpu, void *opaque)
{
    be_alone();
    __atomic_fetch_add(&ran, 1, __ATOMIC_SEQ_CST);
}

static void count_posted(void)
{
    __atomic_fetch_add(&posted, 1, __ATOMIC_SEQ_CST);
}

/* Without the BQL, from a read section. */
static void *post_work(void *unused)
{
    for (unsigned n = 0; go_on(); n++) {
        CPUState *cpu;

        rcu_read_lock();
        cpu = cpu_get(n % (LAST + 1));
        if (cpu) {
            count_posted();
            if (n % 4) {
                async_run_on_cpu(cpu, add_one, &ran);
            } else {
                async_safe_run_on_cpu(cpu, safe_work, NULL);
            }
            cpu_interrupt(cpu, CPU_INTERRUPT_HARD);
        }
        rcu_read_unlock();
        g_usleep(20);
    }
    return NULL;
}

static void *wait_for_work(void *unused)
{
    for (unsigned n = 0; go_on(); n++) {
        CPUState *cpu;

        bql_lock();
        cpu = cpu_get(n % (LAST + 1));
        if (cpu) {
            count_posted();
            run_on_cpu(cpu, add_one, &ran); /* or here, if it is gone */
        }
        bql_unlock();
        sched_yield();
    }
    return NULL;
}

static void *stop_and_go(void *unused)
{
    while (go_on()) {
        CPUState *cpu;

        bql_lock();
        cpus_pause_all();
        CPU_FOREACH (cpu) {
            g_assert_true(cpu->stopped || !cpu->created);
        }
        cpus_resume_all();
        bql_unlock();
        g_usleep(200);
    }
    return NULL;
}

static unsigned come_and_go(void)
{
    unsigned added = 0;

    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned index = g_test_rand_int_range(FIRST, LAST + 1);
        CPUState *cpu = cpu_get(index);

        if (cpu) {
            cpu_unplug(cpu);
            cpu_release(cpu);
        } else {
            fake_cpu_add(index, true);
            added++;
        }
        g_main_context_iteration(NULL, FALSE);
    }
    return added;
}

static void remove_all_added(void)
{
    for (unsigned index = FIRST; index <= LAST; index++) {
        CPUState *cpu = cpu_get(index);

        if (cpu) {
            cpu_unplug(cpu);
            cpu_release(cpu);
        }
    }
}

static void set_in_code(void (*fn)(FakeCPU *f))
{
    cpus_pause_all();
    for (unsigned i = 0; i < FAKE_CPUS; i++) {
        fake_cpu[i].in_code = fn;
    }
    cpus_resume_all();
}

static void test_stress(void)
{
    void *(*const fn[])(void *) = { make_exclusive, post_work, wait_for_work,
                                    stop_and_go };
    Thread *t[ARRAY_LEN(fn)];
    unsigned freed = fake_cpus_freed, added;

    set_in_code(check_not_alone);
    for (unsigned i = 0; i < ARRAY_LEN(fn); i++) {
        t[i] = thread_create("stress", fn[i], NULL);
    }
    added = come_and_go();
    __atomic_store_n(&enough, true, __ATOMIC_SEQ_CST);
    bql_unlock();
    for (unsigned i = 0; i < ARRAY_LEN(fn); i++) {
        thread_join(t[i]);
    }
    bql_lock();
    cpus_resume_all();
    remove_all_added();
    wait_freed(freed + added);
    for (unsigned i = 0; i < FAKE_CPUS; i++) {
        count_posted();
        run_on_cpu(&fake_cpu[i].cpu, add_one, &ran); /* behind the rest */
    }
    g_assert_cmpuint(ran, ==, posted);
    set_in_code(NULL);
    fake_cpus_wait_rounds();
    g_test_message("%u added, %u pieces of work", added, ran);
}

static void test_shutdown(void)
{
    CPUState *cpu = fake_cpu_add(4, true);

    cpus_shutdown();
    g_assert_false(cpu->created); /* it stays in the list, as all do */
    g_assert_true(cpu_get(4) == cpu);
    bql_unlock();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    single = argc > 1 && strcmp(argv[1], "single") == 0;
    fake_cpus_start(single);
    cpus_resume_all();
    g_test_add_func("/cpu-unplug/run", test_run);
    g_test_add_func("/cpu-unplug/order", test_order);
    g_test_add_func("/cpu-unplug/never-started", test_never_started);
    g_test_add_func("/cpu-unplug/stopped", test_stopped);
    g_test_add_func("/cpu-unplug/late-work", test_late_work);
    g_test_add_func("/cpu-unplug/handler", test_handler);
    g_test_add_func("/cpu-unplug/stress", test_stress);
    g_test_add_func("/cpu-unplug/shutdown", test_shutdown);
    return g_test_run();
}
