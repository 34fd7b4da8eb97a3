/* SPDX-License-Identifier: MIT */
/* The watchdog's look at threads, with a clock of the test's own. */
#include "fake_cpu.h"

#include <sched.h>
#include <string.h>

#include "exec/bql.h"
#include "exec/stall.h"
#include "util/timer.h"

#define LIMIT_NS (100 * NS_PER_MS)

static int64_t now_ns = NS_PER_MS;
static Event arrived, release;

/* One look, half the limit after the one before. */
static char *look(void)
{
    GString *out = g_string_new(NULL);

    now_ns += LIMIT_NS / 2;
    stall_look(now_ns, LIMIT_NS, out);
    return g_string_free(out, FALSE);
}

static void expect_look(const char *want)
{
    g_autofree char *got = look();

    g_assert_cmpstr(got, ==, want);
}

static void count_alive(ThreadState *t, void *opaque)
{
    *(unsigned *)opaque +=
        g_str_has_prefix(t->name, "CPU ") &&
        __atomic_load_n(&t->beats, __ATOMIC_RELAXED) != t->seen_beats;
}

static void count_idle(ThreadState *t, void *opaque)
{
    *(unsigned *)opaque += g_str_has_prefix(t->name, "CPU ") &&
                           __atomic_load_n(&t->idle, __ATOMIC_RELAXED);
}

/* Those that wait in this file. */
static void count_waits(ThreadState *t, void *opaque)
{
    pthread_mutex_lock(&t->wait_lock);
    *(unsigned *)opaque += t->wait_where && strstr(t->wait_where, "stall.c");
    pthread_mutex_unlock(&t->wait_lock);
}

static void wait_until(void (*count)(ThreadState *t, void *opaque), unsigned n)
{
    unsigned seen;

    do {
        sched_yield();
        seen = 0;
        thread_state_foreach(count, &seen);
    } while (seen < n);
}

static void stand_still(FakeCPU *f)
{
    event_set(&arrived);
    event_wait(&release);
    f->in_code = NULL;
}

static void want_bql(FakeCPU *f)
{
    stand_still(f);
    bql_lock();
    bql_unlock();
}
enum { WANT_BQL_LINE = __LINE__ - 3 };

/* Let @n vCPUs answer what the last look asked. */
static void let_answer(unsigned n)
{
    wait_until(count_alive, n);
}

/* Have a vCPU run @fn once, and wait until it has arrived there. */
static void run_in_code(unsigned index, void (*fn)(FakeCPU *f))
{
    event_init(&arrived, false);
    event_init(&release, false);
    cpus_pause_all();
    fake_cpu[index].in_code = fn;
    cpus_resume_all();
    bql_unlock();
    event_wait(&arrived);
    bql_lock();
}

static void test_running(void)
{
    cpus_resume_all();
    bql_unlock();
    for (int i = 0; i < 10; i++) {
        expect_look("");
        let_answer(FAKE_CPUS);
    }
    bql_lock();
}

static void test_stuck(void)
{
    run_in_code(1, stand_still);
    bql_unlock();
    expect_look(""); /* its beat is seen */
    let_answer(FAKE_CPUS - 1);
    expect_look("");
    let_answer(FAKE_CPUS - 1);
    expect_look("CPU 1/FAKE has stood still for 100 ms\n");
    let_answer(FAKE_CPUS - 1);
    expect_look(""); /* told already */
    event_set(&release);
    let_answer(FAKE_CPUS);
    expect_look("CPU 1/FAKE goes on\n");
    let_answer(FAKE_CPUS);
    bql_lock();
}

static void test_holder(void)
{
    g_autofree char *here = NULL, *told = NULL;

    run_in_code(2, want_bql);
    event_set(&release); /* the BQL is ours */
    wait_until(count_waits, 1);
    expect_look("");
    expect_look("");
    told = look();
    here = g_strdup_printf("CPU 2/FAKE has stood still for 100 ms: waits at "
                           "../tests/system/test_stall.c:%d for BQL, held by "
                           "iothread since ",
                           WANT_BQL_LINE);
    g_assert_nonnull(strstr(told, here));
    bql_unlock();
    let_answer(FAKE_CPUS);
    g_free(look()); /* all of them go on: the others came for the BQL, too */
    let_answer(FAKE_CPUS);
    expect_look("");
    bql_lock();
}

/* Whoever has nothing to do may do so for long. */
static void expect_idle(void)
{
    bql_unlock();
    wait_until(count_idle, FAKE_CPUS);
    for (int i = 0; i < 10; i++) {
        expect_look("");
    }
    bql_lock();
}

static void test_halted(void)
{
    for (int i = 0; i < FAKE_CPUS; i++) {
        __atomic_store_n(&fake_cpu[i].halt, true, __ATOMIC_SEQ_CST);
        cpu_kick(&fake_cpu[i].cpu);
    }
    expect_idle();
    for (int i = 0; i < FAKE_CPUS; i++) {
        __atomic_store_n(&fake_cpu[i].halt, false, __ATOMIC_SEQ_CST);
        cpu_interrupt(&fake_cpu[i].cpu, CPU_INTERRUPT_HARD);
    }
    fake_cpus_wait_rounds();
}

static void test_paused(void)
{
    cpus_pause_all();
    expect_idle();
}

static void test_ended(void)
{
    cpus_shutdown();
    bql_unlock();
    for (int i = 0; i < 10; i++) {
        expect_look("");
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    fake_cpus_start(false);
    g_test_add_func("/stall/running", test_running);
    g_test_add_func("/stall/stuck", test_stuck);
    g_test_add_func("/stall/holder", test_holder);
    g_test_add_func("/stall/halted", test_halted);
    g_test_add_func("/stall/paused", test_paused);
    g_test_add_func("/stall/ended", test_ended);
    return g_test_run();
}
