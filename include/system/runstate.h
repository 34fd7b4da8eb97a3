/* SPDX-License-Identifier: MIT */
/*
 * The machine's run state, and requests that change it.  The requests may come
 * from any thread (vCPUs and signal handlers' bottom halves too); they are
 * carried out by the main loop.  Locks: BQL for vm_stop/vm_start.
 */
#ifndef HEDDLE_SYSTEM_RUNSTATE_H
#define HEDDLE_SYSTEM_RUNSTATE_H

#include "block/block.h"
#include "util/common.h"

typedef enum RunState {
    RUN_STATE_PRELAUNCH, /* "prelaunch": -S, never started */
    RUN_STATE_RUNNING,   /* "running" */
    RUN_STATE_PAUSED,    /* "paused" */
    RUN_STATE_SHUTDOWN,  /* "shutdown": powered off under -no-shutdown */
    RUN_STATE_DEBUG,     /* "debug": stopped for a debugger */
    RUN_STATE_INTERNAL_ERROR, /* "internal-error" */
    RUN_STATE_IO_ERROR,       /* "io-error": a disk's, with werror=stop */
    RUN_STATE_GUEST_PANICKED, /* "guest-panicked" */
} RunState;

/* Names are QMP's ShutdownCause. */
typedef enum ShutdownCause {
    SHUTDOWN_NONE,
    SHUTDOWN_HOST_QMP_QUIT,
    SHUTDOWN_HOST_QMP_SYSTEM_RESET,
    SHUTDOWN_HOST_SIGNAL,
    SHUTDOWN_HOST_UI,
    SHUTDOWN_GUEST_SHUTDOWN,
    SHUTDOWN_GUEST_RESET,
    SHUTDOWN_GUEST_PANIC,
} ShutdownCause;

RunState runstate_get(void);
bool runstate_is_running(void);
const char *runstate_name(RunState state);
const char *shutdown_cause_name(ShutdownCause cause);

void vm_start(void);
/* The same, with guest time standing still: for a debugger's steps. */
void vm_start_without_time(void);
/* Nothing happens when it is stopped already. */
void vm_stop(RunState state);
/* Reset devices and vCPUs now; SHUTDOWN_NONE: the first time, no event.  Leaves
 * the vCPUs paused.  Locks: BQL. */
void system_reset(ShutdownCause cause);

void system_reset_request(ShutdownCause cause);
void system_shutdown_request(ShutdownCause cause);
/* End with @status when the shutdown is carried out (isa-debug-exit). */
void system_exit_request(ShutdownCause cause, int status);
/* The calling vCPU has stopped for the debugger (CPUState.debug.stop): so is
 * the machine to.  Locks: BQL. */
void system_debug_request(void);
/* Stop, when the main loop gets to it. */
void system_stop_request(RunState state);
void system_powerdown_request(void); /* presses the ACPI power button */
/* Pressed: called on the main loop under the BQL. */
void system_set_powerdown_handler(void (*fn)(void *opaque), void *opaque);

/*
 * The guest has given up: -action panic= says what comes.
 * @crash_loaded  no: a kernel of its own sees to the crash
 * Locks  BQL
 */
void system_guest_panicked(bool crash_loaded);

/* -no-reboot, -no-shutdown */
extern bool option_no_reboot, option_no_shutdown;
/* -action panic= */
typedef enum PanicAction {
    PANIC_SHUTDOWN,
    PANIC_PAUSE,
    PANIC_EXIT_FAILURE,
    PANIC_NONE,
} PanicAction;
extern PanicAction option_panic;

/* Events for monitors: STOP, RESUME, RESET, SHUTDOWN, POWERDOWN... */
typedef struct RunStateListener {
    void (*event)(const char *name, ShutdownCause cause, void *opaque);
    /* The guest has set its clock; may be NULL. */
    void (*rtc_changed)(int64_t offset_s, void *opaque);
    /* The host has failed a request; may be NULL. */
    void (*block_error)(const BlockError *e, void *opaque);
    /* @action: "pause", "poweroff", "run"; may be NULL. */
    void (*guest_panicked)(bool crash_loaded, const char *action, void *opaque);
    void *opaque;
} RunStateListener;
/* Tell of it, and stop the machine if that is the action.  Locks: BQL. */
void runstate_block_error(const BlockError *e);
/* @offset_s: of the guest's time from what it was started with.  Locks: BQL. */
void runstate_rtc_changed(int64_t offset_s);
void runstate_add_listener(const RunStateListener *listener);

#endif
