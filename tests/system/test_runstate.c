/* SPDX-License-Identifier: MIT */
/* Start, stop, reset, shutdown: states, events and their order, with vCPUs that
 * spin.  Each case that ends the process's main loop is a test of its own. */
#include <string.h>

#include "exec/bql.h"
#include "fake_cpu.h"
#include "hw/device.h"
#include "system/runstate.h"
#include "util/main-loop.h"
#include "util/timer.h"

static GString *events;

static void note_event(const char *name, ShutdownCause cause, void *opaque)
{
    g_assert_true(bql_locked());
    g_string_append_printf(events, "%s:%s ", name, shutdown_cause_name(cause));
}

static void expect_events(const char *text)
{
    g_assert_cmpstr(events->str, ==, text);
    g_string_truncate(events, 0);
}

static void run_requests(void)
{
    while (g_main_context_iteration(NULL, FALSE)) {
    }
}

static void test_start_stop(void)
{
    int64_t now;

    g_assert_cmpstr(runstate_name(runstate_get()), ==, "prelaunch");
    vm_stop(RUN_STATE_PAUSED); /* not running: nothing */
    g_assert_cmpint(runstate_get(), ==, RUN_STATE_PRELAUNCH);
    vm_start();
    vm_start();
    g_assert_true(runstate_is_running());
    expect_events("RESUME:none ");
    fake_cpus_wait_rounds();
    vm_stop(RUN_STATE_PAUSED);
    g_assert_cmpstr(runstate_name(runstate_get()), ==, "paused");
    expect_events("STOP:none ");
    now = clock_get_ns(CLOCK_TYPE_VIRTUAL);
    g_assert_cmpint(now, >, 0);
    g_assert_cmpint(clock_get_ns(CLOCK_TYPE_VIRTUAL), ==, now);
    for (unsigned i = 0; i < FAKE_CPUS; i++) {
        g_assert_true(fake_cpu[i].cpu.stopped);
    }
}

static void test_reset(void)
{
    unsigned resets = fake_cpu[1].resets;

    vm_start();
    expect_events("RESUME:none ");
    system_reset_request(SHUTDOWN_HOST_QMP_SYSTEM_RESET);
    expect_events(""); /* not from inside the request */
    run_requests();
    expect_events("RESET:host-qmp-system-reset ");
    g_assert_cmpuint(fake_cpu[1].resets, ==, resets + 1);
    g_assert_true(runstate_is_running());
    fake_cpus_wait_rounds();
    vm_stop(RUN_STATE_PAUSED);
    system_reset_request(SHUTDOWN_GUEST_RESET);
    run_requests();
    expect_events("STOP:none RESET:guest-reset ");
    g_assert_cmpint(runstate_get(), ==, RUN_STATE_PRELAUNCH);
}

static void guest_asks_reset(CPUState *cpu, void *opaque)
{
    system_reset_request(SHUTDOWN_GUEST_RESET);
    g_assert_false(cpu_can_run(cpu));
}

/* The vCPU that asks runs nothing more of the old machine's code. */
static void test_reset_by_guest(void)
{
    vm_start();
    run_on_cpu(&fake_cpu[0].cpu, guest_asks_reset, NULL);
    run_requests();
    expect_events("RESUME:none RESET:guest-reset ");
    fake_cpus_wait_rounds(); /* vCPU 0 too goes on */
}

static void test_no_shutdown(void)
{
    option_no_shutdown = true;
    vm_start();
    g_string_truncate(events, 0);
    system_shutdown_request(SHUTDOWN_GUEST_SHUTDOWN);
    run_requests();
    expect_events("SHUTDOWN:guest-shutdown STOP:none ");
    g_assert_cmpint(runstate_get(), ==, RUN_STATE_SHUTDOWN);
    g_assert_true(fake_cpu[0].cpu.stopped);
    option_no_shutdown = false;
}

static bool powered_down;

static void note_powerdown(void *opaque)
{
    powered_down = true;
}

static void test_powerdown(void)
{
    system_set_powerdown_handler(note_powerdown, NULL);
    system_powerdown_request();
    run_requests();
    g_assert_true(powered_down);
    expect_events("POWERDOWN:none ");
}

static void test_end_by_reset(void)
{
    option_no_reboot = true;
    vm_start();
    g_string_truncate(events, 0);
    system_reset_request(SHUTDOWN_GUEST_RESET);
    main_loop_run();
    expect_events("SHUTDOWN:guest-reset ");
    g_assert_cmpint(main_loop_status(), ==, 0);
}

/* isa-debug-exit's (31 << 1 | 1) must come through, -no-shutdown or not. */
static void test_end_by_exit(void)
{
    option_no_shutdown = true;
    vm_start();
    g_string_truncate(events, 0);
    system_exit_request(SHUTDOWN_GUEST_SHUTDOWN, 63);
    system_exit_request(SHUTDOWN_GUEST_SHUTDOWN, 65);
    main_loop_run();
    expect_events("SHUTDOWN:guest-shutdown ");
    g_assert_cmpint(main_loop_status(), ==, 63);
}

static void test_end_by_signal(void)
{
    option_no_shutdown = true;
    system_reset_request(SHUTDOWN_GUEST_RESET);
    system_shutdown_request(SHUTDOWN_HOST_SIGNAL);
    main_loop_run();
    expect_events("SHUTDOWN:host-signal ");
    g_assert_cmpint(main_loop_status(), ==, 0);
}

/* The rest run as one process each: argv[1] names the way to end. */
static const struct {
    const char *name;
    void (*fn)(void);
} ends[] = {
    {"reset", test_end_by_reset},
    {"exit", test_end_by_exit},
    {"signal", test_end_by_signal},
};

int main(int argc, char **argv)
{
    static const RunStateListener listener = {.event = note_event};
    const char *end = "reset";
    int failed;

    g_test_init(&argc, &argv, NULL);
    events = g_string_new(NULL);
    fake_cpus_start(false);
    runstate_add_listener(&listener);
    g_test_add_func("/runstate/start-stop", test_start_stop);
    g_test_add_func("/runstate/reset", test_reset);
    g_test_add_func("/runstate/reset-by-guest", test_reset_by_guest);
    g_test_add_func("/runstate/no-shutdown", test_no_shutdown);
    g_test_add_func("/runstate/powerdown", test_powerdown);
    end = argc > 1 ? argv[1] : end;
    for (unsigned i = 0; i < ARRAY_LEN(ends); i++) {
        if (strcmp(ends[i].name, end) == 0) {
            g_test_add_func("/runstate/end", ends[i].fn);
        }
    }
    failed = g_test_run();
    cpus_shutdown();
    bql_unlock();
    g_string_free(events, TRUE);
    return failed;
}
