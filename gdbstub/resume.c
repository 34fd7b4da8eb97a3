/* SPDX-License-Identifier: MIT */
/* Running the guest for GDB, and telling why it stopped. */
#include "exec/debug.h"
#include "exec/gdb.h"
#include "gdbstub/server.h"
#include "system/runstate.h"
#include "util/timer.h"

/* GDB's numbers of signals. */
enum { SIG_INT = 2, SIG_QUIT = 3, SIG_TRAP = 5, SIG_ABRT = 6, SIG_STOP = 17 };

/* --- stop replies --- */

/* The one that comes after @cpu; the first after the last. */
static CPUState *next_cpu(CPUState *cpu)
{
    CPUState *next = rcu_dereference(cpu->next);

    return next ? next : cpu_get(0);
}

/* Which of the vCPUs that have stopped for the debugger is told of, NULL if
 * none has: GDB's step, or else each in turn.  A breakpoint stops the others
 * once more. */
static CPUState *find_stopped(const GdbServer *s)
{
    CPUState *cpu = s->cont_cpu;

    if (cpu->debug.stop == CPU_STOP_STEP) {
        return cpu;
    }
    do {
        cpu = next_cpu(cpu);
        if (cpu->debug.stop != CPU_STOP_NONE) {
            return cpu;
        }
    } while (cpu != s->cont_cpu);
    return NULL;
}

static unsigned signal_of_state(void)
{
    switch (runstate_get()) {
    case RUN_STATE_PAUSED:
        return SIG_INT;
    case RUN_STATE_SHUTDOWN:
        return SIG_QUIT;
    case RUN_STATE_INTERNAL_ERROR:
        return SIG_ABRT;
    case RUN_STATE_IO_ERROR:
        return SIG_STOP;
    default:
        return SIG_TRAP;
    }
}

/* GDB ignores a breakpoint's stop where it has none: one by linear address in
 * a segment with a base is a plain SIGTRAP to it. */
static void put_break(GdbServer *s, GString *out, CPUState *cpu)
{
    bool hard = cpu->debug.kind == DEBUG_BREAK_HARD;

    if (cpu->ops->gdb->get_pc(cpu) == cpu->debug.addr &&
        (hard ? s->hwbreak : s->swbreak)) {
        g_string_append(out, hard ? "hwbreak:;" : "swbreak:;");
    }
}

static void put_watch(GString *out, const CPUState *cpu)
{
    const char *prefix = cpu->debug.kind == DEBUG_WATCH_READ     ? "r"
                         : cpu->debug.kind == DEBUG_WATCH_ACCESS ? "a"
                                                                 : "";

    g_string_append_printf(out, "%swatch:%" PRIx64 ";", prefix,
                           cpu->debug.addr);
}

static void send_stop(GdbServer *s)
{
    CPUState *cpu = find_stopped(s);
    GString *out = g_string_new(NULL);

    s->waiting = false;
    s->cpu = s->cont_cpu = cpu ? cpu : s->cont_cpu;
    g_string_append_printf(out, "T%02xthread:%02x;",
                           cpu ? SIG_TRAP : signal_of_state(),
                           gdb_thread_id(s->cpu));
    if (cpu && cpu->debug.stop == CPU_STOP_BREAK) {
        cpu->debug.skip_break = true;
        cpu->debug.skip_addr = cpu->debug.addr;
        put_break(s, out, cpu);
    } else if (cpu && cpu->debug.stop == CPU_STOP_WATCH) {
        put_watch(out, cpu);
    }
    gdb_send(s, out->str, out->len);
    g_string_free(out, TRUE);
}

/* Steps are over, whatever came in between. */
static void end_steps(void)
{
    CPUState *cpu;

    CPU_FOREACH (cpu) {
        cpu->debug.step = 0;
        cpu->debug.held = false;
    }
}

void gdb_stopped(GdbServer *s)
{
    end_steps();
    if (s->connected && s->waiting) {
        send_stop(s);
    }
}

static void forget_stops(void)
{
    CPUState *cpu;

    CPU_FOREACH (cpu) {
        cpu->debug.stop = CPU_STOP_NONE;
        cpu->debug.asked = false;
    }
}

/* The next debugger has been told of nothing. */
static void forget_told(void)
{
    CPUState *cpu;

    CPU_FOREACH (cpu) {
        cpu->debug.skip_break = false;
    }
}

void gdb_release(void)
{
    bool running = runstate_is_running();

    cpus_pause_all();
    debug_points_clear();
    end_steps();
    forget_stops();
    forget_told();
    if (running) {
        clock_virtual_start();
        cpus_resume_all();
    }
}

/* --- going on --- */

/* Time stands still if all that run are steps that say so; but a halted vCPU
 * waits for an interrupt, which may well be a timer's. */
static bool without_time(void)
{
    CPUState *cpu;

    CPU_FOREACH (cpu) {
        if (!cpu->debug.held &&
            (!(cpu->debug.step & DEBUG_STEP_NOTIMER) ||
             __atomic_load_n(&cpu->halted, __ATOMIC_RELAXED))) {
            return false;
        }
    }
    return true;
}

/* Go on as every vCPU's debug.step and debug.held say. */
static void resume(GdbServer *s)
{
    RunState state = runstate_get();

    s->waiting = true;
    if (state == RUN_STATE_SHUTDOWN || state == RUN_STATE_INTERNAL_ERROR) {
        gdb_stopped(s); /* only a reset helps */
        return;
    }
    forget_stops();
    if (without_time()) {
        vm_start_without_time();
    } else {
        vm_start();
    }
}

/* "c [ADDR]" and "s [ADDR]" */
static bool set_start(GdbServer *s, const char *args)
{
    uint64_t pc;

    if (*args == '\0') {
        return true;
    }
    if (!gdb_get_hex(&args, &pc)) {
        gdb_send_text(s, GDB_E_INVALID);
        return false;
    }
    s->cont_cpu->ops->gdb->set_pc(s->cont_cpu, pc);
    return true;
}

void gdb_cont(GdbServer *s, const char *args, size_t len)
{
    if (set_start(s, args)) {
        resume(s);
    }
}

void gdb_step(GdbServer *s, const char *args, size_t len)
{
    if (set_start(s, args)) {
        s->cont_cpu->debug.step = s->step_bits;
        resume(s);
    }
}

/* A guest has no signals of the debugger's: "C SIG[;ADDR]" is "c [ADDR]". */
static const char *skip_signal(const char *args)
{
    uint64_t signal;

    gdb_get_hex(&args, &signal);
    return *args == ';' ? args + 1 : args;
}

void gdb_signal_cont(GdbServer *s, const char *args, size_t len)
{
    gdb_cont(s, skip_signal(args), len);
}

void gdb_signal_step(GdbServer *s, const char *args, size_t len)
{
    gdb_step(s, skip_signal(args), len);
}

/* --- vCont: an action for each thread --- */

typedef struct Action {
    CPUState *cpu; /* NULL: all that no action before it was for */
    bool step;
} Action;

/* ";c", ";s", ";C05", ";S05", each with ":THREAD" or without. */
static bool get_action(const char **pos, Action *a)
{
    uint64_t signal;
    char what;

    if (!gdb_skip(pos, ";")) {
        return false;
    }
    what = *(*pos)++;
    if ((what == 'C' || what == 'S') && !gdb_get_hex(pos, &signal)) {
        return false;
    }
    a->cpu = NULL;
    a->step = what == 's' || what == 'S';
    return (a->step || what == 'c' || what == 'C') &&
           (!gdb_skip(pos, ":") || gdb_get_thread(pos, &a->cpu));
}

static GArray *get_actions(const char *args)
{
    GArray *actions = g_array_new(FALSE, FALSE, sizeof(Action));
    Action a;

    while (*args) {
        if (!get_action(&args, &a)) {
            g_array_free(actions, TRUE);
            return NULL;
        }
        g_array_append_val(actions, a);
    }
    return actions;
}

/* The first that is for @cpu; NULL: it does not run. */
static const Action *action_of(const GArray *actions, const CPUState *cpu)
{
    for (guint i = 0; i < actions->len; i++) {
        const Action *a = &g_array_index(actions, Action, i);

        if (!a->cpu || a->cpu == cpu) {
            return a;
        }
    }
    return NULL;
}

void gdb_vcont(GdbServer *s, const char *args, size_t len)
{
    g_autoptr(GArray) actions = get_actions(args);
    CPUState *cpu;

    if (!actions || !actions->len) {
        gdb_send_text(s, GDB_E_INVALID);
        return;
    }
    CPU_FOREACH (cpu) {
        const Action *a = action_of(actions, cpu);

        cpu->debug.held = !a;
        cpu->debug.step = a && a->step ? s->step_bits : 0;
    }
    resume(s);
}
