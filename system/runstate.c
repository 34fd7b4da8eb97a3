/* SPDX-License-Identifier: MIT */
/*
 * The run state, and the requests that change it.  A request is a note in
 * `requested` and a bottom half, which acts on all notes in the main loop.
 */
#include "system/runstate.h"

#include <stdlib.h>

#include "block/block.h"
#include "exec/bql.h"
#include "exec/cpu.h"
#include "hw/device.h"
#include "util/main-loop.h"
#include "util/timer.h"

#define NO_STATUS (-1)

bool option_no_reboot, option_no_shutdown;
PanicAction option_panic;

static RunState current = RUN_STATE_PRELAUNCH; /* written under the BQL */
static GArray *listeners;                      /* RunStateListener; BQL */
static struct {
    void (*fn)(void *opaque);
    void *opaque;
} powerdown_handler; /* BQL */

/* Taken by the bottom half; atomic. */
static struct {
    ShutdownCause reset;
    ShutdownCause shutdown;
    int exit_status; /* NO_STATUS: 0, and -no-shutdown counts */
    RunState stop; /* RUN_STATE_RUNNING: none */
    bool powerdown;
    bool debug;
} requested = {.exit_status = NO_STATUS, .stop = RUN_STATE_RUNNING};

RunState runstate_get(void)
{
    return __atomic_load_n(&current, __ATOMIC_RELAXED);
}

static void runstate_set(RunState state)
{
    bql_assert_held();
    __atomic_store_n(&current, state, __ATOMIC_RELAXED);
}

bool runstate_is_running(void)
{
    return runstate_get() == RUN_STATE_RUNNING;
}

const char *runstate_name(RunState state)
{
    static const char *const names[] = {
        [RUN_STATE_PRELAUNCH] = "prelaunch",
        [RUN_STATE_RUNNING] = "running",
        [RUN_STATE_PAUSED] = "paused",
        [RUN_STATE_SHUTDOWN] = "shutdown",
        [RUN_STATE_DEBUG] = "debug",
        [RUN_STATE_INTERNAL_ERROR] = "internal-error",
        [RUN_STATE_IO_ERROR] = "io-error",
        [RUN_STATE_GUEST_PANICKED] = "guest-panicked",
    };

    return names[state];
}

const char *shutdown_cause_name(ShutdownCause cause)
{
    static const char *const names[] = {
        [SHUTDOWN_NONE] = "none",
        [SHUTDOWN_HOST_QMP_QUIT] = "host-qmp-quit",
        [SHUTDOWN_HOST_QMP_SYSTEM_RESET] = "host-qmp-system-reset",
        [SHUTDOWN_HOST_SIGNAL] = "host-signal",
        [SHUTDOWN_HOST_UI] = "host-ui",
        [SHUTDOWN_GUEST_SHUTDOWN] = "guest-shutdown",
        [SHUTDOWN_GUEST_RESET] = "guest-reset",
        [SHUTDOWN_GUEST_PANIC] = "guest-panic",
    };

    return names[cause];
}

/*
 * --- events ---
 * Sent after the state has changed, so that a listener that asks sees the new
 * one; SHUTDOWN is the exception, as it announces.
 */

void runstate_add_listener(const RunStateListener *listener)
{
    if (!listeners) {
        listeners = g_array_new(FALSE, FALSE, sizeof(*listener));
    }
    g_array_append_val(listeners, *listener);
}

static void send_event(const char *name, ShutdownCause cause)
{
    for (guint i = 0; listeners && i < listeners->len; i++) {
        RunStateListener *l = &g_array_index(listeners, RunStateListener, i);

        l->event(name, cause, l->opaque);
    }
}

void runstate_rtc_changed(int64_t offset_s)
{
    for (guint i = 0; listeners && i < listeners->len; i++) {
        RunStateListener *l = &g_array_index(listeners, RunStateListener, i);

        if (l->rtc_changed) {
            l->rtc_changed(offset_s, l->opaque);
        }
    }
}

static void send_panicked(bool crash_loaded, const char *action)
{
    for (guint i = 0; listeners && i < listeners->len; i++) {
        RunStateListener *l = &g_array_index(listeners, RunStateListener, i);

        if (l->guest_panicked) {
            l->guest_panicked(crash_loaded, action, l->opaque);
        }
    }
}

/*
 * --- start and stop ---
 * Guest time and vCPUs go together: time runs before the first vCPU does and
 * stands before the last one stops, so no timer fires in a stopped machine.
 */

static void start(bool with_time)
{
    bql_assert_held();
    if (runstate_is_running()) {
        return;
    }
    runstate_set(RUN_STATE_RUNNING);
    if (with_time) {
        clock_virtual_start();
    }
    send_event("RESUME", SHUTDOWN_NONE);
    block_retry();
    cpus_resume_all();
}

void vm_start(void)
{
    start(true);
}

void vm_start_without_time(void)
{
    start(false);
}

void vm_stop(RunState state)
{
    bql_assert_held();
    g_assert(state != RUN_STATE_RUNNING);
    if (!runstate_is_running()) {
        return;
    }
    /* The state first: pausing drops the BQL, and whoever comes in between
     * must not stop the machine a second time. */
    runstate_set(state);
    clock_virtual_stop();
    cpus_pause_all();
    if (runstate_is_running()) { /* somebody did come, with vm_start() */
        cpus_resume_all();
        return;
    }
    /* Nobody asks for more, and what is on its way ends: neither guest memory
     * nor a disk changes from here on. */
    block_settle();
    send_event("STOP", SHUTDOWN_NONE);
}

/* --- carrying out requests; main loop --- */

void system_reset(ShutdownCause cause)
{
    CPUState *cpu;

    cpus_pause_all();
    /* Devices first: a vCPU's reset reads the lines that they drive. */
    devices_reset_all();
    CPU_FOREACH(cpu) {
        cpu->ops->reset(cpu);
    }
    if (cause != SHUTDOWN_NONE) {
        send_event("RESET", cause);
    }
}

static void do_reset(ShutdownCause cause)
{
    system_reset(cause);
    if (runstate_is_running()) {
        cpus_resume_all();
    } else {
        runstate_set(RUN_STATE_PRELAUNCH);
    }
}

/* The user's own wish to end is not turned into a pause by -no-shutdown. */
static bool shutdown_must_end(ShutdownCause cause, int status)
{
    return !option_no_shutdown || status != NO_STATUS ||
           cause == SHUTDOWN_HOST_QMP_QUIT || cause == SHUTDOWN_HOST_SIGNAL ||
           cause == SHUTDOWN_HOST_UI;
}

static void do_shutdown(ShutdownCause cause)
{
    int status = __atomic_exchange_n(&requested.exit_status, NO_STATUS,
                                     __ATOMIC_SEQ_CST);

    send_event("SHUTDOWN", cause);
    if (!shutdown_must_end(cause, status)) {
        vm_stop(RUN_STATE_SHUTDOWN);
        return;
    }
    /* No STOP event: the process ends, and SHUTDOWN has told so. */
    runstate_set(RUN_STATE_SHUTDOWN);
    clock_virtual_stop();
    cpus_pause_all();
    main_loop_quit(status == NO_STATUS ? EXIT_SUCCESS : status);
}

static bool any_stopped_for_debugger(void)
{
    CPUState *cpu;

    CPU_FOREACH(cpu) {
        if (cpu->debug.asked) {
            return true;
        }
    }
    return false;
}

/* The debugger may have gone since: then who stopped for it goes on. */
static void do_debug(void)
{
    if (any_stopped_for_debugger()) {
        vm_stop(RUN_STATE_DEBUG);
    } else if (runstate_is_running()) {
        cpus_resume_all();
    }
}

static void do_stop(void)
{
    RunState state = __atomic_exchange_n(&requested.stop, RUN_STATE_RUNNING,
                                         __ATOMIC_SEQ_CST);

    if (state != RUN_STATE_RUNNING) {
        vm_stop(state);
    }
}

static ShutdownCause take(ShutdownCause *request)
{
    return __atomic_exchange_n(request, SHUTDOWN_NONE, __ATOMIC_SEQ_CST);
}

static void handle_requests(void *unused)
{
    ShutdownCause reset = take(&requested.reset);
    ShutdownCause shutdown = take(&requested.shutdown);

    if (reset && option_no_reboot && !shutdown) { /* -no-reboot: ends instead */
        shutdown = reset;
    }
    if (shutdown) {
        do_shutdown(shutdown); /* makes a reset moot */
    } else if (reset) {
        do_reset(reset);
    }
    do_stop();
    if (__atomic_exchange_n(&requested.debug, false, __ATOMIC_SEQ_CST)) {
        do_debug();
    }
    if (__atomic_exchange_n(&requested.powerdown, false, __ATOMIC_SEQ_CST)) {
        send_event("POWERDOWN", SHUTDOWN_NONE);
        if (powerdown_handler.fn) {
            powerdown_handler.fn(powerdown_handler.opaque);
        }
    }
}

/*
 * --- requests; any thread ---
 * Several of one kind before the main loop looks are one, with the last cause.
 */

static BottomHalf *request_bh; /* made by the first request */

static void make_request_bh(void)
{
    request_bh = bh_new(handle_requests, NULL);
}

static void schedule(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, make_request_bh);
    bh_schedule(request_bh);
}

/* The vCPU that asked goes no further: its next instruction belongs to the
 * machine after the reset. */
static void request(ShutdownCause *what, ShutdownCause cause)
{
    g_assert(cause != SHUTDOWN_NONE);
    __atomic_store_n(what, cause, __ATOMIC_SEQ_CST);
    schedule();
    cpu_stop_current();
}

void system_reset_request(ShutdownCause cause)
{
    request(&requested.reset, cause);
}

void system_shutdown_request(ShutdownCause cause)
{
    request(&requested.shutdown, cause);
}

void system_exit_request(ShutdownCause cause, int status)
{
    int none = NO_STATUS;

    /* The first one's status stands. */
    __atomic_compare_exchange_n(&requested.exit_status, &none, status, false,
                                __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    request(&requested.shutdown, cause);
}

void system_debug_request(void)
{
    bql_assert_held();
    current_cpu->debug.asked = true;
    __atomic_store_n(&requested.debug, true, __ATOMIC_SEQ_CST);
    schedule();
    cpu_stop_current();
}

void system_stop_request(RunState state)
{
    g_assert(state != RUN_STATE_RUNNING);
    __atomic_store_n(&requested.stop, state, __ATOMIC_SEQ_CST);
    schedule();
    cpu_stop_current();
}

void runstate_block_error(const BlockError *e)
{
    bql_assert_held();
    for (guint i = 0; listeners && i < listeners->len; i++) {
        RunStateListener *l = &g_array_index(listeners, RunStateListener, i);

        if (l->block_error) {
            l->block_error(e, l->opaque);
        }
    }
    if (e->action == BLOCK_ERROR_STOP) {
        system_stop_request(RUN_STATE_IO_ERROR);
    }
}

void system_guest_panicked(bool crash_loaded)
{
    bql_assert_held();
    if (crash_loaded || option_panic == PANIC_NONE) {
        send_panicked(crash_loaded, "run");
    } else if (option_panic == PANIC_EXIT_FAILURE) {
        send_panicked(false, "poweroff");
        system_exit_request(SHUTDOWN_GUEST_PANIC, EXIT_FAILURE);
    } else if (option_panic == PANIC_SHUTDOWN && !option_no_shutdown) {
        send_panicked(false, "poweroff");
        system_shutdown_request(SHUTDOWN_GUEST_PANIC);
    } else {
        send_panicked(false, "pause");
        system_stop_request(RUN_STATE_GUEST_PANICKED);
    }
}

void system_powerdown_request(void)
{
    __atomic_store_n(&requested.powerdown, true, __ATOMIC_SEQ_CST);
    schedule();
}

void system_set_powerdown_handler(void (*fn)(void *opaque), void *opaque)
{
    powerdown_handler.fn = fn;
    powerdown_handler.opaque = opaque;
}
