/* SPDX-License-Identifier: MIT */
/*
 * The watchdog: it looks twice in the time that a thread may stand still.  A
 * thread goes on if its beats do (util/thread-state.h): the iothread's with
 * each poll, a vCPU's when it looks for requests.  Translated code looks only
 * when it is asked to, so each look asks. Locks: none that others hold while
 * they stand still.
 */
#include "exec/stall.h"

#include "exec/cpu.h"
#include "util/error.h"
#include "util/timer.h"

static struct {
    Thread *thread;
    int64_t limit_ns;
    Mutex lock; /* guards the rest */
    Cond wake;
    bool quit;
} watch = { .lock = { .lock = PTHREAD_MUTEX_INITIALIZER, .name = "watchdog" },
            .wake = { PTHREAD_COND_INITIALIZER } };

typedef struct Look {
    int64_t now_ns, limit_ns;
    GString *out;
} Look;

/* --- one thread --- */

static void tell_wait(GString *out, ThreadState *t)
{
    pthread_mutex_lock(&t->wait_lock);
    if (t->wants) {
        const ThreadState *owner =
            __atomic_load_n(&t->wants->owner, __ATOMIC_RELAXED);
        const char *since = __atomic_load_n(&t->wants->where, __ATOMIC_RELAXED);

        g_string_append_printf(out, ": waits at %s for %s, held by %s since %s",
                               t->wait_where, t->wants->name,
                               thread_state_name(owner), since);
    } else if (t->wait_where) {
        g_string_append_printf(out, ": waits at %s to be woken", t->wait_where);
    }
    pthread_mutex_unlock(&t->wait_lock);
}

static void goes_on(ThreadState *t, const Look *look)
{
    if (t->told) {
        g_string_append_printf(look->out, "%s goes on\n", t->name);
    }
    t->told = false;
    t->seen_ns = look->now_ns;
}

static void look_at(ThreadState *t, void *opaque)
{
    const Look *look = opaque;
    int64_t still_ns = look->now_ns - t->seen_ns;
    uint64_t beats = __atomic_load_n(&t->beats, __ATOMIC_ACQUIRE);

    if (beats != t->seen_beats || !t->seen_ns ||
        !__atomic_load_n(&t->watched, __ATOMIC_RELAXED) ||
        __atomic_load_n(&t->idle, __ATOMIC_RELAXED)) {
        t->seen_beats = beats;
        goes_on(t, look);
    } else if (!t->told && still_ns >= look->limit_ns) {
        t->told = true;
        g_string_append_printf(look->out, "%s has stood still for %d ms",
                               t->name, (int)(still_ns / NS_PER_MS));
        tell_wait(look->out, t);
        g_string_append_c(look->out, '\n');
    }
}

/* One that sleeps finds it when it wakes. */
static void ask_cpus(void)
{
    CPUState *cpu;
    RCU_READ_GUARD();

    CPU_FOREACH(cpu) {
        cpu_exit(cpu);
    }
}

void stall_look(int64_t now_ns, int64_t limit_ns, GString *out)
{
    Look look = { now_ns, limit_ns, out };

    thread_state_foreach(look_at, &look);
    ask_cpus();
}

/* --- the watchdog's own thread --- */

static void look_and_report(int64_t now_ns)
{
    g_autoptr(GString) out = g_string_new(NULL);
    g_auto(GStrv) lines = NULL;

    stall_look(now_ns, watch.limit_ns, out);
    lines = g_strsplit(out->str, "\n", -1);
    for (char **line = lines; *line && **line; line++) {
        warn_report("%s", *line);
    }
}

/* Time in which this thread did not run either is no stall of the others: the
 * whole process was stopped. */
static void *watch_thread(void *unused)
{
    int64_t step_ns = watch.limit_ns / 2, now_ns = step_ns, last, late;

    mutex_lock(&watch.lock);
    while (!watch.quit) {
        last = clock_get_ns(CLOCK_TYPE_REALTIME);
        if (!cond_timedwait(&watch.wake, &watch.lock, step_ns)) {
            late = clock_get_ns(CLOCK_TYPE_REALTIME) - last - step_ns;
            now_ns += late < step_ns ? step_ns + late : step_ns;
            look_and_report(now_ns);
        }
    }
    mutex_unlock(&watch.lock);
    return NULL;
}

void stall_watch_start(unsigned ms)
{
    g_assert(!watch.thread && ms);
    watch.limit_ns = ms * NS_PER_MS;
    cond_init(&watch.wake);
    watch.thread = thread_create("watchdog", watch_thread, NULL);
}

void stall_watch_stop(void)
{
    if (!watch.thread) {
        return;
    }
    mutex_lock(&watch.lock);
    watch.quit = true;
    cond_signal(&watch.wake);
    mutex_unlock(&watch.lock);
    thread_join(g_steal_pointer(&watch.thread));
}
