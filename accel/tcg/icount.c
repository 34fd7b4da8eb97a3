/* SPDX-License-Identifier: MIT */
/*
 * -icount: guest time is the number of instructions run, times a power of two.
 *
 * The VIRTUAL clock stands, as far as the host is concerned.  One thread runs
 * all vCPUs in turn, by slices of so many instructions that the next timer is
 * due when the last one has run; then it moves the clock on, which runs the
 * timers.  Each TB takes its instructions off icount_left at its head, and
 * leaves without a change if they are too many.  What the guest reads of the
 * clock in the middle of a slice counts the TB that runs as done.
 *
 * When all vCPUs wait, the clock goes to the next timer, at once or, with
 * sleep=on, when as much host time has passed; the main loop does that.
 *
 * Nothing that the host's time decides gets into the guest by way of these, so
 * that a run without input is the same each time: a kick ends a slice early,
 * but the same vCPU goes on with the rest of its turn.
 * Locks: BQL, but for what the vCPU thread calls in a slice.
 */
#include <string.h>

#include "accel/tcg/internal.h"
#include "exec/accel.h"
#include "util/error.h"
#include "util/timer.h"

#define TURN_NS    (1 * NS_PER_MS) /* of one vCPU, in guest time */
#define SHIFT_MAX  10
#define SHIFT_AUTO 3 /* to begin with */
#define ADJUST_NS  (100 * NS_PER_MS)

static struct {
    bool adjust; /* shift=auto */
    bool sleep;
    unsigned shift;
    int64_t host_ns, guest_ns; /* of the last adjustment */
    /* The slice that runs, of the vCPU thread only. */
    CPUState *cpu;
    int64_t slice; /* instructions; 0: none runs */
    int64_t turn;  /* those that were left of the turn when it began */
    bool idle; /* all vCPUs wait, or are stopped */
    Timer idle_timer;
} icount;

bool icount_parse(KeyVal *opts, GError **errp)
{
    const char *shift = keyval_get(opts, "shift", "auto");
    uint64_t n = SHIFT_AUTO;

    icount.adjust = !strcmp(shift, "auto");
    if ((!icount.adjust &&
         !keyval_get_uint(opts, "shift", 0, SHIFT_MAX, &n, errp)) ||
        !keyval_get_bool(opts, "sleep", true, &icount.sleep, errp) ||
        !keyval_check_used(opts, errp)) {
        return false;
    }
    if (icount.adjust && !icount.sleep) {
        error_setg(errp, "shift=auto follows the host's time, which sleep=off "
                         "does not");
        return false;
    }
    icount.shift = n;
    tcg_options.icount = true;
    return true;
}

/* --- time --- */

static int64_t slice_ns(void)
{
    if (!current_cpu || !icount.slice) {
        return 0;
    }
    return (icount.slice - icount.cpu->icount_left) << icount.shift;
}

/* Instructions until the first timer is due, @max at most. */
static int64_t insns_to_timer(int64_t max)
{
    int64_t next = timer_next_virtual_ns();
    int64_t ns = next - clock_get_ns(CLOCK_TYPE_VIRTUAL);

    if (next < 0) {
        return max;
    }
    return CLAMP((ns + (1 << icount.shift) - 1) >> icount.shift, 0, max);
}

static void idle_arm(void)
{
    int64_t next = timer_next_virtual_ns();
    int64_t ns = next - clock_get_ns(CLOCK_TYPE_VIRTUAL);

    if (next >= 0) {
        timer_mod_ns(&icount.idle_timer, clock_get_ns(CLOCK_TYPE_REALTIME) +
                                             (icount.sleep ? MAX(ns, 0) : 0));
    }
}

/* Another timer is the first one: the slice ends earlier, or later.  A kick
 * ends it at once, and the end that is then found must be the same. */
static void timers_changed(void)
{
    if (current_cpu && icount.slice) {
        int64_t done = icount.slice - icount.cpu->icount_left;
        int64_t left = insns_to_timer(icount.turn - done);

        icount.slice = done + left;
        icount.cpu->icount_left = left;
    } else if (icount.idle) {
        idle_arm();
    } else if (!current_cpu && cpu_list) {
        cpu_kick(cpu_list); /* it may be due within the slice (vCPU 0 stays) */
    }
}

static const VirtualCount virtual_count = {
    .since_ns = slice_ns,
    .timers_changed = timers_changed,
};

/* Follow the host's time, roughly. */
static void adjust_shift(void)
{
    int64_t host = clock_get_ns(CLOCK_TYPE_REALTIME);
    int64_t guest = clock_get_ns(CLOCK_TYPE_VIRTUAL);
    int64_t host_ns = host - icount.host_ns, guest_ns = guest - icount.guest_ns;

    if (!icount.adjust || host_ns < ADJUST_NS) {
        return;
    }
    if (guest_ns > host_ns + host_ns / 4 && icount.shift > 0) {
        icount.shift--;
    } else if (guest_ns < host_ns - host_ns / 4 && icount.shift < SHIFT_MAX) {
        icount.shift++;
    }
    icount.host_ns = host;
    icount.guest_ns = guest;
}

/* --- while all vCPUs wait --- */

/* False, too, when all are stopped: time stands then. */
static bool all_wait(void)
{
    bool some = false;
    CPUState *cpu;

    CPU_FOREACH (cpu) {
        if (!cpu_thread_is_idle(cpu)) {
            return false;
        }
        some |= cpu_can_run(cpu);
    }
    return some;
}

/* Main loop.  Who finds a vCPU with something to do leaves the clock to it: it
 * will sleep again, and arm the timer. */
static void idle_tick(void *opaque)
{
    int64_t next = timer_next_virtual_ns();

    if (!icount.idle || !all_wait() || next < 0) {
        return;
    }
    clock_virtual_advance(MAX(next - clock_get_ns(CLOCK_TYPE_VIRTUAL), 0));
    idle_arm();
}

void icount_sleeps(void)
{
    icount.idle = true;
    idle_arm();
}

/* Handle requests; sleep while there is nothing to run. */
static void wait_for_work(void)
{
    cpu_wait_io_event(cpu_list);
    if (icount.idle) {
        icount.idle = false;
        timer_del(&icount.idle_timer);
    }
}

/* --- running --- */

/* Up to *@turn instructions of @cpu, and what the clock does meanwhile. */
static CPUExit run_slice(CPUState *cpu, int64_t *turn)
{
    int64_t done;
    CPUExit why;

    clock_virtual_advance(0); /* what is due */
    current_cpu = cpu;
    tcg_backend->thread_init(cpu);
    icount.cpu = cpu;
    icount.turn = *turn;
    icount.slice = cpu->icount_left = insns_to_timer(*turn);
    why = tcg_run_cpu(cpu);
    done = icount.slice - cpu->icount_left;
    icount.slice = 0;
    *turn -= done;
    clock_virtual_advance(done << icount.shift);
    adjust_shift();
    return why;
}

/* The machine is stopped: who has the turn keeps it. */
static bool none_can_run(void)
{
    CPUState *cpu;

    CPU_FOREACH (cpu) {
        if (cpu_can_run(cpu)) {
            return false;
        }
    }
    return true;
}

void icount_run_all(void)
{
    unsigned next = 0; /* an index: vCPUs come and go while the thread waits */
    int64_t turn = TURN_NS >> icount.shift;

    clock_virtual_count(&virtual_count);
    timer_init(&icount.idle_timer, CLOCK_TYPE_REALTIME, idle_tick, NULL);
    while (!cpus_unplugged()) {
        CPUState *cpu = cpu_from(next);
        CPUExit why = none_can_run() ? CPU_EXIT_INTERRUPT : CPU_EXIT_HLT;

        if (cpu->index != next) { /* it has gone, and its turn with it */
            turn = TURN_NS >> icount.shift;
        }
        if (cpu_can_run(cpu) && !cpu_thread_is_idle(cpu)) {
            why = run_slice(cpu, &turn);
        }
        if (turn <= 0 || (why != CPU_EXIT_INTERRUPT && why != CPU_EXIT_COUNT)) {
            cpu = cpu->next ? cpu->next : cpu_list;
            turn = TURN_NS >> icount.shift;
        }
        next = cpu->index;
        wait_for_work();
    }
}
